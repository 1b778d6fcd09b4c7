//! Objects from clang in a real kernel.

#[macro_use]
mod common;

use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;

use oxbpf::map::{Array, HashMap, PerCpuArray, PerCpuHashMap};
use oxbpf::object::asm;
use oxbpf::object::btf::{BtfBuilder, Member};
use oxbpf::object::spec::Pinning;
use oxbpf::object::{CollectionSpec, Endian, MapType};
use oxbpf::program::{Program, TestRun};
use oxbpf::{Collection, ErrorKind, Loadable, Loader};

/// The least that a socket filter is run on: an Ethernet header.
const PACKET: [u8; 14] = [0; 14];

fn run(program: &Program) -> u32 {
    let run = TestRun {
        data: &PACKET,
        ..TestRun::default()
    };
    program.test_run(run).unwrap().return_value
}

/// The spec of a fixture, without its types in Rust.
fn spec_of(spec: impl Loadable) -> CollectionSpec {
    spec.into_spec().unwrap()
}

fn globals() -> CollectionSpec {
    spec_of(fixtures::globals::Spec::embedded().unwrap())
}

fn maps() -> CollectionSpec {
    spec_of(fixtures::maps::Spec::embedded().unwrap())
}

fn core() -> CollectionSpec {
    spec_of(fixtures::core::Spec::embedded().unwrap())
}

fn set(spec: &mut CollectionSpec, variable: &str, value: u32) {
    spec.variable_bytes_mut(variable)
        .unwrap()
        .copy_from_slice(&value.to_ne_bytes());
}

#[test]
fn constants_are_set_before_and_variables_live_after() {
    let mut spec = globals();
    set(&mut spec, "step", 5);
    let collection = Loader::new().load(spec).unwrap();
    let count = collection.program("count").unwrap();
    let counter = collection.variable::<u64>("counter").unwrap();
    assert_eq!(counter.load().unwrap(), 100);
    // Of `.data.config`: 7, and 9 from the static one beside it.
    assert_eq!(run(&count), 16);
    assert_eq!(counter.load().unwrap(), 105);
    counter.store(1000).unwrap();
    run(&count);
    assert_eq!(counter.load().unwrap(), 1005);
    counter.atomic().unwrap().fetch_add(1, Ordering::Relaxed);
    run(&count);
    assert_eq!(counter.load().unwrap(), 1011);
    assert_eq!(
        collection.variable::<u64>("runs").unwrap().load().unwrap(),
        3
    );
    assert_eq!(
        collection
            .variable::<[u32; 3]>("array")
            .unwrap()
            .load()
            .unwrap(),
        [1, 5, 3]
    );
    let limit = collection.global::<u32>(".data.config", "limit").unwrap();
    limit.store(1).unwrap();
    assert_eq!(run(&count), 10);
}

#[test]
fn constants_are_frozen() {
    let collection = Loader::new().load(globals()).unwrap();
    let step = collection.variable::<u32>("step").unwrap();
    assert_eq!(step.load().unwrap(), 1);
    assert_eq!(step.store(2).unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(step.atomic().unwrap_err().kind(), ErrorKind::ReadOnly);
    let map = collection.map(".rodata").unwrap();
    let value = vec![0; map.value_size() as usize];
    let error = map.set(&[0; 4], &value, Default::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
}

/// So that tools find notes in them, as those of libbpf's objects.
#[test]
fn constants_stay_with_programs_that_do_not_use_them() {
    let mut spec = globals();
    let function = spec.program("count").unwrap().function;
    let function = &mut spec.functions_mut()[function];
    function.insns = asm::program([asm::mov(asm::Reg::R0, 0), asm::exit()]);
    function.relocs.clear();
    function.line_info.clear();
    let collection = Loader::new().load(spec).unwrap();
    let ids = collection.program("count").unwrap().map_ids().unwrap();
    let id = |name: &str| collection.map(name).unwrap().info().unwrap().id;
    assert!(ids.contains(&id(".rodata")), "{ids:?}");
    assert!(!ids.contains(&id(".data")), "{ids:?}");
}

#[test]
fn a_variable_of_another_size_is_refused_with_both_sizes() {
    let collection = Loader::new().load(globals()).unwrap();
    let error = collection.variable::<u64>("step").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongSize);
    assert!(
        error.to_string().contains("it has 4 bytes, `u64` has 8"),
        "{error}"
    );
}

#[test]
fn what_is_not_there_is_named_with_what_is_near() {
    let collection = Loader::new().load(globals()).unwrap();
    for error in [
        collection.variable::<u64>("countr").map(drop).unwrap_err(),
        collection.program("coun").map(drop).unwrap_err(),
        collection.map(".rodat").map(drop).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("did you mean"), "{error}");
    }
}

