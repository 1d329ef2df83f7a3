// SPDX-License-Identifier: GPL-2.0-or-later
/* The abstract state: joining two of them, and the stack; see absval.h. */
#include "absval.h"

#include <string.h>

/* Whether one value is among those that the other stands for. */
static bool val_covers(const struct absval *a, const struct absval *b)
{
	if (a->kind == VAL_ANY)
		return true;
	if (a->kind != b->kind)
		return b->kind == VAL_SCALAR;
	if (a->kind == VAL_OTHER || a->kind == VAL_CALLER)
		return true;
	if (a->kind == VAL_CTX)
		return a->slo == b->slo;
	if (a->shl32 != b->shl32)
		return a->kind == VAL_SCALAR && !a->shl32 && !a->lo &&
		       a->hi == UINT64_MAX && !a->sym;
	if (a->kind == VAL_SCALAR ? a->lo > b->lo || a->hi < b->hi :
	    a->slo > b->slo || a->shi < b->shi)
		return false;
	if (a->sym == SYM_NONE)
		return true;
	return a->sym == b->sym && a->b_ofs == b->b_ofs && a->b_n == b->b_n &&
	       a->b_shift == b->b_shift && a->b_swap == b->b_swap &&
	       a->dlo <= b->dlo && a->dhi >= b->dhi;
}

static void join_sym(struct absval *r, const struct absval *b, const struct widening *w)
{
	if (r->sym != b->sym || r->b_ofs != b->b_ofs || r->b_n != b->b_n ||
	    r->b_shift != b->b_shift || r->b_swap != b->b_swap ||
	    (w && (b->dlo < r->dlo || b->dhi > r->dhi))) {
		r->sym = SYM_NONE;
		return;
	}
	r->dlo = b->dlo < r->dlo ? b->dlo : r->dlo;
	r->dhi = b->dhi > r->dhi ? b->dhi : r->dhi;
}

static uint64_t widened(const struct widening *w, uint64_t hi)
{
	unsigned int i;

	for (i = 0; i < w->n; i++)
		if (w->at[i] >= hi)
			return w->at[i];
	return hi <= UINT32_MAX ? UINT32_MAX : UINT64_MAX;
}

/**
 * val_join - a value that stands for all that two others do
 * @a: one.
 * @b: the other.
 * @w: bounds of @a that don't hold for @b are widened, so that no loop adds to
 *	them for long; or NULL.
 */
struct absval val_join(struct absval a, struct absval b, const struct widening *w)
{
	if (a.kind != b.kind) {
		if (a.kind == VAL_SCALAR)
			return b;
		return b.kind == VAL_SCALAR ? a : val_kind(VAL_ANY);
	}
	if (a.kind == VAL_ANY || a.kind == VAL_OTHER || a.kind == VAL_CALLER)
		return a;
	if (a.kind == VAL_CTX)
		return a.slo == b.slo ? a : val_kind(VAL_ANY);
	if (a.shl32 != b.shl32)
		return val_size(8);
	join_sym(&a, &b, w);
	if (a.kind == VAL_SCALAR) {
		if (b.lo < a.lo)
			a.lo = w ? 0 : b.lo;
		if (b.hi > a.hi)
			a.hi = w ? widened(w, b.hi) : b.hi;
	} else {
		if (b.slo < a.slo)
			a.slo = w ? -OFS_MAX : b.slo;
		if (b.shi > a.shi)
			a.shi = w ? OFS_MAX : b.shi;
	}
	return a;
}

void facts_join(struct facts *a, const struct facts *b)
{
	if (a->eth_type != b->eth_type)
		a->eth_type = 0;
	a->ihl5 = a->ihl5 && b->ihl5;
	a->next_l4 = a->next_l4 && b->next_l4;
	a->dirty = a->dirty || b->dirty;
}

static bool facts_cover(const struct facts *a, const struct facts *b)
{
	struct facts j = *a;

	facts_join(&j, b);
	return j.eth_type == a->eth_type && j.ihl5 == a->ihl5 &&
	       j.next_l4 == a->next_l4 && j.dirty == a->dirty;
}

/* A slot that holds one number, as two. */
static void slot_split(struct slot *s)
{
	struct absval v = s->v[0];

	if (!s->full)
		return;
	s->full = false;
	s->v[0] = s->v[1] = val_size(4);
	if (v.kind == VAL_SCALAR && !v.shl32 && v.hi <= UINT32_MAX) {
		s->v[0] = v;
		s->v[1] = val_const(0);
	}
}

static bool slot_covers(const struct slot *a, const struct slot *b)
{
	struct slot t;

	if (a->full && b->full)
		return val_covers(&a->v[0], &b->v[0]);
	if (a->full)
		return a->v[0].kind != VAL_SCALAR;
	if (b->full && b->v[0].kind != VAL_SCALAR)
		return false;
	t = *b;
	slot_split(&t);
	return val_covers(&a->v[0], &t.v[0]) && val_covers(&a->v[1], &t.v[1]);
}

