// SPDX-License-Identifier: GPL-2.0-or-later
/* Actions as text: a table of their names, and what is read behind each. */
#include "parse.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/**
 * struct verb - a name of an action
 * @name: up to its arguments.
 * @type: what it is.
 * @arg: what follows the name: 0 nothing, ':' or '(' with an argument.
 * @parse: reads the argument; NULL: a number up to @max, for the act's n.
 * @max: see @parse.
 * @field: of aliases of set_field.
 */
struct verb {
	const char *name;
	enum act_type type;
	char arg;
	void (*parse)(struct parser *p, struct act *act, char *arg);
	uint32_t max;
	const char *field;
};

/* Room for what an action sets a field to, all zero: value, and mask behind it. */
static uint8_t *new_value(struct parser *p, struct act *act, const struct field *f)
{
	uint8_t *v = p->values[act - p->acts];

	act->field = f;
	act->n_bits = f->bits;
	act->v = v - (uint8_t *)act;
	memset(v, 0, 2 * act_bytes(act));
	return v;
}

/* VALUE[/MASK] for a field that is set. */
static void set_value(struct parser *p, struct act *act, char *text,
		      const struct field *f)
{
	uint8_t *to = new_value(p, act, f);
	struct field_value v;
	const char *why = parse_value(p, f, text, &v);

	if (why) {
		fail(p, text, "%s: %s", f->name, why);
		return;
	}
	memcpy(to, v.value, act_bytes(act));
	memcpy(to + act_bytes(act), v.mask, act_bytes(act));
}

static const struct field *settable(struct parser *p, char *tok,
				    const struct field *f)
{
	if (!f || !(f->flags & (FF_SET | FF_CT))) {
		fail(p, tok, "a field of this name can't be set");
		return NULL;
	}
	return f;
}

static char *arrow(struct parser *p, char *arg, const char *what)
{
	char *to = strstr(arg, "->");

	if (!to) {
		fail(p, arg, "%s->FIELD is needed", what);
		return NULL;
	}
	*to = 0;
	return to + 2;
}

/* set_field:VALUE[/MASK]->FIELD */
static void parse_set(struct parser *p, struct act *act, char *arg)
{
	char *to = arrow(p, arg, "VALUE");
	const struct field *f;

	if (!to)
		return;
	f = settable(p, to, field_find(to, strlen(to)));
	if (f)
		set_value(p, act, arg, f);
}

/* load:VALUE->FIELD[FROM..TO] */
static void parse_load(struct parser *p, struct act *act, char *arg)
{
	char *to = arrow(p, arg, "VALUE");
	const struct field *f;
	uint16_t ofs, bits;
	uint8_t num[8], *v;
	unsigned int i;
	uint64_t n;

	if (!to)
		return;
	f = parse_subfield(p, to, &ofs, &bits);
	if (!f || !settable(p, to, f))
		return;
	if (!parse_u64(arg, bits < 64 ? (1ull << bits) - 1 : UINT64_MAX, &n)) {
		fail(p, arg, "not a number of %u bits", bits);
		return;
	}
	for (i = 0; i < 8; i++)
		num[7 - i] = n >> 8 * i;
	v = new_value(p, act, f);
	bits_copy(v, act_bytes(act), ofs, num, sizeof(num), 0, bits < 64 ? bits : 64);
	bits_set(v + act_bytes(act), act_bytes(act), ofs, bits);
}

/* move:FIELD[FROM..TO]->FIELD[FROM..TO] */
static void parse_move(struct parser *p, struct act *act, char *arg)
{
	char *to = arrow(p, arg, "FIELD");
	uint16_t bits;

	if (!to)
		return;
	act->src = parse_subfield(p, arg, &act->src_ofs, &act->n_bits);
	act->field = act->src ? parse_subfield(p, to, &act->ofs, &bits) : NULL;
	if (!act->field || !settable(p, to, act->field))
		return;
	if (bits != act->n_bits)
		fail(p, to, "%u bits don't fit %u", act->n_bits, bits);
}

