//! The conformance suite: other people's objects through libbpf and through us, on this kernel and inside others.

use crate::cargo::{self, messages};
use crate::corpus;
use crate::kernel::{Kernel, files_below};
use crate::process::{Context, Result, cache, root, run, workspace};
use crate::selftests;
use crate::tally::Tally;
use crate::vm::Machine;
use oxbpf_object::btf::Btf;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub(crate) const USAGE: &str =
    "[--sample] [--kernel host,6.12,7] [--only PART] [--mutants N [--from N]]";

/// Kernels against whose types programs are relocated without booting them.
const TYPES: &[&str] = &["5.10", "6.1", "6.12", "6.18", "7"];

/// The same for a sample: that which the other tests boot anyway.
const SAMPLE_TYPES: &[&str] = &["6.1"];

/// Objects that the kernel verifies for minutes: under QEMU that would be hours.
const SLOW: &[&str] = &["loop3", "verifier_loops1", "verifier_search_pruning"];

/// How many objects go into a machine.
const SHARD: usize = 160;

/// How many seconds of a CPU an object may take there.
const PATIENCE: u32 = 1200;

/// Where the suite lives.
const HOME: &str = "tests/conformance";

pub(crate) fn main(args: &[String]) -> Result<()> {
    let (mut sample, mut types, mut only) = (false, TYPES, String::new());
    let (mut mutants, mut from) = (None, 0);
    let mut kernels = vec!["host".to_owned()];
    let mut rest = args.iter();
    while let Some(word) = rest.next() {
        let mut value = || rest.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--sample" => (sample, types) = (true, SAMPLE_TYPES),
            "--kernel" => kernels = value()?.split(',').map(str::to_owned).collect(),
            "--mutants" => mutants = Some(value()?.parse()?),
            "--from" => from = value()?.parse()?,
            "--only" => only = value()?.clone(),
            _ => return Err(format!("no option {word}; usage: conformance {USAGE}").into()),
        }
    }
    let program = build()?;
    let mut objects = vec![corpus::debian_objects(sample)?];
    let of_debian = corpus::SUITES.iter().any(|suite| only.starts_with(suite));
    if !sample && !of_debian {
        objects.push(selftests::objects()?);
    }
    if let Some(count) = mutants {
        return compare_mutants(&program, objects, &only, count, from);
    }
    let suite = Suite {
        program,
        table: workspace().join(HOME).join("differences.tsv"),
        objects: chosen(&objects, &only)?,
        directories: objects,
        only,
    };
    let start = Instant::now();
    let (mut tally, mut failed) = (Tally::default(), Vec::new());
    let (here, inside): (Vec<&str>, Vec<&str>) = kernels
        .iter()
        .map(String::as_str)
        .partition(|kernel| *kernel == "host");
    if !here.is_empty() {
        let ran = suite.here(types, &mut tally);
        failed.extend(ran.err().map(|error| error.to_string()));
    }
    failed.extend(suite.inside(&inside, &mut tally)?);
    let whole = !sample && suite.only.is_empty() && kernels.len() > 1;
    print!("{tally}");
    if whole {
        tally
            .stale()
            .for_each(|row| println!("{row}: nothing differs so any more"));
    }
    println!("{:.0} minutes", start.elapsed().as_secs_f64() / 60.0);
    match failed.is_empty() {
        true => Ok(()),
        false => Err(failed.join("; ").into()),
    }
}

/// Cargo on the suite, which is a workspace of its own.
pub(crate) fn cargo(command: &str) -> Command {
    let mut cargo = cargo::cargo();
    let manifest = workspace().join(HOME).join("Cargo.toml");
    cargo.arg(command).arg("--manifest-path").arg(manifest);
    cargo
}

/// The comparing program.
fn build() -> Result<PathBuf> {
    let messages = messages(cargo("build").arg("--locked"))?;
    let program = messages
        .iter()
        .rev()
        .find_map(|message| message.get("executable").str());
    program
        .map(PathBuf::from)
        .ok_or_else(|| "the suite has no program".into())
}

/// What is compared, and by what.
struct Suite {
    program: PathBuf,
    table: PathBuf,
    /// Directories, below which the objects' paths begin with `only`.
    directories: Vec<PathBuf>,
    only: String,
    objects: Vec<PathBuf>,
}

/// The objects below directories whose paths there begin with `only`.
fn chosen(directories: &[PathBuf], only: &str) -> Result<Vec<PathBuf>> {
    let mut chosen = Vec::new();
    for directory in directories {
        let mut below = files_below(directory)?;
        below.retain(|file| {
            let name = file
                .strip_prefix(directory)
                .unwrap_or(file)
                .to_string_lossy();
            name.starts_with(only) && !name.starts_with('.') && name.ends_with(".o")
        });
        chosen.extend(below);
    }
    chosen.sort();
    Ok(chosen)
}

impl Suite {
    /// All objects on the running kernel.
    fn here(&self, kernels: &[&str], tally: &mut Tally) -> Result<()> {
        let mut compare = root(&self.program.to_string_lossy());
        compare.arg("--table").arg(&self.table);
        compare.args(["--only", &self.only]);
        for kernel in kernels {
            compare.arg("--btf").arg(types(kernel)?);
        }
        let compare = compare.args(&self.directories).stdout(Stdio::piped());
        let mut child = compare.spawn().context("conformance")?;
        let printed = child.stdout.take().ok_or("no pipe to read from")?;
        for line in BufReader::new(printed).lines() {
            tally.read("host", &line.context("conformance")?);
        }
        match child.wait().context("conformance")? {
            status if status.success() => Ok(()),
            status => Err(format!("host: {status}").into()),
        }
    }

