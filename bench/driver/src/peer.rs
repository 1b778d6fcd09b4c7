//! A peer at work: a process that does one step for each line it is sent.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use crate::Result;

pub struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts it, and waits until it is ready.
    pub fn start(command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or("no pipe")?;
        let mut peer = Self {
            child,
            input,
            output: BufReader::new(output),
        };
        peer.number()?;
        Ok(peer)
    }

    /// Has it do a step; the nanoseconds it took.
    pub fn step(&mut self) -> Result<f64> {
        writeln!(self.input.as_ref().ok_or("it has ended")?)?;
        self.number()
    }

    /// Lets it end; the kilobytes of memory it had at most.
    pub fn end(mut self) -> Result<f64> {
        self.input = None;
        let memory = self.number()?;
        self.child.wait()?;
        Ok(memory)
    }

    fn number(&mut self) -> Result<f64> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        line.trim()
            .parse()
            .map_err(|_| "it ended without an answer".into())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}

/// The nanoseconds from start to end of a process that does one step.
pub fn cold(command: &mut Command) -> Result<f64> {
    let start = Instant::now();
    let mut peer = Peer::start(command)?;
    peer.step()?;
    peer.end()?;
    Ok(start.elapsed().as_nanos() as f64)
}

/// Whether what counts them is here.
pub fn can_count_instructions() -> bool {
    Command::new("valgrind")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

/// The instructions in user space of a process that does so many steps.
pub fn instructions(program: &Path, arguments: &[&str], steps: usize) -> Result<f64> {
    let mut child = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    child
        .stdin
        .take()
        .ok_or("no pipe")?
        .write_all(&vec![b'\n'; steps])?;
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected :"));
    match collected.map(|(_, count)| count.trim().parse()) {
        Some(Ok(count)) if output.status.success() => Ok(count),
        _ => Err(format!("callgrind failed: {text}").into()),
    }
}
