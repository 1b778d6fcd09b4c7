//! BPF instructions: bytes, typed view, and the verifier's notation.
//!
//! [`Insn`] is one 8-byte slot, the unit in which the kernel counts instructions, jump distances
//! and relocation targets. Everything that rewrites programs (linking, CO-RE, loading) works on
//! `Vec<Insn>`. [`Op`] is one instruction with its meaning, for reading, printing and building:
//!
//! ```
//! use oxbpf_object::asm::{self, Cond, R0, R1, Size};
//!
//! // Let through packets longer than 64 bytes.
//! let program = asm::program([
//!     asm::load(Size::W, R1, R1, 0),
//!     asm::mov(R0, 0),
//!     asm::jump(Cond::Le, R1, 64, 1),
//!     asm::mov(R0, -1),
//!     asm::exit(),
//! ]);
//! assert_eq!(program.len(), 5);
//! ```
//!
//! Source of all encodings: `linux/bpf.h`, `linux/bpf_common.h` and
//! `Documentation/bpf/standardization/instruction-set.rst`.

mod build;
mod codec;
mod digest;
mod error;
mod insn;
mod op;
pub mod opcode;
mod operand;
pub mod pseudo;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod walk;

pub use build::*;
pub use digest::digest;
pub use error::{Error, ErrorKind};
pub use insn::{Insn, decode, encode};
pub use op::{AluOp, AtomicOp, Callee, Cond, Extend, Imm64, Op, SwapTo};
pub use operand::Reg::{self, R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R11};
pub use operand::{Narrow, Operand, Size, SwapBits, Width};
pub use text::{Names, NoNames, listing};
pub use walk::{Ops, ops};
