//! Our text of instructions beside what the verifier of this kernel writes: instructions of every kind with operands of
//! our choice, and every opcode with operands that make a difference.

use std::collections::BTreeSet;

use oxbpf::object::asm::{
    self, AluOp, AtomicOp, Callee, Cond, Extend, Insn, Narrow, NoNames, Op, Operand, Reg, Size,
    SwapBits, SwapTo, Width, opcode::class,
};
use oxbpf::object::kernel::{Helper, ProgramType};
use oxbpf::program::{LogLevel, ProgramLoad};

use Reg::{R0, R1, R2, R3, R4, R5, R6, R7, R10};

/// How far the samples jump: past the end of the program, to a function.
const DISTANCE: i16 = 20;

fn arithmetic() -> Vec<Op> {
    use AluOp::*;
    let mut ops = Vec::new();
    for width in [Width::Bits32, Width::Bits64] {
        for op in [
            Add, Sub, Mul, Div, SDiv, Or, And, Lsh, Rsh, Mod, SMod, Xor, Mov, Arsh,
        ] {
            for src in [Operand::Reg(R2), Operand::Imm(7), Operand::Imm(-7)] {
                ops.push(Op::Alu {
                    op,
                    width,
                    dst: R6,
                    src,
                });
            }
        }
        ops.push(Op::Neg { width, dst: R6 });
    }
    for extend in [
        Extend::S8To32,
        Extend::S16To32,
        Extend::S8To64,
        Extend::S16To64,
        Extend::S32To64,
    ] {
        ops.push(asm::mov_sx(extend, R6, R2));
    }
    for to in [SwapTo::Little, SwapTo::Big, SwapTo::Other] {
        for bits in [SwapBits::Bits16, SwapBits::Bits32, SwapBits::Bits64] {
            ops.push(asm::swap(to, bits, R6));
        }
    }
    ops.push(asm::addr_space_cast(R6, R2, 0, 1));
    ops.push(asm::addr_space_cast(R6, R2, 1, 0));
    ops.push(asm::load_imm64(R6, 0));
    ops.push(asm::load_imm64(R6, 0xfedc_ba98_7654_3210));
    ops
}

fn jumps() -> Vec<Op> {
    use Cond::*;
    let mut ops = Vec::new();
    for cond in [Eq, Ne, Set, Gt, Ge, Lt, Le, SGt, SGe, SLt, SLe] {
        for (right, distance) in [
            (Operand::Reg(R2), DISTANCE),
            (Operand::Imm(9), DISTANCE),
            (Operand::Imm(-9), 0),
        ] {
            ops.push(asm::jump(cond, R6, right, distance));
            ops.push(asm::jump32(cond, R6, right, distance));
        }
    }
    ops.extend([
        asm::goto(DISTANCE),
        asm::goto_long(DISTANCE.into()),
        asm::may_goto(DISTANCE),
        asm::call(Helper::KTIME_GET_NS),
        asm::call(Helper::MAP_LOOKUP_ELEM),
        asm::call(Helper(195_896_080)),
        asm::call_subprogram(DISTANCE.into()),
        asm::exit(),
    ]);
    ops
}

fn memory() -> Vec<Op> {
    use AtomicOp::*;
    let mut ops = Vec::new();
    for size in [Size::B, Size::H, Size::W, Size::DW] {
        ops.extend([
            asm::load(size, R6, R1, 8),
            asm::load(size, R6, R10, -8),
            asm::store(size, R10, -8, R2),
            asm::store(size, R10, -16, 5),
            asm::store(size, R10, -16, -5),
            asm::load_acquire(size, R6, R10, -8),
            asm::store_release(size, R10, -8, R2),
        ]);
    }
    for size in [Narrow::B, Narrow::H, Narrow::W] {
        ops.extend([
            asm::load_sx(size, R6, R10, -8),
            asm::load_abs(size, 12),
            asm::load_ind(size, R2, 12),
        ]);
    }
    for op in [
        Add, Or, And, Xor, FetchAdd, FetchOr, FetchAnd, FetchXor, Xchg, CmpXchg,
    ] {
        for width in [Width::Bits32, Width::Bits64] {
            ops.push(asm::atomic(op, width, R10, -8, R2));
        }
    }
    ops
}

