//! Types as JSON, under the names that bpftool gives everything.

use oxbpf_object::btf::{Description, Field, FieldValue};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// A type.
pub(super) struct Json<'a>(pub(super) Description<'a>);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Description {
            id,
            kind,
            name,
            fields,
            elements,
        } = &self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &id.0)?;
        map.serialize_entry("kind", &kind.to_string().to_uppercase())?;
        map.serialize_entry("name", if name.is_empty() { "(anon)" } else { name })?;
        entries(&mut map, fields)?;
        if let Some((what, elements)) = elements {
            map.serialize_entry(what, &Elements(elements))?;
        }
        map.end()
    }
}

struct Elements<'a>(&'a [Vec<Field<'a>>]);

impl Serialize for Elements<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for element in self.0 {
            list.serialize_element(&Element(element))?;
        }
        list.end()
    }
}

struct Element<'a>(&'a [Field<'a>]);

impl Serialize for Element<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        entries(&mut map, self.0)?;
        map.end()
    }
}

fn entries<M: SerializeMap>(map: &mut M, fields: &[Field<'_>]) -> Result<(), M::Error> {
    for (name, value) in fields {
        match value {
            // JSON's own numbers go from the lowest `i64` to the highest `u64`, and so do BTF's.
            FieldValue::Number(number) => match i64::try_from(*number) {
                Ok(number) => map.serialize_entry(name, &number)?,
                Err(_) => map.serialize_entry(name, &(*number as u64))?,
            },
            FieldValue::Name("") => map.serialize_entry(name, "(anon)")?,
            FieldValue::Name(text) => map.serialize_entry(name, text)?,
            FieldValue::Word(word) => map.serialize_entry(name, word)?,
            other => map.serialize_entry(name, &other.to_string())?,
        }
    }
    Ok(())
}
