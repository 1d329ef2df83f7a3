// SPDX-License-Identifier: GPL-2.0-or-later
/* Programs in a walk: branches, and stages that a packet comes back to. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "translation.h"

static void test_filters(void **state)
{
	struct flow f = udp(80);
	uint64_t i;

	(void)state;
	add("priority=9,ip,bpf=f1,actions=output:1");
	add("priority=8,udp,tp_dst=80,bpf=f2,actions=output:2");
	add("priority=7,ip,actions=goto_table:1");
	add("table=1,priority=9,bpf=f1,actions=drop");	/* it has been asked */
	add("table=1,priority=8,nw_dst=10.0.0.2,ip,actions=flood");
	EXPECT(f, "f1 0:{f2 0:{1 2} else{2}} else{1}");
	/* Both ways read into the one mask. */
	assert_int_equal(out.wc.nw_dst, UINT32_MAX);
	assert_int_equal(out.wc.tp_dst, 0xffff);
	assert_int_equal(out.n_branches, 4);
	/* Rules count in the branch that they are in. */
	assert_int_equal(out.n_rules, 4);
	assert_int_equal(out.branch[0], 2);	/* f1 no, f2 no: goto_table */
	assert_int_equal(out.branch[2], 3);
	assert_int_equal(out.branch[3], 4);
	assert_int_equal(out.rules[3]->priority, 9);
	/* What follows goes on in each. */
	reset(NULL);
	add("priority=1,ip,actions=resubmit(,1),output:2");
	add("table=1,priority=2,bpf=f1,actions=set_field:7->reg0,output:1");
	EXPECT(f, "f1 0:{2} else{1 2}");
	/* A packet that is changed is asked about again; the filter sees it so. */
	reset(NULL);
	add("priority=2,bpf=f1,actions=set_field:9->udp_dst,resubmit(,1)");
	add("table=1,priority=2,bpf=f1,actions=output:1");
	EXPECT(f, "f1 0:{} else{set(tp_dst=9) f1 0:{} else{1}}");
	/* And after a program has run. */
	add("priority=2,bpf=f1,actions=bpf(a),resubmit(,1)");
	EXPECT(f, "f1 0:{} else{a@ f1 0:{} else{1}}");
	reset(NULL);
	add("bpf=a,actions=drop");
	assert_non_null(strstr(run(&f), "bpf=a: no filter"));
	/* Too large a tree is cut: the packet comes back, and nothing is asked twice. */
	reset(NULL);
	for (i = 0; i < 12; i++) {
		char text[100];

		snprintf(text, sizeof(text), "priority=%d,bpf=f%d,actions=output:1",
			 100 - (int)i, (int)i);
		add(text);
	}
	add("priority=1,actions=output:2");
	run(&f);
	assert_null(out.error);
	assert_int_equal(out.n_branches, 16);
	f = back(f);
	f.dp_hash = 0;
	EXPECT(f, "f9 0:{f10 0:{f11 0:{2} else{1}} else{1}} else{1}");
	f.dp_hash = htonl(5);
	EXPECT(f, "1");
	/* It comes back to the lookup that it was at. */
	f.recirc_id = 0;
	add("priority=200,in_port=3,actions=resubmit:7,output:5");
	add("priority=1,in_port=7,actions=output:2");
	run(&f);
	f = back(f);
	f.dp_hash = 0;
	EXPECT(f, "f9 0:{f10 0:{f11 0:{2 5} else{1 5}} else{1 5}} else{1 5}");
}

/* Rules behind an action program count those that go on. */
static void test_behind_programs(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("ip,actions=bpf(a),resubmit(,1),bpf(b,mode=program),goto_table:2");
	add("table=1,actions=output:1");
	add("table=2,bpf=f1,actions=bpf(c),goto_table:3");
	add("table=3,actions=output:2");
	EXPECT(f, "a@ 1 b@ f1 0:{} else{c@ 2}");
	assert_int_equal(out.n_branches, 5);
	assert_int_equal(out.n_rules, 4);
	assert_int_equal(out.branch[0], 0);
	assert_int_equal(out.branch[1], 1);
	assert_int_equal(out.branch[2], 4);
	assert_int_equal(out.branch[3], 5);
	/* Nothing is behind one that always has the packet come back. */
	add("ip,actions=bpf(a,mode=always),goto_table:2");
	EXPECT(f, "a!@");
	assert_int_equal(out.n_branches, 0);
	/* Nor if the packet is to be counted by itself. */
	apart = true;
	add("ip,actions=bpf(a),goto_table:1");
	EXPECT(f, "a!@");
	assert_int_equal(out.n_rules, 1);
	f = back(f);
	EXPECT(f, "1");
}

