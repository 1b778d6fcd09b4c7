//! Reads the verifier's log, whose format differs from kernel to kernel.
//!
//! A log tells how the verifier went through the program: instructions, register states, the
//! C lines they came from, and at its end what was wrong, followed by statistics. Nothing here
//! relies on a kernel version; what is not recognised is taken to be a message.

/// What a log says about a rejection.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Findings {
    /// What was wrong, on one line; empty if the log does not say.
    pub(crate) summary: String,
    /// The instruction that it was wrong with.
    pub(crate) insn: Option<usize>,
    /// What to do about it, if the log says so.
    pub(crate) advice: Option<String>,
    /// The C line that the instruction came from.
    pub(crate) source: Option<SourceLine>,
}

/// A line of C.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SourceLine {
    /// The file, as it was named to the compiler. Not known from kernels before 6.9 alone.
    pub file: Option<String>,
    /// The number of the line in the file, from 1 on.
    pub line: Option<u32>,
    /// The line, without the white space around it.
    pub text: String,
}

/// One line of a log.
#[derive(Debug, Eq, PartialEq)]
enum Line<'a> {
    /// An instruction that is being looked at.
    Insn(usize),
    /// The C line of the instructions that follow.
    Source(&'a str),
    /// Register states, and how the verifier gets along.
    Progress,
    /// What the verification cost, details of a message, or nothing.
    Aside,
    /// Anything else: what was wrong.
    Message(&'a str),
}

/// How lines begin that tell of progress.
const PROGRESS: &[&str] = &[
    "from ",
    "caller:",
    "callee:",
    "returning from callee:",
    "to caller at ",
    "last_idx ",
    "regs=",
    "parent didn't have ",
    "parent already had ",
    "parent state ",
    "mark_precise: ",
    "propagating ",
    "Validating ",
    "Func#",
    "Live regs before insn:",
    "func#",
];

/// How lines begin that tell what the verification cost, or that only go with a message.
const ASIDES: &[&str] = &[
    "processed ",
    "verification time ",
    "stack depth ",
    "cur state: ",
    "old state: ",
];

fn classify(line: &str) -> Line<'_> {
    let starts = |table: &[&str]| table.iter().any(|start| line.starts_with(start));
    if let Some(text) = line.strip_prefix("; ") {
        return Line::Source(text.trim());
    }
    if starts(ASIDES) {
        return Line::Aside;
    }
    if starts(PROGRESS) || is_frame(line) || is_state(line) {
        return Line::Progress;
    }
    match numbered(line) {
        Some((insn, rest)) if is_opcode(rest) => Line::Insn(insn),
        Some((_, rest)) if rest.trim().is_empty() || is_state(rest) || rest.trim() == "safe" => {
            Line::Progress
        }
        _ if line.trim().is_empty() => Line::Aside,
        _ => Line::Message(line.trim()),
    }
}

/// "12: rest" as a number and the rest.
fn numbered(line: &str) -> Option<(usize, &str)> {
    let (number, rest) = line.trim_start().split_once(':')?;
    Some((number.parse().ok()?, rest))
}

/// Whether something begins with an opcode in hexadecimal, as instructions do: " (b7) r0 = 0".
fn is_opcode(text: &str) -> bool {
    let inside = text
        .trim_start()
        .strip_prefix('(')
        .and_then(|t| t.split_once(')'));
    inside.is_some_and(|(code, _)| code.len() == 2 && u8::from_str_radix(code, 16).is_ok())
}

