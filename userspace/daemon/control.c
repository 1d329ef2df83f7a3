// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket: JSON-RPC 1.0 as Open vSwitch's unixctl speaks it, so that
 * ovs-appctl works.  A client that sends anything else is dropped.
 *
 * No client holds up the daemon, or makes it grow without bounds: a request is
 * looked at once, byte by byte, and only parsed when it is whole; no further one
 * is read before its answer has gone out; an answer that nobody takes, and a client
 * that says nothing, are dropped after a while; so are events for a slow one.
 */
#include "control.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../lib/jsonscan.h"
#include "../lib/log.h"
#include "../lib/render.h"
#include "command.h"
#include "events.h"
#include "switch.h"

#define MAX_REQUEST (1 << 20)
#define MAX_CLIENTS 64
#define IDLE_SECONDS 60
/* Answers under way, of all clients. */
#define MAX_PENDING (256u << 20)
/* Events that a client has not taken yet. */
#define MAX_EVENTS_PENDING (256u << 10)

/**
 * struct client - a client
 * @link: in clients.
 * @sw: the switch.
 * @bev: its connection.
 * @scan: how far its request has come.
 * @events: those that it wants.
 * @json: as JSON.
 * @lost: events that it did not get.
 * @closing: it says no more, and goes when it has its answer.
 */
struct client {
	LIST_ENTRY(client) link;
	struct sw *sw;
	struct bufferevent *bev;
	struct json_scan scan;
	uint32_t events;
	bool json;
	bool closing;
	unsigned int lost;
};

static LIST_HEAD(, client) clients = LIST_HEAD_INITIALIZER(clients);
struct control_counts control_counts;

static bool leaving;

static void update_mask(void)
{
	uint32_t mask = 0;
	struct client *c;

	LIST_FOREACH(c, &clients, link)
		mask |= c->events;
	events_mask = mask;
}

static void drop(struct client *c)
{
	LIST_REMOVE(c, link);
	bufferevent_free(c->bev);
	free(c);
	control_counts.clients--;
	update_mask();
}

static void drop_for(struct client *c, const char *why)
{
	control_counts.dropped++;
	log_often(LOG_control, LEVEL_WARN, "a client was dropped", "{s:s}", "why",
		  why);
	drop(c);
}

static size_t pending(const struct client *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev));
}

static size_t all_pending(void)
{
	struct client *c;
	size_t n = 0;

	LIST_FOREACH(c, &clients, link)
		n += pending(c);
	return n;
}

static int send_json(struct client *c, json_t *message)
{
	char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	int err = text ? bufferevent_write(c->bev, text, strlen(text)) : -1;

	free(text);
	json_decref(message);
	return err;
}

/* Run a request.  Return: its answer's text, to be freed. */
static char *run(struct client *c, json_t *request, bool *failed)
{
	json_t *params = json_object_get(request, "params");
	const char *argv[MAX_ARGS + 1];
	char *text;
	size_t i, n = json_array_size(params);

	*failed = true;
	if (n > MAX_ARGS)
		return strdup("too many arguments");
	for (i = 0; i < n; i++) {
		argv[i] = json_string_value(json_array_get(params, i));
		if (!argv[i])
			return strdup("arguments must be strings");
	}
	turn_take(&c->sw->turn);
	text = command_run(c->sw, c,
			   json_string_value(json_object_get(request, "method")),
			   n, argv, failed);
	turn_give(&c->sw->turn);
	return text;
}

/* Return: 0, or -1 if the client has to go. */
static int answer(struct client *c, json_t *request)
{
	json_t *id = json_object_get(request, "id"), *said;
	bool failed;
	char *text;

	control_counts.requests++;
	text = run(c, request, &failed);
	control_counts.refused += failed;
	/* Text from a file or the kernel may be no UTF-8. */
	said = json_string(text ? text : "out of memory");
	if (!said)
		said = json_string("the answer can't be written: it is no UTF-8");
	free(text);
	return send_json(c, json_pack("{s:O,s:o?,s:o?}", "id", id,
				      "result", failed ? NULL : said,
				      "error", failed ? said : NULL));
}

static bool is_request(json_t *msg)
{
	return json_is_object(msg) &&
	       json_is_string(json_object_get(msg, "method")) &&
	       json_is_array(json_object_get(msg, "params")) &&
	       json_object_get(msg, "id");
}

/* Look at what has come.  Return: length of a whole request, 0, or -1. */
static ssize_t scan(struct client *c, struct evbuffer *in)
{
	struct evbuffer_ptr at;
	char buf[4096];
	ssize_t n;
	int end;

	while (!evbuffer_ptr_set(in, &at, c->scan.scanned, EVBUFFER_PTR_SET) &&
	       (n = evbuffer_copyout_from(in, &at, buf, sizeof(buf))) > 0) {
		end = json_scan(&c->scan, buf, n);
		if (end)
			return end < 0 ? -1 : (ssize_t)c->scan.scanned;
	}
	return c->scan.scanned < MAX_REQUEST ? 0 : -1;
}

