// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules as text, and translation: the talk's example and its relatives. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../pipeline/xlate.h"

static struct tables tables;
static struct frozen_set frozen;
static struct progwrites writes;
static const uint32_t ports[] = { 1, 2, 3 };

static void add(const char *text)
{
	char err[256] = "";
	struct rule *rule = rule_parse(text, true, err, sizeof(err));
	struct rule *old;

	assert_string_equal(err, "");
	assert_non_null(rule);
	assert_int_equal(tables_insert(&tables, rule, &old), 0);
	if (old)
		tables_forget(&tables, old);
	free(old);
}

static int reset(void **state)
{
	struct rule_choice all = { .any_table = true };
	struct rule *rule;

	(void)state;
	while ((rule = tables_chosen(&tables, &all, NULL))) {
		tables_remove(&tables, rule);
		free(rule);
	}
	frozen_clear(&frozen);
	progwrites_unknown(&writes);
	return 0;
}

static struct flow udp(const char *src, uint16_t dst)
{
	struct flow f = {};

	f.in_port = htonl(3);
	f.ethernet = 1;
	f.dl_src[5] = 1;
	f.dl_type = htons(0x0800);
	f.nw_proto = 17;
	inet_pton(AF_INET, src, &f.nw_src);
	f.tp_dst = htons(dst);
	return f;
}

static struct xlate_out out;

static const struct progwrites *prog_writes(const char *name, void *arg)
{
	(void)arg;
	return strcmp(name, "alpha") ? NULL : &writes;
}

static void run(const struct flow *f)
{
	struct xlate_in in = { .tables = &tables, .frozen = &frozen,
			       .ports = ports, .n_ports = 3, .now = 1000,
			       .prog_writes = prog_writes };

	xlate(&in, f, &out);
}

static void test_round_trip(void **state)
{
	static const char *const texts[] = {
		"table=0,priority=10,ip,nw_src=10.0.0.0/8,actions=bpf(alpha),goto_table:2",
		"cookie=0x7,table=3,priority=0,actions=drop",
		"table=0,priority=1,in_port=4,dl_dst=02:00:00:00:00:01,actions=output:1,FLOOD,IN_PORT",
		"table=1,priority=5,tcp6,ipv6_dst=fd00::/64,tp_dst=80,actions=output:2",
		"table=0,priority=5,reg0=0x1/0xff,actions=set_field:02:00:00:00:00:09->dl_src,push_vlan:0x8100,pop_vlan",
		"table=0,priority=5,actions=bpf(f,arg=0x5,mode=program),bpf(g,result=reg2)",
		"table=0,priority=5,actions=bpf(f,mode=changed),bpf(f,mode=always)",
	};
	char buf[1024], err[256];
	struct rule *rule;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		rule = rule_parse(texts[i], true, err, sizeof(err));
		assert_non_null(rule);
		rule_format(rule, buf, sizeof(buf));
		assert_string_equal(buf, texts[i]);
		free(rule);
	}
}

static void test_bad_text(void **state)
{
	static const struct { const char *text, *word; } bad[] = {
		{ "nosuch=1,actions=drop", "\"nosuch\"" },
		{ "nosuch,actions=drop", "\"nosuch\"" },
		{ "table=255,actions=drop", "table" },
		{ "priority=65536,actions=drop", "priority" },
		{ "ip,nw_src=10.0.0.300,actions=drop", "\"10.0.0.300\"" },
		{ "ip,nw_src=10.0.0.1/33,actions=drop", "nw_src" },
		{ "nw_src=10.0.0.1,actions=drop", "protocol" },
		{ "ip,tp_dst=80,actions=drop", "protocol" },
		{ "in_port=1", "actions" },
		{ "actions=", "empty" },
		{ "actions=fly", "\"fly\"" },
		{ "table=2,actions=goto_table:2", "above 2" },
		{ "actions=goto_table:2,output:1", "follow" },
		{ "actions=set_field:1->nw_proto", "can't be set" },
		{ "actions=set_field:1", "->" },
		{ "actions=bpf()", "name" },
		{ "actions=bpf(a,mode=maybe)", "\"maybe\", position 20" },
		{ "actions=bpf(a,fast)", "\"fast\"" },
		{ "actions=bpf(a,arg=-1)", "\"-1\"" },
		{ "actions=bpf(a,arg=0x10000000000000000)", "64 bits" },
		{ "actions=bpf(a,result=reg8)", "\"reg8\"" },
		{ "actions=bpf(a,arg=1,arg=2)", "twice (at \"arg=2\"" },
		{ "actions=drop(", "takes no argument" },
		{ "actions=bpf(a.b)", "name" },
		{ "actions=bpf(a", "parenthesis" },
		{ "actions=bpf(../a)", "name" },
		{ "recirc_id=1,actions=drop", "recirc_id" },
	};
	char err[256];
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err[0] = 0;
		assert_null(rule_parse(bad[i].text, true, err, sizeof(err)));
		if (!strstr(err, bad[i].word))
			fail_msg("\"%s\": said \"%s\"", bad[i].text, err);
	}
}

