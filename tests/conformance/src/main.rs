//! Shows the same BPF objects to oxbpf and to libbpf, and tells where they do not agree.
//!
//! `cargo xtask conformance` gathers the objects and calls this; README.md says what is compared.

mod compare;
mod expected;
mod libbpf;
mod loading;
mod mutants;
mod one;
mod opened;
mod paper;
mod pattern;
mod privileges;
mod record;
mod table;
mod tags;
mod xlated;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use compare::Difference;
use table::Table;

/// How many times as long an object may take as it may have of a CPU.
const PATIENCE: u32 = 8;

/// How much of a CPU an object takes that is worth a line.
const SLOW: Duration = Duration::from_secs(60);

const USAGE: &str = "usage: conformance [--table FILE] [--known] [--btf FILE]... [--only PART]... [--no-load] [--no-types] [--jobs N] [--timeout SECONDS] [--mutants N [--from N] [--keep DIRECTORY]] DIRECTORY|OBJECT...
Compares how libbpf and oxbpf open, relocate and load objects. Needs root for loading.
--only PART   of the objects below a directory only those whose path there begins so
--timeout S   how much of a CPU an object may take
--btf FILE    relocate against these types, too
--no-load     leave the kernel alone
--no-types    do not relocate on paper
--table FILE  differences that are known, with reasons
--known       show them, too
--mutants N   compare so many mutants of each object instead, on paper only
--from N      the number of the first mutant
--keep DIRECTORY  where mutants go that differ unexpectedly";

#[derive(Clone, Debug)]
struct Options {
    table: Option<PathBuf>,
    known: bool,
    btf: Vec<PathBuf>,
    load: bool,
    types: bool,
    jobs: usize,
    timeout: Duration,
    only: Vec<String>,
    paths: Vec<PathBuf>,
    /// How many mutants of each object to compare instead of it, and the number of the first one.
    mutants: Option<u64>,
    from: u64,
    keep: Option<PathBuf>,
    /// Compare the only path in this process.
    one: bool,
}

/// What came out of one object.
#[derive(Debug, Default)]
struct Outcome {
    differences: Vec<Difference>,
    counts: BTreeMap<String, usize>,
    /// Of what the object expects of itself, what neither library gets from this kernel.
    unmet: Vec<String>,
    /// What was printed beside that, libbpf's warnings among it.
    said: String,
    /// How much of a CPU it took.
    used: Duration,
}

fn main() -> ExitCode {
    let result = parse(std::env::args().skip(1)).and_then(|options| match &options.paths[..] {
        [path] if options.one => match options.mutants {
            Some(count) => mutants::run(path, options.from, count).map(|()| true),
            None => one::run(path, &options).map(|()| true),
        },
        _ => all(&options),
    });
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("conformance: {error}");
            ExitCode::from(2)
        }
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        table: None,
        known: false,
        btf: Vec::new(),
        load: true,
        types: true,
        jobs: std::thread::available_parallelism().map_or(1, usize::from),
        timeout: Duration::from_secs(1800),
        only: Vec::new(),
        paths: Vec::new(),
        mutants: None,
        from: 0,
        keep: None,
        one: false,
    };
    while let Some(word) = args.next() {
        let mut value = || args.next().ok_or(format!("{word} needs a value"));
        let number = |text: String| {
            text.parse::<u64>()
                .map_err(|error| format!("{text}: {error}"))
        };
        match word.as_str() {
            "--table" => options.table = Some(value()?.into()),
            "--btf" => options.btf.push(value()?.into()),
            "--known" => options.known = true,
            "--no-load" => options.load = false,
            "--no-types" => options.types = false,
            "--jobs" => options.jobs = number(value()?)? as usize,
            "--timeout" => options.timeout = Duration::from_secs(number(value()?)?),
            "--only" => options.only.push(value()?),
            "--mutants" => options.mutants = Some(number(value()?)?),
            "--from" => options.from = number(value()?)?,
            "--keep" => options.keep = Some(value()?.into()),
            "--one" => options.one = true,
            option if option.starts_with('-') => {
                return Err(format!("no option {option}\n{USAGE}"));
            }
            path => options.paths.push(path.into()),
        }
    }
    match options.paths.is_empty() {
        true => Err(USAGE.to_owned()),
        false => Ok(options),
    }
}

