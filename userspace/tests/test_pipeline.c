// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Translation of all actions: what the datapath is told to do, written in short, and
 * what the megaflow reads.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../pipeline/text.h"
#include "../pipeline/xlate.h"

static struct tables tables;
static struct groups groups;
static struct frozen_set frozen;
static struct mac_table macs;
static struct xlate_out out;
static const uint32_t ports[] = { 1, 2, 3 };
static uint32_t dead_port;
static char traced[65536];

static void add(const char *text)
{
	char err[256] = "";
	struct rule *rule = rule_parse(text, true, err, sizeof(err));
	struct rule *old;

	assert_string_equal(err, "");
	assert_int_equal(tables_insert(&tables, rule, &old), 0);
	if (old)
		tables_forget(&tables, old);
	free(old);
}

static void add_group(const char *text)
{
	char err[256] = "";
	struct group *g = group_parse(text, err, sizeof(err));

	assert_string_equal(err, "");
	group_free(groups_insert(&groups, g));
}

static int reset(void **state)
{
	struct rule all = {}, *rule;

	(void)state;
	while ((rule = tables_within(&tables, &all, true))) {
		tables_remove(&tables, rule);
		free(rule);
	}
	while (groups.first)
		group_free(groups_take(&groups, groups.first->id));
	frozen_clear(&frozen);
	mac_clear(&macs);
	dead_port = 0;
	return 0;
}

static struct flow udp(uint16_t dst)
{
	struct flow f = {};

	f.in_port = htonl(3);
	f.ethernet = 1;
	f.dl_src[5] = 1;
	f.dl_dst[5] = 2;
	f.dl_type = htons(0x0800);
	f.nw_proto = 17;
	f.nw_ttl = 64;
	f.nw_src = htonl(0x0a000001);
	f.nw_dst = htonl(0x0a000002);
	f.tp_dst = htons(dst);
	return f;
}

static bool port_live(uint32_t port, void *arg)
{
	(void)arg;
	return port != dead_port;
}

/* f... are filters, x... unknown. */
static enum prog_class prog_class(const char *name, void *arg)
{
	(void)arg;
	return *name == 'f' ? PROG_FILTER : *name == 'x' ? PROG_UNKNOWN : PROG_ACTION;
}

static void trace(const char *line, void *arg)
{
	(void)arg;
	snprintf(traced + strlen(traced), sizeof(traced) - strlen(traced), "%s\n", line);
}

static int put_op(char *buf, size_t size, int n, const struct op *op)
{
	char text[512];

	switch (op->type) {
	case OP_OUTPUT:
		return text_add(buf, size, n, "%u", op->n);
	case OP_SET:
		match_format(&op->value, &op->mask, text, sizeof(text));
		return text_add(buf, size, n, "set(%.*s)", (int)strlen(text) - 1, text);
	case OP_SET_TUNNEL:
		return text_add(buf, size, n, "tunnel(%llu)",
				(unsigned long long)be64toh(op->value.tun_id));
	case OP_PUSH_VLAN:
		return text_add(buf, size, n, "push(0x%x,%u,%u)", op->n,
				op->tci & 0xfff, op->tci >> 13);
	case OP_POP_VLAN:
		return text_add(buf, size, n, "pop");
	case OP_DEC_TTL:
		return text_add(buf, size, n, "dec_ttl");
	case OP_BPF:
		return text_add(buf, size, n, "%s%s%s", op->act.prog,
				!op->filter && op->act.mode == MODE_ALWAYS ? "!" : "",
				op->recirc_id ? "@" : "");
	case OP_METER:
		return text_add(buf, size, n, "meter%u", op->n);
	case OP_CT:
		return text_add(buf, size, n, "ct%u%s", op->n, op->act.ct.commit ? "+" : "");
	case OP_CT_CLEAR:
		return text_add(buf, size, n, "ct_clear");
	case OP_HASH:
		return text_add(buf, size, n, "hash");
	case OP_RECIRC:
		return text_add(buf, size, n, "recirc");
	case OP_CONTROLLER:
		return text_add(buf, size, n, "controller%u", op->n);
	case OP_CLONE:
		return text_add(buf, size, n, "clone{");
	case OP_CASE:
		return text_add(buf, size, n, "%u:{", op->n);
	case OP_DEFAULT:
		return text_add(buf, size, n, "else{");
	case OP_END:
		return text_add(buf, size, n, "}");
	case OP_NONE:
		break;
	}
	return n;
}

