//! Reading `.BTF.ext`. What is expected of the fixture is in its source; the relocations, what `llvm-objdump -dr` prints of its object.

use std::path::Path;

use oxbpf_object::btf::{Btf, BtfExt, Error, Kind};

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/btf")
            .join(name),
    )
    .unwrap()
}

#[test]
fn functions_lines_and_relocations_are_read_in_both_byte_orders() {
    for end in ["el", "eb"] {
        let btf = Btf::parse(fixture(&format!("lines.{end}.btf"))).unwrap();
        let bytes = fixture(&format!("lines.{end}.btf.ext"));
        let ext = BtfExt::parse(&bytes, &btf).unwrap();
        let name = |id| btf.get(id).unwrap().name();

        let functions: Vec<_> = ext
            .func_info()
            .flat_map(|(section, functions)| {
                functions.map(move |f| (section, f.insn_off, name(f.type_id)))
            })
            .collect();
        assert_eq!(
            functions,
            [
                ("kprobe/one", 0, "one"),
                (".text", 0, "sub"),
                ("kprobe/two", 0, "two")
            ]
        );

        let lines: Vec<_> = ext
            .line_info()
            .of("kprobe/two")
            .map(|l| {
                (
                    l.insn_off,
                    l.file(&btf),
                    l.line(),
                    l.column(),
                    l.text(&btf).trim().split(' ').next().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                (
                    0,
                    "./lines.c",
                    17,
                    0,
                    "__attribute__((section(\"kprobe/two\")))"
                ),
                (24, "./lines.c", 19, 9, "return"),
                (32, "./lines.c", 19, 2, "return"),
            ]
        );
        assert_eq!(
            ext.line_info()
                .of(".text")
                .map(|l| (l.insn_off, l.line()))
                .collect::<Vec<_>>(),
            [(0, 9)]
        );
        assert_eq!(ext.line_info().of("kprobe").count(), 0);

        let relos: Vec<_> = ext
            .core_relos()
            .flat_map(|(section, relos)| relos.map(move |r| (section, r)))
            .map(|(section, r)| (section, r.insn_off, name(r.type_id), r.access(&btf), r.kind))
            .collect();
        assert_eq!(
            relos,
            [
                ("kprobe/one", 8, "task", "0:2", 2),
                (".text", 0, "task", "0:1:1:2", 0),
                ("kprobe/two", 0, "state", "1", 11),
                ("kprobe/two", 16, "task", "0", 9),
            ]
        );
    }
}

/// The fixture with records of each kind longer by 8 bytes, as a later compiler may make them.
#[test]
fn longer_records_and_headers_are_no_obstacle() {
    let btf = Btf::parse(fixture("lines.el.btf")).unwrap();
    let bytes = fixture("lines.el.btf.ext");
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let mut header = bytes[..8].to_vec();
    let mut parts = Vec::new();
    for field in [8, 16, 24] {
        let (start, length) = (word(4) + word(field), word(field + 4));
        let size = word(start);
        header.extend((parts.len() as u32).to_le_bytes());
        let mut part = (size as u32 + 8).to_le_bytes().to_vec();
        let mut at = start + 4;
        while at < start + length {
            let count = word(at + 4);
            part.extend(&bytes[at..at + 8]);
            for record in bytes[at + 8..][..count * size].chunks(size) {
                part.extend(record);
                part.extend([0xee; 8]);
            }
            at += 8 + count * size;
        }
        header.extend((part.len() as u32).to_le_bytes());
        parts.extend(part);
    }
    header.extend([0xee; 12]);
    let header_len = header.len() as u8;
    header[4] = header_len;
    let longer = [header, parts].concat();

    let (ours, theirs) = (
        BtfExt::parse(&bytes, &btf).unwrap(),
        BtfExt::parse(&longer, &btf).unwrap(),
    );
    assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
}

#[test]
fn an_old_header_has_no_relocations() {
    let btf = Btf::parse(fixture("lines.el.btf")).unwrap();
    let mut bytes = fixture("lines.el.btf.ext");
    bytes[4] = 24;
    bytes.drain(24..32);
    let ext = BtfExt::parse(&bytes, &btf).unwrap();
    assert_eq!(ext.func_info().count(), 3);
    assert_eq!(ext.core_relos().count(), 0);
}

#[test]
fn what_is_wrong_is_told() {
    let btf = Btf::parse(fixture("lines.el.btf")).unwrap();
    let good = fixture("lines.el.btf.ext");
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        BtfExt::parse(&bytes, &btf).unwrap_err().to_string()
    };
    assert_eq!(
        with(0, 0),
        ".BTF.ext: starts with bytes 0x00 0xeb instead of the BTF magic number 0xeb9f"
    );
    assert_eq!(
        with(32, 7),
        ".BTF.ext: function records are said to be of 7 bytes, but have fields of 8"
    );
    assert_eq!(
        with(40, 200),
        ".BTF.ext: the group at offset 4 of the function records runs past their end"
    );
    assert_eq!(
        with(12, 51),
        ".BTF.ext: the group at offset 36 of the function records runs past their end"
    );
    assert_eq!(
        with(39, 1),
        Error::NoSuchString {
            offset: 1 << 24 | u32::from_le_bytes(good[36..40].try_into().unwrap())
        }
        .to_string()
    );
    assert!(with(30, 1).starts_with(".BTF.ext: its CO-RE relocations are said to be the"));
    assert!(BtfExt::parse(&good[..20], &btf).is_err());
    assert!(btf.find("task", Kind::STRUCT).is_some());
}
