//! Kinds of program, one row each.

super::kernel_enum! {
    /// Kind of a program: where it can run, what context it gets and which helpers it may call.
    ///
    /// Source: `enum bpf_prog_type` of `linux/bpf.h`.
    #[doc(alias = "bpf_prog_type")]
    pub struct ProgramType, unspecified "BPF_PROG_TYPE_UNSPEC";

    /// Filters packets of a socket.
    SOCKET_FILTER = 1, "socket_filter", (3, 19), "BPF_PROG_TYPE_SOCKET_FILTER";
    /// Runs on a kprobe, kretprobe, uprobe, uretprobe or USDT probe.
    KPROBE = 2, "kprobe", (4, 1), "BPF_PROG_TYPE_KPROBE";
    /// Classifies packets in traffic control; also tcx and netkit.
    SCHED_CLS = 3, "sched_cls", (4, 1), "BPF_PROG_TYPE_SCHED_CLS";
    /// Acts on packets in traffic control.
    SCHED_ACT = 4, "sched_act", (4, 1), "BPF_PROG_TYPE_SCHED_ACT";
    /// Runs on a static tracepoint, with its formatted record.
    TRACEPOINT = 5, "tracepoint", (4, 7), "BPF_PROG_TYPE_TRACEPOINT";
    /// Handles frames in the network driver.
    XDP = 6, "xdp", (4, 8), "BPF_PROG_TYPE_XDP";
    /// Runs on a perf event.
    PERF_EVENT = 7, "perf_event", (4, 9), "BPF_PROG_TYPE_PERF_EVENT";
    /// Filters packets of a cgroup's sockets.
    CGROUP_SKB = 8, "cgroup_skb", (4, 10), "BPF_PROG_TYPE_CGROUP_SKB";
    /// Runs when sockets of a cgroup are created, bound or released.
    CGROUP_SOCK = 9, "cgroup_sock", (4, 10), "BPF_PROG_TYPE_CGROUP_SOCK";
    /// Runs on packets arriving through a route.
    LWT_IN = 10, "lwt_in", (4, 10), "BPF_PROG_TYPE_LWT_IN";
    /// Runs on packets leaving through a route.
    LWT_OUT = 11, "lwt_out", (4, 10), "BPF_PROG_TYPE_LWT_OUT";
    /// Runs on packets about to be sent through a route.
    LWT_XMIT = 12, "lwt_xmit", (4, 10), "BPF_PROG_TYPE_LWT_XMIT";
    /// Runs on events of TCP connections of a cgroup.
    SOCK_OPS = 13, "sock_ops", (4, 13), "BPF_PROG_TYPE_SOCK_OPS";
    /// Parses or redirects data received by sockets of a map.
    SK_SKB = 14, "sk_skb", (4, 14), "BPF_PROG_TYPE_SK_SKB";
    /// Decides on a cgroup's access to devices.
    CGROUP_DEVICE = 15, "cgroup_device", (4, 15), "BPF_PROG_TYPE_CGROUP_DEVICE";
    /// Decides on data sent by sockets of a map.
    SK_MSG = 16, "sk_msg", (4, 17), "BPF_PROG_TYPE_SK_MSG";
    /// Runs on a tracepoint, with its raw arguments.
    RAW_TRACEPOINT = 17, "raw_tracepoint", (4, 17), "BPF_PROG_TYPE_RAW_TRACEPOINT";
    /// Runs on a cgroup's bind, connect, send and name calls, and may rewrite addresses.
    CGROUP_SOCK_ADDR = 18, "cgroup_sock_addr", (4, 17), "BPF_PROG_TYPE_CGROUP_SOCK_ADDR";
    /// Runs as an IPv6 segment routing action.
    LWT_SEG6LOCAL = 19, "lwt_seg6local", (4, 18), "BPF_PROG_TYPE_LWT_SEG6LOCAL";
    /// Decodes infrared signals.
    LIRC_MODE2 = 20, "lirc_mode2", (4, 18), "BPF_PROG_TYPE_LIRC_MODE2";
    /// Chooses a socket of a `SO_REUSEPORT` group.
    SK_REUSEPORT = 21, "sk_reuseport", (4, 19), "BPF_PROG_TYPE_SK_REUSEPORT";
    /// Replaces the kernel's flow dissector in a network namespace.
    FLOW_DISSECTOR = 22, "flow_dissector", (4, 20), "BPF_PROG_TYPE_FLOW_DISSECTOR";
    /// Decides on a cgroup's access to sysctls.
    CGROUP_SYSCTL = 23, "cgroup_sysctl", (5, 2), "BPF_PROG_TYPE_CGROUP_SYSCTL";
    /// [`RAW_TRACEPOINT`](Self::RAW_TRACEPOINT) that may write to the first argument.
    RAW_TRACEPOINT_WRITABLE = 24, "raw_tracepoint_writable", (5, 2), "BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE";
    /// Runs on a cgroup's `getsockopt` and `setsockopt`.
    CGROUP_SOCKOPT = 25, "cgroup_sockopt", (5, 3), "BPF_PROG_TYPE_CGROUP_SOCKOPT";
    /// Runs on kernel or BPF functions, tracepoints and iterators, typed by BTF.
    TRACING = 26, "tracing", (5, 5), "BPF_PROG_TYPE_TRACING";
    /// Implements one function of a kernel structure of function pointers.
    STRUCT_OPS = 27, "struct_ops", (5, 6), "BPF_PROG_TYPE_STRUCT_OPS";
    /// Replaces a global function of another program.
    EXT = 28, "ext", (5, 6), "BPF_PROG_TYPE_EXT";
    /// Runs on a hook of the Linux security modules.
    LSM = 29, "lsm", (5, 7), "BPF_PROG_TYPE_LSM";
    /// Chooses the socket that receives a packet or connection.
    SK_LOOKUP = 30, "sk_lookup", (5, 9), "BPF_PROG_TYPE_SK_LOOKUP";
    /// Runs once when asked to, and may call `bpf()` itself.
    SYSCALL = 31, "syscall", (5, 14), "BPF_PROG_TYPE_SYSCALL";
    /// Runs on a netfilter hook.
    NETFILTER = 32, "netfilter", (6, 4), "BPF_PROG_TYPE_NETFILTER";
}

