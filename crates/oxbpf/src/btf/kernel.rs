//! The types of the running kernel and of its modules.

use std::fs::{self, File};
use std::io::{self, ErrorKind as IoErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use oxbpf_object::btf::{Btf, SharedBytes};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};
use crate::sys::{self, ObjectKind, PrivateMapping};

/// Where the kernel shows its types, since 5.4.
const VMLINUX: &str = "/sys/kernel/btf/vmlinux";
/// Where distributions put the image of a kernel, `%r` being its release (`uname -r`). As libbpf has it.
const IMAGES: &[&str] = &[
    "/boot/vmlinux-%r",
    "/lib/modules/%r/vmlinux-%r",
    "/lib/modules/%r/build/vmlinux",
    "/usr/lib/modules/%r/kernel/vmlinux",
    "/usr/lib/debug/boot/vmlinux-%r",
    "/usr/lib/debug/boot/vmlinux-%r.debug",
    "/usr/lib/debug/lib/modules/%r/vmlinux",
];
/// How an ELF file begins.
const ELF: &[u8] = b"\x7fELF";
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
    /// Where that cannot be read, as in a container without `/sys`, they are asked for by a system call (Linux 5.11,
    /// CAP_SYS_ADMIN), and then taken from the image of the kernel if it lies where distributions put it: in `/boot`, below
    /// `/lib/modules`, or `/usr/lib/debug`.
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
        let shown = open(Path::new(VMLINUX), None);
        let btf = Arc::new(shown.or_else(|error| {
            let found = from_kernel().or_else(|| from_images(IMAGES));
            found.ok_or(error)
        })?);
        *shared = Arc::downgrade(&btf);
        Ok(Self(btf))
    }

    /// The types in a file, such as another kernel's or a minimal one: raw BTF, or an ELF file that has it, as an uncompressed
    /// image of a kernel does.
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

/// What the kernel answers when asked for its types by their number.
fn from_kernel() -> Option<Btf> {
    let mut id = 0;
    loop {
        id = sys::next_id(ObjectKind::Btf, id).ok()??;
        let Ok(fd) = sys::fd_by_id(ObjectKind::Btf, id, 0) else {
            continue;
        };
        if sys::btf_name(fd.as_fd()).is_ok_and(|name| is_vmlinux(&name)) {
            return Btf::parse(sys::btf_bytes(fd.as_fd()).ok()?).ok();
        }
    }
}

/// Those of the first image that has any.
fn from_images(patterns: &[&str]) -> Option<Btf> {
    let names = rustix::system::uname();
    let release = names.release().to_string_lossy();
    patterns
        .iter()
        .find_map(|pattern| open(Path::new(&pattern.replace("%r", &release)), None).ok())
}

/// Reads a file of raw BTF, split from `base` if there is one, or an ELF file with BTF.
fn open(path: &Path, base: Option<&Btf>) -> Result<Btf> {
    let doing = || format!("reading types from `{}`", path.display());
    let mut file = File::open(path).map_err(|e| match e.kind() {
        IoErrorKind::NotFound if path == Path::new(VMLINUX) => {
            Error::new(ErrorKind::Unsupported, doing())
                .with_reason("this kernel does not show its types")
                .with_remedy(
                    "use a kernel built with CONFIG_DEBUG_INFO_BTF, or give its BTF to the loader",
                )
        }
        _ => failed(e, doing()),
    })?;
    let malformed = |e| Error::new(ErrorKind::InvalidObject, doing()).with_source(e);
    let mut magic = [0; ELF.len()];
    if file.read_exact(&mut magic).is_ok() && magic == ELF {
        return Btf::read_elf(file).map_err(malformed);
    }
    let size = file.metadata().map_or(0, |m| m.len()) as usize;
    let bytes: SharedBytes = match PrivateMapping::of_sysfs(file.as_fd(), size) {
        Ok(mapping) => Arc::new(mapping),
        // Before 6.16, sysfs does not map it.
        Err(_) => Arc::new(fs::read(path).map_err(|e| failed(e, doing()))?),
    };
    Btf::parse_shared(bytes, base).map_err(malformed)
}

fn failed(error: io::Error, doing: String) -> Error {
    match Errno::from_io_error(&error) {
        Some(errno) => Error::syscall(errno, doing),
        None => Error::new(ErrorKind::Kernel, doing).with_source(error),
    }
}

/// A kernel module's types, with the descriptor that system calls name them by.
#[derive(Debug)]
pub(crate) struct ModuleBtf {
    pub(crate) name: String,
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
                return Some(ModuleBtf { name, btf, fd });
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

#[cfg(test)]
mod tests {
    use oxbpf_object::btf::Kind;

    use super::*;

    /// However they are found, they are the same.
    #[test]
    fn the_kernel_tells_its_types_where_sysfs_does_not() {
        let Ok(shown) = KernelBtf::running() else {
            println!("SKIP: this kernel does not show its types");
            return;
        };
        // Before 5.11, they have no name.
        if let Some(asked) = from_kernel() {
            assert_eq!(asked.end(), shown.types().end());
            let task = |btf: &Btf| btf.find("task_struct", Kind::STRUCT);
            assert_eq!(task(&asked), task(shown.types()));
        }
    }

    #[test]
    fn images_are_looked_for_by_release() {
        let directory = std::env::temp_dir().join(format!("oxbpf-images-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let release = rustix::system::uname()
            .release()
            .to_string_lossy()
            .into_owned();
        // In an ELF file, and as they are.
        let elf = fixtures::parts::MAIN;
        let types = Btf::parse_elf(elf).unwrap();
        let pattern = directory.join("vmlinux-%r");
        let patterns = ["/no/such/vmlinux", pattern.to_str().unwrap()];
        assert!(from_images(&patterns).is_none());
        let path = directory.join(format!("vmlinux-{release}"));
        for contents in [elf, types.raw()] {
            fs::write(&path, contents).unwrap();
            assert_eq!(from_images(&patterns).unwrap().raw(), types.raw());
            let given = KernelBtf::from_file(&path).unwrap();
            assert_eq!(given.types().end(), types.end());
        }
        // Cut off in the middle.
        fs::write(&path, &elf[..elf.len() / 2]).unwrap();
        let error = KernelBtf::from_file(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidObject);
        fs::remove_dir_all(&directory).unwrap();
    }
}
