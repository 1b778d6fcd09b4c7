//! Types: those of all objects, each kept once.
//!
//! A function or variable that several objects see has one record, that of the object whose definition counts. Sections are described
//! anew, with the variables that are left and where they are now.

use std::collections::{HashMap, HashSet};

use super::globals::{Global, Globals};
use super::input::Input;
use super::sections::Sections;
use super::{Error, ErrorKind};
use crate::btf::{
    Btf, BtfBuilder, Contents, Deduplicated, FuncLinkage, Kind, SectionVar, TypeId, VarLinkage,
};
use crate::elf::types::Types;

pub(super) struct Merged {
    pub(super) dedup: Deduplicated,
    /// Ids before deduplication, by object and old id.
    ids: Vec<Vec<Option<TypeId>>>,
}

impl Merged {
    /// What a type of an object has become.
    pub(super) fn id(&self, object: usize, old: TypeId) -> Option<TypeId> {
        let id = (*self.ids.get(object)?.get(old.0 as usize)?)?;
        self.dedup.id(id)
    }
}

/// What becomes of a record.
enum Fate<'g, 'a> {
    Kept,
    /// That of another object counts.
    Replaced(&'g Global<'a>),
    Dropped,
}

pub(super) fn merge(
    inputs: &[Input<'_>],
    sections: &Sections<'_>,
    globals: &Globals<'_>,
) -> Result<Option<Merged>, Error> {
    if inputs.iter().all(|input| input.btf.is_none()) {
        return Ok(None);
    }
    let mut builder = BtfBuilder::new();
    let Numbered { ids, kept } = number(inputs, globals)?;
    for ((input, ids), kept) in inputs.iter().zip(&ids).zip(&kept) {
        let Some(btf) = &input.btf else { continue };
        let in_object = |error: Error| error.in_object(&input.name);
        for &old in kept {
            let ty = btf.get(old)?;
            let mut dangling = None;
            builder
                .add_copy(ty, |target| {
                    let new = ids.get(target.0 as usize).copied().flatten();
                    new.unwrap_or_else(|| *dangling.insert(target))
                })
                .map_err(|error| in_object(error.into()))?;
            if let Some(target) = dangling {
                let message = format!("type {old} refers to {target}, which is no type of values");
                return Err(in_object(Error::new(ErrorKind::TypeInfo, message)));
            }
        }
    }
    for global in globals.all.iter().filter(|global| global.defined) {
        let Some((object, old)) = global.ty else {
            continue;
        };
        let btf = inputs.get(object).and_then(|input| input.btf.as_ref());
        let new = ids.get(object).and_then(|ids| *ids.get(old.0 as usize)?);
        let (Some(btf), Some(new)) = (btf, new) else {
            continue;
        };
        match btf.get(old)?.contents() {
            Contents::Var(var) if var.linkage == VarLinkage::EXTERN => {
                builder.set_var_linkage(new, VarLinkage::GLOBAL)?;
            }
            Contents::Func(func) if func.linkage == FuncLinkage::EXTERN => {
                builder.set_func_linkage(new, FuncLinkage::GLOBAL)?;
            }
            _ => {}
        }
    }
    for (name, variables) in variables(inputs, sections, globals, &ids)? {
        let size = sections.named(name).map_or(0, |output| output.size);
        let size = u32::try_from(size)
            .map_err(|_| Error::new(ErrorKind::Limit, "beyond 4 GiB").in_section(name))?;
        builder.add_data_section(name, size, &variables);
    }
    let dedup = builder.build()?.dedup()?;
    Ok(Some(Merged { dedup, ids }))
}

/// What becomes of the records of all objects.
struct Numbered {
    /// New ids, by object and old id.
    ids: Vec<Vec<Option<TypeId>>>,
    /// The old ids of those that are copied, by object.
    kept: Vec<Vec<TypeId>>,
}

/// Gives out ids, in the order in which the types are added.
fn number(inputs: &[Input<'_>], globals: &Globals<'_>) -> Result<Numbered, Error> {
    let mut next = 1u32;
    let mut ids = Vec::with_capacity(inputs.len());
    let mut all_kept = Vec::with_capacity(inputs.len());
    let mut replaced = Vec::new();
    for (object, input) in inputs.iter().enumerate() {
        let mut map = Vec::new();
        let mut kept = Vec::new();
        if let Some(btf) = &input.btf {
            map.reserve(btf.end().0 as usize);
            map.push(Some(TypeId::VOID));
            let fates = btf.types().map(|(old, _)| fate(object, btf, old, globals));
            let fates = fates
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| error.in_object(&input.name))?;
            let unused = unused_prototypes(btf, &fates);
            for ((old, _), fate) in btf.types().zip(fates) {
                map.push(match fate {
                    Fate::Kept if unused.contains(&old) => None,
                    Fate::Kept => {
                        kept.push(old);
                        let id = TypeId(next);
                        next = next.saturating_add(1);
                        Some(id)
                    }
                    Fate::Replaced(global) => {
                        replaced.push((object, old, global));
                        None
                    }
                    Fate::Dropped => None,
                });
            }
        }
        ids.push(map);
        all_kept.push(kept);
    }
    for (object, old, global) in replaced {
        let new = global
            .ty
            .and_then(|(object, ty)| *ids.get(object)?.get(ty.0 as usize)?);
        let slot = ids
            .get_mut(object)
            .and_then(|map| map.get_mut(old.0 as usize));
        if let Some(slot) = slot {
            *slot = new;
        }
    }
    Ok(Numbered {
        ids,
        kept: all_kept,
    })
}

/// The prototypes of functions that are replaced, unless something else refers to them. Those of declarations lack the names of
/// parameters, so that they would stay beside the prototype that counts.
fn unused_prototypes(btf: &Btf, fates: &[Fate<'_, '_>]) -> HashSet<TypeId> {
    let types = || btf.types().map(|(_, ty)| ty).zip(fates);
    let replaced = types().filter(|(_, fate)| matches!(fate, Fate::Replaced(_)));
    let mut unused: HashSet<TypeId> = replaced
        .filter(|(ty, _)| ty.kind() == Kind::FUNC)
        .filter_map(|(ty, _)| ty.target())
        .collect();
    for (ty, _) in types().filter(|(_, fate)| matches!(fate, Fate::Kept)) {
        for id in ty.references() {
            unused.remove(&id);
        }
    }
    unused
}

fn fate<'g, 'a>(
    object: usize,
    btf: &Btf,
    id: TypeId,
    globals: &'g Globals<'a>,
) -> Result<Fate<'g, 'a>, Error> {
    let ty = btf.get(id)?;
    Ok(match ty.contents() {
        Contents::DataSection(_) => Fate::Dropped,
        Contents::Var(var) if var.linkage == VarLinkage::STATIC => Fate::Kept,
        Contents::Func(func) if func.linkage == FuncLinkage::STATIC => Fate::Kept,
        Contents::Var(_) | Contents::Func(_) => match globals.get(ty.name()) {
            Some(global) if global.ty == Some((object, id)) => Fate::Kept,
            Some(global) if global.ty.is_some() => Fate::Replaced(global),
            // A variable of a section that is left out.
            None if ty.kind() == Kind::VAR => Fate::Dropped,
            _ => Fate::Kept,
        },
        // A note on a note is none.
        Contents::DeclTag(tag) => match btf.get(tag.target)?.kind() {
            Kind::DECL_TAG => Fate::Dropped,
            _ => match fate(object, btf, tag.target, globals)? {
                Fate::Dropped => Fate::Dropped,
                _ => Fate::Kept,
            },
        },
        _ => Fate::Kept,
    })
}

/// The sections that have variables, in the order in which they first come, and the variables that are left, lowest offset first.
fn variables<'i>(
    inputs: &'i [Input<'_>],
    sections: &Sections<'_>,
    globals: &Globals<'_>,
    ids: &[Vec<Option<TypeId>>],
) -> Result<Vec<(&'i str, Vec<SectionVar>)>, Error> {
    let mut all: Vec<(&str, Vec<SectionVar>)> = Vec::new();
    let mut named: HashMap<&str, usize> = HashMap::new();
    for (object, input) in inputs.iter().enumerate() {
        let (Some(btf), Some(ids)) = (&input.btf, ids.get(object)) else {
            continue;
        };
        let in_object = |error: Error| error.in_object(&input.name);
        let types = Types::new(btf, &input.file).map_err(|error| in_object(error.into()))?;
        for typed in &types.sections {
            let name = btf.get(typed.id)?.name();
            // Of two descriptions of one section the first counts.
            if types
                .section(name)
                .is_some_and(|first| first.id != typed.id)
            {
                continue;
            }
            let position = *named.entry(name).or_insert(all.len());
            if position == all.len() {
                all.push((name, Vec::new()));
            }
            let Some((_, variables)) = all.get_mut(position) else {
                continue;
            };
            let place = typed
                .section
                .and_then(|section| sections.place(object, section.index));
            if place.is_some_and(|place| place.repeated) {
                continue;
            }
            let entries: Vec<SectionVar> = match typed.section {
                Some(_) => typed
                    .variables
                    .iter()
                    .map(|placed| SectionVar {
                        ty: placed.var,
                        offset: placed.offset,
                        size: placed.size,
                    })
                    .collect(),
                None => btf.get(typed.id)?.variables().collect(),
            };
            for entry in entries {
                let ty = btf.get(entry.ty)?;
                let (is_static, is_extern) = match ty.contents() {
                    Contents::Var(var) => (
                        var.linkage == VarLinkage::STATIC,
                        var.linkage == VarLinkage::EXTERN,
                    ),
                    Contents::Func(func) => (false, func.linkage == FuncLinkage::EXTERN),
                    _ => (true, false),
                };
                let global = globals.get(ty.name()).filter(|_| !is_static);
                // The record of what is in a section here may say that it is elsewhere.
                let is_here = global.is_some_and(|global| {
                    global.defined && global.object == object && typed.section.is_some()
                });
                let is_declared = is_extern && !is_here;
                // Of what several objects see, only that which counts.
                let counts = global.is_none_or(|global| {
                    global.ty == Some((object, entry.ty)) && global.defined != is_declared
                });
                let Some(new) = ids.get(entry.ty.0 as usize).copied().flatten() else {
                    continue;
                };
                if !counts {
                    continue;
                }
                let moved = match place {
                    Some(place) if !is_declared => place.offset,
                    _ => 0,
                };
                let offset = u64::from(entry.offset).saturating_add(moved);
                let offset = u32::try_from(offset).map_err(|_| {
                    in_object(Error::new(ErrorKind::Limit, "its offset is beyond 4 GiB"))
                        .in_section(typed.name)
                        .at_symbol(ty.name())
                })?;
                variables.push(SectionVar {
                    ty: new,
                    offset,
                    size: entry.size,
                });
            }
        }
    }
    for (_, variables) in &mut all {
        variables.sort_by_key(|variable| variable.offset);
    }
    // `.extern` with all of its externs found, for one.
    all.retain(|(name, variables)| !variables.is_empty() || sections.named(name).is_some());
    Ok(all)
}
