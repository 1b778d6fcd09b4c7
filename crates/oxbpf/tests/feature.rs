//! What the kernel is said to have, against what it shows in other ways.

#[macro_use]
mod common;

use oxbpf::feature::{self, Feature, Support};
use oxbpf::object::btf::Kind;
use oxbpf::object::kernel::{AttachType, Helper, LinkType, MapType, ProgramType};
use rustix::thread::CapabilitySet;

fn has<T: Copy + PartialEq>(features: &[Feature<T>], what: T) -> bool {
    let found = features.iter().find(|feature| feature.what == what);
    found.is_some_and(|feature| feature.support.is_yes())
}

/// The names in an enumeration of the kernel's.
fn enumerators(name: &str) -> Vec<String> {
    let kernel = oxbpf::btf::KernelBtf::running().unwrap();
    let types = kernel.types();
    let found = types.get(types.find(name, Kind::ENUM).unwrap()).unwrap();
    found.enumerators().map(|e| e.name.to_owned()).collect()
}

/// What every kernel has that these tests run on.
#[test]
fn what_all_kernels_have_is_there() {
    let report = feature::report();
    for program_type in ProgramType::ALL {
        // From 5.10 on, but for what distributions do not switch on everywhere.
        let is_old = program_type.minimum_kernel().unwrap() <= (5, 10);
        let by_option = [
            ProgramType::LIRC_MODE2,
            ProgramType::LWT_SEG6LOCAL,
            ProgramType::LSM,
        ];
        if is_old && !by_option.contains(program_type) {
            // A policy of the kernel's may forbid even root to ask.
            let support = feature::program_type(*program_type).support;
            assert_ne!(support, Support::No, "{program_type}");
        }
    }
    for map_type in MapType::ALL {
        let is_old = map_type.minimum_kernel().unwrap() <= (5, 10);
        if is_old && *map_type != MapType::INODE_STORAGE {
            assert!(has(&report.map_types, *map_type), "{map_type}");
        }
    }
    for name in ["v1", "v2", "v3"] {
        assert!(has(&report.isa, name), "{name}");
    }
    for feature in &report.verifier {
        assert!(feature.support.is_yes(), "{feature:?}");
    }
    for name in ["functions", "variables and sections", "global functions"] {
        assert!(has(&report.btf, name), "{name}");
    }
    for name in [
        "variables of programs",
        "maps mapped into memory",
        "the kernel's own types",
    ] {
        assert!(has(&report.others, name), "{name}");
    }
    for attach_type in [
        AttachType::TRACE_RAW_TP,
        AttachType::TRACE_ITER,
        AttachType::CGROUP_DEVICE,
    ] {
        assert!(has(&report.attach_types, attach_type), "{attach_type}");
    }
    for link_type in [LinkType::RAW_TRACEPOINT, LinkType::ITER, LinkType::CGROUP] {
        assert!(has(&report.link_types, link_type), "{link_type}");
    }
}

/// Nothing is there that the kernel's own enumerations do not have, and what they have and takes no option is.
#[test]
fn answers_agree_with_the_kernels_enumerations() {
    let report = feature::report();
    let programs = enumerators("bpf_prog_type");
    for feature in &report.program_types {
        let name = feature.what.c_name().unwrap();
        let is_known = programs.iter().any(|known| known == name);
        assert!(is_known || !feature.support.is_yes(), "{feature:?}");
    }
    let maps = enumerators("bpf_map_type");
    for feature in &report.map_types {
        let name = feature.what.c_name().unwrap();
        let is_known = maps.iter().any(|known| known.starts_with(name));
        let by_option = !feature.minimum.options.is_empty();
        match is_known && !by_option {
            true => assert!(feature.support.is_yes(), "{feature:?}"),
            false => assert!(is_known || !feature.support.is_yes(), "{feature:?}"),
        }
    }
    let attach = enumerators("bpf_attach_type");
    for feature in &report.attach_types {
        let name = feature.what.c_name().unwrap();
        let is_known = attach.iter().any(|known| known.starts_with(name));
        assert!(is_known || !feature.support.is_yes(), "{feature:?}");
        if is_known && name.starts_with("BPF_CGROUP_") {
            assert!(feature.support.is_yes(), "{feature:?}");
        }
    }
}

