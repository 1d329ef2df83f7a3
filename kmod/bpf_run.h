/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One run of one program, of either class, at any hook; inlined, for it is paid
 * for each packet.
 *
 * A program owns skb->cb while it runs: the datapath's own control block is
 * neither seen nor changed by it.  Programs that follow each other at once share
 * what is done before the first and behind the last.
 */
#ifndef OVS_BPF_RUN_H
#define OVS_BPF_RUN_H 1

#include <linux/filter.h>
#include <net/sch_generic.h>

#include "datapath.h"

/**
 * struct ovs_bpf_filter_saved - what a filter must not change, or see
 * @cb: the datapath's control block, but for its first word.
 * @hash: skb->hash.
 *
 * Mark and priority are in the key.
 */
struct ovs_bpf_filter_saved {
	u64 cb;
	u32 hash;
};

/**
 * struct ovs_bpf_action_saved - what an action program must not change, or see
 * @cb: the datapath's control block, as words: its fields would be copied one by one.
 */
struct ovs_bpf_action_saved {
	u64 cb[sizeof(struct ovs_skb_cb) / sizeof(u64)];
};

static inline u32 *ovs_bpf_cb(struct sk_buff *skb)
{
	return (u32 *)qdisc_skb_cb(skb)->data;
}

/* What a program finds in cb[]. */
static __always_inline void ovs_bpf_cb_fill(struct sk_buff *skb,
					    const struct sw_flow_key *key,
					    u64 arg, u32 hook)
{
	u32 *cb = ovs_bpf_cb(skb);

	BUILD_BUG_ON(sizeof(qdisc_skb_cb(skb)->data) != 5 * sizeof(u32));
	BUILD_BUG_ON(offsetof(struct sw_flow_key, in_port) != 0 ||
		     offsetof(struct sw_flow_key, recirc_id) != sizeof(u32));
	cb[0] = arg;
	cb[1] = arg >> 32;
	memcpy(&cb[2], &key->words[0], sizeof(u64));
	cb[4] = hook;
}

/* The second word of the control block, which lies where cb[] does. */
static inline u64 *ovs_bpf_cb_rest(struct sk_buff *skb)
{
	BUILD_BUG_ON(offsetof(struct qdisc_skb_cb, data) != sizeof(u64));
	BUILD_BUG_ON(offsetof(struct ovs_skb_cb, cutlen) != sizeof(u64));
	BUILD_BUG_ON(sizeof(struct ovs_skb_cb) != 2 * sizeof(u64));
	return (u64 *)qdisc_skb_cb(skb)->data;
}

/**
 * ovs_bpf_filter_enter - prepare a packet for filters
 * @skb: the packet, data at its first header, with a device.
 * @saved: filled in.
 *
 * The first word of the control block stays where it is: pkt_len and tc_classid,
 * as others have there, are neither read nor written by this type of program.
 *
 * Context: as for ovs_bpf_filter_run().
 */
static inline void ovs_bpf_filter_enter(struct sk_buff *skb,
					struct ovs_bpf_filter_saved *saved)
{
	saved->cb = *ovs_bpf_cb_rest(skb);
	saved->hash = skb->hash;
	/* This type of program can't ask for data_meta. */
	((struct bpf_skb_data_end *)skb->cb)->data_end = skb_tail_pointer(skb);
}

/* One that is computed replaces none, or one that was not of the ports. */
static inline void ovs_bpf_hash_restore(struct sk_buff *skb, u32 hash)
{
	skb->hash = hash;
	skb->sw_hash = 0;
	skb->l4_hash = 0;
}

/**
 * ovs_bpf_filter_run - run a filter
 * @skb: the packet, behind ovs_bpf_filter_enter(); not changed, but its linear
 *	part may grow and move.
 * @prog: a program of type LWT_OUT.
 * @key: the packet's key; its port, stage, mark and priority are read, and right.
 * @arg: for cb[0] and cb[1].
 * @hook: &enum ovs_bpf_hook.
 * @saved: what ovs_bpf_filter_enter() saved.
 *
 * The verifier lets this type write mark, priority and cb, and its helpers may
 * compute the hash: all of them are put back, so that nothing but the result
 * tells that it ran.
 *
 * Context: RCU read side, BH disabled.
 * Return: what the program returned.
 */
static __always_inline u32
ovs_bpf_filter_run(struct sk_buff *skb, const struct bpf_prog *prog,
		   const struct sw_flow_key *key, u64 arg, u32 hook,
		   const struct ovs_bpf_filter_saved *saved)
{
	u32 result;

	ovs_bpf_cb_fill(skb, key, arg, hook);
	result = bpf_prog_run(prog, skb);
	skb->priority = key->priority;
	skb->mark = key->skb_mark;
	if (unlikely(skb->hash != saved->hash))
		ovs_bpf_hash_restore(skb, saved->hash);
	return result;
}

/* Give the packet back to the datapath. */
static inline void ovs_bpf_filter_leave(struct sk_buff *skb,
					const struct ovs_bpf_filter_saved *saved)
{
	*ovs_bpf_cb_rest(skb) = saved->cb;
}

/**
 * ovs_bpf_action_enter - prepare a packet for action programs
 * @skb: the packet, data at its first header, with a device.
 * @saved: filled in.
 *
 * Context: as for ovs_bpf_action_run().
 */
static inline void ovs_bpf_action_enter(struct sk_buff *skb,
					struct ovs_bpf_action_saved *saved)
{
	saved->cb[0] = ((u64 *)skb->cb)[0];
	saved->cb[1] = ((u64 *)skb->cb)[1];
	/*
	 * A program may write without telling: let the stack verify the
	 * checksum on its own rather than trust what the device summed up.
	 */
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		skb->ip_summed = CHECKSUM_NONE;
	skb->tc_at_ingress = 0;
	bpf_compute_data_pointers(skb);
}

/* Give the packet back to the datapath. */
static inline void ovs_bpf_action_leave(struct sk_buff *skb,
					const struct ovs_bpf_action_saved *saved)
{
	((u64 *)skb->cb)[0] = saved->cb[0];
	((u64 *)skb->cb)[1] = saved->cb[1];
}

/**
 * ovs_bpf_action_run - run an action program
 * @skb: the packet, behind ovs_bpf_action_enter().  All that is known of it may
 *	be out of date afterwards: where its headers lie, its length, its
 *	protocol and tag, its mark and priority; the key above all.
 * @prog: a program of type SCHED_CLS.
 * @key: the packet's key; only its port and stage are read.
 * @arg: for cb[0] and cb[1].
 * @hook: &enum ovs_bpf_hook.
 *
 * Context: RCU read side, BH disabled, within ovs_bpf_net_ctx_set().
 * Return: the verdict; until ovs_bpf_action_leave(), the result is in cb[0], and the
 * target of a redirection in ovs_bpf_redirect_info().
 */
static __always_inline u32
ovs_bpf_action_run(struct sk_buff *skb, const struct bpf_prog *prog,
		   const struct sw_flow_key *key, u64 arg, u32 hook)
{
	skb_reset_mac_header(skb);
	/* Nothing in it is left of what was there. */
	*(u64 *)skb->cb = 0;
	ovs_bpf_cb_fill(skb, key, arg, hook);
	ovs_bpf_redirect_forget();
	return bpf_prog_run(prog, skb);
}

#endif /* OVS_BPF_RUN_H */
