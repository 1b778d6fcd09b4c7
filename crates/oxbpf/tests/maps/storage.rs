//! What programs store with tasks, inodes and control groups.

use std::fs::File;

use oxbpf::link::Cgroup;
use oxbpf::map::{
    AttachedStorage, CgroupStorage, InodeStorage, Map, PerCpu, PerCpuAttachedStorage, TaskStorage,
};
use oxbpf::object::kernel::AttachType;
use oxbpf::program::TestRun;
use oxbpf::{Collection, ErrorKind, Loadable, Loader};
use rustix::process::{PidfdFlags, getpid, pidfd_open};

use crate::raw::attach_lsm;
use crate::{assert_kind, common};

/// Loads one of the programs with its map; `None` if this kernel has no such storage.
fn load(program: &str, map: &str) -> Option<Collection> {
    load_with(program, &[map])
}

fn load_with(program: &str, maps: &[&str]) -> Option<Collection> {
    let mut spec = fixtures::storage::Spec::embedded()
        .unwrap()
        .into_spec()
        .unwrap();
    for other in spec.maps_mut() {
        other.autocreate = maps.contains(&other.name.as_str());
    }
    spec.program_mut(program).unwrap().autoload = true;
    match Loader::new().load(spec) {
        Ok(objects) => Some(objects),
        Err(error) if error.to_string().contains("creating map") => None,
        Err(error) => panic!("{error:?}"),
    }
}

fn map<T: TryFrom<Map, Error = oxbpf::Error>>(objects: &Collection, name: &str) -> T {
    objects.map(name).unwrap().typed().unwrap()
}

fn run(objects: &Collection, program: &str) -> u32 {
    let program = objects.program(program).unwrap();
    program.test_run(TestRun::default()).unwrap().return_value
}

#[test]
fn of_a_task_by_its_pidfd() {
    let Some(objects) = load("count_task", "of_task") else {
        skip!("this kernel has no storage of tasks")
    };
    let runs: TaskStorage<u64> = map(&objects, "of_task");
    // Of another process: what runs there is seen here.
    let mut child = std::process::Command::new("/bin/sleep")
        .arg("100")
        .spawn()
        .unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    let sleeper = pidfd_open(pid, PidfdFlags::empty()).unwrap();
    assert_eq!(runs.get(&sleeper).unwrap(), None);
    runs.set(&sleeper, &7).unwrap();
    assert_eq!(runs.get(&sleeper).unwrap(), Some(7));
    assert!(runs.remove(&sleeper).unwrap());
    assert!(!runs.remove(&sleeper).unwrap());
    runs.set(&sleeper, &7).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    // What died has none.
    assert!(!matches!(runs.get(&sleeper), Ok(Some(_))));
    // Of the first thread of this one, which a test is not.
    let this = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
    assert_eq!(runs.get(&this).unwrap(), None);
    assert_eq!(run(&objects, "count_task"), 1);
    assert_eq!(run(&objects, "count_task"), 2);
    let file = File::open("/dev/null").unwrap();
    assert!(runs.get(&file).is_err());
    assert_kind(
        objects.map("of_task").unwrap().typed::<InodeStorage<u64>>(),
        ErrorKind::WrongKind,
        "task_storage, not inode_storage",
    );
}

/// In a process of its own, whose first thread runs the program.
#[test]
fn of_the_task_that_ran_the_program() {
    let Some(objects) = load("count_task", "of_task") else {
        skip!("this kernel has no storage of tasks")
    };
    let runs: TaskStorage<u64> = map(&objects, "of_task");
    let program = objects.program("count_task").unwrap();
    let child = common::forked(move || {
        for _ in 0..3 {
            program.test_run(TestRun::default()).unwrap();
        }
    });
    let sleeper = pidfd_open(child.pid(), PidfdFlags::empty()).unwrap();
    assert_eq!(runs.get(&sleeper).unwrap(), Some(3));
}

#[test]
fn of_a_control_group_by_its_directory() {
    let Some(objects) = load("count_cgroup", "of_cgroup") else {
        skip!("this kernel has no storage of control groups")
    };
    let runs: CgroupStorage<u64> = map(&objects, "of_cgroup");
    let group = File::open(common::own_cgroup()).unwrap();
    let before = runs.get(&group).unwrap().unwrap_or(0);
    run(&objects, "count_cgroup");
    run(&objects, "count_cgroup");
    assert_eq!(runs.get(&group).unwrap(), Some(before + 2));
    runs.set(&group, &100).unwrap();
    run(&objects, "count_cgroup");
    assert_eq!(runs.get(&group).unwrap(), Some(101));
    assert!(runs.remove(&group).unwrap());
    assert_eq!(runs.get(&group).unwrap(), None);
    assert!(runs.get(File::open("/dev/null").unwrap()).is_err());
}

