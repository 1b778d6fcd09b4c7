//! What has not changed is not done again.

mod common;

use std::fs;

use common::{Project, Run, bpf2rs};

/// A project whose clang writes down what it is asked for.
struct Logged(Project);

impl Logged {
    fn new() -> Self {
        let project = Project::new();
        let clang = bpf2rs::Clang::find().unwrap();
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$*\" >> {}\nexec {} \"$@\"\n",
            project.path().join("log").display(),
            clang.path().display()
        );
        project.write("clang", &script);
        let chmod = std::process::Command::new("chmod")
            .arg("+x")
            .arg(project.path().join("clang"))
            .status();
        assert!(chmod.unwrap().success());
        Self(project)
    }

    /// Runs the command; how often clang compiled.
    fn run(&self, more: &[&str]) -> (Run, usize) {
        let project = &self.0;
        let log = project.path().join("log");
        fs::write(&log, "").unwrap();
        let mut command = bpf2rs();
        command
            .current_dir(project.path())
            .env("CLANG", project.path().join("clang"))
            .env("XDG_CACHE_HOME", project.path().join("cache"))
            .args(["count", "src/count.bpf.c", "--output-dir", "out"])
            .args(more)
            .args(["--", "-Iinclude"]);
        let run = Run::of(&mut command);
        let asked = fs::read_to_string(log).unwrap();
        let compiled = asked.lines().filter(|line| line.contains(" -c "));
        (run, compiled.count())
    }

    #[track_caller]
    fn compiles(&self, more: &[&str], times: usize) -> Run {
        let (run, compiled) = self.run(more);
        assert_eq!(compiled, times, "{run:?}");
        run.succeeds()
    }
}

#[test]
fn unchanged_input_is_not_compiled_again() {
    let logged = Logged::new();
    let project = &logged.0;
    let first = logged.compiles(&[], 2);
    let modified = || {
        let path = project.path().join("out/count.bpfel.o");
        path.metadata().unwrap().modified().unwrap()
    };
    let then = modified();
    // The same is said, and nothing is done.
    assert_eq!(logged.compiles(&[], 0).out, first.out);
    assert_eq!(modified(), then);
    logged.compiles(&["--force"], 2);

    // Whatever it depends on.
    project.write("include/shared.h", &common::SHARED.replace("* 3", "* 5"));
    logged.compiles(&[], 2);
    logged.compiles(&[], 0);
    assert_ne!(modified(), then);
    project.write("src/count.bpf.c", &common::COUNT.replace("= 1;", "= 2;"));
    logged.compiles(&[], 2);
    logged.compiles(&[], 0);
    logged.compiles(&["--no-strip"], 2);
    logged.compiles(&["--no-strip"], 0);
    logged.compiles(&["--target", "bpfel"], 1);
    logged.compiles(&["--cflags", "-DNEW"], 2);

    // Whatever it wrote.
    logged.compiles(&[], 2);
    for file in ["out/count.rs", "out/count.bpfeb.o"] {
        fs::write(project.path().join(file), "edited").unwrap();
        logged.compiles(&[], 2);
        fs::remove_file(project.path().join(file)).unwrap();
        logged.compiles(&[], 2);
        logged.compiles(&[], 0);
    }

    // Another compiler, or this one after an update.
    let script = fs::read_to_string(project.path().join("clang")).unwrap();
    project.write("clang", &script.replace("exec", "exec nice -n 0"));
    logged.compiles(&[], 2);
    logged.compiles(&[], 0);

    // A failure is no state to go on from.
    project.write("include/shared.h", "#error gone\n");
    let (run, _) = logged.run(&[]);
    run.fails();
    let (run, compiled) = logged.run(&[]);
    assert_ne!(compiled, 0);
    run.fails();
}

#[test]
fn warnings_and_rules_are_there_all_the_same() {
    let logged = Logged::new();
    let project = &logged.0;
    let source = common::COUNT.replace("__u32 slot = 0;", "__u32 slot = 0;\n#warning look\n");
    project.write("src/count.bpf.c", &source);
    let rule = ["--depfile", "count.d"];
    let first = logged.compiles(&rule, 2);
    assert_eq!(first.err.matches("look").count(), 2, "{}", first.err);
    let text = project.read("count.d");
    let again = logged.compiles(&rule, 0);
    assert_eq!((again.out, again.err), (first.out, first.err));

    // Checking is to do the work.
    let (run, compiled) = logged.run(&["--check"]);
    run.succeeds();
    assert_eq!(compiled, 2);
    fs::remove_file(project.path().join("count.d")).unwrap();
    logged.compiles(&rule, 2);
    assert_eq!(project.read("count.d"), text);
}
