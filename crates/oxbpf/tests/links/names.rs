//! Names that nothing can have: each builder says so in one sentence, and does nothing.

use oxbpf::object::CollectionSpec;
use oxbpf::{
    Kprobe, KprobeMulti, Kretprobe, Link, RawTracepoint, Tracepoint, TracingMulti, Uprobe,
    UprobeMulti, Xdp,
};

use super::fixture::{Fixture, spec_with};
use super::*;

/// More of a name than the kernel's files of probes are to read, an end before the end, letters of another script,
/// nothing, a way out, and what is too long.
fn odd_names() -> Vec<String> {
    let odd = [
        "vfs_open\np:evil/evil vfs_open",
        "vfs_open\0",
        "vfs_öpen",
        "",
        "../vfs_open",
        "vfs open",
    ];
    let mut all: Vec<String> = odd.map(str::to_owned).into();
    all.push("v".repeat(5000));
    all
}

const KINDS: [ErrorKind; 3] = [
    ErrorKind::InvalidInput,
    ErrorKind::NotFound,
    ErrorKind::Unsupported,
];

#[track_caller]
fn assert_refused(builder: &str, name: &str, attached: Result<Link, Error>) {
    let error = attached.map(drop).expect_err(builder);
    let text = error.to_string();
    assert!(
        KINDS.contains(&error.kind()),
        "{builder}, {name:?}: {error:?}"
    );
    assert!(!text.contains(['\n', '\0']), "{builder}: {text:?}");
}

#[test]
fn odd_names_are_refused_by_every_builder() {
    let before = (descriptors(), probes());
    let fixtures: Vec<(&str, Option<Fixture>)> = [
        "at_any_tp",
        "at_raw_tp",
        "at_any_kprobe",
        "cookie_of_kprobe_multi",
        "cookie_of_uprobe",
        "cookie_of_uprobe_multi",
        "cookie_of_fentry_multi",
        "at_xdp",
    ]
    .map(|name| (name, Fixture::load(&[name]).ok()))
    .into();
    for name in &odd_names() {
        for (program_name, fixture) in &fixtures {
            let Some(fixture) = fixture else {
                continue;
            };
            let program = &fixture.program(program_name);
            let names = [name.as_str()];
            let attached: Vec<(&str, Result<Link, Error>)> = match *program_name {
                "at_any_tp" => vec![
                    (
                        "Tracepoint",
                        Tracepoint::new("syscalls", name).attach(program),
                    ),
                    (
                        "Tracepoint, category",
                        Tracepoint::new(name, "sys_enter").attach(program),
                    ),
                ],
                "at_raw_tp" => vec![("RawTracepoint", RawTracepoint::new(name).attach(program))],
                "at_any_kprobe" if has_kprobes() => vec![
                    ("Kprobe", Kprobe::new(name).attach(program)),
                    ("Kprobe, system call", Kprobe::syscall(name).attach(program)),
                    ("Kretprobe", Kretprobe::new(name).attach(program)),
                ],
                "cookie_of_kprobe_multi" => vec![
                    ("KprobeMulti", KprobeMulti::functions(names).attach(program)),
                    (
                        "KprobeMulti, pattern",
                        KprobeMulti::pattern(name).attach(program),
                    ),
                ],
                "cookie_of_uprobe" => vec![
                    ("Uprobe", Uprobe::new("libc.so.6", name).attach(program)),
                    ("Uprobe, file", Uprobe::new(name, "getpgid").attach(program)),
                ],
                "cookie_of_uprobe_multi" => vec![
                    (
                        "UprobeMulti",
                        UprobeMulti::functions("libc.so.6", names).attach(program),
                    ),
                    (
                        "UprobeMulti, pattern",
                        UprobeMulti::pattern("libc.so.6", name).attach(program),
                    ),
                    (
                        "UprobeMulti, file",
                        UprobeMulti::pattern(name, "getpgid").attach(program),
                    ),
                ],
                "cookie_of_fentry_multi" => vec![
                    (
                        "TracingMulti",
                        TracingMulti::functions(None, names).attach(program),
                    ),
                    (
                        "TracingMulti, pattern",
                        TracingMulti::pattern(None, name).attach(program),
                    ),
                    (
                        "TracingMulti, module",
                        TracingMulti::pattern(Some(name), "*").attach(program),
                    ),
                ],
                "at_xdp" => vec![("Xdp", Xdp::new(name).attach(program))],
                _ => vec![],
            };
            for (builder, attached) in attached {
                assert_refused(builder, name, attached);
            }
        }
    }
    drop(fixtures);
    assert_eq!((descriptors(), probes()), before);
}

/// Where the target is part of the load.
#[test]
fn odd_names_of_targets_are_refused_by_the_loader() {
    let before = descriptors();
    for name in odd_names() {
        for program in ["at_fentry", "at_tp_btf", "at_lsm"] {
            let mut spec: CollectionSpec = spec_with(&[program]);
            spec.program_mut(program).unwrap().attach_to = Some(name.clone());
            let error = Fixture::load_spec(spec, &oxbpf::Loader::new());
            let error = error.map(drop).expect_err(program);
            assert!(
                KINDS.contains(&error.kind()),
                "{program}, {name:?}: {error:?}"
            );
            let text = error.to_string();
            assert!(!text.contains(['\n', '\0']), "{program}: {text:?}");
        }
    }
    assert_eq!(descriptors(), before);
}
