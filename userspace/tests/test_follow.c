// SPDX-License-Identifier: GPL-2.0-or-later
/* The way of a packet from stage to stage, as trace follows it. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../pipeline/follow.h"
#include "translation.h"

static struct journey way;
static struct assumed assumed;
/* What is done in each stage. */
static char done[MAX_LEGS][512];

static int begin(void **state)
{
	memset(&assumed, 0, sizeof(assumed));
	return reset(state);
}

static void assume(const char *text)
{
	const char *why = assumed_parse(&assumed, text);

	if (why)
		fail_msg("%s: %s", text, why);
}

/* Follow a packet to the end.  Return: how many stages there are. */
static unsigned int follow(struct flow f)
{
	unsigned int i;

	journey_begin(&way, &f, &assumed);
	on_stage = journey_stage;
	stage_arg = &way;
	for (i = 0; i < way.n; i++) {
		done[i][0] = 0;
		if (way.leg[i].same >= 0)
			continue;
		snprintf(done[i], sizeof(done[i]), "%s", run(&way.leg[i].flow));
		if (!out.error)
			journey_go_on(&way, i, &out);
	}
	return way.n;
}

#define DOES(stage, want) assert_string_equal(done[stage], want)
#define BY(stage, want) assert_string_equal(way.leg[stage].by, want)

static void test_ct(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("ip,actions=ct(zone=3,table=1),output:1");
	add("table=1,priority=2,ip,ct_state=+new,ct_zone=3,actions=ct(commit,nat,exec(load:7->NXM_NX_CT_MARK[]),table=2)");
	add("table=1,priority=2,ip,ct_state=+est,ct_nw_src=10.0.0.2,actions=output:2");
	add("table=2,ip,ct_state=+est,actions=output:1");
	add("table=2,ip,ct_state=+new,ct_mark=7,ct_zone=0,actions=output:2");
	assert_int_equal(follow(f), 3);
	DOES(0, "clone{ct3 recirc} 1");
	DOES(1, "ct0+ recirc");
	DOES(2, "2");
	BY(1, "ct, assumed: ct_state=+new+trk");
	BY(2, "ct, assumed: ct_state=+new+trk, and NAT leaves the packet as it is");
	/* One for each time; the last for all that follow. */
	assume("ct=trk,new");
	assert_int_equal(follow(f), 3);
	DOES(2, "2");
	assume("ct=+trk+est");
	assert_int_equal(follow(f), 3);
	DOES(2, "1");
	BY(1, "ct, as told: ct_state=+new+trk");
	/* Of a reply, the addresses that the connection began with. */
	memset(&assumed, 0, sizeof(assumed));
	assume("ct=trk|est|rpl");
	assert_int_equal(follow(f), 2);
	DOES(1, "2");
}

static void test_loop(void **state)
{
	unsigned int i;

	(void)state;
	add("ip,actions=ct(table=0)");
	assert_int_equal(follow(udp(80)), 2);
	assert_non_null(strstr(done[1], "stage loop: a packet that recirculates from table 0 to table 0"));
	/* Where it is no loop for sure, it ends where it is as before. */
	reset(NULL);
	add("ip,ct_state=-est,actions=ct(commit,table=0)");
	assert_int_equal(follow(udp(80)), 3);
	assert_int_equal(way.leg[2].same, 1);
	assert_false(way.cut);
	/* And after as many times as the datapath takes. */
	reset(NULL);
	add("ip,actions=dec_ttl,ct(table=0)");
	assert_int_equal(follow(udp(80)), MAX_RECIRCS + 1);
	assert_true(way.cut);
	for (i = 0; i <= MAX_RECIRCS; i++)
		assert_int_equal(way.leg[i].flow.nw_ttl, 64 - i);
}

static void test_programs(void **state)
{
	struct flow f = udp(80);
	char room[24];

	(void)state;
	/* What goes on with the packet; a program that may come back is taken to go on. */
	add("ip,actions=set_field:9->reg3,set_field:10.0.0.7->nw_dst,bpf(a),bpf(b,mode=always),goto_table:1");
	add("table=1,ip,nw_dst=10.0.0.7,reg3=9,actions=output:1");
	assert_int_equal(follow(f), 2);
	DOES(0, "set(nw_dst=10.0.0.7) a@ b!@");
	DOES(1, "1");
	BY(1, "b, assumed: it gives 0, and the packet is as before");
	/* A result. */
	add("ip,actions=bpf(b,mode=always,result=reg1),goto_table:1");
	add("table=1,ip,reg1=5,actions=output:2");
	assert_int_equal(follow(f), 2);
	DOES(1, "");
	assume("bpf=b:5");
	assert_int_equal(follow(f), 2);
	DOES(1, "2");
	BY(1, "b, as told: it gives 5, and the packet is as before");
	/* A filter that comes back with what has no case. */
	add("ip,actions=bpf(f,result=reg1),goto_table:1");
	add("table=1,priority=3,reg1=0,actions=drop");
	add("table=1,priority=2,reg1=1,actions=drop");
	add("table=1,priority=1,actions=output:reg1[]");
	assert_int_equal(follow(f), 2);
	DOES(0, "f@ 0:{} 1:{} 5:{2}");
	BY(1, "f, assumed: it gives 2");
	DOES(1, "2");
	assert_string_equal((run(&f), branch_for(&out, 0, 5, room, sizeof(room))), "case 5");
	assert_string_equal(branch_for(&out, 0, 6, room, sizeof(room)), "it comes back");
	assume("bpf=f:1");
	assert_int_equal(follow(f), 1);
	memset(&assumed, 0, sizeof(assumed));
	assume("bpf=f:3");
	assert_int_equal(follow(f), 2);
	DOES(1, "");	/* out of port 3 it came in */
	BY(1, "f, as told: it gives 3");
}

