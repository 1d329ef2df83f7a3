// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each allocation of each command fails once.  Whichever it is, the command is refused,
 * and the switch is as it was; or all of it has been done all the same.  Likewise for
 * what packets have entered into tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "../daemon/command.h"
#include "../daemon/events.h"
#include "../daemon/switch.h"
#include "../pipeline/tlv.h"
#include "swbed.h"

/* Allocations until one fails, unless negative; the linker puts these in place. */
static long until_failure = -1;
static bool has_failed;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);

static bool fails(void)
{
	if (until_failure < 0)
		return false;
	has_failed |= !until_failure;
	return !until_failure--;
}

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

/* There is no event loop to leave. */
void sw_leave(void)
{
}

static struct sw sw;
static char file[] = "/tmp/test_nomem.XXXXXX";

/* Return: whether it was done. */
static bool run(const char *method, const char *arg)
{
	bool failed;
	char *text = command_run(&sw, NULL, method, arg != NULL, &arg, &failed);

	free(text);
	return !failed;
}

static void must(const char *method, const char *arg)
{
	if (!run(method, arg))
		fail_msg("%s %s", method, arg ? arg : "");
}

static char *dump(void)
{
	static const char *const methods[] = {
		"rule/dump", "group/dump", "meter/dump", "port/list", "tlv/dump",
	};
	char *all = NULL, *text;
	bool failed;
	size_t size;
	unsigned int i;
	FILE *out = open_memstream(&all, &size);

	for (i = 0; i < 5; i++) {
		text = command_run(&sw, NULL, methods[i], 0, NULL, &failed);
		assert_false(failed);
		fputs(text, out);
		free(text);
	}
	fclose(out);
	return all;
}

/* The state that each command finds. */
static void reset(void)
{
	unsigned int i;
	char id[12];

	must("rule/del", NULL);
	while (sw.groups.first) {
		snprintf(id, sizeof(id), "%u", sw.groups.first->id);
		must("group/del", id);
	}
	while (sw.meters) {
		snprintf(id, sizeof(id), "%u", sw.meters->id);
		must("meter/del", id);
	}
	for (i = 0; i < N_TLVS; i++)
		if (tlv_get(i))
			must("tlv/del", tlv_field(i)->name);
	dpnl_dp_open(&sw.nl, sw.dp, true, sw.pids, sw.n_pids);
	for (i = 1; i < 3; i++)
		dpnl_port_add(&sw.nl, i == 1 ? "p1" : "p2", false, i, 0);
	sw_ports_refresh(&sw);
	must("group/add", "group_id=1,type=all,bucket=actions=output:1,bucket=actions=output:2");
	must("group/add", "group_id=3,type=all,bucket=actions=output:2");
	must("meter/add", "meter=1,pktps,bands=type=drop,rate=7");
	must("rule/add", "priority=9,tcp,nw_dst=10.0.0.1,actions=meter:1,group:1");
	must("rule/add", "table=1,priority=9,udp,actions=drop");
	must("rule/add", "table=1,priority=8,udp,tp_dst=7,actions=drop");
	must("tlv/add", "{class=1,type=1,len=4}->tun_metadata0");
	must("tlv/add", "{class=1,type=2,len=8}->tun_metadata1");
	must("rule/add", "table=2,tun_metadata0=1,actions=drop");
	must("group/add", "group_id=4,type=all,bucket=actions=set_field:1->tun_metadata1");
}

static void write_file(const char *text)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* A meter that is set counts anew, here from the number of times that any was set. */
static void forget_meter_counts(char *text)
{
	size_t n;

	while ((text = strstr(text, " n_packets="))) {
		text += strlen(" n_packets=");
		n = strspn(text, "0123456789");
		memmove(text, text + n, strlen(text + n) + 1);
	}
}

static void check(const char *method, const char *arg)
{
	char *before, *after, *want;
	unsigned int refused = 0;
	bool done;
	long n;

	reset();
	must(method, arg);
	want = dump();
	forget_meter_counts(want);
	for (n = 0; ; n++) {
		reset();
		before = dump();
		has_failed = false;
		until_failure = n;
		done = run(method, arg);
		until_failure = -1;
		after = dump();
		forget_meter_counts(before);
		forget_meter_counts(after);
		refused += !done;
		if (strcmp(after, done ? want : before))
			fail_msg("%s %s, without allocation %ld, is %s, and leaves\n%s\nof\n%s",
				 method, arg ? arg : "", n, done ? "done" : "refused",
				 after, done ? want : before);
		free(before);
		free(after);
		if (!has_failed)
			break;
	}
	assert_true(done && refused);
	free(want);
}

