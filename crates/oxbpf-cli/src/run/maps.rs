//! What is in maps and variables, as tables and histograms.

use std::io::{self, Write};

use anyhow::bail;
use oxbpf::map::possible_cpus;
use oxbpf::{Collection, Map};
use oxbpf_object::btf::{Btf, TypeId, Value};
use oxbpf_object::spec::{DataKind, DataSection};
use oxbpf_object::{CollectionSpec, MapType};
use serde_json::json;

use super::histogram;
use crate::output::{Output, Style};
use crate::suggestion::suggestion;
use crate::table::{Cell, Column, Set, Table};
use crate::value;

/// The maps to show.
#[derive(Debug)]
pub(super) struct Shown {
    btf: Option<Btf>,
    maps: Vec<Entries>,
    sections: Vec<(Map, DataSection)>,
    options: Options,
    /// What was shown last, so that nothing is shown twice.
    last: Vec<u8>,
}

/// How they are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    /// Rows of a table, at most.
    pub(super) rows: usize,
    /// Whether what each CPU has is shown apart.
    pub(super) per_cpu: bool,
    /// Whether histograms do not keep the rest away.
    pub(super) all: bool,
}

/// What is to be shown: tables and variables, and histograms.
#[derive(Default)]
struct Page {
    plain: Vec<u8>,
    drawn: Vec<u8>,
}

/// A map with keys and values.
#[derive(Debug)]
struct Entries {
    map: Map,
    key: Option<TypeId>,
    value: Option<TypeId>,
    per_cpu: bool,
}

/// What one map has.
struct Row<'a> {
    key: Value<'a>,
    /// One, or one of each CPU.
    values: Vec<Value<'a>>,
}

/// The types of maps that are shown, and whether each CPU has values of its own there.
fn kind(map_type: MapType) -> Option<bool> {
    match map_type {
        MapType::HASH | MapType::LRU_HASH | MapType::ARRAY | MapType::LPM_TRIE => Some(false),
        MapType::PERCPU_HASH | MapType::LRU_PERCPU_HASH | MapType::PERCPU_ARRAY => Some(true),
        _ => None,
    }
}

impl Shown {
    /// The maps of these names or, without any, all that can be shown and the variables.
    pub(super) fn new(
        spec: &CollectionSpec,
        collection: &Collection,
        names: &[String],
        options: Options,
    ) -> anyhow::Result<Shown> {
        let mut shown = Shown {
            btf: spec.btf.clone(),
            maps: Vec::new(),
            sections: Vec::new(),
            options,
            last: Vec::new(),
        };
        for name in names {
            let Some(map) = spec.map(name) else {
                let all = spec.maps().iter().map(|map| map.name.as_str());
                bail!("the object has no map `{name}`{}", suggestion(name, all));
            };
            if kind(map.map_type).is_none() {
                bail!(
                    "map `{name}` ({}) has no entries that could be shown",
                    map.map_type
                );
            }
        }
        for map_spec in spec.maps() {
            if !names.is_empty() && !names.contains(&map_spec.name) {
                continue;
            }
            let Ok(map) = collection.map(&map_spec.name) else {
                continue;
            };
            match (&map_spec.data, kind(map_spec.map_type)) {
                (Some(data), _) if matches!(data.kind, DataKind::Data | DataKind::Bss) => {
                    shown.sections.push((map, data.clone()));
                }
                (None, Some(per_cpu)) => shown.maps.push(Entries {
                    map,
                    key: map_spec.key_type,
                    value: map_spec.value_type,
                    per_cpu,
                }),
                _ => {}
            }
        }
        Ok(shown)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.maps.is_empty()
            && self
                .sections
                .iter()
                .all(|(_, data)| data.variables.is_empty())
    }

    /// Shows what is there now, if it is other than last time; whether it was.
    pub(super) fn show(
        &mut self,
        head: &str,
        output: &Output,
        out: &mut dyn Write,
    ) -> anyhow::Result<bool> {
        let mut page = Page::default();
        for entries in &self.maps {
            self.entries(entries, output, &mut page)?;
        }
        for (map, data) in &self.sections {
            self.variables(map, data, output, &mut page)?;
        }
        // Beside histograms, all else is what they are made from; unless it was asked for.
        let Page { plain, drawn } = page;
        let text = match drawn.is_empty() || self.options.all {
            true => [plain, drawn].concat(),
            false => drawn,
        };
        if text.is_empty() || text == self.last {
            return Ok(false);
        }
        if !output.is_json {
            writeln!(out, "{}", output.paint(Style::Dim, head))?;
        }
        out.write_all(&text)?;
        out.flush()?;
        self.last = text;
        Ok(true)
    }

