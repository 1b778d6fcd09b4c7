//! The reader's side of a ring buffer's memory.
//!
//! Two counters only ever grow: what the producers have written, what the reader has read. The
//! data lies behind, mapped twice in a row, so that a record never has a seam. A record starts
//! with its length, in which two bits say that it is not finished yet or not wanted any more.
//!
//! Source: `include/uapi/linux/bpf.h` (`BPF_RINGBUF_*`), `Documentation/bpf/ringbuf.rst`.

use std::fmt;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};

use rustix::io::Errno;

use super::{Access, Mapping, Result};

/// `BPF_RINGBUF_BUSY_BIT`.
const BUSY: u32 = 1 << 31;
/// `BPF_RINGBUF_DISCARD_BIT`.
const DISCARD: u32 = 1 << 30;
/// `BPF_RINGBUF_HDR_SZ`.
pub(super) const HEADER: usize = 8;

/// How a ring's memory contradicts itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Corruption {
    /// The counters are further apart than the ring is long, or off the records' alignment.
    Positions { read: u64, written: u64, size: u64 },
    /// A record is longer than what was written, or shorter than what it must have.
    Length { at: u64, length: u64, written: u64 },
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Positions {
                read,
                written,
                size,
            } => write!(
                f,
                "its memory is corrupted: read up to {read}, written up to {written}, with room for {size} bytes"
            ),
            Self::Length {
                at,
                length,
                written,
            } => write!(
                f,
                "its memory is corrupted: at {at} a record of {length} bytes, in {written} that were written"
            ),
        }
    }
}

/// A record that stays where it is until this is dropped.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) lost: u64,
    pub(super) release: Release<'a>,
}

/// How the room of a record is given back: the new position goes to its owner and to the memory.
#[derive(Debug)]
pub(super) enum Release<'a> {
    Ring(&'a mut usize, &'a AtomicUsize, usize),
    Perf(&'a mut u64, &'a AtomicU64, u64),
    /// By whoever lent the record.
    Lender,
}

impl Held<'_> {
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes
    }

    /// How many records the kernel had no room for just before this one.
    #[inline]
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }
}

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        match &mut self.release {
            Release::Ring(own, shared, next) => {
                **own = *next;
                shared.store(*next, Ordering::Release);
            }
            Release::Perf(own, shared, next) => {
                **own = *next;
                shared.store(*next, Ordering::Release);
            }
            Release::Lender => {}
        }
    }
}

/// What a header says of the record that it starts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Header {
    /// Somebody is still writing it; nothing behind it can be read before.
    Busy,
    /// Nothing, for so many bytes.
    Discarded { total: usize },
    /// A record of `len` bytes, which takes `total`.
    Record { len: usize, total: usize },
}

impl Header {
    /// `None` if it does not fit into the `written` bytes that are there.
    #[inline]
    pub(super) fn parse(word: u32, written: usize) -> Option<Self> {
        if word & BUSY != 0 {
            return Some(Self::Busy);
        }
        let len = word & !DISCARD;
        let total = total(len);
        if total > written as u64 {
            return None;
        }
        let (len, total) = (len as usize, total as usize);
        Some(if word & DISCARD != 0 {
            Self::Discarded { total }
        } else {
            Self::Record { len, total }
        })
    }
}

/// How many bytes a record of `len` takes, with its header and rounded up.
#[inline]
pub(super) fn total(len: u32) -> u64 {
    (u64::from(len) + HEADER as u64 + 7) & !7
}

/// How many bytes lie behind the first page of a ring of `size` bytes: a page with a position, then the data, twice.
pub(super) fn behind(page: usize, size: usize) -> Result<usize> {
    let data = size.checked_mul(2).and_then(|data| data.checked_add(page));
    data.ok_or(Errno::NOMEM)
}

/// The word at an offset that is known to be inside; what was written before it was is seen afterwards.
#[inline]
pub(super) fn acquire(mapping: &Mapping, offset: usize) -> usize {
    let word = mapping.load_usize(offset).unwrap_or_default();
    fence(Ordering::Acquire);
    word
}

