/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set of prefixes.  A lookup tells which lengths of prefix a value may match,
 * and how few of its bits tell that.
 */
#ifndef TRIE_H
#define TRIE_H 1

#include <stdbool.h>
#include <stdint.h>

struct trie_node;

/**
 * struct trie - prefixes of numbers of up to 128 bits
 * @root: NULL if there are none.
 */
struct trie {
	struct trie_node *root;
};

/**
 * struct trie_found - what a lookup told
 * @n_bits: bits of the value that were read; no longer prefix needs more.
 * @lens: bit N % 64 of word N / 64: the value begins with a prefix of length N.
 */
struct trie_found {
	unsigned int n_bits;
	uint64_t lens[3];
};

bool trie_insert(struct trie *t, const uint8_t *value, unsigned int len);
void trie_remove(struct trie *t, const uint8_t *value, unsigned int len);
void trie_lookup(const struct trie *t, const uint8_t *value, unsigned int bits,
		 struct trie_found *found);
void trie_clear(struct trie *t);

static inline bool trie_has(const struct trie_found *f, unsigned int len)
{
	return f->lens[len / 64] >> len % 64 & 1;
}

#endif
