//! Maps for programs that look at who runs them.

use std::fs::File;

use oxbpf::map::{CgroupArray, Map, PerfEventArray};
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
