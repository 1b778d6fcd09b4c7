//! The numbers of all maps, programs, links and BTFs on this machine.

use rustix::io::Errno;
use rustix::thread::CapabilitySet;

use crate::sys::{self, ObjectKind};
use crate::{Error, Link, Map, Program, Result, denied};

/// The ids of all objects of a kind, in ascending order; after an error, none.
///
/// Objects come and go meanwhile: that of an id may be gone when it is opened.
#[derive(Clone, Debug)]
pub struct Ids {
    kind: ObjectKind,
    /// The one before; `None` at the end.
    last: Option<u32>,
}

impl Ids {
    fn of(kind: ObjectKind) -> Self {
        Self {
            kind,
            last: Some(0),
        }
    }

    /// The ids of all BTFs: the kernel's own, its modules', those of loaded objects. Linux 5.11 lists modules'.
    #[doc(alias = "BPF_BTF_GET_NEXT_ID")]
    #[must_use]
    pub fn of_btfs() -> Self {
        Self::of(ObjectKind::Btf)
    }

    /// Opens each object, and passes over those that are gone by then.
    fn opened<T>(self, open: impl Fn(u32) -> Result<T>) -> impl Iterator<Item = Result<T>> {
        self.filter_map(move |id| match id.and_then(&open) {
            Err(error) if error.errno() == Some(Errno::NOENT) => None,
            answer => Some(answer),
        })
    }
}

impl Iterator for Ids {
    type Item = Result<u32>;

    fn next(&mut self) -> Option<Result<u32>> {
        match sys::next_id(self.kind, self.last?) {
            Ok(next) => {
                self.last = next;
                next.map(Ok)
            }
            Err(errno) => {
                self.last = None;
                let kind = match self.kind {
                    ObjectKind::Map => "maps",
                    ObjectKind::Program => "programs",
                    ObjectKind::Btf => "BTFs",
                    ObjectKind::Link => "links",
                };
                let error = Error::syscall(errno, format!("listing all {kind}"));
                Some(Err(denied::explain(error, CapabilitySet::SYS_ADMIN)))
            }
        }
    }
}

macro_rules! listed {
    ($($type:ident, $kind:ident, $alias:literal, $minimum:literal;)*) => {$(
        impl $type {
            #[doc = concat!("The ids of all there are on this machine. Linux ", $minimum, "; needs CAP_SYS_ADMIN.")]
            #[doc(alias = $alias)]
            #[must_use]
            pub fn ids() -> Ids {
                Ids::of(ObjectKind::$kind)
            }

            #[doc = concat!("All there are on this machine, opened one by one. Linux ", $minimum, "; needs CAP_SYS_ADMIN.")]
            pub fn all() -> impl Iterator<Item = Result<Self>> {
                Self::ids().opened(Self::from_id)
            }
        }
    )*};
}

listed! {
    Map, Map, "BPF_MAP_GET_NEXT_ID", "4.13";
    Program, Program, "BPF_PROG_GET_NEXT_ID", "4.13";
    Link, Link, "BPF_LINK_GET_NEXT_ID", "5.8";
}
