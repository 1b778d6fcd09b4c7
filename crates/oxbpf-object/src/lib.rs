//! BPF on paper: everything about a BPF object that needs no kernel.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used,
        clippy::expect_used
    )
)]

pub mod asm;
pub mod btf;
pub mod core_reloc;
pub mod elf;
pub mod endian;
pub mod executable;
pub mod kconfig;
pub mod kernel;
pub mod limits;
pub mod linker;
#[doc(hidden)]
pub mod printable;
pub mod section_name;
pub mod spec;

pub use endian::Endian;
pub use kernel::{AttachType, Helper, LinkType, MapFlags, MapType, ProgramFlags, ProgramType};
pub use linker::Linker;
pub use section_name::{SectionDef, SectionName};
pub use spec::{CollectionSpec, MapSpec, ProgramSpec};
