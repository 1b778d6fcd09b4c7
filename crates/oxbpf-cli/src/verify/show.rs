//! Results as a table, as values separated by commas, as JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::result::{FIGURES, Program, Report};
use crate::command::VerifyArgs;
use crate::output::{Output, Style, counted};
use crate::table::{Cell, Column, Table};

const COLUMNS: &[Column] = &[
    Column::left("PROGRAM"),
    Column::left("VERDICT"),
    Column::right("INSNS"),
    Column::right("STATES"),
    Column::right("PEAK"),
    Column::right("STACK"),
    Column::right("LOAD"),
];

pub(super) fn show(report: &Report, args: &VerifyArgs, output: &Output) -> anyhow::Result<()> {
    let shown = |program: &&Program| !args.failed || !program.state.is_fine();
    if output.is_json {
        let programs = report.programs.iter().filter(shown).cloned().collect();
        return output.json(&Report {
            kernel: report.kernel.clone(),
            programs,
        });
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    if args.csv {
        return csv(report.programs.iter().filter(shown), &mut out);
    }
    let mut table = Table::new(COLUMNS);
    let mut object = "";
    for program in report.programs.iter().filter(shown) {
        if program.object != object {
            object = &program.object;
            table.line(0, Cell::styled(object, Style::Heading));
        }
        row(program, &mut table);
    }
    if !table.is_empty() {
        table.write(output, &mut out)?;
    }
    writeln!(out, "{}", summary(report))?;
    out.flush()?;
    Ok(())
}

fn row(program: &Program, table: &mut Table<'_>) {
    let style = if program.state.is_fine() {
        Style::Good
    } else {
        Style::Bad
    };
    let figures = &program.figures;
    let figure = |value: Option<u64>| Cell::from(value.map_or(String::new(), |v| v.to_string()));
    table.row([
        format!("  {}", program.program).into(),
        Cell::styled(program.state.name(), style),
        figure(figures.insns),
        figure(figures.states),
        figure(figures.peak_states),
        figure(figures.stack),
        figures.load_us.map(micros).unwrap_or_default().into(),
    ]);
    if let Some(reason) = program
        .reason
        .as_ref()
        .filter(|_| program.missing.is_empty())
    {
        table.line(4, reason.as_str());
    }
    for missing in &program.missing {
        table.line(4, missing.as_str());
    }
    if let Some(source) = &program.source {
        let place = match (&source.file, source.line) {
            (Some(file), Some(line)) => format!("{file}:{line}: "),
            _ => String::new(),
        };
        table.line(4, format!("{place}{}", source.text.trim()));
    }
    if let Some(remedy) = &program.remedy {
        table.line(4, format!("-> {remedy}"));
    }
    for line in program.log.iter().flat_map(|log| log.lines()) {
        table.line(6, line);
    }
}

/// A time with the unit that suits it.
pub(crate) fn micros(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} us"),
        1_000..1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{:.2} s", micros as f64 / 1e6),
    }
}

/// `61 objects, 233 programs on 6.1.0: 200 accepted, 33 refused`.
fn summary(report: &Report) -> String {
    let objects: std::collections::BTreeSet<_> =
        report.programs.iter().map(|p| &p.object).collect();
    let mut counts = BTreeMap::new();
    for program in &report.programs {
        *counts.entry(program.state.name()).or_insert(0usize) += 1;
    }
    let counts: Vec<_> = counts
        .iter()
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    format!(
        "{}, {} on {}: {}",
        counted(objects.len(), "object"),
        counted(report.programs.len(), "program"),
        report.kernel,
        if counts.is_empty() {
            "nothing to verify".to_owned()
        } else {
            counts.join(", ")
        }
    )
}

fn csv<'p>(programs: impl Iterator<Item = &'p Program>, out: &mut dyn Write) -> anyhow::Result<()> {
    let names: Vec<_> = FIGURES.iter().map(|(name, _)| *name).collect();
    writeln!(
        out,
        "object,program,section,type,state,errno,{},reason",
        names.join(",")
    )?;
    for program in programs {
        let mut values = vec![
            program.object.clone(),
            program.program.clone(),
            program.section.clone(),
            program.kind.clone().unwrap_or_default(),
            program.state.name().to_owned(),
            program.errno.map_or(String::new(), |e| e.to_string()),
        ];
        values.extend(
            FIGURES.iter().map(|(_, figure)| {
                figure(&program.figures).map_or(String::new(), |v| v.to_string())
            }),
        );
        values.push(program.reason.clone().unwrap_or_default());
        let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
        writeln!(out, "{}", values.join(","))?;
    }
    out.flush()?;
    Ok(())
}

/// A value as RFC 4180 has it.
fn quoted(value: &str) -> String {
    match value.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", value.replace('"', "\"\"")),
        false => value.to_owned(),
    }
}
