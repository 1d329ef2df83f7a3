// SPDX-License-Identifier: GPL-2.0-or-later
/* Packets that a mask says are alike fare alike, whatever the rules. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../pipeline/text.h"
#include "../pipeline/tlv.h"
#include "translation.h"

static unsigned int rnd(unsigned int n)
{
	return (unsigned int)random() % n;
}

static const char *random_match(void)
{
	static char text[400];
	int n = snprintf(text, sizeof(text), "table=%u,priority=%u,", rnd(4), rnd(30));

	switch (rnd(13)) {
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
	case 10:
		n = text_add(text, sizeof(text), n, "in_port=%u,", rnd(2) ? 3 : 7);
		break;
	case 9:
		n = text_add(text, sizeof(text), n, "mpls,mpls_label=%u,mpls_ttl=%u/0x3,",
			     rnd(3), rnd(4));
		break;
	case 8:
		n = text_add(text, sizeof(text), n, "dl_src=00:00:00:00:00:0%u,tcp,tcp_flags=+syn,", rnd(3));
		break;
	case 11:
		n = text_add(text, sizeof(text), n, "tun_metadata1=0x%u%079u/0x%u%079u,", rnd(4), 0,
			     rnd(4), 0);
		break;
	}
	return text;
}

static int random_action(char *text, size_t size, int n)
{
	switch (rnd(22)) {
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
	case 16:
		return text_add(text, size, n, "resubmit(7,%u),", 1 + rnd(3));
	case 17:
		return text_add(text, size, n, "set_field:%u->in_port,", rnd(2) ? 3 : 7);
	case 14:
		return text_add(text, size, n, rnd(2) ? "pop_mpls:0x0800," : "dec_mpls_ttl,");
	case 18:
		return text_add(text, size, n, "move:tun_metadata1[316..317]->nw_dst[0..1],");
	case 19:
		return text_add(text, size, n, "move:reg0[0..1]->tun_metadata1[316..317],");
	case 20:
		return text_add(text, size, n, "set_field:0x%u%079u/0x3%079u->tun_metadata1,",
				rnd(4), 0, 0);
	case 15:
		return text_add(text, size, n, "push_mpls:0x8847,%s",
				rnd(2) ? "set_field:2->mpls_label," : "");
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
	if (rnd(2)) {	/* of a tunnel, with a long option */
		f.tun_dst = htonl(1);
		f.tun_options = 2;
		f.tun_metadata[0] = rnd(4) << 4;
	}
	if (!rnd(4)) {
		f.dl_type = htons(0x8847);
		f.mpls_lse[0] = htonl(rnd(3) << 12 | rnd(2) << 8 | rnd(4));
		f.nw_proto = f.nw_ttl = 0;
		f.nw_src = f.nw_dst = f.tp_src = f.tp_dst = f.tcp_flags = 0;
	}
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

/* Another packet that a mask says is like one.  Return: false if it did not come about. */
static bool alike(const struct flow *f, const struct flow *wc, struct flow *g)
{
	unsigned int w;

	/* What the mask leaves open is another packet's. */
	*g = random_packet();
	for (w = 0; w < FLOW_WORDS; w++) {
		flow_word *to = (flow_word *)g + w;
		flow_word m = ((const flow_word *)wc)[w];

		*to = (((const flow_word *)f)[w] & m) | (*to & ~m);
	}
	/* The datapath has these exactly. */
	g->vlan_tpid = f->vlan_tpid;
	g->vlan_tpid2 = f->vlan_tpid2;
	if ((g->vlan_tci ^ f->vlan_tci) & htons(VLAN_PRESENT) ||
	    (g->vlan_tci2 ^ f->vlan_tci2) & htons(VLAN_PRESENT))
		return false;
	/* There is no id without a tag. */
	if (!(g->vlan_tci & htons(VLAN_PRESENT)))
		g->vlan_tci = 0;
	if (!(g->vlan_tci2 & htons(VLAN_PRESENT)))
		g->vlan_tci2 = 0;
	return true;
}

/* Add a rule that is none in particular. */
static void add_random(char *text, size_t size)
{
	int n = snprintf(text, size, "%sactions=", random_match());
	unsigned int k;

	for (k = 1 + rnd(3); k; k--)
		n = random_action(text, size, n);
	add(text);
}

