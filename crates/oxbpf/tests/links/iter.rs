//! Iterators: reading runs the program, and gives what it writes.

use std::io::Read;
use std::os::fd::OwnedFd;

use oxbpf::link::{CgroupOrder, IterReader, LinkTarget};
use oxbpf::map::{SkStorage, SockMap};
use oxbpf::{Collection, ErrorKind, Iter, Link, Loadable, Loader};

use super::*;
use crate::common::own_bpffs;

/// Loads these programs of `iters.bpf.c`; `None` where the kernel has no such iterator.
fn load(name: &str) -> Option<Collection> {
    alone();
    let mut spec = fixtures::iters::Spec::embedded()
        .unwrap()
        .into_spec()
        .unwrap();
    spec.program_mut(name).unwrap().autoload = true;
    match Loader::new().load(spec) {
        Ok(collection) => Some(collection),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            assert!(error.to_string().contains("iterator"), "{error}");
            None
        }
        Err(error) => panic!("{error:?}"),
    }
}

fn numbers(mut reader: IterReader) -> Vec<u64> {
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

fn read(link: &Link) -> Vec<u64> {
    numbers(link.read_iter().unwrap())
}

fn tid() -> u64 {
    u64::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap()
}

#[test]
fn iterates_over_tasks() {
    let before = descriptors();
    let collection = load("each_task").unwrap();
    let link = collection.program("each_task").unwrap().attach().unwrap();
    assert_eq!(link.survives_process(), None);
    match link.info().unwrap().target {
        LinkTarget::Iter { target, .. } => assert_eq!(target, "task"),
        other => panic!("{other:?}"),
    }
    for _ in 0..2 {
        let tasks = read(&link);
        assert!(tasks.contains(&tid()) && tasks.len() > 1, "{tasks:?}");
    }
    // A pass goes on while its link is closed.
    let pass = link.read_iter().unwrap();
    link.detach().unwrap();
    assert!(numbers(pass).contains(&tid()));
    drop(collection);
    assert_eq!(descriptors(), before);
}

#[test]
fn sleepable_iterator_over_tasks() {
    let Some(collection) = load("each_task_sleepable") else {
        skip!("this kernel has no iterators that sleep");
    };
    let link = collection
        .program("each_task_sleepable")
        .unwrap()
        .attach()
        .unwrap();
    assert!(read(&link).contains(&tid()));
}

#[test]
fn iterator_over_one_task() {
    let collection = load("each_task").unwrap();
    let program = collection.program("each_task").unwrap();
    let link = match Iter::new().thread(tid() as u32).attach(&program) {
        Ok(link) => link,
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            skip!("this kernel has no iterators over one task")
        }
        Err(error) => panic!("{error:?}"),
    };
    assert_eq!(read(&link), [tid()]);
    let link = Iter::new()
        .process(std::process::id())
        .attach(&program)
        .unwrap();
    assert!(read(&link).contains(&tid()));
    let parent = rustix::process::getppid().unwrap().as_raw_nonzero().get();
    assert!(!read(&link).contains(&u64::try_from(parent).unwrap()));
    let maps = load("each_bpf_map")
        .unwrap()
        .program("each_bpf_map")
        .unwrap();
    let confined = Iter::new().thread(1).attach(&maps);
    assert_kind(confined, ErrorKind::InvalidInput, "cannot be confined");
    let this = rustix::process::getpid();
    let fd = rustix::process::pidfd_open(this, rustix::process::PidfdFlags::empty()).unwrap();
    let link = Iter::new().pid_fd(fd).attach(&program).unwrap();
    assert!(read(&link).contains(&tid()));
}

#[test]
fn iterator_over_the_elements_of_a_map() {
    let collection = load("each_element").unwrap();
    let program = collection.program("each_element").unwrap();
    assert_kind(program.attach(), ErrorKind::InvalidInput, "take a map");
    let map = collection.map("numbers").unwrap();
    let values: Array<u64> = map.typed().unwrap();
    for at in 0..3 {
        values.set(at, &(7 + u64::from(at))).unwrap();
    }
    let link = Iter::new().map(&map).attach(&program).unwrap();
    assert_eq!(read(&link), [7, 8, 9]);
    values.set(1, &70).unwrap();
    assert_eq!(read(&link), [7, 70, 9]);
    match link.info().unwrap().target {
        LinkTarget::Iter { map_id, .. } => assert_eq!(map_id, Some(map.info().unwrap().id)),
        other => panic!("{other:?}"),
    }
    let spec = MapSpec {
        map_type: MapType::QUEUE,
        key_size: 0,
        value_size: 8,
        max_entries: 1,
        ..MapSpec::default()
    };
    let queue = Map::create("queue", &spec, CreateOptions::default()).unwrap();
    assert_kind(
        Iter::new().map(&queue).attach(&program),
        ErrorKind::WrongKind,
        "queue",
    );
}

