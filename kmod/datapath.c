// SPDX-License-Identifier: GPL-2.0
/*
 * A packet's way through the datapath starts here, and so does a datapath's
 * life; module init and exit.
 *
 *	ovs_vport_receive() (vport.c)		extract the key (flow.c)
 *	ovs_dp_process_packet()			look up the flow (flow_table.c)
 *	   miss: ovs_dp_upcall() (upcall.c)	to userspace
 *	   hit: ovs_execute_actions() (actions.c)	which may ask to look up again
 *	ovs_vport_send() (vport.c)
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "conntrack.h"
#include "datapath.h"
#include "flow_netlink.h"
#include "vport.h"

DEFINE_MUTEX(ovs_mutex);
unsigned int ovs_net_id __read_mostly;

void ovs_lock(void)
{
	mutex_lock(&ovs_mutex);
}

void ovs_unlock(void)
{
	mutex_unlock(&ovs_mutex);
}

void ovs_drop(const struct datapath *dp, struct sk_buff *skb,
	      enum ovs_drop_attr reason)
{
	struct dp_stats_percpu *stats = this_cpu_ptr(dp->stats_percpu);

	u64_stats_update_begin(&stats->syncp);
	stats->drops[reason]++;
	u64_stats_update_end(&stats->syncp);
	ovs_kfree_skb_reason(skb, reason);
}

/* As tracers of kfree_skb see them, where the kernel lets us name them. */
static const char *const drop_names[OVS_DROP_ATTR_PAD] = {
	[OVS_DROP_ATTR_UNSPEC] = "OVS_DROP_UNSPEC",
	[OVS_DROP_ATTR_RECIRC_LIMIT] = "OVS_DROP_RECIRC_LIMIT",
	[OVS_DROP_ATTR_RECURSION_LIMIT] = "OVS_DROP_RECURSION_LIMIT",
	[OVS_DROP_ATTR_DEFERRED_LIMIT] = "OVS_DROP_DEFERRED_LIMIT",
	[OVS_DROP_ATTR_BPF_SHOT] = "OVS_DROP_BPF_SHOT",
	[OVS_DROP_ATTR_BPF_BAD_VERDICT] = "OVS_DROP_BPF_BAD_VERDICT",
	[OVS_DROP_ATTR_BPF_REDIRECT] = "OVS_DROP_BPF_REDIRECT",
	[OVS_DROP_ATTR_BPF_NO_RECIRC] = "OVS_DROP_BPF_NO_RECIRC",
	[OVS_DROP_ATTR_BPF_BAD_PACKET] = "OVS_DROP_BPF_BAD_PACKET",
	[OVS_DROP_ATTR_BPF_NO_CASE] = "OVS_DROP_BPF_NO_CASE",
	[OVS_DROP_ATTR_EXPLICIT] = "OVS_DROP_EXPLICIT",
	[OVS_DROP_ATTR_EXPLICIT_ERROR] = "OVS_DROP_EXPLICIT_WITH_ERROR",
	[OVS_DROP_ATTR_METER] = "OVS_DROP_METER",
	[OVS_DROP_ATTR_IP_TTL] = "OVS_DROP_IP_TTL",
	[OVS_DROP_ATTR_ACTION_ERROR] = "OVS_DROP_ACTION_ERROR",
	[OVS_DROP_ATTR_LAST_ACTION] = "OVS_DROP_LAST_ACTION",
	[OVS_DROP_ATTR_CONNTRACK] = "OVS_DROP_CONNTRACK",
	[OVS_DROP_ATTR_FRAG_L2_TOO_LONG] = "OVS_DROP_FRAG_L2_TOO_LONG",
	[OVS_DROP_ATTR_FRAG_INVALID_PROTO] = "OVS_DROP_FRAG_INVALID_PROTO",
};

