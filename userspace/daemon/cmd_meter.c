// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about meters, which are the datapath's. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "switch.h"

static bool number(const char *s, uint32_t *out)
{
	char *end;
	unsigned long n = *s >= '0' && *s <= '9' ? strtoul(s, &end, 0) : 0;

	if (!n || *end || n > UINT32_MAX)
		return false;
	*out = n;
	return true;
}

/* What a dump tells beside a meter, and which is passed over. */
static bool is_told(const char *tok)
{
	static const char *const names[] = {
		"n_packets=", "n_bytes=", "dropped_packets=", "dropped_bytes=",
	};
	unsigned int i;
	size_t len;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		len = strlen(names[i]);
		if (!strncmp(tok, names[i], len))
			return tok[len] && !tok[len + strspn(tok + len, "0123456789")];
	}
	return false;
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
	       !strcmp(tok, "stats") || is_told(tok);
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

static bool same_meter(const struct meter *a, const struct meter *b)
{
	return a->kbps == b->kbps && a->rate == b->rate && a->burst == b->burst;
}

/* meter add METER */
int cmd_meter_add(struct sw *sw, const struct args *a, struct reply *r)
{
	const struct meter *was;
	struct meter *m, like;
	char name[12];

	if (parse(&like, args_get(a, "METER"), r))
		return -1;
	was = meter_find(sw, like.id);
	snprintf(name, sizeof(name), "%u", like.id);
	if (config_wants(sw, "meter", name) && was && same_meter(was, &like))
		return 0;
	m = malloc(sizeof(*m));
	if (!m)
		return reply_fail(r, "out of memory");
	*m = like;
	if (meter_set(sw, m, r->err, sizeof(r->err))) {
		r->failed = true;
		return -1;
	}
	return 0;
}

/* meter del NUMBER */
int cmd_meter_del(struct sw *sw, const struct args *a, struct reply *r)
{
	uint32_t id = args_number(a, "NUMBER", 0);
	struct meter *m = meter_find(sw, id);

	if (!m)
		return reply_fail(r, "there is no meter %u", id);
	if (acts_use(sw, ACT_METER, id))
		return reply_fail(r, "a rule or a group names meter %u", id);
	return meter_remove(sw, m) ? reply_fail(r, "out of memory") : 0;
}

static json_t *describe(struct sw *sw, const struct meter *m)
{
	struct meter_stats s = {};
	bool there = meter_stats(sw, m->id, &s);

	return json_pack("{s:i,s:s,s:I,s:I,s:b,s:I,s:I,s:I,s:I}", "meter", m->id,
			 "unit", m->kbps ? "kbps" : "pktps",
			 "rate", (json_int_t)m->rate, "burst", (json_int_t)m->burst,
			 "missing", !there, "n_packets", (json_int_t)s.packets,
			 "n_bytes", (json_int_t)s.bytes,
			 "dropped_packets", (json_int_t)s.dropped_packets,
			 "dropped_bytes", (json_int_t)s.dropped_bytes);
}

/* meter dump */
int cmd_meter_dump(struct sw *sw, const struct args *a, struct reply *r)
{
	const struct meter *m;

	(void)a;
	reply_list(r);
	for (m = sw->meters; m; m = m->next)
		if (reply_row(r, describe(sw, m)))
			return -1;
	return 0;
}
