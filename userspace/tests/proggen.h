/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random programs that write to packets, most of which the kernel takes. */
#ifndef PROGGEN_H
#define PROGGEN_H 1

#include "insn.h"

#define GEN_MAX 1024

/**
 * struct gen - a program in the making
 * @insn: the program.
 * @n: how many instructions.
 * @leave: jumps to the end of the function under way.
 * @n_leave: how many.
 * @call: calls of the second function.
 * @n_call: how many.
 * @depth: nesting.
 * @in_call: the second function is under way.
 */
struct gen {
	struct bpf_insn insn[GEN_MAX];
	unsigned int n;
	unsigned int leave[256];
	unsigned int n_leave;
	unsigned int call[16];
	unsigned int n_call;
	unsigned int depth;
	int in_call;
};

void gen_program(struct gen *g);

#endif
