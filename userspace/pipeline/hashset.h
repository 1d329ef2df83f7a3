/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hashes, each with the number of times that it is there. */
#ifndef HASHSET_H
#define HASHSET_H 1

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hashset_slot {
	uint64_t hash;
	uint32_t n;
	bool taken;
};

/**
 * struct hashset - open addressing; slots stay taken until it grows
 * @slots: the slots.
 * @size: how many, a power of two, or 0.
 * @taken: how many are.
 */
struct hashset {
	struct hashset_slot *slots;
	size_t size;
	size_t taken;
};

bool hashset_add(struct hashset *h, uint64_t hash);
void hashset_del(struct hashset *h, uint64_t hash);
bool hashset_has(const struct hashset *h, uint64_t hash);
void hashset_clear(struct hashset *h);

#endif
