//! Attaching by the name of a section.

use oxbpf::ErrorKind;
use oxbpf::object::kernel::ProgramType;

use super::*;

#[test]
fn tracepoint_by_its_section() {
    let counter = Counter::new();
    for section in [
        "tracepoint/syscalls/sys_enter_getpgid",
        "?tp/syscalls/sys_enter_getpgid",
    ] {
        let program = from_section(&counter, ProgramType::TRACEPOINT, section);
        let link = program.attach().unwrap();
        assert_eq!(counter.runs(getpgid), TIMES, "{section}");
        drop(link);
        let link = program.attach_to("syscalls/sys_enter_getppid").unwrap();
        assert_eq!(counter.runs(getpgid), 0);
        assert_eq!(counter.runs(getppid), TIMES);
        drop(link);
    }
}

#[test]
fn raw_tracepoint_by_its_section() {
    let counter = Counter::new();
    for section in [
        "raw_tp/sys_enter",
        "raw_tracepoint/sys_enter",
        "raw_tracepoint",
    ] {
        let program = from_section(&counter, ProgramType::RAW_TRACEPOINT, section);
        let link = match section.contains('/') {
            true => program.attach().unwrap(),
            false => program.attach_to("sys_enter").unwrap(),
        };
        assert!(counter.runs(getpgid) >= TIMES, "{section}");
        drop(link);
    }
}

#[test]
fn kprobe_by_its_section() {
    require!(has_kprobes(), "this kernel has no kprobes");
    let counter = Counter::new();
    for section in [
        "kprobe/sys_getpgid",
        "kretprobe/__x64_sys_getpgid",
        "ksyscall/getpgid",
        "kretsyscall/getpgid",
    ] {
        let program = from_section(&counter, ProgramType::KPROBE, section);
        let link = program.attach().unwrap();
        assert_eq!(counter.runs(getpgid), TIMES, "{section}");
        drop(link);
        let target = if section.contains("syscall") {
            "getppid"
        } else {
            "sys_getppid"
        };
        let link = program.attach_to(target).unwrap();
        assert_eq!(counter.runs(getpgid), 0);
        assert_eq!(counter.runs(getppid), TIMES, "{section}");
        drop(link);
    }
}

#[test]
fn section_that_does_not_say_enough() {
    let counter = Counter::new();
    let attach = |program_type, section| from_section(&counter, program_type, section).attach();
    let kprobe = ProgramType::KPROBE;
    let invalid = ErrorKind::InvalidInput;
    assert_kind(attach(kprobe, ""), invalid, "Kprobe::new");
    assert_kind(attach(kprobe, "kprobe"), invalid, "SEC(\"kprobe/…\")");
    assert_kind(
        attach(kprobe, "kretprobe/vfs_open+8"),
        invalid,
        "runs on return",
    );
    assert_kind(attach(kprobe, "kprobes/vfs_open"), invalid, "of no kind");
    let socket = Counter::load_idle(ProgramType::SOCKET_FILTER, "socket");
    assert_kind(socket.attach(), invalid, "the builder");
    assert_kind(
        attach(ProgramType::TRACEPOINT, "tp/sched"),
        invalid,
        "CATEGORY/NAME",
    );
    // Of a program's type the kernel knows more than its section does.
    assert_kind(
        attach(kprobe, "tp/sched/sched_switch"),
        ErrorKind::WrongKind,
        "kprobe",
    );
}

#[test]
fn btf_target_is_fixed_at_load() {
    let counter = Counter::new();
    let bytes = fs::read("/sys/kernel/btf/vmlinux").unwrap();
    let id = Btf::parse(bytes)
        .unwrap()
        .find("btf_trace_sys_enter", Kind::TYPEDEF)
        .unwrap();
    let attach = AttachInfo {
        section: "tp_btf/sys_enter".into(),
        target: Some("sys_enter".into()),
        attach_type: Some(AttachType::TRACE_RAW_TP),
        ..AttachInfo::default()
    };
    let program = counter
        .load_for(ProgramType::TRACING, Watch::default(), attach, id)
        .unwrap();
    assert_kind(
        program.attach_to("sys_exit"),
        ErrorKind::InvalidInput,
        "before loading",
    );
    let link = program.attach().unwrap();
    assert!(counter.runs(getpgid) >= TIMES);
    drop(link);
    let _link = program.attach_to("sys_enter").unwrap();
    assert!(counter.runs(getpgid) >= TIMES);
}