static void test_masks_are_sound(void **state)
{
	unsigned int round, i, k, same = 0, errors = 0, branched = 0;
	static char first[16384];
	char text[1200];

	(void)state;
	srandom(77);
	for (round = 0; round < 60; round++) {
		reset(NULL);
		add_group("group_id=1,type=all,bucket=set_field:9->udp_src,output:1,bucket=output:2");
		for (i = 0; i < 40; i++)
			add_random(text, sizeof(text));
		for (i = 0; i < 100; i++) {
			struct flow f = random_packet(), g, wc;

			strcpy(first, run(&f));
			wc = out.wc;
			errors += out.error != NULL;
			branched += out.n_branches > 0;
			for (k = 0; k < 20; k++) {
				if (!alike(&f, &wc, &g))
					continue;
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

/**
 * struct seen - a packet that was translated
 * @flow: the packet.
 * @wc: mask.
 * @asked: see struct xlate_out.
 * @changed: likewise.
 * @failed: the rules make no sense for it.
 * @text: its translation.
 */
struct seen {
	struct flow flow;
	struct flow wc;
	struct table_set asked;
	struct table_set changed;
	bool failed;
	char text[16384];
};

/* As the daemon asks: by what the mask lets through of the packet. */
static bool flow_depends(const struct table_set *asked, const struct table_set *changed,
			 const struct flow *flow, const struct flow *wc,
			 const struct rule *rule)
{
	flow_word masked[FLOW_WORDS];
	struct mask_words words;

	mask_words_of(&words, wc);
	mask_words_take(&words, flow, masked);
	return xlate_depends(asked, changed, &words, masked, rule->table, &rule->match,
			     &rule->mask);
}

/* Whether a packet fares as before.  Stages that lead round are found by what was before. */
static bool fares(const struct seen *s, const struct flow *f)
{
	return !strcmp(s->text, run(f)) || s->failed || out.error;
}

/* Whether packets of a megaflow do. */
static bool fares_alike(const struct seen *s)
{
	struct flow g;
	unsigned int k;

	if (!fares(s, &s->flow))
		return false;
	for (k = 0; k < 5; k++)
		if (alike(&s->flow, &s->wc, &g) && !fares(s, &g))
			return false;
	return true;
}

static void see(struct seen *s)
{
	s->flow = random_packet();
	snprintf(s->text, sizeof(s->text), "%s", run(&s->flow));
	s->wc = out.wc;
	s->asked = out.asked;
	s->changed = out.changed;
	s->failed = out.error;
}

/* What is told not to depend on a rule does not, when it comes and when it goes. */
static void test_dependence(void **state)
{
	unsigned int round, i, independent = 0, dependent = 0, other = 0;
	static struct seen seen[40];
	struct rule *rule, *old;
	char text[1200], err[256];

	(void)state;
	srandom(78);
	for (round = 0; round < 150; round++) {
		if (round % 20 == 0) {
			reset(NULL);
			add_group("group_id=1,type=all,bucket=set_field:9->udp_src,output:1,bucket=output:2");
			for (i = 0; i < 20; i++)
				add_random(text, sizeof(text));
		}
		for (i = 0; i < 40; i++)
			see(&seen[i]);
		/* One that asks for a result makes cases that fare like the rest. */
		do
			snprintf(text, sizeof(text), "%sactions=output:9", random_match());
		while (strstr(text, "reg1"));
		rule = rule_parse(text, true, err, sizeof(err));
		assert_non_null(rule);
		if (tables_find(&tables, rule)) {
			free(rule);
			continue;
		}
		assert_int_equal(tables_insert(&tables, rule, &old), 0);
		for (i = 0; i < 40; i++) {
			struct seen *s = &seen[i];
			bool same = fares_alike(s);

			if (flow_depends(&s->asked, &s->changed, &s->flow, &s->wc, rule)) {
				dependent++;
				other += !same;
				continue;
			}
			independent++;
			if (!same)
				fail_msg("%s: \"%s\" and \"%s\"", text, s->text,
					 run(&s->flow));
		}
		/* Half of them go again: those that did not depend on it still don't. */
		if (round % 2)
			continue;
		for (i = 0; i < 40; i++)
			see(&seen[i]);
		tables_remove(&tables, rule);
		for (i = 0; i < 40; i++) {
			struct seen *s = &seen[i];

			if (!flow_depends(&s->asked, &s->changed, &s->flow, &s->wc, rule) &&
			    !fares_alike(s))
				fail_msg("without %s: \"%s\" and \"%s\"", text,
					 s->text, run(&s->flow));
		}
		free(rule);
	}
	print_message("# independent of a rule: %u; perhaps dependent: %u, and so: %u\n",
		      independent, dependent, other);
	assert_true(independent > 2500 && other > 250);
}

static bool depends(const char *text)
{
	char err[256];
	struct rule *rule = rule_parse(text, true, err, sizeof(err));
	struct flow f = udp(1);
	bool is;

	assert_non_null(rule);
	f.nw_dst = htonl(0x0a000005);
	run(&f);
	is = flow_depends(&out.asked, &out.changed, &f, &out.wc, rule);
	free(rule);
	return is;
}

/* What rules and programs change may match anything later. */
static void test_dependence_on_changes(void **state)
{
	static const char *const ways[] = {
		"set_field:10.0.0.3->nw_dst,resubmit(,1)", "bpf(a),resubmit(,1)",
		"push_vlan:0x8100,resubmit(,1)",
	};
	char text[200];
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		reset(NULL);
		snprintf(text, sizeof(text), "table=0,ip,nw_dst=10.0.0.5,actions=%s", ways[i]);
		add(text);
		assert_false(depends("table=0,ip,nw_dst=10.0.0.3,actions=1"));
		assert_false(depends("table=2,actions=1"));
		assert_true(depends("table=0,ip,nw_dst=10.0.0.5,tp_dst=7,udp,actions=1"));
		assert_true(depends("table=1,ip,nw_dst=10.0.0.3,actions=1"));
	}
	reset(NULL);
	add("table=0,in_port=3,actions=resubmit(7,1)");
	assert_false(depends("table=0,in_port=7,actions=1"));
	assert_true(depends("table=1,in_port=7,actions=1"));
}

static int map_option(void **state)
{
	static const struct tlv option = { 0x102, 1, 40 };

	(void)state;
	return tlv_map(1, &option) != NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_masks_are_sound), T(test_dependence),
		T(test_dependence_on_changes),
	};

	return cmocka_run_group_tests(tests, map_option, NULL);
}
