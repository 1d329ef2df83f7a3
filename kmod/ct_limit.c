// SPDX-License-Identifier: GPL-2.0
/*
 * Family ovs_ct_limit: how many connections each zone may have.
 *
 * Limits belong to a namespace, not to a datapath.  A namespace has none of
 * this until somebody sets the first limit: then connections are counted as
 * they are committed to a zone that has one.
 */
#include <linux/slab.h>
#include <linux/xarray.h>
#include <net/genetlink.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_count.h>

#include "compat/conntrack.h"
#include "conntrack.h"
#include "datapath.h"

/**
 * struct zone_limit - the limit of a zone
 * @rcu: its freeing.
 * @limit: connections; 0: no limit.
 */
struct zone_limit {
	struct rcu_head rcu;
	u32 limit;
};

/**
 * struct ovs_ct_limits - the limits of a namespace; changed under ovs_mutex
 * @zones: struct zone_limit by zone, of those that have their own.
 * @def_limit: of the others.
 * @counts: connections by zone.
 */
struct ovs_ct_limits {
	struct xarray zones;
	u32 def_limit;
	struct nf_conncount_data *counts;
};

static const struct nla_policy ct_limit_policy[OVS_CT_LIMIT_ATTR_MAX + 1] = {
	[OVS_CT_LIMIT_ATTR_ZONE_LIMIT] = { .type = NLA_NESTED },
};

static struct ovs_ct_limits *limits_of(struct net *net)
{
	struct ovs_net *ovs_net = net_generic(net, ovs_net_id);

	/* Published once, and there until the namespace goes. */
	return smp_load_acquire(&ovs_net->ct_limits);
}

/* Context: RCU read side. */
static u32 limit_of(struct ovs_ct_limits *limits, u16 zone)
{
	const struct zone_limit *own = xa_load(&limits->zones, zone);

	return own ? READ_ONCE(own->limit) : READ_ONCE(limits->def_limit);
}

/**
 * ovs_ct_limit_exceeded - count a new connection
 * @net: the namespace.
 * @skb: its packet, tracked; the connection is not confirmed.
 * @act: the action that is about to commit it.
 *
 * Context: RCU read side, BH disabled.
 * Return: whether its zone has more connections now than it may.
 */
bool ovs_ct_limit_exceeded(struct net *net, const struct sk_buff *skb,
			   const struct ovs_ct_act *act)
{
	struct ovs_ct_limits *limits = limits_of(net);
	u32 zone = act->zone.id;
	u32 limit;

	if (likely(!limits))
		return false;
	limit = limit_of(limits, zone);
	if (!limit)
		return false;
	return ovs_conncount_add(net, skb, act->family, limits->counts, &zone,
				 &act->zone) > limit;
}

/* Context: process, ovs_mutex held. */
static struct ovs_ct_limits *limits_make(struct net *net)
{
	struct ovs_net *ovs_net = net_generic(net, ovs_net_id);
	struct ovs_ct_limits *limits = ovs_net->ct_limits;

	if (limits)
		return limits;
	limits = kzalloc(sizeof(*limits), GFP_KERNEL);
	if (!limits)
		return ERR_PTR(-ENOMEM);
	limits->counts = ovs_conncount_init(net, sizeof(u32));
	if (IS_ERR(limits->counts)) {
		void *err = ERR_CAST(limits->counts);

		kfree(limits);
		return err;
	}
	xa_init(&limits->zones);
	smp_store_release(&ovs_net->ct_limits, limits);
	return limits;
}

/* Context: process; no packet of the namespace is under way. */
void ovs_ct_limit_net_exit(struct net *net)
{
	struct ovs_net *ovs_net = net_generic(net, ovs_net_id);
	struct ovs_ct_limits *limits = ovs_net->ct_limits;
	struct zone_limit *own;
	unsigned long zone;

	if (!limits)
		return;
	ovs_net->ct_limits = NULL;
	ovs_conncount_destroy(net, limits->counts);
	xa_for_each(&limits->zones, zone, own)
		kfree(own);
	xa_destroy(&limits->zones);
	kfree(limits);
}

/* The next of the zone limits in an attribute, or NULL. */
static const struct ovs_zone_limit *next_limit(const struct nlattr *attr,
					       int *pos)
{
	const struct ovs_zone_limit *zl = nla_data(attr) + *pos;

	*pos += NLA_ALIGN(sizeof(*zl));
	return *pos <= nla_len(attr) ? zl : NULL;
}

static bool valid_zone(int zone)
{
	return zone >= 0 && zone <= U16_MAX;
}

