// SPDX-License-Identifier: GPL-2.0
/*
 * What all types of ports have in common: life, upcall sockets, counters, the
 * way in and the way out.
 */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/slab.h>

#include "conntrack.h"
#include "datapath.h"
#include "vport.h"

static const struct vport_ops *const vport_types[] = {
	&ovs_netdev_vport_ops,
	&ovs_internal_vport_ops,
	&ovs_vxlan_vport_ops,
	&ovs_geneve_vport_ops,
	&ovs_gre_vport_ops,
};

/**
 * ovs_vport_of_dev - the port that a device is
 * @dev: any device.
 *
 * Context: RCU read side or rtnl held.
 * Return: its port, or NULL.
 */
struct vport *ovs_vport_of_dev(const struct net_device *dev)
{
	if (ovs_is_internal_dev(dev))
		return ovs_internal_dev_vport(dev);
	return ovs_netdev_vport(dev);
}

/**
 * ovs_vport_locate - find a port by name
 * @net: the namespace of its datapath; the device may have moved to another.
 * @name: name of the device.
 *
 * Context: RCU read side, or ovs_mutex held.
 * Return: the port, or NULL.
 */
struct vport *ovs_vport_locate(struct net *net, const char *name)
{
	struct ovs_net *ovs_net = net_generic(net, ovs_net_id);
	struct net_device *dev;
	struct datapath *dp;
	struct vport *vport;
	u32 i;

	rcu_read_lock();
	dev = dev_get_by_name_rcu(net, name);
	vport = dev ? ovs_vport_of_dev(dev) : NULL;
	if (vport && net_eq(ovs_dp_get_net(vport->dp), net))
		goto out;

	list_for_each_entry_rcu(dp, &ovs_net->dps, list_node) {
		const struct vport_table *t = rcu_dereference(dp->ports);

		for (i = 0; i < t->n; i++) {
			vport = rcu_dereference(t->ports[i]);
			if (vport && !strcmp(ovs_vport_name(vport), name))
				goto out;
		}
	}
	vport = NULL;
out:
	rcu_read_unlock();
	return vport;
}

static const struct vport_ops *vport_ops(u32 type)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vport_types); i++)
		if (vport_types[i]->type == type)
			return vport_types[i];
	return NULL;
}

/* A port with nothing in it yet.  Context: process. */
static struct vport *vport_alloc(const struct vport_ops *ops,
				 const struct vport_parms *parms)
{
	struct vport *vport = kzalloc(sizeof(*vport), GFP_KERNEL);

	if (!vport)
		return NULL;
	vport->upcall_stats = netdev_alloc_pcpu_stats(struct vport_upcall_stats);
	if (!vport->upcall_stats) {
		kfree(vport);
		return NULL;
	}
	vport->ops = ops;
	vport->dp = parms->dp;
	vport->port_no = parms->port_no;
	return vport;
}

static void vport_free(struct vport *vport)
{
	free_percpu(vport->upcall_stats);
	kfree(vport);
}

/*
 * Room in front of a packet: what the devices that packets leave by need is left
 * free by those that they come from, so that no packet need be copied on its way.
 * Context of these: rtnl and ovs_mutex held.
 */
static void headroom_set(struct datapath *dp, unsigned int room)
{
	const struct vport_table *t = ovsl_dereference(dp->ports);
	unsigned int i;

	dp->max_headroom = room;
	for (i = 0; i < t->n; i++) {
		const struct vport *vport = ovsl_dereference(t->ports[i]);

		if (vport)
			netdev_set_rx_headroom(vport->dev, room);
	}
}

static void headroom_add(struct datapath *dp, const struct vport *vport)
{
	unsigned int room = netdev_get_fwd_headroom(vport->dev);

	if (room > dp->max_headroom)
		headroom_set(dp, room);
	else
		netdev_set_rx_headroom(vport->dev, dp->max_headroom);
}

