//! Maps of sockets.

use std::marker::PhantomData;
use std::os::fd::AsFd;

use oxbpf_object::kernel::MapType;
use rustix::io::Errno;

use super::view::{check_key, check_kind, check_sizes, view};
use super::{Entries, Map, Plain, UpdateFlags};
use crate::error::Result;

/// An array of sockets, whose programs redirect what comes in on one to another: `BPF_MAP_TYPE_SOCKMAP`. Linux 4.14.
///
/// A socket goes out of the map when it is closed.
#[doc(alias = "BPF_MAP_TYPE_SOCKMAP")]
pub struct SockMap {
    map: Map,
    types: PhantomData<()>,
}

view!(SockMap);

impl SockMap {
    /// Makes a view of a map.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](crate::ErrorKind::WrongKind) if it is no socket map.
    pub fn new(map: Map) -> Result<Self> {
        check_kind(&map, &[MapType::SOCKMAP])?;
        check_key::<u32>(&map)?;
        check_sizes(&map, "values", map.value_size(), &[4, 8])?;
        Ok(Self::of(map))
    }

    /// Puts a socket in: TCP and connected (or listening, Linux 5.7), UDP (5.7), Unix (5.15) or VSOCK (6.4).
    ///
    /// # Errors
    ///
    /// [`BadIndex`](crate::ErrorKind::BadIndex) if there is no such index, [`Unsupported`](crate::ErrorKind::Unsupported) if such sockets
    /// cannot be in a map, and what the kernel says otherwise.
    pub fn set(&self, index: u32, socket: impl AsFd) -> Result<()> {
        self.map
            .set_descriptor(index.bytes(), &socket, UpdateFlags::empty())
    }

    /// Takes a socket out; `false` if there was none.
    ///
    /// # Errors
    ///
    /// As [`Map::remove`].
    pub fn remove(&self, index: u32) -> Result<bool> {
        self.map.remove_socket(index.bytes())
    }

    /// The cookie of the socket at an index, as `SO_COOKIE` has it, `None` if there is none. Linux 5.7.
    ///
    /// # Errors
    ///
    /// [`WrongSize`](crate::ErrorKind::WrongSize) unless the map was made with values of 8 bytes.
    pub fn cookie(&self, index: u32) -> Result<Option<u64>> {
        self.map.socket_cookie(index.bytes())
    }
}

/// A hash map with keys `K` and sockets as values: `BPF_MAP_TYPE_SOCKHASH`. Linux 4.18. As [`SockMap`] otherwise.
#[doc(alias = "BPF_MAP_TYPE_SOCKHASH")]
pub struct SockHash<K> {
    map: Map,
    types: PhantomData<fn() -> K>,
}

view!(SockHash<K: Plain>);

impl<K: Plain> SockHash<K> {
    /// Makes a view of a map.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](crate::ErrorKind::WrongKind) if it is no socket hash, [`WrongSize`](crate::ErrorKind::WrongSize) if its keys are not as
    /// large as `K`.
    pub fn new(map: Map) -> Result<Self> {
        check_kind(&map, &[MapType::SOCKHASH])?;
        check_key::<K>(&map)?;
        check_sizes(&map, "values", map.value_size(), &[4, 8])?;
        Ok(Self::of(map))
    }

    /// Puts a socket in, in place of what is under the key.
    ///
    /// # Errors
    ///
    /// As [`SockMap::set`]; [`Full`](crate::ErrorKind::Full) if there is no room for another key.
    pub fn set(&self, key: &K, socket: impl AsFd) -> Result<()> {
        self.set_with(key, socket, UpdateFlags::empty())
    }

    /// Puts a socket in only as `flags` allow.
    ///
    /// # Errors
    ///
    /// As [`SockHash::set`].
    pub fn set_with(&self, key: &K, socket: impl AsFd, flags: UpdateFlags) -> Result<()> {
        self.map.set_descriptor(key.bytes(), &socket, flags)
    }

    /// Takes a socket out; `false` if there was none.
    ///
    /// # Errors
    ///
    /// As [`Map::remove`].
    pub fn remove(&self, key: &K) -> Result<bool> {
        self.map.remove_socket(key.bytes())
    }

    /// The cookie of the socket under a key, as [`SockMap::cookie`].
    ///
    /// # Errors
    ///
    /// As [`SockMap::cookie`].
    pub fn cookie(&self, key: &K) -> Result<Option<u64>> {
        self.map.socket_cookie(key.bytes())
    }

    /// Goes through the keys, as [`HashMap::keys`](super::HashMap::keys) does.
    #[must_use]
    pub fn keys(&self) -> Entries<'_, K> {
        Entries::keys(&self.map)
    }
}

impl Map {
    fn remove_socket(&self, key: &[u8]) -> Result<bool> {
        match self.remove(key) {
            // What these maps say of an empty place.
            Err(error) if error.errno() == Some(Errno::INVAL) => Ok(false),
            answer => answer,
        }
    }

    fn socket_cookie(&self, key: &[u8]) -> Result<Option<u64>> {
        check_sizes(self, "values", self.value_size(), &[8])?;
        let mut cookie = 0u64;
        let found = self.get_into(key, cookie.bytes_mut())?;
        Ok(found.then_some(cookie))
    }
}
