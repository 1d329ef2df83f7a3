/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs on a packet's way: those that stand in a row, be it behind each other
 * or in each other's cases, run in one go.  Where what is usual leads was worked out
 * when the flow was installed (ovs_bpf_link()); all else is left to bpf_chain.c
 * and bpf_decide.c.
 *
 * What is here is inlined into the loop over all actions, its one caller: a call
 * and its registers would cost as much as what it does.
 */
#ifndef OVS_BPF_CHAIN_H
#define OVS_BPF_CHAIN_H 1

#include <linux/pkt_cls.h>

#include "bpf.h"
#include "bpf_before.h"
#include "bpf_run.h"
#include "openvswitch_trace.h"

struct ovs_act_span ovs_bpf_filter_other(const struct ovs_bpf_act *bpf,
					 u32 result,
					 const struct sk_buff *skb);
struct ovs_act_span ovs_bpf_filter_unusual(struct datapath *dp,
					   struct sk_buff *skb,
					   struct sw_flow_key *key,
					   const struct ovs_bpf_act *bpf,
					   u32 result);
struct ovs_act_span ovs_bpf_action_unusual(struct datapath *dp,
					   struct sk_buff *skb,
					   struct sw_flow_key *key,
					   const struct ovs_bpf_act *bpf,
					   struct ovs_bpf_result res);
struct ovs_act_span ovs_bpf_run_compared(struct datapath *dp,
					 struct sk_buff *skb,
					 struct sw_flow_key *key,
					 const struct ovs_bpf_act *bpf);
struct ovs_act_span ovs_bpf_run_checked(struct datapath *dp,
					struct sk_buff *skb,
					struct sw_flow_key *key,
					const struct ovs_bpf_act *bpf);

static inline bool ovs_bpf_tracing(void)
{
	return trace_ovs_bpf_run_enabled() ||
	       trace_ovs_do_execute_action_enabled();
}

/* Count a packet; @way: one of @stats. */
static inline void ovs_bpf_count_way(struct ovs_bpf_stats *stats,
				     struct ovs_bpf_hits *way,
				     const struct sk_buff *skb)
{
	u64 len = ovs_skb_len(skb);

	u64_stats_update_begin(&stats->syncp);
	way->packets++;
	way->bytes += len;
	u64_stats_update_end(&stats->syncp);
}

/* Count a packet that goes on behind a program without cases. */
static inline void ovs_bpf_count_through(const struct ovs_bpf_act *bpf,
					 const struct sk_buff *skb)
{
	struct ovs_bpf_stats *stats = this_cpu_ptr(bpf->stats);

	ovs_bpf_count_way(stats, &stats->through, skb);
}

static inline void ovs_bpf_count_default(const struct ovs_bpf_act *bpf,
					 const struct sk_buff *skb)
{
	struct ovs_bpf_stats *stats = this_cpu_ptr(bpf->stats);

	ovs_bpf_count_way(stats, &stats->dflt, skb);
}

static inline void ovs_bpf_count_hit(const struct ovs_bpf_act *bpf, u32 hit,
				     const struct sk_buff *skb)
{
	struct ovs_bpf_stats *stats = this_cpu_ptr(bpf->stats);

	ovs_bpf_count_way(stats, &stats->hits[hit], skb);
}

/* Where the usual leads: always somewhere, which the caller need not test again. */
static inline struct ovs_act_span ovs_bpf_usual(const struct ovs_bpf_act *bpf)
{
	struct ovs_act_span at = bpf->usual;

	if (!at.act)
		__builtin_unreachable();
	return at;
}

/* Whether a verdict is "go on".  One at a time: the first is what most say. */
static inline bool ovs_bpf_goes_on(u32 verdict)
{
	if (likely(verdict == TC_ACT_OK))
		return true;
	return verdict == TC_ACT_PIPE || verdict == (u32)TC_ACT_UNSPEC;
}

/* What an action program left behind; before the packet is given back. */
static inline struct ovs_bpf_result
ovs_bpf_result_take(struct sk_buff *skb, const struct sw_flow_key *key,
		    u32 verdict, unsigned int len, int net_ofs)
{
	struct ovs_bpf_result res = {
		.verdict = verdict,
		.result = *ovs_bpf_cb(skb),
		.settled = key->eth.mac_proto == OVS_MAC_ETHERNET &&
			   ovs_bpf_settled(skb, len, net_ofs),
	};

	if (verdict == TC_ACT_REDIRECT) {
		const struct bpf_redirect_info *ri = ovs_bpf_redirect_info();

		if (!ri->flags)
			res.ifindex = ri->tgt_index;
	}
	return res;
}