/* @vport is in no table any more. */
static void headroom_del(struct datapath *dp, const struct vport *vport)
{
	const struct vport_table *t = ovsl_dereference(dp->ports);
	unsigned int i, room = 0;

	netdev_reset_rx_headroom(vport->dev);
	if (!dp->max_headroom ||
	    netdev_get_fwd_headroom(vport->dev) < dp->max_headroom)
		return;
	for (i = 0; i < t->n; i++) {
		const struct vport *other = ovsl_dereference(t->ports[i]);

		if (other)
			room = max_t(unsigned int, room,
				     netdev_get_fwd_headroom(other->dev));
	}
	if (room != dp->max_headroom)
		headroom_set(dp, room);
}

/**
 * ovs_vport_add - make a port and start receiving from it
 * @parms: what it is to be; its number is free.
 *
 * Context: process; rtnl and ovs_mutex held.
 * Return: the port, or an error pointer, explained in the extack.
 */
struct vport *ovs_vport_add(const struct vport_parms *parms)
{
	const struct vport_ops *ops = vport_ops(parms->type);
	struct vport *vport;
	int err;

	if (!ops) {
		NL_SET_ERR_MSG(parms->extack, "port type is not supported");
		return ERR_PTR(-EAFNOSUPPORT);
	}

	vport = vport_alloc(ops, parms);
	if (!vport)
		return ERR_PTR(-ENOMEM);
	err = ovs_vport_set_upcall_portids(vport, parms->upcall_portids);
	if (err) {
		NL_SET_ERR_MSG(parms->extack,
			       "UPCALL_PID must hold one port id or more, at most one for each CPU");
		goto err_free;
	}
	err = ops->create(vport, parms);
	if (err)
		goto err_portids;
	err = ovs_dp_port_set(parms->dp, parms->port_no, vport);
	if (err)
		goto err_detach;
	headroom_add(parms->dp, vport);
	return vport;

err_detach:
	ops->detach(vport);
err_portids:
	kfree(rcu_dereference_protected(vport->upcall_portids, true));
err_free:
	vport_free(vport);
	return ERR_PTR(err);
}

/**
 * ovs_vport_del - take a port out of its datapath and free it
 * @vport: the port.
 *
 * Its device, if we made it, goes in ovs_vports_unlock().
 *
 * Context: process; rtnl and ovs_mutex held.
 */
void ovs_vport_del(struct vport *vport)
{
	ovs_dp_port_set(vport->dp, vport->port_no, NULL);
	headroom_del(vport->dp, vport);
	vport->ops->detach(vport);
	kfree_rcu(rcu_dereference_protected(vport->upcall_portids, true), rcu);
	vport_free(vport);
}

/* Devices of deleted ports, to be unregistered.  Under rtnl. */
LIST_HEAD(ovs_doomed_devs);

/**
 * ovs_vports_unlock - let go of ovs_mutex, and unregister the devices of deleted ports
 *
 * What stands on such a device, as one for a VLAN does, goes with it.  It may be a
 * port, too, of which device_event() is told then, and takes ovs_mutex.
 *
 * Context: process; rtnl and ovs_mutex held; rtnl still is behind it.
 */
void ovs_vports_unlock(void)
{
	LIST_HEAD(devs);

	list_splice_init(&ovs_doomed_devs, &devs);
	ovs_unlock();
	unregister_netdevice_many(&devs);
}

/**
 * ovs_vport_set_upcall_portids - say which sockets get the misses of a port
 * @vport: the port.
 * @ids: array of u32, no more than there may be CPUs.
 *
 * Context: process; ovs_mutex held.
 * Return: 0, -EINVAL or -ENOMEM.
 */
