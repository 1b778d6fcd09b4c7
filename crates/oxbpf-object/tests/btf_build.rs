//! Making BTF, and reading back what was made.

use std::path::Path;

use oxbpf_object::Endian;
use oxbpf_object::btf::{
    Array, Btf, BtfBuilder, BtfExt, Contents, DeclTag, Enumerator, Error, FuncLinkage, Int, Kind,
    Member, Param, SectionVar, SupportedKinds, Type, TypeId, TypeTag, VarLinkage, dump_c,
};
use proptest::prelude::*;

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/btf")
            .join(name),
    )
    .unwrap()
}

/// One type to add, in the terms of the builder; ids are taken modulo the number of types.
#[derive(Debug, Clone)]
enum New {
    Int(String, Int),
    Ptr(u32),
    Array(Array),
    Composite {
        is_union: bool,
        name: String,
        size: u32,
        members: Vec<(String, u32, u32, u8)>,
    },
    Enum {
        name: String,
        size: u32,
        is_signed: bool,
        values: Vec<(String, i64)>,
    },
    Fwd(String, bool),
    Typedef(String, u32),
    Volatile(u32),
    Const(u32),
    Restrict(u32),
    Func(String, u32, u32),
    FuncProto(u32, Vec<(String, u32)>),
    Var(String, u32, u32),
    DataSection(String, u32, Vec<(u32, u32, u32)>),
    Float(String, u32),
    DeclTag(String, u32, Option<u32>, bool),
    TypeTag(String, u32, bool),
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z]{1,3}", "\\PC{0,12}"]
}

fn new_type() -> impl Strategy<Value = New> {
    let id = any::<u32>;
    let int = (any::<u32>(), any::<u8>(), any::<u8>(), any::<[bool; 3]>()).prop_map(
        |(size, bits, bit_offset, flags)| Int {
            size,
            bits,
            bit_offset,
            is_signed: flags[0],
            is_char: flags[1],
            is_bool: flags[2],
        },
    );
    let members = prop_oneof![
        proptest::collection::vec((name(), id(), 0u32..1 << 24, any::<u8>()), 0..5),
        proptest::collection::vec((name(), id(), any::<u32>(), Just(0)), 0..5),
    ];
    let values = (any::<bool>(), any::<bool>()).prop_flat_map(|(is_signed, wide)| {
        let value = any::<i64>().prop_map(move |value| match (is_signed, wide) {
            (true, true) => value,
            (true, false) => i64::from(value as i32),
            (false, true) => value & i64::MAX,
            (false, false) => i64::from(value as u32),
        });
        (
            Just(is_signed),
            proptest::collection::vec((name(), value), 0..5),
        )
    });
    prop_oneof![
        (name(), int).prop_map(|(name, int)| New::Int(name, int)),
        id().prop_map(New::Ptr),
        (id(), id(), any::<u32>()).prop_map(|(element, index, len)| New::Array(Array {
            element: TypeId(element),
            index: TypeId(index),
            len
        })),
        (any::<bool>(), name(), any::<u32>(), members).prop_map(
            |(is_union, name, size, members)| New::Composite {
                is_union,
                name,
                size,
                members
            }
        ),
        (name(), any::<u32>(), values).prop_map(|(name, size, (is_signed, values))| New::Enum {
            name,
            size,
            is_signed,
            values
        }),
        (name(), any::<bool>()).prop_map(|(name, is_union)| New::Fwd(name, is_union)),
        (name(), id()).prop_map(|(name, id)| New::Typedef(name, id)),
        id().prop_map(New::Volatile),
        id().prop_map(New::Const),
        id().prop_map(New::Restrict),
        (name(), id(), 0u32..1 << 24).prop_map(|(name, id, linkage)| New::Func(name, id, linkage)),
        (id(), proptest::collection::vec((name(), id()), 0..5))
            .prop_map(|(id, params)| New::FuncProto(id, params)),
        (name(), id(), any::<u32>()).prop_map(|(name, id, linkage)| New::Var(name, id, linkage)),
        (
            name(),
            any::<u32>(),
            proptest::collection::vec((id(), any::<u32>(), any::<u32>()), 0..5)
        )
            .prop_map(|(name, size, variables)| New::DataSection(name, size, variables)),
        (name(), any::<u32>()).prop_map(|(name, size)| New::Float(name, size)),
        (
            name(),
            id(),
            proptest::option::of(0..u32::MAX),
            any::<bool>()
        )
            .prop_map(|(note, id, component, is_attribute)| New::DeclTag(
                note,
                id,
                component,
                is_attribute
            )),
        (name(), id(), any::<bool>()).prop_map(|(note, id, is_attribute)| New::TypeTag(
            note,
            id,
            is_attribute
        )),
    ]
}

