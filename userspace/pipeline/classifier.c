// SPDX-License-Identifier: GPL-2.0-or-later
/* Tuple space search; see classifier.h. */
#include "classifier.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "hashset.h"
#include "trie.h"

enum { STAGE_META, STAGE_L2, STAGE_L3, STAGE_L4, N_STAGES };

/* Words of a flow, by stage; what only the daemon knows costs nothing to read. */
static const struct { uint16_t from, to, stage; } stages[] = {
	{ FLOW_DP_LEN, sizeof(struct flow), STAGE_META },
	{ 0, offsetof(struct flow, dl_dst), STAGE_META },
	{ offsetof(struct flow, dl_dst), offsetof(struct flow, nw_src), STAGE_L2 },
	{ offsetof(struct flow, nw_src), offsetof(struct flow, nd_target), STAGE_L3 },
	{ offsetof(struct flow, nd_target), FLOW_DP_LEN, STAGE_L4 },
};

#define TRIE(m, st) { offsetof(struct flow, m), 8 * sizeof(((struct flow *)0)->m), st }

static const struct { uint16_t ofs, bits, stage; } trie_fields[] = {
	TRIE(nw_src, STAGE_L3), TRIE(nw_dst, STAGE_L3),
	TRIE(ipv6_src, STAGE_L3), TRIE(ipv6_dst, STAGE_L3),
	TRIE(tp_src, STAGE_L4), TRIE(tp_dst, STAGE_L4),
};

#define N_TRIES (sizeof(trie_fields) / sizeof(trie_fields[0]))

/**
 * struct subtable - rules with one mask
 * @mask: which.
 * @word: the words of it that are not zero, in the order of the stages: where.
 * @bits: likewise: their value.
 * @end: of each stage: number of words up to its end.
 * @last: the last stage that has words of its own.
 * @index: of each stage before @last: hashes up to its end.
 * @prefix: of each trie: length of the prefix that the mask is there, or 0.
 * @rules: buckets of rules by their whole hash.
 * @n_buckets: how many, a power of two.
 * @n_matches: different matches, of rules that lookups find.
 * @n_rules: rules, hidden ones too.
 * @max_priority: no rule has a higher one.
 * @stale: it may be too high.
 */
struct subtable {
	struct flow mask;
	uint16_t word[FLOW_WORDS];
	uint64_t bits[FLOW_WORDS];
	unsigned int end[N_STAGES];
	unsigned int last;
	struct hashset index[N_STAGES];
	uint8_t prefix[N_TRIES];
	struct rule **rules;
	unsigned int n_buckets;
	unsigned int n_matches;
	unsigned int n_rules;
	uint16_t max_priority;
	bool stale;
};

/**
 * struct classifier - the rules of one table
 * @subs: subtables, of descending priority once sorted.
 * @n_subs: how many.
 * @room: for how many.
 * @tries: prefixes of the rules that have them.
 * @unsorted: rules have changed since.
 */
struct classifier {
	struct subtable **subs;
	unsigned int n_subs;
	unsigned int room;
	struct trie tries[N_TRIES];
	bool unsorted;
};

struct classifier *classifier_new(void)
{
	return calloc(1, sizeof(struct classifier));
}

unsigned int classifier_subtables(const struct classifier *c)
{
	return c->n_subs;
}

static uint64_t hash_stage(const struct subtable *s, const struct flow *flow,
			   unsigned int stage, uint64_t hash)
{
	const flow_word *f = (const flow_word *)flow;
	unsigned int i, from = stage ? s->end[stage - 1] : 0;
	uint64_t buf[FLOW_WORDS];

	if (from == s->end[stage])
		return hash;
	for (i = from; i < s->end[stage]; i++)
		buf[i - from] = f[s->word[i]] & s->bits[i];
	return XXH3_64bits_withSeed(buf, 8 * (i - from), hash);
}

