//! What operations cost: no allocation for each, no descriptor left behind.

#[macro_use]
mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use oxbpf::ErrorKind;
use oxbpf::map::{
    Array, BloomFilter, CreateOptions, HashMap, LpmTrie, Map, PerCpu, PerCpuArray, PerCpuHashMap,
    Prefix, ProgramArray, Queue, SkStorage, SockMap, Stack, UpdateFlags,
};
use oxbpf::object::asm::{self, Cond, Insn, Reg};
use oxbpf::object::kernel::{MapFlags, MapType, ProgramType};
use oxbpf::object::spec::MapSpec;
use oxbpf::program::{KprobeKind, LogLevel, Program, ProgramLoad, TestRun, Typed};
use oxbpf::ring::PerfBufferOptions;
use oxbpf::{Loadable, Loader, PerfBuffer, RingBuffer, UserRingBuffer};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[allow(unsafe_code)]
// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[track_caller]
fn without_allocating<T>(operation: impl FnOnce() -> T) -> T {
    let before = ALLOCATIONS.get();
    let result = operation();
    assert_eq!(ALLOCATIONS.get() - before, 0, "allocations");
    result
}

/// One test at a time: they count the descriptors of the process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn create(map_type: MapType, key_size: u32, value_size: u32) -> Map {
    create_with(map_type, key_size, value_size, MapFlags::default()).unwrap()
}

fn create_with(
    map_type: MapType,
    key_size: u32,
    value_size: u32,
    flags: MapFlags,
) -> oxbpf::Result<Map> {
    let spec = MapSpec {
        map_type,
        key_size,
        value_size,
        max_entries: 64,
        flags,
        ..MapSpec::default()
    };
    Map::create("frugal", &spec, CreateOptions::default())
}

fn request(program_type: ProgramType, insns: &[Insn]) -> ProgramLoad<'_> {
    ProgramLoad {
        program_type,
        insns,
        license: "GPL",
        ..ProgramLoad::default()
    }
}

#[test]
fn the_allocator_counts() {
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(ALLOCATIONS.get() - before, 1);
}

#[test]
fn map_operations_do_not_allocate() {
    let _alone = alone();
    let hash: HashMap<u32, [u64; 8]> = create(MapType::HASH, 4, 64).typed().unwrap();
    without_allocating(|| {
        for key in 0..64 {
            hash.set(&key, &[u64::from(key); 8]).unwrap();
        }
        assert_eq!(hash.get(&3).unwrap(), Some([3; 8]));
        assert_eq!(hash.get(&99).unwrap(), None);
        assert!(hash.remove(&3).unwrap());
        assert!(!hash.remove(&3).unwrap());
        let (keys, values) = ([70, 71, 3], [[1; 8]; 3]);
        hash.remove_batch(&[0, 1, 2]).unwrap();
        hash.set_batch(&keys, &values, UpdateFlags::empty())
            .unwrap();
    });
    let array: Array<u64> = create(MapType::ARRAY, 4, 8).typed().unwrap();
    without_allocating(|| {
        array.set(1, &5).unwrap();
        assert_eq!(array.get(1).unwrap(), 5);
    });
    let map = create(MapType::HASH, 4, 8);
    without_allocating(|| {
        map.set(&[1; 4], &[2; 8], UpdateFlags::empty()).unwrap();
        let (mut key, mut value) = ([0; 4], [0; 8]);
        assert!(map.next_key_into(None, &mut key).unwrap());
        assert!(map.get_into(&key, &mut value).unwrap());
        assert_eq!(value, [2; 8]);
    });
}

