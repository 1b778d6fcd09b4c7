//! One row of the table: what a section name says about the programs in it.

use crate::kernel::{AttachType, ProgramFlags, ProgramType};

/// What a section name says about the programs in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SectionDef {
    /// The name without a target: `kprobe` of `kprobe/sys_execve`.
    pub name: &'static str,
    /// What the programs are loaded as.
    pub program_type: ProgramType,
    /// Where they are to be attached, if the kernel wants to know at load.
    pub attach_type: Option<AttachType>,
    /// Whether a kernel that does not know attach types at load (before 4.17) may go without.
    pub attach_type_optional: bool,
    /// Whether the load needs the BTF id of the target (`attach_btf_id`).
    pub attach_btf: bool,
    /// Flags of the load.
    pub flags: ProgramFlags,
    /// What may follow the name after a slash. `None`: nothing may.
    pub target: Option<TargetForm>,
    /// Whether a target is all that it takes to attach.
    pub auto_attach: bool,
    /// Whether the programs run when the target returns (`kretprobe`, `uretprobe`, `kretsyscall`).
    pub on_return: bool,
}

/// What the text after `name/` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TargetForm {
    /// `FUNC[+OFFSET]` of the kernel.
    KernelFunction,
    /// `GLOB` over functions of the kernel.
    KernelPattern,
    /// The bare name of a system call.
    Syscall,
    /// `BINARY:FUNC[@VERSION][+OFFSET]`.
    UserFunction,
    /// `BINARY:GLOB`.
    UserPattern,
    /// `BINARY:PROVIDER:NAME`.
    Usdt,
    /// `CATEGORY/NAME`.
    Tracepoint,
    /// The name of a tracepoint.
    RawTracepoint,
    /// `[MODULE:]NAME` of a tracepoint, found through BTF.
    BtfTracepoint,
    /// `[MODULE:]FUNC`, found through BTF.
    Function,
    /// `[MODULE:]GLOB` over functions, found through BTF.
    FunctionPattern,
    /// A function of another program.
    ReplacedFunction,
    /// A hook of the Linux security modules, without `bpf_lsm_`.
    Hook,
    /// What an iterator goes over, without `bpf_iter_`.
    Iterator,
    /// Text without a meaning, there to tell sections apart.
    Name,
}

/// A row whose name must match whole.
pub(super) const fn exact(name: &'static str, program_type: ProgramType) -> SectionDef {
    SectionDef {
        name,
        program_type,
        attach_type: None,
        attach_type_optional: false,
        attach_btf: false,
        flags: ProgramFlags::empty(),
        target: None,
        auto_attach: false,
        on_return: false,
    }
}

/// A row whose name may be followed by a slash and a target, and which then attaches by itself.
pub(super) const fn target(
    name: &'static str,
    program_type: ProgramType,
    form: TargetForm,
) -> SectionDef {
    let mut def = exact(name, program_type);
    def.target = Some(form);
    def.auto_attach = true;
    def
}

impl SectionDef {
    pub(super) const fn at(mut self, attach_type: AttachType) -> Self {
        self.attach_type = Some(attach_type);
        self
    }

    pub(super) const fn attach_type_optional(mut self) -> Self {
        self.attach_type_optional = true;
        self
    }

    pub(super) const fn attach_btf(mut self) -> Self {
        self.attach_btf = true;
        self
    }

    pub(super) const fn sleepable(mut self) -> Self {
        self.flags = self.flags.union(ProgramFlags::SLEEPABLE);
        self
    }

    pub(super) const fn xdp_frags(mut self) -> Self {
        self.flags = self.flags.union(ProgramFlags::XDP_HAS_FRAGS);
        self
    }

    pub(super) const fn by_hand(mut self) -> Self {
        self.auto_attach = false;
        self
    }

    pub(super) const fn on_return(mut self) -> Self {
        self.on_return = true;
        self
    }
}
