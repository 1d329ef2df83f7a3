// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules, groups and a translation by them, for tests; see translation.h. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../pipeline/text.h"
#include "addrule.h"
#include "translation.h"

struct tables tables;
struct groups groups;
struct frozen_set frozen;
struct mac_table macs;
struct xlate_out out;
static const uint32_t ports[] = { 1, 2, 3 };
uint32_t dead_port;
bool apart;
char traced[65536];
void (*on_stage)(const struct xlate_stage *stage, void *arg);
void *stage_arg;

void add(const char *text)
{
	add_rule(&tables, text);
}

void add_group(const char *text)
{
	char err[256] = "";
	struct group *g = group_parse(text, err, sizeof(err));

	assert_string_equal(err, "");
	group_free(groups_insert(&groups, g));
}

int reset(void **state)
{
	struct rule_choice all = { .any_table = true };
	struct rule *rule;

	(void)state;
	while ((rule = tables_chosen(&tables, &all, NULL))) {
		tables_remove(&tables, rule);
		free(rule);
	}
	while (groups.first)
		group_free(groups_take(&groups, groups.first->id));
	frozen_clear(&frozen);
	mac_clear(&macs);
	dead_port = 0;
	apart = false;
	on_stage = NULL;
	return 0;
}

struct flow udp(uint16_t dst)
{
	struct flow f = {};

	f.in_port = htonl(3);
	f.ethernet = 1;
	f.dl_src[5] = 1;
	f.dl_dst[5] = 2;
	f.dl_type = htons(0x0800);
	f.nw_proto = 17;
	f.nw_ttl = 64;
	f.nw_src = htonl(0x0a000001);
	f.nw_dst = htonl(0x0a000002);
	f.tp_dst = htons(dst);
	return f;
}

static bool port_live(uint32_t port, void *arg)
{
	(void)arg;
	return port != dead_port;
}

/* f... are filters, x... unknown. */
static enum prog_class prog_class(const char *name, void *arg)
{
	(void)arg;
	return *name == 'f' ? PROG_FILTER : *name == 'x' ? PROG_UNKNOWN : PROG_ACTION;
}

static void trace(const char *line, void *arg)
{
	(void)arg;
	snprintf(traced + strlen(traced), sizeof(traced) - strlen(traced), "%s\n", line);
}

static struct flow all_reads;

static void on_read(const struct xlate_read *read, void *arg)
{
	(void)arg;
	/* One thing has read it, and it is known which. */
	assert_true(!read->act || !read->why);
	assert_false(flow_is_zero(&read->mask));
	flow_or(&all_reads, &read->mask, NULL);
}

static int put_op(char *buf, size_t size, int n, const struct op *op)
{
	char text[512];
	uint32_t lse;

	switch (op->type) {
	case OP_OUTPUT:
		return text_add(buf, size, n, "%u", op->n);
	case OP_TRUNC:
		return text_add(buf, size, n, "trunc%u", op->n);
	case OP_SET:
		match_format(&op->value, &op->mask, text, sizeof(text));
		return text_add(buf, size, n, "set(%.*s)", (int)strlen(text) - 1, text);
	case OP_SET_TUNNEL:
		return text_add(buf, size, n, "tunnel(%llu)",
				(unsigned long long)be64toh(op->value.tun_id));
	case OP_PUSH_VLAN:
		return text_add(buf, size, n, "push(0x%x,%u,%u)", op->n,
				op->tci & 0xfff, op->tci >> 13);
	case OP_POP_VLAN:
		return text_add(buf, size, n, "pop");
	case OP_DEC_TTL:
		return text_add(buf, size, n, "dec_ttl");
	case OP_PUSH_MPLS:
		lse = ntohl(op->value.mpls_lse[0]);
		return text_add(buf, size, n, "push_mpls(0x%x,%u,%u,%u,%u)", op->n,
				lse >> 12, lse >> 9 & 7, lse >> 8 & 1, lse & 255);
	case OP_POP_MPLS:
		return text_add(buf, size, n, "pop_mpls(0x%x)", op->n);
	case OP_BPF:
		return text_add(buf, size, n, "%s%s%s", op->act.prog,
				!op->filter && op->act.mode == MODE_ALWAYS ? "!" : "",
				op->recirc_id ? "@" : "");
	case OP_METER:
		return text_add(buf, size, n, "meter%u", op->n);
	case OP_CT:
		return text_add(buf, size, n, "ct%u%s", op->n, op->act.ct.commit ? "+" : "");
	case OP_CT_CLEAR:
		return text_add(buf, size, n, "ct_clear");
	case OP_HASH:
		return text_add(buf, size, n, "hash");
	case OP_RECIRC:
		return text_add(buf, size, n, "recirc");
	case OP_CONTROLLER:
		return text_add(buf, size, n, "controller%u", op->n);
	case OP_CLONE:
		return text_add(buf, size, n, "clone{");
	case OP_CASE:
		return text_add(buf, size, n, "%u:{", op->n);
	case OP_DEFAULT:
		return text_add(buf, size, n, "else{");
	case OP_END:
		return text_add(buf, size, n, "}");
	case OP_NONE:
		break;
	}
	return n;
}

/* Translates, and writes the operations. */
const char *run(const struct flow *f)
{
	const struct xlate_watch watch = { .line = trace, .read = on_read,
					   .stage = on_stage, .arg = stage_arg };
	struct xlate_in in = { .tables = &tables, .groups = &groups,
			       .frozen = &frozen, .macs = &macs, .ports = ports,
			       .n_ports = 3, .now = 1000, .apart = apart,
			       .port_live = port_live,
			       .prog_class = prog_class, .watch = &watch };
	static char buf[16384];
	unsigned int i;
	int n = 0;

	traced[0] = buf[0] = 0;
	memset(&all_reads, 0, sizeof(all_reads));
	xlate(&in, f, &out);
	/* Whatever is in a mask, something has read it. */
	assert_memory_equal(&all_reads, &out.wc, sizeof(out.wc));
	if (out.error)
		return out.error;
	for (i = 0; i < out.n_ops; i++) {
		if (out.ops[i].type == OP_NONE)
			continue;
		if (n && out.ops[i].type != OP_END && buf[n - 1] != '{')
			n = text_add(buf, sizeof(buf), n, " ");
		n = put_op(buf, sizeof(buf), n, &out.ops[i]);
	}
	return buf;
}

/* The packet as it comes back to the last stage that was named. */
struct flow back(struct flow f)
{
	unsigned int i;

	for (i = 0; i < out.n_ops; i++)
		if (out.ops[i].recirc_id)
			f.recirc_id = htonl(out.ops[i].recirc_id);
	return f;
}
