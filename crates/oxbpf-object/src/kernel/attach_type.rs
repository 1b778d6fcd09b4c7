//! Places to attach a program, one row each.

super::kernel_enum! {
    /// Place where a program is attached, within what its [`ProgramType`](super::ProgramType) can do.
    ///
    /// Zero is a valid value (`CGROUP_INET_INGRESS`), so "none" is an `Option` elsewhere in this crate.
    ///
    /// Source: `enum bpf_attach_type` of `linux/bpf.h`.
    #[doc(alias = "bpf_attach_type")]
    pub struct AttachType;

    /// Packets received by a cgroup's sockets.
    CGROUP_INET_INGRESS = 0, "cgroup_inet_ingress", (4, 10), "BPF_CGROUP_INET_INGRESS";
    /// Packets sent by a cgroup's sockets.
    CGROUP_INET_EGRESS = 1, "cgroup_inet_egress", (4, 10), "BPF_CGROUP_INET_EGRESS";
    /// Creation of a socket in a cgroup.
    CGROUP_INET_SOCK_CREATE = 2, "cgroup_inet_sock_create", (4, 10), "BPF_CGROUP_INET_SOCK_CREATE";
    /// Events of a cgroup's TCP connections.
    CGROUP_SOCK_OPS = 3, "cgroup_sock_ops", (4, 13), "BPF_CGROUP_SOCK_OPS";
    /// Message boundaries in data received by a map's sockets.
    SK_SKB_STREAM_PARSER = 4, "sk_skb_stream_parser", (4, 14), "BPF_SK_SKB_STREAM_PARSER";
    /// Parsed messages received by a map's sockets.
    SK_SKB_STREAM_VERDICT = 5, "sk_skb_stream_verdict", (4, 14), "BPF_SK_SKB_STREAM_VERDICT";
    /// Device access of a cgroup.
    CGROUP_DEVICE = 6, "cgroup_device", (4, 15), "BPF_CGROUP_DEVICE";
    /// Data sent by a map's sockets.
    SK_MSG_VERDICT = 7, "sk_msg_verdict", (4, 17), "BPF_SK_MSG_VERDICT";
    /// `bind` to an IPv4 address.
    CGROUP_INET4_BIND = 8, "cgroup_inet4_bind", (4, 17), "BPF_CGROUP_INET4_BIND";
    /// `bind` to an IPv6 address.
    CGROUP_INET6_BIND = 9, "cgroup_inet6_bind", (4, 17), "BPF_CGROUP_INET6_BIND";
    /// `connect` to an IPv4 address.
    CGROUP_INET4_CONNECT = 10, "cgroup_inet4_connect", (4, 17), "BPF_CGROUP_INET4_CONNECT";
    /// `connect` to an IPv6 address.
    CGROUP_INET6_CONNECT = 11, "cgroup_inet6_connect", (4, 17), "BPF_CGROUP_INET6_CONNECT";
    /// After a successful IPv4 `bind`.
    CGROUP_INET4_POST_BIND = 12, "cgroup_inet4_post_bind", (4, 17), "BPF_CGROUP_INET4_POST_BIND";
    /// After a successful IPv6 `bind`.
    CGROUP_INET6_POST_BIND = 13, "cgroup_inet6_post_bind", (4, 17), "BPF_CGROUP_INET6_POST_BIND";
    /// `sendmsg` of an unconnected IPv4 UDP socket.
    CGROUP_UDP4_SENDMSG = 14, "cgroup_udp4_sendmsg", (4, 18), "BPF_CGROUP_UDP4_SENDMSG";
    /// `sendmsg` of an unconnected IPv6 UDP socket.
    CGROUP_UDP6_SENDMSG = 15, "cgroup_udp6_sendmsg", (4, 18), "BPF_CGROUP_UDP6_SENDMSG";
    /// Infrared receiver.
    LIRC_MODE2 = 16, "lirc_mode2", (4, 18), "BPF_LIRC_MODE2";
    /// Flow dissection in a network namespace.
    FLOW_DISSECTOR = 17, "flow_dissector", (4, 20), "BPF_FLOW_DISSECTOR";
    /// Sysctl access of a cgroup.
    CGROUP_SYSCTL = 18, "cgroup_sysctl", (5, 2), "BPF_CGROUP_SYSCTL";
    /// `recvmsg` of an IPv4 UDP socket.
    CGROUP_UDP4_RECVMSG = 19, "cgroup_udp4_recvmsg", (5, 2), "BPF_CGROUP_UDP4_RECVMSG";
    /// `recvmsg` of an IPv6 UDP socket.
    CGROUP_UDP6_RECVMSG = 20, "cgroup_udp6_recvmsg", (5, 2), "BPF_CGROUP_UDP6_RECVMSG";
    /// `getsockopt` in a cgroup.
    CGROUP_GETSOCKOPT = 21, "cgroup_getsockopt", (5, 3), "BPF_CGROUP_GETSOCKOPT";
    /// `setsockopt` in a cgroup.
    CGROUP_SETSOCKOPT = 22, "cgroup_setsockopt", (5, 3), "BPF_CGROUP_SETSOCKOPT";
    /// Tracepoint with arguments typed by BTF (`tp_btf`).
    TRACE_RAW_TP = 23, "trace_raw_tp", (5, 5), "BPF_TRACE_RAW_TP";
    /// Entry of a function.
    TRACE_FENTRY = 24, "trace_fentry", (5, 5), "BPF_TRACE_FENTRY";
    /// Exit of a function, with its arguments and result.
    TRACE_FEXIT = 25, "trace_fexit", (5, 5), "BPF_TRACE_FEXIT";
    /// Entry of a function that permits error injection; may replace its result.
    MODIFY_RETURN = 26, "modify_return", (5, 7), "BPF_MODIFY_RETURN";
    /// Hook of the Linux security modules.
    LSM_MAC = 27, "lsm_mac", (5, 7), "BPF_LSM_MAC";
    /// Iterator over kernel objects.
    TRACE_ITER = 28, "trace_iter", (5, 8), "BPF_TRACE_ITER";
    /// `getpeername` of an IPv4 socket.
    CGROUP_INET4_GETPEERNAME = 29, "cgroup_inet4_getpeername", (5, 8), "BPF_CGROUP_INET4_GETPEERNAME";
    /// `getpeername` of an IPv6 socket.
    CGROUP_INET6_GETPEERNAME = 30, "cgroup_inet6_getpeername", (5, 8), "BPF_CGROUP_INET6_GETPEERNAME";
    /// `getsockname` of an IPv4 socket.
    CGROUP_INET4_GETSOCKNAME = 31, "cgroup_inet4_getsockname", (5, 8), "BPF_CGROUP_INET4_GETSOCKNAME";
    /// `getsockname` of an IPv6 socket.
    CGROUP_INET6_GETSOCKNAME = 32, "cgroup_inet6_getsockname", (5, 8), "BPF_CGROUP_INET6_GETSOCKNAME";
    /// Frames redirected through a device map entry.
    XDP_DEVMAP = 33, "xdp_devmap", (5, 8), "BPF_XDP_DEVMAP";
    /// Release of a socket in a cgroup.
    CGROUP_INET_SOCK_RELEASE = 34, "cgroup_inet_sock_release", (5, 9), "BPF_CGROUP_INET_SOCK_RELEASE";
    /// Frames redirected through a CPU map entry.
    XDP_CPUMAP = 35, "xdp_cpumap", (5, 9), "BPF_XDP_CPUMAP";
    /// Socket lookup in a network namespace.
    SK_LOOKUP = 36, "sk_lookup", (5, 9), "BPF_SK_LOOKUP";
    /// Frames received by a network device.
    XDP = 37, "xdp", (5, 9), "BPF_XDP";
    /// Data received by a map's sockets, without a parser.
    SK_SKB_VERDICT = 38, "sk_skb_verdict", (5, 13), "BPF_SK_SKB_VERDICT";
    /// Choice of a socket of a `SO_REUSEPORT` group.
    SK_REUSEPORT_SELECT = 39, "sk_reuseport_select", (5, 14), "BPF_SK_REUSEPORT_SELECT";
    /// [`SK_REUSEPORT_SELECT`](Self::SK_REUSEPORT_SELECT), also when a listener closes and its connections move.
    SK_REUSEPORT_SELECT_OR_MIGRATE = 40, "sk_reuseport_select_or_migrate", (5, 14), "BPF_SK_REUSEPORT_SELECT_OR_MIGRATE";
    /// Perf event: kprobes, uprobes and tracepoints included.
    PERF_EVENT = 41, "perf_event", (5, 15), "BPF_PERF_EVENT";
    /// Many kernel functions at once.
    TRACE_KPROBE_MULTI = 42, "trace_kprobe_multi", (5, 18), "BPF_TRACE_KPROBE_MULTI";
    /// Hook of the Linux security modules, for a cgroup.
    LSM_CGROUP = 43, "lsm_cgroup", (6, 0), "BPF_LSM_CGROUP";
    /// Kernel structure of function pointers, held by a link.
    STRUCT_OPS = 44, "struct_ops", (6, 4), "BPF_STRUCT_OPS";
    /// Netfilter hook.
    NETFILTER = 45, "netfilter", (6, 4), "BPF_NETFILTER";
    /// Packets received by a network device, in traffic control.
    TCX_INGRESS = 46, "tcx_ingress", (6, 6), "BPF_TCX_INGRESS";
    /// Packets sent by a network device, in traffic control.
    TCX_EGRESS = 47, "tcx_egress", (6, 6), "BPF_TCX_EGRESS";
    /// Many places of a user space binary at once.
    TRACE_UPROBE_MULTI = 48, "trace_uprobe_multi", (6, 6), "BPF_TRACE_UPROBE_MULTI";
    /// `connect` to a unix socket address.
    CGROUP_UNIX_CONNECT = 49, "cgroup_unix_connect", (6, 7), "BPF_CGROUP_UNIX_CONNECT";
    /// `sendmsg` to a unix socket address.
    CGROUP_UNIX_SENDMSG = 50, "cgroup_unix_sendmsg", (6, 7), "BPF_CGROUP_UNIX_SENDMSG";
    /// `recvmsg` of a unix socket.
    CGROUP_UNIX_RECVMSG = 51, "cgroup_unix_recvmsg", (6, 7), "BPF_CGROUP_UNIX_RECVMSG";
    /// `getpeername` of a unix socket.
    CGROUP_UNIX_GETPEERNAME = 52, "cgroup_unix_getpeername", (6, 7), "BPF_CGROUP_UNIX_GETPEERNAME";
    /// `getsockname` of a unix socket.
    CGROUP_UNIX_GETSOCKNAME = 53, "cgroup_unix_getsockname", (6, 7), "BPF_CGROUP_UNIX_GETSOCKNAME";
    /// Primary device of a netkit pair.
    NETKIT_PRIMARY = 54, "netkit_primary", (6, 7), "BPF_NETKIT_PRIMARY";
    /// Peer device of a netkit pair.
    NETKIT_PEER = 55, "netkit_peer", (6, 7), "BPF_NETKIT_PEER";
    /// Entry and exit of many kernel functions, seen by one program.
    TRACE_KPROBE_SESSION = 56, "trace_kprobe_session", (6, 10), "BPF_TRACE_KPROBE_SESSION";
    /// Entry and exit of many user space functions, seen by one program.
    TRACE_UPROBE_SESSION = 57, "trace_uprobe_session", (6, 13), "BPF_TRACE_UPROBE_SESSION";
    /// Entry and exit of a kernel function, seen by one program typed by BTF.
    TRACE_FSESSION = 58, "trace_fsession", (7, 0), "BPF_TRACE_FSESSION";
    /// Entries of many functions, through trampolines.
    TRACE_FENTRY_MULTI = 59, "trace_fentry_multi", (7, 2), "BPF_TRACE_FENTRY_MULTI";
    /// Exits of many functions, through trampolines.
    TRACE_FEXIT_MULTI = 60, "trace_fexit_multi", (7, 2), "BPF_TRACE_FEXIT_MULTI";
    /// Entries and exits of many functions, through trampolines.
    TRACE_FSESSION_MULTI = 61, "trace_fsession_multi", (7, 2), "BPF_TRACE_FSESSION_MULTI";
}
