//! A function: instructions, and what in them is still open.

use crate::asm::Insn;
use crate::btf::{self, TypeId};

/// One function of the object, entry of a program or not.
///
/// Positions of instructions are counted in slots from the start of the function.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Function {
    /// Name in C. Static functions of several source files may share one.
    pub name: String,
    /// Section that it is from.
    pub section: String,
    /// Slots from the start of the section.
    pub section_offset: usize,
    /// Its instructions, as compiled.
    pub insns: Vec<Insn>,
    /// What the instructions refer to, first instruction first.
    pub relocs: Vec<Reloc>,
    /// The function in the object's BTF (a `FUNC`).
    pub func_type: Option<TypeId>,
    /// Who can call it.
    pub linkage: Linkage,
    /// Source lines, first instruction first.
    pub line_info: Vec<LineInfo>,
    /// Places that depend on the kernel's types, first instruction first.
    pub core_relos: Vec<CoreRelo>,
    /// Tables of places to jump to (`gotox`).
    pub jump_tables: Vec<JumpTable>,
    /// Position of the function that the kernel calls when this one, as a program, throws an exception.
    pub exception_callback: Option<usize>,
}

/// Who can call a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Linkage {
    /// Its own source file. The verifier follows each call into it.
    #[default]
    Static,
    /// Its own object, after linking (`__hidden`). The verifier treats it as static.
    Hidden,
    /// Everyone. The verifier checks it once, on its own, for all arguments.
    Global,
    /// Everyone, unless another object has it as [`Global`](Self::Global) (`__weak`).
    Weak,
}

/// An instruction that refers to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reloc {
    /// The instruction; the first slot of a wide one.
    pub insn: usize,
    /// What it refers to.
    pub target: RelocTarget,
}

/// What an instruction refers to, by position in the collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RelocTarget {
    /// A wide load of a map's address.
    Map(usize),
    /// A wide load of an address in the (only) value of a map.
    MapValue {
        /// Position of the map.
        map: usize,
        /// Bytes from the start of the value.
        offset: u32,
    },
    /// A call of a function.
    Call(usize),
    /// A wide load of a function's address, for a callback.
    FunctionAddress(usize),
    /// A call of an extern, or a wide load of its address.
    Extern(usize),
    /// A wide load of the address of a table of places to jump to, by position among those of the function; in a program that is
    /// put together, among all of its.
    JumpTable(usize),
}

/// Places to jump to, of which the program takes one at run time. The loader makes a map of it, which the kernel keeps right while
/// it rewrites the program.
///
/// Minimum kernel: 6.19.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[doc(alias = "BPF_MAP_TYPE_INSN_ARRAY")]
pub struct JumpTable {
    /// Bytes from the start of section `.jumptables`.
    pub offset: u64,
    /// The instructions, in slots from the start of the function; in a program that is put together, from that of the program.
    pub targets: Vec<u32>,
}

/// The source line of an instruction and those after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LineInfo {
    /// The first instruction.
    pub insn: usize,
    /// The record in the object; its own position is that in the section.
    pub record: btf::LineInfo,
}

/// An instruction that depends on the kernel's types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CoreRelo {
    /// The instruction; the first slot of a wide one.
    pub insn: usize,
    /// The record in the object; its own position is that in the section.
    pub record: btf::CoreRelo,
}