/* Length of the prefix that a mask has at a trie's field; 0: it is none. */
static unsigned int prefix_of(const struct flow *mask, unsigned int trie)
{
	const uint8_t *m = (const uint8_t *)mask + trie_fields[trie].ofs;
	unsigned int n = 0, i, bits = trie_fields[trie].bits;

	while (n < bits && m[n / 8] & 0x80 >> n % 8)
		n++;
	for (i = n; i < bits; i++)
		if (m[i / 8] & 0x80 >> i % 8)
			return 0;
	return n;
}

static void sub_free(struct subtable *s)
{
	unsigned int i;

	for (i = 0; i < N_STAGES; i++)
		hashset_clear(&s->index[i]);
	free(s->rules);
	free(s);
}

static struct subtable *sub_new(const struct flow *mask)
{
	const flow_word *m = (const flow_word *)mask;
	struct subtable *s = calloc(1, sizeof(*s));
	unsigned int i, w, n = 0;

	if (!s)
		return NULL;
	s->mask = *mask;
	s->n_buckets = 4;
	s->rules = calloc(s->n_buckets, sizeof(*s->rules));
	if (!s->rules) {
		free(s);
		return NULL;
	}
	for (i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		for (w = stages[i].from / 8; w < stages[i].to / 8u; w++) {
			if (!m[w])
				continue;
			s->word[n] = w;
			s->bits[n++] = m[w];
			s->last = stages[i].stage;
		}
		for (w = stages[i].stage; w < N_STAGES; w++)
			s->end[w] = n;
	}
	for (i = 0; i < N_TRIES; i++)
		s->prefix[i] = prefix_of(mask, i);
	return s;
}

static struct subtable *sub_get(struct classifier *c, const struct flow *mask,
				bool create)
{
	struct subtable *s, **more;
	unsigned int i;

	for (i = 0; i < c->n_subs; i++)
		if (!memcmp(&c->subs[i]->mask, mask, sizeof(*mask)))
			return c->subs[i];
	if (!create)
		return NULL;
	if (c->n_subs == c->room) {
		more = realloc(c->subs, (2 * c->room + 8) * sizeof(*more));
		if (!more)
			return NULL;
		c->subs = more;
		c->room = 2 * c->room + 8;
	}
	s = sub_new(mask);
	if (s)
		c->subs[c->n_subs++] = s;
	return s;
}

static void sub_grow(struct subtable *s)
{
	struct rule **more = calloc(2 * s->n_buckets, sizeof(*more)), *r, *next;
	unsigned int i;

	if (!more)
		return;	/* slower, and right */
	for (i = 0; i < s->n_buckets; i++) {
		for (r = s->rules[i]; r; r = next) {
			next = r->hash_next;
			r->hash_next = more[r->hash & (2 * s->n_buckets - 1)];
			more[r->hash & (2 * s->n_buckets - 1)] = r;
		}
	}
	free(s->rules);
	s->rules = more;
	s->n_buckets *= 2;
}

/* Take a rule out of the first @n_index indexes and the first @n_trie tries. */
static void leave(struct classifier *c, struct subtable *s,
		  const struct rule *rule, unsigned int n_index, unsigned int n_trie)
{
	const uint8_t *v = (const uint8_t *)&rule->match;
	uint64_t hash = 0;
	unsigned int i;

	for (i = 0; i < n_index; i++) {
		hash = hash_stage(s, &rule->match, i, hash);
		hashset_del(&s->index[i], hash);
	}
	for (i = 0; i < n_trie; i++)
		if (s->prefix[i])
			trie_remove(&c->tries[i], v + trie_fields[i].ofs,
				    s->prefix[i]);
}

