/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Meters: each lets packets through at a rate, and drops what exceeds it.
 */
#ifndef OVS_METER_H
#define OVS_METER_H 1

#include <linux/openvswitch.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/xarray.h>

#include "token_bucket.h"

struct sk_buff;

/* Meters of a datapath, and bands of a meter. */
#define OVS_METERS_MAX 200000
#define OVS_METER_BANDS_MAX 1

/**
 * struct dp_meter_band - what a meter lets through
 * @bucket: its tokens are bits, or thousandths of a packet; so a rate in kb/s or
 *	packets/s is a number of tokens per millisecond.
 * @stats: packets dropped.
 */
struct dp_meter_band {
	struct token_bucket bucket;
	struct ovs_flow_stats stats;
};

/**
 * struct dp_meter - a meter
 * @lock: guards @used, the statistics and the state of the band.  A leaf; BH
 *	disabled.
 * @rcu: its freeing.
 * @id: number within the datapath.
 * @kbps: rate and burst are in kilobits (per second), else in packets.
 * @n_bands: 0 or 1; without a band a meter only counts.
 * @used: last packet, or else when it was made; ktime_get_ns().
 * @stats: packets seen, those dropped included.
 * @band: see there.
 */
struct dp_meter {
	spinlock_t lock;
	struct rcu_head rcu;
	u32 id;
	bool kbps;
	u8 n_bands;
	u64 used;
	struct ovs_flow_stats stats;
	struct dp_meter_band band;
};

/**
 * struct dp_meter_table - the meters of a datapath
 * @meters: &struct dp_meter by id.  Changed under ovs_mutex, read under RCU.
 * @count: how many.
 */
struct dp_meter_table {
	struct xarray meters;
	u32 count;
};

void ovs_meters_init(struct dp_meter_table *table);
void ovs_meters_destroy(struct dp_meter_table *table);
bool ovs_meter_exceeded(const struct dp_meter_table *table,
			const struct sk_buff *skb, u32 id);

#endif /* OVS_METER_H */
