//! The memory of a perf event that is written backward and never full: what was written last comes first.
//!
//! Source: `include/uapi/linux/perf_event.h` (`write_backward`).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{Ordering, fence};

use rustix::io::Errno;

use super::perf::perf_event_pause;
use super::perf_ring::DATA_HEAD;
use super::uapi::PERF_RECORD_SAMPLE;
use super::{Access, Mapping, Result};

/// The size of `struct perf_event_header`.
const HEADER: usize = 8;

/// Such memory. It is mapped for reading only, which is what makes the kernel overwrite it.
#[derive(Debug)]
pub(crate) struct PerfSnapshot {
    // Unmapped before the event is closed.
    memory: Mapping,
    event: OwnedFd,
    page: usize,
    size: usize,
}

impl PerfSnapshot {
    /// Maps `event`, with a ring of `size` bytes: a power of two of pages.
    pub(crate) fn open(event: OwnedFd, size: usize) -> Result<Self> {
        let page = rustix::param::page_size();
        let len = page.checked_add(size).ok_or(Errno::NOMEM)?;
        let memory = Mapping::shared(event.as_fd(), 0, len, Access::Read)?;
        Ok(Self {
            memory,
            event,
            page,
            size,
        })
    }

    pub(crate) fn event(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }

    /// Copies the ring into `into`, the newest record first, while nothing is written; how many bytes of it were.
    pub(crate) fn copy(&self, into: &mut Vec<u8>) -> Result<()> {
        perf_event_pause(self.event(), true)?;
        let head = self.memory.load_u64(DATA_HEAD).unwrap_or_default();
        fence(Ordering::Acquire);
        // The position goes down from 0.
        let written = usize::try_from(head.wrapping_neg())
            .unwrap_or(usize::MAX)
            .min(self.size);
        let start = head as usize & (self.size - 1);
        into.resize(written, 0);
        let (first, second) = into.split_at_mut(written.min(self.size - start));
        let copied = self.memory.copy_out(self.page + start, first)
            && self.memory.copy_out(self.page, second);
        perf_event_pause(self.event(), false)?;
        match copied {
            true => Ok(()),
            false => Err(Errno::FAULT),
        }
    }
}

/// The raw samples in a copy of such memory, the newest first. Ends where one was overwritten in part.
pub(crate) fn samples(copy: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = copy;
    std::iter::from_fn(move || {
        loop {
            let (header, _) = rest.split_first_chunk::<HEADER>()?;
            let [t0, t1, t2, t3, _, _, s0, s1] = *header;
            let total = usize::from(u16::from_ne_bytes([s0, s1]));
            if total < HEADER || total % 8 != 0 {
                return None;
            }
            let (record, after) = rest.split_at_checked(total)?;
            rest = after;
            if u32::from_ne_bytes([t0, t1, t2, t3]) != PERF_RECORD_SAMPLE {
                continue;
            }
            // PERF_SAMPLE_RAW: a length, then the data.
            let (len, data) = record.get(HEADER..)?.split_first_chunk::<4>()?;
            return data.get(..u32::from_ne_bytes(*len) as usize);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(kind: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = kind.to_ne_bytes().to_vec();
        bytes.extend([0; 2]);
        bytes.extend((HEADER as u16 + 4 + data.len() as u16).to_ne_bytes());
        bytes.extend((data.len() as u32).to_ne_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn samples_end_where_one_is_not_whole() {
        let mut copy = sample(PERF_RECORD_SAMPLE, &[3; 4]);
        copy.extend(sample(2, &[9; 12]));
        copy.extend(sample(PERF_RECORD_SAMPLE, &[2; 12]));
        let whole = copy.clone();
        copy.extend(&sample(PERF_RECORD_SAMPLE, &[1; 12])[..16]);
        for copy in [&copy, &whole] {
            let samples: Vec<&[u8]> = samples(copy).collect();
            assert_eq!(samples, [&[3; 4][..], &[2; 12]]);
        }
        assert_eq!(samples(&[0; 64]).count(), 0);
        assert_eq!(samples(&[]).count(), 0);
        let mut wrong = sample(PERF_RECORD_SAMPLE, &[1; 4]);
        wrong[8] = 200;
        assert_eq!(samples(&wrong).count(), 0);
    }
}
