// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changes of the rules, each a step of a transaction; and the replacement of all
 * rules, by which those that stay keep their counters.
 */
#include <stdlib.h>
#include <string.h>

#include "../lib/readfile.h"
#include "command.h"
#include "events.h"
#include "switch.h"

#define MAX_RULE_FILE (64u << 20)
/* Rules whose timeouts are looked at, and that go by them, at a time. */
#define EXPIRE_LOOK 16384
#define EXPIRE_MAX 4096

/**
 * struct old - a rule that was there when a replacement began
 * @rule: the rule.
 * @hh: in olds.
 */
struct old {
	struct rule *rule;
	UT_hash_handle hh;
};

static struct old *olds;
static bool replacing;

/* A rule has been taken care of: the replacement leaves it alone. */
static void old_forget(const struct rule *rule)
{
	struct old *o;

	HASH_FIND(hh, olds, &rule, sizeof(rule), o);
	if (o) {
		HASH_DEL(olds, o);
		free(o);
	}
}

static void olds_clear(void)
{
	struct old *o, *next;

	HASH_ITER(hh, olds, o, next) {
		HASH_DEL(olds, o);
		free(o);
	}
	replacing = false;
}

/* Of two rules of the same match, priority and filter. */
static bool same_rule(const struct rule *a, const struct rule *b)
{
	return a->cookie == b->cookie && a->idle_timeout == b->idle_timeout &&
	       a->hard_timeout == b->hard_timeout &&
	       acts_equal(a->acts, a->n_acts, b->acts, b->n_acts);
}

/* A change is undone: @out goes for good, @in was hidden. */
static void change_rule(struct sw *sw, void *out, void *in)
{
	if (out)
		tables_remove(&sw->tables, out);
	if (in)
		tables_show(&sw->tables, in);
}

static void rule_sure(struct sw *sw, void *out, void *in)
{
	if (!out)
		return;
	tables_forget(&sw->tables, out);
	if (!in)
		sw->counts.rules_gone[((struct rule *)out)->gone]++;
}

static const struct txn_kind rule_kind = {
	.change = change_rule,
	.sure = rule_sure,
	.free = free,
};

/**
 * struct told - what is told of a rule once it is sure
 * @added: it came, else it went.
 * @gone: why it went.
 * @text: the rule.
 */
struct told {
	bool added;
	enum gone_why gone;
	char text[];
};

static void told_keep(struct sw *sw, void *arg)
{
	struct told *t = arg;

	(void)sw;
	event_rule(t->text, t->added, t->gone);
	free(t);
}

/* The text is made now: in the end its fields may be others. */
static int rule_tell(struct sw *sw, const struct rule *rule, bool added)
{
	static char text[RULE_TEXT];
	struct told *t;

	if (!event_wanted(EVENT_rule))
		return 0;
	rule_format(rule, text, sizeof(text));
	t = malloc(sizeof(*t) + strlen(text) + 1);
	if (!t)
		return -1;
	t->added = added;
	t->gone = rule->gone;
	strcpy(t->text, text);
	return txn_add(sw, txn_free, told_keep, t);
}

/* A rule is in, or hidden, or both.  Return: 0, or -1 without memory. */
static int rule_swapped(struct sw *sw, struct rule *out, struct rule *in)
{
	sw_rule_changed(sw, out, in);
	return txn_swapped(sw, &rule_kind, out, in) ||
	       rule_tell(sw, in ? in : out, in) ? -1 : 0;
}

/**
 * rules_enter - add a rule, in place of one with its match and priority
 * @sw: the switch, in a transaction.
 * @rule: the rule; taken over.
 * @counts: what was done is added; may be NULL.
 *
 * Return: 0, or -1 without memory.
 */
int rules_enter(struct sw *sw, struct rule *rule, struct rule_counts *counts)
{
	struct rule *old = tables_find(&sw->tables, rule);
	struct rule_counts none = {};

	if (!counts)
		counts = &none;
	if (old)
		old_forget(old);
	if (old && replacing && same_rule(old, rule)) {
		free(rule);
		counts->kept++;
		return 0;
	}
	rule->added = rule->used = now_ms();
	if (tables_insert(&sw->tables, rule, &old)) {
		free(rule);
		return -1;
	}
	counts->added++;
	counts->deleted += old != NULL;
	return rule_swapped(sw, old, rule);
}

/* Take a rule out.  Return: 0, or -1 without memory; then it is there, or nobody is told. */
static int rule_take(struct sw *sw, struct rule *rule, enum gone_why why)
{
	rule->gone = why;
	tables_hide(&sw->tables, rule);
	old_forget(rule);
	return rule_swapped(sw, rule, NULL);
}

