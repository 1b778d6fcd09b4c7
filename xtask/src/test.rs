//! Everything that must be green, in the order in which it is likely to be red.

use crate::cargo::cargo;
use crate::process::{Result, run};
use crate::vmtest;
use std::process::Command;
use std::time::Instant;

pub(crate) const USAGE: &str = "";

type Step = (&'static str, fn() -> Result<()>);

const STEPS: &[Step] = &[
    ("format", || run(cargo().args(["fmt", "--all", "--check"]))),
    ("lints", || {
        run(cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))
    }),
    ("tests without a kernel", || {
        run(except_kernel_tests(cargo().args([
            "test",
            "--workspace",
            "--quiet",
        ])))
    }),
    ("documentation", || {
        run(cargo()
            .args(["doc", "--workspace", "--no-deps", "--quiet"])
            .env("RUSTDOCFLAGS", "-D warnings"))
    }),
    ("examples in the documentation", || {
        run(cargo().args(["test", "--doc", "--quiet", "--package", "oxbpf"]))
    }),
    ("tests on this kernel", || vmtest(&["--kernel", "host"])),
    ("tests on Debian's 6.1", || vmtest(&["--kernel", "6.1"])),
];

pub(crate) fn main(_args: &[String]) -> Result<()> {
    let start = Instant::now();
    for (name, step) in STEPS {
        eprintln!("==> {name} ({:.0} s)", start.elapsed().as_secs_f64());
        step().map_err(|error| format!("{name}: {error}"))?;
    }
    eprintln!("==> all green in {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

fn except_kernel_tests(cargo: &mut Command) -> &mut Command {
    vmtest::PACKAGES
        .iter()
        .fold(cargo, |cargo, package| cargo.args(["--exclude", package]))
}

fn vmtest(args: &[&str]) -> Result<()> {
    vmtest::main(&args.iter().map(|arg| arg.to_string()).collect::<Vec<_>>())
}
