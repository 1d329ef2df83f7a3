/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef METRICS_H
#define METRICS_H 1

#include <stdio.h>

struct sw;
struct event_base;

int metrics_start(struct sw *sw, struct event_base *base, unsigned int port);
int metrics_write(struct sw *sw, FILE *out);

#endif
