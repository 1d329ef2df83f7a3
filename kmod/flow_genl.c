// SPDX-License-Identifier: GPL-2.0
/*
 * Family ovs_flow: install, change, list and remove megaflows.
 */
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "actions.h"
#include "datapath.h"
#include "flow_netlink.h"

#define UFID_MAX_LEN 16

#define FLOW_ATTR_MAX OVS_FLOW_ATTR_FIRST_PACKET

/* A message about many flows has so much, unless one alone needs more. */
#define DELETED_MSG_SIZE (8192 - 512)

static const struct nla_policy flow_policy[FLOW_ATTR_MAX + 1] = {
	[OVS_FLOW_ATTR_KEY] = { .type = NLA_NESTED },
	[OVS_FLOW_ATTR_MASK] = { .type = NLA_NESTED },
	[OVS_FLOW_ATTR_ACTIONS] = { .type = NLA_NESTED },
	[OVS_FLOW_ATTR_CLEAR] = { .type = NLA_FLAG },
	[OVS_FLOW_ATTR_PROBE] = { .type = NLA_FLAG },
	[OVS_FLOW_ATTR_UFID] = { .type = NLA_UNSPEC, .len = 1 },
	[OVS_FLOW_ATTR_UFID_FLAGS] = { .type = NLA_U32 },
	[OVS_FLOW_ATTR_UFIDS] = { .type = NLA_BINARY },
	[OVS_FLOW_ATTR_FIRST_PACKET] = { .type = NLA_NESTED },
};

static const struct genl_multicast_group flow_mcgrp = {
	.name = OVS_FLOW_MCGROUP,
};

static int ufid_get(struct sw_flow_id *id, const struct nlattr *attr,
		    struct netlink_ext_ack *extack)
{
	memset(id, 0, sizeof(*id));
	if (!attr)
		return 0;
	if (!nla_len(attr) || nla_len(attr) > UFID_MAX_LEN) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "UFID must have 1 to 16 bytes");
		return -EINVAL;
	}
	id->ufid_len = nla_len(attr);
	nla_memcpy(id->ufid, attr, nla_len(attr));
	return 0;
}

