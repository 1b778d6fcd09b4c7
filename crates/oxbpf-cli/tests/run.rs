//! `oxbpf run` on the running kernel.

mod common;

use std::io::{BufRead, Read};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use common::{fixture, golden, in_terminal, may_load, oxbpf, run, said, skip};

const SOURCE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../fixtures/src/bpf/shown.bpf.c"
);

/// Calls the system call that the programs watch, while something runs.
fn while_calling<T>(work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let _ = rustix::process::getpid();
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        result
    })
}

fn only_us() -> String {
    format!("only_pid={}", std::process::id())
}

/// Times, process numbers and names of threads differ.
fn masked(text: &str) -> String {
    let pid = std::process::id().to_string();
    let mut masked = String::new();
    for line in text.lines() {
        let mut words = Vec::new();
        for word in line.split(' ') {
            let is_time = word.contains('.') && word.parse::<f64>().is_ok();
            words.push(match word {
                _ if is_time => "TIME".to_owned(),
                _ if word.starts_with("comm=") => "comm=COMM".to_owned(),
                word => word.replace(&pid, "PID"),
            });
        }
        masked.push_str(words.join(" ").trim_start());
        masked.push('\n');
    }
    masked
}

/// For a test in which what prints runs: one at a time, since `trace_pipe` has one reader at most.
fn only_reader() -> MutexGuard<'static, ()> {
    static READER: Mutex<()> = Mutex::new(());
    READER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the fixture; `None` where this process may not.
fn shown(args: &[&str]) -> Option<(String, String, i32)> {
    if !may_load() {
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let object = fixture(directory.path(), "shown");
    let mut command = oxbpf();
    command
        .arg("run")
        .arg(object)
        .args(["--set", &only_us()])
        .args(args);
    let _reader = only_reader();
    let result = while_calling(|| said(command.output().unwrap()));
    assert!(result.1.contains("attached 1 of 2"), "{}", result.1);
    Some(result)
}

#[test]
fn records_are_shown_by_their_type() {
    let Some((text, said, status)) = shown(&["-c", "2", "-s", "quiet=true"]) else {
        return;
    };
    assert_eq!(status, 0);
    golden!("run_records.txt", &masked(&text));
    assert!(
        said.contains("not on_nothing: attaching `on_nothing`"),
        "what cannot be attached is named: {said}"
    );
    assert!(said.ends_with("detached 1 program\n"), "{said}");
    assert!(said.contains("\n2 records, "), "{said}");
}

#[test]
fn json_has_a_line_for_each_record() {
    let Some((text, _, _)) = shown(&["-o", "json", "-c", "2", "-s", "quiet=1"]) else {
        return;
    };
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["event"], "records");
    assert_eq!(lines[0]["data"]["pid"], std::process::id());
    assert_eq!(lines[0]["data"]["flag"], 5);
}

#[test]
fn maps_are_tables_and_histograms() {
    let args = [
        "-d",
        "0.6",
        "-i",
        "0.2",
        "-s",
        "quiet=true",
        "-m",
        "hists",
        "-m",
        "calls",
    ];
    let Some((text, _, _)) = shown(&args) else {
        return;
    };
    let last = text.rsplit("-- ").next().unwrap();
    let (head, histogram) = last.split_once("hists\n").unwrap();
    assert!(head.contains("calls\nKEY  VALUE\n  7  "), "{text}");
    golden!("run_histogram.txt", histogram);

    let Some((text, _, _)) = shown(&["-d", "0.5", "-i", "0.2", "-m", "calls", "--per-cpu"]) else {
        return;
    };
    assert!(text.contains("CPU0"), "{text}");
    let Some((text, _, _)) = shown(&["-o", "json", "-d", "0.5", "-i", "0.2", "-m", "hists"]) else {
        return;
    };
    let line = text.lines().find(|line| line.contains("\"map\"")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["entries"][0]["key"], 7);
    assert_eq!(line["entries"][0]["value"]["slots"][3], 8);
}

#[test]
fn what_programs_print_is_shown() {
    let Some((text, said, _)) = shown(&["-d", "1", "-s", "greeting=good day"]) else {
        return;
    };
    assert!(text.contains("] good day from the program\n"), "{text}");
    assert!(said.contains(" lines, "), "{said}");
}

