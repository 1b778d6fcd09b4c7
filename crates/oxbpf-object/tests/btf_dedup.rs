//! Deduplicating types: against a slow and obvious way to do it, on types at random; and on the kernel's own.

use oxbpf_object::Endian;
use oxbpf_object::btf::{
    Array, Btf, BtfBuilder, Contents, DeclTag, Enumerator, Error, FuncLinkage, Kind, Member, Param,
    SectionVar, Type, TypeId, TypeTag, VarLinkage,
};
use proptest::prelude::*;

/// What a record says, references left out.
fn shape(ty: Type<'_>) -> String {
    let name = ty.name();
    let flag = ty.kind_flag();
    match ty.contents() {
        Contents::Struct(composite) | Contents::Union(composite) => {
            let members: Vec<_> = composite
                .members()
                .map(|m| (m.name, m.bit_offset, m.bitfield_size))
                .collect();
            format!("{} {name} {flag} {} {members:?}", ty.kind(), composite.size)
        }
        Contents::Enum(of) => {
            let values: Vec<_> = of.enumerators().collect();
            format!("{} {name} {flag} {} {values:?}", ty.kind(), of.size)
        }
        Contents::FuncProto(of) => {
            let names: Vec<_> = of.params().map(|p| p.name).collect();
            format!("proto {names:?}")
        }
        Contents::Array(of) => format!("array {}", of.len),
        Contents::Int(int) => format!("int {name} {int:?}"),
        Contents::Func(func) => format!("func {name} {}", func.linkage.0),
        Contents::DeclTag(tag) => format!("note {name} {flag} {:?}", tag.component),
        Contents::Var(_) | Contents::DataSection(_) => format!("unlike others {}", ty.id()),
        _ => format!("{} {name} {flag} {:?}", ty.kind(), ty.size()),
    }
}

/// The class of each type, found by going round until nothing changes.
fn classes(btf: &Btf) -> Vec<usize> {
    let all: Vec<Type<'_>> = (0..btf.end().0)
        .map(|id| btf.get(TypeId(id)).unwrap())
        .collect();
    let number = |keys: &[String]| -> Vec<usize> {
        keys.iter()
            .map(|key| keys.iter().position(|other| other == key).unwrap())
            .collect()
    };
    let mut classes = number(&all.iter().map(|ty| shape(*ty)).collect::<Vec<_>>());
    loop {
        let keys: Vec<String> = all
            .iter()
            .map(|ty| {
                let to: Vec<usize> = ty.references().map(|id| classes[id.0 as usize]).collect();
                format!("{} {to:?}", classes[ty.id().0 as usize])
            })
            .collect();
        let next = number(&keys);
        if next == classes {
            return classes;
        }
        classes = next;
    }
}

