// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lists of actions as pieces of memory: what they set fields to, which may be long,
 * stands behind them.
 */
#include "rule.h"

#include <string.h>

/**
 * acts_size - how long a list of actions is as one piece of memory
 * @acts: the list.
 * @n: its length.
 *
 * Return: bytes, a multiple of 8.
 */
size_t acts_size(const struct act *acts, unsigned int n)
{
	size_t size = n * sizeof(*acts);
	unsigned int i;

	for (i = 0; i < n; i++)
		if (acts[i].type == ACT_SET)
			size += 2 * act_bytes(&acts[i]);
	return (size + 7) & ~7ul;
}

/**
 * acts_copy - make one piece of memory of a list of actions
 * @to: room for acts_size().
 * @acts: the list.
 * @n: its length.
 *
 * The copies of equal lists have equal bytes.
 *
 * Return: the copy.
 */
struct act *acts_copy(void *to, const struct act *acts, unsigned int n)
{
	uint8_t *v = (uint8_t *)to + n * sizeof(*acts);
	struct act *copy = to;
	unsigned int i;

	memcpy(copy, acts, n * sizeof(*acts));
	for (i = 0; i < n; i++) {
		if (acts[i].type != ACT_SET)
			continue;
		memcpy(v, act_value(&acts[i]), 2 * act_bytes(&acts[i]));
		copy[i].v = v - (uint8_t *)&copy[i];
		v += 2 * act_bytes(&acts[i]);
	}
	memset(v, 0, -(size_t)(v - (uint8_t *)to) & 7);
	return copy;
}

/**
 * acts_equal - whether two lists of actions are the same
 * @a: one; a copy, as those of rules and buckets are.
 * @n_a: its length.
 * @b: the other; likewise.
 * @n_b: its length.
 */
bool acts_equal(const struct act *a, unsigned int n_a, const struct act *b,
		unsigned int n_b)
{
	size_t size;

	if (n_a != n_b)
		return false;
	size = acts_size(a, n_a);
	return size == acts_size(b, n_b) && !memcmp(a, b, size);
}
