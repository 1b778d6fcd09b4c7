//! Kprobes and kretprobes, each way that there is.

use oxbpf::link::{AttachBy, LinkTarget, ProbeSource};
use oxbpf::object::kernel::{LinkType, ProgramType};
use oxbpf::program::{KprobeKind, Typed};
use oxbpf::{AttachPoint, ErrorKind, Kprobe, Kretprobe, Link};

use super::*;

const NO_KPROBES: &str = "this kernel has no kprobes";
const NO_PERF_LINKS: &str = "this kernel has no links for perf events";

/// Attaches, sees the program run, detaches, and sees that nothing is left.
fn counts(
    attach: impl Fn(&Program) -> oxbpf::Result<Link>,
    by_link: Option<bool>,
    in_tracefs: bool,
) {
    let counter = Counter::new();
    let program = counter.kprobe();
    let before = descriptors();

    let link = attach(&program).unwrap();
    assert_eq!(counter.runs(getpgid), TIMES);
    assert_eq!(probes().len(), usize::from(in_tracefs), "{:?}", probes());
    assert_eq!(link.survives_process().is_some(), in_tracefs);
    let info = link.info().unwrap();
    assert_eq!(info.link_type, LinkType::PERF_EVENT);
    assert_eq!(info.program_id, program.info().unwrap().id);
    if let Some(by_link) = by_link {
        assert_eq!(info.id.is_some(), by_link);
    }
    link.detach().unwrap();
    assert_eq!(counter.runs(getpgid), 0);
    assert_eq!(descriptors(), before);
    assert!(probes().is_empty(), "{:?}", probes());

    drop(attach(&program).unwrap());
    assert_eq!(counter.runs(getpgid), 0);
    assert_eq!(descriptors(), before);
    assert!(probes().is_empty(), "{:?}", probes());
}

/// Whether perf events can have links here.
fn has_perf_links() -> bool {
    let counter = Counter::new();
    let attached = Kprobe::new(GETPGID)
        .attach_by(AttachBy::Link)
        .attach(&counter.kprobe());
    match attached {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            assert!(error.to_string().contains("5.15"), "{error}");
            false
        }
    }
}

macro_rules! ways {
    ($($name:ident: $builder:ident, $source:ident, $by:ident;)*) => {$(
        #[test]
        fn $name() {
            require!(has_kprobes(), "{NO_KPROBES}");
            let by = AttachBy::$by;
            require!(by != AttachBy::Link || has_perf_links(), "{NO_PERF_LINKS}");
            let by_link = match by {
                AttachBy::Auto => None,
                by => Some(by == AttachBy::Link),
            };
            let source = ProbeSource::$source;
            let attach = |program: &Program| {
                $builder::new(GETPGID).source(source).attach_by(by).attach(program)
            };
            counts(attach, by_link, source == ProbeSource::Tracefs);
        }
    )*};
}

ways! {
    kprobe_counts: Kprobe, Auto, Auto;
    kprobe_from_the_pmu_by_link_counts: Kprobe, Pmu, Link;
    kprobe_from_the_pmu_by_ioctl_counts: Kprobe, Pmu, Ioctl;
    kprobe_through_tracefs_by_link_counts: Kprobe, Tracefs, Link;
    kprobe_through_tracefs_by_ioctl_counts: Kprobe, Tracefs, Ioctl;
    kretprobe_counts: Kretprobe, Auto, Auto;
    kretprobe_from_the_pmu_by_link_counts: Kretprobe, Pmu, Link;
    kretprobe_from_the_pmu_by_ioctl_counts: Kretprobe, Pmu, Ioctl;
    kretprobe_through_tracefs_by_link_counts: Kretprobe, Tracefs, Link;
    kretprobe_through_tracefs_by_ioctl_counts: Kretprobe, Tracefs, Ioctl;
}

#[test]
fn automatic_choice_is_a_link_from_the_pmu() {
    require!(has_kprobes(), "{NO_KPROBES}");
    require!(has_perf_links(), "{NO_PERF_LINKS}");
    let link = Kprobe::new(GETPGID)
        .attach(&Counter::new().kprobe())
        .unwrap();
    assert!(link.info().unwrap().id.is_some());
    assert_eq!(link.survives_process(), None);
}

