//! Attaching a program by the name of its section.

use oxbpf_object::section_name::{SectionName, Target, TargetForm};

use super::{Kprobe, Kretprobe, Link, RawTracepoint, Tracepoint, Tracing};
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
        attach(self, self.attach_info().target.as_deref(), false)
    }

    /// Attaches the program to `target` instead of what its section names; `target` is what would stand behind the
    /// slash, such as `do_exit+0x10` or `syscalls/sys_enter_openat`.
    ///
    /// # Errors
    ///
    /// As for [`attach`](Self::attach). The target of a program that is typed by BTF (`fentry`, `tp_btf`, `lsm`, …) was fixed
    /// when it was loaded: another is [`ErrorKind::InvalidInput`].
    pub fn attach_to(&self, target: &str) -> Result<Link> {
        attach(self, Some(target), true)
    }
}

fn attach(program: &Program, target: Option<&str>, is_other: bool) -> Result<Link> {
    let info = program.attach_info();
    let section = &info.section;
    let doing = || format!("attaching `{}` by its section", program.name());
    let invalid = |reason: String| Error::new(ErrorKind::InvalidInput, doing()).with_reason(reason);
    if section.is_empty() {
        return Err(
            invalid("it has none: it was not loaded from an object".into())
                .with_remedy("use a builder, such as `Kprobe::new`"),
        );
    }
    let Some(known) = SectionName::parse(section) else {
        return Err(
            invalid(format!("section `{section}` is of no kind that is known"))
                .with_remedy("use a builder, such as `Kprobe::new`"),
        );
    };
    let def = known.def;
    if !def.auto_attach {
        return Err(invalid(format!("section `{section}` does not say what to attach to")).with_remedy(
            "use the builder of its kind, which takes the device, cgroup, socket or map to attach to",
        ));
    }
    let Some(target) = target else {
        return Err(
            invalid(format!("section `{section}` names no target")).with_remedy(format!(
                "name one: SEC(\"{}/…\"), or call `attach_to`",
                def.name
            )),
        );
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
        .map_err(|e| Error::new(ErrorKind::InvalidInput, doing()).with_source(e))?;
    match parsed {
        // The grammar has refused offsets on return.
        Some(Target::KernelFunction { function, .. }) if def.on_return => {
            Kretprobe::new(function).attach(program)
        }
        Some(Target::KernelFunction { function, offset }) => {
            Kprobe::new(function).offset(offset).attach(program)
        }
        Some(Target::Syscall { name }) if def.on_return => Kretprobe::syscall(name).attach(program),
        Some(Target::Syscall { name }) => Kprobe::syscall(name).attach(program),
        Some(Target::Tracepoint { category, name }) => {
            Tracepoint::new(category, name).attach(program)
        }
        Some(Target::RawTracepoint { name }) => RawTracepoint::new(name).attach(program),
        Some(Target::BtfTracepoint { .. } | Target::Function { .. }) => {
            Tracing::new().attach(program)
        }
        _ => Err(
            Error::new(ErrorKind::Unsupported, doing()).with_reason(format!(
                "there is no way yet to attach {}",
                plural(def.target)
            )),
        ),
    }
}

/// What programs whose targets have this form are.
fn plural(form: Option<TargetForm>) -> &'static str {
    match form {
        Some(TargetForm::KernelPattern) => "programs at many kernel functions (kprobe.multi)",
        Some(TargetForm::FunctionPattern) => "programs at many functions (fentry.multi)",
        Some(TargetForm::UserFunction | TargetForm::UserPattern) => "user-space probes",
        Some(TargetForm::Usdt) => "static user-space probes",
        Some(TargetForm::Hook) => "programs at hooks of the security modules",
        Some(TargetForm::Iterator) => "iterators",
        Some(TargetForm::ReplacedFunction) => "programs that replace a function of another program",
        _ => "programs of this kind",
    }
}
