//! `vmtest/expected.tsv`: what every test is known to do on every kernel. A row is a test, a column a kernel, a cell
//! `pass`, or `skip` with the reason, or empty where the test has not been run.

use std::collections::{BTreeMap, BTreeSet};

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Pass,
    /// This kernel cannot run it; why.
    Skip(String),
    Fail(String),
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Outcome::Pass => f.write_str("pass"),
            Outcome::Skip(reason) => write!(f, "skip: {reason}"),
            Outcome::Fail(reason) => write!(f, "FAIL: {reason}"),
        }
    }
}

/// What tests did, by name.
pub(crate) type Results = BTreeMap<String, Outcome>;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    kernels: Vec<String>,
    /// By test, then by kernel.
    rows: BTreeMap<String, BTreeMap<String, String>>,
}

impl Expected {
    pub(crate) fn parse(text: &str) -> Expected {
        let mut lines = text.lines();
        let header = lines.next().unwrap_or_default();
        let kernels: Vec<String> = header.split('\t').skip(1).map(str::to_owned).collect();
        let mut rows = BTreeMap::new();
        for line in lines {
            let mut cells = line.split('\t');
            let Some(test) = cells.next() else { continue };
            let cells = kernels.iter().cloned().zip(cells.map(str::to_owned));
            rows.insert(
                test.to_owned(),
                cells.filter(|(_, cell)| !cell.is_empty()).collect(),
            );
        }
        Expected { kernels, rows }
    }

    /// The kernels, in the order of their versions.
    pub(crate) fn kernels(&self) -> &[String] {
        &self.kernels
    }

    pub(crate) fn tests(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }

    /// What a test does on a kernel; `None` where it was not run.
    pub(crate) fn cell(&self, test: &str, kernel: &str) -> Option<&str> {
        self.rows.get(test)?.get(kernel).map(String::as_str)
    }

    pub(crate) fn render(&self) -> String {
        let line =
            |first: &str, cells: Vec<&str>| [&[first], cells.as_slice()].concat().join("\t") + "\n";
        let header = line("test", self.kernels.iter().map(String::as_str).collect());
        let rows = self.rows.iter().map(|(test, row)| {
            let cell = |kernel| row.get(kernel).map_or("", String::as_str);
            line(test, self.kernels.iter().map(cell).collect())
        });
        std::iter::once(header).chain(rows).collect()
    }

    /// One line for each test that did something else than expected: worse, or better, or unheard of, or not at all.
    /// With `all` false, only those that ran are looked at. On a kernel without a column, only failures are deviations.
    pub(crate) fn deviations(&self, kernel: &str, results: &Results, all: bool) -> Vec<String> {
        let expected = |test: &str| {
            self.rows
                .get(test)
                .and_then(|row| row.get(kernel))
                .map(String::as_str)
        };
        let mut tests: BTreeSet<&str> = results.keys().map(String::as_str).collect();
        if all {
            tests.extend(
                self.rows
                    .keys()
                    .map(String::as_str)
                    .filter(|test| expected(test).is_some()),
            );
        }
        let known = self.kernels.iter().any(|known| known == kernel);
        let lines = tests.into_iter().filter_map(|test| {
            let was = expected(test).unwrap_or("nothing");
            let outcome = results.get(test);
            if !known && !matches!(outcome, Some(Outcome::Fail(_))) {
                return None;
            }
            let is = outcome.map_or("not there".to_owned(), Outcome::to_string);
            (was != is).then(|| format!("{test} on {kernel}\n  expected {was}\n       got {is}"))
        });
        lines.collect()
    }

    /// Makes these results the expected ones; a failure never is. With `all`, tests that did not run are forgotten.
    pub(crate) fn bless(&mut self, kernel: &str, results: &Results, all: bool) {
        if !self.kernels.iter().any(|known| known == kernel) {
            self.kernels.push(kernel.to_owned());
            self.kernels
                .sort_by_key(|kernel| crate::version::Version(kernel.clone()));
        }
        if all {
            self.rows
                .values_mut()
                .for_each(|row| drop(row.remove(kernel)));
        }
        for (test, outcome) in results {
            if !matches!(outcome, Outcome::Fail(_)) {
                self.rows
                    .entry(test.clone())
                    .or_default()
                    .insert(kernel.to_owned(), outcome.to_string());
            }
        }
        self.rows.retain(|_, row| !row.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "test\t5.10\t6.1\na::one\tskip: no such thing\tpass\na::two\t\tpass\n";

    fn results(of: &[(&str, Outcome)]) -> Results {
        of.iter()
            .map(|(test, outcome)| (test.to_string(), outcome.clone()))
            .collect()
    }

    #[test]
    fn the_table_is_written_as_it_was_read() {
        assert_eq!(Expected::parse(TABLE).render(), TABLE);
    }

    #[test]
    fn any_deviation_is_told() {
        let table = Expected::parse(TABLE);
        let as_expected = results(&[("a::one", Outcome::Pass), ("a::two", Outcome::Pass)]);
        assert!(table.deviations("6.1", &as_expected, true).is_empty());
        let skipped = results(&[("a::one", Outcome::Skip("no such thing".into()))]);
        assert!(
            table.deviations("5.10", &skipped, true).is_empty(),
            "an empty cell expects nothing"
        );

        let better = table.deviations("5.10", &as_expected, true);
        assert_eq!(
            better.len(),
            2,
            "one passes that was skipped, one is new: {better:?}"
        );
        let other_reason = results(&[("a::one", Outcome::Skip("other".into()))]);
        assert_eq!(table.deviations("5.10", &other_reason, true).len(), 1);
        let worse = results(&[
            ("a::one", Outcome::Fail("exit 101".into())),
            ("a::two", Outcome::Pass),
        ]);
        let worse = table.deviations("6.1", &worse, true);
        assert_eq!(
            worse,
            ["a::one on 6.1\n  expected pass\n       got FAIL: exit 101"]
        );
        let gone = results(&[("a::one", Outcome::Pass)]);
        assert_eq!(
            table.deviations("6.1", &gone, true),
            ["a::two on 6.1\n  expected pass\n       got not there"]
        );
        assert!(
            table.deviations("6.1", &gone, false).is_empty(),
            "only those that ran"
        );

        let elsewhere = results(&[
            ("a::one", Outcome::Skip("x".into())),
            ("a::two", Outcome::Fail("x".into())),
        ]);
        assert_eq!(
            table.deviations("host", &elsewhere, true).len(),
            1,
            "no column, and one failure"
        );
    }

    #[test]
    fn blessing_takes_over_everything_but_failures() {
        let mut table = Expected::parse(TABLE);
        let now = results(&[
            ("a::one", Outcome::Fail("x".into())),
            ("b::new", Outcome::Pass),
        ]);
        table.bless("6.1", &now, true);
        assert_eq!(
            table.render(),
            "test\t5.10\t6.1\na::one\tskip: no such thing\t\nb::new\t\tpass\n"
        );
        assert_eq!(
            table.deviations("6.1", &now, true).len(),
            1,
            "the failure stays one"
        );
        table.bless("10", &now, true);
        assert!(
            table.render().starts_with("test\t5.10\t6.1\t10\n"),
            "kernels are in the order of their versions"
        );
        let mut partly = Expected::parse(TABLE);
        partly.bless(
            "6.1",
            &results(&[("a::one", Outcome::Skip("why".into()))]),
            false,
        );
        assert_eq!(
            partly.render(),
            TABLE.replace("thing\tpass", "thing\tskip: why")
        );
    }
}
