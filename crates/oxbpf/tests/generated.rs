//! What generated modules offer beyond maps, programs and variables: events, settings of the kernel,
//! structures for it, arenas, and all links at once.

#[macro_use]
mod common;

use std::time::Duration;

use oxbpf::map::{CreateOptions, HashMap};
use oxbpf::object::{MapSpec, MapType};
use oxbpf::program::{Program, TestRun};
use oxbpf::{ErrorKind, Loadable, Loader};

fn run(program: &Program) {
    let run = TestRun {
        data: &[0; 14],
        ..TestRun::default()
    };
    program.test_run(run).unwrap();
}

#[test]
fn settings_of_the_spec_come_before_those_of_the_kernel() {
    let mut spec = fixtures::kconfig::Spec::embedded().unwrap();
    assert_eq!(spec.kconfig.CONFIG_SHORT, None);
    spec.kconfig.CONFIG_SHORT = Some(-7);
    spec.kconfig.CONFIG_TEXT = Some("mine".try_into().unwrap());
    // Nobody's programs load without these.
    let config = "CONFIG_BOOL=y\nCONFIG_CHAR=m\nCONFIG_TRISTATE=m\nCONFIG_INT=5\nCONFIG_LONG=6\n\
                  CONFIG_SHORT=8\nCONFIG_TEXT=\"other\"\n";
    let objects = Loader::new().kconfig(config).load(spec).unwrap();
    run(&objects.programs.read_values);
    let answers = objects.bss.answers().load().unwrap();
    assert_eq!((answers.a_short, answers.a_int), (-7, 5));
    assert_eq!(answers.text, "mine");
    // Programs and their users see the same.
    assert_eq!(objects.kconfig.CONFIG_SHORT().load().unwrap(), -7);
    assert_eq!(objects.kconfig.CONFIG_LONG().load().unwrap(), 6);
    let error = objects.kconfig.CONFIG_SHORT().store(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly);
}

#[test]
fn events_have_their_type() {
    let objects = match Loader::new().load(fixtures::events::Spec::embedded().unwrap()) {
        Ok(objects) => objects,
        Err(error) => {
            require!(
                error.kind() != ErrorKind::Unsupported,
                "this kernel has no ring buffers"
            );
            panic!("{error}");
        }
    };
    let mut events = objects.maps.events.reader().unwrap();
    let mut samples = objects.maps.samples.reader().unwrap();
    assert!(events.next().unwrap().is_none());
    for number in 0..3 {
        objects.bss.number().store(number).unwrap();
        run(&objects.programs.send);
    }
    assert!(events.wait(Some(Duration::ZERO)).unwrap());
    let first = events.next().unwrap().unwrap();
    assert_eq!(
        (first.number, first.name.to_string_lossy()),
        (0, "event".into())
    );
    let rest: Vec<_> = events
        .events(Some(Duration::ZERO))
        .map(|event| event.unwrap().number)
        .collect();
    assert_eq!(rest, [1, 2]);

    let mut numbers = Vec::new();
    let count = samples.for_each(10, |sample| numbers.push(sample.number));
    assert_eq!(count.unwrap(), 3);
    assert_eq!(numbers, [0, 1, 2]);

    // Another type than the source says, and what is not an event.
    run(&objects.programs.send_other);
    let error = events.next().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongSize);
    assert!(error.to_string().contains("it has 4 bytes"), "{error}");
    assert!(events.next().unwrap().is_none());
}

#[test]
fn structures_have_values_and_functions() {
    let mut spec = fixtures::struct_ops::Spec::embedded().unwrap();
    assert_eq!(spec.struct_ops.linked.name, "oxbpf_linked");
    assert_eq!(spec.struct_ops.linked.init.as_deref(), Some("count_init"));
    assert_eq!(spec.struct_ops.incomplete.init, None);

    spec.struct_ops.linked.name = "oxbpf_renamed".try_into().unwrap();
    spec.struct_ops.linked.init = Some("count_other_init".into());
    spec.struct_ops.linked.release = None;
    let mut wrong = spec.clone();
    let spec = spec.into_spec().unwrap();
    let map = spec.map("linked").unwrap();
    assert!(
        map.data
            .as_ref()
            .unwrap()
            .contents
            .starts_with(b"oxbpf_renamed\0")
    );
    let names: Vec<_> = map
        .values
        .iter()
        .map(|(_, of)| match of {
            oxbpf::object::spec::SlotRef::Program(at) => spec.programs()[*at].name.as_str(),
            _ => "?",
        })
        .collect();
    assert_eq!(
        names,
        ["ssthresh", "cong_avoid", "undo_cwnd", "count_other_init"]
    );

    wrong.struct_ops.linked.init = Some("count_inti".into());
    let error = wrong.into_spec().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.to_string().contains("no program `count_inti`"),
        "{error}"
    );
    assert!(error.to_string().contains("count_init"), "{error}");
}

