// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The abstract interpreter: which way it goes through a program.
 *
 * Where paths meet, up to MAX_ALIKE states are kept apart, so that what a
 * program does on one path is not mixed up with another; further ones are
 * joined, and widened, so that every loop comes to an end.  A call of another
 * function of the program is followed into it, each time anew.
 */
#include "progwrites.h"

#include <stdlib.h>
#include <string.h>

#include "absint.h"

#define MAX_INSNS (1 << 16)
#define MAX_STEPS 400000
#define MAX_STATES 16384
#define MAX_CALLS 8		/* as the kernel's verifier */
#define MAX_ALIKE 24
#define FEW_ALIKE 8		/* where the program has many states already */

#ifndef BPF_JCOND
#define BPF_JCOND 0xe0		/* may_goto, of newer kernels */
#endif

/**
 * struct point - an instruction that is jumped to
 * @state: states seen there.
 * @pending: which are to be followed.
 * @n: how many.
 */
struct point {
	struct absstate *state[MAX_ALIKE];
	bool pending[MAX_ALIKE];
	uint8_t n;
};

struct work {
	uint32_t pc;
	uint8_t which;
};

/**
 * struct visit - one call of a function
 * @x: the analysis.
 * @points: by number of the leader.
 * @work: states to follow; each stands there at most once.
 * @n_work: how many.
 * @room: room for so many.
 * @returns: whether it does at all.
 * @result: what it returns.
 * @facts: those known when it returns.
 */
struct visit {
	struct absint *x;
	struct point *points;
	struct work *work;
	size_t n_work;
	size_t room;
	bool returns;
	struct absval result;
	struct facts facts;
};

static void too_large(struct absint *x, uint32_t pc)
{
	absint_give_up(x, pc, PW_WHY_TOO_LARGE, 0);
}

static void add_work(struct visit *v, uint32_t pc, unsigned int which)
{
	struct point *p = &v->points[v->x->leader[pc]];
	size_t room = v->room ? 2 * v->room : 64;
	void *more;

	if (p->pending[which])
		return;
	if (v->n_work == v->room) {
		more = realloc(v->work, room * sizeof(*v->work));
		if (!more) {
			too_large(v->x, pc);
			return;
		}
		v->work = more;
		v->room = room;
	}
	p->pending[which] = true;
	v->work[v->n_work++] = (struct work){ .pc = pc, .which = which };
}

/* Go on at an instruction that is jumped to, unless that was done already. */
static void flow_to(struct visit *v, uint32_t pc, const struct absstate *s)
{
	struct point *p = &v->points[v->x->leader[pc]];
	struct absstate *new;
	unsigned int i;

	for (i = 0; i < p->n; i++)
		if (state_covers(p->state[i], s))
			return;
	if (p->n >= (v->x->n_states < MAX_STATES / 2 ? MAX_ALIKE : FEW_ALIKE)) {
		state_join(p->state[p->n - 1], s, &v->x->widening);
		add_work(v, pc, p->n - 1);
		return;
	}
	new = v->x->n_states < MAX_STATES ? malloc(sizeof(*new)) : NULL;
	if (!new) {
		too_large(v->x, pc);
		return;
	}
	v->x->n_states++;
	*new = *s;
	p->state[p->n++] = new;
	add_work(v, pc, p->n - 1);
}

static void visit_function(struct absint *x, uint32_t pc, struct absstate *s,
			   struct visit *v);

/* Whether a function may reach the caller's stack by an argument. */
static bool passes_stack(const struct absstate *s)
{
	unsigned int r;

	for (r = 1; r <= 5; r++)
		if (s->reg[r].kind == VAL_STACK || s->reg[r].kind == VAL_ANY)
			return true;
	return false;
}

/* A call within the program.  Return: whether it comes back. */
static bool do_call(struct absint *x, struct absstate *s, uint32_t pc)
{
	int64_t to = (int64_t)pc + 1 + x->insns[pc].imm;
	struct absstate callee;
	struct visit v;
	unsigned int r;

	if (to < 0 || to >= (int64_t)x->n) {
		absint_give_up(x, pc, PW_WHY_INSN, 0);
		return false;
	}
	if (x->depth == MAX_CALLS) {
		too_large(x, pc);
		return false;
	}
	state_init(&callee);
	callee.facts = s->facts;
	for (r = 1; r <= 5; r++)
		callee.reg[r] = s->reg[r].kind == VAL_STACK ?
				val_kind(VAL_CALLER) : s->reg[r];
	if (passes_stack(s))
		stack_forget(s);
	x->depth++;
	visit_function(x, to, &callee, &v);
	x->depth--;
	s->reg[0] = v.result.kind == VAL_STACK || v.result.kind == VAL_CALLER ?
		    val_kind(VAL_ANY) : v.result;
	for (r = 1; r <= 5; r++)
		s->reg[r] = val_size(8);
	s->facts = v.facts;
	return v.returns && !x->stop;
}

