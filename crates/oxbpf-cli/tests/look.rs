//! What commands look like that say other things on every machine: what differs is masked, and how it is set out is not.

mod common;

use std::fs;

use common::{golden, in_terminal, oxbpf, run};
use oxbpf_object::Endian;
use oxbpf_object::btf::{BtfBuilder, Enumerator, Member, TypeId};

/// Without colours.
fn in_plain_terminal(args: &[&str]) -> Option<String> {
    let (text, _) = in_terminal(oxbpf().args(args).env("NO_COLOR", "1"))?;
    // What was told meanwhile was taken back.
    let text = text.rsplit("\r\x1b[K").next().unwrap();
    Some(text.to_owned())
}

/// Whether all of it was made for a terminal of 80 columns.
#[track_caller]
fn assert_fits(shown: &str) {
    let fits = |line: &str| line.chars().count() <= 80;
    assert!(shown.lines().all(fits), "{shown}");
}

/// Where the words of a line begin that stand apart.
fn columns(line: &str) -> Vec<usize> {
    let chars: Vec<char> = line.chars().collect();
    let begins = |at: usize| chars[at] != ' ' && (at == 0 || chars[..at].ends_with(&[' ', ' ']));
    (0..chars.len()).filter(|at| begins(*at)).collect()
}

#[test]
fn doctor() {
    let (piped, _, _) = run(["doctor"]);
    let mut masked = String::new();
    for line in piped.lines() {
        let (state, rest) = line.split_at(9);
        let (what, rest) = rest.split_at(20);
        assert!(!rest.starts_with(' '), "{line}");
        let said = if rest.starts_with("-> ") {
            "-> REMEDY"
        } else {
            "TEXT"
        };
        let state = if state.trim().is_empty() {
            state
        } else {
            "STATE    "
        };
        let line = format!("{state}{what}{said}\n");
        // There may be any number of remedies and of options.
        if !masked.ends_with(&line) && said == "TEXT" {
            masked.push_str(&line);
        }
    }
    golden!("doctor.txt", &masked);

    // In a terminal the same is in lines that are short enough, below one another.
    let Some(shown) = in_plain_terminal(&["doctor"]) else {
        return;
    };
    assert_fits(&shown);
    let mut joined: Vec<String> = Vec::new();
    for line in shown.lines() {
        let text = line.trim_start();
        match line.chars().count() - text.chars().count() {
            0 => joined.push(line.to_owned()),
            29 if text.starts_with("-> ") => joined.push(line.to_owned()),
            29 | 32 => {
                let last = joined.last_mut().unwrap();
                last.push(' ');
                last.push_str(text);
            }
            indent => panic!("{indent} blanks before `{text}`"),
        }
    }
    assert_eq!(joined, piped.lines().collect::<Vec<_>>());
}

#[test]
fn feature() {
    let (piped, _, _) = run(["feature"]);
    let mut masked = String::new();
    let mut places = Vec::new();
    for line in piped.lines() {
        if line.starts_with("FEATURE ") {
            places = columns(line);
            assert_eq!(places.len(), 3);
        } else if !places.is_empty() && line.starts_with("  ") {
            assert_eq!(columns(line)[1..], places[1..], "{line}");
        }
        let line = match line.split_once(" = ") {
            Some((name, _)) => format!("{name} = VALUE"),
            None => line.split_whitespace().collect::<Vec<_>>().join(" "),
        };
        let line = line
            .replace(" not permitted ", " HERE ")
            .replace(" yes ", " HERE ")
            .replace(" no ", " HERE ");
        // How many of them this kernel has.
        let line = match line.split_once(": ") {
            Some((title, count)) => match count.split_once(" of ") {
                Some((_, all)) => format!("{title}: N of {all}"),
                None => format!("{title}: N"),
            },
            None if line.starts_with("Linux ") => "Linux RELEASE".to_owned(),
            None => line,
        };
        masked.push_str(&line);
        masked.push('\n');
    }
    golden!("feature.txt", &masked);

    // In a terminal each line is the same, but for what is cut.
    let Some(shown) = in_plain_terminal(&["feature"]) else {
        return;
    };
    assert_fits(&shown);
    assert_eq!(shown.lines().count(), piped.lines().count());
    let mut cut = 0;
    for (shown, piped) in shown.lines().zip(piped.lines()) {
        let parts: Vec<_> = shown.split('…').collect();
        cut += parts.len() - 1;
        let mut rest = piped;
        for part in parts.iter().flat_map(|part| part.split_whitespace()) {
            let at = rest
                .find(part)
                .unwrap_or_else(|| panic!("{shown}\n{piped}"));
            rest = &rest[at + part.len()..];
        }
    }
    assert!(cut > 0, "{shown}");
}

