//! Maps that one program alone may use: they are made for its hash, which has to be known before them.

use std::collections::HashMap;

use oxbpf_object::asm;
use oxbpf_object::spec::CollectionSpec;

use super::Loader;
use super::descriptors::{self, MapName, References};
use super::externs::Externs;
use super::kernel::Kernel;
use super::plan::Planned;
use crate::error::{Error, ErrorKind, Result};

/// The hashes of the programs that maps are for, by position in the spec.
pub(super) type Digests = HashMap<usize, [u8; 32]>;

/// Computes the hashes of all programs that some map to be created is for.
pub(super) fn digests(
    loader: &Loader,
    kernel: &Kernel<'_>,
    spec: &CollectionSpec,
    externs: &Externs,
    plan: &[Planned],
) -> Result<Digests> {
    let mut digests = Digests::new();
    for map in spec.maps().iter().filter(|map| map.autocreate) {
        let Some(position) = map.exclusive_to else {
            continue;
        };
        if digests.contains_key(&position) {
            continue;
        }
        let planned = plan.iter().find(|planned| planned.index == position);
        let planned = planned.ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidInput,
                format!("creating map `{}` for one program", map.name),
            )
            .with_reason(match spec.programs().get(position) {
                Some(program) => format!("program `{}` is not to be loaded", program.name),
                None => format!("there is no program {position}"),
            })
            .with_remedy("see to its `exclusive_to`")
        })?;
        digests.insert(position, digest(loader, kernel, spec, externs, planned)?);
    }
    Ok(digests)
}

fn digest(
    loader: &Loader,
    kernel: &Kernel<'_>,
    spec: &CollectionSpec,
    externs: &Externs,
    planned: &Planned,
) -> Result<[u8; 32]> {
    let signed = spec
        .programs()
        .get(planned.index)
        .is_some_and(|program| loader.signatures.contains_key(&program.name));
    let used = planned.assembled.maps();
    // Of maps that do not exist yet, the descriptors do not count.
    let map = |position: usize| {
        spec.maps().get(position).filter(|map| map.autocreate)?;
        let name = match signed {
            true => MapName::among(&used, position)?,
            false => MapName::Descriptor(i32::try_from(position).ok()?),
        };
        Some((name, 0))
    };
    let references = References {
        kernel,
        spec,
        externs,
        map: &map,
        jump_tables: &[],
        before_modules: if signed { used.len() } else { 0 },
    };
    let mut insns = planned.assembled.insns.clone();
    for reloc in &planned.assembled.relocs {
        descriptors::fill_in(&references, &mut insns, reloc.insn, reloc.target)?;
    }
    Ok(asm::digest(&insns))
}
