//! What typed views of a map check once, when they are made.

use std::any::type_name;

use oxbpf_object::kernel::MapType;

use super::{Map, Plain};
use crate::error::{Error, ErrorKind, Result};

/// Checks that a map is of one of these types, the first of which names the kind.
pub(crate) fn check_kind(map: &Map, kinds: &[MapType]) -> Result<()> {
    if kinds.contains(&map.map_type()) {
        return Ok(());
    }
    let wanted = kinds.first().copied().unwrap_or_default();
    Err(
        Error::new(ErrorKind::WrongKind, doing(map)).with_reason(format!(
            "map `{}` is of type {}, not {wanted}",
            map.name(),
            map.map_type()
        )),
    )
}

/// Checks the size of the keys of a map whose keys or values are of more than one size.
pub(super) fn check_sizes(map: &Map, what: &str, size: u32, wanted: &[u32]) -> Result<()> {
    if wanted.contains(&size) {
        return Ok(());
    }
    let wanted: Vec<String> = wanted.iter().map(u32::to_string).collect();
    Err(
        Error::new(ErrorKind::WrongSize, doing(map)).with_reason(format!(
            "map `{}` has {what} of {size} bytes, not {}",
            map.name(),
            wanted.join(" or ")
        )),
    )
}

/// Checks that keys of the map have the size of `K`.
pub(crate) fn check_key<K: Plain>(map: &Map) -> Result<()> {
    check_size::<K>(map, "keys", map.key_size())
}

/// Checks that values of the map have the size of `V`.
pub(crate) fn check_value<V: Plain>(map: &Map) -> Result<()> {
    check_size::<V>(map, "values", map.value_size())
}

fn check_size<T>(map: &Map, what: &str, size: u32) -> Result<()> {
    if size as usize == size_of::<T>() {
        return Ok(());
    }
    Err(
        Error::new(ErrorKind::WrongSize, doing(map)).with_reason(format!(
            "map `{}` has {what} of {size} bytes, `{}` has {}",
            map.name(),
            type_name::<T>(),
            size_of::<T>()
        )),
    )
}

fn doing(map: &Map) -> String {
    format!("using map `{}`", map.name())
}

/// What all typed views have in common: they are made from a map, and hand it out.
macro_rules! view {
    ($view:ident $(<$($param:ident: $bound:ident),+>)?) => {
        impl $(<$($param: $bound),+>)? TryFrom<Map> for $view $(<$($param),+>)? {
            type Error = crate::Error;

            /// Checks the kind of the map and the sizes of its keys and values.
            fn try_from(map: Map) -> crate::Result<Self> {
                Self::new(map)
            }
        }

        impl $(<$($param),+>)? $view $(<$($param),+>)? {
            /// The map, its keys and values as bytes.
            #[must_use]
            pub fn map(&self) -> &Map {
                &self.map
            }

            fn of(map: Map) -> Self {
                Self { map, types: std::marker::PhantomData }
            }
        }

        impl $(<$($param: $bound),+>)? $crate::map::InnerMap for $view $(<$($param),+>)? {
            fn from_map(map: Map) -> crate::Result<Self> {
                Self::new(map)
            }

            fn as_map(&self) -> &Map {
                &self.map
            }
        }

        impl $(<$($param),+>)? Clone for $view $(<$($param),+>)? {
            fn clone(&self) -> Self {
                Self::of(self.map.clone())
            }
        }

        impl $(<$($param),+>)? std::fmt::Debug for $view $(<$($param),+>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($view)).field(&self.map).finish()
            }
        }

        impl $(<$($param),+>)? std::os::fd::AsFd for $view $(<$($param),+>)? {
            fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                self.map.as_fd()
            }
        }
    };
}
pub(super) use view;
