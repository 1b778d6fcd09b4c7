//! Externs: what programs refer to and only the kernel has.
//!
//! Only those are looked for that a program to be loaded uses. One that cannot be had is a matter of the programs that
//! use it.

use std::collections::{BTreeSet, HashMap};

use oxbpf_object::spec::{CollectionSpec, DataKind, ExternKind, ExternSpec, Reloc, RelocTarget};

use super::kernel::Kernel;
use super::plan::Planned;
use super::{kconfig, ksyms};
use crate::error::{Error, ErrorKind};

/// What an extern was found to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Resolved {
    /// A symbol at this address.
    Address(u64),
    /// A variable or function of the kernel, or of the module at a position in the load's list.
    Typed { btf_id: u32, module: Option<usize> },
    /// A variable of `.kconfig`: its value is in the map.
    Kconfig,
    /// A weak one that this kernel has not.
    Missing,
}

/// Why an extern cannot be had.
#[derive(Clone, Debug)]
pub(super) struct Unresolved {
    kind: ErrorKind,
    reason: String,
    remedy: Option<String>,
}

impl Unresolved {
    pub(super) fn new(kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            remedy: None,
        }
    }

    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    fn error(&self, symbol: &str) -> Error {
        let error =
            Error::new(self.kind, format!("resolving extern `{symbol}`")).with_reason(&self.reason);
        match &self.remedy {
            Some(remedy) => error.with_remedy(remedy),
            None => error,
        }
    }
}

impl From<Error> for Unresolved {
    fn from(error: Error) -> Self {
        Self::new(error.kind(), format!("{error}"))
    }
}

/// The externs that programs use, by position in the spec.
#[derive(Debug, Default)]
pub(super) struct Externs {
    found: HashMap<usize, Result<Resolved, Unresolved>>,
    /// The modules that kernel functions are called in, by position in the load's list. In instructions they go by their
    /// place in here, counted from 1.
    modules: Vec<usize>,
}

impl Externs {
    /// Finds what the planned programs use. Values of `.kconfig` are put into its map, all of them if it is among the
    /// sections that are `kept`.
    pub(super) fn resolve(
        kernel: &Kernel<'_>,
        kconfig_text: Option<&str>,
        spec: &mut CollectionSpec,
        plan: &[Planned],
        kept: &[&str],
    ) -> Self {
        let used = used(spec, plan, kept);
        let mut externs = Self::default();
        if used.is_empty() {
            return externs;
        }
        externs.fill_kconfig(kconfig_text, spec, &used);
        let symbols = used.iter().filter_map(|&position| {
            let symbol = spec.externs().get(position)?;
            Some((position, symbol))
        });
        ksyms::resolve(kernel, spec.btf.as_ref(), symbols, &mut externs);
        externs
    }

    fn fill_kconfig(
        &mut self,
        text: Option<&str>,
        spec: &mut CollectionSpec,
        used: &BTreeSet<usize>,
    ) {
        for &position in used {
            let symbol = spec.externs().get(position);
            let symbol = symbol.filter(|s| matches!(s.kind, ExternKind::Kconfig { .. }));
            if let Some(value) = symbol.and_then(|symbol| symbol.value.clone()) {
                write_value(spec, position, &value);
                self.found.insert(position, Ok(Resolved::Kconfig));
            }
        }
        let (positions, wanted): (Vec<usize>, Vec<&ExternSpec>) = used
            .iter()
            .filter_map(|&position| Some((position, spec.externs().get(position)?)))
            .filter(|(_, symbol)| matches!(symbol.kind, ExternKind::Kconfig { .. }))
            .filter(|(_, symbol)| symbol.value.is_none())
            .unzip();
        let (false, Some(btf)) = (wanted.is_empty(), &spec.btf) else {
            return;
        };
        let values = kconfig::values(&wanted, btf, text);
        for (position, value) in positions.into_iter().zip(values) {
            let filled = value.map(|value| {
                if let Some(value) = value {
                    write_value(spec, position, &value);
                }
                Resolved::Kconfig
            });
            self.found.insert(position, filled);
        }
    }

