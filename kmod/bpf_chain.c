// SPDX-License-Identifier: GPL-2.0
/*
 * Programs on a packet's way: where each leads, worked out when a flow is
 * installed, and what of bpf_chain.h is not worth inlining.
 */
#include "bpf_chain.h"

/* Where a list leads that stands for a result; @act NULL: that takes a copy. */
static struct ovs_act_span branch_leads(const struct ovs_bpf_act *bpf, u32 ofs)
{
	const struct ovs_act_list *list = ovs_bpf_branch(bpf->act, ofs);
	struct ovs_act_span at = bpf->behind;

	if (!list->len)
		return at;
	if (at.act != at.end)
		return (struct ovs_act_span){};
	at.act = list->acts;
	at.end = ovs_acts_end(list->acts, list->len);
	return at;
}

/* Whether what a program changed is told by comparing, and the key is right before. */
static bool is_compared(const struct ovs_bpf_act *bpf)
{
	return !bpf->filter && bpf->recheck == OVS_BPF_RECHECK_CHANGED;
}

/* Whether two programs are run in one loop. */
static bool alike(const struct ovs_bpf_act *a, const struct ovs_bpf_act *b)
{
	return a->filter == b->filter && a->plain == b->plain &&
	       is_compared(a) == is_compared(b);
}

/* The program that a packet can be given to in one go. */
static const struct ovs_bpf_act *chained(const struct ovs_bpf_act *bpf,
					 struct ovs_act_span at)
{
	if (at.act && ovs_bpf_is_program(&at) && alike(bpf, ovs_bpf_of(at.act)))
		return ovs_bpf_of(at.act);
	return NULL;
}

static void link_one(struct ovs_bpf_act *bpf, const struct ovs_act *act,
		     const struct ovs_act *end)
{
	u32 i;

	bpf->act = act;
	bpf->behind.act = ovs_act_next(act);
	bpf->behind.end = end;
	bpf->usual = bpf->behind;
	bpf->first_value = U64_MAX;
	for (i = 0; i < bpf->n_cases; i++)
		bpf->cases[i].at = branch_leads(bpf, bpf->cases[i].ofs);
	bpf->copy_value = U64_MAX;
	if (bpf->n_cases && bpf->cases[0].at.act) {
		bpf->usual = bpf->cases[0].at;
		bpf->first_value = bpf->cases[0].value;
	} else if (bpf->n_cases) {
		bpf->copy_value = bpf->cases[0].value;
	}
	bpf->chain = chained(bpf, bpf->usual);
	if (bpf->default_ofs)
		bpf->dflt = branch_leads(bpf, bpf->default_ofs);
	bpf->dflt_chain = chained(bpf, bpf->dflt);
	bpf->dflt_alone = bpf->dflt.act && bpf->n_cases <= 1;
}

/**
 * ovs_bpf_link - work out where the programs of a list lead
 * @act: the first record, which does not move any more.
 * @end: the end of the list.
 *
 * Recurses as deep as the lists are nested: %OVS_ACTS_MAX_DEPTH bounds it.
 *
 * Context: process; no packet can reach the list yet.
 */
void ovs_bpf_link(const struct ovs_act *act, const struct ovs_act *end)
{
	const struct ovs_act_list *list;
	const struct ovs_act *next;

	for (; act < end; act = next) {
		next = ovs_act_next(act);
		switch (act->type) {
		case OVS_ACTION_ATTR_BPF:
			link_one(ovs_bpf_of(act), act, end);
			/* Behind the pointer, a record like that of a clone each. */
			ovs_bpf_link((const void *)&act->data[1], next);
			break;
		case OVS_ACTION_ATTR_CHECK_PKT_LEN:
			ovs_bpf_link((const void *)act->data, next);
			break;
		case OVS_ACTION_ATTR_SAMPLE:
		case OVS_ACTION_ATTR_CLONE:
		case OVS_ACTION_ATTR_DEC_TTL:
			list = (const void *)act->data;
			ovs_bpf_link(list->acts,
				     ovs_acts_end(list->acts, list->len));
			break;
		}
	}
}

