// SPDX-License-Identifier: GPL-2.0
/*
 * Network service headers (RFC 8300): push_nsh and pop_nsh, from netlink to the
 * packet.
 */
#include <linux/skbuff.h>
#include <net/nsh.h>
#include <net/tun_proto.h>

#include "action_netlink.h"
#include "actions.h"
#include "datapath.h"

/**
 * struct act_nsh - OVS_ACTION_ATTR_PUSH_NSH
 * @hdr: the header as it goes before the packet, but for the type of what
 *	follows.
 * @space: room for the largest.
 */
struct act_nsh {
	union {
		struct nshhdr hdr;
		u8 space[NSH_HDR_MAX_LEN];
	};
};

static const struct nla_policy nsh_policy[OVS_NSH_KEY_ATTR_MAX + 1] = {
	[OVS_NSH_KEY_ATTR_BASE] = NLA_POLICY_EXACT_LEN(sizeof(struct ovs_nsh_key_base)),
	[OVS_NSH_KEY_ATTR_MD1] = NLA_POLICY_EXACT_LEN(sizeof(struct ovs_nsh_key_md1)),
	[OVS_NSH_KEY_ATTR_MD2] = { .type = NLA_BINARY },
};

/* The one attribute within, OVS_KEY_ATTR_NSH, or NULL. */
static const struct nlattr *nsh_inner(const struct nlattr *attr)
{
	const struct nlattr *nsh = nla_data(attr);

	if (!nla_ok(nsh, nla_len(attr)) || nla_type(nsh) != OVS_KEY_ATTR_NSH ||
	    nla_total_size(nla_len(nsh)) != nla_len(attr))
		return NULL;
	return nsh;
}

/* Why a header can't be, or NULL. */
static const char *nsh_check(struct nlattr *const *tb)
{
	const struct nlattr *md1 = tb[OVS_NSH_KEY_ATTR_MD1];
	const struct nlattr *md2 = tb[OVS_NSH_KEY_ATTR_MD2];
	const struct ovs_nsh_key_base *base;

	if (!tb[OVS_NSH_KEY_ATTR_BASE])
		return "push_nsh needs BASE";
	if (!md1 == !md2)
		return "push_nsh needs one of MD1 and MD2";
	base = nla_data(tb[OVS_NSH_KEY_ATTR_BASE]);
	if (base->mdtype != (md1 ? NSH_M_TYPE1 : NSH_M_TYPE2))
		return "the MD type of NSH does not agree with the metadata";
	if (md2 && (!nla_len(md2) || nla_len(md2) > NSH_CTX_HDRS_MAX_LEN))
		return "MD2 must hold 4 to 248 bytes";
	if (md2 && nla_len(md2) % 4)
		return "MD2 is no multiple of 4 bytes";
	return NULL;
}

static void nsh_build(struct nshhdr *hdr, struct nlattr *const *tb)
{
	const struct ovs_nsh_key_base *base = nla_data(tb[OVS_NSH_KEY_ATTR_BASE]);
	const struct nlattr *md = tb[OVS_NSH_KEY_ATTR_MD1] ?:
				  tb[OVS_NSH_KEY_ATTR_MD2];

	nsh_set_flags_ttl_len(hdr, base->flags, base->ttl,
			      NSH_BASE_HDR_LEN + nla_len(md));
	hdr->mdtype = base->mdtype;
	hdr->np = base->np;
	hdr->path_hdr = base->path_hdr;
	memcpy((u8 *)hdr + NSH_BASE_HDR_LEN, nla_data(md), nla_len(md));
}

