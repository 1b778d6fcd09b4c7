//! Rings in a real kernel.

#[macro_use]
mod common;

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use fixtures::rings::{Objects, Spec};
use oxbpf::map::{Array, CreateOptions, Map};
use oxbpf::object::kernel::{MapFlags, MapType};
use oxbpf::object::spec::MapSpec;
use oxbpf::program::TestRun;
use oxbpf::ring::{EventMap, Events, FlightRecorder, PerfBufferOptions, Tailed, Wakeup};
use oxbpf::{
    Collection, Error, ErrorKind, Loadable, Loader, PerfBuffer, Program, RingBuffer, UserRingBuffer,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::thread::{CpuSet, sched_setaffinity};

/// `struct event` of the programs: seq, cpu and check.
type Event = [u32; 4];

const SECOND: Duration = Duration::from_secs(1);
/// Longer than anything takes that does not hang.
const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(50);

fn load() -> Objects {
    Loader::new().load(Spec::embedded().unwrap()).unwrap()
}

fn run(program: &Program, times: u32) -> u32 {
    let result = program.test_run(TestRun {
        data: &[0; 64],
        repeat: times,
        ..TestRun::default()
    });
    result.unwrap().return_value
}

/// The first CPUs that are online, two at most.
fn cpus() -> Vec<usize> {
    let all = rustix::thread::sched_getaffinity(None).unwrap();
    (0..CpuSet::MAX_CPU)
        .filter(|cpu| all.is_set(*cpu))
        .take(2)
        .collect()
}

/// Makes this thread run on one CPU only.
fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).unwrap();
}

/// What the programs wrote, and what of it they found no room for.
fn counts(objects: &Objects) -> (u64, u64) {
    let counts = objects.maps.counts.get(0).unwrap();
    let sum =
        |of: fn(&fixtures::rings::types::Counts) -> u64| counts.values().map(|c| of(&c)).sum();
    (sum(|c| c.written), sum(|c| c.refused))
}

#[track_caller]
fn unpack(event: Event) -> (u64, u32) {
    let [low, high, cpu, check] = event;
    let low_high = if cfg!(target_endian = "little") {
        (low, high)
    } else {
        (high, low)
    };
    let seq = u64::from(low_high.0) | u64::from(low_high.1) << 32;
    assert_eq!(
        check,
        (seq as u32).wrapping_mul(2_654_435_761) ^ cpu,
        "a record that is not whole"
    );
    (seq, cpu)
}

#[track_caller]
fn assert_kind<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind, part: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(part), "{error}");
}

/// Runs `program` so often on each of two CPUs, while `read` is called again and again; once more when they are done.
fn under_load(program: &Program, times: u32, mut read: impl FnMut()) {
    let cpus = cpus();
    std::thread::scope(|scope| {
        let producers: Vec<_> = cpus
            .iter()
            .map(|&cpu| {
                scope.spawn(move || {
                    pin(cpu);
                    run(program, times);
                })
            })
            .collect();
        while !producers.iter().all(|producer| producer.is_finished()) {
            read();
        }
    });
    read();
}

/// How often a program is run on each CPU, under load: 10 million times in all where that takes seconds, 200 000 times where
/// the CPU is an emulated one.
fn many(objects: &Objects) -> u32 {
    let used = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    };
    // Not the time that passes, of which a busy machine takes more.
    let before = used();
    run(&objects.programs.write_event, 10_000);
    let spent = used() - before;
    println!("10000 records took {spent:?} of a CPU");
    let all = match spent < EMULATED {
        true => 10_000_000,
        false => 200_000,
    };
    all / cpus().len() as u32
}

/// What writing 10 000 records takes at least where instructions are emulated.
const EMULATED: Duration = Duration::from_millis(20);

#[test]
fn records_arrive_whole_and_in_the_order_of_their_cpu() {
    let times = many(&load());
    let objects = load();
    let mut ring: RingBuffer = objects.maps.events.typed().unwrap();
    let mut next = BTreeMap::new();
    let (mut received, mut missing) = (0, 0);
    under_load(&objects.programs.write_event, times, || {
        while ring.wait(Some(Duration::from_millis(1))).unwrap() {
            let read = ring.for_each(10_000, |record| {
                let (seq, cpu) = unpack(record.get().unwrap());
                let expected = next.insert(cpu, seq + 1).unwrap_or(0);
                assert!(seq >= expected, "{seq} after {expected} on CPU {cpu}");
                missing += seq - expected;
                received += 1;
            });
            assert!(read.unwrap() <= 10_000);
        }
    });
    let (written, refused) = counts(&objects);
    let cpus = cpus().len() as u64;
    assert_eq!(written, cpus * u64::from(times));
    assert_eq!(received + refused, written);
    missing += next
        .values()
        .map(|next| u64::from(times) - next)
        .sum::<u64>();
    assert_eq!(missing, refused);
    assert_eq!(next.len() as u64, cpus);
    assert!(received > written / 10, "{received} of {written}");
    assert_eq!(ring.available().unwrap(), 0);
    assert_eq!(Events::lost(&ring), 0);
}

