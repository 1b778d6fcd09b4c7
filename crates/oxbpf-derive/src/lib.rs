//! `#[derive(Objects)]`.
#![deny(missing_docs)]
