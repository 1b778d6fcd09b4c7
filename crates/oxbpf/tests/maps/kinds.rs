//! What kinds of map are for, with programs that do it.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd};

use oxbpf::map::{
    Array, ArrayOfMaps, BloomFilter, CreateOptions, HashMap, HashOfMaps, InsnArray, LpmTrie, Map,
    PerCpuHashMap, Prefix, ProgramArray, Queue, Stack, UpdateFlags,
};
use oxbpf::object::asm::{self, Reg};
use oxbpf::object::kernel::{MapFlags, MapType, ProgramType};
use oxbpf::object::spec::MapSpec;
use oxbpf::program::{ProgramLoad, TestRun};
use oxbpf::{Collection, ErrorKind, Loadable, Loader, Program};

use crate::{assert_kind, create, spec};

fn load() -> Collection {
    let spec = fixtures::kinds::Spec::embedded().unwrap();
    Loader::new().load(spec.into_spec().unwrap()).unwrap()
}

/// Runs a program on a packet, after it was told something.
fn run(objects: &Collection, program: &str, told: &[(&str, u32)]) -> u32 {
    for (variable, value) in told {
        objects
            .variable::<u32>(variable)
            .unwrap()
            .store(*value)
            .unwrap();
    }
    packet(&objects.program(program).unwrap())
}

fn packet(program: &Program) -> u32 {
    let run = TestRun {
        data: &[0; 64],
        ..TestRun::default()
    };
    program.test_run(run).unwrap().return_value
}

fn map<T: TryFrom<Map, Error = oxbpf::Error>>(objects: &Collection, name: &str) -> T {
    objects.map(name).unwrap().typed().unwrap()
}

#[test]
fn the_longest_prefix_is_found() {
    let objects = load();
    let routes: LpmTrie<Ipv4Addr, u32> = map(&objects, "routes");
    let net = |text: &str| text.parse::<Prefix<Ipv4Addr>>().unwrap();
    routes.set(&net("10.0.0.0/8"), &8).unwrap();
    routes.set(&net("10.1.0.0/16"), &16).unwrap();
    routes.set(&net("10.1.2.3/32"), &32).unwrap();
    for (address, value) in [
        ([10, 9, 9, 9], 8),
        ([10, 1, 9, 9], 16),
        ([10, 1, 2, 3], 32),
        ([11, 0, 0, 0], 0),
    ] {
        let found = routes.get(Ipv4Addr::from(address)).unwrap();
        assert_eq!(found.unwrap_or(0), value, "{address:?}");
        let told = [("address", u32::from_ne_bytes(address))];
        assert_eq!(run(&objects, "find_route", &told), value);
    }
    assert_eq!(routes.get_covering(&net("10.1.0.0/15")).unwrap(), Some(8));
    assert_eq!(routes.get_covering(&net("10.0.0.0/7")).unwrap(), None);
    let mut all: Vec<_> = routes.iter().map(Result::unwrap).collect();
    all.sort_unstable();
    assert_eq!(
        all,
        [
            (net("10.0.0.0/8"), 8),
            (net("10.1.0.0/16"), 16),
            (net("10.1.2.3"), 32)
        ]
    );
    assert!(routes.remove(&net("10.1.0.0/16")).unwrap());
    assert!(!routes.remove(&net("10.1.0.0/16")).unwrap());
    assert_eq!(routes.get(Ipv4Addr::new(10, 1, 9, 9)).unwrap(), Some(8));
    routes.set(&net("0.0.0.0/0"), &1).unwrap();
    assert_eq!(routes.get(Ipv4Addr::new(11, 0, 0, 0)).unwrap(), Some(1));
    routes.set(&net("12.0.0.0/8"), &1).unwrap();
    assert_kind(
        routes.set(&net("13.0.0.0/8"), &1),
        ErrorKind::Full,
        "it has room for 4 entries",
    );
    assert_kind(
        objects
            .map("routes")
            .unwrap()
            .typed::<LpmTrie<Ipv6Addr, u32>>(),
        ErrorKind::WrongSize,
        "map `routes` has keys of 8 bytes, not 20",
    );
}

