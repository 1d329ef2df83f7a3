// SPDX-License-Identifier: GPL-2.0-or-later
/* Programs: what is left behind one is done now, later, or for each outcome. */
#include "walk.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Results that get a case of their own. */
#define MAX_VALUES 32

static enum prog_class class_of(const struct walk *w, const char *prog)
{
	return w->in->prog_class ? w->in->prog_class(prog, w->in->arg) :
	       PROG_ACTION;
}

/*
 * What a program may write, by the analysis.  Which fields that makes may depend
 * on whether the packet has a tag: that is read here.
 */
static const struct progwrites *prog_writes(struct walk *w, const struct act *act)
{
	struct flow mask = { .vlan_tci = htons(VLAN_PRESENT) };
	const struct progwrites *pw;

	if (act->mode != MODE_AUTO || !w->in->prog_writes)
		return NULL;
	pw = w->in->prog_writes(act->prog, w->in->arg);
	if (pw && progwrites_needs_vlan(pw))
		consult(w, &mask);
	return pw;
}

/* Now that all that is read behind the programs is known: is it written? */
void choose_modes(struct walk *w)
{
	unsigned int i;

	for (i = 0; i < w->out->n_ops; i++) {
		struct op *op = &w->out->ops[i];

		if (op->type != OP_BPF || op->filter || op->act.mode != MODE_AUTO)
			continue;
		op->found = true;
		op->act.mode = !op->writes ||
			       progwrites_meets(op->writes, &op->value,
						w->ethernet, &op->mask) ?
			       MODE_CHANGED : MODE_PROGRAM;
	}
}

/**
 * said_add - know what a filter has said of the packet
 * @w: the walk.
 * @prog: the filter.
 * @yes: it found what it looks for.
 */
void said_add(struct walk *w, const char *prog, bool yes)
{
	struct outcomes *s = &w->s.said;

	if (s->n == MAX_OUTCOMES) {
		walk_fail(w, "more than %d filters in one walk", MAX_OUTCOMES);
		return;
	}
	snprintf(s->o[s->n].prog, sizeof(s->o[s->n].prog), "%.*s", MAX_NAME - 1, prog);
	s->o[s->n++].yes = yes;
}

/* Whether there is room for so many branches more; they are then set aside. */
static bool branches_fit(struct walk *w, unsigned int n)
{
	if (w->nest == MAX_NEST || w->n_branches + n > MAX_BRANCHES)
		return false;
	w->n_branches += n;
	return true;
}

/* Whether the walk may go on for so many outcomes. */
static bool may_branch(struct walk *w, unsigned int n)
{
	return !w->in->apart && branches_fit(w, n);
}

static bool branch_begin(struct walk *w, enum op_type type, uint32_t value)
{
	struct op *op = add_op(w, type);

	if (!op)
		return false;
	op->n = value;
	w->s.branch = ++w->out->n_branches;
	w->nest++;
	return true;
}

static void branch_end(struct walk *w, const struct state *saved)
{
	w->nest--;
	w->s = *saved;
	add_op(w, OP_END);
}

/* Too large a tree: the packet comes back with what the filter said. */
static void ask_later(struct walk *w, struct op *op, const char *prog,
		      unsigned int table, uint32_t port)
{
	struct act todo[MAX_OUTCOMES + 1] = {};
	unsigned int i, n = w->s.said.n;

	for (i = 0; i <= n; i++) {
		todo[i].type = i < n ? ACT_OUTCOME : ACT_FILTERED;
		strcpy(todo[i].prog, i < n ? w->s.said.o[i].prog : prog);
		todo[i].n = i < n ? w->s.said.o[i].yes : table;
		todo[i].port = port;
	}
	op->recirc_id = walk_freeze(w, todo, n + 1, table, -1, BY_ANSWER);
	w->s.done = true;
}

/**
 * ask_filter - a rule is for packets of which a filter says so
 * @w: the walk.
 * @prog: the filter, which was not asked before.
 * @table: where the rule is.
 * @port: the in_port that the lookup there sees, or NO_PORT.
 *
 * The walk goes on for both answers, and is over then.
 */
