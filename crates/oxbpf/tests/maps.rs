//! Maps in a real kernel.

#[macro_use]
mod common;

use std::os::fd::{AsFd, OwnedFd};

use oxbpf::map::{
    Array, CreateOptions, Guarantee, HashMap, Map, PerCpu, PerCpuArray, PerCpuHashMap, UpdateFlags,
    possible_cpus,
};
use oxbpf::object::kernel::{MapFlags, MapType};
use oxbpf::object::spec::MapSpec;
use oxbpf::{Error, ErrorKind};

fn spec(map_type: MapType, key_size: u32, value_size: u32, max_entries: u32) -> MapSpec {
    MapSpec {
        map_type,
        key_size,
        value_size,
        max_entries,
        ..MapSpec::default()
    }
}

fn create(name: &str, map_type: MapType, key: u32, value: u32, entries: u32) -> Map {
    Map::create(
        name,
        &spec(map_type, key, value, entries),
        CreateOptions::default(),
    )
    .unwrap()
}

#[track_caller]
fn assert_kind<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind, part: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(part), "{error}");
}

#[test]
fn hash_map_sets_gets_and_removes() {
    let map = create("counts", MapType::HASH, 4, 8, 16);
    let counts: HashMap<u32, u64> = map.typed().unwrap();
    assert_eq!(counts.get(&1).unwrap(), None);
    counts.set(&1, &100).unwrap();
    counts.set(&1, &u64::MAX).unwrap();
    assert_eq!(counts.get(&1).unwrap(), Some(u64::MAX));
    assert!(counts.remove(&1).unwrap());
    assert!(!counts.remove(&1).unwrap());
    assert_eq!(counts.get(&1).unwrap(), None);
}

#[test]
fn hash_map_takes() {
    let counts: HashMap<u32, u64> = create("taken", MapType::HASH, 4, 8, 1).typed().unwrap();
    counts.set(&7, &70).unwrap();
    match counts.take(&7) {
        Ok(taken) => assert_eq!(taken, Some(70)),
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            skip!("hash maps of this kernel cannot take");
        }
        Err(error) => panic!("{error}"),
    }
    assert_eq!(counts.take(&7).unwrap(), None);
}

#[test]
fn flags_say_what_setting_may_do() {
    let map: HashMap<u32, u32> = create("flags", MapType::HASH, 4, 4, 16).typed().unwrap();
    assert_kind(
        map.set_with(&1, &1, UpdateFlags::EXIST),
        ErrorKind::NotFound,
        "the key is not there",
    );
    map.set_with(&1, &1, UpdateFlags::NO_EXIST).unwrap();
    assert_kind(
        map.set_with(&1, &2, UpdateFlags::NO_EXIST),
        ErrorKind::AlreadyExists,
        "writing to map `flags` failed: the key is there already",
    );
    map.set_with(&1, &3, UpdateFlags::EXIST).unwrap();
    assert_eq!(map.get(&1).unwrap(), Some(3));
    assert_kind(
        map.set_with(&1, &3, UpdateFlags::LOCK),
        ErrorKind::InvalidInput,
        "flags",
    );
}

#[test]
fn full_map_says_so() {
    let map: HashMap<u32, u32> = create("small", MapType::HASH, 4, 4, 2).typed().unwrap();
    map.set(&1, &1).unwrap();
    map.set(&2, &2).unwrap();
    assert_kind(
        map.set(&3, &3),
        ErrorKind::Full,
        "it is full: it has room for 2 entries",
    );
    // What is there can still be replaced.
    map.set(&2, &4).unwrap();
}

#[test]
fn lru_hash_makes_room() {
    let map = create("lru", MapType::LRU_HASH, 4, 4, 64);
    let lru: HashMap<u32, u32> = map.typed().unwrap();
    for key in 0..1000 {
        lru.set(&key, &key).unwrap();
    }
    assert!(lru.iter().count() <= 64);
    assert_eq!(lru.get(&999).unwrap(), Some(999));
}

#[test]
fn frozen_map_is_read_only() {
    let map: Array<u64> = create("frozen", MapType::ARRAY, 4, 8, 1).typed().unwrap();
    map.set(0, &5).unwrap();
    map.map().freeze().unwrap();
    assert_kind(map.set(0, &6), ErrorKind::ReadOnly, "frozen");
    assert_eq!(map.get(0).unwrap(), 5);
    assert_kind(map.map().freeze(), ErrorKind::ReadOnly, "frozen already");
}

