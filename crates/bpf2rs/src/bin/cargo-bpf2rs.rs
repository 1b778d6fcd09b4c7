//! `cargo bpf2rs`: the same command, for whom cargo has at hand.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    // Cargo passes on the word that it was called with.
    let mut arguments: Vec<_> = env::args_os().collect();
    if arguments.get(1).is_some_and(|word| word == "bpf2rs") {
        arguments.remove(1);
    }
    bpf2rs::command::main("cargo bpf2rs", arguments)
}
