//! `differences.tsv`: where we differ from libbpf, and why ours is right.

use crate::compare::Difference;

/// A row: patterns in which `*` stands for anything, and the reason.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Where it stands in the file.
    pub(crate) line: usize,
    object: String,
    subject: String,
    libbpf: String,
    oxbpf: String,
    pub(crate) reason: String,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Table(pub(crate) Vec<Row>);

impl Table {
    pub(crate) fn parse(text: &str) -> Result<Table, String> {
        let lines = text.lines().enumerate();
        let rows = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let rows = rows.map(
            |(number, line)| match line.split('\t').collect::<Vec<_>>()[..] {
                [object, subject, libbpf, oxbpf, reason] if !reason.is_empty() => Ok(Row {
                    line: number + 1,
                    object: object.to_owned(),
                    subject: subject.to_owned(),
                    libbpf: libbpf.to_owned(),
                    oxbpf: oxbpf.to_owned(),
                    reason: reason.to_owned(),
                }),
                _ => Err(format!(
                    "line {}: not five columns (object, subject, libbpf, oxbpf, reason)",
                    number + 1
                )),
            },
        );
        rows.collect::<Result<_, _>>().map(Table)
    }

    /// The position of the row that a difference is known by.
    pub(crate) fn find(&self, object: &str, difference: &Difference) -> Option<usize> {
        self.0.iter().position(|row| {
            matches(&row.object, object)
                && matches(&row.subject, &difference.subject)
                && matches(&row.libbpf, &difference.libbpf)
                && matches(&row.oxbpf, &difference.oxbpf)
        })
    }
}

/// Whether `text` is `pattern`, in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, mut rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(start) else {
        return false;
    };
    while let Some((part, after)) = rest.split_once('*') {
        let Some(found) = text.find(part) else {
            return false;
        };
        text = &text[found + part.len()..];
        rest = after;
    }
    text.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(matches("*", "") && matches("*", "any thing"));
        assert!(matches("a*c", "abc") && matches("a*c", "ac") && !matches("a*c", "ab"));
        assert!(matches("a*b*c", "a-b-b-c") && !matches("a*b*c", "a-c"));
        assert!(matches("abc", "abc") && !matches("abc", "abcd"));
        assert!(!matches("ab*b", "ab"), "a letter counts once");
    }

    #[test]
    fn a_row_needs_a_reason() {
        assert!(Table::parse("o\ts\tl\tx\t\n").is_err());
        assert!(Table::parse("o\ts\tl\tx\n").is_err());
        let table = Table::parse("# a note\n\n*/a.o\topen\tE*\tyes\twe can\n").unwrap();
        let difference = Difference::new("open", "EINVAL", "yes");
        assert_eq!(table.find("x/a.o", &difference), Some(0));
        assert_eq!(table.find("x/b.o", &difference), None);
        let worse = Difference::new("open", "yes", "no");
        assert_eq!(table.find("x/a.o", &worse), None);
    }
}
