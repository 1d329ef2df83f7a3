// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Looking ahead: whether a packet that recirculates comes back for ever.
 *
 * The stages are walked through for this very packet, until one sees it again just as
 * it was.  What a program, conntrack or a hash makes of the packet on its way is not
 * known before it is back.  Where a stage asks for that its way is not certain, and is
 * followed no further: the datapath bounds it.
 *
 * What the stages read before that is read here: another packet of the same megaflow
 * might go another way.
 */
#include "walk.h"
#include "text.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* Stages, of all copies of the packet together. */
#define MAX_AHEAD 32

/**
 * struct visit - a packet that comes to a stage
 * @to: the stage.
 * @by: the visit that it comes from; that of the first is itself.
 * @cur: the packet; 0 where it is not known.
 * @known: bits that are constants since the packet of the megaflow came.
 * @unknown: bits that are not known.
 * @ttl_below: as in &struct state.
 */
struct visit {
	struct frozen *to;
	unsigned int by;
	struct flow cur;
	struct flow known;
	struct flow unknown;
	bool ttl_below;
};

/**
 * struct ahead - a look ahead
 * @n: visits so far.
 * @now: the one under way.
 * @first_op: of the one under way.
 * @loop: the visit that one comes back to, or -1.
 * @v: visits; the first is that of the megaflow.
 */
struct ahead {
	unsigned int n;
	unsigned int now;
	unsigned int first_op;
	int loop;
	struct visit v[MAX_AHEAD];
};

static bool meets(const struct flow *a, const struct flow *b)
{
	const flow_word *x = (const flow_word *)a, *y = (const flow_word *)b;
	size_t i;

	for (i = 0; i < FLOW_WORDS; i++)
		if (x[i] & y[i])
			return true;
	return false;
}

/* Bits are 0. */
static void clear(struct flow *flow, const struct flow *mask)
{
	const flow_word *m = (const flow_word *)mask;
	flow_word *f = (flow_word *)flow;
	size_t i;

	for (i = 0; i < FLOW_WORDS; i++)
		f[i] &= ~m[i];
}

/**
 * ahead_read - bits were read on the way ahead
 * @w: the walk.
 * @mask: which.
 *
 * If one of them is not known, this is where certainty ends.
 */
void ahead_read(struct walk *w, const struct flow *mask)
{
	if (meets(mask, &w->s.unknown))
		w->s.done = true;
}

/* Bits are constants, and so are known. */
void ahead_known(struct walk *w, const struct flow *mask)
{
	clear(&w->s.unknown, mask);
}

/* What a program may write is not known behind it. */
static void unknown_by(const struct walk *w, const struct op *op,
		       const struct progwrites *pw, const struct flow *except,
		       struct flow *unknown)
{
	struct flow changed = {};

	if (pw && !w->s.unknown.dl_type) {
		progwrites_fields(pw, &op->value, w->ethernet, &changed);
	} else {
		memset(&changed, 0xff, FLOW_DP_LEN);
		changed.recirc_id = changed.in_port = 0;
	}
	flow_or(unknown, &changed, except);
}

/* Likewise, of one that runs now. */
static void unknown_by_last(struct walk *w, const struct op *op, struct flow *unknown)
{
	struct flow there = { .vlan_tci = htons(VLAN_PRESENT) };
	const struct progwrites *pw = !w->in->prog_writes ? NULL :
				      w->in->prog_writes(op->act.prog, w->in->arg);

	if (pw && progwrites_needs_vlan(pw))
		consult(w, &there);
	unknown_by(w, op, pw, NULL, unknown);
}

/* A program runs on the way ahead, and the walk goes on behind it. */
void ahead_program(struct walk *w, const struct op *op)
{
	struct flow unknown = {};

	unknown_by_last(w, op, &unknown);
	flow_or(&w->s.unknown, &unknown, NULL);
	flow_or(&w->s.known, &unknown, NULL);
	clear(&w->s.cur, &unknown);
}

