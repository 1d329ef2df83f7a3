/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation: a packet's walk through the tables becomes a megaflow.
 *
 * Every bit that the walk reads is recorded.  What was read of the packet as it
 * came goes into the megaflow's mask.  What is read after a program ran goes
 * into the program's USED as well: if the program changes it, the cached rest of
 * the walk is not valid.  A bit that a rule overwrote with a constant in between
 * counts for neither.
 *
 * At a program the walk can be frozen: a recirculation id names what is left to
 * do.  A packet that recirculates resumes there.
 *
 * A program in mode auto is rechecked only if it may write a bit of its USED;
 * else its word is taken, so that it can still ask for a recirculation.
 */
#ifndef XLATE_H
#define XLATE_H 1

#include "progwrites.h"
#include "rule.h"

#define MAX_OPS 128
#define MAX_RULES 64
#define MAX_PROGS 16
#define MAX_DEPTH 64

enum op_type { OP_OUTPUT, OP_SET, OP_PUSH_VLAN, OP_POP_VLAN, OP_BPF };

/**
 * struct op - one action for the datapath
 * @type: what.
 * @n: port, or TPID.
 * @value: of SET: the packet's new fields, where @mask has bits; of BPF: those
 *	that it has when the program runs.
 * @mask: of SET; of BPF: USED.
 * @act: of BPF: the rule's action, with a mode that is not MODE_AUTO.
 * @writes: of BPF: what the program may write; NULL: anything.
 * @recirc_id: of BPF: where to go on.
 */
struct op {
	enum op_type type;
	uint32_t n;
	struct flow value;
	struct flow mask;
	struct act act;
	const struct progwrites *writes;
	uint32_t recirc_id;
};

/**
 * struct frozen - what is left to do behind a program
 * @next: in its table.
 * @id: recirculation id, not 0.
 * @born: time of the last use, in ms; an id is kept for a while.
 * @used: whether a megaflow names it; for the sweep.
 * @table: of the rule.
 * @acts: actions left.
 * @n_acts: how many.
 * @metadata: its value.
 * @reg: registers.
 * @result: register that takes the program's result, or -1.
 */
struct frozen {
	struct frozen *next;
	uint32_t id;
	uint64_t born;
	bool used;
	uint8_t table;
	struct act acts[MAX_ACTIONS];
	unsigned int n_acts;
	uint64_t metadata;
	uint32_t reg[N_REGS];
	int result;
};

/**
 * struct frozen_set - all frozen states; equal ones share an id
 * @first: list.
 * @last_id: the id given out last.
 */
struct frozen_set {
	struct frozen *first;
	uint32_t last_id;
};

/**
 * struct xlate_in - what a translation goes by
 * @tables: rules.
 * @frozen: states.
 * @ports: for flood.
 * @n_ports: how many.
 * @now: time in ms.
 * @prog_writes: tells what a program may write; NULL, or a return of NULL:
 *	anything.
 * @arg: for @prog_writes.
 */
struct xlate_in {
	const struct tables *tables;
	struct frozen_set *frozen;
	const uint32_t *ports;
	unsigned int n_ports;
	uint64_t now;
	const struct progwrites *(*prog_writes)(const char *name, void *arg);
	void *arg;
};

/**
 * struct xlate_out - the megaflow
 * @wc: mask.
 * @ops: actions.
 * @n_ops: how many.
 * @rules: rules that the packet took.
 * @n_rules: how many.
 * @error: why it is dropped, or NULL.
 */
struct xlate_out {
	struct flow wc;
	struct op ops[MAX_OPS];
	unsigned int n_ops;
	struct rule *rules[MAX_RULES];
	unsigned int n_rules;
	const char *error;
};

void xlate(const struct xlate_in *in, const struct flow *flow,
	   struct xlate_out *out);

struct frozen *frozen_find(const struct frozen_set *set, uint32_t id);
bool frozen_rename(struct frozen_set *set, uint32_t from, uint32_t to);
void frozen_sweep(struct frozen_set *set, uint64_t older_than);
void frozen_clear(struct frozen_set *set);

#endif
