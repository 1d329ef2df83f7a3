/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The datapath: ports, flow table, counters; and the locks.
 *
 * Locking: datapaths and ports are added and removed under rtnl and ovs_mutex,
 * taken in this order, and may be read under either, or under RCU.  Flows change
 * under ovs_mutex alone.  Packets, and netlink dumps, take rcu_read_lock() only.
 */
#ifndef OVS_DATAPATH_H
#define OVS_DATAPATH_H 1

#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <linux/u64_stats_sync.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <uapi/linux/openvswitch.h>

#include "../include/uapi/linux/openvswitch_bpf.h"
#include "compat/compat.h"
#include "compat/uapi.h"
#include "flow.h"
#include "flow_table.h"
#include "meter.h"

#ifndef CONFIG_64BIT
#error "this module is for 64-bit machines: its hashes and generations are words"
#endif

struct vport;

extern struct mutex ovs_mutex;
extern unsigned int ovs_net_id;
extern struct workqueue_struct *ovs_wq;

#define ovsl_dereference(p) \
	rcu_dereference_protected(p, lockdep_is_held(&ovs_mutex))
#define rcu_dereference_ovsl(p) \
	rcu_dereference_check(p, lockdep_is_held(&ovs_mutex))

/* Port numbers are below this; the last is OVS_NO_PORT. */
#define DP_MAX_PORTS U16_MAX

struct ovs_ct_limits;

/**
 * struct ovs_net - what a network namespace has of us
 * @dps: its datapaths.
 * @ct_limits: its connection limits, or NULL; once there it stays.
 * @ct_labels: whether its connections have room for labels.
 */
struct ovs_net {
	struct list_head dps;
	struct ovs_ct_limits *ct_limits;
	bool ct_labels;
};

/**
 * struct dp_stats_percpu - counters of a datapath on one CPU
 * @n_hit: packets that found a flow.
 * @n_missed: packets that did not.
 * @n_lost: upcalls of those that did not reach userspace.
 * @n_mask_hit: masks tried.
 * @n_cache_hit: lookups that the mask cache shortened.
 * @drops: by &enum ovs_drop_attr.
 * @syncp: consistency on 32-bit machines.
 */
struct dp_stats_percpu {
	u64 n_hit;
	u64 n_missed;
	u64 n_lost;
	u64 n_mask_hit;
	u64 n_cache_hit;
	u64 drops[OVS_DROP_ATTR_PAD];
	struct u64_stats_sync syncp;
};

/**
 * struct dp_nlsk_pids - sockets for the upcalls of each CPU
 * @rcu: its freeing.
 * @n_pids: how many.
 * @pids: port ids; CPU c uses pids[c % n_pids].
 */
struct dp_nlsk_pids {
	struct rcu_head rcu;
	u32 n_pids;
	u32 pids[];
};

/**
 * struct vport_table - the ports of a datapath by number; grows by replacement
 * @rcu: its freeing.
 * @n: entries.
 * @ports: ports, or NULL.
 */
struct vport_table {
	struct rcu_head rcu;
	u32 n;
	struct vport __rcu *ports[];
};

/**
 * struct datapath - a switch
 * @table: flows.
 * @ports: ports; number 0 is the datapath's own device.
 * @stats_percpu: counters.
 * @net: its namespace.
 * @user_features: OVS_DP_F_*.
 * @max_headroom: bytes that its devices need in front of a packet.
 * @upcall_pids: for %OVS_DP_F_DISPATCH_UPCALL_PER_CPU.
 * @meters: see there.
 * @list_node: in ovs_net.dps.
 * @rcu: its freeing.
 */
struct datapath {
	struct flow_table table;
	struct vport_table __rcu *ports;
	struct dp_stats_percpu __percpu *stats_percpu;
	possible_net_t net;
	u32 user_features;
	unsigned int max_headroom;
	struct dp_nlsk_pids __rcu *upcall_pids;
	struct dp_meter_table meters;
	struct list_head list_node;
	struct rcu_work rcu;
};

/**
 * struct ovs_skb_cb - what a packet carries in skb->cb within a datapath
 * @input_vport: where it came from.
 * @cutlen: bytes that the next output or upcall leaves off; 0: none.
 * @recircs: times it recirculated.
 * @key_stale: a program ran since the key was extracted.
 * @mru: of a datagram put together from fragments, the size of the largest, from
 *	the IP header on; else 0.
 */
struct ovs_skb_cb {
	struct vport *input_vport;
	u32 cutlen __aligned(8);	/* on 32-bit machines too: bpf_run.h */
	u8 recircs;
	bool key_stale;
	u16 mru;
};

#define OVS_CB(skb) ((struct ovs_skb_cb *)(skb)->cb)

