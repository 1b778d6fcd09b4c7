//! Programs in a real kernel.

#[macro_use]
mod common;

use std::os::fd::{AsFd, AsRawFd};

use oxbpf::map::{Array, CreateOptions, Map};
use oxbpf::object::asm::{self, AluOp, Insn, Reg, Size};
use oxbpf::object::kernel::{AttachType, Helper, MapType, ProgramFlags, ProgramType};
use oxbpf::object::spec::MapSpec;
use oxbpf::program::{
    AttachInfo, KprobeKind, LogLevel, Program, ProgramLoad, TestRun, TracepointKind, Typed,
};
use oxbpf::{Error, ErrorKind, Loadable, Loader};

/// `return value`.
fn returning(value: i32) -> Vec<Insn> {
    asm::program([asm::mov(Reg::R0, value), asm::exit()])
}

fn request<'a>(name: &'a str, program_type: ProgramType, insns: &'a [Insn]) -> ProgramLoad<'a> {
    ProgramLoad {
        name,
        program_type,
        insns,
        license: "GPL",
        ..ProgramLoad::default()
    }
}

fn socket_filter<'a>(name: &'a str, insns: &'a [Insn]) -> ProgramLoad<'a> {
    request(name, ProgramType::SOCKET_FILTER, insns)
}

fn array(entries: u32) -> Array<u64> {
    let spec = MapSpec {
        map_type: MapType::ARRAY,
        key_size: 4,
        value_size: 8,
        max_entries: entries,
        ..MapSpec::default()
    };
    Map::create("values", &spec, CreateOptions::default())
        .unwrap()
        .typed()
        .unwrap()
}

#[track_caller]
fn refusal(load: &ProgramLoad<'_>, kind: ErrorKind) -> Error {
    let error = load.load().unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    error
}

#[test]
fn loaded_program_runs() {
    let insns = returning(42);
    let program = socket_filter("answer", &insns).load().unwrap();
    let result = program
        .test_run(TestRun {
            data: &[0; 64],
            repeat: 3,
            ..TestRun::default()
        })
        .unwrap();
    assert_eq!(result.return_value, 42);
}

#[test]
fn program_writes_to_a_map() {
    let values = array(1);
    let insns = asm::program([
        asm::load_map_value(Reg::R1, values.as_fd().as_raw_fd(), 0),
        asm::store(Size::DW, Reg::R1, 0, 77),
        asm::mov(Reg::R0, 0),
        asm::exit(),
    ]);
    let program = socket_filter("store", &insns).load().unwrap();
    let id = values.map().info().unwrap().id;
    assert_eq!(program.map_ids().unwrap(), [id]);
    program
        .test_run(TestRun {
            data: &[0; 64],
            ..TestRun::default()
        })
        .unwrap();
    assert_eq!(values.get(0).unwrap(), 77);
}

#[test]
fn map_lives_as_long_as_a_program_that_it_is_bound_to() {
    let insns = returning(0);
    let program = socket_filter("binder", &insns).load().unwrap();
    assert_eq!(program.map_ids().unwrap(), []);
    let values = array(1);
    let id = values.map().info().unwrap().id;
    program.bind_map(values.map()).unwrap();
    drop(values);
    assert_eq!(program.map_ids().unwrap(), [id]);
    assert_eq!(Map::from_id(id).unwrap().info().unwrap().id, id);
}

#[test]
fn test_run_names_the_room_it_takes() {
    let insns = returning(2);
    let program = request("pass", ProgramType::XDP, &insns).load().unwrap();
    let mut out = [0; 64];
    let result = program
        .test_run(TestRun {
            data: &[7; 64],
            data_out: &mut out,
            ..TestRun::default()
        })
        .unwrap();
    assert_eq!((result.return_value, result.data_len), (2, 64));
    assert_eq!(out, [7; 64]);
    let error = program
        .test_run(TestRun {
            data: &[7; 64],
            data_out: &mut [0; 10],
            ..TestRun::default()
        })
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongSize);
    assert!(error.to_string().contains("64 bytes of data"), "{error}");
}