/* No flow for the packet: ask userspace, and let it go. */
static void dp_miss(struct datapath *dp, struct sk_buff *skb,
		    const struct sw_flow_key *key)
{
	struct dp_upcall_info info = {
		.cmd = OVS_PACKET_CMD_MISS,
		.portid = ovs_dp_portid_for(dp, OVS_CB(skb)->input_vport, skb),
	};

	if (ovs_dp_upcall(dp, skb, key, &info, 0))
		kfree_skb(skb);
	else
		consume_skb(skb);
}

/**
 * ovs_dp_lookup_and_run - look a packet up, and again for each recirculation
 * @dp: the datapath.
 * @skb: the packet; taken over.
 * @key: its key; changed on the way.
 *
 * The loop ends: ovs_execute_actions() bounds the recirculations of a packet.
 *
 * Context: within ovs_exec_enter() and ovs_exec_leave().
 */
void ovs_dp_lookup_and_run(struct datapath *dp, struct sk_buff *skb,
			   struct sw_flow_key *key)
{
	const struct sw_flow_actions *acts;
	struct dp_stats_percpu *stats;
	struct sw_flow *flow;

	do {
		u32 n_mask_hit = 0, n_cache_hit = 0;

		flow = ovs_flow_tbl_lookup_stats(&dp->table, key, &n_mask_hit,
						 &n_cache_hit);
		stats = this_cpu_ptr(dp->stats_percpu);
		u64_stats_update_begin(&stats->syncp);
		if (likely(flow))
			stats->n_hit++;
		else
			stats->n_missed++;
		stats->n_mask_hit += n_mask_hit;
		stats->n_cache_hit += n_cache_hit;
		u64_stats_update_end(&stats->syncp);

		if (unlikely(!flow)) {
			dp_miss(dp, skb, key);
			return;
		}
		ovs_flow_stats_update(flow, key->tp_flags, skb);
		acts = rcu_dereference(flow->sf_acts);
	} while (ovs_execute_actions(dp, skb, acts, key));
}

/**
 * ovs_dp_process_packet - switch a packet that was received
 * @skb: the packet; taken over.
 * @key: its key; changed on the way.
 *
 * Context: rcu_read_lock() held, BH disabled.
 */
noinline void ovs_dp_process_packet(struct sk_buff *skb,
				    struct sw_flow_key *key)
{
	struct datapath *dp = OVS_CB(skb)->input_vport->dp;

	if (unlikely(!ovs_exec_enter(dp, skb)))
		return;
	ovs_dp_lookup_and_run(dp, skb, key);
	ovs_exec_leave();
}

/**
 * ovs_dp_upcall_portid - the socket for upcalls of a CPU
 * @dp: the datapath.
 * @cpu: the CPU.
 *
 * Context: RCU read side.
 * Return: the port id; 0: none.
 */
u32 ovs_dp_upcall_portid(const struct datapath *dp, u32 cpu)
{
	const struct dp_nlsk_pids *pids = rcu_dereference(dp->upcall_pids);

	if (!pids || !pids->n_pids)
		return 0;
	return pids->pids[cpu < pids->n_pids ? cpu : cpu % pids->n_pids];
}

/**
 * ovs_dp_portid_for - the socket that a packet goes to if userspace is to see it
 * @dp: the datapath.
 * @vport: where the packet came from.
 * @skb: the packet.
 *
 * Context: RCU read side, BH disabled.
 * Return: the port id; 0: none.
 */
u32 ovs_dp_portid_for(const struct datapath *dp, const struct vport *vport,
		      struct sk_buff *skb)
{
	if (dp->user_features & OVS_DP_F_DISPATCH_UPCALL_PER_CPU)
		return ovs_dp_upcall_portid(dp, smp_processor_id());
	return ovs_vport_find_upcall_portid(vport, skb);
}

/**
 * ovs_dp_set_upcall_pids - say which sockets get the upcalls of which CPU
 * @dp: the datapath.
 * @attr: array of u32.
 *
 * Context: process; ovs_mutex held.
 * Return: 0, -EINVAL or -ENOMEM.
 */