/* Translates, and writes the operations. */
static const char *run(const struct flow *f)
{
	struct xlate_in in = { .tables = &tables, .groups = &groups,
			       .frozen = &frozen, .macs = &macs, .ports = ports,
			       .n_ports = 3, .now = 1000, .port_live = port_live,
			       .prog_class = prog_class, .trace = trace };
	static char buf[16384];
	unsigned int i;
	int n = 0;

	traced[0] = buf[0] = 0;
	xlate(&in, f, &out);
	if (out.error)
		return out.error;
	for (i = 0; i < out.n_ops; i++) {
		if (out.ops[i].type == OP_NONE)
			continue;
		if (n && out.ops[i].type != OP_END && buf[n - 1] != '{')
			n = text_add(buf, sizeof(buf), n, " ");
		n = put_op(buf, sizeof(buf), n, &out.ops[i]);
	}
	return buf;
}

/* The packet as it comes back to the last stage that was named. */
static struct flow back(struct flow f)
{
	unsigned int i;

	for (i = 0; i < out.n_ops; i++)
		if (out.ops[i].recirc_id)
			f.recirc_id = htonl(out.ops[i].recirc_id);
	return f;
}

#define EXPECT(f, want) assert_string_equal(run(&(f)), want)

static void test_outputs(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("priority=1,actions=output:1,output:3,in_port,drop");
	EXPECT(f, "1 3");
	add("priority=2,actions=flood");
	EXPECT(f, "1 2");
	add("priority=3,actions=set_field:2->reg0,output:reg0[0..15],controller(max_len=9)");
	EXPECT(f, "2 controller9");
	assert_int_equal(out.wc.reg[0], 0);
	add("priority=4,actions=meter:5,output:1");
	EXPECT(f, "meter5 1");
	assert_int_equal(out.wc.nw_src | out.wc.tp_dst, 0);
}

static void test_vlans(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("priority=1,actions=push_vlan:0x8100,set_field:5->vlan_vid,set_field:3->vlan_pcp,output:1,pop_vlan,output:2");
	EXPECT(f, "push(0x8100,5,3) 1 pop 2");
	add("priority=2,actions=mod_vlan_vid:7,output:1");
	EXPECT(f, "push(0x8100,7,0) 1");
	f.vlan_tci = htons(0x7005);
	f.vlan_tpid = htons(0x8100);
	EXPECT(f, "pop push(0x8100,7,3) 1");
	assert_int_equal(out.wc.vlan_tci, 0xffff);	/* its priority is kept */
	add("priority=3,actions=pop_vlan,output:1");
	EXPECT(f, "pop 1");
	assert_int_equal(out.wc.vlan_tci, htons(0x1000));	/* whichever it is */
	/* Behind the outer tag there is an inner one. */
	f.vlan_tci2 = htons(0x1006);
	f.vlan_tpid2 = htons(0x8100);
	add("priority=3,actions=pop_vlan,goto_table:1");
	add("table=1,dl_vlan=6,actions=output:2");
	EXPECT(f, "pop 2");
	assert_int_equal(out.wc.vlan_tci2 & htons(0xfff), htons(0xfff));
	add("priority=4,actions=push_vlan:0x88a8,output:1");
	EXPECT(f, "push_vlan on a packet that has two tags");
	f.vlan_tci2 = 0;
	EXPECT(f, "push(0x88a8,0,0) 1");
	add("priority=5,actions=pop_vlan,push_vlan:0x8100,set_field:5->vlan_vid,set_field:3->vlan_pcp,output:1");
	EXPECT(f, "1");		/* the same again */
	/* A packet without a tag has no field to set. */
	f.vlan_tci = 0;
	add("priority=6,actions=set_field:5->vlan_vid,output:1");
	EXPECT(f, "1");
}

