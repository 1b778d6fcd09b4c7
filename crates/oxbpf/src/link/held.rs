//! What holds a program at its place: a bpf link, a perf event, or a map.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;

use super::struct_ops::Registration;
use crate::sys::{self, ObjectKind, uapi};
use crate::{Error, ErrorKind, Result, pin};

/// How often it is looked whether a closed link is gone. A child that another thread is just starting holds
/// a copy of every descriptor until it executes its program.
const GONE_TRIES: u32 = 20;
const GONE_PAUSE: Duration = Duration::from_millis(5);

/// What holds a program at its place.
#[derive(Debug)]
pub(super) enum Held {
    BpfLink(BpfLink),
    /// A perf event with a program set by ioctl, which goes with the event.
    PerfEvent(OwnedFd),
    /// A structure that is registered until it is removed from its map.
    StructOps(Registration),
}

impl Held {
    /// Detaches `what`.
    pub(super) fn detach(self, what: &str) -> Result<()> {
        match self {
            Self::BpfLink(link) => link.detach(what),
            Self::PerfEvent(event) => {
                sys::perf::perf_event_disable(event.as_fd())
                    .map_err(|errno| Error::syscall(errno, "disabling its perf event"))
                // Closed here.
            }
            Self::StructOps(registration) => registration.end(),
        }
    }
}

/// A link of the kernel's.
#[derive(Debug)]
pub(super) struct BpfLink {
    fd: OwnedFd,
    pin: Option<PathBuf>,
}

impl BpfLink {
    /// A link just made.
    pub(super) fn new(fd: OwnedFd) -> Self {
        Self { fd, pin: None }
    }

    /// A descriptor that may be that of a link; EINVAL if not.
    pub(super) fn adopt(fd: OwnedFd, pin: Option<PathBuf>) -> rustix::io::Result<Self> {
        if !sys::is_link(fd.as_fd()) {
            return Err(Errno::INVAL);
        }
        Ok(Self { fd, pin })
    }

    pub(super) fn open_pinned(path: &Path) -> Result<Self> {
        let fd = pin::open(path, 0, "link")?;
        Self::adopt(fd, Some(path.to_owned())).map_err(|_| {
            let doing = format!("opening pinned link `{}`", path.display());
            Error::new(ErrorKind::WrongKind, doing).with_reason("it is a map or a program")
        })
    }

    pub(super) fn pin_path(&self) -> Option<&Path> {
        self.pin.as_deref()
    }

    pub(super) fn pin(&mut self, path: &Path, what: &str) -> Result<()> {
        if let Some(pin) = &self.pin {
            let doing = format!("pinning {what} as `{}`", path.display());
            let reason = format!("it is pinned as `{}` already", pin.display());
            return Err(Error::new(ErrorKind::AlreadyExists, doing).with_reason(reason));
        }
        pin::pin(self.fd.as_fd(), path, what)?;
        self.pin = Some(path.to_owned());
        Ok(())
    }

    pub(super) fn unpin(&mut self, what: &str) -> Result<()> {
        let Some(path) = &self.pin else {
            return Err(Error::new(ErrorKind::NotFound, format!("unpinning {what}"))
                .with_reason("it is not pinned"));
        };
        let id = |fd: BorrowedFd<'_>| sys::obj_info::<uapi::LinkInfo>(fd).map(|info| info.id);
        let ours = id(self.fd.as_fd());
        let unpinned = pin::unpin(path, what, |fd| {
            Ok(sys::is_link(fd.as_fd()) && id(fd.as_fd()) == ours)
        });
        match unpinned {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            // Gone, whoever removed it.
            answer => {
                self.pin = None;
                answer
            }
        }
    }

    fn detach(mut self, what: &str) -> Result<()> {
        let id = sys::obj_info::<uapi::LinkInfo>(self.fd.as_fd()).map(|info| info.id);
        let answer = sys::link_detach(self.fd.as_fd());
        if self.pin.is_some() {
            match self.unpin(what) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        drop(self);
        match (answer, id) {
            (Ok(()), _) => Ok(()),
            // This kind of link is only ended by closing it, everywhere.
            (Err(_), Ok(id)) => make_sure_it_is_gone(id),
            (Err(_), Err(_)) => Ok(()),
        }
    }
}

impl AsFd for BpfLink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn make_sure_it_is_gone(id: u32) -> Result<()> {
    for _ in 0..GONE_TRIES {
        // Without the capability to look links up by id there is no way to know.
        if sys::fd_by_id(ObjectKind::Link, id, 0).is_err() {
            return Ok(());
        }
        std::thread::sleep(GONE_PAUSE);
    }
    Err(Error::new(ErrorKind::Kernel, format!("ending link {id}"))
        .with_reason("its program goes on running, since something else holds the link")
        .with_remedy(
            "remove its other pins, and close it in other processes (`bpftool link` lists them)",
        ))
}
