//! Going through the keys of a map that changes meanwhile.

use std::marker::PhantomData;

use super::{HashMap, Map, Plain};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::MAX_ITERATION_RESTARTS;

/// What an iteration promises while the map is being changed by others.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Guarantee {
    /// Every entry that stays is seen exactly once.
    Once,
    /// When an entry is deleted, others may be seen again; when it is replaced, others may be
    /// missed. Without changes, every entry is seen exactly once.
    Approximate,
}

/// Steps from key to key.
///
/// The kernel finds the key after a given one, and begins again at the first when the given
/// one is gone. It does not say when it does so. Here it is noticed when the first key comes up
/// again, or when more keys came up than the map can hold.
#[derive(Debug)]
struct Walk<K> {
    state: State<K>,
    first: Option<K>,
    restarts: u32,
    steps_left: u64,
}

#[derive(Debug)]
enum State<K> {
    Start,
    /// The key that was handed out, and the one after it: fetched before, so that the user may
    /// remove the former.
    Between(Option<K>),
    Done,
}

/// Keys that bytes can be copied into.
trait KeyBuffer: Sized {
    fn empty(map: &Map) -> Self;
    fn bytes(&self) -> &[u8];
    fn bytes_mut(&mut self) -> &mut [u8];
    fn duplicate(&self) -> Self;
}

impl KeyBuffer for Vec<u8> {
    fn empty(map: &Map) -> Self {
        vec![0; map.key_size() as usize]
    }

    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }

    fn duplicate(&self) -> Self {
        self.clone()
    }
}

/// A [`Plain`] key.
#[derive(Debug)]
struct Key<K>(K);

impl<K: Plain> KeyBuffer for Key<K> {
    fn empty(_map: &Map) -> Self {
        Self(K::zeroed())
    }

    fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self.0.bytes_mut()
    }

    fn duplicate(&self) -> Self {
        let mut copy = K::zeroed();
        copy.bytes_mut().copy_from_slice(self.0.bytes());
        Self(copy)
    }
}

impl<K: KeyBuffer> Walk<K> {
    fn new(map: &Map) -> Self {
        let room = u64::from(map.max_entries()).max(1);
        Self {
            state: State::Start,
            first: None,
            restarts: 0,
            steps_left: room.saturating_mul(u64::from(MAX_ITERATION_RESTARTS) + 1),
        }
    }

    /// The next key. Ends after the last key, and after an error.
    fn next(&mut self, map: &Map) -> Option<Result<K>> {
        self.advance(map).transpose()
    }

    fn advance(&mut self, map: &Map) -> Result<Option<K>> {
        let key = match std::mem::replace(&mut self.state, State::Done) {
            State::Start => self.step(map, None)?,
            State::Between(key) => key,
            State::Done => None,
        };
        let Some(key) = key else {
            return Ok(None);
        };
        self.state = State::Between(self.step(map, Some(&key))?);
        Ok(Some(key))
    }

    fn step(&mut self, map: &Map, key: Option<&K>) -> Result<Option<K>> {
        let mut next = K::empty(map);
        if !map.next_key_into(key.map(K::bytes), next.bytes_mut())? {
            return Ok(None);
        }
        match &self.first {
            None => self.first = Some(next.duplicate()),
            Some(first) if first.bytes() == next.bytes() => self.restarts += 1,
            Some(_) => {}
        }
        self.steps_left = self.steps_left.saturating_sub(1);
        if self.restarts > MAX_ITERATION_RESTARTS || self.steps_left == 0 {
            return Err(Error::new(
                ErrorKind::IterationAborted,
                format!("going through map `{}`", map.name()),
            )
            .with_reason("keys are removed faster than they can be gone through"));
        }
        Ok(Some(next))
    }
}

/// The keys of a map as bytes; see [`Map::keys`].
#[derive(Debug)]
pub struct RawKeys<'a> {
    map: &'a Map,
    walk: Walk<Vec<u8>>,
}

impl Iterator for RawKeys<'_> {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.walk.next(self.map)
    }
}

impl Map {
    /// Goes through the keys.
    ///
    /// It is safe to remove each key when it comes up. [`Guarantee::Approximate`] holds,
    /// except for arrays.
    ///
    /// The iteration ends after the first error. That is [`ErrorKind::IterationAborted`] when
    /// keys are removed by others faster than they can be gone through.
    #[must_use]
    pub fn keys(&self) -> RawKeys<'_> {
        RawKeys {
            map: self,
            walk: Walk::new(self),
        }
    }
}

/// The keys of a typed map; see [`HashMap::keys`](super::HashMap::keys).
#[derive(Debug)]
pub struct Keys<'a, K> {
    map: &'a Map,
    walk: Walk<Key<K>>,
}

impl<'a, K: Plain> Keys<'a, K> {
    pub(super) fn new(map: &'a Map) -> Self {
        Self {
            map,
            walk: Walk::new(map),
        }
    }

    /// What the iteration promises while the map changes.
    #[must_use]
    pub fn guarantee(&self) -> Guarantee {
        Guarantee::Approximate
    }
}

impl<K: Plain> Iterator for Keys<'_, K> {
    type Item = Result<K>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.walk.next(self.map)?.map(|key| key.0))
    }
}

/// The keys and values of a hash map; see [`HashMap::iter`].
#[derive(Debug)]
pub struct Entries<'a, K, V> {
    keys: Keys<'a, K>,
    map: &'a HashMap<K, V>,
    types: PhantomData<V>,
}

impl<'a, K: Plain, V: Plain> Entries<'a, K, V> {
    pub(super) fn new(map: &'a HashMap<K, V>) -> Self {
        Self {
            keys: Keys::new(map.map()),
            map,
            types: PhantomData,
        }
    }

    /// What the iteration promises while the map changes.
    #[must_use]
    pub fn guarantee(&self) -> Guarantee {
        self.keys.guarantee()
    }
}

impl<K: Plain, V: Plain> Iterator for Entries<'_, K, V> {
    type Item = Result<(K, V)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let key = match self.keys.next()? {
                Ok(key) => key,
                Err(error) => return Some(Err(error)),
            };
            match self.map.get(&key) {
                Ok(Some(value)) => return Some(Ok((key, value))),
                // Removed since its key was read.
                Ok(None) => {}
                Err(error) => {
                    self.keys.walk.state = State::Done;
                    return Some(Err(error));
                }
            }
        }
    }
}
