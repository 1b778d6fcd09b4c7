//! Properties of the whole module.

use super::*;
use crate::Endian;
use crate::kernel::Helper;
use proptest::prelude::*;

/// Every opcode byte that some valid instruction has, from the opcode tables of
/// `instruction-set.rst` (and `gotox`, 0x0d, from `linux/bpf.h`).
const OPCODES: [&[u8]; 12] = [
    // LD: ldimm64, ABS, IND
    &[0x18, 0x20, 0x28, 0x30, 0x40, 0x48, 0x50],
    // LDX: MEM, MEMSX
    &[0x61, 0x69, 0x71, 0x79, 0x81, 0x89, 0x91],
    // ST, STX: MEM
    &[0x62, 0x6a, 0x72, 0x7a, 0x63, 0x6b, 0x73, 0x7b],
    // STX: ATOMIC
    &[0xc3, 0xcb, 0xd3, 0xdb],
    // ALU with an immediate, NEG, END
    &[
        0x04, 0x14, 0x24, 0x34, 0x44, 0x54, 0x64, 0x74, 0x84, 0x94, 0xa4, 0xb4, 0xc4, 0xd4,
    ],
    // ALU with a register, END
    &[
        0x0c, 0x1c, 0x2c, 0x3c, 0x4c, 0x5c, 0x6c, 0x7c, 0x9c, 0xac, 0xbc, 0xcc, 0xdc,
    ],
    // ALU64 with an immediate, NEG, END
    &[
        0x07, 0x17, 0x27, 0x37, 0x47, 0x57, 0x67, 0x77, 0x87, 0x97, 0xa7, 0xb7, 0xc7, 0xd7,
    ],
    // ALU64 with a register
    &[
        0x0f, 0x1f, 0x2f, 0x3f, 0x4f, 0x5f, 0x6f, 0x7f, 0x9f, 0xaf, 0xbf, 0xcf,
    ],
    // JMP: JA, comparisons with an immediate, CALL, EXIT, JCOND
    &[
        0x05, 0x15, 0x25, 0x35, 0x45, 0x55, 0x65, 0x75, 0x85, 0x95, 0xa5, 0xb5, 0xc5, 0xd5, 0xe5,
    ],
    // JMP: JA and comparisons with a register
    &[
        0x0d, 0x1d, 0x2d, 0x3d, 0x4d, 0x5d, 0x6d, 0x7d, 0xad, 0xbd, 0xcd, 0xdd,
    ],
    // JMP32: JA, comparisons with an immediate
    &[
        0x06, 0x16, 0x26, 0x36, 0x46, 0x56, 0x66, 0x76, 0xa6, 0xb6, 0xc6, 0xd6,
    ],
    // JMP32: comparisons with a register
    &[
        0x1e, 0x2e, 0x3e, 0x4e, 0x5e, 0x6e, 0x7e, 0xae, 0xbe, 0xce, 0xde,
    ],
];

const OFFSETS: [i16; 9] = [0, 1, 2, 8, 16, 32, -1, i16::MIN, i16::MAX];

const IMMEDIATES: [i32; 22] = [
    0,
    1,
    8,
    16,
    32,
    64,
    0x40,
    0x41,
    0x50,
    0x51,
    0xa0,
    0xa1,
    0xe1,
    0xf1,
    0x100,
    0x110,
    0x10000,
    0x10001,
    70_000,
    -1,
    i32::MIN,
    i32::MAX,
];

/// Slots that reach every decision of the decoder: all opcodes, the offsets and immediates that
/// have a meaning and some that have none, registers inside and outside.
fn slots() -> impl Iterator<Item = Insn> {
    (0..=u8::MAX).flat_map(|code| {
        [0, 1, 10, 11, 12].into_iter().flat_map(move |dst| {
            (0..16).flat_map(move |src| {
                OFFSETS.into_iter().flat_map(move |off| {
                    IMMEDIATES.into_iter().map(move |imm| Insn {
                        code,
                        dst,
                        src,
                        off,
                        imm,
                    })
                })
            })
        })
    })
}

