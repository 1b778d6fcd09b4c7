//! Why BPF does not work here: what this process may do, and what this kernel has.
//!
//! [`examine`] tries what can be tried and reads what cannot, and says of each thing whether it is fine, what is wrong with it, and
//! what to do. Nothing is changed, and nothing of it stays.

use std::fs;
use std::path::Path;

use oxbpf_object::asm::Insn;
use oxbpf_object::kconfig;
use oxbpf_object::kernel::{MapType, ProgramType};
use oxbpf_object::spec::MapSpec;
use rustix::thread::CapabilitySet;

use crate::btf::KernelBtf;
use crate::kernel_fs::{KernelFs, TRACEFS};
use crate::loader::kernel_config;
use crate::map::{CreateOptions, Map};
use crate::program::ProgramLoad;
use crate::{denied, feature, tracefs};

/// What was found about one thing.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// What it is about: "capabilities", "lockdown".
    pub what: &'static str,
    /// How it is.
    pub state: State,
    /// That, in words.
    pub text: String,
    /// What to do about it, where something is to be done and known.
    pub remedy: Option<String>,
}

/// How something is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum State {
    /// Nothing stands in the way.
    Fine,
    /// Some things do not work, or not as well as they could.
    Limited,
    /// It keeps most of BPF from working.
    Problem,
}

/// Looks at everything that BPF needs.
#[must_use]
pub fn examine() -> Vec<Finding> {
    let mut findings = vec![
        capabilities(),
        user_namespace(),
        maps(),
        programs(),
        lockdown(),
        security_modules(),
        seccomp(),
        types(),
        module_types(),
        jit(),
        memory(),
        perf_events(),
        kernel_symbols(),
        tracefs_there(),
        mount(
            "BPF file system",
            "/sys/fs/bpf",
            BPF_FS,
            "bpf",
            "nothing can be pinned",
        ),
        mount(
            "cgroups",
            "/sys/fs/cgroup",
            CGROUP2,
            "cgroup2",
            "programs cannot be attached to cgroups",
        ),
    ];
    findings.extend(options());
    findings.push(leftovers());
    findings
}

const BPF_FS: u64 = 0xcafe_4a11;
const CGROUP2: u64 = 0x6367_7270;

fn fine(what: &'static str, text: impl Into<String>) -> Finding {
    Finding {
        what,
        state: State::Fine,
        text: text.into(),
        remedy: None,
    }
}

impl Finding {
    fn limited(mut self, remedy: impl Into<String>) -> Finding {
        self.state = State::Limited;
        self.remedy = Some(remedy.into());
        self
    }

    fn problem(mut self, remedy: impl Into<String>) -> Finding {
        self.state = State::Problem;
        self.remedy = Some(remedy.into());
        self
    }
}

fn capabilities() -> Finding {
    let what = "capabilities";
    let all = [
        (CapabilitySet::BPF, "CAP_BPF"),
        (CapabilitySet::PERFMON, "CAP_PERFMON"),
        (CapabilitySet::NET_ADMIN, "CAP_NET_ADMIN"),
        (CapabilitySet::SYS_ADMIN, "CAP_SYS_ADMIN"),
    ];
    let missing: Vec<_> = all
        .iter()
        .filter(|(bit, _)| !denied::capabilities_missing(*bit).is_empty())
        .map(|(_, name)| *name)
        .collect();
    if missing.is_empty() {
        return fine(what, "this process has all that BPF asks for");
    }
    let list = missing.join(", ");
    let finding = fine(what, format!("this process lacks {list}"));
    if missing.contains(&"CAP_BPF") {
        return finding
            .problem("run it as root, or give the program CAP_BPF and CAP_PERFMON with setcap");
    }
    finding.limited(match missing[..] {
        ["CAP_SYS_ADMIN"] => {
            "only objects of other processes are out of reach: look at those as root".to_owned()
        }
        _ => format!("run it as root, or give the program {list} with setcap"),
    })
}

fn user_namespace() -> Finding {
    let what = "user namespace";
    match denied::in_user_namespace() {
        false => fine(what, "this is the initial one"),
        true => fine(
            what,
            "this is not the initial one, and capabilities in it do not count for BPF",
        )
        .problem("run it in the initial one, or give it a BPF token (Linux 6.9)"),
    }
}

fn maps() -> Finding {
    let what = "making maps";
    let spec = MapSpec {
        map_type: MapType::ARRAY,
        key_size: 4,
        value_size: 8,
        max_entries: 1,
        ..MapSpec::default()
    };
    match Map::create("doctor", &spec, CreateOptions::default()) {
        Ok(_) => fine(what, "works"),
        Err(error) => refused(what, &error),
    }
}

