/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frozen walks: what is left to do for a packet that recirculates, by id.  Equal
 * ones share an id.
 */
#ifndef FROZEN_H
#define FROZEN_H 1

#include "hash.h"

#include "rule.h"

#define MAX_FRAMES 64

/**
 * struct frame - a list of actions under way
 * @acts: those left.
 * @n_acts: how many.
 * @table: of the rule.
 * @cookie: of the rule.
 * @rule: the rule; NULL in a frozen walk, which it may outlive.
 */
struct frame {
	const struct act *acts;
	unsigned int n_acts;
	uint8_t table;
	uint64_t cookie;
	const struct rule *rule;
};

/**
 * struct frozen - what is left to do
 * @id: recirculation id, not 0.
 * @born: time of the last use, in ms; an id is kept for a while.
 * @refs: megaflows that name it.
 * @metadata: its value.
 * @reg: registers.
 * @in_port: what rules have set it to, or NO_PORT.
 * @result: register that takes the program's result, or -1.
 * @frames: lists of actions, the innermost last.
 * @n_frames: how many.
 * @key: all of the above but @id, @born and @refs, as bytes.
 * @key_len: how many.
 * @next_ids: states that packets of this one go to, each some of them.
 * @n_next: how many.
 * @linked: the state whose packets go to this one that was noted last; 0: none.
 * @suspect: one of @next_ids has closed a circle.
 * @mark: of a search for loops.
 * @hh: by id.
 * @hh_key: by key.
 */
struct frozen {
	uint32_t id;
	uint64_t born;
	unsigned int refs;
	uint64_t metadata;
	uint32_t reg[N_REGS];
	uint32_t in_port;
	int result;
	struct frame frames[MAX_FRAMES];
	unsigned int n_frames;
	uint8_t *key;
	size_t key_len;
	uint32_t *next_ids;
	unsigned int n_next;
	uint32_t linked;
	bool suspect;
	unsigned int mark;
	UT_hash_handle hh;
	UT_hash_handle hh_key;
};

/**
 * struct frozen_set - all frozen states
 * @by_id: hash.
 * @by_key: hash.
 * @last_id: the id given out last.
 * @mark: of the last search for loops.
 */
struct frozen_set {
	struct frozen *by_id;
	struct frozen *by_key;
	uint32_t last_id;
	unsigned int mark;
};

struct frozen *frozen_find(const struct frozen_set *set, uint32_t id);
struct frozen *frozen_get(struct frozen_set *set, const struct frozen *like,
			  uint64_t now);
bool frozen_rename(struct frozen_set *set, uint32_t from, uint32_t to);
void frozen_ref(struct frozen_set *set, uint32_t id);
void frozen_unref(struct frozen_set *set, uint32_t id);
void frozen_sweep(struct frozen_set *set, uint64_t older_than);
void frozen_clear(struct frozen_set *set);
bool frozen_link(struct frozen_set *set, struct frozen *from, struct frozen *to);

#endif
