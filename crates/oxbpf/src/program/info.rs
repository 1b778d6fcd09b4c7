//! What the kernel knows of a program.

use std::time::Duration;

use oxbpf_object::kernel::ProgramType;

use crate::sys::{nul_terminated, uapi};

/// What the kernel knows of a program.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[doc(alias = "bpf_prog_info")]
pub struct ProgramInfo {
    /// Its number, unique until the next boot.
    pub id: u32,
    /// Its type.
    pub program_type: ProgramType,
    /// What the kernel keeps of its name: 15 bytes.
    pub name: String,
    /// The hash of its instructions.
    pub tag: [u8; 8],
    /// How many bytes its machine code takes; 0 without the JIT, or without the right to know.
    pub jited_size: u32,
    /// How many bytes its instructions take after verification; 0 without the right to know.
    pub xlated_size: u32,
    /// When it was loaded, after boot.
    pub load_time: Duration,
    /// The user who loaded it.
    pub created_by_uid: u32,
    /// Whether its licence is compatible with the GPL.
    pub gpl_compatible: bool,
    /// The id of its BTF, 0 if it has none.
    pub btf_id: u32,
    /// How many instructions the verifier went through. Linux 5.16.
    pub verified_insns: u32,
    /// The type that it is attached to in a BTF, 0 if that does not apply. Linux 6.0.
    pub attach_btf_id: u32,
    /// The id of that BTF, 0 if that does not apply. Linux 6.0.
    pub attach_btf_obj_id: u32,
    /// How long it ran, while that was being measured.
    pub run_time: Duration,
    /// How often it ran, while that was being measured.
    pub run_count: u64,
    /// How often it did not run because it was running on that CPU already. Linux 5.12.
    pub recursion_misses: u64,
}

impl ProgramInfo {
    pub(super) fn new(info: &uapi::ProgInfo) -> Self {
        Self {
            id: info.id,
            program_type: ProgramType(info.r#type),
            name: nul_terminated(&info.name),
            tag: info.tag,
            jited_size: info.jited_prog_len,
            xlated_size: info.xlated_prog_len,
            load_time: Duration::from_nanos(info.load_time),
            created_by_uid: info.created_by_uid,
            // A bit-field: the first bit, which is the highest where the byte order is big.
            gpl_compatible: info.gpl_compatible != 0,
            btf_id: info.btf_id,
            verified_insns: info.verified_insns,
            attach_btf_id: info.attach_btf_id,
            attach_btf_obj_id: info.attach_btf_obj_id,
            run_time: Duration::from_nanos(info.run_time_ns),
            run_count: info.run_cnt,
            recursion_misses: info.recursion_misses,
        }
    }
}
