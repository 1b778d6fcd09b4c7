//! Relocation between types made by hand.

use crate::limits::MAX_CORE_TRIALS;
use std::cell::Cell;

use proptest::prelude::*;

use super::*;
use crate::Endian;
use crate::asm::{
    self, AluOp, AtomicOp, Insn, Narrow, Op, R1, R2, Size, Width, add, load, load_imm64, load_sx,
    mov, mov32, program, store,
};
use crate::btf::{self, Array, BtfBuilder, Enumerator, FuncLinkage, Int, Member, Param, TypeId};
use crate::spec::CoreRelo;

type Kind = CoreRelocKind;

/// Types in the making, with the integers that all need.
struct Side {
    types: BtfBuilder,
    u8: TypeId,
    u16: TypeId,
    u32: TypeId,
    u64: TypeId,
    int: TypeId,
}

fn side() -> Side {
    let mut types = BtfBuilder::new();
    Side {
        u8: types.add_unsigned("unsigned char", 1),
        u16: types.add_unsigned("unsigned short", 2),
        u32: types.add_unsigned("unsigned int", 4),
        u64: types.add_unsigned("unsigned long", 8),
        int: types.add_signed("int", 4),
        types,
    }
}

fn member(name: &str, ty: TypeId, byte_offset: u32) -> Member<'_> {
    Member {
        name,
        ty,
        bit_offset: byte_offset * 8,
        bitfield_size: 0,
    }
}

fn bits(name: &str, ty: TypeId, bit_offset: u32, bitfield_size: u8) -> Member<'_> {
    Member {
        name,
        ty,
        bit_offset,
        bitfield_size,
    }
}

impl Side {
    fn structure(&mut self, name: &str, size: u32, members: &[Member<'_>]) -> TypeId {
        self.types.add_struct(name, size, members)
    }

    fn array(&mut self, element: TypeId, len: u32) -> TypeId {
        self.types.add_array(Array {
            element,
            index: self.u32,
            len,
        })
    }

    /// A relocation of the instruction in slot 0.
    fn relo(&mut self, type_id: TypeId, access: &str, kind: Kind) -> CoreRelo {
        CoreRelo {
            insn: 0,
            record: btf::CoreRelo {
                insn_off: 0,
                type_id,
                access_str_off: self.types.add_string(access),
                kind: kind.0,
            },
        }
    }

    fn build(&self) -> Btf {
        self.types.build().unwrap()
    }

    fn build_in(&self, endian: Endian) -> Btf {
        Btf::parse(self.types.to_bytes(endian).unwrap()).unwrap()
    }
}

/// Relocates one instruction.
fn relocate(
    local: &Side,
    targets: &dyn Targets,
    op: Op,
    relo: CoreRelo,
) -> Result<(Vec<Insn>, Vec<Missing>), Error> {
    let mut insns = program([op]);
    let missing = CoreReloc::new(&local.build(), targets).relocate(&mut insns, &[relo])?;
    Ok((insns, missing))
}

/// The relocated instruction, where nothing is missing.
fn relocated(local: &Side, targets: &dyn Targets, op: Op, relo: CoreRelo) -> Op {
    let (insns, missing) = relocate(local, targets, op, relo).unwrap();
    assert_eq!(missing, []);
    Op::decode(&insns).unwrap().0
}

/// The answer for the kernel, given the one for the object, by way of a 64-bit load.
fn ask(local: &Side, targets: &dyn Targets, expected: u64, relo: CoreRelo) -> u64 {
    match relocated(local, targets, load_imm64(R1, expected), relo) {
        Op::LoadImm64 {
            value: asm::Imm64::Value(value),
            ..
        } => value,
        op => panic!("{op}"),
    }
}

/// The one thing that is missing.
fn missing(local: &Side, targets: &dyn Targets, op: Op, relo: CoreRelo) -> Missing {
    let (insns, missing) = relocate(local, targets, op, relo).unwrap();
    let poison = program([asm::call(POISON)]);
    assert_eq!(insns, poison.repeat(op.slots()));
    assert_eq!(missing.len(), 1);
    missing[0].clone()
}

fn refusal(local: &Side, targets: &dyn Targets, op: Op, relo: CoreRelo) -> String {
    relocate(local, targets, op, relo).unwrap_err().to_string()
}

/// `struct task { u32 state; u32 pid; }` here, with other things in between there.
fn moved_field() -> (Side, TypeId, Btf) {
    let mut local = side();
    let members = [member("state", local.u32, 0), member("pid", local.u32, 4)];
    let task = local.structure("task", 8, &members);
    let mut target = side();
    let members = [
        member("flags", target.u64, 0),
        member("state", target.u32, 8),
        member("cpu", target.u32, 12),
        member("pid", target.u32, 300),
    ];
    target.structure("task", 304, &members);
    (local, task, target.build())
}

#[test]
fn offsets_go_into_every_kind_of_instruction() {
    let (mut local, task, target) = moved_field();
    let relo = local.relo(task, "0:1", Kind::FIELD_BYTE_OFFSET);
    let cases = [
        (mov(R1, 4), mov(R1, 300)),
        (mov32(R1, 4), mov32(R1, 300)),
        (add(R1, 4), add(R1, 300)),
        (load(Size::W, R1, R2, 4), load(Size::W, R1, R2, 300)),
        (
            load_sx(Narrow::W, R1, R2, 4),
            load_sx(Narrow::W, R1, R2, 300),
        ),
        (store(Size::W, R1, 4, R2), store(Size::W, R1, 300, R2)),
        (store(Size::W, R1, 4, 7), store(Size::W, R1, 300, 7)),
        (
            asm::atomic(AtomicOp::FetchAdd, Width::Bits32, R1, 4, R2),
            asm::atomic(AtomicOp::FetchAdd, Width::Bits32, R1, 300, R2),
        ),
        (load_imm64(R1, 4), load_imm64(R1, 300)),
    ];
    for (before, after) in cases {
        assert_eq!(relocated(&local, &target, before, relo), after);
    }
}

#[test]
fn instructions_elsewhere_stay_as_they_are() {
    let (mut local, task, target) = moved_field();
    let relo = local.relo(task, "0:1", Kind::FIELD_BYTE_OFFSET);
    let at = |insn| CoreRelo { insn, ..relo };
    let mut insns = program([load_imm64(R1, 4), mov(R1, 4), mov(R2, 4), load_imm64(R2, 4)]);
    let mut core = CoreReloc::new(&local.build(), &target);
    assert_eq!(core.relocate(&mut insns, &[at(2), at(4)]).unwrap(), []);
    let expected = program([
        load_imm64(R1, 4),
        mov(R1, 300),
        mov(R2, 4),
        load_imm64(R2, 300),
    ]);
    assert_eq!(insns, expected);
}

#[test]
fn what_is_missing_is_poisoned_and_told() {
    let (mut local, task, target) = moved_field();
    let inner = local.structure("inner", 4, &[member("gone", local.u32, 0)]);
    let members = [member("state", local.u32, 0), member("inner", inner, 8)];
    let flavour = local.structure("task___v2", 12, &members);
    let other = local.structure("nowhere", 4, &[member("x", local.u32, 0)]);

    let relo = local.relo(flavour, "0:1:0", Kind::FIELD_BYTE_OFFSET);
    let told = missing(&local, &target, load_imm64(R1, 8), relo);
    assert_eq!(
        told,
        Missing {
            insn: 0,
            relocation: format!(
                "<byte_off> [{flavour}] struct task___v2.inner.gone (0:1:0 @ offset 8)"
            ),
            type_name: "struct task___v2".into(),
            member: "inner.gone".into(),
            reason: MissingReason::NoMember,
        }
    );
    assert_eq!(
        told.to_string(),
        "field `inner.gone` of `struct task___v2` does not exist on this kernel"
    );
    missing(&local, &target, load(Size::W, R1, R2, 8), relo);

    let relo = local.relo(other, "0:0", Kind::FIELD_BYTE_SIZE);
    let told = missing(&local, &target, mov(R1, 4), relo);
    assert_eq!(
        told.to_string(),
        "`struct nowhere` does not exist on this kernel"
    );

    // Questions that have an answer where nothing is.
    let cases = [
        (flavour, "0:1:0", Kind::FIELD_EXISTS, 1),
        (other, "0", Kind::TYPE_EXISTS, 1),
        (other, "0", Kind::TYPE_MATCHES, 1),
        (other, "0", Kind::TYPE_SIZE, 4),
        (other, "0", Kind::TYPE_ID_TARGET, 77),
    ];
    for (ty, access, kind, before) in cases {
        let relo = local.relo(ty, access, kind);
        assert_eq!(ask(&local, &target, before, relo), 0, "{kind}");
    }
    let relo = local.relo(task, "0:1", Kind::FIELD_EXISTS);
    assert_eq!(ask(&local, &target, 1, relo), 1);
}

#[test]
fn flavours_do_not_count_on_either_side() {
    let mut local = side();
    let old = local.structure("foo___old", 4, &[member("x", local.u32, 0)]);
    let new = local.structure("foo___new", 4, &[member("y", local.u32, 0)]);
    let mut target = side();
    let members = [member("pad", target.u64, 0), member("x", target.u32, 8)];
    target.structure("foo___2", 16, &members);
    let members = [member("pad", target.u64, 0), member("y", target.u32, 12)];
    target.structure("foo", 16, &members);
    let target = target.build();
    let relo = local.relo(old, "0:0", Kind::FIELD_BYTE_OFFSET);
    assert_eq!(ask(&local, &target, 0, relo), 8);
    let relo = local.relo(new, "0:0", Kind::FIELD_BYTE_OFFSET);
    assert_eq!(ask(&local, &target, 0, relo), 12);
}

#[test]
fn kinds_of_types_are_kept_apart() {
    let mut local = side();
    let foo = local.structure("foo", 4, &[member("x", local.u32, 0)]);
    let mut target = side();
    let members = [member("x", target.u32, 0)];
    target.types.add_union("foo", 4, &members);
    target.types.add_typedef("foo", target.u32);
    target.types.add_fwd("foo", false);
    let relo = local.relo(foo, "0", Kind::TYPE_EXISTS);
    assert_eq!(ask(&local, &target.build(), 1, relo), 0);
    let foo = local.types.add_typedef("foo", local.u64);
    let relo = local.relo(foo, "0", Kind::TYPE_SIZE);
    assert_eq!(ask(&local, &target.build(), 8, relo), 4);
}

#[test]
fn candidates_must_agree() {
    let mut local = side();
    let members = [member("x", local.u32, 0), member("only", local.u32, 4)];
    let foo = local.structure("foo", 8, &members);
    let mut target = side();
    let first = target.structure("foo", 16, &[member("x", target.u32, 8)]);
    let members = [member("x", target.u32, 12), member("only", target.u32, 0)];
    let second = target.structure("foo", 16, &members);
    let target = target.build();

    let offset = local.relo(foo, "0:0", Kind::FIELD_BYTE_OFFSET);
    let error = relocate(&local, &target, mov(R1, 0), offset).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Ambiguous { .. }));
    assert_eq!(
        error.to_string(),
        format!(
            "CO-RE relocation <byte_off> [{foo}] struct foo.x (0:0 @ offset 0) of instruction 0: several types of the kernel fit, but differ: <byte_off> [{first}] struct foo.x (0:0 @ offset 8) gives 8; <byte_off> [{second}] struct foo.x (0:0 @ offset 12) gives 12"
        )
    );
    // The answer may be the same: not the same type all the same.
    let exists = local.relo(foo, "0:0", Kind::FIELD_EXISTS);
    assert!(relocate(&local, &target, mov(R1, 1), exists).is_err());

    // A question that only one of them can answer settles it for all that follow.
    let only = local.relo(foo, "0:1", Kind::FIELD_BYTE_OFFSET);
    let mut insns = program([mov(R1, 4), mov(R1, 0)]);
    let relos = [only, CoreRelo { insn: 1, ..offset }];
    let mut core = CoreReloc::new(&local.build(), &target);
    assert_eq!(core.relocate(&mut insns, &relos).unwrap(), []);
    assert_eq!(insns, program([mov(R1, 0), mov(R1, 12)]));
}