/* The ports that have no number. */
static const struct { const char *name; enum act_type type; } odd_ports[] = {
	{ "in_port", ACT_IN_PORT }, { "flood", ACT_FLOOD }, { "all", ACT_ALL },
	{ "normal", ACT_NORMAL }, { "controller", ACT_CONTROLLER },
};

/* output:PORT or output:FIELD[FROM..TO]; a field's name is one, unless it is in quotes. */
static void parse_output(struct parser *p, struct act *act, char *arg)
{
	unsigned int i;

	for (i = 0; i < sizeof(odd_ports) / sizeof(odd_ports[0]); i++) {
		if (strcasecmp(arg, odd_ports[i].name))
			continue;
		act->type = odd_ports[i].type;
		act->n = act->type == ACT_CONTROLLER ? 65535 : 0;
		return;
	}
	if (field_find(arg, strcspn(arg, "["))) {
		act->field = parse_subfield(p, arg, &act->ofs, &act->n_bits);
		if (act->field && act->n_bits > 32)
			fail(p, arg, "no port has that many bits");
	} else if (*arg == '"' || (*arg >= '0' && *arg <= '9')) {
		parse_port(p, arg, &act->n);
	} else if (!find_port(p, arg, &act->n)) {
		fail(p, arg, "no port or field has this name");
	}
}

static void parse_goto(struct parser *p, struct act *act, char *arg)
{
	uint64_t n;

	if (p->table < 0)
		fail(p, arg, "no table follows a group");
	else if (!parse_u64(arg, N_TABLES - 1, &n) || (int)n <= p->table)
		fail(p, arg, "goto_table must go to a table above %d", p->table);
	else
		act->n = n;
}

/* The in_port of a resubmit; nothing and in_port: that of the packet. */
static void resubmit_port(struct parser *p, struct act *act, char *port)
{
	act->port = NO_PORT;
	if (*port && strcasecmp(port, "in_port"))
		parse_port(p, port, &act->port);
}

/* Without a table it is that of the rule. */
static void resubmit_table(struct parser *p, struct act *act, char *table,
			   const char *tok)
{
	uint64_t n;

	if (*table && !parse_u64(table, N_TABLES - 1, &n))
		fail(p, table, "a table must be 0 to %d", N_TABLES - 1);
	else if (!*table && p->table < 0)
		fail(p, tok, "resubmit in a group needs a table");
	else
		act->n = *table ? n : (uint64_t)p->table;
}

/* resubmit([PORT][,[TABLE]]) */
static void parse_resubmit(struct parser *p, struct act *act, char *arg)
{
	char *port = inside(p, arg, arg), *table;

	if (!port)
		return;
	table = port + token_len(port, ",");
	if (!*port) {
		fail(p, port, "resubmit() takes PORT, TABLE or both");
		return;
	}
	if (*table)
		*table++ = 0;
	resubmit_port(p, act, port);
	resubmit_table(p, act, table, port);
}

static void parse_push_vlan(struct parser *p, struct act *act, char *arg)
{
	uint64_t n;

	if (!parse_u64(arg, 0xffff, &n) || (n != 0x8100 && n != 0x88a8))
		fail(p, arg, "push_vlan takes 0x8100 or 0x88a8");
	else
		act->n = n;
}

static void parse_push_mpls(struct parser *p, struct act *act, char *arg)
{
	uint64_t n;

	if (!parse_u64(arg, 0xffff, &n) || (n != 0x8847 && n != 0x8848))
		fail(p, arg, "push_mpls takes 0x8847 or 0x8848");
	else
		act->n = n;
}

static void parse_pop_mpls(struct parser *p, struct act *act, char *arg)
{
	uint64_t n;

	if (!parse_u64(arg, 0xffff, &n) || n < 0x600)
		fail(p, arg, "pop_mpls takes the Ethernet type of what is behind the label");
	else
		act->n = n;
}

