// SPDX-License-Identifier: GPL-2.0
/*
 * The megaflow table: for each mask in turn, the packet's key under that mask
 * is looked up in one hash table.  A cache of each CPU remembers which flow
 * matched packets like this one.
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "datapath.h"
#include "flow_netlink.h"
#include "flow_table.h"

static u64 hash_secret __read_mostly;

/* Stirs one word into a hash: the "mum" step of wyhash, keyed per boot. */
static inline u64 hash_word(u64 hash, u64 word)
{
#ifdef __SIZEOF_INT128__
	__uint128_t m = (__uint128_t)(hash ^ word) * hash_secret;

	return (u64)m ^ (u64)(m >> 64);
#else
	return hash_64(hash ^ word, 64) * hash_secret;
#endif
}

/*
 * Ends a hash: buckets and sets go by its low bits, on which the last word may have
 * told too little yet.  Neighbouring addresses are such a word.
 */
static inline u64 hash_end(u64 hash)
{
	return hash_word(hash, 0);
}

/**
 * struct flow_lookup - what the hash table of flows is searched for
 * @hash: of @packed.
 * @mask: the mask under which @packed was made.
 * @packed: the masked key's words.
 */
struct flow_lookup {
	u32 hash;
	const struct sw_flow_mask *mask;
	u64 packed[OVS_KEY_WORDS];
};

static u32 lookup_hash(const void *data, u32 len, u32 seed)
{
	return ((const struct flow_lookup *)data)->hash;
}

static u32 flow_hash(const void *data, u32 len, u32 seed)
{
	return ((const struct sw_flow *)data)->hash;
}

static int flow_cmp(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct flow_lookup *want = arg->key;
	const struct sw_flow *flow = obj;
	unsigned int i;

	if (flow->hash != want->hash || flow->mask != want->mask)
		return 1;
	for (i = 0; i < want->mask->words.n; i++)
		if (flow->packed[i] != want->packed[i])
			return 1;
	return 0;
}

/*
 * The hash tables don't shrink: where many flows go, others come, and a table that is made
 * smaller halfway, time and again, costs each of them as much as its removal does.
 */
static const struct rhashtable_params flow_params = {
	.head_offset = offsetof(struct sw_flow, table_node),
	.hashfn = lookup_hash,
	.obj_hashfn = flow_hash,
	.obj_cmpfn = flow_cmp,
	.min_size = 64,
};

static const struct rhashtable_params ufid_params = {
	.head_offset = offsetof(struct sw_flow, ufid_node),
	.key_offset = offsetof(struct sw_flow, id.ufid_len),
	.key_len = sizeof(u32) * 5,
	.min_size = 64,
};

static void lookup_prepare(struct flow_lookup *l, const struct sw_flow_key *key,
			   const struct sw_flow_mask *mask)
{
	const struct ovs_word_list *words = &mask->words;
	u64 hash = mask->seed;
	unsigned int i, w;

	for (i = 0; i < words->n_base; i++) {
		w = words->idx[i];
		l->packed[i] = key->words[w] & mask->key.words[w];
		hash = hash_word(hash, l->packed[i]);
	}
	for (; unlikely(i < words->n); i++) {
		w = words->idx[i];
		l->packed[i] = ovs_key_word(key, w) & mask->key.words[w];
		hash = hash_word(hash, l->packed[i]);
	}
	l->mask = mask;
	l->hash = hash_end(hash);
}

static struct sw_flow *mask_lookup(struct flow_table *tbl,
				   const struct sw_flow_key *key,
				   const struct sw_flow_mask *mask)
{
	struct flow_lookup l __uninitialized;

	lookup_prepare(&l, key, mask);
	return rhashtable_lookup(&tbl->flows, &l, flow_params);
}

/* Whether a packet's key matches a flow. */
static __always_inline bool flow_matches(const struct sw_flow *flow,
					 const struct sw_flow_key *key)
{
	const struct sw_flow_mask *mask = flow->mask;
	const struct ovs_word_list *words = &mask->words;
	unsigned int i, w;

	for (i = 0; i < words->n_base; i++) {
		w = words->idx[i];
		if ((key->words[w] & mask->key.words[w]) != flow->packed[i])
			return false;
	}
	for (; unlikely(i < words->n); i++) {
		w = words->idx[i];
		if ((ovs_key_word(key, w) & mask->key.words[w]) !=
		    flow->packed[i])
			return false;
	}
	return true;
}

