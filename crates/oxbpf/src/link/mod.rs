//! Attaching programs, and what keeps them attached.
//!
//! There is one builder per way to attach ([`Kprobe`], [`Tracepoint`], …), each an [`AttachPoint`]. What they return is a
//! [`Link`]: the program stays attached until it is dropped.

mod attach_all;
mod attach_point;
mod by_section;
mod cgroup;
mod extension;
mod held;
mod info;
mod interface;
mod iter;
mod kprobe;
mod kprobe_multi;
mod links;
mod lsm;
mod many;
mod perf_counter;
mod perf_event;
mod permission;
mod probe_options;
mod probe_pmu;
mod raw_tracepoint;
mod struct_ops;
pub(crate) mod syscall_name;
mod target;
mod tcx;
mod tracepoint;
mod tracing;
mod tracing_multi;
mod update;
mod uprobe;
mod xdp;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::io::Errno;

use crate::tracefs::ProbeEvent;
use crate::{Error, ErrorKind, Result};

pub use attach_all::{Attachable, Attached, Attachment, Outcome, Skipped, attach_all, attach_each};
pub use attach_point::{AttachPoint, ProgramOf};
pub use cgroup::Cgroup;
pub use extension::Extension;
pub use info::LinkInfo;
pub use iter::{CgroupOrder, Iter, IterReader};
pub use kprobe::{Kprobe, Kretprobe, ProbeSource};
pub use kprobe_multi::KprobeMulti;
pub use links::Links;
pub use lsm::{Lsm, LsmCgroup};
pub use perf_counter::{HardwareEvent, PerfEvent, Sampling, SoftwareEvent};
pub use perf_event::AttachBy;
pub use raw_tracepoint::RawTracepoint;
pub use struct_ops::StructOps;
pub use syscall_name::system_call;
pub use target::LinkTarget;
pub use tcx::Tcx;
pub use tracepoint::Tracepoint;
pub use tracing::Tracing;
pub use tracing_multi::TracingMulti;
pub use uprobe::{Uprobe, UprobeMulti, Uretprobe};
pub use xdp::{Xdp, XdpMode};

use held::{BpfLink, Held};

/// A program that is attached, for as long as this lives.
///
/// Dropping it detaches the program, unless the link is pinned; [`detach`](Self::detach) does the same and tells how it
/// went. When the process dies, however it dies, the kernel detaches everything but what
/// [`survives_process`](Self::survives_process) names.
#[derive(Debug)]
#[must_use = "the program is detached as soon as its link is dropped"]
pub struct Link {
    /// What is attached to what, for error messages.
    what: String,
    /// Goes before `event`, which cannot be removed while something is attached to it.
    held: Held,
    event: Option<ProbeEvent>,
}

impl Link {
    fn new(what: String, held: Held) -> Self {
        Self {
            what,
            held,
            event: None,
        }
    }

    fn of_bpf_link(what: String, fd: OwnedFd) -> Self {
        Self::new(what, Held::BpfLink(BpfLink::new(fd)))
    }

    /// What a builder answers: the link, or why there is none.
    fn made(what: String, link: Result<OwnedFd>) -> Result<Self> {
        match link {
            Ok(fd) => Ok(Self::of_bpf_link(what, fd)),
            Err(error) => Err(error.context(format!("attaching {what}"))),
        }
    }

    fn with_event(mut self, event: Option<ProbeEvent>) -> Self {
        self.event = event;
        self
    }