#[test]
fn candidates_that_agree_are_fine() {
    let mut local = side();
    let foo = local.structure("foo", 4, &[member("x", local.u32, 0)]);
    let mut target = side();
    target.structure("foo", 16, &[member("x", target.u32, 8)]);
    let members = [member("x", target.u32, 8), member("y", target.u32, 12)];
    target.structure("foo___2", 16, &members);
    let relo = local.relo(foo, "0:0", Kind::FIELD_BYTE_OFFSET);
    assert_eq!(ask(&local, &target.build(), 0, relo), 8);

    // Of two sizes in one place, none is right for a load, but the place is.
    let members = [member("x", target.u16, 8)];
    target.structure("foo___3", 16, &members);
    let target = target.build();
    assert_eq!(relocated(&local, &target, add(R1, 0), relo), add(R1, 8));
    let told = missing(&local, &target, load(Size::W, R1, R2, 0), relo);
    assert_eq!(told.reason, MissingReason::OtherSize);
}

#[test]
fn fields_are_found_inside_anonymous_members() {
    let mut local = side();
    let inner = local.structure(
        "",
        8,
        &[member("a", local.u32, 0), member("b", local.u32, 4)],
    );
    let members = [member("first", local.u32, 0), member("", inner, 4)];
    let foo = local.structure("foo", 12, &members);
    let mut target = side();
    let deepest = target.structure(
        "",
        4,
        &[member("c", target.u16, 0), member("b", target.u16, 2)],
    );
    let middle =
        target
            .types
            .add_union("", 8, &[member("a", target.u64, 0), member("", deepest, 4)]);
    let middle = target.types.add_const(middle);
    let members = [member("pad", target.u64, 0), member("", middle, 8)];
    let there = target.structure("foo", 16, &members);
    let members = [member("first", target.u32, 0), member("b", target.u32, 4)];
    target.structure("unrelated", 8, &members);
    let target = target.build();

    let relo = local.relo(foo, "0:1:1", Kind::FIELD_BYTE_OFFSET);
    assert_eq!(ask(&local, &target, 8, relo), 14);
    let here = local.build();
    let spec = spec::Spec::parse(&here, relo.record).unwrap();
    assert_eq!(
        spec.to_string(),
        format!("<byte_off> [{foo}] struct foo.b (0:1:1 @ offset 8)")
    );
    let spec = matching::find(&spec, &target, there).unwrap().unwrap();
    assert_eq!(
        spec.to_string(),
        format!("<byte_off> [{there}] struct foo.b (0:1:1:1 @ offset 14)")
    );
}

