//! Attaching a program by the name of its section.

use oxbpf_object::kernel::ProgramType;
use oxbpf_object::section_name::{SectionName, Target, TargetForm};

use super::{
    Extension, Iter, Kprobe, KprobeMulti, Kretprobe, Link, Lsm, RawTracepoint, Tracepoint, Tracing,
    TracingMulti, Uprobe, UprobeMulti, Uretprobe,
};
use crate::program::Program;
use crate::{Error, ErrorKind, Result};

impl Program {
    /// Attaches the program to what its section names: `SEC("kprobe/do_exit")` to `do_exit`. The rules are libbpf's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] where the section names no target, or one that only a builder can attach to; otherwise
    /// those of the builder.
    #[doc(alias = "bpf_program__attach")]
    pub fn attach(&self) -> Result<Link> {
        attach(self, self.attach_info().target.as_deref(), false)?
            .map_err(|pass| pass.into_error(self))
    }

    /// Attaches the program to `target` instead of what its section names; `target` is what would stand behind the
    /// slash, such as `do_exit+0x10` or `syscalls/sys_enter_openat`.
    ///
    /// # Errors
    ///
    /// As for [`attach`](Self::attach). The target of a program that is typed by BTF (`fentry`, `tp_btf`, `lsm`, …) was fixed
    /// when it was loaded: another is [`ErrorKind::InvalidInput`].
    pub fn attach_to(&self, target: &str) -> Result<Link> {
        attach(self, Some(target), true)?.map_err(|pass| pass.into_error(self))
    }
}

/// Why a program's section does not say enough to attach it, which is no fault of the program's.
#[derive(Debug)]
pub(super) struct Pass {
    pub(super) reason: String,
    remedy: String,
}

impl Pass {
    fn new(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }

    fn into_error(self, program: &Program) -> Error {
        Error::new(ErrorKind::InvalidInput, doing(program))
            .with_reason(self.reason)
            .with_remedy(self.remedy)
    }
}

fn doing(program: &Program) -> String {
    format!("attaching `{}` by its section", program.name())
}

/// Attaches `program` to what its section names.
pub(super) fn attach_as_named(program: &Program) -> Result<Result<Link, Pass>> {
    attach(program, program.attach_info().target.as_deref(), false)
}

fn attach(program: &Program, target: Option<&str>, is_other: bool) -> Result<Result<Link, Pass>> {
    let info = program.attach_info();
    let section = &info.section;
    let invalid = |reason| Error::new(ErrorKind::InvalidInput, doing(program)).with_reason(reason);
    let builder = "use a builder, such as `Kprobe::new`";
    if section.is_empty() {
        let reason = "it has no section: it was not loaded from an object";
        return Ok(Err(Pass::new(reason, builder)));
    }
    let Some(known) = SectionName::parse(section) else {
        let reason = format!("section `{section}` is of no kind that is known");
        return Ok(Err(Pass::new(reason, builder)));
    };
    let def = known.def;
    if def.program_type == ProgramType::STRUCT_OPS {
        return Ok(Err(Pass::new(
            "it is a function of a structure and attached with that",
            "attach the structure: `Collection::struct_ops`",
        )));
    }
    if !def.auto_attach {
        return Ok(Err(Pass::new(
            format!("section `{section}` does not say what to attach to"),
            "use the builder of its kind, which takes the device, cgroup, socket or map to attach to",
        )));
    }
    let Some(target) = target else {
        return Ok(Err(Pass::new(
            format!("section `{section}` names no target"),
            format!("name one: SEC(\"{}/…\"), or call `attach_to`", def.name),
        )));
    };
    if is_other && def.attach_btf && info.target.as_deref() != Some(target) {
        return Err(invalid(format!(
            "the target of `{}` programs is fixed when they are loaded",
            def.name
        ))
        .with_remedy("set `attach_to` in its spec before loading it"));
    }
    let named = SectionName {
        def,
        target: Some(target),
        optional: false,
    };
    let parsed = named
        .parse_target()
        .map_err(|e| Error::new(ErrorKind::InvalidInput, doing(program)).with_source(e))?;
    attach_at(program, def.on_return, parsed)
        .unwrap_or_else(|| {
            let reason = format!("there is no way yet to attach {}", plural(def.target));
            Err(Error::new(ErrorKind::Unsupported, doing(program))
                .with_reason(reason)
                .with_remedy("set `autoattach` of its spec to false, and it is passed over"))
        })
        .map(Ok)
}

/// Attaches with the builder for a target; `None` if there is none.
fn attach_at(
    program: &Program,
    on_return: bool,
    target: Option<Target<'_>>,
) -> Option<Result<Link>> {
    Some(match target? {
        // The grammar has refused offsets on return.
        Target::KernelFunction { function, .. } if on_return => {
            Kretprobe::new(function).attach(program)
        }
        Target::KernelFunction { function, offset } => {
            Kprobe::new(function).offset(offset).attach(program)
        }
        Target::Syscall { name } if on_return => Kretprobe::syscall(name).attach(program),
        Target::Syscall { name } => Kprobe::syscall(name).attach(program),
        Target::Tracepoint { category, name } => Tracepoint::new(category, name).attach(program),
        Target::RawTracepoint { name } => RawTracepoint::new(name).attach(program),
        Target::KernelPattern { pattern } if on_return => {
            KprobeMulti::pattern(pattern).on_return().attach(program)
        }
        Target::KernelPattern { pattern } => KprobeMulti::pattern(pattern).attach(program),
        Target::UserFunction {
            binary, function, ..
        } if on_return => Uretprobe::new(binary, function).attach(program),
        Target::UserFunction {
            binary,
            function,
            offset,
        } => Uprobe::new(binary, function).offset(offset).attach(program),
        Target::UserPattern { binary, pattern } if on_return => {
            UprobeMulti::pattern(binary, pattern)
                .on_return()
                .attach(program)
        }
        Target::UserPattern { binary, pattern } => {
            UprobeMulti::pattern(binary, pattern).attach(program)
        }
        Target::BtfTracepoint { .. } | Target::Function { .. } => Tracing::new().attach(program),
        Target::FunctionPattern { module, pattern } => {
            TracingMulti::pattern(module, pattern).attach(program)
        }
        Target::ReplacedFunction { .. } => Extension::new().attach(program),
        Target::Hook { .. } => Lsm::new().attach(program),
        Target::Iterator { .. } => Iter::new().attach(program),
        _ => return None,
    })
}

/// What programs whose targets have this form are.
fn plural(form: Option<TargetForm>) -> &'static str {
    match form {
        Some(TargetForm::Usdt) => "static probes of user space (usdt)",
        _ => "programs of this kind",
    }
}