#[test]
fn prefixes_are_of_any_address() {
    let mut spec = spec(MapType::LPM_TRIE, 20, 1, 10);
    spec.flags = MapFlags::NO_PREALLOC;
    let map = Map::create("six", &spec, CreateOptions::default()).unwrap();
    let six: LpmTrie<Ipv6Addr, u8> = map.typed().unwrap();
    six.set(&"2001:db8::/32".parse().unwrap(), &1).unwrap();
    six.set(&Prefix::from(Ipv6Addr::LOCALHOST), &2).unwrap();
    assert_eq!(six.get("2001:db8::5".parse().unwrap()).unwrap(), Some(1));
    assert_eq!(six.get(Ipv6Addr::LOCALHOST).unwrap(), Some(2));
    assert_eq!(six.get(Ipv6Addr::UNSPECIFIED).unwrap(), None);
    let bytes: LpmTrie<[u8; 16], u8> = map.typed().unwrap();
    assert_eq!(bytes.get(Ipv6Addr::LOCALHOST.octets()).unwrap(), Some(2));
    assert_eq!(bytes.iter().count(), 2);
}

#[test]
fn programs_and_we_pass_each_other_work() {
    let objects = load();
    let todo: Queue<u32> = map(&objects, "todo");
    let done: Stack<u32> = map(&objects, "done");
    assert_eq!(run(&objects, "work", &[]), 0);
    for number in [3, 4, 5, 6] {
        todo.push(&number).unwrap();
    }
    assert_kind(todo.push(&7), ErrorKind::Full, "it has room for 4 entries");
    assert_eq!(todo.peek().unwrap(), Some(3));
    assert_eq!(run(&objects, "work", &[]), 9);
    assert_eq!(run(&objects, "work", &[]), 16);
    assert_eq!(todo.pop().unwrap(), Some(5));
    assert_eq!(done.peek().unwrap(), Some(16));
    assert_eq!(
        done.drain().map(Result::unwrap).collect::<Vec<_>>(),
        [16, 9]
    );
    assert_eq!((done.pop().unwrap(), done.peek().unwrap()), (None, None));
    for number in 10..15 {
        todo.push_over(&number).unwrap();
        done.push_over(&number).unwrap();
    }
    let queue: Vec<_> = todo.drain().map(Result::unwrap).collect();
    assert_eq!(queue, [11, 12, 13, 14]);
    let stack: Vec<_> = done.drain().map(Result::unwrap).collect();
    assert_eq!(stack, [14, 13, 12, 11]);
}

/// Runs the program on each of the first two CPUs.
fn on_each_cpu(work: impl Fn() + Sync) {
    let all = rustix::thread::sched_getaffinity(None).unwrap();
    let cpus = (0..rustix::thread::CpuSet::MAX_CPU).filter(|cpu| all.is_set(*cpu));
    for cpu in cpus.take(2) {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut set = rustix::thread::CpuSet::new();
                set.set(cpu);
                rustix::thread::sched_setaffinity(None, &set).unwrap();
                work();
            });
        });
    }
}

