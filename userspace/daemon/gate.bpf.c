// SPDX-License-Identifier: GPL-2.0
/*
 * The filter at a socket for upcalls: of each port no more than so many may wait.  Those
 * beyond are dropped where they arise, so that a flood at one port neither fills the
 * socket nor costs the handler anything.
 */
#include <linux/bpf.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/openvswitch.h>

#include <bpf/bpf_helpers.h>

#include "gate.bpf.h"

/* The port comes behind a handful of other attributes. */
#define MAX_ATTRS 16
#define HEADERS (NLMSG_HDRLEN + GENL_HDRLEN + sizeof(struct ovs_header))

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GATE_LANES);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct lane);
} lanes SEC(".maps");

/**
 * struct search - for the port among the attributes of a key
 * @skb: the message.
 * @ofs: where the next attribute is.
 * @port: what was found.
 */
struct search {
	struct __sk_buff *skb;
	__u64 ofs;
	__u64 port;
};

static long look(__u32 i, struct search *s)
{
	struct nlattr a;
	__u32 port;

	if (bpf_skb_load_bytes(s->skb, s->ofs, &a, sizeof(a)) || a.nla_len < sizeof(a))
		return 1;
	if ((a.nla_type & NLA_TYPE_MASK) == OVS_KEY_ATTR_IN_PORT) {
		if (!bpf_skb_load_bytes(s->skb, s->ofs + sizeof(a), &port, sizeof(port)))
			s->port = port;
		return 1;
	}
	s->ofs += NLA_ALIGN(a.nla_len);
	return 0;
}

/*
 * Where the packet of an upcall came in; the last lane's if it does not say.  A loop of
 * the language would be too complex for Linux 6.1, which without CAP_PERFMON follows
 * each of its branches as a processor might that guesses wrong, too.
 */
static __u32 lane_of(struct __sk_buff *skb)
{
	struct search s = { skb, HEADERS + NLA_HDRLEN, GATE_LANES - 1 };

	bpf_loop(MAX_ATTRS, look, &s, 0);
	return s.port < GATE_LANES ? s.port : GATE_LANES - 1;
}

SEC("socket")
int gate(struct __sk_buff *skb)
{
	struct nlattr first;
	struct lane *lane;
	__u32 n;

	/* What is no upcall is none of its business. */
	if (bpf_skb_load_bytes(skb, HEADERS, &first, sizeof(first)) ||
	    (first.nla_type & NLA_TYPE_MASK) != OVS_PACKET_ATTR_KEY)
		return skb->len;
	n = lane_of(skb);
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
