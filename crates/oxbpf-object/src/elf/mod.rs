//! Object files: from ELF to [`CollectionSpec`].
//!
//! One pass over the symbols finds functions and maps, one over the relocations what refers to what. Nothing here needs a kernel, and
//! nothing in a file makes it panic, loop without end, or allocate out of proportion to the file (see [`limits`](crate::limits)).
//!
//! More is accepted than libbpf accepts: maps defined by values (`struct bpf_map_def`), static maps, static functions anywhere,
//! sections with unknown names, externs that nothing can resolve (only the programs that use them suffer).
//!
//! Source: the ELF specification, `Documentation/bpf/llvm_reloc.rst`, `Documentation/bpf/libbpf/program_types.rst`.

pub(crate) mod btf_maps;
mod data;
mod debug_info;
mod embedded;
mod error;
mod externs;
pub(crate) mod file;
mod functions;
pub(crate) mod jump_tables;
mod legacy_maps;
mod relocations;
mod role;
pub(crate) mod types;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

pub use embedded::embedded;
pub use error::{Error, ErrorKind};
use externs::KconfigOffsets;
use file::File;
use relocations::Resolver;
use role::Role;
use types::Types;

use crate::btf::{Btf, BtfExt, Edit, FuncLinkage, SectionVar, TypeId, VarLinkage, Word};
use crate::limits::MAX_ITEMS;
use crate::spec::{CollectionSpec, Linkage};

impl CollectionSpec {
    /// Reads an object file, in either byte order.
    ///
    /// The collection is called `object`; see [`parse_named`](Self::parse_named).
    ///
    /// # Errors
    ///
    /// [`Error`] names the section and symbol at fault and what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        Self::parse_named("object", bytes)
    }

    /// Reads an object file that goes by a name, which error messages then mention.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn parse_named(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        read(name, bytes).map_err(|error| error.in_object(name))
    }

    /// Reads an object file from disk. The collection gets the name of the file, up to the first dot.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), or when the file cannot be read.
    ///
    /// ```no_run
    /// let spec = oxbpf_object::CollectionSpec::from_file("exec_count.o")?;
    /// for program in spec.programs() {
    ///     println!("{} is for {}", program.name, program.section);
    /// }
    /// # Ok::<_, oxbpf_object::elf::Error>(())
    /// ```
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let shown = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| Error::io(error).in_object(&shown))?;
        let file_name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = file_name
            .split('.')
            .find(|part| !part.is_empty())
            .unwrap_or("object");
        read(name, &bytes).map_err(|error| error.in_object(&shown))
    }
}

/// Where a map is defined.
struct MapPlace {
    section: usize,
    /// Bytes from the start of the section.
    offset: u64,
    size: u32,
    map: usize,
    /// Where the entries are in the definition, if it has some.
    values_offset: Option<u32>,
}

/// Where all maps are, to find them by section and offset.
#[derive(Default)]
struct MapPlaces {
    /// Sorted by section and offset.
    defined: Vec<MapPlace>,
    /// The maps of sections of data.
    data: HashMap<usize, usize>,
}

impl MapPlaces {
    /// The map whose definition has a byte.
    fn containing(&self, section: usize, offset: u64) -> Option<&MapPlace> {
        let after = self
            .defined
            .partition_point(|place| (place.section, place.offset) <= (section, offset));
        let place = self.defined.get(after.checked_sub(1)?)?;
        let inside = offset.checked_sub(place.offset)?;
        (place.section == section && inside < place.size.into()).then_some(place)
    }

    /// The map whose definition starts at a byte.
    fn at(&self, section: usize, offset: u64) -> Option<&MapPlace> {
        self.containing(section, offset)
            .filter(|place| place.offset == offset)
    }
}