/// A program that gets to `op` with numbers in all registers but R1 and R10, and the slot of `op`.
fn around(op: Op) -> (Vec<Insn>, usize) {
    let length = op.slots() as i16;
    let mut before: Vec<Op> = [0, 3, 4, 5, 8, 9]
        .map(|number| asm::mov(Reg::from_number(number).unwrap(), 1))
        .to_vec();
    // What is compared must not be known, or else the verifier makes a plain jump of it.
    before.extend([R2, R6, R7].map(|reg| asm::load(Size::W, reg, R1, 0)));
    // Ways past it, so that all that follows can be reached; a function only by a call.
    if !matches!(op, Op::Call(Callee::Subprogram(_))) {
        before.push(asm::jump(Cond::Eq, R7, 6, 1 + length + DISTANCE));
    }
    before.push(asm::jump(Cond::Eq, R7, 5, length));

    let mut insns = asm::program(before);
    let slot = insns.len();
    op.encode(&mut insns);
    let padding = vec![asm::mov(Reg::R0, 0); DISTANCE as usize - 1];
    insns.extend(asm::program(padding));
    insns.extend(asm::program([
        asm::exit(),
        asm::mov(Reg::R0, 0),
        asm::exit(),
    ]));
    (insns, slot)
}

/// The log, if there is one, and whether the program was accepted.
fn log_of(insns: &[Insn]) -> (String, bool) {
    let load = ProgramLoad {
        name: "text",
        program_type: ProgramType::SOCKET_FILTER,
        insns,
        license: "GPL",
        ..ProgramLoad::default()
    };
    match load.load_with_log(LogLevel::LEVEL2) {
        Ok((_, log)) => (log, true),
        Err(error) => {
            let log = error.verifier().map(|verdict| verdict.log().to_owned());
            (log.unwrap_or_default(), false)
        }
    }
}

/// What the log says that the instruction in a slot is: `6: (07) r6 += 1`, and then the state of
/// registers or the C line.
fn text_in(log: &str, slot: usize, code: u8) -> Option<&str> {
    let start = format!("{slot}: ({code:02x}) ");
    let text = log.lines().find_map(|line| line.strip_prefix(&start))?;
    Some(text.split(';').next()?.trim_end())
}

/// Kernels that do not know an instruction may print it before they say so.
fn is_unknown(log: &str) -> bool {
    [
        "unknown opcode",
        "reserved fields",
        "invalid atomic",
        "unknown atomic",
        "BPF_END",
    ]
    .iter()
    .any(|message| log.contains(message))
}

#[test]
fn text_of_instructions_is_the_verifiers() {
    let samples = [arithmetic(), jumps(), memory()].concat();
    let (mut same, mut unknown) = (0, 0);
    for op in samples {
        let (insns, slot) = around(op);
        let (log, _) = log_of(&insns);
        match text_in(&log, slot, insns[slot].code) {
            // `gotol` before 6.6 is a comparison called `jmp`.
            Some(text) if !is_unknown(&log) && !text.contains(" jmp ") => {
                assert_eq!(op.to_string(), text, "{log}");
                same += 1;
            }
            _ => {
                println!("not known here: {op}");
                unknown += 1;
            }
        }
    }
    println!("{same} the same, {unknown} unknown");
    // All that Linux 5.10 knows.
    assert!(same > 180, "only {same}");
}

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
fn every_opcode() -> Vec<Insn> {
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

/// What the verifier writes for an instruction in a program that does nothing else; `None` if it rejects that.
fn accepted_text(insn: Insn) -> Option<String> {
    let mut insns = asm::program([
        asm::mov(R6, R1),
        // Numbers that the verifier does not know, or it would do without some instructions.
        asm::call(Helper::GET_PRANDOM_U32),
        asm::mov(R7, R0),
        asm::call(Helper::GET_PRANDOM_U32),
        asm::mov(R2, R7),
        asm::mov(R3, R0),
        asm::mov(R1, 1),
        asm::mov(R4, 4),
        asm::mov(R5, 5),
        asm::store(Size::DW, R10, -8, 7),
    ]);
    let slot = insns.len();
    insns.push(insn);
    // Jumps go to the second of these.
    insns.extend(asm::program([
        asm::mov(R0, 0),
        asm::mov(R0, 0),
        asm::exit(),
    ]));
    let (log, accepted) = log_of(&insns);
    accepted.then(|| {
        let text = text_in(&log, slot, insn.code);
        text.unwrap_or_else(|| panic!("{insn:?} is not in\n{log}"))
            .to_owned()
    })
}

#[test]
fn text_of_every_opcode_is_the_verifiers() {
    let mut different = Vec::new();
    let mut compared = BTreeSet::new();
    for insn in every_opcode() {
        let ours = Op::decode(&[insn]).unwrap().0.text(&NoNames).to_string();
        let forms = compared
            .iter()
            .filter(|(code, _)| *code == insn.code)
            .count();
        if compared.contains(&(insn.code, ours.clone())) || forms == ENOUGH {
            continue;
        }
        let Some(theirs) = accepted_text(insn) else {
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
