// SPDX-License-Identifier: GPL-2.0-or-later
/* The learning switch's memory when it is full: which port gives an address up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "../pipeline/mac.h"

static struct mac_table macs;
static uint64_t now;

static struct mac_key key_of(unsigned int n)
{
	struct mac_key key = { .mac = { 2, 0, n >> 24, n >> 16, n >> 8, n } };

	return key;
}

/* An address is seen at a port. */
static bool learn(unsigned int n, uint32_t port)
{
	struct mac_key key = key_of(n);

	return mac_learn(&macs, &key, port, ++now);
}

static uint32_t port_of(unsigned int n)
{
	struct mac_key key = key_of(n);
	const struct mac_entry *e = mac_find(&macs, &key);

	return e ? e->port : 0;
}

static unsigned int count(uint32_t port)
{
	const struct mac_entry *e;
	unsigned int n = 0;

	for (e = macs.entries; e; e = e->hh.next)
		n += e->port == port;
	return n;
}

static int reset(void **state)
{
	(void)state;
	mac_clear(&macs);
	assert_int_equal(HASH_COUNT(macs.ports), 0);
	return 0;
}

/* Who makes addresses up pushes out but its own. */
static void test_flood(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 1000; i++)
		learn(i, 1 + i % 10);
	for (i = 0; i < 100000; i++)
		assert_true(learn(1000000 + i, 99));
	assert_int_equal(HASH_COUNT(macs.entries), MAC_MAX);
	for (i = 0; i < 1000; i++)
		assert_int_equal(port_of(i), 1 + i % 10);
	assert_int_equal(count(99), MAC_MAX - 1000);
	/* Of its own the newest are there. */
	assert_int_equal(port_of(1000000 + 99999), 99);
	assert_int_equal(port_of(1000000 + 100000 - (MAC_MAX - 1000)), 99);
	assert_int_equal(port_of(1000000 + 100000 - (MAC_MAX - 1000) - 1), 0);
}

/* Who comes late gets its share of a table that another has filled. */
static void test_share(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < MAC_MAX; i++)
		learn(i, 1);
	for (i = 0; i < 500; i++)
		learn(MAC_MAX + i, 2);
	assert_int_equal(count(1), MAC_MAX - 500);
	assert_int_equal(count(2), 500);
	assert_int_equal(port_of(499), 0);
	assert_int_equal(port_of(500), 1);
	/* Two that both want all have a half each. */
	for (i = 0; i < 3 * MAC_MAX; i++) {
		learn(100000 + i, 1);
		learn(200000 + i, 2);
	}
	assert_in_range(count(1), MAC_MAX / 2 - 1, MAC_MAX / 2 + 1);
	assert_int_equal(count(1) + count(2), MAC_MAX);
}

/* An address that moves counts for the port where it is. */
static void test_move(void **state)
{
	unsigned int i;

	(void)state;
	macs.max = 10;
	for (i = 0; i < 10; i++)
		learn(i, 1);
	for (i = 0; i < 6; i++)
		assert_true(learn(i, 2));
	assert_false(learn(0, 2));
	learn(10, 3);		/* port 2 has the most; 0 was seen just now */
	assert_int_equal(port_of(1), 0);
	assert_int_equal(port_of(0), 2);
	assert_int_equal(count(1), 4);
	mac_forget_port(&macs, 2);
	assert_int_equal(count(2), 0);
	assert_int_equal(HASH_COUNT(macs.entries), 5);
	assert_int_equal(HASH_COUNT(macs.ports), 2);
	mac_expire(&macs, now + MAC_AGE_MS - 1);
	assert_int_equal(HASH_COUNT(macs.entries), 1);
	macs.max = 0;
}

#define T(f) cmocka_unit_test_teardown(f, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_flood), T(test_share), T(test_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