fn add(types: &mut BtfBuilder, new: &New) -> TypeId {
    match new {
        New::Int(name, int) => types.add_int(name, *int),
        New::Ptr(id) => types.add_ptr(TypeId(*id)),
        New::Array(array) => types.add_array(*array),
        New::Composite {
            is_union,
            name,
            size,
            members,
        } => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, ty, bit_offset, bitfield_size)| Member {
                    name,
                    ty: TypeId(*ty),
                    bit_offset: *bit_offset,
                    bitfield_size: *bitfield_size,
                })
                .collect();
            match is_union {
                true => types.add_union(name, *size, &members),
                false => types.add_struct(name, *size, &members),
            }
        }
        New::Enum {
            name,
            size,
            is_signed,
            values,
        } => {
            let values: Vec<_> = values
                .iter()
                .map(|(name, value)| Enumerator {
                    name,
                    value: (*value).into(),
                })
                .collect();
            types.add_enum(name, *size, *is_signed, &values)
        }
        New::Fwd(name, is_union) => types.add_fwd(name, *is_union),
        New::Typedef(name, id) => types.add_typedef(name, TypeId(*id)),
        New::Volatile(id) => types.add_volatile(TypeId(*id)),
        New::Const(id) => types.add_const(TypeId(*id)),
        New::Restrict(id) => types.add_restrict(TypeId(*id)),
        New::Func(name, id, linkage) => types.add_func(name, TypeId(*id), FuncLinkage(*linkage)),
        New::FuncProto(id, params) => {
            let params: Vec<_> = params
                .iter()
                .map(|(name, ty)| Param {
                    name,
                    ty: TypeId(*ty),
                })
                .collect();
            types.add_func_proto(TypeId(*id), &params)
        }
        New::Var(name, id, linkage) => types.add_var(name, TypeId(*id), VarLinkage(*linkage)),
        New::DataSection(name, size, variables) => {
            let variables: Vec<_> = variables
                .iter()
                .map(|&(ty, offset, size)| SectionVar {
                    ty: TypeId(ty),
                    offset,
                    size,
                })
                .collect();
            types.add_data_section(name, *size, &variables)
        }
        New::Float(name, size) => types.add_float(name, *size),
        New::DeclTag(note, id, component, is_attribute) => types.add_decl_tag(
            note,
            DeclTag {
                target: TypeId(*id),
                component: *component,
                is_attribute: *is_attribute,
            },
        ),
        New::TypeTag(note, id, is_attribute) => types.add_type_tag(
            note,
            TypeTag {
                target: TypeId(*id),
                is_attribute: *is_attribute,
            },
        ),
    }
}