static void test_sets(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("priority=1,ip,actions=set_field:10.9.0.0/16->nw_dst,mod_nw_tos:32,output:1");
	EXPECT(f, "set(nw_dst=10.9.0.0/16,nw_tos=32) 1");
	assert_int_equal(out.wc.nw_dst, 0);
	/* A field that the packet does not have stays alone. */
	add("priority=2,ip,actions=set_field:5->tcp_dst,set_field:6->udp_dst,output:1");
	EXPECT(f, "set(tp_dst=6) 1");
	assert_int_equal(out.wc.nw_proto, 0xff);
	f.nw_frag = FRAG_ANY | FRAG_LATER;
	EXPECT(f, "1");
	f = udp(80);
	/* What is moved is read. */
	add("priority=3,ip,actions=move:nw_src[0..15]->reg0[0..15],move:reg0[0..15]->nw_dst[16..31],output:1");
	EXPECT(f, "set(nw_dst=0.1.0.0/16) 1");
	assert_int_equal(out.wc.nw_src, htonl(0xffff));
	assert_int_equal(out.wc.nw_dst, 0);
	add("priority=3,ip,actions=set_field:1->reg0,move:tcp_src[]->reg0[0..15],output:reg0[]");
	EXPECT(f, "1");			/* there is none to move */
	add("priority=4,ip,actions=set_tunnel:7,set_field:10.0.0.9->tun_dst,output:1");
	EXPECT(f, "tunnel(7) 1");
	assert_int_equal(out.ops[0].value.tun_dst, htonl(0x0a000009));
}

static void test_ttl(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("priority=1,ip,actions=dec_ttl,output:1");
	EXPECT(f, "dec_ttl 1");
	assert_int_equal(out.wc.nw_ttl, 0);
	add("priority=2,ip,actions=set_field:2->nw_ttl,dec_ttl,output:1,dec_ttl,output:2");
	EXPECT(f, "set(nw_ttl=1) 1");	/* the second has no hops left */
	add("priority=3,ip,actions=dec_ttl,goto_table:1");
	add("table=1,priority=1,ip,nw_ttl=63,actions=output:1");
	EXPECT(f, "dec_ttl 1");
	assert_int_equal(out.wc.nw_ttl, 0xff);
	/* All bits of it tell of some bits of the difference. */
	
	add("table=1,priority=2,ip,nw_ttl=0x3e/0x3e,actions=output:1");
	EXPECT(f, "dec_ttl 1");
	assert_int_equal(out.wc.nw_ttl, 0xff);
	/* Behind a program the constant of before is none. */
	add("priority=4,ip,actions=set_field:9->nw_ttl,bpf(a),dec_ttl,output:1");
	EXPECT(f, "set(nw_ttl=9) a@ dec_ttl 1");
}

static void test_resubmit(void **state)
{
	struct flow f = udp(80);

	(void)state;
	add("priority=1,actions=resubmit(,1),output:3,output:2");
	add("table=1,priority=1,actions=set_field:9->tp_dst,output:1,drop,output:2");
	EXPECT(f, "set(tp_dst=9) 1 2");
	add("table=1,priority=2,actions=resubmit(,1)");
	assert_non_null(strstr(run(&f), "more than 512 lookups, the last in tables 1, 1"));
	assert_int_equal(out.n_ops, 0);
	add("table=1,priority=2,actions=resubmit(,2),output:1");
	add("table=2,priority=2,actions=resubmit(,1),output:1");
	assert_non_null(strstr(run(&f), "nests more than 64 deep, from table"));
}

