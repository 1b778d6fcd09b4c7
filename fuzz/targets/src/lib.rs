//! What fuzzing runs: for each reader of bytes a function that takes any bytes, and whatever makes such bytes.
//!
//! A function panics if a reader does, or if what it says contradicts itself. That it is quick and takes little memory
//! is checked around it, see [`check`].

mod cap;
mod check;
mod objects;
mod rings;
mod seeds;
mod texts;
mod types;
mod values;

pub use cap::Cap;
pub use check::{MAX_SECONDS, Verdict, check, memory_limit, processor_time};
pub use fuzz_mutate::{self as mutate, Mutator, Random, pair};
pub use seeds::Seeds;

/// One reader, or several of the same bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What it is called.
    pub name: &'static str,
    /// Reads any bytes.
    pub run: fn(&[u8]),
    /// Makes bytes of others.
    pub mutate: Mutator,
    /// What to begin with.
    pub seeds: fn(&Seeds) -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    target(
        "object",
        objects::object,
        mutate::elf::mutate,
        Seeds::objects,
    ),
    target(
        "linker",
        objects::linker,
        objects::mutate_pair,
        Seeds::object_pairs,
    ),
    target(
        "generate",
        objects::generate,
        mutate::elf::mutate,
        Seeds::generated,
    ),
    target("btf", types::btf, mutate::btf::mutate, Seeds::btf),
    target(
        "split_btf",
        types::split,
        types::mutate_pair,
        Seeds::btf_pairs,
    ),
    target("btf_ext", types::ext, types::mutate_ext, Seeds::btf_ext),
    target("dump_c", types::dump_c, mutate::btf::mutate, Seeds::btf),
    target("dedup", types::dedup, mutate::btf::mutate, Seeds::btf),
    target("core", types::core, types::mutate_core, Seeds::core),
    target("values", values::values, values::mutate, Seeds::values),
    target(
        "instructions",
        objects::instructions,
        mutate::bytes,
        Seeds::instructions,
    ),
    target(
        "section_names",
        texts::section_names,
        mutate::text::mutate,
        Seeds::section_names,
    ),
    target(
        "kconfig",
        texts::kconfig,
        mutate::text::mutate,
        Seeds::kconfig,
    ),
    target(
        "kallsyms",
        texts::kallsyms,
        mutate::text::mutate,
        Seeds::kallsyms,
    ),
    target(
        "verifier_log",
        texts::verifier_log,
        mutate::text::mutate,
        Seeds::verifier_logs,
    ),
    target("gzip", texts::gzip, mutate::bytes, Seeds::gzip),
    target("ring", rings::ring, mutate::bytes, Seeds::ring),
    target("perf", rings::perf, mutate::bytes, Seeds::perf),
];

const fn target(
    name: &'static str,
    run: fn(&[u8]),
    mutate: Mutator,
    seeds: fn(&Seeds) -> Vec<Vec<u8>>,
) -> Target {
    Target {
        name,
        run,
        mutate,
        seeds,
    }
}

impl Target {
    /// The one of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// Makes the mutant of this number out of the seeds: always the same one.
    pub fn mutant(&self, seeds: &[Vec<u8>], number: u64, mutant: &mut Vec<u8>) {
        mutate::mutant(self.name, number, seeds, self.mutate, mutant);
    }
}
