//! BTF inside of an ELF file: a kernel's image, a module, an object.

use object::{Object, ObjectSection};

use super::{Btf, Error};

impl Btf {
    /// Reads the `.BTF` section of an ELF file, such as an uncompressed kernel image (`vmlinux`).
    ///
    /// For a module's, the base is the kernel's BTF: see [`parse_split`](Btf::parse_split).
    ///
    /// # Errors
    ///
    /// When it is no ELF file or has no such section; otherwise as [`parse`](Btf::parse).
    pub fn parse_elf(bytes: &[u8]) -> Result<Btf, Error> {
        let not_elf = |error: object::Error| Error::NotElf {
            reason: error.to_string(),
        };
        let file = object::File::parse(bytes).map_err(not_elf)?;
        let section = file.section_by_name(".BTF").ok_or(Error::NoSection)?;
        Btf::parse(section.data().map_err(not_elf)?.to_vec())
    }
}
