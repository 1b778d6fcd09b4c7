//! Maps defined by values: `struct bpf_map_def` in `maps`, `maps/NAME` or `NAME/maps`.
//!
//! Projects agree on the first five fields, of which very old ones lack the flags, and differ in what follows. Two ways to go on are
//! known by their size: gobpf's and iproute2's. In any other, what follows has to be zero: it would be
//! wrong to create a map without heeding what its definition asks for.

use object::elf;

use super::file::{File, Section, Symbol};
use super::{Error, MapPlace, limit};
use crate::kernel::{MapFlags, MapType};
use crate::spec::{CollectionSpec, MapSpec, Pinning};

const FIELDS: usize = 20;
const FIELDS_WITHOUT_FLAGS: usize = 16;
/// gobpf: the five fields, pinning, 256 bytes of name space.
const GOBPF: usize = 280;
/// iproute2: the five fields, id, pinning, inner id, inner index.
const IPROUTE2: usize = 36;

/// Adds all maps of the section.
pub(super) fn add(
    file: &File<'_>,
    section: &Section<'_>,
    spec: &mut CollectionSpec,
    places: &mut Vec<MapPlace>,
) -> Result<(), Error> {
    let mut symbols: Vec<Symbol<'_>> = file
        .symbols_in(section.index)
        .filter(|symbol| {
            symbol.kind == elf::STT_OBJECT || symbol.kind == elf::STT_NOTYPE && !symbol.is_local()
        })
        .collect();
    symbols.sort_by_key(|symbol| symbol.value);
    if symbols.is_empty() {
        return Err(Error::map("no symbol says where its maps are"));
    }

    for symbol in &symbols {
        let name = symbol.name()?;
        let size = match symbol.size {
            0 => {
                let next = symbols.partition_point(|other| other.value <= symbol.value);
                let end = symbols.get(next).map_or(section.size, |next| next.value);
                end.saturating_sub(symbol.value)
            }
            size => size,
        };
        let bytes = usize::try_from(symbol.value)
            .ok()
            .zip(usize::try_from(symbol.value.saturating_add(size)).ok());
        let bytes = bytes.and_then(|(start, end)| section.data.get(start..end)).ok_or_else(|| {
            let message = format!("its {size} bytes at offset {} reach past the end of the section, which has {} bytes", symbol.value, section.size);
            Error::corrupt(message).at_symbol(name)
        })?;
        let mut map = parse(bytes, file.endian).map_err(|error| error.at_symbol(name))?;
        name.clone_into(&mut map.name);
        section.name.clone_into(&mut map.section);
        limit(spec.maps.len(), "maps")?;
        let index = spec.add_map(map);
        // It fits: sections of this much data do not.
        places.push(MapPlace {
            section: section.index,
            offset: symbol.value,
            size: size as u32,
            map: index,
            values_offset: None,
        });
    }
    Ok(())
}

fn parse(bytes: &[u8], endian: crate::Endian) -> Result<MapSpec, Error> {
    let field = |at| endian.read_u32(bytes, at);
    let (Some(map_type), Some(key_size), Some(value_size), Some(max_entries)) =
        (field(0), field(4), field(8), field(12))
    else {
        return Err(Error::map(format!(
            "a map definition of {} bytes; at least {FIELDS_WITHOUT_FLAGS} are needed",
            bytes.len()
        )));
    };
    let flags = match bytes.len() {
        FIELDS_WITHOUT_FLAGS => 0,
        _ => field(FIELDS_WITHOUT_FLAGS).ok_or_else(|| {
            Error::map(format!(
                "a map definition of {} bytes, which end in the middle of a field",
                bytes.len()
            ))
        })?,
    };
    let pinning = match bytes.len() {
        GOBPF => field(20),
        IPROUTE2 => field(24),
        _ => {
            if let Some(extra) = bytes
                .get(FIELDS..)
                .filter(|extra| extra.iter().any(|&byte| byte != 0))
            {
                return Err(Error::map(format!(
                    "the map definition goes on for {} bytes after its flags, which are not zero and whose meaning is unknown",
                    extra.len()
                )));
            }
            None
        }
    };
    let map_type = MapType(map_type);
    if bytes.len() == IPROUTE2 && matches!(map_type, MapType::ARRAY_OF_MAPS | MapType::HASH_OF_MAPS)
    {
        return Err(Error::map(
            "iproute2's way to name an inner map, by number, is not supported: define the map in `.maps`",
        ));
    }
    Ok(MapSpec {
        map_type,
        key_size,
        value_size,
        max_entries,
        flags: MapFlags::from_bits_retain(flags),
        pinning: match pinning {
            None | Some(0) => Pinning::None,
            Some(_) => Pinning::ByName,
        },
        ..MapSpec::default()
    })
}
