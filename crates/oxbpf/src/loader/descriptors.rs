//! Putting into instructions what only this process and this kernel know: descriptors, ids, addresses.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use oxbpf_object::asm::opcode::{class, jmp};
use oxbpf_object::asm::{Insn, pseudo};
use oxbpf_object::spec::{CollectionSpec, RelocTarget};

use super::externs::{Externs, Resolved};
use super::kernel::Kernel;
use super::programs::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::map::Map;

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

/// How instructions name a map.
#[derive(Clone, Copy, Debug)]
pub(super) enum MapName {
    Descriptor(i32),
    /// By its place among the load's descriptors.
    Index(i32),
}

impl MapName {
    /// Of the map at a position of the spec, for a program that is loaded with the descriptors of the maps it uses.
    pub(super) fn among(used: &[usize], position: usize) -> Option<Self> {
        let place = used.iter().position(|used| *used == position)?;
        Some(Self::Index(i32::try_from(place).ok()?))
    }

    /// The number, and the kinds of a load of the map's address and of one in its value.
    fn of_load(self) -> (i32, u8, u8) {
        match self {
            Self::Descriptor(number) => (number, pseudo::MAP_FD, pseudo::MAP_VALUE),
            Self::Index(number) => (number, pseudo::MAP_IDX, pseudo::MAP_IDX_VALUE),
        }
    }
}

/// What instructions are to refer to.
#[derive(Clone, Copy)]
pub(super) struct References<'a> {
    pub(super) kernel: &'a Kernel<'a>,
    pub(super) spec: &'a CollectionSpec,
    pub(super) externs: &'a Externs,
    /// The name of the map at a position, and where its variables begin; `None` if it was not created.
    pub(super) map: &'a dyn Fn(usize) -> Option<(MapName, u32)>,
    /// The maps made of the program's jump tables.
    pub(super) jump_tables: &'a [Map],
    /// How many descriptors come before those of modules.
    pub(super) before_modules: usize,
}

/// Puts into an instruction what it refers to.
pub(super) fn fill_in(
    context: &References<'_>,
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
            let Some((name, start)) = (context.map)(map) else {
                for slot in [Some(insn), rest.first_mut()].into_iter().flatten() {
                    *slot = poisoned(poison::MAP, map);
                }
                return Ok(());
            };
            let (number, of_map, of_value) = name.of_load();
            (insn.src, insn.imm) = (of_map, number);
            if let RelocTarget::MapValue { offset, .. } = target {
                insn.src = of_value;
                if let Some(second) = rest.first_mut() {
                    second.imm = offset.wrapping_add(start) as i32;
                }
            }
        }
        RelocTarget::JumpTable(table) => {
            // There are none yet where only the hash is wanted, which leaves descriptors out.
            let map = context.jump_tables.get(table);
            insn.src = pseudo::MAP_VALUE;
            insn.imm = map.map_or(0, |map| map.as_fd().as_raw_fd());
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
    context: &References<'_>,
    call: &mut Insn,
    position: usize,
    resolved: Resolved,
) -> Option<()> {
    match resolved {
        Resolved::Typed { btf_id, module } => {
            let number = match module {
                Some(module) => {
                    let number = context.externs.module_number(module)?;
                    i16::try_from(number.checked_add(context.before_modules)?).ok()?
                }
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
fn load_extern(context: &References<'_>, resolved: Resolved) -> Result<(u8, i32, i32)> {
    Ok(match resolved {
        Resolved::Typed { btf_id, module } => {
            let module = context.kernel.module(module)?;
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
