//! Hours of what takes milliseconds: `cargo xtask soak --time 3600`. Memory and descriptors stay what they are.

#[macro_use]
mod common;

use std::time::{Duration, Instant};

use oxbpf::program::TestRun;
use oxbpf::{Loadable, Loader, PerfBuffer, RawTracepoint, RingBuffer, Tracepoint};

/// How much more memory may be in use at the end than at the start, for what the allocator keeps.
const TOLERANCE: u64 = 4 << 20;

/// How long each of the tests goes on, as `OXBPF_SOAK` says in seconds.
fn duration() -> Duration {
    let seconds = std::env::var("OXBPF_SOAK")
        .ok()
        .and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(10))
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn resident_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Repeats something until it is time, and compares what it holds after a tenth of that with the end.
fn soak(name: &str, mut cycle: impl FnMut(u64)) {
    let (start, duration) = (Instant::now(), duration());
    let (mut cycles, mut told) = (0, 0);
    let mut warm = None;
    while start.elapsed() < duration || cycles < 20 {
        cycle(cycles);
        cycles += 1;
        let holds = (descriptors(), resident_memory());
        if warm.is_none() && start.elapsed() > duration / 10 && cycles >= 10 {
            warm = Some(holds);
        }
        let Some(warm) = warm else { continue };
        assert_eq!(
            holds.0, warm.0,
            "descriptors after {cycles} cycles of {name}"
        );
        assert!(
            holds.1 <= warm.1 + TOLERANCE,
            "{name}: {holds:?} after {cycles} cycles, {warm:?} before"
        );
        if start.elapsed().as_secs() / 60 > told {
            told = start.elapsed().as_secs() / 60;
            println!(
                "{name}: {told} min, {cycles} cycles, {} descriptors, {} kB",
                holds.0,
                holds.1 / 1024
            );
        }
    }
    let kb = resident_memory() / 1024;
    println!(
        "{name}: {cycles} cycles in {:.0} s, {kb} kB",
        start.elapsed().as_secs_f64()
    );
}

#[test]
#[ignore = "as long as OXBPF_SOAK says"]
fn loading_and_attaching_leaves_nothing() {
    soak("load, attach, drop", |cycle| {
        let objects = Loader::new()
            .load(fixtures::core::Spec::embedded().unwrap())
            .unwrap();
        let link = RawTracepoint::new("sys_enter")
            .attach(&objects.programs.read_task)
            .unwrap();
        match cycle % 3 {
            0 => link.detach().unwrap(),
            1 => drop((link, objects)),
            _ => drop((objects, link)),
        }
        let objects = Loader::new()
            .load(fixtures::events::Spec::embedded().unwrap())
            .unwrap();
        let tracepoint = Tracepoint::new("sched", "sched_process_exit");
        let link = tracepoint.attach(&objects.programs.on_exit).unwrap();
        objects.bss.exits().load().unwrap();
        // What fails leaves nothing, either.
        assert!(tracepoint.attach(&objects.programs.on_exit).is_err());
        assert!(
            Tracepoint::new("no", "such")
                .attach(&objects.programs.on_exit)
                .is_err()
        );
        drop(link);
        let mut spec = fixtures::rejected::Spec::embedded()
            .unwrap()
            .into_spec()
            .unwrap();
        let programs = spec.programs().len() as u64;
        spec.programs_mut()[(cycle % programs) as usize].autoload = true;
        let _ = Loader::new().load(spec);
    });
}

#[test]
#[ignore = "as long as OXBPF_SOAK says"]
fn rings_are_read_for_as_long_as_one_likes() {
    let objects = Loader::new()
        .load(fixtures::rings::Spec::embedded().unwrap())
        .unwrap();
    let mut ring: RingBuffer = objects.maps.events.typed().unwrap();
    let mut samples: PerfBuffer = objects.maps.samples.typed().unwrap();
    let (mut records, mut sampled) = (0u64, 0u64);
    soak("rings", |_| {
        for program in [
            &objects.programs.write_event,
            &objects.programs.write_sample,
        ] {
            let run = TestRun {
                data: &[0; 64],
                repeat: 2000,
                ..TestRun::default()
            };
            program.test_run(run).unwrap();
        }
        while let Some(record) = ring.next().unwrap() {
            assert_eq!(record.bytes().len(), 16);
            records += 1;
        }
        sampled += samples.for_each(10_000, |_| {}).unwrap() as u64;
        // A reader that comes and goes.
        let mut more: RingBuffer = objects.maps.more.typed().unwrap();
        objects
            .programs
            .write_more
            .test_run(TestRun {
                data: &[0; 64],
                repeat: 10,
                ..TestRun::default()
            })
            .unwrap();
        while more.next().unwrap().is_some() {}
        // What fails leaves nothing, either.
        assert!(objects.maps.samples.typed::<RingBuffer>().is_err());
        assert!(objects.maps.events.typed::<PerfBuffer>().is_err());
        assert!(more.add(objects.maps.samples.clone()).is_err());
        assert!(!more.wait(Some(Duration::ZERO)).unwrap());
    });
    println!("{records} records, {sampled} samples");
    assert!(records > 0 && sampled > 0);
}
