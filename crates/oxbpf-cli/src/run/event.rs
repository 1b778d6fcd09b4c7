//! The types of records that come out of rings.

use std::collections::HashMap;

use anyhow::bail;
use oxbpf::btf::KernelBtf;
use oxbpf_object::btf::{Btf, Kind, TypeId, Value};
use oxbpf_object::{CollectionSpec, MapType};

use crate::btf::source;

/// What is known about the records of an object's rings.
#[derive(Debug)]
pub(super) struct EventTypes {
    btf: Option<Btf>,
    /// Told by the user or by the object, by map.
    told: HashMap<String, TypeId>,
    /// For all maps, told by the user.
    told_for_all: Option<TypeId>,
    /// Structures that may be records: the object's own, not the kernel's.
    candidates: Vec<(TypeId, u64)>,
}

impl EventTypes {
    /// From `--event [MAP=]TYPE` and what the object says.
    pub(super) fn new(spec: &CollectionSpec, options: &[String]) -> anyhow::Result<EventTypes> {
        let mut types = EventTypes {
            btf: spec.btf.clone(),
            told: HashMap::new(),
            told_for_all: None,
            candidates: Vec::new(),
        };
        let Some(btf) = &spec.btf else {
            if let Some(option) = options.first() {
                bail!("`--event {option}`: the object has no types");
            }
            return Ok(types);
        };
        for map in spec.maps().iter().filter(|map| is_ring(map.map_type)) {
            // The type of a ring's value, if it has one, is that of its records.
            let value = map.value_type.filter(|_| map.map_type == MapType::RINGBUF);
            let value = value.filter(|id| is_composite(btf, *id));
            types.told.extend(value.map(|id| (map.name.clone(), id)));
        }
        let marked = bpf2rs::event_types(btf).into_iter();
        types
            .told
            .extend(marked.map(|(map, id)| (map.to_owned(), id)));
        for option in options {
            let (map, name) = match option.split_once('=') {
                Some((map, name)) => (Some(map), name),
                None => (None, option.as_str()),
            };
            let found = source::find(btf, name)?;
            let id = found.first().copied().unwrap_or(TypeId::VOID);
            match map {
                Some(map) if spec.map(map).is_none() => {
                    bail!("`--event {option}`: the object has no map `{map}`");
                }
                Some(map) => drop(types.told.insert(map.to_owned(), id)),
                None => types.told_for_all = Some(id),
            }
        }
        types.candidates = candidates(spec, btf);
        Ok(types)
    }

    /// A record of a map, understood.
    pub(super) fn understand<'a>(&'a self, map: &str, record: &'a [u8]) -> Value<'a> {
        let Some(btf) = &self.btf else {
            return Value::Bytes(record);
        };
        let told = self.told.get(map).copied().or(self.told_for_all);
        match told.or_else(|| self.guess(btf, map, record.len() as u64)) {
            Some(id) => btf.value(id, record),
            None => Value::Bytes(record),
        }
    }

    /// The one structure that a record of this length can be.
    fn guess(&self, btf: &Btf, map: &str, len: u64) -> Option<TypeId> {
        // Perf buffers fill records up to a multiple of 8, less the 4 bytes of their length.
        let fits = |size: u64| size <= len && len < size + 8;
        let mut fitting = self.candidates.iter().filter(|(_, size)| fits(*size));
        match (fitting.next(), fitting.next()) {
            (Some((id, _)), None) => return Some(*id),
            (Some(_), Some(_)) => {
                let exact = self.candidates.iter().filter(|(_, size)| *size == len);
                let exact: Vec<_> = exact.collect();
                if let [(id, _)] = exact[..] {
                    return Some(*id);
                }
            }
            _ => {}
        }
        // A record may end before its type does, or go on after it. Then only a name tells.
        let names = ["event", "event_t", "data_t", map];
        let by_name = |name: &str| {
            self.candidates
                .iter()
                .find(|(id, _)| btf.get(*id).is_ok_and(|ty| ty.is_named(name)))
        };
        names
            .into_iter()
            .find_map(by_name)
            .or_else(|| {
                let mut events = self
                    .candidates
                    .iter()
                    .filter(|(id, _)| btf.get(*id).is_ok_and(|ty| ty.name().contains("event")));
                let first = events.next();
                first.filter(|_| events.next().is_none())
            })
            .map(|(id, _)| *id)
    }
}

/// Whether records come out of maps of this type.
pub(super) fn is_ring(map_type: MapType) -> bool {
    matches!(map_type, MapType::RINGBUF | MapType::PERF_EVENT_ARRAY)
}

fn is_composite(btf: &Btf, id: TypeId) -> bool {
    btf.skip_modifiers_and_typedefs(id)
        .is_ok_and(|ty| matches!(ty.kind(), Kind::STRUCT | Kind::UNION))
}

/// The structures that the object defines itself. Those that the kernel has too come from `vmlinux.h`.
fn candidates(spec: &CollectionSpec, btf: &Btf) -> Vec<(TypeId, u64)> {
    let kernel = KernelBtf::running().ok();
    let is_kernels = |name: &str| match &kernel {
        Some(kernel) => kernel.types().find(name, Kind::STRUCT).is_some(),
        None => false,
    };
    // Keys are seldom sent, but values often are records being put together.
    let keys: Vec<TypeId> = spec
        .maps()
        .iter()
        .filter_map(|map| btf.skip_modifiers_and_typedefs(map.key_type?).ok())
        .map(|ty| ty.id())
        .collect();
    btf.types()
        .filter(|(id, ty)| ty.kind() == Kind::STRUCT && !ty.name().is_empty() && !keys.contains(id))
        .filter(|(_, ty)| {
            let name = oxbpf_object::core_reloc::essential_name(ty.name());
            name == ty.name() && !is_kernels(name)
        })
        .filter_map(|(id, ty)| Some((id, u64::from(ty.size()?))))
        .filter(|(_, size)| *size > 0)
        .collect()
}
