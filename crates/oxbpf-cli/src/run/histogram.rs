//! Log2 histograms: which values are some, and what they look like.

use std::io::{self, Write};

use oxbpf::map::{Histogram, Scale};
use oxbpf_object::btf::Value;

/// How many slots a histogram has at least, and at most: a number has no more than 64 bits.
const SLOTS: std::ops::RangeInclusive<usize> = 8..=64;

/// The counts of a member or variable that is a log2 histogram: numbers without a sign, under a name that says so.
pub(super) fn counts(name: &str, value: &Value<'_>) -> Option<Vec<u128>> {
    let name = name.to_ascii_lowercase();
    let says_so = ["slot", "hist", "bucket", "dist"]
        .iter()
        .any(|word| name.contains(word));
    match value {
        Value::Array(elements) if says_so && SLOTS.contains(&elements.len()) => elements
            .iter()
            .map(|element| match element {
                Value::Unsigned(count) => Some(*count),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

/// A member of a structure.
pub(super) type Named<'a> = (&'a str, Value<'a>);

/// The histogram in a structure: its counts, and what the other members say.
pub(super) fn in_struct<'v, 'a>(value: &'v Value<'a>) -> Option<(Vec<u128>, Vec<&'v Named<'a>>)> {
    let Value::Struct(members) = value else {
        return None;
    };
    let (at, counts) = members
        .iter()
        .enumerate()
        .find_map(|(at, (name, value))| Some((at, counts(name, value)?)))?;
    let others = members.iter().enumerate().filter(|(n, _)| *n != at);
    Some((counts, others.map(|(_, member)| member).collect()))
}

/// Draws the slots, up to the last that has something.
pub(super) fn draw(counts: &[u128], out: &mut dyn Write) -> io::Result<()> {
    let end = counts
        .iter()
        .rposition(|count| *count > 0)
        .map_or(0, |last| last + 1);
    let counts = counts.iter().take(end);
    let counts = counts.map(|count| u64::try_from(*count).unwrap_or(u64::MAX));
    write!(out, "{}", Histogram::new(Scale::Log2, counts).draw("value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_after_the_last_that_has_something_are_not_drawn() {
        let mut out = Vec::new();
        let mut counts = [0; 16];
        counts[2] = 20;
        draw(&counts, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.contains("4 -> 7 : 20"), "{text}");
        draw(&[], &mut Vec::new()).unwrap();
        draw(&[u128::MAX; 64], &mut Vec::new()).unwrap();
    }

    #[test]
    fn only_what_says_so_is_one() {
        let slots = Value::Array(vec![Value::Unsigned(1); 27]);
        assert!(counts("slots", &slots).is_some());
        assert!(counts("offsets", &slots).is_none());
        assert!(counts("slots", &Value::Array(vec![Value::Signed(1); 27])).is_none());
        assert!(counts("slots", &Value::Array(vec![Value::Unsigned(1); 3])).is_none());
        let hist = Value::Struct(vec![("slots", slots), ("comm", Value::Text(b"x"))]);
        assert_eq!(in_struct(&hist).unwrap().1, [&("comm", Value::Text(b"x"))]);
    }
}
