// SPDX-License-Identifier: MIT OR Apache-2.0
// Writes a record about each task of the system to whoever reads.
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf2rs.h>

char LICENSE[] SEC("license") = "GPL";

/* What is needed of the kernel's types, wherever this kernel keeps it. */
struct task_struct {
	int pid;
	int tgid;
	struct task_struct *real_parent;
	__u64 start_time;
	__u64 utime;
	__u64 stime;
	char comm[16];
} __attribute__((preserve_access_index));

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

struct task {
	__u32 pid BPF2RS_DOC("The thread.");
	__u32 tgid BPF2RS_DOC("Its process.");
	__u32 parent BPF2RS_DOC("The process that it was started by.");
	char comm[16];
	__u64 started BPF2RS_DOC("When it was started, in nanoseconds since the system was.");
	__u64 cpu_time BPF2RS_DOC("How long it has run, in nanoseconds.");
};
BPF2RS_TYPE(struct task);

SEC("iter/task")
int write_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct task record = {};

	/* After the last one. */
	if (!task)
		return 0;
	record.pid = task->pid;
	record.tgid = task->tgid;
	record.parent = task->real_parent->tgid;
	record.started = task->start_time;
	record.cpu_time = task->utime + task->stime;
	bpf_probe_read_kernel_str(record.comm, sizeof(record.comm), task->comm);
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}