/* Take a whole request.  Return: NULL, or what is wrong with the client. */
static const char *take_request(struct client *c, struct evbuffer *in, size_t len)
{
	json_t *request = json_loadb((char *)evbuffer_pullup(in, len), len, 0,
				     NULL);
	const char *why = NULL;

	evbuffer_drain(in, len);
	memset(&c->scan, 0, sizeof(c->scan));
	if (!is_request(request))
		why = "that was no request";
	else if (all_pending() > MAX_PENDING)
		why = "too many answers are under way";
	else if (answer(c, request))
		why = "out of memory";
	json_decref(request);
	return why;
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;
	const char *why;
	ssize_t len;

	/* One at a time: others get their turn, and answers don't pile up. */
	if (pending(c)) {
		bufferevent_disable(bev, EV_READ);
		return;
	}
	len = scan(c, bufferevent_get_input(bev));
	if (!len)
		return;
	why = len < 0 ? "that was no request" :
	      take_request(c, bufferevent_get_input(bev), len);
	if (why)
		drop_for(c, why);
}

/* The answer has gone out. */
static void on_written(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;

	if (leaving && !all_pending())
		event_base_loopbreak(bufferevent_get_base(bev));
	if (c->closing) {
		drop(c);
		return;
	}
	bufferevent_enable(bev, EV_READ);
	if (evbuffer_get_length(bufferevent_get_input(bev)))
		on_read(bev, arg);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct client *c = arg;

	(void)bev;
	if (what & BEV_EVENT_EOF && pending(c) && !c->closing)
		c->closing = true;
	else if (!(what & BEV_EVENT_TIMEOUT))
		drop(c);
	else
		drop_for(c, what & BEV_EVENT_WRITING ?
			 "it does not take its answer" : "it says nothing");
}

static void on_client(struct evconnlistener *l, evutil_socket_t fd,
		      struct sockaddr *addr, int len, void *sw)
{
	struct timeval idle = { .tv_sec = IDLE_SECONDS };
	struct client *c = NULL;

	(void)addr;
	(void)len;
	if (control_counts.clients < MAX_CLIENTS)
		c = calloc(1, sizeof(*c));
	if (c)
		c->bev = bufferevent_socket_new(evconnlistener_get_base(l), fd,
						BEV_OPT_CLOSE_ON_FREE);
	if (!c || !c->bev) {
		log_often(LOG_control, LEVEL_WARN, "no room for another client",
			  NULL);
		free(c);
		close(fd);
		return;
	}
	c->sw = sw;
	control_counts.clients++;
	LIST_INSERT_HEAD(&clients, c, link);
	bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, MAX_REQUEST);
	bufferevent_set_timeouts(c->bev, &idle, &idle);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

/**
 * control_subscribe - send a client events from now on
 * @c: the client; NULL: nobody.
 * @events: which, as bits.
 * @json: as JSON, not as text.
 */
void control_subscribe(struct client *c, uint32_t events, bool json)
{
	struct timeval idle = { .tv_sec = IDLE_SECONDS };

	if (!c)
		return;
	c->events = events;
	c->json = json;
	/* It may keep silent now. */
	bufferevent_set_timeouts(c->bev, NULL, &idle);
	update_mask();
}

static int send_event(struct client *c, const json_t *row)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *said;

	if (!out)
		return -1;
	if (c->json)
		json_dumpf(row, out, JSON_COMPACT);
	else
		render(out, cmd_find("monitor")->text, row);
	if (c->json)
		fputs("\n", out);
	fclose(out);
	said = json_string(text);
	free(text);
	return send_json(c, json_pack("{s:n,s:s,s:[o]}", "id", "method", "event",
				      "params", said));
}

/* Tell a client how many events it has missed. */
static void send_lost(struct client *c)
{
	char text[64];
	json_t *row;

	snprintf(text, sizeof(text), "%u events were lost", c->lost);
	row = json_pack("{s:s,s:s,s:s,s:i}", "time", "-", "event", "lost", "text",
			text, "number", c->lost);
	if (row && !send_event(c, row))
		c->lost = 0;
	json_decref(row);
}

/**
 * control_publish - send an event to the clients that want it
 * @event: its bit.
 * @row: what there is to tell.
 */
void control_publish(uint32_t event, const json_t *row)
{
	struct client *c;

	LIST_FOREACH(c, &clients, link) {
		if (!(c->events & event))
			continue;
		if (pending(c) > MAX_EVENTS_PENDING) {
			c->lost++;
			control_counts.events_lost++;
			continue;
		}
		if (c->lost)
			send_lost(c);
		send_event(c, row);
		control_counts.events++;
	}
}

/* Events were lost before they could be sent to anybody. */
void control_missed(unsigned int n)
{
	struct client *c;

	control_counts.events_lost += n;
	LIST_FOREACH(c, &clients, link)
		if (c->events)
			c->lost += n;
}

/* End the event loop, when all answers have gone out. */
void control_leave(struct event_base *base)
{
	struct timeval late = { .tv_sec = 2 };

	leaving = true;
	event_base_loopexit(base, &late);
}

/**
 * control_start - listen on the control socket
 * @sw: what commands work on.
 * @base: event loop.
 * @path: of the socket; only this user may connect.
 *
 * Return: 0, or -1 with the reason in errno.
 */
int control_start(struct sw *sw, struct event_base *base, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct evconnlistener *l;
	mode_t old;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(addr.sun_path, path);
	unlink(path);
	old = umask(0077);
	l = evconnlistener_new_bind(base, on_client, sw, LEV_OPT_CLOSE_ON_FREE |
				    LEV_OPT_CLOSE_ON_EXEC, 16,
				    (struct sockaddr *)&addr, sizeof(addr));
	umask(old);
	return l ? 0 : -1;
}
