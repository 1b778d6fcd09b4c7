//! Files that are no BPF objects, or were once: errors that say so, and never a panic.

mod clang;

use oxbpf_object::btf::Kind;
use oxbpf_object::elf::{Error, ErrorKind};
use oxbpf_object::spec::CollectionSpec;

fn object(name: &str, target: &str) -> Option<Vec<u8>> {
    clang::compile(
        &clang::fixture(&format!("elf/{name}.bpf.c")),
        &["-target", target, "-O2", "-g"],
    )
}

/// Reads it and does all that can be done with it.
fn use_up(bytes: &[u8]) -> Result<CollectionSpec, Error> {
    let spec = CollectionSpec::parse_named("x.o", bytes)?;
    for program in 0..spec.programs().len() {
        spec.assemble(program).unwrap();
    }
    Ok(spec)
}

fn error(bytes: &[u8]) -> (ErrorKind, String) {
    let error = use_up(bytes).unwrap_err();
    (error.kind(), error.to_string())
}

/// Finds the header of a section.
fn section_header(bytes: &[u8], name: &str) -> usize {
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let half = |at: usize| usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()));
    let headers = word(40);
    let names = word(headers + half(62) * 64 + 24);
    (0..half(60))
        .map(|index| headers + index * 64)
        .find(|header| {
            let offset =
                u32::from_le_bytes(bytes[*header..header + 4].try_into().unwrap()) as usize;
            bytes[names + offset..].starts_with(format!("{name}\0").as_bytes())
        })
        .unwrap_or_else(|| panic!("no section {name}"))
}

fn set(bytes: &[u8], at: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + value.len()].copy_from_slice(value);
    bytes
}

#[test]
fn what_is_no_elf_file_is_named() {
    let text = |bytes: &[u8]| {
        let (kind, text) = error(bytes);
        assert_eq!(kind, ErrorKind::NotElf);
        text
    };
    assert_eq!(text(b""), "x.o: the file is empty");
    assert_eq!(
        text(b"#include <linux/bpf.h>\n"),
        "x.o: not an ELF file; it looks like text: source has to be compiled with `clang -target bpf -c` first"
    );
    assert_eq!(
        text(b"BC\xc0\xde1234"),
        "x.o: not an ELF file; it looks like LLVM bitcode: compile it without `-emit-llvm` and `-flto`"
    );
    assert_eq!(
        text(b"!<arch>\nx"),
        "x.o: not an ELF file; it looks like a static library (`ar` archive): take an object out of it"
    );
    assert_eq!(
        text(b"\x9f\xeb\x01\0"),
        "x.o: not an ELF file; it looks like raw BTF, the types without the programs"
    );
    assert_eq!(
        text(&[0; 1000]),
        "x.o: not an ELF file; it starts with zeros only"
    );
    assert_eq!(text(b"\x01\x02\x03"), "x.o: not an ELF file");
}

#[test]
fn elf_files_for_something_else_are_named() {
    let this = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let (kind, text) = error(&this);
    assert_eq!(kind, ErrorKind::NotBpf);
    assert!(
        text.ends_with("instead of BPF: compile it with `clang -target bpf`"),
        "{text}"
    );

    let Some(object) = object("kprobe", "bpfel") else {
        return;
    };
    let not_bpf = |bytes: Vec<u8>| {
        let (kind, text) = error(&bytes);
        assert_eq!(kind, ErrorKind::NotBpf);
        text
    };
    assert_eq!(
        not_bpf(set(&object, 18, &[183, 0])),
        "x.o: compiled for AArch64 instead of BPF: compile it with `clang -target bpf`"
    );
    assert_eq!(
        not_bpf(set(&object, 18, &[9, 9])),
        "x.o: compiled for machine 2313 instead of BPF: compile it with `clang -target bpf`"
    );
    assert_eq!(
        not_bpf(set(&object, 4, &[1])),
        "x.o: a 32-bit ELF file; BPF objects are 64-bit: compile it with `clang -target bpf`"
    );
    for (kind, name) in [
        (2, "an executable"),
        (3, "a shared library"),
        (4, "a core dump"),
        (5, "an ELF file of type 5"),
    ] {
        let expected = format!(
            "x.o: {name} instead of a relocatable object: compile it with `clang -target bpf -c`, without linking"
        );
        assert_eq!(not_bpf(set(&object, 16, &[kind, 0])), expected);
    }
    assert!(
        use_up(&set(&object, 18, &[0, 0])).is_ok(),
        "compilers before LLVM 4 did not name the machine"
    );
    let corrupt = |at, value: &[u8]| error(&set(&object, at, value));
    assert_eq!(
        corrupt(4, &[3]),
        (
            ErrorKind::Corrupt,
            "x.o: an ELF file of unknown class 3".to_owned()
        )
    );
    assert_eq!(
        corrupt(5, &[0]),
        (
            ErrorKind::Corrupt,
            "x.o: an ELF file of unknown byte order 0".to_owned()
        )
    );
    assert_eq!(
        corrupt(6, &[0]),
        (
            ErrorKind::Corrupt,
            "x.o: an ELF file of unknown version 0".to_owned()
        )
    );
}

