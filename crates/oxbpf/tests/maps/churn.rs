//! Going through maps and draining them while others put entries in and take them out: every kind whose keys come and go.

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use oxbpf::ErrorKind;
use oxbpf::map::{CreateOptions, Entries, Guarantee, Map, UpdateFlags};
use oxbpf::object::kernel::{MapFlags, MapType};
use oxbpf::object::spec::MapSpec;

use crate::{create, spec};

const PASSES: usize = 60;

/// How many entries stay, and how many keys beside theirs come and go.
fn sizes(kind: MapType) -> (u32, u32) {
    match kind {
        // Each change waits until no program uses the map that was there.
        MapType::HASH_OF_MAPS => (40, 10),
        _ => (400, 200),
    }
}

/// What keys and values of a kind are made of.
enum Made {
    /// A value is its key, over and over, then how often it was written.
    Plain,
    /// The same, and a key is a prefix of all its bits.
    Prefix,
    /// A value is one of these maps.
    Inner([Map; 2]),
    /// A value is this socket.
    Socket(UdpSocket),
    /// A value is the network interface that every system has.
    Interface,
}

/// A map that is changed while it is gone through.
struct Busy {
    map: Map,
    made: Made,
}

impl Busy {
    /// `None` where the kernel has no such kind.
    fn new(kind: MapType, entries: u32) -> Option<Self> {
        let (key, value) = match kind {
            MapType::LPM_TRIE => (8, 8),
            MapType::HASH_OF_MAPS | MapType::DEVMAP_HASH | MapType::DEVMAP => (4, 4),
            _ => (4, 8),
        };
        let mut wanted = spec(kind, key, value, entries);
        if [MapType::LPM_TRIE, MapType::RHASH].contains(&kind) {
            wanted.flags = MapFlags::NO_PREALLOC;
        }
        let inner = || create("inner", MapType::ARRAY, 4, 8, 1);
        let made = match kind {
            MapType::LPM_TRIE => Made::Prefix,
            MapType::HASH_OF_MAPS => {
                wanted.inner = Some(Box::new(MapSpec {
                    name: "inner".into(),
                    ..spec(MapType::ARRAY, 4, 8, 1)
                }));
                Made::Inner([inner(), inner()])
            }
            MapType::SOCKHASH | MapType::SOCKMAP => {
                Made::Socket(UdpSocket::bind("127.0.0.1:0").unwrap())
            }
            MapType::DEVMAP_HASH | MapType::DEVMAP => Made::Interface,
            _ => Made::Plain,
        };
        match Map::create("busy", &wanted, CreateOptions::default()) {
            Ok(map) => Some(Self { map, made }),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unsupported, "{kind}: {error}");
                None
            }
        }
    }

    fn key(&self, number: u32) -> Vec<u8> {
        match self.made {
            Made::Prefix => [32u32.to_ne_bytes(), number.to_be_bytes()].concat(),
            _ => number.to_ne_bytes().to_vec(),
        }
    }

    fn number(&self, key: &[u8]) -> u32 {
        match self.made {
            Made::Prefix => u32::from_be_bytes(key[4..].try_into().unwrap()),
            _ => u32::from_ne_bytes(key.try_into().unwrap()),
        }
    }

    fn value(&self, number: u32, round: u32) -> Vec<u8> {
        match &self.made {
            Made::Plain | Made::Prefix => {
                let word = [number.to_ne_bytes(), round.to_ne_bytes()].concat();
                word.repeat(self.map.value_len().unwrap() / 8)
            }
            Made::Inner(maps) => {
                let map = &maps[round as usize % 2];
                map.as_fd().as_raw_fd().to_ne_bytes().to_vec()
            }
            Made::Socket(socket) => u64::try_from(socket.as_raw_fd())
                .unwrap()
                .to_ne_bytes()
                .to_vec(),
            Made::Interface => 1u32.to_ne_bytes().to_vec(),
        }
    }

    fn set(&self, number: u32, round: u32, flags: UpdateFlags) {
        let (key, value) = (self.key(number), self.value(number, round));
        let answer = self.map.set(&key, &value, flags);
        answer.unwrap_or_else(|error| panic!("{number}: {error}"));
    }

    fn remove(&self, number: u32) -> bool {
        self.map.remove(&self.key(number)).unwrap()
    }

    /// An entry is one that was written, whole.
    #[track_caller]
    fn check(&self, number: u32, value: &[u8]) {
        if let Made::Plain | Made::Prefix = self.made {
            assert_eq!(value.len(), self.map.value_len().unwrap());
            assert_eq!(value[..4], number.to_ne_bytes());
            assert!(value.chunks(8).all(|word| word == &value[..8]));
        }
    }
}

/// What a pass gave for each number; `None` if it was given up in the way that the documentation tells of.
#[track_caller]
fn pass(
    busy: &Busy,
    entries: Entries<'_, (Vec<u8>, Vec<u8>)>,
    guarantee: Guarantee,
) -> Option<BTreeMap<u32, u32>> {
    let (mut seen, mut steps) = (BTreeMap::new(), 0);
    for entry in entries {
        match entry {
            Ok((key, value)) => {
                let number = busy.number(&key);
                busy.check(number, &value);
                *seen.entry(number).or_insert(0) += 1;
            }
            Err(error) => {
                assert_eq!(guarantee, Guarantee::Approximate, "{error}");
                assert_eq!(error.kind(), ErrorKind::IterationAborted, "{error}");
                return None;
            }
        }
        steps += 1;
        assert!(steps < 1_000_000, "the pass does not end");
    }
    Some(seen)
}

