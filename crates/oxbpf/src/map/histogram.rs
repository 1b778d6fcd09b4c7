//! Histograms: counts of how often values were how large, drawn as text.

use std::fmt;
use std::ops::RangeInclusive;

use super::{Array, HashMap, PerCpuArray, PerCpuHashMap, Plain};
use crate::error::Result;
use crate::limits::MAX_HISTOGRAM_SLOTS;

/// How slots of a histogram divide up the values.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Scale {
    /// Slot 0 has 0 and 1, slot `n` has 2ⁿ to 2ⁿ⁺¹-1: what `bpf_log2l` of libbpf-tools and BCC counts by.
    Log2,
    /// Slot `n` has `first + n * width` and the `width - 1` values after it.
    Linear {
        /// The lowest value of slot 0.
        first: u64,
        /// How many values a slot has; 0 is 1.
        width: u64,
    },
}

/// How often values were in which slot.
///
/// Programs count in an [`Array`] or [`PerCpuArray`] with an entry for each slot, in a hash map with slots as keys, or in an
/// array within a value.
///
/// ```
/// use oxbpf::map::{Histogram, Scale};
///
/// let latencies = Histogram::new(Scale::Log2, [0_u64, 3, 12, 5]);
/// assert_eq!(latencies.total(), 20);
/// assert_eq!(latencies.slots().nth(2), Some((4..=7, 12)));
/// println!("{}", latencies.draw("usecs"));
/// ```
///
/// prints
///
/// ```text
///      usecs : count    distribution
///     0 -> 1 : 0        |                                        |
///     2 -> 3 : 3        |**********                              |
///     4 -> 7 : 12       |****************************************|
///    8 -> 15 : 5        |****************                        |
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Histogram {
    scale: Scale,
    counts: Vec<u64>,
}

/// A number that counts.
pub trait Count: Plain + Into<u64> {}

impl<T: Plain + Into<u64>> Count for T {}

impl Histogram {
    /// From the counts of slot 0 and those after it.
    #[must_use]
    pub fn new<C: Into<u64>>(scale: Scale, counts: impl IntoIterator<Item = C>) -> Self {
        Self {
            scale,
            counts: counts.into_iter().map(Into::into).collect(),
        }
    }

    /// From an array with a count for each slot.
    ///
    /// # Errors
    ///
    /// As [`Array::get`].
    pub fn from_array<C: Count>(scale: Scale, map: &Array<C>) -> Result<Self> {
        let counts: Result<Vec<C>> = map.iter().collect();
        Ok(Self::new(scale, counts?))
    }

    /// From an array with a count for each slot and CPU.
    ///
    /// # Errors
    ///
    /// As [`PerCpuArray::get`].
    pub fn from_per_cpu_array<C: Count>(scale: Scale, map: &PerCpuArray<C>) -> Result<Self> {
        let sums = map.iter().map(|counts| Ok(sum(counts?.values())));
        Ok(Self::new(scale, sums.collect::<Result<Vec<u64>>>()?))
    }

    /// From a hash map with a count under each slot that has one. Slots from 65536 on are left out.
    ///
    /// # Errors
    ///
    /// As of [`HashMap::iter`].
    pub fn from_hash_map<S: Count, C: Count>(scale: Scale, map: &HashMap<S, C>) -> Result<Self> {
        let entries = map
            .iter()
            .map(|entry| entry.map(|(slot, count)| (slot.into(), count.into())));
        Self::from_slots(scale, entries)
    }

    /// From a hash map with counts of each CPU under each slot that has any. Slots from 65536 on are left out.
    ///
    /// # Errors
    ///
    /// As of [`PerCpuHashMap::iter`].
    pub fn from_per_cpu_hash_map<S: Count, C: Count>(
        scale: Scale,
        map: &PerCpuHashMap<S, C>,
    ) -> Result<Self> {
        let entries = map
            .iter()
            .map(|entry| entry.map(|(slot, counts)| (slot.into(), sum(counts.values()))));
        Self::from_slots(scale, entries)
    }

    fn from_slots(scale: Scale, slots: impl Iterator<Item = Result<(u64, u64)>>) -> Result<Self> {
        let mut this = Self::new(scale, [0u64; 0]);
        for entry in slots {
            let (slot, count) = entry?;
            if let Ok(slot @ ..MAX_HISTOGRAM_SLOTS) = usize::try_from(slot) {
                if this.counts.len() <= slot {
                    this.counts.resize(slot + 1, 0);
                }
                this.counts[slot] = this.counts[slot].saturating_add(count);
            }
        }
        Ok(this)
    }

    /// Adds the counts of another one of the same scale, slot by slot.
    pub fn add(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (own, more) in self.counts.iter_mut().zip(&other.counts) {
            *own = own.saturating_add(*more);
        }
    }

    /// How its slots divide up the values.
    #[must_use]
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// The values of each slot, and how many there were.
    pub fn slots(&self) -> impl Iterator<Item = (RangeInclusive<u64>, u64)> + '_ {
        let scale = self.scale;
        (0..)
            .zip(&self.counts)
            .map(move |(slot, count)| (scale.values(slot), *count))
    }

    /// How many values there were.
    #[must_use]
    pub fn total(&self) -> u64 {
        sum(self.counts.iter().copied())
    }

    /// Draws it as text, with a bar for each slot from the first to the last one that has any; `unit` says what the values are.
    #[must_use]
    pub fn draw<'a>(&'a self, unit: &'a str) -> impl fmt::Display + 'a {
        Drawing {
            histogram: self,
            unit,
        }
    }
}

