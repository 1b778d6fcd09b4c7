//! Queues and stacks.

use std::marker::PhantomData;

use oxbpf_object::kernel::MapType;

use super::view::{check_kind, check_value, view};
use super::{Map, Plain, UpdateFlags};
use crate::error::Result;

macro_rules! keyless {
    ($(#[$doc:meta])* $view:ident, $kind:ident, $next:literal) => {
        $(#[$doc])*
        pub struct $view<V> {
            map: Map,
            types: PhantomData<fn() -> V>,
        }

        view!($view<V: Plain>);

        impl<V: Plain> $view<V> {
            /// Makes a view of a map.
            ///
            /// # Errors
            ///
            /// [`WrongKind`](crate::ErrorKind::WrongKind) if it is of another kind,
            /// [`WrongSize`](crate::ErrorKind::WrongSize) if its values are not as large as `V`.
            pub fn new(map: Map) -> Result<Self> {
                check_kind(&map, &[MapType::$kind])?;
                check_value::<V>(&map)?;
                Ok(Self::of(map))
            }

            /// Puts a value in.
            ///
            /// # Errors
            ///
            /// [`Full`](crate::ErrorKind::Full) if there is no room for it; otherwise as [`Map::set`].
            pub fn push(&self, value: &V) -> Result<()> {
                self.map.set(&[], value.bytes(), UpdateFlags::empty())
            }

            /// Puts a value in, and throws out the oldest one if there is no room.
            ///
            /// # Errors
            ///
            /// As [`Map::set`].
            #[doc(alias = "BPF_EXIST")]
            pub fn push_over(&self, value: &V) -> Result<()> {
                self.map.set(&[], value.bytes(), UpdateFlags::EXIST)
            }

            #[doc = concat!("The ", $next, " value, which stays in; `None` if there is none.")]
            ///
            /// # Errors
            ///
            /// As [`Map::get_into`].
            pub fn peek(&self) -> Result<Option<V>> {
                let mut value = V::zeroed();
                let found = self.map.get_into(&[], value.bytes_mut())?;
                Ok(found.then_some(value))
            }

            #[doc = concat!("Takes out the ", $next, " value; `None` if there is none.")]
            ///
            /// # Errors
            ///
            /// As [`Map::take_into`].
            pub fn pop(&self) -> Result<Option<V>> {
                let mut value = V::zeroed();
                let found = self.map.take_into(&[], value.bytes_mut())?;
                Ok(found.then_some(value))
            }

            #[doc = concat!("Takes out the values, the ", $next, " one first, until there are none.")]
            pub fn drain(&self) -> impl Iterator<Item = Result<V>> + '_ {
                let mut failed = false;
                std::iter::from_fn(move || {
                    let next = if failed { None } else { self.pop().transpose() };
                    failed = matches!(next, Some(Err(_)));
                    next
                })
            }
        }
    };
}

keyless! {
    /// A queue of values `V`, first in, first out: `BPF_MAP_TYPE_QUEUE`. Linux 4.20.
    #[doc(alias = "BPF_MAP_TYPE_QUEUE")]
    Queue, QUEUE, "oldest"
}

keyless! {
    /// A stack of values `V`, last in, first out: `BPF_MAP_TYPE_STACK`. Linux 4.20.
    #[doc(alias = "BPF_MAP_TYPE_STACK")]
    Stack, STACK, "newest"
}