static u32 ufid_flags(const struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

/* Whether a message about a flow leaves a part out; but never what names it. */
static bool flow_omits(const struct sw_flow *flow, u32 flags, u32 part)
{
	return flags & part &&
	       (part != OVS_UFID_F_OMIT_KEY || flow->id.ufid_len);
}

/* Memory costs by its size: what is left out is not counted. */
static size_t flow_msg_size(const struct sw_flow *flow,
			    const struct sw_flow_actions *acts, u32 flags)
{
	bool tunnel = flow->mask->key.tun_proto ||
		      (flow->id.key && flow->id.key->tun_proto);
	size_t key = nla_total_size(ovs_key_attr_size(tunnel));
	size_t size = NLMSG_ALIGN(sizeof(struct ovs_header)) +
		      nla_total_size(UFID_MAX_LEN) +
		      nla_total_size_64bit(sizeof(struct ovs_flow_stats)) +
		      nla_total_size(1) + nla_total_size_64bit(sizeof(u64));

	if (!flow_omits(flow, flags, OVS_UFID_F_OMIT_KEY))
		size += key;
	if (!flow_omits(flow, flags, OVS_UFID_F_OMIT_MASK))
		size += key;
	if (!flow_omits(flow, flags, OVS_UFID_F_OMIT_ACTIONS))
		size += nla_total_size(ovs_acts_dump_size(acts));
	return size;
}

static int flow_put_match(struct sk_buff *msg, const struct sw_flow *flow,
			  u32 flags)
{
	bool with_key = !flow_omits(flow, flags, OVS_UFID_F_OMIT_KEY);
	bool with_mask = !flow_omits(flow, flags, OVS_UFID_F_OMIT_MASK);
	struct sw_flow_key key __uninitialized;

	if (flow->id.ufid_len && nla_put(msg, OVS_FLOW_ATTR_UFID,
					 flow->id.ufid_len, flow->id.ufid))
		return -EMSGSIZE;
	if (with_key || with_mask)
		ovs_flow_masked_key(flow, &key);
	if (with_key &&
	    ovs_nla_put_key_nest(msg, OVS_FLOW_ATTR_KEY, flow->id.key ?: &key))
		return -EMSGSIZE;
	if (with_mask &&
	    ovs_nla_put_mask_nest(msg, OVS_FLOW_ATTR_MASK, &key,
				  &flow->mask->key))
		return -EMSGSIZE;
	return 0;
}

static int flow_put_stats(struct sk_buff *msg, const struct sw_flow *flow)
{
	struct ovs_flow_totals t;

	ovs_flow_stats_get(flow, &t);
	if (t.used && nla_put_u64_64bit(msg, OVS_FLOW_ATTR_USED,
					ovs_flow_used_ms(t.used),
					OVS_FLOW_ATTR_PAD))
		return -EMSGSIZE;
	if (t.stats.n_packets &&
	    nla_put_64bit(msg, OVS_FLOW_ATTR_STATS, sizeof(t.stats), &t.stats,
			  OVS_FLOW_ATTR_PAD))
		return -EMSGSIZE;
	if ((u8)ntohs(t.tcp_flags) &&
	    nla_put_u8(msg, OVS_FLOW_ATTR_TCP_FLAGS, ntohs(t.tcp_flags)))
		return -EMSGSIZE;
	return 0;
}

/* Context: RCU read side, or ovs_mutex held. */
static int flow_fill(struct sk_buff *msg, const struct sw_flow *flow,
		     int dp_ifindex, u32 portid, u32 seq, int nl_flags, u8 cmd,
		     u32 flags)
{
	const struct sw_flow_actions *acts = rcu_dereference_ovsl(flow->sf_acts);
	struct ovs_header *hdr;

	hdr = genlmsg_put(msg, portid, seq, &dp_flow_genl_family, nl_flags,
			  cmd);
	if (!hdr)
		return -EMSGSIZE;
	hdr->dp_ifindex = dp_ifindex;
	if (flow_put_match(msg, flow, flags) || flow_put_stats(msg, flow) ||
	    (!flow_omits(flow, flags, OVS_UFID_F_OMIT_ACTIONS) &&
	     ovs_nla_put_acts_nest(msg, OVS_FLOW_ATTR_ACTIONS, acts))) {
		genlmsg_cancel(msg, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);
	return 0;
}

/*
 * A message about a flow, with room for others if @room is more than it needs.
 * Context: ovs_mutex held.  Return: the message, or an error pointer.
 */
static struct sk_buff *flow_msg_make(const struct sw_flow *flow, int dp_ifindex,
				     struct genl_info *info, u8 cmd, size_t room)
{
	u32 flags = ufid_flags(info->attrs[OVS_FLOW_ATTR_UFID_FLAGS]);
	const struct sw_flow_actions *acts = ovsl_dereference(flow->sf_acts);
	struct sk_buff *msg;

	msg = genlmsg_new(max(room, flow_msg_size(flow, acts, flags)),
			  GFP_KERNEL);
	if (!msg)
		return ERR_PTR(-ENOMEM);
	if (WARN_ON_ONCE(flow_fill(msg, flow, dp_ifindex, info->snd_portid,
				   info->snd_seq, 0, cmd, flags))) {
		nlmsg_free(msg);
		return ERR_PTR(-EMSGSIZE);
	}
	return msg;
}

/* Likewise.  Return: NULL if nobody would read it, unless @always. */
static struct sk_buff *flow_msg(const struct sw_flow *flow, int dp_ifindex,
				struct genl_info *info, u8 cmd, bool always)
{
	if (!always && !ovs_must_notify(&dp_flow_genl_family, info))
		return NULL;
	return flow_msg_make(flow, dp_ifindex, info, cmd, 0);
}

/* A change is not undone because it could not be told. */
static void flow_notify(struct sk_buff *msg, struct genl_info *info)
{
	if (IS_ERR(msg))
		genl_set_err(&dp_flow_genl_family, genl_info_net(info), 0, 0,
			     PTR_ERR(msg));
	else if (msg)
		ovs_notify(&dp_flow_genl_family, msg, info);
}

/* Context: ovs_mutex held. */
static struct datapath *flow_dp(struct genl_info *info)
{
	const struct ovs_header *hdr = genl_info_userhdr(info);
	struct datapath *dp;

	dp = ovs_dp_lookup(genl_info_net(info), hdr->dp_ifindex);
	if (!dp)
		NL_SET_ERR_MSG(info->extack, "no such datapath");
	return dp;
}

/**
 * struct flow_req - a request about a flow, parsed
 * @match: what it matches, if @has_key.
 * @id: its UFID, if any.
 * @acts: its actions, or NULL.
 * @has_key: whether there is a key.
 * @first: the packet that a new flow is for, or NULL.
 * @first_key: its key.
 */
struct flow_req {
	struct sw_flow_match match;
	struct sw_flow_id id;
	struct sw_flow_actions *acts;
	bool has_key;
	struct sk_buff *first;
	struct sw_flow_key first_key;
};

/*
 * A request that is not in use, of each CPU: each flow installed needs one, and memory of
 * this size is cleared by the kernel when it is allocated.
 */
static DEFINE_PER_CPU(struct flow_req *, spare_req);

/* Context: process.  Return: a request with anything in it; NULL without memory. */
static struct flow_req *flow_req_get(void)
{
	return this_cpu_xchg(spare_req, NULL) ?:
	       kmalloc(sizeof(struct flow_req), GFP_KERNEL);
}

/* Context: process. */
static void flow_req_put(struct flow_req *req)
{
	kfree(this_cpu_xchg(spare_req, req));
}

/**
 * ovs_flow_genl_exit - free what the family keeps, when it is not registered any more
 *
 * Context: process.
 */
void ovs_flow_genl_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		kfree(per_cpu(spare_req, cpu));
}

static int flow_req_parse(struct flow_req *req, struct genl_info *info)
{
	struct nlattr **a = info->attrs;
	int err;

	/* The keys are large, and filled in when there are any. */
	req->acts = NULL;
	req->has_key = false;
	err = ufid_get(&req->id, a[OVS_FLOW_ATTR_UFID], info->extack);
	if (err)
		return err;
	if (a[OVS_FLOW_ATTR_KEY]) {
		err = ovs_nla_get_match(&req->match.key, &req->match.mask,
					a[OVS_FLOW_ATTR_KEY],
					a[OVS_FLOW_ATTR_MASK], info->extack);
		if (err)
			return err;
		req->has_key = true;
	} else if (!req->id.ufid_len) {
		NL_SET_ERR_MSG(info->extack, "KEY or UFID is needed");
		return -EINVAL;
	}
	return 0;
}

static int flow_req_parse_acts(struct flow_req *req, struct genl_info *info)
{
	struct sw_flow_key masked __uninitialized;
	unsigned int i;

	/* No action's validity depends on a tunnel. */
	for (i = 0; i < OVS_KEY_BASE_WORDS; i++)
		masked.words[i] = req->match.key.words[i] &
				  req->match.mask.words[i];
	req->acts = ovs_acts_parse(genl_info_net(info),
				   info->attrs[OVS_FLOW_ATTR_ACTIONS], &masked,
				   info->extack);
	return PTR_ERR_OR_ZERO(req->acts);
}

/* After all else: a packet that was read is not forgotten. */
static int flow_req_parse_first(struct flow_req *req, struct genl_info *info)
{
	struct nlattr *nest = info->attrs[OVS_FLOW_ATTR_FIRST_PACKET];

	req->first = NULL;
	if (likely(!nest))
		return 0;
	req->first_key = req->match.key;
	req->first = ovs_packet_first(nest, &req->first_key, info->extack);
	return PTR_ERR_OR_ZERO(req->first);
}

/* The flow that a request names.  Context: ovs_mutex held. */
static struct sw_flow *flow_find(struct datapath *dp,
				 const struct flow_req *req)
{
	if (req->id.ufid_len)
		return ovs_flow_tbl_lookup_ufid(&dp->table, &req->id);
	return ovs_flow_tbl_lookup_key(&dp->table, &req->match.key);
}

static void flow_replace_acts(struct sw_flow *flow,
			      struct sw_flow_actions *acts)
{
	struct sw_flow_actions *old = ovsl_dereference(flow->sf_acts);

	rcu_assign_pointer(flow->sf_acts, acts);
	ovs_acts_free_rcu(old);
}

static struct sw_flow *flow_make(const struct flow_req *req)
{
	struct sw_flow_id id = req->id;
	struct sw_flow *flow;

	if (!id.ufid_len) {
		id.key = kmemdup(&req->match.key, sizeof(req->match.key),
				 GFP_KERNEL);
		if (!id.key)
			return ERR_PTR(-ENOMEM);
	}
	flow = ovs_flow_alloc(&req->match, &id);
	if (IS_ERR(flow))
		kfree(id.key);
	return flow;
}

/*
 * The flow that a new one would collide with.  One of the same key and mask but
 * another name is an error, as is one of the same name with another key.
 */
static struct sw_flow *flow_existing(struct datapath *dp,
				     const struct flow_req *req,
				     struct genl_info *info)
{
	struct sw_flow *flow = NULL, *named = flow_find(dp, req);

	flow = ovs_flow_tbl_lookup_masked(&dp->table, &req->match);
	if (named && flow != named) {
		NL_SET_ERR_MSG(info->extack,
			       "a flow of this name has another key or mask");
		return ERR_PTR(-EEXIST);
	}
	if (flow && !named) {
		NL_SET_ERR_MSG(info->extack,
			       "a flow of this key and mask has another name");
		return ERR_PTR(req->id.ufid_len ? -EEXIST : -ENOENT);
	}
	return flow;
}

/*
 * Context: ovs_mutex held.  Takes @flow and @req->acts over if it succeeds, and
 * then tells so in @msg, which may be an error: what is installed stays.
 */
static int flow_install(struct datapath *dp, struct flow_req *req,
			struct sw_flow *flow, struct genl_info *info,
			struct sk_buff **msg)
{
	int dp_ifindex = ovs_dp_ifindex(dp);
	struct sw_flow *old;
	int err;

	old = flow_existing(dp, req, info);
	if (IS_ERR(old))
		return PTR_ERR(old);
	if (old) {
		if (info->nlhdr->nlmsg_flags & (NLM_F_CREATE | NLM_F_EXCL)) {
			NL_SET_ERR_MSG(info->extack, "the flow exists");
			return -EEXIST;
		}
		flow_replace_acts(old, req->acts);
		ovs_flow_free(flow);
		flow = old;
	} else {
		rcu_assign_pointer(flow->sf_acts, req->acts);
		err = ovs_flow_tbl_insert(&dp->table, flow, &req->match);
		if (err) {
			RCU_INIT_POINTER(flow->sf_acts, NULL);
			NL_SET_ERR_MSG(info->extack,
				       "the flow table can't take the flow");
			return err;
		}
	}
	*msg = flow_msg(flow, dp_ifindex, info, OVS_FLOW_CMD_NEW, false);
	return 0;
}

/* Context: process.  What is parsed is in @req, and is the caller's. */
static int flow_new_parse(struct flow_req *req, struct genl_info *info)
{
	int err;

	err = flow_req_parse(req, info) ?: flow_req_parse_acts(req, info);
	if (err)
		return err;
	err = flow_req_parse_first(req, info);
	if (err)
		ovs_acts_free(req->acts);
	return err;
}

/* Make a flow, and take @req->acts over.  Context: process. */
static int flow_new(struct flow_req *req, struct genl_info *info)
{
	struct sk_buff *msg = NULL;
	struct sw_flow *flow;
	struct datapath *dp;
	int err;

	ovs_flow_match_init(&req->match);
	flow = flow_make(req);
	err = PTR_ERR_OR_ZERO(flow);
	if (err)
		goto out_acts;

	ovs_lock();
	dp = flow_dp(info);
	err = dp ? flow_install(dp, req, flow, info, &msg) : -ENODEV;
	ovs_unlock();
	if (err) {
		ovs_flow_free(flow);
		goto out_acts;
	}
	flow_notify(msg, info);
	return 0;

out_acts:
	ovs_acts_free(req->acts);
	return err;
}

static int flow_cmd_new(struct sk_buff *skb, struct genl_info *info)
{
	struct ovs_header *hdr = genl_info_userhdr(info);
	struct flow_req *req;
	int err;

	if (!info->attrs[OVS_FLOW_ATTR_KEY] ||
	    !info->attrs[OVS_FLOW_ATTR_ACTIONS]) {
		NL_SET_ERR_MSG(info->extack, "KEY and ACTIONS are needed");
		return -EINVAL;
	}
	req = flow_req_get();
	if (!req)
		return -ENOMEM;
	err = flow_new_parse(req, info);
	if (err)
		goto out;
	err = flow_new(req, info);
	/* Where there is a flow already, or no room, the packet goes on even so. */
	if (req->first)
		ovs_packet_lookup(genl_info_net(info), hdr->dp_ifindex,
				  req->first, &req->first_key);
out:
	flow_req_put(req);
	return err;
}

static int flow_cmd_set(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **a = info->attrs;
	struct sk_buff *msg = NULL;
	struct sw_flow *flow;
	struct datapath *dp;
	struct flow_req *req;
	int err;

	if (!a[OVS_FLOW_ATTR_KEY]) {
		NL_SET_ERR_MSG(info->extack, "KEY is needed");
		return -EINVAL;
	}
	req = flow_req_get();
	if (!req)
		return -ENOMEM;
	err = flow_req_parse(req, info);
	if (!err && a[OVS_FLOW_ATTR_ACTIONS])
		err = flow_req_parse_acts(req, info);
	if (err)
		goto out;

	ovs_lock();
	dp = flow_dp(info);
	flow = dp ? flow_find(dp, req) : NULL;
	if (flow) {
		if (req->acts)
			flow_replace_acts(flow, req->acts);
		/* The message has the last counts. */
		msg = flow_msg(flow, ovs_dp_ifindex(dp), info,
			       OVS_FLOW_CMD_SET, false);
		if (a[OVS_FLOW_ATTR_CLEAR])
			ovs_flow_stats_clear(flow);
	} else {
		err = dp ? -ENOENT : -ENODEV;
		if (dp)
			NL_SET_ERR_MSG(info->extack, "no such flow");
		if (req->acts)
			ovs_acts_free(req->acts);
	}
	ovs_unlock();
	if (!err)
		flow_notify(msg, info);
out:
	flow_req_put(req);
	return err;
}

static int flow_cmd_get(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg = NULL;
	struct sw_flow *flow;
	struct datapath *dp;
	struct flow_req *req;
	int err;

	req = flow_req_get();
	if (!req)
		return -ENOMEM;
	err = flow_req_parse(req, info);
	if (err)
		goto out;
	ovs_lock();
	dp = flow_dp(info);
	flow = dp ? flow_find(dp, req) : NULL;
	if (flow) {
		msg = flow_msg(flow, ovs_dp_ifindex(dp), info,
			       OVS_FLOW_CMD_NEW, true);
		err = PTR_ERR_OR_ZERO(msg);
	} else {
		err = dp ? -ENOENT : -ENODEV;
		if (dp)
			NL_SET_ERR_MSG(info->extack, "no such flow");
	}
	ovs_unlock();
	if (!err)
		err = genlmsg_reply(msg, info);
out:
	flow_req_put(req);
	return err;
}

static int flow_flush(struct genl_info *info)
{
	struct datapath *dp;

	ovs_lock();
	dp = flow_dp(info);
	if (dp)
		ovs_flow_tbl_flush(&dp->table);
	ovs_unlock();
	return dp ? 0 : -ENODEV;
}

/* Remove the flows of a list of names.  Context: ovs_mutex held.  Return: how many. */
static unsigned int flows_remove(struct datapath *dp, const struct nlattr *names,
				 struct sw_flow **flows)
{
	struct sw_flow_id id = { .ufid_len = UFID_MAX_LEN };
	unsigned int i, n = 0;

	for (i = 0; i < nla_len(names) / UFID_MAX_LEN; i++) {
		memcpy(id.ufid, nla_data(names) + i * UFID_MAX_LEN,
		       UFID_MAX_LEN);
		flows[n] = ovs_flow_tbl_lookup_ufid(&dp->table, &id);
		if (flows[n])
			ovs_flow_tbl_remove(&dp->table, flows[n++]);
		cond_resched();
	}
	return n;
}

/* Tell of a deleted flow, in the last message or, if that is full, in a new one. */
static int flow_tell_deleted(struct sk_buff_head *msgs,
			     const struct sw_flow *flow, int dp_ifindex,
			     struct genl_info *info)
{
	struct sk_buff *msg = skb_peek_tail(msgs);

	if (msg && !flow_fill(msg, flow, dp_ifindex, info->snd_portid,
			      info->snd_seq, 0, OVS_FLOW_CMD_DEL,
			      ufid_flags(info->attrs[OVS_FLOW_ATTR_UFID_FLAGS])))
		return 0;
	msg = flow_msg_make(flow, dp_ifindex, info, OVS_FLOW_CMD_DEL,
			    DELETED_MSG_SIZE);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	__skb_queue_tail(msgs, msg);
	return 0;
}

/*
 * Forget flows that were removed, and write down their last counts.  A packet that
 * found one may still be counted by it: all of them are waited for, once.
 *
 * Context: process; ovs_mutex held, which is never waited for by an RCU reader.
 * Return: 0, or why some could not be told of.
 */
static int flows_finish(struct datapath *dp, struct sw_flow **flows,
			unsigned int n, struct genl_info *info,
			struct sk_buff_head *msgs)
{
	bool tell = ovs_must_notify(&dp_flow_genl_family, info);
	int dp_ifindex = ovs_dp_ifindex(dp), err = 0;
	unsigned int i;

	if (n)
		synchronize_rcu_expedited();
	for (i = 0; i < n; i++) {
		if (tell)
			err = flow_tell_deleted(msgs, flows[i], dp_ifindex,
						info) ?: err;
		ovs_flow_tbl_put_mask(&dp->table, flows[i]);
		ovs_flow_free(flows[i]);
		cond_resched();
	}
	return err;
}

/* Delete the flows of OVS_FLOW_ATTR_UFIDS: all of them, even if not all can be told of. */
static int flow_del_many(struct genl_info *info)
{
	const struct nlattr *names = info->attrs[OVS_FLOW_ATTR_UFIDS];
	struct sw_flow **flows;
	struct sk_buff_head msgs;
	struct datapath *dp;
	struct sk_buff *msg;
	int err = 0;

	if (info->attrs[OVS_FLOW_ATTR_KEY] || info->attrs[OVS_FLOW_ATTR_UFID] ||
	    !nla_len(names) || nla_len(names) % UFID_MAX_LEN) {
		NL_SET_ERR_MSG_ATTR(info->extack, names,
				    "UFIDS must be names of 16 bytes, without KEY and UFID");
		return -EINVAL;
	}
	flows = kvmalloc_array(nla_len(names) / UFID_MAX_LEN, sizeof(*flows),
			       GFP_KERNEL);
	if (!flows)
		return -ENOMEM;
	__skb_queue_head_init(&msgs);
	ovs_lock();
	dp = flow_dp(info);
	if (dp)
		err = flows_finish(dp, flows, flows_remove(dp, names, flows),
				   info, &msgs);
	ovs_unlock();
	kvfree(flows);
	while ((msg = __skb_dequeue(&msgs)))
		flow_notify(msg, info);
	if (!dp)
		return -ENODEV;
	if (!err)
		return 0;
	flow_notify(ERR_PTR(err), info);
	if (!(info->nlhdr->nlmsg_flags & NLM_F_ECHO))
		return 0;
	NL_SET_ERR_MSG(info->extack,
		       "the flows are deleted, but replies are missing");
	return err;
}

static int flow_cmd_del(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg = NULL;
	struct sw_flow *flow;
	struct datapath *dp;
	struct flow_req *req;
	int err;

	if (info->attrs[OVS_FLOW_ATTR_UFIDS])
		return flow_del_many(info);
	if (!info->attrs[OVS_FLOW_ATTR_KEY] && !info->attrs[OVS_FLOW_ATTR_UFID])
		return flow_flush(info);
	req = flow_req_get();
	if (!req)
		return -ENOMEM;
	err = flow_req_parse(req, info);
	if (err)
		goto out;
	ovs_lock();
	dp = flow_dp(info);
	flow = dp ? flow_find(dp, req) : NULL;
	if (flow) {
		/* The last counts go into the message: first out, then tell. */
		ovs_flow_tbl_remove(&dp->table, flow);
		msg = flow_msg(flow, ovs_dp_ifindex(dp), info,
			       OVS_FLOW_CMD_DEL, false);
		ovs_flow_tbl_put_mask(&dp->table, flow);
		ovs_flow_free_rcu(flow);
	} else {
		err = dp ? -ENOENT : -ENODEV;
		if (dp)
			NL_SET_ERR_MSG(info->extack, "no such flow");
	}
	ovs_unlock();
	if (!err)
		flow_notify(msg, info);
out:
	flow_req_put(req);
	return err;
}

static int flow_cmd_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct genlmsghdr *genlhdr = nlmsg_data(cb->nlh);
	const struct ovs_header *hdr = genlmsg_data(genlhdr);
	struct nlattr *a[FLOW_ATTR_MAX + 1];
	unsigned long index = cb->args[0];
	struct sw_flow *flow;
	struct datapath *dp;
	u32 flags;
	int err;

	err = genlmsg_parse_deprecated(cb->nlh, &dp_flow_genl_family, a,
				       FLOW_ATTR_MAX, flow_policy, NULL);
	if (err)
		return err;
	flags = ufid_flags(a[OVS_FLOW_ATTR_UFID_FLAGS]);

	rcu_read_lock();
	dp = ovs_dp_lookup(sock_net(skb->sk), hdr->dp_ifindex);
	if (!dp) {
		rcu_read_unlock();
		return -ENODEV;
	}
	while ((flow = ovs_flow_tbl_next(&dp->table, &index))) {
		err = flow_fill(skb, flow, hdr->dp_ifindex,
				NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				NLM_F_MULTI, OVS_FLOW_CMD_NEW, flags);
		if (err)
			break;
		index++;
	}
	rcu_read_unlock();
	cb->args[0] = index;
	/* A flow that no message can hold must not end the dump in silence. */
	return skb->len ?: err;
}

static const struct genl_small_ops flow_ops[] = {
	{
		.cmd = OVS_FLOW_CMD_NEW,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = flow_cmd_new,
	},
	{
		.cmd = OVS_FLOW_CMD_DEL,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = flow_cmd_del,
	},
	{
		.cmd = OVS_FLOW_CMD_GET,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.doit = flow_cmd_get,
		.dumpit = flow_cmd_dump,
	},
	{
		.cmd = OVS_FLOW_CMD_SET,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = flow_cmd_set,
	},
};

struct genl_family dp_flow_genl_family __ro_after_init = {
	.hdrsize = sizeof(struct ovs_header),
	.name = OVS_FLOW_FAMILY,
	.version = OVS_FLOW_VERSION,
	.maxattr = FLOW_ATTR_MAX,
	.policy = flow_policy,
	.netnsok = true,
	.parallel_ops = true,
	.small_ops = flow_ops,
	.n_small_ops = ARRAY_SIZE(flow_ops),
	.resv_start_op = OVS_FLOW_CMD_SET + 1,
	.mcgrps = &flow_mcgrp,
	.n_mcgrps = 1,
	.module = THIS_MODULE,
};
