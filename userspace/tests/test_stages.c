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

/* Send a packet through its stages.  Return: what the last says. */
static const char *through(struct flow f)
{
	const char *text = "";
	uint32_t was;
	int i;

	for (i = 0; i < 8; i++) {
		text = run(&f);
		was = f.recirc_id;
		f = back(f);
		/* What the datapath does. */
		if (strncmp(text, "ct", 2) == 0) {
			f.ct_state = htonl(0x20 | 2);
			f.ct_zone = htons(out.ops[0].n);
		}
		if (out.error || f.recirc_id == was)
			return text;
	}
	return "round for ever";
}

static struct flow tcp(void)
{
	struct flow f = udp(80);

	f.nw_proto = 6;
	return f;
}

#define ENDS(f, want) assert_string_equal(through(f), want)
#define ROUND(f, want) assert_non_null(strstr(through(f), "stage loop: " want))

/* Stages that lead to one another, but for no packet in a circle, are no loop. */
static void test_no_loop(void **state)
{
	int i, first;

	(void)state;
	for (i = 0; i < 4; i++) {
		reset(NULL);
		add("table=0,priority=1,udp,actions=ct(table=1)");
		add("table=0,priority=1,tcp,actions=ct(table=2)");
		add("table=1,priority=1,udp,actions=ct(table=2)");
		add("table=1,priority=1,tcp,actions=output:1");
		add("table=2,priority=1,tcp,actions=ct(table=1)");
		add("table=2,priority=1,udp,actions=output:2");
		for (first = i % 2; first < i + 3; first++) {
			if (first % 2)
				ENDS(udp(80), "2");
			else
				ENDS(tcp(), "1");
		}
	}
	/* What makes a difference is in the megaflow, wherever it is read. */
	reset(NULL);
	add("table=0,ip,actions=ct(table=1)");
	add("table=1,ip,actions=ct(table=2)");
	add("table=2,priority=2,tcp,actions=ct(table=1)");
	add("table=2,priority=1,ip,actions=output:2");
	ENDS(udp(80), "2");
	ROUND(tcp(), "a packet that recirculates from table 2 to table 1 comes back to table 2");
	ENDS(udp(80), "2");
	ROUND(tcp(), "a packet");
	assert_int_equal(out.wc.nw_proto, 0xff);
	/* Two copies at the same stage. */
	reset(NULL);
	add_group("group_id=1,type=all,bucket=actions=ct(table=2),bucket=actions=ct(table=2)");
	add("table=0,tcp,actions=ct(table=1)");
	add("table=0,udp,actions=ct(table=3)");
	add("table=1,tcp,actions=ct(table=3)");
	add("table=1,udp,actions=group:1");
	add("table=2,ip,actions=output:1");
	add("table=3,ip,actions=ct(table=1)");
	ROUND(tcp(), "a packet");
	ENDS(udp(80), "1");
}

/* A packet that is another one when it comes back may go elsewhere. */
static void test_may_end(void **state)
{
	static const char *const to_itself[] = {
		/* A program, and what it may change. */
		"ip,nw_dst=10.0.0.2,actions=bpf(a,mode=always),resubmit(,0)",
		"bpf=f,actions=ct(table=0)",
		"actions=bpf(a,result=reg0,mode=always),resubmit(,0)",
		/* Its connection. */
		"ip,ct_state=-trk,actions=ct(table=0)",
		"ip,ct_state=+new,actions=ct(commit,table=0)",
		"ip,ct_mark=0,actions=ct(commit,exec(load:1->NXM_NX_CT_MARK[])),ct(table=0)",
		"ip,nw_dst=10.0.0.2,actions=ct(commit,nat(dst=10.0.0.9),table=0)",
		/* Its hops are less each time. */
		"ip,actions=dec_ttl,ct(table=0)",
		/* It comes as another packet. */
		"ip,nw_dst=10.0.0.2,actions=set_field:10.0.0.3->nw_dst,ct(table=0)",
		"ip,nw_src=10.0.0.1,actions=move:nw_dst[]->nw_src[],ct(table=0)",
		"ip,reg0=0,actions=set_field:1->reg0,ct(table=0)",
		"ip,vlan_tci=0,actions=mod_vlan_vid:5,ct(table=0)",
	};
	struct flow f;
	unsigned int i;
	int n;

	(void)state;
	for (i = 0; i < sizeof(to_itself) / sizeof(to_itself[0]); i++) {
		reset(NULL);
		add(to_itself[i]);
		f = udp(80);
		for (n = 0; n < 4; n++) {
			f = back((run(&f), f));
			assert_null(out.error);
		}
	}
}

