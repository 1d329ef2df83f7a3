// SPDX-License-Identifier: GPL-2.0-or-later
/* Timeouts of rules, by a clock of the test's own: the wheel, and what the daemon does. */
#include <linux/openvswitch.h>
#include <linux/openvswitch_bpf.h>
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

/* There is no event loop to leave. */
void sw_leave(void)
{
}

/* The clock; the linker puts this in place. */
static uint64_t clock_ms = 1000000;

uint64_t __wrap_now_ms(void);
uint64_t __wrap_now_ms(void)
{
	return clock_ms;
}

static struct sw sw;
static char file[] = "/tmp/test_timeouts.XXXXXX";

#define N_RULES 2000

static struct timeouts wheel;
static struct rule wheel_rules[N_RULES];

static uint64_t end_of(const struct rule *r, enum gone_why why)
{
	return why == GONE_IDLE ? r->used + 1000 * r->idle_timeout :
	       r->added + 1000 * r->hard_timeout;
}

static bool over(const struct rule *r, uint64_t now)
{
	return (r->idle_timeout && end_of(r, GONE_IDLE) <= now) ||
	       (r->hard_timeout && end_of(r, GONE_HARD) <= now);
}

/* Each goes when its time is over, at most a second later; not before. */
static void test_wheel(void **state)
{
	uint64_t begin = 5000000, now, step;
	unsigned int i, work, left = 0, looks = 0;
	enum gone_why why;
	struct rule *r;

	(void)state;
	srandom(1);
	for (i = 0; i < N_RULES; i++) {
		r = &wheel_rules[i];
		*r = (struct rule){ .added = begin + i, .used = begin + i };
		r->idle_timeout = random() % 3 ? random() % 5000 : 0;
		r->hard_timeout = random() % 3 ? random() % 5000 : 0;
		timeouts_add(&wheel, r);
		left += r->idle_timeout || r->hard_timeout;
	}
	for (now = begin; now < begin + 7000000; now += step) {
		step = random() % 1000;
		r = &wheel_rules[random() % N_RULES];
		if (r->timeout.le_prev && now < begin + 1000000)
			r->used = now;	/* a packet, of which the wheel knows nothing */
		work = N_RULES;
		while ((r = timeouts_next(&wheel, now, now, &work, &why))) {
			assert_null(r->timeout.le_prev);
			assert_true(end_of(r, why) <= now);
			left--;
		}
		looks += N_RULES - work;
		for (i = 0; i < N_RULES; i++)
			if (wheel_rules[i].timeout.le_prev && now > 2000)
				assert_false(over(&wheel_rules[i], now - 2000));
	}
	assert_int_equal(left, 0);
	fprintf(stderr, "# %u rules were looked at %u times\n", N_RULES, looks);
	assert_true(looks < 12 * N_RULES);
}

/* The rest is done next time; rules without timeouts are no work. */
static void test_bounded(void **state)
{
	unsigned int i, work, gone = 0;
	enum gone_why why;

	(void)state;
	for (i = 0; i < N_RULES; i++) {
		wheel_rules[i] = (struct rule){ .hard_timeout = i % 2 };
		timeouts_add(&wheel, &wheel_rules[i]);
	}
	for (i = 0; gone < N_RULES / 2; i++) {
		work = 100;
		while (timeouts_next(&wheel, 100000000, 0, &work, &why))
			gone++;
		assert_int_equal(gone, 100 * (i + 1));
		assert_int_equal(work, 0);
	}
	work = 100;
	assert_null(timeouts_next(&wheel, 900000000, 0, &work, &why));
	assert_int_equal(work, 100);
}

static const char *done(const char *method, const char *arg)
{
	static char *text;
	bool failed;

	free(text);
	text = command_run(&sw, NULL, method, arg != NULL, &arg, &failed);
	if (failed)
		fail_msg("%s %s: %s", method, arg, text);
	return text;
}

/* So many seconds go by, with the ticks that there are in them. */
static void pass(unsigned int seconds)
{
	unsigned int i;

	for (i = 0; i < 2 * seconds; i++) {
		clock_ms += 500;
		sw_flows_tick(&sw);
		sw_rules_expire(&sw);
	}
}

static struct rule *rule_of(unsigned int table)
{
	return sw.tables.first[table];
}

static int reset(void **state)
{
	(void)state;
	done("rule/del", NULL);
	done("flow/flush", NULL);
	return 0;
}

static void test_hard(void **state)
{
	(void)state;
	done("rule/add", "table=1,hard_timeout=10,priority=7,actions=drop");
	done("rule/add", "table=2,actions=drop");
	assert_string_equal(done("rule/dump", "table=1"),
			    "table=1,n_packets=0,n_bytes=0,hard_timeout=10,priority=7,actions=drop\n");
	pass(5);
	rule_of(1)->used = clock_ms;
	pass(5);
	assert_non_null(rule_of(1));
	pass(2);
	assert_null(rule_of(1));
	/* What takes its place begins anew. */
	done("rule/add", "table=1,hard_timeout=10,actions=drop");
	pass(8);
	done("rule/add", "table=1,hard_timeout=10,actions=drop");
	pass(8);
	assert_non_null(rule_of(1));
	pass(4);
	assert_null(rule_of(1));
	done("rule/add", "table=1,hard_timeout=65535,actions=drop");
	pass(65500);
	assert_non_null(rule_of(1));
	pass(37);
	assert_null(rule_of(1));
	pass(100000);
	assert_non_null(rule_of(2));
}