fn read(name: &str, bytes: &[u8]) -> Result<CollectionSpec, Error> {
    let file = File::parse(bytes)?;
    let roles: Vec<Role> = file.sections.iter().map(Role::of).collect();
    let mut spec = CollectionSpec::new(name, file.endian);
    read_notes(&file, &roles, &mut spec)?;

    let btf = match the_section(&file, &roles, Role::Btf)? {
        Some(section) => {
            let bytes = Arc::new(section.data.to_vec());
            Some((Btf::parse_shared(bytes.clone(), None)?, bytes))
        }
        None => None,
    };
    let types = match &btf {
        Some((btf, _)) => Some(Types::new(btf, &file)?),
        None => None,
    };
    let functions = functions::add(&file, &roles, &mut spec)?;
    let (maps, externs, kconfig) = read_maps(&file, &roles, types.as_ref(), &mut spec)?;
    Resolver {
        file: &file,
        roles: &roles,
        functions: &functions,
        maps: &maps,
        externs: &externs,
    }
    .resolve(&mut spec)?;

    let mut completion = Vec::new();
    if let Some(types) = &types {
        if let Some(section) = the_section(&file, &roles, Role::BtfExt)? {
            let ext = BtfExt::parse(section.data, types.btf)?;
            debug_info::add(&ext, types.btf, &file, &roles, &functions, &mut spec)?;
        }
        add_exception_callbacks(types, &mut spec)?;
        completion = complete(types, &kconfig, &spec)?;
    }
    drop(types);
    if let Some((btf, bytes)) = btf {
        spec.btf = Some(btf.edited(bytes, &completion)?);
    }
    Ok(spec)
}

/// Refuses one more of something that there are `count` of already, if those are enough.
fn limit(count: usize, what: &str) -> Result<(), Error> {
    match count < MAX_ITEMS {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::Limit,
            format!("the object has more than {MAX_ITEMS} {what}"),
        )),
    }
}

/// The only section with a role that one section alone may have.
fn the_section<'f, 'a>(
    file: &'f File<'a>,
    roles: &[Role],
    role: Role,
) -> Result<Option<&'f file::Section<'a>>, Error> {
    let mut sections = file
        .sections
        .iter()
        .zip(roles)
        .filter(|(_, of)| **of == role)
        .map(|(section, _)| section);
    let first = sections.next();
    match sections.next() {
        Some(second) => {
            Err(Error::corrupt("a second section of that name").in_section(second.name))
        }
        None => Ok(first),
    }
}

/// Reads licence and version.
fn read_notes(file: &File<'_>, roles: &[Role], spec: &mut CollectionSpec) -> Result<(), Error> {
    if let Some(section) = the_section(file, roles, Role::License)? {
        let text = section
            .data
            .split(|&byte| byte == 0)
            .next()
            .unwrap_or_default();
        spec.license = String::from_utf8_lossy(text).into_owned();
    }
    if let Some(section) = the_section(file, roles, Role::Version)? {
        let version = file
            .endian
            .read_u32(section.data, 0)
            .filter(|_| section.data.len() == 4);
        spec.kernel_version = version.ok_or_else(|| {
            Error::corrupt(format!(
                "{} bytes instead of the 4 of a version",
                section.data.len()
            ))
            .in_section(section.name)
        })?;
    }
    Ok(())
}

