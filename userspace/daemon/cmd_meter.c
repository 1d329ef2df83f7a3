// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about meters, which are the datapath's. */
#include <linux/openvswitch.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "switch.h"

struct meter *meter_find(const struct sw *sw, uint32_t id)
{
	struct meter *m = sw->meters;

	while (m && m->id != id)
		m = m->next;
	return m;
}

static bool number(const char *s, uint32_t *out)
{
	char *end;
	unsigned long n = *s >= '0' && *s <= '9' ? strtoul(s, &end, 0) : 0;

	if (!n || *end || n > UINT32_MAX)
		return false;
	*out = n;
	return true;
}

/* One token.  Return: whether it has a meaning. */
static bool parse_token(struct meter *m, const char *tok, bool *unit)
{
	if (!strcmp(tok, "kbps") || !strcmp(tok, "pktps")) {
		m->kbps = *tok == 'k';
		*unit = true;
		return true;
	}
	if (!strncmp(tok, "bands=", 6) || !strncmp(tok, "band=", 5))
		tok = strchr(tok, '=') + 1;
	if (!strncmp(tok, "meter=", 6))
		return number(tok + 6, &m->id) && m->id <= MAX_METER;
	if (!strncmp(tok, "rate=", 5))
		return number(tok + 5, &m->rate);
	if (!strncmp(tok, "burst_size=", 11))
		return number(tok + 11, &m->burst);
	return !strcmp(tok, "type=drop") || !strcmp(tok, "burst") ||
	       !strcmp(tok, "stats");
}

static int parse(struct meter *m, const char *text, struct reply *r)
{
	char *copy = strdup(text), *save = NULL, *tok;
	bool unit = false;
	int err = 0;

	if (!copy)
		return reply_fail(r, "out of memory");
	memset(m, 0, sizeof(*m));
	for (tok = strtok_r(copy, ", ", &save); tok && !err;
	     tok = strtok_r(NULL, ", ", &save))
		if (!parse_token(m, tok, &unit))
			err = reply_fail(r, "no part of a meter (at \"%s\", position %td)",
					 tok, tok - copy + 1);
	if (!err && (!m->id || !m->rate || !unit))
		err = reply_fail(r, "a meter needs meter=N, kbps or pktps, and rate=N");
	free(copy);
	return err;
}

static int dp_set(struct sw *sw, const struct meter *m)
{
	struct nl_msg *msg = dpnl_msg(&sw->nl, F_METER, OVS_METER_CMD_SET, 0);
	struct nlattr *bands, *band;

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
	return dpnl_call(&sw->nl, msg, NULL, NULL);
}

static int dp_del(struct sw *sw, uint32_t id)
{
	struct nl_msg *msg = dpnl_msg(&sw->nl, F_METER, OVS_METER_CMD_DEL, 0);

	if (msg)
		nla_put_u32(msg, OVS_METER_ATTR_ID, id);
	return dpnl_call(&sw->nl, msg, NULL, NULL);
}

static void list_del(struct sw *sw, uint32_t id)
{
	struct meter **p = &sw->meters, *m;

	while (*p && (*p)->id != id)
		p = &(*p)->next;
	m = *p;
	if (m) {
		*p = m->next;
		free(m);
	}
}

static int list_set(struct sw *sw, const struct meter *like)
{
	struct meter *m = meter_find(sw, like->id), *next;

	if (!m) {
		m = calloc(1, sizeof(*m));
		if (!m)
			return -1;
		next = sw->meters;
		sw->meters = m;
	} else {
		next = m->next;
	}
	*m = *like;
	m->next = next;
	return 0;
}

/* A meter was set: back to what it was, or to none (@rate is 0). */
static void set_undo(struct sw *sw, void *arg)
{
	struct meter *old = arg;

	if (old->rate) {
		dp_set(sw, old);
		list_set(sw, old);
	} else {
		dp_del(sw, old->id);
		list_del(sw, old->id);
	}
	free(old);
}

static void set_keep(struct sw *sw, void *arg)
{
	(void)sw;
	free(arg);
}

/* meter add METER */
int cmd_meter_add(struct sw *sw, const struct args *a, struct reply *r)
{
	struct meter *was, *old, m;

	if (parse(&m, args_get(a, "METER"), r))
		return -1;
	old = calloc(1, sizeof(*old));
	if (!old)
		return reply_fail(r, "out of memory");
	was = meter_find(sw, m.id);
	if (was)
		*old = *was;
	old->id = m.id;
	if (dp_set(sw, &m) || list_set(sw, &m)) {
		free(old);
		return reply_fail(r, "the datapath refuses meter %u: %s", m.id,
				  sw->nl.err);
	}
	return txn_add(sw, set_undo, set_keep, old);
}

static void del_undo(struct sw *sw, void *arg)
{
	dp_set(sw, arg);
	list_set(sw, arg);
	free(arg);
}

/* meter del NUMBER */
int cmd_meter_del(struct sw *sw, const struct args *a, struct reply *r)
{
	uint32_t id = strtoul(args_get(a, "NUMBER"), NULL, 10);
	struct meter *m = meter_find(sw, id), *old;

	if (!m)
		return reply_fail(r, "there is no meter %u", id);
	if (acts_use(sw, ACT_METER, id))
		return reply_fail(r, "a rule or a group names meter %u", id);
	old = malloc(sizeof(*old));
	if (!old)
		return reply_fail(r, "out of memory");
	*old = *m;
	if (dp_del(sw, id)) {
		free(old);
		return reply_fail(r, "%s", sw->nl.err);
	}
	list_del(sw, id);
	return txn_add(sw, del_undo, set_keep, old);
}

/* meter dump */
int cmd_meter_dump(struct sw *sw, const struct args *a, struct reply *r)
{
	const struct meter *m;

	(void)a;
	reply_list(r);
	for (m = sw->meters; m; m = m->next)
		if (reply_row(r, json_pack("{s:i,s:s,s:I,s:I}", "meter", m->id,
					   "unit", m->kbps ? "kbps" : "pktps",
					   "rate", (json_int_t)m->rate, "burst",
					   (json_int_t)m->burst)))
			return -1;
	return 0;
}
