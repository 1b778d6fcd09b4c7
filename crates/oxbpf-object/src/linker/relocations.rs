//! Symbols and relocations: what moves along with the sections.

use std::collections::HashSet;

use object::elf;

use super::globals::Globals;
use super::image::{Image, Record, Writer};
use super::input::Input;
use super::sections::{Place, Sections};
use super::{Error, ErrorKind};
use crate::Endian;
use crate::asm::Insn;
use crate::elf::file::{Relocation, Symbol};
use crate::elf::jump_tables;

const R_BPF_64_ABS64: u32 = 2;
const R_BPF_64_ABS32: u32 = 3;
const R_BPF_64_NODYLD32: u32 = 4;
/// The opcode of a call.
const CALL: u8 = 0x85;

/// The relocations for a section of the output.
pub(super) struct Table {
    pub(super) output: usize,
    pub(super) data: Vec<u8>,
}

/// What each symbol of each object is in the output, if it is there.
pub(super) struct Symbols(Vec<Vec<Option<u32>>>);

impl Symbols {
    fn get(&self, object: usize, symbol: usize) -> Option<u32> {
        *self.0.get(object)?.get(symbol)?
    }
}

/// Adds all symbols: of sections, then those that only their own object sees, then those that all see.
pub(super) fn add_symbols<'a>(
    inputs: &[Input<'a>],
    sections: &Sections<'a>,
    globals: &Globals<'a>,
    image: &mut Image,
) -> Result<Symbols, Error> {
    let mut of_sections = Vec::with_capacity(sections.outputs.len());
    for output in 0..sections.outputs.len() {
        of_sections.push(image.add_symbol(&Record {
            name: "",
            kind: elf::STT_SECTION,
            binding: elf::STB_LOCAL,
            hidden: false,
            output: Some(output),
            value: 0,
            size: 0,
        })?);
    }
    let mut symbols = Vec::with_capacity(inputs.len());
    for (object, input) in inputs.iter().enumerate() {
        let in_object = |error: Error| error.in_object(&input.name);
        let mut map = Vec::new();
        for (index, symbol) in input.file.symbols() {
            map.resize(index, None);
            let place = symbol
                .section
                .and_then(|section| sections.place(object, section));
            map.push(match place {
                Some(place) if symbol.kind == elf::STT_SECTION => {
                    of_sections.get(place.output).copied()
                }
                Some(place) if symbol.is_local() && !place.repeated => {
                    let name = symbol.name().map_err(|error| in_object(error.into()))?;
                    Some(image.add_symbol(&record(name, &symbol, place).map_err(in_object)?)?)
                }
                _ => None,
            });
        }
        symbols.push(map);
    }
    let mut of_globals = Vec::with_capacity(globals.all.len());
    for global in &globals.all {
        let place = global
            .symbol
            .section
            .and_then(|section| sections.place(global.object, section));
        let mut new = match place {
            Some(place) => record(global.name, &global.symbol, place)
                .map_err(|error| error.at_symbol(global.name))?,
            None => Record {
                name: global.name,
                kind: global.symbol.kind,
                binding: elf::STB_GLOBAL,
                hidden: false,
                output: None,
                value: 0,
                size: 0,
            },
        };
        new.binding = if global.weak {
            elf::STB_WEAK
        } else {
            elf::STB_GLOBAL
        };
        new.hidden = global.hidden;
        of_globals.push(image.add_symbol(&new)?);
    }
    for (input, map) in inputs.iter().zip(&mut symbols) {
        for (index, symbol) in input
            .file
            .symbols()
            .filter(|(_, symbol)| !symbol.is_local())
        {
            let position = symbol.name().ok().and_then(|name| globals.position(name));
            let number = position
                .and_then(|position| of_globals.get(position))
                .copied();
            if let Some(slot) = map.get_mut(index) {
                *slot = number;
            }
        }
    }
    Ok(Symbols(symbols))
}

fn record<'a>(name: &'a str, symbol: &Symbol<'_>, place: Place) -> Result<Record<'a>, Error> {
    let value = symbol.value.checked_add(place.offset);
    Ok(Record {
        name,
        kind: symbol.kind,
        binding: symbol.binding,
        hidden: symbol.hidden,
        output: Some(place.output),
        value: value.ok_or_else(|| Error::new(ErrorKind::Limit, "its offset is beyond 64 bits"))?,
        size: symbol.size,
    })
}

