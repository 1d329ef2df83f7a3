// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about meters, which are the datapath's. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../pipeline/text.h"
#include "command.h"
#include "switch.h"

/* What is wrong with a part of a meter; and which it is. */
static int bad(struct reply *r, const char *copy, const char *tok, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int bad(struct reply *r, const char *copy, const char *tok, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(r->err, sizeof(r->err), fmt, args);
	va_end(args);
	text_add_place(r->err, sizeof(r->err), strlen(r->err), tok, copy);
	r->failed = true;
	return -1;
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

/* NAME=VALUE.  Return: 1, 0 if it is something else, -1 if it is bad or stands twice. */
static int number(struct reply *r, const char *copy, const char *tok, const char *name,
		  uint32_t max, uint32_t *out)
{
	size_t len = strlen(name);
	const char *value = tok + len + 1;
	unsigned long n;
	char *end;

	if (strncmp(tok, name, len) || tok[len] != '=')
		return 0;
	if (*out)
		return bad(r, copy, tok, "%s= stands twice", name);
	n = *value >= '0' && *value <= '9' ? strtoul(value, &end, 0) : 0;
	if (!n || *end || n > max)
		return bad(r, copy, value, "%s must be 1 to %u", name, max);
	*out = n;
	return 1;
}

/**
 * struct given - parts of a meter that were given, beside its numbers
 * @unit: kbps or pktps.
 * @type: the type of its band.
 */
struct given {
	bool unit;
	bool type;
};

static int parse_type(const char *tok, struct given *given, const char *copy,
		      struct reply *r)
{
	if (given->type)
		return bad(r, copy, tok, "type= stands twice");
	given->type = true;
	return strcmp(tok + 5, "drop") ?
	       bad(r, copy, tok + 5, "a band's type must be drop") : 0;
}

/* One token.  Return: 0, or -1 if it has no meaning. */
static int parse_token(struct meter *m, const char *tok, struct given *given,
		       const char *copy, struct reply *r)
{
	int known;

	if (!strcmp(tok, "kbps") || !strcmp(tok, "pktps")) {
		if (given->unit)
			return bad(r, copy, tok, "kbps or pktps stands twice");
		m->kbps = *tok == 'k';
		given->unit = true;
		return 0;
	}
	if (!strncmp(tok, "bands=", 6) || !strncmp(tok, "band=", 5))
		tok = strchr(tok, '=') + 1;
	known = number(r, copy, tok, "meter", MAX_METER, &m->id);
	if (!known)
		known = number(r, copy, tok, "rate", UINT32_MAX, &m->rate);
	if (!known)
		known = number(r, copy, tok, "burst_size", UINT32_MAX, &m->burst);
	if (known)
		return known < 0 ? -1 : 0;
	if (!strncmp(tok, "type=", 5))
		return parse_type(tok, given, copy, r);
	if (*tok && strcmp(tok, "burst") && strcmp(tok, "stats") &&
	    strcmp(tok, "state=lost") && !is_told(tok))
		return bad(r, copy, tok, "a meter has meter=, kbps, pktps, and bands=type=drop,rate=,burst_size=");
	return 0;
}

static int parse(struct meter *m, const char *text, struct reply *r)
{
	char *copy = strdup(text), *save = NULL, *tok;
	size_t len = strlen(text);
	struct given given = { .unit = false };
	int err = 0;

	if (!copy)
		return reply_fail(r, "out of memory");
	memset(m, 0, sizeof(*m));
	for (tok = strtok_r(copy, ", ", &save); tok && !err;
	     tok = strtok_r(NULL, ", ", &save))
		err = parse_token(m, tok, &given, copy, r);
	if (!err && (!m->id || !m->rate || !given.unit))
		err = bad(r, copy, copy + len, "a meter needs meter=N, kbps or pktps, and rate=N");
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
