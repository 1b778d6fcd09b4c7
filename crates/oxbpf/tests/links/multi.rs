//! Programs at many functions by one link.

use oxbpf::link::LinkTarget;
use oxbpf::{ErrorKind, KprobeMulti, Loader, TracingMulti, kallsyms};

use super::fixture::{Fixture, spec_with};
use super::*;

const NO_MULTI: &str = "this kernel has no kprobes at many functions";
const NO_SESSION: &str = "this kernel has no sessions of kprobes";
const NO_TRACING_MULTI: &str = "this kernel has no trampolines for many functions";

/// Loads a program and attaches it by its section, or tells that the kernel has none of its kind.
fn attached(name: &str) -> Option<(Fixture, oxbpf::Link)> {
    let fixture = match Fixture::load(&[name]) {
        Ok(fixture) => fixture,
        Err(error) if is_missing(&error) => return None,
        Err(error) => panic!("{error:?}"),
    };
    match fixture.program(name).attach() {
        Ok(link) => Some((fixture, link)),
        Err(error) if is_missing(&error) => None,
        Err(error) => panic!("{error:?}"),
    }
}

fn is_missing(error: &oxbpf::Error) -> bool {
    [ErrorKind::Unsupported, ErrorKind::PermissionDenied].contains(&error.kind())
}

