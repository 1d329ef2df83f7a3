// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables: rules in order of priority.  A lookup records what it had to read: of
 * a rule that does not match, one field that tells so is enough.
 */
#include "rule.h"

#include <string.h>

static bool same_match(const struct rule *a, const struct rule *b)
{
	return a->priority == b->priority &&
	       !memcmp(&a->match, &b->match, sizeof(a->match)) &&
	       !memcmp(&a->mask, &b->mask, sizeof(a->mask));
}

/**
 * tables_insert - add a rule, in place of one with the same match and priority
 * @t: the tables.
 * @rule: the rule; taken over.
 *
 * Return: the rule that it replaced, which is the caller's now; or NULL.
 */
struct rule *tables_insert(struct tables *t, struct rule *rule)
{
	struct rule **p = &t->first[rule->table], *old;

	for (; *p && (*p)->priority >= rule->priority; p = &(*p)->next) {
		if (same_match(*p, rule)) {
			old = *p;
			rule->next = old->next;
			*p = rule;
			return old;
		}
	}
	rule->next = *p;
	*p = rule;
	t->n_rules++;
	return NULL;
}

/**
 * tables_remove - take one rule out
 * @t: the tables.
 * @rule: a rule that is in them; the caller's from now on.
 */
void tables_remove(struct tables *t, struct rule *rule)
{
	struct rule **p = &t->first[rule->table];

	while (*p != rule)
		p = &(*p)->next;
	*p = rule->next;
	t->n_rules--;
}

/* Whether @rule matches at least all that @like asks for. */
static bool is_within(const struct rule *rule, const struct rule *like)
{
	const uint8_t *v = (const uint8_t *)&rule->match;
	const uint8_t *m = (const uint8_t *)&rule->mask;
	const uint8_t *lv = (const uint8_t *)&like->match;
	const uint8_t *lm = (const uint8_t *)&like->mask;
	size_t i;

	for (i = 0; i < sizeof(rule->match); i++)
		if (lm[i] & ~m[i] || (v[i] ^ lv[i]) & lm[i])
			return false;
	return true;
}

/**
 * tables_take - take one rule out that falls within a match
 * @t: the tables.
 * @like: the match.
 * @any_table: look in all tables, not in @like->table alone.
 *
 * Return: the rule, which is the caller's now; NULL if there is none left.
 */
struct rule *tables_take(struct tables *t, const struct rule *like,
			 bool any_table)
{
	unsigned int i, first = any_table ? 0 : like->table;
	unsigned int last = any_table ? N_TABLES - 1 : like->table;
	struct rule **p, *rule;

	for (i = first; i <= last; i++) {
		for (p = &t->first[i]; *p; p = &(*p)->next) {
			if (!is_within(*p, like))
				continue;
			rule = *p;
			*p = rule->next;
			t->n_rules--;
			return rule;
		}
	}
	return NULL;
}

/*
 * Whether a rule matches.  Adds to @wc all of its mask if so, else the part of
 * the first byte run that differs.
 */
static bool rule_matches(const struct rule *rule, const struct flow *flow,
			 struct flow *wc)
{
	const uint8_t *v = (const uint8_t *)&rule->match;
	const uint8_t *m = (const uint8_t *)&rule->mask;
	const uint8_t *f = (const uint8_t *)flow;
	unsigned int i;
	size_t b;

	for (i = 0; i < n_fields; i++) {
		for (b = fields[i].ofs; b < fields[i].ofs + (size_t)fields[i].len; b++)
			if ((f[b] ^ v[b]) & m[b])
				break;
		if (b < fields[i].ofs + (size_t)fields[i].len) {
			for (b = fields[i].ofs;
			     b < fields[i].ofs + (size_t)fields[i].len; b++)
				((uint8_t *)wc)[b] |= m[b];
			return false;
		}
	}
	flow_or(wc, &rule->mask, NULL);
	return true;
}

/**
 * tables_lookup - find the rule for a packet
 * @t: the tables.
 * @table: which one.
 * @flow: the packet.
 * @wc: gets the bits that were read.
 *
 * Return: the rule, or NULL.
 */
struct rule *tables_lookup(const struct tables *t, unsigned int table,
			   const struct flow *flow, struct flow *wc)
{
	struct rule *rule;

	for (rule = t->first[table]; rule; rule = rule->next)
		if (rule_matches(rule, flow, wc))
			return rule;
	return NULL;
}
