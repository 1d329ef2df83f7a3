// SPDX-License-Identifier: GPL-2.0
/*
 * The filter at a socket for upcalls: of each port no more than so many may wait.  Those
 * beyond are dropped where they arise, so that a flood at one port neither fills the
 * socket nor costs the handler anything.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define gate_msg struct __sk_buff
#define gate_load bpf_skb_load_bytes
#include "gate.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GATE_LANES);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct lane);
} lanes SEC(".maps");

SEC("socket")
int gate(struct __sk_buff *skb)
{
	int n = gate_lane(skb);
	struct lane *lane;

	/* What is no upcall is none of its business. */
	if (n < 0)
		return skb->len;
	lane = bpf_map_lookup_elem(&lanes, &n);
	if (!lane)
		return skb->len;
	if ((__s32)(lane->in - lane->out) >= (__s32)lane->max) {
		__sync_fetch_and_add(&lane->lost, 1);
		return 0;
	}
	__sync_fetch_and_add(&lane->in, 1);
	return skb->len;
}

char LICENSE[] SEC("license") = "GPL";
