//! What this kernel can do, found out by trying.
//!
//! Nothing is probed before it is needed: to explain a refusal, to choose what to do after one, or where the kernel would not
//! refuse but do something else. What is asked often is kept for the life of the process. No kernel version is looked at.

mod attach;
mod helpers;
mod minimum;
mod report;
mod support;
mod types;
mod verifier;

use std::env::consts::ARCH;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::OnceLock;

use oxbpf_object::Endian;
use oxbpf_object::asm::{self, Insn, Reg};
use oxbpf_object::btf::{BtfBuilder, DeclTag, FuncLinkage, Param, TypeId};
use oxbpf_object::kernel::{AttachType, Helper, MapType, ProgramType};
use rustix::io::Errno;
use rustix::thread::CapabilitySet;

use crate::btf::ObjectBtf;
use crate::error::{Error, ErrorKind};
use crate::link::syscall_name;
use crate::program::{Program, ProgramLoad};
use crate::sys::{self, LinkExtra, LogBuffer, ProgramParts, uapi};
use crate::{denied, kallsyms};

pub(crate) use attach::has_typed;
pub use helpers::{Kfunc, kfuncs};
pub use report::{
    Report, attach_type, helper, helpers_of, link_type, map_type, program_type, report,
};
pub use support::{Feature, Minimum, Support};

/// Loads the smallest program that shows something, and tells what the kernel said.
fn load(program_type: ProgramType, insns: &[Insn]) -> Result<(), Errno> {
    let attr = uapi::ProgLoad {
        prog_type: program_type.0,
        ..Default::default()
    };
    let insns = asm::encode(insns, Endian::NATIVE);
    sys::prog_load(attr, &parts(&insns), None).result.map(drop)
}

/// As [`load`], for an attach type (0 for none), with what the verifier has to say.
fn load_with_log(
    program_type: ProgramType,
    attach_type: u32,
    insns: &[Insn],
) -> (Result<(), Errno>, String) {
    let attr = uapi::ProgLoad {
        prog_type: program_type.0,
        expected_attach_type: attach_type,
        ..Default::default()
    };
    load_logged(attr, insns)
}

/// Loads a program, with what the verifier has to say.
fn load_logged(attr: uapi::ProgLoad, insns: &[Insn]) -> (Result<(), Errno>, String) {
    let insns = asm::encode(insns, Endian::NATIVE);
    let mut log = [0; 4096];
    let buffer = LogBuffer {
        bytes: &mut log,
        level: 1,
    };
    let answer = sys::prog_load(attr, &parts(&insns), Some(buffer)).result;
    (answer.map(drop), sys::nul_terminated(&log))
}

fn parts(insns: &[u8]) -> ProgramParts<'_> {
    ProgramParts {
        insns,
        license: c"GPL",
        ..Default::default()
    }
}

/// `r0 = 0; exit`, after other instructions.
fn ending(first: &[Insn]) -> Vec<Insn> {
    let mov_r0_0 = Insn {
        code: 0xb7,
        ..Insn::default()
    };
    [first, &[mov_r0_0, exit()]].concat()
}

fn exit() -> Insn {
    Insn {
        code: 0x95,
        ..Insn::default()
    }
}

/// Whether programs of a type may call a helper, arguments aside: a kernel that does not know
/// the helper says EINVAL.
fn helper_call(program_type: ProgramType, helper: Helper) -> Result<(), Errno> {
    let call = Insn {
        code: 0x85,
        imm: helper.0 as i32,
        ..Insn::default()
    };
    load(program_type, &ending(&[call]))
}

/// Whether maps and programs are charged to RLIMIT_MEMLOCK, as before Linux 5.11. Since then
/// their memory is charged to the control group.
pub(crate) fn charges_memlock() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    if let Some(answer) = ANSWER.get() {
        return *answer;
    }
    // Came with the same release, needs no rights of its own, and takes no arguments.
    match helper_call(ProgramType::SOCKET_FILTER, Helper::KTIME_GET_COARSE_NS) {
        Ok(()) => *ANSWER.get_or_init(|| false),
        // Either this thread has not the right to load anything, or to call bpf(2) at all (seccomp), or not even this
        // has room. Opening a pin takes neither rights nor room.
        Err(Errno::PERM) => {
            denied::capabilities_missing(CapabilitySet::BPF).is_empty()
                && !denied::in_user_namespace()
                && sys::obj_get(c"", 0).err() != Some(Errno::PERM)
        }
        Err(_) => *ANSWER.get_or_init(|| true),
    }
}

/// Makes the kernel read its own types. Before Linux 5.11 it does so when the first program is
/// loaded after boot, and until then has no `struct_ops`.
pub(crate) fn wake_kernel_types() {
    // What becomes of the program does not matter.
    let _ = load(ProgramType::SOCKET_FILTER, &ending(&[]));
}

/// Whether there are helpers that read the kernel's memory, and others that read that of processes, instead of one for both.
/// Linux 5.5.
pub(crate) fn has_probe_read_kernel() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    let call = |helper| helper_call(ProgramType::TRACEPOINT, helper);
    // Without the right arguments, one that exists is refused with EACCES.
    *ANSWER.get_or_init(|| call(Helper::PROBE_READ_KERNEL) != Err(Errno::INVAL))
}