/**
 * struct dp_upcall_info - what an upcall says beside packet and key
 * @userdata: OVS_USERSPACE_ATTR_USERDATA, or NULL.
 * @userdata_len: its length.
 * @actions: actions to tell, or NULL.
 * @egress_tun: tunnel by which the packet would leave, or NULL.
 * @portid: destination socket.
 * @cmd: OVS_PACKET_CMD_MISS or _ACTION.
 */
struct dp_upcall_info {
	const void *userdata;
	u32 userdata_len;
	const struct sw_flow_actions *actions;
	const struct ip_tunnel_info *egress_tun;
	u32 portid;
	u8 cmd;
};

extern struct genl_family dp_datapath_genl_family;
extern struct genl_family dp_vport_genl_family;
extern struct genl_family dp_flow_genl_family;
extern struct genl_family dp_packet_genl_family;
extern struct genl_family dp_meter_genl_family;
extern const struct genl_multicast_group ovs_dp_vport_multicast_group;

static inline struct net *ovs_dp_get_net(const struct datapath *dp)
{
	return read_pnet(&dp->net);
}

/* Context: RCU read side. */
static inline struct vport *ovs_vport_rcu(const struct datapath *dp, u32 port)
{
	const struct vport_table *t = rcu_dereference(dp->ports);

	return likely(port < t->n) ? rcu_dereference(t->ports[port]) : NULL;
}

/* Context: RCU read side, ovs_mutex, or rtnl. */
static inline struct vport *ovs_vport_any(const struct datapath *dp, u32 port)
{
	const struct vport_table *t;

	t = rcu_dereference_check(dp->ports, lockdep_is_held(&ovs_mutex) ||
						lockdep_rtnl_is_held());
	if (port >= t->n)
		return NULL;
	return rcu_dereference_check(t->ports[port],
				     lockdep_is_held(&ovs_mutex) ||
				     lockdep_rtnl_is_held());
}

/* Count a drop and free the packet.  Context: RCU read side, BH disabled. */
void ovs_drop(const struct datapath *dp, struct sk_buff *skb,
	      enum ovs_drop_attr reason);

void ovs_lock(void);
void ovs_unlock(void);

struct datapath *ovs_dp_lookup(struct net *net, int dp_ifindex);
struct datapath *ovs_dp_lookup_name(struct net *net, const char *name);
struct datapath *ovs_dp_create(struct net *net, const char *name, u32 ifindex,
			       u32 user_features, const struct nlattr *pids,
			       struct netlink_ext_ack *extack);
void ovs_dp_destroy(struct datapath *dp);
const char *ovs_dp_name(const struct datapath *dp);
int ovs_dp_ifindex(const struct datapath *dp);
int ovs_dp_set_upcall_pids(struct datapath *dp, const struct nlattr *attr);
u32 ovs_dp_upcall_portid(const struct datapath *dp, u32 cpu);
u32 ovs_dp_portid_for(const struct datapath *dp, const struct vport *vport,
		      struct sk_buff *skb);
int ovs_dp_port_set(struct datapath *dp, u32 port, struct vport *vport);

void ovs_dp_process_packet(struct sk_buff *skb, struct sw_flow_key *key);
void ovs_dp_lookup_and_run(struct datapath *dp, struct sk_buff *skb,
			   struct sw_flow_key *key);
int ovs_dp_upcall(struct datapath *dp, struct sk_buff *skb,
		  const struct sw_flow_key *key,
		  const struct dp_upcall_info *info, u32 cutlen);

/* flow_genl.c */
void ovs_flow_genl_exit(void);

/* packet_genl.c */
struct sk_buff *ovs_packet_first(struct nlattr *nest, struct sw_flow_key *key,
				 struct netlink_ext_ack *extack);
void ovs_packet_lookup(struct net *net, int dp_ifindex, struct sk_buff *skb,
		       struct sw_flow_key *key);

/* actions.c */
struct sw_flow_actions;

int ovs_actions_init(void);
void ovs_actions_exit(void);
bool ovs_exec_enter(struct datapath *dp, struct sk_buff *skb);
void ovs_exec_leave(void);
bool ovs_execute_actions(struct datapath *dp, struct sk_buff *skb,
			 const struct sw_flow_actions *acts,
			 struct sw_flow_key *key);

/* Whether anyone would read a notification. */
static inline bool ovs_must_notify(struct genl_family *family,
				   struct genl_info *info)
{
	return info->nlhdr->nlmsg_flags & NLM_F_ECHO ||
	       genl_has_listeners(family, genl_info_net(info), 0);
}

static inline void ovs_notify(struct genl_family *family, struct sk_buff *skb,
			      struct genl_info *info)
{
	genl_notify(family, skb, info, 0, GFP_KERNEL);
}

#endif /* OVS_DATAPATH_H */
