//! Putting into instructions what only this process and this kernel know: descriptors, ids, addresses.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use oxbpf_object::asm::opcode::{class, jmp};
use oxbpf_object::asm::{Insn, pseudo};
use oxbpf_object::spec::RelocTarget;

use super::externs::Resolved;
use super::programs::Context;
use crate::error::{Error, ErrorKind, Result};

/// Helpers that do not exist, from these numbers on: instructions that refer to what is not there call them, with its
/// position added. As libbpf has it, so that dumps look alike.
mod poison {
    pub(super) const MAP: i32 = 2_001_000_000;
    pub(super) const FUNCTION: i32 = 2_002_000_000;
}

/// A call that the verifier refuses, if it can be reached.
fn poisoned(base: i32, position: usize) -> Insn {
    Insn {
        code: class::JMP | jmp::CALL,
        imm: base.saturating_add(i32::try_from(position).unwrap_or_default()),
        ..Insn::default()
    }
}

/// Puts into an instruction what it refers to.
pub(super) fn fill_in(
    context: Context<'_>,
    insns: &mut [Insn],
    slot: usize,
    target: RelocTarget,
) -> Result<()> {
    let doing = || format!("relocating instruction {slot}");
    let Some([insn, rest @ ..]) = insns.get_mut(slot..) else {
        return Err(Error::new(ErrorKind::InvalidObject, doing()));
    };
    match target {
        RelocTarget::Map(map) | RelocTarget::MapValue { map, .. } => {
            let Some(made) = context.maps.get(map).and_then(Option::as_ref) else {
                for slot in [Some(insn), rest.first_mut()].into_iter().flatten() {
                    *slot = poisoned(poison::MAP, map);
                }
                return Ok(());
            };
            insn.src = pseudo::MAP_FD;
            insn.imm = made.map.as_fd().as_raw_fd();
            if let RelocTarget::MapValue { offset, .. } = target {
                insn.src = pseudo::MAP_VALUE;
                if let Some(second) = rest.first_mut() {
                    second.imm = offset.wrapping_add(made.start) as i32;
                }
            }
        }
        RelocTarget::Extern(position) => {
            let resolved = context.externs.get(context.spec, position)?;
            match (insn.is_call(), rest) {
                (true, _) => call_extern(context, insn, position, resolved).ok_or_else(|| {
                    let name = context
                        .spec
                        .externs()
                        .get(position)
                        .map_or("?", |e| &e.name);
                    Error::new(ErrorKind::InvalidObject, doing())
                        .with_reason(format!("it calls `{name}`, which is no function"))
                })?,
                (false, [second, ..]) => {
                    let (src, low, high) = load_extern(context, resolved)?;
                    (insn.src, insn.imm, second.imm) = (src, low, high);
                }
                (false, []) => return Err(Error::new(ErrorKind::InvalidObject, doing())),
            }
        }
        // Laid out already.
        _ => {}
    }
    Ok(())
}

/// Makes a call one of a kernel function. `None` if the extern is something else.
fn call_extern(
    context: Context<'_>,
    call: &mut Insn,
    position: usize,
    resolved: Resolved,
) -> Option<()> {
    match resolved {
        Resolved::Typed { btf_id, module } => {
            let number = match module {
                Some(module) => i16::try_from(context.externs.module_number(module)?).ok()?,
                None => 0,
            };
            call.src = pseudo::KFUNC_CALL;
            call.imm = btf_id as i32;
            call.off = number;
        }
        Resolved::Missing => *call = poisoned(poison::FUNCTION, position),
        Resolved::Address(_) | Resolved::Kconfig => return None,
    }
    Some(())
}

/// The kind of the load of an extern's address, and the halves of what it loads.
fn load_extern(context: Context<'_>, resolved: Resolved) -> Result<(u8, i32, i32)> {
    Ok(match resolved {
        Resolved::Typed { btf_id, module } => {
            let modules = match module {
                Some(_) => context.kernel.modules()?,
                None => &[],
            };
            let module = module.and_then(|module| modules.get(module));
            let descriptor = module.map_or(0, |module| module.fd.as_raw_fd());
            (pseudo::BTF_ID, btf_id as i32, descriptor)
        }
        Resolved::Address(address) => (0, address as i32, (address >> 32) as i32),
        Resolved::Missing | Resolved::Kconfig => (0, 0, 0),
    })
}

/// The descriptors that calls of modules' functions name by number. 0 is no number, but wants a descriptor too.
pub(super) fn of_modules<'a>(context: Context<'a>) -> Result<Vec<BorrowedFd<'a>>> {
    let numbered = context.externs.modules();
    if numbered.is_empty() {
        return Ok(Vec::new());
    }
    let modules = context.kernel.modules()?;
    let descriptors = numbered.first().into_iter().chain(numbered);
    Ok(descriptors
        .filter_map(|&module| Some(modules.get(module)?.fd.as_fd()))
        .collect())
}
