//! Putting a refusal into words that comes from something that is not there.

use oxbpf_object::spec::RelocTarget;

use super::externs::Resolved;
use super::plan::Planned;
use super::programs::Context;
use crate::error::Error;
use crate::program::VerifierError;

/// Where the verifier stopped at an instruction that asks for what is not there, says that
/// instead of speaking of an unknown function.
pub(super) fn explain(error: Error, context: Context<'_>, planned: &Planned) -> Error {
    let insn = error.verifier().and_then(VerifierError::insn);
    let missing = insn.and_then(|insn| {
        let mut missing = planned.missing.iter();
        missing
            .find(|missing| missing.insn == insn)
            .map(ToString::to_string)
            .or_else(|| missing_reference(context, planned, insn))
    });
    let types = || {
        let refused = context.refused_types.filter(|_| error.errno().is_some())?;
        Some(format!("it had to go without its types: {refused}"))
    };
    match missing.or_else(types) {
        Some(reason) => error.with_reason(reason),
        None => error,
    }
}

/// What an instruction refers to, if it is not there.
fn missing_reference(context: Context<'_>, planned: &Planned, insn: usize) -> Option<String> {
    let mut relocs = planned.assembled.relocs.iter();
    let reloc = relocs.find(|reloc| reloc.insn == insn)?;
    match reloc.target {
        RelocTarget::Map(map) | RelocTarget::MapValue { map, .. } => {
            let created = context.maps.get(map)?.is_some();
            let name = &context.spec.maps().get(map)?.name;
            (!created).then(|| format!("it uses map `{name}`, which was not created"))
        }
        RelocTarget::Extern(position) => {
            let name = &context.spec.externs().get(position)?.name;
            match context.externs.get(context.spec, position) {
                Ok(Resolved::Missing) => Some(format!(
                    "kernel function `{name}` does not exist on this kernel"
                )),
                _ => None,
            }
        }
        _ => None,
    }
}
