//! XDP programs that send frames to devices, CPUs and sockets.

use std::time::{Duration, Instant};

use oxbpf::map::{CpuMap, DevMap, DevMapHash, Map, XskMap};
use oxbpf::object::kernel::MapType;
use oxbpf::{Collection, ErrorKind, Loadable, Loader};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::raw::{Frames, LOOPBACK, XdpSocket, link_xdp, own_network};
use crate::{assert_kind, create};

/// How long a frame is waited for that comes, and for one that does not, in milliseconds.
const COMES: i64 = 10_000;
const DOES_NOT: i64 = 200;

/// Loads the programs, and one of those that run where frames are sent to.
fn load(there: &str) -> Collection {
    let spec = fixtures::redirect::Spec::embedded().unwrap();
    let mut spec = spec.into_spec().unwrap();
    spec.program_mut(there).unwrap().autoload = true;
    Loader::new().load(spec).unwrap()
}

fn map<T: TryFrom<Map, Error = oxbpf::Error>>(objects: &Collection, name: &str) -> T {
    objects.map(name).unwrap().typed().unwrap()
}

fn send_to(objects: &Collection, place: u32) {
    objects
        .variable::<u32>("where")
        .unwrap()
        .store(place)
        .unwrap();
}

/// Before Linux 5.11 they are charged to the limit on locked memory, and say so in an unusual way.
#[test]
fn maps_of_devices_are_made_where_locked_memory_is_short() {
    let limit = getrlimit(Resource::Memlock);
    let nothing = Rlimit {
        current: Some(0),
        ..limit
    };
    setrlimit(Resource::Memlock, nothing).unwrap();
    create("by_index", MapType::DEVMAP, 4, 4, 1);
    create("by_key", MapType::DEVMAP_HASH, 4, 4, 1);
    setrlimit(Resource::Memlock, limit).unwrap();
}

#[test]
fn frames_go_to_devices() {
    own_network();
    let objects = load("on_device");
    let frames = Frames::open();
    let devices: DevMap = map(&objects, "devices");
    let by_key: DevMapHash = map(&objects, "devices_by_key");
    frames.send(b'A');
    assert_eq!(frames.receive(COMES), Some(b'A'));

    let link = link_xdp(&objects.program("to_device").unwrap(), LOOPBACK).unwrap();
    send_to(&objects, 2);
    frames.send(b'A');
    assert_eq!(frames.receive(DOES_NOT), None);
    devices.set(2, LOOPBACK).unwrap();
    let target = devices.get(2).unwrap().unwrap();
    assert_eq!((target.value, target.program_id), (LOOPBACK, None));
    assert_eq!(devices.get(1).unwrap(), None);
    frames.send(b'A');
    // It went through the program, and came back.
    assert_eq!(frames.receive(COMES), Some(b'B'));
    assert!(devices.remove(2).unwrap());
    frames.send(b'A');
    assert_eq!(frames.receive(DOES_NOT), None);
    drop(link);

    let by_key_program = objects.program("to_device_by_key").unwrap();
    let _link = link_xdp(&by_key_program, LOOPBACK).unwrap();
    by_key.set(1 << 20, LOOPBACK).unwrap();
    send_to(&objects, 1 << 20);
    frames.send(b'A');
    assert_eq!(frames.receive(COMES), Some(b'B'));
    assert_eq!(by_key.get(1 << 20).unwrap().unwrap().value, LOOPBACK);
    assert_eq!(
        by_key.keys().map(Result::unwrap).collect::<Vec<_>>(),
        [1 << 20]
    );
    assert!(by_key.remove(1 << 20).unwrap());
    assert!(!by_key.remove(1 << 20).unwrap());

    assert_kind(devices.set(4, LOOPBACK), ErrorKind::BadIndex, "no index 4");
    assert!(devices.set(0, 12345).is_err());
    let program = objects.program("on_device").unwrap();
    assert_kind(
        by_key.set_with_program(1, LOOPBACK, &program),
        ErrorKind::WrongSize,
        "map `devices_by_key` has values of 4 bytes, not 8",
    );
    let with_programs: DevMap = map(&objects, "devices_with_programs");
    with_programs
        .set_with_program(1, LOOPBACK, &program)
        .unwrap();
    let target = with_programs.get(1).unwrap().unwrap();
    let id = program.info().unwrap().id;
    assert_eq!((target.value, target.program_id), (LOOPBACK, Some(id)));
    with_programs.set(1, LOOPBACK).unwrap();
    let target = with_programs.get(1).unwrap().unwrap();
    assert_eq!((target.value, target.program_id), (LOOPBACK, None));
    let stranger = objects.program("to_device").unwrap();
    assert!(
        with_programs
            .set_with_program(1, LOOPBACK, &stranger)
            .is_err()
    );
}

