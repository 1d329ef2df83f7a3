// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who has a turn while a command is under way sees nothing that may be undone.  And what
 * the datapath fails to tell of.
 */
#include <linux/openvswitch.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "../daemon/command.h"
#include "../daemon/switch.h"
#include "swbed.h"

#define MEGAFLOWS 200

/* There is no event loop to leave. */
void sw_leave(void)
{
}

static struct sw sw;
static char file[] = "/tmp/test_turns.XXXXXX";
static unsigned int turns, meanwhile, most_rules;
static bool done;

/* What a handler would see. */
static void *look(void *arg)
{
	(void)arg;
	do {
		turn_take(&sw.turn);
		turns++;
		if (sw.tables.n_rules > most_rules)
			most_rules = sw.tables.n_rules;
		turn_give(&sw.turn);
	} while (!__atomic_load_n(&done, __ATOMIC_RELAXED));
	return NULL;
}

/* Whether somebody waits for a turn. */
static bool wanted(void)
{
	bool is;

	pthread_mutex_lock(&sw.turn.lock);
	is = sw.turn.next != sw.turn.serving + 1;
	pthread_mutex_unlock(&sw.turn.lock);
	return is;
}

static bool run(const char *method, const char *arg)
{
	bool failed;

	free(command_run(&sw, NULL, method, arg != NULL, &arg, &failed));
	return !failed;
}

/* Run a command, while another thread waits for its turn. */
static bool run_wanted(const char *method, const char *arg)
{
	pthread_t thread;
	bool ok;

	turns = most_rules = 0;
	done = false;
	sw.next_dump = 0;
	assert_int_equal(pthread_create(&thread, NULL, look, NULL), 0);
	while (!wanted())
		sched_yield();
	ok = run(method, arg);
	meanwhile = turns;
	__atomic_store_n(&done, true, __ATOMIC_RELAXED);
	turn_give(&sw.turn);
	pthread_join(thread, NULL);
	turn_take(&sw.turn);
	return ok;
}

static bool run_batch(const char *text)
{
	FILE *f = fopen(file, "w");

	fputs(text, f);
	fclose(f);
	return run_wanted("batch", file);
}

static void test_undone(void **state)
{
	(void)state;
	assert_false(run_batch("rule add priority=1,actions=drop\nrule dump\nno such command\n"));
	assert_int_equal(most_rules, 0);
}

static void test_done(void **state)
{
	(void)state;
	/* With nothing changed yet, others have their turns. */
	assert_true(run_batch("rule dump\n"));
	assert_true(meanwhile > 0);
	assert_true(run_batch("rule add priority=1,actions=drop\nrule dump\n"));
	assert_int_equal(most_rules, 1);
}

/* With many megaflows, others have turns in between. */
static void test_megaflows(void **state)
{
	const struct nlattr key = { .nla_len = NLA_HDRLEN };
	static const struct flow flow;
	static struct xlate_out out;
	uint32_t ufid[UFID_LEN / 4] = {};

	(void)state;
	assert_true(run_wanted("flow/dump", NULL));
	assert_true(meanwhile > 0);
	assert_true(run_wanted("top", NULL));
	assert_true(meanwhile > 0);
	for (; ufid[0] < MEGAFLOWS; ufid[0]++)
		assert_non_null(sw_flow_enter(&sw, (uint8_t *)ufid, &key, &flow, &out, "body", 4, 1));
	assert_true(run_wanted("flow/flush", NULL));
	assert_true(meanwhile > 0);
	assert_int_equal(HASH_COUNT(sw.flows), 0);
}

/* Replies with the last counts may be missing: the megaflows are gone, and it is told. */
static void test_untold(void **state)
{
	const struct nlattr key = { .nla_len = NLA_HDRLEN };
	static const struct flow flow;
	static struct xlate_out out;
	uint8_t ufid[UFID_LEN] = { 1 };
	uint64_t before = sw.counts.untold;

	(void)state;
	assert_non_null(sw_flow_enter(&sw, ufid, &key, &flow, &out, "body", 4, 1));
	assert_true(run("flow/flush", NULL));
	assert_int_equal(sw.counts.untold, before);
	ufid[UFID_LEN - 1] = 0xff;
	assert_non_null(sw_flow_enter(&sw, ufid, &key, &flow, &out, "body", 4, 1));
	assert_true(run("flow/flush", NULL));
	assert_int_equal(sw.counts.untold, before + 1);
	assert_int_equal(HASH_COUNT(sw.flows), 0);
}

static int setup(void **state)
{
	uint32_t ufid[UFID_LEN / 4] = {};
	struct nl_msg *msg;

	(void)state;
	if (sw_bed(&sw, "turns", 10000, file))
		return -1;
	for (; ufid[0] < MEGAFLOWS; ufid[0]++) {
		msg = dpnl_msg(&sw.nl, F_FLOW, OVS_FLOW_CMD_NEW, 0);
		nla_put(msg, OVS_FLOW_ATTR_UFID, UFID_LEN, ufid);
		dpnl_call(&sw.nl, msg, NULL, NULL);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_undone), cmocka_unit_test(test_done),
		cmocka_unit_test(test_megaflows), cmocka_unit_test(test_untold),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
