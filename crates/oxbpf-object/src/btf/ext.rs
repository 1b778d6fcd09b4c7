//! `.BTF.ext`: what the instructions of an object's sections have to do with its types and sources.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use super::header::Fields;
use super::{Btf, Error, TypeId};
use crate::Endian;

const SECTION: &str = ".BTF.ext";
/// `struct btf_ext_header` without the part for CO-RE, which LLVM 10 added.
const HEADER_SIZE: usize = 24;
const HEADER_SIZE_WITH_CORE: usize = 32;
/// `struct btf_ext_info_sec`: name of a section and number of its records.
const GROUP_SIZE: usize = 8;

/// The data of a `.BTF.ext` section, read in place.
///
/// It has three parts, each with records in groups, one group for each section of instructions. Offsets of instructions are in bytes
/// from the start of that section.
///
/// ```
/// use oxbpf_object::btf::{Btf, BtfExt, Error};
///
/// fn print_lines(ext: &[u8], btf: &Btf, section: &str) -> Result<(), Error> {
///     for line in BtfExt::parse(ext, btf)?.line_info().of(section) {
///         println!("{:#x} {}:{} {}", line.insn_off, line.file(btf), line.line(), line.text(btf).trim());
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy)]
pub struct BtfExt<'a> {
    btf: &'a Btf,
    endian: Endian,
    func_info: Part<'a>,
    line_info: Part<'a>,
    core_relos: Part<'a>,
}

/// One part without its leading word, which is the size of a record.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    groups: &'a [u8],
    record_size: usize,
}

impl<'a> BtfExt<'a> {
    /// Reads the `.BTF.ext` that belongs to `btf`, in either byte order. Records longer than known here are fine.
    ///
    /// # Errors
    ///
    /// When the header is not one, a part or a group reaches outside of the data, records are shorter than any compiler makes them,
    /// or the name of a section is missing.
    pub fn parse(bytes: &'a [u8], btf: &'a Btf) -> Result<BtfExt<'a>, Error> {
        let fields = Fields::parse(SECTION, bytes, HEADER_SIZE)?;
        let endian = fields.endian;
        let core_relos = match fields.header_len >= HEADER_SIZE_WITH_CORE {
            true => fields.part(CoreRelo::PART, 24)?,
            false => 0..0,
        };
        Ok(BtfExt {
            btf,
            endian,
            func_info: Part::parse::<FuncInfo>(
                bytes,
                fields.part(FuncInfo::PART, 8)?,
                btf,
                endian,
            )?,
            line_info: Part::parse::<LineInfo>(
                bytes,
                fields.part(LineInfo::PART, 16)?,
                btf,
                endian,
            )?,
            core_relos: Part::parse::<CoreRelo>(bytes, core_relos, btf, endian)?,
        })
    }

    /// The functions of each section.
    pub fn func_info(&self) -> Groups<'a, FuncInfo> {
        self.groups(self.func_info)
    }

    /// The source lines of each section.
    pub fn line_info(&self) -> Groups<'a, LineInfo> {
        self.groups(self.line_info)
    }

    /// The CO-RE relocations of each section.
    pub fn core_relos(&self) -> Groups<'a, CoreRelo> {
        self.groups(self.core_relos)
    }

    fn groups<T>(&self, part: Part<'a>) -> Groups<'a, T> {
        Groups {
            btf: self.btf,
            endian: self.endian,
            part,
            record: PhantomData,
        }
    }
}

impl fmt::Debug for BtfExt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BtfExt")
            .field("func_info", &self.func_info())
            .field("line_info", &self.line_info())
            .field("core_relos", &self.core_relos())
            .finish()
    }
}

impl<'a> Part<'a> {
    fn parse<T: Record>(
        bytes: &'a [u8],
        range: Range<usize>,
        btf: &'a Btf,
        endian: Endian,
    ) -> Result<Part<'a>, Error> {
        let data = bytes.get(range).unwrap_or_default();
        let Some((_, groups)) = data.split_at_checked(4) else {
            return Ok(Part {
                groups: &[],
                record_size: T::SIZE,
            });
        };
        let record_size = endian.read_u32(data, 0).unwrap_or(0) as usize;
        if record_size < T::SIZE {
            return Err(Error::ShortRecords {
                part: T::PART,
                size: record_size,
                needed: T::SIZE,
            });
        }
        // Go through all groups once, so that the iterators need not fail.
        let part = Part {
            groups,
            record_size,
        };
        let mut walk = Groups::<T> {
            btf,
            endian,
            part,
            record: PhantomData,
        };
        while !walk.part.groups.is_empty() {
            let offset = groups
                .len()
                .saturating_sub(walk.part.groups.len())
                .saturating_add(4);
            let name_offset = endian.read_u32(walk.part.groups, 0).unwrap_or(0);
            walk.next().ok_or(Error::TruncatedRecords {
                part: T::PART,
                offset,
            })?;
            btf.string(name_offset)?;
        }
        Ok(part)
    }
}

/// Iterator over one part of `.BTF.ext` by the name of the section of instructions. A name may come more than once.
pub struct Groups<'a, T> {
    btf: &'a Btf,
    endian: Endian,
    /// The groups yet to come.
    part: Part<'a>,
    record: PhantomData<fn() -> T>,
}

impl<'a, T: Record> Groups<'a, T> {
    /// The records of one section.
    pub fn of(self, section: &str) -> impl Iterator<Item = T> + use<'a, '_, T> {
        self.filter(move |(name, _)| *name == section)
            .flat_map(|(_, records)| records)
    }
}

impl<'a, T> Iterator for Groups<'a, T> {
    type Item = (&'a str, Records<'a, T>);

