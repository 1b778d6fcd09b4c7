//! Paths that somebody else had a hand in: pins through symbolic links, names that are taken, of other things, too long.

#[macro_use]
mod common;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use oxbpf::map::{CreateOptions, Map};
use oxbpf::object::asm::{self, Reg};
use oxbpf::object::kernel::{MapType, ProgramType};
use oxbpf::object::spec::{MapSpec, Pinning};
use oxbpf::program::{Program, ProgramLoad};
use oxbpf::{ErrorKind, Link, Loadable, Loader, Result};

fn map(name: &str) -> Map {
    let spec = MapSpec {
        map_type: MapType::ARRAY,
        key_size: 4,
        value_size: 8,
        max_entries: 1,
        ..MapSpec::default()
    };
    Map::create(name, &spec, CreateOptions::default()).unwrap()
}

fn program() -> Program {
    let insns = asm::program([asm::mov(Reg::R0, 0), asm::exit()]);
    let load = ProgramLoad {
        name: "pinned",
        program_type: ProgramType::SOCKET_FILTER,
        insns: &insns,
        license: "GPL",
        ..ProgramLoad::default()
    };
    load.load().unwrap()
}

/// A directory of our own outside of BPF file systems, gone with the value.
struct Elsewhere(PathBuf);

impl Elsewhere {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("oxbpf-{name}-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

#[track_caller]
fn is<T>(result: Result<T>, kind: ErrorKind, words: &str) {
    let error = result.err().expect("it works");
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn a_pin_never_replaces_what_is_there() {
    let bpffs = common::own_bpffs();
    let elsewhere = Elsewhere::new("links");
    let map = map("first");
    let pin = bpffs.join("taken");
    map.pin(&pin).unwrap();
    is(map.pin(&pin), ErrorKind::AlreadyExists, "taken");
    is(program().pin(&pin), ErrorKind::AlreadyExists, "taken");

    // A link to a name that is free is not followed, and not replaced.
    let link = elsewhere.0.join("link");
    symlink(bpffs.join("free"), &link).unwrap();
    assert!(map.pin(&link).is_err());
    assert!(!bpffs.join("free").exists());
    assert!(link.is_symlink());

    // Removing a pin removes no link, and nothing that is no pin.
    symlink(&pin, elsewhere.0.join("to_pin")).unwrap();
    std::fs::write(elsewhere.0.join("file"), "precious").unwrap();
    let to_pin = elsewhere.0.join("to_pin");
    is(map.unpin(&to_pin), ErrorKind::InvalidInput, "symbolic link");
    assert!(to_pin.is_symlink() && pin.exists());
    let file = elsewhere.0.join("file");
    is(
        map.unpin(&file),
        ErrorKind::InvalidInput,
        "not in a BPF file system",
    );
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
    let other = self::map("other");
    is(other.unpin(&pin), ErrorKind::InvalidInput, "something else");
    map.unpin(&pin).unwrap();
    assert!(!pin.exists());
}

#[test]
fn what_is_pinned_is_told_from_what_was_meant() {
    let bpffs = common::own_bpffs();
    map("one").pin(bpffs.join("map")).unwrap();
    program().pin(bpffs.join("program")).unwrap();
    let map_at = |path: &str| Map::open_pinned(bpffs.join(path));
    use ErrorKind::{AlreadyExists, InvalidInput, NotFound, WrongKind};
    is(map_at("program"), WrongKind, "it is no map");
    is(
        Program::open_pinned(bpffs.join("map")),
        WrongKind,
        "it is no program",
    );
    is(
        Link::open_pinned(bpffs.join("map")),
        WrongKind,
        "it is a map or a program",
    );
    is(map_at(""), InvalidInput, "it is a directory");
    is(map_at("nothing"), NotFound, "nothing");
    is(
        map_at("/etc/passwd"),
        InvalidInput,
        "nothing is pinned there",
    );
    is(map_at("/dev/null"), InvalidInput, "nothing is pinned there");
    is(Map::open_pinned(""), NotFound, "No such file");
    let two = map("two");
    is(two.pin(&bpffs), AlreadyExists, "/sys/fs/bpf");
    is(
        two.pin(bpffs.join("map/x")),
        InvalidInput,
        "map` is no directory",
    );
    for path in ["x".repeat(300), "x/".repeat(3000)] {
        is(map_at(&path), InvalidInput, "255 bytes");
        is(two.pin(bpffs.join(&path)), InvalidInput, "255 bytes");
    }
    is(
        map_at("a\0b"),
        InvalidInput,
        r"a\0b` failed: the path contains a NUL",
    );
    is(two.pin("/sys/fs/bpf/a\0b"), InvalidInput, "NUL");
}

fn load_with_pin(root: &Path, name: &str) -> Result<()> {
    let mut spec = fixtures::maps::Spec::embedded()?.into_spec()?;
    spec.map_mut(name).unwrap().pinning = Pinning::ByName;
    Loader::new().pin_root(root).load(spec).map(drop)
}

#[test]
fn the_loader_takes_over_only_what_fits() {
    let bpffs = common::own_bpffs();
    program().pin(bpffs.join("first")).unwrap();
    map("hits").pin(bpffs.join("hits")).unwrap();
    let elsewhere = Elsewhere::new("root");
    symlink(&bpffs, elsewhere.0.join("bpf")).unwrap();
    use ErrorKind::{InvalidInput, NotFound, WrongKind};
    is(load_with_pin(&bpffs, "first"), WrongKind, "it is no map");
    is(
        load_with_pin(&bpffs, "hits"),
        WrongKind,
        "type array instead of percpu_array",
    );
    is(
        load_with_pin(&elsewhere.0, "second"),
        InvalidInput,
        "not in a BPF file system",
    );
    is(
        load_with_pin(&bpffs.join("no/where"), "second"),
        NotFound,
        "there is no directory",
    );
    is(
        load_with_pin(Path::new("/etc/passwd"), "second"),
        InvalidInput,
        "is no directory",
    );
    // A directory may be a link, as /sys/fs/bpf itself may be.
    load_with_pin(&elsewhere.0.join("bpf"), "second").unwrap();
    load_with_pin(&bpffs, "second").unwrap();
    let mut pins: Vec<_> = std::fs::read_dir(&bpffs)
        .unwrap()
        .map(|pin| pin.unwrap().file_name())
        .collect();
    // What the kernel itself puts there has a dot.
    pins.retain(|name| !name.to_string_lossy().contains('.'));
    pins.sort();
    assert_eq!(
        pins,
        ["first", "hits", "second"],
        "nothing is left of the loads that failed"
    );
}

#[test]
fn the_name_of_a_map_leads_nowhere_else() {
    let bpffs = common::own_bpffs();
    std::fs::create_dir(bpffs.join("ours")).unwrap();
    let theirs = bpffs.join("hits");
    map("theirs").pin(&theirs).unwrap();
    for name in ["../hits", "/sys/fs/bpf/hits", "hits/.", "..", ".", ""] {
        let mut spec = fixtures::maps::Spec::embedded()
            .unwrap()
            .into_spec()
            .unwrap();
        let map = spec.map_mut("hits").unwrap();
        map.pinning = Pinning::ByName;
        map.name = name.to_owned();
        let load = Loader::new().pin_root(bpffs.join("ours")).load(spec);
        is(load, ErrorKind::InvalidInput, "no name of a file");
    }
    assert_eq!(std::fs::read_dir(bpffs.join("ours")).unwrap().count(), 0);
}

#[test]
fn pins_need_no_proc() {
    use rustix::mount::{MountFlags, mount};

    let bpffs = common::own_bpffs();
    let map = map("alone");
    mount("none", "/proc", "tmpfs", MountFlags::empty(), None).unwrap();
    map.pin(bpffs.join("pin")).unwrap();
    map.unpin(bpffs.join("pin")).unwrap();
    assert!(!bpffs.join("pin").exists());
}

/// A path that leads to another directory each moment: a pin is removed only where it was looked at.
#[test]
fn a_pin_is_removed_where_it_was_found() {
    let bpffs = common::own_bpffs();
    let elsewhere = Elsewhere::new("swapped");
    let (ours, theirs) = (map("ours"), map("theirs"));
    for dir in ["a", "b"] {
        std::fs::create_dir(bpffs.join(dir)).unwrap();
    }
    theirs.pin(bpffs.join("b/pin")).unwrap();
    let current = elsewhere.0.join("current");
    symlink(bpffs.join("a"), &current).unwrap();
    // Hung up when the scope is left, by a panic, too.
    let (going_on, is_going_on) = std::sync::mpsc::channel::<()>();
    let next = elsewhere.0.join("next");
    std::thread::scope(|scope| {
        let _going_on = going_on;
        let (next, current, bpffs) = (&next, &current, &bpffs);
        scope.spawn(move || {
            let mut directories = ["b", "a"].iter().cycle();
            let hung_up = Err(std::sync::mpsc::TryRecvError::Disconnected);
            while is_going_on.try_recv() != hung_up {
                let directory = directories.next().unwrap();
                symlink(bpffs.join(directory), next).unwrap();
                std::fs::rename(next, current).unwrap();
            }
        });
        let (mut removed, mut refused) = (0, 0);
        let start = std::time::Instant::now();
        while start.elapsed().as_secs() < 2 || removed == 0 || refused == 0 {
            ours.pin(bpffs.join("a/pin")).unwrap();
            match ours.unpin(current.join("pin")) {
                Ok(()) => removed += 1,
                Err(error) => {
                    refused += 1;
                    assert!(error.to_string().contains("something else"), "{error}");
                    ours.unpin(bpffs.join("a/pin")).unwrap();
                }
            }
            assert!(!bpffs.join("a/pin").exists());
            assert!(bpffs.join("b/pin").exists(), "theirs is gone");
        }
        println!("removed {removed} times, refused {refused} times");
    });
}
