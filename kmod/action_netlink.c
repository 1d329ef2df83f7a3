// SPDX-License-Identifier: GPL-2.0
/*
 * Actions between netlink and their compiled form.
 *
 * A table has for each action how to validate and compile it, and how to dump
 * it.  Compilation follows what each action does to the packet as far as later
 * ones depend on it.  Everything is checked before anything takes effect.
 */
#include <linux/if_vlan.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <net/mpls.h>
#include <net/netlink.h>

#include "action_netlink.h"
#include "actions.h"
#include "bpf.h"
#include "conntrack.h"
#include "datapath.h"
#include "flow_netlink.h"
#include "tunnel.h"

/**
 * ovs_act_refuse - say why an action is refused
 * @p: compilation.
 * @attr: what is wrong.
 * @msg: why, a constant.
 *
 * Context: process.
 * Return: -EINVAL.
 */
int ovs_act_refuse(struct act_parse *p, const struct nlattr *attr,
		   const char *msg)
{
	NL_SET_BAD_ATTR(p->extack, attr);
	if (p->extack)
		p->extack->_msg = msg;
	return -EINVAL;
}

/**
 * ovs_act_add - add a record
 * @p: compilation.
 * @attr: the action, which gives the record its type.
 * @len: bytes of data, zeroed.
 * @ofs: where it lies: it may move with the next one that is added, so use
 *	ovs_act_at().
 *
 * Context: process.
 * Return: 0, -EINVAL or -ENOMEM.
 */
int ovs_act_add(struct act_parse *p, const struct nlattr *attr, u32 len,
		u32 *ofs)
{
	u32 size = ALIGN(sizeof(struct ovs_act) + len, sizeof(u64));
	struct sw_flow_actions *acts = p->acts;
	struct ovs_act *act;

	if (acts->len + size > OVS_ACTS_MAX_LEN)
		return ovs_act_refuse(p, attr, "too many actions");
	if (acts->len + size > acts->size) {
		u32 new_size = max(acts->size * 2, acts->len + size);

		acts = krealloc(acts, sizeof(*acts) + new_size, GFP_KERNEL);
		if (!acts)
			return -ENOMEM;
		acts->size = new_size;
		p->acts = acts;
	}
	act = (void *)acts->acts + acts->len;
	memset(act, 0, size);
	act->type = nla_type(attr);
	act->len = size;
	*ofs = acts->len;
	acts->len += size;
	return 0;
}

int ovs_act_parse_u32(struct act_parse *p, const struct nlattr *attr)
{
	u32 ofs;
	int err = ovs_act_add(p, attr, 0, &ofs);

	if (!err)
		ovs_act_at(p, ofs)->arg = nla_get_u32(attr);
	return err;
}

int ovs_act_dump_u32(struct sk_buff *msg, const struct ovs_act *act)
{
	return nla_put_u32(msg, act->type, act->arg);
}

static int parse_output(struct act_parse *p, const struct nlattr *attr)
{
	if (nla_get_u32(attr) >= DP_MAX_PORTS)
		return ovs_act_refuse(p, attr, "output port is out of range");
	return ovs_act_parse_u32(p, attr);
}

static int parse_trunc(struct act_parse *p, const struct nlattr *attr)
{
	if (nla_get_u32(attr) < ETH_HLEN)
		return ovs_act_refuse(p, attr,
				      "trunc to less than an Ethernet header");
	return ovs_act_parse_u32(p, attr);
}

static int parse_hash(struct act_parse *p, const struct nlattr *attr)
{
	const struct ovs_action_hash *hash = nla_data(attr);
	u32 ofs;
	int err;

	if (hash->hash_alg != OVS_HASH_ALG_L4 &&
	    hash->hash_alg != OVS_HASH_ALG_SYM_L4)
		return ovs_act_refuse(p, attr, "unknown hash algorithm");
	err = ovs_act_add(p, attr, sizeof(u64), &ofs);
	if (err)
		return err;
	ovs_act_at(p, ofs)->arg = hash->hash_basis;
	ovs_act_at(p, ofs)->data[0] = hash->hash_alg;
	return 0;
}

static int dump_hash(struct sk_buff *msg, const struct ovs_act *act)
{
	struct ovs_action_hash hash = {
		.hash_alg = act->data[0],
		.hash_basis = act->arg,
	};

	return nla_put(msg, act->type, sizeof(hash), &hash);
}

