// SPDX-License-Identifier: GPL-2.0
/*
 * Internal ports: network devices that the datapath makes, so that the host
 * itself is on the switch.
 */
#include <linux/etherdevice.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <net/dst.h>
#include <net/xfrm.h>

#include "datapath.h"
#include "vport.h"

struct internal_dev {
	struct vport __rcu *vport;
};

static const struct net_device_ops internal_dev_ops;

static struct internal_dev *internal_priv(const struct net_device *dev)
{
	return netdev_priv(dev);
}

/**
 * ovs_is_internal_dev - whether a device was made by this module
 * @dev: any device.
 *
 * Context: any.
 */
bool ovs_is_internal_dev(const struct net_device *dev)
{
	return dev->netdev_ops == &internal_dev_ops;
}

/**
 * ovs_internal_dev_vport - the port of an internal device
 * @dev: internal.
 *
 * Context: RCU read side or rtnl held.
 * Return: the port; NULL while it is made or goes.
 */
struct vport *ovs_internal_dev_vport(const struct net_device *dev)
{
	return rcu_dereference_rtnl(internal_priv(dev)->vport);
}

/* The host sends.  Context: BH disabled. */
static netdev_tx_t internal_dev_xmit(struct sk_buff *skb,
				     struct net_device *dev)
{
	unsigned int len = skb->len;
	struct vport *vport;

	rcu_read_lock();
	vport = rcu_dereference(internal_priv(dev)->vport);
	if (likely(vport)) {
		dev_sw_netstats_tx_add(dev, 1, len);
		ovs_vport_receive(vport, skb, NULL);
	} else {
		kfree_skb(skb);
	}
	rcu_read_unlock();
	return NETDEV_TX_OK;
}

static int internal_dev_init(struct net_device *dev)
{
	dev->tstats = netdev_alloc_pcpu_stats(struct pcpu_sw_netstats);
	return dev->tstats ? 0 : -ENOMEM;
}

static void internal_dev_uninit(struct net_device *dev)
{
	free_percpu(dev->tstats);
	dev->tstats = NULL;
}

static int internal_dev_open(struct net_device *dev)
{
	netif_start_queue(dev);
	return 0;
}

static int internal_dev_stop(struct net_device *dev)
{
	netif_stop_queue(dev);
	return 0;
}

/* Room for the headers of whatever port a packet of the host may leave by. */
static void internal_set_rx_headroom(struct net_device *dev, int room)
{
	dev->needed_headroom = max(room, 0);
}

static const struct net_device_ops internal_dev_ops = {
	.ndo_init = internal_dev_init,
	.ndo_uninit = internal_dev_uninit,
	.ndo_open = internal_dev_open,
	.ndo_stop = internal_dev_stop,
	.ndo_start_xmit = internal_dev_xmit,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_get_stats64 = dev_get_tstats64,
	.ndo_set_rx_headroom = internal_set_rx_headroom,
};

static void internal_get_drvinfo(struct net_device *dev,
				 struct ethtool_drvinfo *info)
{
	strscpy(info->driver, "openvswitch", sizeof(info->driver));
}

static const struct ethtool_ops internal_dev_ethtool_ops = {
	.get_drvinfo = internal_get_drvinfo,
	.get_link = ethtool_op_get_link,
};

static struct rtnl_link_ops internal_dev_link_ops __read_mostly = {
	.kind = "openvswitch",
};

static void internal_dev_setup(struct net_device *dev)
{
	ether_setup(dev);
	dev->max_mtu = ETH_MAX_MTU;
	dev->netdev_ops = &internal_dev_ops;
	dev->priv_flags &= ~IFF_TX_SKB_SHARING;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE | IFF_OPENVSWITCH |
			   IFF_NO_QUEUE | IFF_PHONY_HEADROOM;
	dev->needs_free_netdev = true;
	dev->ethtool_ops = &internal_dev_ethtool_ops;
	dev->rtnl_link_ops = &internal_dev_link_ops;

	dev->features |= NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA |
			 NETIF_F_HW_CSUM | NETIF_F_GSO_SOFTWARE |
			 NETIF_F_GSO_ENCAP_ALL;
	dev->vlan_features = dev->features;
	dev->hw_enc_features = dev->features;
	dev->features |= NETIF_F_HW_VLAN_CTAG_TX | NETIF_F_HW_VLAN_STAG_TX;
	dev->hw_features = dev->features;
	ovs_dev_set_lltx(dev);
	eth_hw_addr_random(dev);
}

static int internal_create(struct vport *vport, const struct vport_parms *parms)
{
	struct net_device *dev;
	int err;

	dev = alloc_netdev(sizeof(struct internal_dev), parms->name,
			   NET_NAME_USER, internal_dev_setup);
	if (!dev)
		return -ENOMEM;
	dev_net_set(dev, ovs_dp_get_net(parms->dp));
	dev->ifindex = parms->ifindex;
	if (parms->port_no == OVSP_LOCAL)
		ovs_dev_set_netns_local(dev);

	vport->dev = dev;
	err = register_netdevice(dev);
	if (err) {
		free_netdev(dev);
		if (err == -EEXIST)
			NL_SET_ERR_MSG(parms->extack,
				       "a device of this name exists");
		else
			NL_SET_ERR_MSG(parms->extack,
				       "can't register the internal device");
		return err;
	}
	netdev_hold(dev, &vport->dev_tracker, GFP_KERNEL);
	rcu_assign_pointer(internal_priv(dev)->vport, vport);
	dev_set_promiscuity(dev, 1);
	netif_start_queue(dev);
	return 0;
}

static void internal_detach(struct vport *vport)
{
	struct net_device *dev = vport->dev;

	/* From here on the device notifier takes it for nobody's. */
	RCU_INIT_POINTER(internal_priv(dev)->vport, NULL);
	netif_stop_queue(dev);
	synchronize_net();
	netdev_put(dev, &vport->dev_tracker);
	/* Unless it is being unregistered, and told us so. */
	if (dev->reg_state == NETREG_REGISTERED) {
		dev_set_promiscuity(dev, -1);
		unregister_netdevice_queue(dev, &ovs_doomed_devs);
	}
}

/* To the host. */
static void internal_send(struct sk_buff *skb)
{
	struct net_device *dev = skb->dev;

	if (unlikely(!(dev->flags & IFF_UP))) {
		dev_core_stats_rx_dropped_inc(dev);
		kfree_skb(skb);
		return;
	}
	skb_dst_drop(skb);
	nf_reset_ct(skb);
	secpath_reset(skb);
	skb->pkt_type = PACKET_HOST;
	skb->protocol = eth_type_trans(skb, dev);
	skb_postpull_rcsum(skb, eth_hdr(skb), ETH_HLEN);
	dev_sw_netstats_rx_add(dev, skb->len);
	netif_rx(skb);
}

const struct vport_ops ovs_internal_vport_ops = {
	.type = OVS_VPORT_TYPE_INTERNAL,
	.create = internal_create,
	.detach = internal_detach,
	.send = internal_send,
};

/* Context: module init. */
int __init ovs_internal_dev_init(void)
{
	return rtnl_link_register(&internal_dev_link_ops);
}

/* Context: module exit; no datapath is left. */
void ovs_internal_dev_exit(void)
{
	rtnl_link_unregister(&internal_dev_link_ops);
}