#[test]
fn waiting_ends_with_its_timeout_or_with_a_record() {
    let objects = load();
    let mut ring: RingBuffer = objects.maps.events.typed().unwrap();
    let start = Instant::now();
    assert!(!ring.wait(Some(Duration::ZERO)).unwrap());
    assert!(start.elapsed() < SECOND);
    assert!(!ring.wait(Some(SHORT)).unwrap());
    assert!((SHORT..SECOND).contains(&start.elapsed()));
    assert!(ring.next().unwrap().is_none());
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(SHORT);
            run(&objects.programs.write_event, 1);
        });
        assert!(ring.wait(None).unwrap());
    });
    assert!((SHORT..LONG).contains(&start.elapsed()));
    assert!(ring.wait(None).unwrap());
    drop(ring.next().unwrap().unwrap());
    assert!(!ring.wait(Some(Duration::ZERO)).unwrap());
}

/// A reader that sleeps whenever it has read all, and a writer that writes whenever it is told: whoever misses a
/// wake-up hangs.
#[test]
fn no_wakeup_is_missed() {
    const TIMES: u32 = 20_000;
    let objects = load();
    let mut ring: RingBuffer = objects.maps.events.typed().unwrap();
    let mut received = 0;
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..TIMES {
                run(&objects.programs.write_event, 1);
            }
        });
        while received < TIMES as usize {
            assert!(ring.wait(Some(LONG)).unwrap(), "after {received}");
            received += ring.for_each(usize::MAX, |_| ()).unwrap();
        }
        writer.join().unwrap();
    });
    assert_eq!(
        (received, counts(&objects)),
        (TIMES as usize, (TIMES.into(), 0))
    );
}

#[test]
fn the_descriptor_is_readable_when_there_is_a_record() {
    let objects = load();
    let ring: RingBuffer = objects.maps.events.typed().unwrap();
    let samples: PerfBuffer = objects.maps.samples.typed().unwrap();
    let mut readers: [(Box<dyn Events>, &Program); 2] = [
        (Box::new(ring), &objects.programs.write_event),
        (Box::new(samples), &objects.programs.write_sample),
    ];
    for (reader, program) in &mut readers {
        let readable = |reader: &dyn Events, timeout: i64| {
            let fd = reader.as_fd();
            let timeout = Timespec {
                tv_sec: timeout,
                tv_nsec: 0,
            };
            poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&timeout)).unwrap() == 1
        };
        assert!(!readable(&**reader, 0));
        run(program, 3);
        assert!(readable(&**reader, 30));
        let mut seen = 0;
        assert_eq!(reader.for_each(2, &mut |_| seen += 1).unwrap(), 2);
        assert_eq!(reader.for_each(2, &mut |_| seen += 1).unwrap(), 1);
        assert_eq!(seen, 3);
        assert!(!reader.wait(Some(Duration::ZERO)).unwrap());
        assert!(!readable(&**reader, 0));
    }
}

#[test]
fn discarded_records_are_passed_over() {
    let objects = load();
    pin(cpus()[0]);
    let mut ring: RingBuffer = objects.maps.events.typed().unwrap();
    run(&objects.programs.write_or_discard, 1000);
    assert_eq!(ring.available().unwrap(), 1000 * 24);
    let seqs: Vec<u64> = ring
        .records(Some(Duration::ZERO))
        .map(|record| u64::from_ne_bytes(*record.unwrap().first_chunk().unwrap()))
        .collect();
    assert_eq!(
        seqs,
        (0..1000).filter(|seq| seq % 2 == 1).collect::<Vec<_>>()
    );
    // Nothing but one that is discarded: nothing to be read.
    run(&objects.programs.write_or_discard, 1);
    assert!(!ring.wait(Some(SHORT)).unwrap());
    assert_eq!(ring.available().unwrap(), 0);
}

#[test]
fn a_busy_ring_does_not_keep_another_waiting() {
    let objects = load();
    let mut ring: RingBuffer = objects.maps.events.typed().unwrap();
    assert_eq!(ring.add(objects.maps.more.clone()).unwrap(), 1);
    assert_eq!(
        ring.maps().map(Map::name).collect::<Vec<_>>(),
        ["events", "more"]
    );
    run(&objects.programs.write_event, 10_000);
    run(&objects.programs.write_more, 20);
    let mut sources = Vec::new();
    while let Some(record) = ring.next().unwrap() {
        sources.push(record.source());
    }
    assert_eq!(sources.len(), 10_020);
    let last = sources.iter().rposition(|source| *source == 1).unwrap();
    assert!(last < 1000, "{last}");
    // The other way round, too: both are waited for.
    run(&objects.programs.write_more, 1);
    assert!(ring.wait(Some(LONG)).unwrap());
    run(&objects.programs.write_event, 1);
    assert_eq!(ring.for_each(10, |_| ()).unwrap(), 2);
}

