// SPDX-License-Identifier: GPL-2.0
/*
 * What a meter does to packets.  meter_genl.c makes and changes meters.
 */
#include <linux/skbuff.h>
#include <linux/slab.h>

#include "meter.h"

/**
 * ovs_meters_init - an empty table
 * @table: the table.
 *
 * Context: any; nobody else sees the table yet.
 */
void ovs_meters_init(struct dp_meter_table *table)
{
	xa_init(&table->meters);
	table->count = 0;
}

/**
 * ovs_meters_destroy - free all meters
 * @table: the table, which no packet can reach.
 *
 * Context: process.
 */
void ovs_meters_destroy(struct dp_meter_table *table)
{
	struct dp_meter *meter;
	unsigned long id;

	xa_for_each(&table->meters, id, meter)
		kfree(meter);
	xa_destroy(&table->meters);
}

/**
 * ovs_meter_exceeded - run a packet through a meter
 * @table: meters of the datapath.
 * @skb: the packet, whose length is counted from its first header; one that is
 *	to be segmented counts as one packet.
 * @id: the meter.  One that does not exist lets everything through.
 *
 * The one place where a meter's id is decided upon: what a filter bound to the
 * id is to say comes here.
 *
 * Context: RCU read side, BH disabled.
 * Return: whether the packet is to be dropped.
 */
bool ovs_meter_exceeded(const struct dp_meter_table *table,
			const struct sk_buff *skb, u32 id)
{
	struct dp_meter *meter = xa_load((struct xarray *)&table->meters, id);
	bool exceeded = false;
	u64 now;

	if (unlikely(!meter))
		return false;
	now = ktime_get_ns();
	spin_lock(&meter->lock);
	meter->used = now;
	meter->stats.n_packets++;
	meter->stats.n_bytes += skb->len;
	if (meter->n_bands) {
		exceeded = !token_bucket_take(&meter->band.bucket, now,
					      meter->kbps ? skb->len * 8ULL :
					      1000);
		if (exceeded) {
			meter->band.stats.n_packets++;
			meter->band.stats.n_bytes += skb->len;
		}
	}
	spin_unlock(&meter->lock);
	return exceeded;
}
