// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules and groups as text, in the syntax of ovs-ofctl and bpf(...). */
#include "parse.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the actions begin; cuts the text before.  NULL: there are none. */
static char *cut_actions(char *text)
{
	char *s, *v;

	for (s = text + strspn(text, ", \t"); *s; s += strspn(s, ", \t")) {
		if (has_prefix(s, "actions=", &v) || has_prefix(s, "action=", &v)) {
			*s = 0;
			return v;
		}
		s += token_len(s, ", \t");
	}
	return NULL;
}

/* All but the actions. */
void parse_matches(struct parser *p, struct rule *rule)
{
	char *tok;

	while (!p->failed && (tok = next_token(p)))
		parse_match(p, tok, rule);
	check_match(p, rule);
}

static void parse_rule(struct parser *p, struct rule *rule)
{
	char *acts = p->use == TEXT_RULE ? cut_actions(p->start) : NULL;

	parse_matches(p, rule);
	p->table = rule->table;
	if (acts) {
		p->at = acts;
		parse_actions(p, false);
	}
	if (!acts && p->use == TEXT_RULE)
		fail(p, p->end, "a rule needs actions=...");
	else if (acts && !p->n_acts)
		fail(p, acts, "actions= is empty (say drop)");
}

/**
 * parser_new - begin to read a text
 * @names: what it may name; NULL: anything.
 * @text: the text.
 * @use: what it is.
 * @err: gets the sentence about the first error.
 * @size: its room.
 *
 * Return: the parser, to be freed by parser_free(); NULL, and a sentence, without memory.
 */
struct parser *parser_new(const struct rule_names *names, const char *text,
			  enum text_use use, char *err, size_t size)
{
	struct parser *p = malloc(sizeof(*p));

	if (p) {
		memset(p, 0, offsetof(struct parser, used));
		p->start = p->at = strdup(text);
	}
	if (!p || !p->start) {
		snprintf(err, size, "out of memory");
		free(p);
		return NULL;
	}
	p->end = p->start + strlen(p->start);
	p->names = names;
	p->use = use;
	p->err = err;
	p->size = size;
	p->table = -1;
	return p;
}

void parser_free(struct parser *p)
{
	free(p->start);
	free(p);
}

/**
 * rule_read - read a rule, or a packet as a match that tells its fields
 * @names: what it may name; NULL: anything, but ports by their numbers alone.
 * @text: [cookie=N,][table=N,][idle_timeout=N,][hard_timeout=N,][priority=N,]MATCH,...,
 *	actions=ACTION,...; of a packet: MATCH,...
 * @is_rule: it is a rule.
 * @err: a sentence that names what is wrong, and where.
 * @size: its room.
 *
 * Return: the rule, to be freed by free(); or NULL.
 */
struct rule *rule_read(const struct rule_names *names, const char *text, bool is_rule,
		       char *err, size_t size)
{
	struct rule *rule = NULL, read = { .priority = DEFAULT_PRIORITY };
	struct parser *p = parser_new(names, text, is_rule ? TEXT_RULE : TEXT_PACKET, err,
				      size);

	if (!p)
		return NULL;
	parse_rule(p, &read);
	if (!p->failed) {
		rule = malloc(sizeof(*rule) + acts_size(p->acts, p->n_acts));
		if (!rule)
			fail(p, NULL, "out of memory");
	}
	if (rule) {
		*rule = read;
		rule->n_acts = p->n_acts;
		rule->acts = acts_copy(rule + 1, p->acts, p->n_acts);
	}
	parser_free(p);
	return rule;
}

/* Likewise, wherever it is from. */
struct rule *rule_parse(const char *text, bool is_rule, char *err, size_t size)
{
	return rule_read(NULL, text, is_rule, err, size);
}

/**
 * rule_format - write a rule, as rule_parse() reads it
 * @rule: the rule.
 * @buf: the text; cut if it does not fit.
 * @size: its room.
 *
 * Return: length of the text.
 */
int rule_format(const struct rule *rule, char *buf, size_t size)
{
	int n = 0;

	if (rule->cookie)
		n = text_add(buf, size, n, "cookie=0x%llx,",
			(unsigned long long)rule->cookie);
	n = text_add(buf, size, n, "table=%u,", rule->table);
	if (rule->idle_timeout)
		n = text_add(buf, size, n, "idle_timeout=%u,", rule->idle_timeout);
	if (rule->hard_timeout)
		n = text_add(buf, size, n, "hard_timeout=%u,", rule->hard_timeout);
	n = text_add(buf, size, n, "priority=%u,", rule->priority);
	n += rule_format_match(rule, buf + n, size - n);
	n = text_add(buf, size, n, "actions=");
	return n + acts_format(rule->acts, rule->n_acts, buf + n, size - n);
}

