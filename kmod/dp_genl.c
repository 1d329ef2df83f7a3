// SPDX-License-Identifier: GPL-2.0
/*
 * Family ovs_datapath: make, change, list and remove datapaths.
 */
#include <net/genetlink.h>
#include <net/sock.h>

#include "datapath.h"
#include "vport.h"

#define DP_FEATURES (OVS_DP_F_UNALIGNED | OVS_DP_F_VPORT_PIDS | \
		     OVS_DP_F_DISPATCH_UPCALL_PER_CPU)

static const struct nla_policy dp_policy[OVS_DP_ATTR_MAX + 1] = {
	[OVS_DP_ATTR_NAME] = { .type = NLA_NUL_STRING, .len = IFNAMSIZ - 1 },
	[OVS_DP_ATTR_UPCALL_PID] = { .type = NLA_U32 },
	[OVS_DP_ATTR_USER_FEATURES] = { .type = NLA_U32 },
	[OVS_DP_ATTR_MASKS_CACHE_SIZE] =
		NLA_POLICY_RANGE(NLA_U32, 0, OVS_MASK_CACHE_MAX),
	[OVS_DP_ATTR_IFINDEX] = NLA_POLICY_MIN(NLA_S32, 0),
};

static const struct genl_multicast_group dp_mcgrp = {
	.name = OVS_DATAPATH_MCGROUP,
};

static size_t dp_msg_size(const struct datapath *dp)
{
	return NLMSG_ALIGN(sizeof(struct ovs_header)) +
	       nla_total_size(IFNAMSIZ) +
	       nla_total_size_64bit(sizeof(struct ovs_dp_stats)) +
	       nla_total_size_64bit(sizeof(struct ovs_dp_megaflow_stats)) +
	       2 * nla_total_size(sizeof(u32)) +
	       nla_total_size(0) +
	       OVS_DROP_ATTR_PAD * nla_total_size_64bit(sizeof(u64)) +
	       nla_total_size(nr_cpu_ids * sizeof(u32));
}

static void dp_sum_stats(const struct datapath *dp,
			 struct dp_stats_percpu *sum)
{
	unsigned int i;
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const struct dp_stats_percpu *s =
			per_cpu_ptr(dp->stats_percpu, cpu);
		struct dp_stats_percpu n;
		unsigned int start;

		do {
			start = ovs_u64_stats_begin(&s->syncp);
			n = *s;
		} while (ovs_u64_stats_retry(&s->syncp, start));
		sum->n_hit += n.n_hit;
		sum->n_missed += n.n_missed;
		sum->n_lost += n.n_lost;
		sum->n_mask_hit += n.n_mask_hit;
		sum->n_cache_hit += n.n_cache_hit;
		for (i = 0; i < ARRAY_SIZE(sum->drops); i++)
			sum->drops[i] += n.drops[i];
	}
}

static int dp_put_drops(struct sk_buff *msg, const struct dp_stats_percpu *sum)
{
	struct nlattr *nest = nla_nest_start_noflag(msg, OVS_DP_ATTR_DROPS);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 1; i < OVS_DROP_ATTR_PAD; i++)
		if (nla_put_u64_64bit(msg, i, sum->drops[i], OVS_DROP_ATTR_PAD))
			return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int dp_put_stats(struct sk_buff *msg, const struct datapath *dp)
{
	struct ovs_dp_megaflow_stats mega = {};
	struct ovs_dp_stats stats = {};
	struct dp_stats_percpu sum;

	dp_sum_stats(dp, &sum);
	stats.n_hit = sum.n_hit;
	stats.n_missed = sum.n_missed;
	stats.n_lost = sum.n_lost;
	stats.n_flows = READ_ONCE(dp->table.count);
	mega.n_mask_hit = sum.n_mask_hit;
	mega.n_cache_hit = sum.n_cache_hit;
	mega.n_masks = ovs_flow_tbl_num_masks(&dp->table);
	if (nla_put_64bit(msg, OVS_DP_ATTR_STATS, sizeof(stats), &stats,
			  OVS_DP_ATTR_PAD) ||
	    nla_put_64bit(msg, OVS_DP_ATTR_MEGAFLOW_STATS, sizeof(mega), &mega,
			  OVS_DP_ATTR_PAD))
		return -EMSGSIZE;
	return dp_put_drops(msg, &sum);
}

