//! Minimal BTF and differences between BTFs.

mod clang;

use std::fs;

use oxbpf_object::btf::diff::{Change, ChangeKind, diff, diff_for};
use oxbpf_object::btf::{Array, Btf, BtfBuilder, Enumerator, Kind, Member, MinBtf, TypeId};
use oxbpf_object::core_reloc::{CoreReloc, CoreRelocKind};
use oxbpf_object::{CollectionSpec, Endian};

use clang::{compile, fixture};

const KERNEL: &str = "/sys/kernel/btf/vmlinux";

fn object() -> Option<CollectionSpec> {
    let args = ["-target", "bpfel", "-mcpu=v3", "-O2", "-g"];
    let elf = compile(&fixture("core/tracing.bpf.c"), &args)?;
    Some(CollectionSpec::parse(&elf).unwrap())
}

/// What every relocation of an object comes to, but for the ids of types.
fn answers(object: &CollectionSpec, kernel: &Btf) -> Vec<(String, Option<u64>)> {
    let mut core = CoreReloc::new(object.btf.as_ref().unwrap(), kernel);
    let relos = object.functions().iter().flat_map(|f| &f.core_relos);
    let relos: Vec<_> = relos.map(|relo| relo.record).collect();
    core.announce(relos.iter().copied());
    relos
        .into_iter()
        .map(|relo| {
            let answer = core.explain(relo).unwrap();
            let is_id = CoreRelocKind(relo.kind) == CoreRelocKind::TYPE_ID_TARGET;
            let value = answer
                .target_value
                .map(|value| if is_id { u64::from(value != 0) } else { value });
            (answer.local, value)
        })
        .collect()
}

#[test]
fn relocates_as_the_whole_does() {
    let Some(object) = object() else { return };
    let Ok(kernel) = fs::read(KERNEL) else {
        println!("skipped: no {KERNEL}");
        return;
    };
    let kernel = Btf::parse(kernel).unwrap();
    let mut min = MinBtf::new(&kernel).unwrap();
    min.keep(&object).unwrap();
    let bytes = min.build().unwrap().to_bytes(Endian::NATIVE).unwrap();
    assert!(bytes.len() < 20_000, "{} bytes", bytes.len());
    let min = Btf::parse(bytes).unwrap();
    let whole = answers(&object, &kernel);
    assert!(whole.iter().filter(|(_, value)| value.is_some()).count() > 10);
    assert_eq!(answers(&object, &min), whole);

    // All that is in it is used, and nothing else: nothing changes when it is cut again.
    let mut again = MinBtf::new(&min).unwrap();
    again.keep(&object).unwrap();
    assert_eq!(
        again.build().unwrap().to_bytes(Endian::NATIVE).unwrap(),
        min.raw()
    );
    assert_eq!(diff_for(&object, &kernel, &min).unwrap(), []);
}

fn member(name: &str, ty: TypeId, bytes: u32) -> Member<'_> {
    Member {
        name,
        ty,
        bit_offset: bytes * 8,
        bitfield_size: 0,
    }
}

/// A kernel of few types. `shift` moves fields, `wide` makes one larger.
fn kernel(shift: u32, wide: bool, with_list: bool) -> Btf {
    let mut btf = BtfBuilder::new();
    let int = btf.add_signed("int", 4);
    let long = btf.add_signed("long", 8);
    let value = if wide { long } else { int };
    let inner = btf.add_struct("", 8, &[member("deep", int, 0), member("deeper", int, 4)]);
    btf.add_struct(
        "task",
        32 + shift,
        &[
            member("first", value, 0),
            member("pid", int, 8 + shift),
            member("", inner, 16 + shift),
        ],
    );
    if with_list {
        btf.add_struct("list", 4, &[member("next", int, 0)]);
    }
    let pointer = btf.add_ptr(int);
    let field = if with_list { pointer } else { int };
    btf.add_struct("box", 8, &[member("content", field, 0)]);
    btf.add_enum(
        "colour",
        4,
        false,
        &[
            Enumerator {
                name: "RED",
                value: 0,
            },
            Enumerator {
                name: "BLUE",
                value: i128::from(shift) + 1,
            },
        ],
    );
    btf.build().unwrap()
}

