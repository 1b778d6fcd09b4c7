//! Externs of objects from clang, resolved in a real kernel.

#[macro_use]
mod common;

use std::fs;

use oxbpf::btf::KernelBtf;
use oxbpf::map::Array;
use oxbpf::object::btf::Kind;
use oxbpf::program::{Program, TestRun};
use oxbpf::{Collection, ErrorKind, Loadable, Loader, Result, kallsyms};

/// A configuration with all that the fixture asks for.
const CONFIG: &str = "# CONFIG_UNSET is not set
CONFIG_BOOL=y
CONFIG_CHAR=m
CONFIG_TRISTATE=m
CONFIG_SHORT=-2
CONFIG_INT=0xfffffffe
CONFIG_LONG=0x123456789abcdef0
CONFIG_TEXT=\"cut off\"
";

fn run(program: &Program) -> u32 {
    let run = TestRun {
        data: &[0; 14],
        ..TestRun::default()
    };
    program.test_run(run).unwrap().return_value
}

/// Loads one program of a fixture, and nothing else.
fn load_only(loader: &Loader, spec: impl Loadable, name: &str) -> Result<Collection> {
    let mut spec = spec.into_spec().unwrap();
    for program in spec.programs_mut() {
        program.autoload = program.name == name;
    }
    loader.load(spec)
}

fn kconfig() -> fixtures::kconfig::Spec {
    fixtures::kconfig::Spec::embedded().unwrap()
}

fn ksyms() -> fixtures::ksyms::Spec {
    fixtures::ksyms::Spec::embedded().unwrap()
}

/// What one program of the fixture returns.
fn answer(spec: impl Loadable, name: &str) -> u32 {
    let collection = load_only(&Loader::new(), spec, name).unwrap();
    run(&collection.program(name).unwrap())
}

fn refusal(loader: &Loader, spec: impl Loadable, name: &str) -> oxbpf::Error {
    let error = load_only(loader, spec, name).map(drop).unwrap_err();
    assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
    error
}

fn has_function(name: &str) -> bool {
    let kernel = KernelBtf::running().unwrap();
    kernel.types().find(name, Kind::FUNC).is_some()
}

fn has_variables() -> bool {
    let kernel = KernelBtf::running().unwrap();
    kernel.types().types().any(|(_, ty)| ty.kind() == Kind::VAR)
}

#[test]
fn settings_of_every_type_come_from_the_given_text() {
    let objects = Loader::new().kconfig(CONFIG).load(kconfig()).unwrap();
    run(&objects.programs.read_values);
    let answers = objects.bss.answers().load().unwrap();
    assert_eq!(answers.a_bool, 1);
    assert_eq!(answers.a_char, b'm');
    assert_eq!(answers.tristate, 2);
    assert_eq!(answers.a_short, -2);
    assert_eq!(answers.a_int, 0xffff_fffe);
    assert_eq!(answers.a_long, 0x1234_5678_9abc_def0);
    assert_eq!(answers.text, *b"cut o\0");
    assert_eq!(answers.unset, 0);
}

#[test]
fn settings_are_frozen_variables() {
    let spec = kconfig().into_spec().unwrap();
    let collection = Loader::new().kconfig(CONFIG).load(spec).unwrap();
    let int = collection.variable::<u32>("CONFIG_INT").unwrap();
    assert_eq!(int.load().unwrap(), 0xffff_fffe);
    assert_eq!(int.store(1).unwrap_err().kind(), ErrorKind::ReadOnly);
}

#[test]
fn the_kernels_version_is_that_of_uname() {
    let version = answer(kconfig(), "read_kernel");
    let release = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    let expected = format!("{}.{}.", version >> 16, version >> 8 & 0xff);
    assert!(
        release.starts_with(&expected),
        "{version:#x} is not {release}"
    );
}

#[test]
fn features_are_those_of_the_kernel() {
    let features = answer(kconfig(), "read_features");
    let symbols = kallsyms::find(["__x64_sys_bpf", "__arm64_sys_bpf", "__do_sys_bpf"]).unwrap();
    let wrapped = ["__x64_sys_bpf", "__arm64_sys_bpf"]
        .iter()
        .any(|name| !symbols.named(name).is_empty());
    assert_eq!(features & 1 != 0, wrapped);
    // Both came with 5.15.
    assert_eq!(
        features & 2 != 0,
        has_function("bpf_get_attach_cookie_trace")
    );
}

#[test]
fn the_running_kernel_has_what_this_takes() {
    let release = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    let configured = [
        "/proc/config.gz".to_owned(),
        format!("/boot/config-{release}"),
    ];
    require!(
        configured.iter().any(|path| fs::exists(path).unwrap()),
        "this kernel does not show its configuration"
    );
    assert_eq!(answer(kconfig(), "read_own"), 1);
}

#[test]
fn a_setting_that_is_not_there_is_named() {
    let error = refusal(&Loader::new(), kconfig(), "read_missing");
    assert!(
        error
            .to_string()
            .contains("extern `CONFIG_NO_SUCH_SETTING`"),
        "{error}"
    );
}

