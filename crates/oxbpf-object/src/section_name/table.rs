//! The section names of libbpf 1.8, one row each. The first row that matches decides.

use super::def::{SectionDef, TargetForm as F, exact, target};
use crate::kernel::{AttachType as A, ProgramType as P};

pub(super) static SECTION_DEFS: [SectionDef; 116] = [
    exact("socket", P::SOCKET_FILTER),
    exact("sk_reuseport/migrate", P::SK_REUSEPORT).at(A::SK_REUSEPORT_SELECT_OR_MIGRATE),
    exact("sk_reuseport", P::SK_REUSEPORT).at(A::SK_REUSEPORT_SELECT),
    target("kprobe", P::KPROBE, F::KernelFunction),
    target("uprobe", P::KPROBE, F::UserFunction),
    target("uprobe.s", P::KPROBE, F::UserFunction).sleepable(),
    target("kretprobe", P::KPROBE, F::KernelFunction).on_return(),
    target("uretprobe", P::KPROBE, F::UserFunction).on_return(),
    target("uretprobe.s", P::KPROBE, F::UserFunction)
        .sleepable()
        .on_return(),
    target("kprobe.multi", P::KPROBE, F::KernelPattern).at(A::TRACE_KPROBE_MULTI),
    target("kretprobe.multi", P::KPROBE, F::KernelPattern)
        .at(A::TRACE_KPROBE_MULTI)
        .on_return(),
    target("kprobe.session", P::KPROBE, F::KernelPattern).at(A::TRACE_KPROBE_SESSION),
    target("uprobe.multi", P::KPROBE, F::UserPattern).at(A::TRACE_UPROBE_MULTI),
    target("uretprobe.multi", P::KPROBE, F::UserPattern)
        .at(A::TRACE_UPROBE_MULTI)
        .on_return(),
    target("uprobe.session", P::KPROBE, F::UserPattern).at(A::TRACE_UPROBE_SESSION),
    target("uprobe.multi.s", P::KPROBE, F::UserPattern)
        .at(A::TRACE_UPROBE_MULTI)
        .sleepable(),
    target("uretprobe.multi.s", P::KPROBE, F::UserPattern)
        .at(A::TRACE_UPROBE_MULTI)
        .sleepable()
        .on_return(),
    target("uprobe.session.s", P::KPROBE, F::UserPattern)
        .at(A::TRACE_UPROBE_SESSION)
        .sleepable(),
    target("ksyscall", P::KPROBE, F::Syscall),
    target("kretsyscall", P::KPROBE, F::Syscall).on_return(),
    target("usdt", P::KPROBE, F::Usdt),
    target("usdt.s", P::KPROBE, F::Usdt).sleepable(),
    exact("tc/ingress", P::SCHED_CLS).at(A::TCX_INGRESS),
    exact("tc/egress", P::SCHED_CLS).at(A::TCX_EGRESS),
    exact("tcx/ingress", P::SCHED_CLS).at(A::TCX_INGRESS),
    exact("tcx/egress", P::SCHED_CLS).at(A::TCX_EGRESS),
    exact("tc", P::SCHED_CLS),
    exact("classifier", P::SCHED_CLS),
    exact("action", P::SCHED_ACT),
    exact("netkit/primary", P::SCHED_CLS).at(A::NETKIT_PRIMARY),
    exact("netkit/peer", P::SCHED_CLS).at(A::NETKIT_PEER),
    target("tracepoint", P::TRACEPOINT, F::Tracepoint),
    target("tp", P::TRACEPOINT, F::Tracepoint),
    target("tracepoint.s", P::TRACEPOINT, F::Tracepoint).sleepable(),
    target("tp.s", P::TRACEPOINT, F::Tracepoint).sleepable(),
    target("raw_tracepoint", P::RAW_TRACEPOINT, F::RawTracepoint),
    target("raw_tp", P::RAW_TRACEPOINT, F::RawTracepoint),
    target("raw_tracepoint.s", P::RAW_TRACEPOINT, F::RawTracepoint).sleepable(),
    target("raw_tp.s", P::RAW_TRACEPOINT, F::RawTracepoint).sleepable(),
    target(
        "raw_tracepoint.w",
        P::RAW_TRACEPOINT_WRITABLE,
        F::RawTracepoint,
    ),
    target("raw_tp.w", P::RAW_TRACEPOINT_WRITABLE, F::RawTracepoint),
    target("tp_btf", P::TRACING, F::BtfTracepoint)
        .at(A::TRACE_RAW_TP)
        .attach_btf(),
    target("tp_btf.s", P::TRACING, F::BtfTracepoint)
        .at(A::TRACE_RAW_TP)
        .attach_btf()
        .sleepable(),
    target("fentry", P::TRACING, F::Function)
        .at(A::TRACE_FENTRY)
        .attach_btf(),
    target("fmod_ret", P::TRACING, F::Function)
        .at(A::MODIFY_RETURN)
        .attach_btf(),
    target("fexit", P::TRACING, F::Function)
        .at(A::TRACE_FEXIT)
        .attach_btf(),
    target("fentry.s", P::TRACING, F::Function)
        .at(A::TRACE_FENTRY)
        .attach_btf()
        .sleepable(),
    target("fmod_ret.s", P::TRACING, F::Function)
        .at(A::MODIFY_RETURN)
        .attach_btf()
        .sleepable(),
    target("fexit.s", P::TRACING, F::Function)
        .at(A::TRACE_FEXIT)
        .attach_btf()
        .sleepable(),
    target("fsession", P::TRACING, F::Function)
        .at(A::TRACE_FSESSION)
        .attach_btf(),
    target("fsession.s", P::TRACING, F::Function)
        .at(A::TRACE_FSESSION)
        .attach_btf()
        .sleepable(),
    target("fsession.multi", P::TRACING, F::FunctionPattern).at(A::TRACE_FSESSION_MULTI),
    target("fsession.multi.s", P::TRACING, F::FunctionPattern)
        .at(A::TRACE_FSESSION_MULTI)
        .sleepable(),
    target("fentry.multi", P::TRACING, F::FunctionPattern).at(A::TRACE_FENTRY_MULTI),
    target("fexit.multi", P::TRACING, F::FunctionPattern).at(A::TRACE_FEXIT_MULTI),
    target("fentry.multi.s", P::TRACING, F::FunctionPattern)
        .at(A::TRACE_FENTRY_MULTI)
        .sleepable(),
    target("fexit.multi.s", P::TRACING, F::FunctionPattern)
        .at(A::TRACE_FEXIT_MULTI)
        .sleepable(),
    target("freplace", P::EXT, F::ReplacedFunction).attach_btf(),
    target("lsm", P::LSM, F::Hook).at(A::LSM_MAC).attach_btf(),
    target("lsm.s", P::LSM, F::Hook)
        .at(A::LSM_MAC)
        .attach_btf()
        .sleepable(),
    target("lsm_cgroup", P::LSM, F::Hook)
        .at(A::LSM_CGROUP)
        .attach_btf()
        .by_hand(),
    target("iter", P::TRACING, F::Iterator)
        .at(A::TRACE_ITER)
        .attach_btf(),
    target("iter.s", P::TRACING, F::Iterator)
        .at(A::TRACE_ITER)
        .attach_btf()
        .sleepable(),
    exact("syscall", P::SYSCALL).sleepable(),
    exact("xdp.frags/devmap", P::XDP)
        .at(A::XDP_DEVMAP)
        .xdp_frags(),
    exact("xdp/devmap", P::XDP).at(A::XDP_DEVMAP),
    exact("xdp.frags/cpumap", P::XDP)
        .at(A::XDP_CPUMAP)
        .xdp_frags(),
    exact("xdp/cpumap", P::XDP).at(A::XDP_CPUMAP),
    exact("xdp.frags", P::XDP).at(A::XDP).xdp_frags(),
    exact("xdp", P::XDP).at(A::XDP).attach_type_optional(),
    exact("perf_event", P::PERF_EVENT),
    exact("lwt_in", P::LWT_IN),
    exact("lwt_out", P::LWT_OUT),
    exact("lwt_xmit", P::LWT_XMIT),
    exact("lwt_seg6local", P::LWT_SEG6LOCAL),
    exact("sockops", P::SOCK_OPS)
        .at(A::CGROUP_SOCK_OPS)
        .attach_type_optional(),
    exact("sk_skb/stream_parser", P::SK_SKB)
        .at(A::SK_SKB_STREAM_PARSER)
        .attach_type_optional(),
    exact("sk_skb/stream_verdict", P::SK_SKB)
        .at(A::SK_SKB_STREAM_VERDICT)
        .attach_type_optional(),
    exact("sk_skb/verdict", P::SK_SKB)
        .at(A::SK_SKB_VERDICT)
        .attach_type_optional(),
    exact("sk_skb", P::SK_SKB),
    exact("sk_msg", P::SK_MSG)
        .at(A::SK_MSG_VERDICT)
        .attach_type_optional(),
    exact("lirc_mode2", P::LIRC_MODE2)
        .at(A::LIRC_MODE2)
        .attach_type_optional(),
    exact("flow_dissector", P::FLOW_DISSECTOR)
        .at(A::FLOW_DISSECTOR)
        .attach_type_optional(),
    exact("cgroup_skb/ingress", P::CGROUP_SKB)
        .at(A::CGROUP_INET_INGRESS)
        .attach_type_optional(),
    exact("cgroup_skb/egress", P::CGROUP_SKB)
        .at(A::CGROUP_INET_EGRESS)
        .attach_type_optional(),
    exact("cgroup/skb", P::CGROUP_SKB),
    exact("cgroup/sock_create", P::CGROUP_SOCK).at(A::CGROUP_INET_SOCK_CREATE),
    exact("cgroup/sock_release", P::CGROUP_SOCK).at(A::CGROUP_INET_SOCK_RELEASE),
    exact("cgroup/sock", P::CGROUP_SOCK)
        .at(A::CGROUP_INET_SOCK_CREATE)
        .attach_type_optional(),
    exact("cgroup/post_bind4", P::CGROUP_SOCK).at(A::CGROUP_INET4_POST_BIND),
    exact("cgroup/post_bind6", P::CGROUP_SOCK).at(A::CGROUP_INET6_POST_BIND),
    exact("cgroup/bind4", P::CGROUP_SOCK_ADDR).at(A::CGROUP_INET4_BIND),
    exact("cgroup/bind6", P::CGROUP_SOCK_ADDR).at(A::CGROUP_INET6_BIND),
    exact("cgroup/connect4", P::CGROUP_SOCK_ADDR).at(A::CGROUP_INET4_CONNECT),
    exact("cgroup/connect6", P::CGROUP_SOCK_ADDR).at(A::CGROUP_INET6_CONNECT),
    exact("cgroup/connect_unix", P::CGROUP_SOCK_ADDR).at(A::CGROUP_UNIX_CONNECT),
    exact("cgroup/sendmsg4", P::CGROUP_SOCK_ADDR).at(A::CGROUP_UDP4_SENDMSG),
    exact("cgroup/sendmsg6", P::CGROUP_SOCK_ADDR).at(A::CGROUP_UDP6_SENDMSG),
    exact("cgroup/sendmsg_unix", P::CGROUP_SOCK_ADDR).at(A::CGROUP_UNIX_SENDMSG),
    exact("cgroup/recvmsg4", P::CGROUP_SOCK_ADDR).at(A::CGROUP_UDP4_RECVMSG),
    exact("cgroup/recvmsg6", P::CGROUP_SOCK_ADDR).at(A::CGROUP_UDP6_RECVMSG),
    exact("cgroup/recvmsg_unix", P::CGROUP_SOCK_ADDR).at(A::CGROUP_UNIX_RECVMSG),
    exact("cgroup/getpeername4", P::CGROUP_SOCK_ADDR).at(A::CGROUP_INET4_GETPEERNAME),
    exact("cgroup/getpeername6", P::CGROUP_SOCK_ADDR).at(A::CGROUP_INET6_GETPEERNAME),
    exact("cgroup/getpeername_unix", P::CGROUP_SOCK_ADDR).at(A::CGROUP_UNIX_GETPEERNAME),
    exact("cgroup/getsockname4", P::CGROUP_SOCK_ADDR).at(A::CGROUP_INET4_GETSOCKNAME),
    exact("cgroup/getsockname6", P::CGROUP_SOCK_ADDR).at(A::CGROUP_INET6_GETSOCKNAME),
    exact("cgroup/getsockname_unix", P::CGROUP_SOCK_ADDR).at(A::CGROUP_UNIX_GETSOCKNAME),
    exact("cgroup/sysctl", P::CGROUP_SYSCTL).at(A::CGROUP_SYSCTL),
    exact("cgroup/getsockopt", P::CGROUP_SOCKOPT).at(A::CGROUP_GETSOCKOPT),
    exact("cgroup/setsockopt", P::CGROUP_SOCKOPT).at(A::CGROUP_SETSOCKOPT),
    exact("cgroup/dev", P::CGROUP_DEVICE)
        .at(A::CGROUP_DEVICE)
        .attach_type_optional(),
    target("struct_ops", P::STRUCT_OPS, F::Name).by_hand(),
    target("struct_ops.s", P::STRUCT_OPS, F::Name)
        .sleepable()
        .by_hand(),
    exact("sk_lookup", P::SK_LOOKUP).at(A::SK_LOOKUP),
    exact("netfilter", P::NETFILTER).at(A::NETFILTER),
];
