// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Transactions.  A step that was taken leaves word how it is undone, and what is to
 * be done once it is sure that it stays.  A command within a batch takes part in the
 * batch's transaction.
 */
#include <stdlib.h>

#include "command.h"
#include "switch.h"

/**
 * struct step - a step that was taken
 * @before: the one before it.
 * @after: the one after it.
 * @undo: undoes it, frees @arg; may be NULL.
 * @sure: called before megaflows are revalidated, if it lasts; may be NULL.
 * @keep: makes it last, frees @arg; may be NULL.
 * @arg: for both.
 */
struct step {
	struct step *before;
	struct step *after;
	txn_fn undo;
	txn_fn sure;
	txn_fn keep;
	void *arg;
};

/**
 * struct txn - a transaction
 * @first: its steps.
 * @last: its steps, backwards.
 * @depth: how many commands are within one another.
 * @batch: there is a batch around them.
 * @dirty: megaflows are to be revalidated.
 */
struct txn {
	struct step *first;
	struct step *last;
	unsigned int depth;
	bool batch;
	bool dirty;
};

static struct txn txn;

/**
 * txn_begin - begin a transaction, or take part in the one that there is
 * @sw: the switch.
 * @batch: it is to hold several commands.
 */
void txn_begin(struct sw *sw, bool batch)
{
	(void)sw;
	txn.depth++;
	txn.batch |= batch;
}

/* Whether several commands make up the transaction. */
bool txn_in_batch(const struct sw *sw)
{
	(void)sw;
	return txn.batch;
}

/*
 * Whether a transaction has changed something and is not at its end: nobody else may
 * have a turn, who would see half of it.
 */
bool txn_under_way(const struct sw *sw)
{
	(void)sw;
	return txn.first;
}

/* Whether megaflows are to be revalidated later: if so, that is noted. */
bool txn_defer(struct sw *sw)
{
	(void)sw;
	txn.dirty |= txn.depth;
	return txn.depth;
}

/**
 * txn_add_sure - a step was taken
 * @sw: the switch.
 * @undo: how it is undone.
 * @sure: what is to be done when it is sure that it stays, before megaflows are
 *	revalidated; may be NULL.
 * @keep: what is to be done when it is sure that it stays, and megaflows have been
 *	revalidated.
 * @arg: for both; whichever of them is called frees it.
 *
 * Return: 0, or -1 without memory; then the step has been undone.
 */
int txn_add_sure(struct sw *sw, txn_fn undo, txn_fn sure, txn_fn keep, void *arg)
{
	struct step *s = calloc(1, sizeof(*s));

	if (!s) {
		if (undo)
			undo(sw, arg);
		return -1;
	}
	s->undo = undo;
	s->sure = sure;
	s->keep = keep;
	s->arg = arg;
	s->before = txn.last;
	if (txn.last)
		txn.last->after = s;
	else
		txn.first = s;
	txn.last = s;
	return 0;
}

/* How a step is undone, or kept, of which nothing is left but what was allocated. */
void txn_free(struct sw *sw, void *arg)
{
	(void)sw;
	free(arg);
}

/* The same for a step with nothing to do before. */
int txn_add(struct sw *sw, txn_fn undo, txn_fn keep, void *arg)
{
	return txn_add_sure(sw, undo, NULL, keep, arg);
}

static void run_steps(struct sw *sw, struct step *s, bool ok)
{
	struct step *next;
	txn_fn fn;

	for (; s; s = next) {
		next = ok ? s->after : s->before;
		fn = ok ? s->keep : s->undo;
		if (fn)
			fn(sw, s->arg);
		free(s);
	}
}

/**
 * struct swap - a thing that stands in the place of another
 * @kind: of what kind both are.
 * @out: it went out, or NULL.
 * @in: it came in, or NULL.
 */
struct swap {
	const struct txn_kind *kind;
	void *out;
	void *in;
};

static void swap_undo(struct sw *sw, void *arg)
{
	struct swap *s = arg;

	s->kind->change(sw, s->in, s->out);
	if (s->in)
		s->kind->free(s->in);
	free(s);
}

static void swap_sure(struct sw *sw, void *arg)
{
	struct swap *s = arg;

	if (s->kind->sure)
		s->kind->sure(sw, s->out, s->in);
}

static void swap_keep(struct sw *sw, void *arg)
{
	struct swap *s = arg;

	if (s->kind->kept)
		s->kind->kept(sw, s->out, s->in);
	if (s->out)
		s->kind->free(s->out);
	free(s);
}

/**
 * txn_swapped - something has come in, gone out, or taken the place of another
 * @sw: the switch.
 * @kind: what.
 * @out: what went out, or NULL; freed once it is sure that it does not come back.
 * @in: what came in, or NULL; freed if it does not stay.
 *
 * Return: 0, or -1 without memory; then it has been undone.
 */
int txn_swapped(struct sw *sw, const struct txn_kind *kind, void *out, void *in)
{
	struct swap *s = malloc(sizeof(*s));

	if (!s) {
		kind->change(sw, in, out);
		if (in)
			kind->free(in);
		return -1;
	}
	*s = (struct swap){ kind, out, in };
	return txn_add_sure(sw, swap_undo, swap_sure, swap_keep, s);
}

/**
 * txn_end - keep what was done, or undo it
 * @sw: the switch.
 * @ok: keep it.
 *
 * Within another transaction nothing happens yet: that one decides.
 */
void txn_end(struct sw *sw, bool ok)
{
	struct txn done = txn;
	struct step *s;

	if (--txn.depth)
		return;
	txn = (struct txn){};
	if (!ok) {
		/* Nothing is revalidated meanwhile. */
		txn.depth = 1;
		run_steps(sw, done.last, false);
		txn = (struct txn){};
		if (done.dirty)
			sw_revalidate_changed(sw);
		return;
	}
	for (s = done.first; s; s = s->after)
		if (s->sure)
			s->sure(sw, s->arg);
	if (done.dirty)
		sw_revalidate_changed(sw);
	run_steps(sw, done.first, true);
}