/* output(port=PORT,max_len=N) */
static void parse_output_part(struct parser *p, struct act *act, char *arg)
{
	char *at = inside(p, arg, arg), *opt, *value;
	bool has_port = false;
	uint64_t n;

	act->type = ACT_OUTPUT_PART;
	act->port = NO_PORT;
	while (at && !p->failed && (opt = next_arg(&at))) {
		opt += strspn(opt, " ");
		if (has_prefix(opt, "port=", &value)) {
			has_port = true;
			if (strcasecmp(value, "in_port"))
				parse_port(p, value, &act->port);
		} else if (!has_prefix(opt, "max_len=", &value)) {
			fail(p, opt, "output() has port= and max_len=");
		} else if (!parse_u64(value, UINT32_MAX, &n) || n < ETH_HLEN) {
			fail(p, value, "max_len must be %d to %u", ETH_HLEN, UINT32_MAX);
		} else {
			act->n = n;
		}
	}
	if (!has_port || !act->n)
		fail(p, arg, "output() needs port= and max_len=");
}

/* One of controller().  What it says must be what those who listen are told anyway. */
static void controller_option(struct parser *p, struct act *act, char *opt)
{
	char *value;
	uint64_t n;

	if (has_prefix(opt, "max_len=", &value)) {
		if (parse_u64(value, 65535, &n))
			act->n = n;
		else
			fail(p, value, "max_len must be 0 to 65535");
	} else if (has_prefix(opt, "reason=", &value)) {
		if (strcmp(value, "action"))
			fail(p, value, "reason must be action: no other is told");
	} else if (has_prefix(opt, "id=", &value)) {
		if (!parse_u64(value, 0, &n))
			fail(p, value, "id must be 0: the packet goes to all who listen");
	} else if (has_prefix(opt, "userdata=", &value)) {
		fail(p, opt, "userdata= is not supported: those who listen are told the rule's table and cookie");
	} else {
		fail(p, opt, "controller() has max_len=, reason=action and id=0");
	}
}

/* controller(max_len=N,reason=action,id=0) */
static void parse_controller(struct parser *p, struct act *act, char *arg)
{
	char *at = inside(p, arg, arg), *opt;

	act->n = 65535;
	while (at && !p->failed && (opt = next_arg(&at)))
		controller_option(p, act, opt);
}

/* group:N and meter:N begin at 0 or 1. */
static void parse_group(struct parser *p, struct act *act, char *arg)
{
	uint64_t n;

	if (parse_u64(arg, MAX_GROUP_ID, &n))
		act->n = n;
	else
		fail(p, arg, "no group can have this number");
}

static void parse_meter(struct parser *p, struct act *act, char *arg)
{
	uint64_t n;

	if (parse_u64(arg, MAX_METER, &n) && n)
		act->n = n;
	else
		fail(p, arg, "a meter must be 1 to %d", MAX_METER);
}

static void parse_bpf_verb(struct parser *p, struct act *act, char *arg)
{
	char *in = inside(p, arg, arg);

	if (in)
		parse_bpf(p, act, in);
}

