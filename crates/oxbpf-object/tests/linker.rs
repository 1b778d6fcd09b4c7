//! Linking objects that clang makes of `tests/fixtures/linker`, beside `bpftool gen object` (libbpf's linker).

mod clang;

use std::collections::HashSet;
use std::process::Command;

use oxbpf_object::btf::{Btf, Contents, FuncLinkage, Kind, TypeId, VarLinkage};
use oxbpf_object::linker::{Error, ErrorKind};
use oxbpf_object::spec::{CollectionSpec, Linkage, RelocTarget, SlotRef};
use oxbpf_object::{Endian, Linker};
use tempfile::TempDir;

const TARGETS: [&str; 2] = ["bpfel", "bpfeb"];

/// A fixture, compiled; `None` where there is no clang.
fn compile(name: &str, target: &str, args: &[&str]) -> Option<Vec<u8>> {
    let mut all = vec!["-target", target, "-O2", "-g", "-w"];
    all.extend(args);
    clang::compile(&clang::fixture(&format!("linker/{name}")), &all)
}

/// C that is given here, compiled with the fixtures' header.
fn compile_text(text: &str, target: &str) -> Option<Vec<u8>> {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("text.bpf.c");
    std::fs::write(&path, format!("#include \"common.h\"\n{text}")).unwrap();
    let include = format!("-I{}", clang::fixture("linker").display());
    clang::compile(
        &path,
        &["-target", target, "-O2", "-g", "-w", include.as_str()],
    )
}

fn link(objects: &[(&str, &[u8])]) -> Result<Vec<u8>, Error> {
    let mut linker = Linker::new();
    for (name, bytes) in objects {
        linker.add(name, bytes)?;
    }
    linker.link()
}

/// What libbpf's linker makes of objects, or says; `None` where there is no bpftool.
fn bpftool_link(objects: &[(&str, &[u8])]) -> Option<Result<Vec<u8>, String>> {
    let dir = TempDir::new().unwrap();
    let output = dir.path().join("linked.o");
    let mut command = Command::new("bpftool");
    command.args(["gen", "object"]).arg(&output);
    for (name, bytes) in objects {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        command.arg(path);
    }
    let Ok(result) = command.output() else {
        println!("skipped: bpftool is not installed");
        return None;
    };
    Some(match result.status.success() {
        true => Ok(std::fs::read(&output).unwrap()),
        false => Err(String::from_utf8_lossy(&result.stderr).into_owned()),
    })
}

/// What bpftool says about an object, which has to please it.
fn bpftool(args: &[&str], object: &[u8]) -> Option<String> {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("linked.o");
    std::fs::write(&path, object).unwrap();
    let result = Command::new("bpftool")
        .args(args)
        .arg(&path)
        .output()
        .ok()?;
    let error = String::from_utf8_lossy(&result.stderr);
    assert!(result.status.success(), "bpftool {args:?}: {error}");
    Some(String::from_utf8(result.stdout).unwrap())
}

