//! What an administrator may set, which concerns all of a machine: only test machines are asked to.

use oxbpf::{ErrorKind, Tracepoint};
use rustix::thread::CapabilitySet;

use super::fixture::Fixture;
use super::*;
use crate::common::{keep_only, may_change_settings};

const NOT_HERE: &str = "settings are changed on test machines only";

/// A setting of the kernel, put back when this is dropped.
struct Setting {
    path: String,
    before: String,
}

impl Setting {
    /// `None` on a machine that others use, too.
    fn new(name: &str) -> Option<Self> {
        alone();
        may_change_settings().then(|| {
            let path = format!("/proc/sys/kernel/{name}");
            let before = fs::read_to_string(&path).unwrap();
            Self { path, before }
        })
    }

    fn set(&self, value: &str) {
        fs::write(&self.path, value).unwrap();
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        fs::write(&self.path, &self.before).unwrap();
    }
}

/// Lets another thread do something with these capabilities alone.
fn with_capabilities(kept: CapabilitySet, work: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            keep_only(kept);
            work();
        });
    });
}

#[test]
fn addresses_that_nobody_may_see() {
    let Some(restrict) = Setting::new("kptr_restrict") else {
        skip!("{NOT_HERE}");
    };
    let find = || oxbpf::kallsyms::find(["vfs_read"]).unwrap();
    let refused = |remedy: &str, reason: &str| {
        let symbols = find();
        assert!(symbols.are_hidden());
        let error = symbols.address("vfs_read").unwrap_err();
        assert!(error.remedy().unwrap().contains(remedy), "{error}");
        assert_kind(Err::<(), _>(error), ErrorKind::PermissionDenied, reason);
    };
    restrict.set("1");
    assert!(find().address("vfs_read").unwrap() > Some(0));
    with_capabilities(CapabilitySet::empty(), || {
        refused("CAP_SYSLOG", "kptr_restrict is 1")
    });
    restrict.set("2");
    refused("sysctl kernel.kptr_restrict=1", "kptr_restrict is 2");
    // What goes by names needs no addresses.
    if has_kprobes() {
        let counter = Counter::new();
        let link = oxbpf::Kprobe::new(GETPGID)
            .attach(&counter.kprobe())
            .unwrap();
        assert_eq!(counter.runs(getpgid), TIMES);
        link.detach().unwrap();
    }
    drop(restrict);
    assert!(find().address("vfs_read").unwrap() > Some(0));
}

#[test]
fn events_that_only_administrators_may_open() {
    let Some(paranoid) = Setting::new("perf_event_paranoid") else {
        skip!("{NOT_HERE}");
    };
    let fixture = Fixture::load(&["at_perf_event", "at_tp"]).unwrap();
    let clock = || {
        oxbpf::PerfEvent::software(
            oxbpf::link::SoftwareEvent::CPU_CLOCK,
            oxbpf::link::Sampling::Frequency(99),
        )
        .cpu(0)
        .attach(&fixture.program("at_perf_event"))
    };
    let needed = CapabilitySet::BPF | CapabilitySet::PERFMON;
    paranoid.set("2");
    with_capabilities(needed, || clock().unwrap().detach().unwrap());
    with_capabilities(CapabilitySet::empty(), || {
        assert_kind(
            clock(),
            ErrorKind::PermissionDenied,
            "without CAP_PERFMON, and kernel.perf_event_paranoid is 2",
        );
    });
    paranoid.set("3");
    // Not every kernel has such a level.
    with_capabilities(needed, || match clock() {
        Ok(link) => link.detach().unwrap(),
        Err(error) => {
            assert!(
                error
                    .remedy()
                    .unwrap()
                    .contains("sysctl kernel.perf_event_paranoid=2"),
                "{error}"
            );
            let denied = ErrorKind::PermissionDenied;
            assert_kind(Err::<(), _>(error), denied, "perf_event_paranoid is 3");
            let at_tp = Tracepoint::new("syscalls", "sys_enter_getpgid");
            let at_tp = at_tp.attach(&fixture.program("at_tp"));
            assert_kind(at_tp, denied, "perf_event_paranoid is 3");
        }
    });
    // For root all is as ever.
    clock().unwrap().detach().unwrap();
}
