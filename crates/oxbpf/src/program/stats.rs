//! What a verification cost, as the kernel tells at the end of its log.

use std::time::Duration;

/// What the verifier went through for one program.
///
/// Each figure is there if this kernel gives it, which differs between versions.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct VerifierStats {
    /// Instructions looked at, each as often as a path came by.
    pub processed_insns: Option<u64>,
    /// How many it would have looked at before giving up.
    pub insn_limit: Option<u64>,
    /// The most states kept at one instruction.
    pub max_states_per_insn: Option<u64>,
    /// States kept in all.
    pub total_states: Option<u64>,
    /// The most states kept at the same time.
    pub peak_states: Option<u64>,
    /// Bytes of stack, of the program and all its subprograms together.
    pub stack_depth: Option<u64>,
    /// How long it took.
    pub time: Option<Duration>,
}

impl VerifierStats {
    /// Reads them out of a log; `None` if it has none.
    ///
    /// The program's own state names, values and C lines stand before them, so the last line of each
    /// form counts.
    #[must_use]
    pub fn from_log(log: &str) -> Option<Self> {
        let mut stats = Self::default();
        for line in log.lines() {
            if let Some(rest) = line.strip_prefix("verification time ") {
                stats.time = first_number(rest).map(Duration::from_micros);
            } else if let Some(rest) = line.strip_prefix("stack depth ") {
                stats.stack_depth = stack_depth(rest);
            } else if line.starts_with("processed ") {
                stats.read_counts(line);
            }
        }
        (stats != Self::default()).then_some(stats)
    }

    /// Reads "processed 9 insns (limit 1000000) max_states_per_insn 0 total_states 1 …".
    fn read_counts(&mut self, line: &str) {
        let mut words = line.split([' ', '(', ')']).filter(|word| !word.is_empty());
        while let Some(word) = words.next() {
            let figure = match word {
                "processed" => &mut self.processed_insns,
                "limit" => &mut self.insn_limit,
                "max_states_per_insn" => &mut self.max_states_per_insn,
                "total_states" => &mut self.total_states,
                "peak_states" => &mut self.peak_states,
                _ => continue,
            };
            *figure = words.next().and_then(|number| number.parse().ok());
        }
    }
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

/// The sum of "16+0+8".
fn stack_depth(text: &str) -> Option<u64> {
    // Newer kernels tell the deepest only: "max 16".
    let text = text.strip_prefix("max ").unwrap_or(text);
    let depths = text.split_whitespace().next()?.split('+');
    depths
        .map(|depth| depth.parse::<u64>().ok())
        .try_fold(0_u64, |sum, depth| sum.checked_add(depth?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_where_they_are() {
        let log = "0: (b7) r0 = 0\n\
                   verification time 103 usec\n\
                   stack depth 16+0+8\n\
                   processed 9 insns (limit 1000000) max_states_per_insn 2 total_states 4 peak_states 3 mark_read 1\n";
        assert_eq!(
            VerifierStats::from_log(log),
            Some(VerifierStats {
                processed_insns: Some(9),
                insn_limit: Some(1_000_000),
                max_states_per_insn: Some(2),
                total_states: Some(4),
                peak_states: Some(3),
                stack_depth: Some(24),
                time: Some(Duration::from_micros(103)),
            })
        );
    }

    #[test]
    fn what_is_not_there_stays_out() {
        assert_eq!(VerifierStats::from_log(""), None);
        assert_eq!(
            VerifierStats::from_log("stack depth many\nprocessed\n"),
            None
        );
        let newer = VerifierStats::from_log("stack depth max 16\n").unwrap();
        assert_eq!(newer.stack_depth, Some(16));
        let older = VerifierStats::from_log("processed 5 insns, stack depth 0\n").unwrap();
        assert_eq!(older.processed_insns, Some(5));
        assert_eq!(older.total_states, None);
    }
}
