//! C in, typed Rust out: compiles BPF C with clang and writes the Rust module that embeds and
//! describes the result.
//!
//! There are two ways to use it. With the `bpf2rs` command, or [`Builder::generate`] and
//! [`Output::write`], the output is committed, and building needs no clang. With
//! [`Builder::compile`] in a `build.rs` it is made anew whenever the C file or a header of its
//! changes.
//!
//! clang compiles for each byte order; what the objects' BTF says about maps, variables and
//! types becomes Rust. The same source gives the same bytes wherever it lies.
//!
//! A `build.rs` has no use for the command and what it depends on: `default-features = false`.
#![deny(missing_docs)]

mod builder;
mod clang;
mod codegen;
#[cfg(feature = "command")]
#[doc(hidden)]
pub mod command;
mod committed;
mod compile;
mod error;
#[cfg(feature = "command")]
mod fresh;
#[cfg(feature = "__fuzz")]
#[doc(hidden)]
pub mod fuzz;
mod limits;
mod output;
mod pipeline;
mod scratch;
mod strip;
mod target;
mod vmlinux;

pub use builder::Builder;
pub use clang::{Clang, MINIMUM, Version};
pub use codegen::{RustTypes, event_types, rust_types};
pub use error::{Error, ErrorKind, Result};
pub use output::{Check, Output};
pub use strip::strip;
pub use target::{Arch, Target, Variant};