static void do_exit(struct visit *v, const struct absstate *s)
{
	if (v->returns) {
		v->result = val_join(v->result, s->reg[0], NULL);
		facts_join(&v->facts, &s->facts);
	} else {
		v->returns = true;
		v->result = s->reg[0];
		v->facts = s->facts;
	}
}

static int64_t jump_target(const struct bpf_insn *i, uint32_t pc)
{
	if (BPF_CLASS(i->code) == BPF_JMP32 && BPF_OP(i->code) == BPF_JA)
		return (int64_t)pc + 1 + i->imm;
	return (int64_t)pc + 1 + i->off;
}

static void do_branch(struct visit *v, struct absstate *s, uint32_t pc)
{
	struct absstate taken = *s;

	if (absint_compare(v->x, &taken, pc, true))
		flow_to(v, jump_target(&v->x->insns[pc], pc), &taken);
}

/* A jump, a call or the end.  Return: whether to go on behind it. */
static bool step_jump(struct visit *v, struct absstate *s, uint32_t pc)
{
	const struct bpf_insn *i = &v->x->insns[pc];
	bool is64 = BPF_CLASS(i->code) == BPF_JMP;

	switch (BPF_OP(i->code)) {
	case BPF_JA:
		flow_to(v, jump_target(i, pc), s);
		return false;
	case BPF_JCOND:
		flow_to(v, jump_target(i, pc), s);
		return true;
	case BPF_EXIT:
		if (is64)
			do_exit(v, s);
		break;
	case BPF_CALL:
		if (is64 && i->src_reg == BPF_PSEUDO_CALL)
			return do_call(v->x, s, pc);
		if (is64 && !i->src_reg) {
			absint_helper(v->x, s, pc);
			return true;
		}
		if (is64 && i->src_reg == BPF_PSEUDO_KFUNC_CALL) {
			v->x->pw->may |= PW_KFUNC;
			absint_give_up(v->x, pc, PW_WHY_KFUNC, i->imm);
			return false;
		}
		break;
	default:
		if (BPF_OP(i->code) > BPF_JSLE)
			break;
		do_branch(v, s, pc);
		return absint_compare(v->x, s, pc, false);
	}
	if (i->code != (BPF_JMP | BPF_EXIT))
		absint_give_up(v->x, pc, PW_WHY_INSN, 0);
	return false;
}

static bool writes_dst(const struct bpf_insn *i)
{
	switch (BPF_CLASS(i->code)) {
	case BPF_LD:
		return BPF_MODE(i->code) == BPF_IMM;
	case BPF_LDX:
	case BPF_ALU:
	case BPF_ALU64:
		return true;
	default:
		return false;
	}
}

/* One instruction.  Return: whether to go on behind it. */
static bool step(struct visit *v, struct absstate *s, uint32_t pc)
{
	const struct bpf_insn *i = &v->x->insns[pc];
	bool known = false;

	/* The kernel refuses these; they must do no harm here. */
	if (i->dst_reg > BPF_REG_10 || (i->src_reg > BPF_REG_10) ||
	    (writes_dst(i) && i->dst_reg == BPF_REG_10)) {
		absint_give_up(v->x, pc, PW_WHY_INSN, 0);
		return false;
	}
	switch (BPF_CLASS(i->code)) {
	case BPF_LD:
	case BPF_LDX:
		known = absint_load(v->x, s, pc);
		break;
	case BPF_ST:
	case BPF_STX:
		known = absint_store(v->x, s, pc);
		break;
	case BPF_ALU:
	case BPF_ALU64:
		known = absint_alu(v->x, s, pc);
		break;
	default:
		return step_jump(v, s, pc);
	}
	if (!known)
		absint_give_up(v->x, pc, PW_WHY_INSN, 0);
	return known;
}

/* Follow one state until it ends, or comes to where others may come from. */
static void follow(struct visit *v, uint32_t pc, struct absstate *s)
{
	struct absint *x = v->x;

	while (!x->stop) {
		if (++x->steps > MAX_STEPS) {
			too_large(x, pc);
			return;
		}
		if (!step(v, s, pc))
			return;
		pc += x->insns[pc].code == (BPF_LD | BPF_IMM | BPF_DW) ? 2 : 1;
		if (pc >= x->n) {
			absint_give_up(x, pc - 1, PW_WHY_INSN, 0);
			return;
		}
		if (x->leader[pc] >= 0) {
			flow_to(v, pc, s);
			return;
		}
	}
}