#[test]
fn arrays_are_indexed_within_their_bounds() {
    let mut local = side();
    let (ten, row, none) = (
        local.array(local.u32, 10),
        local.array(local.u16, 3),
        local.array(local.u32, 0),
    );
    let rows = local.array(row, 4);
    let members = [
        member("ten", ten, 0),
        member("rows", rows, 40),
        member("flexible", none, 64),
    ];
    let foo = local.structure("foo", 64, &members);

    let mut target = side();
    let (five, row, none) = (
        target.array(target.u64, 5),
        target.array(target.u16, 9),
        target.array(target.u64, 0),
    );
    let rows = target.array(row, 4);
    let members = [
        member("rows", rows, 0),
        member("ten", five, 72),
        member("flexible", none, 112),
    ];
    target.structure("foo", 112, &members);
    let target = target.build();

    let cases = [
        ("0:0:4", 16, 72 + 4 * 8),
        ("0:1:2:1", 40 + 2 * 6 + 2, 2 * 18 + 2),
        ("0:2:100", 64 + 400, 112 + 800),
        ("3", 3 * 64, 3 * 112),
        ("2:0:1", 2 * 64 + 4, 2 * 112 + 72 + 8),
    ];
    for (access, before, after) in cases {
        let relo = local.relo(foo, access, Kind::FIELD_BYTE_OFFSET);
        assert_eq!(ask(&local, &target, before, relo), after, "{access}");
    }
    let relo = local.relo(foo, "0:0:7", Kind::FIELD_BYTE_OFFSET);
    let told = missing(&local, &target, add(R1, 28), relo);
    assert_eq!(
        told.to_string(),
        "field `ten[7]` of `struct foo` is past the end of an array on this kernel"
    );
    let relo = local.relo(foo, "0:0:7", Kind::FIELD_EXISTS);
    assert_eq!(ask(&local, &target, 1, relo), 0);
    let relo = local.relo(foo, "0:1:1", Kind::FIELD_BYTE_SIZE);
    assert_eq!(ask(&local, &target, 6, relo), 18);
    let relo = local.relo(foo, "0:0", Kind::FIELD_BYTE_SIZE);
    assert_eq!(ask(&local, &target, 40, relo), 40);
    let relo = local.relo(foo, "0:0:10", Kind::FIELD_BYTE_OFFSET);
    assert!(
        refusal(&local, &target, mov(R1, 40), relo)
            .ends_with("its access string is wrong: an index is past the end of an array")
    );
    let relo = local.relo(foo, "0:0:1", Kind::FIELD_SIGNED);
    assert!(
        refusal(&local, &target, mov(R1, 0), relo)
            .ends_with("this cannot be asked about an element of an array")
    );
}

#[test]
fn only_the_last_member_is_flexible() {
    let mut local = side();
    let none = local.array(local.u32, 0);
    let foo = local.structure(
        "foo",
        4,
        &[member("x", local.u32, 0), member("data", none, 4)],
    );
    let relo = local.relo(foo, "0:1:5", Kind::FIELD_BYTE_OFFSET);
    let mut target = side();
    let none = target.array(target.u32, 0);
    let members = [member("data", none, 0), member("x", target.u32, 0)];
    target.structure("foo", 4, &members);
    let told = missing(&local, &target.build(), mov(R1, 24), relo);
    assert_eq!(told.reason, MissingReason::TooFewElements);
}

/// A field of type `here` in the object and `there` in the kernel.
fn one_field(
    here: impl Fn(&mut Side) -> TypeId,
    there: impl Fn(&mut Side) -> TypeId,
) -> (Side, CoreRelo, Btf) {
    let (mut local, mut target) = (side(), side());
    let ty = here(&mut local);
    let foo = local.structure("foo", 16, &[member("f", ty, 0)]);
    let ty = there(&mut target);
    target.structure("foo", 64, &[member("f", ty, 32)]);
    let relo = local.relo(foo, "0:0", Kind::FIELD_BYTE_OFFSET);
    (local, relo, target.build())
}

#[test]
fn loads_of_pointers_and_unsigned_integers_take_the_kernels_size() {
    let (local, relo, target) = one_field(|s| s.u32, |s| s.u64);
    let cases = [
        (load(Size::W, R1, R2, 0), load(Size::DW, R1, R2, 32)),
        (store(Size::W, R1, 0, R2), store(Size::DW, R1, 32, R2)),
        (store(Size::W, R1, 0, 5), store(Size::DW, R1, 32, 5)),
        (
            asm::atomic(AtomicOp::Add, Width::Bits32, R1, 0, R2),
            asm::atomic(AtomicOp::Add, Width::Bits64, R1, 32, R2),
        ),
        (add(R1, 0), add(R1, 32)),
    ];
    for (before, after) in cases {
        assert_eq!(relocated(&local, &target, before, relo), after);
    }
    let error = relocate(&local, &target, load(Size::H, R1, R2, 0), relo).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("the instruction accesses 2 bytes, but the field has 4 in the object")
    );

    let (local, relo, target) = one_field(|s| s.u64, |s| s.u8);
    let op = relocated(&local, &target, load(Size::DW, R1, R2, 0), relo);
    assert_eq!(op, load(Size::B, R1, R2, 32));
    let atomic = asm::atomic(AtomicOp::Add, Width::Bits64, R1, 0, R2);
    assert!(
        refusal(&local, &target, atomic, relo)
            .ends_with("the field has 1 bytes in the kernel, which this instruction cannot access")
    );

    // A kernel whose `long` says that its pointers have 4 bytes.
    let mut local = side();
    let ptr = local.types.add_ptr(TypeId::VOID);
    let foo = local.structure("foo", 8, &[member("f", ptr, 0)]);
    let relo = local.relo(foo, "0:0", Kind::FIELD_BYTE_OFFSET);
    let mut target = BtfBuilder::new();
    target.add_unsigned("unsigned long", 4);
    let ptr = target.add_ptr(TypeId::VOID);
    target.add_struct("foo", 8, &[member("f", ptr, 4)]);
    let op = relocated(
        &local,
        &target.build().unwrap(),
        load(Size::DW, R1, R2, 0),
        relo,
    );
    assert_eq!(op, load(Size::W, R1, R2, 4));
}

