//! User ring buffers: records for programs.

use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use oxbpf_object::kernel::MapType;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;

use super::LONGEST_WAIT;
use super::claim::Claim;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::MAX_USER_RECORD;
use crate::map::{Map, check_kind};
use crate::sys;
use crate::sys::ring::Corruption;
use crate::sys::user_ring::{Room, UserRingProducer};

/// The writer of a user ring buffer: `BPF_MAP_TYPE_USER_RINGBUF`, since Linux 6.1.
///
/// Programs read it with `bpf_user_ringbuf_drain`, when they run. A ring must have only one writer at
/// a time, which is made sure of within a process.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let map: oxbpf::Map = unimplemented!();
/// let mut commands = oxbpf::UserRingBuffer::new(map)?;
/// if let Some(mut record) = commands.reserve(8)? {
///     record.copy_from_slice(&42u64.to_ne_bytes());
///     record.submit();
/// }
/// # Ok(())
/// # }
/// ```
#[doc(alias = "BPF_MAP_TYPE_USER_RINGBUF")]
#[derive(Debug)]
pub struct UserRingBuffer {
    memory: UserRingProducer,
    epoll: OwnedFd,
    map: Map,
    _claim: Claim,
}

impl UserRingBuffer {
    /// Opens a user ring buffer to be written.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](ErrorKind::WrongKind) if the map is none, [`AlreadyExists`](ErrorKind::AlreadyExists)
    /// if this process has it open already, and what the kernel says.
    pub fn new(map: Map) -> Result<Self> {
        check_kind(&map, &[MapType::USER_RINGBUF])?;
        let doing = "opening user ring buffer of";
        let claim = Claim::new(&map, doing)?;
        let failed = |errno| Error::syscall(errno, format!("{doing} {map}"));
        let memory =
            UserRingProducer::open(map.as_fd(), map.max_entries() as usize).map_err(failed)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)
            .and_then(sys::above_stdio)
            .map_err(failed)?;
        // The kernel calls the ring writable as soon as a byte is free, which may not do. So what is waited for is
        // the change: that a program has read something.
        let flags = epoll::EventFlags::OUT | epoll::EventFlags::ET;
        epoll::add(&epoll, &map, epoll::EventData::new_u64(0), flags).map_err(failed)?;
        Ok(Self {
            memory,
            epoll,
            map,
            _claim: claim,
        })
    }

    /// The map.
    #[must_use]
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// Room for a record of `size` bytes, which hold anything at first; `None` as long as there is not
    /// enough.
    ///
    /// # Errors
    ///
    /// [`WrongSize`](ErrorKind::WrongSize) if the ring is too small for such a record,
    /// [`Corrupted`](ErrorKind::Corrupted) if its memory contradicts itself.
    pub fn reserve(&mut self, size: usize) -> Result<Option<Reserved<'_>>> {
        self.check(size)?;
        let map = &self.map;
        let room = self.memory.reserve(size);
        let room = room.map_err(|corruption| corrupted(map, corruption))?;
        Ok(room.map(|room| Reserved { room }))
    }

    /// Room for a record of `size` bytes, waited for, at most for `timeout` if there is one: until
    /// programs have read enough of what is there.
    ///
    /// # Errors
    ///
    /// As of [`UserRingBuffer::reserve`], and what the kernel says.
    pub fn reserve_blocking(
        &mut self,
        size: usize,
        timeout: Option<Duration>,
    ) -> Result<Option<Reserved<'_>>> {
        // A time too far to be told is no limit.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        while self.reserve(size)?.is_none() {
            let now = Instant::now();
            if deadline.is_some_and(|deadline| deadline <= now) {
                break;
            }
            let left = deadline.map_or(LONGEST_WAIT, |deadline| deadline - now);
            let left = Timespec::try_from(left.min(LONGEST_WAIT)).ok();
            let mut events = [const { std::mem::MaybeUninit::<epoll::Event>::uninit() }; 1];
            match epoll::wait(&self.epoll, &mut events, left.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => {
                    let doing = format!("waiting for room in {}", self.map);
                    return Err(Error::syscall(errno, doing));
                }
            }
        }
        self.reserve(size)
    }

    fn check(&self, size: usize) -> Result<()> {
        let most = (self.map.max_entries() as usize - 8).min(MAX_USER_RECORD);
        if size <= most {
            return Ok(());
        }
        Err(
            Error::new(ErrorKind::WrongSize, format!("writing to {}", self.map)).with_reason(
                format!("the record has {size} bytes, and must not have more than {most}"),
            ),
        )
    }
}

fn corrupted(map: &Map, corruption: Corruption) -> Error {
    Error::new(
        ErrorKind::Corrupted,
        format!("writing to user ring buffer of {map}"),
    )
    .with_reason(corruption.to_string())
}

impl TryFrom<Map> for UserRingBuffer {
    type Error = Error;

    fn try_from(map: Map) -> Result<Self> {
        Self::new(map)
    }
}

/// The map's descriptor.
impl AsFd for UserRingBuffer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}

/// A record being written. Programs see it when it is submitted; dropped before, it never was.
#[derive(Debug)]
pub struct Reserved<'a> {
    room: Room<'a>,
}

impl Reserved<'_> {
    /// Lets programs see the record.
    pub fn submit(self) {
        self.room.submit();
    }

    /// Gives it up, as dropping it does.
    pub fn discard(self) {}
}

impl Deref for Reserved<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.room.bytes()
    }
}

impl DerefMut for Reserved<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.room.bytes_mut()
    }
}
