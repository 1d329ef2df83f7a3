// SPDX-License-Identifier: GPL-2.0
/*
 * Execution of actions.
 *
 * A list runs on a packet and its key.  A nested list that is the last action
 * runs on the same packet; any other runs on a copy, at once if there is room
 * for a copy of the key, else later.  A packet recirculates by being looked up
 * again in a loop, ovs_dp_lookup_and_run(), not by recursion.
 */
#include <linux/if_vlan.h>
#include <linux/jhash.h>
#include <linux/percpu.h>
#include <linux/random.h>
#include <net/dst_metadata.h>

#include "actions.h"
#include "bpf_chain.h"
#include "conntrack.h"
#include "datapath.h"
#include "openvswitch_trace.h"
#include "vport.h"

/* Datapaths that one call chain may pass, as when devices are stacked. */
#define RECURSION_MAX 5
/* Copies of keys for nested lists, and copies of packets put off; per CPU. */
#define KEY_STACK_MAX 8
#define DEFERRED_MAX 32

/**
 * struct deferred - a copy of a packet whose turn comes later
 * @skb: the copy.
 * @acts: actions to run first; NULL: look it up.
 * @len: bytes of @acts.
 * @key: its key.
 * @dp: its datapath.
 */
struct deferred {
	struct sk_buff *skb;
	const struct ovs_act *acts;
	u32 len;
	struct sw_flow_key key;
	struct datapath *dp;
};

/**
 * struct exec_state - what a CPU needs to execute actions; BH disabled
 * @level: datapaths entered.
 * @n_keys: copies of keys in use.
 * @n_deferred: packets put off; @deferred[@next_deferred] is the oldest.
 * @next_deferred: see there.
 * @keys: copies of keys.
 * @deferred: packets put off.
 */
struct exec_state {
	unsigned int level;
	unsigned int n_keys;
	unsigned int n_deferred;
	unsigned int next_deferred;
	struct sw_flow_key keys[KEY_STACK_MAX];
	struct deferred deferred[DEFERRED_MAX];
};

static struct exec_state __percpu *exec_state;

static bool run_list(struct datapath *dp, struct sk_buff *skb,
		     struct sw_flow_key *key, const struct ovs_act *act,
		     const struct ovs_act *end);

int __init ovs_actions_init(void)
{
	exec_state = alloc_percpu(struct exec_state);
	return exec_state ? 0 : -ENOMEM;
}

void ovs_actions_exit(void)
{
	free_percpu(exec_state);
}

/**
 * ovs_may_recirc - count a recirculation of a packet
 * @dp: the datapath.
 * @skb: the packet; dropped if it has recirculated too often.
 *
 * Context: RCU read side, BH disabled.
 * Return: whether it may recirculate.
 */
bool ovs_may_recirc(const struct datapath *dp, struct sk_buff *skb)
{
	if (likely(OVS_CB(skb)->recircs < OVS_BPF_MAX_RECIRC)) {
		OVS_CB(skb)->recircs++;
		return true;
	}
	ovs_drop(dp, skb, OVS_DROP_ATTR_RECIRC_LIMIT);
	return false;
}

/**
 * ovs_key_refresh - make the key agree with the packet, if a program ran since
 * @skb: the packet.
 * @key: its key.
 *
 * Context: BH disabled.
 * Return: 0, or an error if the packet can't be parsed any more.
 */
int ovs_key_refresh(struct sk_buff *skb, struct sw_flow_key *key)
{
	if (likely(!OVS_CB(skb)->key_stale))
		return 0;
	OVS_CB(skb)->key_stale = false;
	return ovs_flow_key_update(skb, key);
}

/* The packet leaves as it came: in fragments. */
static noinline void output_fragments(struct vport *vport, struct sk_buff *skb,
				      struct sw_flow_key *key)
{
	if (unlikely(ovs_key_refresh(skb, key)))
		ovs_drop(vport->dp, skb, OVS_DROP_ATTR_BPF_BAD_PACKET);
	else
		ovs_fragment(vport, skb, OVS_CB(skb)->mru, key);
}