/// Goes through a map of a kind again and again while entries come and go; whether the kernel has the kind.
fn is_gone_through(kind: MapType) -> bool {
    let (stay, come) = sizes(kind);
    // So much room that no entry has to make way for another where that is what the kind does.
    let Some(busy) = Busy::new(kind, 16 * (stay + come)) else {
        return false;
    };
    for number in 0..stay {
        busy.set(number, 0, UpdateFlags::empty());
    }
    let guarantee = busy.map.entries().guarantee();
    println!("{kind}: {guarantee:?}");
    let (done, rounds) = (AtomicBool::new(false), AtomicU32::new(0));
    let mut whole = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let round = rounds.fetch_add(1, Ordering::Relaxed) + 1;
                for number in 0..come {
                    let number = stay + number + round % 2 * come;
                    busy.set(number, round, UpdateFlags::empty());
                    // An entry that gets another value stays all the same: that much only `Once` promises.
                    if guarantee == Guarantee::Once {
                        busy.set(number % stay, round, UpdateFlags::empty());
                    }
                    assert!(busy.remove(number), "{number}");
                }
            }
        });
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let start = std::time::Instant::now();
            let mut passes = 0;
            // As long as it takes that something changed meanwhile.
            while passes < PASSES || rounds.load(Ordering::Relaxed) < 5 {
                passes += 1;
                let entries = busy.map.entries();
                assert_eq!(entries.guarantee(), guarantee);
                let Some(seen) = pass(&busy, entries, guarantee) else {
                    continue;
                };
                whole += 1;
                for number in 0..stay {
                    let times = seen.get(&number).copied().unwrap_or(0);
                    match guarantee {
                        Guarantee::Once => assert_eq!(times, 1, "{number} of {kind}"),
                        _ => assert!(times >= 1, "{number} of {kind}: {seen:?}"),
                    }
                }
                assert!(start.elapsed().as_secs() < 60, "{passes} passes");
            }
        }));
        done.store(true, Ordering::Relaxed);
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
    assert!(whole > PASSES / 10, "{whole} passes came to their end");
    true
}

/// Drains a map of a kind while entries are put in, none of them twice; whether the kernel has the kind.
fn is_drained(kind: MapType) -> bool {
    let all = match kind {
        MapType::HASH_OF_MAPS => 200,
        _ => 6000,
    };
    let Some(busy) = Busy::new(kind, 2 * all) else {
        return false;
    };
    let done = AtomicBool::new(false);
    let mut taken: BTreeMap<u32, u32> = BTreeMap::new();
    let mut take = |guarantee| {
        for entry in busy.map.drain() {
            match entry {
                Ok((key, value)) => {
                    let number = busy.number(&key);
                    busy.check(number, &value);
                    *taken.entry(number).or_insert(0) += 1;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::IterationAborted, "{error}");
                    assert_eq!(guarantee, Guarantee::Approximate);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let producer = scope.spawn(|| {
            for number in 0..all {
                busy.set(number, number, UpdateFlags::NO_EXIST);
            }
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) && !producer.is_finished() {
            take(Guarantee::Approximate);
        }
    });
    take(Guarantee::Once);
    assert_eq!(taken.len(), all as usize, "{kind}");
    assert!(taken.values().all(|times| *times == 1), "{kind}");
    assert!(busy.map.is_empty().unwrap());
    true
}

macro_rules! come_and_go {
    ($($through:ident, $drained:ident: $kind:ident;)*) => {$(
        #[test]
        fn $through() {
            require!(is_gone_through(MapType::$kind), "{} {}", NO_KIND, MapType::$kind);
        }

        #[test]
        fn $drained() {
            require!(is_drained(MapType::$kind), "{} {}", NO_KIND, MapType::$kind);
        }
    )*};
}

const NO_KIND: &str = "this kernel has no maps of type";

come_and_go! {
    hash_is_gone_through, hash_is_drained: HASH;
    per_cpu_hash_is_gone_through, per_cpu_hash_is_drained: PERCPU_HASH;
    lru_hash_is_gone_through, lru_hash_is_drained: LRU_HASH;
    lru_per_cpu_hash_is_gone_through, lru_per_cpu_hash_is_drained: LRU_PERCPU_HASH;
    lpm_trie_is_gone_through, lpm_trie_is_drained: LPM_TRIE;
    hash_of_maps_is_gone_through, hash_of_maps_is_drained: HASH_OF_MAPS;
    sockhash_is_gone_through, sockhash_is_drained: SOCKHASH;
    devmap_hash_is_gone_through, devmap_hash_is_drained: DEVMAP_HASH;
    rhash_is_gone_through, rhash_is_drained: RHASH;
}

/// Slots that are always there, and may be empty.
#[test]
fn slots_are_gone_through() {
    for kind in [MapType::DEVMAP, MapType::SOCKMAP] {
        assert!(is_gone_through(kind));
    }
}
