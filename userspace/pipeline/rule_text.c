// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules as text, in the syntax of ovs-ofctl and bpf(...). */
#include "rule.h"
#include "text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct { const char *name; uint16_t type; uint8_t proto; } protos[] = {
	{ "ip", 0x0800, 0 }, { "ipv6", 0x86dd, 0 }, { "arp", 0x0806, 0 },
	{ "tcp", 0x0800, 6 }, { "udp", 0x0800, 17 }, { "icmp", 0x0800, 1 },
	{ "sctp", 0x0800, 132 }, { "tcp6", 0x86dd, 6 }, { "udp6", 0x86dd, 17 },
	{ "icmp6", 0x86dd, 58 },
};

/**
 * struct parser - text being read
 * @at: what is left.
 * @start: where it began, to name positions.
 * @err: the sentence about the first error.
 * @size: room in it.
 * @failed: whether there was one.
 */
struct parser {
	char *at;
	char *start;
	char *err;
	size_t size;
	bool failed;
};

static void __attribute__((format(printf, 3, 4)))
fail(struct parser *p, const char *token, const char *fmt, ...)
{
	va_list args;
	int n;

	if (p->failed)
		return;
	p->failed = true;
	va_start(args, fmt);
	n = vsnprintf(p->err, p->size, fmt, args);
	va_end(args);
	if (token && n >= 0 && (size_t)n < p->size)
		snprintf(p->err + n, p->size - n, " (at \"%s\", position %td)",
			 token, token - p->start + 1);
}

/* The next token up to a comma outside of parentheses; NULL at the end. */
static char *next_token(struct parser *p)
{
	unsigned int depth = 0;
	char *tok, *s;

	while (*p->at == ',' || *p->at == ' ')
		p->at++;
	if (!*p->at)
		return NULL;
	tok = s = p->at;
	for (; *s && (depth || (*s != ',' && *s != ' ')); s++) {
		if (*s == '(')
			depth++;
		else if (*s == ')' && depth)
			depth--;
	}
	p->at = *s ? s + 1 : s;
	*s = 0;
	return tok;
}

static bool number(const char *s, uint64_t max, uint64_t *out)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*out = strtoull(s, &end, 0);
	return !*end && !errno && *out <= max;
}

static void put_field(struct parser *p, const char *tok, struct rule *rule,
		      const struct field *f, const char *value)
{
	if (field_parse(f, value, (uint8_t *)&rule->match + f->ofs,
			(uint8_t *)&rule->mask + f->ofs))
		fail(p, tok, "bad value for %s", f->name);
}

static bool put_proto(struct rule *rule, const char *tok)
{
	unsigned int i;

	for (i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
		if (strcmp(protos[i].name, tok))
			continue;
		rule->match.dl_type = htons(protos[i].type);
		rule->mask.dl_type = 0xffff;
		if (protos[i].proto) {
			rule->match.nw_proto = protos[i].proto;
			rule->mask.nw_proto = 0xff;
		}
		return true;
	}
	return false;
}

static void put_vlan(struct parser *p, const char *tok, struct rule *rule,
		     const char *value)
{
	uint64_t n;

	if (!number(value, 0xffff, &n) || (n > 0xfff && n != 0xffff)) {
		fail(p, tok, "bad VLAN id");
	} else if (n == 0xffff) {	/* no tag at all */
		rule->match.vlan_tci = 0;
		rule->mask.vlan_tci = 0xffff;
	} else {
		rule->match.vlan_tci = htons(n | 0x1000);
		rule->mask.vlan_tci = htons(0x1fff);
	}
}

static void put_match(struct parser *p, char *tok, struct rule *rule)
{
	char *eq = strchr(tok, '=');
	const struct field *f;
	uint64_t n;

	if (!eq) {
		if (!put_proto(rule, tok))
			fail(p, tok, "unknown protocol");
		return;
	}
	f = field_find(tok, eq - tok);
	*eq = 0;
	if (!strcmp(tok, "table")) {
		if (number(eq + 1, N_TABLES - 1, &n))
			rule->table = n;
		else
			fail(p, eq + 1, "table must be 0 to %d", N_TABLES - 1);
	} else if (!strcmp(tok, "priority")) {
		if (number(eq + 1, 65535, &n))
			rule->priority = n;
		else
			fail(p, eq + 1, "priority must be 0 to 65535");
	} else if (!strcmp(tok, "cookie")) {
		if (number(eq + 1, UINT64_MAX, &n))
			rule->cookie = n;
		else
			fail(p, eq + 1, "bad cookie");
	} else if (!strcmp(tok, "dl_vlan")) {
		put_vlan(p, eq + 1, rule, eq + 1);
	} else if (!f || f->ofs == offsetof(struct flow, recirc_id) ||
		   f->ofs == offsetof(struct flow, dp_hash)) {
		fail(p, tok, "unknown field");
	} else {
		put_field(p, eq + 1, rule, f, eq + 1);
	}
}

