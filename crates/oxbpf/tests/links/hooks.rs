//! Programs that BTF types and that are not at functions alone: security modules' hooks, other programs' functions, sessions.

use oxbpf::program::TestRun;
use oxbpf::{ErrorKind, Extension, Loader, Lsm, LsmCgroup, Tracing};

use super::fixture::{Fixture, spec_with};
use super::*;

const NO_HOOKS: &str = "this kernel runs no programs at hooks of the security modules";
const NO_EXTENSIONS: &str = "this kernel replaces no functions of programs";

fn is_missing(error: &Error) -> bool {
    [ErrorKind::Unsupported, ErrorKind::PermissionDenied].contains(&error.kind())
}

fn load(names: &[&str]) -> Option<Fixture> {
    match Fixture::load(names) {
        Ok(fixture) => Some(fixture),
        Err(error) if is_missing(&error) => None,
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn program_at_a_hook_counts() {
    let before = descriptors();
    let Some(fixture) = load(&["at_lsm"]) else {
        skip!("{NO_HOOKS}");
    };
    let link = fixture.program("at_lsm").attach().unwrap();
    assert_eq!(link.survives_process(), None);
    fixture.counts(link);
    drop(fixture);
    assert_eq!(descriptors(), before);
}

#[test]
fn program_at_a_hook_refuses() {
    let Some(fixture) = load(&["refuses"]) else {
        skip!("{NO_HOOKS}");
    };
    let this = rustix::process::getpid();
    getpgid();
    let link = fixture.program("refuses").attach().unwrap();
    let answer = rustix::process::getpgid(Some(this));
    assert_eq!(answer, Err(rustix::io::Errno::PERM));
    link.detach().unwrap();
    rustix::process::getpgid(Some(this)).unwrap();
}

#[test]
fn sleepable_program_at_a_hook() {
    let Some(fixture) = load(&["at_lsm_sleepable"]) else {
        skip!("{NO_HOOKS}");
    };
    let target = fixture.collection.variable::<i32>("target").unwrap();
    target.store(0).unwrap();
    let execute = || {
        let status = std::process::Command::new("true").status().unwrap();
        assert!(status.success());
    };
    let link = fixture.program("at_lsm_sleepable").attach().unwrap();
    assert!(fixture.runs(execute) >= TIMES);
    link.detach().unwrap();
    let runs = fixture.get("runs");
    execute();
    assert_eq!(fixture.get("runs"), runs);
}

#[test]
fn program_at_a_hook_has_a_cookie() {
    let Some(plain) = load(&["at_lsm"]) else {
        skip!("{NO_HOOKS}");
    };
    let Ok(fixture) = Fixture::load(&["cookie_of_lsm"]) else {
        let attached = Lsm::new().cookie(9).attach(&plain.program("at_lsm"));
        assert_kind(attached, ErrorKind::Unsupported, "giving it a cookie");
        skip!("this kernel has no cookies for programs at hooks");
    };
    let program = fixture.program("cookie_of_lsm");
    let link = Lsm::new().cookie(9).attach(&program).unwrap();
    assert_eq!(fixture.runs(getpgid), TIMES);
    assert_eq!(fixture.get("cookie"), 9);
    link.detach().unwrap();
}

#[test]
fn program_at_a_hook_for_a_control_group() {
    let Some(fixture) = load(&["at_lsm_cgroup"]) else {
        skip!("this kernel runs no programs at hooks for control groups");
    };
    let Some(root) = cgroup_root() else {
        skip!("no control groups are mounted");
    };
    let program = fixture.program("at_lsm_cgroup");
    let group = fs::File::open(&root).unwrap();
    let link = LsmCgroup::new(&group).attach(&program).unwrap();
    let socket = || drop(std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
    assert_eq!(fixture.runs(socket), TIMES);
    link.detach().unwrap();
    assert_eq!(fixture.runs(socket), 0);
    let other = fs::File::open("/dev/null").unwrap();
    assert_kind(
        LsmCgroup::new(&other).attach(&program),
        ErrorKind::InvalidInput,
        "control group",
    );
    assert_kind(
        Lsm::new().attach(&program),
        ErrorKind::WrongKind,
        "LsmCgroup",
    );
    let plain = load(&["at_lsm"]).unwrap();
    let plain = LsmCgroup::new(&group).attach(&plain.program("at_lsm"));
    assert_kind(plain, ErrorKind::WrongKind, "`Lsm`");
}

#[test]
fn hook_that_is_not_there() {
    let mut spec = spec_with(&["at_lsm"]);
    spec.program_mut("at_lsm").unwrap().attach_to = Some("task_getpgdi".into());
    let error = Fixture::load_spec(spec, &Loader::new()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("task_getpgid"), "{error}");
}

fn packet(program: &Program) -> u32 {
    let run = TestRun {
        data: &[0; 14],
        ..TestRun::default()
    };
    program.test_run(run).unwrap().return_value
}

/// The program with a function that can be replaced, and what is at or in place of that.
fn with_target(name: &str) -> Option<(Fixture, Fixture)> {
    let target = Fixture::load(&["calls_replaceable"]).unwrap();
    let loader = Loader::new().target_program(name, &target.program("calls_replaceable"));
    match Fixture::load_spec(spec_with(&[name]), &loader) {
        Ok(other) => Some((target, other)),
        Err(error) if is_missing(&error) => None,
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn replacement_of_a_function_runs_in_its_place() {
    let before = descriptors();
    let Some((target, replacement)) = with_target("replacement") else {
        skip!("{NO_EXTENSIONS}");
    };
    let target_program = target.program("calls_replaceable");
    let program = replacement.program("replacement");
    let plain = packet(&target_program);
    assert_ne!(plain, 42);
    let link = program.attach().unwrap();
    assert_eq!(packet(&target_program), 42);
    assert_eq!(replacement.get("runs"), 1);
    let again = Extension::new().attach(&program);
    assert_kind(again, ErrorKind::AlreadyExists, "already");
    link.detach().unwrap();
    assert_eq!(packet(&target_program), plain);
    drop((target_program, program, target, replacement));
    assert_eq!(descriptors(), before);
}

#[test]
fn replacement_of_a_function_of_another_program() {
    let Some((target, replacement)) = with_target("replacement") else {
        skip!("{NO_EXTENSIONS}");
    };
    let other = Fixture::load(&["calls_replaceable"]).unwrap();
    let other = other.program("calls_replaceable");
    let program = replacement.program("replacement");
    let link = Extension::of(&other, "replaceable")
        .attach(&program)
        .unwrap();
    assert_eq!(packet(&other), 42);
    assert_ne!(packet(&target.program("calls_replaceable")), 42);
    link.detach().unwrap();
    assert_ne!(packet(&other), 42);
    let missing = Extension::of(&other, "irreplaceable").attach(&program);
    assert_kind(missing, ErrorKind::NotFound, "irreplaceable");
}

#[test]
fn fentry_at_a_function_of_another_program() {
    let Some((target, entry)) = with_target("at_program") else {
        skip!("this kernel attaches no programs to functions");
    };
    let link = entry.program("at_program").attach().unwrap();
    packet(&target.program("calls_replaceable"));
    assert_eq!(entry.get("runs"), 1);
    let again = || entry.program("at_program").attach();
    assert_kind(again(), ErrorKind::AlreadyExists, "once only");
    link.detach().unwrap();
    packet(&target.program("calls_replaceable"));
    assert_eq!(entry.get("runs"), 1);
    assert_kind(again(), ErrorKind::AlreadyExists, "once only");
}

#[test]
fn session_of_a_function_sees_entry_and_exit() {
    let Some(fixture) = load(&["at_fsession"]) else {
        skip!("this kernel has no sessions of functions");
    };
    let link = fixture.program("at_fsession").attach().unwrap();
    assert_eq!(fixture.runs(getpgid), 2 * TIMES);
    link.detach().unwrap();
    assert_eq!(fixture.runs(getpgid), 0);
}

#[test]
fn functions_by_their_sections() {
    for name in ["at_fentry", "at_fexit", "at_fmod_ret"] {
        let Some(fixture) = load(&[name]) else {
            skip!("this kernel attaches no programs to functions");
        };
        fixture.counts(fixture.program(name).attach().unwrap());
    }
}

#[test]
fn wrong_builder_is_told() {
    let fixture = Fixture::load(&["at_tp"]).unwrap();
    let program = fixture.program("at_tp");
    assert_kind(
        Lsm::new().attach(&program),
        ErrorKind::WrongKind,
        "security modules",
    );
    assert_kind(
        Extension::new().attach(&program),
        ErrorKind::WrongKind,
        "replacement",
    );
    assert_kind(
        Tracing::new().attach(&program),
        ErrorKind::WrongKind,
        "tracing",
    );
}
