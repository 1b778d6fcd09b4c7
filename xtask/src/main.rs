//! The project's own chores: `cargo xtask NAME`.
//!
//! Needs nothing but std, so that it is there before anything else is installed.

mod cpio;
mod debian;
mod expected;
mod json;
mod kernel;
mod process;
mod version;
mod vm;
mod vmtest;

use process::Result;
use std::process::ExitCode;

/// A chore: its name, its arguments, what it is for, and the function that does it.
struct Task {
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result<ExitCode>,
}

const TASKS: &[Task] = &[
    Task {
        name: "vm",
        usage: vm::USAGE,
        about: "run a command as root inside a Debian kernel under QEMU; no command is a shell",
        run: vm::main,
    },
    Task {
        name: "vmtest",
        usage: vmtest::USAGE,
        about: "run the tests that need a kernel as root inside one, and compare with vmtest/expected.tsv",
        run: vmtest::main,
    },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, args)) = args.split_first() else {
        help();
        return ExitCode::from(2);
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        help();
        return ExitCode::SUCCESS;
    }
    let Some(task) = TASKS.iter().find(|task| task.name == name) else {
        eprintln!("xtask: no task `{name}`; `cargo xtask help` lists them");
        return ExitCode::from(2);
    };
    match (task.run)(args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask {name}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn help() {
    println!("cargo xtask TASK [ARGS]\n");
    for task in TASKS {
        println!("  {} {}\n      {}", task.name, task.usage, task.about);
    }
}
