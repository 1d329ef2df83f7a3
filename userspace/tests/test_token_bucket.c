// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The token bucket of the datapath's meters, in simulated time: what passes is what the
 * rate says, from 1 kb/s or 1 packet/s to more than any line can carry.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../kmod/token_bucket.h"

/*
 * Offer packets of COST tokens each GAP ns on average, at uneven times, for SECONDS from
 * an empty bucket on.  Returns tokens that passed over those that the rate brings.
 */
static double share(u32 rate, u32 burst, u64 cost, double gap, double seconds)
{
	struct token_bucket tb;
	u64 start = 12345678901, now, passed = 0;
	double at = 0;
	u32 seed = 1;

	token_bucket_init(&tb, rate, burst, start);
	assert_true(token_bucket_take(&tb, start, tb.level));
	while (at < seconds * 1e9) {
		seed = seed * 1664525 + 1013904223;
		at += gap * (0.5 + seed / 4294967296.0);
		now = start + (u64)at;
		if (token_bucket_take(&tb, now, cost))
			passed += cost;
	}
	return passed / (rate * 1000.0 * at / 1e9);
}

static void check_rate(u32 rate, u64 cost)
{
	/* Twice what is allowed, over the time of 5000 packets. */
	double per = cost / (rate * 1000.0);
	u32 burst = rate + 3 * cost / 1000 + 1;
	double s = share(rate, burst, cost, per * 1e9 / 2, per * 5000);

	if (s < 0.999 || s > 1.001)
		fail_msg("rate %u, cost %llu: %f of it passed", rate,
			 (unsigned long long)cost, s);
}

static void exact_at_any_rate(void **state)
{
	static const u32 rates[] = {
		1, 2, 3, 7, 10, 64, 999, 1000, 1001, 33333, 1000000, 10000000,
		100000000, 123456789, 1000000000,
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		check_rate(rates[i], 1000);		/* packets */
		check_rate(rates[i], 64 * 8);		/* bits */
		check_rate(rates[i], 1514 * 8);
		check_rate(rates[i], 65536 * 8);
	}
}

/* Packets come more often than a token: each brings only a part of one. */
static void no_part_is_lost(void **state)
{
	double s = share(1, 1, 1000, 1000, 100);

	(void)state;
	assert_true(s > 0.98 && s <= 1.0);
}

static void never_more_than_the_burst(void **state)
{
	struct token_bucket tb;
	u64 day = 86400ULL * NSEC_PER_SEC;

	(void)state;
	token_bucket_init(&tb, 1, 5, 0);
	assert_true(token_bucket_take(&tb, 0, 5000));
	assert_false(token_bucket_take(&tb, 0, 1));
	token_bucket_fill(&tb, 365 * day);
	assert_int_equal(tb.level, 5000);
	assert_false(token_bucket_take(&tb, 365 * day, 5001));
	assert_true(token_bucket_take(&tb, 365 * day, 5000));
	/* 2.5 s bring 2500 tokens, of which nothing is rounded away. */
	token_bucket_fill(&tb, 365 * day + 5 * NSEC_PER_SEC / 2);
	assert_int_equal(tb.level, 2500);
}

static void largest_numbers(void **state)
{
	struct token_bucket tb;
	u64 capacity = UINT32_MAX * 1000ULL;

	(void)state;
	token_bucket_init(&tb, UINT32_MAX, UINT32_MAX, 0);
	assert_true(token_bucket_take(&tb, 0, capacity));
	token_bucket_fill(&tb, NSEC_PER_SEC - 1);
	assert_true(tb.level < capacity && tb.level > capacity / 1000 * 999);
	token_bucket_init(&tb, 1, UINT32_MAX, 0);
	assert_true(token_bucket_take(&tb, 0, capacity));
	/* 136 years fill it. */
	token_bucket_fill(&tb, 4294967294ULL * NSEC_PER_SEC);
	assert_int_equal(tb.level, capacity - 1000);
	token_bucket_init(&tb, UINT32_MAX, 0, 0);
	assert_false(token_bucket_take(&tb, NSEC_PER_SEC, 1));
}

static void a_clock_behind_takes_nothing(void **state)
{
	struct token_bucket tb;

	(void)state;
	token_bucket_init(&tb, 1000, 1, 5000000);
	assert_true(token_bucket_take(&tb, 6000000, 1000));
	assert_false(token_bucket_take(&tb, 5500000, 1));
	assert_false(token_bucket_take(&tb, 6000000, 1));
	assert_true(token_bucket_take(&tb, 6500000, 500));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_at_any_rate),
		cmocka_unit_test(no_part_is_lost),
		cmocka_unit_test(never_more_than_the_burst),
		cmocka_unit_test(largest_numbers),
		cmocka_unit_test(a_clock_behind_takes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
