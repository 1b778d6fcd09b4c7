//! Names in a BPF file system that keep maps, programs and links alive.

use std::ffi::CString;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};
use crate::sys;

fn c_path(path: &Path, doing: &str) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| {
        Error::new(ErrorKind::InvalidInput, doing).with_reason("the path contains a NUL byte")
    })
}

/// Gives a descriptor a name; `what` is such as "map \`counts\`".
pub(crate) fn pin(fd: BorrowedFd<'_>, path: &Path, what: &str) -> Result<()> {
    let doing = format!("pinning {what} as `{}`", path.display());
    let c_path = c_path(path, &doing)?;
    sys::obj_pin(fd, &c_path).map_err(|errno| explain(errno, path, doing))
}

/// Opens a name; `flags` are those of `BPF_OBJ_GET`.
pub(crate) fn open(path: &Path, flags: u32, what: &str) -> Result<OwnedFd> {
    let doing = format!("opening pinned {what} `{}`", path.display());
    let c_path = c_path(path, &doing)?;
    sys::obj_get(&c_path, flags).map_err(|errno| explain(errno, path, doing))
}

/// Removes a name, if `is_it` says that the object it stands for is the expected one.
pub(crate) fn unpin(
    path: &Path,
    what: &str,
    is_it: impl FnOnce(OwnedFd) -> Result<bool>,
) -> Result<()> {
    let doing = || format!("unpinning {what} from `{}`", path.display());
    let found = open(path, 0, what).map_err(|e| e.context(doing()))?;
    if !is_it(found)? {
        return Err(Error::new(ErrorKind::InvalidInput, doing())
            .with_reason("something else is pinned there"));
    }
    // Opening went through a symbolic link; removing would not, and leave the pin.
    if path.is_symlink() {
        return Err(Error::new(ErrorKind::InvalidInput, doing())
            .with_reason("it is a symbolic link")
            .with_remedy("give the path that it leads to"));
    }
    std::fs::remove_file(path).map_err(|e| {
        let errno = Errno::from_io_error(&e).unwrap_or(Errno::IO);
        Error::syscall(errno, doing())
    })
}

fn explain(errno: Errno, path: &Path, doing: String) -> Error {
    let error = Error::syscall(errno, doing);
    match errno {
        Errno::PERM | Errno::INVAL if !is_in_bpffs(path) => error
            .with_kind(ErrorKind::InvalidInput)
            .with_reason("that is not in a BPF file system")
            .with_remedy("use a path under /sys/fs/bpf; `mount -t bpf bpf /sys/fs/bpf` if nothing is mounted there"),
        Errno::PERM if has_dot(path) => error
            .with_kind(ErrorKind::InvalidInput)
            .with_reason("the kernel takes no dots in names of pins"),
        Errno::ACCESS if path.is_dir() => error
            .with_kind(ErrorKind::InvalidInput)
            .with_reason("it is a directory"),
        Errno::ACCESS if path.exists() && !is_in_bpffs(path) => error
            .with_kind(ErrorKind::InvalidInput)
            .with_reason("that is not in a BPF file system, so nothing is pinned there"),
        Errno::NAMETOOLONG => error
            .with_kind(ErrorKind::InvalidInput)
            .with_reason("a name in a path can have 255 bytes, the path 4095"),
        Errno::NOTDIR => error
            .with_kind(ErrorKind::InvalidInput)
            .with_reason(format!("`{}` is no directory", parent(path).display())),
        Errno::NOENT if !parent(path).exists() => {
            error.with_reason(format!("there is no directory `{}`", parent(path).display()))
        }
        _ => error,
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn has_dot(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_bytes().contains(&b'.'))
}

fn is_in_bpffs(path: &Path) -> bool {
    let magic = |path: &Path| -> io::Result<u64> { Ok(rustix::fs::statfs(path)?.f_type as u64) };
    magic(parent(path)).is_ok_and(|magic| magic == crate::sys::uapi::BPF_FS_MAGIC)
}