    pub(super) fn settle(&mut self, position: usize, found: Result<Resolved, Unresolved>) {
        self.found.insert(position, found);
    }

    /// What an extern was found to be; an error if it cannot be had.
    pub(super) fn get(&self, spec: &CollectionSpec, position: usize) -> Result<Resolved, Error> {
        let name = spec
            .externs()
            .get(position)
            .map_or("?", |symbol| &symbol.name);
        match self.found.get(&position) {
            Some(Ok(resolved)) => Ok(*resolved),
            Some(Err(unresolved)) => Err(unresolved.error(name)),
            None => Err(
                Unresolved::new(ErrorKind::InvalidObject, "there is no such extern").error(name),
            ),
        }
    }

    /// Makes sure that all externs of a program were found.
    pub(super) fn check(&self, spec: &CollectionSpec, planned: &Planned) -> Result<(), Error> {
        for reloc in &planned.assembled.relocs {
            if let Some(position) = extern_of(spec, reloc) {
                self.get(spec, position)?;
            }
        }
        Ok(())
    }

    /// The number that calls of kernel functions name a module by.
    pub(super) fn number_module(&mut self, module: usize) -> usize {
        match self.modules.iter().position(|known| *known == module) {
            Some(place) => place + 1,
            None => {
                self.modules.push(module);
                self.modules.len()
            }
        }
    }

    /// The modules that those numbers stand for, from 1 on.
    pub(super) fn modules(&self) -> &[usize] {
        &self.modules
    }

    /// The number of a module that has one.
    pub(super) fn module_number(&self, module: usize) -> Option<usize> {
        self.modules
            .iter()
            .position(|known| *known == module)
            .map(|place| place + 1)
    }
}

/// The externs that some planned program uses, or somebody who keeps their section.
fn used(spec: &CollectionSpec, plan: &[Planned], kept: &[&str]) -> BTreeSet<usize> {
    if spec.externs().is_empty() {
        return BTreeSet::new();
    }
    let by_programs = plan
        .iter()
        .flat_map(|planned| &planned.assembled.relocs)
        .filter_map(|reloc| extern_of(spec, reloc));
    let externs = spec.externs().iter().enumerate();
    let by_keepers = externs.filter_map(|(position, symbol)| match symbol.kind {
        ExternKind::Kconfig { map, .. } => {
            let map = spec.maps().get(map)?;
            kept.contains(&map.name.as_str()).then_some(position)
        }
        _ => None,
    });
    by_programs.chain(by_keepers).collect()
}

/// The extern that an instruction refers to, be it a variable of `.kconfig`.
pub(super) fn extern_of(spec: &CollectionSpec, reloc: &Reloc) -> Option<usize> {
    match reloc.target {
        RelocTarget::Extern(position) => Some(position),
        RelocTarget::MapValue { map, offset } if is_kconfig(spec, map) => {
            spec.externs().iter().position(|symbol| match symbol.kind {
                ExternKind::Kconfig { offset: start, .. } => offset
                    .checked_sub(start)
                    .is_some_and(|inside| inside < symbol.size),
                _ => false,
            })
        }
        _ => None,
    }
}

fn is_kconfig(spec: &CollectionSpec, map: usize) -> bool {
    let data = spec.maps().get(map).and_then(|map| map.data.as_ref());
    data.is_some_and(|data| data.kind == DataKind::Kconfig)
}

fn write_value(spec: &mut CollectionSpec, position: usize, value: &[u8]) {
    let Some(&ExternSpec {
        kind: ExternKind::Kconfig { map, offset },
        ..
    }) = spec.externs().get(position)
    else {
        return;
    };
    let contents = spec
        .maps_mut()
        .get_mut(map)
        .and_then(|map| map.data.as_mut());
    let place = contents
        .and_then(|data| data.contents.get_mut(offset as usize..))
        .and_then(|rest| rest.get_mut(..value.len()));
    if let Some(place) = place {
        place.copy_from_slice(value);
    }
}
