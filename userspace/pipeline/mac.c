// SPDX-License-Identifier: GPL-2.0-or-later
/* The learning switch's memory; see mac.h. */
#include "mac.h"

#include <stdlib.h>

static void forget(struct mac_table *t, struct mac_entry *e)
{
	HASH_DEL(t->entries, e);
	free(e);
	t->changes++;
}

/**
 * mac_learn - note where an address was seen
 * @t: the table; if it is full, what was seen longest ago is forgotten.
 * @key: the address; one of a group is not noted.
 * @port: where.
 * @now: time in ms.
 *
 * Return: whether this is news.
 */
bool mac_learn(struct mac_table *t, const struct mac_key *key, uint32_t port,
	       uint64_t now)
{
	struct mac_entry *e;
	bool news;

	if (key->mac[0] & 1)
		return false;
	HASH_FIND(hh, t->entries, key, sizeof(*key), e);
	news = !e || e->port != port;
	if (e) {
		HASH_DEL(t->entries, e);	/* to the end of the list */
	} else {
		if (HASH_COUNT(t->entries) >= (t->max ? t->max : MAC_MAX))
			forget(t, t->entries);
		e = calloc(1, sizeof(*e));
		if (!e)
			return false;
		e->key = *key;
	}
	e->port = port;
	e->seen = now;
	HASH_ADD(hh, t->entries, key, sizeof(e->key), e);
	t->changes += news;
	return news;
}

const struct mac_entry *mac_find(const struct mac_table *t,
				 const struct mac_key *key)
{
	struct mac_entry *e;

	HASH_FIND(hh, t->entries, key, sizeof(*key), e);
	return e;
}

/* Forget what was not seen for MAC_AGE_MS. */
void mac_expire(struct mac_table *t, uint64_t now)
{
	while (t->entries && t->entries->seen + MAC_AGE_MS <= now)
		forget(t, t->entries);
}

void mac_forget_port(struct mac_table *t, uint32_t port)
{
	struct mac_entry *e, *next;

	HASH_ITER(hh, t->entries, e, next)
		if (e->port == port)
			forget(t, e);
}

void mac_clear(struct mac_table *t)
{
	while (t->entries)
		forget(t, t->entries);
}
