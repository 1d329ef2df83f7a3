// SPDX-License-Identifier: GPL-2.0-or-later
/* Whose turn it is; see turn.h. */
#include "turn.h"

static void wait_for(struct turn *t, uint64_t ticket)
{
	while (t->serving != ticket)
		pthread_cond_wait(&t->changed, &t->lock);
}

static void pass_on(struct turn *t)
{
	t->serving++;
	pthread_cond_broadcast(&t->changed);
}

/* Wait for a turn.  Not by a thread that has it. */
void turn_take(struct turn *t)
{
	pthread_mutex_lock(&t->lock);
	wait_for(t, t->next++);
	pthread_mutex_unlock(&t->lock);
}

/* End one's turn. */
void turn_give(struct turn *t)
{
	pthread_mutex_lock(&t->lock);
	pass_on(t);
	pthread_mutex_unlock(&t->lock);
}

/* Let those who wait have their turns; one's own comes again after them. */
void turn_yield(struct turn *t)
{
	pthread_mutex_lock(&t->lock);
	if (t->next != t->serving + 1) {
		uint64_t ticket = t->next++;

		pass_on(t);
		wait_for(t, ticket);
	}
	pthread_mutex_unlock(&t->lock);
}

/* Likewise, but at least one other has its turn meanwhile: wait for it to come. */
void turn_wait(struct turn *t)
{
	uint64_t seen;

	pthread_mutex_lock(&t->lock);
	pass_on(t);
	seen = t->serving;
	while (t->serving == seen)
		pthread_cond_wait(&t->changed, &t->lock);
	wait_for(t, t->next++);
	pthread_mutex_unlock(&t->lock);
}
