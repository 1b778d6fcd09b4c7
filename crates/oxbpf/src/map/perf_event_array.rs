//! Arrays of perf events.

use std::os::fd::AsFd;

use oxbpf_object::kernel::MapType;

use super::descriptor_array::descriptor_array;
use super::view::{check_key, check_kind, check_sizes, view};
use super::{Map, Plain, UpdateFlags};
use crate::error::Result;

descriptor_array! {
    /// Perf events for programs: counters that they read with `bpf_perf_event_read_value`. For the buffers that they write
    /// records to, there is [`PerfBuffer`](crate::PerfBuffer). `BPF_MAP_TYPE_PERF_EVENT_ARRAY`, Linux 4.3.
    ///
    /// An event goes out of the array when the map's handle that put it in is gone with all its clones, unless the map was
    /// made with `BPF_F_PRESERVE_ELEMS`.
    #[doc(alias = "BPF_MAP_TYPE_PERF_EVENT_ARRAY")]
    PerfEventArray, PERF_EVENT_ARRAY, value sizes &[4],
    /// Puts in an event that `perf_event_open(2)` made; programs on a CPU can read the one at that CPU's index if it
    /// counts on that CPU.
}
