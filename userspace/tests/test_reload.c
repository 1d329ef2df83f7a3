// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A configuration that is loaded again: options and ports become those of the file,
 * whatever there was, and nothing that was made before is read as if it were of now.
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
#include "../lib/log.h"
#include "../pipeline/tlv.h"
#include "swbed.h"

/* There is no event loop to leave. */
void sw_leave(void)
{
}

static struct sw sw;
static char told[1024];	/* what those heard who listen */

void __wrap_control_publish(uint32_t event, const json_t *row)
{
	size_t n = strlen(told);

	(void)event;
	snprintf(told + n, sizeof(told) - n, "%s\n",
		 json_string_value(json_object_get(row, "text")));
}

static char file[] = "/tmp/test_reload.XXXXXX";

/* Return: what was answered, until the next call; @failed: it is an error. */
static const char *run(const char *method, const char *arg, bool *failed)
{
	static char *text;

	free(text);
	text = command_run(&sw, NULL, method, arg != NULL, &arg, failed);
	return text;
}

static const char *must(const char *method, const char *arg)
{
	bool failed;
	const char *text = run(method, arg, &failed);

	if (failed)
		fail_msg("%s %s: %s", method, arg ? arg : "", text);
	return text;
}

static void write_file(const char *text)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(config_set(file), 0);
}

static void load(const char *text)
{
	write_file(text);
	must("config/reload", NULL);
}

/* The ports, by their numbers: "1 p1, 2 p2". */
static const char *ports(void)
{
	const char *text = must("port/list", NULL), *p;
	static char list[512];
	char number[24];
	int n = 0, i;

	list[0] = 0;
	for (i = 1; i < 20; i++) {
		snprintf(number, sizeof(number), "port %d: ", i);
		p = strstr(text, number);
		if (p)
			n += snprintf(list + n, sizeof(list) - n, "%s%d %.*s", n ? ", " : "", i,
				      (int)strcspn(p + strlen(number), " "), p + strlen(number));
	}
	return list;
}

static void batch(const char *text)
{
	write_file(text);
	must("batch", file);
}

static char *everything(void)
{
	static const char *const methods[] = { "tlv/dump", "rule/dump", "group/dump" };
	char *all = NULL;
	size_t size;
	unsigned int i;
	FILE *out = open_memstream(&all, &size);

	for (i = 0; i < 3; i++)
		fputs(must(methods[i], NULL), out);
	fputs(ports(), out);
	fclose(out);
	return all;
}

/* It is refused, for a reason, and changes nothing. */
static void refused(const char *method, const char *text, const char *why)
{
	char *before = everything(), *after;
	const char *said;
	bool failed;

	write_file(text);
	said = run(method, *method == 'b' ? file : NULL, &failed);
	if (!failed || !strstr(said, why))
		fail_msg("\"%s\" is said of\n%s", said, text);
	after = everything();
	assert_string_equal(before, after);
	free(before);
	free(after);
}

static void options_are(const char *want)
{
	assert_string_equal(must("tlv/dump", NULL), want);
}

static void has_rule(const char *text)
{
	if (!strstr(must("rule/dump", NULL), text))
		fail_msg("no %s in\n%s", text, must("rule/dump", NULL));
}

#define OPTION(type, len, n) "tlv add {class=1,type=" #type ",len=" #len "}->tun_metadata" #n "\n"
#define IS(type, len, n) "{class=0x1,type=" #type ",len=" #len "}->tun_metadata" #n "\n"

