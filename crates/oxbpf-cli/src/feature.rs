//! `oxbpf feature`: what this kernel, and the rights of this process, can do.

use std::fmt::Display;
use std::io::{self, Write};

use anyhow::bail;
use oxbpf::feature::{self, Feature, Support};
use oxbpf_object::ProgramType;
use serde_json::{Map, Value, json};

use crate::Verdict;
use crate::command::FeatureArgs;
use crate::output::{Output, Style};
use crate::progress::Progress;
use crate::suggestion::suggestion;
use crate::table::{Cell, Column, Table};

const COLUMNS: &[Column] = &[
    Column::left("FEATURE"),
    Column::left("HERE"),
    Column::left("SINCE"),
];

/// Features of one kind.
struct Group {
    title: &'static str,
    features: Vec<Row>,
}

struct Row {
    name: String,
    support: Support,
    minimum: String,
}

fn group<T: Display>(title: &'static str, features: &[Feature<T>]) -> Group {
    let rows = features.iter().map(|feature| Row {
        name: feature.what.to_string(),
        support: feature.support,
        minimum: feature.minimum.to_string(),
    });
    Group {
        title,
        features: rows.collect(),
    }
}

pub(crate) fn run(args: &FeatureArgs, output: &Output) -> anyhow::Result<Verdict> {
    if let Some(name) = &args.helpers {
        let Some(program_type) = ProgramType::from_name(name) else {
            let names = ProgramType::ALL.iter().filter_map(|t| t.name());
            bail!(
                "there is no type of program `{name}`{}",
                suggestion(name, names)
            );
        };
        let helpers = group("helpers", &feature::helpers_of(program_type));
        return show(&[helpers], None, args, output);
    }
    let progress = Progress::of("asking the kernel");
    let report = feature::report();
    drop(progress);
    let groups = [
        group("program types", &report.program_types),
        group("map types", &report.map_types),
        group("attach types", &report.attach_types),
        group("link types", &report.link_types),
        group("instruction set", &report.isa),
        group("instructions", &report.instructions),
        group("verifier", &report.verifier),
        group("types of objects (BTF)", &report.btf),
        group("others", &report.others),
    ];
    show(&groups, Some(report), args, output)
}

fn show(
    groups: &[Group],
    report: Option<&feature::Report>,
    args: &FeatureArgs,
    output: &Output,
) -> anyhow::Result<Verdict> {
    let is_shown = |row: &&Row| !args.missing || !row.support.is_yes();
    if output.is_json {
        let mut all = Map::new();
        if let Some(report) = report {
            let settings: Map<_, _> = report
                .settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json!(value)))
                .collect();
            all.insert("kernel".to_owned(), json!(report.release));
            all.insert("settings".to_owned(), settings.into());
            let kfuncs = report.kfuncs.iter();
            let kfuncs = kfuncs.map(|f| json!({"name": f.name, "module": f.module}));
            all.insert("kfuncs".to_owned(), kfuncs.collect());
        }
        for group in groups {
            let rows: Value = group.features.iter().filter(is_shown).map(json).collect();
            all.insert(group.title.replace(' ', "_"), rows);
        }
        output.json(&all)?;
        return Ok(Verdict::Yes);
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    if let Some(report) = report {
        writeln!(out, "Linux {}", report.release)?;
        for (name, value) in &report.settings {
            let value = value.as_deref().map_or("not to be seen", str::trim);
            writeln!(out, "  {name} = {value}")?;
        }
    }
    let mut table = Table::new(COLUMNS);
    for group in groups {
        let mut rows = group.features.iter().filter(is_shown).peekable();
        if rows.peek().is_none() {
            continue;
        }
        let have = group
            .features
            .iter()
            .filter(|row| row.support.is_yes())
            .count();
        let title = format!("{}: {have} of {}", group.title, group.features.len());
        table.line(0, Cell::styled(title, Style::Heading));
        for row in rows {
            let style = match row.support {
                Support::Yes => Style::Good,
                Support::No => Style::Bad,
                Support::Unknown(_) => Style::Warn,
            };
            table.row([
                format!("  {}", row.name).into(),
                Cell::styled(row.support.to_string(), style),
                row.minimum.as_str().into(),
            ]);
        }
    }
    table.write(output, &mut out)?;
    if let Some(report) = report {
        writeln!(out, "kernel functions (kfuncs): {}", report.kfuncs.len())?;
        for kfunc in report.kfuncs.iter().filter(|_| args.kfuncs) {
            match &kfunc.module {
                Some(module) => writeln!(out, "  {} [{module}]", kfunc.name)?,
                None => writeln!(out, "  {}", kfunc.name)?,
            }
        }
    }
    out.flush()?;
    Ok(Verdict::Yes)
}

fn json(row: &Row) -> Value {
    let (support, errno) = match row.support {
        Support::Yes => ("yes", None),
        Support::No => ("no", None),
        Support::Unknown(errno) => ("unknown", Some(errno.raw_os_error())),
    };
    let mut object = json!({"name": row.name, "support": support, "minimum": row.minimum});
    if let (Some(errno), Some(object)) = (errno, object.as_object_mut()) {
        object.insert("errno".to_owned(), errno.into());
    }
    object
}
