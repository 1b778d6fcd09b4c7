//! Tracepoints with their formatted record.

use std::fmt;

use rustix::io::Errno;

use super::perf_event::{self, AttachBy, PerfOptions, everywhere};
use super::{AttachPoint, Link, ProgramOf, permission};
use crate::kernel_fs::KernelFs;
use crate::program::{Program, TracepointKind};
use crate::suggest::{did_you_mean, nearest};
use crate::sys::perf::{PERF_TYPE_TRACEPOINT, PerfEventAttr, perf_event_open};
use crate::{Error, ErrorKind, Result, denied, tracefs};

/// A program at a tracepoint, which gets the event as a record of the format that tracefs describes
/// (`events/CATEGORY/NAME/format`).
///
/// Needs `CONFIG_EVENT_TRACING`, and CAP_PERFMON.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let program: oxbpf::Program = unimplemented!();
/// use oxbpf::Tracepoint;
///
/// let link = Tracepoint::new("syscalls", "sys_enter_execve").attach(&program)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Tracepoint {
    category: String,
    name: String,
    options: PerfOptions,
}

impl Tracepoint {
    /// The tracepoint `name` of `category`, as `events` of tracefs has them.
    pub fn new(category: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            category: category.into(),
            name: name.into(),
            options: PerfOptions::default(),
        }
    }

    /// A number that the program gets from `bpf_get_attach_cookie`. Since Linux 5.15.
    #[must_use]
    pub fn cookie(mut self, cookie: u64) -> Self {
        self.options.cookie = cookie;
        self
    }

    /// How the program is attached to the event.
    #[must_use]
    pub fn attach_by(mut self, by: AttachBy) -> Self {
        self.options.by = by;
        self
    }

    /// Attaches `program`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such tracepoint, with the nearest names there are;
    /// [`ErrorKind::InvalidInput`] if the program reads beyond the event's record;
    /// [`ErrorKind::PermissionDenied`], with what stands in the way.
    #[doc(alias = "bpf_program__attach_tracepoint")]
    pub fn attach(&self, program: &impl ProgramOf<TracepointKind>) -> Result<Link> {
        let program = program.program()?;
        self.try_attach(program)
            .map_err(|error| error.context(format!("attaching `{}` to {self}", program.name())))
    }

    fn try_attach(&self, program: &Program) -> Result<Link> {
        for part in [&self.category, &self.name] {
            check_name(part)?;
        }
        let tracefs = tracefs::open()?;
        let id = tracefs::tracepoint_id(&tracefs, &self.category, &self.name)
            .map_err(|errno| self.not_found(errno, &tracefs))?;
        let attr = PerfEventAttr {
            r#type: PERF_TYPE_TRACEPOINT,
            config: id,
            flags: PerfEventAttr::DISABLED,
            ..Default::default()
        };
        let event = perf_event_open(&attr, None, everywhere()).map_err(|errno| {
            let error = Error::syscall(errno, "opening its perf event");
            match error.kind() {
                ErrorKind::PermissionDenied => permission::explain_perf(error),
                _ => error,
            }
        })?;
        let held = perf_event::attach(program, event, self.options)?;
        Ok(Link::new(format!("`{}`, on {self}", program.name()), held))
    }

    fn not_found(&self, errno: Errno, tracefs: &KernelFs) -> Error {
        if errno != Errno::NOENT {
            let error = Error::syscall(errno, "finding it in tracefs");
            return match error.kind() {
                ErrorKind::PermissionDenied => permission::explain_perf(error),
                _ => error,
            };
        }
        if denied::is_confidential() {
            let error = Error::new(ErrorKind::PermissionDenied, "finding it in tracefs");
            return denied::by_lockdown(error, "tracefs").with_remedy(
                "use a raw tracepoint, or boot with lockdown=integrity or without lockdown",
            );
        }
        let Self { category, name, .. } = self;
        let names = tracefs.list(&format!("events/{category}"));
        let reason = match names {
            Ok(_) => format!("category `{category}` has no tracepoint `{name}`"),
            Err(_) => format!("this kernel has no tracepoint category `{category}`"),
        };
        let error = Error::new(ErrorKind::NotFound, "finding it in tracefs").with_reason(reason);
        // Somewhere else under this name, then among its neighbours, then a category of a similar name.
        let categories = tracefs.list("events").unwrap_or_default();
        let elsewhere: Vec<_> = categories
            .iter()
            .filter(|other| tracefs::tracepoint_id(tracefs, other, name).is_ok())
            .map(|other| format!("{other}/{name}"))
            .collect();
        let similar = match &names {
            _ if !elsewhere.is_empty() => elsewhere,
            Ok(names) => nearest(name, names.iter().map(String::as_str)),
            Err(_) => nearest(category, categories.iter().map(String::as_str)),
        };
        match did_you_mean(&similar) {
            Some(question) => error.with_remedy(question),
            None => error.with_remedy("`available_events` of tracefs lists those there are"),
        }
    }
}

impl AttachPoint for Tracepoint {
    type Kind = TracepointKind;

    fn attach(&self, program: &impl ProgramOf<TracepointKind>) -> Result<Link> {
        self.attach(program)
    }
}

impl fmt::Display for Tracepoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (category, name) = (self.category.escape_debug(), self.name.escape_debug());
        write!(f, "tracepoint `{category}/{name}`")
    }
}

/// The names of tracepoints and their categories are identifiers of C, with `-` in some categories.
pub(super) fn check_name(name: &str) -> Result<()> {
    let odd = |c: &char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let reason = match name.chars().find(odd) {
        Some(odd) => format!("{odd:?} cannot be part of a tracepoint's name"),
        None if name.is_empty() => "a part of it is empty".into(),
        None => return Ok(()),
    };
    Err(Error::new(ErrorKind::InvalidInput, "checking the name").with_reason(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_lead_out_of_tracefs() {
        for odd in ["..", "a/b", "a\0", "", "a\n"] {
            assert_eq!(
                check_name(odd).unwrap_err().kind(),
                ErrorKind::InvalidInput,
                "{odd:?}"
            );
        }
        for good in ["syscalls", "sys_enter_execve", "xhci-hcd", "9p"] {
            check_name(good).unwrap();
        }
    }
}
