//! Asking the verifier of the running kernel.

use std::num::NonZeroUsize;

use oxbpf::Loader;

use super::result::{Figures, Program, SourceLine, State};
use crate::command::VerifyArgs;
use crate::input::Object;
use crate::pattern;
use crate::settle;

/// The entries of a map that leaves their number to the program that loads it.
const SOME_ENTRIES: u32 = 1;

/// The bytes of a ring that leaves their number to the program that loads it: a page, or several.
const SOME_BYTES: u32 = 1 << 16;

pub(super) fn check(
    object: &Object,
    threads: Option<NonZeroUsize>,
    args: &VerifyArgs,
) -> anyhow::Result<Vec<Program>> {
    let name = object.name();
    let mut spec = object.parse()?;
    for program in spec.programs_mut() {
        // Optional ones too: whether they would be accepted is the question.
        program.autoload = pattern::wanted(&args.programs, &name, &program.name);
    }
    settle::maps(&mut spec, SOME_ENTRIES, SOME_BYTES);
    let mut loader = Loader::new();
    if let Some(threads) = threads {
        loader = loader.threads(threads);
    }
    let programs: Vec<_> = spec
        .programs()
        .iter()
        .filter(|program| program.autoload)
        .map(|program| Program {
            object: name.clone(),
            program: program.name.clone(),
            section: program.section.clone(),
            kind: program.prog_type.map(|kind| kind.to_string()),
            ..Program::default()
        })
        .collect();
    let loaded = match loader.keep_going(spec) {
        Ok(loaded) => loaded,
        Err(error) => {
            let fail = |program: Program| Program {
                reason: Some(error.to_string()),
                errno: error.raw_os_error(),
                ..program
            };
            return Ok(programs.into_iter().map(fail).collect());
        }
    };
    let answer = |program: Program| {
        let Some(report) = loaded.report(&program.program) else {
            return Program {
                reason: Some("it was not loaded".to_owned()),
                ..program
            };
        };
        let stats = report.stats().unwrap_or_default();
        let micros = |time: std::time::Duration| time.as_micros().try_into().ok();
        Program {
            state: match report.error() {
                None => State::Accepted,
                Some(error) if error.verifier().is_some() || error.raw_os_error().is_some() => {
                    State::Refused
                }
                Some(_) => State::Failed,
            },
            errno: report.errno(),
            reason: report.summary(),
            // All other errors say it themselves.
            remedy: report
                .error()
                .filter(|error| error.verifier().is_some())
                .and_then(|error| error.remedy().map(str::to_owned)),
            source: report.source_line().map(|line| SourceLine {
                file: line.file.clone(),
                line: line.line,
                text: line.text.clone(),
            }),
            figures: Figures {
                size: report.insns.try_into().ok(),
                insns: stats.processed_insns,
                states: stats.total_states,
                peak_states: stats.peak_states,
                stack: stats.stack_depth,
                verification_us: stats.time.and_then(micros),
                load_us: micros(report.load_time).filter(|_| !report.load_time.is_zero()),
            },
            log: (args.log && !report.is_loaded()).then(|| report.log().to_owned()),
            ..program
        }
    };
    Ok(programs.into_iter().map(answer).collect())
}
