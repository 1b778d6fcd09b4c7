//! What the kernel's selftests expect of their programs, which they note in tags on their functions: whether the verifier
//! takes it (`__success`, `__failure`), what it says (`__msg`), what a run returns (`__retval`).
//!
//! Whether a kernel meets that is the kernel's matter, and of one that is not the tests' own often it does not. Here it counts
//! that both libraries get to see the same.

use std::path::Path;

use oxbpf::Loader;
use oxbpf::object::ProgramType;
use oxbpf::object::btf::{Btf, Contents, Kind, Type};
use oxbpf::object::kernel::ProgramFlags;
use oxbpf::object::spec::CollectionSpec;
use oxbpf::program::{LogLevel, TestRun};

use crate::compare::{self, Difference};
use crate::libbpf::{self, Object, Options};
use crate::loading::{KERNEL_NAME, Pins, UNKNOWN_SECTION};
use crate::pattern::Pattern;
use crate::record::{Recording, record};

/// What the tests' own tool adds to the flags of all programs.
const TESTING: ProgramFlags = ProgramFlags::TEST_RND_HI32.union(ProgramFlags::TEST_REG_INVARIANTS);

/// Bytes of the packet that programs are run on, all zero (`TEST_DATA_LEN`), and of the room for what they make of it.
const PACKET: usize = 64;
const ROOM: usize = 4 * PACKET;

/// What is expected of one program, loaded by root.
#[derive(Debug, Default)]
struct Expectation {
    /// Position of the program.
    program: usize,
    refused: bool,
    /// In the order in which the log has to say them.
    messages: Vec<Pattern>,
    returns: Option<Returned>,
    log_level: u32,
    flags: ProgramFlags,
}

/// What a run returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Returned {
    Number(u32),
    /// An address: it cannot be told beforehand.
    Anything,
}

/// All that the tags of a program say.
#[derive(Debug, Default)]
struct Tags {
    expectation: Expectation,
    /// Loaded whatever else is.
    auxiliary: bool,
    /// Expects something of a load by root.
    privileged: bool,
    /// The machines that it is for; all if none is named.
    machines: Vec<String>,
    /// Relocated against types that the tests compile.
    other_types: bool,
}

/// How often both were as expected, and how often neither.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) met: usize,
    pub(crate) unmet: usize,
}

/// Loads each program of which something is expected, and runs it if that is told to return something.
pub(crate) fn compare(
    bytes: &[u8],
    spec: &CollectionSpec,
    pins: &Path,
) -> (Counts, Vec<Difference>) {
    let (mut counts, mut found) = (Counts::default(), Vec::new());
    let Some(btf) = &spec.btf else {
        return (counts, found);
    };
    let tags: Vec<Tags> = (0..spec.programs().len())
        .map(|program| Tags::read(btf, spec, program))
        .collect();
    let auxiliary: Vec<usize> = (0..tags.len())
        .filter(|&program| tags[program].auxiliary && tags[program].privileged)
        .collect();
    for tags in &tags {
        if !tags.applies() {
            continue;
        }
        let expected = &tags.expectation;
        let name = &spec.programs()[expected.program].name;
        let theirs = by_libbpf(bytes, spec, pins, expected, &auxiliary);
        let ours = by_oxbpf(spec, pins, expected, &auxiliary);
        match (theirs, ours) {
            (Some(theirs), Some(ours)) if theirs != ours => {
                let subject = format!("program {name}: what it expects");
                found.push(Difference::new(subject, theirs.0, ours.0));
            }
            (Some(_), Some(ours)) if ours == Outcome::of(expected) => counts.met += 1,
            (Some(_), Some(ours)) => {
                counts.unmet += 1;
                println!("unmet\t{name}\t{}\t{}", Outcome::of(expected).0, ours.0);
            }
            // That one never gets as far is found elsewhere.
            _ => {}
        }
    }
    (counts, found)
}

impl Tags {
    fn read(btf: &Btf, spec: &CollectionSpec, program: usize) -> Tags {
        let mut tags = Tags::default();
        tags.expectation.program = program;
        tags.expectation.flags = TESTING;
        let name = &spec.programs()[program].name;
        let mut types = btf.types();
        let is_it = |ty: &Type<'_>| ty.kind() == Kind::FUNC && ty.is_named(name);
        let Some((function, _)) = types.find(|(_, ty)| is_it(ty)) else {
            return tags;
        };
        for (_, ty) in btf.types() {
            match ty.contents() {
                Contents::DeclTag(tag) if tag.target == function && tag.component.is_none() => {
                    tags.note(ty.name());
                }
                _ => {}
            }
        }
        tags
    }