static void test_normal(void **state)
{
	struct flow f = udp(80);
	struct mac_key key = { .mac = { 0, 0, 0, 0, 0, 2 } };

	(void)state;
	add("actions=normal");
	EXPECT(f, "1 2");
	assert_true(out.learns);
	assert_int_equal(out.learn.mac[5], 1);
	assert_int_equal(out.wc.dl_dst[5] & out.wc.dl_src[0], 0xff);
	assert_true(mac_learn(&macs, &key, 2, 1000));
	assert_false(mac_learn(&macs, &key, 2, 1000));
	EXPECT(f, "2");
	assert_true(mac_learn(&macs, &key, 3, 1000));
	EXPECT(f, "");			/* it is where it came from */
	f.vlan_tci = htons(0x1005);	/* in another VLAN it was not seen */
	EXPECT(f, "1 2");
	assert_int_equal(out.learn.vlan, htons(5));
}

static void test_macs(void **state)
{
	struct mac_key key = {};
	uint64_t changes;
	unsigned int i;

	(void)state;
	macs.max = 100;
	for (i = 0; i < 150; i++) {
		key.mac[5] = i;
		assert_true(mac_learn(&macs, &key, i % 3, 1000 + i));
	}
	assert_int_equal(HASH_COUNT(macs.entries), 100);
	assert_non_null(mac_find(&macs, &key));
	key.mac[5] = 49;
	assert_null(mac_find(&macs, &key));	/* seen longest ago */
	key.mac[5] = 50;
	mac_learn(&macs, &key, 2, 9000);	/* seen again */
	changes = macs.changes;
	mac_expire(&macs, 1000 + 99 + MAC_AGE_MS);
	assert_int_equal(HASH_COUNT(macs.entries), 51);
	assert_int_equal(macs.changes, changes + 49);
	assert_non_null(mac_find(&macs, &key));
	mac_forget_port(&macs, 2);
	assert_null(mac_find(&macs, &key));
	key.mac[0] = 1;
	assert_false(mac_learn(&macs, &key, 1, 1));	/* of a group */
	macs.max = 0;
}

static void test_groups(void **state)
{
	struct flow f = udp(80);
	unsigned int seen[4] = {}, i;

	(void)state;
	add("actions=group:1,output:2");
	EXPECT(f, "there is no group 1");
	add_group("group_id=1,type=all,bucket=output:1,bucket=set_field:5->tp_dst,output:2");
	add("ip,actions=group:1,output:2");
	EXPECT(f, "1 clone{set(tp_dst=5) 2} 2");
	add_group("group_id=1,type=indirect,bucket=set_field:02:00:00:00:00:09->dl_dst,output:1");
	EXPECT(f, "clone{set(dl_dst=02:00:00:00:00:09) 1} 2");
	add_group("group_id=1,type=ff,bucket=watch_port:1,output:1,bucket=watch_port:2,output:2");
	EXPECT(f, "1 2");
	dead_port = 1;
	EXPECT(f, "2 2");
	/* By hash: the packet comes back with it, and few of its bits are read. */
	add_group("group_id=1,type=select,bucket=weight:3,output:1,bucket=weight:1,set_field:7->tp_dst,output:2");
	EXPECT(f, "hash recirc");
	f = back(f);
	for (i = 0; i < 1024; i++) {
		f.dp_hash = htonl(i * 0x9e3779b1u);
		run(&f);
		assert_null(out.error);
		assert_int_equal(out.wc.dp_hash, htonl(15));
		seen[out.ops[1].n & 3]++;
	}
	assert_in_range(seen[1], 700, 830);
	/* A group that contains itself ends. */
	add_group("group_id=1,type=all,bucket=output:1,group:1,bucket=group:1");
	f.recirc_id = 0;
	assert_non_null(strstr(run(&f), "nest more than 8 deep"));
}