/*
 * Hash all of a key that any mask reads.  A tunnel may be left out: the hash is a
 * hint.
 */
static __always_inline u64 cache_hash(const struct mask_array *ma,
				      const struct sw_flow_key *key)
{
	u64 hash = hash_secret;
	unsigned int i, w;

	for (i = 0; i < ma->all_words.n_base; i++) {
		w = ma->all_words.idx[i];
		hash = hash_word(hash, key->words[w] & ma->all.words[w]);
	}
	return hash_end(hash);
}

/* Remember a flow, in the stead of the one that was remembered first. */
static void cache_add(struct flow_cache_set *set, struct sw_flow *flow, u64 tag)
{
	memmove(&set->way[1], &set->way[0], sizeof(*set) - sizeof(set->way[0]));
	set->way[0].tag = tag;
	set->way[0].flow = flow;
}

static struct sw_flow *masks_walk(struct flow_table *tbl,
				  const struct sw_flow_key *key,
				  const struct mask_array *ma, u32 *n_mask_hit)
{
	struct sw_flow *flow;
	unsigned int i;

	for (i = 0; i < ma->n; i++) {
		(*n_mask_hit)++;
		flow = mask_lookup(tbl, key, ma->masks[i]);
		if (flow)
			return flow;
	}
	return NULL;
}

/**
 * ovs_flow_tbl_lookup_stats - find the flow of a packet
 * @tbl: the table.
 * @key: the packet's key.
 * @n_mask_hit: incremented for each mask tried.
 * @n_cache_hit: incremented if the cache knew the flow.
 *
 * A flow in the cache may be freed: it is looked at only if no flow was removed
 * since it was cached.  A flow is out of the table before the generation counts
 * on, and the generation is read here before the table: so what is cached under
 * the new one is none that was removed; and whoever reads the old one holds back
 * the flow's freeing.
 *
 * Context: rcu_read_lock() held, BH disabled.
 * Return: the flow, or NULL.
 */
noinline struct sw_flow *
ovs_flow_tbl_lookup_stats(struct flow_table *tbl, const struct sw_flow_key *key,
			  u32 *n_mask_hit, u32 *n_cache_hit)
{
	const struct mask_array *ma = rcu_dereference(tbl->masks);
	const struct flow_cache *cache = rcu_dereference(tbl->cache);
	struct flow_cache_set *set;
	struct sw_flow *flow;
	unsigned int i;
	u64 hash, tag;

	if (unlikely(!cache->size))
		return masks_walk(tbl, key, ma, n_mask_hit);

	tag = (u64)smp_load_acquire(&tbl->gen) << 16;
	hash = cache_hash(ma, key);
	tag |= hash >> 48;
	set = *this_cpu_ptr(cache->sets) + ((u32)hash & cache->last);
	for (i = 0; i < OVS_FLOW_CACHE_WAYS; i++) {
		if (set->way[i].tag == tag &&
		    likely(flow_matches(set->way[i].flow, key))) {
			(*n_mask_hit)++;
			(*n_cache_hit)++;
			return set->way[i].flow;
		}
	}
	flow = masks_walk(tbl, key, ma, n_mask_hit);
	if (flow)
		cache_add(set, flow, tag);
	return flow;
}

/**
 * ovs_flow_match_init - work out what is needed of a mask to look for it
 * @match: with its mask; @words and @hash are filled in.
 *
 * Context: any.
 */
void ovs_flow_match_init(struct sw_flow_match *match)
{
	u64 hash = hash_secret;
	unsigned int i;

	ovs_word_list_init(&match->words, &match->mask);
	for (i = 0; i < match->words.n; i++)
		hash = hash_word(hash, match->mask.words[match->words.idx[i]]);
	match->hash = hash;
}

