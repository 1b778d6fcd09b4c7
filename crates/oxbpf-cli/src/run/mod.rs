//! `oxbpf run`: load an object, attach what is in it, and show what comes out.

mod attach;
mod event;
mod help;
mod histogram;
mod maps;
mod places;
mod process;
mod reason;
mod session;
mod settings;
mod stop;

use anyhow::{Context, anyhow, bail};
use oxbpf::btf::KernelBtf;
use oxbpf::{Collection, Loader, ProgramReport};
use oxbpf_object::CollectionSpec;

use crate::Verdict;
use crate::command::RunArgs;
use crate::input;
use crate::output::{Output, counted};
use crate::pattern;
use crate::progress::Progress;
use crate::settle;
use session::Session;

/// The entries of a map that leaves their number to the program that loads it.
const SOME_ENTRIES: u32 = 10_240;

/// The bytes of a ring that leaves them to the program that loads it.
const RING_BYTES: u32 = 1 << 18;

pub(crate) fn run(args: &RunArgs, output: &Output) -> anyhow::Result<Verdict> {
    let Some(file) = &args.file else {
        return help::show(None, output);
    };
    let mut spec = read(args, file, output)?;
    if args.help {
        return help::show(Some(&spec), output);
    }
    if spec.programs().is_empty() {
        bail!("`{}` has no programs", file.display());
    }
    settings::apply(&mut spec, &args.set)?;
    places::retarget(&mut spec, &args.targets)?;
    prepare(&mut spec, args);
    if !spec.programs().iter().any(|program| program.autoload) {
        bail!(
            "no program of `{}` is to be loaded; `oxbpf run {} --help` lists them, for --program",
            spec.name,
            file.display()
        );
    }
    // Before anything is loaded: what is wrong with the command line is said first.
    let types = event::EventTypes::new(&spec, &args.events)?;
    let places = places::Places::new(args)?;
    if let Some(pid) = args.pid {
        process::check(&spec, pid, output)?;
    }
    places.check(&spec, output);
    let stop = stop::Stop::on_signals()?;
    let Some(collection) = load(&spec, args, output)? else {
        return Ok(Verdict::No);
    };
    let session = Session::new(&spec, &collection, types, &places, args, output)?;
    session.run(&stop)
}

/// The object: as it is, inside of a program, or compiled from C.
fn read(args: &RunArgs, file: &std::path::Path, output: &Output) -> anyhow::Result<CollectionSpec> {
    if file.extension().is_some_and(|extension| extension == "c") {
        // What clang says of a missing file is long.
        input::open(file)?;
        let flags = args
            .cflags
            .iter()
            .flat_map(|flags| flags.split_whitespace());
        let mut builder = bpf2rs::Builder::new(file)
            .cflags(flags)
            .color(output.has_color());
        if let Some(btf) = &args.btf {
            builder = builder.vmlinux(btf);
        }
        let progress = Progress::of(format!("compiling `{}`", file.display()));
        let (object, warnings) = builder.object()?;
        drop(progress);
        if !warnings.is_empty() {
            output.note(warnings.trim_end());
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.split('.').next().unwrap_or_default();
        return CollectionSpec::parse_named(stem, &object)
            .with_context(|| format!("reading what clang made of `{}` failed", file.display()));
    }
    let objects = input::objects(file)?;
    match (&objects[..], args.object) {
        ([one], None) => one.parse(),
        (all, None) => {
            let count = all.len();
            bail!(
                "`{}` has {count} BPF objects inside: choose one with --object 0 to {}",
                file.display(),
                count - 1
            )
        }
        (all, Some(n)) => match all.get(n) {
            Some(object) => object.parse(),
            None => bail!(
                "`{}` has {} inside, counted from 0",
                file.display(),
                counted(all.len(), "BPF object")
            ),
        },
    }
}

/// What the program that an object belongs to would settle, settled so that most work.
fn prepare(spec: &mut CollectionSpec, args: &RunArgs) {
    let name = spec.name.clone();
    for program in spec.programs_mut() {
        if !args.programs.is_empty() {
            program.autoload = pattern::wanted(&args.programs, &name, &program.name);
        }
    }
    settle::maps(spec, SOME_ENTRIES, RING_BYTES);
}

/// Loads what can be loaded, and says what cannot; `None`, all said, if the kernel refuses everything.
fn load(
    spec: &CollectionSpec,
    args: &RunArgs,
    output: &Output,
) -> anyhow::Result<Option<Collection>> {
    let mut loader = Loader::new();
    if let Some(btf) = &args.btf {
        loader = loader.kernel_btf(&KernelBtf::from_file(btf)?);
    }
    let progress = Progress::of(format!("loading `{}`", spec.name));
    let loaded = loader.keep_going(spec.clone())?;
    drop(progress);
    for (name, error) in &loaded.failed_maps {
        output.note(format_args!("  no map {name}: {error}"));
    }
    let not: Vec<_> = loaded
        .programs
        .iter()
        .filter_map(|report| Some((report.name.clone(), why(report)?)))
        .collect();
    reason::tell(&not, output);
    if not.is_empty() || not.len() < loaded.programs.len() {
        return Ok(Some(loaded.collection));
    }
    let summaries: Vec<_> = loaded.programs.iter().filter_map(|r| r.summary()).collect();
    let why = match loaded.failed_maps.first() {
        // Then programs only say that they need it.
        Some((_, error)) => error.to_string(),
        None => reason::most_common(summaries.iter())
            .unwrap_or_default()
            .to_owned(),
    };
    let error = anyhow!("no program of `{}` could be loaded: {why}", spec.name);
    if loaded.programs.iter().any(|r| r.errno().is_some()) {
        output.error(&error);
        return Ok(None);
    }
    Err(error)
}

/// Why a program was not loaded. What the verifier says comes with the line of C, and with what to do about it.
fn why(report: &ProgramReport) -> Option<String> {
    let mut why = report.summary()?;
    if let Some(line) = report.source_line() {
        why.push_str(&format!("\n    {line}"));
    }
    let remedy = report
        .error()
        .filter(|error| error.verifier().is_some())
        .and_then(|error| error.remedy());
    if let Some(remedy) = remedy {
        why.push_str(&format!("\n    -> {remedy}"));
    }
    Some(why)
}
