//! What a BPF object holds, as plain data: to look at, to change, and then to load.
//!
//! [`CollectionSpec`] comes from an object file ([`CollectionSpec::parse`]) or is put together by hand. It knows no kernel and no
//! descriptors. Maps, programs, functions and externs refer to each other by position, so a position never changes:
//! things are added and switched off ([`MapSpec::autocreate`], [`ProgramSpec::autoload`]), never removed.

mod assemble;
mod data;
mod externs;
mod function;
mod map;
mod program;
mod signing;
mod struct_ops;

pub use assemble::{AssembleError, Assembled};
pub use data::{DataKind, DataSection, VariableSpec};
pub use externs::{ExternKind, ExternSpec};
pub use function::{CoreRelo, Function, JumpTable, LineInfo, Linkage, Reloc, RelocTarget};
pub use map::{MapSpec, Pinning, SlotRef};
pub use program::ProgramSpec;
pub use struct_ops::StructOpsError;

use crate::Endian;
use crate::btf::Btf;

/// Everything in one object: maps, programs, the functions they are made of, and their types.
#[derive(Clone, Debug)]
pub struct CollectionSpec {
    /// Name of the object: its file name up to the first dot, or as given. Kernel names of data maps start with it.
    pub name: String,
    /// Byte order of the instructions, data and types.
    pub endian: Endian,
    /// Licence, which decides on the helpers that programs may call. Empty if the object has none.
    pub license: String,
    /// The `LINUX_VERSION_CODE` that the object says it is for, or 0. Kernels before 5.0 want it for kprobes.
    #[doc(alias = "kern_version")]
    pub kernel_version: u32,
    /// The object's types, with sections sized and variables placed. `None` if compiled without.
    pub btf: Option<Btf>,
    pub(crate) maps: Vec<MapSpec>,
    pub(crate) programs: Vec<ProgramSpec>,
    pub(crate) functions: Vec<Function>,
    pub(crate) externs: Vec<ExternSpec>,
}

/// Gives access to one kind of thing in the collection.
macro_rules! access {
    ($list:ident, $list_mut:ident, $one:ident, $one_mut:ident, $add:ident, $type:ty, $what:literal) => {
        #[doc = concat!("All ", $what, "s. Positions are what other parts refer to.")]
        #[must_use]
        pub fn $list(&self) -> &[$type] {
            &self.$list
        }

        #[doc = concat!("All ", $what, "s, to change.")]
        pub fn $list_mut(&mut self) -> &mut [$type] {
            &mut self.$list
        }

        #[doc = concat!("The ", $what, " of that name.")]
        #[must_use]
        pub fn $one(&self, name: &str) -> Option<&$type> {
            self.$list.iter().find(|item| item.name == name)
        }

        #[doc = concat!("The ", $what, " of that name, to change.")]
        pub fn $one_mut(&mut self, name: &str) -> Option<&mut $type> {
            self.$list.iter_mut().find(|item| item.name == name)
        }

        #[doc = concat!("Adds a ", $what, " and returns its position.")]
        pub fn $add(&mut self, item: $type) -> usize {
            self.$list.push(item);
            self.$list.len().saturating_sub(1)
        }
    };
}

impl CollectionSpec {
    /// A collection with nothing in it.
    #[must_use]
    pub fn new(name: impl Into<String>, endian: Endian) -> Self {
        CollectionSpec {
            name: name.into(),
            endian,
            license: String::new(),
            kernel_version: 0,
            btf: None,
            maps: Vec::new(),
            programs: Vec::new(),
            functions: Vec::new(),
            externs: Vec::new(),
        }
    }

    access!(maps, maps_mut, map, map_mut, add_map, MapSpec, "map");
    access!(
        programs,
        programs_mut,
        program,
        program_mut,
        add_program,
        ProgramSpec,
        "program"
    );
    access!(
        functions,
        functions_mut,
        function,
        function_mut,
        add_function,
        Function,
        "function"
    );
    access!(
        externs,
        externs_mut,
        extern_symbol,
        extern_symbol_mut,
        add_extern,
        ExternSpec,
        "extern"
    );

    /// A global variable, wherever it is: the position of its map, and the variable.
    ///
    /// Static variables of several source files may share a name; the first one is found.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<(usize, &VariableSpec)> {
        self.maps.iter().enumerate().find_map(|(index, map)| {
            let data = map.data.as_ref()?;
            Some((index, data.variable(name)?))
        })
    }

    /// The initial value of a global variable, to read.
    #[must_use]
    pub fn variable_bytes(&self, name: &str) -> Option<&[u8]> {
        self.maps
            .iter()
            .find_map(|map| map.data.as_ref()?.variable_bytes(name))
    }

    /// The initial value of a global variable, to change.
    pub fn variable_bytes_mut(&mut self, name: &str) -> Option<&mut [u8]> {
        self.maps
            .iter_mut()
            .find_map(|map| map.data.as_mut()?.variable_bytes_mut(name))
    }
}