#[test]
fn machine_dependent_sizes_are_filled_in() {
    let collection = Loader::new().load(maps()).unwrap();
    let entries = |name| collection.map(name).unwrap().max_entries();
    let page = rustix::param::page_size() as u32;
    assert_eq!(
        entries("events"),
        5000u32.div_ceil(page).next_power_of_two() * page
    );
    let cpus = oxbpf::map::possible_cpus().unwrap().len();
    assert_eq!(entries("samples") as usize, cpus);
    assert_eq!(entries("conns"), 16);
}

#[test]
fn inner_maps_and_tail_calls_are_in_place() {
    let collection = Loader::new().load(maps()).unwrap();
    assert_eq!(
        run(&collection.program("enter").unwrap()),
        77,
        "the tail call was not taken"
    );
    let hits: PerCpuArray<u64> = collection.map("hits").unwrap().typed().unwrap();
    assert_eq!(hits.get(0).unwrap().values().sum::<u64>(), 1);
    let second: Array<u64> = collection.map("second").unwrap().typed().unwrap();
    assert_eq!(second.get(0).unwrap(), 3);
    let conns: HashMap<[u8; 8], u64> = collection.map("conns").unwrap().typed().unwrap();
    let values: Vec<_> = conns.iter().map(|entry| entry.unwrap().1).collect();
    assert_eq!(values, [5]);
}

#[test]
fn a_type_of_another_size_is_refused_with_both_sizes() {
    let collection = Loader::new().load(maps()).unwrap();
    let conns = collection.map("conns").unwrap();
    let error = conns.typed::<HashMap<u32, u64>>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongSize);
    assert!(
        error.to_string().contains('8') && error.to_string().contains('4'),
        "{error}"
    );
    let error = conns.typed::<PerCpuHashMap<u64, u64>>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongKind);
}

#[test]
fn optional_programs_stay_out_until_asked_for() {
    let collection = Loader::new().load(maps()).unwrap();
    assert!(!collection.has_program("unused"));
    let mut spec = maps();
    spec.program_mut("unused").unwrap().autoload = true;
    let collection = Loader::new().load(spec).unwrap();
    assert!(collection.has_program("unused"));
}

#[test]
fn a_map_in_a_map_may_have_locks() {
    let spec = spec_of(fixtures::nested::Spec::embedded().unwrap());
    let collection = match Loader::new().load(spec) {
        Ok(collection) => collection,
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            skip!("this kernel has no locks in maps of maps")
        }
        Err(error) => panic!("{error:?}"),
    };
    let count = || {
        let packet = TestRun {
            data: &[0; 64],
            ..TestRun::default()
        };
        let ran = collection.program("count").unwrap().test_run(packet);
        ran.unwrap().return_value
    };
    assert_eq!([count(), count()], [1, 2]);
}

/// Linux 6.8 reads the note on the argument. For kernels before it the function is declared anew.
#[test]
fn a_global_function_takes_the_context_of_its_program() {
    let spec = spec_of(fixtures::contexts::Spec::embedded().unwrap());
    let collection = Loader::new().load(spec).unwrap();
    let packet = TestRun {
        data: &[0; 64],
        ..TestRun::default()
    };
    let ran = collection.program("weighed").unwrap().test_run(packet);
    assert_eq!(ran.unwrap().return_value, 1064);
}

