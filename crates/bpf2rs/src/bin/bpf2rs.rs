//! The `bpf2rs` command: C in, a Rust module and its objects out.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    bpf2rs::command::main("bpf2rs", env::args_os())
}
