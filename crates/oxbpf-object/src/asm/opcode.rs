//! The parts of an opcode byte, and the atomic operations that live in the immediate.
//!
//! The low three bits are the [`class`]. Arithmetic and jump classes put a [`source`] bit and a
//! four-bit operation ([`alu`], [`jmp`]) above it; load and store classes put a [`size`] and a
//! [`mode`] there.

/// Instruction class, the low three bits of the opcode.
pub mod class {
    /// The bits that hold the class.
    pub const MASK: u8 = 0x07;
    /// Loads that do not go through a register: 64-bit immediates and packet access.
    #[doc(alias = "BPF_LD")]
    pub const LD: u8 = 0x00;
    /// Load from memory into a register.
    #[doc(alias = "BPF_LDX")]
    pub const LDX: u8 = 0x01;
    /// Store an immediate to memory.
    #[doc(alias = "BPF_ST")]
    pub const ST: u8 = 0x02;
    /// Store a register to memory; also all atomic operations.
    #[doc(alias = "BPF_STX")]
    pub const STX: u8 = 0x03;
    /// 32-bit arithmetic; the upper half of the destination becomes zero.
    #[doc(alias = "BPF_ALU")]
    pub const ALU: u8 = 0x04;
    /// Jumps that compare 64 bits; also call and exit.
    #[doc(alias = "BPF_JMP")]
    pub const JMP: u8 = 0x05;
    /// Jumps that compare the lower 32 bits. cpu v3, Linux 5.1.
    #[doc(alias = "BPF_JMP32")]
    pub const JMP32: u8 = 0x06;
    /// 64-bit arithmetic.
    #[doc(alias = "BPF_ALU64")]
    pub const ALU64: u8 = 0x07;
}

/// Where the second operand of arithmetic or of a comparison is.
pub mod source {
    /// The bit that tells.
    pub const MASK: u8 = 0x08;
    /// The immediate.
    #[doc(alias = "BPF_K")]
    pub const K: u8 = 0x00;
    /// The source register.
    #[doc(alias = "BPF_X")]
    pub const X: u8 = 0x08;
}

/// Width of a memory access.
pub mod size {
    /// The bits that hold the size.
    pub const MASK: u8 = 0x18;
    /// 4 bytes.
    #[doc(alias = "BPF_W")]
    pub const W: u8 = 0x00;
    /// 2 bytes.
    #[doc(alias = "BPF_H")]
    pub const H: u8 = 0x08;
    /// 1 byte.
    #[doc(alias = "BPF_B")]
    pub const B: u8 = 0x10;
    /// 8 bytes.
    #[doc(alias = "BPF_DW")]
    pub const DW: u8 = 0x18;
}

/// Kind of memory access.
pub mod mode {
    /// The bits that hold the mode.
    pub const MASK: u8 = 0xe0;
    /// 64-bit immediate, two slots long.
    #[doc(alias = "BPF_IMM")]
    pub const IMM: u8 = 0x00;
    /// Packet data at a constant offset.
    #[doc(alias = "BPF_ABS")]
    pub const ABS: u8 = 0x20;
    /// Packet data at a register plus a constant.
    #[doc(alias = "BPF_IND")]
    pub const IND: u8 = 0x40;
    /// Plain memory access.
    #[doc(alias = "BPF_MEM")]
    pub const MEM: u8 = 0x60;
    /// Sign-extending load. cpu v4, Linux 6.6.
    #[doc(alias = "BPF_MEMSX")]
    pub const MEMSX: u8 = 0x80;
    /// Atomic operation; the immediate says which.
    #[doc(alias = "BPF_ATOMIC")]
    #[doc(alias = "BPF_XADD")]
    pub const ATOMIC: u8 = 0xc0;
}