static void talk(const char *mode)
{
	char text[128];

	snprintf(text, sizeof(text),
		 "priority=1,ip,nw_src=10.0.0.1,actions=bpf(alpha%s),goto_table:2",
		 mode);
	add(text);
	add("table=2,priority=1,ip,nw_src=10.0.0.2,actions=output:1");
	add("table=2,priority=0,actions=output:2");
}

static void test_talk_changed(void **state)
{
	struct flow f = udp("10.0.0.1", 80);
	uint32_t id;

	(void)state;
	talk("");
	run(&f);
	assert_int_equal(out.n_ops, 2);
	assert_int_equal(out.ops[0].type, OP_BPF);
	/* The last bit but one tells 10.0.0.1 from 10.0.0.2. */
	assert_int_equal(out.ops[0].mask.nw_src, htonl(0xfffffffe));
	assert_int_equal(out.ops[0].mask.dl_type, 0xffff);
	assert_int_equal(out.ops[0].mask.tp_dst, 0);
	assert_int_equal(out.ops[1].n, 2);
	assert_int_equal(out.wc.nw_src, UINT32_MAX);
	assert_int_equal(out.wc.tp_dst, 0);
	assert_int_equal(out.n_rules, 2);

	/* What recirculates resumes at table 2, under its new source. */
	id = out.ops[0].recirc_id;
	f = udp("10.0.0.2", 80);
	f.recirc_id = htonl(id);
	run(&f);
	assert_null(out.error);
	assert_int_equal(out.n_ops, 1);
	assert_int_equal(out.ops[0].n, 1);
	assert_int_equal(out.wc.recirc_id, UINT32_MAX);
}

static void test_talk_always(void **state)
{
	struct flow f = udp("10.0.0.1", 80);

	(void)state;
	talk(",mode=always");
	run(&f);
	assert_int_equal(out.n_ops, 1);
	assert_int_equal(out.ops[0].type, OP_BPF);
	assert_int_not_equal(out.ops[0].recirc_id, 0);
}

static void test_constant_is_not_used(void **state)
{
	struct flow f = udp("10.0.0.1", 80);

	(void)state;
	add("priority=1,ip,actions=bpf(alpha),set_field:10.0.0.2->nw_src,goto_table:2");
	add("table=2,priority=1,ip,nw_src=10.0.0.2,actions=output:1");
	run(&f);
	assert_int_equal(out.ops[0].mask.nw_src, 0);
	assert_int_equal(out.wc.nw_src, 0);
	assert_int_equal(out.ops[1].type, OP_SET);
	assert_int_equal(out.ops[1].mask.nw_src, UINT32_MAX);
	assert_int_equal(out.ops[2].n, 1);
}

static void test_set_before_is_used(void **state)
{
	struct flow f = udp("10.0.0.1", 80);

	(void)state;
	add("priority=1,ip,actions=set_field:10.0.0.5->nw_src,bpf(alpha),goto_table:2");
	add("table=2,priority=1,ip,nw_src=10.0.0.5,actions=output:1");
	run(&f);
	assert_int_equal(out.ops[0].type, OP_SET);	/* the program sees it */
	assert_int_equal(out.ops[1].type, OP_BPF);
	assert_int_equal(out.ops[1].mask.nw_src, UINT32_MAX);
	assert_int_equal(out.wc.nw_src, 0);
}

static void test_each_program_has_its_used(void **state)
{
	struct flow f = udp("10.0.0.1", 80);

	(void)state;
	add("priority=1,ip,actions=bpf(a),goto_table:1");
	add("table=1,priority=1,udp,tp_dst=80,actions=bpf(b),goto_table:2");
	add("table=2,priority=1,ip,nw_src=10.0.0.0/8,actions=output:1");
	run(&f);
	assert_int_equal(out.ops[0].mask.tp_dst, 0xffff);
	assert_int_equal(out.ops[0].mask.nw_src, htonl(0xff000000));
	assert_int_equal(out.ops[1].mask.tp_dst, 0);
	assert_int_equal(out.ops[1].mask.nw_src, htonl(0xff000000));
	assert_int_not_equal(out.ops[0].recirc_id, out.ops[1].recirc_id);
}

