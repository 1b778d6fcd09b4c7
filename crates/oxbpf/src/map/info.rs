//! What the kernel knows of a map.

use oxbpf_object::kernel::{MapFlags, MapType};

use crate::sys::{nul_terminated, uapi};

/// What the kernel knows of a map.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[doc(alias = "bpf_map_info")]
pub struct MapInfo {
    /// Its number, unique until the next boot.
    pub id: u32,
    /// Its type.
    pub map_type: MapType,
    /// What the kernel keeps of its name: 15 bytes.
    pub name: String,
    /// The size of a key in bytes.
    pub key_size: u32,
    /// The size of a value in bytes, of one CPU's where each has its own.
    pub value_size: u32,
    /// How many entries it can hold.
    pub max_entries: u32,
    /// The flags it was made with.
    pub flags: MapFlags,
    /// What its type asks for beyond that. Linux 5.16.
    pub map_extra: u64,
    /// The id of the BTF that describes keys and values, 0 if none does.
    pub btf_id: u32,
    /// The type of keys in that BTF, 0 if not known.
    pub btf_key_type_id: u32,
    /// The type of values in that BTF, 0 if not known.
    pub btf_value_type_id: u32,
    /// The index of the network interface that holds it, 0 if none does.
    pub ifindex: u32,
}

impl MapInfo {
    pub(super) fn new(info: &uapi::MapInfo) -> Self {
        Self {
            id: info.id,
            map_type: MapType(info.r#type),
            name: nul_terminated(&info.name),
            key_size: info.key_size,
            value_size: info.value_size,
            max_entries: info.max_entries,
            flags: MapFlags::from_bits_retain(info.map_flags),
            map_extra: info.map_extra,
            btf_id: info.btf_id,
            btf_key_type_id: info.btf_key_type_id,
            btf_value_type_id: info.btf_value_type_id,
            ifindex: info.ifindex,
        }
    }
}
