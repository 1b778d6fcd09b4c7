//! `oxbpf doctor`.

mod common;

use common::{oxbpf, run, said};

#[test]
fn says_of_each_thing_how_it_is_and_what_to_do() {
    let (text, said, _) = run(["doctor"]);
    assert_eq!(said, "");
    let states: Vec<_> = text.lines().filter(|line| !line.starts_with(' ')).collect();
    for line in &states {
        let state = line.split(' ').next().unwrap();
        assert!(["ok", "limited", "problem"].contains(&state), "{line}");
    }
    for what in [
        "capabilities",
        "loading programs",
        "lockdown",
        "tracefs",
        "clang",
        "kernel options",
    ] {
        assert!(text.contains(what), "{what}: {text}");
    }
    // What is not as it could be has a remedy, on the next line.
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("limited") {
            assert!(lines.peek().unwrap().contains("  -> "), "{line}");
        }
    }
    let (json, _, _) = run(["-o", "json", "doctor"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["findings"].as_array().unwrap().len(), states.len());
}

#[test]
fn without_root_it_names_the_capabilities() {
    if !rustix::process::geteuid().is_root() {
        common::skip("it takes root, to be given up");
        return;
    }
    // Where everybody can start it.
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    let program = directory.path().join("oxbpf");
    std::fs::copy(env!("CARGO_BIN_EXE_oxbpf"), &program).unwrap();
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(directory.path(), everybody).unwrap();
    let object = common::fixture(directory.path(), "shown");
    let as_nobody = |args: &[&str]| {
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        command.arg(&program).args(args);
        command
    };
    let mut command = as_nobody(&["doctor"]);
    let (text, error, status) = match command.output() {
        Ok(output) => said(output),
        Err(error) => (String::new(), error.to_string(), -1),
    };
    // That of busybox knows other options.
    if text.is_empty() {
        eprintln!("{error}");
        common::skip("there is no setpriv that gives up being root");
        return;
    }
    assert!(text.starts_with("problem  capabilities "), "{text}");
    assert!(
        text.contains("this process lacks CAP_BPF, CAP_PERFMON"),
        "{text}"
    );
    assert!(
        text.contains("-> run it as root, or give the program CAP_BPF"),
        "{text}"
    );
    assert_eq!(status, 1);
    let run = as_nobody(&["run", object.to_str().unwrap()]).output();
    let (_, error, status) = said(run.unwrap());
    assert!(error.contains("CAP_BPF"), "{error}");
    assert_eq!(status, 1);
}

#[test]
fn cleaning_says_what_it_removed() {
    if !common::may_load() {
        return;
    }
    let (text, said, status) = common::said(oxbpf().args(["doctor", "--clean"]).output().unwrap());
    assert_ne!(status, 2, "{said}");
    assert!(text.contains("orphaned probes"), "{text}");
    assert!(text.contains("  none\n"), "{text}");
}

/// Set in the process that is to be killed.
const VICTIM: &str = "OXBPF_TEST_VICTIM";

#[test]
fn cleaning_removes_what_a_dead_process_left() {
    if !common::may_load() {
        return;
    }
    if !std::fs::exists("/sys/bus/event_source/devices/kprobe").unwrap() {
        common::skip("this kernel has no kprobes");
        return;
    }
    if std::env::var_os(VICTIM).is_some() {
        let spec = oxbpf_object::CollectionSpec::parse(fixtures::object("places")).unwrap();
        let objects = oxbpf::Loader::new().keep_going(spec).unwrap().collection;
        let probe = oxbpf::Kprobe::new("do_exit").source(oxbpf::link::ProbeSource::Tracefs);
        let _link = probe
            .attach(&objects.program("on_function").unwrap())
            .unwrap();
        println!("\nattached");
        loop {
            std::thread::park();
        }
    }
    let mut victim = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("cleaning_removes_what_a_dead_process_left")
        .env(VICTIM, "1")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let output = std::io::BufReader::new(victim.stdout.take().unwrap());
    let mut lines = std::io::BufRead::lines(output);
    assert!(lines.any(|line| line.unwrap() == "attached"));
    victim.kill().unwrap();
    victim.wait().unwrap();
    let (text, said, _) = run(["doctor"]);
    assert!(text.contains("oxbpf doctor --clean"), "{text}{said}");
    let (text, said, _) = run(["doctor", "--clean"]);
    let removed = format!("removed the probe at do_exit of process {}\n", victim.id());
    assert!(text.starts_with(&removed), "{text}{said}");
    let (text, _, _) = run(["doctor", "--clean"]);
    assert!(!text.contains("removed"), "{text}");
}

#[test]
fn features_are_told_with_what_they_take() {
    let (text, said, status) = run(["feature"]);
    assert_eq!((said.as_str(), status), ("", 0));
    let release = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    assert!(text.starts_with(&format!("Linux {release}\n")), "{text}");
    assert!(text.contains("\nprogram types: "), "{text}");
    let hash = text
        .lines()
        .find(|line| line.trim_start().starts_with("hash "))
        .unwrap();
    assert!(
        hash.contains(" yes ") && hash.ends_with("Linux 3.19"),
        "{hash}"
    );
    let (missing, _, _) = run(["feature", "--missing"]);
    assert!(!missing.contains(" yes "), "{missing}");
    let (json, _, _) = run(["-o", "json", "feature"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["kernel"], release);
    assert!(json["map_types"].as_array().unwrap().len() > 30);
    let (helpers, _, _) = run(["feature", "--helpers", "xdp"]);
    assert!(helpers.contains("xdp_adjust_head"), "{helpers}");
    let (_, said, status) = run(["feature", "--helpers", "xpd"]);
    assert!(
        said.contains("there is no type of program `xpd`; did you mean `xdp`?"),
        "{said}"
    );
    assert_eq!(status, 2);
}
