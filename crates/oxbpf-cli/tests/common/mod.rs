//! Running the command.
#![allow(dead_code)]

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};

/// The command, with nothing in its environment that changes how it looks.
pub(crate) fn oxbpf() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxbpf"));
    command
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .stdin(Stdio::null());
    command
}

/// Runs the command and gives what it said and its exit status.
pub(crate) fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> (String, String, i32) {
    said(oxbpf().args(args).output().unwrap())
}

/// What a finished program said, and its exit status.
pub(crate) fn said(output: Output) -> (String, String, i32) {
    (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
        output.status.code().unwrap_or(-1),
    )
}

/// The output of another program, or `None`, with the reason told, where there is none.
pub(crate) fn other(program: &str, args: &[&str]) -> Option<Vec<u8>> {
    match Command::new(program).args(args).output() {
        Ok(output) if output.status.success() => Some(output.stdout),
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            eprintln!("skipped: {program} failed: {why}");
            None
        }
        Err(error) => {
            eprintln!("skipped: no {program}: {error}");
            None
        }
    }
}
