//! Odd places to work in: without root's powers, without mounts, without descriptors to spare.

use oxbpf::{ErrorKind, Iter, Kprobe, RawTracepoint, Tracepoint};
use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, UnshareFlags};

use super::fixture::Fixture;
use super::*;
use crate::common::keep_only;

/// Mounts of the calling thread alone, without these.
#[allow(unsafe_code)]
fn without_mounts(places: &[&str]) {
    // SAFETY: takes only the mounts and the working directory of this thread apart.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS | UnshareFlags::FS) }.unwrap();
    mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )
    .unwrap();
    for place in places {
        // What is mounted in a place may be mounted several times, or not at all.
        while unmount(*place, UnmountFlags::DETACH).is_ok() {}
    }
}

fn tracepoint() -> Tracepoint {
    Tracepoint::new("syscalls", "sys_enter_getpgid")
}

#[test]
fn tracefs_inside_debugfs_will_do() {
    require!(
        fs::exists("/sys/kernel/debug/tracing").unwrap(),
        "debugfs is not mounted"
    );
    let fixture = Fixture::load(&["at_tp"]).unwrap();
    without_mounts(&["/sys/kernel/tracing"]);
    assert!(!fs::exists("/sys/kernel/tracing/events").unwrap());
    fixture.counts(tracepoint().attach(&fixture.program("at_tp")).unwrap());
}

#[test]
fn tracefs_that_is_not_mounted_will_do() {
    let fixture = Fixture::load(&["at_tp"]).unwrap();
    without_mounts(&[
        "/sys/kernel/debug/tracing",
        "/sys/kernel/tracing",
        "/sys/kernel/debug",
    ]);
    fixture.counts(tracepoint().attach(&fixture.program("at_tp")).unwrap());
    if has_kprobes() {
        let counter = Counter::new();
        let link = Kprobe::new(GETPGID)
            .source(oxbpf::link::ProbeSource::Tracefs)
            .attach(&counter.kprobe())
            .unwrap();
        assert_eq!(counter.runs(getpgid), TIMES);
        link.detach().unwrap();
    }
}

#[test]
fn two_capabilities_are_enough_for_tracing() {
    let counter = Counter::new();
    keep_only(CapabilitySet::BPF | CapabilitySet::PERFMON);
    let fixture = Fixture::load(&["at_tp", "at_raw_tp", "at_tp_btf"]).unwrap();
    // Debian's kernels may want more than the kernel does. And a tracefs that is not mounted is for root alone.
    let paranoid = fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").unwrap();
    let is_open = paranoid.trim().parse::<i32>().unwrap() < 3;
    if fs::exists("/sys/kernel/tracing/events").unwrap() {
        let attached = fixture.program("at_tp").attach();
        match is_open {
            true => fixture.counts(attached.unwrap()),
            false => assert_kind(
                attached,
                ErrorKind::PermissionDenied,
                "perf_event_paranoid is",
            ),
        }
    }
    for name in ["at_raw_tp", "at_tp_btf"] {
        let link = fixture.program(name).attach().unwrap();
        assert!(fixture.runs(getpgid) >= TIMES, "{name}");
        link.detach().unwrap();
        assert_eq!(fixture.runs(getpgid), 0);
    }
    if has_kprobes() && is_open {
        let link = Kprobe::new(GETPGID).attach(&counter.kprobe()).unwrap();
        assert_eq!(counter.runs(getpgid), TIMES);
        link.detach().unwrap();
    }
}

