//! Programs in the kernel.

mod handle;
mod verifier;

pub use handle::{AttachInfo, Program};
pub use verifier::VerifierError;
