//! Rings whose records are all of one type.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use oxbpf_object::kernel::MapType;

use super::{Event, Events, PerfBuffer, RingBuffer};
use crate::error::Result;
use crate::map::{Map, check_kind};

/// A ring buffer, or a perf event array, through which programs send values of one type.
///
/// Generated code has it where the C source says which type that is (`BPF2RS_EVENTS`), with [`Tailed`](super::Tailed)
/// events where that type ends in an array without a length.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let map: oxbpf::Map = unimplemented!();
/// use oxbpf::ring::EventMap;
///
/// let events: EventMap<[u32; 2]> = map.typed()?;
/// for event in events.reader()?.events(None) {
///     let [pid, uid] = event?;
///     println!("process {pid} of user {uid}");
/// }
/// # Ok(())
/// # }
/// ```
pub struct EventMap<T> {
    map: Map,
    event: PhantomData<fn() -> T>,
}

impl<T: Event> EventMap<T> {
    /// Takes a map for one whose records are of type `T`: records that are not tell when they are read.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](crate::ErrorKind::WrongKind) if it is neither a ring buffer nor a perf event array.
    pub fn new(map: Map) -> Result<Self> {
        check_kind(&map, &[MapType::RINGBUF, MapType::PERF_EVENT_ARRAY])?;
        Ok(Self {
            map,
            event: PhantomData,
        })
    }

    /// Opens it to be read. There must be one reader at a time.
    ///
    /// # Errors
    ///
    /// As of [`RingBuffer::new`] and [`PerfBuffer::new`].
    pub fn reader(&self) -> Result<EventReader<T>> {
        let map = self.map.clone();
        let buffer = if map.map_type() == MapType::RINGBUF {
            Buffer::Ring(RingBuffer::new(map)?)
        } else {
            Buffer::Perf(PerfBuffer::new(map)?)
        };
        Ok(EventReader {
            buffer,
            event: PhantomData,
        })
    }
}

impl<T> EventMap<T> {
    /// The map, its records as bytes: for what the readers of [`ring`](super) offer besides.
    #[must_use]
    pub fn map(&self) -> &Map {
        &self.map
    }
}

impl<T: Event> TryFrom<Map> for EventMap<T> {
    type Error = crate::Error;

    fn try_from(map: Map) -> Result<Self> {
        Self::new(map)
    }
}

impl<T> Clone for EventMap<T> {
    fn clone(&self) -> Self {
        Self {
            map: self.map.clone(),
            event: PhantomData,
        }
    }
}

impl<T> fmt::Debug for EventMap<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventMap").field(&self.map).finish()
    }
}

impl<T> AsFd for EventMap<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.map.as_fd()
    }
}

/// A reader of an [`EventMap`]: values, each copied out of the kernel's memory.
pub struct EventReader<T> {
    buffer: Buffer,
    event: PhantomData<fn() -> T>,
}

#[derive(Debug)]
enum Buffer {
    Ring(RingBuffer),
    Perf(PerfBuffer),
}

impl Buffer {
    fn events(&mut self) -> &mut dyn Events {
        match self {
            Self::Ring(ring) => ring,
            Self::Perf(perf) => perf,
        }
    }
}

impl<T: Event> EventReader<T> {
    /// The next event, if there is one now.
    ///
    /// # Errors
    ///
    /// [`WrongSize`](crate::ErrorKind::WrongSize) if it is no `T`: it is passed over.
    /// [`Corrupted`](crate::ErrorKind::Corrupted) if the memory of the ring contradicts itself.
    #[allow(clippy::should_implement_trait, reason = "`events` is the iterator")]
    pub fn next(&mut self) -> Result<Option<T>> {
        match self.buffer.events().next()? {
            Some(record) => T::from_record(&record).map(Some),
            None => Ok(None),
        }
    }

    /// Waits until there is an event, at most for `timeout` if there is one; whether there is an event then.
    ///
    /// # Errors
    ///
    /// As of [`next`](Self::next), and what the kernel says.
    pub fn wait(&mut self, timeout: Option<Duration>) -> Result<bool> {
        self.buffer.events().wait(timeout)
    }

    /// Hands the events that are there now to `each`, `max` of them at most; how many there were.
    ///
    /// # Errors
    ///
    /// As of [`next`](Self::next); what is of the wrong size does not keep the others back.
    pub fn for_each(&mut self, max: usize, mut each: impl FnMut(T)) -> Result<usize> {
        let mut misfit = None;
        let count =
            self.buffer
                .events()
                .for_each(max, &mut |record| match T::from_record(&record) {
                    Ok(event) => each(event),
                    Err(error) => misfit = misfit.take().or(Some(error)),
                })?;
        match misfit {
            Some(error) => Err(error),
            None => Ok(count),
        }
    }

    /// Goes through the events, and waits for each at most `timeout` if there is one: without, it never ends.
    pub fn events(&mut self, timeout: Option<Duration>) -> impl Iterator<Item = Result<T>> + '_ {
        std::iter::from_fn(move || match self.wait(timeout) {
            Ok(true) => self.next().transpose(),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        })
    }

    /// How many events the kernel said that it had no room for; see [`Events::lost`].
    #[must_use]
    pub fn lost(&self) -> u64 {
        match &self.buffer {
            Buffer::Ring(ring) => ring.lost(),
            Buffer::Perf(perf) => perf.lost(),
        }
    }
}

impl<T> fmt::Debug for EventReader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventReader").field(&self.buffer).finish()
    }
}

/// To be polled for reading together with other descriptors.
impl<T> AsFd for EventReader<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.buffer {
            Buffer::Ring(ring) => ring.as_fd(),
            Buffer::Perf(perf) => perf.as_fd(),
        }
    }
}
