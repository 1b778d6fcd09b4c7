//! The reader's side of a perf event's memory: a page of state, then the ring.
//!
//! A record starts with a `struct perf_event_header`; the last one before the ring's end may go on at its
//! start. Source: `include/uapi/linux/perf_event.h` (`struct perf_event_mmap_page`).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{Ordering, fence};

use super::ring::{Corruption, Held, Release};
use super::uapi::{PERF_RECORD_LOST, PERF_RECORD_SAMPLE};
use super::{Access, Mapping, Result};

/// `data_head` of `struct perf_event_mmap_page`.
pub(super) const DATA_HEAD: usize = 1024;
/// `data_tail` of `struct perf_event_mmap_page`.
const DATA_TAIL: usize = 1032;
/// The size of `struct perf_event_header`: type, misc, size.
const HEADER: u64 = 8;

/// What a sample is made of.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Layout {
    /// Where in it the time is, if it has one.
    pub(crate) time: Option<u64>,
    /// Whether all of it is wanted, and not only what the program wrote. Else there is nothing in it but that, and the time.
    pub(crate) whole: bool,
}

/// The memory of a perf event that programs write to, read by us alone.
#[derive(Debug)]
pub(crate) struct PerfConsumer {
    // Unmapped before the event is closed.
    memory: Mapping,
    event: OwnedFd,
    page: usize,
    layout: Layout,
    size: u64,
    position: u64,
    /// Up to where records were written when we last looked: not further from `position` than the ring is long.
    written: u64,
    /// Records that got lost since the last one that was taken.
    lost: u64,
    ahead: Option<Sample>,
    /// Where a record is put together that goes over the end of the ring.
    joined: Vec<u8>,
}

/// The record at the reader's position.
#[derive(Clone, Copy, Debug)]
struct Sample {
    /// Where its data is, counted as positions are.
    data: u64,
    len: usize,
    time: Option<u64>,
    next: u64,
}

impl PerfConsumer {
    /// Maps `event`, with a ring of `size` bytes: a power of two of pages.
    pub(crate) fn open(event: OwnedFd, size: usize, layout: Layout) -> Result<Self> {
        let page = rustix::param::page_size();
        let len = page.checked_add(size).ok_or(rustix::io::Errno::NOMEM)?;
        let memory = Mapping::shared(event.as_fd(), 0, len, Access::ReadWrite)?;
        Ok(Self {
            memory,
            event,
            page,
            layout,
            size: size as u64,
            position: 0,
            written: 0,
            lost: 0,
            ahead: None,
            joined: Vec::new(),
        })
    }

    pub(crate) fn event(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }

    /// Whether there is a record to be taken.
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<bool, Corruption> {
        if self.ahead.is_some() || self.look()? {
            return Ok(true);
        }
        let written = self.memory.load_u64(DATA_HEAD).unwrap_or_default();
        fence(Ordering::Acquire);
        let available = written.wrapping_sub(self.position);
        if available > self.size || available % 8 != 0 {
            return Err(Corruption::Positions {
                read: self.position,
                written,
                size: self.size,
            });
        }
        self.written = written;
        self.look()
    }

    /// Looks for a sample in what was written when we last looked.
    #[inline]
    fn look(&mut self) -> Result<bool, Corruption> {
        loop {
            let available = self.written.wrapping_sub(self.position);
            if available == 0 {
                return Ok(false);
            }
            let (kind, total) = self.header();
            if total < HEADER || total > available || total % 8 != 0 {
                return Err(self.wrong_length(total, available));
            }
            if kind == PERF_RECORD_SAMPLE {
                let sample = self.sample(total);
                let sample = sample.map_err(|length| self.wrong_length(length, available))?;
                self.ahead = Some(sample);
                return Ok(true);
            }
            self.pass_over(kind, total, available)?;
        }
    }

    /// The type and the length of the record at our position.
    #[inline]
    fn header(&self) -> (u32, u64) {
        let [t0, t1, t2, t3, _, _, s0, s1] = self.word(self.position).to_ne_bytes();
        let total = u16::from_ne_bytes([s0, s1]);
        (u32::from_ne_bytes([t0, t1, t2, t3]), total.into())
    }

    /// The sample at our position, in a record of `total` bytes; otherwise a length that cannot be.
    ///
    /// `PERF_SAMPLE_RAW`: a length, then the data.
    #[inline]
    fn sample(&self, total: u64) -> std::result::Result<Sample, u64> {
        if self.layout != Layout::default() {
            return self.sample_with_more(total);
        }
        let body = self.position.wrapping_add(HEADER);
        if total < HEADER + 8 {
            return Err(total);
        }
        let [l0, l1, l2, l3, ..] = self.word(body).to_ne_bytes();
        let len = u32::from_ne_bytes([l0, l1, l2, l3]);
        if u64::from(len) > total - HEADER - 4 {
            return Err(len.into());
        }
        Ok(Sample {
            data: body.wrapping_add(4),
            len: len as usize,
            time: None,
            next: self.position.wrapping_add(total),
        })
    }

