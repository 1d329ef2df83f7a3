// SPDX-License-Identifier: GPL-2.0-or-later
/* Frozen walks; see frozen.h. */
#include "frozen.h"

#include <stdlib.h>
#include <string.h>

/**
 * struct key_head - what a key begins with; each frame follows as a key_frame and
 *	its actions
 */
struct key_head {
	uint64_t metadata;
	uint32_t reg[N_REGS];
	uint64_t in_port;
	int64_t result;
	uint64_t n_frames;
};

struct key_frame {
	uint64_t table;
	uint64_t cookie;
	uint64_t n_acts;
};

/* Write the key.  With @buf NULL: return its length only. */
static size_t make_key(const struct frozen *f, uint8_t *buf)
{
	struct key_head head = { .metadata = f->metadata, .in_port = f->in_port,
				 .result = f->result, .n_frames = f->n_frames };
	size_t n = sizeof(head);
	unsigned int i;

	memcpy(head.reg, f->reg, sizeof(head.reg));
	if (buf)
		memcpy(buf, &head, sizeof(head));
	for (i = 0; i < f->n_frames; i++) {
		const struct frame *fr = &f->frames[i];
		struct key_frame kf = { fr->table, fr->cookie, fr->n_acts };

		if (buf) {
			memcpy(buf + n, &kf, sizeof(kf));
			acts_copy(buf + n + sizeof(kf), fr->acts, fr->n_acts);
		}
		n += sizeof(kf) + acts_size(fr->acts, fr->n_acts);
	}
	return n;
}

/* Point to the copies of the actions that the key has. */
static void own_frames(struct frozen *f)
{
	size_t n = sizeof(struct key_head);
	unsigned int i;

	for (i = 0; i < f->n_frames; i++) {
		n += sizeof(struct key_frame);
		f->frames[i].acts = (const struct act *)(f->key + n);
		n += acts_size(f->frames[i].acts, f->frames[i].n_acts);
	}
}

/**
 * frozen_find - find a state by its id
 * @set: the states.
 * @id: recirculation id.
 *
 * Return: the state, or NULL.
 */
struct frozen *frozen_find(const struct frozen_set *set, uint32_t id)
{
	struct frozen *f;

	HASH_FIND(hh, set->by_id, &id, sizeof(id), f);
	return f;
}

static struct frozen *frozen_new(struct frozen_set *set,
				 const struct frozen *like, uint8_t *key,
				 size_t len)
{
	struct frozen *f = malloc(sizeof(*f));

	if (!f)
		return NULL;
	*f = *like;
	f->key = key;
	f->key_len = len;
	f->refs = f->n_next = f->mark = f->linked = 0;
	f->suspect = false;
	f->next_ids = NULL;
	own_frames(f);
	do
		set->last_id++;
	while (!set->last_id || frozen_find(set, set->last_id));
	f->id = set->last_id;
	HASH_ADD(hh, set->by_id, id, sizeof(f->id), f);
	if (HASH_HAS(f->hh)) {
		HASH_ADD_KEYPTR(hh_key, set->by_key, f->key, f->key_len, f);
		if (HASH_HAS(f->hh_key))
			return f;
		HASH_DELETE(hh, set->by_id, f);
	}
	free(f);
	return NULL;
}

/**
 * frozen_get - find the state equal to another, or make it
 * @set: the states.
 * @like: what it is to be; its actions are copied.
 * @now: time in ms.
 *
 * Return: the state, or NULL without memory.
 */
struct frozen *frozen_get(struct frozen_set *set, const struct frozen *like,
			  uint64_t now)
{
	size_t len = make_key(like, NULL);
	uint8_t *key = malloc(len);
	struct frozen *f;

	if (!key)
		return NULL;
	make_key(like, key);
	HASH_FIND(hh_key, set->by_key, key, len, f);
	if (!f) {
		f = frozen_new(set, like, key, len);
		if (f)
			key = NULL;
	}
	free(key);
	if (f)
		f->born = now;
	return f;
}

/* By both of its names, if it has them. */
static void frozen_free(struct frozen_set *set, struct frozen *f)
{
	if (HASH_HAS(f->hh))
		HASH_DELETE(hh, set->by_id, f);
	HASH_DELETE(hh_key, set->by_key, f);
	free(f->next_ids);
	free(f->key);
	free(f);
}

