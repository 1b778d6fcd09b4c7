//! The typed view of one instruction.

use super::opcode::{alu, atomic, class, jmp, source};
use super::operand::{Narrow, Operand, Reg, Size, SwapBits, Width};
use super::table::table;
use crate::kernel::Helper;

/// One instruction with its meaning: what [`Insn`](super::Insn) is before it is packed into slots.
///
/// Every value can be encoded; values that the kernel has no encoding for cannot be written down.
/// [`Op::decode`] and [`Op::encode`] are inverse to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Op {
    /// `dst = dst op src`, or `dst = src`.
    Alu {
        /// The operation.
        op: AluOp,
        /// 32 or 64 bits.
        width: Width,
        /// First operand and result.
        dst: Reg,
        /// Second operand.
        src: Operand,
    },
    /// `dst = -dst`.
    Neg {
        /// 32 or 64 bits.
        width: Width,
        /// Operand and result.
        dst: Reg,
    },
    /// `dst = (s8)src` and its like. cpu v4, Linux 6.6.
    MovSx {
        /// From how many bits to how many.
        extend: Extend,
        /// Result.
        dst: Reg,
        /// Value to extend.
        src: Reg,
    },
    /// Change of byte order.
    Swap {
        /// To a fixed order, or always.
        to: SwapTo,
        /// How many bits.
        bits: SwapBits,
        /// Operand and result.
        dst: Reg,
    },
    /// Cast of a pointer between address spaces (arenas). Linux 6.9.
    AddrSpaceCast {
        /// Result.
        dst: Reg,
        /// Pointer to cast.
        src: Reg,
        /// Address space to cast to.
        to: u16,
        /// Address space it is in.
        from: u16,
    },
    /// Address of this CPU's copy of what a pointer points to; only the kernel's verifier writes it. Linux 6.10.
    PercpuAddress {
        /// Result.
        dst: Reg,
        /// Pointer to all copies.
        src: Reg,
    },
    /// `if left op right goto`.
    Jump {
        /// The comparison.
        cond: Cond,
        /// 32 or 64 bits.
        width: Width,
        /// First operand.
        left: Reg,
        /// Second operand.
        right: Operand,
        /// Slots to skip, counted from the next one.
        distance: i16,
    },
    /// `goto`.
    Goto {
        /// Slots to skip, counted from the next one.
        distance: i16,
    },
    /// `gotol`, with a long distance. cpu v4, Linux 6.6.
    GotoLong {
        /// Slots to skip, counted from the next one.
        distance: i32,
    },
    /// `gotox`, to an address taken from an instruction array map. Linux 6.19.
    GotoReg {
        /// Holds the address.
        target: Reg,
    },
    /// `may_goto`: jumps once the kernel decides that the loop has run long enough. Linux 6.9.
    MayGoto {
        /// Slots to skip, counted from the next one.
        distance: i16,
    },
    /// Call of a function; arguments in R1 to R5, result in R0.
    Call(Callee),
    /// Return from the function, of the value in R0.
    Exit,
    /// `r0 = skb[offset]`, from network order; the context must be in R6. Socket programs only.
    LoadAbs {
        /// How many bytes.
        size: Narrow,
        /// Offset into the packet.
        offset: i32,
    },
    /// `r0 = skb[index + offset]`, as [`Op::LoadAbs`].
    LoadInd {
        /// How many bytes.
        size: Narrow,
        /// Added to the offset.
        index: Reg,
        /// Offset into the packet.
        offset: i32,
    },
    /// `dst = *(uN *)(base + off)`, extending with zeroes.
    Load {
        /// How many bytes.
        size: Size,
        /// Result.
        dst: Reg,
        /// Address.
        base: Reg,
        /// Added to the address.
        off: i16,
    },
    /// `dst = *(sN *)(base + off)`, extending with the sign. cpu v4, Linux 6.6.
    LoadSx {
        /// How many bytes.
        size: Narrow,
        /// Result.
        dst: Reg,
        /// Address.
        base: Reg,
        /// Added to the address.
        off: i16,
    },
    /// `*(uN *)(base + off) = src`.
    Store {
        /// How many bytes.
        size: Size,
        /// Address.
        base: Reg,
        /// Added to the address.
        off: i16,
        /// Value.
        src: Operand,
    },
    /// Atomic read, change and write of 4 or 8 bytes.
    Atomic {
        /// The operation.
        op: AtomicOp,
        /// 4 or 8 bytes.
        width: Width,
        /// Address.
        base: Reg,
        /// Added to the address.
        off: i16,
        /// Operand, and the old value for operations that fetch it (R0 for cmpxchg).
        src: Reg,
    },
    /// `dst = load_acquire(base + off)`. Linux 6.15.
    LoadAcquire {
        /// How many bytes.
        size: Size,
        /// Result.
        dst: Reg,
        /// Address.
        base: Reg,
        /// Added to the address.
        off: i16,
    },
    /// `store_release(base + off, src)`. Linux 6.15.
    StoreRelease {
        /// How many bytes.
        size: Size,
        /// Address.
        base: Reg,
        /// Added to the address.
        off: i16,
        /// Value.
        src: Reg,
    },
    /// `dst = value` with 64 bits, which may stand for an address. Takes two slots.
    LoadImm64 {
        /// Result.
        dst: Reg,
        /// What to load.
        value: Imm64,
    },
}

