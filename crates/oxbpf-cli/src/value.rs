//! Values as JSON, and added up.

use oxbpf_object::btf::Value;
use serde_json::Value as Json;

/// A value as JSON: structures are objects, text is text. An integer beyond JSON's range is its digits.
pub(crate) fn json(value: &Value<'_>) -> Json {
    match value {
        Value::Unsigned(number) => match u64::try_from(*number) {
            Ok(number) => number.into(),
            Err(_) => number.to_string().into(),
        },
        Value::Signed(number) => match i64::try_from(*number) {
            Ok(number) => number.into(),
            Err(_) => number.to_string().into(),
        },
        Value::Bool(is) => (*is).into(),
        Value::Float(number) => (*number).into(),
        Value::Pointer(address) => format!("{address:#x}").into(),
        Value::Enumerator { name: "", value } => match i64::try_from(*value) {
            Ok(number) => number.into(),
            Err(_) => value.to_string().into(),
        },
        Value::Enumerator { name, .. } => (*name).into(),
        Value::Text(text) => String::from_utf8_lossy(text).into(),
        Value::Array(elements) => elements.iter().map(json).collect(),
        Value::Struct(members) => members
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.to_string().into(),
    }
}

/// The sum of what several CPUs have: numbers are added, of all else there is the first.
pub(crate) fn sum<'a>(values: impl IntoIterator<Item = Value<'a>>) -> Option<Value<'a>> {
    values.into_iter().reduce(add)
}

fn add<'a>(one: Value<'a>, other: Value<'a>) -> Value<'a> {
    match (one, other) {
        (Value::Unsigned(a), Value::Unsigned(b)) => Value::Unsigned(a.wrapping_add(b)),
        (Value::Signed(a), Value::Signed(b)) => Value::Signed(a.wrapping_add(b)),
        (Value::Float(a), Value::Float(b)) => Value::Float(a + b),
        (Value::Array(a), Value::Array(b)) => {
            Value::Array(a.into_iter().zip(b).map(|(a, b)| add(a, b)).collect())
        }
        (Value::Struct(a), Value::Struct(b)) => {
            let members = a.into_iter().zip(b);
            Value::Struct(
                members
                    .map(|((name, a), (_, b))| (name, add(a, b)))
                    .collect(),
            )
        }
        // The first that is there: a CPU that never ran the program has nothing but zeros.
        (Value::Text(b""), other) => other,
        (one, _) => one,
    }
}

/// The number that a value is, for sorting.
pub(crate) fn number(value: &Value<'_>) -> Option<i128> {
    match value {
        Value::Unsigned(number) => i128::try_from(*number).ok(),
        Value::Signed(number) => Some(*number),
        Value::Bool(is) => Some((*is).into()),
        Value::Struct(members) => members.iter().find_map(|(_, value)| number(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_what_the_value_has() {
        let value = Value::Struct(vec![
            ("pid", Value::Signed(-1)),
            ("comm", Value::Text(b"init")),
            ("big", Value::Unsigned(u128::MAX)),
            (
                "list",
                Value::Array(vec![Value::Bool(true), Value::Pointer(255)]),
            ),
            (
                "is",
                Value::Enumerator {
                    name: "RED",
                    value: 1,
                },
            ),
        ]);
        let expected = r#"{"big":"340282366920938463463374607431768211455","comm":"init","is":"RED","list":[true,"0xff"],"pid":-1}"#;
        assert_eq!(json(&value).to_string(), expected);
    }

    #[test]
    fn sums_go_through_arrays_and_structures() {
        let of = |n: u128, text: &'static [u8]| {
            Value::Struct(vec![
                ("n", Value::Unsigned(n)),
                (
                    "slots",
                    Value::Array(vec![Value::Unsigned(n), Value::Unsigned(1)]),
                ),
                ("comm", Value::Text(text)),
            ])
        };
        let total = sum([of(1, b""), of(2, b"x"), of(3, b"y")]).unwrap();
        assert_eq!(total.to_string(), "{n=6, slots=[6, 3], comm=\"x\"}");
        assert_eq!(sum([]), None);
    }
}
