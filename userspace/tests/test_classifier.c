// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The classifier: finds what a plain list would, and reads few bits.  The large test
 * takes PACKETS=N and RULES=N from the environment.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#define HASH_FUNCTION(key, len, hash) hash = XXH3_64bits(key, len)
#include <uthash.h>
#include <cmocka.h>

#include "../pipeline/classifier.h"
#include "../pipeline/trie.h"

static struct tables tables;

/* Allocations that are still to work, unless negative; the linker puts these in place. */
static long memory = -1;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);

static bool has_memory(void)
{
	return memory < 0 || (memory && memory--);
}

void *__wrap_malloc(size_t n)
{
	return has_memory() ? __real_malloc(n) : NULL;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return has_memory() ? __real_calloc(n, size) : NULL;
}

void *__wrap_realloc(void *p, size_t n)
{
	return has_memory() ? __real_realloc(p, n) : NULL;
}

static struct rule *add(const char *text)
{
	char err[256] = "";
	struct rule *rule = rule_parse(text, true, err, sizeof(err));
	struct rule *old;

	assert_string_equal(err, "");
	assert_int_equal(tables_insert(&tables, rule, &old), 0);
	if (old)
		tables_forget(&tables, old);
	free(old);
	return rule;
}

static int reset(void **state)
{
	struct rule all = {}, *rule;

	(void)state;
	while ((rule = tables_within(&tables, &all, true))) {
		tables_remove(&tables, rule);
		free(rule);
	}
	assert_int_equal(tables.n_rules, 0);
	return 0;
}

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

static struct flow wc;

static struct rule *look(const struct flow *f)
{
	memset(&wc, 0, sizeof(wc));
	return tables_lookup(&tables, 0, f, NULL, &wc);
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

/* A rule for the plain list: its words that matter. */
struct plain {
	struct rule *rule;
	unsigned int n;
	uint16_t word[8];
	uint64_t mask[8], value[8];
};

/*
 * The first of them, by which most rules are passed over, close together: a packet
 * is compared with some thousand rules.
 */
struct glance {
	uint64_t mask, value;
	uint32_t word;
	uint32_t plain;
};

/* Rules that ask for this Ethernet type, or for none, in their order. */
struct list {
	uint16_t type;
	unsigned int n;
	struct glance *of;
};

struct mega_mask {
	struct flow mask;
	uint64_t seed;
	UT_hash_handle hh;
};

struct mega {
	uint64_t hash;
	struct mega_mask *of;
	struct flow key;
	struct rule *rule;
};

static struct mega_mask *masks;
static struct mega_mask *order[65536];	/* those that hit more often first */
/* All megaflows, by hash; and a bit for each, as most of what is asked is not there. */
#define MEGAS (1 << 20)
#define BITS (1 << 22)
static struct mega *megas[MEGAS];
static unsigned int n_megas;
static uint64_t maybe[BITS / 64];
static struct plain *plain;
static unsigned int n_plain;
static struct list lists[4];
static struct list others;	/* of types that no rule asks for */

static int by_priority(const void *a, const void *b)
{
	return ((const struct plain *)b)->rule->priority -
	       ((const struct plain *)a)->rule->priority;
}

static void make_list(struct list *l, uint16_t type)
{
	unsigned int i;

	l->type = type;
	l->n = 0;
	l->of = calloc(n_plain, sizeof(*l->of));
	for (i = 0; i < n_plain; i++) {
		const struct plain *p = &plain[i];

		if (p->rule->mask.dl_type && p->rule->match.dl_type != type)
			continue;
		assert_true(p->n > 0);
		l->of[l->n++] = (struct glance){ p->mask[0], p->value[0],
						 p->word[0], i };
	}
}

static void make_plain(void)
{
	static const uint16_t types[] = { 0x0800, 0x86dd, 0x0806, 0x8035 };
	struct rule *r;
	unsigned int w;

	plain = calloc(tables.n_rules, sizeof(*plain));
	n_plain = 0;
	for (r = tables.first[0]; r; r = r->next) {
		struct plain *p = &plain[n_plain++];

		p->rule = r;
		/* The addresses first: they differ most. */
		for (w = FLOW_WORDS; w-- > 0;) {
			if (!((flow_word *)&r->mask)[w])
				continue;
			assert_true(p->n < 8);
			p->word[p->n] = w;
			p->mask[p->n] = ((flow_word *)&r->mask)[w];
			p->value[p->n++] = ((flow_word *)&r->match)[w];
		}
	}
	qsort(plain, n_plain, sizeof(*plain), by_priority);
	for (w = 0; w < 4; w++)
		make_list(&lists[w], htons(types[w]));
	make_list(&others, 0);
}

static void free_plain(void)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		free(lists[i].of);
	free(others.of);
	free(plain);
}