#[test]
fn one_system_call_by_any_name() {
    require!(has_kprobes(), "{NO_KPROBES}");
    let counter = Counter::new();
    let program = counter.kprobe();
    let counts = |name: &str, source| {
        let link = Kprobe::new(name).source(source).attach(&program).unwrap();
        assert_eq!(counter.runs(getpgid), TIMES, "{name}");
        link.detach().unwrap();
    };
    for name in [
        "getpgid",
        "sys_getpgid",
        "__x64_sys_getpgid",
        "__arm64_sys_getpgid",
    ] {
        counts(name, ProbeSource::Pmu);
    }
    counts("sys_getpgid", ProbeSource::Tracefs);
    let link = Kprobe::syscall("getpgid").attach(&program).unwrap();
    assert_eq!(counter.runs(getpgid), TIMES);
    drop(link);
    let link = Kretprobe::syscall("getpgid").attach(&program).unwrap();
    assert_eq!(counter.runs(getpgid), TIMES);
    drop(link);
}

#[test]
fn function_that_is_no_system_call() {
    require!(has_kprobes(), "{NO_KPROBES}");
    let counter = Counter::new();
    let link = Kprobe::new("vfs_open").attach(&counter.kprobe()).unwrap();
    assert_eq!(
        counter.runs(|| drop(fs::File::open("/dev/null").unwrap())),
        TIMES
    );
    if let LinkTarget::Kprobe {
        function,
        offset,
        on_return,
        ..
    } = link.info().unwrap().target
    {
        assert_eq!(
            (function.as_str(), offset, on_return),
            ("vfs_open", 0, false)
        );
    }
}

#[test]
fn kretprobe_says_that_it_is_one() {
    require!(has_kprobes(), "{NO_KPROBES}");
    let counter = Counter::new();
    let probe = Kretprobe::new("vfs_open").attach_by(AttachBy::Ioctl);
    let link = probe.attach(&counter.kprobe()).unwrap();
    match link.info().unwrap().target {
        LinkTarget::Kprobe {
            function,
            on_return,
            ..
        } => {
            assert_eq!((function.as_str(), on_return), ("vfs_open", true));
        }
        other => panic!("{other:?}"),
    }
}

/// x86-64 functions begin with `endbr64` or the 5 bytes that ftrace owns, so what comes behind begins at 5 or 9.
#[test]
#[cfg(target_arch = "x86_64")]
fn offset_moves_the_probe() {
    require!(has_kprobes(), "{NO_KPROBES}");
    let counter = Counter::new();
    let program = counter.kprobe();
    for source in [ProbeSource::Pmu, ProbeSource::Tracefs] {
        let at = |offset| {
            Kprobe::new("vfs_open")
                .offset(offset)
                .source(source)
                .attach(&program)
        };
        let link = at(5).or_else(|_| at(9)).unwrap();
        assert_eq!(
            counter.runs(|| drop(fs::File::open("/dev/null").unwrap())),
            TIMES
        );
        drop(link);
        assert_kind(at(1), ErrorKind::InvalidInput, "byte 1");
    }
}

#[test]
fn cookie_reaches_the_program() {
    require!(has_kprobes(), "{NO_KPROBES}");
    if !has_perf_links() {
        let program = Counter::new().kprobe();
        let attached = Kprobe::new(GETPGID).cookie(7).attach(&program);
        assert_kind(attached, ErrorKind::Unsupported, "giving it a cookie");
        skip!("{NO_PERF_LINKS}");
    }
    let counter = Counter::new();
    let watch = Watch {
        cookie: true,
        ..Watch::default()
    };
    let program = counter.load(ProgramType::KPROBE, watch).unwrap();
    for (cookie, source) in [(7, ProbeSource::Pmu), (u64::MAX, ProbeSource::Tracefs)] {
        let link = Kprobe::new(GETPGID).cookie(cookie).source(source);
        let link = link.attach(&program).unwrap();
        assert_eq!(counter.runs(getpgid), TIMES);
        assert_eq!(counter.cookie(), cookie);
        drop(link);
        let link = Kretprobe::new(GETPGID).cookie(cookie - 1).source(source);
        let link = link.attach(&program).unwrap();
        assert_eq!(counter.runs(getpgid), TIMES);
        assert_eq!(counter.cookie(), cookie - 1);
        drop(link);
    }
    let by_ioctl = Kprobe::new(GETPGID).cookie(7).attach_by(AttachBy::Ioctl);
    assert_kind(
        by_ioctl.attach(&program),
        ErrorKind::Unsupported,
        "giving it a cookie",
    );
}

