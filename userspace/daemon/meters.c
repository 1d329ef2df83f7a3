// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The meters, which are the datapath's and go on when the daemon ends.  It does not
 * tell which ones it has, so that is kept for the next daemon in a map, pinned as
 *
 *	/sys/fs/bpf/ovs-bpf/v1/DATAPATH/meters
 */
#include <bpf/bpf.h>
#include <linux/openvswitch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/log.h"
#include "command.h"
#include "pins.h"
#include "switch.h"

/**
 * struct kept_meter - what is kept of a meter, by its number
 */
struct kept_meter {
	uint32_t rate, burst, kbps;
};

static int kept_fd = -1;

/* The meters, in the order of their numbers. */
static struct meter **place(struct sw *sw, uint32_t id)
{
	struct meter **p = &sw->meters;

	while (*p && (*p)->id < id)
		p = &(*p)->next;
	return p;
}

struct meter *meter_find(const struct sw *sw, uint32_t id)
{
	struct meter *m = *place((struct sw *)sw, id);

	return m && m->id == id ? m : NULL;
}

static bool kept_fits(int fd)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &len) &&
	       info.type == BPF_MAP_TYPE_HASH && info.key_size == sizeof(uint32_t) &&
	       info.value_size == sizeof(struct kept_meter) &&
	       info.max_entries == MAX_METER;
}

/* The map of a former daemon.  Return: whether there is one. */
static bool kept_open(const struct sw *sw)
{
	char pin[PIN_LEN];

	pin_path(sw, pin, "meters", NULL);
	kept_fd = bpf_obj_get(pin);
	if (kept_fd < 0 || kept_fits(kept_fd))
		return kept_fd >= 0;
	close(kept_fd);
	kept_fd = -1;
	unlink(pin);
	return false;
}

static bool kept_make(const struct sw *sw)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	char dir[PIN_LEN], pin[PIN_LEN];

	pin_path(sw, pin, "meters", NULL);
	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(pin, '/') - pin), pin);
	kept_fd = bpf_map_create(BPF_MAP_TYPE_HASH, "meters", sizeof(uint32_t),
				 sizeof(struct kept_meter), MAX_METER, &opts);
	return kept_fd >= 0 && !pin_dirs(dir) && !bpf_obj_pin(kept_fd, pin);
}

/* Keep a meter for the next daemon; or forget it, if its rate is 0. */
static void keep(const struct sw *sw, const struct meter *m)
{
	struct kept_meter v = { m->rate, m->burst, m->kbps };

	if (kept_fd < 0 && !kept_make(sw))
		log_often(LOG_datapath, LEVEL_WARN,
			  "meters can't be pinned: the next daemon will not know of them",
			  NULL);
	if (kept_fd < 0)
		return;
	if (m->rate)
		bpf_map_update_elem(kept_fd, &m->id, &v, BPF_ANY);
	else
		bpf_map_delete_elem(kept_fd, &m->id);
}

static int dp_set(struct sw *sw, const struct meter *m)
{
	struct nl_msg *msg = dpnl_msg(&sw->nl, F_METER, OVS_METER_CMD_SET, 0);
	struct nlattr *bands, *band;
	int err;

	if (msg) {
		nla_put_u32(msg, OVS_METER_ATTR_ID, m->id);
		if (m->kbps)
			nla_put_flag(msg, OVS_METER_ATTR_KBPS);
		bands = odp_nest(msg, OVS_METER_ATTR_BANDS);
		band = odp_nest(msg, 0);
		nla_put_u32(msg, OVS_BAND_ATTR_TYPE, OVS_METER_BAND_TYPE_DROP);
		nla_put_u32(msg, OVS_BAND_ATTR_RATE, m->rate);
		nla_put_u32(msg, OVS_BAND_ATTR_BURST, m->burst ? m->burst : m->rate);
		odp_nest_end(msg, band);
		odp_nest_end(msg, bands);
	}
	err = dpnl_call(&sw->nl, msg, NULL, NULL);
	if (!err)
		keep(sw, m);
	return err;
}

static void dp_del(struct sw *sw, uint32_t id)
{
	struct nl_msg *msg = dpnl_msg(&sw->nl, F_METER, OVS_METER_CMD_DEL, 0);
	const struct meter none = { .id = id };

	if (msg)
		nla_put_u32(msg, OVS_METER_ATTR_ID, id);
	if (dpnl_call(&sw->nl, msg, NULL, NULL))
		log_event(LOG_datapath, LEVEL_WARN, "a meter can't be deleted",
			  "{s:i,s:s}", "meter", id, "why", sw->nl.err);
	else
		keep(sw, &none);
}

static void list_swap(struct sw *sw, struct meter *out, struct meter *in)
{
	struct meter **p = place(sw, out ? out->id : in->id);

	if (out)
		*p = out->next;
	if (in) {
		in->next = *p;
		*p = in;
	}
}