#[test]
fn frames_go_to_cpus() {
    own_network();
    let objects = load("on_cpu");
    let cpus: CpuMap = map(&objects, "cpus");
    let on_cpu = objects.program("on_cpu").unwrap();
    let last = (0..)
        .take_while(|cpu| {
            std::path::Path::new(&format!("/sys/devices/system/cpu/cpu{cpu}")).exists()
        })
        .last()
        .unwrap_or(0);
    cpus.set_with_program(last, 64, &on_cpu).unwrap();
    let target = cpus.get(last).unwrap().unwrap();
    assert_eq!(target.value, 64);
    assert_eq!(target.program_id, Some(on_cpu.info().unwrap().id));
    assert_kind(cpus.set(64, 64), ErrorKind::BadIndex, "no index 64");

    let frames = Frames::open();
    let Ok(_link) = link_xdp(&objects.program("to_cpu").unwrap(), LOOPBACK) else {
        skip!("generic XDP of this kernel sends nothing to CPUs")
    };
    send_to(&objects, last);
    frames.send(b'A');
    assert_eq!(frames.receive(COMES), Some(b'B'));
    let ran_on = objects.variable::<u32>("ran_on").unwrap();
    let start = Instant::now();
    while ran_on.load().unwrap() == u32::MAX && start.elapsed() < Duration::from_secs(10) {
        std::thread::yield_now();
    }
    assert_eq!(ran_on.load().unwrap(), last);
    assert!(cpus.remove(last).unwrap());
    assert_eq!(
        cpus.get(last)
            .unwrap()
            .map(|target| target.value)
            .unwrap_or(0),
        0
    );
    // Without a program, too.
    cpus.set(last, 16).unwrap();
    assert_eq!(cpus.get(last).unwrap().unwrap().program_id, None);
    frames.send(b'A');
    assert_eq!(frames.receive(COMES), Some(b'B'));
}

#[test]
fn frames_go_to_sockets() {
    own_network();
    let objects = load("on_device");
    let sockets: XskMap = map(&objects, "sockets");
    let frames = Frames::open();
    let taker = XdpSocket::open(LOOPBACK, 0);
    assert_kind(
        sockets.set(4, &taker.socket),
        ErrorKind::BadIndex,
        "no index 4",
    );
    assert!(
        sockets
            .set(0, std::fs::File::open("/dev/null").unwrap())
            .is_err()
    );
    sockets.set(0, &taker.socket).unwrap();
    let _link = link_xdp(&objects.program("to_socket").unwrap(), LOOPBACK).unwrap();
    frames.send(b'A');
    assert_eq!(taker.received(COMES), (Some(b'B'), 1));
    assert_eq!(frames.receive(DOES_NOT), None);
    frames.send(b'Z');
    assert_eq!(frames.receive(COMES), Some(b'Z'));
    assert!(sockets.remove(0).unwrap());
    frames.send(b'A');
    assert_eq!(frames.receive(DOES_NOT), None);
    assert_eq!(taker.received(DOES_NOT).1, 1);
}
