//! Programs that BTF types: functions' entries and exits, and tracepoints.

use oxbpf::link::LinkTarget;
use oxbpf::object::kernel::{AttachType, LinkType, ProgramType};
use oxbpf::{ErrorKind, Tracing};

use super::tracepoint::rustix_getpgid_number;
use super::*;

const NO_TRAMPOLINES: &str = "this kernel attaches no programs to functions";

/// A hook that getpgid(2) passes, whose result programs may change.
const HOOK: &str = "security_task_getpgid";

/// Programs at functions, or `None` where the kernel has none.
fn program(
    counter: &Counter,
    attach_type: AttachType,
    name: &str,
    watch: Watch,
) -> Option<Program> {
    match counter.tracing(attach_type, name, watch) {
        Ok(program) => Some(program),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => None,
        Err(error) => panic!("{error:?}"),
    }
}

fn counts(counter: &Counter, program: &Program) {
    let before = descriptors();
    let link = Tracing::new().attach(program).unwrap();
    assert_eq!(counter.runs(getpgid), TIMES);
    assert_eq!(link.survives_process(), None);
    assert_eq!(link.info().unwrap().program_id, program.info().unwrap().id);
    link.detach().unwrap();
    assert_eq!(counter.runs(getpgid), 0);
    match Tracing::new().attach(program) {
        Ok(link) => drop(link),
        // Kernels before 5.13.
        Err(error) => assert!(
            error.to_string().contains("can be done once only"),
            "{error}"
        ),
    }
    assert_eq!(counter.runs(getpgid), 0);
    assert_eq!(descriptors(), before);
}

#[test]
fn tp_btf_counts() {
    let counter = Counter::new();
    let watch = Watch {
        only: Some((8, rustix_getpgid_number())),
        ..Watch::default()
    };
    let program = counter
        .tracing(AttachType::TRACE_RAW_TP, "btf_trace_sys_enter", watch)
        .unwrap();
    counts(&counter, &program);
}

#[test]
fn tp_btf_has_a_cookie() {
    let counter = Counter::new();
    let attach_type = AttachType::TRACE_RAW_TP;
    let watch = Watch {
        cookie: true,
        ..Watch::default()
    };
    let name = "btf_trace_sys_enter";
    let Ok(program) = counter.tracing(attach_type, name, watch) else {
        let program = counter
            .tracing(attach_type, name, Watch::default())
            .unwrap();
        let attached = Tracing::new().cookie(9).attach(&program);
        assert_kind(attached, ErrorKind::Unsupported, "giving it a cookie");
        skip!("this kernel has no cookies for BTF tracepoints");
    };
    let _link = Tracing::new().cookie(9).attach(&program).unwrap();
    assert!(counter.runs(getpgid) >= TIMES);
    assert_eq!(counter.cookie(), 9);
}

macro_rules! functions {
    ($($name:ident: $attach_type:ident, $function:ident;)*) => {$(
        #[test]
        fn $name() {
            let counter = Counter::new();
            let program = program(&counter, AttachType::$attach_type, $function, Watch::default());
            let Some(program) = program else {
                skip!("{NO_TRAMPOLINES}");
            };
            counts(&counter, &program);
        }
    )*};
}

functions! {
    fentry_counts: TRACE_FENTRY, GETPGID;
    fexit_counts: TRACE_FEXIT, GETPGID;
    fmod_ret_counts: MODIFY_RETURN, HOOK;
}

#[test]
fn fentry_has_a_cookie() {
    let counter = Counter::new();
    let attach_type = AttachType::TRACE_FENTRY;
    let Some(plain) = program(&counter, attach_type, GETPGID, Watch::default()) else {
        skip!("{NO_TRAMPOLINES}");
    };
    let watch = Watch {
        cookie: true,
        ..Watch::default()
    };
    let Ok(program) = counter.tracing(attach_type, GETPGID, watch) else {
        let attached = Tracing::new().cookie(9).attach(&plain);
        assert_kind(attached, ErrorKind::Unsupported, "giving it a cookie");
        skip!("this kernel has no cookies for programs at functions");
    };
    let link = Tracing::new().cookie(9).attach(&program).unwrap();
    assert_eq!(counter.runs(getpgid), TIMES);
    assert_eq!(counter.cookie(), 9);
    let info = link.info().unwrap();
    assert_eq!(info.link_type, LinkType::TRACING);
    match info.target {
        LinkTarget::Tracing { attach_type, .. } => {
            assert_eq!(attach_type, AttachType::TRACE_FENTRY)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn program_twice_at_its_function() {
    let counter = Counter::new();
    let Some(program) = program(
        &counter,
        AttachType::TRACE_FENTRY,
        GETPGID,
        Watch::default(),
    ) else {
        skip!("{NO_TRAMPOLINES}");
    };
    let _link = Tracing::new().attach(&program).unwrap();
    let attached = Tracing::new().attach(&program);
    assert_kind(attached, ErrorKind::AlreadyExists, "attached already");
}

/// Opened by its id, a program does not tell what it was loaded for.
#[test]
fn program_of_unknown_target() {
    let counter = Counter::new();
    let watch = Watch {
        only: Some((8, rustix_getpgid_number())),
        ..Watch::default()
    };
    let loaded = counter
        .tracing(AttachType::TRACE_RAW_TP, "btf_trace_sys_enter", watch)
        .unwrap();
    let program = Program::from_id(loaded.info().unwrap().id).unwrap();
    let _link = Tracing::new().attach(&program).unwrap();
    assert_eq!(counter.runs(getpgid), TIMES);
}

#[test]
fn program_of_another_kind() {
    let program = Counter::new()
        .load(ProgramType::RAW_TRACEPOINT, Watch::default())
        .unwrap();
    assert_kind(
        Tracing::new().attach(&program),
        ErrorKind::WrongKind,
        "tracing",
    );
}
