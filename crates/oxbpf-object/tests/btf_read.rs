//! Reading BTF: our view of it printed in bpftool's notation and compared with what bpftool prints.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use oxbpf_object::Endian;
use oxbpf_object::btf::{Btf, Contents, Kind, TypeId};

const KERNEL: &str = "/sys/kernel/btf/vmlinux";

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/btf")
            .join(name),
    )
    .unwrap()
}

/// `bpftool btf dump`.
fn dump(btf: &Btf) -> String {
    let mut out = String::new();
    for (id, ty) in btf.types() {
        let quoted = |name: &str| {
            if name.is_empty() {
                "'(anon)'".to_owned()
            } else {
                format!("'{name}'")
            }
        };
        let sign = |signed| if signed { "SIGNED" } else { "UNSIGNED" };
        write!(
            out,
            "[{id}] {} {}",
            ty.kind().name().unwrap().to_uppercase(),
            quoted(ty.name())
        )
        .unwrap();
        let count = ty.element_count();
        match ty.contents() {
            Contents::Int(int) => {
                let encoding = match (int.is_signed, int.is_char, int.is_bool) {
                    (true, ..) => "SIGNED",
                    (_, true, _) => "CHAR",
                    (.., true) => "BOOL",
                    _ => "(none)",
                };
                let (size, start, bits) = (int.size, int.bit_offset, int.bits);
                write!(
                    out,
                    " size={size} bits_offset={start} nr_bits={bits} encoding={encoding}"
                )
                .unwrap();
            }
            Contents::Ptr(target)
            | Contents::Typedef(target)
            | Contents::Volatile(target)
            | Contents::Const(target)
            | Contents::Restrict(target) => write!(out, " type_id={target}").unwrap(),
            Contents::TypeTag(tag) => write!(out, " type_id={}", tag.target).unwrap(),
            Contents::Array(array) => {
                write!(
                    out,
                    " type_id={} index_type_id={} nr_elems={}",
                    array.element, array.index, array.len
                )
                .unwrap();
            }
            Contents::Struct(composite) | Contents::Union(composite) => {
                write!(out, " size={} vlen={count}", composite.size).unwrap();
                for member in composite.members() {
                    write!(
                        out,
                        "\n\t{} type_id={} bits_offset={}",
                        quoted(member.name),
                        member.ty,
                        member.bit_offset
                    )
                    .unwrap();
                    if member.bitfield_size != 0 {
                        write!(out, " bitfield_size={}", member.bitfield_size).unwrap();
                    }
                }
            }
            Contents::Enum(list) => {
                write!(
                    out,
                    " encoding={} size={} vlen={count}",
                    sign(list.is_signed),
                    list.size
                )
                .unwrap();
                let suffix = match (ty.kind(), list.is_signed) {
                    (Kind::ENUM64, true) => "LL",
                    (Kind::ENUM64, false) => "ULL",
                    _ => "",
                };
                for e in list.enumerators() {
                    write!(out, "\n\t{} val={}{suffix}", quoted(e.name), e.value).unwrap();
                }
            }
            Contents::Fwd { is_union } => write!(
                out,
                " fwd_kind={}",
                if is_union { "union" } else { "struct" }
            )
            .unwrap(),
            Contents::Func(func) => {
                let linkage = ["static", "global", "extern"][func.linkage.0 as usize];
                write!(out, " type_id={} linkage={linkage}", func.proto).unwrap();
            }
            Contents::FuncProto(proto) => {
                write!(out, " ret_type_id={} vlen={count}", proto.result).unwrap();
                for param in proto.params() {
                    write!(out, "\n\t{} type_id={}", quoted(param.name), param.ty).unwrap();
                }
            }
            Contents::Var(var) => {
                let linkage = ["static", "global", "extern"][var.linkage.0 as usize];
                write!(out, " type_id={}, linkage={linkage}", var.ty).unwrap();
            }
            Contents::DataSection(section) => {
                write!(out, " size={} vlen={count}", section.size).unwrap();
                for var in section.variables() {
                    let ty = btf.get(var.ty).unwrap();
                    let kind = ty.kind().name().unwrap().to_uppercase();
                    let (id, offset, size) = (var.ty, var.offset, var.size);
                    write!(
                        out,
                        "\n\ttype_id={id} offset={offset} size={size} ({kind} '{}')",
                        ty.name()
                    )
                    .unwrap();
                }
            }
            Contents::Float(size) => write!(out, " size={size}").unwrap(),
            Contents::DeclTag(tag) => {
                let component = tag.component.map_or(-1, |component| component as i32);
                write!(out, " type_id={} component_idx={component}", tag.target).unwrap();
            }
            other => panic!("{other:?} in {ty:?}"),
        }
        out.push('\n');
    }
    out
}

