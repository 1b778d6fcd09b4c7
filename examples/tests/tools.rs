//! Each tool, run for real: what it prints is what happened.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// A tool that runs, and the lines that it prints.
struct Tool {
    child: Child,
    lines: Receiver<String>,
}

impl Tool {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = mpsc::channel();
        thread::spawn(move || {
            let lines = stdout.lines().map_while(Result::ok);
            lines.into_iter().try_for_each(|line| send.send(line))
        });
        Self { child, lines }
    }

    /// Waits for a line for which something holds.
    #[track_caller]
    fn prints(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut seen = Vec::new();
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            match self.lines.recv_timeout(left) {
                Ok(line) if holds(&line) => return line,
                Ok(line) => seen.push(line),
                Err(_) => break,
            }
        }
        panic!("{what} is not in {seen:#?}");
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ends the test unless it is run by root.
macro_rules! as_root {
    () => {
        if !rustix::process::geteuid().is_root() {
            println!("SKIP: not root");
            return;
        }
    };
}

#[test]
fn execsnoop_prints_what_is_started() {
    as_root!();
    let tool = Tool::start(Command::new(env!("CARGO_BIN_EXE_execsnoop")));
    tool.prints("the header", |line| line.contains("COMM"));
    let child = Command::new("/bin/true").spawn().unwrap();
    let start = format!("{:>8} {:>6} true ", child.id(), 0);
    let _ = child.wait_with_output();
    let line = tool.prints("`true`", |line| line.starts_with(&start));
    assert!(line.ends_with("/bin/true"), "{line}");
}

#[test]
fn runqlat_counts_waits_of_one_process_or_all() {
    as_root!();
    let waits = |arguments: &[&str]| -> u64 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runqlat"));
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        if text == "no values\n" {
            return 0;
        }
        let (header, rows) = text.split_once('\n').unwrap();
        assert!(header.contains("microseconds"), "{text}");
        let count = |row: &str| -> u64 {
            let (_, rest) = row.split_once(" : ").unwrap();
            rest.split_whitespace().next().unwrap().parse().unwrap()
        };
        rows.lines().map(count).sum()
    };
    assert!(waits(&["1"]) > 0);
    // One that sleeps, and is woken all the time.
    let mut sleeper = Command::new("sh")
        .args(["-c", "while :; do sleep 0.01; done"])
        .spawn()
        .unwrap();
    let own = waits(&["1", &sleeper.id().to_string()]);
    let _ = sleeper.kill();
    let _ = sleeper.wait();
    assert!(own > 5, "{own}");
    assert_eq!(waits(&["1", "4194304"]), 0);
}

/// Runs `packets` in a network namespace of its own, with packets from 127.0.0.1 to itself.
fn packets(arguments: &str) -> Tool {
    let script = format!(
        "ip link set lo up || exit; \
         (for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2; echo x > /dev/udp/127.0.0.1/9; done) & \
         exec {} lo {arguments}",
        env!("CARGO_BIN_EXE_packets")
    );
    let mut command = Command::new("unshare");
    command.args(["--net", "bash", "-c", &script]);
    Tool::start(command)
}

#[test]
fn packets_come_from_where_they_may_or_from_strangers() {
    as_root!();
    let tool = packets("127.0.0.0/8 10.0.0.0/8");
    tool.prints("a packet from 127.0.0.0/8", |line| {
        line.ends_with(" from 127.0.0.0/8") && !line.trim().starts_with("0 ")
    });
    drop(tool);
    let tool = packets("127.128.0.0/9");
    tool.prints("a stranger", |line| {
        line.ends_with(" from 127.0.0.1, a stranger")
    });
}

#[test]
fn tasks_has_this_one() {
    as_root!();
    let output = Command::new(env!("CARGO_BIN_EXE_tasks")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let own = std::process::id();
    let start = format!("{own:>8} {own:>8} ");
    let line = text.lines().find(|line| line.starts_with(&start));
    let line = line.unwrap_or_else(|| panic!("{start} is not in {text}"));
    assert!(line.contains("tools-"), "{line}");
}
