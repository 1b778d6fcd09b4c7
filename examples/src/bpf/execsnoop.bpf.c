// SPDX-License-Identifier: MIT OR Apache-2.0
// Sends an event for each program that is started.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf2rs.h>

char LICENSE[] SEC("license") = "GPL";

#define PATH_LEN 128

struct event {
	__u32 pid;
	__u32 uid;
	char comm[16];
	char path[PATH_LEN] BPF2RS_DOC("What was executed, cut off if it is longer.");
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} events SEC(".maps") BPF2RS_DOC("The programs that were started.");
BPF2RS_EVENTS(events, struct event);

__u64 lost BPF2RS_DOC("How many events there was no room for.");

/* The tracepoint's record, as tracefs describes it. */
struct exec_record {
	__u64 common;
	__u32 path_place; /* where the path is in the record, and in the upper half its length */
	__s32 pid;
	__s32 old_pid;
};

SEC("tracepoint/sched/sched_process_exec")
int on_exec(struct exec_record *record)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	bpf_probe_read_kernel_str(event->path, sizeof(event->path),
				  (void *)record + (record->path_place & 0xffff));
	bpf_ringbuf_submit(event, 0);
	return 0;
}
