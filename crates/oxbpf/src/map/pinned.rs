//! Pinned maps: opened for one direction, compared with what is wanted, and replaced by what is.

use std::fmt;
use std::os::fd::AsFd;
use std::path::Path;

use oxbpf_object::kernel::{MapFlags, MapType};
use oxbpf_object::spec::MapSpec;
use rustix::thread::CapabilitySet;

use super::{CreateOptions, Map, UpdateFlags};
use crate::error::{Error, Result};
use crate::pin::Place;
use crate::sys::{self, ObjectKind};
use crate::{denied, pin};

/// What a descriptor of a map may be used for.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Access {
    /// Reading and writing.
    #[default]
    ReadWrite,
    /// Reading only. Linux 4.15.
    #[doc(alias = "BPF_F_RDONLY")]
    ReadOnly,
    /// Writing only. Linux 4.15.
    #[doc(alias = "BPF_F_WRONLY")]
    WriteOnly,
}

impl Access {
    fn flags(self) -> u32 {
        match self {
            Self::ReadWrite => 0,
            Self::ReadOnly => MapFlags::RDONLY.bits(),
            Self::WriteOnly => MapFlags::WRONLY.bits(),
        }
    }
}

/// Something in which a map is not what a spec asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// What differs, such as "value size".
    pub attribute: &'static str,
    /// How the spec wants it.
    pub wanted: String,
    /// How the map has it.
    pub found: String,
}

/// Such as "value size 8 instead of 16".
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            attribute,
            wanted,
            found,
        } = self;
        write!(f, "{attribute} {found} instead of {wanted}")
    }
}

impl Map {
    /// Opens a pinned map for one direction only.
    ///
    /// # Errors
    ///
    /// As [`Map::open_pinned`]; [`ErrorKind::PermissionDenied`](crate::ErrorKind::PermissionDenied) if the file may not be opened so.
    #[doc(alias = "BPF_OBJ_GET")]
    pub fn open_pinned_for(path: impl AsRef<Path>, access: Access) -> Result<Self> {
        let path = path.as_ref();
        let fd = pin::open(path, access.flags(), "map")?;
        let named =
            |error: Error| error.context(format!("opening pinned map `{}`", path.display()));
        Self::from_fd(fd).map_err(named)
    }

    /// Opens the map with a number for one direction only.
    ///
    /// # Errors
    ///
    /// As [`Map::from_id`].
    #[doc(alias = "BPF_MAP_GET_FD_BY_ID")]
    pub fn from_id_for(id: u32, access: Access) -> Result<Self> {
        let doing = || format!("opening the map with id {id}");
        let fd = sys::fd_by_id(ObjectKind::Map, id, access.flags()).map_err(|errno| {
            denied::explain(Error::syscall(errno, doing()), CapabilitySet::SYS_ADMIN)
        })?;
        Self::from_fd(fd).map_err(|error| error.context(doing()))
    }

    /// All in which it is not what a spec asks for: empty if it can take the place of a map made from that.
    ///
    /// Sizes that depend on the machine must be in the spec; the loader puts them there.
    ///
    /// # Errors
    ///
    /// As [`Map::info`].
    pub fn differences(&self, spec: &MapSpec) -> Result<Vec<Difference>> {
        let info = self.info()?;
        // The kernel adds this flag to device maps by itself.
        let added = match spec.map_type {
            MapType::DEVMAP | MapType::DEVMAP_HASH => MapFlags::RDONLY_PROG,
            _ => MapFlags::empty(),
        };
        let flags = |flags: MapFlags| format!("{:#x}", flags.union(added).bits());
        let all = [
            (
                "type",
                spec.map_type.to_string(),
                self.map_type().to_string(),
            ),
            (
                "key size",
                spec.key_size.to_string(),
                self.key_size().to_string(),
            ),
            (
                "value size",
                spec.value_size.to_string(),
                self.value_size().to_string(),
            ),
            (
                "max entries",
                spec.max_entries.to_string(),
                self.max_entries().to_string(),
            ),
            ("flags", flags(spec.flags), flags(self.flags())),
            (
                "map_extra",
                format!("{:#x}", spec.map_extra),
                format!("{:#x}", info.map_extra),
            ),
        ];
        let differ = all.into_iter().filter(|(_, wanted, found)| wanted != found);
        Ok(differ
            .map(|(attribute, wanted, found)| Difference {
                attribute,
                wanted,
                found,
            })
            .collect())
    }

    /// Puts a map as `spec` says in the place of a pinned one, with what is in that: its new handle, and how many entries were copied.
    /// A map that is as the spec says stays, and nothing is copied.
    ///
    /// `convert` makes an entry for the new map of the key and the value of one in the old map, or leaves it out; of a per-CPU map,
    /// values are those of all CPUs, each at a multiple of 8. The new map gets its name only when all is in it. Programs that use the
    /// old one go on with that: what they write from now on is not in the new one.
    ///
    /// ```no_run
    /// # fn main() -> oxbpf::Result<()> {
    /// # let spec: oxbpf::object::MapSpec = unimplemented!();
    /// use oxbpf::map::{CreateOptions, Map};
    ///
    /// // Values have become longer; what is new in them is zero.
    /// let options = CreateOptions::default();
    /// let size = spec.value_size as usize;
    /// let (map, copied) = Map::upgrade_pinned("/sys/fs/bpf/counts", &spec, options, |key, value| {
    ///     let mut value = value.to_vec();
    ///     value.resize(size, 0);
    ///     Some((key.to_vec(), value))
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As of [`Map::open_pinned`], [`Map::create`], [`Map::entries`] and [`Map::set`]; the old map stays where it is then.
    pub fn upgrade_pinned(
        path: impl AsRef<Path>,
        spec: &MapSpec,
        options: CreateOptions<'_>,
        mut convert: impl FnMut(&[u8], &[u8]) -> Option<(Vec<u8>, Vec<u8>)>,
    ) -> Result<(Self, usize)> {
        let path = path.as_ref();
        let doing = || format!("upgrading the map pinned at `{}`", path.display());
        let old = Self::open_pinned(path)?;
        if old.differences(spec)?.is_empty() {
            return Ok((old, 0));
        }
        let name = match spec.name.as_str() {
            "" => old.name(),
            name => name,
        };
        let new = Self::create(name, spec, options).map_err(|error| error.context(doing()))?;
        let mut copied = 0;
        for entry in old.entries() {
            let (key, value) = entry.map_err(|error| error.context(doing()))?;
            if let Some((key, value)) = convert(&key, &value) {
                new.set(&key, &value, UpdateFlags::empty())
                    .map_err(|error| error.context(doing()))?;
                copied += 1;
            }
        }
        // Under another name first, so that there is always a map under this one.
        let mut beside = path.as_os_str().to_owned();
        beside.push("-new");
        let beside = Path::new(&beside);
        let (from, to) = (Place::of(beside, &doing())?, Place::of(path, &doing())?);
        from.pin(new.as_fd(), &doing())?;
        to.take_from(&from, &doing()).inspect_err(|_| {
            let _ = from.remove();
        })?;
        Ok((new, copied))
    }
}