#[test]
fn fields_are_found_where_this_kernel_has_them() {
    let collection = Loader::new().load(core()).unwrap();
    let wanted = collection.variable::<u32>("wanted_tgid").unwrap();
    wanted.store(std::process::id()).unwrap();
    let link = collection.program("read_task").unwrap().attach().unwrap();
    rustix::thread::sched_yield();
    link.detach().unwrap();
    // pid, tgid, size of comm, has pid, has no_such_field, has no_such_struct, BPF_MAP_TYPE_ARRAY, tgid
    let answers = collection
        .variable::<[u32; 8]>("answers")
        .unwrap()
        .load()
        .unwrap();
    let [
        pid,
        tgid,
        comm,
        has_pid,
        has_no_field,
        has_no_struct,
        array,
        flavoured,
    ] = answers;
    assert_eq!(tgid, std::process::id());
    assert_eq!(flavoured, tgid);
    assert!(pid != 0);
    assert_eq!((comm, has_pid, has_no_field, has_no_struct), (16, 1, 0, 0));
    assert_eq!(array, MapType::ARRAY.0);
}

#[test]
fn a_field_that_is_not_there_is_named_with_its_line() {
    let mut spec = core();
    spec.program_mut("read_missing").unwrap().autoload = true;
    let error = Loader::new().load(spec).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    let text = error.to_string();
    for part in [
        "`read_missing`",
        "field `no_such_field` of `struct task_struct` does not exist on this kernel",
        "core.bpf.c:",
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

#[test]
fn the_first_refused_program_is_the_one_reported() {
    for threads in [1, 2, 4] {
        let mut spec = maps();
        for name in ["enter", "unused"] {
            let function = spec.program(name).unwrap().function;
            // Leaves r0 unset.
            spec.functions_mut()[function].insns = asm::program([asm::exit()]);
            spec.functions_mut()[function].relocs.clear();
            spec.functions_mut()[function].line_info.clear();
            spec.program_mut(name).unwrap().autoload = true;
        }
        let loader = Loader::new().threads(NonZeroUsize::new(threads).unwrap());
        let error = loader.load(spec).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected);
        assert!(error.to_string().contains("`enter`"), "{error}");
        assert!(error.verifier().unwrap().log().contains("R0"), "{error:?}");
    }
}

#[test]
fn a_refused_load_leaves_nothing_open() {
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    // Whatever stays open for the life of the process is opened by then.
    let load = || {
        let mut spec = core();
        spec.program_mut("read_missing").unwrap().autoload = true;
        Loader::new().load(spec).map(drop).unwrap_err()
    };
    load();
    let before = open();
    load();
    // Other tests of this process open and close descriptors at the same time.
    let leaked = || open() > before;
    for _ in 0..200 {
        if !leaked() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{} descriptors are open, {before} were", open());
}

#[test]
fn maps_are_replaced_after_a_check() {
    let first = Loader::new().load(maps()).unwrap();
    let conns = first.map("conns").unwrap();
    let second = Loader::new()
        .replace_map("conns", &conns)
        .load(maps())
        .unwrap();
    run(&second.program("enter").unwrap());
    let seen: HashMap<[u8; 8], u64> = conns.typed().unwrap();
    assert_eq!(
        seen.iter().count(),
        1,
        "the program does not use the map it was given"
    );

    let hits = first.map("hits").unwrap();
    let error = Loader::new()
        .replace_map("conns", &hits)
        .load(maps())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongKind);
    let text = error.to_string();
    for difference in [
        "percpu_array instead of hash",
        "key size 4 instead of 8",
        "max entries 2 instead of 16",
    ] {
        assert!(text.contains(difference), "{difference} is not in: {text}");
    }
}

#[test]
fn pinned_maps_are_shared_by_name() {
    let root = common::own_bpffs();
    let load = |entries| -> oxbpf::Result<Collection> {
        let mut spec = maps();
        let conns = spec.map_mut("conns").unwrap();
        conns.pinning = Pinning::ByName;
        conns.max_entries = entries;
        Loader::new().pin_root(&root).load(spec)
    };
    let first = load(16).unwrap();
    run(&first.program("enter").unwrap());
    drop(first);
    let second = load(16).unwrap();
    let conns: HashMap<[u8; 8], u64> = second.map("conns").unwrap().typed().unwrap();
    assert_eq!(conns.iter().count(), 1, "the entry is gone");
    let error = load(32).unwrap_err();
    assert!(
        error.to_string().contains("max entries 16 instead of 32"),
        "{error}"
    );
    second
        .map("conns")
        .unwrap()
        .unpin(root.join("conns"))
        .unwrap();
}

#[test]
fn a_foreign_object_is_refused_in_one_sentence() {
    let mut spec = globals();
    spec.endian = match Endian::NATIVE {
        Endian::Little => Endian::Big,
        Endian::Big => Endian::Little,
    };
    let error = Loader::new().load(spec).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidObject);
    assert!(
        error
            .to_string()
            .contains("-endian; compile it with -target bpf"),
        "{error}"
    );
}

