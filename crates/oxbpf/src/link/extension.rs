//! Programs that take the place of a function of another program.

use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;

use super::{AttachPoint, Link, ProgramOf, permission, tracing};
use crate::program::{ExtensionKind, Program};
use crate::sys::{self, LinkExtra};
use crate::{Error, ErrorKind, Result, btf};

/// A program that replaces a global function of another program, as long as it is attached (`freplace`).
///
/// The function was fixed when it was loaded, with [`Loader::target_program`](crate::Loader::target_program);
/// [`of`](Self::of) says another program with the like function.
///
/// Since Linux 5.6. Both programs need BTF.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let (replacement, other): (oxbpf::Program, oxbpf::Program) = unimplemented!();
/// use oxbpf::Extension;
///
/// let link = Extension::new().attach(&replacement)?;
/// let another = Extension::of(&other, "filter").attach(&replacement)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[doc(alias = "freplace")]
pub struct Extension {
    target: Option<(Program, String)>,
}

impl Extension {
    /// In the program that it was loaded for.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// In place of `function` of `program`, which must have the same arguments and result as what it was loaded for. Since
    /// Linux 5.10.
    pub fn of(program: &Program, function: impl Into<String>) -> Self {
        Self {
            target: Some((program.clone(), function.into())),
        }
    }

    /// Attaches `program`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if that function is replaced already, or the program is attached;
    /// [`ErrorKind::NotFound`] if the other program has no such function;
    /// [`ErrorKind::InvalidInput`] if the two functions do not have the same types.
    #[doc(alias = "bpf_program__attach_freplace")]
    pub fn attach(&self, program: &impl ProgramOf<ExtensionKind>) -> Result<Link> {
        let program = program.program()?;
        let what = match (&self.target, &program.attach_info().target) {
            (Some((other, function)), _) => format!(
                "`{}` in place of `{function}` of `{}`",
                program.name(),
                other.name()
            ),
            (None, Some(function)) => format!("`{}` in place of `{function}`", program.name()),
            (None, None) => format!("`{}`, a replacement of a function", program.name()),
        };
        Link::made(what, self.try_attach(program))
    }

    fn try_attach(&self, program: &Program) -> Result<OwnedFd> {
        let Some((other, function)) = &self.target else {
            // Its attach type is 0, that of no link, so only the older call knows what is meant.
            return sys::raw_tracepoint_open(None, program.as_fd(), 0).map_err(
                |errno| match errno {
                    // What it was loaded for is forgotten once it was attached.
                    Errno::INVAL => Error::syscall(errno, "linking it")
                        .with_kind(ErrorKind::AlreadyExists)
                        .with_reason("it is, or was already, attached to what it was loaded for")
                        .with_remedy("name the program and function again: `Extension::of`"),
                    _ => tracing::refused(errno),
                },
            );
        };
        let target_btf_id = btf::program_function(other, function)?.0;
        let extra = LinkExtra::Tracing {
            target_btf_id,
            cookie: 0,
        };
        sys::link_create(program.as_fd(), sys::raw(other.as_fd()), 0, 0, extra).map_err(|errno| {
            let error = Error::syscall(errno, "linking it");
            match errno {
                Errno::INVAL => error
                    .with_kind(ErrorKind::InvalidInput)
                    .with_reason("its arguments and result are not those of the function"),
                Errno::PERM | Errno::ACCESS => permission::explain_bpf(error),
                _ => tracing::refused(errno),
            }
        })
    }
}

impl AttachPoint for Extension {
    type Kind = ExtensionKind;

    fn attach(&self, program: &impl ProgramOf<ExtensionKind>) -> Result<Link> {
        self.attach(program)
    }
}
