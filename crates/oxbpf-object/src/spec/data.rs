//! Global variables and their initial values.

use crate::btf::TypeId;

/// The contents of a data map: one section of global variables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataSection {
    /// What kind of section.
    pub kind: DataKind,
    /// Initial contents, gaps between the variables included: string literals may lie there.
    pub contents: Vec<u8>,
    /// The variables, lowest offset first. Without BTF they have no types, and static ones may be missing.
    pub variables: Vec<VariableSpec>,
}

/// What kind of data section.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataKind {
    /// `.data`, `.data.*`: variables with initial values.
    #[default]
    Data,
    /// `.rodata`, `.rodata.*`: constants, which the loader freezes. The verifier knows their values.
    Rodata,
    /// `.bss`, `.bss.*`: variables that start as zeros.
    Bss,
    /// `.kconfig`: values of the kernel's configuration, which the loader fills in.
    Kconfig,
    /// `.addr_space.1`: variables in the arena.
    Arena,
    /// `.struct_ops`, `.struct_ops.link`: one structure of function pointers.
    StructOps,
}

/// A global variable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VariableSpec {
    /// Name in C.
    pub name: String,
    /// Bytes from the start of the section.
    pub offset: u32,
    /// Bytes of the variable.
    pub size: u32,
    /// Its type (not that of the `VAR` record), in the object's BTF.
    pub ty: Option<TypeId>,
    /// Whether it belongs to one source file, so that its name need not be unique.
    pub is_static: bool,
}

impl DataSection {
    /// The variable of that name.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&VariableSpec> {
        self.variables.iter().find(|variable| variable.name == name)
    }

    /// The initial value of a variable, to read. `None` also if it lies outside of the contents.
    #[must_use]
    pub fn variable_bytes(&self, name: &str) -> Option<&[u8]> {
        self.contents.get(self.variable(name)?.range()?)
    }

    /// The initial value of a variable, to change. `None` also if it lies outside of the contents.
    pub fn variable_bytes_mut(&mut self, name: &str) -> Option<&mut [u8]> {
        let range = self.variable(name)?.range()?;
        self.contents.get_mut(range)
    }
}

impl VariableSpec {
    /// The bytes of the section that it takes.
    pub(crate) fn range(&self) -> Option<std::ops::Range<usize>> {
        let start = self.offset as usize;
        Some(start..start.checked_add(self.size as usize)?)
    }
}
