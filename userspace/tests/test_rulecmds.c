// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about rules: which of them a text means, and what is refused of it. */
#include <linux/openvswitch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "../daemon/command.h"
#include "../daemon/switch.h"
#include "swbed.h"

#define N_MANY 40000

/* There is no event loop to leave. */
void sw_leave(void)
{
}

static struct sw sw;
static char file[] = "/tmp/test_rulecmds.XXXXXX";

/* What a command answers, until the next one; @failed whether that is an error. */
static const char *ask(bool *failed, const char *method, const char *word,
		       const char *more)
{
	const char *args[] = { word, more };
	static char *text;

	free(text);
	text = command_run(&sw, NULL, method, !!word + !!more, args, failed);
	assert_non_null(text);
	return text;
}

static const char *done(const char *method, const char *word, const char *more)
{
	bool failed;
	const char *text = ask(&failed, method, word, more);

	if (failed)
		fail_msg("%s %s %s: %s", method, word ? word : "", more ? more : "", text);
	return text;
}

/* It is refused, and the sentence has @why in it. */
static void refused(const char *method, const char *word, const char *more,
		    const char *why)
{
	bool failed;
	const char *text = ask(&failed, method, word, more);

	if (!failed || !strstr(text, why))
		fail_msg("%s %s %s: %s, not \"%s\"", method, word, more ? more : "",
			 text, why);
}

static void write_file(const char *text)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* The rules that each test begins with. */
static const char rules[] =
	"cookie=0x11,table=0,priority=9,tcp,actions=drop\n"
	"cookie=0x12,table=0,priority=9,tcp,tp_dst=80,actions=drop\n"
	"cookie=0x12,table=0,priority=8,tcp,tp_dst=80,actions=drop\n"
	"cookie=0x21,table=1,priority=9,tcp,actions=drop\n"
	"table=1,priority=7,udp,actions=drop\n"
	"table=1,priority=32768,tcp,actions=drop\n";

static int reset(void **state)
{
	(void)state;
	write_file(rules);
	done("rule/replace", file, NULL);
	return 0;
}

/* So many go, and so many are left. */
static void deletes(unsigned int n, const char *word, const char *more)
{
	unsigned int before;
	char want[40];

	reset(NULL);
	before = sw.tables.n_rules;
	snprintf(want, sizeof(want), "%u rules deleted\n", n);
	assert_string_equal(done("rule/del", word, more), want);
	assert_int_equal(sw.tables.n_rules, before - n);
}

static void test_cookie(void **state)
{
	(void)state;
	deletes(2, "cookie=0x12", NULL);
	deletes(2, "cookie=0x12/-1", NULL);
	deletes(3, "cookie=0x10/0x10", NULL);
	deletes(1, "table=1,cookie=1/0xf", NULL);
	deletes(1, "tcp,cookie=0/0xffff", NULL);
	deletes(2, "cookie=0", NULL);
	deletes(6, "cookie=0/0", NULL);
	deletes(0, "cookie=0x13", NULL);
	refused("rule/del", "tcp,cookie=5/6x", NULL, "(at \"5/6x\", position 12)");
	refused("rule/del", "cookie=-1", NULL, "(at \"-1\", position 8)");
	refused("rule/add", "cookie=5/1,actions=drop", NULL, "(at \"5/1\", position 8)");
}

static void test_within(void **state)
{
	(void)state;
	deletes(6, NULL, NULL);
	deletes(6, "", NULL);
	deletes(5, "tcp", NULL);
	deletes(2, "table=1,tcp", NULL);
	deletes(3, "table=1", NULL);
	deletes(2, "tcp,tp_dst=80", NULL);
	deletes(0, "udp,tp_dst=80", NULL);
}

static void test_strict(void **state)
{
	(void)state;
	deletes(1, "--strict", "priority=9,tcp");
	deletes(1, "priority=8,tcp,tp_dst=80", "--strict");
	deletes(1, "--strict", "table=1,tcp");
	deletes(0, "--strict", "tcp");
	deletes(0, "--strict", NULL);
	deletes(0, "--strict", "table=9,priority=9,tcp");
	deletes(1, "--strict", "priority=9,tcp,cookie=0x11");
	deletes(0, "--strict", "priority=9,tcp,cookie=0x12");
	deletes(0, "--strict", "priority=9,tcp,bpf=x");
}

