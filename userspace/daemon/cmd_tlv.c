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

static bool rule_names(const struct rule *r, const struct field *f)
{
	return flow_has(&r->mask, f->ofs, f->ofs + f->len) ||
	       list_names(r->acts, r->n_acts, f);
}

/* Whether a rule names one of the fields of a set. */
static bool rule_names_any(const struct rule *r, void *set)
{
	uint64_t bits = *(uint64_t *)set;
	unsigned int n;

	for (n = 0; n < N_TLVS; n++)
		if (bits >> n & 1 && rule_names(r, tlv_field(n)))
			return true;
	return false;
}

static bool group_names_any(const struct group *g, uint64_t bits)
{
	unsigned int i;

	for (i = 0; i < g->n_buckets; i++) {
		struct rule like = { .acts = g->buckets[i].acts,
				     .n_acts = g->buckets[i].n_acts };

		if (rule_names_any(&like, &bits))
			return true;
	}
	return false;
}

/* Whether a rule or a group names a field. */
static bool is_named(const struct sw *sw, unsigned int n)
{
	uint64_t bits = 1ull << n;
	const struct group *g;
	const struct rule *r;
	unsigned int i;

	for (i = 0; i < N_TABLES; i++)
		for (r = sw->tables.first[i]; r; r = r->next)
			if (rule_names_any(r, &bits))
				return true;
	for (g = sw->groups.first; g; g = g->next)
		if (group_names_any(g, bits))
			return true;
	return false;
}

/**
 * tlv_known - see that a rule names no option too early
 * @sw: the switch.
 * @rule: the rule.
 * @err: a sentence, if a configuration is being loaded that names the option later, or
 *	not at all.
 * @size: its room.
 */
bool tlv_known(const struct sw *sw, const struct rule *rule, char *err, size_t size)
{
	unsigned int n;

	for (n = 0; config_is_loading(sw) && n < N_TLVS; n++) {
		if (!tlv_get(n) || !rule_names(rule, tlv_field(n)) ||
		    config_has(sw, "tlv", tlv_field(n)->name))
			continue;
		snprintf(err, size, "%s is no option yet: \"tlv add\" must come before",
			 tlv_field(n)->name);
		return false;
	}
	return true;
}

/**
 * struct tlv_step - options have come, gone, or become others
 * @was: what they were.
 * @moved: a field is no more what it was.
 */
struct tlv_step {
	struct tlv_map was;
	bool moved;
};

static void tlv_undo(struct sw *sw, void *arg)
{
	struct tlv_step *s = arg;

	(void)sw;
	tlv_map_set(&s->was);
	free(s);
}

static void tlv_sure(struct sw *sw, void *arg)
{
	struct tlv_step *s = arg;

	if (s->moved)
		sw_fields_moved(sw);
}

/* Leave word of how it was before.  Return: NULL without memory. */
static struct tlv_step *step(void)
{
	struct tlv_step *s = calloc(1, sizeof(*s));

	if (s)
		tlv_map_get(&s->was);
	return s;
}

/* The options are others now.  Return: 0, or -1 without memory: they are as before. */
static int step_done(struct sw *sw, struct tlv_step *s, bool moved)
{
	s->moved = moved;
	sw_revalidate(sw);
	return txn_add_sure(sw, tlv_undo, tlv_sure, txn_free, s);
}

/* Take out the rules and groups that name fields of a set.  Return: likewise. */
static int remove_named(struct sw *sw, uint64_t bits)
{
	struct group *g, *next;
	int err = rules_take(sw, rule_names_any, &bits);

	for (g = sw->groups.first; g && !err; g = next) {
		next = g->next;
		if (group_names_any(g, bits))
			err = group_remove(sw, g);
	}
	return err;
}

/**
 * tlvs_become - make the options others, before rules are that name them
 * @sw: the switch, in a transaction, which is to be undone if this fails.
 * @want: N_TLVS of them: what each field is to be.
 *
 * Rules and groups that name a field which is no more what it was go.
 *
 * Return: 0, or -1 without memory.
 */
int tlvs_become(struct sw *sw, const struct tlv *want)
{
	struct tlv_step *s = step();
	struct tlv_map now;
	uint64_t changed;
	int err = 0;

	if (!s)
		return -1;
	changed = tlv_replace(want);
	tlv_map_get(&now);
	/* They are told by the fields that there were. */
	tlv_map_set(&s->was);
	if (memcmp(&now, &s->was, sizeof(now))) {
		err = remove_named(sw, changed);
		if (!err) {
			tlv_map_set(&now);
			return step_done(sw, s, changed);
		}
	}
	free(s);
	return err;
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
	s = step();
	if (!s)
		return reply_fail(r, "out of memory");
	why = tlv_map(n, &tlv);
	if (why) {
		free(s);
		return reply_fail(r, "%s: %s", text, why);
	}
	return step_done(sw, s, false) ? reply_fail(r, "out of memory") : 0;
}

/* tlv del FIELD */
int cmd_tlv_del(struct sw *sw, const struct args *a, struct reply *r)
{
	const char *text = args_get(a, "FIELD"), *why;
	struct tlv_step *s;
	unsigned int n;

	why = tlv_parse_field(text, &n);
	if (why)
		return reply_fail(r, "%s: %s", text, why);
	if (!tlv_get(n))
		return reply_fail(r, "%s is no option", text);
	if (is_named(sw, n))
		return reply_fail(r, "a rule or a group names %s", tlv_field(n)->name);
	s = step();
	if (!s)
		return reply_fail(r, "out of memory");
	tlv_unmap(n);
	return step_done(sw, s, true) ? reply_fail(r, "out of memory") : 0;
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
