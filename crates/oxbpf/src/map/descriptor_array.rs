//! Arrays of what is named by a descriptor: what they have in common.

use std::os::fd::{AsFd, AsRawFd};

use super::{Map, Plain, UpdateFlags};
use crate::error::Result;

impl Map {
    /// Puts what a descriptor stands for under a key. The kernel holds it from then on; the descriptor may be closed.
    pub(super) fn set_descriptor(
        &self,
        key: &[u8],
        what: &impl AsFd,
        flags: UpdateFlags,
    ) -> Result<()> {
        let number = what.as_fd().as_raw_fd();
        match self.value_size() {
            // Maps of sockets may have room for a cookie.
            8 => self.set(key, (number as u64).bytes(), flags),
            _ => self.set(key, number.bytes(), flags),
        }
    }
}

/// A typed view of an array whose values are given as descriptors.
macro_rules! descriptor_array {
    ($(#[$doc:meta])* $view:ident, $kind:ident, value sizes $sizes:expr, $(#[$set_doc:meta])*) => {
        $(#[$doc])*
        pub struct $view {
            map: Map,
            types: std::marker::PhantomData<()>,
        }

        view!($view);

        impl $view {
            /// Makes a view of a map.
            ///
            /// # Errors
            ///
            /// [`WrongKind`](crate::ErrorKind::WrongKind) if it is of another kind.
            pub fn new(map: Map) -> Result<Self> {
                check_kind(&map, &[MapType::$kind])?;
                check_key::<u32>(&map)?;
                check_sizes(&map, "values", map.value_size(), $sizes)?;
                Ok(Self::of(map))
            }

            /// How many places there are.
            #[must_use]
            #[allow(clippy::len_without_is_empty)] // The kernel makes no empty arrays.
            pub fn len(&self) -> u32 {
                self.map.max_entries()
            }

            $(#[$set_doc])*
            ///
            /// # Errors
            ///
            /// [`BadIndex`](crate::ErrorKind::BadIndex) if there is no such index,
            /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the descriptor is of something else; otherwise as
            /// [`Map::set`].
            pub fn set(&self, index: u32, what: impl AsFd) -> Result<()> {
                self.map
                    .set_descriptor(index.bytes(), &what, UpdateFlags::empty())
            }

            /// Takes out what is at an index; `false` if the kernel says that there was nothing.
            ///
            /// # Errors
            ///
            /// As [`Map::remove`].
            pub fn remove(&self, index: u32) -> Result<bool> {
                self.map.remove(index.bytes())
            }
        }
    };
}
pub(super) use descriptor_array;
