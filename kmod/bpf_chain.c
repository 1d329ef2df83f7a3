// SPDX-License-Identifier: GPL-2.0
/*
 * Programs on a packet's way: those that stand in a row, be it behind each other
 * or in each other's cases, run in one go.  What usually becomes of a packet is
 * decided on the spot; all else is left to bpf_decide.c.
 */
#include <linux/pkt_cls.h>

#include "bpf.h"
#include "bpf_before.h"
#include "bpf_run.h"
#include "openvswitch_trace.h"
#include "vport.h"

/**
 * struct walk - where in its actions a packet is
 * @act: the record of a BPF action.
 * @next: the one behind it.
 * @end: the end of the list.
 */
struct walk {
	const struct ovs_act *act;
	const struct ovs_act *next;
	const struct ovs_act *end;
};

static bool tracing(void)
{
	return trace_ovs_bpf_run_enabled() ||
	       trace_ovs_do_execute_action_enabled();
}

static void count(const struct ovs_bpf_act *bpf, enum ovs_bpf_stats_attr n)
{
	struct ovs_bpf_stats *stats = this_cpu_ptr(bpf->stats);

	u64_stats_update_begin(&stats->syncp);
	stats->n[n]++;
	u64_stats_update_end(&stats->syncp);
}

static void count_hit(const struct ovs_bpf_act *bpf, u32 hit)
{
	struct ovs_bpf_stats *stats = this_cpu_ptr(bpf->stats);

	u64_stats_update_begin(&stats->syncp);
	stats->hits[hit]++;
	u64_stats_update_end(&stats->syncp);
}

/*
 * The actions for a result that is not that of the first case, and count them;
 * NULL: there are none.
 */
static noinline const struct ovs_act_list *
choose_other(const struct ovs_act *act, const struct ovs_bpf_act *bpf,
	     u32 result)
{
	int hit;

	hit = bpf->n_cases > 1 ? ovs_bpf_case_find(bpf, result) : -1;
	if (hit >= 0) {
		count_hit(bpf, hit);
		return ovs_bpf_branch(act, bpf->cases[hit].ofs);
	}
	if (!bpf->default_ofs)
		return NULL;
	count(bpf, OVS_BPF_STATS_ATTR_DEFAULT);
	return ovs_bpf_branch(act, bpf->default_ofs);
}

/* The actions for a result, and count them; false: there are none. */
static __always_inline bool choose(const struct ovs_act *act,
				   const struct ovs_bpf_act *bpf, u32 result,
				   const struct ovs_act_list **list)
{
	if (likely(result == bpf->first_value)) {
		count_hit(bpf, 0);
		*list = ovs_bpf_branch(act, bpf->first_ofs);
		return true;
	}
	*list = choose_other(act, bpf, result);
	return *list;
}

/*
 * Go on to what stands behind the program, or to @list if nothing does.  Return
 * false if both are to be run, @list first.
 */
static __always_inline bool walk_on(struct walk *w,
				    const struct ovs_act_list *list)
{
	w->act = w->next;
	if (!list->len)
		return true;
	if (w->next != w->end)
		return false;
	w->act = list->acts;
	w->end = ovs_acts_end(list->acts, list->len);
	return true;
}

/* Whether the next action is a program of the same class. */
static __always_inline bool walk_goes_on(const struct walk *w, bool filter)
{
	return w->act != w->end && w->act->type == OVS_ACTION_ATTR_BPF &&
	       ovs_bpf_of(w->act)->filter == filter;
}

static __always_inline enum ovs_bpf_decision
walk_leave(const struct walk *w, struct ovs_act_span *at,
	   enum ovs_bpf_decision decision)
{
	at->act = w->act;
	at->end = w->end;
	return decision;
}

/*
 * What was not usual has been decided: do it.  @at is what stands behind the
 * program @act.
 */
