//! `oxbpf btf`, beside bpftool and clang.

mod common;

use std::fs;
use std::process::Command;

use common::{other, oxbpf, run};

const KERNEL: &str = "/sys/kernel/btf/vmlinux";

#[test]
fn raw_is_what_bpftool_says() {
    let Some(theirs) = other("bpftool", &["btf", "dump", "file", KERNEL, "format", "raw"]) else {
        return;
    };
    let ours = oxbpf().args(["btf", "dump", "-f", "raw"]).output().unwrap();
    let (ours, theirs) = (
        String::from_utf8(ours.stdout).unwrap(),
        String::from_utf8(theirs).unwrap(),
    );
    let mut lines = ours.lines().zip(theirs.lines());
    assert_eq!(lines.find(|(ours, theirs)| ours != theirs), None);
    assert_eq!(ours.lines().count(), theirs.lines().count());
}

#[test]
fn json_is_what_bpftool_says() {
    let memory = fs::read_to_string("/proc/meminfo").unwrap();
    let kilobytes = memory.split_whitespace().nth(1).unwrap();
    if kilobytes.parse::<u64>().unwrap() < 2_000_000 {
        common::skip("it takes 2 GB of memory");
        return;
    }
    let Some(theirs) = other(
        "bpftool",
        &["-j", "btf", "dump", "file", KERNEL, "format", "raw"],
    ) else {
        return;
    };
    let ours = oxbpf()
        .args(["-o", "json", "btf", "dump"])
        .output()
        .unwrap();
    let types = |json: &[u8]| -> Vec<serde_json::Value> {
        let mut json: serde_json::Value = serde_json::from_slice(json).unwrap();
        serde_json::from_value(json["types"].take()).unwrap()
    };
    let (ours, theirs) = (types(&ours.stdout), types(&theirs));
    assert_eq!(ours.len(), theirs.len());
    for (ours, mut theirs) in ours.into_iter().zip(theirs) {
        if let Some(values) = theirs.get_mut("values").filter(|_| ours["kind"] == "ENUM") {
            // Its version 7.1 extends the sign of what has none.
            for value in values.as_array_mut().unwrap() {
                if let Some(long) = value["val"].as_u64().filter(|long| *long > u32::MAX.into()) {
                    value["val"] = (long & u64::from(u32::MAX)).into();
                }
            }
        }
        if ours["kind"] != "DATASEC" {
            assert_eq!(ours, theirs);
        }
    }
}

/// The types that clang makes of a header, as C that does not depend on their order.
fn types_of(clang: &str, header: &[u8]) -> std::collections::BTreeSet<String> {
    let directory = tempfile::tempdir().unwrap();
    let (header_file, source, object) = (
        directory.path().join("vmlinux.h"),
        directory.path().join("all.c"),
        directory.path().join("all.o"),
    );
    fs::write(&header_file, header).unwrap();
    let text = String::from_utf8(header.to_vec()).unwrap();
    // clang writes down what is used.
    let structs = text.lines().filter_map(|line| {
        let name = line.strip_prefix("struct ")?.strip_suffix(" {")?;
        Some(format!("struct {name} *use_struct_{name};\n"))
    });
    let mut program = String::from("#include \"vmlinux.h\"\n");
    program.extend(structs);
    fs::write(&source, program).unwrap();
    let built = Command::new(clang)
        .args(["-g", "-O1", "-target", "bpf", "-c", "-w"])
        .arg(&source)
        .arg("-o")
        .arg(&object)
        .output()
        .unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let btf = oxbpf_object::btf::Btf::parse_elf(&fs::read(&object).unwrap()).unwrap();
    btf.types()
        .filter(|(_, ty)| ty.kind() == oxbpf_object::btf::Kind::STRUCT && !ty.name().is_empty())
        .map(|(_, ty)| {
            let members = ty.members().map(|member| {
                let mut dump = oxbpf_object::btf::dump_c::CDump::new(&btf);
                let declaration = dump.declaration(member.ty, member.name).unwrap();
                (declaration, member.bit_offset, member.bitfield_size)
            });
            let members: Vec<_> = members.collect();
            let text = format!("{} {:?} {members:?}", ty.name(), ty.size());
            without_numbers(&text)
        })
        .collect()
}

/// Without the `___2` that tells types of one name apart: which of them comes first is nobody's business.
fn without_numbers(text: &str) -> String {
    let mut parts = text.split("___");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        plain.push_str(if rest.len() < part.len() { "" } else { "___" });
        plain.push_str(rest);
    }
    plain
}

