//! Reading object files that clang makes of `tests/fixtures/elf`, in both byte orders.

mod clang;

use oxbpf_object::asm::Insn;
use oxbpf_object::btf::{Contents, Kind};
use oxbpf_object::spec::{
    CollectionSpec, DataKind, ExternKind, Function, JumpTable, Linkage, MapSpec, Pinning,
    ProgramSpec, Reloc, RelocTarget, SlotRef,
};
use oxbpf_object::{AttachType, Endian, MapFlags, MapType, ProgramFlags, ProgramType};

/// Reads a fixture, compiled for both byte orders.
fn specs(name: &str, args: &[&str]) -> Vec<CollectionSpec> {
    [("bpfel", Endian::Little), ("bpfeb", Endian::Big)]
        .into_iter()
        .filter_map(|(target, endian)| {
            let mut all = vec!["-target", target, "-O2"];
            all.extend(args);
            let object = clang::compile(&clang::fixture(&format!("elf/{name}.bpf.c")), &all)?;
            let spec = CollectionSpec::parse_named(name, &object)
                .unwrap_or_else(|error| panic!("{target} {args:?}: {error}"));
            assert_eq!(spec.endian, endian);
            Some(spec)
        })
        .collect()
}

#[test]
fn the_program_of_the_article() {
    for args in [
        &["-g"][..],
        &[],
        &["-mcpu=v1"],
        &["-mcpu=v2", "-g"],
        &["-mcpu=v3"],
        &["-mcpu=v4", "-g"],
    ] {
        for spec in specs("kprobe", args) {
            assert_eq!(spec.license, "Dual MIT/GPL");
            assert_eq!(spec.btf.is_some(), args.contains(&"-g"));
            let expected = MapSpec {
                name: "kprobe_map".into(),
                section: "maps".into(),
                map_type: MapType::ARRAY,
                key_size: 4,
                value_size: 8,
                max_entries: 1,
                ..MapSpec::default()
            };
            assert_eq!(spec.maps(), [expected]);

            let [program] = spec.programs() else {
                panic!("{:?}", spec.programs())
            };
            assert_eq!(program.name, "kprobe_execve");
            assert_eq!(program.section, "kprobe/sys_execve");
            assert_eq!(program.prog_type, Some(ProgramType::KPROBE));
            assert_eq!(program.attach_to.as_deref(), Some("sys_execve"));
            assert!(program.autoload);

            let assembled = spec.assemble(0).unwrap();
            assert!(assembled.insns.last().unwrap().is_exit());
            assert!(
                assembled.insns.iter().any(|insn| insn.code == 0xdb),
                "an atomic add"
            );
            assert_eq!(assembled.relocs.len(), 2);
            for reloc in &assembled.relocs {
                assert_eq!(reloc.target, RelocTarget::Map(0));
                assert!(assembled.insns[reloc.insn].is_wide());
            }
            assert_eq!(
                assembled.func_info.len(),
                if spec.btf.is_some() { 1 } else { 0 }
            );
            assert_eq!(assembled.line_info.is_empty(), spec.btf.is_none());
        }
    }
}

#[test]
fn licence_version_and_maps() {
    for spec in specs("everything", &["-g"]) {
        assert_eq!(spec.license, "GPL v2");
        assert_eq!(spec.kernel_version, 0x060100);
        let names: Vec<&str> = spec.maps().iter().map(|map| map.name.as_str()).collect();
        let mut defined = names[..6].to_vec();
        defined.sort();
        assert_eq!(
            defined,
            ["by_size", "by_type", "first", "jumps", "outer", "second"]
        );
        let mut data = names[6..].to_vec();
        data.sort();
        assert_eq!(
            data,
            [
                ".bss",
                ".bss.custom",
                ".data",
                ".data.custom",
                ".kconfig",
                ".rodata",
                ".rodata.custom"
            ]
        );

        let btf = spec.btf.as_ref().unwrap();
        let by_type = spec.map("by_type").unwrap();
        assert_eq!(
            (by_type.map_type, by_type.key_size, by_type.value_size),
            (MapType::HASH, 8, 8)
        );
        assert_eq!(
            (by_type.max_entries, by_type.flags),
            (1024, MapFlags::NO_PREALLOC)
        );
        assert_eq!(
            (by_type.pinning, by_type.numa_node),
            (Pinning::ByName, None)
        );
        assert_eq!(btf.get(by_type.key_type.unwrap()).unwrap().name(), "key");
        assert_eq!(btf.get(by_type.value_type.unwrap()).unwrap().name(), "u64");

        let by_size = spec.map("by_size").unwrap();
        assert_eq!(
            (by_size.map_type, by_size.key_size, by_size.value_size),
            (MapType::BLOOM_FILTER, 0, 8)
        );
        assert_eq!(
            (by_size.numa_node, by_size.map_extra, by_size.flags),
            (Some(1), 0x12_3456_7890, MapFlags::NUMA_NODE)
        );
        assert_eq!((by_size.key_type, by_size.value_type), (None, None));

        let position = |name: &str| names.iter().position(|other| *other == name).unwrap();
        let outer = spec.map("outer").unwrap();
        let inner = outer.inner.as_ref().unwrap();
        assert_eq!(
            (inner.name.as_str(), inner.map_type, inner.max_entries),
            ("outer.inner", MapType::ARRAY, 1)
        );
        assert_eq!((outer.key_size, outer.value_size), (4, 4));
        assert_eq!(
            outer.values,
            [
                (1, SlotRef::Map(position("first"))),
                (6, SlotRef::Map(position("second")))
            ]
        );
        let tail = spec
            .programs()
            .iter()
            .position(|program| program.name == "tail")
            .unwrap();
        let jumps = spec.map("jumps").unwrap();
        assert_eq!(jumps.values, [(2, SlotRef::Program(tail))]);
        assert_eq!(jumps.inner, None);
    }
}

