//! What the kernel tells of programs and links that are there: code, run times, what they print, lists.

use std::io::Read;

use oxbpf::link::{Attachable, LinkTarget};
use oxbpf::program::{RunStats, Stream, TestRun};
use oxbpf::{ErrorKind, Ids, Iter, Link, Map, RawTracepoint};

use super::fixture::Fixture;
use super::*;

#[test]
fn code_of_a_program_names_functions_and_lines() {
    let fixture = Fixture::load(&["calls_replaceable"]).unwrap();
    let program = fixture.program("calls_replaceable");
    let code = program.code().unwrap();
    let info = program.info().unwrap();
    assert_eq!(code.insns.len() * 8, info.xlated_size as usize);
    assert_eq!(code.machine_code.len(), info.jited_size as usize);
    let names: Vec<_> = code.functions.iter().map(|f| f.name.as_deref()).collect();
    assert_eq!(names, [Some("calls_replaceable"), Some("replaceable")]);
    let [first, second] = code.functions.as_slice() else {
        panic!("{:?}", code.functions)
    };
    assert_eq!(first.insn, Some(0));
    assert!(second.insn.unwrap() > 0);
    assert_ne!(first.tag, second.tag);
    if info.jited_size > 0 {
        assert!(first.address.is_some() && second.address != first.address);
        assert_eq!(first.machine_code.end, second.machine_code.start);
        assert_eq!(second.machine_code.end, code.machine_code.len());
    }
    let line = code
        .lines
        .iter()
        .find(|line| line.text.contains("return replaceable(skb)"));
    let line = line.unwrap_or_else(|| panic!("{:?}", code.lines));
    assert!(line.file.ends_with("tracing.bpf.c"), "{line:?}");
    assert!(line.line > 0 && line.insn < code.insns.len());
    assert_eq!(line.address.is_some(), info.jited_size > 0);
}

#[test]
fn code_is_for_those_who_may_see_it() {
    let fixture = Fixture::load(&["at_tp"]).unwrap();
    let program = fixture.program("at_tp");
    give_up_capabilities();
    assert_kind(
        program.code(),
        ErrorKind::PermissionDenied,
        "reading the code",
    );
}

#[test]
fn run_times_are_measured_while_somebody_asks() {
    let fixture = Fixture::load(&["at_tp"]).unwrap();
    let program = fixture.program("at_tp");
    let _link = program.attach().unwrap();
    let before = program.info().unwrap().run_count;
    let measuring = RunStats::enable().unwrap();
    assert_eq!(fixture.runs(getpgid), TIMES);
    let info = program.info().unwrap();
    assert!(info.run_count >= before + TIMES, "{info:?}");
    assert!(!info.run_time.is_zero());
    drop(measuring);
    give_up_capabilities();
    assert_kind(
        RunStats::enable(),
        ErrorKind::PermissionDenied,
        "CAP_SYS_ADMIN",
    );
}

#[test]
fn what_a_program_prints_is_read_once() {
    let Ok(fixture) = Fixture::load(&["prints"]) else {
        let fixture = Fixture::load(&["at_tp"]).unwrap();
        let read = fixture.program("at_tp").read_stream(Stream::Stdout);
        assert_kind(read, ErrorKind::Unsupported, "6.17");
        skip!("this kernel has no syscall programs");
    };
    let program = fixture.program("prints");
    let answer = program.test_run(TestRun::default()).unwrap().return_value as i32;
    if answer == -95 {
        assert_kind(
            program.read_stream(Stream::Stdout),
            ErrorKind::Unsupported,
            "6.17",
        );
        skip!("this kernel has no streams of programs");
    }
    require!(
        answer != -12,
        "this kernel has no memory for streams of programs"
    );
    assert_eq!(answer, 0);
    assert_eq!(program.read_stream(Stream::Stderr).unwrap(), b"");
    assert_eq!(program.read_stream(Stream::Stdout).unwrap(), b"answer 42\n");
    assert_eq!(program.read_stream(Stream::Stdout).unwrap(), b"");
    program.test_run(TestRun::default()).unwrap();
    let mut text = String::new();
    program
        .stream(Stream::Stdout)
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, "answer 42\n");
}

#[test]
fn everything_is_listed_by_its_id() {
    let fixture = Fixture::load(&["uses_numbers"]).unwrap();
    let program = fixture.program("uses_numbers");
    let id = program.info().unwrap().id;
    let ids: Vec<u32> = Program::ids().map(Result::unwrap).collect();
    assert!(ids.contains(&id) && ids.is_sorted(), "{ids:?}");
    assert!(Program::all().any(|p| p.unwrap().info().unwrap().id == id));
    let map = fixture
        .collection
        .map("numbers")
        .unwrap()
        .info()
        .unwrap()
        .id;
    assert!(Map::ids().any(|id| id.unwrap() == map));
    assert!(Map::all().any(|m| m.unwrap().info().unwrap().id == map));
    assert!(Ids::of_btfs().count() > 0);
    give_up_capabilities();
    let denied: Vec<_> = Program::ids().collect();
    assert_eq!(denied.len(), 1);
    assert_kind(
        denied.into_iter().next().unwrap(),
        ErrorKind::PermissionDenied,
        "CAP_SYS_ADMIN",
    );
}