static void parse_set(struct parser *p, struct act *act, char *arg)
{
	char *arrow = strstr(arg, "->");
	const struct field *f;

	if (!arrow) {
		fail(p, arg, "set_field needs VALUE->FIELD");
		return;
	}
	*arrow = 0;
	f = field_find(arrow + 2, strlen(arrow + 2));
	if (!f || !f->settable) {
		fail(p, arrow + 2, "a field of this name can't be set");
		return;
	}
	act->field = f;
	if (field_parse(f, arg, act->value, act->mask))
		fail(p, arg, "bad value for %s", f->name);
}

static bool has_prefix(char *tok, const char *prefix, char **rest)
{
	size_t n = strlen(prefix);

	if (strncmp(tok, prefix, n))
		return false;
	*rest = tok + n;
	return true;
}

/**
 * prog_name_ok - whether a program may have a name
 * @name: the name.
 */
bool prog_name_ok(const char *name)
{
	return *name && strlen(name) < MAX_NAME && !strpbrk(name, "/.,() =");
}

static const char *const bpf_modes[] = {
	[MODE_PROGRAM] = "program",
	[MODE_ALWAYS] = "always",
	[MODE_CHANGED] = "changed",
	[MODE_AUTO] = "auto",
};

static void parse_bpf_mode(struct parser *p, struct act *act, char *value)
{
	unsigned int i;

	for (i = 0; i < sizeof(bpf_modes) / sizeof(bpf_modes[0]); i++) {
		if (strcmp(value, bpf_modes[i]))
			continue;
		act->mode = i;
		return;
	}
	fail(p, value, "mode must be program, always, changed or auto");
}

/* One option; each may stand once, which @seen remembers. */
static void parse_bpf_option(struct parser *p, struct act *act, char *opt,
			     unsigned int *seen)
{
	static const char *const options[] = { "arg=", "mode=", "result=" };
	unsigned int i;
	char *value;
	uint64_t n;

	for (i = 0; i < 3; i++)
		if (has_prefix(opt, options[i], &value))
			break;
	if (i == 3) {
		fail(p, opt, "unknown option of bpf(): it has arg=, mode= and result=");
		return;
	}
	if (*seen & 1u << i)
		fail(p, opt, "an option of bpf() stands twice");
	*seen |= 1u << i;
	if (i == 1) {
		parse_bpf_mode(p, act, value);
	} else if (i == 0) {
		if (number(value, UINT64_MAX, &n))
			act->arg = n;
		else
			fail(p, value, "arg must be a number of 64 bits");
	} else if (!strncmp(value, "reg", 3) && number(value + 3, N_REGS - 1, &n)) {
		act->result = n;
	} else {
		fail(p, value, "result must be reg0 to reg%d", N_REGS - 1);
	}
}

/* bpf(NAME[,arg=N][,result=regN][,mode=program|always|changed|auto]) */
static void parse_bpf(struct parser *p, struct act *act, char *arg)
{
	char *save = NULL, *tok = strtok_r(arg, ",", &save);
	unsigned int seen = 0;

	act->mode = MODE_AUTO;
	act->result = -1;
	if (!tok || !prog_name_ok(tok)) {
		fail(p, arg, "bpf() needs the name of a program");
		return;
	}
	strcpy(act->prog, tok);
	while (!p->failed && (tok = strtok_r(NULL, ",", &save)))
		parse_bpf_option(p, act, tok, &seen);
	if (act->result < 0)
		return;
	/* The result comes back with the packet, by recirculation alone. */
	if (act->mode == MODE_PROGRAM || act->mode == MODE_CHANGED)
		fail(p, act->prog, "result= needs mode=always or no mode=");
	act->mode = MODE_ALWAYS;
}

