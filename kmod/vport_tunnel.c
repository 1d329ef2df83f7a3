// SPDX-License-Identifier: GPL-2.0
/*
 * Ports of the types VXLAN, Geneve and GRE: the datapath makes a device in
 * metadata mode for each, and destroys it with the port.  ovs-vswitchd makes
 * such devices itself where it can, and adds them as ports of type NETDEV.
 *
 * The drivers are found by symbol when a port is made, and loaded if need be, so
 * that a host that has no such port has no such driver.
 */
#include <linux/kmod.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/geneve.h>
#include <net/gre.h>
#include <net/vxlan.h>

#include "datapath.h"
#include "vport.h"

/**
 * struct tunnel_driver - where the devices of a type come from
 * @module: alias of the module.
 * @symbol: the function that makes one; exported by the module.
 * @has_dst_port: whether OVS_TUNNEL_ATTR_DST_PORT is needed.
 * @make: calls it.
 */
struct tunnel_driver {
	const char *module;
	const char *symbol;
	bool has_dst_port;
	struct net_device *(*make)(const void *func, struct net *net,
				   const char *name, struct vport_tunnel *tnl);
};

static struct net_device *make_vxlan(const void *func, struct net *net,
				     const char *name, struct vport_tunnel *tnl)
{
	const typeof(&vxlan_dev_create) create = func;
	struct vxlan_config conf = {
		.no_share = true,
		.flags = VXLAN_F_COLLECT_METADATA | VXLAN_F_UDP_ZERO_CSUM6_RX |
			 (tnl->gbp ? VXLAN_F_GBP : 0),
		.mtu = IP_MAX_MTU,	/* what goes in is the user's affair */
		.dst_port = htons(tnl->dst_port),
	};
	struct net_device *dev;

	dev = create(net, name, NET_NAME_USER, &conf);
	if (!IS_ERR(dev))	/* the driver has a default of its own */
		tnl->dst_port = ntohs(((struct vxlan_dev *)
				       netdev_priv(dev))->cfg.dst_port);
	return dev;
}

static struct net_device *make_geneve(const void *func, struct net *net,
				      const char *name,
				      struct vport_tunnel *tnl)
{
	const typeof(&geneve_dev_create_fb) create = func;

	return create(net, name, NET_NAME_USER, tnl->dst_port);
}

static struct net_device *make_gre(const void *func, struct net *net,
				   const char *name, struct vport_tunnel *tnl)
{
	const typeof(&gretap_fb_dev_create) create = func;

	return create(net, name, NET_NAME_USER);
}

static const struct tunnel_driver vxlan_driver = {
	.module = "rtnl-link-vxlan",
	.symbol = "vxlan_dev_create",
	.has_dst_port = true,
	.make = make_vxlan,
};

static const struct tunnel_driver geneve_driver = {
	.module = "rtnl-link-geneve",
	.symbol = "geneve_dev_create_fb",
	.has_dst_port = true,
	.make = make_geneve,
};

static const struct tunnel_driver gre_driver = {
	.module = "rtnl-link-gretap",
	.symbol = "gretap_fb_dev_create",
	.make = make_gre,
};

static const struct tunnel_driver *tunnel_driver(u32 type)
{
	switch (type) {
	case OVS_VPORT_TYPE_VXLAN:
		return &vxlan_driver;
	case OVS_VPORT_TYPE_GENEVE:
		return &geneve_driver;
	case OVS_VPORT_TYPE_GRE:
		return &gre_driver;
	default:
		return NULL;
	}
}

/**
 * ovs_tunnel_request_driver - load the driver that a type of port needs
 * @type: &enum ovs_vport_type, unchecked.
 *
 * Whether it could be loaded is seen when the port is made.
 *
 * Context: process; neither rtnl nor ovs_mutex held, for a module's init takes
 * rtnl.
 */
void ovs_tunnel_request_driver(u32 type)
{
	const struct tunnel_driver *driver = tunnel_driver(type);

	if (!driver)
		return;
	if (__symbol_get(driver->symbol))
		__symbol_put(driver->symbol);
	else
		request_module("%s", driver->module);
}

static const struct nla_policy ext_policy[OVS_VXLAN_EXT_MAX + 1] = {
	[OVS_VXLAN_EXT_GBP] = { .type = NLA_FLAG },
};

static int parse_extension(struct vport_tunnel *tnl, const struct nlattr *attr,
			   struct netlink_ext_ack *extack)
{
	struct nlattr *ext[OVS_VXLAN_EXT_MAX + 1];
	int err;

	if (nla_len(attr) < NLA_HDRLEN) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "EXTENSION has no attribute in it");
		return -EINVAL;
	}
	err = nla_parse_nested_deprecated(ext, OVS_VXLAN_EXT_MAX, attr,
					  ext_policy, extack);
	if (!err)
		tnl->gbp = ext[OVS_VXLAN_EXT_GBP];
	return err;
}

