//! Hash maps.

use std::marker::PhantomData;

use oxbpf_object::kernel::MapType;

use super::iter::pair;
use super::view::{check_key, check_kind, check_value, view};
use super::{Entries, Map, Plain, UpdateFlags};
use crate::error::Result;

/// A hash map with keys `K` and values `V`: `BPF_MAP_TYPE_HASH`; `BPF_MAP_TYPE_LRU_HASH`, which
/// drops the least recently used entries when it is full; or `BPF_MAP_TYPE_RHASH` (Linux 7.2), which resizes itself.
#[doc(alias = "BPF_MAP_TYPE_RHASH")]
#[doc(alias = "BPF_MAP_TYPE_HASH")]
#[doc(alias = "BPF_MAP_TYPE_LRU_HASH")]
pub struct HashMap<K, V> {
    map: Map,
    types: PhantomData<fn() -> (K, V)>,
}

view!(HashMap<K: Plain, V: Plain>);

impl<K: Plain, V: Plain> HashMap<K, V> {
    /// Makes a view of a map.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](crate::ErrorKind::WrongKind) if it is no hash map,
    /// [`WrongSize`](crate::ErrorKind::WrongSize) if its keys or values are not as large as `K` or `V`.
    pub fn new(map: Map) -> Result<Self> {
        check_kind(&map, &[MapType::HASH, MapType::LRU_HASH, MapType::RHASH])?;
        check_key::<K>(&map)?;
        check_value::<V>(&map)?;
        Ok(Self::of(map))
    }

    /// The value of a key, `None` if the key is not there.
    ///
    /// # Errors
    ///
    /// As [`Map::get_into`].
    pub fn get(&self, key: &K) -> Result<Option<V>> {
        let mut value = V::zeroed();
        let found = self.map.get_into(key.bytes(), value.bytes_mut())?;
        Ok(found.then_some(value))
    }

    /// The value of a key as `flags` say: [`UpdateFlags::LOCK`] takes the `bpf_spin_lock` in it meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Map::get_into_with`].
    pub fn get_with(&self, key: &K, flags: UpdateFlags) -> Result<Option<V>> {
        let mut value = V::zeroed();
        let found = self
            .map
            .get_into_with(key.bytes(), value.bytes_mut(), flags)?;
        Ok(found.then_some(value))
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    ///
    /// As [`Map::set`].
    pub fn set(&self, key: &K, value: &V) -> Result<()> {
        self.set_with(key, value, UpdateFlags::empty())
    }

    /// Sets the value of a key only as `flags` allow.
    ///
    /// # Errors
    ///
    /// As [`Map::set`].
    pub fn set_with(&self, key: &K, value: &V, flags: UpdateFlags) -> Result<()> {
        self.map.set(key.bytes(), value.bytes(), flags)
    }

    /// Sets the values of many keys, with as few system calls as the kernel allows.
    ///
    /// ```no_run
    /// # fn main() -> oxbpf::Result<()> {
    /// # let map: oxbpf::Map = unimplemented!();
    /// use oxbpf::map::{HashMap, UpdateFlags};
    ///
    /// let counts: HashMap<u32, u64> = map.typed()?;
    /// counts.set_batch(&[1, 2, 3], &[10, 20, 30], UpdateFlags::empty())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Map::set_batch`].
    #[doc(alias = "BPF_MAP_UPDATE_BATCH")]
    pub fn set_batch(&self, keys: &[K], values: &[V], flags: UpdateFlags) -> Result<()> {
        self.map
            .set_batch(K::slice_bytes(keys), V::slice_bytes(values), flags)
    }

    /// Removes a key; `false` if it was not there.
    ///
    /// # Errors
    ///
    /// As [`Map::remove`].
    pub fn remove(&self, key: &K) -> Result<bool> {
        self.map.remove(key.bytes())
    }

    /// Removes many keys; how many of them were there.
    ///
    /// # Errors
    ///
    /// As [`Map::remove_batch`].
    #[doc(alias = "BPF_MAP_DELETE_BATCH")]
    pub fn remove_batch(&self, keys: &[K]) -> Result<usize> {
        self.map.remove_batch(K::slice_bytes(keys))
    }

    /// Removes a key and returns its value, `None` if it was not there. Linux 5.14.
    ///
    /// # Errors
    ///
    /// As [`Map::take_into`].
    pub fn take(&self, key: &K) -> Result<Option<V>> {
        let mut value = V::zeroed();
        let found = self.map.take_into(key.bytes(), value.bytes_mut())?;
        Ok(found.then_some(value))
    }

    /// Goes through the keys. It is safe to remove each key when it comes up.
    ///
    /// The iteration ends after the first error. That is
    /// [`IterationAborted`](crate::ErrorKind::IterationAborted) when keys are removed by others
    /// faster than they can be gone through.
    #[must_use]
    pub fn keys(&self) -> Entries<'_, K> {
        Entries::keys(&self.map)
    }

    /// Goes through the values, as [`HashMap::iter`] does.
    #[must_use]
    pub fn values(&self) -> Entries<'_, V> {
        Entries::read(&self.map, |_, value| V::from_bytes(value))
    }

    /// Goes through keys and values. Many are read at once where the kernel can do that;
    /// [`Entries::guarantee`] says what holds while the map changes.
    #[must_use]
    pub fn iter(&self) -> Entries<'_, (K, V)> {
        Entries::read(&self.map, pair)
    }

    /// Empties the map and goes through what was in it; see [`Map::drain`].
    pub fn drain(&self) -> Entries<'_, (K, V)> {
        Entries::drain(&self.map, pair)
    }
}

impl<'a, K: Plain, V: Plain> IntoIterator for &'a HashMap<K, V> {
    type Item = Result<(K, V)>;
    type IntoIter = Entries<'a, (K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