/// Compares all objects; true if there was no difference but known ones.
fn all(options: &Options) -> Result<bool, String> {
    let table = match &options.table {
        Some(file) => {
            let text = std::fs::read_to_string(file);
            let text = text.map_err(|error| format!("{}: {error}", file.display()))?;
            Table::parse(&text).map_err(|error| format!("{}: {error}", file.display()))?
        }
        None => Table::default(),
    };
    let mut objects = Vec::new();
    for path in &options.paths {
        gather(path, path, &mut objects)?;
    }
    objects.retain(|(name, _)| {
        let mut only = options.only.iter();
        options.only.is_empty() || only.any(|part| name.starts_with(part.as_str()))
    });
    objects.sort();
    if objects.is_empty() {
        return Err("there are no objects".to_owned());
    }

    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(|| {
                while let Some((name, file)) = objects.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = match options.mutants {
                        Some(count) => mutants::of(file, options.from, count),
                        None => in_process(file, options),
                    };
                    let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                    outcomes.insert(name.clone(), outcome);
                }
            });
        }
    });
    let outcomes = outcomes
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);

    let mut totals: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut known = vec![0; table.0.len()];
    let mut unexpected = 0;
    for (name, outcome) in &outcomes {
        let group = name.split_once('/').map_or("others", |(group, _)| group);
        let mut add = |what, count| *totals.entry((group, what)).or_default() += count;
        add("objects", 1);
        for (what, count) in &outcome.counts {
            add(what, *count);
        }
        for expectation in &outcome.unmet {
            println!("UNMET\t{name}\t{expectation}");
        }
        let mut shown = false;
        for difference in &outcome.differences {
            match table.find(name, difference) {
                Some(row) => {
                    known[row] += 1;
                    if options.known {
                        println!("KNOWN\t{name}\t{difference}\t{}", table.0[row].reason);
                    }
                }
                None => {
                    unexpected += 1;
                    add("unexpected differences", 1);
                    shown = true;
                    println!("DIFFERENCE\t{name}\t{difference}");
                    if let (Some(dir), Some(number)) = (&options.keep, mutants::number(difference))
                    {
                        let file = objects.iter().find(|(object, _)| object == name);
                        let kept = file.map(|(_, file)| mutants::keep(file, number, dir));
                        if let Some(Err(error)) = kept {
                            eprintln!("{}: {error}", dir.display());
                        }
                    }
                }
            }
        }
        if shown {
            let said: Vec<&str> = outcome.said.lines().rev().take(12).collect();
            said.iter().rev().for_each(|line| println!("  | {line}"));
        }
    }
    for ((group, what), count) in totals {
        println!("TOTAL\t{group}\t{what}\t{count}");
    }
    for (row, count) in table.0.iter().zip(&known) {
        println!("ROW\t{}\t{count}\t{}", row.line, row.reason);
    }
    let mut slow: Vec<_> = outcomes
        .iter()
        .map(|(name, outcome)| (outcome.used, name))
        .filter(|(used, _)| *used >= SLOW)
        .collect();
    slow.sort();
    for (used, name) in slow.iter().rev() {
        println!("SLOW\t{name}\t{} s", used.as_secs());
    }
    println!(
        "{} objects, {unexpected} unexpected differences",
        outcomes.len()
    );
    Ok(unexpected == 0)
}

/// The objects below a path, with what they are called in reports.
fn gather(root: &Path, path: &Path, objects: &mut Vec<(String, PathBuf)>) -> Result<(), String> {
    if !path.is_dir() {
        let name = path.strip_prefix(root).unwrap_or(path);
        let name = if name.as_os_str().is_empty() {
            path
        } else {
            name
        };
        objects.push((name.display().to_string(), path.to_owned()));
        return Ok(());
    }
    let cannot = |error| format!("{}: {error}", path.display());
    for entry in std::fs::read_dir(path).map_err(cannot)? {
        let entry = entry.map_err(cannot)?.path();
        let hidden = entry
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden {
            continue;
        }
        if entry.is_dir() || entry.extension().is_some_and(|end| end == "o") {
            gather(root, &entry, objects)?;
        }
    }
    Ok(())
}

/// How much of a CPU a process has had, in itself and in the kernel. Others may be at work here, too: on a crowded machine
/// an object takes longer, but not more of this.
fn cpu_time(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // After the name, which may have spaces in it, comes the third field.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    // SAFETY: it takes a number and gives one.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) }.max(1) as u64;
    Duration::from_millis(ticks * 1000 / per_second)
}

/// Compares one object in a process of its own, which may crash or hang.
fn in_process(file: &Path, options: &Options) -> Outcome {
    match try_in_process(file, options) {
        Ok(outcome) => outcome,
        Err(error) => Outcome {
            differences: vec![Difference::new("comparison", "ends", error)],
            ..Outcome::default()
        },
    }
}

fn try_in_process(file: &Path, options: &Options) -> Result<Outcome, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.arg("--one").arg(file);
    for btf in &options.btf {
        command.arg("--btf").arg(btf);
    }
    if !options.load {
        command.arg("--no-load");
    }
    if !options.types {
        command.arg("--no-types");
    }
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = child.spawn().map_err(|error| error.to_string())?;
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let read = |stream: &mut dyn Read| {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let deadline = Instant::now() + PATIENCE * options.timeout;
    let mut used = Duration::ZERO;
    let (printed, said, status) = std::thread::scope(|scope| {
        let printed = scope.spawn(|| stdout.as_mut().map(|stream| read(stream)));
        let said = scope.spawn(|| stderr.as_mut().map(|stream| read(stream)));
        let status = loop {
            let so_far = cpu_time(child.id());
            used = used.max(so_far);
            match child.try_wait() {
                Ok(None) if Instant::now() < deadline && used < options.timeout => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Ok(None) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    break Err(format!("still running after {used:.0?} on a CPU"));
                }
                Ok(Some(status)) if status.success() => break Ok(()),
                Ok(Some(status)) => break Err(status.to_string()),
                Err(error) => break Err(error.to_string()),
            }
        };
        let text = |thread: std::thread::ScopedJoinHandle<'_, Option<String>>| {
            thread.join().ok().flatten().unwrap_or_default()
        };
        (text(printed), text(said), status)
    });
    let mut outcome = Outcome {
        said,
        used,
        ..Outcome::default()
    };
    for line in printed.lines() {
        match line.split_once('\t') {
            Some(("difference", rest)) => outcome.differences.extend(Difference::parse(rest)),
            Some(("count", rest)) => {
                if let Some((what, count)) = rest.split_once('\t') {
                    *outcome.counts.entry(what.to_owned()).or_default() +=
                        count.parse().unwrap_or(0);
                }
            }
            Some(("unmet", rest)) => outcome.unmet.push(rest.to_owned()),
            _ => outcome.said.push_str(line),
        }
    }
    if let Err(error) = status {
        let error = format!(
            "{error}: {}",
            outcome.said.lines().last().unwrap_or_default()
        );
        outcome
            .differences
            .push(Difference::new("comparison", "ends", error));
    }
    Ok(outcome)
}
