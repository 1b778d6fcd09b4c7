//! Creation of a map.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use oxbpf_object::btf::TypeId;
use oxbpf_object::kernel::{MapFlags, MapType};
use oxbpf_object::spec::MapSpec;
use rustix::io::Errno;
use rustix::thread::CapabilitySet;

use super::Map;
use crate::error::{ENOTSUPP, Error, ErrorKind, Result};
use crate::feature::{self, Support};
use crate::object_name::kernel_name;
use crate::sys::{self, MapFd, uapi};
use crate::{denied, memlock};

/// What a map refers to besides its spec.
#[derive(Clone, Copy, Debug, Default)]
pub struct CreateOptions<'a> {
    /// The loaded BTF that the spec's types are in. Without it the map has none.
    pub btf: Option<BorrowedFd<'a>>,
    /// A map such as the inner ones of a map of maps will be.
    pub inner_map: Option<BorrowedFd<'a>>,
    /// The type of the value in the kernel's BTF, for `struct_ops`; void for other maps. It takes
    /// `btf` too. Linux 5.6.
    pub kernel_value_type: TypeId,
    /// The BTF that `kernel_value_type` is in, if not the kernel's own: a module's. Linux 6.9.
    pub kernel_value_btf: Option<BorrowedFd<'a>>,
    /// A BPF token, whose permissions count instead of the caller's. Linux 6.9.
    pub token: Option<BorrowedFd<'a>>,
    /// The [hash](oxbpf_object::asm::digest) of the one program that may use the map: 32 bytes, or empty for any program.
    /// Linux 6.18.
    #[doc(alias = "excl_prog_hash")]
    pub exclusive_to: &'a [u8],
}

impl Map {
    /// Creates a map as `spec` says, without contents and without pinning it.
    ///
    /// `name` is what the map is called here; the kernel keeps the first 15 bytes of it, with an
    /// underscore for what it does not take in names. Sizes are the kernel's business: nothing
    /// is rounded here. A map of maps is made with [`CreateOptions::inner_map`] or, without that, with a map
    /// as [`MapSpec::inner`] says.
    ///
    /// Kernels before 5.11 charge maps to the limit on locked memory: if that is in the way, it
    /// is raised for the whole process.
    ///
    /// ```no_run
    /// use oxbpf::map::{CreateOptions, HashMap, Map};
    /// use oxbpf::object::kernel::MapType;
    /// use oxbpf::object::spec::MapSpec;
    ///
    /// # fn main() -> oxbpf::Result<()> {
    /// let spec = MapSpec {
    ///     map_type: MapType::HASH,
    ///     key_size: 4,
    ///     value_size: 8,
    ///     max_entries: 1024,
    ///     ..MapSpec::default()
    /// };
    /// let map = Map::create("counts", &spec, CreateOptions::default())?;
    /// let counts: HashMap<u32, u64> = map.typed()?;
    /// counts.set(&1, &100)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::PermissionDenied`] without CAP_BPF, [`ErrorKind::Unsupported`] where the kernel
    /// has no maps of the type, [`ErrorKind::InvalidInput`] where sizes or flags do not fit it, [`ErrorKind::LimitExceeded`] if there is not enough memory, and
    /// what the kernel says otherwise.
    #[doc(alias = "BPF_MAP_CREATE")]
    pub fn create(name: &str, spec: &MapSpec, options: CreateOptions<'_>) -> Result<Self> {
        let template = match (&spec.inner, options.inner_map) {
            (Some(inner), None) => {
                let made = Self::create(&inner.name, inner, CreateOptions::default());
                Some(made.map_err(|error| error.context(format!("creating map `{name}`")))?)
            }
            _ => None,
        };
        let options = CreateOptions {
            inner_map: template.as_ref().map(AsFd::as_fd).or(options.inner_map),
            ..options
        };
        let create = |attr| create(attr, options.exclusive_to);
        let mut attr = attr(name, spec, options);
        let fd = match create(attr) {
            Err(errno) if attr.btf_fd != 0 && is_struct_ops(&attr) => Err(errno),
            Err(errno) if attr.btf_fd != 0 && may_be_the_types(errno) => {
                let bare = uapi::MapCreate {
                    btf_fd: 0,
                    btf_key_type_id: 0,
                    btf_value_type_id: 0,
                    ..attr
                };
                // If it is not the types, what was said first is what counts.
                create(bare).inspect(|_| attr = bare).map_err(|_| errno)
            }
            answer => answer,
        };
        let fd = fd.map_err(|errno| {
            let is_exclusive = !options.exclusive_to.is_empty();
            // The kernel does not say which attribute it does not know.
            match is_exclusive && is_refused_for_exclusion(attr, errno) {
                true => no_exclusive_maps(errno, name),
                false => explain(errno, name, spec, &attr),
            }
        })?;
        let info = uapi::MapInfo {
            r#type: attr.map_type,
            key_size: attr.key_size,
            value_size: attr.value_size,
            max_entries: attr.max_entries,
            map_flags: attr.map_flags,
            ..Default::default()
        };
        Ok(Self::with_info(fd, &info, name.into()))
    }
}

