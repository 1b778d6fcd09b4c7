//! BTF in the kernel: its own types, and those of loaded objects.
//!
//! Reading BTF is `oxbpf_object`'s business; this is about where the kernel keeps it.

mod attach;
mod kernel;
mod loaded;
mod object;

pub(crate) use attach::{attach_target, module, program_function};
pub use kernel::KernelBtf;
pub(crate) use kernel::{ModuleBtf, is_vmlinux, modules};
pub use loaded::{from_id, of_module};
pub(crate) use object::{ObjectBtf, supported_kinds};