static int parse_push_vlan(struct act_parse *p, const struct nlattr *attr)
{
	const struct ovs_action_push_vlan *vlan = nla_data(attr);
	u32 ofs;
	int err;

	if (p->mac_proto != OVS_MAC_ETHERNET)
		return ovs_act_refuse(p, attr,
				      "push_vlan needs an Ethernet header");
	if (!eth_type_vlan(vlan->vlan_tpid))
		return ovs_act_refuse(p, attr, "push_vlan of an unknown TPID");
	if (!(vlan->vlan_tci & htons(VLAN_CFI_MASK)))
		return ovs_act_refuse(p, attr,
				      "push_vlan TCI lacks the tag-present bit, 0x1000");
	err = ovs_act_add(p, attr, sizeof(*vlan), &ofs);
	if (err)
		return err;
	memcpy(ovs_act_at(p, ofs)->data, vlan, sizeof(*vlan));
	p->tagged = true;
	return 0;
}

static int dump_push_vlan(struct sk_buff *msg, const struct ovs_act *act)
{
	return nla_put(msg, act->type, sizeof(struct ovs_action_push_vlan),
		       act->data);
}

static int parse_pop_vlan(struct act_parse *p, const struct nlattr *attr)
{
	u32 ofs;

	if (p->mac_proto != OVS_MAC_ETHERNET)
		return ovs_act_refuse(p, attr, "pop_vlan needs an Ethernet header");
	p->tagged = false;
	return ovs_act_add(p, attr, 0, &ofs);
}

int ovs_act_dump_flag(struct sk_buff *msg, const struct ovs_act *act)
{
	return nla_put_flag(msg, act->type);
}

static const char *set_check_ipv4(const struct act_parse *p, const u8 *value,
				  const u8 *mask, bool masked)
{
	const struct ovs_key_ipv4 *v = (const void *)value;
	const struct ovs_key_ipv4 *m = (const void *)mask;

	if (p->eth_type != htons(ETH_P_IP))
		return "set of IPV4 for a flow that is not IPv4";
	if (!p->ip_proto)
		return "set of IPV4 for a flow that does not match the protocol";
	if (masked ? m->ipv4_proto || m->ipv4_frag :
		     v->ipv4_proto != p->ip_proto)
		return "the protocol and fragment type of IPV4 can't be set";
	return NULL;
}

static const char *set_check_ipv6(const struct act_parse *p, const u8 *value,
				  const u8 *mask, bool masked)
{
	const struct ovs_key_ipv6 *v = (const void *)value;
	const struct ovs_key_ipv6 *m = (const void *)mask;

	if (p->eth_type != htons(ETH_P_IPV6))
		return "set of IPV6 for a flow that is not IPv6";
	if (!p->ip_proto)
		return "set of IPV6 for a flow that does not match the protocol";
	if (masked ? m->ipv6_proto || m->ipv6_frag :
		     v->ipv6_proto != p->ip_proto)
		return "the protocol and fragment type of IPV6 can't be set";
	if (v->ipv6_label & htonl(0xfff00000))
		return "IPv6 label exceeds 20 bits";
	return NULL;
}

static const char *set_check_ports(const struct act_parse *p, u8 proto)
{
	if (p->eth_type != htons(ETH_P_IP) && p->eth_type != htons(ETH_P_IPV6))
		return "set of ports for a flow that is not IP";
	if (p->ip_proto != proto)
		return "set of ports for a flow of another protocol";
	return NULL;
}

/* Why a set can't be, or NULL. */
static const char *set_check(const struct act_parse *p, u32 type,
			     const u8 *value, const u8 *mask, bool masked)
{
	switch (type) {
	case OVS_KEY_ATTR_PRIORITY:
	case OVS_KEY_ATTR_SKB_MARK:
		return NULL;
	case OVS_KEY_ATTR_ETHERNET:
		return p->mac_proto == OVS_MAC_ETHERNET ? NULL :
		       "set of ETHERNET needs an Ethernet header";
	case OVS_KEY_ATTR_IPV4:
		return set_check_ipv4(p, value, mask, masked);
	case OVS_KEY_ATTR_IPV6:
		return set_check_ipv6(p, value, mask, masked);
	case OVS_KEY_ATTR_TCP:
		return set_check_ports(p, IPPROTO_TCP);
	case OVS_KEY_ATTR_UDP:
		return set_check_ports(p, IPPROTO_UDP);
	case OVS_KEY_ATTR_SCTP:
		return set_check_ports(p, IPPROTO_SCTP);
	case OVS_KEY_ATTR_MPLS:
		return eth_p_mpls(p->eth_type) ? NULL :
		       "set of MPLS for a flow that is not MPLS";
	default:
		return "this key attribute can't be set";
	}
}

