//! Bloom filters.

use std::marker::PhantomData;

use oxbpf_object::kernel::MapType;

use super::view::{check_kind, check_value, view};
use super::{Map, Plain, UpdateFlags};
use crate::error::Result;

/// A set of values `V` that knows for certain only what is not in it: `BPF_MAP_TYPE_BLOOM_FILTER`. Linux 5.16.
///
/// [`max_entries`](Map::max_entries) is how many values it is made for; the low 4 bits of
/// [`map_extra`](super::MapInfo::map_extra) are the number of hash functions, 5 if they are 0. Nothing can be taken out.
#[doc(alias = "BPF_MAP_TYPE_BLOOM_FILTER")]
pub struct BloomFilter<V> {
    map: Map,
    types: PhantomData<fn() -> V>,
}

view!(BloomFilter<V: Plain>);

impl<V: Plain> BloomFilter<V> {
    /// Makes a view of a map.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](crate::ErrorKind::WrongKind) if it is no bloom filter,
    /// [`WrongSize`](crate::ErrorKind::WrongSize) if its values are not as large as `V`.
    pub fn new(map: Map) -> Result<Self> {
        check_kind(&map, &[MapType::BLOOM_FILTER])?;
        check_value::<V>(&map)?;
        Ok(Self::of(map))
    }

    /// Adds a value.
    ///
    /// # Errors
    ///
    /// As [`Map::set`].
    pub fn add(&self, value: &V) -> Result<()> {
        self.map.set(&[], value.bytes(), UpdateFlags::empty())
    }

    /// Whether a value may have been added: `false` is certain.
    ///
    /// # Errors
    ///
    /// As [`Map::get_into`].
    pub fn may_contain(&self, value: &V) -> Result<bool> {
        // The kernel reads the value where others have it written.
        let mut copy = V::zeroed();
        copy.bytes_mut().copy_from_slice(value.bytes());
        self.map.get_into(&[], copy.bytes_mut())
    }
}
