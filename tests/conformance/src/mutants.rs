//! Mutants of the objects, through both libraries on paper: what both open they agree on, whatever is wrong with it.
//!
//! libbpf crashes on some, or goes on for ever: a process takes a few of them, and another one goes on behind the last.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use fuzz_mutate::{elf, mutant};
use oxbpf::object::btf::Btf;
use oxbpf::object::core_reloc::CoreReloc;
use oxbpf::object::spec::CollectionSpec;

use crate::compare::{self, Difference};
use crate::libbpf::{self, Object, silent};
use crate::{Outcome, opened, paper};

/// How many mutants a process takes.
const BATCH: u64 = 64;

/// How many seconds both libraries have for one mutant, on a machine that has other things to do.
const SECONDS: u32 = 30;

/// What a process is about to do with a mutant, which is told to the one that watches it.
const ALONE: &str = "oxbpf";
const BOTH: &str = "both";

/// Compares that many mutants of an object, beginning with the one of number `from`.
pub(crate) fn of(file: &Path, from: u64, count: u64) -> Outcome {
    let mut outcome = Outcome::default();
    let mut next = from;
    while next < from + count {
        match batch(file, next, (from + count - next).min(BATCH), &mut outcome) {
            Ok(after) => next = after,
            Err(error) => {
                let what = format!("mutant {next}: comparison");
                let difference = Difference::new(what, "ends", error);
                outcome.differences.push(difference);
                return outcome;
            }
        }
    }
    outcome
}

/// One process, which may come to an end before it is done. Gives the number to go on with.
fn batch(file: &Path, from: u64, count: u64, outcome: &mut Outcome) -> Result<u64, String> {
    let (at, status) = watch(file, from, count, outcome)?;
    if status.success() {
        return Ok(from + count);
    }
    let (number, phase) = at.ok_or_else(|| status.to_string())?;
    // If it is our doing, we do it again without libbpf, which may have written to memory that is not its own.
    let is_ours = match phase.as_str() {
        ALONE => !watch(file, number, 1, &mut Outcome::default())?.1.success(),
        _ => status.signal().is_none(),
    };
    let what = match status.signal() {
        _ if is_ours => {
            let what = format!("mutant {number}: comparison");
            let difference = Difference::new(what, "ends", status.to_string());
            outcome.differences.push(difference);
            return Ok(number + 1);
        }
        Some(libc::SIGALRM) => "mutants that libbpf does not come to an end with",
        _ => "mutants that libbpf crashed on",
    };
    *outcome.counts.entry(what.to_owned()).or_default() += 1;
    Ok(number + 1)
}

/// What a process was at, and how it ended.
type End = (Option<(u64, String)>, ExitStatus);

