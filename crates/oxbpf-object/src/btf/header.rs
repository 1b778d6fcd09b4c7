//! The header of `.BTF`: where the types, the strings and the record layouts are.

use std::ops::Range;

use super::Error;
use super::kind::{Kind, RECORDS};
use crate::Endian;

pub(super) const MAGIC: u16 = 0xeb9f;
pub(super) const VERSION: u8 = 1;
/// `struct btf_header` as it was until 7.0.
pub(super) const HEADER_SIZE: usize = 24;
/// With the layout section that 7.1 added.
pub(super) const HEADER_SIZE_WITH_LAYOUT: usize = 32;
/// `struct btf_layout`: size of the fixed part, size of an element, flags.
pub(super) const LAYOUT_ENTRY_SIZE: usize = 4;

/// The parts of the data, as ranges of its bytes.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) endian: Endian,
    pub(super) types: Range<usize>,
    pub(super) strings: Range<usize>,
    pub(super) layouts: Range<usize>,
}

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Result<Header, Error> {
        let fields = Fields::parse(".BTF", bytes, HEADER_SIZE)?;
        let part = |part, at| fields.part(part, at);
        let layouts = match fields.header_len >= HEADER_SIZE_WITH_LAYOUT {
            true => part("record layouts", 24)?,
            false => 0..0,
        };
        Ok(Header {
            endian: fields.endian,
            types: part("types", 8)?,
            strings: part("strings", 16)?,
            layouts,
        })
    }
}

/// What the headers of `.BTF` and `.BTF.ext` have in common: magic number, version, own length, then (offset, length) pairs
/// counted from the end of the header.
pub(super) struct Fields<'a> {
    section: &'static str,
    bytes: &'a [u8],
    pub(super) endian: Endian,
    pub(super) header_len: usize,
}

impl<'a> Fields<'a> {
    /// A header may be longer than `minimum`: what is added to it later is not known here, and need not be.
    pub(super) fn parse(
        section: &'static str,
        bytes: &'a [u8],
        minimum: usize,
    ) -> Result<Fields<'a>, Error> {
        let too_short = |needed| Error::TooShort {
            section,
            length: bytes.len(),
            needed,
        };
        let &[a, b, version, _flags, ..] = bytes else {
            return Err(too_short(minimum));
        };
        let endian = match MAGIC {
            magic if magic.to_le_bytes() == [a, b] => Endian::Little,
            magic if magic.to_be_bytes() == [a, b] => Endian::Big,
            _ => {
                return Err(Error::BadMagic {
                    section,
                    found: [a, b],
                });
            }
        };
        if version != VERSION {
            return Err(Error::UnsupportedVersion { section, version });
        }
        let header_len = endian
            .read_u32(bytes, 4)
            .ok_or_else(|| too_short(minimum))?;
        let header_len = usize::try_from(header_len)
            .unwrap_or(usize::MAX)
            .max(minimum);
        if bytes.len() < header_len {
            return Err(too_short(header_len));
        }
        Ok(Fields {
            section,
            bytes,
            endian,
            header_len,
        })
    }

    /// The range of the part whose (offset, length) pair is `at` bytes into the header.
    pub(super) fn part(&self, part: &'static str, at: usize) -> Result<Range<usize>, Error> {
        let word = |at| self.endian.read_u32(self.bytes, at).unwrap_or(0);
        let length = word(at.saturating_add(4));
        let start = (self.header_len as u64).saturating_add(word(at).into());
        let end = start.saturating_add(length.into());
        if end > self.bytes.len() as u64 {
            let available = self.bytes.len();
            return Err(Error::PartOutOfBounds {
                section: self.section,
                part,
                offset: start,
                length,
                available,
            });
        }
        // Both are at most the length of a slice.
        Ok(start as usize..end as usize)
    }
}

/// The size in bytes of what follows the `struct btf_type` of a record: a fixed part, then that of each element.
#[derive(Debug, Clone, Copy)]
struct RecordSize {
    fixed: u8,
    element: u8,
}

/// How long the records of each kind are, for all kinds a record can name.
#[derive(Debug, Clone)]
pub(super) struct RecordLayouts([Option<RecordSize>; 128]);

impl RecordLayouts {
    /// What is known here, and for other kinds what the data's own `layouts` part says.
    pub(super) fn new(layouts: &[u8]) -> RecordLayouts {
        let mut table = [None; 128];
        let told = layouts
            .chunks_exact(LAYOUT_ENTRY_SIZE)
            .map(|entry| match *entry {
                [fixed, element, ..] if fixed % 4 == 0 && element % 4 == 0 => {
                    Some(RecordSize { fixed, element })
                }
                _ => None,
            });
        let bytes = |words: usize| words.saturating_mul(4) as u8;
        let known = RECORDS.iter().map(|record| {
            Some(RecordSize {
                fixed: bytes(record.fixed.len()),
                element: bytes(record.element.len()),
            })
        });
        for (slot, size) in table.iter_mut().zip(known.chain(told.skip(RECORDS.len()))) {
            *slot = size;
        }
        RecordLayouts(table)
    }

    /// The length of the record with this `info` word, or `None` if its kind is unknown.
    #[inline]
    pub(super) fn record_len(&self, info: u32) -> Option<u64> {
        let (kind, vlen) = (info_kind(info), info_vlen(info));
        let size = (*self.0.get(usize::from(kind.0))?)?;
        let elements = u64::from(vlen).saturating_mul(size.element.into());
        Some(
            elements
                .saturating_add(size.fixed.into())
                .saturating_add(TYPE_SIZE as u64),
        )
    }
}

/// `struct btf_type`, which every record starts with.
pub(super) const TYPE_SIZE: usize = 12;

/// Bits 24 to 30 of `info`. (Until 7.0 the field had 5 bits and the two above were zero.)
pub(super) const fn info_kind(info: u32) -> Kind {
    Kind(((info >> 24) & 0x7f) as u8)
}

/// Bits 0 to 23 of `info`. (Until 7.0 the field had 16 bits and the eight above were zero.)
pub(super) const fn info_vlen(info: u32) -> u32 {
    info & 0x00ff_ffff
}