/// Everything that matters for loading, in words, so that two objects can be compared whose maps and types are numbered differently.
fn describe(spec: &CollectionSpec) -> Vec<String> {
    let mut lines = vec![format!("licence {}", spec.license)];
    let type_name = |ty: Option<TypeId>| {
        ty.map(|ty| {
            let ty = spec.btf.as_ref().unwrap().get(ty).unwrap();
            format!("{} {}", ty.kind(), ty.name())
        })
    };
    for map in spec.maps() {
        lines.push(format!(
            "map {} {:?} {} {} {} {:?} {:?}",
            map.name,
            map.map_type,
            map.key_size,
            map.value_size,
            map.max_entries,
            type_name(map.key_type),
            map.inner,
        ));
        if let Some(data) = &map.data {
            lines.push(format!("contents of {} {:?}", map.name, data.contents));
            for variable in &data.variables {
                lines.push(format!(
                    "variable {} {} {} {} {:?}",
                    map.name,
                    variable.name,
                    variable.offset,
                    variable.size,
                    type_name(variable.ty)
                ));
            }
        }
    }
    let target = |target: &RelocTarget| match target {
        RelocTarget::Map(map) => spec.maps()[*map].name.clone(),
        RelocTarget::MapValue { map, offset } => format!("{}+{offset}", spec.maps()[*map].name),
        other => format!("{other:?}"),
    };
    for (index, program) in spec.programs().iter().enumerate() {
        let assembled = spec.assemble(index).unwrap();
        lines.push(format!("program {} {}", program.name, program.section));
        lines.push(format!("{} {:?}", program.name, assembled.insns));
        for reloc in &assembled.relocs {
            let target = target(&reloc.target);
            lines.push(format!("{} {} {target}", program.name, reloc.insn));
        }
        for (slot, ty) in &assembled.func_info {
            let name = type_name(Some(*ty));
            lines.push(format!("{} {slot} is {name:?}", program.name));
        }
        let btf = spec.btf.as_ref().unwrap();
        for line in &assembled.line_info {
            lines.push(format!(
                "{} line {} {:?} {:?} {}:{}",
                program.name,
                line.insn,
                line.record.file(btf),
                line.record.text(btf),
                line.record.line(),
                line.record.column()
            ));
        }
        for relo in &assembled.core_relos {
            let (ty, access) = (
                type_name(Some(relo.record.type_id)),
                relo.record.access(btf),
            );
            lines.push(format!(
                "{} {} {ty:?} {access} {}",
                program.name, relo.insn, relo.record.kind
            ));
        }
    }
    lines.sort();
    lines
}

/// A type with what it refers to, some steps deep.
fn type_text(btf: &Btf, id: TypeId, depth: usize) -> String {
    let ty = btf.get(id).unwrap();
    let mut text = format!("{} {} {:?}", ty.kind(), ty.name(), ty.size());
    if depth == 0 {
        return text;
    }
    for member in ty.members() {
        text += &format!(" .{} at {}", member.name, member.bit_offset);
    }
    for variable in ty.variables() {
        text += &format!(" at {} {}", variable.offset, variable.size);
    }
    match ty.contents() {
        Contents::Func(func) => text += &format!(" linkage {}", func.linkage.0),
        Contents::Var(var) => text += &format!(" linkage {}", var.linkage.0),
        Contents::Array(array) => text += &format!(" [{}]", array.len),
        _ => {}
    }
    for id in ty.references() {
        text += &format!(" ({})", type_text(btf, id, depth - 1));
    }
    text
}

/// All types but prototypes of nothing: libbpf leaves some of declarations behind.
fn types(btf: &Btf) -> Vec<String> {
    let used: HashSet<TypeId> = btf.types().flat_map(|(_, ty)| ty.references()).collect();
    let mut all: Vec<String> = btf
        .types()
        .filter(|(id, ty)| ty.kind() != Kind::FUNC_PROTO || used.contains(id))
        .map(|(id, _)| type_text(btf, id, 4))
        .collect();
    all.sort();
    all
}

/// Compares two sorted lists.
fn assert_same(ours: &[String], theirs: &[String]) {
    let only = |a: &[String], b: &[String]| -> Vec<String> {
        let mut rest = b.to_vec();
        a.iter()
            .filter(|line| match rest.iter().position(|other| other == *line) {
                Some(position) => {
                    rest.swap_remove(position);
                    false
                }
                None => true,
            })
            .cloned()
            .collect()
    };
    let (ours, theirs) = (only(ours, theirs), only(theirs, ours));
    assert!(
        ours.is_empty() && theirs.is_empty(),
        "only ours: {ours:#?}\nonly theirs: {theirs:#?}"
    );
}

fn main_and_library(target: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    Some((
        compile("main.bpf.c", target, &[])?,
        compile("library.bpf.c", target, &[])?,
    ))
}