#[test]
fn what_was_printed_before_is_not_shown() {
    if !may_load() {
        return;
    }
    let mut spec = oxbpf_object::CollectionSpec::parse(fixtures::object("shown")).unwrap();
    let only = spec.variable_bytes_mut("only_pid").unwrap();
    only.copy_from_slice(&std::process::id().to_ne_bytes());
    let greeting = spec.variable_bytes_mut("greeting").unwrap();
    greeting[..6].copy_from_slice(b"stale\0");
    let objects = oxbpf::Loader::new().load(spec).unwrap();
    let link = objects.program("on_getpid").unwrap().attach().unwrap();
    for _ in 0..3 {
        let _ = rustix::process::getpid();
    }
    drop(link);
    let (text, said, _) = shown(&["-d", "1", "-s", "greeting=fresh"]).unwrap();
    assert!(text.contains("] fresh from the program"), "{text}{said}");
    assert!(!text.contains("stale"), "{text}");
}

#[test]
fn what_the_verifier_refuses_comes_with_its_line_and_advice() {
    if !may_load() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let object = fixture(directory.path(), "rejected");
    let (_, said, status) = run(["run", object.to_str().unwrap(), "-p", "no_null_check"]);
    let lines: Vec<_> = said.lines().collect();
    let [why, place, advice, end] = lines[..] else {
        panic!("{said}");
    };
    let invalid = "R0 invalid mem access 'map_value_or_null'";
    assert!(
        why.starts_with(&format!("  not no_null_check: {invalid}")),
        "{said}"
    );
    let place = place.trim_start().trim_start_matches("./");
    assert!(place.starts_with("rejected.bpf.c:"), "{said}");
    assert!(advice.starts_with("    -> "), "{said}");
    let all = format!("oxbpf: no program of `rejected` could be loaded: {invalid}");
    assert!(end.starts_with(&all), "{said}");
    assert_eq!(status, 1);
}

#[test]
fn c_is_compiled_on_the_spot() {
    if bpf2rs::Clang::find().is_err() {
        skip("there is no clang");
        return;
    }
    if !may_load() {
        return;
    }
    let mut command = oxbpf();
    command.args(["run", SOURCE, "-c", "1", "-s", "quiet=1", "-s", &only_us()]);
    let (text, note, status) = while_calling(|| said(command.output().unwrap()));
    assert_eq!(status, 0, "{note}");
    assert!(
        text.contains(&format!("pid={} colour=2", std::process::id())),
        "{text}"
    );
}

#[test]
fn programs_with_objects_inside_run_too() {
    // This test has some: which of them is a matter of the linker.
    assert!(!fixtures::object("shown").is_empty());
    let this = std::env::current_exe().unwrap();
    let (_, said, status) = run(["run", this.to_str().unwrap()]);
    assert!(
        said.contains("BPF objects inside: choose one with --object 0 to "),
        "{said}"
    );
    assert_eq!(status, 2);
    let (text, _, status) = run(["run", this.to_str().unwrap(), "--object", "0", "--help"]);
    assert!(text.contains("Usage: oxbpf run"), "{text}");
    assert_eq!(status, 0);
}

#[test]
fn help_lists_what_can_be_set() {
    let directory = tempfile::tempdir().unwrap();
    let object = fixture(directory.path(), "shown");
    let (text, said, status) = run(["run", object.to_str().unwrap(), "--help"]);
    assert_eq!((said.as_str(), status), ("", 0));
    let (about, options) = text.split_once("\nUsage: ").unwrap();
    golden!("run_help.txt", about);
    assert!(options.contains("--set <NAME=VALUE>"), "{options}");
    let (plain, _, status) = run(["run", "--help"]);
    assert_eq!(status, 0);
    assert!(
        plain.ends_with(&options[options.find("Options:").unwrap()..]),
        "{plain}"
    );
}

#[test]
fn settings_that_fit_not_are_pointed_at() {
    let directory = tempfile::tempdir().unwrap();
    let object = fixture(directory.path(), "shown");
    let object = object.to_str().unwrap();
    for (setting, says) in [
        (
            "only_pid=12x4",
            "`--set`: `x` is no digit of a number\n    only_pid=12x4\n               ^",
        ),
        (
            "only_pid=4294967296",
            "4294967296 does not fit `unsigned int`, which goes from 0 to 4294967295\n    only_pid=4294967296\n             ^",
        ),
        (
            "quiet=maybe",
            "it is to be `true` or `false`\n    quiet=maybe\n          ^",
        ),
        (
            "only_pdi=1",
            "the object has no variable `only_pdi`; did you mean `only_pid`?",
        ),
        ("only_pid", "`--set only_pid` is no NAME=VALUE"),
    ] {
        let (_, said, status) = run(["run", object, "--set", setting]);
        assert!(said.contains(says), "{said}");
        assert_eq!(status, 2);
    }
    for (args, says) in [
        (
            ["-m", "hist"],
            "the object has no map `hist`; did you mean `hists`",
        ),
        (
            ["-m", "records"],
            "map `records` (ringbuf) has no entries that could be shown",
        ),
        (
            ["-e", "startd"],
            "there is no type `startd`; did you mean `started`",
        ),
        (["-e", "x=started"], "the object has no map `x`"),
    ] {
        let (_, said, status) = run([&["run", object], &args[..]].concat());
        assert!(said.contains(says), "{said}");
        assert_eq!(status, 2);
    }
}