static enum ovs_bpf_decision unusual(struct datapath *dp, struct sk_buff *skb,
				     struct sw_flow_key *key,
				     const struct ovs_act *act,
				     const struct ovs_bpf_run *run,
				     struct ovs_act_span *at,
				     const struct ovs_act_list **branch)
{
	enum ovs_bpf_decision decision;
	struct walk w;

	decision = ovs_bpf_conclude(dp, skb, key, act, run, branch);
	w.next = at->act;
	w.end = at->end;
	if (decision == OVS_BPF_BRANCH && walk_on(&w, *branch)) {
		at->act = w.act;
		at->end = w.end;
		return OVS_BPF_CONTINUE;
	}
	return decision;
}

/*
 * A filter said what is not usual.  Out of line, lest whoever calls it need more of
 * the stack on the usual way.
 */
static noinline enum ovs_bpf_decision
filter_unusual(struct datapath *dp, struct sk_buff *skb,
	       struct sw_flow_key *key, const struct ovs_act *act, u32 result,
	       struct ovs_act_span *at, const struct ovs_act_list **branch)
{
	struct ovs_bpf_run run = {
		.res = { .verdict = result, .result = result },
	};

	ovs_bpf_decide_filter(&run, act);
	return unusual(dp, skb, key, act, &run, at, branch);
}

/**
 * ovs_bpf_run_filters - run a filter, and those that follow it, and do as they say
 * @dp: the datapath.
 * @skb: the packet, with a device; taken over if it is gone.
 * @key: its key.
 * @at: the record of the action, and the end of its list; set to what is to run
 *	next, which may be a list in a case.
 * @branch: for %OVS_BPF_BRANCH, set to what is to run before; not empty.
 *
 * Context: RCU read side, BH disabled.
 * Return: what becomes of the packet.
 */
enum ovs_bpf_decision ovs_bpf_run_filters(struct datapath *dp,
					  struct sk_buff *skb,
					  struct sw_flow_key *key,
					  struct ovs_act_span *at,
					  const struct ovs_act_list **branch)
{
	struct walk w = { .act = at->act, .end = at->end };
	const struct ovs_act_list *list;
	struct ovs_bpf_saved saved __uninitialized;

	ovs_bpf_filter_enter(skb, &saved);
	do {
		const struct ovs_bpf_act *bpf = ovs_bpf_of(w.act);
		u32 result;

		w.next = ovs_act_next(w.act);
		result = ovs_bpf_filter_run(skb, bpf->prog, key, bpf->arg,
					    OVS_BPF_HOOK_ACTION, &saved);
		if (unlikely(tracing() ||
			     !choose(w.act, bpf, result, &list))) {
			ovs_bpf_leave(skb, &saved);
			at->act = w.next;
			at->end = w.end;
			return filter_unusual(dp, skb, key, w.act, result, at,
					      branch);
		}
		if (unlikely(!walk_on(&w, list))) {
			ovs_bpf_leave(skb, &saved);
			*branch = list;
			return walk_leave(&w, at, OVS_BPF_BRANCH);
		}
	} while (walk_goes_on(&w, true));
	ovs_bpf_leave(skb, &saved);
	return walk_leave(&w, at, OVS_BPF_CONTINUE);
}

/* Whether the cached rest holds for the packet; needs no new key then. */
static __always_inline bool still_good(struct sk_buff *skb,
				       const struct sw_flow_key *key,
				       const struct ovs_bpf_act *bpf,
				       const struct ovs_bpf_before *before)
{
	if (bpf->recheck == OVS_BPF_RECHECK_PROGRAM)
		return key->eth.mac_proto == OVS_MAC_ETHERNET &&
		       ovs_bpf_settled(skb, before->len, before->net_ofs);
	return bpf->recheck == OVS_BPF_RECHECK_CHANGED &&
	       ovs_bpf_key_same(skb, before);
}

static bool goes_on(u32 verdict)
{
	return verdict == TC_ACT_OK || verdict == TC_ACT_PIPE ||
	       verdict == (u32)TC_ACT_UNSPEC;
}

