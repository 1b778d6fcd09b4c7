//! `.BTF.ext`, cut into the pieces of each function.

use super::file::File;
use super::functions::{Places, slot};
use super::role::Role;
use super::{Error, ErrorKind};
use crate::btf::{BtfExt, Groups, Kind, Record};
use crate::spec::{CollectionSpec, CoreRelo, Function, LineInfo};

/// Gives each function its type, lines and CO-RE relocations.
pub(super) fn add(
    ext: &BtfExt<'_>,
    btf: &crate::btf::Btf,
    file: &File<'_>,
    roles: &[Role],
    functions: &Places,
    spec: &mut CollectionSpec,
) -> Result<(), Error> {
    let mut cutter = Cutter {
        file,
        roles,
        functions,
        spec,
    };

    let mut wrong_type = None;
    cutter.cut(
        ext.func_info(),
        |record| record.insn_off,
        |function, at, record| {
            if at != 0 {
                return;
            }
            match btf.get(record.type_id) {
                Ok(ty) if ty.kind() == Kind::FUNC => function.func_type = Some(record.type_id),
                _ => wrong_type = Some((function.name.clone(), record.type_id)),
            }
        },
    )?;
    if let Some((function, id)) = wrong_type {
        return Err(Error::new(
            ErrorKind::TypeInfo,
            format!(".BTF.ext: its type is said to be {id}, which is no function"),
        )
        .at_symbol(&function));
    }
    cutter.cut(
        ext.line_info(),
        |record| record.insn_off,
        |function, insn, record| function.line_info.push(LineInfo { insn, record }),
    )?;
    cutter.cut(
        ext.core_relos(),
        |record| record.insn_off,
        |function, insn, record| function.core_relos.push(CoreRelo { insn, record }),
    )?;

    // Compilers write records in order, and so they mostly are already.
    for function in &mut spec.functions {
        function.line_info.sort_by_key(|line| line.insn);
        function.core_relos.sort_by_key(|relo| relo.insn);
    }
    Ok(())
}

struct Cutter<'c, 'a> {
    file: &'c File<'a>,
    roles: &'c [Role],
    functions: &'c Places,
    spec: &'c mut CollectionSpec,
}

impl Cutter<'_, '_> {
    /// Hands each record to the function that has its instruction, with the slot in that function.
    fn cut<T: Record>(
        &mut self,
        groups: Groups<'_, T>,
        offset: impl Fn(&T) -> u32,
        mut give: impl FnMut(&mut Function, usize, T),
    ) -> Result<(), Error> {
        for (name, records) in groups {
            // Sections that a linker or strip has taken out are still named.
            let is_code = |index: usize| self.roles.get(index).is_some_and(|role| role.is_code());
            let Some(section) = self
                .file
                .section_named(name)
                .map(|section| section.index)
                .filter(|&index| is_code(index))
            else {
                continue;
            };
            for record in records {
                let offset = offset(&record);
                let slot = slot(offset.into()).ok_or_else(|| {
                    Error::corrupt(format!(
                        ".BTF.ext: a record for offset {offset}, where no instruction starts"
                    ))
                    .in_section(name)
                })?;
                let place = self.functions.containing(section, slot);
                if let Some((function, at)) = place
                    .and_then(|(function, at)| Some((self.spec.functions.get_mut(function)?, at)))
                {
                    give(function, at, record);
                }
            }
        }
        Ok(())
    }
}
