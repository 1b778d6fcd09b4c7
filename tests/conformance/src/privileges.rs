//! What this thread may do.

use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

/// Does something without these capabilities, a bit each, and has them back afterwards.
pub(crate) fn without<T>(lacking: u64, work: impl FnOnce() -> T) -> T {
    let has = capabilities(None).expect("its own capabilities");
    let mut less = has;
    less.effective -= CapabilitySet::from_bits_retain(lacking);
    set_capabilities(None, less).expect("fewer capabilities");
    let result = work();
    set_capabilities(None, has).expect("capabilities that it had");
    result
}

/// Whether loading a program needs a privilege here at all.
pub(crate) fn are_optional() -> bool {
    let disabled = std::fs::read_to_string("/proc/sys/kernel/unprivileged_bpf_disabled");
    disabled.is_ok_and(|disabled| disabled.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_gone_and_back() {
        let effective = || capabilities(None).unwrap().effective;
        let before = effective();
        without(1 << 39, || {
            assert_eq!(effective(), before - CapabilitySet::BPF)
        });
        assert_eq!(effective(), before);
    }
}
