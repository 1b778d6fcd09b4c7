//! A loaded program.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use oxbpf_object::kernel::{AttachType, ProgramType};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, uapi};

/// A program in the kernel.
///
/// A handle is cheap to clone. The program lives as long as a handle, a link or a pin does.
#[derive(Clone, Debug)]
pub struct Program(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    fd: OwnedFd,
    name: String,
    program_type: ProgramType,
    attach: AttachInfo,
}

/// Where a program is meant to be attached, as far as its object says so.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct AttachInfo {
    /// The name of its section, such as "kprobe/do_exit"; empty for a program not from an object.
    pub section: String,
    /// What the section name says after the slash: a function, a tracepoint, an interface.
    pub target: Option<String>,
    /// The attach type it was loaded for.
    pub attach_type: Option<AttachType>,
}

impl Program {
    /// A program that was just loaded as `name`.
    pub(crate) fn loaded(
        fd: OwnedFd,
        name: String,
        program_type: ProgramType,
        attach: AttachInfo,
    ) -> Self {
        Self(Arc::new(Inner {
            fd,
            name,
            program_type,
            attach,
        }))
    }

    /// Takes over a descriptor, after making sure that it is a program's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongKind`] if it is not; what the kernel says otherwise.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let doing = || "taking over a descriptor as a program";
        if !sys::is_program(fd.as_fd()) {
            return Err(Error::new(ErrorKind::WrongKind, doing()).with_errno(Errno::INVAL));
        }
        let info: uapi::ProgInfo =
            sys::obj_info(fd.as_fd()).map_err(|e| Error::syscall(e, doing()))?;
        Ok(Self::loaded(
            fd,
            sys::nul_terminated(&info.name),
            ProgramType(info.r#type),
            AttachInfo::default(),
        ))
    }

    /// Its name: of the function in its object, or, where it was not loaded by this process,
    /// what the kernel keeps of it (15 bytes).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its type.
    #[must_use]
    pub fn program_type(&self) -> ProgramType {
        self.0.program_type
    }

    /// Where it is meant to be attached.
    #[must_use]
    pub fn attach_info(&self) -> &AttachInfo {
        &self.0.attach
    }
}

impl AsFd for Program {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.fd.as_fd()
    }
}
