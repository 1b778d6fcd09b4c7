//! One target, guided by coverage: `OXBPF_FUZZ_TARGET=btf guided CORPUS [-max_total_time=60 ...]`.
//!
//! `cargo xtask fuzz --guided` builds it with the instrumentation that it needs, which stable Rust has.
#![no_main]

use std::sync::OnceLock;

use fuzz_targets::{Cap, Random, Target, Verdict, check};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

#[global_allocator]
static ALLOCATOR: Cap = Cap;

fn target() -> &'static Target {
    static TARGET: OnceLock<&Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let name = std::env::var("OXBPF_FUZZ_TARGET").expect("OXBPF_FUZZ_TARGET says which target");
        Target::named(&name).expect("OXBPF_FUZZ_TARGET is no target")
    })
}

fuzz_target!(|input: &[u8]| {
    let verdict = check(target(), input);
    assert_eq!(verdict, Verdict::Fine);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = Random::new(target().name, seed.into());
    // What knows nothing of formats finds its way too.
    if random.one_in(4) {
        return libfuzzer_sys::fuzzer_mutate(data, size, max_size);
    }
    let mut input = data[..size].to_vec();
    (target().mutate)(&mut input, &mut random);
    input.truncate(max_size.min(data.len()));
    data[..input.len()].copy_from_slice(&input);
    input.len()
});
