// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of a packet after its program: the verdict, the recheck, the
 * case.  All of it is decided first, then counted and traced, then done.  What is
 * usual does not come here: bpf_chain.c.
 */
#include <linux/pkt_cls.h>
#include <linux/slab.h>

#include "bpf.h"
#include "bpf_before.h"
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
		  const struct ovs_bpf_before *before)
{
	if (likely(key->eth.mac_proto == OVS_MAC_ETHERNET &&
		   ovs_bpf_settled(skb, before->len, before->net_ofs))) {
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
static void decide_case(struct ovs_bpf_run *run, const struct ovs_act *act,
			const struct ovs_bpf_act *bpf)
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
		run->branch = ovs_bpf_branch(act, bpf->cases[hit].ofs);
	} else if (bpf->default_ofs) {
		run->outcome = OVS_BPF_STATS_ATTR_DEFAULT;
		run->branch = ovs_bpf_branch(act, bpf->default_ofs);
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
 * @act: the record of its action.
 *
 * Context: RCU read side, BH disabled.
 */
void ovs_bpf_decide_filter(struct ovs_bpf_run *run, const struct ovs_act *act)
{
	decide_case(run, act, ovs_bpf_of(act));
}

/*
 * Whether the packet has to be looked up again, or an error; afterwards its key
 * is right, or will be extracted before it is read.
 */
static int recheck(struct sk_buff *skb, struct sw_flow_key *key,
		   const struct ovs_bpf_act *bpf,
		   const struct ovs_bpf_before *before)
{
	if (bpf->recheck == OVS_BPF_RECHECK_PROGRAM)
		return settle(skb, key, before);
	if (ovs_bpf_key_same(skb, before))
		return bpf->recheck == OVS_BPF_RECHECK_ALWAYS;
	if (bpf->recheck == OVS_BPF_RECHECK_ALWAYS)
		return rekey(skb, key) ?: 1;
	return rekey_compare(skb, key, bpf);
}

/* An action program said "go on". */
static void decide_go_on(struct ovs_bpf_run *run, struct sk_buff *skb,
			 struct sw_flow_key *key, const struct ovs_act *act,
			 const struct ovs_bpf_before *before)
{
	int again = recheck(skb, key, ovs_bpf_of(act), before);

	if (unlikely(again < 0))
		decide_drop(run, OVS_DROP_ATTR_BPF_BAD_PACKET);
	else if (again)
		run->outcome = OVS_BPF_STATS_ATTR_RECIRCULATED;
	else
		decide_case(run, act, ovs_bpf_of(act));
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
			    struct sk_buff *skb, struct sw_flow_key *key,
			    const struct ovs_bpf_before *before)
{
	u32 ifindex = run->res.ifindex;
	const struct net_device *dev;
	const struct vport *vport;

	dev = ifindex ? dev_get_by_index_rcu(ovs_dp_get_net(dp), ifindex) : NULL;
	vport = dev ? ovs_vport_of_dev(dev) : NULL;
	if (!vport || vport->dp != dp) {
		decide_drop(run, OVS_DROP_ATTR_BPF_REDIRECT);
	} else if (unlikely(settle(skb, key, before))) {
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
 * @act: the record of its action.
 * @before: what the packet was like before.
 *
 * Context: RCU read side, BH disabled.
 */
void ovs_bpf_decide_action(struct ovs_bpf_run *run, struct datapath *dp,
			   struct sk_buff *skb, struct sw_flow_key *key,
			   const struct ovs_act *act,
			   const struct ovs_bpf_before *before)
{
	switch ((int)run->res.verdict) {
	case TC_ACT_OK:
	case TC_ACT_UNSPEC:
	case TC_ACT_PIPE:
		decide_go_on(run, skb, key, act, before);
		break;
	case TC_ACT_RECLASSIFY:
		decide_reclassify(run, skb, key, ovs_bpf_of(act));
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
		decide_redirect(run, dp, skb, key, before);
		break;
	default:
		decide_drop(run, OVS_DROP_ATTR_BPF_BAD_VERDICT);
	}
}

/* Count a run and what became of it. */
static void count(const struct ovs_bpf_act *bpf, const struct ovs_bpf_run *run)
{
	struct ovs_bpf_stats *stats = this_cpu_ptr(bpf->stats);

	u64_stats_update_begin(&stats->syncp);
	if (run->outcome == OVS_BPF_STATS_ATTR_CASES)
		stats->hits[run->hit]++;
	else
		stats->n[run->outcome]++;
	if (unlikely(run->why == OVS_DROP_ATTR_BPF_BAD_VERDICT))
		stats->n[OVS_BPF_STATS_ATTR_BAD_VERDICT]++;
	if (unlikely(run->no_case))
		stats->n[OVS_BPF_STATS_ATTR_NO_CASE]++;
	u64_stats_update_end(&stats->syncp);
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

/* Look the packet up anew, under the key that it has now. */
static enum ovs_bpf_decision recirculate(struct datapath *dp,
					 struct sk_buff *skb,
					 struct sw_flow_key *key,
					 u32 recirc_id, u32 result)
{
	if (!ovs_may_recirc(dp, skb))
		return OVS_BPF_GONE;
	if (unlikely(ovs_key_refresh(skb, key))) {
		ovs_drop(dp, skb, OVS_DROP_ATTR_BPF_BAD_PACKET);
		return OVS_BPF_GONE;
	}
	key->recirc_id = recirc_id;
	key->dp_hash = result;
	return OVS_BPF_RECIRC;
}

/**
 * ovs_bpf_conclude - count a run, and do what was decided
 * @dp: the datapath.
 * @skb: the packet; taken over if it is gone.
 * @key: its key.
 * @act: the record of the action.
 * @run: the decision.
 * @branch: for %OVS_BPF_BRANCH, set to what is to run; not empty.
 *
 * Context: RCU read side, BH disabled.
 * Return: what becomes of the packet.
 */
enum ovs_bpf_decision ovs_bpf_conclude(struct datapath *dp, struct sk_buff *skb,
				       struct sw_flow_key *key,
				       const struct ovs_act *act,
				       const struct ovs_bpf_run *run,
				       const struct ovs_act_list **branch)
{
	const struct ovs_bpf_act *bpf = ovs_bpf_of(act);

	count(bpf, run);
	if (trace_ovs_bpf_run_enabled())
		trace_ovs_bpf_run(dp, skb, key, bpf, run);

	switch (run->outcome) {
	case OVS_BPF_STATS_ATTR_RECIRCULATED:
		return recirculate(dp, skb, key, bpf->recirc_id,
				   run->res.result);
	case OVS_BPF_STATS_ATTR_DROPPED:
		ovs_drop(dp, skb, run->why);
		return OVS_BPF_GONE;
	case OVS_BPF_STATS_ATTR_CONSUMED:
		if (run->res.verdict == TC_ACT_TRAP)
			trap(dp, skb, key);
		consume_skb(skb);
		return OVS_BPF_GONE;
	case OVS_BPF_STATS_ATTR_REDIRECTED:
		ovs_output(dp, skb, run->to->port_no, key);
		return OVS_BPF_GONE;
	case OVS_BPF_STATS_ATTR_CASES:
	case OVS_BPF_STATS_ATTR_DEFAULT:
		*branch = run->branch;
		return run->branch->len ? OVS_BPF_BRANCH : OVS_BPF_CONTINUE;
	default:
		return OVS_BPF_CONTINUE;
	}
}
