//! Views of one type record.

use std::fmt;
use std::marker::PhantomData;
use std::slice::ChunksExact;

use super::header::{TYPE_SIZE, info_kind, info_vlen};
use super::kind::Word;
use super::{Btf, Error, Kind, TypeId};

/// One type: a view of its record, decoded when asked.
#[derive(Clone, Copy)]
pub struct Type<'a> {
    btf: &'a Btf,
    id: TypeId,
    record: &'a [u8],
}

/// What a type says, for matching on. See [`Type::contents`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Contents<'a> {
    /// No type.
    Void,
    /// An integer, character or boolean.
    Int(Int),
    /// A pointer to the type.
    Ptr(TypeId),
    /// An array.
    Array(Array),
    /// A structure.
    Struct(Composite<'a>),
    /// A union.
    Union(Composite<'a>),
    /// An enumeration, of either kind.
    Enum(Enum<'a>),
    /// A structure (or a union) that is declared only.
    Fwd {
        /// Whether it is a union.
        is_union: bool,
    },
    /// Another name for the type.
    Typedef(TypeId),
    /// The type, `volatile`.
    Volatile(TypeId),
    /// The type, `const`.
    Const(TypeId),
    /// The type, `restrict`.
    Restrict(TypeId),
    /// A function.
    Func(Func),
    /// The parameters and result of a function.
    FuncProto(FuncProto<'a>),
    /// A global variable.
    Var(Var),
    /// A section of an object, with its variables.
    DataSection(DataSection<'a>),
    /// A floating-point number of this many bytes.
    Float(u32),
    /// A note on a declaration; the note is the name of the type.
    DeclTag(DeclTag),
    /// A note on a type; the note is the name of the type.
    TypeTag(TypeTag),
    /// A kind unknown here, whose record could be stepped over.
    Unknown(Kind),
}

/// An integer type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Int {
    /// Size in bytes.
    pub size: u32,
    /// Number of bits in use, counted from the least significant one, unless it is an old compiler's bit-field.
    pub bits: u8,
    /// Where the bits start within the value: 0 but for an old compiler's bit-field.
    pub bit_offset: u8,
    /// Whether it is signed.
    pub is_signed: bool,
    /// Whether it is a character. Compilers seldom say so.
    pub is_char: bool,
    /// Whether it is a boolean.
    pub is_bool: bool,
}

impl Int {
    /// An unsigned integer of `size` bytes.
    pub const fn unsigned(size: u8) -> Int {
        let bits = size.saturating_mul(8);
        Int {
            size: size as u32,
            bits,
            bit_offset: 0,
            is_signed: false,
            is_char: false,
            is_bool: false,
        }
    }
}

/// An array type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Array {
    /// The type of an element.
    pub element: TypeId,
    /// The type of the index, of no use in C.
    pub index: TypeId,
    /// The number of elements; 0 for a flexible array.
    pub len: u32,
}

/// A structure or union.
#[derive(Debug, Clone, Copy)]
pub struct Composite<'a> {
    ty: Type<'a>,
    /// Size in bytes.
    pub size: u32,
}

impl<'a> Composite<'a> {
    /// The members, in the order of their declaration.
    pub fn members(self) -> Elements<'a, Member<'a>> {
        Elements::new(self.ty)
    }
}

/// A member of a structure or union.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its name, empty if it is an anonymous structure, union or bit-field.
    pub name: &'a str,
    /// Its type.
    pub ty: TypeId,
    /// Where it starts, in bits from the start of the structure: a multiple of 8 unless it is a bit-field.
    ///
    /// For a bit-field on a big-endian machine bits are counted from the most significant one.
    pub bit_offset: u32,
    /// The number of bits of a bit-field; 0 for an ordinary member.
    ///
    /// Old compilers describe a bit-field by an integer type of its own instead ([`Int::bits`]).
    pub bitfield_size: u8,
}

impl Member<'_> {
    /// Where the member starts, in bytes from the start of the structure; rounded down for a bit-field.
    pub const fn byte_offset(&self) -> u32 {
        self.bit_offset / 8
    }
}

