// SPDX-License-Identifier: GPL-2.0
/*
 * Ports that are network devices of others: all that they receive enters the
 * datapath.
 */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/rtnetlink.h>
#include <net/dst_metadata.h>

#include "datapath.h"
#include "vport.h"

/* Context: softirq, RCU read side. */
static rx_handler_result_t netdev_frame_hook(struct sk_buff **pskb)
{
	struct sk_buff *skb = *pskb;
	struct vport *vport;

	if (unlikely(skb->pkt_type == PACKET_LOOPBACK))
		return RX_HANDLER_PASS;
	vport = rcu_dereference(skb->dev->rx_handler_data);
	if (unlikely(!vport))
		return RX_HANDLER_PASS;
	if (unlikely(skb_warn_if_lro(skb))) {
		kfree_skb(skb);
		return RX_HANDLER_CONSUMED;
	}

	skb = skb_share_check(skb, GFP_ATOMIC);
	if (unlikely(!skb))
		return RX_HANDLER_CONSUMED;
	if (likely(skb->dev->type == ARPHRD_ETHER)) {
		skb_push(skb, ETH_HLEN);
		skb_postpush_rcsum(skb, skb->data, ETH_HLEN);
	}
	ovs_vport_receive(vport, skb, skb_tunnel_info(skb));
	return RX_HANDLER_CONSUMED;
}

/**
 * ovs_netdev_vport - the port that a device of others is
 * @dev: any device.
 *
 * Context: RCU read side or rtnl held.
 * Return: the port, or NULL.
 */
struct vport *ovs_netdev_vport(const struct net_device *dev)
{
	if (likely(netif_is_ovs_port(dev)))
		return rcu_dereference_rtnl(dev->rx_handler_data);
	return NULL;
}

static int netdev_check(const struct net_device *dev,
			struct netlink_ext_ack *extack)
{
	if (dev->flags & IFF_LOOPBACK) {
		NL_SET_ERR_MSG(extack, "a loopback device can't be a port");
		return -EINVAL;
	}
	if (dev->type != ARPHRD_ETHER && dev->type != ARPHRD_NONE) {
		NL_SET_ERR_MSG(extack,
			       "a device of this kind of link can't be a port");
		return -EINVAL;
	}
	if (ovs_is_internal_dev(dev)) {
		NL_SET_ERR_MSG(extack, "an internal device can't be a netdev port");
		return -EINVAL;
	}
	return 0;
}

/**
 * ovs_netdev_attach - make a device a port: receive from it
 * @vport: the port.
 * @dev: the device.
 * @parms: of the port.
 *
 * Context: process; rtnl and ovs_mutex held.
 * Return: 0 or an error, explained in the extack; then @dev is as before.
 */
int ovs_netdev_attach(struct vport *vport, struct net_device *dev,
		      const struct vport_parms *parms)
{
	struct net_device *local = ovs_vport_any(parms->dp, OVSP_LOCAL)->dev;
	int err;

	err = netdev_master_upper_dev_link(dev, local, NULL, NULL,
					   parms->extack);
	if (err) {
		if (err == -EBUSY || err == -EEXIST)
			NL_SET_ERR_MSG(parms->extack,
				       "the device is a port already, or belongs to a bridge, bond or other master");
		return err;
	}
	/* From the handler on, packets come in. */
	vport->dev = dev;
	err = netdev_rx_handler_register(dev, netdev_frame_hook, vport);
	if (err) {
		NL_SET_ERR_MSG(parms->extack,
			       "the device already belongs to a bridge, bond or other master");
		goto err_unlink;
	}
	err = dev_set_promiscuity(dev, 1);
	if (err)
		goto err_handler;
	dev_disable_lro(dev);
	dev->priv_flags |= IFF_OVS_DATAPATH;
	netdev_hold(dev, &vport->dev_tracker, GFP_KERNEL);
	return 0;

err_handler:
	netdev_rx_handler_unregister(dev);
err_unlink:
	netdev_upper_dev_unlink(dev, local);
	return err;
}

static int netdev_create(struct vport *vport, const struct vport_parms *parms)
{
	struct net_device *dev;
	int err;

	dev = __dev_get_by_name(ovs_dp_get_net(parms->dp), parms->name);
	if (!dev) {
		NL_SET_ERR_MSG(parms->extack, "no such device");
		return -ENODEV;
	}
	err = netdev_check(dev, parms->extack);
	return err ?: ovs_netdev_attach(vport, dev, parms);
}

static void netdev_detach(struct vport *vport)
{
	struct net_device *dev = vport->dev;

	dev->priv_flags &= ~IFF_OVS_DATAPATH;
	/* Waits for the packets that came in here or have found the port. */
	netdev_rx_handler_unregister(dev);
	netdev_upper_dev_unlink(dev, netdev_master_upper_dev_get(dev));
	dev_set_promiscuity(dev, -1);
	netdev_put(dev, &vport->dev_tracker);
}

/**
 * ovs_netdev_send - transmit by a device of others
 * @skb: the packet; taken over.
 *
 * Context: RCU read side, BH disabled.
 */
void ovs_netdev_send(struct sk_buff *skb)
{
	dev_queue_xmit(skb);
}

const struct vport_ops ovs_netdev_vport_ops = {
	.type = OVS_VPORT_TYPE_NETDEV,
	.create = netdev_create,
	.detach = netdev_detach,
	.send = ovs_netdev_send,
};
