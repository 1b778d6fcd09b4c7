//! Members of structures for the kernel (`struct_ops`) before the load.

use oxbpf_object::CollectionSpec;
use oxbpf_object::spec::SlotRef;

use super::stale;
use crate::map::Plain;
use crate::{Error, ErrorKind, Result, suggest};

/// The value of a member at a byte of a structure.
pub fn member<T: Plain>(object: &CollectionSpec, map: &str, offset: usize) -> Result<T> {
    object
        .map(map)
        .and_then(|map| map.data.as_ref())
        .and_then(|data| data.contents.get(offset..offset + size_of::<T>()))
        .and_then(T::from_bytes)
        .ok_or_else(|| stale(object, "fitting structure", map))
}

/// Sets the value of a member.
pub fn set_member<T: Plain>(
    object: &mut CollectionSpec,
    map: &str,
    offset: usize,
    value: &T,
) -> Result<()> {
    let bytes = object
        .map_mut(map)
        .and_then(|map| map.data.as_mut())
        .and_then(|data| data.contents.get_mut(offset..offset + size_of::<T>()));
    match bytes {
        Some(bytes) => {
            bytes.copy_from_slice(value.bytes());
            Ok(())
        }
        None => Err(stale(object, "fitting structure", map)),
    }
}

/// The name of the program that is the function at a byte of a structure, if there is one.
pub fn function(object: &CollectionSpec, map: &str, offset: u32) -> Result<Option<String>> {
    let spec = object
        .map(map)
        .ok_or_else(|| stale(object, "structure", map))?;
    let program = spec.values.iter().find_map(|(place, of)| match of {
        SlotRef::Program(program) if *place == offset => object.programs().get(*program),
        _ => None,
    });
    Ok(program.map(|program| program.name.clone()))
}

/// Makes a program a function of a structure, or takes away the one that is.
pub fn set_function(
    object: &mut CollectionSpec,
    map: &str,
    offset: u32,
    program: Option<&str>,
) -> Result<()> {
    let position = match program {
        Some(name) => Some(position(object, map, name)?),
        None => None,
    };
    let Some(spec) = object.map_mut(map) else {
        return Err(stale(object, "structure", map));
    };
    spec.values.retain(|(place, _)| *place != offset);
    if let Some(program) = position {
        spec.values.push((offset, SlotRef::Program(program)));
        spec.values.sort_by_key(|(place, _)| *place);
    }
    Ok(())
}

fn position(object: &CollectionSpec, map: &str, name: &str) -> Result<usize> {
    let names = || {
        object
            .programs()
            .iter()
            .map(|program| program.name.as_str())
    };
    if let Some(position) = names().position(|known| known == name) {
        return Ok(position);
    }
    let error = Error::new(
        ErrorKind::NotFound,
        format!("taking over the functions of `{map}`"),
    )
    .with_reason(format!("the object has no program `{name}`"));
    Err(
        match suggest::did_you_mean(&suggest::nearest(name, names())) {
            Some(remedy) => error.with_remedy(remedy),
            None => error,
        },
    )
}
