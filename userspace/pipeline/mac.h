/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where Ethernet addresses were seen: the memory of the action normal. */
#ifndef MAC_H
#define MAC_H 1

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

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
 * @hh: in order of @seen.
 */
struct mac_entry {
	struct mac_key key;
	uint32_t port;
	uint64_t seen;
	UT_hash_handle hh;
};

/**
 * struct mac_table - all of them
 * @entries: hash, and list from the one seen longest ago.
 * @max: how many there may be; 0: MAC_MAX.
 * @changes: counts what changes the way of packets: new, moved, forgotten.
 */
struct mac_table {
	struct mac_entry *entries;
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
