/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files that validate, compile and dump actions share.
 */
#ifndef OVS_ACTION_NETLINK_H
#define OVS_ACTION_NETLINK_H 1

#include <net/netlink.h>

#include "actions.h"

/**
 * struct act_parse - compilation under way
 * @acts: so far.
 * @net: namespace of the request.
 * @eth_type: of the packet at this point.
 * @tagged: whether it has a VLAN tag.
 * @ip_proto: its protocol.
 * @mac_proto: its first header.
 * @mpls_labels: MPLS label stack entries known to be there.
 * @nsh_np: protocol behind the NSH, TUN_P_*; 0: not known.
 * @depth: of nesting.
 * @last: whether the action is the last of its list.
 * @probability: of a packet getting here, by the samples around, of U32_MAX.
 * @extack: where a refusal is explained.
 */
struct act_parse {
	struct sw_flow_actions *acts;
	struct net *net;
	__be16 eth_type;
	bool tagged;
	u8 ip_proto;
	u8 mac_proto;
	u8 mpls_labels;
	u8 nsh_np;
	unsigned int depth;
	bool last;
	u32 probability;
	struct netlink_ext_ack *extack;
};

/**
 * struct act_desc - how an action is validated, compiled, dumped and let go
 * @name: for messages.
 * @len: bytes of the payload; -1: any.
 * @parse: validate, add a record.
 * @dump: write the record; -EMSGSIZE if it does not fit.
 * @free: let go of what the record refers to; NULL: nothing.  Process context.
 */
struct act_desc {
	const char *name;
	int len;
	int (*parse)(struct act_parse *p, const struct nlattr *attr);
	int (*dump)(struct sk_buff *msg, const struct ovs_act *act);
	void (*free)(const struct ovs_act *act);
};

#define ACT(id, payload, parse_fn, dump_fn, free_fn)			\
	[OVS_ACTION_ATTR_##id] = { .name = #id, .len = payload,		\
		.parse = parse_fn, .dump = dump_fn, .free = free_fn }

int ovs_act_refuse(struct act_parse *p, const struct nlattr *attr,
		   const char *msg);
int ovs_act_add(struct act_parse *p, const struct nlattr *attr, u32 len,
		u32 *ofs);
int ovs_act_add_list_as(struct act_parse *p, const struct nlattr *attr,
			u16 type, const struct nlattr *nest, u32 arg);
int ovs_act_parse_list(struct act_parse *p, const struct nlattr *nest);
int ovs_act_dump_list(struct sk_buff *msg, const struct ovs_act *act, u32 len);
void ovs_act_free_list(const struct ovs_act *act, u32 len);

/* for actions that take no argument, or a u32, or a list */
int ovs_act_parse_u32(struct act_parse *p, const struct nlattr *attr);
int ovs_act_dump_u32(struct sk_buff *msg, const struct ovs_act *act);
int ovs_act_dump_flag(struct sk_buff *msg, const struct ovs_act *act);
void ovs_act_free_nested(const struct ovs_act *act);

/* actions_mpls.c */
int ovs_act_parse_push_mpls(struct act_parse *p, const struct nlattr *attr);
int ovs_act_dump_push_mpls(struct sk_buff *msg, const struct ovs_act *act);
int ovs_act_parse_add_mpls(struct act_parse *p, const struct nlattr *attr);
int ovs_act_dump_add_mpls(struct sk_buff *msg, const struct ovs_act *act);
int ovs_act_parse_pop_mpls(struct act_parse *p, const struct nlattr *attr);
int ovs_act_dump_pop_mpls(struct sk_buff *msg, const struct ovs_act *act);

/* actions_nsh.c */
int ovs_act_parse_push_nsh(struct act_parse *p, const struct nlattr *attr);
int ovs_act_dump_push_nsh(struct sk_buff *msg, const struct ovs_act *act);
int ovs_act_parse_pop_nsh(struct act_parse *p, const struct nlattr *attr);

/* psample.c */
int ovs_act_parse_psample(struct act_parse *p, const struct nlattr *attr);
int ovs_act_dump_psample(struct sk_buff *msg, const struct ovs_act *act);
void ovs_act_free_psample(const struct ovs_act *act);

/* action_netlink_misc.c */
int ovs_act_parse_drop(struct act_parse *p, const struct nlattr *attr);
int ovs_act_parse_push_eth(struct act_parse *p, const struct nlattr *attr);
int ovs_act_dump_push_eth(struct sk_buff *msg, const struct ovs_act *act);
int ovs_act_parse_pop_eth(struct act_parse *p, const struct nlattr *attr);
int ovs_act_parse_check_pkt_len(struct act_parse *p, const struct nlattr *attr);
int ovs_act_dump_check_pkt_len(struct sk_buff *msg, const struct ovs_act *act);
void ovs_act_free_check_pkt_len(const struct ovs_act *act);
int ovs_act_parse_dec_ttl(struct act_parse *p, const struct nlattr *attr);
int ovs_act_dump_dec_ttl(struct sk_buff *msg, const struct ovs_act *act);

/* A record of the action's own type whose data is a nested list. */
static inline int ovs_act_add_list(struct act_parse *p,
				   const struct nlattr *attr,
				   const struct nlattr *nest, u32 arg)
{
	return ovs_act_add_list_as(p, attr, nla_type(attr), nest, arg);
}

/* The record at an offset; valid until the next is added. */
static inline struct ovs_act *ovs_act_at(struct act_parse *p, u32 ofs)
{
	return (void *)p->acts->acts + ofs;
}

#endif /* OVS_ACTION_NETLINK_H */