fn attr(name: &str, spec: &MapSpec, options: CreateOptions<'_>) -> uapi::MapCreate {
    let mut attr = uapi::MapCreate {
        map_type: spec.map_type.0,
        key_size: spec.key_size,
        value_size: spec.value_size,
        max_entries: spec.max_entries,
        map_flags: spec.flags.bits(),
        map_extra: spec.map_extra,
        numa_node: spec.numa_node.unwrap_or_default(),
        map_name: kernel_name(name),
        inner_map_fd: options.inner_map.map_or(0, sys::raw),
        ..Default::default()
    };
    if let Some(token) = options.token {
        attr.map_flags |= MapFlags::TOKEN_FD.bits();
        attr.map_token_fd = token.as_raw_fd();
    }
    if let (Some(btf), true) = (options.btf, options.kernel_value_type != TypeId::VOID) {
        attr.btf_fd = sys::raw(btf);
        attr.btf_vmlinux_value_type_id = options.kernel_value_type.0;
        if let Some(module) = options.kernel_value_btf {
            attr.map_flags |= MapFlags::VTYPE_BTF_OBJ_FD.bits();
            attr.value_type_btf_obj_fd = module.as_raw_fd();
        }
        return attr;
    }
    let types = [spec.key_type, spec.value_type].map(|id| id.map_or(0, |id| id.0));
    if let (Some(btf), true) = (options.btf, types != [0, 0]) {
        attr.btf_fd = sys::raw(btf);
        [attr.btf_key_type_id, attr.btf_value_type_id] = types;
    }
    attr
}

fn create(attr: uapi::MapCreate, exclusive_to: &[u8]) -> sys::Result<MapFd> {
    let create = || sys::map_create(attr, exclusive_to);
    match memlock::with_memory(create) {
        Err(Errno::INVAL) if is_of_devices(&attr) && memlock::raise() => create(),
        answer => answer,
    }
}

/// Kernels that charge maps to the limit on locked memory say EPERM where there is no room, but EINVAL of maps of devices.
fn is_of_devices(attr: &uapi::MapCreate) -> bool {
    [MapType::DEVMAP, MapType::DEVMAP_HASH].contains(&MapType(attr.map_type))
}

/// Whether the kernel has to know the type of the value.
fn is_struct_ops(attr: &uapi::MapCreate) -> bool {
    attr.btf_vmlinux_value_type_id != 0
}

/// Whether creation may work without BTF: many types of map refuse it.
fn may_be_the_types(errno: Errno) -> bool {
    errno == Errno::INVAL || errno.raw_os_error() == ENOTSUPP
}

/// Whether a map that was refused would not be, were it not for one program alone.
#[cold]
fn is_refused_for_exclusion(attr: uapi::MapCreate, errno: Errno) -> bool {
    [Errno::INVAL, Errno::TOOBIG].contains(&errno) && create(attr, &[]).is_ok()
}

#[cold]
fn no_exclusive_maps(errno: Errno, name: &str) -> Error {
    Error::syscall(errno, format!("creating map `{name}`"))
        .with_kind(ErrorKind::Unsupported)
        .with_reason("this kernel has no maps for one program alone")
        .with_remedy("that takes Linux 6.18; leave out `exclusive_to` for older kernels")
}

