//! What a program is changed to when the kernel refuses it for something newer than the kernel.

use oxbpf_object::asm::Insn;
use oxbpf_object::btf::{BtfBuilder, TypeId};
use oxbpf_object::kernel::Helper;

use crate::btf::ObjectBtf;
use crate::error::{Error, ErrorKind};
use crate::feature;
use crate::program::ProgramLoad;

/// Helpers that read memory of one kind, and the older ones that read any. Linux 5.5.
const READERS: &[(Helper, Helper)] = &[
    (Helper::PROBE_READ_USER, Helper::PROBE_READ),
    (Helper::PROBE_READ_KERNEL, Helper::PROBE_READ),
    (Helper::PROBE_READ_USER_STR, Helper::PROBE_READ_STR),
    (Helper::PROBE_READ_KERNEL_STR, Helper::PROBE_READ_STR),
];

/// The instructions to try instead of those that were refused with `error`; `None` if there is nothing to change.
pub(super) fn instead_of(insns: &[Insn], error: &Error) -> Option<Vec<Insn>> {
    if error.kind() != ErrorKind::Rejected {
        return None;
    }
    let older = with_older_readers(insns)?;
    (!feature::has_probe_read_kernel()).then_some(older)
}

/// With the older helpers; `None` if no newer one is called.
fn with_older_readers(insns: &[Insn]) -> Option<Vec<Insn>> {
    let mut older = insns.to_vec();
    let mut changed = false;
    for insn in older.iter_mut().filter(|insn| insn.is_helper_call()) {
        let stand_in = READERS
            .iter()
            .find(|(newer, _)| insn.imm == newer.0 as i32)
            .map(|(_, older)| older);
        if let Some(stand_in) = stand_in {
            insn.imm = stand_in.0 as i32;
            changed = true;
        }
    }
    changed.then_some(older)
}

/// Types in which the arguments of a program's global functions that are noted as its context are declared as what kernels
/// before Linux 6.8 know it by, loaded, and the program's functions as they are called there. `None` if the refusal is not for
/// that.
pub(super) fn with_contexts(
    load: &ProgramLoad<'_>,
    error: &Error,
) -> Option<(ObjectBtf, Vec<(usize, TypeId)>)> {
    if error.kind() != ErrorKind::Rejected || load.func_info.len() < 2 {
        return None;
    }
    let (types, context) = (load.types?, load.program_type.context()?);
    let mut changed = BtfBuilder::copy_of(types).ok()?;
    let functions = load.func_info.iter().map(|(_, function)| *function);
    let copies = changed.add_functions_of_context(types, functions, context);
    let copies = copies.ok()?;
    if copies.is_empty() || feature::reads_context_notes() {
        return None;
    }
    let btf = ObjectBtf::load(&changed.build().ok()?, load.token).ok()?;
    let functions = load.func_info.iter();
    let functions = functions.map(|(slot, id)| (*slot, copies.get(id).copied().unwrap_or(*id)));
    Some((btf, functions.collect()))
}

#[cfg(test)]
mod tests {
    use oxbpf_object::asm::{self, Reg};
    use oxbpf_object::kernel::ProgramType;

    use super::*;

    fn calls(helper: Helper) -> Vec<Insn> {
        asm::program([
            asm::mov(Reg::R1, Reg::R10),
            asm::alu(asm::AluOp::Add, Reg::R1, -8),
            asm::mov(Reg::R2, 8),
            asm::mov(Reg::R3, Reg::R10),
            asm::call(helper),
            asm::mov(Reg::R0, 0),
            asm::exit(),
        ])
    }

    fn load(insns: &[Insn]) -> crate::Result<crate::Program> {
        ProgramLoad {
            name: "reads",
            program_type: ProgramType::TRACEPOINT,
            insns,
            license: "GPL",
            ..ProgramLoad::default()
        }
        .load()
    }

    /// Every kernel that tests run on has the newer helpers, so the change is made by hand.
    #[test]
    fn older_readers_take_the_same_arguments() {
        for (newer, older) in READERS {
            let insns = calls(*newer);
            load(&insns).unwrap();
            let changed = with_older_readers(&insns).unwrap();
            assert_eq!(changed, calls(*older));
            load(&changed).unwrap();
        }
        assert_eq!(with_older_readers(&calls(Helper::PROBE_READ)), None);
    }

    #[test]
    fn what_this_kernel_has_is_not_changed() {
        let mut insns = calls(Helper::PROBE_READ_KERNEL);
        // Refused for another reason: r0 is not set.
        insns.remove(insns.len() - 2);
        insns.insert(0, Insn::default());
        let error = load(&insns).unwrap_err();
        assert_eq!(instead_of(&insns, &error), None);
    }
}