#[test]
fn loads_that_would_be_wrong_are_poisoned() {
    let signed = |s: &mut Side| s.types.add_signed("long", 8);
    let cases = [
        one_field(|s| s.int, signed),
        one_field(|s| s.u32, signed),
        one_field(|s| s.int, |s| s.u64),
        one_field(|s| s.array(s.u32, 4), |s| s.array(s.u64, 4)),
        one_field(|s| s.structure("in", 4, &[]), |s| s.structure("in", 8, &[])),
    ];
    for (local, relo, target) in cases {
        let told = missing(&local, &target, load(Size::W, R1, R2, 0), relo);
        assert_eq!(told.reason, MissingReason::OtherSize);
        // The offset alone is right.
        assert_eq!(relocated(&local, &target, add(R1, 0), relo), add(R1, 32));
    }
    let (local, relo, target) = one_field(|s| s.int, |s| s.u32);
    let op = relocated(&local, &target, load(Size::W, R1, R2, 0), relo);
    assert_eq!(op, load(Size::W, R1, R2, 32));
}

#[test]
fn fields_of_other_types_are_not_the_same() {
    let cases = [
        one_field(|s| s.u64, |s| s.types.add_ptr(TypeId::VOID)),
        one_field(|s| s.u64, |s| s.structure("in", 8, &[])),
        one_field(|s| s.u64, |s| s.array(s.u64, 1)),
        one_field(
            |s| s.types.add_enum("a", 4, false, &[]),
            |s| s.types.add_enum("b", 4, false, &[]),
        ),
        one_field(|s| s.u64, |s| s.types.add_float("double", 8)),
        one_field(
            |s| s.u32,
            |s| {
                s.types.add_int(
                    "old_bitfield",
                    Int {
                        bit_offset: 3,
                        ..Int::unsigned(4)
                    },
                )
            },
        ),
    ];
    for (local, relo, target) in cases {
        let told = missing(&local, &target, add(R1, 0), relo);
        assert_eq!(
            told.to_string(),
            "field `f` of `struct foo` has an incompatible type on this kernel"
        );
    }
    let fine = [
        one_field(|s| s.u8, |s| s.int),
        one_field(
            |s| s.structure("a", 4, &[]),
            |s| s.types.add_union("b", 8, &[]),
        ),
        one_field(
            |s| s.types.add_enum("a___x", 4, false, &[]),
            |s| s.types.add_enum("a", 8, false, &[]),
        ),
        one_field(
            |s| s.types.add_enum("", 4, false, &[]),
            |s| s.types.add_enum("b", 8, false, &[]),
        ),
        one_field(
            |s| s.types.add_ptr(s.u8),
            |s| {
                let deep = s.types.add_ptr(s.u64);
                let deep = s.types.add_const(deep);
                s.types.add_typedef("alias", deep)
            },
        ),
        one_field(|s| s.array(s.u8, 4), |s| s.array(s.int, 9)),
    ];
    for (local, relo, target) in fine {
        assert_eq!(relocated(&local, &target, add(R1, 0), relo), add(R1, 32));
    }
}

/// The value of a bit-field by the layout rules of C: bits count from the least significant one of
/// the first byte, or from the most significant one on a big-endian machine.
fn bitfield_of(memory: &[u8], endian: Endian, bit_offset: u32, size: u8) -> u64 {
    let bit = |at: u32| {
        let byte = memory[(at / 8) as usize];
        let shift = match endian {
            Endian::Little => at % 8,
            Endian::Big => 7 - at % 8,
        };
        u64::from(byte >> shift & 1)
    };
    (0..u32::from(size)).fold(0, |value, n| match endian {
        Endian::Little => value | bit(bit_offset + n) << n,
        Endian::Big => value << 1 | bit(bit_offset + n),
    })
}

fn load_from(memory: &[u8], endian: Endian, offset: u64, size: u64) -> u64 {
    let bytes = &memory[offset as usize..(offset + size) as usize];
    let shift = |value, byte: &u8| value << 8 | u64::from(*byte);
    match endian {
        Endian::Little => bytes.iter().rev().fold(0, shift),
        Endian::Big => bytes.iter().fold(0, shift),
    }
}

proptest! {
    /// Reads a bit-field as `BPF_CORE_READ_BITFIELD` does, with what the relocations say.
    #[test]
    fn bitfields_read_right(
        memory: [u8; 32],
        big: bool,
        bit_offset in 0u32..180,
        size in 1u8..=32,
        wide_type: bool,
    ) {
        let endian = if big { Endian::Big } else { Endian::Little };
        let mut local = side();
        let foo = local.structure("foo", 4, &[bits("f", local.u32, 3, 5)]);
        let mut target = side();
        let ty = if wide_type { target.u64 } else { target.u32 };
        target.structure("foo", 32, &[bits("f", ty, bit_offset, size)]);
        let relos = [
            (Kind::FIELD_BYTE_OFFSET, 0),
            (Kind::FIELD_BYTE_SIZE, 4),
            (Kind::FIELD_LSHIFT_U64, 64),
            (Kind::FIELD_RSHIFT_U64, 64 - 5),
            (Kind::FIELD_SIGNED, 0),
        ];
        let records: Vec<CoreRelo> = (0..)
            .zip(relos)
            .map(|(n, (kind, _))| CoreRelo { insn: 2 * n, ..local.relo(foo, "0:0", kind) })
            .collect();
        let mut insns = program(relos.map(|(_, before)| load_imm64(R1, before)));
        let (here, target) = (local.build_in(endian), target.build_in(endian));
        let result = CoreReloc::new(&here, &target).relocate(&mut insns, &records);

        // A field across the boundary of 8 aligned bytes cannot be read by one load.
        let last_bit = bit_offset + u32::from(size) - 1;
        if bit_offset / 64 != last_bit / 64 {
            let error = result.unwrap_err();
            prop_assert!(matches!(error.kind(), ErrorKind::WideBitfield));
            return Ok(());
        }
        prop_assert_eq!(result.unwrap(), []);
        let answers: Vec<u64> = asm::ops(&insns)
            .map(|(_, op)| match op.unwrap() {
                Op::LoadImm64 { value: asm::Imm64::Value(value), .. } => value,
                op => panic!("{op}"),
            })
            .collect();
        let [offset, bytes, left, right, signed] = answers[..] else { panic!() };
        let value = load_from(&memory, endian, offset, bytes) << left >> right;
        prop_assert_eq!(value, bitfield_of(&memory, endian, bit_offset, size));
        prop_assert_eq!(signed, 0);
        prop_assert_eq!(offset % bytes, 0);
    }
}

#[test]
fn bitfields_and_whole_fields_stand_for_each_other() {
    let mut local = side();
    let foo = local.structure("foo", 4, &[bits("f", local.u32, 3, 5)]);
    let offset = local.relo(foo, "0:0", Kind::FIELD_BYTE_OFFSET);
    let size = local.relo(foo, "0:0", Kind::FIELD_BYTE_SIZE);
    let left = local.relo(foo, "0:0", Kind::FIELD_LSHIFT_U64);
    let signed = local.relo(foo, "0:0", Kind::FIELD_SIGNED);
    let mut target = side();
    target.structure("foo", 32, &[member("f", target.int, 8)]);
    let target = target.build();
    // What a compiler makes of a bit-field is its own affair: nothing is checked.
    assert_eq!(ask(&local, &target, 1234, offset), 8);
    assert_eq!(ask(&local, &target, 1234, size), 4);
    assert_eq!(ask(&local, &target, 1234, left), 32);
    assert_eq!(ask(&local, &target, 0, signed), 1);
    // But a load of the one cannot be made a load of the other.
    let told = missing(&local, &target, load(Size::W, R1, R2, 0), offset);
    assert_eq!(told.reason, MissingReason::OtherSize);
    let spec = spec::Spec::parse(&local.build(), left.record)
        .unwrap()
        .to_string();
    assert_eq!(
        spec,
        format!("<lshift_u64> [{foo}] struct foo.f (0:0 @ offset 0.3)")
    );
}

