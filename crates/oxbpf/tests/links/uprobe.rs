//! Uprobes: programs at functions of libraries and of this program.

use oxbpf::link::{AttachBy, LinkTarget};
use oxbpf::object::executable::Executable;
use oxbpf::{ErrorKind, Link, Uprobe, UprobeMulti, Uretprobe};

use super::fixture::Fixture;
use super::*;

const LIBC: &str = "libc.so.6";
const NO_MULTI: &str = "this kernel has no uprobes at many functions";
const NO_SESSION: &str = "this kernel has no sessions of uprobes";
const NO_COOKIES: &str = "this kernel has no links for perf events";

/// The event, by way of the C library.
#[allow(unsafe_code)]
fn call_getpgid() {
    // SAFETY: takes and returns numbers.
    assert!(unsafe { libc::getpgid(0) } >= 0);
}

/// A function of this program.
#[inline(never)]
fn function_that_is_probed(number: u32) -> u32 {
    std::hint::black_box(number) + 1
}

/// Where it begins, in the file of this program, and what it is called.
fn probed_function() -> (u64, String) {
    let bytes = fs::read("/proc/self/exe").unwrap();
    let this = Executable::parse(&bytes).unwrap();
    let mut functions = this.functions().iter();
    let function = functions
        .find(|function| function.name.contains("function_that_is_probed"))
        .unwrap();
    (function.offset, function.name.to_owned())
}

fn this_program() -> std::path::PathBuf {
    std::env::current_exe().unwrap()
}

#[track_caller]
fn counts(fixture: &Fixture, link: Link, per_call: u64) {
    assert_eq!(fixture.runs(call_getpgid), per_call * TIMES);
    link.detach().unwrap();
    assert_eq!(fixture.runs(call_getpgid), 0);
}

