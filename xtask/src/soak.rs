//! The soak tests, for as long as one likes.

use crate::cargo::cargo;
use crate::process::{Context, Result, run};
use std::process::Command;

pub(crate) const USAGE: &str = "[--time SECONDS]";

/// Side by side, each in a process of its own, whose memory and descriptors it watches.
const TESTS: &[&str] = &[
    "loading_and_attaching_leaves_nothing",
    "rings_are_read_for_as_long_as_one_likes",
];

pub(crate) fn main(args: &[String]) -> Result<()> {
    let seconds = match args {
        [] => "3600",
        [option, seconds] if option == "--time" => seconds,
        _ => return Err(format!("usage: soak {USAGE}").into()),
    };
    run(soak().arg("--no-run"))?;
    let mut running = Vec::new();
    for test in TESTS {
        let mut soak = soak();
        soak.args(["--", "--ignored", "--nocapture", "--exact", test]);
        running.push((test, soak.env("OXBPF_SOAK", seconds).spawn().context(test)?));
    }
    let mut failed = Vec::new();
    for (test, mut process) in running {
        let status = process.wait().context(test)?;
        if !status.success() {
            failed.push(format!("{test}: {status}"));
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(failed.join("; ").into()),
    }
}

fn soak() -> Command {
    let mut cargo = cargo();
    cargo
        .args(["test", "--release", "--package", "oxbpf", "--test", "soak"])
        // Linking for speed would take longer than it gains, and a failure is to be told.
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    cargo
}
