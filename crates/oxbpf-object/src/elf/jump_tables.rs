//! Tables of places to jump to, in section `.jumptables`: compilers make them of large `switch` statements.
//!
//! An entry is the place of an instruction in the section of the function that jumps, in bytes.

use super::file::{File, Section, Symbol};
use super::functions::slot;
use super::role::Role;
use super::{Error, ErrorKind};
use crate::spec::{Function, JumpTable, RelocTarget};

/// The section that they are in.
pub(crate) const SECTION: &str = ".jumptables";

/// Bytes of an entry.
const ENTRY: usize = 8;

pub(super) struct Reader<'r, 'a> {
    file: &'r File<'a>,
    section: Option<&'r Section<'a>>,
    /// How many more entries there can be: each is of one table.
    room: usize,
}

impl<'r, 'a> Reader<'r, 'a> {
    pub(super) fn new(file: &'r File<'a>, roles: &[Role]) -> Self {
        let mut sections = file.sections.iter().zip(roles);
        let section = sections.find(|(_, role)| **role == Role::JumpTables);
        let section = section.map(|(section, _)| section);
        Reader {
            file,
            section,
            room: section.map_or(0, |section| section.data.len() / ENTRY),
        }
    }

    /// The section, if that is where a symbol is.
    pub(super) fn of(&self, symbol: &Symbol<'a>) -> Option<&'r Section<'a>> {
        let section = self.section?;
        (symbol.section == Some(section.index)).then_some(section)
    }

    /// What an instruction refers to by the symbol of a table. The table is added to the function if it has it not yet.
    pub(super) fn target(
        &mut self,
        section: &Section<'a>,
        function: &mut Function,
        insn: usize,
        symbol: &Symbol<'a>,
    ) -> Result<RelocTarget, Error> {
        let wrong = |why: String| {
            let name = self.file.describe(symbol);
            Error::reference(format!("instruction {insn} refers to `{name}`, {why}"))
        };
        if !function.insns.get(insn).is_some_and(|insn| insn.is_wide()) {
            return Err(wrong("a table, but loads no address".to_owned()));
        }
        let mut known = function.jump_tables.iter();
        if let Some(table) = known.position(|table| table.offset == symbol.value) {
            return Ok(RelocTarget::JumpTable(table));
        }
        let bytes = usize::try_from(symbol.value)
            .ok()
            .zip(usize::try_from(symbol.size).ok())
            .and_then(|(start, size)| section.data.get(start..)?.get(..size))
            .filter(|bytes| !bytes.is_empty() && bytes.len() % ENTRY == 0);
        let bytes = bytes.ok_or_else(|| {
            wrong(format!(
                "a table of {} bytes at offset {} of a section of {}",
                symbol.size,
                symbol.value,
                section.data.len()
            ))
        })?;
        let entries = bytes.len() / ENTRY;
        self.room = self.room.checked_sub(entries).ok_or_else(|| {
            Error::new(
                ErrorKind::Limit,
                "more jump tables than their section has room for",
            )
        })?;
        let mut targets = Vec::with_capacity(entries);
        for entry in bytes.chunks_exact(ENTRY) {
            let place = self.file.endian.read_u64(entry, 0).unwrap_or(u64::MAX);
            let inside = slot(place)
                .and_then(|slot| slot.checked_sub(function.section_offset))
                .filter(|slot| *slot < function.insns.len())
                .and_then(|slot| u32::try_from(slot).ok());
            targets.push(inside.ok_or_else(|| {
                let name = self.file.describe(symbol);
                Error::reference(format!(
                    "table `{name}` has a place to jump to that is not in the function: byte {place} of its section"
                ))
            })?);
        }
        function.jump_tables.push(JumpTable {
            offset: symbol.value,
            targets,
        });
        Ok(RelocTarget::JumpTable(
            function.jump_tables.len().saturating_sub(1),
        ))
    }
}
