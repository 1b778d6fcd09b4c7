//! Everything that must be green, in the order in which it is likely to be red.

use crate::cargo::cargo;
use crate::conformance;
use crate::process::{Result, output, run};
use crate::{coverage, tools, vmtest};
use std::process::Command;
use std::time::Instant;

pub(crate) const USAGE: &str = "";

/// The Rust whose lints we follow to the letter. What another one finds beyond them is told, and no failure: it must not
/// break the tests of somebody who only has a newer Rust than we had.
const LINTED_WITH: &str = "1.95";

type Step = (&'static str, fn() -> Result<()>);

const STEPS: &[Step] = &[
    ("format", || {
        run(cargo().args(["fmt", "--all", "--check"]))?;
        run(conformance::cargo("fmt").arg("--check"))
    }),
    ("lints", lints),
    ("tests without a kernel", || {
        run(except_kernel_tests(cargo().args([
            "test",
            "--workspace",
            "--quiet",
        ])))
    }),
    ("documentation", documentation),
    ("examples in the documentation", || {
        run(cargo().args(["test", "--doc", "--quiet", "--package", "oxbpf"]))
    }),
    ("objects of others, beside libbpf", || {
        run(conformance::cargo("test").arg("--quiet"))?;
        conformance::main(&["--sample".to_owned()])?;
        conformance::main(&["--sample", "--mutants", "1000"].map(str::to_owned))
    }),
    ("tests on this kernel", || vmtest(&["--kernel", "host"])),
    ("tests on Debian's 5.10, 6.1 and newest", || {
        vmtest(&["--kernel", "5.10,6.1,7"])
    }),
    ("tools of others under `oxbpf run`", || {
        let some = "execsnoop,runqlat,opensnoop,xdpfilt_alw_all";
        let args = ["--debug", "--kernel", "host,6.1", some];
        tools::main(&args.map(str::to_owned))
    }),
    ("what the tests cover", || {
        coverage::main(&["--check".to_owned()])
    }),
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

fn lints() -> Result<()> {
    let strict: &[&str] = if warnings_are_ours()? {
        &["--", "-D", "warnings"]
    } else {
        &[]
    };
    run(cargo()
        .args(["clippy", "--workspace", "--all-targets"])
        .args(strict))?;
    run(conformance::cargo("clippy")
        .arg("--all-targets")
        .args(strict))
}

fn documentation() -> Result<()> {
    let strict = if warnings_are_ours()? {
        "-D warnings"
    } else {
        ""
    };
    run(cargo()
        .args(["doc", "--workspace", "--no-deps", "--quiet"])
        .env("RUSTDOCFLAGS", strict))
}

fn warnings_are_ours() -> Result<bool> {
    let version = output(Command::new("rustc").arg("--version"))?;
    Ok(String::from_utf8_lossy(&version).contains(&format!(" {LINTED_WITH}.")))
}

fn except_kernel_tests(cargo: &mut Command) -> &mut Command {
    vmtest::PACKAGES
        .iter()
        .fold(cargo, |cargo, package| cargo.args(["--exclude", package]))
}

fn vmtest(args: &[&str]) -> Result<()> {
    vmtest::main(&args.iter().map(|arg| arg.to_string()).collect::<Vec<_>>())
}
