//! What was loaded, and its links, as the types that they have in generated code.

use crate::link::{Attachable, Link, attach_all};
use crate::{Collection, Program, Result, StructOps};

/// A program that is loaded only on demand, as the type that it has in generated code.
pub fn optional<P>(
    collection: &Collection,
    name: &str,
    convert: impl FnOnce(Program) -> Result<P>,
) -> Result<Option<P>> {
    if collection.has_program(name) {
        collection.program(name).and_then(convert).map(Some)
    } else {
        Ok(None)
    }
}

/// A structure that is created only on demand.
pub fn optional_struct_ops(collection: &Collection, name: &str) -> Result<Option<StructOps>> {
    if collection.has_map(name) {
        collection.struct_ops(name).map(Some)
    } else {
        Ok(None)
    }
}

/// The links of an object, to be taken one by one.
#[derive(Debug)]
pub struct TakenLinks(Vec<(String, Link)>);

impl TakenLinks {
    /// Attaches all of these that say where, or nothing.
    pub fn attach<'a>(all: impl IntoIterator<Item = Option<Attachable<'a>>>) -> Result<Self> {
        let attached = attach_all(all.into_iter().flatten())?;
        let names: Vec<_> = attached.iter().map(|(name, _)| name.to_owned()).collect();
        Ok(Self(names.into_iter().zip(attached.into_links()).collect()))
    }

    /// The link of what has this name in the object, if it was attached.
    pub fn take(&mut self, name: &str) -> Option<Link> {
        let position = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(position).1)
    }
}