#[cold]
fn explain(errno: Errno, name: &str, spec: &MapSpec, attr: &uapi::MapCreate) -> Error {
    let mut error = Error::syscall(errno, format!("creating map `{name}` ({})", spec.map_type));
    if errno == Errno::INVAL && is_of_devices(attr) && what_does_not_fit(attr).is_none() {
        if let Some(remedy) = memlock::remedy() {
            return error.with_remedy(remedy);
        }
    }
    match errno {
        Errno::PERM | Errno::ACCESS => {
            let needed = needed_capabilities(spec.map_type);
            if let Some(remedy) = memlock::remedy().or_else(|| denied::remedy(needed)) {
                error = error.with_remedy(remedy);
            }
        }
        Errno::INVAL | Errno::TOOBIG if feature::map_type(spec.map_type).support == Support::No => {
            error = error
                .with_kind(ErrorKind::Unsupported)
                .with_reason(format!("this kernel has no maps of type {}", spec.map_type));
            if let Some((major, minor)) = spec.map_type.minimum_kernel() {
                error = error.with_remedy(format!("that takes Linux {major}.{minor}"));
            }
        }
        Errno::INVAL if is_struct_ops(attr) && attr.map_flags & MapFlags::LINK.bits() != 0 => {
            error = error
                .with_kind(ErrorKind::Unsupported)
                .with_reason("this kernel does not take such structures with links")
                .with_remedy(
                    "that takes Linux 6.4; put it into SEC(\".struct_ops\") for older kernels",
                );
        }
        Errno::INVAL => {
            error = error.with_kind(ErrorKind::InvalidInput);
            if let Some(reason) = what_does_not_fit(attr) {
                error = error.with_reason(reason);
            }
        }
        Errno::TOOBIG => {
            error = error.with_kind(ErrorKind::InvalidInput).with_reason(
                "its values or the whole of it are too large, or this kernel does not know one \
                 of its attributes",
            );
        }
        Errno::NOMEM => {
            error = error.with_reason(format!(
                "there is not enough memory for {} entries of {} bytes",
                attr.max_entries,
                u64::from(attr.key_size) + u64::from(attr.value_size)
            ));
        }
        _ => {}
    }
    error
}

fn needed_capabilities(map_type: MapType) -> CapabilitySet {
    match map_type {
        MapType::SOCKMAP
        | MapType::SOCKHASH
        | MapType::DEVMAP
        | MapType::DEVMAP_HASH
        | MapType::XSKMAP => CapabilitySet::BPF | CapabilitySet::NET_ADMIN,
        _ => CapabilitySet::BPF,
    }
}

/// The first thing in a request that no kernel can accept.
fn what_does_not_fit(attr: &uapi::MapCreate) -> Option<String> {
    let map_type = MapType(attr.map_type);
    let keyless = matches!(
        map_type,
        MapType::QUEUE
            | MapType::STACK
            | MapType::RINGBUF
            | MapType::USER_RINGBUF
            | MapType::BLOOM_FILTER
            | MapType::ARENA
    );
    let valueless = matches!(
        map_type,
        MapType::RINGBUF | MapType::USER_RINGBUF | MapType::ARENA
    );
    let storage = matches!(
        map_type,
        MapType::SK_STORAGE
            | MapType::INODE_STORAGE
            | MapType::TASK_STORAGE
            | MapType::CGRP_STORAGE
            | MapType::CGROUP_STORAGE
            | MapType::PERCPU_CGROUP_STORAGE
    );
    let key_size = attr.key_size;
    let indexed = matches!(
        map_type,
        MapType::ARRAY
            | MapType::PERCPU_ARRAY
            | MapType::PROG_ARRAY
            | MapType::PERF_EVENT_ARRAY
            | MapType::CGROUP_ARRAY
            | MapType::ARRAY_OF_MAPS
            | MapType::DEVMAP
            | MapType::CPUMAP
            | MapType::XSKMAP
            | MapType::SOCKMAP
    );
    if attr.max_entries == 0 && !storage {
        return Some("it has room for 0 entries".into());
    }
    if attr.max_entries != 0 && storage {
        return Some("storage has no fixed number of entries: it must be 0".into());
    }
    if keyless && key_size != 0 {
        return Some(format!(
            "its keys have {key_size} bytes, but it has no keys"
        ));
    }
    if indexed && key_size != 4 {
        return Some(format!("its keys have {key_size} bytes, indices have 4"));
    }
    if key_size == 0 && !keyless {
        return Some("its keys have 0 bytes".into());
    }
    if attr.value_size == 0 && !valueless {
        return Some("its values have 0 bytes".into());
    }
    if valueless && attr.value_size != 0 {
        return Some(format!(
            "its values have {} bytes, it has none",
            attr.value_size
        ));
    }
    let ring = matches!(map_type, MapType::RINGBUF | MapType::USER_RINGBUF);
    let page = rustix::param::page_size() as u64;
    let size = u64::from(attr.max_entries);
    if ring && (!size.is_power_of_two() || size % page != 0) {
        return Some(format!(
            "its size of {size} bytes is not {page} (a page) times a power of two"
        ));
    }
    let of_maps = matches!(map_type, MapType::ARRAY_OF_MAPS | MapType::HASH_OF_MAPS);
    if of_maps && attr.inner_map_fd == 0 {
        return Some("there is no map to take as a pattern for its inner maps".into());
    }
    None
}

