// SPDX-License-Identifier: GPL-2.0
/*
 * Whatever else an action program may do to a packet, by its argument; for tests
 * of that the datapath sees the packet as it is afterwards.
 */
#include "../include/ovs_bpf.h"
#include "delta.h"

#define TYPE_OFS offsetof(struct ethhdr, h_proto)
#define TOS_OFS (ETH_HLEN + offsetof(struct iphdr, tos))
#define IP_LEN sizeof(struct iphdr)

struct vxlan_outer {
	struct iphdr ip;
	struct udphdr udp;
	__be32 flags;
	__be32 vni;
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} jump SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct locked {
	struct bpf_spin_lock lock;
	__u32 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct locked);
} locked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} told SEC(".maps");

static __noinline int set_tos(struct __sk_buff *skb, __u32 tos)
{
	__u8 new = tos, old;

	if (bpf_skb_load_bytes(skb, TOS_OFS, &old, 1) ||
	    bpf_l3_csum_replace(skb, ETH_HLEN + offsetof(struct iphdr, check),
				bpf_htons(old), bpf_htons(new), 2))
		return -1;
	return bpf_skb_store_bytes(skb, TOS_OFS, &new, 1, 0);
}

static __always_inline int head(struct __sk_buff *skb, __be16 type)
{
	struct ethhdr eth = {
		.h_dest = { 2, 0, 0, 0, 0, 0x21 },
		.h_source = { 2, 0, 0, 0, 0, 0x22 },
		.h_proto = type,
	};

	if (bpf_skb_change_head(skb, ETH_HLEN, 0))
		return -1;
	return bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), 0);
}

static __always_inline void outer_ip(struct iphdr *ip, __u32 len, __u8 proto)
{
	__u32 sum;

	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->protocol = proto;
	ip->tot_len = bpf_htons(len);
	ip->saddr = bpf_htonl(0xc0000201);
	ip->daddr = bpf_htonl(0xc0000202);
	sum = bpf_csum_diff(0, 0, (void *)ip, sizeof(*ip), 0);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = ~sum;
}

static __always_inline int ipip(struct __sk_buff *skb)
{
	struct iphdr ip;

	outer_ip(&ip, skb->len - ETH_HLEN + IP_LEN, IPPROTO_IPIP);
	if (bpf_skb_adjust_room(skb, IP_LEN, BPF_ADJ_ROOM_MAC,
				BPF_F_ADJ_ROOM_FIXED_GSO |
				BPF_F_ADJ_ROOM_ENCAP_L3_IPV4))
		return -1;
	return bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), 0);
}

static __always_inline int vxlan(struct __sk_buff *skb, __u32 vni)
{
	struct vxlan_outer o = {
		.udp.source = bpf_htons(5000),
		.udp.dest = bpf_htons(4789),
		.flags = bpf_htonl(0x08000000),
		.vni = bpf_htonl(vni << 8),
	};
	struct ethhdr eth;

	o.udp.len = bpf_htons(skb->len + sizeof(o) - IP_LEN);
	outer_ip(&o.ip, skb->len + sizeof(o), IPPROTO_UDP);
	if (bpf_skb_load_bytes(skb, 0, &eth, sizeof(eth)) ||
	    bpf_skb_adjust_room(skb, sizeof(o) + ETH_HLEN, BPF_ADJ_ROOM_MAC,
				BPF_F_ADJ_ROOM_FIXED_GSO |
				BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 |
				BPF_F_ADJ_ROOM_ENCAP_L4_UDP |
				BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN) |
				BPF_F_ADJ_ROOM_ENCAP_L2_ETH))
		return -1;
	return bpf_skb_store_bytes(skb, ETH_HLEN, &o, sizeof(o), 0) ?:
	       bpf_skb_store_bytes(skb, ETH_HLEN + sizeof(o), &eth,
				   sizeof(eth), 0);
}

static __always_inline int direct(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;

	if ((void *)(eth + 1) > end)
		return -1;
	eth->h_source[5] = 0x33;
	return 0;
}