static void test_states_are_shared(void **state)
{
	struct flow f = udp("10.0.0.1", 80);
	uint32_t id;

	(void)state;
	talk("");
	run(&f);
	id = out.ops[0].recirc_id;
	f.tp_dst = htons(81);
	run(&f);
	assert_int_equal(out.ops[0].recirc_id, id);
	frozen_sweep(&frozen, 1000);
	assert_non_null(frozen_find(&frozen, id));	/* too young */
	frozen_sweep(&frozen, 1001);
	assert_null(frozen_find(&frozen, id));
	f.recirc_id = htonl(id);
	run(&f);
	assert_non_null(out.error);
	assert_int_equal(out.n_ops, 0);
}

static void test_result(void **state)
{
	struct flow f = udp("10.0.0.1", 80);

	(void)state;
	add("ip,actions=bpf(pick,result=reg1),goto_table:1");
	add("table=1,reg1=7,actions=output:1");
	add("table=1,priority=1,actions=output:2");
	run(&f);
	assert_int_equal(out.ops[0].recirc_id != 0, 1);
	f.recirc_id = htonl(out.ops[0].recirc_id);
	f.dp_hash = htonl(7);
	run(&f);
	assert_int_equal(out.ops[0].n, 1);
	assert_int_equal(out.wc.dp_hash, UINT32_MAX);
	f.dp_hash = htonl(8);
	run(&f);
	assert_int_equal(out.ops[0].n, 2);
}

static void test_registers_cost_nothing(void **state)
{
	struct flow f = udp("10.0.0.1", 80);

	(void)state;
	add("ip,actions=set_field:5->reg0,bpf(a),goto_table:1");
	add("table=1,reg0=5,actions=output:1");
	run(&f);
	assert_int_equal(out.ops[0].type, OP_BPF);
	assert_int_equal(out.ops[0].mask.reg[0], 0);
	assert_int_equal(out.ops[1].n, 1);
	f.recirc_id = htonl(out.ops[0].recirc_id);
	run(&f);
	assert_int_equal(out.ops[0].n, 1);	/* the register came along */
}

/* alpha, as if it wrote to a byte of IPv4 packets, or of any. */
static void writes_byte(uint16_t type, unsigned int ofs)
{
	struct pw_class *c = &writes.class[type ? 1 : 0];

	progwrites_nothing(&writes);
	writes.n_classes = 2;
	writes.class[1].eth_type = 0x0800;
	c->data.bits[ofs / 64] |= 1ull << ofs % 64;
}

static enum bpf_mode mode_of(const struct flow *f)
{
	run(f);
	assert_null(out.error);
	assert_int_equal(out.ops[0].type, OP_BPF);
	/* It may ask for a recirculation in any mode. */
	assert_int_not_equal(out.ops[0].recirc_id, 0);
	return out.ops[0].act.mode;
}

static void test_auto_mode(void **state)
{
	struct flow f = udp("10.0.0.1", 80);

	(void)state;
	talk("");
	assert_int_equal(mode_of(&f), MODE_CHANGED);
	progwrites_nothing(&writes);
	assert_int_equal(mode_of(&f), MODE_PROGRAM);
	writes_byte(0x0800, 26);	/* nw_src, which table 2 reads */
	assert_int_equal(mode_of(&f), MODE_CHANGED);
	writes_byte(0x0800, 30);	/* nw_dst, which it does not */
	assert_int_equal(mode_of(&f), MODE_PROGRAM);
	assert_int_equal(out.wc.vlan_tci, 0);
	writes_byte(0, 30);		/* of packets tagged or not, who knows */
	assert_int_equal(mode_of(&f), MODE_PROGRAM);
	assert_int_equal(out.wc.vlan_tci, htons(0x1000));
	f.vlan_tci = htons(0x1005);
	assert_int_equal(mode_of(&f), MODE_CHANGED);
	writes_byte(0, 12);		/* the type always counts */
	assert_int_equal(mode_of(&f), MODE_CHANGED);
	progwrites_nothing(&writes);
	writes.meta = PW_MARK;
	assert_int_equal(mode_of(&f), MODE_PROGRAM);
	add("table=2,priority=2,pkt_mark=7,actions=output:3");
	assert_int_equal(mode_of(&f), MODE_CHANGED);
	writes_byte(0x0800, 30);
	assert_int_equal(mode_of(&f), MODE_PROGRAM);
	/* A packet that may have no Ethernet header. */
	f.ethernet = 0;
	f.dl_src[5] = 0;
	assert_int_equal(mode_of(&f), MODE_CHANGED);
}

