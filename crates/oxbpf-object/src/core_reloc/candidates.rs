//! Which types of the kernel a name may mean.

use std::collections::HashMap;
use std::sync::Arc;

use super::Targets;
use super::compat::same_kind;
use super::error::ErrorKind;
use super::kind::CoreRelocKind;
use super::name;
use crate::btf::{self, Btf, Kind, TypeId};

/// A type of the kernel that has the name looked for, flavours aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Position among the opened BTFs.
    pub(super) btf: usize,
    pub(super) id: TypeId,
}

/// A name without its flavour, and the kind of what bears it.
type Name = (Kind, Box<[u8]>);

/// How far the search for a name has come.
#[derive(Debug, Clone)]
enum Found {
    Unsearched,
    /// Not there, and modules have not been asked.
    NotInKernel,
    Known(Arc<[Candidate]>),
}

/// Names and where they were found.
///
/// A name costs a pass over the kernel's types. So all names that will be asked for are announced
/// first, and the first question looks for all of them in one pass. No index is made.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// The kernel's own types first.
    btfs: Vec<Btf>,
    modules_opened: bool,
    names: HashMap<Name, Found>,
}

fn key(kind: Kind, name: &[u8]) -> Name {
    // Both kinds of enumeration count as one.
    let kind = match kind {
        Kind::ENUM64 => Kind::ENUM,
        kind => kind,
    };
    (kind, name::essential(name).into())
}

impl Candidates {
    /// Tells which relocations of an object with these types will come.
    pub(super) fn announce(&mut self, local: &Btf, relos: impl IntoIterator<Item = btf::CoreRelo>) {
        for relo in relos {
            if CoreRelocKind(relo.kind) == CoreRelocKind::TYPE_ID_LOCAL {
                continue;
            }
            // What cannot be read is an error once it is relocated.
            let Ok(ty) = local.get(relo.type_id) else {
                continue;
            };
            match ty.name_bytes() {
                Ok([]) | Err(_) => {}
                Ok(name) => self.look_for(ty.kind(), name),
            }
        }
    }

    fn look_for(&mut self, kind: Kind, name: &[u8]) {
        let name = self.names.entry(key(kind, name));
        name.or_insert(Found::Unsearched);
    }

    pub(super) fn btf(&self, candidate: Candidate) -> Option<&Btf> {
        self.btfs.get(candidate.btf)
    }

    /// Every type that a relocation of an object with these types may mean.
    pub(super) fn of(
        &mut self,
        local: &Btf,
        relo: btf::CoreRelo,
        targets: &dyn Targets,
    ) -> Result<Arc<[Candidate]>, ErrorKind> {
        let ty = local.get(relo.type_id).map_err(ErrorKind::LocalTypes)?;
        let name = ty.name_bytes().map_err(ErrorKind::LocalTypes)?;
        if name.is_empty() {
            return Err(ErrorKind::Anonymous);
        }
        self.find(ty.kind(), name, targets)
    }

    /// Every type of this kind and name in the kernel or, if it has none, in its modules.
    fn find(
        &mut self,
        kind: Kind,
        name: &[u8],
        targets: &dyn Targets,
    ) -> Result<Arc<[Candidate]>, ErrorKind> {
        self.look_for(kind, name);
        let key = key(kind, name);
        if matches!(self.names.get(&key), Some(Found::Unsearched)) {
            if self.btfs.is_empty() {
                self.btfs.push(targets.kernel().map_err(no_targets)?);
            }
            self.search(
                0..1,
                |found| matches!(found, Found::Unsearched),
                Found::NotInKernel,
            );
        }
        if matches!(self.names.get(&key), Some(Found::NotInKernel)) {
            if !self.modules_opened {
                self.btfs.extend(targets.modules().map_err(no_targets)?);
                self.modules_opened = true;
            }
            self.search(
                1..self.btfs.len(),
                |found| matches!(found, Found::NotInKernel),
                Found::Known(Arc::default()),
            );
        }
        match self.names.get(&key) {
            Some(Found::Known(candidates)) => Ok(candidates.clone()),
            _ => Ok(Arc::default()),
        }
    }

    /// Looks for all names that are `wanted` in some of the BTFs. Those not there become `absent`.
    fn search(
        &mut self,
        btfs: std::ops::Range<usize>,
        wanted: impl Fn(&Found) -> bool,
        absent: Found,
    ) {
        let mut searched: Vec<(&Name, &mut Found, Vec<Candidate>)> = self
            .names
            .iter_mut()
            .filter(|(_, found)| wanted(found))
            .map(|(name, found)| (name, found, Vec::new()))
            .collect();
        // By first byte, since that already sets almost all types apart.
        let mut by_first_byte: [Vec<usize>; 256] = std::array::from_fn(|_| Vec::new());
        let mut kinds = 0u32;
        for (position, (name, ..)) in searched.iter().enumerate() {
            kinds |= kind_bit(name.0);
            if let Some(bucket) = bucket(&name.1).and_then(|b| by_first_byte.get_mut(b)) {
                bucket.push(position);
            }
        }
        for position in btfs {
            let Some(btf) = self.btfs.get(position) else {
                continue;
            };
            for (id, ty) in btf.types() {
                let kind = ty.kind();
                if kinds & kind_bit(kind) == 0 {
                    continue;
                }
                let start = ty.name_start();
                let Some(bucket) = bucket(start).and_then(|b| by_first_byte.get(b)) else {
                    continue;
                };
                for &wanted in bucket {
                    let Some((name, _, candidates)) = searched.get_mut(wanted) else {
                        continue;
                    };
                    if same_kind(kind, name.0)
                        && start.starts_with(&name.1)
                        && ty
                            .name_bytes()
                            .is_ok_and(|full| name::essential(full) == &*name.1)
                    {
                        candidates.push(Candidate { btf: position, id });
                    }
                }
            }
        }
        for (_, found, candidates) in searched {
            *found = match candidates.is_empty() {
                true => absent.clone(),
                false => Found::Known(candidates.into()),
            };
        }
    }
}

fn no_targets(source: Box<dyn std::error::Error + Send + Sync>) -> ErrorKind {
    ErrorKind::NoTargets(source.into())
}

fn bucket(name: &[u8]) -> Option<usize> {
    name.first().map(|byte| usize::from(*byte))
}

fn kind_bit(kind: Kind) -> u32 {
    let number = match kind {
        Kind::ENUM64 => Kind::ENUM.0,
        Kind(number) => number,
    };
    1u32.checked_shl(number.into()).unwrap_or(0)
}