/// The memory of a ring buffer, read by us alone.
#[derive(Debug)]
pub(crate) struct RingConsumer {
    /// A page with our position, which the kernel reads.
    ours: Mapping,
    /// A page with the kernel's position, then the data, twice.
    theirs: Mapping,
    page: usize,
    size: usize,
    /// Up to where records were read. The kernel is told, but not asked: others can write there.
    position: usize,
    /// Up to where records were written when we last looked: not further from `position` than the ring is long.
    written: usize,
    /// The length of the record at `position` and what it takes, once it was looked at.
    ahead: Option<(usize, usize)>,
}

impl RingConsumer {
    /// Maps the ring buffer `fd` of `size` bytes, a power of two, and goes on where the last reader ended.
    ///
    /// The caller makes sure that there is no other reader: its records could be overwritten while they
    /// are borrowed.
    pub(crate) fn open(fd: BorrowedFd<'_>, size: usize) -> Result<Self> {
        let page = rustix::param::page_size();
        let len = behind(page, size)?;
        let ours = Mapping::shared(fd, 0, page, Access::ReadWrite)?;
        let theirs = Mapping::shared(fd, page as u64, len, Access::Read)?;
        let position = acquire(&ours, 0);
        Ok(Self {
            ours,
            theirs,
            page,
            size,
            position,
            written: position,
            ahead: None,
        })
    }

    /// How many bytes are there to be read, with the headers and with what is not finished yet.
    pub(crate) fn available(&self) -> Result<usize, Corruption> {
        self.check(acquire(&self.theirs, 0))
    }

    fn check(&self, written: usize) -> Result<usize, Corruption> {
        let available = written.wrapping_sub(self.position);
        if available > self.size || available % 8 != 0 || self.position % 8 != 0 {
            return Err(Corruption::Positions {
                read: self.position as u64,
                written: written as u64,
                size: self.size as u64,
            });
        }
        Ok(available)
    }

    /// Whether there is a record to be taken. What was discarded is passed over.
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<bool, Corruption> {
        Ok(self.ahead.is_some() || self.look()? || self.look_again()?)
    }

    /// Looks for a record in what was written in the meantime.
    #[inline(never)]
    fn look_again(&mut self) -> Result<bool, Corruption> {
        // Who finishes a record wakes us only if he sees that we have read all before it. So our position
        // must be out before we look for the last time: either he sees it, or we see his record.
        fence(Ordering::SeqCst);
        let written = acquire(&self.theirs, 0);
        self.check(written)?;
        self.written = written;
        self.look()
    }

    /// Looks for a record in what was written when we last looked: an end, however fast the producers are.
    #[inline]
    fn look(&mut self) -> Result<bool, Corruption> {
        loop {
            let available = self.written.wrapping_sub(self.position);
            if available == 0 {
                return Ok(false);
            }
            let at = self.data(self.position);
            let word = self.theirs.load_u32(at).unwrap_or_default();
            fence(Ordering::Acquire);
            match Header::parse(word, available) {
                Some(Header::Busy) => return Ok(false),
                Some(Header::Discarded { total }) => self.pass_over(total),
                Some(Header::Record { len, total }) => {
                    self.ahead = Some((len, total));
                    return Ok(true);
                }
                None => return Err(self.wrong_length(word, available)),
            }
        }
    }

    #[cold]
    fn pass_over(&mut self, total: usize) {
        self.position = self.position.wrapping_add(total);
        if let Some(shared) = self.ours.atomic_usize(0) {
            shared.store(self.position, Ordering::Release);
        }
    }

    #[cold]
    fn wrong_length(&self, word: u32, written: usize) -> Corruption {
        Corruption::Length {
            at: self.position as u64,
            length: u64::from(word & !DISCARD),
            written: written as u64,
        }
    }

