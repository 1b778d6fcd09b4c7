//! What a refused program load means.

use oxbpf_object::kernel::ProgramType;
use rustix::io::Errno;
use rustix::thread::CapabilitySet;

use super::{ProgramLoad, VerifierError, advice};
use crate::error::{ENOTSUPP, Error, ErrorKind};
use crate::{denied, feature, memlock};

/// The error for a load that was answered with `errno`.
pub(super) fn explain(load: &ProgramLoad<'_>, errno: Errno, verdict: VerifierError) -> Error {
    let program_type = load.program_type;
    let doing = format!("loading program `{}` ({program_type})", load.name);
    let error = Error::syscall(errno, doing);
    if let Some((kind, reason)) = signature(load, errno, verdict.says_why()) {
        let error = error.with_kind(kind).with_reason(reason);
        return match verdict.says_why() {
            true => error.with_verifier(verdict),
            false => error,
        };
    }
    // Of the attach types that BTF types, a kernel that does not know one complains of something else, if at all.
    let is_unknown = errno == Errno::INVAL
        && verdict.insn().is_none()
        && load.attach.attach_type.and_then(feature::has_typed) == Some(false);
    if is_unknown {
        return no_such_programs(load, error);
    }
    if verdict.says_why() {
        // The verifier does not know of lockdown, and advises to use another helper.
        let advice = locked_down(verdict.summary()).or_else(|| verdict.advice().map(Into::into));
        let remedy = advice.or_else(|| advice::advice(verdict.summary()).map(Into::into));
        let error = error.with_kind(ErrorKind::Rejected).with_verifier(verdict);
        return match remedy {
            Some(remedy) => error.with_remedy(remedy),
            None => error,
        };
    }
    match errno {
        Errno::PERM | Errno::ACCESS => {
            match memlock::remedy().or_else(|| denied::remedy(needed_capabilities(program_type))) {
                Some(remedy) => error.with_remedy(remedy),
                None => error,
            }
        }
        Errno::TOOBIG => too_big(load, error),
        Errno::INVAL => invalid(load, error),
        e if e.raw_os_error() == ENOTSUPP => {
            error.with_remedy("see whether the BPF JIT is on: sysctl net.core.bpf_jit_enable=1")
        }
        Errno::NOMEM => error.with_reason("there is not enough memory"),
        _ => error,
    }
}

/// Helpers that lockdown takes away, by how their names begin: from which level on, and what they do.
const LOCKED: &[(&str, &[&str], &str)] = &[
    (
        "bpf_probe_write_user",
        &["integrity", "confidentiality"],
        "write to the memory of processes",
    ),
    (
        "bpf_probe_read",
        &["confidentiality"],
        "read memory by address; fields of typed pointers (tp_btf, fentry) can still be read",
    ),
];

/// What to say of a helper that is missing because of lockdown.
fn locked_down(summary: &str) -> Option<String> {
    let (_, levels, what) = LOCKED
        .iter()
        .find(|(helper, ..)| summary.contains(helper))?;
    let level = denied::lockdown().filter(|level| levels.contains(&level.as_str()))?;
    Some(format!(
        "the kernel is locked down ({level}), which forbids programs to {what}"
    ))
}

/// What is wrong with the signature, if it has one and that is what is wrong.
fn signature(
    load: &ProgramLoad<'_>,
    errno: Errno,
    verifier_says_why: bool,
) -> Option<(ErrorKind, &'static str)> {
    load.signature?;
    Some(match errno {
        Errno::NOKEY => (
            ErrorKind::NotFound,
            "the keyring has no key that could have made its signature",
        ),
        Errno::KEYREJECTED => (
            ErrorKind::Rejected,
            "its signature is not over these instructions",
        ),
        Errno::BADMSG => (
            ErrorKind::InvalidInput,
            "its signature is no CMS (PKCS #7) message in DER",
        ),
        _ if verifier_says_why => return None,
        Errno::TOOBIG => (
            ErrorKind::Unsupported,
            "this kernel takes no signatures of programs (Linux 6.18)",
        ),
        Errno::INVAL => (
            ErrorKind::InvalidInput,
            "there is no such keyring, or this kernel cannot check signatures \
             (CONFIG_SYSTEM_DATA_VERIFICATION)",
        ),
        _ => return None,
    })
}

/// The kernel did not even look at the instructions.
fn invalid(load: &ProgramLoad<'_>, error: Error) -> Error {
    let program_type = load.program_type;
    let attach_type = load.attach.attach_type;
    if feature::has_program_type(program_type, attach_type.map_or(0, |t| t.0)) {
        return error.with_reason("this kernel does not take the flags or attributes of this load");
    }
    no_such_programs(load, error)
}

fn no_such_programs(load: &ProgramLoad<'_>, error: Error) -> Error {
    let program_type = load.program_type;
    let error = error.with_kind(ErrorKind::Unsupported);
    let (error, minimum) = match load.attach.attach_type {
        Some(attach_type) => (
            error.with_reason(format!(
                "this kernel has no programs of type {program_type} for {attach_type}"
            )),
            attach_type
                .minimum_kernel()
                .max(program_type.minimum_kernel()),
        ),
        None => (
            error.with_reason(format!(
                "this kernel has no programs of type {program_type}"
            )),
            program_type.minimum_kernel(),
        ),
    };
    match minimum {
        Some((major, minor)) => error.with_remedy(format!(
            "they take Linux {major}.{minor} or newer, built with support for them"
        )),
        None => error,
    }
}

fn too_big(load: &ProgramLoad<'_>, error: Error) -> Error {
    /// `BPF_COMPLEXITY_LIMIT_INSNS`.
    const MOST: usize = 1_000_000;
    /// `BPF_MAXINSNS`.
    const MOST_UNPRIVILEGED: usize = 4096;
    let count = load.insns.len();
    let missing = denied::capabilities_missing(CapabilitySet::BPF);
    let error = error.with_kind(ErrorKind::LimitExceeded);
    if count == 0 {
        error
            .with_kind(ErrorKind::InvalidInput)
            .with_reason("it has no instructions")
    } else if count > MOST {
        error.with_reason(format!(
            "it has {count} instructions, {MOST} at most are taken"
        ))
    } else if count > MOST_UNPRIVILEGED && !missing.is_empty() {
        error
            .with_reason(format!(
                "it has {count} instructions, {MOST_UNPRIVILEGED} at most are taken without \
                 CAP_BPF"
            ))
            .with_remedy("run it as root, or with CAP_BPF")
    } else {
        error
            .with_kind(ErrorKind::Unsupported)
            .with_reason("this kernel does not know one of the attributes of the load")
    }
}

/// What it takes to load a program of a type, besides programs that anybody may load.
fn needed_capabilities(program_type: ProgramType) -> CapabilitySet {
    match program_type {
        ProgramType::SOCKET_FILTER | ProgramType::CGROUP_SKB => CapabilitySet::BPF,
        ProgramType::KPROBE
        | ProgramType::TRACEPOINT
        | ProgramType::PERF_EVENT
        | ProgramType::RAW_TRACEPOINT
        | ProgramType::RAW_TRACEPOINT_WRITABLE
        | ProgramType::TRACING
        | ProgramType::LSM
        | ProgramType::STRUCT_OPS
        | ProgramType::EXT => CapabilitySet::BPF | CapabilitySet::PERFMON,
        ProgramType::SYSCALL => CapabilitySet::BPF,
        _ => CapabilitySet::BPF | CapabilitySet::NET_ADMIN,
    }
}
