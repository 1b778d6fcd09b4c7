//! Going through maps, also while they change.

use std::collections::{BTreeMap, BTreeSet};

use oxbpf::map::{CreateOptions, Guarantee, HashMap, Map, PerCpu, PerCpuArray, PerCpuHashMap};
use oxbpf::object::kernel::{MapFlags, MapType};
use oxbpf::{Error, ErrorKind};

use crate::{assert_kind, create, spec};

/// More than fit into one batch.
const MANY: u32 = 20_000;

fn filled(kind: MapType, entries: u32) -> HashMap<u32, u64> {
    let map: HashMap<u32, u64> = create("many", kind, 4, 8, entries).typed().unwrap();
    let keys: Vec<u32> = (0..entries).collect();
    let values: Vec<u64> = keys.iter().map(|key| u64::from(key * 2)).collect();
    map.set_batch(&keys, &values, Default::default()).unwrap();
    map
}

#[test]
fn every_entry_is_seen_once() {
    let map = filled(MapType::HASH, MANY);
    assert_eq!(map.iter().guarantee(), Guarantee::Once);
    assert_eq!(map.keys().guarantee(), Guarantee::Once);
    let mut entries: Vec<_> = map.iter().collect::<Result<_, _>>().unwrap();
    entries.sort_unstable();
    let expected: Vec<_> = (0..MANY).map(|key| (key, u64::from(key * 2))).collect();
    assert_eq!(entries, expected);
    let keys: BTreeSet<u32> = map.keys().map(Result::unwrap).collect();
    assert!(keys.into_iter().eq(0..MANY));
    let sum: u64 = map.values().map(Result::unwrap).sum();
    assert_eq!(sum, expected.iter().map(|(_, value)| value).sum::<u64>());
    assert_eq!(map.map().len().unwrap(), MANY as usize);
    let mut bytes = 0;
    let count = map
        .map()
        .for_each(|key, value| bytes += key.len() + value.len());
    assert_eq!((count.unwrap(), bytes), (MANY as usize, 12 * MANY as usize));
    let empty = create("empty", MapType::HASH, 4, 8, 10);
    assert_eq!((empty.keys().count(), empty.entries().count()), (0, 0));
    assert!(empty.is_empty().unwrap());
}

/// Values so large that only few fit into the memory for a batch: buckets with more of them make it grow.
#[test]
fn large_buckets_are_read_whole() {
    type Large = [u64; 1024];
    let map: HashMap<u32, Large> = create("large", MapType::HASH, 4, 8192, 2000)
        .typed()
        .unwrap();
    for key in 0..2000 {
        map.set(&key, &[key.into(); 1024]).unwrap();
    }
    let mut seen = BTreeSet::new();
    for entry in &map {
        let (key, value) = entry.unwrap();
        assert!(value.iter().all(|word| *word == u64::from(key)));
        assert!(seen.insert(key), "{key} again");
    }
    assert_eq!(seen.len(), 2000);
}

#[test]
fn what_is_drained_is_gone() {
    for kind in [MapType::HASH, MapType::LRU_HASH, MapType::RHASH] {
        let mut spec = spec(kind, 4, 8, 5000);
        if kind == MapType::RHASH {
            spec.flags = MapFlags::NO_PREALLOC;
        }
        let Ok(map) = Map::create("drained", &spec, CreateOptions::default()) else {
            assert_eq!(kind, MapType::RHASH);
            continue;
        };
        let map: HashMap<u32, u64> = map.typed().unwrap();
        for key in 0..4000 {
            map.set(&key, &u64::from(key + 1)).unwrap();
        }
        let there = map.map().len().unwrap();
        let drained: BTreeMap<u32, u64> = map.drain().map(Result::unwrap).collect();
        assert_eq!(drained.len(), there, "{kind}");
        assert!(
            drained
                .iter()
                .all(|(key, value)| *value == u64::from(key + 1))
        );
        assert!(map.map().is_empty().unwrap());
        assert_eq!(map.drain().count(), 0);
    }
    let array = create("array", MapType::ARRAY, 4, 8, 4);
    assert_kind(
        array.drain().next().unwrap(),
        ErrorKind::Unsupported,
        "maps of type array cannot do that",
    );
    assert_kind(array.clear(), ErrorKind::Unsupported, "cannot do that");
}

