//! The `bpf2rs` command: C in, a Rust module and its objects out, to be committed.

use std::{
    ffi::OsString,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use bpf2rs::{Arch, Builder, Error, Target};
use clap::Parser;

/// Compile a BPF C program and generate typed Rust for it.
///
/// Writes NAME.rs, NAME.bpfel.o and NAME.bpfeb.o. Commit them, and building the crate needs no
/// clang: `mod NAME;` is all.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    /// Name of the object, the module and the files
    name: String,

    /// The C source
    source: PathBuf,

    /// Where the files go
    #[arg(long, value_name = "DIR", default_value = ".")]
    output_dir: PathBuf,

    /// Write nothing; say what differs from the files that are there, and fail if anything does
    #[arg(long)]
    check: bool,

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

    /// The processor whose registers the source reads; the result is then for that one alone
    #[arg(long)]
    arch: Option<Arch>,

    /// A file with kernel types (BTF) to make `vmlinux.h` of, instead of this kernel's
    #[arg(long, value_name = "FILE")]
    vmlinux: Option<PathBuf>,

    /// Flags for clang in one string, split at blanks (repeatable); those after `--` come last
    #[arg(long, value_name = "FLAGS", allow_hyphen_values = true)]
    cflags: Vec<String>,

    /// Leave DWARF in the objects
    #[arg(long)]
    no_strip: bool,

    /// Flags for clang
    #[arg(last = true, value_name = "CFLAGS")]
    rest: Vec<OsString>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bpf2rs: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    let mut builder = Builder::new(&arguments.source)
        .name(&arguments.name)
        .strip(!arguments.no_strip)
        .color(io::stderr().is_terminal())
        .cflags(arguments.cflags.iter().flat_map(|f| f.split_whitespace()))
        .cflags(&arguments.rest);
    for target in &arguments.target {
        builder = builder.target(*target);
    }
    for name in &arguments.types {
        builder = builder.generate_type(name);
    }
    if let Some(arch) = arguments.arch {
        builder = builder.arch(arch);
    }
    if let Some(btf) = &arguments.vmlinux {
        builder = builder.vmlinux(btf);
    }
    let output = builder.generate()?;
    eprint!("{}", output.warnings());

    if arguments.check {
        let check = output.check(&arguments.output_dir)?;
        if check != bpf2rs::Check::default() {
            eprintln!("{check}");
        }
        if !check.is_current() {
            eprintln!("run the same command without --check to bring it up to date");
            return Ok(ExitCode::FAILURE);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut stdout = io::stdout().lock();
    for path in output.write(&arguments.output_dir)? {
        // Who closed the pipe does not want to know.
        let _ = writeln!(stdout, "{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
