//! bpf(2) itself.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use rustix::io::Errno;
use zerocopy::{FromBytes, IntoBytes};

use super::Result;
use super::uapi::Command;
use crate::limits::MAX_INTERRUPTIONS;

/// Calls bpf(2) and returns what the kernel returned: a descriptor, or 0.
///
/// # Safety
///
/// Every address in `attr` that `command` makes the kernel use is 0 or that of live memory,
/// as long as the kernel takes it to be, writable where the kernel writes, and borrowed by
/// nobody else meanwhile.
pub(super) unsafe fn bpf<A: IntoBytes + FromBytes>(
    command: Command,
    attr: &mut A,
) -> Result<RawFd> {
    let mut interruptions = 0;
    loop {
        // SAFETY: the caller keeps the contract.
        let answer = unsafe { bpf_once(command, attr) };
        interruptions += 1;
        if answer != Err(Errno::INTR) || interruptions >= MAX_INTERRUPTIONS {
            return answer;
        }
    }
}

/// Calls bpf(2) as [`bpf`] does, but for a command that leaves its mark in `attr` before it is interrupted.
///
/// # Safety
///
/// As for [`bpf`].
pub(super) unsafe fn bpf_once<A: IntoBytes + FromBytes>(
    command: Command,
    attr: &mut A,
) -> Result<RawFd> {
    // SAFETY: `attr` is live and `size_of::<A>()` long, and has no padding; the caller
    // answers for the addresses in it.
    let ret = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command.0,
            attr.as_mut_bytes().as_mut_ptr(),
            size_of::<A>(),
        )
    };
    if ret >= 0 {
        return RawFd::try_from(ret).map_err(|_| Errno::OVERFLOW);
    }
    Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO))
}

/// Calls bpf(2) for a command that returns a descriptor.
///
/// # Safety
///
/// As for [`bpf`].
pub(super) unsafe fn bpf_fd<A: IntoBytes + FromBytes>(
    command: Command,
    attr: &mut A,
) -> Result<OwnedFd> {
    // SAFETY: the caller answers for the addresses in `attr`.
    let raw = unsafe { bpf(command, attr) }?;
    // SAFETY: these commands return a descriptor that is new and nobody else's.
    above_stdio(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// Moves a descriptor out of the range of the standard streams. A process started with these
/// closed would otherwise print into a map, and 0 means "none" in many kernel structures.
/// The kernel sets close-on-exec on every descriptor that bpf(2) returns; so does this.
pub(crate) fn above_stdio(fd: OwnedFd) -> Result<OwnedFd> {
    if fd.as_raw_fd() > libc::STDERR_FILENO {
        return Ok(fd);
    }
    rustix::io::fcntl_dupfd_cloexec(&fd, libc::STDERR_FILENO + 1)
}
