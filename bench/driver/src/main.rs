//! The same work done by oxbpf and its peers: runs them in turn and prints what each took.
//!
//! `bench OBJECT_SOURCES DIRECTORY [CASE...]`, as root, in a mount namespace of its own.

mod case;
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

/// How often each peer does each case.
const ROUNDS: usize = 31;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [sources, directory, wanted @ ..] = &arguments[..] else {
        return Err(
            "where the sources of the objects are, and a directory to work in, are wanted".into(),
        );
    };
    let directory = Path::new(directory);
    let objects = Objects::compile(Path::new(sources), directory)?;
    let kernel = Kernel::new(&objects.path("values"), directory)?;
    let programs = std::env::current_exe()?;
    let programs = programs.parent().ok_or("no directory")?;
    let mut kept = true;
    println!("{}", table::HEAD);
    for case in CASES {
        if wanted.is_empty() || wanted.iter().any(|name| name == case.name) {
            kept &= measure(case, &objects, &kernel, programs)?;
        }
    }
    match kept {
        true => Ok(()),
        false => Err("more than was promised".into()),
    }
}

/// Does a case with all its peers and prints a row for each; whether what was promised was kept.
fn measure(case: &Case, objects: &Objects, kernel: &Kernel, programs: &Path) -> Result<bool> {
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
        Subject::Map(name, _) => kernel.pin(name).display().to_string(),
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
        for _ in 0..ROUNDS {
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
        for row in &mut rows {
            let mut peer = Peer::start(&mut command(&row.program))?;
            for round in 0..=ROUNDS {
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
        for _ in 0..ROUNDS {
            for row in rows.iter_mut().filter(|row| row.failure.is_none()) {
                row.cold.push(peer::cold(&mut command(&row.program))?);
            }
        }
        for row in rows.iter_mut().filter(|row| row.failure.is_none()) {
            row.memory = Some(peak(&mut command(&row.program))?);
        }
    }

    // Go's runtime does not live under valgrind, and what is done by system calls is not done in user space.
    if matches!(
        case.subject,
        Subject::Object(_) | Subject::WithMinimalBtf(_) | Subject::KernelBtf
    ) {
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