/*
 * Count a result that is not that of the first case, and say where it leads; @act
 * NULL: there is no case for it, or it takes a copy, and nothing was counted.
 */
static struct ovs_act_span case_other(const struct ovs_bpf_act *bpf, u32 result,
				      const struct sk_buff *skb)
{
	int hit = ovs_bpf_case_find(bpf, result);
	struct ovs_act_span at = hit < 0 ? bpf->dflt : bpf->cases[hit].at;

	if (!at.act)
		return at;
	if (hit >= 0)
		ovs_bpf_count_hit(bpf, hit, skb);
	else
		ovs_bpf_count_default(bpf, skb);
	return at;
}

/**
 * ovs_bpf_filter_other - a filter's result was not that of the first case
 * @bpf: the action.
 * @result: the result.
 * @skb: the packet.
 *
 * Context: RCU read side, BH disabled.
 * Return: where it leads, and it is counted; @act NULL: it has to be decided.
 */
noinline struct ovs_act_span ovs_bpf_filter_other(const struct ovs_bpf_act *bpf,
						  u32 result,
						  const struct sk_buff *skb)
{
	return case_other(bpf, result, skb);
}

/**
 * ovs_bpf_filter_unusual - a filter said what is not usual
 * @dp: the datapath.
 * @skb: the packet; taken over if it is gone.
 * @key: its key.
 * @bpf: the action.
 * @result: the result.
 *
 * Context: RCU read side, BH disabled.
 * Return: what is to run next.
 */
noinline struct ovs_act_span
ovs_bpf_filter_unusual(struct datapath *dp, struct sk_buff *skb,
		       struct sw_flow_key *key, const struct ovs_bpf_act *bpf,
		       u32 result)
{
	struct ovs_bpf_run run = {
		.res = { .verdict = result, .result = result },
	};

	ovs_bpf_decide_filter(&run, bpf);
	return ovs_bpf_conclude(dp, skb, key, bpf, &run);
}

/**
 * ovs_bpf_action_unusual - an action program said, or did, what is not usual
 * @dp: the datapath.
 * @skb: the packet; taken over if it is gone.
 * @key: its key.
 * @bpf: the action.
 * @res: what the program left behind.
 *
 * Context: RCU read side, BH disabled.
 * Return: what is to run next.
 */
noinline struct ovs_act_span
ovs_bpf_action_unusual(struct datapath *dp, struct sk_buff *skb,
		       struct sw_flow_key *key, const struct ovs_bpf_act *bpf,
		       struct ovs_bpf_result res)
{
	struct ovs_bpf_run run = { .res = res };

	ovs_bpf_decide_action(&run, dp, skb, key, bpf);
	return ovs_bpf_conclude(dp, skb, key, bpf, &run);
}

/* Note what has to be known of a packet to tell afterwards whether its rest holds. */
static __always_inline void before_take(struct ovs_bpf_before *before,
					const struct sk_buff *skb,
					const struct sw_flow_key *key,
					bool compare, bool stale)
{
	before->len = skb->len;
	before->net_ofs = skb_network_offset(skb);
	if (compare)
		ovs_bpf_before_take(before, skb, key, stale);
}

/* Whether it holds, or may if the key is compared: without extracting it anew. */
static __always_inline bool same_as(const struct ovs_bpf_before *before,
				    const struct sk_buff *skb,
				    const struct sw_flow_key *key, bool compare)
{
	if (compare)
		return ovs_bpf_key_same(skb, before);
	return key->eth.mac_proto == OVS_MAC_ETHERNET &&
	       ovs_bpf_settled(skb, before->len, before->net_ofs);
}