/// Whether something is about the frame of a function: "frame1: ". A message may be of the frame pointer.
fn is_frame(line: &str) -> bool {
    let number = line.strip_prefix("frame");
    number.is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether something is a list of registers and stack slots: " R1=ctx() R10=fp0 fp-8=mmmm".
fn is_state(text: &str) -> bool {
    let text = text.trim_start();
    let text = text
        .strip_prefix("frame")
        .and_then(|t| t.split_once(": "))
        .map_or(text, |(_, registers)| registers);
    let Some((name, _)) = text.split_once('=') else {
        return false;
    };
    let number = name
        .strip_prefix("fp-")
        .or_else(|| name.strip_prefix('R'))
        .unwrap_or_default();
    let digits = number.trim_start_matches(|c: char| c.is_ascii_digit());
    digits.len() < number.len() && (digits.is_empty() || digits.starts_with('_'))
}

/// Finds out of a log why the program was rejected.
pub(crate) fn read(log: &str) -> Findings {
    let mut findings = Findings::default();
    let mut source = None;
    let mut messages = Vec::new();
    let mut lines = log.lines();
    while let Some(line) = lines.next() {
        if line.starts_with(DIAGNOSIS) {
            let diagnosis = Diagnosis::read(lines);
            messages.extend(diagnosis.reason);
            findings.advice = diagnosis.suggestion;
            break;
        }
        match classify(line) {
            Line::Insn(insn) => {
                findings.insn = Some(insn);
                findings.source = source.map(SourceLine::read);
                messages.clear();
            }
            Line::Source(text) => {
                source = Some(text);
                messages.clear();
            }
            Line::Progress => messages.clear(),
            Line::Aside => {}
            Line::Message(text) => messages.push(text.to_owned()),
        }
    }
    findings.summary = messages.join("; ");
    if findings.insn.is_none() {
        findings.insn = named_insn(&findings.summary);
    }
    findings
}

/// The instruction that a message names itself, as those from before the walk through the
/// program do: "back-edge from insn 3 to 1", "unreachable insn 5".
fn named_insn(message: &str) -> Option<usize> {
    let (_, after) = message.split_once("insn ")?;
    let end = after
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(after.len());
    after[..end].parse().ok()
}

impl SourceLine {
    /// Reads "text @ file.c:12", or only "text" as older kernels write it.
    fn read(comment: &str) -> Self {
        let place = comment.rsplit_once(" @ ").and_then(|(text, place)| {
            let (file, line) = place.rsplit_once(':')?;
            Some(Self {
                file: Some(file.into()),
                line: Some(line.parse().ok()?),
                text: text.trim_end().into(),
            })
        });
        place.unwrap_or_else(|| Self {
            text: comment.into(),
            ..Self::default()
        })
    }
}

/// How the line begins from which on Linux 7.3 explains itself.
const DIAGNOSIS: &str = "Verification failed";

/// What Linux 7.3 says after its message, in sections: a title and a colon, then indented lines.
#[derive(Debug, Default)]
struct Diagnosis {
    reason: Option<String>,
    suggestion: Option<String>,
}

impl Diagnosis {
    fn read<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut diagnosis = Self::default();
        let mut title = "";
        for line in lines {
            let Some(text) = line.strip_prefix("  ") else {
                title = line;
                continue;
            };
            let section = match title {
                "Reason:" => &mut diagnosis.reason,
                "Suggestion:" => &mut diagnosis.suggestion,
                _ => continue,
            };
            match section {
                Some(so_far) => *so_far = format!("{so_far} {}", text.trim()),
                None => *section = Some(text.trim().into()),
            }
        }
        // The first sentence says it; those after it go into numbers.
        diagnosis.reason = diagnosis.reason.as_deref().map(first_sentence);
        diagnosis.suggestion = diagnosis.suggestion.as_deref().map(first_sentence);
        diagnosis
    }
}