#[test]
fn users_are_counted_on_their_cpu_and_the_oldest_are_forgotten() {
    const OFTEN: u32 = 7;
    let objects = load();
    let on_cpus: PerCpuHashMap<u32, u64> = map(&objects, "on_cpus");
    on_each_cpu(|| {
        for user in [1, 2, 2] {
            run(&objects, "count_user", &[("user", user)]);
        }
    });
    for (user, times) in [(1, 1), (2, 2)] {
        let counts = on_cpus.get(&user).unwrap().unwrap();
        let used: Vec<u64> = counts.values().filter(|count| *count != 0).collect();
        assert!(
            !used.is_empty() && used.iter().all(|count| *count == times),
            "{used:?}"
        );
    }
    for user in 100..400 {
        run(&objects, "count_user", &[("user", user)]);
        run(&objects, "count_user", &[("user", OFTEN)]);
    }
    // The first who came when it was full, and no more.
    assert_eq!(on_cpus.map().len().unwrap(), 16);
    let recent: HashMap<u32, u64> = map(&objects, "recent");
    let of_cpu: HashMap<u32, u64> = map(&objects, "recent_of_cpu");
    let by_cpu: PerCpuHashMap<u32, u64> = map(&objects, "recent_on_cpus");
    for map in [recent.map(), of_cpu.map(), by_cpu.map()] {
        assert!((1..=64).contains(&map.len().unwrap()), "{}", map.name());
    }
    assert!(recent.get(&OFTEN).unwrap() > Some(200));
    assert!(of_cpu.get(&OFTEN).unwrap().is_some());
    let often = by_cpu.get(&OFTEN).unwrap().unwrap();
    assert!(often.values().sum::<u64>() > 200);
    assert_eq!(recent.get(&399).unwrap(), Some(1));
    assert_eq!(recent.get(&100).unwrap(), None);
}

#[test]
fn tail_calls_go_where_the_array_says() {
    let objects = load();
    let tails: ProgramArray = map(&objects, "tails");
    let enter = |slot| run(&objects, "enter", &[("slot", slot)]);
    assert_eq!(enter(0), 1);
    assert!(tails.get(0).unwrap().is_none());
    let [first, second] = ["first_tail", "second_tail"].map(|name| objects.program(name).unwrap());
    tails.set(0, &first).unwrap();
    tails.set(3, &second).unwrap();
    assert_eq!([enter(0), enter(1), enter(3)], [70, 1, 71]);
    let id = second.info().unwrap().id;
    assert_eq!(tails.get_id(3).unwrap(), Some(id));
    assert_eq!(tails.get(3).unwrap().unwrap().info().unwrap().id, id);
    tails.set(0, &second).unwrap();
    assert!(tails.remove(3).unwrap());
    assert!(!tails.remove(3).unwrap());
    assert_eq!([enter(0), enter(3)], [71, 1]);
    assert_kind(tails.set(4, &first), ErrorKind::BadIndex, "no index 4");
    let insns = asm::program([asm::mov(Reg::R0, 0), asm::exit()]);
    let stranger = ProgramLoad {
        name: "stranger",
        program_type: ProgramType::SOCKET_FILTER,
        insns: &insns,
        license: "GPL",
        ..ProgramLoad::default()
    };
    assert_kind(
        tails.set(1, &stranger.load().unwrap()),
        ErrorKind::InvalidInput,
        "program `stranger` does not go with the programs that use it",
    );
}

fn inner(name: &str) -> Map {
    create(name, MapType::HASH, 4, 8, 8)
}

#[test]
fn maps_in_maps_are_found_by_programs_and_kept_alive() {
    let objects = load();
    let by_slot: ArrayOfMaps = map(&objects, "by_slot");
    let by_user: HashOfMaps<u32> = map(&objects, "by_user");
    assert_eq!(run(&objects, "count_by_slot", &[("slot", 1)]), 0);
    assert!(by_slot.get(1).unwrap().is_none());
    let (first, second) = (inner("first"), inner("second"));
    by_slot.set(1, &first).unwrap();
    by_user.set(&1000, &first).unwrap();
    by_user.set(&1001, &second).unwrap();
    assert_eq!(
        run(&objects, "count_by_slot", &[("slot", 1), ("user", 1000)]),
        1
    );
    assert_eq!(run(&objects, "count_by_user", &[("user", 1000)]), 1);
    assert_eq!(run(&objects, "count_by_user", &[("user", 1001)]), 1);
    assert_eq!(run(&objects, "count_by_user", &[("user", 1002)]), 0);
    let counts: HashMap<u32, u64> = first.typed().unwrap();
    assert_eq!(counts.get(&1000).unwrap(), Some(2));
    let id = second.info().unwrap().id;
    drop(second);
    let again = by_user.get(&1001).unwrap().unwrap();
    assert_eq!(again.info().unwrap().id, id);
    let counts: HashMap<u32, u64> = again.typed().unwrap();
    assert_eq!(counts.get(&1001).unwrap(), Some(1));
    let mut users: Vec<u32> = by_user.keys().map(Result::unwrap).collect();
    users.sort_unstable();
    assert_eq!(users, [1000, 1001]);
    assert_kind(
        by_user.set_with(&1001, &first, UpdateFlags::NO_EXIST),
        ErrorKind::AlreadyExists,
        "there already",
    );
    assert!(by_user.remove(&1001).unwrap());
    assert!(!by_user.remove(&1001).unwrap());
    assert!(by_slot.remove(1).unwrap());
    assert!(by_slot.get(1).unwrap().is_none());
    assert_kind(
        by_slot.set(0, &create("misfit", MapType::HASH, 4, 4, 8)),
        ErrorKind::InvalidInput,
        "map `misfit` (hash, keys of 4 bytes, values of 4, 8 entries) is not like the map",
    );
    assert_kind(by_slot.set(2, &first), ErrorKind::BadIndex, "no index 2");
}

