// SPDX-License-Identifier: GPL-2.0-or-later
/* The way of a packet, as an upcall would find it, stage by stage. */
#include <arpa/inet.h>
#include <linux/openvswitch.h>
#include <stdlib.h>
#include <string.h>

#include "../pipeline/follow.h"
#include "command.h"
#include "switch.h"

/**
 * struct tracing - a stage under way
 * @journey: the way so far.
 * @lines: what happens there.
 * @incomplete: there was no memory for all of it.
 */
struct tracing {
	struct journey *journey;
	json_t *lines;
	bool incomplete;
};

static void on_line(const char *line, void *tracing)
{
	struct tracing *t = tracing;

	t->incomplete |= json_array_append_new(t->lines, json_string(line));
}

static void on_stage(const struct xlate_stage *stage, void *tracing)
{
	journey_stage(stage, ((struct tracing *)tracing)->journey);
}

static void put(struct tracing *t, json_t *o, const char *key, json_t *value)
{
	t->incomplete |= json_object_set_new(o, key, value);
}

/* A match without the comma behind it. */
static json_t *match_text(const struct flow *flow, const struct flow *mask)
{
	static char text[RULE_TEXT];
	int n = match_format(flow, mask, text, sizeof(text));

	return json_stringn(text, n ? n - 1 : 0);
}

/* Fields that are not 0. */
static json_t *packet_text(const struct flow *flow)
{
	static const uint8_t ones[FIELD_MAX] = { [0 ... FIELD_MAX - 1] = 0xff };
	struct flow mask = { .dl_type = 0xffff };
	unsigned int i;

	for (i = 0; i < n_fields; i++)
		if (field_any(&fields[i], flow))
			field_put(&fields[i], &mask, ones);
	return match_text(flow, &mask);
}

/* Actions as flow dump has them, but for what is counted.  Null if they don't fit. */
static json_t *actions_text(struct sw *sw, const struct xlate_out *out)
{
	const struct odp_env env = { .names = true };
	struct nl_msg *msg = dpnl_msg(&sw->nl, F_FLOW, OVS_FLOW_CMD_NEW, 0);
	struct nlattr *nest = msg ? odp_nest(msg, OVS_FLOW_ATTR_ACTIONS) : NULL;
	static char text[65536];

	if (!msg)
		return NULL;
	text[0] = 0;
	if (nest && !odp_put_ops(msg, out, &env)) {
		odp_nest_end(msg, nest);
		odp_format_actions(nest, text, sizeof(text), 0);
	}
	dpnl_free(&sw->nl, msg);
	return *text ? json_string(text) : json_null();
}

/* Bits that a program may write and that are read behind it, as text. */
static json_t *writes_text(const struct op *op, const struct flow *flow)
{
	struct flow changed, both = {};
	const flow_word *c = (const flow_word *)&changed, *m = (const flow_word *)&op->mask;
	flow_word *b = (flow_word *)&both;
	size_t i;

	progwrites_fields(op->writes, &op->value, flow->ethernet, &changed);
	for (i = 0; i < FLOW_DP_LEN / sizeof(*b); i++)
		b[i] = c[i] & m[i];
	return match_text(&op->value, &both);
}

/* Why a program has the mode that it has. */
static const char *why_mode(const struct op *op)
{
	if (op->filter)
		return "it changes nothing";
	if (!op->found)
		return op->act.mode_given ? "the rule says so" :
		       "what is behind it is too much to be followed for each outcome";
	if (op->act.mode == MODE_PROGRAM)
		return "it writes nothing that is read behind it";
	return op->writes ? "it may write what is read behind it" :
	       "it may write anything";
}

static json_t *describe_prog(struct tracing *t, const struct xlate_out *out,
			     unsigned int at, const struct flow *flow)
{
	static const char *const modes[] = { "program", "always", "changed", "auto" };
	const struct op *op = &out->ops[at];
	const uint32_t *said = assumed_said(t->journey->assumed, op->act.prog);
	json_t *o = json_pack("{s:s,s:s,s:s*,s:s}", "name", op->act.prog, "class",
			      op->filter ? "filter" : "action program", "mode",
			      op->filter ? NULL : modes[op->act.mode], "why", why_mode(op));
	char room[24];

	if (op->found && op->writes && op->act.mode == MODE_CHANGED)
		put(t, o, "meets", writes_text(op, flow));
	if (said)
		put(t, o, "told", json_pack("{s:I,s:s}", "gives", (json_int_t)*said, "takes",
					    branch_for(out, at, *said, room, sizeof(room))));
	return o;
}