#[test]
fn operations_of_other_kinds_do_not_allocate() {
    let _alone = alone();
    let queue: Queue<u64> = create(MapType::QUEUE, 0, 8).typed().unwrap();
    let stack: Stack<u64> = create(MapType::STACK, 0, 8).typed().unwrap();
    without_allocating(|| {
        for value in 0..70 {
            queue.push_over(&value).unwrap();
            stack.push_over(&value).unwrap();
        }
        assert_eq!(
            (queue.peek().unwrap(), stack.pop().unwrap()),
            (Some(6), Some(69))
        );
        assert_eq!((queue.drain().count(), stack.drain().count()), (64, 63));
        assert_eq!(queue.pop().unwrap(), None);
    });
    let lru: HashMap<u32, u64> = create(MapType::LRU_HASH, 4, 8).typed().unwrap();
    without_allocating(|| {
        lru.set_with(&1, &1, UpdateFlags::NO_EXIST).unwrap();
        assert_eq!(lru.get(&1).unwrap(), Some(1));
        assert!(lru.remove(&1).unwrap());
    });
    let sockets: SockMap = create(MapType::SOCKMAP, 4, 8).typed().unwrap();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    without_allocating(|| {
        sockets.set(3, &socket).unwrap();
        assert!(sockets.remove(3).unwrap());
    });
    let mapped = create_with(MapType::ARRAY, 4, 8, MapFlags::MMAPABLE).unwrap();
    let mapped: Array<u64> = mapped.typed().unwrap();
    let mapped = mapped.mapped().unwrap();
    without_allocating(|| {
        mapped.set(5, &7).unwrap();
        mapped.atomic(5).unwrap().fetch_add(1, Ordering::Relaxed);
        assert_eq!(mapped.get(5).unwrap(), 8);
        assert_eq!(mapped.iter().sum::<u64>(), 8);
    });
}

#[test]
fn operations_by_prefix_program_and_owner_do_not_allocate() {
    let _alone = alone();
    let hash: HashMap<u32, u64> = create(MapType::HASH, 4, 8).typed().unwrap();
    hash.set(&1, &5).unwrap();
    // Kernels before 5.14 cannot.
    if hash.take(&2).is_ok() {
        without_allocating(|| assert_eq!(hash.take(&1).unwrap(), Some(5)));
    }
    let routes = create_with(MapType::LPM_TRIE, 8, 8, MapFlags::NO_PREALLOC).unwrap();
    let routes: LpmTrie<Ipv4Addr, u64> = routes.typed().unwrap();
    let network = Prefix::new(Ipv4Addr::new(10, 0, 0, 0), 8).unwrap();
    without_allocating(|| {
        routes.set(&network, &1).unwrap();
        assert_eq!(routes.get(Ipv4Addr::new(10, 1, 2, 3)).unwrap(), Some(1));
        assert_eq!(routes.get_covering(&network).unwrap(), Some(1));
        assert!(routes.remove(&network).unwrap());
    });
    // Since 5.16.
    if let Ok(seen) = create_with(MapType::BLOOM_FILTER, 0, 8, MapFlags::default()) {
        let seen: BloomFilter<u64> = seen.typed().unwrap();
        without_allocating(|| {
            seen.add(&7).unwrap();
            assert!(seen.may_contain(&7).unwrap());
        });
    }
    let insns = asm::program([asm::mov(Reg::R0, 0), asm::exit()]);
    let program = request(ProgramType::SOCKET_FILTER, &insns).load().unwrap();
    let programs: ProgramArray = create(MapType::PROG_ARRAY, 4, 4).typed().unwrap();
    without_allocating(|| {
        programs.set(3, &program).unwrap();
        assert!(programs.get_id(3).unwrap().is_some());
        assert!(programs.remove(3).unwrap());
    });
    let mut spec = fixtures::iters::Spec::embedded()
        .unwrap()
        .into_spec()
        .unwrap();
    spec.program_mut("each_with_socket").unwrap().autoload = true;
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    if let Ok(collection) = Loader::new().load(spec) {
        let stored: SkStorage<u64> = collection.map("with_sockets").unwrap().typed().unwrap();
        without_allocating(|| {
            stored.set(&socket, &77).unwrap();
            assert_eq!(stored.get(&socket).unwrap(), Some(77));
            assert!(stored.remove(&socket).unwrap());
        });
    }
}