/* A packet without a megaflow comes back with each answer, so that it can be counted. */
static void test_apart(void **state)
{
	struct flow f = udp(80);

	(void)state;
	apart = true;
	add("priority=9,ip,bpf=f1,actions=output:1");
	add("priority=8,ip,actions=resubmit(,1),bpf(f2,result=reg1),bpf(f3),goto_table:2");
	add("table=1,bpf=f1,actions=output:2");	/* it has been asked */
	add("table=2,reg1=1,actions=output:1");
	EXPECT(f, "f1@");
	assert_int_equal(out.n_branches, 0);
	assert_int_equal(out.n_rules, 0);
	f = back(f);
	f.dp_hash = htonl(1);
	EXPECT(f, "1");
	assert_int_equal(out.n_rules, 1);
	f.dp_hash = 0;
	EXPECT(f, "f2@");
	assert_int_equal(out.n_branches, 0);
	assert_int_equal(out.n_rules, 1);
	f = back(f);
	f.dp_hash = htonl(1);
	EXPECT(f, "f3 else{} 1");
	assert_int_equal(out.n_rules, 1);
	/* An action program's result likewise. */
	add("priority=10,ip,actions=bpf(a,result=reg1),goto_table:2");
	f.recirc_id = 0;
	EXPECT(f, "a!@");
	assert_int_equal(out.n_rules, 1);
}

static void test_filter_tree_is_bounded(void **state)
{
	struct flow f = udp(80);
	char text[100];
	int i;

	(void)state;
	/* Each doubles the number of ways. */
	for (i = 0; i < 15; i++) {
		snprintf(text, sizeof(text), "table=%d,priority=2,bpf=f%d,actions=goto_table:%d",
			 i, i, i + 1);
		add(text);
		snprintf(text, sizeof(text), "table=%d,priority=1,actions=goto_table:%d", i, i + 1);
		add(text);
	}
	add("table=15,actions=output:1");
	run(&f);
	assert_null(out.error);
	assert_in_range(out.n_branches, 16, MAX_BRANCHES);
	assert_true(out.n_ops < MAX_OPS);
}

static void test_results(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("ip,actions=bpf(f,result=reg1),goto_table:1");
	add("table=1,priority=2,reg1=7,actions=output:1");
	add("table=1,priority=2,reg1=0,actions=output:2");
	add("table=1,priority=1,actions=in_port");
	EXPECT(f, "f 0:{2} 7:{1} else{3}");
	assert_int_equal(out.ops[0].recirc_id, 0);
	/* Of an action program too, which may also be looked up again. */
	add("ip,actions=bpf(a,result=reg1),goto_table:1");
	EXPECT(f, "a@ 0:{2} 7:{1} else{3}");
	f = back(f);
	f.dp_hash = htonl(7);
	EXPECT(f, "1");
	assert_int_equal(out.wc.dp_hash, UINT32_MAX);
	f.recirc_id = 0;
	add("ip,actions=bpf(a,result=reg1,mode=always),goto_table:1");
	EXPECT(f, "a!@");
	/* One that is read otherwise comes back with each value that has no case. */
	add("table=1,priority=1,actions=output:reg1[]");
	add("ip,actions=bpf(f,result=reg1),goto_table:1");
	EXPECT(f, "f@ 0:{2} 7:{1}");
	f = back(f);
	f.dp_hash = htonl(2);
	EXPECT(f, "2");
	f.recirc_id = 0;
	/* Unless it has been overwritten. */
	add("table=1,priority=1,actions=set_field:1->reg1,output:reg1[]");
	EXPECT(f, "f 0:{2} 7:{1} else{1}");
	/* Nor may a state take a value along that stands for others. */
	add("table=1,priority=1,actions=bpf(a),output:1");
	EXPECT(f, "f@ 0:{2} 7:{1}");
	/* Ranges: no value stands out. */
	add("table=1,priority=3,reg1=0x10/0xf0,actions=output:1");
	EXPECT(f, "f@");
}