/* A connection that is looked up once more, and nothing else, stays as it is. */
static bool is_tracked(struct walk *w, const struct op *op)
{
	const struct act_ct *ct = &op->act.ct;
	struct flow mask = { .ct_state = htonl(CT_TRACKED), .ct_zone = 0xffff };

	if (ct->commit || ct->force || ct->nat != NAT_NONE || ct->n_exec)
		return false;
	consult(w, &mask);
	return !meets(&mask, &w->s.unknown) && ntohs(w->s.cur.ct_zone) == op->n &&
	       w->s.cur.ct_state & htonl(CT_TRACKED);
}

static void unknown_by_nat(struct flow *unknown)
{
	unknown->nw_src = unknown->nw_dst = UINT32_MAX;
	memset(unknown->ipv6_src, 0xff, 16);
	memset(unknown->ipv6_dst, 0xff, 16);
	unknown->tp_src = unknown->tp_dst = 0xffff;
}

/* Fragments are put together: there is a layer 4 then. */
static void unknown_by_defrag(struct flow *unknown)
{
	size_t l4 = offsetof(struct flow, nd_target);

	unknown->nw_frag = 0xff;
	unknown->ipv6_exthdr = 0xffff;
	memset((uint8_t *)unknown + l4, 0xff, FLOW_DP_LEN - l4);
}

/* What is known behind conntrack: that it was there, and the zone. */
static void unknown_by_ct(struct walk *w, const struct op *op, struct visit *v)
{
	if (v->cur.nw_frag || w->s.unknown.nw_frag)
		unknown_by_defrag(&v->unknown);
	if (is_tracked(w, op))
		return;
	memset((uint8_t *)&v->unknown + FLOW_CT_OFS, 0xff, FLOW_CT_END - FLOW_CT_OFS);
	v->unknown.ct_zone = 0;
	v->cur.ct_zone = htons(op->n);
	v->unknown.ct_state = ~htonl(CT_TRACKED);
	v->cur.ct_state = htonl(CT_TRACKED);
	v->known.ct_zone = 0xffff;
	v->known.ct_state = UINT32_MAX;
	if (op->act.ct.nat != NAT_NONE)
		unknown_by_nat(&v->unknown);
}

static bool begins_with_pick(const struct frozen *f)
{
	return f->n_frames && f->frames[f->n_frames - 1].acts[0].type == ACT_PICK;
}

/* A packet that came with its hash, and is as it was, has the same hash again. */
static bool keeps_hash(const struct walk *w, unsigned int first_op)
{
	unsigned int i;

	if (!begins_with_pick(w->from))
		return false;
	for (i = first_op; i < w->out->n_ops; i++)
		switch (w->out->ops[i].type) {
		case OP_NONE:
		case OP_OUTPUT:
		case OP_METER:
		case OP_CONTROLLER:
		case OP_CLONE:
		case OP_HASH:
		case OP_RECIRC:
		case OP_END:
			break;
		default:
			return false;
		}
	return true;
}

/* The packet as it comes to the next stage. */
static void make_visit(struct walk *w, enum comes_back how, struct visit *v)
{
	const struct op *last = &w->out->ops[w->out->n_ops - 1];
	unsigned int i;

	v->cur = w->s.cur;
	v->cur.in_port = w->in_port;
	v->known = w->s.known;
	v->ttl_below = w->s.ttl_below;
	v->unknown = w->s.unknown;
	for (i = 0; i < w->s.n_bpf; i++) {
		const struct op *op = &w->out->ops[w->s.bpf[i]];

		unknown_by(w, op, op->writes, &w->s.known_since[i], &v->unknown);
	}
	if (how == BY_CT)
		unknown_by_ct(w, last, v);
	else if (how == BY_PROGRAM)
		unknown_by_last(w, last, &v->unknown);
	if (how == BY_PROGRAM ||
	    (how == BY_ANSWER && !keeps_hash(w, w->ahead->first_op)))
		v->unknown.dp_hash = UINT32_MAX;
	clear(&v->cur, &v->unknown);
	flow_or(&v->known, &v->unknown, NULL);
}

static bool same_visit(const struct visit *a, const struct visit *b)
{
	return a->to == b->to && !memcmp(&a->cur, &b->cur, FLOW_DP_LEN) &&
	       a->cur.packet_type == b->cur.packet_type &&
	       !memcmp(&a->unknown, &b->unknown, FLOW_DP_LEN);
}