#[test]
fn per_cpu_maps_are_gone_through() {
    let map: PerCpuHashMap<u32, u64> = create("percpu", MapType::PERCPU_HASH, 4, 8, 1000)
        .typed()
        .unwrap();
    for key in 0..1000 {
        map.set_all(&key, &u64::from(key)).unwrap();
    }
    assert_eq!(map.iter().guarantee(), Guarantee::Once);
    let mut seen = BTreeSet::new();
    for entry in &map {
        let (key, values) = entry.unwrap();
        assert!(values.values().all(|value| value == u64::from(key)));
        assert!(seen.insert(key));
    }
    assert!(seen.into_iter().eq(0..1000));
    let mut sum = 0;
    let count = map.for_each(|_, values: &PerCpu<u64>| sum += values.values().next().unwrap());
    assert_eq!((count.unwrap(), sum), (1000, 999 * 500));
    assert_eq!(map.drain().count(), 1000);
    assert!(map.map().is_empty().unwrap());
    let array: PerCpuArray<u32> = create("percpu", MapType::PERCPU_ARRAY, 4, 4, 3)
        .typed()
        .unwrap();
    array.set_all(2, &7).unwrap();
    let sums: Vec<u32> = array
        .iter()
        .map(|all| all.unwrap().values().max().unwrap())
        .collect();
    assert_eq!(sums, [0, 0, 7]);
}

#[test]
fn every_key_can_be_removed_when_it_comes_up() {
    let map = filled(MapType::HASH, 1000);
    let mut removed = 0;
    for key in map.keys() {
        assert!(map.remove(&key.unwrap()).unwrap());
        removed += 1;
    }
    assert_eq!(removed, 1000);
    assert_eq!(map.keys().count(), 0);
    // Also where there are no batches.
    let slow = one_by_one(1000);
    assert_eq!(slow.keys().guarantee(), Guarantee::Approximate);
    let removed = slow
        .keys()
        .filter(|key| slow.remove(key.as_ref().unwrap()).unwrap());
    assert_eq!(removed.count(), 1000);
    assert!(slow.is_empty().unwrap());
}

/// A map whose entries the kernel hands out one by one, of which so many are there.
fn one_by_one(entries: u32) -> Map {
    let map = create("devices", MapType::DEVMAP_HASH, 4, 4, entries);
    for key in 0..entries {
        put(&map, key);
    }
    map
}

/// Adds an entry; its value is the network interface that every system has.
fn put(map: &Map, key: u32) {
    map.set(&key.to_ne_bytes(), &1u32.to_ne_bytes(), Default::default())
        .unwrap();
}

#[test]
fn arrays_are_gone_through_in_order_and_once() {
    let array: oxbpf::map::Array<u64> =
        create("array", MapType::ARRAY, 4, 8, MANY).typed().unwrap();
    array.set(MANY - 1, &5).unwrap();
    assert_eq!(array.iter().guarantee(), Guarantee::Once);
    let values: Result<Vec<u64>, Error> = array.iter().collect();
    let values = values.unwrap();
    assert_eq!((values.len(), values.last()), (MANY as usize, Some(&5)));
}

#[test]
fn iteration_over_a_map_that_never_rests_ends() {
    let map = one_by_one(8);
    let mut fresh = 8u32..;
    let mut replace_all = || {
        let old: Vec<_> = map.keys().map(Result::unwrap).collect();
        old.iter().for_each(|key| assert!(map.remove(key).unwrap()));
        fresh.by_ref().take(8).for_each(|key| put(&map, key));
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
fn a_map_that_can_only_be_written_says_so() {
    let mut spec = spec(MapType::HASH, 4, 8, 10);
    spec.flags = MapFlags::WRONLY;
    let map = Map::create("blind", &spec, CreateOptions::default()).unwrap();
    let mut entries = map.entries();
    assert_kind(
        entries.next().unwrap(),
        ErrorKind::ReadOnly,
        "other direction",
    );
    assert!(entries.next().is_none());
    assert_kind(map.len(), ErrorKind::ReadOnly, "going through map `blind`");
}
