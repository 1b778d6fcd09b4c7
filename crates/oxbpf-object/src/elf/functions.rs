//! Functions and programs: what the symbols of executable sections say.

use object::elf;

use super::file::{File, Section, Symbol};
use super::role::Role;
use super::{Error, ErrorKind};
use crate::asm::{self, Insn};
use crate::limits::MAX_FUNCTIONS;
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
    let role = |section: usize| roles.get(section).copied().unwrap_or(Role::Other);
    let mut symbols: Vec<(usize, Symbol<'_>)> = file
        .symbols()
        .filter_map(|(_, symbol)| Some((symbol.section?, symbol)))
        .filter(|&(section, symbol)| {
            role(section).is_code()
                && (symbol.kind == elf::STT_FUNC
                    || symbol.kind == elf::STT_NOTYPE && !symbol.is_local())
        })
        .collect();
    // Of symbols for one place, one that other objects can see comes first.
    symbols.sort_by_key(|(section, symbol)| (*section, symbol.value, symbol.is_local()));

    let mut places = Places::default();
    for of_section in symbols.chunk_by(|(a, _), (b, _)| a == b) {
        let Some(section) = of_section
            .first()
            .and_then(|(section, _)| file.section(*section))
        else {
            continue;
        };
        let added = add_section(
            section,
            role(section.index),
            of_section,
            file,
            spec,
            &mut places,
        );
        added.map_err(|error| error.in_section(section.name))?;
    }
    Ok(places)
}

fn add_section(
    section: &Section<'_>,
    role: Role,
    symbols: &[(usize, Symbol<'_>)],
    file: &File<'_>,
    spec: &mut CollectionSpec,
    places: &mut Places,
) -> Result<(), Error> {
    // Compilers before LLVM 8 did not mark functions as such.
    let any_marked = symbols
        .iter()
        .any(|(_, symbol)| symbol.kind == elf::STT_FUNC);
    let mut functions = symbols
        .iter()
        .map(|(_, symbol)| symbol)
        .filter(|symbol| !any_marked || symbol.kind == elf::STT_FUNC)
        .peekable();
    let name = SectionName::parse(section.name);
    while let Some(symbol) = functions.next() {
        let symbol_name = symbol.name()?;
        let wrong = |message: String| Error::corrupt(message).at_symbol(symbol_name);
        let next = functions.peek().map_or(section.size, |next| next.value);
        let end = match symbol.size {
            // Assembler sources need not say how long a function is.
            0 => next,
            size => symbol.value.saturating_add(size),
        };
        let bytes = usize::try_from(symbol.value)
            .ok()
            .zip(usize::try_from(end).ok())
            .and_then(|(start, end)| section.data.get(start..end));
        let bytes = bytes.ok_or_else(|| {
            wrong(format!("the function's bytes {} to {end} reach past the end of the section, which has {} bytes", symbol.value, section.size))
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
                if spec.functions.len() >= MAX_FUNCTIONS {
                    return Err(Error::new(
                        ErrorKind::Limit,
                        format!("the object has more than {MAX_FUNCTIONS} functions"),
                    ));
                }
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
        flags: def.map_or_else(Default::default, |def| def.flags),
        autoload: !section.starts_with('?'),
        function,
        section_def: def,
    }
}
