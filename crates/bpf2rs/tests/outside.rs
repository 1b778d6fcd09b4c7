//! Projects outside of this one, as its users have them: made, built, run, and refused by rustc where
//! they go wrong.

mod common;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use common::{Project, Run, WORKSPACE, bpf2rs, cache, cargo};

fn new(project: &Project, arguments: &[&str]) -> Run {
    let mut command = bpf2rs();
    command
        .current_dir(project.path())
        .arg("new")
        .args(arguments);
    Run::of(&mut command)
}

/// Kills what it holds when a test fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_new_project_runs_at_once() {
    let project = Project::new();
    let run = new(&project, &["exec-watch"]).succeeds();
    assert_eq!(run.out, "cd exec-watch && cargo run\n");
    let root = project.path().join("exec-watch");
    Run::of(&mut cargo(&root, &["build"])).succeeds();

    // Nothing has changed, so nothing is done: no build script, no clang.
    let run = Run::of(&mut cargo(&root, &["build", "--verbose"])).succeeds();
    assert!(run.err.contains("Fresh exec-watch"), "{}", run.err);
    assert!(!run.err.contains("Running"), "{}", run.err);

    if !rustix_is_root() {
        println!("SKIP a_new_project_runs_at_once: not root");
        return;
    }
    let child = cargo(&root, &["run", "--quiet"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = Killed(child.unwrap());
    let (send, lines) = mpsc::channel();
    let stdout = BufReader::new(child.0.stdout.take().unwrap());
    thread::spawn(move || {
        stdout
            .lines()
            .map_while(Result::ok)
            .try_for_each(|line| send.send(line))
    });
    let next = || {
        lines
            .recv_timeout(Duration::from_secs(60))
            .unwrap_or_default()
    };
    assert_eq!(next(), "Programs that are started, until Ctrl-C:");
    let started = Command::new("true").spawn().unwrap();
    let pid = started.id();
    let _ = started.wait_with_output();
    let expected = format!("{pid:>8} true");
    let deadline = Instant::now() + Duration::from_secs(20);
    while next() != expected {
        assert!(Instant::now() < deadline, "no event for `true`");
    }
}

fn rustix_is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

#[test]
fn a_new_project_can_build_with_a_copy_of_the_sources() {
    let project = Project::new();
    new(&project, &["mine", "--oxbpf", WORKSPACE]).succeeds();
    let root = project.path().join("mine");
    fs::copy(
        Path::new(WORKSPACE).join("Cargo.lock"),
        root.join("Cargo.lock"),
    )
    .unwrap();
    let mut metadata = Command::new(env!("CARGO"));
    metadata
        .current_dir(&root)
        .args(["metadata", "--offline", "--format-version=1"]);
    let run = Run::of(&mut metadata).succeeds();
    assert!(
        run.out.contains("crates/oxbpf-object/Cargo.toml"),
        "{}",
        run.out
    );

    // Nothing that is there is overwritten, and nothing is made that cargo would not take.
    let run = new(&project, &["mine"]).fails();
    assert!(
        run.err.contains("creating `mine` failed: File exists"),
        "{}",
        run.err
    );
    for name in ["1st", "fn", "a.b"] {
        let run = new(&project, &[name]).fails();
        assert!(
            run.err.contains("cannot be the name of a package"),
            "{}",
            run.err
        );
        assert!(!project.path().join(name).exists());
    }
    let run = new(&project, &["other", "--oxbpf", "."]).fails();
    assert!(
        run.err.contains("`--oxbpf` takes the directory"),
        "{}",
        run.err
    );
    assert!(!project.path().join("other").exists());
}

const KINDS: &str = r#"#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";
const volatile __u32 limit = 7;
__u64 total;

struct key {
	__u32 id;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct key);
	__type(value, __u64);
	__uint(max_entries, 16);
} counts SEC(".maps");

SEC("kprobe/do_exit") int probe(void *ctx) { return 0; }
SEC("uprobe") int user_probe(void *ctx) { return 0; }
SEC("xdp") int packet(void *ctx) { return limit + total; }
SEC("tracepoint/sched/sched_process_exit") int point(void *ctx) { return 0; }
SEC("?socket") int filter(void *ctx) { return 0; }
"#;