static void write_file(const char *text)
{
	FILE *f = fopen(file, "w");

	fputs(text, f);
	fclose(f);
}

/* A rule that stays keeps its age; so does one that was deleted and came back. */
static void test_age(void **state)
{
	bool failed;
	const char *path = file;

	(void)state;
	write_file("table=1,hard_timeout=10,actions=drop\ntable=2,idle_timeout=10,actions=drop\n"
		   "table=3,hard_timeout=10,actions=drop\n");
	done("rule/load", file);
	pass(8);
	write_file("table=1,hard_timeout=10,actions=drop\ntable=2,idle_timeout=10,actions=drop\n"
		   "table=3,hard_timeout=11,actions=drop\n");
	assert_string_equal(done("rule/replace", file), "1 rules added, 1 deleted, 2 kept\n");
	write_file("rule del\nnonsense\n");
	free(command_run(&sw, NULL, "batch", 1, &path, &failed));
	assert_true(failed);
	pass(4);
	assert_null(rule_of(1));
	assert_null(rule_of(2));
	assert_non_null(rule_of(3));
}

static const uint8_t ufid[UFID_LEN] = { 1 };

/* The megaflow, as the datapath tells of it. */
static void datapath_tells(uint64_t packets, uint64_t used)
{
	struct ovs_flow_stats stats = { .n_packets = packets };
	struct nl_msg *msg = dpnl_msg(&sw.nl, F_FLOW, OVS_FLOW_CMD_NEW, 0);

	nla_put(msg, OVS_FLOW_ATTR_UFID, UFID_LEN, ufid);
	nla_put(msg, OVS_FLOW_ATTR_STATS, sizeof(stats), &stats);
	nla_put_u64(msg, OVS_FLOW_ATTR_USED, used);
	dpnl_call(&sw.nl, msg, NULL, NULL);
}

/* A megaflow that counts for a rule. */
static void add_megaflow(struct rule *rule)
{
	const struct nlattr key = { .nla_len = NLA_HDRLEN };
	static const struct flow flow;
	static struct xlate_out out;
	struct mflow *f;

	out.n_rules = 1;
	out.rules[0] = rule;
	out.asked.bits[rule->table / 64] |= 1ull << rule->table % 64;
	f = sw_flow_enter(&sw, ufid, &key, &flow, &out, "body", 4, 1);
	assert_non_null(f);
	f->made = f->seen = clock_ms - 1;
}

static void test_idle(void **state)
{
	unsigned int i;

	(void)state;
	done("rule/add", "table=1,idle_timeout=3,actions=drop");
	add_megaflow(rule_of(1));
	for (i = 0; i < 20; i++) {
		datapath_tells(i, clock_ms);
		pass(1);
		assert_non_null(rule_of(1));
	}
	assert_int_equal(rule_of(1)->n_packets, 19);
	pass(2);
	assert_non_null(rule_of(1));
	/* Packets of its megaflow that take other branches are none of the rule. */
	for (i = 0; i < 3; i++) {
		datapath_tells(19, clock_ms);
		pass(1);
	}
	assert_null(rule_of(1));
}

/* A dump misses the megaflow. */
static void datapath_forgets(void)
{
	struct nl_msg *msg = dpnl_msg(&sw.nl, F_FLOW, OVS_FLOW_CMD_DEL, 0);

	nla_put(msg, OVS_FLOW_ATTR_UFIDS, UFID_LEN, ufid);
	dpnl_call(&sw.nl, msg, NULL, NULL);
}

/* Packets that were not counted yet are not overlooked. */
static void test_not_counted(void **state)
{
	(void)state;
	done("rule/add", "table=1,idle_timeout=3,actions=drop");
	add_megaflow(rule_of(1));
	datapath_tells(1, clock_ms);
	pass(2);
	/* For long there is no dump, then one that misses the megaflow. */
	sw.next_dump = clock_ms + 20000;
	pass(19);
	assert_non_null(rule_of(1));
	datapath_forgets();
	clock_ms += 1000;
	sw_flows_tick(&sw);
	sw_rules_expire(&sw);
	assert_non_null(rule_of(1));
	datapath_tells(2, clock_ms);
	pass(2);
	assert_non_null(rule_of(1));
	pass(4);
	assert_null(rule_of(1));
}

static void test_both(void **state)
{
	(void)state;
	done("rule/add", "table=1,idle_timeout=3,hard_timeout=10,actions=drop");
	done("rule/add", "table=2,idle_timeout=10,hard_timeout=3,actions=drop");
	pass(5);
	assert_null(rule_of(1));
	assert_null(rule_of(2));
}

static int setup(void **state)
{
	(void)state;
	return sw_bed(&sw, "timeouts", 1000000000, file);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(file);
}

#define T(f) cmocka_unit_test_setup(f, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wheel), cmocka_unit_test(test_bounded),
		T(test_hard), T(test_age), T(test_idle), T(test_not_counted), T(test_both),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