/* Whether a mask is that of @match; its hash is. */
static bool mask_equal(const struct sw_flow_mask *mask,
		       const struct sw_flow_match *match)
{
	const struct ovs_word_list *words = &match->words;
	unsigned int i, w;

	if (mask->words.n != words->n)
		return false;
	for (i = 0; i < words->n; i++) {
		w = words->idx[i];
		if (mask->words.idx[i] != w ||
		    mask->key.words[w] != match->mask.words[w])
			return false;
	}
	return true;
}

/* The mask of @tbl equal to that of @match, or NULL.  Context: ovs_mutex held. */
static struct sw_flow_mask *mask_find(const struct flow_table *tbl,
				      const struct sw_flow_match *match)
{
	const struct mask_array *ma = ovsl_dereference(tbl->masks);
	unsigned int i;

	for (i = 0; i < ma->n; i++)
		if (ma->masks[i]->hash == match->hash &&
		    likely(mask_equal(ma->masks[i], match)))
			return ma->masks[i];
	return NULL;
}

/* Replace the array of masks by one with @add, or without @del. */
static int masks_replace(struct flow_table *tbl, struct sw_flow_mask *add,
			 const struct sw_flow_mask *del)
{
	struct mask_array *old = rcu_dereference_protected(tbl->masks, true);
	unsigned int i, j, n = old ? old->n : 0;
	struct mask_array *new;

	new = kvzalloc(struct_size(new, masks, n + 1), GFP_KERNEL);
	if (!new)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		if (old->masks[i] != del)
			new->masks[new->n++] = old->masks[i];
	if (add)
		new->masks[new->n++] = add;
	for (i = 0; i < new->n; i++)
		for (j = 0; j < OVS_KEY_WORDS; j++)
			new->all.words[j] |= new->masks[i]->key.words[j];
	ovs_word_list_init(&new->all_words, &new->all);

	rcu_assign_pointer(tbl->masks, new);
	if (old)
		kvfree_rcu(old, rcu);
	return 0;
}

static struct sw_flow_mask *mask_get(struct flow_table *tbl,
				     const struct sw_flow_match *match)
{
	struct sw_flow_mask *mask = mask_find(tbl, match);
	int err;

	if (mask) {
		mask->refs++;
		return mask;
	}
	mask = kzalloc(sizeof(*mask), GFP_KERNEL);
	if (!mask)
		return ERR_PTR(-ENOMEM);
	mask->refs = 1;
	mask->key = match->mask;
	mask->words = match->words;
	mask->hash = match->hash;
	get_random_bytes(&mask->seed, sizeof(mask->seed));
	err = masks_replace(tbl, mask, NULL);
	if (err) {
		kfree(mask);
		return ERR_PTR(err);
	}
	return mask;
}

static void mask_put(struct flow_table *tbl, struct sw_flow_mask *mask)
{
	if (--mask->refs)
		return;
	/*
	 * Without memory for a shorter array the mask stays where it is, unused
	 * but found again by mask_find(), until the table goes.
	 */
	if (!masks_replace(tbl, NULL, mask))
		kfree_rcu(mask, rcu);
}

/**
 * ovs_flow_alloc - make a flow that is in no table yet
 * @match: what it matches, after ovs_flow_match_init().
 * @id: its name; @id->key is taken over if this succeeds.
 *
 * Context: process.
 * Return: the flow, without actions, or an error pointer.
 */
struct sw_flow *ovs_flow_alloc(const struct sw_flow_match *match,
			       const struct sw_flow_id *id)
{
	const struct ovs_word_list *words = &match->words;
	struct sw_flow *flow;
	unsigned int i, w;

	flow = kzalloc(struct_size(flow, packed, words->n), GFP_KERNEL);
	if (!flow)
		return ERR_PTR(-ENOMEM);
	if (ovs_flow_stats_alloc(flow)) {
		kfree(flow);
		return ERR_PTR(-ENOMEM);
	}
	for (i = 0; i < words->n; i++) {
		w = words->idx[i];
		flow->packed[i] = match->key.words[w] & match->mask.words[w];
	}
	flow->id = *id;
	return flow;
}

/**
 * ovs_flow_free - free a flow that no reader can see
 * @flow: the flow.
 *
 * Context: any.
 */