#[test]
fn link_is_found_by_its_id() {
    let fixture = Fixture::load(&["at_raw_tp"]).unwrap();
    let link = fixture.program("at_raw_tp").attach().unwrap();
    let id = link.info().unwrap().id.unwrap();
    assert!(Link::ids().any(|other| other.unwrap() == id));
    assert!(Link::all().any(|other| other.unwrap().info().unwrap().id == Some(id)));
    let same = Link::from_id(id).unwrap();
    match same.info().unwrap().target {
        LinkTarget::RawTracepoint { name, .. } => assert_eq!(name, "sys_enter"),
        other => panic!("{other:?}"),
    }
    drop(link);
    assert!(fixture.runs(getpgid) >= TIMES);
    drop(same);
    assert_eq!(fixture.runs(getpgid), 0);
    assert_kind(Link::from_id(id), ErrorKind::NotFound, "with id");
    assert_kind(
        Link::from_id(u32::MAX),
        ErrorKind::NotFound,
        "id 4294967295",
    );
}

#[test]
fn program_of_an_iterator_is_replaced() {
    alone();
    let load = || {
        let mut spec =
            oxbpf::Loadable::into_spec(fixtures::iters::Spec::embedded().unwrap()).unwrap();
        for name in ["each_task", "each_bpf_map"] {
            spec.program_mut(name).unwrap().autoload = true;
        }
        oxbpf::Loader::new().load(spec).unwrap()
    };
    let (one, two) = (load(), load());
    let program = |of: &oxbpf::Collection| of.program("each_task").unwrap();
    let mut link = Iter::new().attach(&program(&one)).unwrap();
    link.update(&program(&two)).unwrap();
    let id = |program: Program| program.info().unwrap().id;
    assert_eq!(link.info().unwrap().program_id, id(program(&two)));
    let unexpected = link.update_expecting(&program(&one), &program(&one));
    assert_kind(unexpected, ErrorKind::AlreadyExists, "another program");
    link.update_expecting(&program(&two), &program(&one))
        .unwrap();
    assert_eq!(link.info().unwrap().program_id, id(program(&one)));
    let other = two.program("each_bpf_map").unwrap();
    assert!(link.update(&other).is_err());
}

#[test]
fn program_at_a_tracepoint_is_not_replaced() {
    let fixture = Fixture::load(&["at_raw_tp"]).unwrap();
    let program = fixture.program("at_raw_tp");
    let mut link = RawTracepoint::new("sys_enter").attach(&program).unwrap();
    assert_kind(
        link.update(&program),
        ErrorKind::Unsupported,
        "raw_tracepoint",
    );
}

#[test]
fn syscall_program_runs_on_demand() {
    let fixture = match Fixture::load(&["runs_on_demand"]) {
        Ok(fixture) => fixture,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            skip!("this kernel has no syscall programs");
        }
    };
    let program = fixture.program("runs_on_demand");
    let mut context = [0u8; 16];
    context[..8].copy_from_slice(&5u64.to_ne_bytes());
    context[8..].copy_from_slice(&30u64.to_ne_bytes());
    assert_eq!(program.run(&mut context).unwrap(), 7);
    assert_eq!(context[8..], 35u64.to_ne_bytes());
    assert_eq!(fixture.get("runs"), 1);
    let tracing = Fixture::load(&["at_tp"]).unwrap().program("at_tp");
    assert_kind(tracing.run(&mut []), ErrorKind::WrongKind, "test_run");
    let skipped = oxbpf::link::attach_all([Attachable::from(&program)]).unwrap();
    assert_eq!(skipped.skipped().len(), 1);
}

/// Each type that can be run returns what its program does; of the others it is told that they cannot.
#[test]
fn programs_of_every_kind_are_run() {
    let ethernet = [0u8; 14];
    // An Ethernet header of IPv4, and room for the rest.
    let mut ip = [0u8; 64];
    (ip[12], ip[14]) = (8, 0x45);
    let kinds: &[(ProgramType, Option<AttachType>, &[u8], usize)] = &[
        (ProgramType::SOCKET_FILTER, None, &ethernet, 0),
        (ProgramType::SCHED_CLS, None, &ethernet, 0),
        (ProgramType::SCHED_ACT, None, &ethernet, 0),
        (ProgramType::XDP, None, &ethernet, 0),
        (ProgramType::CGROUP_SKB, None, &ip, 0),
        (ProgramType::LWT_IN, None, &ip, 0),
        (ProgramType::LWT_OUT, None, &ip, 0),
        (ProgramType::LWT_XMIT, None, &ip, 0),
        (ProgramType::FLOW_DISSECTOR, None, &ip, 0),
        (ProgramType::RAW_TRACEPOINT, None, &[], 16),
        (ProgramType::NETFILTER, Some(AttachType::NETFILTER), &ip, 0),
    ];
    let insns = asm::program([asm::mov(Reg::R0, 1), asm::exit()]);
    let load = |program_type, attach_type| {
        let attach = AttachInfo {
            attach_type,
            ..AttachInfo::default()
        };
        ProgramLoad {
            name: "one",
            program_type,
            insns: &insns,
            license: "GPL",
            attach,
            ..ProgramLoad::default()
        }
        .load()
    };
    for (program_type, attach_type, data, context) in kinds {
        let program = match load(*program_type, *attach_type) {
            Ok(program) => program,
            Err(error) if error.kind() == ErrorKind::Unsupported => continue,
            Err(error) => panic!("{error:?}"),
        };
        let context = vec![0; *context];
        let run = TestRun {
            data,
            context: &context,
            ..TestRun::default()
        };
        match program.test_run(run) {
            // Old kernels say of these whether they returned BPF_OK.
            Ok(result) if *program_type == ProgramType::FLOW_DISSECTOR => {
                assert!(result.return_value <= 1, "{result:?}");
            }
            Ok(result) => assert_eq!(result.return_value, 1, "{program_type}"),
            Err(error) => panic!("{program_type}: {error}"),
        }
    }
    let kprobe = load(ProgramType::KPROBE, None).unwrap();
    let run = kprobe.test_run(TestRun::default());
    assert_kind(run, ErrorKind::Unsupported, "running");
}