/* Context: RCU read side or ovs_mutex held. */
static int dp_fill(struct sk_buff *msg, const struct datapath *dp, u32 portid,
		   u32 seq, int flags, u8 cmd)
{
	const struct dp_nlsk_pids *pids = rcu_dereference_ovsl(dp->upcall_pids);
	struct ovs_header *hdr;

	hdr = genlmsg_put(msg, portid, seq, &dp_datapath_genl_family, flags,
			  cmd);
	if (!hdr)
		return -EMSGSIZE;
	hdr->dp_ifindex = ovs_dp_ifindex(dp);
	if (nla_put_string(msg, OVS_DP_ATTR_NAME, ovs_dp_name(dp)) ||
	    dp_put_stats(msg, dp) ||
	    nla_put_u32(msg, OVS_DP_ATTR_USER_FEATURES, dp->user_features) ||
	    nla_put_u32(msg, OVS_DP_ATTR_MASKS_CACHE_SIZE,
			ovs_flow_tbl_cache_size(&dp->table)) ||
	    (pids && dp->user_features & OVS_DP_F_DISPATCH_UPCALL_PER_CPU &&
	     nla_put(msg, OVS_DP_ATTR_PER_CPU_PIDS,
		     min_t(u32, pids->n_pids, nr_cpu_ids) * sizeof(u32),
		     pids->pids))) {
		genlmsg_cancel(msg, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);
	return 0;
}

/* Context: ovs_mutex held. */
static struct sk_buff *dp_msg(const struct datapath *dp,
			      struct genl_info *info, u8 cmd)
{
	struct sk_buff *msg = genlmsg_new(dp_msg_size(dp), GFP_KERNEL);

	if (!msg)
		return ERR_PTR(-ENOMEM);
	if (WARN_ON_ONCE(dp_fill(msg, dp, info->snd_portid, info->snd_seq, 0,
				 cmd))) {
		nlmsg_free(msg);
		return ERR_PTR(-EMSGSIZE);
	}
	return msg;
}

/* The datapath that a request is about.  Context: ovs_mutex held. */
static struct datapath *dp_find(struct genl_info *info)
{
	const struct ovs_header *hdr = genl_info_userhdr(info);
	struct datapath *dp;

	if (info->attrs[OVS_DP_ATTR_NAME])
		dp = ovs_dp_lookup_name(genl_info_net(info),
					nla_data(info->attrs[OVS_DP_ATTR_NAME]));
	else
		dp = ovs_dp_lookup(genl_info_net(info), hdr->dp_ifindex);
	if (!dp) {
		NL_SET_ERR_MSG(info->extack, "no such datapath");
		return ERR_PTR(-ENODEV);
	}
	return dp;
}

/* Check all that a request wants changed before any of it is. */
static int dp_check(struct genl_info *info)
{
	struct nlattr **a = info->attrs;
	struct nlattr *features = a[OVS_DP_ATTR_USER_FEATURES];
	struct nlattr *pids = a[OVS_DP_ATTR_PER_CPU_PIDS];
	struct nlattr *cache = a[OVS_DP_ATTR_MASKS_CACHE_SIZE];

	if (features && nla_get_u32(features) & OVS_DP_F_TC_RECIRC_SHARING) {
		NL_SET_ERR_MSG_ATTR(info->extack, features,
				    "chains of tc can't be shared: user feature TC_RECIRC_SHARING");
		return -EOPNOTSUPP;
	}
	if (features && nla_get_u32(features) & ~DP_FEATURES) {
		NL_SET_ERR_MSG_ATTR(info->extack, features,
				    "unknown user feature");
		return -EOPNOTSUPP;
	}
	if (pids && (!nla_len(pids) || nla_len(pids) % sizeof(u32))) {
		NL_SET_ERR_MSG_ATTR(info->extack, pids,
				    "PER_CPU_PIDS must be an array of u32");
		return -EINVAL;
	}
	if (cache && nla_get_u32(cache) &&
	    !is_power_of_2(nla_get_u32(cache))) {
		NL_SET_ERR_MSG_ATTR(info->extack, cache,
				    "MASKS_CACHE_SIZE must be 0 or a power of two");
		return -EINVAL;
	}
	return 0;
}

/* Apply what dp_check() let through.  Context: ovs_mutex held. */
static int dp_change(struct datapath *dp, struct genl_info *info)
{
	struct nlattr **a = info->attrs;
	int err;

	if (a[OVS_DP_ATTR_MASKS_CACHE_SIZE]) {
		err = ovs_flow_tbl_set_cache_size(&dp->table,
						  nla_get_u32(a[OVS_DP_ATTR_MASKS_CACHE_SIZE]));
		if (err)
			return err;
	}
	if (a[OVS_DP_ATTR_PER_CPU_PIDS]) {
		err = ovs_dp_set_upcall_pids(dp, a[OVS_DP_ATTR_PER_CPU_PIDS]);
		if (err)
			return err;
	}
	if (a[OVS_DP_ATTR_USER_FEATURES])
		WRITE_ONCE(dp->user_features,
			   nla_get_u32(a[OVS_DP_ATTR_USER_FEATURES]));
	return 0;
}

static int dp_cmd_new(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **a = info->attrs;
	struct sk_buff *reply;
	struct datapath *dp;
	int err;

	if (!a[OVS_DP_ATTR_NAME] || !a[OVS_DP_ATTR_UPCALL_PID]) {
		NL_SET_ERR_MSG(info->extack, "NAME and UPCALL_PID are needed");
		return -EINVAL;
	}
	err = dp_check(info);
	if (err)
		return err;

	rtnl_lock();
	ovs_lock();
	dp = ovs_dp_create(genl_info_net(info), nla_data(a[OVS_DP_ATTR_NAME]),
			   a[OVS_DP_ATTR_IFINDEX] ?
			   nla_get_s32(a[OVS_DP_ATTR_IFINDEX]) : 0, 0,
			   a[OVS_DP_ATTR_UPCALL_PID], info->extack);
	if (IS_ERR(dp)) {
		err = PTR_ERR(dp) == -EBUSY ? -EEXIST : PTR_ERR(dp);
		goto out;
	}
	err = dp_change(dp, info);
	if (err)
		goto err_dp;
	reply = dp_msg(dp, info, OVS_DP_CMD_NEW);
	if (IS_ERR(reply)) {
		err = PTR_ERR(reply);
		goto err_dp;
	}
	ovs_vports_unlock();
	rtnl_unlock();
	ovs_notify(&dp_datapath_genl_family, reply, info);
	return 0;

err_dp:
	ovs_dp_destroy(dp);
out:
	ovs_vports_unlock();
	rtnl_unlock();
	return err;
}

static int dp_cmd_del(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply = NULL;
	struct datapath *dp;
	int err = 0;

	rtnl_lock();
	ovs_lock();
	dp = dp_find(info);
	if (IS_ERR(dp)) {
		err = PTR_ERR(dp);
		goto out;
	}
	reply = dp_msg(dp, info, OVS_DP_CMD_DEL);
	if (IS_ERR(reply)) {
		err = PTR_ERR(reply);
		goto out;
	}
	ovs_dp_destroy(dp);
out:
	ovs_vports_unlock();
	rtnl_unlock();
	if (!err)
		ovs_notify(&dp_datapath_genl_family, reply, info);
	return err;
}

static int dp_cmd_set(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply = NULL;
	struct datapath *dp;
	int err;

	err = dp_check(info);
	if (err)
		return err;
	ovs_lock();
	dp = dp_find(info);
	err = PTR_ERR_OR_ZERO(dp);
	if (!err)
		err = dp_change(dp, info);
	if (!err) {
		reply = dp_msg(dp, info, OVS_DP_CMD_SET);
		err = PTR_ERR_OR_ZERO(reply);
	}
	ovs_unlock();
	if (!err)
		ovs_notify(&dp_datapath_genl_family, reply, info);
	return err;
}

static int dp_cmd_get(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply = NULL;
	struct datapath *dp;
	int err;

	ovs_lock();
	dp = dp_find(info);
	err = PTR_ERR_OR_ZERO(dp);
	if (!err) {
		reply = dp_msg(dp, info, OVS_DP_CMD_SET);
		err = PTR_ERR_OR_ZERO(reply);
	}
	ovs_unlock();
	return err ?: genlmsg_reply(reply, info);
}

static int dp_cmd_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct ovs_net *ovs_net = net_generic(sock_net(skb->sk), ovs_net_id);
	int skip = cb->args[0], i = 0;
	struct datapath *dp;

	ovs_lock();
	list_for_each_entry(dp, &ovs_net->dps, list_node) {
		if (i >= skip &&
		    dp_fill(skb, dp, NETLINK_CB(cb->skb).portid,
			    cb->nlh->nlmsg_seq, NLM_F_MULTI, OVS_DP_CMD_SET))
			break;
		i++;
	}
	ovs_unlock();
	cb->args[0] = i;
	return skb->len;
}

static const struct genl_small_ops dp_ops[] = {
	{
		.cmd = OVS_DP_CMD_NEW,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = dp_cmd_new,
	},
	{
		.cmd = OVS_DP_CMD_DEL,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = dp_cmd_del,
	},
	{
		.cmd = OVS_DP_CMD_GET,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.doit = dp_cmd_get,
		.dumpit = dp_cmd_dump,
	},
	{
		.cmd = OVS_DP_CMD_SET,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = dp_cmd_set,
	},
};

struct genl_family dp_datapath_genl_family __ro_after_init = {
	.hdrsize = sizeof(struct ovs_header),
	.name = OVS_DATAPATH_FAMILY,
	.version = OVS_DATAPATH_VERSION,
	.maxattr = OVS_DP_ATTR_MAX,
	.policy = dp_policy,
	.netnsok = true,
	.parallel_ops = true,
	.small_ops = dp_ops,
	.n_small_ops = ARRAY_SIZE(dp_ops),
	.resv_start_op = OVS_DP_CMD_SET + 1,
	.mcgrps = &dp_mcgrp,
	.n_mcgrps = 1,
	.module = THIS_MODULE,
};
