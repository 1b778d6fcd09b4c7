//! From C types to Rust types: what a member, a map's value or a variable is in Rust, and the
//! definitions that this takes.

use std::collections::HashMap;

use oxbpf_object::btf::{Array, Btf, Contents, Int, Kind, Type, TypeId};

use super::{
    code::{Code, line},
    comments::Comments,
    enumeration,
    names::Scope,
    record, typedef,
};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::MAX_DEPTH;

/// A type of the generated code.
#[derive(Clone, Debug)]
pub(super) struct RustType {
    pub(super) shape: Shape,
    /// Bytes that a value takes, in C as in Rust.
    pub(super) size: u64,
    /// The alignment that Rust gives it; C may give more.
    pub(super) align: u64,
}

/// What kind of type.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// A number of Rust.
    Number(&'static str),
    /// `bool`, of which C promises only that it is a byte.
    Bool,
    /// An array of `char`.
    Chars(u32),
    /// A structure, union or enumeration of the generated `types` module.
    Named(String),
    /// A typedef of another type.
    Alias(String, Box<Shape>),
    /// An array.
    Array(Box<Shape>, u32),
}

impl Shape {
    /// How the type is written; `types` is the path to the module of the named ones.
    pub(super) fn written(&self, types: &str) -> String {
        match self {
            Self::Number(name) => (*name).to_owned(),
            Self::Bool => "::oxbpf::Bool".to_owned(),
            Self::Chars(len) => format!("::oxbpf::CharArray<{len}>"),
            Self::Named(name) | Self::Alias(name, _) => format!("{types}{name}"),
            Self::Array(element, len) => format!("[{}; {len}]", element.written(types)),
        }
    }

    /// What it is beneath typedefs.
    pub(super) fn base(&self) -> &Self {
        match self {
            Self::Alias(_, of) => of.base(),
            other => other,
        }
    }
}

impl RustType {
    /// An integer of 1, 2, 4, 8 or 16 bytes.
    pub(super) fn integer(size: u32, is_signed: bool) -> Option<Self> {
        let name = match (size, is_signed) {
            (1, false) => "u8",
            (1, true) => "i8",
            (2, false) => "u16",
            (2, true) => "i16",
            (4, false) => "u32",
            (4, true) => "i32",
            (8, false) => "u64",
            (8, true) => "i64",
            (16, false) => "u128",
            (16, true) => "i128",
            _ => return None,
        };
        Some(Self::number(name, size))
    }

    fn number(name: &'static str, size: u32) -> Self {
        Self {
            shape: Shape::Number(name),
            size: size.into(),
            align: size.into(),
        }
    }

    fn bytes(size: u32) -> Self {
        Self {
            shape: Shape::Array(Box::new(Shape::Number("u8")), size),
            size: size.into(),
            align: 1,
        }
    }
}

/// Who asks for a type: what an anonymous one is named after, and what an error speaks of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker<'a> {
    /// The name for a type without one.
    pub(super) name: &'a str,
    /// "member `saddr` of `struct conn_key`".
    pub(super) what: &'a str,
}

/// The types that were asked for so far.
#[derive(Debug)]
pub(super) struct Types<'a> {
    btf: &'a Btf,
    comments: Comments<'a>,
    scope: Scope,
    done: HashMap<TypeId, RustType>,
    definitions: Code,
    depth: usize,
}

impl<'a> Types<'a> {
    /// With definitions that are to be in so many blocks.
    pub(super) fn new(btf: &'a Btf, blocks: usize) -> Self {
        Self {
            btf,
            comments: Comments::of(btf),
            scope: Scope::default(),
            done: HashMap::new(),
            definitions: Code::within(blocks),
            depth: 0,
        }
    }