#[test]
fn exactly_the_known_opcodes_decode_and_all_encode_back() {
    let mut seen = [false; 256];
    let second = Insn::default();
    for insn in slots() {
        let stream = [insn, second];
        if let Ok((op, len)) = Op::decode(&stream) {
            seen[usize::from(insn.code)] = true;
            assert_eq!(program([op]), stream[..len], "{op:?}");
            assert_eq!(op.slots(), len);
            assert_eq!(insn.is_wide(), len == 2);
            assert!(!op.to_string().is_empty());
        }
    }
    let mut seen: Vec<u8> = (0..=u8::MAX).filter(|c| seen[usize::from(*c)]).collect();
    let mut expected = OPCODES.concat();
    seen.sort_unstable();
    expected.sort_unstable();
    assert_eq!(seen, expected);
}

fn regs() -> impl Strategy<Value = Reg> {
    (0u8..=10).prop_map(|n| Reg::from_number(n).unwrap())
}

fn operands() -> impl Strategy<Value = Operand> {
    prop_oneof![
        regs().prop_map(Operand::Reg),
        any::<i32>().prop_map(Operand::Imm)
    ]
}

fn one_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

fn widths() -> impl Strategy<Value = Width> {
    one_of(&[Width::Bits32, Width::Bits64])
}

fn imm64s() -> impl Strategy<Value = Imm64> {
    let int = any::<i32>;
    prop_oneof![
        any::<u64>().prop_map(Imm64::Value),
        int().prop_map(Imm64::MapFd),
        (int(), any::<u32>()).prop_map(|(fd, offset)| Imm64::MapValue { fd, offset }),
        (int(), int()).prop_map(|(btf_id, module_fd)| Imm64::KernelVariable { btf_id, module_fd }),
        int().prop_map(Imm64::Subprogram),
        int().prop_map(Imm64::MapIndex),
        (int(), any::<u32>()).prop_map(|(index, offset)| Imm64::MapIndexValue { index, offset }),
    ]
}

/// Every instruction that can be written down.
fn any_op() -> impl Strategy<Value = Op> {
    let off = any::<i16>;
    let imm = any::<i32>;
    prop_oneof![
        (one_of(AluOp::ALL), widths(), regs(), operands()).prop_map(|(op, width, dst, src)| {
            Op::Alu {
                op,
                width,
                dst,
                src,
            }
        }),
        (widths(), regs()).prop_map(|(width, dst)| Op::Neg { width, dst }),
        (one_of(Extend::ALL), regs(), regs()).prop_map(|(e, dst, src)| mov_sx(e, dst, src)),
        (one_of(SwapTo::ALL), one_of(SwapBits::ALL), regs())
            .prop_map(|(to, bits, dst)| swap(to, bits, dst)),
        (regs(), regs(), any::<u16>(), any::<u16>())
            .prop_map(|(d, s, to, from)| addr_space_cast(d, s, to, from)),
        (one_of(Cond::ALL), widths(), regs(), operands(), off()).prop_map(
            |(cond, width, left, right, distance)| Op::Jump {
                cond,
                width,
                left,
                right,
                distance
            }
        ),
        off().prop_map(goto),
        imm().prop_map(goto_long),
        regs().prop_map(goto_reg),
        off().prop_map(may_goto),
        any::<u32>().prop_map(|id| call(Helper(id))),
        imm().prop_map(call_subprogram),
        (imm(), off()).prop_map(|(btf_id, module)| Op::Call(Callee::Kfunc { btf_id, module })),
        Just(exit()),
        (one_of(Narrow::ALL), imm()).prop_map(|(size, offset)| load_abs(size, offset)),
        (one_of(Narrow::ALL), regs(), imm()).prop_map(|(size, i, off)| load_ind(size, i, off)),
        (one_of(Size::ALL), regs(), regs(), off()).prop_map(|(s, d, b, o)| load(s, d, b, o)),
        (one_of(Narrow::ALL), regs(), regs(), off()).prop_map(|(s, d, b, o)| load_sx(s, d, b, o)),
        (one_of(Size::ALL), regs(), off(), operands()).prop_map(|(s, b, o, v)| store(s, b, o, v)),
        (one_of(AtomicOp::ALL), widths(), regs(), off(), regs())
            .prop_map(|(op, w, b, o, s)| atomic(op, w, b, o, s)),
        (one_of(Size::ALL), regs(), regs(), off())
            .prop_map(|(s, d, b, o)| load_acquire(s, d, b, o)),
        (one_of(Size::ALL), regs(), off(), regs())
            .prop_map(|(s, b, o, v)| store_release(s, b, o, v)),
        (regs(), imm64s()).prop_map(|(dst, value)| Op::LoadImm64 { dst, value }),
    ]
}