#[test]
fn info_names_what_was_loaded() {
    let insns = returning(0);
    let program = socket_filter("a program's long name", &insns)
        .load()
        .unwrap();
    assert_eq!(program.name(), "a program's long name");
    let info = program.info().unwrap();
    assert_eq!(info.name, "a_program_s_lon");
    assert_eq!(info.program_type, ProgramType::SOCKET_FILTER);
    assert_eq!(info.xlated_size, 16);
    assert!(info.gpl_compatible);
    assert_eq!(info.run_count, 0);
    let proprietary = ProgramLoad {
        license: "Proprietary",
        ..socket_filter("closed", &insns)
    };
    assert!(!proprietary.load().unwrap().info().unwrap().gpl_compatible);
}

#[test]
fn descriptors_ids_and_pins_lead_to_the_same_program() {
    let insns = returning(0);
    let program = socket_filter("named", &insns).load().unwrap();
    let info = program.info().unwrap();
    let same = Program::from_id(info.id).unwrap();
    assert_eq!(same.info().unwrap(), info);
    assert_eq!(same.program_type(), ProgramType::SOCKET_FILTER);
    let same = Program::from_fd(program.as_fd().try_clone_to_owned().unwrap()).unwrap();
    assert_eq!(same.name(), "named");
    let kind_of = |result: Result<Program, Error>| result.unwrap_err().kind();
    assert_eq!(kind_of(Program::from_id(u32::MAX)), ErrorKind::NotFound);
    let map = array(1).as_fd().try_clone_to_owned().unwrap();
    assert_eq!(kind_of(Program::from_fd(map)), ErrorKind::WrongKind);
    let error = Map::from_fd(program.as_fd().try_clone_to_owned().unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongKind);

    let path = common::own_bpffs().join("program");
    program.pin(&path).unwrap();
    assert_eq!(Program::open_pinned(&path).unwrap().info().unwrap(), info);
    assert_eq!(
        Map::open_pinned(&path).unwrap_err().kind(),
        ErrorKind::WrongKind
    );
    let other = socket_filter("other", &insns).load().unwrap();
    assert_eq!(
        other.unpin(&path).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    program.unpin(&path).unwrap();
    assert_eq!(kind_of(Program::open_pinned(&path)), ErrorKind::NotFound);
}

#[test]
fn typed_programs_are_of_their_kind() {
    let insns = returning(0);
    let program = request("probe", ProgramType::KPROBE, &insns)
        .load()
        .unwrap();
    let typed = Typed::<KprobeKind>::try_from(program.clone()).unwrap();
    assert_eq!(typed.name(), "probe");
    let error = Typed::<TracepointKind>::new(program).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongKind);
    assert_eq!(
        error.to_string(),
        "using program `probe` failed: it is of type kprobe, not a tracepoint"
    );
}

#[test]
fn rejection_carries_log_summary_and_instruction() {
    // Reads through a number.
    let insns = asm::program([
        asm::mov(Reg::R1, 0),
        asm::load(Size::DW, Reg::R0, Reg::R1, 8),
        asm::exit(),
    ]);
    let error = refusal(&socket_filter("bad", &insns), ErrorKind::Rejected);
    let verdict = error.verifier().unwrap();
    assert!(
        verdict.log().contains("(79) r0 = *(u64 *)(r1 +8)"),
        "{error:?}"
    );
    assert!(verdict.log().contains("processed"), "{error:?}");
    assert!(!verdict.is_truncated());
    assert!(
        verdict.summary().starts_with("R1 invalid mem access '"),
        "{error}"
    );
    assert_eq!(verdict.insn(), Some(1));
    assert!(verdict.source_line().is_none());
    let text = error.to_string();
    assert!(
        text.starts_with("loading program `bad` (socket_filter) failed: R1 invalid mem access '")
            && text.contains("(instruction 1)"),
        "{text}"
    );
    assert!(!text.contains('\n'), "{text}");
}

