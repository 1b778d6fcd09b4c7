//! Stack traces.

use std::marker::PhantomData;

use oxbpf_object::kernel::{MapFlags, MapType};

use super::view::{check_key, check_kind, view};
use super::{Entries, Map, Plain};
use crate::error::Result;

/// Stacks that programs took with `bpf_get_stackid`, by the number that it returned: `BPF_MAP_TYPE_STACK_TRACE`. Linux 4.6.
///
/// Equal stacks have one number. Names for their addresses are made by the feature `symbols`.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let (map, id): (oxbpf::Map, u32) = unimplemented!();
/// use oxbpf::map::{Frame, StackTraces};
///
/// let stacks: StackTraces = map.typed()?;
/// for frame in stacks.get(id)?.unwrap_or_default() {
///     match frame {
///         Frame::Address(address) => println!("{address:#x}"),
///         Frame::Offset { build_id, offset } => println!("{build_id:02x?} + {offset:#x}"),
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[doc(alias = "BPF_MAP_TYPE_STACK_TRACE")]
pub struct StackTraces {
    map: Map,
    types: PhantomData<()>,
}

view!(StackTraces);

/// A place in a stack: where a function was called, the innermost first.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Frame {
    /// An address, in the kernel or in the process.
    Address(u64),
    /// A place in a program file or library, of maps made with `BPF_F_STACK_BUILD_ID`.
    #[doc(alias = "bpf_stack_build_id")]
    Offset {
        /// The build id of the file, filled up with zeros.
        build_id: [u8; 20],
        /// From the start of the file.
        offset: u64,
    },
}

impl Frame {
    /// Its address, where it has one.
    #[must_use]
    pub fn address(&self) -> Option<u64> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Offset { .. } => None,
        }
    }

    /// The addresses of a stack that a program took with `bpf_get_stack`, and put into a record or a value. There are none behind the
    /// first 0.
    pub fn addresses(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
        let words = bytes.chunks_exact(8).filter_map(u64::from_bytes);
        words.take_while(|address| *address != 0)
    }

    /// The places of a stack taken with `BPF_F_USER_BUILD_ID`: `struct bpf_stack_build_id`, one after the other.
    pub fn with_build_ids(bytes: &[u8]) -> impl Iterator<Item = Self> + '_ {
        const EMPTY: i32 = 0;
        const VALID: i32 = 1;

        let places = bytes.chunks_exact(32).map(|place| {
            let (status, rest) = place.split_first_chunk()?;
            let (build_id, rest) = rest.split_first_chunk()?;
            let word = u64::from_bytes(rest)?;
            match i32::from_ne_bytes(*status) {
                EMPTY => None,
                VALID => Some(Self::Offset {
                    build_id: *build_id,
                    offset: word,
                }),
                _ => Some(Self::Address(word)),
            }
        });
        places.map_while(|frame| frame)
    }
}

impl StackTraces {
    /// Makes a view of a map.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](crate::ErrorKind::WrongKind) if it is of another kind.
    pub fn new(map: Map) -> Result<Self> {
        check_kind(&map, &[MapType::STACK_TRACE])?;
        check_key::<u32>(&map)?;
        Ok(Self::of(map))
    }

    /// The stack with a number, the innermost place first; `None` if there is none.
    ///
    /// # Errors
    ///
    /// As [`Map::get_into`].
    pub fn get(&self, id: u32) -> Result<Option<Vec<Frame>>> {
        let Some(bytes) = self.map.get(id.bytes())? else {
            return Ok(None);
        };
        Ok(Some(
            match self.map.flags().contains(MapFlags::STACK_BUILD_ID) {
                true => Frame::with_build_ids(&bytes).collect(),
                false => Frame::addresses(&bytes).map(Frame::Address).collect(),
            },
        ))
    }

    /// Removes a stack, which makes room for others; `false` if it was not there.
    ///
    /// # Errors
    ///
    /// As [`Map::remove`].
    pub fn remove(&self, id: u32) -> Result<bool> {
        self.map.remove(id.bytes())
    }

    /// Goes through the numbers of stacks.
    #[must_use]
    pub fn ids(&self) -> Entries<'_, u32> {
        Entries::keys(&self.map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_end_where_they_say_so() {
        let mut bytes = Vec::new();
        for (status, word) in [(1i32, 5u64), (2, 6), (0, 7), (1, 8)] {
            bytes.extend(status.to_ne_bytes());
            bytes.extend([status as u8; 20]);
            bytes.extend(word.to_ne_bytes());
        }
        let frames: Vec<_> = Frame::with_build_ids(&bytes).collect();
        let first = Frame::Offset {
            build_id: [1; 20],
            offset: 5,
        };
        assert_eq!(frames, [first, Frame::Address(6)]);
        let words: Vec<u8> = [3u64, 4, 0, 5]
            .into_iter()
            .flat_map(u64::to_ne_bytes)
            .collect();
        assert_eq!(Frame::addresses(&words).collect::<Vec<_>>(), [3, 4]);
    }
}
