//! The demo as its user runs it, on a real kernel.

#[path = "../../crates/oxbpf/tests/common/mod.rs"]
#[macro_use]
mod common;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

const DEMO: &str = env!("CARGO_BIN_EXE_exec-count");

/// How many programs the tests start.
const CALLS: u64 = 20;

fn demo(args: &[&str]) -> Command {
    let mut command = Command::new(DEMO);
    command.args(args);
    command
}

fn run(args: &[&str]) -> Output {
    demo(args).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A demo that is attached and counting.
struct Counting {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
}

impl Counting {
    /// Starts one; where it gives up, what it said.
    fn start(args: &[&str]) -> Result<Self, String> {
        let mut child = demo(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        stderr.read_line(&mut said).unwrap();
        if said.starts_with("attached by ") {
            return Ok(Self { child, stderr });
        }
        assert_eq!(child.wait().unwrap().code(), Some(1), "{said}");
        Err(said)
    }

    /// Ends it as Ctrl-C does: its lines, and its summary.
    fn interrupt(self) -> (Vec<String>, String) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        self.wait()
    }

    /// Waits for its end: its lines, and its summary.
    fn wait(mut self) -> (Vec<String>, String) {
        let mut lines = String::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut lines)
            .unwrap();
        let mut summary = String::new();
        self.stderr.read_to_string(&mut summary).unwrap();
        assert!(self.child.wait().unwrap().success(), "{summary}");
        (lines.lines().map(Into::into).collect(), summary)
    }
}

/// Starts programs, for the demo to count.
fn start_programs() {
    for _ in 0..CALLS {
        assert!(demo(&["--version"]).output().unwrap().status.success());
    }
}

/// The number in front of "call" or "calls" of a summary.
fn calls(summary: &str) -> u64 {
    let (before, _) = summary
        .split_once(" call")
        .unwrap_or_else(|| panic!("{summary}"));
    before.rsplit(' ').next().unwrap().parse().unwrap()
}

/// Counts the programs started by a way to attach, or says that this kernel has not got it.
fn counts(method: &str, function: &str) -> Result<(), String> {
    let counting = Counting::start(&[
        "--attach",
        method,
        "--function",
        function,
        "--interval",
        "0.1",
    ])?;
    start_programs();
    let (_, summary) = counting.interrupt();
    assert!(calls(&summary) >= CALLS, "{summary}");
    Ok(())
}

/// Like `counts`, but skips the test where the kernel has not got what it needs.
macro_rules! counts {
    ($method:literal, $function:literal) => {
        match counts($method, $function) {
            Ok(()) => {}
            Err(said) if said.contains("this kernel has no kprobes") => {
                skip!("this kernel has no kprobes")
            }
            Err(said) if $method == "fentry" && said.contains("Operation not permitted") => {
                skip!("this kernel permits no fentry")
            }
            Err(said) => panic!("{said}"),
        }
    };
}

#[test]
fn counts_by_kprobe() {
    counts!("kprobe", "sys_execve");
}

#[test]
fn counts_by_kprobe_of_a_bare_name() {
    counts!("kprobe", "execve");
}

#[test]
fn counts_by_kretprobe() {
    counts!("kretprobe", "sys_execve");
}

#[test]
fn counts_by_fentry() {
    counts!("fentry", "sys_execve");
}

#[test]
fn counts_by_tracepoint() {
    counts!("tracepoint", "sys_execve");
}

#[test]
fn counts_by_raw_tracepoint() {
    counts!("raw_tp", "sys_execve");
}

#[test]
fn counts_any_way() {
    counts!("auto", "sys_execve");
}

#[test]
fn each_line_is_an_object_of_json() {
    let counting = Counting::start(&["--json", "--interval", "0.05", "--count", "4"]).unwrap();
    start_programs();
    let (lines, summary) = counting.wait();
    let mut total = 0;
    for line in &lines {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["function"], "sys_execve");
        assert!(line["time"].as_str().unwrap().ends_with('Z'));
        total += line["delta"].as_u64().unwrap();
        assert_eq!(line["total"].as_u64().unwrap(), total);
    }
    assert!(
        lines.len() == 4 && total <= calls(&summary),
        "{lines:?} {summary}"
    );
}

#[test]
fn stops_after_as_many_lines_as_asked_for() {
    let output = run(&["--count", "3", "--interval", "0.01"]);
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().count(), 3);
    for line in lines.lines() {
        assert!(
            line.contains("sys_execve") && line.contains("total") && line.contains("(+"),
            "{line}"
        );
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = demo(&["--interval", "0.01"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

/// One sentence that names the remedy, and exit status 1.
fn refuses(output: &Output, parts: &[&str]) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty());
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    for part in parts {
        assert!(said.contains(part), "{part:?} is not in: {said}");
    }
}

#[test]
fn without_root_it_says_what_is_missing() {
    let output = demo(&["--count", "1"]).uid(65534).gid(65534).output();
    match output {
        Ok(output) => refuses(&output, &["run it as root, or with CAP_BPF"]),
        // The build lies where only root can read.
        Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => {
            skip!("nobody can run what lies here")
        }
        Err(e) => panic!("{e}"),
    }
}

#[test]
fn a_function_that_is_not_there_is_named_with_those_near() {
    let output = run(&["--function", "vfs_raed", "--count", "1"]);
    refuses(&output, &["`vfs_raed`", "did you mean", "`vfs_read`"]);
}

#[test]
fn a_kernel_without_kprobes_is_told() {
    let output = run(&["--attach", "kprobe", "--count", "1"]);
    require!(!output.status.success(), "this kernel has kprobes");
    refuses(&output, &["this kernel has no kprobes", "use a tracepoint"]);
}

#[test]
fn what_a_tracepoint_cannot_count_is_told() {
    let output = run(&[
        "--attach",
        "tracepoint",
        "--function",
        "do_exit",
        "--count",
        "1",
    ]);
    refuses(&output, &["`do_exit`", "try --attach kprobe or fentry"]);
}
