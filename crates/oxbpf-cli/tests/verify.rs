//! `oxbpf verify` on the running kernel.

mod common;

use std::fs;
use std::path::PathBuf;

use common::{fixture, golden, in_terminal, may_load, oxbpf, run};

/// Figures differ between kernels and compilers; that they are there does not.
fn masked(text: &str) -> String {
    let line = |line: &str| -> String {
        let mut masked = String::new();
        let mut digits = 0;
        for c in line.chars() {
            match (c.is_ascii_digit(), digits) {
                (true, _) => digits += 1,
                (false, 0) => masked.push(c),
                (false, _) => {
                    masked.push('#');
                    masked.push(c);
                    digits = 0;
                }
            }
        }
        if digits > 0 {
            masked.push('#');
        }
        masked
    };
    let blanks = |line: String| {
        line.split("  ")
            .filter(|part| !part.is_empty())
            .map(str::trim)
            .collect::<Vec<_>>()
            .join("  ")
    };
    let release = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    // Where the compiler was called is its business.
    text.replace(&release, "KERNEL")
        .replace("./", "")
        .lines()
        // New kernels say more about registers.
        .map(|l| match l.trim_start().starts_with('R') {
            true => l.split("; ").next().unwrap(),
            // They have advice of their own.
            false if l.contains("-> ") && !l.contains("bpf_core_") => "-> REMEDY",
            false => l,
        })
        .map(|l| {
            format!(
                "{}\n",
                blanks(line(l)).replace(".# ms", " us").replace("# us", "#")
            )
        })
        .collect()
}

/// Programs whose verdict is the same on every kernel.
const SOME: &[&str] = &[
    "verify",
    "-p",
    "core/*",
    "-p",
    "no_null_check",
    "-p",
    "unread_register",
];

fn objects() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let (core, rejected) = (
        fixture(directory.path(), "core"),
        fixture(directory.path(), "rejected"),
    );
    (directory, core, rejected)
}

#[test]
fn tells_what_was_accepted_and_why_the_rest_was_not() {
    if !may_load() {
        return;
    }
    let (_directory, core, rejected) = objects();
    let output = oxbpf()
        .args(SOME)
        .args([&core, &rejected])
        .output()
        .unwrap();
    let (text, said, status) = common::said(output);
    assert_eq!((said.as_str(), status), ("", 1));
    golden!("verify.txt", &masked(&text));
}

#[test]
fn fits_a_terminal_of_80_columns_and_has_colours_there() {
    if !may_load() {
        return;
    }
    let (_directory, core, rejected) = objects();
    let verify = || {
        let mut command = oxbpf();
        command.args(["verify", "-p", "out_of_bounds"]);
        command.args([&core, &rejected]);
        command
    };
    let Some((text, _)) = in_terminal(&mut verify()) else {
        return;
    };
    assert!(text.contains("\x1b[1m"), "{text}");
    let Some((plain, _)) = in_terminal(verify().env("NO_COLOR", "1")) else {
        return;
    };
    // What was told meanwhile was taken back.
    let plain = plain.rsplit("\r\x1b[K").next().unwrap();
    assert!(!plain.contains('\x1b'), "{plain}");
    assert!(
        plain.lines().all(|line| line.chars().count() <= 80),
        "{plain}"
    );
    // What is too long goes on below.
    let reason = "    invalid access to map value, value_size=8 off=56 size=8; R0 max value is\n    outside of the \
                  allowed memory range";
    assert!(plain.contains(reason), "{plain}");
}

