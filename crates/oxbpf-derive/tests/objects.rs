//! Hand-written structs, filled from objects by the kernel.

use oxbpf::map::{Array, HashMap, Map};
use oxbpf::object::CollectionSpec;
use oxbpf::program::{KprobeKind, SocketFilterKind, TestRun, Typed};
use oxbpf::{ErrorKind, Global, Loadable, Loader, Objects, Program, RingBuffer};

fn events() -> CollectionSpec {
    let spec = fixtures::events::Spec::embedded().unwrap();
    spec.into_spec().unwrap()
}

/// Loads, unless that takes more rights than there are.
macro_rules! load {
    ($spec:expr) => {
        match Loader::new().load($spec) {
            Ok(objects) => objects,
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                println!("SKIP: not root");
                return;
            }
            Err(error) => panic!("{error}"),
        }
    };
}

#[derive(Objects)]
struct Sender {
    #[bpf(name = "send")]
    program: Typed<SocketFilterKind>,
    events: RingBuffer,
    number: Global<u64>,
    nobody_has_this: Option<Map>,
    #[bpf(name = "on_demand")]
    also: Option<Program>,
    #[bpf(skip)]
    sent: u32,
}

#[test]
fn fields_are_filled_by_name() {
    let mut sender = load!(Sender::of(events()));
    assert!(sender.nobody_has_this.is_none() && sender.sent == 0);
    // Naming a program is asking for it, `?` or not.
    assert_eq!(sender.also.unwrap().name(), "on_demand");
    sender.number.store(42).unwrap();
    let run = TestRun {
        data: &[0; 14],
        ..TestRun::default()
    };
    sender.program.test_run(run).unwrap();
    let record = sender.events.next().unwrap().unwrap();
    assert_eq!(record.bytes()[..8], 42_u64.to_ne_bytes());
}

#[test]
fn what_is_not_named_and_not_needed_is_not_loaded() {
    let spec = Sender::of(events()).into_spec().unwrap();
    let loaded: Vec<_> = spec.programs().iter().filter(|p| p.autoload).collect();
    let names: Vec<_> = loaded.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["send", "on_demand"]);
    let created = |name: &str| spec.map(name).unwrap().autocreate;
    // `send` writes to it, though no field is for it.
    assert!(created("events") && created("samples") && created(".bss"));

    #[derive(Objects)]
    struct Other {
        #[allow(dead_code)]
        send_other: Program,
    }
    let spec = Other::of(events()).into_spec().unwrap();
    let created = |name: &str| spec.map(name).unwrap().autocreate;
    assert!(created("events") && !created("samples") && !created(".bss"));
    let other = load!(Other::of(events()));
    assert_eq!(other.send_other.name(), "send_other");
}

#[derive(Objects)]
struct Maps {
    #[bpf(name = "first")]
    numbers: Array<u64>,
    conns: HashMap<fixtures::maps::types::Conn, u64>,
}

#[derive(Objects)]
struct Nested {
    #[bpf(flatten)]
    maps: Maps,
}

#[test]
fn a_struct_can_take_in_another() {
    let spec = fixtures::maps::Spec::embedded().unwrap();
    let spec = spec.into_spec().unwrap();
    let nested = load!(Nested::of(spec));
    nested.maps.numbers.set(0, &7).unwrap();
    assert_eq!(nested.maps.numbers.get(0).unwrap(), 7);
    nested.maps.conns.set(&Default::default(), &2).unwrap();
}

#[test]
fn what_the_object_has_not_is_said_before_anything_is_loaded() {
    #[derive(Objects)]
    struct Misspelt {
        #[allow(dead_code)]
        sned: Program,
    }
    let error = Misspelt::of(events()).into_spec().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let text = error.to_string();
    assert!(text.contains("program `sned`"), "{text}");
    assert!(text.contains("did you mean `send`"), "{text}");
}

#[test]
fn a_program_of_another_kind_is_an_error() {
    #[derive(Objects)]
    #[allow(dead_code)]
    struct Wrong {
        send: Typed<KprobeKind>,
    }
    match Loader::new().load(Wrong::of(events())) {
        Ok(_) => panic!("a socket filter is no kprobe"),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => println!("SKIP: not root"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::WrongKind, "{error}"),
    }
}