/// What attaching makes: for each place of a control group, and for each CPU.
#[test]
fn of_what_a_program_is_attached_to() {
    let place = AttachType::CGROUP_INET_SOCK_CREATE;
    let objects = load_with("count_sockets", &["of_attachment", "of_attached_cgroup"]).unwrap();
    let sockets: AttachedStorage<u64> = map(&objects, "of_attachment");
    let on_cpus: PerCpuAttachedStorage<u64> = map(&objects, "of_attached_cgroup");
    let group = File::open(common::own_cgroup()).unwrap();
    assert_eq!(sockets.get(&group, place).unwrap(), None);
    assert_kind(
        sockets.set(&group, place, &1),
        ErrorKind::NotFound,
        "of_attachment",
    );
    let socket = || drop(std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
    let program = objects.program("count_sockets").unwrap();
    let link = Cgroup::new(&group).attach(&program).unwrap();
    // Others in this group make sockets, too.
    let sum = || {
        on_cpus
            .get(&group, place)
            .unwrap()
            .unwrap()
            .values()
            .sum::<u64>()
    };
    let before = (sockets.get(&group, place).unwrap().unwrap(), sum());
    (0..3).for_each(|_| socket());
    assert!(sockets.get(&group, place).unwrap().unwrap() >= before.0 + 3);
    assert!(sum() >= before.1 + 3);
    sockets.set(&group, place, &1000).unwrap();
    on_cpus
        .set(&group, place, &PerCpu::all(&1000).unwrap())
        .unwrap();
    socket();
    assert!(sockets.get(&group, place).unwrap().unwrap() > 1000);
    assert!(
        sum()
            > 1000
                * on_cpus
                    .get(&group, place)
                    .unwrap()
                    .unwrap()
                    .values()
                    .count() as u64
    );
    let elsewhere = AttachType::CGROUP_INET_SOCK_RELEASE;
    assert_eq!(sockets.get(&group, elsewhere).unwrap(), None);
    assert!(on_cpus.get(&group, elsewhere).unwrap().is_some());
    link.detach().unwrap();
    // It is there until the map or the group goes.
    let last = sockets.get(&group, place).unwrap();
    socket();
    assert_eq!(sockets.get(&group, place).unwrap(), last);
    assert_kind(
        objects
            .map("of_attachment")
            .unwrap()
            .typed::<CgroupStorage<u64>>(),
        ErrorKind::WrongKind,
        "cgroup_storage, not cgrp_storage",
    );
}

#[test]
fn of_an_inode_by_a_file() {
    let Some(objects) = load_lsm() else {
        skip!("this kernel takes no programs at LSM hooks")
    };
    let opens: InodeStorage<u64> = map(&objects, "of_inode");
    let path = std::env::temp_dir().join(format!("oxbpf-inode-{}", std::process::id()));
    let file = File::create(&path).unwrap();
    assert_eq!(opens.get(&file).unwrap(), None);
    let _attached = attach_lsm(&objects.program("count_inode").unwrap());
    File::open(&path).unwrap();
    File::open(&path).unwrap();
    assert_eq!(opens.get(&file).unwrap(), Some(2));
    opens.set(&file, &10).unwrap();
    File::open(&path).unwrap();
    assert_eq!(opens.get(&file).unwrap(), Some(11));
    assert!(opens.remove(&file).unwrap());
    assert!(!opens.remove(&file).unwrap());
    std::fs::remove_file(&path).unwrap();
}

fn load_lsm() -> Option<Collection> {
    let mut spec = fixtures::storage::Spec::embedded()
        .unwrap()
        .into_spec()
        .unwrap();
    for other in spec.maps_mut() {
        other.autocreate = other.name == "of_inode";
    }
    spec.program_mut("count_inode").unwrap().autoload = true;
    match Loader::new().load(spec) {
        Ok(objects) => Some(objects),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => None,
        Err(error) => panic!("{error:?}"),
    }
}