static void test_ct(void **state)
{
	struct flow f = udp(80);
	uint32_t id;

	(void)state;
	add("ip,ct_state=-trk,actions=ct(table=1,zone=5)");
	add("table=1,ip,ct_state=+trk+new,actions=ct(commit,zone=5,exec(set_field:0x1/0x3->ct_mark,set_field:2->ct_label)),output:1");
	EXPECT(f, "ct5 recirc");
	assert_int_equal(out.wc.ct_state, htonl(0x20));
	id = out.ops[1].recirc_id;
	f = back(f);
	f.ct_state = htonl(0x21);
	EXPECT(f, "ct5+ 1");
	assert_int_equal(out.ops[0].value.ct_mark, htonl(1));
	assert_int_equal(out.ops[0].mask.ct_mark, htonl(3));
	assert_int_equal(out.ops[0].value.ct_label[15], 2);
	/* What is left here is done to a copy; that state is the same one. */
	f = udp(80);
	add("ip,ct_state=-trk,actions=ct(table=1,zone=5),output:2,goto_table:3");
	add("table=3,ct_state=-trk,actions=output:1");
	EXPECT(f, "clone{ct5 recirc} 2 1");
	assert_int_equal(out.ops[2].recirc_id, id);
	add("ip,ct_state=-trk,actions=move:in_port[]->reg3[],ct(commit,zone=reg3[0..15],nat(src=10.0.0.1)),ct_clear,output:2");
	EXPECT(f, "ct3+ ct_clear 2");
}

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

static unsigned int rnd(unsigned int n)
{
	return (unsigned int)random() % n;
}

static const char *random_match(void)
{
	static char text[200];
	int n = snprintf(text, sizeof(text), "table=%u,priority=%u,", rnd(4), rnd(30));

	switch (rnd(10)) {
	case 0:
		n = text_add(text, sizeof(text), n, "ip,nw_src=10.0.0.%u/%u,", rnd(8), 28 + rnd(5));
		break;
	case 1:
		n = text_add(text, sizeof(text), n, "udp,tp_dst=%u/0x%x,", rnd(8), rnd(8));
		break;
	case 2:
		n = text_add(text, sizeof(text), n, "ip,nw_dst=10.0.0.%u/31,", rnd(8));
		break;
	case 3:
		n = text_add(text, sizeof(text), n, "dl_vlan=%u,", rnd(3));
		break;
	case 4:
		n = text_add(text, sizeof(text), n, "vlan_tci=0,ip,nw_ttl=%u,", 60 + rnd(4));
		break;
	case 5:
		n = text_add(text, sizeof(text), n, "reg0=%u/0x7,", rnd(8));
		break;
	case 6:
		n = text_add(text, sizeof(text), n, "bpf=f%u,", rnd(3));
		break;
	case 7:
		n = text_add(text, sizeof(text), n, "reg1=%u,udp,tp_src=%u,", rnd(4), rnd(8));
		break;
	case 8:
		n = text_add(text, sizeof(text), n, "dl_src=00:00:00:00:00:0%u,tcp,tcp_flags=+syn,", rnd(3));
		break;
	}
	return text;
}

static int random_action(char *text, size_t size, int n)
{
	switch (rnd(15)) {
	case 0:
		return text_add(text, size, n, "set_field:10.0.0.%u->nw_dst,", rnd(8));
	case 1:
		return text_add(text, size, n, "set_field:%u/0x3->udp_dst,", rnd(4));
	case 2:
		return text_add(text, size, n, "move:udp_src[0..2]->reg0[0..2],");
	case 3:
		return text_add(text, size, n, "move:nw_src[0..1]->udp_dst[1..2],");
	case 4:
		return text_add(text, size, n, "dec_ttl,");
	case 5:
		return text_add(text, size, n, "push_vlan:0x8100,set_field:%u->vlan_vid,", rnd(3));
	case 6:
		return text_add(text, size, n, "pop_vlan,");
	case 7:
		return text_add(text, size, n, "mod_vlan_vid:%u,", rnd(3));
	case 8:
	case 9:
		return text_add(text, size, n, "resubmit(,%u),", 1 + rnd(3));
	case 10:
		return text_add(text, size, n, "output:reg0[0..1],");
	case 11:
		return text_add(text, size, n, "bpf(a%s),", rnd(2) ? ",result=reg1" : "");
	case 12:
		return text_add(text, size, n, "bpf(f,result=reg1),");
	case 13:
		return text_add(text, size, n, "group:1,");
	default:
		return text_add(text, size, n, "output:%u,", 1 + rnd(3));
	}
}

