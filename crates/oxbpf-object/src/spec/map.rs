//! A map before it is created.

use super::DataSection;
use crate::btf::TypeId;
use crate::kernel::{MapFlags, MapType};

/// A map before it is created.
///
/// ```
/// use oxbpf_object::spec::MapSpec;
/// use oxbpf_object::MapType;
///
/// let map = MapSpec {
///     name: "counts".into(),
///     map_type: MapType::HASH,
///     key_size: 4,
///     value_size: 8,
///     max_entries: 1024,
///     ..MapSpec::default()
/// };
/// assert!(map.autocreate);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MapSpec {
    /// Name in the object. A data map has the name of its section; the loader gives it the name that the kernel sees.
    pub name: String,
    /// Section that it is from: `.maps`, `maps`, `.rodata`.
    pub section: String,
    /// Kind of map.
    pub map_type: MapType,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value; of one CPU's value, where each CPU has its own.
    pub value_size: u32,
    /// Number of entries; bytes, for ring buffers; pages, for an arena.
    ///
    /// 0 leaves it to the loader where a default makes sense: a perf event array gets one entry for each CPU.
    pub max_entries: u32,
    /// Flags of creation.
    pub flags: MapFlags,
    /// More about the map, by kind: hash functions of a Bloom filter, user address of an arena.
    pub map_extra: u64,
    /// NUMA node to take memory from. Takes [`MapFlags::NUMA_NODE`] too.
    pub numa_node: Option<u32>,
    /// Where it is pinned.
    pub pinning: Pinning,
    /// Type of a key, in the object's BTF.
    pub key_type: Option<TypeId>,
    /// Type of a value, in the object's BTF; the whole section, for a data map.
    pub value_type: Option<TypeId>,
    /// What the inner maps of a map of maps look like.
    pub inner: Option<Box<MapSpec>>,
    /// Entries to fill in after creation. For `struct_ops`, function pointers to fill in, by byte offset in the data.
    pub values: Vec<(u32, SlotRef)>,
    /// Initial contents: global variables, an arena's variables, a `struct_ops` structure.
    pub data: Option<DataSection>,
    /// Position of the program that alone may use it, in this collection. The kernel then lets in no program whose
    /// [hash](crate::asm::digest) is another. Linux 6.18.
    #[doc(alias = "excl_prog_hash")]
    pub exclusive_to: Option<usize>,
    /// Whether it is created at load.
    pub autocreate: bool,
}

impl Default for MapSpec {
    fn default() -> Self {
        MapSpec {
            name: String::new(),
            section: String::new(),
            map_type: MapType::UNSPEC,
            key_size: 0,
            value_size: 0,
            max_entries: 0,
            flags: MapFlags::empty(),
            map_extra: 0,
            numa_node: None,
            pinning: Pinning::None,
            key_type: None,
            value_type: None,
            inner: None,
            values: Vec::new(),
            data: None,
            exclusive_to: None,
            autocreate: true,
        }
    }
}

/// Whether a map is shared through the BPF file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pinning {
    /// It is not.
    #[default]
    #[doc(alias = "LIBBPF_PIN_NONE")]
    None,
    /// Under its name in the loader's pin directory: one that is there is used, else a new one is put there.
    #[doc(alias = "LIBBPF_PIN_BY_NAME")]
    ByName,
}

/// What an entry of a map refers to, by position in the collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlotRef {
    /// A map: an entry of a map of maps.
    Map(usize),
    /// A program: an entry of a program array, or a function of a `struct_ops` structure.
    Program(usize),
}
