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
    Arch, Builder, Check, Output, Target,
    error::{Error, ErrorKind, Result},
};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Name of the object, the module and the files
    #[arg(required = true)]
    pub(super) name: Option<String>,

    /// The C sources, or objects (.o), to be linked into one object if there are several
    #[arg(required = true, value_name = "FILE.c")]
    inputs: Vec<PathBuf>,

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

    /// Leave DWARF in the objects
    #[arg(long)]
    no_strip: bool,

    /// Flags for clang
    #[arg(last = true, value_name = "CFLAGS")]
    rest: Vec<OsString>,
}

pub(super) fn run(name: &str, arguments: &Arguments) -> Result<ExitCode> {
    let (directory, stem) = place(arguments)?;
    let output = builder(name, stem, arguments).generate()?;
    eprint!("{}", output.warnings());
    if let Some(depfile) = &arguments.depfile {
        fs::write(depfile, output.make_rule(&directory))
            .map_err(|e| Error::io("writing", depfile, e))?;
    }
    if arguments.check {
        let check = output.check(&directory)?;
        return Ok(report(&check));
    }
    write(&output, &directory)?;
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

/// Writes the files and their names.
pub(super) fn write(output: &Output, directory: &Path) -> Result<()> {
    let mut stdout = io::stdout().lock();
    for path in output.write(directory)? {
        // Who closed the pipe does not want to know.
        let _ = writeln!(stdout, "{}", path.display());
    }
    Ok(())
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

fn builder(name: &str, stem: Option<String>, arguments: &Arguments) -> Builder {
    let mut inputs = arguments.inputs.iter();
    let mut builder = Builder::new(inputs.next().cloned().unwrap_or_default())
        .name(name)
        .minimal_vmlinux(arguments.minimal_vmlinux)
        .embed(!arguments.no_embed)
        .strip(!arguments.no_strip)
        .color(io::stderr().is_terminal())
        .cflags(arguments.cflags.iter().flat_map(|f| f.split_whitespace()))
        .cflags(&arguments.rest);
    for input in inputs {
        builder = builder.source(input);
    }
    if let Some(stem) = stem {
        builder = builder.stem(stem);
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
    builder
}