static void test_rules(void **state)
{
	(void)state;
	check("rule/add", "table=3,priority=7,ip,nw_src=10.0.0.0/8,tp_dst=80/0xf0,tcp,actions=output:1");
	check("rule/add", "table=1,priority=9,udp,actions=output:1");
	check("rule/del", NULL);
	check("rule/del", "table=1,udp");
	check("rule/del", "cookie=0/1,table=1");
	write_file("table=1,priority=9,udp,actions=drop\ntable=1,priority=8,udp,tp_dst=7,actions=output:2\n"
		   "table=2,priority=8,ipv6,ipv6_src=fd00::/64,actions=output:2\n");
	check("rule/load", file);
	check("rule/replace", file);
}

/* A rule whose time is over, and that can't go, goes another time. */
static void test_timeouts(void **state)
{
	struct timeouts *w = &sw.tables.timeouts;
	unsigned int refused = 0;
	struct rule *rule;
	long n;

	(void)state;
	reset();
	must("rule/add", "table=9,hard_timeout=1,actions=drop");
	rule = sw.tables.first[9];
	rule->added = 0;
	for (n = 0; sw.tables.first[9]; n++) {
		assert_ptr_equal(sw.tables.first[9], rule);
		assert_non_null(rule->timeout.le_prev);
		timeouts_del(rule);
		w->second = 0;
		timeouts_add(w, rule);
		has_failed = false;
		until_failure = n;
		sw_rules_expire(&sw);
		until_failure = -1;
		refused += has_failed;
		assert_int_equal(has_failed, sw.tables.first[9] != NULL);
	}
	assert_true(refused);
}

/* What is asked is answered whole, or it is said that there was no memory. */
static void test_trace(void **state)
{
	static const char *const args[] = { "in_port=1,udp,nw_dst=10.0.0.1", "ct=trk,est" };
	char *text, *want = NULL;
	unsigned int refused = 0;
	bool failed;
	long n;

	(void)state;
	reset();
	must("rule/del", NULL);
	must("rule/add", "udp,actions=mod_vlan_vid:5,ct(table=1)");
	must("rule/add", "table=1,udp,actions=ct(table=2)");
	must("rule/add", "table=2,udp,actions=ct(table=1)");
	for (n = -1; n < 1 || has_failed; n++) {
		frozen_clear(&sw.frozen);
		sw.frozen.last_id = 0;
		has_failed = false;
		until_failure = n;
		text = command_run(&sw, NULL, "trace", 2, args, &failed);
		until_failure = -1;
		if (!want)
			want = strdup(text);
		else if (!failed && strcmp(text, want) && !strstr(text, "out of memory") &&
			 /* A link that can't be noted: it is looked for at once. */
			 !strstr(text, "stage loop: a packet that recirculates from table 1"))
			fail_msg("without allocation %ld it is\n%s\nnot\n%s", n, text, want);
		refused += failed;
		free(text);
	}
	assert_non_null(strstr(want, "stage loop: a packet that recirculates from table 2"));
	assert_true(refused);
	free(want);
	must("rule/del", NULL);
	frozen_clear(&sw.frozen);
}

static void test_groups_and_meters(void **state)
{
	(void)state;
	check("group/add", "group_id=2,type=select,bucket=weight:2,actions=output:1");
	check("group/add", "group_id=1,type=all,bucket=actions=output:1");
	check("group/del", "3");
	check("meter/add", "meter=2,pktps,bands=type=drop,rate=9");
	check("meter/add", "meter=1,kbps,bands=type=drop,rate=9");
}