fn enumerators(list: &[(&'static str, i128)]) -> Vec<Enumerator<'static>> {
    list.iter()
        .map(|&(name, value)| Enumerator { name, value })
        .collect()
}

#[test]
fn enumerators_have_the_kernels_values() {
    let mut local = side();
    let values = enumerators(&[("A", 0), ("B", 1), ("C___x", 2), ("D", 3), ("E", 4)]);
    let e = local.types.add_enum("e", 4, false, &values);
    let alias = local.types.add_typedef("e_t", e);
    let mut target = side();
    let values = enumerators(&[("Z", 0), ("A", 1), ("B", 0xffff_ffff), ("C", 1 << 40)]);
    let there = target.types.add_enum("e", 8, false, &values);
    target.types.add_typedef("e_t", there);
    let values = enumerators(&[("A", -5), ("B", i128::from(i64::MIN))]);
    target.types.add_enum("signed", 8, true, &values);
    let target = target.build();

    for ty in [e, alias] {
        let cases = [("0", 0, 1), ("1", 1, 0xffff_ffff), ("2", 2, 1 << 40)];
        for (access, before, after) in cases {
            let relo = local.relo(ty, access, Kind::ENUMVAL_VALUE);
            assert_eq!(ask(&local, &target, before, relo), after);
            let relo = local.relo(ty, access, Kind::ENUMVAL_EXISTS);
            assert_eq!(ask(&local, &target, 1, relo), 1);
        }
    }
    let relo = local.relo(e, "3", Kind::ENUMVAL_EXISTS);
    assert_eq!(ask(&local, &target, 1, relo), 0);
    let relo = local.relo(e, "3", Kind::ENUMVAL_VALUE);
    let told = missing(&local, &target, load_imm64(R1, 3), relo);
    assert_eq!(
        told.to_string(),
        "value `D` of `enum e` does not exist on this kernel"
    );
    assert_eq!(
        told.relocation,
        format!("<enumval_value> [{e}] enum e::D = 3")
    );
    let relo = local.relo(e, "9", Kind::ENUMVAL_VALUE);
    assert!(refusal(&local, &target, mov(R1, 0), relo).ends_with("no such enumerator"));

    let values = enumerators(&[("A", -1), ("B", -2)]);
    let e = local.types.add_enum("signed", 4, true, &values);
    let relo = local.relo(e, "0", Kind::ENUMVAL_VALUE);
    assert_eq!(ask(&local, &target, u64::MAX, relo), -5i64 as u64);
    assert_eq!(relocated(&local, &target, mov(R1, -1), relo), mov(R1, -5));
    assert_eq!(
        relocated(&local, &target, mov32(R1, -1), relo),
        mov32(R1, -5)
    );
    let relo = local.relo(e, "1", Kind::ENUMVAL_VALUE);
    assert!(
        refusal(&local, &target, mov(R1, -2), relo)
            .ends_with("does not fit the instruction's immediate")
    );
}

#[test]
fn immediates_are_never_cut_off() {
    let mut local = side();
    let e = local
        .types
        .add_enum("e", 4, false, &enumerators(&[("A", 7)]));
    let relo = local.relo(e, "0", Kind::ENUMVAL_VALUE);
    let mut target = side();
    target
        .types
        .add_enum("e", 4, false, &enumerators(&[("A", 0x8000_0000)]));
    let target = target.build();
    // 64 bits would have the sign extended.
    assert!(
        refusal(&local, &target, mov(R1, 7), relo)
            .ends_with("2147483648 does not fit the instruction's immediate")
    );
    assert_eq!(
        relocated(&local, &target, mov32(R1, 7), relo),
        mov32(R1, i32::MIN)
    );

    let (mut local, task, _) = moved_field();
    let mut target = side();
    target.structure("task", 70_000, &[member("pid", target.u32, 40_000)]);
    let relo = local.relo(task, "0:1", Kind::FIELD_BYTE_OFFSET);
    let target = target.build();
    assert!(
        refusal(&local, &target, load(Size::W, R1, R2, 4), relo)
            .ends_with("40000 does not fit the instruction's offset")
    );
    assert_eq!(
        relocated(&local, &target, add(R1, 4), relo),
        add(R1, 40_000)
    );
}

#[test]
fn types_are_asked_about_by_name() {
    let mut local = side();
    let foo = local.structure("foo", 4, &[]);
    let anonymous = local.structure("", 4, &[]);
    let alias = local.types.add_typedef("foo_t", foo);
    let mut target = side();
    let there = target.structure("foo", 123, &[]);
    let there_alias = target.types.add_typedef("foo_t", there);
    let target = target.build();
    for (ty, there) in [(foo, there), (alias, there_alias)] {
        let relo = local.relo(ty, "0", Kind::TYPE_EXISTS);
        assert_eq!(ask(&local, &target, 1, relo), 1);
        let relo = local.relo(ty, "0", Kind::TYPE_SIZE);
        assert_eq!(ask(&local, &target, 4, relo), 123);
        let relo = local.relo(ty, "0", Kind::TYPE_ID_TARGET);
        assert_eq!(ask(&local, &target, 999, relo), there.0.into());
    }
    let relo = local.relo(anonymous, "0", Kind::TYPE_ID_LOCAL);
    assert_eq!(ask(&local, &target, 999, relo), anonymous.0.into());
    let relo = local.relo(anonymous, "0", Kind::TYPE_EXISTS);
    assert!(
        refusal(&local, &target, mov(R1, 1), relo)
            .ends_with("the type has no name by which it could be found in the kernel")
    );
    let relo = local.relo(foo, "0:0", Kind::TYPE_EXISTS);
    assert!(refusal(&local, &target, mov(R1, 1), relo).ends_with("for a type it must be 0"));
}

#[test]
fn types_exist_if_their_nature_is_the_same() {
    let prototype = |s: &mut Side, params: &[TypeId]| {
        let params: Vec<Param<'_>> = params.iter().map(|&ty| Param { name: "p", ty }).collect();
        let proto = s.types.add_func_proto(s.int, &params);
        s.types.add_ptr(proto)
    };
    type Make = Box<dyn Fn(&mut Side) -> TypeId>;
    let cases: Vec<(Make, Make, u64)> = vec![
        (Box::new(|s| s.u32), Box::new(|s| s.u64), 1),
        (
            Box::new(|s| s.u32),
            Box::new(|s| s.structure("s", 4, &[])),
            0,
        ),
        (
            Box::new(|s| s.structure("s", 4, &[])),
            Box::new(|s| s.types.add_union("s", 4, &[])),
            0,
        ),
        (
            Box::new(|s| s.types.add_ptr(s.u32)),
            Box::new(|s| s.types.add_ptr(s.u8)),
            1,
        ),
        (
            Box::new(|s| s.types.add_ptr(s.u32)),
            Box::new(|s| s.types.add_ptr(TypeId::VOID)),
            0,
        ),
        (
            Box::new(|s| s.array(s.u32, 3)),
            Box::new(|s| s.array(s.u8, 9)),
            1,
        ),
        (
            Box::new(move |s| prototype(s, &[s.u32, s.u64])),
            Box::new(move |s| prototype(s, &[s.u64, s.u8])),
            1,
        ),
        (
            Box::new(move |s| prototype(s, &[s.u32, s.u64])),
            Box::new(move |s| prototype(s, &[s.u64])),
            0,
        ),
        (
            Box::new(move |s| prototype(s, &[s.u32])),
            Box::new(move |s| {
                let ptr = s.types.add_ptr(s.u8);
                prototype(s, &[ptr])
            }),
            0,
        ),
    ];
    for (number, (here, there, expected)) in cases.into_iter().enumerate() {
        let (mut local, mut target) = (side(), side());
        let ty = here(&mut local);
        let alias = local.types.add_typedef("alias", ty);
        let ty = there(&mut target);
        target.types.add_typedef("alias", ty);
        let relo = local.relo(alias, "0", Kind::TYPE_EXISTS);
        assert_eq!(
            ask(&local, &target.build(), 1, relo),
            expected,
            "case {number}"
        );
    }
}

#[test]
fn types_match_if_all_that_is_known_is_there() {
    type Make = Box<dyn Fn(&mut Side) -> TypeId>;
    type MemberType = fn(&mut Side) -> TypeId;
    let structure = |members: &'static [(&str, MemberType)]| -> Make {
        Box::new(move |s| {
            let types: Vec<TypeId> = members.iter().map(|(_, make)| make(s)).collect();
            let members: Vec<Member<'_>> = members
                .iter()
                .zip(types)
                .map(|((name, _), ty)| member(name, ty, 0))
                .collect();
            s.structure("foo", 64, &members)
        })
    };
    fn pointer_to_struct(s: &mut Side, name: &str) -> TypeId {
        let pointee = s.structure(name, 4, &[]);
        s.types.add_ptr(pointee)
    }
    fn pointer_to_union(s: &mut Side, name: &str) -> TypeId {
        let pointee = s.types.add_union(name, 4, &[]);
        s.types.add_ptr(pointee)
    }
    fn pointer_to_fwd(s: &mut Side, name: &str) -> TypeId {
        let pointee = s.types.add_fwd(name, false);
        s.types.add_ptr(pointee)
    }
    fn enumeration(s: &mut Side, size: u32, values: &[(&'static str, i128)]) -> TypeId {
        s.types.add_enum("e", size, false, &enumerators(values))
    }
    let cases: Vec<(Make, Make, u64)> = vec![
        (
            structure(&[("a", |s| s.u32)]),
            structure(&[("b", |s| s.u8), ("a", |s| s.u32)]),
            1,
        ),
        (
            structure(&[("a", |s| s.u32), ("c", |s| s.u32)]),
            structure(&[("b", |s| s.u8), ("a", |s| s.u32)]),
            0,
        ),
        (
            structure(&[("a", |s| s.u32)]),
            structure(&[("a", |s| s.u64)]),
            0,
        ),
        (
            structure(&[("a", |s| s.u32)]),
            structure(&[("a", |s| s.int)]),
            0,
        ),
        (
            structure(&[("a", |s| s.array(s.u8, 3))]),
            structure(&[("a", |s| s.array(s.u8, 4))]),
            0,
        ),
        (
            structure(&[("a", |s| pointer_to_struct(s, "in"))]),
            structure(&[("a", |s| pointer_to_struct(s, "in___2"))]),
            1,
        ),
        (
            structure(&[("a", |s| pointer_to_struct(s, "in"))]),
            structure(&[("a", |s| pointer_to_struct(s, "out"))]),
            0,
        ),
        (
            structure(&[("a", |s| pointer_to_fwd(s, "in"))]),
            structure(&[("a", |s| pointer_to_struct(s, "in"))]),
            1,
        ),
        (
            structure(&[("a", |s| pointer_to_struct(s, "in"))]),
            structure(&[("a", |s| pointer_to_fwd(s, "in"))]),
            1,
        ),
        (
            structure(&[("a", |s| pointer_to_fwd(s, "in"))]),
            structure(&[("a", |s| pointer_to_union(s, "in"))]),
            0,
        ),
        (
            structure(&[("a", |s| enumeration(s, 4, &[("A", 1), ("B", 2)]))]),
            structure(&[("a", |s| enumeration(s, 4, &[("B", 7), ("C", 8), ("A", 9)]))]),
            1,
        ),
        (
            structure(&[("a", |s| enumeration(s, 4, &[("A", 1), ("B", 2)]))]),
            structure(&[("a", |s| enumeration(s, 4, &[("B", 7), ("C", 8)]))]),
            0,
        ),
        (
            structure(&[("a", |s| enumeration(s, 4, &[("A", 1)]))]),
            structure(&[("a", |s| enumeration(s, 8, &[("A", 1)]))]),
            0,
        ),
    ];
    for (number, (here, there, expected)) in cases.into_iter().enumerate() {
        let (mut local, mut target) = (side(), side());
        let ty = here(&mut local);
        there(&mut target);
        let relo = local.relo(ty, "0", Kind::TYPE_MATCHES);
        assert_eq!(
            ask(&local, &target.build(), 1, relo),
            expected,
            "case {number}"
        );
    }
}

#[test]
fn objects_that_contradict_themselves_are_refused() {
    let (mut local, task, target) = moved_field();
    let offset = local.relo(task, "0:1", Kind::FIELD_BYTE_OFFSET);
    let cases = [
        (
            mov(R1, 8),
            "the instruction holds 8 where the object's types say 4",
        ),
        (
            load(Size::W, R1, R2, 0),
            "the instruction holds 0 where the object's types say 4",
        ),
        (
            load_imm64(R1, 1 << 33),
            "the instruction holds 8589934592 where the object's types say 4",
        ),
        (
            asm::exit(),
            "an instruction with opcode 0x95 has nothing that could be relocated",
        ),
        (
            add(R1, R2),
            "an instruction with opcode 0x0f has nothing that could be relocated",
        ),
        (
            asm::load_map(R1, 4),
            "an instruction with opcode 0x18 has nothing that could be relocated",
        ),
        (
            asm::alu(AluOp::Mov, R1, -4),
            "the instruction holds -4 where the object's types say 4",
        ),
    ];
    for (op, text) in cases {
        let error = refusal(&local, &target, op, offset);
        let start = format!(
            "CO-RE relocation <byte_off> [{task}] struct task.pid (0:1 @ offset 4) of instruction 0: "
        );
        assert_eq!(error, start + text);
    }
    let relo = CoreRelo { insn: 1, ..offset };
    assert!(
        refusal(&local, &target, mov(R1, 4), relo)
            .ends_with("of instruction 1: the function has only 1 instruction slots")
    );
    for access in [
        "",
        ":",
        "0:",
        ":0",
        "0::1",
        "x",
        "0:-1",
        "0:+1",
        "0: 1",
        "0:99999999999",
    ] {
        let relo = local.relo(task, access, Kind::FIELD_BYTE_OFFSET);
        let error = refusal(&local, &target, mov(R1, 4), relo);
        assert_eq!(
            error,
            format!(
                "CO-RE relocation <byte_off> [{task}] task + {access} of instruction 0: its access string is wrong: it is not numbers with colons between"
            )
        );
    }
    let ends = [
        ("0:2", "no such member"),
        (
            "0:0:0",
            "it goes into something that is no structure, union or array",
        ),
        (
            &"0:".repeat(64),
            "the path to the field has more than 64 parts",
        ),
    ];
    for (access, end) in ends {
        let relo = local.relo(task, access, Kind::FIELD_BYTE_OFFSET);
        assert!(
            refusal(&local, &target, mov(R1, 4), relo).ends_with(end),
            "{access}"
        );
    }
    let inner = local.structure("", 4, &[member("a", local.u32, 0)]);
    let foo = local.structure("foo", 8, &[member("x", local.u32, 0), member("", inner, 4)]);
    let relo = local.relo(foo, "0:1", Kind::FIELD_BYTE_OFFSET);
    assert!(refusal(&local, &target, mov(R1, 4), relo).ends_with("it ends at an anonymous member"));
    let relo = local.relo(task, "0", CoreRelocKind(13));
    assert_eq!(
        refusal(&local, &target, mov(R1, 4), relo),
        format!(
            "CO-RE relocation <kind 13> [{task}] task + 0 of instruction 0: kind 13 is unknown here"
        )
    );
    let relo = local.relo(TypeId(999), "0:1", Kind::FIELD_BYTE_OFFSET);
    let error = relocate(&local, &target, mov(R1, 4), relo).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::LocalTypes(_)));
    let mut relo = offset;
    relo.record.access_str_off = u32::MAX;
    let error = relocate(&local, &target, mov(R1, 4), relo).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::LocalTypes(_)));
}

