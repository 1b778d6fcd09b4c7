//! Going through a map that changes meanwhile.

use oxbpf_object::kernel::MapType;

use super::batch::Batches;
use super::walk::Walk;
use super::{Map, Plain};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::BatchRead;

/// What an iteration promises while the map is being changed by others.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Guarantee {
    /// Every entry that stays is seen exactly once, also where it gets another value.
    Once,
    /// When an entry is deleted, others may be seen again; when it is replaced, others may be
    /// missed. Without changes, every entry is seen exactly once.
    Approximate,
}

/// What is wanted of each entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wanted {
    Keys,
    Entries,
    /// Its removal.
    Drain,
}

/// One pass over a map: in batches where there are any, else from key to key.
#[derive(Debug)]
struct Pass {
    way: Way,
    wanted: Wanted,
}

#[derive(Debug)]
enum Way {
    Batches(Batches),
    Walk {
        walk: Walk,
        value: Vec<u8>,
        /// Whether anything came up since the walk began, or began again.
        found: bool,
    },
    /// It could not begin.
    Failed(Option<Error>),
}

impl Pass {
    fn new(map: &Map, wanted: Wanted) -> Self {
        let batches = match wanted {
            // Batches have an entry twice while it is moved.
            _ if is_moved_when_drained(map, wanted) => Ok(None),
            Wanted::Drain => Batches::open(map, BatchRead::Remove),
            Wanted::Keys | Wanted::Entries => Batches::open(map, BatchRead::Keep),
        };
        let way = match batches {
            Ok(Some(batches)) => Way::Batches(batches),
            Ok(None) => Self::walk(map, wanted),
            Err(error) => Way::Failed(Some(error)),
        };
        Self { way, wanted }
    }

    fn walk(map: &Map, wanted: Wanted) -> Way {
        let len = match wanted {
            Wanted::Keys => Ok(0),
            _ => map.value_len(),
        };
        match len {
            Ok(len) => Way::Walk {
                walk: Walk::new(map),
                value: vec![0; len],
                found: false,
            },
            Err(error) => Way::Failed(Some(error)),
        }
    }

    /// The next key and, where it is wanted, its value. Ends after the last one, and after an error.
    fn next(&mut self, map: &Map) -> Option<Result<(&[u8], &[u8])>> {
        match self.advance(map) {
            Ok(true) => Some(Ok(self.element())),
            Ok(false) => None,
            Err(error) => {
                self.way = Way::Failed(None);
                Some(Err(error))
            }
        }
    }

    fn advance(&mut self, map: &Map) -> Result<bool> {
        match &mut self.way {
            Way::Batches(batches) => batches.advance(map),
            Way::Walk { walk, value, found } => loop {
                if !walk.advance(map)? {
                    // What is being moved as the map shrinks may have been passed over.
                    if *found && is_moved_when_drained(map, self.wanted) && walk.begin_again() {
                        *found = false;
                        continue;
                    }
                    return Ok(false);
                }
                let is_there = match self.wanted {
                    Wanted::Keys => true,
                    Wanted::Entries => map.get_into(walk.key(), value)?,
                    Wanted::Drain => remove_into(map, walk.key(), value)?,
                };
                // Else it was removed since its key was read.
                if is_there {
                    *found = true;
                    return Ok(true);
                }
            },
            Way::Failed(error) => error.take().map_or(Ok(false), Err),
        }
    }

    fn element(&self) -> (&[u8], &[u8]) {
        match &self.way {
            Way::Batches(batches) => batches.element(),
            Way::Walk { walk, value, .. } => (walk.key(), value),
            Way::Failed(_) => (&[], &[]),
        }
    }

    fn guarantee(&self, map: &Map) -> Guarantee {
        match self.way {
            _ if map.is_indexed() => Guarantee::Once,
            // Their buckets are read whole, and elements stay in theirs.
            Way::Batches(_) if has_fixed_buckets(map.map_type()) => Guarantee::Once,
            _ => Guarantee::Approximate,
        }
    }
}

fn has_fixed_buckets(map_type: MapType) -> bool {
    matches!(
        map_type,
        MapType::HASH
            | MapType::LRU_HASH
            | MapType::PERCPU_HASH
            | MapType::LRU_PERCPU_HASH
            | MapType::HASH_OF_MAPS
    )
}

/// Whether entries are moved while others are removed: such a map resizes itself.
fn is_moved_when_drained(map: &Map, wanted: Wanted) -> bool {
    wanted == Wanted::Drain && map.map_type() == MapType::RHASH
}

/// Removes a key and copies out its value, if it is there. Where the kernel cannot do both at once, a change of
/// the value in between is lost.
fn remove_into(map: &Map, key: &[u8], value: &mut [u8]) -> Result<bool> {
    match map.take_into(key, value) {
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            Ok(map.get_into(key, value)? && map.remove(key)?)
        }
        answer => answer,
    }
}

