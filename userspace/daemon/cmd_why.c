// SPDX-License-Identifier: GPL-2.0-or-later
/* Why a megaflow looks at the bits that it looks at: which rule of which table did. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "switch.h"
#include "ufid.h"

#define MAX_READS 256

static struct xlate_read reads[MAX_READS];
static unsigned int n_reads;

static void on_read(const struct xlate_read *read, void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; i < n_reads; i++)
		if (reads[i].table == read->table && reads[i].rule == read->rule &&
		    reads[i].act == read->act && reads[i].why == read->why)
			break;
	if (i < n_reads) {
		flow_or(&reads[i].mask, &read->mask, NULL);
	} else if (n_reads < MAX_READS) {
		reads[n_reads++] = *read;
	} else {
		reads[MAX_READS - 1].why = "several others";
		flow_or(&reads[MAX_READS - 1].mask, &read->mask, NULL);
	}
}

/* The part of a mask that is a field's.  Return: whether there is any. */
static bool field_part(const struct field *f, const struct flow *mask,
		       struct flow *part)
{
	memset(part, 0, sizeof(*part));
	memcpy((uint8_t *)part + f->ofs, (const uint8_t *)mask + f->ofs, f->len);
	return !flow_is_zero(part);
}

static json_t *describe(const struct xlate_read *r)
{
	static char text[RULE_TEXT], action[RULE_TEXT];

	if (r->why)
		return json_pack("{s:s}", "rule", r->why);
	if (r->rule)
		rule_format(r->rule, text, sizeof(text));
	else
		snprintf(text, sizeof(text), r->act ? "table=%u: a rule of a former stage" :
			 "table=%u: no rule matches", r->table);
	if (r->act)
		acts_format(r->act, 1, action, sizeof(action));
	return json_pack("{s:i,s:s,s:s*}", "table", r->table, "rule", text,
			 "action", r->act ? action : NULL);
}

/* What has read a field. */
static json_t *readers(const struct field *f)
{
	json_t *by = json_array();
	struct flow part;
	unsigned int i;

	for (i = 0; i < n_reads; i++)
		if (field_part(f, &reads[i].mask, &part))
			json_array_append_new(by, describe(&reads[i]));
	return by;
}

static int tell_field(const struct field *f, const struct flow *key,
		      struct flow *left, struct reply *r)
{
	static char text[8192];
	struct flow part;
	size_t n;

	/* Several fields may lie in the same bytes: one of them will do. */
	if (!field_part(f, left, &part))
		return 0;
	memset((uint8_t *)left + f->ofs, 0, f->len);
	text[0] = 0;
	match_format(key, &part, text, sizeof(text));
	n = strlen(text);
	if (n && text[n - 1] == ',')
		text[--n] = 0;
	return reply_row(r, json_pack("{s:s,s:s,s:o}", "field", f->name, "bits",
				      n ? text : f->name, "by", readers(f)));
}

/* flow why UFID */
int cmd_flow_why(struct sw *sw, const struct args *a, struct reply *r)
{
	static const struct xlate_watch watch = { .read = on_read };
	static struct xlate_out out;
	static char text[8192];
	uint8_t ufid[UFID_LEN];
	struct flow key, left;
	struct mflow *f;
	unsigned int i;

	if (ufid_parse(args_get(a, "UFID"), ufid))
		return reply_fail(r, "\"%.60s\" is no UFID: it has 32 hexadecimal digits",
				  args_get(a, "UFID"));
	f = sw_flow_find(sw, ufid);
	if (!f || odp_flow_from_key(f->key, &key))
		return reply_fail(r, "there is no such megaflow (see flow dump -m)");
	n_reads = 0;
	sw_watch(sw, &key, &out, &watch);
	left = out.wc;
	memset((uint8_t *)&left + FLOW_DP_LEN, 0, sizeof(left) - FLOW_DP_LEN);
	match_format(&key, &left, text, sizeof(text));
	reply_list(r);
	reply_row(r, json_pack("{s:s}", "flow", text));
	/* Fields that this packet has, and then whatever else was read. */
	for (i = 0; i < 2 * n_fields; i++) {
		const struct field *field = &fields[i % n_fields];

		if ((i >= n_fields || field_prereq_met(field, &key)) &&
		    tell_field(field, &key, &left, r))
			return -1;
	}
	return 0;
}