#[test]
fn records_of_any_length_go_around_the_end() {
    let objects = load();
    pin(cpus()[0]);
    let mut ring: RingBuffer = objects.maps.more.typed().unwrap();
    let mut seq = 0u64;
    for _ in 0..100 {
        run(&objects.programs.write_more, 100);
        let read = ring.for_each(usize::MAX, |record| {
            assert_eq!(record.len() as u64, seq % 16 + 1);
            assert!(
                record.iter().all(|byte| *byte == seq as u8),
                "{:?}",
                record.bytes()
            );
            seq += 1;
        });
        assert_eq!(read.unwrap(), 100);
    }
    assert_eq!(counts(&objects), (10_000, 0));
}

#[test]
fn a_record_may_go_on_after_a_value() {
    let objects = load();
    let events: EventMap<Tailed<[u8; 4], 4>> = objects.maps.events.typed().unwrap();
    let samples: EventMap<Tailed<[u8; 4], 4>> = objects.maps.samples.typed().unwrap();
    for (map, program, len) in [
        (events, &objects.programs.write_event, 16),
        (samples, &objects.programs.write_sample, 20),
    ] {
        let mut reader = map.reader().unwrap();
        run(program, 2);
        let mut whole = Vec::new();
        let count = reader.for_each(10, |event| {
            whole.push([&event.head[..], &event.tail].concat());
        });
        assert_eq!(count.unwrap(), 2);
        let seqs: Vec<u64> = whole
            .iter()
            .map(|whole| {
                assert_eq!(whole.len(), len);
                let words = whole.chunks_exact(4).take(4);
                let words: Vec<u32> = words
                    .map(|word| u32::from_ne_bytes(word.try_into().unwrap()))
                    .collect();
                unpack(words.try_into().unwrap()).0
            })
            .collect();
        assert_eq!(seqs[1], seqs[0] + 1);
        // And one that ends before the value does.
        let none: EventMap<Tailed<[u8; 4], 21>> = map.map().typed().unwrap();
        drop(reader);
        let mut reader = none.reader().unwrap();
        run(program, 1);
        assert_kind(
            reader.next(),
            ErrorKind::WrongSize,
            "before what may follow",
        );
    }
}

#[test]
fn a_record_of_another_size_names_both() {
    let objects = load();
    let mut ring: RingBuffer = objects.maps.events.typed().unwrap();
    run(&objects.programs.write_event, 1);
    let record = ring.next().unwrap().unwrap();
    assert_kind(
        record.get::<[u32; 3]>(),
        ErrorKind::WrongSize,
        "it has 16 bytes, `[u32; 3]` has 12",
    );
    assert_kind(
        record.get::<[u64; 3]>(),
        ErrorKind::WrongSize,
        "`[u64; 3]` has 24",
    );
    record.get::<Event>().unwrap();
    drop(record);

    let mut samples: PerfBuffer = objects.maps.samples.typed().unwrap();
    run(&objects.programs.write_sample, 1);
    let record = samples.next().unwrap().unwrap();
    record.get::<Event>().unwrap();
    assert_kind(
        record.get::<[u64; 3]>(),
        ErrorKind::WrongSize,
        "with the kernel's padding, `[u64; 3]` has 24",
    );
    assert_kind(record.get::<u64>(), ErrorKind::WrongSize, "it has 20 bytes");
}

#[test]
fn a_reader_goes_on_where_the_last_one_ended() {
    let objects = load();
    pin(cpus()[0]);
    let mut ring: RingBuffer = objects.maps.events.typed().unwrap();
    run(&objects.programs.write_event, 10);
    assert_eq!(ring.for_each(3, |_| ()).unwrap(), 3);
    assert_kind(
        objects.maps.events.typed::<RingBuffer>(),
        ErrorKind::AlreadyExists,
        "another part of this process has it open",
    );
    drop(ring);
    let mut ring: RingBuffer = objects.maps.events.typed().unwrap();
    let record = ring.next().unwrap().unwrap();
    assert_eq!(unpack(record.get().unwrap()).0, 3);
}

#[test]
fn maps_of_other_kinds_are_refused_by_name() {
    let objects = load();
    let (events, samples) = (&objects.maps.events, &objects.maps.samples);
    assert_kind(
        samples.typed::<RingBuffer>(),
        ErrorKind::WrongKind,
        "perf_event_array, not ringbuf",
    );
    assert_kind(
        events.typed::<PerfBuffer>(),
        ErrorKind::WrongKind,
        "ringbuf, not perf_event_array",
    );
    assert_kind(
        events.typed::<UserRingBuffer>(),
        ErrorKind::WrongKind,
        "ringbuf, not user_ringbuf",
    );
}

