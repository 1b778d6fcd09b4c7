//! What sysfs says of the PMUs that perf events of probes come from.

use std::fs;

/// How to ask for an event of kprobes or uprobes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct ProbePmu {
    pub(super) event_type: u32,
    /// The bit of `config` that asks for a probe at the return.
    pub(super) returns: u64,
}

impl ProbePmu {
    /// The PMU of this name: `kprobe`, `uprobe`. Linux 4.17.
    pub(super) fn find(name: &str) -> Option<Self> {
        let place = format!("/sys/bus/event_source/devices/{name}");
        let read = |file: &str| fs::read_to_string(format!("{place}/{file}")).ok();
        Self::parse(&read("type")?, &read("format/retprobe")?)
    }

    fn parse(event_type: &str, retprobe: &str) -> Option<Self> {
        let bit: u32 = retprobe.trim().strip_prefix("config:")?.parse().ok()?;
        Some(Self {
            event_type: event_type.trim().parse().ok()?,
            returns: 1u64.checked_shl(bit)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_sysfs_says_of_the_pmu() {
        let pmu = ProbePmu::parse("6\n", "config:0\n").unwrap();
        assert_eq!((pmu.event_type, pmu.returns), (6, 1));
        assert_eq!(ProbePmu::parse("6\n", "config:5\n").unwrap().returns, 32);
        for (event_type, retprobe) in [("", "config:0"), ("6", "config1:0"), ("6", "config:64")] {
            assert_eq!(ProbePmu::parse(event_type, retprobe), None);
        }
    }
}