#[test]
fn the_same_as_libbpf_makes_of_it() {
    // Its linker of version 1.1 knows only the byte order of its machine.
    let Some((main, library)) = main_and_library("bpfel") else {
        return;
    };
    // Not the other way round: up to 1.1 it leaves a map that is declared before it is defined at offset 0.
    let objects = [("library.o", library.as_slice()), ("main.o", &main)];
    let ours = link(&objects).unwrap();
    let our_spec = CollectionSpec::parse(&ours).unwrap();
    let Some(theirs) = bpftool_link(&objects) else {
        return;
    };
    let theirs = theirs.unwrap();
    let their_spec = CollectionSpec::parse(&theirs).unwrap();
    assert_same(&describe(&our_spec), &describe(&their_spec));
    let (ours, theirs) = (
        Btf::parse_elf(&ours).unwrap(),
        Btf::parse_elf(&theirs).unwrap(),
    );
    assert_same(&types(&ours), &types(&theirs));
    assert_eq!(
        types(&ours).len(),
        ours.types().len(),
        "ours has no prototypes of nothing"
    );
}

#[test]
fn either_order_gives_the_same_programs() {
    for target in TARGETS {
        let Some((main, library)) = main_and_library(target) else {
            return;
        };
        let one = link(&[("main.o", &main), ("library.o", &library)]).unwrap();
        let other = link(&[("library.o", &library), ("main.o", &main)]).unwrap();
        let (one, other) = (
            CollectionSpec::parse(&one).unwrap(),
            CollectionSpec::parse(&other).unwrap(),
        );
        let order = match target {
            "bpfel" => Endian::Little,
            _ => Endian::Big,
        };
        assert_eq!((one.endian, other.endian), (order, order));
        assert_eq!(one.license, "GPL");
        for spec in [&one, &other] {
            let mut names: Vec<&str> = spec.programs().iter().map(|p| p.name.as_str()).collect();
            names.sort();
            assert_eq!(names, ["count", "second", "third"]);
            assert_eq!(calls(spec, "count"), ["choose", "helper", "hidden_here"]);
            assert_eq!(calls(spec, "second"), ["add_up", "helper", "helper"]);
            assert_eq!(
                calls(spec, "third"),
                ["choose", "helper", "hidden_here", "reveal"]
            );
            // The strong one is taken.
            let choose = spec
                .functions()
                .iter()
                .find(|f| f.name == "choose")
                .unwrap();
            assert!(
                choose.insns.iter().any(|insn| insn.imm == 200),
                "{choose:?}"
            );
            let initial = |section, offset: usize, len| {
                spec.map(section).unwrap().data.as_ref().unwrap().contents[offset..][..len].to_vec()
            };
            let variable = |section, name| {
                let data = spec.map(section).unwrap().data.as_ref().unwrap();
                let found = data.variables.iter().find(|v| v.name == name).unwrap();
                initial(section, found.offset as usize, found.size as usize)
            };
            assert_eq!(variable(".rodata", "motto"), b"onward\0");
            assert_eq!(variable(".data", "odd_bytes"), [1, 2, 3]);
            assert_eq!(order.read_u64(&variable(".data", "total"), 0), Some(40));
            assert_eq!(order.read_u32(&variable(".data", "settings"), 0), Some(7));
            let bss = spec.map(".bss").unwrap().data.as_ref().unwrap();
            let statics = bss
                .variables
                .iter()
                .filter(|v| v.name == "calls" && v.is_static);
            assert_eq!(statics.count(), 2);
            assert_eq!(spec.map("shared_map").unwrap().max_entries, 16);
        }
    }
}

/// The functions that a program calls, itself or through others.
fn calls(spec: &CollectionSpec, program: &str) -> Vec<String> {
    let index = spec
        .programs()
        .iter()
        .position(|p| p.name == program)
        .unwrap();
    let assembled = spec.assemble(index).unwrap();
    let callees = assembled.functions.iter().skip(1);
    let mut names: Vec<String> = callees
        .map(|(_, function)| spec.functions()[*function].name.clone())
        .collect();
    names.sort();
    names
}