/// What an iteration makes of the bytes of a key and, if asked for, its value.
type Make<T> = fn(&[u8], &[u8]) -> Option<T>;

/// The entries of a map, or its keys: as bytes ([`Map::entries`], [`Map::keys`]), or typed, as by
/// [`HashMap::iter`](super::HashMap::iter).
///
/// It ends after the last one, and after the first error.
pub struct Entries<'a, T> {
    map: &'a Map,
    pass: Pass,
    make: Make<T>,
}

impl<'a, T> Entries<'a, T> {
    fn new(map: &'a Map, wanted: Wanted, make: Make<T>) -> Self {
        Self {
            map,
            pass: Pass::new(map, wanted),
            make,
        }
    }

    pub(super) fn read(map: &'a Map, make: Make<T>) -> Self {
        Self::new(map, Wanted::Entries, make)
    }

    pub(super) fn drain(map: &'a Map, make: Make<T>) -> Self {
        Self::new(map, Wanted::Drain, make)
    }

    /// What the iteration promises while the map changes.
    #[must_use]
    pub fn guarantee(&self) -> Guarantee {
        self.pass.guarantee(self.map)
    }
}

impl<'a, K: Plain> Entries<'a, K> {
    pub(super) fn keys(map: &'a Map) -> Self {
        Self::new(map, Wanted::Keys, |key, _| K::from_bytes(key))
    }
}

impl<T> Iterator for Entries<'_, T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        let make = self.make;
        let next = self.pass.next(self.map)?;
        next.map(|(key, value)| make(key, value)).transpose()
    }
}

impl<T> std::fmt::Debug for Entries<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entries")
            .field("map", self.map)
            .field("guarantee", &self.guarantee())
            .finish_non_exhaustive()
    }
}

/// An entry of a map with keys `K` and values `V`.
pub(super) fn pair<K: Plain, V: Plain>(key: &[u8], value: &[u8]) -> Option<(K, V)> {
    Some((K::from_bytes(key)?, V::from_bytes(value)?))
}

impl Map {
    /// Goes through the keys.
    ///
    /// It is safe to remove each key when it comes up. Kernels read many at once where they can;
    /// what that promises while the map changes, [`Entries::guarantee`] says.
    ///
    /// The iteration ends after the first error. That is [`ErrorKind::IterationAborted`] when
    /// keys are removed by others faster than they can be gone through.
    #[must_use]
    pub fn keys(&self) -> Entries<'_, Vec<u8>> {
        Entries::new(self, Wanted::Keys, |key, _| Some(key.to_vec()))
    }

    /// Goes through keys and values, as [`Map::keys`] does.
    #[must_use]
    pub fn entries(&self) -> Entries<'_, (Vec<u8>, Vec<u8>)> {
        Entries::read(self, |key, value| Some((key.to_vec(), value.to_vec())))
    }

    /// Hands each key and value to `each`; how many there were. Nothing is allocated for each.
    ///
    /// # Errors
    ///
    /// As of [`Map::keys`].
    pub fn for_each(&self, mut each: impl FnMut(&[u8], &[u8])) -> Result<usize> {
        let mut pass = Pass::new(self, Wanted::Entries);
        let mut count = 0;
        while let Some(next) = pass.next(self) {
            let (key, value) = next?;
            each(key, value);
            count += 1;
        }
        Ok(count)
    }

    /// Empties the map and goes through what was in it.
    ///
    /// Many entries are taken out at once where the kernel can: those that the iterator has not handed out when it is
    /// dropped are lost, and others stay in the map.
    #[doc(alias = "BPF_MAP_LOOKUP_AND_DELETE_BATCH")]
    pub fn drain(&self) -> Entries<'_, (Vec<u8>, Vec<u8>)> {
        Entries::drain(self, |key, value| Some((key.to_vec(), value.to_vec())))
    }

    /// Counts the entries: the kernel keeps no count, so this goes through all of them.
    ///
    /// # Errors
    ///
    /// As of [`Map::keys`].
    pub fn len(&self) -> Result<usize> {
        count(self, Wanted::Keys)
    }

    /// Whether there is no entry.
    ///
    /// # Errors
    ///
    /// As [`Map::next_key_into`].
    pub fn is_empty(&self) -> Result<bool> {
        let mut first = vec![0; self.key_size() as usize];
        Ok(!self.next_key_into(None, &mut first)?)
    }

    /// Removes all entries; how many there were.
    ///
    /// # Errors
    ///
    /// As of [`Map::drain`].
    pub fn clear(&self) -> Result<usize> {
        count(self, Wanted::Drain)
    }
}

fn count(map: &Map, wanted: Wanted) -> Result<usize> {
    let mut pass = Pass::new(map, wanted);
    let mut count = 0;
    while pass.advance(map)? {
        count += 1;
    }
    Ok(count)
}