static struct rule *look_plainly(const struct flow *f)
{
	const flow_word *w = (const flow_word *)f;
	const struct list *l = &others;
	unsigned int i, k;

	for (i = 0; i < 4; i++)
		if (lists[i].type == f->dl_type)
			l = &lists[i];
	for (i = 0; i < l->n; i++) {
		const struct glance *g = &l->of[i];
		const struct plain *p = &plain[g->plain];

		if ((w[g->word] & g->mask) != g->value)
			continue;
		for (k = 1; k < p->n; k++)
			if ((w[p->word[k]] & p->mask[k]) != p->value[k])
				break;
		if (k == p->n)
			return p->rule;
	}
	return NULL;
}

static void and_masks(struct flow *to, const struct flow *f, const struct flow *m)
{
	unsigned int i;

	for (i = 0; i < FLOW_WORDS; i++)
		((flow_word *)to)[i] = ((const flow_word *)f)[i] & ((const flow_word *)m)[i];
}

static uint64_t masked_hash(const struct flow *f, const struct mega_mask *m,
			    struct flow *key)
{
	and_masks(key, f, &m->mask);
	return XXH3_64bits_withSeed(key, sizeof(*key), m->seed);
}

/* As the datapath would; each mask is tried. */
static struct mega *cache_find(const struct flow *f)
{
	unsigned int i, at, n = HASH_COUNT(masks);
	struct mega_mask *m;
	struct flow key;
	uint64_t hash;

	for (i = 0; i < n; i++) {
		m = order[i];
		hash = masked_hash(f, m, &key);
		if (!(maybe[hash % BITS / 64] >> hash % 64 & 1))
			continue;
		for (at = hash % MEGAS; megas[at]; at = (at + 1) % MEGAS)
			if (megas[at]->hash == hash && megas[at]->of == m &&
			    !memcmp(&megas[at]->key, &key, sizeof(key)))
				break;
		if (!megas[at])
			continue;
		if (i) {
			order[i] = order[i / 2];
			order[i / 2] = m;
		}
		return megas[at];
	}
	return NULL;
}

static void cache_add(const struct flow *f, const struct flow *mask,
		      struct rule *rule)
{
	struct mega *mega = calloc(1, sizeof(*mega));
	struct mega_mask *m;
	unsigned int at;

	HASH_FIND(hh, masks, mask, sizeof(*mask), m);
	if (!m) {
		m = calloc(1, sizeof(*m));
		m->mask = *mask;
		m->seed = HASH_COUNT(masks);
		assert_true(HASH_COUNT(masks) < 65536);
		order[HASH_COUNT(masks)] = m;
		HASH_ADD(hh, masks, mask, sizeof(m->mask), m);
	}
	mega->of = m;
	mega->rule = rule;
	mega->hash = masked_hash(f, m, &mega->key);
	maybe[mega->hash % BITS / 64] |= 1ull << mega->hash % 64;
	for (at = mega->hash % MEGAS; megas[at]; at = (at + 1) % MEGAS)
		;
	megas[at] = mega;
	assert_true(++n_megas < MEGAS / 2);
}

