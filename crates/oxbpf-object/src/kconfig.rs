//! The kernel's configuration: settings in the text of `.config`, and what the variables of `.kconfig` make of them.
//!
//! Source: `Documentation/kbuild/kconfig-language.rst`, `Documentation/bpf/libbpf/libbpf_overview.rst`.

use std::fmt;

use crate::Endian;
use crate::btf::{Btf, Contents, TypeId};

/// One setting as written: `CONFIG_HZ=250`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting<'t> {
    /// Its name: `CONFIG_HZ`.
    pub name: &'t str,
    /// Its value: `y`, `m`, `n`, a number, or a text in double quotes.
    pub value: &'t str,
}

/// The settings in a configuration, in the order of the text. Lines that are no settings are passed over: comments, and those of what
/// is not set.
///
/// ```
/// use oxbpf_object::kconfig::settings;
///
/// let text = "# CONFIG_BPF_PRELOAD is not set\nCONFIG_BPF=y\nCONFIG_HZ=250\n";
/// assert_eq!(settings(text).last().unwrap().value, "250");
/// ```
pub fn settings(text: &str) -> impl Iterator<Item = Setting<'_>> {
    text.lines().filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        name.starts_with("CONFIG_").then_some(Setting {
            name,
            value: value.trim_end(),
        })
    })
}

/// What a variable of `.kconfig` can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Variable {
    /// `bool`: whether a setting is `y`.
    Bool,
    /// `char`: `y`, `m` or `n` as a letter, or a number.
    Char {
        /// Whether it can be negative.
        is_signed: bool,
    },
    /// `enum libbpf_tristate`: 0 is no, 1 is yes, 2 is module.
    Tristate {
        /// Bytes of it: 4 or 8.
        size: u32,
    },
    /// An integer.
    Int {
        /// Bytes of it: 2, 4 or 8.
        size: u32,
        /// Whether it can be negative.
        is_signed: bool,
    },
    /// An array of `char`: a text with its NUL, cut off where it is too long.
    Text {
        /// Bytes of it, at least 1.
        size: u32,
    },
}

/// Why a variable cannot have the value of its setting.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misfit {
    /// The variable is of another type than the value.
    Type {
        /// The value.
        value: String,
        /// What the variable could be.
        takes: &'static str,
        /// What it is.
        is: Variable,
    },
    /// The number is too large, or negative, for the variable.
    Range {
        /// The number as written.
        value: String,
        /// What the variable is.
        is: Variable,
    },
    /// It is no value at all.
    Malformed {
        /// What stands in its place.
        value: String,
    },
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Variable::Bool => f.write_str("bool"),
            Variable::Char { is_signed: true } => f.write_str("char"),
            Variable::Char { is_signed: false } => f.write_str("unsigned char"),
            Variable::Tristate { .. } => f.write_str("enum libbpf_tristate"),
            Variable::Int { size, is_signed } => {
                let sign = if is_signed { "a signed" } else { "an unsigned" };
                write!(f, "{sign} integer of {size} bytes")
            }
            Variable::Text { size } => write!(f, "char[{size}]"),
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misfit::Type { value, takes, is } => {
                write!(
                    f,
                    "the value {value} takes {takes}, but the variable is {is}"
                )
            }
            Misfit::Range { value, is } => {
                write!(f, "the value {value} is out of the range of {is}")
            }
            Misfit::Malformed { value } => write!(f, "`{value}` is no value"),
        }
    }
}

impl std::error::Error for Misfit {}

/// `TRI_YES` of `bpf_helpers.h`.
const YES: u64 = 1;
/// `TRI_MODULE` of `bpf_helpers.h`.
const MODULE: u64 = 2;