#[test]
fn a_setting_of_another_type_says_which() {
    let text = CONFIG.replace("CONFIG_INT=0xfffffffe", "CONFIG_INT=y");
    let error = refusal(&Loader::new().kconfig(text), kconfig(), "read_values");
    assert_eq!(error.kind(), ErrorKind::InvalidObject);
    for part in ["extern `CONFIG_INT`", "the value y takes a bool"] {
        assert!(
            error.to_string().contains(part),
            "{part} is not in: {error}"
        );
    }
}

#[test]
fn sections_that_only_other_programs_use_are_not_created() {
    let spec = || kconfig().into_spec().unwrap();
    let collection = load_only(&Loader::new(), spec(), "read_kernel").unwrap();
    assert!(collection.has_map(".kconfig"));
    assert!(!collection.has_map(".bss"));

    let spec = ksyms().into_spec().unwrap();
    let collection = load_only(&Loader::new(), spec, "call_function").unwrap();
    assert!(!collection.has_map(".bss"));
    // What the object declares as a map is wanted.
    assert!(collection.has_map("optional"));
}

#[test]
fn symbols_have_the_address_that_kallsyms_tells() {
    let objects = Loader::new().load(ksyms()).unwrap();
    assert_eq!(run(&objects.programs.take_address), 0);
    let symbols = kallsyms::find(["vfs_read"]).unwrap();
    let expected = symbols.address("vfs_read").unwrap();
    assert_eq!(Some(objects.bss.address().load().unwrap()), expected);
}

#[test]
fn variables_of_the_kernel_are_read() {
    require!(has_variables(), "this kernel has no variables in its types");
    let symbols = kallsyms::find(["runqueues"]).unwrap();
    require!(
        !symbols.named("runqueues").is_empty(),
        "this kernel tells no addresses of variables (CONFIG_KALLSYMS_ALL)"
    );
    let collection = load_only(
        &Loader::new(),
        ksyms().into_spec().unwrap(),
        "read_variable",
    )
    .unwrap();
    run(&collection.program("read_variable").unwrap());
    let clock = collection.variable::<u64>("clock").unwrap();
    assert_ne!(clock.load().unwrap(), 0);
}

#[test]
fn functions_of_the_kernel_are_called_where_there_are_any() {
    let expected = has_function("bpf_rcu_read_lock").into();
    assert_eq!(answer(ksyms(), "call_function"), expected);
    assert_eq!(answer(ksyms(), "call_flavoured"), expected);
}

#[test]
fn a_call_of_what_is_not_there_is_put_into_words() {
    let error = refusal(&Loader::new(), ksyms(), "call_missing");
    assert_eq!(error.kind(), ErrorKind::Rejected);
    for part in [
        "kernel function `no_such_function` does not exist on this kernel",
        "ksyms.bpf.c:",
    ] {
        assert!(
            error.to_string().contains(part),
            "{part} is not in: {error}"
        );
    }
}

#[test]
fn what_is_not_there_and_not_weak_is_named() {
    let error = refusal(&Loader::new(), ksyms(), "take_missing");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.to_string().contains("symbol `no_such_symbol_either`"),
        "{error}"
    );

    let error = refusal(&Loader::new(), ksyms(), "call_strong_missing");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.to_string().contains("extern `bpf_rcu_read_lok`"),
        "{error}"
    );
    if has_function("bpf_rcu_read_lock") {
        assert!(
            error
                .to_string()
                .contains("did you mean `bpf_rcu_read_lock`"),
            "{error}"
        );
    }
}

#[test]
fn declarations_have_to_fit_the_kernels() {
    require!(has_variables(), "this kernel has no variables in its types");
    let error = refusal(&Loader::new(), ksyms(), "take_incompatible");
    assert_eq!(error.kind(), ErrorKind::Relocation);
    assert!(
        error.to_string().contains("extern `softnet_data`"),
        "{error}"
    );

    require!(
        has_function("bpf_rcu_read_lock"),
        "this kernel has no function bpf_rcu_read_lock"
    );
    let error = refusal(&Loader::new(), ksyms(), "call_incompatible");
    assert_eq!(error.kind(), ErrorKind::Relocation);
    assert!(
        error
            .to_string()
            .contains("`bpf_rcu_read_lock` takes or returns other types"),
        "{error}"
    );
}

#[test]
fn a_map_that_was_not_created_is_named() {
    let mut spec = ksyms().into_spec().unwrap();
    spec.map_mut("optional").unwrap().autocreate = false;
    let error = refusal(&Loader::new(), spec, "use_optional");
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(
        error
            .to_string()
            .contains("map `optional`, which was not created"),
        "{error}"
    );

    let collection =
        load_only(&Loader::new(), ksyms().into_spec().unwrap(), "use_optional").unwrap();
    assert_eq!(run(&collection.program("use_optional").unwrap()), 1);
    let optional: Array<u64> = collection.map("optional").unwrap().typed().unwrap();
    assert_eq!(optional.len(), 1);
}
