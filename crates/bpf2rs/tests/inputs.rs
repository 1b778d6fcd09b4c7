//! What can go in: several C files, objects, sources that read registers; and in which forms it can
//! come out.

mod common;

use std::{fs, process::Command};

use bpf2rs::{Arch, Builder};
use common::{Project, Run, bpf2rs, cargo};
use oxbpf::object::CollectionSpec;

const MAIN: &str = r#"#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";
extern __u32 shared;
__u32 scaled(__u32 value);

SEC("socket")
int main_program(void *ctx)
{
	return scaled(shared);
}
"#;

const LIBRARY: &str = r#"#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";
__u32 shared = 5;
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} sums SEC(".maps");

__u32 scaled(__u32 value)
{
	return value * 3;
}
"#;

fn text(project: &Project, path: &str) -> String {
    String::from_utf8(project.read(path)).unwrap()
}

#[test]
fn several_files_become_one_object() {
    let project = Project::new();
    project.write("main.bpf.c", MAIN);
    project.write("library.bpf.c", LIBRARY);
    let run = project
        .run(&["tool", "main.bpf.c", "library.bpf.c", "--output-dir", "out"])
        .succeeds();
    assert_eq!(run.out, "out/tool.rs\nout/tool.bpfel.o\nout/tool.bpfeb.o\n");
    let spec = CollectionSpec::parse(&project.read("out/tool.bpfel.o")).unwrap();
    assert!(spec.map("sums").is_some() && spec.program("main_program").is_some());
    let module = text(&project, "out/tool.rs");
    assert!(module.contains("from main.bpf.c, library.bpf.c with clang"));
    assert!(module.contains("compiled from `main.bpf.c` and `library.bpf.c`"));
    assert!(module.contains("pub shared: u32,"), "{module}");

    project.write(
        "other.bpf.c",
        &LIBRARY.replace("__u32 shared", "__u64 shared"),
    );
    let run = project
        .run(&["tool", "main.bpf.c", "other.bpf.c", "--output-dir", "out"])
        .fails();
    assert!(
        run.err.contains("linking main.bpf.c, other.bpf.c"),
        "{}",
        run.err
    );
    assert!(run.err.contains("shared"), "{}", run.err);
}

#[test]
fn objects_are_taken_as_they_are_and_need_no_clang() {
    let project = Project::new();
    project.generate(&[]).succeeds();
    let path = std::env::join_paths(["/nonexistent"]).unwrap();
    for target in ["bpfel", "bpfeb"] {
        let object = format!("out/count.{target}.o");
        let run = common::Run::of(
            bpf2rs()
                .current_dir(project.path())
                .env("PATH", &path)
                .env_remove("CLANG")
                .args(["again", &object, "--output-dir", "again"]),
        )
        .succeeds();
        assert_eq!(run.out, format!("again/again.rs\nagain/again.{target}.o\n"));
        assert_eq!(
            project.read(&format!("again/again.{target}.o")),
            project.read(&object)
        );
        let module = text(&project, "again/again.rs");
        let first = module.lines().next().unwrap();
        assert!(first.ends_with(&format!("from count.{target}.o. Do not edit.")));
        // Whatever is generated on this machine, it is not for the other byte order.
        let other = if target == "bpfel" { "bpfeb" } else { "bpfel" };
        assert!(
            module.contains(&format!("add `--target {other}`")),
            "{module}"
        );
    }
    project.write("none.o", "no object");
    let run = project.run(&["none", "none.o"]).fails();
    assert!(run.err.contains("none.o` is no BPF object"), "{}", run.err);
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
}

