//! What types do not tell: which structures there are, what they are for, and the numbers that are `#define`s.

/// A structure to make.
pub(crate) struct Struct {
    /// Its name in Rust.
    pub(crate) name: &'static str,
    /// The structure or union of the kernel that it is out of.
    pub(crate) root: &'static str,
    /// Which of the unions in there; see `layout::flatten`.
    pub(crate) path: &'static str,
    pub(crate) doc: &'static str,
}

const fn attr(name: &'static str, path: &'static str, doc: &'static str) -> Struct {
    Struct {
        name,
        root: "bpf_attr",
        path,
        doc,
    }
}

const fn link_info(name: &'static str, path: &'static str, doc: &'static str) -> Struct {
    Struct {
        name,
        root: "bpf_link_info",
        path,
        doc,
    }
}

const fn whole(name: &'static str, root: &'static str, doc: &'static str) -> Struct {
    Struct {
        name,
        root,
        path: "",
        doc,
    }
}

#[rustfmt::skip]
pub(crate) const STRUCTS: &[Struct] = &[
    attr("MapCreate", "map_type", "MAP_CREATE."),
    attr("MapElem", "map_fd", "Every command on one element of a map, and MAP_FREEZE. Of MAP_GET_NEXT_KEY, `value` is the next key."),
    attr("MapBatch", "batch", "MAP_LOOKUP_BATCH, MAP_LOOKUP_AND_DELETE_BATCH, MAP_UPDATE_BATCH, MAP_DELETE_BATCH."),
    attr("ProgLoad", "prog_type", "PROG_LOAD."),
    attr("ObjPin", "pathname", "OBJ_PIN and OBJ_GET."),
    attr("ProgAttach", "target_fd", "PROG_ATTACH and PROG_DETACH."),
    attr("ProgTestRun", "test", "PROG_TEST_RUN."),
    attr("ObjId", "start_id", "Every command that ends in `_GET_NEXT_ID` or `_GET_FD_BY_ID`."),
    attr("ObjGetInfo", "info", "OBJ_GET_INFO_BY_FD."),
    attr("ProgQuery", "query", "PROG_QUERY."),
    attr("RawTracepointOpen", "raw_tracepoint", "RAW_TRACEPOINT_OPEN."),
    attr("BtfLoad", "btf", "BTF_LOAD."),
    attr("TaskFdQuery", "task_fd_query", "TASK_FD_QUERY."),
    attr("LinkCreate", "link_create", "LINK_CREATE with nothing but its head."),
    attr("LinkCreateTargetBtfId", "link_create.target_btf_id", "LINK_CREATE at a function of the kernel or of a program."),
    attr("LinkCreateIter", "link_create.iter_info", "LINK_CREATE of an iterator."),
    attr("LinkCreatePerfEvent", "link_create.perf_event", "LINK_CREATE at a perf event."),
    attr("LinkCreateKprobeMulti", "link_create.kprobe_multi", "LINK_CREATE at many kernel functions."),
    attr("LinkCreateTracing", "link_create.tracing", "LINK_CREATE at a function or tracepoint, by its type."),
    attr("LinkCreateNetfilter", "link_create.netfilter", "LINK_CREATE at a netfilter hook."),
    attr("LinkCreateTcx", "link_create.tcx", "LINK_CREATE at a network device's traffic control."),
    attr("LinkCreateUprobeMulti", "link_create.uprobe_multi", "LINK_CREATE at many places of a program file."),
    attr("LinkCreateNetkit", "link_create.netkit", "LINK_CREATE at a netkit device."),
    attr("LinkCreateCgroup", "link_create.cgroup", "LINK_CREATE at a control group."),
    attr("LinkCreateTracingMulti", "link_create.tracing_multi", "LINK_CREATE at many functions, by their types."),
    attr("LinkUpdate", "link_update", "LINK_UPDATE."),
    attr("LinkDetach", "link_detach", "LINK_DETACH."),
    attr("EnableStats", "enable_stats", "ENABLE_STATS."),
    attr("IterCreate", "iter_create", "ITER_CREATE."),
    attr("ProgBindMap", "prog_bind_map", "PROG_BIND_MAP."),
    attr("TokenCreate", "token_create", "TOKEN_CREATE."),
    attr("ProgStreamRead", "prog_stream_read", "PROG_STREAM_READ_BY_FD."),
    attr("ProgAssocStructOps", "prog_assoc_struct_ops", "PROG_ASSOC_STRUCT_OPS."),
    whole("CommonAttr", "bpf_common_attr", "What any command takes beside its own structure, with COMMON_ATTRS."),
    whole("MapInfo", "bpf_map_info", "What OBJ_GET_INFO_BY_FD says of a map."),
    whole("ProgInfo", "bpf_prog_info", "What OBJ_GET_INFO_BY_FD says of a program."),
    whole("BtfInfo", "bpf_btf_info", "What OBJ_GET_INFO_BY_FD says of types."),
    link_info("LinkInfo", "", "What OBJ_GET_INFO_BY_FD says of any link."),
    link_info("LinkInfoRawTracepoint", "raw_tracepoint", "Of a link at a raw tracepoint."),
    link_info("LinkInfoTracing", "tracing", "Of a link at a function or tracepoint, by its type."),
    link_info("LinkInfoCgroup", "cgroup", "Of a link at a control group."),
    link_info("LinkInfoIter", "iter.map", "Of an iterator, over the elements of a map if it is one."),
    link_info("LinkInfoIterCgroup", "iter.map.cgroup", "Of an iterator over control groups."),
    link_info("LinkInfoIterTask", "iter.map.task", "Of an iterator over tasks."),
    link_info("LinkInfoNetns", "netns", "Of a link at a network name space."),
    link_info("LinkInfoXdp", "xdp", "Of a link at a network device's receive path."),
    link_info("LinkInfoStructOps", "struct_ops", "Of a link that has registered operations."),
    link_info("LinkInfoNetfilter", "netfilter", "Of a link at a netfilter hook."),
    link_info("LinkInfoKprobeMulti", "kprobe_multi", "Of a link at many kernel functions."),
    link_info("LinkInfoUprobeMulti", "uprobe_multi", "Of a link at many places of a program file."),
    link_info("LinkInfoTracingMulti", "tracing_multi", "Of a link at many functions, by their types."),
    link_info("LinkInfoPerfEvent", "perf_event", "Of a link at a perf event, up to what depends on its type."),
    link_info("LinkInfoPerfEventUprobe", "perf_event.uprobe", "Of a link at a uprobe."),
    link_info("LinkInfoPerfEventKprobe", "perf_event.kprobe", "Of a link at a kprobe."),
    link_info("LinkInfoPerfEventTracepoint", "perf_event.tracepoint", "Of a link at a tracepoint."),
    link_info("LinkInfoPerfEventEvent", "perf_event.event", "Of a link at a counter."),
    link_info("LinkInfoTcx", "tcx", "Of a link at a network device's traffic control."),
    link_info("LinkInfoNetkit", "netkit", "Of a link at a netkit device."),
    link_info("LinkInfoSockmap", "sockmap", "Of a link at a map of sockets."),
    whole("FuncInfo", "bpf_func_info", "Where a function of a program starts."),
    whole("LineInfo", "bpf_line_info", "Which source line instructions come from."),
    whole("PerfEventAttr", "perf_event_attr", "What perf_event_open(2) is to open."),
];

