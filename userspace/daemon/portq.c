// SPDX-License-Identifier: GPL-2.0-or-later
/* Upcalls that wait; see portq.h. */
#include "portq.h"

#include <stdlib.h>
#include <string.h>

#define MILLION 1000000ull

/**
 * portq_init - begin with nothing
 * @q: the queues.
 * @max: upcalls of a port that wait, at most; @q->max may be changed at any time.
 */
void portq_init(struct portq *q, unsigned int max)
{
	memset(q, 0, sizeof(*q));
	q->max = max;
	TAILQ_INIT(&q->ring);
}

/* A port that has nothing makes room for another one.  Return: whether there was one. */
static bool make_room(struct portq *q)
{
	struct portq_port *p;

	for (p = q->ports; p; p = p->hh.next) {
		if (p->n || p->dirty || p->port == PORTQ_OTHERS)
			continue;
		HASH_DEL(q->ports, p);
		free(p);
		return true;
	}
	return false;
}

/* A port, made if need be.  Return: NULL without memory. */
static struct portq_port *port_get(struct portq *q, uint32_t port)
{
	struct portq_port *p;

	HASH_FIND(hh, q->ports, &port, sizeof(port), p);
	if (p)
		return p;
	if (port != PORTQ_OTHERS && HASH_COUNT(q->ports) >= PORTQ_MAX_PORTS && !make_room(q))
		return port_get(q, PORTQ_OTHERS);
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->port = port;
	STAILQ_INIT(&p->items);
	HASH_ADD(hh, q->ports, port, sizeof(p->port), p);
	if (HASH_HAS(p->hh))
		return p;
	free(p);
	return NULL;
}

static bool lose(struct portq *q, struct portq_port *p, enum portq_loss why)
{
	p->lost[why]++;
	if (!p->dirty)
		SLIST_INSERT_HEAD(&q->dirty, p, next_dirty);
	p->dirty = true;
	return false;
}

/**
 * portq_push - take an upcall in
 * @q: the queues.
 * @port: where its packet came in.
 * @msg: the upcall; copied.
 * @len: bytes of it.
 *
 * Return: whether it was; if not, the reason is counted.
 */
bool portq_push(struct portq *q, uint32_t port, const void *msg, size_t len)
{
	struct portq_port *p = port_get(q, port);
	struct portq_item *item;

	if (!p)
		return false;
	if (p->n >= q->max)
		return lose(q, p, PORTQ_LOSS_queue);
	item = malloc(sizeof(*item) + len);
	if (!item)
		return lose(q, p, PORTQ_LOSS_memory);
	item->port = port;
	item->len = len;
	memcpy(item->msg, msg, len);
	STAILQ_INSERT_TAIL(&p->items, item, link);
	q->n++;
	if (!p->n++)
		TAILQ_INSERT_TAIL(&q->ring, p, turn);
	return true;
}

/**
 * portq_pop - the next upcall: ports take turns
 * @q: the queues.
 *
 * Return: the upcall, to be freed; NULL if none waits.
 */
struct portq_item *portq_pop(struct portq *q)
{
	struct portq_port *p = TAILQ_FIRST(&q->ring);
	struct portq_item *item;

	if (!p)
		return NULL;
	item = STAILQ_FIRST(&p->items);
	STAILQ_REMOVE_HEAD(&p->items, link);
	q->n--;
	TAILQ_REMOVE(&q->ring, p, turn);
	if (--p->n)
		TAILQ_INSERT_TAIL(&q->ring, p, turn);
	return item;
}

/**
 * portq_take_lost - tell which upcalls were lost since the last time
 * @q: the queues.
 * @fn: gets the numbers of each port that has lost some, by reason.
 * @arg: for @fn.
 */
void portq_take_lost(struct portq *q,
		     void (*fn)(uint32_t port, const uint64_t *lost, void *arg),
		     void *arg)
{
	struct portq_port *p;

	while ((p = SLIST_FIRST(&q->dirty))) {
		SLIST_REMOVE_HEAD(&q->dirty, next_dirty);
		fn(p->port, p->lost, arg);
		memset(p->lost, 0, sizeof(p->lost));
		p->dirty = false;
	}
}

/* Forget all that waits, and all ports. */
void portq_clear(struct portq *q)
{
	struct portq_port *p, *next;
	struct portq_item *item;

	while ((item = portq_pop(q)))
		free(item);
	HASH_ITER(hh, q->ports, p, next) {
		HASH_DEL(q->ports, p);
		free(p);
	}
}

/**
 * token_take - take a token, if there is one
 * @b: the bucket.
 * @rate: tokens that come in a second, not 0.
 * @burst: tokens that it holds.
 * @now_us: time in microseconds, not 0.
 *
 * Return: whether there was one.
 */
bool token_take(struct token_bucket *b, uint32_t rate, uint32_t burst, uint64_t now_us)
{
	uint64_t full = burst * MILLION, passed = now_us - b->stamp;

	/* As long as it takes to fill it, or longer: no product runs over. */
	if (!b->stamp || passed >= full / rate + 1)
		b->tokens = full;
	else
		b->tokens += passed * rate;
	if (b->tokens > full)
		b->tokens = full;
	b->stamp = now_us;
	if (b->tokens < MILLION)
		return false;
	b->tokens -= MILLION;
	return true;
}
