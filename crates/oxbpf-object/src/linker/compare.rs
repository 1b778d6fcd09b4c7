//! Whether two objects mean the same by a name, as far as types tell.
//!
//! As strict as libbpf's linker: modifiers, typedefs, lengths of arrays, names of parameters, signs of integers and values of
//! enumerations are looked past. Through a pointer only names count, since objects may well know different parts of what it points to.

use super::input::Input;
use super::{Error, ErrorKind};
use crate::btf::{Btf, Contents, FuncLinkage, Kind, Type, TypeId, VarLinkage};
use crate::elf::btf_maps;
use crate::limits::{MAX_LINK_STEPS, MAX_TYPE_DEPTH};
use crate::spec::MapSpec;

/// A type of either object.
type Pair<'b> = (&'b Btf, TypeId, &'b Btf, TypeId);

/// Compares the function or variable that a name is in one object with that in another. `steps` counts what all comparisons take.
pub(super) fn check(
    (a, id_a): (&Input<'_>, TypeId),
    (b, id_b): (&Input<'_>, TypeId),
    name: &str,
    steps: &mut usize,
) -> Result<(), Error> {
    let (Some(btf_a), Some(btf_b)) = (&a.btf, &b.btf) else {
        return Ok(());
    };
    let mut comparison = Comparison { steps };
    let result = if a.maps.contains(&id_a) || b.maps.contains(&id_b) {
        let of = |btf: &Btf, id| -> Result<MapSpec, Error> {
            let ty = btf.get(id)?.target().unwrap_or_default();
            Ok(btf_maps::definition(btf, ty, name)?)
        };
        comparison.maps(btf_a, &of(btf_a, id_a)?, btf_b, &of(btf_b, id_b)?)?
    } else {
        comparison.compare((btf_a, id_a, btf_b, id_b), true, 0)?
    };
    result.map_err(|difference| {
        Error::new(
            ErrorKind::TypeMismatch,
            format!("the objects do not agree on its type: {difference}"),
        )
    })
}

/// What differs, in words, if anything.
type Outcome = Result<(), String>;

struct Comparison<'s> {
    steps: &'s mut usize,
}

impl Comparison<'_> {
    fn maps(
        &mut self,
        a: &Btf,
        map_a: &MapSpec,
        b: &Btf,
        map_b: &MapSpec,
    ) -> Result<Outcome, Error> {
        let numbers = [
            ("type", map_a.map_type == map_b.map_type),
            ("key_size", map_a.key_size == map_b.key_size),
            ("value_size", map_a.value_size == map_b.value_size),
            ("max_entries", map_a.max_entries == map_b.max_entries),
            ("map_flags", map_a.flags == map_b.flags),
            ("numa_node", map_a.numa_node == map_b.numa_node),
            ("map_extra", map_a.map_extra == map_b.map_extra),
            ("pinning", map_a.pinning == map_b.pinning),
            ("inner map", map_a.inner.is_some() == map_b.inner.is_some()),
            ("key", map_a.key_type.is_some() == map_b.key_type.is_some()),
            (
                "value",
                map_a.value_type.is_some() == map_b.value_type.is_some(),
            ),
        ];
        if let Some((field, _)) = numbers.iter().find(|(_, same)| !same) {
            return Ok(Err(format!("the maps differ in `{field}`")));
        }
        let types = [
            ("key", map_a.key_type, map_b.key_type),
            ("value", map_a.value_type, map_b.value_type),
        ];
        for (field, ty_a, ty_b) in types {
            if let (Some(ty_a), Some(ty_b)) = (ty_a, ty_b) {
                let outcome = self.compare((a, ty_a, b, ty_b), true, 0)?;
                if let Err(difference) = outcome {
                    return Ok(Err(format!("the maps differ in `{field}`: {difference}")));
                }
            }
        }
        match (&map_a.inner, &map_b.inner) {
            (Some(inner_a), Some(inner_b)) => {
                let outcome = self.maps(a, inner_a, b, inner_b)?;
                Ok(outcome.map_err(|difference| format!("of the inner maps, {difference}")))
            }
            _ => Ok(Ok(())),
        }
    }

    /// `whole` says whether structures have to have the same members, or only the same name.
    fn compare(&mut self, pair: Pair<'_>, whole: bool, depth: usize) -> Result<Outcome, Error> {
        let (a, id_a, b, id_b) = pair;
        let depth = depth.saturating_add(1);
        *self.steps = self.steps.saturating_add(1);
        if *self.steps > MAX_LINK_STEPS || depth > MAX_TYPE_DEPTH {
            return Err(Error::new(
                ErrorKind::Limit,
                "its type is too large to compare",
            ));
        }
        let (ty_a, ty_b) = (
            a.skip_modifiers_and_typedefs(id_a)?,
            b.skip_modifiers_and_typedefs(id_b)?,
        );
        let mut next = |id_a, id_b, whole| self.compare((a, id_a, b, id_b), whole, depth);
        let differ = || Ok(Err(format!("{} and {}", text(ty_a), text(ty_b))));
        let same_name = ty_a.name_bytes()? == ty_b.name_bytes()?;
        let same_size = ty_a.size() == ty_b.size();
        match (ty_a.contents(), ty_b.contents()) {
            (Contents::Void, Contents::Void) => Ok(Ok(())),
            (Contents::Int(_), Contents::Int(_)) | (Contents::Float(_), Contents::Float(_))
                if same_size =>
            {
                Ok(Ok(()))
            }
            (Contents::Enum(_), Contents::Enum(_)) if same_name && same_size => Ok(Ok(())),
            (Contents::Ptr(a), Contents::Ptr(b)) => next(a, b, false),
            (Contents::Array(a), Contents::Array(b)) => next(a.element, b.element, whole),
            (Contents::Fwd { is_union: a }, Contents::Fwd { is_union: b })
                if same_name && a == b =>
            {
                Ok(Ok(()))
            }
            (Contents::Fwd { is_union: true }, Contents::Union(_))
            | (Contents::Union(_), Contents::Fwd { is_union: true })
            | (Contents::Fwd { is_union: false }, Contents::Struct(_))
            | (Contents::Struct(_), Contents::Fwd { is_union: false })
                if same_name && !whole =>
            {
                Ok(Ok(()))
            }
            (Contents::Struct(_), Contents::Struct(_))
            | (Contents::Union(_), Contents::Union(_))
                if same_name =>
            {
                match whole {
                    true => self.members(pair, ty_a, ty_b, depth),
                    false => Ok(Ok(())),
                }
            }
            (Contents::Func(a), Contents::Func(b)) => {
                let is_static = |linkage| linkage == FuncLinkage::STATIC;
                match same_name && is_static(a.linkage) == is_static(b.linkage) {
                    true => next(a.proto, b.proto, whole),
                    false => differ(),
                }
            }
            (Contents::Var(a), Contents::Var(b)) => {
                let is_static = |linkage| linkage == VarLinkage::STATIC;
                match same_name && is_static(a.linkage) == is_static(b.linkage) {
                    true => next(a.ty, b.ty, whole),
                    false => differ(),
                }
            }
            (Contents::FuncProto(a), Contents::FuncProto(b)) => {
                let (params_a, params_b) = (a.params(), b.params());
                if params_a.len() != params_b.len() {
                    return Ok(Err(format!(
                        "{} and {} parameters",
                        params_a.len(),
                        params_b.len()
                    )));
                }
                for (position, (a, b)) in params_a.zip(params_b).enumerate() {
                    if let Err(difference) = next(a.ty, b.ty, whole)? {
                        let number = position.saturating_add(1);
                        return Ok(Err(format!("of parameter {number}, {difference}")));
                    }
                }
                let outcome = next(a.result, b.result, whole)?;
                Ok(outcome.map_err(|difference| format!("of the result, {difference}")))
            }
            _ => differ(),
        }
    }

    fn members(
        &mut self,
        (a, _, b, _): Pair<'_>,
        ty_a: Type<'_>,
        ty_b: Type<'_>,
        depth: usize,
    ) -> Result<Outcome, Error> {
        let (members_a, members_b) = (ty_a.members(), ty_b.members());
        if members_a.len() != members_b.len() || ty_a.size() != ty_b.size() {
            return Ok(Err(format!(
                "{} has {} members in {} bytes, and {} in {}",
                text(ty_a),
                members_a.len(),
                ty_a.size().unwrap_or(0),
                members_b.len(),
                ty_b.size().unwrap_or(0)
            )));
        }
        for (a_member, b_member) in members_a.zip(members_b) {
            if (a_member.name, a_member.bit_offset, a_member.bitfield_size)
                != (b_member.name, b_member.bit_offset, b_member.bitfield_size)
            {
                return Ok(Err(format!(
                    "{} has `{}` at bit {}, and `{}` at bit {}",
                    text(ty_a),
                    a_member.name,
                    a_member.bit_offset,
                    b_member.name,
                    b_member.bit_offset
                )));
            }
            let outcome = self.compare((a, a_member.ty, b, b_member.ty), true, depth)?;
            if let Err(difference) = outcome {
                return Ok(Err(format!(
                    "of `{}` in {}, {difference}",
                    a_member.name,
                    text(ty_a)
                )));
            }
        }
        Ok(Ok(()))
    }
}

/// A type in words.
fn text(ty: Type<'_>) -> String {
    match (ty.kind(), ty.name(), ty.size()) {
        (Kind::VOID, ..) => "`void`".to_owned(),
        (Kind::PTR, ..) => "a pointer".to_owned(),
        (Kind::ARRAY, ..) => "an array".to_owned(),
        (Kind::FUNC_PROTO, ..) => "a prototype".to_owned(),
        (kind @ (Kind::STRUCT | Kind::UNION), "", _) => format!("a {kind} without a name"),
        (kind @ (Kind::STRUCT | Kind::UNION | Kind::ENUM), name, _) => format!("`{kind} {name}`"),
        (Kind::INT | Kind::FLOAT, name, Some(size)) => format!("`{name}` of {size} bytes"),
        (Kind::FUNC, ..) => "a function".to_owned(),
        (Kind::VAR, ..) => "a variable".to_owned(),
        (kind, name, _) => format!("{kind} `{name}`"),
    }
}
