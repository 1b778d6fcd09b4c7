//! Where each record is.
//!
//! Records differ in length, so the place of one is known only from those before it. One start in so many is kept, and the few
//! records in between are stepped over again: an offset for each type would be half a megabyte for a kernel's types, of which a
//! load looks at a handful.

use std::ops::Range;

use super::header::{RecordLayouts, info_kind};
use super::{Error, Kind, TypeId};
use crate::Endian;

/// One start is kept in so many.
const STRIDE: usize = 8;

pub(super) struct RecordIndex {
    endian: Endian,
    layouts: RecordLayouts,
    /// Where every `STRIDE`th record starts within the types.
    starts: Box<[u32]>,
    count: u32,
}

impl RecordIndex {
    /// Steps over the types, the first of which has the id `first`; also says why the last ones cannot be read, if that is so.
    pub(super) fn new(
        types: &[u8],
        endian: Endian,
        first: u32,
        layouts: RecordLayouts,
    ) -> Result<(RecordIndex, Option<Error>), Error> {
        let mut index = RecordIndex {
            endian,
            layouts,
            starts: Box::default(),
            count: 0,
        };
        let mut starts = Vec::new();
        let mut unread = None;
        let mut at = 0u32;
        while (at as usize) < types.len() {
            let id = TypeId(first.checked_add(index.count).ok_or(Error::TooManyTypes)?);
            let offset = at;
            let Some(info) = index.info(types, at as usize) else {
                return Err(Error::TruncatedType {
                    id,
                    offset,
                    kind: Kind::VOID,
                });
            };
            let kind = info_kind(info);
            let Some(length) = index.layouts.record_len(info) else {
                unread = Some(Error::UnknownKind { id, offset, kind });
                break;
            };
            let end = length.saturating_add(at.into());
            if end > types.len() as u64 {
                return Err(Error::TruncatedType { id, offset, kind });
            }
            if index.count as usize % STRIDE == 0 {
                starts.push(at);
            }
            at = end as u32;
            index.count = index.count.checked_add(1).ok_or(Error::TooManyTypes)?;
        }
        index.starts = starts.into();
        Ok((index, unread))
    }

    /// How many records there are.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Where the record at a position is among the types.
    #[inline]
    pub(super) fn range(&self, types: &[u8], position: u32) -> Option<Range<usize>> {
        if position >= self.count {
            return None;
        }
        let position = position as usize;
        let mut start = *self.starts.get(position / STRIDE)? as usize;
        for _ in 0..position % STRIDE {
            start = self.end(types, start)?;
        }
        Some(start..self.end(types, start)?)
    }

    /// Where the record that starts there ends.
    #[inline]
    pub(super) fn end(&self, types: &[u8], start: usize) -> Option<usize> {
        let length = self.layouts.record_len(self.info(types, start)?)?;
        start.checked_add(usize::try_from(length).ok()?)
    }

    /// The word that says a record's kind and the number of its elements.
    #[inline]
    fn info(&self, types: &[u8], start: usize) -> Option<u32> {
        self.endian.read_u32(types, start.checked_add(4)?)
    }
}
