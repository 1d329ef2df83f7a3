// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables: a list of rules in order of priority, for those who want them all, and a
 * classifier, which finds the rule for a packet.
 */
#include "classifier.h"

#include <stdlib.h>
#include <string.h>

/* Where rules of a priority end, or would stand. */
static unsigned int prio_find(const struct tables *t, unsigned int table,
			      uint16_t priority)
{
	unsigned int lo = 0, hi = t->n_prio[table], mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (t->prio[table][mid].priority > priority)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool prio_has(const struct tables *t, unsigned int table, unsigned int i,
		     uint16_t priority)
{
	return i < t->n_prio[table] && t->prio[table][i].priority == priority;
}

/* Enter a rule into the list.  There is room in t->prio. */
static void list_insert(struct tables *t, struct rule *rule)
{
	unsigned int i = prio_find(t, rule->table, rule->priority);
	struct priority *prio = t->prio[rule->table];
	bool there = prio_has(t, rule->table, i, rule->priority);
	struct rule *after = there ? prio[i].last : i ? prio[i - 1].last : NULL;

	if (!there) {
		memmove(prio + i + 1, prio + i,
			(t->n_prio[rule->table]++ - i) * sizeof(*prio));
		prio[i].priority = rule->priority;
	}
	prio[i].last = rule;
	rule->prev = after;
	rule->next = after ? after->next : t->first[rule->table];
	if (rule->next)
		rule->next->prev = rule;
	if (after)
		after->next = rule;
	else
		t->first[rule->table] = rule;
	t->n_rules++;
}

static void list_remove(struct tables *t, struct rule *rule)
{
	unsigned int i = prio_find(t, rule->table, rule->priority);
	struct priority *prio = t->prio[rule->table];

	if (prio[i].last == rule) {
		if (rule->prev && rule->prev->priority == rule->priority)
			prio[i].last = rule->prev;
		else
			memmove(prio + i, prio + i + 1,
				(--t->n_prio[rule->table] - i) * sizeof(*prio));
	}
	if (rule->next)
		rule->next->prev = rule->prev;
	if (rule->prev)
		rule->prev->next = rule->next;
	else
		t->first[rule->table] = rule->next;
	t->n_rules--;
}

/* Room for one more, and for those that are hidden: it never becomes less. */
static bool prio_room(struct tables *t, unsigned int table)
{
	unsigned int room = t->prio_room[table];
	struct priority *more;

	if (t->n_prio[table] < room)
		return true;
	more = realloc(t->prio[table], (room + 64) * sizeof(*more));
	if (!more)
		return false;
	t->prio[table] = more;
	t->prio_room[table] = room + 64;
	return true;
}

/* Hidden rules are still in the classifier. */
static void table_tidy(struct tables *t, unsigned int table)
{
	if (!t->cls[table] || classifier_subtables(t->cls[table]))
		return;
	classifier_free(t->cls[table]);
	free(t->prio[table]);
	t->cls[table] = NULL;
	t->prio[table] = NULL;
	t->n_prio[table] = t->prio_room[table] = 0;
}

/**
 * tables_find - find the rule of the same table, match, priority and filter
 * @t: the tables.
 * @like: as which.
 *
 * Return: the rule, or NULL.
 */
struct rule *tables_find(const struct tables *t, struct rule *like)
{
	return t->cls[like->table] ? classifier_find(t->cls[like->table], like) : NULL;
}

/**
 * tables_insert - add a rule, in place of one with the same match and priority
 * @t: the tables.
 * @rule: the rule; taken over if it goes in.
 * @old: the rule that it replaced, which is hidden now, or NULL.
 *
 * Return: 0, or -1 without memory; then nothing has changed.
 */
int tables_insert(struct tables *t, struct rule *rule, struct rule **old)
{
	unsigned int table = rule->table;

	*old = tables_find(t, rule);
	if (!t->cls[table])
		t->cls[table] = classifier_new();
	if (!t->cls[table] || !prio_room(t, table))
		goto err;
	if (*old)
		tables_hide(t, *old);
	if (!classifier_insert(t->cls[table], rule)) {
		if (*old)
			tables_show(t, *old);
		goto err;
	}
	list_insert(t, rule);
	timeouts_add(&t->timeouts, rule);
	return 0;
err:
	*old = NULL;
	table_tidy(t, table);
	return -1;
}

/**
 * tables_hide - take a rule out so that it can be shown again
 * @t: the tables.
 * @rule: the rule, which is in them; the caller's now.
 */
void tables_hide(struct tables *t, struct rule *rule)
{
	classifier_hide(t->cls[rule->table], rule);
	list_remove(t, rule);
	timeouts_del(rule);
}

/**
 * tables_show - put a hidden rule back, for which there is always memory
 * @t: the tables, as they were when it was hidden.
 * @rule: the rule.
 */
void tables_show(struct tables *t, struct rule *rule)
{
	classifier_show(t->cls[rule->table], rule);
	list_insert(t, rule);
	timeouts_add(&t->timeouts, rule);
}

/**
 * tables_forget - let go of a hidden rule, before it is freed
 * @t: the tables.
 * @rule: the rule.
 */
void tables_forget(struct tables *t, struct rule *rule)
{
	classifier_forget(t->cls[rule->table], rule);
	table_tidy(t, rule->table);
}

/**
 * tables_remove - take a rule out for good
 * @t: the tables.
 * @rule: the rule, which is in them; the caller's now.
 */
void tables_remove(struct tables *t, struct rule *rule)
{
	tables_hide(t, rule);
	tables_forget(t, rule);
}

static bool is_chosen(const struct rule *rule, const struct rule_choice *c)
{
	const flow_word *v = (const flow_word *)&rule->match;
	const flow_word *m = (const flow_word *)&rule->mask;
	const flow_word *lv = (const flow_word *)&c->like.match;
	const flow_word *lm = (const flow_word *)&c->like.mask;
	size_t i;

	if ((rule->cookie ^ c->like.cookie) & c->cookie_mask)
		return false;
	if (c->strict)
		return true;
	if (*c->like.filter && strcmp(c->like.filter, rule->filter))
		return false;
	for (i = 0; i < FLOW_WORDS; i++)
		if (lm[i] & ~m[i] || (v[i] ^ lv[i]) & lm[i])
			return false;
	return true;
}

/* The first rule of a table, or of one behind it, that is chosen by its table. */
static struct rule *first_from(const struct tables *t, const struct rule_choice *c,
			       unsigned int table)
{
	unsigned int i, last = c->any_table ? N_TABLES - 1 : c->like.table;

	for (i = table; i <= last; i++)
		if (t->first[i])
			return t->first[i];
	return NULL;
}

/**
 * tables_chosen - walk over the rules that are meant
 * @t: the tables.
 * @c: which.
 * @after: the one before; NULL: begin.
 *
 * All of them are found in one walk over the tables.  To take one out, find the next
 * one first.
 *
 * Return: the next one, or NULL.
 */
struct rule *tables_chosen(const struct tables *t, struct rule_choice *c,
			   const struct rule *after)
{
	struct rule *rule;

	if (c->strict) {
		rule = after ? NULL : tables_find(t, &c->like);
		return rule && is_chosen(rule, c) ? rule : NULL;
	}
	if (!after)
		rule = first_from(t, c, c->any_table ? 0 : c->like.table);
	else
		rule = after->next ? after->next : first_from(t, c, after->table + 1);
	while (rule && !is_chosen(rule, c))
		rule = rule->next ? rule->next : first_from(t, c, rule->table + 1);
	return rule;
}

/**
 * tables_lookup - find the rule for a packet
 * @t: the tables.
 * @table: which one.
 * @flow: the packet.
 * @known: what filters have said of it; NULL: none was asked.
 * @wc: gets the bits that were read.
 *
 * Return: the rule, or NULL.
 */
struct rule *tables_lookup(const struct tables *t, unsigned int table,
			   const struct flow *flow, const struct outcomes *known,
			   struct flow *wc)
{
	return t->cls[table] ? classifier_lookup(t->cls[table], flow, known, wc) :
	       NULL;
}

/* The same by looking at every rule, to compare with. */
struct rule *tables_lookup_slowly(const struct tables *t, unsigned int table,
				  const struct flow *flow)
{
	const flow_word *f = (const flow_word *)flow;
	struct rule *rule;
	size_t i;

	for (rule = t->first[table]; rule; rule = rule->next) {
		const flow_word *v = (const flow_word *)&rule->match;
		const flow_word *m = (const flow_word *)&rule->mask;

		for (i = 0; i < FLOW_WORDS && !((f[i] ^ v[i]) & m[i]); i++)
			;
		if (i == FLOW_WORDS)
			return rule;
	}
	return NULL;
}

/**
 * tables_reg_values - tell which values of a register matter, in any table
 * @t: the tables.
 * @reg: number of the register.
 * @values: those that rules ask for.
 * @room: for how many.
 * @n: how many there are.
 *
 * Return: whether these are all.
 */
bool tables_reg_values(const struct tables *t, unsigned int reg,
		       uint32_t *values, unsigned int room, unsigned int *n)
{
	unsigned int i;

	*n = 0;
	for (i = 0; i < N_TABLES; i++)
		if (t->cls[i] &&
		    !classifier_reg_values(t->cls[i], reg, values, room, n))
			return false;
	return true;
}