/**
 * ovs_output - send a packet to a port
 * @dp: the datapath.
 * @skb: the packet; taken over.
 * @port: the port; the packet is freed if there is none.
 * @key: its key; made to agree with the packet where that matters.
 *
 * Context: RCU read side, BH disabled.
 */
void ovs_output(struct datapath *dp, struct sk_buff *skb, u32 port,
		struct sw_flow_key *key)
{
	struct vport *vport = ovs_vport_rcu(dp, port);
	u32 cutlen = OVS_CB(skb)->cutlen;

	if (unlikely(!vport)) {
		kfree_skb_reason(skb, SKB_DROP_REASON_DEV_READY);
		return;
	}
	if (unlikely(cutlen)) {
		unsigned int min = ETH_HLEN;

		/* A sum over all bytes must not count those that go. */
		if (pskb_trim_rcsum(skb, skb->len - cutlen > min ?
				    skb->len - cutlen : min)) {
			kfree_skb(skb);
			return;
		}
	}
	if (unlikely(OVS_CB(skb)->mru && skb->len > skb_network_offset(skb) +
						   OVS_CB(skb)->mru))
		output_fragments(vport, skb, key);
	else
		ovs_vport_send(vport, skb, key->eth.mac_proto);
}

/* Put off a packet; @acts NULL: to be looked up.  Takes @skb over. */
static void defer(struct datapath *dp, struct sk_buff *skb,
		  const struct sw_flow_key *key, const struct ovs_act *acts,
		  u32 len)
{
	struct exec_state *st = this_cpu_ptr(exec_state);
	struct deferred *d;

	if (unlikely(st->n_deferred == DEFERRED_MAX)) {
		ovs_drop(dp, skb, OVS_DROP_ATTR_DEFERRED_LIMIT);
		return;
	}
	d = &st->deferred[(st->next_deferred + st->n_deferred++) %
			  DEFERRED_MAX];
	d->skb = skb;
	d->dp = dp;
	d->acts = acts;
	d->len = len;
	ovs_key_copy(&d->key, key);
}

/*
 * Run a nested list on @skb, which is ours to consume, without touching the
 * caller's key.
 */
static void run_copy(struct datapath *dp, struct sk_buff *skb,
		     const struct sw_flow_key *key,
		     const struct ovs_act_list *list)
{
	struct exec_state *st = this_cpu_ptr(exec_state);
	struct sw_flow_key *copy;

	if (unlikely(st->n_keys == KEY_STACK_MAX)) {
		defer(dp, skb, key, list->acts, list->len);
		return;
	}
	copy = &st->keys[st->n_keys++];
	ovs_key_copy(copy, key);
	if (run_list(dp, skb, copy, list->acts,
		     ovs_acts_end(list->acts, list->len)))
		defer(dp, skb, copy, NULL, 0);
	st->n_keys--;
}

/**
 * ovs_run_nested - run a nested list in the middle of another
 * @dp: the datapath.
 * @skb: the packet, of which the list gets a copy.
 * @key: its key.
 * @list: the list; not empty.
 *
 * Context: RCU read side, BH disabled.
 */
void ovs_run_nested(struct datapath *dp, struct sk_buff *skb,
		    const struct sw_flow_key *key,
		    const struct ovs_act_list *list)
{
	struct sk_buff *copy = skb_clone(skb, GFP_ATOMIC);

	if (likely(copy))
		run_copy(dp, copy, key, list);
}

static bool sampled(u32 probability)
{
	return probability == U32_MAX ||
	       (probability && get_random_u32() < probability);
}

/*
 * The tunnel that the packet would leave a port by, complete with the addresses
 * and ports that the device chooses; or NULL.
 */
