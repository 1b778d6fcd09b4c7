//! Constructors of instructions, for programs written by hand.

use super::insn::Insn;
use super::op::{AluOp, AtomicOp, Callee, Cond, Extend, Imm64, Op, SwapTo};
use super::operand::{Narrow, Operand, Reg, Size, SwapBits, Width};
use crate::kernel::Helper;

/// The slots of a sequence of instructions.
pub fn program(ops: impl IntoIterator<Item = Op>) -> Vec<Insn> {
    let mut insns = Vec::new();
    for op in ops {
        op.encode(&mut insns);
    }
    insns
}

/// Any two-operand arithmetic on 64 bits.
pub fn alu(op: AluOp, dst: Reg, src: impl Into<Operand>) -> Op {
    Op::Alu {
        op,
        width: Width::Bits64,
        dst,
        src: src.into(),
    }
}

/// Any two-operand arithmetic on the lower 32 bits.
pub fn alu32(op: AluOp, dst: Reg, src: impl Into<Operand>) -> Op {
    Op::Alu {
        op,
        width: Width::Bits32,
        dst,
        src: src.into(),
    }
}

macro_rules! arithmetic {
    ($($wide:ident $half:ident $op:ident $text:literal),+ $(,)?) => {
        $(
            #[doc = concat!($text, ", on 64 bits.")]
            pub fn $wide(dst: Reg, src: impl Into<Operand>) -> Op {
                alu(AluOp::$op, dst, src)
            }

            #[doc = concat!($text, ", on the lower 32 bits; the upper half becomes zero.")]
            pub fn $half(dst: Reg, src: impl Into<Operand>) -> Op {
                alu32(AluOp::$op, dst, src)
            }
        )+
    };
}

arithmetic! {
    mov mov32 Mov "`dst = src`",
    add add32 Add "`dst += src`",
    sub sub32 Sub "`dst -= src`",
    mul mul32 Mul "`dst *= src`",
    div div32 Div "`dst /= src`, unsigned",
    sdiv sdiv32 SDiv "`dst /= src`, signed (Linux 6.6)",
    rem rem32 Mod "`dst %= src`, unsigned",
    srem srem32 SMod "`dst %= src`, signed (Linux 6.6)",
    or or32 Or "`dst |= src`",
    and and32 And "`dst &= src`",
    xor xor32 Xor "`dst ^= src`",
    lsh lsh32 Lsh "`dst <<= src`",
    rsh rsh32 Rsh "`dst >>= src`, filling with zeroes",
    arsh arsh32 Arsh "`dst >>= src`, filling with the sign",
}

/// `dst = -dst`, on 64 bits.
pub fn neg(dst: Reg) -> Op {
    Op::Neg {
        width: Width::Bits64,
        dst,
    }
}

/// `dst = -dst`, on the lower 32 bits; the upper half becomes zero.
pub fn neg32(dst: Reg) -> Op {
    Op::Neg {
        width: Width::Bits32,
        dst,
    }
}

/// `dst = (sN)src`. Linux 6.6.
pub fn mov_sx(extend: Extend, dst: Reg, src: Reg) -> Op {
    Op::MovSx { extend, dst, src }
}

/// Change of byte order of the lower bits of `dst`; what is above becomes zero.
pub fn swap(to: SwapTo, bits: SwapBits, dst: Reg) -> Op {
    Op::Swap { to, bits, dst }
}

/// `dst = addr_space_cast(src, to, from)`. Linux 6.9.
pub fn addr_space_cast(dst: Reg, src: Reg, to: u16, from: u16) -> Op {
    Op::AddrSpaceCast { dst, src, to, from }
}

/// `if left cond right goto +distance`, comparing 64 bits.
pub fn jump(cond: Cond, left: Reg, right: impl Into<Operand>, distance: i16) -> Op {
    Op::Jump {
        cond,
        width: Width::Bits64,
        left,
        right: right.into(),
        distance,
    }
}

/// `if left cond right goto +distance`, comparing the lower 32 bits. Linux 5.1.
pub fn jump32(cond: Cond, left: Reg, right: impl Into<Operand>, distance: i16) -> Op {
    Op::Jump {
        cond,
        width: Width::Bits32,
        left,
        right: right.into(),
        distance,
    }
}