/* Context: process, ovs_mutex held. */
static int set_zone(struct ovs_ct_limits *limits, u16 zone, u32 limit)
{
	struct zone_limit *own = xa_load(&limits->zones, zone);
	int err;

	if (own) {
		WRITE_ONCE(own->limit, limit);
		return 0;
	}
	own = kzalloc(sizeof(*own), GFP_KERNEL);
	if (!own)
		return -ENOMEM;
	own->limit = limit;
	err = xa_err(xa_store(&limits->zones, zone, own, GFP_KERNEL));
	if (err)
		kfree(own);
	return err;
}

static int set_limits(struct net *net, const struct nlattr *attr)
{
	struct ovs_ct_limits *limits = limits_make(net);
	const struct ovs_zone_limit *zl;
	int pos = 0, err;

	if (IS_ERR(limits))
		return PTR_ERR(limits);
	while ((zl = next_limit(attr, &pos))) {
		if (zl->zone_id == OVS_ZONE_LIMIT_DEFAULT_ZONE) {
			WRITE_ONCE(limits->def_limit, zl->limit);
		} else if (valid_zone(zl->zone_id)) {
			err = set_zone(limits, zl->zone_id, zl->limit);
			if (err)
				return err;
		}
	}
	return 0;
}

static int del_limits(struct net *net, const struct nlattr *attr)
{
	struct ovs_ct_limits *limits = limits_of(net);
	const struct ovs_zone_limit *zl;
	struct zone_limit *own;
	int pos = 0;

	if (!limits)
		return 0;
	while ((zl = next_limit(attr, &pos))) {
		if (zl->zone_id == OVS_ZONE_LIMIT_DEFAULT_ZONE) {
			WRITE_ONCE(limits->def_limit, 0);
		} else if (valid_zone(zl->zone_id)) {
			own = xa_erase(&limits->zones, zl->zone_id);
			if (own)
				kfree_rcu(own, rcu);
		}
	}
	return 0;
}

static int put_limit(struct sk_buff *msg, int zone, u32 limit, u32 count)
{
	struct ovs_zone_limit zl = {
		.zone_id = zone,
		.limit = limit,
		.count = count,
	};

	return nla_append(msg, sizeof(zl), &zl);
}

static int put_zone(struct sk_buff *msg, struct net *net,
		    struct ovs_ct_limits *limits, u16 zone)
{
	u32 key = zone, limit = 0, count = 0;

	if (limits) {
		struct nf_conntrack_zone nf_zone;

		nf_ct_zone_init(&nf_zone, zone, NF_CT_DEFAULT_ZONE_DIR, 0);
		rcu_read_lock();
		limit = limit_of(limits, zone);
		count = ovs_conncount_get(net, limits->counts, &key, &nf_zone);
		rcu_read_unlock();
	}
	return put_limit(msg, zone, limit, count);
}

static int put_default(struct sk_buff *msg, const struct ovs_ct_limits *limits)
{
	return put_limit(msg, OVS_ZONE_LIMIT_DEFAULT_ZONE,
			 limits ? READ_ONCE(limits->def_limit) : 0, 0);
}

static int put_named(struct sk_buff *msg, struct net *net,
		     const struct nlattr *attr)
{
	struct ovs_ct_limits *limits = limits_of(net);
	const struct ovs_zone_limit *zl;
	int pos = 0, err = 0;

	while (!err && (zl = next_limit(attr, &pos))) {
		if (zl->zone_id == OVS_ZONE_LIMIT_DEFAULT_ZONE)
			err = put_default(msg, limits);
		else if (valid_zone(zl->zone_id))
			err = put_zone(msg, net, limits, zl->zone_id);
	}
	return err;
}

static int put_all(struct sk_buff *msg, struct net *net)
{
	struct ovs_ct_limits *limits = limits_of(net);
	unsigned long zone;
	void *own;
	int err;

	err = put_default(msg, limits);
	if (err || !limits)
		return err;
	xa_for_each(&limits->zones, zone, own) {
		err = put_zone(msg, net, limits, zone);
		if (err)
			return err;
	}
	return 0;
}

/* An answer, with room for @len bytes behind its header. */
static struct sk_buff *reply_start(struct genl_info *info, u8 cmd, size_t len,
				   struct ovs_header **hdr)
{
	const struct ovs_header *req = genl_info_userhdr(info);
	struct sk_buff *msg;

	msg = genlmsg_new(NLMSG_ALIGN(sizeof(**hdr)) + len, GFP_KERNEL);
	if (!msg)
		return ERR_PTR(-ENOMEM);
	*hdr = genlmsg_put_reply(msg, info, &ovs_ct_limit_genl_family, 0, cmd);
	if (!*hdr) {
		nlmsg_free(msg);
		return ERR_PTR(-EMSGSIZE);
	}
	(*hdr)->dp_ifindex = req->dp_ifindex;
	return msg;
}

