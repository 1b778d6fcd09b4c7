//! Arrays of control groups.

use std::os::fd::AsFd;

use oxbpf_object::kernel::MapType;

use super::descriptor_array::descriptor_array;
use super::view::{check_key, check_kind, check_sizes, view};
use super::{Map, Plain, UpdateFlags};
use crate::error::Result;

descriptor_array! {
    /// Control groups to test membership against, with `bpf_current_task_under_cgroup` and `bpf_skb_under_cgroup`:
    /// `BPF_MAP_TYPE_CGROUP_ARRAY`. Linux 4.8.
    #[doc(alias = "BPF_MAP_TYPE_CGROUP_ARRAY")]
    CgroupArray, CGROUP_ARRAY, value sizes &[4],
    /// Puts in a control group, given by its directory in the cgroup2 file system, opened.
}