/// Moves all relocations along with what they patch and what they are for.
pub(super) fn rebase(
    inputs: &[Input<'_>],
    sections: &mut Sections<'_>,
    symbols: &Symbols,
    endian: Endian,
) -> Result<Vec<Table>, Error> {
    let mut tables_moved = HashSet::new();
    let mut tables: Vec<Option<Table>> = sections.outputs.iter().map(|_| None).collect();
    for (object, input) in inputs.iter().enumerate() {
        for section in &input.file.sections {
            let Some(patched) = input.file.relocated(section) else {
                continue;
            };
            let Some(place) = sections
                .place(object, patched.index)
                .filter(|place| !place.repeated)
            else {
                continue;
            };
            let wrong = |error: Error| error.in_object(&input.name).in_section(patched.name);
            if section.kind == elf::SHT_RELA {
                let message = "relocations with addends (SHT_RELA) are not linked: no compiler for BPF makes them";
                return Err(wrong(Error::new(ErrorKind::Unsupported, message)));
            }
            let relocations = input
                .file
                .relocations(section)
                .map_err(|error| wrong(error.into()))?;
            for relocation in relocations {
                let symbol = input.file.symbol(relocation.symbol);
                let number = symbols.get(object, relocation.symbol);
                let (Some(symbol), Some(number)) = (symbol, number) else {
                    let name = symbol.map_or("?", |symbol| input.file.describe(&symbol));
                    let message = format!(
                        "the relocation at offset {} is for `{name}`, which is left out or not there",
                        relocation.offset
                    );
                    return Err(wrong(Error::new(ErrorKind::Reference, message)));
                };
                let target = symbol.section.and_then(|of| sections.place(object, of));
                let moved = match target {
                    Some(target) if symbol.kind == elf::STT_SECTION => target.offset,
                    _ => 0,
                };
                let is_code = patched.executable;
                let is_table = symbol
                    .section
                    .is_some_and(|of| input.file.section_name(of) == jump_tables::SECTION);
                if let (true, Some(table)) = (is_table && is_code, target) {
                    let start = table.offset.checked_add(symbol.value);
                    let is_new = tables_moved.insert((table.output, start));
                    if is_new
                        && move_table(sections, table, &symbol, place.offset, endian).is_none()
                    {
                        let message = format!(
                            "jump table `{}` lies outside of its section",
                            input.file.describe(&symbol)
                        );
                        return Err(wrong(Error::new(ErrorKind::Reference, message)));
                    }
                }
                let offset = patch(sections, place, is_code, &relocation, moved, endian)
                    .ok_or_else(|| {
                        let message = format!(
                            "the relocation at offset {} lies outside of the section, or what it is for has got too far away",
                            relocation.offset
                        );
                        wrong(Error::new(ErrorKind::Reference, message))
                    })?;
                if let Some(table) = tables.get_mut(place.output) {
                    let table = table.get_or_insert_with(|| Table {
                        output: place.output,
                        data: Vec::new(),
                    });
                    let mut out = Writer(endian, &mut table.data);
                    out.long(offset);
                    out.long(u64::from(number) << 32 | u64::from(relocation.kind));
                }
            }
        }
    }
    Ok(tables.into_iter().flatten().collect())
}

/// Makes the entries of a jump table, which count from the start of the section of their function, larger by how far that has moved.
fn move_table(
    sections: &mut Sections<'_>,
    table: Place,
    symbol: &Symbol<'_>,
    moved: u64,
    endian: Endian,
) -> Option<()> {
    let output = sections.outputs.get_mut(table.output)?;
    let start = usize::try_from(table.offset.checked_add(symbol.value)?).ok()?;
    let end = start.checked_add(usize::try_from(symbol.size).ok()?)?;
    for entry in output.data.get_mut(start..end)?.chunks_exact_mut(8) {
        let old = endian.read_u64(entry, 0)?;
        endian.write_u64(entry, 0, old.checked_add(moved)?)?;
    }
    Some(())
}

/// Where a relocation is in the output. What is counted there from the start of a section gets larger by how far that has moved.
fn patch(
    sections: &mut Sections<'_>,
    place: Place,
    is_code: bool,
    relocation: &Relocation,
    moved: u64,
    endian: Endian,
) -> Option<u64> {
    let offset = relocation.offset.checked_add(place.offset)?;
    let output = sections.outputs.get_mut(place.output)?;
    let at = usize::try_from(offset).ok()?;
    if at >= output.data.len() {
        return None;
    }
    if moved == 0 {
        return Some(offset);
    }
    if is_code {
        // Calls count in instructions, loads in bytes.
        let moved = match *output.data.get(at)? {
            CALL => moved.checked_div(Insn::SIZE as u64)?,
            _ => moved,
        };
        let immediate = at.checked_add(4)?;
        let old = endian.read_u32(&output.data, immediate)? as i32;
        let new = i64::from(old).checked_add(i64::try_from(moved).ok()?)?;
        let new = i32::try_from(new).ok()?;
        endian.write_u32(&mut output.data, immediate, new as u32)?;
        return Some(offset);
    }
    match relocation.kind {
        R_BPF_64_ABS64 => {
            let old = endian.read_u64(&output.data, at)?;
            endian.write_u64(&mut output.data, at, old.checked_add(moved)?)?;
        }
        R_BPF_64_ABS32 | R_BPF_64_NODYLD32 => {
            let old = endian.read_u32(&output.data, at)?;
            let new = old.checked_add(u32::try_from(moved).ok()?)?;
            endian.write_u32(&mut output.data, at, new)?;
        }
        _ => return None,
    }
    Some(offset)
}