static const struct ip_tunnel_info *
egress_tunnel(const struct datapath *dp, struct sk_buff *skb, u32 port)
{
	struct vport *vport = ovs_vport_rcu(dp, port);

	if (!vport || dev_fill_metadata_dst(vport->dev, skb))
		return NULL;
	return skb_tunnel_info(skb);
}

/* Out of line, as recirc_copy() is: run_list(), which nests, has little on its stack. */
static noinline void exec_userspace(struct datapath *dp, struct sk_buff *skb,
				    const struct sw_flow_key *key,
				    const struct ovs_act *act)
{
	const struct ovs_act_userspace *us = (const void *)act->data;
	struct dp_upcall_info info = {
		.cmd = OVS_PACKET_CMD_ACTION,
		.portid = us->pid,
	};

	if (dp->user_features & OVS_DP_F_DISPATCH_UPCALL_PER_CPU)
		info.portid = ovs_dp_upcall_portid(dp, smp_processor_id());
	if (us->has_userdata) {
		info.userdata = us->userdata;
		info.userdata_len = us->userdata_len;
	}
	if (us->actions)
		info.actions = ovs_acts_of(act);
	if (us->has_tun_port)
		info.egress_tun = egress_tunnel(dp, skb, us->tun_port);
	ovs_dp_upcall(dp, skb, key, &info, OVS_CB(skb)->cutlen);
	OVS_CB(skb)->cutlen = 0;
}

static void exec_hash(struct sk_buff *skb, struct sw_flow_key *key,
		      const struct ovs_act *act)
{
	u32 hash = act->data[0] == OVS_HASH_ALG_L4 ? skb_get_hash(skb) :
		   __skb_get_hash_symmetric(skb);

	hash = jhash_1word(hash, act->arg);
	key->dp_hash = hash ?: 1;	/* 0 means "not computed" */
}

static void exec_trunc(struct sk_buff *skb, u32 max_len)
{
	if (skb->len > max_len)
		OVS_CB(skb)->cutlen = skb->len - max_len;
}

static void exec_output(struct datapath *dp, struct sk_buff *skb, u32 port,
			struct sw_flow_key *key)
{
	struct sk_buff *copy = skb_clone(skb, GFP_ATOMIC);

	if (likely(copy))
		ovs_output(dp, copy, port, key);
	OVS_CB(skb)->cutlen = 0;
}

/* Prepare the packet for another lookup; whether it may have one. */
static bool exec_recirc(struct datapath *dp, struct sk_buff *skb,
			struct sw_flow_key *key, u32 id)
{
	if (!ovs_may_recirc(dp, skb))
		return false;
	if (unlikely(ovs_key_refresh(skb, key))) {
		ovs_drop(dp, skb, OVS_DROP_ATTR_BPF_BAD_PACKET);
		return false;
	}
	key->recirc_id = id;
	return true;
}

static noinline void recirc_copy(struct datapath *dp, struct sk_buff *skb,
				 const struct sw_flow_key *key, u32 id)
{
	struct sk_buff *copy = skb_clone(skb, GFP_ATOMIC);
	struct sw_flow_key next __uninitialized;

	ovs_key_copy(&next, key);
	if (likely(copy) && exec_recirc(dp, copy, &next, id))
		defer(dp, copy, &next, NULL, 0);
}

/*
 * Whether an action reads the key, or relies on header offsets.  Those other than
 * an output which don't are listed: what is forgotten costs time, and nothing else.
 */
static bool needs_key(u16 type)
{
	switch (type) {
	case OVS_ACTION_ATTR_RECIRC:	/* sees to it by itself */
	case OVS_ACTION_ATTR_TRUNC:
	case OVS_ACTION_ATTR_SAMPLE:
	case OVS_ACTION_ATTR_CLONE:
	case OVS_ACTION_ATTR_BPF:
	case OVS_ACTION_ATTR_METER:
	case OVS_ACTION_ATTR_DROP:
		return false;
	default:
		return true;
	}
}

