//! Every target, on its seeds, on what once went wrong, and on thousands of mutants.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use fuzz_targets::{Cap, Seeds, TARGETS, Target, Verdict, check, processor_time};

#[global_allocator]
static ALLOCATOR: Cap = Cap;

/// How many mutants of each target.
const MUTANTS: u64 = 20_000;

fn judge(target: &Target, what: &str, input: &[u8], wrong: &mut Vec<String>) {
    let verdict = check(target, input);
    if verdict != Verdict::Fine {
        wrong.push(format!("{}: {what}: {verdict:?}", target.name));
    }
}

/// Findings of old: a directory for each target, a file for each input.
fn regressions(target: &Target) -> Vec<(String, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("regressions")
        .join(target.name);
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    files
        .map(|file| {
            let name = file.file_name().to_string_lossy().into_owned();
            (name, std::fs::read(file.path()).unwrap())
        })
        .collect()
}

fn replay(target: &Target, seeds: &Seeds, wrong: &mut Vec<String>) {
    let seeds = (target.seeds)(seeds);
    for (n, seed) in seeds.iter().enumerate() {
        judge(target, &format!("seed {n}"), seed, wrong);
    }
    for (name, input) in regressions(target) {
        judge(target, &name, &input, wrong);
    }
    if seeds.is_empty() {
        println!(
            "skipped: mutants of {}: there is no clang to make seeds",
            target.name
        );
        return;
    }
    let mut mutant = Vec::new();
    for number in 0..MUTANTS {
        target.mutant(&seeds, number, &mut mutant);
        judge(target, &format!("mutant {number}"), &mutant, wrong);
    }
}

#[test]
fn no_input_does_harm() {
    let seeds = Seeds::new();
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let work = || {
        while let Some(target) = TARGETS.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut found = Vec::new();
            replay(target, &seeds, &mut found);
            wrong.lock().unwrap().append(&mut found);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_does_harm_is_noticed() {
    let target = |run: fn(&[u8])| Target { run, ..TARGETS[0] };
    let verdict = |run| check(&target(run), &[0; 100]);
    assert_eq!(verdict(|_| {}), Verdict::Fine);
    assert_eq!(verdict(|input| assert!(input.is_empty())), Verdict::Panic);
    let hungry = verdict(|_| drop(std::hint::black_box(vec![1u8; 17 << 20])));
    assert!(matches!(hungry, Verdict::Hungry(17825792..)), "{hungry:?}");
    assert_eq!(
        verdict(|_| drop(std::hint::black_box(vec![1u8; 15 << 20]))),
        Verdict::Fine
    );
    let slow = verdict(|_| {
        let start = processor_time();
        while processor_time() - start < 1.3 {
            std::hint::spin_loop();
        }
    });
    assert!(matches!(slow, Verdict::Slow(_)), "{slow:?}");
    // Waiting is no work.
    assert_eq!(
        verdict(|_| std::thread::sleep(std::time::Duration::from_millis(1100))),
        Verdict::Fine
    );
}

#[test]
fn mutants_are_always_the_same() {
    let target = &TARGETS.iter().find(|target| target.name == "btf").unwrap();
    let seeds = (target.seeds)(&Seeds::default());
    let make = |number| {
        let mut mutant = Vec::new();
        target.mutant(&seeds, number, &mut mutant);
        mutant
    };
    assert_eq!(make(77), make(77));
    assert_ne!(make(77), make(78));
}
