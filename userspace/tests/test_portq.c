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

static bool push(struct portq *q, uint32_t port, uint32_t n)
{
	return portq_push(q, port, &n, sizeof(n));
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

static uint64_t lost[4];

static void take(uint32_t port, const uint64_t *n, void *arg)
{
	(void)arg;
	assert_in_range(port, 0, 3);
	lost[port] = n[PORTQ_LOSS_queue];
}

static void take_lost(struct portq *q)
{
	memset(lost, 0, sizeof(lost));
	portq_take_lost(q, take, NULL);
}

static void test_turns(void **state)
{
	struct portq q;
	uint32_t i;

	(void)state;
	portq_init(&q, 8);
	for (i = 0; i < 6; i++)
		push(&q, 1, 10 + i);
	push(&q, 2, 20);
	push(&q, 3, 30);
	push(&q, 3, 31);
	/* Each port has one, the flood the rest, in the order in which they came. */
	expect(&q, 1, 10);
	expect(&q, 2, 20);
	expect(&q, 3, 30);
	expect(&q, 1, 11);
	expect(&q, 3, 31);
	/* One that comes late does not wait for the flood. */
	push(&q, 2, 21);
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
	portq_init(&q, 8);
	for (i = 0; i < 20; i++)
		assert_int_equal(push(&q, 1, i), i < 8);
	assert_true(push(&q, 2, 0));
	take_lost(&q);
	assert_int_equal(lost[1], 12);
	assert_int_equal(lost[2], 0);
	expect(&q, 1, 0);
	assert_true(push(&q, 1, 20));
	/* Told once. */
	take_lost(&q);
	assert_int_equal(lost[1], 0);
	portq_clear(&q);
}

/* Offer one each microsecond.  Return: how many tokens there were. */
static unsigned int offer(struct token_bucket *b, uint64_t from, uint64_t us)
{
	unsigned int n = 0;
	uint64_t at;

	for (at = from; at < from + us; at++)
		n += token_take(b, 1000, 50, at);
	return n;
}

static void test_rate(void **state)
{
	struct token_bucket b = {};

	(void)state;
	/* The burst, and a thousand a second. */
	assert_in_range(offer(&b, 1, 2000000), 2049, 2051);
	/* It fills again, and not beyond the burst, however long it takes. */
	assert_in_range(offer(&b, UINT64_MAX / 2, 10), 10, 10);
	assert_in_range(offer(&b, UINT64_MAX / 2 + 10, 990), 40, 41);
	/* The largest there may be. */
	b = (struct token_bucket){};
	assert_true(token_take(&b, 100000000, 1000000, 1));
	assert_true(token_take(&b, 100000000, 1000000, UINT64_MAX));
}

static void test_many_ports(void **state)
{
	struct portq q;
	uint32_t i, n = 0;

	(void)state;
	portq_init(&q, 8);
	for (i = 0; i < 4 * PORTQ_MAX_PORTS; i++)
		n += push(&q, i, i);
	/* Each of the first has a queue; the rest share one. */
	assert_int_equal(n, PORTQ_MAX_PORTS + 8);
	assert_in_range(HASH_COUNT(q.ports), 1, PORTQ_MAX_PORTS + 1);
	portq_clear(&q);
}

static void ignore(uint32_t port, const uint64_t *n, void *arg)
{
	(void)port;
	(void)n;
	(void)arg;
}

/* Ports come and go for ever: those that are new have their queues all the same. */
static void test_new_ports(void **state)
{
	struct portq q;
	uint32_t i, k;

	(void)state;
	portq_init(&q, 8);
	for (i = 0; i < 4 * PORTQ_MAX_PORTS; i++) {
		for (k = 0; k < 10; k++)
			assert_int_equal(push(&q, i, k), k < 8);
		portq_take_lost(&q, ignore, NULL);
		for (k = 0; k < 8; k++)
			expect(&q, i, k);
	}
	/* Ones that something is to be told of stay until it was. */
	for (i = 0; i < 2; i++)
		for (k = 0; k < 10; k++)
			push(&q, i, k);
	while (q.n)
		free(portq_pop(&q));
	for (i = 4; i < 4 + PORTQ_MAX_PORTS; i++)
		push(&q, i, 0);
	take_lost(&q);
	assert_int_equal(lost[0], 2);
	assert_int_equal(lost[1], 2);
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
		cmocka_unit_test(test_new_ports),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