/// Types in which something of every kind is different.
fn types(is_new: bool) -> Vec<u8> {
    let mut btf = BtfBuilder::new();
    let (int, long) = (btf.add_signed("int", 4), btf.add_signed("long", 8));
    let members = |all: &[(&'static str, TypeId, u32)]| -> Vec<Member<'static>> {
        let member = |(name, ty, byte): &(&'static str, TypeId, u32)| Member {
            name,
            ty: *ty,
            bit_offset: byte * 8,
            bitfield_size: 0,
        };
        all.iter().map(member).collect()
    };
    let same = members(&[("a", int, 0), ("b", int, 4)]);
    btf.add_struct("same", 8, &same);
    let (changed, size, other, busy) = match is_new {
        false => {
            let changed = [
                ("kept", int, 0),
                ("moved", int, 4),
                ("wider", int, 8),
                ("lost", int, 12),
            ];
            (members(&changed), 16, "went", 1)
        }
        true => {
            let changed = [
                ("kept", int, 0),
                ("added", int, 4),
                ("moved", int, 12),
                ("wider", long, 8),
            ];
            (members(&changed), 24, "came", 2)
        }
    };
    btf.add_struct("changed", size, &changed);
    btf.add_struct(other, 8, &same);
    let value = |name, value| Enumerator { name, value };
    btf.add_enum("state", 4, false, &[value("IDLE", 0), value("BUSY", busy)]);
    btf.to_bytes(Endian::NATIVE).unwrap()
}

#[test]
fn differences() {
    let directory = tempfile::tempdir().unwrap();
    let [old, new] = [("old", false), ("new", true)].map(|(name, is_new)| {
        let path = directory.path().join(name);
        fs::write(&path, types(is_new)).unwrap();
        path.display().to_string()
    });
    let diff = ["btf", "diff", &old, &new];
    let (piped, said, status) = run(diff);
    assert_eq!((said.as_str(), status), ("", 1));
    golden!("btf_diff.txt", &piped);
    let Some((shown, _)) = in_terminal(oxbpf().args(diff)) else {
        return;
    };
    golden!("btf_diff_terminal.txt", &shown.replace('\x1b', "ESC"));
    let plain = in_plain_terminal(&diff).unwrap();
    assert_eq!(plain, piped);
}

#[test]
fn a_cut_of_types() {
    let directory = tempfile::tempdir().unwrap();
    let object = common::fixture(directory.path(), "core");
    let out = directory.path().join("min.btf");
    let min = [
        "btf",
        "min",
        object.to_str().unwrap(),
        "-O",
        out.to_str().unwrap(),
    ];
    let (piped, said, status) = run(min);
    assert_eq!((said.as_str(), status), ("", 0));
    let masked: Vec<_> = piped
        .split(' ')
        .map(|word| match word.parse::<u64>() {
            Ok(2..) => "N",
            _ => word,
        })
        .collect();
    let masked = masked.join(" ").replace(out.to_str().unwrap(), "FILE");
    golden!("btf_min.txt", &masked);
    let Some(shown) = in_plain_terminal(&min) else {
        return;
    };
    assert_eq!(shown, piped);
}

#[test]
fn work_of_more_than_a_second_is_told_on_a_terminal_and_taken_back() {
    if !common::may_load() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let object = common::fixture(directory.path(), "core");
    let verify = |count: usize| {
        let mut command = oxbpf();
        command.args(["verify", "-j", "1"]).env("NO_COLOR", "1");
        command.args(std::iter::repeat_n(&object, count));
        command
    };
    // Nobody wants that in a file.
    let start = std::time::Instant::now();
    let (_, said, _) = common::said(verify(20).output().unwrap());
    assert_eq!(said, "");
    // So many that it takes some seconds, whatever machine this is.
    let count = (20.0 * 3.0 / start.elapsed().as_secs_f64()) as usize + 2;
    let Some((shown, _)) = in_terminal(&mut verify(count)) else {
        return;
    };
    let parts: Vec<_> = shown.split("\r\x1b[K").collect();
    let [before, told @ .., table] = &parts[..] else {
        panic!("{shown}");
    };
    assert_eq!(*before, "");
    assert!(told.len() > 1, "{shown}");
    let done = |line: &&str| -> usize { line.split(' ').next().unwrap().parse().unwrap() };
    for line in told {
        let told = format!("{} of {count} objects, ", done(line));
        assert!(line.starts_with(&told), "{line}");
        assert!(line.contains(" s: ") && line.chars().count() < 80, "{line}");
    }
    assert!(told.is_sorted_by_key(done), "{shown}");
    assert!(done(told.last().unwrap()) > done(&told[0]), "{shown}");
    assert!(table.starts_with("PROGRAM "), "{table}");
}
