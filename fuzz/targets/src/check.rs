//! Running a target on one input, and judging it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use oxbpf_object::limits::MAX_ZEROED_BYTES;

use crate::{Cap, Target};

/// How long one input may take.
pub const MAX_SECONDS: f64 = 1.0;

/// How a target got along.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It came to an end, as it should.
    Fine,
    /// It panicked.
    Panic,
    /// It took so many seconds of processor time.
    Slow(f64),
    /// It held so many bytes at a time.
    Hungry(usize),
}

/// How many bytes a reader may hold for an input of this length, zeroed variables not counted: these take no room in the
/// file, and none in memory before somebody writes to them. They have a limit of their own.
#[must_use]
pub fn memory_limit(len: usize) -> usize {
    64 * len + (16 << 20)
}

/// Runs a target. Memory is counted where [`Cap`] is the allocator.
#[must_use]
pub fn check(target: &Target, input: &[u8]) -> Verdict {
    let run = || catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    Cap::reset();
    let start = Instant::now();
    if run().is_err() {
        return Verdict::Panic;
    }
    // Zeroed variables of the object, and of another that is linked with it.
    let zeroed = Cap::zeroed().min(2 * MAX_ZEROED_BYTES as usize);
    if Cap::peak() > memory_limit(input.len()) + zeroed {
        return Verdict::Hungry(Cap::peak());
    }
    if start.elapsed().as_secs_f64() < MAX_SECONDS {
        return Verdict::Fine;
    }
    // It may have had to wait for others.
    let before = processor_time();
    let _ = run();
    match processor_time() - before {
        seconds if seconds < MAX_SECONDS => Verdict::Fine,
        seconds => Verdict::Slow(seconds),
    }
}

/// Seconds that this thread has run, to some hundredths.
#[must_use]
pub fn processor_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
    // After the name, which is in parentheses: user and system time are the 12th and 13th field, in hundredths.
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}