static unsigned int cache_clear(unsigned int *n_masks)
{
	struct mega_mask *m, *next;
	unsigned int i, n = n_megas;

	*n_masks = HASH_COUNT(masks);
	for (i = 0; i < MEGAS; i++) {
		free(megas[i]);
		megas[i] = NULL;
	}
	HASH_ITER(hh, masks, m, next) {
		HASH_DEL(masks, m);
		free(m);
	}
	n_megas = 0;
	memset(maybe, 0, sizeof(maybe));
	return n;
}

static const char *random_rule(unsigned int priority)
{
	static const char *const shapes[] = {
		"ip,nw_dst=10.%1$u.%2$u.0/24", "ip,nw_src=10.%1$u.0.0/16,nw_dst=10.%3$u.0.0/16",
		"tcp,nw_dst=10.%1$u.%2$u.%3$u,tp_dst=%4$u", "udp,nw_dst=10.%1$u.0.0/16,tp_dst=%4$u",
		"tcp,tp_dst=0x%4$x/0xfff0", "in_port=%5$u,tcp,nw_src=10.%1$u.%2$u.%3$u,tp_src=%4$u",
		"in_port=%5$u,dl_dst=02:00:00:00:%1$02x:%2$02x", "tcp,tcp_flags=+syn-ack,nw_dst=10.%1$u.0.0/20",
		"ip,nw_src=10.%1$u.%2$u.%3$u", "ipv6,ipv6_dst=fd00:%1$u::/32",
		"tcp6,ipv6_src=fd00:%1$u:%2$u::/48,tp_dst=%4$u", "arp,arp_tpa=10.%1$u.%2$u.%3$u",
		"dl_vlan=%1$u,ip,nw_tos=32", "udp,nw_src=10.0.%2$u.%3$u/255.0.255.255",
		"metadata=%1$u,tcp,nw_dst=10.%1$u.%2$u.0/28",
	};
	static char text[256];
	int n = snprintf(text, sizeof(text), "priority=%u,", priority);
	unsigned int r = random() % (sizeof(shapes) / sizeof(shapes[0]));

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat"
	n += snprintf(text + n, sizeof(text) - n, shapes[r], (unsigned int)random() % 40,
		      (unsigned int)random() % 16 * 16, (unsigned int)random() % 256,
		      (unsigned int)random() % 2000, (unsigned int)random() % 4);
#pragma GCC diagnostic pop
	snprintf(text + n, sizeof(text) - n, ",actions=drop");
	return text;
}

/* Like one that a rule is for, with some bits of it changed. */
static struct flow random_packet(void)
{
	const struct rule *r = plain[random() % n_plain].rule;
	struct flow f = r->match;
	unsigned int i, n = random() % 4;

	f.in_port = htonl(random() % 4);
	f.dl_src[5] = random();
	if (!f.dl_type)
		f.dl_type = htons(0x0800);
	if (!f.nw_proto)
		f.nw_proto = random() % 2 ? 6 : 17;
	if (f.dl_type == htons(0x0800) && !f.nw_src)
		f.nw_src = htonl(0x0a000000 | random() % 40 << 16 | random() % 65536);
	if (f.dl_type == htons(0x0800) && !f.nw_dst)
		f.nw_dst = htonl(0x0a000000 | random() % 40 << 16 | random() % 65536);
	for (i = 0; i < n; i++) {
		switch (random() % 6) {
		case 0:
			f.nw_src ^= htonl(1u << random() % 24);
			break;
		case 1:
			f.nw_dst ^= htonl(1u << random() % 24);
			break;
		case 2:
			f.tp_dst ^= htons(1u << random() % 11);
			break;
		case 3:
			f.tp_src = htons(random() % 2000);
			break;
		case 4:
			f.ipv6_dst[random() % 16] ^= 1 << random() % 8;
			break;
		case 5:
			f.tcp_flags = htons(random() % 64);
			break;
		}
	}
	f.nw_ttl = random();
	return f;
}