#[test]
fn json_and_csv_say_the_same() {
    if !may_load() {
        return;
    }
    let (_directory, core, _) = objects();
    let core = core.to_str().unwrap();
    let (json, _, _) = run(["-o", "json", "verify", core]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let (csv, _, _) = run(["verify", "--csv", core]);
    let mut lines = csv.lines();
    let head = "object,program,section,type,state,errno,size,insns,states,peak_states,stack,verification_us,load_us,reason";
    assert_eq!(lines.next(), Some(head));
    for program in json["programs"].as_array().unwrap() {
        let line = lines.next().unwrap();
        let text = |name: &str| program[name].as_str().unwrap().to_owned();
        let start = [
            text("object"),
            text("program"),
            text("section"),
            text("type"),
            text("state"),
        ];
        assert!(line.starts_with(&start.join(",")), "{line}");
    }
    assert_eq!(lines.next(), None);
}

#[test]
fn patterns_choose_programs() {
    if !may_load() {
        return;
    }
    let (_directory, _, rejected) = objects();
    let rejected = rejected.to_str().unwrap();
    let (all, _, _) = run(["verify", "--csv", rejected, "-p", "*_r*", "-p", "*null*"]);
    let name = all.lines().nth(1).unwrap().split(',').nth(1).unwrap();
    let (one, _, _) = run([
        "verify",
        "--csv",
        rejected,
        "-p",
        &format!("rejected/{name}"),
    ]);
    assert_eq!(one.lines().count(), 2);
    let (rest, _, _) = run([
        "verify",
        "--csv",
        rejected,
        "-p",
        "*_r*",
        "-p",
        "*null*",
        "-p",
        &format!("!{name}"),
    ]);
    assert_eq!(rest.lines().count() + 1, all.lines().count());
    assert!(all.lines().count() > 3);
}

#[test]
fn compares_with_before() {
    if !may_load() {
        return;
    }
    let (directory, core, _) = objects();
    let core = core.to_str().unwrap();
    let (json, _, _) = run(["-o", "json", "verify", core]);
    assert!(json.contains("accepted"), "{json}");
    let old = directory.path().join("old.json");
    fs::write(
        &old,
        json.replace("\"refused\"", "\"accepted\"")
            .replace("\"insns\":", "\"insns\":1"),
    )
    .unwrap();
    let old = old.to_str().unwrap();
    let (text, said, status) = run(["verify", core, "--compare", old, "--threshold", "insns=5%"]);
    assert_eq!(said, "");
    assert!(text.contains("insns"), "{text}");
    assert_eq!(status, i32::from(json.contains("refused")), "{text}");

    // Nothing is worse than it was when all was refused, so nothing is left of what changed.
    fs::write(old, json.replace("\"accepted\"", "\"refused\"")).unwrap();
    let compare = ["verify", core, "--compare", old];
    let (csv, _, status) = run([&compare[..], &["--csv"]].concat());
    assert!(csv.contains(",verdict,refused,accepted,false\n"), "{csv}");
    assert_eq!(status, 0);
    let (csv, _, _) = run([&compare[..], &["--csv", "--failed"]].concat());
    assert_eq!(csv, "object,program,figure,before,now,is_worse\n");
    let (shown, _, _) = run([&["-o", "json"], &compare[..], &["--failed"]].concat());
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["programs"], serde_json::json!([]));
    assert!(shown["compared"].as_u64().unwrap() > 0);

    let (_, said, status) = run(["verify", core, "--compare", core]);
    assert!(
        said.contains("is no result of `oxbpf -o json verify`, it is an ELF file"),
        "{said}"
    );
    assert_eq!(status, 2);
}

#[test]
fn checks_against_types_of_a_kernel_that_is_not_there() {
    let (directory, core, _) = objects();
    let core = core.to_str().unwrap();
    let (text, _, _) = run(["verify", core, "--btf", "kernel"]);
    assert!(text.contains("fits"), "{text}");

    // Cut for another object, it lacks what this one needs.
    let min = directory.path().join("min.btf");
    let globals = fixture(directory.path(), "globals");
    let (_, said, status) = run([
        "btf",
        "min",
        globals.to_str().unwrap(),
        "-O",
        min.to_str().unwrap(),
    ]);
    assert_eq!((said.as_str(), status), ("", 0));
    let (text, _, status) = run(["verify", core, "--btf", min.to_str().unwrap()]);
    assert!(text.contains("lacks"), "{text}");
    assert!(
        text.contains("`struct task_struct` does not exist on this kernel"),
        "{text}"
    );
    assert_eq!(status, 1);
}

#[test]
fn files_that_are_no_objects_say_what_they_are() {
    for (file, says) in [
        (
            "/proc/version",
            "`/proc/version` is no BPF object: it is text",
        ),
        (
            "/no/such/file",
            "reading `/no/such/file` failed: No such file",
        ),
        ("/bin/sh", "not for BPF, and has no BPF objects inside"),
    ] {
        let (_, said, status) = run(["verify", file]);
        assert!(said.contains(says), "{said}");
        assert_eq!(status, 2);
    }
}
