// SPDX-License-Identifier: GPL-2.0
/*
 * MPLS label stack entries (RFC 3032): push_mpls, add_mpls, pop_mpls and
 * set(mpls), from netlink to the packet.
 *
 * What lies below the stack can't be told from it: so the last pop names the
 * type, and no action that depends on it is accepted behind, until the packet
 * has recirculated.
 */
#include <linux/if_vlan.h>
#include <linux/skbuff.h>
#include <net/mpls.h>

#include "action_netlink.h"
#include "actions.h"
#include "datapath.h"

/* Whether a label may be put between the Ethernet header and what follows. */
static bool can_push(const struct act_parse *p)
{
	if (p->tagged)
		return false;
	switch (p->eth_type) {
	case htons(ETH_P_IP):
	case htons(ETH_P_IPV6):
	case htons(ETH_P_ARP):
	case htons(ETH_P_RARP):
		return true;
	default:
		return eth_p_mpls(p->eth_type);
	}
}

static int mpls_add(struct act_parse *p, const struct nlattr *attr,
		    const struct ovs_action_add_mpls *mpls)
{
	u32 ofs;
	int err;

	if (!eth_p_mpls(mpls->mpls_ethertype))
		return ovs_act_refuse(p, attr, "the type to push is none of MPLS");
	if (mpls->tun_flags & OVS_MPLS_L3_TUNNEL_FLAG_MASK && !can_push(p))
		return ovs_act_refuse(p, attr,
				      "an MPLS label can be pushed onto untagged IP, ARP, RARP and MPLS only");
	err = ovs_act_add(p, attr, sizeof(*mpls), &ofs);
	if (err)
		return err;
	memcpy(ovs_act_at(p, ofs)->data, mpls, sizeof(*mpls));
	if (!(mpls->tun_flags & OVS_MPLS_L3_TUNNEL_FLAG_MASK)) {
		if (p->mac_proto == OVS_MAC_ETHERNET)
			p->mpls_labels = 0;
		p->mac_proto = OVS_MAC_NONE;
	}
	p->mpls_labels++;
	p->eth_type = mpls->mpls_ethertype;
	return 0;
}

int ovs_act_parse_push_mpls(struct act_parse *p, const struct nlattr *attr)
{
	const struct ovs_action_push_mpls *push = nla_data(attr);
	struct ovs_action_add_mpls mpls = {
		.mpls_lse = push->mpls_lse,
		.mpls_ethertype = push->mpls_ethertype,
		.tun_flags = OVS_MPLS_L3_TUNNEL_FLAG_MASK,
	};

	return mpls_add(p, attr, &mpls);
}

int ovs_act_parse_add_mpls(struct act_parse *p, const struct nlattr *attr)
{
	return mpls_add(p, attr, nla_data(attr));
}

int ovs_act_dump_push_mpls(struct sk_buff *msg, const struct ovs_act *act)
{
	const struct ovs_action_add_mpls *mpls = (const void *)act->data;
	struct ovs_action_push_mpls push = {
		.mpls_lse = mpls->mpls_lse,
		.mpls_ethertype = mpls->mpls_ethertype,
	};

	return nla_put(msg, act->type, sizeof(push), &push);
}

int ovs_act_dump_add_mpls(struct sk_buff *msg, const struct ovs_act *act)
{
	return nla_put(msg, act->type, sizeof(struct ovs_action_add_mpls),
		       act->data);
}

int ovs_act_parse_pop_mpls(struct act_parse *p, const struct nlattr *attr)
{
	__be16 type = nla_get_be16(attr);
	u32 ofs;
	int err;

	if (p->tagged)
		return ovs_act_refuse(p, attr,
				      "pop_mpls of a packet that has a VLAN tag");
	if (!eth_p_mpls(p->eth_type) || !p->mpls_labels)
		return ovs_act_refuse(p, attr,
				      "pop_mpls of more labels than are known to be there");
	p->mpls_labels--;
	p->eth_type = p->mpls_labels && eth_p_mpls(type) ? type : 0;
	p->ip_proto = 0;
	err = ovs_act_add(p, attr, 0, &ofs);
	if (err)
		return err;
	ovs_act_at(p, ofs)->arg = (__force u32)type;
	return 0;
}

int ovs_act_dump_pop_mpls(struct sk_buff *msg, const struct ovs_act *act)
{
	return nla_put_be16(msg, act->type, (__force __be16)act->arg);
}

/**
 * ovs_push_mpls - push a label stack entry
 * @skb: the packet.
 * @key: its key, up to date.
 * @mpls: the entry, the type, and where it goes: before the layer 3 header, or
 *	before all there is, which then is the payload of a packet without an
 *	Ethernet header.
 *
 * Context: BH disabled.
 * Return: 0; -ENOMEM, or -EINVAL for what is encapsulated already and still to
 * be segmented: the packet is to be dropped then.
 */
int ovs_push_mpls(struct sk_buff *skb, struct sw_flow_key *key,
		  const struct ovs_action_add_mpls *mpls)
{
	bool l3 = mpls->tun_flags & OVS_MPLS_L3_TUNNEL_FLAG_MASK;
	int err;

	/* A program may have added a tag: then there is no such place. */
	if (unlikely(l3 && key->eth.vlan.tci))
		return -EINVAL;
	err = l3 ? 0 : ovs_vlan_inside(skb);
	if (unlikely(err))
		return err;
	err = skb_mpls_push(skb, mpls->mpls_lse, mpls->mpls_ethertype,
			    l3 ? skb->mac_len : 0,
			    l3 && key->eth.mac_proto == OVS_MAC_ETHERNET);
	if (unlikely(err))
		return err;
	if (!l3)
		key->eth.mac_proto = OVS_MAC_NONE;
	OVS_CB(skb)->key_stale = true;
	return 0;
}

/**
 * ovs_pop_mpls - take the outermost label stack entry off
 * @skb: the packet; left alone if it is not MPLS.
 * @key: its key, up to date.
 * @type: Ethernet type of what is below.
 *
 * Context: BH disabled.
 * Return: 0, or an error: the packet is to be dropped then.
 */
int ovs_pop_mpls(struct sk_buff *skb, struct sw_flow_key *key, __be16 type)
{
	int err;

	err = skb_mpls_pop(skb, type, skb->mac_len,
			   key->eth.mac_proto == OVS_MAC_ETHERNET);
	if (unlikely(err))
		return err;
	OVS_CB(skb)->key_stale = true;
	return 0;
}

/**
 * ovs_set_mpls - rewrite the outermost label stack entry
 * @skb: the packet; left alone if it is not MPLS.
 * @key: its key, up to date; changed as the packet is.
 * @value: the entry.
 * @mask: bits of it that count.
 *
 * Context and return value: as ovs_pop_mpls().
 */
int ovs_set_mpls(struct sk_buff *skb, struct sw_flow_key *key,
		 const struct ovs_key_mpls *value,
		 const struct ovs_key_mpls *mask)
{
	__be32 lse;
	int err;

	if (unlikely(!eth_p_mpls(skb->protocol) ||
		     !pskb_may_pull(skb, skb_network_offset(skb) + MPLS_HLEN)))
		return 0;
	lse = mpls_hdr(skb)->label_stack_entry;
	lse = value->mpls_lse | (lse & ~mask->mpls_lse);
	err = skb_mpls_update_lse(skb, lse);
	if (unlikely(err))
		return err;
	key->mpls.lse[0] = lse;
	return 0;
}
