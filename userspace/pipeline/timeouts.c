// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Timeouts of rules: a wheel with a slot for each second, over and over again.  A rule
 * waits in the slot of the second in which its time may be over, looked at as it was
 * put there.  When that comes it is looked at again: it may have been used, or have a
 * round of the wheel or more to go.  Rules without timeouts are in no slot.
 */
#include "rule.h"

/* Time ends at which a rule goes, by each timeout; UINT64_MAX: it has none. */
static uint64_t idle_end(const struct rule *r)
{
	return r->idle_timeout ? r->used + 1000ull * r->idle_timeout : UINT64_MAX;
}

static uint64_t hard_end(const struct rule *r)
{
	return r->hard_timeout ? r->added + 1000ull * r->hard_timeout : UINT64_MAX;
}

/**
 * timeouts_add - a rule is there
 * @w: the wheel.
 * @rule: the rule, which is in no slot; one without timeouts comes into none.
 */
void timeouts_add(struct timeouts *w, struct rule *rule)
{
	uint64_t idle = idle_end(rule), hard = hard_end(rule);
	uint64_t second = (idle < hard ? idle : hard) / 1000 + 1;

	if (!rule->idle_timeout && !rule->hard_timeout)
		return;
	/* A second that was looked at does not come again for long. */
	if (second < w->second)
		second = w->second;
	LIST_INSERT_HEAD(&w->slots[second % TIMEOUT_SLOTS], rule, timeout);
}

/* A rule is there no more. */
void timeouts_del(struct rule *rule)
{
	if (!rule->timeout.le_prev)
		return;
	LIST_REMOVE(rule, timeout);
	rule->timeout.le_prev = NULL;
}

/* A second has come: its rules are due; there are no others that are. */
static void turn_wheel(struct timeouts *w)
{
	struct rule_list *slot = &w->slots[w->second++ % TIMEOUT_SLOTS];
	struct rule *first = LIST_FIRST(slot);

	/* All at once, however many. */
	w->due = *slot;
	LIST_INIT(slot);
	if (first)
		first->timeout.le_prev = &LIST_FIRST(&w->due);
}

/* The next rule to look at; NULL: none until a later second. */
static struct rule *next_due(struct timeouts *w, uint64_t now)
{
	/* Once around is all that there is to see. */
	if (w->second + TIMEOUT_SLOTS <= now / 1000)
		w->second = now / 1000 - TIMEOUT_SLOTS + 1;
	while (LIST_EMPTY(&w->due) && w->second <= now / 1000)
		turn_wheel(w);
	return LIST_FIRST(&w->due);
}

/**
 * timeouts_next - the next rule whose time is over
 * @w: the wheel.
 * @now: time in ms.
 * @counted: until when it is known which rules were used; ms.
 * @work: rules that may be looked at; it gets less.
 * @why: which timeout.
 *
 * Return: the rule, which is in no slot then; NULL: there is none, or no @work is left.
 */
struct rule *timeouts_next(struct timeouts *w, uint64_t now, uint64_t counted,
			   unsigned int *work, enum gone_why *why)
{
	struct rule *rule;

	while (*work && (rule = next_due(w, now))) {
		--*work;
		timeouts_del(rule);
		*why = now >= hard_end(rule) ? GONE_HARD : GONE_IDLE;
		if (*why == GONE_HARD || counted >= idle_end(rule))
			return rule;
		timeouts_add(w, rule);
	}
	return NULL;
}

/**
 * gone_reason - the timeout by which a rule went
 * @why: why it went.
 *
 * Return: its name, or NULL: somebody has deleted it.
 */
const char *gone_reason(enum gone_why why)
{
	static const char *const reasons[N_GONE] = {
		[GONE_IDLE] = "idle_timeout", [GONE_HARD] = "hard_timeout",
	};

	return reasons[why];
}
