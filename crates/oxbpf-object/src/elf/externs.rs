//! Externs: the undefined symbols, with what the type information says about them.

use std::cmp::Reverse;
use std::collections::HashMap;

use object::elf;

use super::data;
use super::file::File;
use super::types::Types;
use super::{Error, ErrorKind, limit};
use crate::btf::{Contents, Kind, TypeId};
use crate::kconfig::Variable;
use crate::kernel::MapFlags;
use crate::limits::MAX_KCONFIG_BYTES;
use crate::spec::{
    CollectionSpec, DataKind, DataSection, ExternKind, ExternSpec, MapSpec, RelocTarget,
    VariableSpec,
};

/// An extern before it has a place.
struct Extern<'a> {
    symbol: usize,
    name: &'a str,
    weak: bool,
    found: Found,
}

enum Found {
    Kconfig {
        var: TypeId,
        ty: TypeId,
        size: u32,
        align: u32,
    },
    Ksym {
        kind: ExternKind,
        ty: TypeId,
        size: u32,
    },
}

/// What instructions that refer to an undefined symbol are to be given, by index of the symbol.
pub(super) type Targets = HashMap<usize, RelocTarget>;

/// Where the variables of `.kconfig` are, by `VAR`.
pub(super) type KconfigOffsets = HashMap<TypeId, u32>;

/// Adds all externs, and the `.kconfig` map if there is a variable for it.
pub(super) fn add(
    file: &File<'_>,
    types: Option<&Types<'_>>,
    spec: &mut CollectionSpec,
) -> Result<(Targets, KconfigOffsets), Error> {
    let sections = types
        .map(sections_of_externs)
        .transpose()?
        .unwrap_or_default();
    let mut externs = Vec::new();
    for (index, symbol) in file.symbols() {
        if !symbol.undefined || symbol.is_local() || symbol.kind != elf::STT_NOTYPE {
            continue;
        }
        let name = symbol.name()?;
        if name.is_empty() {
            continue;
        }
        let found = match types {
            Some(types) => find(types, &sections, name),
            None => unresolvable("the object has no type information: compile it with `-g`"),
        };
        limit(externs.len(), "externs")?;
        externs.push(Extern {
            symbol: index,
            name,
            weak: symbol.binding == elf::STB_WEAK,
            found,
        });
    }
    // Variables of `.kconfig` first, in the order in which they are laid out: no gaps but at the end of an alignment.
    externs.sort_by(|a, b| {
        a.found
            .order()
            .cmp(&b.found.order())
            .then_with(|| a.name.cmp(b.name))
    });

    let mut targets = Targets::new();
    let mut offsets = KconfigOffsets::new();
    let map = spec.maps.len();
    let mut layout = Layout::default();
    for Extern {
        symbol,
        name,
        weak,
        found,
    } in externs
    {
        let (kind, ty, size) = match found {
            Found::Kconfig {
                var,
                ty,
                size,
                align,
            } => {
                let offset = layout.add(name, ty, size, align)?;
                offsets.insert(var, offset);
                (ExternKind::Kconfig { map, offset }, ty, size)
            }
            Found::Ksym { kind, ty, size } => (kind, ty, size),
        };
        let target = match kind {
            ExternKind::Kconfig { map, offset } => RelocTarget::MapValue { map, offset },
            _ => RelocTarget::Extern(spec.externs.len()),
        };
        targets.insert(symbol, target);
        spec.add_extern(ExternSpec {
            name: name.to_owned(),
            kind,
            ty,
            weak,
            size,
            value: None,
        });
    }
    // Variables that nothing uses have no symbol, and take no map, but their record wants a place too.
    let is_used = !layout.variables.is_empty();
    for (&var, _) in sections
        .iter()
        .filter(|(_, section)| **section == ".kconfig")
    {
        let Some(types) = types.filter(|_| !offsets.contains_key(&var)) else {
            continue;
        };
        let ty = types.btf.get(var)?;
        let of = ty.target().unwrap_or_default();
        if let Some(variable) = Variable::of(types.btf, of) {
            let (size, align) = (variable.size(), variable.align());
            offsets.insert(var, layout.add(ty.name(), of, size, align)?);
        }
    }
    if is_used {
        let contents = vec![0; layout.end as usize];
        let data = DataSection {
            kind: DataKind::Kconfig,
            contents,
            variables: layout.variables,
        };
        spec.add_map(MapSpec {
            flags: MapFlags::RDONLY_PROG | MapFlags::MMAPABLE,
            value_type: types
                .and_then(|types| types.section(".kconfig"))
                .map(|section| section.id),
            ..data::array(".kconfig", data)?
        });
    }
    Ok((targets, offsets))
}

/// The contents of `.kconfig` as they grow.
#[derive(Default)]
struct Layout {
    variables: Vec<VariableSpec>,
    end: u32,
}

