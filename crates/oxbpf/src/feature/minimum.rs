//! What it takes besides the kernel's age: options and architectures, one row each.

use oxbpf_object::kernel::{AttachType, LinkType, MapType, ProgramType};

use super::Minimum;

const TRAMPOLINE: &[(&str, (u8, u8))] = &[
    ("aarch64", (6, 0)),
    ("s390x", (6, 3)),
    ("riscv64", (6, 5)),
    ("loongarch64", (6, 17)),
    ("powerpc64", (6, 13)),
];

#[rustfmt::skip]
const PROGRAMS: &[(ProgramType, &[&str])] = &[
    (ProgramType::KPROBE, &["CONFIG_BPF_EVENTS", "CONFIG_KPROBE_EVENTS or CONFIG_UPROBE_EVENTS"]),
    (ProgramType::TRACEPOINT, &["CONFIG_BPF_EVENTS"]),
    (ProgramType::PERF_EVENT, &["CONFIG_BPF_EVENTS"]),
    (ProgramType::RAW_TRACEPOINT, &["CONFIG_BPF_EVENTS"]),
    (ProgramType::RAW_TRACEPOINT_WRITABLE, &["CONFIG_BPF_EVENTS"]),
    (ProgramType::TRACING, &["CONFIG_BPF_EVENTS", "CONFIG_DEBUG_INFO_BTF"]),
    (ProgramType::LSM, &["CONFIG_BPF_LSM", "CONFIG_DEBUG_INFO_BTF"]),
    (ProgramType::STRUCT_OPS, &["CONFIG_BPF_JIT", "CONFIG_DEBUG_INFO_BTF"]),
    (ProgramType::EXT, &["CONFIG_BPF_JIT", "CONFIG_DEBUG_INFO_BTF"]),
    (ProgramType::XDP, &["CONFIG_NET"]),
    (ProgramType::CGROUP_SKB, &["CONFIG_CGROUP_BPF"]),
    (ProgramType::CGROUP_SOCK, &["CONFIG_CGROUP_BPF"]),
    (ProgramType::CGROUP_DEVICE, &["CONFIG_CGROUP_BPF"]),
    (ProgramType::CGROUP_SOCK_ADDR, &["CONFIG_CGROUP_BPF"]),
    (ProgramType::CGROUP_SYSCTL, &["CONFIG_CGROUP_BPF"]),
    (ProgramType::CGROUP_SOCKOPT, &["CONFIG_CGROUP_BPF"]),
    (ProgramType::SOCK_OPS, &["CONFIG_CGROUP_BPF"]),
    (ProgramType::LWT_IN, &["CONFIG_LWTUNNEL_BPF"]),
    (ProgramType::LWT_OUT, &["CONFIG_LWTUNNEL_BPF"]),
    (ProgramType::LWT_XMIT, &["CONFIG_LWTUNNEL_BPF"]),
    (ProgramType::LWT_SEG6LOCAL, &["CONFIG_IPV6_SEG6_BPF"]),
    (ProgramType::SK_SKB, &["CONFIG_BPF_STREAM_PARSER"]),
    (ProgramType::LIRC_MODE2, &["CONFIG_BPF_LIRC_MODE2"]),
    (ProgramType::NETFILTER, &["CONFIG_NETFILTER_BPF_LINK"]),
];

#[rustfmt::skip]
const MAPS: &[(MapType, &[&str])] = &[
    (MapType::PERF_EVENT_ARRAY, &["CONFIG_PERF_EVENTS"]),
    (MapType::STACK_TRACE, &["CONFIG_PERF_EVENTS"]),
    (MapType::CGROUP_ARRAY, &["CONFIG_CGROUPS"]),
    (MapType::CGROUP_STORAGE, &["CONFIG_CGROUP_BPF"]),
    (MapType::PERCPU_CGROUP_STORAGE, &["CONFIG_CGROUP_BPF"]),
    (MapType::CGRP_STORAGE, &["CONFIG_CGROUPS"]),
    (MapType::XSKMAP, &["CONFIG_XDP_SOCKETS"]),
    (MapType::STRUCT_OPS, &["CONFIG_BPF_JIT", "CONFIG_DEBUG_INFO_BTF"]),
    (MapType::INODE_STORAGE, &["CONFIG_BPF_LSM"]),
    (MapType::ARENA, &["CONFIG_MMU", "a 64-bit architecture"]),
];