/* Count a packet that a program let go on, unless its result is not the first case's. */
static __always_inline bool count_usual(const struct ovs_bpf_act *bpf,
					u32 result, const struct sk_buff *skb)
{
	if (!bpf->dispatch)
		ovs_bpf_count_through(bpf, skb);
	else if (likely(result == bpf->first_value))
		ovs_bpf_count_hit(bpf, 0, skb);
	else
		return false;
	return true;
}

/*
 * Run action programs in one go; @compared: all of them are is_compared(), or none.
 * Told at compile time, since it is paid for each packet.
 */
static __always_inline struct ovs_act_span
run_checked(struct datapath *dp, struct sk_buff *skb, struct sw_flow_key *key,
	    const struct ovs_bpf_act *bpf, const bool compared)
{
	struct ovs_bpf_action_saved saved __uninitialized;
	struct ovs_bpf_before before __uninitialized;
	bool stale = !compared && OVS_CB(skb)->key_stale;
	const struct ovs_bpf_act *next;
	OVS_BPF_NET_CTX(net_ctx);
	struct ovs_act_span at;
	bool always, same;
	u32 verdict;

	ovs_bpf_action_enter(skb, &saved);
	ovs_bpf_net_ctx_set(net_ctx);
	for (;;) {
		always = !compared && bpf->recheck == OVS_BPF_RECHECK_ALWAYS;
		before_take(&before, skb, key, compared || always, stale);
		verdict = ovs_bpf_action_run(skb, bpf->prog, key, bpf->arg,
					     OVS_BPF_HOOK_ACTION);
		same = same_as(&before, skb, key, compared || always);
		if (unlikely(!ovs_bpf_goes_on(verdict) || !same || always ||
			     ovs_bpf_tracing()))
			break;
		if (likely(count_usual(bpf, *ovs_bpf_cb(skb), skb))) {
			next = bpf->chain;
			at = ovs_bpf_usual(bpf);
		} else {
			at = case_other(bpf, *ovs_bpf_cb(skb), skb);
			if (unlikely(!at.act))
				break;
			next = chained(bpf, at);
		}
		stale = !compared;
		if (!next) {
			ovs_bpf_net_ctx_clear(net_ctx);
			ovs_bpf_action_leave(skb, &saved);
			OVS_CB(skb)->key_stale = stale;
			return at;
		}
		bpf = next;
	}
	do {
		struct ovs_bpf_result res;

		res = ovs_bpf_result_take(skb, key, verdict, before.len,
					  before.net_ofs);
		res.same = same;
		ovs_bpf_net_ctx_clear(net_ctx);
		ovs_bpf_action_leave(skb, &saved);
		OVS_CB(skb)->key_stale = stale;
		return ovs_bpf_action_unusual(dp, skb, key, bpf, res);
	} while (0);
}

/**
 * ovs_bpf_run_compared - run an action program whose recheck is "changed", and those
 *	that follow it, and do as they say
 * @dp: the datapath.
 * @skb: the packet, with a device; taken over if it is gone.
 * @key: its key, up to date; changed as the packet is.
 * @bpf: the action.
 *
 * Context: RCU read side, BH disabled.
 * Return: what is to run next.
 */
noinline struct ovs_act_span
ovs_bpf_run_compared(struct datapath *dp, struct sk_buff *skb,
		     struct sw_flow_key *key, const struct ovs_bpf_act *bpf)
{
	return run_checked(dp, skb, key, bpf, true);
}

/**
 * ovs_bpf_run_checked - run an action program of any other mode, and those that
 *	follow it, and do as they say
 * @dp: the datapath.
 * @skb: the packet, with a device; taken over if it is gone.
 * @key: its key; changed as the packet is.
 * @bpf: the action.
 *
 * Context: RCU read side, BH disabled.
 * Return: what is to run next.
 */
noinline struct ovs_act_span
ovs_bpf_run_checked(struct datapath *dp, struct sk_buff *skb,
		    struct sw_flow_key *key, const struct ovs_bpf_act *bpf)
{
	return run_checked(dp, skb, key, bpf, false);
}