#[test]
fn iterators_over_the_sockets_of_maps() {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for name in ["each_with_socket", "each_socket"] {
        let Some(collection) = load(name) else {
            skip!("this kernel has no such iterator");
        };
        let program = collection.program(name).unwrap();
        let (map, found) = match name {
            "each_with_socket" => {
                let map = collection.map("with_sockets").unwrap();
                let stored: SkStorage<u64> = map.typed().unwrap();
                stored.set(&socket, &77).unwrap();
                (map, 77)
            }
            _ => {
                let map = collection.map("sockets").unwrap();
                let sockets: SockMap = map.typed().unwrap();
                sockets.set(3, &socket).unwrap();
                (map, 3)
            }
        };
        let link = Iter::new().map(&map).attach(&program).unwrap();
        assert_eq!(read(&link), [found], "{name}");
    }
}

#[test]
fn iterator_over_control_groups() {
    let Some(collection) = load("each_cgroup") else {
        skip!("this kernel has no iterator over control groups");
    };
    let program = collection.program("each_cgroup").unwrap();
    let Some(root) = cgroup_root() else {
        skip!("no control groups are mounted");
    };
    let group = root.join(format!("oxbpf-iter-{}", std::process::id()));
    fs::create_dir(&group).unwrap();
    let attach = |order| {
        let directory: OwnedFd = fs::File::open(&group).unwrap().into();
        Iter::new().cgroup(directory, order).attach(&program)
    };
    let alone = read(&attach(CgroupOrder::SelfOnly).unwrap());
    let up = read(&attach(CgroupOrder::AncestorsUp).unwrap());
    fs::remove_dir(&group).unwrap();
    assert_eq!(alone.len(), 1);
    assert_eq!(up.first(), alone.first());
    assert_eq!(up.last(), Some(&0));
    assert_kind(program.attach(), ErrorKind::InvalidInput, "an order");
}

macro_rules! counts_something {
    ($($test:ident: $program:ident, $wanted:expr;)*) => {$(
        #[test]
        fn $test() {
            let wanted: fn(&Collection, Vec<u64>) -> bool = $wanted;
            let Some(collection) = load(stringify!($program)) else {
                skip!("this kernel has no such iterator");
            };
            let _sockets = sockets();
            let program = collection.program(stringify!($program)).unwrap();
            let link = program.attach().unwrap();
            let found = read(&link);
            assert!(wanted(&collection, found));
        }
    )*};
}

fn sockets() -> impl Sized {
    (
        std::net::TcpListener::bind("127.0.0.1:0").unwrap(),
        std::net::UdpSocket::bind("127.0.0.1:0").unwrap(),
        std::os::unix::net::UnixDatagram::unbound().unwrap(),
        rustix::net::socket(
            rustix::net::AddressFamily::NETLINK,
            rustix::net::SocketType::RAW,
            None,
        )
        .unwrap(),
    )
}

counts_something! {
    iterates_over_files: each_task_file, |_, fds| fds.contains(&0) && fds.len() > 3;
    iterates_over_memory: each_task_vma, |_, starts| starts.len() > 3;
    iterates_over_maps: each_bpf_map, |collection, ids| {
        ids.contains(&u64::from(collection.map("numbers").unwrap().info().unwrap().id))
    };
    iterates_over_programs: each_bpf_prog, |collection, ids| {
        let program = collection.program("each_bpf_prog").unwrap();
        ids.contains(&u64::from(program.info().unwrap().id))
    };
    iterates_over_links: each_bpf_link, |_, ids| !ids.is_empty();
    iterates_over_symbols: each_ksym, |_, found| found.len() > 10_000;
    iterates_over_tcp: each_tcp, |_, found| !found.is_empty();
    iterates_over_udp: each_udp, |_, found| !found.is_empty();
    iterates_over_unix_sockets: each_unix, |_, found| !found.is_empty();
    iterates_over_netlink_sockets: each_netlink, |_, found| !found.is_empty();
    iterates_over_routes: each_ipv6_route, |_, found| !found.is_empty();
    iterates_over_slab_caches: each_kmem_cache, |_, found| found.len() > 10;
}

