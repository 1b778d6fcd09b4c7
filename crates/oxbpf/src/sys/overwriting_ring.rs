//! The reader's side of a ring buffer whose oldest records are overwritten when it is full. Linux 6.19.
//!
//! Beside the counters of any ring buffer there is one of where the oldest record begins that is still there. A record is
//! copied first; if that counter has not gone past it then, the copy is what was written.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{Ordering, fence};

use super::ring::{Corruption, HEADER, Header, Held, Release, acquire, behind};
use super::{Access, Mapping, Result};

/// Where that counter is, in the page of the kernel's: after where records are written, and where they are pending.
const OVERWRITTEN: usize = 2 * size_of::<usize>();

/// How often a record is tried to be copied before others have their turn.
const ATTEMPTS: usize = 100;

/// The memory of such a ring buffer, read by us alone.
#[derive(Debug)]
pub(crate) struct OverwritingConsumer {
    ours: Mapping,
    theirs: Mapping,
    page: usize,
    size: usize,
    position: usize,
    /// The record that was copied, and where the one after it begins.
    copy: Vec<u8>,
    ahead: Option<usize>,
    /// How many bytes went that were not read.
    missed: u64,
}

impl OverwritingConsumer {
    /// Maps the ring buffer `fd` of `size` bytes, a power of two, and goes on where the last reader ended.
    pub(crate) fn open(fd: BorrowedFd<'_>, size: usize) -> Result<Self> {
        let page = rustix::param::page_size();
        let ours = Mapping::shared(fd, 0, page, Access::ReadWrite)?;
        let theirs = Mapping::shared(fd, page as u64, behind(page, size)?, Access::Read)?;
        let position = acquire(&ours, 0);
        Ok(Self {
            ours,
            theirs,
            page,
            size,
            position,
            copy: Vec::new(),
            ahead: None,
            missed: 0,
        })
    }

    /// How many bytes of records, with their headers, were overwritten before they were read.
    pub(crate) fn missed(&self) -> u64 {
        self.missed
    }

    /// How many bytes are there to be read, with the headers and with what is not finished yet.
    pub(crate) fn available(&self) -> Result<usize, Corruption> {
        let start = self.start();
        self.check(start, acquire(&self.theirs, 0))
    }

    /// Whether there is a record to be taken. What was discarded is passed over.
    pub(crate) fn peek(&mut self) -> Result<bool, Corruption> {
        if self.ahead.is_some() {
            return Ok(true);
        }
        for _ in 0..ATTEMPTS {
            let start = self.start();
            if start != self.position {
                self.missed += start.wrapping_sub(self.position) as u64;
                self.go_to(start);
            }
            // Whoever writes must see how far we are before we look for the last time, or wakes nobody.
            fence(Ordering::SeqCst);
            let written = acquire(&self.theirs, 0);
            let header = match self.check(start, written)? {
                0 => return Ok(false),
                available => {
                    let word = self.theirs.load_u32(self.data(start)).unwrap_or_default();
                    fence(Ordering::Acquire);
                    (Header::parse(word, available), word, available)
                }
            };
            match header {
                (Some(Header::Busy), ..) if self.start() == start => return Ok(false),
                (Some(Header::Discarded { total }), ..) if self.start() == start => {
                    self.go_to(start.wrapping_add(total));
                }
                (Some(Header::Record { len, total }), ..) => {
                    self.copy.resize(len, 0);
                    let from = self.data(start) + HEADER;
                    if !self.theirs.copy_out(from, &mut self.copy) {
                        return Ok(false);
                    }
                    fence(Ordering::Acquire);
                    if self.start() == start {
                        self.ahead = Some(start.wrapping_add(total));
                        return Ok(true);
                    }
                }
                (None, word, available) if self.start() == start => {
                    return Err(Corruption::Length {
                        at: start as u64,
                        length: word.into(),
                        written: available as u64,
                    });
                }
                // It was overwritten while we looked.
                _ => {}
            }
        }
        Ok(false)
    }

