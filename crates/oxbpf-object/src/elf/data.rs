//! Data maps: sections of global variables, the arena, `struct_ops` structures.

use object::elf;

use super::file::{File, Section};
use super::types::{Placed, Types, structure};
use super::{Error, ErrorKind, MapPlace, limit};
use crate::btf::VarLinkage;
use crate::kernel::{MapFlags, MapType};
use crate::limits::MAX_ZEROED_BYTES;
use crate::spec::{CollectionSpec, DataKind, DataSection, MapSpec, VariableSpec};

/// Makes the contents and variables of a data section. `placed` are the variables that the type information knows, if it has the section.
fn read(
    file: &File<'_>,
    section: &Section<'_>,
    kind: DataKind,
    placed: Option<&[Placed<'_>]>,
    zeroed: &mut u64,
) -> Result<DataSection, Error> {
    let contents = match section.kind {
        elf::SHT_NOBITS => {
            *zeroed = zeroed.saturating_add(section.size);
            let size = usize::try_from(section.size)
                .ok()
                .filter(|_| *zeroed <= MAX_ZEROED_BYTES);
            let size = size.ok_or_else(|| {
                let message = format!(
                    "{} bytes of zeroed variables; an object may have {MAX_ZEROED_BYTES}",
                    section.size
                );
                Error::new(ErrorKind::Limit, message)
            })?;
            vec![0; size]
        }
        _ => section.data.to_vec(),
    };
    let variables = match placed {
        Some(placed) => placed
            .iter()
            .map(|variable| VariableSpec {
                name: variable.name.to_owned(),
                offset: variable.offset,
                size: variable.size,
                ty: Some(variable.ty),
                is_static: variable.linkage == VarLinkage::STATIC,
            })
            .collect(),
        None => variables_by_symbols(file, section)?,
    };
    Ok(DataSection {
        kind,
        contents,
        variables,
    })
}

fn variables_by_symbols(
    file: &File<'_>,
    section: &Section<'_>,
) -> Result<Vec<VariableSpec>, Error> {
    let mut variables = Vec::new();
    for symbol in file.symbols_in(section.index) {
        if symbol.kind != elf::STT_OBJECT {
            continue;
        }
        let name = symbol.name()?;
        let inside = symbol
            .value
            .checked_add(symbol.size)
            .is_some_and(|end| end <= section.size);
        limit(variables.len(), "variables")?;
        match (u32::try_from(symbol.value), u32::try_from(symbol.size)) {
            (Ok(offset), Ok(size)) if inside => {
                variables.push(VariableSpec {
                    name: name.to_owned(),
                    offset,
                    size,
                    ty: None,
                    is_static: symbol.is_local(),
                });
            }
            _ => {
                let message = format!(
                    "{} bytes at offset {} reach past the end of the section, which has {} bytes",
                    symbol.size, symbol.value, section.size
                );
                return Err(Error::corrupt(message).at_symbol(name));
            }
        }
    }
    variables.sort_by_key(|variable| variable.offset);
    Ok(variables)
}

/// Adds the map of a section of global variables and returns its position.
pub(super) fn add(
    file: &File<'_>,
    section: &Section<'_>,
    kind: DataKind,
    types: Option<&Types<'_>>,
    spec: &mut CollectionSpec,
    zeroed: &mut u64,
) -> Result<usize, Error> {
    let typed = types.and_then(|types| types.section(section.name));
    let placed = typed.map(|typed| &typed.variables[..]);
    let data = read(file, section, kind, placed, zeroed)?;
    if kind == DataKind::Arena {
        return add_to_arena(data, spec);
    }
    let shared = placed.is_some_and(|placed| {
        placed
            .iter()
            .any(|variable| variable.linkage != VarLinkage::STATIC && !variable.hidden)
    });
    let mut flags = MapFlags::empty();
    flags.set(MapFlags::MMAPABLE, shared);
    flags.set(MapFlags::RDONLY_PROG, kind == DataKind::Rodata);
    Ok(spec.add_map(MapSpec {
        value_type: typed.map(|typed| typed.id),
        flags,
        ..array(section.name, data)?
    }))
}

/// An array with one element, named after the section.
pub(super) fn array(section: &str, data: DataSection) -> Result<MapSpec, Error> {
    let size = data.contents.len();
    let value_size = u32::try_from(size)
        .map_err(|_| Error::new(ErrorKind::Limit, format!("{size} bytes, beyond 4 GiB")))?;
    Ok(MapSpec {
        name: section.to_owned(),
        section: section.to_owned(),
        map_type: MapType::ARRAY,
        key_size: 4,
        value_size,
        max_entries: 1,
        data: Some(data),
        ..MapSpec::default()
    })
}

fn add_to_arena(data: DataSection, spec: &mut CollectionSpec) -> Result<usize, Error> {
    let mut arenas = spec
        .maps
        .iter_mut()
        .enumerate()
        .filter(|(_, map)| map.map_type == MapType::ARENA);
    let Some((index, arena)) = arenas.next() else {
        return Err(Error::map(
            "variables in the arena, but no map of type arena in `.maps`",
        ));
    };
    if let Some((_, second)) = arenas.next() {
        return Err(Error::map("a second arena: an object may have one").at_symbol(&second.name));
    }
    arena.data = Some(data);
    Ok(index)
}

/// Adds a map for each structure of a `struct_ops` section.
pub(super) fn add_struct_ops(
    section: &Section<'_>,
    link: bool,
    optional: bool,
    types: &Types<'_>,
    spec: &mut CollectionSpec,
    places: &mut Vec<MapPlace>,
) -> Result<(), Error> {
    let typed = types.section(section.name).ok_or_else(|| {
        Error::new(
            ErrorKind::TypeInfo,
            "the type information does not describe its structures: compile the object with `-g`",
        )
    })?;
    for variable in &typed.variables {
        let at = |error: Error| error.at_symbol(variable.name);
        let structure = structure(types.btf, variable.ty).map_err(at)?;
        let start = variable.offset as usize;
        let contents = section
            .data
            .get(start..start.saturating_add(variable.size as usize));
        let contents = contents.ok_or_else(|| {
            at(Error::corrupt(
                "the structure lies outside of the section's data",
            ))
        })?;
        let map = spec.add_map(MapSpec {
            name: variable.name.to_owned(),
            section: section
                .name
                .strip_prefix('?')
                .unwrap_or(section.name)
                .to_owned(),
            map_type: MapType::STRUCT_OPS,
            key_size: 4,
            value_size: variable.size,
            max_entries: 1,
            flags: if link {
                MapFlags::LINK
            } else {
                MapFlags::empty()
            },
            value_type: Some(structure.id()),
            data: Some(DataSection {
                kind: DataKind::StructOps,
                contents: contents.to_vec(),
                variables: Vec::new(),
            }),
            autocreate: !optional,
            ..MapSpec::default()
        });
        places.push(MapPlace {
            section: section.index,
            offset: u64::from(variable.offset),
            size: variable.size,
            map,
            values_offset: None,
        });
    }
    Ok(())
}
