//! The `bpf2rs` command as its users meet it: what it writes, what it says, what it exits with.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use bpf2rs::{Clang, Target};
use common::{COUNT, Project, Run, bpf2rs};
use oxbpf::object::{
    CollectionSpec, Endian, MapType,
    btf::{BtfBuilder, DeclTag, FuncLinkage, Kind, Member, Param, TypeId},
};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

#[test]
fn writes_a_module_and_an_object_for_each_byte_order() {
    let project = Project::new();
    let run = project.generate(&[]).succeeds();
    assert_eq!(
        run.out,
        "out/count.rs\nout/count.bpfel.o\nout/count.bpfeb.o\n"
    );
    assert_eq!(run.err, "");
    for target in Target::ALL {
        let path = project.path().join("out").join(target.file_name("count"));
        let spec = CollectionSpec::from_file(path).unwrap();
        assert_eq!(Target::of(spec.endian), target);
        assert_eq!(spec.map("counts").unwrap().map_type, MapType::ARRAY);
        assert!(spec.btf.is_some());
    }
}

#[test]
fn the_program_that_introductions_begin_with_compiles() {
    let out = tempfile::tempdir().unwrap();
    let source = format!("{FIXTURES}/kprobe.c");
    Run::of(
        bpf2rs()
            .args(["kprobe", &source, "--output-dir"])
            .arg(out.path()),
    )
    .succeeds();
    let spec = CollectionSpec::from_file(out.path().join("kprobe.bpfel.o")).unwrap();
    assert_eq!(spec.license, "Dual MIT/GPL");
    let map = spec.map("kprobe_map").unwrap();
    assert_eq!(
        (map.map_type, map.key_size, map.value_size, map.max_entries),
        (MapType::ARRAY, 4, 8, 1)
    );
}

#[test]
fn the_same_source_gives_the_same_bytes_wherever_it_lies() {
    same_bytes_wherever_it_lies(&[]);
}

#[test]
fn so_does_its_dwarf() {
    same_bytes_wherever_it_lies(&["--no-strip"]);
}