int ovs_dp_set_upcall_pids(struct datapath *dp, const struct nlattr *attr)
{
	struct dp_nlsk_pids *old, *new;
	u32 len = nla_len(attr);

	if (len % sizeof(u32))
		return -EINVAL;
	new = kzalloc(struct_size(new, pids, len / sizeof(u32)), GFP_KERNEL);
	if (!new)
		return -ENOMEM;
	new->n_pids = len / sizeof(u32);
	nla_memcpy(new->pids, attr, len);
	old = ovsl_dereference(dp->upcall_pids);
	rcu_assign_pointer(dp->upcall_pids, new);
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

/**
 * ovs_dp_port_set - enter a port into the table of ports, or take it out
 * @dp: the datapath.
 * @port: the number.
 * @vport: the port, or NULL.
 *
 * Context: process; rtnl and ovs_mutex held, or @dp not yet published.
 * Return: 0 or -ENOMEM; never fails for NULL.
 */
int ovs_dp_port_set(struct datapath *dp, u32 port, struct vport *vport)
{
	struct vport_table *old, *new;
	u32 n, i;

	old = rcu_dereference_protected(dp->ports, true);
	if (port < old->n) {
		rcu_assign_pointer(old->ports[port], vport);
		return 0;
	}
	n = roundup_pow_of_two(port + 1);
	new = kvzalloc(struct_size(new, ports, n), GFP_KERNEL);
	if (!new)
		return -ENOMEM;
	new->n = n;
	for (i = 0; i < old->n; i++)
		RCU_INIT_POINTER(new->ports[i],
				 rcu_dereference_protected(old->ports[i], true));
	rcu_assign_pointer(new->ports[port], vport);
	rcu_assign_pointer(dp->ports, new);
	kvfree_rcu(old, rcu);
	return 0;
}

/* Context: as ovs_dp_lookup(). */
static struct datapath *dp_of_dev(struct net *net, const struct net_device *dev)
{
	struct vport *vport;

	if (!dev || !ovs_is_internal_dev(dev))
		return NULL;
	vport = ovs_internal_dev_vport(dev);
	if (!vport || vport->port_no != OVSP_LOCAL ||
	    !net_eq(ovs_dp_get_net(vport->dp), net))
		return NULL;
	return vport->dp;
}

/**
 * ovs_dp_lookup - find a datapath
 * @net: its namespace.
 * @dp_ifindex: of its local port.
 *
 * Context: RCU read side, ovs_mutex, or rtnl held, which also keep it alive.
 * Return: the datapath, or NULL.
 */
struct datapath *ovs_dp_lookup(struct net *net, int dp_ifindex)
{
	struct datapath *dp;

	rcu_read_lock();
	dp = dp_of_dev(net, dev_get_by_index_rcu(net, dp_ifindex));
	rcu_read_unlock();
	return dp;
}

/**
 * ovs_dp_lookup_name - find a datapath by name
 * @net: its namespace.
 * @name: of its local port.
 *
 * Context and return value: as ovs_dp_lookup().
 */
struct datapath *ovs_dp_lookup_name(struct net *net, const char *name)
{
	struct datapath *dp;

	rcu_read_lock();
	dp = dp_of_dev(net, dev_get_by_name_rcu(net, name));
	rcu_read_unlock();
	return dp;
}

/* Context of both: RCU read side, ovs_mutex, or rtnl held. */
const char *ovs_dp_name(const struct datapath *dp)
{
	const struct vport *local = ovs_vport_any(dp, OVSP_LOCAL);

	/* Packets may still be on their way when it is gone. */
	return local ? ovs_vport_name(local) : "";
}

int ovs_dp_ifindex(const struct datapath *dp)
{
	const struct vport *local = ovs_vport_any(dp, OVSP_LOCAL);

	return local ? local->dev->ifindex : 0;
}

/* What is left when no packet can reach the datapath.  Context: process. */
static void dp_free(struct datapath *dp)
{
	ovs_flow_tbl_destroy(&dp->table);
	ovs_meters_destroy(&dp->meters);
	kvfree(rcu_dereference_protected(dp->ports, true));
	kfree(rcu_dereference_protected(dp->upcall_pids, true));
	free_percpu(dp->stats_percpu);
	kfree(dp);
}

static void dp_free_work(struct work_struct *work)
{
	dp_free(container_of(to_rcu_work(work), struct datapath, rcu));
}

static struct datapath *dp_alloc(struct net *net)
{
	struct datapath *dp;
	struct vport_table *ports;

	dp = kzalloc(sizeof(*dp), GFP_KERNEL);
	if (!dp)
		return NULL;
	write_pnet(&dp->net, net);
	ovs_meters_init(&dp->meters);
	INIT_RCU_WORK(&dp->rcu, dp_free_work);
	dp->stats_percpu = netdev_alloc_pcpu_stats(struct dp_stats_percpu);
	if (!dp->stats_percpu)
		goto err_dp;
	ports = kvzalloc(sizeof(*ports), GFP_KERNEL);
	if (!ports)
		goto err_stats;
	RCU_INIT_POINTER(dp->ports, ports);
	if (ovs_flow_tbl_init(&dp->table))
		goto err_ports;
	return dp;

err_ports:
	kvfree(ports);
err_stats:
	free_percpu(dp->stats_percpu);
err_dp:
	kfree(dp);
	return NULL;
}

/**
 * ovs_dp_create - make a datapath and its local port
 * @net: its namespace.
 * @name: of the local port.
 * @ifindex: wanted for the local port; 0: any.
 * @user_features: OVS_DP_F_*, validated.
 * @pids: upcall sockets of the local port.
 * @extack: where a refusal is explained.
 *
 * Context: process; rtnl and ovs_mutex held.
 * Return: the datapath, or an error pointer.
 */
struct datapath *ovs_dp_create(struct net *net, const char *name, u32 ifindex,
			       u32 user_features, const struct nlattr *pids,
			       struct netlink_ext_ack *extack)
{
	struct ovs_net *ovs_net = net_generic(net, ovs_net_id);
	struct vport_parms parms = {
		.name = name,
		.type = OVS_VPORT_TYPE_INTERNAL,
		.port_no = OVSP_LOCAL,
		.ifindex = ifindex,
		.upcall_portids = (struct nlattr *)pids,
		.extack = extack,
	};
	struct datapath *dp;
	struct vport *vport;

	dp = dp_alloc(net);
	if (!dp)
		return ERR_PTR(-ENOMEM);
	dp->user_features = user_features;
	parms.dp = dp;
	vport = ovs_vport_add(&parms);
	if (IS_ERR(vport)) {
		/* Its device may have been seen for a moment. */
		queue_rcu_work(ovs_wq, &dp->rcu);
		return ERR_CAST(vport);
	}
	list_add_tail_rcu(&dp->list_node, &ovs_net->dps);
	return dp;
}

/**
 * ovs_dp_destroy - take a datapath away, with its ports and flows
 * @dp: the datapath; freed when no packet uses it any more.
 *
 * Context: process; rtnl and ovs_mutex held.
 */
void ovs_dp_destroy(struct datapath *dp)
{
	const struct vport_table *t = rtnl_dereference(dp->ports);
	struct vport *vport;
	u32 i;

	list_del_rcu(&dp->list_node);
	/* The local port last: the others are linked to its device. */
	for (i = t->n; i-- > 0;) {
		vport = rtnl_dereference(t->ports[i]);
		if (vport)
			ovs_vport_del(vport);
	}
	ovs_flow_tbl_flush(&dp->table);
	queue_rcu_work(ovs_wq, &dp->rcu);
}

static int __net_init ovs_net_init(struct net *net)
{
	struct ovs_net *ovs_net = net_generic(net, ovs_net_id);

	INIT_LIST_HEAD(&ovs_net->dps);
	return ovs_ct_net_init(net);
}

static void __net_exit ovs_net_exit(struct net *net)
{
	struct ovs_net *ovs_net = net_generic(net, ovs_net_id);
	struct datapath *dp, *next;

	rtnl_lock();
	ovs_lock();
	list_for_each_entry_safe(dp, next, &ovs_net->dps, list_node)
		ovs_dp_destroy(dp);
	ovs_vports_unlock();
	rtnl_unlock();
	ovs_ct_net_exit(net);
}

static struct pernet_operations ovs_net_ops = {
	.init = ovs_net_init,
	.exit = ovs_net_exit,
	.id = &ovs_net_id,
	.size = sizeof(struct ovs_net),
};

static struct genl_family *const dp_genl_families[] = {
	&dp_datapath_genl_family,
	&dp_vport_genl_family,
	&dp_flow_genl_family,
	&dp_packet_genl_family,
	&dp_meter_genl_family,
#if IS_ENABLED(CONFIG_NF_CONNTRACK) && IS_ENABLED(CONFIG_NETFILTER_CONNCOUNT)
	&ovs_ct_limit_genl_family,
#endif
};

static void dp_unregister_genl(unsigned int n)
{
	while (n-- > 0)
		genl_unregister_family(dp_genl_families[n]);
	ovs_flow_genl_exit();
}

static int __init dp_register_genl(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(dp_genl_families); i++) {
		err = genl_register_family(dp_genl_families[i]);
		if (err) {
			dp_unregister_genl(i);
			return err;
		}
	}
	return 0;
}

