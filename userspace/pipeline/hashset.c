// SPDX-License-Identifier: GPL-2.0-or-later
#include "hashset.h"

#include <stdlib.h>

static struct hashset_slot *slot_of(const struct hashset *h, uint64_t hash)
{
	size_t i = hash & (h->size - 1);

	while (h->slots[i].taken && h->slots[i].hash != hash)
		i = (i + 1) & (h->size - 1);
	return &h->slots[i];
}

/* Make room, and let go of slots that count nothing any more. */
static bool grow(struct hashset *h)
{
	struct hashset more = {};
	size_t i, live = 0;

	for (i = 0; i < h->size; i++)
		live += h->slots[i].n != 0;
	for (more.size = 8; more.size < 3 * (live + 1); more.size *= 2)
		;
	more.slots = calloc(more.size, sizeof(*more.slots));
	if (!more.slots)
		return false;
	for (i = 0; i < h->size; i++)
		if (h->slots[i].n)
			*slot_of(&more, h->slots[i].hash) = h->slots[i];
	more.taken = live;
	free(h->slots);
	*h = more;
	return true;
}

/* Count a hash.  Return: false without memory. */
bool hashset_add(struct hashset *h, uint64_t hash)
{
	struct hashset_slot *s;

	if (3 * (h->taken + 1) > 2 * h->size && !grow(h))
		return false;
	s = slot_of(h, hash);
	h->taken += !s->taken;
	s->taken = true;
	s->hash = hash;
	s->n++;
	return true;
}

/* Count it once less; it may be that it is not there. */
void hashset_del(struct hashset *h, uint64_t hash)
{
	struct hashset_slot *s = h->size ? slot_of(h, hash) : NULL;

	if (s && s->n)
		s->n--;
}

bool hashset_has(const struct hashset *h, uint64_t hash)
{
	return h->size && slot_of(h, hash)->n;
}

void hashset_clear(struct hashset *h)
{
	free(h->slots);
	*h = (struct hashset){};
}