/// A ring that overwrites, in place of the one that the programs write to; `None` if this kernel has none.
fn load_overwriting() -> Option<Collection> {
    let mut spec = Spec::embedded().unwrap().into_spec().unwrap();
    let events = spec.map_mut("events").unwrap();
    events.flags |= MapFlags::RB_OVERWRITE;
    events.max_entries = 1 << 14;
    match Loader::new().load(spec) {
        Ok(objects) => Some(objects),
        Err(error) if error.kind() == ErrorKind::InvalidInput => None,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_ring_that_overwrites_keeps_the_newest() {
    let Some(objects) = load_overwriting() else {
        skip!("this kernel has no ring buffers that overwrite")
    };
    pin(cpus()[0]);
    let mut ring: RingBuffer = objects.map("events").unwrap().typed().unwrap();
    let write = objects.program("write_event").unwrap();
    run(&write, 10);
    let mut next = 0;
    let mut read = |ring: &mut RingBuffer| {
        let mut first = None;
        let read = ring.for_each(usize::MAX, |record| {
            let (seq, _) = unpack(record.get().unwrap());
            first.get_or_insert(seq);
            assert!(seq >= next);
            next = seq + 1;
        });
        (first, read.unwrap(), next)
    };
    assert!(ring.wait(Some(LONG)).unwrap());
    assert_eq!(read(&mut ring), (Some(0), 10, 10));
    assert_eq!((ring.overwritten(), ring.available().unwrap()), (0, 0));
    // 24 bytes a record: 682 are there at most.
    run(&write, 5000);
    let (first, count, next) = read(&mut ring);
    assert_eq!(next, 5010);
    assert!((600..=682).contains(&count), "{count}");
    assert_eq!(first, Some(5010 - count as u64));
    assert_eq!(ring.overwritten(), 24 * (5000 - count as u64));
    assert!(!ring.wait(Some(SHORT)).unwrap());
}

#[test]
fn a_ring_that_overwrites_under_load_has_whole_records_only() {
    let Some(objects) = load_overwriting() else {
        skip!("this kernel has no ring buffers that overwrite")
    };
    let mut ring: RingBuffer = objects.map("events").unwrap().typed().unwrap();
    let write = objects.program("write_event").unwrap();
    let mut next = BTreeMap::new();
    let mut received = 0;
    under_load(&write, 100_000, || {
        let _ = ring.wait(Some(Duration::from_millis(1))).unwrap();
        ring.for_each(10_000, |record| {
            let (seq, cpu) = unpack(record.get().unwrap());
            let expected = next.insert(cpu, seq + 1).unwrap_or(0);
            assert!(seq >= expected, "{seq} after {expected} on CPU {cpu}");
            received += 1;
        })
        .unwrap();
    });
    while ring.next().unwrap().is_some() {
        received += 1;
    }
    let written = 100_000 * cpus().len() as u64;
    assert_eq!(received + ring.overwritten() / 24, written);
    assert!(received > 600);
}

/// A reader that is killed leaves what it did not finish to the next, which may get one record again.
#[test]
fn what_a_killed_reader_left_is_read_by_the_next() {
    let bpffs = common::own_bpffs();
    let objects = load();
    pin(cpus()[0]);
    let path = bpffs.join("events");
    objects.maps.events.pin(&path).unwrap();
    let mut seen = Vec::new();
    for round in 0..5 {
        let (told, tell) = rustix::pipe::pipe().unwrap();
        let reader = common::forked_beside(|| {
            let mut ring: RingBuffer = Map::open_pinned(&path).unwrap().typed().unwrap();
            let _ = rustix::io::write(&tell, &u64::MAX.to_ne_bytes());
            // Here it is killed: between two records, or while it holds one.
            while let Ok(true) = ring.wait(None) {
                let record = ring.next().unwrap().unwrap();
                let seq = &record.bytes()[..8];
                let _ = rustix::io::write(&tell, seq);
            }
        });
        run(&objects.programs.write_event, 1000);
        let heard = || {
            let mut seq = [0; 8];
            assert_eq!(rustix::io::read(&told, &mut seq), Ok(8));
            u64::from_ne_bytes(seq)
        };
        assert_eq!(heard(), u64::MAX);
        for _ in 0..100 * round + 50 {
            seen.push(heard());
        }
        drop(reader);
        // What it said meanwhile.
        drop(tell);
        while readable(&told) {
            let mut seq = [0; 8];
            if rustix::io::read(&told, &mut seq) != Ok(8) {
                break;
            }
            seen.push(u64::from_ne_bytes(seq));
        }
    }
    let mut ring: RingBuffer = Map::open_pinned(&path).unwrap().typed().unwrap();
    ring.for_each(usize::MAX, |record| {
        seen.push(unpack(record.get().unwrap()).0)
    })
    .unwrap();
    objects.maps.events.unpin(&path).unwrap();
    let again = seen.windows(2).filter(|pair| pair[0] == pair[1]).count();
    assert!(again <= 5, "{again} records came twice");
    seen.dedup();
    assert!(seen.into_iter().eq(0..5000));
}

/// Bytes that children of this process see, too, for as long as it lives.
#[allow(unsafe_code)]
fn shared_bytes(len: usize) -> &'static [AtomicU8] {
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

    let prot = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping, which nobody takes away.
    unsafe {
        let start = mmap_anonymous(std::ptr::null_mut(), len, prot, MapFlags::SHARED).unwrap();
        std::slice::from_raw_parts(start.cast::<AtomicU8>(), len)
    }
}

/// While producers on all CPUs go on, readers are killed and others take over: what was committed is read, by one or another.
#[test]
fn readers_killed_under_load_lose_nothing() {
    let times = many(&load());
    let bpffs = common::own_bpffs();
    let objects = load();
    let path = bpffs.join("events");
    objects.maps.events.pin(&path).unwrap();
    let cpus = cpus();
    let most = cpus.iter().max().unwrap() + 1;
    let seen = shared_bytes(most * times as usize);
    let note = |record: oxbpf::ring::Record<'_>| {
        // The child is not to panic.
        let Ok([first, second, cpu, _]) = record.get::<Event>() else {
            return;
        };
        let seq = if cfg!(target_endian = "little") {
            first
        } else {
            second
        };
        let at = cpu as usize * times as usize + seq as usize;
        if let Some(seen) = seen.get(at) {
            seen.store(1, Ordering::Relaxed);
        }
    };
    let mut killed = 0;
    under_load(&objects.programs.write_event, times, || {
        let reader = common::forked_beside(|| {
            let mut ring: RingBuffer = Map::open_pinned(&path).unwrap().typed().unwrap();
            while ring.wait(None).is_ok() && ring.for_each(10_000, note).is_ok() {}
        });
        std::thread::sleep(SHORT);
        drop(reader);
        killed += 1;
    });
    let mut ring: RingBuffer = Map::open_pinned(&path).unwrap().typed().unwrap();
    while ring.for_each(10_000, note).unwrap() > 0 {}
    objects.maps.events.unpin(&path).unwrap();
    let (written, refused) = counts(&objects);
    assert_eq!(written, cpus.len() as u64 * u64::from(times));
    let received = seen.iter().filter(|seen| seen.load(Ordering::Relaxed) == 1);
    let received = received.count() as u64;
    println!("{received} of {written} by {killed} readers, {refused} refused");
    assert_eq!(received + refused, written);
    assert!(killed >= 2 && received > 0, "{killed} readers");
}