#[test]
fn libbpf_opens_it() {
    let Some((main, library)) = main_and_library("bpfel") else {
        return;
    };
    for objects in [
        [("main.o", main.as_slice()), ("library.o", &library)],
        [("library.o", &library), ("main.o", &main)],
    ] {
        let linked = link(&objects).unwrap();
        let Some(skeleton) = bpftool(&["gen", "skeleton"], &linked) else {
            return;
        };
        for name in ["shared_map", "private_map", "third", "odd_bytes", "zeroed"] {
            assert!(skeleton.contains(name), "{name}");
        }
        let dump = bpftool(&["btf", "dump", "file"], &linked).unwrap();
        assert_eq!(dump.matches("STRUCT 'node'").count(), 1);
        assert_eq!(
            dump.matches("VAR 'total'").count(),
            1 + 1,
            "itself and in its section"
        );
        assert!(!dump.contains("'.extern'"));

        // It can be linked again, by either linker, and nothing changes.
        let again = link(&[("linked.o", &linked)]).unwrap();
        let parse = |object: &[u8]| CollectionSpec::parse(object).unwrap();
        assert_same(&describe(&parse(&again)), &describe(&parse(&linked)));
        let btf = |object: &[u8]| types(&Btf::parse_elf(object).unwrap());
        assert_same(&btf(&again), &btf(&linked));
        if let Some(theirs) = bpftool_link(&[("once.o", &linked)]) {
            let (ours, theirs) = (
                CollectionSpec::parse(&linked).unwrap(),
                CollectionSpec::parse(&theirs.unwrap()).unwrap(),
            );
            assert_same(&describe(&ours), &describe(&theirs));
        }
    }
}

/// Links two objects given as C, which has to fail, as it has to for libbpf; the error.
fn refused(a: &str, b: &str) -> Option<Error> {
    let (a, b) = (compile_text(a, "bpfel")?, compile_text(b, "bpfel")?);
    let objects = [("a.o", a.as_slice()), ("b.o", &b)];
    let error = link(&objects).expect_err("it links");
    if let Some(theirs) = bpftool_link(&objects) {
        assert!(theirs.is_err(), "libbpf links it; we say: {error}");
    }
    Some(error)
}

/// A program that uses something, so that its declaration is kept.
fn using(declaration: &str, expression: &str) -> String {
    format!(
        "{declaration}\nLICENSE;\nSEC(\"socket\") int user(void *ctx) {{ return {expression}; }}"
    )
}

#[test]
fn what_does_not_agree_is_refused() {
    let function = |result: &str, param: &str| {
        format!(
            "LICENSE; __noinline {result} shared({param} value) {{ return ({result})(long)value; }}"
        )
    };
    let map = |fields: &str| format!("LICENSE; struct {{ {fields} }} shared SEC(\".maps\");");
    let fields =
        "__uint(type, MAP_ARRAY); __uint(max_entries, 4); __type(key, u32); __type(value, u64);";
    let declared_map = using(
        &format!("extern struct {{ {fields} }} shared SEC(\".maps\");"),
        "bpf_map_lookup_elem(&shared, &(u32){1}) != 0",
    );
    let cases = [
        (
            function("int", "int"),
            function("int", "int"),
            ErrorKind::Duplicate,
            "a.o, b.o: `shared`: both objects define it, and neither as `__weak`",
        ),
        (
            using("extern int shared(long value);", "shared(1)"),
            function("int", "int"),
            ErrorKind::TypeMismatch,
            "a.o, b.o: `shared`: the objects do not agree on its type: of parameter 1, `long` of 8 bytes and `int` of 4 bytes",
        ),
        (
            using("extern int shared(int value, int more);", "shared(1, 2)"),
            function("int", "int"),
            ErrorKind::TypeMismatch,
            "a.o, b.o: `shared`: the objects do not agree on its type: 2 and 1 parameters",
        ),
        (
            using("extern long shared(int value);", "shared(1)"),
            function("int", "int"),
            ErrorKind::TypeMismatch,
            "a.o, b.o: `shared`: the objects do not agree on its type: of the result, `long` of 8 bytes and `int` of 4 bytes",
        ),
        (
            using("extern int shared(struct node *value);", "shared(0)"),
            "LICENSE; __noinline int shared(struct settings *value) { return value ? 1 : 0; }"
                .to_owned(),
            ErrorKind::TypeMismatch,
            "a.o, b.o: `shared`: the objects do not agree on its type: of parameter 1, `struct node` and `struct settings`",
        ),
        (
            using("extern u64 shared;", "shared"),
            "LICENSE; u32 shared = 1;".to_owned(),
            ErrorKind::TypeMismatch,
            "a.o, b.o: `shared`: the objects do not agree on its type: `unsigned long long` of 8 bytes and `unsigned int` of 4 bytes",
        ),
        (
            using(
                "struct pair { u32 a, b; }; extern struct pair shared;",
                "shared.b",
            ),
            "LICENSE; struct pair { u32 a, c; } shared = { 1, 2 };".to_owned(),
            ErrorKind::TypeMismatch,
            "a.o, b.o: `shared`: the objects do not agree on its type: `struct pair` has `b` at bit 32, and `c` at bit 32",
        ),
        (
            declared_map.clone(),
            map(&fields.replace("max_entries, 4", "max_entries, 5")),
            ErrorKind::TypeMismatch,
            "a.o, b.o: `shared`: the objects do not agree on its type: the maps differ in `max_entries`",
        ),
        (
            declared_map,
            map(&fields.replace("(value, u64)", "(value, struct { u32 a; u32 b; })")),
            ErrorKind::TypeMismatch,
            "a.o, b.o: `shared`: the objects do not agree on its type: the maps differ in `value`: `unsigned long long` of 8 bytes and a struct without a name",
        ),
        (
            "LICENSE;".to_owned(),
            "char _license[] SEC(\"license\") = \"MIT\";".to_owned(),
            ErrorKind::Section,
            "a.o, b.o: section `license`: the objects are under different licences, \"GPL\" and \"MIT\"",
        ),
    ];
    for (a, b, kind, message) in cases {
        let Some(error) = refused(&a, &b) else {
            return;
        };
        assert_eq!(error.to_string(), message);
        assert_eq!(error.kind(), kind);
        assert_eq!(error.objects().count(), 2);
        assert_eq!(error.symbol().is_some(), error.section().is_none());
    }
}