void ask_filter(struct walk *w, const char *prog, unsigned int table,
		uint32_t port)
{
	struct state *saved;
	struct op *op;
	int yes;

	if (w->ahead) {
		w->s.done = true;	/* that it knows only when it is there */
		return;
	}
	if (class_of(w, prog) != PROG_FILTER) {
		walk_fail(w, "table %u: bpf=%s: no filter of this name is loaded",
			  table, prog);
		return;
	}
	commit(w);
	op = add_op(w, OP_BPF);
	if (!op)
		return;
	op->filter = true;
	strcpy(op->act.prog, prog);
	if (w->s.said.n == MAX_OUTCOMES || !may_branch(w, 2)) {
		ask_later(w, op, prog, table, port);
		return;
	}
	saved = malloc(sizeof(*saved));
	if (!saved) {
		walk_fail(w, "out of memory");
		return;
	}
	*saved = w->s;
	for (yes = 0; yes < 2; yes++) {
		if (!branch_begin(w, yes ? OP_DEFAULT : OP_CASE, 0))
			break;
		walk_trace(w, "%s says %s:", prog, yes ? "yes" : "no");
		said_add(w, prog, yes);
		walk_table(w, table, port);
		walk_run(w);
		branch_end(w, saved);
	}
	w->s.done = true;
	free(saved);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = ntohl(*(const uint32_t *)a), y = ntohl(*(const uint32_t *)b);

	return x < y ? -1 : x > y;
}

static void set_result(struct walk *w, int reg, uint32_t value)
{
	struct flow mask = {};

	mask.reg[reg] = UINT32_MAX;
	make_known(w, &mask);
	w->s.cur.reg[reg] = value;
}

/* A value that is none of some, which are sorted. */
static uint32_t other_value(const uint32_t *values, unsigned int n)
{
	uint32_t v = 0;
	unsigned int i;

	for (i = 0; i < n && ntohl(values[i]) == v; i++)
		v++;
	return htonl(v);
}

/*
 * The walk for all results that no rule asks for.  It holds for all of them only if
 * it does not read the register in another way; if it does, it is taken back.
 */
static bool walk_default(struct walk *w, const struct state *saved, int reg,
			 const uint32_t *values, unsigned int n)
{
	unsigned int n_ops = w->out->n_ops, n_rules = w->out->n_rules;
	unsigned int n_branches = w->out->n_branches;
	bool before = w->read_unknown, ok;

	if (!branch_begin(w, OP_DEFAULT, 0))
		return true;
	walk_trace(w, "any other result:");
	set_result(w, reg, other_value(values, n));
	w->s.unknown_reg = reg;
	w->read_unknown = false;
	walk_run(w);
	ok = !w->read_unknown;
	w->read_unknown = before;
	branch_end(w, saved);
	if (!ok && !w->out->error) {
		w->out->n_ops = n_ops;
		w->out->n_rules = n_rules;
		w->out->n_branches = n_branches;
	}
	return ok;
}

/* Go on for each result that makes a difference.  The walk is over then. */
static void dispatch(struct walk *w, unsigned int bpf, int reg)
{
	struct op *op = &w->out->ops[bpf];
	uint32_t values[MAX_VALUES];
	struct state *saved;
	unsigned int i, n;
	bool all, ok;

	if (w->ahead) {
		w->s.done = true;
		return;
	}
	all = tables_reg_values(w->in->tables, reg, values, MAX_VALUES, &n);
	if (!all && n < MAX_VALUES)
		n = 0;	/* ranges: no value stands out */
	if ((!all && !n) || w->s.unknown_reg >= 0 || !may_branch(w, n + 1)) {
		op->act.mode = MODE_ALWAYS;
		w->s.done = true;
		return;
	}
	saved = malloc(sizeof(*saved));
	if (!saved) {
		walk_fail(w, "out of memory");
		return;
	}
	qsort(values, n, sizeof(values[0]), by_value);
	*saved = w->s;
	for (i = 0; i < n; i++) {
		if (!branch_begin(w, OP_CASE, ntohl(values[i])))
			break;
		walk_trace(w, "%s gives %u:", op->act.prog, ntohl(values[i]));
		set_result(w, reg, values[i]);
		walk_run(w);
		branch_end(w, saved);
	}
	ok = all && walk_default(w, saved, reg, values, n);
	/* A filter has either of DEFAULT and a place to come back to. */
	if (ok && op->filter)
		op->recirc_id = 0;
	else if (!ok && !n)
		op->act.mode = MODE_ALWAYS;
	w->s.done = true;
	free(saved);
}