    /// The record that [`OverwritingConsumer::peek`] found.
    pub(crate) fn take(&mut self) -> Option<Held<'_>> {
        let next = self.ahead.take()?;
        Some(Held {
            bytes: &self.copy,
            lost: 0,
            release: Release::Ring(&mut self.position, self.ours.atomic_usize(0)?, next),
        })
    }

    /// Where the oldest record is that was not read yet.
    fn start(&self) -> usize {
        let oldest = acquire(&self.theirs, OVERWRITTEN);
        match oldest.wrapping_sub(self.position) as isize {
            1.. => oldest,
            _ => self.position,
        }
    }

    fn go_to(&mut self, position: usize) {
        self.position = position;
        if let Some(shared) = self.ours.atomic_usize(0) {
            shared.store(position, Ordering::Release);
        }
    }

    fn check(&self, start: usize, written: usize) -> Result<usize, Corruption> {
        let available = written.wrapping_sub(start);
        if available > self.size || available % 8 != 0 || start % 8 != 0 {
            return Err(Corruption::Positions {
                read: start as u64,
                written: written as u64,
                size: self.size as u64,
            });
        }
        Ok(available)
    }

    /// Where the byte at a position is.
    fn data(&self, position: usize) -> usize {
        self.page + (position & (self.size - 1))
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use proptest::prelude::*;
    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

    use super::*;

    fn ring() -> (Mapping, OverwritingConsumer, usize) {
        let page = rustix::param::page_size();
        let fd = memfd_create("oxbpf-test", MemfdFlags::CLOEXEC).unwrap();
        ftruncate(&fd, 4 * page as u64).unwrap();
        let all = Mapping::shared(fd.as_fd(), 0, 4 * page, Access::ReadWrite).unwrap();
        let ring = OverwritingConsumer::open(fd.as_fd(), page).unwrap();
        (all, ring, page)
    }

    fn put(all: &Mapping, at: usize, word: usize) {
        assert!(all.copy_in(at, &usize::to_ne_bytes(word)));
    }

    #[test]
    fn what_was_overwritten_is_passed_over_and_counted() {
        let (all, mut ring, page) = ring();
        assert!(!ring.peek().unwrap());
        for (at, byte) in [(0usize, 1u8), (16, 2), (32, 3)] {
            put(&all, 2 * page + at, 8);
            assert!(all.copy_in(2 * page + at + 8, &[byte; 8]));
        }
        put(&all, page, 48);
        put(&all, page + OVERWRITTEN, 16);
        assert_eq!(ring.available(), Ok(32));
        assert!(ring.peek().unwrap());
        assert_eq!(ring.take().unwrap().bytes(), [2; 8]);
        assert_eq!(ring.missed(), 16);
        // Copied before it is overwritten, it is still there.
        assert!(ring.peek().unwrap());
        put(&all, page + OVERWRITTEN, 48);
        assert_eq!(ring.take().unwrap().bytes(), [3; 8]);
        assert!(!ring.peek().unwrap());
        assert_eq!((ring.missed(), all.load_usize(0)), (16, Some(48)));
    }

    proptest! {
        #[test]
        fn any_memory_is_read_to_an_end(
            read: usize, ahead in 0usize..9000, oldest in 0usize..9000, words in proptest::collection::vec(
                prop_oneof![0u32..64, any::<u32>()], 512),
        ) {
            let (all, mut ring, page) = ring();
            let read = read & !7;
            put(&all, page, read.wrapping_add(ahead & !7));
            put(&all, page + OVERWRITTEN, read.wrapping_add(oldest));
            for (i, word) in words.iter().enumerate() {
                assert!(all.copy_in(2 * page + 8 * i, &u32::to_ne_bytes(*word)));
            }
            ring.position = read;
            let mut taken = 0;
            while let Ok(true) = ring.peek() {
                taken += 8 + ring.take().unwrap().bytes().len();
            }
            prop_assert!(taken <= 4096 * 2);
        }
    }
}