static void parse_action(struct parser *p, char *tok, struct rule *rule)
{
	struct act *act = &rule->acts[rule->n_acts];
	char *rest, *close;
	uint64_t n = 0;

	if (rule->n_acts == MAX_ACTIONS) {
		fail(p, tok, "more than %d actions", MAX_ACTIONS);
		return;
	}
	if (rule->n_acts && act[-1].type == ACT_GOTO) {
		fail(p, tok, "nothing may follow goto_table");
		return;
	}
	memset(act, 0, sizeof(*act));
	if (!strcmp(tok, "drop")) {
		act->type = ACT_DROP;
	} else if (!strcasecmp(tok, "in_port")) {
		act->type = ACT_IN_PORT;
	} else if (!strcasecmp(tok, "flood") || !strcasecmp(tok, "all")) {
		act->type = ACT_FLOOD;
	} else if (!strcmp(tok, "pop_vlan") || !strcmp(tok, "strip_vlan")) {
		act->type = ACT_POP_VLAN;
	} else if (has_prefix(tok, "output:", &rest) || number(tok, 65534, &n)) {
		act->type = ACT_OUTPUT;
		if (*tok == 'o' && !number(rest, 65534, &n))
			fail(p, rest, "bad port");
	} else if (has_prefix(tok, "goto_table:", &rest)) {
		act->type = ACT_GOTO;
		if (!number(rest, N_TABLES - 1, &n) || n <= rule->table)
			fail(p, rest, "goto_table must go to a table above %d",
			     rule->table);
	} else if (has_prefix(tok, "push_vlan:", &rest)) {
		act->type = ACT_PUSH_VLAN;
		if (!number(rest, 0xffff, &n) || (n != 0x8100 && n != 0x88a8))
			fail(p, rest, "push_vlan takes 0x8100 or 0x88a8");
	} else if (has_prefix(tok, "set_field:", &rest)) {
		act->type = ACT_SET;
		parse_set(p, act, rest);
	} else if (has_prefix(tok, "bpf(", &rest)) {
		act->type = ACT_BPF;
		close = strrchr(rest, ')');
		if (!close || close[1]) {
			fail(p, tok, "bpf( needs its closing parenthesis");
			return;
		}
		*close = 0;
		parse_bpf(p, act, rest);
	} else {
		fail(p, tok, "unknown action");
	}
	act->n = n;
	rule->n_acts++;
}

/* Each field that is matched must exist in a packet of this type. */
static void check_prereqs(struct parser *p, const struct rule *rule)
{
	const uint8_t *mask = (const uint8_t *)&rule->mask;
	unsigned int i, b, j;

	for (i = 0; i < n_fields; i++) {
		const struct field *f = &fields[i];
		bool used = false, ok = false;

		for (b = 0; b < f->len; b++)
			used = used || mask[f->ofs + b];
		/* Fields that share a place need one of their prerequisites. */
		for (j = 0; j < n_fields; j++)
			ok = ok || (fields[j].ofs == f->ofs &&
				    field_prereq_met(&fields[j], &rule->match));
		if (used && !ok)
			fail(p, NULL, "a match on %s needs the protocol before it (such as ip or tcp)",
			     f->name);
	}
}

/**
 * rule_parse - read a rule
 * @text: [table=N,][priority=N,]MATCH...,actions=ACTION,...
 * @need_actions: whether there must be actions, as in a rule to add.
 * @err: a sentence that names what is wrong, and where.
 * @size: its room.
 *
 * Return: the rule, or NULL.
 */
struct rule *rule_parse(const char *text, bool need_actions, char *err,
			size_t size)
{
	struct parser p = { .err = err, .size = size };
	struct rule *rule = calloc(1, sizeof(*rule));
	char *copy = strdup(text), *acts = NULL, *tok;

	if (!rule || !copy) {
		snprintf(err, size, "out of memory");
		free(rule);
		free(copy);
		return NULL;
	}
	p.start = p.at = copy;
	rule->priority = 32768;
	acts = strstr(copy, "actions=");
	if (acts)
		*acts = 0;
	while (!p.failed && (tok = next_token(&p)))
		put_match(&p, tok, rule);
	if (acts) {
		p.at = acts + strlen("actions=");
		while (!p.failed && (tok = next_token(&p)))
			parse_action(&p, tok, rule);
	}
	if (!acts && need_actions)
		fail(&p, NULL, "a rule needs actions=...");
	else if (acts && !rule->n_acts)
		fail(&p, NULL, "actions= is empty (say drop)");
	check_prereqs(&p, rule);
	free(copy);
	if (p.failed) {
		free(rule);
		return NULL;
	}
	return rule;
}

