// SPDX-License-Identifier: GPL-2.0
/*
 * Family ovs_meter: make, change, read and remove meters.
 */
#include <linux/slab.h>
#include <net/genetlink.h>

#include "datapath.h"
#include "meter.h"

static const struct nla_policy meter_policy[OVS_METER_ATTR_MAX + 1] = {
	[OVS_METER_ATTR_ID] = { .type = NLA_U32 },
	[OVS_METER_ATTR_KBPS] = { .type = NLA_FLAG },
	[OVS_METER_ATTR_BANDS] = { .type = NLA_NESTED },
	[OVS_METER_ATTR_CLEAR] = { .type = NLA_FLAG },
};

static const struct nla_policy band_policy[OVS_BAND_ATTR_MAX + 1] = {
	[OVS_BAND_ATTR_TYPE] = { .type = NLA_U32 },
	[OVS_BAND_ATTR_RATE] = { .type = NLA_U32 },
	[OVS_BAND_ATTR_BURST] = { .type = NLA_U32 },
};

static const struct genl_multicast_group meter_mcgrp = {
	.name = OVS_METER_MCGROUP,
};

static int meter_refuse(struct genl_info *info, const struct nlattr *attr,
			const char *msg)
{
	NL_SET_BAD_ATTR(info->extack, attr);
	if (info->extack)
		info->extack->_msg = msg;
	return -EINVAL;
}

static size_t meter_msg_size(void)
{
	return NLMSG_ALIGN(sizeof(struct ovs_header)) +
	       3 * nla_total_size(sizeof(u32)) +	/* id; or limits */
	       nla_total_size_64bit(sizeof(struct ovs_flow_stats)) +
	       nla_total_size_64bit(sizeof(u64)) +	/* used */
	       nla_total_size(0) +			/* bands */
	       OVS_METER_BANDS_MAX * (nla_total_size(0) +
				      nla_total_size(sizeof(u32)) +
				      nla_total_size(sizeof(struct ovs_flow_stats)));
}

/* An answer to a request, without contents yet. */
static struct sk_buff *meter_reply(struct genl_info *info, u8 cmd, void **hdr)
{
	const struct ovs_header *req = genl_info_userhdr(info);
	struct ovs_header *reply;
	struct sk_buff *msg;

	msg = genlmsg_new(meter_msg_size(), GFP_KERNEL);
	if (!msg)
		return NULL;
	reply = genlmsg_put_reply(msg, info, &dp_meter_genl_family, 0, cmd);
	if (WARN_ON_ONCE(!reply)) {
		nlmsg_free(msg);
		return NULL;
	}
	reply->dp_ifindex = req->dp_ifindex;
	*hdr = reply;
	return msg;
}

/* The datapath that a request is about.  Context: ovs_mutex or RCU read side. */
static struct datapath *meter_dp(struct genl_info *info)
{
	const struct ovs_header *hdr = genl_info_userhdr(info);
	struct datapath *dp = ovs_dp_lookup(genl_info_net(info),
					    hdr->dp_ifindex);

	if (!dp)
		NL_SET_ERR_MSG(info->extack, "no such datapath");
	return dp;
}

static int put_bands(struct sk_buff *msg, const struct dp_meter *meter)
{
	struct nlattr *bands, *band;

	bands = nla_nest_start_noflag(msg, OVS_METER_ATTR_BANDS);
	if (!bands)
		return -EMSGSIZE;
	if (meter->n_bands) {
		band = nla_nest_start_noflag(msg, OVS_BAND_ATTR_UNSPEC);
		if (!band || nla_put(msg, OVS_BAND_ATTR_STATS,
				     sizeof(meter->band.stats),
				     &meter->band.stats))
			return -EMSGSIZE;
		nla_nest_end(msg, band);
	}
	nla_nest_end(msg, bands);
	return 0;
}

/* What a meter has counted.  Context: ovs_mutex or RCU read side. */
static int put_meter(struct sk_buff *msg, struct dp_meter *meter)
{
	int err;

	spin_lock_bh(&meter->lock);
	err = nla_put(msg, OVS_METER_ATTR_STATS, sizeof(meter->stats),
		      &meter->stats);
	if (!err)
		err = nla_put_u64_64bit(msg, OVS_METER_ATTR_USED,
					div_u64(meter->used, NSEC_PER_MSEC),
					OVS_METER_ATTR_PAD);
	if (!err)
		err = put_bands(msg, meter);
	spin_unlock_bh(&meter->lock);
	return err;
}

