/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A translation under way: what the files of the translation share. */
#ifndef WALK_H
#define WALK_H 1

#include "xlate.h"

struct ahead;

/**
 * struct state - what a branch of the walk has to itself
 * @cur: the packet as the rules have it now.
 * @base_tci: VLAN tags that the datapath's packet has, outer and inner.
 * @base_tpid: likewise.
 * @set: bits that rules have set since the datapath's packet was last made so.
 * @known: bits that are constants since the packet came.
 * @known_since: likewise, since each program.
 * @unknown: on the way ahead: bits that are not known.
 * @bpf: index of each program in @out->ops.
 * @n_bpf: programs so far.
 * @frames: lists of actions under way, the innermost last.
 * @n_frames: how many.
 * @said: what filters have said of the packet as it is.
 * @branch: number of the branch; 0: none.
 * @unknown_reg: register that stands for all values that no rule asks for; -1.
 * @ttl_below: nw_ttl is less than it was by an amount that is known.
 * @popped: a label was; what is behind it is not known.
 * @done: nothing is left to do.
 */
struct state {
	struct flow cur;
	uint16_t base_tci[2];
	uint16_t base_tpid[2];
	struct flow set;
	struct flow known;
	unsigned int n_bpf;
	unsigned int n_frames;
	uint16_t branch;
	int unknown_reg;
	bool ttl_below;
	bool popped;
	bool done;
	/* Large, and not cleared at the beginning: counts tell what there is. */
	struct flow known_since[MAX_PROGS];
	struct flow unknown;
	unsigned int bpf[MAX_PROGS];
	struct frame frames[MAX_FRAMES];
	struct outcomes said;
};

/**
 * struct walk - a translation under way
 * @in: what it goes by.
 * @out: what it makes.
 * @flow: the packet as it came.
 * @s: of the branch.
 * @from: state that it resumes, or NULL.
 * @ahead: it only looks ahead, and makes nothing; or NULL.
 * @no_memory: there was none for a stage.
 * @nest: lists within lists of operations.
 * @n_branches: branches made, or set aside to be made.
 * @n_lookups: tables visited.
 * @visited: the last of them, in a ring.
 * @read_unknown: @s.unknown_reg was read.
 * @ethernet: the packet has an Ethernet header.
 * @in_port: where it came in, whatever rules have made of that.
 * @table: of what reads now: see &struct xlate_read.
 * @rule: likewise.
 * @act: likewise.
 * @why: likewise.
 */
struct walk {
	const struct xlate_in *in;
	struct xlate_out *out;
	const struct flow *flow;
	struct frozen *from;
	struct ahead *ahead;
	bool no_memory;
	unsigned int nest;
	unsigned int n_branches;
	unsigned int n_lookups;
	uint8_t visited[8];
	bool read_unknown;
	bool ethernet;
	uint32_t in_port;
	unsigned int table;
	const struct rule *rule;
	const struct act *act;
	const char *why;
	struct state s;
};

/* xlate.c */
void walk_fail(struct walk *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void walk_trace(struct walk *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void consult(struct walk *w, const struct flow *mask);
void consult_bits(struct walk *w, const struct field *f, unsigned int ofs,
		  unsigned int n);
void make_known(struct walk *w, const struct flow *mask);
struct op *add_op(struct walk *w, enum op_type type);
void walk_table(struct walk *w, unsigned int table, uint32_t port);
void state_begin(struct walk *w, const struct flow *flow);
void walk_run(struct walk *w);
bool walk_push(struct walk *w, const struct act *acts, unsigned int n,
	       uint8_t table, const struct frame *of);
uint32_t walk_freeze(struct walk *w, const struct act *first, unsigned int n,
		     uint8_t table, int result, enum comes_back how);
void walk_resume(struct walk *w, struct frozen *f);

/* xlate_ahead.c */
bool goes_round(struct walk *w, struct frozen *to, enum comes_back how);
void ahead_add(struct walk *w, struct frozen *to, enum comes_back how);
void ahead_read(struct walk *w, const struct flow *mask);
void ahead_known(struct walk *w, const struct flow *mask);
void ahead_program(struct walk *w, const struct op *op);

/* xlate_set.c */
void commit(struct walk *w);
void commit_untagged(struct walk *w);
void set_value(struct walk *w, const struct field *f, const uint8_t *value,
	       const uint8_t *mask);
bool moved_value(struct walk *w, const struct act *act, struct field_value *v);
void do_set(struct walk *w, const struct act *act);
void do_move(struct walk *w, const struct act *act);
void do_vlan(struct walk *w, const struct act *act);
void do_dec_ttl(struct walk *w);
uint32_t read_bits(struct walk *w, const struct field *f, unsigned int ofs,
		   unsigned int n);

/* xlate_mpls.c */
void do_mpls(struct walk *w, const struct act *act);
bool look_anew(struct walk *w, const struct act *a);

/* xlate_out.c */
void do_output(struct walk *w, uint32_t port);
void do_ports(struct walk *w, const struct act *act);
void do_normal(struct walk *w);
void do_group(struct walk *w, uint32_t id);
void do_pick(struct walk *w, uint32_t id);
void do_ct(struct walk *w, const struct act *act);
void do_ct_clear(struct walk *w);
void do_controller(struct walk *w, const struct act *act);

/* xlate_bpf.c */
void do_bpf(struct walk *w, const struct act *act);
void ask_filter(struct walk *w, const char *prog, unsigned int table,
		uint32_t port);
void said_add(struct walk *w, const char *prog, bool yes);
void choose_modes(struct walk *w);

#endif