void ovs_flow_free(struct sw_flow *flow)
{
	struct sw_flow_actions *acts;

	acts = rcu_dereference_protected(flow->sf_acts, true);
	if (acts)
		ovs_acts_free(acts);
	kfree(flow->id.key);
	ovs_flow_stats_free(flow);
	kfree(flow);
}

static void flow_free_cb(struct rcu_head *rcu)
{
	ovs_flow_free(container_of(rcu, struct sw_flow, rcu));
}

/**
 * ovs_flow_free_rcu - free a flow that was in a table, once readers are done
 * @flow: the flow, removed.
 *
 * Context: any.
 */
void ovs_flow_free_rcu(struct sw_flow *flow)
{
	call_rcu(&flow->rcu, flow_free_cb);
}

/**
 * ovs_flow_masked_key - the key of a flow, with what its mask leaves out zero
 * @flow: a flow in a table.
 * @key: filled in.
 *
 * Context: RCU read side, or ovs_mutex held.
 */
void ovs_flow_masked_key(const struct sw_flow *flow, struct sw_flow_key *key)
{
	const struct ovs_word_list *words = &flow->mask->words;
	unsigned int i;

	memset(key, 0, words->n > words->n_base ? sizeof(*key) :
	       offsetof(struct sw_flow_key, tun));
	for (i = 0; i < words->n; i++)
		key->words[words->idx[i]] = flow->packed[i];
}

/**
 * ovs_flow_tbl_insert - put a flow into the table
 * @tbl: the table, which has no flow of the same key and mask, or UFID.
 * @flow: the flow, with actions.
 * @match: what it was made of.
 *
 * Context: process; ovs_mutex held.
 * Return: 0, -ENOMEM, or what the hash table says when it can't take more.
 */
int ovs_flow_tbl_insert(struct flow_table *tbl, struct sw_flow *flow,
			const struct sw_flow_match *match)
{
	u64 hash;
	unsigned int i;
	int err;

	flow->mask = mask_get(tbl, match);
	if (IS_ERR(flow->mask))
		return PTR_ERR(flow->mask);
	hash = flow->mask->seed;
	for (i = 0; i < flow->mask->words.n; i++)
		hash = hash_word(hash, flow->packed[i]);
	flow->hash = hash_end(hash);

	err = xa_alloc(&tbl->by_index, &flow->index, flow, xa_limit_31b,
		       GFP_KERNEL);
	if (err)
		goto err_mask;
	if (flow->id.ufid_len) {
		err = rhashtable_insert_fast(&tbl->ufids, &flow->ufid_node,
					     ufid_params);
		if (err)
			goto err_index;
	}
	err = rhashtable_insert_fast(&tbl->flows, &flow->table_node,
				     flow_params);
	if (err)
		goto err_ufid;
	WRITE_ONCE(tbl->count, tbl->count + 1);
	return 0;

err_ufid:
	if (flow->id.ufid_len)
		rhashtable_remove_fast(&tbl->ufids, &flow->ufid_node,
				       ufid_params);
err_index:
	xa_erase(&tbl->by_index, flow->index);
err_mask:
	mask_put(tbl, flow->mask);
	/* A dump may have seen it by its index or UFID. */
	synchronize_rcu();
	return err;
}

/**
 * ovs_flow_tbl_remove - take a flow out of the table
 * @tbl: the table.
 * @flow: a flow in it, on which ovs_flow_tbl_put_mask() must follow.
 *
 * Until then it still has its mask, without which nothing can be told of it.
 *
 * Context: process; ovs_mutex held.
 */
void ovs_flow_tbl_remove(struct flow_table *tbl, struct sw_flow *flow)
{
	rhashtable_remove_fast(&tbl->flows, &flow->table_node, flow_params);
	/* The caches must forget it, too. */
	smp_store_release(&tbl->gen, tbl->gen + 1);
	if (flow->id.ufid_len)
		rhashtable_remove_fast(&tbl->ufids, &flow->ufid_node,
				       ufid_params);
	xa_erase(&tbl->by_index, flow->index);
	WRITE_ONCE(tbl->count, tbl->count - 1);
}

/**
 * ovs_flow_tbl_put_mask - let go of the mask of a flow
 * @tbl: the table.
 * @flow: a flow that was removed from it, which the caller frees when readers are done.
 *
 * Context: process; ovs_mutex held.
 */