#[test]
fn a_structure_that_was_changed_is_the_one_the_kernel_uses() {
    let name = format!("oxgen{}", std::process::id());
    let mut spec = fixtures::struct_ops::Spec::embedded().unwrap();
    spec.struct_ops.linked.name = name.as_str().try_into().unwrap();
    let objects = match Loader::new().load(spec) {
        Ok(objects) => objects,
        Err(error) => {
            require!(
                error.kind() != ErrorKind::Unsupported,
                "this kernel has no links for structures"
            );
            panic!("{error}");
        }
    };
    assert!(objects.maps.successor.is_none());
    assert!(objects.programs.count_init.is_some());
    assert!(objects.programs.count_other_init.is_none());
    let links = objects.attach_all().unwrap();
    assert!(links.linked.is_some() && links.successor.is_none());
    let known = || {
        std::fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control")
            .unwrap()
            .split_whitespace()
            .any(|known| known == name)
    };
    assert!(known());
    links.detach().unwrap();
    assert!(!known());
}

#[test]
fn an_arena_has_typed_variables_too() {
    let mut spec = fixtures::arena::Spec::embedded().unwrap();
    assert_eq!(spec.arena.counter, 41);
    assert_eq!(spec.arena.numbers, [1, 2, 3, 4]);
    spec.arena.counter = 99;
    let objects = match Loader::new().load(spec) {
        Ok(objects) => objects,
        Err(error) => {
            require!(
                error.kind() != ErrorKind::Unsupported,
                "this kernel has no arenas"
            );
            panic!("{error}");
        }
    };
    objects.programs.count.test_run(TestRun::default()).unwrap();
    assert_eq!(objects.arena.counter().load().unwrap(), 100);
    assert_eq!(objects.arena.numbers().load().unwrap(), [1, 2, 13, 4]);
}

#[test]
fn all_programs_that_say_where_have_a_link() {
    let objects = Loader::new()
        .load(fixtures::events::Spec::embedded().unwrap())
        .unwrap();
    let links = objects.attach_all().unwrap();
    assert!(links.on_exit.is_some());
    assert!(links.send.is_none() && links.send_other.is_none());
    assert!(links.on_demand.is_none());
    let before = objects.bss.exits().load().unwrap();
    std::thread::spawn(|| ()).join().unwrap();
    let exits = || objects.bss.exits().load().unwrap();
    for _ in 0..100 {
        if exits() > before {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(exits() > before);
    links.detach().unwrap();
}

#[test]
fn maps_in_maps_have_their_types_too() {
    let objects = Loader::new()
        .load(fixtures::kinds::Spec::embedded().unwrap())
        .unwrap();
    let spec = MapSpec {
        name: "inner".into(),
        map_type: MapType::HASH,
        key_size: 4,
        value_size: 8,
        max_entries: 8,
        ..MapSpec::default()
    };
    let inner = oxbpf::Map::create("inner", &spec, CreateOptions::default()).unwrap();
    let inner: HashMap<u32, u64> = inner.typed().unwrap();
    inner.set(&7, &8).unwrap();
    objects.maps.by_slot.set(1, &inner).unwrap();
    objects.maps.by_user.set(&1000, &inner).unwrap();
    let again = objects.maps.by_slot.get(1).unwrap().unwrap();
    assert_eq!(again.get(&7).unwrap(), Some(8));
    let again = objects.maps.by_user.get(&1000).unwrap().unwrap();
    assert_eq!(again.get(&7).unwrap(), Some(8));
    assert!(objects.maps.by_slot.get(0).unwrap().is_none());
}