/* Enter a rule into indexes and tries.  Return: false without memory: into none. */
static bool enter(struct classifier *c, struct subtable *s,
		  const struct rule *rule)
{
	const uint8_t *v = (const uint8_t *)&rule->match;
	unsigned int i, k;
	uint64_t hash = 0;

	for (i = 0; i < s->last; i++) {
		hash = hash_stage(s, &rule->match, i, hash);
		if (!hashset_add(&s->index[i], hash)) {
			leave(c, s, rule, i, 0);
			return false;
		}
	}
	for (k = 0; k < N_TRIES; k++) {
		if (s->prefix[k] && !trie_insert(&c->tries[k], v + trie_fields[k].ofs,
						 s->prefix[k])) {
			leave(c, s, rule, i, k);
			return false;
		}
	}
	return true;
}

static struct rule **find_match(struct subtable *s, const struct rule *rule)
{
	struct rule **p = &s->rules[rule->hash & (s->n_buckets - 1)];

	while (*p && ((*p)->hash != rule->hash ||
		      memcmp(&(*p)->match, &rule->match, sizeof(rule->match))))
		p = &(*p)->hash_next;
	return p;
}

/* Of one match: by priority, those with a filter first. */
static bool goes_before(const struct rule *a, const struct rule *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return *a->filter && !*b->filter;
}

static void drop_if_empty(struct classifier *c, struct subtable *s)
{
	unsigned int i;

	if (s->n_rules)
		return;
	for (i = 0; c->subs[i] != s; i++)
		;
	c->subs[i] = c->subs[--c->n_subs];
	c->unsorted = true;
	sub_free(s);
}

static void set_hash(const struct subtable *s, struct rule *rule)
{
	unsigned int i;

	for (rule->hash = i = 0; i < N_STAGES; i++)
		rule->hash = hash_stage(s, &rule->match, i, rule->hash);
}

/**
 * classifier_find - find the rule of the same match, priority and filter
 * @c: the classifier.
 * @like: as which.
 *
 * Return: the rule, or NULL.
 */
struct rule *classifier_find(struct classifier *c, struct rule *like)
{
	struct subtable *s = sub_get(c, &like->mask, false);
	struct rule *r;

	if (!s)
		return NULL;
	set_hash(s, like);
	for (r = *find_match(s, like); r; r = r->chain)
		if (r->priority == like->priority &&
		    !strcmp(r->filter, like->filter))
			return r;
	return NULL;
}

/**
 * classifier_insert - add a rule; there is none of its match, priority and filter
 * @c: the classifier.
 * @rule: the rule.
 *
 * Return: false without memory; then nothing has changed.
 */
bool classifier_insert(struct classifier *c, struct rule *rule)
{
	struct subtable *s = sub_get(c, &rule->mask, true);

	if (!s)
		return false;
	if (!enter(c, s, rule)) {
		drop_if_empty(c, s);
		return false;
	}
	s->n_rules++;
	set_hash(s, rule);
	classifier_show(c, rule);
	return true;
}

/**
 * classifier_hide - let no lookup find a rule, so that it can be shown again
 * @c: the classifier.
 * @rule: the rule, which is in it.
 *
 * Until it is forgotten it may make a lookup read more bits than it has to.
 */
void classifier_hide(struct classifier *c, struct rule *rule)
{
	struct subtable *s = sub_get(c, &rule->mask, false);
	struct rule **p = find_match(s, rule), **q, *next = (*p)->hash_next;

	for (q = p; *q != rule; q = &(*q)->chain)
		;
	*q = rule->chain;
	if (p == q) {	/* it was the head of its chain */
		if (rule->chain) {
			rule->chain->hash_next = next;
		} else {
			*p = next;
			s->n_matches--;
		}
	}
	if (rule->priority == s->max_priority)
		s->stale = c->unsorted = true;
}

/**
 * classifier_show - let lookups find a hidden rule again; takes no memory
 * @c: the classifier.
 * @rule: the rule; there is none of its match, priority and filter.
 */