static __always_inline int four_to_six(struct __sk_buff *skb)
{
	__be16 type = bpf_htons(ETH_P_IPV6);
	struct {
		__be32 first;
		__be16 len;
		__u8 proto;
		__u8 ttl;
		__u8 addrs[32];
	} ip6 = { .first = bpf_htonl(6 << 28), .proto = IPPROTO_UDP, .ttl = 64 };

	ip6.len = bpf_htons(skb->len - ETH_HLEN - IP_LEN);
	ip6.addrs[15] = 1;
	ip6.addrs[31] = 2;
	return bpf_skb_change_proto(skb, type, 0) ?:
	       bpf_skb_store_bytes(skb, TYPE_OFS, &type, 2, 0) ?:
	       bpf_skb_store_bytes(skb, ETH_HLEN, &ip6, sizeof(ip6), 0);
}

static __always_inline void count_locked(struct __sk_buff *skb)
{
	__u32 zero = 0, len = skb->len;
	struct locked *l = bpf_map_lookup_elem(&locked, &zero);

	if (!l)
		return;
	bpf_spin_lock(&l->lock);
	l->packets++;
	l->bytes += len;
	bpf_spin_unlock(&l->lock);
}

static __always_inline int tell(struct __sk_buff *skb)
{
	__u32 *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0), zero = 0;
	__u64 *n = bpf_map_lookup_elem(&told, &zero);

	if (!event)
		return -1;
	*event = skb->len;
	bpf_ringbuf_submit(event, 0);
	if (n)
		*n = bpf_ringbuf_query(&events, BPF_RB_PROD_POS);
	return 0;
}

static int one_round(__u32 i, void *sum)
{
	*(__u32 *)sum += 1;
	return 0;
}

SEC("tc")
int called(struct __sk_buff *skb)
{
	return set_tos(skb, 0x24) ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int delta(struct __sk_buff *skb)
{
	__u32 what = skb->cb[0], param = skb->cb[1], sum = 0;
	int err = 0;

	switch (what) {
	case DELTA_HEAD:
		err = head(skb, bpf_htons(0x88b5));
		break;
	case DELTA_ETHERNET:
		err = head(skb, bpf_htons(ETH_P_IP));
		break;
	case DELTA_HEAD_ODD:
		err = bpf_skb_change_head(skb, 6, 0);
		break;
	case DELTA_VLAN_2:
		err = bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), param) ?:
		      bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021AD), param + 1);
		break;
	case DELTA_VLAN_POP:
		err = bpf_skb_vlan_pop(skb);
		break;
	case DELTA_IPIP:
		err = ipip(skb);
		break;
	case DELTA_UNIPIP:
		err = bpf_skb_adjust_room(skb, -(int)IP_LEN, BPF_ADJ_ROOM_MAC,
					  BPF_F_ADJ_ROOM_FIXED_GSO);
		break;
	case DELTA_VXLAN:
		err = vxlan(skb, param);
		break;
	case DELTA_DIRECT:
		err = direct(skb);
		break;
	case DELTA_4TO6:
		err = four_to_six(skb);
		break;
	case DELTA_SUBPROG:
		err = set_tos(skb, param);
		break;
	case DELTA_TAIL_CALL:
		bpf_tail_call(skb, &jump, 0);
		return TC_ACT_SHOT;
	case DELTA_RINGBUF:
		err = tell(skb);
		break;
	case DELTA_SPIN_LOCK:
		count_locked(skb);
		break;
	case DELTA_CLONE_REDIRECT:
		err = bpf_clone_redirect(skb, param, 0);
		break;
	case DELTA_REDIRECT_LATER:
		bpf_redirect(param, 0);
		break;
	case DELTA_REDIRECT_FORGOT:
		return TC_ACT_REDIRECT;
	case DELTA_LOOP:
		bpf_loop(param, one_round, &sum, 0);
		err = set_tos(skb, sum);
		break;
	}
	return err ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