/**
 * sw_rules_expire - delete rules whose time is over
 * @sw: the switch, in no transaction.
 *
 * As if somebody had said so.  What is left to do when it was much is done next time.
 */
void sw_rules_expire(struct sw *sw)
{
	unsigned int work = EXPIRE_LOOK, room = EXPIRE_MAX;
	uint64_t now = now_ms();
	enum gone_why why;
	struct rule *rule;

	txn_begin(sw, false);
	while (room-- && (rule = timeouts_next(&sw->tables.timeouts, now, sw->counted, &work,
					       &why)))
		if (rule_take(sw, rule, why))
			break;	/* without memory it is there again, and so is its time */
	txn_end(sw, true);
}

/**
 * rules_take - delete the rules that a function tells
 * @sw: the switch, in a transaction, which is to be undone if this fails.
 * @which: whether a rule is to go.
 * @arg: for it.
 *
 * Return: 0, or -1 without memory.
 */
int rules_take(struct sw *sw, bool (*which)(const struct rule *rule, void *arg), void *arg)
{
	struct rule *rule, *next;
	unsigned int t;
	int err = 0;

	for (t = 0; t < N_TABLES; t++) {
		for (rule = sw->tables.first[t]; rule && !err; rule = next) {
			next = rule->next;
			if (which(rule, arg))
				err = rule_take(sw, rule, GONE_DELETED);
		}
	}
	return err;
}

/* A remark is behind a blank, or begins the line, and not in a name's quotes. */
static void cut_remark(char *line)
{
	bool quoted = false;
	char *s;

	for (s = line; *s; s++) {
		quoted ^= *s == '"';
		if (*s == '#' && !quoted && (s == line || strchr(" \t", s[-1]))) {
			*s = 0;
			return;
		}
	}
}

static int rule_line(struct sw *sw, const char *text, struct rule_counts *counts,
		     char *err, size_t size)
{
	const struct rule_names names = sw_names(sw);
	struct rule *rule = rule_read(&names, text, true, err, size);

	if (!rule)
		return -1;
	if (!tlv_known(sw, rule, err, size)) {
		free(rule);
		return -1;
	}
	snprintf(err, size, "out of memory");
	return rules_enter(sw, rule, counts);
}

/**
 * rules_load - add the rules of a file
 * @sw: the switch, in a transaction, which is to be undone if this fails.
 * @path: the file: a rule a line.
 * @counts: what was done is added.
 * @err: what is wrong, with file and line, if it fails.
 * @size: its room.
 *
 * Return: 0 or -1.
 */
int rules_load(struct sw *sw, const char *path, struct rule_counts *counts,
	       char *err, size_t size)
{
	char *text, *line, *next, why[4096];
	unsigned int n = 0;
	int ret = 0;
	size_t len;

	text = read_file(path, MAX_RULE_FILE, &len, err, size);
	if (!text)
		return -1;
	if (strlen(text) != len) {
		snprintf(err, size, "%.400s is no text", path);
		ret = -1;
	}
	for (line = text; !ret && *line; line = next) {
		n++;
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = 0;
		line[strcspn(line, "\r")] = 0;
		cut_remark(line);
		if (!line[strspn(line, " \t")])
			continue;
		ret = rule_line(sw, line, counts, why, sizeof(why));
		if (ret)
			snprintf(err, size, "%.400s:%u: %s", path, n, why);
	}
	free(text);
	return ret;
}

static int old_add(struct rule *rule)
{
	struct old *o = calloc(1, sizeof(*o));

	if (!o)
		return -1;
	o->rule = rule;
	HASH_ADD(hh, olds, rule, sizeof(rule), o);
	if (HASH_HAS(o->hh))
		return 0;
	free(o);
	return -1;
}

/**
 * rules_replace_begin - the rules that are entered from now on are to be all
 * @sw: the switch, in a transaction.
 *
 * Return: 0, or -1 without memory.
 */
int rules_replace_begin(struct sw *sw)
{
	struct rule *r;
	unsigned int t;

	olds_clear();
	replacing = true;
	for (t = 0; t < N_TABLES; t++) {
		for (r = sw->tables.first[t]; r; r = r->next) {
			if (old_add(r)) {
				olds_clear();
				return -1;
			}
		}
	}
	return 0;
}

/**
 * rules_replace_end - delete the rules that were not entered again
 * @sw: the switch.
 * @counts: how many are added; NULL: none, the replacement has failed.
 *
 * Return: 0, or -1 without memory.
 */
int rules_replace_end(struct sw *sw, struct rule_counts *counts)
{
	struct old *o, *next;
	int err = 0;

	if (counts) {
		HASH_ITER(hh, olds, o, next) {
			err |= rule_take(sw, o->rule, GONE_DELETED);
			counts->deleted++;
		}
	}
	olds_clear();
	return err;
}

