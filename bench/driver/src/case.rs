//! What is measured: the table.

use worker::{ENTRIES, OPERATIONS};

/// What a peer is told to work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An object of ours.
    Object(&'static str),
    /// An object of ours, against types that were cut down to what it needs.
    WithMinimalBtf(&'static str),
    /// The types of the running kernel.
    KernelBtf,
    /// A pinned map, prepared before each step.
    Map(&'static str, Prepare),
    /// An object of ours and so many functions of the kernel, which has to have kprobes.
    Functions(&'static str, usize),
}

/// What happens to a map before each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prepare {
    Nothing,
    /// All entries are put in.
    FillHash,
    /// A program writes records.
    FillRing,
    FillPerf,
    /// A program reads what a peer wrote.
    EmptyUserRing,
}

/// What of a case was promised to be at most so much of a peer's.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    pub measure: Measure,
    pub peer: &'static str,
    pub ratio: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Instructions,
    Time,
    Memory,
}

pub struct Case {
    pub name: &'static str,
    pub about: &'static str,
    /// What the peers call it.
    pub work: &'static str,
    pub subject: Subject,
    /// How many operations a step has.
    pub operations: u32,
    pub peers: &'static [&'static str],
    /// How often each peer does a step.
    pub rounds: usize,
    /// Also as a process of its own each time?
    pub cold: bool,
    pub promises: &'static [Promise],
}

/// As a rule.
const ROUNDS: usize = 31;

const LOADERS: &[&str] = &["oxbpf", "libbpf", "aya", "cilium"];
const READERS: &[&str] = &["oxbpf", "libbpf", "aya", "cilium", "bare"];

const fn at_most(ratio: f64, measure: Measure, peer: &'static str) -> Promise {
    Promise {
        measure,
        peer,
        ratio,
    }
}

const HALF: Promise = at_most(0.5, Measure::Instructions, "libbpf");
const NO_MORE_MEMORY: Promise = at_most(1.0, Measure::Memory, "libbpf");

const fn load(
    name: &'static str,
    about: &'static str,
    subject: Subject,
    promises: &'static [Promise],
) -> Case {
    let work = match subject {
        Subject::WithMinimalBtf(_) => "load-with-btf",
        Subject::KernelBtf => "btf",
        _ => "load",
    };
    Case {
        name,
        about,
        work,
        subject,
        operations: 1,
        peers: LOADERS,
        rounds: ROUNDS,
        cold: true,
        promises,
    }
}

const fn map(
    name: &'static str,
    about: &'static str,
    subject: Subject,
    operations: u32,
    peers: &'static [&'static str],
    promises: &'static [Promise],
) -> Case {
    Case {
        name,
        about,
        work: name,
        subject,
        operations,
        peers,
        rounds: ROUNDS,
        cold: false,
        promises,
    }
}

const fn probe(
    name: &'static str,
    about: &'static str,
    subject: Subject,
    peers: &'static [&'static str],
    rounds: usize,
) -> Case {
    Case {
        name,
        about,
        work: name,
        subject,
        operations: 1,
        peers,
        rounds,
        cold: false,
        promises: &[],
    }
}

/// A hundred kprobes take seconds.
const FEW_ROUNDS: usize = 7;

