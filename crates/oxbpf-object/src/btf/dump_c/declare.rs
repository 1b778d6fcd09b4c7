//! The text of declarations.

use std::fmt::Write as _;

use super::layout::{Means, inline_composite, is_c_float, is_c_int};
use super::names::{Class, identifier};
use super::order::State;
use super::{CDump, Error, Type, TypeId};
use crate::btf::{Contents, Enum, Int, Kind};
use crate::limits::{MAX_C_NESTING, MAX_TYPE_DEPTH};

impl<'a> CDump<'a> {
    /// Whether a type has a declaration of its own, rather than as a part of others.
    pub(super) fn is_declared_by_itself(&self, ty: Type<'a>) -> bool {
        let is_named = ty.name_offset() != 0;
        match ty.kind() {
            Kind::STRUCT | Kind::UNION | Kind::ENUM | Kind::ENUM64 => is_named,
            Kind::TYPEDEF | Kind::FWD => true,
            _ => false,
        }
    }

    /// `struct name;`, unless that, or the definition, is there already.
    pub(super) fn write_forward(&mut self, ty: Type<'a>) -> Result<(), Error> {
        if !self.state(ty.id()).has(State::FORWARDED | State::WRITTEN) {
            self.set_state(ty.id(), State::FORWARDED);
            self.text.push(Class::of(ty).keyword());
            self.write_name(ty);
            self.text.push(";\n\n");
        }
        self.check_length()
    }

    /// The declaration of a type, if it has one of its own, once what it needs has been declared.
    pub(super) fn write_definition(&mut self, ty: Type<'a>) -> Result<(), Error> {
        let is_due = match ty.contents() {
            Contents::Struct(_) | Contents::Union(_) | Contents::Enum(_) => ty.name_offset() != 0,
            Contents::Typedef(_) => true,
            Contents::Int(_) | Contents::Float(_) => !self.is_c_number(ty),
            _ => false,
        };
        if is_due { self.write_once(ty) } else { Ok(()) }
    }

    /// An enumeration without a name that no other declaration has as its part: it is there for its constants.
    pub(super) fn declare_constants(&mut self, ty: Type<'a>) -> Result<(), Error> {
        let is_list = matches!(ty.kind(), Kind::ENUM | Kind::ENUM64) && ty.name_offset() == 0;
        if is_list && ty.element_count() > 0 {
            self.write_once(ty)
        } else {
            Ok(())
        }
    }

    fn write_once(&mut self, ty: Type<'a>) -> Result<(), Error> {
        if self.state(ty.id()).has(State::WRITTEN) {
            return Ok(());
        }
        self.set_state(ty.id(), State::WRITTEN);
        // The kernel defines `bool`, `true` and `false`, which C has by itself since C23.
        let is_keyword = |name: u32| {
            let strings = self.btf.strings_from(name).unwrap_or_default();
            ["bool\0", "true\0", "false\0"]
                .iter()
                .any(|keyword| strings.starts_with(keyword.as_bytes()))
        };
        let until_c23 = match ty.kind() {
            Kind::ENUM | Kind::ENUM64 => ty
                .raw_enumerators()
                .any(|enumerator| is_keyword(enumerator.name_offset)),
            Kind::TYPEDEF | Kind::INT if is_keyword(ty.name_offset()) => {
                self.take_name(ty);
                !self.state(ty.id()).has(State::SUFFIXED)
            }
            _ => false,
        };
        if until_c23 {
            self.text
                .push("#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L\n");
        }
        self.write_text(ty)?;
        self.text
            .push(if until_c23 { ";\n#endif\n\n" } else { ";\n\n" });
        self.check_length()
    }

