//! Sections: those of one name in all objects, put one after the other.

use std::collections::HashMap;

use object::elf;

use super::input::Input;
use super::{Error, ErrorKind};
use crate::asm::Insn;
use crate::elf::file::Section;
use crate::limits::{MAX_ALIGNMENT, MAX_ITEMS};

/// Addresses of symbols that linkers should not fold; of no use without an address space.
const SHT_LLVM_ADDRSIG: u32 = 0x6fff_4c03;

/// A section of the output.
pub(super) struct Output<'a> {
    pub(super) name: &'a str,
    pub(super) kind: elf::SectionType,
    pub(super) flags: u64,
    pub(super) entry_size: u64,
    pub(super) alignment: u64,
    /// Empty if the section takes no room in the file.
    pub(super) data: Vec<u8>,
    pub(super) size: u64,
    /// The object that it was first in.
    first: usize,
}

/// Where a section of an object has got to.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Position of the section of the output.
    pub(super) output: usize,
    /// Bytes from its start.
    pub(super) offset: u64,
    /// Whether it is left out because the one there says the same.
    pub(super) repeated: bool,
}

pub(super) struct Sections<'a> {
    pub(super) outputs: Vec<Output<'a>>,
    /// By object, then by section of it.
    places: Vec<Vec<Option<Place>>>,
    named: HashMap<&'a str, usize>,
}

impl<'a> Sections<'a> {
    pub(super) fn merge(inputs: &[Input<'a>]) -> Result<Sections<'a>, Error> {
        let mut sections = Sections {
            outputs: Vec::new(),
            places: Vec::new(),
            named: HashMap::new(),
        };
        for (object, input) in inputs.iter().enumerate() {
            let mut places = Vec::with_capacity(input.file.sections.len());
            for section in &input.file.sections {
                let wrong = |error: Error| error.in_object(&input.name).in_section(section.name);
                let place = match is_linked(section).map_err(wrong)? {
                    false => None,
                    true => {
                        let next = sections.outputs.len();
                        let known = *sections.named.entry(section.name).or_insert(next);
                        let place = sections.add(known, object, section).map_err(|error| {
                            let first = sections.outputs.get(known).map_or(object, |o| o.first);
                            match inputs.get(first).filter(|_| first != object) {
                                Some(first) => wrong(error.in_object(&first.name)),
                                None => wrong(error),
                            }
                        })?;
                        Some(place)
                    }
                };
                places.push(place);
            }
            sections.places.push(places);
        }
        Ok(sections)
    }

    /// Puts a section at the end of the one of its name, which is made if it is the first.
    fn add(&mut self, index: usize, object: usize, section: &Section<'a>) -> Result<Place, Error> {
        let alignment = section.alignment.max(1);
        if !alignment.is_power_of_two() || alignment > MAX_ALIGNMENT {
            let message = format!(
                "it is aligned to {alignment} bytes, no power of two up to {MAX_ALIGNMENT}"
            );
            return Err(Error::new(ErrorKind::Limit, message));
        }
        if section.executable && section.size.checked_rem(Insn::SIZE as u64) != Some(0) {
            let message = format!(
                "its {} bytes are no whole number of instructions",
                section.size
            );
            return Err(Error::new(ErrorKind::Section, message));
        }
        if index == self.outputs.len() {
            if index >= MAX_ITEMS {
                let message = format!("there are more than {MAX_ITEMS} sections");
                return Err(Error::new(ErrorKind::Limit, message));
            }
            self.outputs.push(Output {
                name: section.name,
                kind: section.kind,
                flags: section.flags,
                entry_size: section.entry_size,
                alignment,
                data: section.data.to_vec(),
                size: section.size,
                first: object,
            });
            return Ok(Place {
                output: index,
                offset: 0,
                repeated: false,
            });
        }
        let Some(output) = self.outputs.get_mut(index) else {
            return Err(Error::new(ErrorKind::Section, "it is lost"));
        };
        let differs = |what: &str, a: u64, b: u64| {
            let message = format!("the objects differ in its {what}: {a:#x} and {b:#x}");
            Err(Error::new(ErrorKind::Section, message))
        };
        if output.kind != section.kind {
            return differs("type", output.kind.0.into(), section.kind.0.into());
        }
        if output.flags != section.flags {
            return differs("flags", output.flags, section.flags);
        }
        if output.entry_size != section.entry_size {
            return differs("size of an entry", output.entry_size, section.entry_size);
        }
        if matches!(section.name, "license" | "version") {
            if output.data != section.data {
                let message = match section.name {
                    "license" => format!(
                        "the objects are under different licences, {} and {}",
                        quoted(&output.data),
                        quoted(section.data)
                    ),
                    _ => "it has to be the same in all objects, and is not".to_owned(),
                };
                return Err(Error::new(ErrorKind::Section, message));
            }
            return Ok(Place {
                output: index,
                offset: 0,
                repeated: true,
            });
        }
        let too_large = || Error::new(ErrorKind::Limit, "its parts together are too large");
        let offset = output
            .size
            .checked_next_multiple_of(alignment)
            .ok_or_else(too_large)?;
        output.size = offset.checked_add(section.size).ok_or_else(too_large)?;
        output.alignment = output.alignment.max(alignment);
        if output.kind != elf::SHT_NOBITS {
            // Bounded by the size of the files, and of the filling between them.
            output.data.resize(offset as usize, 0);
            output.data.extend_from_slice(section.data);
        }
        Ok(Place {
            output: index,
            offset,
            repeated: false,
        })
    }

    /// Where a section of an object has got to, unless it is left out.
    pub(super) fn place(&self, object: usize, section: usize) -> Option<Place> {
        *self.places.get(object)?.get(section)?
    }

    /// The output section of that name.
    pub(super) fn named(&self, name: &str) -> Option<&Output<'a>> {
        self.outputs.get(*self.named.get(name)?)
    }
}

fn quoted(text: &[u8]) -> String {
    let end = text
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(text.len());
    format!(
        "{:?}",
        String::from_utf8_lossy(text.get(..end).unwrap_or_default())
    )
}

/// Whether the section is merged with others as it is, rather than left out or made anew.
fn is_linked(section: &Section<'_>) -> Result<bool, Error> {
    match section.kind {
        elf::SHT_PROGBITS | elf::SHT_NOBITS => Ok(match section.name {
            ".BTF" | ".BTF.ext" => false,
            ".text" => section.size != 0,
            name => !name.starts_with(".debug_"),
        }),
        elf::SHT_NULL | elf::SHT_SYMTAB | elf::SHT_STRTAB | elf::SHT_SYMTAB_SHNDX => Ok(false),
        elf::SHT_REL | elf::SHT_RELA | elf::SHT_NOTE => Ok(false),
        kind if kind.0 == SHT_LLVM_ADDRSIG => Ok(false),
        kind => Err(Error::new(
            ErrorKind::Unsupported,
            format!("sections of type {:#x} cannot be linked", kind.0),
        )),
    }
}