#[test]
fn types_are_tried_so_many_times_and_no_more() {
    const TYPES: usize = 1 << 10;
    let mut local = side();
    let relos: Vec<_> = (0..=MAX_CORE_TRIALS / TYPES)
        .map(|n| {
            let members = [member("x", local.u32, 0)];
            let ty = local.structure(&format!("foo___{n}"), 4, &members);
            local.relo(ty, "0:0", Kind::FIELD_EXISTS).record
        })
        .collect();
    let mut target = side();
    for _ in 0..TYPES {
        let members = [member("x", target.u32, 0)];
        target.structure("foo", 4, &members);
    }
    let (local, target) = (local.build(), target.build());
    let mut core = CoreReloc::new(&local, &target);
    core.announce(relos.iter().copied());
    let (last, others) = relos.split_last().unwrap();
    for relo in others {
        core.explain(*relo).unwrap();
    }
    let error = core.explain(*last).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TooManyTrials), "{error}");
}

#[test]
fn types_made_to_keep_us_busy_do_not() {
    // Each level has a hundred anonymous members of the next one: 100^30 ways down.
    let mut local = side();
    let foo = local.structure("foo", 4, &[member("absent", local.u32, 0)]);
    let exists = local.relo(foo, "0:0", Kind::FIELD_EXISTS);
    let mut target = side();
    let mut inner = target.u32;
    for level in 0..30 {
        let names = if level == 29 { "foo" } else { "" };
        let members = vec![member("", inner, 0); 100];
        inner = target.structure(names, 4, &members);
    }
    let error = relocate(&local, &target.build(), mov(R1, 1), exists).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TooComplex));

    // A structure that has itself as an anonymous member.
    let mut target = side();
    let itself = target.types.next_id();
    target.structure("foo", 4, &[member("", itself, 0)]);
    let error = relocate(&local, &target.build(), mov(R1, 1), exists).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TooLong));

    // Prototypes whose parameters are prototypes.
    let grow = |side: &mut Side| {
        let mut ty = side.int;
        for _ in 0..31 {
            let params = vec![Param { name: "p", ty }; 50];
            ty = side.types.add_func_proto(side.int, &params);
        }
        side.types.add_typedef("callback", ty)
    };
    let mut target = side();
    grow(&mut target);
    let target = target.build();
    let callback = grow(&mut local);
    for kind in [Kind::TYPE_EXISTS, Kind::TYPE_MATCHES] {
        let relo = local.relo(callback, "0", kind);
        let error = relocate(&local, &target, mov(R1, 1), relo).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TooComplex));
    }

    // A pointer to itself.
    let loops = |side: &mut Side| {
        let itself = side.types.next_id();
        side.types.add_ptr(itself);
        side.types.add_typedef("loop", itself)
    };
    let mut target = side();
    loops(&mut target);
    let target = target.build();
    let ty = loops(&mut local);
    for kind in [Kind::TYPE_EXISTS, Kind::TYPE_MATCHES] {
        let relo = local.relo(ty, "0", kind);
        let error = relocate(&local, &target, mov(R1, 1), relo).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TooComplex));
    }
}