/// Memory that devices share, made of this process's: so many pages. `None` where the kernel makes none.
#[allow(unsafe_code)]
fn dmabuf(pages: u64) -> Option<OwnedFd> {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
    use std::os::fd::FromRawFd;

    /// `UDMABUF_CREATE`, of `struct udmabuf_create`.
    const CREATE: u32 = 0x4018_7542;
    let device = fs::File::open("/dev/udmabuf").ok()?;
    let size = pages * rustix::param::page_size() as u64;
    let memory = memfd_create("oxbpf-test", MemfdFlags::ALLOW_SEALING).unwrap();
    ftruncate(&memory, size).unwrap();
    fcntl_add_seals(&memory, SealFlags::SHRINK).unwrap();
    let number = u64::try_from(memory.as_raw_fd()).unwrap();
    let request = [number, 0, size];
    // SAFETY: reads three words: descriptor and flags, where to begin, how much.
    let made = unsafe { libc::ioctl(device.as_raw_fd(), CREATE as _, request.as_ptr()) };
    assert!(made >= 0, "{}", std::io::Error::last_os_error());
    // SAFETY: the descriptor is new, and nobody else's.
    Some(unsafe { OwnedFd::from_raw_fd(made) })
}

#[test]
fn iterates_over_memory_of_devices() {
    const PAGES: u64 = 37;
    let Some(collection) = load("each_dmabuf") else {
        skip!("this kernel has no such iterator");
    };
    let link = collection.program("each_dmabuf").unwrap().attach().unwrap();
    let ours = PAGES * rustix::param::page_size() as u64;
    assert!(!read(&link).contains(&ours));
    let Some(memory) = dmabuf(PAGES) else {
        skip!("this machine makes no memory for devices of a process's (CONFIG_UDMABUF)");
    };
    assert!(read(&link).contains(&ours));
    drop(memory);
    // It may be given back a little later.
    let start = std::time::Instant::now();
    while read(&link).contains(&ours) {
        assert!(start.elapsed().as_secs() < 20);
    }
}

/// Nobody of that number, or no longer.
#[test]
fn iterator_over_a_process_that_is_gone() {
    let collection = load("each_task").unwrap();
    let program = collection.program("each_task").unwrap();
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let number = rustix::process::Pid::from_child(&child);
    let flags = rustix::process::PidfdFlags::empty();
    let fd = rustix::process::pidfd_open(number, flags).unwrap();
    child.wait().unwrap();
    let error = Iter::new().pid_fd(fd).attach(&program).unwrap_err();
    if error.kind() == ErrorKind::Unsupported {
        skip!("this kernel has no iterators over one task");
    }
    assert_kind(Err::<(), _>(error), ErrorKind::NotFound, "is gone");
    let gone = ErrorKind::NotFound;
    let attached = Iter::new().process(child.id()).attach(&program);
    assert_kind(attached, gone, &format!("no process {}", child.id()));
    let attached = Iter::new().thread(child.id()).attach(&program);
    assert_kind(attached, gone, &format!("no thread {}", child.id()));
}

#[test]
fn pinned_iterator_is_a_file() {
    let bpffs = own_bpffs();
    let collection = load("each_task").unwrap();
    let mut link = collection.program("each_task").unwrap().attach().unwrap();
    let path = bpffs.join("tasks");
    link.pin(&path).unwrap();
    drop(link);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.lines().any(|line| line == tid().to_string()), "{text}");
    fs::remove_file(&path).unwrap();
}

#[test]
fn what_is_no_iterator_cannot_be_read() {
    let counter = Counter::new();
    let program = counter
        .load(ProgramType::RAW_TRACEPOINT, Watch::default())
        .unwrap();
    let link = oxbpf::RawTracepoint::new("sys_enter")
        .attach(&program)
        .unwrap();
    assert_kind(link.read_iter(), ErrorKind::WrongKind, "no iterator");
    let watch = Watch::default();
    let tracing = counter
        .tracing(AttachType::TRACE_RAW_TP, "btf_trace_sys_enter", watch)
        .unwrap();
    assert_kind(
        Iter::new().attach(&tracing),
        ErrorKind::WrongKind,
        "`Tracing`",
    );
    let collection = load("each_task").unwrap();
    let program = collection.program("each_task").unwrap();
    assert_kind(
        oxbpf::Tracing::new().attach(&program),
        ErrorKind::WrongKind,
        "`Iter`",
    );
}