static unsigned long from_env(const char *name, unsigned long otherwise)
{
	const char *s = getenv(name);

	return s ? strtoul(s, NULL, 10) : otherwise;
}

#define POOL 20000

/**
 * struct tally - what came of a comparison
 * @packets: how many were compared.
 * @hits: found in the cache.
 * @found: had a rule.
 * @megas: megaflows.
 * @masks: of them.
 */
struct tally {
	unsigned long packets, hits, found;
	unsigned int megas, masks;
};

/* A packet's rule is that of the list, whether the cache has it or not. */
static void compare_packet(const struct flow *f, struct tally *t)
{
	struct rule *want = look_plainly(f), *got;
	struct mega *hit = cache_find(f);

	t->packets++;
	t->found += want != NULL;
	if (hit) {
		assert_ptr_equal(hit->rule, want);
		t->hits++;
		return;
	}
	got = look(f);
	assert_ptr_equal(got, want);
	/* Some bits are always in a megaflow. */
	wc.in_port = UINT32_MAX;
	wc.dl_type = 0xffff;
	cache_add(f, &wc, got);
}

static void compare(unsigned long rules, unsigned long packets,
		    unsigned int pool_size, struct tally *t)
{
	static struct flow pool[POOL];
	unsigned long i;

	for (i = 0; i < rules; i++)
		add(random_rule(i % 65536));
	make_plain();
	for (i = 0; i < pool_size; i++)
		pool[i] = random_packet();
	for (i = 0; i < packets; i++) {
		/* Most are of some connection, with what rules don't read. */
		struct flow f = i % 10 ? pool[random() % pool_size] : random_packet();

		f.nw_ttl = random();
		f.skb_priority = random();
		memcpy(f.dl_src, &f.skb_priority, 4);
		compare_packet(&f, t);
	}
	t->megas += cache_clear(&t->masks);
	free_plain();
}

static void test_against_list(void **state)
{
	unsigned long packets = from_env("PACKETS", 1000000);
	struct tally t = {};
	struct timespec a, b;

	(void)state;
	srandom(from_env("SEED", 5));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	compare(from_env("RULES", 10000), packets, POOL, &t);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	print_message("# %lu packets over %u rules in %u subtables: %u megaflows in %u masks, %lu hits, %lu found a rule, %.1f s of processor\n",
		      packets, tables.n_rules, classifier_subtables(tables.cls[0]),
		      t.megas, t.masks, t.hits, t.found,
		      b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9);
	assert_int_equal(t.megas + t.hits, packets);
	assert_true(t.found > packets / 2);
	assert_true(t.hits > packets / 10);
}

/*
 * Where few rules are, nearly every bit that one of them reads counts: among many,
 * another one would have read it too.
 */
static void test_small_tables(void **state)
{
	struct tally t = {};
	unsigned int round;

	(void)state;
	srandom(from_env("SEED", 6));
	for (round = 0; round < 500; round++) {
		reset(NULL);
		compare(2 + round % 20, 1000, 200, &t);
	}
	print_message("# small tables: %lu packets, %u megaflows, %lu hits, %lu found a rule\n",
		      t.packets, t.megas, t.hits, t.found);
	assert_true(t.found > t.packets / 2 && t.hits > t.packets / 10);
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
		n_plain = 1;
		plain = &(struct plain){ .rule = tables.first[0] };
		struct flow f = random_packet();

		got = look(&f);
		want = tables_lookup_slowly(&tables, 0, &f);
		assert_ptr_equal(got, want);
	}
}

#define N_LOOKS 30
#define N_STEPS 260

/**
 * struct looks - what lookups find and read
 */
static struct looks {
	struct flow f[N_LOOKS], wc[N_LOOKS];
	struct rule *rule[N_LOOKS];
	unsigned int n_rules;
} looks;

