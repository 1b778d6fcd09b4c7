//! Maps in the kernel.
//!
//! [`Map`] is a map of any type, its keys and values bytes. The typed views beside it check
//! once that a map is of their kind and that keys and values have the sizes of their Rust
//! types; after that an operation is one system call, and allocates nothing.

mod arena;
mod array;
mod attached_storage;
mod batch;
mod bloom_filter;
mod cgroup_array;
mod create;
mod descriptor_array;
mod dev_map;
mod element;
mod handle;
mod hash;
mod histogram;
mod info;
mod insn_array;
mod iter;
mod lpm_trie;
mod map_of_maps;
mod mapped_array;
mod per_cpu;
mod per_cpu_array;
mod per_cpu_hash;
mod perf_event_array;
mod pinned;
mod plain;
mod program_array;
mod queue;
mod reuseport_array;
mod shape;
mod sock_map;
mod stack_trace;
mod storage;
mod update;
mod view;
mod walk;
mod xsk_map;

pub use arena::Arena;
pub use array::Array;
pub use attached_storage::{AttachedStorage, PerCpuAttachedStorage};
pub use bloom_filter::BloomFilter;
pub use cgroup_array::CgroupArray;
pub use create::CreateOptions;
pub use dev_map::{CpuMap, DevMap, DevMapHash, Target};
pub use handle::Map;
pub use hash::HashMap;
pub use histogram::{Count, Histogram, Scale};
pub use info::MapInfo;
pub use insn_array::{InsnArray, InsnPosition};
pub use iter::{Entries, Guarantee};
pub use lpm_trie::{Address, LpmTrie, Prefix};
pub use map_of_maps::{ArrayOfMaps, HashOfMaps, InnerMap};
pub use mapped_array::MappedArray;
pub use per_cpu::{PerCpu, possible_cpus};
pub use per_cpu_array::PerCpuArray;
pub use per_cpu_hash::PerCpuHashMap;
pub use perf_event_array::PerfEventArray;
pub use pinned::{Access, Difference};
pub use plain::Plain;
pub use program_array::ProgramArray;
pub use queue::{Queue, Stack};
pub use reuseport_array::ReuseportArray;
pub use shape::Shape;
pub use sock_map::{SockHash, SockMap};
pub use stack_trace::{Frame, StackTraces};
pub use storage::{CgroupStorage, InodeStorage, SkStorage, TaskStorage};
pub use update::UpdateFlags;
pub(crate) use view::{check_key, check_kind, check_value};
pub use xsk_map::XskMap;
