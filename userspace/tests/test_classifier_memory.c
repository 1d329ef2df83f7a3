// SPDX-License-Identifier: GPL-2.0-or-later
/* The classifier without memory: rules are refused, and undone; nothing else changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rulebed.h"

/* Allocations that are still to work, unless negative; the linker puts these in place. */
static long memory = -1;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);

static bool has_memory(void)
{
	return memory < 0 || (memory && memory--);
}

void *__wrap_malloc(size_t n)
{
	return has_memory() ? __real_malloc(n) : NULL;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return has_memory() ? __real_calloc(n, size) : NULL;
}

void *__wrap_realloc(void *p, size_t n)
{
	return has_memory() ? __real_realloc(p, n) : NULL;
}

#define N_LOOKS 30
#define N_STEPS 260

/**
 * struct looks - what lookups find and read
 */
static struct looks {
	struct flow f[N_LOOKS], wc[N_LOOKS];
	struct rule *rule[N_LOOKS];
	unsigned int n_rules;
} looks;

/* Of random packets, and of what a rule matches. */
static void looks_note(const struct rule *rule)
{
	unsigned int i;

	for (i = 0; i < N_LOOKS; i++) {
		looks.f[i] = rule && !i ? rule->match : random_packet(tables.first[0]);
		looks.rule[i] = look(&looks.f[i]);
		looks.wc[i] = wc;
	}
	looks.n_rules = tables.n_rules;
}

static void looks_are_the_same(void)
{
	unsigned int i;

	for (i = 0; i < N_LOOKS; i++) {
		assert_ptr_equal(look(&looks.f[i]), looks.rule[i]);
		assert_memory_equal(&wc, &looks.wc[i], sizeof(wc));
		assert_ptr_equal(tables_lookup_slowly(&tables, 0, &looks.f[i]),
				 looks.rule[i]);
	}
	assert_int_equal(tables.n_rules, looks.n_rules);
}

/* All of one mask, so that all of its indexes must grow at once. */
static const char *growing_rule(unsigned int i)
{
	static char text[128];

	snprintf(text, sizeof(text),
		 "priority=%u,metadata=%u,dl_vlan=%u,ip,nw_dst=10.1.%u.%u,actions=drop",
		 i, i, i, i / 200, i % 200);
	return text;
}

/* Without memory a rule is refused, wherever that is, and nothing has changed. */
static void test_no_memory(void **state)
{
	unsigned int i, refused = 0;
	struct rule *rule, *old;
	char err[256];
	long n;

	(void)state;
	for (i = 0; i < 1000; i++) {
		/* Each comes twice, the second in place of the first. */
		srandom(i / 2);
		rule = rule_parse(i / 2 % 2 ? growing_rule(i / 2) : random_rule(i / 2),
				  true, err, sizeof(err));
		assert_non_null(rule);
		if (tables.n_rules)
			looks_note(rule);
		for (n = 0; ; n++) {
			int ret;

			memory = n;
			ret = tables_insert(&tables, rule, &old);
			memory = -1;
			if (!ret)
				break;
			refused++;
			if (looks.n_rules)
				looks_are_the_same();
			else
				assert_null(tables.cls[0]);
		}
		if (old)
			tables_forget(&tables, old);
		free(old);
	}
	assert_true(refused > 1000);
}

/* What is done to rules can be undone without any memory. */
static void test_undone(void **state)
{
	struct { struct rule *in, *out; } done[N_STEPS];
	unsigned int round, i, n;
	char err[256];

	(void)state;
	srandom(22);
	for (i = 0; i < 200; i++)
		add(random_rule(i));
	for (round = 0; round < 100; round++) {
		const struct rule *like = tables.first[0];

		looks_note(NULL);
		for (n = 0; n < N_STEPS; n++) {
			struct flow f = random_packet(like);
			struct rule *r, *one, *other;

			/* In a part of the rounds all that are there go first. */
			if (round % 2 && n < 200) {
				done[n].in = NULL;
				done[n].out = tables.first[0];
				tables_hide(&tables, done[n].out);
				continue;
			}
			r = rule_parse(random_rule(random() % 400), true, err,
				       sizeof(err));
			done[n].in = r;
			assert_int_equal(tables_insert(&tables, r, &done[n].out), 0);
			/* Of several of one priority it may be any. */
			one = look(&f);
			other = tables_lookup_slowly(&tables, 0, &f);
			assert_true(one == other || (one && other && one->priority == other->priority));
		}
		memory = 0;
		while (n--) {
			if (done[n].in)
				tables_remove(&tables, done[n].in);
			free(done[n].in);
			if (done[n].out)
				tables_show(&tables, done[n].out);
		}
		memory = -1;
		looks_are_the_same();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_no_memory), T(test_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
