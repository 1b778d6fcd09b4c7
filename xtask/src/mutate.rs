//! Breaks the code on purpose, line by line as `mutations.tsv` says, and wants a test to fail each time.

use crate::cargo::cargo;
use crate::process::{Context, Result, workspace};
use crate::vmtest;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) const USAGE: &str = "[FILTER]";

/// A test that takes longer has noticed that something is wrong.
const PATIENCE: Duration = Duration::from_secs(180);

/// A line to break, and the test that must notice.
#[derive(Debug, PartialEq, Eq)]
struct Mutation {
    /// Relative to the workspace.
    file: String,
    /// Without its indentation.
    line: String,
    /// Which of several such lines: `#2` after the file's name takes the second.
    occurrence: Option<usize>,
    /// Empty: the line is deleted.
    replacement: String,
    /// What follows `cargo test`; or `vmtest` and what follows that.
    test: Vec<String>,
}

pub(crate) fn main(args: &[String]) -> Result<()> {
    let table = workspace().join("xtask/mutations.tsv");
    let mut mutations = parse(&std::fs::read_to_string(&table).context(table.display())?)?;
    if let Some(filter) = args.first() {
        mutations
            .retain(|mutation| mutation.file.contains(filter) || mutation.line.contains(filter));
    }
    // Lines that are gone are told before anything is built.
    for mutation in &mutations {
        let file = workspace().join(&mutation.file);
        mutation.apply(&std::fs::read_to_string(&file).context(file.display())?)?;
    }
    let tree = workspace().join("target/mutate/tree");
    copy_tree(&workspace(), &tree)?;
    let tests: BTreeSet<_> = mutations.iter().map(|mutation| &mutation.test).collect();
    for test in tests {
        if !(compiles(&tree, test)? && passes(&tree, test)?) {
            return Err(format!(
                "`cargo test {}` is red before anything was broken",
                test.join(" ")
            )
            .into());
        }
    }
    let mut survivors = 0;
    for mutation in &mutations {
        let start = Instant::now();
        let (whole, broken) = (workspace().join(&mutation.file), tree.join(&mutation.file));
        let text = std::fs::read_to_string(&whole).context(whole.display())?;
        std::fs::write(&broken, mutation.apply(&text)?).context(broken.display())?;
        let verdict = if !compiles(&tree, &mutation.test)? {
            "DOES NOT COMPILE"
        } else if passes(&tree, &mutation.test)? {
            "SURVIVED"
        } else {
            "noticed"
        };
        survivors += usize::from(verdict != "noticed");
        println!(
            "{verdict:9} {:4.1} s  {}: {}",
            start.elapsed().as_secs_f64(),
            mutation.file,
            mutation.line
        );
        std::fs::write(&broken, text).context(broken.display())?;
    }
    println!("{} mutations, {survivors} survivors", mutations.len());
    if survivors == 0 {
        Ok(())
    } else {
        Err("a line can be broken without a test failing".into())
    }
}

fn parse(table: &str) -> Result<Vec<Mutation>> {
    let rows = table.lines().skip(1).filter(|row| !row.is_empty());
    let mutation = |row: &str| {
        let [file, line, replacement, test] = row.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("not four columns: {row}").into());
        };
        let (file, occurrence) = match file.split_once('#') {
            Some((file, occurrence)) => (file, Some(occurrence.parse().context(row)?)),
            None => (file, None),
        };
        Ok(Mutation {
            file: file.to_owned(),
            line: line.trim().to_owned(),
            occurrence,
            replacement: replacement.to_owned(),
            test: test.split_whitespace().map(str::to_owned).collect(),
        })
    };
    rows.map(mutation).collect()
}

impl Mutation {
    /// The text with the line broken.
    fn apply(&self, text: &str) -> Result<String> {
        let same = |(_, line): &(usize, &str)| line.trim() == self.line;
        let lines: Vec<&str> = text.lines().collect();
        let found: Vec<usize> = lines
            .iter()
            .copied()
            .enumerate()
            .filter(same)
            .map(|(number, _)| number)
            .collect();
        let number = match self.occurrence {
            Some(occurrence) => found.get(occurrence.wrapping_sub(1)),
            None if found.len() == 1 => found.first(),
            None => None,
        };
        let number = number
            .ok_or_else(|| format!("{} has {} lines `{}`", self.file, found.len(), self.line))?;
        let broken = lines.iter().enumerate().map(|(at, line)| {
            if at == *number {
                self.replacement.as_str()
            } else {
                line
            }
        });
        Ok(broken.map(|line| format!("{line}\n")).collect())
    }
}

