//! Patterns for names, as shells have them.

use std::convert::Infallible;
use std::str::FromStr;

use oxbpf::glob::matches;

/// A pattern: `*` stands for anything, `?` for one character, `!` before it for those that are not like it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: String,
    excludes: bool,
}

impl FromStr for Pattern {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Pattern, Infallible> {
        let (text, excludes) = match text.strip_prefix('!') {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        Ok(Pattern {
            text: text.to_owned(),
            excludes,
        })
    }
}

/// Whether a program of an object is wanted: it is like some pattern that includes, if there is any, and like none that excludes.
pub(crate) fn wanted(patterns: &[Pattern], object: &str, name: &str) -> bool {
    let whole = format!("{object}/{name}");
    let is_like =
        |pattern: &Pattern| matches(&pattern.text, name) || matches(&pattern.text, &whole);
    let (excluding, including): (Vec<_>, Vec<_>) = patterns.iter().partition(|p| p.excludes);
    !excluding.into_iter().any(is_like)
        && (including.is_empty() || including.into_iter().any(is_like))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_wanted(patterns: &[&str], object: &str, name: &str) -> bool {
        let patterns: Vec<Pattern> = patterns.iter().map(|p| p.parse().unwrap()).collect();
        wanted(&patterns, object, name)
    }

    #[test]
    fn exclusion_comes_first() {
        assert!(is_wanted(&[], "o", "p"));
        assert!(is_wanted(&["o/p*"], "o", "prog"));
        assert!(!is_wanted(&["q*"], "o", "prog"));
        assert!(!is_wanted(&["p*", "!*og"], "o", "prog"));
        assert!(is_wanted(&["!x"], "o", "prog"));
    }
}
