//! `oxbpf doctor`: why BPF does not work here.

use std::io::{self, Write};

use oxbpf::doctor::{State, examine};
use oxbpf::tracefs;
use serde::Serialize;

use crate::Verdict;
use crate::output::{Output, Style};
use crate::table::wrap;

#[derive(Serialize)]
struct Report {
    findings: Vec<Finding>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    removed: Vec<String>,
}

#[derive(Serialize)]
struct Finding {
    what: String,
    state: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

fn name(state: State) -> &'static str {
    match state {
        State::Fine => "ok",
        State::Limited => "limited",
        _ => "problem",
    }
}

pub(crate) fn run(clean: bool, output: &Output) -> anyhow::Result<Verdict> {
    let removed = if clean { remove_probes()? } else { Vec::new() };
    let mut findings: Vec<Finding> = examine()
        .into_iter()
        .map(|finding| Finding {
            what: finding.what.to_owned(),
            state: name(finding.state),
            text: finding.text,
            remedy: finding.remedy,
        })
        .collect();
    findings.push(compiler());
    let has_problem = findings.iter().any(|finding| finding.state == "problem");
    let report = Report { findings, removed };
    if output.is_json {
        output.json(&report)?;
    } else {
        text(&report, output)?;
    }
    Ok(match has_problem {
        true => Verdict::No,
        false => Verdict::Yes,
    })
}

/// Removes the probes of dead processes, and says which.
fn remove_probes() -> anyhow::Result<Vec<String>> {
    let mut removed = Vec::new();
    for probe in tracefs::leftovers()? {
        probe.remove()?;
        removed.push(format!("{} of process {}", probe.location(), probe.pid()));
    }
    Ok(removed)
}

/// Whether there is a compiler for C files.
fn compiler() -> Finding {
    let what = "clang".to_owned();
    match bpf2rs::Clang::find() {
        Ok(clang) => Finding {
            what,
            state: "ok",
            text: format!("{} ({})", clang.version(), clang.path().display()),
            remedy: None,
        },
        Err(error) => Finding {
            what,
            state: "limited",
            text: "there is none that can compile for BPF: C files cannot be run".to_owned(),
            remedy: error.remedy().map(str::to_owned),
        },
    }
}

fn text(report: &Report, output: &Output) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for probe in &report.removed {
        writeln!(out, "removed the probe at {probe}")?;
    }
    let findings = &report.findings;
    let width = findings
        .iter()
        .map(|f| f.what.chars().count())
        .max()
        .unwrap_or(0);
    for Finding {
        what,
        state,
        text,
        remedy,
    } in findings
    {
        let style = match *state {
            "ok" => Style::Good,
            "limited" => Style::Warn,
            _ => Style::Bad,
        };
        // Padded before it is painted: what paints takes no room.
        let mark = output.paint(style, format!("{state:<7}"));
        write!(out, "{mark}  {what:<width$}")?;
        let indent = 9 + width + 2;
        let columns = output.width().unwrap_or(usize::MAX);
        // What goes on below begins where its first line does.
        let mut hanging = |first: &str, text: &str, indent: usize| {
            let lines = wrap(text, columns.saturating_sub(indent));
            writeln!(out, "{first}{}", lines.join(&format!("\n{:indent$}", "")))
        };
        hanging("  ", text, indent)?;
        if let Some(remedy) = remedy {
            hanging(&format!("{:indent$}-> ", ""), remedy, indent + 3)?;
        }
    }
    out.flush()?;
    Ok(())
}
