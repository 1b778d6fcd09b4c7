//! Tracepoints with the arguments that the kernel passes them.

use std::ffi::CString;
use std::fmt;
use std::os::fd::AsFd;

use oxbpf_object::kernel::ProgramType;
use rustix::io::Errno;

use super::perf_event::is_unknown;
use super::{AttachPoint, Link, ProgramOf, permission, tracepoint};
use crate::program::{Program, RawTracepointKind};
use crate::suggest::did_you_mean;
use crate::{Error, ErrorKind, Result, kallsyms, sys};

/// What the kernel calls the function that runs a tracepoint's subscribers, before its name.
const RUNNER: &str = "__traceiter_";

/// A program at a tracepoint, which gets the arguments as the kernel passes them: faster than a
/// [`Tracepoint`](super::Tracepoint), and not as stable.
///
/// A program of `SEC("raw_tp.w")` may also write into what its first argument points to, at the few tracepoints that are made
/// for it (Linux 5.2).
///
/// Since Linux 4.17. Needs CAP_PERFMON.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let program: oxbpf::Program = unimplemented!();
/// use oxbpf::RawTracepoint;
///
/// let link = RawTracepoint::new("sched_process_exec").attach(&program)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RawTracepoint {
    name: String,
    cookie: u64,
}

impl RawTracepoint {
    /// The tracepoint `name`: the name alone, without category. All system calls share `sys_enter` and `sys_exit`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            cookie: 0,
        }
    }

    /// A number that the program gets from `bpf_get_attach_cookie`. Since Linux 6.10.
    #[must_use]
    pub fn cookie(mut self, cookie: u64) -> Self {
        self.cookie = cookie;
        self
    }

    /// Attaches `program`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such tracepoint, with the nearest names there are;
    /// [`ErrorKind::InvalidInput`] if the program asks for more arguments than the tracepoint has;
    /// [`ErrorKind::Unsupported`] for a cookie where the kernel has none;
    /// [`ErrorKind::PermissionDenied`], with what stands in the way.
    #[doc(alias = "BPF_RAW_TRACEPOINT_OPEN")]
    pub fn attach(&self, program: &impl ProgramOf<RawTracepointKind>) -> Result<Link> {
        let program = program.program()?;
        self.try_attach(program)
            .map_err(|error| error.context(format!("attaching `{}` to {self}", program.name())))
    }

    fn try_attach(&self, program: &Program) -> Result<Link> {
        tracepoint::check_name(&self.name)?;
        let name = CString::new(self.name.as_str()).unwrap_or_default();
        let fd = sys::raw_tracepoint_open(Some(&name), program.as_fd(), self.cookie)
            .map_err(|errno| self.refused(errno, program))?;
        Ok(Link::of_bpf_link(
            format!("`{}`, on {self}", program.name()),
            fd,
        ))
    }

    fn refused(&self, errno: Errno, program: &Program) -> Error {
        let error = Error::syscall(errno, "opening it");
        if self.cookie != 0 && is_unknown(errno) && !sys::raw_tracepoint_takes_cookie() {
            return error
                .with_kind(ErrorKind::Unsupported)
                .with_reason(
                    "this kernel has no cookies for raw tracepoints, which came with Linux 6.10",
                )
                .with_remedy(
                    "do without, or use a tracepoint program, which has them from Linux 5.15 on",
                );
        }
        match errno {
            Errno::NOENT => {
                let reason = format!("this kernel has no tracepoint `{}`", self.name);
                let error = Error::new(ErrorKind::NotFound, "opening it").with_reason(reason);
                match did_you_mean(&kallsyms::nearest_with_prefix(&self.name, RUNNER)) {
                    Some(question) => error.with_remedy(question),
                    None => error.with_remedy(
                        "`available_events` of tracefs lists those there are, as CATEGORY:NAME",
                    ),
                }
            }
            Errno::INVAL => error
                .with_kind(ErrorKind::InvalidInput)
                .with_reason(match program.program_type() {
                    ProgramType::RAW_TRACEPOINT_WRITABLE => {
                        "the program writes where this tracepoint cannot be written, or asks for more arguments than it has"
                    }
                    _ => "the program asks for more arguments than this tracepoint has",
                }),
            Errno::PERM | Errno::ACCESS => permission::explain_bpf(error),
            _ => error,
        }
    }
}

impl AttachPoint for RawTracepoint {
    type Kind = RawTracepointKind;

    fn attach(&self, program: &impl ProgramOf<RawTracepointKind>) -> Result<Link> {
        self.attach(program)
    }
}

impl fmt::Display for RawTracepoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "raw tracepoint `{}`", self.name.escape_debug())
    }
}
