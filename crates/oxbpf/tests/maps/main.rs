//! Maps in a real kernel.

#[macro_use]
#[path = "../common/mod.rs"]
mod common;

mod churn;
mod elements;
mod handles;
mod iteration;
mod kinds;
mod raw;
mod redirect;
mod shape;
mod sockets;
mod storage;
mod trace;

use oxbpf::map::{CreateOptions, Map};
use oxbpf::object::kernel::MapType;
use oxbpf::object::spec::MapSpec;
use oxbpf::{Error, ErrorKind};

fn spec(map_type: MapType, key_size: u32, value_size: u32, max_entries: u32) -> MapSpec {
    MapSpec {
        map_type,
        key_size,
        value_size,
        max_entries,
        ..MapSpec::default()
    }
}

fn create(name: &str, map_type: MapType, key: u32, value: u32, entries: u32) -> Map {
    Map::create(
        name,
        &spec(map_type, key, value, entries),
        CreateOptions::default(),
    )
    .unwrap()
}

#[track_caller]
fn assert_kind<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind, part: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(part), "{error}");
}
