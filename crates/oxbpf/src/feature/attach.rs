//! Whether there are programs for an attach type that BTF types.

use oxbpf_object::Endian;
use oxbpf_object::asm;
use oxbpf_object::btf::Kind;
use oxbpf_object::kernel::{AttachType, ProgramType};
use rustix::io::Errno;

use super::{ending, parts};
use crate::btf::KernelBtf;
use crate::sys::{self, uapi};

/// What every kernel with BTF has for each attach type, by the name in its types. Functions are those that the kernel has for
/// tests of this.
const TARGETS: &[(AttachType, Kind, &str)] = &[
    (
        AttachType::TRACE_RAW_TP,
        Kind::TYPEDEF,
        "btf_trace_sched_switch",
    ),
    (AttachType::TRACE_FENTRY, Kind::FUNC, "bpf_fentry_test1"),
    (AttachType::TRACE_FEXIT, Kind::FUNC, "bpf_fentry_test1"),
    (
        AttachType::MODIFY_RETURN,
        Kind::FUNC,
        "bpf_modify_return_test",
    ),
    (AttachType::TRACE_ITER, Kind::FUNC, "bpf_iter_task"),
    (AttachType::TRACE_FSESSION, Kind::FUNC, "bpf_fentry_test1"),
    (AttachType::LSM_MAC, Kind::FUNC, "bpf_lsm_file_open"),
    (AttachType::LSM_CGROUP, Kind::FUNC, "bpf_lsm_socket_create"),
];

/// Those for many functions, which name none when they are loaded.
const MULTI: &[AttachType] = &[
    AttachType::TRACE_FENTRY_MULTI,
    AttachType::TRACE_FEXIT_MULTI,
    AttachType::TRACE_FSESSION_MULTI,
];

/// The request to load a program of an attach type that BTF types. `None` for attach types that it does not;
/// ENOENT where the kernel does not have what such programs attach to.
pub(super) fn request(attach_type: AttachType) -> Option<Result<uapi::ProgLoad, Errno>> {
    let btf_id = match TARGETS.iter().find(|(known, ..)| *known == attach_type) {
        Some((_, kind, name)) => match KernelBtf::running().ok()?.types().find(name, *kind) {
            Some(id) => id.0,
            None => return Some(Err(Errno::NOENT)),
        },
        None if MULTI.contains(&attach_type) => 0,
        None => return None,
    };
    let program_type = match attach_type {
        AttachType::LSM_MAC | AttachType::LSM_CGROUP => ProgramType::LSM,
        _ => ProgramType::TRACING,
    };
    Some(Ok(uapi::ProgLoad {
        prog_type: program_type.0,
        expected_attach_type: attach_type.0,
        attach_btf_id: btf_id,
        ..Default::default()
    }))
}

/// Loads the smallest program of an attach type that BTF types. `None` for attach types that it does not.
pub(super) fn load_typed(attach_type: AttachType) -> Option<Result<(), Errno>> {
    let insns = asm::encode(&ending(&[]), Endian::NATIVE);
    let load = |attr| sys::prog_load(attr, &parts(&insns), None).result.map(drop);
    Some(request(attach_type)?.and_then(load))
}

/// Whether the kernel has programs of an attach type that BTF types; `None` if it does not type those, or lets nobody know.
pub(crate) fn has_typed(attach_type: AttachType) -> Option<bool> {
    match load_typed(attach_type)? {
        Ok(()) => Some(true),
        Err(Errno::PERM | Errno::ACCESS) => None,
        Err(_) => Some(false),
    }
}
