//! The types that a load asks for, each opened once and only when needed.

use std::sync::OnceLock;

use oxbpf_object::btf::{Btf, Kind, Type};
use oxbpf_object::core_reloc::{TargetError, Targets};

use crate::btf::{self, KernelBtf, ModuleBtf};
use crate::error::Result;

/// The types of the running kernel and of its modules, and those that the caller gave for CO-RE.
#[derive(Debug)]
pub(super) struct Kernel<'l> {
    given: Option<&'l KernelBtf>,
    running: OnceLock<KernelBtf>,
    modules: OnceLock<Vec<ModuleBtf>>,
}

impl<'l> Kernel<'l> {
    pub(super) fn new(given: Option<&'l KernelBtf>) -> Self {
        Self {
            given,
            running: OnceLock::new(),
            modules: OnceLock::new(),
        }
    }

    /// The running kernel's own types, whatever programs are relocated against: what has an id or an
    /// address in this kernel is looked up here.
    pub(super) fn running(&self) -> Result<&KernelBtf> {
        if let Some(running) = self.running.get() {
            return Ok(running);
        }
        let opened = KernelBtf::running()?;
        Ok(self.running.get_or_init(|| opened))
    }

    /// Those of its modules.
    pub(super) fn modules(&self) -> Result<&[ModuleBtf]> {
        let running = self.running()?;
        Ok(self
            .modules
            .get_or_init(|| btf::modules(running, None).collect()))
    }

    /// Those of the module at a position; `None` of the kernel itself.
    pub(super) fn module(&self, position: Option<usize>) -> Result<Option<&ModuleBtf>> {
        match position {
            Some(position) => Ok(self.modules()?.get(position)),
            None => Ok(None),
        }
    }

    /// The type of this kind and name in the running kernel or, if it has none, in the first module that has,
    /// with the module's position.
    pub(super) fn find(&self, name: &str, kind: Kind) -> Result<Option<(Type<'_>, Option<usize>)>> {
        let types = self.running()?.types();
        if let Some(id) = types.find(name, kind) {
            return Ok(types.get(id).ok().map(|ty| (ty, None)));
        }
        let found = self
            .modules()?
            .iter()
            .enumerate()
            .find_map(|(position, module)| {
                // The base has been searched already.
                let mut own = module.btf.types().map(|(_, ty)| ty);
                let ty = own.find(|ty| ty.kind() == kind && ty.is_named(name))?;
                Some((ty, Some(position)))
            });
        Ok(found)
    }
}

/// CO-RE's targets: the types that the caller gave, else the running kernel's and its modules'.
impl Targets for Kernel<'_> {
    fn kernel(&self) -> Result<Btf, TargetError> {
        match self.given {
            Some(given) => Ok(given.types().clone()),
            None => Ok(self.running()?.types().clone()),
        }
    }

    fn modules(&self) -> Result<Vec<Btf>, TargetError> {
        // Another kernel's types do not go with this one's modules.
        if self.given.is_some() {
            return Ok(Vec::new());
        }
        let modules = Kernel::modules(self)?.iter();
        Ok(modules.map(|module| module.btf.clone()).collect())
    }
}