fn programs() -> Finding {
    let what = "loading programs";
    // r0 = 0; exit
    let insns = [0xb7, 0x95].map(|code| Insn {
        code,
        ..Insn::default()
    });
    let request = ProgramLoad {
        name: "doctor",
        program_type: ProgramType::TRACEPOINT,
        insns: &insns,
        license: "GPL",
        ..ProgramLoad::default()
    };
    match request.load() {
        Ok(_) => fine(what, "works"),
        Err(error) => refused(what, &error),
    }
}

fn refused(what: &'static str, error: &crate::Error) -> Finding {
    let finding = fine(what, error.to_string());
    Finding {
        state: State::Problem,
        ..finding
    }
}

fn lockdown() -> Finding {
    let what = "lockdown";
    match denied::lockdown().as_deref() {
        None => fine(what, "is not in force"),
        Some("confidentiality") => fine(
            what,
            "confidentiality: programs cannot read the kernel's memory",
        )
        .problem("boot with lockdown=integrity or none, or without Secure Boot"),
        Some(level) => fine(
            what,
            format!("{level}: programs cannot write to memory of processes"),
        )
        .limited("boot with lockdown=none, or without Secure Boot, if that is needed"),
    }
}

fn security_modules() -> Finding {
    let what = "security modules";
    let text = fs::read_to_string("/sys/kernel/security/lsm").unwrap_or_default();
    let active: Vec<_> = text
        .trim()
        .split(',')
        .filter(|name| !name.is_empty())
        .collect();
    if active.is_empty() {
        return fine(
            what,
            "which are active cannot be seen (securityfs is not mounted)",
        );
    }
    let finding = fine(what, format!("active: {}", active.join(", ")));
    match active.contains(&"bpf") {
        true => finding,
        false => finding
            .limited("boot with `bpf` in the list of lsm=, for LSM programs to have an effect"),
    }
}

fn seccomp() -> Finding {
    let what = "seccomp";
    match denied::seccomp() {
        false => fine(what, "no filter is in force"),
        true => fine(
            what,
            "a filter is in force, and may refuse bpf(2) and perf_event_open(2)",
        )
        .limited("if it does: run the container with a profile that allows them, or unconfined"),
    }
}

fn types() -> Finding {
    let what = "kernel types (BTF)";
    match KernelBtf::running() {
        Ok(kernel) => fine(what, format!("{} types", kernel.types().types().len())),
        Err(error) => fine(what, error.to_string()).problem(
            "use a kernel with CONFIG_DEBUG_INFO_BTF, or give its types in a file, as `oxbpf btf min` makes them",
        ),
    }
}

fn module_types() -> Finding {
    let what = "module types";
    let count = fs::read_dir("/sys/kernel/btf").map_or(0, |entries| entries.count());
    let loaded = fs::read_to_string("/proc/modules").unwrap_or_default();
    let loaded = loaded.lines().count();
    match count.saturating_sub(1) {
        0 if loaded > 0 => fine(what, format!("none, of {loaded} loaded modules")).limited(
            "use a kernel with CONFIG_DEBUG_INFO_BTF_MODULES to trace functions of modules",
        ),
        count => fine(what, format!("of {count} modules")),
    }
}

fn jit() -> Finding {
    let what = "JIT";
    match denied::sysctl("net/core/bpf_jit_enable").as_deref() {
        Some("0") => fine(what, "is off: programs are interpreted, and fentry, struct_ops and kernel functions do not work")
            .limited("sysctl -w net.core.bpf_jit_enable=1"),
        Some(_) => fine(what, "is on"),
        None => fine(what, "cannot be seen from here"),
    }
}

fn memory() -> Finding {
    let what = "locked memory";
    let limit = rustix::process::getrlimit(rustix::process::Resource::Memlock);
    match (feature::charges_memlock(), limit.current) {
        (false, _) => fine(what, "maps and programs are charged to the cgroup, not to this limit"),
        (true, None) => fine(what, "is not limited"),
        (true, Some(bytes)) => fine(what, format!("is limited to {bytes} bytes, and maps count"))
            .limited("raise the limit (`ulimit -l unlimited`), where CAP_SYS_RESOURCE does not let this library do so"),
    }
}

fn perf_events() -> Finding {
    let what = "perf events";
    let level = denied::sysctl("kernel/perf_event_paranoid");
    let may = denied::capabilities_missing(CapabilitySet::PERFMON).is_empty();
    match level.as_deref() {
        None => fine(what, "this kernel has none (CONFIG_PERF_EVENTS)").limited(
            "use a kernel with CONFIG_PERF_EVENTS for tracepoints, kprobes, uprobes and sampling",
        ),
        Some(level) if may => fine(what, format!("allowed (perf_event_paranoid is {level})")),
        Some(level) => fine(
            what,
            format!("perf_event_paranoid is {level}, and this process lacks CAP_PERFMON"),
        )
        .limited("run it as root or with CAP_PERFMON"),
    }
}

