//! Values in memory, understood by their types: records of a ring, keys and values of a map, variables.

use std::fmt::{self, Write};

use super::{Array, Btf, Contents, Int, Kind, Type, TypeId, bits};
use crate::Endian;
use crate::limits::{MAX_TYPE_DEPTH, MAX_VALUE_PARTS};
use crate::printable::Printable;

/// A value, as its type says.
///
/// The text of it is on one line, as C would have it more or less: `{pid=1, comm="init", flags=[1, 0]}`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// An integer without a sign.
    Unsigned(u128),
    /// An integer with a sign.
    Signed(i128),
    /// A boolean; what is not 0 is true.
    Bool(bool),
    /// A floating-point number.
    Float(f64),
    /// An address.
    Pointer(u64),
    /// A value of an enumeration.
    Enumerator {
        /// Its name; empty if none of the enumerators has this value.
        name: &'a str,
        /// Its number.
        value: i128,
    },
    /// An array of `char`, up to the first NUL; of one that the bytes end within, up to the last that is no NUL.
    Text(&'a [u8]),
    /// An array.
    Array(Vec<Value<'a>>),
    /// The members of a structure, or of a union, which are different views of the same bytes, or the variables of a section. Those of
    /// members without a name are among them.
    Struct(Vec<(&'a str, Value<'a>)>),
    /// What has no type that could be understood.
    Bytes(&'a [u8]),
}

impl Btf {
    /// Reads a value of a type from bytes.
    ///
    /// There may be fewer bytes than the type has, as in records that end where their contents do: what is not there is left out. A
    /// last array without a length takes what is left. Of values with more than
    /// [`MAX_VALUE_PARTS`] parts the rest is left out.
    ///
    /// ```
    /// use oxbpf_object::btf::{BtfBuilder, Member};
    ///
    /// let mut btf = BtfBuilder::new();
    /// let int = btf.add_signed("int", 4);
    /// let pid = Member { name: "pid", ty: int, bit_offset: 0, bitfield_size: 0 };
    /// let event = btf.add_struct("event", 4, &[pid]);
    /// let btf = btf.build()?;
    /// let bytes = 7i32.to_ne_bytes();
    /// let value = btf.value(event, &bytes);
    /// assert_eq!(value.to_string(), "{pid=7}");
    /// # Ok::<(), oxbpf_object::btf::Error>(())
    /// ```
    #[must_use]
    pub fn value<'a>(&'a self, id: TypeId, bytes: &'a [u8]) -> Value<'a> {
        let mut reader = Reader {
            btf: self,
            parts: MAX_VALUE_PARTS,
        };
        reader.value(id, bytes, MAX_TYPE_DEPTH)
    }

    /// Whether a type is `char`, whichever sign it has.
    pub(super) fn is_char(&self, id: TypeId) -> bool {
        self.skip_modifiers_and_typedefs(id)
            .is_ok_and(|ty| match ty.contents() {
                Contents::Int(int) => int.size == 1 && (int.is_char || ty.name() == "char"),
                _ => false,
            })
    }
}

struct Reader<'a> {
    btf: &'a Btf,
    /// How many more parts are read.
    parts: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, id: TypeId, bytes: &'a [u8], depth: usize) -> Value<'a> {
        let Some(below) = depth.checked_sub(1) else {
            return Value::Bytes(bytes);
        };
        let Ok(ty) = self.btf.skip_modifiers_and_typedefs(id) else {
            return Value::Bytes(bytes);
        };
        let endian = self.btf.endian();
        match ty.contents() {
            Contents::Int(int) => self.int(int, bytes),
            Contents::Enum(list) => {
                let size = list.size as usize;
                let value = match number(endian, bytes, size) {
                    Some(bits) if list.is_signed => extend(bits, size.saturating_mul(8)),
                    Some(bits) => i128::try_from(bits).unwrap_or(0),
                    None => return Value::Bytes(bytes),
                };
                enumerator(ty, value)
            }
            Contents::Ptr(_) => {
                let size = usize::from(self.btf.pointer_size());
                match number(endian, bytes, size) {
                    Some(bits) => Value::Pointer(bits as u64),
                    None => Value::Bytes(bytes),
                }
            }
            Contents::Float(4) => match bytes.first_chunk() {
                Some(bytes) if endian == Endian::Little => {
                    Value::Float(f32::from_le_bytes(*bytes).into())
                }
                Some(bytes) => Value::Float(f32::from_be_bytes(*bytes).into()),
                None => Value::Bytes(bytes),
            },
            Contents::Float(8) => match bytes.first_chunk() {
                Some(bytes) if endian == Endian::Little => Value::Float(f64::from_le_bytes(*bytes)),
                Some(bytes) => Value::Float(f64::from_be_bytes(*bytes)),
                None => Value::Bytes(bytes),
            },
            Contents::Array(array) => self.array(array, bytes, below),
            Contents::Struct(_) | Contents::Union(_) => {
                let mut members = Vec::new();
                self.members(ty, bytes, below, &mut members);
                Value::Struct(members)
            }
            Contents::Var(variable) => self.value(variable.ty, bytes, below),
            Contents::DataSection(section) => {
                let mut variables = Vec::new();
                for variable in section.variables() {
                    let start = variable.offset as usize;
                    let own = start
                        .checked_add(variable.size as usize)
                        .and_then(|end| bytes.get(start..end));
                    let name = self.btf.get(variable.ty).map(Type::name);
                    let (Some(own), Ok(name), Some(parts)) = (own, name, self.parts.checked_sub(1))
                    else {
                        continue;
                    };
                    self.parts = parts;
                    variables.push((name, self.value(variable.ty, own, below)));
                }
                Value::Struct(variables)
            }
            _ => Value::Bytes(bytes),
        }
    }

    fn int(&self, int: Int, bytes: &'a [u8]) -> Value<'a> {
        let size = int.size as usize;
        let Some(bits) = number(self.btf.endian(), bytes, size) else {
            return Value::Bytes(bytes);
        };
        let used = usize::from(int.bits).min(size.saturating_mul(8));
        let bits = bits.checked_shr(int.bit_offset.into()).unwrap_or(0);
        of_bits(int, mask(bits, used), used)
    }

    fn array(&mut self, array: Array, bytes: &'a [u8], depth: usize) -> Value<'a> {
        let size = self.btf.size_of(array.element).unwrap_or(0);
        let Some(size) = usize::try_from(size).ok().filter(|size| *size > 0) else {
            return Value::Array(Vec::new());
        };
        // Without a length, it takes what is left.
        let wanted = match array.len {
            0 => usize::MAX,
            len => size.saturating_mul(len as usize),
        };
        let bytes = bytes.get(..wanted).unwrap_or(bytes);
        if self.btf.is_char(array.element) {
            // What is sent only as far as it is filled may be several strings.
            let is_cut = array.len == 0 || bytes.len() < wanted;
            let text = match is_cut {
                true => bytes.get(
                    ..bytes
                        .iter()
                        .rposition(|byte| *byte != 0)
                        .map_or(0, |n| n.saturating_add(1)),
                ),
                false => bytes.split(|byte| *byte == 0).next(),
            };
            return Value::Text(text.unwrap_or_default());
        }
        let mut elements = Vec::new();
        for element in bytes.chunks_exact(size) {
            let Some(parts) = self.parts.checked_sub(1) else {
                break;
            };
            self.parts = parts;
            elements.push(self.value(array.element, element, depth));
        }
        Value::Array(elements)
    }

    fn members(
        &mut self,
        ty: Type<'a>,
        bytes: &'a [u8],
        depth: usize,
        into: &mut Vec<(&'a str, Value<'a>)>,
    ) {
        let Some(below) = depth.checked_sub(1) else {
            return;
        };
        let last = ty.element_count().saturating_sub(1);
        for (index, member) in (0..).zip(ty.members()) {
            let Some(parts) = self.parts.checked_sub(1) else {
                return;
            };
            self.parts = parts;
            let start = (member.bit_offset / 8) as usize;
            let Some(rest) = bytes.get(start..).filter(|rest| !rest.is_empty()) else {
                continue;
            };
            let Ok(inner) = self.btf.skip_modifiers_and_typedefs(member.ty) else {
                continue;
            };
            let is_bits = member.bitfield_size != 0
                || matches!(inner.contents(), Contents::Int(int) if int.bit_offset != 0);
            let value = if is_bits {
                match self.bit_field(inner, member.bit_offset, member.bitfield_size, bytes) {
                    Some(value) => value,
                    None => continue,
                }
            } else {
                let is_endless = inner.kind() == Kind::ARRAY && inner.array_len() == 0;
                if is_endless && index != last {
                    continue;
                }
                let size = self.btf.size_of(member.ty).unwrap_or(0);
                let size = if is_endless {
                    rest.len()
                } else {
                    size as usize
                };
                let own = rest.get(..size).unwrap_or(rest);
                if member.name.is_empty() && matches!(inner.kind(), Kind::STRUCT | Kind::UNION) {
                    self.members(inner, own, below, into);
                    continue;
                }
                // Half a number is none.
                let is_whole = own.len() == size;
                let is_scalar = !matches!(inner.kind(), Kind::STRUCT | Kind::UNION | Kind::ARRAY);
                if is_scalar && !is_whole {
                    continue;
                }
                self.value(member.ty, own, below)
            };
            if !member.name.is_empty() {
                into.push((member.name, value));
            }
        }
    }

    fn bit_field(
        &self,
        ty: Type<'a>,
        bit_offset: u32,
        width: u8,
        bytes: &[u8],
    ) -> Option<Value<'a>> {
        let (offset, width) = match (width, ty.contents()) {
            (0, Contents::Int(int)) => (bit_offset.saturating_add(int.bit_offset.into()), int.bits),
            (width, _) => (bit_offset, width),
        };
        let value = bits::get(bytes, offset, width.into(), self.btf.endian())?;
        Some(match ty.contents() {
            Contents::Enum(list) if list.is_signed => enumerator(ty, extend(value, width.into())),
            Contents::Enum(_) => enumerator(ty, i128::try_from(value).ok()?),
            Contents::Int(int) => of_bits(int, value, width.into()),
            _ => Value::Unsigned(value),
        })
    }
}

fn enumerator<'a>(list: Type<'a>, value: i128) -> Value<'a> {
    let found = list.enumerators().find(|e| e.value == value);
    Value::Enumerator {
        name: found.map_or("", |e| e.name),
        value,
    }
}