fn readable(fd: &impl AsFd) -> bool {
    let timeout = Timespec::default();
    poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&timeout)).unwrap() == 1
}

#[test]
fn what_others_write_into_its_memory_does_no_harm() {
    let objects = load();
    pin(cpus()[0]);
    let map = &objects.maps.events;
    let mut ring: RingBuffer = map.typed().unwrap();
    run(&objects.programs.write_event, 10);
    assert_eq!(ring.for_each(2, |_| ()).unwrap(), 2);
    // Whoever reads does not go by the position there: it goes on, and puts it right.
    set_position(map, usize::MAX / 3);
    assert_eq!(ring.for_each(100, |_| ()).unwrap(), 8);
    run(&objects.programs.write_event, 1);
    assert_eq!(ring.for_each(100, |_| ()).unwrap(), 1);
    drop(ring);
    // Whoever begins has nothing else to go by.
    for position in [3, usize::MAX / 2, 8 + (1 << 40)] {
        set_position(map, position);
        let mut ring: RingBuffer = map.typed().unwrap();
        assert_kind(
            ring.next(),
            ErrorKind::Corrupted,
            "its memory is corrupted: read up to",
        );
        assert_kind(
            ring.wait(None),
            ErrorKind::Corrupted,
            "reading ring buffer of map `events`",
        );
        assert_kind(
            ring.available(),
            ErrorKind::Corrupted,
            "with room for 1048576 bytes",
        );
        // It does not keep others from being read.
        ring.add(objects.maps.more.clone()).unwrap();
        run(&objects.programs.write_more, 1);
        let first = ring.next().is_ok();
        assert_ne!(first, ring.next().is_ok());
    }
}

/// Writes to the page that the reader of a ring buffer has.
#[allow(unsafe_code)]
fn set_position(map: &Map, position: usize) {
    use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

    let page = rustix::param::page_size();
    let prot = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping, of a page to which only one word is written, and gone when this returns.
    unsafe {
        let at = mmap(
            std::ptr::null_mut(),
            page,
            prot,
            MapFlags::SHARED,
            map.as_fd(),
            0,
        )
        .unwrap();
        at.cast::<usize>().write_volatile(position);
        munmap(at, page).unwrap();
    }
}

/// The records of a CPU follow each other, but for those that were lost between them.
#[derive(Default)]
struct Sequences {
    next: BTreeMap<u32, u64>,
    received: u64,
    lost: u64,
}

