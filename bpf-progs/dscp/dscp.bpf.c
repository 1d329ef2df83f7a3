// SPDX-License-Identifier: GPL-2.0
/*
 * Marks IPv4 packets for a class of service: the low six bits of the argument
 * become the DSCP (RFC 2474), ECN is kept.  With bit 8 of the argument set, it
 * asks for a recirculation of what it has marked.
 *
 * It writes two fields of a header alone, and the daemon can tell: rules behind
 * it that don't read nw_tos are not rechecked (see docs/analysis.md).
 */
#include "../include/ovs_bpf.h"

#define DSCP_RECLASSIFY 0x100

SEC("tc")
int dscp(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	__u32 arg = skb->cb[0], sum;
	__u8 tos;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	tos = (arg & 0x3f) << 2 | (ip->tos & 3);
	/* RFC 1624: ~(~sum + ~old + new), in one's complement. */
	sum = (__u16)~ip->check + (__u16)~bpf_htons(ip->tos) + bpf_htons(tos);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip->tos = tos;
	ip->check = ~sum;
	return arg & DSCP_RECLASSIFY ? TC_ACT_RECLASSIFY : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