#[test]
fn a_program_without_a_kind_says_what_to_do() {
    let mut spec = globals();
    let program = spec.program_mut("count").unwrap();
    (program.section, program.prog_type) = ("loadbalancer".into(), None);
    let error = Loader::new().load(spec).unwrap_err();
    assert!(error.to_string().contains("set its `prog_type`"), "{error}");
}

/// The article's program: `SEC("kprobe/sys_execve")`, a map defined by a structure of numbers.
#[test]
fn the_kprobe_of_the_article_counts() {
    const CALLS: u64 = 25;
    let objects = Loader::new()
        .load(fixtures::kprobe::Spec::embedded().unwrap())
        .unwrap();
    let link = match objects.programs.kprobe_execve.attach() {
        Ok(link) => link,
        Err(e) if e.to_string().contains("this kernel has no kprobes") => {
            skip!("this kernel has no kprobes")
        }
        Err(e) => panic!("{e}"),
    };
    let counts: Array<u64> = objects.maps.kprobe_map.typed().unwrap();
    let before = counts.get(0).unwrap();
    for _ in 0..CALLS {
        let this = std::env::current_exe().unwrap();
        let status = std::process::Command::new(this)
            .arg("--list")
            .output()
            .unwrap()
            .status;
        assert!(status.success());
    }
    let counted = counts.get(0).unwrap() - before;
    assert!(counted >= CALLS, "{counted} of {CALLS}");
    link.detach().unwrap();
}

/// The arena's fixture, loaded, if this kernel has arenas.
fn arena(change: impl FnOnce(&mut CollectionSpec)) -> Option<oxbpf::Result<Collection>> {
    let mut spec = spec_of(fixtures::arena::Spec::embedded().unwrap());
    change(&mut spec);
    match Loader::new().load(spec) {
        Err(error) if error.kind() == ErrorKind::Unsupported => None,
        loaded => Some(loaded),
    }
}

macro_rules! arena {
    ($($change:expr)?) => {{
        #[allow(unused_variables)]
        let change = |spec: &mut CollectionSpec| {};
        $(let change = $change;)?
        match arena(change) {
            Some(loaded) => loaded,
            None => skip!("this kernel has no arenas"),
        }
    }};
}

#[test]
fn variables_in_an_arena_are_shared_both_ways() {
    let collection = arena!().unwrap();
    let count = collection.program("count").unwrap();
    let counter = collection.variable::<u64>("counter").unwrap();
    assert_eq!(counter.load().unwrap(), 41);
    let run = || count.test_run(TestRun::default()).unwrap().return_value;
    assert_eq!(run(), 4);
    assert_eq!(counter.load().unwrap(), 42);
    counter.store(99).unwrap();
    counter.atomic().unwrap().fetch_add(1, Ordering::Relaxed);
    run();
    assert_eq!(counter.load().unwrap(), 101);
    let numbers = collection.global::<[u32; 4]>(".addr_space.1", "numbers");
    assert_eq!(numbers.unwrap().load().unwrap(), [1, 2, 23, 4]);
}