    /// The record that [`RingConsumer::peek`] found.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<Held<'_>> {
        let (len, total) = self.ahead.take()?;
        let at = self.data(self.position) + HEADER;
        // SAFETY: nobody but the kernel can write to these pages, and the kernel does not write to a finished
        // record before it is given back, which its only reader does after the borrow.
        let bytes = unsafe { self.theirs.borrow(at, len) }?;
        let next = self.position.wrapping_add(total);
        Some(Held {
            bytes,
            lost: 0,
            release: Release::Ring(&mut self.position, self.ours.atomic_usize(0)?, next),
        })
    }

    /// Lends the records at hand, up to `max` and up to one that asks for a closer look, each for a call; how many.
    #[inline]
    pub(crate) fn lend(&mut self, max: usize, mut each: impl FnMut(Held<'_>)) -> usize {
        let Some(shared) = self.ours.atomic_usize(0) else {
            return 0;
        };
        for count in 0..max {
            let available = self.written.wrapping_sub(self.position);
            if available == 0 {
                return count;
            }
            let at = self.data(self.position);
            let word = self.theirs.load_u32(at).unwrap_or_default();
            fence(Ordering::Acquire);
            let Some(Header::Record { len, total }) = Header::parse(word, available) else {
                return count;
            };
            // SAFETY: as in `take`; the record is given back after the call that it is lent to.
            let Some(bytes) = (unsafe { self.theirs.borrow(at + HEADER, len) }) else {
                return count;
            };
            self.ahead = None;
            each(Held {
                bytes,
                lost: 0,
                release: Release::Lender,
            });
            self.position = self.position.wrapping_add(total);
            shared.store(self.position, Ordering::Release);
        }
        max
    }

    /// Where the byte at a position is.
    #[inline]
    fn data(&self, position: usize) -> usize {
        self.page + (position & (self.size - 1))
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsFd, OwnedFd};

    use proptest::prelude::*;
    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

    use super::*;

    /// Memory laid out as a ring buffer, which can hold anything.
    struct Memory {
        fd: OwnedFd,
        all: Mapping,
        page: usize,
    }

    impl Memory {
        fn new() -> Self {
            let page = rustix::param::page_size();
            let fd = memfd_create("oxbpf-test", MemfdFlags::CLOEXEC).unwrap();
            ftruncate(&fd, 4 * page as u64).unwrap();
            let all = Mapping::shared(fd.as_fd(), 0, 4 * page, Access::ReadWrite).unwrap();
            Self { fd, all, page }
        }

        fn consumer(&self) -> RingConsumer {
            RingConsumer::open(self.fd.as_fd(), self.page).unwrap()
        }

        fn read(&self) -> usize {
            self.all.load_usize(0).unwrap()
        }

        fn set_written(&self, written: usize) {
            assert!(self.all.copy_in(self.page, &usize::to_ne_bytes(written)));
        }

        fn set_header(&self, at: usize, word: u32) {
            assert!(
                self.all
                    .copy_in(2 * self.page + at, &u32::to_ne_bytes(word))
            );
        }
    }

    #[test]
    fn a_record_is_given_back_when_it_is_dropped() {
        let memory = Memory::new();
        let mut ring = memory.consumer();
        assert!(!ring.peek().unwrap());
        memory.set_header(0, 5);
        assert!(memory.all.copy_in(2 * memory.page + 8, b"hello"));
        memory.set_written(16);
        assert_eq!(ring.available(), Ok(16));
        assert!(ring.peek().unwrap());
        let held = ring.take().unwrap();
        assert_eq!((held.bytes(), memory.read()), (&b"hello"[..], 0));
        drop(held);
        assert_eq!(memory.read(), 16);
        assert!(!ring.peek().unwrap());
        assert!(ring.take().is_none());
    }

    #[test]
    fn a_record_that_is_forgotten_comes_again() {
        let memory = Memory::new();
        let mut ring = memory.consumer();
        memory.set_header(0, 8);
        memory.set_written(16);
        assert!(ring.peek().unwrap());
        std::mem::forget(ring.take());
        assert!(ring.peek().unwrap());
        assert_eq!(ring.take().unwrap().bytes().len(), 8);
    }

    #[test]
    fn what_is_not_finished_holds_up_what_is_behind_it() {
        let memory = Memory::new();
        let mut ring = memory.consumer();
        memory.set_header(0, 8 | BUSY);
        memory.set_header(16, 8);
        memory.set_written(32);
        assert!(!ring.peek().unwrap());
        assert_eq!(memory.read(), 0);
        memory.set_header(0, 8);
        assert!(ring.peek().unwrap());
    }

    #[test]
    fn what_is_discarded_is_passed_over() {
        let memory = Memory::new();
        let mut ring = memory.consumer();
        memory.set_header(0, 8 | DISCARD);
        memory.set_header(16, 1);
        memory.set_written(32);
        assert!(ring.peek().unwrap());
        assert_eq!(memory.read(), 16);
        assert_eq!(ring.take().unwrap().bytes().len(), 1);
    }

    #[test]
    fn impossible_positions_are_told() {
        let memory = Memory::new();
        let mut ring = memory.consumer();
        for written in [4, memory.page + 8, usize::MAX - 7] {
            memory.set_written(written);
            assert!(matches!(ring.peek(), Err(Corruption::Positions { .. })));
            assert!(ring.available().is_err());
            assert!(ring.take().is_none());
        }
        assert!(memory.all.copy_in(0, &usize::to_ne_bytes(3)));
        memory.set_written(3);
        assert!(memory.consumer().peek().is_err());
    }

    #[test]
    fn impossible_lengths_are_told() {
        let memory = Memory::new();
        let mut ring = memory.consumer();
        memory.set_written(32);
        for word in [25, 4096, DISCARD - 1, 25 | DISCARD] {
            memory.set_header(0, word);
            let error = ring.peek().unwrap_err();
            assert!(matches!(error, Corruption::Length { .. }), "{word:#x}");
        }
        memory.set_header(0, 24);
        assert!(ring.peek().unwrap());
    }

    #[test]
    fn positions_wrap_around() {
        let memory = Memory::new();
        let start = usize::MAX - 15;
        assert!(memory.all.copy_in(0, &usize::to_ne_bytes(start)));
        memory.set_header(start & (memory.page - 1), 8);
        memory.set_written(0);
        let mut ring = memory.consumer();
        assert!(ring.peek().unwrap());
        drop(ring.take());
        assert_eq!(memory.read(), 0);
    }

    proptest! {
        #[test]
        fn any_memory_is_read_to_an_end(
            read: usize, distance in 0usize..9000, words in proptest::collection::vec(
                prop_oneof![0u32..64, any::<u32>()], 512), aligned: bool,
        ) {
            let memory = Memory::new();
            let align = if aligned { !7 } else { !0 };
            assert!(memory.all.copy_in(0, &usize::to_ne_bytes(read & align)));
            memory.set_written((read & align).wrapping_add(distance & align));
            for (i, word) in words.iter().enumerate() {
                memory.set_header(8 * i, *word);
            }
            let mut ring = memory.consumer();
            let mut taken = 0;
            while let Ok(true) = ring.peek() {
                let held = ring.take().unwrap();
                taken += 8 + held.bytes().iter().map(|_| 1).sum::<usize>();
            }
            prop_assert!(taken <= 4096 * 2);
        }

        #[test]
        fn what_is_lent_is_what_is_taken(
            words in proptest::collection::vec(prop_oneof![
                8 => 0u32..64, 1 => (0u32..64).prop_map(|len| len | DISCARD), 1 => any::<u32>()], 512),
            max in 1usize..8,
        ) {
            let read = |lend: bool| {
                let memory = Memory::new();
                memory.set_written(4096);
                for (i, word) in words.iter().enumerate() {
                    memory.set_header(8 * i, *word);
                }
                let (mut ring, mut records) = (memory.consumer(), Vec::new());
                while let Ok(true) = ring.peek() {
                    let mut given = 0;
                    if lend {
                        given = ring.lend(max, |held| records.push(held.bytes().to_vec()));
                        prop_assert!(given <= max);
                    }
                    if given == 0 {
                        records.push(ring.take().unwrap().bytes().to_vec());
                    }
                }
                Ok((records, memory.read(), ring.peek().is_ok()))
            };
            prop_assert_eq!(read(true)?, read(false)?);
        }
    }
}
