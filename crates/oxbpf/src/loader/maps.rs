//! Creating maps, or taking over those that exist, and filling them.

use std::os::fd::{AsFd, AsRawFd};
use std::path::{Component, Path};

use oxbpf_object::MapType;
use oxbpf_object::spec::{CollectionSpec, DataKind, DataSection, MapSpec, Pinning, SlotRef};
use rustix::io::Errno;

use super::authority::Authority;
use super::exclusive::Digests;
use super::faults::Faults;
use super::kernel::Kernel;
use super::missing::without_types;
use super::struct_ops::{StructOpsPlan, Value};
use super::{Loader, arena, map_spec};
use crate::btf::ObjectBtf;
use crate::error::{Error, ErrorKind, Result};
use crate::feature;
use crate::map::{Arena, CreateOptions, Difference, Map, UpdateFlags, possible_cpus};
use crate::program::Program;

/// What was made for each position of the spec; `None` for those that are switched off.
pub(super) type Maps = Vec<Option<Made>>;

/// A map that was made or taken over.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) map: Map,
    /// The memory of an arena, if this process has it mapped.
    pub(super) arena: Option<Arena>,
    /// Where variables begin, in bytes from its start.
    pub(super) start: u32,
}

impl Made {
    fn new(map: Map) -> Self {
        Self {
            map,
            arena: None,
            start: 0,
        }
    }

    /// One that existed before.
    fn taken_over(map: Map, spec: &MapSpec) -> Result<Self> {
        let mut made = Self::new(map);
        if spec.map_type == MapType::ARENA {
            (made.arena, made.start) = arena::take_over(&made.map, spec)?;
        }
        Ok(made)
    }
}

/// What maps are made from.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) loader: &'a Loader,
    pub(super) kernel: &'a Kernel<'a>,
    pub(super) spec: &'a CollectionSpec,
    pub(super) struct_ops: &'a StructOpsPlan,
    pub(super) btf: Option<&'a ObjectBtf>,
    /// Why there are none.
    pub(super) refused_types: Option<&'a Error>,
    pub(super) authority: &'a Authority,
    pub(super) digests: &'a Digests,
}

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
pub(super) fn create(context: Context<'_>, faults: &mut Faults) -> Result<Maps> {
    let all = context.spec.maps();
    let mut maps = Maps::with_capacity(all.len());
    for (position, map) in all.iter().enumerate() {
        let mut made = None;
        if map.autocreate {
            match create_one(context, position, map) {
                Ok(map) => made = Some(map),
                Err(error) => faults.of_map(position, error)?,
            }
        }
        maps.push(made);
    }
    for (position, map) in all.iter().enumerate() {
        let Some(Some(made)) = maps.get(position) else {
            continue;
        };
        if let Err(error) = fill_with_maps(map, &made.map, &maps, context.spec) {
            faults.of_map(position, error)?;
        }
    }
    Ok(maps)
}

fn create_one(context: Context<'_>, position: usize, spec: &MapSpec) -> Result<Made> {
    let Context { loader, .. } = context;
    let mut spec = spec.clone();
    size_for_machine(&mut spec)?;
    if let Some(map) = loader.replacements.get(&spec.name) {
        check_fits(&spec, map, "replacing")?;
        return Made::taken_over(map.clone(), &spec);
    }
    let pin = match spec.pinning {
        Pinning::ByName => Some(loader.pin_root.join(one_name(&spec)?)),
        Pinning::None => None,
    };
    if let Some(path) = &pin {
        if let Some(map) = take_over(&spec, path)? {
            return Made::taken_over(map, &spec);
        }
    }
    let map = match context.struct_ops.maps.get(&position) {
        Some(value) => create_struct_ops(context, &spec, value)?,
        None => create_new(context, &spec)?,
    };
    let mut made = Made::new(map);
    match &spec.data {
        _ if spec.map_type == MapType::ARENA => {
            let (arena, start) = arena::prepare(&made.map, &spec)?;
            (made.arena, made.start) = (Some(arena), start);
        }
        Some(data) => fill_with_data(&made.map, data)?,
        None => {}
    }
    if let Some(path) = &pin {
        match made.map.pin(path) {
            Ok(()) => {}
            // Another process was faster: its map is the one to use.
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                // Out of its way, should it be an arena at the same address.
                drop(made);
                let theirs = take_over(&spec, path)?.ok_or(e)?;
                return Made::taken_over(theirs, &spec);
            }
            Err(e) => return Err(e),
        }
    }
    Ok(made)
}

