// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about groups and learned addresses. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "switch.h"

static bool list_uses(const struct act *acts, unsigned int n_acts, int type,
		      uint32_t n)
{
	unsigned int i;

	for (i = 0; i < n_acts; i++)
		if ((int)acts[i].type == type && acts[i].n == n)
			return true;
	return false;
}

/* Whether a rule or a group has an action of a type with a number. */
bool acts_use(const struct sw *sw, int act_type, uint32_t n)
{
	const struct group *g;
	const struct rule *r;
	unsigned int i;

	for (i = 0; i < N_TABLES; i++)
		for (r = sw->tables.first[i]; r; r = r->next)
			if (list_uses(r->acts, r->n_acts, act_type, n))
				return true;
	for (g = sw->groups.first; g; g = g->next)
		for (i = 0; i < g->n_buckets; i++)
			if (list_uses(g->buckets[i].acts, g->buckets[i].n_acts,
				      act_type, n))
				return true;
	return false;
}

/* In a configuration only those programs are there that it has named. */
static enum prog_class prog_class(const char *name, void *sw)
{
	return config_has(sw, "prog", name) ? sw_prog_class(name, sw) : PROG_UNKNOWN;
}

static bool filter_known(const char *prog, char *err, size_t size, void *sw)
{
	return filter_check(prog, prog_class(prog, sw), err, size);
}

static bool prog_known(const struct act *a, char *err, size_t size, void *sw)
{
	return a->type != ACT_BPF || act_check_prog(a, prog_class(a->prog, sw), err, size);
}

static bool act_known(const struct act *a, char *err, size_t size, void *arg)
{
	struct sw *sw = arg;

	if (a->type == ACT_METER && !(meter_find(sw, a->n) &&
				      config_has_number(sw, "meter", a->n)))
		snprintf(err, size, "there is no meter %u", a->n);
	else if (a->type == ACT_GROUP && !(group_find(&sw->groups, a->n) &&
					   config_has_number(sw, "group", a->n)))
		snprintf(err, size, "there is no group %u", a->n);
	else
		return prog_known(a, err, size, sw);
	return false;
}

/**
 * sw_names - what the text of a rule may name
 * @sw: the switch.
 *
 * Return: it, as rule_read() takes it.
 */
struct rule_names sw_names(struct sw *sw)
{
	return (struct rule_names){ act_known, filter_known, sw_port_named, sw };
}

static bool list_fits(struct sw *sw, const struct act *acts, unsigned int n_acts,
		      char *why, size_t size)
{
	unsigned int i;

	for (i = 0; i < n_acts; i++)
		if (!prog_known(&acts[i], why, size, sw))
			return false;
	return true;
}

static bool rule_fits(struct sw *sw, const struct rule *r, char *why, size_t size)
{
	return (!*r->filter || filter_known(r->filter, why, size, sw)) &&
	       list_fits(sw, r->acts, r->n_acts, why, size);
}

static bool group_fits(struct sw *sw, const struct group *g, char *why, size_t size)
{
	unsigned int i;

	for (i = 0; i < g->n_buckets; i++)
		if (!list_fits(sw, g->buckets[i].acts, g->buckets[i].n_acts, why, size))
			return false;
	return true;
}

/**
 * progs_fit - see that programs are what all rules and groups take them for
 * @sw: the switch, after a program has taken the place of another.
 * @err: a sentence, if they are not.
 * @size: its room.
 */
bool progs_fit(struct sw *sw, char *err, size_t size)
{
	const struct group *g;
	const struct rule *r;
	char why[512];
	unsigned int i;

	for (i = 0; i < N_TABLES; i++) {
		for (r = sw->tables.first[i]; r; r = r->next) {
			if (rule_fits(sw, r, why, sizeof(why)))
				continue;
			snprintf(err, size, "a rule of table %u does not fit: %s", i, why);
			return false;
		}
	}
	for (g = sw->groups.first; g; g = g->next) {
		if (group_fits(sw, g, why, sizeof(why)))
			continue;
		snprintf(err, size, "group %u does not fit: %s", g->id, why);
		return false;
	}
	return true;
}

static void change_group(struct sw *sw, void *out, void *in)
{
	if (out)
		groups_take(&sw->groups, ((struct group *)out)->id);
	if (in)
		groups_insert(&sw->groups, in);
}

static void free_group(void *group)
{
	group_free(group);
}

static const struct txn_kind group_kind = {
	.change = change_group,
	.free = free_group,
};

