// SPDX-License-Identifier: GPL-2.0-or-later
/* The walk through the tables; see xlate.h. */
#include "xlate.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/**
 * struct walk - a translation under way
 * @in: what it goes by.
 * @out: what it makes.
 * @cur: the packet as the rules have it now.
 * @set: bits that rules have set since the datapath's packet was last made so.
 * @known: bits that are constants since the packet came.
 * @known_since: likewise, since each program.
 * @bpf: index of each program in @out->ops.
 * @n_bpf: programs so far.
 * @depth: tables visited.
 * @ethernet: the packet has an Ethernet header.
 * @done: the walk has ended.
 */
struct walk {
	const struct xlate_in *in;
	struct xlate_out *out;
	struct flow cur;
	struct flow set;
	struct flow known;
	struct flow known_since[MAX_PROGS];
	unsigned int bpf[MAX_PROGS];
	unsigned int n_bpf;
	unsigned int depth;
	bool ethernet;
	bool done;
};

static void walk_fail(struct walk *w, const char *why)
{
	w->out->error = why;
	w->done = true;
}

/* Bits were read. */
static void consult(struct walk *w, const struct flow *mask)
{
	unsigned int i;

	flow_or(&w->out->wc, mask, &w->known);
	for (i = 0; i < w->n_bpf; i++)
		flow_or(&w->out->ops[w->bpf[i]].mask, mask, &w->known_since[i]);
}

static void consult_field(struct walk *w, const struct field *f)
{
	struct flow mask = {};

	memset((uint8_t *)&mask + f->ofs, 0xff, f->len);
	consult(w, &mask);
}

/* Whether a field exists is told by the type, and the protocol. */
static void consult_prereq(struct walk *w, const struct field *f)
{
	struct flow mask = {};

	if (f->prereq == REQ_NONE)
		return;
	mask.dl_type = 0xffff;
	if (f->prereq == REQ_L4 || f->prereq == REQ_ICMP ||
	    f->prereq == REQ_IP4 || f->prereq == REQ_IP6 || f->prereq == REQ_IP)
		mask.nw_proto = 0xff;
	consult(w, &mask);
}

static struct op *add_op(struct walk *w, enum op_type type)
{
	struct op *op;

	if (w->out->n_ops == MAX_OPS) {
		walk_fail(w, "too many actions");
		return NULL;
	}
	op = &w->out->ops[w->out->n_ops++];
	memset(op, 0, sizeof(*op));
	op->type = type;
	return op;
}

/* Make the datapath's packet what the rules have made of it. */
static void commit(struct walk *w)
{
	struct flow dp_set = {};
	struct op *op;

	memcpy(&dp_set, &w->set, FLOW_DP_LEN);
	if (flow_is_zero(&dp_set))
		return;
	op = add_op(w, OP_SET);
	if (!op)
		return;
	op->mask = dp_set;
	op->value = w->cur;
	memset(&w->set, 0, sizeof(w->set));
}

static void do_output(struct walk *w, uint32_t port)
{
	struct op *op;

	commit(w);
	op = add_op(w, OP_OUTPUT);
	if (op)
		op->n = port;
}

/* A packet does not go out where it came in, unless told to by IN_PORT. */
static void do_ports(struct walk *w, const struct act *act)
{
	uint32_t in_port = ntohl(w->cur.in_port);
	unsigned int i;

	if (act->type == ACT_IN_PORT) {
		do_output(w, in_port);
	} else if (act->type == ACT_OUTPUT) {
		if (act->n != in_port)
			do_output(w, act->n);
	} else {
		for (i = 0; i < w->in->n_ports; i++)
			if (w->in->ports[i] != in_port)
				do_output(w, w->in->ports[i]);
	}
}

static void do_set(struct walk *w, const struct act *act)
{
	const struct field *f = act->field;
	uint8_t *cur = (uint8_t *)&w->cur + f->ofs;
	struct flow mask = {};
	unsigned int i;

	consult_prereq(w, f);
	if (!field_prereq_met(f, &w->cur))
		return;
	memcpy((uint8_t *)&mask + f->ofs, act->mask, f->len);
	for (i = 0; i < f->len; i++)
		cur[i] = act->value[i] | (cur[i] & ~act->mask[i]);
	flow_or(&w->set, &mask, NULL);
	flow_or(&w->known, &mask, NULL);
	for (i = 0; i < w->n_bpf; i++)
		flow_or(&w->known_since[i], &mask, NULL);
}

