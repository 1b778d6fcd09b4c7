//! What was measured, as text.

use std::path::PathBuf;

use crate::case::Case;

/// What was measured of one peer in one case.
pub struct Row {
    pub name: &'static str,
    pub program: PathBuf,
    /// Nanoseconds an operation.
    pub warm: Vec<f64>,
    /// Nanoseconds a process.
    pub cold: Vec<f64>,
    pub warm_instructions: Option<f64>,
    pub cold_instructions: Option<f64>,
    /// Kilobytes.
    pub memory: Option<f64>,
    /// Why it cannot do this.
    pub failure: Option<String>,
}

impl Row {
    pub fn new(name: &'static str, program: PathBuf) -> Self {
        Self {
            name,
            program,
            warm: Vec::new(),
            cold: Vec::new(),
            warm_instructions: None,
            cold_instructions: None,
            memory: None,
            failure: None,
        }
    }
}

/// The median, and what half of the values lie between.
pub struct Spread {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

impl Spread {
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |part: usize| {
            sorted
                .get(sorted.len() * part / 4)
                .copied()
                .unwrap_or(f64::NAN)
        };
        Self {
            low: at(1),
            median: at(2),
            high: at(3),
        }
    }
}

pub const HEAD: &str = "\
| what | who | time, warm | time, a process of its own | instructions, warm | instructions, cold | memory at most |
| --- | --- | --- | --- | --- | --- | --- |";

pub fn print(case: &Case, rows: &[Row]) {
    for (number, row) in rows.iter().enumerate() {
        let what = if number == 0 { case.about } else { "" };
        if row.failure.is_some() {
            println!("| {what} | {} | cannot | | | | |", row.name);
            continue;
        }
        println!(
            "| {what} | {} | {} | {} | {} | {} | {} |",
            row.name,
            time(&row.warm),
            time(&row.cold),
            count(row.warm_instructions),
            count(row.cold_instructions),
            row.memory
                .map_or(String::new(), |kb| format!("{:.1} MB", kb * 1024.0 / 1e6)),
        );
    }
}

fn time(values: &[f64]) -> String {
    if values.is_empty() {
        return String::new();
    }
    let spread = Spread::of(values);
    let (unit, name) = match spread.median {
        ns if ns < 10e3 => (1.0, "ns"),
        ns if ns < 10e6 => (1e3, "µs"),
        _ => (1e6, "ms"),
    };
    let number = |ns: f64| {
        let value = ns / unit;
        if value < 100.0 {
            format!("{value:.1}")
        } else {
            format!("{value:.0}")
        }
    };
    format!(
        "{} {name} ({}–{})",
        number(spread.median),
        number(spread.low),
        number(spread.high)
    )
}

fn count(count: Option<f64>) -> String {
    match count {
        None => String::new(),
        Some(count) if count < 1e4 => format!("{count:.0}"),
        Some(count) if count < 1e6 => format!("{:.0} k", count / 1e3),
        Some(count) => format!("{:.2} M", count / 1e6),
    }
}
