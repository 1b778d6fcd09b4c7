//! CO-RE relocations that clang makes, done by us and by libbpf (in bpftool) for the running kernel.

mod clang;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use oxbpf_object::asm::{Insn, Op, Size};
use oxbpf_object::btf::{Btf, Kind};
use oxbpf_object::core_reloc::{CoreReloc, CoreRelocKind, ErrorKind, Explanation, POISON};
use oxbpf_object::{CollectionSpec, Endian};

use clang::{compile, fixture};

const KERNEL: &str = "/sys/kernel/btf/vmlinux";

fn kernel() -> Option<Btf> {
    match fs::read(KERNEL) {
        Ok(bytes) => Some(Btf::parse(bytes).unwrap()),
        Err(error) => {
            println!("skipped: {KERNEL}: {error}");
            None
        }
    }
}

fn object(target: &str) -> Option<(Vec<u8>, CollectionSpec)> {
    let args = [
        "-target", target, "-mcpu=v3", "-O2", "-g", "-Wall", "-Werror",
    ];
    let elf = compile(&fixture("core/tracing.bpf.c"), &args)?;
    let spec = CollectionSpec::parse(&elf).unwrap();
    Some((elf, spec))
}

/// What libbpf says at debug level about one relocation, in our hands.
fn in_libbpf(
    insn: usize,
    slots: &[Insn],
    relocated: &[Insn],
    explanation: &Explanation,
) -> Vec<String> {
    let mut lines = vec![explanation.local.clone()];
    match &explanation.target {
        Some(target) => lines.push(format!("matching {target}")),
        None if explanation.local.starts_with("<local_type_id>") => {}
        None => lines.push("no matching targets found".to_owned()),
    }
    let (before, after) = (slots[insn], relocated[insn]);
    if after.is_helper_call() && after.imm as u32 == POISON.0 {
        if before.is_wide() {
            assert_eq!(relocated[insn + 1], after);
            lines.push(format!("substituting insn #{} w/ invalid insn", insn + 1));
        }
        lines.push(format!("substituting insn #{insn} w/ invalid insn"));
        return lines;
    }
    let (what, old, new) = match before.class() {
        0x04 | 0x07 => ("(ALU/ALU64) imm", before.imm.into(), after.imm.into()),
        0x00 => {
            let value = |insns: &[Insn]| {
                let (low, high) = (insns[insn].imm as u32, insns[insn + 1].imm as u32);
                i128::from(u64::from(high) << 32 | u64::from(low))
            };
            ("(LDIMM64) imm64", value(slots), value(relocated))
        }
        _ => ("(LDX/ST/STX) off", before.off.into(), after.off.into()),
    };
    lines.push(format!("patched insn #{insn} {what} {old} -> {new}"));
    if matches!(before.class(), 1..=3) && before.code != after.code {
        let size = |insn: Insn| Size::of(insn.code).bytes();
        lines.push(format!(
            "patched insn #{insn} (LDX/ST/STX) mem_sz {} -> {}",
            size(before),
            size(after)
        ));
    }
    lines
}

/// What bpftool prints at debug level: function and number of relocation → lines.
fn bpftool(object: &str) -> Option<BTreeMap<(String, usize), Vec<String>>> {
    // The programs are refused (they have poisoned instructions), so nothing gets pinned.
    let command = [
        "-d",
        "prog",
        "loadall",
        object,
        "/sys/fs/bpf/oxbpf-core-clang",
    ];
    let Ok(output) = Command::new("bpftool").args(command).output() else {
        println!("skipped: bpftool is not installed");
        return None;
    };
    assert!(!output.status.success());
    let mut relos = BTreeMap::<_, Vec<String>>::new();
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        let Some((function, rest)) = line
            .strip_prefix("libbpf: prog '")
            .and_then(|line| line.split_once("': relo #"))
        else {
            continue;
        };
        let (number, text) = rest.split_once(": ").unwrap();
        let text = match text.split_once(" candidate #") {
            Some(("non-matching", _)) => continue,
            Some((matching, candidate)) => {
                format!("{matching} {}", candidate.split_once(' ').unwrap().1)
            }
            // Told in words, besides the line about what becomes of the instruction.
            None if text.contains("accesses field incorrectly") => continue,
            None => text.to_owned(),
        };
        let key = (function.to_owned(), number.parse().unwrap());
        relos.entry(key).or_default().push(text);
    }
    if relos.is_empty() {
        let said = String::from_utf8_lossy(&output.stderr);
        println!("skipped: bpftool could not open the object: {said}");
        return None;
    }
    Some(relos)
}