int ovs_act_parse_push_nsh(struct act_parse *p, const struct nlattr *attr)
{
	struct nlattr *tb[OVS_NSH_KEY_ATTR_MAX + 1];
	const struct nlattr *nsh = nsh_inner(attr);
	const char *why;
	u32 ofs;
	int err;

	if (!nsh)
		return ovs_act_refuse(p, attr, "push_nsh takes exactly one NSH");
	err = nla_parse_nested_deprecated(tb, OVS_NSH_KEY_ATTR_MAX, nsh,
					  nsh_policy, p->extack);
	if (err)
		return err;
	why = nsh_check(tb);
	if (why)
		return ovs_act_refuse(p, nsh, why);
	err = ovs_act_add(p, attr, sizeof(struct act_nsh), &ofs);
	if (err)
		return err;
	nsh_build((void *)ovs_act_at(p, ofs)->data, tb);
	p->mac_proto = OVS_MAC_NONE;
	p->tagged = false;
	p->eth_type = htons(ETH_P_NSH);
	p->nsh_np = 0;
	return 0;
}

int ovs_act_dump_push_nsh(struct sk_buff *msg, const struct ovs_act *act)
{
	const struct nshhdr *hdr = (const void *)act->data;
	struct ovs_nsh_key_base base = {
		.flags = nsh_get_flags(hdr),
		.ttl = nsh_get_ttl(hdr),
		.mdtype = hdr->mdtype,
		.np = hdr->np,
		.path_hdr = hdr->path_hdr,
	};
	struct nlattr *nest, *nsh;

	nest = nla_nest_start_noflag(msg, act->type);
	nsh = nest ? nla_nest_start_noflag(msg, OVS_KEY_ATTR_NSH) : NULL;
	if (!nsh ||
	    nla_put(msg, OVS_NSH_KEY_ATTR_BASE, sizeof(base), &base) ||
	    nla_put(msg, hdr->mdtype == NSH_M_TYPE1 ? OVS_NSH_KEY_ATTR_MD1 :
			 OVS_NSH_KEY_ATTR_MD2,
		    nsh_hdr_len(hdr) - NSH_BASE_HDR_LEN,
		    (const u8 *)hdr + NSH_BASE_HDR_LEN))
		return -EMSGSIZE;
	nla_nest_end(msg, nsh);
	nla_nest_end(msg, nest);
	return 0;
}

int ovs_act_parse_pop_nsh(struct act_parse *p, const struct nlattr *attr)
{
	u32 ofs;

	if (p->eth_type != htons(ETH_P_NSH))
		return ovs_act_refuse(p, attr,
				      "pop_nsh of a packet that has no NSH");
	p->mac_proto = p->nsh_np == TUN_P_ETHERNET ? OVS_MAC_ETHERNET :
		       OVS_MAC_NONE;
	return ovs_act_add(p, attr, 0, &ofs);
}

/**
 * ovs_push_nsh - put a network service header before a packet
 * @skb: the packet, with an Ethernet header or without.
 * @key: its key, up to date.
 * @hdr: the header; what type follows, the packet says.
 *
 * Context: BH disabled.
 * Return: 0; -ENOMEM, or -EAFNOSUPPORT if NSH has no number for the type of the
 * packet: it is to be dropped then.
 */
int ovs_push_nsh(struct sk_buff *skb, struct sw_flow_key *key,
		 const struct nshhdr *hdr)
{
	int err;

	err = ovs_vlan_inside(skb) ?: nsh_push(skb, hdr);
	if (unlikely(err))
		return err;
	key->eth.mac_proto = OVS_MAC_NONE;
	OVS_CB(skb)->key_stale = true;
	return 0;
}

/**
 * ovs_pop_nsh - take the network service header off
 * @skb: the packet, which starts with it.
 * @key: its key, up to date; extracted anew from what was behind the header.
 *
 * Context: BH disabled.
 * Return: 0, or an error if the packet does not start with such a header, or
 * carries nothing that is known: it is to be dropped then.
 */
int ovs_pop_nsh(struct sk_buff *skb, struct sw_flow_key *key)
{
	int err;

	if (unlikely(key->eth.mac_proto == OVS_MAC_ETHERNET))
		return -EINVAL;
	err = nsh_pop(skb);
	if (unlikely(err))
		return err;
	key->eth.mac_proto = skb->protocol == htons(ETH_P_TEB) ?
			     OVS_MAC_ETHERNET : OVS_MAC_NONE;
	return ovs_flow_key_update(skb, key);
}
