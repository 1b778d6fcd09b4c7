//! Whether the kernel has types of programs, maps, attachments and links.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use oxbpf_object::Endian;
use oxbpf_object::asm;
use oxbpf_object::btf::{BtfBuilder, Kind};
use oxbpf_object::kernel::{AttachType, LinkType, MapType, ProgramFlags, ProgramType};
use rustix::io::Errno;

use super::attach::load_typed;
use super::{Support, ending, has_kprobe_multi, load_with_log, parts};
use crate::btf::KernelBtf;
use crate::error::ENOTSUPP;
use crate::sys::{self, LinkExtra, MapFd, uapi};

/// `BPF_F_LINK` of a structure's map.
const MAP_LINK: u32 = 1 << 13;
const NO_PREALLOC: u32 = 1;
const MMAPABLE: u32 = 1 << 10;

/// Types of program that are loaded for an attach type.
const LOADED_FOR: &[(ProgramType, AttachType)] = &[
    (
        ProgramType::CGROUP_SOCK_ADDR,
        AttachType::CGROUP_INET4_CONNECT,
    ),
    (ProgramType::CGROUP_SOCKOPT, AttachType::CGROUP_GETSOCKOPT),
    (ProgramType::SK_LOOKUP, AttachType::SK_LOOKUP),
    (ProgramType::NETFILTER, AttachType::NETFILTER),
    (ProgramType::SK_REUSEPORT, AttachType::SK_REUSEPORT_SELECT),
];

pub(super) fn attach_type_of(program_type: ProgramType) -> u32 {
    let row = LOADED_FOR.iter().find(|(known, _)| *known == program_type);
    row.map_or(0, |(_, attach_type)| attach_type.0)
}

/// Whether there are programs of a type. One that has no result is refused by the verifier, in words; where the type is not
/// known, the verifier has no say.
pub(super) fn program(program_type: ProgramType) -> Support {
    let (answer, log) = load_with_log(program_type, attach_type_of(program_type), &[super::exit()]);
    match answer {
        _ if !log.is_empty() => Support::Yes,
        // Only programs that may sleep: no word of that where there are none at all.
        Err(Errno::INVAL) if program_type == ProgramType::SYSCALL => {
            let attr = uapi::ProgLoad {
                prog_type: program_type.0,
                prog_flags: ProgramFlags::SLEEPABLE.bits(),
                ..Default::default()
            };
            let insns = asm::encode(&ending(&[]), Endian::NATIVE);
            Support::of(sys::prog_load(attr, &parts(&insns), None).result.map(drop))
        }
        answer => Support::of(answer),
    }
}

/// Whether there are maps of a type: creates the smallest.
pub(super) fn map(map_type: MapType) -> Support {
    let mut attr = uapi::MapCreate {
        map_type: map_type.0,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        ..Default::default()
    };
    let page = u32::try_from(rustix::param::page_size()).unwrap_or(4096);
    let mut types = None;
    let mut inner = None;
    match map_type {
        MapType::STACK_TRACE => attr.value_size = 8,
        MapType::CGROUP_STORAGE | MapType::PERCPU_CGROUP_STORAGE => {
            (attr.key_size, attr.value_size, attr.max_entries) = (8, 8, 0);
        }
        MapType::LPM_TRIE => (attr.key_size, attr.map_flags) = (8, NO_PREALLOC),
        MapType::QUEUE | MapType::STACK | MapType::BLOOM_FILTER => attr.key_size = 0,
        MapType::RINGBUF | MapType::USER_RINGBUF => {
            (attr.key_size, attr.value_size, attr.max_entries) = (0, 0, page);
        }
        MapType::ARENA => {
            (attr.key_size, attr.value_size, attr.map_flags) = (0, 0, MMAPABLE);
        }
        MapType::INSN_ARRAY => attr.value_size = 16,
        MapType::RHASH => attr.map_flags = NO_PREALLOC,
        MapType::ARRAY_OF_MAPS | MapType::HASH_OF_MAPS => inner = array().ok(),
        MapType::SK_STORAGE
        | MapType::INODE_STORAGE
        | MapType::TASK_STORAGE
        | MapType::CGRP_STORAGE => {
            (attr.max_entries, attr.map_flags) = (0, NO_PREALLOC);
            types = int();
            (attr.btf_key_type_id, attr.btf_value_type_id) = (1, 1);
        }
        // It names a structure of the kernel; a type that is none is not supported there, in so many words.
        MapType::STRUCT_OPS => {
            super::wake_kernel_types();
            attr.btf_vmlinux_value_type_id = 1;
        }
        _ => {}
    }
    attr.btf_fd = types.as_ref().map_or(0, |types| sys::raw(types.as_fd()));
    attr.inner_map_fd = inner.as_ref().map_or(0, |inner| sys::raw(inner.as_fd()));
    let answer = sys::map_create(attr, &[]).map(drop);
    match answer {
        Err(errno) if map_type == MapType::STRUCT_OPS && errno.raw_os_error() == ENOTSUPP => {
            Support::Yes
        }
        answer => Support::of(answer),
    }
}

