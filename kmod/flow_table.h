/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The megaflow table of a datapath: tuple space search.
 *
 * Readers hold rcu_read_lock() and take no lock.  Writers hold ovs_mutex.
 */
#ifndef OVS_FLOW_TABLE_H
#define OVS_FLOW_TABLE_H 1

#include <linux/percpu.h>
#include <linux/rhashtable-types.h>
#include <linux/xarray.h>

#include "flow.h"

/* Size of the mask cache, as userspace sees it, by default. */
#define OVS_MASK_CACHE_DEFAULT 256

/**
 * struct sw_flow_mask - a mask, shared by the flows that have it
 * @refs: flows; under ovs_mutex.
 * @seed: start of the hash, so that one key hashes apart under each mask.
 * @hash: sw_flow_match.hash.
 * @words: the words of @key which are not zero.
 * @key: the mask.
 * @rcu: its freeing.
 */
struct sw_flow_mask {
	u64 seed;
	struct ovs_word_list words;
	u32 hash;
	unsigned int refs;
	struct sw_flow_key key;
	struct rcu_head rcu;
};

/**
 * struct mask_array - the masks of a table; never changed, only replaced
 * @rcu: its freeing.
 * @n: how many.
 * @all: union of all masks: packets equal under it match the same flow.
 * @all_words: its words.
 * @masks: the masks.
 */
struct mask_array {
	struct rcu_head rcu;
	unsigned int n;
	struct ovs_word_list all_words;
	struct sw_flow_key all;
	struct sw_flow_mask *masks[];
};

/* Entries of the flow cache that each one of the size userspace sees stands for. */
#define OVS_FLOW_CACHE_RATIO 16
/* Flows whose packets' hashes may collide, in one cache line. */
#define OVS_FLOW_CACHE_WAYS 4

/**
 * struct flow_cache_set - flows that were found lately, on one CPU
 * @tag: of each: generation of the table, and 16 bits of the packet's hash.
 * @flow: the flow; not to be read unless the tag has the table's generation.
 */
struct flow_cache_set {
	struct {
		u64 tag;
		struct sw_flow *flow;
	} way[OVS_FLOW_CACHE_WAYS];
};

/* Largest size that userspace may ask for. */
#define OVS_MASK_CACHE_MAX 4096

/**
 * struct flow_cache - which flow matched packets like this one; spares packets
 *	the walk over the masks
 *
 * To userspace it is the mask cache of the stock module, which it replaces.
 *
 * @rcu: its freeing.
 * @size: as userspace sees it: 0, or a power of two.
 * @last: sets of each CPU, less one.
 * @sets: where they are, for each CPU; NULL if there are none.
 */
struct flow_cache {
	struct rcu_head rcu;
	u32 size;
	u32 last;
	struct flow_cache_set *__percpu *sets;
};

/**
 * struct flow_table - the megaflows of a datapath
 * @flows: by mask and masked key.
 * @ufids: those that have a UFID, by it.
 * @by_index: all, in the order of dumps: a dump that resumes behind an index
 *	misses and doubles none that stays.
 * @masks: the masks in use.
 * @cache: the flow cache.
 * @gen: counts removals: what was cached before one is forgotten.
 * @count: flows.
 */
struct flow_table {
	struct rhashtable flows;
	struct mask_array __rcu *masks;
	struct flow_cache __rcu *cache;
	unsigned long gen;
	struct rhashtable ufids;
	struct xarray by_index;
	unsigned int count;
};

int ovs_flow_tbl_init(struct flow_table *tbl);
void ovs_flow_tbl_destroy(struct flow_table *tbl);
int ovs_flow_tbl_set_cache_size(struct flow_table *tbl, u32 size);
u32 ovs_flow_tbl_cache_size(const struct flow_table *tbl);
unsigned int ovs_flow_tbl_num_masks(const struct flow_table *tbl);

void ovs_flow_match_init(struct sw_flow_match *match);
struct sw_flow *ovs_flow_alloc(const struct sw_flow_match *match,
			       const struct sw_flow_id *id);
void ovs_flow_free(struct sw_flow *flow);
void ovs_flow_free_rcu(struct sw_flow *flow);
void ovs_flow_masked_key(const struct sw_flow *flow, struct sw_flow_key *key);

int ovs_flow_tbl_insert(struct flow_table *tbl, struct sw_flow *flow,
			const struct sw_flow_match *match);
void ovs_flow_tbl_remove(struct flow_table *tbl, struct sw_flow *flow);
void ovs_flow_tbl_put_mask(struct flow_table *tbl, struct sw_flow *flow);
void ovs_flow_tbl_flush(struct flow_table *tbl);

struct sw_flow *ovs_flow_tbl_lookup_stats(struct flow_table *tbl,
					  const struct sw_flow_key *key,
					  u32 *n_mask_hit, u32 *n_cache_hit);
struct sw_flow *ovs_flow_tbl_lookup_masked(struct flow_table *tbl,
					   const struct sw_flow_match *match);
struct sw_flow *ovs_flow_tbl_lookup_ufid(struct flow_table *tbl,
					 const struct sw_flow_id *id);
struct sw_flow *ovs_flow_tbl_lookup_key(struct flow_table *tbl,
					const struct sw_flow_key *key);
struct sw_flow *ovs_flow_tbl_next(struct flow_table *tbl, unsigned long *index);

void ovs_flow_tbl_setup(void);

#endif /* OVS_FLOW_TABLE_H */
