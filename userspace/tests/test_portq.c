// SPDX-License-Identifier: GPL-2.0-or-later
/* Upcalls that wait: ports take turns, and what is lost is counted; turns of threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../daemon/portq.h"
#include "../daemon/turn.h"

static const struct portq_limits plain = { .queue = 8 };

static bool push(struct portq *q, uint32_t port, uint32_t n, uint64_t now)
{
	return portq_push(q, port, &n, sizeof(n), now);
}

/* The next upcall is this one. */
static void expect(struct portq *q, uint32_t port, uint32_t n)
{
	struct portq_item *item = portq_pop(q);
	uint32_t is;

	assert_non_null(item);
	assert_int_equal(item->port, port);
	assert_int_equal(item->len, sizeof(is));
	memcpy(&is, item->msg, sizeof(is));
	assert_int_equal(is, n);
	free(item);
}

static struct portq_counts counts[4];

static void take(uint32_t port, const struct portq_counts *c, void *arg)
{
	(void)arg;
	assert_in_range(port, 0, 3);
	counts[port] = *c;
}

static void take_counts(struct portq *q)
{
	memset(counts, 0, sizeof(counts));
	portq_take_counts(q, take, NULL);
}

static void test_turns(void **state)
{
	struct portq q;
	uint32_t i;

	(void)state;
	portq_init(&q, &plain);
	for (i = 0; i < 6; i++)
		push(&q, 1, 10 + i, 1);
	push(&q, 2, 20, 1);
	push(&q, 3, 30, 1);
	push(&q, 3, 31, 1);
	/* Each port has one, the flood the rest, in the order in which they came. */
	expect(&q, 1, 10);
	expect(&q, 2, 20);
	expect(&q, 3, 30);
	expect(&q, 1, 11);
	expect(&q, 3, 31);
	/* One that comes late does not wait for the flood. */
	push(&q, 2, 21, 1);
	expect(&q, 1, 12);
	expect(&q, 2, 21);
	for (i = 3; i < 6; i++)
		expect(&q, 1, 10 + i);
	assert_null(portq_pop(&q));
	assert_int_equal(q.n, 0);
	portq_clear(&q);
}

static void test_full(void **state)
{
	struct portq q;
	uint32_t i;

	(void)state;
	portq_init(&q, &plain);
	for (i = 0; i < 20; i++)
		assert_int_equal(push(&q, 1, i, 1), i < 8);
	assert_true(push(&q, 2, 0, 1));
	take_counts(&q);
	assert_int_equal(counts[1].lost[PORTQ_LOSS_queue], 12);
	assert_int_equal(counts[1].answered, 0);
	assert_int_equal(counts[2].lost[PORTQ_LOSS_queue], 0);
	expect(&q, 1, 0);
	assert_true(push(&q, 1, 20, 1));
	/* Counted once. */
	take_counts(&q);
	assert_int_equal(counts[1].lost[PORTQ_LOSS_queue], 0);
	assert_int_equal(counts[1].answered, 1);
	portq_clear(&q);
}

/* Offer one each microsecond, and take it at once.  Return: how many were taken in. */
static unsigned int offer(struct portq *q, uint64_t from, uint64_t us)
{
	struct portq_item *item;
	unsigned int n = 0;
	uint64_t at;

	for (at = from; at < from + us; at++)
		if (push(q, 1, 0, at)) {
			item = portq_pop(q);
			assert_non_null(item);
			free(item);
			n++;
		}
	return n;
}

static void test_rate(void **state)
{
	struct portq q;

	(void)state;
	portq_init(&q, &plain);
	q.limits.rate = 1000;
	q.limits.burst = 50;
	/* The burst, and a thousand a second. */
	assert_in_range(offer(&q, 1, 2000000), 2049, 2051);
	take_counts(&q);
	assert_in_range(counts[1].lost[PORTQ_LOSS_rate], 2000000 - 2051, 2000000 - 2049);
	/* It fills again, and not beyond the burst, however long it takes. */
	assert_in_range(offer(&q, UINT64_MAX / 2, 10), 10, 10);
	assert_in_range(offer(&q, UINT64_MAX / 2 + 10, 990), 40, 41);
	/* Other ports have their own. */
	assert_true(push(&q, 2, 0, UINT64_MAX / 2 + 1000));
	/* A limit that is taken back is gone. */
	q.limits.rate = 0;
	assert_int_equal(offer(&q, UINT64_MAX / 2 + 1000, 7), 7);
	portq_clear(&q);
}

static void test_many_ports(void **state)
{
	struct portq q;
	uint32_t i, n = 0;

	(void)state;
	portq_init(&q, &plain);
	for (i = 0; i < 4 * PORTQ_MAX_PORTS; i++)
		n += push(&q, i, i, 1);
	/* Each of the first has a queue; the rest share one. */
	assert_int_equal(n, PORTQ_MAX_PORTS + 8);
	assert_in_range(HASH_COUNT(q.ports), 1, PORTQ_MAX_PORTS + 1);
	portq_clear(&q);
}

/* Threads that have many turns. */
static struct turn turn = TURN_INIT;
static unsigned int inside, flood_turns;
static bool done;

static void *flood(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
		turn_take(&turn);
		assert_int_equal(inside++, 0);
		flood_turns++;
		inside--;
		turn_give(&turn);
	}
	return NULL;
}

static void test_order(void **state)
{
	unsigned int i, before, most = 0;
	pthread_t threads[3];

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, flood, NULL), 0);
	for (i = 0; i < 2000; i++) {
		turn_take(&turn);
		assert_int_equal(inside++, 0);
		before = flood_turns;
		inside--;
		/* All others are ahead of us once, and no more than once. */
		turn_yield(&turn);
		if (flood_turns - before > most)
			most = flood_turns - before;
		before = flood_turns;
		turn_wait(&turn);
		assert_true(flood_turns > before);
		turn_give(&turn);
	}
	assert_in_range(most, 1, 3);
	__atomic_store_n(&done, true, __ATOMIC_RELAXED);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_many_ports),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
