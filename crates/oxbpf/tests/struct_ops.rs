//! Structures of functions that the kernel calls: congestion controls for TCP, used by a connection.

#[macro_use]
mod common;

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

use oxbpf::btf::KernelBtf;
use oxbpf::link::StructOps;
use oxbpf::object::CollectionSpec;
use oxbpf::object::btf::Kind;
use oxbpf::{Collection, Error, ErrorKind, Loadable, Loader, Result};
use rustix::io::Errno;
use rustix::net::sockopt::set_tcp_congestion;
use rustix::net::{AddressFamily, SocketType, connect, socket};

/// A spec in which only some structures are created, all under a name that nobody else has.
fn spec_with(maps: &[&str]) -> (CollectionSpec, String) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("ox{}_{number}", std::process::id());
    let mut spec = fixtures::struct_ops::Spec::embedded()
        .unwrap()
        .into_spec()
        .unwrap();
    for map in spec
        .maps_mut()
        .iter_mut()
        .filter(|map| map.section.contains("struct_ops"))
    {
        map.autocreate = maps.contains(&map.name.as_str());
        // The first member.
        let place = &mut map.data.as_mut().unwrap().contents[..16];
        place.fill(0);
        place[..name.len()].copy_from_slice(name.as_bytes());
    }
    (spec, name)
}

/// Makes a connection that uses a congestion control.
fn use_it(name: &str) -> rustix::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let client = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    set_tcp_congestion(&client, name)?;
    connect(&client, &address).unwrap();
    Ok(())
}

fn count(collection: &Collection, variable: &str) -> u64 {
    collection
        .variable::<u64>(variable)
        .unwrap()
        .load()
        .unwrap()
}

fn load(spec: CollectionSpec) -> Result<Collection> {
    Loader::new().load(spec)
}

/// Why a test that takes links has to be skipped, if it has.
fn lacks_links(error: &Error) -> bool {
    error.kind() == ErrorKind::Unsupported && error.to_string().contains("with links")
}

/// How many descriptors this process has of what tests of structures open.
fn open_bpf() -> usize {
    let entries = fs::read_dir("/proc/self/fd").unwrap();
    let targets = entries.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    targets
        .filter(|target| target.to_string_lossy().contains("bpf"))
        .count()
}

macro_rules! load_linked {
    ($spec:expr) => {
        match load($spec) {
            Ok(collection) => collection,
            Err(error) => {
                require!(
                    !lacks_links(&error),
                    "this kernel has no links for structures"
                );
                panic!("{error}");
            }
        }
    };
}

#[test]
fn a_linked_structure_is_used_until_its_link_is_dropped() {
    let before = open_bpf();
    let (spec, name) = spec_with(&["linked"]);
    let collection = load_linked!(spec);
    let linked: StructOps = collection.struct_ops("linked").unwrap();
    assert_eq!(use_it(&name), Err(Errno::NOENT));
    let link = linked.attach().unwrap();
    assert_eq!(link.survives_process(), None);
    use_it(&name).unwrap();
    assert_eq!(count(&collection, "inits"), 1);
    assert_eq!(count(&collection, "releases"), 1);
    drop(link);
    assert_eq!(use_it(&name), Err(Errno::NOENT));
    // Its value is set already; it is attached again all the same.
    let link = linked.attach().unwrap();
    use_it(&name).unwrap();
    link.detach().unwrap();
    assert_eq!(use_it(&name), Err(Errno::NOENT));
    drop((linked, collection));
    assert_eq!(open_bpf(), before);
}

#[test]
fn a_registered_structure_is_used_until_it_is_taken_back() {
    let before = open_bpf();
    let (spec, name) = spec_with(&["registered"]);
    let collection = load(spec).unwrap();
    let registered = collection.struct_ops("registered").unwrap();
    assert!(!registered.has_links());
    let link = registered.attach().unwrap();
    use_it(&name).unwrap();
    assert_eq!(count(&collection, "inits"), 1);
    let survives = link.survives_process().unwrap();
    assert!(survives.contains("struct_ops `registered`"), "{survives}");
    assert_eq!(link.info().unwrap_err().kind(), ErrorKind::Unsupported);
    link.detach().unwrap();
    assert_eq!(use_it(&name), Err(Errno::NOENT));

    let error = registered.attach().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(
        error.to_string().contains("load the object again"),
        "{error}"
    );
    drop((registered, collection));
    assert_eq!(open_bpf(), before);
}

