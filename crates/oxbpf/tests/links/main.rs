//! Attaching programs to a real kernel: they run because of the event, and nothing is left behind.

#[macro_use]
#[path = "../common/mod.rs"]
mod common;

mod attach_all;
mod by_section;
mod fixture;
mod hooks;
mod interleavings;
mod iter;
mod kprobe;
mod leftovers;
mod link;
mod lockdown;
mod multi;
mod names;
mod objects;
mod perf_event;
mod places;
mod settings;
mod tracepoint;
mod tracing;
mod uprobe;

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use oxbpf::map::{Array, CreateOptions};
use oxbpf::object::asm::{self, AtomicOp, Cond, Op, Reg, Size, Width};
use oxbpf::object::btf::{Btf, Kind, TypeId};
use oxbpf::object::kernel::{AttachType, Helper, MapType, ProgramType};
use oxbpf::object::spec::MapSpec;
use oxbpf::program::{AttachInfo, ProgramLoad};
use oxbpf::{Error, ErrorKind, Map, Program};
use rustix::process::Pid;

/// How often a test makes its event happen.
const TIMES: u64 = 10;

/// The event: a system call that nobody else makes much.
fn getpgid() {
    static THIS: LazyLock<Pid> = LazyLock::new(|| {
        // Where the first process of the system starts the tests, they are in no group that has a number.
        let _ = rustix::process::setpgid(None, None);
        rustix::process::getpid()
    });
    rustix::process::getpgid(Some(*THIS)).unwrap();
}

/// Another one, to see that this one is not counted.
fn getppid() {
    let _ = rustix::process::getppid();
}