static void do_vlan(struct walk *w, const struct act *act)
{
	struct flow mask = { .vlan_tci = 0xffff };
	struct op *op;
	unsigned int i;

	/* Whether there is a tag decides what the datapath's action does. */
	consult(w, &mask);
	if (act->type == ACT_POP_VLAN && !w->cur.vlan_tci)
		return;
	commit(w);
	op = add_op(w, act->type == ACT_POP_VLAN ? OP_POP_VLAN : OP_PUSH_VLAN);
	if (!op)
		return;
	op->n = act->n;
	w->cur.vlan_tci = act->type == ACT_POP_VLAN ? 0 : htons(0x1000);
	flow_or(&w->known, &mask, NULL);
	for (i = 0; i < w->n_bpf; i++)
		flow_or(&w->known_since[i], &mask, NULL);
}

static bool frozen_equal(const struct frozen *a, const struct frozen *b)
{
	return a->table == b->table && a->n_acts == b->n_acts &&
	       a->metadata == b->metadata && a->result == b->result &&
	       !memcmp(a->reg, b->reg, sizeof(a->reg)) &&
	       !memcmp(a->acts, b->acts, a->n_acts * sizeof(a->acts[0]));
}

/**
 * frozen_find - find a state by its id
 * @set: the states.
 * @id: recirculation id.
 *
 * Return: the state, or NULL.
 */
struct frozen *frozen_find(const struct frozen_set *set, uint32_t id)
{
	struct frozen *f;

	for (f = set->first; f; f = f->next)
		if (f->id == id)
			return f;
	return NULL;
}

/**
 * frozen_rename - give a state another id
 * @set: the states.
 * @from: its id; no megaflow of ours may name it.
 * @to: the id that megaflows of a former daemon name.
 *
 * Return: whether it was possible: there is the one, and not the other.
 */
bool frozen_rename(struct frozen_set *set, uint32_t from, uint32_t to)
{
	struct frozen *f = frozen_find(set, from);

	if (!f || !to || frozen_find(set, to))
		return false;
	f->id = to;
	return true;
}

/* The state equal to @like, made if there is none. */
static struct frozen *frozen_get(struct frozen_set *set,
				 const struct frozen *like, uint64_t now)
{
	struct frozen *f;

	for (f = set->first; f; f = f->next)
		if (frozen_equal(f, like))
			break;
	if (!f) {
		f = malloc(sizeof(*f));
		if (!f)
			return NULL;
		*f = *like;
		do
			set->last_id++;
		while (!set->last_id || frozen_find(set, set->last_id));
		f->id = set->last_id;
		f->next = set->first;
		set->first = f;
	}
	f->born = now;
	return f;
}

/**
 * frozen_sweep - forget states that no megaflow names
 * @set: the states; those with @used set stay, and it is cleared.
 * @older_than: those younger than this time stay too, as a packet may be on its
 *	way to them.
 */
void frozen_sweep(struct frozen_set *set, uint64_t older_than)
{
	struct frozen **p = &set->first, *f;

	while ((f = *p)) {
		if (!f->used && f->born < older_than) {
			*p = f->next;
			free(f);
		} else {
			f->used = false;
			p = &f->next;
		}
	}
}

/* Forget all. */
void frozen_clear(struct frozen_set *set)
{
	frozen_sweep(set, UINT64_MAX);
	frozen_sweep(set, UINT64_MAX);
}

/*
 * What a program may write, by the analysis.  Which fields that makes may depend
 * on whether the packet has a tag: that is read here.
 */
static const struct progwrites *prog_writes(struct walk *w, const struct act *act)
{
	struct flow mask = { .vlan_tci = htons(0x1000) };
	const struct progwrites *pw;

	if (act->mode != MODE_AUTO || !w->in->prog_writes)
		return NULL;
	pw = w->in->prog_writes(act->prog, w->in->arg);
	if (pw && progwrites_needs_vlan(pw))
		consult(w, &mask);
	return pw;
}

/* Now that all that is read behind the programs is known: is it written? */
static void choose_modes(struct walk *w)
{
	unsigned int i;

	for (i = 0; i < w->n_bpf; i++) {
		struct op *op = &w->out->ops[w->bpf[i]];

		if (op->act.mode != MODE_AUTO)
			continue;
		op->act.mode = !op->writes ||
			       progwrites_meets(op->writes, &op->value,
						w->ethernet, &op->mask) ?
			       MODE_CHANGED : MODE_PROGRAM;
	}
}