#[cfg(test)]
mod tests {
    use oxbpf_object::btf::TypeId;

    use super::*;

    fn misfit(map_type: MapType, key: u32, value: u32, entries: u32) -> Option<String> {
        what_does_not_fit(&uapi::MapCreate {
            map_type: map_type.0,
            key_size: key,
            value_size: value,
            max_entries: entries,
            ..Default::default()
        })
    }

    #[test]
    fn descriptors_and_types_reach_the_kernel() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let fd = file.as_fd();
        let spec = MapSpec {
            flags: MapFlags::NO_PREALLOC | MapFlags::NUMA_NODE,
            numa_node: Some(3),
            map_extra: 7,
            value_type: Some(TypeId(12)),
            ..MapSpec::default()
        };
        let all = attr(
            "all",
            &spec,
            CreateOptions {
                btf: Some(fd),
                inner_map: Some(fd),
                token: Some(fd),
                ..CreateOptions::default()
            },
        );
        assert_eq!(all.map_flags, (spec.flags | MapFlags::TOKEN_FD).bits());
        assert_eq!(all.map_token_fd, fd.as_raw_fd());
        assert_eq!([all.btf_fd, all.inner_map_fd], [sys::raw(fd); 2]);
        assert_eq!([all.btf_key_type_id, all.btf_value_type_id], [0, 12]);
        assert_eq!((all.numa_node, all.map_extra), (3, 7));
        let none = attr("none", &spec, CreateOptions::default());
        assert_eq!(none.map_flags, spec.flags.bits());
        assert_eq!([none.btf_fd, none.btf_value_type_id], [0, 0]);
    }

    #[test]
    fn finds_what_no_kernel_accepts() {
        for (map_type, key, value, entries, part) in [
            (MapType::HASH, 4, 4, 0, "0 entries"),
            (MapType::HASH, 0, 4, 1, "keys have 0 bytes"),
            (MapType::HASH, 4, 0, 1, "values have 0 bytes"),
            (MapType::ARRAY, 8, 4, 1, "indices have 4"),
            (MapType::QUEUE, 4, 4, 1, "no keys"),
            (MapType::RINGBUF, 0, 0, 4097, "a page"),
            (MapType::RINGBUF, 0, 8, 4096, "has none"),
            (MapType::TASK_STORAGE, 4, 4, 1, "must be 0"),
            (MapType::HASH_OF_MAPS, 4, 4, 1, "pattern"),
        ] {
            let reason = misfit(map_type, key, value, entries).unwrap_or_default();
            assert!(reason.contains(part), "{map_type}: {reason:?}");
        }
    }

    #[test]
    fn finds_nothing_in_what_is_right() {
        for (map_type, key, value, entries) in [
            (MapType::HASH, 4, 4, 1),
            (MapType::ARRAY, 4, 4, 1),
            (MapType::QUEUE, 0, 4, 1),
            (MapType::RINGBUF, 0, 0, 1 << 20),
            (MapType::TASK_STORAGE, 4, 4, 0),
        ] {
            assert_eq!(misfit(map_type, key, value, entries), None, "{map_type}");
        }
    }
}
