// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The classifier finds what a plain list would, also by megaflows of what it has read.
 * The large test takes PACKETS=N, RULES=N and SEED=N from the environment.
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

#include "rulebed.h"

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

static const struct rule *any_rule(void)
{
	return plain[random() % n_plain].rule;
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
		pool[i] = random_packet(any_rule());
	for (i = 0; i < packets; i++) {
		/* Most are of some connection, with what rules don't read. */
		struct flow f = i % 10 ? pool[random() % pool_size] :
					 random_packet(any_rule());

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_against_list), T(test_small_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
