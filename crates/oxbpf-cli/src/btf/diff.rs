//! `oxbpf btf diff`.

use std::io::{self, Write};

use oxbpf_object::btf::diff::{Change, ChangeKind, diff, diff_for};
use serde::Serialize;

use crate::Verdict;
use crate::command::BtfDiffArgs;
use crate::input;
use crate::output::{Output, Style};
use crate::progress::Progress;

#[derive(Serialize)]
struct Report<'a> {
    changes: Vec<Entry<'a>>,
}

/// A change as JSON: values under `from` and `to`, whatever they are of.
#[derive(Serialize)]
struct Entry<'a> {
    #[serde(rename = "type")]
    type_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    member: &'a str,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<serde_json::Value>,
}

pub(crate) fn run(args: &BtfDiffArgs, output: &Output) -> anyhow::Result<Verdict> {
    let progress = Progress::of(format!("comparing {} with {}", args.old, args.new));
    let (old, new) = (args.old.read()?, args.new.read()?);
    let mut changes = Vec::new();
    if args.objects.is_empty() {
        changes = diff(&old, &new)?;
    }
    for path in &args.objects {
        for object in input::objects(path)? {
            for change in diff_for(&object.parse()?, &old, &new)? {
                if !changes.contains(&change) {
                    changes.push(change);
                }
            }
        }
    }
    drop(progress);
    changes.retain(|change| is_wanted(&args.types, change));
    if output.is_json {
        let changes = changes.iter().map(entry).collect();
        output.json(&Report { changes })?;
    } else {
        text(&changes, output)?;
    }
    Ok(match changes.is_empty() {
        true => Verdict::Yes,
        false => Verdict::No,
    })
}

fn is_wanted(types: &[String], change: &Change) -> bool {
    let name = &change.type_name;
    let bare = name.split_once(' ').map_or(name.as_str(), |(_, bare)| bare);
    types.is_empty() || types.iter().any(|ty| ty == name || ty == bare)
}

/// A line for each type, with what is different about it as a whole, and one for each member below.
fn text(changes: &[Change], output: &Output) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut last = "";
    for change in changes {
        let style = match &change.kind {
            ChangeKind::Gone => Style::Bad,
            ChangeKind::New => Style::Good,
            ChangeKind::Retyped {
                is_other_kind: true,
                ..
            } => Style::Bad,
            _ => Style::Warn,
        };
        let kind = output.paint(style, &change.kind);
        let title = output.paint(Style::Heading, &change.type_name);
        if change.member.is_empty() {
            writeln!(out, "{title} {kind}")?;
        } else {
            if last != change.type_name {
                writeln!(out, "{title}")?;
            }
            writeln!(out, "  {} {kind}", change.member)?;
        }
        last = &change.type_name;
    }
    out.flush()?;
    Ok(())
}

fn entry(change: &Change) -> Entry<'_> {
    let number = |value: i128| match i64::try_from(value) {
        Ok(value) => value.into(),
        Err(_) => serde_json::Value::from(value as u64),
    };
    let (what, from, to) = match &change.kind {
        ChangeKind::Gone => ("gone", None, None),
        ChangeKind::New => ("new", None, None),
        ChangeKind::Moved { from, to } => ("moved", Some((*from).into()), Some((*to).into())),
        ChangeKind::Resized { from, to } => ("resized", Some((*from).into()), Some((*to).into())),
        ChangeKind::Retyped {
            from,
            to,
            is_other_kind,
        } => (
            if *is_other_kind {
                "other_kind"
            } else {
                "retyped"
            },
            Some(from.as_str().into()),
            Some(to.as_str().into()),
        ),
        ChangeKind::Revalued { from, to } => ("revalued", Some(number(*from)), Some(number(*to))),
        _ => ("other", None, None),
    };
    Entry {
        type_name: &change.type_name,
        member: &change.member,
        change: what,
        from,
        to,
    }
}
