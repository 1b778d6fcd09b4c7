/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What C can tell bpf2rs. It finds this file by itself; for other tools it is a header like any
 * other, and what it defines changes nothing about the programs.
 */
#ifndef __BPF2RS_H
#define __BPF2RS_H

/*
 * The events that come through a ring buffer or perf event array are of this type:
 *
 *	BPF2RS_EVENTS(events, struct event);
 */
#define BPF2RS_EVENTS(map, type) static __typeof__(type) *__bpf2rs_events_##map __bpf2rs_mark

/* Rust wants this type, though no map and no variable is of it: BPF2RS_TYPE(struct header); */
#define BPF2RS_TYPE(type) __bpf2rs_type(type, __COUNTER__)

/*
 * A comment on a member, type, variable, map or program, which becomes documentation in Rust:
 *
 *	__u64 nanoseconds BPF2RS_DOC("Since boot.");
 *
 * It takes clang 14; earlier ones leave it out.
 */
#if __has_attribute(btf_decl_tag)
#define BPF2RS_DOC(text) __attribute__((btf_decl_tag("doc:" text)))
#else
#define BPF2RS_DOC(text)
#endif

#define __bpf2rs_type(type, number) __bpf2rs_numbered(type, number)
#define __bpf2rs_numbered(type, number)                                                            \
	static __typeof__(type) *__bpf2rs_type_##number __bpf2rs_mark
#define __bpf2rs_mark __attribute__((section("bpf2rs"), used))

#endif
