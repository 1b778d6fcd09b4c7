//! BPF in the kernel: load, attach and read BPF programs.
#![deny(missing_docs)]

mod denied;
mod error;
mod feature;
pub mod limits;
pub mod map;
mod memlock;
mod object_name;
mod pin;
pub mod program;
mod sys;

pub use error::{Error, ErrorKind, Result};
pub use map::Map;
pub use oxbpf_object as object;
pub use program::Program;
