//! Switching off what nobody asked for, and nothing that was asked for needs.

use std::collections::BTreeSet;

use oxbpf_object::spec::{CollectionSpec, RelocTarget, SlotRef};

use crate::error::{Error, ErrorKind, Result};
use crate::suggest;

/// The names that an [`Objects`](super::Objects) asks for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    names: Vec<Name>,
    is_optional: bool,
}

#[derive(Clone, Debug)]
struct Name {
    name: String,
    kind: Kind,
    is_optional: bool,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Map,
    Program,
    Variable,
}

impl Wanted {
    /// Asks for a map.
    pub fn map(&mut self, name: &str) {
        self.add(name, Kind::Map);
    }

    /// Asks for a program.
    pub fn program(&mut self, name: &str) {
        self.add(name, Kind::Program);
    }

    /// Asks for a global variable.
    pub fn variable(&mut self, name: &str) {
        self.add(name, Kind::Variable);
    }

    /// Asks for what may be missing.
    pub fn optional(&mut self, ask: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.is_optional, true);
        ask(self);
        self.is_optional = before;
    }

    fn add(&mut self, name: &str, kind: Kind) {
        self.names.push(Name {
            name: name.to_owned(),
            kind,
            is_optional: self.is_optional,
        });
    }
}

/// Leaves of a spec what is wanted and what that needs; the rest is not to be loaded.
pub(super) fn select(spec: &mut CollectionSpec, wanted: &Wanted) -> Result<()> {
    let mut needed = Needed::default();
    for name in &wanted.names {
        match position(spec, name) {
            Some(position) => needed.add(name.kind, position),
            None if name.is_optional => {}
            None => return Err(missing(spec, name)),
        }
    }
    needed.close(spec);
    for (position, program) in spec.programs_mut().iter_mut().enumerate() {
        program.autoload = needed.programs.contains(&position);
    }
    for (position, map) in spec.maps_mut().iter_mut().enumerate() {
        map.autocreate = needed.maps.contains(&position);
    }
    Ok(())
}

/// Positions of the programs and maps to be loaded.
#[derive(Default)]
struct Needed {
    programs: BTreeSet<usize>,
    maps: BTreeSet<usize>,
    /// What was added, and not looked at yet.
    open: Vec<(bool, usize)>,
}

impl Needed {
    fn add(&mut self, kind: Kind, position: usize) {
        match kind {
            Kind::Program => self.program(position),
            // The map that a variable is in.
            Kind::Map | Kind::Variable => self.map(position),
        }
    }

    fn program(&mut self, position: usize) {
        if self.programs.insert(position) {
            self.open.push((true, position));
        }
    }

    fn map(&mut self, position: usize) {
        if self.maps.insert(position) {
            self.open.push((false, position));
        }
    }

    /// Adds what the programs and maps refer to.
    fn close(&mut self, spec: &CollectionSpec) {
        while let Some((is_program, position)) = self.open.pop() {
            if is_program {
                // What cannot be laid out, the loader reports.
                let Ok(assembled) = spec.assemble(position) else {
                    continue;
                };
                for reloc in &assembled.relocs {
                    match reloc.target {
                        RelocTarget::Map(map) | RelocTarget::MapValue { map, .. } => self.map(map),
                        _ => {}
                    }
                }
            } else if let Some(map) = spec.maps().get(position) {
                for (_, reference) in &map.values {
                    match reference {
                        SlotRef::Map(map) => self.map(*map),
                        SlotRef::Program(program) => self.program(*program),
                    }
                }
            }
        }
    }
}

/// Where in the spec a name is; for a variable, the map that it is in.
fn position(spec: &CollectionSpec, name: &Name) -> Option<usize> {
    match name.kind {
        Kind::Map => spec.maps().iter().position(|map| map.name == name.name),
        Kind::Program => spec.programs().iter().position(|p| p.name == name.name),
        Kind::Variable => spec.variable(&name.name).map(|(map, _)| map),
    }
}

fn missing(spec: &CollectionSpec, name: &Name) -> Error {
    let (what, names): (_, Vec<&str>) = match name.kind {
        Kind::Map => ("map", spec.maps().iter().map(|m| m.name.as_str()).collect()),
        Kind::Program => (
            "program",
            spec.programs().iter().map(|p| p.name.as_str()).collect(),
        ),
        Kind::Variable => {
            let data = spec.maps().iter().filter_map(|map| map.data.as_ref());
            let variables = data.flat_map(|data| &data.variables);
            (
                "global variable",
                variables.map(|v| v.name.as_str()).collect(),
            )
        }
    };
    let error = Error::new(
        ErrorKind::NotFound,
        format!("looking up {what} `{}` of `{}`", name.name, spec.name),
    )
    .with_reason("the object has none of that name");
    match suggest::did_you_mean(&suggest::nearest(&name.name, names)) {
        Some(remedy) => error.with_remedy(remedy),
        None => error,
    }
}