fn watch(file: &Path, from: u64, count: u64, outcome: &mut Outcome) -> Result<End, String> {
    let mut child = start(file, from, count).map_err(|error| error.to_string())?;
    let stdout = child.stdout.take().ok_or("no output")?;
    let mut at = None;
    for line in BufReader::new(stdout).lines() {
        let line = line.map_err(|error| error.to_string())?;
        match line.split('\t').collect::<Vec<_>>()[..] {
            ["at", number, phase] => {
                let number = number.parse().map_err(|_| line.clone())?;
                at = Some((number, phase.to_owned()));
            }
            ["count", what] => *outcome.counts.entry(what.to_owned()).or_default() += 1,
            ["difference", subject, theirs, ours] => {
                let number = at.as_ref().map_or(0, |(number, _)| *number);
                let subject = format!("mutant {number}: {subject}");
                let difference = Difference::new(subject, theirs, ours);
                outcome.differences.push(difference);
            }
            _ => {}
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    Ok((at, status))
}

fn start(file: &Path, from: u64, count: u64) -> std::io::Result<Child> {
    let (from, count) = (from.to_string(), count.to_string());
    Command::new(std::env::current_exe()?)
        .args(["--one", "--mutants", &count, "--from", &from])
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

/// Writes the mutant of a number, to be looked at.
pub(crate) fn keep(file: &Path, number: u64, dir: &Path) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(dir)?;
    let seeds = [std::fs::read(file)?];
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let kept = dir.join(format!("{stem}-{number}.o"));
    let mut bytes = Vec::new();
    mutant("conformance", number, &seeds, elf::mutate, &mut bytes);
    std::fs::write(&kept, bytes)?;
    Ok(kept)
}

/// Compares mutants in this process, and prints what was found.
pub(crate) fn run(file: &Path, from: u64, count: u64) -> Result<(), String> {
    let seed = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    // Programs are relocated against the types of the object that the mutant is made of: these are few, and nearly fit.
    let btf = Btf::parse_elf(&seed).ok();
    let types = btf.as_ref().map(|btf| paper::Types {
        name: "its own types",
        file: Some(file),
        btf,
    });
    silent();
    let seeds = [seed.clone()];
    let mut bytes = Vec::new();
    for number in from..from + count {
        // SAFETY: has the kernel end this process if that is not taken back in time.
        unsafe { libc::alarm(SECONDS) };
        mutant("conformance", number, &seeds, elf::mutate, &mut bytes);
        tell(format_args!("at\t{number}\t{ALONE}"));
        let ours = CollectionSpec::parse_named("mutant", &bytes);
        if let (Ok(spec), Some(types)) = (&ours, types) {
            alone(spec, types.btf);
        }
        tell(format_args!("at\t{number}\t{BOTH}"));
        one(&bytes, ours, types);
    }
    Ok(())
}

fn tell(line: std::fmt::Arguments<'_>) {
    let mut stdout = std::io::stdout().lock();
    let written = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    written.expect("somebody reads this");
}

/// What we do without libbpf, so that it is known whose doing it is when the process ends.
fn alone(spec: &CollectionSpec, types: &Btf) {
    let mut core = spec.btf.as_ref().map(|btf| CoreReloc::new(btf, types));
    for program in 0..spec.programs().len() {
        let Ok(mut assembled) = spec.assemble(program) else {
            continue;
        };
        if let Some(core) = &mut core {
            core.announce(assembled.core_relos.iter().map(|relo| relo.record));
            let _ = core.relocate(&mut assembled.insns, &assembled.core_relos);
        }
    }
}

fn one<E: std::fmt::Display>(
    bytes: &[u8],
    ours: Result<CollectionSpec, E>,
    types: Option<paper::Types<'_>>,
) {
    let naming = libbpf::Options {
        name: "mutant",
        ..libbpf::Options::default()
    };
    let theirs = Object::open(bytes, naming);
    tell(format_args!("count\tmutants"));
    let mut found = Vec::new();
    match (&ours, &theirs) {
        (Ok(spec), Ok(object)) => {
            tell(format_args!("count\tmutants opened by both"));
            found.extend(compare::facts(&opened::theirs(object), &opened::ours(spec)));
            drop(theirs);
            // They are told apart by their names.
            let names: BTreeSet<_> = spec
                .programs()
                .iter()
                .map(|program| &program.name)
                .collect();
            let is_clear = found.is_empty() && names.len() == spec.programs().len();
            if let (true, Some(types)) = (is_clear, types) {
                let (compared, differing) = paper::compare(bytes, spec, types);
                (0..compared).for_each(|_| tell(format_args!("count\tprograms of mutants")));
                found.extend(differing);
            }
        }
        (Err(error), Ok(_)) => {
            tell(format_args!("count\tmutants opened by libbpf only"));
            found.push(Difference::new("open", "yes", error.to_string()));
        }
        (Ok(_), Err(errno)) => {
            tell(format_args!("count\tmutants opened by oxbpf only"));
            found.push(Difference::new("open", compare::errno(*errno), "yes"));
        }
        (Err(_), Err(_)) => tell(format_args!("count\tmutants refused by both")),
    }
    for difference in found {
        tell(format_args!("difference\t{difference}"));
    }
}

/// The number of the mutant that a difference is about.
pub(crate) fn number(difference: &Difference) -> Option<u64> {
    let rest = difference.subject.strip_prefix("mutant ")?;
    rest.split(':').next()?.parse().ok()
}
