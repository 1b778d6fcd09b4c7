//! Arrays of programs.

use std::marker::PhantomData;

use oxbpf_object::kernel::MapType;

use super::view::{check_key, check_kind, check_value, view};
use super::{Map, Plain, UpdateFlags};
use crate::error::{ErrorKind, Result};
use crate::program::Program;

/// Programs to tail-call: `BPF_MAP_TYPE_PROG_ARRAY`. Linux 4.2.
///
/// What is put in stays as long as any handle or pin of the map does; then the kernel empties it, even if programs still use
/// the map.
///
/// ```no_run
/// # fn main() -> oxbpf::Result<()> {
/// # let collection: oxbpf::Collection = unimplemented!();
/// use oxbpf::map::ProgramArray;
///
/// let tails: ProgramArray = collection.map("tails")?.typed()?;
/// tails.set(1, &collection.program("handle_ipv6")?)?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "BPF_MAP_TYPE_PROG_ARRAY")]
pub struct ProgramArray {
    map: Map,
    types: PhantomData<()>,
}

view!(ProgramArray);

impl ProgramArray {
    /// Makes a view of a map.
    ///
    /// # Errors
    ///
    /// [`WrongKind`](ErrorKind::WrongKind) if it is no program array.
    pub fn new(map: Map) -> Result<Self> {
        check_kind(&map, &[MapType::PROG_ARRAY])?;
        check_key::<u32>(&map)?;
        check_value::<u32>(&map)?;
        Ok(Self::of(map))
    }

    /// How many places there are.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // The kernel makes no empty arrays.
    pub fn len(&self) -> u32 {
        self.map.max_entries()
    }

    /// Puts a program in, in place of what is there.
    ///
    /// # Errors
    ///
    /// [`BadIndex`](ErrorKind::BadIndex) if there is no such index, [`InvalidInput`](ErrorKind::InvalidInput) if programs of
    /// another type, or with other properties that must agree, are in the array or use it.
    pub fn set(&self, index: u32, program: &Program) -> Result<()> {
        self.map
            .set_descriptor(index.bytes(), program, UpdateFlags::empty())
            .map_err(|error| match error.kind() {
                ErrorKind::InvalidInput => error
                    .with_reason(format!(
                        "{program} does not go with the programs that use it"
                    ))
                    .with_remedy("all programs of an array must be of one type"),
                _ => error,
            })
    }

    /// The id of the program at an index, `None` if there is none. Linux 4.19.
    ///
    /// # Errors
    ///
    /// As [`Map::get_into`].
    pub fn get_id(&self, index: u32) -> Result<Option<u32>> {
        let mut id = 0u32;
        let found = self.map.get_into(index.bytes(), id.bytes_mut())?;
        Ok(found.then_some(id))
    }

    /// The program at an index, `None` if there is none. Linux 4.19.
    ///
    /// # Errors
    ///
    /// As [`ProgramArray::get_id`]; [`PermissionDenied`](ErrorKind::PermissionDenied) without CAP_SYS_ADMIN.
    pub fn get(&self, index: u32) -> Result<Option<Program>> {
        let Some(id) = self.get_id(index)? else {
            return Ok(None);
        };
        match Program::from_id(id) {
            Ok(program) => Ok(Some(program)),
            // Taken out since.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.context(format!("reading from {}", self.map))),
        }
    }

    /// Takes a program out; `false` if there was none. Tail calls to an empty place go on behind the call.
    ///
    /// # Errors
    ///
    /// As [`Map::remove`].
    pub fn remove(&self, index: u32) -> Result<bool> {
        self.map.remove(index.bytes())
    }
}
