//! Laying programs out and fitting them to the kernel's types: the part of a load that needs no
//! descriptor but may fail.

use oxbpf_object::btf::Btf;
use oxbpf_object::core_reloc::{
    CoreReloc, ErrorKind as CoreErrorKind, Missing, TargetError, Targets,
};
use oxbpf_object::spec::{Assembled, CollectionSpec};

use super::Loader;
use crate::btf::{self, KernelBtf};
use crate::error::{Error, ErrorKind, Result};

/// A program laid out and relocated, waiting for its maps.
#[derive(Debug)]
pub(super) struct Planned {
    /// Position in the spec.
    pub(super) index: usize,
    pub(super) assembled: Assembled,
    /// What its instructions ask for that this kernel has not. The verifier refuses them, but
    /// only where they can be reached.
    pub(super) missing: Vec<Missing>,
}

/// Plans all programs that are to be loaded, in the order of the object.
pub(super) fn plan(loader: &Loader, spec: &CollectionSpec) -> Result<Vec<Planned>> {
    let mut plan = Vec::new();
    for (index, program) in spec.programs().iter().enumerate() {
        if program.autoload {
            let assembled = spec.assemble(index).map_err(|e| {
                Error::new(ErrorKind::InvalidObject, "laying out its programs").with_source(e)
            })?;
            plan.push(Planned {
                index,
                assembled,
                missing: Vec::new(),
            });
        }
    }
    if plan
        .iter()
        .any(|planned| !planned.assembled.core_relos.is_empty())
    {
        relocate(loader, spec, &mut plan)?;
    }
    Ok(plan)
}

fn relocate(loader: &Loader, spec: &CollectionSpec, plan: &mut [Planned]) -> Result<()> {
    let Some(local) = &spec.btf else {
        return Err(
            Error::new(ErrorKind::InvalidObject, "relocating its programs")
                .with_reason("it has relocations, but no types"),
        );
    };
    let kernel = Kernel(loader.kernel_btf.as_ref());
    let mut core = CoreReloc::new(local, &kernel);
    core.announce(
        plan.iter()
            .flat_map(|p| &p.assembled.core_relos)
            .map(|relo| relo.record),
    );
    for planned in plan {
        let Assembled {
            insns, core_relos, ..
        } = &mut planned.assembled;
        planned.missing = core.relocate(insns, core_relos).map_err(|e| {
            let name = spec.programs().get(planned.index).map_or("?", |p| &p.name);
            let kind = match e.kind() {
                CoreErrorKind::NoTargets(_) => ErrorKind::Unsupported,
                _ => ErrorKind::Relocation,
            };
            Error::new(kind, format!("relocating program `{name}`")).with_source(e)
        })?;
    }
    Ok(())
}

/// Where CO-RE finds the kernel's types: those the caller gave, else the running kernel's and,
/// for what it has not, its modules'.
#[derive(Debug)]
struct Kernel<'a>(Option<&'a KernelBtf>);

impl Targets for Kernel<'_> {
    fn kernel(&self) -> Result<Btf, TargetError> {
        match self.0 {
            Some(given) => Ok(given.types().clone()),
            None => Ok(KernelBtf::running()?.types().clone()),
        }
    }

    fn modules(&self) -> Result<Vec<Btf>, TargetError> {
        // Another kernel's types do not go with this one's modules.
        if self.0.is_some() {
            return Ok(Vec::new());
        }
        let kernel = KernelBtf::running()?;
        Ok(btf::modules(&kernel, None)
            .map(|module| module.btf)
            .collect())
    }
}