/// Types of every kind, at random; each may refer to any.
fn random_types() -> impl Strategy<Value = BtfBuilder> {
    (2u32..24).prop_flat_map(|count| {
        let record = (0u8..17, 0u8..3, 0..=count, 0..=count, 0u32..2);
        proptest::collection::vec(record, count as usize).prop_map(|records| {
            let mut types = BtfBuilder::new();
            for (kind, name, a, b, number) in records {
                let name = ["a", "b", "c"][usize::from(name)];
                let (a, b) = (TypeId(a), TypeId(b));
                let member = |name, ty| Member {
                    name,
                    ty,
                    bit_offset: number * 32,
                    bitfield_size: 0,
                };
                match kind {
                    0 => types.add_signed(name, 4),
                    1 | 2 => types.add_ptr(a),
                    3 => types.add_array(Array {
                        element: a,
                        index: b,
                        len: number,
                    }),
                    4 | 5 => types.add_struct(name, 8, &[member("x", a), member("y", b)]),
                    6 => types.add_union("", 8, &[member("x", a)]),
                    7 => types.add_enum(
                        name,
                        4,
                        false,
                        &[Enumerator {
                            name,
                            value: i128::from(number) << 32,
                        }],
                    ),
                    8 => types.add_typedef(name, a),
                    9 => types.add_const(a),
                    10 => types.add_volatile(a),
                    11 => types.add_func(name, a, FuncLinkage(number)),
                    12 => types.add_func_proto(a, &[Param { name, ty: b }]),
                    13 => types.add_var(name, a, VarLinkage::STATIC),
                    14 => types.add_data_section(
                        name,
                        4,
                        &[SectionVar {
                            ty: a,
                            offset: 0,
                            size: 4,
                        }],
                    ),
                    15 => types.add_decl_tag(
                        name,
                        DeclTag {
                            target: a,
                            component: Some(number),
                            is_attribute: false,
                        },
                    ),
                    _ => types.add_type_tag(
                        name,
                        TypeTag {
                            target: a,
                            is_attribute: number == 1,
                        },
                    ),
                };
            }
            types
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn finds_exactly_what_is_the_same(types in random_types()) {
        let btf = types.build().unwrap();
        let expected = classes(&btf);
        let dedup = btf.dedup().unwrap();
        let new = dedup.types().build().unwrap();

        let id = |old: usize| dedup.id(TypeId(old as u32)).unwrap();
        for (old, &same) in expected.iter().enumerate() {
            prop_assert_eq!(id(old), id(same), "type {} is the same as {}", old, same);
            let (before, after) = (btf.get(TypeId(old as u32)).unwrap(), new.get(id(old)).unwrap());
            if !matches!(before.kind(), Kind::VAR | Kind::DATASEC) {
                prop_assert_eq!(shape(before), shape(after));
            }
            let mapped: Vec<TypeId> = before.references().map(|old| dedup.id(old).unwrap()).collect();
            prop_assert_eq!(mapped, after.references().collect::<Vec<_>>());
        }
        let mut distinct = expected.clone();
        distinct.sort();
        distinct.dedup();
        prop_assert_eq!(new.end().0 as usize, distinct.len());

        // Once is enough.
        let again = new.dedup().unwrap().types().build().unwrap();
        prop_assert_eq!(again.raw(), new.raw());
    }

    #[test]
    fn a_second_copy_changes_nothing(types in random_types()) {
        let once = types.build().unwrap();
        let mut twice = BtfBuilder::new();
        prop_assert_eq!(twice.append(&once).unwrap(), 0);
        let growth = twice.append(&once).unwrap();
        let (twice, once_dedup) = (twice.build().unwrap(), once.dedup().unwrap());
        let dedup = twice.dedup().unwrap();
        for (id, ty) in once.types() {
            let same = dedup.id(id) == dedup.id(TypeId(id.0 + growth));
            if reaches_a_variable(ty) {
                continue;
            }
            prop_assert!(same, "{ty:?}");
            let (one, two) = (once_dedup.types().build().unwrap(), dedup.types().build().unwrap());
            prop_assert_eq!(
                shape(one.get(once_dedup.id(id).unwrap()).unwrap()),
                shape(two.get(dedup.id(id).unwrap()).unwrap())
            );
        }
    }
}

fn reaches_a_variable(ty: Type<'_>) -> bool {
    let mut seen = vec![ty.id()];
    let mut next = 0;
    while let Some(&id) = seen.get(next) {
        next += 1;
        let ty = ty.btf().get(id).unwrap();
        if matches!(ty.kind(), Kind::VAR | Kind::DATASEC) {
            return true;
        }
        for id in ty.references() {
            if !seen.contains(&id) {
                seen.push(id);
            }
        }
    }
    false
}

/// `struct NAME { struct OTHER *next; int value; }` with `OTHER` declared or defined.
fn list(types: &mut BtfBuilder, name: &str, next: TypeId, int: TypeId) -> TypeId {
    let member = |name, ty, bit_offset| Member {
        name,
        ty,
        bit_offset,
        bitfield_size: 0,
    };
    types.add_struct(
        name,
        16,
        &[member("next", next, 0), member("value", int, 64)],
    )
}

#[test]
fn declarations_become_the_definition() {
    let mut types = BtfBuilder::new();
    // The first input knows `other` by name only, and an enumeration.
    let int = types.add_signed("int", 4);
    let declared = types.add_fwd("other", false);
    let pointer = types.add_ptr(declared);
    let first = list(&mut types, "list", pointer, int);
    let color = types.add_enum("color", 4, false, &[]);
    // The second defines it, in a circle.
    let int2 = types.add_signed("int", 4);
    let other = TypeId(types.next_id().0 + 1);
    let to_other = types.add_ptr(other);
    assert_eq!(list(&mut types, "other", to_other, int2), other);
    let second = list(&mut types, "list", to_other, int2);
    let red = [Enumerator {
        name: "RED",
        value: 0,
    }];
    let color2 = types.add_enum("color", 4, false, &red);
    // A union of that name is something else.
    let union = types.add_fwd("other", true);

    let dedup = types.build().unwrap().dedup().unwrap();
    assert_eq!(dedup.id(declared), dedup.id(other));
    assert_eq!(dedup.id(first), dedup.id(second));
    assert_eq!(dedup.id(pointer), dedup.id(to_other));
    assert_eq!(dedup.id(color), dedup.id(color2));
    assert_ne!(dedup.id(union), dedup.id(other));
    let btf = dedup.types().build().unwrap();
    assert_eq!(btf.types().count(), 6);
    let list = btf.get(dedup.id(first).unwrap()).unwrap();
    let next = btf.get(list.members().next().unwrap().ty).unwrap();
    assert_eq!(next.target(), dedup.id(other));
}

#[test]
fn the_order_of_references_counts() {
    let mut types = BtfBuilder::new();
    let (int, long) = (types.add_signed("int", 8), types.add_signed("long", 8));
    let one = list(&mut types, "pair", int, long);
    let two = list(&mut types, "pair", long, int);
    let dedup = types.build().unwrap().dedup().unwrap();
    assert_ne!(dedup.id(one), dedup.id(two));
}

#[test]
fn a_declaration_with_two_definitions_stays_one() {
    let mut types = BtfBuilder::new();
    let declared = types.add_fwd("other", false);
    let (int, long) = (types.add_signed("int", 4), types.add_signed("long", 8));
    // They differ only in what they refer to, two steps away.
    let one = types.add_const(int);
    let two = types.add_const(long);
    let first = list(&mut types, "other", declared, one);
    let second = list(&mut types, "other", declared, two);

    let dedup = types.build().unwrap().dedup().unwrap();
    let btf = dedup.types().build().unwrap();
    assert_eq!(
        btf.get(dedup.id(declared).unwrap()).unwrap().kind(),
        Kind::FWD
    );
    assert_ne!(dedup.id(first), dedup.id(second));
    assert_eq!(btf.types().count(), 7);
}

#[test]
fn long_chains_take_no_longer_than_they_are() {
    // Going round until nothing changes would take as many rounds as there are pointers.
    let mut types = BtfBuilder::new();
    const LENGTH: u32 = 100_000;
    for end in ["int", "long", "int"] {
        let mut at = types.add_signed(end, 8);
        for _ in 0..LENGTH {
            at = types.add_ptr(at);
        }
    }
    let dedup = types.build().unwrap().dedup().unwrap();
    assert_eq!(dedup.types().next_id().0, 2 * (LENGTH + 1) + 1);
}

#[test]
fn the_types_of_a_base_are_taken() {
    let mut types = BtfBuilder::new();
    let int = types.add_signed("int", 4);
    let pointer = types.add_ptr(int);
    let base = types.build().unwrap();
    let mut split = BtfBuilder::split(&base);
    let int2 = split.add_signed("int", 4);
    let pointer2 = split.add_ptr(int2);
    let to_pointer = split.add_ptr(pointer2);
    let dedup = split.build().unwrap().dedup().unwrap();
    assert_eq!(dedup.id(pointer2), Some(pointer));
    assert_eq!(dedup.id(int), Some(int));
    assert_eq!(dedup.id(to_pointer), Some(base.end()));
    assert_eq!(dedup.types().next_id().0, base.end().0 + 1);
    assert_eq!(
        BtfBuilder::new().append(&split.build().unwrap()),
        Err(Error::Split)
    );
}

#[test]
fn references_to_nothing_are_refused() {
    let mut types = BtfBuilder::new();
    types.add_ptr(TypeId(7));
    let btf = Btf::parse(types.to_bytes(Endian::Big).unwrap()).unwrap();
    assert!(matches!(
        btf.dedup(),
        Err(Error::NoSuchType {
            id: TypeId(7),
            end: TypeId(2)
        })
    ));
}

/// The kernel's types are without doubles but for declarations, so hardly anything may change; and twice them are once them.
#[test]
fn the_kernel_s_types() {
    let Ok(bytes) = std::fs::read("/sys/kernel/btf/vmlinux") else {
        println!("skipped: the kernel has no BTF");
        return;
    };
    let vmlinux = Btf::parse(bytes).unwrap();
    let start = std::time::Instant::now();
    let once = vmlinux.dedup().unwrap();
    let (before, after) = (vmlinux.end().0, once.types().next_id().0);
    println!("{before} types, {after} after {:?}", start.elapsed());
    assert!(after <= before && after > before - before / 50);

    let mut twice = BtfBuilder::new();
    twice.append(&vmlinux).unwrap();
    let growth = twice.append(&vmlinux).unwrap();
    let twice = twice.build().unwrap();
    let start = std::time::Instant::now();
    let dedup = twice.dedup().unwrap();
    println!("twice that after {:?}", start.elapsed());
    let new = dedup.types().build().unwrap();
    let mut unlike = 0;
    for (id, ty) in vmlinux.types() {
        if matches!(ty.kind(), Kind::VAR | Kind::DATASEC) {
            unlike += 1;
            continue;
        }
        assert_eq!(dedup.id(id), dedup.id(TypeId(id.0 + growth)), "{ty:?}");
        if matches!(ty.kind(), Kind::STRUCT | Kind::UNION) {
            assert_eq!(
                vmlinux.size_of(id).unwrap(),
                new.size_of(dedup.id(id).unwrap()).unwrap()
            );
        }
    }
    let new_end = new.end().0;
    assert!(new_end >= after && new_end <= after + unlike);
}
