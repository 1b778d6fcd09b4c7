//! Finding the kernel function, tracepoint or hook that a program names, by its BTF id.

use std::env::consts::ARCH;
use std::os::fd::{AsFd, OwnedFd};

use oxbpf_object::btf::{Btf, Kind, TypeId};
use oxbpf_object::kernel::AttachType;
use rustix::io::Errno;

use super::kernel::{KernelBtf, is_vmlinux, modules, split_module};
use crate::error::{Error, ErrorKind, Result};
use crate::link::syscall_name;
use crate::program::Program;
use crate::suggest::{self, Nearest};
use crate::sys::{self, ObjectKind, uapi};

/// What a program is to be attached to, as PROG_LOAD wants to know it.
#[derive(Debug)]
pub(crate) struct AttachTarget {
    /// The type's id in its BTF.
    pub(crate) btf_id: TypeId,
    /// The module's BTF; `None` for the kernel's own.
    pub(crate) module: Option<OwnedFd>,
}

/// How the kernel names, in its types, what programs of an attach type attach to.
struct Naming {
    attach_type: AttachType,
    prefix: &'static str,
    kind: Kind,
    what: &'static str,
}

const NAMINGS: &[Naming] = &[
    Naming {
        attach_type: AttachType::TRACE_RAW_TP,
        prefix: "btf_trace_",
        kind: Kind::TYPEDEF,
        what: "tracepoint",
    },
    Naming {
        attach_type: AttachType::TRACE_ITER,
        prefix: "bpf_iter_",
        kind: Kind::FUNC,
        what: "iterator",
    },
    Naming {
        attach_type: AttachType::LSM_MAC,
        prefix: "bpf_lsm_",
        kind: Kind::FUNC,
        what: "LSM hook",
    },
    Naming {
        attach_type: AttachType::LSM_CGROUP,
        prefix: "bpf_lsm_",
        kind: Kind::FUNC,
        what: "LSM hook",
    },
];

const FUNCTION: Naming = Naming {
    attach_type: AttachType::TRACE_FENTRY,
    prefix: "",
    kind: Kind::FUNC,
    what: "function",
};

/// Finds `[MODULE:]NAME` in the types of the running kernel, then in those of its modules.
///
/// A system call's function may be spelled as on any architecture, or by the call's bare name.
pub(crate) fn attach_target(
    kernel: &KernelBtf,
    attach_type: AttachType,
    target: &str,
) -> Result<AttachTarget> {
    let naming = NAMINGS
        .iter()
        .find(|n| n.attach_type == attach_type)
        .unwrap_or(&FUNCTION);
    let (module, name) = split_module(target);
    let mut names = vec![format!("{}{name}", naming.prefix)];
    if naming.kind == Kind::FUNC && naming.prefix.is_empty() {
        names.extend(syscall_name::alternatives(name, ARCH));
    }
    if module.is_none_or(is_vmlinux) {
        if let Some(btf_id) = find(kernel.types(), &names, naming.kind) {
            return Ok(AttachTarget {
                btf_id,
                module: None,
            });
        }
    }
    if !module.is_some_and(is_vmlinux) {
        for module in modules(kernel, module) {
            if let Some(btf_id) = find(&module.btf, &names, naming.kind) {
                return Ok(AttachTarget {
                    btf_id,
                    module: Some(module.fd),
                });
            }
        }
    }
    Err(not_found(kernel.types(), naming, module, name))
}

/// The BTF of a loaded module; `None` if the kernel itself is meant.
pub(crate) fn module(kernel: &KernelBtf, name: &str) -> Result<Option<OwnedFd>> {
    if is_vmlinux(name) {
        return Ok(None);
    }
    match modules(kernel, Some(name)).next() {
        Some(module) => Ok(Some(module.fd)),
        None => Err(Error::new(
            ErrorKind::NotFound,
            format!("looking up the types of module `{name}`"),
        )
        .with_reason("no such module is loaded, or it has no types")),
    }
}

fn find(btf: &Btf, names: &[String], kind: Kind) -> Option<TypeId> {
    names.iter().find_map(|name| btf.find(name, kind))
}

/// The type of a function of a loaded program, by the name it has in C.
pub(crate) fn program_function(program: &Program, name: &str) -> Result<TypeId> {
    let doing = || {
        format!(
            "looking up function `{name}` of program `{}`",
            program.name()
        )
    };
    let bytes = program_btf(program).map_err(|e| Error::syscall(e, doing()))?;
    let btf = Btf::parse(bytes)
        .map_err(|e| Error::new(ErrorKind::InvalidObject, doing()).with_source(e))?;
    btf.find(name, Kind::FUNC).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, doing())
            .with_reason("it was loaded without types, or has no such function")
    })
}

fn program_btf(program: &Program) -> Result<Vec<u8>, Errno> {
    let info: uapi::ProgInfo = sys::obj_info(program.as_fd())?;
    let fd = sys::fd_by_id(ObjectKind::Btf, info.btf_id, 0)?;
    sys::btf_bytes(fd.as_fd())
}

#[cold]
fn not_found(types: &Btf, naming: &Naming, module: Option<&str>, name: &str) -> Error {
    let what = naming.what;
    let place = match module {
        Some(module) if !is_vmlinux(module) => format!("module `{module}`"),
        _ => "this kernel".to_owned(),
    };
    let mut nearest = Nearest::to(name);
    for (_, ty) in types.types().filter(|(_, ty)| ty.kind() == naming.kind) {
        if let Some(name) = ty.name().strip_prefix(naming.prefix) {
            nearest.offer(name);
        }
    }
    let error = Error::new(
        ErrorKind::NotFound,
        format!("looking up {what} `{name}` in the kernel's types"),
    )
    .with_reason(format!("{place} has no {what} `{name}` in its types"));
    match suggest::did_you_mean(&nearest.names()) {
        Some(remedy) => error.with_remedy(remedy),
        None => error,
    }
}
