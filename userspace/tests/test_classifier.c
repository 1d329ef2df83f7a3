// SPDX-License-Identifier: GPL-2.0-or-later
/* The classifier: the rule of a packet, and few bits that are read for it. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../pipeline/trie.h"
#include "rulebed.h"

static struct flow tcp(const char *src, const char *dst, uint16_t sport,
		       uint16_t dport)
{
	struct flow f = { .in_port = htonl(1), .dl_type = htons(0x0800),
			  .nw_proto = 6 };

	inet_pton(AF_INET, src, &f.nw_src);
	inet_pton(AF_INET, dst, &f.nw_dst);
	f.tp_src = htons(sport);
	f.tp_dst = htons(dport);
	return f;
}

static void test_priorities(void **state)
{
	struct flow f = tcp("10.0.0.1", "10.0.0.2", 1, 80);
	struct rule *low, *high, *same, *new;

	(void)state;
	assert_null(look(&f));
	low = add("priority=1,actions=drop");
	assert_ptr_equal(look(&f), low);
	assert_true(flow_is_zero(&wc));
	high = add("priority=9,tcp,tp_dst=80,actions=drop");
	same = add("priority=5,tcp,tp_dst=80,actions=drop");
	assert_ptr_equal(look(&f), high);
	/* In place of one with the same match and priority, not of another. */
	new = add("priority=9,tcp,tp_dst=80,actions=output:1");
	assert_int_equal(tables.n_rules, 3);
	assert_ptr_equal(look(&f), new);
	tables_remove(&tables, new);
	free(new);
	assert_ptr_equal(look(&f), same);
	tables_remove(&tables, same);
	free(same);
	assert_ptr_equal(look(&f), low);
	assert_int_equal(wc.tp_dst, 0);
	assert_ptr_equal(tables.first[0], low);
	assert_null(low->next);
}

/* Rules that are gone are not looked for. */
static void test_removal_widens(void **state)
{
	struct flow f = tcp("10.0.0.1", "10.0.0.2", 1, 80);
	struct rule *high;

	(void)state;
	high = add("priority=9,tcp,tp_dst=80,actions=drop");
	add("priority=5,tcp,tp_dst=81,actions=drop");
	add("priority=7,ip,actions=drop");
	assert_ptr_equal(look(&f), high);
	tables_remove(&tables, high);
	free(high);
	assert_int_equal(look(&f)->priority, 7);
	assert_int_equal(wc.tp_dst, 0);
}

static void test_list_is_sorted(void **state)
{
	struct rule *r, *rules[600];
	char text[64];
	unsigned int i, k, n;

	(void)state;
	srandom(3);
	for (i = 0; i < 600; i++) {
		snprintf(text, sizeof(text), "priority=%ld,in_port=%u,actions=drop",
			 random() % 200, i);
		rules[i] = add(text);
	}
	for (k = 0; k < 600; k += 50) {
		n = 0;
		for (r = tables.first[0]; r; r = r->next, n++) {
			assert_true(!r->next || r->next->priority <= r->priority);
			assert_true(!r->next || r->next->prev == r);
		}
		assert_int_equal(n, tables.n_rules);
		for (i = k; i < k + 50; i++) {
			tables_remove(&tables, rules[i]);
			free(rules[i]);
		}
	}
	assert_null(tables.first[0]);
}

static void test_filters(void **state)
{
	struct flow f = tcp("10.0.0.1", "10.0.0.2", 1, 80);
	struct rule *plain, *a, *b;
	struct outcomes said = {};

	(void)state;
	plain = add("priority=5,ip,actions=drop");
	a = add("priority=5,ip,bpf=a,actions=drop");
	b = add("priority=4,ip,bpf=b,actions=drop");
	assert_int_equal(tables.n_rules, 3);
	assert_ptr_equal(tables_lookup(&tables, 0, &f, &said, &wc), a);
	strcpy(said.o[0].prog, "a");
	said.n = 1;
	assert_ptr_equal(tables_lookup(&tables, 0, &f, &said, &wc), plain);
	tables_remove(&tables, plain);
	assert_ptr_equal(tables_lookup(&tables, 0, &f, &said, &wc), b);
	free(plain);
	said.o[0].yes = true;
	assert_ptr_equal(tables_lookup(&tables, 0, &f, &said, &wc), a);
}

/* Addresses are told apart by as few bits as can be. */
static void test_prefixes(void **state)
{
	struct flow f = tcp("192.168.0.1", "10.0.0.2", 1, 80);

	(void)state;
	add("priority=1,ip,nw_src=10.0.0.0/8,actions=drop");
	add("priority=2,ip,nw_src=10.1.2.0/24,actions=drop");
	add("priority=3,ip,nw_src=10.1.2.3,actions=drop");
	assert_null(look(&f));
	assert_int_equal(wc.nw_src, htonl(0x80000000));
	f = tcp("10.0.0.1", "10.0.0.2", 1, 80);
	assert_int_equal(look(&f)->priority, 1);
	assert_int_equal(wc.nw_src, htonl(0xffff0000));	/* 10.0 is not 10.1 */
	f = tcp("10.1.2.255", "10.0.0.2", 1, 80);
	assert_int_equal(look(&f)->priority, 2);
	assert_int_equal(wc.nw_src, htonl(0xffffff80));
	f = tcp("10.1.2.3", "10.0.0.2", 1, 80);
	assert_int_equal(look(&f)->priority, 3);
	assert_int_equal(wc.nw_src, UINT32_MAX);
	assert_int_equal(wc.tp_dst, 0);
}

