//! What happens when the kernel says no: each system call of an operation fails in turn, with each errno that is
//! plausible for it. Whatever the operation makes of that, it leaves nothing behind, and says what was wrong.

#[macro_use]
#[path = "../common/mod.rs"]
mod common;
mod inject;
mod operations;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use inject::{Answer, Call, with_answers};
use operations::{OPERATIONS, Operation};
use oxbpf::{ErrorKind, Link, Loader, Result, Tracepoint};

/// One test at a time: they count the descriptors of the process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn descriptors() -> BTreeSet<String> {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let name = |entry: std::fs::DirEntry| {
        let what = std::fs::read_link(entry.path()).ok()?;
        let number = entry.file_name().to_string_lossy().into_owned();
        // The directory that is being read is gone afterwards.
        let is_fd = what.to_string_lossy().starts_with("/proc");
        (!is_fd).then(|| format!("{number} -> {}", what.display()))
    };
    entries.filter_map(name).collect()
}

/// The probes of this process that are still in tracefs, where that is mounted, and removes them.
fn take_back_probes() -> Vec<String> {
    use std::io::Write;

    const PROBES: &str = "/sys/kernel/tracing/kprobe_events";
    let ours = format!("oxbpf_{}_", std::process::id());
    let text = std::fs::read_to_string(PROBES).unwrap_or_default();
    let name = |line: &str| {
        Some(
            line.split_whitespace()
                .next()?
                .split_once(':')?
                .1
                .to_owned(),
        )
    };
    let names = text.lines().filter_map(name);
    let found: Vec<String> = names.filter(|name| name.starts_with(&ours)).collect();
    for name in &found {
        let mut list = std::fs::File::options().append(true).open(PROBES).unwrap();
        list.write_all(format!("-:{name}").as_bytes()).unwrap();
    }
    found
}

/// How long the faults of one operation are tried, if not all of them are to be.
const BUDGET: Duration = Duration::from_secs(4);

const ENOTSUPP: i32 = 524;

/// What is plausible for a call.
fn answers(call: Call) -> &'static [Answer] {
    use Answer::{Errno, Value};
    use libc::*;
    match call.name {
        "bpf" => &[
            Errno(EPERM),
            Errno(EINVAL),
            Errno(ENOMEM),
            Errno(EMFILE),
            Errno(EAGAIN),
            Errno(EINTR),
            Errno(ENOSPC),
            Errno(E2BIG),
            Errno(ENOENT),
            Errno(EBUSY),
            Errno(EACCES),
            Errno(ENOSYS),
            Errno(EFAULT),
            Errno(ENOTSUPP),
        ],
        "perf_event_open" => &[
            Errno(EPERM),
            Errno(EACCES),
            Errno(EMFILE),
            Errno(ENOENT),
            Errno(EINVAL),
            Errno(ENOMEM),
            Errno(EBUSY),
            Errno(ENODEV),
            Errno(ENOSYS),
        ],
        "openat" => &[
            Errno(ENOENT),
            Errno(EACCES),
            Errno(EMFILE),
            Errno(ENFILE),
            Errno(EINTR),
            Errno(ENOMEM),
        ],
        "read" | "pread64" => &[
            Errno(EIO),
            Errno(EINTR),
            Errno(EAGAIN),
            Errno(EPERM),
            Value(0),
            Value(1),
        ],
        "write" => &[
            Errno(EINTR),
            Errno(EINVAL),
            Errno(EACCES),
            Errno(ENOMEM),
            Errno(EBUSY),
            Errno(ENOSPC),
            Value(0),
            Value(1),
        ],
        "mmap" => &[
            Errno(ENOMEM),
            Errno(EAGAIN),
            Errno(EPERM),
            Errno(EINVAL),
            Errno(ENODEV),
        ],
        "clone3" => &[Errno(EAGAIN), Errno(ENOMEM), Errno(EPERM)],
        "epoll_pwait" => &[Errno(EINTR), Errno(ENOMEM)],
        _ => &[Errno(EPERM), Errno(EINVAL), Errno(ENOMEM), Errno(EMFILE)],
    }
}

fn named(call: Call) -> String {
    match call.name {
        "bpf" => format!("bpf({})", call.first),
        name => name.to_owned(),
    }
}

/// All calls but those in the middle of many alike, such as the reads of a long file.
fn worth_failing(calls: &[Call]) -> Vec<(usize, Call)> {
    let is_alike =
        |n: usize, other: Option<usize>| other.and_then(|n| calls.get(n)) == Some(&calls[n]);
    (0..calls.len())
        .filter(|&n| {
            !(is_alike(n, n.checked_sub(1))
                && is_alike(n, n.checked_sub(2))
                && is_alike(n, n.checked_add(1)))
        })
        .map(|n| (n, calls[n]))
        .collect()
}