impl Layout {
    fn add(&mut self, name: &str, ty: TypeId, size: u32, align: u32) -> Result<u32, Error> {
        let offset = self.end.checked_next_multiple_of(align);
        let range = offset.and_then(|offset| Some((offset, offset.checked_add(size)?)));
        let (offset, end) = range
            .filter(|(_, end)| *end <= MAX_KCONFIG_BYTES)
            .ok_or_else(|| {
                let message = format!(
                    "a variable of {size} bytes; all together may have {MAX_KCONFIG_BYTES}"
                );
                Error::new(ErrorKind::Limit, message)
                    .in_section(".kconfig")
                    .at_symbol(name)
            })?;
        self.end = end;
        self.variables.push(VariableSpec {
            name: name.to_owned(),
            offset,
            size,
            ty: Some(ty),
            is_static: false,
        });
        Ok(offset)
    }
}

impl Found {
    fn order(&self) -> (u8, Reverse<u32>, u32) {
        match *self {
            Found::Kconfig { align, size, .. } => (0, Reverse(align), size),
            Found::Ksym { .. } => (1, Reverse(0), 0),
        }
    }
}

/// The section of each variable and function that the type information puts into one of the two for externs.
fn sections_of_externs<'b>(types: &Types<'b>) -> Result<HashMap<TypeId, &'b str>, Error> {
    let mut sections = HashMap::new();
    for section in &types.sections {
        if section.name != ".kconfig" && section.name != ".ksyms" {
            continue;
        }
        if let Contents::DataSection(contents) = types.btf.get(section.id)?.contents() {
            sections.extend(
                contents
                    .variables()
                    .map(|variable| (variable.ty, section.name)),
            );
        }
    }
    Ok(sections)
}

fn unresolvable(why: &'static str) -> Found {
    Found::Ksym {
        kind: ExternKind::Unresolvable(why),
        ty: TypeId::VOID,
        size: 0,
    }
}

fn find(types: &Types<'_>, sections: &HashMap<TypeId, &str>, name: &str) -> Found {
    let Some(&id) = types.externs.get(name) else {
        return unresolvable(
            "the type information does not have it: is its definition missing from the link?",
        );
    };
    let section = sections.get(&id).copied();
    let Ok(ty) = types.btf.get(id) else {
        return unresolvable("its type cannot be read");
    };
    match (ty.contents(), section) {
        (Contents::Func(_), Some(".kconfig")) => unresolvable("a function cannot be in `.kconfig`"),
        // Where else could it be defined: a function without a section is taken for a kernel function.
        (Contents::Func(_), _) => Found::Ksym {
            kind: ExternKind::KsymFunction,
            ty: id,
            size: 0,
        },
        (Contents::Var(var), Some(".ksyms")) => match types.btf.skip_modifiers_and_typedefs(var.ty)
        {
            Ok(of) if of.kind() == Kind::VOID => Found::Ksym {
                kind: ExternKind::KsymTypeless,
                ty: TypeId::VOID,
                size: 0,
            },
            Ok(_) => {
                let size = types
                    .btf
                    .size_of(var.ty)
                    .ok()
                    .and_then(|size| u32::try_from(size).ok())
                    .unwrap_or(0);
                Found::Ksym {
                    kind: ExternKind::KsymVariable,
                    ty: var.ty,
                    size,
                }
            }
            Err(_) => unresolvable("its type cannot be read"),
        },
        (Contents::Var(var), Some(".kconfig")) => match Variable::of(types.btf, var.ty) {
            Some(variable) => Found::Kconfig {
                var: id,
                ty: var.ty,
                size: variable.size(),
                align: variable.align(),
            },
            None => unresolvable(
                "its type is none that a kernel configuration value can have: bool, char, int, enum libbpf_tristate, char array",
            ),
        },
        _ => unresolvable(
            "it is in neither `.ksyms` nor `.kconfig`: declare it with `__ksym` or `__kconfig`",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_aligned_and_bounded() {
        let mut layout = Layout::default();
        let mut add = |size, align| layout.add("x", TypeId(1), size, align);
        assert_eq!(add(1, 1).unwrap(), 0);
        assert_eq!(add(8, 8).unwrap(), 8);
        assert_eq!(add(2, 2).unwrap(), 16);
        let error = add(MAX_KCONFIG_BYTES, 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);
        assert_eq!(
            error.to_string(),
            "section `.kconfig`: `x`: a variable of 65536 bytes; all together may have 65536"
        );
        assert_eq!(add(MAX_KCONFIG_BYTES - 18, 1).unwrap(), 18);
        assert!(add(1, 1).is_err());
        assert_eq!(layout.end, MAX_KCONFIG_BYTES);
    }
}