impl Sequences {
    #[track_caller]
    fn take(&mut self, record: &oxbpf::ring::Record<'_>) {
        let (seq, cpu) = unpack(record.get().unwrap());
        assert_eq!(cpu, record.source());
        let expected = self.next.insert(cpu, seq + 1).unwrap_or(0);
        assert_eq!(seq, expected + record.lost(), "on CPU {cpu}");
        self.received += 1;
        self.lost += record.lost();
    }
}

#[test]
fn samples_arrive_whole_and_in_order_and_losses_are_told_where_they_happened() {
    let times = many(&load());
    let objects = load();
    let options = PerfBufferOptions {
        size: 1 << 20,
        wakeup: Wakeup::Bytes(32 << 10),
        ..PerfBufferOptions::default()
    };
    let mut samples = PerfBuffer::with_options(objects.maps.samples.clone(), options).unwrap();
    let mut seen = Sequences::default();
    under_load(&objects.programs.write_sample, times, || {
        while samples.wait(Some(Duration::from_millis(1))).unwrap() {
            samples
                .for_each(10_000, |record| seen.take(&record))
                .unwrap();
        }
    });
    // What was lost at last is told with the next.
    for cpu in cpus() {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                pin(cpu);
                run(&objects.programs.write_sample, 1);
            });
        });
    }
    samples
        .for_each(usize::MAX, |record| seen.take(&record))
        .unwrap();
    let (written, refused) = counts(&objects);
    let cpus = cpus().len() as u64;
    assert_eq!(written, cpus * u64::from(times + 1));
    assert_eq!((seen.received + seen.lost, seen.lost), (written, refused));
    assert_eq!(samples.lost(), seen.lost);
    assert!(
        seen.received > written / 10,
        "{} of {written}",
        seen.received
    );
}

#[test]
fn a_small_perf_buffer_loses_and_says_how_many() {
    let objects = load();
    pin(cpus()[0]);
    let options = PerfBufferOptions {
        size: 1,
        ..PerfBufferOptions::default()
    };
    let mut samples = PerfBuffer::with_options(objects.maps.samples.clone(), options).unwrap();
    let mut seen = Sequences::default();
    for _ in 0..5 {
        run(&objects.programs.write_sample, 1000);
        samples
            .for_each(usize::MAX, |record| seen.take(&record))
            .unwrap();
    }
    run(&objects.programs.write_sample, 1);
    samples
        .for_each(usize::MAX, |record| seen.take(&record))
        .unwrap();
    let (written, refused) = counts(&objects);
    assert!(refused > 4000 && refused < 5000, "{refused}");
    assert_eq!((seen.received + seen.lost, seen.lost), (written, refused));
}

#[test]
fn samples_of_all_cpus_are_merged_by_their_time() {
    let objects = load();
    let options = PerfBufferOptions {
        by_time: true,
        ..PerfBufferOptions::default()
    };
    let mut samples = PerfBuffer::with_options(objects.maps.samples.clone(), options).unwrap();
    let mut order = Vec::new();
    for round in 0..20 {
        let cpus = cpus();
        let cpu = cpus[round % cpus.len()];
        std::thread::scope(|scope| {
            scope.spawn(|| {
                pin(cpu);
                run(&objects.programs.write_sample, 2);
            });
        });
        order.extend([cpu as u32; 2]);
    }
    let mut last = 0;
    let mut seen = Vec::new();
    let mut sequences = Sequences::default();
    let read = samples.for_each(usize::MAX, |record| {
        let time = record.time().unwrap();
        assert!(time >= last);
        last = time;
        seen.push(record.source());
        sequences.take(&record);
    });
    assert_eq!(read.unwrap(), 40);
    assert_eq!(seen, order);
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let now = now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64;
    assert!(last <= now && now - last < 60_000_000_000, "{last} {now}");
}

#[test]
fn samples_come_whole_where_asked_for() {
    const TID: u64 = 1 << 1;
    const CPU: u64 = 1 << 7;
    let objects = load();
    let cpu = cpus()[0];
    pin(cpu);
    for by_time in [false, true] {
        let options = PerfBufferOptions {
            sample_type: TID | CPU,
            by_time,
            ..PerfBufferOptions::default()
        };
        let mut samples = PerfBuffer::with_options(objects.maps.samples.clone(), options).unwrap();
        run(&objects.programs.write_sample, 1);
        let record = samples.next().unwrap().unwrap();
        let word = |at: usize| u32::from_ne_bytes(*record[at..].first_chunk().unwrap());
        assert_eq!(word(0), std::process::id());
        assert_eq!(record.time().is_some(), by_time);
        let after = if by_time { 16 } else { 8 };
        assert_eq!(word(after), cpu as u32);
        // The length and the data that the program wrote, padded.
        assert_eq!((word(after + 8), record.len()), (20, after + 32));
        if let Some(time) = record.time() {
            assert_eq!(time.to_ne_bytes(), record[8..16]);
        }
    }
}

