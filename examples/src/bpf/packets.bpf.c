// SPDX-License-Identifier: MIT OR Apache-2.0
// Counts the packets that come in, by their source, and those from outside of an allow list.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf2rs.h>
#include <stdbool.h>

char LICENSE[] SEC("license") = "GPL";

const volatile bool drop BPF2RS_DOC("Whether packets from elsewhere are dropped.");

struct prefix {
	__u32 len;
	__be32 address;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u64);
} allowed SEC(".maps") BPF2RS_DOC("Where packets may come from, and how many have.");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __be32);
	__type(value, __u64);
} strangers SEC(".maps") BPF2RS_DOC("How many packets came from elsewhere, by address.");

__u64 others BPF2RS_DOC("Packets that are not of IPv4.");

static void count_stranger(__be32 address)
{
	__u64 *count = bpf_map_lookup_elem(&strangers, &address), one = 1;

	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&strangers, &address, &one, BPF_NOEXIST);
}

SEC("xdp")
int count(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct prefix key = { .len = 32 };
	__u64 *count;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP)) {
		__sync_fetch_and_add(&others, 1);
		return XDP_PASS;
	}
	key.address = ip->saddr;
	count = bpf_map_lookup_elem(&allowed, &key);
	if (count) {
		__sync_fetch_and_add(count, 1);
		return XDP_PASS;
	}
	count_stranger(ip->saddr);
	return drop ? XDP_DROP : XDP_PASS;
}