/// What rustc has to refuse, each a program of its own: the name, the code of the error, and what is
/// wrong in the line.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "xdp_is_no_kprobe",
        "E0277",
        "let _ = oxbpf::Kprobe::new(\"do_exit\").attach(&objects.programs.packet);",
    ),
    (
        "kprobe_is_no_tracepoint",
        "E0277",
        "let _ = oxbpf::Tracepoint::new(\"a\", \"b\").attach(&objects.programs.probe);",
    ),
    (
        "uprobe_is_no_kprobe",
        "E0277",
        "let _ = oxbpf::Kprobe::new(\"do_exit\").attach(&objects.programs.user_probe);",
    ),
    (
        "optional_programs_may_be_missing",
        "E0599",
        "let _ = objects.programs.filter.name();",
    ),
    (
        "keys_have_their_type",
        "E0308",
        "let _ = objects.maps.counts.get(&7_u32);",
    ),
    (
        "values_have_their_type",
        "E0308",
        "let _ = objects.maps.counts.set(&Key::default(), &7_u32);",
    ),
    ("maps_have_names", "E0609", "let _ = objects.maps.count;"),
    (
        "variables_have_their_type",
        "E0308",
        "let _ = objects.bss.total().store(\"many\");",
    ),
    (
        "constants_have_their_type",
        "E0308",
        "spec.rodata.limit = -1_i64;",
    ),
    (
        "links_are_of_programs",
        "E0609",
        "let _ = objects.attach_all().unwrap().counts;",
    ),
];

#[test]
fn rustc_refuses_what_does_not_fit() {
    let project = Project::new();
    project.write("kinds.bpf.c", KINDS);
    project
        .run(&["kinds", "kinds.bpf.c", "--output-dir", "src"])
        .succeeds();
    project.write(
        "Cargo.toml",
        "[package]\nname = \"misuse\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [dependencies]\noxbpf = \"0.1.0\"\n",
    );
    let program = |line: &str| {
        format!(
            "#![deny(warnings)]\n#[path = \"../kinds.rs\"]\nmod kinds;\n\
             #[allow(unused)]\nuse kinds::{{Key, Spec}};\nfn main() {{\n\
             #[allow(unused_mut)]\nlet mut spec = Spec::embedded().unwrap();\n\
             let _ = &mut spec;\n{line}\n\
             let objects = oxbpf::Loader::new().load(spec).unwrap();\n{line}\nlet _ = objects;\n}}\n"
        )
    };
    // The line stands where it makes sense: before the load for settings, else after it.
    for (name, _, line) in REFUSED {
        let text = program("");
        let (before, after) = text.split_once("let objects").unwrap();
        let text = if line.starts_with("spec.") {
            format!("{before}{line}\nlet objects{after}")
        } else {
            text.replace("let _ = objects;", &format!("{line}\nlet _ = objects;"))
        };
        project.write(&format!("src/bin/{name}.rs"), &text);
    }
    project.write("src/bin/fits.rs", &program(""));
    // The example in the documentation is right, too.
    let module = String::from_utf8(project.read("src/kinds.rs")).unwrap();
    let (_, example) = module.split_once("/// ```ignore\n").unwrap();
    let (example, _) = example.split_once("/// ```").unwrap();
    let example = example.replace("///", "");
    assert!(example.contains("objects.maps.counts.iter()"), "{example}");
    project.write(
        "src/bin/example.rs",
        &format!(
            "#[path = \"../kinds.rs\"]\nmod kinds;\n\
             fn main() -> oxbpf::Result<()> {{\n{example}\nlet _ = links;\nOk(())\n}}\n"
        ),
    );
    let run = Run::of(&mut cargo(
        project.path(),
        &["check", "--bins", "--keep-going", "--message-format=short"],
    ));
    assert_ne!(run.code, Some(0));
    let errors = |name: &str| -> Vec<&str> {
        let start = format!("src/bin/{name}.rs:");
        let lines = run.err.lines().filter(|line| line.starts_with(&start));
        lines.filter(|line| line.contains(" error")).collect()
    };
    for (name, code, _) in REFUSED {
        let errors = errors(name);
        assert!(!errors.is_empty(), "{name} was taken\n{}", run.err);
        let code = format!("error[{code}]");
        assert!(
            errors.iter().all(|line| line.contains(&code)),
            "{errors:#?}"
        );
    }
    for name in ["fits", "example"] {
        assert_eq!(errors(name), Vec::<&str>::new());
    }
    assert!(!run.err.contains("`misuse` (bin \"fits\")"), "{}", run.err);
}

