//! C identifiers for the names of types.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::hash::NameHash;
use super::order::State;
use super::text::Text;
use super::{CDump, Type, TypeId};
use crate::btf::{Btf, Kind};

/// The identifiers in use. C has two name spaces: one of structures, unions and enumerations, one of everything else.
#[derive(Debug)]
pub(super) struct Names<'a> {
    tags: HashMap<Cow<'a, [u8]>, Tag, NameHash>,
    ordinary: HashMap<Cow<'a, [u8]>, u32, NameHash>,
    /// The suffixes of types that have one.
    suffixes: HashMap<TypeId, u32>,
    /// By id: the length of a type's name, where that is an identifier as it is; else 0.
    lengths: Vec<u16>,
}

/// The use of a name for a structure, union or enumeration.
#[derive(Debug)]
struct Tag {
    class: Class,
    /// Whether a type has the name, rather than forward declarations only.
    is_owned: bool,
    /// How many types have asked for it.
    count: u32,
}

/// What a tag is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Struct,
    Union,
    Enum,
}

impl Class {
    pub(super) fn of(ty: Type<'_>) -> Class {
        match (ty.kind(), ty.kind_flag()) {
            (Kind::UNION, _) | (Kind::FWD, true) => Class::Union,
            (Kind::ENUM | Kind::ENUM64, _) => Class::Enum,
            _ => Class::Struct,
        }
    }

    /// What comes before a name of its, with a space.
    pub(super) fn keyword(self) -> &'static str {
        match self {
            Class::Struct => "struct ",
            Class::Union => "union ",
            Class::Enum => "enum ",
        }
    }
}

impl<'a> CDump<'a> {
    /// Writes the name of a structure, union, enumeration or typedef with its suffix, if it has one.
    pub(super) fn write_name(&mut self, ty: Type<'a>) {
        self.take_name(ty);
        // A type is named wherever it is used, and its name has been looked at when it was taken.
        let length = self.names.lengths.get(ty.id().0 as usize);
        let strings = self.btf.strings_from(ty.name_offset());
        match strings.and_then(|strings| strings.get(..usize::from(*length?))) {
            Some(name @ [_, ..]) => self.text.push_bytes(name),
            _ => self
                .text
                .push_bytes(&identifier(self.btf, ty.name_offset())),
        }
        if self.state(ty.id()).has(State::SUFFIXED) {
            let suffix = self.names.suffixes.get(&ty.id()).copied().unwrap_or(1);
            write_suffix(&mut self.text, suffix);
        }
    }

    /// Settles what a type is called, if that has not been done.
    pub(super) fn take_name(&mut self, ty: Type<'a>) {
        let id = ty.id();
        if self.state(id).has(State::NAMED) {
            return;
        }
        self.set_state(id, State::NAMED);
        let name = identifier(self.btf, ty.name_offset());
        if let (Cow::Borrowed(name), Some(length)) =
            (&name, self.names.lengths.get_mut(id.0 as usize))
        {
            *length = u16::try_from(name.len()).unwrap_or(0);
        }
        let suffix = match ty.kind() {
            Kind::STRUCT | Kind::UNION | Kind::ENUM | Kind::ENUM64 | Kind::FWD => {
                self.names.take_tag(ty, name)
            }
            _ => self.names.take_ordinary(name),
        };
        if suffix > 1 {
            self.set_state(id, State::SUFFIXED);
            self.names.suffixes.insert(id, suffix);
        }
    }

    /// Writes the name of an enumerator. It gets a new one each time its enumeration is written.
    pub(super) fn write_enumerator_name(&mut self, name_offset: u32) {
        let name = identifier(self.btf, name_offset);
        let suffix = self.names.take_ordinary(name.clone());
        self.text.push_bytes(&name);
        write_suffix(&mut self.text, suffix);
    }

    /// Whether the name of a function is not in use yet. It must not have a suffix, so that it can only have its name or none.
    pub(super) fn take_function_name(&mut self, func: Type<'a>) -> bool {
        let name = identifier(self.btf, func.name_offset());
        matches!(name, Cow::Borrowed(_)) && self.names.take_ordinary(name) == 1
    }
}

fn write_suffix(text: &mut Text, suffix: u32) {
    if suffix > 1 {
        text.push_bytes(&suffixed(b"", suffix));
    }
}

fn suffixed(name: &[u8], suffix: u32) -> Vec<u8> {
    [name, format!("___{suffix}").as_bytes()].concat()
}

