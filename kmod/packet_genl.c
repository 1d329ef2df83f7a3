// SPDX-License-Identifier: GPL-2.0
/*
 * Family ovs_packet: userspace sends packets into the datapath.
 */
#include <linux/if_vlan.h>
#include <net/genetlink.h>

#include "actions.h"
#include "datapath.h"
#include "flow_netlink.h"
#include "upcall.h"
#include "vport.h"

static const struct nla_policy packet_policy[OVS_PACKET_ATTR_MAX + 1] = {
	[OVS_PACKET_ATTR_PACKET] = { .type = NLA_UNSPEC, .len = ETH_HLEN },
	[OVS_PACKET_ATTR_KEY] = { .type = NLA_NESTED },
	[OVS_PACKET_ATTR_ACTIONS] = { .type = NLA_NESTED },
	[OVS_PACKET_ATTR_PROBE] = { .type = NLA_FLAG },
	[OVS_PACKET_ATTR_MRU] = { .type = NLA_U16 },
	[OVS_PACKET_ATTR_HASH] = { .type = NLA_U64 },
};

/* A packet from OVS_PACKET_ATTR_PACKET.  @key has its metadata, and gets the rest. */
static struct sk_buff *packet_build(struct nlattr **a, struct sw_flow_key *key,
				    struct netlink_ext_ack *extack)
{
	unsigned int len = nla_len(a[OVS_PACKET_ATTR_PACKET]);
	struct sk_buff *skb;
	int err;

	skb = __dev_alloc_skb(NET_IP_ALIGN + len, GFP_KERNEL);
	if (!skb)
		return ERR_PTR(-ENOMEM);
	skb_reserve(skb, NET_IP_ALIGN);
	nla_memcpy(__skb_put(skb, len), a[OVS_PACKET_ATTR_PACKET], len);
	memset(OVS_CB(skb), 0, sizeof(struct ovs_skb_cb));
	if (a[OVS_PACKET_ATTR_MRU]) {
		OVS_CB(skb)->mru = nla_get_u16(a[OVS_PACKET_ATTR_MRU]);
		skb->ignore_df = 1;
	}
	if (a[OVS_PACKET_ATTR_HASH])
		ovs_skb_set_hash_from_u64(skb,
					  nla_get_u64(a[OVS_PACKET_ATTR_HASH]));
	skb->mark = key->skb_mark;
	skb->priority = key->priority;
	if (key->eth.mac_proto == OVS_MAC_NONE)
		skb->protocol = key->eth.type;
	err = ovs_flow_key_update(skb, key);
	if (err) {
		NL_SET_ERR_MSG_ATTR(extack, a[OVS_PACKET_ATTR_PACKET],
				    "packet is too short");
		kfree_skb(skb);
		return ERR_PTR(err);
	}
	return skb;
}

/* Run actions on a packet; without any, look it up.  Context: RCU read side, BH disabled. */
static int packet_run_bh(struct net *net, int dp_ifindex, struct sk_buff *skb,
			 struct sw_flow_key *key,
			 const struct sw_flow_actions *acts)
{
	struct datapath *dp = ovs_dp_lookup(net, dp_ifindex);
	struct vport *input;

	input = dp ? ovs_vport_rcu(dp, key->in_port) ?:
		     ovs_vport_rcu(dp, OVSP_LOCAL) : NULL;
	if (!input) {
		kfree_skb(skb);
		return -ENODEV;
	}
	OVS_CB(skb)->input_vport = input;
	skb->dev = input->dev;
	if (!ovs_exec_enter(dp, skb))
		return 0;
	if (!acts || ovs_execute_actions(dp, skb, acts, key))
		ovs_dp_lookup_and_run(dp, skb, key);
	ovs_exec_leave();
	return 0;
}

/* Likewise.  Context: process. */
static int packet_run(struct net *net, int dp_ifindex, struct sk_buff *skb,
		      struct sw_flow_key *key,
		      const struct sw_flow_actions *acts)
{
	int err;

	rcu_read_lock();
	local_bh_disable();
	err = packet_run_bh(net, dp_ifindex, skb, key, acts);
	local_bh_enable();
	rcu_read_unlock();
	return err;
}