fn same_bytes_wherever_it_lies(more: &[&str]) {
    let here = Project::new();
    let there = Project::new();
    let source = format!("#include <asm/byteorder.h>\n{COUNT}");
    here.write("src/count.bpf.c", &source);
    there.write("src/count.bpf.c", &source);
    here.generate(more).succeeds();
    // Another directory, other spellings of the same paths.
    let source = there.path().join("src/count.bpf.c");
    let include = format!("-I{}", there.path().join("src/../include").display());
    Run::of(
        bpf2rs()
            .current_dir(std::env::temp_dir())
            .args(["count", source.to_str().unwrap(), "--output-dir"])
            .arg(there.path().join("out"))
            .args(more)
            .args(["--", &include]),
    )
    .succeeds();
    for file in ["count.rs", "count.bpfel.o", "count.bpfeb.o"] {
        let bytes = here.read(&format!("out/{file}"));
        assert_eq!(bytes, there.read(&format!("out/{file}")), "{file}");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for path in [
            here.path(),
            &std::env::temp_dir(),
            &std::env::current_dir().unwrap(),
        ] {
            assert!(
                !text.contains(path.to_str().unwrap()),
                "{file} names {path:?}"
            );
        }
    }
    // Lines of both files are known, by paths that hold anywhere.
    let object = here.read("out/count.bpfel.o");
    for name in [
        "./count.bpf.c",
        "../include/shared.h",
        "return from * 3 + by;",
    ] {
        assert!(
            contains(&object, name.as_bytes()),
            "{name} is not in the object"
        );
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn dwarf_is_stripped_unless_it_is_wanted() {
    let project = Project::new();
    project.generate(&[]).succeeds();
    let stripped = project.read("out/count.bpfel.o");
    project.generate(&["--no-strip"]).succeeds();
    let whole = project.read("out/count.bpfel.o");
    assert!(contains(&whole, b".debug_info") && !contains(&stripped, b".debug_"));
    assert!(stripped.len() < whole.len());
    // The last word counts.
    project.generate(&["--no-strip", "--strip"]).succeeds();
    assert_eq!(project.read("out/count.bpfel.o"), stripped);
    // Everything that a loader reads is the same.
    let parse = |bytes: &[u8]| CollectionSpec::parse_named("count", bytes).unwrap();
    let (stripped, whole) = (parse(&stripped), parse(&whole));
    assert_eq!(stripped.functions(), whole.functions());
    assert_eq!(stripped.maps(), whole.maps());
    assert_eq!(stripped.programs(), whole.programs());
    assert_eq!(stripped.btf.unwrap().raw(), whole.btf.unwrap().raw());
}

#[test]
fn clangs_errors_pass_through_with_their_lines_and_the_command_once() {
    let project = Project::new();
    project.write(
        "src/count.bpf.c",
        &COUNT.replace("__u32 slot = 0;", "__u32 slot = zero;"),
    );
    let run = project.generate(&[]).fails();
    assert_eq!(run.out, "");
    assert!(
        run.err
            .contains("count.bpf.c:18:15: error: use of undeclared identifier 'zero'"),
        "{}",
        run.err
    );
    assert_eq!(
        run.err.matches("the command was: ").count(),
        1,
        "{}",
        run.err
    );
    assert_eq!(
        run.err.matches("undeclared identifier").count(),
        1,
        "{}",
        run.err
    );
    assert!(!project.path().join("out").exists());

    let (_, command) = run.err.split_once("the command was: ").unwrap();
    assert!(
        command.starts_with(Clang::find().unwrap().path().to_str().unwrap()),
        "{command}"
    );
}

#[test]
fn warnings_are_shown_once_though_it_compiles_twice() {
    let project = Project::new();
    project.write(
        "src/count.bpf.c",
        &COUNT.replace("__u32 slot = 0;", "__u32 slot = 0, unused;"),
    );
    let mut arguments = vec!["count", "src/count.bpf.c", "--output-dir", "out"];
    arguments.extend(["--", "-Iinclude", "-Wall"]);
    let run = project.run(&arguments).succeeds();
    assert_eq!(
        run.err.matches("unused variable 'unused'").count(),
        1,
        "{}",
        run.err
    );
}

#[test]
fn missing_headers_come_with_the_package_that_has_them() {
    let project = Project::new();
    project.write("src/count.bpf.c", "#include <bpf/no_such_header.h>\n");
    let run = project.generate(&[]).fails();
    assert!(run.err.contains("apt install libbpf-dev"), "{}", run.err);
    project.write("src/count.bpf.c", "#include <linux/no_such_header.h>\n");
    let run = project.generate(&[]).fails();
    assert!(
        run.err.contains("apt install linux-libc-dev"),
        "{}",
        run.err
    );
    project.write("src/count.bpf.c", "#include \"my_own.h\"\n");
    let run = project.generate(&[]).fails();
    assert!(!run.err.contains("apt install"), "{}", run.err);
}

#[test]
fn no_clang_is_one_sentence() {
    let project = Project::new();
    let run = |key: &str, value: &str| {
        let mut command = bpf2rs();
        command.env_remove("CLANG").env(key, value);
        command.current_dir(project.path());
        Run::of(command.args(["count", "src/count.bpf.c", "--", "-Iinclude"])).fails()
    };
    let missing = run("PATH", "/no/such/directory");
    assert!(
        missing.err.starts_with("bpf2rs: no clang in $PATH"),
        "{}",
        missing.err
    );
    assert!(missing.err.contains("apt install clang"), "{}", missing.err);
    assert_eq!(missing.err.lines().count(), 1);

    let named = run("CLANG", "/no/such/clang");
    assert!(
        named.err.contains("`/no/such/clang --version` failed"),
        "{}",
        named.err
    );
    assert!(named.err.contains("$CLANG names it"), "{}", named.err);
}

#[test]
fn check_says_what_differs_and_writes_nothing() {
    let project = Project::new();
    let run = project.generate(&["--check"]).fails();
    assert!(
        run.err.contains("`out/count.rs`: No such file"),
        "{}",
        run.err
    );
    assert!(!project.path().join("out").exists());

    project.generate(&[]).succeeds();
    let run = project.generate(&["--check"]).succeeds();
    assert_eq!((run.out.as_str(), run.err.as_str()), ("", ""));

    project.write("src/count.bpf.c", &COUNT.replace("step = 1;", "step = 2;"));
    let run = project.generate(&["--check"]).fails();
    assert!(
        run.err
            .contains("`out/count.bpfel.o`: the source compiles to something else"),
        "{}",
        run.err
    );
    assert!(!run.err.contains("count.rs"), "{}", run.err);

    project.write(
        "src/count.bpf.c",
        &COUNT
            .replace("step = 1;", "steps = 1;")
            .replace(", step)", ", steps)"),
    );
    let before = project.read("out/count.rs");
    let run = project.generate(&["--check"]).fails();
    assert!(
        run.err.contains("`out/count.rs`: differs from line"),
        "{}",
        run.err
    );
    assert_eq!(project.read("out/count.rs"), before);

    fs::remove_file(project.path().join("out/count.bpfeb.o")).unwrap();
    let run = project.generate(&["--check"]).fails();
    assert!(
        run.err.contains("`out/count.bpfeb.o`: No such file"),
        "{}",
        run.err
    );
}

#[test]
fn check_against_another_clang_compares_what_is_declared() {
    let project = Project::new();
    // As another compiler would have left it: another version in the comment, other code.
    project.generate(&["--cflags", "-O1 -DOLD"]).succeeds();
    let ours = Clang::find().unwrap().version().to_string();
    let module = String::from_utf8(project.read("out/count.rs")).unwrap();
    let older = module.replace(&format!("with clang {ours}."), "with clang 11.0.0.");
    assert_ne!(module, older);
    project.write("out/count.rs", &older);
    project.write(
        "src/count.bpf.c",
        &COUNT.replace(", step);", ", step) + 1;"),
    );
    let run = project.generate(&["--check"]).succeeds();
    assert!(
        run.err.contains("was made with clang 11.0.0, this is"),
        "{}",
        run.err
    );

    project.write(
        "src/count.bpf.c",
        &COUNT.replace("max_entries, 1", "max_entries, 2"),
    );
    let run = project.generate(&["--check"]).fails();
    assert!(
        run.err
            .contains("map `counts` is array of 4 and 8 bytes, 2 entries"),
        "{}",
        run.err
    );
}

#[test]
fn one_byte_order_or_one_processor_if_that_is_what_is_wanted() {
    let project = Project::new();
    let run = project.generate(&["--target", "bpfeb"]).succeeds();
    assert_eq!(run.out, "out/count.rs\nout/count.bpfeb.o\n");
    let module = String::from_utf8(project.read("out/count.rs")).unwrap();
    assert!(module.contains("add `--target bpfel`"), "{module}");

    project.write(
        "src/count.bpf.c",
        "#include <linux/ptrace.h>\n#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n\
         #include <bpf/bpf_tracing.h>\nint seen;\nSEC(\"kprobe/x\") int f(struct pt_regs *ctx)\n\
         { seen = PT_REGS_PARM1(ctx); return 0; }\nchar LICENSE[] SEC(\"license\") = \"GPL\";\n",
    );
    let run = project.generate(&[]).fails();
    assert!(run.err.contains("say which with `--arch`"), "{}", run.err);
    if cfg!(target_arch = "x86_64") {
        let run = project.generate(&["--arch", "x86_64"]).succeeds();
        assert_eq!(run.out, "out/count.rs\nout/count.bpfel.o\n");
        let module = String::from_utf8(project.read("out/count.rs")).unwrap();
        assert!(
            module.contains("compiled `count.bpf.c` for x86_64 only"),
            "{module}"
        );
    }
    let run = project
        .generate(&["--arch", "s390x", "--target", "bpfel"])
        .fails();
    assert!(
        run.err.contains("s390x does not run in the byte order"),
        "{}",
        run.err
    );
}

#[test]
fn headers_follow_the_byte_order_that_is_compiled_for() {
    let project = Project::new();
    project.write(
        "src/count.bpf.c",
        "#include <linux/bpf.h>\n#include <linux/ip.h>\n#include <bpf/bpf_helpers.h>\n\
         struct iphdr header = { .version = 4, .ihl = 5 };\n\
         char LICENSE[] SEC(\"license\") = \"GPL\";\n\
         SEC(\"xdp\") int f(void *ctx) { return header.ttl; }\n",
    );
    project.generate(&[]).succeeds();
    for target in Target::ALL {
        let object = project.read(&format!("out/{}", target.file_name("count")));
        let spec = CollectionSpec::parse_named("count", &object).unwrap();
        assert_eq!(spec.variable_bytes("header").unwrap()[0], 0x45, "{target}");
    }
    let module = String::from_utf8(project.read("out/count.rs")).unwrap();
    for target in Target::ALL {
        let cfg = format!("#[cfg(target_endian = \"{}\")]\n", target.endian_name());
        assert_eq!(module.matches(&cfg).count(), 1, "{module}");
    }
}

#[test]
fn asks_for_types_by_name() {
    let project = Project::new();
    let event = "struct event { __u32 pid; };\nstruct event *unused __attribute__((unused));\n";
    project.write("src/count.bpf.c", &(COUNT.to_owned() + event));
    project.generate(&["--type", "event"]).succeeds();
    let module = String::from_utf8(project.read("out/count.rs")).unwrap();
    assert!(module.contains("pub struct Event {"), "{module}");
    let run = project.generate(&["--type", "events"]).fails();
    assert!(
        run.err.contains("the object has no type `events`"),
        "{}",
        run.err
    );
    let hint = "add `BPF2RS_TYPE(struct events);`";
    assert!(run.err.contains(hint), "{}", run.err);
}

#[test]
fn bad_arguments_are_one_sentence() {
    let project = Project::new();
    let run = project.run(&["not-a-name", "src/count.bpf.c"]).fails();
    assert!(
        run.err
            .contains("`not-a-name` cannot be the name of a Rust module"),
        "{}",
        run.err
    );
    let run = project.run(&["count", "src/none.c"]).fails();
    assert!(
        run.err.contains("`src/none.c` failed: No such file"),
        "{}",
        run.err
    );
    let run = project
        .run(&["count", "src/count.bpf.c", "--", "-o", "x"])
        .fails();
    assert!(run.err.contains("use `--output`"), "{}", run.err);
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
}

/// A program that takes its types from `vmlinux.h`, and whose DWARF and BTF show whose they are.
const TASK: &str = r#"#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";
int seen;

SEC("raw_tp/sched_switch")
int count(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	seen = task->tgid;
	return 0;
}
"#;

/// The BTF of a kernel with little in it: what `bpf_helpers.h` needs, and one structure.
fn small_kernel() -> Vec<u8> {
    let mut btf = BtfBuilder::new();
    for (size, is_signed, names) in [
        (1, false, &["__u8"][..]),
        (2, false, &["__u16", "__be16"]),
        (4, false, &["__u32", "__be32", "__wsum"]),
        (8, false, &["__u64"]),
        (1, true, &["__s8"]),
        (2, true, &["__s16"]),
        (4, true, &["__s32"]),
        (8, true, &["__s64"]),
    ] {
        let (signed, c_name) = match size {
            1 => ("signed char", "unsigned char"),
            2 => ("short", "unsigned short"),
            4 => ("int", "unsigned int"),
            _ => ("long long", "unsigned long long"),
        };
        let integer = if is_signed {
            btf.add_signed(signed, size)
        } else {
            btf.add_unsigned(c_name, size)
        };
        for name in names {
            btf.add_typedef(name, integer);
        }
    }
    let int = btf.add_signed("int", 4);
    let member = Member {
        name: "tgid",
        ty: int,
        bit_offset: 32,
        bitfield_size: 0,
    };
    let task = btf.add_struct("task_struct", 8, &[member]);
    let task = btf.add_ptr(task);
    let floor = Member {
        name: "floor",
        bit_offset: 0,
        ..member
    };
    let place = btf.add_struct("place_of_ours", 4, &[floor]);
    let place = btf.add_ptr(place);
    let other = btf.add_fwd("other_struct", false);
    let other = btf.add_ptr(other);
    // Functions that programs may call, and one that they may not.
    for (name, result, taken, is_offered) in [
        ("task_from_pid", task, int, true),
        ("task_release", TypeId::VOID, task, true),
        ("place_from_pid", place, int, true),
        ("nobody_calls_it", TypeId::VOID, other, true),
        ("for_the_kernel_alone", TypeId::VOID, task, false),
    ] {
        let taken = Param {
            name: "it",
            ty: taken,
        };
        let prototype = btf.add_func_proto(result, &[taken]);
        let function = btf.add_func(name, prototype, FuncLinkage::STATIC);
        if is_offered {
            let tag = DeclTag {
                target: function,
                component: None,
                is_attribute: false,
            };
            btf.add_decl_tag("bpf_kfunc", tag);
        }
    }
    btf.to_bytes(Endian::Little).unwrap()
}

#[test]
fn makes_vmlinux_h_of_the_types_that_it_is_given() {
    let project = Project::new();
    project.write("src/count.bpf.c", TASK);
    fs::write(project.path().join("small.btf"), small_kernel()).unwrap();
    project.generate(&["--vmlinux", "small.btf"]).succeeds();
    let spec = CollectionSpec::from_file(project.path().join("out/count.bpfel.o")).unwrap();
    let btf = spec.btf.as_ref().unwrap();
    let task = btf.find("task_struct", Kind::STRUCT).unwrap();
    assert_eq!(btf.size_of(task).unwrap(), 8);
    assert_eq!(spec.functions()[0].core_relos.len(), 1);

    // Where it was made is no business of the object's.
    project
        .generate(&["--vmlinux", "small.btf", "--no-strip"])
        .succeeds();
    let object = project.read("out/count.bpfel.o");
    assert!(contains(&object, b"bpf2rs/vmlinux"));
    let temporary = std::env::temp_dir().join("bpf2rs-");
    assert!(!contains(&object, temporary.to_str().unwrap().as_bytes()));
}

#[test]
fn kernel_functions_that_a_source_calls_are_declared() {
    let project = Project::new();
    let source = TASK.replace(
        "struct task_struct *task = (void *)bpf_get_current_task_btf();\n\tseen = task->tgid;",
        "struct task_struct *task = task_from_pid(1);\n\
         \tif (task) {\n\tseen = task->tgid;\n\ttask_release(task);\n\t}\n\
         \ttypeof(place_from_pid(0)) place = place_from_pid(1);\n\
         \tif (place)\n\t\tseen = place->floor;",
    );
    let source = source.replace(
        "struct task_struct *task = ",
        "typeof(task_from_pid(0)) task = ",
    );
    project.write("src/count.bpf.c", &source);
    fs::write(project.path().join("small.btf"), small_kernel()).unwrap();
    for more in [&[][..], &["--minimal-vmlinux"]] {
        let arguments = [&["--vmlinux", "small.btf", "--force"], more].concat();
        project.generate(&arguments).succeeds();
        let object = project.path().join("out/count.bpfel.o");
        let spec = CollectionSpec::from_file(object).unwrap();
        let mut called: Vec<_> = spec.externs().iter().map(|e| e.name.as_str()).collect();
        called.sort_unstable();
        assert_eq!(called, ["place_from_pid", "task_from_pid", "task_release"]);
    }
    let header = project.run(&["vmlinux", "src/count.bpf.c", "--btf", "small.btf"]);
    let header = header.succeeds().out;
    assert!(
        header.contains("extern struct task_struct *task_from_pid(int it) __weak __ksym;"),
        "{header}"
    );
    // The members of what the source does not name are had by way of the function.
    assert!(header.contains("int floor;"), "{header}");
    for absent in ["nobody_calls_it", "other_struct", "for_the_kernel_alone"] {
        assert!(!header.contains(absent), "{header}");
    }
}

#[test]
fn a_vmlinux_h_of_the_project_is_the_one_that_is_used() {
    let project = Project::new();
    project.write("src/count.bpf.c", TASK);
    project.write(
        "include/vmlinux.h",
        "#include <linux/types.h>\n#define __VMLINUX_H__\nstruct task_struct { char pad[60]; int tgid; };\n",
    );
    project.generate(&["--vmlinux", "/no/such/file"]).succeeds();
    let object = project.read("out/count.bpfel.o");
    let spec = CollectionSpec::parse_named("count", &object).unwrap();
    assert!(spec.functions()[0].core_relos.is_empty());
}

#[test]
fn makes_vmlinux_h_of_the_running_kernel() {
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        println!("SKIP makes_vmlinux_h_of_the_running_kernel: it has no BTF");
        return;
    }
    let project = Project::new();
    project.write("src/count.bpf.c", TASK);
    let run = project.generate(&["--cflags", "-Wall -Werror"]).succeeds();
    assert_eq!(run.err, "");
    let spec = CollectionSpec::from_file(project.path().join("out/count.bpfel.o")).unwrap();
    assert_eq!(spec.functions()[0].core_relos.len(), 1);
}

#[test]
fn a_vmlinux_file_that_is_none_is_one_sentence() {
    let project = Project::new();
    project.write("src/count.bpf.c", TASK);
    project.write("small.btf", "no BTF");
    let run = project.generate(&["--vmlinux", "small.btf"]).fails();
    assert!(run.err.contains("`small.btf` is no BTF: "), "{}", run.err);
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
    let run = project.generate(&["--vmlinux", "none.btf"]).fails();
    assert!(
        run.err
            .contains("reading kernel types from `none.btf` failed: No such file"),
        "{}",
        run.err
    );
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
}

/// Not a test of its own: what [`tells_cargo_what_to_watch`] runs as a build script.
#[test]
fn build_script() {
    if let Some(source) = std::env::var_os("BPF2RS_TEST_SOURCE") {
        let source = PathBuf::from(source);
        let include = source.parent().unwrap().join("../include");
        let builder = bpf2rs::Builder::new(source)
            .cflag("-I")
            .cflag(include)
            .cflag("-Wall");
        let builder = match std::env::var_os("BPF2RS_TEST_COMMITTED") {
            Some(directory) => builder.committed(directory),
            None => builder,
        };
        builder.compile().unwrap();
    }
}

#[test]
fn tells_cargo_what_to_watch() {
    let project = Project::new();
    let source = COUNT.replace("__u32 slot = 0;", "__u32 slot = 0, unused;");
    let source = format!("#include <asm/byteorder.h>\n{source}");
    project.write("src/count.bpf.c", &source);
    let out = project.path().join("target");
    fs::create_dir(&out).unwrap();
    let run = Run::of(
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "build_script", "--nocapture"])
            .env("BPF2RS_TEST_SOURCE", project.path().join("src/count.bpf.c"))
            .env("OUT_DIR", &out)
            .env("CARGO_CFG_TARGET_ENDIAN", "little")
            .env("CARGO_CFG_TARGET_ARCH", "x86_64"),
    )
    .succeeds();
    for line in [
        "cargo:rerun-if-env-changed=CLANG".to_owned(),
        format!(
            "cargo:rerun-if-changed={}",
            project.path().join("src/count.bpf.c").display()
        ),
        "cargo:rerun-if-changed=/usr/include/bpf/bpf_helpers.h".to_owned(),
    ] {
        assert!(run.out.lines().any(|l| l == line), "{line} in {}", run.out);
    }
    let watched = run
        .out
        .lines()
        .filter(|l| l.starts_with("cargo:rerun-if-changed"));
    assert!(
        watched.clone().any(|l| l.ends_with("/shared.h")),
        "{}",
        run.out
    );
    // What is made on the way and gone afterwards would make cargo rebuild for ever.
    for path in watched.filter_map(|l| l.split_once('=')) {
        assert!(Path::new(path.1).exists(), "{}", path.1);
    }
    assert!(run.out.contains("cargo:warning="), "{}", run.out);
    assert!(run.out.contains("unused variable"), "{}", run.out);
    assert!(out.join("count.rs").exists() && out.join("count.bpfel.o").exists());
    assert!(!out.join("count.bpfeb.o").exists());
}