/**
 * ovs_bpf_run_filters - run a filter, and those that follow it, and do as they say
 * @dp: the datapath.
 * @skb: the packet, with a device; taken over if it is gone.
 * @key: its key.
 * @bpf: the action.
 *
 * Context: RCU read side, BH disabled.
 * Return: what is to run next.
 */
static __always_inline struct ovs_act_span
ovs_bpf_run_filters(struct datapath *dp, struct sk_buff *skb,
		    struct sw_flow_key *key, const struct ovs_bpf_act *bpf)
{
	struct ovs_bpf_filter_saved saved __uninitialized;
	struct ovs_act_span at;
	u32 result;

	ovs_bpf_filter_enter(skb, &saved);
	for (;;) {
		result = ovs_bpf_filter_run(skb, bpf->prog, key, bpf->arg,
					    OVS_BPF_HOOK_ACTION, &saved);
		if (unlikely(ovs_bpf_tracing()))
			break;
		if (likely(result == bpf->first_value)) {
			ovs_bpf_count_hit(bpf, 0, skb);
			if (!bpf->chain) {
				ovs_bpf_filter_leave(skb, &saved);
				return ovs_bpf_usual(bpf);
			}
			bpf = bpf->chain;
			continue;
		}
		if (bpf->dflt_alone && result != bpf->copy_value) {
			ovs_bpf_count_default(bpf, skb);
			if (!bpf->dflt_chain) {
				ovs_bpf_filter_leave(skb, &saved);
				return bpf->dflt;
			}
			bpf = bpf->dflt_chain;
			continue;
		}
		at = ovs_bpf_filter_other(bpf, result, skb);
		if (unlikely(!at.act))
			break;
		if (!ovs_bpf_is_program(&at) || !ovs_bpf_of(at.act)->filter) {
			ovs_bpf_filter_leave(skb, &saved);
			return at;
		}
		bpf = ovs_bpf_of(at.act);
	}
	ovs_bpf_filter_leave(skb, &saved);
	return ovs_bpf_filter_unusual(dp, skb, key, bpf, result);
}

/**
 * ovs_bpf_run_plain - run an action program of which no more than its verdict is
 *	asked, and those like it that follow, and do as they say
 * @dp: the datapath.
 * @skb: the packet, with a device and an Ethernet header; taken over if it is
 *	gone.
 * @key: its key; changed as the packet is.
 * @bpf: the action.
 *
 * Context: RCU read side, BH disabled.
 * Return: what is to run next.
 */
static __always_inline struct ovs_act_span
ovs_bpf_run_plain(struct datapath *dp, struct sk_buff *skb,
		  struct sw_flow_key *key, const struct ovs_bpf_act *bpf)
{
	struct ovs_bpf_action_saved saved __uninitialized;
	OVS_BPF_NET_CTX(net_ctx);
	unsigned int len;
	int net_ofs;
	u32 verdict;

	ovs_bpf_action_enter(skb, &saved);
	ovs_bpf_net_ctx_set(net_ctx);
	for (;; bpf = bpf->chain) {
		net_ofs = skb_network_offset(skb);
		len = skb->len;
		verdict = ovs_bpf_action_run(skb, bpf->prog, key, bpf->arg,
					     OVS_BPF_HOOK_ACTION);
		if (unlikely(!ovs_bpf_goes_on(verdict) || ovs_bpf_tracing() ||
			     !ovs_bpf_settled(skb, len, net_ofs)))
			break;
		ovs_bpf_count_through(bpf, skb);
		if (!bpf->chain) {
			ovs_bpf_net_ctx_clear(net_ctx);
			ovs_bpf_action_leave(skb, &saved);
			OVS_CB(skb)->key_stale = true;
			return ovs_bpf_usual(bpf);
		}
	}
	do {
		struct ovs_bpf_result res;

		res = ovs_bpf_result_take(skb, key, verdict, len, net_ofs);
		ovs_bpf_net_ctx_clear(net_ctx);
		ovs_bpf_action_leave(skb, &saved);
		OVS_CB(skb)->key_stale = true;
		return ovs_bpf_action_unusual(dp, skb, key, bpf, res);
	} while (0);
}

#endif /* OVS_BPF_CHAIN_H */
