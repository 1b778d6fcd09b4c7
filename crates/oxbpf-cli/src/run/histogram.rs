//! Log2 histograms, drawn with bars.

use std::io::{self, Write};

use oxbpf_object::btf::Value;

/// The longest bar.
const BAR: usize = 40;

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

/// Draws the slots up to the last that has something: `4 -> 7 : 12 |*****     |`.
pub(super) fn draw(counts: &[u128], out: &mut dyn Write) -> io::Result<()> {
    let end = counts
        .iter()
        .rposition(|count| *count > 0)
        .map_or(0, |last| last + 1);
    let most = counts.iter().max().copied().unwrap_or(0).max(1);
    // Slot n counts what has n+1 bits, and the first 0 too.
    let low = |slot: usize| if slot == 0 { 0 } else { 1u128 << slot };
    let high = |slot: usize| (1u128 << (slot + 1)) - 1;
    let width = high(end.saturating_sub(1)).to_string().len().max(5);
    writeln!(
        out,
        "{:>width$}    {:<width$} : {:>8}  distribution",
        "from", "to", "count"
    )?;
    for (slot, count) in counts.iter().enumerate().take(end) {
        let length = (count * BAR as u128).div_ceil(most) as usize;
        writeln!(
            out,
            "{:>width$} -> {:<width$} : {count:>8} |{:BAR$}|",
            low(slot),
            high(slot),
            "*".repeat(length),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_counts_are_high() {
        let mut out = Vec::new();
        let mut counts = [0; 16];
        (counts[0], counts[2], counts[3]) = (1, 20, 10);
        draw(&counts, &mut out).unwrap();
        let expected = "
 from    to    :    count  distribution
    0 -> 1     :        1 |**                                      |
    2 -> 3     :        0 |                                        |
    4 -> 7     :       20 |****************************************|
    8 -> 15    :       10 |********************                    |
";
        assert_eq!(String::from_utf8(out).unwrap(), expected[1..]);
        draw(&[], &mut Vec::new()).unwrap();
        draw(&[u64::MAX.into(); 64], &mut Vec::new()).unwrap();
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