void classifier_show(struct classifier *c, struct rule *rule)
{
	struct subtable *s = sub_get(c, &rule->mask, false);
	struct rule **p = find_match(s, rule), **q, *next;

	if (!*p) {
		rule->hash_next = NULL;
		rule->chain = NULL;
		*p = rule;
		if (++s->n_matches > 2 * s->n_buckets)
			sub_grow(s);
	} else {
		next = (*p)->hash_next;
		/* Of the same priority there may be several filters. */
		for (q = p; *q && !goes_before(rule, *q); q = &(*q)->chain)
			;
		rule->chain = *q;
		*q = rule;
		(*p)->hash_next = next;	/* the head of the chain holds it */
	}
	if (rule->priority > s->max_priority) {
		s->max_priority = rule->priority;
		c->unsorted = true;
	}
	if (s->n_matches == 1)
		c->unsorted = true;
}

/**
 * classifier_forget - let go of a hidden rule
 * @c: the classifier.
 * @rule: the rule.
 */
void classifier_forget(struct classifier *c, struct rule *rule)
{
	struct subtable *s = sub_get(c, &rule->mask, false);

	leave(c, s, rule, s->last, N_TRIES);
	s->n_rules--;
	drop_if_empty(c, s);
}

static int by_priority(const void *a, const void *b)
{
	const struct subtable *x = *(struct subtable *const *)a;
	const struct subtable *y = *(struct subtable *const *)b;

	return (int)y->max_priority - (int)x->max_priority;
}

static void sort(struct classifier *c)
{
	struct subtable *s;
	unsigned int i, b;
	struct rule *r;

	for (i = 0; i < c->n_subs; i++) {
		s = c->subs[i];
		if (!s->stale)
			continue;
		s->stale = false;
		s->max_priority = 0;
		for (b = 0; b < s->n_buckets; b++)
			for (r = s->rules[b]; r; r = r->hash_next)
				if (r->priority > s->max_priority)
					s->max_priority = r->priority;
	}
	qsort(c->subs, c->n_subs, sizeof(*c->subs), by_priority);
	c->unsorted = false;
}

/**
 * struct search - one lookup
 * @flow: the packet.
 * @known: what filters have said.
 * @wc: gets the bits that were read.
 * @found: what each trie told, once it was asked.
 * @asked: which were.
 */
struct search {
	const struct flow *flow;
	const struct outcomes *known;
	struct flow *wc;
	struct trie_found found[N_TRIES];
	bool asked[N_TRIES];
};

static void record_words(struct search *q, const struct subtable *s,
			 unsigned int n)
{
	flow_word *w = (flow_word *)q->wc;
	unsigned int i;

	for (i = 0; i < n; i++)
		w[s->word[i]] |= s->bits[i];
}

static void record_prefix(struct search *q, unsigned int trie, unsigned int n)
{
	uint8_t *w = (uint8_t *)q->wc + trie_fields[trie].ofs;
	unsigned int i;

	for (i = 0; i < n; i++)
		w[i / 8] |= 0x80 >> i % 8;
}

/* Whether the tries of a stage leave it possible that a rule is found. */
static bool tries_allow(struct classifier *c, struct search *q,
			const struct subtable *s, unsigned int stage)
{
	const uint8_t *f = (const uint8_t *)q->flow;
	struct trie_found *found;
	unsigned int i, len;

	for (i = 0; i < N_TRIES; i++) {
		len = s->prefix[i];
		if (!len || trie_fields[i].stage != stage)
			continue;
		found = &q->found[i];
		if (!q->asked[i]) {
			trie_lookup(&c->tries[i], f + trie_fields[i].ofs,
				    trie_fields[i].bits, found);
			q->asked[i] = true;
		}
		if (trie_has(found, len))
			continue;
		record_prefix(q, i, len < found->n_bits ? len : found->n_bits);
		return false;
	}
	return true;
}

static bool is_no(const struct outcomes *known, const char *prog)
{
	unsigned int i;

	for (i = 0; known && i < known->n; i++)
		if (!strcmp(known->o[i].prog, prog))
			return !known->o[i].yes;
	return false;
}

