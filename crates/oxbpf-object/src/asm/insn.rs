//! One 8-byte instruction slot, free of byte order.

use super::error::{Error, ErrorKind};
use super::opcode::{class, jmp, mode, size, source};
use super::pseudo;
use crate::endian::Endian;

/// One 8-byte instruction slot.
///
/// The fields are plain numbers, so every slot can be held, even one that is no valid instruction.
/// `dst` and `src` have four bits each on the wire; higher bits are dropped when encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[doc(alias = "bpf_insn")]
pub struct Insn {
    /// Opcode; its parts are in [`opcode`](super::opcode).
    pub code: u8,
    /// Destination register, 0 to 10.
    pub dst: u8,
    /// Source register, or a [`pseudo`] value.
    pub src: u8,
    /// Signed offset: bytes for memory access, slots for jumps.
    pub off: i16,
    /// Signed immediate.
    pub imm: i32,
}

impl Insn {
    /// Size of one slot in bytes.
    pub const SIZE: usize = 8;

    const LD_IMM64: u8 = class::LD | mode::IMM | size::DW;
    const CALL: u8 = class::JMP | jmp::CALL;
    const EXIT: u8 = class::JMP | jmp::EXIT;

    /// Reads one slot. Big-endian objects also swap the two register nibbles, as the C bit-fields
    /// of the kernel's header do.
    pub fn decode(bytes: [u8; Self::SIZE], endian: Endian) -> Self {
        let [code, regs, o0, o1, i0, i1, i2, i3] = bytes;
        let (low, high) = (regs & 0x0f, regs >> 4);
        match endian {
            Endian::Little => Insn {
                code,
                dst: low,
                src: high,
                off: i16::from_le_bytes([o0, o1]),
                imm: i32::from_le_bytes([i0, i1, i2, i3]),
            },
            Endian::Big => Insn {
                code,
                dst: high,
                src: low,
                off: i16::from_be_bytes([o0, o1]),
                imm: i32::from_be_bytes([i0, i1, i2, i3]),
            },
        }
    }

    /// Writes one slot; the inverse of [`Insn::decode`].
    pub fn encode(self, endian: Endian) -> [u8; Self::SIZE] {
        let (dst, src) = (self.dst & 0x0f, self.src & 0x0f);
        let (regs, [o0, o1], [i0, i1, i2, i3]) = match endian {
            Endian::Little => (
                dst | (src << 4),
                self.off.to_le_bytes(),
                self.imm.to_le_bytes(),
            ),
            Endian::Big => (
                src | (dst << 4),
                self.off.to_be_bytes(),
                self.imm.to_be_bytes(),
            ),
        };
        [self.code, regs, o0, o1, i0, i1, i2, i3]
    }

    /// The instruction class, one of [`opcode::class`](class).
    pub fn class(self) -> u8 {
        self.code & class::MASK
    }

    /// First slot of a 64-bit immediate load, the only instruction that takes two slots.
    #[doc(alias = "BPF_LD_IMM64")]
    pub fn is_wide(self) -> bool {
        self.code == Self::LD_IMM64
    }

    /// A call of any kind.
    pub fn is_call(self) -> bool {
        self.code == Self::CALL
    }

    /// A call of a kernel helper; `imm` is the helper's number.
    pub fn is_helper_call(self) -> bool {
        self.is_call() && self.src == 0
    }

    /// A call of a function of this program; `imm` is the distance in slots.
    #[doc(alias = "BPF_PSEUDO_CALL")]
    pub fn is_subprogram_call(self) -> bool {
        self.is_call() && self.src == pseudo::CALL
    }

    /// A call of a kernel function; `imm` is its BTF id, `off` the index of its module's BTF.
    #[doc(alias = "BPF_PSEUDO_KFUNC_CALL")]
    pub fn is_kfunc_call(self) -> bool {
        self.is_call() && self.src == pseudo::KFUNC_CALL
    }

    /// First slot of a load of a subprogram's address; `imm` is the distance in slots.
    #[doc(alias = "BPF_PSEUDO_FUNC")]
    pub fn is_func_addr(self) -> bool {
        self.is_wide() && self.src == pseudo::FUNC
    }

    /// First slot of a load of a map's address or of an address inside its first value.
    pub fn is_map_addr(self) -> bool {
        self.is_wide()
            && matches!(
                self.src,
                pseudo::MAP_FD | pseudo::MAP_VALUE | pseudo::MAP_IDX | pseudo::MAP_IDX_VALUE
            )
    }

    /// Return from the function.
    pub fn is_exit(self) -> bool {
        self.code == Self::EXIT
    }

    /// A jump that stays in the function: conditional or not, but no call and no exit.
    pub fn is_jump(self) -> bool {
        matches!(self.class(), class::JMP | class::JMP32)
            && !matches!(self.code & jmp::MASK, jmp::CALL | jmp::EXIT)
    }