/* One may take the place of another of its number. */
static int group_swap(struct sw *sw, struct group *out, struct group *in)
{
	change_group(sw, out, in);
	sw_revalidate(sw);
	return txn_swapped(sw, &group_kind, out, in);
}

/* Take a group out, in a transaction.  Return: 0, or -1 without memory. */
int group_remove(struct sw *sw, struct group *group)
{
	return group_swap(sw, group, NULL);
}

static bool same_bucket(const struct bucket *a, const struct bucket *b)
{
	return a->weight == b->weight && a->id == b->id &&
	       a->watch_port == b->watch_port && a->watch_group == b->watch_group &&
	       acts_equal(a->acts, a->n_acts, b->acts, b->n_acts);
}

static bool same_group(const struct group *a, const struct group *b)
{
	unsigned int i;

	if (a->type != b->type || a->n_buckets != b->n_buckets)
		return false;
	for (i = 0; i < a->n_buckets; i++)
		if (!same_bucket(&a->buckets[i], &b->buckets[i]))
			return false;
	return true;
}

/* What a group names must be there, and not lead back to it. */
static bool group_is_right(struct sw *sw, struct group *g, char *err, size_t size)
{
	char way[512];
	unsigned int i;

	if (group_loop(&sw->groups, g, way, sizeof(way))) {
		snprintf(err, size, "group %u would lead back to itself: %s", g->id, way);
		return false;
	}
	for (i = 0; i < g->n_buckets; i++) {
		struct rule like = { .acts = g->buckets[i].acts,
				     .n_acts = g->buckets[i].n_acts };

		if (!tlv_known(sw, &like, err, size))
			return false;
	}
	return true;
}

/* group add GROUP */
int cmd_group_add(struct sw *sw, const struct args *a, struct reply *r)
{
	const struct rule_names names = sw_names(sw);
	char why[1024], name[12];
	struct group *g = group_read(&names, args_get(a, "GROUP"), why, sizeof(why));
	struct group *was;

	if (!g)
		return reply_fail(r, "%s", why);
	if (!group_is_right(sw, g, why, sizeof(why))) {
		group_free(g);
		return reply_fail(r, "%s", why);
	}
	was = group_find(&sw->groups, g->id);
	snprintf(name, sizeof(name), "%u", g->id);
	if (config_wants(sw, "group", name) && was && same_group(was, g)) {
		group_free(g);
		return 0;
	}
	return group_swap(sw, was, g) ? reply_fail(r, "out of memory") : 0;
}

/* group del NUMBER */
int cmd_group_del(struct sw *sw, const struct args *a, struct reply *r)
{
	uint32_t id = args_number(a, "NUMBER", 0);
	struct group *g = group_find(&sw->groups, id);

	if (!g)
		return reply_fail(r, "there is no group %u", id);
	if (acts_use(sw, ACT_GROUP, id))
		return reply_fail(r, "a rule or a group names group %u", id);
	return group_remove(sw, g) ? reply_fail(r, "out of memory") : 0;
}

/* group dump */
int cmd_group_dump(struct sw *sw, const struct args *a, struct reply *r)
{
	const struct group *g;
	static char text[65536];

	(void)a;
	reply_list(r);
	for (g = sw->groups.first; g; g = g->next) {
		group_format(g, text, sizeof(text));
		if (reply_row(r, json_pack("{s:I,s:s}", "id", (json_int_t)g->id,
					   "group", text)))
			return -1;
	}
	return 0;
}

/* fdb show */
int cmd_fdb_show(struct sw *sw, const struct args *a, struct reply *r)
{
	const struct mac_entry *e;
	uint64_t now = now_ms();
	char mac[18];

	(void)a;
	reply_list(r);
	sw_flows_tick(sw);
	for (e = sw->macs.entries; e; e = e->hh.next) {
		const uint8_t *m = e->key.mac;

		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0],
			 m[1], m[2], m[3], m[4], m[5]);
		if (reply_row(r, json_pack("{s:i,s:i,s:s,s:i}", "port", e->port,
					   "vlan", ntohs(e->key.vlan), "mac", mac,
					   "age", (int)((now - e->seen) / 1000))))
			return -1;
	}
	return 0;
}

/* fdb flush */
int cmd_fdb_flush(struct sw *sw, const struct args *a, struct reply *r)
{
	(void)a;
	(void)r;
	mac_clear(&sw->macs);
	sw_revalidate(sw);
	return 0;
}
