/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ports of a datapath.
 */
#ifndef OVS_VPORT_H
#define OVS_VPORT_H 1

#include <linux/netdevice.h>
#include <linux/reciprocal_div.h>
#include <linux/skbuff.h>
#include <uapi/linux/openvswitch.h>

struct datapath;
struct vport;

/**
 * struct vport_portids - sockets for the upcalls of a port
 * @rcu: its freeing.
 * @rn_ids: reciprocal of @n_ids.
 * @n_ids: how many, at least 1.
 * @ids: port ids; a single 0 means no upcalls.
 */
struct vport_portids {
	struct rcu_head rcu;
	struct reciprocal_value rn_ids;
	u32 n_ids;
	u32 ids[];
};

/**
 * struct vport_parms - what a new port is to be
 * @name: of its device.
 * @type: &enum ovs_vport_type.
 * @port_no: its number.
 * @ifindex: wanted for a device that is made for it; 0: any.
 * @options: OVS_VPORT_ATTR_OPTIONS, or NULL.
 * @upcall_portids: OVS_VPORT_ATTR_UPCALL_PID.
 * @dp: its datapath.
 * @extack: where a refusal is explained.
 */
struct vport_parms {
	const char *name;
	enum ovs_vport_type type;
	u16 port_no;
	u32 ifindex;
	struct nlattr *options;
	struct nlattr *upcall_portids;
	struct datapath *dp;
	struct netlink_ext_ack *extack;
};

/**
 * struct vport_ops - a type of port
 * @type: &enum ovs_vport_type.
 * @create: find or make the device and start to receive from it.  rtnl and
 *	ovs_mutex held.
 * @detach: stop receiving, let go of the device or destroy it.  The port is in
 *	no table any more; when it returns no packet uses it.  rtnl and
 *	ovs_mutex held.
 * @send: transmit; takes the packet over.  BH disabled, RCU read side.
 */
struct vport_ops {
	enum ovs_vport_type type;
	int (*create)(struct vport *vport, const struct vport_parms *parms);
	void (*detach)(struct vport *vport);
	void (*send)(struct sk_buff *skb);
};

/**
 * struct vport - a port
 * @dev: its device; a reference is held.
 * @ops: its type.
 * @dp: its datapath.
 * @port_no: its number there.
 * @upcall_portids: where its misses go, unless that is by CPU.
 * @dev_tracker: of the reference.
 */
struct vport {
	struct net_device *dev;
	const struct vport_ops *ops;
	struct datapath *dp;
	u16 port_no;
	struct vport_portids __rcu *upcall_portids;
	netdevice_tracker dev_tracker;
};

extern const struct vport_ops ovs_netdev_vport_ops;
extern const struct vport_ops ovs_internal_vport_ops;

struct vport *ovs_vport_add(const struct vport_parms *parms);
void ovs_vport_del(struct vport *vport);
struct vport *ovs_vport_locate(struct net *net, const char *name);
struct vport *ovs_vport_of_dev(const struct net_device *dev);

int ovs_vport_set_upcall_portids(struct vport *vport, const struct nlattr *ids);
int ovs_vport_put_upcall_portids(const struct vport *vport,
				 struct sk_buff *skb);
u32 ovs_vport_find_upcall_portid(const struct vport *vport,
				 struct sk_buff *skb);
void ovs_vport_get_stats(const struct vport *vport,
			 struct ovs_vport_stats *stats);

void ovs_vport_receive(struct vport *vport, struct sk_buff *skb);
void ovs_vport_send(struct vport *vport, struct sk_buff *skb, u8 mac_proto);

static inline const char *ovs_vport_name(const struct vport *vport)
{
	return vport->dev->name;
}

bool ovs_is_internal_dev(const struct net_device *dev);
struct vport *ovs_internal_dev_vport(const struct net_device *dev);
struct vport *ovs_netdev_vport(const struct net_device *dev);
int ovs_internal_dev_init(void);
void ovs_internal_dev_exit(void);

void ovs_vport_notify_del(const struct vport *vport);

extern struct notifier_block ovs_dp_device_notifier;

#endif /* OVS_VPORT_H */
