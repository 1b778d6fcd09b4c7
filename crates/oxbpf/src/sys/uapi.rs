//! The kernel's structures for bpf(2), one per command, and its constants: made by `cargo xtask gen-uapi`.
//!
//! `union bpf_attr` is taken apart: a command has a structure of its own, with its padding
//! spelled out (`_pad*`) so that every byte the kernel sees is one we wrote. Where a
//! structure ends in a union, each member of the union has a structure that repeats the head.
//! Of members that share an offset and a size, the first one's name stands for all.
//! Addresses are plain `u64`. Source: `linux/bpf.h`, `linux/perf_event.h`.
#![allow(dead_code, missing_docs)]

use rustix::ioctl::{Opcode, opcode};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

macro_rules! structs {
    ($($(#[$doc:meta])* struct $name:ident { $($field:ident: $ty:ty,)* })*) => {$(
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
        pub(crate) struct $name { $(pub(crate) $field: $ty,)* }
    )*};
}

/// `enum bpf_cmd`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Command(pub(crate) u32);

impl Command {
    pub(crate) const MAP_CREATE: Self = Self(0);
    pub(crate) const MAP_LOOKUP_ELEM: Self = Self(1);
    pub(crate) const MAP_UPDATE_ELEM: Self = Self(2);
    pub(crate) const MAP_DELETE_ELEM: Self = Self(3);
    pub(crate) const MAP_GET_NEXT_KEY: Self = Self(4);
    pub(crate) const PROG_LOAD: Self = Self(5);
    pub(crate) const OBJ_PIN: Self = Self(6);
    pub(crate) const OBJ_GET: Self = Self(7);
    pub(crate) const PROG_ATTACH: Self = Self(8);
    pub(crate) const PROG_DETACH: Self = Self(9);
    pub(crate) const PROG_TEST_RUN: Self = Self(10);
    pub(crate) const PROG_GET_NEXT_ID: Self = Self(11);
    pub(crate) const MAP_GET_NEXT_ID: Self = Self(12);
    pub(crate) const PROG_GET_FD_BY_ID: Self = Self(13);
    pub(crate) const MAP_GET_FD_BY_ID: Self = Self(14);
    pub(crate) const OBJ_GET_INFO_BY_FD: Self = Self(15);
    pub(crate) const PROG_QUERY: Self = Self(16);
    pub(crate) const RAW_TRACEPOINT_OPEN: Self = Self(17);
    pub(crate) const BTF_LOAD: Self = Self(18);
    pub(crate) const BTF_GET_FD_BY_ID: Self = Self(19);
    pub(crate) const TASK_FD_QUERY: Self = Self(20);
    pub(crate) const MAP_LOOKUP_AND_DELETE_ELEM: Self = Self(21);
    pub(crate) const MAP_FREEZE: Self = Self(22);
    pub(crate) const BTF_GET_NEXT_ID: Self = Self(23);
    pub(crate) const MAP_LOOKUP_BATCH: Self = Self(24);
    pub(crate) const MAP_LOOKUP_AND_DELETE_BATCH: Self = Self(25);
    pub(crate) const MAP_UPDATE_BATCH: Self = Self(26);
    pub(crate) const MAP_DELETE_BATCH: Self = Self(27);
    pub(crate) const LINK_CREATE: Self = Self(28);
    pub(crate) const LINK_UPDATE: Self = Self(29);
    pub(crate) const LINK_GET_FD_BY_ID: Self = Self(30);
    pub(crate) const LINK_GET_NEXT_ID: Self = Self(31);
    pub(crate) const ENABLE_STATS: Self = Self(32);
    pub(crate) const ITER_CREATE: Self = Self(33);
    pub(crate) const LINK_DETACH: Self = Self(34);
    pub(crate) const PROG_BIND_MAP: Self = Self(35);
    pub(crate) const TOKEN_CREATE: Self = Self(36);
    pub(crate) const PROG_STREAM_READ_BY_FD: Self = Self(37);
    pub(crate) const PROG_ASSOC_STRUCT_OPS: Self = Self(38);
    pub(crate) const COMMON_ATTRS: Self = Self(1 << 16);
}

// Of linux/bpf.h.
pub(crate) const BPF_OBJ_NAME_LEN: usize = 16;
pub(crate) const BPF_TAG_SIZE: usize = 8;
pub(crate) const BPF_BUILD_ID_SIZE: usize = 20;
pub(crate) const BPF_F_PATH_FD: u32 = 1 << 14;
pub(crate) const BPF_F_ALLOW_OVERRIDE: u32 = 1;
pub(crate) const BPF_F_ALLOW_MULTI: u32 = 2;
pub(crate) const BPF_F_REPLACE: u32 = 4;
pub(crate) const BPF_F_BEFORE: u32 = 8;
pub(crate) const BPF_F_AFTER: u32 = 16;
pub(crate) const BPF_F_ID: u32 = 32;
pub(crate) const BPF_F_PREORDER: u32 = 64;
pub(crate) const BPF_F_LINK: u32 = 8192;
pub(crate) const BPF_F_QUERY_EFFECTIVE: u32 = 1;
pub(crate) const BPF_F_TEST_RUN_ON_CPU: u32 = 1;
pub(crate) const BPF_F_TEST_XDP_LIVE_FRAMES: u32 = 2;
pub(crate) const BPF_F_TEST_SKB_CHECKSUM_COMPLETE: u32 = 4;

// Of linux/perf_event.h.
pub(crate) const PERF_FLAG_FD_NO_GROUP: u64 = 1;
pub(crate) const PERF_FLAG_FD_OUTPUT: u64 = 2;
pub(crate) const PERF_FLAG_PID_CGROUP: u64 = 4;
pub(crate) const PERF_FLAG_FD_CLOEXEC: u64 = 8;
pub(crate) const PERF_ATTR_SIZE_VER0: usize = 64;
pub(crate) const PERF_ATTR_SIZE_VER5: usize = 112;
pub(crate) const PERF_ATTR_SIZE_VER7: usize = 128;
pub(crate) const PERF_EVENT_IOC_ENABLE: Opcode = opcode::none(b'$', 0);
pub(crate) const PERF_EVENT_IOC_DISABLE: Opcode = opcode::none(b'$', 1);
pub(crate) const PERF_EVENT_IOC_REFRESH: Opcode = opcode::none(b'$', 2);
pub(crate) const PERF_EVENT_IOC_RESET: Opcode = opcode::none(b'$', 3);
pub(crate) const PERF_EVENT_IOC_SET_OUTPUT: Opcode = opcode::none(b'$', 5);
pub(crate) const PERF_EVENT_IOC_ID: Opcode = opcode::read::<usize>(b'$', 7);
pub(crate) const PERF_EVENT_IOC_SET_BPF: Opcode = opcode::write::<u32>(b'$', 8);
pub(crate) const PERF_EVENT_IOC_PAUSE_OUTPUT: Opcode = opcode::write::<u32>(b'$', 9);

// Of linux/magic.h.
pub(crate) const BPF_FS_MAGIC: u64 = 0xcafe_4a11;
pub(crate) const TRACEFS_MAGIC: u64 = 0x7472_6163;
pub(crate) const SYSFS_MAGIC: u64 = 0x6265_6572;

// Enumerators.
pub(crate) const BPF_F_TOKEN_FD: u32 = 1 << 16;
pub(crate) const BPF_F_KPROBE_MULTI_RETURN: u32 = 1;
pub(crate) const BPF_F_UPROBE_MULTI_RETURN: u32 = 1;
pub(crate) const PERF_TYPE_HARDWARE: u32 = 0;
pub(crate) const PERF_TYPE_SOFTWARE: u32 = 1;
pub(crate) const PERF_TYPE_TRACEPOINT: u32 = 2;
pub(crate) const PERF_TYPE_HW_CACHE: u32 = 3;
pub(crate) const PERF_TYPE_RAW: u32 = 4;
pub(crate) const PERF_TYPE_BREAKPOINT: u32 = 5;
pub(crate) const PERF_COUNT_SW_CPU_CLOCK: u32 = 0;
pub(crate) const PERF_COUNT_SW_DUMMY: u32 = 9;
pub(crate) const PERF_COUNT_SW_BPF_OUTPUT: u32 = 10;
pub(crate) const PERF_SAMPLE_TIME: u32 = 4;
pub(crate) const PERF_SAMPLE_RAW: u32 = 1024;
pub(crate) const PERF_RECORD_LOST: u32 = 2;
pub(crate) const PERF_RECORD_SAMPLE: u32 = 9;
pub(crate) const BPF_PERF_EVENT_UPROBE: u32 = 1;
pub(crate) const BPF_PERF_EVENT_URETPROBE: u32 = 2;
pub(crate) const BPF_PERF_EVENT_KPROBE: u32 = 3;
pub(crate) const BPF_PERF_EVENT_KRETPROBE: u32 = 4;
pub(crate) const BPF_PERF_EVENT_TRACEPOINT: u32 = 5;
pub(crate) const BPF_PERF_EVENT_EVENT: u32 = 6;
pub(crate) const BPF_FD_TYPE_RAW_TRACEPOINT: u32 = 0;
pub(crate) const BPF_FD_TYPE_TRACEPOINT: u32 = 1;
pub(crate) const BPF_FD_TYPE_KPROBE: u32 = 2;
pub(crate) const BPF_FD_TYPE_KRETPROBE: u32 = 3;
pub(crate) const BPF_FD_TYPE_UPROBE: u32 = 4;
pub(crate) const BPF_FD_TYPE_URETPROBE: u32 = 5;

structs! {
    /// MAP_CREATE.
    struct MapCreate {
        map_type: u32,
        key_size: u32,
        value_size: u32,
        max_entries: u32,
        map_flags: u32,
        inner_map_fd: u32,
        numa_node: u32,
        map_name: [u8; 16],
        map_ifindex: u32,
        btf_fd: u32,
        btf_key_type_id: u32,
        btf_value_type_id: u32,
        btf_vmlinux_value_type_id: u32,
        map_extra: u64,
        value_type_btf_obj_fd: i32,
        map_token_fd: i32,
        excl_prog_hash: u64,
        excl_prog_hash_size: u32,
        _pad0: u32,
    }

    /// Every command on one element of a map, and MAP_FREEZE. Of MAP_GET_NEXT_KEY, `value` is the next key.
    struct MapElem {
        map_fd: u32,
        _pad0: u32,
        key: u64,
        value: u64,
        flags: u64,
    }

    /// MAP_LOOKUP_BATCH, MAP_LOOKUP_AND_DELETE_BATCH, MAP_UPDATE_BATCH, MAP_DELETE_BATCH.
    struct MapBatch {
        in_batch: u64,
        out_batch: u64,
        keys: u64,
        values: u64,
        count: u32,
        map_fd: u32,
        elem_flags: u64,
        flags: u64,
    }

    /// PROG_LOAD.
    struct ProgLoad {
        prog_type: u32,
        insn_cnt: u32,
        insns: u64,
        license: u64,
        log_level: u32,
        log_size: u32,
        log_buf: u64,
        kern_version: u32,
        prog_flags: u32,
        prog_name: [u8; 16],
        prog_ifindex: u32,
        expected_attach_type: u32,
        prog_btf_fd: u32,
        func_info_rec_size: u32,
        func_info: u64,
        func_info_cnt: u32,
        line_info_rec_size: u32,
        line_info: u64,
        line_info_cnt: u32,
        attach_btf_id: u32,
        attach_prog_fd: u32,
        core_relo_cnt: u32,
        fd_array: u64,
        core_relos: u64,
        core_relo_rec_size: u32,
        log_true_size: u32,
        prog_token_fd: i32,
        fd_array_cnt: u32,
        signature: u64,
        signature_size: u32,
        keyring_id: i32,
    }

    /// OBJ_PIN and OBJ_GET.
    struct ObjPin {
        pathname: u64,
        bpf_fd: u32,
        file_flags: u32,
        path_fd: i32,
        _pad0: u32,
    }

    /// PROG_ATTACH and PROG_DETACH.
    struct ProgAttach {
        target_fd: u32,
        attach_bpf_fd: u32,
        attach_type: u32,
        attach_flags: u32,
        replace_bpf_fd: u32,
        relative_fd: u32,
        expected_revision: u64,
    }

    /// PROG_TEST_RUN.
    struct ProgTestRun {
        prog_fd: u32,
        retval: u32,
        data_size_in: u32,
        data_size_out: u32,
        data_in: u64,
        data_out: u64,
        repeat: u32,
        duration: u32,
        ctx_size_in: u32,
        ctx_size_out: u32,
        ctx_in: u64,
        ctx_out: u64,
        flags: u32,
        cpu: u32,
        batch_size: u32,
        _pad0: u32,
    }

    /// Every command that ends in `_GET_NEXT_ID` or `_GET_FD_BY_ID`.
    struct ObjId {
        start_id: u32,
        next_id: u32,
        open_flags: u32,
        fd_by_id_token_fd: i32,
    }

    /// OBJ_GET_INFO_BY_FD.
    struct ObjGetInfo {
        bpf_fd: u32,
        info_len: u32,
        info: u64,
    }

    /// PROG_QUERY.
    struct ProgQuery {
        target_fd: u32,
        attach_type: u32,
        query_flags: u32,
        attach_flags: u32,
        prog_ids: u64,
        prog_cnt: u32,
        _pad0: u32,
        prog_attach_flags: u64,
        link_ids: u64,
        link_attach_flags: u64,
        revision: u64,
    }

    /// RAW_TRACEPOINT_OPEN.
    struct RawTracepointOpen {
        name: u64,
        prog_fd: u32,
        _pad0: u32,
        cookie: u64,
    }

    /// BTF_LOAD.
    struct BtfLoad {
        btf: u64,
        btf_log_buf: u64,
        btf_size: u32,
        btf_log_size: u32,
        btf_log_level: u32,
        btf_log_true_size: u32,
        btf_flags: u32,
        btf_token_fd: i32,
    }

    /// TASK_FD_QUERY.
    struct TaskFdQuery {
        pid: u32,
        fd: u32,
        flags: u32,
        buf_len: u32,
        buf: u64,
        prog_id: u32,
        fd_type: u32,
        probe_offset: u64,
        probe_addr: u64,
    }

    /// LINK_CREATE with nothing but its head.
    struct LinkCreate {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
    }

    /// LINK_CREATE at a function of the kernel or of a program.
    struct LinkCreateTargetBtfId {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        target_btf_id: u32,
    }

    /// LINK_CREATE of an iterator.
    struct LinkCreateIter {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        iter_info: u64,
        iter_info_len: u32,
        _pad0: u32,
    }

    /// LINK_CREATE at a perf event.
    struct LinkCreatePerfEvent {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        bpf_cookie: u64,
    }

    /// LINK_CREATE at many kernel functions.
    struct LinkCreateKprobeMulti {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        kprobe_multi_flags: u32,
        cnt: u32,
        syms: u64,
        addrs: u64,
        cookies: u64,
    }

    /// LINK_CREATE at a function or tracepoint, by its type.
    struct LinkCreateTracing {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        target_btf_id: u32,
        _pad0: u32,
        cookie: u64,
    }

    /// LINK_CREATE at a netfilter hook.
    struct LinkCreateNetfilter {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        pf: u32,
        hooknum: u32,
        priority: i32,
        netfilter_flags: u32,
    }

    /// LINK_CREATE at a network device's traffic control.
    struct LinkCreateTcx {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        relative_fd: u32,
        _pad0: u32,
        expected_revision: u64,
    }

    /// LINK_CREATE at many places of a program file.
    struct LinkCreateUprobeMulti {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        path: u64,
        offsets: u64,
        ref_ctr_offsets: u64,
        cookies: u64,
        cnt: u32,
        uprobe_multi_flags: u32,
        pid: u32,
        path_fd: u32,
    }

    /// LINK_CREATE at a netkit device.
    struct LinkCreateNetkit {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        relative_fd: u32,
        _pad0: u32,
        expected_revision: u64,
    }

    /// LINK_CREATE at a control group.
    struct LinkCreateCgroup {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        relative_fd: u32,
        _pad0: u32,
        expected_revision: u64,
    }

    /// LINK_CREATE at many functions, by their types.
    struct LinkCreateTracingMulti {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        ids: u64,
        cookies: u64,
        cnt: u32,
        _pad0: u32,
    }

    /// LINK_UPDATE.
    struct LinkUpdate {
        link_fd: u32,
        new_prog_fd: u32,
        flags: u32,
        old_prog_fd: u32,
    }

    /// LINK_DETACH.
    struct LinkDetach {
        link_fd: u32,
    }

    /// ENABLE_STATS.
    struct EnableStats {
        r#type: u32,
    }

    /// ITER_CREATE.
    struct IterCreate {
        link_fd: u32,
        flags: u32,
    }

    /// PROG_BIND_MAP.
    struct ProgBindMap {
        prog_fd: u32,
        map_fd: u32,
        flags: u32,
    }

    /// TOKEN_CREATE.
    struct TokenCreate {
        flags: u32,
        bpffs_fd: u32,
    }

    /// PROG_STREAM_READ_BY_FD.
    struct ProgStreamRead {
        stream_buf: u64,
        stream_buf_len: u32,
        stream_id: u32,
        prog_fd: u32,
        _pad0: u32,
    }

    /// PROG_ASSOC_STRUCT_OPS.
    struct ProgAssocStructOps {
        map_fd: u32,
        prog_fd: u32,
        flags: u32,
    }

    /// What any command takes beside its own structure, with COMMON_ATTRS.
    struct CommonAttr {
        log_buf: u64,
        log_size: u32,
        log_level: u32,
        log_true_size: u32,
        _pad0: u32,
    }

    /// What OBJ_GET_INFO_BY_FD says of a map.
    struct MapInfo {
        r#type: u32,
        id: u32,
        key_size: u32,
        value_size: u32,
        max_entries: u32,
        map_flags: u32,
        name: [u8; 16],
        ifindex: u32,
        btf_vmlinux_value_type_id: u32,
        netns_dev: u64,
        netns_ino: u64,
        btf_id: u32,
        btf_key_type_id: u32,
        btf_value_type_id: u32,
        btf_vmlinux_id: u32,
        map_extra: u64,
        hash: u64,
        hash_size: u32,
        _pad0: u32,
    }

    /// What OBJ_GET_INFO_BY_FD says of a program.
    struct ProgInfo {
        r#type: u32,
        id: u32,
        tag: [u8; 8],
        jited_prog_len: u32,
        xlated_prog_len: u32,
        jited_prog_insns: u64,
        xlated_prog_insns: u64,
        load_time: u64,
        created_by_uid: u32,
        nr_map_ids: u32,
        map_ids: u64,
        name: [u8; 16],
        ifindex: u32,
        gpl_compatible: u32,
        netns_dev: u64,
        netns_ino: u64,
        nr_jited_ksyms: u32,
        nr_jited_func_lens: u32,
        jited_ksyms: u64,
        jited_func_lens: u64,
        btf_id: u32,
        func_info_rec_size: u32,
        func_info: u64,
        nr_func_info: u32,
        nr_line_info: u32,
        line_info: u64,
        jited_line_info: u64,
        nr_jited_line_info: u32,
        line_info_rec_size: u32,
        jited_line_info_rec_size: u32,
        nr_prog_tags: u32,
        prog_tags: u64,
        run_time_ns: u64,
        run_cnt: u64,
        recursion_misses: u64,
        verified_insns: u32,
        attach_btf_obj_id: u32,
        attach_btf_id: u32,
        _pad0: u32,
    }

    /// What OBJ_GET_INFO_BY_FD says of types.
    struct BtfInfo {
        btf: u64,
        btf_size: u32,
        id: u32,
        name: u64,
        name_len: u32,
        kernel_btf: u32,
    }

    /// What OBJ_GET_INFO_BY_FD says of any link.
    struct LinkInfo {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
    }

    /// Of a link at a raw tracepoint.
    struct LinkInfoRawTracepoint {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        tp_name: u64,
        tp_name_len: u32,
        _pad1: u32,
        cookie: u64,
    }

    /// Of a link at a function or tracepoint, by its type.
    struct LinkInfoTracing {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        attach_type: u32,
        target_obj_id: u32,
        target_btf_id: u32,
        _pad1: u32,
        cookie: u64,
    }

    /// Of a link at a control group.
    struct LinkInfoCgroup {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        cgroup_id: u64,
        attach_type: u32,
        _pad1: u32,
    }

    /// Of an iterator, over the elements of a map if it is one.
    struct LinkInfoIter {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        target_name: u64,
        target_name_len: u32,
        map_id: u32,
    }

    /// Of an iterator over control groups.
    struct LinkInfoIterCgroup {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        target_name: u64,
        target_name_len: u32,
        map_id: u32,
        cgroup_id: u64,
        order: u32,
        _pad1: u32,
    }

    /// Of an iterator over tasks.
    struct LinkInfoIterTask {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        target_name: u64,
        target_name_len: u32,
        map_id: u32,
        tid: u32,
        pid: u32,
    }

    /// Of a link at a network name space.
    struct LinkInfoNetns {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        netns_ino: u32,
        attach_type: u32,
    }

    /// Of a link at a network device's receive path.
    struct LinkInfoXdp {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        ifindex: u32,
    }

    /// Of a link that has registered operations.
    struct LinkInfoStructOps {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        map_id: u32,
    }

    /// Of a link at a netfilter hook.
    struct LinkInfoNetfilter {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        pf: u32,
        hooknum: u32,
        priority: i32,
        flags: u32,
    }

    /// Of a link at many kernel functions.
    struct LinkInfoKprobeMulti {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        addrs: u64,
        count: u32,
        flags: u32,
        missed: u64,
        cookies: u64,
    }

    /// Of a link at many places of a program file.
    struct LinkInfoUprobeMulti {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        path: u64,
        offsets: u64,
        ref_ctr_offsets: u64,
        cookies: u64,
        path_size: u32,
        count: u32,
        flags: u32,
        pid: u32,
    }

    /// Of a link at many functions, by their types.
    struct LinkInfoTracingMulti {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        attach_type: u32,
        count: u32,
        btf_obj_id: u32,
        _pad1: u32,
        ids: u64,
        addrs: u64,
        cookies: u64,
    }

    /// Of a link at a perf event, up to what depends on its type.
    struct LinkInfoPerfEvent {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        perf_event_type: u32,
        _pad1: u32,
    }

    /// Of a link at a uprobe.
    struct LinkInfoPerfEventUprobe {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        perf_event_type: u32,
        _pad1: u32,
        file_name: u64,
        name_len: u32,
        offset: u32,
        cookie: u64,
        ref_ctr_offset: u64,
    }

    /// Of a link at a kprobe.
    struct LinkInfoPerfEventKprobe {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        perf_event_type: u32,
        _pad1: u32,
        func_name: u64,
        name_len: u32,
        offset: u32,
        addr: u64,
        missed: u64,
        cookie: u64,
    }

    /// Of a link at a tracepoint.
    struct LinkInfoPerfEventTracepoint {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        perf_event_type: u32,
        _pad1: u32,
        tp_name: u64,
        name_len: u32,
        _pad2: u32,
        cookie: u64,
    }

    /// Of a link at a counter.
    struct LinkInfoPerfEventEvent {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        perf_event_type: u32,
        _pad1: u32,
        config: u64,
        event_type: u32,
        _pad2: u32,
        cookie: u64,
    }

    /// Of a link at a network device's traffic control.
    struct LinkInfoTcx {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        ifindex: u32,
        attach_type: u32,
    }

    /// Of a link at a netkit device.
    struct LinkInfoNetkit {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        ifindex: u32,
        attach_type: u32,
    }

    /// Of a link at a map of sockets.
    struct LinkInfoSockmap {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
        map_id: u32,
        attach_type: u32,
    }

    /// Where a function of a program starts.
    struct FuncInfo {
        insn_off: u32,
        type_id: u32,
    }

    /// Which source line instructions come from.
    struct LineInfo {
        insn_off: u32,
        file_name_off: u32,
        line_off: u32,
        line_col: u32,
    }

    /// What perf_event_open(2) is to open.
    struct PerfEventAttr {
        r#type: u32,
        size: u32,
        config: u64,
        sample_period: u64,
        sample_type: u64,
        read_format: u64,
        flags: u64,
        wakeup_events: u32,
        bp_type: u32,
        config1: u64,
        config2: u64,
        branch_sample_type: u64,
        sample_regs_user: u64,
        sample_stack_user: u32,
        clockid: i32,
        sample_regs_intr: u64,
        aux_watermark: u32,
        sample_max_stack: u16,
        __reserved_2: u16,
        aux_sample_size: u32,
        aux_action: u32,
        sig_data: u64,
        config3: u64,
        config4: u64,
    }
}

/// Some bits of a word of 64, counted from the end where this machine's compilers put the first bit-field.
const fn bits(first: u32, count: u32) -> u64 {
    let mask = (1 << count) - 1;
    if cfg!(target_endian = "big") {
        mask << (64 - first - count)
    } else {
        mask << first
    }
}

/// Bits of `flags`.
impl PerfEventAttr {
    pub(crate) const DISABLED: u64 = bits(0, 1);
    pub(crate) const INHERIT: u64 = bits(1, 1);
    pub(crate) const PINNED: u64 = bits(2, 1);
    pub(crate) const EXCLUSIVE: u64 = bits(3, 1);
    pub(crate) const EXCLUDE_USER: u64 = bits(4, 1);
    pub(crate) const EXCLUDE_KERNEL: u64 = bits(5, 1);
    pub(crate) const EXCLUDE_HV: u64 = bits(6, 1);
    pub(crate) const EXCLUDE_IDLE: u64 = bits(7, 1);
    pub(crate) const MMAP: u64 = bits(8, 1);
    pub(crate) const COMM: u64 = bits(9, 1);
    pub(crate) const FREQ: u64 = bits(10, 1);
    pub(crate) const INHERIT_STAT: u64 = bits(11, 1);
    pub(crate) const ENABLE_ON_EXEC: u64 = bits(12, 1);
    pub(crate) const TASK: u64 = bits(13, 1);
    pub(crate) const WATERMARK: u64 = bits(14, 1);
    pub(crate) const PRECISE_IP: u64 = bits(15, 2);
    pub(crate) const MMAP_DATA: u64 = bits(17, 1);
    pub(crate) const SAMPLE_ID_ALL: u64 = bits(18, 1);
    pub(crate) const EXCLUDE_HOST: u64 = bits(19, 1);
    pub(crate) const EXCLUDE_GUEST: u64 = bits(20, 1);
    pub(crate) const EXCLUDE_CALLCHAIN_KERNEL: u64 = bits(21, 1);
    pub(crate) const EXCLUDE_CALLCHAIN_USER: u64 = bits(22, 1);
    pub(crate) const MMAP2: u64 = bits(23, 1);
    pub(crate) const COMM_EXEC: u64 = bits(24, 1);
    pub(crate) const USE_CLOCKID: u64 = bits(25, 1);
    pub(crate) const CONTEXT_SWITCH: u64 = bits(26, 1);
    pub(crate) const WRITE_BACKWARD: u64 = bits(27, 1);
    pub(crate) const NAMESPACES: u64 = bits(28, 1);
    pub(crate) const KSYMBOL: u64 = bits(29, 1);
    pub(crate) const BPF_EVENT: u64 = bits(30, 1);
    pub(crate) const AUX_OUTPUT: u64 = bits(31, 1);
    pub(crate) const CGROUP: u64 = bits(32, 1);
    pub(crate) const TEXT_POKE: u64 = bits(33, 1);
    pub(crate) const BUILD_ID: u64 = bits(34, 1);
    pub(crate) const INHERIT_THREAD: u64 = bits(35, 1);
    pub(crate) const REMOVE_ON_EXEC: u64 = bits(36, 1);
    pub(crate) const SIGTRAP: u64 = bits(37, 1);
    pub(crate) const DEFER_CALLCHAIN: u64 = bits(38, 1);
    pub(crate) const DEFER_OUTPUT: u64 = bits(39, 1);
}

/// Where a structure comes from, and where it has what.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: &'static str,
    /// For `layout::flatten`.
    pub(crate) root: &'static str,
    pub(crate) path: &'static str,
    pub(crate) size: usize,
    /// The name, offset and size of each field.
    pub(crate) fields: &'static [(&'static str, usize, usize)],
}

