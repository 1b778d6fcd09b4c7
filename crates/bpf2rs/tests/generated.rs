//! What a generated module is worth: it compiles under the strictest of lints, its types are laid
//! out as clang lays them out, and values that C wrote are read as they were meant.
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]

use std::{
    fmt::Write,
    fs,
    mem::{offset_of, size_of},
    process::Command,
};

use bpf2rs::{Builder, Clang, Target};
use oxbpf::{
    Bool, ErrorKind, Loadable, Loader,
    object::{CollectionSpec, Endian, MapType, btf::bits},
    program::TestRun,
};
use zoo::{Spec, types};

/// The C source `fixtures/kprobe.c`.
#[path = "golden/kprobe.rs"]
mod kprobe;
/// The C source `fixtures/zoo.bpf.c`.
#[path = "golden/zoo.rs"]
mod zoo;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/zoo.bpf.c");
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

fn zoo() -> Spec {
    Spec::embedded().unwrap()
}

/// Writes what Rust makes of some types as assertions in C.
macro_rules! layouts {
    ($($c:literal $rust:ident { $($field:ident $(= $c_field:literal)?),* })*) => {{
        let mut text = String::new();
        $(
            let size = size_of::<types::$rust>();
            writeln!(text, "_Static_assert(sizeof({}) == {size}, \"size\");", $c).unwrap();
            $(
                #[allow(unused_assignments, unused_mut)]
                let mut name = stringify!($field);
                $(name = $c_field;)?
                let offset = offset_of!(types::$rust, $field);
                writeln!(
                    text,
                    "_Static_assert(__builtin_offsetof({}, {name}) == {offset}, \"{name}\");",
                    $c
                )
                .unwrap();
            )*
        )*
        text
    }};
}

#[test]
fn types_are_laid_out_as_clang_lays_them_out() {
    let asserts = layouts! {
        "struct key" Key { saddr, port, protocol }
        "struct holes" Holes { a, b, c }
        "struct packed" Packed { a, b, c }
        "struct packed_in_name" PackedInName { a, b }
        "struct aligned" Aligned { a }
        "struct outer" Outer { first, packed, in_name, holes, aligned }
        "struct bits" Bits { whole }
        "union any" Any {}
        "struct anonymous" Anonymous { kind, inner, stamp, side }
        "struct scalars" Scalars {
            yes, letter, s1, s2, s4, s8, u8, u16, s16, single, twice, pointer, function,
            r#self_ = "self", when, sign, wide, tiny, counter
        }
        "struct arrays" Arrays {
            comm, names, grid, of_structs, of_unions, of_pointers, none, flexible
        }
        "struct named" Named { cheese, name, names, matrix, handle, address, size }
        "struct crossing" Crossing {}
        "struct packed_bits" PackedBits { kind }
        "union nobody" Nobody {}
        "struct tracked" Tracked {
            nobody, state, states, flags, pairs, crossing, packed_bits, constant, pointers
        }
        "struct guarded" Guarded { lock, timer, count }
        "struct everything" Everything {
            tracked, bits, any, anonymous, scalars, packed, keywords, named, grid
        }
        "swiss_t" SwissT { b }
        "matrix_t" MatrixT {}
        "struct nothing" Nothing {}
        "struct keywords" Keywords {
            r#type = "type", r#match = "match", self_ = "self", Self_ = "Self", crate_ = "crate",
            __ = "_", r#async = "async", camelCase, set_port
        }
        "struct twin" Twin { a, nothing }
        "Twin" Twin2 { b }
        "struct option" Option { value }
        "struct result" Result { option }
        "struct spec" Spec { result }
        "struct event" Event { pid, comm }
        "struct header" Header { kind, length, rest }
        "struct uneven" Uneven { number, length, rest }
        "struct sample" Sample { number, packet }
        "counter_t" CounterT { count }
        "enum color" Color {}
        "enum wide" Wide {}
        "enum tiny" Tiny {}
    };
    assert!(asserts.lines().count() > 60, "{asserts}");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("layouts.c");
    fs::write(&file, format!("#include \"{SOURCE}\"\n{asserts}")).unwrap();
    for target in Target::ALL {
        let clang = Command::new(Clang::find().unwrap().path())
            .args(["-target", target.name(), "-fsyntax-only"])
            .args(["-I", concat!(env!("CARGO_MANIFEST_DIR"), "/src")])
            .args(["-idirafter", "/usr/include/x86_64-linux-gnu"])
            .args(["-idirafter", "/usr/include/aarch64-linux-gnu"])
            .arg(&file)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&clang.stderr);
        assert!(clang.status.success(), "{said}");
    }
}