static struct flow random_packet(void)
{
	struct flow f = udp(rnd(8));

	f.nw_src = htonl(0x0a000000 | rnd(8));
	f.nw_dst = htonl(0x0a000000 | rnd(8));
	f.tp_src = htons(rnd(8));
	f.dl_src[5] = rnd(3);
	f.nw_ttl = 60 + rnd(4);
	f.nw_proto = rnd(3) ? 17 : 6;
	f.tcp_flags = f.nw_proto == 6 ? htons(rnd(4)) : 0;
	if (!rnd(3)) {
		f.vlan_tci = htons(VLAN_PRESENT | rnd(3) | rnd(2) << 13);
		f.vlan_tpid = htons(0x8100);
		if (rnd(2)) {
			f.vlan_tci2 = htons(VLAN_PRESENT | rnd(3));
			f.vlan_tpid2 = htons(0x8100);
		}
	}
	return f;
}

/* Packets that a mask says are alike fare alike, whatever the rules. */
static void test_masks_are_sound(void **state)
{
	unsigned int round, i, k, same = 0, errors = 0, branched = 0;
	static char first[16384];
	char text[600];

	(void)state;
	srandom(77);
	for (round = 0; round < 60; round++) {
		reset(NULL);
		add_group("group_id=1,type=all,bucket=set_field:9->udp_src,output:1,bucket=output:2");
		for (i = 0; i < 40; i++) {
			const char *match = random_match();
			int n = snprintf(text, sizeof(text), "%sactions=", match);

			for (k = 1 + rnd(3); k; k--)
				n = random_action(text, sizeof(text), n);
			add(text);
		}
		for (i = 0; i < 100; i++) {
			struct flow f = random_packet(), g, wc;

			strcpy(first, run(&f));
			wc = out.wc;
			errors += out.error != NULL;
			branched += out.n_branches > 0;
			for (k = 0; k < 20; k++) {
				unsigned int w;

				/* What the mask leaves open is another packet's. */
				g = random_packet();
				for (w = 0; w < FLOW_WORDS; w++) {
					flow_word *to = (flow_word *)&g + w;
					flow_word m = ((flow_word *)&wc)[w];

					*to = (((flow_word *)&f)[w] & m) | (*to & ~m);
				}
				/* The datapath has these exactly. */
				g.vlan_tpid = f.vlan_tpid;
				g.vlan_tpid2 = f.vlan_tpid2;
				if ((g.vlan_tci ^ f.vlan_tci) & htons(VLAN_PRESENT) ||
				    (g.vlan_tci2 ^ f.vlan_tci2) & htons(VLAN_PRESENT))
					continue;
				/* There is no id without a tag. */
				if (!(g.vlan_tci & htons(VLAN_PRESENT)))
					g.vlan_tci = 0;
				if (!(g.vlan_tci2 & htons(VLAN_PRESENT)))
					g.vlan_tci2 = 0;
				if (strcmp(first, run(&g)))
					fail_msg("\"%s\" and \"%s\"", first, run(&g));
				same += memcmp(&f, &g, sizeof(f)) != 0;
			}
		}
	}
	print_message("# %u pairs of packets, %u translations with branches, %u errors\n",
		      same, branched, errors);
	assert_true(same > 50000 && branched > 1000);
}

#define T(f) cmocka_unit_test_setup_teardown(f, reset, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_outputs), T(test_vlans), T(test_sets), T(test_ttl),
		T(test_resubmit), T(test_normal), T(test_macs), T(test_groups),
		T(test_ct), T(test_filters), T(test_filter_tree_is_bounded),
		T(test_results), T(test_stage_loop), T(test_frozen_states),
		T(test_trace), T(test_program_checks), T(test_masks_are_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
