//! The text of instructions beside what the verifier of this kernel writes.

use oxbpf::object::asm::{self, Insn, NoNames, Op, Reg, Size, opcode::class};
use oxbpf::object::kernel::{Helper, ProgramType};
use oxbpf::program::{LogLevel, ProgramLoad};

/// Offsets and immediates that make a difference to what an opcode means.
const OFFSETS: [i16; 6] = [0, 1, 8, 16, 32, -8];
const IMMEDIATES: [i32; 18] = [
    1,
    -0x8000,
    16,
    5,
    32,
    64,
    0,
    0x40,
    0x50,
    0xa0,
    0x41,
    0x51,
    0xa1,
    0xe1,
    0xf1,
    0x100,
    0x110,
    0x7fff_ffff,
];

/// How many forms of an opcode are enough.
const ENOUGH: usize = 12;

/// Every instruction of one slot that there is, with operands that a program can be made of.
fn instructions() -> Vec<Insn> {
    let mut found = Vec::new();
    for code in 0..=u8::MAX {
        for (off, imm) in OFFSETS
            .iter()
            .flat_map(|off| IMMEDIATES.map(|imm| (*off, imm)))
        {
            for (dst, src) in [(2, 3), (2, 10), (10, 2), (2, 0), (10, 0), (0, 3), (0, 0)] {
                let insn = Insn {
                    code,
                    dst,
                    src,
                    off,
                    imm,
                };
                let memory = !matches!(
                    insn.class(),
                    class::ALU | class::ALU64 | class::JMP | class::JMP32 | class::LD
                );
                let jump = insn.is_jump() && insn.jump_distance() != Some(1);
                let subprogram = insn.is_call() && insn.src != 0;
                if memory != (off == -8) || jump || subprogram || insn.is_wide() {
                    continue;
                }
                if Op::decode(&[insn]).is_ok() {
                    found.push(insn);
                }
            }
        }
    }
    found
}

/// What the verifier writes for an instruction in a program that does nothing else; `None` if it
/// rejects that.
fn verifier_text(insn: Insn) -> Option<String> {
    let mut insns = asm::program([
        asm::mov(Reg::R6, Reg::R1),
        // Numbers that the verifier does not know, or it would do without some instructions.
        asm::call(Helper::GET_PRANDOM_U32),
        asm::mov(Reg::R7, Reg::R0),
        asm::call(Helper::GET_PRANDOM_U32),
        asm::mov(Reg::R2, Reg::R7),
        asm::mov(Reg::R3, Reg::R0),
        asm::mov(Reg::R1, 1),
        asm::mov(Reg::R4, 4),
        asm::mov(Reg::R5, 5),
        asm::store(Size::DW, Reg::R10, -8, 7),
    ]);
    let slot = insns.len();
    insns.push(insn);
    // Jumps go to the second of these.
    insns.extend(asm::program([
        asm::mov(Reg::R0, 0),
        asm::mov(Reg::R0, 0),
        asm::exit(),
    ]));
    let load = ProgramLoad {
        name: "text",
        program_type: ProgramType::SOCKET_FILTER,
        insns: &insns,
        license: "GPL",
        ..ProgramLoad::default()
    };
    let (_, log) = load.load_with_log(LogLevel::LEVEL2).ok()?;
    let start = format!("{slot}: ({:02x}) ", insn.code);
    let line = log
        .lines()
        .find_map(|line| line.strip_prefix(&start))
        .unwrap_or_else(|| panic!("{insn:?} is not in\n{log}"));
    // Newer kernels write register states behind the instruction.
    let text = line.split(" ;").next().unwrap_or_default();
    Some(text.trim_end().to_owned())
}

#[test]
fn text_is_what_the_verifier_writes() {
    let mut different = Vec::new();
    let mut compared = std::collections::BTreeSet::new();
    for insn in instructions() {
        let ours = Op::decode(&[insn]).unwrap().0.text(&NoNames).to_string();
        let forms = compared
            .iter()
            .filter(|(code, _)| *code == insn.code)
            .count();
        if compared.contains(&(insn.code, ours.clone())) || forms == ENOUGH {
            continue;
        }
        let Some(theirs) = verifier_text(insn) else {
            continue;
        };
        // Kernels before 6.6 take what they do not know for a condition.
        if ours.starts_with("gotol") && theirs.starts_with("if") {
            continue;
        }
        if ours != theirs {
            different.push(format!(
                "{insn:?}: `{ours}`, the verifier writes `{theirs}`"
            ));
        }
        compared.insert((insn.code, ours));
    }
    assert!(
        compared.len() > 500,
        "only {} were compared",
        compared.len()
    );
    assert!(different.is_empty(), "{}", different.join("\n"));
}
