// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What stands in a rule's text beside its match and actions; and text that tells which
 * rules are meant.
 */
#include "parse.h"

#include <string.h>

#define BIT(use) (1u << (use))
#define FOR_RULES (BIT(TEXT_RULE) | BIT(TEXT_WITHIN) | BIT(TEXT_STRICT))

enum option { OPT_TABLE, OPT_PRIORITY, OPT_COOKIE, OPT_IDLE, OPT_HARD, N_OPTIONS };

/**
 * struct option_kind - what may stand once, as NAME=NUMBER
 * @name: its name.
 * @what: what it must be.
 * @max: the largest number.
 * @uses: texts that it may stand in, as bits.
 */
static const struct option_kind {
	const char *name;
	const char *what;
	uint64_t max;
	unsigned int uses;
} options[N_OPTIONS] = {
	[OPT_TABLE] = { "table", "0 to 254", N_TABLES - 1, FOR_RULES },
	[OPT_PRIORITY] = { "priority", "0 to 65535", 65535,
			   BIT(TEXT_RULE) | BIT(TEXT_STRICT) },
	[OPT_COOKIE] = { "cookie", "a number of 64 bits", UINT64_MAX, FOR_RULES },
	[OPT_IDLE] = { "idle_timeout", "0 (none) to 65535 seconds", 65535, BIT(TEXT_RULE) },
	[OPT_HARD] = { "hard_timeout", "0 (none) to 65535 seconds", 65535, BIT(TEXT_RULE) },
};

/* It may not stand in such a text. */
static void refuse(struct parser *p, const char *name)
{
	if (p->use == TEXT_PACKET)
		fail(p, name, "a packet has no %s=", name);
	else if (!strcmp(name, options[OPT_PRIORITY].name))
		fail(p, name, "rules are chosen by priority= only with --strict");
	else
		fail(p, name, "rules are not chosen by %s=", name);
}

/* A cookie that rules are chosen by may have a mask, of which -1 is all bits. */
static void cut_mask(struct parser *p, char *value)
{
	char *mask = strchr(value, '/');

	p->cookie_mask = UINT64_MAX;
	if (!mask || p->use == TEXT_RULE)
		return;
	if (strcmp(mask + 1, "-1") && !parse_u64(mask + 1, UINT64_MAX, &p->cookie_mask))
		fail(p, value, "cookie must be N or N/MASK, numbers of 64 bits");
	*mask = 0;
}

static void put_option(struct rule *rule, enum option o, uint64_t n)
{
	if (o == OPT_TABLE)
		rule->table = n;
	else if (o == OPT_PRIORITY)
		rule->priority = n;
	else if (o == OPT_COOKIE)
		rule->cookie = n;
	else if (o == OPT_IDLE)
		rule->idle_timeout = n;
	else
		rule->hard_timeout = n;
}

static void read_option(struct parser *p, enum option o, const char *name, char *value,
			struct rule *rule)
{
	uint64_t n;

	if (!(options[o].uses & BIT(p->use)))
		refuse(p, name);
	if (p->given & BIT(o))
		fail(p, name, "%s= stands twice", name);
	p->given |= BIT(o);
	if (o == OPT_COOKIE)
		cut_mask(p, value);
	if (!parse_u64(value, options[o].max, &n))
		fail(p, value, "%s must be %s", name, options[o].what);
	else
		put_option(rule, o, n);
}

/* What a dump, this one or that of ovs-ofctl, tells of a rule beside its text. */
static const char *const told[] = {
	"n_packets", "n_bytes", "duration", "idle_age", "hard_age",
};

static bool is_told(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		if (!strcmp(told[i], name))
			return true;
	return false;
}

/* That is passed over, if it makes sense. */
static void pass_over(struct parser *p, const char *name, const char *value)
{
	size_t n = strspn(value, "0123456789.");

	n += n && value[n] == 's';
	if (p->use != TEXT_RULE)
		refuse(p, name);
	else if (!n || value[n])
		fail(p, value, "%s must be a number, as a dump has it", name);
}

/**
 * parse_option - read what is no part of a match
 * @p: the text.
 * @name: what stands before the '='.
 * @value: what stands behind it; cut up.
 * @rule: gets it.
 *
 * Return: whether it is that, right or wrong.
 */
bool parse_option(struct parser *p, const char *name, char *value, struct rule *rule)
{
	unsigned int o;

	for (o = 0; o < N_OPTIONS; o++) {
		if (strcmp(options[o].name, name))
			continue;
		read_option(p, o, name, value, rule);
		return true;
	}
	if (is_told(name)) {
		pass_over(p, name, value);
		return true;
	}
	/* Those of a rule have been cut off. */
	if (strcmp(name, "actions") && strcmp(name, "action"))
		return false;
	refuse(p, name);
	return true;
}

/**
 * rule_choice_parse - read which rules are meant
 * @c: filled in.
 * @names: what the text may name; NULL: anything, but ports by their numbers alone.
 * @text: [cookie=N[/MASK],][table=N,]MATCH; if @strict, with priority=N too.
 * @strict: the one rule of this match and priority is; else those within the match.
 * @err: a sentence that names what is wrong, and where.
 * @size: its room.
 *
 * Return: 0 or -1.
 */
int rule_choice_parse(struct rule_choice *c, const struct rule_names *names,
		      const char *text, bool strict, char *err, size_t size)
{
	struct parser *p = parser_new(names, text, strict ? TEXT_STRICT : TEXT_WITHIN, err,
				      size);
	int ret;

	if (!p)
		return -1;
	*c = (struct rule_choice){ .like.priority = DEFAULT_PRIORITY, .strict = strict };
	parse_matches(p, &c->like);
	c->any_table = !strict && !(p->given & BIT(OPT_TABLE));
	c->cookie_mask = p->given & BIT(OPT_COOKIE) ? p->cookie_mask : 0;
	ret = p->failed ? -1 : 0;
	parser_free(p);
	return ret;
}