    fn next(&mut self) -> Option<Self::Item> {
        let word = |at| self.endian.read_u32(self.part.groups, at);
        let (name, count) = (word(0)?, word(4)? as usize);
        let (_, records) = self.part.groups.split_at_checked(GROUP_SIZE)?;
        let (records, rest) =
            records.split_at_checked(count.checked_mul(self.part.record_size)?)?;
        self.part.groups = rest;
        let name = self
            .btf
            .string(name)
            .ok()
            .and_then(|name| std::str::from_utf8(name).ok())
            .unwrap_or("");
        let chunks = records.chunks_exact(self.part.record_size);
        Some((
            name,
            Records {
                endian: self.endian,
                chunks,
                record: PhantomData,
            },
        ))
    }
}

impl<T> Clone for Groups<'_, T> {
    fn clone(&self) -> Self {
        Groups {
            part: self.part,
            ..*self
        }
    }
}

impl<T: Record + fmt::Debug> fmt::Debug for Groups<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.clone()).finish()
    }
}

/// Iterator over the records of one group.
pub struct Records<'a, T> {
    endian: Endian,
    chunks: std::slice::ChunksExact<'a, u8>,
    record: PhantomData<fn() -> T>,
}

impl<T: Record> Iterator for Records<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let chunk = self.chunks.next()?;
        // A chunk is not shorter than a record.
        Some(T::read(|word: usize| {
            self.endian
                .read_u32(chunk, word.saturating_mul(4))
                .unwrap_or(0)
        }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.chunks.size_hint()
    }
}

impl<T: Record> ExactSizeIterator for Records<'_, T> {}

impl<T> Clone for Records<'_, T> {
    fn clone(&self) -> Self {
        Records {
            chunks: self.chunks.clone(),
            ..*self
        }
    }
}

impl<T: Record + fmt::Debug> fmt::Debug for Records<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// A record of `.BTF.ext`.
pub trait Record: Sized + sealed::Sealed {
    #[doc(hidden)]
    const PART: &'static str;
    #[doc(hidden)]
    const SIZE: usize;
    #[doc(hidden)]
    fn read(word: impl Fn(usize) -> u32) -> Self;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::FuncInfo {}
    impl Sealed for super::LineInfo {}
    impl Sealed for super::CoreRelo {}
}

/// Where a function starts (`struct bpf_func_info`).
#[doc(alias = "bpf_func_info")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FuncInfo {
    /// Its first instruction, in bytes from the start of the section.
    pub insn_off: u32,
    /// The function, a [`Kind::FUNC`](super::Kind::FUNC).
    pub type_id: TypeId,
}

impl Record for FuncInfo {
    const PART: &'static str = "function records";
    const SIZE: usize = 8;

    fn read(word: impl Fn(usize) -> u32) -> FuncInfo {
        FuncInfo {
            insn_off: word(0),
            type_id: TypeId(word(1)),
        }
    }
}

/// Which source line the instructions from here on come from (`struct bpf_line_info`).
#[doc(alias = "bpf_line_info")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct LineInfo {
    /// The first instruction, in bytes from the start of the section.
    pub insn_off: u32,
    /// The file's name, as an offset into the strings of the BTF.
    pub file_name_off: u32,
    /// The text of the line, as an offset into the strings of the BTF.
    pub line_off: u32,
    /// Line and column: see [`line`](LineInfo::line), [`column`](LineInfo::column).
    pub line_col: u32,
}

impl LineInfo {
    /// The number of the line, counted from 1. 0 if no line is at the root of these instructions.
    pub const fn line(self) -> u32 {
        self.line_col >> 10
    }

    /// The column, counted from 1 in bytes. 0 if not known.
    pub const fn column(self) -> u32 {
        self.line_col & 0x3ff
    }

    /// The name of the file as the compiler was given it; empty if there is none.
    pub fn file(self, btf: &Btf) -> &str {
        btf.text(self.file_name_off)
    }

    /// The text of the line with its indentation; empty if there is none.
    pub fn text(self, btf: &Btf) -> &str {
        btf.text(self.line_off)
    }
}

impl Record for LineInfo {
    const PART: &'static str = "line records";
    const SIZE: usize = 16;

    fn read(word: impl Fn(usize) -> u32) -> LineInfo {
        LineInfo {
            insn_off: word(0),
            file_name_off: word(1),
            line_off: word(2),
            line_col: word(3),
        }
    }
}

/// An instruction that depends on the kernel's types (`struct bpf_core_relo`).
#[doc(alias = "bpf_core_relo")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CoreRelo {
    /// The instruction, in bytes from the start of the section.
    pub insn_off: u32,
    /// The type, in the object's own BTF.
    pub type_id: TypeId,
    /// What of the type is meant, as an offset into the strings of the BTF; see [`access`](CoreRelo::access).
    pub access_str_off: u32,
    /// What to find out about it (`enum bpf_core_relo_kind`).
    pub kind: u32,
}

impl CoreRelo {
    /// What of the type is meant: numbers with `:` between them. For a field, the index of the type as if it were an array,
    /// then the positions of members and elements on the way to the field (`0:2:1`); for an enumerator, its position; for a type, `0`.
    pub fn access(self, btf: &Btf) -> &str {
        btf.text(self.access_str_off)
    }
}

impl Record for CoreRelo {
    const PART: &'static str = "CO-RE relocations";
    const SIZE: usize = 16;

    fn read(word: impl Fn(usize) -> u32) -> CoreRelo {
        CoreRelo {
            insn_off: word(0),
            type_id: TypeId(word(1)),
            access_str_off: word(2),
            kind: word(3),
        }
    }
}
