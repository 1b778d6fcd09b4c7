//! Programs on the packets of an interface, in traffic control.

use std::os::fd::{AsFd, OwnedFd};

use oxbpf_object::kernel::AttachType;
use rustix::io::Errno;

use super::interface::{Interface, exists, missing};
use super::{AttachPoint, Link, ProgramOf, permission};
use crate::program::{Program, TcKind};
use crate::sys::{self, LinkExtra};
use crate::{Error, ErrorKind, Result};

/// A program on the packets that go in at a network interface, or out (`tc`, `tcx/ingress`, `tcx/egress`). An interface takes
/// many; those that are attached first run first.
///
/// Since Linux 6.6. Needs CAP_NET_ADMIN. Source: `include/uapi/linux/bpf.h`.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let program: oxbpf::Program = unimplemented!();
/// let link = oxbpf::link::Tcx::ingress("eth0").attach(&program)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Tcx {
    interface: Interface,
    attach_type: AttachType,
}

impl Tcx {
    /// On what the interface of this name receives.
    #[must_use]
    #[doc(alias = "BPF_TCX_INGRESS")]
    pub fn ingress(interface: impl Into<String>) -> Self {
        Self {
            interface: Interface::Name(interface.into()),
            attach_type: AttachType::TCX_INGRESS,
        }
    }

    /// On what the interface of this name sends.
    #[must_use]
    #[doc(alias = "BPF_TCX_EGRESS")]
    pub fn egress(interface: impl Into<String>) -> Self {
        Self {
            interface: Interface::Name(interface.into()),
            attach_type: AttachType::TCX_EGRESS,
        }
    }

    /// On the interface of this number instead.
    #[must_use]
    pub fn index(mut self, index: u32) -> Self {
        self.interface = Interface::Index(index);
        self
    }

    /// Attaches `program`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such interface, [`ErrorKind::AlreadyExists`] if the program is attached to it,
    /// [`ErrorKind::Unsupported`] before Linux 6.6.
    #[doc(alias = "bpf_program__attach_tcx")]
    pub fn attach(&self, program: &impl ProgramOf<TcKind>) -> Result<Link> {
        let program = program.program()?;
        let way = match self.attach_type {
            AttachType::TCX_INGRESS => "in",
            _ => "out",
        };
        let what = format!(
            "`{}` to what goes {way} at {}",
            program.name(),
            self.interface
        );
        Link::made(what, self.try_attach(program))
    }

    fn try_attach(&self, program: &Program) -> Result<OwnedFd> {
        let index = self.interface.index()?;
        let AttachType(attach_type) = self.attach_type;
        sys::link_create(program.as_fd(), index, attach_type, 0, LinkExtra::Nothing).map_err(
            |errno| {
                let error = Error::syscall(errno, "linking it");
                match errno {
                    Errno::NODEV => missing(error),
                    Errno::INVAL if !exists(index) => missing(error),
                    Errno::EXIST => error
                        .with_kind(ErrorKind::AlreadyExists)
                        .with_reason("the program is attached there already"),
                    Errno::PERM | Errno::ACCESS => permission::explain_bpf(error),
                    Errno::INVAL => error
                        .with_kind(ErrorKind::Unsupported)
                        .with_reason("this kernel has no links for traffic control")
                        .with_remedy("they take Linux 6.6"),
                    _ => error,
                }
            },
        )
    }
}

impl AttachPoint for Tcx {
    type Kind = TcKind;

    fn attach(&self, program: &impl ProgramOf<TcKind>) -> Result<Link> {
        self.attach(program)
    }
}