static json_t *describe_progs(struct tracing *t, const struct xlate_out *out,
			      const struct flow *flow)
{
	json_t *progs = json_array();
	unsigned int i;

	for (i = 0; i < out->n_ops; i++)
		if (out->ops[i].type == OP_BPF)
			t->incomplete |= json_array_append_new(progs,
							       describe_prog(t, out, i, flow));
	return progs;
}

/* Translate a stage, and tell what becomes of the packet there. */
static void trace_stage(struct sw *sw, struct tracing *t, unsigned int n, json_t *row)
{
	static struct xlate_out out;
	const struct xlate_watch watch = { .line = on_line, .stage = on_stage, .arg = t };
	const struct flow *flow = &t->journey->leg[n].flow;
	struct flow mask;

	t->lines = json_array();
	sw_watch(sw, flow, &out, &watch);
	mask = out.wc;
	mask.nw_frag = 0;	/* every megaflow has it */
	put(t, row, "packet", packet_text(flow));
	put(t, row, "way", t->lines);
	put(t, row, "programs", describe_progs(t, &out, flow));
	put(t, row, "megaflow", match_text(flow, &mask));
	put(t, row, "actions", actions_text(sw, &out));
	if (out.error)
		put(t, row, "error", json_string(out.error));
	else
		journey_go_on(t->journey, n, &out);
}

static int trace_leg(struct sw *sw, struct journey *j, unsigned int n, struct reply *r)
{
	struct tracing t = { .journey = j };
	const struct leg *leg = &j->leg[n];
	json_t *row = json_pack("{s:i,s:i}", "stage", n, "depth", leg->depth);

	if (n)
		put(&t, row, "by", json_string(leg->by));
	if (leg->same < 0)
		trace_stage(sw, &t, n, row);
	else
		put(&t, row, "again", json_pack("{s:i}", "as", leg->same));
	if (n + 1 == j->n && j->cut)
		put(&t, row, "cut", json_true());
	if (t.incomplete) {
		json_decref(row);
		row = NULL;
	}
	return reply_row(r, row);
}

/*
 * A packet without an Ethernet header tells its packet_type, which is its Ethernet type,
 * too.  Return: 0, or -1 if there is no such packet.
 */
static int without_ethernet(struct flow *flow, const struct flow *given, struct reply *r)
{
	static const uint8_t none[sizeof(flow->dl_src)];
	uint16_t type = ntohl(flow->packet_type);
	const char *what = NULL;

	if (given->dl_type && flow->dl_type != htons(type))
		return reply_fail(r, "packet_type=(1,0x%x) is not of dl_type=0x%x", type,
				  ntohs(flow->dl_type));
	if (memcmp(given->dl_src, none, sizeof(none)))
		what = "dl_src";
	else if (memcmp(given->dl_dst, none, sizeof(none)))
		what = "dl_dst";
	else if (given->vlan_tci || given->vlan_tci2 || given->vlan_tpid || given->vlan_tpid2)
		what = "VLAN";
	if (what)
		return reply_fail(r, "a packet without an Ethernet header has no %s", what);
	flow->dl_type = htons(type);
	return 0;
}

/* Return: 0, or -1 if there is no such packet. */
static int read_packet(struct sw *sw, const char *text, struct flow *flow, struct reply *r)
{
	const struct rule_names names = { .port = sw_port_named, .arg = sw };
	struct rule *like;
	char why[1024];
	int err = 0;

	like = rule_read(&names, text, false, why, sizeof(why));
	if (!like)
		return reply_fail(r, "%s", why);
	*flow = like->match;
	if (flow->packet_type)
		err = without_ethernet(flow, &like->mask, r);
	else
		flow->ethernet = true;
	free(like);
	return err;
}

/* trace FLOW [ASSUMED...] */
int cmd_trace(struct sw *sw, const struct args *a, struct reply *r)
{
	static struct journey j;
	struct assumed assumed = { .n_ct = 0 };
	struct flow packet;
	const char *bad;
	unsigned int i;

	for (i = 0; i < a->n_rest; i++) {
		bad = assumed_parse(&assumed, a->rest[i]);
		if (bad)
			return reply_fail(r, "\"%.60s\": %s", a->rest[i], bad);
	}
	if (read_packet(sw, args_get(a, "FLOW"), &packet, r))
		return -1;
	reply_list(r);
	journey_begin(&j, &packet, &assumed);
	for (i = 0; i < j.n && !r->failed; i++)
		trace_leg(sw, &j, i, r);
	return r->failed ? -1 : 0;
}
