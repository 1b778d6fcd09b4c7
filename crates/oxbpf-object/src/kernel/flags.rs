//! Flags of map creation and of program load. Unknown bits are kept.

bitflags::bitflags! {
    /// Flags of a map, as given to the kernel when it is created.
    ///
    /// Source: `BPF_F_*` of `linux/bpf.h`.
    #[doc(alias = "map_flags")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct MapFlags: u32 {
        /// Memory of an entry is allocated when it is inserted. Since Linux 4.6.
        #[doc(alias = "BPF_F_NO_PREALLOC")]
        const NO_PREALLOC = 1 << 0;
        /// Each CPU keeps its own list of least recently used entries. Since Linux 4.10.
        #[doc(alias = "BPF_F_NO_COMMON_LRU")]
        const NO_COMMON_LRU = 1 << 1;
        /// Memory comes from the NUMA node that the map names. Since Linux 4.14.
        #[doc(alias = "BPF_F_NUMA_NODE")]
        const NUMA_NODE = 1 << 2;
        /// User space may only read, through the descriptor made now. Since Linux 4.15.
        #[doc(alias = "BPF_F_RDONLY")]
        const RDONLY = 1 << 3;
        /// User space may only write, through the descriptor made now. Since Linux 4.15.
        #[doc(alias = "BPF_F_WRONLY")]
        const WRONLY = 1 << 4;
        /// Stack traces hold build ids and offsets instead of addresses. Since Linux 4.17.
        #[doc(alias = "BPF_F_STACK_BUILD_ID")]
        const STACK_BUILD_ID = 1 << 5;
        /// The hash seed is zero: repeatable, for tests only. Since Linux 5.0.
        #[doc(alias = "BPF_F_ZERO_SEED")]
        const ZERO_SEED = 1 << 6;
        /// Programs may only read. Since Linux 5.2.
        #[doc(alias = "BPF_F_RDONLY_PROG")]
        const RDONLY_PROG = 1 << 7;
        /// Programs may only write. Since Linux 5.2.
        #[doc(alias = "BPF_F_WRONLY_PROG")]
        const WRONLY_PROG = 1 << 8;
        /// A cloned socket gets a copy of the storage of the listener. Since Linux 5.4.
        #[doc(alias = "BPF_F_CLONE")]
        const CLONE = 1 << 9;
        /// User space may map the values of an array. Since Linux 5.5.
        #[doc(alias = "BPF_F_MMAPABLE")]
        const MMAPABLE = 1 << 10;
        /// Perf events stay in the array when the descriptor that put them there is closed. Since Linux 5.10.
        #[doc(alias = "BPF_F_PRESERVE_ELEMS")]
        const PRESERVE_ELEMS = 1 << 11;
        /// Inner maps may differ in their number of entries. Since Linux 5.10.
        #[doc(alias = "BPF_F_INNER_MAP")]
        const INNER_MAP = 1 << 12;
        /// A `struct_ops` map is attached through a link. Since Linux 6.4.
        #[doc(alias = "BPF_F_LINK")]
        const LINK = 1 << 13;
        /// A path is relative to a given directory descriptor. Since Linux 6.5.
        #[doc(alias = "BPF_F_PATH_FD")]
        const PATH_FD = 1 << 14;
        /// The value type is in the BTF of a kernel module. Since Linux 6.9.
        #[doc(alias = "BPF_F_VTYPE_BTF_OBJ_FD")]
        const VTYPE_BTF_OBJ_FD = 1 << 15;
        /// A BPF token is given. Since Linux 6.9.
        #[doc(alias = "BPF_F_TOKEN_FD")]
        const TOKEN_FD = 1 << 16;
        /// User space gets SIGSEGV at an arena page that is not there, instead of a new page. Since Linux 6.9.
        #[doc(alias = "BPF_F_SEGV_ON_FAULT")]
        const SEGV_ON_FAULT = 1 << 17;
        /// Pointers into an arena are not translated to user space addresses. Since Linux 6.9.
        #[doc(alias = "BPF_F_NO_USER_CONV")]
        const NO_USER_CONV = 1 << 18;
        /// A full ring buffer overwrites its oldest records. Since Linux 6.19.
        #[doc(alias = "BPF_F_RB_OVERWRITE")]
        const RB_OVERWRITE = 1 << 19;

        const _ = !0;
    }
}

bitflags::bitflags! {
    /// Flags of a program load.
    ///
    /// Source: `BPF_F_*` of `linux/bpf.h`.
    #[doc(alias = "prog_flags")]
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct ProgramFlags: u32 {
        /// The verifier demands aligned accesses. Since Linux 4.12.
        #[doc(alias = "BPF_F_STRICT_ALIGNMENT")]
        const STRICT_ALIGNMENT = 1 << 0;
        /// The verifier ignores alignment. Since Linux 5.0.
        #[doc(alias = "BPF_F_ANY_ALIGNMENT")]
        const ANY_ALIGNMENT = 1 << 1;
        /// Randomises the upper half of registers after 32-bit writes, for tests. Since Linux 5.3.
        #[doc(alias = "BPF_F_TEST_RND_HI32")]
        const TEST_RND_HI32 = 1 << 2;
        /// Checkpoints verifier states often, for tests. Since Linux 5.4.
        #[doc(alias = "BPF_F_TEST_STATE_FREQ")]
        const TEST_STATE_FREQ = 1 << 3;
        /// The program may sleep. Since Linux 5.10.
        #[doc(alias = "BPF_F_SLEEPABLE")]
        const SLEEPABLE = 1 << 4;
        /// The XDP program handles frames of several fragments. Since Linux 5.18.
        #[doc(alias = "BPF_F_XDP_HAS_FRAGS")]
        const XDP_HAS_FRAGS = 1 << 5;
        /// The XDP program runs only on one device, and may call its metadata kfuncs. Since Linux 6.3.
        #[doc(alias = "BPF_F_XDP_DEV_BOUND_ONLY")]
        const XDP_DEV_BOUND_ONLY = 1 << 6;
        /// The verifier rejects where its register bounds contradict each other, for tests. Since Linux 6.8.
        #[doc(alias = "BPF_F_TEST_REG_INVARIANTS")]
        const TEST_REG_INVARIANTS = 1 << 7;
        /// A BPF token is given. Since Linux 6.9.
        #[doc(alias = "BPF_F_TOKEN_FD")]
        const TOKEN_FD = 1 << 16;

        const _ = !0;
    }
}
