//! The CPUs that the kernel is prepared for.

use std::sync::OnceLock;

use rustix::io::Errno;

use super::Result;
use crate::limits::MAX_CPUS;

/// The numbers of the CPUs that may ever be there, in ascending order: as many as there are
/// values per key of a per-CPU map, and in that order. They need not be contiguous.
pub(crate) fn possible() -> Result<&'static [u32]> {
    static POSSIBLE: OnceLock<Box<[u32]>> = OnceLock::new();
    // A failure is not kept: it may have been for want of descriptors.
    match POSSIBLE.get() {
        Some(known) => Ok(known),
        None => listed("possible").map(|cpus| &**POSSIBLE.get_or_init(|| cpus.into())),
    }
}

/// The numbers of the CPUs that run now, in ascending order.
pub(crate) fn online() -> Result<Vec<u32>> {
    listed("online")
}

fn listed(file: &str) -> Result<Vec<u32>> {
    let text = std::fs::read_to_string(format!("/sys/devices/system/cpu/{file}"));
    let text = text.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    parse(&text).ok_or(Errno::IO)
}

/// Reads the kernel's notation for a set of CPUs: "0-3,8,10-11".
pub(crate) fn parse(list: &str) -> Option<Vec<u32>> {
    let mut cpus = Vec::new();
    for part in list.trim_end_matches('\n').split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        let above = cpus.last().is_none_or(|highest| *highest < first);
        if first > last || last >= MAX_CPUS || !above {
            return None;
        }
        cpus.extend(first..=last);
    }
    Some(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_kernels_notation() {
        assert_eq!(parse("0\n"), Some(vec![0]));
        assert_eq!(parse("0-3"), Some(vec![0, 1, 2, 3]));
        assert_eq!(parse("0-1,4,6-7\n"), Some(vec![0, 1, 4, 6, 7]));
    }

    #[test]
    fn refuses_what_is_no_ascending_set() {
        for text in [
            "",
            "x",
            "3-1",
            "0,0",
            "2,1",
            "0-",
            "0-99999999",
            "0,,1",
            "-1",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn knows_this_machine() {
        assert!(!possible().unwrap().is_empty());
        let online = online().unwrap();
        assert!(online.iter().all(|cpu| possible().unwrap().contains(cpu)));
    }
}
