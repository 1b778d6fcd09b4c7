//! Putting a refusal into words that comes from something that is not there.

use oxbpf_object::spec::RelocTarget;

use super::externs::Resolved;
use super::plan::Planned;
use super::programs::Context;
use crate::error::Error;
use crate::program::VerifierError;

/// What to do about what CO-RE did not find.
const ASK: &str = "ask before using it: bpf_core_field_exists, bpf_core_type_exists or bpf_core_enum_value_exists";

/// Where the verifier stopped at an instruction that asks for what is not there, says that
/// instead of speaking of an unknown function.
pub(super) fn explain(error: Error, context: Context<'_>, planned: &Planned) -> Error {
    let insn = error.verifier().and_then(VerifierError::insn);
    let missing = insn.and_then(|insn| {
        let mut missing = planned.missing.iter();
        missing
            .find(|missing| missing.insn == insn)
            .map(|missing| (missing.to_string(), Some(ASK)))
            .or_else(|| missing_reference(context, planned, insn))
    });
    let types = || {
        let refused = context.refused_types.filter(|_| error.errno().is_some())?;
        Some((without_types(refused), None))
    };
    // What is advised on the verifier's words is about another cause.
    match missing.or_else(types) {
        Some((reason, Some(remedy))) => error.with_reason(reason).with_remedy(remedy),
        Some((reason, None)) => error.with_reason(reason).without_remedy(),
        None => error,
    }
}

/// The reason where the kernel had refused the types of the object.
pub(super) fn without_types(refused: &Error) -> String {
    format!("it had to go without its types: {refused}")
}

/// What an instruction refers to, if it is not there.
fn missing_reference(
    context: Context<'_>,
    planned: &Planned,
    insn: usize,
) -> Option<(String, Option<&'static str>)> {
    let mut relocs = planned.assembled.relocs.iter();
    let reloc = relocs.find(|reloc| reloc.insn == insn)?;
    match reloc.target {
        RelocTarget::Map(map) | RelocTarget::MapValue { map, .. } => {
            let created = context.maps.get(map)?.is_some();
            let name = &context.spec.maps().get(map)?.name;
            let reason = || format!("it uses map `{name}`, which was not created");
            (!created).then(|| (reason(), None))
        }
        RelocTarget::Extern(position) => {
            let name = &context.spec.externs().get(position)?.name;
            match context.externs.get(context.spec, position) {
                Ok(Resolved::Missing) => Some((
                    format!("kernel function `{name}` does not exist on this kernel"),
                    Some("call it only where bpf_ksym_exists says that it is there"),
                )),
                _ => None,
            }
        }
        _ => None,
    }
}