#[test]
fn one_program_at_many_functions() {
    require!(has_kprobes(), "{NO_KPROBES}");
    let counter = Counter::new();
    let program: Typed<KprobeKind> = counter.kprobe().try_into().unwrap();
    let before = descriptors();
    // Any kind of attach point will do.
    fn attach<P: AttachPoint<Kind = KprobeKind>>(point: &P, program: &Typed<KprobeKind>) -> Link {
        point.attach(program).unwrap()
    }
    let mut links = oxbpf::Links::new();
    for function in ["vfs_open", "may_open", "vfs_read", GETPGID] {
        links.push(attach(&Kprobe::new(function), &program));
        links.push(attach(
            &Kretprobe::new(function).source(ProbeSource::Tracefs),
            &program,
        ));
    }
    assert_eq!(links.len(), 8);
    assert_eq!(probes().len(), 4);
    assert_eq!(counter.runs(getpgid), 2 * TIMES);
    links.detach().unwrap();
    assert_eq!(counter.runs(getpgid), 0);
    assert!(probes().is_empty(), "{:?}", probes());
    assert_eq!(descriptors(), before);
}

#[test]
fn function_that_does_not_exist() {
    require!(has_kprobes(), "{NO_KPROBES}");
    let program = Counter::new().kprobe();
    for source in [ProbeSource::Pmu, ProbeSource::Tracefs] {
        let attached = Kprobe::new("vfs_opne").source(source).attach(&program);
        assert_kind(attached, ErrorKind::NotFound, "did you mean `vfs_open`");
    }
    let attached = Kprobe::syscall("vfs_open").attach(&program);
    assert_kind(attached, ErrorKind::NotFound, "`vfs_open`");
    assert!(probes().is_empty(), "{:?}", probes());
}

#[test]
fn function_that_cannot_be_probed() {
    require!(has_kprobes(), "{NO_KPROBES}");
    let program = Counter::new().kprobe();
    for source in [ProbeSource::Pmu, ProbeSource::Tracefs] {
        let attached = Kprobe::new("get_kprobe").source(source).attach(&program);
        assert_kind(attached, ErrorKind::InvalidInput, "blacklist");
    }
}

#[test]
fn name_with_odd_bytes() {
    let program = Counter::new().kprobe();
    let odd = "vfs_open\np:evil/evil vfs_open";
    assert_kind(
        Kprobe::new(odd).attach(&program),
        ErrorKind::InvalidInput,
        r"'\n'",
    );
    assert_kind(
        Kprobe::new("").attach(&program),
        ErrorKind::InvalidInput,
        "empty",
    );
}

#[test]
fn program_of_another_kind() {
    let program = Counter::new()
        .load(ProgramType::TRACEPOINT, Watch::default())
        .unwrap();
    let error = Kprobe::new("vfs_open").attach(&program).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongKind);
    assert!(error.to_string().contains("tracepoint"), "{error}");
    assert!(error.to_string().contains("kprobe"), "{error}");
}

#[test]
fn kernel_without_kprobes() {
    require!(!has_kprobes(), "this kernel has kprobes");
    let program = Counter::new().kprobe();
    for probe in [
        Kprobe::new("vfs_open"),
        Kprobe::new("vfs_open").source(ProbeSource::Tracefs),
    ] {
        let error = probe.attach(&program).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        let text = error.to_string();
        assert!(
            text.contains("this kernel has no kprobes (CONFIG_KPROBE_EVENTS is off)"),
            "{text}"
        );
        assert!(text.contains("use a tracepoint"), "{text}");
    }
}

#[test]
fn name_that_several_functions_have() {
    require!(has_kprobes(), "{NO_KPROBES}");
    let program = Counter::new().kprobe();
    // Every filesystem that grew up by itself has one of these.
    let names = [
        "cleanup_module",
        "init_once",
        "get_order",
        "seq_start",
        "t_start",
    ];
    let symbols = oxbpf::kallsyms::find(names).unwrap();
    let several = |name: &&str| {
        symbols
            .named(name)
            .iter()
            .filter(|s| s.module.is_none())
            .count()
            > 1
    };
    let name = names.into_iter().find(several).unwrap();
    for source in [ProbeSource::Pmu, ProbeSource::Tracefs] {
        match Kprobe::new(name).source(source).attach(&program) {
            // Until 6.6, the kernel takes any.
            Ok(link) => drop(link),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
                assert!(error.to_string().contains("several functions"), "{error}");
            }
        }
    }
}