#[test]
fn byte_orders_do_not_mix() {
    let (Some(little), Some(big)) = (
        compile("main.bpf.c", "bpfel", &[]),
        compile("library.bpf.c", "bpfeb", &[]),
    ) else {
        return;
    };
    let error = link(&[("main.o", &little), ("library.o", &big)]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ByteOrder);
    assert_eq!(
        error.to_string(),
        "library.o, main.o: it is big-endian, but the output is to be little-endian"
    );
    let error = Linker::with_endian(Endian::Big)
        .add("main.o", &little)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "main.o: it is little-endian, but the output is to be big-endian"
    );
    assert_eq!(
        Linker::new().link().unwrap_err().kind(),
        ErrorKind::Unsupported
    );
}

/// Of weak definitions the first counts; a strong one counts before them, wherever it comes; what is hidden once stays so.
#[test]
fn weak_and_hidden() {
    let weak = |value: u32| {
        format!("LICENSE; __weak __noinline int shared(int x) {{ return x + {value}; }}")
    };
    let user = using("extern int shared(int x) __weak;", "shared ? shared(1) : 0");
    let strong = "LICENSE; __hidden __noinline int shared(int x) { return x + 30; }".to_owned();
    let linked = |texts: &[&String]| -> Option<CollectionSpec> {
        let objects: Vec<Vec<u8>> = texts
            .iter()
            .map(|text| compile_text(text, "bpfel"))
            .collect::<Option<_>>()?;
        let named: Vec<(&str, &[u8])> = objects.iter().map(|o| ("x.o", o.as_slice())).collect();
        Some(CollectionSpec::parse(&link(&named).unwrap()).unwrap())
    };
    let shared = |spec: &CollectionSpec| {
        let functions = spec.functions().iter().filter(|f| f.name == "shared");
        let [function] = functions.collect::<Vec<_>>()[..] else {
            panic!("{:?}", spec.functions())
        };
        let added = function
            .insns
            .iter()
            .find(|insn| insn.imm >= 10)
            .unwrap()
            .imm;
        (added, function.linkage)
    };
    let (ten, twenty) = (weak(10), weak(20));
    let Some(spec) = linked(&[&user, &ten, &twenty]) else {
        return;
    };
    assert_eq!(shared(&spec), (10, Linkage::Weak));
    for order in [
        [&user, &ten, &twenty, &strong],
        [&strong, &twenty, &ten, &user],
        [&ten, &strong, &user, &twenty],
    ] {
        assert_eq!(shared(&linked(&order).unwrap()), (30, Linkage::Hidden));
    }
    // Nothing defines it: it stays to be found later.
    let alone = compile_text(&user, "bpfel").unwrap();
    let spec = CollectionSpec::parse(&link(&[("x.o", &alone)]).unwrap()).unwrap();
    let [found] = spec.externs() else {
        panic!("{:?}", spec.externs())
    };
    assert_eq!((found.name.as_str(), found.weak), ("shared", true));
}

