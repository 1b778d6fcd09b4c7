//! Values of types: read from bytes, and from text.

use oxbpf_object::Endian;
use oxbpf_object::btf::{
    Array, Btf, BtfBuilder, Enumerator, Int, Member, SectionVar, TypeId, Value, VarLinkage,
};

struct Zoo {
    btf: Btf,
    int: TypeId,
    byte: TypeId,
    bool: TypeId,
    colour: TypeId,
    name: TypeId,
    numbers: TypeId,
    event: TypeId,
    tail: TypeId,
}

fn member(name: &str, ty: TypeId, bit_offset: u32, bitfield_size: u8) -> Member<'_> {
    Member {
        name,
        ty,
        bit_offset,
        bitfield_size,
    }
}

fn zoo(endian: Endian) -> Zoo {
    let mut b = BtfBuilder::new();
    let int = b.add_signed("int", 4);
    let byte = b.add_unsigned("unsigned char", 1);
    let char = b.add_signed("char", 1);
    let bool = b.add_int(
        "_Bool",
        Int {
            is_bool: true,
            ..Int::unsigned(1)
        },
    );
    let colour = b.add_enum(
        "colour",
        4,
        true,
        &[
            Enumerator {
                name: "RED",
                value: 1,
            },
            Enumerator {
                name: "BLUE",
                value: -2,
            },
        ],
    );
    let array = |element, len| Array {
        element,
        index: int,
        len,
    };
    let name = b.add_array(array(char, 8));
    let numbers = b.add_array(array(int, 3));
    let endless = b.add_array(array(byte, 0));
    let pointer = b.add_ptr(int);
    let inner = b.add_struct(
        "",
        4,
        &[member("low", byte, 0, 0), member("high", byte, 8, 0)],
    );
    let event = b.add_struct(
        "event",
        32,
        &[
            member("pid", int, 0, 0),
            member("", inner, 32, 0),
            member("three", int, 64, 3),
            member("rest", int, 67, 5),
            member("comm", name, 96, 0),
            member("next", pointer, 192, 0),
        ],
    );
    let tail = b.add_struct(
        "tail",
        4,
        &[member("n", int, 0, 0), member("data", endless, 32, 0)],
    );
    let bytes = b.to_bytes(endian).unwrap();
    Zoo {
        btf: Btf::parse(bytes).unwrap(),
        int,
        byte,
        bool,
        colour,
        name,
        numbers,
        event,
        tail,
    }
}

