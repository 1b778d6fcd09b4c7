//! Loading what can be loaded, with a report on each program.

use std::num::NonZeroUsize;
use std::time::Duration;

use oxbpf::object::spec::DataKind;
use oxbpf::object::{CollectionSpec, asm};
use oxbpf::program::{LogLevel, TestRun};
use oxbpf::{ErrorKind, Loadable, Loader, PartialLoad};
use rustix::io::Errno;

fn spec_of(spec: impl Loadable) -> CollectionSpec {
    spec.into_spec().unwrap()
}

/// With all of its programs to be loaded.
fn all_of(mut spec: CollectionSpec) -> CollectionSpec {
    for program in spec.programs_mut() {
        program.autoload = true;
    }
    spec
}

fn core() -> CollectionSpec {
    all_of(spec_of(fixtures::core::Spec::embedded().unwrap()))
}

fn rejected() -> CollectionSpec {
    all_of(spec_of(fixtures::rejected::Spec::embedded().unwrap()))
}

fn keep_going(loader: &Loader, spec: CollectionSpec) -> PartialLoad {
    loader.keep_going(spec).unwrap()
}

#[test]
fn one_refused_program_leaves_the_others() {
    let spec = core();
    let names: Vec<String> = spec.programs().iter().map(|p| p.name.clone()).collect();
    let loaded = keep_going(&Loader::new(), spec);
    assert!(!loaded.is_complete());
    let reported: Vec<_> = loaded.programs.iter().map(|r| r.name.clone()).collect();
    assert_eq!(reported, names);
    let failed: Vec<_> = loaded
        .programs
        .iter()
        .filter(|report| !report.is_loaded())
        .map(|report| report.name.as_str())
        .collect();
    assert_eq!(failed, ["read_missing"]);
    assert_eq!(loaded.collection.programs().len(), names.len() - 1);

    let report = loaded.report("read_missing").unwrap();
    assert_eq!(report.error().unwrap().kind(), ErrorKind::Rejected);
    assert_eq!(report.errno(), Some(Errno::INVAL.raw_os_error()));
    let summary = report.summary().unwrap();
    assert!(summary.contains("`no_such_field`"), "{summary}");
    let line = report.source_line().unwrap();
    assert!(line.file.as_deref().unwrap().ends_with("core.bpf.c"));
    assert!(report.log().contains("invalid func"), "{}", report.log());

    for report in loaded.programs.iter().filter(|r| r.is_loaded()) {
        assert_eq!(report.summary(), None);
        assert!(report.insns > 0);
        assert!(report.load_time > Duration::ZERO);
        let stats = report.stats().unwrap();
        assert!(stats.processed_insns.unwrap() > 0, "{stats:?}");
        let log = report.log();
        assert!(stats.stack_depth.is_some() && stats.time.is_some(), "{log}");
        assert!(stats.peak_states.is_some() && stats.total_states.is_some());
        // The figures, and nothing else.
        assert!(report.log().lines().count() < 5, "{}", report.log());
    }
}

#[test]
fn verdicts_do_not_depend_on_the_number_of_threads() {
    let verdicts = |threads: usize| {
        let loader = Loader::new().threads(NonZeroUsize::new(threads).unwrap());
        let loaded = keep_going(&loader, rejected());
        let verdicts: Vec<_> = loaded
            .programs
            .iter()
            .map(|report| {
                assert!(!report.log().is_empty(), "{}", report.name);
                (
                    report.name.clone(),
                    report.errno().unwrap(),
                    report.summary().unwrap(),
                )
            })
            .collect();
        assert_eq!(loaded.collection.maps().len(), 2);
        verdicts
    };
    let serial = verdicts(1);
    assert_eq!(serial, verdicts(3));
    let of = |name: &str| serial.iter().find(|(n, ..)| n == name).unwrap();
    let (_, errno, summary) = of("no_null_check");
    assert_eq!(*errno, Errno::ACCESS.raw_os_error());
    assert!(
        summary.contains("map_value_or_null") || summary.contains("NULL"),
        "{summary}"
    );
}

#[test]
fn a_map_that_cannot_be_made_concerns_who_uses_it() {
    let mut spec = spec_of(fixtures::maps::Spec::embedded().unwrap());
    let user = spec
        .programs()
        .iter()
        .position(|program| program.autoload)
        .unwrap();
    let user = spec.programs()[user].name.clone();
    let function = spec.program(&user).unwrap().function;
    let used = spec.functions()[function]
        .relocs
        .iter()
        .find_map(|reloc| match reloc.target {
            oxbpf::object::spec::RelocTarget::Map(map) => Some(map),
            _ => None,
        })
        .unwrap();
    let map = &mut spec.maps_mut()[used];
    // Not even a page of keys.
    map.key_size = u32::MAX;
    let map = map.name.clone();
    let others = spec.programs().iter().filter(|p| p.autoload).count() - 1;
    let loaded = keep_going(&Loader::new(), spec);
    let [(failed, error)] = &loaded.failed_maps[..] else {
        panic!("{:?}", loaded.failed_maps);
    };
    assert_eq!(*failed, map);
    assert!(error.to_string().contains(&map), "{error}");
    let summary = loaded.report(&user).unwrap().summary().unwrap();
    assert!(
        summary.contains(&format!("map `{map}`, which was not created")),
        "{summary}"
    );
    assert!(!loaded.collection.has_map(&map));
    assert!(others == 0 || loaded.collection.programs().len() > 0);
}