/// The opposite of [`add`].
fn read(ty: Type<'_>) -> New {
    let name = ty.name().to_owned();
    match ty.contents() {
        Contents::Int(int) => New::Int(name, int),
        Contents::Ptr(id) => New::Ptr(id.0),
        Contents::Array(array) => New::Array(array),
        Contents::Struct(composite) | Contents::Union(composite) => New::Composite {
            is_union: ty.kind() == Kind::UNION,
            name,
            size: composite.size,
            members: composite
                .members()
                .map(|m| (m.name.to_owned(), m.ty.0, m.bit_offset, m.bitfield_size))
                .collect(),
        },
        Contents::Enum(list) => New::Enum {
            name,
            size: list.size,
            is_signed: list.is_signed,
            values: list
                .enumerators()
                .map(|e| (e.name.to_owned(), e.value.try_into().unwrap()))
                .collect(),
        },
        Contents::Fwd { is_union } => New::Fwd(name, is_union),
        Contents::Typedef(id) => New::Typedef(name, id.0),
        Contents::Volatile(id) => New::Volatile(id.0),
        Contents::Const(id) => New::Const(id.0),
        Contents::Restrict(id) => New::Restrict(id.0),
        Contents::Func(func) => New::Func(name, func.proto.0, func.linkage.0),
        Contents::FuncProto(proto) => New::FuncProto(
            proto.result.0,
            proto
                .params()
                .map(|p| (p.name.to_owned(), p.ty.0))
                .collect(),
        ),
        Contents::Var(var) => New::Var(name, var.ty.0, var.linkage.0),
        Contents::DataSection(section) => New::DataSection(
            name,
            section.size,
            section
                .variables()
                .map(|v| (v.ty.0, v.offset, v.size))
                .collect(),
        ),
        Contents::Float(size) => New::Float(name, size),
        Contents::DeclTag(tag) => New::DeclTag(name, tag.target.0, tag.component, tag.is_attribute),
        Contents::TypeTag(tag) => New::TypeTag(name, tag.target.0, tag.is_attribute),
        other => panic!("{other:?}"),
    }
}

fn show(types: &[New]) -> String {
    types.iter().map(|new| format!("{new:?}\n")).collect()
}

