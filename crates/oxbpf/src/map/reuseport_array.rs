//! Arrays of sockets that share a port.

use std::os::fd::AsFd;

use oxbpf_object::kernel::MapType;

use super::descriptor_array::descriptor_array;
use super::view::{check_key, check_kind, check_sizes, view};
use super::{Map, Plain, UpdateFlags};
use crate::error::Result;

descriptor_array! {
    /// Sockets of one `SO_REUSEPORT` group, of which `SK_REUSEPORT` programs select one for a connection or datagram:
    /// `BPF_MAP_TYPE_REUSEPORT_SOCKARRAY`. Linux 4.19.
    #[doc(alias = "BPF_MAP_TYPE_REUSEPORT_SOCKARRAY")]
    ReuseportArray, REUSEPORT_SOCKARRAY, value sizes &[4, 8],
    /// Puts in a socket: UDP and bound, or TCP and listening, with `SO_REUSEPORT` set before that. It goes out when it is
    /// closed.
}