#[test]
fn ctrl_c_detaches_and_sums_up() {
    if !may_load() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let object = fixture(directory.path(), "shown");
    let mut command = oxbpf();
    command.arg("run").arg(object).args(["-s", "quiet=1"]);
    let _reader = only_reader();
    let mut child = command
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("attached ") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    stderr.read_to_string(&mut said).unwrap();
    let status = child.wait().unwrap().code().unwrap_or(-1);
    assert!(said.contains("attached 1 of 2"), "{said}");
    assert!(said.ends_with("; detached 1 program\n"), "{said}");
    assert_eq!(status, 0);
}

#[test]
fn results_that_have_no_room_are_an_error() {
    let full = || {
        std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    for args in [
        &["feature"][..],
        &["-o", "json", "doctor"],
        &["btf", "dump"],
    ] {
        let output = oxbpf().args(args).stdout(full()).output().unwrap();
        let (_, said, status) = said(output);
        let why = "oxbpf: printing what was found failed: No space left on device (os error 28)\n";
        assert_eq!((said.as_str(), status), (why, 2), "{args:?}");
    }
}

#[test]
fn nobody_reading_is_no_error() {
    let this = env!("CARGO_BIN_EXE_oxbpf");
    for what in ["btf dump", "completions bash", "man", "btf dump -f raw"] {
        let script = format!("{{ {this} {what}; echo $? >&2; }} | head -c 10 > /dev/null");
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "0\n", "{what}");
    }
}

#[test]
fn lines_of_help_fit_a_terminal() {
    let Some((help, status)) = in_terminal(oxbpf().args(["run", "--help"])) else {
        return;
    };
    assert_eq!(status, 0);
    assert!(
        help.lines().all(|line| line.chars().count() <= 80),
        "{help}"
    );
}

#[test]
fn maps_fit_a_terminal_and_have_colours_there() {
    if !may_load() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let object = fixture(directory.path(), "shown");
    let _reader = only_reader();
    let command = || {
        let mut command = oxbpf();
        command.arg("run").arg(&object).args(["--set", &only_us()]);
        command.args(["-d", "0.5", "-i", "0.2", "-s", "quiet=true", "-m", "hists"]);
        command.args(["-m", "calls"]);
        command
    };
    let Some((text, status)) = while_calling(|| in_terminal(&mut command())) else {
        return;
    };
    assert!(text.contains("\x1b[1mhists\x1b[0m\n"), "{text}");
    assert_eq!(status, 0);
    let plain = while_calling(|| in_terminal(command().env("NO_COLOR", "1")));
    let (plain, _) = plain.unwrap();
    assert!(!plain.contains('\x1b'), "{plain}");
    // What is on standard error are sentences, which the terminal breaks.
    let shown: Vec<_> = plain
        .lines()
        .skip_while(|line| !line.starts_with("-- "))
        .collect();
    let (summary, shown) = shown.split_last().unwrap();
    assert!(summary.ends_with("; detached 1 program"), "{plain}");
    assert!(
        shown.iter().all(|line| line.chars().count() <= 80),
        "{plain}"
    );
    let last = shown.iter().rposition(|line| *line == "hists").unwrap();
    golden!("run_histogram.txt", &(shown[last + 1..].join("\n") + "\n"));
}