static void test_stage_loop(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("priority=1,actions=bpf(a,mode=always),resubmit(,4)");
	add("table=4,actions=bpf(b,mode=always),resubmit(,7)");
	add("table=7,actions=bpf(c,mode=always),resubmit(,4)");
	EXPECT(f, "a!@");
	f = back(f);
	EXPECT(f, "b!@");
	f = back(f);
	EXPECT(f, "c!@");
	f = back(f);
	assert_non_null(strstr(run(&f), "stage loop"));
	assert_non_null(strstr(out.error, "table 4"));
	assert_non_null(strstr(out.error, "table 7"));
	/* When the rules have changed it is seen anew. */
	frozen_unlink_all(&frozen);
	add("table=7,actions=output:1");
	f = udp(80);
	run(&f);
	f = back(f);
	run(&f);
	f = back(f);
	EXPECT(f, "1");
	/* One stage that comes back to itself. */
	reset(NULL);
	add("ip,actions=ct(table=0)");
	f = udp(80);
	EXPECT(f, "ct0 recirc");
	f = back(f);
	assert_non_null(strstr(run(&f), "stage loop: a packet that recirculates from table 0 to table 0"));
}

static void test_frozen_states(void **state)
{
	struct flow f = udp(80);
	uint32_t a, b;

	(void)state;
	/* The rest of the outer list is part of the state. */
	add("priority=1,actions=set_field:5->reg0,resubmit(,1),output:2");
	add("table=1,actions=set_field:6->metadata,bpf(a,mode=always),output:reg0[]");
	EXPECT(f, "a!@");
	a = out.ops[0].recirc_id;
	f = back(f);
	EXPECT(f, "5 2");
	f.recirc_id = 0;
	add("priority=1,actions=set_field:6->reg0,resubmit(,1),output:2");
	run(&f);
	b = out.ops[0].recirc_id;
	assert_int_not_equal(a, b);
	add("priority=1,actions=set_field:5->reg0,resubmit(,1),output:2");
	run(&f);
	assert_int_equal(out.ops[0].recirc_id, a);
	/* Kept as long as a megaflow names it. */
	frozen_ref(&frozen, a);
	frozen_ref(&frozen, a);
	frozen_unref(&frozen, a);
	frozen_sweep(&frozen, 99999);
	assert_non_null(frozen_find(&frozen, a));
	assert_null(frozen_find(&frozen, b));
	frozen_unref(&frozen, a);
	frozen_sweep(&frozen, 99999);
	assert_null(frozen_find(&frozen, a));
}

/* A stage that leads to others, which traffic makes, and which go. */
static void test_links(void **state)
{
	struct frozen like = { .in_port = NO_PORT, .result = -1 }, *from, *to, *other;
	uint32_t i;

	(void)state;
	from = frozen_get(&frozen, &like, 0);
	like.reg[1] = 1;
	other = frozen_get(&frozen, &like, 0);
	frozen_ref(&frozen, from->id);
	frozen_ref(&frozen, other->id);
	for (i = 1; i < 1000; i++) {
		like.reg[0] = i;
		to = frozen_get(&frozen, &like, i);
		/* Each is linked once, and from either. */
		assert_true(frozen_link(&frozen, from, to));
		assert_true(frozen_link(&frozen, other, to));
		assert_true(frozen_link(&frozen, from, to));
		assert_false(frozen_link(&frozen, to, from));
		assert_in_range(from->n_next, 1, 2);
		assert_in_range(other->n_next, 1, 2);
		frozen_sweep(&frozen, i);
	}
	frozen_clear(&frozen);
}

static void test_trace(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("priority=3,ip,nw_dst=10.0.0.0/8,actions=goto_table:1");
	add("table=1,priority=2,bpf=f,actions=output:1");
	run(&f);
	assert_non_null(strstr(traced, "table=0,priority=3,ip,nw_dst=10.0.0.0/8"));
	assert_non_null(strstr(traced, "read: ip,nw_dst=10.0.0.0/8"));
	assert_non_null(strstr(traced, "f says yes"));
	assert_non_null(strstr(traced, "table=1: no rule"));
}

static void test_program_checks(void **state)
{
	static const struct { const char *text, *why; } as[] = {
		{ "bpf=f,actions=bpf(a,mode=always),bpf(f,result=reg1)", NULL },
		{ "bpf=a,actions=drop", "is no filter" },
		{ "bpf=x,actions=drop", "no program x" },
		{ "actions=bpf(x)", "no program x" },
		{ "actions=bpf(f,mode=always)", "has no mode" },
	};
	char err[256];
	struct rule *r;
	const char *why;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(as) / sizeof(as[0]); i++) {
		r = rule_parse(as[i].text, true, err, sizeof(err));
		assert_non_null(r);
		why = rule_check_progs(r, prog_class, NULL, err, sizeof(err));
		if (as[i].why)
			assert_non_null(why && strstr(why, as[i].why) ? why : NULL);
		else
			assert_null(why);
		free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_filters), T(test_behind_programs), T(test_apart), T(test_filter_tree_is_bounded),
		T(test_results), T(test_stage_loop), T(test_frozen_states), T(test_links),
		T(test_trace), T(test_program_checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
