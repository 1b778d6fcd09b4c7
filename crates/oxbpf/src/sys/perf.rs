//! perf_event_open(2) and the ioctls of what it opens.
//!
//! Source: `include/uapi/linux/perf_event.h`.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::io::Errno;
use rustix::ioctl::{IntegerSetter, NoArg, ioctl};
use zerocopy::IntoBytes;

use super::Result;
use super::call::above_stdio;
use super::uapi::{
    PERF_EVENT_IOC_DISABLE, PERF_EVENT_IOC_ENABLE, PERF_EVENT_IOC_PAUSE_OUTPUT,
    PERF_EVENT_IOC_SET_BPF, PERF_FLAG_FD_CLOEXEC, PERF_FLAG_PID_CGROUP,
};
pub(crate) use super::uapi::{PERF_TYPE_TRACEPOINT, PerfEventAttr};

/// On whom an event is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Scope {
    /// -1 for everyone.
    pub(crate) pid: i32,
    /// -1 for wherever `pid` runs.
    pub(crate) cpu: i32,
    /// Whether `pid` is the descriptor of a control group's directory.
    pub(crate) is_cgroup: bool,
}

/// Opens an event. `text` is what `config1` is to point to: the function of a kprobe, the file of a uprobe.
pub(crate) fn perf_event_open(
    attr: &PerfEventAttr,
    text: Option<&CStr>,
    scope: Scope,
) -> Result<OwnedFd> {
    let attr = PerfEventAttr {
        size: size_of::<PerfEventAttr>() as u32,
        config1: text.map_or(attr.config1, |text| text.as_ptr() as u64),
        ..*attr
    };
    let flags = match scope.is_cgroup {
        true => PERF_FLAG_FD_CLOEXEC | PERF_FLAG_PID_CGROUP,
        false => PERF_FLAG_FD_CLOEXEC,
    };
    loop {
        // SAFETY: `attr` is live and as long as it says, and the kernel only reads it and the NUL-terminated `text`.
        // Where `config1` is no such text but taken for one, the kernel copies what is there or answers EFAULT.
        let ret = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                attr.as_bytes().as_ptr(),
                scope.pid,
                scope.cpu,
                -1,
                flags as libc::c_ulong,
            )
        };
        if let Ok(fd) = RawFd::try_from(ret) {
            if fd >= 0 {
                // SAFETY: the kernel has just made this descriptor for us alone.
                return above_stdio(unsafe { OwnedFd::from_raw_fd(fd) });
            }
        }
        let errno = Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO);
        if errno != Errno::INTR {
            return Err(errno);
        }
    }
}

/// `PERF_EVENT_IOC_SET_BPF`: runs `program` at each occurrence of `event`.
pub(crate) fn perf_event_set_bpf(event: BorrowedFd<'_>, program: BorrowedFd<'_>) -> Result<()> {
    let program = program.as_raw_fd() as usize;
    // SAFETY: this request takes a descriptor's number as its argument and touches no memory of ours.
    unsafe {
        ioctl(
            event,
            IntegerSetter::<PERF_EVENT_IOC_SET_BPF>::new_usize(program),
        )
    }
}

/// `PERF_EVENT_IOC_ENABLE`.
pub(crate) fn perf_event_enable(event: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: this request takes a number, 0, and touches no memory of ours.
    unsafe { ioctl(event, NoArg::<PERF_EVENT_IOC_ENABLE>::new()) }
}

/// `PERF_EVENT_IOC_DISABLE`.
pub(crate) fn perf_event_disable(event: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: this request takes a number, 0, and touches no memory of ours.
    unsafe { ioctl(event, NoArg::<PERF_EVENT_IOC_DISABLE>::new()) }
}

/// `PERF_EVENT_IOC_PAUSE_OUTPUT`: keeps records from being written, or lets them be written again. Linux 4.7.
pub(crate) fn perf_event_pause(event: BorrowedFd<'_>, is_paused: bool) -> Result<()> {
    let is_paused = usize::from(is_paused);
    // SAFETY: this request takes a number and touches no memory of ours.
    unsafe {
        ioctl(
            event,
            IntegerSetter::<PERF_EVENT_IOC_PAUSE_OUTPUT>::new_usize(is_paused),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn opens_an_event_and_says_what_the_kernel_says() {
        let dummy = PerfEventAttr {
            r#type: 1,
            config: 9,
            ..Default::default()
        };
        let here = Scope {
            pid: 0,
            cpu: -1,
            is_cgroup: false,
        };
        let event = perf_event_open(&dummy, None, here).unwrap();
        assert!(event.as_raw_fd() > libc::STDERR_FILENO);
        perf_event_enable(event.as_fd()).unwrap();
        perf_event_disable(event.as_fd()).unwrap();
        assert_eq!(
            perf_event_set_bpf(event.as_fd(), event.as_fd()),
            Err(Errno::INVAL)
        );
        let nobody = PerfEventAttr {
            r#type: u32::MAX,
            ..Default::default()
        };
        assert_eq!(
            perf_event_open(&nobody, None, here).unwrap_err(),
            Errno::NOENT
        );
    }
}