fn array() -> sys::Result<MapFd> {
    let attr = uapi::MapCreate {
        map_type: MapType::ARRAY.0,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        ..Default::default()
    };
    sys::map_create(attr, &[])
}

/// Types whose first is `int`.
fn int() -> Option<OwnedFd> {
    let mut types = BtfBuilder::new();
    types.add_signed("int", 4);
    let bytes = types.to_bytes(Endian::NATIVE).ok()?;
    sys::btf_load(&bytes, None, None).result.ok()
}

/// Whether programs can be attached in a way.
pub(super) fn attach(attach_type: AttachType) -> Support {
    match attach_type {
        AttachType::TRACE_KPROBE_MULTI | AttachType::TRACE_KPROBE_SESSION => {
            has_kprobe_multi(attach_type).into()
        }
        AttachType::TRACE_UPROBE_MULTI | AttachType::TRACE_UPROBE_SESSION => {
            uprobe_multi(attach_type)
        }
        AttachType::TCX_INGRESS
        | AttachType::TCX_EGRESS
        | AttachType::NETKIT_PRIMARY
        | AttachType::NETKIT_PEER => at_no_device(attach_type),
        AttachType::PERF_EVENT => perf_link(),
        AttachType::STRUCT_OPS => struct_ops_link(),
        AttachType::XDP_DEVMAP => with_program_in(MapType::DEVMAP),
        AttachType::XDP_CPUMAP => with_program_in(MapType::CPUMAP),
        AttachType::NETFILTER => program(ProgramType::NETFILTER),
        _ => match load_typed(attach_type) {
            Some(answer) => Support::of(answer),
            None => by_number(attach_type),
        },
    }
}

/// By what the kernel says to a descriptor that is none: it looks at that only where it knows the attach type.
fn by_number(attach_type: AttachType) -> Support {
    match sys::prog_attach_nothing(attach_type.0) {
        Err(Errno::BADF) => Support::Yes,
        Err(errno @ Errno::PERM) => Support::Unknown(errno),
        _ => enumerated("bpf_attach_type", attach_type.c_name()),
    }
}

/// Whether an enumeration of the kernel's has a name.
fn enumerated(enumeration: &str, name: Option<&str>) -> Support {
    let (Ok(kernel), Some(name)) = (KernelBtf::running(), name) else {
        return Support::No;
    };
    let types = kernel.types();
    let found = types
        .find(enumeration, Kind::ENUM)
        .and_then(|id| types.get(id).ok());
    // A name that has got another since begins as that does.
    found
        .is_some_and(|ty| ty.enumerators().any(|known| known.name.starts_with(name)))
        .into()
}

/// The smallest program of a type, for an attach type.
fn smallest(program_type: ProgramType, attach_type: AttachType) -> sys::Result<OwnedFd> {
    let attr = uapi::ProgLoad {
        prog_type: program_type.0,
        expected_attach_type: attach_type.0,
        ..Default::default()
    };
    let insns = asm::encode(&ending(&[]), Endian::NATIVE);
    sys::prog_load(attr, &parts(&insns), None).result
}

/// At a device that is not there: that is minded only by a kernel that has links at devices.
fn at_no_device(attach_type: AttachType) -> Support {
    let program = match smallest(ProgramType::SCHED_CLS, attach_type) {
        Ok(program) => program,
        Err(errno) => return Support::of(Err(errno)),
    };
    match sys::link_create(program.as_fd(), 0, attach_type.0, 0, LinkExtra::Device) {
        Err(Errno::NODEV) => Support::Yes,
        answer => Support::of(answer.map(drop).and(Err(Errno::INVAL))),
    }
}