/// What a word of bit-fields is called, by structure and first bit-field. The bits become constants of the structure.
pub(crate) const BITS: &[(&str, &str, &str)] = &[("PerfEventAttr", "disabled", "flags")];

/// Enumerators that become constants by themselves.
pub(crate) const ENUMERATORS: &[&str] = &[
    "BPF_F_TOKEN_FD",
    "BPF_F_KPROBE_MULTI_RETURN",
    "BPF_F_UPROBE_MULTI_RETURN",
    "PERF_TYPE_HARDWARE",
    "PERF_TYPE_SOFTWARE",
    "PERF_TYPE_TRACEPOINT",
    "PERF_TYPE_HW_CACHE",
    "PERF_TYPE_RAW",
    "PERF_TYPE_BREAKPOINT",
    "PERF_COUNT_SW_CPU_CLOCK",
    "PERF_COUNT_SW_DUMMY",
    "PERF_COUNT_SW_BPF_OUTPUT",
    "PERF_SAMPLE_TIME",
    "PERF_SAMPLE_RAW",
    "PERF_RECORD_LOST",
    "PERF_RECORD_SAMPLE",
    "BPF_PERF_EVENT_UPROBE",
    "BPF_PERF_EVENT_URETPROBE",
    "BPF_PERF_EVENT_KPROBE",
    "BPF_PERF_EVENT_KRETPROBE",
    "BPF_PERF_EVENT_TRACEPOINT",
    "BPF_PERF_EVENT_EVENT",
    "BPF_FD_TYPE_RAW_TRACEPOINT",
    "BPF_FD_TYPE_TRACEPOINT",
    "BPF_FD_TYPE_KPROBE",
    "BPF_FD_TYPE_KRETPROBE",
    "BPF_FD_TYPE_UPROBE",
    "BPF_FD_TYPE_URETPROBE",
];

