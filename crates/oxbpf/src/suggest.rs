//! "Did you mean": the names nearest to one that does not exist.

use crate::limits::MAX_COMPARED_NAME;

/// How many names are suggested at most; more are noise.
const MAX_SUGGESTIONS: usize = 3;

/// Keeps the best few of the names it is offered.
#[derive(Debug)]
pub(crate) struct Nearest<'w> {
    wanted: &'w str,
    letters: u64,
    /// Sorted by distance, then by name.
    best: Vec<(usize, String)>,
    row: Rows,
}

impl<'w> Nearest<'w> {
    pub(crate) fn to(wanted: &'w str) -> Self {
        Self {
            wanted,
            letters: letters(wanted.as_bytes()),
            best: Vec::new(),
            row: Rows::default(),
        }
    }

    /// Considers `name`.
    pub(crate) fn offer(&mut self, name: &str) {
        let worst = match self.best.get(MAX_SUGGESTIONS - 1) {
            Some((distance, _)) => *distance,
            None => usize::MAX,
        };
        let Some(distance) = self.distance(name).filter(|d| *d <= worst) else {
            return;
        };
        let entry = (distance, name.to_owned());
        if let Err(place) = self.best.binary_search(&entry) {
            self.best.insert(place, entry);
            self.best.truncate(MAX_SUGGESTIONS);
        }
    }

    /// The names found, nearest first.
    pub(crate) fn names(self) -> Vec<String> {
        self.best.into_iter().map(|(_, name)| name).collect()
    }

    /// How far `name` is from the one wanted, or `None` where nobody would take one for the other.
    fn distance(&mut self, name: &str) -> Option<usize> {
        let (wanted, name) = (self.wanted.as_bytes(), name.as_bytes());
        let longer = wanted.len().max(name.len());
        if longer > MAX_COMPARED_NAME {
            return None;
        }
        let allowed = (wanted.len() / 3).clamp(1, 4);
        let extra = longer - wanted.len().min(name.len());
        let (ours, theirs) = (self.letters, letters(name));
        // Each edit takes away one letter at most and brings one.
        if extra <= allowed && (ours ^ theirs).count_ones() as usize <= 2 * allowed {
            if let Some(edits) = self.row.edits(wanted, name, allowed) {
                return Some(edits);
            }
        }
        let shared = ours & theirs;
        if wanted.len() < 4 || name.len() < 4 || (shared != ours && shared != theirs) {
            return None;
        }
        // What a compiler made of a function goes on behind a dot.
        if name
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.starts_with(b"."))
        {
            return Some(1);
        }
        // A name that holds the other whole is near as well, though behind any typing mistake.
        let whole = contains(name, wanted) || contains(wanted, name);
        whole.then_some(allowed + extra)
    }
}

/// The set of letters in a name, more or less.
fn letters(name: &[u8]) -> u64 {
    name.iter().fold(0, |set, byte| set | 1 << (byte & 63))
}

/// The nearest of `names` to `wanted`.
#[must_use]
pub fn nearest<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
    let mut nearest = Nearest::to(wanted);
    for name in names {
        nearest.offer(name);
    }
    nearest.names()
}

/// "did you mean `a`, `b` or `c`?", or `None` without names.
#[must_use]
pub fn did_you_mean(names: &[String]) -> Option<String> {
    let (last, others) = names.split_last()?;
    let others: Vec<_> = others.iter().map(|name| format!("`{name}`")).collect();
    Some(if others.is_empty() {
        format!("did you mean `{last}`?")
    } else {
        format!("did you mean {} or `{last}`?", others.join(", "))
    })
}

fn contains(whole: &[u8], part: &[u8]) -> bool {
    whole.windows(part.len()).any(|window| window == part)
}

/// The three last rows of an edit distance table, kept to spare an allocation per name.
#[derive(Debug, Default)]
struct Rows {
    before_last: Vec<usize>,
    last: Vec<usize>,
    this: Vec<usize>,
}

impl Rows {
    /// Insertions, deletions, replacements and swaps of neighbours between `a` and `b`, if at most `allowed`.
    fn edits(&mut self, a: &[u8], b: &[u8], allowed: usize) -> Option<usize> {
        self.last.clear();
        self.last.extend(0..=b.len());
        self.before_last.clear();
        for (i, x) in a.iter().enumerate() {
            self.this.clear();
            self.this.push(i + 1);
            for (j, y) in b.iter().enumerate() {
                let mut edits = (self.last[j] + usize::from(x != y))
                    .min(self.last[j + 1] + 1)
                    .min(self.this[j] + 1);
                if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                    edits = edits.min(self.before_last[j - 1] + 1);
                }
                self.this.push(edits);
            }
            if self.this.iter().all(|edits| *edits > allowed) {
                return None;
            }
            std::mem::swap(&mut self.before_last, &mut self.last);
            std::mem::swap(&mut self.last, &mut self.this);
        }
        self.last.last().copied().filter(|edits| *edits <= allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_typing_mistakes_first_and_then_names_that_hold_the_other() {
        let names = [
            "do_exit",
            "do_exti",
            "unrelated",
            "do_exit_group",
            "vfs_read",
        ];
        assert_eq!(
            nearest("do_exit", names),
            ["do_exit", "do_exti", "do_exit_group"]
        );
        assert_eq!(nearest("vfs_raed", names), ["vfs_read"]);
        assert_eq!(nearest("exit_group", names)[0], "do_exit_group");
        assert!(nearest("tcp_connect", names).is_empty());
        assert_eq!(
            nearest("vfs_read", ["vfs_readv", "vfs_read.isra.0", "vfs_reed"])[0],
            "vfs_read.isra.0"
        );
    }

    #[test]
    fn keeps_only_the_best_and_each_once() {
        let many: Vec<String> = (0..100).map(|n| format!("probe_{n}")).collect();
        let found = nearest("probe_7", many.iter().chain(&many).map(String::as_str));
        assert_eq!(found.len(), MAX_SUGGESTIONS);
        assert_eq!(found[0], "probe_7");
        let mut once = found.clone();
        once.dedup();
        assert_eq!(once, found);
    }

    #[test]
    fn counts_edits_as_a_typist_makes_them() {
        let mut rows = Rows::default();
        assert_eq!(rows.edits(b"abc", b"abc", 2), Some(0));
        assert_eq!(rows.edits(b"abc", b"acb", 2), Some(1));
        assert_eq!(rows.edits(b"abc", b"ab", 2), Some(1));
        assert_eq!(rows.edits(b"", b"ab", 2), Some(2));
        assert_eq!(rows.edits(b"abc", b"xyz", 2), None);
    }

    #[test]
    fn speaks_in_sentences() {
        assert_eq!(did_you_mean(&[]), None);
        let names = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        assert_eq!(
            did_you_mean(&names[..1]).as_deref(),
            Some("did you mean `a`?")
        );
        assert_eq!(
            did_you_mean(&names).as_deref(),
            Some("did you mean `a`, `b` or `c`?")
        );
    }
}
