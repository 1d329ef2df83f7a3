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
 */
struct tracing {
	struct journey *journey;
	json_t *lines;
};

static void on_line(const char *line, void *tracing)
{
	json_array_append_new(((struct tracing *)tracing)->lines, json_string(line));
}

static void on_stage(const struct xlate_stage *stage, void *tracing)
{
	journey_stage(stage, ((struct tracing *)tracing)->journey);
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

/* Actions as flow dump has them, but for what is counted.  Return: NULL if they don't fit. */
static json_t *actions_text(struct sw *sw, const struct xlate_out *out)
{
	const struct odp_env env = { .names = true };
	struct nl_msg *msg = dpnl_msg(&sw->nl, F_FLOW, OVS_FLOW_CMD_NEW, 0);
	struct nlattr *nest = msg ? odp_nest(msg, OVS_FLOW_ATTR_ACTIONS) : NULL;
	static char text[65536];

	text[0] = 0;
	if (nest && !odp_put_ops(msg, out, &env)) {
		odp_nest_end(msg, nest);
		odp_format_actions(nest, text, sizeof(text), 0);
	}
	dpnl_free(&sw->nl, msg);
	return *text ? json_string(text) : NULL;
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

static json_t *describe_prog(const struct xlate_out *out, unsigned int at,
			     const struct flow *flow, const struct assumed *assumed)
{
	static const char *const modes[] = { "program", "always", "changed", "auto" };
	const struct op *op = &out->ops[at];
	const uint32_t *said = assumed_said(assumed, op->act.prog);
	json_t *o = json_pack("{s:s,s:s,s:s*,s:s}", "name", op->act.prog, "class",
			      op->filter ? "filter" : "action program", "mode",
			      op->filter ? NULL : modes[op->act.mode], "why", why_mode(op));
	const char *branch;
	char room[24];

	if (op->found && op->writes && op->act.mode == MODE_CHANGED)
		json_object_set_new(o, "meets", writes_text(op, flow));
	if (said) {
		branch = branch_for(out, at, *said, room, sizeof(room));
		json_object_set_new(o, "told", json_pack("{s:I,s:s}", "gives",
							 (json_int_t)*said, "takes", branch));
	}
	return o;
}

static json_t *describe_progs(const struct xlate_out *out, const struct flow *flow,
			      const struct assumed *assumed)
{
	json_t *progs = json_array();
	unsigned int i;

	for (i = 0; i < out->n_ops; i++)
		if (out->ops[i].type == OP_BPF)
			json_array_append_new(progs, describe_prog(out, i, flow, assumed));
	return progs;
}

/* Translate a stage.  Return: what becomes of the packet there. */
static json_t *trace_stage(struct sw *sw, struct journey *j, unsigned int n)
{
	static struct xlate_out out;
	struct tracing t = { .journey = j, .lines = json_array() };
	const struct xlate_watch watch = { .line = on_line, .stage = on_stage, .arg = &t };
	const struct flow *flow = &j->leg[n].flow;
	struct flow mask;

	sw_watch(sw, flow, &out, &watch);
	mask = out.wc;
	mask.nw_frag = 0;	/* every megaflow has it */
	if (!out.error)
		journey_go_on(j, n, &out);
	return json_pack("{s:o,s:o,s:o,s:o,s:o*,s:s*}", "packet", packet_text(flow),
			 "way", t.lines, "programs",
			 describe_progs(&out, flow, j->assumed), "megaflow",
			 match_text(flow, &mask), "actions", actions_text(sw, &out),
			 "error", out.error);
}

static int trace_leg(struct sw *sw, struct journey *j, unsigned int n, struct reply *r)
{
	const struct leg *leg = &j->leg[n];
	json_t *row;

	if (leg->same < 0)
		row = trace_stage(sw, j, n);
	else
		row = json_pack("{s:{s:i}}", "again", "as", leg->same);
	json_object_set_new(row, "stage", json_integer(n));
	json_object_set_new(row, "depth", json_integer(leg->depth));
	if (n)
		json_object_set_new(row, "by", json_string(leg->by));
	if (n + 1 == j->n && j->cut)
		json_object_set_new(row, "cut", json_true());
	return reply_row(r, row);
}

/* trace FLOW [ASSUMED...] */
int cmd_trace(struct sw *sw, const struct args *a, struct reply *r)
{
	static const uint8_t no_mac[6];
	static struct journey j;
	struct assumed assumed = { .n_ct = 0 };
	const char *bad;
	struct rule *like;
	char why[1024];
	unsigned int i;

	for (i = 0; i < a->n_rest; i++) {
		bad = assumed_parse(&assumed, a->rest[i]);
		if (bad)
			return reply_fail(r, "\"%.60s\": %s", a->rest[i], bad);
	}
	like = rule_parse(args_get(a, "FLOW"), false, why, sizeof(why));
	if (!like)
		return reply_fail(r, "%s", why);
	/* A packet of which no address is told is taken for one that may have none. */
	like->match.ethernet = !like->match.packet_type &&
			       (memcmp(like->match.dl_src, no_mac, 6) ||
				memcmp(like->match.dl_dst, no_mac, 6));
	reply_list(r);
	journey_begin(&j, &like->match, &assumed);
	free(like);
	for (i = 0; i < j.n && !r->failed; i++)
		trace_leg(sw, &j, i, r);
	return r->failed ? -1 : 0;
}