static void test_option_changes(void **state)
{
	(void)state;
	load(OPTION(1, 4, 0) OPTION(2, 8, 1)
	     "rule add tun_metadata0=7,actions=set_field:5->tun_metadata0,output:1\n"
	     "rule add table=1,tun_metadata1=8,actions=drop\n");
	sw.tables.first[0]->n_packets = 70;
	sw.tables.first[1]->n_packets = 80;
	/* Another length; a field of the rules that stay keeps its place and they their counts. */
	load(OPTION(1, 8, 0) OPTION(2, 8, 1)
	     "rule add tun_metadata0=7,actions=set_field:0x500000000->tun_metadata0,output:1\n"
	     "rule add table=1,tun_metadata1=8,actions=drop\n");
	options_are(IS(1, 8, 0) IS(2, 8, 1));
	has_rule("table=0,n_packets=0,n_bytes=0,priority=32768,tun_metadata0=0x7,actions=set_field:0x500000000->tun_metadata0,output:1");
	has_rule("table=1,n_packets=80,n_bytes=0,priority=32768,tun_metadata1=0x8,actions=drop");
	/* Another field. */
	load(OPTION(1, 8, 5) OPTION(2, 8, 1) "rule add tun_metadata5=7,actions=drop\n"
	     "rule add table=1,tun_metadata1=8,actions=drop\n");
	options_are(IS(2, 8, 1) IS(1, 8, 5));
	has_rule("priority=32768,tun_metadata5=0x7,actions=drop");
	/* Each in place of the other: rules of the same text are not the same. */
	sw.tables.first[0]->n_packets = 70;
	load(OPTION(2, 8, 5) OPTION(1, 8, 1) "rule add tun_metadata5=7,actions=drop\n"
	     "rule add table=1,tun_metadata1=8,actions=drop\n");
	options_are(IS(1, 8, 1) IS(2, 8, 5));
	has_rule("table=0,n_packets=0,n_bytes=0,priority=32768,tun_metadata5=0x7");
	has_rule("table=1,n_packets=0,n_bytes=0,priority=32768,tun_metadata1=0x8");
	/* Another option, of the same length. */
	load(OPTION(1, 4, 0) "rule add tun_metadata0=7,actions=drop\n");
	sw.tables.first[0]->n_packets = 70;
	load(OPTION(2, 4, 0) "rule add tun_metadata0=7,actions=drop\n");
	options_are(IS(2, 4, 0));
	has_rule("table=0,n_packets=0,n_bytes=0,priority=32768,tun_metadata0=0x7,actions=drop");
	/* By a group, and none at all. */
	load(OPTION(1, 4, 0) "group add group_id=1,type=all,bucket=actions=set_field:1->tun_metadata0,output:1\n");
	load(OPTION(1, 12, 0) "group add group_id=1,type=all,bucket=actions=set_field:1->tun_metadata0,output:1\ngroup dump\n");
	options_are(IS(1, 12, 0));
	load("");
	options_are("");
}

static void test_option_room(void **state)
{
	(void)state;
	load(OPTION(1, 4, 0) OPTION(2, 4, 1) OPTION(3, 116, 2)
	     "rule add table=1,tun_metadata1=8,actions=drop\n");
	/* One grows where another shrinks, before that. */
	load(OPTION(1, 60, 0) OPTION(2, 4, 1) OPTION(3, 60, 2)
	     "rule add table=1,tun_metadata1=8,actions=drop\n");
	options_are(IS(1, 60, 0) IS(2, 4, 1) IS(3, 60, 2));
	/* One that stays is in the way of a long one: it moves. */
	load(OPTION(1, 4, 0) OPTION(2, 4, 1) OPTION(3, 116, 2)
	     "rule add table=1,tun_metadata1=8,actions=drop\n");
	load(OPTION(2, 4, 1) "rule add table=1,tun_metadata1=8,actions=drop\n");
	assert_int_equal(tlv_field(1)->ofs, offsetof(struct flow, tun_metadata) + 4);
	load(OPTION(4, 120, 3) OPTION(2, 4, 1)
	     "rule add table=1,tun_metadata1=8,actions=drop\n");
	options_are(IS(2, 4, 1) IS(4, 120, 3));
	has_rule("tun_metadata1=0x8");
	refused("config/reload", OPTION(4, 120, 3) OPTION(2, 8, 1), ":2: {class=1,type=2,len=8}->tun_metadata1: the options that there are leave no room");
	refused("config/reload", OPTION(4, 8, 3) OPTION(4, 8, 1), ":2: {class=1,type=4,len=8}->tun_metadata1: the option is another field");
	refused("config/reload", OPTION(4, 8, 3) OPTION(5, 8, 3), ":2: {class=1,type=5,len=8}->tun_metadata3: the field is another option");
	refused("config/reload", OPTION(4, 8, 3) "nonsense\n", ":2: ");
}

