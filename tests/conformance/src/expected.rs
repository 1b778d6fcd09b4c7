//! Whether the kernel's selftests get to see what they expect of their programs (`tags.rs`).
//!
//! Whether a kernel meets that is the kernel's matter, and of one that is not the tests' own often it does not. Here it counts
//! that both libraries get to see the same.

use std::path::Path;

use oxbpf::Loader;
use oxbpf::object::kernel::MapFlags;
use oxbpf::object::spec::CollectionSpec;
use oxbpf::object::{MapType, ProgramType};
use oxbpf::program::{LogLevel, TestRun};
use std::os::fd::{AsFd, AsRawFd};

use crate::compare::{self, Difference};
use crate::libbpf::{self, Object, Options};
use crate::loading::{KERNEL_NAME, Pins, UNKNOWN_SECTION};
use crate::record::{Recording, record};
use crate::tags::{Expectation, PACKET, Returned, Tags, Wanted};
use crate::{privileges, xlated};

/// Bytes of the room for what a run makes of the packet.
const ROOM: usize = 4 * PACKET;

/// How often both were as expected, and how often neither.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) met: usize,
    pub(crate) unmet: usize,
}

/// A load of one program, of which something is expected.
struct Test<'a> {
    spec: &'a CollectionSpec,
    pins: &'a Path,
    /// Positions of the program and of those that are loaded with it.
    program: usize,
    auxiliary: &'a [usize],
    tags: &'a Tags,
    expected: &'a Expectation,
    /// What whoever loads it lacks, a bit for each capability.
    lacking: u64,
}

/// Loads each program of which something is expected, by root and without privileges, and runs it if that is told to return
/// something.
pub(crate) fn compare(
    bytes: &[u8],
    spec: &CollectionSpec,
    pins: &Path,
) -> (Counts, Vec<Difference>) {
    let (mut counts, mut found) = (Counts::default(), Vec::new());
    let Some(btf) = &spec.btf else {
        return (counts, found);
    };
    let programs = spec.programs().iter();
    let tags: Vec<Tags> = programs
        .map(|program| Tags::read(btf, &program.name))
        .collect();
    let auxiliary = |of: fn(&Tags) -> &Expectation| -> Vec<usize> {
        let is_auxiliary =
            |&program: &usize| tags[program].auxiliary && of(&tags[program]).is_there;
        (0..tags.len()).filter(is_auxiliary).collect()
    };
    let of_root = auxiliary(|tags| &tags.root);
    let of_others = auxiliary(|tags| &tags.unprivileged);
    for (program, tags) in tags.iter().enumerate().filter(|(_, tags)| tags.apply()) {
        let root = (&tags.root, 0, &of_root, "what it expects");
        let lacking = tags.lacking;
        let other = (
            &tags.unprivileged,
            lacking,
            &of_others,
            "what it expects without privileges",
        );
        for (expected, lacking, auxiliary, what) in [root, other] {
            if !expected.is_there || (lacking != 0 && !privileges::are_optional()) {
                continue;
            }
            let test = Test {
                spec,
                pins,
                program,
                auxiliary,
                tags,
                expected,
                lacking,
            };
            let name = &spec.programs()[program].name;
            match (test.by_libbpf(bytes), test.by_oxbpf()) {
                (Some(theirs), Some(ours)) if theirs == ours => {
                    let wanted = Outcome::of(expected);
                    if ours == wanted {
                        counts.met += 1;
                        continue;
                    }
                    counts.unmet += 1;
                    println!("unmet\t{name}\t{what}: {}\t{}", wanted.0, ours.0);
                }
                (None, None) => {}
                // That root never gets as far with one of them is found elsewhere.
                (None, _) | (_, None) if lacking == 0 => {}
                (theirs, ours) => {
                    let words = |outcome: Option<Outcome>| {
                        outcome.map_or("not asked".to_owned(), |outcome| outcome.0)
                    };
                    found.push(Difference::new(
                        format!("program {name}: {what}"),
                        words(theirs),
                        words(ours),
                    ));
                }
            }
        }
    }
    (counts, found)
}

/// What came of a load and a run, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outcome(String);

impl Outcome {
    fn new(
        expected: &Expectation,
        taken: bool,
        log: &str,
        xlated: impl FnOnce() -> Option<String>,
        run: impl FnOnce() -> Result<u32, i32>,
    ) -> Outcome {
        let mut words = if taken { "taken" } else { "refused" }.to_owned();
        let mut note = |missing: Option<&Wanted>, of: &str| {
            if let Some(missing) = missing {
                words.push_str(&format!(", {of} `{}`", missing.pattern));
            }
        };
        note(Wanted::missing(&expected.messages, log), "does not say");
        if taken && !expected.xlated.is_empty() {
            let xlated = xlated().unwrap_or_default();
            note(
                Wanted::missing(&expected.xlated, &xlated),
                "does not become",
            );
        }
        if let (true, Some(returns)) = (taken && !expected.is_refused(), expected.returns) {
            words.push_str(&match (run(), returns) {
                (Ok(_), Returned::Anything) => ", runs".to_owned(),
                (Ok(value), Returned::Number(_)) => format!(", returns {value:#x}"),
                (Err(errno), _) => format!(", cannot be run: {}", compare::errno(errno)),
            });
        }
        Outcome(words)
    }

    /// If all is as expected.
    fn of(expected: &Expectation) -> Outcome {
        let returned = match expected.returns {
            Some(Returned::Number(value)) => value,
            _ => 0,
        };
        let silent = Expectation {
            messages: Vec::new(),
            xlated: Vec::new(),
            ..expected.clone()
        };
        Outcome::new(
            &silent,
            !expected.is_refused(),
            "",
            || None,
            || Ok(returned),
        )
    }
}

