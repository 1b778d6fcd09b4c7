//! The kernel's structures for bpf(2), one per command.
//!
//! `union bpf_attr` is taken apart: a command has a structure of its own, with its padding
//! spelled out (`_pad*`) so that every byte the kernel sees is one we wrote. Where a
//! structure ends in a union, each member of the union has a structure that repeats the head.
//! Of members that share an offset and a size, the first one's name stands for all.
//! Addresses are plain `u64`. Source: `linux/bpf.h`.
#![allow(dead_code, missing_docs)]

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
}

structs! {
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

    /// MAP_LOOKUP_ELEM, MAP_UPDATE_ELEM, MAP_DELETE_ELEM, MAP_GET_NEXT_KEY (`value` is the
    /// next key), MAP_LOOKUP_AND_DELETE_ELEM and MAP_FREEZE.
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

    struct ObjGetInfo {
        bpf_fd: u32,
        info_len: u32,
        info: u64,
    }

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

    struct RawTracepointOpen {
        name: u64,
        prog_fd: u32,
        _pad0: u32,
        cookie: u64,
    }

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

    struct LinkCreateTargetBtfId {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        target_btf_id: u32,
        _pad0: u32,
    }

    struct LinkCreateIter {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        iter_info: u64,
        iter_info_len: u32,
        _pad0: u32,
    }

    struct LinkCreatePerfEvent {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        bpf_cookie: u64,
    }

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

    struct LinkCreateTracing {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        target_btf_id: u32,
        _pad0: u32,
        cookie: u64,
    }

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

    struct LinkCreateTcx {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        relative_fd: u32,
        _pad0: u32,
        expected_revision: u64,
    }

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

    struct LinkCreateNetkit {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        relative_fd: u32,
        _pad0: u32,
        expected_revision: u64,
    }

    struct LinkCreateCgroup {
        prog_fd: u32,
        target_fd: u32,
        attach_type: u32,
        flags: u32,
        relative_fd: u32,
        _pad0: u32,
        expected_revision: u64,
    }

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

    struct LinkUpdate {
        link_fd: u32,
        new_prog_fd: u32,
        flags: u32,
        old_prog_fd: u32,
    }

    struct LinkDetach {
        link_fd: u32,
    }

    struct EnableStats {
        r#type: u32,
    }

    struct IterCreate {
        link_fd: u32,
        flags: u32,
    }

    struct ProgBindMap {
        prog_fd: u32,
        map_fd: u32,
        flags: u32,
    }

    struct TokenCreate {
        flags: u32,
        bpffs_fd: u32,
    }

    struct ProgStreamRead {
        stream_buf: u64,
        stream_buf_len: u32,
        stream_id: u32,
        prog_fd: u32,
        _pad0: u32,
    }

    struct ProgAssocStructOps {
        map_fd: u32,
        prog_fd: u32,
        flags: u32,
    }

    /// `struct bpf_map_info`.
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

    /// `struct bpf_prog_info`.
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

    /// `struct bpf_btf_info`.
    struct BtfInfo {
        btf: u64,
        btf_size: u32,
        id: u32,
        name: u64,
        name_len: u32,
        kernel_btf: u32,
    }

    /// `struct bpf_link_info` up to its union.
    struct LinkInfo {
        r#type: u32,
        id: u32,
        prog_id: u32,
        _pad0: u32,
    }

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
}
