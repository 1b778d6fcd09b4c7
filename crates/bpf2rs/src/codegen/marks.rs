//! What the C source says to bpf2rs, by the macros of `bpf2rs.h`: variables whose types and names
//! are all there is to them.

use oxbpf_object::btf::{Btf, Contents, TypeId};

const EVENTS: &str = "__bpf2rs_events_";
const TYPE: &str = "__bpf2rs_type_";

/// The types that a source marks.
#[derive(Debug, Default)]
pub(super) struct Marks<'a> {
    /// Of the events that come through a map, by its name.
    events: Vec<(&'a str, TypeId)>,
    /// To be generated, whoever uses them.
    pub(super) types: Vec<TypeId>,
}

impl<'a> Marks<'a> {
    pub(super) fn of(btf: &'a Btf) -> Self {
        let mut marks = Self::default();
        for (_, ty) in btf.types() {
            let Contents::Var(variable) = ty.contents() else {
                continue;
            };
            let marked = btf
                .skip_modifiers(variable.ty)
                .ok()
                .and_then(|ty| ty.target());
            let Some(marked) = marked else { continue };
            if let Some(map) = ty.name().strip_prefix(EVENTS) {
                marks.events.push((map, marked));
            } else if ty.name().starts_with(TYPE) {
                marks.types.push(marked);
            }
        }
        marks
    }

    /// The type of the events that come through a map.
    pub(super) fn event(&self, map: &str) -> Option<TypeId> {
        self.events
            .iter()
            .find(|(name, _)| *name == map)
            .map(|(_, ty)| *ty)
    }

    /// A map that events are said to come through, but which is none of these.
    pub(super) fn stray(&self, maps: &[&str]) -> Option<&'a str> {
        self.events
            .iter()
            .map(|(name, _)| *name)
            .find(|name| !maps.contains(name))
    }
}

/// The types of the records that come through rings, by the names of their maps, as far as the C source says so by
/// `BPF2RS_EVENTS`.
#[must_use]
pub fn event_types(btf: &Btf) -> Vec<(&str, TypeId)> {
    Marks::of(btf).events
}
