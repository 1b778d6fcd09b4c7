//! Arrays with a value for each CPU.

use std::marker::PhantomData;

use oxbpf_object::kernel::MapType;

use super::per_cpu::check_cpus;
use super::view::{check_key, check_kind, check_value, view};
use super::{Entries, Map, PerCpu, Plain, UpdateFlags};
use crate::error::Result;

/// An array with a value `V` for each index and CPU, all there from the start:
/// `BPF_MAP_TYPE_PERCPU_ARRAY`.
#[doc(alias = "BPF_MAP_TYPE_PERCPU_ARRAY")]
pub struct PerCpuArray<V> {
    map: Map,
    types: PhantomData<fn() -> V>,
}

view!(PerCpuArray<V: Plain>);

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
        Ok(Self::of(map))
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
    /// [`BadIndex`](crate::ErrorKind::BadIndex) if there is no such index; otherwise
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
    /// [`BadIndex`](crate::ErrorKind::BadIndex) if there is no such index; otherwise
    /// as [`Map::set`].
    pub fn set(&self, index: u32, values: &PerCpu<V>) -> Result<()> {
        self.map
            .set(index.bytes(), values.raw(), UpdateFlags::empty())
    }

    /// The value at an index on one CPU. Linux 7.0 copies only that; on others it is picked from those of all CPUs.
    ///
    /// # Errors
    ///
    /// [`BadIndex`](crate::ErrorKind::BadIndex) if there is no such index or can be no such CPU; otherwise as
    /// [`Map::get_into`].
    #[doc(alias = "BPF_F_CPU")]
    pub fn get_on(&self, index: u32, cpu: u32) -> Result<V> {
        let mut value = V::zeroed();
        match self.map.get_on(index.bytes(), cpu, value.bytes_mut())? {
            true => Ok(value),
            false => Err(self.map.no_index(index)),
        }
    }

    /// Sets the value at an index on one CPU only. Linux 7.0.
    ///
    /// # Errors
    ///
    /// As [`PerCpuArray::set`]; [`Unsupported`](crate::ErrorKind::Unsupported) on older kernels, where the others' values
    /// would have to be written too, and what programs do meanwhile would be lost.
    #[doc(alias = "BPF_F_CPU")]
    pub fn set_on(&self, index: u32, cpu: u32, value: &V) -> Result<()> {
        self.map.set_on(index.bytes(), cpu, value.bytes())
    }

    /// Sets the same value on all CPUs.
    ///
    /// # Errors
    ///
    /// As [`PerCpuArray::set`].
    #[doc(alias = "BPF_F_ALL_CPUS")]
    pub fn set_all(&self, index: u32, value: &V) -> Result<()> {
        self.set(index, &PerCpu::all(value)?)
    }

    /// Goes through the values, in the order of their indices.
    #[must_use]
    pub fn iter(&self) -> Entries<'_, PerCpu<V>> {
        Entries::read(&self.map, |_, values| PerCpu::from_raw(values))
    }
}