    /// Objects inside other kernels, some in each of several machines, of which one runs on each CPU. Without hardware
    /// help they are slow: what takes long is left to the running kernel.
    fn inside(&self, kernels: &[&str], tally: &mut Tally) -> Result<Vec<String>> {
        let kernels = kernels.iter().map(|name| Kernel::get(name));
        let kernels: Vec<Kernel> = kernels.collect::<Result<_>>()?;
        let is_slow = |file: &&PathBuf| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            SLOW.contains(&name.trim_end_matches(".bpf.o"))
        };
        let objects: Vec<&PathBuf> = self.objects.iter().filter(|file| !is_slow(file)).collect();
        let shards = objects.len().div_ceil(SHARD).max(1);
        let mut machines = Vec::new();
        for kernel in &kernels {
            for shard in 0..shards {
                let files = objects.iter().skip(shard).step_by(shards);
                let files: Vec<PathBuf> = files.map(|file| (*file).clone()).collect();
                if !files.is_empty() {
                    machines.push((kernel, shard, files));
                }
            }
        }
        let (next, cpus) = (AtomicUsize::new(0), std::thread::available_parallelism());
        let (tally, failed) = (Mutex::new(tally), Mutex::new(Vec::new()));
        let lock = |line: &str, place: &str| {
            let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.read(place, line);
        };
        std::thread::scope(|scope| {
            for _ in 0..cpus.map_or(1, usize::from) {
                scope.spawn(|| {
                    while let Some((kernel, shard, files)) =
                        machines.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let place = format!("{} ({}/{shards})", kernel.name, shard + 1);
                        let start = Instant::now();
                        let ran = self.in_machine(kernel, files, |line| lock(line, &kernel.name));
                        eprintln!("{place}: {:.0} s", start.elapsed().as_secs_f64());
                        if let Err(error) = ran {
                            let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                            failed.push(format!("{place}: {error}"));
                        }
                    }
                });
            }
        });
        Ok(failed.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Some objects in one machine, where those without privileges may load programs, too.
    fn in_machine(
        &self,
        kernel: &Kernel,
        files: &[PathBuf],
        mut show: impl FnMut(&str),
    ) -> Result<()> {
        let directories: Vec<String> = self
            .directories
            .iter()
            .filter(|directory| files.iter().any(|file| file.starts_with(directory)))
            .map(|directory| directory.display().to_string())
            .collect();
        let machine = Machine {
            timeout: Duration::from_secs(3 * 3600),
            memory: Some(2048),
            files: [&[self.program.clone(), self.table.clone()], files].concat(),
            script: format!(
                "echo 0 >/proc/sys/kernel/unprivileged_bpf_disabled; {} --no-types --jobs 1 --timeout {PATIENCE} --table {} {}",
                self.program.display(),
                self.table.display(),
                directories.join(" ")
            ),
            ..Machine::default()
        };
        let mut line = Vec::new();
        let status = machine.run(kernel, |chunk| {
            for byte in chunk {
                match byte {
                    b'\n' => show(&String::from_utf8_lossy(&std::mem::take(&mut line))),
                    byte => line.push(*byte),
                }
            }
        })?;
        match status {
            0 => Ok(()),
            status => Err(format!("exit status {status}").into()),
        }
    }
}

/// Shows mutants of the objects and of fuzzing's seeds to both libraries, which leave the kernel alone.
fn compare_mutants(
    program: &Path,
    mut objects: Vec<PathBuf>,
    only: &str,
    count: usize,
    from: u64,
) -> Result<()> {
    let seeds = workspace().join("target/conformance/seeds");
    run(cargo::cargo()
        .args(["run", "--quiet", "--package", "fuzz-targets"])
        .args(["--bin", "fuzz-seeds", "--"])
        .arg(&seeds))?;
    let seeds = files_below(&seeds.join("object"))?;
    let mut all = seeds.len();
    for directory in &objects {
        all += files_below(directory)?.len();
    }
    objects.extend(seeds);
    let each = count.div_ceil(all.max(1));
    // libbpf relocates only for those who may load.
    run(root(&program.to_string_lossy())
        .arg("--table")
        .arg(workspace().join(HOME).join("mutants.tsv"))
        .args(["--mutants", &each.to_string()])
        .args(["--from", &from.to_string()])
        .arg("--keep")
        .arg(workspace().join("target/conformance/mutants"))
        .args(if only.is_empty() {
            vec![]
        } else {
            vec!["--only", only]
        })
        .args(objects))
}

/// A file with the types of one of Debian's kernels.
fn types(kernel: &str) -> Result<PathBuf> {
    let kernel = Kernel::get(kernel)?;
    let release = kernel.dir.file_name().unwrap_or_default().to_string_lossy();
    let types = cache()?
        .join("types")
        .join(&*release)
        .join(format!("{}.btf", kernel.name));
    if !types.exists() {
        std::fs::create_dir_all(types.parent().unwrap_or(&types)).context(types.display())?;
        let part = types.with_extension("part");
        let image = std::fs::read(kernel.image()).context(kernel.image().display())?;
        std::fs::write(&part, Btf::parse_elf(&image)?.raw()).context(part.display())?;
        std::fs::rename(&part, &types).context(types.display())?;
    }
    Ok(types)
}
