//! What can be done with fewer capabilities than root has, and what is said where it cannot.
//!
//! Capabilities, user ids and seccomp filters belong to threads: each row of the table is a thread that gives up what it
//! is not to have, and tries everything.

#[macro_use]
mod common;
#[path = "faults/inject.rs"]
mod inject;

use std::collections::BTreeMap;

use inject::{Answer, with_answers};
use oxbpf::map::{CreateOptions, Map};
use oxbpf::object::asm::{self, Reg};
use oxbpf::object::kernel::{MapType, ProgramType};
use oxbpf::object::spec::MapSpec;
use oxbpf::program::{Program, ProgramLoad};
use oxbpf::{ErrorKind, Kprobe, Loader, RawTracepoint, Result, Tracepoint};
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::CapabilitySet;

fn create(map_type: MapType) -> Result<Map> {
    let spec = MapSpec {
        map_type,
        key_size: 4,
        value_size: 8,
        max_entries: 1,
        ..MapSpec::default()
    };
    Map::create("modest", &spec, CreateOptions::default())
}

fn load(program_type: ProgramType) -> Result<Program> {
    let insns = asm::program([asm::mov(Reg::R0, 0), asm::exit()]);
    let load = ProgramLoad {
        name: "modest",
        program_type,
        insns: &insns,
        license: "GPL",
        ..ProgramLoad::default()
    };
    load.load()
}

/// What is tried, given a map and programs that somebody else has made.
type Operation = (&'static str, fn(&Given) -> Result<()>);

struct Given {
    map: Map,
    id: u32,
    tracepoint: Program,
    raw_tracepoint: Program,
    kprobe: Program,
}

const OPERATIONS: &[Operation] = &[
    ("create an array", |_| create(MapType::ARRAY).map(drop)),
    ("create a hash map", |_| create(MapType::HASH).map(drop)),
    ("use a map", |given| {
        given
            .map
            .set(&[0; 4], &[1; 8], oxbpf::map::UpdateFlags::empty())
    }),
    ("find a map by its id", |given| {
        Map::from_id(given.id).map(drop)
    }),
    ("load a socket filter", |_| {
        load(ProgramType::SOCKET_FILTER).map(drop)
    }),
    ("load for a tracepoint", |_| {
        load(ProgramType::TRACEPOINT).map(drop)
    }),
    ("load for XDP", |_| load(ProgramType::XDP).map(drop)),
    ("attach to a tracepoint", |given| {
        Tracepoint::new("sched", "sched_process_exit")
            .attach(&given.tracepoint)
            .map(drop)
    }),
    ("attach to a raw tracepoint", |given| {
        RawTracepoint::new("sched_process_exit")
            .attach(&given.raw_tracepoint)
            .map(drop)
    }),
    (KPROBE, |given| {
        Kprobe::new("sys_getpgid").attach(&given.kprobe).map(drop)
    }),
];

/// What not every kernel has.
const KPROBE: &str = "attach to a function";

/// Tries everything on a thread that first gives something up.
fn outcomes(given: &Given, give_up: impl FnOnce() + Send) -> BTreeMap<&'static str, Result<()>> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            give_up();
            let results = OPERATIONS
                .iter()
                .map(|(name, operation)| (*name, operation(given)));
            results.collect()
        });
        thread.join().unwrap()
    })
}

/// Becomes the user `nobody`, on this thread only.
#[allow(unsafe_code)]
fn become_nobody() {
    const NOBODY: u32 = 65534;
    // SAFETY: changes the ids of this thread.
    let ret = unsafe { libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY) };
    assert_eq!(ret, 0);
}

fn given() -> Given {
    let map = create(MapType::ARRAY).unwrap();
    Given {
        id: map.info().unwrap().id,
        map,
        tracepoint: load(ProgramType::TRACEPOINT).unwrap(),
        raw_tracepoint: load(ProgramType::RAW_TRACEPOINT).unwrap(),
        kprobe: load(ProgramType::KPROBE).unwrap(),
    }
}

fn has_kprobes(given: &Given) -> bool {
    match Kprobe::new("sys_getpgid").attach(&given.kprobe) {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::Unsupported => false,
        Err(error) => panic!("{error}"),
    }
}

/// What stands in the way of each operation, in the order of [`OPERATIONS`]; nothing if it works.
type Row = (&'static str, fn(), [&'static str; 10]);