#[test]
fn a_template_is_made_from_the_spec() {
    let template = MapSpec {
        name: "template".into(),
        ..spec(MapType::ARRAY, 4, 8, 3)
    };
    let spec = MapSpec {
        inner: Some(Box::new(template.clone())),
        ..spec(MapType::ARRAY_OF_MAPS, 4, 4, 2)
    };
    let outer = Map::create("outer", &spec, CreateOptions::default()).unwrap();
    let outer: ArrayOfMaps = outer.typed().unwrap();
    let made = Map::create("made", &template, CreateOptions::default()).unwrap();
    outer.set(0, &made).unwrap();
    assert!(
        outer
            .set(1, &create("other", MapType::ARRAY, 4, 4, 3))
            .is_err()
    );
    made.typed::<Array<u64>>().unwrap().set(2, &5).unwrap();
    let inner: Array<u64> = outer.get(0).unwrap().unwrap().typed().unwrap();
    assert_eq!(inner.get(2).unwrap(), 5);
}

#[test]
fn a_lock_is_taken_where_asked_for() {
    let objects = load();
    type Account = [u32; 3];
    let accounts: HashMap<u32, Account> = map(&objects, "accounts");
    accounts
        .set_with(&5, &[0, 10, 10], UpdateFlags::empty())
        .unwrap();
    objects.variable::<u32>("user").unwrap().store(5).unwrap();
    let book = objects.program("book").unwrap();
    let repeated = |times| {
        let run = TestRun {
            data: &[0; 64],
            repeat: times,
            ..TestRun::default()
        };
        assert_eq!(book.test_run(run).unwrap().return_value, 1);
    };
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| repeated(300_000));
        while !busy.is_finished() {
            let [_, plus, minus] = accounts.get_with(&5, UpdateFlags::LOCK).unwrap().unwrap();
            assert_eq!(plus, minus);
            accounts
                .set_with(&5, &[0, 7, 7], UpdateFlags::LOCK)
                .unwrap();
        }
    });
    let [_, plus, minus] = accounts.get(&5).unwrap().unwrap();
    assert_eq!(plus, minus);
    let unlocked: HashMap<u32, u32> = create("plain", MapType::HASH, 4, 4, 1).typed().unwrap();
    assert_kind(
        unlocked.get_with(&1, UpdateFlags::LOCK),
        ErrorKind::InvalidInput,
        "the flags do not suit it",
    );
}

