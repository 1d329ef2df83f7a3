// SPDX-License-Identifier: GPL-2.0-or-later
/* Prefix tries without nodes of one child; see trie.h. */
#include "trie.h"

#include <stdlib.h>
#include <string.h>

/**
 * struct trie_node - a prefix, of the set or where two of the set part
 * @child: longer ones, by the bit behind this one.
 * @key: its bits, the first at the top.
 * @len: how many.
 * @n: times that it is in the set.
 */
struct trie_node {
	struct trie_node *child[2];
	uint8_t key[16];
	uint8_t len;
	uint32_t n;
};

static unsigned int bit_at(const uint8_t *key, unsigned int i)
{
	return key[i / 8] >> (7 - i % 8) & 1;
}

/* How many bits two keys have in common, from one bit on and up to another. */
static unsigned int common(const uint8_t *a, const uint8_t *b, unsigned int from,
			   unsigned int to)
{
	while (from < to) {
		if (!(from % 8) && to - from >= 8 && a[from / 8] == b[from / 8])
			from += 8;
		else if (bit_at(a, from) == bit_at(b, from))
			from++;
		else
			break;
	}
	return from;
}

static struct trie_node *node_new(const uint8_t *value, unsigned int len)
{
	struct trie_node *n = calloc(1, sizeof(*n));
	unsigned int i;

	if (!n)
		return NULL;
	for (i = 0; i < len; i++)
		n->key[i / 8] |= bit_at(value, i) << (7 - i % 8);
	n->len = len;
	return n;
}

/**
 * trie_insert - add a prefix
 * @t: the trie.
 * @value: its bits.
 * @len: how many.
 *
 * Return: false without memory.
 */
bool trie_insert(struct trie *t, const uint8_t *value, unsigned int len)
{
	struct trie_node **p = &t->root, *n, *fork, *leaf;
	unsigned int same = 0;

	while ((n = *p)) {
		same = common(n->key, value, same, n->len < len ? n->len : len);
		if (same < n->len)
			break;
		if (n->len == len) {
			n->n++;
			return true;
		}
		p = &n->child[bit_at(value, n->len)];
	}
	leaf = node_new(value, len);
	if (!leaf)
		return false;
	leaf->n = 1;
	if (!n) {
		*p = leaf;
	} else if (same == len) {
		leaf->child[bit_at(n->key, len)] = n;
		*p = leaf;
	} else {
		fork = node_new(value, same);
		if (!fork) {
			free(leaf);
			return false;
		}
		fork->child[bit_at(value, same)] = leaf;
		fork->child[bit_at(n->key, same)] = n;
		*p = fork;
	}
	return true;
}

/* Take a node out that is in the set no more, if nothing parts there. */
static void prune(struct trie_node **p)
{
	struct trie_node *n = *p;

	if (!n || n->n || (n->child[0] && n->child[1]))
		return;
	*p = n->child[0] ? n->child[0] : n->child[1];
	free(n);
}

/**
 * trie_remove - take a prefix out, once
 * @t: the trie.
 * @value: its bits.
 * @len: how many.
 */
void trie_remove(struct trie *t, const uint8_t *value, unsigned int len)
{
	struct trie_node **p = &t->root, **up = NULL, *n;

	while ((n = *p) && n->len < len) {
		up = p;
		p = &n->child[bit_at(value, n->len)];
	}
	if (!n || n->len != len || !n->n ||
	    common(n->key, value, 0, len) < len)
		return;
	n->n--;
	prune(p);
	if (up)
		prune(up);
}

/**
 * trie_lookup - find the prefixes of a value
 * @t: the trie.
 * @value: the value.
 * @bits: how many it has.
 * @found: filled in.
 */
void trie_lookup(const struct trie *t, const uint8_t *value, unsigned int bits,
		 struct trie_found *found)
{
	const struct trie_node *n = t->root;
	unsigned int same = 0;

	memset(found, 0, sizeof(*found));
	for (; n; n = n->child[bit_at(value, n->len)]) {
		same = common(n->key, value, same, n->len);
		if (same < n->len) {
			found->n_bits = same + 1;
			return;
		}
		found->n_bits = n->len;
		if (n->n)
			found->lens[n->len / 64] |= 1ull << n->len % 64;
		if (n->len == bits || (!n->child[0] && !n->child[1]))
			return;
		/* Which way, or that there is none, is told by the next bit. */
		found->n_bits = n->len + 1;
	}
}

static void node_free(struct trie_node *n)
{
	if (!n)
		return;
	node_free(n->child[0]);
	node_free(n->child[1]);
	free(n);
}

void trie_clear(struct trie *t)
{
	node_free(t->root);
	t->root = NULL;
}
