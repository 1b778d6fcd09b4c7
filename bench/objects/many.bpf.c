// (d) Thirty-two programs that give the verifier something to do.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

static __always_inline int walk(__u64 *ctx, int seed)
{
	struct task_struct *task = (void *)ctx[0];
	__u64 found = 0;

	for (int level = 0; level < 40; level++) {
		__u32 pid = BPF_CORE_READ(task, pid) + seed;
		__u64 *count = bpf_map_lookup_elem(&counts, &pid);

		if (count)
			found += *count;
		else if (pid & 1)
			found += seed;
		task = BPF_CORE_READ(task, real_parent);
		if (!task)
			break;
	}
	return found != 0;
}

#define PROGRAM(n) \
	SEC("raw_tp/sched_process_exit") \
	int program_##n(__u64 *ctx) { return walk(ctx, n); }
#define EIGHT(n) \
	PROGRAM(n##0) PROGRAM(n##1) PROGRAM(n##2) PROGRAM(n##3) \
	PROGRAM(n##4) PROGRAM(n##5) PROGRAM(n##6) PROGRAM(n##7)

EIGHT(1)
EIGHT(2)
EIGHT(3)
EIGHT(4)

char LICENSE[] SEC("license") = "GPL";
