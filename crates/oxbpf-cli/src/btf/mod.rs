//! `oxbpf btf`: types of kernels, objects and programs.

pub(crate) mod diff;
pub(crate) mod dump;
mod json;
pub(crate) mod min;
pub(crate) mod source;
