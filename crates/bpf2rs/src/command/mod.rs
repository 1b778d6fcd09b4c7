//! The command line.

mod generate;
mod new;
mod project;
mod vmlinux;

use std::{ffi::OsString, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind};

use crate::error::Error;

/// Compile BPF C programs and generate typed Rust for them.
///
/// `bpf2rs NAME FILE.bpf.c` writes NAME.rs, NAME.bpfel.o and NAME.bpfeb.o. Commit them, and building
/// the crate needs no clang: `mod NAME;` is all.
///
/// Without arguments, `cargo bpf2rs` does that for every program that the Cargo.toml lists; see `cargo
/// bpf2rs all --help`.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
struct Command {
    #[command(subcommand)]
    subcommand: Option<Subcommands>,
    #[command(flatten)]
    generate: generate::Arguments,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    New(new::Arguments),
    All(project::Arguments),
    Vmlinux(vmlinux::Arguments),
}

/// Runs the command that goes by `name` in its own help.
pub fn main(name: &'static str, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let mut command = Command::command().bin_name(name);
    let is_bare = arguments.len() <= 1;
    let result = if is_bare && name.starts_with("cargo") {
        project::run(&project::Arguments::default())
    } else {
        let parsed = command
            .try_get_matches_from_mut(arguments)
            .and_then(|matches| Command::from_arg_matches(&matches));
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(error) => error.exit(),
        };
        match parsed.subcommand {
            Some(Subcommands::New(arguments)) => new::run(&arguments),
            Some(Subcommands::All(arguments)) => project::run(&arguments),
            Some(Subcommands::Vmlinux(arguments)) => vmlinux::run(&arguments),
            None if parsed.generate.inputs.is_empty() => command
                .error(
                    ErrorKind::MissingRequiredArgument,
                    "which program? NAME and FILE.c are missing",
                )
                .exit(),
            None => generate::run(&parsed.generate),
        }
    };
    match result {
        Ok(code) => code,
        Err(error) => fail(&error),
    }
}

fn fail(error: &Error) -> ExitCode {
    eprintln!("bpf2rs: {error}");
    ExitCode::FAILURE
}
