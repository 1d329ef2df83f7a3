// SPDX-License-Identifier: GPL-2.0
/*
 * Family ovs_vport: make, change, list and remove ports.
 */
#include <net/genetlink.h>
#include <net/sock.h>

#include "datapath.h"
#include "vport.h"

static const struct nla_policy vport_policy[OVS_VPORT_ATTR_MAX + 1] = {
	[OVS_VPORT_ATTR_NAME] = { .type = NLA_NUL_STRING, .len = IFNAMSIZ - 1 },
	[OVS_VPORT_ATTR_PORT_NO] = { .type = NLA_U32 },
	[OVS_VPORT_ATTR_TYPE] = { .type = NLA_U32 },
	[OVS_VPORT_ATTR_UPCALL_PID] = { .type = NLA_UNSPEC },
	[OVS_VPORT_ATTR_OPTIONS] = { .type = NLA_NESTED },
	[OVS_VPORT_ATTR_IFINDEX] = NLA_POLICY_MIN(NLA_S32, 0),
};

static const struct genl_multicast_group vport_mcgrp = {
	.name = OVS_VPORT_MCGROUP,
};

static size_t vport_msg_size(const struct vport *vport)
{
	return NLMSG_ALIGN(sizeof(struct ovs_header)) +
	       4 * nla_total_size(sizeof(u32)) +
	       nla_total_size(IFNAMSIZ) +
	       nla_total_size_64bit(sizeof(struct ovs_vport_stats)) +
	       nla_total_size(nla_total_size(sizeof(u16)) +
			      nla_total_size(nla_total_size(0))) +
	       nla_total_size(2 * nla_total_size_64bit(sizeof(u64))) +
	       nla_total_size(rcu_dereference_ovsl(vport->upcall_portids)->n_ids *
			      sizeof(u32));
}

