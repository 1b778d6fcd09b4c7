//! Programs that jump to places in a table. Linux 6.19.

#[macro_use]
mod common;

use oxbpf::map::{CreateOptions, Map};
use oxbpf::object::spec::{JumpTable, MapSpec, RelocTarget};
use oxbpf::object::{CollectionSpec, MapType};
use oxbpf::program::TestRun;
use oxbpf::{ErrorKind, Loader, Program};

fn object() -> CollectionSpec {
    CollectionSpec::parse(fixtures::object("jump_tables")).unwrap()
}

fn position(spec: &CollectionSpec, name: &str) -> usize {
    let mut programs = spec.programs().iter();
    programs.position(|program| program.name == name).unwrap()
}

/// What a program returns for a packet.
fn run(program: &Program, packet: &[u8]) -> u32 {
    let run = TestRun {
        data: packet,
        ..TestRun::default()
    };
    program.test_run(run).unwrap().return_value
}

#[test]
fn a_table_is_read_with_places_from_the_start_of_its_function() {
    let spec = object();
    let program = position(&spec, "jump");
    let assembled = spec.assemble(program).unwrap();
    let table = JumpTable {
        offset: 0,
        targets: vec![8, 10],
    };
    assert_eq!(assembled.jump_tables, [table]);
    let [reloc] = assembled.relocs[..] else {
        panic!("{:?}", assembled.relocs)
    };
    assert_eq!((reloc.insn, reloc.target), (3, RelocTarget::JumpTable(0)));
    assert!(spec.maps().is_empty(), "a table is made a map by the load");
}

#[test]
fn a_program_jumps_to_a_place_in_a_table() {
    let spec = MapSpec {
        map_type: MapType::INSN_ARRAY,
        key_size: 4,
        value_size: 16,
        max_entries: 1,
        ..MapSpec::default()
    };
    require!(
        Map::create("probe", &spec, CreateOptions::default()).is_ok(),
        "this kernel has no arrays of instruction positions"
    );
    let loaded = Loader::new().load(object()).unwrap();
    let program = loaded.program("jump").unwrap();
    assert_eq!(run(&program, &[0; 32]), 10);
    assert_eq!(run(&program, &[0; 48]), 11);
}

/// A function that is called jumps by a table of its own, whose places move along with it.
#[test]
fn functions_have_tables_of_their_own() {
    let mut spec = CollectionSpec::parse(fixtures::JUMP_TABLES).unwrap();
    spec.license = "GPL".into();
    let loaded = Loader::new().keep_going(spec).unwrap();
    // It is a matter of who jumps.
    let before = loaded.report("before").unwrap();
    let is_unknown = |error: &oxbpf::Error| error.kind() == ErrorKind::Unsupported;
    require!(
        !before.error().is_some_and(is_unknown),
        "this kernel has no programs that are called"
    );
    assert!(before.is_loaded(), "{:?}", before.error());
    let report = loaded.report("by_table").unwrap();
    if let Some(error) = report.error() {
        assert!(error.to_string().contains("making a jump table"), "{error}");
        skip!("this kernel has no arrays of instruction positions");
    }
    let run = |number: u64| {
        let run = TestRun {
            context: &number.to_ne_bytes(),
            ..TestRun::default()
        };
        let program = report.program().unwrap();
        program.test_run(run).unwrap().return_value
    };
    assert_eq!([0, 1, 2, 3, 4].map(run), [10, 11, 99, 21, 99]);
}
