//! BTF: the types of a BPF object, of the kernel, or of a kernel module.
//!
//! BTF is a list of type records and a list of strings. A type's id is its position in the list, counted from 1; id 0 is `void`.
//! Split BTF (a kernel module's) continues the ids and the strings of a base (the kernel's).
//!
//! [`Btf`] keeps the bytes as they are and where every eighth record starts; [`Type`] is a `Copy` view of one record, decoded when
//! asked. So opening the BTF of a whole kernel costs a pass over its records and some sixty kilobytes.
//!
//! The bytes may come from anywhere: nothing in them makes a function here panic, loop without end, or allocate more than a part of
//! their own size. What a newer format adds is survived where it can be: a longer header is fine, and records of unknown kinds are
//! stepped over if the data says how long they are (Linux 7.1 and later do); if not, the types before them stay readable and
//! [`Btf::unread`] tells.
//!
//! Source: `include/uapi/linux/btf.h`, `Documentation/bpf/btf.rst`.

pub mod bits;
mod builder;
mod contexts;
mod dedup;
mod describe;
pub mod diff;
pub mod dump_c;
mod edit;
mod elf;
mod error;
mod ext;
mod header;
mod kind;
mod min;
mod names;
mod record_index;
mod resolve;
mod sanitize;
mod type_name;
mod types;
mod value;
mod value_text;

use std::ffi::CStr;
use std::fmt;
use std::sync::{Arc, OnceLock};

pub use builder::BtfBuilder;
pub use dedup::Deduplicated;
pub use describe::{Description, Field, FieldValue};
pub(crate) use edit::{Edit, Word};
pub use error::Error;
pub use ext::{BtfExt, CoreRelo, FuncInfo, Groups, LineInfo, Record, Records};
use header::{Header, RecordLayouts, TYPE_SIZE};
pub use kind::Kind;
pub use min::MinBtf;
pub use names::FindAll;
use names::Names;
use record_index::RecordIndex;
pub use sanitize::SupportedKinds;
use types::RawMember;
pub use types::{
    Array, Composite, Contents, DataSection, DeclTag, Elements, Enum, Enumerator, Func,
    FuncLinkage, FuncProto, Int, Member, Param, SectionVar, Type, TypeTag, Var, VarLinkage,
};

pub use value::Value;
pub use value_text::ValueTextError;

use crate::Endian;

/// The bytes that a [`Btf`] reads: a vector, a memory map, a static array.
pub type SharedBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// The number of a type within its BTF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TypeId(pub u32);

impl TypeId {
    /// `void`, which every BTF has without a record for it.
    pub const VOID: TypeId = TypeId(0);
}

/// The number alone.
impl fmt::Display for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Type information, read in place. A clone shares everything.
///
/// ```
/// use oxbpf_object::btf::{Btf, Error, Kind};
///
/// fn size_of_task(vmlinux: Vec<u8>) -> Result<Option<u64>, Error> {
///     let btf = Btf::parse(vmlinux)?;
///     btf.find("task_struct", Kind::STRUCT).map(|id| btf.size_of(id)).transpose()
/// }
/// ```
#[derive(Clone)]
pub struct Btf(Arc<Inner>);

struct Inner {
    bytes: SharedBytes,
    header: Header,
    base: Option<Btf>,
    /// The id of the first type of our own.
    first: u32,
    /// The offset of the first string of our own.
    first_string: u32,
    records: RecordIndex,
    unread: Option<Error>,
    names: Names,
    pointer_size: OnceLock<u8>,
}

impl Btf {
    /// Reads `.BTF` data in either byte order: an object's section, `/sys/kernel/btf/vmlinux`, or what the kernel returns for a BTF object.
    ///
    /// # Errors
    ///
    /// When the header is not one, or a part or a record reaches outside of the data. What the records say is checked where it is asked for.
    pub fn parse(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Btf, Error> {
        Btf::parse_shared(Arc::new(bytes), None)
    }

    /// Reads split BTF, whose ids and strings continue those of `base`: a kernel module's.
    ///
    /// # Errors
    ///
    /// As [`parse`](Btf::parse). Also when some of `base` could not be read ([`Btf::unread`]), since it is then not known where its ids end.
    pub fn parse_split(
        bytes: impl AsRef<[u8]> + Send + Sync + 'static,
        base: &Btf,
    ) -> Result<Btf, Error> {
        Btf::parse_shared(Arc::new(bytes), Some(base))
    }

    /// As [`parse`](Btf::parse) or, given a base, as [`parse_split`](Btf::parse_split), for bytes that are already shared.
    ///
    /// # Errors
    ///
    /// As those two.
    pub fn parse_shared(bytes: SharedBytes, base: Option<&Btf>) -> Result<Btf, Error> {
        let (first, first_string) = match base {
            None => (1, 0),
            Some(base) => match &base.0.unread {
                None => (base.end().0, base.strings_end()),
                Some(error) => return Err(error.clone()),
            },
        };
        let data = (*bytes).as_ref();
        let header = Header::parse(data)?;
        let part = |range: &std::ops::Range<usize>| data.get(range.clone()).unwrap_or_default();
        if !matches!(part(&header.strings), [] | [.., 0]) {
            return Err(Error::UnterminatedStrings);
        }
        // Offset 0 stands for no name.
        if base.is_none() && !matches!(part(&header.strings), [] | [0, ..]) {
            return Err(Error::NoEmptyString);
        }
        // A module's data may leave the layouts to the kernel's.
        let layouts = match (part(&header.layouts), base) {
            ([], Some(base)) => RecordLayouts::new(base.part(&base.0.header.layouts)),
            (own, _) => RecordLayouts::new(own),
        };
        let types = part(&header.types);
        let (records, unread) = RecordIndex::new(types, header.endian, first, layouts)?;
        Ok(Btf(Arc::new(Inner {
            header,
            base: base.cloned(),
            first,
            first_string,
            records,
            unread,
            names: Names::default(),
            pointer_size: OnceLock::new(),
            bytes,
        })))
    }

    /// The byte order of the data.
    pub fn endian(&self) -> Endian {
        self.0.header.endian
    }

    /// All of the data, as given.
    pub fn raw(&self) -> &[u8] {
        (*self.0.bytes).as_ref()
    }

    /// What this BTF continues, if it is split.
    pub fn base(&self) -> Option<&Btf> {
        self.0.base.as_ref()
    }

    /// Why the last types of the data cannot be read, if that is so: they follow a record of a kind unknown here ([`Error::UnknownKind`]).
    pub fn unread(&self) -> Option<&Error> {
        self.0.unread.as_ref()
    }

    /// The id of the first type that is not the base's.
    pub fn first(&self) -> TypeId {
        TypeId(self.0.first)
    }

    /// One more than the last id.
    pub fn end(&self) -> TypeId {
        TypeId(self.0.first.saturating_add(self.0.records.count()))
    }

    /// The type with this id, of the base too; [`TypeId::VOID`] is always there.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchType`]; [`Error::UnknownKind`] if the type may be in the part of the data that cannot be read.
    pub fn get(&self, id: TypeId) -> Result<Type<'_>, Error> {
        match self.record(id) {
            Some(record) => Ok(Type::new(self, id, record)),
            None => self.get_elsewhere(id),
        }
    }