    /// As [`PerfConsumer::sample`], of samples that have a time, or more.
    fn sample_with_more(&self, total: u64) -> std::result::Result<Sample, u64> {
        let body = self.position.wrapping_add(HEADER);
        let timed = self.layout.time.map_or(0, |at| at + 8);
        let before = if self.layout.whole { 0 } else { timed };
        if total < HEADER + timed.max(before + 8) {
            return Err(total);
        }
        let (data, len) = if self.layout.whole {
            (body, total - HEADER)
        } else {
            let raw = body.wrapping_add(before);
            let [l0, l1, l2, l3, ..] = self.word(raw).to_ne_bytes();
            let len = u64::from(u32::from_ne_bytes([l0, l1, l2, l3]));
            if len > total - HEADER - before - 4 {
                return Err(len);
            }
            (raw.wrapping_add(4), len)
        };
        Ok(Sample {
            data,
            len: len as usize,
            time: self.layout.time.map(|at| self.word(body.wrapping_add(at))),
            next: self.position.wrapping_add(total),
        })
    }

    #[cold]
    fn wrong_length(&self, length: u64, written: u64) -> Corruption {
        Corruption::Length {
            at: self.position,
            length,
            written,
        }
    }

    /// Goes past a record that is none of a program's, and counts what the kernel says was lost.
    #[cold]
    fn pass_over(&mut self, kind: u32, total: u64, available: u64) -> Result<(), Corruption> {
        if kind == PERF_RECORD_LOST {
            if total < HEADER + 16 {
                return Err(self.wrong_length(total, available));
            }
            let count = self.position.wrapping_add(HEADER + 8);
            self.lost = self.lost.saturating_add(self.word(count));
        }
        self.position = self.position.wrapping_add(total);
        if let Some(tail) = self.memory.atomic_u64(DATA_TAIL) {
            tail.store(self.position, Ordering::Release);
        }
        Ok(())
    }

    /// Lends the samples at hand, up to `max` and up to what asks for a closer look, each for a call; how many.
    #[inline]
    pub(crate) fn lend(&mut self, max: usize, mut each: impl FnMut(Held<'_>)) -> usize {
        let Some(tail) = self.memory.atomic_u64(DATA_TAIL) else {
            return 0;
        };
        if self.lost > 0 {
            return 0;
        }
        for count in 0..max {
            let available = self.written.wrapping_sub(self.position);
            if available == 0 {
                return count;
            }
            let (kind, total) = self.header();
            if kind != PERF_RECORD_SAMPLE || total > available || total % 8 != 0 {
                return count;
            }
            let Ok(Sample {
                data, len, next, ..
            }) = self.sample(total)
            else {
                return count;
            };
            // SAFETY: as in `take`; the sample is given back after the call that it is lent to.
            let Some(bytes) = (unsafe { self.memory.borrow(self.offset(data), len) }) else {
                // It goes over the end of the ring.
                return count;
            };
            self.ahead = None;
            each(Held {
                bytes,
                lost: 0,
                release: Release::Lender,
            });
            self.position = next;
            tail.store(next, Ordering::Release);
        }
        max
    }

    /// When the record was written that [`PerfConsumer::peek`] found, if it has that.
    pub(crate) fn time(&self) -> Option<u64> {
        self.ahead.and_then(|sample| sample.time)
    }

    /// The record that [`PerfConsumer::peek`] found.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<Held<'_>> {
        let Sample {
            data, len, next, ..
        } = self.ahead.take()?;
        let start = self.offset(data);
        let whole = (self.page + self.size as usize).saturating_sub(start);
        let bytes = if len <= whole {
            // SAFETY: the kernel does not write to what was not given back yet; the pages are mapped here only,
            // and we write to the first of them only.
            unsafe { self.memory.borrow(start, len) }?
        } else {
            self.joined.resize(len, 0);
            let (first, second) = self.joined.split_at_mut(whole);
            if !self.memory.copy_out(start, first) || !self.memory.copy_out(self.page, second) {
                return None;
            }
            &self.joined
        };
        Some(Held {
            bytes,
            lost: std::mem::take(&mut self.lost),
            release: Release::Perf(&mut self.position, self.memory.atomic_u64(DATA_TAIL)?, next),
        })
    }

    /// The 8 bytes at a position that is a multiple of 8.
    #[inline]
    fn word(&self, position: u64) -> u64 {
        self.memory
            .load_u64(self.offset(position))
            .unwrap_or_default()
    }

    /// Where the byte at a position is.
    #[inline]
    fn offset(&self, position: u64) -> usize {
        self.page + (position & (self.size - 1)) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

    use super::*;

    fn ring() -> (PerfConsumer, usize) {
        let page = rustix::param::page_size();
        let fd = memfd_create("oxbpf-test", MemfdFlags::CLOEXEC).unwrap();
        ftruncate(&fd, 2 * page as u64).unwrap();
        (
            PerfConsumer::open(fd, page, Layout::default()).unwrap(),
            page,
        )
    }

    fn header(kind: u32, size: u16) -> u64 {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..].copy_from_slice(&size.to_ne_bytes());
        u64::from_ne_bytes(bytes)
    }

