/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The abstract interpreter: what its parts share.  For progwrites.c alone. */
#ifndef ABSINT_H
#define ABSINT_H 1

#include "absval.h"
#include "progwrites.h"

/**
 * struct absint - an analysis under way
 * @insns: the program.
 * @n: how many.
 * @leader: of each instruction, its number among those that are jumped to; -1
 *	if it is none.
 * @n_leaders: how many.
 * @pw: what was found.
 * @widening: for loops.
 * @steps: instructions interpreted so far.
 * @n_states: states kept.
 * @depth: calls under way.
 * @stop: there is no more to find.
 */
struct absint {
	const struct bpf_insn *insns;
	size_t n;
	int32_t *leader;
	uint32_t n_leaders;
	struct progwrites *pw;
	struct widening widening;
	uint32_t steps;
	uint32_t n_states;
	uint32_t depth;
	bool stop;
};

/* absint.c: effects. */
void absint_anything(struct absint *x, uint32_t pc, enum pw_why why, int helper);
void absint_give_up(struct absint *x, uint32_t pc, enum pw_why why, int helper);
void absint_write(struct absint *x, struct absstate *s, uint32_t pc,
		  struct absval ptr, int ofs, uint64_t len);
bool absint_alu(struct absint *x, struct absstate *s, uint32_t pc);
bool absint_load(struct absint *x, struct absstate *s, uint32_t pc);
bool absint_store(struct absint *x, struct absstate *s, uint32_t pc);
bool absint_compare(struct absint *x, struct absstate *s, uint32_t pc,
		    bool taken);

/* abshelper.c */
void absint_helper(struct absint *x, struct absstate *s, uint32_t pc);

#endif