static void test_refused(void **state)
{
	static const char *const texts[] = {
		"tcp,actions=drop", "tcp,action=drop", "tcp,idle_timeout=5",
		"tcp,hard_timeout=5", "tcp,n_packets=5",
	};
	static const char *const commands[] = { "rule/del", "rule/dump", "trace" };
	char at[64];
	unsigned int i, k;

	(void)state;
	for (k = 0; k < 3; k++) {
		for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
			snprintf(at, sizeof(at), "(at \"%.*s\", position 5)",
				 (int)strcspn(texts[i] + 4, "="), texts[i] + 4);
			refused(commands[k], texts[i], NULL, at);
		}
	}
	refused("rule/del", "tcp,priority=9", NULL, "only with --strict (at \"priority\", position 5)");
	refused("rule/dump", "tcp,priority=9", NULL, "only with --strict (at \"priority\", position 5)");
	refused("trace", "tcp,priority=9", NULL, "(at \"priority\", position 5)");
	refused("trace", "cookie=1", NULL, "(at \"cookie\", position 1)");
	refused("trace", "table=1", NULL, "(at \"table\", position 1)");
	refused("rule/del", "--strict", "actions=drop", "(at \"actions\", position 1)");
	assert_int_equal(sw.tables.n_rules, 6);
}

/* What may stand once stands once, whatever it says. */
static void test_twice(void **state)
{
	static const char *const names[] = {
		"table", "priority", "cookie", "idle_timeout", "hard_timeout",
	};
	char text[128], why[128];
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(text, sizeof(text), "%s=1,tcp,%s=1,actions=drop", names[i], names[i]);
		snprintf(why, sizeof(why), "%s= stands twice (at \"%s\", position %zu)",
			 names[i], names[i], strlen(names[i]) + 8);
		refused("rule/add", text, NULL, why);
	}
	refused("rule/del", "table=1,table=1", NULL, "table= stands twice");
	refused("rule/del", "cookie=1,cookie=1/1", NULL, "cookie= stands twice");
}

/* The rules that a dump tells. */
static void dumps(unsigned int n, const char *word, const char *more)
{
	const char *text = done("rule/dump", word, more);
	unsigned int rows = 0;

	for (; *text; text++)
		rows += *text == '\n';
	assert_int_equal(rows, n);
}

static void test_dump(void **state)
{
	(void)state;
	dumps(6, NULL, NULL);
	dumps(2, "cookie=0x12", NULL);
	dumps(2, "table=1,tcp", NULL);
	dumps(1, "--strict", "table=1,tcp");
	assert_string_equal(done("rule/dump", "table=0,cookie=0x11", NULL),
			    "cookie=0x11,table=0,n_packets=0,n_bytes=0,priority=9,tcp,actions=drop\n");
}

/* What a dump writes is read as the same. */
static void test_again(void **state)
{
	(void)state;
	done("rule/add", "table=2,idle_timeout=600,hard_timeout=65535,ip,actions=output:1", NULL);
	sw.tables.first[2]->n_packets = 12345678901234;
	sw.tables.first[2]->n_bytes = UINT64_MAX / 2;
	write_file(done("rule/dump", NULL, NULL));
	assert_string_equal(done("rule/replace", file, NULL), "0 rules added, 0 deleted, 7 kept\n");
	done("rule/load", file, NULL);
	assert_int_equal(sw.tables.first[2]->n_packets, 0);
	/* As ovs-ofctl writes it. */
	done("rule/add", " cookie=0x0, duration=12.345s, table=0, n_packets=7, n_bytes=8, "
	     "idle_timeout=9, idle_age=1, hard_age=65534, priority=5,tcp actions=drop", NULL);
	refused("rule/add", "n_packets=x,actions=drop", NULL, "(at \"x\", position 11)");
	refused("rule/add", "tcp,duration=,actions=drop", NULL, "duration");
	refused("rule/add", "n_cows=1,actions=drop", NULL, "no field has this name");
}

static const char *first_line(const char *method)
{
	static char line[512];

	snprintf(line, sizeof(line), "%s", done(method, NULL, NULL));
	line[strcspn(line, "\n")] = 0;
	return line;
}

