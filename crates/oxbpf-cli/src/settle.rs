//! What the program that an object belongs to would settle before loading it.

use oxbpf_object::spec::Pinning;
use oxbpf_object::{CollectionSpec, MapType};

/// Gives maps that leave it open as many entries, or a ring of as many bytes.
pub(crate) fn maps(spec: &mut CollectionSpec, entries: u32, ring_bytes: u32) {
    for map in spec.maps_mut() {
        // What is shared under a name outlives this process, and may be another program's.
        map.pinning = Pinning::None;
        if map.max_entries == 0 && map.data.is_none() {
            map.max_entries = match map.map_type {
                // None of its own business, or the loader's.
                MapType::PERF_EVENT_ARRAY
                | MapType::SK_STORAGE
                | MapType::TASK_STORAGE
                | MapType::INODE_STORAGE
                | MapType::CGRP_STORAGE
                | MapType::STRUCT_OPS => 0,
                MapType::RINGBUF | MapType::USER_RINGBUF => ring_bytes,
                _ => entries,
            };
        }
        if map.map_type == MapType::STACK_TRACE && map.value_size == 0 {
            map.value_size = 127 * 8;
        }
    }
}
