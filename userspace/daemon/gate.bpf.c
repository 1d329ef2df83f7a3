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

#define HEADERS (NLMSG_HDRLEN + GENL_HDRLEN + sizeof(struct ovs_header))

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GATE_LANES);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct lane);
} lanes SEC(".maps");

/*
 * What a key has before the port, as the module writes it: three attributes of four
 * bytes, perhaps a tunnel, four more of up to four bytes, labels.  A loop over them is
 * more than the verifier takes from those without CAP_PERFMON.
 */
#define BEFORE_TUNNEL (3 * 8)
#define BEHIND_TUNNEL (4 * 8 + NLA_HDRLEN + OVS_CT_LABELS_LEN)

/* Where the packet of an upcall came in; if it does not say so here, the last lane's. */
static __u32 lane_of(struct __sk_buff *skb)
{
	__u32 port, ofs = HEADERS + NLA_HDRLEN + BEFORE_TUNNEL;
	struct nlattr a;

	if (bpf_skb_load_bytes(skb, ofs, &a, sizeof(a)))
		return GATE_LANES - 1;
	if ((a.nla_type & NLA_TYPE_MASK) == OVS_KEY_ATTR_TUNNEL)
		ofs += NLA_ALIGN(a.nla_len);
	ofs += BEHIND_TUNNEL;
	if (bpf_skb_load_bytes(skb, ofs, &a, sizeof(a)) ||
	    (a.nla_type & NLA_TYPE_MASK) != OVS_KEY_ATTR_IN_PORT ||
	    bpf_skb_load_bytes(skb, ofs + sizeof(a), &port, sizeof(port)))
		return GATE_LANES - 1;
	return port < GATE_LANES ? port : GATE_LANES - 1;
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
