//! What the conformance suite found, of all places where it ran: one table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Counts by kind of objects and place, and how often each known difference was seen.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    totals: BTreeMap<(String, String), BTreeMap<String, usize>>,
    rows: BTreeMap<usize, (usize, String)>,
}

/// What a column counts, and its heading.
const COLUMNS: &[(&str, &str)] = &[
    ("objects", "objects"),
    ("opened by both", "opened"),
    ("programs shown to the kernel", "programs"),
    ("programs loaded", "taken"),
    ("expectations met", "met"),
    ("expectations that this kernel meets with neither", "unmet"),
    ("unexpected differences", "differences"),
];

impl Tally {
    /// Takes in a line of what the program printed in one place. What is no count is shown.
    pub(crate) fn read(&mut self, place: &str, line: &str) {
        match line.trim_end().split('\t').collect::<Vec<_>>()[..] {
            ["TOTAL", group, what, count] => {
                let key = (group.to_owned(), place.to_owned());
                let counts = self.totals.entry(key).or_default();
                *counts.entry(what.to_owned()).or_default() += count.parse().unwrap_or(0);
            }
            ["ROW", line, count, reason] => {
                let line = line.parse().unwrap_or(0);
                let row = self.rows.entry(line).or_insert((0, reason.to_owned()));
                row.0 += count.parse().unwrap_or(0);
            }
            _ => println!("{place}: {line}"),
        }
    }

    /// The rows of the table of differences that nothing differs by.
    pub(crate) fn stale(&self) -> impl Iterator<Item = String> {
        let unseen = self.rows.iter().filter(|(_, (count, _))| *count == 0);
        unseen.map(|(line, (_, reason))| format!("differences.tsv, line {line}: {reason}"))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<14}{:<8}", "objects", "where")?;
        for (_, heading) in COLUMNS {
            write!(f, "{heading:>12}")?;
        }
        for ((group, place), counts) in &self.totals {
            write!(f, "\n{group:<14}{place:<8}")?;
            for (what, _) in COLUMNS {
                write!(f, "{:>12}", counts.get(*what).copied().unwrap_or(0))?;
            }
        }
        writeln!(f)?;
        let columns: BTreeSet<&str> = COLUMNS.iter().map(|(what, _)| *what).collect();
        let mut others: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for ((_, place), counts) in &self.totals {
            for (what, count) in counts {
                if !columns.contains(what.as_str()) {
                    *others.entry((what, place)).or_default() += count;
                }
            }
        }
        for ((what, place), count) in others {
            writeln!(f, "{place}: {count} {what}")?;
        }
        let known: usize = self.rows.values().map(|(count, _)| count).sum();
        writeln!(f, "{known} differences of differences.tsv")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_all_machines_add_up() {
        let mut tally = Tally::default();
        for line in [
            "TOTAL\tclang\tobjects\t3",
            "TOTAL\tclang\tobjects\t4",
            "TOTAL\tclang\tunexpected differences\t1",
            "ROW\t5\t0\tone",
            "ROW\t6\t0\ttwo",
            "ROW\t6\t2\ttwo",
        ] {
            tally.read("6.12", line);
        }
        let shown = tally.to_string();
        let words: Vec<&str> = shown.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(words, ["clang", "6.12", "7", "0", "0", "0", "0", "0", "1"]);
        let stale: Vec<String> = tally.stale().collect();
        assert_eq!(stale, ["differences.tsv, line 5: one"]);
    }
}
