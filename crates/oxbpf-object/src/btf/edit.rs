//! Changes to types that leave every record where it is: what a compiler left open, without building anything anew.

use std::iter;
use std::sync::Arc;

use super::header::{TYPE_SIZE, info_kind, info_vlen};
use super::{Btf, Error, FuncLinkage, Inner, Kind, SectionVar, TypeId, VarLinkage};

/// Words that are to be changed.
pub(crate) struct Edit<'b> {
    btf: &'b Btf,
    words: Vec<Word>,
}

/// A word's place in the data, and what it is to be.
pub(crate) type Word = (usize, u32);

impl<'b> Edit<'b> {
    pub(crate) fn of(btf: &'b Btf) -> Self {
        Self {
            btf,
            words: Vec::new(),
        }
    }

    /// As [`BtfBuilder::set_data_section`](super::BtfBuilder::set_data_section).
    pub(crate) fn set_data_section(
        &mut self,
        section: TypeId,
        size: u32,
        variables: &[SectionVar],
    ) -> Result<(), Error> {
        let (start, record) = self.record(section, Kind::DATASEC)?;
        let words = placing(size, variables);
        if record.len() != words.len().saturating_mul(WORD).saturating_add(SIZE) {
            return Err(Error::NoSuchRecord {
                id: section,
                kind: Kind::DATASEC,
            });
        }
        for (word, offset) in words.into_iter().zip((SIZE..).step_by(WORD)) {
            self.set(start, offset, word);
        }
        Ok(())
    }

    /// Says anew who can call a function.
    pub(crate) fn set_func_linkage(
        &mut self,
        func: TypeId,
        linkage: FuncLinkage,
    ) -> Result<(), Error> {
        let (start, record) = self.record(func, Kind::FUNC)?;
        let info = self.btf.endian().read_u32(record, INFO).unwrap_or_default();
        self.set(start, INFO, with_linkage(info, linkage));
        Ok(())
    }

    /// Says anew who can refer to a variable.
    pub(crate) fn set_var_linkage(
        &mut self,
        var: TypeId,
        linkage: VarLinkage,
    ) -> Result<(), Error> {
        let (start, _) = self.record(var, Kind::VAR)?;
        self.set(start, TYPE_SIZE, linkage.0);
        Ok(())
    }

    pub(crate) fn finish(self) -> Vec<Word> {
        self.words
    }

    fn set(&mut self, start: usize, offset: usize, word: u32) {
        self.words.push((start.saturating_add(offset), word));
    }

    /// Where in the data a type's record starts, and what it is; it is to be of this kind.
    fn record(&self, id: TypeId, kind: Kind) -> Result<(usize, &'b [u8]), Error> {
        let endian = self.btf.endian();
        let is_kind = |record: &&[u8]| endian.read_u32(record, INFO).map(info_kind) == Some(kind);
        let start = self.btf.range_of(id).map(|range| range.start);
        start
            .zip(self.btf.record(id).filter(is_kind))
            .map(|(start, record)| {
                let types = self.btf.0.header.types.start;
                (types.saturating_add(start), record)
            })
            .ok_or(Error::NoSuchRecord { id, kind })
    }
}

impl Btf {
    /// These types with some words changed, in `bytes`, which they were read from.
    pub(crate) fn edited(self, bytes: Arc<Vec<u8>>, words: &[Word]) -> Result<Btf, Error> {
        let endian = self.endian();
        let inner = Arc::into_inner(self.0).map(|inner| Inner {
            bytes: Arc::new([]),
            ..inner
        });
        let mut bytes = Arc::unwrap_or_clone(bytes);
        for &(place, word) in words {
            endian.write_u32(&mut bytes, place, word);
        }
        match inner {
            Some(inner) => Ok(Btf(Arc::new(Inner {
                bytes: Arc::new(bytes),
                ..inner
            }))),
            // Somebody else reads them too.
            None => Btf::parse(bytes),
        }
    }
}

/// The words from the size of a section's record on, which say where its variables are: the lowest offset first.
pub(super) fn placing(size: u32, variables: &[SectionVar]) -> Vec<u32> {
    let mut variables = variables.to_vec();
    variables.sort_by_key(|variable| variable.offset);
    let places = variables
        .iter()
        .flat_map(|variable| [variable.ty.0, variable.offset, variable.size]);
    iter::once(size).chain(places).collect()
}

/// The `info` of a function, with another linkage in it.
pub(super) fn with_linkage(info: u32, linkage: FuncLinkage) -> u32 {
    info & !info_vlen(u32::MAX) | info_vlen(linkage.0)
}

/// Where `struct btf_type` has its `info`, and its `size`.
const INFO: usize = 4;
const SIZE: usize = 8;
const WORD: usize = 4;
