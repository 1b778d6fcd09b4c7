//! Creating maps, or taking over those that exist, and filling them.

use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

use oxbpf_object::MapType;
use oxbpf_object::kernel::MapFlags;
use oxbpf_object::spec::{CollectionSpec, DataKind, DataSection, MapSpec, Pinning, SlotRef};

use super::{Loader, map_spec};
use crate::btf::ObjectBtf;
use crate::error::{Error, ErrorKind, Result};
use crate::map::{CreateOptions, Map, UpdateFlags, possible_cpus};
use crate::program::Program;

/// The map for each position of the spec; `None` for those that are switched off.
pub(super) type Maps = Vec<Option<Map>>;

/// The key of a data map's only value.
const FIRST: [u8; 4] = [0; 4];

/// Maps of these types have no use for the types of their keys and values, and the kernel
/// refuses them.
const WITHOUT_TYPES: &[MapType] = &[
    MapType::PERF_EVENT_ARRAY,
    MapType::CGROUP_ARRAY,
    MapType::STACK_TRACE,
    MapType::ARRAY_OF_MAPS,
    MapType::HASH_OF_MAPS,
    MapType::DEVMAP,
    MapType::DEVMAP_HASH,
    MapType::CPUMAP,
    MapType::XSKMAP,
    MapType::SOCKMAP,
    MapType::SOCKHASH,
    MapType::QUEUE,
    MapType::STACK,
    MapType::ARENA,
];

/// Makes all maps of the spec, and fills in contents and inner maps.
pub(super) fn create(
    loader: &Loader,
    spec: &CollectionSpec,
    btf: Option<&ObjectBtf>,
) -> Result<Maps> {
    let mut maps = Maps::with_capacity(spec.maps().len());
    for map in spec.maps() {
        let made = match map.autocreate {
            true => Some(create_one(loader, &spec.name, map, btf)?),
            false => None,
        };
        maps.push(made);
    }
    for (map, made) in spec.maps().iter().zip(&maps) {
        if let Some(made) = made {
            fill_with_maps(map, made, &maps, spec)?;
        }
    }
    Ok(maps)
}

fn create_one(
    loader: &Loader,
    object: &str,
    spec: &MapSpec,
    btf: Option<&ObjectBtf>,
) -> Result<Map> {
    let mut spec = spec.clone();
    map_spec::for_machine(
        &mut spec,
        u32::try_from(rustix::param::page_size()).unwrap_or(u32::MAX),
        u32::try_from(possible_cpus()?.len()).unwrap_or(u32::MAX),
    )?;
    if let Some(map) = loader.replacements.get(&spec.name) {
        check_fits(&spec, map, "replacing")?;
        return Ok(map.clone());
    }
    let pin = match spec.pinning {
        Pinning::ByName => Some(loader.pin_root.join(&spec.name)),
        Pinning::None => None,
    };
    if let Some(path) = &pin {
        if let Some(map) = take_over(&spec, path)? {
            return Ok(map);
        }
    }
    let map = create_new(object, &spec, btf)?;
    if let Some(data) = &spec.data {
        fill_with_data(&map, data)?;
    }
    if let Some(path) = &pin {
        match map.pin(path) {
            Ok(()) => {}
            // Another process was faster: its map is the one to use.
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                return take_over(&spec, path)?.ok_or(e);
            }
            Err(e) => return Err(e),
        }
    }
    Ok(map)
}

fn create_new(object: &str, spec: &MapSpec, btf: Option<&ObjectBtf>) -> Result<Map> {
    let kind = spec.data.as_ref().map(|data| data.kind);
    if let Some(DataKind::StructOps | DataKind::Arena) = kind {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("creating map `{}`", spec.name),
        )
        .with_reason(format!(
            "section `{}` is not supported by this version of oxbpf",
            spec.section
        ))
        .with_remedy("set `autocreate` of the map to false if the programs can do without"));
    }
    let inner = match &spec.inner {
        Some(inner) => Some(create_new(object, inner, None)?),
        None => None,
    };
    let name = map_spec::kernel_name(object, spec);
    let types = btf.filter(|_| !WITHOUT_TYPES.contains(&spec.map_type));
    Map::create(
        &name,
        spec,
        CreateOptions {
            btf: types.map(AsFd::as_fd),
            inner_map: inner.as_ref().map(AsFd::as_fd),
            ..CreateOptions::default()
        },
    )
}