const LISTED: &str = r#"[package]
name = "listed"
version = "0.1.0"
edition = "2024"

[package.metadata.bpf2rs]
output-dir = "src/bpf"
cflags = ["-Iinclude"]
target = "bpfel"

[package.metadata.bpf2rs.programs]
count = "src/count.bpf.c"
both = { sources = ["src/count.bpf.c", "src/more.bpf.c"], cflags = ["-DMORE"], output-dir = "out" }
"#;

fn cargo_bpf2rs(project: &Project, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-bpf2rs"));
    // As cargo runs it.
    command
        .current_dir(project.path())
        .env("XDG_CACHE_HOME", cache())
        .arg("bpf2rs")
        .args(arguments);
    Run::of(&mut command)
}

#[test]
fn all_programs_of_a_project_are_generated_at_once() {
    let project = Project::new();
    project.write("Cargo.toml", LISTED);
    project.write("src/lib.rs", "");
    project.write(
        "src/more.bpf.c",
        "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n#ifndef MORE\n#error less\n#endif\n\
         char LICENSE[] SEC(\"license\") = \"GPL\";\n__u32 more = 1;\n",
    );
    let run = cargo_bpf2rs(&project, &[]).succeeds();
    let written: Vec<_> = run
        .out
        .lines()
        .map(|line| line.rsplit_once('/').unwrap().1)
        .collect();
    assert_eq!(
        written,
        ["both.rs", "both.bpfel.o", "count.rs", "count.bpfel.o"]
    );
    assert!(project.path().join("out/both.rs").exists());
    assert!(project.path().join("src/bpf/count.rs").exists());
    cargo_bpf2rs(&project, &["all", "--check"]).succeeds();

    project.write("src/more.bpf.c", "#include <linux/bpf.h>\nint");
    let run = cargo_bpf2rs(&project, &["all", "--check"]).fails();
    assert!(run.err.contains("compiling"), "{}", run.err);
    cargo_bpf2rs(&project, &["all", "--package", "nobody"]).fails();

    for (from, to, complaint) in [
        (
            "cflags = [",
            "clfags = [",
            "`package.metadata.bpf2rs.clfags` of package `listed` is no setting",
        ),
        (
            "\"bpfel\"",
            "\"bpfxl\"",
            ".target` of package `listed` is wrong: `bpfxl` is no target",
        ),
        (
            "output-dir = \"src/bpf\"",
            "output-dir = 7",
            ".output-dir` of package `listed` is no string",
        ),
        (
            "sources = [",
            "files = [",
            ".programs.both` of package `listed` has no `sources`",
        ),
    ] {
        project.write("Cargo.toml", &LISTED.replacen(from, to, 1));
        let run = cargo_bpf2rs(&project, &["all"]).fails();
        assert!(run.err.contains(complaint), "{}", run.err);
        assert_eq!(run.err.lines().count(), 1, "{}", run.err);
    }
    project.write(
        "Cargo.toml",
        &LISTED.replace("metadata.bpf2rs", "metadata.other"),
    );
    let run = cargo_bpf2rs(&project, &[]).fails();
    assert!(run.err.contains("no package lists programs"), "{}", run.err);
}

#[test]
fn cargo_bpf2rs_does_what_bpf2rs_does() {
    let project = Project::new();
    let run = cargo_bpf2rs(
        &project,
        &[
            "count",
            "src/count.bpf.c",
            "--target",
            "bpfel",
            "--",
            "-Iinclude",
        ],
    );
    assert_eq!(run.succeeds().out, "./count.rs\n./count.bpfel.o\n");
    let run = cargo_bpf2rs(&project, &["--help"]).succeeds();
    assert!(run.out.contains("Usage: cargo bpf2rs"), "{}", run.out);
    let run = Run::of(&mut bpf2rs());
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("NAME"), "{}", run.err);
}
