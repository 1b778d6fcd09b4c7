// Goes through the kernel's symbols, and writes 64 bytes of each of the first.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define RECORDS 100000

SEC("iter/ksym")
int each(struct bpf_iter__ksym *ctx)
{
	__u64 record[8] = { ctx->meta->seq_num };

	if (ctx->ksym && ctx->meta->seq_num < RECORDS)
		bpf_seq_write(ctx->meta->seq, record, sizeof(record));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
