// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of a packet after its program: the verdict, the recheck, the
 * case.  All of it is decided first, then counted and traced, then done.  What is
 * usual does not come here: bpf_chain.c.
 */
#include <linux/pkt_cls.h>
#include <linux/slab.h>

#include "bpf.h"
#include "bpf_chain.h"
#include "openvswitch_trace.h"
#include "vport.h"

/*
 * Words of the key that are compared: not the tunnel's, which tell how the
 * packet came in, and which no program can change.
 */
#define RECHECK_WORDS OVS_KEY_BASE_WORDS

/*
 * Extract the key anew.  A packet without an Ethernet header may have been given
 * one, which is what bpf_skb_change_head() is for: then its network header lies
 * behind it.  A tag on a packet without one can't be told to anybody.
 */
static int rekey(struct sk_buff *skb, struct sw_flow_key *key)
{
	if (unlikely(key->eth.mac_proto != OVS_MAC_ETHERNET)) {
		int ofs = skb_network_offset(skb);

		if (ofs == ETH_HLEN)
			key->eth.mac_proto = OVS_MAC_ETHERNET;
		else if (ofs || skb_vlan_tag_present(skb))
			return -EINVAL;
	}
	OVS_CB(skb)->key_stale = false;
	return ovs_flow_key_update(skb, key);
}

/*
 * Extract the key anew.  Return an error, or whether a bit of USED is not what
 * it was.
 */
static int rekey_compare(struct sk_buff *skb, struct sw_flow_key *key,
			 const struct ovs_bpf_act *bpf)
{
	const struct ovs_word_list *words = &bpf->used_words;
	u64 before[RECHECK_WORDS] __uninitialized;
	u64 diff = 0;
	unsigned int i, w;
	int err;

	for (i = 0; i < words->n_base; i++)
		before[i] = key->words[words->idx[i]];
	err = rekey(skb, key);
	if (unlikely(err))
		return err;
	for (i = 0; i < words->n_base; i++) {
		w = words->idx[i];
		diff |= (before[i] ^ key->words[w]) & bpf->used.words[w];
	}
	return !!diff;
}

/* Make the packet fit to go on, but extract its key only when it is asked for. */
static int settle(struct sk_buff *skb, struct sw_flow_key *key,
		  const struct ovs_bpf_run *run)
{
	if (likely(run->res.settled)) {
		OVS_CB(skb)->key_stale = true;
		return 0;
	}
	return rekey(skb, key);
}

static void decide_drop(struct ovs_bpf_run *run, enum ovs_drop_attr why)
{
	run->outcome = OVS_BPF_STATS_ATTR_DROPPED;
	run->why = why;
}

/* Choose the actions for the result. */
static void decide_case(struct ovs_bpf_run *run, const struct ovs_bpf_act *bpf)
{
	int hit;

	if (!bpf->dispatch) {
		run->outcome = bpf->filter ? OVS_BPF_STATS_ATTR_RECIRCULATED :
					     OVS_BPF_STATS_ATTR_COALESCED;
		return;
	}
	hit = ovs_bpf_case_find(bpf, run->res.result);
	if (hit >= 0) {
		run->outcome = OVS_BPF_STATS_ATTR_CASES;
		run->hit = hit;
		run->branch = ovs_bpf_branch(bpf->act, bpf->cases[hit].ofs);
	} else if (bpf->default_ofs) {
		run->outcome = OVS_BPF_STATS_ATTR_DEFAULT;
		run->branch = ovs_bpf_branch(bpf->act, bpf->default_ofs);
	} else {
		run->no_case = true;
		if (bpf->recirc_id)
			run->outcome = OVS_BPF_STATS_ATTR_RECIRCULATED;
		else
			decide_drop(run, OVS_DROP_ATTR_BPF_NO_CASE);
	}
}

/**
 * ovs_bpf_decide_filter - decide what becomes of a packet after a filter
 * @run: with the result; filled in.
 * @bpf: its action.
 *
 * Context: RCU read side, BH disabled.
 */
void ovs_bpf_decide_filter(struct ovs_bpf_run *run,
			   const struct ovs_bpf_act *bpf)
{
	decide_case(run, bpf);
}

/*
 * Whether the packet has to be looked up again, or an error; afterwards its key
 * is right, or will be extracted before it is read.
 */
