//! What can be wrong with type information.

use std::fmt;

use super::{Kind, TypeId};

/// Why type information could not be read, or a question about it not be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A file is no ELF file, or a broken one.
    NotElf {
        /// Why it cannot be read.
        reason: String,
    },
    /// An ELF file has no section `.BTF`.
    NoSection,
    /// There are fewer bytes than the header alone takes.
    TooShort {
        /// Which data: `.BTF` or `.BTF.ext`.
        section: &'static str,
        /// Bytes there are.
        length: usize,
        /// Bytes the header takes.
        needed: usize,
    },
    /// The first two bytes are not BTF's magic number in either byte order.
    BadMagic {
        /// Which data: `.BTF` or `.BTF.ext`.
        section: &'static str,
        /// The two bytes.
        found: [u8; 2],
    },
    /// A format version other than 1.
    UnsupportedVersion {
        /// Which data: `.BTF` or `.BTF.ext`.
        section: &'static str,
        /// The version found.
        version: u8,
    },
    /// The header places a part of the data outside of it.
    PartOutOfBounds {
        /// Which data: `.BTF` or `.BTF.ext`.
        section: &'static str,
        /// Which part of it.
        part: &'static str,
        /// Where the part starts, in bytes from the start of the data.
        offset: u64,
        /// Its length in bytes.
        length: u32,
        /// Bytes there are.
        available: usize,
    },
    /// The records of a part of `.BTF.ext` are said to be shorter than their fields.
    ShortRecords {
        /// Which part.
        part: &'static str,
        /// The size of a record in bytes.
        size: usize,
        /// The size of its fields.
        needed: usize,
    },
    /// A group of records of a part of `.BTF.ext` runs past the end of the part.
    TruncatedRecords {
        /// Which part.
        part: &'static str,
        /// Where the group starts, in bytes from the start of the part.
        offset: usize,
    },
    /// The strings do not end with a NUL byte.
    UnterminatedStrings,
    /// The strings do not start with an empty one, which is the name of what has none.
    NoEmptyString,
    /// A type record runs past the end of the types.
    TruncatedType {
        /// The type.
        id: TypeId,
        /// Where its record starts, in bytes from the start of the types.
        offset: u32,
        /// What its first word says it is.
        kind: Kind,
    },
    /// A record of a kind unknown here, in data that does not say how long its records are: this type and all after it cannot be read.
    UnknownKind {
        /// The first type that cannot be read.
        id: TypeId,
        /// Where its record starts, in bytes from the start of the types.
        offset: u32,
        /// Its kind.
        kind: Kind,
    },
    /// More types than ids.
    TooManyTypes,
    /// There is no type with this id.
    NoSuchType {
        /// The id.
        id: TypeId,
        /// One more than the highest id there is.
        end: TypeId,
    },
    /// There is no string at this offset.
    NoSuchString {
        /// The offset, in bytes from the start of the strings.
        offset: u32,
    },
    /// A chain of types is longer than [`MAX_TYPE_DEPTH`](crate::limits::MAX_TYPE_DEPTH), or comes back to itself.
    TooDeep {
        /// Where the chain starts.
        id: TypeId,
    },
    /// A type that has no size was asked for one.
    NoSize {
        /// The type.
        id: TypeId,
        /// Its kind.
        kind: Kind,
    },
    /// A type has itself as a part.
    ContainsItself {
        /// The type.
        id: TypeId,
    },
    /// Types without names, or parameters, are nested more deeply than is written out.
    TooDeeplyNested {
        /// How deeply they may be.
        limit: usize,
    },
    /// The text got longer than the types can be expected to make it.
    TooMuchText {
        /// How long it may be in bytes.
        limit: usize,
    },
    /// A type of a kind unknown here cannot be copied.
    UnknownContents {
        /// The type.
        id: TypeId,
        /// Its kind.
        kind: Kind,
    },
    /// BTF being made has no type with this id that is of this kind and has as many elements as are to be set.
    NoSuchRecord {
        /// The id.
        id: TypeId,
        /// The kind.
        kind: Kind,
    },
    /// A name has a NUL byte in it.
    NulInName {
        /// The name.
        name: String,
    },
    /// A type has more members, enumerators, parameters or variables than can be told.
    TooManyElements {
        /// The type.
        id: TypeId,
        /// How many.
        count: usize,
    },
    /// A structure with bit-fields has a member more than 2 MiB from its start.
    TooFarBitField {
        /// The type.
        id: TypeId,
    },
    /// The value of an enumerator does not fit 64 bits of the enumeration's sign.
    EnumeratorOutOfRange {
        /// The type.
        id: TypeId,
    },
    /// Split BTF, whose ids continue those of another, was to be appended.
    Split,
    /// The types or the strings are longer than 4 GiB.
    TooLong,
    /// A size does not fit 64 bits.
    SizeOverflow {
        /// The type.
        id: TypeId,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotElf { reason } => write!(f, "not an ELF file that can be read: {reason}"),
            Error::NoSection => f.write_str("the ELF file has no section .BTF"),
            Error::TooShort {
                section,
                length,
                needed,
            } => {
                write!(
                    f,
                    "{section}: {length} bytes are too few for its header of {needed}"
                )
            }
            Error::BadMagic {
                section,
                found: [a, b],
            } => {
                write!(
                    f,
                    "{section}: starts with bytes {a:#04x} {b:#04x} instead of the BTF magic number 0xeb9f"
                )
            }
            Error::UnsupportedVersion { section, version } => {
                write!(
                    f,
                    "{section}: format version {version} is not supported, only 1 is"
                )
            }
            Error::PartOutOfBounds {
                section,
                part,
                offset,
                length,
                available,
            } => write!(
                f,
                "{section}: its {part} are said to be the {length} bytes from offset {offset}, but there are only {available} bytes"
            ),
            Error::ShortRecords { part, size, needed } => {
                write!(
                    f,
                    ".BTF.ext: {part} are said to be of {size} bytes, but have fields of {needed}"
                )
            }
            Error::TruncatedRecords { part, offset } => {
                write!(
                    f,
                    ".BTF.ext: the group at offset {offset} of the {part} runs past their end"
                )
            }
            Error::NoEmptyString => f.write_str(
                ".BTF: the strings do not start with an empty one, for what has no name",
            ),
            Error::UnterminatedStrings => {
                f.write_str(".BTF: the strings do not end with a NUL byte")
            }
            Error::TruncatedType { id, offset, kind } => {
                write!(
                    f,
                    ".BTF: type {id} ({kind}) at offset {offset} runs past the end of the types"
                )
            }
            Error::UnknownKind { id, offset, kind } => write!(
                f,
                ".BTF: type {id} at offset {offset} is of {kind}, which is unknown here and whose length the data does not tell; it and all later types cannot be read"
            ),
            Error::TooManyTypes => f.write_str(".BTF: more types than ids"),
            Error::NoSuchType { id, end } => {
                write!(f, ".BTF: no type has id {id}; ids end before {end}")
            }
            Error::NoSuchString { offset } => write!(f, ".BTF: no string at offset {offset}"),
            Error::TooDeep { id } => write!(
                f,
                ".BTF: the chain of types from {id} is endless or too long"
            ),
            Error::NoSize { id, kind } => write!(f, ".BTF: type {id} ({kind}) has no size"),
            Error::ContainsItself { id } => write!(f, ".BTF: type {id} contains itself"),
            Error::TooDeeplyNested { limit } => {
                write!(
                    f,
                    ".BTF: types without names are nested more than {limit} deep"
                )
            }
            Error::TooMuchText { limit } => {
                write!(
                    f,
                    ".BTF: the text of its types is longer than {limit} bytes, out of all proportion"
                )
            }
            Error::UnknownContents { id, kind } => {
                write!(
                    f,
                    ".BTF: type {id} is of {kind}, which is unknown here, and cannot be copied"
                )
            }
            Error::NoSuchRecord { id, kind } => {
                write!(
                    f,
                    ".BTF: type {id} is not a {kind}, or not one of as many elements as are to be set"
                )
            }
            Error::NulInName { name } => write!(f, ".BTF: the name {name:?} has a NUL byte in it"),
            Error::TooManyElements { id, count } => {
                write!(
                    f,
                    ".BTF: type {id} has {count} elements, more than the format allows"
                )
            }
            Error::TooFarBitField { id } => {
                write!(
                    f,
                    ".BTF: type {id} has bit-fields and a member more than 2 MiB from its start"
                )
            }
            Error::EnumeratorOutOfRange { id } => {
                write!(
                    f,
                    ".BTF: type {id} has a value that does not fit 64 bits of its sign"
                )
            }
            Error::Split => {
                f.write_str(".BTF: it continues other BTF, and cannot be appended without that")
            }
            Error::TooLong => f.write_str(".BTF: the types or the strings are longer than 4 GiB"),
            Error::SizeOverflow { id } => {
                write!(f, ".BTF: the size of type {id} does not fit 64 bits")
            }
        }
    }
}

impl std::error::Error for Error {}