impl ProgramType {
    /// The structure (of kprobes, the typedef) by which the kernel's types know the context of such programs; `None` for
    /// those whose context has no name.
    ///
    /// Source: `linux/bpf_types.h` of the kernel, the second column.
    pub fn context(self) -> Option<&'static str> {
        Some(match self {
            Self::SOCKET_FILTER
            | Self::SCHED_CLS
            | Self::SCHED_ACT
            | Self::CGROUP_SKB
            | Self::LWT_IN
            | Self::LWT_OUT
            | Self::LWT_XMIT
            | Self::LWT_SEG6LOCAL
            | Self::SK_SKB
            | Self::FLOW_DISSECTOR => "__sk_buff",
            Self::XDP => "xdp_md",
            Self::KPROBE => "bpf_user_pt_regs_t",
            Self::PERF_EVENT => "bpf_perf_event_data",
            Self::RAW_TRACEPOINT | Self::RAW_TRACEPOINT_WRITABLE => "bpf_raw_tracepoint_args",
            Self::CGROUP_SOCK => "bpf_sock",
            Self::CGROUP_SOCK_ADDR => "bpf_sock_addr",
            Self::CGROUP_DEVICE => "bpf_cgroup_dev_ctx",
            Self::CGROUP_SYSCTL => "bpf_sysctl",
            Self::CGROUP_SOCKOPT => "bpf_sockopt",
            Self::SOCK_OPS => "bpf_sock_ops",
            Self::SK_MSG => "sk_msg_md",
            Self::SK_REUSEPORT => "sk_reuseport_md",
            Self::SK_LOOKUP => "bpf_sk_lookup",
            Self::NETFILTER => "bpf_nf_ctx",
            _ => return None,
        })
    }
}
