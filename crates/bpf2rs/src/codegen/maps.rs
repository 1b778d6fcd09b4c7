//! Maps: what a map of the object is in Rust.

use oxbpf_object::{
    CollectionSpec, MapSpec, MapType,
    btf::{Kind, TypeId},
    spec::{DataKind, DataSection},
};

use super::{
    marks::Marks,
    names::Scope,
    types::{Asker, RustType, Types},
};
use crate::error::{Error, ErrorKind, Result};

/// A map of the generated code.
pub(super) struct MapItem<'a> {
    pub(super) name: &'a str,
    pub(super) field: String,
    pub(super) loaded: Loaded,
    pub(super) docs: String,
}

/// What a map is once it is loaded.
pub(super) enum Loaded {
    /// Bytes to bytes.
    Map,
    /// A typed front.
    Front(String),
    /// Memory that is shared with programs.
    Arena,
    /// A structure for the kernel, which may be created only on demand.
    StructOps { is_optional: bool },
}

impl MapItem<'_> {
    /// Its type once loaded.
    pub(super) fn loaded(&self) -> &str {
        match &self.loaded {
            Loaded::Map => "::oxbpf::Map",
            Loaded::Front(front) => front,
            Loaded::Arena => "::oxbpf::map::Arena",
            Loaded::StructOps { is_optional: false } => "::oxbpf::StructOps",
            Loaded::StructOps { is_optional: true } => "::core::option::Option<::oxbpf::StructOps>",
        }
    }

    /// An expression that takes it out of a `collection`.
    pub(super) fn lookup(&self) -> String {
        let name = self.name;
        match self.loaded {
            Loaded::Map => format!("collection.map({name:?})?"),
            Loaded::Front(_) => format!("collection.map({name:?})?.typed()?"),
            Loaded::Arena => format!("collection.arena({name:?})?"),
            Loaded::StructOps { is_optional: false } => {
                format!("collection.struct_ops({name:?})?")
            }
            Loaded::StructOps { is_optional: true } => {
                format!("::oxbpf::__private::optional_struct_ops(collection, {name:?})?")
            }
        }
    }
}

