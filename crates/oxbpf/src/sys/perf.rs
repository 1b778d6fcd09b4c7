//! perf_event_open(2) and the ioctls of what it opens.
//!
//! Source: `include/uapi/linux/perf_event.h`.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::io::Errno;
use rustix::ioctl::{IntegerSetter, NoArg, ioctl, opcode};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::Result;
use super::call::above_stdio;

/// `struct perf_event_attr` up to the fifth published size, which every kernel since 4.1 takes.
/// Its bit field is one number here.
#[derive(Clone, Copy, Debug, Default, FromBytes, Immutable, IntoBytes)]
#[repr(C)]
pub(crate) struct PerfEventAttr {
    pub(crate) event_type: u32,
    /// Filled in by [`perf_event_open`].
    pub(crate) size: u32,
    pub(crate) config: u64,
    pub(crate) sample_period_or_freq: u64,
    pub(crate) sample_type: u64,
    pub(crate) read_format: u64,
    pub(crate) flags: u64,
    pub(crate) wakeup_events_or_watermark: u32,
    pub(crate) bp_type: u32,
    /// `bp_addr`, `kprobe_func`, `uprobe_path`.
    pub(crate) config1: u64,
    /// `bp_len`, `kprobe_addr`, `probe_offset`.
    pub(crate) config2: u64,
    pub(crate) branch_sample_type: u64,
    pub(crate) sample_regs_user: u64,
    pub(crate) sample_stack_user: u32,
    pub(crate) clockid: i32,
    pub(crate) sample_regs_intr: u64,
    pub(crate) aux_watermark: u32,
    pub(crate) sample_max_stack: u16,
    pub(crate) reserved_2: u16,
}

/// `perf_event_attr.disabled`: the event waits for [`perf_event_enable`].
pub(crate) const PERF_DISABLED: u64 = 1;

/// `PERF_TYPE_TRACEPOINT`: `config` is the id of a tracepoint.
pub(crate) const PERF_TYPE_TRACEPOINT: u32 = 2;

const PERF_FLAG_FD_CLOEXEC: libc::c_ulong = 1 << 3;

/// On whom an event is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Scope {
    /// -1 for everyone.
    pub(crate) pid: i32,
    /// -1 for wherever `pid` runs.
    pub(crate) cpu: i32,
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
                PERF_FLAG_FD_CLOEXEC,
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
    const SET_BPF: u32 = opcode::write::<u32>(b'$', 8);
    let program = program.as_raw_fd() as usize;
    // SAFETY: this request takes a descriptor's number as its argument and touches no memory of ours.
    unsafe { ioctl(event, IntegerSetter::<SET_BPF>::new_usize(program)) }
}

/// `PERF_EVENT_IOC_ENABLE`.
pub(crate) fn perf_event_enable(event: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: this request takes a number, 0, and touches no memory of ours.
    unsafe { ioctl(event, NoArg::<{ opcode::none(b'$', 0) }>::new()) }
}

/// `PERF_EVENT_IOC_DISABLE`.
pub(crate) fn perf_event_disable(event: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: this request takes a number, 0, and touches no memory of ours.
    unsafe { ioctl(event, NoArg::<{ opcode::none(b'$', 1) }>::new()) }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    /// The numbers that perf_event.h publishes as `PERF_ATTR_SIZE_VER*`.
    #[test]
    fn has_a_size_that_kernels_know() {
        assert_eq!(size_of::<PerfEventAttr>(), 112);
        assert_eq!(std::mem::offset_of!(PerfEventAttr, config1), 56);
        assert_eq!(std::mem::offset_of!(PerfEventAttr, branch_sample_type), 72);
        assert_eq!(std::mem::offset_of!(PerfEventAttr, sample_regs_intr), 96);
    }

    #[test]
    fn opens_an_event_and_says_what_the_kernel_says() {
        let dummy = PerfEventAttr {
            event_type: 1,
            config: 9,
            ..Default::default()
        };
        let here = Scope { pid: 0, cpu: -1 };
        let event = perf_event_open(&dummy, None, here).unwrap();
        assert!(event.as_raw_fd() > libc::STDERR_FILENO);
        perf_event_enable(event.as_fd()).unwrap();
        perf_event_disable(event.as_fd()).unwrap();
        assert_eq!(
            perf_event_set_bpf(event.as_fd(), event.as_fd()),
            Err(Errno::INVAL)
        );
        let nobody = PerfEventAttr {
            event_type: u32::MAX,
            ..Default::default()
        };
        assert_eq!(
            perf_event_open(&nobody, None, here).unwrap_err(),
            Errno::NOENT
        );
    }
}
