//! How much of anything is followed before it is given up.

/// How deep types may lie in each other, arrays, members and typedefs counted. C programs stay far below it; BTF whose types
/// contain themselves does not. Beyond it is [`ErrorKind::Type`](crate::ErrorKind::Type).
pub(crate) const MAX_DEPTH: usize = 64;

/// How many pointers and arrays are gone through to the structure whose members a minimal `vmlinux.h` takes along. Beyond it is no
/// structure; clang then says what is missing.
pub(crate) const MAX_POINTERS: usize = 16;