proptest! {
    #[test]
    fn every_op_is_what_its_bytes_decode_to(list in prop::collection::vec(any_op(), 0..20), big: bool) {
        let endian = if big { Endian::Big } else { Endian::Little };
        let bytes = encode(&program(list.iter().copied()), endian);
        let insns = decode(&bytes, endian).unwrap();
        let back: Result<Vec<Op>, Error> = ops(&insns).map(|(_, op)| op).collect();
        prop_assert_eq!(back.unwrap(), list);
    }

    #[test]
    fn random_slots_encode_back_or_are_refused(stream: Vec<(u8, u8, u8, i16, i32)>) {
        let insns: Vec<Insn> = stream
            .into_iter()
            .map(|(code, dst, src, off, imm)| Insn { code, dst: dst & 15, src: src & 15, off, imm })
            .collect();
        for (slot, op) in ops(&insns) {
            if let Ok(op) = op {
                prop_assert_eq!(&program([op])[..], &insns[slot..slot + op.slots()]);
            }
        }
        prop_assert_eq!(listing(&insns, &NoNames).to_string().lines().count(), ops(&insns).count());
    }
}

fn refusal(insns: &[Insn]) -> String {
    Op::decode(insns).unwrap_err().to_string()
}

#[test]
fn refusals_name_the_slot_and_the_fault() {
    let insn = |code, dst, src, off, imm| Insn {
        code,
        dst,
        src,
        off,
        imm,
    };
    let cases = [
        (insn(0x8d, 1, 0, 0, 0), "unknown opcode 0x8d"),
        (insn(0xdf, 1, 0, 0, 16), "unknown opcode 0xdf"),
        (
            insn(0x95, 0, 0, 5, 0),
            "`off` is 5 but must be 0 in an instruction with opcode 0x95",
        ),
        (
            insn(0xb7, 0, 3, 0, 0),
            "`src` is 3 but must be 0 in an instruction with opcode 0xb7",
        ),
        (
            insn(0x07, 0, 0, 1, 0),
            "`off` is 1 but must be 0 in an instruction with opcode 0x07",
        ),
        (
            insn(0xbf, 0, 0, 7, 0),
            "no move between these registers has offset 7",
        ),
        (
            insn(0xbc, 0, 0, 32, 0),
            "no move between these registers has offset 32",
        ),
        (
            insn(0xb7, 12, 0, 0, 0),
            "`dst` names register 12, but the last one is 11",
        ),
        (
            insn(0xbf, 0, 15, 0, 0),
            "`src` names register 15, but the last one is 11",
        ),
        (
            insn(0xd4, 0, 0, 0, 8),
            "byte swaps work on 16, 32 or 64 bits, not on 8",
        ),
        (insn(0xdb, 0, 0, 0, 0x30), "unknown atomic operation 0x30"),
        (
            insn(0xcb, 0, 0, 0, 0x41),
            "this atomic operation works on 4 or 8 bytes, not on 2",
        ),
        (insn(0x85, 0, 3, 0, 0), "no call has 3 in its `src` field"),
        (
            insn(0x18, 0, 7, 0, 0),
            "no 64-bit load has 7 in its `src` field",
        ),
        (
            insn(0xe5, 0, 1, 0, 0),
            "`src` is 1 but must be 0 in an instruction with opcode 0xe5",
        ),
    ];
    for (insn, text) in cases {
        let got = refusal(&[insn, Insn::default()]);
        assert_eq!(got, format!("instruction 0: {text}"));
    }
    assert_eq!(
        refusal(&[]),
        "instruction 0: missing: the stream ends before it"
    );
    let wide = program([load_imm64(R1, 1)]);
    assert_eq!(
        refusal(&wide[..1]),
        "instruction 1: not the second slot of the 64-bit load that starts before it"
    );
    let map_fd_with_offset = [insn(0x18, 1, 1, 0, 3), insn(0, 0, 0, 0, 9)];
    assert_eq!(
        refusal(&map_fd_with_offset),
        "instruction 1: `imm` is 9 but must be 0 in an instruction with opcode 0x00"
    );
    let no_second = [insn(0x18, 1, 0, 0, 3), insn(0x95, 0, 0, 0, 0)];
    assert_eq!(
        refusal(&no_second),
        "instruction 1: not the second slot of the 64-bit load that starts before it"
    );

    let mut stream = program([mov(R0, 0), load_imm64(R1, 1)]);
    stream.push(insn(0x8d, 0, 0, 0, 0));
    stream.extend(program([exit()]));
    let walked: Vec<_> = ops(&stream).collect();
    assert_eq!(walked[2].1.unwrap_err().slot(), 3);
    assert_eq!(walked[3], (4, Ok(exit())));
}

