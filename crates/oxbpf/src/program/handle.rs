//! A loaded program.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use oxbpf_object::kernel::{AttachType, ProgramType};
use rustix::thread::CapabilitySet;

use super::ProgramInfo;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, ObjectKind, uapi};
use crate::{denied, pin};

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
pub struct AttachInfo {
    /// The name of its section, such as "kprobe/do_exit"; empty for a program not from an object.
    pub section: String,
    /// What the section name says after the slash: a function, a tracepoint, an interface.
    pub target: Option<String>,
    /// The attach type it was loaded for.
    pub attach_type: Option<AttachType>,
    /// Whether [`attach_all`](crate::link::attach_all) passes over it, whatever its section says.
    pub by_hand: bool,
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
            return Err(Error::new(ErrorKind::WrongKind, doing()).with_reason("it is no program"));
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

    /// Opens the program with a number, as `bpftool prog` lists them. Linux 4.13.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is none, [`ErrorKind::PermissionDenied`] without CAP_SYS_ADMIN.
    #[doc(alias = "BPF_PROG_GET_FD_BY_ID")]
    pub fn from_id(id: u32) -> Result<Self> {
        let doing = || format!("opening the program with id {id}");
        let fd = sys::fd_by_id(ObjectKind::Program, id, 0).map_err(|errno| {
            denied::explain(Error::syscall(errno, doing()), CapabilitySet::SYS_ADMIN)
        })?;
        Self::from_fd(fd).map_err(|error| error.context(doing()))
    }

    /// Opens a pinned program.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such file, [`ErrorKind::WrongKind`] if something
    /// other than a program is pinned there.
    #[doc(alias = "BPF_OBJ_GET")]
    pub fn open_pinned(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let fd = pin::open(path, 0, "program")?;
        Self::from_fd(fd)
            .map_err(|error| error.context(format!("opening pinned program `{}`", path.display())))
    }

    /// Gives the program a name in a BPF file system, which keeps it alive.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if there is such a file, [`ErrorKind::InvalidInput`] if it
    /// would not be in a BPF file system, or has a dot in its name.
    #[doc(alias = "BPF_OBJ_PIN")]
    pub fn pin(&self, path: impl AsRef<Path>) -> Result<()> {
        pin::pin(self.as_fd(), path.as_ref(), &self.to_string())
    }

    /// Removes a name that [`Program::pin`] gave. The program lives on while anything else holds it.
    ///
    /// The directory is opened once; the name is looked at and removed in it, whatever becomes of the path meanwhile. Whoever may write
    /// to that directory can still put something else in the program's place between the last look and the removal.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such file, [`ErrorKind::InvalidInput`] if it is the
    /// name of something else.
    pub fn unpin(&self, path: impl AsRef<Path>) -> Result<()> {
        pin::unpin(path.as_ref(), &self.to_string(), |fd| {
            Ok(sys::is_program(fd.as_fd()) && Self::from_fd(fd)?.info()?.id == self.info()?.id)
        })
    }

    /// What the kernel knows of it now.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    #[doc(alias = "BPF_OBJ_GET_INFO_BY_FD")]
    pub fn info(&self) -> Result<ProgramInfo> {
        sys::obj_info(self.as_fd())
            .map(|info| ProgramInfo::new(&info))
            .map_err(|errno| Error::syscall(errno, format!("asking about {self}")))
    }

    /// The ids of the maps that it uses. Linux 4.15.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn map_ids(&self) -> Result<Vec<u32>> {
        sys::prog_map_ids(self.as_fd())
            .map_err(|errno| Error::syscall(errno, format!("asking about maps of {self}")))
    }

    /// Keeps a map alive as long as the program is, though its instructions do not refer to it.
    /// Linux 5.10.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    #[doc(alias = "BPF_PROG_BIND_MAP")]
    pub fn bind_map(&self, map: &crate::Map) -> Result<()> {
        sys::prog_bind_map(self.as_fd(), map.as_fd())
            .map_err(|errno| Error::syscall(errno, format!("binding {map} to {self}")))
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

/// Such as "program \`count_execve\`".
impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "program `{}`", self.name())
    }
}

impl AsFd for Program {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.fd.as_fd()
    }
}
