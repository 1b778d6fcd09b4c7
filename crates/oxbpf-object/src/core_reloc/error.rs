//! Why a relocation cannot be done.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use super::kind::CoreRelocKind;
use crate::btf;
use crate::limits::{MAX_CORE_SPEC_LEN, MAX_CORE_STEPS, MAX_CORE_TRIALS};
use crate::printable::Printable;

/// A relocation that cannot be done: the object or the kernel's types are broken, or the answer is
/// not clear. What merely is not there on this kernel is no error: see
/// [`Missing`](super::Missing).
#[derive(Debug, Clone)]
pub struct Error {
    pub(super) insn: usize,
    pub(super) relocation: String,
    pub(super) kind: ErrorKind,
}

/// Why it cannot be done.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The kernel's types could not be had.
    NoTargets(Arc<dyn std::error::Error + Send + Sync>),
    /// The types in the object are broken.
    LocalTypes(btf::Error),
    /// The kernel's types are broken.
    TargetTypes(btf::Error),
    /// A kind of relocation unknown here.
    UnknownKind(CoreRelocKind),
    /// The access string is not one, or leads to nothing in the object's types.
    BadAccess(&'static str),
    /// The type has no name to look for in the kernel.
    Anonymous,
    /// Several types of the kernel fit and give different answers.
    Ambiguous {
        /// One of them, with its answer.
        one: String,
        /// Another one, with its answer.
        other: String,
    },
    /// A path to a field has more than [`MAX_CORE_SPEC_LEN`] parts.
    TooLong,
    /// Comparing the types takes more than [`MAX_CORE_STEPS`] steps.
    TooComplex,
    /// More than [`MAX_CORE_TRIALS`] types would have to be tried for the object's relocations.
    TooManyTrials,
    /// The bit-field lies across more than 8 bytes, so that no load can read it.
    WideBitfield,
    /// The question makes no sense for the element of an array.
    NotForElement,
    /// The program has no such instruction.
    NoSuchInsn {
        /// Number of slots that it has.
        slots: usize,
    },
    /// The instruction is of a class that cannot be relocated.
    UnexpectedInsn {
        /// Its opcode.
        code: u8,
    },
    /// The instruction does not hold what follows from the object's types, so the two do not
    /// belong together.
    UnexpectedValue {
        /// What it holds.
        found: i64,
        /// What it should hold.
        expected: u64,
    },
    /// The instruction reads or writes a number of bytes other than the field has in the object.
    UnexpectedSize {
        /// Bytes that it accesses.
        found: u8,
        /// Size of the field.
        expected: u64,
    },
    /// The field's size in the kernel is none that the instruction could access.
    BadSize {
        /// Size of the field.
        size: u64,
    },
    /// The answer does not fit the instruction.
    OutOfRange {
        /// The answer.
        value: u64,
        /// Where it should go: "offset" or "immediate".
        field: &'static str,
    },
}

impl Error {
    /// The slot of the instruction, as given with the relocation.
    pub fn insn(&self) -> usize {
        self.insn
    }

    /// The relocation in libbpf's notation: `<byte_off> [12] struct task_struct.pid (0:5 @ offset 8)`.
    pub fn relocation(&self) -> &str {
        &self.relocation
    }

    /// Why it cannot be done.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            Printable(f),
            "CO-RE relocation {} of instruction {}: {}",
            self.relocation,
            self.insn,
            self.kind
        )
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::NoTargets(_) => f.write_str("the kernel's types could not be had"),
            ErrorKind::LocalTypes(_) => f.write_str("the object's types are broken"),
            ErrorKind::TargetTypes(_) => f.write_str("the kernel's types are broken"),
            ErrorKind::UnknownKind(kind) => write!(f, "{kind} is unknown here"),
            ErrorKind::BadAccess(why) => write!(f, "its access string is wrong: {why}"),
            ErrorKind::Anonymous => {
                f.write_str("the type has no name by which it could be found in the kernel")
            }
            ErrorKind::Ambiguous { one, other } => write!(
                f,
                "several types of the kernel fit, but differ: {one}; {other}"
            ),
            ErrorKind::TooLong => {
                write!(
                    f,
                    "the path to the field has more than {MAX_CORE_SPEC_LEN} parts"
                )
            }
            ErrorKind::TooComplex => {
                write!(
                    f,
                    "comparing the types takes more than {MAX_CORE_STEPS} steps"
                )
            }
            ErrorKind::TooManyTrials => write!(
                f,
                "the object's relocations have more than {MAX_CORE_TRIALS} types to be tried"
            ),
            ErrorKind::WideBitfield => {
                f.write_str("the bit-field cannot be read by one load of up to 8 bytes")
            }
            ErrorKind::NotForElement => {
                f.write_str("this cannot be asked about an element of an array")
            }
            ErrorKind::NoSuchInsn { slots } => {
                write!(f, "the function has only {slots} instruction slots")
            }
            ErrorKind::UnexpectedInsn { code } => write!(
                f,
                "an instruction with opcode {code:#04x} has nothing that could be relocated"
            ),
            ErrorKind::UnexpectedValue { found, expected } => write!(
                f,
                "the instruction holds {found} where the object's types say {expected}"
            ),
            ErrorKind::UnexpectedSize { found, expected } => write!(
                f,
                "the instruction accesses {found} bytes, but the field has {expected} in the object"
            ),
            ErrorKind::BadSize { size } => write!(
                f,
                "the field has {size} bytes in the kernel, which this instruction cannot access"
            ),
            ErrorKind::OutOfRange { value, field } => {
                write!(f, "{value} does not fit the instruction's {field}")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ErrorKind::NoTargets(source) => Some(source.as_ref()),
            ErrorKind::LocalTypes(source) | ErrorKind::TargetTypes(source) => Some(source),
            _ => None,
        }
    }
}
