//! The generator without clang, for fuzzing (feature `__fuzz`).

use oxbpf_object::CollectionSpec;

use crate::codegen::{Request, generate};
use crate::error::Result;
use crate::target::Target;

/// The module for an object, whoever made it.
///
/// # Errors
///
/// For what Rust cannot express.
pub fn module(spec: &CollectionSpec) -> Result<String> {
    let targets = [Target::of(spec.endian)];
    let request = Request {
        name: "fuzz",
        source: "fuzz.bpf.c",
        targets: &targets,
        arch: None,
        types: &[],
    };
    generate(&request, std::slice::from_ref(spec))
}
