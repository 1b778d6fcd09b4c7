//! A map of any type, its keys and values as bytes.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use oxbpf_object::kernel::{MapFlags, MapType};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};
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
            Errno::INVAL => Error::new(ErrorKind::WrongKind, doing).with_errno(e),
            e => Error::syscall(e, doing),
        })?;
        Ok(Self::with_info(fd, &info, sys::nul_terminated(&info.name)))
    }

    fn with_info(fd: MapFd, info: &uapi::MapInfo, name: String) -> Self {
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

impl AsFd for Map {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.fd.as_fd()
    }
}