#[test]
fn an_object_without_types_is_typed_as_far_as_it_goes() {
    let project = Project::new();
    project.write(
        "plain.c",
        "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n\
         struct bpf_map_def { int type, key_size, value_size, max_entries, flags; };\n\
         struct bpf_map_def SEC(\"maps\") table = { 1, 4, 8, 9 };\nint counter = 3;\n\
         SEC(\"xdp\") int f(void *ctx) { return counter + (long)&table; }\n\
         char _license[] SEC(\"license\") = \"GPL\";\n",
    );
    let clang = bpf2rs::Clang::find().unwrap();
    let status = Command::new(clang.path())
        .current_dir(project.path())
        .args(["-target", "bpfel", "-O2", "-c", "plain.c", "-o", "plain.o"])
        .args(["-idirafter", "/usr/include/x86_64-linux-gnu"])
        .args(["-idirafter", "/usr/include/aarch64-linux-gnu"])
        .status()
        .unwrap();
    assert!(status.success());
    project.run(&["plain", "plain.o"]).succeeds();
    let module = text(&project, "plain.rs");
    assert!(module.contains("pub table: ::oxbpf::Map,"), "{module}");
    assert!(
        module.contains("A map of type `hash` from 4 bytes to 8 bytes, 9 entries."),
        "{module}"
    );
    assert!(
        module.contains("The C source does not give the map's types"),
        "{module}"
    );
    assert!(
        module.contains("Typed<::oxbpf::program::XdpKind>"),
        "{module}"
    );
    assert!(!module.contains("counter"), "{module}");
}

#[test]
fn each_processor_has_its_object() {
    let project = Project::new();
    project.write(
        "src/count.bpf.c",
        "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n\
         #if defined(__TARGET_ARCH_x86)\nint on_x86 = 1;\n\
         #elif defined(__TARGET_ARCH_s390)\nint on_s390 = 2;\n\
         #elif defined(__TARGET_ARCH_arm64)\nint on_arm64 = 3;\n#endif\n\
         char LICENSE[] SEC(\"license\") = \"GPL\";\n\
         SEC(\"xdp\") int f(void *ctx) { return 0; }\n",
    );
    let run = project
        .generate(&["--arch", "x86_64,aarch64,s390x"])
        .succeeds();
    assert_eq!(
        run.out,
        "out/count.rs\nout/count.x86_64.bpfel.o\nout/count.aarch64.bpfel.o\n\
         out/count.s390x.bpfeb.o\n"
    );
    let module = text(&project, "out/count.rs");
    for (endian, arch, variable) in [
        ("little", "x86_64", "on_x86"),
        ("little", "aarch64", "on_arm64"),
        ("big", "s390x", "on_s390"),
    ] {
        let cfg = format!("#[cfg(all(target_endian = \"{endian}\", target_arch = \"{arch}\"))]");
        let (_, rest) = module
            .split_once(&cfg)
            .unwrap_or_else(|| panic!("{module}"));
        let part = rest.split("#[cfg(all(").next().unwrap();
        assert!(part.contains(&format!("pub {variable}: i32")), "{part}");
    }
    assert!(
        module.contains("for x86_64, aarch64, s390x only"),
        "{module}"
    );
    project
        .generate(&["--arch", "x86_64,aarch64,s390x", "--check"])
        .succeeds();

    let output = Builder::new(project.path().join("src/count.bpf.c"))
        .arch(Arch::host().unwrap())
        .generate()
        .unwrap();
    let (variant, _) = output.objects().next().unwrap();
    assert_eq!(variant.arch, Arch::host());
    assert_eq!(
        variant.target.endian_name(),
        if cfg!(target_endian = "little") {
            "little"
        } else {
            "big"
        }
    );
}

#[test]
fn a_module_without_its_object_is_given_one() {
    let project = Project::new();
    project.generate(&["--no-embed"]).succeeds();
    let module = text(&project, "out/count.rs");
    assert!(
        module.contains("pub fn from_bytes(bytes: &[u8])"),
        "{module}"
    );
    assert!(!module.contains("include_bytes"), "{module}");
    assert!(!module.contains("fn embedded"), "{module}");
    assert!(project.path().join("out/count.bpfel.o").exists());
}

#[test]
fn the_module_can_have_another_name_and_place() {
    let project = Project::new();
    let run = project
        .run(&[
            "count",
            "src/count.bpf.c",
            "--output",
            "gen/counter_bpf.rs",
            "--",
            "-Iinclude",
        ])
        .succeeds();
    assert_eq!(
        run.out,
        "gen/counter_bpf.rs\ngen/counter_bpf.bpfel.o\ngen/counter_bpf.bpfeb.o\n"
    );
    let module = text(&project, "gen/counter_bpf.rs");
    assert!(
        module.contains("include_bytes!(\"counter_bpf.bpfel.o\")"),
        "{module}"
    );
    assert!(module.contains("The object `count`"), "{module}");
    let run = project
        .run(&["count", "src/count.bpf.c", "--output", "gen"])
        .fails();
    assert!(run.err.contains("`gen` is no Rust file"), "{}", run.err);
}

