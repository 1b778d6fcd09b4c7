//! Values of types: bytes to text, and text to bytes.

use oxbpf_object::btf::{Btf, Contents, TypeId, Value};

use crate::{Random, mutate, pair};

/// The most room that a value gets.
const ROOM: u64 = 1 << 12;

/// Types, then text and bytes that are to be values of them.
pub(crate) fn values(input: &[u8]) {
    let (types, values) = pair::split(input);
    let (text, bytes) = pair::split(values);
    let Ok(btf) = Btf::parse(types.to_vec()) else {
        return;
    };
    let text = String::from_utf8_lossy(text);
    let ids = (0..btf.end().0).map(TypeId);
    for id in ids.take(64) {
        // Bytes without end, one too few, one too many.
        let size = btf.size_of(id).unwrap_or(8).min(ROOM) as usize;
        for len in [size.saturating_sub(1), size, bytes.len()] {
            let own = &bytes[..len.min(bytes.len())];
            on_one_line(&btf.value(id, own).to_string());
        }
        let mut room = vec![0xa5; size];
        match btf.write_value(id, &text, &mut room) {
            Ok(()) => write_again(&btf, id, &room),
            Err(error) => {
                assert!(error.at() <= text.len());
                on_one_line(&error.to_string());
                assert!(room.iter().all(|byte| *byte == 0xa5), "half written");
            }
        }
    }
}

/// What was written is read, and can be written as it reads.
fn write_again(btf: &Btf, id: TypeId, bytes: &[u8]) {
    let value = btf.value(id, bytes);
    if !is_told_whole(btf, id, &value) {
        return;
    }
    let mut again = bytes.to_vec();
    let text = value.to_string();
    if btf.write_value(id, &text, &mut again).is_ok() {
        // Of two enumerators of one name the first counts.
        assert_eq!(btf.value(id, &again).to_string(), text);
    }
}

/// Whether the text of a value says all of it: of a union it says the same twice, of text only what is before a NUL.
fn is_told_whole(btf: &Btf, id: TypeId, value: &Value<'_>) -> bool {
    let ty = btf.skip_modifiers_and_typedefs(id);
    let is_number =
        ty.is_ok_and(|ty| matches!(ty.contents(), Contents::Int(_) | Contents::Enum(_)));
    is_number && !matches!(value, Value::Bytes(_))
}

fn on_one_line(text: &str) {
    assert!(!text.contains(|c: char| c.is_control()), "{text:?}");
}

pub(crate) fn mutate(input: &mut Vec<u8>, random: &mut Random) {
    mutate::one_of_pair(input, random, mutate::btf::mutate, |values, random| {
        mutate::one_of_pair(values, random, mutate::text::mutate, mutate::bytes);
    });
}
