//! Handles: made, opened by descriptor, id and pin.

use std::os::fd::{AsFd, OwnedFd};

use oxbpf::ErrorKind;
use oxbpf::map::{CreateOptions, HashMap, Map, UpdateFlags};
use oxbpf::object::kernel::{MapFlags, MapType};
use oxbpf::object::spec::MapSpec;

use crate::{assert_kind, common, create, spec};

#[test]
fn descriptors_ids_and_pins_lead_to_the_same_map() {
    let map = create("shared-by-many-names", MapType::HASH, 4, 8, 16);
    let counts: HashMap<u32, u64> = map.typed().unwrap();
    counts.set(&1, &11).unwrap();
    let info = map.info().unwrap();
    assert_eq!(info.name, "shared_by_many_");
    assert_eq!(map.name(), "shared-by-many-names");
    assert_eq!(
        (
            info.map_type,
            info.key_size,
            info.value_size,
            info.max_entries
        ),
        (MapType::HASH, 4, 8, 16)
    );

    let other = Map::from_fd(map.as_fd().try_clone_to_owned().unwrap()).unwrap();
    assert_eq!(other.info().unwrap(), info);
    assert_eq!(other.name(), "shared_by_many_");
    let other = Map::from_id(info.id).unwrap();
    let again: HashMap<u32, u64> = other.typed().unwrap();
    assert_eq!(again.get(&1).unwrap(), Some(11));
    assert_kind(Map::from_id(u32::MAX), ErrorKind::NotFound, "id 4294967295");

    let path = common::own_bpffs().join("map");
    map.pin(&path).unwrap();
    assert_kind(map.pin(&path), ErrorKind::AlreadyExists, "pinning map");
    let pinned = Map::open_pinned(&path).unwrap();
    assert_eq!(pinned.info().unwrap(), info);
    let stranger = create("stranger", MapType::ARRAY, 4, 8, 1);
    assert_kind(
        stranger.unpin(&path),
        ErrorKind::InvalidInput,
        "something else is pinned there",
    );
    map.unpin(&path).unwrap();
    assert_kind(map.unpin(&path), ErrorKind::NotFound, "unpinning map");
    assert_kind(Map::open_pinned(&path), ErrorKind::NotFound, "pinned map");
}

#[test]
fn pins_go_to_a_bpf_file_system_only() {
    let map = create("astray", MapType::ARRAY, 4, 8, 1);
    assert_kind(
        map.pin("/tmp/oxbpf-astray"),
        ErrorKind::InvalidInput,
        "not in a BPF file system",
    );
    let bpffs = common::own_bpffs();
    assert_kind(
        map.pin(bpffs.join("dotted.map")),
        ErrorKind::InvalidInput,
        "no dots",
    );
    assert_kind(
        map.pin(bpffs.join("nowhere/x")),
        ErrorKind::NotFound,
        "there is no directory",
    );
    assert_kind(map.pin("/sys/fs/bpf/\0"), ErrorKind::InvalidInput, "NUL");
}

#[test]
fn other_descriptors_are_no_maps() {
    let file: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
    assert_kind(Map::from_fd(file), ErrorKind::WrongKind, "as a map");
}

#[test]
fn creation_explains_what_does_not_fit() {
    let create = |spec: MapSpec| Map::create("wrong", &spec, CreateOptions::default());
    assert_kind(
        create(spec(MapType::HASH, 4, 8, 0)),
        ErrorKind::InvalidInput,
        "creating map `wrong` (hash) failed: it has room for 0 entries",
    );
    assert_kind(
        create(spec(MapType::RINGBUF, 0, 0, 5000)),
        ErrorKind::InvalidInput,
        "5000 bytes",
    );
    assert_kind(
        create(spec(MapType::ARRAY, 8, 8, 1)),
        ErrorKind::InvalidInput,
        "indices have 4",
    );
    let unknown = create(spec(MapType(4000), 4, 8, 1)).unwrap_err();
    assert!(unknown.to_string().contains("(4000)"), "{unknown}");
}

#[test]
fn flags_of_creation_reach_the_kernel() {
    let mut spec = spec(MapType::HASH, 4, 8, 100);
    spec.flags = MapFlags::NO_PREALLOC | MapFlags::RDONLY;
    let map = Map::create("lazy", &spec, CreateOptions::default()).unwrap();
    assert_eq!(map.flags(), spec.flags);
    assert!(map.info().unwrap().flags.contains(MapFlags::NO_PREALLOC));
    assert_kind(
        map.set(&[0; 4], &[0; 8], UpdateFlags::empty()),
        ErrorKind::ReadOnly,
        "other direction",
    );
}
