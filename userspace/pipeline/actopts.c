// SPDX-License-Identifier: GPL-2.0-or-later
/* The options of bpf(...) and ct(...). */
#include "parse.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

const char *const bpf_modes[] = {
	[MODE_PROGRAM] = "program",
	[MODE_ALWAYS] = "always",
	[MODE_CHANGED] = "changed",
	[MODE_AUTO] = "auto",
};

/**
 * prog_name_ok - whether a program may have a name
 * @name: the name.
 */
bool prog_name_ok(const char *name)
{
	return *name && strlen(name) < MAX_NAME && !strpbrk(name, "/.,() =");
}

static void parse_bpf_mode(struct parser *p, struct act *act, char *value)
{
	unsigned int i;

	for (i = 0; i < sizeof(bpf_modes) / sizeof(bpf_modes[0]); i++) {
		if (strcmp(value, bpf_modes[i]))
			continue;
		act->mode = i;
		act->mode_given = i != MODE_AUTO;
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
		if (parse_u64(value, UINT64_MAX, &n))
			act->arg = n;
		else
			fail(p, value, "arg must be a number of 64 bits");
	} else if (!strncmp(value, "reg", 3) && parse_u64(value + 3, N_REGS - 1, &n)) {
		act->result = n;
	} else {
		fail(p, value, "result must be reg0 to reg%d", N_REGS - 1);
	}
}

/* bpf(NAME[,arg=N][,result=regN][,mode=program|always|changed|auto]) */
void parse_bpf(struct parser *p, struct act *act, char *arg)
{
	unsigned int seen = 0;
	char *at = arg, *tok;

	act->mode = MODE_AUTO;
	act->result = -1;
	tok = next_arg(&at);
	if (!tok || !prog_name_ok(tok)) {
		fail(p, arg, "bpf() needs the name of a program");
		return;
	}
	strcpy(act->prog, tok);
	while (!p->failed && (tok = next_arg(&at)))
		parse_bpf_option(p, act, tok, &seen);
}

static bool parse_ip(struct act_ct *ct, char *text, uint8_t *ip)
{
	size_t n = strlen(text);

	if (*text == '[' && text[n - 1] == ']') {
		text[n - 1] = 0;
		text++;
	}
	ct->ip6 = strchr(text, ':');
	return inet_pton(ct->ip6 ? AF_INET6 : AF_INET, text, ip) == 1;
}

/* FIRST[-LAST], of ports. */
static void parse_nat_ports(struct parser *p, struct act_ct *ct, char *text)
{
	char *last = strchr(text, '-');
	uint64_t a, b;

	if (last)
		*last++ = 0;
	if (!parse_u64(text, 65535, &a) || !a ||
	    !parse_u64(last ? last : text, 65535, &b) || b < a) {
		fail(p, text, "ports are FIRST-LAST, from 1 to 65535");
		return;
	}
	ct->port_min = a;
	ct->port_max = b;
}

/* ADDR[-ADDR][:PORT[-PORT]]; an IPv6 address before ports is in brackets. */
static void parse_nat_range(struct parser *p, struct act_ct *ct, char *text)
{
	char *ports = NULL, *last, *v6_end = strrchr(text, ']');
	bool first6;

	if (v6_end)
		ports = v6_end[1] == ':' ? v6_end + 1 : NULL;
	else if (strchr(text, ':') == strrchr(text, ':'))
		ports = strchr(text, ':');
	if (ports) {
		*ports++ = 0;
		parse_nat_ports(p, ct, ports);
	}
	if (!*text)
		return;
	last = strchr(text, '-');
	if (last)
		*last++ = 0;
	if (!parse_ip(ct, text, ct->ip_min)) {
		fail(p, text, "not an address");
		return;
	}
	first6 = ct->ip6;
	memcpy(ct->ip_max, ct->ip_min, 16);
	if (last && (!parse_ip(ct, last, ct->ip_max) || ct->ip6 != first6 ||
		     memcmp(ct->ip_min, ct->ip_max, 16) > 0))
		fail(p, last, "no last address of a range");
	ct->has_ip = true;
}