    fn note(&mut self, tag: &str) {
        let Some(tag) = tag.strip_prefix("comment:test_") else {
            return;
        };
        let (key, value) = tag.split_once('=').unwrap_or((tag, ""));
        let expected = &mut self.expectation;
        match key {
            "expect_success" => self.privileged = true,
            "expect_failure" => (self.privileged, expected.refused) = (true, true),
            "expect_msg" => {
                self.privileged = true;
                // Numbered, so that the same can be said twice.
                let message = value.split_once('=').map_or(value, |(_, message)| message);
                expected.messages.push(Pattern::new(message));
            }
            "retval" => {
                self.privileged = true;
                expected.returns = Some(Returned::parse(value));
            }
            "auxiliary" => (self.privileged, self.auxiliary) = (true, true),
            "log_level" => expected.log_level = value.parse().unwrap_or(0),
            "prog_flags" => match value.strip_prefix('!') {
                Some(flag) => expected.flags.remove(flag_named(flag)),
                None => expected.flags.insert(flag_named(value)),
            },
            "arch" => self.machines.push(value.to_ascii_lowercase()),
            "btf_path" => self.other_types = true,
            _ => {}
        }
    }

    /// Whether something is expected here, by root.
    fn applies(&self) -> bool {
        let here = |machine: &String| machine == std::env::consts::ARCH;
        self.privileged
            && !self.auxiliary
            && !self.other_types
            && (self.machines.is_empty() || self.machines.iter().any(here))
    }
}

/// A flag of a load by its name, as the tests write it, or by its number.
fn flag_named(name: &str) -> ProgramFlags {
    match name {
        "BPF_F_STRICT_ALIGNMENT" => ProgramFlags::STRICT_ALIGNMENT,
        "BPF_F_ANY_ALIGNMENT" => ProgramFlags::ANY_ALIGNMENT,
        "BPF_F_TEST_RND_HI32" => ProgramFlags::TEST_RND_HI32,
        "BPF_F_TEST_STATE_FREQ" => ProgramFlags::TEST_STATE_FREQ,
        "BPF_F_SLEEPABLE" => ProgramFlags::SLEEPABLE,
        "BPF_F_XDP_HAS_FRAGS" => ProgramFlags::XDP_HAS_FRAGS,
        "BPF_F_TEST_REG_INVARIANTS" => ProgramFlags::TEST_REG_INVARIANTS,
        number => ProgramFlags::from_bits_retain(self::number(number).unwrap_or(0) as u32),
    }
}

