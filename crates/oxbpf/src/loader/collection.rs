//! What a load made: maps, programs and global variables, by their names in the object.

use std::sync::Arc;

use oxbpf_object::spec::{CollectionSpec, DataKind, DataSection, VariableSpec};

use super::Loadable;
use super::maps::{Made, Maps};
use super::struct_ops::StructOpsPlan;
use crate::error::{Error, ErrorKind, Result};
use crate::global::{Global, Section};
use crate::link::StructOps;
use crate::map::{Arena, Map, Plain};
use crate::program::Program;
use crate::suggest;

/// The section that variables in an arena are in.
const ARENA_SECTION: &str = ".addr_space.1";

/// The maps, programs and global variables of a loaded object.
///
/// Everything in it is a handle, cheap to clone, and lives as long as some handle does: a
/// collection may be dropped once its parts are taken out.
#[derive(Debug, Default)]
pub struct Collection {
    pub(super) name: String,
    pub(super) maps: Vec<(String, Map)>,
    pub(super) programs: Vec<(String, Program)>,
    pub(super) data: Vec<Data>,
    pub(super) arenas: Vec<(String, Arena)>,
    pub(super) struct_ops: Vec<(String, StructOps)>,
}

/// The global variables of one section.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) section_name: String,
    pub(super) section: Arc<Section>,
    pub(super) variables: Vec<VariableSpec>,
}

impl Collection {
    /// Puts together what was made of a spec, by position.
    pub(super) fn assemble(
        mut spec: CollectionSpec,
        maps: Maps,
        programs: Vec<Option<Program>>,
        mut struct_ops: StructOpsPlan,
    ) -> Self {
        let mut collection = Self {
            name: std::mem::take(&mut spec.name),
            ..Self::default()
        };
        for (position, (spec, made)) in spec.maps_mut().iter_mut().zip(maps).enumerate() {
            let Some(Made { map, arena, start }) = made else {
                continue;
            };
            let name = std::mem::take(&mut spec.name);
            collection.add_data(&name, &map, arena.as_ref(), start, spec.data.take());
            if let Some(value) = struct_ops.maps.remove(&position) {
                let structure = value.with_programs(map.clone(), &programs);
                collection.struct_ops.push((name.clone(), structure));
            }
            if let Some(arena) = arena {
                collection.arenas.push((name.clone(), arena));
            }
            collection.maps.push((name, map));
        }
        for (spec, program) in spec.programs_mut().iter_mut().zip(programs) {
            if let Some(program) = program {
                collection
                    .programs
                    .push((std::mem::take(&mut spec.name), program));
            }
        }
        collection
    }

    /// Adds the variables of a map, if it is for that.
    fn add_data(
        &mut self,
        map_name: &str,
        map: &Map,
        arena: Option<&Arena>,
        start: u32,
        data: Option<DataSection>,
    ) {
        let Some(DataSection {
            kind,
            mut variables,
            ..
        }) = data
        else {
            return;
        };
        let (section_name, section) = match (kind, arena) {
            (DataKind::StructOps, _) => return,
            (DataKind::Arena, None) => return,
            (DataKind::Arena, Some(arena)) => {
                for variable in &mut variables {
                    variable.offset = variable.offset.saturating_add(start);
                }
                (ARENA_SECTION, Section::of_arena(arena))
            }
            (DataKind::Rodata | DataKind::Kconfig, _) => {
                (map_name, Section::new(map.clone(), true))
            }
            _ => (map_name, Section::new(map.clone(), false)),
        };
        self.data.push(Data {
            section_name: section_name.to_owned(),
            section: Arc::new(section),
            variables,
        });
    }

    /// The name of the object.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All maps with their names in the object, data maps under the names of their sections.
    pub fn maps(&self) -> impl ExactSizeIterator<Item = (&str, &Map)> {
        self.maps.iter().map(|(name, map)| (name.as_str(), map))
    }

    /// All loaded programs with their names in the object.
    pub fn programs(&self) -> impl ExactSizeIterator<Item = (&str, &Program)> {
        self.programs
            .iter()
            .map(|(name, program)| (name.as_str(), program))
    }

