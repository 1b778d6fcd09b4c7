//! The tests of `oxbpf-object` on a machine of the other byte order: s390x, by QEMU's emulation of its programs.
//!
//! Not part of `test`: it needs a cross compiler, which nobody else does.

use crate::cargo::cargo;
use crate::process::{Result, find_program, output, run};
use std::process::Command;

pub(crate) const USAGE: &str = "[TEST]";

const TARGET: &str = "s390x-unknown-linux-gnu";
const LINKER: &str = "s390x-linux-gnu-gcc";
const RUNNERS: &[&str] = &["qemu-s390x-static", "qemu-s390x"];

pub(crate) fn main(args: &[String]) -> Result<()> {
    let runner = RUNNERS.iter().find_map(|name| find_program(name));
    let (Some(runner), Some(_)) = (runner, find_program(LINKER)) else {
        return Err(
            "needs apt-get install qemu-user-static gcc-s390x-linux-gnu libc6-dev-s390x-cross"
                .into(),
        );
    };
    let installed = output(Command::new("rustup").args(["target", "list", "--installed"]))?;
    if !String::from_utf8_lossy(&installed).contains(TARGET) {
        run(Command::new("rustup").args(["target", "add", TARGET]))?;
    }
    run(cargo()
        .env("CARGO_TARGET_S390X_UNKNOWN_LINUX_GNU_LINKER", LINKER)
        .env(
            "CARGO_TARGET_S390X_UNKNOWN_LINUX_GNU_RUNNER",
            format!("{} -L /usr/s390x-linux-gnu", runner.display()),
        )
        .args([
            "test",
            "--package",
            "oxbpf-object",
            "--lib",
            "--target",
            TARGET,
            "--",
        ])
        .args(args))
}
