// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Counts calls of a kernel function.
//
// Four programs do the same at four kinds of places, since no kernel offers them all. Each is
// optional (the `?`): user space loads the one that it is going to attach.

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

// The number of execve on this processor, which only user space knows.
const volatile __u64 execve_nr = -1;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} exec_count SEC(".maps");

static __always_inline int count(void)
{
	__u32 slot = 0;
	__u64 *calls = bpf_map_lookup_elem(&exec_count, &slot);

	// The verifier wants proof that the slot is there. Several processors may be here at once.
	if (calls)
		__sync_fetch_and_add(calls, 1);
	return 0;
}

SEC("?kprobe/sys_execve")
int count_kprobe(void *ctx)
{
	return count();
}

SEC("?fentry/sys_execve")
int count_fentry(void *ctx)
{
	return count();
}

SEC("?tracepoint/syscalls/sys_enter_execve")
int count_tracepoint(void *ctx)
{
	return count();
}

// Every system call passes here: where tracepoints of single ones are not compiled in, this
// one still is.
SEC("?raw_tp/sys_enter")
int count_raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	return ctx->args[1] == execve_nr ? count() : 0;
}