/* One that comes as it was goes round, whatever is done to it on its way. */
static void test_loops(void **state)
{
	static const char *const to_itself[] = {
		"ip,actions=ct(table=0)",
		"ip,ct_state=+trk,actions=ct(table=0)",
		"ip,ct_state=+trk+est,actions=ct(table=0)",
		"ip,actions=set_field:10.0.0.3->nw_dst,ct(table=0)",
		"ip,actions=output:1,ct(commit,nat(dst=10.0.0.9),table=0)",
		"ip,actions=mod_vlan_vid:5,output:1,pop_vlan,ct(table=0)",
		"actions=bpf(a,mode=always),resubmit(,0)",
		"actions=bpf(a),bpf(b,mode=always),resubmit(,0)",
		"ip,actions=group:1",
		"ip,actions=group:2",
	};
	struct flow f;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(to_itself) / sizeof(to_itself[0]); i++) {
		int n = 0;

		reset(NULL);
		add_group("group_id=1,type=select,bucket=actions=resubmit(,0)");
		add_group("group_id=2,type=all,bucket=actions=ct(table=0),bucket=actions=output:1");
		add(to_itself[i]);
		f = udp(80);
		f.ct_state = htonl(0x20 | 2);
		do {
			run(&f);
			if (!out.error)
				f = back(f);
		} while (!out.error && ++n < 4);
		assert_non_null(out.error ? strstr(out.error, "stage loop: a packet that recirculates from table 0 to table 0 comes back to table 0 for ever") : NULL);
	}
	/* Of three tables, each is named. */
	reset(NULL);
	add("ip,actions=ct(table=1)");
	add("table=1,ip,actions=ct(table=2)");
	add("table=2,ip,actions=ct(table=3)");
	add("table=3,ip,actions=ct(table=1)");
	ROUND(udp(80), "a packet that recirculates from table 3 to table 1, to table 2 comes back to table 3 for ever");
}

/* The megaflows that there are. */
static struct megaflow {
	struct flow flow;
	struct flow wc;
	struct table_set asked;
	struct table_set changed;
	uint32_t next;
	bool loop;
} cache[256];
static unsigned int n_cache;

static bool same_masked(const struct flow *a, const struct flow *b, const struct flow *wc)
{
	const flow_word *x = (const flow_word *)a, *y = (const flow_word *)b;
	const flow_word *m = (const flow_word *)wc;
	size_t i;

	for (i = 0; i < FLOW_WORDS; i++)
		if ((x[i] ^ y[i]) & m[i])
			return false;
	return true;
}

static void make_megaflow(struct megaflow *m, struct flow f)
{
	run(&f);
	m->flow = f;
	m->wc = out.wc;
	m->asked = out.asked;
	m->changed = out.changed;
	m->loop = out.error && strstr(out.error, "stage loop");
	m->next = out.error ? 0 : back((struct flow){}).recirc_id;
}

static const struct megaflow *megaflow_of(struct flow f)
{
	struct megaflow *m;

	for (m = cache; m < cache + n_cache; m++)
		if (same_masked(&m->flow, &f, &m->wc))
			return m;
	assert_in_range(n_cache, 0, 255);
	n_cache++;
	make_megaflow(m, f);
	return m;
}

/* A rule has changed: megaflows that may be others now are made anew, and go if they are. */
static void revalidate(const struct rule *rule)
{
	struct megaflow *m = cache, now;
	flow_word masked[FLOW_WORDS];
	struct mask_words words;

	while (m < cache + n_cache) {
		mask_words_of(&words, &m->wc);
		mask_words_take(&words, &m->flow, masked);
		now = *m;
		if (xlate_depends(&m->asked, &m->changed, &words, masked, rule->table,
				  &rule->match, &rule->mask))
			make_megaflow(&now, m->flow);
		if (m->loop || now.loop || now.next != m->next || memcmp(&now.wc, &m->wc, sizeof(now.wc)))
			*m = cache[--n_cache];
		else
			m++;
	}
}

/* How a packet ends: in a loop that is named, in none, or in one that is not named. */
static int cached_way(struct flow f)
{
	const struct megaflow *m;
	int i;

	for (i = 0; i < 16; i++) {
		m = megaflow_of(f);
		f.recirc_id = m->next;
		f.ct_state = htonl(0x20 | 2);
		if (!m->next)
			return m->loop;
	}
	return -1;
}

static struct flow packet_of_bits(int bits)
{
	struct flow f = udp(bits & 1);

	f.tp_src = htons(bits >> 1 & 1);
	f.nw_ttl = 64 + (bits >> 2 & 1);
	return f;
}

