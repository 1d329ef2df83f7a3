// SPDX-License-Identifier: GPL-2.0-or-later
/* Events: what happened, as JSON with a sentence; see events.h. */
#include "events.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "ufid.h"
#include "switch.h"

#define MAX_WAITING 4096

/**
 * struct waiting - an event that another thread has published
 * @link: list.
 * @kind: its kind.
 * @row: what there is to tell.
 */
struct waiting {
	STAILQ_ENTRY(waiting) link;
	enum event_kind kind;
	json_t *row;
};

static STAILQ_HEAD(, waiting) waiting = STAILQ_HEAD_INITIALIZER(waiting);
static unsigned int n_waiting, n_lost;
static pthread_t main_thread;
static int wake_fd = -1;

_Atomic uint32_t events_mask;

#define EVENT_NAME(name) #name,
static const char *const names[] = { EVENTS(EVENT_NAME) };
#undef EVENT_NAME

/* Return: the kind of this name, or -1. */
int event_find(const char *name)
{
	int i;

	for (i = 0; i < N_EVENTS; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

/* The main thread sends what waits. */
static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct sw *sw = arg;
	struct waiting *w;
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof(n)) != sizeof(n))
		return;
	turn_take(&sw->turn);
	while ((w = STAILQ_FIRST(&waiting))) {
		STAILQ_REMOVE_HEAD(&waiting, link);
		control_publish(1u << w->kind, w->row);
		json_decref(w->row);
		free(w);
	}
	if (n_lost)
		control_missed(n_lost);
	n_waiting = n_lost = 0;
	turn_give(&sw->turn);
}

/**
 * events_start - have events of other threads sent by this one
 * @sw: the switch.
 * @base: this thread's event loop.
 *
 * Return: 0 or -1.
 */
int events_start(struct sw *sw, struct event_base *base)
{
	struct event *e;

	main_thread = pthread_self();
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e = wake_fd < 0 ? NULL :
	    event_new(base, wake_fd, EV_READ | EV_PERSIST, on_wake, sw);
	return e && !event_add(e, NULL) ? 0 : -1;
}

/* Have the main thread send it; @row is taken over. */
static void leave_to_main(enum event_kind kind, json_t *row)
{
	struct waiting *w = n_waiting < MAX_WAITING ? malloc(sizeof(*w)) : NULL;
	uint64_t one = 1;

	if (w) {
		w->kind = kind;
		w->row = row;
		STAILQ_INSERT_TAIL(&waiting, w, link);
		n_waiting++;
	} else {
		json_decref(row);
		n_lost++;
	}
	/* It fails only if the main thread has yet to wake up. */
	if (write(wake_fd, &one, sizeof(one)) != sizeof(one))
		return;
}

/**
 * event_publish - tell those who want to know
 * @kind: of event.
 * @row: what there is to tell; taken over; may be NULL.
 * @fmt: the same as a sentence.
 */
void event_publish(enum event_kind kind, json_t *row, const char *fmt, ...)
{
	char text[RULE_TEXT + 64], stamp[40];
	struct timespec ts;
	struct tm tm;
	va_list args;
	size_t n;

	if (!event_wanted(kind)) {
		json_decref(row);
		return;
	}
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	clock_gettime(CLOCK_REALTIME, &ts);
	n = strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S",
		     gmtime_r(&ts.tv_sec, &tm));
	snprintf(stamp + n, sizeof(stamp) - n, ".%06ldZ", ts.tv_nsec / 1000);
	if (!row)
		row = json_object();
	json_object_set_new(row, "time", json_string(stamp));
	json_object_set_new(row, "event", json_string(names[kind]));
	json_object_set_new(row, "text", json_string(text));
	if (wake_fd >= 0 && !pthread_equal(pthread_self(), main_thread)) {
		leave_to_main(kind, row);
		return;
	}
	control_publish(1u << kind, row);
	json_decref(row);
}

