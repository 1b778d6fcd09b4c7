//! All that can be asked about the kernel, asked once.

use std::sync::OnceLock;

use oxbpf_object::btf::SupportedKinds;
use oxbpf_object::kernel::{AttachType, Helper, LinkType, MapType, ProgramType};

use super::verifier::{INSTRUCTIONS, ISA, PROGRAMS, Probe};
use super::{Feature, Kfunc, Minimum, Support, helpers, kfuncs, minimum, types};
use crate::{btf, denied, memlock};

/// What the running kernel can do, as far as this process may find out: [`report`].
///
/// Each thing was tried, not looked up by the version of the kernel.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// The kernel's release, as uname(1) shows it.
    pub release: String,
    /// Settings that have to do with BPF: the name of each and its value, `None` where it cannot be seen.
    pub settings: Vec<(&'static str, Option<String>)>,
    /// Types of program.
    pub program_types: Vec<Feature<ProgramType>>,
    /// Types of map.
    pub map_types: Vec<Feature<MapType>>,
    /// Ways to attach.
    pub attach_types: Vec<Feature<AttachType>>,
    /// Types of link.
    pub link_types: Vec<Feature<LinkType>>,
    /// Levels of the instruction set, as `clang -mcpu=` names them.
    pub isa: Vec<Feature<&'static str>>,
    /// Instructions that came after the levels.
    pub instructions: Vec<Feature<&'static str>>,
    /// What the verifier can follow.
    pub verifier: Vec<Feature<&'static str>>,
    /// What types of an object the kernel takes.
    pub btf: Vec<Feature<&'static str>>,
    /// What else there is: cookies, tokens, variables.
    pub others: Vec<Feature<&'static str>>,
    /// Functions of the kernel that programs may call; empty where it does not mark them (before Linux 6.10).
    pub kfuncs: Vec<Kfunc>,
}

/// What types of an object a kernel may take: name, and the first that does.
#[rustfmt::skip]
const BTF: &[(SupportedKinds, &str, (u8, u8))] = &[
    (SupportedKinds::FUNC, "functions", (4, 20)),
    (SupportedKinds::DATASEC, "variables and sections", (5, 2)),
    (SupportedKinds::GLOBAL_FUNC, "global functions", (5, 6)),
    (SupportedKinds::FLOAT, "floating-point numbers", (5, 13)),
    (SupportedKinds::DECL_TAG, "tags of declarations", (5, 16)),
    (SupportedKinds::TYPE_TAG, "tags of types", (5, 17)),
    (SupportedKinds::ENUM64, "enumerations of 64 bits", (6, 0)),
    (SupportedKinds::QUESTION_MARK_DATASEC, "sections with a question mark", (6, 12)),
];

const SETTINGS: &[&str] = &[
    "kernel/unprivileged_bpf_disabled",
    "kernel/perf_event_paranoid",
    "kernel/kptr_restrict",
    "kernel/bpf_stats_enabled",
    "net/core/bpf_jit_enable",
    "net/core/bpf_jit_harden",
    "net/core/bpf_jit_kallsyms",
    "net/core/bpf_jit_limit",
];

/// Asks the kernel everything, and keeps the answers for the life of the process. Takes some hundred requests, a tenth of a second.
///
/// Which helpers programs may call is asked apart: [`helpers_of`].
///
/// ```no_run
/// use oxbpf::feature;
///
/// for program_type in &feature::report().program_types {
///     println!("{}: {} ({})", program_type.what, program_type.support, program_type.minimum);
/// }
/// ```
#[must_use]
pub fn report() -> &'static Report {
    static REPORT: OnceLock<Report> = OnceLock::new();
    REPORT.get_or_init(ask)
}

fn ask() -> Report {
    let release = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    let setting = |name: &&'static str| (*name, denied::sysctl(name));
    let mut settings: Vec<_> = SETTINGS.iter().map(setting).collect();
    let lockdown = denied::lockdown().or_else(|| {
        let known = std::fs::exists("/sys/kernel/security/lockdown").ok()?;
        known.then(|| "none".to_owned())
    });
    settings.push(("lockdown", lockdown));
    settings.push((
        "lsm",
        std::fs::read_to_string("/sys/kernel/security/lsm").ok(),
    ));
    // Where maps are charged to the limit on locked memory, those just closed still are for a while.
    memlock::raise();
    Report {
        release,
        settings,
        program_types: ProgramType::ALL.iter().map(|t| program_type(*t)).collect(),
        map_types: MapType::ALL.iter().map(|t| map_type(*t)).collect(),
        attach_types: AttachType::ALL.iter().map(|t| attach_type(*t)).collect(),
        link_types: LinkType::ALL.iter().map(|t| link_type(*t)).collect(),
        isa: probed(ISA),
        instructions: probed(INSTRUCTIONS),
        verifier: probed(PROGRAMS),
        btf: btf_abilities(),
        others: others(),
        kfuncs: kfuncs().unwrap_or_default(),
    }
}