#[test]
fn a_flight_recorder_keeps_the_newest() {
    let objects = load();
    let cpu = cpus()[0];
    pin(cpu);
    let mut recorder = FlightRecorder::new(objects.maps.samples.clone(), 1).unwrap();
    assert_eq!(
        recorder
            .for_each(|_, _| panic!("nothing was written"))
            .unwrap(),
        0
    );
    let mut newest = |objects: &Objects, times| {
        run(&objects.programs.write_sample, times);
        let mut seqs = Vec::new();
        let count = recorder.for_each(|source, record| {
            assert_eq!(source, cpu as u32);
            let words: Vec<u32> = record[..16]
                .chunks_exact(4)
                .map(|word| u32::from_ne_bytes(*word.first_chunk().unwrap()))
                .collect();
            seqs.push(unpack([words[0], words[1], words[2], words[3]]).0);
        });
        assert_eq!(count.unwrap(), seqs.len());
        seqs
    };
    assert_eq!(newest(&objects, 5), [4, 3, 2, 1, 0]);
    // 32 bytes a record, in a page.
    let seqs = newest(&objects, 10_000);
    let room = rustix::param::page_size() / 32;
    assert!(
        seqs.len() >= room - 1 && seqs.len() <= room,
        "{}",
        seqs.len()
    );
    assert!(seqs.iter().copied().eq((0..10_005).rev().take(seqs.len())));
    drop(recorder);
    assert!(
        !objects
            .maps
            .samples
            .remove(&(cpu as u32).to_ne_bytes())
            .unwrap()
    );
}

#[test]
fn a_perf_buffer_wakes_when_there_is_enough() {
    let objects = load();
    pin(cpus()[0]);
    for wakeup in [Wakeup::Records(10), Wakeup::Bytes(300)] {
        let options = PerfBufferOptions {
            wakeup,
            ..PerfBufferOptions::default()
        };
        let mut samples = PerfBuffer::with_options(objects.maps.samples.clone(), options).unwrap();
        let write = |times| run(&objects.programs.write_sample, times);
        // Too few to be woken for; when the time is over, they are there.
        write(3);
        let start = Instant::now();
        assert!(samples.wait(Some(SHORT)).unwrap());
        assert!(start.elapsed() >= SHORT);
        assert_eq!(samples.for_each(100, |_| ()).unwrap(), 3);
        // Enough.
        write(20);
        let start = Instant::now();
        assert!(samples.wait(Some(LONG)).unwrap());
        assert_eq!(samples.for_each(5, |_| ()).unwrap(), 5);
        // The kernel does not wake again for what is left; it is not forgotten.
        assert!(samples.wait(Some(LONG)).unwrap());
        assert!(start.elapsed() < LONG);
        assert_eq!(samples.for_each(100, |_| ()).unwrap(), 15);
        assert!(!samples.wait(Some(SHORT)).unwrap());
    }
}

#[test]
fn programs_no_longer_write_to_a_perf_buffer_that_is_gone() {
    let objects = load();
    let samples: PerfBuffer = objects.maps.samples.typed().unwrap();
    assert!(samples.cpus().count() >= cpus().len());
    run(&objects.programs.write_sample, 1);
    assert_eq!(counts(&objects), (1, 0));
    drop(samples);
    run(&objects.programs.write_sample, 1);
    assert_eq!(counts(&objects), (2, 1));
    for cpu in cpus() {
        let key = (cpu as u32).to_ne_bytes();
        assert!(!objects.maps.samples.remove(&key).unwrap(), "CPU {cpu}");
    }
    let huge = PerfBufferOptions {
        size: usize::MAX,
        ..PerfBufferOptions::default()
    };
    assert_kind(
        PerfBuffer::with_options(objects.maps.samples.clone(), huge),
        ErrorKind::InvalidInput,
        "is larger than",
    );
}

/// Disturbs whatever else runs on this machine: `cargo xtask vmtest` has one of its own for this, of two CPUs.
#[test]
fn a_cpu_that_goes_away_is_survived() {
    require!(
        common::may_change_settings(),
        "CPUs are taken offline only on test machines"
    );
    let online = |yes: bool| {
        let path = "/sys/devices/system/cpu/cpu1/online";
        std::fs::write(path, if yes { "1" } else { "0" }).unwrap();
    };
    let objects = load();
    let write_on = |cpu| {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                pin(cpu);
                run(&objects.programs.write_sample, 5);
            });
        });
    };
    let mut samples: PerfBuffer = objects.maps.samples.typed().unwrap();
    assert_eq!(samples.cpus().collect::<Vec<_>>(), [0, 1]);
    write_on(1);
    online(false);
    assert!(samples.wait(Some(LONG)).unwrap());
    assert_eq!(samples.for_each(100, |_| ()).unwrap(), 5);
    // It is not waited for in vain, nor busily.
    let used = || rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let (start, before) = (Instant::now(), used());
    assert!(!samples.wait(Some(10 * SHORT)).unwrap());
    assert!(start.elapsed() >= 10 * SHORT);
    let spent = (used() - before).tv_nsec;
    assert!(spent < 100_000_000, "{spent} ns");
    write_on(0);
    assert!(samples.wait(Some(LONG)).unwrap());
    assert_eq!(samples.for_each(100, |_| ()).unwrap(), 5);
    drop(samples);
    let mut samples: PerfBuffer = objects.maps.samples.typed().unwrap();
    assert_eq!(samples.cpus().collect::<Vec<_>>(), [0]);
    online(true);
    write_on(0);
    assert_eq!(samples.for_each(100, |_| ()).unwrap(), 5);
}