/* A rule of a table for one of two values of a field. */
static void random_rule(int t, int bit, int value, int to)
{
	static const char *const fields[] = { "tp_dst=%d", "tp_src=%d", "nw_ttl=%d" };
	char text[128], match[32], err[128];
	struct rule *rule;

	snprintf(match, sizeof(match), fields[bit], bit == 2 ? 64 + value : value);
	if (to < 4)
		snprintf(text, sizeof(text), "table=%d,udp,%s,actions=ct(table=%d)", t, match, to);
	else
		snprintf(text, sizeof(text), "table=%d,udp,%s,actions=output:1", t, match);
	add(text);
	rule = rule_parse(text, true, err, sizeof(err));
	revalidate(rule);
	free(rule);
}

/*
 * Of any rules and in any order: a packet is dropped that goes round, and none else,
 * though most packets have megaflows that others have made, and rules change.
 */
static void test_random_stages(void **state)
{
	int round, i, t, loops = 0;

	(void)state;
	srand(1);
	for (round = 0; round < 3000; round++) {
		int to[4][2], bit[4];

		reset(NULL);
		n_cache = 0;
		for (i = 0; i < 8; i++) {
			t = i / 2;
			bit[t] = i % 2 ? bit[t] : rand() % 3;
			to[t][i % 2] = 1 + rand() % (t ? 4 : 3);
			random_rule(t, bit[t], i % 2, to[t][i % 2]);
		}
		for (i = 0; i < 64; i++) {
			int bits = rand() % 8, at = 0, n;

			if (i % 8 == 7) {
				t = 1 + rand() % 3;
				to[t][bits & 1] = 1 + rand() % 4;
				random_rule(t, bit[t], bits & 1, to[t][bits & 1]);
			}
			for (n = 0; n < 5 && at < 4; n++)
				at = to[at][bits >> bit[at] & 1];
			loops += at < 4;
			assert_int_equal(cached_way(packet_of_bits(bits)), at < 4);
		}
	}
	assert_in_range(loops, 10000, 150000);
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
		assert_false(frozen_link(&frozen, from, to));
		assert_false(frozen_link(&frozen, other, to));
		assert_false(frozen_link(&frozen, from, to));
		if (i > 997)
			assert_true(frozen_link(&frozen, to, from));
		assert_in_range(from->n_next, 1, 2);
		assert_in_range(other->n_next, 1, 2);
		frozen_sweep(&frozen, i);
	}
	/* One that takes the id of a former daemon's is linked again. */
	frozen_clear(&frozen);
	from = frozen_get(&frozen, &like, 0);
	like.reg[0]++;
	other = frozen_get(&frozen, &like, 0);
	assert_false(frozen_link(&frozen, from, other));
	assert_true(frozen_rename(&frozen, other->id, 0x7654321));
	assert_false(frozen_link(&frozen, from, other));
	assert_true(frozen_link(&frozen, other, from));
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
	/* What nothing but an action has read, and what no rule asks for. */
	reset(NULL);
	add("udp,actions=set_field:5->vlan_vid,mod_vlan_vid:5,move:nw_src[0..7]->reg0[0..7],dec_ttl,output:tp_src[0..3]");
	add_group("group_id=1,type=select,bucket=actions=output:1");
	add("priority=9,tcp,actions=group:1");
	run(&f);
	assert_non_null(strstr(traced, "read: ip,recirc_id=0x0,in_port=3,nw_frag=no (every megaflow)"));
		assert_non_null(strstr(traced, "read: vlan_tci=0x0/0x1000 (set_field:0x5->vlan_vid)"));
	assert_non_null(strstr(traced, "read: inner_vlan_tci (mod_vlan_vid:5)"));
	assert_non_null(strstr(traced, "read: nw_src=0.0.0.1/0.0.0.255 (move:nw_src[0..7]->reg0[0..7])"));
	assert_non_null(strstr(traced, "read: tp_src=0x0/0xf (output:tp_src[0..3])"));
	add("priority=40000,udp,tp_dst=80,actions=resubmit(,1)");
	add("table=1,udp,tp_src=0/1,actions=drop");
	run(&f);
	assert_non_null(strstr(traced, "read: udp,tp_src=0x0/0x1"));
	assert_null(strstr(traced, "(resubmit"));
	f = tcp();
	run(&f);
	f = back(f);
	f.dp_hash = htonl(0x35);
	run(&f);
	assert_non_null(strstr(traced, "read: dp_hash=0x5/0xf (bucket_of(1))"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_filters), T(test_behind_programs), T(test_apart), T(test_filter_tree_is_bounded),
		T(test_results), T(test_stage_loop), T(test_no_loop), T(test_may_end),
		T(test_loops), T(test_random_stages), T(test_frozen_states), T(test_links),
		T(test_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