#[test]
fn a_dropped_registration_is_taken_back() {
    let (spec, name) = spec_with(&["registered"]);
    let collection = load(spec).unwrap();
    let link = collection
        .struct_ops("registered")
        .unwrap()
        .attach()
        .unwrap();
    drop(collection);
    use_it(&name).unwrap();
    drop(link);
    assert_eq!(use_it(&name), Err(Errno::NOENT));
}

#[test]
fn one_structure_takes_the_place_of_another() {
    let (spec, name) = spec_with(&["linked", "successor"]);
    let collection = load_linked!(spec);
    let mut link = collection.struct_ops("linked").unwrap().attach().unwrap();
    use_it(&name).unwrap();
    let successor = collection.struct_ops("successor").unwrap();
    let error = successor.attach().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    successor.replace(&mut link).unwrap();
    use_it(&name).unwrap();
    assert_eq!(count(&collection, "inits"), 1);
    assert_eq!(count(&collection, "others"), 1);
}

#[test]
fn what_the_kernel_does_not_accept_is_said() {
    let (spec, _) = spec_with(&["incomplete"]);
    let collection = load_linked!(spec);
    let incomplete = collection.struct_ops("incomplete").unwrap();
    let error = incomplete.attach().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(
        error.to_string().contains("struct_ops `incomplete`"),
        "{error}"
    );
}

#[test]
fn only_programs_of_created_structures_are_loaded() {
    let (spec, _) = spec_with(&["registered"]);
    let collection = load(spec).unwrap();
    for (name, is_loaded) in [
        ("count_init", true),
        ("cong_avoid", true),
        ("count_other_init", false),
        ("future_function", false),
    ] {
        assert_eq!(collection.has_program(name), is_loaded, "{name}");
    }
    assert!(!collection.has_map("linked"));
    assert!(collection.struct_ops("linked").is_err());
    let programs = collection.struct_ops("registered").unwrap();
    assert_eq!(programs.programs().len(), 5);
}

#[test]
fn what_only_a_future_kernel_has_may_be_there_but_not_be_asked_for() {
    let (spec, name) = spec_with(&["future"]);
    let collection = load_linked!(spec);
    assert!(!collection.has_program("future_function"));
    let _link = collection.struct_ops("future").unwrap().attach().unwrap();
    use_it(&name).unwrap();

    let (spec, _) = spec_with(&["demanding"]);
    let error = load(spec).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    for part in ["`demanding`", "no member `no_such_value`"] {
        assert!(
            error.to_string().contains(part),
            "{part} is not in: {error}"
        );
    }
}

#[test]
fn programs_are_swapped_before_the_load() {
    let (mut spec, name) = spec_with(&["registered"]);
    let init = |spec: &mut CollectionSpec, program| {
        spec.set_struct_ops_program("registered", "init", program)
    };
    init(&mut spec, Some("count_other_init")).unwrap();
    let collection = load(spec).unwrap();
    assert!(!collection.has_program("count_init"));
    let _link = collection
        .struct_ops("registered")
        .unwrap()
        .attach()
        .unwrap();
    use_it(&name).unwrap();
    assert_eq!(count(&collection, "others"), 1);
    assert_eq!(count(&collection, "inits"), 0);
}

