//! Maps of `AF_XDP` sockets.

use std::os::fd::AsFd;

use oxbpf_object::kernel::MapType;

use super::descriptor_array::descriptor_array;
use super::view::{check_key, check_kind, check_sizes, view};
use super::{Map, Plain, UpdateFlags};
use crate::error::Result;

descriptor_array! {
    /// `AF_XDP` sockets that XDP programs hand frames to, with `bpf_redirect_map`: `BPF_MAP_TYPE_XSKMAP`. Linux 4.18.
    #[doc(alias = "BPF_MAP_TYPE_XSKMAP")]
    XskMap, XSKMAP, value sizes &[4],
    /// Puts in a socket, which must be bound to the queue that frames come in on. It goes out when it is closed.
}
