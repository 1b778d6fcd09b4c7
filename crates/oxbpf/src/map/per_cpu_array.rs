//! Arrays with a value for each CPU.

use std::marker::PhantomData;

use oxbpf_object::kernel::MapType;

use super::per_cpu::check_cpus;
use super::view::{check_key, check_kind, check_value, view};
use super::{Map, PerCpu, Plain, UpdateFlags};
use crate::error::Result;

/// An array with a value `V` for each index and CPU, all there from the start:
/// `BPF_MAP_TYPE_PERCPU_ARRAY`.
#[doc(alias = "BPF_MAP_TYPE_PERCPU_ARRAY")]
pub struct PerCpuArray<V> {
    map: Map,
    types: PhantomData<fn() -> V>,
}

view!(PerCpuArray<V>);

impl<V: Plain> PerCpuArray<V> {
    /// Makes a view of a map.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](crate::ErrorKind::WrongKind) if it is no per-CPU array,
    /// [`WrongSize`](crate::ErrorKind::WrongSize) if its values are not as large as `V`.
    pub fn new(map: Map) -> Result<Self> {
        check_kind(&map, &[MapType::PERCPU_ARRAY])?;
        check_key::<u32>(&map)?;
        check_value::<V>(&map)?;
        check_cpus(&map)?;
        Ok(Self {
            map,
            types: PhantomData,
        })
    }

    /// How many indices there are.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // The kernel makes no empty arrays.
    pub fn len(&self) -> u32 {
        self.map.max_entries()
    }

    /// The values at an index.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if there is no such index; otherwise
    /// as [`Map::get_into`].
    pub fn get(&self, index: u32) -> Result<PerCpu<V>> {
        let mut values = PerCpu::zeroed()?;
        self.get_into(index, &mut values)?;
        Ok(values)
    }

    /// Copies the values at an index into `values`. Allocates nothing.
    ///
    /// # Errors
    ///
    /// As [`PerCpuArray::get`].
    pub fn get_into(&self, index: u32, values: &mut PerCpu<V>) -> Result<()> {
        self.map.get_at(index, values.raw_mut())
    }

    /// Sets the values at an index, on all CPUs.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if there is no such index; otherwise
    /// as [`Map::set`].
    pub fn set(&self, index: u32, values: &PerCpu<V>) -> Result<()> {
        self.map
            .set(index.bytes(), values.raw(), UpdateFlags::empty())
    }
}
