// Maps of every sort that is measured, and what fills the rings.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define RECORDS 200000

struct record {
	__u64 words[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__type(key, __u32);
	__type(value, __u64);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__type(key, __u32);
	__type(value, __u64);
} drained SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} percpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 * 1024 * 1024);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
} perf SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} user_ring SEC(".maps");

__u64 counter = 42;
__u64 sent;

static long submit(__u32 index, void *ctx)
{
	struct record *record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);

	if (!record)
		return 1;
	record->words[0] = index;
	// Readers that wait are woken once, by the last.
	bpf_ringbuf_submit(record, index == RECORDS - 1 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
	__sync_fetch_and_add(&sent, 1);
	return 0;
}

SEC("syscall")
int fill_ring(void *ctx)
{
	bpf_loop(RECORDS, submit, 0, 0);
	return 0;
}

static long take(struct bpf_dynptr *record, void *ctx)
{
	return 0;
}

SEC("syscall")
int empty_user_ring(void *ctx)
{
	return bpf_user_ringbuf_drain(&user_ring, take, 0, BPF_RB_NO_WAKEUP) < 0;
}

SEC("raw_tp/sched_process_fork")
int fill_perf(void *ctx)
{
	struct record record = {};

	for (int i = 0; i < 1000; i++) {
		record.words[0] = i;
		if (bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &record, sizeof(record)))
			break;
		__sync_fetch_and_add(&sent, 1);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