/* A rule went in, or out for a reason, for good. */
void event_rule(const char *text, bool added, enum gone_why gone)
{
	const char *why = added ? NULL : gone_reason(gone);
	const char *what = added ? "added" : "deleted";

	event_publish(EVENT_rule, json_pack("{s:s,s:s*,s:s}", "what", what, "why", why,
					    "rule", text), "%s %s%s%s%s", what, text,
		      why ? " (" : "", why ? why : "", why ? ")" : "");
}

static const char *flow_text(const struct flow *key, const struct flow *mask)
{
	static char text[8192];
	size_t n;

	text[0] = 0;
	match_format(key, mask, text, sizeof(text));
	n = strlen(text);
	if (n && text[n - 1] == ',')
		text[n - 1] = 0;
	return text;
}

/* A packet came without a megaflow. */
void event_upcall(const struct flow *flow, unsigned int n_rules,
		  const char *error)
{
	struct flow all;
	const char *text;

	if (!event_wanted(EVENT_upcall))
		return;
	memset(&all, 0xff, sizeof(all));
	memset((uint8_t *)&all + FLOW_DP_LEN, 0, sizeof(all) - FLOW_DP_LEN);
	text = flow_text(flow, &all);
	event_publish(EVENT_upcall, json_pack("{s:s,s:i,s:s*}", "flow", text,
					      "rules", n_rules, "error", error),
		      "%s: %u rules%s%s", text, n_rules, error ? ", " : "",
		      error ? error : "");
}

/* A rule has sent a packet to the controller: to whoever wants to know. */
void event_packet(const struct flow *flow, unsigned int table, uint64_t cookie,
		  const uint8_t *packet, size_t len, size_t max_len)
{
	static char data[2 * 65536 + 1];
	size_t i, n = len < max_len ? len : max_len;
	struct flow all;
	const char *text;

	if (!event_wanted(EVENT_packet))
		return;
	for (i = 0; i < n && i < 65536; i++)
		snprintf(data + 2 * i, 3, "%02x", packet[i]);
	data[2 * i] = 0;
	memset(&all, 0xff, sizeof(all));
	memset((uint8_t *)&all + FLOW_DP_LEN, 0, sizeof(all) - FLOW_DP_LEN);
	text = flow_text(flow, &all);
	event_publish(EVENT_packet,
		      json_pack("{s:i,s:I,s:i,s:s,s:s}", "table", table, "cookie",
				(json_int_t)cookie, "length", (int)len, "flow",
				text, "data", data),
		      "table %u, %zu bytes: %s", table, len, text);
}

static void event_port(const uint32_t *of, unsigned int n, const uint32_t *in,
		       unsigned int n_in, const char *what)
{
	unsigned int i, k;

	for (i = 0; i < n; i++) {
		for (k = 0; k < n_in && in[k] != of[i]; k++)
			;
		if (k == n_in)
			event_publish(EVENT_port, json_pack("{s:s,s:i}", "what",
							    what, "port", of[i]),
				      "%s port %u", what, of[i]);
	}
}

/* The ports are others now. */
void event_ports(const uint32_t *old, unsigned int n_old, const uint32_t *now,
		 unsigned int n_now)
{
	if (!event_wanted(EVENT_port))
		return;
	event_port(old, n_old, now, n_now, "deleted");
	event_port(now, n_now, old, n_old, "added");
}

/* A megaflow came or went. */
void event_flow(const struct flow *key, const struct flow *mask,
		const uint8_t *ufid, const char *what)
{
	char name[UFID_TEXT];
	const char *text;

	if (!event_wanted(EVENT_flow))
		return;
	ufid_format(ufid, name);
	text = mask ? flow_text(key, mask) : "";
	event_publish(EVENT_flow, json_pack("{s:s,s:s,s:s}", "what", what, "ufid",
					    name, "flow", text),
		      "%s ufid:%s%s%s", what, name, *text ? ", " : "", text);
}
