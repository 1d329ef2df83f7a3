// SPDX-License-Identifier: GPL-2.0-or-later
/* Why a megaflow looks at the bits that it looks at: which rule of which table did. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "switch.h"
#include "ufid.h"

#define MAX_READS 256

/**
 * struct read - what a table's lookup, or the actions of a rule, have read
 * @table: the table.
 * @rule: the rule that was found there, or NULL.
 * @mask: bits of the packet as it came.
 */
struct read {
	unsigned int table;
	const struct rule *rule;
	struct flow mask;
};

static struct read reads[MAX_READS];
static unsigned int n_reads;

static void on_read(unsigned int table, const struct rule *rule,
		    const struct flow *mask, void *sw)
{
	unsigned int i;

	(void)sw;
	for (i = 0; i < n_reads; i++)
		if (reads[i].table == table && reads[i].rule == rule)
			break;
	if (i == MAX_READS)
		return;
	if (i == n_reads) {
		memset(&reads[i], 0, sizeof(reads[i]));
		reads[i].table = table;
		reads[i].rule = rule;
		n_reads++;
	}
	flow_or(&reads[i].mask, mask, NULL);
}

/* The part of a mask that is a field's.  Return: whether there is any. */
static bool field_part(const struct field *f, const struct flow *mask,
		       struct flow *part)
{
	memset(part, 0, sizeof(*part));
	memcpy((uint8_t *)part + f->ofs, (const uint8_t *)mask + f->ofs, f->len);
	return !flow_is_zero(part);
}

static json_t *describe(const struct read *r)
{
	static char text[RULE_TEXT];

	if (r->rule)
		rule_format(r->rule, false, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "table=%u: no rule matches", r->table);
	return json_pack("{s:i,s:s}", "table", r->table, "rule", text);
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
	if (!json_array_size(by))
		json_array_append_new(by, json_pack("{s:s}", "rule",
						    "every megaflow looks at this"));
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
	sw_why(sw, &key, &out, on_read);
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