/* Of random packets, and of what a rule matches. */
static void looks_note(const struct rule *rule)
{
	unsigned int i;

	for (i = 0; i < N_LOOKS; i++) {
		looks.f[i] = rule && !i ? rule->match : random_packet();
		looks.rule[i] = look(&looks.f[i]);
		looks.wc[i] = wc;
	}
	looks.n_rules = tables.n_rules;
}

static void looks_are_the_same(void)
{
	unsigned int i;

	for (i = 0; i < N_LOOKS; i++) {
		assert_ptr_equal(look(&looks.f[i]), looks.rule[i]);
		assert_memory_equal(&wc, &looks.wc[i], sizeof(wc));
		assert_ptr_equal(tables_lookup_slowly(&tables, 0, &looks.f[i]),
				 looks.rule[i]);
	}
	assert_int_equal(tables.n_rules, looks.n_rules);
}

/* All of one mask, so that all of its indexes must grow at once. */
static const char *growing_rule(unsigned int i)
{
	static char text[128];

	snprintf(text, sizeof(text),
		 "priority=%u,metadata=%u,dl_vlan=%u,ip,nw_dst=10.1.%u.%u,actions=drop",
		 i, i, i, i / 200, i % 200);
	return text;
}

/* Without memory a rule is refused, wherever that is, and nothing has changed. */
static void test_no_memory(void **state)
{
	unsigned int i, refused = 0;
	struct rule *rule, *old;
	char err[256];
	long n;

	(void)state;
	for (i = 0; i < 1000; i++) {
		/* Each comes twice, the second in place of the first. */
		srandom(i / 2);
		rule = rule_parse(i / 2 % 2 ? growing_rule(i / 2) : random_rule(i / 2),
				  true, err, sizeof(err));
		assert_non_null(rule);
		if (tables.n_rules) {
			n_plain = 1;
			plain = &(struct plain){ .rule = tables.first[0] };
			looks_note(rule);
		}
		for (n = 0; ; n++) {
			int ret;

			memory = n;
			ret = tables_insert(&tables, rule, &old);
			memory = -1;
			if (!ret)
				break;
			refused++;
			if (looks.n_rules)
				looks_are_the_same();
			else
				assert_null(tables.cls[0]);
		}
		if (old)
			tables_forget(&tables, old);
		free(old);
	}
	assert_true(refused > 1000);
}

/* What is done to rules can be undone without any memory. */
static void test_undone(void **state)
{
	struct { struct rule *in, *out; } done[N_STEPS];
	unsigned int round, i, n;
	char err[256];

	(void)state;
	srandom(22);
	for (i = 0; i < 200; i++)
		add(random_rule(i));
	for (round = 0; round < 100; round++) {
		n_plain = 1;
		plain = &(struct plain){ .rule = tables.first[0] };
		looks_note(NULL);
		for (n = 0; n < N_STEPS; n++) {
			struct flow f = random_packet();
			struct rule *r;

			/* In a part of the rounds all that are there go first. */
			if (round % 2 && n < 200) {
				done[n].in = NULL;
				done[n].out = tables.first[0];
				tables_hide(&tables, done[n].out);
				continue;
			}
			r = rule_parse(random_rule(random() % 400), true, err,
				       sizeof(err));
			done[n].in = r;
			assert_int_equal(tables_insert(&tables, r, &done[n].out), 0);
			assert_ptr_equal(look(&f), tables_lookup_slowly(&tables, 0, &f));
		}
		memory = 0;
		while (n--) {
			if (done[n].in)
				tables_remove(&tables, done[n].in);
			free(done[n].in);
			if (done[n].out)
				tables_show(&tables, done[n].out);
		}
		memory = -1;
		looks_are_the_same();
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, reset, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_priorities), T(test_removal_widens), T(test_list_is_sorted), T(test_filters),
		T(test_prefixes), T(test_ports), T(test_stages), T(test_reg_values),
		T(test_trie), T(test_against_list), T(test_small_tables),
		T(test_churn), T(test_no_memory), T(test_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
