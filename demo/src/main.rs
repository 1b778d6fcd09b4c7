//! Count calls of a kernel function, once a second.
//!
//! The BPF program is `bpf/exec_count.bpf.c`; `bpf/exec_count.rs` is its typed view, made by
//! `bpf2rs`. This file chooses a way to attach it ([`attach`]), then reads one number a second.

mod attach;
mod report;

#[rustfmt::skip]
#[path = "bpf/exec_count.rs"]
mod exec_count;

use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use clap::Parser;

use attach::Method;
use report::Report;

/// Count calls of a kernel function with a BPF program, once a second.
#[derive(Debug, Parser)]
#[command(name = "exec-count", version = VERSION)]
struct Args {
    /// The kernel function to count, as in /proc/kallsyms, or the name of a system call
    #[arg(long, value_name = "NAME", default_value = "sys_execve")]
    function: String,

    /// How to attach; `auto` takes the first that this kernel can do
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Choice::Auto)]
    attach: Choice,

    /// Seconds between two lines
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = parse_seconds)]
    interval: Duration,

    /// Stop after this many lines
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// `git describe` where the build was told it, else the version of the package.
const VERSION: &str = match option_env!("OXBPF_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Choice {
    Auto,
    Kprobe,
    Kretprobe,
    Fentry,
    Tracepoint,
    #[value(name = "raw_tp")]
    RawTp,
}

impl Choice {
    fn methods(self) -> &'static [Method] {
        match self {
            Self::Auto => &Method::AUTO,
            Self::Kprobe => &[Method::Kprobe],
            Self::Kretprobe => &[Method::Kretprobe],
            Self::Fentry => &[Method::Fentry],
            Self::Tracepoint => &[Method::Tracepoint],
            Self::RawTp => &[Method::RawTp],
        }
    }
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|e| format!("{e}"))?;
    // A millisecond is below what a line a second can sensibly mean, a day above it.
    if !(0.001..=86_400.0).contains(&seconds) {
        return Err("not between 0.001 and 86400 seconds".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our lines has read enough.
        Err(e) if is_broken_pipe(&*e) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("exec-count: {e}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}

fn run(args: &Args) -> Result<(), Box<dyn std::error::Error>> {
    let (stop, stopped) = mpsc::channel();
    ctrlc::set_handler(move || _ = stop.send(()))?;

    let counter = attach::first(args.attach.methods(), &args.function)?;
    eprintln!("{}", counter.describe());

    let start = Instant::now();
    let mut report = Report::new(&args.function, args.json);
    let mut next = start;
    while args.count.is_none_or(|n| report.lines() < n) {
        // Deadlines are absolute, so that lines do not drift apart.
        next += args.interval;
        match stopped.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Err(RecvTimeoutError::Timeout) => report.line(counter.total()?)?,
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let total = counter.total()?;
    counter.detach()?;
    report.summary(total, start.elapsed())?;
    Ok(())
}