/// Whether the kernel has programs of a type.
#[must_use]
pub fn program_type(what: ProgramType) -> Feature<ProgramType> {
    Feature {
        what,
        support: types::program(what),
        minimum: minimum::of_program(what),
    }
}

/// Whether the kernel has maps of a type.
#[must_use]
pub fn map_type(what: MapType) -> Feature<MapType> {
    Feature {
        what,
        support: types::map(what),
        minimum: minimum::of_map(what),
    }
}

/// Whether programs can be attached in a way.
#[must_use]
pub fn attach_type(what: AttachType) -> Feature<AttachType> {
    Feature {
        what,
        support: types::attach(what),
        minimum: minimum::of_attach(what),
    }
}

/// Whether the kernel has links of a type.
#[must_use]
pub fn link_type(what: LinkType) -> Feature<LinkType> {
    Feature {
        what,
        support: types::link(what),
        minimum: minimum::of_link(what),
    }
}

/// Whether programs of a type may call a helper: tracing programs at a tracepoint, those of security modules at a hook. What
/// programs may call that replace others (`ext`, `struct_ops`) depends on what they replace: of them the answer is no.
///
/// To ask for `bpf_trace_printk`, `bpf_trace_vprintk` and `bpf_probe_write_user` makes the kernel write a warning into its log.
#[must_use]
pub fn helper(program_type: ProgramType, what: Helper) -> Feature<Helper> {
    Feature {
        what,
        support: helpers::helper(program_type, what),
        minimum: Minimum {
            kernel: what.minimum_kernel().max(program_type.minimum_kernel()),
            ..Minimum::default()
        },
    }
}

/// Which helpers programs of a type may call. Those that cannot be asked for without a warning in the kernel's log are left
/// out; see [`helper`].
#[must_use]
pub fn helpers_of(program_type: ProgramType) -> Vec<Feature<Helper>> {
    helpers::quiet()
        .map(|what| helper(program_type, what))
        .collect()
}

fn since(what: &'static str, support: Support, kernel: (u8, u8)) -> Feature<&'static str> {
    Feature {
        what,
        support,
        minimum: Minimum {
            kernel: Some(kernel),
            ..Minimum::default()
        },
    }
}

fn probed(probes: &[Probe]) -> Vec<Feature<&'static str>> {
    let ask = |probe: &Probe| since(probe.name, probe.ask(), probe.kernel);
    probes.iter().map(ask).collect()
}

fn btf_abilities() -> Vec<Feature<&'static str>> {
    let supported = btf::supported_kinds(None);
    let ability = |(kind, name, kernel): &(SupportedKinds, &'static str, (u8, u8))| {
        since(name, supported.contains(*kind).into(), *kernel)
    };
    BTF.iter().map(ability).collect()
}

fn others() -> Vec<Feature<&'static str>> {
    let cookie = |program_type| helpers::helper(program_type, Helper::GET_ATTACH_COOKIE);
    vec![
        since("variables of programs", types::variables(), (5, 2)),
        since("maps mapped into memory", types::mmap(), (5, 5)),
        since("maps bound to programs", types::bind_map(), (5, 10)),
        since(
            "memory charged to control groups",
            (!super::charges_memlock()).into(),
            (5, 11),
        ),
        since(
            "cookies of perf events",
            cookie(ProgramType::KPROBE),
            (5, 15),
        ),
        since(
            "cookies of tracing programs",
            helpers::helper_at(AttachType::TRACE_FENTRY, Helper::GET_ATTACH_COOKIE),
            (5, 19),
        ),
        since(
            "cookies of raw tracepoints",
            cookie(ProgramType::RAW_TRACEPOINT),
            (6, 10),
        ),
        since("BPF tokens", types::token(), (6, 9)),
        since(
            "loops by callback (bpf_loop)",
            helpers::helper(ProgramType::KPROBE, Helper::LOOP),
            (5, 17),
        ),
        since(
            "wrappers of system calls",
            super::has_syscall_wrapper().into(),
            (4, 17),
        ),
        since(
            "the kernel's own types",
            crate::btf::KernelBtf::running().is_ok().into(),
            (5, 4),
        ),
    ]
}
