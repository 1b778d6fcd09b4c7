//! A kernel that keeps its memory to itself: `cargo xtask vmtest` has a machine of its own for this, which boots like that.

use oxbpf::link::ProbeSource;
use oxbpf::{Kprobe, KprobeMulti, Tracepoint, tracefs};

use super::fixture::Fixture;
use super::*;

const NAMED: &str = "locked down (confidentiality)";
const NOT_LOCKED: &str = "the kernel is not locked down";

fn is_locked() -> bool {
    let text = fs::read_to_string("/sys/kernel/security/lockdown").unwrap_or_default();
    text.contains("[confidentiality]")
}

#[track_caller]
fn assert_named<T: std::fmt::Debug>(result: Result<T, Error>) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(error.to_string().contains(NAMED), "{error}");
    assert!(
        error.remedy().unwrap().contains("lockdown=integrity"),
        "{error}"
    );
    assert!(!error.to_string().contains('\n'), "{error}");
}

#[test]
fn refused_probes_name_it() {
    require!(is_locked(), "{NOT_LOCKED}");
    let before = descriptors();
    let counter = Counter::new();
    let kprobe = counter.kprobe();
    for source in [ProbeSource::Pmu, ProbeSource::Tracefs, ProbeSource::Auto] {
        assert_named(Kprobe::new(GETPGID).source(source).attach(&kprobe));
    }
    let fixture = Fixture::load(&["at_tp", "at_kretprobe", "at_ksyscall"]).unwrap();
    for name in ["at_tp", "at_kretprobe", "at_ksyscall"] {
        assert_named(fixture.program(name).attach());
    }
    let tracepoint = Tracepoint::new("syscalls", "sys_enter_getpgid");
    assert_named(tracepoint.attach(&fixture.program("at_tp")));
    assert_named(tracefs::traceable_functions());
    if let Ok(multi) = Fixture::load(&["at_kprobe_multi"]) {
        let by_names = KprobeMulti::functions([GETPGID]).attach(&multi.program("at_kprobe_multi"));
        // Where the kernel has it, only patterns are in want of tracefs.
        match by_names {
            Ok(link) => {
                multi.counts(link);
                assert_named(multi.program("at_kprobe_multi").attach());
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}"),
        }
    }
    assert_eq!(tracefs::leftovers().unwrap(), []);
    drop((fixture, kprobe, counter));
    assert_eq!(descriptors(), before);
}

#[test]
fn what_is_no_probe_works() {
    require!(is_locked(), "{NOT_LOCKED}");
    for name in ["at_raw_tp", "at_tp_btf", "at_fentry", "at_lsm"] {
        let fixture = Fixture::load(&[name]).unwrap();
        let link = fixture.program(name).attach().unwrap();
        assert!(fixture.runs(getpgid) >= TIMES, "{name}");
        link.detach().unwrap();
    }
}

#[test]
fn refused_reads_of_memory_name_it() {
    require!(is_locked(), "{NOT_LOCKED}");
    for helper in [
        Helper::PROBE_READ_KERNEL,
        Helper::PROBE_READ_KERNEL_STR,
        Helper::PROBE_READ,
        Helper::PROBE_WRITE_USER,
    ] {
        let insns = asm::program([
            asm::mov(Reg::R3, Reg::R1),
            asm::mov(Reg::R1, Reg::R10),
            asm::add(Reg::R1, -8),
            asm::mov(Reg::R2, 8),
            asm::store(Size::DW, Reg::R10, -8, 0),
            asm::call(helper),
            asm::mov(Reg::R0, 0),
            asm::exit(),
        ]);
        let load = ProgramLoad {
            name: "reads",
            program_type: ProgramType::KPROBE,
            insns: &insns,
            license: "GPL",
            ..ProgramLoad::default()
        };
        let error = load.load().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
        assert!(error.to_string().contains(NAMED), "{error}");
    }
}

#[test]
fn the_doctor_names_it() {
    require!(is_locked(), "{NOT_LOCKED}");
    let findings = oxbpf::doctor::examine();
    let text = |what: &str| {
        let finding = findings.iter().find(|finding| finding.what == what);
        finding.unwrap().text.clone()
    };
    assert!(text("lockdown").starts_with("confidentiality"));
    assert!(text("tracefs").contains(NAMED), "{}", text("tracefs"));
}
