//! BTF that is newer than this library, split, or broken.

use oxbpf_object::Endian;
use oxbpf_object::btf::{Btf, Contents, Error, Kind, TypeId};

/// Assembles BTF from words and strings.
struct Raw {
    endian: Endian,
    types: Vec<u32>,
    strings: &'static [u8],
    layouts: Option<Vec<[u8; 2]>>,
    /// Bytes that a later version may add to the header.
    header_tail: usize,
}

const LITTLE: Raw = Raw {
    endian: Endian::Little,
    types: Vec::new(),
    strings: b"\0",
    layouts: None,
    header_tail: 0,
};

impl Raw {
    fn bytes(&self) -> Vec<u8> {
        let word = |value: u32| {
            let mut bytes = [0; 4];
            self.endian.write_u32(&mut bytes, 0, value).unwrap();
            bytes
        };
        let types: Vec<u8> = self.types.iter().flat_map(|&w| word(w)).collect();
        let layouts: Vec<u8> = self
            .layouts
            .iter()
            .flatten()
            .flat_map(|&[fixed, element]| [fixed, element, 0, 0])
            .collect();
        let (types_len, layouts_len) = (types.len() as u32, layouts.len() as u32);
        let header_len = 24 + if self.layouts.is_some() { 8 } else { 0 } + self.header_tail as u32;
        let mut header = vec![0; 4];
        self.endian.write_u16(&mut header, 0, 0xeb9f).unwrap();
        header[2] = 1;
        for field in [
            header_len,
            0,
            types_len,
            types_len + layouts_len,
            self.strings.len() as u32,
        ] {
            header.extend(word(field));
        }
        if self.layouts.is_some() {
            header.extend(word(types_len));
            header.extend(word(layouts_len));
        }
        header.resize(header_len as usize, 0xff);
        [header, types, layouts, self.strings.to_vec()].concat()
    }
}

const fn info(kind: u8, vlen: u32) -> u32 {
    (kind as u32) << 24 | vlen
}

const INT: [u32; 4] = [1, info(1, 0), 4, 1 << 24 | 32];
const PTR_TO_1: [u32; 3] = [0, info(2, 0), 1];
/// Of kind 20, with 8 bytes and then 12 for each of its two elements.
const NEWER: [u32; 11] = [0, info(20, 2), 0, 11, 12, 21, 22, 23, 31, 32, 33];

#[test]
fn a_longer_header_is_no_obstacle() {
    for endian in [Endian::Little, Endian::Big] {
        let raw = Raw {
            endian,
            types: [&INT[..], &PTR_TO_1].concat(),
            strings: b"\0int\0",
            header_tail: 20,
            ..LITTLE
        };
        // Without layouts the tail is read as their place, which is far outside.
        assert!(matches!(
            Btf::parse(raw.bytes()),
            Err(Error::PartOutOfBounds {
                part: "record layouts",
                ..
            })
        ));
        let btf = Btf::parse(
            Raw {
                layouts: Some(vec![]),
                ..raw
            }
            .bytes(),
        )
        .unwrap();
        assert_eq!(btf.endian(), endian);
        assert_eq!(btf.find("int", Kind::INT), Some(TypeId(1)));
        assert_eq!(btf.end(), TypeId(3));
    }
}

#[test]
fn unknown_kinds_are_stepped_over_where_the_data_tells_their_length() {
    let types = [&INT[..], &NEWER, &PTR_TO_1].concat();
    let mut layouts = vec![[0, 0]; 21];
    layouts[20] = [8, 12];
    let raw = Raw {
        types,
        strings: b"\0int\0",
        layouts: Some(layouts),
        ..LITTLE
    };
    let kernel = Btf::parse(raw.bytes()).unwrap();
    assert_eq!(kernel.unread(), None);
    assert!(matches!(
        kernel.get(TypeId(2)).unwrap().contents(),
        Contents::Unknown(Kind(20))
    ));
    assert!(matches!(
        kernel.get(TypeId(3)).unwrap().contents(),
        Contents::Ptr(TypeId(1))
    ));
    assert_eq!(
        kernel.size_of(TypeId(2)),
        Err(Error::NoSize {
            id: TypeId(2),
            kind: Kind(20)
        })
    );

    // A module's data has no layouts of its own.
    let module = Raw {
        layouts: None,
        ..raw
    }
    .bytes();
    let module = Btf::parse_split(module, &kernel).unwrap();
    assert_eq!(module.unread(), None);
    assert_eq!((module.first(), module.end()), (TypeId(4), TypeId(7)));
}

