//! Structures of functions that the kernel calls.

use std::os::fd::AsFd;
use std::sync::Arc;

use oxbpf_object::kernel::{AttachType, MapFlags};
use rustix::io::Errno;

use super::held::Held;
use super::{Link, permission};
use crate::map::{Map, UpdateFlags};
use crate::program::Program;
use crate::sys::{self, LinkExtra};
use crate::{Error, ErrorKind, Result};

/// The key of the only value.
const FIRST: [u8; 4] = [0; 4];

/// A structure of functions that the kernel calls, each of them a program: a congestion control for TCP, a scheduler, a
/// queueing discipline (`struct_ops`).
///
/// [`Collection::struct_ops`](crate::Collection::struct_ops) has those of a loaded object.
///
/// Since Linux 5.6. Structures in `SEC(".struct_ops.link")` are attached by links, since 6.4; those in
/// `SEC(".struct_ops")` are registered without, and stay registered if the process dies before its [`Link`] is dropped.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let collection: oxbpf::Collection = unimplemented!();
/// let vegas = collection.struct_ops("vegas")?;
/// let _link = vegas.attach()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "BPF_MAP_TYPE_STRUCT_OPS")]
pub struct StructOps {
    map: Map,
    /// With the descriptors of the programs in it.
    value: Arc<[u8]>,
    /// Keeps those descriptors open: until it gets the value, the map does not know the programs.
    programs: Arc<[Program]>,
}

impl StructOps {
    pub(crate) fn new(map: Map, value: Vec<u8>, programs: Vec<Program>) -> Self {
        Self {
            map,
            value: value.into(),
            programs: programs.into(),
        }
    }

    /// Its map.
    #[must_use]
    pub fn as_map(&self) -> &Map {
        &self.map
    }

    /// The programs in it, in the order of the kernel's structure.
    #[must_use]
    pub fn programs(&self) -> &[Program] {
        &self.programs
    }

    /// Whether it is attached by links, and not registered once and for all.
    #[must_use]
    pub fn has_links(&self) -> bool {
        self.map.flags().contains(MapFlags::LINK)
    }

    /// Makes the kernel use it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] where the subsystem does not accept it, such as for the lack of a function;
    /// [`ErrorKind::AlreadyExists`] where there is one of that name, or it is attached already. Without links, that may
    /// happen only once.
    #[doc(alias = "bpf_map__attach_struct_ops")]
    pub fn attach(&self) -> Result<Link> {
        let what = self.to_string();
        let attached = || {
            self.set_value()?;
            if !self.has_links() {
                let registration = Registration {
                    map: self.map.clone(),
                    is_ended: false,
                };
                return Ok(Link::new(what.clone(), Held::StructOps(registration)));
            }
            let attach_type = AttachType::STRUCT_OPS.0;
            sys::link_create(self.map.as_fd(), 0, attach_type, 0, LinkExtra::Nothing)
                .map(|fd| Link::of_bpf_link(what.clone(), fd))
                .map_err(|errno| refused(errno, "making the link"))
        };
        attached().map_err(|error| error.context(format!("attaching {what}")))
    }

    /// Puts it into the place of what `link` has attached, of the same kind: in one step, so that the kernel always has one of
    /// the two. Linux 6.4.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] where the two are of different kinds, or the subsystem does not take one for the other;
    /// TCP wants them to have the same name.
    #[doc(alias = "bpf_link__update_map")]
    pub fn replace(&self, link: &mut Link) -> Result<()> {
        let replaced = || {
            if !self.has_links() {
                return Err(Error::new(ErrorKind::Unsupported, "looking at it")
                    .with_reason("it is registered without a link")
                    .with_remedy("put it into SEC(\".struct_ops.link\")"));
            }
            self.set_value()?;
            sys::link_update(link.as_fd(), self.map.as_fd(), None)
                .map_err(|errno| refused(errno, "changing the link"))
        };
        replaced().map_err(|error| error.context(format!("replacing {} by {self}", link.what)))?;
        link.what = self.to_string();
        Ok(())
    }

    /// Gives the map its value. Without links, this is what registers it.
    fn set_value(&self) -> Result<()> {
        match self.map.set(&FIRST, &self.value, UpdateFlags::empty()) {
            Ok(()) => Ok(()),
            // It has its value from an earlier time.
            Err(e) if e.errno() == Some(Errno::BUSY) && self.has_links() => Ok(()),
            Err(e) => Err(match e.errno() {
                Some(errno) => refused(errno, "giving it its functions"),
                None => e,
            }),
        }
    }
}

/// Such as "struct_ops \`vegas\`".
impl std::fmt::Display for StructOps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "struct_ops `{}`", self.map.name())
    }
}

#[cold]
fn refused(errno: Errno, doing: &str) -> Error {
    let error = Error::syscall(errno, doing);
    match errno {
        Errno::INVAL => error.with_kind(ErrorKind::InvalidInput).with_reason(
            "the kernel does not accept it: a function or value that it needs may be missing",
        ),
        Errno::EXIST => error.with_reason("there is one of that name"),
        Errno::BUSY => error
            .with_kind(ErrorKind::AlreadyExists)
            .with_reason("it is attached, or was before")
            .with_remedy("load the object again to attach another one"),
        Errno::PERM | Errno::ACCESS => permission::explain_bpf(error),
        _ => error,
    }
}

/// A structure that is registered without a link.
#[derive(Debug)]
pub(super) struct Registration {
    map: Map,
    is_ended: bool,
}

impl Registration {
    pub(super) fn map(&self) -> &Map {
        &self.map
    }

    /// Ends it.
    pub(super) fn end(mut self) -> Result<()> {
        self.is_ended = true;
        self.map.remove(&FIRST).map(drop)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if !self.is_ended {
            // Nobody is there to be told how it went.
            let _ = self.map.remove(&FIRST);
        }
    }
}
