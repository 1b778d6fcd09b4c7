//! BPF in the kernel: load, attach and read BPF programs.
#![deny(missing_docs)]

#[doc(hidden)]
#[path = "generated/mod.rs"]
pub mod __private;
mod bool;
pub mod btf;
mod char_array;
mod denied;
pub mod doctor;
mod error;
pub mod feature;
#[cfg(feature = "__fuzz")]
#[doc(hidden)]
pub mod fuzz;
pub mod glob;
mod global;
mod gzip;
mod ids;
mod include;
pub mod kallsyms;
mod kernel_fs;
mod kernel_version;
pub mod limits;
pub mod link;
mod loader;
pub mod map;
mod memlock;
mod object_name;
pub mod objects;
mod parallel;
mod pin;
pub mod program;
pub mod ring;
pub mod suggest;
#[cfg(feature = "symbols")]
pub mod symbols;
mod sys;
mod token;
pub mod tracefs;

pub use self::bool::Bool;
pub use char_array::CharArray;
pub use error::{Error, ErrorKind, Result};
pub use global::{Global, Word};
pub use ids::Ids;
pub use link::{
    AttachPoint, Cgroup, Extension, Iter, Kprobe, KprobeMulti, Kretprobe, Link, Links, Lsm,
    LsmCgroup, PerfEvent, RawTracepoint, StructOps, Tcx, Tracepoint, Tracing, TracingMulti, Uprobe,
    UprobeMulti, Uretprobe, Xdp,
};
pub use loader::{Collection, Loadable, Loader, PartialLoad, ProgramReport};
pub use map::Map;
pub use objects::Objects;
#[cfg(feature = "derive")]
pub use oxbpf_derive::Objects;
pub use oxbpf_object as object;
pub use program::Program;
pub use ring::{PerfBuffer, RingBuffer, UserRingBuffer};
pub use token::Token;