/// Whether the kernel was asked for a program of this name.
fn asked(recording: &Recording, name: &str) -> bool {
    let kernel_name: String = name.chars().take(KERNEL_NAME).collect();
    let mut programs = recording.programs.iter();
    programs.any(|program| program.name == kernel_name)
}

/// The maps that the tests have somebody without privileges create; the others are left out.
fn is_for_all(map_type: MapType, flags: MapFlags) -> bool {
    match map_type {
        MapType::HASH | MapType::PERCPU_HASH | MapType::HASH_OF_MAPS => {
            !flags.contains(MapFlags::ZERO_SEED)
        }
        MapType::ARRAY
        | MapType::PERCPU_ARRAY
        | MapType::PROG_ARRAY
        | MapType::PERF_EVENT_ARRAY
        | MapType::CGROUP_ARRAY
        | MapType::ARRAY_OF_MAPS
        | MapType::CGROUP_STORAGE
        | MapType::PERCPU_CGROUP_STORAGE
        | MapType::RINGBUF
        | MapType::USER_RINGBUF => true,
        _ => false,
    }
}

impl Test<'_> {
    fn name(&self) -> &str {
        &self.spec.programs()[self.program].name
    }

    fn by_libbpf(&self, bytes: &[u8]) -> Option<Outcome> {
        let pins = Pins::new(self.pins);
        let options = Options {
            name: &self.spec.name,
            pin_root: Some(pins.0),
            ..Options::default()
        };
        let object = privileges::without(self.lacking, || Object::open(bytes, options)).ok()?;
        let is_auxiliary = |name: &str| {
            let mut auxiliary = self.auxiliary.iter();
            auxiliary.any(|&program| self.spec.programs()[program].name == name)
        };
        let mut subject = None;
        for program in object.programs() {
            let name = program.name();
            let is_it = name == self.name();
            program.set_autoload(is_it || is_auxiliary(&name));
            if program.program_type() == 0 {
                program.set_type(UNKNOWN_SECTION.0);
            }
            if is_it {
                program.add_flags(self.tags.flags.bits());
                subject = Some(program);
            }
        }
        for map in object.maps() {
            let (kind, flags) = (
                MapType(map.map_type()),
                MapFlags::from_bits_retain(map.flags()),
            );
            if self.lacking != 0 && !is_for_all(kind, flags) {
                map.set_autocreate(false);
            }
        }
        let subject = subject?;
        let load = || object.load_with_log(subject, self.tags.log_level);
        let ((result, log), recording) = record(|| privileges::without(self.lacking, load));
        let outcome = || {
            let run = || {
                let is_packet = subject.program_type() != ProgramType::SYSCALL.0;
                libbpf::test_run(subject.fd(), if is_packet { PACKET } else { 0 }, ROOM)
            };
            let xlated = || xlated::text(subject.fd());
            Outcome::new(self.expected, result.is_ok(), &log, xlated, run)
        };
        asked(&recording, self.name()).then(outcome)
    }

    fn by_oxbpf(&self) -> Option<Outcome> {
        let mut spec = self.spec.clone();
        for (position, program) in spec.programs_mut().iter_mut().enumerate() {
            program.autoload = position == self.program || self.auxiliary.contains(&position);
            program.prog_type.get_or_insert(UNKNOWN_SECTION);
            if position == self.program {
                program.flags |= self.tags.flags;
            }
        }
        for map in spec.maps_mut() {
            map.autocreate &= self.lacking == 0 || is_for_all(map.map_type, map.flags);
        }
        let pins = Pins::new(self.pins);
        let loader = Loader::new()
            .pin_root(pins.0)
            .log_level(LogLevel::from_bits_truncate(self.tags.log_level));
        let load = || loader.keep_going(spec);
        let (load, recording) = record(|| privileges::without(self.lacking, load));
        let load = load.ok().filter(|_| asked(&recording, self.name()))?;
        let report = load.report(self.name())?;
        let run = || {
            let program = report.program().ok_or(libc::EBADF)?;
            let is_packet = program.program_type() != ProgramType::SYSCALL;
            let (packet, mut room) = ([0; PACKET], [0; ROOM]);
            let run = match is_packet {
                true => TestRun {
                    data: &packet,
                    data_out: &mut room,
                    repeat: 1,
                    ..TestRun::default()
                },
                false => TestRun::default(),
            };
            let ran = program.test_run(run);
            ran.map(|ran| ran.return_value)
                .map_err(|error| error.raw_os_error().unwrap_or(0))
        };
        let xlated = || xlated::text(report.program()?.as_fd().as_raw_fd());
        let taken = report.is_loaded();
        Some(Outcome::new(
            self.expected,
            taken,
            report.log(),
            xlated,
            run,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_what_was_expected_or_says_what_was_not() {
        let notes = [
            "expect_msg=0=one",
            "expect_msg=1=two",
            "retval=0x10",
            "expect_xlated=2=0: exit",
        ];
        let notes = notes.map(|note| format!("comment:test_{note}"));
        let expected = Tags::new(notes.iter().map(String::as_str)).root;
        let outcome = |taken, log: &str, xlated: &str, value| {
            Outcome::new(
                &expected,
                taken,
                log,
                || Some(xlated.to_owned()),
                || Ok(value),
            )
        };
        assert_eq!(
            outcome(true, "one, two", "0: exit\n", 16),
            Outcome::of(&expected)
        );
        for other in [
            outcome(true, "two, one", "0: exit\n", 16),
            outcome(true, "one, two", "0: r0 = 1\n", 16),
            outcome(true, "one, two", "0: exit\n", 17),
            outcome(false, "one, two", "0: exit\n", 16),
        ] {
            assert_ne!(other, Outcome::of(&expected), "{other:?}");
        }
    }
}