/**
 * frozen_rename - give a state another id
 * @set: the states.
 * @from: its id; no megaflow of ours may name it.
 * @to: the id that megaflows of a former daemon name.
 *
 * Return: whether it was possible: there is the one, and not the other.  Without memory
 * it is not, and the state is no more.
 */
bool frozen_rename(struct frozen_set *set, uint32_t from, uint32_t to)
{
	struct frozen *f = frozen_find(set, from);

	if (!f || !to || frozen_find(set, to))
		return false;
	HASH_DELETE(hh, set->by_id, f);
	f->id = to;
	HASH_ADD(hh, set->by_id, id, sizeof(f->id), f);
	f->linked = 0;	/* links to it are by its id: to be noted anew */
	if (HASH_HAS(f->hh))
		return true;
	frozen_free(set, f);
	return false;
}

/* A megaflow names it; one that is no more is passed over. */
void frozen_ref(struct frozen_set *set, uint32_t id)
{
	struct frozen *f = frozen_find(set, id);

	if (f)
		f->refs++;
}

void frozen_unref(struct frozen_set *set, uint32_t id)
{
	struct frozen *f = frozen_find(set, id);

	if (f && f->refs)
		f->refs--;
}

/* Forget links to states that are gone: traffic makes new ones all the time. */
static void drop_links(struct frozen_set *set, struct frozen *f)
{
	unsigned int i, n = 0;

	for (i = 0; i < f->n_next; i++)
		if (frozen_find(set, f->next_ids[i]))
			f->next_ids[n++] = f->next_ids[i];
	f->n_next = n;
}

/**
 * frozen_sweep - forget states that no megaflow names
 * @set: the states.
 * @older_than: those younger than this time stay, as a packet may be on its way
 *	to them.
 */
void frozen_sweep(struct frozen_set *set, uint64_t older_than)
{
	struct frozen *f, *next;

	HASH_ITER(hh, set->by_id, f, next)
		if (!f->refs && f->born < older_than)
			frozen_free(set, f);
	for (f = set->by_id; f; f = f->hh.next)
		drop_links(set, f);
}

/* Forget all. */
void frozen_clear(struct frozen_set *set)
{
	struct frozen *f, *next;

	HASH_ITER(hh, set->by_id, f, next)
		frozen_free(set, f);
}

/* Whether @goal is reached from @f by links.  States that are gone end a path. */
static bool reaches(struct frozen_set *set, struct frozen *f,
		    const struct frozen *goal)
{
	struct frozen *next;
	unsigned int i;

	if (f == goal)
		return true;
	if (f->mark == set->mark)
		return false;
	f->mark = set->mark;
	for (i = 0; i < f->n_next; i++) {
		next = frozen_find(set, f->next_ids[i]);
		if (next && reaches(set, next, goal))
			return true;
	}
	return false;
}

/* Note a state that packets of another go to, unless it is noted.  Return: -1 without memory. */
static int note_link(struct frozen_set *set, struct frozen *from, struct frozen *to)
{
	unsigned int i;
	uint32_t *more;

	if (to->linked == from->id)
		return 0;
	for (i = 0; to->linked && i < from->n_next; i++)
		if (from->next_ids[i] == to->id)
			return 0;
	set->mark++;
	if (reaches(set, to, from))
		from->suspect = true;
	more = realloc(from->next_ids, (from->n_next + 1) * sizeof(*more));
	if (!more)
		return -1;
	more[from->n_next++] = to->id;
	to->linked = from->id;
	from->next_ids = more;
	return 0;
}

/**
 * frozen_link - note that packets of one state go to another
 * @set: the states.
 * @from: the one.
 * @to: the other.
 *
 * Of the links of a circle one was the last to be noted: a packet that goes round comes
 * there.  Links stay when rules change, as megaflows do that go by them, so that there
 * may be circles that no packet goes.
 *
 * Return: whether to look if this packet goes round.
 */
bool frozen_link(struct frozen_set *set, struct frozen *from, struct frozen *to)
{
	/* Without memory a later circle may go unseen; the datapath bounds it. */
	if (note_link(set, from, to))
		return true;
	if (!from->suspect)
		return false;
	set->mark++;
	return reaches(set, to, from);
}