static void parse_nat(struct parser *p, struct act_ct *ct, char *arg)
{
	char *opt, *value;

	while (!p->failed && (opt = next_arg(&arg))) {
		if (has_prefix(opt, "src=", &value) ||
		    has_prefix(opt, "dst=", &value)) {
			if (ct->nat != NAT_BARE)
				fail(p, opt, "nat() has one of src= and dst=");
			ct->nat = *opt == 's' ? NAT_SRC : NAT_DST;
			parse_nat_range(p, ct, value);
		} else if (!strcmp(opt, "random")) {
			ct->nat_flags |= NAT_RANDOM;
		} else if (!strcmp(opt, "hash")) {
			ct->nat_flags |= NAT_HASH;
		} else if (!strcmp(opt, "persistent")) {
			ct->nat_flags |= NAT_PERSISTENT;
		} else {
			fail(p, opt, "nat() has src=, dst=, random, hash and persistent");
		}
	}
	if (ct->nat == NAT_BARE)
		fail(p, arg, "nat() needs src= or dst=; say nat without them");
	if ((ct->nat_flags & NAT_RANDOM) && (ct->nat_flags & NAT_HASH))
		fail(p, arg, "nat() has one of random and hash");
}

static void parse_zone(struct parser *p, struct act *act, char *value)
{
	uint64_t n;

	if (parse_u64(value, 65535, &n)) {
		act->ct.zone = n;
		return;
	}
	if (*value >= '0' && *value <= '9') {
		fail(p, value, "a zone must be 0 to 65535");
		return;
	}
	act->field = parse_subfield(p, value, &act->ofs, &act->n_bits);
	if (act->field && act->n_bits > 16)
		fail(p, value, "a zone has 16 bits");
}

static void parse_exec(struct parser *p, unsigned int at, char *text)
{
	char *rest = p->at;

	if (!inside(p, text, text))
		return;
	p->at = text;
	parse_actions(p, true);
	p->at = rest;
	p->acts[at].ct.n_exec = p->n_acts - at - 1;
	if (!p->failed && !p->acts[at].ct.n_exec)
		fail(p, text, "exec() is empty");
}

static void parse_ct_option(struct parser *p, unsigned int at, char *opt)
{
	struct act *act = &p->acts[at];
	struct act_ct *ct = &act->ct;
	char *value;
	uint64_t n;

	if (!strcmp(opt, "commit")) {
		ct->commit = true;
	} else if (!strcmp(opt, "force")) {
		ct->force = true;
	} else if (!strcmp(opt, "nat")) {
		ct->nat = NAT_BARE;
	} else if (has_prefix(opt, "nat(", &value)) {
		ct->nat = NAT_BARE;
		if (inside(p, opt, value))
			parse_nat(p, ct, value);
	} else if (has_prefix(opt, "zone=", &value)) {
		parse_zone(p, act, value);
	} else if (has_prefix(opt, "table=", &value)) {
		if (parse_u64(value, N_TABLES - 1, &n))
			ct->table = n;
		else
			fail(p, value, "table must be 0 to %d", N_TABLES - 1);
	} else if (has_prefix(opt, "alg=", &value)) {
		if (strcmp(value, "ftp") && strcmp(value, "tftp"))
			fail(p, value, "alg must be ftp or tftp");
		else
			strcpy(ct->alg, value);
	} else if (has_prefix(opt, "exec(", &value)) {
		parse_exec(p, at, value);
	} else {
		fail(p, opt, "ct() has commit, force, zone=, table=, nat, alg= and exec()");
	}
}

/**
 * parse_ct - read the options of ct(...) as an action
 * @p: the text.
 * @arg: what is in the parentheses; may be empty.
 */
void parse_ct(struct parser *p, char *arg)
{
	unsigned int at = p->n_acts++;
	struct act *act = &p->acts[at];
	char *opts = arg, *opt;

	act->type = ACT_CT;
	act->ct.table = -1;
	while (!p->failed && (opt = next_arg(&opts)))
		parse_ct_option(p, at, opt);
	if (act->ct.commit || p->failed)
		return;
	if (act->ct.force || act->ct.n_exec || *act->ct.alg)
		fail(p, arg, "force, exec() and alg= need commit");
	else if (act->ct.nat > NAT_BARE)
		fail(p, arg, "nat(src=) and nat(dst=) need commit");
}