/* It does not matter what was an option before. */
static void test_option_order(void **state)
{
	static const char *const early[] = {
		"rule add tun_metadata0=7,actions=drop\n" OPTION(1, 4, 0),
		"rule add actions=set_field:7->tun_metadata0,output:1\n" OPTION(1, 4, 0),
		"group add group_id=1,type=all,bucket=actions=move:tun_metadata0[0..7]->reg0[0..7]\n" OPTION(1, 4, 0),
		"rule add actions=output:tun_metadata0[0..7]\n",
	};
	unsigned int i, k;

	(void)state;
	for (k = 0; k < 2; k++) {
		load(k ? OPTION(1, 4, 0) : "");
		for (i = 0; i < 4; i++)
			refused("config/reload", early[i], "tun_metadata0");
	}
}

static void test_groups(void **state)
{
	static const char *const bad[] = {
		"rule add actions=meter:99\n", "group add group_id=1,type=all,bucket=actions=meter:99,output:1\n",
		"group add group_id=1,type=all,bucket=actions=group:99\n",
	};
	unsigned int i;

	(void)state;
	load("");
	must("meter/add", "meter=1,pktps,bands=type=drop,rate=1");
	for (i = 0; i < 3; i++) {
		refused("batch", bad[i], "there is no ");
		refused("config/reload", bad[i], "there is no ");
	}
	must("group/add", "group_id=1,type=all,bucket=actions=meter:1,output:1");
	refused("batch", "meter del 1\n", "a rule or a group names meter 1");
	refused("config/reload", "group add group_id=1,type=all,bucket=actions=meter:1,output:1\n",
		":1: there is no meter 1");
	must("meter/add", "meter=1,pktps,bands=type=drop,rate=2");
	must("group/del", "1");
	must("meter/del", "1");
}

static void test_group_loops(void **state)
{
#define GROUP(n, acts) "group add group_id=" #n ",type=all,bucket=actions=output:1,bucket=actions=" acts "\n"
	(void)state;
	load("");
	refused("batch", GROUP(3, "group:3"), "there is no group 3");
	must("group/add", "group_id=4,type=all,bucket=actions=output:1");
	refused("batch", GROUP(4, "group:4"), "group 4 would lead back to itself: 4 -> 4");
	write_file(GROUP(3, "group:4,group:4") GROUP(2, "group:3,group:4") GROUP(1, "group:4,group:2,group:3"));
	must("batch", file);
	refused("batch", GROUP(4, "output:2,group:2"), "group 4 would lead back to itself: 4 -> 2 -> 4");
	refused("batch", GROUP(4, "output:2,group:1"), "group 4 would lead back to itself: 4 -> 1 -> 4");
	refused("batch", GROUP(3, "group:1"), "group 3 would lead back to itself: 3 -> 1 -> 3");
	refused("config/reload", GROUP(4, "drop") GROUP(3, "group:4") GROUP(2, "group:3") GROUP(4, "group:2"),
		":4: group 4 would lead back to itself: 4 -> 2 -> 3 -> 4");
	/* What the file has the other way round is no loop. */
	load(GROUP(1, "drop") GROUP(2, "group:1") GROUP(3, "group:1,group:2") GROUP(4, "group:3"));
	load(GROUP(4, "drop") GROUP(3, "group:4") GROUP(2, "group:3"));
	must("group/del", "2");
	must("group/del", "3");
	must("group/del", "4");
}

static void test_log_levels(void **state)
{
	char *before = strdup(must("vlog/list", NULL));

	(void)state;
	refused("batch", "vlog set flow:console:dbg bogus:x:y\n", ":1: \"bogus\" is neither");
	assert_string_equal(must("vlog/list", NULL), before);
	refused("batch", "vlog set flow:console:dbg\nvlog set rule:syslog:err\nnonsense\n", ":3: ");
	assert_string_equal(must("vlog/list", NULL), before);
	refused("config/reload", "vlog set flow:console:dbg\nnonsense\n", ":2: ");
	assert_string_equal(must("vlog/list", NULL), before);
	batch("vlog set flow:console:emer rule:syslog:err\n");
	assert_int_equal(strcmp(log_level_name(LOG_flow, PLACE_CONSOLE), "EMER"), 0);
	assert_int_equal(strcmp(log_level_name(LOG_rule, PLACE_SYSLOG), "ERR"), 0);
	batch("vlog set flow:console:off rule:syslog:off\n");
	assert_string_equal(must("vlog/list", NULL), before);
	free(before);
}