/// What nothing defines is as strict as the strictest declaration, and where the loader looks for it.
#[test]
fn declarations_add_up() {
    let declared = |how: &str| using(&format!("extern int shared(int x) {how};"), "shared(1)");
    let other = |text: String| text.replace("user", "other");
    let found = |a: &str, b: &str| {
        let (a, b) = (compile_text(a, "bpfel")?, compile_text(b, "bpfel")?);
        let linked = link(&[("a.o", &a), ("b.o", &b)]).unwrap();
        let spec = CollectionSpec::parse(&linked).unwrap();
        let [found] = spec.externs() else {
            panic!("{:?}", spec.externs())
        };
        let btf = spec.btf.as_ref().unwrap();
        let section = btf.find(".ksyms", Kind::DATASEC);
        let there = section.is_some_and(|section| {
            let mut variables = btf.get(section).unwrap().variables();
            variables.any(|variable| variable.ty == found.ty)
        });
        Some((there, found.weak))
    };
    let Some(strict) = found(&declared("__weak"), &other(declared(""))) else {
        return;
    };
    assert_eq!(strict, (false, false));
    for (a, b) in [("", "__ksym"), ("__ksym", "")] {
        assert_eq!(
            found(&declared(a), &other(declared(b))),
            Some((true, false))
        );
    }
}

/// A map that is only declared has no place in `.maps`, wherever the maps of its object get to.
#[test]
fn a_declared_map_has_no_place() {
    let map = |name: &str| {
        format!(
            "struct {{ __uint(type, MAP_ARRAY); __uint(max_entries, 1); __uint(key_size, 4); __uint(value_size, 8); }} {name} SEC(\".maps\");"
        )
    };
    let first = format!("LICENSE; {}", map("one"));
    let second = using(
        &format!("{} extern {}", map("two"), map("absent")),
        "bpf_map_lookup_elem(&absent, &(u32){0}) == bpf_map_lookup_elem(&two, &(u32){0})",
    );
    let (Some(first), Some(second)) = (
        compile_text(&first, "bpfel"),
        compile_text(&second, "bpfel"),
    ) else {
        return;
    };
    let linked = link(&[("a.o", &first), ("b.o", &second)]).unwrap();
    let btf = Btf::parse_elf(&linked).unwrap();
    let maps = btf.get(btf.find(".maps", Kind::DATASEC).unwrap()).unwrap();
    let places: Vec<_> = maps
        .variables()
        .map(|entry| (btf.get(entry.ty).unwrap().name().to_owned(), entry.offset))
        .collect();
    let expected = [("one", 0), ("absent", 0), ("two", 32)];
    assert_eq!(
        places,
        expected.map(|(name, offset)| (name.to_owned(), offset))
    );
    let error = CollectionSpec::parse(&linked).unwrap_err().to_string();
    assert!(
        error.contains("`absent`: the map is only declared here"),
        "{error}"
    );
}

