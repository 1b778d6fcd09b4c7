//! Why the kernel may have said no: looked up after it did, to tell its reader.

use std::fs;

use rustix::io::Errno;
use rustix::thread::{CapabilitySet, capabilities};

use crate::{Error, ErrorKind};

/// Those of the capabilities that this thread has not. Root has all, unless something took them
/// away.
pub(crate) fn capabilities_missing(needed: CapabilitySet) -> CapabilitySet {
    let effective = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    missing(needed, effective)
}

fn missing(needed: CapabilitySet, effective: CapabilitySet) -> CapabilitySet {
    // CAP_SYS_ADMIN includes what was split off from it in Linux 5.8.
    if effective.contains(CapabilitySet::SYS_ADMIN) {
        return needed & !(effective | CapabilitySet::BPF | CapabilitySet::PERFMON);
    }
    needed & !effective
}

/// Adds to the error of a call that needs these capabilities what stands in its way, if it was answered with EPERM.
pub(crate) fn explain(error: Error, needed: CapabilitySet) -> Error {
    match error.errno() {
        Some(Errno::PERM) => with_remedy(error, needed),
        _ => error,
    }
}

/// Adds to the error of a call that was refused and needs these capabilities what stands in its way.
pub(crate) fn with_remedy(error: Error, needed: CapabilitySet) -> Error {
    match remedy(needed) {
        Some(remedy) => error.with_remedy(remedy),
        None => error,
    }
}

/// What stands in the way of a call that was answered with EPERM or EACCES and needs these
/// capabilities, and what to do about it; `None` if nothing was found.
pub(crate) fn remedy(needed: CapabilitySet) -> Option<String> {
    let missing = capabilities_missing(needed);
    if !missing.is_empty() {
        let mut text = format!("run it as root, or with {}", names(missing));
        let is_privileged = !missing.contains(CapabilitySet::BPF);
        if !is_privileged
            && sysctl("kernel/unprivileged_bpf_disabled").is_some_and(|level| level != "0")
        {
            text += " (kernel.unprivileged_bpf_disabled is set, so nothing works without)";
        }
        return Some(text);
    }
    if in_user_namespace() {
        return Some(
            "this process has its capabilities in a user namespace, where they do not count for \
             BPF: run it in the initial one, or give it a BPF token"
                .into(),
        );
    }
    let mut suspects = Vec::new();
    if let Some(level) = lockdown() {
        suspects.push(format!("lockdown ({level})"));
    }
    if seccomp() {
        suspects.push("the seccomp filter of this process".into());
    }
    if let Some(modules) = bpf_guarding_modules() {
        suspects.push(format!("a security module ({modules})"));
    }
    if suspects.is_empty() {
        suspects.push("a policy built into this kernel: try another kind of program".into());
    }
    Some(format!(
        "this process has {}, so what refuses it may be {}",
        names(needed),
        suspects.join(", ")
    ))
}

/// The names of capabilities, joined to a list.
fn names(set: CapabilitySet) -> String {
    let all = [
        (CapabilitySet::BPF, "CAP_BPF"),
        (CapabilitySet::PERFMON, "CAP_PERFMON"),
        (CapabilitySet::NET_ADMIN, "CAP_NET_ADMIN"),
        (CapabilitySet::SYS_ADMIN, "CAP_SYS_ADMIN"),
    ];
    let names: Vec<_> = all
        .iter()
        .filter(|(bit, _)| set.contains(*bit))
        .map(|(_, name)| *name)
        .collect();
    names.join(" and ")
}

pub(crate) fn sysctl(name: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/sys/{name}")).ok()?;
    Some(text.trim().into())
}

/// Whether this is a user namespace other than the initial one, in which user ids are mapped one to one.
pub(crate) fn in_user_namespace() -> bool {
    let Ok(map) = fs::read_to_string("/proc/self/uid_map") else {
        return false;
    };
    let mut fields = map.split_whitespace();
    let identity = ["0", "0", "4294967295"];
    !(fields.by_ref().take(3).eq(identity) && fields.next().is_none())
}

/// The level of lockdown in force, if any.
pub(crate) fn lockdown() -> Option<String> {
    let text = fs::read_to_string("/sys/kernel/security/lockdown").ok()?;
    selected(&text)
        .filter(|level| *level != "none")
        .map(Into::into)
}

/// The level of lockdown that keeps what is in the kernel's memory from everybody: probes and tracefs are forbidden, too.
const CONFIDENTIALITY: &str = "confidentiality";

/// Whether lockdown may be what refuses probes, tracefs, or helpers that read the kernel's memory.
pub(crate) fn is_confidential() -> bool {
    lockdown().is_some_and(|level| level == CONFIDENTIALITY)
}

/// What lockdown forbids (`what`: "probes").
#[cold]
pub(crate) fn by_lockdown(error: Error, what: &str) -> Error {
    error
        .with_kind(ErrorKind::PermissionDenied)
        .with_reason(format!(
            "the kernel is locked down ({CONFIDENTIALITY}), which forbids {what}"
        ))
        .with_remedy("boot it with lockdown=integrity or without lockdown")
}

/// The word in brackets, as the kernel marks what is chosen among several.
fn selected(text: &str) -> Option<&str> {
    text.split_once('[')?
        .1
        .split_once(']')
        .map(|(word, _)| word)
}

/// Whether a seccomp filter is in force, on this thread.
pub(crate) fn seccomp() -> bool {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    status
        .lines()
        .filter_map(|line| line.strip_prefix("Seccomp:"))
        .any(|mode| mode.trim() == "2")
}

/// The active security modules that can refuse bpf(2).
fn bpf_guarding_modules() -> Option<String> {
    let text = fs::read_to_string("/sys/kernel/security/lsm").ok()?;
    let guards: Vec<_> = text
        .trim()
        .split(',')
        .filter(|name| ["selinux", "bpf", "smack"].contains(name))
        .collect();
    (!guards.is_empty()).then(|| guards.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_chosen_word() {
        assert_eq!(
            selected("none [integrity] confidentiality\n"),
            Some("integrity")
        );
        assert_eq!(selected("none integrity"), None);
    }

    #[test]
    fn the_administrator_lacks_nothing_of_bpf() {
        let needed = CapabilitySet::BPF | CapabilitySet::PERFMON | CapabilitySet::NET_ADMIN;
        assert_eq!(missing(needed, CapabilitySet::empty()), needed);
        assert_eq!(missing(needed, needed), CapabilitySet::empty());
        assert_eq!(
            missing(needed, CapabilitySet::SYS_ADMIN),
            CapabilitySet::NET_ADMIN
        );
    }

    #[test]
    fn names_capabilities() {
        let set = CapabilitySet::BPF | CapabilitySet::PERFMON;
        assert_eq!(names(set), "CAP_BPF and CAP_PERFMON");
    }
}