static int recheck(struct sk_buff *skb, struct sw_flow_key *key,
		   const struct ovs_bpf_act *bpf, const struct ovs_bpf_run *run)
{
	if (bpf->recheck == OVS_BPF_RECHECK_PROGRAM)
		return settle(skb, key, run);
	if (run->res.same)
		return bpf->recheck == OVS_BPF_RECHECK_ALWAYS;
	if (bpf->recheck == OVS_BPF_RECHECK_ALWAYS)
		return rekey(skb, key) ?: 1;
	return rekey_compare(skb, key, bpf);
}

/* An action program said "go on". */
static void decide_go_on(struct ovs_bpf_run *run, struct sk_buff *skb,
			 struct sw_flow_key *key, const struct ovs_bpf_act *bpf)
{
	int again = recheck(skb, key, bpf, run);

	if (unlikely(again < 0))
		decide_drop(run, OVS_DROP_ATTR_BPF_BAD_PACKET);
	else if (again)
		run->outcome = OVS_BPF_STATS_ATTR_RECIRCULATED;
	else
		decide_case(run, bpf);
}

static void decide_reclassify(struct ovs_bpf_run *run, struct sk_buff *skb,
			      struct sw_flow_key *key,
			      const struct ovs_bpf_act *bpf)
{
	if (!bpf->recirc_id)
		decide_drop(run, OVS_DROP_ATTR_BPF_NO_RECIRC);
	else if (unlikely(rekey(skb, key)))
		decide_drop(run, OVS_DROP_ATTR_BPF_BAD_PACKET);
	else
		run->outcome = OVS_BPF_STATS_ATTR_RECIRCULATED;
}

/* TC_ACT_REDIRECT: only to a port of this datapath. */
static void decide_redirect(struct ovs_bpf_run *run, struct datapath *dp,
			    struct sk_buff *skb, struct sw_flow_key *key)
{
	u32 ifindex = run->res.ifindex;
	const struct net_device *dev;
	const struct vport *vport;

	dev = ifindex ? dev_get_by_index_rcu(ovs_dp_get_net(dp), ifindex) : NULL;
	vport = dev ? ovs_vport_of_dev(dev) : NULL;
	if (!vport || vport->dp != dp) {
		decide_drop(run, OVS_DROP_ATTR_BPF_REDIRECT);
	} else if (unlikely(settle(skb, key, run))) {
		decide_drop(run, OVS_DROP_ATTR_BPF_BAD_PACKET);
	} else {
		run->outcome = OVS_BPF_STATS_ATTR_REDIRECTED;
		run->to = vport;
	}
}

/**
 * ovs_bpf_decide_action - decide what becomes of a packet after an action program
 * @run: with what the program left behind; filled in.
 * @dp: the datapath.
 * @skb: the packet; has its control block again.
 * @key: its key; may be extracted anew.
 * @bpf: its action.
 *
 * Context: RCU read side, BH disabled.
 */
void ovs_bpf_decide_action(struct ovs_bpf_run *run, struct datapath *dp,
			   struct sk_buff *skb, struct sw_flow_key *key,
			   const struct ovs_bpf_act *bpf)
{
	switch ((int)run->res.verdict) {
	case TC_ACT_OK:
	case TC_ACT_UNSPEC:
	case TC_ACT_PIPE:
		decide_go_on(run, skb, key, bpf);
		break;
	case TC_ACT_RECLASSIFY:
		decide_reclassify(run, skb, key, bpf);
		break;
	case TC_ACT_SHOT:
		decide_drop(run, OVS_DROP_ATTR_BPF_SHOT);
		break;
	case TC_ACT_TRAP:
		if (unlikely(rekey(skb, key))) {
			decide_drop(run, OVS_DROP_ATTR_BPF_BAD_PACKET);
			break;
		}
		fallthrough;
	case TC_ACT_STOLEN:
	case TC_ACT_QUEUED:
		run->outcome = OVS_BPF_STATS_ATTR_CONSUMED;
		break;
	case TC_ACT_REDIRECT:
		decide_redirect(run, dp, skb, key);
		break;
	default:
		decide_drop(run, OVS_DROP_ATTR_BPF_BAD_VERDICT);
	}
}

static void count_one(const struct ovs_bpf_act *bpf, enum ovs_bpf_stats_attr n)
{
	struct ovs_bpf_stats *stats = this_cpu_ptr(bpf->stats);

	u64_stats_update_begin(&stats->syncp);
	stats->n[n]++;
	u64_stats_update_end(&stats->syncp);
}