/// Counts how often it is asked.
#[derive(Debug)]
struct Counting {
    kernel: Option<Btf>,
    modules: Vec<Btf>,
    asked: Cell<(u32, u32)>,
}

impl Targets for Counting {
    fn kernel(&self) -> Result<Btf, TargetError> {
        let (kernel, modules) = self.asked.get();
        self.asked.set((kernel + 1, modules));
        self.kernel.clone().ok_or("no BTF here".into())
    }

    fn modules(&self) -> Result<Vec<Btf>, TargetError> {
        let (kernel, modules) = self.asked.get();
        self.asked.set((kernel, modules + 1));
        Ok(self.modules.clone())
    }
}

#[test]
fn targets_are_opened_only_when_needed() {
    let mut local = side();
    let in_kernel = local.structure("foo", 4, &[member("x", local.u32, 0)]);
    let in_module = local.structure("bar", 4, &[member("y", local.u32, 0)]);
    let nowhere = local.structure("baz", 4, &[]);
    let own_id = local.relo(in_kernel, "0", Kind::TYPE_ID_LOCAL);
    let x = local.relo(in_kernel, "0:0", Kind::FIELD_BYTE_OFFSET);
    let y = local.relo(in_module, "0:0", Kind::FIELD_BYTE_OFFSET);
    let z = local.relo(nowhere, "0", Kind::TYPE_EXISTS);

    let mut kernel = side();
    kernel.structure("foo", 8, &[member("x", kernel.u32, 4)]);
    let kernel = kernel.build();
    let module = |types: &dyn Fn(&mut BtfBuilder) -> TypeId| {
        let mut builder = BtfBuilder::split(&kernel);
        types(&mut builder);
        let bytes = builder.to_bytes(Endian::NATIVE).unwrap();
        Btf::parse_split(bytes, &kernel).unwrap()
    };
    let u32 = TypeId(3);
    // A module's own `foo` does not count, since the kernel has one.
    let first = module(&|b| b.add_struct("foo", 16, &[member("x", u32, 12)]));
    let second = module(&|b| b.add_struct("bar", 16, &[member("y", u32, 8)]));
    let targets = Counting {
        kernel: Some(kernel.clone()),
        modules: vec![first, second],
        asked: Cell::default(),
    };
    let mut core = CoreReloc::new(&local.build(), &targets);
    core.announce([own_id, x, y, z].map(|relo| relo.record));
    let mut relocate = |op, relo| {
        let mut insns = program([op]);
        assert_eq!(core.relocate(&mut insns, &[relo]).unwrap(), []);
        (Op::decode(&insns).unwrap().0, targets.asked.get())
    };
    let own = in_kernel.0 as i32;
    assert_eq!(relocate(mov(R1, 0), own_id), (mov(R1, own), (0, 0)));
    assert_eq!(relocate(mov(R1, 0), x), (mov(R1, 4), (1, 0)));
    assert_eq!(relocate(mov(R1, 0), y), (mov(R1, 8), (1, 1)));
    assert_eq!(relocate(mov(R1, 1), z), (mov(R1, 0), (1, 1)));
    assert_eq!(relocate(add(R1, 0), y), (add(R1, 8), (1, 1)));

    // The same without telling first what will come.
    let mut core = CoreReloc::new(&local.build(), &targets);
    let mut insns = program([mov(R1, 1), mov(R1, 0), mov(R1, 0)]);
    let at = |insn, relo| CoreRelo { insn, ..relo };
    let relos = [at(0, z), at(1, y), at(2, x)];
    assert_eq!(core.relocate(&mut insns, &relos).unwrap(), []);
    assert_eq!(insns, program([mov(R1, 0), mov(R1, 8), mov(R1, 4)]));
    assert_eq!(targets.asked.get(), (2, 2));

    let none = Counting {
        kernel: None,
        modules: Vec::new(),
        asked: Cell::default(),
    };
    let error = CoreReloc::new(&local.build(), &none)
        .relocate(&mut program([mov(R1, 0)]), &[x])
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("the kernel's types could not be had")
    );
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "no BTF here");
}