/// `goto +distance`.
pub fn goto(distance: i16) -> Op {
    Op::Goto { distance }
}

/// `gotol +distance`. Linux 6.6.
pub fn goto_long(distance: i32) -> Op {
    Op::GotoLong { distance }
}

/// `gotox target`. Linux 6.19.
pub fn goto_reg(target: Reg) -> Op {
    Op::GotoReg { target }
}

/// `may_goto +distance`. Linux 6.9.
pub fn may_goto(distance: i16) -> Op {
    Op::MayGoto { distance }
}

/// Call of a kernel helper.
pub fn call(helper: Helper) -> Op {
    Op::Call(Callee::Helper(helper))
}

/// Call of a function of this program, `distance` slots after the next one.
pub fn call_subprogram(distance: i32) -> Op {
    Op::Call(Callee::Subprogram(distance))
}

/// Call of a kernel function of vmlinux, by BTF id. Linux 5.13.
pub fn call_kfunc(btf_id: i32) -> Op {
    Op::Call(Callee::Kfunc { btf_id, module: 0 })
}

/// Return of R0.
pub fn exit() -> Op {
    Op::Exit
}

/// `r0 = skb[offset]`, from network order, with the context in R6.
pub fn load_abs(size: Narrow, offset: i32) -> Op {
    Op::LoadAbs { size, offset }
}

/// `r0 = skb[index + offset]`, from network order, with the context in R6.
pub fn load_ind(size: Narrow, index: Reg, offset: i32) -> Op {
    Op::LoadInd {
        size,
        index,
        offset,
    }
}

/// `dst = *(uN *)(base + off)`.
pub fn load(size: Size, dst: Reg, base: Reg, off: i16) -> Op {
    Op::Load {
        size,
        dst,
        base,
        off,
    }
}

/// `dst = *(sN *)(base + off)`. Linux 6.6.
pub fn load_sx(size: Narrow, dst: Reg, base: Reg, off: i16) -> Op {
    Op::LoadSx {
        size,
        dst,
        base,
        off,
    }
}

/// `*(uN *)(base + off) = src`.
pub fn store(size: Size, base: Reg, off: i16, src: impl Into<Operand>) -> Op {
    Op::Store {
        size,
        base,
        off,
        src: src.into(),
    }
}

/// Atomic operation on 4 or 8 bytes of memory.
pub fn atomic(op: AtomicOp, width: Width, base: Reg, off: i16, src: Reg) -> Op {
    Op::Atomic {
        op,
        width,
        base,
        off,
        src,
    }
}

/// `dst = load_acquire(base + off)`. Linux 6.15.
pub fn load_acquire(size: Size, dst: Reg, base: Reg, off: i16) -> Op {
    Op::LoadAcquire {
        size,
        dst,
        base,
        off,
    }
}

/// `store_release(base + off, src)`. Linux 6.15.
pub fn store_release(size: Size, base: Reg, off: i16, src: Reg) -> Op {
    Op::StoreRelease {
        size,
        base,
        off,
        src,
    }
}

/// `dst = value` with all 64 bits. Two slots.
pub fn load_imm64(dst: Reg, value: u64) -> Op {
    let value = Imm64::Value(value);
    Op::LoadImm64 { dst, value }
}

/// The address of the map with this descriptor. Two slots.
pub fn load_map(dst: Reg, fd: i32) -> Op {
    let value = Imm64::MapFd(fd);
    Op::LoadImm64 { dst, value }
}

/// An address inside the first value of the map with this descriptor. Two slots. Linux 5.2.
pub fn load_map_value(dst: Reg, fd: i32, offset: u32) -> Op {
    let value = Imm64::MapValue { fd, offset };
    Op::LoadImm64 { dst, value }
}

/// The address of a function of this program, `distance` slots after the first slot of the load.
/// Two slots. Linux 5.13.
pub fn load_function(dst: Reg, distance: i32) -> Op {
    let value = Imm64::Subprogram(distance);
    Op::LoadImm64 { dst, value }
}