#[test]
fn a_missing_file_is_named() {
    let error = CollectionSpec::from_file("/no/such/file.bpf.o").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.object(), Some("/no/such/file.bpf.o"));
    assert!(
        error
            .to_string()
            .starts_with("/no/such/file.bpf.o: cannot be read: No such file"),
        "{error}"
    );
}

#[test]
fn a_file_gives_the_collection_its_name() {
    let Some(object) = object("kprobe", "bpfel") else {
        return;
    };
    let path = std::env::temp_dir().join(format!("oxbpf-{}.bpf.o", std::process::id()));
    std::fs::write(&path, &object).unwrap();
    let spec = CollectionSpec::from_file(&path);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(spec.unwrap().name, format!("oxbpf-{}", std::process::id()));
}

#[test]
fn a_file_cut_off_anywhere_says_so() {
    for (name, target) in [
        ("kprobe", "bpfel"),
        ("everything", "bpfeb"),
        ("struct_ops", "bpfel"),
    ] {
        let Some(object) = object(name, target) else {
            return;
        };
        assert!(use_up(&object).is_ok());
        for length in 1..object.len() {
            let (kind, text) = error(&object[..length]);
            assert_eq!(
                kind,
                ErrorKind::Truncated,
                "{length} of {}: {text}",
                object.len()
            );
            assert!(text.contains("cut off"), "{text}");
        }
    }
}

