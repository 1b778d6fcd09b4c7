//! BPF tokens: permissions that a BPF file system carries into a user namespace.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};
use crate::sys;

/// Permissions to use BPF in a user namespace, where capabilities alone do not count.
///
/// Whoever administers the machine mounts a BPF file system for the namespace, with what it may do in the options
/// `delegate_cmds`, `delegate_maps`, `delegate_progs` and `delegate_attachs`. A process in there that has CAP_BPF makes a
/// token of that. Linux 6.9.
///
/// ```no_run
/// use oxbpf::object::CollectionSpec;
/// use oxbpf::{Loader, Token};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let token = Token::create("/run/bpf")?;
/// let spec = CollectionSpec::from_file("exec_count.o")?;
/// let collection = Loader::new().token(&token).load(spec)?;
/// # Ok(())
/// # }
/// ```
///
/// A handle is cheap to clone.
#[derive(Clone, Debug)]
pub struct Token(Arc<OwnedFd>);

impl Token {
    /// Makes a token of what the BPF file system mounted at `path` delegates.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where nothing is mounted there, or nothing delegated, [`ErrorKind::Unsupported`] in the initial
    /// user namespace, or before Linux 6.9, [`ErrorKind::PermissionDenied`] without CAP_BPF in the user namespace that the file
    /// system was made for.
    #[doc(alias = "BPF_TOKEN_CREATE")]
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let doing = || {
            format!(
                "making a token of the BPF file system at `{}`",
                path.display()
            )
        };
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(path, flags, Mode::empty())
            .map_err(|errno| Error::syscall(errno, doing()))?;
        let fd = sys::token_create(directory.as_fd()).map_err(|errno| {
            let error = Error::syscall(errno, doing());
            match errno {
                Errno::NOENT => error.with_reason("nothing is delegated there").with_remedy(
                    "mount it with delegate_cmds, delegate_maps, delegate_progs and delegate_attachs",
                ),
                Errno::OPNOTSUPP => error
                    .with_reason("there are no tokens in the initial user namespace")
                    .with_remedy("use capabilities there"),
                Errno::INVAL => error.with_kind(ErrorKind::Unsupported).with_reason(
                    "it is not the top of a BPF file system, or this kernel has no tokens (Linux 6.9)",
                ),
                Errno::PERM => error.with_reason(
                    "it was made for another user namespace, or this process lacks CAP_BPF in its own",
                ),
                _ => error,
            }
        })?;
        Ok(Self(Arc::new(fd)))
    }
}

impl AsFd for Token {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
