//! What can be wrong with a stream of instructions.

use std::fmt;

/// An instruction, or a stream of them, that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    slot: usize,
    kind: ErrorKind,
}

/// What is wrong with the instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The byte stream is not a whole number of 8-byte slots; `trailing` bytes are left over.
    PartialSlot {
        /// Number of bytes after the last whole slot, 1 to 7.
        trailing: usize,
    },
}

impl Error {
    pub(super) fn new(slot: usize, kind: ErrorKind) -> Self {
        Error { slot, kind }
    }

    /// Index of the 8-byte slot at fault, counted from the start of what was given.
    pub fn slot(&self) -> usize {
        self.slot
    }

    /// What is wrong there.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "instruction {}: {}", self.slot, self.kind)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::PartialSlot { trailing } => {
                write!(f, "cut off: only {trailing} of its 8 bytes are there")
            }
        }
    }
}

impl std::error::Error for Error {}
