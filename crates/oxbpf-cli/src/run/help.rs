//! `oxbpf run --help`, and of a file: what it has, and what of it can be set.

use std::io::{self, Write};

use clap::CommandFactory;
use oxbpf_object::CollectionSpec;

use super::settings;
use crate::Verdict;
use crate::command::Cli;
use crate::output::Output;
use crate::table::{Column, Table, cut};

/// Characters of a value that are shown: arrays go on and on.
const LONGEST: usize = 40;

const SETTINGS: &[Column] = &[Column::left(""), Column::left(""), Column::left("")];

pub(super) fn show(spec: Option<&CollectionSpec>, output: &Output) -> anyhow::Result<Verdict> {
    let mut cli = Cli::command();
    cli.build();
    let Some(run) = cli.find_subcommand_mut("run") else {
        return Ok(Verdict::No);
    };
    let help = run.render_help().to_string();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let Some(spec) = spec else {
        write!(out, "{help}")?;
        out.flush()?;
        return Ok(Verdict::Yes);
    };
    writeln!(out, "{}: what is in it", spec.name)?;
    let mut programs = Table::new(SETTINGS);
    for program in spec.programs() {
        let optional = if program.autoload { "" } else { "optional" };
        programs.row([
            format!("  {}", program.name).into(),
            program.section.as_str().into(),
            optional.into(),
        ]);
    }
    if !programs.is_empty() {
        writeln!(out, "\nPrograms:")?;
        programs.write(output, &mut out)?;
    }
    let mut maps = Table::new(SETTINGS);
    for map in spec.maps().iter().filter(|map| map.data.is_none()) {
        let name = |ty: Option<_>| match (&spec.btf, ty) {
            (Some(btf), Some(ty)) => btf.type_name(ty),
            _ => String::new(),
        };
        let (key, value) = (name(map.key_type), name(map.value_type));
        let arrow = if key.is_empty() { "" } else { " -> " };
        maps.row([
            format!("  {}", map.name).into(),
            map.map_type.to_string().into(),
            format!("{key}{arrow}{value}").into(),
        ]);
    }
    if !maps.is_empty() {
        writeln!(out, "\nMaps:")?;
        maps.write(output, &mut out)?;
    }
    let (constants, variables): (Vec<_>, Vec<_>) = settings::settings(spec)
        .into_iter()
        .partition(|setting| setting.is_constant);
    for (title, settings) in [
        ("Settings (--set NAME=VALUE):", constants),
        ("Variables, which can be set too:", variables),
    ] {
        let mut table = Table::new(SETTINGS);
        for setting in settings {
            table.row([
                format!("  {}={}", setting.name, cut(&setting.value, LONGEST)).into(),
                setting.type_name.into(),
                "".into(),
            ]);
        }
        if !table.is_empty() {
            writeln!(out, "\n{title}")?;
            table.write(output, &mut out)?;
        }
    }
    let options = help.find("Usage:").and_then(|at| help.get(at..));
    write!(out, "\n{}", options.unwrap_or(&help))?;
    out.flush()?;
    Ok(Verdict::Yes)
}