#[test]
fn reads_what_c_initialised() {
    let data = zoo().data;
    let bits = data.some_bits;
    assert_eq!((bits.low(), bits.middle(), bits.negative()), (5, 1000, -3));
    assert_eq!(
        (bits.flag(), bits.color()),
        (Bool::TRUE, types::Color::GREEN)
    );
    assert_eq!(
        (bits.wide(), bits.tail(), bits.whole),
        (0x0fed_cba9_8765_4321, 2, 99)
    );

    let point = data.some_union.point();
    assert_eq!((point.x, point.y), (0x1234, 0x5678));
    if Endian::NATIVE == Endian::Little {
        assert_eq!(data.some_union.number(), 0x5678_1234);
        assert_eq!(data.some_union.bytes(), [0x34, 0x12, 0x78, 0x56, 0, 0]);
    }

    let anonymous = data.some_anonymous;
    assert_eq!((anonymous.kind, anonymous.port()), (1, 4242));
    assert_eq!((anonymous.flags(), anonymous.inner), (0x155, 7));
    assert_eq!(
        (anonymous.inner_bits(), anonymous.stamp.when),
        (33, 1 << 40)
    );
    assert_eq!(anonymous.side, types::AnonymousSide::RIGHT);

    let scalars = data.some_scalars;
    assert_eq!((scalars.yes, scalars.letter), (Bool::TRUE, b'x'));
    assert_eq!((scalars.s1, scalars.s2, scalars.s4), (-1, -2, -4));
    assert_eq!((scalars.s8, scalars.u8, scalars.s16), (-8, u64::MAX, -16));
    assert_eq!((scalars.single, scalars.twice), (1.5, -2.25));
    assert_eq!((scalars.pointer, scalars.when), (0, 1000));
    assert_eq!(scalars.sign, types::Sign::MINUS);
    assert_eq!(scalars.wide, types::Wide::WIDE_LARGE);
    assert_eq!(scalars.tiny, types::Tiny::TINY_B);
    assert_eq!(scalars.counter.count, 3);

    let keywords = data.some_keywords;
    assert_eq!(
        (keywords.r#type, keywords.r#match, keywords.self_),
        (1, 2, 3)
    );
    assert_eq!(
        (keywords.set_port, keywords.port_2(), keywords.r#fn()),
        (5, 4, 4)
    );

    let outer = data.some_outer;
    assert_eq!((outer.first, outer.holes[1].b), (1, 3));
    assert_eq!({ outer.packed.b }, 2);
    assert_eq!(data.text, "hello");
    assert_eq!(&*data.text, b"hello\0\0\0");
}

#[test]
fn bit_fields_of_the_other_byte_order_are_where_clang_put_them() {
    for target in Target::ALL {
        let file = format!("{GOLDEN}/{}", target.file_name("zoo"));
        let spec = CollectionSpec::from_file(&file).unwrap();
        let bytes = spec.variable_bytes("some_bits").unwrap();
        let bits = |offset, width| bits::get(bytes, offset, width, spec.endian).unwrap();
        assert_eq!((bits(0, 3), bits(3, 10), bits(13, 5)), (5, 1000, 0b11101));
        assert_eq!((bits(18, 1), bits(19, 4)), (1, 5));
        assert_eq!((bits(64, 60), bits(124, 2)), (0x0fed_cba9_8765_4321, 2));
    }
}

#[test]
fn what_is_set_is_read_back_and_nothing_else_changes() {
    let mut bits = types::Bits::default();
    bits.set_middle(1023);
    bits.set_negative(-16);
    bits.set_wide(u64::MAX);
    assert_eq!((bits.low(), bits.middle(), bits.negative()), (0, 1023, -16));
    assert_eq!((bits.flag(), bits.tail()), (Bool::FALSE, 0));
    assert_eq!(bits.wide(), u64::MAX >> 4);

    let mut any = types::Any::default();
    any.set_bytes([1; 6]);
    any.set_point(types::AnyPoint { x: 2, y: 3 });
    assert_eq!(any.bytes()[4..], [1, 1]);
    assert_eq!((any.point().x, any.point().y), (2, 3));

    let mut anonymous = types::Anonymous::default();
    anonymous.set_v6([0xff; 16]);
    anonymous.set_flags(0);
    assert_eq!(anonymous.port(), 0xffff);
    assert_ne!(anonymous, types::Anonymous::default());
}

#[test]
fn prints_what_a_reader_wants_to_see() {
    let data = zoo().data;
    assert_eq!(
        format!("{:?}", data.some_bits),
        "Bits { low: 5, middle: 1000, negative: -3, flag: true, color: GREEN, \
         wide: 1147797409030816545, tail: 2, whole: 99 }"
    );
    assert_eq!(format!("{:?}", types::Color(9)), "Color(9)");
    assert_eq!(
        format!("{:?}", data.some_outer.packed),
        "Packed { a: 0, b: 2, c: 0 }"
    );
}

#[test]
fn settings_changed_before_the_load_are_those_that_are_loaded() {
    let mut spec = zoo();
    assert_eq!((spec.rodata.limit, spec.rodata.verbose.get()), (7, true));
    spec.rodata.limit = 8;
    spec.data.some_bits.set_low(1);
    spec.bss.counts[3] = 9;
    spec.maps.hash.max_entries = 99;
    spec.programs.on_demand.autoload = true;
    let before = CollectionSpec::from_file(format!("{GOLDEN}/zoo.bpfel.o")).unwrap();
    let spec = spec.into_spec().unwrap();
    let bytes = |name| spec.variable_bytes(name).unwrap();
    assert_eq!(bytes("limit"), 8_u32.to_ne_bytes());
    assert_eq!(bytes("counts")[24..], 9_u64.to_ne_bytes());
    assert_eq!(spec.map("hash").unwrap().max_entries, 99);
    assert!(spec.program("on_demand").unwrap().autoload);

    // And nothing else: positions, other settings, static variables.
    assert_eq!(bytes("of_this_file"), 3_u32.to_ne_bytes());
    for (now, then) in spec.maps().iter().zip(before.maps()) {
        assert_eq!(now.name, then.name);
        assert_eq!(now.map_type, then.map_type);
    }
    assert_eq!(spec.map("hash").unwrap().map_type, MapType::HASH);
}

#[test]
fn large_variables_take_no_stack() {
    let thread = std::thread::Builder::new().stack_size(256 << 10);
    let changed = thread.spawn(|| {
        let mut spec = zoo();
        spec.bss.large[1_000_000] = 7;
        spec.into_spec().unwrap()
    });
    let spec = changed.unwrap().join().unwrap();
    let large = spec.variable_bytes("large").unwrap();
    assert_eq!(large.len(), 4 << 20);
    assert_eq!(large[4_000_000..4_000_004], 7_u32.to_ne_bytes());
}

#[test]
fn a_map_that_was_renamed_is_an_error() {
    let mut spec = zoo();
    spec.maps.hash.name = "other".into();
    let error = spec.into_spec().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("renamed to `other`"), "{error}");
}

#[test]
fn loads_and_reads_back_through_the_kernel() {
    let Some(objects) = load("loads_and_reads_back_through_the_kernel") else {
        return;
    };
    assert!(objects.programs.on_demand.is_none());
    assert_eq!(objects.programs.always.name(), "always");

    let key = types::Key {
        saddr: 1,
        port: 2,
        ..Default::default()
    };
    let value = types::Outer {
        first: 7,
        holes: [
            types::Holes::default(),
            types::Holes {
                b: 1 << 60,
                ..Default::default()
            },
        ],
        ..Default::default()
    };
    objects.maps.hash.set(&key, &value).unwrap();
    assert_eq!(objects.maps.hash.get(&key).unwrap(), Some(value));
    assert_eq!(objects.rodata.limit().load().unwrap(), 7);
    assert_eq!(objects.data.some_bits().load().unwrap().middle(), 1000);
    objects.bss.counts().store([4, 3, 2, 1]).unwrap();
    assert_eq!(objects.bss.counts().load().unwrap(), [4, 3, 2, 1]);
    assert_eq!(objects.bss_hot.hot().load().unwrap(), 0);
}

/// Loads the zoo; `None` where that takes more rights than there are.
fn load(test: &str) -> Option<zoo::Objects> {
    match Loader::new().load(zoo()) {
        Ok(objects) => Some(objects),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            println!("SKIP {test}: not root");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn run(program: &oxbpf::Program) {
    // A packet that such a program looks at has an Ethernet header at least.
    let packet = TestRun {
        data: &[9; 64],
        ..TestRun::default()
    };
    program.test_run(packet).unwrap();
}

#[test]
fn what_a_program_writes_is_read_field_by_field() {
    let Some(objects) = load("what_a_program_writes_is_read_field_by_field") else {
        return;
    };
    run(&objects.programs.write_everything);
    let e = objects.bss.from_bpf().load().unwrap();
    let bits = e.bits;
    assert_eq!((bits.low(), bits.middle(), bits.negative()), (6, 777, -9));
    assert_eq!(
        (bits.flag(), bits.color()),
        (Bool::TRUE, types::Color::BLUE)
    );
    assert_eq!((bits.wide(), bits.tail()), (0x0123_4567_89ab_cdef, 3));
    assert_eq!(bits.whole, 200);
    assert_eq!((e.any.point().x, e.any.point().y), (0x0102, 0x0304));
    let anonymous = e.anonymous;
    assert_eq!((anonymous.kind, anonymous.port()), (9, 53));
    assert_eq!((anonymous.flags(), anonymous.inner), (0x1aa, 8));
    assert_eq!(anonymous.inner_bits(), 42);
    assert_eq!(anonymous.stamp.when, 1 << 50);
    assert_eq!(anonymous.side, types::AnonymousSide::RIGHT);
    let scalars = e.scalars;
    assert_eq!((scalars.yes, scalars.letter), (Bool::TRUE, b'y'));
    assert_eq!((scalars.s1, scalars.s2), (-11, -12));
    assert_eq!((scalars.s4, scalars.s8), (-14, -18));
    assert_eq!((scalars.u8, scalars.when), (1 << 63, 12345));
    assert_eq!(scalars.sign, types::Sign::MINUS);
    assert_eq!(scalars.wide, types::Wide::WIDE_LARGE);
    assert_eq!(scalars.tiny, types::Tiny::TINY_B);
    assert_eq!(scalars.counter.count, 77);
    assert_eq!((e.packed.a, e.packed.c), (1, 3));
    assert_eq!({ e.packed.b }, 0x1122_3344_5566_7788);
    assert_eq!((e.keywords.r#type, e.keywords.Self_), (1, 2));
    assert_eq!((e.keywords.__, e.keywords.r#fn()), (3, 4));
    assert_eq!(e.named.cheese.b, 21);
    assert_eq!(e.named.names[1], "second");
    assert_eq!(e.named.matrix[1][0], 22);
    assert_eq!(e.named.address, u32::to_be(0x7f00_0001));
    assert_eq!(e.named.paint(), types::PaintT::GREEN);
    assert_eq!(e.grid[1][2][3], 123);
    let tracked = e.tracked;
    assert_eq!(tracked.state, types::StateT::STATE_LAST);
    assert_eq!(tracked.states[1], types::StateT::STATE_FIRST);
    assert_eq!(tracked.flags.map(Bool::get), [false, false, true]);
    assert_eq!(tracked.pairs[1].right, 31);
    assert_eq!((tracked.high(), tracked.low()), (5, 10));
    assert_ne!(tracked.both(), 0);
    let crossing = tracked.crossing;
    assert_eq!(
        (crossing.a(), crossing.b()),
        (0xab_cdef_0123, 0x98_7654_3210)
    );
    assert_eq!(crossing.c(), 0x7fff_ffff);
    let packed = tracked.packed_bits;
    assert_eq!(
        (packed.kind, packed.x(), packed.y()),
        (32, 0xabc, 0xfed_cba9_8765)
    );
    assert_eq!(tracked.deep(), 33);
}

#[test]
fn what_is_written_field_by_field_a_program_reads() {
    let Some(objects) = load("what_is_written_field_by_field_a_program_reads") else {
        return;
    };
    let mut e = types::Everything::default();
    e.bits.set_low(1);
    e.bits.set_middle(513);
    e.bits.set_negative(-1);
    e.bits.set_flag(Bool::TRUE);
    e.bits.set_color(types::Color::GREEN);
    e.bits.set_wide(0x0fed_cba9_8765_4321);
    e.bits.set_tail(2);
    e.bits.whole = 100;
    e.any.set_point(types::AnyPoint { x: 1, y: 2 });
    e.anonymous.kind = 3;
    e.anonymous.set_port(4);
    e.anonymous.set_flags(0xff);
    e.anonymous.inner = 5;
    e.anonymous.set_inner_bits(33);
    e.anonymous.stamp.when = 6;
    e.anonymous.side = types::AnonymousSide::RIGHT;
    e.scalars.yes = Bool::TRUE;
    e.scalars.letter = b'z';
    (e.scalars.s1, e.scalars.s2) = (-1, -2);
    (e.scalars.s4, e.scalars.s8) = (-4, -8);
    (e.scalars.u8, e.scalars.when) = (8, 9);
    e.scalars.sign = types::Sign::MINUS;
    e.scalars.wide = types::Wide::WIDE_LARGE;
    e.scalars.tiny = types::Tiny::TINY_B;
    e.scalars.counter.count = 10;
    e.packed.a = 11;
    e.packed.b = 0x8877_6655_4433_2211;
    e.packed.c = 12;
    (e.keywords.r#type, e.keywords.Self_, e.keywords.__) = (13, 14, 15);
    e.keywords.set_port_2(16);
    e.named.cheese.b = 17;
    e.named.names[1] = "two".try_into().unwrap();
    e.named.matrix[1][0] = 18;
    e.named.address = u32::to_be(0x0a00_0001);
    e.named.set_paint(types::Color::BLUE);
    e.grid[1][2][3] = 19;
    e.tracked.state = types::StateT::STATE_FIRST;
    e.tracked.states[1] = types::StateT::STATE_LAST;
    e.tracked.flags[2] = Bool::TRUE;
    e.tracked.pairs[1].right = 20;
    e.tracked.set_high(3);
    e.tracked.set_low(12);
    e.tracked.crossing.set_a(0x12_3456_789a);
    e.tracked.crossing.set_b(0xfe_dcba_9876);
    e.tracked.crossing.set_c(0x1234_5678);
    e.tracked.packed_bits.kind = 21;
    e.tracked.packed_bits.set_x(0x123);
    e.tracked.packed_bits.set_y(0x123_4567_89ab);
    e.tracked.set_deep(22);
    objects.bss.from_rust().store(e).unwrap();
    run(&objects.programs.read_everything);
    let line = objects.bss.wrong().load().unwrap() as usize;
    let source = include_str!("fixtures/zoo.bpf.c").lines();
    assert_eq!(
        line.checked_sub(1)
            .and_then(|line| source.clone().nth(line)),
        None
    );

    // And it does look.
    e.packed.c += 1;
    objects.bss.from_rust().store(e).unwrap();
    run(&objects.programs.read_everything);
    assert_ne!(objects.bss.wrong().load().unwrap(), 0);
}

#[test]
fn events_may_go_on_after_what_is_always_there() {
    let Some(objects) = load("events_may_go_on_after_what_is_always_there") else {
        return;
    };
    let mut tails = objects.maps.tails.reader().unwrap();
    let mut samples = objects.maps.samples.reader().unwrap();
    run(&objects.programs.write_tails);
    let event = tails.next().unwrap().unwrap();
    assert_eq!((event.number, event.length), (7, 1));
    assert_eq!(event.tail, [42]);
    let sample = samples.next().unwrap().unwrap();
    assert_eq!(sample.number, 8);
    // What the packet begins with, and what the kernel pads with.
    assert_eq!(sample.tail.len(), 12);
    assert_eq!(sample.tail[..5], [9; 5]);
}

#[test]
fn documentation_is_what_the_source_says() {
    let text = include_str!("golden/zoo.rs");
    for comment in [
        "/// What tells connections apart.\n        ///\n        /// `struct key`, 8 bytes.",
        "/// In the order of this machine.\n            ///\n            /// Zero for none.",
        "/// Connections that are open.\n        ///\n        /// A map of type `hash` from `struct key` to",
        "/// How many there may be.\n        ///\n        /// `__u32 limit`.",
        "/// Counts all system calls.\n        ///\n        /// The program for `tp_btf/sys_enter`.",
    ] {
        assert!(text.contains(comment), "{comment}");
    }
}

#[test]
fn a_legacy_map_is_dynamic_and_says_how_to_give_it_types() {
    let spec = kprobe::Spec::embedded().unwrap();
    let map = &spec.maps.kprobe_map;
    assert_eq!(
        (map.map_type, map.key_size, map.value_size, map.max_entries),
        (MapType::ARRAY, 4, 8, 1)
    );
    assert_eq!(spec.programs.kprobe_execve.section, "kprobe/sys_execve");
    let text = include_str!("golden/kprobe.rs");
    assert!(text.contains("pub kprobe_map: ::oxbpf::Map,"));
    assert!(text.contains("`typed::<Array<u64>>()` does"));
}

/// The committed files are what the sources give, as far as the clang here can tell. `BLESS=1` makes
/// them so.
#[test]
fn committed_files_are_current() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/src/bpf");
    let exec_count = format!("{demo}/exec_count.bpf.c");
    let kprobe = SOURCE.replace("zoo.bpf.c", "kprobe.c");
    for (builder, directory, name) in [
        (Builder::new(SOURCE), GOLDEN, "zoo"),
        (Builder::new(kprobe), GOLDEN, "kprobe"),
        (Builder::new(exec_count), demo, "exec_count"),
    ] {
        let module = fs::read_to_string(format!("{directory}/{name}.rs")).unwrap();
        let (_, version) = module.split_once("with clang ").unwrap();
        let (major, _) = version.split_once('.').unwrap();
        // Enumerations have got more precise with time: only the same compiler will do.
        let builder = match Clang::at(format!("clang-{major}")) {
            Ok(clang) => builder.clang(clang.path()),
            Err(_) if name != "zoo" => builder,
            Err(_) => {
                println!("SKIP committed_files_are_current: no clang-{major} for {name}");
                continue;
            }
        };
        let output = builder.name(name).generate().unwrap();
        if std::env::var_os("BLESS").is_some() {
            output.write(directory.as_ref()).unwrap();
        }
        let check = output.check(directory.as_ref()).unwrap();
        assert!(check.is_current(), "{check}");
    }
}
