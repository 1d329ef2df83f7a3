// SPDX-License-Identifier: GPL-2.0
/*
 * OVS_KEY_ATTR_TUNNEL: the tunnel that a packet came by.
 */
#include "datapath.h"
#include "key_attrs.h"

/* A mask may say that there is no tunnel: by bits that are all zero. */
static int tun_parse(struct sw_flow_key *key, const struct nlattr *nla,
		     bool is_mask, struct netlink_ext_ack *extack)
{
	const struct nlattr *inner;
	int rem;

	nla_for_each_nested(inner, nla, rem)
		if (!is_mask || !nla_len(inner) ||
		    memchr_inv(nla_data(inner), 0, nla_len(inner)))
			return ovs_key_refuse(extack, inner,
					      "TUNNEL is not supported");
	key->tun_proto = 0xff;
	return 0;
}

static void tun_exact(struct sw_flow_key *mask, const struct sw_flow_key *key)
{
	mask->tun_proto = 0xff;
}

static int tun_put(struct sk_buff *msg, const struct sw_flow_key *key,
		   const struct sw_flow_key *out, bool is_mask)
{
	return 0;
}

const struct key_attr_nest ovs_tun_key_nest = {
	.parse = tun_parse,
	.exact = tun_exact,
	.put = tun_put,
	.size = 0,
};