static const char *const group_types[] = {
	[GROUP_ALL] = "all", [GROUP_SELECT] = "select",
	[GROUP_INDIRECT] = "indirect", [GROUP_FF] = "fast_failover",
};

/* What may stand once in a group, and once in each of its buckets; bits of "given". */
enum group_part {
	GIVEN_ID = 1, GIVEN_TYPE = 2, GIVEN_METHOD = 4,
	GIVEN_WEIGHT = 8, GIVEN_PORT = 16, GIVEN_GROUP = 32, GIVEN_BUCKET_ID = 64,
	GIVEN_OF_BUCKET = GIVEN_WEIGHT | GIVEN_PORT | GIVEN_GROUP | GIVEN_BUCKET_ID,
};

static void give(struct parser *p, enum group_part part, const char *name, const char *tok)
{
	if (p->given & part)
		fail(p, tok, "%s= stands twice", name);
	p->given |= part;
}

static void parse_group_type(struct parser *p, struct group *g, char *value)
{
	unsigned int i;

	if (!strcmp(value, "ff"))
		value = "fast_failover";
	for (i = 0; i < sizeof(group_types) / sizeof(group_types[0]); i++) {
		if (strcmp(group_types[i], value))
			continue;
		g->type = i;
		return;
	}
	fail(p, value, "type must be all, select, indirect or fast_failover");
}

/* NAME:VALUE or NAME=VALUE */
static bool has_option(char *tok, const char *name, char **value)
{
	size_t len = strlen(name);

	if (strncmp(tok, name, len) || !tok[len] || !strchr(":=", tok[len]))
		return false;
	*value = tok + len + 1;
	return true;
}

static void parse_bucket_id(struct parser *p, const struct group *g, struct bucket *b,
			    const char *value)
{
	unsigned int i;
	uint64_t n;

	if (!parse_u64(value, MAX_GROUP_ID, &n)) {
		fail(p, value, "bucket_id must be 0 to %u", MAX_GROUP_ID);
		return;
	}
	for (i = 0; i < g->n_buckets; i++)
		if (g->buckets[i].id == n)
			fail(p, value, "a bucket of this number stands before");
	b->id = n;
}

/* What stands before the actions of a bucket.  Return: whether it is that. */
static bool bucket_option(struct parser *p, const struct group *g, struct bucket *b,
			  char *tok)
{
	uint64_t n;
	char *v;

	if (has_option(tok, "weight", &v)) {
		give(p, GIVEN_WEIGHT, "weight", tok);
		if (!parse_u64(v, 65535, &n) || !n)
			fail(p, v, "weight must be 1 to 65535");
		b->weight = n;
	} else if (has_option(tok, "watch_port", &v)) {
		give(p, GIVEN_PORT, "watch_port", tok);
		parse_port(p, v, &b->watch_port);
	} else if (has_option(tok, "watch_group", &v)) {
		give(p, GIVEN_GROUP, "watch_group", tok);
		if (!parse_u64(v, MAX_GROUP_ID, &n))
			fail(p, v, "no group can have this number");
		b->watch_group = n;
	} else if (has_option(tok, "bucket_id", &v)) {
		give(p, GIVEN_BUCKET_ID, "bucket_id", tok);
		parse_bucket_id(p, g, b, v);
	} else {
		return false;
	}
	return true;
}

static void parse_bucket(struct parser *p, struct group *g, char *text)
{
	struct bucket *b = &g->buckets[g->n_buckets];
	char *rest, end;
	size_t len;

	if (g->n_buckets == MAX_BUCKETS) {
		fail(p, text, "a group has at most %d buckets", MAX_BUCKETS);
		return;
	}
	*b = (struct bucket){ .weight = 1, .id = NO_BUCKET, .watch_port = NO_PORT,
			      .watch_group = NO_GROUP };
	p->given &= ~GIVEN_OF_BUCKET;
	for (; !p->failed && *text; text = rest) {
		if (has_prefix(text, "actions=", &text))
			break;
		len = token_len(text, ",");
		end = text[len];
		text[len] = 0;
		if (!bucket_option(p, g, b, text)) {
			text[len] = end;
			break;
		}
		rest = text + len + (end == ',');
	}
	p->at = text;
	p->n_acts = 0;
	parse_actions(p, false);
	if (!p->failed && !p->n_acts)
		fail(p, text, "a bucket needs actions (say drop)");
	b->acts = malloc(acts_size(p->acts, p->n_acts) + 1);
	if (!b->acts)
		fail(p, NULL, "out of memory");
	else
		acts_copy(b->acts, p->acts, p->n_acts);
	b->n_acts = p->n_acts;
	g->n_buckets++;
}