#[test]
fn members_are_set_by_name() {
    const NON_RESTRICTED: u32 = 1;
    let (mut spec, name) = spec_with(&["registered"]);
    let none = spec.set_struct_ops_program("registered", "init", None);
    none.unwrap();
    let flags = spec.struct_ops_bytes_mut("registered", "flags").unwrap();
    flags.copy_from_slice(&NON_RESTRICTED.to_ne_bytes());
    for (result, problem) in [
        (
            spec.set_struct_ops_program("nowhere", "init", None),
            "structure `nowhere`: there is none",
        ),
        (
            spec.set_struct_ops_program("registered", "inits", None),
            "no member `inits`",
        ),
        (
            spec.set_struct_ops_program("registered", "init", Some("nobody")),
            "no program `nobody`",
        ),
        (
            spec.set_struct_ops_program("registered", "flags", None),
            "member `flags` is no function",
        ),
        (
            spec.struct_ops_bytes_mut("registered", "release").map(drop),
            "member `release` is a pointer",
        ),
    ] {
        let text = result.unwrap_err().to_string();
        assert!(text.contains(problem), "{text}");
    }
    let collection = load(spec).unwrap();
    assert!(!collection.has_program("count_init"));
    let structure = collection.struct_ops("registered").unwrap();
    let _link = structure.attach().unwrap();
    use_it(&name).unwrap();
    assert_eq!(count(&collection, "inits"), 0);
    assert_eq!(count(&collection, "releases"), 1);
    // So everybody may choose it.
    let allowed = fs::read_to_string("/proc/sys/net/ipv4/tcp_allowed_congestion_control").unwrap();
    assert!(
        allowed.split_whitespace().any(|one| one == name),
        "{allowed}"
    );
}

/// Where congestion controls are modules, the function is in one: it is called by its place in a list of modules.
#[test]
fn functions_of_modules_are_called() {
    let kernel = KernelBtf::running().unwrap();
    require!(
        kernel.types().find("bbr_init", Kind::FUNC).is_some()
            || fs::exists("/sys/kernel/btf/tcp_bbr").unwrap(),
        "this kernel has no types of bbr"
    );
    let (spec, name) = spec_with(&["borrower"]);
    let collection = match load(spec) {
        Err(error)
            if error
                .to_string()
                .contains("expected pointer to STRUCT sock") =>
        {
            skip!("this kernel takes no tcp_sock for a sock in the functions of modules")
        }
        loaded => loaded.unwrap(),
    };
    let _link = collection.struct_ops("borrower").unwrap().attach().unwrap();
    use_it(&name).unwrap();
    assert_eq!(count(&collection, "inits"), 1);
}

#[test]
fn one_program_is_one_function() {
    let (mut spec, _) = spec_with(&["registered"]);
    let values = &mut spec.map_mut("registered").unwrap().values;
    // `release` becomes what `init` is: another function of the same prototype.
    let (last, others) = values.split_last_mut().unwrap();
    last.1 = others.last().unwrap().1;
    let error = load(spec).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidObject);
    assert!(error.to_string().contains("another function"), "{error}");
}

#[test]
fn scheduler_is_in_charge_while_it_is_attached() {
    let spec = fixtures::scx::Spec::embedded()
        .unwrap()
        .into_spec()
        .unwrap();
    let running = KernelBtf::running().unwrap();
    let known = running
        .types()
        .find("bpf_struct_ops_sched_ext_ops", Kind::STRUCT);
    require!(known.is_some(), "this kernel has no schedulers of programs");
    let collection = Loader::new().load(spec).unwrap();
    let count = |name| collection.variable::<u64>(name).unwrap().load().unwrap();
    let attached = collection.attach_all().unwrap();
    assert_eq!(attached.links().len(), 1);
    let state = || fs::read_to_string("/sys/kernel/sched_ext/state").unwrap();
    assert_eq!(state().trim(), "enabled");
    assert_eq!(
        fs::read_to_string("/sys/kernel/sched_ext/root/ops")
            .unwrap()
            .trim(),
        "oxbpf"
    );
    assert_eq!((count("begun"), count("ended")), (1, 0));
    std::thread::spawn(std::thread::yield_now).join().unwrap();
    attached.detach().unwrap();
    let start = std::time::Instant::now();
    while state().trim() != "disabled" && start.elapsed().as_secs() < 20 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(state().trim(), "disabled");
    assert_eq!(count("ended"), 1);
}