/// Keeps other tests of this process away until the calling one ends: tests look at all of its descriptors and probes.
fn alone() {
    static ALONE: Mutex<()> = Mutex::new(());
    thread_local! {
        static HELD: MutexGuard<'static, ()> = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    }
    HELD.with(|_| ());
}

/// What a program of these tests counts and sees: only what the thread does that made it.
struct Counter {
    map: Map,
    values: Array<[u64; 3]>,
}

/// What the program is to look at.
#[derive(Clone, Copy, Default)]
struct Watch {
    /// Counts only if the number at this offset in the context is this one.
    only: Option<(i16, i32)>,
    /// Notes the cookie of the attachment.
    cookie: bool,
    /// Notes the number at this offset in the context.
    value: Option<i16>,
}

impl Counter {
    fn new() -> Self {
        alone();
        let spec = MapSpec {
            map_type: MapType::ARRAY,
            key_size: 4,
            value_size: 24,
            max_entries: 1,
            ..MapSpec::default()
        };
        // One entry of three numbers, which a program can reach without a lookup.
        let map = Map::create("seen", &spec, CreateOptions::default()).unwrap();
        let values = map.typed().unwrap();
        Self { map, values }
    }

    fn seen(&self) -> [u64; 3] {
        self.values.get(0).unwrap()
    }

    fn count(&self) -> u64 {
        self.seen()[0]
    }

    fn cookie(&self) -> u64 {
        self.seen()[1]
    }

    fn value(&self) -> u64 {
        self.seen()[2]
    }

    /// Runs the event and returns how often the program ran meanwhile.
    fn runs(&self, event: impl Fn()) -> u64 {
        let before = self.count();
        for _ in 0..TIMES {
            event();
        }
        self.count() - before
    }

    /// The program, in instructions.
    fn program(&self, watch: Watch) -> Vec<asm::Insn> {
        let slot = |value: i32, offset| asm::load_map_value(Reg::R1, value, offset);
        let map = self.map.as_fd().as_raw_fd();
        let mut note = Vec::new();
        if watch.cookie {
            note.extend([
                asm::mov(Reg::R1, Reg::R6),
                asm::call(Helper::GET_ATTACH_COOKIE),
                slot(map, 8),
                asm::store(Size::DW, Reg::R1, 0, Reg::R0),
            ]);
        }
        if let Some(offset) = watch.value {
            note.extend([
                asm::load(Size::DW, Reg::R2, Reg::R6, offset),
                slot(map, 16),
                asm::store(Size::DW, Reg::R1, 0, Reg::R2),
            ]);
        }
        note.extend([
            slot(map, 0),
            asm::mov(Reg::R2, 1),
            asm::atomic(AtomicOp::Add, Width::Bits64, Reg::R1, 0, Reg::R2),
        ]);
        let mut rest = asm::program(note);
        if let Some((offset, number)) = watch.only {
            let mut test = asm::program([
                asm::load(Size::DW, Reg::R1, Reg::R6, offset),
                asm::jump(Cond::Ne, Reg::R1, number, rest.len() as i16),
            ]);
            test.append(&mut rest);
            rest = test;
        }
        let thread = rustix::thread::gettid().as_raw_nonzero().get();
        let start: [Op; 3] = [
            asm::mov(Reg::R6, Reg::R1),
            asm::call(Helper::GET_CURRENT_PID_TGID),
            asm::jump32(Cond::Ne, Reg::R0, thread, rest.len() as i16),
        ];
        let mut insns = asm::program(start);
        insns.append(&mut rest);
        insns.extend(asm::program([asm::mov(Reg::R0, 0), asm::exit()]));
        insns
    }

    fn load(&self, program_type: ProgramType, watch: Watch) -> Result<Program, Error> {
        self.load_for(program_type, watch, AttachInfo::default(), TypeId::VOID)
    }

    fn load_for(
        &self,
        program_type: ProgramType,
        watch: Watch,
        attach: AttachInfo,
        attach_btf_id: TypeId,
    ) -> Result<Program, Error> {
        ProgramLoad {
            name: "count",
            program_type,
            insns: &self.program(watch),
            license: "GPL",
            attach,
            attach_btf_id,
            ..ProgramLoad::default()
        }
        .load()
    }

    /// A program that does nothing, since those of most types cannot even count.
    fn load_idle(program_type: ProgramType, section: &str) -> Program {
        ProgramLoad {
            name: "idle",
            program_type,
            insns: &asm::program([asm::mov(Reg::R0, 0), asm::exit()]),
            license: "GPL",
            attach: of_section(section),
            ..ProgramLoad::default()
        }
        .load()
        .unwrap()
    }

    fn kprobe(&self) -> Program {
        self.load(ProgramType::KPROBE, Watch::default()).unwrap()
    }

    /// A program that BTF types, for `name` (with the prefix that its attach type has in BTF).
    fn tracing(&self, attach_type: AttachType, name: &str, watch: Watch) -> Result<Program, Error> {
        let (kind, target) = match name.strip_prefix("btf_trace_") {
            Some(tracepoint) => (Kind::TYPEDEF, tracepoint),
            None => (Kind::FUNC, name),
        };
        let attach = AttachInfo {
            section: String::new(),
            target: Some(target.into()),
            attach_type: Some(attach_type),
            ..AttachInfo::default()
        };
        let bytes = fs::read("/sys/kernel/btf/vmlinux").unwrap();
        let id = Btf::parse(bytes).unwrap().find(name, kind).unwrap();
        self.load_for(ProgramType::TRACING, watch, attach, id)
    }
}

/// What a program of this section is attached to.
fn of_section(section: &str) -> AttachInfo {
    AttachInfo {
        section: section.into(),
        target: section.split_once('/').map(|(_, target)| target.into()),
        ..AttachInfo::default()
    }
}

/// A loaded program that came from `section`.
fn from_section(counter: &Counter, program_type: ProgramType, section: &str) -> Program {
    counter
        .load_for(
            program_type,
            Watch::default(),
            of_section(section),
            TypeId::VOID,
        )
        .unwrap()
}

fn has_kprobes() -> bool {
    alone();
    fs::exists("/sys/bus/event_source/devices/kprobe").unwrap()
}

/// For the calling thread, which is the test's own.
fn give_up_capabilities() {
    common::keep_only(rustix::thread::CapabilitySet::empty());
}

/// The kernel's name of the function behind getpgid(2).
const GETPGID: &str = if cfg!(target_arch = "aarch64") {
    "__arm64_sys_getpgid"
} else if cfg!(target_arch = "s390x") {
    "__s390x_sys_getpgid"
} else {
    "__x64_sys_getpgid"
};

/// The descriptors of this process, and what they stand for.
fn descriptors() -> BTreeMap<String, String> {
    alone();
    let entries = fs::read_dir("/proc/self/fd").unwrap();
    entries
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let target = fs::read_link(&path).ok()?.display().to_string();
            let own = target.starts_with("/proc/") && target.ends_with("/fd");
            (!own).then(|| (path.display().to_string(), target))
        })
        .collect()
}

/// Where the control groups of version 2 are mounted, if they are.
fn cgroup_root() -> Option<std::path::PathBuf> {
    let places = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
    let is_root = |place: &&&str| fs::exists(format!("{place}/cgroup.controllers")).unwrap();
    places.iter().find(is_root).map(Into::into)
}

/// The lines of our probes in tracefs.
fn probes() -> Vec<String> {
    let list = fs::read_to_string("/sys/kernel/tracing/kprobe_events").unwrap_or_default();
    let ours = list.lines().filter(|line| line.contains("oxbpf_"));
    ours.map(str::to_owned).collect()
}

#[track_caller]
fn assert_kind<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind, part: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(part), "{error}");
    assert!(!error.to_string().contains('\n'), "{error}");
}