/* rule add RULE */
int cmd_rule_add(struct sw *sw, const struct args *a, struct reply *r)
{
	char why[4096];

	if (rule_line(sw, args_get(a, "RULE"), NULL, why, sizeof(why)))
		return reply_fail(r, "%s", why);
	return 0;
}

/* rule load FILE */
int cmd_rule_load(struct sw *sw, const struct args *a, struct reply *r)
{
	struct rule_counts counts = {};
	char why[4600];

	if (rules_load(sw, args_get(a, "FILE"), &counts, why, sizeof(why)))
		return reply_fail(r, "%s", why);
	return 0;
}

/* rule replace FILE */
int cmd_rule_replace(struct sw *sw, const struct args *a, struct reply *r)
{
	struct rule_counts counts = {};
	char why[4600] = "out of memory";
	int err;

	if (replacing)
		return reply_fail(r, "a configuration replaces all rules anyway");
	err = rules_replace_begin(sw);
	if (!err)
		err = rules_load(sw, args_get(a, "FILE"), &counts, why, sizeof(why));
	if (rules_replace_end(sw, err ? NULL : &counts) || err)
		return reply_fail(r, "%s", why);
	return reply_row(r, json_pack("{s:i,s:i,s:i}", "added", counts.added,
				      "deleted", counts.deleted, "kept",
				      counts.kept));
}

/* Which rules a command means: [--strict] [MATCH]. */
static int choose(struct sw *sw, struct rule_choice *c, const struct args *a, struct reply *r)
{
	const struct rule_names names = { .port = sw_port_named, .arg = sw };
	const char *text = args_get(a, "MATCH");
	char why[4096];

	if (rule_choice_parse(c, &names, text ? text : "", args_has(a, "--strict"), why,
			      sizeof(why)))
		return reply_fail(r, "%s", why);
	return 0;
}

/* rule del [--strict] [MATCH] */
int cmd_rule_del(struct sw *sw, const struct args *a, struct reply *r)
{
	struct rule *rule, *next;
	struct rule_choice c;
	int n = 0;

	if (choose(sw, &c, a, r))
		return -1;
	for (rule = tables_chosen(&sw->tables, &c, NULL); rule; rule = next) {
		next = tables_chosen(&sw->tables, &c, rule);
		if (rule_take(sw, rule, GONE_DELETED))
			return reply_fail(r, "out of memory");
		n++;
	}
	return reply_row(r, json_pack("{s:i}", "deleted", n));
}

static json_t *describe(const struct rule *rule)
{
	static char match[8192], actions[RULE_TEXT];
	char cookie[20];

	match[0] = actions[0] = 0;
	rule_format_match(rule, match, sizeof(match));
	acts_format(rule->acts, rule->n_acts, actions, sizeof(actions));
	snprintf(cookie, sizeof(cookie), "0x%llx",
		 (unsigned long long)rule->cookie);
	return json_pack("{s:s*,s:i,s:I,s:I,s:i,s:i,s:i,s:s,s:s}", "cookie",
			 rule->cookie ? cookie : NULL, "table", rule->table,
			 "n_packets", (json_int_t)rule->n_packets, "n_bytes",
			 (json_int_t)rule->n_bytes, "idle_timeout", rule->idle_timeout,
			 "hard_timeout", rule->hard_timeout, "priority", rule->priority,
			 "match", match, "actions", actions);
}

/* rule dump [--strict] [MATCH] */
int cmd_rule_dump(struct sw *sw, const struct args *a, struct reply *r)
{
	const struct rule *rule = NULL;
	struct rule_choice c;

	if (choose(sw, &c, a, r))
		return -1;
	reply_list(r);
	sw_flows_tick(sw);
	while ((rule = tables_chosen(&sw->tables, &c, rule)))
		if (reply_row(r, describe(rule)))
			return -1;
	return 0;
}

/* table show */
int cmd_table_show(struct sw *sw, const struct args *a, struct reply *r)
{
	uint64_t rules, packets, bytes;
	const struct rule *rule;
	unsigned int t;

	(void)a;
	reply_list(r);
	sw_flows_tick(sw);
	for (t = 0; t < N_TABLES; t++) {
		rules = packets = bytes = 0;
		for (rule = sw->tables.first[t]; rule; rule = rule->next) {
			rules++;
			packets += rule->n_packets;
			bytes += rule->n_bytes;
		}
		if (rules && reply_row(r, json_pack("{s:i,s:I,s:I,s:I}", "table", t,
						    "rules", (json_int_t)rules,
						    "n_packets", (json_int_t)packets,
						    "n_bytes", (json_int_t)bytes)))
			return -1;
	}
	return 0;
}
