//! What is refused for being too much, each with its reason.
//!
//! Beyond a limit there is an error that names it: of kind `Limit` for what concerns a whole object or a link
//! ([`elf::ErrorKind`](crate::elf::ErrorKind), [`linker::ErrorKind`](crate::linker::ErrorKind)), one of their own for types
//! and relocations ([`btf::Error`](crate::btf::Error), [`core_reloc::ErrorKind`](crate::core_reloc::ErrorKind)).

/// The longest chain of types followed from one type to what it is made from (`const` of a typedef of an array of ...).
///
/// The kernel's own limit (`MAX_RESOLVE_DEPTH`); what compilers make stays far below it.
pub const MAX_TYPE_DEPTH: usize = 32;

/// The longest name of a section or symbol, in bytes.
///
/// Names are copied into what is made from the object. The kernel keeps at most 511 bytes of a function's name; the paths in section
/// names of uprobes are the longest in use.
pub const MAX_NAME: usize = 1024;

/// The most functions, programs, maps, variables or externs, of each, in one object.
///
/// Large objects have some thousands. Each costs memory beyond its bytes in the file.
pub const MAX_ITEMS: usize = 1 << 15;

/// The most fields in the definition of a map.
///
/// There are a dozen that mean something, and each may come once.
pub const MAX_MAP_FIELDS: u32 = 64;

/// The most bytes of zeroed variables (`.bss`) in one object.
///
/// They take no room in the file, so the file's size does not bound them.
pub const MAX_ZEROED_BYTES: u64 = 256 << 20;

/// The most bytes of kernel configuration values (`.kconfig`) in one object.
///
/// Their types alone say how long they are. A value of the kernel's configuration is at most a short string.
pub const MAX_KCONFIG_BYTES: u32 = 1 << 16;

/// The most parts of a path to a field in a CO-RE relocation.
///
/// libbpf's own limit (`BPF_CORE_SPEC_MAX_LEN`).
pub const MAX_CORE_SPEC_LEN: usize = 64;

/// The most members, enumerators and types looked at to compare one type of an object with one of the kernel.
///
/// The largest types of a kernel have a few thousand members. Types made to that end could keep the comparison busy without end.
pub const MAX_CORE_STEPS: usize = 1 << 20;

/// The most types of the kernel that are tried for all relocations of one object together.
///
/// Most relocations have one type to try, large objects some thousand relocations. An object that brings thousands of both could keep the
/// search busy without end.
pub const MAX_CORE_TRIALS: usize = 1 << 19;

/// How deeply structures without names and parameters are nested in C text.
///
/// The kernel's types stay below ten. Each level is a few calls deep.
pub const MAX_C_NESTING: usize = 64;

/// How long C text may get for each byte of the BTF it is made from.
///
/// Types without names are written out wherever they are used, and padding to any size: a few bytes could ask for gigabytes.
/// The text of the kernel's types is half as long as their BTF.
pub const C_TEXT_PER_BTF_BYTE: usize = 16;

/// How long C text may get for the smallest BTF, in bytes.
pub const MIN_C_TEXT_LIMIT: usize = 1 << 20;

/// How often deduplication of types takes the definitions of a name for the same before it leaves all declarations alone.
///
/// Each time shows which are not the same, and nearly always that is all there is to show.
pub const MAX_DEDUP_PASSES: usize = 8;

/// The largest alignment of a section that objects are linked with, in bytes.
///
/// The filling between the parts of a section grows with it, out of proportion to the objects. A page is the most that means something.
pub const MAX_ALIGNMENT: u64 = 4096;

/// The most pairs of types looked at to compare the types of symbols in the objects that are linked.
///
/// By value, a structure is looked through wherever it is a member, so that types made to that end could take without end.
pub const MAX_LINK_STEPS: usize = 1 << 22;

/// The most members looked at to compare the types of two BTFs.
///
/// A kernel has a quarter of a million. Structures without names are looked through wherever they are members, so that types made to that
/// end could take without end.
pub const MAX_DIFF_STEPS: usize = 1 << 24;

/// The most members and elements read of one value.
///
/// An array's type says how long it is; so few bytes of types could ask for any number.
pub const MAX_VALUE_PARTS: usize = 1 << 16;
