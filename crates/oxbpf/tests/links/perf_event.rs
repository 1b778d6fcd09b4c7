//! Programs on counters of perf.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use oxbpf::link::{HardwareEvent, LinkTarget, Sampling, SoftwareEvent};
use oxbpf::{ErrorKind, PerfEvent};

use super::fixture::Fixture;
use super::*;

/// Keeps the CPU busy until the program ran, for a while at most.
fn spin(fixture: &Fixture) -> u64 {
    let start = Instant::now();
    let before = fixture.get("runs");
    while fixture.get("runs") == before && start.elapsed() < Duration::from_secs(20) {
        std::hint::spin_loop();
    }
    fixture.get("runs") - before
}

fn clock() -> PerfEvent {
    PerfEvent::software(SoftwareEvent::CPU_CLOCK, Sampling::Frequency(500))
}

fn tid() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get() as u32
}

#[test]
fn clock_of_a_thread_counts() {
    let before = descriptors();
    let fixture = Fixture::load(&["at_perf_event"]).unwrap();
    let program = fixture.program("at_perf_event");
    let link = clock().process(tid()).attach(&program).unwrap();
    assert!(spin(&fixture) > 0);
    assert_eq!(link.survives_process(), None);
    // The type is that of the clock's own unit on newer kernels.
    if let Ok(LinkTarget::PerfEvent { config, .. }) = link.info().map(|info| info.target) {
        assert_eq!(config, SoftwareEvent::CPU_CLOCK.0);
    }
    link.detach().unwrap();
    let runs = fixture.get("runs");
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(fixture.get("runs"), runs);
    drop((fixture, program));
    assert_eq!(descriptors(), before);
}

#[test]
fn clock_of_each_cpu_counts() {
    let fixture = Fixture::load(&["at_perf_event"]).unwrap();
    let program = fixture.program("at_perf_event");
    let period = PerfEvent::software(SoftwareEvent::CPU_CLOCK, Sampling::Period(1_000_000));
    let links = period.attach_on_each_cpu(&program).unwrap();
    assert!(!links.is_empty());
    assert!(spin(&fixture) > 0);
    links.detach().unwrap();
    let link = period.cpu(0).attach(&program).unwrap();
    link.detach().unwrap();
}

#[test]
fn page_faults_are_counted_one_by_one() {
    let fixture = Fixture::load(&["at_perf_event"]).unwrap();
    let program = fixture.program("at_perf_event");
    let faults = PerfEvent::software(SoftwareEvent::PAGE_FAULTS, Sampling::Period(1));
    let link = faults.process(tid()).attach(&program).unwrap();
    // As much as is mapped anew, and a fault for each page, however large.
    let mut memory = vec![0u8; 80 << 20];
    for page in memory.chunks_mut(2 << 20) {
        page[0] = std::hint::black_box(1);
    }
    std::hint::black_box(&memory);
    assert!(fixture.get("runs") >= 16, "{}", fixture.get("runs"));
    drop(link);
}

#[test]
fn clock_of_a_control_group() {
    let Some(root) = cgroup_root() else {
        skip!("no control groups are mounted");
    };
    let fixture = Fixture::load(&["at_perf_event"]).unwrap();
    let program = fixture.program("at_perf_event");
    let directory = || -> OwnedFd { fs::File::open(&root).unwrap().into() };
    let attached = clock().cgroup(directory()).attach_on_each_cpu(&program);
    let links = match attached {
        Ok(links) => links,
        Err(error) if error.kind() == ErrorKind::InvalidInput => {
            skip!("this kernel counts nothing for control groups")
        }
        Err(error) => panic!("{error:?}"),
    };
    assert!(spin(&fixture) > 0);
    links.detach().unwrap();
    let nowhere = clock().cgroup(directory()).attach(&program);
    assert_kind(nowhere, ErrorKind::InvalidInput, "of a CPU");
}

#[test]
fn counter_has_a_cookie() {
    let Ok(fixture) = Fixture::load(&["cookie_of_perf_event"]) else {
        let fixture = Fixture::load(&["at_perf_event"]).unwrap();
        let attached = clock()
            .process(tid())
            .cookie(5)
            .attach(&fixture.program("at_perf_event"));
        assert_kind(attached, ErrorKind::Unsupported, "giving it a cookie");
        skip!("this kernel has no cookies for perf events");
    };
    let program = fixture.program("cookie_of_perf_event");
    let link = clock().process(tid()).cookie(5).attach(&program).unwrap();
    assert!(spin(&fixture) > 0);
    assert_eq!(fixture.get("cookie"), 5);
    drop(link);
}

#[test]
fn what_cannot_be_counted_is_told() {
    let fixture = Fixture::load(&["at_perf_event", "at_tp"]).unwrap();
    let program = fixture.program("at_perf_event");
    assert_kind(
        clock().attach(&program),
        ErrorKind::InvalidInput,
        "of a CPU",
    );
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let gone = child.id();
    child.wait().unwrap();
    assert_kind(
        clock().process(gone).attach(&program),
        ErrorKind::NotFound,
        "no process",
    );
    let nobody = clock().process(u32::MAX).attach(&program);
    assert_kind(nobody, ErrorKind::NotFound, "no process");
    let fast = PerfEvent::software(SoftwareEvent::CPU_CLOCK, Sampling::Frequency(1 << 40));
    let fast = fast.process(tid()).attach(&program);
    assert_kind(fast, ErrorKind::InvalidInput, "max_sample_rate");
    assert!(clock().cpu(60_000).attach(&program).is_err());
    let kind = clock().process(tid()).attach(&fixture.program("at_tp"));
    assert_kind(kind, ErrorKind::WrongKind, "perf event");
    let cycles = PerfEvent::hardware(HardwareEvent::CPU_CYCLES, Sampling::Frequency(99));
    if let Err(error) = cycles.process(tid()).attach(&program) {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
}
