//! Maps in the kernel.

mod handle;

pub use handle::Map;
