//! Attaching a program to a perf event: by a link (Linux 5.15), else by ioctl.

use std::os::fd::{AsFd, OwnedFd};

use oxbpf_object::kernel::AttachType;
use rustix::io::Errno;

use super::held::{BpfLink, Held};
use super::permission;
use crate::error::ENOTSUPP;
use crate::program::Program;
use crate::sys::perf::{Scope, perf_event_enable, perf_event_set_bpf};
use crate::sys::{self, LinkExtra};
use crate::{Error, ErrorKind, Result};

/// How a program is attached to a perf event.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum AttachBy {
    /// By link where the kernel has links for perf events, else by ioctl.
    #[default]
    Auto,
    /// By link: `BPF_LINK_CREATE` with `BPF_PERF_EVENT`. Since Linux 5.15.
    Link,
    /// By ioctl: `PERF_EVENT_IOC_SET_BPF` and `PERF_EVENT_IOC_ENABLE`. No cookie, no pin.
    Ioctl,
}

/// How the program is to be attached to its event.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PerfOptions {
    pub(super) by: AttachBy,
    pub(super) cookie: u64,
}

/// Everyone, on the CPU that the kernel wants to be named for an event which happens on all of them.
///
/// The program runs wherever the event happens; the CPU only says where the kernel keeps the counter of it.
pub(super) fn everywhere() -> Scope {
    let online = std::fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    let first: String = online.chars().take_while(char::is_ascii_digit).collect();
    Scope {
        pid: -1,
        cpu: first.parse().unwrap_or(0),
        is_cgroup: false,
    }
}

/// Attaches `program` to `event` and enables it.
pub(super) fn attach(program: &Program, event: OwnedFd, options: PerfOptions) -> Result<Held> {
    let PerfOptions { by, cookie } = options;
    if by == AttachBy::Ioctl {
        if cookie != 0 {
            return Err(Error::new(ErrorKind::Unsupported, "giving it a cookie")
                .with_reason("a program attached by ioctl has none")
                .with_remedy("leave the choice to `AttachBy::Auto`"));
        }
        return by_ioctl(program, event);
    }
    let target = sys::raw(event.as_fd());
    let extra = LinkExtra::PerfEvent { cookie };
    match sys::link_create(program.as_fd(), target, AttachType::PERF_EVENT.0, 0, extra) {
        Ok(link) => {
            // The link holds the event from here on.
            enable(&event)?;
            Ok(Held::BpfLink(BpfLink::new(link)))
        }
        Err(errno) if !is_unknown(errno) || knows_perf_links(program) => Err(refused(errno)),
        Err(_) if by == AttachBy::Auto && cookie == 0 => by_ioctl(program, event),
        Err(errno) => {
            let doing = match cookie {
                0 => "linking it to its perf event",
                _ => "giving it a cookie",
            };
            Err(Error::syscall(errno, doing)
                .with_kind(ErrorKind::Unsupported)
                .with_reason("this kernel has no links for perf events, which came with Linux 5.15")
                .with_remedy("do without cookie and with `AttachBy::Auto`"))
        }
    }
}

fn by_ioctl(program: &Program, event: OwnedFd) -> Result<Held> {
    perf_event_set_bpf(event.as_fd(), program.as_fd()).map_err(refused)?;
    enable(&event)?;
    Ok(Held::PerfEvent(event))
}

fn enable(event: &OwnedFd) -> Result<()> {
    perf_event_enable(event.as_fd())
        .map_err(|errno| Error::syscall(errno, "enabling its perf event"))
}

/// Whether this is what a kernel answers to a request that it does not know.
pub(super) fn is_unknown(errno: Errno) -> bool {
    matches!(errno, Errno::INVAL | Errno::OPNOTSUPP) || errno.raw_os_error() == ENOTSUPP
}

/// Whether this kernel has links for perf events: it then minds a descriptor that is none, and nothing else.
fn knows_perf_links(program: &Program) -> bool {
    let nothing = u32::MAX;
    let extra = LinkExtra::PerfEvent { cookie: 0 };
    let answer = sys::link_create(program.as_fd(), nothing, AttachType::PERF_EVENT.0, 0, extra);
    matches!(answer, Err(Errno::BADF))
}

fn refused(errno: Errno) -> Error {
    let error = Error::syscall(errno, "attaching it to its perf event");
    match errno {
        Errno::EXIST => error.with_reason("this program is attached there already"),
        Errno::TOOBIG => error
            .with_kind(ErrorKind::LimitExceeded)
            .with_reason("as many programs are attached there as the kernel takes (64)"),
        // It holds the privileges to open the event by now: the program asks for more than the event has.
        Errno::ACCESS => error
            .with_kind(ErrorKind::InvalidInput)
            .with_reason("the program reads beyond the end of what this event records"),
        Errno::PERM => permission::explain_perf(error),
        _ => error,
    }
}