    pub(super) fn btf(&self) -> &'a Btf {
        self.btf
    }

    pub(super) fn comments(&self) -> &Comments<'a> {
        &self.comments
    }

    /// Where a type is defined, when all that it needs is.
    pub(super) fn definitions(&mut self) -> &mut Code {
        &mut self.definitions
    }

    /// The definitions that the types asked for take, in the order in which they came up.
    pub(super) fn into_definitions(self) -> Code {
        self.definitions
    }

    /// A type in Rust; defines it where it is a structure, union or enumeration.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] for what has no size or no counterpart, naming who asked.
    pub(super) fn rust_type(&mut self, id: TypeId, asker: Asker<'_>) -> Result<RustType> {
        if self.depth >= MAX_DEPTH {
            return Err(self.unsupported(id, asker, "lies too deep in others"));
        }
        self.depth += 1;
        let result = self.rust_type_of(id, asker);
        self.depth -= 1;
        result
    }

    fn rust_type_of(&mut self, id: TypeId, asker: Asker<'_>) -> Result<RustType> {
        if let Some(alias) = self.alias(id, asker)? {
            return Ok(alias);
        }
        let (ty, typedef) = self.resolve(id, asker)?;
        match ty.contents() {
            Contents::Int(int) if int.is_bool && int.size == 1 => Ok(RustType {
                shape: Shape::Bool,
                size: 1,
                align: 1,
            }),
            // The signedness of `char` differs between processors; text is bytes in Rust.
            Contents::Int(int) => {
                let is_signed = int.is_signed && ty.name() != "char";
                RustType::integer(int.size, is_signed).ok_or_else(|| {
                    self.unsupported(id, asker, &format!("is an integer of {} bytes", int.size))
                })
            }
            Contents::Float(4) => Ok(RustType::number("f32", 4)),
            Contents::Float(8) => Ok(RustType::number("f64", 8)),
            Contents::Float(size) => Ok(RustType::bytes(size)),
            // An address of the kernel: a number to user space.
            Contents::Ptr(_) => Ok(RustType::number("u64", 8)),
            Contents::Array(array) => self.array(array, asker),
            Contents::Struct(_) | Contents::Union(_) | Contents::Enum(_) => {
                self.named(ty, typedef, asker)
            }
            Contents::Fwd { .. } => Err(self.unsupported(id, asker, "is declared only")),
            _ => Err(self.unsupported(id, asker, "is no type that a value can have")),
        }
    }

    /// A typedef whose name is worth keeping, as an alias.
    fn alias(&mut self, id: TypeId, asker: Asker<'_>) -> Result<Option<RustType>> {
        // What is wrong with the type, resolving it says.
        let Ok(ty) = self.btf.skip_modifiers(id) else {
            return Ok(None);
        };
        let Contents::Typedef(target) = ty.contents() else {
            return Ok(None);
        };
        if !typedef::is_kept(self.btf, ty.name(), target) {
            return Ok(None);
        }
        if let Some(done) = self.done.get(&ty.id()) {
            return Ok(Some(done.clone()));
        }
        let of = self.rust_type(target, asker)?;
        let name = self.scope.type_name(ty.name());
        let facts = format!("`{}`, a `{}`.", ty.name(), self.btf.declaration(target, ""));
        let code = &mut self.definitions;
        code.gap();
        code.doc(&self.comments.with(ty.id(), None, &facts));
        line!(code, "pub type {name} = {};", of.shape.written(""));
        let alias = RustType {
            shape: Shape::Alias(name, Box::new(of.shape)),
            ..of
        };
        self.done.insert(ty.id(), alias.clone());
        Ok(Some(alias))
    }

    fn array(&mut self, array: Array, asker: Asker<'_>) -> Result<RustType> {
        if let (Contents::Int(Int { size: 1, .. }), "char") = self.element(array, asker)? {
            return Ok(RustType {
                shape: Shape::Chars(array.len),
                size: array.len.into(),
                align: 1,
            });
        }
        let element = self.rust_type(array.element, asker)?;
        Ok(RustType {
            size: element.size.saturating_mul(array.len.into()),
            align: element.align,
            shape: Shape::Array(Box::new(element.shape), array.len),
        })
    }

    /// What the elements of an array are, and are called.
    fn element(&self, array: Array, asker: Asker<'_>) -> Result<(Contents<'a>, &'a str)> {
        let (ty, _) = self.resolve(array.element, asker)?;
        Ok((ty.contents(), ty.name()))
    }

    fn named(&mut self, ty: Type<'a>, typedef: Option<&str>, asker: Asker<'_>) -> Result<RustType> {
        if let Some(done) = self.done.get(&ty.id()) {
            return Ok(done.clone());
        }
        // What it is called, and what the documentation calls it.
        let (c_name, title) = match (ty.name(), typedef) {
            ("", Some(typedef)) => (typedef, format!("`{typedef}`")),
            ("", None) => (asker.name, format!("The type of {}", asker.what)),
            (name, _) => (name, format!("`{}`", self.btf.declaration(ty.id(), ""))),
        };
        let name = self.scope.type_name(c_name);
        // Members first, so that the definitions read from the inside out.
        let rust_type = match ty.contents() {
            Contents::Enum(contents) => {
                enumeration::define(self, ty, contents, &title, name, asker)?
            }
            _ => record::define(self, ty, c_name, &title, name)?,
        };
        self.done.insert(ty.id(), rust_type.clone());
        Ok(rust_type)
    }

    /// The type beneath qualifiers and typedefs, and the last typedef on the way.
    pub(super) fn resolve(
        &self,
        id: TypeId,
        asker: Asker<'_>,
    ) -> Result<(Type<'a>, Option<&'a str>)> {
        let broken = |error| {
            Error::new(
                ErrorKind::InvalidObject,
                format!("reading the type of {}", asker.what),
            )
            .with_source(error)
        };
        let mut typedef = None;
        let mut ty = self.btf.skip_modifiers(id).map_err(broken)?;
        for _ in 0..MAX_DEPTH {
            let Contents::Typedef(next) = ty.contents() else {
                return Ok((ty, typedef));
            };
            typedef = Some(ty.name());
            ty = self.btf.skip_modifiers(next).map_err(broken)?;
        }
        Err(self.unsupported(id, asker, "is a typedef of itself"))
    }

    /// Where the array without a length begins that a structure ends in, if it does.
    pub(super) fn tail(&self, id: TypeId) -> Option<u32> {
        let ty = self.btf.skip_modifiers_and_typedefs(id).ok()?;
        let Contents::Struct(_) = ty.contents() else {
            return None;
        };
        let last = ty.members().next_back()?;
        let member = self.btf.skip_modifiers_and_typedefs(last.ty).ok()?;
        match member.contents() {
            Contents::Array(array) if array.len == 0 => Some(last.bit_offset / 8),
            _ => None,
        }
    }

    pub(super) fn unsupported(&self, id: TypeId, asker: Asker<'_>, why: &str) -> Error {
        Error::new(
            ErrorKind::Type,
            format!(
                "the type of {}, `{}`, {why}",
                asker.what,
                self.btf.declaration(id, "")
            ),
        )
    }
}

