//! One record, where it lies.

use std::any::type_name;
use std::ops::Deref;

use crate::error::{Error, ErrorKind, Result};
use crate::map::Plain;
use crate::sys::ring::Held;

/// A record, borrowed from the memory that a program wrote it to. Its room is given back when this
/// is dropped.
#[derive(Debug)]
pub struct Record<'a> {
    held: Held<'a>,
    source: u32,
    time: Option<u64>,
    padding: Padding,
}

/// What the kernel adds to records of a kind of ring.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Padding {
    None,
    /// As many bytes as it takes to make the record, with the 4 bytes of its length, a multiple of 8.
    Perf,
}

impl Padding {
    /// How long a record is that was written with `len` bytes.
    fn padded(self, len: usize) -> usize {
        match self {
            Self::None => len,
            Self::Perf => (len + 4).next_multiple_of(8) - 4,
        }
    }
}

impl<'a> Record<'a> {
    #[inline]
    pub(super) fn new(held: Held<'a>, source: u32, time: Option<u64>, padding: Padding) -> Self {
        Self {
            held,
            source,
            time,
            padding,
        }
    }

    /// Its bytes. Records of a [`PerfBuffer`](super::PerfBuffer) have up to 7 more than were written,
    /// of any value.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.held.bytes()
    }

    /// The value that was written.
    ///
    /// # Errors
    ///
    /// [`WrongSize`](ErrorKind::WrongSize) if a `T` has another size.
    pub fn get<T: Plain>(&self) -> Result<T> {
        let size = size_of::<T>();
        let bytes = self.bytes();
        let value = (self.padding.padded(size) == bytes.len())
            .then(|| bytes.get(..size).and_then(T::from_bytes))
            .flatten();
        value.ok_or_else(|| {
            let padded = match self.padding {
                Padding::None => "",
                Padding::Perf => ", with the kernel's padding",
            };
            let error = Error::new(ErrorKind::WrongSize, "reading a record").with_reason(format!(
                "it has {} bytes{padded}, `{}` has {size}",
                bytes.len(),
                type_name::<T>()
            ));
            if bytes.len() > size {
                error.with_remedy("read records that go on after such a value as `Tailed`")
            } else {
                error
            }
        })
    }

    /// Where it comes from: of a [`RingBuffer`](super::RingBuffer), the number of the map, in the
    /// order in which they were added; of a [`PerfBuffer`](super::PerfBuffer), the CPU.
    #[must_use]
    pub fn source(&self) -> u32 {
        self.source
    }

    /// When it was written, in nanoseconds of `CLOCK_MONOTONIC` as `bpf_ktime_get_ns` counts them: of a
    /// [`PerfBuffer`](super::PerfBuffer) that was opened to be merged by time.
    #[must_use]
    pub fn time(&self) -> Option<u64> {
        self.time
    }

    /// How many records were lost between the one before it from the same CPU and this one, for want
    /// of room. The kernel says so of perf buffers; a program sees for itself that a ring buffer is full.
    #[inline]
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.held.lost()
    }
}

impl Deref for Record<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.bytes()
    }
}

impl AsRef<[u8]> for Record<'_> {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perf_records_are_padded_to_words() {
        let padded = [(0, 4), (4, 4), (5, 12), (8, 12), (12, 12), (16, 20)];
        for (len, with) in padded {
            assert_eq!(Padding::Perf.padded(len), with);
            assert_eq!(Padding::None.padded(len), len);
        }
    }
}
