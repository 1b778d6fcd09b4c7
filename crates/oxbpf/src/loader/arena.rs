//! Arenas: mapping one into this process, and putting the object's variables into it.

use oxbpf_object::spec::MapSpec;

use crate::error::{Error, ErrorKind, Result};
use crate::feature;
use crate::map::{Arena, Map};

/// Maps a new arena, which has to happen before a program that uses it is loaded, and copies the variables in.
/// Tells where these begin.
pub(super) fn prepare(map: &Map, spec: &MapSpec) -> Result<(Arena, u32)> {
    let arena = Arena::map(map.clone(), spec.map_extra)?;
    let contents = spec.data.as_ref().map_or(&[][..], |data| &data.contents);
    if contents.is_empty() {
        return Ok((arena, 0));
    }
    let page = rustix::param::page_size();
    let room = arena
        .len()
        .checked_sub(contents.len().next_multiple_of(page));
    let room = room.ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidObject,
            format!("placing variables in arena `{}`", spec.name),
        )
        .with_reason(format!(
            "they take {} bytes, it has {} ({} pages)",
            contents.len(),
            arena.len(),
            spec.max_entries
        ))
        .with_remedy("raise its `max_entries`")
    })?;
    // Out of the way of what programs allocate, which begins at the start; but not all kernels take a distance like
    // this in an instruction.
    let start = match feature::takes_any_value_offset() {
        true => room,
        false => 0,
    };
    arena.write(arena.address() + start as u64, contents)?;
    Ok((arena, start as u32))
}