#[test]
fn accepted_programs_tell_as_much_as_asked_for() {
    let spec = || spec_of(fixtures::globals::Spec::embedded().unwrap());
    // The kernel throws away what level 1 has to say of a program that it accepts.
    let loader = Loader::new().log_level(LogLevel::LEVEL2);
    let loaded = keep_going(&loader, spec());
    assert!(loaded.is_complete());
    let report = loaded.report("count").unwrap();
    assert!(report.log().contains("(95) exit"), "{}", report.log());
    // It is a program like any other.
    let run = TestRun {
        data: &[0; 14],
        ..TestRun::default()
    };
    report.program().unwrap().test_run(run).unwrap();
    assert_eq!(
        loaded
            .collection
            .variable::<u64>("runs")
            .unwrap()
            .load()
            .unwrap(),
        1
    );
}

#[test]
fn what_never_gets_to_the_kernel_is_reported_too() {
    let mut spec = spec_of(fixtures::globals::Spec::embedded().unwrap());
    let program = spec.program_mut("count").unwrap();
    program.prog_type = None;
    let loaded = keep_going(&Loader::new(), spec);
    let report = loaded.report("count").unwrap();
    assert_eq!((report.program_type, report.errno()), (None, None));
    assert_eq!(report.log(), "");
    let summary = report.summary().unwrap();
    assert!(summary.contains("set its `prog_type`"), "{summary}");
    assert!(report.stats().is_none());
}

#[test]
fn a_structure_that_does_not_fit_is_a_matter_of_its_programs() {
    let mut spec = spec_of(fixtures::struct_ops::Spec::embedded().unwrap());
    let is_structure = |kind| kind == DataKind::StructOps;
    let position = spec
        .maps()
        .iter()
        .position(|map| map.autocreate && map.data.as_ref().is_some_and(|d| is_structure(d.kind)))
        .unwrap();
    for map in spec.maps_mut().iter_mut().skip(position + 1) {
        map.autocreate &= map.data.as_ref().is_none_or(|d| !is_structure(d.kind));
    }
    let map = &mut spec.maps_mut()[position];
    map.data.as_mut().unwrap().contents.clear();
    let name = map.name.clone();
    let loaded = keep_going(&Loader::new(), spec);
    assert_eq!(loaded.failed_maps[0].0, name);
    assert!(loaded.collection.struct_ops(&name).is_err());
    let reports = loaded
        .programs
        .iter()
        .filter(|r| r.section.starts_with("struct_ops"));
    for report in reports {
        let summary = report.summary().unwrap();
        assert!(
            summary.contains(&format!("`{name}` could not be fitted")),
            "{summary}"
        );
    }
    assert!(
        loaded
            .programs
            .iter()
            .any(|r| r.section.starts_with("struct_ops"))
    );
}

#[test]
fn what_is_wrong_with_the_object_is_an_error() {
    let mut spec = core();
    spec.endian = match spec.endian {
        oxbpf::object::Endian::Little => oxbpf::object::Endian::Big,
        oxbpf::object::Endian::Big => oxbpf::object::Endian::Little,
    };
    let error = Loader::new().keep_going(spec).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidObject);
}

#[test]
fn tail_calls_to_refused_programs_fall_through() {
    let mut spec = spec_of(fixtures::maps::Spec::embedded().unwrap());
    let slots: Vec<usize> = spec
        .maps()
        .iter()
        .flat_map(|map| &map.values)
        .filter_map(|(_, slot)| match slot {
            oxbpf::object::spec::SlotRef::Program(program) => Some(*program),
            _ => None,
        })
        .collect();
    let name = spec.programs()[slots[0]].name.clone();
    let function = spec.programs()[slots[0]].function;
    let function = &mut spec.functions_mut()[function];
    // Leaves r0 unset.
    function.insns = asm::program([asm::exit()]);
    function.relocs.clear();
    function.line_info.clear();
    let loaded = keep_going(&Loader::new(), spec);
    assert!(!loaded.report(&name).unwrap().is_loaded());
    assert!(loaded.failed_maps.is_empty(), "{:?}", loaded.failed_maps);
    assert!(loaded.programs.iter().filter(|r| r.is_loaded()).count() > 0);
}