    /// Whether there is a map of that name.
    #[must_use]
    pub fn has_map(&self, name: &str) -> bool {
        self.maps.iter().any(|(n, _)| n == name)
    }

    /// Whether a program of that name was loaded.
    #[must_use]
    pub fn has_program(&self, name: &str) -> bool {
        self.programs.iter().any(|(n, _)| n == name)
    }

    /// The map of that name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where the object has none, or where it was not created.
    pub fn map(&self, name: &str) -> Result<Map> {
        self.find("map", name, &self.maps)
    }

    /// The program of that name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where the object has none, or where it was not to be loaded.
    pub fn program(&self, name: &str) -> Result<Program> {
        self.find("program", name, &self.programs)
    }

    /// The memory of the arena of that name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where the object has none, or where it was not created; so too where one that existed before was
    /// taken over, and could not be mapped at the address that it has elsewhere.
    pub fn arena(&self, name: &str) -> Result<Arena> {
        self.find("arena", name, &self.arenas)
    }

    /// The structure of functions of that name (`struct_ops`), to attach it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where the object has none, or where it was not created.
    pub fn struct_ops(&self, name: &str) -> Result<StructOps> {
        self.find("struct_ops", name, &self.struct_ops)
    }

    /// All structures of functions with their names in the object.
    pub fn all_struct_ops(&self) -> impl ExactSizeIterator<Item = (&str, &StructOps)> {
        self.struct_ops
            .iter()
            .map(|(name, structure)| (name.as_str(), structure))
    }

    /// The global variable of that name in a section such as ".bss".
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where there is none; [`ErrorKind::WrongSize`] where `T` has not
    /// the size of the variable.
    pub fn global<T: Plain>(&self, section: &str, variable: &str) -> Result<Global<T>> {
        self.global_where(variable, |data| data.section_name == section)
    }

    /// The global variable of that name, whichever section it is in.
    ///
    /// # Errors
    ///
    /// As [`global`](Self::global).
    pub fn variable<T: Plain>(&self, variable: &str) -> Result<Global<T>> {
        self.global_where(variable, |_| true)
    }

    fn global_where<T: Plain>(
        &self,
        variable: &str,
        is_in: impl Fn(&Data) -> bool,
    ) -> Result<Global<T>> {
        let found = self
            .data
            .iter()
            .filter(|data| is_in(data))
            .find_map(|data| {
                let spec = data.variables.iter().find(|v| v.name == variable)?;
                Some((data, spec))
            });
        match found {
            Some((data, spec)) => {
                Global::new(data.section.clone(), &spec.name, spec.offset, spec.size)
            }
            None => {
                let names = self
                    .data
                    .iter()
                    .flat_map(|d| &d.variables)
                    .map(|v| v.name.as_str());
                Err(self.not_found("global variable", variable, names))
            }
        }
    }

    fn find<T: Clone>(&self, what: &str, name: &str, list: &[(String, T)]) -> Result<T> {
        match list.iter().find(|(n, _)| n == name) {
            Some((_, found)) => Ok(found.clone()),
            None => Err(self.not_found(what, name, list.iter().map(|(n, _)| n.as_str()))),
        }
    }

    fn not_found<'a>(&self, what: &str, name: &str, names: impl Iterator<Item = &'a str>) -> Error {
        let error = Error::new(
            ErrorKind::NotFound,
            format!("looking up {what} `{name}` of `{}`", self.name),
        )
        .with_reason("the object has none of that name, or it was not loaded");
        match suggest::did_you_mean(&suggest::nearest(name, names)) {
            Some(remedy) => error.with_remedy(remedy),
            None => error,
        }
    }
}

impl Loadable for CollectionSpec {
    type Output = Collection;

    fn into_spec(self) -> Result<CollectionSpec> {
        Ok(self)
    }

    fn from_collection(collection: Collection) -> Result<Collection> {
        Ok(collection)
    }
}