#[test]
fn process_without_capabilities() {
    require!(has_kprobes(), "{NO_KPROBES}");
    let program = Counter::new().kprobe();
    give_up_capabilities();
    for source in [ProbeSource::Pmu, ProbeSource::Tracefs] {
        let attached = Kprobe::new(GETPGID).source(source).attach(&program);
        assert_kind(
            attached,
            ErrorKind::PermissionDenied,
            "root, or with CAP_PERFMON",
        );
    }
    assert!(probes().is_empty(), "{:?}", probes());
}

/// Probes are removed by a process that could not make them any more.
#[test]
fn process_that_gave_up_its_capabilities() {
    require!(has_kprobes(), "{NO_KPROBES}");
    let program = Counter::new().kprobe();
    let probe = Kprobe::new(GETPGID).source(ProbeSource::Tracefs);
    let (one, other) = (
        probe.attach(&program).unwrap(),
        probe.attach(&program).unwrap(),
    );
    assert_eq!(probes().len(), 2);
    give_up_capabilities();
    one.detach().unwrap();
    assert_eq!(probes().len(), 1);
    drop(other);
    assert!(probes().is_empty(), "{:?}", probes());
}

#[test]
fn tracefs_where_it_is_hard_to_find() {
    require!(has_kprobes(), "{NO_KPROBES}");
    let counter = Counter::new();
    let program = counter.kprobe();
    crate::common::own_bpffs();
    // First it is in debugfs only, then nowhere.
    for place in ["/sys/kernel/tracing", "/sys/kernel/debug"] {
        rustix::mount::unmount(place, rustix::mount::UnmountFlags::DETACH).unwrap();
        assert!(!fs::exists(format!("{place}/kprobe_events")).unwrap());
        let before = descriptors();
        let link = Kprobe::new(GETPGID).source(ProbeSource::Tracefs);
        let link = link.attach(&program).unwrap();
        assert_eq!(counter.runs(getpgid), TIMES, "{place}");
        link.detach().unwrap();
        assert_eq!(descriptors(), before);
    }
}

#[test]
fn kprobe_at_an_address() {
    require!(has_kprobes(), "this kernel has no kprobes");
    let counter = Counter::new();
    let symbols = oxbpf::kallsyms::find([GETPGID]).unwrap();
    let address = symbols.address(GETPGID).unwrap().unwrap();
    for source in [ProbeSource::Pmu, ProbeSource::Tracefs] {
        let link = Kprobe::address(address)
            .source(source)
            .attach(&counter.kprobe())
            .unwrap();
        assert_eq!(counter.runs(getpgid), TIMES);
        assert_eq!(counter.runs(getppid), 0);
        link.detach().unwrap();
        let link = Kretprobe::address(address)
            .source(source)
            .attach(&counter.kprobe())
            .unwrap();
        assert_eq!(counter.runs(getpgid), TIMES);
        link.detach().unwrap();
        let nowhere = Kprobe::address(1).source(source).attach(&counter.kprobe());
        assert_kind(nowhere, ErrorKind::InvalidInput, "0x1");
    }
    assert!(probes().is_empty());
}

#[test]
fn kretprobe_with_room_for_many_calls() {
    require!(has_kprobes(), "this kernel has no kprobes");
    let counter = Counter::new();
    let link = Kretprobe::new(GETPGID)
        .max_active(100)
        .attach(&counter.kprobe())
        .unwrap();
    let list = fs::read_to_string("/sys/kernel/tracing/kprobe_events").unwrap();
    assert!(
        list.lines().any(|line| line.starts_with("r100:oxbpf_")),
        "{list}"
    );
    assert!(link.survives_process().unwrap().contains("idle probe"));
    assert_eq!(counter.runs(getpgid), TIMES);
    link.detach().unwrap();
    assert!(probes().is_empty());
    let too_many = Kretprobe::new(GETPGID)
        .max_active(5000)
        .attach(&counter.kprobe());
    assert_kind(too_many, ErrorKind::InvalidInput, "4096");
}
