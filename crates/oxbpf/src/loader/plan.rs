//! Laying programs out and fitting them to the kernel's types: the part of a load that needs no
//! descriptor but may fail.

use std::collections::HashSet;

use oxbpf_object::core_reloc::{CoreReloc, ErrorKind as CoreErrorKind, Missing};
use oxbpf_object::spec::{Assembled, CollectionSpec, DataKind, RelocTarget};

use super::externs::Externs;
use super::kernel::Kernel;
use super::struct_ops::StructOpsPlan;
use crate::error::{Error, ErrorKind};

/// A program laid out and relocated, waiting for its maps.
#[derive(Debug)]
pub(super) struct Planned {
    /// Position in the spec.
    pub(super) index: usize,
    pub(super) assembled: Assembled,
    /// What its instructions ask for that this kernel has not. The verifier refuses them, but
    /// only where they can be reached.
    pub(super) missing: Vec<Missing>,
    /// Why it cannot be loaded, if that is known already.
    pub(super) failure: Option<Error>,
}

impl Planned {
    fn fail(&mut self, spec: &CollectionSpec, error: Error) {
        let name = spec.programs().get(self.index).map_or("?", |p| &p.name);
        self.failure
            .get_or_insert_with(|| error.context(format!("relocating program `{name}`")));
    }
}

/// Plans all programs that are to be loaded, in the order of the object.
pub(super) fn plan(
    kernel: &Kernel<'_>,
    spec: &CollectionSpec,
    struct_ops: &StructOpsPlan,
) -> Vec<Planned> {
    let mut plan = Vec::new();
    for (index, program) in spec.programs().iter().enumerate() {
        if program.autoload {
            let (assembled, failure) = match spec.assemble(index) {
                Ok(assembled) => (assembled, struct_ops.failure(index)),
                Err(e) => {
                    let error = Error::new(ErrorKind::InvalidObject, "laying out its programs");
                    (Assembled::default(), Some(error.with_source(e)))
                }
            };
            plan.push(Planned {
                index,
                assembled,
                missing: Vec::new(),
                failure,
            });
        }
    }
    if plan
        .iter()
        .any(|planned| !planned.assembled.core_relos.is_empty())
    {
        relocate(kernel, spec, &mut plan);
    }
    plan
}

fn relocate(kernel: &Kernel<'_>, spec: &CollectionSpec, plan: &mut [Planned]) {
    let Some(local) = &spec.btf else {
        for planned in plan {
            if !planned.assembled.core_relos.is_empty() {
                let error = Error::new(ErrorKind::InvalidObject, "looking at its types");
                planned.fail(spec, error.with_reason("it has relocations, but no types"));
            }
        }
        return;
    };
    let mut core = CoreReloc::new(local, kernel);
    core.announce(
        plan.iter()
            .flat_map(|p| &p.assembled.core_relos)
            .map(|relo| relo.record),
    );
    for planned in plan {
        let Assembled {
            insns, core_relos, ..
        } = &mut planned.assembled;
        match core.relocate(insns, core_relos) {
            Ok(missing) => planned.missing = missing,
            Err(e) => {
                let doing = "fitting it to the kernel's types";
                let error = match e.kind() {
                    CoreErrorKind::NoTargets(why) => no_types(why.downcast_ref(), doing),
                    _ => Error::new(ErrorKind::Relocation, doing).with_source(e),
                };
                planned.fail(spec, error);
            }
        }
    }
}

/// What the lack of the kernel's types means to a program.
fn no_types(why: Option<&Error>, doing: &str) -> Error {
    let Some(why) = why else {
        return Error::new(ErrorKind::Unsupported, doing);
    };
    let error = Error::new(why.kind(), doing).with_reason(why.to_string());
    match why.errno() {
        Some(errno) => error.with_errno(errno),
        None => error,
    }
}

/// Notes which of the planned programs use an extern that cannot be had.
pub(super) fn check_externs(spec: &CollectionSpec, externs: &Externs, plan: &mut [Planned]) {
    for planned in plan {
        if let Err(error) = externs.check(spec, planned) {
            planned.fail(spec, error);
        }
    }
}

/// Switches off the maps of global variables that programs use, but none of those to be loaded. Sections in `kept` stay.
pub(super) fn switch_off_unused(spec: &mut CollectionSpec, plan: &[Planned], kept: &[&str]) {
    if plan.len() == spec.programs().len() {
        return;
    }
    let mut used_by_any = HashSet::new();
    for reloc in spec
        .functions()
        .iter()
        .flat_map(|function| &function.relocs)
    {
        if let RelocTarget::MapValue { map, .. } = reloc.target {
            used_by_any.insert(map);
        }
    }
    let mut used = HashSet::new();
    for reloc in plan.iter().flat_map(|planned| &planned.assembled.relocs) {
        if let RelocTarget::MapValue { map, .. } = reloc.target {
            used.insert(map);
        }
    }
    for (position, map) in spec.maps_mut().iter_mut().enumerate() {
        let is_variables = map.data.as_ref().is_some_and(|data| {
            matches!(
                data.kind,
                DataKind::Data | DataKind::Rodata | DataKind::Bss | DataKind::Kconfig
            )
        });
        if is_variables
            && used_by_any.contains(&position)
            && !used.contains(&position)
            && !kept.contains(&map.name.as_str())
        {
            map.autocreate = false;
        }
    }
}