/* A filter as an action: it only tells, and is not rechecked. */
static void do_filter(struct walk *w, const struct act *act, struct op *op)
{
	unsigned int bpf = op - w->out->ops;

	op->filter = true;
	if (act->result < 0) {
		if (!branches_fit(w, 1)) {
			walk_fail(w, "more than %d branches", MAX_BRANCHES);
			return;
		}
		add_op(w, OP_DEFAULT);
		w->out->n_branches++;	/* it is counted, though nothing is in it */
		add_op(w, OP_END);
		return;
	}
	op->recirc_id = walk_freeze(w, NULL, 0, 0, act->result, BY_NONE);
	if (op->recirc_id)
		dispatch(w, bpf, act->result);
}

/*
 * Behind an action program: it may drop the packet or have it looked up again, so that
 * rules count those that go on, as if that were a branch.
 */
static void go_on_behind(struct walk *w, struct op *op)
{
	if (may_branch(w, 1)) {
		w->s.branch = ++w->out->n_branches;
	} else {
		op->act.mode = MODE_ALWAYS;
		w->s.done = true;
	}
}

/* What is read from now on, the program may have changed. */
static void ran(struct walk *w, struct op *op)
{
	op->writes = prog_writes(w, &op->act);
	/* The datapath counts these in any case. */
	op->mask.dl_type = 0xffff;
	op->mask.vlan_tci = htons(VLAN_PRESENT);
	w->s.bpf[w->s.n_bpf] = op - w->out->ops;
	/* A program does not reach registers and metadata. */
	memset(&w->s.known_since[w->s.n_bpf], 0, FLOW_DP_LEN);
	memset((uint8_t *)&w->s.known_since[w->s.n_bpf] + FLOW_DP_LEN, 0xff,
	       sizeof(struct flow) - FLOW_DP_LEN);
	w->s.n_bpf++;
}

void do_bpf(struct walk *w, const struct act *act)
{
	enum prog_class class = class_of(w, act->prog);
	struct op *op;
	bool always = act->mode == MODE_ALWAYS;
	uint32_t id;

	if (class == PROG_UNKNOWN) {
		walk_fail(w, "no program %s is loaded", act->prog);
		return;
	}
	if (w->s.n_bpf == MAX_PROGS) {
		walk_fail(w, "more than %d programs in one walk", MAX_PROGS);
		return;
	}
	commit(w);
	op = add_op(w, OP_BPF);
	if (!op)
		return;
	op->act = *act;
	op->value = w->s.cur;
	if (class == PROG_FILTER) {
		do_filter(w, act, op);
		return;
	}
	id = walk_freeze(w, NULL, 0, 0, act->result,
			 always ? BY_PROGRAM : BY_NONE);
	if (!id)
		return;
	op->recirc_id = id;
	w->s.said.n = 0;
	if (w->ahead)
		ahead_program(w, op);
	else
		ran(w, op);
	if (always)
		w->s.done = true;
	else if (act->result >= 0)
		dispatch(w, op - w->out->ops, act->result);
	else
		go_on_behind(w, op);
}

/* Whether a match may name a program; else there is a sentence in @err. */
bool filter_check(const char *name, enum prog_class class, char *err, size_t size)
{
	if (class == PROG_FILTER)
		return true;
	snprintf(err, size, class == PROG_ACTION ?
		 "bpf=%s: the program is no filter, but one that may change the packet" :
		 "no program %s is loaded", name);
	return false;
}

/* Whether an action may run its program as it says; likewise. */
bool act_check_prog(const struct act *a, enum prog_class class, char *err, size_t size)
{
	if (class == PROG_UNKNOWN)
		snprintf(err, size, "no program %s is loaded", a->prog);
	else if (class == PROG_FILTER && a->mode_given)
		snprintf(err, size, "bpf(%s): a filter changes nothing, so that it has no mode",
			 a->prog);
	else
		return true;
	return false;
}
