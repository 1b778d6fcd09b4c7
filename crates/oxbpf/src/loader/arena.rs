//! Arenas: mapping one into this process, and putting the object's variables into it.

use oxbpf_object::spec::MapSpec;

use crate::error::{Error, ErrorKind, Result};
use crate::feature;
use crate::map::{Arena, Map};

/// Maps a new arena, which has to happen before a program that uses it is loaded, and copies the variables in.
/// Tells where these begin.
pub(super) fn prepare(map: &Map, spec: &MapSpec) -> Result<(Arena, u32)> {
    let start = start_of_variables(map, spec)?;
    let arena = Arena::map(map.clone(), spec.map_extra)?;
    if let Some(data) = spec.data.as_ref().filter(|data| !data.contents.is_empty()) {
        arena.write(arena.address() + u64::from(start), &data.contents)?;
    }
    Ok((arena, start))
}

/// Maps an arena that somebody else made of the same object, and filled. It is at the same address in all processes: where that
/// is taken, or only known to whoever mapped it first, programs work with it, but not this process.
pub(super) fn take_over(map: &Map, spec: &MapSpec) -> Result<(Option<Arena>, u32)> {
    let start = start_of_variables(map, spec)?;
    Ok((Arena::map(map.clone(), spec.map_extra).ok(), start))
}

/// Where the variables of an object begin in its arena, in bytes: the same for all who load it on this kernel.
fn start_of_variables(map: &Map, spec: &MapSpec) -> Result<u32> {
    let length = spec.data.as_ref().map_or(0, |data| data.contents.len());
    if length == 0 {
        return Ok(0);
    }
    let page = rustix::param::page_size();
    let size = page.saturating_mul(map.max_entries() as usize);
    let room = size.checked_sub(length.next_multiple_of(page));
    let room = room.ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidObject,
            format!("placing variables in arena `{}`", spec.name),
        )
        .with_reason(format!(
            "they take {length} bytes, it has {size} ({} pages)",
            map.max_entries()
        ))
        .with_remedy("raise its `max_entries`")
    })?;
    // Out of the way of what programs allocate, which begins at the start; but not all kernels take a distance like
    // this in an instruction.
    Ok(match feature::takes_any_value_offset() {
        true => u32::try_from(room).unwrap_or(u32::MAX),
        false => 0,
    })
}
