//! Programs for the processes and sockets of a control group.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use oxbpf_object::kernel::AttachType;
use rustix::io::Errno;

use super::{AttachPoint, Link, ProgramOf, permission};
use crate::program::{CgroupKind, Program};
use crate::sys::{self, LinkExtra};
use crate::{Error, ErrorKind, Result};

/// A program for the processes and sockets of a control group (`cgroup_skb/…`, `cgroup/…`, `sockops`), and of those below.
/// It runs beside the programs of other links and, in groups below, beside theirs.
///
/// Since Linux 5.7, which has links for it. Needs `CONFIG_CGROUP_BPF`, and CAP_NET_ADMIN or the right to write to the group.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let program: oxbpf::Program = unimplemented!();
/// let group = std::fs::File::open("/sys/fs/cgroup/system.slice")?;
/// let link = oxbpf::link::Cgroup::new(&group).attach(&program)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Cgroup<'a> {
    cgroup: BorrowedFd<'a>,
}

impl<'a> Cgroup<'a> {
    /// In the control group (version 2) whose directory this is.
    pub fn new(cgroup: &'a impl AsFd) -> Self {
        Self {
            cgroup: cgroup.as_fd(),
        }
    }

    /// Attaches `program` to what it was loaded for: its section says that.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the descriptor is not that of a control group, or the program was loaded without saying
    /// what for;
    /// [`ErrorKind::PermissionDenied`], with what stands in the way, or where a group above keeps its program to itself.
    #[doc(alias = "bpf_program__attach_cgroup")]
    pub fn attach(&self, program: &impl ProgramOf<CgroupKind>) -> Result<Link> {
        let program = program.program()?;
        let what = format!("`{}` to a control group", program.name());
        Link::made(what, self.try_attach(program))
    }

    fn try_attach(&self, program: &Program) -> Result<OwnedFd> {
        let attach_type = program.attach_info().attach_type.ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "looking at the program")
                .with_reason("it was loaded without saying what it is to be attached to")
                .with_remedy("put it into a section that does, such as SEC(\"cgroup_skb/ingress\")")
        })?;
        link(program, self.cgroup, attach_type, |_, error| error)
    }
}

/// Links a program to a control group; `explain` says what only this way to attach may be refused for.
pub(super) fn link(
    program: &Program,
    cgroup: BorrowedFd<'_>,
    attach_type: AttachType,
    explain: impl FnOnce(Errno, Error) -> Error,
) -> Result<OwnedFd> {
    let (group, AttachType(attach_type)) = (sys::raw(cgroup), attach_type);
    sys::link_create(program.as_fd(), group, attach_type, 0, LinkExtra::Nothing).map_err(|errno| {
        let error = Error::syscall(errno, "linking it");
        match errno {
            Errno::BADF => error
                .with_kind(ErrorKind::InvalidInput)
                .with_reason("the descriptor is not that of a control group's directory")
                .with_remedy("open a directory below /sys/fs/cgroup"),
            Errno::PERM | Errno::ACCESS => permission::explain_bpf(error),
            _ => explain(errno, error),
        }
    })
}

impl AttachPoint for Cgroup<'_> {
    type Kind = CgroupKind;

    fn attach(&self, program: &impl ProgramOf<CgroupKind>) -> Result<Link> {
        self.attach(program)
    }
}
