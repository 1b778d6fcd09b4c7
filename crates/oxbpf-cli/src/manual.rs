//! Man pages and completions, made from the table of commands.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::Verdict;

/// Prints a shell's completions.
pub(crate) fn completions(shell: Shell, command: &mut clap::Command) -> anyhow::Result<Verdict> {
    // Into memory first: what is made here cannot fail, writing it can.
    let mut script = Vec::new();
    clap_complete::generate(shell, command, "oxbpf", &mut script);
    io::stdout().write_all(&script)?;
    Ok(Verdict::Yes)
}

/// Prints the page of the whole command, or writes one for it and each of its verbs into a directory.
pub(crate) fn pages(directory: Option<&Path>, command: clap::Command) -> anyhow::Result<Verdict> {
    let Some(directory) = directory else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page)?;
        io::stdout().write_all(&page)?;
        return Ok(Verdict::Yes);
    };
    let failed = || format!("writing manual pages to `{}` failed", directory.display());
    fs::create_dir_all(directory).with_context(failed)?;
    clap_mangen::generate_to(command, directory).with_context(failed)?;
    Ok(Verdict::Yes)
}