/// The typed fronts that there are, by kind of map, and what each is a front of.
#[derive(Clone, Copy)]
enum Front {
    /// Descriptors by index: no types of the source.
    Plain(&'static str),
    /// Values found by index, or in turn: the value's type alone.
    Value(&'static str),
    /// Descriptors found by key.
    Key(&'static str),
    /// Values found by key.
    KeyValue(&'static str),
    /// Values found by the prefix of a key.
    Prefix(&'static str),
    /// Maps found by index.
    Maps(&'static str),
    /// Maps found by key.
    KeyMaps(&'static str),
}

#[rustfmt::skip]
const FRONTS: &[(MapType, Front)] = &[
    (MapType::HASH,                Front::KeyValue("HashMap")),
    (MapType::ARRAY,               Front::Value("Array")),
    (MapType::PROG_ARRAY,          Front::Plain("ProgramArray")),
    (MapType::PERCPU_HASH,         Front::KeyValue("PerCpuHashMap")),
    (MapType::PERCPU_ARRAY,        Front::Value("PerCpuArray")),
    (MapType::CGROUP_ARRAY,        Front::Plain("CgroupArray")),
    (MapType::LRU_HASH,            Front::KeyValue("HashMap")),
    (MapType::LRU_PERCPU_HASH,     Front::KeyValue("PerCpuHashMap")),
    (MapType::LPM_TRIE,            Front::Prefix("LpmTrie")),
    (MapType::ARRAY_OF_MAPS,       Front::Maps("ArrayOfMaps")),
    (MapType::HASH_OF_MAPS,        Front::KeyMaps("HashOfMaps")),
    (MapType::DEVMAP,              Front::Plain("DevMap")),
    (MapType::SOCKMAP,             Front::Plain("SockMap")),
    (MapType::CPUMAP,              Front::Plain("CpuMap")),
    (MapType::XSKMAP,              Front::Plain("XskMap")),
    (MapType::SOCKHASH,            Front::Key("SockHash")),
    (MapType::REUSEPORT_SOCKARRAY, Front::Plain("ReuseportArray")),
    (MapType::QUEUE,               Front::Value("Queue")),
    (MapType::STACK,               Front::Value("Stack")),
    (MapType::SK_STORAGE,          Front::Value("SkStorage")),
    (MapType::DEVMAP_HASH,         Front::Plain("DevMapHash")),
    (MapType::INODE_STORAGE,       Front::Value("InodeStorage")),
    (MapType::TASK_STORAGE,        Front::Value("TaskStorage")),
    (MapType::BLOOM_FILTER,        Front::Value("BloomFilter")),
    (MapType::CGRP_STORAGE,        Front::Value("CgroupStorage")),
];

/// The maps of an object, those that hold its variables excepted.
pub(super) fn collect<'a>(
    spec: &'a CollectionSpec,
    types: &mut Types<'_>,
    marks: &Marks<'_>,
) -> Result<Vec<MapItem<'a>>> {
    let mut scope = Scope::default();
    let names: Vec<_> = spec.maps().iter().map(|map| map.name.as_str()).collect();
    if let Some(stray) = marks.stray(&names) {
        return Err(Error::new(
            ErrorKind::Type,
            format!("`BPF2RS_EVENTS` names `{stray}`, and the object has no such map"),
        ));
    }
    spec.maps()
        .iter()
        .filter(|map| !holds_variables(map.data.as_ref()))
        .map(|map| {
            Ok(MapItem {
                name: &map.name,
                field: scope.verbatim(&map.name),
                loaded: loaded(map, types, marks)?,
                docs: types
                    .comments()
                    .on(Kind::VAR, &map.name, &docs(map, types, marks)),
            })
        })
        .collect()
}

fn holds_variables(data: Option<&DataSection>) -> bool {
    data.is_some_and(|data| !matches!(data.kind, DataKind::StructOps | DataKind::Arena))
}

fn loaded(map: &MapSpec, types: &mut Types<'_>, marks: &Marks<'_>) -> Result<Loaded> {
    if let Some(event) = marks.event(&map.name) {
        if ![MapType::RINGBUF, MapType::PERF_EVENT_ARRAY].contains(&map.map_type) {
            return Err(Error::new(
                ErrorKind::Type,
                format!(
                    "`BPF2RS_EVENTS` names `{}`, through which no events come: it is of type {}",
                    map.name, map.map_type
                ),
            ));
        }
        let tail = types.tail(event);
        let event = side(map, "event", event, types)?;
        let event = match tail {
            Some(offset) => format!("::oxbpf::ring::Tailed<{event}, {offset}>"),
            None => event,
        };
        return Ok(Loaded::Front(format!("::oxbpf::ring::EventMap<{event}>")));
    }
    Ok(match map.map_type {
        MapType::ARENA => Loaded::Arena,
        MapType::STRUCT_OPS => Loaded::StructOps {
            is_optional: !map.autocreate,
        },
        _ => front(map, types)?.map_or(Loaded::Map, Loaded::Front),
    })
}

/// The typed front of a map, if there is one and the source gives the types that it takes.
fn front(map: &MapSpec, types: &mut Types<'_>) -> Result<Option<String>> {
    let Some((_, front)) = FRONTS.iter().find(|(kind, _)| *kind == map.map_type) else {
        return Ok(None);
    };
    let mut side = |name, id: Option<TypeId>| id.map(|id| side(map, name, id, types)).transpose();
    let arguments = match front {
        Front::Plain(_) => Some(Vec::new()),
        Front::Value(_) => side("value", map.value_type)?.map(|value| vec![value]),
        Front::Key(_) => side("key", map.key_type)?.map(|key| vec![key]),
        Front::KeyValue(_) => side("key", map.key_type)?
            .zip(side("value", map.value_type)?)
            .map(|(key, value)| vec![key, value]),
        Front::Prefix(_) => address(map.key_size)
            .zip(side("value", map.value_type)?)
            .map(|(address, value)| vec![address, value]),
        Front::Maps(_) => Some(inner(map, types)?),
        Front::KeyMaps(_) => match side("key", map.key_type)? {
            Some(key) => Some([vec![key], inner(map, types)?].concat()),
            None => None,
        },
    };
    let front = front.name();
    Ok(arguments.map(|arguments| match &arguments[..] {
        [] => format!("::oxbpf::map::{front}"),
        arguments => format!("::oxbpf::map::{front}<{}>", arguments.join(", ")),
    }))
}

/// The front of the maps in a map, if they have one.
fn inner(map: &MapSpec, types: &mut Types<'_>) -> Result<Vec<String>> {
    let Some(inner) = &map.inner else {
        return Ok(Vec::new());
    };
    // In messages, the maps in it go by its name.
    let inner = MapSpec {
        name: format!("{}_inner", map.name),
        ..(**inner).clone()
    };
    Ok(front(&inner, types)?.into_iter().collect())
}

/// What the keys of a trie are prefixes of; before it in a key is its length.
fn address(key_size: u32) -> Option<String> {
    let len = key_size.checked_sub(4)?;
    Some(match len {
        4 => "::core::net::Ipv4Addr".to_owned(),
        16 => "::core::net::Ipv6Addr".to_owned(),
        _ => format!("[u8; {len}]"),
    })
}

impl Front {
    fn name(self) -> &'static str {
        match self {
            Self::Plain(name)
            | Self::Value(name)
            | Self::Key(name)
            | Self::KeyValue(name)
            | Self::Prefix(name)
            | Self::Maps(name)
            | Self::KeyMaps(name) => name,
        }
    }
}

/// The type of a key or value.
fn side(map: &MapSpec, side: &str, id: TypeId, types: &mut Types<'_>) -> Result<String> {
    let name = format!("{}_{side}", map.name);
    let what = format!("the {side} of map `{}`", map.name);
    let RustType { shape, .. } = types.rust_type(
        id,
        Asker {
            name: &name,
            what: &what,
        },
    )?;
    Ok(shape.written("types::"))
}

/// One sentence about the map, in C's words; for one without types, how to give it some.
fn docs(map: &MapSpec, types: &Types<'_>, marks: &Marks<'_>) -> String {
    let kind = map.map_type;
    let c = |id| types.btf().declaration(id, "");
    let sized = map.key_size != 0 || map.value_size != 0;
    let of = match (marks.event(&map.name), map.key_type, map.value_type) {
        (Some(event), ..) => format!(" for events of type `{}`", c(event)),
        (None, Some(key), Some(value)) => format!(" from `{}` to `{}`", c(key), c(value)),
        (None, None, Some(value)) => format!(" of `{}`", c(value)),
        _ if sized => format!(" from {} bytes to {} bytes", map.key_size, map.value_size),
        _ => String::new(),
    };
    let has_types = map.value_type.is_some() || marks.event(&map.name).is_some();
    let hint = match typing_hint(map).filter(|_| !has_types && sized) {
        Some(hint) => format!(
            "\n\nThe C source does not give the map's types: `{hint}` does, and checks the sizes."
        ),
        None => String::new(),
    };
    let room = match (map.map_type, map.max_entries) {
        (_, 0) => String::new(),
        (MapType::RINGBUF | MapType::USER_RINGBUF, bytes) => format!(", {bytes} bytes large"),
        (MapType::ARENA, pages) => format!(", {pages} pages large"),
        (_, 1) => ", one entry".to_owned(),
        (_, entries) => format!(", {entries} entries"),
    };
    format!("A map of type `{kind}`{of}{room}.{hint}")
}

/// How a map that has sizes but no types is given types.
fn typing_hint(map: &MapSpec) -> Option<String> {
    let integer = |size| match size {
        1 => Some("u8"),
        2 => Some("u16"),
        4 => Some("u32"),
        8 => Some("u64"),
        _ => None,
    };
    let (_, front) = FRONTS.iter().find(|(kind, _)| *kind == map.map_type)?;
    let value = integer(map.value_size)?;
    Some(match front {
        Front::Value(front) => format!("typed::<{front}<{value}>>()"),
        Front::KeyValue(front) => {
            format!("typed::<{front}<{}, {value}>>()", integer(map.key_size)?)
        }
        _ => return None,
    })
}