/* What an action program left behind. */
static struct ovs_bpf_result result_take(struct sk_buff *skb, u32 verdict)
{
	struct ovs_bpf_result res = {
		.verdict = verdict,
		.result = *ovs_bpf_cb(skb),
	};

	if (verdict == TC_ACT_REDIRECT) {
		const struct bpf_redirect_info *ri = ovs_bpf_redirect_info();

		if (!ri->flags)
			res.ifindex = ri->tgt_index;
	}
	return res;
}

/* Decide on what an action program left behind. */
static enum ovs_bpf_decision
decide(struct datapath *dp, struct sk_buff *skb, struct sw_flow_key *key,
       const struct ovs_act *act, const struct ovs_bpf_result *res,
       const struct ovs_bpf_before *before, struct ovs_act_span *at,
       const struct ovs_act_list **branch)
{
	struct ovs_bpf_run run = { .res = *res };

	ovs_bpf_decide_action(&run, dp, skb, key, act, before);
	return unusual(dp, skb, key, act, &run, at, branch);
}

static noinline enum ovs_bpf_decision
plain_unusual(struct datapath *dp, struct sk_buff *skb,
	      struct sw_flow_key *key, const struct ovs_act *act,
	      struct ovs_bpf_result res, unsigned int len, int net_ofs,
	      struct ovs_act_span *at, const struct ovs_act_list **branch)
{
	const struct ovs_bpf_before before = { .len = len, .net_ofs = net_ofs };

	return decide(dp, skb, key, act, &res, &before, at, branch);
}

/* Whether the next action is a plain program. */
static __always_inline bool walk_is_plain(const struct walk *w)
{
	return w->act != w->end && w->act->type == OVS_ACTION_ATTR_BPF &&
	       ovs_bpf_of(w->act)->plain;
}

/**
 * ovs_bpf_run_plain - run an action program of which no more than its verdict is
 *	asked, and those like it that follow, and do as they say
 * @dp: the datapath.
 * @skb: the packet, with a device and an Ethernet header; taken over if it is
 *	gone.
 * @key: its key; changed as the packet is.
 * @at: as of ovs_bpf_run_filters().
 * @branch: likewise.
 *
 * Context: RCU read side, BH disabled.
 * Return: what becomes of the packet.
 */
enum ovs_bpf_decision ovs_bpf_run_plain(struct datapath *dp,
					struct sk_buff *skb,
					struct sw_flow_key *key,
					struct ovs_act_span *at,
					const struct ovs_act_list **branch)
{
	struct walk w = { .act = at->act, .end = at->end };
	struct ovs_bpf_saved saved __uninitialized;
	OVS_BPF_NET_CTX(net_ctx);

	ovs_bpf_action_enter(skb, &saved);
	ovs_bpf_net_ctx_set(net_ctx);
	do {
		const struct ovs_bpf_act *bpf = ovs_bpf_of(w.act);
		int net_ofs = skb_network_offset(skb);
		unsigned int len = skb->len;
		u32 verdict;

		w.next = ovs_act_next(w.act);
		verdict = ovs_bpf_action_run(skb, bpf->prog, key, bpf->arg,
					     OVS_BPF_HOOK_ACTION);
		if (unlikely((verdict != TC_ACT_OK && !goes_on(verdict)) ||
			     tracing() ||
			     !ovs_bpf_settled(skb, len, net_ofs))) {
			struct ovs_bpf_result res = result_take(skb, verdict);

			ovs_bpf_net_ctx_clear(net_ctx);
			ovs_bpf_leave(skb, &saved);
			at->act = w.next;
			at->end = w.end;
			return plain_unusual(dp, skb, key, w.act, res, len,
					     net_ofs, at, branch);
		}
		count(bpf, OVS_BPF_STATS_ATTR_COALESCED);
		saved.cb.key_stale = true;
		w.act = w.next;
	} while (walk_is_plain(&w));
	ovs_bpf_net_ctx_clear(net_ctx);
	ovs_bpf_leave(skb, &saved);
	return walk_leave(&w, at, OVS_BPF_CONTINUE);
}

