// SPDX-License-Identifier: GPL-2.0
/*
 * A filter whose result is what its argument asks for: for tests of what the
 * datapath makes of it, and of that it can't do more.
 */
#include "../include/ovs_bpf.h"
#include "beta.h"

/* Runs, by stage. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} runs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} jump SEC(".maps");

/* Write all that this type lets one write, and what its helpers change. */
static __noinline int scribble(struct __sk_buff *skb)
{
	skb->mark = 0xdeadbeef;
	skb->priority = 0xdeadbeef;
	ovs_cb_set(skb, 0, -1);
	ovs_cb_set(skb, 1, -1);
	ovs_cb_set(skb, 2, -1);
	ovs_cb_set(skb, 3, -1);
	ovs_cb_set(skb, 4, -1);
	bpf_get_hash_recalc(skb);
	return bpf_skb_pull_data(skb, skb->len);
}

static __always_inline int byte_at(struct __sk_buff *skb, __u32 ofs)
{
	__u8 b;

	if (bpf_skb_pull_data(skb, skb->len) ||
	    bpf_skb_load_bytes(skb, ofs, &b, sizeof(b)))
		return 0x100;
	return b;
}

/* Apart from beta(), which has a function of its own: without a JIT no program may both
 * call functions and end in another program.
 */
SEC("lwt_out")
int caller(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &jump, 0);
	return 0;
}

SEC("lwt_out")
int called(struct __sk_buff *skb)
{
	return 0x7a11;
}

SEC("lwt_out")
int beta(struct __sk_buff *skb)
{
	__u32 what = skb->cb[0], param = skb->cb[1];
	__u32 stage = ovs_stage(skb);
	struct ovs_ipv4_l4 p = {};
	__u64 *n;

	n = bpf_map_lookup_elem(&runs, &stage);
	if (n)
		__sync_fetch_and_add(n, 1);

	switch (what) {
	case BETA_CONST:
		return param;
	case BETA_SPORT:
		return ovs_parse_ipv4_l4(skb, &p) ? 0 : bpf_ntohs(p.ports[0]);
	case BETA_SCRIBBLE:
		scribble(skb);
		return param;
	case BETA_PULL:
		return byte_at(skb, param);
	case BETA_LEN:
		return skb->len;
	case BETA_MARK:
		return skb->mark;
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
