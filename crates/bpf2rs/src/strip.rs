//! Taking DWARF out of an object: loaders read BTF, and DWARF is three times the rest.

use object::{
    build::elf::{Builder, SectionData},
    elf,
};

use crate::error::{Error, ErrorKind, Result};

/// Removes the `.debug_*` sections of a BPF object, their relocations, and the symbols that
/// only they need. BTF stays.
///
/// # Errors
/// [`ErrorKind::InvalidObject`] if the bytes are no ELF object.
pub fn strip(bytes: &[u8]) -> Result<Vec<u8>> {
    strip_object(bytes).map_err(|error| {
        Error::new(ErrorKind::InvalidObject, "stripping the object failed").with_source(error)
    })
}

fn strip_object(bytes: &[u8]) -> Result<Vec<u8>, object::build::Error> {
    let mut builder = Builder::read(bytes)?;
    let mut has_section_names = false;
    for section in &mut builder.sections {
        let name = section.name.as_slice();
        section.delete = name.starts_with(b".debug_") || name.starts_with(b".rel.debug_");
        has_section_names |= matches!(section.data, SectionData::SectionString);
    }
    for symbol in &mut builder.symbols {
        // The name of the source file: DWARF's companion.
        symbol.delete |= symbol.st_type() == elf::STT_FILE;
    }
    builder.delete_orphans();
    if !has_section_names {
        // clang keeps the names of sections and symbols in one table; the builder wants two.
        let names = builder.sections.add();
        names.name = b".shstrtab".as_slice().into();
        names.data = SectionData::SectionString;
        names.sh_type = elf::SHT_STRTAB;
        names.sh_addralign = 1;
    }
    let mut stripped = Vec::new();
    builder.write(&mut stripped)?;
    Ok(stripped)
}