#[test]
fn what_is_missing_without_capabilities_is_named() {
    let fixture = Fixture::load(&["at_tp", "at_perf_event"]).unwrap();
    let counter = Counter::new();
    let kprobe = counter.kprobe();
    let program = |name| fixture.program(name);
    give_up_capabilities();
    let denied = ErrorKind::PermissionDenied;
    let clock = oxbpf::PerfEvent::software(
        oxbpf::link::SoftwareEvent::CPU_CLOCK,
        oxbpf::link::Sampling::Frequency(99),
    );
    let clock = clock.cpu(0).attach(&program("at_perf_event"));
    assert_kind(clock, denied, "CAP_PERFMON");
    if has_kprobes() {
        assert_kind(Kprobe::new(GETPGID).attach(&kprobe), denied, "CAP_PERFMON");
        assert_kind(
            tracepoint().attach(&program("at_tp")),
            denied,
            "CAP_PERFMON",
        );
    }
    let error = Fixture::load(&["at_tp"]).err().unwrap();
    assert_eq!(error.kind(), denied);
    assert!(error.remedy().unwrap().contains("CAP_BPF"), "{error}");
}

#[test]
fn process_without_a_descriptor_to_spare_is_told() {
    let fixture = Fixture::load(&["at_raw_tp"]).unwrap();
    let program = fixture.program("at_raw_tp");
    let before = getrlimit(Resource::Nofile);
    let highest = fs::read_dir("/proc/self/fd").unwrap();
    let highest = highest
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u64>().ok())
        .max()
        .unwrap();
    // All below the highest are filled, so that no call finds one.
    let mut fill = Vec::new();
    let limit = Rlimit {
        current: Some(highest + 1),
        ..before
    };
    setrlimit(Resource::Nofile, limit).unwrap();
    while let Ok(file) = fs::File::open("/dev/null") {
        fill.push(file);
    }
    let attached = RawTracepoint::new("sys_enter").attach(&program);
    let iter = Iter::new().attach(&program);
    setrlimit(Resource::Nofile, before).unwrap();
    drop(fill);
    let error = attached.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    assert!(error.remedy().unwrap().contains("RLIMIT_NOFILE"), "{error}");
    assert_kind(iter, ErrorKind::WrongKind, "raw_tracepoint");
}

#[test]
fn in_a_user_namespace_nothing_can_be_traced() {
    let fixture = Fixture::load(&["at_perf_event"]).unwrap();
    let program = fixture.program("at_perf_event");
    let (told, tell) = rustix::pipe::pipe().unwrap();
    let child = crate::common::forked(|| {
        // SAFETY: this copy of the process has one thread, and takes only itself apart.
        #[allow(unsafe_code)]
        let entered = unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWUSER) };
        let clock = oxbpf::PerfEvent::software(
            oxbpf::link::SoftwareEvent::CPU_CLOCK,
            oxbpf::link::Sampling::Frequency(99),
        );
        let attached = clock.cpu(0).attach(&program);
        let loaded = Fixture::load(&["at_raw_tp"]);
        let say = |error: Option<Error>| error.map_or("none".into(), |error| error.to_string());
        let text = format!(
            "{entered:?}\n{}\n{}\n",
            say(attached.err()),
            say(loaded.err())
        );
        let _ = rustix::io::write(&tell, text.as_bytes());
    });
    let mut text = [0; 4096];
    let length = rustix::io::read(&told, &mut text).unwrap();
    drop(child);
    let text = String::from_utf8_lossy(&text[..length]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "Ok(())", "{text}");
    for (line, what) in lines[1..].iter().zip(["perf events and probes", "BPF"]) {
        assert!(line.contains("user namespace"), "{text}");
        assert!(line.contains(what), "{text}");
    }
    assert_eq!(lines.len(), 3);
}

#[test]
fn hidden_addresses_are_explained() {
    let read = |name| fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap();
    let restrict = read("kptr_restrict");
    give_up_capabilities();
    let symbols = oxbpf::kallsyms::find(["vfs_read"]).unwrap();
    require!(
        symbols.are_hidden(),
        "this machine shows addresses to everyone"
    );
    let error = symbols.address("vfs_read").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("hides addresses"), "{error}");
    let remedy = match restrict.trim() {
        "2" => "kernel.kptr_restrict=1",
        _ => "CAP_SYSLOG",
    };
    assert!(error.remedy().unwrap().contains(remedy), "{error}");
}