#[test]
fn corrupted_sections_are_named() {
    let Some(object) = object("everything", "bpfel") else {
        return;
    };
    let with = |section: &str, field: usize, value: &[u8]| {
        error(&set(
            &object,
            section_header(&object, section) + field,
            value,
        ))
    };
    let size = 32;

    let (kind, text) = with("socket", size, &0x108u64.saturating_sub(8).to_le_bytes());
    assert_eq!(
        (kind, text.as_str()),
        (
            ErrorKind::Corrupt,
            "x.o: section `socket`: `second_in_section`: the function's bytes 16 to 264 reach past the end of the section, which has 256 bytes"
        )
    );
    let (kind, text) = with(".symtab", size, &25u64.to_le_bytes());
    assert_eq!(
        (kind, text.as_str()),
        (
            ErrorKind::Corrupt,
            "x.o: section `.symtab`: 25 bytes are no whole number of symbols"
        )
    );
    let (kind, text) = with(".symtab", 4, &1u32.to_le_bytes());
    assert_eq!(kind, ErrorKind::Corrupt);
    assert!(text.starts_with("x.o: there is no symbol table"), "{text}");
    let (kind, text) = with(".relsocket", size, &24u64.to_le_bytes());
    assert_eq!(
        (kind, text.as_str()),
        (
            ErrorKind::Corrupt,
            "x.o: section `.relsocket`: 24 bytes are no whole number of relocations"
        )
    );
    let (kind, text) = with(".bss", size, &(1u64 << 40).to_le_bytes());
    assert_eq!(
        (kind, text.as_str()),
        (
            ErrorKind::Limit,
            "x.o: section `.bss`: 1099511627776 bytes of zeroed variables; an object may have 268435456"
        )
    );
    let (kind, text) = with(".data", size, &8u64.to_le_bytes());
    assert_eq!(
        (kind, text.as_str()),
        (
            ErrorKind::TypeInfo,
            "x.o: section `.data`: `hidden_here`: its 8 bytes at offset 8 reach past the end of the section, which has 8 bytes"
        )
    );
    let (kind, text) = with(".BTF", size, &100u64.to_le_bytes());
    assert_eq!(kind, ErrorKind::TypeInfo);
    assert!(text.starts_with("x.o: .BTF: "), "{text}");
    let (kind, text) = with("version", size, &3u64.to_le_bytes());
    assert_eq!(
        (kind, text.as_str()),
        (
            ErrorKind::Corrupt,
            "x.o: section `version`: 3 bytes instead of the 4 of a version"
        )
    );
    let symbols = u64::from_le_bytes(
        object[section_header(&object, ".symtab") + 24..][..8]
            .try_into()
            .unwrap(),
    ) as usize;
    let symbol = |wanted: usize| {
        let names = u64::from_le_bytes(
            object[section_header(&object, ".strtab") + 24..][..8]
                .try_into()
                .unwrap(),
        ) as usize;
        let name_at =
            |at: usize| names + u32::from_le_bytes(object[at..at + 4].try_into().unwrap()) as usize;
        let names = ["second_in_section", "kernel_symbol", "hidden\0", "tail\0"];
        (symbols..)
            .step_by(24)
            .find(|&at| object[name_at(at)..].starts_with(names[wanted].as_bytes()))
            .unwrap()
    };
    // One instruction earlier and one longer: into the function before it.
    let length = u64::from_le_bytes(object[symbol(0) + 16..][..8].try_into().unwrap()) + 8;
    let moved = set(
        &object,
        symbol(0) + 8,
        &[8u64, length].map(u64::to_le_bytes).concat(),
    );
    let (kind, text) = error(&moved);
    assert_eq!(
        (kind, text.as_str()),
        (
            ErrorKind::Corrupt,
            "x.o: section `socket`: `second_in_section`: the function overlaps `tail`"
        )
    );
    let (kind, text) = error(&set(&object, symbol(1), &u32::MAX.to_le_bytes()));
    assert_eq!(
        (kind, text.as_str()),
        (
            ErrorKind::Corrupt,
            "x.o: the name of a symbol lies outside of the names"
        )
    );

    let (kind, text) = error(&set(&object, symbol(2) + 8, &0u64.to_le_bytes()));
    assert_eq!(
        (kind, text.as_str()),
        (
            ErrorKind::TypeInfo,
            "x.o: section `.data`: `hidden`: the type information has it overlap `initialised`"
        )
    );
    // Many names for one function: each would be a program.
    let table = section_header(&object, ".symtab");
    let mut crowded = object.clone();
    crowded.resize(crowded.len().next_multiple_of(8), 0);
    let start = crowded.len() as u64;
    crowded.extend(
        &object[symbols..]
            [..u64::from_le_bytes(object[table + 32..][..8].try_into().unwrap()) as usize],
    );
    for _ in 0..40_000 {
        crowded.extend(&object[symbol(3)..][..24]);
    }
    let size = crowded.len() as u64 - start;
    let crowded = set(
        &crowded,
        table + 24,
        &[start, size].map(u64::to_le_bytes).concat(),
    );
    let (kind, text) = error(&crowded);
    assert_eq!(
        (kind, text.as_str()),
        (
            ErrorKind::Limit,
            "x.o: section `socket`: the object has more than 32768 programs"
        )
    );

    // All sections in the place of one: each would be copied in full.
    let mut overlapping = object.clone();
    let count = usize::from(u16::from_le_bytes(object[60..62].try_into().unwrap()));
    let headers = u64::from_le_bytes(object[40..48].try_into().unwrap()) as usize;
    for header in (1..count).map(|index| headers + index * 64) {
        if header != section_header(&object, ".strtab") {
            overlapping[header + 24..header + 32].copy_from_slice(&0u64.to_le_bytes());
            overlapping[header + 32..header + 40]
                .copy_from_slice(&(object.len() as u64).to_le_bytes());
        }
    }
    let (kind, text) = error(&overlapping);
    assert_eq!(kind, ErrorKind::Corrupt);
    assert!(text.ends_with("they overlap"), "{text}");
}

