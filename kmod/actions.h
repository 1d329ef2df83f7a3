/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Actions as the datapath keeps them.
 *
 * When a flow is installed its netlink actions are validated and compiled into
 * one array of records, so that a packet meets nothing but what it needs, in
 * order.  A nested list lies inside its record.  A dump turns records back into
 * netlink.
 */
#ifndef OVS_ACTIONS_H
#define OVS_ACTIONS_H 1

#include <linux/rcupdate.h>
#include <linux/skbuff.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "compat/uapi.h"
#include "flow.h"

struct datapath;
struct netlink_ext_ack;
struct nlattr;

/* Bytes of compiled actions of one flow, and depth of nesting. */
#define OVS_ACTS_MAX_LEN (32 * 1024)
#define OVS_ACTS_MAX_DEPTH 16

/**
 * struct ovs_act - one compiled action
 * @type: OVS_ACTION_ATTR_*.
 * @len: bytes of the whole record, a multiple of 8.
 * @arg: what is enough for many: port, recirculation id, length, the key
 *	attribute that a set is about; of USERSPACE, where in the whole list the
 *	record lies, in bytes.
 * @data: the rest, by type; see the structs below.
 */
struct ovs_act {
	u16 type;
	u16 len;
	u32 arg;
	u64 data[];
};

/**
 * struct ovs_act_list - a nested list of records
 * @len: bytes.
 * @acts: the records.
 */
struct ovs_act_list {
	u32 len;
	u32 pad;
	struct ovs_act acts[];
};

/**
 * struct ovs_act_set - OVS_ACTION_ATTR_SET and _SET_MASKED
 * @masked: which of the two userspace wrote.
 * @value: OVS_KEY_ATTR_* payload; zero where the mask is.
 * @mask: likewise; ones for all that a plain set changes.
 */
struct ovs_act_set {
	u32 masked;
	u32 pad;
	u8 value[40];
	u8 mask[40];
};

/**
 * struct ovs_act_userspace - OVS_ACTION_ATTR_USERSPACE
 * @pid: socket.
 * @userdata_len: bytes of @userdata.
 * @has_userdata: whether it was given, be it empty.
 * @actions: tell the flow's actions too.
 * @has_tun_port: whether to tell the tunnel by which a packet would leave.
 * @tun_port: by which port.
 * @userdata: given back in the upcall.
 */
struct ovs_act_userspace {
	u32 pid;
	u16 userdata_len;
	u8 has_userdata;
	u8 actions;
	u32 tun_port;
	u8 has_tun_port;
	u8 userdata[];
};

/**
 * struct sw_flow_actions - the actions of a flow, or of one executed packet
 * @rcu: freeing, first half.
 * @work: freeing, second half, if there are references to let go.
 * @has_refs: whether there are, to programs or the like.
 * @n_progs: BPF actions in them.
 * @dump_len: bytes that a dump of them may take.
 * @size: bytes that @acts has room for; while they are compiled.
 * @len: bytes of @acts.
 * @acts: the records.
 */
struct sw_flow_actions {
	union {
		struct rcu_head rcu;
		struct work_struct work;
	};
	bool has_refs;
	u32 n_progs;
	u32 dump_len;
	u32 size;
	u32 len;
	struct ovs_act acts[];
};

static inline const struct ovs_act *ovs_act_next(const struct ovs_act *act)
{
	return (const void *)act + act->len;
}

static inline const struct ovs_act *ovs_acts_end(const struct ovs_act *acts,
						 u32 len)
{
	return (const void *)acts + len;
}

/**
 * ovs_act_check_pkt_len - a list of OVS_ACTION_ATTR_CHECK_PKT_LEN
 * @act: the record: @arg is the length, two records of nested lists follow.
 * @greater: which of them.
 *
 * Context: any in which the actions can't be freed.
 * Return: the list.
 */
static inline const struct ovs_act_list *
ovs_act_check_pkt_len(const struct ovs_act *act, bool greater)
{
	const struct ovs_act *sub = (const void *)act->data;

	return (const void *)(greater ? ovs_act_next(sub) : sub)->data;
}

/* The whole that an OVS_ACTION_ATTR_USERSPACE record belongs to. */
static inline const struct sw_flow_actions *
ovs_acts_of(const struct ovs_act *userspace)
{
	return (const void *)userspace - userspace->arg -
	       offsetof(struct sw_flow_actions, acts);
}

/* actions_set.c */
int ovs_exec_set(struct sk_buff *skb, struct sw_flow_key *key, u32 type,
		 const struct ovs_act_set *set);
int ovs_push_vlan(struct sk_buff *skb, struct sw_flow_key *key, __be16 tpid,
		  __be16 tci);
int ovs_pop_vlan(struct sk_buff *skb, struct sw_flow_key *key);
int ovs_push_eth(struct sk_buff *skb, struct sw_flow_key *key,
		 const struct ovs_key_ethernet *addrs);
int ovs_pop_eth(struct sk_buff *skb, struct sw_flow_key *key);
int ovs_dec_ttl(struct sk_buff *skb, struct sw_flow_key *key);
int ovs_vlan_inside(struct sk_buff *skb);

/* actions_mpls.c */
int ovs_push_mpls(struct sk_buff *skb, struct sw_flow_key *key,
		  const struct ovs_action_add_mpls *mpls);
int ovs_pop_mpls(struct sk_buff *skb, struct sw_flow_key *key, __be16 type);
int ovs_set_mpls(struct sk_buff *skb, struct sw_flow_key *key,
		 const struct ovs_key_mpls *value,
		 const struct ovs_key_mpls *mask);

/* actions_nsh.c */
struct nshhdr;

int ovs_push_nsh(struct sk_buff *skb, struct sw_flow_key *key,
		 const struct nshhdr *hdr);
int ovs_pop_nsh(struct sk_buff *skb, struct sw_flow_key *key);

/* psample.c */
void ovs_psample(const struct datapath *dp, struct sk_buff *skb,
		 const struct ovs_act *act);

/**
 * struct ovs_act_span - what is left of a list of actions
 * @act: the next record; NULL: nothing is, the packet is not the list's any more.
 * @end: the end of the list.
 * @again: if @act is NULL, whether the packet is to be looked up again under its
 *	key; else it is gone.
 */
struct ovs_act_span {
	const struct ovs_act *act;
	union {
		const struct ovs_act *end;
		unsigned long again;
	};
};

/* actions.c */
void ovs_run_nested(struct datapath *dp, struct sk_buff *skb,
		    const struct sw_flow_key *key,
		    const struct ovs_act_list *list);
bool ovs_may_recirc(const struct datapath *dp, struct sk_buff *skb);
int ovs_key_refresh(struct sk_buff *skb, struct sw_flow_key *key);
void ovs_output(struct datapath *dp, struct sk_buff *skb, u32 port,
		struct sw_flow_key *key);

#endif /* OVS_ACTIONS_H */