/// Adds all maps, in the order in which libbpf has them.
fn read_maps(
    file: &File<'_>,
    roles: &[Role],
    types: Option<&Types<'_>>,
    spec: &mut CollectionSpec,
) -> Result<(MapPlaces, externs::Targets, KconfigOffsets), Error> {
    let sections = || file.sections.iter().zip(roles.iter().copied());
    let mut maps = MapPlaces::default();
    let typed = |what: &str| {
        types.ok_or_else(|| {
            Error::new(
                ErrorKind::TypeInfo,
                format!("{what}, which take type information: compile the object with `-g`"),
            )
        })
    };
    for (section, role) in sections() {
        let added = match role {
            Role::LegacyMaps => legacy_maps::add(file, section, spec, &mut maps.defined),
            Role::BtfMaps => typed("maps defined by types")
                .and_then(|types| btf_maps::add(section, types, spec, &mut maps.defined)),
            _ => Ok(()),
        };
        added.map_err(|error| error.in_section(section.name))?;
    }
    let mut zeroed = 0;
    for (section, role) in sections() {
        if let Role::Data(kind) = role {
            let map = data::add(file, section, kind, types, spec, &mut zeroed)
                .map_err(|error| error.in_section(section.name))?;
            maps.data.insert(section.index, map);
        }
    }
    let (targets, kconfig) = externs::add(file, types, spec)?;
    for (section, role) in sections() {
        if let Role::StructOps { link, optional } = role {
            let added = typed("`struct_ops` structures").and_then(|types| {
                data::add_struct_ops(section, link, optional, types, spec, &mut maps.defined)
            });
            added.map_err(|error| error.in_section(section.name))?;
        }
    }
    maps.defined
        .sort_by_key(|place| (place.section, place.offset));
    Ok((maps, targets, kconfig))
}

/// Follows the notes that name a function to call when a program throws an exception.
fn add_exception_callbacks(types: &Types<'_>, spec: &mut CollectionSpec) -> Result<(), Error> {
    if types.exception_callbacks.is_empty() {
        return Ok(());
    }
    let global = spec
        .functions
        .iter()
        .enumerate()
        .filter(|(_, function)| function.linkage != Linkage::Static);
    let global: HashMap<String, usize> = global
        .map(|(index, function)| (function.name.clone(), index))
        .collect();
    let callees: HashMap<TypeId, &str> = types.exception_callbacks.iter().copied().collect();
    for function in &mut spec.functions {
        let Some(&callee) = function.func_type.and_then(|ty| callees.get(&ty)) else {
            continue;
        };
        let callback = global.get(callee).copied().ok_or_else(|| {
            let message = format!(
                "its exceptions are to be handled by `{callee}`, which is no global function here"
            );
            Error::reference(message)
                .in_section(&function.section)
                .at_symbol(&function.name)
        })?;
        function.exception_callback = Some(callback);
    }
    Ok(())
}

/// What completes the types: sections get their sizes and variables their places, and what only this object is to see becomes static.
fn complete(
    types: &Types<'_>,
    kconfig: &KconfigOffsets,
    spec: &CollectionSpec,
) -> Result<Vec<Word>, Error> {
    // The kernel knows no way to read past a record of an unknown kind either: such types are for looking at only.
    if types.btf.unread().is_some() {
        return Ok(Vec::new());
    }
    let mut edited = Edit::of(types.btf);
    for typed in &types.sections {
        if let Some(section) = typed.section {
            let variables = typed.variables.iter().map(|placed| SectionVar {
                ty: placed.var,
                offset: placed.offset,
                size: placed.size,
            });
            let size = u32::try_from(section.size).map_err(|_| {
                Error::new(ErrorKind::Limit, "beyond 4 GiB").in_section(section.name)
            })?;
            edited.set_data_section(typed.id, size, &variables.collect::<Vec<_>>())?;
            for placed in typed.variables.iter().filter(|placed| placed.hidden) {
                edited.set_var_linkage(placed.var, VarLinkage::STATIC)?;
            }
        } else if typed.name == ".kconfig" {
            let size = spec.map(".kconfig").map_or(0, |map| map.value_size);
            let mut variables: Vec<SectionVar> = types.btf.get(typed.id)?.variables().collect();
            for variable in &mut variables {
                variable.offset = kconfig.get(&variable.ty).copied().unwrap_or(0);
            }
            edited.set_data_section(typed.id, size, &variables)?;
        }
    }
    for function in spec
        .functions
        .iter()
        .filter(|function| function.linkage == Linkage::Hidden)
    {
        if let Some(ty) = function.func_type {
            edited.set_func_linkage(ty, FuncLinkage::STATIC)?;
        }
    }
    Ok(edited.finish())
}
