//! Patterns for names, as shells have them.

use std::convert::Infallible;
use std::str::FromStr;

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

/// Whether all of a name is like the pattern.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last `*` was, and how far what it stands for reaches.
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match &mut star {
                Some((at, reach)) => {
                    *reach += 1;
                    (p, n) = (*at + 1, *reach);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_wanted(patterns: &[&str], object: &str, name: &str) -> bool {
        let patterns: Vec<Pattern> = patterns.iter().map(|p| p.parse().unwrap()).collect();
        wanted(&patterns, object, name)
    }

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, name, is_like) in [
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("a*c", "abbbc", true),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*_entry*", "do_entry_x", true),
            ("*a*b", "aab_ab", true),
            ("**", "x", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, name), is_like, "{pattern} {name}");
        }
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