/// The map pinned at `path`, after a check that it is what the spec asks for; `None` if there
/// is none.
fn take_over(spec: &MapSpec, path: &Path) -> Result<Option<Map>> {
    match Map::open_pinned(path) {
        Ok(map) => {
            check_fits(
                spec,
                &map,
                &format!("using the map pinned at `{}` as", path.display()),
            )?;
            Ok(Some(map))
        }
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Makes sure that an existing map is what the spec asks for; an error lists all that differs.
fn check_fits(spec: &MapSpec, map: &Map, doing: &str) -> Result<()> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, wanted: String, found: String| {
        if wanted != found {
            differences.push(format!("{what} {found} instead of {wanted}"));
        }
    };
    compare(
        "type",
        spec.map_type.to_string(),
        map.map_type().to_string(),
    );
    compare(
        "key size",
        spec.key_size.to_string(),
        map.key_size().to_string(),
    );
    compare(
        "value size",
        spec.value_size.to_string(),
        map.value_size().to_string(),
    );
    compare(
        "max entries",
        spec.max_entries.to_string(),
        map.max_entries().to_string(),
    );
    // The kernel adds this flag to device maps by itself.
    let added = match spec.map_type {
        MapType::DEVMAP | MapType::DEVMAP_HASH => MapFlags::RDONLY_PROG,
        _ => MapFlags::empty(),
    };
    let flags = |flags: MapFlags| format!("{:#x}", flags.union(added).bits());
    compare("flags", flags(spec.flags), flags(map.flags()));
    if differences.is_empty() {
        return Ok(());
    }
    Err(
        Error::new(ErrorKind::WrongKind, format!("{doing} map `{}`", spec.name))
            .with_reason(format!("it has {}", differences.join(", "))),
    )
}

/// Gives a data map the initial values of its variables; constants are frozen then.
fn fill_with_data(map: &Map, data: &DataSection) -> Result<()> {
    // A new map is all zeros.
    if data.contents.iter().any(|byte| *byte != 0) {
        map.set(&FIRST, &data.contents, UpdateFlags::empty())?;
    }
    match data.kind {
        DataKind::Rodata | DataKind::Kconfig => map.freeze(),
        _ => Ok(()),
    }
}

fn fill_with_maps(spec: &MapSpec, made: &Map, maps: &Maps, all: &CollectionSpec) -> Result<()> {
    for (slot, reference) in &spec.values {
        let SlotRef::Map(inner) = reference else {
            continue;
        };
        let Some(Some(inner)) = maps.get(*inner) else {
            return Err(unfilled(
                spec,
                *slot,
                all.maps().get(*inner).map(|m| m.name.as_str()),
            ));
        };
        set_descriptor(made, *slot, inner)?;
    }
    Ok(())
}

/// Fills program arrays, when there are programs.
pub(super) fn fill_with_programs(
    spec: &CollectionSpec,
    maps: &Maps,
    programs: &[Option<Program>],
) -> Result<()> {
    for (map, made) in spec.maps().iter().zip(maps) {
        let Some(made) = made
            .as_ref()
            .filter(|_| map.map_type == MapType::PROG_ARRAY)
        else {
            continue;
        };
        for (slot, reference) in &map.values {
            if let SlotRef::Program(index) = reference {
                // A program that is switched off leaves its slot empty: a tail call to it falls through.
                if let Some(Some(program)) = programs.get(*index) {
                    set_descriptor(made, *slot, program)?;
                }
            }
        }
    }
    Ok(())
}

fn set_descriptor(map: &Map, slot: u32, value: &impl AsFd) -> Result<()> {
    let value = value.as_fd().as_raw_fd().to_ne_bytes();
    map.set(&slot.to_ne_bytes(), &value, UpdateFlags::empty())
}

fn unfilled(spec: &MapSpec, slot: u32, inner: Option<&str>) -> Error {
    Error::new(
        ErrorKind::InvalidObject,
        format!("filling slot {slot} of map `{}`", spec.name),
    )
    .with_reason(format!("map `{}` was not created", inner.unwrap_or("?")))
}
