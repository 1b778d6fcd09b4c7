//! Mutates the seeds of the targets until time is up, on all processors, with no more than stable Rust.
//!
//! `oxbpf-fuzz [--time SECONDS] [--jobs N] [--from N] [--corpus DIR] [TARGET...]` runs the targets in turn;
//! `oxbpf-fuzz replay TARGET FILE...` runs files; `oxbpf-fuzz seeds DIR` writes the seeds as files. A mutant has a number and is always the same, as long as the seeds are.
//!
//! Each target runs in a process of its own: an overflow of the stack, or memory that is not there, ends that one alone,
//! and then the mutants it was at are run again, one by one, to find the one at fault.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fuzz_targets::{Cap, Seeds, TARGETS, Target, Verdict, check};

#[global_allocator]
static ALLOCATOR: Cap = Cap;

/// Where inputs go that do harm.
const FINDINGS: &str = "findings";

/// How many mutants a thread takes at a time.
const BATCH: u64 = 1024;

/// An input that is not done after this time is told, and ends the run.
const HANG: Duration = Duration::from_secs(20);

struct Options {
    time: Duration,
    jobs: usize,
    /// The number of the first mutant.
    from: u64,
    /// How many mutants there may be at most.
    count: u64,
    /// Names each mutant before it is run.
    verbose: bool,
    corpus: Option<PathBuf>,
    targets: Vec<&'static Target>,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let result = match args.split_first() {
        Some((first, rest)) if first == "replay" => replay(rest),
        Some((first, rest)) if first == "seeds" => write_seeds(rest),
        Some((first, rest)) if first == "here" => options(rest).and_then(|options| fuzz(&options)),
        _ => options(&args).and_then(|options| apart(&options)),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("oxbpf-fuzz: {message}");
            ExitCode::from(2)
        }
    }
}

fn named(name: &str) -> Result<&'static Target, String> {
    Target::named(name).ok_or_else(|| {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        format!("no target `{name}`; there are {}", names.join(", "))
    })
}

fn options(args: &[String]) -> Result<Options, String> {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let mut options = Options {
        time: Duration::from_secs(60),
        jobs,
        from: 0,
        count: u64::MAX,
        verbose: false,
        corpus: None,
        targets: Vec::new(),
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg}: what?"));
        let number = |text: &str| text.parse().map_err(|_| format!("{text}: not a number"));
        match arg.as_str() {
            "--time" => options.time = Duration::from_secs(number(value()?)?),
            "--jobs" => options.jobs = number(value()?)?.max(1) as usize,
            "--from" => options.from = number(value()?)?,
            "--count" => options.count = number(value()?)?,
            "--verbose" => options.verbose = true,
            "--corpus" => options.corpus = Some(value()?.into()),
            name => options.targets.push(named(name)?),
        }
    }
    if options.targets.is_empty() {
        options.targets.extend(TARGETS);
    }
    Ok(options)
}

fn write_seeds(args: &[String]) -> Result<bool, String> {
    let [dir] = args else {
        return Err("seeds DIR".to_owned());
    };
    Seeds::new()
        .write(Path::new(dir))
        .map_err(|error| error.to_string())?;
    Ok(true)
}

/// Runs each target in a process of its own.
fn apart(options: &Options) -> Result<bool, String> {
    let share = options.time / options.targets.len() as u32;
    let mut fine = true;
    for target in &options.targets {
        let mut child = here(options, target.name)?;
        child.args(["--time", &share.as_secs().max(1).to_string()]);
        child.args([
            "--jobs",
            &options.jobs.to_string(),
            "--from",
            &options.from.to_string(),
        ]);
        child.args(["--count", &options.count.to_string()]);
        let status = child.status().map_err(|error| error.to_string())?;
        fine &= status.success();
        if status.code().is_none() {
            eprintln!("{}: {status}", target.name);
            blame(options, target)?;
        }
    }
    Ok(fine)
}

fn here(options: &Options, target: &str) -> Result<Command, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut child = Command::new(program);
    child.args(["here", target]);
    if let Some(corpus) = &options.corpus {
        child.arg("--corpus").arg(corpus);
    }
    Ok(child)
}

/// Finds the mutant that ended a process, of those that its threads were at.
fn blame(options: &Options, target: &Target) -> Result<(), String> {
    for job in 0..options.jobs {
        let Ok(first) = std::fs::read_to_string(progress(target, job)) else {
            continue;
        };
        let mut child = here(options, target.name)?;
        child.args([
            "--verbose",
            "--jobs",
            "1",
            "--from",
            first.trim(),
            "--count",
            &BATCH.to_string(),
        ]);
        let output = child.output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stderr);
        let last = text
            .lines()
            .filter_map(|line| line.strip_prefix("at ")?.parse().ok())
            .last();
        if let (None, Some(number)) = (output.status.code(), last) {
            let mut mutant = Vec::new();
            target.mutant(&seeds(options, target, &Seeds::new()), number, &mut mutant);
            report(target, number, &output.status.to_string(), &mutant);
        }
    }
    Ok(())
}

