//! Programs in the kernel.

mod verifier;

pub use verifier::VerifierError;
