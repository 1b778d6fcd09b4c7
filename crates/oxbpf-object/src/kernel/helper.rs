//! Helper functions, one row each.
//!
//! The list is closed: since Linux 6.2 the kernel adds kfuncs instead.

super::kernel_enum! {
    /// A helper function: the number in the immediate of a `call` instruction.
    ///
    /// Source: `enum bpf_func_id` of `linux/bpf.h`.
    #[doc(alias = "bpf_func_id")]
    pub struct Helper, unspecified "BPF_FUNC_unspec";

    /// Calls `bpf_map_lookup_elem()`.
    MAP_LOOKUP_ELEM = 1, "bpf_map_lookup_elem", (3, 19), "BPF_FUNC_map_lookup_elem";
    /// Calls `bpf_map_update_elem()`.
    MAP_UPDATE_ELEM = 2, "bpf_map_update_elem", (3, 19), "BPF_FUNC_map_update_elem";
    /// Calls `bpf_map_delete_elem()`.
    MAP_DELETE_ELEM = 3, "bpf_map_delete_elem", (3, 19), "BPF_FUNC_map_delete_elem";
    /// Calls `bpf_probe_read()`.
    PROBE_READ = 4, "bpf_probe_read", (4, 1), "BPF_FUNC_probe_read";
    /// Calls `bpf_ktime_get_ns()`.
    KTIME_GET_NS = 5, "bpf_ktime_get_ns", (4, 1), "BPF_FUNC_ktime_get_ns";
    /// Calls `bpf_trace_printk()`.
    TRACE_PRINTK = 6, "bpf_trace_printk", (4, 1), "BPF_FUNC_trace_printk";
    /// Calls `bpf_get_prandom_u32()`.
    GET_PRANDOM_U32 = 7, "bpf_get_prandom_u32", (4, 1), "BPF_FUNC_get_prandom_u32";
    /// Calls `bpf_get_smp_processor_id()`.
    GET_SMP_PROCESSOR_ID = 8, "bpf_get_smp_processor_id", (4, 1), "BPF_FUNC_get_smp_processor_id";
    /// Calls `bpf_skb_store_bytes()`.
    SKB_STORE_BYTES = 9, "bpf_skb_store_bytes", (4, 1), "BPF_FUNC_skb_store_bytes";
    /// Calls `bpf_l3_csum_replace()`.
    L3_CSUM_REPLACE = 10, "bpf_l3_csum_replace", (4, 1), "BPF_FUNC_l3_csum_replace";
    /// Calls `bpf_l4_csum_replace()`.
    L4_CSUM_REPLACE = 11, "bpf_l4_csum_replace", (4, 1), "BPF_FUNC_l4_csum_replace";
    /// Calls `bpf_tail_call()`.
    TAIL_CALL = 12, "bpf_tail_call", (4, 2), "BPF_FUNC_tail_call";
    /// Calls `bpf_clone_redirect()`.
    CLONE_REDIRECT = 13, "bpf_clone_redirect", (4, 2), "BPF_FUNC_clone_redirect";
    /// Calls `bpf_get_current_pid_tgid()`.
    GET_CURRENT_PID_TGID = 14, "bpf_get_current_pid_tgid", (4, 2), "BPF_FUNC_get_current_pid_tgid";
    /// Calls `bpf_get_current_uid_gid()`.
    GET_CURRENT_UID_GID = 15, "bpf_get_current_uid_gid", (4, 2), "BPF_FUNC_get_current_uid_gid";
    /// Calls `bpf_get_current_comm()`.
    GET_CURRENT_COMM = 16, "bpf_get_current_comm", (4, 2), "BPF_FUNC_get_current_comm";
    /// Calls `bpf_get_cgroup_classid()`.
    GET_CGROUP_CLASSID = 17, "bpf_get_cgroup_classid", (4, 3), "BPF_FUNC_get_cgroup_classid";
    /// Calls `bpf_skb_vlan_push()`.
    SKB_VLAN_PUSH = 18, "bpf_skb_vlan_push", (4, 3), "BPF_FUNC_skb_vlan_push";
    /// Calls `bpf_skb_vlan_pop()`.
    SKB_VLAN_POP = 19, "bpf_skb_vlan_pop", (4, 3), "BPF_FUNC_skb_vlan_pop";
    /// Calls `bpf_skb_get_tunnel_key()`.
    SKB_GET_TUNNEL_KEY = 20, "bpf_skb_get_tunnel_key", (4, 3), "BPF_FUNC_skb_get_tunnel_key";
    /// Calls `bpf_skb_set_tunnel_key()`.
    SKB_SET_TUNNEL_KEY = 21, "bpf_skb_set_tunnel_key", (4, 3), "BPF_FUNC_skb_set_tunnel_key";
    /// Calls `bpf_perf_event_read()`.
    PERF_EVENT_READ = 22, "bpf_perf_event_read", (4, 3), "BPF_FUNC_perf_event_read";
    /// Calls `bpf_redirect()`.
    REDIRECT = 23, "bpf_redirect", (4, 4), "BPF_FUNC_redirect";
    /// Calls `bpf_get_route_realm()`.
    GET_ROUTE_REALM = 24, "bpf_get_route_realm", (4, 4), "BPF_FUNC_get_route_realm";
    /// Calls `bpf_perf_event_output()`.
    PERF_EVENT_OUTPUT = 25, "bpf_perf_event_output", (4, 4), "BPF_FUNC_perf_event_output";
    /// Calls `bpf_skb_load_bytes()`.
    SKB_LOAD_BYTES = 26, "bpf_skb_load_bytes", (4, 5), "BPF_FUNC_skb_load_bytes";
    /// Calls `bpf_get_stackid()`.
    GET_STACKID = 27, "bpf_get_stackid", (4, 6), "BPF_FUNC_get_stackid";
    /// Calls `bpf_csum_diff()`.
    CSUM_DIFF = 28, "bpf_csum_diff", (4, 6), "BPF_FUNC_csum_diff";
    /// Calls `bpf_skb_get_tunnel_opt()`.
    SKB_GET_TUNNEL_OPT = 29, "bpf_skb_get_tunnel_opt", (4, 6), "BPF_FUNC_skb_get_tunnel_opt";
    /// Calls `bpf_skb_set_tunnel_opt()`.
    SKB_SET_TUNNEL_OPT = 30, "bpf_skb_set_tunnel_opt", (4, 6), "BPF_FUNC_skb_set_tunnel_opt";
    /// Calls `bpf_skb_change_proto()`.
    SKB_CHANGE_PROTO = 31, "bpf_skb_change_proto", (4, 8), "BPF_FUNC_skb_change_proto";
    /// Calls `bpf_skb_change_type()`.
    SKB_CHANGE_TYPE = 32, "bpf_skb_change_type", (4, 8), "BPF_FUNC_skb_change_type";
    /// Calls `bpf_skb_under_cgroup()`.
    SKB_UNDER_CGROUP = 33, "bpf_skb_under_cgroup", (4, 8), "BPF_FUNC_skb_under_cgroup";
    /// Calls `bpf_get_hash_recalc()`.
    GET_HASH_RECALC = 34, "bpf_get_hash_recalc", (4, 8), "BPF_FUNC_get_hash_recalc";
    /// Calls `bpf_get_current_task()`.
    GET_CURRENT_TASK = 35, "bpf_get_current_task", (4, 8), "BPF_FUNC_get_current_task";
    /// Calls `bpf_probe_write_user()`.
    PROBE_WRITE_USER = 36, "bpf_probe_write_user", (4, 8), "BPF_FUNC_probe_write_user";
    /// Calls `bpf_current_task_under_cgroup()`.
    CURRENT_TASK_UNDER_CGROUP = 37, "bpf_current_task_under_cgroup", (4, 9), "BPF_FUNC_current_task_under_cgroup";
    /// Calls `bpf_skb_change_tail()`.
    SKB_CHANGE_TAIL = 38, "bpf_skb_change_tail", (4, 9), "BPF_FUNC_skb_change_tail";
    /// Calls `bpf_skb_pull_data()`.
    SKB_PULL_DATA = 39, "bpf_skb_pull_data", (4, 9), "BPF_FUNC_skb_pull_data";
    /// Calls `bpf_csum_update()`.
    CSUM_UPDATE = 40, "bpf_csum_update", (4, 9), "BPF_FUNC_csum_update";
    /// Calls `bpf_set_hash_invalid()`.
    SET_HASH_INVALID = 41, "bpf_set_hash_invalid", (4, 9), "BPF_FUNC_set_hash_invalid";
    /// Calls `bpf_get_numa_node_id()`.
    GET_NUMA_NODE_ID = 42, "bpf_get_numa_node_id", (4, 10), "BPF_FUNC_get_numa_node_id";
    /// Calls `bpf_skb_change_head()`.
    SKB_CHANGE_HEAD = 43, "bpf_skb_change_head", (4, 10), "BPF_FUNC_skb_change_head";
    /// Calls `bpf_xdp_adjust_head()`.
    XDP_ADJUST_HEAD = 44, "bpf_xdp_adjust_head", (4, 10), "BPF_FUNC_xdp_adjust_head";
    /// Calls `bpf_probe_read_str()`.
    PROBE_READ_STR = 45, "bpf_probe_read_str", (4, 11), "BPF_FUNC_probe_read_str";
    /// Calls `bpf_get_socket_cookie()`.
    GET_SOCKET_COOKIE = 46, "bpf_get_socket_cookie", (4, 12), "BPF_FUNC_get_socket_cookie";
    /// Calls `bpf_get_socket_uid()`.
    GET_SOCKET_UID = 47, "bpf_get_socket_uid", (4, 12), "BPF_FUNC_get_socket_uid";
    /// Calls `bpf_set_hash()`.
    SET_HASH = 48, "bpf_set_hash", (4, 13), "BPF_FUNC_set_hash";
    /// Calls `bpf_setsockopt()`.
    SETSOCKOPT = 49, "bpf_setsockopt", (4, 13), "BPF_FUNC_setsockopt";
    /// Calls `bpf_skb_adjust_room()`.
    SKB_ADJUST_ROOM = 50, "bpf_skb_adjust_room", (4, 13), "BPF_FUNC_skb_adjust_room";
    /// Calls `bpf_redirect_map()`.
    REDIRECT_MAP = 51, "bpf_redirect_map", (4, 14), "BPF_FUNC_redirect_map";
    /// Calls `bpf_sk_redirect_map()`.
    SK_REDIRECT_MAP = 52, "bpf_sk_redirect_map", (4, 14), "BPF_FUNC_sk_redirect_map";
    /// Calls `bpf_sock_map_update()`.
    SOCK_MAP_UPDATE = 53, "bpf_sock_map_update", (4, 14), "BPF_FUNC_sock_map_update";
    /// Calls `bpf_xdp_adjust_meta()`.
    XDP_ADJUST_META = 54, "bpf_xdp_adjust_meta", (4, 15), "BPF_FUNC_xdp_adjust_meta";
    /// Calls `bpf_perf_event_read_value()`.
    PERF_EVENT_READ_VALUE = 55, "bpf_perf_event_read_value", (4, 15), "BPF_FUNC_perf_event_read_value";
    /// Calls `bpf_perf_prog_read_value()`.
    PERF_PROG_READ_VALUE = 56, "bpf_perf_prog_read_value", (4, 15), "BPF_FUNC_perf_prog_read_value";
    /// Calls `bpf_getsockopt()`.
    GETSOCKOPT = 57, "bpf_getsockopt", (4, 15), "BPF_FUNC_getsockopt";
    /// Calls `bpf_override_return()`.
    OVERRIDE_RETURN = 58, "bpf_override_return", (4, 16), "BPF_FUNC_override_return";
    /// Calls `bpf_sock_ops_cb_flags_set()`.
    SOCK_OPS_CB_FLAGS_SET = 59, "bpf_sock_ops_cb_flags_set", (4, 16), "BPF_FUNC_sock_ops_cb_flags_set";
    /// Calls `bpf_msg_redirect_map()`.
    MSG_REDIRECT_MAP = 60, "bpf_msg_redirect_map", (4, 17), "BPF_FUNC_msg_redirect_map";
    /// Calls `bpf_msg_apply_bytes()`.
    MSG_APPLY_BYTES = 61, "bpf_msg_apply_bytes", (4, 17), "BPF_FUNC_msg_apply_bytes";
    /// Calls `bpf_msg_cork_bytes()`.
    MSG_CORK_BYTES = 62, "bpf_msg_cork_bytes", (4, 17), "BPF_FUNC_msg_cork_bytes";
    /// Calls `bpf_msg_pull_data()`.
    MSG_PULL_DATA = 63, "bpf_msg_pull_data", (4, 17), "BPF_FUNC_msg_pull_data";
    /// Calls `bpf_bind()`.
    BIND = 64, "bpf_bind", (4, 17), "BPF_FUNC_bind";
    /// Calls `bpf_xdp_adjust_tail()`.
    XDP_ADJUST_TAIL = 65, "bpf_xdp_adjust_tail", (4, 18), "BPF_FUNC_xdp_adjust_tail";
    /// Calls `bpf_skb_get_xfrm_state()`.
    SKB_GET_XFRM_STATE = 66, "bpf_skb_get_xfrm_state", (4, 18), "BPF_FUNC_skb_get_xfrm_state";
    /// Calls `bpf_get_stack()`.
    GET_STACK = 67, "bpf_get_stack", (4, 18), "BPF_FUNC_get_stack";
    /// Calls `bpf_skb_load_bytes_relative()`.
    SKB_LOAD_BYTES_RELATIVE = 68, "bpf_skb_load_bytes_relative", (4, 18), "BPF_FUNC_skb_load_bytes_relative";
    /// Calls `bpf_fib_lookup()`.
    FIB_LOOKUP = 69, "bpf_fib_lookup", (4, 18), "BPF_FUNC_fib_lookup";
    /// Calls `bpf_sock_hash_update()`.
    SOCK_HASH_UPDATE = 70, "bpf_sock_hash_update", (4, 18), "BPF_FUNC_sock_hash_update";
    /// Calls `bpf_msg_redirect_hash()`.
    MSG_REDIRECT_HASH = 71, "bpf_msg_redirect_hash", (4, 18), "BPF_FUNC_msg_redirect_hash";
    /// Calls `bpf_sk_redirect_hash()`.
    SK_REDIRECT_HASH = 72, "bpf_sk_redirect_hash", (4, 18), "BPF_FUNC_sk_redirect_hash";
    /// Calls `bpf_lwt_push_encap()`.
    LWT_PUSH_ENCAP = 73, "bpf_lwt_push_encap", (4, 18), "BPF_FUNC_lwt_push_encap";
    /// Calls `bpf_lwt_seg6_store_bytes()`.
    LWT_SEG6_STORE_BYTES = 74, "bpf_lwt_seg6_store_bytes", (4, 18), "BPF_FUNC_lwt_seg6_store_bytes";
    /// Calls `bpf_lwt_seg6_adjust_srh()`.
    LWT_SEG6_ADJUST_SRH = 75, "bpf_lwt_seg6_adjust_srh", (4, 18), "BPF_FUNC_lwt_seg6_adjust_srh";
    /// Calls `bpf_lwt_seg6_action()`.
    LWT_SEG6_ACTION = 76, "bpf_lwt_seg6_action", (4, 18), "BPF_FUNC_lwt_seg6_action";
    /// Calls `bpf_rc_repeat()`.
    RC_REPEAT = 77, "bpf_rc_repeat", (4, 18), "BPF_FUNC_rc_repeat";
    /// Calls `bpf_rc_keydown()`.
    RC_KEYDOWN = 78, "bpf_rc_keydown", (4, 18), "BPF_FUNC_rc_keydown";
    /// Calls `bpf_skb_cgroup_id()`.
    SKB_CGROUP_ID = 79, "bpf_skb_cgroup_id", (4, 18), "BPF_FUNC_skb_cgroup_id";
    /// Calls `bpf_get_current_cgroup_id()`.
    GET_CURRENT_CGROUP_ID = 80, "bpf_get_current_cgroup_id", (4, 18), "BPF_FUNC_get_current_cgroup_id";
    /// Calls `bpf_get_local_storage()`.
    GET_LOCAL_STORAGE = 81, "bpf_get_local_storage", (4, 19), "BPF_FUNC_get_local_storage";
    /// Calls `bpf_sk_select_reuseport()`.
    SK_SELECT_REUSEPORT = 82, "bpf_sk_select_reuseport", (4, 19), "BPF_FUNC_sk_select_reuseport";
    /// Calls `bpf_skb_ancestor_cgroup_id()`.
    SKB_ANCESTOR_CGROUP_ID = 83, "bpf_skb_ancestor_cgroup_id", (4, 19), "BPF_FUNC_skb_ancestor_cgroup_id";
    /// Calls `bpf_sk_lookup_tcp()`.
    SK_LOOKUP_TCP = 84, "bpf_sk_lookup_tcp", (4, 20), "BPF_FUNC_sk_lookup_tcp";
    /// Calls `bpf_sk_lookup_udp()`.
    SK_LOOKUP_UDP = 85, "bpf_sk_lookup_udp", (4, 20), "BPF_FUNC_sk_lookup_udp";
    /// Calls `bpf_sk_release()`.
    SK_RELEASE = 86, "bpf_sk_release", (4, 20), "BPF_FUNC_sk_release";
    /// Calls `bpf_map_push_elem()`.
    MAP_PUSH_ELEM = 87, "bpf_map_push_elem", (4, 20), "BPF_FUNC_map_push_elem";
    /// Calls `bpf_map_pop_elem()`.
    MAP_POP_ELEM = 88, "bpf_map_pop_elem", (4, 20), "BPF_FUNC_map_pop_elem";
    /// Calls `bpf_map_peek_elem()`.
    MAP_PEEK_ELEM = 89, "bpf_map_peek_elem", (4, 20), "BPF_FUNC_map_peek_elem";
    /// Calls `bpf_msg_push_data()`.
    MSG_PUSH_DATA = 90, "bpf_msg_push_data", (4, 20), "BPF_FUNC_msg_push_data";
    /// Calls `bpf_msg_pop_data()`.
    MSG_POP_DATA = 91, "bpf_msg_pop_data", (5, 0), "BPF_FUNC_msg_pop_data";
    /// Calls `bpf_rc_pointer_rel()`.
    RC_POINTER_REL = 92, "bpf_rc_pointer_rel", (5, 0), "BPF_FUNC_rc_pointer_rel";
    /// Calls `bpf_spin_lock()`.
    SPIN_LOCK = 93, "bpf_spin_lock", (5, 1), "BPF_FUNC_spin_lock";
    /// Calls `bpf_spin_unlock()`.
    SPIN_UNLOCK = 94, "bpf_spin_unlock", (5, 1), "BPF_FUNC_spin_unlock";
    /// Calls `bpf_sk_fullsock()`.
    SK_FULLSOCK = 95, "bpf_sk_fullsock", (5, 1), "BPF_FUNC_sk_fullsock";
    /// Calls `bpf_tcp_sock()`.
    TCP_SOCK = 96, "bpf_tcp_sock", (5, 1), "BPF_FUNC_tcp_sock";
    /// Calls `bpf_skb_ecn_set_ce()`.
    SKB_ECN_SET_CE = 97, "bpf_skb_ecn_set_ce", (5, 1), "BPF_FUNC_skb_ecn_set_ce";
    /// Calls `bpf_get_listener_sock()`.
    GET_LISTENER_SOCK = 98, "bpf_get_listener_sock", (5, 1), "BPF_FUNC_get_listener_sock";
    /// Calls `bpf_skc_lookup_tcp()`.
    SKC_LOOKUP_TCP = 99, "bpf_skc_lookup_tcp", (5, 2), "BPF_FUNC_skc_lookup_tcp";
    /// Calls `bpf_tcp_check_syncookie()`.
    TCP_CHECK_SYNCOOKIE = 100, "bpf_tcp_check_syncookie", (5, 2), "BPF_FUNC_tcp_check_syncookie";
    /// Calls `bpf_sysctl_get_name()`.
    SYSCTL_GET_NAME = 101, "bpf_sysctl_get_name", (5, 2), "BPF_FUNC_sysctl_get_name";
    /// Calls `bpf_sysctl_get_current_value()`.
    SYSCTL_GET_CURRENT_VALUE = 102, "bpf_sysctl_get_current_value", (5, 2), "BPF_FUNC_sysctl_get_current_value";
    /// Calls `bpf_sysctl_get_new_value()`.
    SYSCTL_GET_NEW_VALUE = 103, "bpf_sysctl_get_new_value", (5, 2), "BPF_FUNC_sysctl_get_new_value";
    /// Calls `bpf_sysctl_set_new_value()`.
    SYSCTL_SET_NEW_VALUE = 104, "bpf_sysctl_set_new_value", (5, 2), "BPF_FUNC_sysctl_set_new_value";
    /// Calls `bpf_strtol()`.
    STRTOL = 105, "bpf_strtol", (5, 2), "BPF_FUNC_strtol";
    /// Calls `bpf_strtoul()`.
    STRTOUL = 106, "bpf_strtoul", (5, 2), "BPF_FUNC_strtoul";
    /// Calls `bpf_sk_storage_get()`.
    SK_STORAGE_GET = 107, "bpf_sk_storage_get", (5, 2), "BPF_FUNC_sk_storage_get";
    /// Calls `bpf_sk_storage_delete()`.
    SK_STORAGE_DELETE = 108, "bpf_sk_storage_delete", (5, 2), "BPF_FUNC_sk_storage_delete";
    /// Calls `bpf_send_signal()`.
    SEND_SIGNAL = 109, "bpf_send_signal", (5, 3), "BPF_FUNC_send_signal";
    /// Calls `bpf_tcp_gen_syncookie()`.
    TCP_GEN_SYNCOOKIE = 110, "bpf_tcp_gen_syncookie", (5, 4), "BPF_FUNC_tcp_gen_syncookie";
    /// Calls `bpf_skb_output()`.
    SKB_OUTPUT = 111, "bpf_skb_output", (5, 5), "BPF_FUNC_skb_output";
    /// Calls `bpf_probe_read_user()`.
    PROBE_READ_USER = 112, "bpf_probe_read_user", (5, 5), "BPF_FUNC_probe_read_user";
    /// Calls `bpf_probe_read_kernel()`.
    PROBE_READ_KERNEL = 113, "bpf_probe_read_kernel", (5, 5), "BPF_FUNC_probe_read_kernel";
    /// Calls `bpf_probe_read_user_str()`.
    PROBE_READ_USER_STR = 114, "bpf_probe_read_user_str", (5, 5), "BPF_FUNC_probe_read_user_str";
    /// Calls `bpf_probe_read_kernel_str()`.
    PROBE_READ_KERNEL_STR = 115, "bpf_probe_read_kernel_str", (5, 5), "BPF_FUNC_probe_read_kernel_str";
    /// Calls `bpf_tcp_send_ack()`.
    TCP_SEND_ACK = 116, "bpf_tcp_send_ack", (5, 6), "BPF_FUNC_tcp_send_ack";
    /// Calls `bpf_send_signal_thread()`.
    SEND_SIGNAL_THREAD = 117, "bpf_send_signal_thread", (5, 6), "BPF_FUNC_send_signal_thread";
    /// Calls `bpf_jiffies64()`.
    JIFFIES64 = 118, "bpf_jiffies64", (5, 6), "BPF_FUNC_jiffies64";
    /// Calls `bpf_read_branch_records()`.
    READ_BRANCH_RECORDS = 119, "bpf_read_branch_records", (5, 7), "BPF_FUNC_read_branch_records";
    /// Calls `bpf_get_ns_current_pid_tgid()`.
    GET_NS_CURRENT_PID_TGID = 120, "bpf_get_ns_current_pid_tgid", (5, 7), "BPF_FUNC_get_ns_current_pid_tgid";
    /// Calls `bpf_xdp_output()`.
    XDP_OUTPUT = 121, "bpf_xdp_output", (5, 7), "BPF_FUNC_xdp_output";
    /// Calls `bpf_get_netns_cookie()`.
    GET_NETNS_COOKIE = 122, "bpf_get_netns_cookie", (5, 7), "BPF_FUNC_get_netns_cookie";
    /// Calls `bpf_get_current_ancestor_cgroup_id()`.
    GET_CURRENT_ANCESTOR_CGROUP_ID = 123, "bpf_get_current_ancestor_cgroup_id", (5, 7), "BPF_FUNC_get_current_ancestor_cgroup_id";
    /// Calls `bpf_sk_assign()`.
    SK_ASSIGN = 124, "bpf_sk_assign", (5, 7), "BPF_FUNC_sk_assign";
    /// Calls `bpf_ktime_get_boot_ns()`.
    KTIME_GET_BOOT_NS = 125, "bpf_ktime_get_boot_ns", (5, 8), "BPF_FUNC_ktime_get_boot_ns";
    /// Calls `bpf_seq_printf()`.
    SEQ_PRINTF = 126, "bpf_seq_printf", (5, 8), "BPF_FUNC_seq_printf";
    /// Calls `bpf_seq_write()`.
    SEQ_WRITE = 127, "bpf_seq_write", (5, 8), "BPF_FUNC_seq_write";
    /// Calls `bpf_sk_cgroup_id()`.
    SK_CGROUP_ID = 128, "bpf_sk_cgroup_id", (5, 8), "BPF_FUNC_sk_cgroup_id";
    /// Calls `bpf_sk_ancestor_cgroup_id()`.
    SK_ANCESTOR_CGROUP_ID = 129, "bpf_sk_ancestor_cgroup_id", (5, 8), "BPF_FUNC_sk_ancestor_cgroup_id";
    /// Calls `bpf_ringbuf_output()`.
    RINGBUF_OUTPUT = 130, "bpf_ringbuf_output", (5, 8), "BPF_FUNC_ringbuf_output";
    /// Calls `bpf_ringbuf_reserve()`.
    RINGBUF_RESERVE = 131, "bpf_ringbuf_reserve", (5, 8), "BPF_FUNC_ringbuf_reserve";
    /// Calls `bpf_ringbuf_submit()`.
    RINGBUF_SUBMIT = 132, "bpf_ringbuf_submit", (5, 8), "BPF_FUNC_ringbuf_submit";
    /// Calls `bpf_ringbuf_discard()`.
    RINGBUF_DISCARD = 133, "bpf_ringbuf_discard", (5, 8), "BPF_FUNC_ringbuf_discard";
    /// Calls `bpf_ringbuf_query()`.
    RINGBUF_QUERY = 134, "bpf_ringbuf_query", (5, 8), "BPF_FUNC_ringbuf_query";
    /// Calls `bpf_csum_level()`.
    CSUM_LEVEL = 135, "bpf_csum_level", (5, 8), "BPF_FUNC_csum_level";
    /// Calls `bpf_skc_to_tcp6_sock()`.
    SKC_TO_TCP6_SOCK = 136, "bpf_skc_to_tcp6_sock", (5, 9), "BPF_FUNC_skc_to_tcp6_sock";
    /// Calls `bpf_skc_to_tcp_sock()`.
    SKC_TO_TCP_SOCK = 137, "bpf_skc_to_tcp_sock", (5, 9), "BPF_FUNC_skc_to_tcp_sock";
    /// Calls `bpf_skc_to_tcp_timewait_sock()`.
    SKC_TO_TCP_TIMEWAIT_SOCK = 138, "bpf_skc_to_tcp_timewait_sock", (5, 9), "BPF_FUNC_skc_to_tcp_timewait_sock";
    /// Calls `bpf_skc_to_tcp_request_sock()`.
    SKC_TO_TCP_REQUEST_SOCK = 139, "bpf_skc_to_tcp_request_sock", (5, 9), "BPF_FUNC_skc_to_tcp_request_sock";
    /// Calls `bpf_skc_to_udp6_sock()`.
    SKC_TO_UDP6_SOCK = 140, "bpf_skc_to_udp6_sock", (5, 9), "BPF_FUNC_skc_to_udp6_sock";
    /// Calls `bpf_get_task_stack()`.
    GET_TASK_STACK = 141, "bpf_get_task_stack", (5, 9), "BPF_FUNC_get_task_stack";
    /// Calls `bpf_load_hdr_opt()`.
    LOAD_HDR_OPT = 142, "bpf_load_hdr_opt", (5, 10), "BPF_FUNC_load_hdr_opt";
    /// Calls `bpf_store_hdr_opt()`.
    STORE_HDR_OPT = 143, "bpf_store_hdr_opt", (5, 10), "BPF_FUNC_store_hdr_opt";
    /// Calls `bpf_reserve_hdr_opt()`.
    RESERVE_HDR_OPT = 144, "bpf_reserve_hdr_opt", (5, 10), "BPF_FUNC_reserve_hdr_opt";
    /// Calls `bpf_inode_storage_get()`.
    INODE_STORAGE_GET = 145, "bpf_inode_storage_get", (5, 10), "BPF_FUNC_inode_storage_get";
    /// Calls `bpf_inode_storage_delete()`.
    INODE_STORAGE_DELETE = 146, "bpf_inode_storage_delete", (5, 10), "BPF_FUNC_inode_storage_delete";
    /// Calls `bpf_d_path()`.
    D_PATH = 147, "bpf_d_path", (5, 10), "BPF_FUNC_d_path";
    /// Calls `bpf_copy_from_user()`.
    COPY_FROM_USER = 148, "bpf_copy_from_user", (5, 10), "BPF_FUNC_copy_from_user";
    /// Calls `bpf_snprintf_btf()`.
    SNPRINTF_BTF = 149, "bpf_snprintf_btf", (5, 10), "BPF_FUNC_snprintf_btf";
    /// Calls `bpf_seq_printf_btf()`.
    SEQ_PRINTF_BTF = 150, "bpf_seq_printf_btf", (5, 10), "BPF_FUNC_seq_printf_btf";
    /// Calls `bpf_skb_cgroup_classid()`.
    SKB_CGROUP_CLASSID = 151, "bpf_skb_cgroup_classid", (5, 10), "BPF_FUNC_skb_cgroup_classid";
    /// Calls `bpf_redirect_neigh()`.
    REDIRECT_NEIGH = 152, "bpf_redirect_neigh", (5, 10), "BPF_FUNC_redirect_neigh";
    /// Calls `bpf_per_cpu_ptr()`.
    PER_CPU_PTR = 153, "bpf_per_cpu_ptr", (5, 10), "BPF_FUNC_per_cpu_ptr";
    /// Calls `bpf_this_cpu_ptr()`.
    THIS_CPU_PTR = 154, "bpf_this_cpu_ptr", (5, 10), "BPF_FUNC_this_cpu_ptr";
    /// Calls `bpf_redirect_peer()`.
    REDIRECT_PEER = 155, "bpf_redirect_peer", (5, 10), "BPF_FUNC_redirect_peer";
    /// Calls `bpf_task_storage_get()`.
    TASK_STORAGE_GET = 156, "bpf_task_storage_get", (5, 11), "BPF_FUNC_task_storage_get";
    /// Calls `bpf_task_storage_delete()`.
    TASK_STORAGE_DELETE = 157, "bpf_task_storage_delete", (5, 11), "BPF_FUNC_task_storage_delete";
    /// Calls `bpf_get_current_task_btf()`.
    GET_CURRENT_TASK_BTF = 158, "bpf_get_current_task_btf", (5, 11), "BPF_FUNC_get_current_task_btf";
    /// Calls `bpf_bprm_opts_set()`.
    BPRM_OPTS_SET = 159, "bpf_bprm_opts_set", (5, 11), "BPF_FUNC_bprm_opts_set";
    /// Calls `bpf_ktime_get_coarse_ns()`.
    KTIME_GET_COARSE_NS = 160, "bpf_ktime_get_coarse_ns", (5, 11), "BPF_FUNC_ktime_get_coarse_ns";
    /// Calls `bpf_ima_inode_hash()`.
    IMA_INODE_HASH = 161, "bpf_ima_inode_hash", (5, 11), "BPF_FUNC_ima_inode_hash";
    /// Calls `bpf_sock_from_file()`.
    SOCK_FROM_FILE = 162, "bpf_sock_from_file", (5, 11), "BPF_FUNC_sock_from_file";
    /// Calls `bpf_check_mtu()`.
    CHECK_MTU = 163, "bpf_check_mtu", (5, 12), "BPF_FUNC_check_mtu";
    /// Calls `bpf_for_each_map_elem()`.
    FOR_EACH_MAP_ELEM = 164, "bpf_for_each_map_elem", (5, 13), "BPF_FUNC_for_each_map_elem";
    /// Calls `bpf_snprintf()`.
    SNPRINTF = 165, "bpf_snprintf", (5, 13), "BPF_FUNC_snprintf";
    /// Calls `bpf_sys_bpf()`.
    SYS_BPF = 166, "bpf_sys_bpf", (5, 14), "BPF_FUNC_sys_bpf";
    /// Calls `bpf_btf_find_by_name_kind()`.
    BTF_FIND_BY_NAME_KIND = 167, "bpf_btf_find_by_name_kind", (5, 14), "BPF_FUNC_btf_find_by_name_kind";
    /// Calls `bpf_sys_close()`.
    SYS_CLOSE = 168, "bpf_sys_close", (5, 14), "BPF_FUNC_sys_close";
    /// Calls `bpf_timer_init()`.
    TIMER_INIT = 169, "bpf_timer_init", (5, 15), "BPF_FUNC_timer_init";
    /// Calls `bpf_timer_set_callback()`.
    TIMER_SET_CALLBACK = 170, "bpf_timer_set_callback", (5, 15), "BPF_FUNC_timer_set_callback";
    /// Calls `bpf_timer_start()`.
    TIMER_START = 171, "bpf_timer_start", (5, 15), "BPF_FUNC_timer_start";
    /// Calls `bpf_timer_cancel()`.
    TIMER_CANCEL = 172, "bpf_timer_cancel", (5, 15), "BPF_FUNC_timer_cancel";
    /// Calls `bpf_get_func_ip()`.
    GET_FUNC_IP = 173, "bpf_get_func_ip", (5, 15), "BPF_FUNC_get_func_ip";
    /// Calls `bpf_get_attach_cookie()`.
    GET_ATTACH_COOKIE = 174, "bpf_get_attach_cookie", (5, 15), "BPF_FUNC_get_attach_cookie";
    /// Calls `bpf_task_pt_regs()`.
    TASK_PT_REGS = 175, "bpf_task_pt_regs", (5, 15), "BPF_FUNC_task_pt_regs";
    /// Calls `bpf_get_branch_snapshot()`.
    GET_BRANCH_SNAPSHOT = 176, "bpf_get_branch_snapshot", (5, 16), "BPF_FUNC_get_branch_snapshot";
    /// Calls `bpf_trace_vprintk()`.
    TRACE_VPRINTK = 177, "bpf_trace_vprintk", (5, 16), "BPF_FUNC_trace_vprintk";
    /// Calls `bpf_skc_to_unix_sock()`.
    SKC_TO_UNIX_SOCK = 178, "bpf_skc_to_unix_sock", (5, 16), "BPF_FUNC_skc_to_unix_sock";
    /// Calls `bpf_kallsyms_lookup_name()`.
    KALLSYMS_LOOKUP_NAME = 179, "bpf_kallsyms_lookup_name", (5, 16), "BPF_FUNC_kallsyms_lookup_name";
    /// Calls `bpf_find_vma()`.
    FIND_VMA = 180, "bpf_find_vma", (5, 17), "BPF_FUNC_find_vma";
    /// Calls `bpf_loop()`.
    LOOP = 181, "bpf_loop", (5, 17), "BPF_FUNC_loop";
    /// Calls `bpf_strncmp()`.
    STRNCMP = 182, "bpf_strncmp", (5, 17), "BPF_FUNC_strncmp";
    /// Calls `bpf_get_func_arg()`.
    GET_FUNC_ARG = 183, "bpf_get_func_arg", (5, 17), "BPF_FUNC_get_func_arg";
    /// Calls `bpf_get_func_ret()`.
    GET_FUNC_RET = 184, "bpf_get_func_ret", (5, 17), "BPF_FUNC_get_func_ret";
    /// Calls `bpf_get_func_arg_cnt()`.
    GET_FUNC_ARG_CNT = 185, "bpf_get_func_arg_cnt", (5, 17), "BPF_FUNC_get_func_arg_cnt";
    /// Calls `bpf_get_retval()`.
    GET_RETVAL = 186, "bpf_get_retval", (5, 18), "BPF_FUNC_get_retval";
    /// Calls `bpf_set_retval()`.
    SET_RETVAL = 187, "bpf_set_retval", (5, 18), "BPF_FUNC_set_retval";
    /// Calls `bpf_xdp_get_buff_len()`.
    XDP_GET_BUFF_LEN = 188, "bpf_xdp_get_buff_len", (5, 18), "BPF_FUNC_xdp_get_buff_len";
    /// Calls `bpf_xdp_load_bytes()`.
    XDP_LOAD_BYTES = 189, "bpf_xdp_load_bytes", (5, 18), "BPF_FUNC_xdp_load_bytes";
    /// Calls `bpf_xdp_store_bytes()`.
    XDP_STORE_BYTES = 190, "bpf_xdp_store_bytes", (5, 18), "BPF_FUNC_xdp_store_bytes";
    /// Calls `bpf_copy_from_user_task()`.
    COPY_FROM_USER_TASK = 191, "bpf_copy_from_user_task", (5, 18), "BPF_FUNC_copy_from_user_task";
    /// Calls `bpf_skb_set_tstamp()`.
    SKB_SET_TSTAMP = 192, "bpf_skb_set_tstamp", (5, 18), "BPF_FUNC_skb_set_tstamp";
    /// Calls `bpf_ima_file_hash()`.
    IMA_FILE_HASH = 193, "bpf_ima_file_hash", (5, 18), "BPF_FUNC_ima_file_hash";
    /// Calls `bpf_kptr_xchg()`.
    KPTR_XCHG = 194, "bpf_kptr_xchg", (5, 19), "BPF_FUNC_kptr_xchg";
    /// Calls `bpf_map_lookup_percpu_elem()`.
    MAP_LOOKUP_PERCPU_ELEM = 195, "bpf_map_lookup_percpu_elem", (5, 19), "BPF_FUNC_map_lookup_percpu_elem";
    /// Calls `bpf_skc_to_mptcp_sock()`.
    SKC_TO_MPTCP_SOCK = 196, "bpf_skc_to_mptcp_sock", (5, 19), "BPF_FUNC_skc_to_mptcp_sock";
    /// Calls `bpf_dynptr_from_mem()`.
    DYNPTR_FROM_MEM = 197, "bpf_dynptr_from_mem", (5, 19), "BPF_FUNC_dynptr_from_mem";
    /// Calls `bpf_ringbuf_reserve_dynptr()`.
    RINGBUF_RESERVE_DYNPTR = 198, "bpf_ringbuf_reserve_dynptr", (5, 19), "BPF_FUNC_ringbuf_reserve_dynptr";
    /// Calls `bpf_ringbuf_submit_dynptr()`.
    RINGBUF_SUBMIT_DYNPTR = 199, "bpf_ringbuf_submit_dynptr", (5, 19), "BPF_FUNC_ringbuf_submit_dynptr";
    /// Calls `bpf_ringbuf_discard_dynptr()`.
    RINGBUF_DISCARD_DYNPTR = 200, "bpf_ringbuf_discard_dynptr", (5, 19), "BPF_FUNC_ringbuf_discard_dynptr";
    /// Calls `bpf_dynptr_read()`.
    DYNPTR_READ = 201, "bpf_dynptr_read", (5, 19), "BPF_FUNC_dynptr_read";
    /// Calls `bpf_dynptr_write()`.
    DYNPTR_WRITE = 202, "bpf_dynptr_write", (5, 19), "BPF_FUNC_dynptr_write";
    /// Calls `bpf_dynptr_data()`.
    DYNPTR_DATA = 203, "bpf_dynptr_data", (5, 19), "BPF_FUNC_dynptr_data";
    /// Calls `bpf_tcp_raw_gen_syncookie_ipv4()`.
    TCP_RAW_GEN_SYNCOOKIE_IPV4 = 204, "bpf_tcp_raw_gen_syncookie_ipv4", (6, 0), "BPF_FUNC_tcp_raw_gen_syncookie_ipv4";
    /// Calls `bpf_tcp_raw_gen_syncookie_ipv6()`.
    TCP_RAW_GEN_SYNCOOKIE_IPV6 = 205, "bpf_tcp_raw_gen_syncookie_ipv6", (6, 0), "BPF_FUNC_tcp_raw_gen_syncookie_ipv6";
    /// Calls `bpf_tcp_raw_check_syncookie_ipv4()`.
    TCP_RAW_CHECK_SYNCOOKIE_IPV4 = 206, "bpf_tcp_raw_check_syncookie_ipv4", (6, 0), "BPF_FUNC_tcp_raw_check_syncookie_ipv4";
    /// Calls `bpf_tcp_raw_check_syncookie_ipv6()`.
    TCP_RAW_CHECK_SYNCOOKIE_IPV6 = 207, "bpf_tcp_raw_check_syncookie_ipv6", (6, 0), "BPF_FUNC_tcp_raw_check_syncookie_ipv6";
    /// Calls `bpf_ktime_get_tai_ns()`.
    KTIME_GET_TAI_NS = 208, "bpf_ktime_get_tai_ns", (6, 1), "BPF_FUNC_ktime_get_tai_ns";
    /// Calls `bpf_user_ringbuf_drain()`.
    USER_RINGBUF_DRAIN = 209, "bpf_user_ringbuf_drain", (6, 1), "BPF_FUNC_user_ringbuf_drain";
    /// Calls `bpf_cgrp_storage_get()`.
    CGRP_STORAGE_GET = 210, "bpf_cgrp_storage_get", (6, 2), "BPF_FUNC_cgrp_storage_get";
    /// Calls `bpf_cgrp_storage_delete()`.
    CGRP_STORAGE_DELETE = 211, "bpf_cgrp_storage_delete", (6, 2), "BPF_FUNC_cgrp_storage_delete";
}
