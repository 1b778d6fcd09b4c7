//! Commands on the elements of a map.
//!
//! The kernel is told no lengths here: it reads and writes as many bytes as the map's keys
//! and values have. So these are methods of a descriptor that knows these sizes for certain.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use oxbpf_object::kernel::MapType;
use rustix::io::Errno;

use super::call::bpf;
use super::command::{address, address_mut, is_map, obj_info, raw};
use super::uapi::{self, Command};
use super::{Result, cpus};

/// A map's descriptor and the sizes of its keys and values.
#[derive(Debug)]
pub(crate) struct MapFd {
    fd: OwnedFd,
    key_len: usize,
    value_len: Option<usize>,
}

impl MapFd {
    /// Takes a descriptor that may be anything; EINVAL if it is no map's.
    pub(crate) fn new(fd: OwnedFd) -> Result<(Self, uapi::MapInfo)> {
        if !is_map(fd.as_fd()) {
            return Err(Errno::INVAL);
        }
        let info: uapi::MapInfo = obj_info(fd.as_fd())?;
        let this = Self::with_sizes(fd, info.r#type, info.key_size, info.value_size);
        Ok((this, info))
    }

    /// Takes the descriptor of a map that was made as `attr` says.
    pub(super) fn created(fd: OwnedFd, attr: &uapi::MapCreate) -> Result<Self> {
        // A struct_ops map gets the size of its values from the kernel's types.
        if MapType(attr.map_type) == MapType::STRUCT_OPS {
            return Self::new(fd).map(|(map, _)| map);
        }
        Ok(Self::with_sizes(
            fd,
            attr.map_type,
            attr.key_size,
            attr.value_size,
        ))
    }

    fn with_sizes(fd: OwnedFd, map_type: u32, key_size: u32, value_size: u32) -> Self {
        Self {
            fd,
            key_len: key_size as usize,
            value_len: value_len(MapType(map_type), value_size as usize),
        }
    }

    /// The size of a value as it is passed to and from the kernel, for all CPUs where there is
    /// one for each. `None` where that is not known: a map type newer than this library, or
    /// a per-CPU map on a machine that does not tell its CPUs.
    pub(crate) fn value_len(&self) -> Option<usize> {
        self.value_len
    }

    fn attr(&self, flags: u64) -> uapi::MapElem {
        uapi::MapElem {
            map_fd: raw(self.fd.as_fd()),
            flags,
            ..Default::default()
        }
    }

    fn check_key(&self, key: &[u8]) -> Result<()> {
        if key.len() == self.key_len {
            Ok(())
        } else {
            Err(Errno::INVAL)
        }
    }

    fn check_value(&self, value: &[u8]) -> Result<()> {
        match self.value_len {
            Some(len) if len == value.len() => Ok(()),
            Some(_) => Err(Errno::INVAL),
            None => Err(Errno::OPNOTSUPP),
        }
    }

    fn get(&self, command: Command, key: &[u8], value: &mut [u8], flags: u64) -> Result<()> {
        self.check_key(key)?;
        self.check_value(value)?;
        let mut attr = self.attr(flags);
        attr.key = address(key);
        attr.value = address_mut(value);
        // SAFETY: both are as long as the kernel takes them to be, as just checked.
        unsafe { bpf(command, &mut attr) }.map(drop)
    }

    /// MAP_LOOKUP_ELEM. A bloom filter also reads `value`.
    #[doc(alias = "BPF_MAP_LOOKUP_ELEM")]
    pub(crate) fn lookup(&self, key: &[u8], value: &mut [u8], flags: u64) -> Result<()> {
        self.get(Command::MAP_LOOKUP_ELEM, key, value, flags)
    }

    /// MAP_LOOKUP_AND_DELETE_ELEM.
    #[doc(alias = "BPF_MAP_LOOKUP_AND_DELETE_ELEM")]
    pub(crate) fn take(&self, key: &[u8], value: &mut [u8], flags: u64) -> Result<()> {
        self.get(Command::MAP_LOOKUP_AND_DELETE_ELEM, key, value, flags)
    }

    /// MAP_UPDATE_ELEM.
    #[doc(alias = "BPF_MAP_UPDATE_ELEM")]
    pub(crate) fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<()> {
        self.check_key(key)?;
        self.check_value(value)?;
        let mut attr = self.attr(flags);
        attr.key = address(key);
        attr.value = address(value);
        // SAFETY: both are as long as the kernel takes them to be, as just checked.
        unsafe { bpf(Command::MAP_UPDATE_ELEM, &mut attr) }.map(drop)
    }

    /// MAP_DELETE_ELEM.
    #[doc(alias = "BPF_MAP_DELETE_ELEM")]
    pub(crate) fn delete(&self, key: &[u8]) -> Result<()> {
        self.check_key(key)?;
        let mut attr = self.attr(0);
        attr.key = address(key);
        // SAFETY: the key is as long as the kernel takes it to be, as just checked.
        unsafe { bpf(Command::MAP_DELETE_ELEM, &mut attr) }.map(drop)
    }

    /// MAP_GET_NEXT_KEY: the key after `key`, or the first one; ENOENT after the last.
    #[doc(alias = "BPF_MAP_GET_NEXT_KEY")]
    pub(crate) fn next_key(&self, key: Option<&[u8]>, next: &mut [u8]) -> Result<()> {
        self.check_key(next)?;
        let mut attr = self.attr(0);
        if let Some(key) = key {
            self.check_key(key)?;
            attr.key = address(key);
        }
        attr.value = address_mut(next);
        // SAFETY: both are as long as the kernel takes them to be, as just checked.
        unsafe { bpf(Command::MAP_GET_NEXT_KEY, &mut attr) }.map(drop)
    }

    /// MAP_FREEZE: from now on, system calls change nothing in the map.
    #[doc(alias = "BPF_MAP_FREEZE")]
    pub(crate) fn freeze(&self) -> Result<()> {
        // SAFETY: the structure has no addresses for this command.
        unsafe { bpf(Command::MAP_FREEZE, &mut self.attr(0)) }.map(drop)
    }
}

impl AsFd for MapFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Each CPU's value takes a multiple of this many bytes in what the kernel reads and writes.
pub(crate) const PER_CPU_ALIGN: usize = 8;

/// How many bytes of value the kernel reads and writes for a map of this type.
fn value_len(map_type: MapType, value_size: usize) -> Option<usize> {
    match map_type {
        MapType::PERCPU_HASH
        | MapType::LRU_PERCPU_HASH
        | MapType::PERCPU_ARRAY
        | MapType::PERCPU_CGROUP_STORAGE => value_size
            .checked_next_multiple_of(PER_CPU_ALIGN)?
            .checked_mul(cpus::possible().ok()?.len()),
        known if known.name().is_some() => Some(value_size),
        _ => None,
    }
}