/// A definition without type information is taken too, with the type of the declaration.
#[test]
fn a_definition_may_have_no_type() {
    let user = using(
        "extern int shared(int x); extern int number;",
        "shared(number)",
    );
    let library = "__attribute__((noinline)) int shared(int x) { return x * 3; } int number = 5;";
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("library.bpf.c");
    std::fs::write(&path, library).unwrap();
    let (Some(user), Some(library)) = (
        compile_text(&user, "bpfel"),
        clang::compile(&path, &["-target", "bpfel", "-O2"]),
    ) else {
        return;
    };
    let linked = link(&[("user.o", &user), ("library.o", &library)]).unwrap();
    let btf = Btf::parse_elf(&linked).unwrap();
    let ty = |name, kind| btf.get(btf.find(name, kind).unwrap()).unwrap().contents();
    let Contents::Func(func) = ty("shared", Kind::FUNC) else {
        panic!()
    };
    let Contents::Var(var) = ty("number", Kind::VAR) else {
        panic!()
    };
    assert_eq!(func.linkage, FuncLinkage::GLOBAL);
    assert_eq!(var.linkage, VarLinkage::GLOBAL);
    let spec = CollectionSpec::parse(&linked).unwrap();
    assert!(spec.externs().is_empty());
    assert_eq!(calls(&spec, "user"), ["shared"]);
}