/*
 * Run a program of any other mode; whether what it says is usual.  If it has
 * cases, @list is set to the actions for its result, else to NULL.
 */
static bool run_checked(struct sk_buff *skb, const struct sw_flow_key *key,
			const struct ovs_act *act, bool stale,
			struct ovs_bpf_before *before, u32 *verdict,
			const struct ovs_act_list **list)
{
	const struct ovs_bpf_act *bpf = ovs_bpf_of(act);

	before->len = skb->len;
	before->net_ofs = skb_network_offset(skb);
	if (bpf->recheck != OVS_BPF_RECHECK_PROGRAM)
		ovs_bpf_before_take(before, skb, key, stale);
	*verdict = ovs_bpf_action_run(skb, bpf->prog, key, bpf->arg,
				      OVS_BPF_HOOK_ACTION);
	if (unlikely(!goes_on(*verdict) || tracing() ||
		     !still_good(skb, key, bpf, before)))
		return false;
	if (bpf->dispatch)
		return choose(act, bpf, *ovs_bpf_cb(skb), list);
	*list = NULL;
	count(bpf, OVS_BPF_STATS_ATTR_COALESCED);
	return true;
}

/**
 * ovs_bpf_run_checked - run an action program of any other mode, and those that
 *	follow it, and do as they say
 * @dp: the datapath.
 * @skb: the packet, with a device; taken over if it is gone.
 * @key: its key, up to date if the first program's recheck is "changed"; changed
 *	as the packet is.
 * @at: as of ovs_bpf_run_filters().
 * @branch: likewise.
 *
 * Context: RCU read side, BH disabled.
 * Return: what becomes of the packet.
 */
enum ovs_bpf_decision ovs_bpf_run_checked(struct datapath *dp,
					  struct sk_buff *skb,
					  struct sw_flow_key *key,
					  struct ovs_act_span *at,
					  const struct ovs_act_list **branch)
{
	enum ovs_bpf_decision decision = OVS_BPF_CONTINUE;
	struct walk w = { .act = at->act, .end = at->end };
	struct ovs_bpf_before before __uninitialized;
	struct ovs_bpf_saved saved __uninitialized;
	const struct ovs_act_list *list;
	struct ovs_bpf_result res;
	OVS_BPF_NET_CTX(net_ctx);
	u32 verdict;

	ovs_bpf_action_enter(skb, &saved);
	ovs_bpf_net_ctx_set(net_ctx);
	do {
		u8 recheck = ovs_bpf_of(w.act)->recheck;

		/* What changed is told by comparing: the key must be right. */
		if (unlikely(saved.cb.key_stale &&
			     recheck == OVS_BPF_RECHECK_CHANGED))
			break;
		w.next = ovs_act_next(w.act);
		if (unlikely(!run_checked(skb, key, w.act, saved.cb.key_stale,
					  &before, &verdict, &list)))
			goto unusual;
		if (recheck == OVS_BPF_RECHECK_PROGRAM)
			saved.cb.key_stale = true;
		if (!list) {
			w.act = w.next;
		} else if (unlikely(!walk_on(&w, list))) {
			*branch = list;
			decision = OVS_BPF_BRANCH;
			break;
		}
	} while (walk_goes_on(&w, false) && !ovs_bpf_of(w.act)->plain);
	ovs_bpf_net_ctx_clear(net_ctx);
	ovs_bpf_leave(skb, &saved);
	return walk_leave(&w, at, decision);

unusual:
	res = result_take(skb, verdict);
	ovs_bpf_net_ctx_clear(net_ctx);
	ovs_bpf_leave(skb, &saved);
	at->act = w.next;
	at->end = w.end;
	return decide(dp, skb, key, w.act, &res, &before, at, branch);
}