static const struct verb verbs[] = {
	{ "output", ACT_OUTPUT, ':', parse_output, 0, NULL },
	{ "drop", ACT_DROP, 0, NULL, 0, NULL },
	{ "in_port", ACT_IN_PORT, 0, NULL, 0, NULL },
	{ "flood", ACT_FLOOD, 0, NULL, 0, NULL },
	{ "all", ACT_ALL, 0, NULL, 0, NULL },
	{ "normal", ACT_NORMAL, 0, NULL, 0, NULL },
	{ "set_field", ACT_SET, ':', parse_set, 0, NULL },
	{ "load", ACT_SET, ':', parse_load, 0, NULL },
	{ "move", ACT_MOVE, ':', parse_move, 0, NULL },
	{ "mod_dl_src", ACT_SET, ':', NULL, 0, "dl_src" },
	{ "mod_dl_dst", ACT_SET, ':', NULL, 0, "dl_dst" },
	{ "mod_nw_src", ACT_SET, ':', NULL, 0, "nw_src" },
	{ "mod_nw_dst", ACT_SET, ':', NULL, 0, "nw_dst" },
	{ "mod_nw_tos", ACT_SET, ':', NULL, 0, "nw_tos" },
	{ "mod_nw_ecn", ACT_SET, ':', NULL, 0, "nw_ecn" },
	{ "mod_nw_ttl", ACT_SET, ':', NULL, 0, "nw_ttl" },
	{ "mod_tp_src", ACT_SET, ':', NULL, 0, "tp_src" },
	{ "mod_tp_dst", ACT_SET, ':', NULL, 0, "tp_dst" },
	{ "set_tunnel", ACT_SET, ':', NULL, 0, "tun_id" },
	{ "set_tunnel64", ACT_SET, ':', NULL, 0, "tun_id" },
	{ "write_metadata", ACT_SET, ':', NULL, 0, "metadata" },
	{ "mod_vlan_vid", ACT_VLAN_VID, ':', NULL, 4095, NULL },
	{ "mod_vlan_pcp", ACT_VLAN_PCP, ':', NULL, 7, NULL },
	{ "push_vlan", ACT_PUSH_VLAN, ':', parse_push_vlan, 0, NULL },
	{ "pop_vlan", ACT_POP_VLAN, 0, NULL, 0, NULL },
	{ "strip_vlan", ACT_POP_VLAN, 0, NULL, 0, NULL },
	{ "dec_ttl", ACT_DEC_TTL, 0, NULL, 0, NULL },
	{ "push_mpls", ACT_PUSH_MPLS, ':', parse_push_mpls, 0, NULL },
	{ "pop_mpls", ACT_POP_MPLS, ':', parse_pop_mpls, 0, NULL },
	{ "dec_mpls_ttl", ACT_DEC_MPLS_TTL, 0, NULL, 0, NULL },
	{ "set_mpls_label", ACT_SET, ':', NULL, 0, "mpls_label" },
	{ "set_mpls_tc", ACT_SET, ':', NULL, 0, "mpls_tc" },
	{ "set_mpls_ttl", ACT_SET, ':', NULL, 0, "mpls_ttl" },
	{ "goto_table", ACT_GOTO, ':', parse_goto, 0, NULL },
	{ "resubmit", ACT_RESUBMIT, '(', parse_resubmit, 0, NULL },
	{ "group", ACT_GROUP, ':', parse_group, 0, NULL },
	{ "meter", ACT_METER, ':', parse_meter, 0, NULL },
	{ "ct_clear", ACT_CT_CLEAR, 0, NULL, 0, NULL },
	{ "controller", ACT_CONTROLLER, '(', parse_controller, 0, NULL },
	{ "bpf", ACT_BPF, '(', parse_bpf_verb, 0, NULL },
};

/* What an action names must be there. */
static void check_names(struct parser *p, const struct act *act, const char *tok)
{
	const struct rule_names *names = p->names;
	char why[256];

	if (names && names->act && !names->act(act, why, sizeof(why), names->arg))
		fail(p, tok, "%s", why);
}

static void parse_arg(struct parser *p, struct act *act, const struct verb *v,
		      char *arg)
{
	uint64_t n;

	if (v->parse)
		v->parse(p, act, arg);
	else if (v->field)
		set_value(p, act, arg, field_find(v->field, strlen(v->field)));
	else if (parse_u64(arg, v->max, &n))
		act->n = n;
	else
		fail(p, arg, "%s takes a number up to %u", v->name, v->max);
	if (!p->failed)
		check_names(p, act, arg);
}

/* What ovs-ofctl knows and there is not. */
static const char *const unsupported[] = {
	"apply_actions", "bundle", "bundle_load", "check_pkt_larger", "clear_actions", "clone",
	"conjunction", "decap", "delete_field", "encap", "enqueue", "exit", "fin_timeout", "learn",
	"multipath", "note", "pop", "pop_queue", "push", "sample", "set_queue", "write_actions",
};

