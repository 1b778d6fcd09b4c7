//! Putting the answer into the instruction.

use super::answer::{Access, Answer, Nature};
use super::error::ErrorKind;
use crate::Helper;
use crate::asm::opcode::{class, mode, size, source};
use crate::asm::{Insn, Size, call, program};

/// The helper that does not exist and that an instruction calls which cannot be relocated.
///
/// The verifier refuses it (`invalid func unknown#195896080`) unless the program has made sure that
/// it is never reached. 0xbad2310, "bad relo", as libbpf has it.
pub const POISON: Helper = Helper(195_896_080);

/// What happened to the instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patched {
    Done,
    /// It would have read or written something else than the field.
    WrongAccess,
}

/// Makes the instruction at `at` one that the verifier refuses, both slots of a wide one.
pub(super) fn poison(insns: &mut [Insn], at: usize) {
    let slots = match insns.get(at) {
        Some(insn) if insn.is_wide() => 2,
        _ => 1,
    };
    let poison = program([call(POISON)]);
    for (insn, poison) in insns
        .iter_mut()
        .skip(at)
        .take(slots)
        .zip(poison.iter().cycle())
    {
        *insn = *poison;
    }
}

/// Replaces what the compiler put into the instruction at `at` by the answer for the kernel.
pub(super) fn patch(
    insns: &mut [Insn],
    at: usize,
    local: Answer,
    target: Answer,
) -> Result<Patched, ErrorKind> {
    let slots = insns.len();
    let mut rest = insns.iter_mut().skip(at);
    let insn = rest.next().ok_or(ErrorKind::NoSuchInsn { slots })?;
    let unexpected = ErrorKind::UnexpectedInsn { code: insn.code };
    match insn.class() {
        class::ALU | class::ALU64 => {
            if insn.code & source::MASK != source::K {
                return Err(unexpected);
            }
            immediate(insn, local, target)?;
        }
        class::LDX | class::ST | class::STX => return offset(insn, local, target),
        class::LD if insn.is_wide() => {
            let second = rest.next().ok_or(ErrorKind::NoSuchInsn { slots })?;
            if insn.src != 0 || insn.off != 0 {
                return Err(unexpected);
            }
            let found = halves(second.imm, insn.imm);
            if local.certain && found != local.value {
                return Err(ErrorKind::UnexpectedValue {
                    found: found as i64,
                    expected: local.value,
                });
            }
            insn.imm = target.value as i32;
            second.imm = (target.value >> 32) as i32;
        }
        _ => return Err(unexpected),
    }
    Ok(Patched::Done)
}

fn halves(high: i32, low: i32) -> u64 {
    (u64::from(high as u32) << 32) | u64::from(low as u32)
}

/// The immediate of an arithmetic instruction: the kernel extends its sign for 64 bits.
fn immediate(insn: &mut Insn, local: Answer, target: Answer) -> Result<(), ErrorKind> {
    let holds = |imm: i32, value: u64| match insn.class() {
        class::ALU64 => i64::from(imm) as u64 == value,
        // Either sign: what is above the lower half does not matter.
        _ => i64::from(imm) as u64 == value || u64::from(imm as u32) == value,
    };
    if local.certain && !holds(insn.imm, local.value) {
        return Err(ErrorKind::UnexpectedValue {
            found: insn.imm.into(),
            expected: local.value,
        });
    }
    let imm = target.value as i32;
    if !holds(imm, target.value) {
        return Err(ErrorKind::OutOfRange {
            value: target.value,
            field: "immediate",
        });
    }
    insn.imm = imm;
    Ok(())
}

/// The offset of a load or store, and with it the number of bytes that it moves.
fn offset(insn: &mut Insn, local: Answer, target: Answer) -> Result<Patched, ErrorKind> {
    if local.certain && u64::try_from(insn.off) != Ok(local.value) {
        return Err(ErrorKind::UnexpectedValue {
            found: insn.off.into(),
            expected: local.value,
        });
    }
    let off = i16::try_from(target.value).map_err(|_| ErrorKind::OutOfRange {
        value: target.value,
        field: "offset",
    })?;
    let resized = match resize(local.access, target.access) {
        Resize::Keep => insn.code,
        Resize::Wrong => return Ok(Patched::WrongAccess),
        Resize::To { old, new } => {
            let found = Size::of(insn.code).bytes();
            if u64::from(found) != old {
                return Err(ErrorKind::UnexpectedSize {
                    found,
                    expected: old,
                });
            }
            let bits = size_bits(insn.code, new).ok_or(ErrorKind::BadSize { size: new })?;
            (insn.code & !size::MASK) | bits
        }
    };
    insn.code = resized;
    insn.off = off;
    Ok(Patched::Done)
}

/// The size bits of an instruction like this one that moves so many bytes.
fn size_bits(code: u8, bytes: u64) -> Option<u8> {
    let bits = match bytes {
        1 => size::B,
        2 => size::H,
        4 => size::W,
        8 => size::DW,
        _ => return None,
    };
    let exists = match code & mode::MASK {
        mode::MEM => true,
        mode::ATOMIC => matches!(bits, size::W | size::DW),
        _ => false,
    };
    exists.then_some(bits)
}

enum Resize {
    Keep,
    To { old: u64, new: u64 },
    Wrong,
}

/// Whether a field of another size can still be moved by one instruction: pointers can, and
/// unsigned integers, since loads fill with zeroes.
fn resize(local: Option<Access>, target: Option<Access>) -> Resize {
    let (old, new) = match (local, target) {
        (None, None) => return Resize::Keep,
        (Some(old), Some(new)) => (old, new),
        _ => return Resize::Wrong,
    };
    match (old.nature, new.nature) {
        _ if old.size == new.size => Resize::Keep,
        (Nature::Pointer, Nature::Pointer) | (Nature::Unsigned, Nature::Unsigned) => Resize::To {
            old: old.size,
            new: new.size,
        },
        _ => Resize::Wrong,
    }
}
