//! Text to values of a type: what people write for a variable.

use std::fmt;

use super::{Array, Btf, Contents, Int, Type, TypeId};
use crate::Endian;
use crate::limits::MAX_TYPE_DEPTH;

/// Text that is no value of its type: where, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueTextError {
    at: usize,
    reason: String,
}

impl ValueTextError {
    /// Where in the text, in bytes.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }
}

/// One sentence without a full stop.
impl fmt::Display for ValueTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for ValueTextError {}

type Result<T> = std::result::Result<T, ValueTextError>;

impl Btf {
    /// Writes a value, given as text, over the bytes of a variable or the like.
    ///
    /// Numbers are decimal, hexadecimal (`0x`), or a character (`'a'`); booleans `true`, `false`, 1 or 0; enumerators have their name;
    /// arrays are `[1, 2]`, structures `{pid=1, name="x"}`; an array of `char` is text, with or without quotes. What an array or
    /// structure does not name becomes 0.
    ///
    /// # Errors
    /// The text is no value of that type, or too large a one: with the character where that shows. The bytes are as they were then.
    pub fn write_value(&self, id: TypeId, text: &str, bytes: &mut [u8]) -> Result<()> {
        let mut written = bytes.to_vec();
        let mut parser = Parser {
            btf: self,
            text,
            at: 0,
        };
        parser.blanks();
        match self.skip_modifiers_and_typedefs(id).map(Type::contents) {
            // All of it, whatever is in it.
            Ok(Contents::Array(array))
                if self.is_char(array.element) && !parser.rest().starts_with(['"', '[']) =>
            {
                put_text(text.as_bytes(), 0, &mut written)?;
            }
            _ => {
                parser.value(id, &mut written, MAX_TYPE_DEPTH)?;
                parser.blanks();
                if !parser.rest().is_empty() {
                    return Err(parser.error("nothing may follow the value"));
                }
            }
        }
        bytes.copy_from_slice(&written);
        Ok(())
    }
}