#[test]
fn committed_output_stands_in_where_there_is_no_clang() {
    let project = Project::new();
    project.generate(&[]).succeeds();
    let out = project.path().join("target");
    fs::create_dir(&out).unwrap();
    let build = |committed: &str| {
        Run::of(
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "build_script", "--nocapture"])
                .env("BPF2RS_TEST_SOURCE", project.path().join("src/count.bpf.c"))
                .env("BPF2RS_TEST_COMMITTED", project.path().join(committed))
                .env("CLANG", "/nonexistent/clang")
                .env("OUT_DIR", &out)
                .env("CARGO_CFG_TARGET_ENDIAN", "little")
                .env("CARGO_CFG_TARGET_ARCH", "x86_64"),
        )
    };
    let run = build("out").succeeds();
    let warning = run
        .out
        .lines()
        .find(|line| line.starts_with("cargo:warning="));
    let warning = warning.unwrap_or_else(|| panic!("{}", run.out));
    assert!(
        warning.contains("`count` is used as it was committed in"),
        "{warning}"
    );
    assert!(warning.contains("/nonexistent/clang"), "{warning}");
    assert!(run.out.contains("out/count.bpfeb.o"), "{}", run.out);
    for file in ["count.rs", "count.bpfel.o", "count.bpfeb.o"] {
        assert_eq!(
            project.read(&format!("target/{file}")),
            project.read(&format!("out/{file}"))
        );
    }
    // Where nothing was committed, the lack of a clang is the error.
    let run = build("src");
    assert_ne!(run.code, Some(0));
    assert!(run.err.contains("/nonexistent/clang"), "{}", run.err);
}
