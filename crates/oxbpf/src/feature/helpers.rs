//! Which helpers programs of a type may call, and which functions the kernel offers them.

use oxbpf_object::asm::Insn;
use oxbpf_object::btf::{Btf, Contents, Kind};
use oxbpf_object::kernel::{AttachType, Helper, ProgramFlags, ProgramType};
use rustix::io::Errno;

use super::types::attach_type_of;
use super::{Support, attach, ending, load_logged};
use crate::Result;
use crate::btf::{self, KernelBtf};
use crate::sys::uapi;

/// What the verifier says of a helper that is not for the program, in its various ages.
const REFUSALS: &[&str] = &[
    "invalid func ",
    "unknown func ",
    "program of this type cannot use helper ",
    "helper call is not allowed",
];

/// Helpers that, asked for, make the kernel write a warning into its log.
const LOUD: &[Helper] = &[
    Helper::TRACE_PRINTK,
    Helper::TRACE_VPRINTK,
    Helper::PROBE_WRITE_USER,
];

/// Whether programs of a type may call a helper.
pub(super) fn helper(program_type: ProgramType, helper: Helper) -> Support {
    match request(program_type) {
        Some(request) => ask(request, helper),
        None => Support::No,
    }
}

/// Whether programs that BTF types may call it, at a place.
pub(super) fn helper_at(attach_type: AttachType, helper: Helper) -> Support {
    match attach::request(attach_type) {
        Some(request) => ask(request, helper),
        None => Support::No,
    }
}

/// The request to load a program of a type; `None` where what it may call depends on what it takes the place of.
fn request(program_type: ProgramType) -> Option<Result<uapi::ProgLoad, Errno>> {
    let mut attr = uapi::ProgLoad {
        prog_type: program_type.0,
        expected_attach_type: attach_type_of(program_type),
        ..Default::default()
    };
    match program_type {
        ProgramType::TRACING => return attach::request(AttachType::TRACE_RAW_TP),
        ProgramType::LSM => return attach::request(AttachType::LSM_MAC),
        ProgramType::EXT | ProgramType::STRUCT_OPS => return None,
        ProgramType::SYSCALL => attr.prog_flags = ProgramFlags::SLEEPABLE.bits(),
        _ => {}
    }
    Some(Ok(attr))
}

fn ask(request: Result<uapi::ProgLoad, Errno>, helper: Helper) -> Support {
    let call = Insn {
        code: 0x85,
        imm: helper.0 as i32,
        ..Insn::default()
    };
    let (answer, log) = match request {
        Ok(attr) => load_logged(attr, &ending(&[call])),
        Err(_) => return Support::No,
    };
    match answer {
        Ok(()) => Support::Yes,
        Err(_) if log.is_empty() => Support::of(answer),
        // What else the verifier does not like are the arguments.
        Err(_) => (!REFUSALS.iter().any(|refusal| log.contains(refusal))).into(),
    }
}

/// Those that can be asked for quietly.
pub(super) fn quiet() -> impl Iterator<Item = Helper> {
    let all = Helper::ALL.iter().copied();
    all.filter(|helper| !LOUD.contains(helper))
}

/// A function of the kernel that programs may call.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct Kfunc {
    /// Its name.
    pub name: String,
    /// The module that has it.
    pub module: Option<String>,
}

/// The functions of the kernel and its modules that programs may call, by name. Which types of program may call one, only the
/// verifier knows.
///
/// Kernels tell since Linux 6.10; those before have such functions too (since 5.13), but do not mark them.
///
/// # Errors
///
/// Where the kernel does not show its types.
pub fn kfuncs() -> Result<Vec<Kfunc>> {
    let kernel = KernelBtf::running()?;
    let mut kfuncs = marked(kernel.types(), None);
    for module in btf::modules(&kernel, None) {
        kfuncs.extend(marked(&module.btf, Some(&module.name)));
    }
    kfuncs.sort();
    kfuncs.dedup();
    Ok(kfuncs)
}

fn marked(btf: &Btf, module: Option<&str>) -> Vec<Kfunc> {
    let tags = btf.types().filter(|(_, ty)| ty.kind() == Kind::DECL_TAG);
    let functions = tags
        .filter(|(_, ty)| ty.is_named("bpf_kfunc"))
        .filter_map(|(_, ty)| {
            let Contents::DeclTag(tag) = ty.contents() else {
                return None;
            };
            Some(Kfunc {
                name: btf.get(tag.target).ok()?.name().to_owned(),
                module: module.map(str::to_owned),
            })
        });
    functions.collect()
}