const BPF: &str = "CAP_BPF";
const PERFMON: &str = "CAP_PERFMON";
const NET_ADMIN: &str = "CAP_NET_ADMIN";
const BOTH: &str = "CAP_BPF and CAP_PERFMON";
const FOR_XDP: &str = "CAP_BPF and CAP_NET_ADMIN";
const ADMIN: &str = "CAP_SYS_ADMIN";
/// Tracepoints are found by files that only root may read.
const ROOT: &str = "root";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    //                                                       array hash use id     filter tp      xdp        att.  raw kprobe
    ("nobody", become_nobody,                               [BPF,  BPF,  "", ADMIN, BPF,   BOTH,    FOR_XDP,   ROOT, "", PERFMON]),
    ("nothing", || common::keep_only(CapabilitySet::empty()),            [BPF,  BPF,  "", ADMIN, BPF,   BOTH,    FOR_XDP,   ROOT, "", PERFMON]),
    ("CAP_BPF", || common::keep_only(CapabilitySet::BPF),                ["",   "",   "", ADMIN, "",    PERFMON, NET_ADMIN, ROOT, "", PERFMON]),
    ("+CAP_PERFMON", || common::keep_only(CapabilitySet::BPF | CapabilitySet::PERFMON),
                                                            ["",   "",   "", ADMIN, "",    "",      NET_ADMIN, ROOT, "", ""]),
    ("+CAP_NET_ADMIN", || common::keep_only(CapabilitySet::BPF | CapabilitySet::NET_ADMIN),
                                                            ["",   "",   "", ADMIN, "",    PERFMON, "",        ROOT, "", PERFMON]),
    ("root", || {},                                         ["",   "",   "", "",    "",    "",      "",        "",   "", ""]),
];

#[test]
fn each_row_of_the_table_works_or_says_what_is_missing() {
    let level = std::fs::read_to_string("/proc/sys/kernel/unprivileged_bpf_disabled");
    let is_restricted = level.is_ok_and(|level| level.trim() != "0");
    require!(is_restricted, "this kernel lets everybody use BPF");
    // Old kernels charge BPF to it, and who has given up everything cannot raise it.
    let unlimited = Rlimit {
        current: None,
        maximum: None,
    };
    // Root of some machines may not raise it; their kernels charge nothing to it.
    let _ = setrlimit(Resource::Memlock, unlimited);
    let given = given();
    let has_kprobes = has_kprobes(&given);
    let paranoia = std::fs::read_to_string("/proc/sys/kernel/perf_event_paranoid");
    let is_paranoid = paranoia.is_ok_and(|level| level.trim().parse::<i32>().is_ok_and(|n| n > 2));
    for (who, give_up, expected) in ROWS {
        let results = outcomes(&given, give_up);
        for ((what, _), missing) in OPERATIONS.iter().zip(expected) {
            if *what == KPROBE && !has_kprobes {
                continue;
            }
            match (&results[what], *missing) {
                // Debian's kernels have a level that leaves perf events to root.
                (Err(error), _) if *what == KPROBE && *who != "root" && is_paranoid => {
                    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
                    let text = error.to_string();
                    assert!(
                        text.contains("perf_event_paranoid") || text.contains(BPF),
                        "{text}"
                    );
                }
                (Ok(()), "") => {}
                (Ok(()), missing) => panic!("{who}: {what}: works without {missing}"),
                // Before 6.0, not even the use of what is open was free.
                (Err(error), "")
                    if ["nobody", "nothing"].contains(who)
                        && error.remedy().is_some_and(|remedy| remedy.contains(BPF)) => {}
                (Err(error), "") => panic!("{who}: {what}: {error}"),
                (Err(error), missing) => {
                    assert_eq!(
                        error.kind(),
                        ErrorKind::PermissionDenied,
                        "{who}: {what}: {error}"
                    );
                    let remedy = error.remedy().unwrap_or_default();
                    let with = format!("with {missing}");
                    let names_it =
                        remedy.contains(&with) && !remedy.contains(&format!("{with} and"));
                    assert!(
                        names_it || missing == ROOT && remedy.contains(ROOT),
                        "{who}: {what}: {error}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_seccomp_filter_is_suspected() {
    let given = given();
    let denied = |_, call: inject::Call| match call.name {
        "bpf" => Answer::Errno(libc::EPERM),
        _ => Answer::Kernel,
    };
    let has_kprobes = has_kprobes(&given);
    for (what, operation) in OPERATIONS {
        if *what == KPROBE && !has_kprobes {
            continue;
        }
        let Some((_, result)) = with_answers(denied, || operation(&given)) else {
            skip!("this kernel cannot ask about system calls");
        };
        match (*what, result.unwrap()) {
            // It has a way without bpf(2).
            ("attach to a tracepoint" | KPROBE, Ok(())) => {}
            (_, Err(error)) => {
                let remedy = error.remedy().unwrap_or_default();
                assert!(remedy.contains("seccomp filter"), "{what}: {error}");
            }
            (_, Ok(())) => panic!("{what}: works"),
        }
    }
}

/// Types need CAP_BPF even where programs do not.
#[test]
fn an_object_loads_for_one_who_may_load_no_types() {
    const BTF_LOAD: u64 = 18;
    let denied = |_, call: inject::Call| match (call.name, call.first) {
        ("bpf", BTF_LOAD) => Answer::Errno(libc::EPERM),
        _ => Answer::Kernel,
    };
    let spec = || fixtures::globals::Spec::embedded().unwrap();
    let loaded = with_answers(denied, || Loader::new().load(spec()));
    let Some((_, loaded)) = loaded else {
        skip!("this kernel cannot ask about system calls");
    };
    loaded.unwrap().unwrap();
}
