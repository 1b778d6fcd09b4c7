//! A map of any type, its keys and values as bytes.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use oxbpf_object::kernel::{MapFlags, MapType};
use rustix::io::Errno;

use super::{Access, MapInfo, possible_cpus};
use crate::error::{Error, ErrorKind, Result};
use crate::pin;
use crate::sys::{self, MapFd, uapi};

/// A map in the kernel.
///
/// A handle is cheap to clone. The map lives as long as a handle, a program that uses it, or a
/// pin does.
#[derive(Clone, Debug)]
pub struct Map(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    fd: MapFd,
    name: String,
    map_type: MapType,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: MapFlags,
}

impl Map {
    /// Takes over a descriptor, after making sure that it is a map's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongKind`] if it is not; what the kernel says otherwise.
    pub fn from_fd(fd: OwnedFd) -> Result<Self> {
        let doing = "taking over a descriptor as a map";
        let (fd, info) = MapFd::new(fd).map_err(|e| match e {
            Errno::INVAL => Error::new(ErrorKind::WrongKind, doing).with_reason("it is no map"),
            e => Error::syscall(e, doing),
        })?;
        Ok(Self::with_info(fd, &info, sys::nul_terminated(&info.name)))
    }

    /// Opens the map with a number, as `bpftool map` lists them. Linux 4.13.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is none, [`ErrorKind::PermissionDenied`] without CAP_SYS_ADMIN.
    #[doc(alias = "BPF_MAP_GET_FD_BY_ID")]
    pub fn from_id(id: u32) -> Result<Self> {
        Self::from_id_for(id, Access::ReadWrite)
    }

    /// Opens a pinned map.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such file, [`ErrorKind::WrongKind`] if something
    /// other than a map is pinned there.
    #[doc(alias = "BPF_OBJ_GET")]
    pub fn open_pinned(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_pinned_for(path, Access::ReadWrite)
    }

    /// Gives the map a name in a BPF file system, which keeps it alive.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if there is such a file, [`ErrorKind::InvalidInput`] if it
    /// would not be in a BPF file system, or has a dot in its name.
    #[doc(alias = "BPF_OBJ_PIN")]
    pub fn pin(&self, path: impl AsRef<Path>) -> Result<()> {
        pin::pin(self.as_fd(), path.as_ref(), &self.to_string())
    }

    /// Removes a name that [`Map::pin`] gave. The map lives on while anything else holds it.
    ///
    /// The directory is opened once; the name is looked at and removed in it, whatever becomes of the path meanwhile. Whoever may write
    /// to that directory can still put something else in the map's place between the last look and the removal.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is no such file, [`ErrorKind::InvalidInput`] if it is the
    /// name of something else.
    pub fn unpin(&self, path: impl AsRef<Path>) -> Result<()> {
        pin::unpin(path.as_ref(), &self.to_string(), |fd| {
            Ok(sys::is_map(fd.as_fd()) && Self::from_fd(fd)?.info()?.id == self.info()?.id)
        })
    }

    pub(super) fn with_info(fd: MapFd, info: &uapi::MapInfo, name: String) -> Self {
        Self(Arc::new(Inner {
            fd,
            name,
            map_type: MapType(info.r#type),
            key_size: info.key_size,
            value_size: info.value_size,
            max_entries: info.max_entries,
            flags: MapFlags::from_bits_retain(info.map_flags),
        }))
    }

    pub(super) fn fd(&self) -> &MapFd {
        &self.0.fd
    }

    /// What the kernel knows of it now.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    #[doc(alias = "BPF_OBJ_GET_INFO_BY_FD")]
    pub fn info(&self) -> Result<MapInfo> {
        sys::obj_info(self.as_fd())
            .map(|info| MapInfo::new(&info))
            .map_err(|errno| Error::syscall(errno, format!("asking about {self}")))
    }

    /// A typed view of it, such as [`HashMap<K, V>`](super::HashMap) or [`Array<V>`](super::Array).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongKind`] if it is not of that kind, [`ErrorKind::WrongSize`] if its keys
    /// or values have other sizes than the types.
    pub fn typed<T: TryFrom<Map, Error = Error>>(&self) -> Result<T> {
        self.clone().try_into()
    }

    /// Makes it read-only for system calls, for good. Programs may still write to it. Linux 5.2.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ReadOnly`] if it is frozen already, or, to newer kernels, was opened read-only;
    /// [`ErrorKind::Kernel`] with EBUSY if it is mapped writable, and what the kernel says
    /// otherwise.
    #[doc(alias = "BPF_MAP_FREEZE")]
    pub fn freeze(&self) -> Result<()> {
        self.fd().freeze().map_err(|errno| {
            let error = Error::syscall(errno, format!("freezing {self}"));
            match errno {
                Errno::PERM | Errno::BUSY if self.is_frozen() => error
                    .with_kind(ErrorKind::ReadOnly)
                    .with_reason("it is frozen already"),
                Errno::PERM => error
                    .with_kind(ErrorKind::ReadOnly)
                    .with_reason("it was opened read-only"),
                Errno::BUSY => error.with_reason("it is mapped writable"),
                _ => error,
            }
        })
    }

    /// Whether it is frozen, as far as procfs tells. Linux 5.2.
    pub(super) fn is_frozen(&self) -> bool {
        let path = format!("/proc/self/fdinfo/{}", self.as_fd().as_raw_fd());
        let info = std::fs::read_to_string(path).unwrap_or_default();
        info.lines()
            .filter_map(|line| line.strip_prefix("frozen:"))
            .any(|frozen| frozen.trim() == "1")
    }

    /// How many bytes a value takes as [`Map::get`] and [`Map::set`] pass it. That is
    /// [`Map::value_size`], or, where each CPU has its own, the multiple of 8 above it times the
    /// number of [`possible_cpus`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if it is not known: the map is of a type newer than this
    /// library, or the CPUs of this machine cannot be counted.
    pub fn value_len(&self) -> Result<usize> {
        self.fd().value_len().map_or_else(
            || {
                possible_cpus()?;
                Err(
                    Error::new(ErrorKind::Unsupported, format!("sizing values of {self}"))
                        .with_reason(format!(
                            "type {} is newer than this library",
                            self.map_type()
                        )),
                )
            },
            Ok,
        )
    }

    /// Its name: the one in its object, or, where it was not made by this process, what the
    /// kernel keeps of it (15 bytes).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its type.
    #[must_use]
    pub fn map_type(&self) -> MapType {
        self.0.map_type
    }

    /// The size of a key in bytes; 0 for a map without keys.
    #[must_use]
    pub fn key_size(&self) -> u32 {
        self.0.key_size
    }

    /// The size of a value in bytes, of one CPU's where each has its own.
    #[must_use]
    pub fn value_size(&self) -> u32 {
        self.0.value_size
    }

    /// How many entries it can hold: for a ring buffer, its size in bytes.
    #[must_use]
    pub fn max_entries(&self) -> u32 {
        self.0.max_entries
    }

    /// The flags it was made with.
    #[must_use]
    pub fn flags(&self) -> MapFlags {
        self.0.flags
    }
}

/// Such as "map \`counts\`".
impl std::fmt::Display for Map {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "map `{}`", self.name())
    }
}

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.fd.as_fd()
    }
}
