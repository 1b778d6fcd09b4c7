//! `.BTF.ext`: functions, source lines and CO-RE relocations, moved along with the instructions that they are about.

use std::cell::RefCell;
use std::collections::HashMap;

use super::image::Writer;
use super::input::Input;
use super::sections::Sections;
use super::types::Merged;
use super::{Error, ErrorKind};
use crate::Endian;
use crate::btf::{Btf, BtfExt, TypeId};

const HEADER_SIZE: u32 = 32;
const MAGIC: u16 = 0xeb9f;
const VERSION: u8 = 1;

/// The records of one part: words, by section of the output.
struct Part {
    words_per_record: u32,
    records: Vec<Vec<u32>>,
}

impl Part {
    fn new(words_per_record: u32, sections: &Sections<'_>) -> Part {
        Part {
            words_per_record,
            records: sections.outputs.iter().map(|_| Vec::new()).collect(),
        }
    }

    fn add(&mut self, output: usize, words: &[u32]) {
        if let Some(records) = self.records.get_mut(output) {
            records.extend_from_slice(words);
        }
    }

    /// The data of the part; nothing if it has no records.
    fn write(&self, names: &[u32], endian: Endian) -> Vec<u8> {
        let mut data = Vec::new();
        let mut out = Writer(endian, &mut data);
        for (name, records) in names.iter().zip(&self.records) {
            if records.is_empty() {
                continue;
            }
            if out.1.is_empty() {
                out.word(self.words_per_record.saturating_mul(4));
            }
            out.word(*name);
            out.word(
                (records.len() as u32)
                    .checked_div(self.words_per_record)
                    .unwrap_or(0),
            );
            for &word in records {
                out.word(word);
            }
        }
        data
    }
}

/// The data of `.BTF.ext`, if any object has some. Adds the strings that it uses to the types.
pub(super) fn merge(
    inputs: &[Input<'_>],
    sections: &Sections<'_>,
    types: &mut Merged,
    endian: Endian,
) -> Result<Option<Vec<u8>>, Error> {
    let mut functions = Part::new(2, sections);
    let mut lines = Part::new(4, sections);
    let mut relocations = Part::new(4, sections);
    let mut any = false;
    for (object, input) in inputs.iter().enumerate() {
        let (Some(btf), Some(ext)) = (&input.btf, input.ext) else {
            continue;
        };
        any = true;
        let merged = Object {
            object,
            input,
            btf,
            sections,
            strings: RefCell::default(),
        };
        merged
            .add(ext, types, &mut functions, &mut lines, &mut relocations)
            .map_err(|error| error.in_object(&input.name).in_section(".BTF.ext"))?;
    }
    if !any {
        return Ok(None);
    }
    let outputs = sections.outputs.iter();
    let names: Vec<u32> = outputs
        .map(|output| types.dedup.types_mut().add_string(output.name))
        .collect();
    let parts = [functions, lines, relocations].map(|part| part.write(&names, endian));
    let mut data = Vec::new();
    let mut out = Writer(endian, &mut data);
    out.half(MAGIC);
    out.byte(VERSION);
    out.byte(0);
    out.word(HEADER_SIZE);
    let mut offset = 0u32;
    for part in &parts {
        let length = u32::try_from(part.len()).ok();
        let end = length.and_then(|length| offset.checked_add(length));
        let (Some(length), Some(end)) = (length, end) else {
            let message = ".BTF.ext: longer than 4 GiB";
            return Err(Error::new(ErrorKind::Limit, message));
        };
        out.word(offset);
        out.word(length);
        offset = end;
    }
    for part in &parts {
        out.bytes(part);
    }
    Ok(Some(data))
}

struct Object<'o, 'a> {
    object: usize,
    input: &'o Input<'a>,
    btf: &'o Btf,
    sections: &'o Sections<'a>,
    /// What strings have become, by old offset: all lines of a file name one string, which may be long.
    strings: RefCell<HashMap<u32, u32>>,
}

impl Object<'_, '_> {
    fn add(
        &self,
        ext: &[u8],
        types: &mut Merged,
        functions: &mut Part,
        lines: &mut Part,
        relocations: &mut Part,
    ) -> Result<(), Error> {
        let ext = BtfExt::parse(ext, self.btf)?;
        for (section, records) in ext.func_info() {
            let Some(place) = self.place(section) else {
                continue;
            };
            for record in records {
                let ty = self.ty(types, record.type_id)?;
                functions.add(place.output, &[place.insn(record.insn_off)?, ty]);
            }
        }
        for (section, records) in ext.line_info() {
            let Some(place) = self.place(section) else {
                continue;
            };
            for record in records {
                let file = self.string(types, record.file_name_off)?;
                let line = self.string(types, record.line_off)?;
                let insn = place.insn(record.insn_off)?;
                lines.add(place.output, &[insn, file, line, record.line_col]);
            }
        }
        for (section, records) in ext.core_relos() {
            let Some(place) = self.place(section) else {
                continue;
            };
            for record in records {
                let ty = self.ty(types, record.type_id)?;
                let access = self.string(types, record.access_str_off)?;
                let insn = place.insn(record.insn_off)?;
                relocations.add(place.output, &[insn, ty, access, record.kind]);
            }
        }
        Ok(())
    }

    fn place(&self, section: &str) -> Option<Moved> {
        let section = self.input.file.section_named(section)?;
        let place = self.sections.place(self.object, section.index)?;
        Some(Moved {
            output: place.output,
            by: place.offset,
        })
    }

    fn ty(&self, types: &Merged, old: TypeId) -> Result<u32, Error> {
        match types.id(self.object, old) {
            Some(new) => Ok(new.0),
            None => Err(Error::new(
                ErrorKind::TypeInfo,
                format!("it refers to type {old}, which is left out or not there"),
            )),
        }
    }

    fn string(&self, types: &mut Merged, old: u32) -> Result<u32, Error> {
        if let Some(&new) = self.strings.borrow().get(&old) {
            return Ok(new);
        }
        let string = self.btf.string(old)?;
        let new = types.dedup.types_mut().add_string_bytes(string);
        self.strings.borrow_mut().insert(old, new);
        Ok(new)
    }
}

/// Where the instructions of a section are now.
struct Moved {
    output: usize,
    by: u64,
}

impl Moved {
    fn insn(&self, offset: u32) -> Result<u32, Error> {
        let new = self.by.saturating_add(offset.into());
        u32::try_from(new)
            .map_err(|_| Error::new(ErrorKind::Limit, "an instruction is beyond 4 GiB"))
    }
}
