//! The generator without clang, for fuzzing (feature `__fuzz`).

use oxbpf_object::CollectionSpec;

use crate::codegen::{Request, generate};
use crate::error::Result;
use crate::target::{Target, Variant};

/// The module for an object, whoever made it.
///
/// # Errors
///
/// For what Rust cannot express.
pub fn module(spec: &CollectionSpec) -> Result<String> {
    let request = Request {
        name: "fuzz",
        stem: "fuzz",
        sources: &["fuzz.bpf.c".to_owned()],
        variants: &[Variant {
            target: Target::of(spec.endian),
            arch: None,
        }],
        embed: true,
        types: &[],
    };
    generate(&request, std::slice::from_ref(spec))
}
