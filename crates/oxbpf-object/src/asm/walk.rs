//! Instruction by instruction through a stream of slots.

use super::error::Error;
use super::insn::Insn;
use super::op::Op;

/// The instructions of a stream, each with the slot it starts at.
///
/// After an instruction that cannot be decoded it goes on with the next slot, so a caller may
/// stop at the first error or carry on past it.
pub fn ops(insns: &[Insn]) -> Ops<'_> {
    Ops { insns, slot: 0 }
}

/// Iterator of [`ops`].
#[derive(Debug, Clone)]
pub struct Ops<'a> {
    insns: &'a [Insn],
    slot: usize,
}

impl Iterator for Ops<'_> {
    type Item = (usize, Result<Op, Error>);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.insns.get(self.slot..).filter(|r| !r.is_empty())?;
        let slot = self.slot;
        let (result, len) = match Op::decode(rest) {
            Ok((op, len)) => (Ok(op), len),
            Err(error) => (Err(error.shift(slot)), 1),
        };
        self.slot = slot.saturating_add(len);
        Some((slot, result))
    }
}