    fn value<'a>(&'a self, ty: Option<TypeId>, bytes: &'a [u8]) -> Value<'a> {
        match (&self.btf, ty) {
            (Some(btf), Some(ty)) => btf.value(ty, bytes),
            _ => match bytes {
                // The numbers that most maps without types have.
                [_, _, _, _] | [_, _, _, _, _, _, _, _] => {
                    let wide = bytes
                        .iter()
                        .rev()
                        .fold(0u128, |n, b| n << 8 | u128::from(*b));
                    let big = bytes.iter().fold(0u128, |n, b| n << 8 | u128::from(*b));
                    Value::Unsigned(if cfg!(target_endian = "little") {
                        wide
                    } else {
                        big
                    })
                }
                _ => Value::Bytes(bytes),
            },
        }
    }

    fn entries(&self, entries: &Entries, output: &Output, page: &mut Page) -> anyhow::Result<()> {
        let mut raw = Vec::new();
        let is_array = matches!(
            entries.map.map_type(),
            MapType::ARRAY | MapType::PERCPU_ARRAY
        );
        entries.map.for_each(|key, value| {
            if !is_array || value.iter().any(|byte| *byte != 0) {
                raw.push((key.to_vec(), value.to_vec()));
            }
        })?;
        let size = entries.map.value_size() as usize;
        let stride = size.next_multiple_of(8).max(8);
        let mut rows: Vec<Row<'_>> = raw
            .iter()
            .map(|(key, value)| {
                let of = |bytes| self.value(entries.value, bytes);
                let values: Vec<_> = match entries.per_cpu {
                    true => value
                        .chunks(stride)
                        .map(|cpu| of(&cpu[..size.min(cpu.len())]))
                        .collect(),
                    false => vec![of(value)],
                };
                let values = match self.options.per_cpu {
                    true => values,
                    false => value::sum(values).into_iter().collect(),
                };
                Row {
                    key: self.value(entries.key, key),
                    values,
                }
            })
            .collect();
        let order = |row: &Row<'_>| {
            let number = row.values.iter().filter_map(value::number).max();
            (
                std::cmp::Reverse(number.filter(|_| !is_array)),
                raw_order(&row.key),
            )
        };
        rows.sort_by_cached_key(order);
        if output.is_json {
            return self.json(entries, &rows, &mut page.plain);
        }
        if rows.is_empty() {
            return Ok(());
        }
        let name = entries.map.name();
        let has_histograms = rows.iter().any(|row| {
            row.values
                .iter()
                .any(|value| histogram::in_struct(value).is_some())
        });
        // An array of counts, one for each power of two.
        let flat = Value::Array(match is_array && !entries.per_cpu {
            true => {
                let count = entries.map.max_entries().min(65) as usize;
                let mut counts = vec![Value::Unsigned(0); count];
                for row in &rows {
                    let at = value::number(&row.key).and_then(|n| usize::try_from(n).ok());
                    if let (Some(slot), [Value::Unsigned(n)]) =
                        (at.and_then(|at| counts.get_mut(at)), &row.values[..])
                    {
                        *slot = Value::Unsigned(*n);
                    }
                }
                counts
            }
            false => Vec::new(),
        });
        let counts = histogram::counts(name, &flat);
        let out = match has_histograms || counts.is_some() {
            true => &mut page.drawn,
            false => &mut page.plain,
        };
        writeln!(out, "{}", output.paint(Style::Heading, name))?;
        if let Some(counts) = counts {
            histogram::draw(&counts, out)?;
        } else if has_histograms {
            for row in rows.iter().take(self.options.rows) {
                for value in &row.values {
                    draw(&row.key.to_string(), value, out)?;
                }
            }
        } else {
            table(&rows, entries.per_cpu, self.options, output, out)?;
        }
        if rows.len() > self.options.rows {
            writeln!(out, "... and {} more", rows.len() - self.options.rows)?;
        }
        Ok(())
    }

    fn json(&self, entries: &Entries, rows: &[Row<'_>], out: &mut Vec<u8>) -> anyhow::Result<()> {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                let key = value::json(&row.key);
                match &row.values[..] {
                    [one] if !(entries.per_cpu && self.options.per_cpu) => {
                        json!({"key": key, "value": value::json(one)})
                    }
                    all => {
                        let all: Vec<_> = all.iter().map(value::json).collect();
                        json!({"key": key, "values": all})
                    }
                }
            })
            .collect();
        let line = json!({"map": entries.map.name(), "entries": rows});
        writeln!(out, "{line}")?;
        Ok(())
    }

    fn variables(
        &self,
        map: &Map,
        data: &DataSection,
        output: &Output,
        page: &mut Page,
    ) -> anyhow::Result<()> {
        let Some(bytes) = map.get(&0u32.to_ne_bytes())? else {
            return Ok(());
        };
        let mut values = Vec::new();
        for variable in &data.variables {
            let start = variable.offset as usize;
            let Some(own) = bytes.get(start..start + variable.size as usize) else {
                continue;
            };
            if own.iter().any(|byte| *byte != 0) {
                values.push((variable.name.as_str(), self.value(variable.ty, own)));
            }
        }
        if output.is_json {
            let object: serde_json::Map<_, _> = values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value::json(value)))
                .collect();
            writeln!(page.plain, "{}", json!({"variables": object}))?;
            return Ok(());
        }
        let out = &mut page.drawn;
        for (name, value) in &values {
            match (histogram::counts(name, value), value) {
                (Some(counts), _) => {
                    writeln!(out, "{}", output.paint(Style::Heading, name))?;
                    histogram::draw(&counts, out)?;
                }
                (None, Value::Array(elements))
                    if elements.iter().any(|e| histogram::in_struct(e).is_some()) =>
                {
                    for (n, element) in elements.iter().enumerate() {
                        draw(&format!("{name}[{n}]"), element, out)?;
                    }
                }
                (None, value) if histogram::in_struct(value).is_some() => draw(name, value, out)?,
                (None, value) => writeln!(page.plain, "{name} = {value}")?,
            }
        }
        Ok(())
    }
}