#[test]
fn a_bloom_filter_knows_what_is_not_in_it() {
    let probe = spec(MapType::BLOOM_FILTER, 0, 4, 1000);
    let Ok(map) = Map::create("seen", &probe, CreateOptions::default()) else {
        skip!("this kernel has no bloom filters")
    };
    let seen: BloomFilter<u32> = map.typed().unwrap();
    for value in 0..1000 {
        seen.add(&value).unwrap();
    }
    assert!((0..1000).all(|value| seen.may_contain(&value).unwrap()));
    let wrong = (1000..11_000)
        .filter(|value| seen.may_contain(value).unwrap())
        .count();
    assert!(wrong < 2000, "{wrong} of 10000");
    let objects = fixtures::bloom::Spec::embedded()
        .unwrap()
        .into_spec()
        .unwrap();
    let objects = match Loader::new().load(objects) {
        Ok(objects) => objects,
        Err(error) if error.kind() == ErrorKind::Rejected => {
            skip!("the verifier of this kernel takes no bloom filter in programs")
        }
        Err(error) => panic!("{error}"),
    };
    let seen: BloomFilter<u32> = map_of(&objects);
    assert_eq!(run(&objects, "may_have", &[("wanted", 77)]), 0);
    seen.add(&77).unwrap();
    assert_eq!(run(&objects, "may_have", &[("wanted", 77)]), 1);
    assert!(!seen.may_contain(&78).unwrap());
    assert_eq!(run(&objects, "add", &[("added", 78)]), 1);
    assert!(seen.may_contain(&78).unwrap());
}

fn map_of(objects: &Collection) -> BloomFilter<u32> {
    map(objects, "seen")
}

#[test]
fn a_hash_map_that_resizes_itself() {
    let mut spec = spec(MapType::RHASH, 4, 8, 10_000);
    spec.flags = MapFlags::NO_PREALLOC;
    let Ok(map) = Map::create("rhash", &spec, CreateOptions::default()) else {
        skip!("this kernel has no hash maps that resize themselves")
    };
    let map: HashMap<u32, u64> = map.typed().unwrap();
    let keys: Vec<u32> = (0..10_000).collect();
    let values: Vec<u64> = keys.iter().map(|key| u64::from(*key)).collect();
    map.set_batch(&keys, &values, UpdateFlags::empty()).unwrap();
    assert_eq!(map.get(&9999).unwrap(), Some(9999));
    assert_eq!(map.take(&9999).unwrap(), Some(9999));
    let mut all: Vec<(u32, u64)> = map.iter().map(Result::unwrap).collect();
    all.sort_unstable();
    assert_eq!(all.len(), 9999);
    assert!(all.iter().all(|(key, value)| u64::from(*key) == *value));
    assert_eq!(map.remove_batch(&keys[..5000]).unwrap(), 5000);
    assert_eq!(map.map().clear().unwrap(), 4999);
    assert!(map.map().is_empty().unwrap());
}

#[test]
fn mapped_arrays_are_shared_with_programs() {
    use std::sync::atomic::Ordering;

    let mut spec = spec(MapType::ARRAY, 4, 4, 1000);
    assert_kind(
        create("unmapped", MapType::ARRAY, 4, 4, 10)
            .typed::<Array<u32>>()
            .unwrap()
            .mapped(),
        ErrorKind::Unsupported,
        "it was made without BPF_F_MMAPABLE",
    );
    spec.flags = MapFlags::MMAPABLE;
    let map = Map::create("mapped", &spec, CreateOptions::default()).unwrap();
    let array: Array<u32> = map.typed().unwrap();
    let mapped = array.mapped().unwrap();
    array.set(999, &5).unwrap();
    assert_eq!(mapped.get(999).unwrap(), 5);
    mapped.set(998, &6).unwrap();
    mapped.atomic(998).unwrap().fetch_add(1, Ordering::Relaxed);
    assert_eq!(array.get(998).unwrap(), 7);
    assert_eq!(mapped.iter().sum::<u32>(), 12);
    assert_kind(mapped.get(1000), ErrorKind::BadIndex, "no index 1000");
    assert_kind(mapped.set(1000, &1), ErrorKind::BadIndex, "no index 1000");
    assert_kind(mapped.atomic(1000), ErrorKind::BadIndex, "no index 1000");
    assert_kind(map.freeze(), ErrorKind::Kernel, "it is mapped writable");
    drop(mapped);
    map.freeze().unwrap();
    let frozen = array.mapped().unwrap();
    assert_eq!(frozen.get(998).unwrap(), 7);
    assert_kind(frozen.set(998, &1), ErrorKind::ReadOnly, "frozen");
    assert_kind(frozen.atomic(998), ErrorKind::ReadOnly, "frozen");
}

