//! What the verifier has made of a program's instructions, as the selftests list them.

use libbpf_sys as sys;
use oxbpf::object::Endian;
use oxbpf::object::asm::{Insn, NoNames, listing, pseudo};

use crate::record::query;

/// `slot: text`, a line each; `None` if the kernel does not show it.
pub(crate) fn text(program: i32) -> Option<String> {
    let size = info(program, &mut [])?.xlated_prog_len;
    let mut bytes = vec![0; size as usize];
    info(program, &mut bytes)?;
    let mut insns: Vec<Insn> = bytes
        .chunks_exact(Insn::SIZE)
        .map(|slot| Insn::decode(slot.try_into().expect("eight bytes"), Endian::NATIVE))
        .collect();
    // With the JIT, a call of a subprogram has the subprogram's number, and the distance beside it.
    for insn in &mut insns {
        if insn.is_call() && insn.src == pseudo::CALL && insn.off != 0 {
            (insn.imm, insn.off) = (insn.off.into(), 0);
        }
    }
    let listed = listing(&insns, &NoNames).to_string();
    Some(listed.lines().map(as_tests_list).collect())
}

/// Without the opcode, and calls without the number of what is called.
fn as_tests_list(line: &str) -> String {
    let (slot, rest) = line.split_once(": (").unwrap_or_default();
    let text = rest.split_once(") ").map_or("", |(_, text)| text);
    let text = match text.starts_with("call ") {
        true => text.rsplit_once('#').map_or(text, |(name, _)| name),
        false => text,
    };
    format!("{slot}: {text}\n")
}

fn info(program: i32, insns: &mut [u8]) -> Option<sys::bpf_prog_info> {
    let mut info = sys::bpf_prog_info {
        xlated_prog_len: insns.len() as u32,
        xlated_prog_insns: insns.as_mut_ptr() as u64,
        ..Default::default()
    };
    // SAFETY: `bpf_prog_info` is what the kernel writes for a program; the instructions have room.
    unsafe { query(program, &mut info) }.then_some(info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_the_tests_have_them() {
        assert_eq!(as_tests_list("3: (bf) r0 = r1"), "3: r0 = r1\n");
        assert_eq!(
            as_tests_list("4: (85) call bpf_get_prandom_u32#7"),
            "4: call bpf_get_prandom_u32\n"
        );
        assert_eq!(
            as_tests_list("5: (61) r1 = *(u32 *)(r2 +0)"),
            "5: r1 = *(u32 *)(r2 +0)\n"
        );
    }
}
