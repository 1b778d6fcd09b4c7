//! When a type of the kernel may stand for one of the object.
//!
//! Three relations, from loose to strict: [`Pair::fields`] for what a path leads through and to,
//! [`Pair::types`] for types asked about by name, [`Pair::exactly`] for `type_matches`.

use super::error::ErrorKind;
use super::name;
use crate::btf::{Btf, Contents, Kind, Type, TypeId};
use crate::limits::{MAX_CORE_STEPS, MAX_TYPE_DEPTH};

/// The object's types and the kernel's, and how much work may still be spent on comparing them.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    local: &'a Btf,
    target: &'a Btf,
    steps: usize,
}

/// Whether a type of the object and one of the kernel are of the same nature: same kinds all the way down through pointers, arrays and
/// prototypes. Names do not matter.
///
/// This is what the declaration of a kernel function or variable (`__ksym`) has to meet, to be bound to it.
///
/// # Errors
/// One of them is broken, or endless.
#[doc(alias = "bpf_core_types_are_compat")]
pub fn types_are_compatible(
    local: &Btf,
    local_type: TypeId,
    target: &Btf,
    target_type: TypeId,
) -> Result<bool, ErrorKind> {
    Pair::new(local, target).types(local_type, target_type)
}

fn is_enum(kind: Kind) -> bool {
    matches!(kind, Kind::ENUM | Kind::ENUM64)
}

/// The same kind, not counting the two kinds of enumeration as different.
pub(super) fn same_kind(a: Kind, b: Kind) -> bool {
    a == b || (is_enum(a) && is_enum(b))
}

fn is_composite(kind: Kind) -> bool {
    matches!(kind, Kind::STRUCT | Kind::UNION)
}

