//! Jump tables: a map for each, filled and frozen before the program that uses it is loaded.

use oxbpf_object::MapType;
use oxbpf_object::spec::{JumpTable, MapSpec};

use super::authority::Authority;
use crate::error::Result;
use crate::map::{CreateOptions, InsnArray, Map};

/// The name that these maps have in the kernel, as libbpf has it.
const NAME: &str = ".jumptables";
/// Bytes of `struct bpf_insn_array_value`.
const VALUE_SIZE: u32 = 16;

/// Makes the maps. The kernel keeps them for as long as it has the program.
pub(super) fn create(tables: &[JumpTable], authority: &Authority) -> Result<Vec<Map>> {
    let one = |table| create_one(table, authority).map_err(|e| e.context("making a jump table"));
    tables.iter().map(one).collect()
}

fn create_one(table: &JumpTable, authority: &Authority) -> Result<Map> {
    let spec = MapSpec {
        name: NAME.into(),
        map_type: MapType::INSN_ARRAY,
        key_size: 4,
        value_size: VALUE_SIZE,
        max_entries: u32::try_from(table.targets.len()).unwrap_or(u32::MAX),
        ..MapSpec::default()
    };
    let map = authority.call(|token| {
        let options = CreateOptions {
            token,
            ..CreateOptions::default()
        };
        Map::create(NAME, &spec, options)
    })?;
    let places = InsnArray::new(map.clone())?;
    for (index, slot) in (0..).zip(&table.targets) {
        places.set(index, *slot)?;
    }
    map.freeze()?;
    Ok(map)
}