static void test_mode_is_the_users(void **state)
{
	struct flow f = udp("10.0.0.1", 80);

	(void)state;
	talk(",mode=changed");
	progwrites_nothing(&writes);
	assert_int_equal(mode_of(&f), MODE_CHANGED);
	reset(NULL);
	talk(",mode=always");
	assert_int_equal(mode_of(&f), MODE_ALWAYS);
	reset(NULL);
	talk(",mode=program");
	progwrites_unknown(&writes);
	assert_int_equal(mode_of(&f), MODE_PROGRAM);
}

/* What is read to choose a mode is read behind the program before it. */
static void test_auto_mode_is_used(void **state)
{
	struct flow f = udp("10.0.0.1", 80);

	(void)state;
	add("ip,actions=bpf(beta),bpf(alpha),goto_table:1");
	add("table=1,priority=1,ip,tp_dst=80,udp,actions=output:1");
	writes_byte(0x0800, 26);
	run(&f);
	assert_int_equal(out.ops[0].act.mode, MODE_CHANGED);	/* not known */
	assert_int_equal(out.ops[1].act.mode, MODE_PROGRAM);
	assert_int_equal(out.ops[0].mask.tp_dst, 0xffff);
	/* The other way round: alpha's writes don't meet what is read behind it. */
	reset(NULL);
	add("ip,actions=bpf(alpha),bpf(beta),goto_table:1");
	add("table=1,priority=1,udp,tp_dst=80,actions=output:1");
	writes_byte(0x0800, 26);
	run(&f);
	assert_int_equal(out.ops[0].act.mode, MODE_PROGRAM);
	assert_int_equal(out.ops[1].act.mode, MODE_CHANGED);
}

/* Random rules and packets: what the mask says is alike must fare alike. */
static void test_masks_are_sound(void **state)
{
	unsigned int i, j, n = 0;
	char text[128];

	(void)state;
	srandom(42);
	for (i = 0; i < 200; i++) {
		snprintf(text, sizeof(text),
			 "table=%ld,priority=%ld,udp,nw_src=10.0.0.%ld/%ld,tp_dst=%ld/%ld,actions=%s",
			 random() % 2, random() % 20, random() % 8,
			 28 + random() % 5, random() % 8, random() % 8,
			 i % 3 ? i % 3 == 1 ? "output:1" : "output:2" :
			 "set_field:10.0.0.3->nw_dst,drop");
		add(text);
		snprintf(text, sizeof(text),
			 "table=0,priority=%ld,udp,nw_src=10.0.0.%ld/%ld,actions=goto_table:1",
			 random() % 20, random() % 8, 28 + random() % 5);
		add(text);
	}
	for (i = 0; i < 20000; i++) {
		struct flow f = udp("10.0.0.0", random() % 8), g;
		uint8_t *gb = (uint8_t *)&g;
		struct xlate_out first;

		f.nw_src = htonl(0x0a000000 + random() % 8);
		run(&f);
		first = out;
		g = f;
		g.nw_src ^= htonl(random() % 8) & ~first.wc.nw_src;
		g.tp_dst ^= htons(random() % 8) & ~first.wc.tp_dst;
		for (j = 0; j < sizeof(g.dl_src); j++)
			gb[offsetof(struct flow, dl_src) + j] ^= random() &
				~first.wc.dl_src[j];
		run(&g);
		assert_int_equal(out.n_ops, first.n_ops);
		for (j = 0; j < out.n_ops; j++)
			assert_int_equal(out.ops[j].n, first.ops[j].n);
		n += out.n_ops;
	}
	assert_true(n > 1000);
}

#define T(f) cmocka_unit_test_setup_teardown(f, reset, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_round_trip), T(test_bad_text), T(test_talk_changed),
		T(test_talk_always), T(test_constant_is_not_used),
		T(test_set_before_is_used), T(test_each_program_has_its_used),
		T(test_states_are_shared), T(test_result),
		T(test_registers_cost_nothing), T(test_auto_mode),
		T(test_mode_is_the_users), T(test_auto_mode_is_used),
		 T(test_masks_are_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
