//! What the bytes of a map mean, for tools: shown and read as text.

use std::os::fd::AsFd;

use oxbpf_object::btf::{Btf, Error as BtfError, TypeId, Value};
use oxbpf_object::kernel::MapType;

use super::{Map, possible_cpus};
use crate::btf::{self, KernelBtf};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, PER_CPU_ALIGN, is_per_cpu, uapi};

/// What the bytes of a key or a value mean.
#[derive(Clone, Debug)]
struct Form {
    meaning: Meaning,
    size: usize,
}

#[derive(Clone, Debug)]
enum Meaning {
    Type(Btf, TypeId),
    Number,
    Unknown,
}

impl Form {
    fn known(&self) -> Option<(&Btf, TypeId)> {
        match &self.meaning {
            Meaning::Type(btf, id) => Some((btf, *id)),
            _ => None,
        }
    }

    fn value<'a>(&'a self, bytes: &'a [u8]) -> Value<'a> {
        match &self.meaning {
            Meaning::Type(btf, id) => btf.value(*id, bytes),
            Meaning::Number => match bytes {
                &[a, b, c, d] => Value::Unsigned(u32::from_ne_bytes([a, b, c, d]).into()),
                bytes => bytes
                    .first_chunk()
                    .filter(|_| bytes.len() == 8)
                    .map_or(Value::Bytes(bytes), |word| {
                        Value::Unsigned(u64::from_ne_bytes(*word).into())
                    }),
            },
            Meaning::Unknown => Value::Bytes(bytes),
        }
    }

    fn parse(&self, text: &str) -> Result<Vec<u8>, String> {
        let mut bytes = vec![0; self.size];
        match &self.meaning {
            Meaning::Type(btf, id) => btf
                .write_value(*id, text, &mut bytes)
                .map_err(|error| format!("at character {}: {error}", error.at()))?,
            Meaning::Number | Meaning::Unknown => {
                let plain = text.trim();
                let number = match plain.strip_prefix("0x") {
                    Some(digits) => u64::from_str_radix(digits, 16).ok(),
                    None => plain.parse().ok(),
                };
                let number = number.filter(|_| matches!(self.meaning, Meaning::Number));
                bytes = match (number, self.size) {
                    (Some(number), 4) if number <= u32::MAX.into() => {
                        (number as u32).to_ne_bytes().into()
                    }
                    (Some(number), 8) => number.to_ne_bytes().into(),
                    _ => hexadecimal(plain)
                        .filter(|bytes| bytes.len() == self.size)
                        .ok_or_else(|| {
                            format!("its {} bytes are written `hex 01 02 …`", self.size)
                        })?,
                }
            }
        }
        Ok(bytes)
    }
}

/// Bytes, such as "hex 01 02 ff", as they are shown too, without the "hex".
fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("hex ").unwrap_or(text).chars();
    let digits: Option<Vec<u32>> = digits
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(
        digits
            .chunks_exact(2)
            .map(|pair| (pair[0] * 16 + pair[1]) as u8)
            .collect(),
    )
}

/// What the bytes of a map's keys and values mean: by the types that the map was made with, where it was.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let map: oxbpf::Map = unimplemented!();
/// let shape = map.shape()?;
/// for entry in map.entries() {
///     let (key, value) = entry?;
///     println!("{} = {}", shape.key(&key), shape.value(&value));
/// }
/// let key = shape.parse_key("{address=0x7f000001, port=80}")?;
/// map.set(&key, &shape.parse_value("5")?, Default::default())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Shape {
    name: String,
    key: Form,
    value: Form,
    /// The CPUs that have a value each, where they do.
    cpus: Option<&'static [u32]>,
}

impl Map {
    /// What its keys and values mean. Without types, indices and ids are numbers, and everything else hexadecimal bytes.
    ///
    /// # Errors
    ///
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) without CAP_SYS_ADMIN, if the map has types;
    /// [`InvalidObject`](ErrorKind::InvalidObject) if these contradict the map.
    pub fn shape(&self) -> Result<Shape> {
        let doing = || format!("looking up the types of {self}");
        let info: uapi::MapInfo =
            sys::obj_info(self.as_fd()).map_err(|errno| Error::syscall(errno, doing()))?;
        let failed =
            |error: BtfError| Error::new(ErrorKind::InvalidObject, doing()).with_source(error);
        let form = |btf: &Btf, id: u32, size: u32| match id {
            0 => Ok(None),
            id => match btf.size_of(TypeId(id)) {
                Ok(found) if found == u64::from(size) => Ok(Some(Form {
                    meaning: Meaning::Type(btf.clone(), TypeId(id)),
                    size: size as usize,
                })),
                Ok(_) => Ok(None),
                Err(error) => Err(failed(error)),
            },
        };
        let (mut key, mut value) = (None, None);
        if info.btf_id != 0 {
            let btf = btf::from_id(info.btf_id).map_err(|error| error.context(doing()))?;
            key = form(&btf, info.btf_key_type_id, self.key_size())?;
            value = form(&btf, info.btf_value_type_id, self.value_size())?;
        }
        if info.btf_vmlinux_value_type_id != 0 {
            let kernel = KernelBtf::running().map_err(|error| error.context(doing()))?;
            let id = info.btf_vmlinux_value_type_id;
            value = form(kernel.types(), id, self.value_size()).unwrap_or_default();
        }
        Ok(Shape {
            name: self.to_string(),
            key: key.unwrap_or_else(|| without_types(self.key_size(), self.is_indexed())),
            value: value.unwrap_or_else(|| without_types(self.value_size(), holds_ids(self))),
            cpus: match is_per_cpu(self.map_type()) {
                true => Some(possible_cpus()?),
                false => None,
            },
        })
    }
}