fn load(name: &str) -> Option<Fixture> {
    match Fixture::load(&[name]) {
        Ok(fixture) => Some(fixture),
        Err(error) if [ErrorKind::Unsupported, ErrorKind::Rejected].contains(&error.kind()) => None,
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn uprobes_by_their_sections() {
    let before = descriptors();
    for name in ["at_uprobe", "at_uretprobe"] {
        let fixture = Fixture::load(&[name]).unwrap();
        let link = fixture.program(name).attach().unwrap();
        assert_eq!(link.survives_process(), None);
        counts(&fixture, link, 1);
    }
    assert_eq!(descriptors(), before);
}

#[test]
fn sleepable_uprobe() {
    let fixture = match Fixture::load(&["at_uprobe_sleepable"]) {
        Ok(fixture) => fixture,
        Err(error) => {
            assert!(
                [ErrorKind::Rejected, ErrorKind::Unsupported].contains(&error.kind()),
                "{error}"
            );
            skip!("this kernel has no uprobes that sleep")
        }
    };
    let link = fixture.program("at_uprobe_sleepable").attach().unwrap();
    counts(&fixture, link, 1);
}

#[test]
fn uprobe_by_ioctl() {
    let fixture = Fixture::load(&["at_uprobe"]).unwrap();
    let link = Uprobe::new(LIBC, "getpgid")
        .attach_by(AttachBy::Ioctl)
        .attach(&fixture.program("at_uprobe"))
        .unwrap();
    counts(&fixture, link, 1);
}

#[test]
fn uprobe_in_this_program() {
    let fixture = Fixture::load(&["at_uprobe"]).unwrap();
    let program = fixture.program("at_uprobe");
    let (offset, name) = probed_function();
    let call = || assert_eq!(function_that_is_probed(1), 2);
    let links = [
        Uprobe::new(this_program(), &name).attach(&program),
        Uprobe::at(this_program(), offset).attach(&program),
        Uretprobe::new(this_program(), &name)
            .process(std::process::id())
            .attach(&program),
        Uretprobe::at("/proc/self/exe", offset).attach(&program),
    ];
    for link in links {
        let link = link.unwrap();
        assert!(fixture.runs(call) >= TIMES, "{link:?}");
        link.detach().unwrap();
    }
    assert_eq!(fixture.runs(call), 0);
}

#[test]
fn uprobe_is_in_one_process_only() {
    let fixture = Fixture::load(&["at_uprobe"]).unwrap();
    fixture
        .collection
        .variable::<i32>("target")
        .unwrap()
        .store(0)
        .unwrap();
    let other = crate::common::forked(|| ());
    let pid = other.pid().as_raw_nonzero().get() as u32;
    let link = Uprobe::new(LIBC, "getpgid")
        .process(pid)
        .attach(&fixture.program("at_uprobe"))
        .unwrap();
    assert_eq!(fixture.runs(call_getpgid), 0);
    link.detach().unwrap();
}

#[test]
fn uprobe_has_a_cookie() {
    let Ok(fixture) = Fixture::load(&["cookie_of_uprobe"]) else {
        skip!("{NO_COOKIES}")
    };
    let link = Uprobe::new(LIBC, "getpgid")
        .cookie(77)
        .attach(&fixture.program("cookie_of_uprobe"))
        .unwrap();
    assert_eq!(fixture.runs(call_getpgid), TIMES);
    assert_eq!(fixture.get("cookie"), 77);
    match link.info().unwrap().target {
        LinkTarget::PerfEvent { .. } => {}
        other => println!("{other:?}"),
    }
    link.detach().unwrap();
}

#[test]
fn what_is_not_there_to_be_probed() {
    let fixture = Fixture::load(&["at_uprobe", "at_kprobe_multi"]);
    let fixture = match fixture {
        Ok(fixture) => fixture,
        Err(_) => Fixture::load(&["at_uprobe"]).unwrap(),
    };
    let program = fixture.program("at_uprobe");
    let missing = ErrorKind::NotFound;
    let invalid = ErrorKind::InvalidInput;
    let at = |file: &str, name: &str| Uprobe::new(file, name).attach(&program);
    let error = at(LIBC, "getpgidd").unwrap_err();
    assert_eq!(error.kind(), missing, "{error}");
    assert!(error.remedy().unwrap().contains("getpgid"), "{error}");
    assert_kind(at("libno-such.so", "f"), missing, "LD_LIBRARY_PATH");
    assert_kind(at("/no/such/file", "f"), missing, "/no/such/file");
    assert_kind(at("/etc/passwd", "f"), invalid, "no program or library");
    let beyond = Uprobe::at(this_program(), u64::MAX / 2).attach(&program);
    assert_kind(beyond, invalid, "no instruction");
    let gone = Uprobe::new(LIBC, "getpgid").process(u32::MAX / 4);
    assert_kind(gone.attach(&program), missing, "there is no process");
    let single = UprobeMulti::functions(LIBC, ["getpgid"]).attach(&program);
    assert_kind(single, ErrorKind::WrongKind, "single uprobes");
}

#[test]
fn uprobe_multi_by_its_section() {
    let before = descriptors();
    for name in ["at_uprobe_multi", "at_uretprobe_multi"] {
        let Some(fixture) = load(name) else {
            skip!("{NO_MULTI}")
        };
        let link = match fixture.program(name).attach() {
            Ok(link) => link,
            Err(error) if error.kind() == ErrorKind::Unsupported => skip!("{NO_MULTI}"),
            Err(error) => panic!("{error:?}"),
        };
        counts(&fixture, link, 1);
    }
    assert_eq!(descriptors(), before);
}

#[test]
fn uprobe_session_sees_entry_and_return() {
    let Some(fixture) = load("at_uprobe_session") else {
        skip!("{NO_SESSION}")
    };
    let link = match fixture.program("at_uprobe_session").attach() {
        Ok(link) => link,
        Err(error) if error.kind() == ErrorKind::Unsupported => skip!("{NO_SESSION}"),
        Err(error) => panic!("{error:?}"),
    };
    counts(&fixture, link, 2);
}

#[test]
fn uprobe_multi_by_names_with_cookies() {
    let Some(fixture) = load("cookie_of_uprobe_multi") else {
        skip!("{NO_MULTI}")
    };
    let program = fixture.program("cookie_of_uprobe_multi");
    let at = |names: [&str; 2]| {
        UprobeMulti::functions(LIBC, names)
            .cookies([31, 32])
            .attach(&program)
    };
    let link = match at(["getpgid", "getppid"]) {
        Ok(link) => link,
        Err(error) if error.kind() == ErrorKind::Unsupported => skip!("{NO_MULTI}"),
        Err(error) => panic!("{error:?}"),
    };
    assert_eq!(fixture.runs(call_getpgid), TIMES);
    assert_eq!(fixture.get("cookie"), 31);
    link.detach().unwrap();
    assert_kind(
        at(["getpgid", "no_such_function"]),
        ErrorKind::NotFound,
        "no_such_function",
    );
    let pattern = UprobeMulti::pattern(LIBC, "no_such_*").attach(&program);
    assert_kind(pattern, ErrorKind::NotFound, "no_such_*");
    let one = UprobeMulti::functions(LIBC, ["getpgid"]).cookies([1, 2]);
    assert_kind(
        one.attach(&program),
        ErrorKind::InvalidInput,
        "2 cookies are given for 1 functions",
    );
    let beyond = UprobeMulti::offsets(this_program(), [u64::MAX / 2]).attach(&program);
    assert_kind(beyond, ErrorKind::InvalidInput, "no instruction");
}

#[test]
fn static_probes_are_refused_in_a_sentence() {
    let fixture = Fixture::load(&["at_usdt"]).unwrap();
    let attached = fixture.program("at_usdt").attach();
    assert_kind(
        attached,
        ErrorKind::Unsupported,
        "no way yet to attach static probes",
    );
}
