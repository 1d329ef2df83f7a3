// SPDX-License-Identifier: GPL-2.0-or-later
/* What a rule matches, as text. */
#include "parse.h"
#include "text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* Those with a protocol first: of what fits, the first is written. */
static const struct { const char *name; uint16_t type; uint8_t proto; } protos[] = {
	{ "tcp", 0x0800, 6 }, { "udp", 0x0800, 17 }, { "icmp", 0x0800, 1 },
	{ "sctp", 0x0800, 132 }, { "tcp6", 0x86dd, 6 }, { "udp6", 0x86dd, 17 },
	{ "icmp6", 0x86dd, 58 }, { "sctp6", 0x86dd, 132 },
	{ "ip", 0x0800, 0 }, { "ipv6", 0x86dd, 0 }, { "arp", 0x0806, 0 },
	{ "rarp", 0x8035, 0 }, { "mpls", 0x8847, 0 }, { "mplsm", 0x8848, 0 },
	{ "nsh", 0x894f, 0 },
	{ "ip6", 0x86dd, 0 },
};

#define N_PROTOS (sizeof(protos) / sizeof(protos[0]))

/* No field may stand twice with different values: the second would win. */
static void put(struct parser *p, const char *tok, struct rule *rule,
		const struct field *f, const struct field_value *v)
{
	uint8_t old[FIELD_MAX], mask[FIELD_MAX];
	struct flow bits = {};
	size_t i;

	field_get(f, &rule->match, old);
	field_get(f, &rule->mask, mask);
	for (i = 0; i < field_bytes(f); i++) {
		if ((old[i] ^ v->value[i]) & mask[i] & v->mask[i]) {
			fail(p, tok, "%s contradicts what stands before it", f->name);
			return;
		}
		mask[i] |= v->mask[i];
		old[i] |= v->value[i];
	}
	field_put(f, &bits, mask);
	flow_or(&rule->mask, &bits, NULL);
	memset(&bits, 0, sizeof(bits));
	field_put(f, &bits, old);
	flow_or(&rule->match, &bits, NULL);
}

static void put_number(struct parser *p, const char *tok, struct rule *rule,
		       const char *name, uint16_t value, uint16_t mask)
{
	const struct field *f = field_find(name, strlen(name));
	struct field_value v;
	size_t i;

	for (i = field_bytes(f); i; i--, value >>= 8, mask >>= 8) {
		v.value[i - 1] = value;
		v.mask[i - 1] = mask;
	}
	put(p, tok, rule, f, &v);
}

static void put_proto(struct parser *p, const char *tok, struct rule *rule)
{
	unsigned int i;

	for (i = 0; i < N_PROTOS && strcmp(protos[i].name, tok); i++)
		;
	if (i == N_PROTOS) {
		fail(p, tok, "no protocol has this name, and there is no =");
		return;
	}
	put_number(p, tok, rule, "dl_type", protos[i].type, 0xffff);
	if (protos[i].proto)
		put_number(p, tok, rule, "nw_proto", protos[i].proto, 0xff);
}

static void put_vlan(struct parser *p, const char *value, struct rule *rule)
{
	uint64_t n;

	if (!parse_u64(value, 0xffff, &n) || (n > 0xfff && n != 0xffff))
		fail(p, value, "dl_vlan must be 0 to 4095, or 0xffff for no tag");
	else if (n == 0xffff)
		put_number(p, value, rule, "vlan_tci", 0, 0xffff);
	else
		put_number(p, value, rule, "vlan_tci", n | VLAN_PRESENT, 0x1fff);
}

static void put_pcp(struct parser *p, const char *value, struct rule *rule)
{
	const struct field *f = field_find("vlan_pcp", 8);
	struct field_value v;
	const char *why = field_parse(f, value, &v);

	if (why) {
		fail(p, value, "a VLAN priority is 0 to 7: %s", why);
		return;
	}
	put(p, value, rule, f, &v);
	put_number(p, value, rule, "vlan_tci", VLAN_PRESENT, VLAN_PRESENT);
}

static void put_filter(struct parser *p, const char *value, struct rule *rule)
{
	const struct rule_names *names = p->names;
	char why[256];

	if (p->use == TEXT_PACKET)
		fail(p, value, "a packet has no bpf=: tell trace by bpf=NAME:N behind it");
	else if (!prog_name_ok(value))
		fail(p, value, "bpf= needs the name of a program");
	else if (*rule->filter)
		fail(p, value, "bpf= stands twice");
	else if (names && names->filter && !names->filter(value, why, sizeof(why), names->arg))
		fail(p, value, "%s", why);
	else
		strcpy(rule->filter, value);
}

static void put_field(struct parser *p, const char *name, const char *value,
		      struct rule *rule)
{
	const struct field *f = field_find(name, strlen(name));
	struct field_value v;
	const char *why;