static void visit_function(struct absint *x, uint32_t pc, struct absstate *s,
			   struct visit *v)
{
	struct point *p;
	uint32_t i, j;

	memset(v, 0, sizeof(*v));
	v->x = x;
	v->points = calloc(x->n_leaders, sizeof(*v->points));
	s->reg[10] = val_kind(VAL_STACK);
	if (!v->points)
		too_large(x, pc);
	else if (x->leader[pc] >= 0)
		flow_to(v, pc, s);
	else
		follow(v, pc, s);
	while (v->n_work && !x->stop) {
		struct work w = v->work[--v->n_work];

		p = &v->points[x->leader[w.pc]];
		p->pending[w.which] = false;
		*s = *p->state[w.which];
		follow(v, w.pc, s);
	}
	for (i = 0; v->points && i < x->n_leaders; i++) {
		p = &v->points[i];
		for (j = 0; j < p->n; j++)
			free(p->state[j]);
		x->n_states -= p->n;
	}
	free(v->points);
	free(v->work);
}

static bool is_jump(const struct bpf_insn *i)
{
	uint8_t class = BPF_CLASS(i->code), op = BPF_OP(i->code);

	return (class == BPF_JMP || class == BPF_JMP32) && op != BPF_CALL &&
	       op != BPF_EXIT;
}

/* Number the instructions that are jumped to.  Return: false if one is not there. */
static bool find_leaders(struct absint *x)
{
	int64_t to;
	size_t i;

	for (i = 0; i < x->n; i++)
		x->leader[i] = -1;
	for (i = 0; i < x->n; i++) {
		if (!is_jump(&x->insns[i]))
			continue;
		to = jump_target(&x->insns[i], i);
		if (to < 0 || to >= (int64_t)x->n) {
			absint_give_up(x, i, PW_WHY_INSN, 0);
			return false;
		}
		if (x->leader[to] < 0)
			x->leader[to] = x->n_leaders++;
	}
	return true;
}

/* What loops are likely to be bounded by: i < N, i <= N. */
static void find_widening(struct absint *x)
{
	struct widening *w = &x->widening;
	unsigned int j;
	uint64_t at;
	size_t i, k;

	for (i = 0; i < x->n; i++) {
		if (!is_jump(&x->insns[i]) || BPF_SRC(x->insns[i].code) != BPF_K ||
		    x->insns[i].imm <= 0)
			continue;
		for (k = 0; k < 2 && w->n < 32; k++) {
			at = x->insns[i].imm - 1 + k;
			for (j = 0; j < w->n && w->at[j] < at; j++)
				;
			if (j < w->n && w->at[j] == at)
				continue;
			memmove(&w->at[j + 1], &w->at[j],
				(w->n - j) * sizeof(w->at[0]));
			w->at[j] = at;
			w->n++;
		}
	}
}

/**
 * progwrites_unknown - what a program may write of which nothing is known
 * @pw: filled in: anything.
 */
void progwrites_unknown(struct progwrites *pw)
{
	progwrites_nothing(pw);
	pw->anything = true;
	pw->why = PW_WHY_NOT_ANALYZED;
	pw->meta = PW_META_ALL;
}

/**
 * progwrites_nothing - what a filter may write, whose type proves it
 * @pw: filled in: nothing.
 */
void progwrites_nothing(struct progwrites *pw)
{
	memset(pw, 0, sizeof(*pw));
	pw->n_classes = 1;
}

/**
 * progwrites_analyze - tell what a program may write
 * @insns: its instructions, as they are given to the kernel; the first is its
 *	entry, other functions may follow.  Ones that the kernel would refuse do
 *	no harm, but then the answer means nothing.
 * @n: how many.
 * @pw: filled in.
 *
 * Takes some 100 ms at most.
 */
void progwrites_analyze(const struct bpf_insn *insns, size_t n,
			struct progwrites *pw)
{
	struct absint x = { .insns = insns, .n = n, .pw = pw };
	struct absstate s;
	struct visit v;

	progwrites_nothing(pw);
	x.leader = n && n <= MAX_INSNS ? malloc(n * sizeof(*x.leader)) : NULL;
	if (!x.leader) {
		too_large(&x, 0);
		return;
	}
	if (find_leaders(&x)) {
		find_widening(&x);
		state_init(&s);
		s.reg[1] = val_kind(VAL_CTX);
		visit_function(&x, 0, &s, &v);
	}
	free(x.leader);
}
