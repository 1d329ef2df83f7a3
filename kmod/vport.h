/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ports of a datapath.
 */
#ifndef OVS_VPORT_H
#define OVS_VPORT_H 1

#include <linux/netdevice.h>
#include <linux/reciprocal_div.h>
#include <linux/skbuff.h>
#include <linux/u64_stats_sync.h>
#include <uapi/linux/openvswitch.h>

struct datapath;
struct ip_tunnel_info;
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
 * struct vport_tunnel - options of a port whose device is a tunnel that we made
 * @dst_port: UDP port; 0 if the type has none.
 * @gbp: whether VXLAN carries a group policy id.
 */
struct vport_tunnel {
	u16 dst_port;
	bool gbp;
};

/**
 * struct vport_upcall_stats - upcalls of packets from a port, on one CPU
 * @n_success: those that reached a socket.
 * @n_fail: those that did not.
 * @syncp: consistency on 32-bit machines.
 */
struct vport_upcall_stats {
	u64 n_success;
	u64 n_fail;
	struct u64_stats_sync syncp;
};

/**
 * struct vport_ops - a type of port
 * @type: &enum ovs_vport_type.
 * @create: find or make the device and start to receive from it.  rtnl and
 *	ovs_mutex held.
 * @detach: stop receiving, and let go of the device or add it to ovs_doomed_devs.
 *	The port is in no table any more; when it returns no packet uses it.
 *	rtnl and ovs_mutex held.
 * @send: transmit; takes the packet over.  BH disabled, RCU read side.
 * @put_options: write what OVS_VPORT_ATTR_OPTIONS has in it, or -EMSGSIZE; NULL:
 *	the type has no options.
 */
struct vport_ops {
	enum ovs_vport_type type;
	int (*create)(struct vport *vport, const struct vport_parms *parms);
	void (*detach)(struct vport *vport);
	void (*send)(struct sk_buff *skb);
	int (*put_options)(const struct vport *vport, struct sk_buff *msg);
};

/**
 * struct vport - a port
 * @dev: its device; a reference is held.
 * @ops: its type.
 * @dp: its datapath.
 * @port_no: its number there.
 * @upcall_portids: where its misses go, unless that is by CPU.
 * @dev_tracker: of the reference.
 * @upcall_stats: counters.
 * @tnl: options of a tunnel.
 * @dev_moves: the device is about to change its namespace.
 */
struct vport {
	struct net_device *dev;
	const struct vport_ops *ops;
	struct datapath *dp;
	u16 port_no;
	struct vport_portids __rcu *upcall_portids;
	netdevice_tracker dev_tracker;
	struct vport_upcall_stats __percpu *upcall_stats;
	struct vport_tunnel tnl;
	bool dev_moves;
};

extern const struct vport_ops ovs_netdev_vport_ops;
extern const struct vport_ops ovs_internal_vport_ops;
extern const struct vport_ops ovs_vxlan_vport_ops;
extern const struct vport_ops ovs_geneve_vport_ops;
extern const struct vport_ops ovs_gre_vport_ops;

struct vport *ovs_vport_add(const struct vport_parms *parms);
void ovs_vport_del(struct vport *vport);
extern struct list_head ovs_doomed_devs;
void ovs_vports_unlock(void);
struct vport *ovs_vport_locate(struct net *net, const char *name);
struct vport *ovs_vport_of_dev(const struct net_device *dev);

int ovs_vport_set_upcall_portids(struct vport *vport, const struct nlattr *ids);
int ovs_vport_put_upcall_portids(const struct vport *vport,
				 struct sk_buff *skb);
u32 ovs_vport_find_upcall_portid(const struct vport *vport,
				 struct sk_buff *skb);
void ovs_vport_get_stats(const struct vport *vport,
			 struct ovs_vport_stats *stats);

void ovs_vport_count_upcall(const struct vport *vport, bool success);
void ovs_vport_get_upcall_stats(const struct vport *vport,
				struct vport_upcall_stats *stats);

void ovs_vport_receive(struct vport *vport, struct sk_buff *skb,
		       const struct ip_tunnel_info *info);
void ovs_vport_send(struct vport *vport, struct sk_buff *skb, u8 mac_proto);

static inline const char *ovs_vport_name(const struct vport *vport)
{
	return vport->dev->name;
}

bool ovs_is_internal_dev(const struct net_device *dev);
struct vport *ovs_internal_dev_vport(const struct net_device *dev);
struct vport *ovs_netdev_vport(const struct net_device *dev);
int ovs_netdev_attach(struct vport *vport, struct net_device *dev,
		      const struct vport_parms *parms);
void ovs_netdev_send(struct sk_buff *skb);
void ovs_tunnel_request_driver(u32 type);
int ovs_internal_dev_init(void);
void ovs_internal_dev_exit(void);

void ovs_vport_notify_del(const struct vport *vport);

extern struct notifier_block ovs_dp_device_notifier;

#endif /* OVS_VPORT_H */