static int vport_put_options(struct sk_buff *msg, const struct vport *vport)
{
	struct nlattr *nest;

	if (!vport->ops->put_options)
		return 0;
	nest = nla_nest_start_noflag(msg, OVS_VPORT_ATTR_OPTIONS);
	if (!nest || vport->ops->put_options(vport, msg))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int vport_put_upcall_stats(struct sk_buff *msg,
				  const struct vport *vport)
{
	struct vport_upcall_stats stats;
	struct nlattr *nest;

	ovs_vport_get_upcall_stats(vport, &stats);
	nest = nla_nest_start_noflag(msg, OVS_VPORT_ATTR_UPCALL_STATS);
	if (!nest ||
	    nla_put_u64_64bit(msg, OVS_VPORT_UPCALL_ATTR_SUCCESS,
			      stats.n_success, OVS_VPORT_ATTR_PAD) ||
	    nla_put_u64_64bit(msg, OVS_VPORT_UPCALL_ATTR_FAIL, stats.n_fail,
			      OVS_VPORT_ATTR_PAD))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/* Context: RCU read side, or ovs_mutex held. */
static int vport_fill(struct sk_buff *msg, const struct vport *vport,
		      struct net *net, u32 portid, u32 seq, int flags, u8 cmd,
		      gfp_t gfp)
{
	struct ovs_vport_stats stats;
	struct ovs_header *hdr;

	hdr = genlmsg_put(msg, portid, seq, &dp_vport_genl_family, flags, cmd);
	if (!hdr)
		return -EMSGSIZE;
	hdr->dp_ifindex = ovs_dp_ifindex(vport->dp);
	ovs_vport_get_stats(vport, &stats);
	if (nla_put_u32(msg, OVS_VPORT_ATTR_PORT_NO, vport->port_no) ||
	    nla_put_u32(msg, OVS_VPORT_ATTR_TYPE, vport->ops->type) ||
	    nla_put_string(msg, OVS_VPORT_ATTR_NAME, ovs_vport_name(vport)) ||
	    nla_put_u32(msg, OVS_VPORT_ATTR_IFINDEX, vport->dev->ifindex) ||
	    nla_put_64bit(msg, OVS_VPORT_ATTR_STATS, sizeof(stats), &stats,
			  OVS_VPORT_ATTR_PAD) ||
	    vport_put_upcall_stats(msg, vport) ||
	    ovs_vport_put_upcall_portids(vport, msg) ||
	    vport_put_options(msg, vport))
		goto err;
	if (!net_eq(net, dev_net(vport->dev)) &&
	    nla_put_s32(msg, OVS_VPORT_ATTR_NETNSID,
			peernet2id_alloc(net, dev_net(vport->dev), gfp)))
		goto err;
	genlmsg_end(msg, hdr);
	return 0;
err:
	genlmsg_cancel(msg, hdr);
	return -EMSGSIZE;
}

/* Context: ovs_mutex held. */
static struct sk_buff *vport_msg(const struct vport *vport, struct net *net,
				 u32 portid, u32 seq, u8 cmd)
{
	struct sk_buff *msg = genlmsg_new(vport_msg_size(vport), GFP_KERNEL);

	if (!msg)
		return ERR_PTR(-ENOMEM);
	if (WARN_ON_ONCE(vport_fill(msg, vport, net, portid, seq, 0, cmd,
				    GFP_KERNEL))) {
		nlmsg_free(msg);
		return ERR_PTR(-EMSGSIZE);
	}
	return msg;
}

static struct sk_buff *vport_reply(const struct vport *vport,
				   struct genl_info *info, u8 cmd)
{
	return vport_msg(vport, genl_info_net(info), info->snd_portid,
			 info->snd_seq, cmd);
}

/**
 * ovs_vport_notify_del - tell listeners that a port goes of its own accord
 * @vport: the port.
 *
 * Context: process; ovs_mutex held.
 */
void ovs_vport_notify_del(const struct vport *vport)
{
	struct net *net = ovs_dp_get_net(vport->dp);
	struct sk_buff *msg = vport_msg(vport, net, 0, 0, OVS_VPORT_CMD_DEL);

	if (!IS_ERR(msg))
		genlmsg_multicast_netns(&dp_vport_genl_family, net, msg, 0, 0,
					GFP_KERNEL);
}

/*
 * The port that a request is about, by name, or by number in the datapath of
 * the header.  Context: ovs_mutex held.
 */
static struct vport *vport_find(struct genl_info *info)
{
	const struct ovs_header *hdr = genl_info_userhdr(info);
	struct net *net = genl_info_net(info);
	struct nlattr **a = info->attrs;
	struct vport *vport;
	struct datapath *dp;

	if (a[OVS_VPORT_ATTR_NAME]) {
		vport = ovs_vport_locate(net, nla_data(a[OVS_VPORT_ATTR_NAME]));
		if (!vport || (hdr->dp_ifindex &&
			       hdr->dp_ifindex != ovs_dp_ifindex(vport->dp)))
			goto none;
		return vport;
	}
	if (!a[OVS_VPORT_ATTR_PORT_NO]) {
		NL_SET_ERR_MSG(info->extack, "NAME or PORT_NO is needed");
		return ERR_PTR(-EINVAL);
	}
	if (nla_get_u32(a[OVS_VPORT_ATTR_PORT_NO]) >= DP_MAX_PORTS) {
		NL_SET_ERR_MSG(info->extack, "PORT_NO is out of range");
		return ERR_PTR(-EFBIG);
	}
	dp = ovs_dp_lookup(net, hdr->dp_ifindex);
	if (!dp) {
		NL_SET_ERR_MSG(info->extack, "no such datapath");
		return ERR_PTR(-ENODEV);
	}
	vport = ovs_vport_any(dp, nla_get_u32(a[OVS_VPORT_ATTR_PORT_NO]));
	if (vport)
		return vport;
none:
	NL_SET_ERR_MSG(info->extack, "no such port");
	return ERR_PTR(-ENODEV);
}

/* A number for a new port.  Context: ovs_mutex held. */
static int vport_number(struct datapath *dp, const struct nlattr *want,
			struct netlink_ext_ack *extack)
{
	u32 port;

	/* The local port is never asked for: 0 is "any". */
	if (want && nla_get_u32(want)) {
		port = nla_get_u32(want);
		if (port >= DP_MAX_PORTS) {
			NL_SET_ERR_MSG(extack, "PORT_NO is out of range");
			return -EFBIG;
		}
		if (ovs_vport_any(dp, port)) {
			NL_SET_ERR_MSG(extack, "PORT_NO is taken");
			return -EBUSY;
		}
		return port;
	}
	for (port = 1; port < DP_MAX_PORTS; port++)
		if (!ovs_vport_any(dp, port))
			return port;
	NL_SET_ERR_MSG(extack, "no port number is left");
	return -EFBIG;
}

static struct vport *vport_new(struct genl_info *info)
{
	const struct ovs_header *hdr = genl_info_userhdr(info);
	struct nlattr **a = info->attrs;
	struct vport_parms parms = {
		.name = nla_data(a[OVS_VPORT_ATTR_NAME]),
		.type = nla_get_u32(a[OVS_VPORT_ATTR_TYPE]),
		.ifindex = a[OVS_VPORT_ATTR_IFINDEX] ?
			   nla_get_s32(a[OVS_VPORT_ATTR_IFINDEX]) : 0,
		.options = a[OVS_VPORT_ATTR_OPTIONS],
		.upcall_portids = a[OVS_VPORT_ATTR_UPCALL_PID],
		.extack = info->extack,
	};
	int port;

	if (parms.ifindex && parms.type != OVS_VPORT_TYPE_INTERNAL) {
		NL_SET_ERR_MSG(info->extack, "IFINDEX is for internal ports");
		return ERR_PTR(-EOPNOTSUPP);
	}
	parms.dp = ovs_dp_lookup(genl_info_net(info), hdr->dp_ifindex);
	if (!parms.dp) {
		NL_SET_ERR_MSG(info->extack, "no such datapath");
		return ERR_PTR(-ENODEV);
	}
	port = vport_number(parms.dp, a[OVS_VPORT_ATTR_PORT_NO], info->extack);
	if (port < 0)
		return ERR_PTR(port);
	parms.port_no = port;
	return ovs_vport_add(&parms);
}

static int vport_cmd_new(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **a = info->attrs;
	struct sk_buff *reply;
	struct vport *vport;
	int err;

	if (!a[OVS_VPORT_ATTR_NAME] || !a[OVS_VPORT_ATTR_TYPE] ||
	    !a[OVS_VPORT_ATTR_UPCALL_PID]) {
		NL_SET_ERR_MSG(info->extack,
			       "NAME, TYPE and UPCALL_PID are needed");
		return -EINVAL;
	}
	ovs_tunnel_request_driver(nla_get_u32(a[OVS_VPORT_ATTR_TYPE]));
	rtnl_lock();
	ovs_lock();
	vport = vport_new(info);
	err = PTR_ERR_OR_ZERO(vport);
	if (err)
		goto out;
	reply = vport_reply(vport, info, OVS_VPORT_CMD_NEW);
	err = PTR_ERR_OR_ZERO(reply);
	if (err)
		ovs_vport_del(vport);
out:
	ovs_vports_unlock();
	rtnl_unlock();
	if (!err)
		ovs_notify(&dp_vport_genl_family, reply, info);
	return err;
}

static int vport_cmd_set(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr **a = info->attrs;
	struct sk_buff *reply = NULL;
	struct vport *vport;
	int err;

	ovs_lock();
	vport = vport_find(info);
	err = PTR_ERR_OR_ZERO(vport);
	if (err)
		goto out;
	err = -EINVAL;
	if (a[OVS_VPORT_ATTR_TYPE] &&
	    nla_get_u32(a[OVS_VPORT_ATTR_TYPE]) != vport->ops->type) {
		NL_SET_ERR_MSG(info->extack, "the type of a port can't change");
		goto out;
	}
	if (a[OVS_VPORT_ATTR_OPTIONS]) {
		NL_SET_ERR_MSG(info->extack, "the options of a port can't change");
		err = -EOPNOTSUPP;
		goto out;
	}
	err = 0;
	if (a[OVS_VPORT_ATTR_UPCALL_PID])
		err = ovs_vport_set_upcall_portids(vport,
						   a[OVS_VPORT_ATTR_UPCALL_PID]);
	if (err) {
		NL_SET_ERR_MSG_ATTR(info->extack, a[OVS_VPORT_ATTR_UPCALL_PID],
				    "can't use this UPCALL_PID: one port id or more, at most one for each CPU");
		goto out;
	}
	reply = vport_reply(vport, info, OVS_VPORT_CMD_SET);
	err = PTR_ERR_OR_ZERO(reply);
out:
	ovs_unlock();
	if (!err)
		ovs_notify(&dp_vport_genl_family, reply, info);
	return err;
}

static int vport_cmd_del(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply = NULL;
	struct vport *vport;
	int err;

	rtnl_lock();
	ovs_lock();
	vport = vport_find(info);
	err = PTR_ERR_OR_ZERO(vport);
	if (err)
		goto out;
	if (vport->port_no == OVSP_LOCAL) {
		NL_SET_ERR_MSG(info->extack,
			       "the local port goes with its datapath only");
		err = -EINVAL;
		goto out;
	}
	reply = vport_reply(vport, info, OVS_VPORT_CMD_DEL);
	err = PTR_ERR_OR_ZERO(reply);
	if (!err)
		ovs_vport_del(vport);
out:
	ovs_vports_unlock();
	rtnl_unlock();
	if (!err)
		ovs_notify(&dp_vport_genl_family, reply, info);
	return err;
}

static int vport_cmd_get(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply = NULL;
	struct vport *vport;
	int err;

	ovs_lock();
	vport = vport_find(info);
	err = PTR_ERR_OR_ZERO(vport);
	if (!err) {
		reply = vport_reply(vport, info, OVS_VPORT_CMD_NEW);
		err = PTR_ERR_OR_ZERO(reply);
	}
	ovs_unlock();
	return err ?: genlmsg_reply(reply, info);
}

static int vport_cmd_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct ovs_header *hdr = genlmsg_data(nlmsg_data(cb->nlh));
	struct net *net = sock_net(skb->sk);
	const struct vport_table *t;
	struct datapath *dp;
	u32 port;

	rcu_read_lock();
	dp = ovs_dp_lookup(net, hdr->dp_ifindex);
	if (!dp) {
		rcu_read_unlock();
		return -ENODEV;
	}
	t = rcu_dereference(dp->ports);
	for (port = cb->args[0]; port < t->n; port++) {
		const struct vport *vport = rcu_dereference(t->ports[port]);

		if (vport && vport_fill(skb, vport, net,
					NETLINK_CB(cb->skb).portid,
					cb->nlh->nlmsg_seq, NLM_F_MULTI,
					OVS_VPORT_CMD_NEW, GFP_ATOMIC))
			break;
	}
	rcu_read_unlock();
	cb->args[0] = port;
	return skb->len;
}

static const struct genl_small_ops vport_ops[] = {
	{
		.cmd = OVS_VPORT_CMD_NEW,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = vport_cmd_new,
	},
	{
		.cmd = OVS_VPORT_CMD_DEL,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = vport_cmd_del,
	},
	{
		.cmd = OVS_VPORT_CMD_GET,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.doit = vport_cmd_get,
		.dumpit = vport_cmd_dump,
	},
	{
		.cmd = OVS_VPORT_CMD_SET,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = vport_cmd_set,
	},
};

struct genl_family dp_vport_genl_family __ro_after_init = {
	.hdrsize = sizeof(struct ovs_header),
	.name = OVS_VPORT_FAMILY,
	.version = OVS_VPORT_VERSION,
	.maxattr = OVS_VPORT_ATTR_MAX,
	.policy = vport_policy,
	.netnsok = true,
	.parallel_ops = true,
	.small_ops = vport_ops,
	.n_small_ops = ARRAY_SIZE(vport_ops),
	.resv_start_op = OVS_VPORT_CMD_SET + 1,
	.mcgrps = &vport_mcgrp,
	.n_mcgrps = 1,
	.module = THIS_MODULE,
};
