/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVICE_H
#define SERVICE_H 1

struct event_base;

int service_start(struct event_base *base);
void service_ready(void);
void service_reloading(void);
void service_stopping(void);

#endif
