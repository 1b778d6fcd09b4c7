//! Maps of network devices and of CPUs, which XDP programs redirect frames to.

use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd};

use oxbpf_object::kernel::MapType;

use super::view::{check_key, check_kind, check_sizes, view};
use super::{Entries, Map, Plain, UpdateFlags};
use crate::error::Result;
use crate::program::Program;

/// Where frames are redirected to: a device or a CPU.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Target {
    /// The index of the network interface, or, of a [`CpuMap`], how many frames may wait for the CPU.
    pub value: u32,
    /// The id of the program that is run on the frames there, if there is one.
    pub program_id: Option<u32>,
}

macro_rules! redirect_map {
    ($(#[$doc:meta])* $view:ident, $kind:ident, $key:ident, $value:ident, $what:literal, $since:literal) => {
        $(#[$doc])*
        pub struct $view {
            map: Map,
            types: PhantomData<()>,
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
                check_sizes(&map, "values", map.value_size(), &[4, 8])?;
                Ok(Self::of(map))
            }

            #[doc = concat!("Puts in ", $what, ".")]
            ///
            /// # Errors
            ///
            /// [`BadIndex`](crate::ErrorKind::BadIndex), or [`Full`](crate::ErrorKind::Full) for a hash, if there is no room for it, and
            /// what the kernel says.
            pub fn set(&self, $key: u32, $value: u32) -> Result<()> {
                self.map.set_target($key, $value, None)
            }

            #[doc = concat!("Puts in ", $what, ", and a program that is run on the frames there. ", $since, ".")]
            ///
            /// # Errors
            ///
            #[doc = concat!("As [`", stringify!($view), "::set`]; [`WrongSize`](crate::ErrorKind::WrongSize) if values of the map")]
            /// have no room for a program, [`InvalidInput`](crate::ErrorKind::InvalidInput) if it is not made for that.
            pub fn set_with_program(&self, $key: u32, $value: u32, program: &Program) -> Result<()> {
                self.map.set_target($key, $value, Some(program))
            }

            /// What is in, `None` if nothing is.
            ///
            /// # Errors
            ///
            /// As [`Map::get_into`].
            pub fn get(&self, $key: u32) -> Result<Option<Target>> {
                self.map.get_target($key)
            }

            /// Takes it out; `false` if the kernel says that there was nothing.
            ///
            /// # Errors
            ///
            /// As [`Map::remove`].
            pub fn remove(&self, $key: u32) -> Result<bool> {
                self.map.remove($key.bytes())
            }

            /// Goes through the keys, as [`HashMap::keys`](super::HashMap::keys) does. Of an array, these are all indices.
            #[must_use]
            pub fn keys(&self) -> Entries<'_, u32> {
                Entries::keys(&self.map)
            }
        }
    };
}

redirect_map! {
    /// An array of network devices to redirect frames to: `BPF_MAP_TYPE_DEVMAP`. Linux 4.14.
    #[doc(alias = "BPF_MAP_TYPE_DEVMAP")]
    DevMap, DEVMAP, index, ifindex, "a device, by the index of its interface", "Linux 5.8"
}

redirect_map! {
    /// A hash map of network devices to redirect frames to: `BPF_MAP_TYPE_DEVMAP_HASH`. Linux 5.4.
    #[doc(alias = "BPF_MAP_TYPE_DEVMAP_HASH")]
    DevMapHash, DEVMAP_HASH, key, ifindex, "a device, by the index of its interface", "Linux 5.8"
}

redirect_map! {
    /// CPUs to redirect frames to, which then go through the network stack there: `BPF_MAP_TYPE_CPUMAP`. Linux 4.15, from
    /// generic XDP 5.15.
    #[doc(alias = "BPF_MAP_TYPE_CPUMAP")]
    CpuMap, CPUMAP, cpu, queue_size, "a CPU, by its number, with room for so many waiting frames", "Linux 5.9"
}

/// `struct bpf_devmap_val` and `struct bpf_cpumap_val`: a number and a program.
type Pair = [u32; 2];

impl Map {
    fn set_target(&self, key: u32, value: u32, program: Option<&Program>) -> Result<()> {
        match (program, self.value_size()) {
            (None, 4) => self.set(key.bytes(), value.bytes(), UpdateFlags::empty()),
            (program, size) => {
                check_sizes(self, "values", size, &[8])?;
                // Of no program, a descriptor that is none. Older kernels take 0 as that, new ones -1.
                let program = program.map_or(-1, |program| program.as_fd().as_raw_fd());
                let pair: Pair = [value, program as u32];
                self.set(key.bytes(), pair.bytes(), UpdateFlags::empty())
            }
        }
    }

    fn get_target(&self, key: u32) -> Result<Option<Target>> {
        let mut pair: Pair = [0; 2];
        let found = match self.value_size() {
            4 => self.get_into(key.bytes(), pair[0].bytes_mut())?,
            _ => self.get_into(key.bytes(), pair.bytes_mut())?,
        };
        let [value, id] = pair;
        Ok(found.then_some(Target {
            value,
            program_id: (id != 0).then_some(id),
        }))
    }
}
