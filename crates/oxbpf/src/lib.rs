//! BPF in the kernel: load, attach and read BPF programs.
#![deny(missing_docs)]

mod error;
pub mod program;

pub use error::{Error, ErrorKind, Result};
pub use oxbpf_object as object;
