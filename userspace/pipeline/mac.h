/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where Ethernet addresses were seen: the memory of the action normal.  It is bounded.
 * If it is full, the port that has the most addresses gives one up for a new one, so that
 * none can push out those of the others by making addresses up.
 */
#ifndef MAC_H
#define MAC_H 1

#include <stdbool.h>
#include <stdint.h>
#include "hash.h"

#define MAC_MAX 8192
#define MAC_AGE_MS 300000

/**
 * struct mac_key - an address in a VLAN
 * @mac: the address.
 * @vlan: VLAN id, or 0.
 */
struct mac_key {
	uint8_t mac[6];
	uint16_t vlan;
};

/**
 * struct mac_entry - where it was seen
 * @key: the address.
 * @port: where.
 * @seen: when last; ms.
 * @prev: of the same port, seen before; of the first the last.
 * @next: of the same port, seen later.
 * @hh: in order of @seen.
 */
struct mac_entry {
	struct mac_key key;
	uint32_t port;
	uint64_t seen;
	struct mac_entry *prev;
	struct mac_entry *next;
	UT_hash_handle hh;
};

/**
 * struct mac_port - a port where addresses were seen
 * @port: which.
 * @n: how many.
 * @first: they, from the one seen longest ago.
 * @hh: in mac_table.ports.
 */
struct mac_port {
	uint32_t port;
	unsigned int n;
	struct mac_entry *first;
	UT_hash_handle hh;
};

/**
 * struct mac_table - all of them
 * @entries: hash, and list from the one seen longest ago.
 * @ports: the ports of these.
 * @max: how many there may be; 0: MAC_MAX.
 * @changes: counts what changes the way of packets: new, moved, forgotten.
 */
struct mac_table {
	struct mac_entry *entries;
	struct mac_port *ports;
	unsigned int max;
	uint64_t changes;
};

bool mac_learn(struct mac_table *t, const struct mac_key *key, uint32_t port,
	       uint64_t now);
const struct mac_entry *mac_find(const struct mac_table *t,
				 const struct mac_key *key);
void mac_expire(struct mac_table *t, uint64_t now);
void mac_forget_port(struct mac_table *t, uint32_t port);
void mac_clear(struct mac_table *t);

#endif