pub const CASES: &[Case] = &[
    load(
        "small",
        "load a small object without CO-RE",
        Subject::Object("small"),
        &[],
    ),
    load(
        "core",
        "load a small CO-RE object",
        Subject::Object("core"),
        &[HALF, NO_MORE_MEMORY],
    ),
    load(
        "core50",
        "load an object with fields of 50 types",
        Subject::Object("core50"),
        &[HALF, NO_MORE_MEMORY],
    ),
    load(
        "many",
        "load an object of 32 programs",
        Subject::Object("many"),
        &[at_most(0.65, Measure::Time, "libbpf"), NO_MORE_MEMORY],
    ),
    Case {
        name: "parse",
        about: "only parse an object (the one of 50 types)",
        work: "parse",
        subject: Subject::Object("core50"),
        operations: 1,
        peers: LOADERS,
        rounds: ROUNDS,
        cold: false,
        promises: &[HALF],
    },
    load(
        "minimal",
        "load the object of 50 types against minimal BTF",
        Subject::WithMinimalBtf("core50"),
        &[NO_MORE_MEMORY],
    ),
    load(
        "btf",
        "the first answer from the kernel's types",
        Subject::KernelBtf,
        &[],
    ),
    map(
        "get",
        "read an entry of a hash",
        Subject::Map("hash", Prepare::Nothing),
        OPERATIONS,
        READERS,
        &[at_most(1.1, Measure::Time, "bare")],
    ),
    map(
        "set",
        "write an entry of a hash",
        Subject::Map("hash", Prepare::Nothing),
        OPERATIONS,
        READERS,
        &[at_most(1.1, Measure::Time, "bare")],
    ),
    map(
        "iterate",
        "go through 100,000 entries of a hash, per entry",
        Subject::Map("hash", Prepare::Nothing),
        ENTRIES,
        READERS,
        &[
            at_most(1.15, Measure::Time, "bare"),
            at_most(0.33, Measure::Time, "aya"),
        ],
    ),
    map(
        "drain",
        "take 100,000 entries out of a hash, per entry",
        Subject::Map("drained", Prepare::FillHash),
        ENTRIES,
        &["oxbpf", "aya", "bare"],
        &[
            at_most(1.15, Measure::Time, "bare"),
            at_most(0.33, Measure::Time, "aya"),
        ],
    ),
    map(
        "percpu",
        "read an entry of a per-CPU hash",
        Subject::Map("percpu", Prepare::Nothing),
        OPERATIONS,
        READERS,
        &[],
    ),
    map(
        "mapped",
        "read a global variable",
        Subject::Object("values"),
        OPERATIONS,
        &["oxbpf"],
        &[],
    ),
    map(
        "ring",
        "drain a ring buffer, per record of 64 bytes",
        Subject::Map("ring", Prepare::FillRing),
        super::kernel::RING_RECORDS,
        &["oxbpf", "libbpf", "aya", "cilium"],
        &[at_most(1.0, Measure::Time, "libbpf")],
    ),
    map(
        "perf",
        "drain a perf buffer, per record of 64 bytes",
        Subject::Map("perf", Prepare::FillPerf),
        super::kernel::PERF_RECORDS,
        &["oxbpf", "libbpf", "cilium"],
        &[at_most(1.0, Measure::Time, "libbpf")],
    ),
    map(
        "user-ring",
        "write a record of 64 bytes to a user ring buffer",
        Subject::Map("user_ring", Prepare::EmptyUserRing),
        OPERATIONS,
        &["oxbpf", "libbpf"],
        &[at_most(1.0, Measure::Time, "libbpf")],
    ),
    probe(
        "kprobe",
        "attach and detach a kprobe",
        Subject::Functions("probes", 1),
        LOADERS,
        ROUNDS,
    ),
    probe(
        "kprobe-multi",
        "attach and detach 1,000 functions by kprobe.multi",
        Subject::Functions("probes_multi", 1000),
        &["oxbpf", "libbpf", "cilium"],
        ROUNDS,
    ),
    probe(
        "kprobes",
        "attach 100 kprobes, detach all",
        Subject::Functions("probes", 100),
        LOADERS,
        FEW_ROUNDS,
    ),
    probe(
        "kprobes-in-turn",
        "the same, detached one after the other",
        Subject::Functions("probes", 100),
        &["oxbpf"],
        FEW_ROUNDS,
    ),
    probe(
        "kallsyms",
        "look up five symbols of the kernel",
        Subject::Functions("probes", 5),
        &["oxbpf", "aya"],
        ROUNDS,
    ),
    load(
        "ksyms",
        "load an object that needs the addresses of five symbols",
        Subject::Object("symbols"),
        &[],
    ),
    Case {
        operations: 100_000,
        ..probe(
            "iterator",
            "read what an iterator writes, per record of 64 bytes",
            Subject::Object("iterator"),
            LOADERS,
            ROUNDS,
        )
    },
];
