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
 * What a filter says, and the result that a program leaves in a register, is not
 * known when the megaflow is made.  The walk then goes on for every outcome that
 * makes a difference: the program's cases.  All of them read into the same masks.
 *
 * A program in mode auto is rechecked only if it may write a bit of its USED;
 * else its word is taken, so that it can still ask for a recirculation.
 */
#ifndef XLATE_H
#define XLATE_H 1

#include "frozen.h"
#include "mac.h"
#include "progwrites.h"
#include "rule.h"

#define MAX_OPS 1024
#define MAX_RULES 512
#define MAX_PROGS 16
/* Of one translation: lookups, branches; how deep branches nest. */
#define MAX_LOOKUPS 512
#define MAX_BRANCHES 64
#define MAX_NEST 8

enum op_type {
	OP_NONE,
	OP_OUTPUT, OP_TRUNC, OP_SET, OP_SET_TUNNEL, OP_PUSH_VLAN, OP_POP_VLAN, OP_DEC_TTL,
	OP_PUSH_MPLS, OP_POP_MPLS,
	OP_BPF, OP_METER, OP_CT, OP_CT_CLEAR, OP_HASH, OP_RECIRC, OP_CONTROLLER,
	/* Up to OP_END it is a list of its own. */
	OP_CLONE,
	OP_CASE, OP_DEFAULT,	/* behind their OP_BPF */
	OP_END,
};

/* By what a packet comes back in any case; BY_NONE: it may not. */
enum comes_back { BY_NONE, BY_PROGRAM, BY_CT, BY_ANSWER };

enum prog_class { PROG_UNKNOWN, PROG_ACTION, PROG_FILTER };

/**
 * struct op - one action for the datapath
 * @type: what.
 * @n: port, length for the next output, TPID, Ethernet type of a label or of what is behind it, meter, zone, value of a case, or length for the controller.
 * @tci: of PUSH_VLAN, host order.
 * @table: of CONTROLLER.
 * @filter: of BPF: it is one.
 * @value: of PUSH_MPLS: the entry; of SET: the packet's new fields, where @mask has bits; of BPF: those
 *	that it has when the program runs; of CT: mark and label.
 * @mask: of SET and CT; of BPF: USED.
 * @act: of BPF: the rule's action, with a mode that is not MODE_AUTO; of CT.
 * @found: of BPF: the mode was, by what the program may write.
 * @writes: of BPF: what the program may write; NULL: anything.
 * @recirc_id: of BPF and RECIRC: where to go on; 0: nowhere.
 * @cookie: of CONTROLLER: of the rule.
 */
struct op {
	enum op_type type;
	uint32_t n;
	uint16_t tci;
	uint8_t table;
	bool filter;
	bool found;
	uint32_t recirc_id;
	uint64_t cookie;
	struct flow value;
	struct flow mask;
	struct act act;
	const struct progwrites *writes;
};

/**
 * struct xlate_read - bits that were read, and what has read them
 * @table: of the lookup, or of the rule whose action it was.
 * @rule: that the lookup found, or whose action it was; NULL: none, or one of a former
 *	stage.
 * @act: the action; NULL: the lookup.
 * @why: if it was neither: a sentence; else NULL.
 * @mask: bits of the packet as it came.
 */
struct xlate_read {
	unsigned int table;
	const struct rule *rule;
	const struct act *act;
	const char *why;
	struct flow mask;
};

/**
 * struct xlate_stage - what is left to do has got an id
 * @id: recirculation id.
 * @how: by what the packet comes back.
 * @n_ops: actions of the megaflow so far, with what @how tells of, but for a hash.
 * @cur: the packet as it goes.
 */
struct xlate_stage {
	uint32_t id;
	enum comes_back how;
	unsigned int n_ops;
	const struct flow *cur;
};

/**
 * struct xlate_watch - whoever wants to know what happens
 * @line: gets it line by line, with the depth of branches; may be NULL.
 * @read: gets all that is read.  Together it is the megaflow's mask.  May be NULL.
 * @stage: gets each place that a packet may come back to; may be NULL.
 * @arg: for all of these.
 */
struct xlate_watch {
	void (*line)(const char *line, void *arg);
	void (*read)(const struct xlate_read *read, void *arg);
	void (*stage)(const struct xlate_stage *stage, void *arg);
	void *arg;
};

/**
 * struct xlate_in - what a translation goes by
 * @tables: rules.
 * @groups: groups; may be NULL.
 * @frozen: states.
 * @macs: what normal has learned; may be NULL.
 * @ports: for flood.
 * @n_ports: how many.
 * @now: time in ms.
 * @apart: each packet comes back with what a program said of it, so that it is known
 *	which rules it takes; else all outcomes are followed.
 * @port_live: whether a port is up; NULL: all of @ports are.
 * @prog_class: what a program is; NULL: an action program.
 * @prog_writes: tells what a program may write; NULL, or a return of NULL:
 *	anything.
 * @arg: for all of these.
 * @watch: who wants to know what happens, or NULL.
 */
struct xlate_in {
	const struct tables *tables;
	const struct groups *groups;
	struct frozen_set *frozen;
	const struct mac_table *macs;
	const uint32_t *ports;
	unsigned int n_ports;
	uint64_t now;
	bool apart;
	bool (*port_live)(uint32_t port, void *arg);
	enum prog_class (*prog_class)(const char *name, void *arg);
	const struct progwrites *(*prog_writes)(const char *name, void *arg);
	void *arg;
	const struct xlate_watch *watch;
};

/**
 * struct table_set - tables
 * @bits: a bit for each.
 */
struct table_set {
	uint64_t bits[N_TABLES / 64 + 1];
};

static inline bool table_set_has(const struct table_set *set, unsigned int table)
{
	return set->bits[table / 64] & 1ull << table % 64;
}

/**
 * struct xlate_out - the megaflow
 * @wc: mask.
 * @ops: actions.
 * @n_ops: how many.
 * @rules: rules that the packet took, or takes in a branch.
 * @branch: of each: 0, or the number of the branch: cases, defaults, and what is behind
 *	action programs without them, unless that is for no packet, count from 1 in the
 *	order of @ops.
 * @n_rules: how many.
 * @n_branches: how many.
 * @asked: tables that a packet was looked up in.
 * @changed: those of them where it may not have been as it came.
 * @learns: the packet's source is to be learned.
 * @learn: what.
 * @unknown_stage: no state has the packet's recirculation id (@error is set).
 * @error: why it is dropped, or NULL.
 * @why: room for the sentence.
 */
struct xlate_out {
	struct flow wc;
	struct op ops[MAX_OPS];
	unsigned int n_ops;
	struct rule *rules[MAX_RULES];
	uint16_t branch[MAX_RULES];
	unsigned int n_rules;
	unsigned int n_branches;
	struct table_set asked;
	struct table_set changed;
	bool learns;
	struct mac_key learn;
	bool unknown_stage;
	const char *error;
	char why[256];
};

void xlate(const struct xlate_in *in, const struct flow *flow,
	   struct xlate_out *out);

bool xlate_depends(const struct table_set *asked, const struct table_set *changed,
		   const struct mask_words *words, const flow_word *masked,
		   unsigned int table, const struct flow *match,
		   const struct flow *mask);

/* What a rule says of programs. */
bool filter_check(const char *name, enum prog_class class, char *err, size_t size);
bool act_check_prog(const struct act *a, enum prog_class class, char *err, size_t size);

#endif