#[cfg(test)]
macro_rules! sources {
    ($($name:ident $root:literal $path:literal { $($field:ident: $ty:ty,)* })*) => {
        pub(crate) const SOURCES: &[Source] = &[$(Source {
            name: stringify!($name),
            root: $root,
            path: $path,
            size: size_of::<$name>(),
            fields: &[$((stringify!($field), std::mem::offset_of!($name, $field), size_of::<$ty>()),)*],
        },)*];
    };
}

#[cfg(test)]
sources! {
    MapCreate "bpf_attr" "map_type" { map_type: u32, key_size: u32, value_size: u32, max_entries: u32, map_flags: u32, inner_map_fd: u32, numa_node: u32, map_name: [u8; 16], map_ifindex: u32, btf_fd: u32, btf_key_type_id: u32, btf_value_type_id: u32, btf_vmlinux_value_type_id: u32, map_extra: u64, value_type_btf_obj_fd: u32, map_token_fd: u32, excl_prog_hash: u64, excl_prog_hash_size: u32, }
    MapElem "bpf_attr" "map_fd" { map_fd: u32, key: u64, value: u64, flags: u64, }
    MapBatch "bpf_attr" "batch" { in_batch: u64, out_batch: u64, keys: u64, values: u64, count: u32, map_fd: u32, elem_flags: u64, flags: u64, }
    ProgLoad "bpf_attr" "prog_type" { prog_type: u32, insn_cnt: u32, insns: u64, license: u64, log_level: u32, log_size: u32, log_buf: u64, kern_version: u32, prog_flags: u32, prog_name: [u8; 16], prog_ifindex: u32, expected_attach_type: u32, prog_btf_fd: u32, func_info_rec_size: u32, func_info: u64, func_info_cnt: u32, line_info_rec_size: u32, line_info: u64, line_info_cnt: u32, attach_btf_id: u32, attach_prog_fd: u32, core_relo_cnt: u32, fd_array: u64, core_relos: u64, core_relo_rec_size: u32, log_true_size: u32, prog_token_fd: u32, fd_array_cnt: u32, signature: u64, signature_size: u32, keyring_id: u32, }
    ObjPin "bpf_attr" "pathname" { pathname: u64, bpf_fd: u32, file_flags: u32, path_fd: u32, }
    ProgAttach "bpf_attr" "target_fd" { target_fd: u32, attach_bpf_fd: u32, attach_type: u32, attach_flags: u32, replace_bpf_fd: u32, relative_fd: u32, expected_revision: u64, }
    ProgTestRun "bpf_attr" "test" { prog_fd: u32, retval: u32, data_size_in: u32, data_size_out: u32, data_in: u64, data_out: u64, repeat: u32, duration: u32, ctx_size_in: u32, ctx_size_out: u32, ctx_in: u64, ctx_out: u64, flags: u32, cpu: u32, batch_size: u32, }
    ObjId "bpf_attr" "start_id" { start_id: u32, next_id: u32, open_flags: u32, fd_by_id_token_fd: u32, }
    ObjGetInfo "bpf_attr" "info" { bpf_fd: u32, info_len: u32, info: u64, }
    ProgQuery "bpf_attr" "query" { target_fd: u32, attach_type: u32, query_flags: u32, attach_flags: u32, prog_ids: u64, prog_cnt: u32, prog_attach_flags: u64, link_ids: u64, link_attach_flags: u64, revision: u64, }
    RawTracepointOpen "bpf_attr" "raw_tracepoint" { name: u64, prog_fd: u32, cookie: u64, }
    BtfLoad "bpf_attr" "btf" { btf: u64, btf_log_buf: u64, btf_size: u32, btf_log_size: u32, btf_log_level: u32, btf_log_true_size: u32, btf_flags: u32, btf_token_fd: u32, }
    TaskFdQuery "bpf_attr" "task_fd_query" { pid: u32, fd: u32, flags: u32, buf_len: u32, buf: u64, prog_id: u32, fd_type: u32, probe_offset: u64, probe_addr: u64, }
    LinkCreate "bpf_attr" "link_create" { prog_fd: u32, target_fd: u32, attach_type: u32, flags: u32, }
    LinkCreateTargetBtfId "bpf_attr" "link_create.target_btf_id" { prog_fd: u32, target_fd: u32, attach_type: u32, flags: u32, target_btf_id: u32, }
    LinkCreateIter "bpf_attr" "link_create.iter_info" { prog_fd: u32, target_fd: u32, attach_type: u32, flags: u32, iter_info: u64, iter_info_len: u32, }
    LinkCreatePerfEvent "bpf_attr" "link_create.perf_event" { prog_fd: u32, target_fd: u32, attach_type: u32, flags: u32, bpf_cookie: u64, }
    LinkCreateKprobeMulti "bpf_attr" "link_create.kprobe_multi" { prog_fd: u32, target_fd: u32, attach_type: u32, flags: u32, kprobe_multi_flags: u32, cnt: u32, syms: u64, addrs: u64, cookies: u64, }
    LinkCreateTracing "bpf_attr" "link_create.tracing" { prog_fd: u32, target_fd: u32, attach_type: u32, flags: u32, target_btf_id: u32, cookie: u64, }
    LinkCreateNetfilter "bpf_attr" "link_create.netfilter" { prog_fd: u32, target_fd: u32, attach_type: u32, flags: u32, pf: u32, hooknum: u32, priority: u32, netfilter_flags: u32, }
    LinkCreateTcx "bpf_attr" "link_create.tcx" { prog_fd: u32, target_fd: u32, attach_type: u32, flags: u32, relative_fd: u32, expected_revision: u64, }
    LinkCreateUprobeMulti "bpf_attr" "link_create.uprobe_multi" { prog_fd: u32, target_fd: u32, attach_type: u32, flags: u32, path: u64, offsets: u64, ref_ctr_offsets: u64, cookies: u64, cnt: u32, uprobe_multi_flags: u32, pid: u32, path_fd: u32, }
    LinkCreateNetkit "bpf_attr" "link_create.netkit" { prog_fd: u32, target_fd: u32, attach_type: u32, flags: u32, relative_fd: u32, expected_revision: u64, }
    LinkCreateCgroup "bpf_attr" "link_create.cgroup" { prog_fd: u32, target_fd: u32, attach_type: u32, flags: u32, relative_fd: u32, expected_revision: u64, }
    LinkCreateTracingMulti "bpf_attr" "link_create.tracing_multi" { prog_fd: u32, target_fd: u32, attach_type: u32, flags: u32, ids: u64, cookies: u64, cnt: u32, }
    LinkUpdate "bpf_attr" "link_update" { link_fd: u32, new_prog_fd: u32, flags: u32, old_prog_fd: u32, }
    LinkDetach "bpf_attr" "link_detach" { link_fd: u32, }
    EnableStats "bpf_attr" "enable_stats" { r#type: u32, }
    IterCreate "bpf_attr" "iter_create" { link_fd: u32, flags: u32, }
    ProgBindMap "bpf_attr" "prog_bind_map" { prog_fd: u32, map_fd: u32, flags: u32, }
    TokenCreate "bpf_attr" "token_create" { flags: u32, bpffs_fd: u32, }
    ProgStreamRead "bpf_attr" "prog_stream_read" { stream_buf: u64, stream_buf_len: u32, stream_id: u32, prog_fd: u32, }
    ProgAssocStructOps "bpf_attr" "prog_assoc_struct_ops" { map_fd: u32, prog_fd: u32, flags: u32, }
    CommonAttr "bpf_common_attr" "" { log_buf: u64, log_size: u32, log_level: u32, log_true_size: u32, }
    MapInfo "bpf_map_info" "" { r#type: u32, id: u32, key_size: u32, value_size: u32, max_entries: u32, map_flags: u32, name: [u8; 16], ifindex: u32, btf_vmlinux_value_type_id: u32, netns_dev: u64, netns_ino: u64, btf_id: u32, btf_key_type_id: u32, btf_value_type_id: u32, btf_vmlinux_id: u32, map_extra: u64, hash: u64, hash_size: u32, }
    ProgInfo "bpf_prog_info" "" { r#type: u32, id: u32, tag: [u8; 8], jited_prog_len: u32, xlated_prog_len: u32, jited_prog_insns: u64, xlated_prog_insns: u64, load_time: u64, created_by_uid: u32, nr_map_ids: u32, map_ids: u64, name: [u8; 16], ifindex: u32, gpl_compatible: u32, netns_dev: u64, netns_ino: u64, nr_jited_ksyms: u32, nr_jited_func_lens: u32, jited_ksyms: u64, jited_func_lens: u64, btf_id: u32, func_info_rec_size: u32, func_info: u64, nr_func_info: u32, nr_line_info: u32, line_info: u64, jited_line_info: u64, nr_jited_line_info: u32, line_info_rec_size: u32, jited_line_info_rec_size: u32, nr_prog_tags: u32, prog_tags: u64, run_time_ns: u64, run_cnt: u64, recursion_misses: u64, verified_insns: u32, attach_btf_obj_id: u32, attach_btf_id: u32, }
    BtfInfo "bpf_btf_info" "" { btf: u64, btf_size: u32, id: u32, name: u64, name_len: u32, kernel_btf: u32, }
    LinkInfo "bpf_link_info" "" { r#type: u32, id: u32, prog_id: u32, }
    LinkInfoRawTracepoint "bpf_link_info" "raw_tracepoint" { r#type: u32, id: u32, prog_id: u32, tp_name: u64, tp_name_len: u32, cookie: u64, }
    LinkInfoTracing "bpf_link_info" "tracing" { r#type: u32, id: u32, prog_id: u32, attach_type: u32, target_obj_id: u32, target_btf_id: u32, cookie: u64, }
    LinkInfoCgroup "bpf_link_info" "cgroup" { r#type: u32, id: u32, prog_id: u32, cgroup_id: u64, attach_type: u32, }
    LinkInfoIter "bpf_link_info" "iter.map" { r#type: u32, id: u32, prog_id: u32, target_name: u64, target_name_len: u32, map_id: u32, }
    LinkInfoIterCgroup "bpf_link_info" "iter.map.cgroup" { r#type: u32, id: u32, prog_id: u32, target_name: u64, target_name_len: u32, map_id: u32, cgroup_id: u64, order: u32, }
    LinkInfoIterTask "bpf_link_info" "iter.map.task" { r#type: u32, id: u32, prog_id: u32, target_name: u64, target_name_len: u32, map_id: u32, tid: u32, pid: u32, }
    LinkInfoNetns "bpf_link_info" "netns" { r#type: u32, id: u32, prog_id: u32, netns_ino: u32, attach_type: u32, }
    LinkInfoXdp "bpf_link_info" "xdp" { r#type: u32, id: u32, prog_id: u32, ifindex: u32, }
    LinkInfoStructOps "bpf_link_info" "struct_ops" { r#type: u32, id: u32, prog_id: u32, map_id: u32, }
    LinkInfoNetfilter "bpf_link_info" "netfilter" { r#type: u32, id: u32, prog_id: u32, pf: u32, hooknum: u32, priority: u32, flags: u32, }
    LinkInfoKprobeMulti "bpf_link_info" "kprobe_multi" { r#type: u32, id: u32, prog_id: u32, addrs: u64, count: u32, flags: u32, missed: u64, cookies: u64, }
    LinkInfoUprobeMulti "bpf_link_info" "uprobe_multi" { r#type: u32, id: u32, prog_id: u32, path: u64, offsets: u64, ref_ctr_offsets: u64, cookies: u64, path_size: u32, count: u32, flags: u32, pid: u32, }
    LinkInfoTracingMulti "bpf_link_info" "tracing_multi" { r#type: u32, id: u32, prog_id: u32, attach_type: u32, count: u32, btf_obj_id: u32, ids: u64, addrs: u64, cookies: u64, }
    LinkInfoPerfEvent "bpf_link_info" "perf_event" { r#type: u32, id: u32, prog_id: u32, perf_event_type: u32, }
    LinkInfoPerfEventUprobe "bpf_link_info" "perf_event.uprobe" { r#type: u32, id: u32, prog_id: u32, perf_event_type: u32, file_name: u64, name_len: u32, offset: u32, cookie: u64, ref_ctr_offset: u64, }
    LinkInfoPerfEventKprobe "bpf_link_info" "perf_event.kprobe" { r#type: u32, id: u32, prog_id: u32, perf_event_type: u32, func_name: u64, name_len: u32, offset: u32, addr: u64, missed: u64, cookie: u64, }
    LinkInfoPerfEventTracepoint "bpf_link_info" "perf_event.tracepoint" { r#type: u32, id: u32, prog_id: u32, perf_event_type: u32, tp_name: u64, name_len: u32, cookie: u64, }
    LinkInfoPerfEventEvent "bpf_link_info" "perf_event.event" { r#type: u32, id: u32, prog_id: u32, perf_event_type: u32, config: u64, event_type: u32, cookie: u64, }
    LinkInfoTcx "bpf_link_info" "tcx" { r#type: u32, id: u32, prog_id: u32, ifindex: u32, attach_type: u32, }
    LinkInfoNetkit "bpf_link_info" "netkit" { r#type: u32, id: u32, prog_id: u32, ifindex: u32, attach_type: u32, }
    LinkInfoSockmap "bpf_link_info" "sockmap" { r#type: u32, id: u32, prog_id: u32, map_id: u32, attach_type: u32, }
    FuncInfo "bpf_func_info" "" { insn_off: u32, type_id: u32, }
    LineInfo "bpf_line_info" "" { insn_off: u32, file_name_off: u32, line_off: u32, line_col: u32, }
    PerfEventAttr "perf_event_attr" "" { r#type: u32, size: u32, config: u64, sample_period: u64, sample_type: u64, read_format: u64, flags: u64, wakeup_events: u32, bp_type: u32, config1: u64, config2: u64, branch_sample_type: u64, sample_regs_user: u64, sample_stack_user: u32, clockid: u32, sample_regs_intr: u64, aux_watermark: u32, sample_max_stack: u16, __reserved_2: u16, aux_sample_size: u32, aux_action: u32, sig_data: u64, config3: u64, config4: u64, }
}
