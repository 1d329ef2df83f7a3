/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Upcalls that wait, by the port where their packets came in.  Ports take turns, so a
 * flood at one of them costs its own upcalls, and no other port's.  No I/O, no locks:
 * each handler has one of its own.
 */
#ifndef PORTQ_H
#define PORTQ_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include "../pipeline/hash.h"

/* Ports that wait in a queue of their own; those beyond share that of port 2^32 - 1. */
#define PORTQ_MAX_PORTS 1024
#define PORTQ_OTHERS UINT32_MAX

/* Why an upcall was not answered. */
#define PORTQ_LOSSES(X)							\
	X(queue)	/* too many of its port waited already */	\
	X(rate)		/* its port had more than its rate */		\
	X(memory)	/* there was none for it */

enum portq_loss {
#define X(name) PORTQ_LOSS_##name,
	PORTQ_LOSSES(X)
#undef X
	PORTQ_N_LOSSES
};

/**
 * struct token_bucket - a token bucket, full at first
 * @tokens: what may pass now, in millionths.
 * @stamp: when that was so, in microseconds; 0: never.
 */
struct token_bucket {
	uint64_t tokens;
	uint64_t stamp;
};

/**
 * struct portq_item - an upcall
 * @link: in its port's queue.
 * @port: the port.
 * @len: bytes of @msg.
 * @msg: as it came.
 */
struct portq_item {
	STAILQ_ENTRY(portq_item) link;
	uint32_t port;
	uint32_t len;
	_Alignas(8) uint8_t msg[];
};

/**
 * struct portq_port - a port
 * @port: its number.
 * @items: what waits, the oldest first.
 * @n: how many.
 * @lost: upcalls that were not taken in since that was last told, by reason.
 * @dirty: some were, and it is in the list of those.
 * @next_dirty: list.
 * @turn: in the ring, if something waits.
 * @hh: by number.
 */
struct portq_port {
	uint32_t port;
	STAILQ_HEAD(, portq_item) items;
	uint32_t n;
	uint64_t lost[PORTQ_N_LOSSES];
	bool dirty;
	SLIST_ENTRY(portq_port) next_dirty;
	TAILQ_ENTRY(portq_port) turn;
	UT_hash_handle hh;
};

/**
 * struct portq - the queues of all ports
 * @max: upcalls of a port that wait, at most.
 * @ports: hash.
 * @dirty: ports that have lost some.
 * @ring: ports that have something, the one whose turn it is first.
 * @n: upcalls that wait.
 */
struct portq {
	unsigned int max;
	struct portq_port *ports;
	SLIST_HEAD(, portq_port) dirty;
	TAILQ_HEAD(portq_ring, portq_port) ring;
	unsigned int n;
};

void portq_init(struct portq *q, unsigned int max);
bool portq_push(struct portq *q, uint32_t port, const void *msg, size_t len);
struct portq_item *portq_pop(struct portq *q);
void portq_take_lost(struct portq *q,
		     void (*fn)(uint32_t port, const uint64_t *lost, void *arg),
		     void *arg);
void portq_clear(struct portq *q);
bool token_take(struct token_bucket *b, uint32_t rate, uint32_t burst, uint64_t now_us);

#endif
