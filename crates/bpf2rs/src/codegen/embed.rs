//! The objects' bytes, by byte order and processor, and what stops a build for a machine that they
//! are not for.

use super::{
    Request,
    code::{Code, line},
};
use crate::target::{Arch, Target, Variant};

/// The condition under which there is an object.
pub(super) fn cfg(Variant { target, arch }: Variant) -> String {
    let endian = target.endian_name();
    match arch.map(Arch::name) {
        Some(arch) => format!("all(target_endian = {endian:?}, target_arch = {arch:?})"),
        None => format!("target_endian = {endian:?}"),
    }
}

/// The bytes of one object.
pub(super) fn object(code: &mut Code, request: &Request<'_>, variant: Variant) {
    if request.embed {
        let file = variant.file_name(request.stem, has_several(request.variants));
        line!(
            code,
            "const OBJECT: &[u8] = ::core::include_bytes!({file:?});"
        );
    }
}

/// The bytes of the object for this machine, whichever it is.
pub(super) fn objects(code: &mut Code, request: &Request<'_>) {
    if !request.embed {
        return;
    }
    for variant in request.variants {
        line!(code, "#[cfg({})]", cfg(*variant));
        object(code, request, *variant);
    }
    // So that a build that a guard stops says nothing else.
    if let Some(missing) = missing(request) {
        line!(code, "#[cfg({missing})]");
        line!(code, "const OBJECT: &[u8] = &[];");
    }
}

/// Whether there are objects for several processors.
pub(crate) fn has_several(variants: &[Variant]) -> bool {
    let mut arches: Vec<_> = variants.iter().filter_map(|variant| variant.arch).collect();
    arches.dedup();
    arches.len() > 1
}

/// The condition under which there is no object.
fn missing(request: &Request<'_>) -> Option<String> {
    let has_all = Target::ALL.iter().all(|target| {
        let any = Variant {
            target: *target,
            arch: None,
        };
        request.variants.contains(&any)
    });
    if has_all {
        return None;
    }
    let there: Vec<_> = request.variants.iter().map(|one| cfg(*one)).collect();
    Some(match &there[..] {
        [one] => format!("not({one})"),
        several => format!("not(any({}))", several.join(", ")),
    })
}

/// A compile error for machines that there is no object for.
pub(super) fn guard(code: &mut Code, request: &Request<'_>) {
    if let Some((missing, message)) = missing(request).zip(message(request)) {
        code.gap();
        line!(code, "#[cfg({missing})]");
        line!(code, "::core::compile_error!({message:?});");
    }
}

/// What such a machine's owner is told.
fn message(request: &Request<'_>) -> Option<String> {
    let source = request.source();
    let mut arches: Vec<_> = request.variants.iter().filter_map(|v| v.arch).collect();
    arches.dedup();
    Some(if arches.is_empty() {
        let target = Target::ALL
            .into_iter()
            .find(|target| request.variants.iter().all(|v| v.target != *target))?;
        format!("bpf2rs compiled {source} for the other byte order only: add `--target {target}`")
    } else {
        let names: Vec<_> = arches.iter().map(ToString::to_string).collect();
        format!(
            "bpf2rs compiled {source} for {} only, whose registers it reads",
            names.join(", ")
        )
    })
}
