// SPDX-License-Identifier: GPL-2.0
/*
 * A program that does as its argument says: for tests of what the datapath makes
 * of it.  The low half of the argument is what to do, the high half a parameter.
 * It acts on TCP and UDP over IPv4, and only on packets with an odd source port,
 * so that one flow sees packets of both kinds.
 */
#include "../include/ovs_bpf.h"
#include "alpha.h"

#define IP_OFS(field) (sizeof(struct ethhdr) + offsetof(struct iphdr, field))

/* Runs, by stage. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} runs SEC(".maps");

/* What the program saw last. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct alpha_seen);
} seen SEC(".maps");

static __always_inline void note(struct __sk_buff *skb)
{
	__u32 stage = skb->cb[3], zero = 0;
	struct alpha_seen *s;
	__u64 *n;

	n = bpf_map_lookup_elem(&runs, &stage);
	if (n)
		__sync_fetch_and_add(n, 1);
	s = bpf_map_lookup_elem(&seen, &zero);
	if (!s)
		return;
	s->cb[0] = skb->cb[0];
	s->cb[1] = skb->cb[1];
	s->cb[2] = skb->cb[2];
	s->cb[3] = skb->cb[3];
	s->cb[4] = skb->cb[4];
	s->len = skb->len;
	s->mark = skb->mark;
	s->protocol = bpf_ntohs(skb->protocol);
	s->vlan = skb->vlan_present ? skb->vlan_tci : 0;
	s->tc_classid = skb->tc_classid;
	s->priority = skb->priority;
	s->hash = skb->hash;
}

static __always_inline int set_src(struct __sk_buff *skb,
				   struct ovs_ipv4_l4 *p, __be32 to)
{
	return ovs_set_ipv4_addr(skb, p, IP_OFS(saddr), p->ip->saddr, to);
}

static __always_inline int set_tos(struct __sk_buff *skb, struct ovs_ipv4_l4 *p,
				   __u8 tos)
{
	__be16 old = bpf_htons(p->ip->tos), new = bpf_htons(tos);

	if (bpf_l3_csum_replace(skb, IP_OFS(check), old, new, sizeof(new)))
		return -1;
	return bpf_skb_store_bytes(skb, IP_OFS(tos), &tos, sizeof(tos), 0);
}

static __always_inline int clobber(struct __sk_buff *skb)
{
	ovs_cb_set(skb, 0, -1);
	ovs_cb_set(skb, 1, -1);
	ovs_cb_set(skb, 2, -1);
	ovs_cb_set(skb, 3, -1);
	ovs_cb_set(skb, 4, -1);
	skb->tc_classid = 0xffff;
	return TC_ACT_OK;
}

SEC("tc")
int alpha(struct __sk_buff *skb)
{
	__u32 what = skb->cb[0], param = skb->cb[1];
	struct ovs_ipv4_l4 p = {};
	int err = 0;

	note(skb);
	if (what == ALPHA_VERDICT)
		return param;
	if (ovs_parse_ipv4_l4(skb, &p) || !(p.ports[0] & bpf_htons(1)))
		return TC_ACT_OK;

	switch (what) {
	case ALPHA_NOTHING:
		break;
	case ALPHA_UNRELATED:
		err = set_tos(skb, &p, 0x20);
		break;
	case ALPHA_SAME:
		err = set_src(skb, &p, p.ip->saddr);
		break;
	case ALPHA_SRC:
		err = set_src(skb, &p, bpf_htonl(0x0a000002));
		break;
	case ALPHA_SRC_RECLASSIFY:
		if (set_src(skb, &p, bpf_htonl(0x0a000002)))
			return TC_ACT_SHOT;
		ovs_set_result(skb, param);
		return TC_ACT_RECLASSIFY;
	case ALPHA_RECLASSIFY:
		ovs_set_result(skb, param);
		return TC_ACT_RECLASSIFY;
	case ALPHA_DST_PORT:
		err = ovs_set_port(skb, &p, p.l4_ofs + 2, p.ports[1],
				   bpf_htons(2222));
		break;
	case ALPHA_MARK:
		skb->mark = param;
		break;
	case ALPHA_VLAN_PUSH:
		err = bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), param);
		break;
	case ALPHA_CLOBBER:
		return clobber(skb);
	case ALPHA_REDIRECT:
		return bpf_redirect(param, 0);
	case ALPHA_ETH_TYPE: {
		__be16 type = bpf_htons(param);

		err = bpf_skb_store_bytes(skb, offsetof(struct ethhdr, h_proto),
					  &type, sizeof(type), 0);
		break;
	}
	case ALPHA_BYTE: {
		__u8 byte = param;

		err = bpf_skb_store_bytes(skb, param >> 8, &byte, sizeof(byte), 0);
		break;
	}
	case ALPHA_TAIL:
		err = bpf_skb_change_tail(skb, param, 0);
		break;
	default:
		return TC_ACT_SHOT;
	}
	return err ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
