//! Which typedefs of C are worth a name in Rust.

use oxbpf_object::btf::{Btf, Contents, TypeId};

/// Names for numbers that Rust has names for already.
const NUMBERS: &[&str] = &[
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "s8",
    "s16",
    "s32",
    "s64",
    "s128",
    "uint8_t",
    "uint16_t",
    "uint32_t",
    "uint64_t",
    "int8_t",
    "int16_t",
    "int32_t",
    "int64_t",
    "u_int8_t",
    "u_int16_t",
    "u_int32_t",
    "u_int64_t",
    "size_t",
    "ssize_t",
    "uintptr_t",
    "intptr_t",
    "uint",
    "ulong",
    "ushort",
    "u_char",
    "u_short",
    "u_int",
    "u_long",
    "bool",
];

/// Names of the implementation that say something all the same: the byte order.
const BYTE_ORDERS: &[&str] = &[
    "__be16", "__be32", "__be64", "__le16", "__le32", "__le64", "__sum16",
];

/// Whether a typedef becomes an alias. Those that name a type which has no other name, or the
/// same one, are that type's name; those of plain numbers and of the implementation (`__u32`)
/// are of no interest.
pub(super) fn is_kept(btf: &Btf, name: &str, target: TypeId) -> bool {
    let says_nothing = NUMBERS.contains(&name) || name.starts_with("__");
    if says_nothing && !BYTE_ORDERS.contains(&name) {
        return false;
    }
    let Ok(ty) = btf.skip_modifiers(target) else {
        return false;
    };
    match ty.contents() {
        Contents::Struct(_) | Contents::Union(_) | Contents::Enum(_) => {
            !ty.name().is_empty() && ty.name() != name
        }
        _ => true,
    }
}