	if (!f || f->flags & FF_INTERNAL) {
		fail(p, name, "no field has this name");
		return;
	}
	if (p->n_used == MAX_USED) {
		fail(p, name, "more than %d fields", MAX_USED);
		return;
	}
	p->used[p->n_used].field = f;
	p->used[p->n_used++].token = name;
	why = parse_value(p, f, value, &v);
	if (why)
		fail(p, value, "%s: %s", f->name, why);
	else
		put(p, value, rule, f, &v);
}

/**
 * parse_match - read one token of a match
 * @p: the text.
 * @tok: the token.
 * @rule: gets it.
 */
void parse_match(struct parser *p, char *tok, struct rule *rule)
{
	char *value = strchr(tok, '=');

	if (!value) {
		put_proto(p, tok, rule);
		return;
	}
	*value++ = 0;
	if (parse_option(p, tok, value, rule))
		return;
	if (!strcmp(tok, "dl_vlan"))
		put_vlan(p, value, rule);
	else if (!strcmp(tok, "dl_vlan_pcp") || !strcmp(tok, "vlan_pcp"))
		put_pcp(p, value, rule);
	else if (!strcmp(tok, "bpf"))
		put_filter(p, value, rule);
	else
		put_field(p, tok, value, rule);
}

/* ARP's addresses and opcode go by the names of IP's too. */
static bool exists(const struct field *f, const struct flow *match)
{
	bool arp = match->dl_type == htons(0x0806) || match->dl_type == htons(0x8035);

	return field_prereq_met(f, match) ||
	       (arp && (f->ofs == offsetof(struct flow, nw_src) ||
			f->ofs == offsetof(struct flow, nw_dst) ||
			f->ofs == offsetof(struct flow, nw_proto)));
}

/**
 * check_match - see that each field exists in a packet of the rule's type
 * @p: the text, with the fields that it names.
 * @rule: what was read.
 */
void check_match(struct parser *p, const struct rule *rule)
{
	unsigned int i;

	for (i = 0; i < p->n_used; i++)
		if (!exists(p->used[i].field, &rule->match))
			fail(p, p->used[i].token,
			     "a match on %s needs the protocol before it (%s)",
			     p->used[i].field->name,
			     field_prereq_name(p->used[i].field));
}

static int format_proto(const struct flow *match, struct flow *left, char *buf,
			size_t size)
{
	unsigned int i;

	for (i = 0; i < N_PROTOS; i++) {
		if (htons(protos[i].type) != match->dl_type ||
		    (protos[i].proto && (protos[i].proto != match->nw_proto ||
					 left->nw_proto != 0xff)))
			continue;
		left->dl_type = 0;
		if (protos[i].proto)
			left->nw_proto = 0;
		return text_add(buf, size, 0, "%s,", protos[i].name);
	}
	return 0;
}

static int format_vlan(const struct flow *match, struct flow *left, char *buf,
		       size_t size, int n)
{
	uint16_t tci = ntohs(match->vlan_tci), mask = ntohs(left->vlan_tci);

	if (!(tci & VLAN_PRESENT) || !(mask & VLAN_PRESENT) ||
	    ((mask & 0xfff) && (mask & 0xfff) != 0xfff) ||
	    ((mask & 0xe000) && (mask & 0xe000) != 0xe000) || mask == VLAN_PRESENT)
		return n;
	left->vlan_tci = 0;
	if (mask & 0xfff)
		n = text_add(buf, size, n, "dl_vlan=%u,", tci & 0xfff);
	if (mask & 0xe000)
		n = text_add(buf, size, n, "dl_vlan_pcp=%u,", tci >> 13);
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
	struct field_value v;
	char text[FIELD_TEXT];
	unsigned int i;
	size_t b;
	int n = 0;

	buf[0] = 0;
	if (left.dl_type == 0xffff)
		n = format_proto(match, &left, buf, size);
	for (i = 0; i < n_fields; i++) {
		const struct field *f = &fields[i];

		if (f->flags & FF_HIDDEN || !field_prereq_met(f, match))
			continue;
		if (f->ofs == offsetof(struct flow, vlan_tci))
			n = format_vlan(match, &left, buf, size, n);
		if (!field_any(f, &left))
			continue;
		field_get(f, match, v.value);
		field_get(f, &left, v.mask);
		for (b = 0; b < field_bytes(f); b++)
			v.value[b] &= v.mask[b];
		field_format(f, v.value, v.mask, text, sizeof(text));
		n = text_add(buf, size, n, "%s=%s,", f->name, text);
		memset(v.mask, 0, field_bytes(f));
		field_put(f, &left, v.mask);	/* not under its other names again */
	}
	return n;
}

/* Likewise, the filter of a rule included. */
int rule_format_match(const struct rule *rule, char *buf, size_t size)
{
	int n = match_format(&rule->match, &rule->mask, buf, size);

	if (*rule->filter)
		n = text_add(buf, size, n, "bpf=%s,", rule->filter);
	return n;
}