table! {
    /// Arithmetic with two operands.
    pub enum AluOp: (u8, i16, &'static str) = "opcode bits, offset, sign in text" {
        /// `+=`
        Add = (alu::ADD, 0, "+="),
        /// `-=`
        Sub = (alu::SUB, 0, "-="),
        /// `*=`
        Mul = (alu::MUL, 0, "*="),
        /// `/=`, unsigned; by zero gives zero.
        Div = (alu::DIV, 0, "/="),
        /// `/=`, signed. cpu v4, Linux 6.6.
        SDiv = (alu::DIV, 1, "s/="),
        /// `|=`
        Or = (alu::OR, 0, "|="),
        /// `&=`
        And = (alu::AND, 0, "&="),
        /// `<<=`
        Lsh = (alu::LSH, 0, "<<="),
        /// `>>=`, filling with zeroes.
        Rsh = (alu::RSH, 0, ">>="),
        /// `%=`, unsigned; by zero leaves the operand.
        Mod = (alu::MOD, 0, "%="),
        /// `%=`, signed. cpu v4, Linux 6.6.
        SMod = (alu::MOD, 1, "s%="),
        /// `^=`
        Xor = (alu::XOR, 0, "^="),
        /// `=`
        Mov = (alu::MOV, 0, "="),
        /// `>>=`, filling with the sign.
        Arsh = (alu::ARSH, 0, "s>>="),
    }
}

table! {
    /// Sign extension between registers.
    pub enum Extend: (Width, i16, &'static str) = "width of the result, offset, type in text" {
        /// 8 bits to 32; the upper half becomes zero.
        S8To32 = (Width::Bits32, 8, "s8"),
        /// 16 bits to 32; the upper half becomes zero.
        S16To32 = (Width::Bits32, 16, "s16"),
        /// 8 bits to 64.
        S8To64 = (Width::Bits64, 8, "s8"),
        /// 16 bits to 64.
        S16To64 = (Width::Bits64, 16, "s16"),
        /// 32 bits to 64.
        S32To64 = (Width::Bits64, 32, "s32"),
    }
}

table! {
    /// What a change of byte order leads to.
    pub enum SwapTo: (u8, &'static str) = "class and source bits, name in text" {
        /// Little-endian: only truncates on little-endian machines.
        Little = (class::ALU | source::K, "le"),
        /// Big-endian: only truncates on big-endian machines.
        Big = (class::ALU | source::X, "be"),
        /// The other order, on any machine. cpu v4, Linux 6.6.
        Other = (class::ALU64 | source::K, "bswap"),
    }
}

