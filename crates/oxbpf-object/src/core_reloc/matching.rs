//! Finding in one type of the kernel what a relocation means in the object's types.

use super::compat::Pair;
use super::error::ErrorKind;
use super::kind::{CoreRelocKind, Subject};
use super::name;
use super::spec::{Spec, Step};
use crate::btf::{Btf, Contents, Kind, Member, Type, TypeId};
use crate::limits::MAX_CORE_SPEC_LEN;

/// Why a type of the kernel has not what is meant. Ordered by how close it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mismatch {
    /// The kernel has no type of that name and kind.
    NoType,
    /// The type is of another nature.
    Type,
    /// It has no such member or enumerator.
    Absent,
    /// The member is there, but what it is made of is something else.
    FieldType,
    /// The array is there, but is too short.
    Bounds,
}

/// A member found by name.
struct Found<'a> {
    owner: Type<'a>,
    index: u32,
    member: Member<'a>,
    /// Offset of the member from where the search started.
    bit_offset: u64,
}

/// Looks in `root` of `btf` for what `local` says.
pub(super) fn find<'t>(
    local: &Spec<'_>,
    btf: &'t Btf,
    root: TypeId,
) -> Result<Result<Spec<'t>, Mismatch>, ErrorKind> {
    let mut pair = Pair::new(local.btf, btf);
    match local.kind.subject() {
        Some(Subject::Type) => {
            let fits = match local.kind {
                CoreRelocKind::TYPE_MATCHES => pair.exactly(local.root, root)?,
                _ => pair.types(local.root, root)?,
            };
            match fits {
                true => Ok(Ok(Spec::new(btf, local.kind, root))),
                false => Ok(Err(Mismatch::Type)),
            }
        }
        Some(Subject::Enumerator) => find_enumerator(local, btf, root, &mut pair),
        Some(Subject::Field) => find_field(local, btf, root, &mut pair),
        None => Err(ErrorKind::UnknownKind(local.kind)),
    }
}

fn resolve(btf: &Btf, id: TypeId) -> Result<Type<'_>, ErrorKind> {
    btf.skip_modifiers_and_typedefs(id)
        .map_err(ErrorKind::TargetTypes)
}

fn find_enumerator<'t>(
    local: &Spec<'_>,
    btf: &'t Btf,
    root: TypeId,
    pair: &mut Pair<'_>,
) -> Result<Result<Spec<'t>, Mismatch>, ErrorKind> {
    let wanted = local.steps.first().and_then(|step| step.name);
    let wanted = wanted.unwrap_or_default();
    let ty = resolve(btf, root)?;
    if !matches!(ty.kind(), Kind::ENUM | Kind::ENUM64) {
        return Ok(Err(Mismatch::Type));
    }
    for (index, enumerator) in (0..).zip(ty.enumerators()) {
        pair.spend()?;
        if name::same(wanted, enumerator.name) {
            let mut spec = Spec::new(btf, local.kind, root);
            spec.path.push(index);
            spec.steps.push(Step {
                ty: ty.id(),
                index,
                name: Some(enumerator.name),
            });
            return Ok(Ok(spec));
        }
    }
    Ok(Err(Mismatch::Absent))
}

fn find_field<'t>(
    local: &Spec<'_>,
    btf: &'t Btf,
    root: TypeId,
    pair: &mut Pair<'_>,
) -> Result<Result<Spec<'t>, Mismatch>, ErrorKind> {
    let mut spec = Spec::new(btf, local.kind, root);
    let mut at = root;
    for (position, step) in local.steps.iter().enumerate() {
        let ty = resolve(btf, at)?;
        at = match step.name {
            Some(name) => {
                let Some(found) = find_member(ty, name, &mut spec.path, pair)? else {
                    return Ok(Err(Mismatch::Absent));
                };
                let field = local_field(local.btf, step)?;
                if !pair.fields(field, found.member.ty)? {
                    return Ok(Err(Mismatch::FieldType));
                }
                let Found {
                    owner,
                    index,
                    member,
                    bit_offset,
                } = found;
                spec.enter_member(owner.id(), index, member.name, bit_offset)
                    .map_err(|fault| fault.of_target())?;
                member.ty
            }
            // A pointer to the root counts as pointing to its first element.
            None if position == 0 => {
                spec.enter_element(ty.id(), step.index)
                    .map_err(|fault| fault.of_target())?;
                ty.id()
            }
            None => {
                let Contents::Array(array) = ty.contents() else {
                    return Ok(Err(Mismatch::FieldType));
                };
                if !spec.has_element(array, step.index) {
                    return Ok(Err(Mismatch::Bounds));
                }
                let element = resolve(btf, array.element)?.id();
                spec.enter_element(element, step.index)
                    .map_err(|fault| fault.of_target())?;
                element
            }
        };
    }
    Ok(Ok(spec))
}

/// The type of the member that a step of the object leads to.
fn local_field(btf: &Btf, step: &Step<'_>) -> Result<TypeId, ErrorKind> {
    let owner = btf.get(step.ty).map_err(ErrorKind::LocalTypes)?;
    let member = owner.members().nth(step.index as usize);
    Ok(member.ok_or(ErrorKind::BadAccess("no such member"))?.ty)
}

/// Looks for a member by name, also inside of anonymous members, whose positions go to `path`.
fn find_member<'t>(
    ty: Type<'t>,
    name: &str,
    path: &mut Vec<u32>,
    pair: &mut Pair<'_>,
) -> Result<Option<Found<'t>>, ErrorKind> {
    for (index, member) in (0..).zip(ty.members()) {
        pair.spend()?;
        if member.name == name {
            return Ok(Some(Found {
                owner: ty,
                index,
                member,
                bit_offset: member.bit_offset.into(),
            }));
        }
        if !member.name.is_empty() {
            continue;
        }
        let inner = resolve(ty.btf(), member.ty)?;
        if !matches!(inner.kind(), Kind::STRUCT | Kind::UNION) {
            continue;
        }
        if path.len() >= MAX_CORE_SPEC_LEN {
            return Err(ErrorKind::TooLong);
        }
        path.push(index);
        if let Some(found) = find_member(inner, name, path, pair)? {
            let bit_offset = found.bit_offset.saturating_add(member.bit_offset.into());
            return Ok(Some(Found {
                bit_offset,
                ..found
            }));
        }
        path.pop();
    }
    Ok(None)
}