/**
 * ahead_add - on the way ahead, the packet or a copy goes to a stage in any case
 * @w: the walk.
 * @to: the stage.
 * @how: by what.
 */
void ahead_add(struct walk *w, struct frozen *to, enum comes_back how)
{
	struct ahead *ah = w->ahead;
	struct visit *v = &ah->v[ah->n];
	unsigned int i, on;

	if (w->s.done || ah->loop >= 0 || ah->n == MAX_AHEAD)
		return;
	make_visit(w, how, v);
	if (w->s.done)
		return;
	v->to = to;
	v->by = ah->now;
	for (i = 0; i < ah->n; i++)
		if (same_visit(&ah->v[i], v))
			break;
	if (i == ah->n) {
		ah->n++;
		return;
	}
	/* Another copy may have been just there. */
	for (on = ah->now; on != i && on; on = ah->v[on].by)
		;
	if (on == i)
		ah->loop = i;
}

static unsigned int table_of(const struct visit *v)
{
	return v->to->n_frames ? v->to->frames[v->to->n_frames - 1].table : 0;
}

static void fail_loop(struct walk *w)
{
	const struct ahead *ah = w->ahead;
	unsigned int way[MAX_AHEAD], n = 0, on, table;
	char list[160] = "";
	int len = 0;

	for (on = ah->now; (int)on != ah->loop; on = ah->v[on].by)
		way[n++] = on;
	table = table_of(&ah->v[ah->loop]);
	if (!n)
		len = text_add(list, sizeof(list), len, "%u", table);
	while (n--)
		len = text_add(list, sizeof(list), len, "%s%u", len ? ", to table " : "",
			       table_of(&ah->v[way[n]]));
	walk_fail(w, "stage loop: a packet that recirculates from table %u to table %s comes back to table %u for ever",
		  table, list, table);
}

/* Walk through a stage as the packet will. */
static void visit(struct walk *w, const struct visit *v)
{
	struct xlate_out *out = w->out;
	unsigned int n_ops = out->n_ops, n_rules = out->n_rules;
	unsigned int n_branches = out->n_branches;

	state_begin(w, &v->cur);
	w->s.known = v->known;
	w->s.unknown = v->unknown;
	w->s.ttl_below = v->ttl_below;
	w->n_lookups = w->n_branches = w->nest = 0;
	w->ahead->first_op = n_ops;
	walk_resume(w, v->to);
	walk_run(w);
	/* What goes wrong there is told when the packet is there. */
	out->error = NULL;
	out->n_ops = n_ops;
	out->n_rules = n_rules;
	out->n_branches = n_branches;
}

static void look(struct walk *w)
{
	struct ahead *ah = w->ahead;

	while (ah->loop < 0 && !w->no_memory && ah->now + 1 < ah->n)
		visit(w, &ah->v[++ah->now]);
}

/**
 * goes_round - whether a packet that recirculates would do so for ever
 * @w: the walk, which has been resumed itself.
 * @to: the stage that the packet goes to.
 * @how: by what.
 *
 * The error that tells of it names the tables.
 *
 * Return: whether it would, or there is no memory to tell.
 */
bool goes_round(struct walk *w, struct frozen *to, enum comes_back how)
{
	struct ahead *ah = malloc(sizeof(*ah));
	struct walk *saved = malloc(sizeof(*saved));
	bool learns = w->out->learns, loops;
	struct mac_key learn = w->out->learn;

	if (!ah || !saved) {
		free(ah);
		free(saved);
		walk_fail(w, "out of memory");
		return true;
	}
	*saved = *w;
	memset(ah, 0, offsetof(struct ahead, v) + sizeof(ah->v[0]));
	ah->loop = -1;
	ah->n = 1;
	ah->v[0].to = w->from;
	ah->v[0].cur = *w->flow;
	w->ahead = ah;
	memset(&w->s.unknown, 0, sizeof(w->s.unknown));
	ahead_add(w, to, how);
	look(w);
	loops = ah->loop >= 0;
	w->out->learns = learns;
	w->out->learn = learn;
	if (loops)
		fail_loop(w);
	else if (w->no_memory)
		walk_fail(w, "out of memory");
	loops |= w->no_memory;
	*w = *saved;
	w->s.done |= loops;
	free(saved);
	free(ah);
	return loops;
}