#[test]
fn unknown_kinds_of_unknown_length_end_what_can_be_read() {
    let types = [&INT[..], &NEWER, &PTR_TO_1].concat();
    let odd_layout = [vec![[0, 0]; 20], vec![[2, 12]]].concat();
    for layouts in [None, Some(vec![]), Some(vec![[0, 0]; 20]), Some(odd_layout)] {
        let btf = Btf::parse(
            Raw {
                types: types.clone(),
                strings: b"\0int\0",
                layouts,
                ..LITTLE
            }
            .bytes(),
        )
        .unwrap();
        let reason = Error::UnknownKind {
            id: TypeId(2),
            offset: 16,
            kind: Kind(20),
        };
        assert_eq!(btf.unread(), Some(&reason));
        assert_eq!(btf.types().len(), 1);
        assert_eq!(btf.get(TypeId(1)).unwrap().name(), "int");
        assert_eq!(btf.get(TypeId(3)).unwrap_err(), reason);
        assert_eq!(
            Btf::parse_split(Raw { ..LITTLE }.bytes(), &btf).unwrap_err(),
            reason
        );
    }
}

#[test]
fn split_btf_continues_its_base() {
    let base = Raw {
        types: [&INT[..], &PTR_TO_1].concat(),
        strings: b"\0int\0",
        ..LITTLE
    };
    let base = Btf::parse(base.bytes()).unwrap();
    // struct s { int int; } and another `int`. The offsets of its strings start at 5.
    let types = [
        &[6, info(4, 1), 4, 1, 1, 0][..],
        &[1, info(8, 0), 1],
        &[1, info(1, 0), 8, 64],
    ]
    .concat();
    let module = Btf::parse_split(
        Raw {
            types,
            strings: b"\0s\0",
            ..LITTLE
        }
        .bytes(),
        &base,
    )
    .unwrap();
    let s = module.get(module.find("s", Kind::STRUCT).unwrap()).unwrap();
    assert_eq!(s.id(), TypeId(3));
    assert_eq!(
        s.members()
            .map(|member| (member.name, member.ty))
            .collect::<Vec<_>>(),
        [("int", TypeId(1))]
    );
    assert_eq!(module.get(TypeId(2)).unwrap().target(), Some(TypeId(1)));
    assert_eq!(
        module.types().map(|(id, _)| id.0).collect::<Vec<_>>(),
        [3, 4, 5]
    );
    for _ in 0..20 {
        let all: Vec<_> = module.find_all("int").map(|ty| ty.id().0).collect();
        assert_eq!(all, [4, 5, 1], "its own come first");
        assert_eq!(module.find("int", Kind::INT), Some(TypeId(5)));
        assert_eq!(base.find("int", Kind::INT), Some(TypeId(1)));
    }
    assert_eq!(module.string(5), Ok(&b""[..]));
    assert_eq!(module.string(8), Err(Error::NoSuchString { offset: 8 }));
    assert_eq!(
        module.get(TypeId(6)).unwrap_err(),
        Error::NoSuchType {
            id: TypeId(6),
            end: TypeId(6)
        }
    );
    assert_eq!(module.get(TypeId::VOID).unwrap().kind(), Kind::VOID);
}

