//! Arrays in the memory of this process.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::AsFd;

use oxbpf_object::kernel::MapFlags;
use rustix::io::Errno;

use super::{Array, Map, Plain};
use crate::error::{Error, ErrorKind, Result};
use crate::global::Word;
use crate::sys::{Access, Mapping};

/// The values of an [`Array`] in the memory of this process: reading and writing takes no system call. Linux 5.5, of arrays
/// made with `BPF_F_MMAPABLE`.
///
/// Programs change the values at any time: words of up to 8 bytes are read and written whole, larger values piece by piece.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let map: oxbpf::Map = unimplemented!();
/// use oxbpf::map::Array;
/// use std::sync::atomic::Ordering;
///
/// let counts = map.typed::<Array<u64>>()?.mapped()?;
/// println!("{}", counts.get(3)?);
/// counts.atomic(3)?.fetch_add(1, Ordering::Relaxed);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "BPF_F_MMAPABLE")]
pub struct MappedArray<V> {
    map: Map,
    memory: Mapping,
    types: PhantomData<fn() -> V>,
}

impl<V: Plain> Array<V> {
    /// Maps the values into this process: for writing too, unless the array is frozen.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](ErrorKind::Unsupported) if it was made without `BPF_F_MMAPABLE`, and what the kernel says.
    pub fn mapped(&self) -> Result<MappedArray<V>> {
        let map = self.map().clone();
        let doing = || format!("mapping {map}");
        if !map.flags().contains(MapFlags::MMAPABLE) {
            return Err(Error::new(ErrorKind::Unsupported, doing())
                .with_reason("it was made without BPF_F_MMAPABLE"));
        }
        let len = MappedArray::<V>::STRIDE.saturating_mul(map.max_entries() as usize);
        let memory = match Mapping::shared(map.as_fd(), 0, len, Access::ReadWrite) {
            // It is frozen.
            Err(Errno::PERM) => Mapping::shared(map.as_fd(), 0, len, Access::Read),
            answer => answer,
        };
        match memory {
            Ok(memory) => Ok(MappedArray {
                map,
                memory,
                types: PhantomData,
            }),
            Err(errno) => Err(Error::syscall(errno, doing())),
        }
    }
}

impl<V: Plain> MappedArray<V> {
    /// Each value begins at a multiple of 8.
    const STRIDE: usize = size_of::<V>().next_multiple_of(8);

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
    /// [`BadIndex`](ErrorKind::BadIndex) if there is no such index.
    #[inline]
    pub fn get(&self, index: u32) -> Result<V> {
        let mut value = V::zeroed();
        match index < self.len() && self.memory.copy_out(Self::offset(index), value.bytes_mut()) {
            true => Ok(value),
            false => Err(self.map.no_index(index)),
        }
    }

    /// Sets the value at an index.
    ///
    /// # Errors
    ///
    /// [`BadIndex`](ErrorKind::BadIndex) if there is no such index, [`ReadOnly`](ErrorKind::ReadOnly) if the array was frozen
    /// when it was mapped.
    #[inline]
    pub fn set(&self, index: u32, value: &V) -> Result<()> {
        match index < self.len() && self.memory.copy_in(Self::offset(index), value.bytes()) {
            true => Ok(()),
            false => Err(self.unwritable(index)),
        }
    }

    /// The value at an index as an atomic, to be changed while programs do, too.
    ///
    /// # Errors
    ///
    /// As [`MappedArray::set`].
    pub fn atomic(&self, index: u32) -> Result<&V::Atomic>
    where
        V: Word,
    {
        let word = (index < self.len())
            .then(|| V::at(&self.memory, Self::offset(index)))
            .flatten();
        word.ok_or_else(|| self.unwritable(index))
    }

    /// Goes through the values, in the order of their indices.
    pub fn iter(&self) -> impl Iterator<Item = V> + '_ {
        (0..self.len()).filter_map(|index| self.get(index).ok())
    }

    fn offset(index: u32) -> usize {
        Self::STRIDE * index as usize
    }

    #[cold]
    fn unwritable(&self, index: u32) -> Error {
        match index < self.len() {
            true => Error::new(ErrorKind::ReadOnly, format!("writing to {}", self.map))
                .with_reason("it was frozen when it was mapped"),
            false => self.map.no_index(index),
        }
    }
}

impl<V> fmt::Debug for MappedArray<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MappedArray").field(&self.map).finish()
    }
}
