//! C in, typed Rust out.
#![deny(missing_docs)]
