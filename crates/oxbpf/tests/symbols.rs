//! Names for stacks that programs took in a real kernel.

#[macro_use]
mod common;

use oxbpf::map::{Frame, StackTraces};
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
