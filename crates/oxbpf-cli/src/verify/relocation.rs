//! Asking the types of another kernel.

use oxbpf_object::btf::Btf;

use super::result::{Figures, Program, State};
use crate::command::VerifyArgs;
use crate::input::Object;
use crate::pattern;

pub(super) fn check(
    object: &Object,
    kernel: &Btf,
    args: &VerifyArgs,
) -> anyhow::Result<Vec<Program>> {
    let name = object.name();
    let spec = object.parse()?;
    let checks = spec.check_relocations(kernel);
    let programs = spec.programs().iter().zip(checks);
    Ok(programs
        .filter(|(program, _)| pattern::wanted(&args.programs, &name, &program.name))
        .map(|(program, check)| {
            let texts = |missing: &[oxbpf_object::core_reloc::Missing]| {
                let mut texts: Vec<_> = missing.iter().map(ToString::to_string).collect();
                texts.sort();
                texts.dedup();
                texts
            };
            let missing = texts(&check.missing);
            Program {
                object: name.clone(),
                program: program.name.clone(),
                section: program.section.clone(),
                kind: program.prog_type.map(|kind| kind.to_string()),
                state: match (&check.error, missing.is_empty()) {
                    (Some(_), _) => State::Failed,
                    (None, false) => State::Lacks,
                    (None, true) => State::Fits,
                },
                reason: check.error.or_else(|| missing.first().cloned()),
                guarded: texts(&check.guarded),
                missing,
                figures: Figures {
                    size: spec
                        .assemble(check.program)
                        .ok()
                        .map(|a| a.insns.len() as u64),
                    ..Figures::default()
                },
                ..Program::default()
            }
        })
        .collect())
}
