//! What can be wrong with an instruction or a stream of them.

use std::fmt;

/// An instruction, or a stream of them, that cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error {
    slot: usize,
    kind: ErrorKind,
}

/// What is wrong with the instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The byte stream is not a whole number of 8-byte slots.
    PartialSlot {
        /// Number of bytes after the last whole slot, 1 to 7.
        trailing: usize,
    },
    /// There is no instruction to decode.
    Missing,
    /// The slot after the first one of a 64-bit load is missing or not its second one.
    NoSecondSlot,
    /// No instruction has this opcode.
    UnknownOpcode {
        /// The opcode.
        code: u8,
    },
    /// An atomic instruction whose operation is unknown.
    UnknownAtomic {
        /// The immediate that should tell the operation.
        imm: i32,
    },
    /// An atomic operation of a size that it does not exist in.
    AtomicSize {
        /// Size in bytes.
        bytes: u8,
    },
    /// A byte swap of a number of bits other than 16, 32 or 64.
    SwapBits {
        /// The immediate that should tell the number.
        bits: i32,
    },
    /// A move between registers whose offset names no kind of move.
    MoveKind {
        /// The offset.
        off: i16,
    },
    /// A call or a 64-bit load whose source field names no kind of it.
    UnknownPseudo {
        /// "call" or "64-bit load".
        what: &'static str,
        /// The source field.
        src: u8,
    },
    /// A register above R11.
    NoSuchRegister {
        /// The field that names it, "dst" or "src".
        field: &'static str,
        /// Its number.
        number: u8,
    },
    /// A field that this instruction does not use and that must therefore be zero.
    ReservedField {
        /// Opcode of the instruction.
        code: u8,
        /// Which field, one of "dst", "src", "off", "imm".
        field: &'static str,
        /// What it holds.
        value: i64,
    },
}

impl Error {
    pub(super) fn new(slot: usize, kind: ErrorKind) -> Self {
        Error { slot, kind }
    }

    /// The same error, reported for a stream in which the given one starts `slots` later.
    pub(super) fn shift(self, slots: usize) -> Self {
        Error {
            slot: self.slot.saturating_add(slots),
            ..self
        }
    }

    /// Index of the 8-byte slot at fault, counted from the start of what was given.
    pub fn slot(&self) -> usize {
        self.slot
    }

    /// What is wrong there.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "instruction {}: {}", self.slot, self.kind)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ErrorKind::PartialSlot { trailing } => {
                write!(f, "cut off: only {trailing} of its 8 bytes are there")
            }
            ErrorKind::Missing => f.write_str("missing: the stream ends before it"),
            ErrorKind::NoSecondSlot => {
                f.write_str("not the second slot of the 64-bit load that starts before it")
            }
            ErrorKind::UnknownOpcode { code } => write!(f, "unknown opcode {code:#04x}"),
            ErrorKind::UnknownAtomic { imm } => {
                write!(f, "unknown atomic operation {imm:#x}")
            }
            ErrorKind::AtomicSize { bytes } => {
                write!(
                    f,
                    "this atomic operation works on 4 or 8 bytes, not on {bytes}"
                )
            }
            ErrorKind::SwapBits { bits } => {
                write!(f, "byte swaps work on 16, 32 or 64 bits, not on {bits}")
            }
            ErrorKind::MoveKind { off } => {
                write!(f, "no move between these registers has offset {off}")
            }
            ErrorKind::UnknownPseudo { what, src } => {
                write!(f, "no {what} has {src} in its `src` field")
            }
            ErrorKind::NoSuchRegister { field, number } => {
                write!(
                    f,
                    "`{field}` names register {number}, but the last one is 11"
                )
            }
            ErrorKind::ReservedField { code, field, value } => write!(
                f,
                "`{field}` is {value} but must be 0 in an instruction with opcode {code:#04x}"
            ),
        }
    }
}

impl std::error::Error for Error {}