struct Parser<'a> {
    btf: &'a Btf,
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn error(&self, reason: impl Into<String>) -> ValueTextError {
        ValueTextError {
            at: self.at,
            reason: reason.into(),
        }
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        let blanks = rest.len().saturating_sub(rest.trim_start().len());
        self.at = self.at.saturating_add(blanks);
    }

    /// Steps over a character, if it comes next.
    fn take(&mut self, c: char) -> bool {
        self.blanks();
        let is_there = self.rest().starts_with(c);
        if is_there {
            self.at = self.at.saturating_add(c.len_utf8());
        }
        is_there
    }

    /// What comes up to a blank or a sign that ends a value.
    fn word(&mut self) -> &'a str {
        self.blanks();
        let rest = self.rest();
        let is_end = |c: char| c.is_whitespace() || ",]}=".contains(c);
        let word = rest.get(..rest.find(is_end).unwrap_or(rest.len()));
        word.unwrap_or_default()
    }

    fn value(&mut self, id: TypeId, bytes: &mut [u8], depth: usize) -> Result<()> {
        let below = depth
            .checked_sub(1)
            .ok_or_else(|| self.error("the type is too deep"))?;
        let broken = |error: super::Error| ValueTextError {
            at: 0,
            reason: error.to_string(),
        };
        let ty = self.btf.skip_modifiers_and_typedefs(id).map_err(broken)?;
        self.blanks();
        match ty.contents() {
            Contents::Int(int) if int.is_bool => {
                let word = self.word();
                let value = match word {
                    "true" | "1" | "yes" | "on" => 1,
                    "false" | "0" | "no" | "off" => 0,
                    _ => return Err(self.error("it is to be `true` or `false`")),
                };
                self.step(word.len());
                self.put(value, int.size, bytes)
            }
            Contents::Int(int) => {
                let value = self.number(int, ty.name())?;
                self.put(value, int.size, bytes)
            }
            Contents::Enum(list) => {
                let word = self.word();
                let named = list.enumerators().find(|e| e.name == word);
                let value = match named {
                    Some(enumerator) => {
                        self.step(word.len());
                        enumerator.value
                    }
                    None if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                        let int = Int {
                            is_signed: list.is_signed,
                            ..Int::unsigned(list.size.min(16) as u8)
                        };
                        self.number(int, ty.name())?
                    }
                    None => {
                        let names: Vec<_> = list.enumerators().map(|e| e.name).take(8).collect();
                        return Err(self.error(format!("it is to be one of {}", names.join(", "))));
                    }
                };
                self.put(value, list.size, bytes)
            }
            Contents::Ptr(_) => {
                let size = self.btf.pointer_size();
                let value = self.number(Int::unsigned(size), "address")?;
                self.put(value, size.into(), bytes)
            }
            Contents::Array(array) => self.array(array, bytes, below),
            Contents::Struct(composite) | Contents::Union(composite) => {
                if !self.take('{') {
                    return Err(self.error("a structure is written `{name=value, ...}`"));
                }
                bytes.fill(0);
                while !self.take('}') {
                    let word = self.word();
                    let member = composite.members().find(|m| m.name == word);
                    let Some(member) = member.filter(|m| !m.name.is_empty()) else {
                        let names: Vec<_> = composite.members().map(|m| m.name).take(8).collect();
                        return Err(
                            self.error(format!("a member is to come: one of {}", names.join(", ")))
                        );
                    };
                    if member.bitfield_size != 0 {
                        return Err(self.error("bit-fields cannot be set"));
                    }
                    self.step(word.len());
                    if !self.take('=') {
                        return Err(self.error("`=` is to come after the name of a member"));
                    }
                    let start = (member.bit_offset / 8) as usize;
                    let size = self.btf.size_of(member.ty).map_err(broken)?;
                    let own = bytes
                        .get_mut(start..)
                        .and_then(|b| b.get_mut(..size as usize));
                    let own = own.ok_or_else(|| self.error("the member is not in the variable"))?;
                    self.value(member.ty, own, below)?;
                    self.next_or('}')?;
                }
                Ok(())
            }
            _ => Err(self.error("values of this type cannot be written")),
        }
    }

    fn array(&mut self, array: Array, bytes: &mut [u8], depth: usize) -> Result<()> {
        if self.btf.is_char(array.element) && self.rest().starts_with('"') {
            let start = self.at;
            self.step(1);
            let rest = self.rest();
            let Some(end) = rest.find('"') else {
                self.at = start;
                return Err(self.error("the quote that begins here does not end"));
            };
            let text = rest.get(..end).unwrap_or_default();
            put_text(text.as_bytes(), self.at, bytes)?;
            self.step(end.saturating_add(1));
            return Ok(());
        }
        if !self.take('[') {
            return Err(self.error("an array is written `[1, 2]`"));
        }
        let size = self.btf.size_of(array.element).unwrap_or(0) as usize;
        bytes.fill(0);
        let mut rest: &mut [u8] = bytes;
        while !self.take(']') {
            let Some((element, after)) = rest.split_at_mut_checked(size).filter(|_| size > 0)
            else {
                return Err(self.error(format!("there is room for {} elements only", array.len)));
            };
            self.value(array.element, element, depth)?;
            rest = after;
            self.next_or(']')?;
        }
        Ok(())
    }

    /// After an element: a comma, or the end, which is left.
    fn next_or(&mut self, end: char) -> Result<()> {
        self.blanks();
        if self.take(',') || self.rest().starts_with(end) {
            return Ok(());
        }
        Err(self.error(format!("`,` or `{end}` is to come")))
    }

    fn step(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn number(&mut self, int: Int, name: &str) -> Result<i128> {
        let word = self.word();
        let start = self.at;
        let character = |word: &str| {
            let mut chars = word.strip_prefix('\'')?.strip_suffix('\'')?.chars();
            chars.next().filter(|_| chars.next().is_none())
        };
        if let Some(c) = character(word) {
            self.step(word.len());
            return self.fitting(u32::from(c).into(), int, name, start);
        }
        let (is_negative, digits) = match word.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, word),
        };
        let (radix, digits) = match digits.strip_prefix("0x") {
            Some(digits) => (16, digits),
            None => (10, digits),
        };
        if digits.is_empty() {
            return Err(self.error("a number is to come"));
        }
        let wrong = digits
            .char_indices()
            .find(|(_, c)| !c.is_digit(radix) && *c != '_');
        if let Some((position, c)) = wrong {
            self.step(
                word.len()
                    .saturating_sub(digits.len())
                    .saturating_add(position),
            );
            return Err(self.error(format!("`{c}` is no digit of a number")));
        }
        let plain: String = digits.chars().filter(|c| *c != '_').collect();
        let magnitude = i128::from_str_radix(&plain, radix).ok();
        let value = magnitude.and_then(|m| {
            if is_negative {
                m.checked_neg()
            } else {
                Some(m)
            }
        });
        let Some(value) = value else {
            return Err(self.error("the number is too large"));
        };
        self.step(word.len());
        self.fitting(value, int, name, start)
    }

    /// The number, if the type has it.
    fn fitting(&self, value: i128, int: Int, name: &str, start: usize) -> Result<i128> {
        let bits = int.size.saturating_mul(8);
        let (lowest, highest) = match int.is_signed {
            _ if bits >= 128 => (i128::MIN, i128::MAX),
            true => {
                let half = 1i128.checked_shl(bits.saturating_sub(1)).unwrap_or(0);
                (half.saturating_neg(), half.saturating_sub(1))
            }
            false => (0, 1i128.checked_shl(bits).unwrap_or(0).saturating_sub(1)),
        };
        if (lowest..=highest).contains(&value) {
            return Ok(value);
        }
        Err(ValueTextError {
            at: start,
            reason: format!("{value} does not fit `{name}`, which goes from {lowest} to {highest}"),
        })
    }

    fn put(&self, value: i128, size: u32, bytes: &mut [u8]) -> Result<()> {
        let size = size as usize;
        let target = bytes.get_mut(..size).filter(|_| size <= 16);
        let Some(target) = target else {
            return Err(self.error("the variable is smaller than its type"));
        };
        match self.btf.endian() {
            Endian::Little => {
                let all = value.to_le_bytes();
                target.copy_from_slice(all.get(..size).unwrap_or_default());
            }
            Endian::Big => {
                let all = value.to_be_bytes();
                let start = all.len().saturating_sub(size);
                target.copy_from_slice(all.get(start..).unwrap_or_default());
            }
        }
        Ok(())
    }
}

/// Text into an array of `char`, with a NUL after it.
fn put_text(text: &[u8], at: usize, bytes: &mut [u8]) -> Result<()> {
    let room = bytes.len().saturating_sub(1);
    bytes.fill(0);
    match bytes.get_mut(..text.len()).filter(|_| text.len() <= room) {
        Some(target) => {
            target.copy_from_slice(text);
            Ok(())
        }
        None => Err(ValueTextError {
            at: at.saturating_add(room),
            reason: format!("there is room for {room} bytes of text"),
        }),
    }
}