/// In a file that is a directory: that is minded only by a kernel that has links in files.
fn uprobe_multi(attach_type: AttachType) -> Support {
    let program = match smallest(ProgramType::KPROBE, attach_type) {
        Ok(program) => program,
        Err(errno) => return Support::of(Err(errno)),
    };
    let extra = LinkExtra::UprobeMulti {
        path: c"/",
        offsets: &[0],
        cookies: &[],
        pid: 0,
        flags: 0,
    };
    match sys::link_create(program.as_fd(), 0, attach_type.0, 0, extra) {
        Err(Errno::BADF) => Support::Yes,
        answer => Support::of(answer.map(drop).and(Err(Errno::INVAL))),
    }
}

fn perf_link() -> Support {
    let program = match smallest(ProgramType::TRACEPOINT, AttachType(0)) {
        Ok(program) => program,
        Err(errno) => return Support::of(Err(errno)),
    };
    let extra = LinkExtra::PerfEvent { cookie: 0 };
    let attach_type = AttachType::PERF_EVENT.0;
    let answer = sys::link_create(program.as_fd(), u32::MAX, attach_type, 0, extra);
    matches!(answer, Err(Errno::BADF)).into()
}

fn struct_ops_link() -> Support {
    super::wake_kernel_types();
    let attr = uapi::MapCreate {
        map_type: MapType::STRUCT_OPS.0,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        map_flags: MAP_LINK,
        btf_vmlinux_value_type_id: 1,
        ..Default::default()
    };
    match sys::map_create(attr, &[]).map(drop) {
        Err(errno) if errno.raw_os_error() == ENOTSUPP => Support::Yes,
        answer => Support::of(answer),
    }
}

/// Whether values of maps of devices or CPUs have room for a program.
fn with_program_in(map_type: MapType) -> Support {
    let attr = uapi::MapCreate {
        map_type: map_type.0,
        key_size: 4,
        value_size: 8,
        max_entries: 1,
        ..Default::default()
    };
    Support::of(sys::map_create(attr, &[]).map(drop))
}

/// Whether there are links of a type.
pub(super) fn link(link_type: LinkType) -> Support {
    match link_type {
        LinkType::KPROBE_MULTI => attach(AttachType::TRACE_KPROBE_MULTI),
        LinkType::UPROBE_MULTI => attach(AttachType::TRACE_UPROBE_MULTI),
        LinkType::TRACING_MULTI => attach(AttachType::TRACE_FENTRY_MULTI),
        LinkType::TCX => attach(AttachType::TCX_INGRESS),
        LinkType::NETKIT => attach(AttachType::NETKIT_PRIMARY),
        LinkType::NETFILTER => attach(AttachType::NETFILTER),
        LinkType::PERF_EVENT => attach(AttachType::PERF_EVENT),
        LinkType::STRUCT_OPS => attach(AttachType::STRUCT_OPS),
        LinkType::ITER => attach(AttachType::TRACE_ITER),
        _ => enumerated("bpf_link_type", link_type.c_name()),
    }
}

/// Whether there are BPF tokens: the kernel then minds a descriptor that is none.
pub(super) fn token() -> Support {
    match sys::token_create_of_nothing() {
        Err(Errno::BADF) => Support::Yes,
        answer => Support::of(answer),
    }
}

/// Whether a map's life can be tied to a program's.
pub(super) fn bind_map() -> Support {
    let (Ok(program), Ok(map)) = (smallest(ProgramType::SOCKET_FILTER, AttachType(0)), array())
    else {
        return Support::No;
    };
    Support::of(sys::prog_bind_map(program.as_fd(), map.as_fd()))
}

/// Whether maps can be mapped into memory.
pub(super) fn mmap() -> Support {
    let attr = uapi::MapCreate {
        map_type: MapType::ARRAY.0,
        key_size: 4,
        value_size: 4,
        max_entries: 1,
        map_flags: MMAPABLE,
        ..Default::default()
    };
    Support::of(sys::map_create(attr, &[]).map(drop))
}

/// Whether programs may have variables: whether an instruction may name a place in a map's value.
pub(super) fn variables() -> Support {
    let map = match array() {
        Ok(map) => map,
        Err(errno) => return Support::of(Err(errno)),
    };
    let place = asm::load_map_value(asm::Reg::R1, map.as_fd().as_raw_fd(), 0);
    Support::of(super::load(
        ProgramType::SOCKET_FILTER,
        &ending(&asm::program([place])),
    ))
}