#[test]
fn array_knows_its_indices() {
    let array: Array<[u8; 3]> = create("odd", MapType::ARRAY, 4, 3, 4).typed().unwrap();
    array.set(3, b"abc").unwrap();
    assert_eq!(&array.get(3).unwrap(), b"abc");
    assert_eq!(array.len(), 4);
    let all: Vec<_> = array.iter().collect::<Result<_, _>>().unwrap();
    assert_eq!(all, [[0; 3], [0; 3], [0; 3], *b"abc"]);
    let no_index = "there is no index 4: it has 4 entries";
    assert_kind(array.get(4), ErrorKind::InvalidInput, no_index);
    assert_kind(array.set(4, b"abc"), ErrorKind::InvalidInput, no_index);
    assert_kind(
        array.set_with(0, b"abc", UpdateFlags::NO_EXIST),
        ErrorKind::AlreadyExists,
        "exist from the start",
    );
    assert_kind(
        array.map().remove(&0u32.to_ne_bytes()),
        ErrorKind::Unsupported,
        "maps of type array cannot do that",
    );
}

#[test]
fn typed_views_name_both_sizes() {
    let map = create("counts", MapType::HASH, 4, 8, 16);
    assert_kind(
        map.typed::<HashMap<u64, u64>>(),
        ErrorKind::WrongSize,
        "map `counts` has keys of 4 bytes, `u64` has 8",
    );
    assert_kind(
        map.typed::<HashMap<u32, [u8; 3]>>(),
        ErrorKind::WrongSize,
        "map `counts` has values of 8 bytes, `[u8; 3]` has 3",
    );
    assert_kind(
        map.get(&[1, 2]),
        ErrorKind::WrongSize,
        "its keys have 4 bytes, 2 were given",
    );
    assert_kind(
        map.set(&[0; 4], &[0; 4], UpdateFlags::empty()),
        ErrorKind::WrongSize,
        "its values have 8 bytes, 4 were given",
    );
}

#[test]
fn typed_views_name_both_kinds() {
    let map = create("slots", MapType::ARRAY, 4, 8, 16);
    assert_kind(
        map.typed::<HashMap<u32, u64>>(),
        ErrorKind::WrongKind,
        "map `slots` is of type array, not hash",
    );
    assert_kind(
        map.typed::<PerCpuArray<u64>>(),
        ErrorKind::WrongKind,
        "map `slots` is of type array, not percpu_array",
    );
    map.typed::<Array<u64>>().unwrap();
}

#[test]
fn per_cpu_array_keeps_cpus_apart() {
    // 12 bytes are padded to 16 in what the kernel passes.
    type Value = [u32; 3];
    let map = create("percpu", MapType::PERCPU_ARRAY, 4, 12, 2);
    let cpus = possible_cpus().unwrap();
    assert_eq!(map.value_len().unwrap(), 16 * cpus.len());
    let array: PerCpuArray<Value> = map.typed().unwrap();
    let mut values = PerCpu::<Value>::zeroed().unwrap();
    for cpu in cpus {
        assert!(values.set(*cpu, &[*cpu, 2, 3]));
    }
    assert!(!values.set(u32::MAX, &[0; 3]));
    array.set(1, &values).unwrap();
    let read = array.get(1).unwrap();
    for cpu in cpus {
        assert_eq!(read.get(*cpu), Some([*cpu, 2, 3]));
    }
    assert_eq!(read.get(u32::MAX), None);
    assert!(array.get(0).unwrap().values().all(|value| value == [0; 3]));
    assert_kind(array.get(2), ErrorKind::InvalidInput, "no index 2");
    // Wherever the kernel put them, they are in the order of the CPUs.
    assert!(read.iter().eq(cpus.iter().map(|cpu| (*cpu, [*cpu, 2, 3]))));
}

#[test]
fn per_cpu_hash_map_keeps_cpus_apart() {
    let map = create("percpu", MapType::PERCPU_HASH, 2, 8, 8);
    let counts: PerCpuHashMap<u16, u64> = map.typed().unwrap();
    let cpus = possible_cpus().unwrap().len() as u64;
    assert!(counts.get(&9).unwrap().is_none());
    counts.set(&9, &PerCpu::all(&5).unwrap()).unwrap();
    assert_eq!(
        counts.get(&9).unwrap().unwrap().values().sum::<u64>(),
        5 * cpus
    );
    let keys: Vec<_> = counts.keys().collect::<Result<_, _>>().unwrap();
    assert_eq!(keys, [9]);
    let mut reused = PerCpu::zeroed().unwrap();
    assert!(!counts.get_into(&8, &mut reused).unwrap());
    assert!(counts.get_into(&9, &mut reused).unwrap());
    assert!(counts.remove(&9).unwrap());
    assert!(!counts.remove(&9).unwrap());
}

