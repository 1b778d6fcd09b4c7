//! Symbols that the object uses but does not define.

use crate::btf::TypeId;

/// A symbol that the object uses but does not define: the loader finds it in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternSpec {
    /// Name in C.
    pub name: String,
    /// Where it is to be found.
    pub kind: ExternKind,
    /// Its type, in the object's BTF: that of the variable, or the `FUNC`. Void for a typeless one.
    pub ty: TypeId,
    /// Whether the object can do without: its address is then 0.
    pub weak: bool,
    /// Bytes of the variable; 0 for functions and typeless symbols.
    pub size: u32,
    /// For `.kconfig`: the bytes to take instead of asking the kernel, as many as the variable has.
    pub value: Option<Vec<u8>>,
}

/// Where an extern is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExternKind {
    /// A value of the kernel's configuration or about the kernel (`__kconfig`).
    Kconfig {
        /// Position of the `.kconfig` map.
        map: usize,
        /// Bytes from the start of its contents.
        offset: u32,
    },
    /// A kernel function (`__ksym`).
    KsymFunction,
    /// A kernel variable with a type (`__ksym`).
    KsymVariable,
    /// A kernel symbol of which only the address counts (`extern const void x __ksym`).
    KsymTypeless,
    /// Nowhere, for the reason given. Only a program that uses it cannot be loaded.
    Unresolvable(&'static str),
}