#[test]
fn reads_what_the_type_says() {
    let zoo = zoo(Endian::Little);
    let show = |id, bytes: &[u8]| zoo.btf.value(id, bytes).to_string();
    assert_eq!(show(zoo.int, &(-5i32).to_le_bytes()), "-5");
    assert_eq!(show(zoo.byte, &[200]), "200");
    assert_eq!(show(zoo.bool, &[2]), "true");
    assert_eq!(show(zoo.colour, &(-2i32).to_le_bytes()), "BLUE");
    assert_eq!(show(zoo.colour, &7i32.to_le_bytes()), "7");
    assert_eq!(show(zoo.name, b"a\"b\xff\0xyz"), r#""a\"b\xff""#);
    assert_eq!(
        show(zoo.numbers, &[1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]),
        "[1, 2, 3]"
    );

    let mut bytes = vec![7, 0, 0, 0, 8, 9, 0, 0, 0b1111_0101, 0, 0, 0];
    bytes.extend(b"init\0\0\0\0");
    bytes.extend([0; 4]);
    bytes.extend(0xffff_8000u64.to_le_bytes());
    assert_eq!(
        show(zoo.event, &bytes),
        r#"{pid=7, low=8, high=9, three=-3, rest=-2, comm="init", next=0xffff8000}"#
    );
}

#[test]
fn bit_fields_of_the_other_byte_order_count_from_the_top() {
    let zoo = zoo(Endian::Big);
    let mut bytes = vec![0; 32];
    bytes[3] = 7;
    bytes[8] = 0b1010_0001;
    let text = zoo.btf.value(zoo.event, &bytes).to_string();
    assert!(
        text.starts_with("{pid=7, low=0, high=0, three=-3, rest=1,"),
        "{text}"
    );
}

#[test]
fn records_may_end_before_their_type_does() {
    let zoo = zoo(Endian::Little);
    let show = |id, bytes: &[u8]| zoo.btf.value(id, bytes).to_string();
    let mut bytes = vec![7, 0, 0, 0, 8, 9, 0, 0, 0, 0, 0, 0];
    assert_eq!(show(zoo.event, &bytes[..4]), "{pid=7}");
    assert_eq!(show(zoo.event, &bytes[..2]), "{}");
    bytes.extend(b"in");
    assert!(show(zoo.event, &bytes).ends_with(r#"comm="in"}"#));
    assert_eq!(show(zoo.tail, &[2, 0, 0, 0, 5, 6]), "{n=2, data=[5, 6]}");
    assert_eq!(show(zoo.int, &[1, 2]), "01 02");
    assert_eq!(show(TypeId(9999), &[1, 2]), "01 02");
    assert_eq!(zoo.btf.value(zoo.name, b"abc"), Value::Text(b"abc"));
    // Several strings, of which the last is filled up.
    assert_eq!(
        zoo.btf.value(zoo.name, b"ls\0-l\0\0"),
        Value::Text(b"ls\0-l")
    );
    assert_eq!(zoo.btf.value(zoo.name, b"ls\0trash"), Value::Text(b"ls"));
}

#[test]
fn a_value_has_no_more_parts_than_its_limit() {
    let mut b = BtfBuilder::new();
    let byte = b.add_unsigned("unsigned char", 1);
    let many = b.add_array(Array {
        element: byte,
        index: byte,
        len: u32::MAX,
    });
    let btf = b.build().unwrap();
    let bytes = vec![0; 1 << 20];
    let Value::Array(elements) = btf.value(many, &bytes) else {
        panic!("no array");
    };
    assert_eq!(elements.len(), oxbpf_object::limits::MAX_VALUE_PARTS);
}

#[test]
fn text_becomes_what_reading_gives() {
    let zoo = zoo(Endian::Little);
    for (id, size, text, shown) in [
        (zoo.int, 4, "-5", "-5"),
        (zoo.int, 4, " 0x7fff_ffff ", "2147483647"),
        (zoo.byte, 1, "'a'", "97"),
        (zoo.bool, 1, "true", "true"),
        (zoo.colour, 4, "BLUE", "BLUE"),
        (zoo.colour, 4, "-2", "BLUE"),
        (zoo.name, 8, "a, b", r#""a, b""#),
        (zoo.name, 8, r#""cited""#, r#""cited""#),
        (zoo.numbers, 12, "[1,-2]", "[1, -2, 0]"),
        (
            zoo.event,
            32,
            r#"{comm="me", pid = 3}"#,
            r#"{pid=3, low=0, high=0, three=0, rest=0, comm="me", next=0x0}"#,
        ),
    ] {
        let mut bytes = vec![0xaa; size];
        zoo.btf.write_value(id, text, &mut bytes).unwrap();
        assert_eq!(zoo.btf.value(id, &bytes).to_string(), shown, "{text}");
    }
}

#[test]
fn text_that_fits_not_says_where() {
    let zoo = zoo(Endian::Little);
    for (id, size, text, at, says) in [
        (
            zoo.byte,
            1,
            "256",
            0,
            "256 does not fit `unsigned char`, which goes from 0 to 255",
        ),
        (zoo.byte, 1, "-1", 0, "-1 does not fit"),
        (zoo.int, 4, "12x4", 2, "`x` is no digit of a number"),
        (zoo.int, 4, "0xg", 2, "`g` is no digit"),
        (zoo.int, 4, "", 0, "a number is to come"),
        (zoo.int, 4, "1 2", 2, "nothing may follow the value"),
        (zoo.bool, 1, "maybe", 0, "`true` or `false`"),
        (zoo.colour, 4, "GREEN", 0, "one of RED, BLUE"),
        (zoo.name, 8, "far too long", 7, "room for 7 bytes"),
        (zoo.name, 8, "\"open", 0, "does not end"),
        (zoo.numbers, 12, "[1, 2, 3, 4]", 10, "room for 3 elements"),
        (zoo.numbers, 12, "[1 2]", 3, "`,` or `]` is to come"),
        (zoo.numbers, 12, "1", 0, "an array is written"),
        (zoo.event, 32, "{who=1}", 1, "one of pid"),
        (zoo.event, 32, "{pid 1}", 5, "`=` is to come"),
        (zoo.event, 32, "7", 0, "a structure is written"),
        (
            zoo.int,
            4,
            "999999999999999999999999999999999999999999",
            0,
            "too large",
        ),
    ] {
        let mut bytes = vec![0x55; size];
        let error = zoo.btf.write_value(id, text, &mut bytes).unwrap_err();
        assert!(error.to_string().contains(says), "{text}: {error}");
        assert_eq!(error.at(), at, "{text}: {error}");
        assert_eq!(bytes, vec![0x55; size], "{text}");
    }
}

#[test]
fn all_that_is_read_can_be_written() {
    for endian in [Endian::Little, Endian::Big] {
        let zoo = zoo(endian);
        let shown = r#"{pid=-7, low=8, high=9, three=-3, rest=15, comm="a\"\n\u{1}", next=0xff00}"#;
        let json = r#"{"pid": -7, "low": 8, "high": 9, "three": "-3", "rest": 15, "comm": "a\"\n\u0001", "next": "0xff00"}"#;
        for text in [shown, json] {
            let mut bytes = vec![0; 32];
            zoo.btf.write_value(zoo.event, text, &mut bytes).unwrap();
            assert_eq!(zoo.btf.value(zoo.event, &bytes).to_string(), shown);
        }
        let mut bytes = vec![0; 8];
        zoo.btf
            .write_value(zoo.name, r#""\xff\t""#, &mut bytes)
            .unwrap();
        assert_eq!(bytes, b"\xff\t\0\0\0\0\0\0");
        zoo.btf
            .write_value(zoo.name, "hex 61 6263646566 67 68", &mut bytes)
            .unwrap();
        assert_eq!(bytes, b"abcdefgh");
        let mut event = vec![0; 32];
        let text = "{comm = hex 6100000000000000, pid: 1}";
        zoo.btf.write_value(zoo.event, text, &mut event).unwrap();
        assert_eq!((event[12], event[13]), (b'a', 0));
        for (text, at, says) in [
            (
                "{three=4}",
                7,
                "4 does not fit 3 bits, which go from -4 to 3",
            ),
            ("{comm=hex 61}", 6, "it has 8 bytes, not 1"),
            (r#"{comm="\ud800"}"#, 7, "that is no character"),
        ] {
            let error = zoo
                .btf
                .write_value(zoo.event, text, &mut event)
                .unwrap_err();
            assert!(error.to_string().contains(says), "{text}: {error}");
            assert_eq!(error.at(), at, "{text}: {error}");
        }
    }
}

#[test]
fn sections_are_their_variables() {
    let mut b = BtfBuilder::new();
    let int = b.add_signed("int", 4);
    let counter = b.add_var("counter", int, VarLinkage::GLOBAL);
    let section = b.add_data_section(
        ".bss",
        12,
        &[SectionVar {
            ty: counter,
            offset: 8,
            size: 4,
        }],
    );
    let btf = Btf::parse(b.to_bytes(Endian::Little).unwrap()).unwrap();
    let mut bytes = vec![0; 12];
    btf.write_value(section, "{counter=5}", &mut bytes).unwrap();
    assert_eq!(bytes[8], 5);
    assert_eq!(btf.value(section, &bytes).to_string(), "{counter=5}");
}

#[test]
fn names_reach_no_terminal_as_they_are() {
    let mut types = BtfBuilder::new();
    let int = types.add_signed("in\u{1b}t", 4);
    let member = Member {
        name: "\u{1b}]0;x\u{7}",
        ty: int,
        bit_offset: 0,
        bitfield_size: 0,
    };
    let id = types.add_struct("s", 4, &[member]);
    let btf = types.build().unwrap();
    let shown = btf.value(id, &[1, 0, 0, 0]).to_string();
    assert!(
        shown.ends_with("=1}") && !shown.contains('\u{1b}'),
        "{shown:?}"
    );
    for text in [
        "{other=1}",
        "{\u{1b}]0;x\u{7}=\u{1}}",
        "{\u{1b}]0;x\u{7}=9999999999}",
    ] {
        let error = btf.write_value(id, text, &mut [0; 4]).unwrap_err();
        assert!(!error.to_string().contains(char::is_control), "{error}");
    }
}

/// Members without a name are looked through: of types made to that end, there are two to the power of their depth.
#[test]
fn members_without_names_end() {
    let mut types = BtfBuilder::new();
    let mut id = types.add_struct("", 0, &[]);
    for _ in 0..30 {
        let member = Member {
            name: "",
            ty: id,
            bit_offset: 0,
            bitfield_size: 0,
        };
        id = types.add_struct("", 0, &[member, member]);
    }
    let btf = types.build().unwrap();
    assert!(btf.write_value(id, "{x=1}", &mut []).is_err());
    assert_eq!(btf.value(id, &[]).to_string(), "{}");
}

/// As compilers wrote bit fields before types had a flag for them.
#[test]
fn integers_may_be_a_part_of_their_bytes() {
    let mut types = BtfBuilder::new();
    let part = Int {
        bit_offset: 3,
        bits: 4,
        ..Int::unsigned(2)
    };
    let id = types.add_int("part", part);
    let beyond = Int {
        bit_offset: 14,
        ..part
    };
    let beyond = types.add_int("beyond", beyond);
    let btf = types.build().unwrap();
    let mut bytes = [0; 2];
    btf.write_value(id, "9", &mut bytes).unwrap();
    assert_eq!(u16::from_ne_bytes(bytes), 9 << 3);
    assert_eq!(btf.value(id, &bytes), Value::Unsigned(9));
    assert!(btf.write_value(id, "16", &mut bytes).is_err());
    assert!(btf.write_value(beyond, "1", &mut bytes).is_err());
}
