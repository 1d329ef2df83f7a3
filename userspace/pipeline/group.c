// SPDX-License-Identifier: GPL-2.0-or-later
/* The groups, by their numbers. */
#include "rule.h"

#include <stdlib.h>

#include "text.h"

static struct group **place(struct groups *g, uint32_t id)
{
	struct group **p = &g->first;

	while (*p && (*p)->id < id)
		p = &(*p)->next;
	return p;
}

struct group *group_find(const struct groups *g, uint32_t id)
{
	struct group *group = *place((struct groups *)g, id);

	return group && group->id == id ? group : NULL;
}

/* Take a group in.  Return: the one that it replaced, which is the caller's. */
struct group *groups_insert(struct groups *g, struct group *group)
{
	struct group **p = place(g, group->id), *old = *p;

	if (old && old->id == group->id) {
		group->next = old->next;
	} else {
		group->next = old;
		old = NULL;
	}
	*p = group;
	return old;
}

/* Take a group out.  Return: the group, which is the caller's; or NULL. */
struct group *groups_take(struct groups *g, uint32_t id)
{
	struct group **p = place(g, id), *group = *p;

	if (!group || group->id != id)
		return NULL;
	*p = group->next;
	return group;
}

void group_free(struct group *group)
{
	unsigned int i;

	if (!group)
		return;
	for (i = 0; i < group->n_buckets; i++)
		free(group->buckets[i].acts);
	free(group);
}

/* Note the groups that one names.  Return: whether @goal is among them. */
static bool note_named(const struct groups *all, struct group *g,
		       const struct group *goal, struct group **last)
{
	const struct bucket *b;
	struct group *named;
	unsigned int i;

	for (b = g->buckets; b < g->buckets + g->n_buckets; b++) {
		for (i = 0; i < b->n_acts; i++) {
			if (b->acts[i].type != ACT_GROUP)
				continue;
			if (b->acts[i].n == goal->id)
				return true;
			named = group_find(all, b->acts[i].n);
			if (!named || named->via)
				continue;
			named->via = g;
			named->todo = NULL;
			(*last)->todo = named;
			*last = named;
		}
	}
	return false;
}

/* The way to a group that names the first, and there. */
static void write_way(struct group *g, uint32_t first, char *way, size_t size)
{
	struct group *after = NULL, *before;
	int n = 0;

	for (; g; g = before) {
		before = g->via;
		g->via = after;
		after = g;
	}
	for (g = after; g; g = g->via)
		n = text_add(way, size, n, "%u -> ", g->id);
	text_add(way, size, n, "%u", first);
}

/**
 * group_loop - look for a way from a group back to it
 * @g: the groups.
 * @group: one that may come to them, or take the place of the one of its number.
 * @way: gets the numbers of the groups on the way, if there is one.
 * @size: its room.
 *
 * Return: whether there is.
 */
bool group_loop(const struct groups *g, struct group *group, char *way, size_t size)
{
	struct group *one, *last = group;

	for (one = g->first; one; one = one->next)
		one->via = NULL;
	group->via = group->todo = NULL;
	for (one = group; one; one = one->todo) {
		if (note_named(g, one, group, &last)) {
			write_way(one, group->id, way, size);
			return true;
		}
	}
	return false;
}