#[test]
fn positions_of_instructions_follow_them() {
    let spec = spec(MapType::INSN_ARRAY, 4, 16, 2);
    let Ok(map) = Map::create("positions", &spec, CreateOptions::default()) else {
        skip!("this kernel has no arrays of instruction positions")
    };
    let positions: InsnArray = map.typed().unwrap();
    positions.set(0, 0).unwrap();
    positions.set(1, 2).unwrap();
    assert_kind(positions.set(2, 0), ErrorKind::BadIndex, "no index 2");
    map.freeze().unwrap();
    // The helper call becomes several instructions, so that what is behind it moves.
    let call = asm::call(oxbpf::object::kernel::Helper::JIFFIES64);
    let insns = asm::program([
        asm::mov(Reg::R0, 1),
        call,
        asm::mov(Reg::R0, 0),
        asm::load_map(Reg::R1, map.as_fd().as_raw_fd()),
        asm::exit(),
    ]);
    let load = ProgramLoad {
        name: "positions",
        program_type: ProgramType::SCHED_CLS,
        insns: &insns,
        license: "GPL",
        ..ProgramLoad::default()
    };
    let program = load.load().unwrap();
    assert_eq!(packet(&program), 0);
    let [first, second] = [0, 1].map(|index| positions.get(index).unwrap());
    assert_eq!((first.original, second.original), (0, 2));
    assert_eq!(first.translated, 0);
    assert!(second.translated > 2, "{second:?}");
    assert!(second.jited > first.jited, "{second:?}");
    assert_eq!(positions.iter().count(), 2);
}

#[test]
fn histograms_come_from_maps_of_any_kind() {
    use oxbpf::map::{Histogram, PerCpuArray, PerCpuHashMap, Scale};

    let expected = Histogram::new(Scale::Log2, [0u64, 4, 0, 6]);
    let array: Array<u32> = create("array", MapType::ARRAY, 4, 4, 4).typed().unwrap();
    array.set(1, &4).unwrap();
    array.set(3, &6).unwrap();
    assert_eq!(
        Histogram::from_array(Scale::Log2, &array).unwrap(),
        expected
    );
    let hash: HashMap<u32, u64> = create("hash", MapType::HASH, 4, 8, 4).typed().unwrap();
    hash.set(&1, &4).unwrap();
    hash.set(&3, &6).unwrap();
    // No slot of a histogram.
    hash.set(&u32::MAX, &1).unwrap();
    assert_eq!(
        Histogram::from_hash_map(Scale::Log2, &hash).unwrap(),
        expected
    );
    let cpus = oxbpf::map::possible_cpus().unwrap().len() as u64;
    let array: PerCpuArray<u64> = create("array", MapType::PERCPU_ARRAY, 4, 8, 3)
        .typed()
        .unwrap();
    array.set_all(2, &5).unwrap();
    let histogram = Histogram::from_per_cpu_array(Scale::Log2, &array).unwrap();
    assert_eq!(histogram, Histogram::new(Scale::Log2, [0, 0, 5 * cpus]));
    let hash: PerCpuHashMap<u64, u32> = create("hash", MapType::PERCPU_HASH, 8, 4, 3)
        .typed()
        .unwrap();
    hash.set_all(&0, &2).unwrap();
    let linear = Scale::Linear {
        first: 100,
        width: 10,
    };
    let histogram = Histogram::from_per_cpu_hash_map(linear, &hash).unwrap();
    assert_eq!(histogram.total(), 2 * cpus);
    assert_eq!(histogram.slots().next(), Some((100..=109, 2 * cpus)));
    assert!(histogram.draw("ms").to_string().contains("100 -> 109 : "));
}
