// SPDX-License-Identifier: GPL-2.0-or-later
/* The megaflows with the most traffic since the command was last given. */
#include <linux/openvswitch.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "switch.h"
#include "ufid.h"

#define MAX_TOP 100

/**
 * struct seen - counters of a megaflow, as they were
 * @ufid: its name.
 * @packets: see there.
 * @bytes: see there.
 * @hh: in a hash.
 */
struct seen {
	uint8_t ufid[UFID_LEN];
	uint64_t packets;
	uint64_t bytes;
	UT_hash_handle hh;
};

/**
 * struct entry - a megaflow with much traffic
 * @rate: packets since the last time.
 * @row: what is told of it.
 */
struct entry {
	uint64_t rate;
	json_t *row;
};

/**
 * struct top - a look at all megaflows
 * @sw: the switch.
 * @seen: megaflows so far.
 * @before: counters of the last look.
 * @now: counters of this one.
 * @seconds: between the two; 0: there was none.
 * @best: the most traffic first.
 * @n: how many.
 * @max: the most that are wanted.
 */
struct top {
	struct sw *sw;
	unsigned int seen;
	struct seen *before;
	struct seen *now;
	double seconds;
	struct entry best[MAX_TOP + 1];
	unsigned int n;
	unsigned int max;
};

static struct seen *last;
static uint64_t last_ms;

static void seen_clear(struct seen **all)
{
	struct seen *s, *next;

	HASH_ITER(hh, *all, s, next) {
		HASH_DEL(*all, s);
		free(s);
	}
}

static void remember(struct top *t, const void *ufid,
		     const struct ovs_flow_stats *stats)
{
	struct seen *s = calloc(1, sizeof(*s));

	if (!s)
		return;
	memcpy(s->ufid, ufid, UFID_LEN);
	s->packets = stats->n_packets;
	s->bytes = stats->n_bytes;
	HASH_ADD(hh, t->now, ufid, UFID_LEN, s);
	if (!HASH_HAS(s->hh))
		free(s);
}

/* Put a megaflow in its place; the last one may drop out. */
static void rank(struct top *t, uint64_t rate, json_t *row)
{
	unsigned int i = t->n;

	for (; i > 0 && t->best[i - 1].rate < rate; i--)
		t->best[i] = t->best[i - 1];
	t->best[i].rate = rate;
	t->best[i].row = row;
	if (t->n < t->max)
		t->n++;
	else
		json_decref(t->best[t->n].row);
}

static void on_flow(struct nlattr *const *attrs, int dp_ifindex, void *arg)
{
	const struct nlattr *ufid = attrs[OVS_FLOW_ATTR_UFID];
	uint64_t packets, bytes;
	struct ovs_flow_stats stats = {};
	static char text[65536];
	char name[UFID_TEXT];
	struct top *t = arg;
	struct seen *s;

	(void)dp_ifindex;
	if (++t->seen % SW_SLICE == 0)
		sw_yield(t->sw);
	if (!ufid || nla_len(ufid) != UFID_LEN)
		return;
	if (attrs[OVS_FLOW_ATTR_STATS] &&
	    nla_len(attrs[OVS_FLOW_ATTR_STATS]) >= (int)sizeof(stats))
		memcpy(&stats, nla_data(attrs[OVS_FLOW_ATTR_STATS]), sizeof(stats));
	remember(t, nla_data(ufid), &stats);
	HASH_FIND(hh, t->before, nla_data(ufid), UFID_LEN, s);
	packets = s && stats.n_packets >= s->packets ?
		  stats.n_packets - s->packets : stats.n_packets;
	bytes = s && stats.n_bytes >= s->bytes ? stats.n_bytes - s->bytes :
		stats.n_bytes;
	if (t->n == t->max && packets <= t->best[t->n - 1].rate)
		return;
	ufid_format(nla_data(ufid), name);
	odp_format_flow(attrs, text, sizeof(text));
	rank(t, packets, json_pack("{s:s,s:s,s:f,s:f,s:I}", "ufid", name, "flow",
				   text, "packets_per_second",
				   t->seconds ? packets / t->seconds : 0.0,
				   "bits_per_second",
				   t->seconds ? 8 * bytes / t->seconds : 0.0,
				   "n_packets", (json_int_t)stats.n_packets));
}

/* top [COUNT] */
int cmd_top(struct sw *sw, const struct args *a, struct reply *r)
{
	static struct top t;
	uint64_t now = now_ms();
	unsigned int i;
	int err;

	memset(&t, 0, sizeof(t));
	t.sw = sw;
	t.max = args_number(a, "COUNT", 20);
	t.before = last;
	t.seconds = last_ms ? (now - last_ms) / 1000.0 : 0;
	err = dpnl_call(&sw->nl, dpnl_msg(&sw->nl, F_FLOW, OVS_FLOW_CMD_GET,
					  NLM_F_DUMP), on_flow, &t);
	seen_clear(&t.before);
	last = t.now;
	last_ms = now;
	reply_list(r);
	for (i = 0; i < t.n; i++)
		reply_row(r, t.best[i].row);
	return err ? reply_fail(r, "%s", sw->nl.err) : r->failed ? -1 : 0;
}