/// Copies the sources; files that are the same are left alone, so that cargo need not build them again.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).context(to.display())?;
    let names = |dir: &Path| -> Result<BTreeSet<std::ffi::OsString>> {
        let entries = std::fs::read_dir(dir).context(dir.display())?;
        Ok(entries
            .filter_map(|entry| Some(entry.ok()?.file_name()))
            .collect())
    };
    let wanted: BTreeSet<_> = names(from)?
        .into_iter()
        .filter(|name| name != "target" && name != ".git")
        .collect();
    for stale in names(to)?.difference(&wanted) {
        let stale = to.join(stale);
        let removed = if stale.is_dir() {
            std::fs::remove_dir_all(&stale)
        } else {
            std::fs::remove_file(&stale)
        };
        removed.context(stale.display())?;
    }
    for name in wanted {
        let (source, copy): (PathBuf, PathBuf) = (from.join(&name), to.join(&name));
        if source.is_dir() {
            copy_tree(&source, &copy)?;
        } else {
            let contents = std::fs::read(&source).context(source.display())?;
            if std::fs::read(&copy).ok().as_ref() != Some(&contents) {
                std::fs::copy(&source, &copy).context(copy.display())?;
            }
        }
    }
    Ok(())
}

fn cargo_in(tree: &Path, args: &[&str]) -> Command {
    // A broken loop may have no end: timeout ends cargo with all that it started.
    let mut command = Command::new("timeout");
    command
        .arg(PATIENCE.as_secs().to_string())
        .arg(cargo().get_program())
        .args(args)
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", tree.with_file_name("target"))
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn compiles(tree: &Path, test: &[String]) -> Result<bool> {
    let mut build = cargo_in(tree, &["test", "--no-run"]);
    match test.first().map(String::as_str) {
        Some("vmtest") => vmtest::select_packages(&mut build),
        _ => build.args(test),
    };
    Ok(build.status().context("cargo test")?.success())
}

fn passes(tree: &Path, test: &[String]) -> Result<bool> {
    let mut run = match test.first().map(String::as_str) {
        Some("vmtest") => cargo_in(tree, &["xtask"]),
        _ => cargo_in(tree, &["test"]),
    };
    Ok(run.args(test).status().context("cargo")?.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "fn f() {\n    a();\n    b();\n    a();\n}\n";

    fn mutation(row: &str) -> Mutation {
        parse(&format!("file\tline\treplacement\ttest\n{row}\n"))
            .unwrap()
            .remove(0)
    }

    #[test]
    fn a_line_is_deleted_or_replaced() {
        let deleted = mutation("f.rs\tb();\t\t-p x --lib").apply(TEXT).unwrap();
        assert_eq!(deleted, "fn f() {\n    a();\n\n    a();\n}\n");
        let second = mutation("f.rs#2\ta();\tc();\t-p x").apply(TEXT).unwrap();
        assert_eq!(second, "fn f() {\n    a();\n    b();\nc();\n}\n");
    }

    #[test]
    fn a_line_that_is_not_there_or_not_alone_is_an_error() {
        for row in [
            "f.rs\tc();\t\tx",
            "f.rs\ta();\t\tx",
            "f.rs#3\ta();\t\tx",
            "f.rs#0\ta();\t\tx",
        ] {
            assert!(mutation(row).apply(TEXT).is_err(), "{row}");
        }
        assert!(parse("head\nfile\tline\ttest\n").is_err());
    }

    #[test]
    fn a_tree_is_copied_once_and_then_only_what_changed() {
        let scratch = crate::process::Scratch::new(&std::env::temp_dir()).unwrap();
        let (from, to) = (scratch.0.join("from"), scratch.0.join("to"));
        for dir in ["target", "src"] {
            std::fs::create_dir_all(from.join(dir)).unwrap();
            std::fs::write(from.join(dir).join("a"), "1").unwrap();
        }
        copy_tree(&from, &to).unwrap();
        assert!(!to.join("target").exists());
        let time = |file: &str| {
            std::fs::metadata(to.join(file))
                .unwrap()
                .modified()
                .unwrap()
        };
        let before = time("src/a");
        std::fs::write(to.join("src/stale"), "").unwrap();
        std::fs::write(from.join("src/b"), "2").unwrap();
        copy_tree(&from, &to).unwrap();
        assert_eq!(time("src/a"), before);
        assert!(!to.join("src/stale").exists());
        assert_eq!(std::fs::read_to_string(to.join("src/b")).unwrap(), "2");
    }
}
