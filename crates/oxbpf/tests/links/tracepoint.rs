//! Tracepoints and raw tracepoints.

use oxbpf::link::{AttachBy, LinkTarget};
use oxbpf::object::kernel::{LinkType, ProgramType};
use oxbpf::{ErrorKind, Link, RawTracepoint, Tracepoint};

use super::fixture::Fixture;
use super::*;

/// The number of the system call, as raw tracepoints of system calls have it.
fn only_getpgid() -> Watch {
    Watch {
        only: Some((8, rustix_getpgid_number())),
        ..Watch::default()
    }
}

/// What the kernel calls getpgid(2), learnt from the kernel: the number in the event's record.
pub(super) fn rustix_getpgid_number() -> i32 {
    let counter = Counter::new();
    // `struct trace_event_raw_sys_enter`: 8 bytes common to all events, then the number.
    let watch = Watch {
        value: Some(8),
        ..Watch::default()
    };
    let program = counter.load(ProgramType::TRACEPOINT, watch).unwrap();
    let link = Tracepoint::new("syscalls", "sys_enter_getpgid")
        .attach(&program)
        .unwrap();
    getpgid();
    drop(link);
    counter.value() as i32
}

fn tracepoint_program(counter: &Counter) -> Program {
    counter
        .load(ProgramType::TRACEPOINT, Watch::default())
        .unwrap()
}

fn getpgid_entry() -> Tracepoint {
    Tracepoint::new("syscalls", "sys_enter_getpgid")
}

fn counts(attach: impl Fn() -> Link, counter: &Counter) {
    let before = descriptors();
    let link = attach();
    assert_eq!(counter.runs(getpgid), TIMES);
    assert_eq!(link.survives_process(), None);
    link.detach().unwrap();
    assert_eq!(counter.runs(getpgid), 0);
    drop(attach());
    assert_eq!(counter.runs(getpgid), 0);
    assert_eq!(descriptors(), before);
}

#[test]
fn tracepoint_counts() {
    let counter = Counter::new();
    let program = tracepoint_program(&counter);
    counts(|| getpgid_entry().attach(&program).unwrap(), &counter);
}

#[test]
fn tracepoint_by_link_counts() {
    let counter = Counter::new();
    let program = tracepoint_program(&counter);
    let by_link = getpgid_entry().attach_by(AttachBy::Link);
    match by_link.attach(&program) {
        Ok(link) => {
            let info = link.info().unwrap();
            assert_eq!(info.link_type, LinkType::PERF_EVENT);
            if let LinkTarget::Tracepoint { name, .. } = info.target {
                assert_eq!(name, "sys_enter_getpgid");
            }
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            skip!("this kernel has no links for perf events");
        }
    }
    counts(|| by_link.attach(&program).unwrap(), &counter);
}

#[test]
fn tracepoint_by_ioctl_counts() {
    let counter = Counter::new();
    let program = tracepoint_program(&counter);
    let by_ioctl = getpgid_entry().attach_by(AttachBy::Ioctl);
    let info = by_ioctl.attach(&program).unwrap().info().unwrap();
    assert_eq!(info.id, None);
    assert_eq!(info.program_id, program.info().unwrap().id);
    match info.target {
        LinkTarget::Tracepoint { name, .. } => assert_eq!(name, "sys_enter_getpgid"),
        other => panic!("{other:?}"),
    }
    counts(|| by_ioctl.attach(&program).unwrap(), &counter);
}

#[test]
fn tracepoint_has_a_cookie() {
    let counter = Counter::new();
    let watch = Watch {
        cookie: true,
        ..Watch::default()
    };
    let Ok(program) = counter.load(ProgramType::TRACEPOINT, watch) else {
        let attached = getpgid_entry()
            .cookie(5)
            .attach(&tracepoint_program(&counter));
        assert_kind(attached, ErrorKind::Unsupported, "giving it a cookie");
        skip!("this kernel has no cookies for perf events");
    };
    let _link = getpgid_entry().cookie(5).attach(&program).unwrap();
    assert_eq!(counter.runs(getpgid), TIMES);
    assert_eq!(counter.cookie(), 5);
}

#[test]
fn program_twice_at_one_tracepoint() {
    let counter = Counter::new();
    let program = tracepoint_program(&counter);
    let _link = getpgid_entry().attach(&program).unwrap();
    assert_kind(
        getpgid_entry().attach(&program),
        ErrorKind::AlreadyExists,
        "attached there already",
    );
    let other = tracepoint_program(&counter);
    let _other = getpgid_entry().attach(&other).unwrap();
    assert_eq!(counter.runs(getpgid), 2 * TIMES);
}