#[test]
fn variables_and_locked_values_do_not_allocate() {
    let _alone = alone();
    let mut spec = fixtures::kinds::Spec::embedded()
        .unwrap()
        .into_spec()
        .unwrap();
    for program in spec.programs_mut() {
        program.autoload = program.name == "book";
    }
    let objects = Loader::new().load(spec).unwrap();
    let accounts: HashMap<u32, [u32; 3]> = objects.map("accounts").unwrap().typed().unwrap();
    without_allocating(|| {
        accounts.set(&5, &[0, 10, 10]).unwrap();
        accounts
            .set_with(&5, &[0, 7, 7], UpdateFlags::LOCK)
            .unwrap();
        let found = accounts.get_with(&5, UpdateFlags::LOCK).unwrap().unwrap();
        assert_eq!(found[1..], [7, 7]);
    });
    let user = objects.variable::<u32>("user").unwrap();
    without_allocating(|| {
        user.store(5).unwrap();
        assert_eq!(user.load().unwrap(), 5);
    });
}

/// What a pass over a map takes is taken when it begins: nothing for each entry.
#[test]
fn iteration_does_not_allocate_for_each_entry() {
    let _alone = alone();
    let allocations = |operation: &mut dyn FnMut()| {
        let before = ALLOCATIONS.get();
        operation();
        ALLOCATIONS.get() - before
    };
    let spec = MapSpec {
        map_type: MapType::HASH,
        key_size: 4,
        value_size: 8,
        max_entries: 20_000,
        ..MapSpec::default()
    };
    let map = Map::create("frugal", &spec, CreateOptions::default()).unwrap();
    let map: HashMap<u32, u64> = map.typed().unwrap();
    let passes = |entries: usize| {
        [
            allocations(&mut || assert_eq!(map.iter().count(), entries)),
            allocations(&mut || assert_eq!(map.keys().count(), entries)),
            allocations(&mut || assert_eq!(map.map().for_each(|_, _| ()).unwrap(), entries)),
            allocations(&mut || assert_eq!(map.drain().count(), entries)),
        ]
    };
    let empty = passes(0);
    let keys: Vec<u32> = (0..20_000).collect();
    map.set_batch(&keys, &vec![1; keys.len()], UpdateFlags::empty())
        .unwrap();
    assert_eq!(passes(20_000), empty);
    assert!(empty.iter().all(|count| *count <= 3), "{empty:?}");
    let devices = create(MapType::DEVMAP_HASH, 4, 4);
    let walk = allocations(&mut || assert_eq!(devices.for_each(|_, _| ()).unwrap(), 0));
    for key in 0..60u32 {
        devices
            .set(
                &key.to_ne_bytes(),
                &1u32.to_ne_bytes(),
                UpdateFlags::empty(),
            )
            .unwrap();
    }
    let full = allocations(&mut || assert_eq!(devices.for_each(|_, _| ()).unwrap(), 60));
    assert_eq!(full, walk);
}

#[test]
fn per_cpu_values_reuse_their_memory() {
    let _alone = alone();
    let array: PerCpuArray<u64> = create(MapType::PERCPU_ARRAY, 4, 8).typed().unwrap();
    let hash: PerCpuHashMap<u32, u64> = create(MapType::PERCPU_HASH, 4, 8).typed().unwrap();
    let mut values = PerCpu::all(&7).unwrap();
    let count = values.values().count() as u64;
    without_allocating(|| {
        array.set(0, &values).unwrap();
        hash.set(&1, &values).unwrap();
        array.get_into(0, &mut values).unwrap();
        assert!(hash.get_into(&1, &mut values).unwrap());
        assert_eq!(values.values().sum::<u64>(), 7 * count);
    });
}

#[test]
fn maps_close_their_descriptors() {
    let _alone = alone();
    let before = open_descriptors();
    {
        let map = create(MapType::HASH, 4, 8);
        let clone = map.clone();
        let typed: HashMap<u32, u64> = clone.typed().unwrap();
        assert_eq!(open_descriptors(), before + 1);
        let id = map.info().unwrap().id;
        let same = Map::from_id(id).unwrap();
        Map::from_fd(same.as_fd().try_clone_to_owned().unwrap()).unwrap();
        typed.set(&1, &1).unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        Map::from_fd(file.into()).unwrap_err();
        Map::create("bad", &MapSpec::default(), CreateOptions::default()).unwrap_err();
        assert_eq!(open_descriptors(), before + 2);
    }
    assert_eq!(open_descriptors(), before);
}