#[test]
fn kprobe_multi_by_its_section() {
    let before = descriptors();
    for name in ["at_kprobe_multi", "at_kretprobe_multi"] {
        let Some((fixture, link)) = attached(name) else {
            skip!("{NO_MULTI}");
        };
        let info = link.info().unwrap();
        match info.target {
            LinkTarget::KprobeMulti {
                on_return,
                functions,
                ..
            } => {
                assert_eq!(on_return, name.contains("kret"));
                assert!(!functions.is_empty());
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(link.survives_process(), None);
        fixture.counts(link);
    }
    assert_eq!(descriptors(), before);
    assert!(probes().is_empty());
}

#[test]
fn kprobe_multi_by_names_with_cookies() {
    require!(attached("at_kprobe_multi").is_some(), "{NO_MULTI}");
    let fixture = Fixture::load(&["cookie_of_kprobe_multi"]).unwrap();
    let program = fixture.program("cookie_of_kprobe_multi");
    // Bare names of system calls are those that the kernel has.
    let link = KprobeMulti::functions(["getpgid", "sys_getppid"])
        .cookies([11, 12])
        .attach(&program)
        .unwrap();
    assert_eq!(fixture.runs(getpgid), TIMES);
    assert_eq!(fixture.get("cookie"), 11);
    assert_eq!(fixture.runs(getppid), TIMES);
    assert_eq!(fixture.get("cookie"), 12);
    drop(link);
    assert_eq!(fixture.runs(getpgid), 0);

    let symbols = kallsyms::find([GETPGID]).unwrap();
    let address = symbols.address(GETPGID).unwrap().unwrap();
    let link = KprobeMulti::addresses([address])
        .cookies([13])
        .attach(&program)
        .unwrap();
    assert_eq!(fixture.runs(getppid), 0);
    assert_eq!(fixture.runs(getpgid), TIMES);
    assert_eq!(fixture.get("cookie"), 13);
    fixture.counts(link);
}

#[test]
fn kprobe_multi_at_what_is_not_there() {
    require!(attached("at_kprobe_multi").is_some(), "{NO_MULTI}");
    let fixture = Fixture::load(&["cookie_of_kprobe_multi", "at_kprobe"]).unwrap();
    let program = fixture.program("cookie_of_kprobe_multi");
    let at = |names: &[&str]| KprobeMulti::functions(names.iter().copied()).attach(&program);
    assert_kind(
        at(&["vfs_read", "vfs_raed"]),
        ErrorKind::NotFound,
        "`vfs_raed`",
    );
    let error = at(&["vfs_raed"]).unwrap_err();
    assert!(error.remedy().unwrap().contains("vfs_read"), "{error}");
    assert_kind(
        at(&["asm_exc_page_fault"]),
        ErrorKind::InvalidInput,
        "cannot be traced",
    );
    assert_kind(at(&[]), ErrorKind::InvalidInput, "no function");
    assert_kind(
        at(&["vfs\0read"]),
        ErrorKind::InvalidInput,
        "no function name",
    );
    assert_kind(at(&["vfs_read\n"]), ErrorKind::NotFound, "vfs_read");
    let pattern = |glob: &str| KprobeMulti::pattern(glob).attach(&program);
    assert_kind(
        pattern("no_such_*_function"),
        ErrorKind::NotFound,
        "matches",
    );
    let cookies = KprobeMulti::functions(["vfs_read"]).cookies([1, 2]);
    assert_kind(
        cookies.attach(&program),
        ErrorKind::InvalidInput,
        "2 cookies",
    );
    let cookies = KprobeMulti::pattern("vfs_r*").cookies([1]);
    assert_kind(
        cookies.attach(&program),
        ErrorKind::InvalidInput,
        "no order",
    );
    let inside = KprobeMulti::addresses([1]);
    assert_kind(inside.attach(&program), ErrorKind::InvalidInput, "address");
    let single = fixture.program("at_kprobe");
    let single = KprobeMulti::functions(["vfs_read"]).attach(&single);
    assert_kind(single, ErrorKind::WrongKind, "single kprobes");
}

#[test]
fn kernel_without_kprobe_multi_says_so() {
    if attached("at_kprobe_multi").is_some() {
        skip!("this kernel has kprobes at many functions");
    }
    let fixture = Fixture::load(&["at_kprobe_multi"]).unwrap();
    let program = fixture.program("at_kprobe_multi");
    let error = KprobeMulti::functions(["vfs_read"])
        .attach(&program)
        .unwrap_err();
    assert!(is_missing(&error), "{error}");
    assert!(error.remedy().is_some(), "{error}");
}

#[test]
fn session_sees_entry_and_return() {
    let Some((fixture, link)) = attached("at_kprobe_session") else {
        skip!("{NO_SESSION}");
    };
    assert_eq!(fixture.runs(getpgid), 2 * TIMES);
    assert_eq!(fixture.get("said"), TIMES);
    link.detach().unwrap();
    assert_eq!(fixture.runs(getpgid), 0);
}

#[test]
fn tracing_multi_by_its_section() {
    let before = descriptors();
    for (name, per_call) in [
        ("at_fentry_multi", 1),
        ("at_fexit_multi", 1),
        ("at_fsession_multi", 2),
    ] {
        let Some((fixture, link)) = attached(name) else {
            skip!("{NO_TRACING_MULTI}");
        };
        match link.info().unwrap().target {
            LinkTarget::TracingMulti { functions, .. } => assert!(!functions.is_empty()),
            other => panic!("{other:?}"),
        }
        assert_eq!(fixture.runs(getpgid), per_call * TIMES, "{name}");
        link.detach().unwrap();
        assert_eq!(fixture.runs(getpgid), 0);
    }
    assert_eq!(descriptors(), before);
}

#[test]
fn tracing_multi_by_names_with_cookies() {
    require!(attached("at_fentry_multi").is_some(), "{NO_TRACING_MULTI}");
    let fixture = Fixture::load(&["cookie_of_fentry_multi"]).unwrap();
    let program = fixture.program("cookie_of_fentry_multi");
    let getpriority_name = GETPGID.replace("getpgid", "getpriority");
    let getpriority = || {
        rustix::process::getpriority_process(None).unwrap();
    };
    let link = TracingMulti::functions(None, [GETPGID, &getpriority_name])
        .cookies([21, 22])
        .attach(&program)
        .unwrap();
    assert_eq!(fixture.runs(getpgid), TIMES);
    assert_eq!(fixture.get("cookie"), 21);
    assert_eq!(fixture.runs(getpriority), TIMES);
    assert_eq!(fixture.get("cookie"), 22);
    link.detach().unwrap();
    let missing = TracingMulti::functions(None, ["vfs_raed"]).attach(&program);
    assert_kind(missing, ErrorKind::NotFound, "vfs_raed");
    let cookies = TracingMulti::functions(None, [GETPGID]).cookies([1, 2]);
    assert_kind(
        cookies.attach(&program),
        ErrorKind::InvalidInput,
        "2 cookies",
    );
    let nothing = TracingMulti::pattern(None, "no_such_*_function").attach(&program);
    assert_kind(nothing, ErrorKind::NotFound, "matches");
    let module = TracingMulti::pattern(Some("no_such_module"), "*").attach(&program);
    assert_kind(module, ErrorKind::NotFound, "no_such_module");
}

/// Of a module that is there, once its types are.
#[test]
fn fentry_at_a_function_of_a_module() {
    let mut spec = spec_with(&["at_fentry"]);
    let program = spec.program_mut("at_fentry").unwrap();
    program.attach_to = Some("veth:veth_newlink".into());
    let loaded = Fixture::load_spec(spec, &Loader::new());
    let fixture = match loaded {
        Ok(fixture) => fixture,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            assert!(error.to_string().contains("veth"), "{error}");
            skip!("no module veth with types is loaded");
        }
        Err(error) if is_missing(&error) => skip!("this kernel attaches no programs to functions"),
        Err(error) => panic!("{error:?}"),
    };
    let link = fixture.program("at_fentry").attach().unwrap();
    fixture
        .collection
        .variable::<i32>("target")
        .unwrap()
        .store(0)
        .unwrap();
    let ip = |args: &[&str]| {
        let status = std::process::Command::new("ip").args(args).status();
        assert!(status.is_ok_and(|status| status.success()), "ip {args:?}");
    };
    ip(&[
        "link", "add", "oxbpf0", "type", "veth", "peer", "name", "oxbpf1",
    ]);
    ip(&["link", "del", "oxbpf0"]);
    assert_eq!(fixture.get("runs"), 1);
    drop(link);
}