/// Arithmetic operation, the upper four bits in the ALU and ALU64 classes.
pub mod alu {
    /// The bits that hold the operation.
    pub const MASK: u8 = 0xf0;
    /// `dst += src`.
    #[doc(alias = "BPF_ADD")]
    pub const ADD: u8 = 0x00;
    /// `dst -= src`.
    #[doc(alias = "BPF_SUB")]
    pub const SUB: u8 = 0x10;
    /// `dst *= src`.
    #[doc(alias = "BPF_MUL")]
    pub const MUL: u8 = 0x20;
    /// `dst /= src`; signed if the offset is 1.
    #[doc(alias = "BPF_DIV")]
    pub const DIV: u8 = 0x30;
    /// `dst |= src`.
    #[doc(alias = "BPF_OR")]
    pub const OR: u8 = 0x40;
    /// `dst &= src`.
    #[doc(alias = "BPF_AND")]
    pub const AND: u8 = 0x50;
    /// `dst <<= src`.
    #[doc(alias = "BPF_LSH")]
    pub const LSH: u8 = 0x60;
    /// `dst >>= src`, filling with zeroes.
    #[doc(alias = "BPF_RSH")]
    pub const RSH: u8 = 0x70;
    /// `dst = -dst`.
    #[doc(alias = "BPF_NEG")]
    pub const NEG: u8 = 0x80;
    /// `dst %= src`; signed if the offset is 1.
    #[doc(alias = "BPF_MOD")]
    pub const MOD: u8 = 0x90;
    /// `dst ^= src`.
    #[doc(alias = "BPF_XOR")]
    pub const XOR: u8 = 0xa0;
    /// `dst = src`; sign-extending if the offset is 8, 16 or 32.
    #[doc(alias = "BPF_MOV")]
    pub const MOV: u8 = 0xb0;
    /// `dst >>= src`, filling with the sign bit.
    #[doc(alias = "BPF_ARSH")]
    pub const ARSH: u8 = 0xc0;
    /// Byte order conversion; the immediate is the width in bits.
    #[doc(alias = "BPF_END")]
    pub const END: u8 = 0xd0;
}

/// Jump operation, the upper four bits in the JMP and JMP32 classes.
pub mod jmp {
    /// The bits that hold the operation.
    pub const MASK: u8 = 0xf0;
    /// Always; in JMP32 the distance is in the immediate.
    #[doc(alias = "BPF_JA")]
    pub const JA: u8 = 0x00;
    /// If equal.
    #[doc(alias = "BPF_JEQ")]
    pub const JEQ: u8 = 0x10;
    /// If greater, unsigned.
    #[doc(alias = "BPF_JGT")]
    pub const JGT: u8 = 0x20;
    /// If greater or equal, unsigned.
    #[doc(alias = "BPF_JGE")]
    pub const JGE: u8 = 0x30;
    /// If any bit of the mask is set.
    #[doc(alias = "BPF_JSET")]
    pub const JSET: u8 = 0x40;
    /// If not equal.
    #[doc(alias = "BPF_JNE")]
    pub const JNE: u8 = 0x50;
    /// If greater, signed.
    #[doc(alias = "BPF_JSGT")]
    pub const JSGT: u8 = 0x60;
    /// If greater or equal, signed.
    #[doc(alias = "BPF_JSGE")]
    pub const JSGE: u8 = 0x70;
    /// Call a helper, a subprogram or a kernel function.
    #[doc(alias = "BPF_CALL")]
    pub const CALL: u8 = 0x80;
    /// Return from the function.
    #[doc(alias = "BPF_EXIT")]
    pub const EXIT: u8 = 0x90;
    /// If less, unsigned. cpu v2.
    #[doc(alias = "BPF_JLT")]
    pub const JLT: u8 = 0xa0;
    /// If less or equal, unsigned. cpu v2.
    #[doc(alias = "BPF_JLE")]
    pub const JLE: u8 = 0xb0;
    /// If less, signed. cpu v2.
    #[doc(alias = "BPF_JSLT")]
    pub const JSLT: u8 = 0xc0;
    /// If less or equal, signed. cpu v2.
    #[doc(alias = "BPF_JSLE")]
    pub const JSLE: u8 = 0xd0;
    /// Bounded loops: `may_goto`. Linux 6.9.
    #[doc(alias = "BPF_JCOND")]
    pub const JCOND: u8 = 0xe0;
}

/// Atomic operation, the immediate of an STX instruction whose mode is [`mode::ATOMIC`].
pub mod atomic {
    /// `*ptr += src`.
    pub const ADD: i32 = 0x00;
    /// `*ptr |= src`.
    pub const OR: i32 = 0x40;
    /// `*ptr &= src`.
    pub const AND: i32 = 0x50;
    /// `*ptr ^= src`.
    pub const XOR: i32 = 0xa0;
    /// Added to one of the above: the old value is returned in `src`. Linux 5.12.
    #[doc(alias = "BPF_FETCH")]
    pub const FETCH: i32 = 0x01;
    /// Exchange `*ptr` and `src`. Linux 5.12.
    #[doc(alias = "BPF_XCHG")]
    pub const XCHG: i32 = 0xe1;
    /// If `*ptr` equals R0, store `src`; the old value is returned in R0. Linux 5.12.
    #[doc(alias = "BPF_CMPXCHG")]
    pub const CMPXCHG: i32 = 0xf1;
    /// Load with acquire ordering. Linux 6.15.
    #[doc(alias = "BPF_LOAD_ACQ")]
    pub const LOAD_ACQ: i32 = 0x100;
    /// Store with release ordering. Linux 6.15.
    #[doc(alias = "BPF_STORE_REL")]
    pub const STORE_REL: i32 = 0x110;
}
