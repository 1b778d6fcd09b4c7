//! Why a probe was refused with EPERM or EACCES.

use rustix::thread::CapabilitySet;

use crate::Error;
use crate::denied;

/// Adds to `error` what stands in the way of perf_event_open(2) and tracefs, as far as that can be found out.
pub(super) fn explain(error: Error) -> Error {
    if denied::capabilities_missing(CapabilitySet::PERFMON).is_empty() {
        if let Some(level) = denied::lockdown().filter(|level| level == "confidentiality") {
            return error
                .with_reason(format!(
                    "the kernel is locked down ({level}), which forbids probes"
                ))
                .with_remedy("boot with lockdown=integrity or less, or without secure boot");
        }
    }
    let paranoid = denied::sysctl("kernel/perf_event_paranoid");
    let needed = CapabilitySet::PERFMON | CapabilitySet::BPF;
    match (denied::remedy(needed), paranoid) {
        (Some(remedy), Some(level))
            if denied::capabilities_missing(needed) != CapabilitySet::empty() =>
        {
            error.with_remedy(format!("{remedy} (kernel.perf_event_paranoid is {level})"))
        }
        (Some(remedy), _) => error.with_remedy(remedy),
        (None, _) => error,
    }
}
