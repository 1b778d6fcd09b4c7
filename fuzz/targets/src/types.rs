//! BTF and what is made of it.

use oxbpf_object::Endian;
use oxbpf_object::asm::Insn;
use oxbpf_object::btf::dump_c::{CDump, header};
use oxbpf_object::btf::{self, Btf, BtfBuilder, BtfExt, Contents, Kind, SupportedKinds, TypeId};
use oxbpf_object::core_reloc::{CoreReloc, types_are_compatible};
use oxbpf_object::spec::CoreRelo;

use crate::{Random, mutate, pair};

pub(crate) fn btf(input: &[u8]) {
    let Ok(btf) = Btf::parse(input.to_vec()) else {
        return;
    };
    look_at(&btf);
    write_again(&btf);
    if let Ok(mut changed) = BtfBuilder::copy_of(&btf) {
        let kinds = input.last().map_or(0, |byte| u32::from(*byte));
        if changed.settle_externs(&btf).is_ok() {
            changed.sanitize(SupportedKinds::from_bits_truncate(kinds));
            let ids = changed.next_id();
            if let Ok(sane) = changed.build() {
                assert_eq!(sane.end(), ids);
            }
        }
    }
}

/// Asks everything of every type.
fn look_at(btf: &Btf) {
    let mut count = 0;
    for (id, ty) in btf.types() {
        count += 1;
        assert_eq!(ty.id(), id);
        assert_eq!(btf.get(id).expect("it was there").raw(), ty.raw());
        let _ = (ty.name_bytes(), ty.size(), ty.target(), ty.kind_flag());
        let _ = (btf.size_of(id), btf.skip_modifiers(id));
        let _ = btf.skip_modifiers_and_typedefs(id);
        let parts = ty.members().count() + ty.enumerators().count();
        let parts = parts + ty.params().count() + ty.variables().count();
        assert!(parts <= ty.raw().len() / 8, "more parts than bytes");
        let known = !matches!(ty.contents(), Contents::Unknown(_));
        assert!(known || ty.kind() > Kind::ENUM64);
        assert!(ty.references().count() <= ty.raw().len());
        if btf.raw().len() % 16 == 1 {
            let _ = format!("{ty:?}");
        }
    }
    assert_eq!(btf.first().0 + count, btf.end().0);
    for name in ["int", "a", ""] {
        for ty in btf.find_all(name) {
            assert_eq!(ty.name(), name);
        }
    }
    let _ = (btf.pointer_size(), btf.find("task_struct", Kind::STRUCT));
}

/// What was read can be written, and reads as the same.
fn write_again(btf: &Btf) {
    let Ok(copy) = BtfBuilder::copy_of(btf) else {
        return;
    };
    let write = |copy: &BtfBuilder, endian| copy.to_bytes(endian).expect("a copy can be written");
    let read = |bytes: Vec<u8>| match btf.base() {
        None => Btf::parse(bytes),
        Some(base) => Btf::parse_split(bytes, base),
    };
    // One order or the other: it is the slowest part of all.
    let endian = match btf.raw().len() & 1 {
        0 => Endian::Little,
        _ => Endian::Big,
    };
    let bytes = write(&copy, endian);
    let same = read(bytes.clone()).expect("what was written can be read");
    assert_eq!((same.end(), same.endian()), (btf.end(), endian));
    for ((_, old), (_, new)) in btf.types().zip(same.types()) {
        assert_eq!((old.kind(), old.size()), (new.kind(), new.size()));
        assert_eq!(old.name(), new.name());
        if endian == btf.endian() {
            assert_eq!(old.raw(), new.raw());
        }
    }
    let copy = BtfBuilder::copy_of(&same).expect("it was read whole");
    assert_eq!(write(&copy, endian), bytes);
}

pub(crate) fn split(input: &[u8]) {
    let (base, own) = pair::split(input);
    let Ok(base) = Btf::parse(base.to_vec()) else {
        return;
    };
    let Ok(btf) = Btf::parse_split(own.to_vec(), &base) else {
        return;
    };
    assert_eq!(btf.first(), base.end());
    look_at(&btf);
    write_again(&btf);
    for (id, ty) in base.types() {
        assert_eq!(btf.get(id).expect("the base's").raw(), ty.raw());
    }
    let _ = btf.dedup();
    for (id, _) in btf.types().take(8) {
        let _ = types_are_compatible(&btf, id, &base, TypeId(1 + id.0 % 8));
    }
}

pub(crate) fn mutate_pair(input: &mut Vec<u8>, random: &mut Random) {
    mutate::one_of_pair(input, random, mutate::btf::mutate, mutate::btf::mutate);
}

