//! What we cost: the demo, against what we promise, and the same work as our peers do, against theirs.

use crate::cargo::{Program, cargo, static_program};
use crate::kernel::Kernel;
use crate::process::{Context, Result, root, run, workspace};
use crate::vm::{Machine, quote};
use crate::{bench_command, peer, setup};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

pub(crate) const USAGE: &str =
    "demo [DEMO ARGS...] | peers [CASE...] | vm [CASE...] | command [--program OXBPF] | generated";

const RUNS: u32 = 30;

/// Promises: megabytes on disk, milliseconds of CPU, megabytes of memory at most and at rest.
const SIZE: f64 = 2.5;
const CPU: f64 = 50.0;
const PEAK: f64 = 12.0;
const REST: f64 = 6.0;

/// Linux counts CPU time in hundredths of a second for user space, whatever its own ticks are.
const TICK_MS: f64 = 10.0;

/// The shell adds up the time of its children, and has no others.
const RUN_ALL: &str = r#"
runs=$1; shift
while [ "$runs" -gt 0 ]; do "$@" >/dev/null || exit; runs=$((runs - 1)); done
read -r line </proc/$$/stat && echo "$line"
"#;

/// Says its process id, and becomes the program.
const RUN_ONE: &str = r#"echo $$; exec "$@""#;

pub(crate) fn main(args: &[String]) -> Result<()> {
    match args.split_first() {
        Some((what, args)) if what == "demo" => demo(args),
        Some((what, cases)) if what == "peers" => peers(cases),
        Some((what, cases)) if what == "vm" => inside(cases),
        Some((what, args)) if what == "command" => bench_command::main(args),
        Some((what, [])) if what == "generated" => generated(),
        None => demo(&[]).and(peers(&[])).and(bench_command::main(&[])),
        _ => Err(USAGE.into()),
    }
}

/// What bpf2rs takes to generate a module, and rustc to compile it, by the number of its types.
fn generated() -> Result<()> {
    let cost = ["run", "--quiet", "--package", "bpf2rs", "--example", "cost"];
    println!("generate a module, as a build script does:");
    run(cargo().args(cost).args(["--", "generate"]))?;
    println!("generate a module, as the command does:");
    run(cargo().args(cost).args(["--release", "--", "generate"]))?;
    println!("compile it, for development:");
    run(cargo().args(cost).args(["--", "build"]))
}

/// Runs `bench/` here, in a mount namespace of its own.
fn peers(cases: &[String]) -> Result<()> {
    let (programs, objects) = build_peers()?;
    run(root("unshare")
        .arg("--mount")
        .arg(programs.join("bench"))
        .arg("run")
        .arg(objects)
        .args(cases))
}

/// The kernel of the test machine that probes are measured in: a host may have none.
const KERNEL: &str = "6.12";

/// What is about functions of the kernel.
const PROBES: &[&str] = &[
    "kprobe",
    "kprobe-multi",
    "kprobes",
    "kprobes-in-turn",
    "kallsyms",
    "ksyms",
    "iterator",
];

/// Runs `bench/` inside a test machine.
fn inside(cases: &[String]) -> Result<()> {
    let (programs, objects) = build_peers()?;
    let bench = programs.join("bench");
    let peers = PEERS.map(|peer| programs.join(format!("peer-{peer}")));
    let cases: Vec<String> = match cases {
        [] => PROBES.iter().map(|case| quote(case)).collect(),
        cases => cases.iter().map(|case| quote(case)).collect(),
    };
    let words =
        [bench.display().to_string(), objects.display().to_string()].map(|word| quote(&word));
    let machine = Machine {
        files: [vec![bench, objects], peers.to_vec()].concat(),
        script: format!("{} run {} {}", words[0], words[1], cases.join(" ")),
        timeout: Duration::from_secs(3600),
        ..Machine::default()
    };
    let status = machine.run(&Kernel::get(KERNEL)?, |chunk| {
        let _ = std::io::stdout().write_all(chunk);
    })?;
    match status {
        0 => Ok(()),
        status => Err(format!("bench: exit status {status}").into()),
    }
}

const PEERS: [&str; 5] = ["oxbpf", "libbpf", "aya", "cilium", "bare"];

