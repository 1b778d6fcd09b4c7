//! Relocations: what instructions, map definitions and `struct_ops` structures refer to.

use object::elf;

use super::externs::Targets;
use super::file::{File, Relocation, Section, Symbol};
use super::functions::{Places, slot};
use super::role::Role;
use super::{Error, MapPlace, MapPlaces, jump_tables};
use crate::asm::Insn;
use crate::kernel::MapType;
use crate::spec::{CollectionSpec, Function, Reloc, RelocTarget, SlotRef};

/// A pointer in a section of definitions.
struct Pointer<'p, 'a> {
    /// The map that it is in the definition of, and how far from its start.
    place: &'p MapPlace,
    inside: u64,
    /// Section and offset of what it points to.
    target: Option<(usize, u64)>,
    /// What that is called.
    name: &'a str,
}

/// Everything that a relocation may lead to.
pub(super) struct Resolver<'r, 'a> {
    pub(super) file: &'r File<'a>,
    pub(super) roles: &'r [Role],
    pub(super) functions: &'r Places,
    pub(super) maps: &'r MapPlaces,
    pub(super) externs: &'r Targets,
}

impl<'a> Resolver<'_, 'a> {
    /// Settles all relocations of the file that matter, and the calls that come without one.
    pub(super) fn resolve(&self, spec: &mut CollectionSpec) -> Result<(), Error> {
        let mut tables = jump_tables::Reader::new(self.file, self.roles);
        for section in &self.file.sections {
            let Some(patched) = self.file.relocated(section) else {
                continue;
            };
            let settled = match self.role(patched.index) {
                Role::Text | Role::Programs => self.code(section, patched, spec, &mut tables),
                Role::BtfMaps => self.map_values(section, patched, spec),
                Role::StructOps { .. } => self.struct_ops(section, patched, spec),
                // Debug information and types can do without. Pointers in global variables cannot be made to work.
                _ => Ok(()),
            };
            settled.map_err(|error| error.in_section(patched.name))?;
        }
        for (section, function) in self.functions.iter() {
            let Some(function) = spec.functions.get_mut(function) else {
                continue;
            };
            let settled = self.direct_calls(section, function);
            settled.map_err(|error| {
                error
                    .in_section(&function.section)
                    .at_symbol(&function.name)
            })?;
        }
        Ok(())
    }

    fn role(&self, section: usize) -> Role {
        self.roles.get(section).copied().unwrap_or(Role::Other)
    }

    fn symbol(&self, relocation: &Relocation) -> Result<Symbol<'a>, Error> {
        self.file.symbol(relocation.symbol).ok_or_else(|| {
            Error::corrupt(format!(
                "the relocation at offset {} is for symbol {}, which is not there",
                relocation.offset, relocation.symbol
            ))
        })
    }

    /// Settles the relocations of a section of instructions.
    fn code(
        &self,
        section: &Section<'a>,
        patched: &Section<'a>,
        spec: &mut CollectionSpec,
        tables: &mut jump_tables::Reader<'_, 'a>,
    ) -> Result<(), Error> {
        for relocation in self.file.relocations(section)? {
            let symbol = self.symbol(&relocation)?;
            let position = slot(relocation.offset).filter(|_| relocation.offset < patched.size);
            let position = position.ok_or_else(|| {
                Error::corrupt(format!(
                    "a relocation at offset {}, where no instruction starts",
                    relocation.offset
                ))
            })?;
            // What no symbol names was left behind by a linker that took another function instead.
            let Some((function, insn)) = self.functions.containing(patched.index, position) else {
                continue;
            };
            let Some(function) = spec.functions.get_mut(function) else {
                continue;
            };
            let target = match tables.of(&symbol) {
                Some(table) => tables.target(table, function, insn, &symbol),
                None => self.target(function, insn, &relocation, &symbol),
            };
            let target = target.map_err(|error| error.at_symbol(&function.name))?;
            function.relocs.push(Reloc { insn, target });
        }
        Ok(())
    }

    fn target(
        &self,
        function: &Function,
        at: usize,
        relocation: &Relocation,
        symbol: &Symbol<'a>,
    ) -> Result<RelocTarget, Error> {
        let wrong = |why: String| {
            let name = self.file.describe(symbol);
            Error::reference(format!("instruction {at} refers to `{name}`, {why}"))
        };
        let Some(&insn) = function.insns.get(at) else {
            return Err(wrong("but lies outside of the function".to_owned()));
        };
        if !insn.is_call() && !insn.is_wide() {
            return Err(wrong(format!(
                "but is neither a call nor a 64-bit load (opcode {:#04x})",
                insn.code
            )));
        }
        if symbol.undefined {
            return match self.externs.get(&relocation.symbol) {
                Some(RelocTarget::MapValue { .. }) if insn.is_call() => {
                    Err(wrong("which is a variable, to call it".to_owned()))
                }
                Some(target) => Ok(*target),
                None => Err(wrong("which is not defined".to_owned())),
            };
        }
        let Some(section) = symbol.section else {
            return Err(wrong("which is in no section: was a variable left without an initial value by an old compiler?".to_owned()));
        };
        let value = i128::from(symbol.value);
        if insn.is_call() {
            if !is_local_call(insn) {
                return Err(wrong(
                    "but is no call of a function of this object".to_owned(),
                ));
            }
            let distance = i128::from(insn.imm).saturating_add(1);
            let addend = match relocation.addend {
                Some(addend) => i128::from(addend),
                // GCC puts the value of a symbol of its own into the instruction once more, in bytes.
                None if symbol.kind != elf::STT_SECTION && distance == value => 0,
                // In slots, counted from the next instruction as in any call.
                None => distance.saturating_mul(8),
            };
            let target = self.function_at(section, value.saturating_add(addend));
            return target
                .map(RelocTarget::Call)
                .ok_or_else(|| wrong("where no function starts, to call it".to_owned()));
        }
        let Some(next) = at.checked_add(1).and_then(|next| function.insns.get(next)) else {
            return Err(wrong(
                "but its second half lies outside of the function".to_owned(),
            ));
        };
        let addend = relocation
            .addend
            .map_or_else(|| i128::from(wide_immediate(insn, *next)), i128::from);
        let offset = value.saturating_add(addend);
        let of_section = self.file.section_name(section);
        match self.role(section) {
            Role::Text | Role::Programs => match self.function_at(section, offset) {
                Some(target) => Ok(RelocTarget::FunctionAddress(target)),
                None => Err(wrong(format!(
                    "offset {offset} of section `{of_section}`, where no function starts"
                ))),
            },
            Role::BtfMaps | Role::LegacyMaps => {
                // A symbol of its own tells which map. GCC puts its value into the instruction once more.
                let offset = match symbol.kind == elf::STT_SECTION {
                    true => offset,
                    false => value,
                };
                let place = u64::try_from(offset)
                    .ok()
                    .and_then(|offset| self.maps.at(section, offset));
                place
                    .map(|place| RelocTarget::Map(place.map))
                    .ok_or_else(|| {
                        wrong(format!(
                            "offset {offset} of section `{of_section}`, where no map starts"
                        ))
                    })
            }
            Role::Data(_) => match (self.maps.data.get(&section), u32::try_from(offset)) {
                (Some(&map), Ok(offset)) => Ok(RelocTarget::MapValue { map, offset }),
                _ => Err(wrong(format!(
                    "offset {offset} of section `{of_section}`, which lies outside of it"
                ))),
            },
            _ => Err(wrong(format!(
                "in section `{of_section}`, which cannot be loaded"
            ))),
        }
    }

    fn function_at(&self, section: usize, offset: i128) -> Option<usize> {
        self.functions
            .starting_at(section, slot(u64::try_from(offset).ok()?)?)
    }

    /// Finds calls of functions of the same section, which come without a relocation.
    fn direct_calls(&self, section: usize, function: &mut Function) -> Result<(), Error> {
        function.relocs.sort_by_key(|reloc| reloc.insn);
        let with_relocation = function.relocs.len();
        let mut relocations = function.relocs.iter().map(|reloc| reloc.insn).peekable();
        let mut found = Vec::new();
        let mut skip_half = false;
        for (at, insn) in function.insns.iter().enumerate() {
            if std::mem::take(&mut skip_half) {
                if relocations.next_if_eq(&at).is_some() {
                    return Err(Error::corrupt(format!(
                        "a relocation for the second half of instruction {}",
                        at.saturating_sub(1)
                    )));
                }
                continue;
            }
            skip_half = insn.is_wide();
            if relocations.next_if_eq(&at).is_some() {
                if relocations.next_if_eq(&at).is_some() {
                    return Err(Error::corrupt(format!(
                        "two relocations for instruction {at}"
                    )));
                }
                continue;
            }
            if is_local_call(*insn) {
                let distance = isize::try_from(insn.imm).ok();
                let next = function
                    .section_offset
                    .checked_add(at)
                    .and_then(|here| here.checked_add(1));
                let target = next
                    .zip(distance)
                    .and_then(|(next, distance)| next.checked_add_signed(distance));
                let target = target.and_then(|slot| self.functions.starting_at(section, slot)).ok_or_else(|| {
                    Error::reference(format!("instruction {at} calls what is {} instructions further, where no function starts", insn.imm))
                })?;
                found.push(Reloc {
                    insn: at,
                    target: RelocTarget::Call(target),
                });
            } else if insn.is_func_addr() {
                return Err(Error::corrupt(format!(
                    "instruction {at} loads the address of a function, but no relocation says which"
                )));
            }
        }
        function.relocs.append(&mut found);
        if with_relocation != 0 {
            function.relocs.sort_by_key(|reloc| reloc.insn);
        }
        Ok(())
    }

    /// Settles the relocations of `.maps`: the entries of maps of maps and arrays of programs.
    fn map_values(
        &self,
        section: &Section<'a>,
        patched: &Section<'a>,
        spec: &mut CollectionSpec,
    ) -> Result<(), Error> {
        for relocation in self.file.relocations(section)? {
            let pointer = self.pointer(&relocation, patched, "map")?;
            let Some(map) = spec.maps.get_mut(pointer.place.map) else {
                continue;
            };
            let wrong = |why: &str| {
                Error::reference(format!("it refers to `{}`, {why}", pointer.name))
                    .at_symbol(&map.name)
            };

            let slot = pointer
                .place
                .values_offset
                .and_then(|start| pointer.inside.checked_sub(start.into()));
            let slot = slot
                .filter(|bytes| bytes % 8 == 0)
                .map(|bytes| bytes / 8)
                .and_then(|slot| u32::try_from(slot).ok());
            let slot = slot.ok_or_else(|| wrong("but not from one of its `values`"))?;
            let value = match map.map_type {
                MapType::PROG_ARRAY => {
                    let program = pointer
                        .target
                        .and_then(|(section, offset)| self.functions.program_at(section, offset));
                    SlotRef::Program(program.ok_or_else(|| wrong("which is no program"))?)
                }
                _ => {
                    let inner = pointer
                        .target
                        .and_then(|(section, offset)| self.maps.at(section, offset));
                    SlotRef::Map(inner.ok_or_else(|| wrong("which is no map"))?.map)
                }
            };
            map.values.push((slot, value));
        }
        for map in &mut spec.maps {
            map.values.sort_by_key(|(slot, _)| *slot);
        }
        Ok(())
    }

    /// Settles the relocations of a section of `struct_ops` structures: their functions.
    fn struct_ops(
        &self,
        section: &Section<'a>,
        patched: &Section<'a>,
        spec: &mut CollectionSpec,
    ) -> Result<(), Error> {
        for relocation in self.file.relocations(section)? {
            let pointer = self.pointer(&relocation, patched, "structure")?;
            let Some(map) = spec.maps.get_mut(pointer.place.map) else {
                continue;
            };
            let program = pointer
                .target
                .and_then(|(section, offset)| self.functions.program_at(section, offset));
            let program = program.ok_or_else(|| {
                let message = format!("it refers to `{}`, which is no program", pointer.name);
                Error::reference(message).at_symbol(&map.name)
            })?;
            // It lies within a variable, whose size fits.
            map.values
                .push((pointer.inside as u32, SlotRef::Program(program)));
        }
        Ok(())
    }

    /// A relocation in a section of definitions of maps, or of `what` else there is.
    fn pointer(
        &self,
        relocation: &Relocation,
        patched: &Section<'a>,
        what: &str,
    ) -> Result<Pointer<'_, 'a>, Error> {
        let symbol = self.symbol(relocation)?;
        let place = self.maps.containing(patched.index, relocation.offset);
        let place = place.ok_or_else(|| {
            Error::corrupt(format!(
                "a relocation at offset {}, where there is no {what}",
                relocation.offset
            ))
        })?;
        Ok(Pointer {
            place,
            inside: relocation.offset.saturating_sub(place.offset),
            target: self.place_in_data(relocation, &symbol, patched),
            name: self.file.describe(&symbol),
        })
    }

    /// Where a pointer in data points to: section and offset.
    fn place_in_data(
        &self,
        relocation: &Relocation,
        symbol: &Symbol<'a>,
        patched: &Section<'a>,
    ) -> Option<(usize, u64)> {
        let addend = match relocation.addend {
            Some(addend) => addend,
            None => self
                .file
                .endian
                .read_u64(patched.data, usize::try_from(relocation.offset).ok()?)?
                as i64,
        };
        Some((symbol.section?, symbol.value.checked_add_signed(addend)?))
    }
}

/// A call of a function of the object. With anything in the fields that it does not need, the kernel refuses it.
fn is_local_call(insn: Insn) -> bool {
    insn.is_subprogram_call() && insn.dst == 0 && insn.off == 0
}

/// The immediate of a 64-bit load.
fn wide_immediate(first: Insn, second: Insn) -> i64 {
    i64::from(second.imm) << 32 | i64::from(first.imm as u32)
}
