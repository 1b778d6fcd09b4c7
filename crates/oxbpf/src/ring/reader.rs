//! Reading several rings with one descriptor to wait on.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};
use rustix::io::Errno;

use super::record::Padding;
use super::{LONGEST_WAIT, Record};
use crate::error::{Error, Result};
use crate::limits::MAX_BURST;
use crate::sys;
use crate::sys::ring::{Corruption, Held};

/// A ring that is read.
pub(super) trait Source {
    const PADDING: Padding;

    /// What to wait on.
    fn fd(&self) -> BorrowedFd<'_>;
    /// What records say where they come from.
    fn number(&self) -> u32;
    /// Whether there is a record to be taken.
    fn peek(&mut self) -> Result<bool, Corruption>;
    /// How a ring is told of that contradicts itself.
    fn corrupted(&self, corruption: Corruption) -> Error;
    /// When the record was written that [`Source::peek`] found, if it has that.
    fn time(&self) -> Option<u64> {
        None
    }
    /// The record that [`Source::peek`] found.
    fn take(&mut self) -> Option<Held<'_>>;
    /// Hands over records that are at hand and ask for no closer look, up to `max`, and takes each back; how many.
    fn lend(&mut self, max: usize, each: impl FnMut(Held<'_>)) -> usize;
}

/// Rings that are read in turn.
#[derive(Debug)]
pub(super) struct Reader<S> {
    // Closed before what it waits on.
    epoll: OwnedFd,
    sources: Vec<S>,
    /// The source that has its turn, and how many records it may still give in a row.
    current: usize,
    burst: u32,
    /// Whether records may have been left behind that the kernel will not wake us for again.
    behind: bool,
    /// Whether any record is worth returning for, even one that the kernel would not wake us for.
    eager: bool,
    /// Whether records come in the order in which they were written, across sources.
    by_time: bool,
    lost: u64,
}

/// How long to wait at first for a record that is being written, and at most.
const PAUSE: [Duration; 2] = [Duration::from_micros(20), Duration::from_millis(1)];

fn waiting(errno: Errno) -> Error {
    Error::syscall(errno, "waiting for records")
}

impl<S: Source> Reader<S> {
    pub(super) fn new(eager: bool) -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)
            .and_then(sys::above_stdio)
            .map_err(waiting)?;
        Ok(Self {
            epoll,
            sources: Vec::new(),
            current: 0,
            burst: MAX_BURST,
            behind: false,
            eager,
            by_time: false,
            lost: 0,
        })
    }

    /// Lets records come in the order in which they were written, across sources.
    pub(super) fn by_time(mut self) -> Self {
        self.by_time = true;
        self
    }

    pub(super) fn add(&mut self, source: S) -> Result<()> {
        let data = epoll::EventData::new_u64(self.sources.len() as u64);
        epoll::add(&self.epoll, source.fd(), data, epoll::EventFlags::IN).map_err(waiting)?;
        self.sources.push(source);
        Ok(())
    }