    /// Takes over a descriptor, after making sure that it is a link's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongKind`] if it is not.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let doing = "taking over a descriptor as a link";
        BpfLink::adopt(fd, None)
            .map(|link| Self::new("a link taken over".into(), Held::BpfLink(link)))
            .map_err(|errno| Error::new(ErrorKind::WrongKind, doing).with_errno(errno))
    }

    /// Opens a pinned link. Dropping it leaves the program attached, since the pin holds the link;
    /// [`detach`](Self::detach) removes the pin too.
    ///
    /// Since Linux 5.7.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] without such a file, [`ErrorKind::WrongKind`] where the pin is that of a map or program.
    #[doc(alias = "BPF_OBJ_GET")]
    pub fn open_pinned(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let what = format!("the link pinned as `{}`", path.display());
        BpfLink::open_pinned(path).map(|link| Self::new(what, Held::BpfLink(link)))
    }

    /// Detaches the program, and says whether that worked.
    ///
    /// A pin of this link is removed. Where the kernel cannot detach a link that others hold as well (only cgroup, network
    /// and similar links can be), such a link is an error, and goes on running its program.
    ///
    /// # Errors
    ///
    /// Where the program is still attached, or something of it is left behind.
    #[doc(alias = "BPF_LINK_DETACH")]
    pub fn detach(self) -> Result<()> {
        let Self { what, held, event } = self;
        let detached = held.detach(&what);
        let removed = match event {
            Some(event) => {
                let name = event.name().to_owned();
                event.remove().map_err(|errno| {
                    Error::syscall(errno, format!("removing probe `{name}` from tracefs"))
                })
            }
            None => Ok(()),
        };
        detached
            .and(removed)
            .map_err(|error| error.context(format!("detaching {what}")))
    }

    /// Gives the link a name in a BPF file system, which keeps the program attached when this process is gone.
    ///
    /// Since Linux 5.7.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where the program is attached without a link ([`AttachBy::Ioctl`]),
    /// [`ErrorKind::AlreadyExists`] where the name is taken or this link has one already.
    #[doc(alias = "BPF_OBJ_PIN")]
    pub fn pin(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        match &mut self.held {
            Held::BpfLink(link) => link.pin(path, &self.what)?,
            Held::PerfEvent(_) => {
                let doing = format!("pinning {} as `{}`", self.what, path.display());
                return Err(Error::new(ErrorKind::Unsupported, doing)
                    .with_reason(
                        "the program is attached to a perf event by ioctl, so there is no link",
                    )
                    .with_remedy("links for perf events came with Linux 5.15"));
            }
            Held::StructOps(_) => {
                let doing = format!("pinning {} as `{}`", self.what, path.display());
                return Err(Error::new(ErrorKind::Unsupported, doing)
                    .with_reason("it is registered without a link")
                    .with_remedy("put it into SEC(\".struct_ops.link\")"));
            }
        }
        if let Some(event) = &mut self.event {
            event.set_stays(true);
        }
        Ok(())
    }

    /// Removes the name given by [`pin`](Self::pin), or the one it was opened by.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where it has none.
    pub fn unpin(&mut self) -> Result<()> {
        match &mut self.held {
            Held::BpfLink(link) => link.unpin(&self.what)?,
            Held::PerfEvent(_) | Held::StructOps(_) => {
                let doing = format!("unpinning {}", self.what);
                return Err(Error::new(ErrorKind::NotFound, doing).with_reason("it is not pinned"));
            }
        }
        if let Some(event) = &mut self.event {
            event.set_stays(false);
        }
        Ok(())
    }

    /// Where it is pinned, if it is.
    #[must_use]
    pub fn pin_path(&self) -> Option<&Path> {
        match &self.held {
            Held::BpfLink(link) => link.pin_path(),
            Held::PerfEvent(_) | Held::StructOps(_) => None,
        }
    }

    /// What would be left of this link if the process died right now, or `None` if the kernel cleans up all of it.
    #[must_use]
    pub fn survives_process(&self) -> Option<String> {
        if let Held::StructOps(_) = self.held {
            return Some(format!("{}, registered until the next boot", self.what));
        }
        let pin = self.pin_path().map(Path::display);
        let event = self.event.as_ref().map(ProbeEvent::name);
        match (pin, event) {
            (Some(pin), Some(event)) => Some(format!(
                "the attached program, by its pin `{pin}`, and its probe `{event}` in tracefs"
            )),
            (Some(pin), None) => Some(format!("the attached program, by its pin `{pin}`")),
            (None, Some(event)) => Some(format!("an idle probe in tracefs, `{event}`")),
            (None, None) => None,
        }
    }

    /// What the kernel says of it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::PermissionDenied`] without CAP_SYS_ADMIN where the program is attached by ioctl;
    /// [`ErrorKind::Unsupported`] for a structure that is registered without a link.
    #[doc(alias = "BPF_OBJ_GET_INFO_BY_FD")]
    pub fn info(&self) -> Result<LinkInfo> {
        let info = match &self.held {
            Held::BpfLink(_) => LinkInfo::of_link(self.as_fd()),
            Held::PerfEvent(_) => LinkInfo::of_perf_event(self.as_fd()),
            Held::StructOps(_) => Err(Errno::OPNOTSUPP),
        };
        info.map_err(|errno| Error::syscall(errno, format!("asking about {}", self.what)))
    }
}

impl AsFd for Link {
    /// The descriptor of the link, or of what takes its place: the perf event that the program is attached to by ioctl, the map
    /// of a structure that is registered without a link.
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.held {
            Held::BpfLink(link) => link.as_fd(),
            Held::PerfEvent(event) => event.as_fd(),
            Held::StructOps(registration) => registration.map().as_fd(),
        }
    }
}