static int parse_set_tunnel(struct act_parse *p, const struct nlattr *attr,
			    const struct nlattr *tun)
{
	struct metadata_dst *dst;
	u32 ofs;
	int err;

	dst = ovs_tun_set_parse(tun, p->extack);
	if (IS_ERR(dst))
		return PTR_ERR(dst);
	err = ovs_act_add(p, attr, sizeof(u64), &ofs);
	if (err) {
		dst_release(&dst->dst);
		return err;
	}
	ovs_act_at(p, ofs)->arg = OVS_KEY_ATTR_TUNNEL;
	ovs_act_at(p, ofs)->data[0] = (unsigned long)dst;
	p->acts->has_refs = true;
	/* A dump has these even if the request had not. */
	p->acts->dump_len += nla_total_size(0) +	/* PAD before the ID */
			     nla_total_size(sizeof(u32));	/* GBP */
	return 0;
}

static int dump_set_tunnel(struct sk_buff *msg, const struct ovs_act *act)
{
	const struct metadata_dst *dst = (void *)(unsigned long)act->data[0];
	struct nlattr *nest = nla_nest_start_noflag(msg, act->type);

	if (!nest ||
	    ovs_tun_put_info(msg, OVS_KEY_ATTR_TUNNEL, &dst->u.tun_info))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static void free_set(const struct ovs_act *act)
{
	struct metadata_dst *dst;

	if (act->arg != OVS_KEY_ATTR_TUNNEL)
		return;
	dst = (void *)(unsigned long)act->data[0];
	dst_release(&dst->dst);
}

/* Of a label stack, only the outermost entry can be set. */
static unsigned int set_len(unsigned int type)
{
	return type == OVS_KEY_ATTR_MPLS ? sizeof(struct ovs_key_mpls) :
	       ovs_key_attr_len(type);
}

static int parse_set(struct act_parse *p, const struct nlattr *attr)
{
	bool masked = nla_type(attr) == OVS_ACTION_ATTR_SET_MASKED;
	const struct nlattr *a = nla_data(attr);
	struct ovs_act_set set = { .masked = masked };
	const char *why;
	unsigned int i, len;
	u32 ofs;
	int err;

	if (nla_len(attr) < NLA_HDRLEN || !nla_ok(a, nla_len(attr)) ||
	    nla_total_size(nla_len(a)) != nla_len(attr))
		return ovs_act_refuse(p, attr, "set takes exactly one attribute");
	if (nla_type(a) == OVS_KEY_ATTR_TUNNEL && !masked)
		return parse_set_tunnel(p, attr, a);
	len = set_len(nla_type(a));
	if (!len)
		return ovs_act_refuse(p, a, "this key attribute can't be set");
	if (nla_len(a) != len * (masked ? 2 : 1))
		return ovs_act_refuse(p, a, "set has the wrong length");

	memcpy(set.value, nla_data(a), len);
	memset(set.mask, 0xff, len);
	if (masked)
		memcpy(set.mask, nla_data(a) + len, len);
	for (i = 0; i < len; i++)
		if (set.value[i] & ~set.mask[i])
			return ovs_act_refuse(p, a,
					      "set has bits in the value that the mask lacks");
	why = set_check(p, nla_type(a), set.value, set.mask, masked);
	if (why)
		return ovs_act_refuse(p, a, why);

	err = ovs_act_add(p, attr, sizeof(set), &ofs);
	if (err)
		return err;
	ovs_act_at(p, ofs)->arg = nla_type(a);
	memcpy(ovs_act_at(p, ofs)->data, &set, sizeof(set));
	return 0;
}

static int dump_set(struct sk_buff *msg, const struct ovs_act *act)
{
	const struct ovs_act_set *set = (const void *)act->data;
	unsigned int len = set_len(act->arg);
	struct nlattr *nest, *a;

	if (act->arg == OVS_KEY_ATTR_TUNNEL)
		return dump_set_tunnel(msg, act);
	nest = nla_nest_start_noflag(msg, act->type);
	if (!nest)
		return -EMSGSIZE;
	a = nla_reserve(msg, act->arg, set->masked ? 2 * len : len);
	if (!a)
		return -EMSGSIZE;
	memcpy(nla_data(a), set->value, len);
	if (set->masked)
		memcpy(nla_data(a) + len, set->mask, len);
	nla_nest_end(msg, nest);
	return 0;
}

static const struct nla_policy userspace_policy[OVS_USERSPACE_ATTR_MAX + 1] = {
	[OVS_USERSPACE_ATTR_PID] = { .type = NLA_U32 },
	[OVS_USERSPACE_ATTR_USERDATA] = { .type = NLA_UNSPEC },
	[OVS_USERSPACE_ATTR_EGRESS_TUN_PORT] = { .type = NLA_U32 },
	[OVS_USERSPACE_ATTR_ACTIONS] = { .type = NLA_FLAG },
};

static int parse_userspace(struct act_parse *p, const struct nlattr *attr)
{
	struct nlattr *tb[OVS_USERSPACE_ATTR_MAX + 1];
	struct ovs_act_userspace *us;
	const struct nlattr *data;
	u32 ofs;
	int err;

	err = nla_parse_nested_deprecated(tb, OVS_USERSPACE_ATTR_MAX, attr,
					  userspace_policy, p->extack);
	if (err)
		return err;
	if (!tb[OVS_USERSPACE_ATTR_PID] || !nla_get_u32(tb[OVS_USERSPACE_ATTR_PID]))
		return ovs_act_refuse(p, attr, "userspace needs a PID");
	data = tb[OVS_USERSPACE_ATTR_USERDATA];
	err = ovs_act_add(p, attr, sizeof(*us) + (data ? nla_len(data) : 0), &ofs);
	if (err)
		return err;
	ovs_act_at(p, ofs)->arg = ofs;
	us = (void *)ovs_act_at(p, ofs)->data;
	us->pid = nla_get_u32(tb[OVS_USERSPACE_ATTR_PID]);
	us->actions = !!tb[OVS_USERSPACE_ATTR_ACTIONS];
	if (tb[OVS_USERSPACE_ATTR_EGRESS_TUN_PORT]) {
		us->has_tun_port = true;
		us->tun_port =
			nla_get_u32(tb[OVS_USERSPACE_ATTR_EGRESS_TUN_PORT]);
	}
	if (data) {
		us->has_userdata = true;
		us->userdata_len = nla_len(data);
		memcpy(us->userdata, nla_data(data), nla_len(data));
	}
	return 0;
}

static int dump_userspace(struct sk_buff *msg, const struct ovs_act *act)
{
	const struct ovs_act_userspace *us = (const void *)act->data;
	struct nlattr *nest = nla_nest_start_noflag(msg, act->type);

	if (!nest || nla_put_u32(msg, OVS_USERSPACE_ATTR_PID, us->pid) ||
	    (us->has_userdata && nla_put(msg, OVS_USERSPACE_ATTR_USERDATA,
					 us->userdata_len, us->userdata)) ||
	    (us->has_tun_port && nla_put_u32(msg,
					     OVS_USERSPACE_ATTR_EGRESS_TUN_PORT,
					     us->tun_port)) ||
	    (us->actions && nla_put_flag(msg, OVS_USERSPACE_ATTR_ACTIONS)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/**
 * ovs_act_add_list_as - add a record whose data is a nested list
 * @p: compilation.
 * @attr: the action.
 * @type: of the record.
 * @nest: the list.
 * @arg: of the record.
 *
 * Context: process.
 * Return: 0; -EOVERFLOW if it is nested too deeply, -ENOMEM, or as ovs_act_parse_list().
 */
int ovs_act_add_list_as(struct act_parse *p, const struct nlattr *attr,
			u16 type, const struct nlattr *nest, u32 arg)
{
	struct act_parse saved = *p;
	struct ovs_act_list *list;
	u32 ofs;
	int err;

	if (p->depth == OVS_ACTS_MAX_DEPTH) {
		ovs_act_refuse(p, attr, "actions are nested too deeply");
		return -EOVERFLOW;
	}
	err = ovs_act_add(p, attr, sizeof(*list), &ofs);
	if (err)
		return err;
	ovs_act_at(p, ofs)->type = type;
	p->depth++;
	err = ovs_act_parse_list(p, nest);
	/* What the list does, it does to a copy. */
	saved.acts = p->acts;
	*p = saved;
	if (err)
		return err;
	list = (void *)ovs_act_at(p, ofs)->data;
	list->len = p->acts->len - ofs - sizeof(struct ovs_act) - sizeof(*list);
	ovs_act_at(p, ofs)->arg = arg;
	ovs_act_at(p, ofs)->len += list->len;
	return 0;
}

static int parse_sample(struct act_parse *p, const struct nlattr *attr)
{
	struct nlattr *tb[OVS_SAMPLE_ATTR_MAX + 1];
	u32 outer = p->probability;
	u32 probability;
	int err;

	err = nla_parse_nested_deprecated(tb, OVS_SAMPLE_ATTR_MAX, attr, NULL,
					  p->extack);
	if (err)
		return err;
	if (!tb[OVS_SAMPLE_ATTR_PROBABILITY] || !tb[OVS_SAMPLE_ATTR_ACTIONS] ||
	    nla_len(tb[OVS_SAMPLE_ATTR_PROBABILITY]) != sizeof(u32))
		return ovs_act_refuse(p, attr,
				      "sample needs PROBABILITY, a u32, and ACTIONS");
	probability = nla_get_u32(tb[OVS_SAMPLE_ATTR_PROBABILITY]);
	p->probability = mul_u64_u32_div(outer, probability, U32_MAX);
	err = ovs_act_add_list(p, attr, tb[OVS_SAMPLE_ATTR_ACTIONS],
			       probability);
	p->probability = outer;
	return err;
}

static int dump_sample(struct sk_buff *msg, const struct ovs_act *act)
{
	const struct ovs_act_list *list = (const void *)act->data;
	struct nlattr *nest, *acts;

	nest = nla_nest_start_noflag(msg, act->type);
	if (!nest || nla_put_u32(msg, OVS_SAMPLE_ATTR_PROBABILITY, act->arg))
		return -EMSGSIZE;
	acts = nla_nest_start_noflag(msg, OVS_SAMPLE_ATTR_ACTIONS);
	if (!acts || ovs_act_dump_list(msg, list->acts, list->len))
		return -EMSGSIZE;
	nla_nest_end(msg, acts);
	nla_nest_end(msg, nest);
	return 0;
}

static int parse_clone(struct act_parse *p, const struct nlattr *attr)
{
	return ovs_act_add_list(p, attr, attr, 0);
}

static int dump_clone(struct sk_buff *msg, const struct ovs_act *act)
{
	const struct ovs_act_list *list = (const void *)act->data;
	struct nlattr *nest = nla_nest_start_noflag(msg, act->type);

	if (!nest || ovs_act_dump_list(msg, list->acts, list->len))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

void ovs_act_free_nested(const struct ovs_act *act)
{
	const struct ovs_act_list *list = (const void *)act->data;

	ovs_act_free_list(list->acts, list->len);
}

static const struct act_desc act_descs[] = {
	ACT(OUTPUT, sizeof(u32), parse_output, ovs_act_dump_u32, NULL),
	ACT(USERSPACE, -1, parse_userspace, dump_userspace, NULL),
	ACT(SET, -1, parse_set, dump_set, free_set),
	ACT(PUSH_VLAN, sizeof(struct ovs_action_push_vlan), parse_push_vlan,
	    dump_push_vlan, NULL),
	ACT(POP_VLAN, 0, parse_pop_vlan, ovs_act_dump_flag, NULL),
	ACT(SAMPLE, -1, parse_sample, dump_sample, ovs_act_free_nested),
	ACT(RECIRC, sizeof(u32), ovs_act_parse_u32, ovs_act_dump_u32, NULL),
	ACT(HASH, sizeof(struct ovs_action_hash), parse_hash, dump_hash, NULL),
	ACT(SET_MASKED, -1, parse_set, dump_set, NULL),
	ACT(TRUNC, sizeof(struct ovs_action_trunc), parse_trunc, ovs_act_dump_u32, NULL),
	ACT(CLONE, -1, parse_clone, dump_clone, ovs_act_free_nested),
	ACT(BPF, -1, ovs_bpf_act_parse, ovs_bpf_act_dump, ovs_bpf_act_free),
	ACT(PUSH_MPLS, sizeof(struct ovs_action_push_mpls),
	    ovs_act_parse_push_mpls, ovs_act_dump_push_mpls, NULL),
	ACT(ADD_MPLS, sizeof(struct ovs_action_add_mpls),
	    ovs_act_parse_add_mpls, ovs_act_dump_add_mpls, NULL),
	ACT(POP_MPLS, sizeof(__be16), ovs_act_parse_pop_mpls,
	    ovs_act_dump_pop_mpls, NULL),
	ACT(PUSH_NSH, -1, ovs_act_parse_push_nsh, ovs_act_dump_push_nsh, NULL),
	ACT(POP_NSH, 0, ovs_act_parse_pop_nsh, ovs_act_dump_flag, NULL),
	ACT(METER, sizeof(u32), ovs_act_parse_u32, ovs_act_dump_u32, NULL),
	ACT(PSAMPLE, -1, ovs_act_parse_psample, ovs_act_dump_psample,
	    ovs_act_free_psample),
	ACT(DROP, sizeof(u32), ovs_act_parse_drop, ovs_act_dump_u32, NULL),
	ACT(PUSH_ETH, sizeof(struct ovs_action_push_eth), ovs_act_parse_push_eth,
	    ovs_act_dump_push_eth, NULL),
	ACT(POP_ETH, 0, ovs_act_parse_pop_eth, ovs_act_dump_flag, NULL),
	ACT(CHECK_PKT_LEN, -1, ovs_act_parse_check_pkt_len,
	    ovs_act_dump_check_pkt_len, ovs_act_free_check_pkt_len),
	ACT(DEC_TTL, -1, ovs_act_parse_dec_ttl, ovs_act_dump_dec_ttl,
	    ovs_act_free_nested),
#if IS_ENABLED(CONFIG_NF_CONNTRACK)
	ACT(CT, -1, ovs_ct_act_parse, ovs_ct_act_dump, ovs_ct_act_free),
	ACT(CT_CLEAR, 0, ovs_ct_clear_parse, ovs_act_dump_flag, NULL),
#endif
};

static const struct act_desc *act_desc(u16 type)
{
	if (type >= ARRAY_SIZE(act_descs) || !act_descs[type].parse)
		return NULL;
	return &act_descs[type];
}

/**
 * ovs_act_parse_list - validate and compile a list
 * @p: compilation.
 * @nest: of OVS_ACTION_ATTR_*.
 *
 * Context: process, that of the sender of the message; may load modules.
 * Return: 0; -EINVAL, -EOVERFLOW if lists are nested too deeply, -ENOMEM, or what else an
 * action is refused with: -EBADF for a program, -ERANGE and -ENOENT for ct, -EOPNOTSUPP
 * for psample, or what parsing its attributes said.
 */
int ovs_act_parse_list(struct act_parse *p, const struct nlattr *nest)
{
	const struct nlattr *attr;
	int rem, err;

	nla_for_each_nested(attr, nest, rem) {
		const struct act_desc *desc = act_desc(nla_type(attr));

		if (!desc)
			return ovs_act_refuse(p, attr, "action is not supported");
		if (desc->len >= 0 && nla_len(attr) != desc->len)
			return ovs_act_refuse(p, attr,
					      "action has the wrong length");
		p->last = nla_is_last(attr, rem);
		err = desc->parse(p, attr);
		if (err)
			return err;
	}
	if (rem)
		return ovs_act_refuse(p, nest, "junk behind the actions");
	return 0;
}

/**
 * ovs_act_dump_list - write a list
 * @msg: the message.
 * @act: the first record.
 * @len: bytes of the records.
 *
 * Context: any in which the actions can't be freed.
 * Return: 0 or -EMSGSIZE.
 */
int ovs_act_dump_list(struct sk_buff *msg, const struct ovs_act *act, u32 len)
{
	const struct ovs_act *end = ovs_acts_end(act, len);

	for (; act < end; act = ovs_act_next(act))
		if (act_descs[act->type].dump(msg, act))
			return -EMSGSIZE;
	return 0;
}

/**
 * ovs_act_free_list - let go of what a list refers to
 * @act: the first record.
 * @len: bytes of the records.
 *
 * Context: process.
 */
void ovs_act_free_list(const struct ovs_act *act, u32 len)
{
	const struct ovs_act *end = ovs_acts_end(act, len);

	for (; act < end; act = ovs_act_next(act))
		if (act_descs[act->type].free)
			act_descs[act->type].free(act);
}

/**
 * ovs_acts_parse - validate and compile actions
 * @net: namespace of the request.
 * @attr: nest of OVS_ACTION_ATTR_*.
 * @key: the key of the packets that they are for, masked; its tunnel is not looked at.
 * @extack: where a refusal is explained.
 *
 * Context: process.
 * Return: the actions, or an error pointer; then nothing is held.
 */
struct sw_flow_actions *ovs_acts_parse(struct net *net,
				       const struct nlattr *attr,
				       const struct sw_flow_key *key,
				       struct netlink_ext_ack *extack)
{
	u32 size = max_t(u32, 2 * nla_len(attr), 64);
	struct act_parse p = {
		.net = net,
		.eth_type = key->eth.type,
		.tagged = key->eth.vlan.tci,
		.ip_proto = key->ip.proto,
		.mac_proto = key->eth.mac_proto,
		.probability = U32_MAX,
		.extack = extack,
	};
	int err;

	/* There is one label, whether it is matched or not. */
	if (eth_p_mpls(key->eth.type))
		p.mpls_labels = hweight32(key->mpls.present) ?: 1;
	if (key->eth.type == htons(ETH_P_NSH))
		p.nsh_np = key->nsh.base.np;
	if (nla_len(attr) > OVS_ACTS_MAX_LEN) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "too many actions");
		return ERR_PTR(-EINVAL);
	}
	size = min_t(u32, size, OVS_ACTS_MAX_LEN);
	p.acts = kzalloc(sizeof(*p.acts) + size, GFP_KERNEL);
	if (!p.acts)
		return ERR_PTR(-ENOMEM);
	p.acts->size = size;
	p.acts->dump_len = nla_len(attr);
	err = ovs_act_parse_list(&p, attr);
	if (err) {
		/*
		 * A list whose parsing failed has a length that does not count
		 * what it holds: its records stand behind it all the same.
		 */
		ovs_act_free_list(p.acts->acts, p.acts->len);
		kfree(p.acts);
		return ERR_PTR(err);
	}
	if (p.acts->n_progs)
		ovs_bpf_link(p.acts->acts,
			     ovs_acts_end(p.acts->acts, p.acts->len));
	return p.acts;
}

static void acts_free_now(struct sw_flow_actions *acts)
{
	ovs_act_free_list(acts->acts, acts->len);
	kfree(acts);
}

static void acts_free_work(struct work_struct *work)
{
	acts_free_now(container_of(work, struct sw_flow_actions, work));
}

/**
 * ovs_acts_free - free actions that no packet can reach
 * @acts: the actions.
 *
 * Context: any; programs are let go in process context.
 */
void ovs_acts_free(struct sw_flow_actions *acts)
{
	if (!acts->has_refs) {
		kfree(acts);
		return;
	}
	INIT_WORK(&acts->work, acts_free_work);
	queue_work(ovs_wq, &acts->work);
}

static void acts_free_cb(struct rcu_head *rcu)
{
	ovs_acts_free(container_of(rcu, struct sw_flow_actions, rcu));
}

/**
 * ovs_acts_free_rcu - free actions once packets are done with them
 * @acts: the actions.
 *
 * Context: any.
 */
void ovs_acts_free_rcu(struct sw_flow_actions *acts)
{
	call_rcu(&acts->rcu, acts_free_cb);
}

/**
 * ovs_acts_dump_size - room that actions may take in a message
 * @acts: the actions.
 *
 * Context: any in which the actions can't be freed.
 * Return: bytes, without the header of the nest.
 */
size_t ovs_acts_dump_size(const struct sw_flow_actions *acts)
{
	return acts->dump_len;
}

/**
 * ovs_nla_put_acts_nest - write actions
 * @msg: the message.
 * @attr: type of the nest.
 * @acts: the actions.
 *
 * Context: any.
 * Return: 0 or -EMSGSIZE; then @msg is as before.
 */
int ovs_nla_put_acts_nest(struct sk_buff *msg, int attr,
			  const struct sw_flow_actions *acts)
{
	struct nlattr *nest = nla_nest_start_noflag(msg, attr);

	if (!nest)
		return -EMSGSIZE;
	if (ovs_act_dump_list(msg, acts->acts, acts->len)) {
		nla_nest_cancel(msg, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(msg, nest);
	return 0;
}