    /// A type that is not one of our own.
    fn get_elsewhere(&self, id: TypeId) -> Result<Type<'_>, Error> {
        let mut owner = self;
        while let Some(base) = owner.base().filter(|_| id.0 < owner.0.first) {
            owner = base;
        }
        match owner.record(id) {
            Some(record) => Ok(Type::new(self, id, record)),
            None if id == TypeId::VOID => Ok(Type::new(self, id, &[0; TYPE_SIZE])),
            None => Err(self.0.unread.clone().unwrap_or(Error::NoSuchType {
                id,
                end: self.end(),
            })),
        }
    }

    /// The types of this BTF by ascending id: without `void`, and without the base's if it is split.
    pub fn types(&self) -> Types<'_> {
        Types {
            btf: self,
            next: self.0.first,
            end: self.end().0,
            rest: self.type_bytes(),
        }
    }

    /// The string at `offset`, without its NUL, of the base too.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchString`].
    pub fn string(&self, offset: u32) -> Result<&[u8], Error> {
        let string = self
            .strings_from(offset)
            .and_then(|rest| CStr::from_bytes_until_nul(rest).ok());
        match string {
            Some(string) => Ok(string.to_bytes()),
            None if offset == 0 => Ok(&[]),
            None => Err(Error::NoSuchString { offset }),
        }
    }

    /// The string at `offset` as text; empty if there is none or it is not UTF-8.
    pub fn text(&self, offset: u32) -> &str {
        let bytes = self.string(offset).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// The string at `offset` and those after it.
    fn strings_from(&self, offset: u32) -> Option<&[u8]> {
        let mut owner = self;
        while let Some(base) = owner.base().filter(|_| offset < owner.0.first_string) {
            owner = base;
        }
        owner
            .strings()
            .get(offset.checked_sub(owner.0.first_string)? as usize..)
    }

    /// The offset after the last string.
    fn strings_end(&self) -> u32 {
        self.0
            .first_string
            .saturating_add(self.0.header.strings.len() as u32)
    }

    fn part(&self, range: &std::ops::Range<usize>) -> &[u8] {
        self.raw().get(range.clone()).unwrap_or_default()
    }

    fn strings(&self) -> &[u8] {
        self.part(&self.0.header.strings)
    }

    fn type_bytes(&self) -> &[u8] {
        self.part(&self.0.header.types)
    }

    /// The record of a type of our own.
    #[inline]
    fn record(&self, id: TypeId) -> Option<&[u8]> {
        self.type_bytes().get(self.range_of(id)?)
    }

    /// Where the record of a type of our own is among the types.
    #[inline]
    fn range_of(&self, id: TypeId) -> Option<std::ops::Range<usize>> {
        let position = id.0.checked_sub(self.0.first)?;
        self.0.records.range(self.type_bytes(), position)
    }
}

/// Says what it holds, not all of it.
impl fmt::Debug for Btf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Btf")
            .field("bytes", &self.raw().len())
            .field("endian", &self.endian())
            .field("first", &self.first())
            .field("end", &self.end())
            .field("unread", &self.unread())
            .finish_non_exhaustive()
    }
}

/// Iterator over the types of a [`Btf`]; see [`Btf::types`].
#[derive(Debug, Clone)]
pub struct Types<'a> {
    btf: &'a Btf,
    next: u32,
    /// One more than the last id.
    end: u32,
    /// The records to come.
    rest: &'a [u8],
}

impl<'a> Iterator for Types<'a> {
    type Item = (TypeId, Type<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let id = TypeId(self.next);
        let (record, rest) = self
            .rest
            .split_at_checked(self.btf.0.records.end(self.rest, 0)?)?;
        self.next = self.next.saturating_add(1);
        self.rest = rest;
        Some((id, Type::new(self.btf, id, record)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end.saturating_sub(self.next) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Types<'_> {}
