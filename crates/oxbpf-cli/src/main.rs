//! The `oxbpf` command.
//!
//! [`command`] is the table of all there is to say on the command line: help, man pages and completions are made from it. Each
//! noun is a module; what a noun does is the libraries' work, what is here is asking and showing.

mod btf;
mod command;
mod doctor;
mod feature;
mod input;
mod manual;
mod output;
mod pattern;
mod progress;
mod run;
mod settle;
mod suggestion;
mod table;
mod value;
mod verify;

use std::io;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use command::{BtfVerb, Cli, Command};
use output::Output;

/// What a command found, as an exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All is well, the same, done.
    Yes,
    /// It could be done, and the answer is no: refused, different, a problem found.
    No,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(mut error) => return refuse(&mut error),
    };
    let output = Output::new(&cli.output);
    match dispatch(cli.command, &output) {
        Ok(Verdict::Yes) => ExitCode::SUCCESS,
        Ok(Verdict::No) => ExitCode::from(1),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Whatever else fails says what it is; what is left is printing.
            let is_bare = error.is::<io::Error>() && error.chain().count() == 1;
            let error = match is_bare {
                true => error.context("printing what was found failed"),
                false => error,
            };
            output.error(&error);
            ExitCode::from(2)
        }
    }
}

/// Help and versions are no errors, and neither is nobody reading them.
fn refuse(error: &mut clap::Error) -> ExitCode {
    suggestion::of_verbs(error, &Cli::command());
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

fn dispatch(command: Command, output: &Output) -> anyhow::Result<Verdict> {
    match command {
        Command::Run(args) => run::run(&args, output),
        Command::Verify(args) => verify::run(&args, output),
        Command::Btf(verb) => match verb {
            BtfVerb::Dump(args) => btf::dump::run(&args, output),
            BtfVerb::Diff(args) => btf::diff::run(&args, output),
            BtfVerb::Min(args) => btf::min::run(&args, output),
        },
        Command::Feature(args) => feature::run(&args, output),
        Command::Doctor { clean } => doctor::run(clean, output),
        Command::Completions { shell } => manual::completions(shell, &mut Cli::command()),
        Command::Man { directory } => manual::pages(directory.as_deref(), Cli::command()),
    }
}

/// Whether an error is that of writing to someone who has read enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