/// A text up to its first full stop.
fn first_sentence(text: &str) -> String {
    let end = text.find(". ").unwrap_or(text.len());
    text[..end].trim_end_matches('.').into()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::PathBuf;

    use super::*;

    /// Logs of the programs in `fixtures/src/bpf/rejected.bpf.c`, one file for each kernel, and
    /// beside each what is to be read out of them. `BLESS=1` writes the latter.
    #[test]
    fn logs_of_real_kernels_are_understood() {
        let logs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/verifier_logs");
        for kernel in ["5.10", "6.1", "6.12", "6.18", "7.3"] {
            let text = std::fs::read_to_string(logs.join(format!("{kernel}.log"))).unwrap();
            let mut found = String::new();
            for entry in text.split("=== ").skip(1) {
                let (name, log) = entry.split_once('\n').unwrap();
                let Findings {
                    summary,
                    insn,
                    advice,
                    source,
                } = read(log);
                let source = source.map(|line| line.to_string());
                writeln!(
                    found,
                    "{name}\n  {summary}\n  {insn:?} {source:?}\n  {advice:?}"
                )
                .unwrap();
            }
            let golden = logs.join(format!("{kernel}.found"));
            if std::env::var_os("BLESS").is_some() {
                std::fs::write(&golden, &found).unwrap();
            }
            assert_eq!(found, std::fs::read_to_string(&golden).unwrap(), "{kernel}");
        }
    }

    #[test]
    fn instructions_named_by_messages_are_found() {
        for (log, insn) in [
            (
                "back-edge from insn 3 to 1\nprocessed 0 insns (limit 1000000)\n",
                Some(3),
            ),
            ("unreachable insn 5\n", Some(5)),
            ("jump out of range from insn 12 to 40", Some(12)),
            ("last insn is not an exit or jmp\n", None),
        ] {
            let findings = read(log);
            assert_eq!(findings.insn, insn);
            assert_eq!(Some(findings.summary.as_str()), log.lines().next());
        }
    }

    #[test]
    fn only_what_comes_last_is_a_reason() {
        let log = "reg type unsupported for arg#0\n\
                   caller:\n R10=fp0\n\
                   callee:\n frame1: R1=ctx() R10=fp0\n\
                   BTF is broken\n\
                   verification time 3 usec\n\
                   stack depth 0\n\
                   processed 1 insns (limit 1000000) max_states_per_insn 0\n";
        assert_eq!(read(log).summary, "BTF is broken");
    }

    #[test]
    fn empty_logs_say_nothing() {
        for log in [
            "",
            "\n",
            "processed 0 insns (limit 1000000) max_states_per_insn 0\n",
        ] {
            assert_eq!(read(log), Findings::default());
        }
    }

    #[test]
    fn lines_are_told_apart() {
        for (line, class) in [
            ("12: (85) call bpf_map_lookup_elem#1", Line::Insn(12)),
            ("; return 0; @ a.c:3", Line::Source("return 0; @ a.c:3")),
            ("3: R0=inv0 R10=fp0", Line::Progress),
            (
                " R0_w=map_value(id=0) R10=fp0 fp-8=mmmm????",
                Line::Progress,
            ),
            ("10: frame1: R1=ctx() R10=fp0", Line::Progress),
            ("from 5 to 8: R0=0", Line::Progress),
            ("8: safe", Line::Progress),
            (
                "R1 type=inv expected=fp",
                Line::Message("R1 type=inv expected=fp"),
            ),
            ("R0 !read_ok", Line::Message("R0 !read_ok")),
            ("frame1: regs=2 stack=0", Line::Progress),
            (
                "frame pointer is read only",
                Line::Message("frame pointer is read only"),
            ),
            ("stack depth 8", Line::Aside),
        ] {
            assert_eq!(classify(line), class, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(parts in proptest::collection::vec(part(), 0..64)) {
            read(&parts.concat());
        }
    }

    /// A piece of a log, whole or not.
    fn part() -> impl proptest::strategy::Strategy<Value = String> {
        let pieces = [
            "\n",
            "12: (85) ",
            ": ",
            "(",
            "; ",
            " @ ",
            ":3",
            "insn ",
            "99999999999999999999999",
            "Verification failed",
            "\nReason:\n",
            "\nSuggestion:\n",
            "  ",
            "R1",
            "=",
            "frame",
            "fp-",
            "processed 5",
            "\u{e9}",
            ".",
            "safe",
        ];
        proptest::strategy::Strategy::prop_map(
            proptest::sample::select(pieces.to_vec()),
            String::from,
        )
    }
}
