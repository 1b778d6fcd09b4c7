//! `COVERAGE.md`: what the project can do, the tests that show it, and the kernels they passed on.
//!
//! Made of `vmtest/capabilities.tsv` (a capability, and the tests that show it) and `vmtest/expected.tsv`. What no test of the
//! matrix shows is a row of `vmtest/untestable.tsv`, with the reason.

use crate::expected::Expected;
use crate::process::{Context, Result, workspace};
use std::fmt::Write;

pub(crate) const USAGE: &str = "[--check]";

const CAPABILITIES: &str = "vmtest/capabilities.tsv";
const UNTESTABLE: &str = "vmtest/untestable.tsv";
const EXPECTED: &str = "vmtest/expected.tsv";
const PAGE: &str = "COVERAGE.md";

const HEAD: &str = "# What is tested, and on which kernels

Made by `cargo xtask coverage` of `vmtest/capabilities.tsv` and `vmtest/expected.tsv`; not to be edited.

**yes**: all tests of the row pass there. **n of m**: as many pass, the others are skipped, since that kernel lacks what they
need. **-**: the kernel has none of it. Empty: not run there yet.
";

pub(crate) fn main(args: &[String]) -> Result<()> {
    let read = |name: &str| {
        let path = workspace().join(name);
        std::fs::read_to_string(&path).context(path.display())
    };
    let page = page(
        &read(CAPABILITIES)?,
        &read(UNTESTABLE)?,
        &Expected::parse(&read(EXPECTED)?),
    )?;
    let path = workspace().join(PAGE);
    match args {
        [] => std::fs::write(&path, page).context(path.display()),
        [check] if check == "--check" => match std::fs::read_to_string(&path) {
            Ok(there) if there == page => Ok(()),
            _ => Err(format!("{PAGE} is not what `cargo xtask coverage` makes").into()),
        },
        _ => Err(format!("usage: coverage {USAGE}").into()),
    }
}

/// The page, or what is wrong with the tables: a capability without a test, or whose test is not there.
fn page(capabilities: &str, untestable: &str, expected: &Expected) -> Result<String> {
    let mut page = HEAD.to_owned();
    for line in capabilities.lines().filter(|line| !line.is_empty()) {
        if let Some(area) = line.strip_prefix("# ") {
            begin_table(&mut page, area, expected);
            continue;
        }
        let (capability, patterns) = line
            .split_once('\t')
            .ok_or_else(|| format!("{CAPABILITIES}: `{line}` names no tests"))?;
        let mut tests = Vec::new();
        for pattern in patterns.split_whitespace() {
            let found = matching(expected, pattern);
            if found.is_empty() {
                return Err(format!("{CAPABILITIES}: {capability}: no test `{pattern}`").into());
            }
            tests.extend(found);
        }
        tests.sort_unstable();
        tests.dedup();
        let names: Vec<String> = patterns
            .split_whitespace()
            .map(|pattern| format!("`{pattern}`"))
            .collect();
        let _ = write!(page, "| {capability} | {} |", names.join(" "));
        for kernel in expected.kernels() {
            let cells: Vec<&str> = tests
                .iter()
                .filter_map(|test| expected.cell(test, kernel))
                .collect();
            let _ = write!(page, " {} |", summary(&cells));
        }
        page.push('\n');
    }
    page.push_str("\n## Not testable where this is developed\n\n| what | why |\n| --- | --- |\n");
    for line in untestable
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let (what, why) = line
            .split_once('\t')
            .ok_or_else(|| format!("{UNTESTABLE}: `{line}` gives no reason"))?;
        let _ = writeln!(page, "| {what} | {why} |");
    }
    Ok(page)
}

fn begin_table(page: &mut String, area: &str, expected: &Expected) {
    let kernels = expected.kernels();
    let _ = write!(page, "\n## {area}\n\n| capability | tests |");
    for kernel in kernels {
        let _ = write!(page, " {kernel} |");
    }
    page.push_str("\n| --- | --- |");
    page.push_str(&" --- |".repeat(kernels.len()));
    page.push('\n');
}

/// The tests that a pattern names: those whose names end with it from a `::` on, or, with a `*` at its end, go on after it.
fn matching<'e>(expected: &'e Expected, pattern: &str) -> Vec<&'e str> {
    let fits = |test: &&str| {
        let starts = std::iter::once(0).chain(test.match_indices("::").map(|(at, _)| at + 2));
        match pattern.strip_suffix('*') {
            Some(start) => starts.clone().any(|at| test[at..].starts_with(start)),
            None => starts.clone().any(|at| &test[at..] == pattern),
        }
    };
    expected.tests().filter(fits).collect()
}

/// One cell of what several tests did.
fn summary(cells: &[&str]) -> String {
    let passed = cells.iter().filter(|cell| **cell == "pass").count();
    match (passed, cells.len()) {
        (_, 0) => String::new(),
        (0, _) => "-".to_owned(),
        (passed, all) if passed == all => "yes".to_owned(),
        (passed, all) => format!("{passed} of {all}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "test\t5.10\t6.1\na::b::one\tskip: none\tpass\na::b::two\tpass\tpass\na::c::three\t\tpass\n";

    #[test]
    fn a_row_sums_up_its_tests() {
        let expected = Expected::parse(TABLE);
        let page = page(
            "# Things\nall of b\tb::*\nthree\tc::three\n",
            "x\twhy\n",
            &expected,
        )
        .unwrap();
        assert!(
            page.contains("| all of b | `b::*` | 1 of 2 | yes |"),
            "{page}"
        );
        assert!(page.contains("| three | `c::three` |  | yes |"), "{page}");
        assert!(page.contains("| x | why |"), "{page}");
        assert_eq!(summary(&["skip: a", "skip: b"]), "-");
    }

    #[test]
    fn a_capability_without_a_test_is_an_error() {
        let expected = Expected::parse(TABLE);
        for table in [
            "# T\nnothing\n",
            "# T\ngone\tb::no_more\n",
            "# T\npart\tree\n",
        ] {
            assert!(page(table, "", &expected).is_err(), "{table}");
        }
    }
}