#[rustfmt::skip]
const ATTACH: &[(AttachType, &[&str])] = &[
    (AttachType::TRACE_KPROBE_MULTI, &["CONFIG_FPROBE"]),
    (AttachType::TRACE_KPROBE_SESSION, &["CONFIG_FPROBE"]),
    (AttachType::TRACE_UPROBE_MULTI, &["CONFIG_UPROBES"]),
    (AttachType::TRACE_UPROBE_SESSION, &["CONFIG_UPROBES"]),
    (AttachType::TRACE_FENTRY, &["CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS", "CONFIG_DEBUG_INFO_BTF"]),
    (AttachType::TRACE_FEXIT, &["CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS", "CONFIG_DEBUG_INFO_BTF"]),
    (AttachType::MODIFY_RETURN, &["CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS", "CONFIG_DEBUG_INFO_BTF"]),
    (AttachType::TRACE_FSESSION, &["CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS", "CONFIG_DEBUG_INFO_BTF"]),
    (AttachType::TRACE_FENTRY_MULTI, &["CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS", "CONFIG_DEBUG_INFO_BTF"]),
    (AttachType::TRACE_FEXIT_MULTI, &["CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS", "CONFIG_DEBUG_INFO_BTF"]),
    (AttachType::TRACE_FSESSION_MULTI, &["CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS", "CONFIG_DEBUG_INFO_BTF"]),
    (AttachType::TRACE_RAW_TP, &["CONFIG_DEBUG_INFO_BTF"]),
    (AttachType::TRACE_ITER, &["CONFIG_DEBUG_INFO_BTF"]),
    (AttachType::LSM_MAC, &["CONFIG_BPF_LSM", "CONFIG_DEBUG_INFO_BTF"]),
    (AttachType::LSM_CGROUP, &["CONFIG_BPF_LSM", "CONFIG_CGROUP_BPF", "CONFIG_DEBUG_INFO_BTF"]),
    (AttachType::NETFILTER, &["CONFIG_NETFILTER_BPF_LINK"]),
    (AttachType::NETKIT_PRIMARY, &["CONFIG_NETKIT"]),
    (AttachType::NETKIT_PEER, &["CONFIG_NETKIT"]),
    (AttachType::TCX_INGRESS, &["CONFIG_NET_XGRESS"]),
    (AttachType::TCX_EGRESS, &["CONFIG_NET_XGRESS"]),
];

/// Attach types that need trampolines, which came to each architecture in its time.
const TRAMPOLINED: &[AttachType] = &[
    AttachType::TRACE_FENTRY,
    AttachType::TRACE_FEXIT,
    AttachType::MODIFY_RETURN,
    AttachType::LSM_MAC,
];

fn options<T: PartialEq>(
    table: &[(T, &'static [&'static str])],
    of: &T,
) -> &'static [&'static str] {
    let row = table.iter().find(|(known, _)| known == of);
    row.map_or(&[], |(_, options)| options)
}

pub(super) fn of_program(program_type: ProgramType) -> Minimum {
    Minimum {
        kernel: program_type.minimum_kernel(),
        options: options(PROGRAMS, &program_type),
        architectures: &[],
    }
}

pub(super) fn of_map(map_type: MapType) -> Minimum {
    Minimum {
        kernel: map_type.minimum_kernel(),
        options: options(MAPS, &map_type),
        architectures: &[],
    }
}

pub(super) fn of_attach(attach_type: AttachType) -> Minimum {
    let is_trampolined = TRAMPOLINED.contains(&attach_type);
    Minimum {
        kernel: attach_type.minimum_kernel(),
        options: options(ATTACH, &attach_type),
        architectures: if is_trampolined { TRAMPOLINE } else { &[] },
    }
}

pub(super) fn of_link(link_type: LinkType) -> Minimum {
    let options: &[&str] = match link_type {
        LinkType::KPROBE_MULTI => &["CONFIG_FPROBE"],
        LinkType::UPROBE_MULTI => &["CONFIG_UPROBES"],
        LinkType::CGROUP => &["CONFIG_CGROUP_BPF"],
        LinkType::NETFILTER => &["CONFIG_NETFILTER_BPF_LINK"],
        LinkType::TCX => &["CONFIG_NET_XGRESS"],
        LinkType::NETKIT => &["CONFIG_NETKIT"],
        LinkType::TRACING | LinkType::ITER | LinkType::STRUCT_OPS => &["CONFIG_DEBUG_INFO_BTF"],
        _ => &[],
    };
    Minimum {
        kernel: link_type.minimum_kernel(),
        options,
        architectures: &[],
    }
}
