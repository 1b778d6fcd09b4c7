//! Functions and programs: what the symbols of executable sections say.

use object::elf;

use super::file::{File, Section, Symbol};
use super::role::Role;
use super::{Error, limit};
use crate::asm::{self, Insn};
use crate::section_name::SectionName;
use crate::spec::{CollectionSpec, Function, Linkage, ProgramSpec};

/// Where the functions are, to find them by section and slot.
#[derive(Default)]
pub(super) struct Places {
    /// Sorted by section and start; they do not overlap.
    places: Vec<Place>,
    /// The program that each function is, if it is one.
    pub(super) programs: Vec<Option<usize>>,
}

#[derive(Clone, Copy)]
struct Place {
    section: usize,
    /// In slots from the start of the section.
    start: usize,
    end: usize,
    function: usize,
}

impl Places {
    /// The function that has a slot of a section, and how many slots before that it starts.
    pub(super) fn containing(&self, section: usize, slot: usize) -> Option<(usize, usize)> {
        let after = self
            .places
            .partition_point(|place| (place.section, place.start) <= (section, slot));
        let place = self.places.get(after.checked_sub(1)?)?;
        if place.section != section || slot >= place.end {
            return None;
        }
        Some((place.function, slot.checked_sub(place.start)?))
    }

    /// The function that starts at a slot of a section.
    pub(super) fn starting_at(&self, section: usize, slot: usize) -> Option<usize> {
        match self.containing(section, slot) {
            Some((function, 0)) => Some(function),
            _ => None,
        }
    }

    /// All functions, with the section of each.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.places
            .iter()
            .map(|place| (place.section, place.function))
    }

    /// The program whose function starts at a byte of a section.
    pub(super) fn program_at(&self, section: usize, offset: u64) -> Option<usize> {
        let function = self.starting_at(section, slot(offset)?)?;
        *self.programs.get(function)?
    }
}

/// The slot that starts at a byte, if one does.
pub(super) fn slot(offset: u64) -> Option<usize> {
    let offset = usize::try_from(offset).ok()?;
    (offset % Insn::SIZE == 0).then_some(offset / Insn::SIZE)
}

/// Adds all functions and programs of the file.
pub(super) fn add(
    file: &File<'_>,
    roles: &[Role],
    spec: &mut CollectionSpec,
) -> Result<Places, Error> {
    let mut places = Places::default();
    for (section, role) in file.sections.iter().zip(roles) {
        if role.is_code() {
            let added = add_section(file, section, *role, spec, &mut places);
            added.map_err(|error| error.in_section(section.name))?;
        }
    }
    Ok(places)
}

/// The symbols of functions in a section, lowest first; of several for one place, one that other objects can see comes first.
fn function_symbols<'a>(file: &File<'a>, section: &Section<'a>) -> Vec<Symbol<'a>> {
    let mut symbols: Vec<Symbol<'_>> = file
        .symbols_in(section.index)
        .filter(|symbol| symbol.kind == elf::STT_FUNC)
        .collect();
    if symbols.is_empty() {
        // Compilers before LLVM 8 did not mark functions as such, nor do assembler sources have to.
        let visible = |symbol: &Symbol<'_>| symbol.kind == elf::STT_NOTYPE && !symbol.is_local();
        symbols = file.symbols_in(section.index).filter(visible).collect();
    }
    symbols.sort_by_key(|symbol| (symbol.value, symbol.is_local()));
    symbols
}

fn add_section(
    file: &File<'_>,
    section: &Section<'_>,
    role: Role,
    spec: &mut CollectionSpec,
    places: &mut Places,
) -> Result<(), Error> {
    let symbols = function_symbols(file, section);
    let name = SectionName::parse(section.name);
    for symbol in &symbols {
        let symbol_name = symbol.name()?;
        let wrong = |message: String| Error::corrupt(message).at_symbol(symbol_name);
        let end = match symbol.size {
            // Assembler sources need not say how long a function is.
            0 => {
                let next = symbols.partition_point(|other| other.value <= symbol.value);
                symbols.get(next).map_or(section.size, |next| next.value)
            }
            size => symbol.value.saturating_add(size),
        };
        let bytes = usize::try_from(symbol.value)
            .ok()
            .zip(usize::try_from(end).ok());
        let bytes = bytes.and_then(|(start, end)| section.data.get(start..end)).ok_or_else(|| {
            wrong(format!(
                "the function's bytes {} to {end} reach past the end of the section, which has {} bytes",
                symbol.value, section.size
            ))
        })?;
        let (Some(start), Some(end)) = (slot(symbol.value), slot(end)) else {
            return Err(wrong(format!(
                "the function's bytes {} to {end} are no whole number of 8-byte instructions",
                symbol.value
            )));
        };
        let last = places
            .places
            .last()
            .filter(|last| last.section == section.index);
        let function = match last {
            Some(last) if last.start == start && (last.end == end || symbol.size == 0) => {
                last.function
            }
            Some(last) if start < last.end => {
                let other = spec
                    .functions
                    .get(last.function)
                    .map_or("?", |function| &function.name);
                return Err(wrong(format!("the function overlaps `{other}`")));
            }
            _ if bytes.is_empty() => return Err(wrong("the function is empty".to_owned())),
            _ => {
                limit(spec.functions.len(), "functions")?;
                let insns =
                    asm::decode(bytes, file.endian).map_err(|error| wrong(error.to_string()))?;
                let function = spec.add_function(Function {
                    name: symbol_name.to_owned(),
                    section: section.name.to_owned(),
                    section_offset: start,
                    insns,
                    linkage: linkage(symbol),
                    ..Function::default()
                });
                places.places.push(Place {
                    section: section.index,
                    start,
                    end,
                    function,
                });
                places.programs.push(None);
                function
            }
        };
        if role == Role::Programs && !symbol.is_local() {
            limit(spec.programs.len(), "programs")?;
            let program = spec.add_program(program(symbol_name, section.name, name, function));
            if let Some(slot) = places.programs.get_mut(function) {
                slot.get_or_insert(program);
            }
        }
    }
    Ok(())
}

fn linkage(symbol: &Symbol<'_>) -> Linkage {
    match symbol.binding {
        elf::STB_LOCAL => Linkage::Static,
        _ if symbol.hidden => Linkage::Hidden,
        elf::STB_WEAK => Linkage::Weak,
        _ => Linkage::Global,
    }
}

fn program(
    name: &str,
    section: &str,
    parsed: Option<SectionName<'_>>,
    function: usize,
) -> ProgramSpec {
    let def = parsed.map(|parsed| parsed.def);
    ProgramSpec {
        name: name.to_owned(),
        section: section.strip_prefix('?').unwrap_or(section).to_owned(),
        prog_type: def.map(|def| def.program_type),
        attach_type: def.and_then(|def| def.attach_type),
        attach_to: parsed.and_then(|parsed| parsed.target).map(str::to_owned),
        target_program: None,
        flags: def.map_or_else(Default::default, |def| def.flags),
        autoload: !section.starts_with('?'),
        autoattach: true,
        function,
        section_def: def,
    }
}