    pub(super) fn sources(&self) -> &[S] {
        &self.sources
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    fn turn(&mut self) {
        self.current = (self.current + 1) % self.sources.len().max(1);
        self.burst = MAX_BURST;
    }

    /// Gives the turn to a source that has a record.
    fn find(&mut self) -> Result<bool> {
        if self.by_time {
            return self.find_earliest();
        }
        if self.burst == 0 {
            self.turn();
        }
        for _ in 0..self.sources.len() {
            let Some(source) = self.sources.get_mut(self.current) else {
                break;
            };
            match source.peek() {
                Ok(true) => return Ok(true),
                Ok(false) => self.turn(),
                // What is wrong with one ring does not keep the others from being read.
                Err(corruption) => {
                    let error = source.corrupted(corruption);
                    self.turn();
                    return Err(error);
                }
            }
        }
        self.behind = false;
        Ok(false)
    }

    /// Gives the turn to the source with the record that was written first.
    fn find_earliest(&mut self) -> Result<bool> {
        let (mut earliest, mut wrong) = (None, None);
        for (index, source) in self.sources.iter_mut().enumerate() {
            match source.peek() {
                Ok(true) => {
                    let here = (source.time().unwrap_or_default(), index);
                    earliest = earliest.map_or(Some(here), |earliest| Some(here.min(earliest)));
                }
                Ok(false) => {}
                Err(corruption) => wrong = Some(source.corrupted(corruption)),
            }
        }
        match (earliest, wrong) {
            (Some((_, index)), _) => {
                (self.current, self.burst) = (index, MAX_BURST);
                Ok(true)
            }
            (None, Some(error)) => Err(error),
            (None, None) => {
                self.behind = false;
                Ok(false)
            }
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>> {
        if !self.find()? {
            return Ok(None);
        }
        self.burst -= 1;
        let Some(source) = self.sources.get_mut(self.current) else {
            return Ok(None);
        };
        let (number, time) = (source.number(), source.time());
        let Some(held) = source.take() else {
            return Ok(None);
        };
        self.lost = self.lost.saturating_add(held.lost());
        Ok(Some(Record::new(held, number, time, S::PADDING)))
    }

    /// Not by `dyn`, so that what a record is made of stays in registers where it is used.
    #[inline]
    pub(super) fn for_each(
        &mut self,
        max: usize,
        mut each: impl FnMut(Record<'_>),
    ) -> Result<usize> {
        let mut count = 0;
        while count < max && self.find()? {
            let Some(source) = self.sources.get_mut(self.current) else {
                break;
            };
            let (number, time) = (source.number(), source.time());
            let mut given = match self.by_time {
                // The next may be another's.
                true => 0,
                false => source.lend((max - count).min(self.burst as usize), |held| {
                    each(Record::new(held, number, None, S::PADDING));
                }),
            };
            if given == 0 {
                let Some(held) = source.take() else { break };
                self.lost = self.lost.saturating_add(held.lost());
                each(Record::new(held, number, time, S::PADDING));
                given = 1;
            }
            self.burst -= given as u32;
            count += given;
        }
        Ok(count)
    }

    pub(super) fn wait(&mut self, timeout: Option<Duration>) -> Result<bool> {
        if (self.eager || self.behind) && self.find()? {
            return Ok(true);
        }
        // A time too far to be told is no limit.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let [mut pause, longest_pause] = PAUSE;
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let asked = left.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
            if self.poll(asked)? {
                self.behind = true;
                if self.find()? {
                    return Ok(true);
                }
                // A record is being written, or was discarded.
                let left = left.unwrap_or(pause);
                std::thread::sleep(pause.min(left));
                pause = (pause * 2).min(longest_pause);
            }
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return self.find();
            }
        }
    }

    /// Waits until the kernel says that there is something; whether it did.
    fn poll(&mut self, timeout: Duration) -> Result<bool> {
        let timeout = Timespec::try_from(timeout).ok();
        let mut events = [const { MaybeUninit::<epoll::Event>::uninit() }; 16];
        let events = match epoll::wait(&self.epoll, &mut events, timeout.as_ref()) {
            Ok((events, _)) => events,
            // The caller looks at the clock and comes again.
            Err(Errno::INTR) => return Ok(false),
            Err(errno) => return Err(waiting(errno)),
        };
        for event in &*events {
            let flags = event.flags;
            // The event of a CPU that went away says so for ever. What it wrote can still be read.
            if flags.intersects(epoll::EventFlags::HUP | epoll::EventFlags::ERR) {
                let index = event.data.u64() as usize;
                if let Some(source) = self.sources.get(index) {
                    epoll::delete(&self.epoll, source.fd()).map_err(waiting)?;
                }
            }
        }
        Ok(!events.is_empty())
    }
}

impl<S> AsFd for Reader<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}
