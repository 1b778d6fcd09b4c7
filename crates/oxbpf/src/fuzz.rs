//! Readers of what the kernel says that are no part of the API, for fuzzing (feature `__fuzz`).
//!
//! Each takes any bytes in the place of what the kernel would have said.

use std::os::fd::AsFd;

use crate::program::log;
use crate::sys::perf_ring::{Layout, PerfConsumer};
use crate::sys::ring::RingConsumer;
use crate::sys::{Access, Mapping, Result};
use crate::{gzip, kallsyms};

/// Reads a verifier's log: its summary, and the instruction at fault.
#[must_use]
pub fn verifier_log(text: &str) -> (String, Option<usize>) {
    let findings = log::read(text);
    (findings.summary, findings.insn)
}

/// Looks for a name in the text of `/proc/kallsyms`, and for names like it.
///
/// # Errors
///
/// None: bytes in memory can be read.
pub fn kallsyms(text: &[u8], name: &str) -> std::io::Result<(kallsyms::Symbols, Vec<String>)> {
    Ok((
        kallsyms::find_in(text, &[name])?,
        kallsyms::nearest_in(text, name, "")?,
    ))
}

/// Takes a compressed file apart.
///
/// # Errors
///
/// When it is none, or holds more than `limit` bytes.
pub fn gunzip(file: &[u8], limit: usize) -> std::io::Result<Vec<u8>> {
    gzip::decompress(file, limit)
}

/// Memory in the place of a ring's, which can hold anything.
#[derive(Debug)]
pub struct Memory {
    file: std::os::fd::OwnedFd,
    all: Mapping,
    page: usize,
}

impl Memory {
    /// Room for two positions and two pages of records.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub fn new() -> Result<Self> {
        let page = rustix::param::page_size();
        let file = rustix::fs::memfd_create("oxbpf-fuzz", rustix::fs::MemfdFlags::CLOEXEC)?;
        rustix::fs::ftruncate(&file, 4 * page as u64)?;
        let all = Mapping::shared(file.as_fd(), 0, 4 * page, Access::ReadWrite)?;
        Ok(Self { file, all, page })
    }

    fn fill(&self, at: usize, bytes: &[u8]) {
        let room = (4 * self.page).saturating_sub(at);
        let part = bytes.get(..room).unwrap_or(bytes);
        assert!(self.all.copy_in(at, part));
    }

    /// Reads all records of a ring buffer whose reader and writers have got to these positions: how many there were, and
    /// their bytes.
    ///
    /// # Errors
    ///
    /// When it cannot be mapped.
    pub fn ring(&self, read: u64, written: u64, data: &[u8]) -> Result<(usize, usize)> {
        self.fill(0, &read.to_ne_bytes());
        self.fill(self.page, &written.to_ne_bytes());
        self.fill(2 * self.page, data);
        let mut ring = RingConsumer::open(self.file.as_fd(), self.page)?;
        let (mut count, mut bytes) = (0, 0);
        while let Ok(true) = ring.peek() {
            let Some(held) = ring.take() else { break };
            bytes += held.bytes().iter().map(|_| 1).sum::<usize>();
            count += 1;
        }
        Ok((count, bytes))
    }

    /// As [`ring`](Self::ring), of a perf event, which starts at position 0.
    ///
    /// # Errors
    ///
    /// When it cannot be mapped.
    pub fn perf(&self, written: u64, data: &[u8]) -> Result<(usize, usize)> {
        self.fill(1024, &written.to_ne_bytes());
        self.fill(self.page, data);
        let layout = |time, whole| Layout { time, whole };
        let mut most = (0, 0);
        for layout in [
            layout(None, false),
            layout(Some(0), false),
            layout(None, true),
        ] {
            let event = rustix::io::fcntl_dupfd_cloexec(&self.file, 3)?;
            // The reader before has said how far it came.
            self.fill(1032, &[0; 8]);
            let mut ring = PerfConsumer::open(event, self.page, layout)?;
            let (mut count, mut bytes) = (0, 0);
            while let Ok(true) = ring.peek() {
                let Some(held) = ring.take() else { break };
                bytes += held.bytes().iter().map(|_| 1).sum::<usize>();
                count += 1;
            }
            most = most.max((count, bytes));
        }
        Ok(most)
    }
}
