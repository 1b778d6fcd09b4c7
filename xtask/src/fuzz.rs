//! Fuzzing: `fuzz/`, with our own mutations on all processors, or guided by coverage.

use crate::cargo::cargo;
use crate::process::{Result, output, run, workspace};
use std::process::Command;

pub(crate) const USAGE: &str = "[--guided] [--time SECONDS] [TARGET...]";

/// What libFuzzer wants to see: which edges were taken, what was compared. All of it is in stable Rust.
const INSTRUMENTED: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

pub(crate) fn main(args: &[String]) -> Result<()> {
    match args.split_first() {
        Some((first, args)) if first == "--guided" => guided(args),
        _ => run(cargo_fuzz()
            .args(["run", "--release", "--bin", "oxbpf-fuzz", "--"])
            .args(args)),
    }
}

fn cargo_fuzz() -> Command {
    let mut cargo = cargo();
    cargo.current_dir(workspace().join("fuzz"));
    cargo
}

/// Each target in turn, with the corpus that is there and what is found on the way.
fn guided(args: &[String]) -> Result<()> {
    let mut seconds = 60;
    let mut targets = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--time" => seconds = args.next().ok_or("--time: how long?")?.parse()?,
            target => targets.push(target.to_owned()),
        }
    }
    let corpus = workspace().join("fuzz/corpus");
    // The seeds are where guidance begins, too.
    run(cargo_fuzz()
        .args(["run", "--release", "--bin", "oxbpf-fuzz", "--", "seeds"])
        .arg(&corpus))?;
    if targets.is_empty() {
        for entry in std::fs::read_dir(&corpus)? {
            targets.push(entry?.file_name().to_string_lossy().into_owned());
        }
        targets.sort();
    }
    let version = output(Command::new("rustc").arg("-vV"))?;
    let version = String::from_utf8_lossy(&version).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or("rustc does not say what this machine is")?;
    // With a target named, build scripts are not instrumented.
    let build = [
        "build",
        "--release",
        "--features",
        "libfuzzer",
        "--bin",
        "guided",
        "--target",
        host,
    ];
    run(cargo_fuzz()
        .args(build)
        .env("RUSTFLAGS", INSTRUMENTED)
        .env("CARGO_TARGET_DIR", workspace().join("fuzz/target/guided")))?;
    let program = workspace().join(format!("fuzz/target/guided/{host}/release/guided"));
    let share = (seconds / targets.len() as u64).max(1);
    for target in &targets {
        eprintln!("==> {target}");
        run(Command::new(&program)
            .current_dir(workspace().join("fuzz"))
            .env("OXBPF_FUZZ_TARGET", target)
            .arg(corpus.join(target))
            .arg(format!("-max_total_time={share}"))
            .args([
                "-max_len=65536",
                "-rss_limit_mb=2048",
                "-timeout=10",
                "-print_final_stats=1",
                "-verbosity=0",
            ])
            .arg(format!("-artifact_prefix=findings/{target}-")))?;
    }
    Ok(())
}