static void test_ports(void **state)
{
	struct flow f = tcp("10.0.0.1", "10.0.0.2", 1, 0x8000);

	(void)state;
	add("priority=1,tcp,tp_dst=80,actions=drop");
	add("priority=2,tcp,tp_dst=0x1000/0xf000,actions=drop");
	assert_null(look(&f));
	assert_int_equal(wc.tp_dst, htons(0x8000));
	assert_int_equal(wc.tp_src, 0);
}

/* What the first stages tell needs no later one. */
static void test_stages(void **state)
{
	struct flow f = tcp("10.0.0.1", "10.0.0.2", 1, 80);

	(void)state;
	add("priority=1,in_port=2,tcp,nw_src=10.0.0.1,tp_dst=80,tcp_flags=+syn,actions=drop");
	assert_null(look(&f));
	assert_int_equal(wc.in_port, UINT32_MAX);
	assert_int_equal(wc.dl_type | wc.nw_src | wc.tp_dst | wc.tcp_flags, 0);
	reset(NULL);
	add("priority=1,tcp,dl_src=02:00:00:00:00:01,tcp_flags=+syn,actions=drop");
	assert_null(look(&f));
	assert_int_equal(wc.nw_proto | wc.tcp_flags, 0);
	assert_int_equal(wc.dl_src[5], 0xff);
	reset(NULL);
	/* No lower priority is read once a higher one has matched. */
	add("priority=9,ip,actions=drop");
	add("priority=8,tcp,tp_dst=80,actions=output:1");
	assert_int_equal(look(&f)->priority, 9);
	assert_int_equal(wc.tp_dst, 0);
}

static void test_reg_values(void **state)
{
	uint32_t v[4];
	unsigned int n;

	(void)state;
	add("reg1=5,actions=drop");
	add("table=3,reg1=5,ip,actions=drop");
	add("table=3,reg1=6,actions=drop");
	assert_true(tables_reg_values(&tables, 1, v, 4, &n));
	assert_int_equal(n, 2);
	assert_true(tables_reg_values(&tables, 2, v, 4, &n));
	assert_int_equal(n, 0);
	assert_false(tables_reg_values(&tables, 1, v, 1, &n));
	add("table=3,reg1=0x10/0xf0,actions=drop");
	assert_false(tables_reg_values(&tables, 1, v, 4, &n));
}

/* Against every prefix, one by one; also as prefixes come and go. */
static void test_trie(void **state)
{
	struct { uint8_t v[4]; unsigned int len; bool in; } p[400] = {};
	struct trie_found found;
	struct trie t = {};
	unsigned int i, k, b, round;
	uint8_t x[4];

	(void)state;
	srandom(11);
	for (i = 0; i < 400; i++) {
		p[i].len = 1 + random() % 32;
		for (b = 0; b < 4; b++)
			p[i].v[b] = random() % 4 ? 10 : random();
	}
	for (round = 0; round < 4000; round++) {
		i = random() % 400;
		if (p[i].in)
			trie_remove(&t, p[i].v, p[i].len);
		else
			assert_true(trie_insert(&t, p[i].v, p[i].len));
		p[i].in = !p[i].in;
		for (b = 0; b < 4; b++)
			x[b] = random() % 4 ? 10 : random();
		trie_lookup(&t, x, 32, &found);
		for (k = 0; k < 400; k++) {
			if (!p[k].in)
				continue;
			for (b = 0; b < p[k].len; b++)
				if ((x[b / 8] ^ p[k].v[b / 8]) & 0x80 >> b % 8)
					break;
			/* It is found if it matches, and ruled out in time if not. */
			if (b == p[k].len)
				assert_true(trie_has(&found, b));
			else
				assert_true(b < found.n_bits);
		}
	}
	for (i = 0; i < 400; i++)
		if (p[i].in)
			trie_remove(&t, p[i].v, p[i].len);
	assert_null(t.root);
}

/* While rules come and go, and with many of the same priority. */
static void test_churn(void **state)
{
	struct rule *rules[300] = {}, *got, *want;
	unsigned int i, k;

	(void)state;
	srandom(9);
	for (i = 0; i < 20000; i++) {
		k = random() % 300;
		if (rules[k]) {
			tables_remove(&tables, rules[k]);
			free(rules[k]);
			rules[k] = NULL;
		} else {
			rules[k] = add(random_rule(k));
		}
		if (!tables.n_rules)
			continue;
		struct flow f = random_packet(tables.first[0]);

		got = look(&f);
		want = tables_lookup_slowly(&tables, 0, &f);
		assert_ptr_equal(got, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_priorities), T(test_removal_widens), T(test_list_is_sorted), T(test_filters),
		T(test_prefixes), T(test_ports), T(test_stages), T(test_reg_values),
		T(test_trie), T(test_churn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
