//! `oxbpf run --pid`.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};

use common::{fixture, may_load, oxbpf, said, skip};

/// Runs some programs of a fixture, confined to a process, while this one is busy and calls `getcwd` of the C library.
fn confined(object: &str, args: &[&str], pid: u32) -> (String, String, i32) {
    let directory = tempfile::tempdir().unwrap();
    let object = fixture(directory.path(), object);
    let mut command = oxbpf();
    command.arg("run").arg(object).args(args);
    command.args(["--pid", &pid.to_string()]);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                std::env::current_dir().unwrap();
            }
        });
        let result = said(command.output().unwrap());
        done.store(true, Ordering::Relaxed);
        result
    })
}

/// A process that does nothing.
struct Idle(std::process::Child);

impl Idle {
    fn start() -> Idle {
        Idle(
            std::process::Command::new("sleep")
                .arg("60")
                .spawn()
                .unwrap(),
        )
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn programs_of_processes_see_one_alone() {
    if !may_load() {
        return;
    }
    let idle = Idle::start();
    let mut without = Vec::new();
    for (program, target) in [
        ("at_perf_event", None),
        ("at_uprobe", Some("libc.so.6:getcwd")),
        ("at_uretprobe", Some("libc.so.6:getcwd")),
        ("at_uprobe_multi", Some("libc.so.6:getcw?")),
        ("at_uretprobe_multi", Some("libc.so.6:getcwd")),
    ] {
        let at = target.map(|target| format!("{program}={target}"));
        let mut args = vec!["-p", program, "-d", "0.7", "-i", "0.2"];
        args.extend(at.iter().flat_map(|at| ["--at", at]));
        let (text, notes, status) = confined("tracing", &args, std::process::id());
        if program.ends_with("_multi") && notes.contains("no program of `tracing` could be loaded")
        {
            without.push(program);
            continue;
        }
        if program.ends_with("_multi") && notes.contains("this kernel has no ") {
            without.push(program);
            continue;
        }
        assert_eq!(status, 0, "{program}: {notes}");
        assert!(text.contains("runs = "), "{program}: {text}{notes}");
        let (text, notes, status) = confined("tracing", &args, idle.0.id());
        assert_eq!(status, 0, "{program}: {notes}");
        assert_eq!(text, "", "{program}: {notes}");
        assert!(notes.contains("nothing in its maps"), "{program}: {notes}");
    }
    if !without.is_empty() {
        skip("this kernel has no uprobe.multi");
    }
}

#[test]
fn iterators_go_over_one_process() {
    if !may_load() {
        return;
    }
    let idle = Idle::start();
    let pid = idle.0.id().to_string();
    let (text, notes, status) = confined("iters", &["-p", "each_task"], idle.0.id());
    if notes.contains("this kernel has no iterators over one process") {
        skip("this kernel has no iterators over one process");
        return;
    }
    assert_eq!((text.trim(), status), (pid.as_str(), 0), "{notes}");
}

#[test]
fn what_cannot_be_confined_is_named() {
    let (_, notes, status) = confined("shown", &["-d", "0.1"], 7);
    assert!(
        notes.contains(
            "`--pid 7`: of `shown` nothing can be confined to a process, since none of its programs is for uprobes, perf \
             events or tasks; `--set only_pid=7` may be what is meant"
        ),
        "{notes}"
    );
    assert_eq!(status, 2);
    if !may_load() {
        return;
    }
    let programs = ["-p", "at_perf_event", "-p", "at_raw_tp", "-d", "0.1"];
    let (_, notes, status) = confined("tracing", &programs, std::process::id());
    assert!(
        notes.starts_with("  every process is seen by at_raw_tp, which --pid cannot confine\n"),
        "{notes}"
    );
    assert!(notes.contains("attached 2 of 2 programs"), "{notes}");
    assert_eq!(status, 0);
    let (_, notes, status) = confined("tracing", &["-p", "at_perf_event"], 4_194_305);
    assert!(notes.contains("there is no process 4194305"), "{notes}");
    assert_eq!(status, 1);
}