#[test]
fn static_variables_without_a_place_are_found_by_symbol() {
    let Some(object) = object("everything", "bpfel") else {
        return;
    };
    let spec = use_up(&object).unwrap();
    let variable = spec
        .btf
        .as_ref()
        .unwrap()
        .find("hidden_here", Kind::VAR)
        .unwrap();
    // The record of the section: variable, offset, size.
    let record = [variable.0, 8, 8].map(u32::to_le_bytes).concat();
    let at = object
        .windows(12)
        .position(|window| window == record)
        .unwrap();
    let spec = use_up(&set(&object, at + 4, &[0; 4])).unwrap();
    assert_eq!(spec.variable("hidden_here").unwrap().1.offset, 8);
}

#[test]
fn relocations_that_ask_for_nothing_are_passed_over() {
    let Some(object) = object("kprobe", "bpfel") else {
        return;
    };
    let relocs = |bytes: &[u8]| {
        let spec = use_up(bytes).unwrap();
        spec.function("kprobe_execve").unwrap().relocs.len()
    };
    let header = section_header(&object, ".relkprobe/sys_execve");
    let first = u64::from_le_bytes(object[header + 24..header + 32].try_into().unwrap()) as usize;
    // The type is the lower half of `r_info`; 0 is R_BPF_NONE.
    let none = set(&object, first + 8, &0u32.to_le_bytes());
    assert_eq!(relocs(&none) + 1, relocs(&object));
}

#[test]
fn settings_that_nothing_uses_take_no_map() {
    let Some(object) = object("setting", "bpfel") else {
        return;
    };
    let has_map = |bytes: &[u8]| use_up(bytes).unwrap().map(".kconfig").is_some();
    assert!(has_map(&object));
    let start = |name: &str| {
        let header = section_header(&object, name);
        u64::from_le_bytes(object[header + 24..header + 32].try_into().unwrap()) as usize
    };
    let relocation = start(".relsocket");
    let info = u64::from_le_bytes(object[relocation + 8..relocation + 16].try_into().unwrap());
    // The upper half of `r_info` is the number of the symbol. Its section becomes SHN_ABS: no longer is it somebody else's.
    let symbol = start(".symtab") + (info >> 32) as usize * 24;
    let unused = set(&object, relocation + 8, &0u32.to_le_bytes());
    let unused = set(&unused, symbol + 6, &0xfff1u16.to_le_bytes());
    assert!(!has_map(&unused));
}

#[test]
fn instructions_that_refer_to_nothing_are_named() {
    let Some(object) = object("liberal", "bpfel") else {
        return;
    };
    let spec = use_up(&object).unwrap();
    let word = |at: usize| u64::from_le_bytes(object[at..at + 8].try_into().unwrap()) as usize;
    let code = word(section_header(&object, "socket") + 24);
    let relocations = word(section_header(&object, ".relsocket") + 24);
    let program = spec.function("program").unwrap();
    let insn = |n: usize| code + (program.section_offset + program.relocs[n].insn) * 8;
    let at = |n: usize| program.relocs[n].insn;
    let said = |at: usize, value: &[u8]| {
        let (kind, text) = error(&set(&object, at, value));
        (
            kind,
            text.strip_prefix("x.o: section `socket`: ")
                .unwrap_or(&text)
                .to_owned(),
        )
    };

    // A static map is found by its offset in the section.
    let (kind, text) = said(insn(0) + 4, &8i32.to_le_bytes());
    assert_eq!(
        (kind, text),
        (
            ErrorKind::Reference,
            format!(
                "`program`: instruction {} refers to `.maps`, offset 8 of section `.maps`, where no map starts",
                at(0)
            )
        )
    );
    let (_, text) = said(insn(2) + 4, &32i32.to_le_bytes());
    assert_eq!(
        text,
        format!(
            "`program`: instruction {} refers to `socket`, offset 32 of section `socket`, where no function starts",
            at(2)
        )
    );
    let (_, text) = said(insn(3) + 4, &(-1i32).to_le_bytes());
    assert_eq!(
        text,
        format!(
            "`program`: instruction {} calls what is -1 instructions further, where no function starts",
            at(3)
        )
    );
    let (_, text) = said(insn(4) + 4, &7i32.to_le_bytes());
    assert_eq!(
        text,
        format!(
            "`program`: instruction {} refers to `elsewhere`, where no function starts, to call it",
            at(4)
        )
    );
    let (_, text) = said(insn(4) + 1, &[0]);
    assert_eq!(
        text,
        format!(
            "`program`: instruction {} refers to `elsewhere`, but is no call of a function of this object",
            at(4)
        )
    );
    let (_, text) = said(insn(0), &[0xb7]);
    assert_eq!(
        text,
        format!(
            "`program`: instruction {} refers to `.maps`, but is neither a call nor a 64-bit load (opcode 0xb7)",
            at(0)
        )
    );

    let (kind, text) = said(relocations, &4u64.to_le_bytes());
    assert_eq!(
        (kind, text.as_str()),
        (
            ErrorKind::Corrupt,
            "a relocation at offset 4, where no instruction starts"
        )
    );
    let (_, text) = said(relocations + 12, &9999u32.to_le_bytes());
    assert_eq!(
        text,
        format!(
            "the relocation at offset {} is for symbol 9999, which is not there",
            word(relocations)
        )
    );
    let (_, text) = said(relocations, &(word(relocations + 16) as u64).to_le_bytes());
    assert_eq!(
        text,
        format!("`program`: two relocations for instruction {}", at(1))
    );
    let (_, text) = said(relocations, &(word(relocations) as u64 + 8).to_le_bytes());
    assert_eq!(
        text,
        format!(
            "`program`: instruction {} refers to `.maps`, but is neither a call nor a 64-bit load (opcode 0x00)",
            at(0) + 1
        )
    );
}

