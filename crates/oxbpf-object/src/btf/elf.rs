//! BTF inside of an ELF file: a kernel's image, a module, an object.

use std::io::{Read, Seek, SeekFrom};

use object::{Object, ObjectSection, ReadCache, ReadRef};

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
        section_of(bytes, bytes.len() as u64)
    }

    /// As [`parse_elf`](Btf::parse_elf), without reading all of the file: that of a kernel with its debugging information takes
    /// a gigabyte.
    ///
    /// # Errors
    ///
    /// As [`parse_elf`](Btf::parse_elf); what cannot be read counts as not being there.
    pub fn read_elf(mut file: impl Read + Seek) -> Result<Btf, Error> {
        let length = file.seek(SeekFrom::End(0)).map_err(|error| Error::NotElf {
            reason: error.to_string(),
        })?;
        section_of(&ReadCache::new(file), length)
    }
}

fn section_of<'d>(data: impl ReadRef<'d>, length: u64) -> Result<Btf, Error> {
    let not_elf = |error: object::Error| Error::NotElf {
        reason: error.to_string(),
    };
    let file = object::File::parse(data).map_err(not_elf)?;
    let section = file.section_by_name(".BTF").ok_or(Error::NoSection)?;
    if section.size() > length {
        return Err(Error::NotElf {
            reason: "its section .BTF is longer than itself".to_owned(),
        });
    }
    Btf::parse(section.data().map_err(not_elf)?.to_vec())
}