fn kernel_symbols() -> Finding {
    let what = "kernel symbols";
    match crate::kallsyms::find(["_text", "_stext"]) {
        Ok(symbols) if symbols.are_hidden() => fine(what, "their addresses are hidden")
            .limited("run it as root, or sysctl -w kernel.kptr_restrict=1"),
        Ok(_) => fine(what, "are readable"),
        Err(error) => fine(what, error.to_string())
            .limited("use a kernel with CONFIG_KALLSYMS for kprobes by name and __ksym externs"),
    }
}

fn tracefs_there() -> Finding {
    let what = "tracefs";
    let root = match KernelFs::open(&TRACEFS) {
        Ok(root) => root,
        Err(_) => {
            return fine(
                what,
                "is not mounted, and this process cannot mount it for itself",
            )
            .limited("mount -t tracefs tracefs /sys/kernel/tracing");
        }
    };
    let is_mounted = Path::new("/sys/kernel/tracing/events").exists()
        || Path::new("/sys/kernel/debug/tracing/events").exists();
    let place = match is_mounted {
        true => "is mounted",
        false => "is not mounted, but can be had without",
    };
    match root.list("events") {
        Ok(categories) => fine(
            what,
            format!("{place}; {} categories of tracepoints", categories.len()),
        ),
        Err(_) if denied::is_confidential() => fine(
            what,
            format!("{place}, but has nothing in it: the kernel is locked down (confidentiality)"),
        )
        .limited(
            "boot with lockdown=integrity or none, or use raw tracepoints, tp_btf, fentry, LSM",
        ),
        Err(error) => fine(
            what,
            format!("{place}, but its events cannot be read: {error}"),
        )
        .limited("run it as root, or mount it with a gid of yours"),
    }
}

fn mount(what: &'static str, place: &str, magic: u64, kind: &str, without: &str) -> Finding {
    let found = rustix::fs::statfs(place).map(|stat| stat.f_type as u64);
    match found == Ok(magic) {
        true => fine(what, format!("is mounted on {place}")),
        false => fine(what, format!("is not on {place}: {without}"))
            .limited(format!("mount -t {kind} {kind} {place}")),
    }
}

/// Options of the kernel's configuration, and what does not work without.
const OPTIONS: &[(&str, &str)] = &[
    ("CONFIG_BPF_SYSCALL", "BPF"),
    (
        "CONFIG_BPF_EVENTS",
        "programs on tracepoints, kprobes and uprobes",
    ),
    ("CONFIG_DEBUG_INFO_BTF", "CO-RE without types in a file"),
    ("CONFIG_KPROBE_EVENTS", "kprobes"),
    ("CONFIG_UPROBE_EVENTS", "uprobes"),
    ("CONFIG_FTRACE_SYSCALLS", "tracepoints of system calls"),
    (
        "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS",
        "fentry, fexit and fmod_ret",
    ),
    ("CONFIG_FPROBE", "kprobes on many functions at once"),
    ("CONFIG_BPF_LSM", "LSM programs"),
    ("CONFIG_CGROUP_BPF", "programs on cgroups"),
    ("CONFIG_NET_CLS_BPF", "programs in tc filters"),
    ("CONFIG_NET_XGRESS", "programs on tcx"),
    ("CONFIG_XDP_SOCKETS", "AF_XDP sockets"),
    ("CONFIG_NETFILTER_BPF_LINK", "netfilter programs"),
    ("CONFIG_SCHED_CLASS_EXT", "schedulers (sched_ext)"),
];

fn options() -> Vec<Finding> {
    let what = "kernel options";
    let config = match kernel_config() {
        Ok(config) => config,
        Err(reason) => {
            return vec![
                fine(what, format!("cannot be read: {reason}"))
                    .limited("read the configuration of this kernel's package"),
            ];
        }
    };
    let is_set = |name: &str| {
        kconfig::settings(&config)
            .any(|setting| setting.name == name && matches!(setting.value, "y" | "m"))
    };
    let mut findings: Vec<_> = OPTIONS
        .iter()
        .filter(|(name, _)| !is_set(name))
        .map(|(name, without)| {
            fine(what, format!("{name} is not set: no {without}"))
                .limited(format!("use a kernel with {name}, if that is needed"))
        })
        .collect();
    if findings.is_empty() {
        findings.push(fine(
            what,
            format!("all {} that matter are set", OPTIONS.len()),
        ));
    }
    findings
}

fn leftovers() -> Finding {
    let what = "orphaned probes";
    match tracefs::leftovers() {
        Err(error) => fine(what, format!("cannot be looked for: {error}")),
        Ok(probes) if probes.is_empty() => fine(what, "none"),
        Ok(probes) => fine(
            what,
            format!("{} probes of dead processes are in tracefs", probes.len()),
        )
        .limited("oxbpf doctor --clean removes them"),
    }
}