void ovs_flow_tbl_put_mask(struct flow_table *tbl, struct sw_flow *flow)
{
	mask_put(tbl, flow->mask);
}

/**
 * ovs_flow_tbl_flush - remove and free all flows
 * @tbl: the table.
 *
 * Context: process; ovs_mutex held.
 */
void ovs_flow_tbl_flush(struct flow_table *tbl)
{
	struct sw_flow *flow;
	unsigned long index;

	xa_for_each(&tbl->by_index, index, flow) {
		ovs_flow_tbl_remove(tbl, flow);
		ovs_flow_tbl_put_mask(tbl, flow);
		ovs_flow_free_rcu(flow);
		cond_resched();
	}
}

/**
 * ovs_flow_tbl_lookup_masked - find a flow by its key and mask
 * @tbl: the table.
 * @match: what it matches, after ovs_flow_match_init().
 *
 * Context: process; ovs_mutex held.
 * Return: the flow, or NULL.
 */
struct sw_flow *ovs_flow_tbl_lookup_masked(struct flow_table *tbl,
					   const struct sw_flow_match *match)
{
	const struct sw_flow_mask *m = mask_find(tbl, match);
	struct sw_flow *flow;

	if (!m)
		return NULL;
	rcu_read_lock();
	flow = mask_lookup(tbl, &match->key, m);
	rcu_read_unlock();
	return flow;
}

/**
 * ovs_flow_tbl_lookup_ufid - find a flow by its unique identifier
 * @tbl: the table.
 * @id: with a UFID.
 *
 * Context: RCU read side, or ovs_mutex held.
 * Return: the flow, or NULL.
 */
struct sw_flow *ovs_flow_tbl_lookup_ufid(struct flow_table *tbl,
					 const struct sw_flow_id *id)
{
	return rhashtable_lookup_fast(&tbl->ufids, &id->ufid_len, ufid_params);
}

/**
 * ovs_flow_tbl_lookup_key - find a flow that is named by its key
 * @tbl: the table.
 * @key: the key it was made with, before masking.
 *
 * Context: process; ovs_mutex held.
 * Return: the flow, or NULL.
 */
struct sw_flow *ovs_flow_tbl_lookup_key(struct flow_table *tbl,
					const struct sw_flow_key *key)
{
	const struct mask_array *ma = ovsl_dereference(tbl->masks);
	struct sw_flow *flow, *found = NULL;
	unsigned int i;

	rcu_read_lock();
	for (i = 0; i < ma->n && !found; i++) {
		flow = mask_lookup(tbl, key, ma->masks[i]);
		if (flow && flow->id.key &&
		    !memcmp(flow->id.key, key, sizeof(*key)))
			found = flow;
	}
	rcu_read_unlock();
	return found;
}

/**
 * ovs_flow_tbl_next - walk all flows
 * @tbl: the table.
 * @index: where to start; set to the index of the flow found.
 *
 * Context: RCU read side, or ovs_mutex held.
 * Return: the first flow at or behind @index, or NULL.
 */
struct sw_flow *ovs_flow_tbl_next(struct flow_table *tbl, unsigned long *index)
{
	return xa_find(&tbl->by_index, index, ULONG_MAX, XA_PRESENT);
}

static void cache_free(struct flow_cache *cache)
{
	int cpu;

	if (cache->sets)
		for_each_possible_cpu(cpu)
			kvfree(*per_cpu_ptr(cache->sets, cpu));
	free_percpu(cache->sets);
	kfree(cache);
}

static void cache_free_cb(struct rcu_head *rcu)
{
	cache_free(container_of(rcu, struct flow_cache, rcu));
}

static struct flow_cache *cache_alloc(u32 size)
{
	u32 n = size * OVS_FLOW_CACHE_RATIO / OVS_FLOW_CACHE_WAYS;
	struct flow_cache *cache = kzalloc(sizeof(*cache), GFP_KERNEL);
	struct flow_cache_set *sets;
	int cpu;