static int meter_cmd_features(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *bands, *band;
	struct sk_buff *msg;
	bool have;
	void *hdr;

	rcu_read_lock();
	have = meter_dp(info);
	rcu_read_unlock();
	if (!have)
		return -ENODEV;
	msg = meter_reply(info, OVS_METER_CMD_FEATURES, &hdr);
	if (!msg)
		return -ENOMEM;
	if (nla_put_u32(msg, OVS_METER_ATTR_MAX_METERS, OVS_METERS_MAX) ||
	    nla_put_u32(msg, OVS_METER_ATTR_MAX_BANDS, OVS_METER_BANDS_MAX))
		goto too_long;
	bands = nla_nest_start_noflag(msg, OVS_METER_ATTR_BANDS);
	if (!bands)
		goto too_long;
	band = nla_nest_start_noflag(msg, OVS_BAND_ATTR_UNSPEC);
	if (!band || nla_put_u32(msg, OVS_BAND_ATTR_TYPE,
				 OVS_METER_BAND_TYPE_DROP))
		goto too_long;
	nla_nest_end(msg, band);
	nla_nest_end(msg, bands);
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);

too_long:
	nlmsg_free(msg);
	return -EMSGSIZE;
}

static int meter_parse_band(struct dp_meter *meter, const struct nlattr *attr,
			    struct genl_info *info)
{
	struct nlattr *tb[OVS_BAND_ATTR_MAX + 1];
	u32 rate;
	int err;

	if (meter->n_bands == OVS_METER_BANDS_MAX)
		return meter_refuse(info, attr, "a meter has one band at most");
	err = nla_parse_nested_deprecated(tb, OVS_BAND_ATTR_MAX, attr,
					  band_policy, info->extack);
	if (err)
		return err;
	if (!tb[OVS_BAND_ATTR_TYPE] || !tb[OVS_BAND_ATTR_RATE] ||
	    !tb[OVS_BAND_ATTR_BURST])
		return meter_refuse(info, attr,
				    "a band needs TYPE, RATE and BURST");
	if (nla_get_u32(tb[OVS_BAND_ATTR_TYPE]) != OVS_METER_BAND_TYPE_DROP)
		return meter_refuse(info, tb[OVS_BAND_ATTR_TYPE],
				    "unknown type of band");
	rate = nla_get_u32(tb[OVS_BAND_ATTR_RATE]);
	if (!rate)
		return meter_refuse(info, tb[OVS_BAND_ATTR_RATE],
				    "the rate of a band must not be 0");
	token_bucket_init(&meter->band.bucket, rate,
			  nla_get_u32(tb[OVS_BAND_ATTR_BURST]), meter->used);
	meter->n_bands++;
	return 0;
}

/* Make a meter of a request; the bucket is full. */
static struct dp_meter *meter_parse(struct genl_info *info)
{
	struct nlattr **a = info->attrs;
	struct dp_meter *meter;
	struct nlattr *attr;
	int rem, err;

	if (!a[OVS_METER_ATTR_ID] || !a[OVS_METER_ATTR_BANDS]) {
		NL_SET_ERR_MSG(info->extack, "ID and BANDS are needed");
		return ERR_PTR(-EINVAL);
	}
	meter = kzalloc(sizeof(*meter), GFP_KERNEL_ACCOUNT);
	if (!meter)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&meter->lock);
	meter->id = nla_get_u32(a[OVS_METER_ATTR_ID]);
	meter->kbps = a[OVS_METER_ATTR_KBPS];
	meter->used = ktime_get_ns();
	nla_for_each_nested(attr, a[OVS_METER_ATTR_BANDS], rem) {
		err = meter_parse_band(meter, attr, info);
		if (err) {
			kfree(meter);
			return ERR_PTR(err);
		}
	}
	return meter;
}

/*
 * Put a meter in its place, and what the one before it counted into @msg.  Its
 * own counters start from zero, with OVS_METER_ATTR_CLEAR or without.
 */
static int meter_install(struct datapath *dp, struct dp_meter *meter,
			 struct sk_buff *msg, struct genl_info *info)
{
	struct dp_meter_table *table = &dp->meters;
	struct dp_meter *old = xa_load(&table->meters, meter->id);
	int err;

	if (!old && table->count == OVS_METERS_MAX) {
		NL_SET_ERR_MSG(info->extack,
			       "the datapath has all the meters that it may have");
		return -ENOSPC;
	}
	if (old) {
		err = put_meter(msg, old);
		if (err)
			return err;
	}
	err = xa_err(xa_store(&table->meters, meter->id, meter, GFP_KERNEL));
	if (err)
		return err;
	if (old)
		kfree_rcu(old, rcu);
	else
		table->count++;
	return 0;
}

