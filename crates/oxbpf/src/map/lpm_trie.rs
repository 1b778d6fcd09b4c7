//! Tries: the longest prefix that matches.

use std::fmt;
use std::marker::PhantomData;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use oxbpf_object::kernel::MapType;

use super::view::{check_kind, check_sizes, check_value, view};
use super::{Entries, Map, Plain, UpdateFlags};
use crate::error::{Error, ErrorKind, Result};

/// What prefixes are of: an address, or bytes that are compared from their first bit on.
pub trait Address: Copy {
    /// How many bytes it has, 256 at most.
    const LEN: usize;

    /// Its bytes, the most significant first, into as many.
    fn write_to(&self, octets: &mut [u8]);

    /// From as many bytes.
    fn read_from(octets: &[u8]) -> Option<Self>;
}

impl<const N: usize> Address for [u8; N] {
    const LEN: usize = N;

    fn write_to(&self, octets: &mut [u8]) {
        octets.copy_from_slice(self);
    }

    fn read_from(octets: &[u8]) -> Option<Self> {
        octets.try_into().ok()
    }
}

macro_rules! addresses {
    ($($address:ident $len:literal)*) => {$(
        impl Address for $address {
            const LEN: usize = $len;

            fn write_to(&self, octets: &mut [u8]) {
                octets.copy_from_slice(&self.octets());
            }

            fn read_from(octets: &[u8]) -> Option<Self> {
                <[u8; $len]>::read_from(octets).map(Self::from)
            }
        }

        impl From<$address> for Prefix<$address> {
            /// The prefix that has this address only.
            fn from(address: $address) -> Self {
                Self { address, len: 8 * $len }
            }
        }
    )*};
}

addresses! { Ipv4Addr 4 Ipv6Addr 16 }

/// The most bytes that the kernel compares.
const MAX_ADDRESS: usize = 256;

/// The first so many bits of an address: a network.
///
/// ```
/// use oxbpf::map::Prefix;
/// use std::net::Ipv4Addr;
///
/// # fn main() -> oxbpf::Result<()> {
/// let net: Prefix<Ipv4Addr> = "10.1.2.3/8".parse()?;
/// assert_eq!(net, Prefix::new(Ipv4Addr::new(10, 0, 0, 0), 8)?);
/// assert_eq!(net.to_string(), "10.0.0.0/8");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[doc(alias = "bpf_lpm_trie_key")]
pub struct Prefix<A> {
    address: A,
    len: u32,
}

impl<A: Address> Prefix<A> {
    /// The first `len` bits of an address; the others are cleared.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it has not as many.
    pub fn new(address: A, len: u32) -> Result<Self> {
        const { assert!(A::LEN <= MAX_ADDRESS) };
        if len as usize > 8 * A::LEN {
            return Err(
                Error::new(ErrorKind::InvalidInput, "making a prefix").with_reason(format!(
                    "it is of {len} bits, the address has {}",
                    8 * A::LEN
                )),
            );
        }
        let mut octets = [0; MAX_ADDRESS];
        let octets = &mut octets[..A::LEN];
        address.write_to(octets);
        for (at, octet) in octets.iter_mut().enumerate() {
            let kept = (len as usize).saturating_sub(8 * at).min(8) as u32;
            *octet &= !(0xff_u16 >> kept) as u8;
        }
        let address = A::read_from(octets).unwrap_or(address);
        Ok(Self { address, len })
    }

    /// The address, with zeros after the prefix.
    #[must_use]
    pub fn address(&self) -> A {
        self.address
    }

    /// How many bits count.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // Bits of a prefix, not elements of anything.
    pub fn len(&self) -> u32 {
        self.len
    }
}

impl<A: Address + FromStr> FromStr for Prefix<A> {
    type Err = Error;

    /// Reads an address, and behind a slash the number of bits: "10.0.0.0/8", "::1".
    fn from_str(text: &str) -> Result<Self> {
        let wrong = |reason: String| {
            Error::new(ErrorKind::InvalidInput, format!("reading prefix `{text}`"))
                .with_reason(reason)
        };
        let (address, len) = text.split_once('/').unwrap_or((text, ""));
        let address: A = address
            .parse()
            .map_err(|_| wrong(format!("`{address}` is no such address")))?;
        let len = match len {
            "" if !text.contains('/') => 8 * A::LEN as u32,
            len => len
                .parse()
                .map_err(|_| wrong(format!("`{len}` is no number of bits")))?,
        };
        Self::new(address, len).map_err(|error| error.context(format!("reading prefix `{text}`")))
    }
}

impl<A: fmt::Display> fmt::Display for Prefix<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.len)
    }
}

/// A map that finds the longest prefix of an address, such as a routing table: `BPF_MAP_TYPE_LPM_TRIE`. Linux 4.11.
///
/// Addresses are of type `A`, values of type `V`. In C, a key is a `struct` of a `__u32` with the number of bits, in the
/// machine's byte order, and the bytes of the address, in the network's.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let map: oxbpf::Map = unimplemented!();
/// use oxbpf::map::LpmTrie;
/// use std::net::Ipv4Addr;
///
/// let routes: LpmTrie<Ipv4Addr, u32> = map.typed()?;
/// routes.set(&"10.0.0.0/8".parse()?, &1)?;
/// routes.set(&"10.1.0.0/16".parse()?, &2)?;
/// assert_eq!(routes.get(Ipv4Addr::new(10, 1, 2, 3))?, Some(2));
/// # Ok(())
/// # }
/// ```
#[doc(alias = "BPF_MAP_TYPE_LPM_TRIE")]
pub struct LpmTrie<A, V> {
    map: Map,
    types: PhantomData<fn() -> (A, V)>,
}