static struct rule *sub_lookup(struct classifier *c, struct search *q,
			       const struct subtable *s)
{
	const flow_word *f = (const flow_word *)q->flow;
	unsigned int stage, i;
	struct rule *r;
	uint64_t hash = 0;

	for (stage = 0; stage <= s->last; stage++) {
		if (!tries_allow(c, q, s, stage))
			return NULL;
		hash = hash_stage(s, q->flow, stage, hash);
		if (stage < s->last && s->end[stage] &&
		    !hashset_has(&s->index[stage], hash)) {
			record_words(q, s, s->end[stage]);
			return NULL;
		}
	}
	record_words(q, s, s->end[s->last]);
	for (r = s->rules[hash & (s->n_buckets - 1)]; r; r = r->hash_next) {
		const flow_word *m = (const flow_word *)&r->match;

		if (r->hash != hash)
			continue;
		for (i = 0; i < s->end[s->last]; i++)
			if ((f[s->word[i]] & s->bits[i]) != m[s->word[i]])
				break;
		if (i == s->end[s->last])
			break;
	}
	while (r && *r->filter && is_no(q->known, r->filter))
		r = r->chain;
	return r;
}

/**
 * classifier_lookup - find the rule of the highest priority
 * @c: the classifier.
 * @flow: the packet.
 * @known: what filters have said; rules whose filter said no are passed over,
 *	those whose filter was not asked are not.
 * @wc: gets the bits that were read.
 *
 * Of rules of the same priority that match the same packet, any is found, and
 * always the same.
 *
 * Return: the rule, or NULL.
 */
struct rule *classifier_lookup(struct classifier *c, const struct flow *flow,
			       const struct outcomes *known, struct flow *wc)
{
	struct rule *best = NULL, *r;
	struct search q;
	unsigned int i;

	/* What tries have told is large, and of those alone that were asked. */
	q.flow = flow;
	q.known = known;
	q.wc = wc;
	memset(q.asked, 0, sizeof(q.asked));
	if (c->unsorted)
		sort(c);
	for (i = 0; i < c->n_subs; i++) {
		if (best && best->priority >= c->subs[i]->max_priority)
			break;
		r = sub_lookup(c, &q, c->subs[i]);
		if (r && (!best || r->priority > best->priority))
			best = r;
	}
	return best;
}

/**
 * classifier_reg_values - tell which values of a register matter
 * @c: the classifier.
 * @reg: number of the register.
 * @values: those that rules ask for, each once.
 * @room: for how many.
 * @n: how many there are; not reset before.
 *
 * Return: whether these are all, and nothing else is asked of the register.
 */
bool classifier_reg_values(const struct classifier *c, unsigned int reg,
			   uint32_t *values, unsigned int room, unsigned int *n)
{
	const struct rule *r;
	unsigned int i, b, k;
	bool all = true;

	for (i = 0; i < c->n_subs; i++) {
		const struct subtable *s = c->subs[i];

		if (!s->mask.reg[reg])
			continue;
		all &= s->mask.reg[reg] == UINT32_MAX;
		for (b = 0; all && b < s->n_buckets; b++) {
			for (r = s->rules[b]; r; r = r->hash_next) {
				for (k = 0; k < *n && values[k] != r->match.reg[reg]; k++)
					;
				if (k < *n)
					continue;
				if (*n == room)
					return false;
				values[(*n)++] = r->match.reg[reg];
			}
		}
	}
	return all;
}

void classifier_free(struct classifier *c)
{
	unsigned int i;

	if (!c)
		return;
	for (i = 0; i < c->n_subs; i++)
		sub_free(c->subs[i]);
	for (i = 0; i < N_TRIES; i++)
		trie_clear(&c->tries[i]);
	free(c->subs);
	free(c);
}
