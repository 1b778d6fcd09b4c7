//! Ring buffers.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use oxbpf_object::kernel::{MapFlags, MapType};

use super::claim::Claim;
use super::reader::{Reader, Source};
use super::record::Padding;
use super::{Events, Record, Records, impl_events};
use crate::error::{Error, ErrorKind, Result};
use crate::map::{Map, check_kind};
use crate::sys::overwriting_ring::OverwritingConsumer;
use crate::sys::ring::{Corruption, Held, RingConsumer};

/// A reader of one or several ring buffers: `BPF_MAP_TYPE_RINGBUF`, since Linux 5.8.
///
/// Records of one map come in the order in which programs reserved them, on whatever CPU. What a
/// program finds no room for, it must count itself. A ring must have only one reader at a time, which
/// is made sure of within a process; one that takes over goes on where the last one ended, with
/// nothing lost that was written.
///
/// A ring made with `BPF_F_RB_OVERWRITE` (Linux 6.19) never is full: its oldest records go for new ones. Its records are copied
/// before they are handed out; what went unread, [`RingBuffer::overwritten`] tells.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let map: oxbpf::Map = unimplemented!();
/// let mut events = oxbpf::RingBuffer::new(map)?;
/// while let Some(record) = events.next()? {
///     println!("{} bytes: {:x?}", record.len(), record.bytes());
/// }
/// # Ok(())
/// # }
/// ```
#[doc(alias = "BPF_MAP_TYPE_RINGBUF")]
#[derive(Debug)]
pub struct RingBuffer {
    reader: Reader<Ring>,
}

impl_events!(RingBuffer);

impl RingBuffer {
    /// Opens a ring buffer to be read.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](ErrorKind::WrongKind) if the map is none, [`AlreadyExists`](ErrorKind::AlreadyExists)
    /// if this process has it open already, and what the kernel says.
    pub fn new(map: Map) -> Result<Self> {
        let mut ring = Self {
            reader: Reader::new(true)?,
        };
        ring.add(map)?;
        Ok(ring)
    }

    /// Reads one more ring buffer; the number that its records have as their [`Record::source`].
    ///
    /// # Errors
    ///
    /// As of [`RingBuffer::new`].
    pub fn add(&mut self, map: Map) -> Result<u32> {
        let number = self.reader.sources().len() as u32;
        self.reader.add(Ring::open(map, number)?)?;
        Ok(number)
    }

    /// The maps, in the order in which they were added.
    pub fn maps(&self) -> impl Iterator<Item = &Map> {
        self.reader.sources().iter().map(|ring| &ring.map)
    }

    /// How many bytes of records, with their headers, were overwritten before they were read: of rings made with
    /// `BPF_F_RB_OVERWRITE`.
    #[must_use]
    pub fn overwritten(&self) -> u64 {
        self.reader.sources().iter().fold(0, |sum, ring| {
            sum + match &ring.memory {
                Memory::Kept(_) => 0,
                Memory::Overwriting(memory) => memory.missed(),
            }
        })
    }

    /// How many bytes wait to be read, with the headers of records, and with records that are not
    /// finished or were discarded.
    ///
    /// # Errors
    ///
    /// [`Corrupted`](ErrorKind::Corrupted) if the memory of a ring contradicts itself.
    pub fn available(&self) -> Result<u64> {
        self.reader.sources().iter().try_fold(0, |sum, ring| {
            let available = match &ring.memory {
                Memory::Kept(memory) => memory.available(),
                Memory::Overwriting(memory) => memory.available(),
            };
            Ok(sum + available.map_err(|corruption| ring.corrupted(corruption))? as u64)
        })
    }
}

/// What becomes of records in a full ring.
#[derive(Debug)]
enum Memory {
    Kept(RingConsumer),
    Overwriting(OverwritingConsumer),
}

/// One ring buffer.
#[derive(Debug)]
struct Ring {
    memory: Memory,
    map: Map,
    number: u32,
    _claim: Claim,
}

impl Ring {
    fn open(map: Map, number: u32) -> Result<Self> {
        check_kind(&map, &[MapType::RINGBUF])?;
        let doing = "opening ring buffer of";
        let claim = Claim::new(&map, doing)?;
        let (fd, size) = (map.as_fd(), map.max_entries() as usize);
        let memory = match map.flags().contains(MapFlags::RB_OVERWRITE) {
            true => OverwritingConsumer::open(fd, size).map(Memory::Overwriting),
            false => RingConsumer::open(fd, size).map(Memory::Kept),
        };
        let memory = memory.map_err(|errno| Error::syscall(errno, format!("{doing} {map}")))?;
        Ok(Self {
            memory,
            map,
            number,
            _claim: claim,
        })
    }
}

impl Source for Ring {
    const PADDING: Padding = Padding::None;

    fn fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }

    fn number(&self) -> u32 {
        self.number
    }

    #[inline]
    fn peek(&mut self) -> Result<bool, Corruption> {
        match &mut self.memory {
            Memory::Kept(memory) => memory.peek(),
            Memory::Overwriting(memory) => memory.peek(),
        }
    }

    #[cold]
    fn corrupted(&self, corruption: Corruption) -> Error {
        Error::new(
            ErrorKind::Corrupted,
            format!("reading ring buffer of {}", self.map),
        )
        .with_reason(corruption.to_string())
    }

    #[inline]
    fn take(&mut self) -> Option<Held<'_>> {
        match &mut self.memory {
            Memory::Kept(memory) => memory.take(),
            Memory::Overwriting(memory) => memory.take(),
        }
    }

    #[inline]
    fn lend(&mut self, max: usize, each: impl FnMut(Held<'_>)) -> usize {
        match &mut self.memory {
            Memory::Kept(memory) => memory.lend(max, each),
            // Each is copied and looked at again.
            Memory::Overwriting(_) => 0,
        }
    }
}
