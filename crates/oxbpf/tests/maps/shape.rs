//! Maps shown and written as text.

use oxbpf::map::possible_cpus;
use oxbpf::object::kernel::MapType;
use oxbpf::{Collection, ErrorKind, Loadable, Loader};

use crate::{assert_kind, create};

fn load() -> Collection {
    let spec = fixtures::maps::Spec::embedded().unwrap();
    Loader::new().load(spec.into_spec().unwrap()).unwrap()
}

#[test]
fn entries_are_shown_and_set_by_their_types() {
    let objects = load();
    let conns = objects.map("conns").unwrap();
    let shape = conns.shape().unwrap();
    let key = shape.parse_key("{address: 0x7f000001, port: 80}").unwrap();
    assert_eq!(key.len(), 8);
    let value = shape.parse_value("5").unwrap();
    conns.set(&key, &value, Default::default()).unwrap();
    let shown: Vec<String> = conns
        .entries()
        .map(|entry| {
            let (key, value) = entry.unwrap();
            format!("{} = {}", shape.key(&key), shape.value(&value))
        })
        .collect();
    assert_eq!(shown, ["{address=2130706433, port=80, zone=0} = 5"]);
    assert_kind(
        shape.parse_key("{adress: 1}"),
        ErrorKind::InvalidInput,
        "reading a key of map `conns` from `{adress: 1}` failed: at character 1: a member is to come: one of address, \
         port, zone",
    );
    assert_kind(
        shape.parse_value("-1"),
        ErrorKind::InvalidInput,
        "-1 does not fit",
    );
}

#[test]
fn values_of_each_cpu_are_shown_and_set() {
    let objects = load();
    let hits = objects.map("hits").unwrap();
    let shape = hits.shape().unwrap();
    let cpus = possible_cpus().unwrap().len();
    let key = shape.parse_key("1").unwrap();
    hits.set(&key, &shape.parse_value("7").unwrap(), Default::default())
        .unwrap();
    let value = hits.get(&key).unwrap().unwrap();
    let all = vec!["7"; cpus].join(", ");
    assert_eq!(shape.value(&value).to_string(), format!("[{all}]"));
    let apart: Vec<String> = (0..cpus).map(|cpu| (100 + cpu).to_string()).collect();
    let text = format!("[{}]", apart.join(", "));
    hits.set(&key, &shape.parse_value(&text).unwrap(), Default::default())
        .unwrap();
    let value = hits.get(&key).unwrap().unwrap();
    assert_eq!(shape.value(&value).to_string(), text);
    let many = format!("[{}]", vec!["1"; cpus + 1].join(","));
    assert_kind(
        shape.parse_value(&many),
        ErrorKind::InvalidInput,
        "values, this machine has",
    );
    assert_kind(
        shape.parse_value("x"),
        ErrorKind::InvalidInput,
        "`x` is no digit",
    );
}

#[test]
fn without_types_indices_are_numbers_and_bytes_are_hexadecimal() {
    let map = create("plain", MapType::ARRAY, 4, 3, 2);
    let shape = map.shape().unwrap();
    assert!(shape.value_type().is_none());
    let key = shape.parse_key("1").unwrap();
    map.set(
        &key,
        &shape.parse_value("hex 010203").unwrap(),
        Default::default(),
    )
    .unwrap();
    let (key, value) = map.entries().nth(1).unwrap().unwrap();
    assert_eq!(shape.key(&key).to_string(), "1");
    assert_eq!(shape.value(&value).to_string(), "01 02 03");
    let objects = load();
    let tails = objects.map("tails").unwrap();
    let id = objects.program("tail").unwrap().info().unwrap().id;
    let value = tails.get(&1u32.to_ne_bytes()).unwrap().unwrap();
    assert_eq!(
        tails.shape().unwrap().value(&value).to_string(),
        id.to_string()
    );
}

#[test]
fn variables_are_shown_by_name() {
    let spec = fixtures::globals::Spec::embedded().unwrap();
    let objects = Loader::new().load(spec.into_spec().unwrap()).unwrap();
    let data = objects.map(".data").unwrap();
    let shape = data.shape().unwrap();
    let value = data.get(&[0; 4]).unwrap().unwrap();
    let shown = shape.value(&value).to_string();
    assert!(shown.contains("counter=100"), "{shown}");
    assert_eq!(shape.parse_value(&shown).unwrap().len(), value.len());
}
