//! Text to values of a type: what people write for a variable.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::rc::Rc;

use super::{Array, Btf, Contents, Enum, Int, Type, TypeId, bits};
use crate::Endian;
use crate::limits::{MAX_TYPE_DEPTH, MAX_VALUE_PARTS};
use crate::printable::Printable;

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
        Printable(f).write_str(&self.reason)
    }
}

impl std::error::Error for ValueTextError {}

type Result<T> = std::result::Result<T, ValueTextError>;

impl Btf {
    /// Writes a value, given as text, over the bytes of a variable or the like.
    ///
    /// Numbers are decimal, hexadecimal (`0x`), or a character (`'a'`); booleans `true`, `false`, 1 or 0; enumerators have their name;
    /// arrays are `[1, 2]`, structures and sections `{pid=1, name="x"}`; an array of `char` is text, with or without quotes. JSON will do,
    /// too: `{"pid": 1, "name": "x"}`. Any value can be given as its bytes: `hex 01 02 ff`. What an array or structure does not name
    /// becomes 0.
    ///
    /// # Errors
    /// The text is no value of that type, or too large a one: with the character where that shows. The bytes are as they were then.
    pub fn write_value(&self, id: TypeId, text: &str, bytes: &mut [u8]) -> Result<()> {
        let mut written = bytes.to_vec();
        let mut parser = Parser {
            btf: self,
            text,
            at: 0,
            places: BTreeMap::new(),
        };
        parser.blanks();
        match self.skip_modifiers_and_typedefs(id).map(Type::contents) {
            // All of it, whatever is in it.
            Ok(Contents::Array(array))
                if self.is_char(array.element)
                    && !parser.rest().starts_with(['"', '['])
                    && !parser.rest().starts_with(HEX) =>
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
    places: BTreeMap<TypeId, Rc<[(&'a str, Place)]>>,
}

/// What comes before bytes.
const HEX: &str = "hex ";

/// Where a member is that has a name, from the start of a structure.
#[derive(Clone, Copy)]
struct Place {
    ty: TypeId,
    bit_offset: u32,
    bitfield_size: u8,
}

/// What can be named in a structure, union or section: members of members without a name, too. `parts` says how many more
/// are looked at.
fn places<'a>(
    btf: &'a Btf,
    ty: Type<'a>,
    start: u32,
    depth: usize,
    parts: &mut usize,
    into: &mut Vec<(&'a str, Place)>,
) {
    let Some(below) = depth.checked_sub(1) else {
        return;
    };
    if let Contents::DataSection(section) = ty.contents() {
        for variable in section.variables() {
            let place = Place {
                ty: variable.ty,
                bit_offset: variable.offset.saturating_mul(8),
                bitfield_size: 0,
            };
            into.extend(btf.get(variable.ty).map(|ty| (ty.name(), place)));
        }
    }
    for member in ty.members() {
        let Some(left) = parts.checked_sub(1) else {
            return;
        };
        *parts = left;
        let bit_offset = start.saturating_add(member.bit_offset);
        if member.name.is_empty() {
            if let Ok(inner) = btf.skip_modifiers(member.ty) {
                places(btf, inner, bit_offset, below, parts, into);
            }
            continue;
        }
        let (ty, bitfield_size) = (member.ty, member.bitfield_size);
        into.push((
            member.name,
            Place {
                ty,
                bit_offset,
                bitfield_size,
            },
        ));
    }
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
        let is_end = |c: char| c.is_whitespace() || ",]}=:".contains(c);
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
        if self.hex(bytes)? {
            return Ok(());
        }
        match ty.contents() {
            Contents::Int(int) => {
                let value = self.integer(int, ty.name())?;
                self.put(self.placed(value, int)?, int.size, bytes)
            }
            Contents::Enum(list) => {
                let value = self.enumerator(list, ty.name())?;
                self.put(value, list.size, bytes)
            }
            Contents::Var(variable) => self.value(variable.ty, bytes, below),
            Contents::Ptr(_) => {
                let size = self.btf.pointer_size();
                let value = self.number(Int::unsigned(size), "address")?;
                self.put(value, size.into(), bytes)
            }
            Contents::Array(array) => self.array(array, bytes, below),
            Contents::Struct(_) | Contents::Union(_) | Contents::DataSection(_) => {
                self.members(ty, bytes, below)
            }
            _ => Err(self.error("values of this type cannot be written")),
        }
    }

    fn integer(&mut self, int: Int, name: &str) -> Result<i128> {
        if !int.is_bool {
            return self.number(int, name);
        }
        let word = self.word();
        let value = match word {
            "true" | "1" | "yes" | "on" => 1,
            "false" | "0" | "no" | "off" => 0,
            _ => return Err(self.error("it is to be `true` or `false`")),
        };
        self.step(word.len());
        Ok(value)
    }

    fn enumerator(&mut self, list: Enum<'a>, name: &str) -> Result<i128> {
        let word = self.word();
        let plain = word.trim_matches('"');
        match list.enumerators().find(|e| e.name == plain) {
            Some(enumerator) => {
                self.step(word.len());
                Ok(enumerator.value)
            }
            None if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                let int = Int {
                    is_signed: list.is_signed,
                    ..Int::unsigned(list.size.min(16) as u8)
                };
                self.number(int, name)
            }
            None => {
                let names: Vec<_> = list.enumerators().map(|e| e.name).take(8).collect();
                Err(self.error(format!("it is to be one of {}", names.join(", "))))
            }
        }
    }

    fn members(&mut self, ty: Type<'a>, bytes: &mut [u8], depth: usize) -> Result<()> {
        if !self.take('{') {
            return Err(self.error("a structure is written `{name=value, ...}`"));
        }
        let known = self.places(ty);
        bytes.fill(0);
        while !self.take('}') {
            let word = self.word();
            let plain = word.trim_matches('"');
            let Some((_, place)) = known.iter().find(|(name, _)| *name == plain) else {
                let names: Vec<_> = known.iter().map(|(name, _)| *name).take(8).collect();
                return Err(self.error(format!("a member is to come: one of {}", names.join(", "))));
            };
            self.step(word.len());
            if !self.take('=') && !self.take(':') {
                return Err(self.error("`=` is to come after the name of a member"));
            }
            self.member(*place, bytes, depth)?;
            self.next_or('}')?;
        }
        Ok(())
    }

    /// What can be named in a type: looked up once, since arrays have many of one type.
    fn places(&mut self, ty: Type<'a>) -> Rc<[(&'a str, Place)]> {
        let btf = self.btf;
        let found = self.places.entry(ty.id()).or_insert_with(|| {
            let (mut parts, mut found) = (MAX_VALUE_PARTS, Vec::new());
            places(btf, ty, 0, MAX_TYPE_DEPTH, &mut parts, &mut found);
            found.into()
        });
        found.clone()
    }

    fn member(&mut self, place: Place, bytes: &mut [u8], depth: usize) -> Result<()> {
        if place.bitfield_size != 0 {
            return self.bit_field(place, bytes);
        }
        let start = (place.bit_offset / 8) as usize;
        let size = self.btf.size_of(place.ty).ok();
        let own = size.and_then(|size| bytes.get_mut(start..)?.get_mut(..size as usize));
        match own {
            Some(own) => self.value(place.ty, own, depth),
            None => Err(self.error("the member is not in the variable")),
        }
    }

    fn bit_field(&mut self, place: Place, bytes: &mut [u8]) -> Result<()> {
        self.blanks();
        let start = self.at;
        let width = u32::from(place.bitfield_size);
        let ty = self.btf.skip_modifiers_and_typedefs(place.ty);
        let (value, is_signed) = match ty.map(|ty| (ty.contents(), ty.name())) {
            Ok((Contents::Int(int), name)) => (self.integer(int, name)?, int.is_signed),
            Ok((Contents::Enum(list), name)) => (self.enumerator(list, name)?, list.is_signed),
            _ => return Err(self.error("values of this type cannot be written")),
        };
        let (lowest, highest) = range(width, is_signed);
        if !(lowest..=highest).contains(&value) {
            return Err(ValueTextError {
                at: start,
                reason: format!(
                    "{value} does not fit {width} bits, which go from {lowest} to {highest}"
                ),
            });
        }
        bits::set(
            bytes,
            place.bit_offset,
            width,
            self.btf.endian(),
            value as u128,
        )
        .ok_or_else(|| self.error("the member is not in the variable"))
    }

    /// All of a value as its bytes; `false` if something else is to come.
    fn hex(&mut self, bytes: &mut [u8]) -> Result<bool> {
        let start = self.at;
        if !self.rest().starts_with(HEX) {
            return Ok(false);
        }
        self.step(HEX.len());
        let (mut room, mut count) = (bytes.iter_mut(), 0usize);
        loop {
            self.blanks();
            let mut digits = self.rest().chars().map(|c| c.to_digit(16));
            let (Some(Some(high)), Some(Some(low))) = (digits.next(), digits.next()) else {
                break;
            };
            self.step(2);
            count = count.saturating_add(1);
            if let Some(byte) = room.next() {
                *byte = high.wrapping_mul(16).wrapping_add(low) as u8;
            }
        }
        match count == bytes.len() {
            true => Ok(true),
            false => Err(ValueTextError {
                at: start,
                reason: format!("it has {} bytes, not {count}", bytes.len()),
            }),
        }
    }

    fn array(&mut self, array: Array, bytes: &mut [u8], depth: usize) -> Result<()> {
        if self.btf.is_char(array.element) && self.rest().starts_with('"') {
            let start = self.at;
            let text = self.quoted()?;
            put_text(&text, start.saturating_add(1), bytes)?;
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

    /// Text in quotes, with the escapes of C, of JSON and of [`Value`](super::Value).
    fn quoted(&mut self) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((place, c)) = characters.next() {
            let c = match c {
                '"' => {
                    self.step(place.saturating_add(1));
                    return Ok(text);
                }
                '\\' => match characters.next().map(|(_, c)| c) {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some('r') => '\r',
                    Some('0') => '\0',
                    Some('x') => {
                        let Some(byte) = hex_digits(&mut characters, 2) else {
                            self.step(place);
                            return Err(self.error("that is no character"));
                        };
                        text.push(byte as u8);
                        continue;
                    }
                    Some('u') => {
                        let is_braced = characters.clone().next().is_some_and(|(_, c)| c == '{');
                        let code = if is_braced {
                            characters.next();
                            let digits = characters.clone().take_while(|(_, c)| *c != '}').count();
                            let code = hex_digits(&mut characters, digits.min(6));
                            characters.next();
                            code
                        } else {
                            hex_digits(&mut characters, 4)
                        };
                        let Some(c) = code.and_then(char::from_u32) else {
                            self.step(place);
                            return Err(self.error("that is no character"));
                        };
                        c
                    }
                    Some(c) => c,
                    None => break,
                },
                c => c,
            };
            text.extend(c.encode_utf8(&mut [0; 4]).bytes());
        }
        Err(self.error("the quote that begins here does not end"))
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
        let cited = self.word();
        let start = self.at;
        // JSON has what it has no numbers for in quotes.
        let word = cited.trim_matches('"');
        self.step(
            cited
                .len()
                .saturating_sub(cited.trim_start_matches('"').len()),
        );
        let quote = cited
            .len()
            .saturating_sub(cited.trim_end_matches('"').len());
        let quote = if word.is_empty() { 0 } else { quote };
        let character = |word: &str| {
            let mut chars = word.strip_prefix('\'')?.strip_suffix('\'')?.chars();
            chars.next().filter(|_| chars.next().is_none())
        };
        if let Some(c) = character(word) {
            self.step(word.len().saturating_add(quote));
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
        self.step(word.len().saturating_add(quote));
        self.fitting(value, int, name, start)
    }

    /// The number, if the type has it.
    fn fitting(&self, value: i128, int: Int, name: &str, start: usize) -> Result<i128> {
        let (lowest, highest) = range(used_bits(int), int.is_signed);
        if (lowest..=highest).contains(&value) {
            return Ok(value);
        }
        Err(ValueTextError {
            at: start,
            reason: format!("{value} does not fit `{name}`, which goes from {lowest} to {highest}"),
        })
    }

    /// The number where its bits are: compilers of old had integers that are a part of their bytes.
    fn placed(&self, value: i128, int: Int) -> Result<i128> {
        let (offset, used) = (u32::from(int.bit_offset), used_bits(int));
        let all = int.size.saturating_mul(8);
        if offset == 0 && used == all {
            return Ok(value);
        }
        if offset.saturating_add(used) > all {
            return Err(self.error("values of this type cannot be written"));
        }
        let mask = 1u128
            .checked_shl(used)
            .map_or(u128::MAX, |limit| limit.wrapping_sub(1));
        let placed = (value as u128 & mask).checked_shl(offset);
        Ok(placed.unwrap_or(0) as i128)
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

/// The number that so many hexadecimal digits are, six at most.
fn hex_digits(characters: &mut impl Iterator<Item = (usize, char)>, count: usize) -> Option<u32> {
    (0..count).try_fold(0u32, |code, _| {
        let digit = characters.next()?.1.to_digit(16)?;
        Some(code.wrapping_mul(16).wrapping_add(digit))
    })
}

/// How many bits of its bytes an integer has.
fn used_bits(int: Int) -> u32 {
    u32::from(int.bits).min(int.size.saturating_mul(8))
}

/// The lowest and the highest number of so many bits.
fn range(bits: u32, is_signed: bool) -> (i128, i128) {
    match is_signed {
        _ if bits >= 128 => (i128::MIN, i128::MAX),
        true => {
            let half = 1i128.checked_shl(bits.saturating_sub(1)).unwrap_or(0);
            (half.saturating_neg(), half.saturating_sub(1))
        }
        false => (0, 1i128.checked_shl(bits).unwrap_or(0).saturating_sub(1)),
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