    /// Distance of a jump in slots, counted from the slot after it, wherever it is encoded.
    /// `None` if this is no jump, or one whose target is in a register.
    pub fn jump_distance(self) -> Option<i32> {
        if !self.is_jump() {
            return None;
        }
        match self.code {
            GOTOL => Some(self.imm),
            GOTOX => None,
            _ => Some(i32::from(self.off)),
        }
    }
}

const GOTOL: u8 = class::JMP32 | jmp::JA;
const GOTOX: u8 = class::JMP | jmp::JA | source::X;

/// Reads a whole stream of slots.
///
/// # Errors
/// The stream does not end at a slot boundary.
pub fn decode(bytes: &[u8], endian: Endian) -> Result<Vec<Insn>, Error> {
    let mut chunks = bytes.chunks_exact(Insn::SIZE);
    let insns: Vec<Insn> = chunks
        .by_ref()
        .filter_map(|slot| slot.try_into().ok())
        .map(|slot| Insn::decode(slot, endian))
        .collect();
    match chunks.remainder().len() {
        0 => Ok(insns),
        trailing => Err(Error::new(insns.len(), ErrorKind::PartialSlot { trailing })),
    }
}

/// Writes a whole stream of slots; the inverse of [`decode`].
pub fn encode(insns: &[Insn], endian: Endian) -> Vec<u8> {
    insns.iter().flat_map(|insn| insn.encode(endian)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_bytes_in_both_orders() {
        // r3 = *(u32 *)(r1 + 0x1234), as clang writes it for bpfel and bpfeb.
        let insn = Insn {
            code: 0x61,
            dst: 3,
            src: 1,
            off: 0x1234,
            imm: -2,
        };
        let little = [0x61, 0x13, 0x34, 0x12, 0xfe, 0xff, 0xff, 0xff];
        let big = [0x61, 0x31, 0x12, 0x34, 0xff, 0xff, 0xff, 0xfe];
        assert_eq!(insn.encode(Endian::Little), little);
        assert_eq!(insn.encode(Endian::Big), big);
        assert_eq!(Insn::decode(little, Endian::Little), insn);
        assert_eq!(Insn::decode(big, Endian::Big), insn);
    }

    #[test]
    fn partial_slot_is_named() {
        let err = decode(&[0; 19], Endian::Little).unwrap_err();
        assert_eq!(err.slot(), 2);
        assert_eq!(
            err.to_string(),
            "instruction 2: cut off: only 3 of its 8 bytes are there"
        );
    }

    #[test]
    fn calls_are_told_apart() {
        let call = |src| Insn {
            code: 0x85,
            src,
            ..Insn::default()
        };
        let kinds = |i: Insn| {
            (
                i.is_helper_call(),
                i.is_subprogram_call(),
                i.is_kfunc_call(),
            )
        };
        assert_eq!(kinds(call(0)), (true, false, false));
        assert_eq!(kinds(call(1)), (false, true, false));
        assert_eq!(kinds(call(2)), (false, false, true));
        assert!(!call(0).is_jump());
        assert!(
            !Insn {
                code: 0x95,
                ..call(0)
            }
            .is_call()
        );
    }

    #[test]
    fn jump_distance_is_found_where_it_is() {
        let insn = |code| Insn {
            code,
            off: -3,
            imm: 70_000,
            ..Insn::default()
        };
        assert_eq!(insn(0x05).jump_distance(), Some(-3)); // goto
        assert_eq!(insn(0x06).jump_distance(), Some(70_000)); // gotol
        assert_eq!(insn(0x1d).jump_distance(), Some(-3)); // if r == r
        assert_eq!(insn(0xe5).jump_distance(), Some(-3)); // may_goto
        assert_eq!(insn(0x0d).jump_distance(), None); // gotox
        assert_eq!(insn(0x85).jump_distance(), None); // call
        assert_eq!(insn(0x95).jump_distance(), None); // exit
        assert_eq!(insn(0xb7).jump_distance(), None); // mov
    }

    proptest! {
        #[test]
        fn every_slot_round_trips(bytes: [u8; 8], big: bool) {
            let endian = if big { Endian::Big } else { Endian::Little };
            prop_assert_eq!(Insn::decode(bytes, endian).encode(endian), bytes);
        }

        #[test]
        fn every_stream_round_trips(slots: Vec<[u8; 8]>, big: bool) {
            let endian = if big { Endian::Big } else { Endian::Little };
            let bytes = slots.concat();
            let insns = decode(&bytes, endian).unwrap();
            prop_assert_eq!(insns.len(), slots.len());
            prop_assert_eq!(encode(&insns, endian), bytes);
        }
    }
}