#[test]
#[ignore = "takes a minute; `cargo test -p oxbpf-cli --test btf -- --ignored`"]
fn clang_makes_the_same_of_c_as_of_bpftools() {
    let Some(theirs) = other("bpftool", &["btf", "dump", "file", KERNEL, "format", "c"]) else {
        return;
    };
    let newest = (15..30).rev().map(|version| format!("clang-{version}"));
    let newest = newest.chain(["clang".to_owned()]);
    let Some(clang) = newest
        .into_iter()
        .find(|name| bpf2rs::Clang::at(name).is_ok())
    else {
        common::skip("there is no clang");
        return;
    };
    let clang = clang.as_str();
    let ours = oxbpf().args(["btf", "dump"]).output().unwrap().stdout;
    let (ours, theirs) = (types_of(clang, &ours), types_of(clang, &theirs));
    let name = |text: &str| text.split(' ').next().unwrap().to_owned();
    // Where they differ (bpftool 7.1 gets some sizes wrong, and those that follow from them), the kernel's word holds.
    let kernel = oxbpf::btf::KernelBtf::running().unwrap();
    let mut wrong = 0;
    for ours in ours.difference(&theirs) {
        wrong += 1;
        let ours_name = name(ours);
        let mut all = kernel.types().find_all(&ours_name);
        assert!(
            all.any(|ty| ours.starts_with(&format!("{} {:?} ", ty.name(), ty.size()))),
            "{ours}"
        );
    }
    assert!(wrong < 100, "{wrong} differ");
    // Which of the types that nothing uses are kept is a matter of the order in which old compilers saw them.
    let names: std::collections::BTreeSet<String> = ours.iter().map(|text| name(text)).collect();
    let missing: Vec<_> = theirs.iter().map(|text| name(text)).collect();
    let missing: Vec<_> = missing
        .iter()
        .filter(|name| !names.contains(*name))
        .collect();
    assert!(missing.len() < 10, "{missing:?}");
    assert!(ours.len() > 5000, "{} structures", ours.len());
    eprintln!("{} structures, {wrong} by the kernel's word", ours.len());
}

#[test]
fn one_type_comes_with_what_it_needs_and_no_more() {
    let (c, said, status) = run(["btf", "dump", "-t", "struct list_head"]);
    assert_eq!((said.as_str(), status), ("", 0));
    let expected =
        "struct list_head {\n\tstruct list_head *next;\n\tstruct list_head *prev;\n};\n\n";
    assert_eq!(c.trim_start_matches("struct list_head;\n\n"), expected);
    let (raw, _, _) = run(["btf", "dump", "-f", "raw", "-t", "struct list_head"]);
    assert_eq!(raw.lines().count(), 4, "{raw}");
    let (rust, _, _) = run(["btf", "dump", "-f", "rust", "-t", "struct list_head"]);
    assert!(rust.contains("pub struct ListHead"), "{rust}");
    assert!(rust.contains("pub next: u64"), "{rust}");
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    for (args, says) in [
        (
            &["btf", "dump", "-t", "struct list_hed"][..],
            "there is no type `struct list_hed`; did you mean `list_head`",
        ),
        (
            &["btf", "dump", "/no/such/file"],
            "oxbpf: reading `/no/such/file` failed: No such file",
        ),
        (
            &["btf", "dump", "/proc/version"],
            "holds no types: it is text",
        ),
        (
            &["btf", "dump", "prog:4294967295"],
            "opening the program with id 4294967295",
        ),
        (&["btf", "dump", "prog:x"], "`x` is no number of a program"),
        (
            &["btf", "dump", "module:no_such"],
            "no module of that name is loaded",
        ),
        (&["btf", "dmp"], "a similar subcommand exists: 'dump'"),
        (&["vrfy"], "a similar subcommand exists: 'verify'"),
        (&["rnu"], "a similar subcommand exists: 'run'"),
        (&["dump"], "a similar subcommand exists: 'btf dump'"),
    ] {
        let (_, said, status) = run(args);
        assert!(said.contains(says), "{args:?}: {said}");
        assert_eq!(status, 2, "{args:?}");
    }
}