/*
 * An action is next, and the key does not agree with the packet: make it, as far
 * as the action asks for it.  Filters are put back from its mark and priority.
 */
static noinline int key_catch_up(struct sk_buff *skb, struct sw_flow_key *key,
				 u16 type)
{
	if (needs_key(type))
		return ovs_key_refresh(skb, key);
	key->skb_mark = skb->mark;
	key->priority = skb->priority;
	return 0;
}

/* Say by which tunnel the packet is to leave, if it meets such a port. */
static void exec_set_tunnel(struct sk_buff *skb, struct metadata_dst *dst)
{
	skb_dst_drop(skb);
	dst_hold(&dst->dst);
	skb_dst_set(skb, &dst->dst);
}

/* The actions that change the packet.  Returns an error if it is to be dropped. */
static int exec_change(struct sk_buff *skb, struct sw_flow_key *key,
		       const struct ovs_act *act)
{
	const struct ovs_action_push_vlan *vlan;

	switch (act->type) {
	case OVS_ACTION_ATTR_SET:
		if (act->arg == OVS_KEY_ATTR_TUNNEL) {
			exec_set_tunnel(skb, (void *)act->data[0]);
			return 0;
		}
		fallthrough;
	case OVS_ACTION_ATTR_SET_MASKED:
		return ovs_exec_set(skb, key, act->arg, (void *)act->data);
	case OVS_ACTION_ATTR_PUSH_VLAN:
		vlan = (void *)act->data;
		return ovs_push_vlan(skb, key, vlan->vlan_tpid, vlan->vlan_tci);
	case OVS_ACTION_ATTR_POP_VLAN:
		return ovs_pop_vlan(skb, key);
	case OVS_ACTION_ATTR_HASH:
		exec_hash(skb, key, act);
		return 0;
	case OVS_ACTION_ATTR_TRUNC:
		exec_trunc(skb, act->arg);
		return 0;
	case OVS_ACTION_ATTR_PUSH_ETH:
		return ovs_push_eth(skb, key, (void *)act->data);
	case OVS_ACTION_ATTR_POP_ETH:
		return ovs_pop_eth(skb, key);
	case OVS_ACTION_ATTR_PUSH_MPLS:
	case OVS_ACTION_ATTR_ADD_MPLS:
		return ovs_push_mpls(skb, key, (void *)act->data);
	case OVS_ACTION_ATTR_POP_MPLS:
		return ovs_pop_mpls(skb, key, (__force __be16)act->arg);
	case OVS_ACTION_ATTR_PUSH_NSH:
		return ovs_push_nsh(skb, key, (void *)act->data);
	case OVS_ACTION_ATTR_POP_NSH:
		return ovs_pop_nsh(skb, key);
	}
	return 0;
}

/*
 * Whether a packet is longer than @max bytes from its first header: of one that
 * is to be segmented, or leaves in fragments as it came, each of them counts.
 */
static bool longer_than(const struct sk_buff *skb, unsigned int max)
{
	if (unlikely(OVS_CB(skb)->mru))
		return OVS_CB(skb)->mru + ETH_HLEN > max;
	if (skb_is_gso(skb))
		return !skb_gso_validate_mac_len(skb, max);
	return skb->len > max;
}

/* The list that a packet is to run, or NULL. */
static const struct ovs_act_list *nested_list(const struct sk_buff *skb,
					      const struct ovs_act *act)
{
	switch (act->type) {
	case OVS_ACTION_ATTR_SAMPLE:
		return sampled(act->arg) ? (void *)act->data : NULL;
	case OVS_ACTION_ATTR_CHECK_PKT_LEN:
		return ovs_act_check_pkt_len(act, longer_than(skb, act->arg));
	default:
		return (void *)act->data;
	}
}