#[test]
fn every_command_has_help_a_page_and_completions() {
    let directory = tempfile::tempdir().unwrap();
    let (_, said, status) = run(["man", directory.path().to_str().unwrap()]);
    assert_eq!((said.as_str(), status), ("", 0));
    for page in [
        "oxbpf",
        "oxbpf-run",
        "oxbpf-verify",
        "oxbpf-btf",
        "oxbpf-btf-dump",
        "oxbpf-btf-min",
    ] {
        let path = directory.path().join(format!("{page}.1"));
        assert!(Path::new(&path).exists(), "{page}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let (script, _, status) = run(["completions", shell]);
        assert_eq!(status, 0);
        for word in ["verify", "dump", "compare", "per-cpu"] {
            assert!(script.contains(word), "{shell} {word}");
        }
    }
}

#[test]
fn iterators_say_all_they_have_to_say() {
    if !may_load() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let object = fixture(directory.path(), "iters");
    let (text, said, status) = run(["run", object.to_str().unwrap(), "-p", "each_task"]);
    assert_eq!(status, 0, "{said}");
    let pid = std::process::id().to_string();
    assert!(text.lines().any(|line| line == pid), "{text}");
    assert!(said.ends_with("detached 1 program\n"), "{said}");
}

#[test]
fn xdp_programs_want_an_interface() {
    if !may_load() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let object = fixture(directory.path(), "tracing");
    let object = object.to_str().unwrap();
    let xdp = ["run", object, "-p", "at_xdp", "-d", "0.1"];
    let (_, said, status) = run(xdp);
    assert!(said.contains("say where with --interface"), "{said}");
    assert_eq!(status, 1);
    let (_, said, status) = run([&xdp[..], &["-I", "lo"]].concat());
    assert!(said.contains("attached 1 of 1 programs"), "{said}");
    assert_eq!(status, 0);
    let (_, said, _) = run(["run", object, "-p", "at_raw_tp", "-d", "0.1", "-I", "lo"]);
    let nothing =
        "  --interface changes nothing: no program of `tracing` is attached to an interface\n";
    assert!(said.starts_with(nothing), "{said}");
    let (_, said, _) = run([&xdp[..], &["-I", "no_such0"]].concat());
    assert!(said.contains("no_such0"), "{said}");
}

/// Runs some programs of the fixture `places` for a moment, while packets go over the loopback and a system call is called.
fn places(program: &str, args: &[&str]) -> (String, String, i32) {
    let directory = tempfile::tempdir().unwrap();
    let object = fixture(directory.path(), "places");
    let mut command = oxbpf();
    command.arg("run").arg(object);
    command.args(["-p", program, "-d", "0.5", "-i", "0.2"]);
    command.args(args);
    while_calling(|| {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let _ = socket.send_to(b"x", "127.0.0.1:9");
                    std::thread::sleep(std::time::Duration::from_millis(2));
                }
            });
            let result = said(command.output().unwrap());
            done.store(true, Ordering::Relaxed);
            result
        })
    })
}

#[test]
fn options_say_where_when_sections_cannot() {
    if !may_load() {
        return;
    }
    let (_, said, status) = places("count_sent", &[]);
    assert!(
        said.contains("nothing is attached") && said.contains("say where with --interface"),
        "{said}"
    );
    assert_eq!(status, 1);
    let (_, said, status) = places("count_of_group", &[]);
    assert!(said.contains("say where with --cgroup"), "{said}");
    assert_eq!(status, 1);

    let groups = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let mut groups = groups.lines().map(|line| line.split(' '));
    let groups = groups.find_map(|mut words| {
        let place = words.nth(1)?;
        (words.next()? == "cgroup2").then_some(place)
    });
    let (text, said, status) = places("count_of_group", &["--cgroup", groups.unwrap()]);
    assert!(text.contains("of_group = "), "{text}{said}");
    assert_eq!(status, 0);
    let (_, said, status) = places("count_of_group", &["--cgroup", "/no/such/group"]);
    assert!(
        said.contains("opening control group `/no/such/group` failed: No such file"),
        "{said}"
    );
    assert_eq!(status, 2);

    let (text, said, status) = places(
        "count_calls",
        &["--at", "count_*=syscalls/sys_enter_getpid"],
    );
    assert!(text.contains("called = "), "{text}{said}");
    assert_eq!(status, 0);
    let (_, said, status) = places("count_calls", &["--at", "cuont_calls=x"]);
    assert!(
        said.contains("the object has no program `cuont_calls`; did you mean `count_calls`?"),
        "{said}"
    );
    assert_eq!(status, 2);

    let (_, said, status) = places("on_function", &[]);
    assert!(
        said.contains("say where with --at on_function=FUNCTION"),
        "{said}"
    );
    assert_eq!(status, 1);

    let (text, said, status) = places("count_*t", &["--interface", "lo"]);
    if said.contains("this kernel has no links for traffic control") {
        skip("this kernel has no links for traffic control");
        return;
    }
    assert!(text.contains("sent = "), "{text}{said}");
    assert_eq!(status, 0);
}