static int parse_options(struct vport_tunnel *tnl,
			 const struct vport_parms *parms)
{
	struct nlattr *a[OVS_TUNNEL_ATTR_MAX + 1], *port, *ext;
	int err;

	if (!parms->options) {
		NL_SET_ERR_MSG(parms->extack,
			       "this type of port needs OPTIONS");
		return -EINVAL;
	}
	err = nla_parse_nested_deprecated(a, OVS_TUNNEL_ATTR_MAX,
					  parms->options, NULL, parms->extack);
	if (err)
		return err;
	port = a[OVS_TUNNEL_ATTR_DST_PORT];
	ext = a[OVS_TUNNEL_ATTR_EXTENSION];
	if (!port || nla_len(port) != sizeof(u16)) {
		NL_SET_ERR_MSG(parms->extack,
			       "OPTIONS need a 16-bit DST_PORT");
		return -EINVAL;
	}
	tnl->dst_port = nla_get_u16(port);
	if (ext && parms->type == OVS_VPORT_TYPE_VXLAN)
		return parse_extension(tnl, ext, parms->extack);
	return 0;
}

/* Context: rtnl and ovs_mutex held. */
static void doom_device(struct net_device *dev)
{
	dev->rtnl_link_ops->dellink(dev, &ovs_doomed_devs);
}

static int link_device(struct vport *vport, struct net_device *dev,
		       const struct vport_parms *parms)
{
	int err = dev_change_flags(dev, dev->flags | IFF_UP, parms->extack);

	if (!err)
		err = ovs_netdev_attach(vport, dev, parms);
	if (err)
		doom_device(dev);
	return err;
}

static int tunnel_create(struct vport *vport, const struct vport_parms *parms)
{
	const struct tunnel_driver *driver = tunnel_driver(parms->type);
	struct net_device *dev;
	const void *func;
	int err;

	if (driver->has_dst_port) {
		err = parse_options(&vport->tnl, parms);
		if (err)
			return err;
	}
	/* Held while there is a port, so that the driver is seen to be in use. */
	func = __symbol_get(driver->symbol);
	if (!func) {
		NL_SET_ERR_MSG(parms->extack,
			       "the driver of this type of port is not there");
		return -EAFNOSUPPORT;
	}
	dev = driver->make(func, ovs_dp_get_net(parms->dp), parms->name,
			   &vport->tnl);
	err = PTR_ERR_OR_ZERO(dev);
	if (err)
		NL_SET_ERR_MSG(parms->extack,
			       "can't make the tunnel device: its name or its UDP port may be taken");
	else
		err = link_device(vport, dev, parms);
	if (err)
		__symbol_put(driver->symbol);
	return err;
}

/**
 * struct device_removal - a device to be destroyed when rtnl is free again
 * @work: does it.
 * @dev: the device; a reference is held.
 * @tracker: of the reference.
 * @type: of the port that it was.
 */
struct device_removal {
	struct work_struct work;
	struct net_device *dev;
	netdevice_tracker tracker;
	u32 type;
};

static void remove_work(struct work_struct *work)
{
	struct device_removal *r = container_of(work, typeof(*r), work);

	rtnl_lock();
	if (r->dev->reg_state == NETREG_REGISTERED)
		rtnl_delete_link(r->dev, 0, NULL);
	netdev_put(r->dev, &r->tracker);
	rtnl_unlock();
	__symbol_put(tunnel_driver(r->type)->symbol);
	kfree(r);
}

/* Without memory for it the device stays, harmless, where it moved to. */
static void remove_later(struct net_device *dev, u32 type)
{
	struct device_removal *r = kmalloc(sizeof(*r), GFP_KERNEL);

	if (!r) {
		__symbol_put(tunnel_driver(type)->symbol);
		return;
	}
	INIT_WORK(&r->work, remove_work);
	r->dev = dev;
	r->type = type;
	netdev_hold(dev, &r->tracker, GFP_KERNEL);
	queue_work(ovs_wq, &r->work);
}

static void tunnel_detach(struct vport *vport)
{
	struct net_device *dev = vport->dev;
	u32 type = vport->ops->type;

	ovs_netdev_vport_ops.detach(vport);
	if (vport->dev_moves) {
		remove_later(dev, type);
		return;
	}
	/* Unless it is being unregistered, and told us so. */
	if (dev->reg_state == NETREG_REGISTERED)
		doom_device(dev);
	__symbol_put(tunnel_driver(type)->symbol);
}

static int udp_put_options(const struct vport *vport, struct sk_buff *msg)
{
	struct nlattr *ext;

	if (nla_put_u16(msg, OVS_TUNNEL_ATTR_DST_PORT, vport->tnl.dst_port))
		return -EMSGSIZE;
	if (!vport->tnl.gbp)
		return 0;
	ext = nla_nest_start_noflag(msg, OVS_TUNNEL_ATTR_EXTENSION);
	if (!ext || nla_put_flag(msg, OVS_VXLAN_EXT_GBP))
		return -EMSGSIZE;
	nla_nest_end(msg, ext);
	return 0;
}

const struct vport_ops ovs_vxlan_vport_ops = {
	.type = OVS_VPORT_TYPE_VXLAN,
	.create = tunnel_create,
	.detach = tunnel_detach,
	.send = ovs_netdev_send,
	.put_options = udp_put_options,
};

const struct vport_ops ovs_geneve_vport_ops = {
	.type = OVS_VPORT_TYPE_GENEVE,
	.create = tunnel_create,
	.detach = tunnel_detach,
	.send = ovs_netdev_send,
	.put_options = udp_put_options,
};

const struct vport_ops ovs_gre_vport_ops = {
	.type = OVS_VPORT_TYPE_GRE,
	.create = tunnel_create,
	.detach = tunnel_detach,
	.send = ovs_netdev_send,
};