/// Whether programs can ask for the cookie that they were attached with. Linux 5.15.
pub(crate) fn has_bpf_cookie() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| helper_call(ProgramType::TRACEPOINT, Helper::GET_ATTACH_COOKIE).is_ok())
}

/// Whether a global function's argument is the program's context where it is noted so, whatever its type. Linux 6.8.
pub(crate) fn reads_context_notes() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| takes_noted_context().is_ok())
}

/// Loads a program that calls a global function with its context, which is declared as no more than a pointer.
fn takes_noted_context() -> crate::Result<Program> {
    let mut types = BtfBuilder::new();
    let int = types.add_signed("int", 4);
    let pointer = types.add_ptr(TypeId::VOID);
    let param = Param {
        name: "ctx",
        ty: pointer,
    };
    let proto = types.add_func_proto(int, &[param]);
    let main = types.add_func("main", proto, FuncLinkage::GLOBAL);
    let callee = types.add_func("callee", proto, FuncLinkage::GLOBAL);
    let tag = DeclTag {
        target: callee,
        component: Some(0),
        is_attribute: false,
    };
    types.add_decl_tag("arg:ctx", tag);
    let types = types
        .build()
        .map_err(|error| Error::new(ErrorKind::InvalidObject, "making types").with_source(error))?;
    let btf = ObjectBtf::load(&types, None)?;
    let insns = asm::program([
        asm::call_subprogram(1),
        asm::exit(),
        asm::mov(Reg::R0, 0),
        asm::exit(),
    ]);
    ProgramLoad {
        name: "noted",
        program_type: ProgramType::XDP,
        insns: &insns,
        license: "GPL",
        btf: Some(btf.as_fd()),
        func_info: &[(0, main), (2, callee)],
        ..ProgramLoad::default()
    }
    .load()
}

/// Whether instructions may name a place at any distance from the start of a map's value, and not
/// only up to 512 MiB. Linux 6.18.
pub(crate) fn takes_any_value_offset() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let attr = uapi::MapCreate {
            map_type: MapType::ARRAY.0,
            key_size: 4,
            value_size: 1,
            max_entries: 1,
            ..Default::default()
        };
        let Ok(map) = sys::map_create(attr, &[]) else {
            return false;
        };
        // Too far for this map. The kernel either says that, or that it is too far for any.
        let place = asm::load_map_value(Reg::R1, map.as_fd().as_raw_fd(), 1 << 30);
        let insns = ending(&asm::program([place]));
        let (_, log) = load_with_log(ProgramType::TRACEPOINT, 0, &insns);
        log.contains("invalid access to map value pointer")
    })
}

/// Whether a program can be attached to many kernel functions by one link of `attach_type`: `TRACE_KPROBE_MULTI` (Linux 5.18)
/// or `TRACE_KPROBE_SESSION` (6.10).
pub(crate) fn has_kprobe_multi(attach_type: AttachType) -> bool {
    let attr = uapi::ProgLoad {
        prog_type: ProgramType::KPROBE.0,
        expected_attach_type: attach_type.0,
        ..Default::default()
    };
    let insns = asm::encode(&ending(&[]), Endian::NATIVE);
    let Ok(program) = sys::prog_load(attr, &parts(&insns), None).result else {
        return false;
    };
    // A kernel that has it looks for the function, and finds none.
    let extra = LinkExtra::KprobeMulti {
        flags: 0,
        symbols: &[c"oxbpf no such function"],
        addresses: &[],
        cookies: &[],
    };
    let answer = sys::link_create(program.as_fd(), 0, attach_type.0, 0, extra);
    matches!(answer, Err(Errno::SRCH))
}

/// Whether a program can be attached to many functions of a file by one link of `attach_type`: `TRACE_UPROBE_MULTI` (Linux 6.6)
/// or `TRACE_UPROBE_SESSION` (6.13). Where that cannot be found out, it can.
pub(crate) fn has_uprobe_multi(attach_type: AttachType) -> bool {
    types::attach(attach_type) != Support::No
}

/// Whether the functions behind system calls take a pointer to registers, and have a name that says
/// so (`CONFIG_ARCH_HAS_SYSCALL_WRAPPER`).
pub(crate) fn has_syscall_wrapper() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        let names: Vec<_> = syscall_name::wrapped("bpf", ARCH).collect();
        // A kernel that shows no symbols lets nobody attach to them either.
        kallsyms::find(names.iter().map(String::as_str))
            .is_ok_and(|symbols| names.iter().any(|name| !symbols.named(name).is_empty()))
    })
}

/// Whether this kernel has programs of a type that are loaded for an attach type (0 for none).
///
/// If so, the verifier gets to see them, and writes a log of what it does not like; if not, the
/// request is refused before.
pub(crate) fn has_program_type(program_type: ProgramType, attach_type: u32) -> bool {
    let exit_without_a_result = Insn {
        code: 0x95,
        ..Insn::default()
    };
    let (answer, log) = load_with_log(program_type, attach_type, &[exit_without_a_result]);
    answer.is_ok() || !log.is_empty()
}
