//! Arrays.

use std::marker::PhantomData;

use oxbpf_object::kernel::MapType;
use rustix::io::Errno;

use super::view::{check_key, check_kind, check_value, view};
use super::{Map, Plain, UpdateFlags};
use crate::error::{Error, Result};

/// An array of values `V`, all there from the start: `BPF_MAP_TYPE_ARRAY`.
#[doc(alias = "BPF_MAP_TYPE_ARRAY")]
pub struct Array<V> {
    map: Map,
    types: PhantomData<fn() -> V>,
}

view!(Array<V>);

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
        Ok(Self {
            map,
            types: PhantomData,
        })
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
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if there is no such index; otherwise
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
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if there is no such index; otherwise
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

    /// Goes through the values, in the order of their indices.
    pub fn iter(&self) -> impl Iterator<Item = Result<V>> + '_ {
        (0..self.len()).map(|index| self.get(index))
    }
}

impl Map {
    /// Copies out the value at an index, which must be there.
    pub(super) fn get_at(&self, index: u32, value: &mut [u8]) -> Result<()> {
        if self.get_into(index.bytes(), value)? {
            return Ok(());
        }
        let error = Error::syscall(Errno::NOENT, format!("reading from map `{}`", self.name()));
        Err(self.bad_index(error, index.bytes()))
    }
}
