/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events for clients of the control socket that asked for them.  Nobody does, as a
 * rule: event_wanted() is then false, and costs a load and a test.  What threads other
 * than the main one have to tell waits until that one sends it.  All of it in the
 * switch's turn.
 */
#ifndef EVENTS_H
#define EVENTS_H 1

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../lib/words.h"
#include "../pipeline/rule.h"

struct sw;

#define EVENT_ENUM(name) EVENT_##name,
enum event_kind { EVENTS(EVENT_ENUM) N_EVENTS };
#undef EVENT_ENUM

struct event_base;

/* Written by the main thread alone. */
extern _Atomic uint32_t events_mask;

/* Whether anybody wants to know. */
static inline bool event_wanted(enum event_kind kind)
{
	return atomic_load_explicit(&events_mask, memory_order_relaxed) & 1u << kind;
}

int events_start(struct sw *sw, struct event_base *base);

int event_find(const char *name);
void event_publish(enum event_kind kind, json_t *row, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

void event_rule(const char *text, bool added, enum gone_why gone);
void event_upcall(const struct flow *flow, unsigned int n_rules,
		  const char *error);
void event_packet(const struct flow *flow, unsigned int table, uint64_t cookie,
		  const uint8_t *packet, size_t len, size_t max_len);
void event_ports(const uint32_t *old, unsigned int n_old, const uint32_t *now,
		 unsigned int n_now);
void event_flow(const struct flow *key, const struct flow *mask,
		const uint8_t *ufid, const char *what);

#endif