impl<'a> Names<'a> {
    /// For types with ids below `count`.
    pub(super) fn new(count: usize) -> Names<'a> {
        Names {
            // About as many as a kernel has.
            tags: HashMap::with_capacity_and_hasher(count / 8, NameHash::default()),
            ordinary: HashMap::with_capacity_and_hasher(count / 4, NameHash::default()),
            suffixes: HashMap::new(),
            lengths: vec![0; count],
        }
    }

    /// Finds a suffix for the name of a structure, union, enumeration, or forward declaration of one; 1 stands for none.
    fn take_tag(&mut self, ty: Type<'a>, name: Cow<'a, [u8]>) -> u32 {
        let class = Class::of(ty);
        let is_owned = ty.kind() != Kind::FWD;
        match self.tags.entry(name.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(Tag {
                    class,
                    is_owned,
                    count: 1,
                });
                1
            }
            Entry::Occupied(mut entry) => {
                let tag = entry.get_mut();
                // Forward declarations are of whichever type has the name, if it is one of their class.
                if tag.class == class && !(is_owned && tag.is_owned) {
                    tag.is_owned |= is_owned;
                    return 1;
                }
                tag.count = tag.count.saturating_add(1);
                let mut count = tag.count;
                while let Entry::Occupied(_) = self.tags.entry(suffixed(&name, count).into()) {
                    count = count.saturating_add(1);
                }
                self.tags.insert(
                    suffixed(&name, count).into(),
                    Tag {
                        class,
                        is_owned: true,
                        count: 1,
                    },
                );
                count
            }
        }
    }

    /// Finds a suffix for the name of anything else.
    fn take_ordinary(&mut self, name: Cow<'a, [u8]>) -> u32 {
        match self.ordinary.entry(name.clone()) {
            Entry::Vacant(entry) => {
                // The compiler knows one type by itself, which has another definition for each architecture.
                if *name != *b"__builtin_va_list" {
                    entry.insert(1);
                    return 1;
                }
                entry.insert(2);
                2
            }
            Entry::Occupied(mut entry) => {
                let count = entry.get_mut();
                *count = count.saturating_add(1);
                let mut count = *count;
                while self
                    .ordinary
                    .contains_key(suffixed(&name, count).as_slice())
                {
                    count = count.saturating_add(1);
                }
                self.ordinary.insert(suffixed(&name, count).into(), 1);
                count
            }
        }
    }
}

/// The name at an offset of the strings, if C can have it; else with `_` for what it cannot have. (Names from other languages come in
/// generics and paths.)
pub(super) fn identifier(btf: &Btf, name_offset: u32) -> Cow<'_, [u8]> {
    let strings = btf.strings_from(name_offset).unwrap_or_default();
    let is_fine = |byte: u8| IS_FINE.get(usize::from(byte)) == Some(&true);
    let length = strings.iter().position(|&byte| !is_fine(byte));
    let (name, rest) = strings
        .split_at_checked(length.unwrap_or(0))
        .unwrap_or_default();
    let starts_fine = name.first().is_some_and(|first| !first.is_ascii_digit());
    if starts_fine && rest.first() == Some(&0) && !is_keyword(name) {
        return Cow::Borrowed(name);
    }
    let fine = |char: char| {
        if char.is_ascii_alphanumeric() {
            char as u8
        } else {
            b'_'
        }
    };
    Cow::Owned(
        std::iter::once(b'_')
            .chain(btf.text(name_offset).chars().map(fine))
            .collect(),
    )
}

/// By byte: whether it can be in an identifier.
const IS_FINE: [bool; 256] = {
    let mut is_fine = [false; 256];
    let mut rest: &mut [bool] = &mut is_fine;
    let mut byte = 0u8;
    while let Some((slot, after)) = rest.split_first_mut() {
        *slot = byte.is_ascii_alphanumeric() || byte == b'_';
        byte = byte.wrapping_add(1);
        rest = after;
    }
    is_fine
};

fn is_keyword(name: &[u8]) -> bool {
    // Most names are told by their first letter.
    let may_be = matches!(
        name.first(),
        Some(b'_' | b'a'..=b'g' | b'i' | b'l' | b'r'..=b'w')
    );
    if !may_be || name.len() > 14 {
        return false;
    }
    #[rustfmt::skip]
    let is_keyword = matches!(
        name,
        b"asm" | b"auto" | b"break" | b"case" | b"char" | b"const" | b"continue" | b"default" | b"do" | b"double"
            | b"else" | b"enum" | b"extern" | b"float" | b"for" | b"goto" | b"if" | b"inline" | b"int" | b"long"
            | b"register" | b"restrict" | b"return" | b"short" | b"signed" | b"sizeof" | b"static" | b"struct" | b"switch"
            | b"typedef" | b"typeof" | b"union" | b"unsigned" | b"void" | b"volatile" | b"while" | b"_Alignas"
            | b"_Alignof" | b"_Atomic" | b"_Bool" | b"_Complex" | b"_Generic" | b"_Imaginary" | b"_Noreturn"
            | b"_Static_assert" | b"_Thread_local" | b"_Float16" | b"_Float32" | b"_Float32x" | b"_Float64" | b"_Float64x"
            | b"_Float128" | b"__bf16" | b"__float128" | b"__fp16" | b"__ibm128"
    );
    is_keyword
}