static void test_batches(void **state)
{
	(void)state;
	write_file("rule del\ngroup del 1\nmeter del 1\nport add p3 7\nmeter add meter=1,kbps,bands=type=drop,rate=5\n"
		   "group add group_id=3,type=all,bucket=actions=output:1\nport del p1\nport del p2\nport add p1 2\n"
		   "rule add priority=1,actions=group:3\n");
	check("batch", file);
	/* A configuration: what it does not name goes. */
	write_file("port add p2 2\nport add p3 3\nmeter add meter=2,kbps,bands=type=drop,rate=5\n"
		   "meter add meter=1,pktps,bands=type=drop,rate=7\n"
		   "group add group_id=3,type=all,bucket=actions=output:1\n"
		   "rule add table=1,priority=9,udp,actions=drop\nrule add table=5,actions=group:3,meter:2\n");
	assert_int_equal(config_set(file), 0);
	check("config/reload", NULL);
	write_file("port add p1\nport add p2 1\nport add p3 2\n");
	check("config/reload", NULL);
}

static void test_options(void **state)
{
	(void)state;
	check("vlog/set", "flow:file:dbg");
	check("tlv/add", "{class=1,type=3,len=8}->tun_metadata2");
	write_file("rule del table=2\ntlv del tun_metadata0\ntlv add {class=1,type=1,len=40}->tun_metadata0\n"
		   "rule add table=2,tun_metadata0=1,actions=set_field:7->tun_metadata0\n");
	check("batch", file);
	write_file("tlv add {class=1,type=2,len=40}->tun_metadata0\ntlv add {class=1,type=1,len=4}->tun_metadata1\n"
		   "rule add table=2,tun_metadata0=1,actions=drop\n"
		   "group add group_id=4,type=all,bucket=actions=set_field:1->tun_metadata1\n");
	events_mask = 1u << EVENT_rule;
	check("config/reload", NULL);
	events_mask = 0;
}

#define N_ENTRIES 700	/* enough for tables to grow some times */

static struct xlate_out out;

static bool enter_flow(unsigned int i)
{
	const struct nlattr key = { .nla_len = NLA_HDRLEN };
	static const struct flow flow;
	uint8_t ufid[UFID_LEN] = {};

	memcpy(ufid, &i, sizeof(i));
	return sw_flow_enter(&sw, ufid, &key, &flow, &out, "body", 4, i);
}

static bool learn(unsigned int i)
{
	const struct mac_key key = { .mac = { 2, i >> 8, i } };

	return mac_learn(&sw.macs, &key, i % 300, 1);
}

static bool freeze(unsigned int i)
{
	const struct frozen like = { .reg = { i }, .result = -1 };

	return frozen_get(&sw.frozen, &like, 1);
}

static struct portq queue;

static bool wait_in_queue(unsigned int i)
{
	return portq_push(&queue, i, "upcall", 6);
}

/* What was not entered is not there, and the table is as good as before. */
static void fill(bool (*enter)(unsigned int i), unsigned int (*count)(void))
{
	unsigned int i, refused = 0;
	bool ok;
	long n;

	for (i = 0; i < N_ENTRIES; i++) {
		for (n = 0, ok = false; !ok; n++) {
			has_failed = false;
			until_failure = n;
			ok = enter(i);
			until_failure = -1;
			refused += !ok;
			assert_int_equal(ok, !has_failed);
			assert_int_equal(count(), i + ok);
		}
	}
	assert_true(refused > N_ENTRIES);
}

static unsigned int count_flows(void)
{
	assert_int_equal(HASH_COUNT(sw.masks), HASH_COUNT(sw.flows));
	return HASH_COUNT(sw.flows);
}

static unsigned int count_macs(void)
{
	return HASH_COUNT(sw.macs.entries);
}

static unsigned int count_frozen(void)
{
	assert_int_equal(HASH_CNT(hh_key, sw.frozen.by_key), HASH_COUNT(sw.frozen.by_id));
	return HASH_COUNT(sw.frozen.by_id);
}

static unsigned int count_waiting(void)
{
	return queue.n;
}

static void test_tables(void **state)
{
	(void)state;
	fill(enter_flow, count_flows);
	while (sw.flows)
		sw_flow_forget(&sw, sw.flows);
	fill(learn, count_macs);
	mac_clear(&sw.macs);
	fill(freeze, count_frozen);
	frozen_clear(&sw.frozen);
	portq_init(&queue, 1000);
	fill(wait_in_queue, count_waiting);
	portq_clear(&queue);
}

static int setup(void **state)
{
	(void)state;
	return own_bpffs() || sw_bed(&sw, "nomem", 10000, file);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules), cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_groups_and_meters),
		cmocka_unit_test(test_batches), cmocka_unit_test(test_options),
		cmocka_unit_test(test_trace), cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