/// A reader of either kind, for code that leaves open which one the kernel has.
#[test]
fn readers_are_exchangeable() {
    let objects = load();
    pin(cpus()[0]);
    let ring: RingBuffer = objects.maps.events.typed().unwrap();
    let samples: PerfBuffer = objects.maps.samples.typed().unwrap();
    let readers: [(Box<dyn Events>, &Program); 2] = [
        (Box::new(ring), &objects.programs.write_event),
        (Box::new(samples), &objects.programs.write_sample),
    ];
    let mut expected = 0;
    for (mut reader, program) in readers {
        run(program, 5);
        while reader.wait(Some(Duration::ZERO)).unwrap() {
            let record = reader.next().unwrap().unwrap();
            assert_eq!(unpack(record.get().unwrap()).0, expected);
            expected += 1;
        }
        assert_eq!(reader.lost(), 0);
    }
    assert_eq!(expected, 10);
}

/// Loads what reads a user ring buffer.
fn user_ring() -> Result<fixtures::user_ring::Objects, Error> {
    Loader::new().load(fixtures::user_ring::Spec::embedded().unwrap())
}

fn has_user_rings() -> bool {
    let spec = MapSpec {
        map_type: MapType::USER_RINGBUF,
        max_entries: 1 << 16,
        ..MapSpec::default()
    };
    Map::create("probe", &spec, CreateOptions::default()).is_ok()
}

#[test]
fn programs_read_what_was_submitted_and_nothing_else() {
    require!(has_user_rings(), "this kernel has no user ring buffers");
    let objects = user_ring().unwrap();
    let mut commands: UserRingBuffer = objects.maps.commands.typed().unwrap();
    let submit = |commands: &mut UserRingBuffer, value: u64, size: usize| {
        let mut record = commands.reserve(size).unwrap().unwrap();
        record.fill(0);
        record[..8].copy_from_slice(&value.to_ne_bytes());
        record.submit();
    };
    submit(&mut commands, 1, 8);
    let mut dropped = commands.reserve(8).unwrap().unwrap();
    dropped.copy_from_slice(&100u64.to_ne_bytes());
    dropped.discard();
    let _dropped = commands.reserve(8).unwrap().unwrap();
    submit(&mut commands, 20, 100);
    assert_eq!(run(&objects.programs.drain, 1), 2);
    assert_eq!(objects.bss.sum().load().unwrap(), 21);
    // Around the end of the ring many times.
    let mut expected = 21;
    for value in 0..10_000 {
        submit(&mut commands, value, 8 + (value % 64) as usize);
        expected += value;
        assert_eq!(run(&objects.programs.drain, 1), 1);
    }
    assert_eq!(objects.bss.sum().load().unwrap(), expected);
    assert_eq!(objects.bss.records().load().unwrap(), 10_002);
}

#[test]
fn a_full_user_ring_can_be_waited_for() {
    require!(has_user_rings(), "this kernel has no user ring buffers");
    let objects = user_ring().unwrap();
    let mut commands: UserRingBuffer = objects.maps.commands.typed().unwrap();
    assert_kind(
        commands.reserve(4089),
        ErrorKind::WrongSize,
        "4089 bytes, and must not have more than 4088",
    );
    let mut written = 0;
    while let Some(mut record) = commands.reserve(8).unwrap() {
        record.fill(0);
        record.submit();
        written += 1;
    }
    assert_eq!(written, 256);
    let start = Instant::now();
    assert!(commands.reserve_blocking(8, Some(SHORT)).unwrap().is_none());
    assert!((SHORT..LONG).contains(&start.elapsed()));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(SHORT);
            done.store(true, Ordering::SeqCst);
            assert_eq!(run(&objects.programs.drain, 1), 256);
        });
        // As much as the whole ring: it takes all that is drained.
        let mut record = commands
            .reserve_blocking(4088, Some(LONG))
            .unwrap()
            .unwrap();
        assert!(done.load(Ordering::SeqCst));
        record.fill(0);
        record.submit();
    });
    assert_eq!(run(&objects.programs.drain, 1), 1);
    assert_kind(
        objects.maps.commands.typed::<UserRingBuffer>(),
        ErrorKind::AlreadyExists,
        "another part of this process has it open",
    );
    let array: Result<Array<u64>, _> = objects.maps.commands.typed();
    assert_kind(array, ErrorKind::WrongKind, "user_ringbuf, not array");
}
