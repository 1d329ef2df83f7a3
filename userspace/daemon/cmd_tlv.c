// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about options of Geneve as fields. */
#include <stdlib.h>
#include <string.h>

#include "../pipeline/tlv.h"
#include "command.h"
#include "switch.h"

static bool list_names(const struct act *acts, unsigned int n, const struct field *f)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (acts[i].field == f || acts[i].src == f)
			return true;
	return false;
}

/* Whether a rule or a group names a field. */
static bool is_named(const struct sw *sw, const struct field *f)
{
	const struct group *g;
	const struct rule *r;
	unsigned int i;

	for (i = 0; i < N_TABLES; i++)
		for (r = sw->tables.first[i]; r; r = r->next)
			if (flow_has(&r->mask, f->ofs, f->ofs + f->len) ||
			    list_names(r->acts, r->n_acts, f))
				return true;
	for (g = sw->groups.first; g; g = g->next)
		for (i = 0; i < g->n_buckets; i++)
			if (list_names(g->buckets[i].acts, g->buckets[i].n_acts, f))
				return true;
	return false;
}

/**
 * struct tlv_step - an option was mapped, or no more
 * @n: number of its field.
 * @was: what it is to be again.
 * @ofs: where the field was: rules that come back name it by that.
 */
struct tlv_step {
	unsigned int n;
	struct tlv was;
	size_t ofs;
};

static void tlv_undo(struct sw *sw, void *arg)
{
	struct tlv_step *s = arg;

	(void)sw;
	tlv_unmap(s->n);
	if (s->was.len)
		tlv_put(s->n, &s->was, s->ofs);
	free(s);
}

static void tlv_keep(struct sw *sw, void *arg)
{
	(void)sw;
	free(arg);
}

/* Leave word of how it was before.  Return: NULL without memory. */
static struct tlv_step *step(unsigned int n)
{
	struct tlv_step *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->n = n;
	s->ofs = tlv_field(n)->ofs;
	if (tlv_get(n))
		s->was = *tlv_get(n);
	return s;
}

/* tlv add OPTION */
int cmd_tlv_add(struct sw *sw, const struct args *a, struct reply *r)
{
	const char *text = args_get(a, "OPTION"), *why;
	struct tlv_step *s;
	struct tlv tlv;
	unsigned int n;

	why = tlv_parse(text, &n, &tlv);
	if (why)
		return reply_fail(r, "%s: %s", text, why);
	config_wants(sw, "tlv", tlv_field(n)->name);
	s = step(n);
	if (!s)
		return reply_fail(r, "out of memory");
	why = tlv_map(n, &tlv);
	if (why) {
		free(s);
		return reply_fail(r, "%s: %s", text, why);
	}
	return txn_add(sw, tlv_undo, tlv_keep, s);
}

/**
 * tlv_remove - let a field be an option no more
 * @sw: the switch, in a transaction.
 * @n: number of the field, which is one.
 * @err: what is wrong, if it can't be.
 * @size: its room.
 *
 * Return: 0 or -1.
 */
int tlv_remove(struct sw *sw, unsigned int n, char *err, size_t size)
{
	struct tlv_step *s;

	if (is_named(sw, tlv_field(n))) {
		snprintf(err, size, "a rule or a group names %s", tlv_field(n)->name);
		return -1;
	}
	s = step(n);
	if (s) {
		tlv_unmap(n);
		if (!txn_add(sw, tlv_undo, tlv_keep, s))
			return 0;
	}
	snprintf(err, size, "out of memory");
	return -1;
}

/* tlv del FIELD */
int cmd_tlv_del(struct sw *sw, const struct args *a, struct reply *r)
{
	const char *text = args_get(a, "FIELD"), *why;
	unsigned int n;

	why = tlv_parse_field(text, &n);
	if (why)
		return reply_fail(r, "%s: %s", text, why);
	if (!tlv_get(n))
		return reply_fail(r, "%s is no option", text);
	if (!tlv_remove(sw, n, r->err, sizeof(r->err)))
		return 0;
	r->failed = true;
	return -1;
}

/* tlv dump */
int cmd_tlv_dump(struct sw *sw, const struct args *a, struct reply *r)
{
	unsigned int n;

	(void)sw;
	(void)a;
	reply_list(r);
	for (n = 0; n < N_TLVS; n++) {
		const struct tlv *t = tlv_get(n);
		char option[48];

		if (!t)
			continue;
		snprintf(option, sizeof(option), "{class=0x%x,type=%u,len=%u}",
			 t->class, t->type, t->len);
		if (reply_row(r, json_pack("{s:s,s:i,s:i,s:i,s:s}", "option", option,
					   "class", t->class, "type", t->type,
					   "len", t->len, "field",
					   tlv_field(n)->name)))
			return -1;
	}
	return 0;
}