fn of_bits<'a>(int: Int, bits: u128, used: usize) -> Value<'a> {
    match (int.is_bool, int.is_signed) {
        (true, _) => Value::Bool(bits != 0),
        (false, true) => Value::Signed(extend(bits, used)),
        (false, false) => Value::Unsigned(bits),
    }
}

/// A number of up to 16 bytes.
fn number(endian: Endian, bytes: &[u8], size: usize) -> Option<u128> {
    let bytes = bytes.get(..size).filter(|_| (1..=16).contains(&size))?;
    let push = |number: u128, byte: &u8| number << 8 | u128::from(*byte);
    Some(match endian {
        Endian::Big => bytes.iter().fold(0, push),
        Endian::Little => bytes.iter().rev().fold(0, push),
    })
}

fn mask(bits: u128, used: usize) -> u128 {
    match 1u128.checked_shl(used as u32) {
        Some(limit) => bits & limit.wrapping_sub(1),
        None => bits,
    }
}

/// The number with a sign that so many bits are.
fn extend(bits: u128, used: usize) -> i128 {
    let unused = 128u32.saturating_sub(used as u32);
    let shifted = bits.checked_shl(unused).unwrap_or(0);
    (shifted as i128).checked_shr(unused).unwrap_or(0)
}

/// Text in quotes, with what cannot be shown as escapes.
fn write_text(text: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for chunk in text.utf8_chunks() {
        write!(f, "{}", chunk.valid().escape_debug())?;
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    f.write_str("\"")
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = |n: usize| if n == 0 { "" } else { ", " };
        match self {
            Value::Unsigned(number) => number.fmt(f),
            Value::Signed(number) => number.fmt(f),
            Value::Bool(is) => is.fmt(f),
            Value::Float(number) => number.fmt(f),
            Value::Pointer(address) => write!(f, "{address:#x}"),
            Value::Enumerator { name: "", value } => value.fmt(f),
            Value::Enumerator { name, .. } => Printable(f).write_str(name),
            Value::Text(text) => write_text(text, f),
            Value::Array(elements) => {
                f.write_str("[")?;
                for (n, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", separator(n))?;
                }
                f.write_str("]")
            }
            Value::Struct(members) => {
                f.write_str("{")?;
                for (n, (name, value)) in members.iter().enumerate() {
                    f.write_str(separator(n))?;
                    Printable(f).write_str(name)?;
                    write!(f, "={value}")?;
                }
                f.write_str("}")
            }
            Value::Bytes(bytes) => {
                for (n, byte) in bytes.iter().enumerate() {
                    let space = if n == 0 { "" } else { " " };
                    write!(f, "{space}{byte:02x}")?;
                }
                Ok(())
            }
        }
    }
}