/* Of a filter every branch is followed, or the one that is told. */
static void test_filters(void **state)
{
	struct flow f = udp(80);
	char room[24];

	(void)state;
	add("priority=2,ip,bpf=f,actions=set_field:1->udp_dst,ct(table=1)");
	add("priority=1,ip,actions=set_field:2->udp_dst,ct(table=1)");
	add("table=1,udp,tp_dst=1,actions=output:1");
	add("table=1,udp,tp_dst=2,actions=output:2");
	assert_int_equal(follow(f), 3);
	DOES(1, "2");
	DOES(2, "1");
	assume("bpf=f:0");
	assert_int_equal(follow(f), 2);
	DOES(1, "2");
	memset(&assumed, 0, sizeof(assumed));
	assume("bpf=f:77");
	assert_int_equal(follow(f), 2);
	DOES(1, "1");
	run(&f);
	assert_string_equal(branch_for(&out, 0, 0, room, sizeof(room)), "case 0");
	assert_string_equal(branch_for(&out, 0, 77, room, sizeof(room)), "default");
}

static void test_groups(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add_group("group_id=1,type=select,bucket=actions=output:1,bucket=actions=output:2");
	add_group("group_id=2,type=all,bucket=actions=group:1,bucket=actions=set_field:9->udp_dst,ct(table=1)");
	add("ip,actions=group:2");
	add("table=1,udp,tp_dst=9,actions=output:1");
	assert_int_equal(follow(f), 3);
	BY(1, "a hash, assumed: 0x0");
	DOES(1, "1");
	DOES(2, "1");
	assume("hash=0xf");
	follow(f);
	DOES(1, "2");
	BY(1, "a hash, as told: 0xf");
	/* Behind a label nothing is known. */
	reset(NULL);
	add("mpls,actions=pop_mpls:0x0800,goto_table:1");
	add("table=1,ip,nw_proto=0,actions=output:2");
	f = (struct flow){ .in_port = htonl(3), .ethernet = 1, .dl_type = htons(0x8847) };
	f.mpls_lse[0] = htonl(0x5140);
	assert_int_equal(follow(f), 2);
	DOES(1, "2");
	BY(1, "pop_mpls, assumed: what was behind the label is 0");
}

static void test_bounds(void **state)
{
	char text[200];
	int i;

	(void)state;
	/* Each stage has two copies. */
	add_group("group_id=1,type=all,bucket=actions=set_field:1->reg0,resubmit(,9),bucket=actions=set_field:2->reg0,resubmit(,9)");
	add("ip,actions=group:1");
	add("table=9,ip,actions=move:reg1[0..15]->reg1[16..31],move:reg2[0..15]->reg1[0..15],move:reg0[0..15]->reg2[0..15],dec_ttl,ct(table=0)");
	assert_int_equal(follow(udp(80)), MAX_LEGS);
	assert_true(way.cut);
	for (i = 0; i < MAX_ASSUMED; i++) {
		snprintf(text, sizeof(text), "bpf=p%d:0", i);
		assert_null(assumed_parse(&assumed, text));
		assert_null(assumed_parse(&assumed, "ct=trk"));
	}
	assert_string_equal(assumed_parse(&assumed, "bpf=q:0"), "too many programs");
	assert_string_equal(assumed_parse(&assumed, "ct=trk"), "too many states");
}

static void test_parse(void **state)
{
	static const char *const bad[] = {
		"", "ct", "ct=", "ct=,", "ct=-trk", "ct=trk-new", "ct=bogus", "ct=trk,bogus",
		"ct=0x21", "bpf=", "bpf=a", "bpf=:1", "bpf=a:", "bpf=a:-1", "bpf=a:4294967296",
		"bpf=a:1x", "hash=", "hash=x", "other=1",
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!assumed_parse(&assumed, bad[i]))
			fail_msg("\"%s\" is taken", bad[i]);
	assert_int_equal(assumed.n_ct + assumed.n_said, 0);
	assume("ct=trk,inv");
	assert_int_equal(assumed.ct_state[0], htonl(0x30));
	assume("bpf=a:0x10");
	assert_int_equal(*assumed_said(&assumed, "a"), 16);
	assert_null(assumed_said(&assumed, "b"));
}

#define F(f) cmocka_unit_test_setup_teardown(f, begin, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		F(test_ct), F(test_loop), F(test_programs), F(test_filters), F(test_groups),
		F(test_bounds), F(test_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
