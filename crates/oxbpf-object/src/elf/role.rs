//! What a section is for, by its name and type.

use object::elf;

use super::file::Section;
use crate::spec::DataKind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Of no concern here: debug information, strings, what nobody knows.
    Other,
    License,
    Version,
    Btf,
    BtfExt,
    /// Functions that programs call.
    Text,
    /// Functions that are programs, if not static.
    Programs,
    /// Maps defined by types.
    BtfMaps,
    /// Maps defined by `struct bpf_map_def` values.
    LegacyMaps,
    Data(DataKind),
    /// Tables of places to jump to.
    JumpTables,
    StructOps {
        link: bool,
        optional: bool,
    },
}

impl Role {
    pub(super) fn of(section: &Section<'_>) -> Role {
        let has_data = section.kind == elf::SHT_PROGBITS;
        match section.name {
            _ if section.size == 0 => Role::Other,
            "license" if has_data => Role::License,
            "version" if has_data => Role::Version,
            ".BTF" if has_data => Role::Btf,
            ".BTF.ext" if has_data => Role::BtfExt,
            name if has_data && section.executable => match is_or_in(name, ".text") {
                true => Role::Text,
                false => Role::Programs,
            },
            name if has_data => Role::of_data(name),
            name if section.kind == elf::SHT_NOBITS => match Role::of_data(name) {
                Role::Data(kind) => Role::Data(kind),
                _ => Role::Other,
            },
            _ => Role::Other,
        }
    }

    fn of_data(name: &str) -> Role {
        match name {
            ".maps" => Role::BtfMaps,
            super::jump_tables::SECTION => Role::JumpTables,
            ".struct_ops" => Role::StructOps {
                link: false,
                optional: false,
            },
            ".struct_ops.link" => Role::StructOps {
                link: true,
                optional: false,
            },
            "?.struct_ops" => Role::StructOps {
                link: false,
                optional: true,
            },
            "?.struct_ops.link" => Role::StructOps {
                link: true,
                optional: true,
            },
            ".addr_space.1" => Role::Data(DataKind::Arena),
            _ if name == "maps" || name.starts_with("maps/") || name.ends_with("/maps") => {
                Role::LegacyMaps
            }
            _ if is_or_in(name, ".rodata") => Role::Data(DataKind::Rodata),
            _ if is_or_in(name, ".data") => Role::Data(DataKind::Data),
            _ if is_or_in(name, ".bss") => Role::Data(DataKind::Bss),
            _ => Role::Other,
        }
    }

    pub(super) fn is_code(self) -> bool {
        matches!(self, Role::Text | Role::Programs)
    }
}

/// Whether `name` is `family`, or begins with it and a dot.
fn is_or_in(name: &str, family: &str) -> bool {
    name.strip_prefix(family)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
