//! What is refused for being too much, each with its reason.

/// The longest chain of types followed from one type to what it is made from (`const` of a typedef of an array of ...).
///
/// The kernel's own limit (`MAX_RESOLVE_DEPTH`); what compilers make stays far below it.
pub const MAX_TYPE_DEPTH: usize = 32;
