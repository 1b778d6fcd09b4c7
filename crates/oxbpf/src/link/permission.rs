//! Why attaching was refused with EPERM or EACCES.

use rustix::thread::CapabilitySet;

use crate::Error;
use crate::denied;

/// The level of `kernel.perf_event_paranoid` that distributions have added.
const CLOSED: i32 = 3;

/// Adds to `error` what stands in the way of perf_event_open(2) and probes, as far as that can be found out.
pub(super) fn explain_perf(error: Error) -> Error {
    let needed = CapabilitySet::PERFMON;
    if !denied::capabilities_missing(needed).is_empty() {
        let level = denied::sysctl("kernel/perf_event_paranoid");
        let error = match level {
            Some(level) => error.with_reason(format!(
                "this process is without CAP_PERFMON, and kernel.perf_event_paranoid is {level}"
            )),
            None => error.with_reason("this process is without CAP_PERFMON"),
        };
        return error.with_remedy("run it as root, or with CAP_PERFMON");
    }
    // Debian's and Ubuntu's kernels have a level that ours does not: nobody but the administrator opens any event.
    let level = denied::sysctl("kernel/perf_event_paranoid");
    let is_closed = level
        .as_deref()
        .and_then(|level| level.parse::<i32>().ok())
        .is_some_and(|level| level >= CLOSED);
    if is_closed && !denied::capabilities_missing(CapabilitySet::SYS_ADMIN).is_empty() {
        let level = level.unwrap_or_default();
        return error
            .with_reason(format!(
                "kernel.perf_event_paranoid is {level}, which leaves perf events to those with CAP_SYS_ADMIN on this distribution's kernels"
            ))
            .with_remedy("set it to 2: sysctl kernel.perf_event_paranoid=2, or run it as root");
    }
    if denied::in_user_namespace() {
        return error
            .with_reason("this process has its capabilities in a user namespace, where they do not count for perf events and probes")
            .with_remedy("run it in the initial one");
    }
    match denied::is_confidential() {
        true => denied::by_lockdown(error, "probes"),
        false => denied::with_remedy(error, needed),
    }
}

/// Adds to `error` what stands in the way of bpf(2).
pub(super) fn explain_bpf(error: Error) -> Error {
    denied::with_remedy(error, CapabilitySet::BPF | CapabilitySet::PERFMON)
}