#[test]
fn diff_tells_and_says_so_by_its_exit_status() {
    let (text, said, status) = run(["btf", "diff", "kernel", "kernel"]);
    assert_eq!((text.as_str(), said.as_str(), status), ("", "", 0));

    let directory = tempfile::tempdir().unwrap();
    let min = directory.path().join("min.btf");
    let object = directory.path().join("core.bpf.o");
    fs::write(&object, fixtures::object("core")).unwrap();
    let (text, _, status) = run([
        "btf".as_ref(),
        "min".as_ref(),
        object.as_os_str(),
        "-O".as_ref(),
        min.as_os_str(),
    ]);
    assert_eq!(status, 0);
    assert!(
        text.contains(" types, ") && text.ends_with("for 1 object\n"),
        "{text}"
    );

    // All that the object asks about is in it, and not much besides.
    let min = min.to_str().unwrap();
    let object = object.to_str().unwrap();
    let (text, said, status) = run(["btf", "diff", "kernel", min, "--for", object]);
    assert_eq!((text.as_str(), said.as_str(), status), ("", "", 0));
    let (text, _, status) = run(["btf", "diff", "kernel", min, "-t", "task_struct"]);
    assert_eq!(status, 1);
    assert!(text.starts_with("struct task_struct\n  "), "{text}");
    assert!(text.contains("  static_prio is gone\n"), "{text}");
    let (json, _, _) = run([
        "-o",
        "json",
        "btf",
        "diff",
        "kernel",
        min,
        "-t",
        "list_head",
    ]);
    assert!(
        json.contains(r#"{"type":"struct list_head","change":"gone"}"#),
        "{json}"
    );
}

#[test]
fn types_of_what_is_loaded_are_told_by_its_id() {
    if !common::may_load() {
        return;
    }
    let spec = oxbpf_object::CollectionSpec::parse(fixtures::object("maps")).unwrap();
    let theirs = spec.btf.clone().unwrap();
    let objects = oxbpf::Loader::new().load(spec).unwrap();
    let (_, program) = objects.programs().next().unwrap();
    let (_, map) = objects
        .maps()
        .find(|(_, map)| map.info().unwrap().btf_id != 0)
        .unwrap();
    let (program, map) = (program.info().unwrap(), map.info().unwrap());
    for source in [
        format!("prog:{}", program.id),
        format!("map:{}", map.id),
        format!("btf:{}", program.btf_id),
    ] {
        let (raw, said, status) = run(["btf", "dump", &source, "-f", "raw"]);
        assert_eq!((said.as_str(), status), ("", 0), "{source}");
        // All types that the object has; this kernel may know some by simpler ones only.
        assert_eq!(
            raw.lines().filter(|line| line.starts_with('[')).count(),
            theirs.types().len(),
            "{source}"
        );
        let structs: Vec<_> = theirs
            .types()
            .filter(|(_, ty)| ty.kind() == oxbpf_object::btf::Kind::STRUCT)
            .map(|(id, ty)| format!("[{}] STRUCT '{}'", id.0, ty.name()))
            .filter(|line| !line.ends_with("''"))
            .collect();
        assert!(!structs.is_empty());
        for line in structs {
            assert!(raw.contains(&line), "{source}: {line}");
        }
        let (c, _, _) = run(["btf", "dump", &source]);
        assert!(c.contains("struct "), "{source}: {c}");
    }
    let spec = oxbpf_object::spec::MapSpec {
        map_type: oxbpf_object::MapType::ARRAY,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        ..Default::default()
    };
    let untyped = oxbpf::Map::create("untyped", &spec, Default::default()).unwrap();
    let id = untyped.info().unwrap().id;
    let (_, said, status) = run(["btf", "dump", &format!("map:{id}")]);
    assert!(
        said.contains("(`untyped`) was loaded without types"),
        "{said}"
    );
    assert_eq!(status, 2);
}

#[test]
fn types_of_a_module_are_told_by_its_name() {
    let all = fs::read_dir("/sys/kernel/btf").into_iter().flatten();
    let names = all.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let Some(module) = names.into_iter().find(|name| name != "vmlinux") else {
        common::skip("no module with types is loaded");
        return;
    };
    let file = format!("/sys/kernel/btf/{module}");
    let (raw, said, status) = run(["btf", "dump", &format!("module:{module}"), "-f", "raw"]);
    assert_eq!((said.as_str(), status), ("", 0));
    let (same, _, _) = run(["btf", "dump", &file, "-f", "raw"]);
    assert!(raw == same, "{module}: by name and by file");
    let (c, said, status) = run(["btf", "dump", &format!("module:{module}")]);
    assert_eq!((said.as_str(), status), ("", 0));
    assert!(c.contains("struct "), "{c}");
    let Some(theirs) = other(
        "bpftool",
        &["-B", KERNEL, "btf", "dump", "file", &file, "format", "raw"],
    ) else {
        return;
    };
    let theirs = String::from_utf8(theirs).unwrap();
    let mut lines = raw.lines().zip(theirs.lines());
    assert_eq!(lines.find(|(ours, theirs)| ours != theirs), None);
    assert_eq!(raw.lines().count(), theirs.lines().count());
}
