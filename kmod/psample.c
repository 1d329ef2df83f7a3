// SPDX-License-Identifier: GPL-2.0
/*
 * OVS_ACTION_ATTR_PSAMPLE: samples to the multicast group of the module psample.
 *
 * That module is not linked to: an action holds on to it from when it is
 * installed until it goes.  It can't be loaded on demand, for whoever handles a
 * netlink message keeps families from being registered; so it is a soft
 * dependency of ours, and without it the action is refused.
 */
#include <linux/module.h>
#include <net/netlink.h>
#include <net/psample.h>

#include "action_netlink.h"
#include "actions.h"
#include "datapath.h"
#include "vport.h"

MODULE_SOFTDEP("pre: psample");

/**
 * struct act_psample - OVS_ACTION_ATTR_PSAMPLE
 * @send: psample_sample_packet().
 * @group: number of the group.
 * @probability: of a packet getting here, of U32_MAX.
 * @cookie_len: bytes of @cookie; 0: none.
 * @cookie: for userspace.
 */
struct act_psample {
	typeof(&psample_sample_packet) send;
	u32 group;
	u32 probability;
	u8 cookie_len;
	u8 cookie[OVS_PSAMPLE_COOKIE_MAX_SIZE];
};

static const struct nla_policy psample_policy[OVS_PSAMPLE_ATTR_MAX + 1] = {
	[OVS_PSAMPLE_ATTR_GROUP] = { .type = NLA_U32 },
	[OVS_PSAMPLE_ATTR_COOKIE] = { .type = NLA_BINARY,
				      .len = OVS_PSAMPLE_COOKIE_MAX_SIZE },
};

int ovs_act_parse_psample(struct act_parse *p, const struct nlattr *attr)
{
	struct nlattr *tb[OVS_PSAMPLE_ATTR_MAX + 1];
	const struct nlattr *cookie;
	struct act_psample *ps;
	u32 ofs;
	int err;

	/* Strictly: of all actions, userspace marks this one as a nest. */
	err = nla_parse_nested(tb, OVS_PSAMPLE_ATTR_MAX, attr, psample_policy,
			       p->extack);
	if (err)
		return err;
	cookie = tb[OVS_PSAMPLE_ATTR_COOKIE];
	if (!tb[OVS_PSAMPLE_ATTR_GROUP])
		return ovs_act_refuse(p, attr, "psample needs a GROUP");
	if (!OVS_PSAMPLE_HAS_COOKIE && cookie)
		return ovs_act_refuse(p, cookie,
				      "psample of this kernel has no COOKIE");
	err = ovs_act_add(p, attr, sizeof(*ps), &ofs);
	if (err)
		return err;
	ps = (void *)ovs_act_at(p, ofs)->data;
	ps->send = symbol_get(psample_sample_packet);
	if (!ps->send) {
		ovs_act_refuse(p, attr, "the module psample is not loaded");
		return -EOPNOTSUPP;
	}
	p->acts->has_refs = true;
	ps->group = nla_get_u32(tb[OVS_PSAMPLE_ATTR_GROUP]);
	ps->probability = p->probability;
	if (cookie) {
		ps->cookie_len = nla_len(cookie);
		memcpy(ps->cookie, nla_data(cookie), nla_len(cookie));
	}
	return 0;
}

int ovs_act_dump_psample(struct sk_buff *msg, const struct ovs_act *act)
{
	const struct act_psample *ps = (const void *)act->data;
	struct nlattr *nest = nla_nest_start_noflag(msg, act->type);

	if (!nest || nla_put_u32(msg, OVS_PSAMPLE_ATTR_GROUP, ps->group) ||
	    (ps->cookie_len && nla_put(msg, OVS_PSAMPLE_ATTR_COOKIE,
				       ps->cookie_len, ps->cookie)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

void ovs_act_free_psample(const struct ovs_act *act)
{
	const struct act_psample *ps = (const void *)act->data;

	if (ps->send)
		symbol_put(psample_sample_packet);
}

/**
 * ovs_psample - send a sample of a packet
 * @dp: the datapath.
 * @skb: the packet; stays the caller's.
 * @act: the action.
 *
 * Context: RCU read side, BH disabled.
 */
void ovs_psample(const struct datapath *dp, struct sk_buff *skb,
		 const struct ovs_act *act)
{
	const struct act_psample *ps = (const void *)act->data;
	struct psample_group group = {
		.net = ovs_dp_get_net(dp),
		.group_num = ps->group,
	};
	struct psample_metadata md = {
		.trunc_size = skb->len - OVS_CB(skb)->cutlen,
		.in_ifindex = OVS_CB(skb)->input_vport->dev->ifindex,
	};

	ps->send(&group, skb, ovs_psample_rate(&md, ps->probability, ps->cookie,
					       ps->cookie_len), &md);
}