/* Count a run and what became of the packet. */
static void count(const struct ovs_bpf_act *bpf, const struct ovs_bpf_run *run,
		  const struct sk_buff *skb)
{
	switch (run->outcome) {
	case OVS_BPF_STATS_ATTR_CASES:
		ovs_bpf_count_hit(bpf, run->hit, skb);
		break;
	case OVS_BPF_STATS_ATTR_DEFAULT:
		ovs_bpf_count_default(bpf, skb);
		break;
	case OVS_BPF_STATS_ATTR_COALESCED:
		ovs_bpf_count_through(bpf, skb);
		break;
	default:
		count_one(bpf, run->outcome);
		break;
	}
	if (unlikely(run->why == OVS_DROP_ATTR_BPF_BAD_VERDICT))
		count_one(bpf, OVS_BPF_STATS_ATTR_BAD_VERDICT);
	if (unlikely(run->no_case))
		count_one(bpf, OVS_BPF_STATS_ATTR_NO_CASE);
}

static void trap(struct datapath *dp, struct sk_buff *skb,
		 const struct sw_flow_key *key)
{
	struct dp_upcall_info info = {
		.cmd = OVS_PACKET_CMD_ACTION,
		.portid = ovs_dp_portid_for(dp, OVS_CB(skb)->input_vport, skb),
	};

	ovs_dp_upcall(dp, skb, key, &info, 0);
}

/* Look the packet up anew, under the key that it has now; whether it may. */
static bool recirculate(struct datapath *dp, struct sk_buff *skb,
			struct sw_flow_key *key, u32 recirc_id, u32 result)
{
	if (!ovs_may_recirc(dp, skb))
		return false;
	if (unlikely(ovs_key_refresh(skb, key))) {
		ovs_drop(dp, skb, OVS_DROP_ATTR_BPF_BAD_PACKET);
		return false;
	}
	key->recirc_id = recirc_id;
	key->dp_hash = result;
	return true;
}

/* Run the actions of a case; where to go on. */
static struct ovs_act_span branch(struct datapath *dp, struct sk_buff *skb,
				  const struct sw_flow_key *key,
				  const struct ovs_bpf_act *bpf,
				  const struct ovs_act_list *list)
{
	struct ovs_act_span at = bpf->behind;

	if (!list->len)
		return at;
	if (at.act != at.end) {
		ovs_run_nested(dp, skb, key, list);
		return at;
	}
	at.act = list->acts;
	at.end = ovs_acts_end(list->acts, list->len);
	return at;
}

/**
 * ovs_bpf_conclude - count a run, and do what was decided
 * @dp: the datapath.
 * @skb: the packet; taken over if it is gone.
 * @key: its key.
 * @bpf: the action.
 * @run: the decision.
 *
 * Context: RCU read side, BH disabled.
 * Return: what is to run next.
 */
struct ovs_act_span ovs_bpf_conclude(struct datapath *dp, struct sk_buff *skb,
				     struct sw_flow_key *key,
				     const struct ovs_bpf_act *bpf,
				     const struct ovs_bpf_run *run)
{
	struct ovs_act_span none = {};

	count(bpf, run, skb);
	if (trace_ovs_bpf_run_enabled())
		trace_ovs_bpf_run(dp, skb, key, bpf, run);

	switch (run->outcome) {
	case OVS_BPF_STATS_ATTR_RECIRCULATED:
		none.again = recirculate(dp, skb, key, bpf->recirc_id,
					 run->res.result);
		return none;
	case OVS_BPF_STATS_ATTR_DROPPED:
		ovs_drop(dp, skb, run->why);
		return none;
	case OVS_BPF_STATS_ATTR_CONSUMED:
		if (run->res.verdict == TC_ACT_TRAP)
			trap(dp, skb, key);
		consume_skb(skb);
		return none;
	case OVS_BPF_STATS_ATTR_REDIRECTED:
		ovs_output(dp, skb, run->to->port_no, key);
		return none;
	case OVS_BPF_STATS_ATTR_CASES:
	case OVS_BPF_STATS_ATTR_DEFAULT:
		return branch(dp, skb, key, bpf, run->branch);
	default:
		return bpf->behind;
	}
}
