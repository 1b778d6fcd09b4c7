//! Maps for programs that look at who runs them.

use std::fs::File;

use oxbpf::map::{CgroupArray, Frame, Map, PerfEventArray, StackTraces};
use oxbpf::program::TestRun;
use oxbpf::{Collection, ErrorKind, Loadable, Loader};
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::raw::clock_of_cpu;
use crate::{assert_kind, common};

pub(crate) fn load() -> Collection {
    let spec = fixtures::trace::Spec::embedded().unwrap();
    Loader::new().load(spec.into_spec().unwrap()).unwrap()
}

pub(crate) fn map<T: TryFrom<Map, Error = oxbpf::Error>>(objects: &Collection, name: &str) -> T {
    objects.map(name).unwrap().typed().unwrap()
}

pub(crate) fn run(objects: &Collection, program: &str) -> u32 {
    let program = objects.program(program).unwrap();
    program.test_run(TestRun::default()).unwrap().return_value
}

#[test]
fn programs_see_whether_they_are_in_a_control_group() {
    let objects = load();
    let groups: CgroupArray = map(&objects, "groups");
    // Nothing to compare with: an error, as a number.
    assert!(run(&objects, "is_in_group") as i32 != 1);
    groups
        .set(1, File::open(common::cgroups()).unwrap())
        .unwrap();
    assert_eq!(run(&objects, "is_in_group"), 1);
    let path = common::cgroups().join(format!("oxbpf-{}", std::process::id()));
    std::fs::create_dir(&path).unwrap();
    let put = groups.set(1, File::open(&path).unwrap());
    let seen = run(&objects, "is_in_group");
    std::fs::remove_dir(&path).unwrap();
    put.unwrap();
    assert_eq!(seen, 0);
    assert!(groups.remove(1).unwrap());
    assert!(!groups.remove(1).unwrap());
    assert_eq!(groups.len(), 2);
    let file = File::open("/dev/null").unwrap();
    assert!(groups.set(0, &file).is_err());
    assert_kind(
        groups.set(2, File::open(common::cgroups()).unwrap()),
        ErrorKind::BadIndex,
        "no index 2",
    );
}

#[test]
fn programs_read_counters() {
    let mut cpus = CpuSet::new();
    cpus.set(0);
    sched_setaffinity(None, &cpus).unwrap();
    let objects = load();
    let counters: PerfEventArray = map(&objects, "counters");
    assert_eq!(run(&objects, "read_counter"), 0);
    counters.set(0, clock_of_cpu(0)).unwrap();
    assert_eq!(run(&objects, "read_counter"), 1);
    let count = objects.variable::<u64>("count").unwrap();
    let first = count.load().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(5));
    assert_eq!(run(&objects, "read_counter"), 1);
    let passed = count.load().unwrap() - first;
    assert!(passed >= 5_000_000, "{passed} ns");
    assert!(counters.remove(0).unwrap());
    assert!(!counters.remove(0).unwrap());
    assert_eq!(run(&objects, "read_counter"), 0);
    assert!(counters.set(0, File::open("/dev/null").unwrap()).is_err());
}

#[test]
fn stacks_are_read_by_their_numbers() {
    let objects = load();
    let stacks: StackTraces = map(&objects, "stacks");
    let id = run(&objects, "user_stack");
    assert!(id < 64, "{}", id as i32);
    let frames = stacks.get(id).unwrap().unwrap();
    // The innermost place is where the system call was made: in a file that this process runs.
    let Some(Frame::Address(address)) = frames.first() else {
        panic!("{frames:?}")
    };
    assert!(is_executable(*address), "{frames:x?}");
    // The same one, taken without a map.
    run(&objects, "inline_user_stack");
    let size = objects
        .variable::<i64>("stack_size")
        .unwrap()
        .load()
        .unwrap();
    assert!(size >= 8, "{size}");
    let taken = objects
        .variable::<[u64; 32]>("inline_stack")
        .unwrap()
        .load()
        .unwrap();
    let bytes: Vec<u8> = taken.iter().flat_map(|word| word.to_ne_bytes()).collect();
    assert!(is_executable(Frame::addresses(&bytes).next().unwrap()));
    let ids: Vec<u32> = stacks.ids().map(Result::unwrap).collect();
    assert!(ids.contains(&id), "{ids:?}");
    assert!(stacks.remove(id).unwrap());
    assert!(!stacks.remove(id).unwrap());
    assert_eq!(stacks.get(id).unwrap(), None);
    // Only now: two stacks may want the same number, which the second does not get.
    let kernel = stacks.get(run(&objects, "kernel_stack")).unwrap().unwrap();
    assert!(!kernel.is_empty());

    let build_ids: StackTraces = map(&objects, "build_ids");
    let id = run(&objects, "build_id_stack");
    let frames = build_ids.get(id).unwrap().unwrap();
    assert!(!frames.is_empty());
}

/// Whether an address is in a part of this process that it can run.
fn is_executable(address: u64) -> bool {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().any(|line| {
        let (range, rest) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let number = |text| u64::from_str_radix(text, 16).unwrap();
        rest.starts_with("r-xp") && (number(start)..number(end)).contains(&address)
    })
}