fn sum<C: Into<u64>>(counts: impl Iterator<Item = C>) -> u64 {
    counts.fold(0, |sum: u64, count| sum.saturating_add(count.into()))
}

impl Scale {
    fn values(self, slot: u64) -> RangeInclusive<u64> {
        match self {
            Self::Log2 => {
                let power = |slot: u64| {
                    u32::try_from(slot)
                        .ok()
                        .and_then(|slot| 1u64.checked_shl(slot))
                };
                let first = match slot {
                    0 => 0,
                    slot => power(slot).unwrap_or(u64::MAX),
                };
                first..=power(slot + 1).map_or(u64::MAX, |next| next - 1)
            }
            Self::Linear { first, width } => {
                let width = width.max(1);
                let start = first.saturating_add(slot.saturating_mul(width));
                start..=start.saturating_add(width - 1)
            }
        }
    }
}

struct Drawing<'a> {
    histogram: &'a Histogram,
    unit: &'a str,
}

/// How long the longest bar is, in characters.
const BAR: usize = 40;

impl fmt::Display for Drawing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.histogram.counts;
        let Some(last) = counts.iter().rposition(|count| *count > 0) else {
            return f.write_str("no values\n");
        };
        // On a linear scale, empty slots at the start say nothing; those of powers of two show how small values can be.
        let start = match self.histogram.scale {
            Scale::Log2 => 0,
            Scale::Linear { .. } => counts.iter().position(|count| *count > 0).unwrap_or(0),
        };
        let most = counts.iter().copied().max().unwrap_or(1).max(1);
        let rows: Vec<(String, u64)> = self
            .histogram
            .slots()
            .take(last + 1)
            .skip(start)
            .map(|(values, count)| (label(&values), count))
            .collect();
        let labels = rows
            .iter()
            .map(|(label, _)| label.len())
            .chain([self.unit.chars().count()]);
        let label_width = labels.max().unwrap_or(0).max(10);
        let count_width = most.to_string().len().max(8);
        let unit = self.unit;
        writeln!(
            f,
            "{unit:>label_width$} : {:<count_width$} distribution",
            "count"
        )?;
        for (label, count) in rows {
            // Exact, however large.
            let stars = (u128::from(count) * BAR as u128 / u128::from(most)) as usize;
            let bar = "*".repeat(stars);
            writeln!(
                f,
                "{label:>label_width$} : {count:<count_width$} |{bar:<BAR$}|"
            )?;
        }
        Ok(())
    }
}

fn label(values: &RangeInclusive<u64>) -> String {
    match values.start() == values.end() {
        true => values.start().to_string(),
        false => format!("{} -> {}", values.start(), values.end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_are_drawn_from_the_smallest() {
        let drawn = Histogram::new(Scale::Log2, [0u32, 3, 12, 5, 0, 0])
            .draw("usecs")
            .to_string();
        assert_eq!(
            drawn,
            "     usecs : count    distribution\n\
             \x20   0 -> 1 : 0        |                                        |\n\
             \x20   2 -> 3 : 3        |**********                              |\n\
             \x20   4 -> 7 : 12       |****************************************|\n\
             \x20  8 -> 15 : 5        |****************                        |\n"
        );
    }

    #[test]
    fn linear_slots_are_drawn_from_the_first_that_has_any() {
        let scale = Scale::Linear {
            first: 10,
            width: 5,
        };
        let histogram = Histogram::new(scale, [0u64, 0, 2, 0, 1]);
        let drawn = histogram.draw("bytes").to_string();
        let labels: Vec<_> = drawn
            .lines()
            .skip(1)
            .map(|line| line[..10].trim())
            .collect();
        assert_eq!(labels, ["20 -> 24", "25 -> 29", "30 -> 34"]);
        let single = Scale::Linear { first: 0, width: 0 };
        let drawn = Histogram::new(single, [1u8, 2]).draw("n").to_string();
        assert!(drawn.contains("\n         1 : 2        |***"), "{drawn}");
        let none = Histogram::new(single, [0u8; 3]);
        assert_eq!(none.draw("n").to_string(), "no values\n");
    }

    #[test]
    fn the_largest_values_have_a_slot() {
        assert_eq!(Scale::Log2.values(0), 0..=1);
        assert_eq!(Scale::Log2.values(63), 1 << 63..=u64::MAX);
        assert_eq!(Scale::Log2.values(1000), u64::MAX..=u64::MAX);
        let scale = Scale::Linear {
            first: u64::MAX - 1,
            width: 10,
        };
        assert_eq!(scale.values(5), u64::MAX..=u64::MAX);
        let mut full = Histogram::new(Scale::Log2, [u64::MAX; 64]);
        full.add(&Histogram::new(Scale::Log2, [1u64; 66]));
        assert_eq!((full.total(), full.slots().count()), (u64::MAX, 66));
        assert!(full.draw("x").to_string().contains(&"*".repeat(BAR)));
    }
}