struct workqueue_struct *ovs_wq;

/* Wait for what datapaths left behind: callbacks may queue work, and work, callbacks. */
static void dp_drain(void)
{
	rcu_barrier();
	destroy_workqueue(ovs_wq);
	rcu_barrier();
	ovs_flow_stats_exit();
}

static int __init dp_init(void)
{
	int err;

	BUILD_BUG_ON(sizeof(struct ovs_skb_cb) > sizeof_field(struct sk_buff, cb));

	ovs_flow_tbl_setup();
	ovs_key_attrs_setup();
	ovs_wq = alloc_workqueue("openvswitch", 0, 0);
	if (!ovs_wq)
		return -ENOMEM;
	err = ovs_actions_init();
	if (err)
		goto err_wq;
	err = ovs_internal_dev_init();
	if (err)
		goto err_actions;
	err = register_pernet_device(&ovs_net_ops);
	if (err)
		goto err_internal;
	err = register_netdevice_notifier(&ovs_dp_device_notifier);
	if (err)
		goto err_pernet;
	err = dp_register_genl();
	if (err)
		goto err_notifier;
	ovs_drop_reasons_register(drop_names, ARRAY_SIZE(drop_names));
	return 0;

err_notifier:
	unregister_netdevice_notifier(&ovs_dp_device_notifier);
err_pernet:
	unregister_pernet_device(&ovs_net_ops);
err_internal:
	ovs_internal_dev_exit();
err_actions:
	dp_drain();
	ovs_actions_exit();
	return err;
err_wq:
	destroy_workqueue(ovs_wq);
	return err;
}

static void __exit dp_exit(void)
{
	ovs_drop_reasons_unregister();
	dp_unregister_genl(ARRAY_SIZE(dp_genl_families));
	unregister_pernet_device(&ovs_net_ops);
	unregister_netdevice_notifier(&ovs_dp_device_notifier);
	ovs_internal_dev_exit();
	dp_drain();
	ovs_actions_exit();
}

module_init(dp_init);
module_exit(dp_exit);

MODULE_DESCRIPTION("Open vSwitch datapath that runs BPF programs");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1");
MODULE_ALIAS_GENL_FAMILY(OVS_DATAPATH_FAMILY);
MODULE_ALIAS_GENL_FAMILY(OVS_VPORT_FAMILY);
MODULE_ALIAS_GENL_FAMILY(OVS_FLOW_FAMILY);
MODULE_ALIAS_GENL_FAMILY(OVS_PACKET_FAMILY);
MODULE_ALIAS_GENL_FAMILY(OVS_METER_FAMILY);
MODULE_ALIAS_GENL_FAMILY(OVS_CT_LIMIT_FAMILY);