table! {
    /// Comparison of a conditional jump.
    pub enum Cond: (u8, &'static str) = "opcode bits, sign in text" {
        /// `==`
        Eq = (jmp::JEQ, "=="),
        /// `!=`
        Ne = (jmp::JNE, "!="),
        /// `&`: any bit in common.
        Set = (jmp::JSET, "&"),
        /// `>`, unsigned.
        Gt = (jmp::JGT, ">"),
        /// `>=`, unsigned.
        Ge = (jmp::JGE, ">="),
        /// `<`, unsigned. cpu v2.
        Lt = (jmp::JLT, "<"),
        /// `<=`, unsigned. cpu v2.
        Le = (jmp::JLE, "<="),
        /// `>`, signed.
        SGt = (jmp::JSGT, "s>"),
        /// `>=`, signed.
        SGe = (jmp::JSGE, "s>="),
        /// `<`, signed. cpu v2.
        SLt = (jmp::JSLT, "s<"),
        /// `<=`, signed. cpu v2.
        SLe = (jmp::JSLE, "s<="),
    }
}

table! {
    /// Atomic operation on memory.
    pub enum AtomicOp: (i32, &'static str) = "immediate, sign or name in text" {
        /// `+=`
        Add = (atomic::ADD, "+="),
        /// `|=`
        Or = (atomic::OR, "|="),
        /// `&=`
        And = (atomic::AND, "&="),
        /// `^=`
        Xor = (atomic::XOR, "^="),
        /// `+=`, the old value goes to the operand. cpu v3, Linux 5.12.
        FetchAdd = (atomic::ADD | atomic::FETCH, "fetch_add"),
        /// `|=`, the old value goes to the operand. cpu v3, Linux 5.12.
        FetchOr = (atomic::OR | atomic::FETCH, "fetch_or"),
        /// `&=`, the old value goes to the operand. cpu v3, Linux 5.12.
        FetchAnd = (atomic::AND | atomic::FETCH, "fetch_and"),
        /// `^=`, the old value goes to the operand. cpu v3, Linux 5.12.
        FetchXor = (atomic::XOR | atomic::FETCH, "fetch_xor"),
        /// Memory and operand change places. cpu v3, Linux 5.12.
        Xchg = (atomic::XCHG, "xchg"),
        /// If memory equals R0 it becomes the operand; R0 gets the old value. cpu v3, Linux 5.12.
        CmpXchg = (atomic::CMPXCHG, "cmpxchg"),
    }
}

/// What a call calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Callee {
    /// A kernel helper.
    Helper(Helper),
    /// A function of this program: slots to skip, counted from the next one.
    Subprogram(i32),
    /// A kernel function. Linux 5.13.
    Kfunc {
        /// Its BTF id.
        btf_id: i32,
        /// Which BTF: 0 for vmlinux, else an index into the `fd_array` given to program load.
        module: i16,
    },
}

/// What a 64-bit load loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Imm64 {
    /// A number.
    Value(u64),
    /// The address of a map.
    MapFd(i32),
    /// An address inside a map's first value. Linux 5.2.
    MapValue {
        /// The map.
        fd: i32,
        /// Bytes into the value.
        offset: u32,
    },
    /// The address of a kernel variable. Linux 5.10.
    KernelVariable {
        /// Its BTF id.
        btf_id: i32,
        /// Descriptor of its module's BTF, 0 for vmlinux.
        module_fd: i32,
    },
    /// The address of a function of this program: slots to skip, counted from the slot after the
    /// first one, as for a call there. Linux 5.13.
    Subprogram(i32),
    /// The address of a map given by its index in the `fd_array`. Linux 5.14.
    MapIndex(i32),
    /// An address inside the first value of a map given by its index. Linux 5.14.
    MapIndexValue {
        /// Index of the map.
        index: i32,
        /// Bytes into the value.
        offset: u32,
    },
}
