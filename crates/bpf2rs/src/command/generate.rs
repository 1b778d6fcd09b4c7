//! One module.

use std::{
    ffi::OsString,
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use crate::{
    Arch, Builder, Check, Target,
    error::{Error, ErrorKind, Result},
    fresh::Note,
};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// A name for the object, its module and its files, then the C sources, or objects (.o), which are linked
    /// into one object if there are several. Without a name, it is that of the first source up to its first dot
    #[arg(required = true, value_name = "NAME> <FILE.c")]
    pub(super) inputs: Vec<PathBuf>,

    /// The name, if it is not to be the first argument
    #[arg(long, value_name = "NAME")]
    ident: Option<String>,

    /// Where the files go
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".",
        conflicts_with = "output"
    )]
    output_dir: PathBuf,

    /// The module to write, with the objects beside it, instead of NAME.rs
    #[arg(long, short, value_name = "FILE.rs")]
    output: Option<PathBuf>,

    /// Write nothing; say what differs from the files that are there, and fail if anything does
    #[arg(long)]
    check: bool,

    /// Generate though nothing has changed since the last time
    #[arg(long)]
    force: bool,

    /// Write a rule for `make` too: the generated files depend on the sources and their headers
    #[arg(long, value_name = "FILE")]
    depfile: Option<PathBuf>,

    /// Generate this C type too, besides those of maps and variables (repeatable)
    #[arg(long = "type", value_name = "NAME")]
    types: Vec<String>,

    /// The byte orders to compile for
    #[arg(
        long,
        value_name = "TARGET",
        value_delimiter = ',',
        default_value = "bpfel,bpfeb"
    )]
    target: Vec<Target>,

    /// The processors whose registers the source reads: there is an object for each, and for no other
    #[arg(long, value_delimiter = ',')]
    arch: Vec<Arch>,

    /// A file with kernel types (BTF) to make `vmlinux.h` of, instead of this kernel's
    #[arg(long, value_name = "FILE")]
    vmlinux: Option<PathBuf>,

    /// Make a `vmlinux.h` with no more than the sources need
    #[arg(long)]
    minimal_vmlinux: bool,

    /// Flags for clang in one string, split at blanks (repeatable); those after `--` come last
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true)]
    cflags: Vec<String>,

    /// Leave the objects out of the module, to be read when the program runs
    #[arg(long)]
    no_embed: bool,

    /// Take DWARF out of the objects, as is done anyway
    #[arg(long, overrides_with = "no_strip")]
    strip: bool,

    /// Leave DWARF in the objects
    #[arg(long, overrides_with = "strip")]
    no_strip: bool,

    /// Flags for clang
    #[arg(last = true, value_name = "CFLAGS")]
    rest: Vec<OsString>,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let (directory, stem) = place(arguments)?;
    let mut builder = builder(arguments)?;
    if let Some(stem) = &stem {
        builder = builder.stem(stem);
    }
    let module = directory.join(builder.module_name()?);
    if arguments.check {
        let output = builder.generate()?;
        eprint!("{}", output.warnings());
        return Ok(report(&output.check(&directory)?));
    }
    let depfile = arguments.depfile.as_deref();
    write(builder, &module, depfile, arguments.force)?;
    Ok(ExitCode::SUCCESS)
}

/// Says what differs.
pub(super) fn report(check: &Check) -> ExitCode {
    if *check != Check::default() {
        eprintln!("{check}");
    }
    if check.is_current() {
        return ExitCode::SUCCESS;
    }
    eprintln!("run the same command without --check to bring it up to date");
    ExitCode::FAILURE
}

/// Writes the module with its objects beside it, and their names to standard output; does no more than
/// that if everything is as it was when it was written last.
pub(super) fn write(
    mut builder: Builder,
    module: &Path,
    depfile: Option<&Path>,
    force: bool,
) -> Result<()> {
    let note = builder.note(module, &format!("{depfile:?}"))?;
    let unchanged = note.as_ref().filter(|_| !force).and_then(Note::unchanged);
    if let Some(unchanged) = unchanged {
        eprint!("{}", unchanged.warnings);
        list(
            unchanged
                .written
                .iter()
                .filter(|path| Some(path.as_path()) != depfile),
        );
        return Ok(());
    }
    let output = builder.generate()?;
    eprint!("{}", output.warnings());
    let directory = module.parent().unwrap_or(Path::new("."));
    let mut written = output.write(directory)?;
    list(&written);
    if let Some(depfile) = depfile {
        fs::write(depfile, output.make_rule(directory))
            .map_err(|e| Error::io("writing", depfile, e))?;
        written.push(depfile.to_path_buf());
    }
    if let Some(note) = note {
        note.write(&output, &written);
    }
    Ok(())
}

fn list<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) {
    let mut stdout = io::stdout().lock();
    for path in paths {
        // Who closed the pipe does not want to know.
        let _ = writeln!(stdout, "{}", path.display());
    }
}

/// The directory of the files and, if it is not the name, what their names begin with.
fn place(arguments: &Arguments) -> Result<(PathBuf, Option<String>)> {
    let Some(output) = &arguments.output else {
        return Ok((arguments.output_dir.clone(), None));
    };
    let stem = output.file_stem().and_then(|stem| stem.to_str());
    match stem {
        Some(stem)
            if output
                .extension()
                .is_some_and(|extension| extension == "rs") =>
        {
            let directory = output.parent().unwrap_or(Path::new("."));
            Ok((directory.to_path_buf(), Some(stem.to_owned())))
        }
        _ => Err(Error::new(
            ErrorKind::InvalidInput,
            format!("`{}` is no Rust file", output.display()),
        )
        .with_remedy("name the module to write, such as `src/bpf/counter.rs`")),
    }
}

/// What is to be named how.
fn named(arguments: &Arguments) -> Result<(Option<&str>, &[PathBuf])> {
    let inputs = &arguments.inputs[..];
    let is_file = |path: &Path| path.extension().is_some_and(|e| e == "c" || e == "o");
    match inputs {
        _ if arguments.ident.is_some() => Ok((arguments.ident.as_deref(), inputs)),
        [first, files @ ..] if !is_file(first) => match (first.to_str(), files) {
            (Some(name), [_, ..]) => Ok((Some(name), files)),
            _ => Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "`{}` is no C source, and none comes after it",
                    first.display()
                ),
            )
            .with_remedy("the arguments are a name and sources: `bpf2rs counter counter.bpf.c`")),
        },
        _ => Ok((None, inputs)),
    }
}

fn builder(arguments: &Arguments) -> Result<Builder> {
    let (name, inputs) = named(arguments)?;
    let mut inputs = inputs.iter();
    let mut builder = Builder::new(inputs.next().cloned().unwrap_or_default())
        .minimal_vmlinux(arguments.minimal_vmlinux)
        .embed(!arguments.no_embed)
        .strip(!arguments.no_strip)
        .color(io::stderr().is_terminal())
        .cflags(arguments.cflags.iter().flat_map(|f| f.split_whitespace()))
        .cflags(&arguments.rest);
    if let Some(name) = name {
        builder = builder.name(name);
    }
    for input in inputs {
        builder = builder.source(input);
    }
    for target in &arguments.target {
        builder = builder.target(*target);
    }
    for name in &arguments.types {
        builder = builder.generate_type(name);
    }
    for arch in &arguments.arch {
        builder = builder.arch(*arch);
    }
    if let Some(btf) = &arguments.vmlinux {
        builder = builder.vmlinux(btf);
    }
    Ok(builder)
}