fn without_types(size: u32, is_number: bool) -> Form {
    let meaning = match is_number {
        true => Meaning::Number,
        false => Meaning::Unknown,
    };
    Form {
        meaning,
        size: size as usize,
    }
}

/// Whether values are numbers of programs, maps, devices or sockets.
fn holds_ids(map: &Map) -> bool {
    matches!(
        map.map_type(),
        MapType::PROG_ARRAY
            | MapType::ARRAY_OF_MAPS
            | MapType::HASH_OF_MAPS
            | MapType::SOCKMAP
            | MapType::SOCKHASH
            | MapType::REUSEPORT_SOCKARRAY
            | MapType::DEVMAP
            | MapType::DEVMAP_HASH
            | MapType::CPUMAP
    ) && map.value_size() <= 8
}

impl Shape {
    /// The type of keys, where it is known.
    #[must_use]
    pub fn key_type(&self) -> Option<(&Btf, TypeId)> {
        self.key.known()
    }

    /// The type of values, where it is known.
    #[must_use]
    pub fn value_type(&self) -> Option<(&Btf, TypeId)> {
        self.value.known()
    }

    /// What the bytes of a key mean.
    #[must_use]
    pub fn key<'a>(&'a self, bytes: &'a [u8]) -> Value<'a> {
        self.key.value(bytes)
    }

    /// What the bytes of a value mean. Where each CPU has its own, that is an array with one for each CPU, in ascending order.
    #[must_use]
    pub fn value<'a>(&'a self, bytes: &'a [u8]) -> Value<'a> {
        if self.cpus.is_none() {
            return self.value.value(bytes);
        }
        let stride = self.value.size.next_multiple_of(PER_CPU_ALIGN).max(1);
        let values = bytes.chunks(stride);
        let own = |all: &'a [u8]| all.get(..self.value.size).unwrap_or(all);
        Value::Array(values.map(|all| self.value.value(own(all))).collect())
    }

    /// Reads a key from text; see [`Btf::write_value`].
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput), with the place in the text.
    pub fn parse_key(&self, text: &str) -> Result<Vec<u8>> {
        self.parse(&self.key, "key", text)
    }

    /// Reads a value from text; see [`Btf::write_value`]. Where each CPU has its own, one value is for all of them, and `[…]` with one for
    /// each CPU sets them apart.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput), with the place in the text.
    pub fn parse_value(&self, text: &str) -> Result<Vec<u8>> {
        let Some(cpus) = self.cpus else {
            return self.parse(&self.value, "value", text);
        };
        let values = match self.parse(&self.value, "value", text) {
            Ok(value) => vec![value; cpus.len()],
            Err(error) => {
                let Some(values) = list(text) else {
                    return Err(error);
                };
                if values.len() != cpus.len() {
                    return Err(Error::new(
                        ErrorKind::InvalidInput,
                        format!("reading a value of {}", self.name),
                    )
                    .with_reason(format!(
                        "there are {} values, this machine has {} CPUs",
                        values.len(),
                        cpus.len()
                    )));
                }
                let values = values.into_iter();
                values
                    .map(|value| self.parse(&self.value, "value", value))
                    .collect::<Result<_>>()?
            }
        };
        let mut all = Vec::new();
        for value in values {
            all.extend(value);
            all.resize(all.len().next_multiple_of(PER_CPU_ALIGN), 0);
        }
        Ok(all)
    }

    fn parse(&self, form: &Form, what: &str, text: &str) -> Result<Vec<u8>> {
        form.parse(text).map_err(|error| {
            Error::new(
                ErrorKind::InvalidInput,
                format!("reading a {what} of {} from `{text}`", self.name),
            )
            .with_reason(error)
        })
    }
}

/// The elements of a list in brackets, taken apart where no other bracket or quote is open.
fn list(text: &str) -> Option<Vec<&str>> {
    let inner = text.trim().strip_prefix('[')?.strip_suffix(']')?;
    let (mut parts, mut start, mut depth, mut quoted, mut escaped) =
        (Vec::new(), 0, 0, false, false);
    for (at, character) in inner.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(inner[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = inner[start..].trim();
    if !last.is_empty() {
        parts.push(last);
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_taken_apart_at_their_own_commas() {
        assert_eq!(list("[1, 2]").unwrap(), ["1", "2"]);
        assert_eq!(list(" [] ").unwrap(), Vec::<&str>::new());
        assert_eq!(
            list(r#"[{a: 1, b: [2, 3]}, "x,\",]", {}]"#).unwrap(),
            ["{a: 1, b: [2, 3]}", r#""x,\",]""#, "{}"]
        );
        assert!(list("{1}").is_none());
    }
}