	if (!cache || !size)
		return cache;
	cache->size = size;
	cache->last = n - 1;
	cache->sets = alloc_percpu(struct flow_cache_set *);
	if (!cache->sets)
		goto err;
	for_each_possible_cpu(cpu) {
		sets = kvzalloc_node(n * sizeof(*sets), GFP_KERNEL,
				     cpu_to_node(cpu));
		if (!sets)
			goto err;
		*per_cpu_ptr(cache->sets, cpu) = sets;
	}
	return cache;
err:
	cache_free(cache);
	return NULL;
}

/**
 * ovs_flow_tbl_set_cache_size - resize the flow cache, which empties it
 * @tbl: the table.
 * @size: 0: no cache; or a power of two up to %OVS_MASK_CACHE_MAX.
 *
 * Context: process; ovs_mutex held, or @tbl not yet published.
 * Return: 0, -EINVAL or -ENOMEM.
 */
int ovs_flow_tbl_set_cache_size(struct flow_table *tbl, u32 size)
{
	struct flow_cache *old = rcu_dereference_protected(tbl->cache, true);
	struct flow_cache *new;

	if ((size && !is_power_of_2(size)) || size > OVS_MASK_CACHE_MAX)
		return -EINVAL;
	if (old && old->size == size)
		return 0;
	new = cache_alloc(size);
	if (!new)
		return -ENOMEM;
	rcu_assign_pointer(tbl->cache, new);
	if (old)
		call_rcu(&old->rcu, cache_free_cb);
	return 0;
}

/**
 * ovs_flow_tbl_cache_size - size of the cache, as userspace sees it
 * @tbl: the table.
 *
 * Context: RCU read side, or ovs_mutex held.
 * Return: the number.
 */
u32 ovs_flow_tbl_cache_size(const struct flow_table *tbl)
{
	return rcu_dereference_ovsl(tbl->cache)->size;
}

/**
 * ovs_flow_tbl_num_masks - masks in use
 * @tbl: the table.
 *
 * Context: RCU read side, or ovs_mutex held.
 * Return: the number.
 */
unsigned int ovs_flow_tbl_num_masks(const struct flow_table *tbl)
{
	return rcu_dereference_ovsl(tbl->masks)->n;
}

/**
 * ovs_flow_tbl_init - make an empty table
 * @tbl: zeroed.
 *
 * Context: process.
 * Return: 0 or -ENOMEM; then nothing is to be undone.
 */
int ovs_flow_tbl_init(struct flow_table *tbl)
{
	int err;

	err = masks_replace(tbl, NULL, NULL);
	if (err)
		return err;
	err = ovs_flow_tbl_set_cache_size(tbl, OVS_MASK_CACHE_DEFAULT);
	if (err)
		goto err_masks;
	err = rhashtable_init(&tbl->flows, &flow_params);
	if (err)
		goto err_cache;
	err = rhashtable_init(&tbl->ufids, &ufid_params);
	if (err)
		goto err_flows;
	xa_init_flags(&tbl->by_index, XA_FLAGS_ALLOC);
	tbl->gen = 1;	/* that no empty entry has */
	return 0;

err_flows:
	rhashtable_destroy(&tbl->flows);
err_cache:
	cache_free(rcu_dereference_protected(tbl->cache, true));
err_masks:
	kvfree(rcu_dereference_protected(tbl->masks, true));
	return err;
}

/**
 * ovs_flow_tbl_destroy - free a table that no packet can reach, and its flows
 * @tbl: the table.
 *
 * Context: process; an RCU grace period has passed since the last packet could
 * find @tbl.
 */
void ovs_flow_tbl_destroy(struct flow_table *tbl)
{
	struct mask_array *ma;
	unsigned int i;

	ma = rcu_dereference_protected(tbl->masks, true);
	for (i = 0; i < ma->n; i++)	/* those that mask_put() left behind */
		kfree(ma->masks[i]);
	kvfree(ma);
	cache_free(rcu_dereference_protected(tbl->cache, true));
	rhashtable_destroy(&tbl->flows);
	rhashtable_destroy(&tbl->ufids);
	xa_destroy(&tbl->by_index);
}

/**
 * ovs_flow_tbl_setup - draw the key of the hash that all tables share
 *
 * Context: module init.
 */
void __init ovs_flow_tbl_setup(void)
{
	get_random_bytes(&hash_secret, sizeof(hash_secret));
	hash_secret |= 1;
}