/// An enumeration.
#[derive(Debug, Clone, Copy)]
pub struct Enum<'a> {
    ty: Type<'a>,
    /// Size in bytes.
    pub size: u32,
    /// Whether its values are signed. Compilers before LLVM 16 do not say, so that it is false.
    pub is_signed: bool,
}

impl<'a> Enum<'a> {
    /// The enumerators, in the order of their declaration.
    pub fn enumerators(self) -> Elements<'a, Enumerator<'a>> {
        Elements::new(self.ty)
    }
}

/// A named value of an enumeration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enumerator<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value, negative only if the enumeration [is signed](Enum::is_signed): between `i64::MIN` and `u64::MAX`.
    pub value: i128,
}

/// A function: its name is that of the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Func {
    /// Its parameters and result, a [`Kind::FUNC_PROTO`].
    pub proto: TypeId,
    /// Who can call it.
    pub linkage: FuncLinkage,
}

macro_rules! linkage {
    ($(#[$doc:meta])* $type:ident { $($(#[$constant_doc:meta])* $name:ident = $value:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $type(pub u32);

        impl $type {
            $($(#[$constant_doc])* pub const $name: $type = $type($value);)*
        }
    };
}

linkage! {
    /// Who can call a function (`enum btf_func_linkage`). An open set.
    #[doc(alias = "btf_func_linkage")]
    FuncLinkage {
        /// Its own object only.
        STATIC = 0,
        /// Everyone.
        GLOBAL = 1,
        /// It is defined elsewhere: a kernel function.
        EXTERN = 2,
    }
}

linkage! {
    /// Who can refer to a variable (`BTF_VAR_*`). An open set.
    #[doc(alias = "btf_var")]
    VarLinkage {
        /// Its own object only.
        STATIC = 0,
        /// Everyone.
        #[doc(alias = "BTF_VAR_GLOBAL_ALLOCATED")]
        GLOBAL = 1,
        /// It is defined elsewhere.
        #[doc(alias = "BTF_VAR_GLOBAL_EXTERN")]
        EXTERN = 2,
    }
}

/// The parameters and result of a function.
#[derive(Debug, Clone, Copy)]
pub struct FuncProto<'a> {
    ty: Type<'a>,
    /// The type of the result; [`TypeId::VOID`] if there is none.
    pub result: TypeId,
}

impl<'a> FuncProto<'a> {
    /// The parameters. A last one that [is variadic](Param::is_variadic) stands for `...`.
    pub fn params(self) -> Elements<'a, Param<'a>> {
        Elements::new(self.ty)
    }
}

/// A parameter of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param<'a> {
    /// Its name, empty where only a type is given.
    pub name: &'a str,
    /// Its type.
    pub ty: TypeId,
}

impl Param<'_> {
    /// Whether it stands for `...`.
    pub fn is_variadic(&self) -> bool {
        self.name.is_empty() && self.ty == TypeId::VOID
    }
}

/// A global variable: its name is that of the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Var {
    /// Its type.
    pub ty: TypeId,
    /// Who can refer to it.
    pub linkage: VarLinkage,
}

/// A section of an object, its name that of the type (`.data`, `.maps`, `license`).
#[derive(Debug, Clone, Copy)]
pub struct DataSection<'a> {
    ty: Type<'a>,
    /// Size in bytes. Compilers leave it 0, for the loader to fill in.
    pub size: u32,
}

impl<'a> DataSection<'a> {
    /// The variables in the section.
    pub fn variables(self) -> Elements<'a, SectionVar> {
        Elements::new(self.ty)
    }
}

/// A variable in a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectionVar {
    /// The variable, a [`Kind::VAR`], or an external function, a [`Kind::FUNC`].
    pub ty: TypeId,
    /// Where it starts, in bytes from the start of the section. Compilers leave it 0, for the loader to fill in.
    pub offset: u32,
    /// Its size in bytes.
    pub size: u32,
}