    fn write_text(&mut self, ty: Type<'a>) -> Result<(), Error> {
        let (size, number) = match ty.contents() {
            Contents::Typedef(target) => {
                self.text.push("typedef ");
                let name = self.name_of(ty);
                return self.write_declaration(target, &name, 0);
            }
            Contents::Int(Int {
                size: 1,
                is_bool: true,
                ..
            }) => (1, Some("_Bool")),
            Contents::Int(int) => (int.size, integer(int.size, int.is_signed)),
            Contents::Float(size) => (size, None),
            _ => return self.write_body(ty, ty.name_offset() != 0, 0),
        };
        // A number that C has no name for.
        let name = String::from_utf8_lossy(&self.name_of(ty)).into_owned();
        let _ = match number {
            Some(number) => write!(self.text, "typedef {number} {name}"),
            None => write!(self.text, "typedef unsigned char {name}[{size}]"),
        };
        Ok(())
    }

    /// `extern int name(struct argument *arg) __weak __ksym;`
    pub(super) fn write_kfunc(&mut self, func: Type<'a>) -> Result<(), Error> {
        if let Contents::Func(contents) = func.contents() {
            if self.take_function_name(func) {
                self.text.push("extern ");
                self.write_declaration(contents.proto, func.name().as_bytes(), 0)?;
                self.text.push(" __weak __ksym;\n\n");
            }
        }
        self.check_length()
    }

    /// Whether a number is of a type that C has by itself.
    fn is_c_number(&mut self, ty: Type<'a>) -> bool {
        let state = self.state(ty.id());
        if !state.has(State::C_NUMBER | State::OTHER_NUMBER) {
            let is_c_number = match ty.contents() {
                Contents::Int(int) => is_c_int(ty, int),
                _ => is_c_float(ty),
            };
            self.set_state(
                ty.id(),
                if is_c_number {
                    State::C_NUMBER
                } else {
                    State::OTHER_NUMBER
                },
            );
        }
        self.state(ty.id()).has(State::C_NUMBER)
    }

    fn name_of(&mut self, ty: Type<'a>) -> Vec<u8> {
        let start = self.text.len();
        self.write_name(ty);
        self.text.split_off(start)
    }

    /// A declaration of `declarator` as of a type, without a semicolon.
    pub(super) fn write_declaration(
        &mut self,
        id: TypeId,
        declarator: &[u8],
        indent: usize,
    ) -> Result<(), Error> {
        let start = self.chain.len();
        let result = self.write_chain(id, declarator, indent, start);
        self.chain.truncate(start);
        result
    }

