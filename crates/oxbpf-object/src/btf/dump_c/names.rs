//! C identifiers for the names of types.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::order::State;
use super::{CDump, Type, TypeId};
use crate::btf::{Contents, Kind};

/// The identifiers in use. C has two name spaces: one of structures, unions and enumerations, one of everything else.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    tags: HashMap<Cow<'a, str>, Tag>,
    ordinary: HashMap<Cow<'a, str>, u32>,
    /// The suffixes of types that have one.
    suffixes: HashMap<TypeId, u32>,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Struct,
    Union,
    Enum,
}

impl Class {
    fn of(ty: Type<'_>) -> Class {
        match ty.contents() {
            Contents::Union(_) | Contents::Fwd { is_union: true } => Class::Union,
            Contents::Enum(_) => Class::Enum,
            _ => Class::Struct,
        }
    }
}

impl<'a> CDump<'a> {
    /// Writes the name of a structure, union, enumeration or typedef with its suffix, if it has one.
    pub(super) fn write_name(&mut self, ty: Type<'a>) {
        self.take_name(ty);
        self.text.push_str(&identifier(ty.name()));
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
        let name = identifier(ty.name());
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
    pub(super) fn write_enumerator_name(&mut self, name: &'a str) {
        let name = identifier(name);
        let suffix = self.names.take_ordinary(name.clone());
        self.text.push_str(&name);
        write_suffix(&mut self.text, suffix);
    }

    /// Whether the name of a function is not in use yet. It must not have a suffix, so that it can only have its name or none.
    pub(super) fn take_function_name(&mut self, name: &'a str) -> bool {
        identifier(name) == name && self.names.take_ordinary(name.into()) == 1
    }
}

fn write_suffix(text: &mut String, suffix: u32) {
    if suffix > 1 {
        text.push_str(&suffixed("", suffix));
    }
}

fn suffixed(name: &str, suffix: u32) -> String {
    format!("{name}___{suffix}")
}

impl<'a> Names<'a> {
    /// Finds a suffix for the name of a structure, union, enumeration, or forward declaration of one; 1 stands for none.
    fn take_tag(&mut self, ty: Type<'a>, name: Cow<'a, str>) -> u32 {
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
    fn take_ordinary(&mut self, name: Cow<'a, str>) -> u32 {
        match self.ordinary.entry(name.clone()) {
            Entry::Vacant(entry) => {
                // The compiler knows one type by itself, which has another definition for each architecture.
                if name != "__builtin_va_list" {
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
                while self.ordinary.contains_key(suffixed(&name, count).as_str()) {
                    count = count.saturating_add(1);
                }
                self.ordinary.insert(suffixed(&name, count).into(), 1);
                count
            }
        }
    }
}

/// The name, if C can have it; else with `_` for what it cannot have. (Names from other languages come in generics and paths.)
pub(super) fn identifier(name: &str) -> Cow<'_, str> {
    let is_fine = |&byte: &u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let starts_fine = name
        .as_bytes()
        .first()
        .is_some_and(|first| !first.is_ascii_digit());
    if starts_fine && name.as_bytes().iter().all(is_fine) && !is_keyword(name) {
        return Cow::Borrowed(name);
    }
    let fine = name.chars().map(|char| {
        if char.is_ascii_alphanumeric() {
            char
        } else {
            '_'
        }
    });
    Cow::Owned(std::iter::once('_').chain(fine).collect())
}

fn is_keyword(name: &str) -> bool {
    #[rustfmt::skip]
    let is_keyword = matches!(
        name,
        "asm" | "auto" | "break" | "case" | "char" | "const" | "continue" | "default" | "do" | "double" | "else" | "enum" | "extern"
            | "float" | "for" | "goto" | "if" | "inline" | "int" | "long" | "register" | "restrict" | "return" | "short" | "signed"
            | "sizeof" | "static" | "struct" | "switch" | "typedef" | "typeof" | "union" | "unsigned" | "void" | "volatile" | "while"
            | "_Alignas" | "_Alignof" | "_Atomic" | "_Bool" | "_Complex" | "_Generic" | "_Imaginary" | "_Noreturn" | "_Static_assert"
            | "_Thread_local" | "_Float16" | "_Float32" | "_Float32x" | "_Float64" | "_Float64x" | "_Float128" | "__bf16" | "__float128"
            | "__fp16" | "__ibm128"
    );
    is_keyword
}