#[test]
fn advice_is_given_where_it_is_known() {
    let insns = asm::program([
        asm::mov(Reg::R1, 0),
        asm::call(Helper::GET_CURRENT_TASK),
        asm::exit(),
    ]);
    let proprietary = ProgramLoad {
        license: "Proprietary",
        ..request("closed", ProgramType::KPROBE, &insns)
    };
    let error = refusal(&proprietary, ErrorKind::Rejected);
    assert!(error.remedy().unwrap().contains("licen"), "{error}");
}

#[test]
fn long_logs_are_whole() {
    // One path of many steps, each with a line in the log, and wrong at its end.
    let mut ops = vec![asm::mov(Reg::R1, 0)];
    ops.extend((0..60_000).map(|step| asm::alu(AluOp::Xor, Reg::R1, step)));
    ops.push(asm::exit());
    let insns = asm::program(ops);
    let error = refusal(&socket_filter("long", &insns), ErrorKind::Rejected);
    let verdict = error.verifier().unwrap();
    assert!(verdict.log().len() > 1 << 20, "{}", verdict.log().len());
    assert!(!verdict.is_truncated());
    assert!(verdict.log().contains("\n1: (a7) r1 ^= 0"));
    assert!(verdict.log().contains("\n60000: (a7) r1 ^= 59999"));
    assert!(verdict.summary().starts_with("R0 !read_ok"), "{error}");
    assert_eq!(verdict.insn(), Some(60_001));
}

#[test]
fn log_of_a_good_program_can_be_had() {
    let insns = returning(7);
    let (_, log) = socket_filter("good", &insns)
        .load_with_log(LogLevel::LEVEL2 | LogLevel::STATS)
        .unwrap();
    assert!(log.contains("0: (b7) r0 = 7"), "{log}");
    assert!(log.contains("verification time"), "{log}");
}

#[test]
fn what_the_kernel_does_not_look_at_is_explained() {
    let insns = returning(0);
    let text = |load: &ProgramLoad<'_>, kind| refusal(load, kind).to_string();
    let empty = text(&socket_filter("empty", &[]), ErrorKind::InvalidInput);
    assert!(empty.contains("it has no instructions"), "{empty}");
    let huge = vec![insns[0]; 1_000_001];
    let huge = text(&socket_filter("huge", &huge), ErrorKind::LimitExceeded);
    assert!(huge.contains("1000001 instructions"), "{huge}");
    let unknown = text(
        &request("new", ProgramType(4000), &insns),
        ErrorKind::Unsupported,
    );
    assert!(unknown.contains("no programs of type 4000"), "{unknown}");
    let flagged = ProgramLoad {
        flags: ProgramFlags::from_bits_retain(1 << 30),
        ..socket_filter("flagged", &insns)
    };
    let flagged = text(&flagged, ErrorKind::Kernel);
    assert!(flagged.contains("does not take the flags"), "{flagged}");
    let misplaced = ProgramLoad {
        attach: AttachInfo {
            attach_type: Some(AttachType::XDP),
            ..AttachInfo::default()
        },
        ..request("misplaced", ProgramType::CGROUP_SOCK, &insns)
    };
    let misplaced = text(&misplaced, ErrorKind::Unsupported);
    assert!(misplaced.contains("cgroup_sock for xdp"), "{misplaced}");
    let nul = ProgramLoad {
        license: "G\0PL",
        ..socket_filter("nul", &insns)
    };
    assert!(text(&nul, ErrorKind::InvalidInput).contains("NUL"));
}

