//! The conformance suite: other people's objects through libbpf and through us, on this kernel and inside others.

use crate::cargo::{self, messages};
use crate::corpus;
use crate::kernel::{Kernel, files_below};
use crate::process::{Context, Result, cache, root, run, workspace};
use crate::selftests;
use crate::vm::Machine;
use oxbpf_object::btf::Btf;
use oxbpf_object::{CollectionSpec, ProgramType};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

pub(crate) const USAGE: &str =
    "[--sample] [--kernel host,6.12,7] [--only PART] [--mutants N [--from N]]";

/// Kernels against whose types programs are relocated without booting them.
const TYPES: &[&str] = &["5.10", "6.1", "6.12", "6.18", "7"];

/// The same for a sample: that which the other tests boot anyway.
const SAMPLE_TYPES: &[&str] = &["6.1"];

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
    let objects = Objects {
        directories: objects,
        only,
    };
    let table = workspace().join(HOME).join("differences.tsv");
    let mut failed = Vec::new();
    for kernel in &kernels {
        let start = Instant::now();
        let result = match kernel.as_str() {
            "host" => here(&program, &table, &objects, types),
            kernel => inside(kernel, &program, &table, &objects),
        };
        eprintln!("{kernel}: {:.0} s", start.elapsed().as_secs_f64());
        if let Err(error) = result {
            failed.push(format!("{kernel}: {error}"));
        }
    }
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

/// The objects to be compared: those below directories, as far as their paths there begin with `only`.
struct Objects {
    directories: Vec<PathBuf>,
    only: String,
}

fn here(program: &Path, table: &Path, objects: &Objects, kernels: &[&str]) -> Result<()> {
    let mut compare = root(&program.to_string_lossy());
    compare.arg("--table").arg(table);
    compare.args(["--only", &objects.only]);
    for kernel in kernels {
        compare.arg("--btf").arg(types(kernel)?);
    }
    run(compare.args(&objects.directories))
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

/// Inside another kernel, objects with what this one may not let us load: a machine without hardware help is slow.
fn inside(kernel: &str, program: &Path, table: &Path, objects: &Objects) -> Result<()> {
    let (mut directories, mut files) = (Vec::new(), Vec::new());
    for directory in &objects.directories {
        let mut below = files_below(directory)?;
        below.retain(|file| {
            let name = file.strip_prefix(directory).unwrap_or(file);
            name.to_string_lossy().starts_with(&objects.only)
                && file.extension().is_some_and(|end| end == "o")
                && has_trampolines(file)
        });
        if !below.is_empty() {
            directories.push(directory.display().to_string());
        }
        files.extend(below);
    }
    if files.is_empty() {
        return Ok(());
    }
    let machine = Machine {
        timeout: Duration::from_secs(4 * 3600),
        memory: Some(2048),
        files: [vec![program.to_owned(), table.to_owned()], files].concat(),
        script: format!(
            "{} --no-types --jobs 1 --timeout 3600 --table {} {}",
            program.display(),
            table.display(),
            directories.join(" ")
        ),
        ..Machine::default()
    };
    let status = machine.run(&Kernel::get(kernel)?, |chunk| {
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(chunk).and_then(|()| stdout.flush());
    })?;
    match status {
        0 => Ok(()),
        status => Err(format!("exit status {status}").into()),
    }
}

/// Whether an object has a program that the kernel jumps to by a trampoline: `fentry` and the like, LSM, `freplace`.
fn has_trampolines(object: &Path) -> bool {
    const KINDS: &[ProgramType] = &[ProgramType::TRACING, ProgramType::LSM, ProgramType::EXT];
    let spec = CollectionSpec::from_file(object);
    spec.is_ok_and(|spec| {
        let mut programs = spec.programs().iter();
        programs.any(|program| program.prog_type.is_some_and(|kind| KINDS.contains(&kind)))
    })
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