/// Where a thread writes which batch it is at.
fn progress(target: &Target, job: usize) -> PathBuf {
    Path::new(FINDINGS).join(format!(".{}-{job}", target.name))
}

fn seeds(options: &Options, target: &Target, made: &Seeds) -> Vec<Vec<u8>> {
    let mut seeds = (target.seeds)(made);
    if let Some(corpus) = &options.corpus {
        seeds.extend(files(&corpus.join(target.name)));
    }
    seeds
}

fn replay(args: &[String]) -> Result<bool, String> {
    let (name, files) = args.split_first().ok_or("replay TARGET FILE...")?;
    let target = named(name)?;
    let mut fine = true;
    for file in files {
        let input = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
        let start = Instant::now();
        let verdict = check(target, &input);
        println!(
            "{file}: {verdict:?}, {} bytes at most, {:?}",
            Cap::peak(),
            start.elapsed()
        );
        fine &= verdict == Verdict::Fine;
    }
    Ok(fine)
}

fn fuzz(options: &Options) -> Result<bool, String> {
    std::fs::create_dir_all(FINDINGS).map_err(|error| error.to_string())?;
    let made = Seeds::new();
    let share = options.time / options.targets.len() as u32;
    let mut findings = 0;
    for target in &options.targets {
        let seeds = seeds(options, target, &made);
        if seeds.is_empty() {
            println!("{:15} skipped: no clang to make seeds with", target.name);
            continue;
        }
        let start = Instant::now();
        let (count, found) = run(target, &seeds, options, start + share);
        findings += found;
        println!(
            "{:15} {count:>12} executions, {:>9.0} a second, from {}, {found} findings",
            target.name,
            count as f64 / start.elapsed().as_secs_f64(),
            options.from
        );
    }
    Ok(findings == 0)
}

fn files(dir: &Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
        .iter()
        .filter_map(|path| std::fs::read(path).ok())
        .collect()
}

/// Runs mutants on all threads until it is time; how many, and how many did harm.
fn run(target: &Target, seeds: &[Vec<u8>], options: &Options, end: Instant) -> (u64, u64) {
    let next = AtomicU64::new(options.from);
    let (done, findings) = (AtomicU64::new(0), AtomicU64::new(0));
    let finished = AtomicBool::new(false);
    // What each thread is at.
    let current: Vec<AtomicU64> = (0..options.jobs)
        .map(|_| AtomicU64::new(u64::MAX))
        .collect();
    std::thread::scope(|scope| {
        let workers: Vec<_> = current
            .iter()
            .enumerate()
            .map(|(job, current)| {
                let (next, done, findings) = (&next, &done, &findings);
                scope.spawn(move || {
                    let mut mutant = Vec::new();
                    while Instant::now() < end {
                        let first = next.fetch_add(BATCH, Ordering::Relaxed);
                        if first - options.from >= options.count {
                            break;
                        }
                        let _ = std::fs::write(progress(target, job), first.to_string());
                        for number in first..first + BATCH {
                            if options.verbose {
                                eprintln!("at {number}");
                            }
                            current.store(number, Ordering::Relaxed);
                            target.mutant(seeds, number, &mut mutant);
                            let verdict = check(target, &mutant);
                            if verdict != Verdict::Fine {
                                findings.fetch_add(1, Ordering::Relaxed);
                                report(target, number, &format!("{verdict:?}"), &mutant);
                            }
                        }
                        done.fetch_add(BATCH, Ordering::Relaxed);
                    }
                    current.store(u64::MAX, Ordering::Relaxed);
                })
            })
            .collect();
        scope.spawn(|| watch(target, seeds, &current, &finished));
        for worker in workers {
            let _ = worker.join();
        }
        finished.store(true, Ordering::Relaxed);
    });
    (done.into_inner(), findings.into_inner())
}

/// Ends the process if a thread does not get on.
fn watch(target: &Target, seeds: &[Vec<u8>], current: &[AtomicU64], finished: &AtomicBool) {
    let mut seen = vec![(u64::MAX, Instant::now()); current.len()];
    while !finished.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(100));
        for (current, (number, since)) in current.iter().zip(&mut seen) {
            let now = current.load(Ordering::Relaxed);
            if now != *number {
                (*number, *since) = (now, Instant::now());
            } else if now != u64::MAX && since.elapsed() > HANG {
                let mut mutant = Vec::new();
                target.mutant(seeds, now, &mut mutant);
                report(target, now, "it does not end", &mutant);
                std::process::exit(1);
            }
        }
    }
}

fn report(target: &Target, number: u64, what: &str, input: &[u8]) {
    let path = Path::new(FINDINGS).join(format!("{}-{number}", target.name));
    let kept = std::fs::write(&path, input);
    eprintln!(
        "{}: mutant {number}: {what}; {}: {kept:?}",
        target.name,
        path.display()
    );
}