/// Draws the histogram in a structure, if there is anything in it.
fn draw(title: &str, value: &Value<'_>, out: &mut Vec<u8>) -> io::Result<()> {
    let Some((counts, others)) = histogram::in_struct(value) else {
        return writeln!(out, "{title}: {value}");
    };
    if counts.iter().all(|count| *count == 0) {
        return Ok(());
    }
    let others: Vec<_> = others
        .iter()
        .filter(|(_, value)| *value != Value::Text(b""))
        .map(|(name, value)| format!(" {name}={value}"))
        .collect();
    writeln!(out, "{title}{}", others.concat())?;
    histogram::draw(&counts, out)
}

/// Keys by number, if they are numbers, else by text.
fn raw_order(key: &Value<'_>) -> (i128, String) {
    match key {
        Value::Unsigned(_) | Value::Signed(_) => (value::number(key).unwrap_or(0), String::new()),
        key => (0, key.to_string()),
    }
}

/// A column for each member of structures, or for the whole.
fn cells(value: &Value<'_>) -> Vec<Cell> {
    match value {
        Value::Struct(members) => members
            .iter()
            .map(|(_, value)| text(value).into())
            .collect(),
        value => vec![text(value).into()],
    }
}

/// Text without its quotes: a table has lines to tell where it ends.
fn text(value: &Value<'_>) -> String {
    let text = value.to_string();
    match value {
        Value::Text(_) => text.trim_matches('"').to_owned(),
        _ => text,
    }
}

fn columns(title: &str, value: &Value<'_>) -> Vec<Column> {
    let column = |title: &str, value: &Value<'_>| Column {
        title: title.to_uppercase().into(),
        set: match value {
            Value::Unsigned(_) | Value::Signed(_) | Value::Float(_) => Set::Right,
            _ => Set::Left,
        },
    };
    match value {
        Value::Struct(members) => members
            .iter()
            .map(|(name, value)| column(name, value))
            .collect(),
        value => vec![column(title, value)],
    }
}

fn table(
    rows: &[Row<'_>],
    per_cpu: bool,
    options: Options,
    output: &Output,
    out: &mut Vec<u8>,
) -> anyhow::Result<()> {
    let Some(first) = rows.first() else {
        return Ok(());
    };
    let mut all = columns("key", &first.key);
    // A column for each CPU, were it but one.
    let is_spread = options.per_cpu && per_cpu;
    match &first.values[..] {
        [one] if !is_spread => all.extend(columns("value", one)),
        values => {
            for (cpu, value) in possible_cpus()?.iter().zip(values) {
                all.push(Column {
                    title: format!("CPU{cpu}").into(),
                    ..columns("", value).remove(0)
                });
            }
        }
    }
    let mut table = Table::new(&all);
    for row in rows.iter().take(options.rows) {
        let mut line = cells(&row.key);
        match &row.values[..] {
            [one] if !is_spread => line.extend(cells(one)),
            values => line.extend(values.iter().map(|value| Cell::from(text(value)))),
        }
        table.row(line);
    }
    table.write(output, out)?;
    Ok(())
}