/// What is wrong with what an operation made of a fault, if anything is.
fn wrong_with(call: Call, answer: Answer, result: &Result<()>) -> Option<&'static str> {
    let Answer::Errno(errno) = answer else {
        return None;
    };
    let must_go_on = match (call.name, errno) {
        (_, libc::EINTR) => true,
        // The kernel says so of PROG_LOAD when a signal came in.
        ("bpf", libc::EAGAIN) => call.first == 5,
        ("clone3", _) => true,
        _ => false,
    };
    let Err(error) = result else {
        return None;
    };
    if must_go_on {
        return Some("it should have gone on");
    }
    let text = error.to_string();
    let says_why = text.contains(&format!("(os error {errno})")) || error.reason().is_some();
    let kind = match errno {
        libc::EPERM | libc::EACCES => &[ErrorKind::PermissionDenied, ErrorKind::ReadOnly][..],
        libc::ENOMEM | libc::EMFILE | libc::ENFILE => &[ErrorKind::LimitExceeded],
        libc::ENOSYS | ENOTSUPP => &[ErrorKind::Unsupported],
        _ => &[],
    };
    if !says_why {
        return Some("it does not say why");
    }
    let is_kind = kind.is_empty() || kind.contains(&error.kind()) || error.reason().is_some();
    (!is_kind).then_some("it is of the wrong kind")
}

