/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate before a handler: a filter at its socket lets no more than so many upcalls of
 * a port wait there.  Without it (the kernel refuses it) all that come have to be read.
 */
#ifndef GATE_H
#define GATE_H 1

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "portq.h"

struct gate_bpf;
struct lane;

/**
 * struct gate - a gate
 * @skel: the filter.
 * @lanes: what it shares with the handler; NULL: there is no gate.
 */
struct gate {
	struct gate_bpf *skel;
	struct lane *lanes;
};

int gate_open(struct gate *g, int socket);
void gate_close(struct gate *g);
void gate_limit(struct gate *g, uint32_t max);
void gate_done(struct gate *g, const void *msg, size_t len);
uint64_t gate_lost(const struct gate *g, uint32_t port);
void gate_settle(struct gate *g, const struct portq *waiting);

#endif