    /// C writes a declaration around its name: first what the base type is, then `*` for pointers, the last one first; after the
    /// name the lengths of arrays and the parameters of functions, the first one first.
    fn write_chain(
        &mut self,
        id: TypeId,
        declarator: &[u8],
        indent: usize,
        start: usize,
    ) -> Result<(), Error> {
        let base = self.collect_chain(id, start)?;
        let end = self.chain.len();
        let modifiers = self
            .chain
            .get(start..)
            .unwrap_or_default()
            .iter()
            .rev()
            .take_while(|ty| ty.kind().is_modifier())
            .count();
        let base_start = end.saturating_sub(modifiers);

        self.write_base(base, base_start, end, indent)?;
        let mut spaced = false;
        for position in (start..base_start).rev() {
            let Some(&ty) = self.chain.get(position) else {
                break;
            };
            match ty.kind() {
                Kind::PTR => {
                    self.text.push(if spaced { "" } else { " " });
                    self.text
                        .push(if self.wraps(position) { "(*" } else { "*" });
                    spaced = true;
                }
                Kind::CONST => self.write_pointer_modifier("const", &mut spaced),
                Kind::VOLATILE => self.write_pointer_modifier("volatile", &mut spaced),
                Kind::RESTRICT => self.write_pointer_modifier("restrict", &mut spaced),
                Kind::TYPE_TAG => {
                    self.write_type_tag(ty);
                    spaced = false;
                }
                _ => {}
            }
        }
        if !declarator.is_empty() {
            self.text.push(if spaced { "" } else { " " });
            self.text.push_bytes(declarator);
        }
        for position in start..base_start {
            let Some(&ty) = self.chain.get(position) else {
                break;
            };
            match ty.kind() {
                Kind::PTR if self.wraps(position) => self.text.push(")"),
                Kind::ARRAY => {
                    self.text.push("[");
                    self.text.push_number(ty.array_len().into());
                    self.text.push("]");
                }
                Kind::FUNC_PROTO => self.write_params(ty, indent)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Puts what lies between the name and the base type on the chain, and returns the base type.
    fn collect_chain(&mut self, id: TypeId, start: usize) -> Result<Type<'a>, Error> {
        let mut ty = self.btf.get(id)?;
        // Where the modifiers at the end of the chain start.
        let mut modifiers = start;
        for _ in 0..MAX_TYPE_DEPTH {
            let next = match ty.kind() {
                // An array is as constant as its elements: C says it of them.
                Kind::ARRAY => {
                    self.chain.insert(modifiers, ty);
                    modifiers = modifiers.saturating_add(1);
                    ty.references().next()
                }
                // Compilers mark functions that do not return as volatile. C has no modifiers for functions.
                Kind::FUNC_PROTO => {
                    self.chain.truncate(modifiers);
                    self.chain.push(ty);
                    modifiers = self.chain.len();
                    ty.target()
                }
                Kind::PTR => {
                    self.chain.push(ty);
                    modifiers = self.chain.len();
                    ty.target()
                }
                kind if kind.is_modifier() => {
                    self.chain.push(ty);
                    ty.target()
                }
                _ => return Ok(ty),
            };
            ty = self.btf.get(next.unwrap_or_default())?;
        }
        Err(Error::TooDeep { id })
    }

    /// Whether a pointer is to an array or function, which without parentheses would be an array or function of pointers.
    fn wraps(&self, position: usize) -> bool {
        let next = self.chain.get(position.saturating_add(1));
        next.is_some_and(|ty| matches!(ty.kind(), Kind::ARRAY | Kind::FUNC_PROTO))
    }

    fn write_pointer_modifier(&mut self, modifier: &str, spaced: &mut bool) {
        self.text.push(if *spaced { "" } else { " " });
        self.text.push(modifier);
        *spaced = false;
    }

    fn write_type_tag(&mut self, ty: Type<'a>) {
        let quote = |name: &str| {
            name.replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace(char::is_control, "_")
        };
        let _ = match ty.contents() {
            Contents::TypeTag(tag) if tag.is_attribute => {
                write!(self.text, " __attribute__(({}))", ty.name())
            }
            _ => write!(
                self.text,
                " __attribute__((btf_type_tag(\"{}\")))",
                quote(ty.name())
            ),
        };
    }

    /// The base type with the modifiers on it, which are in the chain from `start` to `end`.
    fn write_base(
        &mut self,
        base: Type<'a>,
        start: usize,
        end: usize,
        indent: usize,
    ) -> Result<(), Error> {
        let modifiers = self.chain.get(start..end).unwrap_or_default();
        let has = |kind| modifiers.iter().any(|ty| ty.kind() == kind);
        // C has no other `restrict` than on pointers, such as a typedef may be.
        let is_pointer = |ty: Type<'_>| {
            self.btf
                .skip_modifiers_and_typedefs(ty.id())
                .is_ok_and(|ty| ty.kind() == Kind::PTR)
        };
        for (is_there, word) in [
            (has(Kind::CONST), "const "),
            (has(Kind::VOLATILE), "volatile "),
            (has(Kind::RESTRICT) && is_pointer(base), "restrict "),
        ] {
            self.text.push(if is_there { word } else { "" });
        }
        match base.kind() {
            Kind::STRUCT | Kind::UNION | Kind::ENUM | Kind::ENUM64 | Kind::FWD
                if base.name_offset() != 0 =>
            {
                self.text.push(Class::of(base).keyword());
                self.write_name(base);
            }
            Kind::STRUCT | Kind::UNION => self.write_body(base, false, indent)?,
            Kind::ENUM | Kind::ENUM64 if base.element_count() > 0 => {
                self.write_body(base, false, indent)?
            }
            Kind::ENUM | Kind::ENUM64 => self
                .text
                .push(integer(base.size().unwrap_or(0), base.kind_flag()).unwrap_or("int")),
            Kind::INT | Kind::FLOAT if self.is_c_number(base) => {
                let name = self.btf.string(base.name_offset())?;
                self.text.push_bytes(name);
            }
            Kind::INT | Kind::FLOAT | Kind::TYPEDEF => self.write_name(base),
            // What is no type in C can be pointed to only.
            _ => self.text.push("void"),
        }
        for position in start..end {
            match self.chain.get(position) {
                Some(&ty) if ty.kind() == Kind::TYPE_TAG => self.write_type_tag(ty),
                _ => {}
            }
        }
        Ok(())
    }

    fn write_params(&mut self, proto: Type<'a>, indent: usize) -> Result<(), Error> {
        self.deeper(|dump| {
            dump.text.push("(");
            let params = proto.raw_params();
            let last = params.len().saturating_sub(1);
            if params.len() == 0 {
                dump.text.push("void");
            }
            for (position, param) in params.enumerate() {
                dump.check_length()?;
                match (position == last, param.name_offset, param.ty) {
                    (true, 0, TypeId::VOID) => dump.text.push("..."),
                    (_, 0, ty) => dump.write_declaration(ty, b"", indent)?,
                    (_, name, ty) => {
                        dump.write_declaration(ty, &identifier(dump.btf, name), indent)?
                    }
                }
                dump.text.push(if position < last { ", " } else { "" });
            }
            dump.text.push(")");
            Ok(())
        })
    }

    /// `struct name { members }`, with or without the name, without a semicolon.
    fn write_body(&mut self, ty: Type<'a>, with_name: bool, indent: usize) -> Result<(), Error> {
        self.text.push(Class::of(ty).keyword());
        if with_name {
            self.write_name(ty);
            self.text.push(" ");
        }
        self.deeper(|dump| match ty.contents() {
            Contents::Enum(list) => dump.write_enumerators(ty, list, with_name, indent),
            _ => dump.write_members(ty, indent),
        })
    }

    fn deeper(&mut self, write: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        if self.depth >= MAX_C_NESTING {
            return Err(Error::TooDeeplyNested {
                limit: MAX_C_NESTING,
            });
        }
        self.depth = self.depth.saturating_add(1);
        let result = write(self);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    fn write_members(&mut self, ty: Type<'a>, indent: usize) -> Result<(), Error> {
        self.has_records = true;
        let shape = self.layouts.shape(ty);
        let size = ty.size().unwrap_or(0);
        let inside = indent.saturating_add(1);
        self.text.push("{");
        if shape.means == Means::Bytes {
            self.text.start_line(inside);
            let _ = write!(
                self.text,
                "unsigned char bytes[{size}]; /* not expressible in C */"
            );
            self.text.start_line(indent);
            self.text.push("}");
            return Ok(());
        }
        let packed = shape.means == Means::Packed;
        let mut at = 0;
        for member in ty.raw_members() {
            let Some(Some(place)) = self.layouts.place(&member) else {
                continue;
            };
            if ty.kind() == Kind::STRUCT {
                if place.natural(at, packed) != place.offset {
                    self.pad(at, place.offset, inside)?;
                }
                at = place.end();
            }
            self.text.start_line(inside);
            match inline_composite(self.btf, &member) {
                // Standard C cannot have the members of a type with a name as its own, but those of one without.
                Some(composite) if composite.name_offset() != 0 => {
                    self.write_body(composite, false, inside)?
                }
                Some(_) => self.write_declaration(member.ty, b"", inside)?,
                None => self.write_declaration(
                    member.ty,
                    &identifier(self.btf, member.name_offset),
                    inside,
                )?,
            }
            if place.bits != 0 {
                self.text.push(": ");
                self.text.push_number(place.bits.into());
            }
            self.text.push(";");
            self.check_length()?;
        }
        if ty.kind() == Kind::STRUCT {
            let end = u64::from(size).saturating_mul(8);
            let natural = at.next_multiple_of(u64::from(shape.align).saturating_mul(8).max(8));
            if natural < end {
                self.pad(at, end, inside)?;
            }
        }
        if self.text.ends_with(b'{') {
            self.text.push("}");
        } else {
            self.text.start_line(indent);
            self.text.push("}");
        }
        match shape.means {
            Means::Packed => self.text.push(" __attribute__((packed))"),
            Means::Aligned => {
                let _ = write!(self.text, " __attribute__((aligned({})))", shape.align);
            }
            Means::Padding | Means::Bytes => {}
        }
        Ok(())
    }

    /// Bit-fields without names from bit `at` to bit `end`, each within an aligned `long`, so that C places it where the last ended.
    /// Having no name, they have no part in the alignment of the structure.
    fn pad(&mut self, mut at: u64, end: u64, indent: usize) -> Result<(), Error> {
        while at < end {
            let next = at.saturating_add(1).next_multiple_of(64).min(end);
            self.text.start_line(indent);
            let _ = write!(self.text, "long: {};", next.saturating_sub(at));
            at = next;
            self.check_length()?;
        }
        Ok(())
    }

    fn write_enumerators(
        &mut self,
        ty: Type<'a>,
        list: Enum<'a>,
        with_name: bool,
        indent: usize,
    ) -> Result<(), Error> {
        self.set_state(ty.id(), State::WRITTEN);
        if ty.element_count() == 0 && with_name {
            // Declared only. `enum name ` has been written.
            self.text.pop();
            return Ok(());
        }
        let inside = indent.saturating_add(1);
        self.text.push("{");
        for enumerator in ty.raw_enumerators() {
            self.text.start_line(inside);
            self.write_enumerator_name(enumerator.name_offset);
            let suffix = match (ty.kind() == Kind::ENUM64, list.is_signed) {
                (true, true) => "LL",
                (true, false) => "ULL",
                (false, _) => "",
            };
            self.text.push(" = ");
            match enumerator.value {
                // Minus is an operator, and its operand would be out of range.
                value if value == i64::MIN.into() => {
                    self.text.push_number(value.saturating_add(1));
                    self.text.push("LL - 1,");
                }
                value => {
                    self.text.push_number(value);
                    self.text.push(suffix);
                    self.text.push(",");
                }
            }
            self.check_length()?;
        }
        self.text.start_line(indent);
        self.text.push("}");
        let attribute = match enum_size(ty, false) {
            size if size == list.size => "",
            _ if enum_size(ty, true) == list.size => " __attribute__((packed))",
            _ => match list.size {
                1 => " __attribute__((mode(QI)))",
                2 => " __attribute__((mode(HI)))",
                8 => " __attribute__((mode(DI)))",
                _ => "",
            },
        };
        self.text.push(attribute);
        Ok(())
    }
}

/// The size in bytes that C gives an enumeration by itself, or if it is `packed`.
fn enum_size(ty: Type<'_>, packed: bool) -> u32 {
    let (mut lowest, mut highest) = (0, 0);
    for enumerator in ty.raw_enumerators() {
        lowest = enumerator.value.min(lowest);
        highest = enumerator.value.max(highest);
    }
    let sizes: &[u32] = if packed { &[1, 2, 4] } else { &[4] };
    let fits = |&&size: &&u32| {
        let bits = size.saturating_mul(8);
        match lowest < 0 {
            true => {
                lowest >= i128::MIN >> 128u32.saturating_sub(bits) && highest < 1i128 << bits >> 1
            }
            false => highest < 1i128 << bits,
        }
    };
    sizes.iter().find(fits).copied().unwrap_or(8)
}

/// A C integer type of a size.
fn integer(size: u32, is_signed: bool) -> Option<&'static str> {
    Some(match (size, is_signed) {
        (1, true) => "signed char",
        (1, false) => "unsigned char",
        (2, true) => "short",
        (2, false) => "unsigned short",
        (4, true) => "int",
        (4, false) => "unsigned int",
        (8, true) => "long",
        (8, false) => "unsigned long",
        (16, true) => "__int128",
        (16, false) => "unsigned __int128",
        _ => return None,
    })
}