fn read_all(btf: &Btf) -> String {
    show(&btf.types().map(|(_, ty)| read(ty)).collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn what_is_made_is_read_back(types in proptest::collection::vec(new_type(), 0..20), own in 0usize..20) {
        let own = own.min(types.len());
        let mut builder = BtfBuilder::new();
        for (position, new) in types.iter().enumerate() {
            prop_assert_eq!(add(&mut builder, new), TypeId(position as u32 + 1));
        }
        let _ = dump_c::header(&builder.build().unwrap());
        for endian in [Endian::Little, Endian::Big] {
            let bytes = builder.to_bytes(endian).unwrap();
            let btf = Btf::parse(bytes.clone()).unwrap();
            prop_assert_eq!(btf.endian(), endian);
            prop_assert_eq!(read_all(&btf), show(&types));
            // A copy is the same in its own byte order, and says the same in the other.
            let copy = BtfBuilder::copy_of(&btf).unwrap();
            prop_assert_eq!(copy.to_bytes(endian).unwrap(), bytes);
            prop_assert_eq!(copy.to_bytes(Endian::Little).unwrap(), builder.to_bytes(Endian::Little).unwrap());
        }

        // The same types in two parts, and the second part copied type by type.
        let mut base = BtfBuilder::new();
        for new in &types[..own] {
 add(&mut base, new);
 }
        let base = base.build().unwrap();
        let mut split = BtfBuilder::split(&base);
        for new in &types[own..] {
 add(&mut split, new);
 }
        let split = split.build().unwrap();
        prop_assert_eq!(read_all(&base) + &read_all(&split), show(&types));
        let mut again = BtfBuilder::split(&base);
        for (id, ty) in split.types() {
            prop_assert_eq!(again.add_copy(ty, |id| id).unwrap(), id);
        }
        prop_assert_eq!(read_all(&again.build().unwrap()), read_all(&split));
        let copy = BtfBuilder::copy_of(&split).unwrap().to_bytes(Endian::NATIVE).unwrap();
        prop_assert_eq!(&copy, split.raw());
    }

    /// Asks everything there is to ask of damaged data. It must answer or refuse.
    #[test]
    fn damage_is_survived(
        which in 0usize..4,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        in_ext in any::<bool>(),
    ) {
        let stem = ["kinds.el", "kinds.eb", "lines.el", "lines.eb"][which];
        let mut bytes = fixture(&format!("{stem}.btf"));
        let lines = &stem.replace("kinds", "lines");
        let mut ext = fixture(&format!("{lines}.btf.ext"));
        let target = if in_ext { &mut ext } else { &mut bytes };
        for (at, byte) in damage {
            let at = at.index(target.len());
            target[at] = byte;
        }
        if let Some(cut) = cut {
            target.truncate(cut.index(target.len()));
        }
        let Ok(btf) = Btf::parse(bytes) else { return Ok(()) };
        for (id, ty) in btf.types() {
            let _ = format!("{ty:?} {:?} {:?} {:?}", ty.contents(), btf.size_of(id), btf.skip_modifiers_and_typedefs(id));
            let _ = (ty.name_bytes(), ty.references().count(), btf.find(ty.name(), ty.kind()), ty.members().len());
        }
        let _ = dump_c::header(&btf);
        if let Ok(ext) = BtfExt::parse(&ext, &btf) {
            let _ = format!("{ext:?}");
            let _ = ext.line_info().flat_map(|(_, lines)| lines).map(|l| l.text(&btf).len() + l.file(&btf).len()).sum::<usize>();
        }
        if let Ok(mut copy) = BtfBuilder::copy_of(&btf) {
            let _ = copy.settle_externs(&btf);
            copy.sanitize(SupportedKinds::empty());
            Btf::parse(copy.to_bytes(Endian::Big).unwrap()).unwrap();
        }
    }
}

#[test]
fn what_cannot_be_expressed_is_told() {
    let error = |change: &dyn Fn(&mut BtfBuilder) -> TypeId| {
        let mut types = BtfBuilder::new();
        assert_eq!(change(&mut types), TypeId(1));
        types.add_signed("int", 4);
        types.to_bytes(Endian::NATIVE).unwrap_err()
    };
    assert_eq!(
        error(&|t| t.add_float("a\0b", 4)),
        Error::NulInName {
            name: "a\0b".to_owned()
        }
    );
    let far = Member {
        name: "m",
        ty: TypeId(2),
        bit_offset: 1 << 24,
        bitfield_size: 0,
    };
    let bits = Member {
        bit_offset: 0,
        bitfield_size: 3,
        ..far
    };
    assert_eq!(
        error(&|t| t.add_struct("s", 1 << 24, &[bits, far])),
        Error::TooFarBitField { id: TypeId(1) }
    );
    let value = |value| [Enumerator { name: "A", value }];
    assert_eq!(
        error(&|t| t.add_enum("e", 8, false, &value(-1))),
        Error::EnumeratorOutOfRange { id: TypeId(1) }
    );
    assert_eq!(
        error(&|t| t.add_enum("e", 8, true, &value(1 << 63))),
        Error::EnumeratorOutOfRange { id: TypeId(1) }
    );
    let proto = |t: &mut BtfBuilder| t.add_func("f", TypeId(2), FuncLinkage(1 << 24));
    assert_eq!(
        error(&proto),
        Error::TooManyElements {
            id: TypeId(1),
            count: 1 << 24
        }
    );
}

#[test]
fn types_may_have_more_members_than_16_bits_count() {
    let names: Vec<_> = (0..70_000).map(|n| format!("m{n}")).collect();
    let mut types = BtfBuilder::new();
    let char = types.add_unsigned("char", 1);
    let members: Vec<_> = (0..)
        .zip(&names)
        .map(|(n, name)| Member {
            name,
            ty: char,
            bit_offset: 8 * n,
            bitfield_size: 0,
        })
        .collect();
    let large = types.add_struct("large", 70_000, &members);
    let after = types.add_ptr(large);
    let btf = types.build().unwrap();
    assert_eq!(
        btf.get(large).unwrap().members().next_back().unwrap().name,
        "m69999"
    );
    assert_eq!(btf.get(after).unwrap().target(), Some(large));
}

#[test]
fn a_name_is_stored_once() {
    let mut types = BtfBuilder::new();
    let first = types.add_string("name");
    let length = types.to_bytes(Endian::NATIVE).unwrap().len();
    assert_eq!(types.add_string("name"), first);
    assert_eq!(types.to_bytes(Endian::NATIVE).unwrap().len(), length);
    assert_ne!(types.add_string("nam"), first);
    assert_eq!(types.add_string(""), 0);
}

#[test]
fn the_compilers_gaps_are_filled() {
    let btf = Btf::parse(fixture("kinds.el.btf")).unwrap();
    let mut copy = BtfBuilder::copy_of(&btf).unwrap();
    let bss = btf.find(".bss", Kind::DATASEC).unwrap();
    let place = |name: &str| ["o", "st", "g2"].iter().position(|n| *n == name).unwrap() as u32 * 8;
    let variables: Vec<_> = btf
        .get(bss)
        .unwrap()
        .variables()
        .map(|variable| SectionVar {
            offset: place(btf.get(variable.ty).unwrap().name()),
            ..variable
        })
        .collect();
    copy.set_data_section(bss, 20, &variables).unwrap();
    let func = btf.find("sub", Kind::FUNC).unwrap();
    copy.set_func_linkage(func, FuncLinkage::GLOBAL).unwrap();
    let var = btf.find("g2", Kind::VAR).unwrap();
    copy.set_var_linkage(var, VarLinkage::STATIC).unwrap();

    let settled = copy.build().unwrap();
    let section = settled.get(bss).unwrap();
    assert_eq!(section.size(), Some(20));
    let names: Vec<_> = section
        .variables()
        .map(|v| (settled.get(v.ty).unwrap().name(), v.offset, v.size))
        .collect();
    assert_eq!(names, [("o", 0, 8), ("st", 8, 4), ("g2", 16, 4)]);
    let Contents::Func(func) = settled.get(func).unwrap().contents() else {
        panic!()
    };
    assert_eq!(
        (
            func.linkage,
            settled.get(func.proto).unwrap().params().len()
        ),
        (FuncLinkage::GLOBAL, 1)
    );
    let Contents::Var(var) = settled.get(var).unwrap().contents() else {
        panic!()
    };
    assert_eq!(var.linkage, VarLinkage::STATIC);

    assert!(copy.set_data_section(bss, 20, &variables[1..]).is_err());
    assert!(copy.set_data_section(func.proto, 20, &variables).is_err());
    assert!(copy.set_func_linkage(bss, FuncLinkage::STATIC).is_err());
    assert!(
        copy.set_var_linkage(TypeId(100_000), VarLinkage::STATIC)
            .is_err()
    );
}

#[test]
fn external_variables_and_functions_become_ordinary() {
    let btf = Btf::parse(fixture("kinds.el.btf")).unwrap();
    let mut copy = BtfBuilder::copy_of(&btf).unwrap();
    copy.settle_externs(&btf).unwrap();
    let settled = copy.build().unwrap();
    let section = settled
        .get(settled.find(".ksyms", Kind::DATASEC).unwrap())
        .unwrap();
    let variables: Vec<_> = section.variables().collect();
    assert_eq!(
        (
            section.size(),
            variables.len(),
            variables[0].offset,
            variables[0].size
        ),
        (Some(4), 1, 0, 4)
    );
    let stand_in = settled.get(variables[0].ty).unwrap();
    assert_eq!(
        (
            stand_in.kind(),
            stand_in.name(),
            settled.size_of(stand_in.id())
        ),
        (Kind::VAR, "extern_function", Ok(4))
    );
    let kfn = settled
        .get(settled.find("kfn", Kind::FUNC).unwrap())
        .unwrap();
    let Contents::Func(func) = kfn.contents() else {
        panic!()
    };
    assert_eq!(func.linkage, FuncLinkage::GLOBAL);
    assert_eq!(
        settled
            .get(func.proto)
            .unwrap()
            .params()
            .map(|param| param.name)
            .collect::<Vec<_>>(),
        ["unnamed"]
    );
}

#[test]
fn external_functions_of_any_form_are_settled() {
    let mut types = BtfBuilder::new();
    let int = types.add_signed("int", 4);
    let unnamed = |ty| Param { name: "", ty };
    let params = [
        Param {
            name: "format",
            ty: int,
        },
        unnamed(int),
        unnamed(TypeId::VOID),
    ];
    let proto = types.add_func_proto(int, &params);
    types.add_func("print", proto, FuncLinkage::EXTERN);
    let var = types.add_var("jiffies", int, VarLinkage::EXTERN);
    let original = types.build().unwrap();
    let mut copy = BtfBuilder::copy_of(&original).unwrap();
    copy.settle_externs(&original).unwrap();
    let settled = copy.build().unwrap();
    let params: Vec<_> = settled
        .get(proto)
        .unwrap()
        .params()
        .map(|p| (p.name, p.ty))
        .collect();
    assert_eq!(
        params,
        [("format", int), ("unnamed", int), ("", TypeId::VOID)]
    );
    let Contents::Var(var) = settled.get(var).unwrap().contents() else {
        panic!()
    };
    assert_eq!(var.linkage, VarLinkage::GLOBAL);
    assert_eq!(settled.end(), original.end());
}

#[test]
fn what_an_older_kernel_refuses_is_replaced() {
    let btf = Btf::parse(fixture("kinds.eb.btf")).unwrap();
    let sanitized = |missing: SupportedKinds| {
        let mut copy = BtfBuilder::copy_of(&btf).unwrap();
        let bss = btf.get(btf.find(".bss", Kind::DATASEC).unwrap()).unwrap();
        let places = bss
            .variables()
            .zip(1..)
            .map(|(variable, place)| SectionVar {
                offset: place * 8,
                ..variable
            });
        copy.set_data_section(bss.id(), 40, &places.collect::<Vec<_>>())
            .unwrap();
        copy.settle_externs(&btf).unwrap();
        copy.sanitize(SupportedKinds::all() - missing);
        copy.build().unwrap()
    };
    let all = sanitized(SupportedKinds::empty());
    for (missing, from, to) in [
        (SupportedKinds::FUNC, Kind::FUNC, Kind::TYPEDEF),
        (SupportedKinds::FUNC, Kind::FUNC_PROTO, Kind::ENUM),
        (SupportedKinds::DATASEC, Kind::DATASEC, Kind::STRUCT),
        (SupportedKinds::DATASEC, Kind::VAR, Kind::INT),
        (SupportedKinds::FLOAT, Kind::FLOAT, Kind::STRUCT),
        (SupportedKinds::DECL_TAG, Kind::DECL_TAG, Kind::INT),
        (SupportedKinds::TYPE_TAG, Kind::TYPE_TAG, Kind::CONST),
        (SupportedKinds::ENUM64, Kind::ENUM64, Kind::UNION),
    ] {
        let without = sanitized(missing);
        let mut replaced = 0;
        for (id, old) in all.types() {
            let new = without.get(id).unwrap();
            if old.kind() == from {
                assert_eq!(new.kind(), to, "{old:?}");
                replaced += 1;
                match from {
                    Kind::FLOAT | Kind::TYPE_TAG => assert_eq!(new.name(), ""),
                    Kind::DATASEC => {
                        assert_eq!(new.name(), old.name().replace('.', "_"));
                        let names = |names: Vec<&str>| names.join(" ");
                        assert_eq!(
                            names(new.members().map(|m| m.name).collect()),
                            names(
                                old.variables()
                                    .map(|v| all.get(v.ty).unwrap().name())
                                    .collect()
                            )
                        );
                    }
                    _ => assert_eq!(new.name(), old.name()),
                }
                match from {
                    Kind::DATASEC => {
                        let offsets = new.members().map(|m| (m.ty, m.bit_offset));
                        assert!(
                            offsets.eq(old.variables().map(|v| (v.ty, v.offset * 8))),
                            "{new:?}"
                        );
                    }
                    Kind::ENUM64 => {
                        assert!(
                            new.members()
                                .all(|m| m.bit_offset == 0 && without.size_of(m.ty) == Ok(1))
                        );
                        assert_eq!(new.members().len(), old.enumerators().len());
                    }
                    _ => {}
                }
                if let (Some(old), Some(new)) = (old.size(), new.size()) {
                    assert_eq!(old, new);
                }
                if from == Kind::FUNC_PROTO {
                    assert!(new.enumerators().all(|e| !e.name.is_empty()));
                }
            }
        }
        assert!(replaced > 0, "the fixture has no {from}");
        // Notes must not be on what cannot have them.
        let notes = without
            .types()
            .filter(|(_, ty)| ty.kind() == Kind::DECL_TAG);
        assert_eq!(
            notes.count() > 0,
            ![
                Kind::DECL_TAG,
                Kind::VAR,
                Kind::DATASEC,
                Kind::FUNC,
                Kind::FUNC_PROTO
            ]
            .contains(&from)
        );
    }
    let linkages = |btf: &Btf| -> Vec<u32> {
        let funcs = btf
            .types()
            .map(|(_, ty)| ty)
            .filter(|ty| ty.kind() == Kind::FUNC);
        funcs.map(|ty| ty.element_count()).collect()
    };
    assert!(linkages(&all).contains(&1));
    assert!(
        linkages(&sanitized(SupportedKinds::GLOBAL_FUNC))
            .iter()
            .all(|&linkage| linkage == 0)
    );
    // An `enum` loses its sign too: the flag came with enum64.
    let enumeration = |btf: &Btf| {
        btf.get(btf.find("small", Kind::ENUM).unwrap())
            .unwrap()
            .kind_flag()
    };
    assert!(enumeration(&all) && !enumeration(&sanitized(SupportedKinds::ENUM64)));

    let mut sections = BtfBuilder::new();
    sections.add_data_section("?.struct_ops", 8, &[]);
    sections.sanitize(SupportedKinds::all() - SupportedKinds::QUESTION_MARK_DATASEC);
    assert!(
        sections
            .build()
            .unwrap()
            .find("_.struct_ops", Kind::DATASEC)
            .is_some()
    );
}

#[test]
fn layouts_are_kept_for_kernels_that_know_them() {
    // A header of 32 bytes, one type of kind 20, the layouts of 21 kinds, no strings but the empty one.
    let mut bytes = vec![0x9f, 0xeb, 1, 0];
    for word in [32u32, 0, 16, 16 + 84, 1, 16, 84, 0, 20 << 24, 0, 77] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend([0; 80]);
    bytes.extend([4, 0, 0, 0, 0]);
    let btf = Btf::parse(bytes).unwrap();
    let mut copy = BtfBuilder::copy_of(&btf).unwrap();
    assert_eq!(copy.to_bytes(Endian::Little).unwrap(), btf.raw());
    let big = Btf::parse(copy.to_bytes(Endian::Big).unwrap()).unwrap();
    assert_eq!(
        (
            big.unread(),
            big.get(TypeId(1)).unwrap().raw()[12..].to_vec()
        ),
        (None, vec![0, 0, 0, 77])
    );
    assert!(
        BtfBuilder::new()
            .add_copy(big.get(TypeId(1)).unwrap(), |id| id)
            .is_err()
    );
    copy.sanitize(SupportedKinds::all() - SupportedKinds::LAYOUT);
    let without = copy.to_bytes(Endian::Little).unwrap();
    assert_eq!(without.len(), 24 + 12 + 1);
    let without = Btf::parse(without).unwrap();
    assert_eq!((without.unread(), without.end()), (None, TypeId(2)));
    assert_eq!(without.get(TypeId(1)).unwrap().kind(), Kind::STRUCT);
}
