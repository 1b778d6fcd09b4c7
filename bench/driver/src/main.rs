//! The same work done by oxbpf and its peers: runs them in turn and prints what each took.
//!
//! `bench compile OBJECT_SOURCES DIRECTORY` makes the objects, `bench run DIRECTORY [CASE...]` measures, as root, in a mount
//! namespace of its own.

mod case;
mod functions;
mod kernel;
mod objects;
mod peer;
mod table;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use case::{CASES, Case, Measure, Prepare, Subject};
use kernel::Kernel;
use objects::Objects;
use peer::Peer;
use table::{Row, Spread};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match &arguments[..] {
        ["compile", sources, directory] => {
            Objects::compile(Path::new(sources), Path::new(directory)).map(drop)
        }
        ["run", directory, wanted @ ..] => measure_all(Path::new(directory), wanted),
        _ => Err("usage: bench compile SOURCES DIRECTORY | bench run DIRECTORY [CASE...]".into()),
    }
}

/// Prints all cases, or those that are wanted.
fn measure_all(directory: &Path, wanted: &[&str]) -> Result<()> {
    let objects = Objects::compiled(directory);
    let mut kernel = None;
    let programs = std::env::current_exe()?;
    let programs = programs.parent().ok_or("no directory")?;
    let mut kept = true;
    println!("{}", table::HEAD);
    for case in CASES {
        let is_wanted = wanted.is_empty() || wanted.contains(&case.name);
        let is_possible =
            !matches!(case.subject, Subject::Functions(..)) || functions::can_be_probed();
        if is_wanted && is_possible {
            kept &= measure(case, &objects, &mut kernel, programs)?;
        } else if is_wanted {
            eprintln!(
                "{}: this kernel has no kprobes; `cargo xtask bench vm` has",
                case.name
            );
        }
    }
    match kept {
        true => Ok(()),
        false => Err("more than was promised".into()),
    }
}

/// Does a case with all its peers and prints a row for each; whether what was promised was kept.
fn measure(
    case: &Case,
    objects: &Objects,
    kernel: &mut Option<Kernel>,
    programs: &Path,
) -> Result<bool> {
    if kernel.is_none() && matches!(case.subject, Subject::Map(..)) {
        *kernel = Some(Kernel::new(objects)?);
    }
    let kernel = kernel.as_ref();
    let argument = match case.subject {
        Subject::Object(name) => objects.path(name).display().to_string(),
        Subject::WithMinimalBtf(name) => {
            format!(
                "{},{}",
                objects.path(name).display(),
                objects.minimal_btf(name)?.display()
            )
        }
        Subject::KernelBtf => "/sys/kernel/btf/vmlinux".into(),
        Subject::Map(name, _) => kernel.ok_or("no maps")?.pin(name).display().to_string(),
        Subject::Functions(name, count) => {
            let list = functions::list(objects.directory(), count)?;
            format!("{},{}", objects.path(name).display(), list.display())
        }
    };
    let prepare = match case.subject {
        Subject::Map(_, prepare) => prepare,
        _ => Prepare::Nothing,
    };
    let mut rows = Vec::new();
    for &name in case.peers {
        let program = programs.join(format!("peer-{name}"));
        if program.exists() {
            rows.push(Row::new(name, program));
        } else {
            eprintln!("no peer {name} here");
        }
    }
    let command = |program: &PathBuf| {
        let mut command = Command::new(program);
        command.args([case.work, &argument]);
        command
    };

    // Where a ring is read, no two can read it at once.
    let together = prepare == Prepare::Nothing;
    if together {
        let mut peers: Vec<Option<Peer>> = Vec::new();
        for row in &mut rows {
            let started = Peer::start(&mut command(&row.program));
            let started = started.and_then(|mut peer| peer.step().map(|_| peer));
            row.failure = started.as_ref().err().map(ToString::to_string);
            peers.push(started.ok());
        }
        for _ in 0..case.rounds {
            for (row, peer) in rows.iter_mut().zip(&mut peers) {
                if let Some(peer) = peer {
                    row.warm.push(peer.step()? / f64::from(case.operations));
                }
            }
        }
        for (row, peer) in rows.iter_mut().zip(peers) {
            if let Some(peer) = peer {
                row.memory = Some(peer.end()?);
            }
        }
    } else {
        let kernel = kernel.ok_or("no maps")?;
        for row in &mut rows {
            let mut peer = Peer::start(&mut command(&row.program))?;
            for round in 0..=case.rounds {
                kernel.prepare(prepare)?;
                let took = peer.step()?;
                if round > 0 {
                    row.warm.push(took / f64::from(case.operations));
                }
            }
            kernel.prepare(Prepare::EmptyUserRing)?;
            row.memory = Some(peer.end()?);
        }
    }

    if case.cold {
        for _ in 0..case.rounds {
            for row in rows.iter_mut().filter(|row| row.failure.is_none()) {
                row.cold.push(peer::cold(&mut command(&row.program))?);
            }
        }
        for row in rows.iter_mut().filter(|row| row.failure.is_none()) {
            row.memory = Some(peak(&mut command(&row.program))?);
        }
    }

    // Go's runtime does not live under valgrind, and what is done by system calls is not done in user space.
    let is_counted = matches!(
        case.subject,
        Subject::Object(_) | Subject::WithMinimalBtf(_) | Subject::KernelBtf
    );
    if is_counted && peer::can_count_instructions() {
        for row in rows
            .iter_mut()
            .filter(|row| row.failure.is_none() && row.name != "cilium")
        {
            let count = |steps| peer::instructions(&row.program, &[case.work, &argument], steps);
            let (none, one, three) = (count(0)?, count(1)?, count(3)?);
            row.cold_instructions = Some(one - none);
            row.warm_instructions = Some((three - one) / 2.0 / f64::from(case.operations));
        }
    }
    table::print(case, &rows);
    Ok(promises(case, &rows))
}

/// The most memory that a process had which did one step.
fn peak(command: &mut Command) -> Result<f64> {
    let mut peer = Peer::start(command)?;
    peer.step()?;
    peer.end()
}

fn promises(case: &Case, rows: &[Row]) -> bool {
    let find = |name: &str| {
        rows.iter()
            .find(|row| row.name == name && row.failure.is_none())
    };
    let mut kept = true;
    for promise in case.promises {
        let Some((ours, theirs)) = find("oxbpf").zip(find(promise.peer)) else {
            continue;
        };
        let value = |row: &Row| match promise.measure {
            Measure::Instructions => row.warm_instructions,
            Measure::Time => Some(Spread::of(&row.warm).median),
            Measure::Memory => row.memory,
        };
        let Some((ours, theirs)) = value(ours).zip(value(theirs)) else {
            continue;
        };
        let ratio = ours / theirs;
        let verdict = if ratio <= promise.ratio {
            "kept"
        } else {
            "BROKEN"
        };
        println!(
            "| | | {:?}: {ratio:.2} of {}, promised {:.2}: {verdict} | | | | |",
            promise.measure, promise.peer, promise.ratio
        );
        kept &= ratio <= promise.ratio;
    }
    kept
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}
