//! A probe made by a line in tracefs, removed when dropped.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use super::leftover::Owner;
use super::tracepoint_id;
use crate::kernel_fs::KernelFs;

/// The file that probes of kernel functions are made by.
pub(crate) const KPROBE_EVENTS: &str = "kprobe_events";

/// How often a removal that finds its event in use is tried again: the kernel may let go of a closed event
/// a little after close(2) returned.
const REMOVAL_TRIES: u32 = 5;
const REMOVAL_PAUSE: Duration = Duration::from_millis(2);

/// A probe of ours in tracefs.
///
/// It holds the file that it was made by: a process that has given up its privileges, or lives in another root by now,
/// can still remove it.
#[derive(Debug)]
pub(crate) struct ProbeEvent {
    list: OwnedFd,
    name: String,
    id: u64,
    /// Whether it stays when this is dropped.
    stays: bool,
}

impl ProbeEvent {
    /// Writes `TYPE:GROUP/NAME LOCATION` into `list`. `kind` is what stands before the colon.
    pub(crate) fn create(
        tracefs: &KernelFs,
        list: &str,
        kind: &str,
        location: &str,
    ) -> rustix::io::Result<Self> {
        // Opened to append: opening it to truncate would remove everybody's probes.
        let list = tracefs.open_file(list, OFlags::WRONLY | OFlags::APPEND)?;
        let name = unique_name(kind);
        write_line(&list, &format!("{kind}:{name} {location}"))?;
        let mut event = Self {
            list,
            name,
            id: 0,
            stays: false,
        };
        let (group, name) = event.name.split_once('/').ok_or(Errno::INVAL)?;
        event.id = tracepoint_id(tracefs, group, name)?;
        Ok(event)
    }

    /// `GROUP/NAME`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The id by which perf_event_open(2) knows it.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Sets whether it stays when this is dropped, because somebody goes on using it.
    pub(crate) fn set_stays(&mut self, stays: bool) {
        self.stays = stays;
    }

    /// Removes it. Everything that uses it must be closed.
    pub(crate) fn remove(mut self) -> rustix::io::Result<()> {
        self.stays = true;
        remove(&self.list, &self.name)
    }
}

impl Drop for ProbeEvent {
    fn drop(&mut self) {
        if !self.stays {
            // Nobody can be told here; what is left is recognisable by its name.
            let _ = remove(&self.list, &self.name);
        }
    }
}

/// Writes the line that removes the event `name` (`GROUP/NAME`).
pub(super) fn remove(list: &OwnedFd, name: &str) -> rustix::io::Result<()> {
    let line = format!("-:{name}");
    for _ in 1..REMOVAL_TRIES {
        match write_line(list, &line) {
            Err(Errno::BUSY) => std::thread::sleep(REMOVAL_PAUSE),
            answer => return answer,
        }
    }
    write_line(list, &line)
}

fn write_line(list: &OwnedFd, line: &str) -> rustix::io::Result<()> {
    // The kernel takes one write(2) for one command.
    let written = rustix::io::retry_on_intr(|| rustix::io::write(list, line.as_bytes()))?;
    if written < line.len() {
        return Err(Errno::IO);
    }
    Ok(())
}

/// A name that no event has had on this boot: no thread makes two in one nanosecond.
fn unique_name(kind: &str) -> String {
    let now = clock_gettime(ClockId::Monotonic);
    let thread = rustix::thread::gettid().as_raw_nonzero();
    let kind = kind.get(..1).unwrap_or("p");
    format!(
        "{}/{kind}_{thread}_{}_{}",
        Owner::this(),
        now.tv_sec,
        now.tv_nsec
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kernel takes letters, digits and `_`, at most 63 of them, for group and event.
    #[test]
    fn names_are_unique_and_the_kernel_takes_them() {
        let (one, two) = (unique_name("p"), unique_name("r16"));
        assert_ne!(one, two);
        for name in [one, two] {
            let (group, event) = name.split_once('/').unwrap();
            for part in [group, event] {
                assert!(part.len() < 64, "{part}");
                assert!(
                    part.starts_with(|c: char| c.is_ascii_alphabetic()),
                    "{part}"
                );
                assert!(part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
            }
        }
    }
}
