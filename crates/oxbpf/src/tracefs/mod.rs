//! tracefs: the ids of tracepoints, and probes made by writing lines into its files.
//!
//! A probe made here outlives a process that dies without removing it. So its name says whose it is: the group is
//! `oxbpf_PID_STARTTIME_PIDNAMESPACE`. It can never be in the way of a new one, [`leftovers`] tells it from those in use,
//! and [`Leftover::remove`] takes it away.

use rustix::io::Errno;

use crate::kernel_fs::{KernelFs, TRACEFS};
use crate::{Error, Result};

mod functions;
mod leftover;
mod probe_event;
mod trace_pipe;

pub use functions::{TraceableFunction, TraceableFunctions, traceable_functions};
pub use leftover::{Leftover, leftovers};
pub(crate) use probe_event::{KPROBE_EVENTS, ProbeEvent};
pub use trace_pipe::{PrintedLine, TracePipe};

/// Opens the tracefs of this machine.
pub(crate) fn open() -> Result<KernelFs> {
    KernelFs::open(&TRACEFS).map_err(|errno| {
        Error::syscall(errno, "opening tracefs")
            .with_reason("tracefs is not mounted, and could not be mounted for this process")
            .with_remedy(
                "run as root, or have it mounted: mount -t tracefs tracefs /sys/kernel/tracing",
            )
    })
}

/// The id of a tracepoint, by which perf_event_open(2) knows it.
pub(crate) fn tracepoint_id(
    tracefs: &KernelFs,
    category: &str,
    name: &str,
) -> rustix::io::Result<u64> {
    let id = tracefs.read(&format!("events/{category}/{name}/id"))?;
    id.trim().parse().map_err(|_| Errno::INVAL)
}