/// Builds `bench/`: where its programs are, and its objects.
fn build_peers() -> Result<(PathBuf, PathBuf)> {
    setup::main(&[])?;
    setup::install(setup::BENCH, Vec::new())?;
    let bench = workspace().join("bench");
    let target = bench.join("target");
    run(cargo()
        .args(["build", "--release", "--workspace", "--target-dir"])
        .arg(&target)
        .current_dir(&bench))?;
    let (programs, objects) = (target.join("release"), target.join("objects"));
    peer::cilium(&programs)?;
    run(Command::new(programs.join("bench"))
        .arg("compile")
        .arg(bench.join("objects"))
        .arg(&objects))?;
    Ok((programs, objects))
}

fn demo(args: &[String]) -> Result<()> {
    let program = static_program(&Program::DEMO)?;
    let size = std::fs::metadata(&program)
        .context(program.display())?
        .len() as f64
        / 1e6;
    let cpu = cpu_per_run(&program, args)?;
    let (peak, rest) = memory(&program, args)?;
    let rows = [
        ("size of the program", size, SIZE, "MB"),
        (
            "CPU time to start, attach, print one line and end",
            cpu,
            CPU,
            "ms",
        ),
        ("memory at most", peak, PEAK, "MB"),
        ("memory while it counts", rest, REST, "MB"),
    ];
    for (what, measured, promised, unit) in rows {
        let verdict = if measured <= promised {
            ""
        } else {
            "  TOO MUCH"
        };
        println!("{what:52} {measured:7.2} {unit}  (promised {promised}){verdict}");
    }
    if rows
        .iter()
        .all(|(_, measured, promised, _)| measured <= promised)
    {
        Ok(())
    } else {
        Err("more than was promised".into())
    }
}

/// Milliseconds, the mean of all runs.
fn cpu_per_run(program: &Path, args: &[String]) -> Result<f64> {
    let mut shell = root("sh");
    shell
        .args(["-c", RUN_ALL, "sh", &RUNS.to_string()])
        .arg(program)
        .args(args);
    let output = shell
        .args(["--count", "1", "--interval", "0.001"])
        .stderr(Stdio::inherit())
        .output()
        .context("sh")?;
    if !output.status.success() {
        return Err("the demo failed".into());
    }
    let stat = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(children_ticks(&stat)? * TICK_MS / f64::from(RUNS))
}

/// The CPU time, in user and in kernel mode, of the children in a line of `/proc/PID/stat`.
fn children_ticks(stat: &str) -> Result<f64> {
    // The name of the program is in parentheses and may hold anything. After it comes the third field.
    let (_, fields) = stat.rsplit_once(") ").ok_or("no name in /proc/PID/stat")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let tick = |number: usize| {
        fields
            .get(number - 3)
            .and_then(|field| field.parse::<f64>().ok())
    };
    Ok(tick(16)
        .zip(tick(17))
        .map(|(user, kernel)| user + kernel)
        .ok_or("no times in /proc/PID/stat")?)
}

/// Megabytes: the most it ever had, and what it has when it has printed its first line.
fn memory(program: &Path, args: &[String]) -> Result<(f64, f64)> {
    let mut shell = root("sh");
    shell
        .args(["-c", RUN_ONE, "sh"])
        .arg(program)
        .args(args)
        .args(["--count", "2", "--interval", "0.2"]);
    let mut child = shell.stdout(Stdio::piped()).spawn().context("sh")?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no pipe to read from")?).lines();
    let pid = lines
        .next()
        .ok_or("the demo did not start")?
        .context("sh")?;
    lines
        .next()
        .ok_or("the demo printed nothing")?
        .context("demo")?;
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", pid.trim())).context("/proc")?;
    lines.for_each(drop);
    child.wait().context("demo")?;
    let megabytes = |key: &str| {
        let value = status
            .lines()
            .find_map(|line| line.strip_prefix(key)?.trim().strip_suffix(" kB"));
        value
            .and_then(|kb| kb.parse::<f64>().ok())
            .map(|kb| kb * 1024.0 / 1e6)
    };
    Ok(megabytes("VmHWM:")
        .zip(megabytes("VmRSS:"))
        .ok_or("no memory in /proc/PID/status")?)
}

#[cfg(test)]
mod tests {
    use super::children_ticks;

    #[test]
    fn the_times_of_children_are_the_16th_and_17th_field() {
        let stat = "12 (a) b) S 1 12 12 0 -1 4194304 100 2000 0 0 5 6 70 8 20 0 1 0 100 0 0";
        assert_eq!(children_ticks(stat).unwrap(), 78.0);
        assert!(children_ticks("12 (sh) S 1").is_err());
    }
}