#[test]
fn records_are_read_without_allocating() {
    let _alone = alone();
    let before = open_descriptors();
    {
        let spec = fixtures::rings::Spec::embedded().unwrap();
        let objects = Loader::new().load(spec).unwrap();
        let mut ring: RingBuffer = objects.maps.events.typed().unwrap();
        ring.add(objects.maps.more.clone()).unwrap();
        let mut samples: PerfBuffer = objects.maps.samples.typed().unwrap();
        let programs = &objects.programs;
        let run = || TestRun {
            data: &[0; 64],
            repeat: 100,
            ..TestRun::default()
        };
        for program in [
            &programs.write_event,
            &programs.write_more,
            &programs.write_sample,
        ] {
            program.test_run(run()).unwrap();
        }
        without_allocating(|| {
            assert!(ring.wait(None).unwrap());
            let mut sum = 0u64;
            let mut read = 0;
            while let Some(record) = ring.next().unwrap() {
                sum += record.iter().map(|byte| u64::from(*byte)).sum::<u64>();
                read += 1;
            }
            assert!(sum > 0);
            assert_eq!(read, 200);
            assert!(!ring.wait(Some(Duration::from_millis(1))).unwrap());
            assert!(samples.wait(None).unwrap());
            let read = samples.for_each(1000, |record| {
                record.get::<[u32; 4]>().unwrap();
            });
            assert_eq!(read.unwrap(), 100);
        });
        // Other readers, while these are there and after them.
        objects.maps.events.typed::<RingBuffer>().unwrap_err();
        drop(ring);
        objects.maps.events.typed::<RingBuffer>().unwrap();
        samples.map().typed::<RingBuffer>().unwrap_err();
        drop(samples);
        let options = PerfBufferOptions {
            by_time: true,
            ..PerfBufferOptions::default()
        };
        let map = objects.maps.samples.clone();
        let mut samples = PerfBuffer::with_options(map, options).unwrap();
        programs.write_sample.test_run(run()).unwrap();
        without_allocating(|| {
            assert!(samples.wait(None).unwrap());
            let read = samples.for_each(1000, |record| assert!(record.time().is_some()));
            assert_eq!(read.unwrap(), 100);
        });
    }
    assert_eq!(open_descriptors(), before);
}

#[test]
fn records_are_written_without_allocating() {
    let _alone = alone();
    let spec = MapSpec {
        map_type: MapType::USER_RINGBUF,
        max_entries: 1 << 16,
        ..MapSpec::default()
    };
    let Ok(map) = Map::create("commands", &spec, CreateOptions::default()) else {
        skip!("this kernel has no user ring buffers")
    };
    let mut commands: UserRingBuffer = map.typed().unwrap();
    without_allocating(|| {
        let mut written = 0;
        while let Some(mut record) = commands.reserve(56).unwrap() {
            record.fill(7);
            record.submit();
            written += 1;
        }
        assert_eq!(written, 1024);
        assert!(
            commands
                .reserve_blocking(56, Some(Duration::from_millis(1)))
                .unwrap()
                .is_none()
        );
    });
}

#[test]
fn interrupted_loads_are_taken_up_again() {
    let _alone = alone();
    let load = |steps| {
        let insns = asm::program([
            asm::mov(Reg::R0, 0),
            asm::add(Reg::R0, 1),
            asm::jump(Cond::Lt, Reg::R0, steps, -2),
            asm::exit(),
        ]);
        let load = ProgramLoad {
            name: "interrupted",
            program_type: ProgramType::SOCKET_FILTER,
            insns: &insns,
            license: "GPL",
            ..ProgramLoad::default()
        };
        load.load().map(drop)
    };
    // The verifier goes through all steps of the loop: as many as take it a while.
    let mut steps = 1000;
    let usual = loop {
        let start = Instant::now();
        load(steps).unwrap();
        let time = start.elapsed();
        if time > Duration::from_millis(100) {
            break time;
        }
        steps *= 2;
    };
    // More interruptions than without taking up again are survived, and fewer than are.
    let pause = usual / 8;
    interrupt_meanwhile(pause, 5, || load(steps)).unwrap();
    // Without an end they are not. Where the signals come late, a load may slip through.
    let interrupted = || interrupt_meanwhile(pause / 8, usize::MAX, || load(steps)).err();
    let Some(error) = (0..10).find_map(|_| interrupted()) else {
        skip!("signals do not interrupt the verifier");
    };
    assert_eq!(error.raw_os_error(), Some(libc::EAGAIN), "{error}");
}

