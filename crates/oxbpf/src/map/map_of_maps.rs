//! Maps whose values are maps.

use std::marker::PhantomData;

use oxbpf_object::kernel::MapType;

use super::view::{check_key, check_kind, check_value, view};
use super::{Entries, Map, Plain, UpdateFlags};
use crate::error::{ErrorKind, Result};

/// What the maps in a map of maps are taken for: a [`Map`], or a typed view of one.
pub trait InnerMap: Sized {
    /// Takes a map for one of these.
    ///
    /// # Errors
    ///
    /// As the view's own constructor.
    fn from_map(map: Map) -> Result<Self>;

    /// The map.
    fn as_map(&self) -> &Map;
}

impl InnerMap for Map {
    fn from_map(map: Map) -> Result<Self> {
        Ok(map)
    }

    fn as_map(&self) -> &Map {
        self
    }
}

/// An array of maps: `BPF_MAP_TYPE_ARRAY_OF_MAPS`. Linux 4.12.
///
/// All of its maps are like the one that it was made with: [`MapSpec::inner`](oxbpf_object::MapSpec::inner), or
/// [`CreateOptions::inner_map`](super::CreateOptions::inner_map). It keeps them alive.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let (map, inner): (oxbpf::Map, oxbpf::Map) = unimplemented!();
/// use oxbpf::map::{ArrayOfMaps, HashMap};
///
/// let outer: ArrayOfMaps<HashMap<u32, u64>> = map.typed()?;
/// outer.set(0, &inner.typed()?)?;
/// if let Some(counts) = outer.get(0)? {
///     println!("{:?}", counts.get(&7)?);
/// }
/// # Ok(())
/// # }
/// ```
#[doc(alias = "BPF_MAP_TYPE_ARRAY_OF_MAPS")]
pub struct ArrayOfMaps<I = Map> {
    map: Map,
    types: PhantomData<fn() -> I>,
}

view!(ArrayOfMaps<I: InnerMap>);

impl<I: InnerMap> ArrayOfMaps<I> {
    /// Makes a view of a map.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](ErrorKind::WrongKind) if it is no array of maps.
    pub fn new(map: Map) -> Result<Self> {
        check_kind(&map, &[MapType::ARRAY_OF_MAPS])?;
        check_key::<u32>(&map)?;
        check_value::<u32>(&map)?;
        Ok(Self::of(map))
    }

    /// How many places there are.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // The kernel makes no empty arrays.
    pub fn len(&self) -> u32 {
        self.map.max_entries()
    }

    /// Puts a map in, in place of what is there.
    ///
    /// # Errors
    ///
    /// [`BadIndex`](ErrorKind::BadIndex) if there is no such index, [`InvalidInput`](ErrorKind::InvalidInput) if the map is not
    /// like the one that this was made with.
    pub fn set(&self, index: u32, inner: &I) -> Result<()> {
        self.map
            .set_inner(index.bytes(), inner.as_map(), UpdateFlags::empty())
    }

    /// The map at an index, `None` if there is none.
    ///
    /// # Errors
    ///
    /// As [`Map::get_into`]; [`PermissionDenied`](ErrorKind::PermissionDenied) without CAP_SYS_ADMIN.
    pub fn get(&self, index: u32) -> Result<Option<I>> {
        self.map
            .get_inner(index.bytes())?
            .map(I::from_map)
            .transpose()
    }

    /// Takes a map out; `false` if there was none.
    ///
    /// # Errors
    ///
    /// As [`Map::remove`].
    pub fn remove(&self, index: u32) -> Result<bool> {
        self.map.remove(index.bytes())
    }
}

/// A hash map with keys `K` and maps as values: `BPF_MAP_TYPE_HASH_OF_MAPS`. Linux 4.12. As [`ArrayOfMaps`] otherwise.
#[doc(alias = "BPF_MAP_TYPE_HASH_OF_MAPS")]
pub struct HashOfMaps<K, I = Map> {
    map: Map,
    types: PhantomData<fn() -> (K, I)>,
}

view!(HashOfMaps<K: Plain, I: InnerMap>);

impl<K: Plain, I: InnerMap> HashOfMaps<K, I> {
    /// Makes a view of a map.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](ErrorKind::WrongKind) if it is no hash of maps, [`WrongSize`](ErrorKind::WrongSize) if its keys are not as
    /// large as `K`.
    pub fn new(map: Map) -> Result<Self> {
        check_kind(&map, &[MapType::HASH_OF_MAPS])?;
        check_key::<K>(&map)?;
        check_value::<u32>(&map)?;
        Ok(Self::of(map))
    }

    /// Puts a map in, in place of what is under the key.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the map is not like the one that this was made with; otherwise as
    /// [`Map::set`].
    pub fn set(&self, key: &K, inner: &I) -> Result<()> {
        self.set_with(key, inner, UpdateFlags::empty())
    }

    /// Puts a map in only as `flags` allow.
    ///
    /// # Errors
    ///
    /// As [`HashOfMaps::set`].
    pub fn set_with(&self, key: &K, inner: &I, flags: UpdateFlags) -> Result<()> {
        self.map.set_inner(key.bytes(), inner.as_map(), flags)
    }

    /// The map under a key, `None` if there is none.
    ///
    /// # Errors
    ///
    /// As [`ArrayOfMaps::get`].
    pub fn get(&self, key: &K) -> Result<Option<I>> {
        self.map
            .get_inner(key.bytes())?
            .map(I::from_map)
            .transpose()
    }

    /// Takes a map out; `false` if there was none.
    ///
    /// # Errors
    ///
    /// As [`Map::remove`].
    pub fn remove(&self, key: &K) -> Result<bool> {
        self.map.remove(key.bytes())
    }

    /// Goes through the keys, as [`HashMap::keys`](super::HashMap::keys) does.
    #[must_use]
    pub fn keys(&self) -> Entries<'_, K> {
        Entries::keys(&self.map)
    }
}

impl Map {
    fn set_inner(&self, key: &[u8], inner: &Map, flags: UpdateFlags) -> Result<()> {
        self.set_descriptor(key, inner, flags)
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidInput => error.with_reason(format!(
                    "{inner} ({}, keys of {} bytes, values of {}, {} entries) is not like the map that this one was made with",
                    inner.map_type(),
                    inner.key_size(),
                    inner.value_size(),
                    inner.max_entries()
                )),
                _ => error,
            })
    }

    fn get_inner(&self, key: &[u8]) -> Result<Option<Map>> {
        let mut id = 0u32;
        if !self.get_into(key, id.bytes_mut())? {
            return Ok(None);
        }
        match Map::from_id(id) {
            Ok(map) => Ok(Some(map)),
            // Taken out since.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.context(format!("reading from {self}"))),
        }
    }
}
