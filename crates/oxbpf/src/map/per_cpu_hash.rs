//! Hash maps with a value for each CPU.

use std::marker::PhantomData;

use oxbpf_object::kernel::MapType;

use super::per_cpu::check_cpus;
use super::view::{check_key, check_kind, check_value, view};
use super::{Keys, Map, PerCpu, Plain, UpdateFlags};
use crate::error::Result;

/// A hash map with keys `K`, and a value `V` for each key and CPU: `BPF_MAP_TYPE_PERCPU_HASH`, or
/// `BPF_MAP_TYPE_LRU_PERCPU_HASH`, which drops the least recently used entries when it is full.
#[doc(alias = "BPF_MAP_TYPE_PERCPU_HASH")]
#[doc(alias = "BPF_MAP_TYPE_LRU_PERCPU_HASH")]
pub struct PerCpuHashMap<K, V> {
    map: Map,
    types: PhantomData<fn() -> (K, V)>,
}

view!(PerCpuHashMap<K, V>);

impl<K: Plain, V: Plain> PerCpuHashMap<K, V> {
    /// Makes a view of a map.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](crate::ErrorKind::WrongKind) if it is no per-CPU hash map,
    /// [`WrongSize`](crate::ErrorKind::WrongSize) if its keys or values are not as large as `K` or `V`.
    pub fn new(map: Map) -> Result<Self> {
        check_kind(&map, &[MapType::PERCPU_HASH, MapType::LRU_PERCPU_HASH])?;
        check_key::<K>(&map)?;
        check_value::<V>(&map)?;
        check_cpus(&map)?;
        Ok(Self {
            map,
            types: PhantomData,
        })
    }

    /// The values of a key, `None` if the key is not there.
    ///
    /// # Errors
    ///
    /// As [`Map::get_into`].
    pub fn get(&self, key: &K) -> Result<Option<PerCpu<V>>> {
        let mut values = PerCpu::zeroed()?;
        Ok(self.get_into(key, &mut values)?.then_some(values))
    }

    /// Copies the values of a key into `values`; `false` if the key is not there. Allocates nothing.
    ///
    /// # Errors
    ///
    /// As [`Map::get_into`].
    pub fn get_into(&self, key: &K, values: &mut PerCpu<V>) -> Result<bool> {
        self.map.get_into(key.bytes(), values.raw_mut())
    }

    /// Sets the values of a key, on all CPUs.
    ///
    /// # Errors
    ///
    /// As [`Map::set`].
    pub fn set(&self, key: &K, values: &PerCpu<V>) -> Result<()> {
        self.set_with(key, values, UpdateFlags::empty())
    }

    /// Sets the values of a key, on all CPUs, only as `flags` allow.
    ///
    /// # Errors
    ///
    /// As [`Map::set`].
    pub fn set_with(&self, key: &K, values: &PerCpu<V>, flags: UpdateFlags) -> Result<()> {
        self.map.set(key.bytes(), values.raw(), flags)
    }

    /// Removes a key; `false` if it was not there.
    ///
    /// # Errors
    ///
    /// As [`Map::remove`].
    pub fn remove(&self, key: &K) -> Result<bool> {
        self.map.remove(key.bytes())
    }

    /// Goes through the keys, as [`HashMap::keys`](super::HashMap::keys) does.
    #[must_use]
    pub fn keys(&self) -> Keys<'_, K> {
        Keys::new(&self.map)
    }
}