#[test]
fn every_kind_has_the_name_libbpf_prints() {
    let names: Vec<String> = (0..14).map(|n| CoreRelocKind(n).to_string()).collect();
    let expected = [
        "byte_off",
        "byte_sz",
        "field_exists",
        "signed",
        "lshift_u64",
        "rshift_u64",
        "local_type_id",
        "target_type_id",
        "type_exists",
        "type_size",
        "enumval_exists",
        "enumval_value",
        "type_matches",
        "kind 13",
    ];
    assert_eq!(names, expected);
    assert_eq!(CoreRelocKind::ALL.len(), 13);
    assert_eq!(POISON.0, 0x0bad_2310);
}

fn all_sorts() -> (Side, Vec<TypeId>) {
    let mut s = side();
    let ptr = s.types.add_ptr(s.u8);
    let array = s.array(s.u16, 5);
    let inner = s.structure("inner", 8, &[member("a", s.u32, 0), member("b", ptr, 0)]);
    let anonymous = s
        .types
        .add_union("", 8, &[member("c", s.u64, 0), member("", inner, 0)]);
    let members = [
        bits("bits", s.u32, 3, 7),
        member("", anonymous, 8),
        member("list", array, 16),
        member("inner", inner, 32),
    ];
    let foo = s.structure("foo", 40, &members);
    let e = s
        .types
        .add_enum("e", 4, false, &enumerators(&[("A", 1), ("B", 2)]));
    let wide = s
        .types
        .add_enum("e64", 8, false, &enumerators(&[("A", 1 << 40)]));
    let fwd = s.types.add_fwd("fwd", true);
    let alias = s.types.add_typedef("alias", foo);
    let proto = s
        .types
        .add_func_proto(s.int, &[Param { name: "p", ty: ptr }]);
    let callback = s.types.add_typedef("callback", proto);
    let func = s.types.add_func("func", proto, FuncLinkage::GLOBAL);
    let float = s.types.add_float("double", 8);
    let ids = vec![
        foo, inner, e, wide, fwd, alias, callback, func, float, s.u32, ptr,
    ];
    (s, ids)
}

proptest! {
    /// Whatever bytes the two sides consist of, relocation ends without a panic, and what it
    /// leaves behind are instructions.
    #[test]
    fn broken_types_and_relocations_are_survived(
        damage: Vec<(bool, prop::sample::Index, u8)>,
        which: prop::sample::Index,
        access in "[0-4](:[0-4]){0,4}",
        kind in 0u32..13,
        big: bool,
    ) {
        let endian = if big { Endian::Big } else { Endian::Little };
        let (mut here, ids) = all_sorts();
        let relo = here.relo(*which.get(&ids), &access, CoreRelocKind(kind));
        let mut bytes = [here.types.to_bytes(endian).unwrap(), all_sorts().0.types.to_bytes(endian).unwrap()];
        for (side, index, byte) in damage.iter().take(8) {
            let bytes = &mut bytes[usize::from(*side)];
            // The header is left alone, so that some types can be read.
            let at = 24 + index.index(bytes.len() - 24);
            bytes[at] = *byte;
        }
        let [here, there] = bytes;
        let (Ok(here), Ok(there)) = (Btf::parse(here), Btf::parse(there)) else {
            return Ok(());
        };
        for op in [mov(R1, 1), load(Size::W, R1, R2, 0), load_imm64(R1, 1)] {
            let mut insns = program([op]);
            let _ = CoreReloc::new(&here, &there).relocate(&mut insns, &[relo]);
            prop_assert!(asm::ops(&insns).all(|(_, op)| op.is_ok()));
        }
    }

    /// An object that meets its own types stays as it is.
    #[test]
    fn relocation_to_the_same_types_changes_nothing(
        which: prop::sample::Index,
        access in "0(:[0-4]){0,4}",
        kind in 0u32..13,
    ) {
        let (mut here, ids) = all_sorts();
        let relo = here.relo(*which.get(&ids), &access, CoreRelocKind(kind));
        let types = here.build();
        let Ok(spec) = spec::Spec::parse(&types, relo.record) else {
            return Ok(());
        };
        let Ok(answer) = answer::answer(&spec) else {
            return Ok(());
        };
        let mut insns = program([load_imm64(R1, answer.value)]);
        match CoreReloc::new(&types, &types).relocate(&mut insns, &[relo]) {
            Ok(missing) => {
                prop_assert_eq!(missing, []);
                // `type_exists` does not know floating-point numbers and functions.
                let unknown = matches!(types.get(relo.record.type_id).unwrap().kind(), btf::Kind::FLOAT | btf::Kind::FUNC)
                    && kind != Kind::TYPE_ID_LOCAL.0;
                if !unknown {
                    prop_assert_eq!(insns, program([load_imm64(R1, answer.value)]));
                }
            }
            Err(error) => prop_assert!(matches!(error.kind(), ErrorKind::Anonymous), "{}", error),
        }
    }
}
