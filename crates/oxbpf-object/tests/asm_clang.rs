//! Instructions that clang makes, read by us and by LLVM's disassembler.

mod clang;

use std::collections::BTreeMap;
use std::fs;

use oxbpf_object::Endian;
use oxbpf_object::asm::{self, Imm64, Insn, NoNames, Op, Operand};

use clang::{code_sections, compile, fixture, run};

/// Slots and instructions of a section, after checking that they encode back to its bytes.
fn read(name: &str, bytes: &[u8], endian: Endian) -> Vec<(usize, Op)> {
    let insns = asm::decode(bytes, endian).unwrap();
    assert_eq!(asm::encode(&insns, endian), bytes, "{name}");
    let ops: Vec<(usize, Op)> = asm::ops(&insns)
        .map(|(slot, op)| (slot, op.unwrap_or_else(|e| panic!("{name}: {e}"))))
        .collect();
    assert_eq!(asm::program(ops.iter().map(|(_, op)| *op)), insns, "{name}");
    ops
}

#[test]
fn text_is_the_verifiers() {
    let table = fs::read_to_string(fixture("asm/instructions.txt")).unwrap();
    let rows: Vec<(&str, &str)> = table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once(" | ").unwrap())
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("instructions.s");
    let lines: String = rows.iter().map(|(llvm, _)| format!("{llvm}\n")).collect();
    fs::write(&source, lines).unwrap();

    for (target, endian) in [("bpfel", Endian::Little), ("bpfeb", Endian::Big)] {
        let Some(elf) = compile(&source, &["-target", target, "-mcpu=v4"]) else {
            return;
        };
        let sections = code_sections(&elf);
        assert_eq!(sections.len(), 1);
        let ops = read(target, &sections[0].1, endian);
        let got: Vec<String> = ops.iter().map(|(_, op)| op.to_string()).collect();
        let expected: Vec<&str> = rows.iter().map(|(_, kernel)| *kernel).collect();
        assert_eq!(got, expected);
    }
}

/// The instruction in LLVM's notation, without names of registers' halves where the two differ.
fn in_llvm(op: Op) -> String {
    let text = op.to_string();
    let text = match op {
        Op::LoadImm64 {
            dst,
            value: Imm64::Value(value),
        } => format!("{dst} = {} ll", value as i64),
        Op::Jump {
            right: Operand::Imm(imm),
            ..
        } => text.replace(&format!(" {imm:#x} "), &format!(" {imm} ")),
        Op::Call(_) => {
            let target = text.split(['#', 'c']).next_back().unwrap();
            format!("call {}", target.trim_start_matches('+'))
        }
        _ => text,
    };
    let text = text
        .replace("pc", "")
        .replace(" +", " + ")
        .replace(" -", " - ")
        .replace("+  ", "+ ")
        .replace("64_fetch", "_fetch")
        .replace("atomic64_xchg((u64 *)(", "xchg_64(")
        .replace("atomic_xchg((u32 *)(", "xchg32_32(")
        .replace("atomic64_cmpxchg((u64 *)(", "cmpxchg_64(")
        .replace("atomic_cmpxchg((u32 *)(", "cmpxchg32_32(");
    plain(&text)
}

/// Spaces and parentheses out; `w3` to `r3` in memory accesses, where LLVM's choice between the two
/// follows the cpu version and not the bytes.
fn plain(text: &str) -> String {
    let memory = text.contains("*(") || text.contains("xchg") || text.contains("atomic");
    let text: String = match text.rsplit_once(" <") {
        Some((text, label)) if label.ends_with('>') => text,
        _ => text,
    }
    .chars()
    .filter(|c| !c.is_whitespace() && !matches!(c, '(' | ')'))
    .collect();
    match memory {
        true => text.replace('w', "r"),
        false => text,
    }
}

/// What `llvm-objdump` prints: section → slot → (bytes, text).
type Listing = BTreeMap<String, BTreeMap<usize, (Vec<u8>, String)>>;

fn objdump(path: &str, cpu: &str) -> Option<Listing> {
    let names = ["llvm-objdump-19", "llvm-objdump-20", "llvm-objdump-21"];
    let cpu = format!("--mcpu={cpu}");
    let out = run(&names, &["-d", "--no-print-imm-hex", &cpu, path])?;
    let mut listing = Listing::new();
    let mut section = String::new();
    for line in String::from_utf8(out).unwrap().lines() {
        if let Some(name) = line.strip_prefix("Disassembly of section ") {
            name.trim_end_matches(':').clone_into(&mut section);
        } else if let [slot, hex, text] = *line.split('\t').collect::<Vec<_>>() {
            let slot = slot.trim().trim_end_matches(':').parse().unwrap();
            let bytes = hex
                .split_whitespace()
                .map(|b| u8::from_str_radix(b, 16).unwrap())
                .collect();
            listing
                .entry(section.clone())
                .or_default()
                .insert(slot, (bytes, plain(text)));
        }
    }
    Some(listing)
}

#[test]
fn c_for_every_cpu_version_reads_as_llvm_reads_it() {
    let source = fixture("asm/broad.c");
    let dir = tempfile::tempdir().unwrap();
    let object = dir.path().join("broad.o");
    for (target, endian) in [("bpfel", Endian::Little), ("bpfeb", Endian::Big)] {
        for cpu in ["v1", "v2", "v3", "v4"] {
            for optimise in ["-O1", "-O2"] {
                let mcpu = format!("-mcpu={cpu}");
                let args = ["-target", target, &mcpu, optimise, "-g", "-Wall", "-Werror"];
                let Some(elf) = compile(&source, &args) else {
                    return;
                };
                fs::write(&object, &elf).unwrap();
                let Some(theirs) = objdump(object.to_str().unwrap(), cpu) else {
                    return;
                };
                let sections = code_sections(&elf);
                assert_eq!(sections.len(), theirs.len());
                let mut count = 0;
                for (name, bytes) in sections {
                    let ops = read(&name, &bytes, endian);
                    let ours: BTreeMap<usize, (Vec<u8>, String)> = ops
                        .into_iter()
                        .map(|(slot, op)| {
                            let bytes = asm::encode(&asm::program([op]), endian);
                            (slot, (bytes, in_llvm(op)))
                        })
                        .collect();
                    count += ours.len();
                    assert_eq!(ours.len(), theirs[&name].len());
                    for (slot, insn) in ours {
                        let theirs = theirs[&name].get(&slot);
                        assert_eq!(Some(&insn), theirs, "{args:?} {name} {slot}");
                    }
                }
                assert!(
                    count > 200,
                    "{target} {cpu} {optimise}: only {count} instructions"
                );
            }
        }
    }
}

#[test]
fn listing_of_a_section_names_every_slot() {
    let Some(elf) = compile(&fixture("asm/broad.c"), &["-target", "bpfel", "-O2"]) else {
        return;
    };
    let (_, bytes) = &code_sections(&elf)[0];
    let insns = asm::decode(bytes, Endian::Little).unwrap();
    let text = asm::listing(&insns, &NoNames).to_string();
    let slots: Vec<usize> = text
        .lines()
        .map(|line| line.split_once(':').unwrap().0.parse().unwrap())
        .collect();
    let wide = insns.iter().filter(|i: &&Insn| i.is_wide()).count();
    assert_eq!(slots.len() + wide, insns.len());
    assert!(slots.is_sorted());
}