#define SYN "bpf-progs/syn/syn.bpf.o"		/* a filter */
#define ALPHA "bpf-progs/alpha/alpha.bpf.o"	/* may change packets */

/* A program that takes the place of another is what rules take it for. */
static void test_prog_class(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	load("prog load syn " SYN "\nprog load alpha " ALPHA "\n"
	     "rule add table=3,tcp,bpf=syn,actions=drop\n"
	     "group add group_id=7,type=all,bucket=actions=bpf(alpha,mode=always)\n");
	refused("batch", "prog load --replace syn " ALPHA "\n",
		":1: a rule of table 3 does not fit: bpf=syn: the program is no filter");
	refused("batch", "prog load --replace alpha " SYN "\n",
		":1: group 7 does not fit: bpf(alpha): a filter changes nothing");
	assert_non_null(strstr(must("prog/show", "syn"), "class: filter"));
	assert_non_null(strstr(must("prog/show", "alpha"), "class: action"));
	refused("config/reload", "prog load syn " SYN "\nrule add table=3,tcp,bpf=syn,actions=drop\n"
		"prog load syn " ALPHA "\n", "a rule of table 3 does not fit: bpf=syn");
	refused("config/reload", "prog load syn " ALPHA "\nrule add table=3,tcp,bpf=syn,actions=drop\n",
		":2: bpf=syn: the program is no filter");
	/* The rules of before are of no account. */
	load("prog load syn " ALPHA "\nprog load alpha " SYN "\nrule add table=3,tcp,bpf=alpha,actions=bpf(syn)\n");
	must("rule/del", NULL);
	batch("prog load --replace syn " SYN "\nprog load --replace alpha " ALPHA "\nrule add tcp,bpf=syn,actions=bpf(alpha)\n");
	load("");
}

/* A megaflow, and a stage, of rules that name an option. */
static void enter_flow(void)
{
	static struct xlate_out out;
	static const struct flow flow;
	struct nl_msg *msg = nlmsg_alloc();
	struct frozen like = { .result = -1 };
	struct { struct nlattr a; char mask[12]; } body = { .a = { .nla_len = 16, .nla_type = 1 } };
	uint8_t ufid[UFID_LEN] = { 1 };

	memset(out.wc.tun_metadata, 0xff, 4);
	assert_non_null(sw_flow_enter(&sw, ufid, odp_nest(msg, 1), &flow, &out, &body,
				      sizeof(body), sw_mask_id(&sw, &body)));
	like.frames[0].acts = sw.tables.first[0]->acts;
	like.frames[like.n_frames++].n_acts = sw.tables.first[0]->n_acts;
	assert_non_null(frozen_get(&sw.frozen, &like, now_ms()));
	nlmsg_free(msg);
}

static void test_option_leftovers(void **state)
{
	static const char one[] = OPTION(1, 4, 0) "rule add tun_metadata0=7,actions=set_field:7->tun_metadata0,output:1\n";
	uint64_t mask_id, gen, body[2] = { 16 };

	(void)state;
	load("");
	load(one);
	mask_id = sw_mask_id(&sw, body);
	enter_flow();
	/* What is refused, or changes no option, leaves stages alone. */
	refused("config/reload", OPTION(1, 124, 0) "nonsense\n", ":2: ");
	assert_non_null(sw.frozen.by_id);
	load(one);
	assert_non_null(sw.frozen.by_id);
	assert_int_equal(mask_id, sw_mask_id(&sw, body));
	load(OPTION(1, 124, 0) "rule add tun_metadata0=7,actions=set_field:7->tun_metadata0,output:1\n");
	assert_null(sw.frozen.by_id);
	assert_null(sw.flows);
	assert_true(mask_id != sw_mask_id(&sw, body));
	/* Likewise where it is forgotten by a command. */
	enter_flow();
	must("rule/del", NULL);
	must("tlv/del", "tun_metadata0");
	assert_null(sw.frozen.by_id);
	assert_null(sw.flows);
	/* One more is passed on by tunnels. */
	gen = sw.gen;
	must("tlv/add", "{class=1,type=9,len=4}->tun_metadata9");
	assert_true(sw.gen > gen);
	must("tlv/del", "tun_metadata9");
}