#[track_caller]
fn assert_same_lines(ours: &str, theirs: &str) {
    for (number, (our, their)) in ours.lines().zip(theirs.lines()).enumerate() {
        assert_eq!(our, their, "line {}", number + 1);
    }
    assert_eq!(ours.lines().count(), theirs.lines().count());
}

#[test]
fn every_kind_is_read_in_both_byte_orders() {
    let expected = String::from_utf8(fixture("kinds.txt")).unwrap();
    for (name, endian) in [
        ("kinds.el.btf", Endian::Little),
        ("kinds.eb.btf", Endian::Big),
    ] {
        let btf = Btf::parse(fixture(name)).unwrap();
        assert_eq!(btf.endian(), endian);
        assert_eq!(btf.unread(), None);
        // A bit-field starts elsewhere on a big-endian machine only in the machine's registers, not in BTF.
        assert_same_lines(&dump(&btf), &expected);
    }
    for kind in (1..=19).map(Kind) {
        let name = kind.name().unwrap().to_uppercase();
        assert!(
            expected.contains(&format!("] {name} '")),
            "no {name} in the fixture"
        );
    }
}

#[test]
fn the_running_kernel_reads_as_bpftool_reads_it() {
    if !Path::new(KERNEL).exists() {
        eprintln!("skipped: this kernel has no {KERNEL}");
        return;
    }
    let btf = Btf::parse(std::fs::read(KERNEL).unwrap()).unwrap();
    let theirs = Command::new("bpftool")
        .args(["btf", "dump", "file", KERNEL])
        .output()
        .expect("bpftool is installed");
    assert!(
        theirs.status.success(),
        "{}",
        String::from_utf8_lossy(&theirs.stderr)
    );
    assert_same_lines(&dump(&btf), &String::from_utf8(theirs.stdout).unwrap());
}

#[test]
fn sizes_are_those_of_c() {
    let btf = Btf::parse(fixture("kinds.el.btf")).unwrap();
    let size = |name, kind| btf.size_of(btf.find(name, kind).unwrap());
    assert_eq!(size("inner", Kind::STRUCT), Ok(16));
    assert_eq!(size("outer_t", Kind::TYPEDEF), size("outer", Kind::STRUCT));
    assert_eq!(size("big", Kind::ENUM64), Ok(8));
    assert_eq!(size("double", Kind::FLOAT), Ok(8));
    assert_eq!(size("_license", Kind::VAR), Ok(4));
    assert_eq!(size("st", Kind::VAR), Ok(4));
    assert!(size("fwd", Kind::FWD).is_err());
    assert!(size("prog", Kind::FUNC).is_err());
    assert!(btf.size_of(TypeId::VOID).is_err());

    let outer = btf.get(btf.find("outer", Kind::STRUCT).unwrap()).unwrap();
    let member = |name| outer.members().find(|member| member.name == name).unwrap();
    assert_eq!(btf.size_of(member("in").ty), Ok(4 * 2 * 16));
    assert_eq!(btf.size_of(member("p").ty), Ok(8));
    assert_eq!(btf.size_of(member("flex").ty), Ok(0));
    assert_eq!(
        btf.skip_modifiers(member("p").ty).unwrap().kind(),
        Kind::PTR
    );
    let st = btf
        .get(btf.find("st", Kind::VAR).unwrap())
        .unwrap()
        .target()
        .unwrap();
    assert_eq!(btf.skip_modifiers(st).unwrap().name(), "int");
    let typedef = btf.find("outer_t", Kind::TYPEDEF).unwrap();
    assert_eq!(btf.skip_modifiers(typedef).unwrap().id(), typedef);
    assert_eq!(
        btf.skip_modifiers_and_typedefs(typedef).unwrap().id(),
        outer.id()
    );
}

#[test]
fn names_are_found_with_and_without_the_index() {
    let btf = Btf::parse(fixture("kinds.el.btf")).unwrap();
    // No name is not a name.
    assert_eq!(btf.find("", Kind::PTR), None);
    assert_eq!(btf.find_all("").count(), 0);
    let named: Vec<_> = btf
        .types()
        .filter(|(_, ty)| !ty.name().is_empty())
        .collect();
    // The first questions are answered by scanning, the later ones by the index.
    for _ in 0..2 {
        for &(id, ty) in &named {
            assert_eq!(btf.find(ty.name(), ty.kind()), Some(id), "{ty:?}");
            let all: Vec<_> = btf.find_all(ty.name()).map(|ty| ty.id()).collect();
            let expected: Vec<_> = named
                .iter()
                .filter(|(_, other)| other.name() == ty.name())
                .map(|&(id, _)| id)
                .collect();
            assert_eq!(all, expected);
        }
        assert_eq!(btf.find("inne", Kind::STRUCT), None);
        assert_eq!(btf.find("inner_", Kind::STRUCT), None);
        assert_eq!(btf.find("inner", Kind::UNION), None);
        assert_eq!(btf.find("", Kind::PTR), None);
    }
}