/// A note on a declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeclTag {
    /// What the note is on: a structure, union, typedef, variable or function.
    pub target: TypeId,
    /// The position of the member or parameter that the note is on, if it is not on the whole.
    pub component: Option<u32>,
    /// Whether it is an attribute of the compiler rather than a note (6.15 and later).
    pub is_attribute: bool,
}

/// A note on a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeTag {
    /// The type that the note is on.
    pub target: TypeId,
    /// Whether it is an attribute of the compiler rather than a note (6.15 and later).
    pub is_attribute: bool,
}

impl<'a> Type<'a> {
    pub(super) fn new(btf: &'a Btf, id: TypeId, record: &'a [u8]) -> Type<'a> {
        Type { btf, id, record }
    }

    /// Its number.
    pub fn id(self) -> TypeId {
        self.id
    }

    /// The BTF it was asked of.
    pub fn btf(self) -> &'a Btf {
        self.btf
    }

    /// The bytes of its record.
    pub fn raw(self) -> &'a [u8] {
        self.record
    }

    /// Its kind.
    pub fn kind(self) -> Kind {
        info_kind(self.info())
    }

    /// Its name; empty if it has none, or none that can be read ([`name_bytes`](Type::name_bytes) tells).
    pub fn name(self) -> &'a str {
        self.btf.text(self.name_offset())
    }

    /// Its name as it is, empty if it has none.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchString`].
    pub fn name_bytes(self) -> Result<&'a [u8], Error> {
        self.btf.string(self.name_offset())
    }

    /// Whether it has this name; quicker than to compare [`name`](Type::name).
    pub fn is_named(self, name: &str) -> bool {
        let rest = self
            .btf
            .strings_from(self.name_offset())
            .and_then(|strings| strings.strip_prefix(name.as_bytes()));
        matches!(rest, Some([0, ..]))
    }

    /// The strings from its name on, for comparing only their start.
    pub(crate) fn name_start(self) -> &'a [u8] {
        self.btf
            .strings_from(self.name_offset())
            .unwrap_or_default()
    }

    /// Where its name starts, in bytes from the start of the strings; 0 if it has none.
    pub fn name_offset(self) -> u32 {
        self.word(0)
    }

    /// The number of its members, enumerators, parameters or variables.
    #[doc(alias = "vlen")]
    pub fn element_count(self) -> u32 {
        info_vlen(self.info())
    }

    /// A bit whose meaning depends on the kind; what it tells is in [`contents`](Type::contents).
    #[doc(alias = "kflag")]
    pub fn kind_flag(self) -> bool {
        self.info() >> 31 == 1
    }

    /// The size in bytes that its record gives; `None` for kinds whose records give none.
    pub fn size(self) -> Option<u32> {
        match self.kind() {
            Kind::INT
            | Kind::STRUCT
            | Kind::UNION
            | Kind::ENUM
            | Kind::ENUM64
            | Kind::DATASEC
            | Kind::FLOAT => Some(self.word(8)),
            _ => None,
        }
    }

    /// The type it is made from: what a pointer points to, a typedef names, a modifier or tag is on, a variable is of,
    /// a function's prototype, a prototype's result. `None` for other kinds.
    pub fn target(self) -> Option<TypeId> {
        match self.kind() {
            Kind::PTR
            | Kind::TYPEDEF
            | Kind::FUNC
            | Kind::FUNC_PROTO
            | Kind::VAR
            | Kind::DECL_TAG => Some(TypeId(self.word(8))),
            kind if kind.is_modifier() => Some(TypeId(self.word(8))),
            _ => None,
        }
    }

    /// What it says, for matching on.
    pub fn contents(self) -> Contents<'a> {
        let size_or_type = self.word(8);
        let (size, target) = (size_or_type, TypeId(size_or_type));
        match self.kind() {
            Kind::VOID => Contents::Void,
            Kind::INT => Contents::Int(self.int()),
            Kind::PTR => Contents::Ptr(target),
            Kind::ARRAY => Contents::Array(Array {
                element: TypeId(self.word(12)),
                index: TypeId(self.word(16)),
                len: self.word(20),
            }),
            Kind::STRUCT => Contents::Struct(Composite { ty: self, size }),
            Kind::UNION => Contents::Union(Composite { ty: self, size }),
            Kind::ENUM | Kind::ENUM64 => Contents::Enum(Enum {
                ty: self,
                size,
                is_signed: self.kind_flag(),
            }),
            Kind::FWD => Contents::Fwd {
                is_union: self.kind_flag(),
            },
            Kind::TYPEDEF => Contents::Typedef(target),
            Kind::VOLATILE => Contents::Volatile(target),
            Kind::CONST => Contents::Const(target),
            Kind::RESTRICT => Contents::Restrict(target),
            Kind::FUNC => Contents::Func(Func {
                proto: target,
                linkage: FuncLinkage(self.element_count()),
            }),
            Kind::FUNC_PROTO => Contents::FuncProto(FuncProto {
                ty: self,
                result: target,
            }),
            Kind::VAR => Contents::Var(Var {
                ty: target,
                linkage: VarLinkage(self.word(12)),
            }),
            Kind::DATASEC => Contents::DataSection(DataSection { ty: self, size }),
            Kind::FLOAT => Contents::Float(size),
            Kind::DECL_TAG => {
                let component = Some(self.word(12)).filter(|&component| component != u32::MAX);
                Contents::DeclTag(DeclTag {
                    target,
                    component,
                    is_attribute: self.kind_flag(),
                })
            }
            Kind::TYPE_TAG => Contents::TypeTag(TypeTag {
                target,
                is_attribute: self.kind_flag(),
            }),
            kind => Contents::Unknown(kind),
        }
    }

    /// The members, if it is a structure or union; none otherwise.
    pub fn members(self) -> Elements<'a, Member<'a>> {
        Elements::new_if(self, matches!(self.kind(), Kind::STRUCT | Kind::UNION))
    }

    /// The number of elements of an array.
    pub(super) fn array_len(self) -> u32 {
        self.word(20)
    }

    /// The members without their names.
    pub(super) fn raw_members(self) -> Elements<'a, RawMember> {
        Elements::new_if(self, matches!(self.kind(), Kind::STRUCT | Kind::UNION))
    }

    /// The enumerators, if it is an enumeration; none otherwise.
    pub fn enumerators(self) -> Elements<'a, Enumerator<'a>> {
        Elements::new_if(self, matches!(self.kind(), Kind::ENUM | Kind::ENUM64))
    }

    /// The enumerators without their names.
    pub(super) fn raw_enumerators(self) -> Elements<'a, RawEnumerator> {
        Elements::new_if(self, matches!(self.kind(), Kind::ENUM | Kind::ENUM64))
    }

    /// The parameters, if it is a prototype; none otherwise.
    pub fn params(self) -> Elements<'a, Param<'a>> {
        Elements::new_if(self, self.kind() == Kind::FUNC_PROTO)
    }

    /// The parameters without their names.
    pub(super) fn raw_params(self) -> Elements<'a, RawParam> {
        Elements::new_if(self, self.kind() == Kind::FUNC_PROTO)
    }

    /// The variables, if it is a section; none otherwise.
    pub fn variables(self) -> Elements<'a, SectionVar> {
        Elements::new_if(self, self.kind() == Kind::DATASEC)
    }

    /// The types it refers to, in the order of its record, `void` among them. None for an unknown kind.
    pub fn references(self) -> impl Iterator<Item = TypeId> + use<'a> {
        let words = self.words().into_iter().flatten();
        words
            .filter(|(word, _)| *word == Word::Type)
            .map(|(_, value)| TypeId(value))
    }

    /// The type of the element at a position, in a kind whose elements have one as their second word: members, parameters.
    pub(super) fn element_type(self, position: usize) -> Option<TypeId> {
        let words = self.kind().record()?.element.len();
        let start = position
            .checked_mul(words)?
            .checked_add(1)?
            .checked_mul(4)?
            .checked_add(TYPE_SIZE)?;
        self.btf.endian().read_u32(self.record, start).map(TypeId)
    }

    /// The words of its record and what they are.
    pub(super) fn words(self) -> Result<impl Iterator<Item = (Word, u32)> + use<'a>, Error> {
        let unknown = Error::UnknownContents {
            id: self.id,
            kind: self.kind(),
        };
        let meanings = self.kind().record().ok_or(unknown)?.iter();
        let endian = self.btf.endian();
        let values = self
            .record
            .chunks_exact(4)
            .map(move |word| endian.read_u32(word, 0).unwrap_or(0));
        Ok(meanings.zip(values))
    }

    fn int(self) -> Int {
        let data = self.word(12);
        let encoding = data >> 24;
        Int {
            size: self.word(8),
            bits: data as u8,
            bit_offset: (data >> 16) as u8,
            is_signed: encoding & 1 != 0,
            is_char: encoding & 2 != 0,
            is_bool: encoding & 4 != 0,
        }
    }

    fn info(self) -> u32 {
        self.word(4)
    }

    #[inline]
    fn word(self, at: usize) -> u32 {
        word(self.btf, self.record, at)
    }
}