/// A type of the object that was asked for by name: `struct`, `union`, `enum` or typedef.
pub(super) fn find(btf: &Btf, name: &str) -> Option<TypeId> {
    const KINDS: [Kind; 5] = [
        Kind::STRUCT,
        Kind::UNION,
        Kind::ENUM,
        Kind::ENUM64,
        Kind::TYPEDEF,
    ];
    let bare = name
        .strip_prefix("struct ")
        .or_else(|| name.strip_prefix("union "))
        .or_else(|| name.strip_prefix("enum "))
        .unwrap_or(name);
    KINDS.iter().find_map(|kind| btf.find(bare, *kind))
}

#[cfg(test)]
mod tests {
    use oxbpf_object::btf::{BtfBuilder, Member, Param};

    use super::*;

    const ASKER: Asker<'_> = Asker {
        name: "asked",
        what: "variable `asked`",
    };

    /// The type and the definitions that it takes, as text.
    fn generated(builder: &BtfBuilder, id: TypeId) -> Result<(String, String)> {
        let btf = builder.build().unwrap();
        let mut types = Types::new(&btf, 0);
        let rust_type = types.rust_type(id, ASKER)?;
        let definitions = types.into_definitions().into_text();
        Ok((rust_type.shape.written(""), definitions))
    }

    fn member(name: &str, ty: TypeId, bit_offset: u32, bitfield_size: u8) -> Member<'_> {
        Member {
            name,
            ty,
            bit_offset,
            bitfield_size,
        }
    }

    #[test]
    fn a_type_that_is_declared_only_is_an_error_that_names_the_member() {
        let mut btf = BtfBuilder::new();
        let forward = btf.add_fwd("task_struct", false);
        let record = btf.add_struct("event", 8, &[member("task", forward, 0, 0)]);
        let error = generated(&btf, record).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Type);
        assert_eq!(
            error.to_string(),
            "the type of member `task` of `struct event`, `struct task_struct`, is declared only"
        );
    }

    #[test]
    fn types_that_contain_themselves_are_an_error() {
        let mut btf = BtfBuilder::new();
        let itself = btf.next_id();
        btf.add_struct("snake", 8, &[member("tail", itself, 0, 0)]);
        assert_eq!(generated(&btf, itself).unwrap_err().kind(), ErrorKind::Type);

        // Without a name for it, its members are those of what it is in.
        let mut btf = BtfBuilder::new();
        let itself = btf.next_id();
        btf.add_struct("", 8, &[member("", itself, 0, 0)]);
        let error = generated(&btf, itself).unwrap_err();
        assert!(
            error.to_string().contains("lies too deep in others"),
            "{error}"
        );

        let mut btf = BtfBuilder::new();
        let itself = btf.next_id();
        btf.add_typedef("a", itself);
        assert!(generated(&btf, itself).is_err());
    }

    #[test]
    fn members_that_overlap_are_an_error() {
        let mut btf = BtfBuilder::new();
        let number = btf.add_unsigned("unsigned int", 4);
        let record = btf.add_struct(
            "liar",
            8,
            &[member("a", number, 0, 0), member("b", number, 16, 0)],
        );
        let error = generated(&btf, record).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("`struct liar` has members that overlap"),
            "{error}"
        );
        let record = btf.add_struct("small", 2, &[member("a", number, 0, 0)]);
        let error = generated(&btf, record).unwrap_err();
        assert!(
            error.to_string().contains("smaller than its members"),
            "{error}"
        );
    }

    #[test]
    fn bit_fields_of_old_compilers_are_bit_fields_too() {
        let mut btf = BtfBuilder::new();
        let three_bits = btf.add_int(
            "unsigned int",
            Int {
                bits: 3,
                ..Int::unsigned(4)
            },
        );
        let record = btf.add_struct("old", 4, &[member("a", three_bits, 2, 0)]);
        let (_, definitions) = generated(&btf, record).unwrap();
        assert!(
            definitions.contains("get_bits::<_, _, 2, 3>(self)"),
            "{definitions}"
        );
        assert!(
            definitions.contains("pub fn a(&self) -> u32"),
            "{definitions}"
        );
    }

    #[test]
    fn declarations_read_as_in_c() {
        let mut btf = BtfBuilder::new();
        let int = btf.add_signed("int", 4);
        let pointer = btf.add_ptr(int);
        let array = |element, len| Array {
            element,
            index: int,
            len,
        };
        let pointers = btf.add_array(array(pointer, 4));
        let inner = btf.add_array(array(int, 3));
        let grid = btf.add_array(array(inner, 2));
        let to_array = btf.add_ptr(inner);
        let void = btf.add_ptr(TypeId::VOID);
        let constant = btf.add_const(int);
        let unnamed = btf.add_struct("", 0, &[]);
        let parameter = |ty| Param { name: "", ty };
        let function = btf.add_func_proto(TypeId::VOID, &[parameter(int), parameter(pointer)]);
        let handler = btf.add_ptr(function);
        let of_handlers = btf.add_func_proto(int, &[parameter(handler)]);
        let of_handlers = btf.add_ptr(of_handlers);
        let btf = btf.build().unwrap();
        for (id, declaration, ty) in [
            (int, "int x", "int"),
            (pointer, "int *x", "int *"),
            (pointers, "int *x[4]", "int *[4]"),
            (grid, "int x[2][3]", "int[2][3]"),
            (to_array, "int (*x)[3]", "int (*)[3]"),
            (void, "void *x", "void *"),
            (constant, "int x", "int"),
            (unnamed, "struct { … } x", "struct { … }"),
            (handler, "void (*x)(int, int *)", "void (*)(int, int *)"),
            (
                of_handlers,
                "int (*x)(void (*)(int, int *))",
                "int (*)(void (*)(int, int *))",
            ),
        ] {
            assert_eq!(btf.declaration(id, "x"), declaration);
            assert_eq!(btf.declaration(id, ""), ty);
        }
    }
}
