//! Programs that attach to other programs of their object, and so are loaded after them.

#[macro_use]
mod common;

use std::num::NonZeroUsize;

use oxbpf::object::CollectionSpec;
use oxbpf::object::kernel::ProgramType;
use oxbpf::program::TestRun;
use oxbpf::{Collection, ErrorKind, Loadable, Loader, PartialLoad, Program, Tracing};
use rustix::io::Errno;

const NO_TRAMPOLINES: &str = "this kernel attaches no programs to functions";

fn levels() -> CollectionSpec {
    fixtures::levels::Spec::embedded()
        .unwrap()
        .into_spec()
        .unwrap()
}

fn position(spec: &CollectionSpec, name: &str) -> usize {
    let mut programs = spec.programs().iter();
    programs.position(|program| program.name == name).unwrap()
}

/// Loads only these programs; `None` where the kernel takes none of the kind.
fn load(names: &[&str], change: impl FnOnce(&mut CollectionSpec)) -> Option<PartialLoad> {
    let mut spec = levels();
    for program in spec.programs_mut() {
        program.autoload = names.contains(&program.name.as_str());
    }
    change(&mut spec);
    let loaded = Loader::new().keep_going(spec).unwrap();
    let is_refused = loaded
        .programs
        .iter()
        .any(|report| report.errno() == Some(Errno::PERM.raw_os_error()));
    (!is_refused).then_some(loaded)
}

fn run(program: &Program) -> u32 {
    let run = TestRun {
        data: &[0; 14],
        ..TestRun::default()
    };
    program.test_run(run).unwrap().return_value
}

#[test]
fn programs_are_loaded_after_those_that_they_attach_to() {
    for threads in [1, 4] {
        let loader = Loader::new().threads(NonZeroUsize::new(threads).unwrap());
        let collection: Collection = match loader.load(levels()) {
            Ok(collection) => collection,
            Err(error) if error.kind() == ErrorKind::PermissionDenied => skip!("{NO_TRAMPOLINES}"),
            Err(error) => panic!("{error:?}"),
        };
        let target = collection.program("target").unwrap();
        assert_eq!(run(&target), 1);
        let links: Vec<_> = ["at_entry", "at_exit"]
            .iter()
            .map(|name| {
                let program = collection.program(name).unwrap();
                Tracing::new().attach(&program).unwrap()
            })
            .collect();
        assert_eq!(run(&target), 1);
        let variable = |name| collection.variable::<u64>(name).unwrap().load().unwrap();
        assert_eq!((variable("entries"), variable("result")), (1, 1));
        drop(links);
        let replacement = collection.program("replacement").unwrap();
        assert_eq!(replacement.program_type(), ProgramType::EXT);
    }
}

#[test]
fn a_function_of_the_kernel_goes_first() {
    let entries = |own: bool| {
        let loaded = load(&["kernel_first", "other_target"], |spec| {
            let target = position(spec, "other_target");
            spec.program_mut("kernel_first").unwrap().target_program = own.then_some(target);
        })?;
        let program = loaded.collection.program("kernel_first").unwrap();
        let _link = Tracing::new().attach(&program).unwrap();
        run(&loaded.collection.program("other_target").unwrap());
        let entries = loaded.collection.variable::<u64>("entries").unwrap();
        Some(entries.load().unwrap())
    };
    let Some(of_the_kernels) = entries(false) else {
        skip!("{NO_TRAMPOLINES}");
    };
    assert_eq!(of_the_kernels, 0);
    assert_eq!(entries(true), Some(1));
}

const SEVERAL: [&str; 3] = ["replacement", "target", "other_target"];

#[test]
fn a_function_that_several_have_takes_telling() {
    let loaded = load(&SEVERAL, |_| {}).unwrap();
    let summary = loaded.report("replacement").unwrap().summary().unwrap();
    assert!(
        summary.contains("`target`, `other_target` all have that function"),
        "{summary}"
    );
    assert!(summary.contains("set its `target_program`"), "{summary}");
}

#[test]
fn the_one_that_was_told_is_taken() {
    let told = load(&SEVERAL, |spec| {
        let target = position(spec, "other_target");
        spec.program_mut("replacement").unwrap().target_program = Some(target);
    });
    let Some(told) = told else {
        skip!("{NO_TRAMPOLINES}");
    };
    assert!(told.is_complete(), "{:?}", told.programs);
}

/// Needs nothing of the kernel: it does not come to a load.
#[test]
fn what_there_is_nothing_to_attach_to_is_told() {
    let summary = |loaded: PartialLoad, name: &str| {
        let report = loaded.report(name).unwrap();
        assert_eq!(report.errno(), None);
        report.summary().unwrap()
    };
    let alone = summary(load(&["replacement"], |_| {}).unwrap(), "replacement");
    assert!(
        alone.contains("replaces function `replaceable` of another program"),
        "{alone}"
    );
    assert!(alone.contains("`Loader::target_program`"), "{alone}");
    let switched_off = load(&["replacement"], |spec| {
        let target = position(spec, "target");
        spec.program_mut("replacement").unwrap().target_program = Some(target);
    });
    let switched_off = summary(switched_off.unwrap(), "replacement");
    assert!(
        switched_off.contains("program `target` is not to be loaded"),
        "{switched_off}"
    );
    let broken = load(&["replacement", "target"], |spec| {
        spec.program_mut("target").unwrap().prog_type = None;
    });
    let broken = summary(broken.unwrap(), "replacement");
    assert!(
        broken.contains("it attaches to program `target`, which was not loaded"),
        "{broken}"
    );
}