/// A small generator of numbers: the same ones each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit
    }
}

#[test]
fn thousands_of_mutants_do_no_harm() {
    let mut random = Random(2_026);
    let mut opened = 0;
    let mut refused = 0;
    for (name, target) in [
        ("kprobe", "bpfel"),
        ("everything", "bpfel"),
        ("everything", "bpfeb"),
        ("struct_ops", "bpfel"),
    ] {
        let Some(object) = object(name, target) else {
            return;
        };
        let object = clang::strip_debug(&object);
        let mut count = |mutant: &[u8]| match use_up(mutant) {
            Ok(_) => opened += 1,
            Err(error) => {
                assert_eq!(error.object(), Some("x.o"));
                refused += 1;
            }
        };
        // Each byte once, to one of the values that are most likely to matter.
        for (at, &old) in object.iter().enumerate() {
            let new = [0, 0xff, old ^ 1, old ^ 0x80][random.below(4)];
            count(&set(&object, at, &[new]));
        }
        // Several bytes at once.
        for _ in 0..500 {
            let mut mutant = object.clone();
            for _ in 0..1 + random.below(8) {
                let at = random.below(mutant.len());
                mutant[at] = random.below(256) as u8;
            }
            count(&mutant);
        }
        // Words of the tables: offsets, sizes, counts.
        let headers = u64::from_le_bytes(object[40..48].try_into().unwrap())
            .min(object.len() as u64 / 2) as usize;
        for _ in 0..1000 {
            let mut mutant = object.clone();
            let at = headers / 8 * 8 + random.below((object.len() - headers) / 8) * 8;
            let value = [0, 1, 8, u64::MAX, 1 << 31, 1 << 63, object.len() as u64][random.below(7)];
            if let Some(word) = mutant.get_mut(at..at + 8) {
                word.copy_from_slice(&value.to_le_bytes());
            }
            count(&mutant);
        }
    }
    assert!(
        opened > 1000 && refused > 1000,
        "{opened} opened, {refused} refused"
    );
}

#[test]
fn names_do_not_reach_the_terminal_as_they_are() {
    let Some(object) = object("everything", "bpfel") else {
        return;
    };
    let object = clang::strip_debug(&object);
    let name = b"\0max_entries\0";
    let at = object.windows(name.len()).position(|part| part == name);
    // A field that maps do not have.
    let (_, text) = error(&set(&object, at.unwrap(), b"\0max\x1b]0;x\x07\n\0\0"));
    assert!(text.contains(r"`max\u{1b}]0;x\u{7}\n`"), "{text}");
}
