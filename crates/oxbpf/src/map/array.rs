//! Arrays.

use std::marker::PhantomData;

use oxbpf_object::kernel::MapType;
use rustix::io::Errno;

use super::view::{check_key, check_kind, check_value, view};
use super::{Entries, Map, Plain, UpdateFlags};
use crate::error::{Error, Result};

/// An array of values `V`, all there from the start: `BPF_MAP_TYPE_ARRAY`.
#[doc(alias = "BPF_MAP_TYPE_ARRAY")]
pub struct Array<V> {
    map: Map,
    types: PhantomData<fn() -> V>,
}

view!(Array<V: Plain>);

impl<V: Plain> Array<V> {
    /// Makes a view of a map.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](crate::ErrorKind::WrongKind) if it is no array,
    /// [`WrongSize`](crate::ErrorKind::WrongSize) if its values are not as large as `V`.
    pub fn new(map: Map) -> Result<Self> {
        check_kind(&map, &[MapType::ARRAY])?;
        check_key::<u32>(&map)?;
        check_value::<V>(&map)?;
        Ok(Self::of(map))
    }

    /// How many values there are.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // The kernel makes no empty arrays.
    pub fn len(&self) -> u32 {
        self.map.max_entries()
    }

    /// The value at an index.
    ///
    /// # Errors
    ///
    /// [`BadIndex`](crate::ErrorKind::BadIndex) if there is no such index; otherwise
    /// as [`Map::get_into`].
    pub fn get(&self, index: u32) -> Result<V> {
        let mut value = V::zeroed();
        self.map.get_at(index, value.bytes_mut())?;
        Ok(value)
    }

    /// Sets the value at an index.
    ///
    /// # Errors
    ///
    /// [`BadIndex`](crate::ErrorKind::BadIndex) if there is no such index; otherwise
    /// as [`Map::set`].
    pub fn set(&self, index: u32, value: &V) -> Result<()> {
        self.set_with(index, value, UpdateFlags::empty())
    }

    /// Sets the value at an index only as `flags` allow.
    ///
    /// # Errors
    ///
    /// As [`Array::set`].
    pub fn set_with(&self, index: u32, value: &V, flags: UpdateFlags) -> Result<()> {
        self.map.set(index.bytes(), value.bytes(), flags)
    }

    /// The value at an index as `flags` say: [`UpdateFlags::LOCK`] takes the `bpf_spin_lock` in it meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Array::get`], and of [`Map::get_into_with`].
    pub fn get_with(&self, index: u32, flags: UpdateFlags) -> Result<V> {
        let mut value = V::zeroed();
        match self
            .map
            .get_into_with(index.bytes(), value.bytes_mut(), flags)?
        {
            true => Ok(value),
            false => Err(self.map.no_index(index)),
        }
    }

    /// Sets the values at as many indices from `first` on, with as few system calls as the kernel allows.
    ///
    /// # Errors
    ///
    /// As [`Map::set_batch`].
    #[doc(alias = "BPF_MAP_UPDATE_BATCH")]
    pub fn set_batch(&self, first: u32, values: &[V]) -> Result<()> {
        let indices: Vec<u32> = (first..).take(values.len()).collect();
        let values = V::slice_bytes(values);
        self.map
            .set_batch(u32::slice_bytes(&indices), values, UpdateFlags::empty())
    }

    /// Goes through the values, in the order of their indices. Many are read at once.
    #[must_use]
    pub fn iter(&self) -> Entries<'_, V> {
        Entries::read(&self.map, |_, value| V::from_bytes(value))
    }
}

impl Map {
    /// Copies out the value at an index, which must be there.
    pub(super) fn get_at(&self, index: u32, value: &mut [u8]) -> Result<()> {
        match self.get_into(index.bytes(), value)? {
            true => Ok(()),
            false => Err(self.no_index(index)),
        }
    }

    #[cold]
    pub(super) fn no_index(&self, index: u32) -> Error {
        let error = Error::syscall(Errno::NOENT, format!("reading from {self}"));
        self.bad_index(error, index.bytes())
    }
}
