// SPDX-License-Identifier: GPL-2.0-or-later
/* The learning switch's memory; see mac.h. */
#include "mac.h"

#include <stdlib.h>

#include <utlist.h>

static struct mac_port *port_find(const struct mac_table *t, uint32_t port)
{
	struct mac_port *p;

	HASH_FIND(hh, t->ports, &port, sizeof(port), p);
	return p;
}

/* Return: the port, which may have no address yet; NULL without memory. */
static struct mac_port *port_get(struct mac_table *t, uint32_t port)
{
	struct mac_port *p = port_find(t, port);

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->port = port;
	HASH_ADD(hh, t->ports, port, sizeof(p->port), p);
	if (HASH_HAS(p->hh))
		return p;
	free(p);
	return NULL;
}

static void port_put(struct mac_table *t, struct mac_port *p)
{
	if (p->n)
		return;
	HASH_DEL(t->ports, p);
	free(p);
}

/* Take an address out of all lists. */
static void take_out(struct mac_table *t, struct mac_entry *e)
{
	struct mac_port *p = port_find(t, e->port);

	HASH_DEL(t->entries, e);
	DL_DELETE(p->first, e);
	p->n--;
	port_put(t, p);
}

static void forget(struct mac_table *t, struct mac_entry *e)
{
	take_out(t, e);
	free(e);
	t->changes++;
}

/* Of the port that has the most, rather of @mine, the one seen longest ago goes. */
static void make_room(struct mac_table *t, uint32_t mine)
{
	struct mac_port *p, *most = port_find(t, mine);

	for (p = t->ports; p; p = p->hh.next)
		if (!most || p->n > most->n)
			most = p;
	forget(t, most->first);
}

/**
 * mac_learn - note where an address was seen
 * @t: the table; if it is full, the port with the most addresses gives one up.
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
	struct mac_port *p;
	bool news;

	if (key->mac[0] & 1)
		return false;
	HASH_FIND(hh, t->entries, key, sizeof(*key), e);
	news = !e || e->port != port;
	if (e) {
		take_out(t, e);		/* to the end of the lists */
	} else {
		if (HASH_COUNT(t->entries) >= (t->max ? t->max : MAC_MAX))
			make_room(t, port);
		e = calloc(1, sizeof(*e));
		if (!e)
			return false;
		e->key = *key;
	}
	p = port_get(t, port);
	if (!p) {
		free(e);
		return false;
	}
	e->port = port;
	e->seen = now;
	HASH_ADD(hh, t->entries, key, sizeof(e->key), e);
	if (!HASH_HAS(e->hh)) {
		port_put(t, p);
		free(e);
		return false;
	}
	DL_APPEND(p->first, e);
	p->n++;
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
	const struct mac_port *p = port_find(t, port);
	unsigned int n = p ? p->n : 0;

	/* It goes with its last address. */
	while (n--)
		forget(t, p->first);
}

void mac_clear(struct mac_table *t)
{
	while (t->entries)
		forget(t, t->entries);
}