/* A program: what is left behind it may be done now, later, or both. */
static void do_bpf(struct walk *w, const struct act *acts, unsigned int n_left,
		   uint8_t table)
{
	const struct act *act = acts;
	struct frozen like = { .table = table, .result = act->result };
	const struct progwrites *writes;
	struct frozen *f;
	struct op *op;

	if (w->n_bpf == MAX_PROGS) {
		walk_fail(w, "too many programs");
		return;
	}
	commit(w);
	like.n_acts = n_left;
	memcpy(like.acts, acts + 1, n_left * sizeof(*acts));
	like.metadata = w->cur.metadata;
	memcpy(like.reg, w->cur.reg, sizeof(like.reg));
	f = frozen_get(w->in->frozen, &like, w->in->now);
	writes = prog_writes(w, act);
	op = f ? add_op(w, OP_BPF) : NULL;
	if (!op) {
		walk_fail(w, "out of memory");
		return;
	}
	op->act = *act;
	op->writes = writes;
	op->value = w->cur;
	op->recirc_id = f->id;
	/* The datapath counts these in any case. */
	op->mask.dl_type = 0xffff;
	op->mask.vlan_tci = htons(0x1000);
	w->bpf[w->n_bpf] = w->out->n_ops - 1;
	/* A program does not reach registers and metadata. */
	memset(&w->known_since[w->n_bpf], 0, FLOW_DP_LEN);
	memset((uint8_t *)&w->known_since[w->n_bpf] + FLOW_DP_LEN, 0xff,
	       sizeof(struct flow) - FLOW_DP_LEN);
	w->n_bpf++;
	if (act->mode == MODE_ALWAYS)
		w->done = true;
}

static void walk_table(struct walk *w, unsigned int table);

static void walk_acts(struct walk *w, const struct act *acts, unsigned int n,
		      uint8_t table)
{
	unsigned int i;

	for (i = 0; i < n && !w->done; i++) {
		const struct act *a = &acts[i];

		switch (a->type) {
		case ACT_OUTPUT:
		case ACT_IN_PORT:
		case ACT_FLOOD:
			do_ports(w, a);
			break;
		case ACT_DROP:
			w->done = true;
			break;
		case ACT_SET:
			do_set(w, a);
			break;
		case ACT_PUSH_VLAN:
		case ACT_POP_VLAN:
			do_vlan(w, a);
			break;
		case ACT_BPF:
			do_bpf(w, a, n - i - 1, table);
			break;
		case ACT_GOTO:
			walk_table(w, a->n);
			return;
		}
	}
}

static void walk_table(struct walk *w, unsigned int table)
{
	struct flow read = {};
	struct rule *rule;

	if (w->depth++ == MAX_DEPTH) {
		walk_fail(w, "too many tables");
		return;
	}
	rule = tables_lookup(w->in->tables, table, &w->cur, &read);
	consult(w, &read);
	if (!rule) {
		w->done = true;
		return;
	}
	if (w->out->n_rules < MAX_RULES)
		w->out->rules[w->out->n_rules++] = rule;
	walk_acts(w, rule->acts, rule->n_acts, rule->table);
}

/* Go on behind a program. */
static void walk_resume(struct walk *w, const struct frozen *f)
{
	w->cur.metadata = f->metadata;
	memcpy(w->cur.reg, f->reg, sizeof(f->reg));
	if (f->result >= 0) {
		w->cur.reg[f->result] = w->cur.dp_hash;
		consult_field(w, field_find("dp_hash", 7));
	}
	walk_acts(w, f->acts, f->n_acts, f->table);
}

/**
 * xlate - translate a packet
 * @in: what to go by.
 * @flow: the packet's fields.
 * @out: the megaflow; one that drops has no actions.
 */
void xlate(const struct xlate_in *in, const struct flow *flow,
	   struct xlate_out *out)
{
	static const uint8_t no_mac[6];
	struct walk w = { .in = in, .out = out, .cur = *flow };
	const struct frozen *f;

	memset(&out->wc, 0, sizeof(out->wc));
	out->n_ops = out->n_rules = 0;
	out->error = NULL;
	/* Packets with and without one never share a megaflow. */
	w.ethernet = memcmp(flow->dl_src, no_mac, 6) ||
		     memcmp(flow->dl_dst, no_mac, 6);
	memset((uint8_t *)&w.known + FLOW_DP_LEN, 0xff,
	       sizeof(struct flow) - FLOW_DP_LEN);
	out->wc.recirc_id = UINT32_MAX;
	out->wc.in_port = UINT32_MAX;
	out->wc.dl_type = 0xffff;
	out->wc.nw_frag = 0xff;
	if (!flow->recirc_id) {
		walk_table(&w, 0);
	} else {
		f = frozen_find(in->frozen, ntohl(flow->recirc_id));
		if (f)
			walk_resume(&w, f);
		else
			walk_fail(&w, "unknown recirculation id");
	}
	if (out->error)
		out->n_ops = 0;
	else
		choose_modes(&w);
}