#[test]
fn pointers_into_an_arena_are_addresses_here() {
    let collection = arena!().unwrap();
    let arena = collection.arena("arena").unwrap();
    assert_eq!(arena.len(), 100 * rustix::param::page_size());
    let run = TestRun::default();
    collection.program("count").unwrap().test_run(run).unwrap();
    let address = collection.variable::<u64>("where").unwrap().load().unwrap();
    drop(collection);
    let mut value = [0; 8];
    arena.read(address, &mut value).unwrap();
    assert_eq!(u64::from_ne_bytes(value), 42);
    let end = arena.address() + arena.len() as u64;
    arena.write(end - 8, &[1; 8]).unwrap();
    for (address, length) in [(end - 7, 8), (arena.address() - 1, 1), (0, 1)] {
        let error = arena.read(address, &mut vec![0; length]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn an_arena_is_where_the_object_wants_it() {
    const ADDRESS: u64 = 0x1234_0000_0000;
    let wish = |spec: &mut CollectionSpec| spec.map_mut("arena").unwrap().map_extra = ADDRESS;
    let collection = arena!(wish).unwrap();
    assert_eq!(collection.arena("arena").unwrap().address(), ADDRESS);
    let error = arena!(wish).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(error.to_string().contains("map_extra"), "{error}");
}

#[test]
fn an_arena_has_to_hold_its_variables() {
    let shrink = |spec: &mut CollectionSpec| {
        let arena = spec.map_mut("arena").unwrap();
        arena
            .data
            .as_mut()
            .unwrap()
            .contents
            .resize(101 * rustix::param::page_size(), 0);
    };
    let error = arena!(shrink).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidObject);
    assert!(
        error.to_string().contains("raise its `max_entries`"),
        "{error}"
    );
}

/// Two processes share it like this; here, one after the other.
#[test]
fn an_arena_is_taken_over_with_its_variables() {
    const ADDRESS: u64 = 0x2345_0000_0000;
    let root = common::own_bpffs();
    let load = |address: u64, pinned: bool| {
        arena(|spec| {
            let map = spec.map_mut("arena").unwrap();
            map.map_extra = address;
            if pinned {
                map.pinning = Pinning::ByName;
            }
        })
    };
    let run = |collection: &Collection| {
        let count = collection.program("count").unwrap();
        count.test_run(TestRun::default()).unwrap().return_value
    };
    for address in [ADDRESS, 0] {
        let first = match load(address, true) {
            Some(loaded) => loaded.unwrap(),
            None => skip!("this kernel has no arenas"),
        };
        run(&first);
        let map = first.map("arena").unwrap();
        drop(first);
        let second = load(address, true).unwrap().unwrap();
        assert_eq!(
            second.map("arena").unwrap().info().unwrap().id,
            map.info().unwrap().id
        );
        // Its variables are where they were: this is what they say after two runs.
        assert_eq!(run(&second), 4);
        match address {
            // Only the kernel knows where it was.
            0 => {
                let error = second.arena("arena").unwrap_err();
                assert_eq!(error.kind(), ErrorKind::NotFound);
            }
            address => {
                assert_eq!(second.arena("arena").unwrap().address(), address);
                let counter = second.variable::<u64>("counter").unwrap();
                assert_eq!(counter.load().unwrap(), 43);
            }
        }
        map.unpin(root.join("arena")).unwrap();
    }
}

/// As libbpf has it: BTF is for people, as long as no program depends on it.
#[test]
fn types_that_the_kernel_refuses_are_left_out() {
    let refused = |mut spec: CollectionSpec| {
        let mut types = BtfBuilder::copy_of(spec.btf.as_ref().unwrap()).unwrap();
        let int = types.add_signed("int", 4);
        let member = Member {
            name: "outside",
            ty: int,
            bit_offset: 64,
            bitfield_size: 0,
        };
        types.add_struct("too_small", 4, &[member]);
        spec.btf = Some(types.build().unwrap());
        spec
    };
    let collection = Loader::new().load(refused(globals())).unwrap();
    let count = collection.program("count").unwrap();
    assert_eq!(count.info().unwrap().btf_id, 0);
    run(&count);
    let runs = collection.variable::<u64>("runs").unwrap();
    assert_eq!(runs.load().unwrap(), 1);

    let loaded = Loader::new().keep_going(refused(globals())).unwrap();
    let why = loaded.refused_types.as_ref().unwrap().to_string();
    assert!(
        why.contains("too_small") || why.contains("outside"),
        "{why}"
    );
    assert!(!loaded.is_complete() && loaded.programs.iter().all(|r| r.is_loaded()));
    // What fails then may fail for want of types.
    let mut spec = refused(globals());
    let function = spec.program("count").unwrap().function;
    spec.functions_mut()[function].insns = asm::program([asm::exit()]);
    spec.functions_mut()[function].relocs.clear();
    let error = Loader::new().load(spec).unwrap_err();
    assert!(error.to_string().contains("without its types"), "{error}");

    // The kernel has to know the types of structures.
    let spec = refused(spec_of(fixtures::struct_ops::Spec::embedded().unwrap()));
    let error = Loader::new().load(spec).unwrap_err();
    assert!(error.to_string().contains("loading its types"), "{error}");
}
