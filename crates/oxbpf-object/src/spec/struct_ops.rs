//! The structures of functions that the kernel calls (`struct_ops`), by the names of their members.

use std::fmt;

use super::{CollectionSpec, DataKind, SlotRef};
use crate::btf::Contents;

/// Why a member of a structure could not be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructOpsError {
    map: String,
    problem: String,
}

impl fmt::Display for StructOpsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "structure `{}`: {}", self.map, self.problem)
    }
}

impl std::error::Error for StructOpsError {}

/// Where a member is.
struct Place {
    map: usize,
    start: u32,
    size: usize,
    is_pointer: bool,
}

impl CollectionSpec {
    /// The bytes of a member of a `struct_ops` structure, to change: a number, a name.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use oxbpf_object::CollectionSpec;
    /// let mut spec = CollectionSpec::from_file("scheduler.o")?;
    /// spec.struct_ops_bytes_mut("simple", "timeout_ms")?.copy_from_slice(&5000_u32.to_ne_bytes());
    /// spec.set_struct_ops_program("simple", "init", Some("other_init"))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Where there is no such structure or member, or it is a pointer.
    pub fn struct_ops_bytes_mut(
        &mut self,
        map: &str,
        member: &str,
    ) -> Result<&mut [u8], StructOpsError> {
        let refuse = |problem: &str| StructOpsError {
            map: map.to_owned(),
            problem: format!("member `{member}` {problem}"),
        };
        let place = self.struct_ops_place(map, member)?;
        if place.is_pointer {
            return Err(refuse("is a pointer"));
        }
        self.maps
            .get_mut(place.map)
            .and_then(|map| map.data.as_mut())
            .and_then(|data| {
                data.contents
                    .get_mut(place.start as usize..)?
                    .get_mut(..place.size)
            })
            .ok_or_else(|| refuse("lies outside of it"))
    }

    /// Sets which program is a function of a `struct_ops` structure, or that none is. What the kernel does without one is up to the
    /// structure.
    ///
    /// # Errors
    ///
    /// Where there is no such structure, member or program, or the member is no pointer.
    pub fn set_struct_ops_program(
        &mut self,
        map: &str,
        member: &str,
        program: Option<&str>,
    ) -> Result<(), StructOpsError> {
        let refuse = |problem: String| StructOpsError {
            map: map.to_owned(),
            problem,
        };
        let place = self.struct_ops_place(map, member)?;
        if !place.is_pointer {
            return Err(refuse(format!("member `{member}` is no function")));
        }
        let program = match program {
            Some(name) => {
                let position = self
                    .programs
                    .iter()
                    .position(|program| program.name == name);
                Some(position.ok_or_else(|| refuse(format!("there is no program `{name}`")))?)
            }
            None => None,
        };
        if let Some(map) = self.maps.get_mut(place.map) {
            map.values.retain(|(start, _)| *start != place.start);
            let value = program.map(|program| (place.start, SlotRef::Program(program)));
            map.values.extend(value);
        }
        Ok(())
    }

    fn struct_ops_place(&self, map: &str, member: &str) -> Result<Place, StructOpsError> {
        let refuse = |problem: String| StructOpsError {
            map: map.to_owned(),
            problem,
        };
        let mut maps = self.maps.iter().enumerate();
        let (position, spec) = maps
            .find(|(_, spec)| {
                let kind = spec.data.as_ref().map(|data| data.kind);
                spec.name == map && kind == Some(DataKind::StructOps)
            })
            .ok_or_else(|| refuse("there is none of that name".to_owned()))?;
        let (Some(btf), Some(ty)) = (&self.btf, spec.value_type) else {
            return Err(refuse("it has no type".to_owned()));
        };
        let unreadable = |error| refuse(format!("its type cannot be read: {error}"));
        let structure = btf.skip_modifiers_and_typedefs(ty).map_err(unreadable)?;
        let found = structure
            .members()
            .find(|found| found.name == member)
            .ok_or_else(|| refuse(format!("it has no member `{member}`")))?;
        let ty = btf
            .skip_modifiers_and_typedefs(found.ty)
            .map_err(unreadable)?;
        let size = btf.size_of(found.ty).map_err(unreadable)?;
        Ok(Place {
            map: position,
            start: found.byte_offset(),
            size: usize::try_from(size).unwrap_or(usize::MAX),
            is_pointer: matches!(ty.contents(), Contents::Ptr(_)),
        })
    }
}
