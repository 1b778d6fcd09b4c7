//! Whether the programs of an object find on a kernel what they need, without loading them.

use std::collections::HashSet;

use super::kind::CoreRelocKind;
use super::name::essential_name;
use super::relocator::CoreReloc;
use super::{Missing, Targets};
use crate::spec::{CollectionSpec, CoreRelo};

/// What a program finds on a kernel.
#[derive(Debug)]
#[non_exhaustive]
pub struct Check {
    /// The position of the program in the object.
    pub program: usize,
    /// How many relocations it has.
    pub relocations: usize,
    /// What the kernel has not, and the program does not ask for before it uses it: the verifier will refuse it.
    pub missing: Vec<Missing>,
    /// What the kernel has not of types that the program asks about first (`bpf_core_field_exists` and the like).
    pub guarded: Vec<Missing>,
    /// Why it cannot be relocated at all, in words.
    pub error: Option<String>,
}

impl Check {
    /// Whether nothing stands in the way of it.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.missing.is_empty() && self.error.is_none()
    }
}

impl CollectionSpec {
    /// Relocates every program against some kernel's types and tells what it does not find there. Nothing is changed.
    ///
    /// ```
    /// use oxbpf_object::CollectionSpec;
    /// use oxbpf_object::btf::Btf;
    ///
    /// fn runs_there(object: &CollectionSpec, kernel: &Btf) -> bool {
    ///     object.check_relocations(kernel).iter().all(|check| check.is_fine())
    /// }
    /// ```
    #[must_use]
    pub fn check_relocations(&self, kernel: &dyn Targets) -> Vec<Check> {
        let mut core = self.btf.as_ref().map(|btf| {
            let mut core = CoreReloc::new(btf, kernel);
            let functions = self.functions.iter();
            core.announce(
                functions
                    .flat_map(|f| &f.core_relos)
                    .map(|relo| relo.record),
            );
            core
        });
        (0..self.programs.len())
            .map(|program| self.check_program(program, core.as_mut()))
            .collect()
    }

    fn check_program(&self, program: usize, core: Option<&mut CoreReloc<'_>>) -> Check {
        let mut check = Check {
            program,
            relocations: 0,
            missing: Vec::new(),
            guarded: Vec::new(),
            error: None,
        };
        let mut assembled = match self.assemble(program) {
            Ok(assembled) => assembled,
            Err(error) => {
                check.error = Some(error.to_string());
                return check;
            }
        };
        check.relocations = assembled.core_relos.len();
        let Some(core) = core else {
            return check;
        };
        match core.relocate(&mut assembled.insns, &assembled.core_relos) {
            Err(error) => check.error = Some(error.to_string()),
            Ok(missing) => {
                let asked = self.asked_about(&assembled.core_relos);
                let name = |missing: &Missing| essential_name(&missing.type_name).to_owned();
                (check.guarded, check.missing) = missing
                    .into_iter()
                    .partition(|missing| asked.contains(&name(missing)));
            }
        }
        check
    }

    /// The types that a program asks whether they, or fields of theirs, exist, as error messages call them.
    fn asked_about(&self, relos: &[CoreRelo]) -> HashSet<String> {
        let asks = |relo: &&CoreRelo| {
            matches!(
                CoreRelocKind(relo.record.kind),
                CoreRelocKind::FIELD_EXISTS
                    | CoreRelocKind::TYPE_EXISTS
                    | CoreRelocKind::TYPE_MATCHES
                    | CoreRelocKind::TYPE_SIZE
                    | CoreRelocKind::ENUMVAL_EXISTS
            )
        };
        let name = |relo: &CoreRelo| {
            let btf = self.btf.as_ref()?;
            let name = btf.type_name(relo.record.type_id);
            Some(essential_name(&name).to_owned())
        };
        relos.iter().filter(asks).filter_map(name).collect()
    }
}