#[test]
fn the_name_may_be_an_option_or_that_of_the_source() {
    let project = Project::new();
    let given = |arguments: &[&str]| {
        let all = [arguments, &["--target", "bpfel", "--", "-Iinclude"]].concat();
        let out = project.run(&all).succeeds().out;
        let module = out.lines().next().unwrap_or_default().to_owned();
        let text = text(&project, &module);
        let (_, name) = text.split_once("The object `").unwrap();
        (
            module,
            name.split('`').next().unwrap_or_default().to_owned(),
        )
    };
    let pair = |module: &str, name: &str| (module.to_owned(), name.to_owned());
    assert_eq!(
        given(&["src/count.bpf.c", "--ident", "mine"]),
        pair("./mine.rs", "mine")
    );
    assert_eq!(
        given(&[
            "src/count.bpf.c",
            "--ident",
            "mine",
            "--output",
            "out/yours.rs"
        ]),
        pair("out/yours.rs", "mine")
    );
    assert_eq!(given(&["src/count.bpf.c"]), pair("./count.rs", "count"));
    let run = project
        .run(&["src/count.bpf.c", "--ident", "no name"])
        .fails();
    assert!(
        run.err.contains("`no name` cannot be the name"),
        "{}",
        run.err
    );
    let run = project.run(&["count"]).fails();
    assert!(run.err.contains("`count` is no C source"), "{}", run.err);
}

#[test]
fn make_learns_what_the_output_depends_on() {
    let project = Project::new();
    project
        .generate(&["--target", "bpfel", "--depfile", "out.d"])
        .succeeds();
    let rule = text(&project, "out.d");
    assert!(
        rule.starts_with("out/count.rs out/count.bpfel.o: \\\n"),
        "{rule}"
    );
    assert!(rule.contains("include/shared.h"), "{rule}");
    assert!(rule.contains("src/count.bpf.c"), "{rule}");
    if Command::new("make").arg("--version").output().is_err() {
        println!("SKIP make_learns_what_the_output_depends_on: no make");
        return;
    }
    project.write("Makefile", "include out.d\nout/count.rs:\n\tfalse\n");
    let stale = || {
        let make = Command::new("make")
            .current_dir(project.path())
            .args(["--question", "out/count.rs"])
            .status();
        !make.unwrap().success()
    };
    assert!(!stale());
    let header = project.path().join("include/shared.h");
    let later = fs::metadata(project.path().join("out/count.rs"))
        .unwrap()
        .modified()
        .unwrap()
        + std::time::Duration::from_secs(2);
    fs::File::options()
        .append(true)
        .open(&header)
        .unwrap()
        .set_modified(later)
        .unwrap();
    assert!(stale());
    // A header that is gone is no error.
    fs::remove_file(header).unwrap();
    assert!(stale());
}

/// A source that gets to types it does not name, through members that it does.
const PATHS: &str = r#"#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";
__u64 inode;
__u32 state = TASK_COMM_LEN;

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	inode = BPF_CORE_READ(task, mm, exe_file, f_inode, i_ino);
	if (bpf_core_enum_value_exists(enum bpf_map_type, BPF_MAP_TYPE_RINGBUF))
		state = BPF_MAP_TYPE_RINGBUF;
	return 0;
}
"#;