/**
 * ovs_packet_first - read the first packet of a new megaflow
 * @nest: OVS_FLOW_ATTR_FIRST_PACKET.
 * @key: the key of the message, unmasked; made that of the packet.
 * @extack: where a refusal is explained.
 *
 * Context: process.
 * Return: the packet, for ovs_packet_lookup() or to be freed; or an error pointer.
 */
struct sk_buff *ovs_packet_first(struct nlattr *nest, struct sw_flow_key *key,
				 struct netlink_ext_ack *extack)
{
	struct nlattr *a[OVS_PACKET_ATTR_MAX + 1];
	int err;

	err = nla_parse_nested_deprecated(a, OVS_PACKET_ATTR_MAX, nest,
					  packet_policy, extack);
	if (err)
		return ERR_PTR(err);
	if (!a[OVS_PACKET_ATTR_PACKET]) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "FIRST_PACKET has no PACKET");
		return ERR_PTR(-EINVAL);
	}
	return packet_build(a, key, extack);
}

/**
 * ovs_packet_lookup - look a packet up that userspace sends
 * @net: where its datapath is.
 * @dp_ifindex: which; if it is no more, the packet is dropped.
 * @skb: the packet; taken over.
 * @key: its key; changed on the way.
 *
 * Context: process.
 */
void ovs_packet_lookup(struct net *net, int dp_ifindex, struct sk_buff *skb,
		       struct sw_flow_key *key)
{
	packet_run(net, dp_ifindex, skb, key, NULL);
}

/* Run actions on one packet. */
static int ovs_packet_cmd_execute(struct sk_buff *req, struct genl_info *info)
{
	struct ovs_header *hdr = genl_info_userhdr(info);
	struct nlattr **a = info->attrs;
	struct sw_flow_actions *acts;
	struct sw_flow_key key __uninitialized;
	struct sk_buff *skb;
	int err;

	if (!a[OVS_PACKET_ATTR_PACKET] || !a[OVS_PACKET_ATTR_KEY] ||
	    !a[OVS_PACKET_ATTR_ACTIONS]) {
		NL_SET_ERR_MSG(info->extack,
			       "PACKET, KEY and ACTIONS are needed");
		return -EINVAL;
	}
	err = ovs_nla_get_metadata(&key, a[OVS_PACKET_ATTR_KEY], info->extack);
	if (err)
		return err;
	skb = packet_build(a, &key, info->extack);
	if (IS_ERR(skb))
		return PTR_ERR(skb);
	acts = ovs_acts_parse(genl_info_net(info), a[OVS_PACKET_ATTR_ACTIONS],
			      &key, info->extack);
	if (IS_ERR(acts)) {
		kfree_skb(skb);
		return PTR_ERR(acts);
	}

	err = packet_run(genl_info_net(info), hdr->dp_ifindex, skb, &key, acts);
	if (err)
		NL_SET_ERR_MSG(info->extack, "no such datapath");
	/* All that was deferred has run: nothing refers to the actions. */
	ovs_acts_free(acts);
	return err;
}

static const struct genl_small_ops packet_ops[] = {
	{
		.cmd = OVS_PACKET_CMD_EXECUTE,
		.validate = GENL_DONT_VALIDATE_STRICT | GENL_DONT_VALIDATE_DUMP,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = ovs_packet_cmd_execute,
	},
};

struct genl_family dp_packet_genl_family __ro_after_init = {
	.hdrsize = sizeof(struct ovs_header),
	.name = OVS_PACKET_FAMILY,
	.version = OVS_PACKET_VERSION,
	.maxattr = OVS_PACKET_ATTR_MAX,
	.policy = packet_policy,
	.netnsok = true,
	.parallel_ops = true,
	.small_ops = packet_ops,
	.n_small_ops = ARRAY_SIZE(packet_ops),
	.resv_start_op = OVS_PACKET_CMD_EXECUTE + 1,
	.module = THIS_MODULE,
};