/* A part of a meter that stands twice is refused at the second. */
static void test_meter_twice(void **state)
{
	(void)state;
	refused("meter/add", "meter=1,meter=2,kbps,rate=1", NULL,
		"meter= stands twice (at \"meter=2\", position 9)");
	refused("meter/add", "meter=1,kbps,kbps,rate=1", NULL,
		"kbps or pktps stands twice (at \"kbps\", position 14)");
	refused("meter/add", "meter=1,pktps,kbps,rate=1", NULL,
		"kbps or pktps stands twice (at \"kbps\", position 15)");
	refused("meter/add", "meter=1,kbps,band=type=drop,rate=1,rate=2", NULL,
		"rate= stands twice (at \"rate=2\", position 36)");
	refused("meter/add", "meter=1,kbps,rate=1,burst_size=2,burst_size=2", NULL,
		"burst_size= stands twice");
	refused("meter/add", "meter=1,kbps,bands=type=drop,rate=1,type=drop", NULL,
		"type= stands twice (at \"type=drop\", position 37)");
}

/* Somebody else has deleted a meter. */
static void lose_meter(uint32_t id)
{
	struct nl_msg *msg = dpnl_msg(&sw.nl, F_METER, OVS_METER_CMD_DEL, 0);

	nla_put_u32(msg, OVS_METER_ATTR_ID, id);
	assert_int_equal(dpnl_call(&sw.nl, msg, NULL, NULL), 0);
}

/* The same for groups and meters. */
static void test_others_again(void **state)
{
	static const char group[] = "group_id=7,type=select,bucket=weight:1,actions=output:1,"
		"bucket=weight:2,watch_port:3,actions=output:2,drop\n";

	(void)state;
	done("group/add", "group_id=7,type=select,bucket=output:1,bucket=weight=2,watch_port=3,2,drop", NULL);
	assert_string_equal(done("group/dump", NULL, NULL), group);
	done("group/add", first_line("group/dump"), NULL);
	assert_string_equal(done("group/dump", NULL, NULL), group);
	done("meter/add", "meter=5,kbps,bands=type=drop,rate=7,burst_size=9", NULL);
	done("meter/add", first_line("meter/dump"), NULL);
	assert_non_null(strstr(done("meter/dump", NULL, NULL),
			       "meter=5,kbps,bands=type=drop,rate=7,burst_size=9 n_packets="));
	assert_null(strstr(done("meter/dump", NULL, NULL), "lost"));
	lose_meter(5);
	assert_non_null(strstr(done("meter/dump", NULL, NULL), " state=lost\n"));
	done("meter/add", first_line("meter/dump"), NULL);
	assert_null(strstr(done("meter/dump", NULL, NULL), "lost"));
	refused("meter/add", "meter=5,kbps,bands=type=drop,rate=7 n_packets=x", NULL,
		"(at \"n_packets=x\", position 37)");
}

static double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Every other one of many rules goes: that is not much more work than to read them. */
static void many(unsigned int n_priorities)
{
	double begin = cpu_seconds(), read;
	FILE *f = fopen(file, "w");
	unsigned int i;

	for (i = 0; i < N_MANY; i++)
		fprintf(f, "table=%u,priority=%u,ip,nw_dst=10.0.%u.%u,nw_proto=%u,actions=drop\n",
			i % 3, i % n_priorities, i >> 8 & 255, i & 255, 17 - i % 2);
	fclose(f);
	done("rule/replace", file, NULL);
	assert_int_equal(sw.tables.n_rules, N_MANY);
	read = cpu_seconds() - begin;
	begin = cpu_seconds();
	done("rule/del", "udp", NULL);
	assert_int_equal(sw.tables.n_rules, N_MANY / 2);
	fprintf(stderr, "# %u rules read in %f s, half deleted in %f s\n", N_MANY, read,
		cpu_seconds() - begin);
	assert_true(cpu_seconds() - begin < 4 * read);
}

static void test_many(void **state)
{
	(void)state;
	many(1);
	many(500);
	many(N_MANY);
}

static int setup(void **state)
{
	(void)state;
	return sw_bed(&sw, "rules", 10000, file);
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
		T(test_cookie), T(test_within), T(test_strict), T(test_refused),
		T(test_twice), T(test_dump), T(test_again), T(test_others_again), T(test_many),
		T(test_meter_twice),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