/* A change is undone: the datapath's meter becomes what it was. */
static void change_meter(struct sw *sw, void *out, void *in)
{
	struct meter *gone = out, *back = in;
	struct meter_stats stats;

	list_swap(sw, out, in);
	if (!back)
		dp_del(sw, gone->id);
	/* One that was only to go is still there, with its counters. */
	else if (gone || !meter_stats(sw, back->id, &stats))
		dp_set(sw, back);
}

/* Only now, when no megaflow names it; unless the same batch has set another one. */
static void meter_kept(struct sw *sw, void *out, void *in)
{
	struct meter *gone = out;

	if (!in && !meter_find(sw, gone->id))
		dp_del(sw, gone->id);
}

static const struct txn_kind meter_kind = {
	.change = change_meter,
	.kept = meter_kept,
	.free = free,
};

/**
 * meter_set - add a meter, or replace the one of its number
 * @sw: the switch, in a transaction.
 * @meter: the meter; taken over.
 * @err: why not, if it fails.
 * @size: its room.
 *
 * Return: 0 or -1.
 */
int meter_set(struct sw *sw, struct meter *meter, char *err, size_t size)
{
	struct meter *was = meter_find(sw, meter->id);

	if (dp_set(sw, meter)) {
		snprintf(err, size, "the datapath refuses meter %u: %s", meter->id,
			 sw->nl.err);
		free(meter);
		return -1;
	}
	list_swap(sw, was, meter);
	snprintf(err, size, "out of memory");
	return txn_swapped(sw, &meter_kind, was, meter);
}

/**
 * meter_remove - delete a meter; the datapath's when it is sure that it goes
 * @sw: the switch, in a transaction.
 * @meter: the meter, which no rule names.
 *
 * Return: 0, or -1 without memory.
 */
int meter_remove(struct sw *sw, struct meter *meter)
{
	list_swap(sw, meter, NULL);
	return txn_swapped(sw, &meter_kind, meter, NULL);
}

static void on_meter(struct nlattr *const *attrs, int dp_ifindex, void *arg)
{
	struct meter_stats *stats = arg;
	struct ovs_flow_stats s = {}, dropped = {};
	struct nlattr *band, *stat;
	int rem;

	(void)dp_ifindex;
	if (attrs[OVS_METER_ATTR_STATS])
		memcpy(&s, nla_data(attrs[OVS_METER_ATTR_STATS]), sizeof(s));
	if (attrs[OVS_METER_ATTR_BANDS]) {
		nla_for_each_nested(band, attrs[OVS_METER_ATTR_BANDS], rem) {
			stat = nla_find(nla_data(band), nla_len(band),
					OVS_BAND_ATTR_STATS);
			if (stat)
				memcpy(&dropped, nla_data(stat), sizeof(dropped));
		}
	}
	*stats = (struct meter_stats){ s.n_packets, s.n_bytes,
				       dropped.n_packets, dropped.n_bytes };
}

/**
 * meter_stats - ask the datapath what a meter has counted
 * @sw: the switch.
 * @id: number of the meter.
 * @stats: filled in.
 *
 * Return: whether the datapath has it.
 */
bool meter_stats(struct sw *sw, uint32_t id, struct meter_stats *stats)
{
	struct nl_msg *msg = dpnl_msg(&sw->nl, F_METER, OVS_METER_CMD_GET, 0);

	if (msg)
		nla_put_u32(msg, OVS_METER_ATTR_ID, id);
	return !dpnl_call(&sw->nl, msg, on_meter, stats);
}

static void adopt_one(struct sw *sw, uint32_t id)
{
	struct meter_stats stats;
	struct kept_meter v;
	struct meter *m;

	if (bpf_map_lookup_elem(kept_fd, &id, &v))
		return;
	m = meter_stats(sw, id, &stats) ? calloc(1, sizeof(*m)) : NULL;
	if (!m) {
		/* The datapath was made anew since. */
		bpf_map_delete_elem(kept_fd, &id);
		return;
	}
	m->id = id;
	m->kbps = v.kbps;
	m->rate = v.rate;
	m->burst = v.burst;
	list_swap(sw, NULL, m);
}

/**
 * meters_adopt - know the meters that a former daemon has left in the datapath
 * @sw: the switch.
 */
void meters_adopt(struct sw *sw)
{
	uint32_t id, next;
	bool more;

	if (!kept_open(sw))
		return;
	more = !bpf_map_get_next_key(kept_fd, NULL, &next);
	while (more) {
		id = next;
		/* Before it may be deleted. */
		more = !bpf_map_get_next_key(kept_fd, &id, &next);
		adopt_one(sw, id);
	}
}
