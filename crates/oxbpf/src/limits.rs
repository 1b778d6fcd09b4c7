//! How much of anything this crate does before it gives up.

/// How many times the keys of a changing map are gone through from the start before an
/// iteration ends with [`ErrorKind::IterationAborted`](crate::ErrorKind::IterationAborted).
/// Each new start means that somebody deleted the very key the iteration stood at. A map that resizes itself is drained as often as
/// that; what others have put in meanwhile stays then.
pub const MAX_ITERATION_RESTARTS: u32 = 16;

/// How many times a program load is tried again that the kernel answers with EAGAIN, as it
/// does when a signal comes in during verification.
pub const MAX_LOAD_RETRIES: usize = 10;

/// How many bytes of a verifier's log are kept. Only programs that are rejected after hundreds of
/// thousands of steps have longer ones, and all of it is memory while the error lives.
pub const MAX_VERIFIER_LOG: usize = 32 << 20;

/// How many bytes of the kernel's configuration are read. It has some 300 kB.
pub const MAX_KCONFIG_TEXT: usize = 16 << 20;

/// How many modules the kernel functions of one program may come from: their number goes into 16 bits
/// of an instruction, and 0 stands for the kernel itself.
pub const MAX_KFUNC_MODULES: usize = i16::MAX as usize;

/// How many records of one ring are read in a row while others wait: enough to stay in its memory
/// for a while, few enough for nobody to notice.
pub const MAX_BURST: u32 = 256;

/// How many bytes a record of a user ring buffer may have: as many as the kernel lets programs look
/// at in one piece. A longer one would block the ring for good.
pub const MAX_USER_RECORD: usize = (1 << 24) - 1;

/// How many bytes of keys and values are read from a map with one system call: enough to make the call cheap, few enough
/// to stay in the processor's cache.
pub const BATCH_BYTES: usize = 64 << 10;

/// How many entries are read from a map with one system call at least, however large they are.
pub const BATCH_LEAST: usize = 16;

/// How many functions one link may attach a program to: as many as the kernel takes
/// (`MAX_KPROBE_MULTI_CNT`, `MAX_TRACING_MULTI_CNT`).
pub const MAX_FUNCTIONS: usize = 1 << 20;

/// How many bytes are read of a file of tracefs or debugfs: the longest there is, the list of functions that can be traced,
/// has some 3 MB. A longer one is answered as too large (`EFBIG`).
pub const MAX_KERNEL_FILE: usize = 32 << 20;

/// How many bytes the ring of one CPU may have; no machine has that much, and the sum with a page is a number. More is
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput).
pub const MAX_PERF_RING: usize = 1 << 30;

/// More CPUs than any kernel can be configured for. A list with more of them is no list of CPUs.
pub const MAX_CPUS: u32 = 1 << 16;

/// How often an interrupted call is started again before the interruption is reported (`EINTR`). A profiler's timer may
/// interrupt a long verification each time; it must end all the same.
pub const MAX_INTERRUPTIONS: usize = 100;

/// How many threads detach at once. Detaching a probe is mostly waiting for other CPUs to leave it (RCU), and those
/// who wait at the same time wait together. The others wait for their turn.
pub const MAX_DETACHING_THREADS: usize = 32;

/// How many bytes of a name in the kernel's information on a link are read: the longest are those of functions
/// (`KSYM_NAME_LEN` is 512) and of files (`PATH_MAX`). Longer ones are cut off.
pub const MAX_LINK_NAME: usize = 4096;

/// How many bytes of one line of `trace_pipe` are kept. The kernel's lines are shorter; one without an end is given up.
pub const MAX_TRACE_LINE: usize = 1 << 16;

/// How many reads of `trace_pipe` one call makes, each of a page: whoever waits for other things too has to have a turn.
pub const MAX_TRACE_READS: usize = 64;

/// How many bytes of a line of `/proc/kallsyms` are taken for one; a name has 511 at most. The rest would be one more line.
pub const MAX_SYMBOL_LINE: usize = 1 << 10;

/// The longest name of a function to be probed: the kernel's `KSYM_NAME_LEN`, with room for `MODULE:` before it. A longer one is
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput).
pub const MAX_FUNCTION_NAME: usize = 512 + 64;

/// The most calls that a kretprobe keeps apart (`KRETPROBE_MAXACTIVE_MAX`). More is
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput).
pub const MAX_ACTIVE_RETURNS: u32 = 4096;

/// How many slots a histogram out of a map has: more than anybody looks at. Keys beyond are left out.
pub const MAX_HISTOGRAM_SLOTS: usize = 1 << 16;

/// The longest name, in bytes, that others are compared with letter by letter to suggest one: the cost is the product of both
/// lengths. For a longer one nothing is suggested.
pub const MAX_COMPARED_NAME: usize = 128;

/// How many bytes are read of a program or library to find a function in it. Browsers have some 300 MB, with all that debuggers want a
/// few times that. It is read, not mapped: who cut it off then would end this process. More is
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput).
pub const MAX_EXECUTABLE: u64 = 2 << 30;