#[test]
fn every_relocation_comes_out_as_in_libbpf() {
    let (Some(kernel), Some((elf, spec))) = (kernel(), object("bpfel")) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tracing.o");
    fs::write(&path, elf).unwrap();
    let Some(theirs) = bpftool(path.to_str().unwrap()) else {
        return;
    };

    let types = spec.btf.as_ref().unwrap();
    let mut core = CoreReloc::new(types, &kernel);
    let mut ours = BTreeMap::new();
    let mut kinds = Vec::new();
    for function in spec.functions() {
        let mut insns = function.insns.clone();
        core.relocate(&mut insns, &function.core_relos).unwrap();
        for (number, relo) in function.core_relos.iter().enumerate() {
            kinds.push(relo.record.kind);
            let explanation = core.explain(relo.record).unwrap();
            let mut lines = in_libbpf(relo.insn, &function.insns, &insns, &explanation);
            lines.sort();
            ours.insert((function.name.clone(), number), lines);
        }
    }
    assert_eq!(ours.len(), theirs.len());
    for (relo, mut lines) in theirs {
        lines.sort();
        assert_eq!(ours.get(&relo), Some(&lines), "{relo:?}");
    }
    // All that there is has been tried.
    for kind in CoreRelocKind::ALL {
        assert!(kinds.contains(&kind.0), "{kind}");
    }
    let all: String = ours
        .values()
        .flatten()
        .map(|line| format!("{line}\n"))
        .collect();
    for text in [
        "mem_sz 8 -> 4",
        "mem_sz 1 -> 8",
        "substituting",
        "imm64",
        "@ offset 64.1",
    ] {
        assert!(all.contains(text), "{text}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let (Some(kernel), Some((_, spec))) = (kernel(), object("bpfel")) else {
        return;
    };
    let mut core = CoreReloc::new(spec.btf.as_ref().unwrap(), &kernel);
    let mut told = Vec::new();
    for function in spec.functions() {
        let mut insns = function.insns.clone();
        for missing in core.relocate(&mut insns, &function.core_relos).unwrap() {
            let poisoned = Op::decode(&insns[missing.insn..]).unwrap().0.to_string();
            assert_eq!(poisoned, "call unknown#195896080");
            told.push(format!("{}: {missing}", function.name));
        }
    }
    let expected = [
        "loads: field `state` of `struct task_struct___before_5_14` does not exist on this kernel",
        "types: value `BPF_MAP_TYPE_NEVER_WAS` of `enum bpf_map_type` does not exist on this kernel",
        "direct: field `pid` of `struct task_struct___other_sizes` has another size on this kernel and must be read with BPF_CORE_READ or bpf_core_read",
        "direct: field `normal_prio` of `struct task_struct___other_sizes` has another size on this kernel and must be read with BPF_CORE_READ or bpf_core_read",
        "direct: field `state` of `struct task_struct___before_5_14` does not exist on this kernel",
    ];
    told.sort();
    let mut expected = expected.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(told, expected);
}

/// The object against its own types in the other byte order: everything stays, bit-fields too.
#[test]
fn clang_agrees_in_both_byte_orders() {
    for (target, endian) in [("bpfel", Endian::Little), ("bpfeb", Endian::Big)] {
        let Some((_, spec)) = object(target) else {
            return;
        };
        let types = spec.btf.as_ref().unwrap();
        assert_eq!(types.endian(), endian);
        let mut core = CoreReloc::new(types, types);
        for function in spec.functions() {
            let mut insns = function.insns.clone();
            match core.relocate(&mut insns, &function.core_relos) {
                Ok(missing) => {
                    assert_eq!(missing, []);
                    assert_eq!(insns, function.insns, "{target} {}", function.name);
                }
                // The flavours are several types of one name now.
                Err(error) => assert!(
                    matches!(error.kind(), ErrorKind::Ambiguous { .. }),
                    "{error}"
                ),
            }
        }
    }
}

#[test]
fn offsets_are_those_of_the_kernel() {
    let (Some(kernel), Some((_, spec))) = (kernel(), object("bpfel")) else {
        return;
    };
    let task = kernel.find("task_struct", Kind::STRUCT).unwrap();
    let pid = kernel
        .get(task)
        .unwrap()
        .members()
        .find(|member| member.name == "pid")
        .unwrap();
    let function = spec.functions().iter().find(|f| f.name == "loads").unwrap();
    let mut insns = function.insns.clone();
    CoreReloc::new(spec.btf.as_ref().unwrap(), &kernel)
        .relocate(&mut insns, &function.core_relos)
        .unwrap();
    let first = function.core_relos[0].insn;
    assert_eq!(insns[first].imm as u32, pid.byte_offset());
}