/// Names its kind and name.
impl fmt::Debug for Type<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {} {:?}", self.id, self.kind(), self.name())
    }
}

/// A record's length was made sure of when its BTF was indexed.
#[inline]
fn word(btf: &Btf, bytes: &[u8], at: usize) -> u32 {
    btf.endian().read_u32(bytes, at).unwrap_or(0)
}

/// Iterator over the members, enumerators, parameters or variables of a type.
pub struct Elements<'a, T> {
    ty: Type<'a>,
    chunks: ChunksExact<'a, u8>,
    element: PhantomData<fn() -> T>,
}

impl<'a, T: Element<'a>> Elements<'a, T> {
    fn new(ty: Type<'a>) -> Elements<'a, T> {
        Elements::new_if(ty, true)
    }

    fn new_if(ty: Type<'a>, any: bool) -> Elements<'a, T> {
        let size = T::size(ty);
        let elements = ty
            .record
            .get(TYPE_SIZE..)
            .filter(|_| any)
            .unwrap_or_default();
        Elements {
            ty,
            chunks: elements.chunks_exact(size),
            element: PhantomData,
        }
    }
}

/// What [`Elements`] iterates over.
pub trait Element<'a>: Sized + sealed::Sealed {
    #[doc(hidden)]
    fn size(ty: Type<'a>) -> usize;
    #[doc(hidden)]
    fn read(ty: Type<'a>, bytes: &'a [u8]) -> Self;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Member<'_> {}
    impl Sealed for super::RawMember {}
    impl Sealed for super::RawParam {}
    impl Sealed for super::RawEnumerator {}
    impl Sealed for super::Enumerator<'_> {}
    impl Sealed for super::Param<'_> {}
    impl Sealed for super::SectionVar {}
}

impl<'a, T: Element<'a>> Iterator for Elements<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.chunks.next().map(|bytes| T::read(self.ty, bytes))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.chunks.size_hint()
    }

    fn nth(&mut self, n: usize) -> Option<T> {
        self.chunks.nth(n).map(|bytes| T::read(self.ty, bytes))
    }
}