static int meter_cmd_set(struct sk_buff *skb, struct genl_info *info)
{
	struct dp_meter *meter = meter_parse(info);
	struct datapath *dp;
	struct sk_buff *msg;
	void *hdr;
	int err;

	if (IS_ERR(meter))
		return PTR_ERR(meter);
	msg = meter_reply(info, OVS_METER_CMD_SET, &hdr);
	err = -ENOMEM;
	if (!msg)
		goto err_meter;
	err = nla_put_u32(msg, OVS_METER_ATTR_ID, meter->id);
	if (err)
		goto err_msg;

	ovs_lock();
	dp = meter_dp(info);
	err = dp ? meter_install(dp, meter, msg, info) : -ENODEV;
	ovs_unlock();
	if (err)
		goto err_msg;
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);

err_msg:
	nlmsg_free(msg);
err_meter:
	kfree(meter);
	return err;
}

/* Whether a request names a meter. */
static int meter_need_id(struct genl_info *info)
{
	if (info->attrs[OVS_METER_ATTR_ID])
		return 0;
	NL_SET_ERR_MSG(info->extack, "ID is needed");
	return -EINVAL;
}

static int meter_cmd_get(struct sk_buff *skb, struct genl_info *info)
{
	struct dp_meter *meter = NULL;
	struct datapath *dp;
	struct sk_buff *msg;
	void *hdr;
	int err;
	u32 id;

	err = meter_need_id(info);
	if (err)
		return err;
	id = nla_get_u32(info->attrs[OVS_METER_ATTR_ID]);
	msg = meter_reply(info, OVS_METER_CMD_GET, &hdr);
	if (!msg)
		return -ENOMEM;

	rcu_read_lock();
	dp = meter_dp(info);
	err = -ENODEV;
	if (dp) {
		meter = xa_load(&dp->meters.meters, id);
		err = -ENOENT;
	}
	if (meter)
		err = nla_put_u32(msg, OVS_METER_ATTR_ID, id) ?:
		      put_meter(msg, meter);
	rcu_read_unlock();
	if (err) {
		if (err == -ENOENT)
			NL_SET_ERR_MSG(info->extack, "no such meter");
		nlmsg_free(msg);
		return err;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}

/* One that is not there is no error: the answer is empty then. */
static int meter_cmd_del(struct sk_buff *skb, struct genl_info *info)
{
	struct dp_meter *meter;
	struct datapath *dp;
	struct sk_buff *msg;
	void *hdr;
	int err;

	err = meter_need_id(info);
	if (err)
		return err;
	msg = meter_reply(info, OVS_METER_CMD_DEL, &hdr);
	if (!msg)
		return -ENOMEM;

	ovs_lock();
	dp = meter_dp(info);
	err = -ENODEV;
	if (!dp)
		goto out;
	meter = xa_load(&dp->meters.meters,
			nla_get_u32(info->attrs[OVS_METER_ATTR_ID]));
	err = 0;
	if (!meter)
		goto out;
	err = nla_put_u32(msg, OVS_METER_ATTR_ID, meter->id) ?:
	      put_meter(msg, meter);
	if (err)
		goto out;
	xa_erase(&dp->meters.meters, meter->id);
	dp->meters.count--;
	kfree_rcu(meter, rcu);
out:
	ovs_unlock();
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}

static const struct genl_small_ops meter_ops[] = {
	{
		.cmd = OVS_METER_CMD_FEATURES,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.doit = meter_cmd_features,
	},
	{
		.cmd = OVS_METER_CMD_SET,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = meter_cmd_set,
	},
	{
		.cmd = OVS_METER_CMD_GET,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.doit = meter_cmd_get,
	},
	{
		.cmd = OVS_METER_CMD_DEL,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = meter_cmd_del,
	},
};

struct genl_family dp_meter_genl_family __ro_after_init = {
	.hdrsize = sizeof(struct ovs_header),
	.name = OVS_METER_FAMILY,
	.version = OVS_METER_VERSION,
	.maxattr = OVS_METER_ATTR_MAX,
	.policy = meter_policy,
	.netnsok = true,
	.parallel_ops = true,
	.small_ops = meter_ops,
	.n_small_ops = ARRAY_SIZE(meter_ops),
	.resv_start_op = OVS_METER_CMD_GET + 1,
	.mcgrps = &meter_mcgrp,
	.n_mcgrps = 1,
	.module = THIS_MODULE,
};
