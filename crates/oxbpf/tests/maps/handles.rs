//! Handles: made, opened by descriptor, id and pin.

use std::os::fd::{AsFd, OwnedFd};

use oxbpf::ErrorKind;
use oxbpf::map::{Access, CreateOptions, HashMap, Map, UpdateFlags};
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

#[test]
fn pinned_maps_are_opened_for_one_direction() {
    let path = common::own_bpffs().join("map");
    let map = create("both", MapType::HASH, 4, 8, 16);
    map.pin(&path).unwrap();
    let reader = Map::open_pinned_for(&path, Access::ReadOnly).unwrap();
    let writer = Map::open_pinned_for(&path, Access::WriteOnly).unwrap();
    let (key, value) = ([1; 4], [2; 8]);
    let set = |map: &Map| map.set(&key, &value, UpdateFlags::empty());
    assert_kind(set(&reader), ErrorKind::ReadOnly, "other direction");
    assert_kind(writer.get(&key), ErrorKind::ReadOnly, "other direction");
    set(&writer).unwrap();
    assert_eq!(reader.get(&key).unwrap().unwrap(), value);
    let id = map.info().unwrap().id;
    let reader = Map::from_id_for(id, Access::ReadOnly).unwrap();
    assert_kind(set(&reader), ErrorKind::ReadOnly, "other direction");
    set(&Map::from_id_for(id, Access::ReadWrite).unwrap()).unwrap();
    // Old kernels let readers do this.
    if let Err(error) = reader.freeze() {
        assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
        assert!(
            error.to_string().contains("it was opened read-only"),
            "{error}"
        );
    }
    map.unpin(&path).unwrap();
}

#[test]
fn all_that_differs_is_listed() {
    let map = create("map", MapType::HASH, 4, 8, 16);
    let same = spec(MapType::HASH, 4, 8, 16);
    assert_eq!(map.differences(&same).unwrap(), []);
    let mut other = spec(MapType::ARRAY, 8, 16, 32);
    other.flags = MapFlags::NO_PREALLOC;
    other.map_extra = 5;
    let all: Vec<String> = map
        .differences(&other)
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        all,
        [
            "type hash instead of array",
            "key size 4 instead of 8",
            "value size 8 instead of 16",
            "max entries 16 instead of 32",
            "flags 0x0 instead of 0x1",
            "map_extra 0x0 instead of 0x5",
        ]
    );
}

#[test]
fn a_pinned_map_is_upgraded_with_what_is_in_it() {
    let path = common::own_bpffs().join("map");
    let old: HashMap<u32, u32> = create("counts", MapType::HASH, 4, 4, 100).typed().unwrap();
    for key in 0..50 {
        old.set(&key, &(key + 1)).unwrap();
    }
    old.map().pin(&path).unwrap();
    let upgrade = |spec: &MapSpec| {
        Map::upgrade_pinned(&path, spec, CreateOptions::default(), |key, value| {
            // The odd ones are not wanted any more.
            let wide = [value, &[0; 4]].concat();
            (key[0] % 2 == 0).then(|| (key.to_vec(), wide))
        })
    };
    let same = spec(MapType::HASH, 4, 4, 100);
    let (map, copied) = upgrade(&same).unwrap();
    assert_eq!(
        (map.info().unwrap().id, copied),
        (old.map().info().unwrap().id, 0)
    );
    // What cannot be done leaves all as it was.
    let small = spec(MapType::HASH, 4, 8, 5);
    assert_kind(
        upgrade(&small),
        ErrorKind::Full,
        "upgrading the map pinned at",
    );
    let still = Map::open_pinned(&path).unwrap();
    assert_eq!(still.info().unwrap().id, old.map().info().unwrap().id);

    let wide = spec(MapType::HASH, 4, 8, 200);
    let (map, copied) = upgrade(&wide).unwrap();
    assert_eq!(copied, 25);
    let pinned = Map::open_pinned(&path).unwrap();
    assert_eq!(pinned.info().unwrap(), map.info().unwrap());
    assert_eq!(pinned.name(), "counts");
    let new: HashMap<u32, u64> = pinned.typed().unwrap();
    assert_eq!(
        new.get(&48).unwrap(),
        Some(if cfg!(target_endian = "little") {
            49
        } else {
            49 << 32
        })
    );
    assert_eq!(new.get(&49).unwrap(), None);
    assert!(!path.with_file_name("map-new").exists());
    assert_kind(
        Map::upgrade_pinned(
            path.with_file_name("none"),
            &wide,
            CreateOptions::default(),
            |_, _| None,
        ),
        ErrorKind::NotFound,
        "opening pinned map",
    );
}

#[test]
fn a_map_can_belong_to_one_program_only() {
    let hash = [7; 32];
    let options = CreateOptions {
        exclusive_to: &hash,
        ..CreateOptions::default()
    };
    let spec = spec(MapType::ARRAY, 4, 8, 1);
    let Ok(map) = Map::create("own", &spec, options) else {
        skip!("this kernel has no maps that belong to one program")
    };
    use oxbpf::object::asm::{self, Reg};
    use oxbpf::program::ProgramLoad;
    use std::os::fd::AsRawFd;
    let insns = asm::program([
        asm::load_map(Reg::R1, map.as_fd().as_raw_fd()),
        asm::mov(Reg::R0, 0),
        asm::exit(),
    ]);
    let stranger = ProgramLoad {
        name: "stranger",
        program_type: oxbpf::object::ProgramType::SOCKET_FILTER,
        insns: &insns,
        license: "GPL",
        ..ProgramLoad::default()
    };
    assert!(stranger.load().is_err());
}