/// A number as C writes it; negative ones, too.
fn number(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

impl Returned {
    fn parse(text: &str) -> Returned {
        match text {
            "POINTER_VALUE" => Returned::Anything,
            "TEST_DATA_LEN" => Returned::Number(PACKET as u32),
            "INT_MIN" => Returned::Number(i32::MIN as u32),
            // `strtol` into an `int`.
            text => number(text).map_or(Returned::Anything, |n| Returned::Number(n as u32)),
        }
    }
}

/// What came of a load and a run, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outcome(String);

impl Outcome {
    fn new(
        expected: &Expectation,
        taken: bool,
        log: &str,
        run: impl FnOnce() -> Result<u32, i32>,
    ) -> Outcome {
        let mut words = match taken {
            true => "taken",
            false => "refused",
        }
        .to_owned();
        let mut rest = log;
        for message in &expected.messages {
            match message.find(rest) {
                Some(end) => rest = &rest[end..],
                None => {
                    words.push_str(&format!(", does not say `{message}`"));
                    break;
                }
            }
        }
        if let (true, Some(returns)) = (taken && !expected.refused, expected.returns) {
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
            ..*expected
        };
        Outcome::new(&silent, !expected.refused, "", || Ok(returned))
    }
}

/// What the kernel was asked last for a program of this name; `None` if it was not asked.
fn asked(recording: &Recording, name: &str) -> bool {
    let kernel_name: String = name.chars().take(KERNEL_NAME).collect();
    let mut programs = recording.programs.iter();
    programs.any(|program| program.name == kernel_name)
}

fn by_libbpf(
    bytes: &[u8],
    spec: &CollectionSpec,
    pins: &Path,
    expected: &Expectation,
    auxiliary: &[usize],
) -> Option<Outcome> {
    let pins = Pins::new(pins);
    let options = Options {
        name: &spec.name,
        pin_root: Some(pins.0),
        ..Options::default()
    };
    let object = Object::open(bytes, options).ok()?;
    let tested = &spec.programs()[expected.program].name;
    let is_auxiliary = |name: &str| {
        let mut auxiliary = auxiliary.iter();
        auxiliary.any(|&program| spec.programs()[program].name == name)
    };
    let mut subject = None;
    for program in object.programs() {
        let name = program.name();
        let is_it = name == *tested;
        program.set_autoload(is_it || is_auxiliary(&name));
        if program.program_type() == 0 {
            program.set_type(UNKNOWN_SECTION.0);
        }
        if is_it {
            program.add_flags(expected.flags.bits());
            subject = Some(program);
        }
    }
    let subject = subject?;
    let ((result, log), recording) = record(|| object.load_with_log(subject, expected.log_level));
    asked(&recording, tested).then(|| {
        Outcome::new(expected, result.is_ok(), &log, || {
            let is_packet = subject.program_type() != ProgramType::SYSCALL.0;
            libbpf::test_run(subject.fd(), if is_packet { PACKET } else { 0 }, ROOM)
        })
    })
}

fn by_oxbpf(
    spec: &CollectionSpec,
    pins: &Path,
    expected: &Expectation,
    auxiliary: &[usize],
) -> Option<Outcome> {
    let mut spec = spec.clone();
    for (position, program) in spec.programs_mut().iter_mut().enumerate() {
        program.autoload = position == expected.program || auxiliary.contains(&position);
        program.prog_type.get_or_insert(UNKNOWN_SECTION);
        if position == expected.program {
            program.flags |= expected.flags;
        }
    }
    let tested = spec.programs()[expected.program].name.clone();
    let pins = Pins::new(pins);
    let loader = Loader::new()
        .pin_root(pins.0)
        .log_level(LogLevel::from_bits_truncate(expected.log_level));
    let (load, recording) = record(|| loader.keep_going(spec));
    let load = load.ok().filter(|_| asked(&recording, &tested))?;
    let report = load.report(&tested)?;
    Some(Outcome::new(
        expected,
        report.is_loaded(),
        report.log(),
        || {
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
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(notes: &[&str]) -> Tags {
        let mut tags = Tags::default();
        notes
            .iter()
            .for_each(|note| tags.note(&format!("comment:test_{note}")));
        tags
    }

    #[test]
    fn tags_are_read_as_the_tests_mean_them() {
        let read = tags(&[
            "expect_failure",
            "expect_msg=7=R1 = {{[0-9]+}}",
            "log_level=2",
            "prog_flags=BPF_F_TEST_STATE_FREQ",
            "retval=-1",
        ]);
        let expected = &read.expectation;
        assert!(read.applies() && expected.refused);
        assert_eq!(expected.messages[0].find("R1 = 77;"), Some(7));
        assert_eq!(expected.log_level, 2);
        assert_eq!(expected.flags, ProgramFlags::TEST_STATE_FREQ);
        assert_eq!(expected.returns, Some(Returned::Number(u32::MAX)));
        assert!(!tags(&["expect_failure_unpriv"]).applies());
        assert!(!tags(&["expect_success", "arch=PDP11"]).applies());
        assert!(
            tags(&[
                "expect_success",
                "arch=PDP11",
                &format!("arch={}", std::env::consts::ARCH)
            ])
            .applies()
        );
        assert!(!tags(&["auxiliary"]).applies());
    }

    #[test]
    fn messages_come_one_after_the_other() {
        let expected = tags(&["expect_msg=0=one", "expect_msg=1=two", "retval=0x10"]).expectation;
        let outcome = |log: &str, value| Outcome::new(&expected, true, log, || Ok(value));
        assert_eq!(outcome("one, two", 16), Outcome::of(&expected));
        assert_ne!(outcome("two, one", 16), Outcome::of(&expected));
        assert_ne!(outcome("one, two", 17), Outcome::of(&expected));
        assert_ne!(
            Outcome::new(&expected, false, "one, two", || Ok(16)),
            Outcome::of(&expected)
        );
    }
}
