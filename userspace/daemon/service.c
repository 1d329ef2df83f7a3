// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a service manager is told: that the daemon is ready, that it reads its
 * configuration again, that its event loop still turns (the watchdog), that it ends.
 */
#include "service.h"

#include <event2/event.h>
#include <stdint.h>
#include <systemd/sd-daemon.h>
#include <time.h>

static void on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	sd_notify(0, "WATCHDOG=1");
}

/**
 * service_start - keep the service manager's watchdog quiet, if there is one
 * @base: event loop, which must turn for that.
 *
 * Return: 0 or -1.
 */
int service_start(struct event_base *base)
{
	struct timeval half;
	struct event *timer;
	uint64_t usec;

	if (sd_watchdog_enabled(0, &usec) <= 0)
		return 0;
	half.tv_sec = usec / 2 / 1000000;
	half.tv_usec = usec / 2 % 1000000;
	timer = event_new(base, -1, EV_PERSIST, on_watchdog, NULL);
	return timer && !event_add(timer, &half) ? 0 : -1;
}

void service_ready(void)
{
	sd_notify(0, "READY=1");
}

void service_reloading(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
		   ts.tv_sec * 1000000ll + ts.tv_nsec / 1000);
}

void service_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}