static int set_format(const struct act *a, char *buf, size_t size, int n)
{
	struct flow value = {}, mask = {};
	char text[128];

	memcpy((uint8_t *)&value + a->field->ofs, a->value, a->field->len);
	memcpy((uint8_t *)&mask + a->field->ofs, a->mask, a->field->len);
	field_format(a->field, &value, &mask, text, sizeof(text));
	return text_add(buf, size, n, "set_field:%s->%s", text, a->field->name);
}

static int bpf_format(const struct act *a, char *buf, size_t size, int n)
{
	n = text_add(buf, size, n, "bpf(%s", a->prog);
	if (a->arg)
		n = text_add(buf, size, n, ",arg=0x%llx", (unsigned long long)a->arg);
	if (a->result >= 0)
		n = text_add(buf, size, n, ",result=reg%d", a->result);
	else if (a->mode != MODE_AUTO)
		n = text_add(buf, size, n, ",mode=%s", bpf_modes[a->mode]);
	return text_add(buf, size, n, ")");
}

/**
 * acts_format - write actions
 * @acts: the actions.
 * @n_acts: how many.
 * @buf: the text; cut if it does not fit.
 * @size: its room.
 *
 * Return: length of the text.
 */
int acts_format(const struct act *acts, unsigned int n_acts, char *buf,
		size_t size)
{
	unsigned int i;
	int n = 0;

	buf[0] = 0;
	for (i = 0; i < n_acts; i++) {
		const struct act *a = &acts[i];

		if (i)
			n = text_add(buf, size, n, ",");
		switch (a->type) {
		case ACT_OUTPUT:
			n = text_add(buf, size, n, "output:%u", a->n);
			break;
		case ACT_IN_PORT:
			n = text_add(buf, size, n, "IN_PORT");
			break;
		case ACT_FLOOD:
			n = text_add(buf, size, n, "FLOOD");
			break;
		case ACT_DROP:
			n = text_add(buf, size, n, "drop");
			break;
		case ACT_SET:
			n = set_format(a, buf, size, n);
			break;
		case ACT_PUSH_VLAN:
			n = text_add(buf, size, n, "push_vlan:0x%x", a->n);
			break;
		case ACT_POP_VLAN:
			n = text_add(buf, size, n, "pop_vlan");
			break;
		case ACT_BPF:
			n = bpf_format(a, buf, size, n);
			break;
		case ACT_GOTO:
			n = text_add(buf, size, n, "goto_table:%u", a->n);
			break;
		}
	}
	return n;
}

/**
 * match_format - write a match, with a comma behind each field
 * @match: value.
 * @mask: its mask.
 * @buf: the text; cut if it does not fit.
 * @size: its room.
 *
 * Return: length of the text.
 */
int match_format(const struct flow *match, const struct flow *mask, char *buf,
		 size_t size)
{
	struct flow left = *mask;
	unsigned int i, b;
	char text[128];
	int n = 0;

	buf[0] = 0;
	for (i = 0; i < n_fields; i++) {
		const struct field *f = &fields[i];
		uint8_t *m = (uint8_t *)&left + f->ofs;
		bool used = false;

		for (b = 0; b < f->len; b++)
			used = used || m[b];
		if (!used || !field_prereq_met(f, match))
			continue;
		field_format(f, match, mask, text, sizeof(text));
		n = text_add(buf, size, n, "%s=%s,", f->name, text);
		memset(m, 0, f->len);	/* not under its other names again */
	}
	return n;
}

/**
 * rule_format - write a rule, as rule_parse() reads it
 * @rule: the rule.
 * @stats: with its counters.
 * @buf: the text; cut if it does not fit.
 * @size: its room.
 *
 * Return: length of the text.
 */
int rule_format(const struct rule *rule, bool stats, char *buf, size_t size)
{
	int n = 0;

	if (rule->cookie)
		n = text_add(buf, size, n, "cookie=0x%llx,",
			(unsigned long long)rule->cookie);
	n = text_add(buf, size, n, "table=%u,", rule->table);
	if (stats)
		n = text_add(buf, size, n, "n_packets=%llu,n_bytes=%llu,",
			(unsigned long long)rule->n_packets,
			(unsigned long long)rule->n_bytes);
	n = text_add(buf, size, n, "priority=%u,", rule->priority);
	n += match_format(&rule->match, &rule->mask, buf + n, size - n);
	n = text_add(buf, size, n, "actions=");
	return n + acts_format(rule->acts, rule->n_acts, buf + n, size - n);
}
