//! Names in a BPF file system that keep maps, programs and links alive.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::{Errno, retry_on_intr};

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

/// A name in a directory that is open: it stays in that directory, whatever becomes of the path that led there.
pub(crate) struct Place<'p> {
    path: &'p Path,
    directory: OwnedFd,
    name: CString,
}

impl<'p> Place<'p> {
    /// Opens the directory of a path.
    pub(crate) fn of(path: &'p Path, doing: &str) -> Result<Self> {
        let name = path.file_name().ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, doing)
                .with_reason("the path does not end in a name")
        })?;
        let name = c_path(Path::new(name), doing)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory =
            retry_on_intr(|| rustix::fs::openat(CWD, parent(path), flags, Mode::empty()))
                .map_err(|errno| explain(errno, path, doing.to_owned()))?;
        Ok(Self {
            path,
            directory,
            name,
        })
    }

    /// What has the name now; a symbolic link is one, and not followed.
    fn stat(&self) -> rustix::io::Result<Stat> {
        rustix::fs::statat(&self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Opens what is pinned there.
    fn get(&self) -> rustix::io::Result<OwnedFd> {
        match sys::obj_get_at(self.directory.as_fd(), &self.name, 0) {
            // Before 6.5 the kernel knows of no directories.
            Err(Errno::INVAL) => sys::obj_get(&self.by_number()?, 0),
            answer => answer,
        }
    }

    /// Pins something there.
    pub(crate) fn pin(&self, fd: BorrowedFd<'_>, doing: &str) -> Result<()> {
        let pinned = match sys::obj_pin_at(fd, self.directory.as_fd(), &self.name) {
            Err(Errno::INVAL) => self.by_number().and_then(|path| sys::obj_pin(fd, &path)),
            answer => answer,
        };
        pinned.map_err(|errno| explain(errno, self.path, doing.to_owned()))
    }

    /// A path that leads through the descriptor of the directory. Without /proc there is none, and the path itself has to do.
    fn by_number(&self) -> rustix::io::Result<CString> {
        let directory = format!("/proc/self/fd/{}", self.directory.as_raw_fd());
        let path = match rustix::fs::stat(directory.as_str()) {
            Ok(_) => [directory.as_bytes(), b"/", self.name.as_bytes()].concat(),
            Err(_) => self.path.as_os_str().as_bytes().to_vec(),
        };
        CString::new(path).map_err(|_| Errno::INVAL)
    }

    /// Gives the name to what another name in the directory stands for.
    pub(crate) fn take_from(&self, other: &Self, doing: &str) -> Result<()> {
        rustix::fs::renameat(&other.directory, &other.name, &self.directory, &self.name)
            .map_err(|errno| explain(errno, self.path, doing.to_owned()))
    }

    /// Removes the name.
    pub(crate) fn remove(&self) -> rustix::io::Result<()> {
        rustix::fs::unlinkat(&self.directory, &self.name, AtFlags::empty())
    }
}

/// Removes a name, if `is_it` says that the object it stands for is the expected one.
///
/// Everything is done in one directory, which is opened first, and what has the name just before it is removed is what was looked at.
/// Who may write to that directory can still put something else there between these two calls: no call removes a name only if
/// it stands for something.
pub(crate) fn unpin(
    path: &Path,
    what: &str,
    is_it: impl FnOnce(OwnedFd) -> Result<bool>,
) -> Result<()> {
    let doing = format!("unpinning {what} from `{}`", path.display());
    let explain = |errno| explain(errno, path, doing.clone());
    let another = || {
        Error::new(ErrorKind::InvalidInput, doing.clone())
            .with_reason("something else is pinned there")
    };
    let place = Place::of(path, &doing)?;
    let before = place.stat().map_err(explain)?;
    // Opening would go through a symbolic link; removing would not, and leave the pin.
    if FileType::from_raw_mode(before.st_mode) == FileType::Symlink {
        return Err(Error::new(ErrorKind::InvalidInput, doing)
            .with_reason("it is a symbolic link")
            .with_remedy("give the path that it leads to"));
    }
    let found = place.get().map_err(explain)?;
    if !is_it(found)? {
        return Err(another());
    }
    let now = place.stat().map_err(explain)?;
    if (now.st_dev, now.st_ino) != (before.st_dev, before.st_ino) {
        return Err(another());
    }
    place.remove().map_err(explain)
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
