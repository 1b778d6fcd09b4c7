//! Maps defined by types: the variables of `.maps`.
//!
//! A map is a structure whose members are never read: a number is the length of an array that a member points to (`__uint`), or the
//! only value of an enumeration (`__ulong`); a type is what a member points to (`__type`).

use super::file::Section;
use super::types::{Placed, Types, structure};
use super::{Error, ErrorKind, MapPlace};
use crate::btf::{Btf, Contents, Kind, Member, Type, TypeId, VarLinkage};
use crate::kernel::{MapFlags, MapType};
use crate::limits::MAX_MAP_FIELDS;
use crate::spec::{CollectionSpec, MapSpec, Pinning};

/// Adds all maps of the section.
pub(super) fn add(
    section: &Section<'_>,
    types: &Types<'_>,
    spec: &mut CollectionSpec,
    places: &mut Vec<MapPlace>,
) -> Result<(), Error> {
    let typed = types.section(section.name).ok_or_else(|| {
        Error::new(
            ErrorKind::TypeInfo,
            "the type information does not describe its maps: compile the object with `-g`",
        )
    })?;
    for variable in &typed.variables {
        add_map(section, types, variable, spec, places)
            .map_err(|error| error.at_symbol(variable.name))?;
    }
    Ok(())
}

fn add_map(
    section: &Section<'_>,
    types: &Types<'_>,
    variable: &Placed<'_>,
    spec: &mut CollectionSpec,
    places: &mut Vec<MapPlace>,
) -> Result<(), Error> {
    if variable.name.is_empty() {
        return Err(Error::map("a map without a name"));
    }
    if variable.linkage == VarLinkage::EXTERN {
        return Err(Error::map(
            "the map is only declared here: link the object with the one that defines it",
        ));
    }
    let definition = structure(types.btf, variable.ty)?;
    let Parsed { map, values_offset } = parse(
        types.btf,
        definition,
        variable.name,
        section.name,
        Nesting::Outer,
    )?;
    let map = spec.add_map(map);
    places.push(MapPlace {
        section: section.index,
        offset: variable.offset.into(),
        size: variable.size,
        map,
        values_offset,
    });
    Ok(())
}

/// What the type of a variable of `.maps` defines.
pub(crate) fn definition(btf: &Btf, ty: TypeId, name: &str) -> Result<MapSpec, Error> {
    let definition = structure(btf, ty)?;
    parse(btf, definition, name, ".maps", Nesting::Outer).map(|parsed| parsed.map)
}

#[derive(Clone, Copy, PartialEq)]
enum Nesting {
    Outer,
    Inner,
}

struct Parsed {
    map: MapSpec,
    /// Where `values` starts in the structure, in bytes.
    values_offset: Option<u32>,
}

fn parse(
    btf: &Btf,
    definition: Type<'_>,
    name: &str,
    section: &str,
    nesting: Nesting,
) -> Result<Parsed, Error> {
    let mut map = MapSpec {
        name: name.to_owned(),
        section: section.to_owned(),
        ..MapSpec::default()
    };
    if definition.element_count() > MAX_MAP_FIELDS {
        let message = format!(
            "its definition has {} fields; {MAX_MAP_FIELDS} are the most",
            definition.element_count()
        );
        return Err(Error::new(ErrorKind::Limit, message));
    }
    let mut values_offset = None;
    let mut key_size = Size::new("key");
    let mut value_size = Size::new("value");
    for member in definition.members() {
        if values_offset.is_some() {
            return Err(Error::map(format!(
                "`values` has to be the last field, but `{}` follows",
                member.name
            )));
        }
        match member.name {
            "type" => map.map_type = MapType(number(btf, &member)?),
            "max_entries" => map.max_entries = number(btf, &member)?,
            "map_flags" => map.flags = MapFlags::from_bits_retain(number(btf, &member)?),
            "numa_node" => map.numa_node = Some(number(btf, &member)?),
            "map_extra" => map.map_extra = long_number(btf, &member)?,
            "key_size" => key_size.set(number(btf, &member)?)?,
            "value_size" => value_size.set(number(btf, &member)?)?,
            "key" => {
                let (ty, size) = pointed_to(btf, &member)?;
                map.key_type = Some(ty);
                key_size.set(size)?;
            }
            "value" => {
                let (ty, size) = pointed_to(btf, &member)?;
                map.value_type = Some(ty);
                value_size.set(size)?;
            }
            "pinning" if nesting == Nesting::Inner => {
                return Err(Error::map("the inner map cannot be pinned"));
            }
            "pinning" => {
                map.pinning = match number(btf, &member)? {
                    0 => Pinning::None,
                    1 => Pinning::ByName,
                    other => {
                        return Err(Error::map(format!(
                            "`pinning` is {other}, neither 0 (not) nor 1 (by name)"
                        )));
                    }
                }
            }
            "values" if nesting == Nesting::Inner => {
                return Err(Error::map(
                    "the inner map of a map of maps cannot have `values`: maps nest only once",
                ));
            }
            "values" => {
                value_size.set(4)?;
                values_offset = Some(member.byte_offset());
                map.inner = values(btf, &member, &map)?.map(Box::new);
            }
            other => return Err(Error::map(format!("unknown field `{other}`"))),
        }
    }
    if map.map_type == MapType::UNSPEC {
        return Err(Error::map("the field `type` is missing"));
    }
    map.key_size = key_size.size.unwrap_or(0);
    map.value_size = value_size.size.unwrap_or(0);
    Ok(Parsed { map, values_offset })
}