/* Run a program, and those behind it.  Return what is left to do. */
static __always_inline struct ovs_act_span
run_programs(struct datapath *dp, struct sk_buff *skb, struct sw_flow_key *key,
	     const struct ovs_bpf_act *bpf)
{
	struct ovs_act_span none = {};

	if (bpf->filter)
		return ovs_bpf_run_filters(dp, skb, key, bpf);
	if (bpf->plain && likely(key->eth.mac_proto == OVS_MAC_ETHERNET))
		return ovs_bpf_run_plain(dp, skb, key, bpf);
	if (bpf->recheck != OVS_BPF_RECHECK_CHANGED)
		return ovs_bpf_run_checked(dp, skb, key, bpf);
	if (unlikely(ovs_key_refresh(skb, key))) {
		ovs_drop(dp, skb, OVS_DROP_ATTR_BPF_BAD_PACKET);
		return none;
	}
	return ovs_bpf_run_compared(dp, skb, key, bpf);
}

/*
 * Run a list on a packet, which is taken over unless it is to be looked up
 * again.  Return: whether it is.
 */
static bool run_list(struct datapath *dp, struct sk_buff *skb,
		     struct sw_flow_key *key, const struct ovs_act *act,
		     const struct ovs_act *end)
{
	const struct ovs_act_list *list;
	const struct ovs_act *next;
	struct ovs_act_span at;
	int err;

	for (; act < end; act = next) {
		next = ovs_act_next(act);
		if (trace_ovs_do_execute_action_enabled())
			trace_ovs_do_execute_action(dp, skb, key, act,
						    next == end);
		if (likely(act->type == OVS_ACTION_ATTR_OUTPUT && next == end)) {
			ovs_output(dp, skb, act->arg, key);
			return false;
		}
		if (unlikely(OVS_CB(skb)->key_stale &&
			     act->type != OVS_ACTION_ATTR_OUTPUT &&
			     key_catch_up(skb, key, act->type))) {
			ovs_drop(dp, skb, OVS_DROP_ATTR_BPF_BAD_PACKET);
			return false;
		}
		if (act->type == OVS_ACTION_ATTR_BPF) {
			at = run_programs(dp, skb, key, ovs_bpf_of(act));
			if (unlikely(!at.act))
				return at.again;
			next = at.act;
			end = at.end;
			continue;
		}

		switch (act->type) {
		case OVS_ACTION_ATTR_OUTPUT:
			exec_output(dp, skb, act->arg, key);
			break;

		case OVS_ACTION_ATTR_RECIRC:
			if (next == end)
				return exec_recirc(dp, skb, key, act->arg);
			recirc_copy(dp, skb, key, act->arg);
			break;

#if IS_ENABLED(CONFIG_NF_CONNTRACK)
		case OVS_ACTION_ATTR_CT:
			if (!ovs_ct_execute(dp, skb, key, (void *)act->data))
				return false;
			break;

		case OVS_ACTION_ATTR_CT_CLEAR:
			ovs_ct_clear(skb, key);
			break;
#endif

		case OVS_ACTION_ATTR_SAMPLE:
		case OVS_ACTION_ATTR_CLONE:
		case OVS_ACTION_ATTR_CHECK_PKT_LEN:
			list = nested_list(skb, act);
			if (!list || !list->len)
				break;
			if (next == end) {
				act = list->acts;
				end = ovs_acts_end(act, list->len);
				next = act;
				break;
			}
			ovs_run_nested(dp, skb, key, list);
			break;

		case OVS_ACTION_ATTR_USERSPACE:
			exec_userspace(dp, skb, key, act);
			if (next == end)
				goto consumed;
			break;

		case OVS_ACTION_ATTR_PSAMPLE:
			ovs_psample(dp, skb, act);
			OVS_CB(skb)->cutlen = 0;
			if (next == end)
				goto consumed;
			break;

		case OVS_ACTION_ATTR_METER:
			if (!ovs_meter_exceeded(&dp->meters, skb, act->arg))
				break;
			ovs_drop(dp, skb, OVS_DROP_ATTR_METER);
			return false;

		case OVS_ACTION_ATTR_DROP:
			ovs_drop(dp, skb, act->arg ?
				 OVS_DROP_ATTR_EXPLICIT_ERROR :
				 OVS_DROP_ATTR_EXPLICIT);
			return false;

		case OVS_ACTION_ATTR_DEC_TTL:
			err = ovs_dec_ttl(skb, key);
			if (likely(!err))
				break;
			list = (void *)act->data;
			if (err != -EHOSTUNREACH || !list->len) {
				ovs_drop(dp, skb, err == -EHOSTUNREACH ?
					 OVS_DROP_ATTR_IP_TTL :
					 OVS_DROP_ATTR_ACTION_ERROR);
				return false;
			}
			/* What comes behind is for packets that live on. */
			next = list->acts;
			end = ovs_acts_end(next, list->len);
			break;

		default:
			if (unlikely(exec_change(skb, key, act))) {
				ovs_drop(dp, skb, OVS_DROP_ATTR_ACTION_ERROR);
				return false;
			}
		}
	}
	ovs_drop(dp, skb, OVS_DROP_ATTR_LAST_ACTION);
	return false;

consumed:
	consume_skb(skb);
	return false;
}

