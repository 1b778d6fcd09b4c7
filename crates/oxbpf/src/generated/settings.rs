//! Settings of maps and programs, between a collection and the fields of a `Spec`.

use oxbpf_object::{CollectionSpec, MapSpec, ProgramSpec};

use super::stale;
use crate::{Error, ErrorKind, Result};

fn renamed(what: &str, from: &str, to: &str) -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        format!("taking over the settings of {what} `{from}`"),
    )
    .with_reason(format!("it was renamed to `{to}`"))
    .with_remedy("leave the name as it is: generated code finds it by that")
}

macro_rules! settings {
    ($take:ident, $put:ident, $spec:ty, $find:ident, $what:literal) => {
        #[doc = concat!("Takes the settings of a ", $what, " out of a collection; they go back with the other function.")]
        pub fn $take(object: &mut CollectionSpec, name: &str) -> Result<$spec> {
            match object.$find(name) {
                Some(spec) => {
                    let name = spec.name.clone();
                    Ok(std::mem::replace(spec, <$spec>::default().named(name)))
                }
                None => Err(stale(object, $what, name)),
            }
        }

        #[doc = concat!("Puts the settings of a ", $what, " back into the collection.")]
        pub fn $put(object: &mut CollectionSpec, name: &str, spec: $spec) -> Result<()> {
            if spec.name != name {
                return Err(renamed($what, name, &spec.name));
            }
            match object.$find(name) {
                Some(slot) => *slot = spec,
                None => return Err(stale(object, $what, name)),
            }
            Ok(())
        }
    };
}

/// A specification with nothing but a name, to mark the place of one that was taken.
trait Named {
    fn named(self, name: String) -> Self;
}

impl Named for MapSpec {
    fn named(self, name: String) -> Self {
        Self { name, ..self }
    }
}

impl Named for ProgramSpec {
    fn named(self, name: String) -> Self {
        Self { name, ..self }
    }
}

settings!(take_map, put_map, MapSpec, map_mut, "map");
settings!(
    take_program,
    put_program,
    ProgramSpec,
    program_mut,
    "program"
);
