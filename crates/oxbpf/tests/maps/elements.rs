//! Single elements: get, set, take, remove, and what their failures are called.

use std::os::fd::AsFd;

use oxbpf::ErrorKind;
use oxbpf::map::{
    Array, CreateOptions, HashMap, Map, PerCpu, PerCpuArray, PerCpuHashMap, UpdateFlags,
    possible_cpus,
};
use oxbpf::object::kernel::MapType;

use crate::{assert_kind, create, spec};

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
    assert_kind(array.get(4), ErrorKind::BadIndex, no_index);
    assert_kind(array.set(4, b"abc"), ErrorKind::BadIndex, no_index);
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
    assert_kind(array.get(2), ErrorKind::BadIndex, "no index 2");
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

#[test]
fn the_value_of_one_cpu_can_be_read_and_where_the_kernel_can_set() {
    let array: PerCpuArray<u64> = create("percpu", MapType::PERCPU_ARRAY, 4, 8, 2)
        .typed()
        .unwrap();
    let counts: PerCpuHashMap<u32, [u8; 5]> = create("percpu", MapType::PERCPU_HASH, 4, 5, 2)
        .typed()
        .unwrap();
    let cpus = possible_cpus().unwrap();
    let mut values = PerCpu::zeroed().unwrap();
    for cpu in cpus {
        values.set(*cpu, &u64::from(100 + cpu));
    }
    array.set(1, &values).unwrap();
    for cpu in cpus {
        assert_eq!(array.get_on(1, *cpu).unwrap(), u64::from(100 + cpu));
    }
    assert_kind(array.get_on(2, cpus[0]), ErrorKind::BadIndex, "no index 2");
    assert_kind(
        array.get_on(1, 100_000),
        ErrorKind::BadIndex,
        "no CPU 100000",
    );
    assert_kind(array.set_on(1, 100_000, &1), ErrorKind::BadIndex, "no CPU");
    array.set_all(0, &9).unwrap();
    assert!(array.get(0).unwrap().values().all(|value| value == 9));
    counts.set_all(&7, b"seven").unwrap();
    let last = *cpus.last().unwrap();
    assert_eq!(&counts.get_on(&7, last).unwrap().unwrap(), b"seven");
    assert_eq!(counts.get_on(&8, last).unwrap(), None);
    match array.set_on(1, last, &5) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            skip!("this kernel writes the values of all CPUs or none");
        }
        Err(error) => panic!("{error}"),
    }
    values.set(last, &5);
    assert!(array.get(1).unwrap().iter().eq(values.iter()));
    counts.set_on(&7, last, b"other").unwrap();
    assert_eq!(&counts.get_on(&7, last).unwrap().unwrap(), b"other");
    if let [first, .., _] = cpus {
        assert_eq!(&counts.get_on(&7, *first).unwrap().unwrap(), b"seven");
    }
    assert_kind(array.set_on(2, last, &5), ErrorKind::BadIndex, "no index 2");
}

#[test]
fn many_are_set_and_removed_at_once() {
    let keys: Vec<u32> = (0..1000).collect();
    let values: Vec<u64> = keys.iter().map(|key| u64::from(key * 3)).collect();
    for kind in [MapType::HASH, MapType::LRU_HASH] {
        let map: HashMap<u32, u64> = create("many", kind, 4, 8, 1000).typed().unwrap();
        map.set_batch(&keys, &values, UpdateFlags::empty()).unwrap();
        // The LRU list of a CPU can be short of a few.
        if kind == MapType::HASH {
            assert_eq!(map.map().len().unwrap(), 1000);
            assert_eq!(map.get(&777).unwrap(), Some(2331));
            // Every third key, one that is not there among them.
            let some: Vec<u32> = (0..1002).step_by(3).collect();
            assert_eq!(map.remove_batch(&some).unwrap(), 334);
            assert_eq!(map.remove_batch(&some).unwrap(), 0);
            assert_eq!(map.map().len().unwrap(), 666);
        }
        map.map().clear().unwrap();
        assert!(map.map().is_empty().unwrap());
    }
    let small: HashMap<u32, u64> = create("small", MapType::HASH, 4, 8, 10).typed().unwrap();
    assert_kind(
        small.set_batch(&keys, &values, UpdateFlags::empty()),
        ErrorKind::Full,
        "after 10 of 1000 entries: writing to map `small` failed: it is full",
    );
    assert_kind(
        small.set_batch(&keys[5..7], &values[5..7], UpdateFlags::NO_EXIST),
        ErrorKind::AlreadyExists,
        "the key is there already",
    );
    small
        .set_batch(&keys[5..7], &[1, 2], UpdateFlags::EXIST)
        .unwrap();
    assert_eq!(small.get(&6).unwrap(), Some(2));
    assert_kind(
        small.set_batch(&keys, &values[1..], UpdateFlags::empty()),
        ErrorKind::WrongSize,
        "not as many keys as values",
    );
    assert_kind(
        small.map().remove_batch(&[0; 7]),
        ErrorKind::WrongSize,
        "its keys have 4 bytes, 7 are no multiple",
    );
    let array: Array<u64> = create("array", MapType::ARRAY, 4, 8, 8).typed().unwrap();
    array.set_batch(3, &[30, 40, 50]).unwrap();
    let all: Vec<_> = array.iter().map(Result::unwrap).collect();
    assert_eq!(all, [0, 0, 0, 30, 40, 50, 0, 0]);
    assert_kind(
        array.set_batch(7, &[1, 2]),
        ErrorKind::BadIndex,
        "after 1 of 2 entries: writing to map `array` failed: there is no index 8",
    );
    assert_eq!(array.get(7).unwrap(), 1);
}
