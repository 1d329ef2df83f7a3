/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of one packet from stage to stage, for people who ask.
 *
 * What only the datapath finds out on the way (the state of a connection, what a program
 * says, a hash) is what they say it is, or else what is likely.
 */
#ifndef FOLLOW_H
#define FOLLOW_H 1

#include "xlate.h"

#define MAX_ASSUMED 16
/* Stages that one packet, and its copies, come to; how often the datapath recirculates. */
#define MAX_LEGS 32
#define MAX_RECIRCS 16
#define MAX_PLACES 256

/**
 * struct assumed - what the datapath will find out
 * @ct_state: of each packet that comes from conntrack, in this order; the last of
 *	all that come behind it.
 * @n_ct: how many; none: it is new.
 * @said: what programs give.
 * @n_said: how many; of others every branch is followed, and a result is 0.
 * @hash: of select groups.
 */
struct assumed {
	uint32_t ct_state[MAX_ASSUMED];
	unsigned int n_ct;
	struct {
		char prog[MAX_NAME];
		uint32_t value;
	} said[MAX_ASSUMED];
	unsigned int n_said;
	uint32_t hash;
};

/**
 * struct leg - a stage that the packet comes to
 * @flow: the packet there.
 * @depth: recirculations so far.
 * @same: the leg that is the same, or -1.
 * @by: what it comes from, and what of it is assumed.
 */
struct leg {
	struct flow flow;
	unsigned int depth;
	int same;
	char by[200];
};

/**
 * struct journey - the way of a packet
 * @assumed: what the datapath will find out.
 * @n_ct: times that it came from conntrack.
 * @n: legs so far.
 * @cut: there are more.
 * @leg: each.
 * @n_places: places that the translation under way may come back to.
 * @place: each, as in &struct xlate_stage.
 */
struct journey {
	const struct assumed *assumed;
	unsigned int n_ct;
	unsigned int n;
	bool cut;
	struct leg leg[MAX_LEGS];
	unsigned int n_places;
	struct place {
		uint32_t id;
		enum comes_back how;
		unsigned int n_ops;
		struct flow cur;
	} place[MAX_PLACES];
};

const uint32_t *assumed_said(const struct assumed *a, const char *prog);
const char *assumed_parse(struct assumed *a, const char *text);
const char *branch_for(const struct xlate_out *out, unsigned int bpf, uint32_t value,
		       char *buf, size_t size);
void journey_begin(struct journey *j, const struct flow *flow,
		   const struct assumed *assumed);
void journey_stage(const struct xlate_stage *stage, void *journey);
void journey_go_on(struct journey *j, unsigned int leg, const struct xlate_out *out);

#endif
