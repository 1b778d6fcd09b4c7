//! Programs at the hooks of the security modules.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use oxbpf_object::kernel::AttachType;
use rustix::io::Errno;

use super::{AttachPoint, Link, ProgramOf, cgroup, tracing};
use crate::program::{LsmKind, Program};
use crate::{Error, ErrorKind, Result, feature};

/// A program at a hook of the security modules, whose result may refuse what is about to be done (`lsm`).
///
/// The hook was fixed when it was loaded. The program is attached in any case; that its result counts takes `bpf` among the
/// active security modules: [`is_active`](Self::is_active).
///
/// Since Linux 5.7. Needs `CONFIG_BPF_LSM`, BTF of the kernel, and CAP_PERFMON.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let program: oxbpf::Program = unimplemented!();
/// let link = oxbpf::Lsm::new().attach(&program)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Lsm {
    cookie: u64,
}

impl Lsm {
    /// At the hook that the program was loaded for.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A number that the program gets from `bpf_get_attach_cookie`. Since Linux 5.19.
    #[must_use]
    pub fn cookie(mut self, cookie: u64) -> Self {
        self.cookie = cookie;
        self
    }

    /// Whether `bpf` is among the active security modules, as `/sys/kernel/security/lsm` has them; without it, no program runs
    /// at any hook. `None` where that cannot be seen.
    #[must_use]
    pub fn is_active() -> Option<bool> {
        let text = std::fs::read_to_string("/sys/kernel/security/lsm").ok()?;
        Some(text.trim().split(',').any(|name| name == "bpf"))
    }

    /// Attaches `program`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if it is attached already;
    /// [`ErrorKind::Unsupported`] for a cookie where the kernel has none, or where `bpf` is not among the active security
    /// modules, so that it would never run;
    /// [`ErrorKind::PermissionDenied`], with what stands in the way.
    #[doc(alias = "bpf_program__attach_lsm")]
    pub fn attach(&self, program: &impl ProgramOf<LsmKind>) -> Result<Link> {
        let program = program.program()?;
        let what = what(program);
        let attached = || {
            if program.attach_info().attach_type == Some(AttachType::LSM_CGROUP) {
                return Err(Error::new(ErrorKind::WrongKind, "looking at the program")
                    .with_reason("it was loaded for a control group")
                    .with_remedy("use the builder `LsmCgroup`"));
            }
            if Self::is_active() == Some(false) {
                return Err(Error::new(ErrorKind::Unsupported, "looking at the security modules")
                    .with_reason("`bpf` is not among those that are active, so the program would never run")
                    .with_remedy("boot with `bpf` in the list of `lsm=` (/sys/kernel/security/lsm has the present one)"));
            }
            tracing::link(program, program.attach_info().attach_type, self.cookie)
        };
        Link::made(what, attached())
    }
}

impl AttachPoint for Lsm {
    type Kind = LsmKind;

    fn attach(&self, program: &impl ProgramOf<LsmKind>) -> Result<Link> {
        self.attach(program)
    }
}

/// A program at a hook of the security modules, for the processes or sockets of a control group (`lsm_cgroup`). Its result is
/// turned round: 0 refuses, 1 lets pass.
///
/// Since Linux 6.0. Needs `CONFIG_BPF_LSM`, `CONFIG_CGROUP_BPF`, and BTF of the kernel.
#[derive(Clone, Copy, Debug)]
pub struct LsmCgroup<'a> {
    cgroup: BorrowedFd<'a>,
}

impl<'a> LsmCgroup<'a> {
    /// In the control group whose directory this is, and in those below.
    pub fn new(cgroup: &'a impl AsFd) -> Self {
        Self {
            cgroup: cgroup.as_fd(),
        }
    }

    /// Attaches `program`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongKind`] for a program that was loaded for all processes;
    /// [`ErrorKind::InvalidInput`] if the descriptor is not that of a control group;
    /// [`ErrorKind::Unsupported`] if the kernel has none of these;
    /// [`ErrorKind::PermissionDenied`], with what stands in the way.
    pub fn attach(&self, program: &impl ProgramOf<LsmKind>) -> Result<Link> {
        let program = program.program()?;
        let what = format!("{}, for a control group", what(program));
        Link::made(what, self.try_attach(program))
    }

    fn try_attach(&self, program: &Program) -> Result<OwnedFd> {
        if program.attach_info().attach_type == Some(AttachType::LSM_MAC) {
            return Err(Error::new(ErrorKind::WrongKind, "looking at the program")
                .with_reason("it was loaded for all processes")
                .with_remedy("put it into SEC(\"lsm_cgroup/…\"), or use the builder `Lsm`"));
        }
        let attach_type = AttachType::LSM_CGROUP;
        cgroup::link(program, self.cgroup, attach_type, |errno, error| {
            if errno == Errno::INVAL && feature::has_typed(attach_type) == Some(false) {
                return error
                    .with_kind(ErrorKind::Unsupported)
                    .with_reason("this kernel has no such hooks for control groups")
                    .with_remedy("they take Linux 6.0");
            }
            error
        })
    }
}

impl AttachPoint for LsmCgroup<'_> {
    type Kind = LsmKind;

    fn attach(&self, program: &impl ProgramOf<LsmKind>) -> Result<Link> {
        self.attach(program)
    }
}

fn what(program: &Program) -> String {
    match &program.attach_info().target {
        Some(hook) => format!("`{}` at hook `{hook}`", program.name()),
        None => format!(
            "`{}`, a program at a hook of the security modules",
            program.name()
        ),
    }
}
