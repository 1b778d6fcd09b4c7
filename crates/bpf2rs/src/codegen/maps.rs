//! Maps: what a map of the object is in Rust.

use oxbpf_object::{
    CollectionSpec, MapSpec, MapType,
    btf::{Kind, TypeId},
    spec::{DataKind, DataSection},
};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use super::{
    marks::Marks,
    names::Scope,
    types::{Asker, RustType, Types, c_type},
};
use crate::error::{Error, ErrorKind, Result};

/// A map of the generated code.
pub(super) struct MapItem<'a> {
    pub(super) name: &'a str,
    pub(super) field: Ident,
    pub(super) loaded: Loaded,
    pub(super) docs: String,
}

/// What a map is once it is loaded.
pub(super) enum Loaded {
    /// Bytes to bytes.
    Map,
    /// A typed front.
    Front(TokenStream),
    /// Memory that is shared with programs.
    Arena,
    /// A structure for the kernel, which may be created only on demand.
    StructOps { is_optional: bool },
}

impl MapItem<'_> {
    /// Its type once loaded.
    pub(super) fn loaded(&self) -> TokenStream {
        match &self.loaded {
            Loaded::Map => quote!(::oxbpf::Map),
            Loaded::Front(front) => front.clone(),
            Loaded::Arena => quote!(::oxbpf::map::Arena),
            Loaded::StructOps { is_optional: false } => quote!(::oxbpf::StructOps),
            Loaded::StructOps { is_optional: true } => {
                quote!(::core::option::Option<::oxbpf::StructOps>)
            }
        }
    }

    /// An expression that takes it out of a `collection`.
    pub(super) fn lookup(&self) -> TokenStream {
        let name = self.name;
        match self.loaded {
            Loaded::Map => quote!(collection.map(#name)?),
            Loaded::Front(_) => quote!(collection.map(#name)?.typed()?),
            Loaded::Arena => quote!(collection.arena(#name)?),
            Loaded::StructOps { is_optional: false } => quote!(collection.struct_ops(#name)?),
            Loaded::StructOps { is_optional: true } => {
                quote!(::oxbpf::__private::optional_struct_ops(collection, #name)?)
            }
        }
    }
}

/// The typed fronts that there are, by kind of map.
#[derive(Clone, Copy)]
enum Front {
    /// Found by index: the value's type alone.
    Value(&'static str),
    /// Found by key.
    KeyValue(&'static str),
}

#[rustfmt::skip]
const FRONTS: &[(MapType, Front)] = &[
    (MapType::ARRAY,           Front::Value("Array")),
    (MapType::PERCPU_ARRAY,    Front::Value("PerCpuArray")),
    (MapType::HASH,            Front::KeyValue("HashMap")),
    (MapType::LRU_HASH,        Front::KeyValue("HashMap")),
    (MapType::PERCPU_HASH,     Front::KeyValue("PerCpuHashMap")),
    (MapType::LRU_PERCPU_HASH, Front::KeyValue("PerCpuHashMap")),
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
                docs: types.comments().on(Kind::VAR, &map.name, &docs(map, types)),
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
        let event = side(map, "event", event, types)?;
        return Ok(Loaded::Front(quote!(::oxbpf::ring::EventMap<#event>)));
    }
    Ok(match map.map_type {
        MapType::ARENA => Loaded::Arena,
        MapType::STRUCT_OPS => Loaded::StructOps {
            is_optional: !map.autocreate,
        },
        _ => front(map, types)?.map_or(Loaded::Map, Loaded::Front),
    })
}

fn front(map: &MapSpec, types: &mut Types<'_>) -> Result<Option<TokenStream>> {
    let front = FRONTS.iter().find(|(kind, _)| *kind == map.map_type);
    let (Some((_, front)), Some(value)) = (front, map.value_type) else {
        return Ok(None);
    };
    Ok(Some(match (front, map.key_type) {
        (Front::Value(name), _) => {
            let front = Ident::new(name, Span::call_site());
            let value = side(map, "value", value, types)?;
            quote!(::oxbpf::map::#front<#value>)
        }
        (Front::KeyValue(name), Some(key)) => {
            let front = Ident::new(name, Span::call_site());
            let key = side(map, "key", key, types)?;
            let value = side(map, "value", value, types)?;
            quote!(::oxbpf::map::#front<#key, #value>)
        }
        (Front::KeyValue(_), None) => return Ok(None),
    }))
}

/// The type of a key or value.
fn side(map: &MapSpec, side: &str, id: TypeId, types: &mut Types<'_>) -> Result<TokenStream> {
    let name = format!("{}_{side}", map.name);
    let what = format!("the {side} of map `{}`", map.name);
    let RustType { shape, .. } = types.rust_type(
        id,
        Asker {
            name: &name,
            what: &what,
        },
    )?;
    Ok(shape.tokens(&quote!(types::)))
}

/// One line about the map, in C's words; for one without types, how to give it some.
fn docs(map: &MapSpec, types: &Types<'_>) -> String {
    let kind = map.map_type;
    let name = &map.name;
    match (map.key_type, map.value_type) {
        (Some(key), Some(value)) => format!(
            "`{name}`, {kind}: `{}` to `{}`.",
            c_type(types.btf(), key),
            c_type(types.btf(), value)
        ),
        (None, Some(value)) => format!("`{name}`, {kind} of `{}`.", c_type(types.btf(), value)),
        _ if map.key_size == 0 && map.value_size == 0 => format!("`{name}`, {kind}."),
        _ => {
            let (key, value) = (map.key_size, map.value_size);
            let sizes = format!("`{name}`, {kind}: {key} bytes to {value} bytes.");
            match typing_hint(map) {
                Some(hint) => format!(
                    "{sizes}\n\nThe C source does not give the map's types: \
                     `{hint}` does, and checks the sizes."
                ),
                None => sizes,
            }
        }
    }
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
    })
}
