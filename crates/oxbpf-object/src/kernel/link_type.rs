//! Kinds of link, one row each.

super::kernel_enum! {
    /// Kind of a link: the object that keeps a program attached.
    ///
    /// Source: `enum bpf_link_type` of `linux/bpf.h`.
    #[doc(alias = "bpf_link_type")]
    pub struct LinkType, unspecified "BPF_LINK_TYPE_UNSPEC";

    /// Program on a raw tracepoint.
    RAW_TRACEPOINT = 1, "raw_tracepoint", (5, 8), "BPF_LINK_TYPE_RAW_TRACEPOINT";
    /// Program on a function, tracepoint or security hook typed by BTF.
    TRACING = 2, "tracing", (5, 8), "BPF_LINK_TYPE_TRACING";
    /// Program on a cgroup.
    CGROUP = 3, "cgroup", (5, 8), "BPF_LINK_TYPE_CGROUP";
    /// Iterator over kernel objects.
    ITER = 4, "iter", (5, 8), "BPF_LINK_TYPE_ITER";
    /// Program on a network namespace.
    NETNS = 5, "netns", (5, 8), "BPF_LINK_TYPE_NETNS";
    /// XDP program on a network device.
    XDP = 6, "xdp", (5, 9), "BPF_LINK_TYPE_XDP";
    /// Program on a perf event: kprobe, uprobe, tracepoint, counter.
    PERF_EVENT = 7, "perf_event", (5, 15), "BPF_LINK_TYPE_PERF_EVENT";
    /// Program on many kernel functions.
    KPROBE_MULTI = 8, "kprobe_multi", (5, 18), "BPF_LINK_TYPE_KPROBE_MULTI";
    /// Kernel structure of function pointers.
    STRUCT_OPS = 9, "struct_ops", (6, 4), "BPF_LINK_TYPE_STRUCT_OPS";
    /// Program on a netfilter hook.
    NETFILTER = 10, "netfilter", (6, 4), "BPF_LINK_TYPE_NETFILTER";
    /// Program on a network device, in traffic control.
    TCX = 11, "tcx", (6, 6), "BPF_LINK_TYPE_TCX";
    /// Program on many places of a user space binary.
    UPROBE_MULTI = 12, "uprobe_multi", (6, 6), "BPF_LINK_TYPE_UPROBE_MULTI";
    /// Program on a netkit device.
    NETKIT = 13, "netkit", (6, 7), "BPF_LINK_TYPE_NETKIT";
    /// Program on a map of sockets.
    SOCKMAP = 14, "sockmap", (6, 10), "BPF_LINK_TYPE_SOCKMAP";
    /// Program on many functions, through trampolines.
    TRACING_MULTI = 15, "tracing_multi", (7, 2), "BPF_LINK_TYPE_TRACING_MULTI";
}