fn told(changes: &[Change]) -> Vec<String> {
    changes
        .iter()
        .map(|c| format!("{} {}: {}", c.type_name, c.member, c.kind))
        .collect()
}

#[test]
fn tells_what_moved_went_and_changed() {
    let (old, new) = (kernel(0, false, true), kernel(8, true, false));
    assert_eq!(diff(&old, &old).unwrap(), []);
    assert_eq!(
        told(&diff(&old, &new).unwrap()),
        [
            "struct box content: changed kind from `int *` to `int`",
            "struct box content: changed size from 8 to 4",
            "enum colour BLUE: changed value from 1 to 9",
            "struct list : is gone",
            "struct task : changed size from 32 to 40",
            "struct task deep: moved from byte 16 to byte 24",
            "struct task deeper: moved from byte 20 to byte 28",
            "struct task first: changed type from `int` to `long`",
            "struct task first: changed size from 4 to 8",
            "struct task pid: moved from byte 8 to byte 16",
        ]
    );
    let back = diff(&new, &old).unwrap();
    assert!(
        back.iter()
            .any(|c| c.type_name == "struct list" && c.kind == ChangeKind::New)
    );
}

#[test]
fn types_of_one_name_are_compared_with_their_like() {
    let two = |sizes: [u32; 2]| {
        let mut btf = BtfBuilder::new();
        for size in sizes {
            btf.add_struct("twin", size, &[]);
        }
        btf.build().unwrap()
    };
    assert_eq!(diff(&two([4, 8]), &two([8, 4])).unwrap(), []);
    assert_eq!(
        told(&diff(&two([4, 8]), &two([8, 16])).unwrap()),
        ["struct twin : changed size from 4 to 16"]
    );
}

#[test]
fn structures_without_end_are_an_error() {
    let mut btf = BtfBuilder::new();
    let itself = btf.next_id();
    btf.add_struct("", 8, &[member("", itself, 0), member("", itself, 0)]);
    btf.add_struct("outer", 8, &[member("", itself, 0)]);
    let btf = btf.build().unwrap();
    assert!(diff(&btf, &btf).is_err());
}

#[test]
fn an_array_without_end_does_not_become_the_last_member() {
    // Cutting what comes after it must not give it room.
    let mut btf = BtfBuilder::new();
    let int = btf.add_signed("int", 4);
    let array = |len| Array {
        element: int,
        index: int,
        len,
    };
    let endless = btf.add_array(array(0));
    btf.add_struct(
        "trap",
        8,
        &[member("none", endless, 0), member("last", int, 4)],
    );
    let kernel = btf.build().unwrap();
    let Some(elf) = compile_text(
        "struct trap { int none[0]; } __attribute__((preserve_access_index));\n\
         __attribute__((section(\"socket\"))) void *take(struct trap *trap) { return &trap->none; }\n",
    ) else {
        return;
    };
    let object = CollectionSpec::parse(&elf).unwrap();
    let mut min = MinBtf::new(&kernel).unwrap();
    min.keep(&object).unwrap();
    let min = min.build().unwrap().build().unwrap();
    let trap = min.find("trap", Kind::STRUCT).unwrap();
    let names: Vec<_> = min.get(trap).unwrap().members().map(|m| m.name).collect();
    assert_eq!(names, ["none", "last"]);
}

fn compile_text(text: &str) -> Option<Vec<u8>> {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("text.c");
    fs::write(&source, text).unwrap();
    compile(&source, &["-target", "bpfel", "-O2", "-g"])
}

#[test]
fn a_module_cannot_be_cut() {
    let base = kernel(0, false, true);
    let split = BtfBuilder::split(&base).build().unwrap();
    assert!(MinBtf::new(&split).is_err());
}
