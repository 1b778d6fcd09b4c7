//! Names for stacks that programs took in a real kernel.

#[macro_use]
mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use oxbpf::map::{Frame, StackTraces};
use oxbpf::object::executable::Executable;
use oxbpf::program::TestRun;
use oxbpf::symbols::Symbols;
use oxbpf::{Loadable, Loader};

fn stack(program: &str) -> Vec<u64> {
    let spec = fixtures::trace::Spec::embedded().unwrap();
    let objects = Loader::new().load(spec.into_spec().unwrap()).unwrap();
    let stacks: StackTraces = objects.map("stacks").unwrap().typed().unwrap();
    let program = objects.program(program).unwrap();
    let id = program.test_run(TestRun::default()).unwrap().return_value;
    let frames = stacks.get(id).unwrap().expect("a stack");
    frames.iter().filter_map(Frame::address).collect()
}

#[test]
fn user_stacks_lead_to_the_system_call() {
    let symbols = Symbols::new();
    let places = symbols
        .of_process(std::process::id(), &stack("user_stack"))
        .unwrap();
    let first = places[0].function.as_ref().expect("a function");
    assert_eq!(first.name, "syscall", "{places:?}");
    let module = first.module.as_ref().unwrap().display().to_string();
    assert!(module.contains("libc"), "{module}");
    assert!(
        places[0].to_string().starts_with("syscall+0x"),
        "{}",
        places[0]
    );
    assert!(symbols.of_process(u32::MAX / 2, &[1]).is_err());
}

#[test]
fn addresses_of_functions_lead_to_them() {
    let symbols = Symbols::new();
    let here = user_stacks_lead_to_the_system_call as fn() as usize as u64;
    let places = symbols.of_process(std::process::id(), &[here, 8]).unwrap();
    let function = places[0].function.as_ref().unwrap();
    assert!(
        function
            .name
            .contains("user_stacks_lead_to_the_system_call"),
        "{places:?}"
    );
    assert_eq!((function.offset, &places[1].function), (0, &None));
    assert_eq!(places[1].to_string(), "0x8");
}

#[test]
fn kernel_stacks_lead_to_bpf() {
    let places = Symbols::new().of_kernel(&stack("kernel_stack")).unwrap();
    let names: Vec<_> = places
        .iter()
        .filter_map(|place| Some(&place.function.as_ref()?.name))
        .collect();
    assert!(names.iter().any(|name| name.contains("bpf")), "{names:?}");
}

/// Set in the process whose functions are looked for.
const SLEEPER: &str = "OXBPF_TEST_SLEEPER";

/// Starts a copy of this program which only the process itself sees, in a file system of its own.
#[allow(unsafe_code)]
fn start_unseen(directory: &std::path::Path) -> Child {
    use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
    use rustix::thread::{UnshareFlags, unshare_unsafe};

    // SAFETY: takes only the mounts and the working directory of this thread apart.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS | UnshareFlags::FS) }.unwrap();
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).unwrap();
    mount("unseen", directory, "tmpfs", MountFlags::empty(), None).unwrap();
    let copy = directory.join("unseen");
    std::fs::copy("/proc/self/exe", &copy).unwrap();
    let mut child = Command::new(copy)
        .args(["--exact", "files_of_another_mount_namespace_are_read"])
        .arg("--nocapture")
        .env(SLEEPER, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    assert!(output.lines().any(|line| line.unwrap() == "ready"));
    child
}

#[test]
fn files_of_another_mount_namespace_are_read() {
    if std::env::var_os(SLEEPER).is_some() {
        println!("\nready");
        loop {
            std::thread::park();
        }
    }
    let directory = std::env::temp_dir().join(format!("oxbpf-unseen-{}", std::process::id()));
    std::fs::create_dir(&directory).unwrap();
    let place = directory.clone();
    let started = std::thread::spawn(move || start_unseen(&place)).join();
    let mut child = started.unwrap();
    assert!(!directory.join("unseen").exists());

    let bytes = std::fs::read("/proc/self/exe").unwrap();
    let this = Executable::parse(&bytes).unwrap();
    let is_sought = |name: &str| name.contains("files_of_another_mount_namespace");
    let mut functions = this.functions().iter();
    let function = functions.find(|function| is_sought(function.name)).unwrap();
    // Where the file is mapped there: `START-END r-xp OFFSET ... PATH`.
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", child.id())).unwrap();
    let address = maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let hex = |text| u64::from_str_radix(text, 16).ok();
        let (start, end) = (hex(start)?, hex(end)?);
        let offset = hex(rest.split(' ').nth(1)?)?;
        let within = function.offset.checked_sub(offset)?;
        (line.ends_with("/unseen") && within < end - start).then_some(start + within)
    });
    let symbols = Symbols::new();
    let places = symbols.of_process(child.id(), &[address.unwrap()]);
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::remove_dir(&directory).unwrap();
    let places = places.unwrap();
    assert!(
        is_sought(&places[0].function.as_ref().unwrap().name),
        "{places:?}"
    );
}