/// All faults are tried with `OXBPF_FAULTS=all`; else, of operations that take long, as many as there is time for, in an
/// order that goes through all calls and all answers.
#[test]
fn every_call_fails_in_turn() {
    let _alone = alone();
    let all = std::env::var_os("OXBPF_FAULTS").is_some();
    let mut wrong = Vec::new();
    let mut worked = Vec::new();
    for (name, operation) in OPERATIONS {
        // Caches that stay, and whether it works here at all.
        if let Err(error) = operation() {
            println!("{name}: does not work here: {error}");
            continue;
        }
        worked.push(*name);
        let Some((calls, _)) = with_answers(|_, _| Answer::Kernel, operation) else {
            skip!("this kernel cannot ask about system calls");
        };
        let faults = |(number, call)| {
            answers(call)
                .iter()
                .map(move |answer| (number, call, *answer))
        };
        let mut faults: Vec<_> = worth_failing(&calls).into_iter().flat_map(faults).collect();
        faults.sort_by_key(|(number, call, answer)| {
            let turn = answers(*call).iter().position(|other| other == answer);
            (turn.unwrap_or_default() + number) % answers(*call).len()
        });
        let before = descriptors();
        let start = Instant::now();
        let mut runs = 0;
        for &(number, call, answer) in &faults {
            if !all && start.elapsed() > BUDGET {
                break;
            }
            runs += 1;
            let fault = |n, c: Call| match n == number && c.name == call.name {
                true => answer,
                false => Answer::Kernel,
            };
            let (_, result) = with_answers(fault, operation).unwrap();
            let fault = format!(
                "{name}: call {number}, {}, answered {answer:?}",
                named(call)
            );
            let Ok(result) = result else {
                panic!("{fault}: panicked");
            };
            let after = descriptors();
            assert!(
                after == before,
                "{fault}: left {:?}",
                after.difference(&before)
            );
            // The very line that takes a probe back may be what fails.
            let probes = take_back_probes();
            assert!(
                probes.is_empty() || call.name == "write",
                "{fault}: left {probes:?}"
            );
            if let Some(what) = wrong_with(call, answer, &result) {
                wrong.push(format!("{fault}: {what}: {result:?}"));
            }
        }
        println!(
            "{name}: {} calls, {runs} of {} faults",
            calls.len(),
            faults.len()
        );
    }
    for name in ["use_map", "load_maps", "load_globals", "read_rings"] {
        assert!(worked.contains(&name), "{name} works on every kernel");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn without_descriptors_nothing_is_left_behind() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let _alone = alone();
    let limit = getrlimit(Resource::Nofile);
    for (name, operation) in OPERATIONS {
        if operation().is_err() {
            continue;
        }
        let before = descriptors();
        let highest = before
            .iter()
            .filter_map(|fd| fd.split(' ').next()?.parse::<u64>().ok());
        let first = highest.max().unwrap_or_default() + 1;
        let mut went_on = false;
        for room in 0..64 {
            let current = Some(first + room);
            setrlimit(Resource::Nofile, Rlimit { current, ..limit }).unwrap();
            let result = operation();
            setrlimit(Resource::Nofile, limit).unwrap();
            assert_eq!(descriptors(), before, "{name} with room for {room}");
            match result {
                Ok(()) => {
                    went_on = true;
                    break;
                }
                Err(error) => {
                    let says = error.kind() == ErrorKind::LimitExceeded || error.reason().is_some();
                    assert!(says, "{name} with room for {room}: {error}");
                }
            }
        }
        assert!(went_on, "{name} needs more than 64 descriptors");
    }
}

/// Without `/proc`, `/sys` and what is mounted there.
#[test]
#[allow(unsafe_code)]
fn without_file_systems_it_says_which() {
    use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
    use rustix::thread::{UnshareFlags, unshare_unsafe};

    let _alone = alone();
    let works: Vec<_> = OPERATIONS.iter().filter(|(_, op)| op().is_ok()).collect();
    let before = descriptors();
    let results = std::thread::scope(|scope| {
        let bare = scope.spawn(|| {
            // SAFETY: takes only the mounts and the working directory of this thread apart.
            unsafe { unshare_unsafe(UnshareFlags::NEWNS | UnshareFlags::FS) }.unwrap();
            let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
            mount_change("/", private).unwrap();
            for place in ["/proc", "/sys"] {
                mount("none", place, "tmpfs", MountFlags::empty(), None).unwrap();
            }
            let result = |(name, operation): &&Operation| (*name, operation());
            works.iter().map(result).collect::<Vec<_>>()
        });
        bare.join().unwrap()
    });
    assert_eq!(descriptors(), before);
    for (name, result) in results {
        let places: &[&str] = match name {
            "load_ksyms" | "load_kconfig" => &["/proc", "/sys"],
            // If it is to count the CPUs.
            _ => &["/sys"],
        };
        match result {
            Ok(()) => {}
            Err(error) if places.iter().any(|place| error.to_string().contains(place)) => {}
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

/// Many threads attach, detach, ask and drop what they share, in any order.
#[test]
fn threads_attach_and_drop_in_any_order() {
    let _alone = alone();
    let before = descriptors();
    {
        let spec = fixtures::events::Spec::embedded().unwrap();
        let objects = Loader::new().load(spec).unwrap();
        let program = &objects.programs.on_exit;
        let links: Mutex<Vec<Link>> = Mutex::new(Vec::new());
        let tracepoint = Tracepoint::new("sched", "sched_process_exit");
        let work = |seed: u64| {
            let mut state = seed;
            for _ in 0..200 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                match state >> 61 {
                    0..=3 => {
                        // One program is attached to one event once.
                        match tracepoint.attach(program) {
                            Ok(link) => links.lock().unwrap().push(link),
                            Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists),
                        }
                    }
                    4 => drop(links.lock().unwrap().pop()),
                    5 => {
                        if let Some(link) = links.lock().unwrap().pop() {
                            link.detach().unwrap();
                        }
                    }
                    6 => {
                        if let Some(link) = links.lock().unwrap().last() {
                            let _ = link.info();
                        }
                    }
                    _ => {
                        let mine: Vec<Link> = links.lock().unwrap().drain(..).collect();
                        std::thread::yield_now();
                        drop(mine);
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            let work = &work;
            for seed in 1..=4 {
                scope.spawn(move || work(seed));
            }
        });
        drop(links);
        let runs = objects.bss.exits().load().unwrap();
        std::thread::spawn(|| {}).join().unwrap();
        std::thread::sleep(Duration::from_millis(10));
        let more = objects.bss.exits().load().unwrap();
        assert_eq!(runs, more, "it runs although all links are dropped");
    }
    assert_eq!(descriptors(), before);
}

/// Kernels before 5.11 charge maps and programs to the limit on locked memory, and may refuse to have it raised.
#[test]
fn locked_memory_that_is_refused_is_told() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

    let _alone = alone();
    let capabilities = capabilities(None).unwrap();
    let may_raise = capabilities.effective.contains(CapabilitySet::SYS_RESOURCE);
    require!(may_raise, "limits cannot be raised again here");
    let before = descriptors();
    let limit = getrlimit(Resource::Memlock);
    let nothing = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let works: Vec<_> = OPERATIONS.iter().filter(|(_, op)| op().is_ok()).collect();
    setrlimit(Resource::Memlock, nothing).unwrap();
    let results = std::thread::scope(|scope| {
        let bound = scope.spawn(|| {
            let mut fewer = capabilities;
            fewer.effective -= CapabilitySet::SYS_RESOURCE;
            fewer.permitted -= CapabilitySet::SYS_RESOURCE;
            set_capabilities(None, fewer).unwrap();
            let result = |(name, operation): &&Operation| (*name, operation());
            works.iter().map(result).collect::<Vec<_>>()
        });
        bound.join()
    });
    setrlimit(Resource::Memlock, limit).unwrap();
    let results = results.unwrap();
    assert_eq!(descriptors(), before);
    let is_charged = results
        .iter()
        .any(|(name, result)| *name == "use_map" && result.is_err());
    for (name, result) in results {
        match result {
            // Rings of perf events are memory of their own.
            Ok(()) => assert!(!is_charged, "{name} works without memory"),
            Err(error) if name == "read_rings" && !is_charged => {
                assert!(error.to_string().contains("RLIMIT_MEMLOCK"), "{error}");
            }
            Err(error) => {
                assert!(is_charged, "{name}: {error}");
                let remedy = error.remedy().unwrap_or_default();
                assert!(remedy.contains("limit on locked memory"), "{name}: {error}");
            }
        }
    }
}
