/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONTROL_H
#define CONTROL_H 1

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct sw;
struct client;
struct event_base;

/**
 * struct control_counts - clients, and what became of them
 */
struct control_counts {
	uint64_t clients, requests, refused, dropped, events, events_lost;
};

extern struct control_counts control_counts;

int control_start(struct sw *sw, struct event_base *base, const char *path);
void control_leave(struct event_base *base);
void control_subscribe(struct client *c, uint32_t events, bool json);
void control_publish(uint32_t event, const json_t *row);
void control_missed(unsigned int n);

#endif
