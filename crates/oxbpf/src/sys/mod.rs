//! Raw system calls: the only unsafe code of the project.
//!
//! Nothing in here knows what a map or a program is for. A function takes borrowed
//! descriptors and slices, fills in one kernel structure, calls, and hands back owned
//! descriptors or numbers; everything it offers to the rest of the crate is safe.
#![allow(unsafe_code)]

#[cfg(feature = "tokio")]
pub(crate) mod async_fd;
mod call;
mod command;
mod cpus;
mod element;
#[cfg(test)]
#[allow(dead_code)] // `cargo xtask gen-uapi` shares it and uses all of it.
mod layout;
#[cfg(test)]
mod layout_test;
mod link_info;
mod mmap;
pub(crate) mod overwriting_ring;
pub(crate) mod perf;
pub(crate) mod perf_ring;
pub(crate) mod perf_snapshot;
mod prog_info;
pub(crate) mod ring;
pub(crate) mod uapi;
pub(crate) mod user_ring;

pub(crate) use call::above_stdio;
pub(crate) use command::*;
pub(crate) use cpus::{online as online_cpus, possible as possible_cpus};
pub(crate) use element::{BatchRead, Cursor, MapFd, PER_CPU_ALIGN, is_per_cpu, one_cpu};
pub(crate) use link_info::*;
pub(crate) use mmap::{Access, Mapping, PrivateMapping};
pub(crate) use prog_info::prog_lists;

/// The result of a system call.
pub(crate) type Result<T, E = rustix::io::Errno> = std::result::Result<T, E>;