#[test]
fn global_variables() {
    for spec in specs("everything", &["-g"]) {
        let number = |name: &str| {
            let bytes = spec
                .variable_bytes(name)
                .unwrap_or_else(|| panic!("{name}"));
            match (bytes.len(), spec.endian) {
                (4, _) => u64::from(spec.endian.read_u32(bytes, 0).unwrap()),
                _ => spec.endian.read_u64(bytes, 0).unwrap(),
            }
        };
        assert_eq!(
            [
                "initialised",
                "hidden_here",
                "hidden",
                "constant",
                "custom_data",
                "custom_rodata",
                "custom_bss"
            ]
            .map(number),
            [7, 8, 9, 10, 11, 12, 0]
        );

        let data = spec.map(".data").unwrap();
        assert_eq!(
            (
                data.map_type,
                data.key_size,
                data.value_size,
                data.max_entries
            ),
            (MapType::ARRAY, 4, 16, 1)
        );
        assert_eq!(data.flags, MapFlags::MMAPABLE);
        let section = data.data.as_ref().unwrap();
        assert_eq!(section.kind, DataKind::Data);
        let variables: Vec<_> = section
            .variables
            .iter()
            .map(|v| (v.name.as_str(), v.offset, v.size, v.is_static))
            .collect();
        assert_eq!(
            variables,
            [
                ("initialised", 0, 4, false),
                ("hidden", 4, 4, false),
                ("hidden_here", 8, 8, true)
            ]
        );

        let rodata = spec.map(".rodata").unwrap();
        assert_eq!(rodata.flags, MapFlags::MMAPABLE | MapFlags::RDONLY_PROG);
        assert_eq!(rodata.data.as_ref().unwrap().kind, DataKind::Rodata);
        let bss = spec.map(".bss").unwrap().data.as_ref().unwrap();
        assert_eq!(
            (bss.kind, &bss.contents[..]),
            (DataKind::Bss, &[0; 100][..])
        );

        let btf = spec.btf.as_ref().unwrap();
        let of = |map: &str| {
            let section = btf.get(spec.map(map).unwrap().value_type.unwrap()).unwrap();
            assert_eq!((section.name(), section.kind()), (map, Kind::DATASEC));
            let Contents::DataSection(section) = section.contents() else {
                panic!()
            };
            (
                section.size,
                section
                    .variables()
                    .map(|v| (btf.get(v.ty).unwrap().name(), v.offset, v.size))
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(
            of(".data"),
            (
                16,
                vec![
                    ("initialised", 0, 4),
                    ("hidden", 4, 4),
                    ("hidden_here", 8, 8)
                ]
            )
        );
        let linkage = |name: &str| {
            let Contents::Var(var) = btf
                .get(btf.find(name, Kind::VAR).unwrap())
                .unwrap()
                .contents()
            else {
                panic!()
            };
            var.linkage.0
        };
        assert_eq!(
            ["initialised", "hidden", "hidden_here"].map(linkage),
            [1, 0, 0]
        );
        let linkage = |name: &str| {
            let Contents::Func(func) = btf
                .get(btf.find(name, Kind::FUNC).unwrap())
                .unwrap()
                .contents()
            else {
                panic!()
            };
            func.linkage.0
        };
        assert_eq!(
            [
                "global_function",
                "weak_function",
                "hidden_function",
                "in_text"
            ]
            .map(linkage),
            [1, 1, 0, 0]
        );

        let kconfig = of(".kconfig");
        assert_eq!(
            kconfig,
            (
                29,
                vec![
                    ("CONFIG_NUMBER", 0, 8),
                    ("LINUX_KERNEL_VERSION", 8, 4),
                    ("CONFIG_BPF", 12, 1),
                    ("CONFIG_CC_VERSION_TEXT", 13, 16)
                ]
            )
        );
        let map = spec.map(".kconfig").unwrap();
        assert_eq!(
            (map.value_size, map.flags),
            (29, MapFlags::MMAPABLE | MapFlags::RDONLY_PROG)
        );
        assert_eq!(map.data.as_ref().unwrap().kind, DataKind::Kconfig);
    }
}

#[test]
fn variables_are_known_by_symbols_alone() {
    for spec in specs("kprobe", &["-DGLOBALS"]) {
        let data = spec.map(".bss").unwrap();
        let variables: Vec<_> = data
            .data
            .as_ref()
            .unwrap()
            .variables
            .iter()
            .map(|v| (v.name.as_str(), v.size, v.ty))
            .collect();
        assert_eq!(variables, [("counted", 4, None)]);
    }
}

#[test]
fn programs_functions_and_what_they_refer_to() {
    for spec in specs("everything", &["-g"]) {
        let program = |name: &str| spec.program(name).unwrap_or_else(|| panic!("{name}"));
        let what = |program: &ProgramSpec| {
            (
                program.prog_type,
                program.attach_type,
                program.flags,
                program.autoload,
            )
        };
        assert_eq!(
            what(program("tail")),
            (
                Some(ProgramType::SOCKET_FILTER),
                None,
                ProgramFlags::empty(),
                true
            )
        );
        assert_eq!(
            what(program("optional")),
            (
                Some(ProgramType::TRACING),
                Some(AttachType::TRACE_FENTRY),
                ProgramFlags::SLEEPABLE,
                false
            )
        );
        assert_eq!(program("optional").section, "fentry.s/vmlinux:do_exit");
        assert_eq!(
            program("optional").attach_to.as_deref(),
            Some("vmlinux:do_exit")
        );
        assert_eq!(
            what(program("unknown")),
            (None, None, ProgramFlags::empty(), true)
        );
        assert_eq!(program("unknown").section_def, None);
        assert_eq!(spec.programs().len(), 5);

        let linkage = |name: &str| spec.function(name).unwrap().linkage;
        assert_eq!(
            [
                "in_text",
                "callback",
                "global_function",
                "hidden_function",
                "weak_function",
                "tail"
            ]
            .map(linkage),
            [
                Linkage::Static,
                Linkage::Static,
                Linkage::Global,
                Linkage::Hidden,
                Linkage::Weak,
                Linkage::Global
            ]
        );

        let caller = spec.function("second_in_section").unwrap();
        assert_eq!(caller.section_offset, 2);
        let targets: Vec<String> = caller
            .relocs
            .iter()
            .map(|reloc| describe(&spec, reloc.target))
            .collect();
        assert_eq!(
            targets,
            [
                ".data+0",
                "map by_type",
                "address of callback",
                "map jumps",
                "call global_function",
                "call hidden_function",
                "call weak_function"
            ]
        );
        let in_text = spec.function("in_text").unwrap();
        let targets: Vec<String> = in_text
            .relocs
            .iter()
            .map(|reloc| describe(&spec, reloc.target))
            .collect();
        assert_eq!(targets, [".data+8", ".bss+0"]);
        let global = spec.function("global_function").unwrap();
        let targets: Vec<String> = global
            .relocs
            .iter()
            .map(|reloc| describe(&spec, reloc.target))
            .collect();
        assert_eq!(targets, ["call in_text", ".data+4"]);

        let externs = spec.function("externs").unwrap();
        let targets: Vec<String> = externs
            .relocs
            .iter()
            .map(|reloc| describe(&spec, reloc.target))
            .collect();
        assert_eq!(
            targets,
            [
                ".kconfig+8",
                ".rodata+4",
                ".kconfig+12",
                ".kconfig+13",
                ".kconfig+0",
                "extern kernel_function",
                "extern kernel_symbol",
                "extern kernel_variable"
            ]
        );
        let kinds: Vec<_> = spec
            .externs()
            .iter()
            .map(|e| (e.name.as_str(), e.kind, e.weak, e.size))
            .collect();
        let map = spec
            .maps()
            .iter()
            .position(|map| map.name == ".kconfig")
            .unwrap();
        let at = |offset| ExternKind::Kconfig { map, offset };
        assert_eq!(
            kinds,
            [
                ("CONFIG_NUMBER", at(0), true, 8),
                ("LINUX_KERNEL_VERSION", at(8), false, 4),
                ("CONFIG_BPF", at(12), true, 1),
                ("CONFIG_CC_VERSION_TEXT", at(13), true, 16),
                ("kernel_function", ExternKind::KsymFunction, false, 0),
                ("kernel_symbol", ExternKind::KsymTypeless, false, 0),
                ("kernel_variable", ExternKind::KsymVariable, true, 8),
            ]
        );
    }
}

fn describe(spec: &CollectionSpec, target: RelocTarget) -> String {
    match target {
        RelocTarget::Map(map) => format!("map {}", spec.maps()[map].name),
        RelocTarget::MapValue { map, offset } => format!("{}+{offset}", spec.maps()[map].name),
        RelocTarget::Call(function) => format!("call {}", spec.functions()[function].name),
        RelocTarget::FunctionAddress(function) => {
            format!("address of {}", spec.functions()[function].name)
        }
        RelocTarget::Extern(index) => format!("extern {}", spec.externs()[index].name),
        other => panic!("{other:?}"),
    }
}

#[test]
fn assembled_programs_have_each_function_once_and_calls_that_reach_them() {
    let processors = ["-mcpu=v1", "-mcpu=v2", "-mcpu=v3", "-mcpu=v4"];
    for spec in processors
        .iter()
        .flat_map(|cpu| specs("everything", &["-g", cpu]))
    {
        let index = spec
            .programs()
            .iter()
            .position(|program| program.name == "second_in_section")
            .unwrap();
        let assembled = spec.assemble(index).unwrap();
        let order: Vec<&str> = assembled
            .functions
            .iter()
            .map(|(_, function)| spec.functions()[*function].name.as_str())
            .collect();
        // Depth first: what the callback and the global function call comes right after them.
        assert_eq!(
            order,
            [
                "second_in_section",
                "callback",
                "in_text",
                "global_function",
                "hidden_function",
                "weak_function"
            ]
        );
        let start = |name: &str| {
            assembled.functions[order.iter().position(|other| *other == name).unwrap()].0
        };
        let reached = |at: usize, insn: &Insn| (at as i64 + 1 + i64::from(insn.imm)) as usize;
        let calls: Vec<usize> = assembled
            .insns
            .iter()
            .enumerate()
            .filter(|(_, insn)| insn.is_subprogram_call())
            .map(|(at, insn)| reached(at, insn))
            .collect();
        assert_eq!(
            calls,
            [
                "global_function",
                "hidden_function",
                "weak_function",
                "in_text",
                "in_text"
            ]
            .map(start)
        );
        let addresses: Vec<usize> = assembled
            .insns
            .iter()
            .enumerate()
            .filter(|(_, insn)| insn.is_func_addr())
            .map(|(at, insn)| reached(at, insn))
            .collect();
        assert_eq!(addresses, [start("callback")]);

        // Everything is where it was, only further on.
        let btf = spec.btf.as_ref().unwrap();
        let info: Vec<_> = assembled
            .func_info
            .iter()
            .map(|&(at, id)| (at, btf.get(id).unwrap().name()))
            .collect();
        assert_eq!(
            info,
            order
                .iter()
                .map(|name| (start(name), *name))
                .collect::<Vec<_>>()
        );
        for name in &order {
            let function = spec.function(name).unwrap();
            let first = assembled
                .line_info
                .iter()
                .find(|line| line.insn >= start(name))
                .unwrap();
            assert_eq!(first.insn, start(name));
            assert_eq!(first.record, function.line_info[0].record);
        }
        assert!(assembled.line_info.is_sorted_by_key(|line| line.insn));
        assert!(assembled.relocs.is_sorted_by_key(|reloc| reloc.insn));
        let open: Vec<String> = assembled
            .relocs
            .iter()
            .map(|reloc| describe(&spec, reloc.target))
            .collect();
        assert_eq!(
            open,
            [
                ".data+0",
                "map by_type",
                "map jumps",
                ".data+8",
                ".bss+0",
                ".data+4",
                ".rodata+0",
                ".data.custom+0"
            ]
        );
        for reloc in &assembled.relocs {
            assert!(assembled.insns[reloc.insn].is_wide());
        }
    }
}

#[test]
fn functions_without_types_or_lines_take_those_of_the_others_along() {
    for mut spec in specs("everything", &["-g"]) {
        let index = spec
            .programs()
            .iter()
            .position(|program| program.name == "second_in_section")
            .unwrap();
        assert!(!spec.assemble(index).unwrap().func_info.is_empty());
        spec.function_mut("callback").unwrap().func_type = None;
        let assembled = spec.assemble(index).unwrap();
        assert!(assembled.func_info.is_empty() && !assembled.line_info.is_empty());
        // The kernel wants a line for the first instruction of each function.
        spec.function_mut("in_text").unwrap().line_info.remove(0);
        assert!(spec.assemble(index).unwrap().line_info.is_empty());
        let other = spec
            .programs()
            .iter()
            .position(|program| program.name == "tail")
            .unwrap();
        assert!(!spec.assemble(other).unwrap().line_info.is_empty());
    }
}

#[test]
fn programs_that_cannot_be_put_together_say_why() {
    let mut spec = CollectionSpec::new("x", Endian::Little);
    assert_eq!(
        spec.assemble(0).unwrap_err().to_string(),
        "program `#0`: there are only 0 programs"
    );
    spec.add_program(ProgramSpec {
        name: "p".into(),
        function: 3,
        ..ProgramSpec::default()
    });
    assert_eq!(
        spec.assemble(0).unwrap_err().to_string(),
        "program `p`: it needs function #3, but there are only 0"
    );
    let exit = Insn {
        code: 0x95,
        ..Insn::default()
    };
    let relocs = vec![Reloc {
        insn: 0,
        target: RelocTarget::Call(0),
    }];
    spec.add_function(Function {
        name: "f".into(),
        insns: vec![exit],
        relocs,
        ..Function::default()
    });
    spec.programs_mut()[0].function = 0;
    assert_eq!(
        spec.assemble(0).unwrap_err().to_string(),
        "program `p`: function `f`, instruction 0: it cannot refer to a function"
    );
}

#[test]
fn struct_ops_structures_are_maps() {
    for spec in specs("struct_ops", &["-g"]) {
        let program = |name: &str| {
            SlotRef::Program(
                spec.programs()
                    .iter()
                    .position(|program| program.name == name)
                    .unwrap(),
            )
        };
        let maps: Vec<_> = spec
            .maps()
            .iter()
            .map(|map| {
                (
                    map.name.as_str(),
                    map.section.as_str(),
                    map.flags,
                    map.autocreate,
                    map.values.clone(),
                )
            })
            .collect();
        let link = MapFlags::LINK;
        assert_eq!(
            maps,
            [
                (
                    "plain",
                    ".struct_ops",
                    MapFlags::empty(),
                    true,
                    vec![(0, program("init"))]
                ),
                (
                    "linked",
                    ".struct_ops.link",
                    link,
                    true,
                    vec![(0, program("init")), (16, program("release"))]
                ),
                (
                    "linked_too",
                    ".struct_ops.link",
                    link,
                    true,
                    vec![(16, program("release"))]
                ),
                (
                    "optional",
                    ".struct_ops.link",
                    link,
                    false,
                    vec![(0, program("init"))]
                ),
            ]
        );
        let plain = spec.map("plain").unwrap();
        assert_eq!(
            (plain.map_type, plain.key_size, plain.value_size),
            (MapType::STRUCT_OPS, 4, 40)
        );
        assert_eq!(
            spec.btf
                .as_ref()
                .unwrap()
                .get(plain.value_type.unwrap())
                .unwrap()
                .name(),
            "ops"
        );
        let data = plain.data.as_ref().unwrap();
        assert_eq!(data.kind, DataKind::StructOps);
        assert_eq!(spec.endian.read_u32(&data.contents, 8), Some(7));
        assert_eq!(&data.contents[24..30], b"plain\0");
        assert_eq!(
            spec.program("release").unwrap().flags,
            ProgramFlags::SLEEPABLE
        );
    }
}

#[test]
fn objects_inside_of_other_files_are_found() {
    let objects: Vec<Vec<u8>> = ["bpfel", "bpfeb"]
        .iter()
        .filter_map(|target| {
            clang::compile(
                &clang::fixture("elf/kprobe.bpf.c"),
                &["-target", target, "-O2", "-g"],
            )
        })
        .collect();
    let [little, big] = &objects[..] else { return };
    let mut file = b"\x7fELF and more".to_vec();
    file.extend(little);
    file.extend([0x7f; 100]);
    file.extend(big);
    // The start of a third, cut off.
    file.extend(&little[..little.len() - 1]);
    let found = oxbpf_object::elf::embedded(&file);
    assert_eq!(found, [&little[..], &big[..]]);
    assert!(oxbpf_object::elf::embedded(&[]).is_empty());
}

#[test]
fn what_libbpf_refuses_is_read() {
    for spec in specs("liberal", &["-g"]) {
        let names: Vec<&str> = spec.maps().iter().map(|map| map.name.as_str()).collect();
        assert_eq!(names, ["static_map", "global_map", ".rodata.str1.1"]);
        // Literals have no names and no types, so that no one but the program needs to see them.
        let strings = spec.map(".rodata.str1.1").unwrap();
        assert_eq!(
            (strings.flags, strings.value_size, strings.value_type),
            (MapFlags::RDONLY_PROG, 8, None)
        );
        assert_eq!(strings.data.as_ref().unwrap().contents, b"literal\0");
        let throws = spec.function("throws").unwrap();
        assert_eq!(describe(&spec, throws.relocs[0].target), ".rodata.str1.1+0");

        let programs: Vec<_> = spec
            .programs()
            .iter()
            .map(|program| (program.name.as_str(), program.section.as_str()))
            .collect();
        assert_eq!(
            programs,
            [
                ("program", "socket"),
                ("alias", "socket"),
                ("uses_unresolvable", "socket"),
                ("throws", "tc")
            ]
        );
        assert_eq!(spec.programs()[0].function, spec.programs()[1].function);

        let targets = |name: &str| -> Vec<String> {
            spec.function(name)
                .unwrap()
                .relocs
                .iter()
                .map(|reloc| describe(&spec, reloc.target))
                .collect()
        };
        // Calls within a section come without relocations.
        assert_eq!(targets("callback"), ["call in_program_section"]);
        assert_eq!(
            targets("program"),
            [
                "map static_map",
                "map global_map",
                "address of callback",
                "call in_program_section",
                "call elsewhere"
            ]
        );
        assert_eq!(
            targets("uses_unresolvable"),
            ["extern undeclared", "extern no_section"]
        );
        let kinds: Vec<_> = spec
            .externs()
            .iter()
            .map(|e| (e.name.as_str(), e.kind))
            .collect();
        assert_eq!(kinds[1].0, "undeclared");
        assert_eq!(
            kinds[1].1,
            ExternKind::KsymFunction,
            "where else could it be"
        );
        assert_eq!(kinds[0].0, "no_section");
        assert!(
            matches!(kinds[0].1, ExternKind::Unresolvable(why) if why.contains("`__ksym`")),
            "{kinds:?}"
        );
        assert_eq!(spec.function("elsewhere").unwrap().section, ".text.split");

        let index = spec
            .programs()
            .iter()
            .position(|program| program.name == "throws")
            .unwrap();
        let assembled = spec.assemble(index).unwrap();
        let order: Vec<&str> = assembled
            .functions
            .iter()
            .map(|(_, function)| spec.functions()[*function].name.as_str())
            .collect();
        assert_eq!(order, ["throws", "handler", "elsewhere"]);
    }
    // Without types nobody knows what an undefined symbol is, which matters to its users alone.
    let source = clang::fixture("elf/undefined.bpf.c");
    let Some(object) = clang::compile(&source, &["-target", "bpf", "-O2"]) else {
        return;
    };
    let spec = CollectionSpec::parse(&object).unwrap();
    let [missing] = spec.externs() else {
        panic!("{:?}", spec.externs())
    };
    assert!(
        matches!(missing.kind, ExternKind::Unresolvable(why) if why.contains("`-g`")),
        "{missing:?}"
    );
}

fn targets(tables: &[JumpTable]) -> Vec<Vec<u32>> {
    tables.iter().map(|table| table.targets.clone()).collect()
}

#[test]
fn jump_tables_are_slots_of_their_function() {
    for target in ["bpfel", "bpfeb"] {
        let fixture = clang::fixture("elf/jump_tables.s");
        let Some(object) = clang::compile(&fixture, &["-target", target]) else {
            return;
        };
        let spec = CollectionSpec::parse(&object).unwrap();
        let by_table = spec.function("by_table").unwrap();
        assert_eq!(targets(&by_table.jump_tables), [[9, 11, 16, 13]]);
        let nested = spec.function("nested").unwrap();
        assert_eq!(targets(&nested.jump_tables), [[7, 9]]);
        let program = spec.programs().iter().position(|p| p.name == "by_table");
        let assembled = spec.assemble(program.unwrap()).unwrap();
        let start = by_table.insns.len();
        let moved = start as u32;
        assert_eq!(
            targets(&assembled.jump_tables),
            [vec![9, 11, 16, 13], vec![moved + 7, moved + 9]]
        );
        let tables: Vec<_> = assembled
            .relocs
            .iter()
            .map(|reloc| (reloc.insn, reloc.target))
            .collect();
        assert_eq!(
            tables,
            [
                (4, RelocTarget::JumpTable(0)),
                (start + 2, RelocTarget::JumpTable(1))
            ]
        );
        // Out of its function, between two instructions, and without an end.
        let table = object
            .windows(8)
            .position(|bytes| spec.endian.read_u64(bytes, 0) == Some(88) && bytes.len() == 8)
            .unwrap();
        for wrong in [0_u64, 17 * 8 + 16 + 8, 89, u64::MAX] {
            let mut damaged = object.clone();
            let bytes = match spec.endian {
                Endian::Little => wrong.to_le_bytes(),
                Endian::Big => wrong.to_be_bytes(),
            };
            damaged[table..table + 8].copy_from_slice(&bytes);
            let error = CollectionSpec::parse(&damaged).unwrap_err().to_string();
            assert!(error.contains("table `BPF.JT.0.0`"), "{error}");
        }
    }
}

#[test]
fn functions_without_type_and_size_end_where_the_next_begins() {
    for target in ["bpfel", "bpfeb"] {
        let Some(object) = clang::compile(&clang::fixture("elf/plain.s"), &["-target", target])
        else {
            return;
        };
        let spec = CollectionSpec::parse(&object).unwrap();
        let functions: Vec<_> = spec
            .functions()
            .iter()
            .map(|f| (f.name.as_str(), f.section.as_str(), f.insns.len()))
            .collect();
        assert_eq!(
            functions,
            [
                ("helper", ".text", 2),
                ("first", "socket", 3),
                ("second", "socket", 2)
            ]
        );
        let programs: Vec<_> = spec
            .programs()
            .iter()
            .map(|program| program.name.as_str())
            .collect();
        assert_eq!(programs, ["first", "second"]);
        let maps: Vec<_> = spec
            .maps()
            .iter()
            .map(|map| (map.name.as_str(), map.map_type, map.max_entries))
            .collect();
        assert_eq!(
            maps,
            [("earlier", MapType::HASH, 16), ("later", MapType::ARRAY, 1)]
        );
        let assembled = spec.assemble(0).unwrap();
        assert_eq!(assembled.insns.len(), 5);
        assert_eq!(assembled.insns[1].imm, 1);
    }
}

#[test]
fn legacy_map_definitions_of_all_shapes() {
    for args in [&["-g"][..], &[]] {
        for spec in specs("legacy", args) {
            let maps: Vec<_> = spec
                .maps()
                .iter()
                .map(|map| {
                    let sizes = (
                        map.map_type.0,
                        map.key_size,
                        map.value_size,
                        map.max_entries,
                        map.flags.bits(),
                    );
                    (map.section.as_str(), map.name.as_str(), sizes, map.pinning)
                })
                .collect();
            assert_eq!(
                maps,
                [
                    ("maps", "four", (1, 4, 8, 16, 0), Pinning::None),
                    ("maps", "five", (1, 4, 8, 16, 1), Pinning::None),
                    ("maps", "more", (2, 4, 8, 1, 0), Pinning::None),
                    ("maps", "pinned_by_tc", (2, 4, 16, 2, 0), Pinning::ByName),
                    ("maps/events", "events", (4, 4, 4, 1024, 0), Pinning::None),
                    ("maps/kept", "kept", (1, 8, 8, 10, 0), Pinning::ByName),
                    ("lirc_mode2/maps", "decoder", (1, 4, 4, 1, 0), Pinning::None),
                ]
            );
            let targets: Vec<String> = spec
                .function("program")
                .unwrap()
                .relocs
                .iter()
                .map(|reloc| describe(&spec, reloc.target))
                .collect();
            assert_eq!(targets, ["map more", "map four", "map kept", "map decoder"]);
        }
    }
}

#[test]
fn maps_of_both_kinds_stand_beside_variables_of_no_size() {
    for spec in specs("mixed", &["-g"]) {
        let maps = spec.maps().iter().filter(|map| map.data.is_none());
        let maps: Vec<_> = maps
            .map(|map| (map.section.as_str(), map.name.as_str(), map.map_type.0))
            .collect();
        assert_eq!(maps, [("maps", "by_values", 1), (".maps", "by_types", 2)]);
        let size = |name: &str| spec.variable_bytes(name).map(<[u8]>::len);
        let sizes = ["nothing", "something", "no_more"].map(size);
        assert_eq!(sizes, [Some(0), Some(4), Some(0)]);
        let targets: Vec<String> = spec
            .function("program")
            .unwrap()
            .relocs
            .iter()
            .map(|reloc| describe(&spec, reloc.target))
            .collect();
        let expected = [
            ".data+0",
            "map by_values",
            ".bss+0",
            ".bss+0",
            "map by_types",
        ];
        assert_eq!(targets, expected);
    }
}

/// Compiles a fixture with one thing broken and returns what is said of it.
fn refusal(name: &str, broken: u32) -> Option<String> {
    let define = format!("-DBROKEN={broken}");
    let args = ["-target", "bpf", "-O2", "-g", "-Wno-everything", &define];
    let object = clang::compile(&clang::fixture(&format!("elf/{name}.bpf.c")), &args)?;
    let error = CollectionSpec::parse_named("x.o", &object).expect_err(&define);
    // Numbers of types depend on the compiler.
    let text = error.to_string();
    let words = text.split(' ').scan("", |before, word| {
        let is_id = *before == "type" && word.parse::<u32>().is_ok();
        *before = word;
        Some(if is_id { "N" } else { word })
    });
    Some(words.collect::<Vec<_>>().join(" "))
}

#[test]
fn map_definitions_that_make_no_map_say_why() {
    let legacy = [
        "x.o: section `maps`: `short_definition`: a map definition of 12 bytes; at least 16 are needed",
        "x.o: section `maps`: `meaning_unknown`: the map definition goes on for 8 bytes after its flags, which are not zero and whose meaning is unknown",
        "x.o: section `maps`: `outer`: iproute2's way to name an inner map, by number, is not supported: define the map in `.maps`",
        "x.o: section `maps`: `odd`: a map definition of 18 bytes, which end in the middle of a field",
    ];
    for (broken, expected) in (1..).zip(legacy) {
        let Some(said) = refusal("legacy", broken) else {
            return;
        };
        assert_eq!(said, expected, "BROKEN={broken}");
    }
    let by_type = [
        "`broken`: the inner map cannot be pinned",
        "`broken`: the inner map of a map of maps cannot have `values`: maps nest only once",
        "`broken`: `type` has to come before `values`",
        "`broken`: two sizes of the key: 8 and 4 bytes",
        "`broken`: the size of the key, of type `undefined`, cannot be told: .BTF: type N (fwd) has no size",
        "`broken`: `pinning` is 2, neither 0 (not) nor 1 (by name)",
        "`broken`: unknown field `colour`",
        "`broken`: the field `map_flags` holds no number, as made by `__uint(map_flags, ...)`",
        "`broken`: the field `map_extra` is an enumeration without exactly one value",
        "`broken`: the field `value` holds no type, as made by `__type(value, ...)`",
        "`broken`: two sizes of the value: 8 and 4 bytes",
        "`broken`: `values` of a map of maps point to a func_proto instead of a map definition",
        "`broken`: `values` is no array of pointers without a length, as made by `__array(values, ...)`",
        "`broken`: `values` has to be the last field, but `map_flags` follows",
        "`number`: its type is of kind int instead of struct",
        "`holds_nothing`: `values` in a map of type hash, which holds neither maps nor programs",
        "`holds_programs`: `values` of an array of programs point to a struct instead of a function",
        "`jumps`: it refers to `not_a_program`, which is no program",
    ];
    for (broken, expected) in (1..).zip(by_type) {
        let Some(said) = refusal("broken_maps", broken) else {
            return;
        };
        assert_eq!(
            said,
            format!("x.o: section `.maps`: {expected}"),
            "BROKEN={broken}"
        );
    }
    let Some(said) = refusal("broken_maps", 19) else {
        return;
    };
    assert_eq!(
        said,
        "x.o: section `.addr_space.1`: variables in the arena, but no map of type arena in `.maps`"
    );
    let Some(said) = refusal("broken_maps", 20) else {
        return;
    };
    assert_eq!(
        said,
        "x.o: section `.maps`: `elsewhere`: the map is only declared here: link the object with the one that defines it"
    );
}

#[test]
fn a_map_section_has_to_name_its_maps() {
    let Some(object) = clang::compile(&clang::fixture("elf/nameless.s"), &["-target", "bpf"])
    else {
        return;
    };
    let error = CollectionSpec::parse(&object).unwrap_err();
    assert_eq!(
        error.to_string(),
        "object: section `maps`: no symbol says where its maps are"
    );
}

/// Turns each section of relocations without addends into one with addends, as other compilers write them.
fn with_addends(object: &[u8], endian: Endian) -> Vec<u8> {
    let mut changed = object.to_vec();
    let word = |bytes: &[u8], at: usize| endian.read_u64(bytes, at).unwrap() as usize;
    let (table, count) = (
        word(object, 40),
        usize::from(endian.read_u16(object, 60).unwrap()),
    );
    for header in (0..count).map(|index| table + index * 64) {
        if endian.read_u32(object, header + 4) != Some(9) {
            continue;
        }
        let patched = table + 64 * endian.read_u32(object, header + 44).unwrap() as usize;
        let (patched_at, patched_flags) = (word(object, patched + 24), word(object, patched + 8));
        let (start, size) = (word(object, header + 24), word(object, header + 32));
        let moved = changed.len().next_multiple_of(8);
        changed.resize(moved, 0);
        for relocation in object[start..start + size].chunks_exact(16) {
            let place = patched_at + word(relocation, 0);
            let immediate = |at: usize| i64::from(endian.read_u32(object, at).unwrap() as i32);
            let addend = match (patched_flags & 4, object[place]) {
                (0, _) => immediate(place),
                (_, 0x85) => (immediate(place + 4) + 1) * 8,
                _ => immediate(place + 4),
            };
            // What is in the place itself does not count any more.
            if patched_flags & 4 != 0 {
                changed[place + 4..place + 8].fill(0xee);
            }
            let mut bytes = [0; 8];
            endian.write_u64(&mut bytes, 0, addend as u64);
            changed.extend(relocation);
            changed.extend(bytes);
        }
        endian.write_u32(&mut changed, header + 4, 4);
        endian.write_u64(&mut changed, header + 24, moved as u64);
        endian.write_u64(&mut changed, header + 32, (size / 16 * 24) as u64);
        endian.write_u64(&mut changed, header + 56, 24);
    }
    changed
}

#[test]
fn relocations_with_addends_mean_the_same() {
    for (target, endian) in [("bpfel", Endian::Little), ("bpfeb", Endian::Big)] {
        for name in ["everything", "liberal", "struct_ops"] {
            let source = clang::fixture(&format!("elf/{name}.bpf.c"));
            let Some(object) = clang::compile(&source, &["-target", target, "-O2", "-g"]) else {
                return;
            };
            let plain = CollectionSpec::parse(&object).unwrap();
            let explicit = CollectionSpec::parse(&with_addends(&object, endian)).unwrap();
            assert_eq!(plain.maps(), explicit.maps());
            for (plain, explicit) in plain.functions().iter().zip(explicit.functions()) {
                assert_eq!(plain.relocs, explicit.relocs, "{name}: {}", plain.name);
            }
        }
    }
}

/// GCC's assembler puts into a call, beside the symbol of a function, once more where that is: in bytes.
#[test]
fn calls_may_say_twice_where_their_function_is() {
    const SOURCE: &str = "\
        __attribute__((noinline)) int first(int x) { return x * 3; }\n\
        __attribute__((noinline)) int second(int x) { return x * 5; }\n\
        __attribute__((section(\"socket\"))) int program(int *ctx) { return first(*ctx) + second(*ctx); }";
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("calls.bpf.c");
    std::fs::write(&source, SOURCE).unwrap();
    let Some(mut object) = clang::compile(&source, &["-target", "bpfel", "-O2"]) else {
        return;
    };
    let plain = CollectionSpec::parse(&object).unwrap();
    let second = plain.functions().iter().find(|f| f.name == "second");
    let place = second.unwrap().section_offset as i32 * 8;
    assert_ne!(place, 0);
    // Both calls say -1 beside their symbols; the second is the last.
    let call = [0x85, 0x10, 0, 0, 0xff, 0xff, 0xff, 0xff];
    let at = object.windows(8).rposition(|bytes| bytes == call).unwrap();
    object[at + 4..at + 8].copy_from_slice(&(place - 1).to_le_bytes());
    let twice = CollectionSpec::parse(&object).unwrap();
    let relocs = |spec: &CollectionSpec| {
        spec.functions()
            .iter()
            .map(|f| f.relocs.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(relocs(&plain), relocs(&twice));
    let calls: usize = relocs(&plain).iter().map(Vec::len).sum();
    assert_eq!(calls, 2);
}

#[test]
fn functions_and_references_are_those_that_readelf_sees() {
    let readelf = [
        "llvm-readelf-19",
        "llvm-readelf-20",
        "llvm-readelf-21",
        "llvm-readelf",
    ];
    let source = clang::fixture("elf/everything.bpf.c");
    let Some(object) = clang::compile(&source, &["-target", "bpf", "-O2", "-g"]) else {
        return;
    };
    let path = std::env::temp_dir().join(format!("oxbpf-readelf-{}.o", std::process::id()));
    std::fs::write(&path, &object).unwrap();
    let output = clang::run(&readelf, &["-s", "-r", path.to_str().unwrap()]);
    std::fs::remove_file(&path).unwrap();
    let Some(output) = output else { return };
    let output = String::from_utf8(output).unwrap();
    let spec = CollectionSpec::parse(&object).unwrap();

    let mut functions: Vec<(&str, usize)> = output
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|words| words.get(3) == Some(&"FUNC"))
        .map(|words| (words[7], words[2].parse::<usize>().unwrap() / 8))
        .collect();
    functions.sort();
    let mut ours: Vec<(&str, usize)> = spec
        .functions()
        .iter()
        .map(|f| (f.name.as_str(), f.insns.len()))
        .collect();
    ours.sort();
    assert_eq!(ours, functions);

    let mut section = "";
    let mut references: Vec<(&str, usize)> = Vec::new();
    for line in output.lines() {
        if let Some(rest) = line.strip_prefix("Relocation section '.rel") {
            section = rest.split('\'').next().unwrap();
        } else if line.contains(" R_BPF_64_")
            && spec
                .functions()
                .iter()
                .any(|function| function.section == section)
        {
            let offset =
                usize::from_str_radix(line.split_whitespace().next().unwrap(), 16).unwrap();
            references.push((section, offset / 8));
        }
    }
    references.sort();
    let mut ours: Vec<(&str, usize)> = spec
        .functions()
        .iter()
        .flat_map(|f| {
            let direct =
                |insn: usize| f.insns[insn].is_subprogram_call() && f.insns[insn].imm != -1;
            f.relocs
                .iter()
                .filter(move |r| !direct(r.insn))
                .map(|r| (f.section.as_str(), f.section_offset + r.insn))
        })
        .collect();
    ours.sort();
    assert_eq!(ours, references);
}

#[test]
fn objects_of_an_older_compiler() {
    for (name, args) in [
        ("kprobe", &["-g"][..]),
        ("kprobe", &[]),
        ("legacy", &["-g"]),
        ("struct_ops", &["-g"]),
        ("liberal", &["-g"]),
    ] {
        for target in ["bpfel", "bpfeb"] {
            let mut all = vec!["-target", target, "-O2"];
            all.extend(args);
            let source = clang::fixture(&format!("elf/{name}.bpf.c"));
            let Some(new) = clang::compile(&source, &all) else {
                return;
            };
            all.extend(["-c", "-o", "-", source.to_str().unwrap()]);
            let Some(old) = clang::run(&["clang-14", "clang-13", "clang-12", "clang-11"], &all)
            else {
                return;
            };
            let new = CollectionSpec::parse(&new).unwrap();
            let old =
                CollectionSpec::parse_named(name, &old).unwrap_or_else(|error| panic!("{error}"));
            let maps = |spec: &CollectionSpec| -> Vec<String> {
                spec.maps().iter().map(|map| map.name.clone()).collect()
            };
            assert_eq!(maps(&old), maps(&new));
            assert_eq!(old.programs(), new.programs());
            for program in 0..old.programs().len() {
                assert!(
                    old.assemble(program)
                        .unwrap()
                        .insns
                        .last()
                        .unwrap()
                        .is_exit()
                );
            }
        }
    }
}

#[test]
fn linked_objects() {
    let Some(first) = clang::compile(
        &clang::fixture("elf/everything.bpf.c"),
        &["-target", "bpf", "-O2", "-g"],
    ) else {
        return;
    };
    let Some(second) = clang::compile(
        &clang::fixture("elf/linked.bpf.c"),
        &["-target", "bpf", "-O2", "-g"],
    ) else {
        return;
    };
    let directory = std::env::temp_dir().join(format!("oxbpf-link-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let paths =
        ["out.o", "a.o", "b.o"].map(|name| directory.join(name).to_str().unwrap().to_owned());
    std::fs::write(&paths[1], first).unwrap();
    std::fs::write(&paths[2], second).unwrap();
    let linked = clang::run(
        &["bpftool", "/usr/sbin/bpftool"],
        &["gen", "object", &paths[0], &paths[1], &paths[2]],
    );
    let linked = linked.map(|_| std::fs::read(&paths[0]).unwrap());
    std::fs::remove_dir_all(&directory).unwrap();
    let Some(linked) = linked else { return };

    // The linker has sized the sections and placed the variables.
    let spec = CollectionSpec::parse(&linked).unwrap();
    let number = |name: &str| {
        spec.endian
            .read_u32(spec.variable_bytes(name).unwrap(), 0)
            .unwrap()
    };
    assert_eq!(
        ["initialised", "hidden", "custom_data", "other_initialised"].map(number),
        [7, 9, 11, 70]
    );
    assert_eq!(spec.map(".data").unwrap().value_size, 20);
    let btf = spec.btf.as_ref().unwrap();
    let section = btf.get(btf.find(".data", Kind::DATASEC).unwrap()).unwrap();
    assert_eq!(section.size(), Some(20));
    // The strong definition has taken the place of the weak one, whose code stays behind without a symbol.
    let index = spec
        .programs()
        .iter()
        .position(|program| program.name == "second_in_section")
        .unwrap();
    let assembled = spec.assemble(index).unwrap();
    let names: Vec<&str> = assembled
        .functions
        .iter()
        .map(|(_, function)| spec.functions()[*function].name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "second_in_section",
            "callback",
            "in_text",
            "global_function",
            "hidden_function",
            "weak_function"
        ]
    );
    assert_eq!(
        spec.functions()
            .iter()
            .filter(|function| function.name == "weak_function")
            .count(),
        1
    );
    let strong = spec.function("weak_function").unwrap();
    assert_eq!(strong.linkage, Linkage::Global);
    let targets: Vec<String> = strong
        .relocs
        .iter()
        .map(|reloc| describe(&spec, reloc.target))
        .collect();
    assert_eq!(targets, [".data+16"]);
    assert!(spec.program("other").is_some());
}