/// The name of a map that is pinned by it. Objects may say anything; a path would lead out of the directory for pins.
fn one_name(spec: &MapSpec) -> Result<&str> {
    let mut parts = Path::new(&spec.name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(name)), None) if name.len() == spec.name.len() => Ok(&spec.name),
        _ => Err(Error::new(
            ErrorKind::InvalidInput,
            format!("pinning map `{}`", spec.name),
        )
        .with_reason("its name is no name of a file")),
    }
}

/// Gives a map and the template of its inner maps the sizes that this machine wants.
fn size_for_machine(spec: &mut MapSpec) -> Result<()> {
    let page_size = u32::try_from(rustix::param::page_size()).unwrap_or(u32::MAX);
    map_spec::for_machine(spec, page_size, || {
        let cpus = possible_cpus()?.len();
        Ok(u32::try_from(cpus).unwrap_or(u32::MAX))
    })?;
    match &mut spec.inner {
        Some(inner) => size_for_machine(inner),
        None => Ok(()),
    }
}

fn create_new(context: Context<'_>, spec: &MapSpec) -> Result<Map> {
    let inner = match &spec.inner {
        // With types too: the kernel wants those of the maps put in to hold the same locks and timers.
        Some(inner) => Some(create_new(context, inner)?),
        None => None,
    };
    let name = map_spec::kernel_name(&context.spec.name, spec);
    let types = context
        .btf
        .filter(|_| !WITHOUT_TYPES.contains(&spec.map_type));
    let exclusive_to = spec
        .exclusive_to
        .and_then(|program| context.digests.get(&program));
    context.authority.call(|token| {
        let options = CreateOptions {
            btf: types.map(AsFd::as_fd),
            inner_map: inner.as_ref().map(AsFd::as_fd),
            token,
            exclusive_to: exclusive_to.map_or(&[], |hash| &hash[..]),
            ..CreateOptions::default()
        };
        Map::create(&name, spec, options).map_err(|error| match context.refused_types {
            // Storage is not made without.
            Some(refused) if error.errno() == Some(Errno::INVAL) => {
                error.with_reason(without_types(refused))
            }
            _ => error,
        })
    })
}

/// A map with a structure for the kernel. Its value is set when it is attached.
fn create_struct_ops(context: Context<'_>, spec: &MapSpec, value: &Value) -> Result<Map> {
    let spec = MapSpec {
        value_size: u32::try_from(value.bytes.len()).unwrap_or(u32::MAX),
        ..spec.clone()
    };
    let module = context.kernel.module(value.module)?;
    let create = || {
        context.authority.call(|token| {
            let options = CreateOptions {
                btf: context.btf.map(AsFd::as_fd),
                kernel_value_type: value.value_type,
                kernel_value_btf: module.map(|module| module.fd.as_fd()),
                token,
                ..CreateOptions::default()
            };
            Map::create(&spec.name, &spec, options)
        })
    };
    match create() {
        Err(e) if e.kind() == ErrorKind::Unsupported => {
            feature::wake_kernel_types();
            create().map_err(|_| e)
        }
        made => made,
    }
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
    let differences = map.differences(spec)?;
    if differences.is_empty() {
        return Ok(());
    }
    Err(
        Error::new(ErrorKind::WrongKind, format!("{doing} map `{}`", spec.name))
            .with_reason(format!("it has {}", list(&differences))),
    )
}

fn list(differences: &[Difference]) -> String {
    let all: Vec<String> = differences.iter().map(ToString::to_string).collect();
    all.join(", ")
}

/// Gives a data map the initial values of its variables; constants are frozen then.
fn fill_with_data(map: &Map, data: &DataSection) -> Result<()> {
    if data.kind == DataKind::StructOps {
        return Ok(());
    }
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
        set_descriptor(made, *slot, &inner.map)?;
    }
    Ok(())
}

/// Fills program arrays, when there are programs.
pub(super) fn fill_with_programs(
    spec: &CollectionSpec,
    maps: &Maps,
    programs: &[Option<Program>],
    faults: &mut Faults,
) -> Result<()> {
    for (position, (map, made)) in spec.maps().iter().zip(maps).enumerate() {
        let Some(made) = made
            .as_ref()
            .filter(|_| map.map_type == MapType::PROG_ARRAY)
        else {
            continue;
        };
        for (slot, reference) in &map.values {
            let SlotRef::Program(index) = reference else {
                continue;
            };
            // A program that is switched off leaves its slot empty: a tail call to it falls through.
            if let Some(Some(program)) = programs.get(*index) {
                if let Err(error) = set_descriptor(&made.map, *slot, program) {
                    faults.of_map(position, error)?;
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
