//! CO-RE, compile once, run everywhere: adapting a program to the types of the kernel it meets.
//!
//! The compiler records which instructions depend on where a kernel structure has a field, how
//! large a type is, which value an enumerator has. Here these are asked of the running kernel's
//! types, and the instructions changed accordingly. Nothing here asks the kernel itself.
//!
//! The rules are libbpf's, so that what works there works here: a type is found by its name
//! without flavour (`task_struct___old` is `task_struct`) and kind, in the kernel first and only
//! if it has none in its modules; all types found that fit must give the same answer; what is not
//! there leads to an instruction that the verifier refuses if it is reached, never to a wrong
//! value. Where libbpf would cut off an answer that does not fit an instruction, this is an error.
//!
//! Source: `Documentation/bpf/llvm_reloc.rst`, `include/uapi/linux/bpf.h`.

mod answer;
mod candidates;
mod check;
mod compat;
mod error;
mod kind;
pub(crate) mod lookup;
mod matching;
mod missing;
mod name;
mod patch;
mod relocator;
mod spec;
#[cfg(test)]
mod tests;

use std::fmt;

pub use check::Check;
pub use compat::types_are_compatible;
pub use error::{Error, ErrorKind};
pub use kind::CoreRelocKind;
pub use missing::{Missing, MissingReason};
pub use name::essential_name;
pub use patch::POISON;
pub use relocator::{CoreReloc, Explanation};

use crate::btf::Btf;

/// Why types could not be had.
pub type TargetError = Box<dyn std::error::Error + Send + Sync>;

/// Where the kernel's types come from. Each is asked for once and only when needed.
///
/// A [`Btf`] alone is one: a kernel without modules.
pub trait Targets: fmt::Debug {
    /// The types of the kernel itself.
    ///
    /// # Errors
    /// They cannot be had; no relocation that needs them succeeds then.
    fn kernel(&self) -> Result<Btf, TargetError>;

    /// The types of its modules, for names that the kernel itself has not. Modules that cannot be
    /// read had better be left out.
    ///
    /// # Errors
    /// They cannot be listed.
    fn modules(&self) -> Result<Vec<Btf>, TargetError> {
        Ok(Vec::new())
    }
}

impl Targets for Btf {
    fn kernel(&self) -> Result<Btf, TargetError> {
        Ok(self.clone())
    }
}
