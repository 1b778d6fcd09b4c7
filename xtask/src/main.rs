//! The project's own chores: `cargo xtask NAME`.
//!
//! Needs nothing but std and what we have made ourselves, so that it is there before anything else is installed.

mod bench;
mod bench_command;
mod big_endian;
mod cargo;
mod conformance;
mod corpus;
mod coverage;
mod cpio;
mod debian;
mod expected;
mod fuzz;
mod gen_uapi;
mod generate;
mod image;
mod install;
mod json;
mod kernel;
mod msrv;
mod mutate;
mod peer;
mod process;
mod selftests;
mod setup;
mod soak;
mod supply;
mod tally;
mod test;
mod tools;
#[cfg(test)]
mod unsafety;
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
    run: fn(&[String]) -> Result<()>,
}

const fn task(
    name: &'static str,
    usage: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result<()>,
) -> Task {
    Task {
        name,
        usage,
        about,
        run,
    }
}

const TASKS: &[Task] = &[
    task(
        "setup",
        setup::USAGE,
        "install what building and testing needs",
        setup::main,
    ),
    task(
        "test",
        test::USAGE,
        "everything that must be green",
        test::main,
    ),
    task(
        "vm",
        vm::USAGE,
        "run a command (or a shell) as root inside a Debian kernel under QEMU",
        vm::main,
    ),
    task(
        "vmtest",
        vmtest::USAGE,
        "run the kernel tests inside real kernels, against vmtest/expected.tsv",
        vmtest::main,
    ),
    task(
        "conformance",
        conformance::USAGE,
        "show the objects of Debian's packages to libbpf and to us, and compare",
        conformance::main,
    ),
    task(
        "tools",
        tools::USAGE,
        "run the objects of libbpf-tools and libxdp under `oxbpf run`, against vmtest/tools.tsv",
        tools::main,
    ),
    task(
        "big-endian",
        big_endian::USAGE,
        "run the unit tests of oxbpf-object on s390x, emulated",
        big_endian::main,
    ),
    task(
        "coverage",
        coverage::USAGE,
        "write COVERAGE.md: what is tested, and on which kernels",
        coverage::main,
    ),
    task(
        "mutate",
        mutate::USAGE,
        "break the code as mutations.tsv says, and see a test fail each time",
        mutate::main,
    ),
    task(
        "msrv",
        msrv::USAGE,
        "build the libraries with the oldest Rust they promise to work with",
        msrv::main,
    ),
    task(
        "fuzz",
        fuzz::USAGE,
        "feed mutated input to every reader of bytes",
        fuzz::main,
    ),
    task(
        "soak",
        soak::USAGE,
        "load, attach and drop, and read rings, for hours: memory and descriptors stay what they are",
        soak::main,
    ),
    task(
        "deny",
        supply::DENY_USAGE,
        "hold the dependencies to deny.toml",
        supply::deny,
    ),
    task(
        "minimal-versions",
        supply::MINIMAL_USAGE,
        "check the libraries with the oldest versions of what they depend on",
        supply::minimal_versions,
    ),
    task(
        "reproducible",
        supply::REPRODUCIBLE_USAGE,
        "build what is handed out twice, and compare the bytes",
        supply::reproducible,
    ),
    task(
        "generate",
        generate::USAGE,
        "rebuild the generated files that are committed",
        generate::main,
    ),
    task(
        "gen-uapi",
        gen_uapi::USAGE,
        "make the kernel's structures from its types",
        gen_uapi::main,
    ),
    task(
        "bench",
        bench::USAGE,
        "measure what we cost, against what we promise and what our peers cost",
        bench::main,
    ),
    task(
        "image",
        image::USAGE,
        "build the container image of the demo",
        image::main,
    ),
    task(
        "install",
        install::USAGE,
        "build the static programs and install them",
        install::main,
    ),
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
        Ok(()) => ExitCode::SUCCESS,
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