pub(crate) fn ext(input: &[u8]) {
    let (types, ext) = pair::split(input);
    let Ok(btf) = Btf::parse(types.to_vec()) else {
        return;
    };
    let Ok(ext) = BtfExt::parse(ext, &btf) else {
        return;
    };
    for (name, records) in ext.func_info() {
        assert!(ext.func_info().of(name).count() >= records.count());
    }
    for (_, records) in ext.line_info() {
        for record in records {
            let _ = (record.file(&btf), record.text(&btf), record.line());
        }
    }
    let mut core = CoreReloc::new(&btf, &btf);
    for (_, records) in ext.core_relos() {
        for record in records.take(64) {
            let _ = core.explain(record);
        }
    }
    let _ = format!("{ext:?}");
}

pub(crate) fn mutate_ext(input: &mut Vec<u8>, random: &mut Random) {
    // Words of `.BTF.ext` are all alike.
    mutate::one_of_pair(input, random, mutate::btf::mutate, mutate::words);
}

pub(crate) fn dump_c(input: &[u8]) {
    let Ok(btf) = Btf::parse(input.to_vec()) else {
        return;
    };
    let _ = header(&btf);
    for (id, _) in btf.types().take(32) {
        let mut dump = CDump::new(&btf);
        let _ = dump.define(id);
        let _ = dump.declaration(id, "x");
    }
}

pub(crate) fn dedup(input: &[u8]) {
    let Ok(btf) = Btf::parse(input.to_vec()) else {
        return;
    };
    let Ok(dedup) = btf.dedup() else {
        return;
    };
    let small = dedup.types().build().expect("what is left can be read");
    assert!(small.end() <= btf.end());
    for (id, ty) in btf.types() {
        let new = dedup.id(id).expect("every type has become one");
        let new = small.get(new).expect("that is there");
        assert_eq!(new.name_bytes(), ty.name_bytes());
    }
    let again = small.dedup().expect("what is left is whole");
    let again = again.types().build().expect("what is left can be read");
    assert!(again.end() <= small.end());
}

/// A relocation, then the types of an object and those of a kernel.
pub(crate) fn core(input: &[u8]) {
    let (relocation, types) = pair::split(input);
    let (local, target) = pair::split(types);
    let (Ok(local), Ok(target)) = (Btf::parse(local.to_vec()), Btf::parse(target.to_vec())) else {
        return;
    };
    let Some((numbers, access)) = relocation.split_first_chunk::<16>() else {
        return;
    };
    let word = |at| Endian::Little.read_u32(numbers, at).unwrap_or_default();
    let is_text = |byte: &&u8| byte.is_ascii() && **byte != 0;
    let access = access.iter().take(256).filter(is_text);
    let access: String = access.map(|byte| char::from(*byte)).collect();
    let Ok(mut types) = BtfBuilder::copy_of(&local) else {
        return;
    };
    let access_str_off = types.add_string(&access);
    let Ok(local) = types.build() else {
        return;
    };
    let first = Insn::decode(*numbers.last_chunk().unwrap_or(&[0; 8]), Endian::Little);
    let insns = [first, Insn::default()];
    let ids = local.end().0.clamp(1, 64);
    for id in [word(0) % ids, word(0)] {
        for kind in [word(4) % 14, word(4)] {
            let record = btf::CoreRelo {
                insn_off: 0,
                type_id: TypeId(id),
                access_str_off,
                kind,
            };
            let mut core = CoreReloc::new(&local, &target);
            core.announce([record]);
            let meaning = core.explain(record);
            let mut patched = insns;
            let relocated = core.relocate(&mut patched, &[CoreRelo { insn: 0, record }]);
            assert!(meaning.is_ok() || relocated.is_err());
        }
    }
}

pub(crate) fn mutate_core(input: &mut Vec<u8>, random: &mut Random) {
    mutate::one_of_pair(input, random, relocation, mutate_pair);
}

fn relocation(input: &mut Vec<u8>, random: &mut Random) {
    const OPCODES: &[u8] = &[
        0xb7, 0x18, 0x61, 0x69, 0x71, 0x79, 0x63, 0x7b, 0x7a, 0x07, 0x85,
    ];
    const ACCESS: &[u8] = b"0000:::11234567890";
    input.resize(input.len().clamp(16, 48), b'0');
    match random.below(5) {
        0 => input[0] = random.below(40) as u8,
        1 => input[4] = random.below(14) as u8,
        2 => input[8] = *random.pick(OPCODES).unwrap_or(&0),
        3 => mutate::bytes(input, random),
        _ => {
            let at = 16 + random.below(input.len() - 15);
            let end = at + random.below(2).min(input.len() - at);
            let byte = *random.pick(ACCESS).unwrap_or(&b'0');
            input.splice(at..end, [byte]);
        }
    }
}