#[test]
fn wide_loads_keep_both_halves() {
    let insns = program([load_imm64(R3, 0x1122_3344_8877_6655)]);
    assert_eq!(
        (insns[0].imm, insns[1].imm),
        (0x8877_6655_u32 as i32, 0x1122_3344)
    );
    assert_eq!(
        Op::decode(&insns).unwrap().0.to_string(),
        "r3 = 0x1122334488776655"
    );
}

struct OneKfunc;

impl Names for OneKfunc {
    fn kfunc(&self, btf_id: i32, module: i16) -> Option<&str> {
        (btf_id == 7 && module == 2).then_some("bpf_task_acquire")
    }
}

#[test]
fn listing_has_slots_opcodes_and_names() {
    let kfunc = Op::Call(Callee::Kfunc {
        btf_id: 7,
        module: 2,
    });
    let mut insns = program([
        load_map(R1, 3),
        call(Helper::MAP_LOOKUP_ELEM),
        kfunc,
        call(Helper(195_896_080)),
        exit(),
    ]);
    insns.push(Insn {
        code: 0x8d,
        ..Insn::default()
    });
    let expected = "\
0: (18) r1 = map[fd:3]
2: (85) call bpf_map_lookup_elem#1
3: (85) call bpf_task_acquire#7
4: (85) call unknown#195896080
5: (95) exit
6: (8d) dst=0 src=0 off=0 imm=0x0 ; unknown opcode 0x8d
";
    assert_eq!(listing(&insns, &OneKfunc).to_string(), expected);
    assert_eq!(kfunc.to_string(), "call kernel-function#7");
}

#[test]
fn pseudo_loads_show_what_they_refer_to() {
    let text = |value| Op::LoadImm64 { dst: R1, value }.to_string();
    assert_eq!(text(Imm64::MapFd(3)), "r1 = map[fd:3]");
    assert_eq!(
        text(Imm64::MapValue { fd: 3, offset: 16 }),
        "r1 = map[fd:3][0]+16"
    );
    assert_eq!(text(Imm64::MapIndex(2)), "r1 = map[idx:2]");
    assert_eq!(
        text(Imm64::MapIndexValue {
            index: 2,
            offset: 8
        }),
        "r1 = map[idx:2][0]+8"
    );
    assert_eq!(text(Imm64::Subprogram(-4)), "r1 = subprog[-4]");
    assert_eq!(
        text(Imm64::KernelVariable {
            btf_id: 9,
            module_fd: 0
        }),
        "r1 = variable[btf:9]"
    );
}

#[test]
fn text_of_what_clang_19_has_no_syntax_for() {
    let cases = [
        (
            load_acquire(Size::B, R2, R1, 8),
            "r2 = load_acquire((u8 *)(r1 +8))",
        ),
        (
            load_acquire(Size::DW, R2, R1, -8),
            "r2 = load_acquire((u64 *)(r1 -8))",
        ),
        (
            store_release(Size::H, R1, 0, R2),
            "store_release((u16 *)(r1 +0), r2)",
        ),
        (
            store_release(Size::W, R1, 4, R2),
            "store_release((u32 *)(r1 +4), r2)",
        ),
        (goto_reg(R3), "gotox r3"),
        (goto_long(-70_000), "gotol pc-70000"),
        (call_subprogram(5), "call pc+5"),
        (call(Helper::UNSPEC), "call bpf_unspec#0"),
    ];
    for (op, text) in cases {
        assert_eq!(op.to_string(), text);
    }
}

#[test]
fn what_the_verifier_writes_is_shown_as_it_shows_it() {
    let moved = |dst, src, off| Insn {
        code: 0xbf,
        dst,
        src,
        off,
        imm: 0,
    };
    let insns = [moved(0, 0, -1), moved(11, 3, 0)];
    assert_eq!(
        listing(&insns, &NoNames).to_string(),
        "0: (bf) r0 = &(void __percpu *)(r0)\n1: (bf) r11 = r3\n"
    );
}
