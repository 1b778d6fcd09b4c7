//! Which declarations must come before which.

use super::{CDump, Error, Type, TypeId};
use crate::btf::Kind;

/// How much of a type must have been declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Enough to point to it.
    Declared,
    /// Enough to have one.
    Defined,
}

/// What has been done about a type.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct State(u16);

impl State {
    /// There is a forward declaration of the structure or union.
    pub(super) const FORWARDED: u16 = 1 << 0;
    /// The definition is in the text: of an enumeration without a name, as a part of another.
    pub(super) const WRITTEN: u16 = 1 << 1;
    /// It has its name.
    pub(super) const NAMED: u16 = 1 << 2;
    /// The name has a suffix.
    pub(super) const SUFFIXED: u16 = 1 << 3;
    /// It is a number that C has a type for.
    pub(super) const C_NUMBER: u16 = 1 << 8;
    /// It is a number that C has no type for.
    pub(super) const OTHER_NUMBER: u16 = 1 << 9;

    /// What it needs is being seen to, and: has been.
    const fn progress(need: Need) -> (u16, u16) {
        match need {
            Need::Declared => (1 << 4, 1 << 5),
            Need::Defined => (1 << 6, 1 << 7),
        }
    }

    pub(super) const fn has(self, bit: u16) -> bool {
        self.0 & bit != 0
    }
}

/// A type whose needs are being seen to.
struct Frame<'a> {
    ty: Type<'a>,
    need: Need,
    /// The position of the next of its needs.
    next: usize,
}

impl Iterator for Frame<'_> {
    type Item = (TypeId, Need);

    /// What it needs, one after the other.
    fn next(&mut self) -> Option<(TypeId, Need)> {
        let n = self.next;
        self.next = n.saturating_add(1);
        match self.ty.kind() {
            Kind::STRUCT | Kind::UNION => Some((self.ty.element_type(n)?, Need::Defined)),
            // An array of an incomplete type is an error in C even behind a pointer.
            Kind::ARRAY if n == 0 => Some((self.ty.references().next()?, Need::Defined)),
            Kind::PTR | Kind::FUNC if n == 0 => Some((self.ty.target()?, Need::Declared)),
            Kind::FUNC_PROTO if n == 0 => Some((self.ty.target()?, Need::Declared)),
            Kind::FUNC_PROTO => Some((self.ty.element_type(n.saturating_sub(1))?, Need::Declared)),
            _ if n == 0 => Some((self.ty.target()?, self.need)),
            _ => None,
        }
    }
}

impl<'a> CDump<'a> {
    /// Sees to it that a type is declared, and first all that it needs. (On a stack of its own: chains of types may be long.)
    pub(super) fn require(&mut self, id: TypeId, need: Need) -> Result<(), Error> {
        let mut stack = Vec::new();
        self.enter(id, need, &mut stack)?;
        while let Some(frame) = stack.last_mut() {
            if let Some((id, need)) = frame.next() {
                self.enter(id, need, &mut stack)?;
            } else if let Some(Frame { ty, need, .. }) = stack.pop() {
                let (_, done) = State::progress(need);
                self.set_state(ty.id(), done);
                self.write_definition(ty)?;
            }
        }
        Ok(())
    }

    fn enter(&mut self, id: TypeId, need: Need, stack: &mut Vec<Frame<'a>>) -> Result<(), Error> {
        if id == TypeId::VOID {
            return Ok(());
        }
        let ty = self.btf.get(id)?;
        let need = match ty.kind() {
            Kind::FWD => return self.write_forward(ty),
            Kind::STRUCT | Kind::UNION if need == Need::Declared && ty.name_offset() != 0 => {
                return self.write_forward(ty);
            }
            // Only these can be declared without being defined.
            kind if kind.is_modifier() || kind == Kind::TYPEDEF => need,
            _ => Need::Defined,
        };
        let (busy, done) = State::progress(need);
        let (_, defined) = State::progress(Need::Defined);
        let state = self.state(id);
        if state.has(done | defined) {
            return Ok(());
        }
        if state.has(busy) {
            return Err(Error::ContainsItself { id });
        }
        self.set_state(id, busy);
        stack.push(Frame { ty, need, next: 0 });
        Ok(())
    }

    pub(super) fn state(&self, id: TypeId) -> State {
        self.states.get(id.0 as usize).copied().unwrap_or_default()
    }

    pub(super) fn set_state(&mut self, id: TypeId, bit: u16) {
        if let Some(state) = self.states.get_mut(id.0 as usize) {
            state.0 |= bit;
        }
    }
}
