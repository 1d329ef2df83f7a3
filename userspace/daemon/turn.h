/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose turn it is to work on the switch.  A lock that is given in the order in which
 * it was asked for: a thread that lets go of it and wants it again at once comes after
 * all who wait, so that no flood of upcalls keeps a command waiting.
 */
#ifndef TURN_H
#define TURN_H 1

#include <pthread.h>
#include <stdint.h>

/**
 * struct turn - a lock in the order of asking
 * @lock: over the rest; held for a few instructions.
 * @changed: @serving has.
 * @next: ticket that is given out next.
 * @serving: ticket whose turn it is.
 */
struct turn {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t next;
	uint64_t serving;
};

#define TURN_INIT { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0 }

void turn_take(struct turn *t);
void turn_give(struct turn *t);
void turn_yield(struct turn *t);
void turn_wait(struct turn *t);

#endif