static void parse_group_token(struct parser *p, struct group *g, char *tok)
{
	char *v;
	uint64_t n;

	if (has_prefix(tok, "group_id=", &v)) {
		give(p, GIVEN_ID, "group_id", tok);
		if (!parse_u64(v, MAX_GROUP_ID, &n))
			fail(p, v, "no group can have this number");
		g->id = n;
	} else if (has_prefix(tok, "type=", &v)) {
		give(p, GIVEN_TYPE, "type", tok);
		parse_group_type(p, g, v);
	} else if (has_prefix(tok, "selection_method=", &v)) {
		give(p, GIVEN_METHOD, "selection_method", tok);
		if (strcmp(v, "dp_hash"))
			fail(p, v, "selection_method must be dp_hash, by which a select group goes in any case");
	} else if (has_prefix(tok, "selection_method_param", &v) ||
		   has_prefix(tok, "fields", &v) || has_prefix(tok, "command_bucket_id", &v)) {
		fail(p, tok, "%.*s is not supported", (int)(v - tok), tok);
	} else {
		fail(p, tok, "a group has group_id=, type= and bucket=");
	}
}

static void parse_group_head(struct parser *p, struct group *g)
{
	char *tok;

	while (!p->failed && (tok = next_token(p)))
		parse_group_token(p, g, tok);
	if (~p->given & (GIVEN_ID | GIVEN_TYPE))
		fail(p, p->at, "a group needs group_id= and type=");
}

static void parse_group(struct parser *p, struct group *g)
{
	char *bucket = strstr(p->start, "bucket="), *second = NULL, *next;

	if (bucket)
		*bucket = 0;
	parse_group_head(p, g);
	for (; bucket && !p->failed; bucket = next) {
		bucket += strlen("bucket=");
		next = strstr(bucket, "bucket=");
		if (next)
			*next = 0;
		if (g->n_buckets == 1)
			second = bucket;
		bucket += strspn(bucket, " ");
		parse_bucket(p, g, bucket);
	}
	if (g->type == GROUP_INDIRECT && g->n_buckets != 1)
		fail(p, second ? second : p->end, "a group of type indirect has one bucket");
}

/**
 * group_read - read a group
 * @names: what its actions may name; NULL: anything.
 * @text: group_id=N,type=TYPE[,bucket=[OPTION:N,]...ACTION,...]...
 * @err: a sentence that names what is wrong, and where.
 * @size: its room.
 *
 * Return: the group, or NULL.
 */
struct group *group_read(const struct rule_names *names, const char *text,
			 char *err, size_t size)
{
	struct group *g = calloc(1, sizeof(*g));
	struct parser *p = parser_new(names, text, TEXT_RULE, err, size);

	if (!g || !p) {
		snprintf(err, size, "out of memory");
		free(g);
		if (p)
			parser_free(p);
		return NULL;
	}
	parse_group(p, g);
	if (p->failed) {
		group_free(g);
		g = NULL;
	}
	parser_free(p);
	return g;
}

/* Likewise, wherever it is from. */
struct group *group_parse(const char *text, char *err, size_t size)
{
	return group_read(NULL, text, err, size);
}

/* Write a group, as group_parse() reads it.  Return: length of the text. */
int group_format(const struct group *g, char *buf, size_t size)
{
	unsigned int i;
	int n;

	n = text_add(buf, size, 0, "group_id=%u,type=%s", g->id, group_types[g->type]);
	for (i = 0; i < g->n_buckets; i++) {
		const struct bucket *b = &g->buckets[i];

		n = text_add(buf, size, n, ",bucket=");
		if (b->id != NO_BUCKET)
			n = text_add(buf, size, n, "bucket_id:%u,", b->id);
		if (g->type == GROUP_SELECT)
			n = text_add(buf, size, n, "weight:%u,", b->weight);
		if (b->watch_port != NO_PORT)
			n = text_add(buf, size, n, "watch_port:%u,", b->watch_port);
		if (b->watch_group != NO_GROUP)
			n = text_add(buf, size, n, "watch_group:%u,", b->watch_group);
		n = text_add(buf, size, n, "actions=");
		n += acts_format(b->acts, b->n_acts, buf + n, size - n);
	}
	return n;
}
