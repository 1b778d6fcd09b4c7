//! What instructions work on: registers, immediates, widths.

use std::fmt;

use super::opcode::size;
use super::table::table;

/// A register.
///
/// R0 holds return values, R1 to R5 arguments (clobbered by calls), R6 to R9 survive calls, and
/// R10 is the read-only frame pointer. R11 is the kernel's own: only instructions that its verifier wrote name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Reg {
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
    #[doc(alias = "BPF_REG_AX")]
    R11,
}

impl Reg {
    const ALL: [Reg; 12] = [
        Reg::R0,
        Reg::R1,
        Reg::R2,
        Reg::R3,
        Reg::R4,
        Reg::R5,
        Reg::R6,
        Reg::R7,
        Reg::R8,
        Reg::R9,
        Reg::R10,
        Reg::R11,
    ];

    /// The register with this number, if it is one (0 to 11).
    pub fn from_number(number: u8) -> Option<Reg> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The register's number.
    pub fn number(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.number())
    }
}

/// The second operand of arithmetic, comparisons and stores.
///
/// Builders take `impl Into<Operand>`, so a register or an `i32` can be written directly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operand {
    /// A register's value.
    Reg(Reg),
    /// A constant, sign-extended to 64 bits where 64 are needed.
    Imm(i32),
}

impl From<Reg> for Operand {
    fn from(reg: Reg) -> Self {
        Operand::Reg(reg)
    }
}

impl From<i32> for Operand {
    fn from(imm: i32) -> Self {
        Operand::Imm(imm)
    }
}

/// How much of the registers takes part in arithmetic, comparisons and atomic operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Width {
    /// The lower half; a written register's upper half becomes zero. Registers are called `w0` to
    /// `w10` then.
    Bits32,
    /// All of it.
    Bits64,
}

table! {
    /// Number of bytes that an access to memory moves.
    pub enum Size: (u8, u8, &'static str) = "opcode bits, bytes, type in text" {
        /// 1 byte.
        B = (size::B, 1, "u8"),
        /// 2 bytes.
        H = (size::H, 2, "u16"),
        /// 4 bytes.
        W = (size::W, 4, "u32"),
        /// 8 bytes.
        DW = (size::DW, 8, "u64"),
    }
}

impl Size {
    /// The size in bytes.
    pub fn bytes(self) -> u8 {
        self.row().1
    }

    /// The size with this many bytes.
    pub fn from_bytes(bytes: u64) -> Option<Size> {
        Self::find(|(_, b, _)| u64::from(b) == bytes)
    }

    /// The size in an opcode of one of the load and store classes.
    pub fn of(code: u8) -> Size {
        Self::find(|(bits, ..)| bits == code & size::MASK).unwrap_or(Size::DW)
    }
}

table! {
    /// A size smaller than a register, for accesses that have to extend it.
    pub enum Narrow: (Size, &'static str) = "the size, signed type in text" {
        /// 1 byte.
        B = (Size::B, "s8"),
        /// 2 bytes.
        H = (Size::H, "s16"),
        /// 4 bytes.
        W = (Size::W, "s32"),
    }
}

impl Narrow {
    pub(super) fn of(code: u8) -> Option<Narrow> {
        Self::find(|(size, _)| size == Size::of(code))
    }
}

impl From<Narrow> for Size {
    fn from(narrow: Narrow) -> Self {
        narrow.row().0
    }
}

table! {
    /// Number of bits whose byte order a swap changes; what is above becomes zero.
    pub enum SwapBits: i32 = "immediate" {
        /// 16 bits.
        Bits16 = 16,
        /// 32 bits.
        Bits32 = 32,
        /// 64 bits.
        Bits64 = 64,
    }
}
