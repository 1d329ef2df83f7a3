// SPDX-License-Identifier: GPL-2.0-or-later
/* The groups, by their numbers. */
#include "rule.h"

#include <stdlib.h>

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