#[test]
fn tracepoint_that_does_not_exist() {
    let program = tracepoint_program(&Counter::new());
    let attach = |category: &str, name: &str| Tracepoint::new(category, name).attach(&program);
    let missing = attach("syscalls", "sys_enter_getpgdi");
    assert_kind(
        missing,
        ErrorKind::NotFound,
        "did you mean `sys_enter_getpgid`",
    );
    let missing = attach("syscall", "sys_enter_getpgid");
    assert_kind(
        missing,
        ErrorKind::NotFound,
        "did you mean `syscalls/sys_enter_getpgid`",
    );
    assert_kind(
        attach("shced", "x"),
        ErrorKind::NotFound,
        "did you mean `sched`",
    );
    assert_kind(attach("..", "x"), ErrorKind::InvalidInput, "'.'");
}

#[test]
fn program_that_reads_beyond_the_record() {
    let counter = Counter::new();
    let watch = Watch {
        value: Some(4096),
        ..Watch::default()
    };
    let program = counter.load(ProgramType::TRACEPOINT, watch).unwrap();
    let attached = getpgid_entry().attach(&program);
    assert_kind(attached, ErrorKind::InvalidInput, "beyond the end");
}

#[test]
fn raw_tracepoint_counts() {
    let counter = Counter::new();
    let program = counter
        .load(ProgramType::RAW_TRACEPOINT, only_getpgid())
        .unwrap();
    let enter = RawTracepoint::new("sys_enter");
    let info = enter.attach(&program).unwrap().info().unwrap();
    assert_eq!(info.link_type, LinkType::RAW_TRACEPOINT);
    assert_eq!(info.program_id, program.info().unwrap().id);
    match info.target {
        LinkTarget::RawTracepoint { name, .. } => assert_eq!(name, "sys_enter"),
        other => panic!("{other:?}"),
    }
    counts(|| enter.attach(&program).unwrap(), &counter);
}

#[test]
fn raw_tracepoint_has_a_cookie() {
    let counter = Counter::new();
    let watch = Watch {
        cookie: true,
        ..only_getpgid()
    };
    let enter = RawTracepoint::new("sys_enter").cookie(1 << 40);
    let Ok(program) = counter.load(ProgramType::RAW_TRACEPOINT, watch) else {
        let program = counter
            .load(ProgramType::RAW_TRACEPOINT, Watch::default())
            .unwrap();
        assert_kind(enter.attach(&program), ErrorKind::Unsupported, "6.10");
        skip!("this kernel has no cookies for raw tracepoints");
    };
    let _link = enter.attach(&program).unwrap();
    assert_eq!(counter.runs(getpgid), TIMES);
    assert_eq!(counter.cookie(), 1 << 40);
}

#[test]
fn raw_tracepoint_that_does_not_exist() {
    let program = Counter::new()
        .load(ProgramType::RAW_TRACEPOINT, Watch::default())
        .unwrap();
    let attach = |name: &str| RawTracepoint::new(name).attach(&program);
    assert_kind(
        attach("sys_entre"),
        ErrorKind::NotFound,
        "did you mean `sys_enter`",
    );
    assert_kind(attach("sys enter"), ErrorKind::InvalidInput, "' '");
    // Without arguments of its own to read, the last of a program's would be somebody else's.
    let watch = Watch {
        value: Some(8 * 11),
        ..Watch::default()
    };
    let greedy = Counter::new()
        .load(ProgramType::RAW_TRACEPOINT, watch)
        .unwrap();
    let attached = RawTracepoint::new("sys_enter").attach(&greedy);
    assert_kind(attached, ErrorKind::InvalidInput, "more arguments");
}

#[test]
fn process_without_capabilities() {
    let program = tracepoint_program(&Counter::new());
    give_up_capabilities();
    assert_kind(
        getpgid_entry().attach(&program),
        ErrorKind::PermissionDenied,
        "root, or",
    );
}

#[test]
fn writable_raw_tracepoint_counts() {
    let fixture = Fixture::load(&["at_writable_raw_tp", "writes_raw_tp"]).unwrap();
    let link = fixture.program("at_writable_raw_tp").attach().unwrap();
    assert!(fixture.runs(getpgid) >= TIMES);
    link.detach().unwrap();
    // This tracepoint gives nothing out that could be written.
    let writing = fixture.program("writes_raw_tp").attach();
    assert_kind(writing, ErrorKind::InvalidInput, "writes");
}

#[test]
fn sleepable_tracepoint_counts() {
    let fixture = match Fixture::load(&["at_tp_sleepable"]) {
        Ok(fixture) => fixture,
        Err(error) => {
            assert!(error.to_string().contains("sleepable"), "{error}");
            skip!("this kernel has no tracepoints that sleep");
        }
    };
    fixture.counts(fixture.program("at_tp_sleepable").attach().unwrap());
}
