// SPDX-License-Identifier: GPL-2.0
/*
 * Counters of flows.
 *
 * Each CPU has its own.  The kernel's allocator of per-CPU memory searches all
 * that it has, the longer the more there is: so it is asked for the counters of
 * many flows at once.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "compat/compat.h"
#include "flow.h"

#define PIECE_FLOWS 128

/**
 * struct flow_stats_piece - counters of %PIECE_FLOWS flows
 * @node: in @pieces if any are free.
 * @base: the counters.
 * @n_free: how many are free.
 * @free: which.
 */
struct flow_stats_piece {
	struct list_head node;
	struct sw_flow_stats __percpu *base;
	unsigned int n_free;
	u8 free[PIECE_FLOWS];
};

/* Pieces with something free in them, of all datapaths. */
static LIST_HEAD(pieces);
static DEFINE_SPINLOCK(pieces_lock);

static void piece_free(struct flow_stats_piece *piece)
{
	free_percpu(piece->base);
	kfree(piece);
}

static struct flow_stats_piece *piece_alloc(void)
{
	struct flow_stats_piece *piece;
	unsigned int i;

	piece = kzalloc(sizeof(*piece), GFP_KERNEL);
	if (!piece)
		return NULL;
	piece->base = __alloc_percpu(PIECE_FLOWS * sizeof(*piece->base),
				     __alignof__(*piece->base));
	if (!piece->base) {
		kfree(piece);
		return NULL;
	}
	piece->n_free = PIECE_FLOWS;
	for (i = 0; i < PIECE_FLOWS; i++)
		piece->free[i] = PIECE_FLOWS - 1 - i;
	return piece;
}

/* Take counters from a piece that has some.  Return: whether there is one. */
static bool stats_take(struct sw_flow *flow)
{
	struct flow_stats_piece *piece;

	spin_lock_bh(&pieces_lock);
	piece = list_first_entry_or_null(&pieces, struct flow_stats_piece,
					 node);
	if (piece) {
		flow->stats_piece = piece;
		flow->stats = piece->base + piece->free[--piece->n_free];
		if (!piece->n_free)
			list_del(&piece->node);
	}
	spin_unlock_bh(&pieces_lock);
	return piece;
}

/**
 * ovs_flow_stats_alloc - give a flow counters, all zero
 * @flow: a new flow.
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int ovs_flow_stats_alloc(struct sw_flow *flow)
{
	struct flow_stats_piece *piece;
	int cpu;

	while (!stats_take(flow)) {
		piece = piece_alloc();
		if (!piece)
			return -ENOMEM;
		spin_lock_bh(&pieces_lock);
		list_add(&piece->node, &pieces);
		spin_unlock_bh(&pieces_lock);
	}
	for_each_possible_cpu(cpu) {
		struct sw_flow_stats *s = per_cpu_ptr(flow->stats, cpu);

		memset(s, 0, sizeof(*s));
		u64_stats_init(&s->syncp);
	}
	return 0;
}

/**
 * ovs_flow_stats_free - take the counters from a flow
 * @flow: a flow that no packet can reach.
 *
 * Context: any but hard interrupts.
 */
void ovs_flow_stats_free(struct sw_flow *flow)
{
	struct flow_stats_piece *piece = flow->stats_piece;
	bool unused;

	spin_lock_bh(&pieces_lock);
	if (!piece->n_free)
		list_add(&piece->node, &pieces);
	piece->free[piece->n_free++] = (__force struct sw_flow_stats *)flow->stats -
				       (__force struct sw_flow_stats *)piece->base;
	/* The last one is kept for the next flow. */
	unused = piece->n_free == PIECE_FLOWS && !list_is_singular(&pieces);
	if (unused)
		list_del(&piece->node);
	spin_unlock_bh(&pieces_lock);
	if (unused)
		piece_free(piece);
}

/**
 * ovs_flow_stats_exit - free what is left when there are no flows any more
 *
 * Context: module exit.
 */
void ovs_flow_stats_exit(void)
{
	struct flow_stats_piece *piece, *next;

	list_for_each_entry_safe(piece, next, &pieces, node)
		piece_free(piece);
}

/**
 * ovs_flow_stats_get - sum up the counters of a flow
 * @flow: a flow.
 * @totals: what it counted until now; CPUs that count meanwhile may or may not
 *	be included.
 *
 * Context: any in which @flow cannot be freed.
 */
void ovs_flow_stats_get(const struct sw_flow *flow,
			struct ovs_flow_totals *totals)
{
	int cpu;

	memset(totals, 0, sizeof(*totals));
	for_each_possible_cpu(cpu) {
		const struct sw_flow_stats *s = per_cpu_ptr(flow->stats, cpu);
		unsigned int start;
		u64 packets, bytes;
		unsigned long used;

		do {
			start = ovs_u64_stats_begin(&s->syncp);
			packets = s->packets;
			bytes = s->bytes;
		} while (ovs_u64_stats_retry(&s->syncp, start));

		totals->stats.n_packets += packets;
		totals->stats.n_bytes += bytes;
		totals->tcp_flags |= READ_ONCE(s->tcp_flags);
		used = READ_ONCE(s->used);
		if (used && (!totals->used || time_after(used, totals->used)))
			totals->used = used;
	}
}

/**
 * ovs_flow_stats_clear - set the counters of a flow to zero
 * @flow: a flow.
 *
 * A packet counted at the same time on another CPU may survive it.
 *
 * Context: process; ovs_mutex held.
 */
void ovs_flow_stats_clear(struct sw_flow *flow)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct sw_flow_stats *s = per_cpu_ptr(flow->stats, cpu);

		s->packets = 0;
		s->bytes = 0;
		s->used = 0;
		s->tcp_flags = 0;
	}
}

/**
 * ovs_flow_used_ms - a time of last use on the monotonic clock
 * @used: in jiffies.
 *
 * Context: any.
 * Return: milliseconds since boot.
 */
u64 ovs_flow_used_ms(unsigned long used)
{
	return ktime_get_ns() / NSEC_PER_MSEC -
	       jiffies_to_msecs(jiffies - used);
}
