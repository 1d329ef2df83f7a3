// SPDX-License-Identifier: GPL-2.0-or-later
/* Upcalls that wait; see portq.h. */
#include "portq.h"

#include <stdlib.h>
#include <string.h>

#define MILLION 1000000ull

/**
 * portq_init - begin with nothing
 * @q: the queues.
 * @limits: of each port; @q->limits may be changed at any time.
 */
void portq_init(struct portq *q, const struct portq_limits *limits)
{
	memset(q, 0, sizeof(*q));
	q->limits = *limits;
	TAILQ_INIT(&q->ring);
}

/* A port, made if need be.  Return: NULL without memory. */
static struct portq_port *port_get(struct portq *q, uint32_t port)
{
	struct portq_port *p;

	HASH_FIND(hh, q->ports, &port, sizeof(port), p);
	if (p)
		return p;
	if (port != PORTQ_OTHERS && HASH_COUNT(q->ports) >= PORTQ_MAX_PORTS)
		return port_get(q, PORTQ_OTHERS);
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->port = port;
	STAILQ_INIT(&p->items);
	HASH_ADD(hh, q->ports, port, sizeof(p->port), p);
	return p;
}

/* A token bucket, full at first: whether there is a token, which is taken. */
static bool take_token(struct portq_port *p, const struct portq_limits *l,
		       uint64_t now_us)
{
	uint64_t full = l->burst * MILLION, passed = now_us - p->stamp;

	if (!l->rate)
		return true;
	/* As long as it takes to fill it, or longer: no product runs over. */
	if (!p->stamp || passed >= full / l->rate + 1)
		p->tokens = full;
	else
		p->tokens += passed * l->rate;
	if (p->tokens > full)
		p->tokens = full;
	p->stamp = now_us;
	if (p->tokens < MILLION)
		return false;
	p->tokens -= MILLION;
	return true;
}

static void has_counted(struct portq *q, struct portq_port *p)
{
	if (p->dirty)
		return;
	p->dirty = true;
	SLIST_INSERT_HEAD(&q->dirty, p, next_dirty);
}

static bool lose(struct portq *q, struct portq_port *p, enum portq_loss why)
{
	p->counts.lost[why]++;
	has_counted(q, p);
	return false;
}

/**
 * portq_push - take an upcall in
 * @q: the queues.
 * @port: where its packet came in.
 * @msg: the upcall; copied.
 * @len: bytes of it.
 * @now_us: time in microseconds, not 0.
 *
 * Return: whether it was; if not, the reason is counted.
 */
bool portq_push(struct portq *q, uint32_t port, const void *msg, size_t len,
		uint64_t now_us)
{
	struct portq_port *p = port_get(q, port);
	struct portq_item *item;

	if (!p)
		return false;
	if (p->n >= q->limits.queue)
		return lose(q, p, PORTQ_LOSS_queue);
	if (!take_token(p, &q->limits, now_us))
		return lose(q, p, PORTQ_LOSS_rate);
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
	p->counts.answered++;
	has_counted(q, p);
	return item;
}

/**
 * portq_take_counts - take what was counted since the last time
 * @q: the queues.
 * @fn: gets the counts of each port that has any.
 * @arg: for @fn.
 */
void portq_take_counts(struct portq *q,
		       void (*fn)(uint32_t port, const struct portq_counts *c,
				  void *arg), void *arg)
{
	struct portq_port *p;

	while ((p = SLIST_FIRST(&q->dirty))) {
		SLIST_REMOVE_HEAD(&q->dirty, next_dirty);
		fn(p->port, &p->counts, arg);
		memset(&p->counts, 0, sizeof(p->counts));
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
