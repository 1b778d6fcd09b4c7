//! Storage that lives and dies with a socket, a task, an inode or a control group.

use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd};

use oxbpf_object::kernel::MapType;

use super::view::{check_key, check_kind, check_value, view};
use super::{Map, Plain, UpdateFlags};
use crate::error::Result;

macro_rules! storage {
    ($(#[$doc:meta])* $view:ident, $kind:ident, $owner:ident, $what:literal) => {
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
                check_key::<i32>(&map)?;
                check_value::<V>(&map)?;
                Ok(Self::of(map))
            }

            #[doc = concat!("What is stored with ", $what, "; `None` if nothing is.")]
            ///
            /// # Errors
            ///
            #[doc = concat!("What the kernel says, such as EBADF if that is no descriptor of ", $what, ".")]
            pub fn get(&self, $owner: impl AsFd) -> Result<Option<V>> {
                let mut value = V::zeroed();
                let key = $owner.as_fd().as_raw_fd();
                let found = self.map.get_into(key.bytes(), value.bytes_mut())?;
                Ok(found.then_some(value))
            }

            #[doc = concat!("Stores a value with ", $what, ", in place of what is there.")]
            ///
            /// # Errors
            ///
            #[doc = concat!("As [`", stringify!($view), "::get`].")]
            pub fn set(&self, $owner: impl AsFd, value: &V) -> Result<()> {
                self.set_with($owner, value, UpdateFlags::empty())
            }

            #[doc = concat!("Stores a value with ", $what, " only as `flags` allow.")]
            ///
            /// # Errors
            ///
            #[doc = concat!("As [`", stringify!($view), "::get`], and of kind `AlreadyExists` or `NotFound` as `flags` say.")]
            pub fn set_with(&self, $owner: impl AsFd, value: &V, flags: UpdateFlags) -> Result<()> {
                let key = $owner.as_fd().as_raw_fd();
                self.map.set(key.bytes(), value.bytes(), flags)
            }

            #[doc = concat!("Removes what is stored with ", $what, "; `false` if nothing was.")]
            ///
            /// # Errors
            ///
            #[doc = concat!("As [`", stringify!($view), "::get`].")]
            pub fn remove(&self, $owner: impl AsFd) -> Result<bool> {
                let key = $owner.as_fd().as_raw_fd();
                self.map.remove(key.bytes())
            }
        }
    };
}

storage! {
    /// A value `V` with each socket that has one: `BPF_MAP_TYPE_SK_STORAGE`. Linux 5.2.
    #[doc(alias = "BPF_MAP_TYPE_SK_STORAGE")]
    SkStorage, SK_STORAGE, socket, "a socket"
}

storage! {
    /// A value `V` with each task (thread) that has one: `BPF_MAP_TYPE_TASK_STORAGE`. Linux 5.11.
    ///
    /// From here a task is named by a pidfd: that of `pidfd_open(2)` stands for the first thread of a process.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let map: oxbpf::Map = unimplemented!();
    /// use oxbpf::map::TaskStorage;
    /// use rustix::process::{PidfdFlags, getpid, pidfd_open};
    ///
    /// let waits: TaskStorage<u64> = map.typed()?;
    /// let this = pidfd_open(getpid(), PidfdFlags::empty())?;
    /// println!("{:?}", waits.get(&this)?);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "BPF_MAP_TYPE_TASK_STORAGE")]
    TaskStorage, TASK_STORAGE, pidfd, "a task"
}

storage! {
    /// A value `V` with each inode that has one, as long as it is in memory: `BPF_MAP_TYPE_INODE_STORAGE`. Linux 5.10, with
    /// BPF among the active LSMs.
    #[doc(alias = "BPF_MAP_TYPE_INODE_STORAGE")]
    InodeStorage, INODE_STORAGE, file, "the inode of an open file"
}

storage! {
    /// A value `V` with each control group that has one: `BPF_MAP_TYPE_CGRP_STORAGE`. Linux 6.2.
    #[doc(alias = "BPF_MAP_TYPE_CGRP_STORAGE")]
    CgroupStorage, CGRP_STORAGE, directory, "a control group, given by its opened directory"
}
