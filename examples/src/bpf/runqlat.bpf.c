// SPDX-License-Identifier: MIT OR Apache-2.0
// Counts how long tasks wait for a CPU once they could run, by powers of two.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf2rs.h>
#include <stdbool.h>

char LICENSE[] SEC("license") = "GPL";

#define SLOTS 32

const volatile __u32 only_pid BPF2RS_DOC("The process to look at; 0 for all.");

struct task_struct {
	int pid;
	int tgid;
	unsigned int __state;
} __attribute__((preserve_access_index));

/* Before Linux 5.14. */
struct task_struct___old {
	long state;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 14);
	__type(key, __u32);
	__type(value, __u64);
} waiting SEC(".maps") BPF2RS_DOC("Since when each task could run, in nanoseconds.");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} delays SEC(".maps") BPF2RS_DOC("How many waits there were of 2^n microseconds and more.");

static void can_run(struct task_struct *task)
{
	__u32 pid = task->pid;
	__u64 now = bpf_ktime_get_ns();

	if (!pid || (only_pid && only_pid != task->tgid))
		return;
	bpf_map_update_elem(&waiting, &pid, &now, BPF_ANY);
}

static bool is_running(struct task_struct *task)
{
	if (bpf_core_field_exists(task->__state))
		return task->__state == 0;
	return BPF_CORE_READ((struct task_struct___old *)task, state) == 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *task)
{
	can_run(task);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_wakeup_new, struct task_struct *task)
{
	can_run(task);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *before, struct task_struct *after)
{
	__u32 pid = after->pid, slot = 0;
	__u64 *since, *count, delay;

	/* It did not stop of its own will, and waits again. */
	if (is_running(before))
		can_run(before);
	since = bpf_map_lookup_elem(&waiting, &pid);
	if (!since)
		return 0;
	delay = (bpf_ktime_get_ns() - *since) / 1000;
	bpf_map_delete_elem(&waiting, &pid);
	for (int i = 0; i < SLOTS - 1 && delay > 1; i++) {
		delay >>= 1;
		slot++;
	}
	count = bpf_map_lookup_elem(&delays, &slot);
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}
