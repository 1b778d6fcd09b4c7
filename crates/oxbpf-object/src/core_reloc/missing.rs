//! What a program asks for that this kernel has not.

use std::fmt::{self, Write as _};

use super::kind::Subject;
use super::matching::Mismatch;
use super::spec::Spec;
use crate::printable::Printable;

/// An instruction that needs something which this kernel has not, and now calls
/// [`POISON`](super::POISON).
///
/// That is fine as long as the program makes sure not to reach it (`bpf_core_field_exists`). If it
/// does not, the verifier refuses the call, and this says what was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The slot of the instruction, as given with the relocation.
    pub insn: usize,
    /// The relocation in libbpf's notation: `<byte_off> [12] struct task_struct.pid (0:5 @ offset 8)`.
    pub relocation: String,
    /// The type: `struct task_struct`.
    pub type_name: String,
    /// The field or enumerator; empty if it is all about the type.
    pub member: String,
    /// Why there is no answer.
    pub reason: MissingReason,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MissingReason {
    /// The kernel has no type of that name and kind.
    NoType,
    /// The type has no such field or enumerator.
    NoMember,
    /// The type is of another nature: a structure there, an integer here.
    OtherType,
    /// The field has a type that cannot be used in place of the one expected.
    OtherFieldType,
    /// The array has fewer elements.
    TooFewElements,
    /// The instruction reads or writes the field as it is in the object, but in the kernel it has
    /// another size, and is no pointer and no unsigned integer, for which that could be made good.
    OtherSize,
}

impl From<Mismatch> for MissingReason {
    fn from(mismatch: Mismatch) -> Self {
        match mismatch {
            Mismatch::NoType => MissingReason::NoType,
            Mismatch::Type => MissingReason::OtherType,
            Mismatch::Absent => MissingReason::NoMember,
            Mismatch::FieldType => MissingReason::OtherFieldType,
            Mismatch::Bounds => MissingReason::TooFewElements,
        }
    }
}

impl Missing {
    pub(super) fn new(insn: usize, spec: &Spec<'_>, reason: MissingReason) -> Missing {
        let enumerator = spec.steps.first().and_then(|step| step.name);
        Missing {
            insn,
            relocation: spec.to_string(),
            type_name: spec.root_name(),
            member: match spec.kind.subject() {
                Some(Subject::Enumerator) => enumerator.unwrap_or_default().to_owned(),
                Some(Subject::Field) => spec.field_name(),
                _ => String::new(),
            },
            reason,
        }
    }
}

/// One sentence without a full stop: ``field `pid` of `struct task_struct` does not exist on this kernel``.
impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = Printable(f);
        let Missing {
            type_name, member, ..
        } = self;
        let what = match self.type_name.starts_with("enum ") {
            true => "value",
            false => "field",
        };
        match self.reason {
            MissingReason::NoType => write!(f, "`{type_name}` does not exist on this kernel"),
            MissingReason::NoMember => write!(
                f,
                "{what} `{member}` of `{type_name}` does not exist on this kernel"
            ),
            MissingReason::OtherType => {
                write!(f, "`{type_name}` is something else on this kernel")
            }
            MissingReason::OtherFieldType => write!(
                f,
                "{what} `{member}` of `{type_name}` has an incompatible type on this kernel"
            ),
            MissingReason::TooFewElements => write!(
                f,
                "{what} `{member}` of `{type_name}` is past the end of an array on this kernel"
            ),
            MissingReason::OtherSize => write!(
                f,
                "{what} `{member}` of `{type_name}` has another size on this kernel and must be read with BPF_CORE_READ or bpf_core_read"
            ),
        }
    }
}