static void slot_join(struct slot *a, const struct slot *b, const struct widening *w)
{
	struct slot t = *b;

	if (a->full && t.full) {
		a->v[0] = val_join(a->v[0], t.v[0], w);
		return;
	}
	/* A pointer may be a number too: it stays. */
	if (a->full && a->v[0].kind != VAL_SCALAR)
		return;
	if (t.full && t.v[0].kind != VAL_SCALAR) {
		*a = t;
		return;
	}
	slot_split(a);
	slot_split(&t);
	a->v[0] = val_join(a->v[0], t.v[0], w);
	a->v[1] = val_join(a->v[1], t.v[1], w);
}

/*
 * A state of which nothing is known.  A register or a place on the stack that
 * was not written yet is never read, so they may pass for numbers.
 */
void state_init(struct absstate *s)
{
	unsigned int i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < 11; i++)
		s->reg[i] = val_size(8);
	for (i = 0; i < N_SLOTS; i++)
		s->slot[i].v[0] = s->slot[i].v[1] = val_size(4);
}

/* Whether @a stands for all that @b does. */
bool state_covers(const struct absstate *a, const struct absstate *b)
{
	unsigned int i;

	for (i = 0; i < 11; i++)
		if (!val_covers(&a->reg[i], &b->reg[i]))
			return false;
	if (!facts_cover(&a->facts, &b->facts))
		return false;
	for (i = 0; i < N_SLOTS; i++)
		if (!slot_covers(&a->slot[i], &b->slot[i]))
			return false;
	return true;
}

/* Make @a stand for all that @b does as well. */
void state_join(struct absstate *a, const struct absstate *b, const struct widening *w)
{
	unsigned int i;

	for (i = 0; i < 11; i++)
		a->reg[i] = val_join(a->reg[i], b->reg[i], w);
	facts_join(&a->facts, &b->facts);
	for (i = 0; i < N_SLOTS; i++)
		slot_join(&a->slot[i], &b->slot[i], w);
}

/* Offset from the lowest address of the stack, or -1 if it is not exact. */
static int stack_at(const struct absval *ptr, int ofs, unsigned int size)
{
	int64_t at = ptr->slo + ofs + STACK_SIZE;

	return ptr->slo == ptr->shi && at >= 0 && at + size <= STACK_SIZE ?
	       (int)at : -1;
}

/**
 * stack_load - read from the stack
 * @s: the state.
 * @ptr: pointer, of VAL_STACK.
 * @ofs: added to it.
 * @size: bytes.
 *
 * Return: the value, without the extension of a sign.
 */
struct absval stack_load(const struct absstate *s, const struct absval *ptr,
			 int ofs, unsigned int size)
{
	int at = stack_at(ptr, ofs, size);
	struct slot slot;
	unsigned int i;

	if (at < 0) {
		for (i = 0; i < N_SLOTS; i++)
			if (s->slot[i].full && s->slot[i].v[0].kind != VAL_SCALAR)
				return val_kind(VAL_ANY);
		return val_size(size);
	}
	slot = s->slot[at / 8];
	if (size == 8 && at % 8 == 0) {
		if (slot.full)
			return slot.v[0];
		return val_is_const(&slot.v[1]) && !slot.v[1].lo ? slot.v[0] :
		       val_size(8);
	}
	slot_split(&slot);
	return size == 4 && at % 4 == 0 ? slot.v[at / 4 % 2] : val_size(size);
}

/**
 * stack_store - write to the stack
 * @s: the state.
 * @ptr: pointer, of VAL_STACK.
 * @ofs: added to it.
 * @size: bytes.
 * @v: the value.
 */
void stack_store(struct absstate *s, const struct absval *ptr, int ofs,
		 unsigned int size, struct absval v)
{
	int at = stack_at(ptr, ofs, size);
	struct slot full = { .full = true, .v = { v, val_size(4) } };
	unsigned int i;

	if (at < 0) {
		stack_havoc(s, -STACK_SIZE, 0);
		for (i = 0; i < N_SLOTS; i++)
			slot_join(&s->slot[i], &full, NULL);
	} else if (size == 8 && at % 8 == 0) {
		s->slot[at / 8] = full;
	} else {
		slot_split(&s->slot[at / 8]);
		s->slot[at / 8].v[at / 4 % 2] = size == 4 && at % 4 == 0 ?
						val_zext32(v) : val_size(4);
		if (at % 4 + size > 4)	/* not aligned */
			stack_forget(s);
	}
}

/**
 * stack_havoc - forget the numbers on a part of the stack
 * @s: the state.
 * @from: first byte, from the top of the stack, negative.
 * @to: byte behind the last.
 *
 * A pointer that is overwritten by numbers may be one, or be left: it stays.
 */
void stack_havoc(struct absstate *s, int64_t from, int64_t to)
{
	int64_t i;

	for (i = 0; i < N_SLOTS; i++) {
		int64_t at = i * 8 - STACK_SIZE;
		struct slot *slot = &s->slot[i];

		if (at + 8 <= from || at >= to ||
		    (slot->full && slot->v[0].kind != VAL_SCALAR))
			continue;
		slot->full = false;
		slot->v[0] = slot->v[1] = val_size(4);
	}
}

/* Know nothing of the stack, not even where its pointers lead. */
void stack_forget(struct absstate *s)
{
	unsigned int i;

	for (i = 0; i < N_SLOTS; i++) {
		s->slot[i].full = true;
		s->slot[i].v[0] = val_kind(VAL_ANY);
	}
}