static void fail_verb(struct parser *p, const char *tok, size_t len)
{
	unsigned int i;

	for (i = 0; i < sizeof(unsupported) / sizeof(unsupported[0]); i++)
		if (strlen(unsupported[i]) == len && !strncasecmp(unsupported[i], tok, len))
			fail(p, tok, "%s is not supported", unsupported[i]);
	fail(p, tok, "no action or port has this name");
}

/* The other ways to say controller, output and resubmit, and a port alone. */
static bool parse_odd(struct parser *p, struct act *act, char *tok)
{
	char *rest = tok;
	uint64_t n;

	if (*tok == '"' || (*tok >= '0' && *tok <= '9')) {
		act->type = ACT_OUTPUT;
		parse_port(p, tok, &act->n);
		return true;
	}
	if (!strncasecmp(tok, "resubmit:", 9)) {
		act->type = ACT_RESUBMIT;
		resubmit_port(p, act, tok + 9);
		resubmit_table(p, act, "", tok);
		return true;
	}
	if (!strncasecmp(tok, "output(", 7)) {
		parse_output_part(p, act, tok + 7);
		return true;
	}
	if (!strncasecmp(tok, "dec_ttl(", 8)) {
		fail(p, tok + 8, "dec_ttl takes no controllers: none is told of a packet without hops left");
		return true;
	}
	if (strncasecmp(tok, "controller", 10) || tok[10] == '(')
		return false;
	act->type = ACT_CONTROLLER;
	act->n = 65535;
	rest += 10;
	if (*rest == ':' && parse_u64(rest + 1, 65535, &n))
		act->n = n;
	else if (*rest)
		fail(p, rest, "controller takes :LENGTH or (max_len=LENGTH)");
	return true;
}

static void parse_verb(struct parser *p, struct act *act, char *tok)
{
	size_t len = strcspn(tok, ":(");
	unsigned int i;

	if (parse_odd(p, act, tok))
		return;
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strlen(verbs[i].name) == len && !strncasecmp(verbs[i].name, tok, len))
			break;
	if (i == sizeof(verbs) / sizeof(verbs[0])) {
		act->type = ACT_OUTPUT;
		if (!find_port(p, tok, &act->n))
			fail_verb(p, tok, len);
		return;
	}
	act->type = verbs[i].type;
	if (tok[len] != verbs[i].arg)
		fail(p, tok, "%s %s", verbs[i].name, verbs[i].arg == ':' ?
		     "needs a colon and an argument" : verbs[i].arg ?
		     "needs parentheses" : "takes no argument");
	else if (verbs[i].arg)
		parse_arg(p, act, &verbs[i], tok + len + 1);
}

/* In ct(exec()) the connection's fields are set, elsewhere all others. */
static void check_exec(struct parser *p, const struct act *act, char *tok,
		       bool exec)
{
	bool ct = (act->type == ACT_SET || act->type == ACT_MOVE) &&
		  act->field && act->field->flags & FF_CT;

	if (exec && !ct)
		fail(p, tok, "exec() sets ct_mark and ct_label alone");
	else if (!exec && ct)
		fail(p, tok, "%s is set in ct(exec()) alone", act->field->name);
}

/**
 * parse_actions - read what is left of a text as actions
 * @p: the text; the actions are added to @p->acts.
 * @exec: they are those of ct(exec()).
 */
void parse_actions(struct parser *p, bool exec)
{
	struct act *act;
	char *tok, *arg;

	while (!p->failed && (tok = next_token(p))) {
		if (p->n_acts == MAX_ACTIONS) {
			fail(p, tok, "more than %d actions", MAX_ACTIONS);
			return;
		}
		act = &p->acts[p->n_acts];
		if (p->n_acts && act[-1].type == ACT_GOTO) {
			fail(p, tok, "nothing may follow goto_table");
			return;
		}
		memset(act, 0, sizeof(*act));
		if (!exec && has_prefix(tok, "ct(", &arg)) {
			arg = inside(p, tok, arg);
			if (arg)
				parse_ct(p, arg);
			continue;
		}
		parse_verb(p, act, tok);
		if (!p->failed)
			check_exec(p, act, tok, exec);
		p->n_acts++;
	}
}
