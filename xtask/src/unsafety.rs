//! Where `unsafe` is: `xtask/unsafe.tsv` lists each file of what we ship with how often it says so, and why.
//!
//! A new one is noticed, and has to give its reason there.

use crate::process::{Context, Result, workspace};
use std::collections::BTreeMap;
use std::path::Path;

/// What is shipped.
const ROOTS: &[&str] = &["crates", "demo"];

/// How often each file says `unsafe`, by its path from the root of the project.
fn counted() -> Result<BTreeMap<String, usize>> {
    let mut counts = BTreeMap::new();
    let mut open: Vec<_> = ROOTS.iter().map(|root| workspace().join(root)).collect();
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).context(directory.display())? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            // Tests and what was built are not shipped.
            if path.is_dir() && name != "target" && name != "tests" {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let count = count(&std::fs::read_to_string(&path)?);
                if count > 0 {
                    let path = path.strip_prefix(workspace()).unwrap_or(&path);
                    counts.insert(path.display().to_string(), count);
                }
            }
        }
    }
    Ok(counts)
}

/// How often a source says `unsafe` outside of comments, and not as a text of its own.
fn count(source: &str) -> usize {
    let code = source
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    code.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && !"_\"".contains(c)))
        .filter(|word| *word == "unsafe")
        .count()
}

/// The list: how often, and why.
fn listed() -> Result<BTreeMap<String, (usize, String)>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("unsafe.tsv");
    let text = std::fs::read_to_string(&path).context(path.display())?;
    let row = |line: &str| {
        let mut fields = line.split('\t');
        let (file, count, reason) = (fields.next()?, fields.next()?.parse().ok()?, fields.next()?);
        Some((file.to_owned(), (count, reason.to_owned())))
    };
    let rows = text
        .lines()
        .skip(1)
        .map(|line| row(line).ok_or_else(|| format!("unsafe.tsv: {line}").into()));
    rows.collect()
}

/// Compares, and names what differs.
fn check() -> Result<()> {
    let (mut listed, mut wrong) = (listed()?, Vec::new());
    for (file, count) in counted()? {
        match listed.remove(&file) {
            Some((expected, reason)) if expected == count && !reason.is_empty() => {}
            Some((expected, _)) => {
                wrong.push(format!("{file}: {count} times `unsafe`, {expected} listed"))
            }
            None => wrong.push(format!("{file}: {count} times `unsafe`, not listed")),
        }
    }
    wrong.extend(
        listed
            .into_keys()
            .map(|file| format!("{file}: listed, but it has none")),
    );
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!("xtask/unsafe.tsv is not true:\n{}", wrong.join("\n")).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unsafe_is_listed_with_its_reason() {
        check().unwrap();
    }

    #[test]
    fn words_are_counted_outside_of_comments() {
        assert_eq!(
            count("unsafe fn f() {} // unsafe\n/// unsafe\nunsafe_code!(unsafe { \"unsafe\" })"),
            2
        );
    }
}
