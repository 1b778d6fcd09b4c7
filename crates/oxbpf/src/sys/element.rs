//! Commands on the elements of a map.
//!
//! The kernel is told no lengths here: it reads and writes as many bytes as the map's keys
//! and values have. So these are methods of a descriptor that knows these sizes for certain.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use oxbpf_object::kernel::MapType;
use rustix::io::Errno;

use super::call::{bpf, bpf_once};
use super::command::{address, address_mut, is_map, length, obj_info, raw};
use super::uapi::{self, Command};
use super::{Result, cpus};

/// A map's descriptor and the sizes of its keys and values.
#[derive(Debug)]
pub(crate) struct MapFd {
    fd: OwnedFd,
    key_len: usize,
    /// The size of one value.
    value_size: usize,
    /// The size of a value for all CPUs, where there is one for each.
    value_len: Option<usize>,
}

/// `BPF_F_CPU`: only the value of the CPU whose number is in the upper half of the flags. Linux 7.0.
const ONE_CPU: u64 = 8;

/// Flags for the value of one CPU.
pub(crate) fn one_cpu(cpu: u32) -> u64 {
    ONE_CPU | u64::from(cpu) << 32
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
            value_size: value_size as usize,
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

    fn check_value(&self, value: &[u8], flags: u64) -> Result<()> {
        let len = match flags & ONE_CPU {
            0 => self.value_len,
            _ => self.value_len.map(|_| self.value_size),
        };
        match len {
            Some(len) if len == value.len() => Ok(()),
            Some(_) => Err(Errno::INVAL),
            None => Err(Errno::OPNOTSUPP),
        }
    }

    fn get(&self, command: Command, key: &[u8], value: &mut [u8], flags: u64) -> Result<()> {
        self.check_key(key)?;
        self.check_value(value, flags)?;
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

    /// MAP_UPDATE_ELEM. With [`one_cpu`], the caller has made sure that the kernel knows it: one that
    /// does not reads as many bytes as there are for all CPUs.
    #[doc(alias = "BPF_MAP_UPDATE_ELEM")]
    pub(crate) fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<()> {
        self.check_key(key)?;
        self.check_value(value, flags)?;
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

    /// MAP_LOOKUP_BATCH, or MAP_LOOKUP_AND_DELETE_BATCH: as many whole elements as fit into `keys` and `values`, from
    /// where `cursor` says. What is in `cursor` is the kernel's business, and this leaves there where the next call goes
    /// on; it has [`MapFd::cursor_len`] bytes.
    ///
    /// Beside the number of elements, the answer says how it went: ENOENT when these were the last ones, ENOSPC when not
    /// even the first bucket fits.
    #[doc(alias = "BPF_MAP_LOOKUP_BATCH")]
    #[doc(alias = "BPF_MAP_LOOKUP_AND_DELETE_BATCH")]
    pub(crate) fn read_batch(
        &self,
        command: BatchRead,
        cursor: &mut Cursor<'_>,
        keys: &mut [u8],
        values: &mut [u8],
    ) -> (usize, Result<()>) {
        let mut run = || {
            if cursor.place.len() < self.cursor_len() {
                return Err(Errno::INVAL);
            }
            let count = self.batch_len(keys, values)?;
            let place = address_mut(cursor.place);
            let mut attr = uapi::MapBatch {
                in_batch: if cursor.started { place } else { 0 },
                out_batch: place,
                keys: address_mut(keys),
                values: address_mut(values),
                count,
                map_fd: raw(self.fd.as_fd()),
                ..Default::default()
            };
            let command = match command {
                BatchRead::Keep => Command::MAP_LOOKUP_BATCH,
                BatchRead::Remove => Command::MAP_LOOKUP_AND_DELETE_BATCH,
            };
            // SAFETY: there is room for `count` keys and values, and in `place` for what is kept there.
            let answer = unsafe { bpf_once(command, &mut attr) }.map(drop);
            Ok((attr.count.min(count), answer))
        };
        match run() {
            // Then the kernel has not looked at the count, or has it left as it was.
            Ok((_, Err(errno))) if !matches!(errno, Errno::NOENT | Errno::NOSPC | Errno::INTR) => {
                (0, Err(errno))
            }
            Ok((count, answer)) => {
                // It has written where to go on.
                cursor.started |= count > 0 || answer == Err(Errno::NOSPC);
                (count as usize, answer)
            }
            Err(errno) => (0, Err(errno)),
        }
    }

    /// MAP_UPDATE_BATCH: how many were set, and what happened to the one after these.
    #[doc(alias = "BPF_MAP_UPDATE_BATCH")]
    pub(crate) fn update_batch(
        &self,
        keys: &[u8],
        values: &[u8],
        flags: u64,
    ) -> (usize, Result<()>) {
        self.write_batch(Command::MAP_UPDATE_BATCH, keys, Some(values), flags)
    }

    /// MAP_DELETE_BATCH: how many were removed, and what happened to the one after these.
    #[doc(alias = "BPF_MAP_DELETE_BATCH")]
    pub(crate) fn delete_batch(&self, keys: &[u8]) -> (usize, Result<()>) {
        self.write_batch(Command::MAP_DELETE_BATCH, keys, None, 0)
    }

    fn write_batch(
        &self,
        command: Command,
        keys: &[u8],
        values: Option<&[u8]>,
        elem_flags: u64,
    ) -> (usize, Result<()>) {
        let run = || {
            let count = match values {
                Some(values) => self.batch_len(keys, values)?,
                None => self.whole(keys, self.key_len)?,
            };
            let mut attr = uapi::MapBatch {
                keys: address(keys),
                values: values.map_or(0, address),
                count,
                map_fd: raw(self.fd.as_fd()),
                elem_flags,
                ..Default::default()
            };
            // SAFETY: there are `count` keys and, if the command reads them, values.
            let answer = unsafe { bpf_once(command, &mut attr) }.map(drop);
            // A kernel that does not get as far as counting leaves what we said.
            let done = match answer {
                Err(_) if attr.count == count => 0,
                _ => attr.count.min(count),
            };
            Ok((done as usize, answer))
        };
        run().unwrap_or_else(|errno| (0, Err(errno)))
    }

    /// How many elements there are in, or room for in, `keys` and `values`.
    fn batch_len(&self, keys: &[u8], values: &[u8]) -> Result<u32> {
        let count = self.whole(keys, self.key_len)?;
        let len = self.value_len.ok_or(Errno::OPNOTSUPP)?;
        match self.whole(values, len)? == count {
            true => Ok(count),
            false => Err(Errno::INVAL),
        }
    }

    fn whole(&self, bytes: &[u8], len: usize) -> Result<u32> {
        let total = length(bytes)? as usize;
        match (total.checked_div(len), total.checked_rem(len)) {
            (Some(count), Some(0)) => Ok(count as u32),
            _ => Err(Errno::INVAL),
        }
    }

    /// How many bytes it takes to remember a place in the map: a key, or the number of a bucket.
    pub(crate) fn cursor_len(&self) -> usize {
        self.key_len.max(size_of::<u32>())
    }

    /// MAP_FREEZE: from now on, system calls change nothing in the map.
    #[doc(alias = "BPF_MAP_FREEZE")]
    pub(crate) fn freeze(&self) -> Result<()> {
        // SAFETY: the structure has no addresses for this command.
        unsafe { bpf(Command::MAP_FREEZE, &mut self.attr(0)) }.map(drop)
    }
}

/// What becomes of the elements that are read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BatchRead {
    Keep,
    Remove,
}

/// A place in a map, between two batches.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    pub(crate) place: &'a mut [u8],
    /// Whether there is anything in `place`.
    pub(crate) started: bool,
}

impl AsFd for MapFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Each CPU's value takes a multiple of this many bytes in what the kernel reads and writes.
pub(crate) const PER_CPU_ALIGN: usize = 8;

/// Whether each CPU has a value of its own.
pub(crate) fn is_per_cpu(map_type: MapType) -> bool {
    matches!(
        map_type,
        MapType::PERCPU_HASH
            | MapType::LRU_PERCPU_HASH
            | MapType::PERCPU_ARRAY
            | MapType::PERCPU_CGROUP_STORAGE
    )
}

/// How many bytes of value the kernel reads and writes for a map of this type.
fn value_len(map_type: MapType, value_size: usize) -> Option<usize> {
    match map_type {
        known if is_per_cpu(known) => value_size
            .checked_next_multiple_of(PER_CPU_ALIGN)?
            .checked_mul(cpus::possible().ok()?.len()),
        known if known.name().is_some() => Some(value_size),
        _ => None,
    }
}