    impl PerfConsumer {
        fn put(&self, position: u64, words: &[u64]) {
            for (i, word) in words.iter().enumerate() {
                let at = self.offset(position.wrapping_add(8 * i as u64));
                assert!(self.memory.copy_in(at, &u64::to_ne_bytes(*word)));
            }
            let end = position + 8 * words.len() as u64;
            assert!(self.memory.copy_in(DATA_HEAD, &u64::to_ne_bytes(end)));
        }

        fn tail(&self) -> u64 {
            self.memory.load_u64(DATA_TAIL).unwrap()
        }
    }

    /// The first word of a raw sample: its length and its first 4 bytes.
    fn raw(len: u32) -> u64 {
        let mut bytes = [7; 8];
        bytes[..4].copy_from_slice(&len.to_ne_bytes());
        u64::from_ne_bytes(bytes)
    }

    #[test]
    fn losses_are_told_with_the_record_after_them() {
        let (mut ring, _) = ring();
        assert!(!ring.peek().unwrap());
        let lost = header(PERF_RECORD_LOST, 24);
        let sample = header(PERF_RECORD_SAMPLE, 16);
        ring.put(
            0,
            &[lost, 1, 5, header(77, 8), sample, raw(4), sample, raw(3)],
        );
        assert!(ring.peek().unwrap());
        let held = ring.take().unwrap();
        assert_eq!((held.bytes(), held.lost()), (&[7; 4][..], 5));
        drop(held);
        assert_eq!(ring.tail(), 48);
        assert!(ring.peek().unwrap());
        let held = ring.take().unwrap();
        assert_eq!((held.bytes().len(), held.lost()), (3, 0));
        drop(held);
        assert!(!ring.peek().unwrap());
        assert_eq!(ring.tail(), 64);
    }

    #[test]
    fn a_record_over_the_end_is_put_together() {
        let (mut ring, page) = ring();
        let at = page as u64 - 16;
        (ring.position, ring.written) = (at, at);
        let word = u64::from_ne_bytes([8; 8]);
        ring.put(at, &[header(PERF_RECORD_SAMPLE, 32), raw(20), word, word]);
        assert!(ring.peek().unwrap());
        let held = ring.take().unwrap();
        let expected: Vec<u8> = [7; 4].into_iter().chain([8; 16]).collect();
        assert_eq!(held.bytes(), expected);
    }

    #[test]
    fn impossible_headers_are_told() {
        let (mut ring, page) = ring();
        for words in [
            [header(PERF_RECORD_SAMPLE, 0), raw(0)],
            [header(PERF_RECORD_SAMPLE, 8), raw(0)],
            [header(PERF_RECORD_SAMPLE, 12), raw(0)],
            [header(PERF_RECORD_SAMPLE, 24), raw(0)],
            [header(PERF_RECORD_SAMPLE, 16), raw(5)],
            [header(PERF_RECORD_SAMPLE, 16), raw(u32::MAX)],
            [header(PERF_RECORD_LOST, 16), 0],
        ] {
            ring.put(0, &words);
            let error = ring.peek().unwrap_err();
            assert!(matches!(error, Corruption::Length { .. }), "{words:x?}");
            assert!(ring.take().is_none());
        }
        let (mut ring, _) = self::ring();
        for written in [4, page as u64 + 8, u64::MAX] {
            assert!(ring.memory.copy_in(DATA_HEAD, &u64::to_ne_bytes(written)));
            assert!(matches!(ring.peek(), Err(Corruption::Positions { .. })));
        }
    }

    proptest! {
        #[test]
        fn any_memory_is_read_to_an_end(
            start: u64, distance in 0u64..5000, noise in proptest::collection::vec(
                (prop_oneof![Just(PERF_RECORD_SAMPLE), Just(PERF_RECORD_LOST), any::<u32>()],
                 prop_oneof![(0u16..16).prop_map(|n| 8 * n), any::<u16>()], any::<u64>()), 256),
        ) {
            let (mut ring, _) = ring();
            ring.position = start & !7;
            ring.written = ring.position;
            for (i, (kind, size, word)) in noise.iter().enumerate() {
                ring.put(16 * i as u64, &[header(*kind, *size), *word]);
            }
            assert!(ring.memory.copy_in(DATA_HEAD, &u64::to_ne_bytes(ring.position.wrapping_add(distance & !7))));
            let mut taken = 0;
            while let Ok(true) = ring.peek() {
                taken += 8 + ring.take().unwrap().bytes().iter().map(|_| 1).sum::<usize>();
            }
            prop_assert!(taken <= 4096);
        }
    }
}