#[test]
fn iteration_sees_every_entry_once() {
    let map: HashMap<u32, u64> = create("many", MapType::HASH, 4, 8, 1000).typed().unwrap();
    assert_eq!(map.iter().count(), 0);
    for key in 0..1000 {
        map.set(&key, &u64::from(key * 2)).unwrap();
    }
    assert_eq!(map.iter().guarantee(), Guarantee::Approximate);
    let mut entries: Vec<_> = map.iter().collect::<Result<_, _>>().unwrap();
    entries.sort_unstable();
    let expected: Vec<_> = (0..1000).map(|key| (key, u64::from(key * 2))).collect();
    assert_eq!(entries, expected);
}

#[test]
fn every_key_can_be_removed_when_it_comes_up() {
    let map: HashMap<u32, u64> = create("drained", MapType::HASH, 4, 8, 1000)
        .typed()
        .unwrap();
    for key in 0..1000 {
        map.set(&key, &0).unwrap();
    }
    let mut removed = 0;
    for key in map.keys() {
        assert!(map.remove(&key.unwrap()).unwrap());
        removed += 1;
    }
    assert_eq!(removed, 1000);
    assert_eq!(map.keys().count(), 0);
}

#[test]
fn iteration_over_a_map_that_never_rests_ends() {
    let map: HashMap<u32, u64> = create("busy", MapType::HASH, 4, 8, 8).typed().unwrap();
    let mut fresh = 0..;
    let mut replace_all = || {
        let old: Vec<_> = map.keys().map(Result::unwrap).collect();
        old.iter().for_each(|key| assert!(map.remove(key).unwrap()));
        fresh
            .by_ref()
            .take(8)
            .for_each(|key| map.set(&key, &0).unwrap());
    };
    replace_all();
    let mut keys = map.keys();
    let mut seen = 0;
    let error = loop {
        match keys.next().expect("the walk came to its end") {
            Ok(_) => replace_all(),
            Err(error) => break error,
        }
        seen += 1;
        assert!(seen < 1000, "the walk does not end");
    };
    assert_eq!(error.kind(), ErrorKind::IterationAborted, "{error}");
    assert!(keys.next().is_none());
}

#[test]
fn queues_have_no_keys() {
    let queue = create("queue", MapType::QUEUE, 0, 4, 2);
    let push = |value: u32| queue.set(&[], &value.to_ne_bytes(), UpdateFlags::empty());
    push(1).unwrap();
    push(2).unwrap();
    assert_kind(push(3), ErrorKind::Full, "full");
    let mut value = [0; 4];
    assert!(queue.get_into(&[], &mut value).unwrap());
    assert!(queue.take_into(&[], &mut value).unwrap());
    assert_eq!(u32::from_ne_bytes(value), 1);
    assert!(queue.take_into(&[], &mut value).unwrap());
    assert!(!queue.take_into(&[], &mut value).unwrap());
    assert_kind(
        queue.keys().next().unwrap(),
        ErrorKind::Unsupported,
        "maps of type queue cannot do that",
    );
}

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
fn maps_of_maps_hand_out_ids() {
    let inner = create("inner", MapType::ARRAY, 4, 8, 1);
    let outer = Map::create(
        "outer",
        &spec(MapType::HASH_OF_MAPS, 4, 4, 4),
        CreateOptions {
            inner_map: Some(inner.as_fd()),
            ..Default::default()
        },
    )
    .unwrap();
    assert_kind(
        Map::create(
            "outer",
            &spec(MapType::HASH_OF_MAPS, 4, 4, 4),
            CreateOptions::default(),
        ),
        ErrorKind::InvalidInput,
        "creating map `outer` (hash_of_maps) failed: there is no map to take as a pattern",
    );
    let misfit = create("misfit", MapType::HASH, 4, 8, 1);
    let raw = |map: &Map| {
        let fd = std::os::fd::AsRawFd::as_raw_fd(&map.as_fd());
        fd.to_ne_bytes()
    };
    let key = 1u32.to_ne_bytes();
    assert_kind(
        outer.set(&key, &raw(&misfit), UpdateFlags::empty()),
        ErrorKind::InvalidInput,
        "do not suit",
    );
    outer.set(&key, &raw(&inner), UpdateFlags::empty()).unwrap();
    let id = outer.get(&key).unwrap().unwrap();
    assert_eq!(id, inner.info().unwrap().id.to_ne_bytes());
}