/* Whoever hears of rules hears of them as they were. */
static void test_option_events(void **state)
{
	(void)state;
	load(OPTION(1, 4, 0) "rule add tun_metadata0=7,actions=set_field:7->tun_metadata0,output:1\n");
	events_mask = 1u << EVENT_rule;
	load(OPTION(1, 124, 0) "rule add tun_metadata0=9,actions=set_field:7->tun_metadata0,output:1\n");
	assert_string_equal(told, "deleted table=0,priority=32768,tun_metadata0=0x7,actions=set_field:0x7->tun_metadata0,output:1\n"
			    "added table=0,priority=32768,tun_metadata0=0x9,actions=set_field:0x7->tun_metadata0,output:1\n");
	told[0] = 0;
	write_file("rule del\ntlv del tun_metadata0\n" OPTION(1, 8, 0) "rule add tun_metadata0=1,actions=set_field:2->tun_metadata0\n"
		   "rule del\ntlv del tun_metadata0\n" OPTION(1, 124, 0));
	must("batch", file);
	events_mask = 0;
	assert_string_equal(told, "deleted table=0,priority=32768,tun_metadata0=0x9,actions=set_field:0x7->tun_metadata0,output:1\n"
			    "added table=0,priority=32768,tun_metadata0=0x1,actions=set_field:0x2->tun_metadata0\n"
			    "deleted table=0,priority=32768,tun_metadata0=0x1,actions=set_field:0x2->tun_metadata0\n");
}

static void test_port_changes(void **state)
{
	(void)state;
	load("port add p1 1\nport add p2 2\nport add p3 3 internal\n");
	assert_string_equal(ports(), "1 p1, 2 p2, 3 p3");
	/* Each has the other's number, one another kind. */
	load("port add p1 2\nport add p2 1\nport add p3 3\n");
	assert_string_equal(ports(), "1 p2, 2 p1, 3 p3");
	load("port add p3 1\nport add p1 3\nport add p2 2\n");
	assert_string_equal(ports(), "1 p3, 2 p2, 3 p1");
	/* Another number, another device by a number, and both. */
	load("port add p3 9\nport add p2 2\nport add p1 3\n");
	assert_string_equal(ports(), "2 p2, 3 p1, 9 p3");
	load("port add p4 9\nport add p2 2\nport add p1 3\n");
	assert_string_equal(ports(), "2 p2, 3 p1, 9 p4");
	load("port add p1 9\nport add p5 3\n");
	assert_string_equal(ports(), "3 p5, 9 p1");
	/* Any number gives way, whichever line comes first. */
	load("port add p1\nport add p2 9\nport add p5 3\n");
	assert_string_equal(ports(), "1 p1, 3 p5, 9 p2");
	load("port add p2 1\nport add p3\nport add p1\n");
	assert_string_equal(ports(), "1 p2, 2 p3, 4 p1");
	/* What takes any number leaves the others theirs. */
	load("port add p1 2\n");
	load("port add p1 1\nport add p3\n");
	assert_string_equal(ports(), "1 p1, 2 p3");
	/* The same twice is said twice. */
	load("port add p2 4\nport add p2 4\n");
	load("port add p2 4\nport add p2 4\n");
	assert_string_equal(ports(), "4 p2");
}