/// What `values` says: the inner map of a map of maps, or nothing more for an array of programs.
fn values(btf: &Btf, member: &Member<'_>, map: &MapSpec) -> Result<Option<MapSpec>, Error> {
    let shape = || {
        Error::map(
            "`values` is no array of pointers without a length, as made by `__array(values, ...)`",
        )
    };
    let Contents::Array(array) = btf.skip_modifiers_and_typedefs(member.ty)?.contents() else {
        return Err(shape());
    };
    let Contents::Ptr(target) = btf.skip_modifiers_and_typedefs(array.element)?.contents() else {
        return Err(shape());
    };
    if array.len != 0 {
        return Err(shape());
    }
    let target = btf.skip_modifiers_and_typedefs(target)?;
    match map.map_type {
        MapType::PROG_ARRAY => match target.kind() {
            Kind::FUNC_PROTO => Ok(None),
            other => Err(Error::map(format!(
                "`values` of an array of programs point to a {other} instead of a function"
            ))),
        },
        MapType::ARRAY_OF_MAPS | MapType::HASH_OF_MAPS => match target.kind() {
            Kind::STRUCT => {
                let name = format!("{}.inner", map.name);
                Ok(Some(
                    parse(btf, target, &name, &map.section, Nesting::Inner)?.map,
                ))
            }
            other => Err(Error::map(format!(
                "`values` of a map of maps point to a {other} instead of a map definition"
            ))),
        },
        MapType::UNSPEC => Err(Error::map("`type` has to come before `values`")),
        other => Err(Error::map(format!(
            "`values` in a map of type {other}, which holds neither maps nor programs"
        ))),
    }
}

/// A size that two fields may give, if they agree.
struct Size {
    what: &'static str,
    size: Option<u32>,
}

impl Size {
    fn new(what: &'static str) -> Self {
        Size { what, size: None }
    }

    fn set(&mut self, size: u32) -> Result<(), Error> {
        match self.size {
            Some(other) if other != size => Err(Error::map(format!(
                "two sizes of the {}: {other} and {size} bytes",
                self.what
            ))),
            _ => {
                self.size = Some(size);
                Ok(())
            }
        }
    }
}

/// `__uint(name, number)`: a pointer to an array, whose length counts.
fn number(btf: &Btf, member: &Member<'_>) -> Result<u32, Error> {
    if let Contents::Ptr(target) = btf.skip_modifiers_and_typedefs(member.ty)?.contents() {
        if let Contents::Array(array) = btf.skip_modifiers_and_typedefs(target)?.contents() {
            return Ok(array.len);
        }
    }
    Err(Error::map(format!(
        "the field `{0}` holds no number, as made by `__uint({0}, ...)`",
        member.name
    )))
}

/// As [`number`], or `__ulong(name, number)`: an enumeration with one value.
fn long_number(btf: &Btf, member: &Member<'_>) -> Result<u64, Error> {
    let ty = btf.skip_modifiers_and_typedefs(member.ty)?;
    if let Contents::Enum(enumeration) = ty.contents() {
        let mut enumerators = enumeration.enumerators();
        return match (enumerators.next(), enumerators.next()) {
            (Some(only), None) => Ok(only.value as u64),
            _ => Err(Error::map(format!(
                "the field `{}` is an enumeration without exactly one value",
                member.name
            ))),
        };
    }
    number(btf, member).map(u64::from)
}

/// `__type(name, type)`: a pointer to the type.
fn pointed_to(btf: &Btf, member: &Member<'_>) -> Result<(TypeId, u32), Error> {
    let Contents::Ptr(target) = btf.skip_modifiers_and_typedefs(member.ty)?.contents() else {
        return Err(Error::map(format!(
            "the field `{0}` holds no type, as made by `__type({0}, ...)`",
            member.name
        )));
    };
    let size = btf.size_of(target).map_err(|error| {
        let ty = btf.get(target).map_or("", |ty| ty.name());
        Error::map(format!(
            "the size of the {}, of type `{ty}`, cannot be told: {error}",
            member.name
        ))
    })?;
    let size = u32::try_from(size).map_err(|_| {
        Error::map(format!(
            "the field `{}` is a type of {size} bytes, beyond 4 GiB",
            member.name
        ))
    })?;
    Ok((target, size))
}
