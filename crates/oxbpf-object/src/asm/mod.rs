//! BPF instructions: bytes, typed view, and the verifier's notation.
//!
//! [`Insn`] is one 8-byte slot, the unit in which the kernel counts instructions, jump distances
//! and relocation targets. Everything that rewrites programs (linking, CO-RE, loading) works on
//! `Vec<Insn>`.
//!
//! Source of all encodings: `linux/bpf.h`, `linux/bpf_common.h` and
//! `Documentation/bpf/standardization/instruction-set.rst`.

mod error;
mod insn;
pub mod opcode;
pub mod pseudo;

pub use error::{Error, ErrorKind};
pub use insn::{Insn, decode, encode};
