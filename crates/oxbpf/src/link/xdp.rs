//! Programs on the packets that an interface receives, before the kernel makes anything of them.

use std::os::fd::{AsFd, OwnedFd};

use oxbpf_object::kernel::AttachType;
use rustix::io::Errno;

use super::interface::{Interface, exists, missing};
use super::perf_event::is_unknown;
use super::{AttachPoint, Link, ProgramOf, permission};
use crate::program::{Program, XdpKind};
use crate::sys::{self, LinkExtra};
use crate::{Error, ErrorKind, Result};

/// Where on the way of a packet an XDP program runs.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum XdpMode {
    /// In the driver, or, where it cannot, after it.
    #[default]
    Any,
    /// After the driver: slower, and possible everywhere.
    #[doc(alias = "XDP_FLAGS_SKB_MODE")]
    Generic,
    /// In the driver.
    #[doc(alias = "XDP_FLAGS_DRV_MODE")]
    Driver,
    /// In the device itself.
    #[doc(alias = "XDP_FLAGS_HW_MODE")]
    Hardware,
}

/// A program on the packets that a network interface receives (`xdp`). An interface takes one.
///
/// Since Linux 5.9, which has links for it. Needs CAP_NET_ADMIN. Source: `include/uapi/linux/if_link.h`.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let program: oxbpf::Program = unimplemented!();
/// let link = oxbpf::Xdp::new("eth0").attach(&program)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Xdp {
    interface: Interface,
    mode: XdpMode,
}

impl Xdp {
    /// On the interface of this name, in the network namespace of the calling thread.
    #[must_use]
    pub fn new(interface: impl Into<String>) -> Self {
        Self {
            interface: Interface::Name(interface.into()),
            mode: XdpMode::default(),
        }
    }

    /// On the interface of this number.
    #[must_use]
    pub fn index(index: u32) -> Self {
        Self {
            interface: Interface::Index(index),
            mode: XdpMode::default(),
        }
    }

    /// Where on a packet's way the program runs.
    #[must_use]
    pub fn mode(mut self, mode: XdpMode) -> Self {
        self.mode = mode;
        self
    }

    /// Attaches `program`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such interface, [`ErrorKind::AlreadyExists`] if it has a program,
    /// [`ErrorKind::Unsupported`] if its driver cannot, or before Linux 5.9.
    #[doc(alias = "bpf_program__attach_xdp")]
    pub fn attach(&self, program: &impl ProgramOf<XdpKind>) -> Result<Link> {
        let program = program.program()?;
        let what = format!("`{}` on {}", program.name(), self.interface);
        Link::made(what, self.try_attach(program))
    }

    fn try_attach(&self, program: &Program) -> Result<OwnedFd> {
        let index = self.interface.index()?;
        let flags = match self.mode {
            XdpMode::Any => 0,
            XdpMode::Generic => 1 << 1,
            XdpMode::Driver => 1 << 2,
            XdpMode::Hardware => 1 << 3,
        };
        let AttachType(attach_type) = AttachType::XDP;
        sys::link_create(
            program.as_fd(),
            index,
            attach_type,
            flags,
            LinkExtra::Nothing,
        )
        .map_err(|errno| Self::refused(index, errno))
    }

    fn refused(index: u32, errno: Errno) -> Error {
        let error = Error::syscall(errno, "linking it");
        // The kernel does not tell an interface that is not there from a program that does not fit.
        let is_missing = errno == Errno::INVAL && !exists(index);
        match errno {
            _ if is_missing => missing(error),
            Errno::BUSY | Errno::EXIST => error
                .with_kind(ErrorKind::AlreadyExists)
                .with_reason("the interface has an XDP program already, and takes one"),
            Errno::OPNOTSUPP => error
                .with_kind(ErrorKind::Unsupported)
                .with_reason("the driver of the interface cannot run it")
                .with_remedy("use `XdpMode::Generic`"),
            Errno::PERM | Errno::ACCESS => permission::explain_bpf(error),
            errno if is_unknown(errno) => error
                .with_kind(ErrorKind::Unsupported)
                .with_reason(
                    "this kernel has no links for XDP, or the program is not for interfaces",
                )
                .with_remedy("it takes Linux 5.9"),
            _ => error,
        }
    }
}

impl AttachPoint for Xdp {
    type Kind = XdpKind;

    fn attach(&self, program: &impl ProgramOf<XdpKind>) -> Result<Link> {
        self.attach(program)
    }
}