impl<'a> Pair<'a> {
    pub(super) fn new(local: &'a Btf, target: &'a Btf) -> Pair<'a> {
        Pair {
            local,
            target,
            steps: MAX_CORE_STEPS,
        }
    }

    /// Counts one step of work.
    pub(super) fn spend(&mut self) -> Result<(), ErrorKind> {
        self.steps = self.steps.checked_sub(1).ok_or(ErrorKind::TooComplex)?;
        Ok(())
    }

    fn resolve(&self, local: TypeId, target: TypeId) -> Result<(Type<'a>, Type<'a>), ErrorKind> {
        let local = self
            .local
            .skip_modifiers_and_typedefs(local)
            .map_err(ErrorKind::LocalTypes)?;
        let target = self
            .target
            .skip_modifiers_and_typedefs(target)
            .map_err(ErrorKind::TargetTypes)?;
        Ok((local, target))
    }

    /// Whether a field of the one type can be used as one of the other.
    ///
    /// Sizes and signs of integers do not matter, nor what pointers point to, nor the lengths of
    /// arrays, nor whether it is a structure or union.
    pub(super) fn fields(
        &mut self,
        mut local: TypeId,
        mut target: TypeId,
    ) -> Result<bool, ErrorKind> {
        for _ in 0..MAX_TYPE_DEPTH {
            self.spend()?;
            let (l, t) = self.resolve(local, target)?;
            if is_composite(l.kind()) && is_composite(t.kind()) {
                return Ok(true);
            }
            if !same_kind(l.kind(), t.kind()) {
                return Ok(false);
            }
            match (l.contents(), t.contents()) {
                (Contents::Ptr(_), _) | (Contents::Float(_), _) => return Ok(true),
                (Contents::Fwd { .. } | Contents::Enum(_), _) => {
                    return Ok(l.name().is_empty()
                        || t.name().is_empty()
                        || name::same(l.name(), t.name()));
                }
                (Contents::Int(l), Contents::Int(t)) => {
                    return Ok(l.bit_offset == 0 && t.bit_offset == 0);
                }
                (Contents::Array(l), Contents::Array(t)) => {
                    (local, target) = (l.element, t.element);
                }
                _ => return Ok(false),
            }
        }
        Err(ErrorKind::TooComplex)
    }

    /// Whether the two types, of the same name, are of the same nature: same kinds all the way
    /// down through pointers, arrays and prototypes. Names below the first do not matter.
    pub(super) fn types(&mut self, local: TypeId, target: TypeId) -> Result<bool, ErrorKind> {
        let kinds = (
            self.local.get(local).map_err(ErrorKind::LocalTypes)?.kind(),
            self.target
                .get(target)
                .map_err(ErrorKind::TargetTypes)?
                .kind(),
        );
        if !same_kind(kinds.0, kinds.1) {
            return Ok(false);
        }
        self.types_below(local, target, MAX_TYPE_DEPTH)
    }

    fn types_below(
        &mut self,
        mut local: TypeId,
        mut target: TypeId,
        level: usize,
    ) -> Result<bool, ErrorKind> {
        for _ in 0..MAX_TYPE_DEPTH {
            self.spend()?;
            let (l, t) = self.resolve(local, target)?;
            if !same_kind(l.kind(), t.kind()) {
                return Ok(false);
            }
            match (l.contents(), t.contents()) {
                (Contents::Ptr(l), Contents::Ptr(t)) => (local, target) = (l, t),
                (Contents::Array(l), Contents::Array(t)) => {
                    (local, target) = (l.element, t.element);
                }
                (Contents::Int(l), Contents::Int(t)) => {
                    return Ok(l.bit_offset == 0 && t.bit_offset == 0);
                }
                (Contents::FuncProto(l), Contents::FuncProto(t)) => {
                    if l.params().len() != t.params().len() {
                        return Ok(false);
                    }
                    let level = level.checked_sub(1).ok_or(ErrorKind::TooComplex)?;
                    for (l, t) in l.params().zip(t.params()) {
                        if !self.types_below(l.ty, t.ty, level)? {
                            return Ok(false);
                        }
                    }
                    (local, target) = (l.result, t.result);
                }
                (
                    Contents::Void
                    | Contents::Struct(_)
                    | Contents::Union(_)
                    | Contents::Enum(_)
                    | Contents::Fwd { .. },
                    _,
                ) => return Ok(true),
                _ => return Ok(false),
            }
        }
        Err(ErrorKind::TooComplex)
    }

    /// Whether the kernel's type has all that the object knows of its own: members and enumerators
    /// of the same names, with types for which this holds too, of the same sizes and signs.
    /// Behind pointers the names of structures are enough.
    pub(super) fn exactly(&mut self, local: TypeId, target: TypeId) -> Result<bool, ErrorKind> {
        self.exactly_below(local, target, false, MAX_TYPE_DEPTH)
    }

    fn exactly_below(
        &mut self,
        mut local: TypeId,
        mut target: TypeId,
        mut behind_pointer: bool,
        level: usize,
    ) -> Result<bool, ErrorKind> {
        let below = level.checked_sub(1).ok_or(ErrorKind::TooComplex)?;
        for _ in 0..MAX_TYPE_DEPTH {
            self.spend()?;
            let (l, t) = self.resolve(local, target)?;
            if !name::same(l.name(), t.name()) {
                return Ok(false);
            }
            match (l.contents(), t.contents()) {
                (Contents::Void, Contents::Void) => return Ok(true),
                (Contents::Fwd { is_union: l }, Contents::Fwd { is_union: t }) => {
                    return Ok(l == t);
                }
                // A declaration behind a pointer fits its definition.
                (Contents::Fwd { is_union }, Contents::Struct(_))
                | (Contents::Struct(_), Contents::Fwd { is_union })
                    if behind_pointer =>
                {
                    return Ok(!is_union);
                }
                (Contents::Fwd { is_union }, Contents::Union(_))
                | (Contents::Union(_), Contents::Fwd { is_union })
                    if behind_pointer =>
                {
                    return Ok(is_union);
                }
                (Contents::Struct(_), Contents::Struct(_))
                | (Contents::Union(_), Contents::Union(_)) => {
                    return match behind_pointer {
                        true => Ok(true),
                        false => self.all_members(l, t, below),
                    };
                }
                (Contents::Enum(le), Contents::Enum(te)) => {
                    return match le.size == te.size {
                        true => self.all_enumerators(l, t),
                        false => Ok(false),
                    };
                }
                (Contents::Int(l), Contents::Int(t)) => {
                    return Ok(l.size == t.size && l.is_signed == t.is_signed);
                }
                (Contents::Ptr(l), Contents::Ptr(t)) => {
                    behind_pointer = true;
                    (local, target) = (l, t);
                }
                (Contents::Array(l), Contents::Array(t)) => {
                    if l.len != t.len {
                        return Ok(false);
                    }
                    (local, target) = (l.element, t.element);
                }
                (Contents::FuncProto(l), Contents::FuncProto(t)) => {
                    if l.params().len() != t.params().len() {
                        return Ok(false);
                    }
                    for (l, t) in l.params().zip(t.params()) {
                        if !self.exactly_below(l.ty, t.ty, behind_pointer, below)? {
                            return Ok(false);
                        }
                    }
                    (local, target) = (l.result, t.result);
                }
                _ => return Ok(false),
            }
        }
        Err(ErrorKind::TooComplex)
    }

    fn all_members(
        &mut self,
        local: Type<'a>,
        target: Type<'a>,
        level: usize,
    ) -> Result<bool, ErrorKind> {
        self.all_of(
            local.members(),
            target.members(),
            |pair, member, candidate| {
                Ok(name::same(member.name, candidate.name)
                    && pair.exactly_below(member.ty, candidate.ty, false, level)?)
            },
        )
    }

    fn all_enumerators(&mut self, local: Type<'a>, target: Type<'a>) -> Result<bool, ErrorKind> {
        self.all_of(
            local.enumerators(),
            target.enumerators(),
            |_, enumerator, candidate| Ok(name::same(enumerator.name, candidate.name)),
        )
    }

    /// Whether each element of the one has a partner in the other. Most stand in the same order,
    /// so each is looked for after the one before first.
    fn all_of<T>(
        &mut self,
        local: impl ExactSizeIterator<Item = T>,
        target: impl ExactSizeIterator<Item = T> + Clone,
        fits: impl Fn(&mut Self, &T, &T) -> Result<bool, ErrorKind>,
    ) -> Result<bool, ErrorKind> {
        if local.len() > target.len() {
            return Ok(false);
        }
        let mut next = 0;
        for element in local {
            let mut partner = None;
            let before = target.clone().enumerate().take(next);
            for (position, candidate) in target.clone().enumerate().skip(next).chain(before) {
                self.spend()?;
                if fits(self, &element, &candidate)? {
                    partner = Some(position);
                    break;
                }
            }
            match partner {
                Some(position) => next = position.saturating_add(1),
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}