view!(LpmTrie<A: Address, V: Plain>);

/// A key as the kernel has it: the number of bits, then the address.
struct Key {
    bytes: [u8; 4 + MAX_ADDRESS],
    len: usize,
}

impl Key {
    fn new<A: Address>(prefix: &Prefix<A>) -> Self {
        let len = 4 + A::LEN;
        let mut bytes = [0; 4 + MAX_ADDRESS];
        bytes[..4].copy_from_slice(&prefix.len.to_ne_bytes());
        prefix.address.write_to(&mut bytes[4..len]);
        Self { bytes, len }
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

fn prefix<A: Address>(key: &[u8]) -> Option<Prefix<A>> {
    let (len, octets) = key.split_first_chunk()?;
    Some(Prefix {
        address: A::read_from(octets)?,
        len: u32::from_ne_bytes(*len),
    })
}

impl<A: Address, V: Plain> LpmTrie<A, V> {
    /// Makes a view of a map.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](ErrorKind::WrongKind) if it is no trie, [`WrongSize`](ErrorKind::WrongSize) if its keys are not as large as
    /// an `A` and a number, or its values not as large as `V`.
    pub fn new(map: Map) -> Result<Self> {
        check_kind(&map, &[MapType::LPM_TRIE])?;
        check_sizes(&map, "keys", map.key_size(), &[4 + A::LEN as u32])?;
        check_value::<V>(&map)?;
        Ok(Self::of(map))
    }

    /// The value of the longest prefix of an address, `None` if it has none.
    ///
    /// # Errors
    ///
    /// As [`Map::get_into`].
    pub fn get(&self, address: A) -> Result<Option<V>> {
        let len = 8 * A::LEN as u32;
        self.get_covering(&Prefix { address, len })
    }

    /// The value of the longest prefix that covers all of another one, which may be that one itself; `None` if none does.
    ///
    /// # Errors
    ///
    /// As [`Map::get_into`].
    pub fn get_covering(&self, prefix: &Prefix<A>) -> Result<Option<V>> {
        let mut value = V::zeroed();
        let found = self
            .map
            .get_into(Key::new(prefix).bytes(), value.bytes_mut())?;
        Ok(found.then_some(value))
    }

    /// Sets the value of a prefix.
    ///
    /// # Errors
    ///
    /// As [`Map::set`].
    pub fn set(&self, prefix: &Prefix<A>, value: &V) -> Result<()> {
        self.set_with(prefix, value, UpdateFlags::empty())
    }

    /// Sets the value of a prefix only as `flags` allow.
    ///
    /// # Errors
    ///
    /// As [`Map::set`].
    pub fn set_with(&self, prefix: &Prefix<A>, value: &V, flags: UpdateFlags) -> Result<()> {
        self.map.set(Key::new(prefix).bytes(), value.bytes(), flags)
    }

    /// Removes exactly this prefix; `false` if it was not there.
    ///
    /// # Errors
    ///
    /// As [`Map::remove`].
    pub fn remove(&self, prefix: &Prefix<A>) -> Result<bool> {
        self.map.remove(Key::new(prefix).bytes())
    }

    /// Goes through prefixes and values: of prefixes that cover each other, the longest first.
    #[must_use]
    pub fn iter(&self) -> Entries<'_, (Prefix<A>, V)> {
        Entries::read(&self.map, |key, value| {
            Some((prefix(key)?, V::from_bytes(value)?))
        })
    }
}

impl<'a, A: Address, V: Plain> IntoIterator for &'a LpmTrie<A, V> {
    type Item = Result<(Prefix<A>, V)>;
    type IntoIter = Entries<'a, (Prefix<A>, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_behind_the_prefix_are_cleared() {
        for (text, printed) in [
            ("10.255.255.255/8", "10.0.0.0/8"),
            ("10.255.255.255/9", "10.128.0.0/9"),
            ("255.255.255.255/0", "0.0.0.0/0"),
            ("192.168.1.77/31", "192.168.1.76/31"),
            ("192.168.1.77", "192.168.1.77/32"),
        ] {
            let prefix: Prefix<Ipv4Addr> = text.parse().unwrap();
            assert_eq!(prefix.to_string(), printed);
        }
        let prefix: Prefix<Ipv6Addr> = "2001:db8:ffff::1/33".parse().unwrap();
        assert_eq!(prefix.to_string(), "2001:db8:8000::/33");
        assert_eq!(
            Prefix::new([0xff; 3], 12).unwrap().address(),
            [0xff, 0xf0, 0]
        );
    }

    #[test]
    fn what_is_no_prefix_says_why() {
        for (text, part) in [
            ("10.0.0.0/33", "it is of 33 bits, the address has 32"),
            ("10.0.0/8", "`10.0.0` is no such address"),
            ("10.0.0.0/", "`` is no number of bits"),
            ("10.0.0.0/-1", "`-1` is no number of bits"),
            ("", "`` is no such address"),
        ] {
            let error = text.parse::<Prefix<Ipv4Addr>>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
