//! Storage that a program has with each control group that it is attached to.

use std::marker::PhantomData;
use std::os::fd::AsFd;

use oxbpf_object::kernel::{AttachType, MapType};

use super::per_cpu::check_cpus;
use super::view::{check_kind, check_sizes, check_value, view};
use super::{Map, PerCpu, Plain, UpdateFlags};
use crate::error::{Error, Result};

/// The sizes of keys: the number of a control group, alone or with the place that the program is attached to, padded.
const KEYS: &[u32] = &[16, 8];

/// A value `V` with each control group that a program is attached to, which the program has from
/// `bpf_get_local_storage`: `BPF_MAP_TYPE_CGROUP_STORAGE`. Linux 4.19.
///
/// Attaching makes values, which last as long as map and control group; from here they can be read and written. Where the keys of
/// the map are `u64`, all places of a control group share one value (Linux 5.9); where they are
/// `struct bpf_cgroup_storage_key`, each has its own. For new programs the kernel's authors recommend
/// [`CgroupStorage`](super::CgroupStorage).
#[doc(alias = "BPF_MAP_TYPE_CGROUP_STORAGE")]
#[doc(alias = "BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED")]
pub struct AttachedStorage<V> {
    map: Map,
    types: PhantomData<fn() -> V>,
}

view!(AttachedStorage<V: Plain>);

impl<V: Plain> AttachedStorage<V> {
    /// Makes a view of a map.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](crate::ErrorKind::WrongKind) if it is of another kind,
    /// [`WrongSize`](crate::ErrorKind::WrongSize) if its values are not as large as `V`.
    pub fn new(map: Map) -> Result<Self> {
        check_kind(&map, &[MapType::CGROUP_STORAGE])?;
        check_sizes(&map, "keys", map.key_size(), KEYS)?;
        check_value::<V>(&map)?;
        Ok(Self::of(map))
    }

    /// What is stored with a control group, given by its opened directory, and the place there; `None` if no program with
    /// this map has been attached to that.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn get(&self, cgroup: impl AsFd, place: AttachType) -> Result<Option<V>> {
        let mut value = V::zeroed();
        let key = Key::new(&self.map, cgroup, place)?;
        let found = self.map.get_into(key.bytes(), value.bytes_mut())?;
        Ok(found.then_some(value))
    }

    /// Stores a value in place of the one that is there.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if no program with this map has been attached there.
    pub fn set(&self, cgroup: impl AsFd, place: AttachType, value: &V) -> Result<()> {
        let key = Key::new(&self.map, cgroup, place)?;
        self.map.set(key.bytes(), value.bytes(), UpdateFlags::EXIST)
    }
}

/// The same with a value for each CPU: `BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE`. Linux 4.20.
#[doc(alias = "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE")]
pub struct PerCpuAttachedStorage<V> {
    map: Map,
    types: PhantomData<fn() -> V>,
}

view!(PerCpuAttachedStorage<V: Plain>);

impl<V: Plain> PerCpuAttachedStorage<V> {
    /// Makes a view of a map.
    ///
    /// # Errors
    ///
    /// As [`AttachedStorage::new`].
    pub fn new(map: Map) -> Result<Self> {
        check_kind(&map, &[MapType::PERCPU_CGROUP_STORAGE])?;
        check_sizes(&map, "keys", map.key_size(), KEYS)?;
        check_value::<V>(&map)?;
        check_cpus(&map)?;
        Ok(Self::of(map))
    }

    /// As [`AttachedStorage::get`].
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn get(&self, cgroup: impl AsFd, place: AttachType) -> Result<Option<PerCpu<V>>> {
        let mut values = PerCpu::zeroed()?;
        let key = Key::new(&self.map, cgroup, place)?;
        let found = self.map.get_into(key.bytes(), values.raw_mut())?;
        Ok(found.then_some(values))
    }

    /// As [`AttachedStorage::set`].
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if no program with this map has been attached there.
    pub fn set(&self, cgroup: impl AsFd, place: AttachType, values: &PerCpu<V>) -> Result<()> {
        let key = Key::new(&self.map, cgroup, place)?;
        self.map.set(key.bytes(), values.raw(), UpdateFlags::EXIST)
    }
}

/// `struct bpf_cgroup_storage_key`, or its first field, as the map has it.
struct Key {
    bytes: [u8; 16],
    size: usize,
}

impl Key {
    fn new(map: &Map, cgroup: impl AsFd, place: AttachType) -> Result<Self> {
        let number = rustix::fs::fstat(cgroup)
            .map_err(|errno| Error::syscall(errno, "asking which control group this is"))?
            .st_ino;
        let mut bytes = [0; 16];
        let (first, second) = bytes.split_at_mut(8);
        first.copy_from_slice(&number.to_ne_bytes());
        second[..4].copy_from_slice(&place.0.to_ne_bytes());
        let size = bytes.len().min(map.key_size() as usize);
        Ok(Self { bytes, size })
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.size]
    }
}
