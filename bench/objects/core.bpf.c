// (b) A tracing program as people write them: a hash, a ring, settings, and half a dozen fields of the kernel.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct event {
	__u64 start;
	__u32 pid;
	__u32 parent;
	__u32 group;
	char command[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

const volatile __u32 wanted;
__u64 skipped;

SEC("raw_tp/sched_switch")
int on_switch(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[2];
	__u32 pid = BPF_CORE_READ(task, pid);
	struct event *event;

	if (wanted && pid != wanted) {
		__sync_fetch_and_add(&skipped, 1);
		return 0;
	}
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return 0;
	event->pid = pid;
	event->start = BPF_CORE_READ(task, start_time);
	event->parent = BPF_CORE_READ(task, real_parent, tgid);
	event->group = BPF_CORE_READ(task, group_leader, pid);
	BPF_CORE_READ_STR_INTO(&event->command, task, comm);
	bpf_map_update_elem(&seen, &pid, &event->start, BPF_ANY);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
