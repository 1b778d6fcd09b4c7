//! Programs: what can be attached where is known from the section name, so rustc can know too.

use oxbpf_object::{CollectionSpec, ProgramSpec, ProgramType, btf::Kind, section_name::SectionDef};

use super::{names::Scope, types::Types};

/// A program of the generated code.
pub(super) struct ProgramItem<'a> {
    pub(super) name: &'a str,
    pub(super) field: String,
    /// What it is known to be, if it is of a kind that there is.
    kind: Option<&'static str>,
    /// Whether it is loaded only on demand.
    is_optional: bool,
    /// Whether it is attached as a part of a structure.
    pub(super) is_function: bool,
    pub(super) docs: String,
}

impl ProgramItem<'_> {
    /// Its type once loaded.
    pub(super) fn loaded(&self) -> String {
        let program = match &self.kind {
            Some(kind) => format!("::oxbpf::program::Typed<::oxbpf::program::{kind}>"),
            None => "::oxbpf::Program".to_owned(),
        };
        if self.is_optional {
            format!("::core::option::Option<{program}>")
        } else {
            program
        }
    }

    /// An expression for the program that `self` may have, as an option.
    pub(super) fn as_option(&self) -> String {
        let field = format!("self.programs.{}", self.field);
        match (self.is_optional, &self.kind) {
            (true, Some(_)) => format!("{field}.as_deref()"),
            (true, None) => format!("{field}.as_ref()"),
            (false, Some(_)) => format!("::core::option::Option::Some(&*{field})"),
            (false, None) => format!("::core::option::Option::Some(&{field})"),
        }
    }

    /// An expression that takes it out of a `collection`.
    pub(super) fn lookup(&self) -> String {
        let name = self.name;
        match (self.is_optional, &self.kind) {
            (false, Some(_)) => format!("collection.program({name:?})?.try_into()?"),
            (false, None) => format!("collection.program({name:?})?"),
            (true, kind) => {
                let convert = kind.map_or("Ok", |_| "TryInto::try_into");
                format!("::oxbpf::__private::optional(collection, {name:?}, {convert})?")
            }
        }
    }
}

/// The kinds that there are, by type.
#[rustfmt::skip]
const KINDS: &[(ProgramType, &str)] = &[
    (ProgramType::SOCKET_FILTER,           "SocketFilterKind"),
    (ProgramType::KPROBE,                  "KprobeKind"),
    (ProgramType::SCHED_CLS,               "TcKind"),
    (ProgramType::SCHED_ACT,               "TcKind"),
    (ProgramType::TRACEPOINT,              "TracepointKind"),
    (ProgramType::XDP,                     "XdpKind"),
    (ProgramType::PERF_EVENT,              "PerfEventKind"),
    (ProgramType::CGROUP_SKB,              "CgroupKind"),
    (ProgramType::CGROUP_SOCK,             "CgroupKind"),
    (ProgramType::LWT_IN,                  "LwtKind"),
    (ProgramType::LWT_OUT,                 "LwtKind"),
    (ProgramType::LWT_XMIT,                "LwtKind"),
    (ProgramType::SOCK_OPS,                "CgroupKind"),
    (ProgramType::SK_SKB,                  "SkSkbKind"),
    (ProgramType::CGROUP_DEVICE,           "CgroupKind"),
    (ProgramType::SK_MSG,                  "SkMsgKind"),
    (ProgramType::RAW_TRACEPOINT,          "RawTracepointKind"),
    (ProgramType::CGROUP_SOCK_ADDR,        "CgroupKind"),
    (ProgramType::LWT_SEG6LOCAL,           "LwtKind"),
    (ProgramType::LIRC_MODE2,              "LircKind"),
    (ProgramType::SK_REUSEPORT,            "SkReuseportKind"),
    (ProgramType::FLOW_DISSECTOR,          "FlowDissectorKind"),
    (ProgramType::CGROUP_SYSCTL,           "CgroupKind"),
    (ProgramType::RAW_TRACEPOINT_WRITABLE, "RawTracepointKind"),
    (ProgramType::CGROUP_SOCKOPT,          "CgroupKind"),
    (ProgramType::TRACING,                 "TracingKind"),
    (ProgramType::STRUCT_OPS,              "StructOpsKind"),
    (ProgramType::EXT,                     "ExtensionKind"),
    (ProgramType::LSM,                     "LsmKind"),
    (ProgramType::SK_LOOKUP,               "SkLookupKind"),
    (ProgramType::SYSCALL,                 "SyscallKind"),
    (ProgramType::NETFILTER,               "NetfilterKind"),
];

/// Sections whose programs are loaded as kprobes and attached in user space.
fn is_user_probe(def: &SectionDef) -> bool {
    ["uprobe", "uretprobe", "usdt"]
        .iter()
        .any(|name| def.name.starts_with(name))
}

/// The programs of an object.
pub(super) fn collect<'a>(spec: &'a CollectionSpec, types: &Types<'_>) -> Vec<ProgramItem<'a>> {
    let mut scope = Scope::default();
    spec.programs()
        .iter()
        .map(|program| ProgramItem {
            name: &program.name,
            field: scope.verbatim(&program.name),
            kind: kind(program),
            // A fresh specification loads all but what the C source marks with `?`; the functions
            // of a structure are loaded as far as it is created.
            is_optional: !program.autoload || program.prog_type == Some(ProgramType::STRUCT_OPS),
            is_function: program.prog_type == Some(ProgramType::STRUCT_OPS),
            docs: types
                .comments()
                .on(Kind::FUNC, &program.name, &docs(program)),
        })
        .collect()
}

fn kind(program: &ProgramSpec) -> Option<&'static str> {
    if program.section_def.is_some_and(is_user_probe) {
        return Some("UprobeKind");
    }
    KINDS
        .iter()
        .find(|(program_type, _)| program.prog_type == Some(*program_type))
        .map(|(_, kind)| *kind)
}

fn docs(program: &ProgramSpec) -> String {
    let ProgramSpec { section, .. } = program;
    if program.autoload {
        format!("The program for `{section}`.")
    } else {
        format!("The program for `{section}`, which is loaded if its `autoload` is set.")
    }
}
