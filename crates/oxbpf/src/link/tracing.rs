//! Programs at functions and tracepoints that BTF describes.

use std::os::fd::{AsFd, OwnedFd};

use oxbpf_object::kernel::AttachType;
use rustix::io::Errno;

use super::perf_event::is_unknown;
use super::{AttachPoint, Link, ProgramOf, permission};
use crate::program::{Program, TracingKind};
use crate::sys::{self, LinkExtra, uapi};
use crate::{Error, ErrorKind, Result};

/// A program at the entry or exit of a function (`fentry`, `fexit`, `fmod_ret`), at both (`fsession`, Linux 7.0), or at a
/// tracepoint typed by BTF (`tp_btf`).
///
/// What it is attached to was fixed when it was loaded, so there is nothing to say here.
///
/// Since Linux 5.5. Needs BTF of the kernel, a trampoline for the architecture (x86-64 from 5.5, arm64 from 6.0, s390x
/// from 6.3), and CAP_PERFMON.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let program: oxbpf::Program = unimplemented!();
/// use oxbpf::Tracing;
///
/// let link = Tracing::new().cookie(7).attach(&program)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tracing {
    cookie: u64,
}

impl Tracing {
    /// At what the program was loaded for.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A number that the program gets from `bpf_get_attach_cookie`. Since Linux 5.19; for `tp_btf`, 6.10.
    #[must_use]
    pub fn cookie(mut self, cookie: u64) -> Self {
        self.cookie = cookie;
        self
    }

    /// Attaches `program`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if it is attached already, or, before Linux 5.13 or at a function of another program, ever
    /// was;
    /// [`ErrorKind::Unsupported`] for a cookie where the kernel has none, or a function that cannot have a trampoline;
    /// [`ErrorKind::PermissionDenied`], with what stands in the way.
    #[doc(alias = "bpf_program__attach_trace")]
    pub fn attach(&self, program: &impl ProgramOf<TracingKind>) -> Result<Link> {
        let program = program.program()?;
        let what = what(program);
        Link::made(what, self.try_attach(program))
    }

    fn try_attach(&self, program: &Program) -> Result<OwnedFd> {
        let attach_type = program.attach_info().attach_type;
        let other = match attach_type {
            Some(AttachType::TRACE_ITER) => "`Iter`",
            Some(
                AttachType::TRACE_FENTRY_MULTI
                | AttachType::TRACE_FEXIT_MULTI
                | AttachType::TRACE_FSESSION_MULTI,
            ) => "`TracingMulti`",
            _ => return link(program, attach_type, self.cookie),
        };
        Err(Error::new(ErrorKind::WrongKind, "looking at the program")
            .with_reason(format!(
                "it was loaded for {}",
                attach_type.unwrap_or_default()
            ))
            .with_remedy(format!("use the builder {other}")))
    }
}

/// Links a program to what it was loaded for, by its BTF.
pub(super) fn link(
    program: &Program,
    attach_type: Option<AttachType>,
    cookie: u64,
) -> Result<OwnedFd> {
    // Before 6.10, the cookie of a tracepoint would be passed over in silence.
    if cookie != 0
        && attach_type == Some(AttachType::TRACE_RAW_TP)
        && !sys::raw_tracepoint_takes_cookie()
    {
        return Err(no_cookie());
    }
    let answer = match attach_type {
        Some(AttachType(attach_type)) => {
            let extra = LinkExtra::Tracing {
                target_btf_id: 0,
                cookie,
            };
            sys::link_create(program.as_fd(), 0, attach_type, 0, extra)
        }
        // Not loaded by this process: the older call does not ask for it.
        None => Err(Errno::INVAL),
    };
    match answer {
        Ok(fd) => Ok(fd),
        Err(Errno::INVAL) if has_lost_its_target(program) => {
            Err(once_only(Error::syscall(Errno::INVAL, LINKING)).with_reason(
                "it is or was attached already, and at a function of another program that can be done once only",
            ))
        }
        Err(errno) if !is_unknown(errno) => Err(refused(errno)),
        // Links of this kind are made by another call before Linux 5.19, without cookies.
        Err(_) => {
            let opened = sys::raw_tracepoint_open(None, program.as_fd(), cookie);
            opened.map_err(|errno| match cookie {
                0 => refused(errno),
                _ if is_unknown(errno) => no_cookie().with_errno(errno),
                _ => refused(errno),
            })
        }
    }
}

/// Whether it was loaded for a function of another program, which the kernel forgets when it attaches it.
fn has_lost_its_target(program: &Program) -> bool {
    let info = sys::obj_info::<uapi::ProgInfo>(program.as_fd());
    info.is_ok_and(|info| info.attach_btf_id != 0 && info.attach_btf_obj_id == 0)
}

fn once_only(error: Error) -> Error {
    error
        .with_kind(ErrorKind::AlreadyExists)
        .with_remedy("load it again to attach it again")
}

const LINKING: &str = "linking it";

fn no_cookie() -> Error {
    Error::new(ErrorKind::Unsupported, "giving it a cookie")
        .with_reason("this kernel has no cookies for this kind of program")
        .with_remedy(
            "do without; they came with Linux 5.19 for fentry, fexit and fmod_ret, with 6.10 for tp_btf",
        )
}

pub(super) fn refused(errno: Errno) -> Error {
    let error = Error::syscall(errno, LINKING);
    match errno {
        // Its target is taken from it when it is attached.
        Errno::NOENT => once_only(error).with_reason(
            "it is or was attached already, and before Linux 5.13 that can be done once only",
        ),
        Errno::BUSY | Errno::EXIST => error.with_kind(ErrorKind::AlreadyExists).with_reason(
            "it is attached already, and can be only once, or something else is patched in there",
        ),
        Errno::TOOBIG => error
            .with_kind(ErrorKind::LimitExceeded)
            .with_reason("as many programs are attached there as a trampoline takes (38)"),
        Errno::PERM | Errno::ACCESS => permission::explain_bpf(error),
        _ => error,
    }
}

/// "`count`, fentry of `do_unlinkat`", as far as that is known.
fn what(program: &Program) -> String {
    let info = program.attach_info();
    let kind = match info.attach_type {
        Some(AttachType::TRACE_FENTRY) => "at the entry of",
        Some(AttachType::TRACE_FEXIT) => "at the exit of",
        Some(AttachType::TRACE_FSESSION) => "at the entry and exit of",
        Some(AttachType::MODIFY_RETURN) => "before, and maybe instead of,",
        Some(AttachType::TRACE_RAW_TP) => "on BTF tracepoint",
        _ => "on",
    };
    match &info.target {
        Some(target) => format!("`{}` {kind} `{target}`", program.name()),
        None => format!("`{}`, a tracing program", program.name()),
    }
}

impl AttachPoint for Tracing {
    type Kind = TracingKind;

    fn attach(&self, program: &impl ProgramOf<TracingKind>) -> Result<Link> {
        self.attach(program)
    }
}