#[test]
fn missing_capabilities_are_named() {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

    // Capabilities are the thread's; this test has one of its own.
    let mut sets = capabilities(None).unwrap();
    let all = sets;
    sets.effective -= CapabilitySet::SYS_ADMIN | CapabilitySet::BPF | CapabilitySet::PERFMON;
    set_capabilities(None, sets).unwrap();
    let insns = returning(0);
    let error = refusal(
        &request("probe", ProgramType::KPROBE, &insns),
        ErrorKind::PermissionDenied,
    );
    let remedy = error.remedy().unwrap();
    assert!(
        remedy.starts_with("run it as root, or with CAP_BPF and CAP_PERFMON"),
        "{remedy}"
    );
    sets.effective |= CapabilitySet::BPF;
    set_capabilities(None, sets).unwrap();
    let error = refusal(
        &request("probe", ProgramType::KPROBE, &insns),
        ErrorKind::PermissionDenied,
    );
    let remedy = error.remedy().unwrap();
    assert!(
        remedy.starts_with("run it as root, or with CAP_PERFMON"),
        "{remedy}"
    );
    set_capabilities(None, all).unwrap();
    request("probe", ProgramType::KPROBE, &insns)
        .load()
        .unwrap();
}

/// The programs of `rejected.bpf.c`: what the summary contains, one of several depending on the
/// kernel, and the line of C at fault.
const REJECTED: &[(&str, &[&str], &str)] = &[
    (
        "no_null_check",
        &["R0 invalid mem access 'map_value_or_null'"],
        "*value += skb->len;",
    ),
    (
        "out_of_bounds",
        &["invalid access to map value, value_size=8 off=56 size=8"],
        "value[skb->len & 7] = 1;",
    ),
    ("unread_register", &["R7 !read_ok"], "asm volatile"),
    (
        "helper_of_others",
        &[
            "unknown func bpf_override_return",
            "cannot use helper bpf_override_return",
        ],
        "return bpf_override_return(",
    ),
    (
        "no_such_helper",
        &["invalid func unknown#100000"],
        "100000)();",
    ),
    ("endless", &["infinite loop detected at insn 0"], "for (;;)"),
    (
        "beyond_the_stack",
        &["invalid write to stack"],
        "asm volatile",
    ),
    (
        "wrong_context",
        &["invalid bpf_context access off=4000"],
        "+ 4000);",
    ),
    ("leaked_record", &["Unreleased reference id="], "}"),
    (
        "pointer_division",
        &["R1 pointer arithmetic with /="],
        "asm volatile",
    ),
    (
        "unbounded_length",
        &["invalid zero-sized read"],
        "bpf_skb_load_bytes(",
    ),
    (
        "in_a_subprogram",
        &["R1 invalid mem access 'map_value_or_null'"],
        "return *value;",
    ),
    (
        "wrong_result",
        &["At program exit the register R0 has"],
        "return 7;",
    ),
];

#[test]
fn rejections_name_reason_and_line_of_c() {
    let spec = fixtures::rejected::Spec::embedded()
        .unwrap()
        .into_spec()
        .unwrap();
    let source = include_str!("../../../fixtures/src/bpf/rejected.bpf.c");
    for (name, reasons, line) in REJECTED {
        let mut spec = spec.clone();
        spec.program_mut(name).unwrap().autoload = true;
        let error = Loader::new().load(spec).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
        let verdict = error.verifier().unwrap();
        let summary = verdict.summary();
        assert!(
            reasons.iter().any(|reason| summary.contains(reason)),
            "{name}: {summary}"
        );
        let found = verdict.source_line().unwrap();
        assert!(found.text.contains(line), "{name}: {found}");
        let file = found.file.as_deref().unwrap();
        assert!(file.ends_with("rejected.bpf.c"), "{name}: {found}");
        let number = found.line.unwrap() as usize;
        let text = source.lines().nth(number - 1).unwrap();
        assert_eq!(text.trim(), found.text, "{name}");
        assert!(error.to_string().contains(&found.to_string()), "{error}");
    }
}