static void test_port_undo(void **state)
{
	(void)state;
	load("port add p1 1\nport add p2 2\nport add p3 3 internal\n");
	refused("config/reload", "port add p1 2\nport add p2 1\nnonsense\n", ":3: ");
	refused("config/reload", "port add p1 2\nport add nosuch1 3\nport add p2 1\n", "can't add nosuch1: no such device");
	refused("config/reload", "port add p1 2\nport add p2 2\n", ":2: can't add p2: 2 is the number of p1");
	refused("config/reload", "port add p1 5\nport add p4 5\n", ":2: can't add p4: 5 is the number of p1");
	refused("config/reload", "port add p1 1\nport add p4 1\n", ":2: can't add p4: PORT_NO is taken");
	refused("config/reload", "port add p1 1\nport add p1 5\n", ":2: can't add p1: it is a port");
	refused("config/reload", "port add p1 5\nport add p1 6\n", ":2: can't add p1: it is a port");
	refused("config/reload", "port add reload 5\n", ":1: can't add reload: it is a port");
}

static void test_port_batch(void **state)
{
	(void)state;
	load("port add p1 1\nport add p2 2\n");
	batch("port del p1\nport add p1 9\n");
	assert_string_equal(ports(), "2 p2, 9 p1");
	batch("port del p1\nport del p2\nport add p3 9\nport add p1 2\n");
	assert_string_equal(ports(), "2 p1, 9 p3");
	batch("port del p1\nport add p1 4\nport del p1\n");
	assert_string_equal(ports(), "9 p3");
	batch("port add p1 4\nport del p1\nport add p2 4\n");
	assert_string_equal(ports(), "4 p2, 9 p3");
	refused("batch", "port add p1 4\n", "can't add p1: PORT_NO is taken");
	refused("batch", "port add p2 5\n", "can't add p2: it is a port");
	refused("batch", "port del p2\nport del p2\n", ":2: can't delete p2: there is no such port");
	refused("batch", "port del p2\nport add p2 5\nnonsense\n", ":3: ");
	refused("batch", "port del p2\nport add nosuch1 4\n", "can't add nosuch1: ");
	/* Nothing of it is left for the next one. */
	batch("port add p1 5\n");
	assert_string_equal(ports(), "4 p2, 5 p1, 9 p3");
}

/* Rules name ports whose numbers are not told; no other port comes to have them. */
static void test_port_names(void **state)
{
	static const char *const befores[] = {
		"", "port add p1 1\nport add p2 2\n", "port add p2 1 internal\n",
		"port add p2 3\nport add p3 1\n",
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(befores) / sizeof(befores[0]); i++) {
		load(befores[i]);
		refused("config/reload", "port add p2\nrule add \"actions=output:p2\"\nport add p1 1\nport add p3 2\nport add p4 3\n",
			"can't add p");
		load("port add p2 7\nport add p1\nrule add \"table=7,actions=output:p1\"\nport add p1\n");
		assert_non_null(strstr(must("rule/dump", NULL), strstr(ports(), "1 p1") ?
				       "actions=output:1" : "actions=output:2"));
	}
	batch("port del p1\nport add p1\nrule add \"table=8,actions=output:p1\"\n");
	batch("rule del table=8\n");
	refused("batch", "port del p1\nport add averyverylongdevicename 1\n", "at most 15");
	refused("batch", "port del reload\n", "it is the datapath's own");
	load("port add p1 1\nport add p2 2\n");
	refused("batch", "port del p1\nport add p3 1\nport add p2\n", ":3: can't add p2: ");
}

static int setup(void **state)
{
	(void)state;
	return own_bpffs() || sw_bed(&sw, "reload", 10000, file);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_option_changes), cmocka_unit_test(test_option_room),
		cmocka_unit_test(test_option_order), cmocka_unit_test(test_option_leftovers),
		cmocka_unit_test(test_option_events),
		cmocka_unit_test(test_port_changes), cmocka_unit_test(test_port_undo),
		cmocka_unit_test(test_port_batch), cmocka_unit_test(test_port_names),
		cmocka_unit_test(test_log_levels), cmocka_unit_test(test_prog_class),
		cmocka_unit_test(test_groups), cmocka_unit_test(test_group_loops),
	};

	/* From wherever it is started: files are named from the top. */
	if (access("bpf-progs", X_OK) && chdir(".."))
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
