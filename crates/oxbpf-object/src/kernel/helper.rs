//! Helper functions, one row each.
//!
//! The list is closed: since Linux 6.2 the kernel adds kfuncs instead.

super::kernel_enum! {
    /// A helper function: the number in the immediate of a `call` instruction.
    ///
    /// Source: `enum bpf_func_id` of `linux/bpf.h`.
    #[doc(alias = "bpf_func_id")]
    pub struct Helper, unspecified "BPF_FUNC_unspec";

    /// Finds the value under a key and returns a pointer to it, or null.
    MAP_LOOKUP_ELEM = 1, "bpf_map_lookup_elem", (3, 19), "BPF_FUNC_map_lookup_elem";
    /// Sets the value under a key.
    MAP_UPDATE_ELEM = 2, "bpf_map_update_elem", (3, 19), "BPF_FUNC_map_update_elem";
    /// Removes a key and its value.
    MAP_DELETE_ELEM = 3, "bpf_map_delete_elem", (3, 19), "BPF_FUNC_map_delete_elem";
    /// Copies memory from an unsafe address, of the kernel or of user space. [`PROBE_READ_KERNEL`](Self::PROBE_READ_KERNEL) and [`PROBE_READ_USER`](Self::PROBE_READ_USER) replace it.
    PROBE_READ = 4, "bpf_probe_read", (4, 1), "BPF_FUNC_probe_read";
    /// Nanoseconds since boot, without time suspended.
    KTIME_GET_NS = 5, "bpf_ktime_get_ns", (4, 1), "BPF_FUNC_ktime_get_ns";
    /// Prints a line with up to three arguments to the trace pipe.
    TRACE_PRINTK = 6, "bpf_trace_printk", (4, 1), "BPF_FUNC_trace_printk";
    /// A pseudo-random number.
    GET_PRANDOM_U32 = 7, "bpf_get_prandom_u32", (4, 1), "BPF_FUNC_get_prandom_u32";
    /// Number of the CPU that runs the program.
    GET_SMP_PROCESSOR_ID = 8, "bpf_get_smp_processor_id", (4, 1), "BPF_FUNC_get_smp_processor_id";
    /// Writes bytes into a packet.
    SKB_STORE_BYTES = 9, "bpf_skb_store_bytes", (4, 1), "BPF_FUNC_skb_store_bytes";
    /// Updates a network layer checksum after a change.
    L3_CSUM_REPLACE = 10, "bpf_l3_csum_replace", (4, 1), "BPF_FUNC_l3_csum_replace";
    /// Updates a transport layer checksum after a change.
    L4_CSUM_REPLACE = 11, "bpf_l4_csum_replace", (4, 1), "BPF_FUNC_l4_csum_replace";
    /// Goes on in another program, taken from an array of programs, and does not return.
    TAIL_CALL = 12, "bpf_tail_call", (4, 2), "BPF_FUNC_tail_call";
    /// Sends a copy of a packet to another device.
    CLONE_REDIRECT = 13, "bpf_clone_redirect", (4, 2), "BPF_FUNC_clone_redirect";
    /// Thread id (lower half) and process id (upper half) of the current task.
    GET_CURRENT_PID_TGID = 14, "bpf_get_current_pid_tgid", (4, 2), "BPF_FUNC_get_current_pid_tgid";
    /// User id (lower half) and group id (upper half) of the current task.
    GET_CURRENT_UID_GID = 15, "bpf_get_current_uid_gid", (4, 2), "BPF_FUNC_get_current_uid_gid";
    /// Copies the name of the current task.
    GET_CURRENT_COMM = 16, "bpf_get_current_comm", (4, 2), "BPF_FUNC_get_current_comm";
    /// Class id that the current task's net_cls cgroup gives to packets.
    GET_CGROUP_CLASSID = 17, "bpf_get_cgroup_classid", (4, 3), "BPF_FUNC_get_cgroup_classid";
    /// Adds a VLAN tag to a packet.
    SKB_VLAN_PUSH = 18, "bpf_skb_vlan_push", (4, 3), "BPF_FUNC_skb_vlan_push";
    /// Takes a VLAN tag off a packet.
    SKB_VLAN_POP = 19, "bpf_skb_vlan_pop", (4, 3), "BPF_FUNC_skb_vlan_pop";
    /// Copies a packet's tunnel metadata.
    SKB_GET_TUNNEL_KEY = 20, "bpf_skb_get_tunnel_key", (4, 3), "BPF_FUNC_skb_get_tunnel_key";
    /// Sets a packet's tunnel metadata.
    SKB_SET_TUNNEL_KEY = 21, "bpf_skb_set_tunnel_key", (4, 3), "BPF_FUNC_skb_set_tunnel_key";
    /// Reads a counter from an array of perf events. [`PERF_EVENT_READ_VALUE`](Self::PERF_EVENT_READ_VALUE) can tell errors.
    PERF_EVENT_READ = 22, "bpf_perf_event_read", (4, 3), "BPF_FUNC_perf_event_read";
    /// Sends a packet or frame to another device when the program ends.
    REDIRECT = 23, "bpf_redirect", (4, 4), "BPF_FUNC_redirect";
    /// Realm of the route that a packet takes.
    GET_ROUTE_REALM = 24, "bpf_get_route_realm", (4, 4), "BPF_FUNC_get_route_realm";
    /// Writes a record to the buffer of a perf event.
    PERF_EVENT_OUTPUT = 25, "bpf_perf_event_output", (4, 4), "BPF_FUNC_perf_event_output";
    /// Copies bytes out of a packet.
    SKB_LOAD_BYTES = 26, "bpf_skb_load_bytes", (4, 5), "BPF_FUNC_skb_load_bytes";
    /// Stores a stack trace in a map and returns its id.
    GET_STACKID = 27, "bpf_get_stackid", (4, 6), "BPF_FUNC_get_stackid";
    /// Checksum of the difference between two buffers.
    CSUM_DIFF = 28, "bpf_csum_diff", (4, 6), "BPF_FUNC_csum_diff";
    /// Copies a packet's tunnel options.
    SKB_GET_TUNNEL_OPT = 29, "bpf_skb_get_tunnel_opt", (4, 6), "BPF_FUNC_skb_get_tunnel_opt";
    /// Sets a packet's tunnel options.
    SKB_SET_TUNNEL_OPT = 30, "bpf_skb_set_tunnel_opt", (4, 6), "BPF_FUNC_skb_set_tunnel_opt";
    /// Changes a packet between IPv4 and IPv6.
    SKB_CHANGE_PROTO = 31, "bpf_skb_change_proto", (4, 8), "BPF_FUNC_skb_change_proto";
    /// Changes a packet's type: to this host, broadcast and so on.
    SKB_CHANGE_TYPE = 32, "bpf_skb_change_type", (4, 8), "BPF_FUNC_skb_change_type";
    /// Tests whether a packet's socket belongs to a cgroup of an array.
    SKB_UNDER_CGROUP = 33, "bpf_skb_under_cgroup", (4, 8), "BPF_FUNC_skb_under_cgroup";
    /// Hash of a packet, computed if it has none.
    GET_HASH_RECALC = 34, "bpf_get_hash_recalc", (4, 8), "BPF_FUNC_get_hash_recalc";
    /// Address of the current task's `task_struct`, as a number.
    GET_CURRENT_TASK = 35, "bpf_get_current_task", (4, 8), "BPF_FUNC_get_current_task";
    /// Writes to the memory of the current task. For experiments only.
    PROBE_WRITE_USER = 36, "bpf_probe_write_user", (4, 8), "BPF_FUNC_probe_write_user";
    /// Tests whether the current task belongs to a cgroup of an array.
    CURRENT_TASK_UNDER_CGROUP = 37, "bpf_current_task_under_cgroup", (4, 9), "BPF_FUNC_current_task_under_cgroup";
    /// Changes the length of a packet.
    SKB_CHANGE_TAIL = 38, "bpf_skb_change_tail", (4, 9), "BPF_FUNC_skb_change_tail";
    /// Makes bytes of a packet contiguous, so that they can be accessed directly.
    SKB_PULL_DATA = 39, "bpf_skb_pull_data", (4, 9), "BPF_FUNC_skb_pull_data";
    /// Adds to a packet's full checksum.
    CSUM_UPDATE = 40, "bpf_csum_update", (4, 9), "BPF_FUNC_csum_update";
    /// Makes the kernel compute a packet's hash anew.
    SET_HASH_INVALID = 41, "bpf_set_hash_invalid", (4, 9), "BPF_FUNC_set_hash_invalid";
    /// Number of the NUMA node that runs the program.
    GET_NUMA_NODE_ID = 42, "bpf_get_numa_node_id", (4, 10), "BPF_FUNC_get_numa_node_id";
    /// Makes room in front of a packet.
    SKB_CHANGE_HEAD = 43, "bpf_skb_change_head", (4, 10), "BPF_FUNC_skb_change_head";
    /// Moves the start of a frame.
    XDP_ADJUST_HEAD = 44, "bpf_xdp_adjust_head", (4, 10), "BPF_FUNC_xdp_adjust_head";
    /// Copies a string from an unsafe address, of the kernel or of user space.
    PROBE_READ_STR = 45, "bpf_probe_read_str", (4, 11), "BPF_FUNC_probe_read_str";
    /// Number of a socket, unique as long as the system runs.
    GET_SOCKET_COOKIE = 46, "bpf_get_socket_cookie", (4, 12), "BPF_FUNC_get_socket_cookie";
    /// User id of a packet's socket.
    GET_SOCKET_UID = 47, "bpf_get_socket_uid", (4, 12), "BPF_FUNC_get_socket_uid";
    /// Sets a packet's hash.
    SET_HASH = 48, "bpf_set_hash", (4, 13), "BPF_FUNC_set_hash";
    /// Sets an option of a socket.
    SETSOCKOPT = 49, "bpf_setsockopt", (4, 13), "BPF_FUNC_setsockopt";
    /// Makes or takes away room in the middle of a packet, for encapsulation.
    SKB_ADJUST_ROOM = 50, "bpf_skb_adjust_room", (4, 13), "BPF_FUNC_skb_adjust_room";
    /// Sends a frame to what an entry of a map names: a device, a CPU, an `AF_XDP` socket.
    REDIRECT_MAP = 51, "bpf_redirect_map", (4, 14), "BPF_FUNC_redirect_map";
    /// Redirects received data to a socket of an array.
    SK_REDIRECT_MAP = 52, "bpf_sk_redirect_map", (4, 14), "BPF_FUNC_sk_redirect_map";
    /// Adds a socket to an array of sockets.
    SOCK_MAP_UPDATE = 53, "bpf_sock_map_update", (4, 14), "BPF_FUNC_sock_map_update";
    /// Moves the start of the metadata in front of a frame.
    XDP_ADJUST_META = 54, "bpf_xdp_adjust_meta", (4, 15), "BPF_FUNC_xdp_adjust_meta";
    /// Reads a counter from an array of perf events, with the time it was on and counting.
    PERF_EVENT_READ_VALUE = 55, "bpf_perf_event_read_value", (4, 15), "BPF_FUNC_perf_event_read_value";
    /// Reads the counter that a perf event program runs on.
    PERF_PROG_READ_VALUE = 56, "bpf_perf_prog_read_value", (4, 15), "BPF_FUNC_perf_prog_read_value";
    /// Reads an option of a socket.
    GETSOCKOPT = 57, "bpf_getsockopt", (4, 15), "BPF_FUNC_getsockopt";
    /// Makes the probed function return at once, with a given value.
    OVERRIDE_RETURN = 58, "bpf_override_return", (4, 16), "BPF_FUNC_override_return";
    /// Chooses the events of a connection for which the program is called.
    SOCK_OPS_CB_FLAGS_SET = 59, "bpf_sock_ops_cb_flags_set", (4, 16), "BPF_FUNC_sock_ops_cb_flags_set";
    /// Redirects sent data to a socket of an array.
    MSG_REDIRECT_MAP = 60, "bpf_msg_redirect_map", (4, 17), "BPF_FUNC_msg_redirect_map";
    /// Applies the program's verdict to the next bytes of a message.
    MSG_APPLY_BYTES = 61, "bpf_msg_apply_bytes", (4, 17), "BPF_FUNC_msg_apply_bytes";
    /// Holds a message back until it has a number of bytes.
    MSG_CORK_BYTES = 62, "bpf_msg_cork_bytes", (4, 17), "BPF_FUNC_msg_cork_bytes";
    /// Makes bytes of a message accessible.
    MSG_PULL_DATA = 63, "bpf_msg_pull_data", (4, 17), "BPF_FUNC_msg_pull_data";
    /// Binds a socket to an address before it connects.
    BIND = 64, "bpf_bind", (4, 17), "BPF_FUNC_bind";
    /// Moves the end of a frame.
    XDP_ADJUST_TAIL = 65, "bpf_xdp_adjust_tail", (4, 18), "BPF_FUNC_xdp_adjust_tail";
    /// Copies the IPsec state of a packet.
    SKB_GET_XFRM_STATE = 66, "bpf_skb_get_xfrm_state", (4, 18), "BPF_FUNC_skb_get_xfrm_state";
    /// Copies a stack trace of the kernel or of user space.
    GET_STACK = 67, "bpf_get_stack", (4, 18), "BPF_FUNC_get_stack";
    /// Copies bytes out of a packet, from the start of a layer.
    SKB_LOAD_BYTES_RELATIVE = 68, "bpf_skb_load_bytes_relative", (4, 18), "BPF_FUNC_skb_load_bytes_relative";
    /// Looks up a route in the kernel's tables.
    FIB_LOOKUP = 69, "bpf_fib_lookup", (4, 18), "BPF_FUNC_fib_lookup";
    /// Adds a socket to a hash table of sockets.
    SOCK_HASH_UPDATE = 70, "bpf_sock_hash_update", (4, 18), "BPF_FUNC_sock_hash_update";
    /// Redirects sent data to a socket of a hash table.
    MSG_REDIRECT_HASH = 71, "bpf_msg_redirect_hash", (4, 18), "BPF_FUNC_msg_redirect_hash";
    /// Redirects received data to a socket of a hash table.
    SK_REDIRECT_HASH = 72, "bpf_sk_redirect_hash", (4, 18), "BPF_FUNC_sk_redirect_hash";
    /// Encapsulates a packet on its route.
    LWT_PUSH_ENCAP = 73, "bpf_lwt_push_encap", (4, 18), "BPF_FUNC_lwt_push_encap";
    /// Writes into the segment routing header of a packet.
    LWT_SEG6_STORE_BYTES = 74, "bpf_lwt_seg6_store_bytes", (4, 18), "BPF_FUNC_lwt_seg6_store_bytes";
    /// Changes the size of a segment routing header.
    LWT_SEG6_ADJUST_SRH = 75, "bpf_lwt_seg6_adjust_srh", (4, 18), "BPF_FUNC_lwt_seg6_adjust_srh";
    /// Applies a segment routing action to a packet.
    LWT_SEG6_ACTION = 76, "bpf_lwt_seg6_action", (4, 18), "BPF_FUNC_lwt_seg6_action";
    /// Reports that an infrared key is still held.
    RC_REPEAT = 77, "bpf_rc_repeat", (4, 18), "BPF_FUNC_rc_repeat";
    /// Reports an infrared key.
    RC_KEYDOWN = 78, "bpf_rc_keydown", (4, 18), "BPF_FUNC_rc_keydown";
    /// Id of the cgroup of a packet's socket.
    SKB_CGROUP_ID = 79, "bpf_skb_cgroup_id", (4, 18), "BPF_FUNC_skb_cgroup_id";
    /// Id of the current task's cgroup.
    GET_CURRENT_CGROUP_ID = 80, "bpf_get_current_cgroup_id", (4, 18), "BPF_FUNC_get_current_cgroup_id";
    /// Pointer to the storage of the cgroup and program.
    GET_LOCAL_STORAGE = 81, "bpf_get_local_storage", (4, 19), "BPF_FUNC_get_local_storage";
    /// Chooses a socket of a `SO_REUSEPORT` array.
    SK_SELECT_REUSEPORT = 82, "bpf_sk_select_reuseport", (4, 19), "BPF_FUNC_sk_select_reuseport";
    /// Id of an ancestor of the cgroup of a packet's socket.
    SKB_ANCESTOR_CGROUP_ID = 83, "bpf_skb_ancestor_cgroup_id", (4, 19), "BPF_FUNC_skb_ancestor_cgroup_id";
    /// Finds a TCP socket; it has to be released.
    SK_LOOKUP_TCP = 84, "bpf_sk_lookup_tcp", (4, 20), "BPF_FUNC_sk_lookup_tcp";
    /// Finds a UDP socket; it has to be released.
    SK_LOOKUP_UDP = 85, "bpf_sk_lookup_udp", (4, 20), "BPF_FUNC_sk_lookup_udp";
    /// Releases a socket that a lookup returned.
    SK_RELEASE = 86, "bpf_sk_release", (4, 20), "BPF_FUNC_sk_release";
    /// Adds an element to a queue, stack or Bloom filter.
    MAP_PUSH_ELEM = 87, "bpf_map_push_elem", (4, 20), "BPF_FUNC_map_push_elem";
    /// Takes an element out of a queue or stack.
    MAP_POP_ELEM = 88, "bpf_map_pop_elem", (4, 20), "BPF_FUNC_map_pop_elem";
    /// Copies the next element of a queue or stack, or asks a Bloom filter.
    MAP_PEEK_ELEM = 89, "bpf_map_peek_elem", (4, 20), "BPF_FUNC_map_peek_elem";
    /// Makes room in the middle of a message.
    MSG_PUSH_DATA = 90, "bpf_msg_push_data", (4, 20), "BPF_FUNC_msg_push_data";
    /// Takes bytes out of the middle of a message.
    MSG_POP_DATA = 91, "bpf_msg_pop_data", (5, 0), "BPF_FUNC_msg_pop_data";
    /// Reports a pointer movement of an infrared device.
    RC_POINTER_REL = 92, "bpf_rc_pointer_rel", (5, 0), "BPF_FUNC_rc_pointer_rel";
    /// Takes the spin lock in a map value.
    SPIN_LOCK = 93, "bpf_spin_lock", (5, 1), "BPF_FUNC_spin_lock";
    /// Gives back the spin lock in a map value.
    SPIN_UNLOCK = 94, "bpf_spin_unlock", (5, 1), "BPF_FUNC_spin_unlock";
    /// The full socket that a packet's socket pointer stands for, or null.
    SK_FULLSOCK = 95, "bpf_sk_fullsock", (5, 1), "BPF_FUNC_sk_fullsock";
    /// The TCP part of a socket, or null.
    TCP_SOCK = 96, "bpf_tcp_sock", (5, 1), "BPF_FUNC_tcp_sock";
    /// Marks a packet as having met congestion.
    SKB_ECN_SET_CE = 97, "bpf_skb_ecn_set_ce", (5, 1), "BPF_FUNC_skb_ecn_set_ce";
    /// The listening socket behind a socket, or null.
    GET_LISTENER_SOCK = 98, "bpf_get_listener_sock", (5, 1), "BPF_FUNC_get_listener_sock";
    /// Finds a TCP socket, also one that is only half open; it has to be released.
    SKC_LOOKUP_TCP = 99, "bpf_skc_lookup_tcp", (5, 2), "BPF_FUNC_skc_lookup_tcp";
    /// Tests whether a packet carries a valid SYN cookie.
    TCP_CHECK_SYNCOOKIE = 100, "bpf_tcp_check_syncookie", (5, 2), "BPF_FUNC_tcp_check_syncookie";
    /// Copies the name of the sysctl being accessed.
    SYSCTL_GET_NAME = 101, "bpf_sysctl_get_name", (5, 2), "BPF_FUNC_sysctl_get_name";
    /// Copies the value of the sysctl being accessed.
    SYSCTL_GET_CURRENT_VALUE = 102, "bpf_sysctl_get_current_value", (5, 2), "BPF_FUNC_sysctl_get_current_value";
    /// Copies the value that is being written to a sysctl.
    SYSCTL_GET_NEW_VALUE = 103, "bpf_sysctl_get_new_value", (5, 2), "BPF_FUNC_sysctl_get_new_value";
    /// Replaces the value that is being written to a sysctl.
    SYSCTL_SET_NEW_VALUE = 104, "bpf_sysctl_set_new_value", (5, 2), "BPF_FUNC_sysctl_set_new_value";
    /// Reads a signed number from text.
    STRTOL = 105, "bpf_strtol", (5, 2), "BPF_FUNC_strtol";
    /// Reads an unsigned number from text.
    STRTOUL = 106, "bpf_strtoul", (5, 2), "BPF_FUNC_strtoul";
    /// Storage of a socket, made if asked for.
    SK_STORAGE_GET = 107, "bpf_sk_storage_get", (5, 2), "BPF_FUNC_sk_storage_get";
    /// Removes the storage of a socket.
    SK_STORAGE_DELETE = 108, "bpf_sk_storage_delete", (5, 2), "BPF_FUNC_sk_storage_delete";
    /// Sends a signal to the current process.
    SEND_SIGNAL = 109, "bpf_send_signal", (5, 3), "BPF_FUNC_send_signal";
    /// Makes a SYN cookie for a packet.
    TCP_GEN_SYNCOOKIE = 110, "bpf_tcp_gen_syncookie", (5, 4), "BPF_FUNC_tcp_gen_syncookie";
    /// Writes a record with packet data to the buffer of a perf event, from a tracing program.
    SKB_OUTPUT = 111, "bpf_skb_output", (5, 5), "BPF_FUNC_skb_output";
    /// Copies memory from an address of user space.
    PROBE_READ_USER = 112, "bpf_probe_read_user", (5, 5), "BPF_FUNC_probe_read_user";
    /// Copies memory from an address of the kernel.
    PROBE_READ_KERNEL = 113, "bpf_probe_read_kernel", (5, 5), "BPF_FUNC_probe_read_kernel";
    /// Copies a string from an address of user space.
    PROBE_READ_USER_STR = 114, "bpf_probe_read_user_str", (5, 5), "BPF_FUNC_probe_read_user_str";
    /// Copies a string from an address of the kernel.
    PROBE_READ_KERNEL_STR = 115, "bpf_probe_read_kernel_str", (5, 5), "BPF_FUNC_probe_read_kernel_str";
    /// Sends an acknowledgement on a connection.
    TCP_SEND_ACK = 116, "bpf_tcp_send_ack", (5, 6), "BPF_FUNC_tcp_send_ack";
    /// Sends a signal to the current thread.
    SEND_SIGNAL_THREAD = 117, "bpf_send_signal_thread", (5, 6), "BPF_FUNC_send_signal_thread";
    /// The kernel's 64-bit count of ticks.
    JIFFIES64 = 118, "bpf_jiffies64", (5, 6), "BPF_FUNC_jiffies64";
    /// Copies the branch records of a perf event.
    READ_BRANCH_RECORDS = 119, "bpf_read_branch_records", (5, 7), "BPF_FUNC_read_branch_records";
    /// Process and thread id of the current task, as a given pid namespace has them.
    GET_NS_CURRENT_PID_TGID = 120, "bpf_get_ns_current_pid_tgid", (5, 7), "BPF_FUNC_get_ns_current_pid_tgid";
    /// Writes a record with frame data to the buffer of a perf event, from a tracing program.
    XDP_OUTPUT = 121, "bpf_xdp_output", (5, 7), "BPF_FUNC_xdp_output";
    /// Number of a network namespace, unique as long as the system runs.
    GET_NETNS_COOKIE = 122, "bpf_get_netns_cookie", (5, 7), "BPF_FUNC_get_netns_cookie";
    /// Id of an ancestor of the current task's cgroup.
    GET_CURRENT_ANCESTOR_CGROUP_ID = 123, "bpf_get_current_ancestor_cgroup_id", (5, 7), "BPF_FUNC_get_current_ancestor_cgroup_id";
    /// Gives a packet or a lookup to a socket.
    SK_ASSIGN = 124, "bpf_sk_assign", (5, 7), "BPF_FUNC_sk_assign";
    /// Nanoseconds since boot, with time suspended.
    KTIME_GET_BOOT_NS = 125, "bpf_ktime_get_boot_ns", (5, 8), "BPF_FUNC_ktime_get_boot_ns";
    /// Prints formatted text to the output of an iterator.
    SEQ_PRINTF = 126, "bpf_seq_printf", (5, 8), "BPF_FUNC_seq_printf";
    /// Writes bytes to the output of an iterator.
    SEQ_WRITE = 127, "bpf_seq_write", (5, 8), "BPF_FUNC_seq_write";
    /// Id of a socket's cgroup.
    SK_CGROUP_ID = 128, "bpf_sk_cgroup_id", (5, 8), "BPF_FUNC_sk_cgroup_id";
    /// Id of an ancestor of a socket's cgroup.
    SK_ANCESTOR_CGROUP_ID = 129, "bpf_sk_ancestor_cgroup_id", (5, 8), "BPF_FUNC_sk_ancestor_cgroup_id";
    /// Copies a record into a ring buffer.
    RINGBUF_OUTPUT = 130, "bpf_ringbuf_output", (5, 8), "BPF_FUNC_ringbuf_output";
    /// Reserves room for a record in a ring buffer.
    RINGBUF_RESERVE = 131, "bpf_ringbuf_reserve", (5, 8), "BPF_FUNC_ringbuf_reserve";
    /// Hands a reserved record of a ring buffer over to its reader.
    RINGBUF_SUBMIT = 132, "bpf_ringbuf_submit", (5, 8), "BPF_FUNC_ringbuf_submit";
    /// Gives up a reserved record of a ring buffer.
    RINGBUF_DISCARD = 133, "bpf_ringbuf_discard", (5, 8), "BPF_FUNC_ringbuf_discard";
    /// Asks for the size or positions of a ring buffer.
    RINGBUF_QUERY = 134, "bpf_ringbuf_query", (5, 8), "BPF_FUNC_ringbuf_query";
    /// Reads or changes how many checksums of a packet are known to be right.
    CSUM_LEVEL = 135, "bpf_csum_level", (5, 8), "BPF_FUNC_csum_level";
    /// The socket as a `tcp6_sock`, or null.
    SKC_TO_TCP6_SOCK = 136, "bpf_skc_to_tcp6_sock", (5, 9), "BPF_FUNC_skc_to_tcp6_sock";
    /// The socket as a `tcp_sock`, or null.
    SKC_TO_TCP_SOCK = 137, "bpf_skc_to_tcp_sock", (5, 9), "BPF_FUNC_skc_to_tcp_sock";
    /// The socket as a `tcp_timewait_sock`, or null.
    SKC_TO_TCP_TIMEWAIT_SOCK = 138, "bpf_skc_to_tcp_timewait_sock", (5, 9), "BPF_FUNC_skc_to_tcp_timewait_sock";
    /// The socket as a `tcp_request_sock`, or null.
    SKC_TO_TCP_REQUEST_SOCK = 139, "bpf_skc_to_tcp_request_sock", (5, 9), "BPF_FUNC_skc_to_tcp_request_sock";
    /// The socket as a `udp6_sock`, or null.
    SKC_TO_UDP6_SOCK = 140, "bpf_skc_to_udp6_sock", (5, 9), "BPF_FUNC_skc_to_udp6_sock";
    /// Copies a stack trace of a given task.
    GET_TASK_STACK = 141, "bpf_get_task_stack", (5, 9), "BPF_FUNC_get_task_stack";
    /// Copies an option of a TCP header.
    LOAD_HDR_OPT = 142, "bpf_load_hdr_opt", (5, 10), "BPF_FUNC_load_hdr_opt";
    /// Writes an option into a TCP header.
    STORE_HDR_OPT = 143, "bpf_store_hdr_opt", (5, 10), "BPF_FUNC_store_hdr_opt";
    /// Reserves room for options of a TCP header.
    RESERVE_HDR_OPT = 144, "bpf_reserve_hdr_opt", (5, 10), "BPF_FUNC_reserve_hdr_opt";
    /// Storage of an inode, made if asked for.
    INODE_STORAGE_GET = 145, "bpf_inode_storage_get", (5, 10), "BPF_FUNC_inode_storage_get";
    /// Removes the storage of an inode.
    INODE_STORAGE_DELETE = 146, "bpf_inode_storage_delete", (5, 10), "BPF_FUNC_inode_storage_delete";
    /// Copies the full path of a file.
    D_PATH = 147, "bpf_d_path", (5, 10), "BPF_FUNC_d_path";
    /// Copies memory of user space, which may have to be paged in; for programs that may sleep.
    COPY_FROM_USER = 148, "bpf_copy_from_user", (5, 10), "BPF_FUNC_copy_from_user";
    /// Prints a kernel object by its type into a buffer.
    SNPRINTF_BTF = 149, "bpf_snprintf_btf", (5, 10), "BPF_FUNC_snprintf_btf";
    /// Prints a kernel object by its type to the output of an iterator.
    SEQ_PRINTF_BTF = 150, "bpf_seq_printf_btf", (5, 10), "BPF_FUNC_seq_printf_btf";
    /// Class id that the net_cls cgroup of a packet's socket gives.
    SKB_CGROUP_CLASSID = 151, "bpf_skb_cgroup_classid", (5, 10), "BPF_FUNC_skb_cgroup_classid";
    /// Sends a packet to another device, with link layer addresses filled in.
    REDIRECT_NEIGH = 152, "bpf_redirect_neigh", (5, 10), "BPF_FUNC_redirect_neigh";
    /// Pointer to a kernel variable's instance of a given CPU.
    PER_CPU_PTR = 153, "bpf_per_cpu_ptr", (5, 10), "BPF_FUNC_per_cpu_ptr";
    /// Pointer to a kernel variable's instance of this CPU.
    THIS_CPU_PTR = 154, "bpf_this_cpu_ptr", (5, 10), "BPF_FUNC_this_cpu_ptr";
    /// Sends a packet to the peer of a device in another network namespace.
    REDIRECT_PEER = 155, "bpf_redirect_peer", (5, 10), "BPF_FUNC_redirect_peer";
    /// Storage of a task, made if asked for.
    TASK_STORAGE_GET = 156, "bpf_task_storage_get", (5, 11), "BPF_FUNC_task_storage_get";
    /// Removes the storage of a task.
    TASK_STORAGE_DELETE = 157, "bpf_task_storage_delete", (5, 11), "BPF_FUNC_task_storage_delete";
    /// Pointer to the current task's `task_struct`, typed.
    GET_CURRENT_TASK_BTF = 158, "bpf_get_current_task_btf", (5, 11), "BPF_FUNC_get_current_task_btf";
    /// Sets options of a program being executed.
    BPRM_OPTS_SET = 159, "bpf_bprm_opts_set", (5, 11), "BPF_FUNC_bprm_opts_set";
    /// Nanoseconds since boot as of the last tick, without time suspended.
    KTIME_GET_COARSE_NS = 160, "bpf_ktime_get_coarse_ns", (5, 11), "BPF_FUNC_ktime_get_coarse_ns";
    /// Copies the hash that the integrity subsystem has of an inode.
    IMA_INODE_HASH = 161, "bpf_ima_inode_hash", (5, 11), "BPF_FUNC_ima_inode_hash";
    /// The socket of a file, or null.
    SOCK_FROM_FILE = 162, "bpf_sock_from_file", (5, 11), "BPF_FUNC_sock_from_file";
    /// Tests whether a packet fits the MTU of a device.
    CHECK_MTU = 163, "bpf_check_mtu", (5, 12), "BPF_FUNC_check_mtu";
    /// Calls a function for each entry of a map.
    FOR_EACH_MAP_ELEM = 164, "bpf_for_each_map_elem", (5, 13), "BPF_FUNC_for_each_map_elem";
    /// Prints formatted text into a buffer.
    SNPRINTF = 165, "bpf_snprintf", (5, 13), "BPF_FUNC_snprintf";
    /// Makes a `bpf` system call, from a program of type syscall.
    SYS_BPF = 166, "bpf_sys_bpf", (5, 14), "BPF_FUNC_sys_bpf";
    /// Finds a type by name and kind in the kernel's BTF.
    BTF_FIND_BY_NAME_KIND = 167, "bpf_btf_find_by_name_kind", (5, 14), "BPF_FUNC_btf_find_by_name_kind";
    /// Closes a descriptor, from a program of type syscall.
    SYS_CLOSE = 168, "bpf_sys_close", (5, 14), "BPF_FUNC_sys_close";
    /// Initialises a timer in a map value.
    TIMER_INIT = 169, "bpf_timer_init", (5, 15), "BPF_FUNC_timer_init";
    /// Sets the function that a timer calls.
    TIMER_SET_CALLBACK = 170, "bpf_timer_set_callback", (5, 15), "BPF_FUNC_timer_set_callback";
    /// Starts a timer.
    TIMER_START = 171, "bpf_timer_start", (5, 15), "BPF_FUNC_timer_start";
    /// Stops a timer and waits for its function.
    TIMER_CANCEL = 172, "bpf_timer_cancel", (5, 15), "BPF_FUNC_timer_cancel";
    /// Address of the function that is being traced.
    GET_FUNC_IP = 173, "bpf_get_func_ip", (5, 15), "BPF_FUNC_get_func_ip";
    /// Number that was given when the program was attached.
    GET_ATTACH_COOKIE = 174, "bpf_get_attach_cookie", (5, 15), "BPF_FUNC_get_attach_cookie";
    /// Saved user registers of a task.
    TASK_PT_REGS = 175, "bpf_task_pt_regs", (5, 15), "BPF_FUNC_task_pt_regs";
    /// Copies the CPU's last branch records.
    GET_BRANCH_SNAPSHOT = 176, "bpf_get_branch_snapshot", (5, 16), "BPF_FUNC_get_branch_snapshot";
    /// Prints a line with any number of arguments to the trace pipe.
    TRACE_VPRINTK = 177, "bpf_trace_vprintk", (5, 16), "BPF_FUNC_trace_vprintk";
    /// The socket as a `unix_sock`, or null.
    SKC_TO_UNIX_SOCK = 178, "bpf_skc_to_unix_sock", (5, 16), "BPF_FUNC_skc_to_unix_sock";
    /// Address of a kernel symbol, from a program of type syscall.
    KALLSYMS_LOOKUP_NAME = 179, "bpf_kallsyms_lookup_name", (5, 16), "BPF_FUNC_kallsyms_lookup_name";
    /// Calls a function for the memory area of a task that holds an address.
    FIND_VMA = 180, "bpf_find_vma", (5, 17), "BPF_FUNC_find_vma";
    /// Calls a function a number of times.
    LOOP = 181, "bpf_loop", (5, 17), "BPF_FUNC_loop";
    /// Compares a string with a constant one.
    STRNCMP = 182, "bpf_strncmp", (5, 17), "BPF_FUNC_strncmp";
    /// Reads an argument of the function that is being traced.
    GET_FUNC_ARG = 183, "bpf_get_func_arg", (5, 17), "BPF_FUNC_get_func_arg";
    /// Reads the result of the function that is being traced.
    GET_FUNC_RET = 184, "bpf_get_func_ret", (5, 17), "BPF_FUNC_get_func_ret";
    /// Number of arguments of the function that is being traced.
    GET_FUNC_ARG_CNT = 185, "bpf_get_func_arg_cnt", (5, 17), "BPF_FUNC_get_func_arg_cnt";
    /// Reads the result that the system call is about to have.
    GET_RETVAL = 186, "bpf_get_retval", (5, 18), "BPF_FUNC_get_retval";
    /// Sets the result that the system call is about to have.
    SET_RETVAL = 187, "bpf_set_retval", (5, 18), "BPF_FUNC_set_retval";
    /// Length of a frame with all its fragments.
    XDP_GET_BUFF_LEN = 188, "bpf_xdp_get_buff_len", (5, 18), "BPF_FUNC_xdp_get_buff_len";
    /// Copies bytes out of a frame of any number of fragments.
    XDP_LOAD_BYTES = 189, "bpf_xdp_load_bytes", (5, 18), "BPF_FUNC_xdp_load_bytes";
    /// Writes bytes into a frame of any number of fragments.
    XDP_STORE_BYTES = 190, "bpf_xdp_store_bytes", (5, 18), "BPF_FUNC_xdp_store_bytes";
    /// Copies memory of a given task; for programs that may sleep.
    COPY_FROM_USER_TASK = 191, "bpf_copy_from_user_task", (5, 18), "BPF_FUNC_copy_from_user_task";
    /// Sets a packet's time and its kind.
    SKB_SET_TSTAMP = 192, "bpf_skb_set_tstamp", (5, 18), "BPF_FUNC_skb_set_tstamp";
    /// Computes or copies the integrity subsystem's hash of a file.
    IMA_FILE_HASH = 193, "bpf_ima_file_hash", (5, 18), "BPF_FUNC_ima_file_hash";
    /// Exchanges the kernel pointer in a map value.
    KPTR_XCHG = 194, "bpf_kptr_xchg", (5, 19), "BPF_FUNC_kptr_xchg";
    /// Finds the value of a given CPU under a key.
    MAP_LOOKUP_PERCPU_ELEM = 195, "bpf_map_lookup_percpu_elem", (5, 19), "BPF_FUNC_map_lookup_percpu_elem";
    /// The socket as an `mptcp_sock`, or null.
    SKC_TO_MPTCP_SOCK = 196, "bpf_skc_to_mptcp_sock", (5, 19), "BPF_FUNC_skc_to_mptcp_sock";
    /// Makes a dynamic pointer to memory of a map value.
    DYNPTR_FROM_MEM = 197, "bpf_dynptr_from_mem", (5, 19), "BPF_FUNC_dynptr_from_mem";
    /// Reserves room for a record of a size known only at run time.
    RINGBUF_RESERVE_DYNPTR = 198, "bpf_ringbuf_reserve_dynptr", (5, 19), "BPF_FUNC_ringbuf_reserve_dynptr";
    /// Hands over a record behind a dynamic pointer.
    RINGBUF_SUBMIT_DYNPTR = 199, "bpf_ringbuf_submit_dynptr", (5, 19), "BPF_FUNC_ringbuf_submit_dynptr";
    /// Gives up a record behind a dynamic pointer.
    RINGBUF_DISCARD_DYNPTR = 200, "bpf_ringbuf_discard_dynptr", (5, 19), "BPF_FUNC_ringbuf_discard_dynptr";
    /// Copies from behind a dynamic pointer.
    DYNPTR_READ = 201, "bpf_dynptr_read", (5, 19), "BPF_FUNC_dynptr_read";
    /// Copies to behind a dynamic pointer.
    DYNPTR_WRITE = 202, "bpf_dynptr_write", (5, 19), "BPF_FUNC_dynptr_write";
    /// Pointer to a slice of what is behind a dynamic pointer.
    DYNPTR_DATA = 203, "bpf_dynptr_data", (5, 19), "BPF_FUNC_dynptr_data";
    /// Makes a SYN cookie from IPv4 and TCP headers alone.
    TCP_RAW_GEN_SYNCOOKIE_IPV4 = 204, "bpf_tcp_raw_gen_syncookie_ipv4", (6, 0), "BPF_FUNC_tcp_raw_gen_syncookie_ipv4";
    /// Makes a SYN cookie from IPv6 and TCP headers alone.
    TCP_RAW_GEN_SYNCOOKIE_IPV6 = 205, "bpf_tcp_raw_gen_syncookie_ipv6", (6, 0), "BPF_FUNC_tcp_raw_gen_syncookie_ipv6";
    /// Tests a SYN cookie from IPv4 and TCP headers alone.
    TCP_RAW_CHECK_SYNCOOKIE_IPV4 = 206, "bpf_tcp_raw_check_syncookie_ipv4", (6, 0), "BPF_FUNC_tcp_raw_check_syncookie_ipv4";
    /// Tests a SYN cookie from IPv6 and TCP headers alone.
    TCP_RAW_CHECK_SYNCOOKIE_IPV6 = 207, "bpf_tcp_raw_check_syncookie_ipv6", (6, 0), "BPF_FUNC_tcp_raw_check_syncookie_ipv6";
    /// Nanoseconds of international atomic time.
    KTIME_GET_TAI_NS = 208, "bpf_ktime_get_tai_ns", (6, 1), "BPF_FUNC_ktime_get_tai_ns";
    /// Calls a function for each record of a user ring buffer.
    USER_RINGBUF_DRAIN = 209, "bpf_user_ringbuf_drain", (6, 1), "BPF_FUNC_user_ringbuf_drain";
    /// Storage of a cgroup, made if asked for.
    CGRP_STORAGE_GET = 210, "bpf_cgrp_storage_get", (6, 2), "BPF_FUNC_cgrp_storage_get";
    /// Removes the storage of a cgroup.
    CGRP_STORAGE_DELETE = 211, "bpf_cgrp_storage_delete", (6, 2), "BPF_FUNC_cgrp_storage_delete";
}
