/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a program may have changed: told by comparing with what was before it.
 */
#ifndef OVS_BPF_BEFORE_H
#define OVS_BPF_BEFORE_H 1

#include <linux/if_vlan.h>
#include <linux/in.h>
#include <linux/skbuff.h>

#include "datapath.h"

/*
 * Bytes from the first header on in which all lies that a key tells of a usual
 * packet: those of TCP over IPv6 behind a tag, up to its flags.
 */
#define OVS_BPF_SEEN_LEN 72
#define OVS_BPF_SEEN_WORDS (OVS_BPF_SEEN_LEN / sizeof(u64))
#define OVS_BPF_SEEN_L4 14

/**
 * struct ovs_bpf_before - what must be known of a packet before its program runs
 * @len: its length.
 * @net_ofs: where its network header lies.
 * @l4_ofs: where its transport header lies.
 * @mark: skb->mark.
 * @priority: skb->priority.
 * @vlan: its tag, if it is not in the frame; or 0.
 * @protocol: skb->protocol.
 * @seen: whether @words is all that its key was made of.
 * @words: its start.
 *
 * What is behind @net_ofs is for ovs_bpf_key_same().
 */
struct ovs_bpf_before {
	unsigned int len;
	int net_ofs;
	int l4_ofs;
	u32 mark;
	u32 priority;
	u32 vlan;
	__be16 protocol;
	bool seen;
	u64 words[OVS_BPF_SEEN_WORDS];
};

static inline u32 ovs_bpf_vlan(const struct sk_buff *skb)
{
	if (likely(!skb_vlan_tag_present(skb)))
		return 0;
	return (__force u32)skb->vlan_proto << 16 | skb->vlan_tci;
}

/* A word from the start of a packet, which need not be aligned. */
static inline u64 ovs_bpf_word(const struct sk_buff *skb, unsigned int i)
{
	u64 word;

	memcpy(&word, skb->data + i * sizeof(u64), sizeof(word));
	return word;
}

/* Whether all that a key tells of a packet lies in its first bytes, in reach. */
static inline bool ovs_bpf_is_seen(const struct sk_buff *skb,
				   const struct sw_flow_key *key, int l4_ofs)
{
	const u32 protos = BIT(IPPROTO_ICMP) | BIT(IPPROTO_TCP) |
			   BIT(IPPROTO_UDP);

	return (key->eth.type == htons(ETH_P_IP) ||
		key->eth.type == htons(ETH_P_IPV6)) &&
	       key->ip.proto < 32 && BIT(key->ip.proto) & protos &&
	       key->eth.mac_proto == OVS_MAC_ETHERNET &&
	       l4_ofs <= OVS_BPF_SEEN_LEN - OVS_BPF_SEEN_L4 &&
	       skb_headlen(skb) >= min_t(unsigned int, skb->len,
					 OVS_BPF_SEEN_LEN);
}

/**
 * ovs_bpf_before_take - note what a packet is like before its program
 * @before: filled in.
 * @skb: the packet.
 * @key: its key.
 * @stale: whether the key is out of date.
 *
 * What is noted of a short packet reaches beyond its end: there is always room
 * for struct skb_shared_info behind a packet's linear part.  If that differs
 * afterwards, no more comes of it than that the key is extracted anew.
 *
 * Context: BH disabled.
 */
static inline void ovs_bpf_before_take(struct ovs_bpf_before *before,
				       const struct sk_buff *skb,
				       const struct sw_flow_key *key,
				       bool stale)
{
	unsigned int i;

	BUILD_BUG_ON(SKB_DATA_ALIGN(sizeof(struct skb_shared_info)) <
		     OVS_BPF_SEEN_LEN);
	before->l4_ofs = skb_transport_offset(skb);
	before->seen = !stale && ovs_bpf_is_seen(skb, key, before->l4_ofs);
	before->mark = skb->mark;
	before->priority = skb->priority;
	before->vlan = ovs_bpf_vlan(skb);
	before->protocol = skb->protocol;
#pragma GCC unroll 9
	for (i = 0; i < OVS_BPF_SEEN_WORDS; i++)
		before->words[i] = ovs_bpf_word(skb, i);
}

/**
 * ovs_bpf_key_same - whether a key is still right, though a program ran
 * @skb: the packet.
 * @before: what ovs_bpf_before_take() noted, and length and network offset.
 *
 * Context: BH disabled.
 * Return: false if it may not be: then it must be extracted anew.
 */
static inline bool ovs_bpf_key_same(const struct sk_buff *skb,
				    const struct ovs_bpf_before *before)
{
	u64 diff = 0;
	unsigned int i;

	if (!before->seen || skb->len != before->len ||
	    skb_network_offset(skb) != before->net_ofs ||
	    skb_transport_offset(skb) != before->l4_ofs ||
	    skb->mark != before->mark || skb->priority != before->priority ||
	    ovs_bpf_vlan(skb) != before->vlan ||
	    skb->protocol != before->protocol)
		return false;
#pragma GCC unroll 9
	for (i = 0; i < OVS_BPF_SEEN_WORDS; i++)
		diff |= before->words[i] ^ ovs_bpf_word(skb, i);
	return !diff;
}

/**
 * ovs_bpf_settled - whether a packet can go on before its key is extracted anew
 * @skb: the packet, which had an Ethernet header, behind a program.
 * @len: its length before.
 * @net_ofs: its network offset before.
 *
 * Devices go by the offsets and the protocol in the skb, which must be right at
 * once; the key can wait until an action asks for it.
 *
 * Context: BH disabled.
 * Return: whether they are.
 */
static inline bool ovs_bpf_settled(const struct sk_buff *skb,
				   unsigned int len, int net_ofs)
{
	return skb->len == len &&
	       skb_network_offset(skb) == net_ofs &&
	       skb_headlen(skb) >= ETH_HLEN &&
	       eth_hdr(skb)->h_proto == skb->protocol;
}

#endif /* OVS_BPF_BEFORE_H */