#[test]
fn helpers_are_those_of_the_program_type() {
    let yes = |program_type, helper| feature::helper(program_type, helper).support;
    assert_eq!(
        yes(ProgramType::KPROBE, Helper::MAP_LOOKUP_ELEM),
        Support::Yes
    );
    assert_eq!(
        yes(ProgramType::KPROBE, Helper::SKB_STORE_BYTES),
        Support::No
    );
    assert_eq!(
        yes(ProgramType::SCHED_CLS, Helper::SKB_STORE_BYTES),
        Support::Yes
    );
    assert_eq!(yes(ProgramType::XDP, Helper::XDP_ADJUST_HEAD), Support::Yes);
    assert_eq!(yes(ProgramType::XDP, Helper(100_000)), Support::No);
    for program_type in [ProgramType::TRACING, ProgramType::SYSCALL] {
        if feature::program_type(program_type).support.is_yes() {
            assert_eq!(
                yes(program_type, Helper::MAP_LOOKUP_ELEM),
                Support::Yes,
                "{program_type}"
            );
            assert_eq!(
                yes(program_type, Helper::SKB_STORE_BYTES),
                Support::No,
                "{program_type}"
            );
        }
    }
    assert_eq!(yes(ProgramType::EXT, Helper::MAP_LOOKUP_ELEM), Support::No);
    let knows = enumerators("bpf_func_id");
    let of_kprobes = feature::helpers_of(ProgramType::KPROBE);
    assert!(
        of_kprobes
            .iter()
            .filter(|feature| feature.support.is_yes())
            .count()
            > 30
    );
    for feature in of_kprobes.iter().filter(|feature| feature.support.is_yes()) {
        let name = feature.what.c_name().unwrap();
        assert!(knows.iter().any(|known| known == name), "{feature:?}");
    }
    let cookies = knows
        .iter()
        .any(|known| known == "BPF_FUNC_get_attach_cookie");
    assert_eq!(
        yes(ProgramType::KPROBE, Helper::GET_ATTACH_COOKIE),
        Support::from(cookies)
    );
}

#[test]
fn functions_for_programs_are_listed() {
    let kfuncs = feature::kfuncs().unwrap();
    assert!(kfuncs.is_sorted());
    if kfuncs.is_empty() {
        skip!("this kernel does not mark its functions for programs");
    }
    assert!(
        kfuncs
            .iter()
            .any(|kfunc| kfunc.name == "bpf_rcu_read_lock" && kfunc.module.is_none())
    );
    assert!(!kfuncs.iter().any(|kfunc| kfunc.name == "vfs_read"));
}

#[test]
fn what_may_not_be_asked_is_unknown() {
    common::keep_only(CapabilitySet::empty());
    let kprobe = feature::program_type(ProgramType::KPROBE).support;
    assert!(matches!(kprobe, Support::Unknown(_)), "{kprobe:?}");
    assert_eq!(kprobe.to_string(), "not permitted");
    let lru = feature::map_type(MapType::LRU_HASH).support;
    assert!(matches!(lru, Support::Unknown(_)), "{lru:?}");
}

#[test]
fn what_it_takes_is_told() {
    let fentry = feature::attach_type(AttachType::TRACE_FENTRY).minimum;
    assert_eq!(fentry.kernel_on("aarch64"), Some((6, 0)));
    assert!(
        fentry.to_string().starts_with("Linux 5.5 (aarch64 6.0"),
        "{fentry}"
    );
    assert!(
        fentry.to_string().contains("CONFIG_DEBUG_INFO_BTF"),
        "{fentry}"
    );
    for feature in &feature::report().program_types {
        assert!(feature.minimum.kernel.is_some(), "{feature:?}");
    }
}
