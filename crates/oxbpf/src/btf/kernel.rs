//! The types of the running kernel and of its modules.

use std::fs::{self, File};
use std::io::ErrorKind as IoErrorKind;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use oxbpf_object::btf::{Btf, SharedBytes};

use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, ObjectKind, PrivateMapping};

/// Where the kernel shows its types, since 5.4.
const VMLINUX: &str = "/sys/kernel/btf/vmlinux";
/// What the kernel calls the BTF that is its own, and what targets may name it by.
const VMLINUX_NAME: &str = "vmlinux";

/// The types of a kernel, to relocate programs against.
///
/// A handle is cheap to clone. The running kernel's types are mapped where sysfs allows that, and
/// read where it does not; all of a process shares them, and they go when the last handle does.
/// So keep one where many objects are loaded.
///
/// ```no_run
/// use oxbpf::btf::KernelBtf;
/// use oxbpf::object::btf::Kind;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let kernel = KernelBtf::running()?;
/// let task = kernel.types().find("task_struct", Kind::STRUCT).ok_or("no task_struct")?;
/// println!("a task takes {} bytes", kernel.types().size_of(task)?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct KernelBtf(Arc<Btf>);

impl KernelBtf {
    /// The types of the running kernel, from `/sys/kernel/btf/vmlinux`. Minimum kernel: 5.4, with
    /// `CONFIG_DEBUG_INFO_BTF`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where the kernel shows no types.
    pub fn running() -> Result<Self> {
        static SHARED: Mutex<Weak<Btf>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(btf) = shared.upgrade() {
            return Ok(Self(btf));
        }
        let btf = Arc::new(open(Path::new(VMLINUX), None)?);
        *shared = Arc::downgrade(&btf);
        Ok(Self(btf))
    }

    /// The types in a file of raw BTF, such as another kernel's or a minimal one.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, or is not BTF.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        open(path.as_ref(), None).map(Into::into)
    }

    /// What they are.
    #[must_use]
    pub fn types(&self) -> &Btf {
        &self.0
    }
}

impl From<Btf> for KernelBtf {
    fn from(btf: Btf) -> Self {
        Self(Arc::new(btf))
    }
}

/// Reads a file of raw BTF, split from `base` if there is one.
fn open(path: &Path, base: Option<&Btf>) -> Result<Btf> {
    let doing = || format!("reading types from `{}`", path.display());
    let file = File::open(path).map_err(|e| match e.kind() {
        IoErrorKind::NotFound if path == Path::new(VMLINUX) => {
            Error::new(ErrorKind::Unsupported, doing())
                .with_reason("this kernel does not show its types")
                .with_remedy(
                    "use a kernel built with CONFIG_DEBUG_INFO_BTF, or give its BTF to the loader",
                )
        }
        IoErrorKind::NotFound => Error::new(ErrorKind::NotFound, doing()).with_source(e),
        IoErrorKind::PermissionDenied => {
            Error::new(ErrorKind::PermissionDenied, doing()).with_source(e)
        }
        _ => Error::new(ErrorKind::Kernel, doing()).with_source(e),
    })?;
    let size = file.metadata().map_or(0, |m| m.len()) as usize;
    let bytes: SharedBytes = match PrivateMapping::of_sysfs(file.as_fd(), size) {
        Ok(mapping) => Arc::new(mapping),
        // Before 6.16, sysfs does not map it.
        Err(_) => Arc::new(
            fs::read(path).map_err(|e| Error::new(ErrorKind::Kernel, doing()).with_source(e))?,
        ),
    };
    Btf::parse_shared(bytes, base)
        .map_err(|e| Error::new(ErrorKind::InvalidObject, doing()).with_source(e))
}

/// A kernel module's types, with the descriptor that system calls name them by.
#[derive(Debug)]
pub(crate) struct ModuleBtf {
    pub(crate) btf: Btf,
    pub(crate) fd: OwnedFd,
}

/// The types of the loaded modules, or of the one called `only`, one by one. A module whose types
/// cannot be read is passed over: it must not be in the way of what does not need it. Linux 5.11.
pub(crate) fn modules<'a>(
    kernel: &'a KernelBtf,
    only: Option<&'a str>,
) -> impl Iterator<Item = ModuleBtf> + 'a {
    let mut id = 0;
    std::iter::from_fn(move || {
        loop {
            id = sys::next_id(ObjectKind::Btf, id).ok().flatten()?;
            // Objects come and go between these calls: what is gone is none of ours.
            let Ok(fd) = sys::fd_by_id(ObjectKind::Btf, id, 0) else {
                continue;
            };
            let name = sys::btf_name(fd.as_fd()).unwrap_or_default();
            // Objects loaded by programs like this one have no name.
            let wanted =
                !name.is_empty() && name != VMLINUX_NAME && only.is_none_or(|only| only == name);
            if !wanted {
                continue;
            }
            let Ok(bytes) = sys::btf_bytes(fd.as_fd()) else {
                continue;
            };
            if let Ok(btf) = Btf::parse_split(bytes, kernel.types()) {
                return Some(ModuleBtf { btf, fd });
            }
        }
    })
}

/// Splits `MODULE:NAME`. `vmlinux:` stands for the kernel itself.
pub(crate) fn split_module(target: &str) -> (Option<&str>, &str) {
    match target.split_once(':') {
        Some((module, name)) => (Some(module), name),
        None => (None, target),
    }
}

/// Whether a module named in a target is the kernel itself.
pub(crate) fn is_vmlinux(module: &str) -> bool {
    module == VMLINUX_NAME
}
