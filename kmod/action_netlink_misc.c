// SPDX-License-Identifier: GPL-2.0
/*
 * The smaller actions between netlink and their compiled form.
 */
#include <net/netlink.h>

#include "action_netlink.h"

int ovs_act_parse_drop(struct act_parse *p, const struct nlattr *attr)
{
	if (!p->last)
		return ovs_act_refuse(p, attr, "drop must be the last action");
	return ovs_act_parse_u32(p, attr);
}

int ovs_act_parse_push_eth(struct act_parse *p, const struct nlattr *attr)
{
	u32 ofs;
	int err;

	if (p->mac_proto != OVS_MAC_NONE)
		return ovs_act_refuse(p, attr,
				      "push_eth onto a packet that has an Ethernet header");
	err = ovs_act_add(p, attr, sizeof(struct ovs_action_push_eth), &ofs);
	if (err)
		return err;
	nla_memcpy(ovs_act_at(p, ofs)->data, attr,
		   sizeof(struct ovs_action_push_eth));
	p->mac_proto = OVS_MAC_ETHERNET;
	return 0;
}

int ovs_act_dump_push_eth(struct sk_buff *msg, const struct ovs_act *act)
{
	return nla_put(msg, act->type, sizeof(struct ovs_action_push_eth),
		       act->data);
}

int ovs_act_parse_pop_eth(struct act_parse *p, const struct nlattr *attr)
{
	u32 ofs;

	if (p->mac_proto != OVS_MAC_ETHERNET)
		return ovs_act_refuse(p, attr,
				      "pop_eth of a packet that has no Ethernet header");
	if (p->tagged)
		return ovs_act_refuse(p, attr,
				      "pop_eth of a packet that has a VLAN tag");
	p->mac_proto = OVS_MAC_NONE;
	return ovs_act_add(p, attr, 0, &ofs);
}

static const struct nla_policy
check_pkt_len_policy[OVS_CHECK_PKT_LEN_ATTR_MAX + 1] = {
	[OVS_CHECK_PKT_LEN_ATTR_PKT_LEN] = { .type = NLA_U16 },
	[OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER] = { .type = NLA_NESTED },
	[OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL] = { .type = NLA_NESTED },
};

/*
 * The record is followed within its length by two others, like those of clone:
 * first the actions for what is short enough, then those for what is not.
 */
int ovs_act_parse_check_pkt_len(struct act_parse *p, const struct nlattr *attr)
{
	struct nlattr *tb[OVS_CHECK_PKT_LEN_ATTR_MAX + 1];
	u32 ofs;
	int err;

	err = nla_parse_deprecated_strict(tb, OVS_CHECK_PKT_LEN_ATTR_MAX,
					  nla_data(attr), nla_len(attr),
					  check_pkt_len_policy, p->extack);
	if (err)
		return err;
	if (!tb[OVS_CHECK_PKT_LEN_ATTR_PKT_LEN] ||
	    !nla_get_u16(tb[OVS_CHECK_PKT_LEN_ATTR_PKT_LEN]))
		return ovs_act_refuse(p, attr,
				      "check_pkt_len needs a PKT_LEN that is not 0");
	if (!tb[OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER] ||
	    !tb[OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL])
		return ovs_act_refuse(p, attr,
				      "check_pkt_len needs both lists of actions");
	err = ovs_act_add(p, attr, 0, &ofs);
	if (err)
		return err;
	ovs_act_at(p, ofs)->arg =
		nla_get_u16(tb[OVS_CHECK_PKT_LEN_ATTR_PKT_LEN]);
	err = ovs_act_add_list_as(p, attr, OVS_ACTION_ATTR_CLONE,
				  tb[OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL],
				  0);
	if (!err)
		err = ovs_act_add_list_as(p, attr, OVS_ACTION_ATTR_CLONE,
					  tb[OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER],
					  0);
	if (err)
		return err;
	ovs_act_at(p, ofs)->len = p->acts->len - ofs;
	return 0;
}

static int dump_list(struct sk_buff *msg, u16 type,
		     const struct ovs_act_list *list)
{
	struct nlattr *nest = nla_nest_start_noflag(msg, type);

	if (!nest || ovs_act_dump_list(msg, list->acts, list->len))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

int ovs_act_dump_check_pkt_len(struct sk_buff *msg, const struct ovs_act *act)
{
	struct nlattr *nest = nla_nest_start_noflag(msg, act->type);

	if (!nest ||
	    nla_put_u16(msg, OVS_CHECK_PKT_LEN_ATTR_PKT_LEN, act->arg) ||
	    dump_list(msg, OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL,
		      ovs_act_check_pkt_len(act, false)) ||
	    dump_list(msg, OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER,
		      ovs_act_check_pkt_len(act, true)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/* Of a record whose parsing failed, the two lists stand behind it. */
void ovs_act_free_check_pkt_len(const struct ovs_act *act)
{
	ovs_act_free_list((const void *)act->data, act->len - sizeof(*act));
}

static const struct nla_policy dec_ttl_policy[OVS_DEC_TTL_ATTR_MAX + 1] = {
	[OVS_DEC_TTL_ATTR_ACTION] = { .type = NLA_NESTED },
};

int ovs_act_parse_dec_ttl(struct act_parse *p, const struct nlattr *attr)
{
	struct nlattr *tb[OVS_DEC_TTL_ATTR_MAX + 1];
	int err;

	err = nla_parse_nested_deprecated(tb, OVS_DEC_TTL_ATTR_MAX, attr,
					  dec_ttl_policy, p->extack);
	if (err)
		return err;
	if (!tb[OVS_DEC_TTL_ATTR_ACTION])
		return ovs_act_refuse(p, attr,
				      "dec_ttl needs the actions of an expired packet");
	return ovs_act_add_list(p, attr, tb[OVS_DEC_TTL_ATTR_ACTION], 0);
}

int ovs_act_dump_dec_ttl(struct sk_buff *msg, const struct ovs_act *act)
{
	struct nlattr *nest = nla_nest_start_noflag(msg, act->type);

	if (!nest || dump_list(msg, OVS_DEC_TTL_ATTR_ACTION,
			       (const void *)act->data))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}
