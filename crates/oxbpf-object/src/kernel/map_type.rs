//! Kinds of map, one row each.

super::kernel_enum! {
    /// Kind of a map: how it is keyed, stored and used.
    ///
    /// Source: `enum bpf_map_type` of `linux/bpf.h`.
    #[doc(alias = "bpf_map_type")]
    pub struct MapType, unspecified "BPF_MAP_TYPE_UNSPEC";

    /// Hash table.
    HASH = 1, "hash", (3, 19), "BPF_MAP_TYPE_HASH";
    /// Array indexed by a `u32`; every element exists from the start, zeroed.
    ARRAY = 2, "array", (3, 19), "BPF_MAP_TYPE_ARRAY";
    /// Array of programs, for tail calls.
    PROG_ARRAY = 3, "prog_array", (4, 2), "BPF_MAP_TYPE_PROG_ARRAY";
    /// Array of perf events: counters to read, or buffers to write records to.
    PERF_EVENT_ARRAY = 4, "perf_event_array", (4, 3), "BPF_MAP_TYPE_PERF_EVENT_ARRAY";
    /// Hash table with one value per possible CPU under each key.
    PERCPU_HASH = 5, "percpu_hash", (4, 6), "BPF_MAP_TYPE_PERCPU_HASH";
    /// Array with one value per possible CPU under each index.
    PERCPU_ARRAY = 6, "percpu_array", (4, 6), "BPF_MAP_TYPE_PERCPU_ARRAY";
    /// Stack traces, keyed by the id that `bpf_get_stackid` returned.
    STACK_TRACE = 7, "stack_trace", (4, 6), "BPF_MAP_TYPE_STACK_TRACE";
    /// Array of cgroups to test membership against.
    CGROUP_ARRAY = 8, "cgroup_array", (4, 8), "BPF_MAP_TYPE_CGROUP_ARRAY";
    /// Hash table that evicts its least recently used entries when full.
    LRU_HASH = 9, "lru_hash", (4, 10), "BPF_MAP_TYPE_LRU_HASH";
    /// [`PERCPU_HASH`](Self::PERCPU_HASH) that evicts its least recently used entries when full.
    LRU_PERCPU_HASH = 10, "lru_percpu_hash", (4, 10), "BPF_MAP_TYPE_LRU_PERCPU_HASH";
    /// Longest-prefix match, such as a routing table.
    LPM_TRIE = 11, "lpm_trie", (4, 11), "BPF_MAP_TYPE_LPM_TRIE";
    /// Array whose values are other maps.
    ARRAY_OF_MAPS = 12, "array_of_maps", (4, 12), "BPF_MAP_TYPE_ARRAY_OF_MAPS";
    /// Hash table whose values are other maps.
    HASH_OF_MAPS = 13, "hash_of_maps", (4, 12), "BPF_MAP_TYPE_HASH_OF_MAPS";
    /// Array of network devices to redirect frames to.
    DEVMAP = 14, "devmap", (4, 14), "BPF_MAP_TYPE_DEVMAP";
    /// Array of sockets, with programs that redirect between them.
    SOCKMAP = 15, "sockmap", (4, 14), "BPF_MAP_TYPE_SOCKMAP";
    /// Array of CPUs to redirect frames to.
    CPUMAP = 16, "cpumap", (4, 15), "BPF_MAP_TYPE_CPUMAP";
    /// Array of `AF_XDP` sockets to redirect frames to.
    XSKMAP = 17, "xskmap", (4, 18), "BPF_MAP_TYPE_XSKMAP";
    /// Hash table of sockets, with programs that redirect between them.
    SOCKHASH = 18, "sockhash", (4, 18), "BPF_MAP_TYPE_SOCKHASH";
    /// Storage of a cgroup and attached program. [`CGRP_STORAGE`](Self::CGRP_STORAGE) replaces it.
    CGROUP_STORAGE = 19, "cgroup_storage", (4, 19), "BPF_MAP_TYPE_CGROUP_STORAGE";
    /// Array of the sockets of a `SO_REUSEPORT` group.
    REUSEPORT_SOCKARRAY = 20, "reuseport_sockarray", (4, 19), "BPF_MAP_TYPE_REUSEPORT_SOCKARRAY";
    /// [`CGROUP_STORAGE`](Self::CGROUP_STORAGE) with one value per possible CPU.
    PERCPU_CGROUP_STORAGE = 21, "percpu_cgroup_storage", (4, 20), "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE";
    /// First-in, first-out queue without keys.
    QUEUE = 22, "queue", (4, 20), "BPF_MAP_TYPE_QUEUE";
    /// Last-in, first-out stack without keys.
    STACK = 23, "stack", (4, 20), "BPF_MAP_TYPE_STACK";
    /// Storage that lives with a socket.
    SK_STORAGE = 24, "sk_storage", (5, 2), "BPF_MAP_TYPE_SK_STORAGE";
    /// Hash table of network devices to redirect frames to.
    DEVMAP_HASH = 25, "devmap_hash", (5, 4), "BPF_MAP_TYPE_DEVMAP_HASH";
    /// A kernel structure of function pointers, implemented by programs.
    STRUCT_OPS = 26, "struct_ops", (5, 6), "BPF_MAP_TYPE_STRUCT_OPS";
    /// Ring buffer from programs to user space, shared by all CPUs.
    RINGBUF = 27, "ringbuf", (5, 8), "BPF_MAP_TYPE_RINGBUF";
    /// Storage that lives with an inode.
    INODE_STORAGE = 28, "inode_storage", (5, 10), "BPF_MAP_TYPE_INODE_STORAGE";
    /// Storage that lives with a task.
    TASK_STORAGE = 29, "task_storage", (5, 11), "BPF_MAP_TYPE_TASK_STORAGE";
    /// Bloom filter: "surely absent" or "perhaps present", without keys.
    BLOOM_FILTER = 30, "bloom_filter", (5, 16), "BPF_MAP_TYPE_BLOOM_FILTER";
    /// Ring buffer from user space to programs.
    USER_RINGBUF = 31, "user_ringbuf", (6, 1), "BPF_MAP_TYPE_USER_RINGBUF";
    /// Storage that lives with a cgroup.
    CGRP_STORAGE = 32, "cgrp_storage", (6, 2), "BPF_MAP_TYPE_CGRP_STORAGE";
    /// Memory shared between programs and user space, addressed by pointers.
    ARENA = 33, "arena", (6, 9), "BPF_MAP_TYPE_ARENA";
    /// Array of instruction positions of a program, for indirect jumps.
    INSN_ARRAY = 34, "insn_array", (6, 19), "BPF_MAP_TYPE_INSN_ARRAY";
    /// Hash table that resizes itself.
    RHASH = 35, "rhash", (7, 2), "BPF_MAP_TYPE_RHASH";
}