/// A number that is a `#define`, so that types do not tell it.
pub(crate) struct Constant {
    pub(crate) name: &'static str,
    pub(crate) ty: &'static str,
    pub(crate) value: Value,
    /// The header of linux-libc-dev that defines it.
    pub(crate) header: &'static str,
}

pub(crate) enum Value {
    Number(u64),
    /// An ioctl's number, which machines put together in different ways: its direction, the C type of its argument, and the Rust
    /// one. All are of the group `$`.
    Request(&'static str, &'static str, u8),
}

const fn bpf(name: &'static str, ty: &'static str, value: u64) -> Constant {
    Constant {
        name,
        ty,
        value: Value::Number(value),
        header: "linux/bpf.h",
    }
}

const fn perf(name: &'static str, ty: &'static str, value: u64) -> Constant {
    Constant {
        name,
        ty,
        value: Value::Number(value),
        header: "linux/perf_event.h",
    }
}

const fn magic(name: &'static str, value: u64) -> Constant {
    Constant {
        name,
        ty: "u64",
        value: Value::Number(value),
        header: "linux/magic.h",
    }
}

const fn request(
    name: &'static str,
    direction: &'static str,
    argument: &'static str,
    number: u8,
) -> Constant {
    let value = Value::Request(direction, argument, number);
    Constant {
        name,
        ty: "Opcode",
        value,
        header: "linux/perf_event.h",
    }
}

#[rustfmt::skip]
pub(crate) const CONSTANTS: &[Constant] = &[
    bpf("BPF_OBJ_NAME_LEN", "usize", 16),
    bpf("BPF_TAG_SIZE", "usize", 8),
    bpf("BPF_BUILD_ID_SIZE", "usize", 20),
    bpf("BPF_F_PATH_FD", "u32", 1 << 14),
    bpf("BPF_F_ALLOW_OVERRIDE", "u32", 1 << 0),
    bpf("BPF_F_ALLOW_MULTI", "u32", 1 << 1),
    bpf("BPF_F_REPLACE", "u32", 1 << 2),
    bpf("BPF_F_BEFORE", "u32", 1 << 3),
    bpf("BPF_F_AFTER", "u32", 1 << 4),
    bpf("BPF_F_ID", "u32", 1 << 5),
    bpf("BPF_F_PREORDER", "u32", 1 << 6),
    bpf("BPF_F_LINK", "u32", 1 << 13),
    bpf("BPF_F_QUERY_EFFECTIVE", "u32", 1 << 0),
    bpf("BPF_F_TEST_RUN_ON_CPU", "u32", 1 << 0),
    bpf("BPF_F_TEST_XDP_LIVE_FRAMES", "u32", 1 << 1),
    bpf("BPF_F_TEST_SKB_CHECKSUM_COMPLETE", "u32", 1 << 2),
    perf("PERF_FLAG_FD_NO_GROUP", "u64", 1 << 0),
    perf("PERF_FLAG_FD_OUTPUT", "u64", 1 << 1),
    perf("PERF_FLAG_PID_CGROUP", "u64", 1 << 2),
    perf("PERF_FLAG_FD_CLOEXEC", "u64", 1 << 3),
    perf("PERF_ATTR_SIZE_VER0", "usize", 64),
    perf("PERF_ATTR_SIZE_VER5", "usize", 112),
    perf("PERF_ATTR_SIZE_VER7", "usize", 128),
    request("PERF_EVENT_IOC_ENABLE", "none", "", 0),
    request("PERF_EVENT_IOC_DISABLE", "none", "", 1),
    request("PERF_EVENT_IOC_REFRESH", "none", "", 2),
    request("PERF_EVENT_IOC_RESET", "none", "", 3),
    request("PERF_EVENT_IOC_SET_OUTPUT", "none", "", 5),
    request("PERF_EVENT_IOC_ID", "read", "usize", 7),
    request("PERF_EVENT_IOC_SET_BPF", "write", "u32", 8),
    request("PERF_EVENT_IOC_PAUSE_OUTPUT", "write", "u32", 9),
    magic("BPF_FS_MAGIC", 0xcafe_4a11),
    magic("TRACEFS_MAGIC", 0x7472_6163),
    magic("SYSFS_MAGIC", 0x6265_6572),
];