#[test]
fn what_is_wrong_is_told() {
    let good = Raw {
        types: INT.to_vec(),
        strings: b"\0int\0",
        ..LITTLE
    }
    .bytes();
    Btf::parse(good.clone()).unwrap();
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        Btf::parse(bytes).unwrap_err().to_string()
    };
    assert_eq!(
        with(0, 0),
        ".BTF: starts with bytes 0x00 0xeb instead of the BTF magic number 0xeb9f"
    );
    assert_eq!(
        with(2, 0),
        ".BTF: format version 0 is not supported, only 1 is"
    );
    assert_eq!(
        with(2, 2),
        ".BTF: format version 2 is not supported, only 1 is"
    );
    assert_eq!(
        with(4, 200),
        ".BTF: 45 bytes are too few for its header of 200"
    );
    assert_eq!(
        with(12, 200),
        ".BTF: its types are said to be the 200 bytes from offset 24, but there are only 45 bytes"
    );
    assert_eq!(with(44, 1), ".BTF: the strings do not end with a NUL byte");
    assert_eq!(
        with(40, 1),
        ".BTF: the strings do not start with an empty one, for what has no name"
    );
    // An int without its second word, and the first bytes of a type.
    assert_eq!(
        with(12, 12),
        ".BTF: type 1 (int) at offset 0 runs past the end of the types"
    );
    assert_eq!(
        with(12, 3),
        ".BTF: type 1 (void) at offset 0 runs past the end of the types"
    );
    assert!(
        Btf::parse(b"".to_vec())
            .unwrap_err()
            .to_string()
            .starts_with(".BTF: 0 bytes are too few")
    );
}

#[test]
fn chains_without_end_and_sizes_without_bound_are_refused() {
    // const 2, const 1; an array of itself; arrays of arrays of 2^32 - 1.
    let types = [
        &[0, info(10, 0), 2][..],
        &[0, info(10, 0), 1],
        &[0, info(3, 0), 0, 3, 3, 1],
        &[0, info(3, 0), 0, 5, 5, u32::MAX],
        &[0, info(3, 0), 0, 6, 6, u32::MAX],
        &[0, info(4, 0), u32::MAX],
    ];
    let btf = Btf::parse(
        Raw {
            types: types.concat(),
            ..LITTLE
        }
        .bytes(),
    )
    .unwrap();
    for id in [1, 2, 3].map(TypeId) {
        assert_eq!(btf.size_of(id), Err(Error::TooDeep { id }));
    }
    assert_eq!(
        btf.skip_modifiers(TypeId(1)).unwrap_err(),
        Error::TooDeep { id: TypeId(1) }
    );
    assert_eq!(btf.size_of(TypeId(5)), Ok((1 << 32) * ((1 << 32) - 2) + 1));
    assert_eq!(
        btf.size_of(TypeId(4)),
        Err(Error::SizeOverflow { id: TypeId(4) })
    );
}

#[test]
fn names_that_are_none_are_told_apart_from_no_name() {
    let types = [
        &[1, info(1, 0), 4, 32][..],
        &[100, info(1, 0), 4, 32],
        &[0, info(1, 0), 4, 32],
    ]
    .concat();
    let btf = Btf::parse(
        Raw {
            types,
            strings: b"\0\xff\0",
            ..LITTLE
        }
        .bytes(),
    )
    .unwrap();
    let name = |id| btf.get(TypeId(id)).unwrap();
    assert_eq!(
        (name(1).name(), name(1).name_bytes()),
        ("", Ok(&b"\xff"[..]))
    );
    assert_eq!(
        (name(2).name(), name(2).name_bytes()),
        ("", Err(Error::NoSuchString { offset: 100 }))
    );
    assert_eq!((name(3).name(), name(3).name_bytes()), ("", Ok(&b""[..])));
}

#[test]
fn the_size_of_pointers_is_that_of_long() {
    for (name, size, expected) in [(1, 4, 4), (1, 8, 8), (6, 4, 8)] {
        let types = [&[name, info(1, 0), size, size * 8][..], &PTR_TO_1].concat();
        let btf = Btf::parse(
            Raw {
                types,
                strings: b"\0long\0int\0",
                ..LITTLE
            }
            .bytes(),
        )
        .unwrap();
        assert_eq!(btf.size_of(TypeId(2)), Ok(expected));
    }
}

#[test]
fn files_without_types_are_told_from_what_is_no_file() {
    assert!(matches!(
        Btf::parse_elf(b"no ELF file"),
        Err(Error::NotElf { .. })
    ));
    let ourselves = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert_eq!(Btf::parse_elf(&ourselves).unwrap_err(), Error::NoSection);
}