impl<'a, T: Element<'a>> DoubleEndedIterator for Elements<'a, T> {
    fn next_back(&mut self) -> Option<T> {
        self.chunks.next_back().map(|bytes| T::read(self.ty, bytes))
    }
}

impl<'a, T: Element<'a>> ExactSizeIterator for Elements<'a, T> {}

impl<T> Clone for Elements<'_, T> {
    fn clone(&self) -> Self {
        Elements {
            ty: self.ty,
            chunks: self.chunks.clone(),
            element: PhantomData,
        }
    }
}

impl<'a, T: Element<'a> + fmt::Debug> fmt::Debug for Elements<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl<'a> Element<'a> for Member<'a> {
    fn size(ty: Type<'a>) -> usize {
        RawMember::size(ty)
    }

    fn read(ty: Type<'a>, bytes: &'a [u8]) -> Member<'a> {
        let RawMember {
            name_offset,
            ty: member,
            bit_offset,
            bitfield_size,
        } = RawMember::read(ty, bytes);
        Member {
            name: ty.btf.text(name_offset),
            ty: member,
            bit_offset,
            bitfield_size,
        }
    }
}

/// A [`Member`] whose name has not been looked up.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawMember {
    pub(super) name_offset: u32,
    pub(super) ty: TypeId,
    pub(super) bit_offset: u32,
    pub(super) bitfield_size: u8,
}