/// Sends signals to this thread while it does something, `pause` apart.
#[allow(unsafe_code)]
fn interrupt_meanwhile<T>(pause: Duration, count: usize, work: impl FnOnce() -> T) -> T {
    extern "C" fn nothing(_: libc::c_int) {}

    let handler: extern "C" fn(libc::c_int) = nothing;
    // SAFETY: the handler does nothing.
    unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
    // SAFETY: always succeeds.
    let thread = unsafe { libc::pthread_self() };
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..count {
                std::thread::sleep(pause);
                if done.load(Ordering::Relaxed) {
                    break;
                }
                // SAFETY: the thread waits for this one at the end of the scope.
                unsafe { libc::pthread_kill(thread, libc::SIGUSR1) };
            }
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        result
    })
}

#[test]
fn locked_memory_is_made_room_for_only_where_it_counts() {
    let _alone = alone();
    let before = getrlimit(Resource::Memlock);
    let none = Rlimit {
        current: Some(0),
        ..before
    };
    // A refusal for want of capabilities is no reason to raise anything.
    setrlimit(Resource::Memlock, none).unwrap();
    let sets = capabilities(None).unwrap();
    let mut fewer = sets;
    fewer.effective -= CapabilitySet::SYS_ADMIN | CapabilitySet::BPF;
    set_capabilities(None, fewer).unwrap();
    let insns = asm::program([asm::mov(Reg::R0, 0), asm::exit()]);
    let load = request(ProgramType::KPROBE, &insns);
    assert_eq!(load.load().unwrap_err().kind(), ErrorKind::PermissionDenied);
    set_capabilities(None, sets).unwrap();
    assert_eq!(getrlimit(Resource::Memlock).current, Some(0));

    create(MapType::HASH, 4, 8);
    load.load().unwrap();
    // Kernels since 5.11 do not go by the limit: there it stays.
    let after = getrlimit(Resource::Memlock).current;
    let charged = memory_is_charged_to_the_limit();
    assert_eq!(after != Some(0), charged, "{after:?}");
    setrlimit(Resource::Memlock, before).unwrap();
}

/// Whether this kernel is older than 5.11. The library does not look at versions; this test does,
/// to know better.
fn memory_is_charged_to_the_limit() -> bool {
    let version = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = version.split('.').map(|n| n.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) < (Some(5), Some(11))
}

#[test]
fn programs_close_their_descriptors() {
    let _alone = alone();
    let insns = asm::program([asm::mov(Reg::R0, 0), asm::exit()]);
    let before = open_descriptors();
    {
        let program = request(ProgramType::SOCKET_FILTER, &insns).load().unwrap();
        assert_eq!(open_descriptors(), before + 1);
        Program::from_id(program.info().unwrap().id).unwrap();
        let typed = Typed::<KprobeKind>::new(program.clone());
        assert_eq!(typed.unwrap_err().kind(), ErrorKind::WrongKind);
        let (logged, _) = request(ProgramType::KPROBE, &insns)
            .load_with_log(LogLevel::LEVEL2)
            .unwrap();
        drop(logged);
        request(ProgramType::SOCKET_FILTER, &insns[1..])
            .load()
            .unwrap_err();
        request(ProgramType(4000), &insns).load().unwrap_err();
        assert_eq!(open_descriptors(), before + 1);
    }
    assert_eq!(open_descriptors(), before);
}
