//! Objects and their instructions.

use oxbpf_object::asm::{self, NoNames, Op};
use oxbpf_object::core_reloc::CoreReloc;
use oxbpf_object::{CollectionSpec, Endian, Linker, elf};

use crate::{Random, mutate, pair};

pub(crate) fn object(input: &[u8]) {
    for inner in elf::embedded(input) {
        assert!(inner.len() <= input.len());
    }
    let spec = match CollectionSpec::parse_named("x.o", input) {
        Ok(spec) => spec,
        Err(error) => {
            assert_eq!(error.object(), Some("x.o"));
            return told(&error.to_string());
        }
    };
    for program in 0..spec.programs().len() {
        let assembled = spec
            .assemble(program)
            .expect("what was read can be put together");
        let slots = assembled.insns.len();
        assert!(assembled.relocs.iter().all(|reloc| reloc.insn < slots));
        assert!(assembled.func_info.iter().all(|(at, _)| *at < slots));
        assert!(assembled.core_relos.iter().all(|relo| relo.insn < slots));
    }
    relocate_to_itself(&spec);
}

/// Relocates all functions against the types that they were compiled with.
fn relocate_to_itself(spec: &CollectionSpec) {
    let Some(btf) = &spec.btf else {
        return;
    };
    let mut core = CoreReloc::new(btf, btf);
    for function in spec.functions() {
        core.announce(function.core_relos.iter().map(|relo| relo.record));
    }
    for function in spec.functions() {
        for relo in &function.core_relos {
            let Ok(meaning) = core.explain(relo.record) else {
                continue;
            };
            // A flavour may fit another type, and of two members of one name the first is found.
            let path = |spec: &str| spec.split(" @ ").next().map(str::to_owned);
            if meaning.target.as_deref().map(path) == Some(path(&meaning.local)) {
                assert_eq!(
                    meaning.target_value,
                    Some(meaning.local_value),
                    "{meaning:?}"
                );
            }
        }
        let mut insns = function.insns.clone();
        if let Err(error) = core.relocate(&mut insns, &function.core_relos) {
            told(&error.to_string());
        }
        assert_eq!(insns.len(), function.insns.len());
    }
}

/// An error is for people: it says something, on one line.
fn told(message: &str) {
    assert!(!message.is_empty(), "an error that says nothing");
    assert!(!message.contains(['\n', '\0', '\u{1b}']), "{message:?}");
}

pub(crate) fn linker(input: &[u8]) {
    let (first, second) = pair::split(input);
    let mut linker = Linker::new();
    let mut link = || -> Result<Vec<u8>, oxbpf_object::linker::Error> {
        linker.add("first.o", first)?;
        if !second.is_empty() {
            linker.add("second.o", second)?;
        }
        linker.link()
    };
    let linked = match link() {
        Ok(linked) => linked,
        Err(error) => return told(&error.to_string()),
    };
    let relink = |bytes: &[u8]| {
        Linker::new()
            .add("linked.o", bytes)
            .and_then(|linker| linker.link())
    };
    // What contradicts itself is seen by who loads it, at the latest.
    let readable = |bytes: &[u8]| bytes.is_empty() || CollectionSpec::parse(bytes).is_ok();
    if !readable(first) || !readable(second) {
        let _ = relink(&linked);
        return;
    }
    let spec = CollectionSpec::parse(&linked).expect("what can be read alone can be read together");
    for program in 0..spec.programs().len() {
        spec.assemble(program)
            .expect("what was read can be put together");
    }
    // In some order of its tables, from then on always the same.
    let again = relink(&linked).expect("what was linked can be linked");
    assert_eq!(again.len(), linked.len());
    let once_more = relink(&again).expect("what was linked can be linked");
    assert!(again == once_more, "linking one object changes it");
}

pub(crate) fn mutate_pair(input: &mut Vec<u8>, random: &mut Random) {
    mutate::one_of_pair(input, random, mutate::elf::mutate, mutate::elf::mutate);
}

pub(crate) fn generate(input: &[u8]) {
    let Ok(spec) = CollectionSpec::parse(input) else {
        return;
    };
    // Whatever the names in it are, a module is Rust. A type that is none in Rust is an error.
    if let Ok(module) = bpf2rs::fuzz::module(&spec) {
        if let Err(error) = syn::parse_file(&module) {
            panic!("{error}, in\n{module}");
        }
    }
}

pub(crate) fn instructions(input: &[u8]) {
    for endian in [Endian::Little, Endian::Big] {
        let whole = &input[..input.len() / 8 * 8];
        let insns = asm::decode(whole, endian).expect("whole slots");
        assert_eq!(
            asm::decode(input, endian).is_ok(),
            whole.len() == input.len()
        );
        assert_eq!(asm::encode(&insns, endian), whole);
        let mut written = Vec::new();
        for (slot, op) in asm::ops(&insns) {
            match op {
                Ok(op) => {
                    assert_eq!(slot, written.len());
                    op.encode(&mut written);
                    assert_eq!(Op::decode(&insns[slot..]), Ok((op, op.slots())));
                    assert!(!op.text(&NoNames).to_string().is_empty());
                }
                Err(error) => {
                    told(&error.to_string());
                    written.push(insns[slot]);
                }
            }
        }
        assert_eq!(written, insns);
        assert_eq!(
            asm::listing(&insns, &NoNames).to_string().is_empty(),
            insns.is_empty()
        );
    }
}