impl<'a> Element<'a> for RawMember {
    fn size(_: Type<'a>) -> usize {
        12
    }

    fn read(ty: Type<'a>, bytes: &'a [u8]) -> RawMember {
        let offset = word(ty.btf, bytes, 8);
        let (bit_offset, bitfield_size) = match ty.kind_flag() {
            true => (offset & 0x00ff_ffff, (offset >> 24) as u8),
            false => (offset, 0),
        };
        RawMember {
            name_offset: word(ty.btf, bytes, 0),
            ty: TypeId(word(ty.btf, bytes, 4)),
            bit_offset,
            bitfield_size,
        }
    }
}

impl<'a> Element<'a> for Enumerator<'a> {
    fn size(ty: Type<'a>) -> usize {
        RawEnumerator::size(ty)
    }

    fn read(ty: Type<'a>, bytes: &'a [u8]) -> Enumerator<'a> {
        let RawEnumerator { name_offset, value } = RawEnumerator::read(ty, bytes);
        Enumerator {
            name: ty.btf.text(name_offset),
            value,
        }
    }
}

/// An [`Enumerator`] whose name has not been looked up.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawEnumerator {
    pub(super) name_offset: u32,
    pub(super) value: i128,
}

impl<'a> Element<'a> for RawEnumerator {
    fn size(ty: Type<'a>) -> usize {
        if ty.kind() == Kind::ENUM64 { 12 } else { 8 }
    }

    fn read(ty: Type<'a>, bytes: &'a [u8]) -> RawEnumerator {
        let low = word(ty.btf, bytes, 4);
        let value = match (ty.kind() == Kind::ENUM64, ty.kind_flag()) {
            (false, false) => low.into(),
            (false, true) => (low as i32).into(),
            (true, signed) => {
                let bits = u64::from(word(ty.btf, bytes, 8)) << 32 | u64::from(low);
                if signed {
                    (bits as i64).into()
                } else {
                    bits.into()
                }
            }
        };
        RawEnumerator {
            name_offset: word(ty.btf, bytes, 0),
            value,
        }
    }
}

impl<'a> Element<'a> for Param<'a> {
    fn size(ty: Type<'a>) -> usize {
        RawParam::size(ty)
    }

    fn read(ty: Type<'a>, bytes: &'a [u8]) -> Param<'a> {
        let RawParam {
            name_offset,
            ty: param,
        } = RawParam::read(ty, bytes);
        Param {
            name: ty.btf.text(name_offset),
            ty: param,
        }
    }
}

/// A [`Param`] whose name has not been looked up.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawParam {
    pub(super) name_offset: u32,
    pub(super) ty: TypeId,
}

impl<'a> Element<'a> for RawParam {
    fn size(_: Type<'a>) -> usize {
        8
    }

    fn read(ty: Type<'a>, bytes: &'a [u8]) -> RawParam {
        RawParam {
            name_offset: word(ty.btf, bytes, 0),
            ty: TypeId(word(ty.btf, bytes, 4)),
        }
    }
}

impl<'a> Element<'a> for SectionVar {
    fn size(_: Type<'a>) -> usize {
        12
    }

    fn read(ty: Type<'a>, bytes: &'a [u8]) -> SectionVar {
        SectionVar {
            ty: TypeId(word(ty.btf, bytes, 0)),
            offset: word(ty.btf, bytes, 4),
            size: word(ty.btf, bytes, 8),
        }
    }
}
