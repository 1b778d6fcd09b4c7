//! What an object holds once it is opened, as either library sees it.

use std::collections::BTreeMap;

use oxbpf::object::elf;
use oxbpf::object::spec::{CollectionSpec, DataKind, MapSpec, Pinning};
use oxbpf::object::{MapType, ProgramSpec};

use crate::compare::{self, Difference, Facts};
use crate::libbpf::{Map, Object, Program};

/// Maps and programs, each with its attributes as text.
pub(crate) fn ours(spec: &CollectionSpec) -> Facts {
    let maps = spec.maps().iter().map(map);
    let programs = spec.programs().iter().map(program);
    maps.chain(programs).collect()
}

/// The same by libbpf.
pub(crate) fn theirs(object: &Object) -> Facts {
    let maps = object.maps().into_iter().map(|map| their_map(&map));
    let programs = object
        .programs()
        .into_iter()
        .map(|program| their_program(&program));
    maps.chain(programs).collect()
}

/// Both refuse an object: whether for the like of reasons, as far as libbpf's errno tells.
pub(crate) fn refused(theirs: i32, ours: &elf::Error) -> Option<Difference> {
    use elf::ErrorKind as Kind;
    let (libelf, format, reloc) = (4000, 4001, 4005);
    let like: &[i32] = match ours.kind() {
        Kind::NotElf | Kind::NotBpf | Kind::Truncated => &[libelf, format, libc::EINVAL],
        Kind::Corrupt => &[libelf, format, libc::EINVAL, reloc],
        Kind::TypeInfo => &[libc::EINVAL, libc::ENOENT, libc::ESRCH, format],
        Kind::MapDefinition => &[libc::EINVAL, libc::EOPNOTSUPP, libc::ENOENT],
        Kind::Reference => &[libc::EINVAL, libc::ENOENT, libc::ESRCH, reloc],
        _ => &[],
    };
    let differs = !like.contains(&theirs);
    differs.then(|| Difference::new("open: errno", compare::errno(theirs), ours.to_string()))
}

fn map(map: &MapSpec) -> (String, BTreeMap<&'static str, String>) {
    let attributes = BTreeMap::from([
        ("type", map.map_type.0.to_string()),
        ("key size", map.key_size.to_string()),
        ("value size", map.value_size.to_string()),
        ("max entries", entries(map.map_type, map.max_entries)),
        ("flags", flags(is_internal(map), map.flags.bits())),
        ("NUMA node", map.numa_node.unwrap_or(0).to_string()),
        ("extra", format!("{:#x}", map.map_extra)),
        ("pinned", (map.pinning == Pinning::ByName).to_string()),
        ("created", map.autocreate.to_string()),
    ]);
    (format!("map {}", map.name), attributes)
}

/// Whether libbpf makes a map for variables of it.
fn is_internal(map: &MapSpec) -> bool {
    map.data.as_ref().is_some_and(|data| {
        matches!(
            data.kind,
            DataKind::Data | DataKind::Rodata | DataKind::Bss | DataKind::Kconfig
        )
    })
}

fn their_map(map: &Map<'_>) -> (String, BTreeMap<&'static str, String>) {
    let attributes = BTreeMap::from([
        ("type", map.map_type().to_string()),
        ("key size", map.key_size().to_string()),
        ("value size", map.value_size().to_string()),
        (
            "max entries",
            entries(MapType(map.map_type()), map.max_entries()),
        ),
        ("flags", flags(map.is_internal(), map.flags())),
        ("NUMA node", map.numa_node().to_string()),
        ("extra", format!("{:#x}", map.extra())),
        ("pinned", (!map.pin_path().is_empty()).to_string()),
        ("created", map.autocreate().to_string()),
    ]);
    (format!("map {}", section_or_name(map)), attributes)
}

/// A map's name in the object: of variables, that of their section.
pub(crate) fn section_or_name(map: &Map<'_>) -> String {
    let name = map.name();
    match name.rfind('.') {
        Some(dot) if map.is_internal() && dot != 0 && !name.starts_with('.') => {
            name[dot..].to_owned()
        }
        _ => name,
    }
}

/// Sizes that depend on the machine: libbpf sets them when it opens, we when we load. There they are compared.
fn entries(map_type: MapType, entries: u32) -> String {
    match map_type {
        MapType::RINGBUF | MapType::USER_RINGBUF | MapType::PERF_EVENT_ARRAY => {
            "of the machine".to_owned()
        }
        _ => entries.to_string(),
    }
}

/// So with the flags of maps for variables.
fn flags(is_data: bool, flags: u32) -> String {
    match is_data {
        true => "of the machine".to_owned(),
        false => format!("{flags:#x}"),
    }
}

fn program(program: &ProgramSpec) -> (String, BTreeMap<&'static str, String>) {
    let attributes = BTreeMap::from([
        (
            "type",
            program.prog_type.map_or(0, |kind| kind.0).to_string(),
        ),
        (
            "attach type",
            program.attach_type.map_or(0, |kind| kind.0).to_string(),
        ),
        ("loaded", program.autoload.to_string()),
    ]);
    (
        format!("program {} in {}", program.name, program.section),
        attributes,
    )
}

fn their_program(program: &Program<'_>) -> (String, BTreeMap<&'static str, String>) {
    let attributes = BTreeMap::from([
        ("type", program.program_type().to_string()),
        ("attach type", program.attach_type().to_string()),
        ("loaded", program.autoload().to_string()),
    ]);
    (
        format!("program {} in {}", program.name(), program.section()),
        attributes,
    )
}