/// What is in both objects beside programs and data: entries of maps, settings, kernel symbols, CO-RE, notes, `struct_ops`.
#[test]
fn everything_else_that_objects_have() {
    let shared = "
        #define __tag(x) __attribute__((btf_decl_tag(x)))
        #define __core __attribute__((preserve_access_index))
        struct task_struct { int pid; struct task_struct *parent; } __core;
        extern u32 LINUX_KERNEL_VERSION __kconfig;
        extern u32 CONFIG_HZ __kconfig __weak;
        extern const void bpf_prog_active __ksym;
        extern void bpf_rcu_read_lock(void) __ksym;
        struct inner { __uint(type, MAP_ARRAY); __uint(max_entries, 1); __type(key, u32); __type(value, u64); };
        LICENSE;
    ";
    let part = |letter: &str, setting: &str| {
        format!(
            "{shared}
            struct inner inner_{letter} SEC(\".maps\");
            struct {{
                __uint(type, MAP_ARRAY_OF_MAPS);
                __uint(max_entries, 2);
                __type(key, u32);
                __array(values, struct inner);
            }} outer_{letter} SEC(\".maps\") = {{ .values = {{ 0, &inner_{letter} }} }};
            int called_{letter}(void *ctx);
            struct {{
                __uint(type, MAP_PROG_ARRAY);
                __uint(max_entries, 1);
                __uint(key_size, 4);
                __array(values, int(void *));
            }} jumps_{letter} SEC(\".maps\") = {{ .values = {{ (void *)&called_{letter} }} }};
            struct ops {{ int (*first)(void *); int (*second)(void *); }};
            SEC(\"struct_ops/x\") int op_{letter}(void *ctx) {{ return 1; }}
            SEC(\".struct_ops\") struct ops ops_{letter} = {{ .second = (void *)op_{letter} }};
            static __noinline int each_{letter}(void *map, void *key, void *value, void *ctx) {{ return {setting} & 1; }}
            __noinline int noted_{letter}(struct task_struct *task __tag(\"arg:nonnull\")) {{ return task->pid; }}
            SEC(\"socket\") int called_{letter}(void *ctx) {{
                static char format[] = \"%d from {letter}\";
                bpf_for_each_map_elem(&inner_{letter}, each_{letter}, 0, 0);
                bpf_rcu_read_lock();
                bpf_trace_printk(format, sizeof(format), LINUX_KERNEL_VERSION);
                return (int)((u64)&bpf_prog_active >> 8);
            }}
            SEC(\"raw_tp/x\") int traced_{letter}(u64 *ctx) {{
                struct task_struct *task = (void *)ctx[0];
                return __builtin_preserve_access_index(&task->parent->pid) != 0;
            }}"
        )
    };
    for target in TARGETS {
        let (Some(a), Some(b)) = (
            compile_text(&part("a", "LINUX_KERNEL_VERSION"), target),
            compile_text(&part("b", "CONFIG_HZ"), target),
        ) else {
            return;
        };
        let objects = [("a.o", a.as_slice()), ("b.o", &b)];
        let ours = link(&objects).unwrap();
        let spec = CollectionSpec::parse(&ours).unwrap();
        for letter in ["a", "b"] {
            let map = |name: &str| spec.map(&format!("{name}_{letter}")).unwrap();
            let position = |name: &str| {
                let name = format!("{name}_{letter}");
                let maps = spec.maps().iter().position(|map| map.name == name);
                maps.or_else(|| spec.programs().iter().position(|p| p.name == name))
                    .unwrap()
            };
            assert_eq!(map("outer").values, [(1, SlotRef::Map(position("inner")))]);
            assert_eq!(
                map("jumps").values,
                [(0, SlotRef::Program(position("called")))]
            );
            assert_eq!(map("ops").values, [(8, SlotRef::Program(position("op")))]);
        }
        let mut externs: Vec<&str> = spec.externs().iter().map(|e| e.name.as_str()).collect();
        externs.sort();
        assert_eq!(
            externs,
            [
                "CONFIG_HZ",
                "LINUX_KERNEL_VERSION",
                "bpf_prog_active",
                "bpf_rcu_read_lock"
            ]
        );
        if target != "bpfel" {
            continue;
        }
        // libbpf up to 1.1 cannot have what has no size, a kernel function or address, in two objects.
        let text = part("b", "CONFIG_HZ")
            .replace("bpf_rcu_read_lock();", "")
            .replace("(int)((u64)&bpf_prog_active >> 8)", "0");
        let b = compile_text(&text, target).unwrap();
        let objects = [("a.o", a.as_slice()), ("b.o", &b)];
        let ours = link(&objects).unwrap();
        let spec = CollectionSpec::parse(&ours).unwrap();
        if let Some(theirs) = bpftool_link(&objects) {
            let theirs = theirs.unwrap();
            let their_spec = CollectionSpec::parse(&theirs).unwrap();
            assert_same(&describe(&spec), &describe(&their_spec));
            let btf = |object: &[u8]| types(&Btf::parse_elf(object).unwrap());
            assert_same(&btf(&ours), &btf(&theirs));
        }
    }
}

/// Bytes at random, the same ones each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((self.0 >> 33) as usize) % end
    }
}

/// Whatever is wrong with an object: an error or an object, never a panic, and never out of proportion.
#[test]
fn damage_is_survived() {
    let Some((main, library)) = main_and_library("bpfel") else {
        return;
    };
    let mut random = Random(7);
    let (mut linked, mut refused) = (0, 0);
    for round in 0..3000 {
        let mut mutant = main.clone();
        match round % 3 {
            0 => {
                for _ in 0..1 + random.below(4) {
                    let at = random.below(mutant.len());
                    mutant[at] = random.below(256) as u8;
                }
            }
            1 => {
                // A word of the section headers, or anywhere.
                let start = if round % 2 == 0 {
                    0
                } else {
                    mutant.len() - 64 * 28
                };
                let at = start / 8 * 8 + random.below((mutant.len() - start) / 8) * 8;
                let value = [0, 1, 8, u64::MAX, 1 << 31, 1 << 63, 1 << 12][random.below(7)];
                mutant[at..at + 8].copy_from_slice(&value.to_le_bytes());
            }
            _ => mutant.truncate(random.below(mutant.len())),
        }
        match link(&[("mutant.o", &mutant), ("library.o", &library)]) {
            Ok(object) => {
                assert!(object.len() < 64 * (main.len() + library.len()));
                let _ = CollectionSpec::parse(&object);
                linked += 1;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
        }
    }
    assert!(
        linked > 100 && refused > 100,
        "{linked} linked, {refused} refused"
    );
}

#[test]
fn jump_tables_move_along_with_their_functions() {
    for target in TARGETS {
        let first = compile_text("int before_all(int x) { return x * 3; }", target);
        let fixture = clang::fixture("elf/jump_tables.s");
        let tables = clang::compile(&fixture, &["-target", target]);
        let (Some(first), Some(tables)) = (first, tables) else {
            return;
        };
        let linked = link(&[("first.o", &first), ("tables.o", &tables)]).unwrap();
        let spec = CollectionSpec::parse(&linked).unwrap();
        let nested = spec.function("nested").unwrap();
        assert!(nested.section_offset > 2, "it has not moved");
        assert_eq!(nested.jump_tables[0].targets, [7, 9]);
        let by_table = spec.function("by_table").unwrap();
        assert_eq!(by_table.jump_tables[0].targets, [9, 11, 16, 13]);
    }
}
