//! Hash maps with a value for each CPU.

use std::marker::PhantomData;

use oxbpf_object::kernel::MapType;

use super::per_cpu::check_cpus;
use super::view::{check_key, check_kind, check_value, view};
use super::{Entries, Map, PerCpu, Plain, UpdateFlags};
use crate::error::Result;

/// A hash map with keys `K`, and a value `V` for each key and CPU: `BPF_MAP_TYPE_PERCPU_HASH`, or
/// `BPF_MAP_TYPE_LRU_PERCPU_HASH`, which drops the least recently used entries when it is full.
#[doc(alias = "BPF_MAP_TYPE_PERCPU_HASH")]
#[doc(alias = "BPF_MAP_TYPE_LRU_PERCPU_HASH")]
pub struct PerCpuHashMap<K, V> {
    map: Map,
    types: PhantomData<fn() -> (K, V)>,
}

view!(PerCpuHashMap<K: Plain, V: Plain>);

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
        Ok(Self::of(map))
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

    /// Removes a key and copies its values into `values`; `false` if it was not there. Linux 5.14.
    ///
    /// # Errors
    ///
    /// As [`Map::take_into`].
    pub fn take_into(&self, key: &K, values: &mut PerCpu<V>) -> Result<bool> {
        self.map.take_into(key.bytes(), values.raw_mut())
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
    pub fn keys(&self) -> Entries<'_, K> {
        Entries::keys(&self.map)
    }

    /// Goes through keys and values, as [`HashMap::iter`](super::HashMap::iter) does.
    #[must_use]
    pub fn iter(&self) -> Entries<'_, (K, PerCpu<V>)> {
        Entries::read(&self.map, pair)
    }

    /// Empties the map and goes through what was in it; see [`Map::drain`].
    pub fn drain(&self) -> Entries<'_, (K, PerCpu<V>)> {
        Entries::drain(&self.map, pair)
    }

    /// Hands each key and its values to `each`; how many keys there were. The values are in the same memory each time.
    ///
    /// # Errors
    ///
    /// As of [`Map::keys`].
    pub fn for_each(&self, mut each: impl FnMut(K, &PerCpu<V>)) -> Result<usize> {
        let mut values = PerCpu::zeroed()?;
        self.map.for_each(|key, bytes| {
            if let (Some(key), true) = (K::from_bytes(key), values.copy_from(bytes)) {
                each(key, &values);
            }
        })
    }

    /// The value of a key on one CPU, `None` if the key is not there. Linux 7.0 copies only that; on others it is picked
    /// from those of all CPUs.
    ///
    /// # Errors
    ///
    /// As [`Map::get_into`]; [`BadIndex`](crate::ErrorKind::BadIndex) if there can be no such CPU.
    #[doc(alias = "BPF_F_CPU")]
    pub fn get_on(&self, key: &K, cpu: u32) -> Result<Option<V>> {
        let mut value = V::zeroed();
        let found = self.map.get_on(key.bytes(), cpu, value.bytes_mut())?;
        Ok(found.then_some(value))
    }

    /// Sets the value of a key on one CPU only. Linux 7.0. A new key has zeros on the others.
    ///
    /// # Errors
    ///
    /// As [`Map::set`]; [`Unsupported`](crate::ErrorKind::Unsupported) on older kernels, where the others' values would have
    /// to be written too, and what programs do meanwhile would be lost.
    #[doc(alias = "BPF_F_CPU")]
    pub fn set_on(&self, key: &K, cpu: u32, value: &V) -> Result<()> {
        self.map.set_on(key.bytes(), cpu, value.bytes())
    }

    /// Sets the same value on all CPUs.
    ///
    /// # Errors
    ///
    /// As [`Map::set`].
    #[doc(alias = "BPF_F_ALL_CPUS")]
    pub fn set_all(&self, key: &K, value: &V) -> Result<()> {
        self.set(key, &PerCpu::all(value)?)
    }
}

impl<'a, K: Plain, V: Plain> IntoIterator for &'a PerCpuHashMap<K, V> {
    type Item = Result<(K, PerCpu<V>)>;
    type IntoIter = Entries<'a, (K, PerCpu<V>)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn pair<K: Plain, V: Plain>(key: &[u8], value: &[u8]) -> Option<(K, PerCpu<V>)> {
    Some((K::from_bytes(key)?, PerCpu::from_raw(value)?))
}