/**
 * ovs_execute_actions - run the actions of a flow on a packet
 * @dp: the datapath.
 * @skb: the packet; taken over, unless it is to be looked up again.
 * @acts: the actions.
 * @key: the packet's key; changed as the packet is.
 *
 * Context: within ovs_exec_enter() and ovs_exec_leave().
 * Return: whether the packet is to be looked up again, under @key.
 */
noinline bool ovs_execute_actions(struct datapath *dp, struct sk_buff *skb,
				  const struct sw_flow_actions *acts,
				  struct sw_flow_key *key)
{
	return run_list(dp, skb, key, acts->acts,
			ovs_acts_end(acts->acts, acts->len));
}

/**
 * ovs_exec_enter - a packet comes into a datapath on this CPU
 * @dp: the datapath.
 * @skb: the packet; dropped if it has come through too many already.
 *
 * Context: RCU read side, BH disabled.
 * Return: whether it may go on; if so, ovs_exec_leave() must follow.
 */
bool ovs_exec_enter(struct datapath *dp, struct sk_buff *skb)
{
	struct exec_state *st = this_cpu_ptr(exec_state);

	if (unlikely(st->level == RECURSION_MAX)) {
		ovs_drop(dp, skb, OVS_DROP_ATTR_RECURSION_LIMIT);
		return false;
	}
	st->level++;
	return true;
}

static void run_deferred(struct exec_state *st)
{
	/*
	 * What runs here may defer more, yet this ends: copies are taken in the
	 * order of their making, at most DEFERRED_MAX of each generation fit,
	 * and no packet sees more than OVS_BPF_MAX_RECIRC generations.
	 */
	while (st->n_deferred) {
		struct deferred *d = &st->deferred[st->next_deferred];
		struct datapath *dp = d->dp;
		struct sk_buff *skb = d->skb;
		struct sw_flow_key key __uninitialized;
		const struct ovs_act *acts = d->acts;
		u32 len = d->len;

		ovs_key_copy(&key, &d->key);
		st->next_deferred = (st->next_deferred + 1) % DEFERRED_MAX;
		st->n_deferred--;
		if (!acts || run_list(dp, skb, &key, acts,
				      ovs_acts_end(acts, len)))
			ovs_dp_lookup_and_run(dp, skb, &key);
	}
}

/**
 * ovs_exec_leave - the packet of ovs_exec_enter() is done; do what it put off
 *
 * Context: as ovs_exec_enter().
 */
void ovs_exec_leave(void)
{
	struct exec_state *st = this_cpu_ptr(exec_state);

	if (unlikely(st->n_deferred && st->level == 1))
		run_deferred(st);
	st->level--;
}