impl Variable {
    /// What a variable of this type can be; `None` if it cannot stand in `.kconfig`.
    #[must_use]
    pub fn of(btf: &Btf, ty: TypeId) -> Option<Variable> {
        let ty = btf.skip_modifiers_and_typedefs(ty).ok()?;
        match ty.contents() {
            Contents::Int(int) if int.is_bool => (int.size == 1).then_some(Variable::Bool),
            Contents::Int(int) => match int.size {
                1 => Some(Variable::Char {
                    is_signed: int.is_signed,
                }),
                2 | 4 | 8 => Some(Variable::Int {
                    size: int.size,
                    is_signed: int.is_signed,
                }),
                _ => None,
            },
            Contents::Enum(of) if ty.is_named("libbpf_tristate") => {
                matches!(of.size, 4 | 8).then_some(Variable::Tristate { size: of.size })
            }
            Contents::Array(array) if array.len != 0 => {
                let element = btf.skip_modifiers_and_typedefs(array.element).ok()?;
                match element.contents() {
                    Contents::Int(int) if int.size == 1 && !int.is_bool => {
                        Some(Variable::Text { size: array.len })
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Bytes of the variable.
    #[must_use]
    pub fn size(self) -> u32 {
        match self {
            Variable::Bool | Variable::Char { .. } => 1,
            Variable::Tristate { size } | Variable::Int { size, .. } | Variable::Text { size } => {
                size
            }
        }
    }

    /// What a multiple of its address is.
    #[must_use]
    pub fn align(self) -> u32 {
        match self {
            Variable::Text { .. } => 1,
            other => other.size(),
        }
    }

    /// The variable's bytes for a value as written in a configuration.
    ///
    /// # Errors
    ///
    /// When the value is of another type, out of range, or none.
    pub fn bytes_of(self, value: &str, endian: Endian) -> Result<Vec<u8>, Misfit> {
        let number = |number| Ok(self.bytes(number, endian));
        let misfit = |takes| {
            Err(Misfit::Type {
                value: value.to_owned(),
                takes,
                is: self,
            })
        };
        match (value, self) {
            ("y" | "m" | "n", Variable::Char { .. }) => {
                number(u64::from(value.bytes().next().unwrap_or(0)))
            }
            ("y", Variable::Bool | Variable::Tristate { .. }) => number(YES),
            ("n", Variable::Bool | Variable::Tristate { .. }) => number(0),
            ("m", Variable::Tristate { .. }) => number(MODULE),
            ("m", _) => misfit("a tristate or char"),
            ("y" | "n", _) => misfit("a bool, tristate or char"),
            (text, _) if text.starts_with('"') => match self {
                Variable::Text { size } => text_bytes(text, size),
                _ => misfit("an array of char"),
            },
            (digits, Variable::Char { .. } | Variable::Int { .. }) => {
                let parsed = parse_number(digits).ok_or_else(|| Misfit::Malformed {
                    value: value.to_owned(),
                })?;
                self.bytes_of_number(parsed, endian)
                    .map_err(|_| Misfit::Range {
                        value: value.to_owned(),
                        is: self,
                    })
            }
            (digits, _) => match parse_number(digits) {
                Some(_) => misfit("an integer"),
                None => Err(Misfit::Malformed {
                    value: value.to_owned(),
                }),
            },
        }
    }

    /// The variable's bytes for a number that does not come from a configuration. Negative ones are in two's complement; a `bool`
    /// can be 0 or 1.
    ///
    /// # Errors
    ///
    /// When the variable is neither an integer nor a `bool`, or the number out of its range.
    pub fn bytes_of_number(self, number: u64, endian: Endian) -> Result<Vec<u8>, Misfit> {
        let (bits, is_signed) = match self {
            Variable::Bool => (1, false),
            Variable::Char { is_signed } => (8, is_signed),
            Variable::Int { size, is_signed } => (size.saturating_mul(8), is_signed),
            _ => {
                return Err(Misfit::Type {
                    value: number.to_string(),
                    takes: "an integer or bool",
                    is: self,
                });
            }
        };
        // What is cut off may only repeat the sign.
        let cut = 64u32.saturating_sub(bits);
        let kept = match is_signed {
            true => ((number << cut) as i64 >> cut) as u64,
            false => number << cut >> cut,
        };
        match kept == number {
            true => Ok(self.bytes(number, endian)),
            false => Err(Misfit::Range {
                value: number.to_string(),
                is: self,
            }),
        }
    }

    /// The lowest bytes of a number, as many as the variable has.
    fn bytes(self, number: u64, endian: Endian) -> Vec<u8> {
        let mut bytes = number.to_le_bytes().to_vec();
        bytes.truncate(self.size() as usize);
        if endian == Endian::Big {
            bytes.reverse();
        }
        bytes
    }
}

fn text_bytes(quoted: &str, size: u32) -> Result<Vec<u8>, Misfit> {
    let text = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or_else(|| Misfit::Malformed {
            value: quoted.to_owned(),
        })?;
    let size = size as usize;
    let mut bytes: Vec<u8> = text.bytes().take(size.saturating_sub(1)).collect();
    bytes.resize(size, 0);
    Ok(bytes)
}

/// A number as C writes it: decimal, hexadecimal after `0x`, octal after `0`. Negative ones come in two's complement.
fn parse_number(text: &str) -> Option<u64> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, radix) = match (
        digits
            .strip_prefix("0x")
            .or_else(|| digits.strip_prefix("0X")),
        digits.strip_prefix('0'),
    ) {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) if !digits.is_empty() => (digits, 8),
        _ => (digits, 10),
    };
    // `from_str_radix` takes signs too, but only one sign is one.
    let parsed = digits
        .starts_with(|c: char| c.is_ascii_hexdigit())
        .then(|| u64::from_str_radix(digits, radix).ok())
        .flatten()?;
    Some(match is_negative {
        true => parsed.wrapping_neg(),
        false => parsed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::btf::{Array, BtfBuilder, Enumerator, Int};

    const INT: Variable = Variable::Int {
        size: 4,
        is_signed: true,
    };
    const UNSIGNED: Variable = Variable::Int {
        size: 4,
        is_signed: false,
    };

    fn bytes(variable: Variable, value: &str) -> Result<Vec<u8>, Misfit> {
        variable.bytes_of(value, Endian::Little)
    }

    #[test]
    fn finds_settings_and_passes_over_the_rest() {
        let text =
            "#\n# CONFIG_A is not set\nCONFIG_B=y\nOTHER=1\nCONFIG_C=\"a=b\"\r\nCONFIG_D\n=\n";
        let found: Vec<_> = settings(text).map(|s| (s.name, s.value)).collect();
        assert_eq!(found, [("CONFIG_B", "y"), ("CONFIG_C", "\"a=b\"")]);
    }

    #[test]
    fn tristates_fit_what_can_hold_them() {
        let char = Variable::Char { is_signed: true };
        let tristate = Variable::Tristate { size: 4 };
        assert_eq!(bytes(Variable::Bool, "y").unwrap(), [1]);
        assert_eq!(bytes(Variable::Bool, "n").unwrap(), [0]);
        assert_eq!(bytes(char, "m").unwrap(), [b'm']);
        assert_eq!(bytes(char, "y").unwrap(), [b'y']);
        assert_eq!(bytes(tristate, "y").unwrap(), [1, 0, 0, 0]);
        assert_eq!(bytes(tristate, "m").unwrap(), [2, 0, 0, 0]);
        assert_eq!(bytes(tristate, "n").unwrap(), [0; 4]);
        let wide = Variable::Tristate { size: 8 };
        assert_eq!(
            wide.bytes_of("m", Endian::Big).unwrap(),
            [0, 0, 0, 0, 0, 0, 0, 2]
        );
        for (variable, value) in [
            (Variable::Bool, "m"),
            (INT, "y"),
            (Variable::Text { size: 4 }, "n"),
        ] {
            let error = bytes(variable, value).unwrap_err();
            assert!(matches!(error, Misfit::Type { .. }), "{error}");
        }
    }

    #[test]
    fn numbers_are_those_of_c() {
        for (text, expected) in [
            ("0", 0),
            ("250", 250),
            ("0x1F", 0x1f),
            ("0X1f", 0x1f),
            ("010", 8),
            ("-1", u64::MAX),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse_number(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "-",
            "0x",
            "--1",
            "-+1",
            "0x-1",
            "08",
            "1 ",
            "1x",
            "18446744073709551616",
        ] {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_have_to_fit() {
        assert_eq!(bytes(INT, "-2").unwrap(), (-2i32).to_le_bytes());
        assert_eq!(bytes(INT, "2147483647").unwrap(), i32::MAX.to_le_bytes());
        assert_eq!(bytes(UNSIGNED, "0xffffffff").unwrap(), [0xff; 4]);
        assert_eq!(
            UNSIGNED.bytes_of("0x10203", Endian::Big).unwrap(),
            [0, 1, 2, 3]
        );
        let signed_char = Variable::Char { is_signed: true };
        let unsigned_char = Variable::Char { is_signed: false };
        assert_eq!(bytes(signed_char, "-128").unwrap(), [0x80]);
        assert_eq!(bytes(unsigned_char, "255").unwrap(), [0xff]);
        for (variable, value) in [
            (INT, "2147483648"),
            (UNSIGNED, "4294967296"),
            (UNSIGNED, "-1"),
            (signed_char, "128"),
            (unsigned_char, "256"),
        ] {
            let error = bytes(variable, value).unwrap_err();
            assert!(matches!(error, Misfit::Range { .. }), "{error}");
        }
        let long = Variable::Int {
            size: 8,
            is_signed: false,
        };
        assert_eq!(bytes(long, "-1").unwrap(), [0xff; 8]);
        let number = |number| Variable::Bool.bytes_of_number(number, Endian::Little);
        assert_eq!((number(0), number(1)), (Ok(vec![0]), Ok(vec![1])));
        assert!(matches!(number(2), Err(Misfit::Range { .. })));
        assert!(matches!(
            bytes(Variable::Bool, "1"),
            Err(Misfit::Type { .. })
        ));
        assert!(matches!(bytes(INT, "maybe"), Err(Misfit::Malformed { .. })));
        assert!(matches!(bytes(INT, ""), Err(Misfit::Malformed { .. })));
    }

    #[test]
    fn texts_are_cut_off_and_end_with_nul() {
        let text = |size| Variable::Text { size };
        assert_eq!(bytes(text(8), "\"bbr\"").unwrap(), *b"bbr\0\0\0\0\0");
        assert_eq!(bytes(text(3), "\"cubic\"").unwrap(), *b"cu\0");
        assert_eq!(bytes(text(1), "\"x\"").unwrap(), *b"\0");
        assert_eq!(bytes(text(2), "\"\"").unwrap(), *b"\0\0");
        assert!(matches!(
            bytes(text(4), "\""),
            Err(Misfit::Malformed { .. })
        ));
        assert!(matches!(
            bytes(text(4), "\"a"),
            Err(Misfit::Malformed { .. })
        ));
        assert!(matches!(bytes(INT, "\"a\""), Err(Misfit::Type { .. })));
        assert!(matches!(bytes(text(4), "12"), Err(Misfit::Type { .. })));
    }

    #[test]
    fn variables_are_told_by_their_types() {
        let mut types = BtfBuilder::new();
        let bool_type = |size| Int {
            is_bool: true,
            ..Int::unsigned(size)
        };
        let bool = types.add_int("_Bool", bool_type(1));
        let wide_bool = types.add_int("wide", bool_type(4));
        let char = types.add_signed("char", 1);
        let long = types.add_unsigned("long", 8);
        let huge = types.add_unsigned("__int128", 16);
        let yes = [Enumerator {
            name: "TRI_YES",
            value: 1,
        }];
        let tristate = types.add_enum("libbpf_tristate", 4, false, &yes);
        let other = types.add_enum("other", 4, false, &yes);
        let array = |element, len| Array {
            element,
            index: long,
            len,
        };
        let constant = types.add_const(char);
        let text = types.add_array(array(constant, 16));
        let empty = types.add_array(array(char, 0));
        let longs = types.add_array(array(long, 2));
        let alias = types.add_typedef("u64", long);
        let btf = types.build().unwrap();
        let of = |id| Variable::of(&btf, id);
        assert_eq!(of(bool), Some(Variable::Bool));
        assert_eq!(of(char), Some(Variable::Char { is_signed: true }));
        assert_eq!(
            of(alias),
            Some(Variable::Int {
                size: 8,
                is_signed: false
            })
        );
        assert_eq!(of(tristate), Some(Variable::Tristate { size: 4 }));
        assert_eq!(of(text), Some(Variable::Text { size: 16 }));
        assert_eq!(of(text).map(|v| (v.size(), v.align())), Some((16, 1)));
        assert_eq!(of(alias).map(|v| (v.size(), v.align())), Some((8, 8)));
        for id in [
            wide_bool,
            huge,
            other,
            empty,
            longs,
            TypeId::VOID,
            TypeId(99),
        ] {
            assert_eq!(of(id), None, "{id}");
        }
    }
}