int ovs_vport_set_upcall_portids(struct vport *vport, const struct nlattr *ids)
{
	struct vport_portids *old, *new;
	unsigned int len = nla_len(ids);

	if (!len || len % sizeof(u32) || len / sizeof(u32) > nr_cpu_ids)
		return -EINVAL;
	new = kmalloc(struct_size(new, ids, len / sizeof(u32)), GFP_KERNEL);
	if (!new)
		return -ENOMEM;
	new->n_ids = len / sizeof(u32);
	new->rn_ids = reciprocal_value(new->n_ids);
	nla_memcpy(new->ids, ids, len);

	old = rcu_dereference_protected(vport->upcall_portids, true);
	rcu_assign_pointer(vport->upcall_portids, new);
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

/**
 * ovs_vport_put_upcall_portids - write the sockets of a port into a message
 * @vport: the port.
 * @skb: the message.
 *
 * Context: RCU read side, or ovs_mutex held.
 * Return: 0 or -EMSGSIZE.
 */
int ovs_vport_put_upcall_portids(const struct vport *vport, struct sk_buff *skb)
{
	const struct vport_portids *ids;

	ids = rcu_dereference_ovsl(vport->upcall_portids);
	if (vport->dp->user_features & OVS_DP_F_VPORT_PIDS)
		return nla_put(skb, OVS_VPORT_ATTR_UPCALL_PID,
			       ids->n_ids * sizeof(u32), ids->ids);
	return nla_put_u32(skb, OVS_VPORT_ATTR_UPCALL_PID, ids->ids[0]);
}

/**
 * ovs_vport_find_upcall_portid - the socket for the miss of a packet
 * @vport: where it came from.
 * @skb: the packet: those of one connection go to one socket.
 *
 * Context: RCU read side.
 * Return: the port id; 0: none.
 */
u32 ovs_vport_find_upcall_portid(const struct vport *vport, struct sk_buff *skb)
{
	const struct vport_portids *ids = rcu_dereference(vport->upcall_portids);
	u32 hash;

	if (ids->n_ids == 1)
		return ids->ids[0];
	hash = skb_get_hash(skb);
	return ids->ids[hash - ids->n_ids * reciprocal_divide(hash, ids->rn_ids)];
}

/**
 * ovs_vport_get_stats - the counters of a port, which are its device's
 * @vport: the port.
 * @stats: filled in.
 *
 * Context: process or RCU read side.
 */
void ovs_vport_get_stats(const struct vport *vport,
			 struct ovs_vport_stats *stats)
{
	struct rtnl_link_stats64 dev_stats;
	const struct rtnl_link_stats64 *s;

	s = dev_get_stats(vport->dev, &dev_stats);
	stats->rx_packets = s->rx_packets;
	stats->tx_packets = s->tx_packets;
	stats->rx_bytes = s->rx_bytes;
	stats->tx_bytes = s->tx_bytes;
	stats->rx_errors = s->rx_errors;
	stats->tx_errors = s->tx_errors;
	stats->rx_dropped = s->rx_dropped;
	stats->tx_dropped = s->tx_dropped;
}

/**
 * ovs_vport_count_upcall - count an upcall of a packet
 * @vport: where the packet came from.
 * @success: whether it reached a socket.
 *
 * Context: BH disabled.
 */
void ovs_vport_count_upcall(const struct vport *vport, bool success)
{
	struct vport_upcall_stats *stats = this_cpu_ptr(vport->upcall_stats);

	u64_stats_update_begin(&stats->syncp);
	if (success)
		stats->n_success++;
	else
		stats->n_fail++;
	u64_stats_update_end(&stats->syncp);
}

/**
 * ovs_vport_get_upcall_stats - the upcalls of packets from a port
 * @vport: the port.
 * @stats: filled in, summed over CPUs.
 *
 * Context: any.
 */
void ovs_vport_get_upcall_stats(const struct vport *vport,
				struct vport_upcall_stats *stats)
{
	u64 success, fail;
	unsigned int start;
	int cpu;

	memset(stats, 0, sizeof(*stats));
	for_each_possible_cpu(cpu) {
		const struct vport_upcall_stats *s =
			per_cpu_ptr(vport->upcall_stats, cpu);

		do {
			start = ovs_u64_stats_begin(&s->syncp);
			success = s->n_success;
			fail = s->n_fail;
		} while (ovs_u64_stats_retry(&s->syncp, start));
		stats->n_success += success;
		stats->n_fail += fail;
	}
}

/**
 * ovs_vport_receive - a packet enters the datapath
 * @vport: where.
 * @skb: data at the first header; taken over.
 * @info: the tunnel that it came by, of its dst; or NULL.
 *
 * Context: rcu_read_lock() held, BH disabled.
 */
void ovs_vport_receive(struct vport *vport, struct sk_buff *skb,
		       const struct ip_tunnel_info *info)
{
	/* As large as it is, what matters of it is written anyway. */
	struct sw_flow_key key __uninitialized;

	OVS_CB(skb)->input_vport = vport;
	OVS_CB(skb)->cutlen = 0;
	OVS_CB(skb)->recircs = 0;
	OVS_CB(skb)->key_stale = false;
	OVS_CB(skb)->mru = 0;
	if (unlikely(!net_eq(dev_net(skb->dev), ovs_dp_get_net(vport->dp)))) {
		skb_scrub_packet(skb, true);
		info = NULL;
	}

	if (unlikely(ovs_flow_key_extract(skb, &key, vport->port_no, info))) {
		kfree_skb(skb);
		return;
	}
	ovs_ct_key_received(skb, &key);
	ovs_dp_process_packet(skb, &key);
}

static unsigned int packet_length(const struct sk_buff *skb, u8 mac_proto)
{
	unsigned int len = skb->len;

	if (mac_proto == OVS_MAC_ETHERNET)
		len -= ETH_HLEN;
	/* One tag does not count against the MTU, as in the VLAN driver. */
	if (!skb_vlan_tag_present(skb) && eth_type_vlan(skb->protocol))
		len -= VLAN_HLEN;
	return len;
}

/**
 * ovs_vport_send - a packet leaves the datapath
 * @vport: where.
 * @skb: taken over.
 * @mac_proto: &enum ovs_mac_proto of the packet.
 *
 * Context: rcu_read_lock() held, BH disabled.
 */
void ovs_vport_send(struct vport *vport, struct sk_buff *skb, u8 mac_proto)
{
	unsigned int mtu = READ_ONCE(vport->dev->mtu);

	if (unlikely(vport->dev->type != ARPHRD_ETHER)) {
		/* Such a device goes by the protocol: TEB is Ethernet in it. */
		if (mac_proto == OVS_MAC_ETHERNET)
			skb->protocol = htons(ETH_P_TEB);
	} else if (unlikely(mac_proto != OVS_MAC_ETHERNET)) {
		goto drop;
	}
	if (unlikely(packet_length(skb, mac_proto) > mtu &&
		     !skb_is_gso(skb))) {
		dev_core_stats_tx_dropped_inc(vport->dev);
		net_dbg_ratelimited("%s: dropped a packet of %u bytes, over the MTU of %u\n",
				    ovs_vport_name(vport),
				    packet_length(skb, mac_proto), mtu);
		kfree_skb_reason(skb, SKB_DROP_REASON_PKT_TOO_BIG);
		return;
	}
	skb->dev = vport->dev;
	skb_clear_tstamp(skb);
	vport->ops->send(skb);
	return;
drop:
	kfree_skb(skb);
}

/*
 * A device goes, or changes namespace: it is a port no more.  An internal
 * device stays a port when it moves.
 */
static int device_event(struct notifier_block *nb, unsigned long event,
			void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct vport *vport;

	if (event != NETDEV_UNREGISTER ||
	    (ovs_is_internal_dev(dev) && dev->reg_state != NETREG_UNREGISTERING))
		return NOTIFY_DONE;
	vport = ovs_vport_of_dev(dev);
	if (!vport)
		return NOTIFY_DONE;

	ovs_lock();
	if (vport->port_no == OVSP_LOCAL) {
		ovs_dp_destroy(vport->dp);
	} else {
		vport->dev_moves = dev->reg_state == NETREG_REGISTERED;
		ovs_vport_notify_del(vport);
		ovs_vport_del(vport);
	}
	ovs_vports_unlock();
	return NOTIFY_DONE;
}

struct notifier_block ovs_dp_device_notifier = {
	.notifier_call = device_event,
};