/* SET and DEL. */
static int change(struct genl_info *info, u8 cmd,
		  int (*fn)(struct net *net, const struct nlattr *attr))
{
	const struct nlattr *attr = info->attrs[OVS_CT_LIMIT_ATTR_ZONE_LIMIT];
	struct ovs_header *hdr;
	struct sk_buff *msg;
	int err;

	if (!attr) {
		NL_SET_ERR_MSG(info->extack, "ZONE_LIMIT is needed");
		return -EINVAL;
	}
	msg = reply_start(info, cmd, 0, &hdr);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	ovs_lock();
	err = fn(genl_info_net(info), attr);
	ovs_unlock();
	if (err) {
		NL_SET_ERR_MSG(info->extack, "no memory for the limits");
		nlmsg_free(msg);
		return err;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}

static int ct_limit_cmd_set(struct sk_buff *skb, struct genl_info *info)
{
	return change(info, OVS_CT_LIMIT_CMD_SET, set_limits);
}

static int ct_limit_cmd_del(struct sk_buff *skb, struct genl_info *info)
{
	return change(info, OVS_CT_LIMIT_CMD_DEL, del_limits);
}

/*
 * Bytes of the answer to a GET.  The length of an attribute has 16 bits: -EMSGSIZE if that
 * is too little for all limits; the sender can name some of them instead.
 * Context: process, ovs_mutex held.
 */
static int get_len(struct net *net, const struct nlattr *attr)
{
	const unsigned int one = NLA_ALIGN(sizeof(struct ovs_zone_limit));
	struct ovs_ct_limits *limits = limits_of(net);
	int len = nla_attr_size(one);	/* the default */
	unsigned long zone;
	void *own;

	if (attr)
		return nla_total_size(nla_len(attr));
	if (!limits)
		return len;
	xa_for_each(&limits->zones, zone, own) {
		len += one;
		if (len > U16_MAX)
			return -EMSGSIZE;
	}
	return len;
}

/* Context: process, ovs_mutex held.  Return: an answer to a GET, or an error pointer. */
static struct sk_buff *get_limits(struct genl_info *info)
{
	const struct nlattr *attr = info->attrs[OVS_CT_LIMIT_ATTR_ZONE_LIMIT];
	struct net *net = genl_info_net(info);
	int len = get_len(net, attr), err;
	struct ovs_header *hdr;
	struct nlattr *nest;
	struct sk_buff *msg;

	if (len < 0)
		return ERR_PTR(len);
	msg = reply_start(info, OVS_CT_LIMIT_CMD_GET, len, &hdr);
	if (IS_ERR(msg))
		return msg;
	nest = nla_nest_start_noflag(msg, OVS_CT_LIMIT_ATTR_ZONE_LIMIT);
	if (!nest)
		err = -EMSGSIZE;
	else
		err = attr ? put_named(msg, net, attr) : put_all(msg, net);
	if (err) {
		nlmsg_free(msg);
		return ERR_PTR(err);
	}
	nla_nest_end(msg, nest);
	genlmsg_end(msg, hdr);
	return msg;
}

static int ct_limit_cmd_get(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg;

	ovs_lock();
	msg = get_limits(info);
	ovs_unlock();
	if (PTR_ERR(msg) == -EMSGSIZE)
		NL_SET_ERR_MSG(info->extack, "too many limits for one answer");
	return IS_ERR(msg) ? PTR_ERR(msg) : genlmsg_reply(msg, info);
}

static const struct genl_small_ops ct_limit_ops[] = {
	{
		.cmd = OVS_CT_LIMIT_CMD_SET,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = ct_limit_cmd_set,
	},
	{
		.cmd = OVS_CT_LIMIT_CMD_DEL,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = ct_limit_cmd_del,
	},
	{
		.cmd = OVS_CT_LIMIT_CMD_GET,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.doit = ct_limit_cmd_get,
	},
};

static const struct genl_multicast_group ct_limit_mcgrp = {
	.name = OVS_CT_LIMIT_MCGROUP,
};

struct genl_family ovs_ct_limit_genl_family __ro_after_init = {
	.hdrsize = sizeof(struct ovs_header),
	.name = OVS_CT_LIMIT_FAMILY,
	.version = OVS_CT_LIMIT_VERSION,
	.maxattr = OVS_CT_LIMIT_ATTR_MAX,
	.policy = ct_limit_policy,
	.netnsok = true,
	.parallel_ops = true,
	.small_ops = ct_limit_ops,
	.n_small_ops = ARRAY_SIZE(ct_limit_ops),
	.resv_start_op = OVS_CT_LIMIT_CMD_GET + 1,
	.mcgrps = &ct_limit_mcgrp,
	.n_mcgrps = 1,
	.module = THIS_MODULE,
};
