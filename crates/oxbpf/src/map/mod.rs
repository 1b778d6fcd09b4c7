//! Maps in the kernel.
//!
//! [`Map`] is a map of any type, its keys and values bytes. The typed views beside it check
//! once that a map is of their kind and that keys and values have the sizes of their Rust
//! types; after that an operation is one system call, and allocates nothing.

mod arena;
mod array;
mod batch;
mod create;
mod element;
mod handle;
mod hash;
mod info;
mod iter;
mod per_cpu;
mod per_cpu_array;
mod per_cpu_hash;
mod plain;
mod update;
mod view;
mod walk;

pub use arena::Arena;
pub use array::Array;
pub use create::CreateOptions;
pub use handle::Map;
pub use hash::HashMap;
pub use info::MapInfo;
pub use iter::{Entries, Guarantee};
pub use per_cpu::{PerCpu, possible_cpus};
pub use per_cpu_array::PerCpuArray;
pub use per_cpu_hash::PerCpuHashMap;
pub use plain::Plain;
pub use update::UpdateFlags;
pub(crate) use view::{check_key, check_kind, check_value};