#[test]
fn the_least_vmlinux_h_gives_the_same_program() {
    if !std::path::Path::new("/sys/kernel/btf/vmlinux").exists() {
        println!("SKIP the_least_vmlinux_h_gives_the_same_program: this kernel has no BTF");
        return;
    }
    let project = Project::new();
    project.write("paths.bpf.c", &PATHS.replace("TASK_COMM_LEN", "1"));
    let whole = ["paths", "paths.bpf.c", "--target", "bpfel", "--output-dir"];
    let least = [&whole[..], &["least", "--minimal-vmlinux"]].concat();
    project.run(&[&whole[..], &["whole"]].concat()).succeeds();
    project.run(&least).succeeds();
    let object = |directory: &str| {
        CollectionSpec::parse(&project.read(&format!("{directory}/paths.bpfel.o"))).unwrap()
    };
    let (whole, least) = (object("whole"), object("least"));
    let insns = |spec: &CollectionSpec| spec.functions()[0].insns.clone();
    assert_eq!(insns(&whole), insns(&least));
    assert_eq!(
        whole.functions()[0].core_relos.len(),
        least.functions()[0].core_relos.len()
    );
    assert!(whole.functions()[0].core_relos.len() >= 5);

    let run = project.run(&["vmlinux", "paths.bpf.c"]).succeeds();
    assert!(run.out.contains("struct mm_struct {"), "{}", run.out.len());
    assert!(run.out.contains("BPF_MAP_TYPE_RINGBUF"));
    assert!(
        run.out.lines().count() < 20_000,
        "{}",
        run.out.lines().count()
    );
    // It can be committed, and is enough by itself.
    project.write("vmlinux.h", &run.out);
    let own = [
        "paths",
        "paths.bpf.c",
        "--target",
        "bpfel",
        "--vmlinux",
        "none",
    ];
    project.run(&[&own[..], &["--", "-I."]].concat()).succeeds();
}

/// Names that are none in Rust, or one there.
const NAMES: &str = r#"#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";
struct item { __u32 of_one_file; };
struct Item { __u64 of_another_name; };
struct Self { __u32 crate, gen, self, Self; };
struct item first;
struct Item second;
struct Self third;
__u32 dollar$name, dollar_name;
__u32 type, spec, maps;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct item);
} fn SEC(".maps");

SEC("socket") int match(void *ctx) { return type + spec; }
SEC("?socket") int super(void *ctx) { return maps; }
"#;

const OTHER_ITEM: &str = r#"#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";
struct item { __u64 of_two[2]; };
struct item fourth;
__u32 foo SEC(".data.foo") = 1;

struct operations { int (*init)(void); __u32 flags; };
SEC("struct_ops") int my_init(void *ctx) { return 0; }
SEC(".struct_ops") struct operations data_foo = { .init = (void *)my_init };
"#;

#[test]
fn names_that_are_none_or_taken_are_changed() {
    let project = Project::new();
    project.write("names.bpf.c", NAMES);
    project.write("other.bpf.c", OTHER_ITEM);
    project
        .run(&["names", "names.bpf.c", "other.bpf.c", "--output-dir", "src"])
        .succeeds();
    let module = text(&project, "src/names.rs");
    for definition in [
        "pub struct Item {",
        "pub struct Item2 {",
        "pub struct Item3 {",
        "pub struct Self_ {",
        "pub crate_: u32,",
        "pub r#gen: u32,",
        "pub Self_: u32,",
        "pub dollar_name: u32,",
        "pub dollar_name_2: u32,",
        "pub r#fn: ::oxbpf::map::HashMap<u32, types::Item>,",
        "pub r#match: ::oxbpf::program::Typed",
        "pub super_: ::core::option::Option<",
        // Of a section and of a structure for the kernel.
        "pub struct DataFooSpec {",
        "pub struct DataFooSpec2 {",
    ] {
        assert!(module.contains(definition), "{definition} in {module}");
    }
    project.write(
        "Cargo.toml",
        "[package]\nname = \"names\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [dependencies]\noxbpf = \"0.1.0\"\n",
    );
    project.write("src/lib.rs", "#![deny(warnings)]\npub mod names;\n");
    Run::of(&mut cargo(project.path(), &["check"])).succeeds();
}

#[test]
fn an_object_of_the_other_byte_order_is_for_machines_of_that() {
    let project = Project::new();
    project.generate(&[]).succeeds();
    for (ours, other, endian) in [("bpfel", "bpfeb", "little"), ("bpfeb", "bpfel", "big")] {
        let object = format!("out/count.{ours}.o");
        let run = project
            .run(&["alone", &object, "--output-dir", ours])
            .succeeds();
        assert_eq!(run.out, format!("{ours}/alone.rs\n{ours}/alone.{ours}.o\n"));
        let module = text(&project, &format!("{ours}/alone.rs"));
        assert!(module.contains(&format!("#[cfg(not(target_endian = \"{endian}\"))]")));
        assert!(module.contains(&format!(
            "for the other byte order only: add `--target {other}`"
        )));
    }
}
