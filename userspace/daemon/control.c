// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket: JSON-RPC 1.0 as Open vSwitch's unixctl speaks it, so that
 * ovs-appctl works.  A client that sends anything else is dropped.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "switch.h"

#define MAX_REQUEST (1 << 20)
#define MAX_ARGS 16
#define MAX_CLIENTS 64
#define IDLE_SECONDS 60

static unsigned int n_clients;

static void drop(struct bufferevent *bev)
{
	bufferevent_free(bev);
	n_clients--;
}

static char *run(struct sw *sw, json_t *request, bool *failed)
{
	json_t *params = json_object_get(request, "params");
	const char *argv[MAX_ARGS], *why;
	size_t i, size, n = json_array_size(params);
	char *text = NULL;
	FILE *out;

	*failed = true;
	if (n > MAX_ARGS)
		return strdup("too many arguments");
	for (i = 0; i < n; i++) {
		argv[i] = json_string_value(json_array_get(params, i));
		if (!argv[i])
			return strdup("arguments must be strings");
	}
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	why = command_run(sw, json_string_value(json_object_get(request, "method")),
			  n, argv, out);
	fclose(out);
	*failed = why;
	if (why) {
		free(text);
		text = strdup(why);
	}
	return text;
}

static void answer(struct sw *sw, struct bufferevent *bev, json_t *request)
{
	json_t *id = json_object_get(request, "id"), *reply;
	bool failed;
	char *text, *out;

	text = run(sw, request, &failed);
	reply = json_pack("{s:O?,s:o?,s:o?}", "id", id,
			  "result", failed ? NULL : json_string(text ? text : ""),
			  "error", failed ? json_string(text ? text :
							"out of memory") : NULL);
	out = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
	if (out)
		bufferevent_write(bev, out, strlen(out));
	free(out);
	json_decref(reply);
	free(text);
}

static bool is_request(json_t *msg)
{
	return json_is_object(msg) &&
	       json_is_string(json_object_get(msg, "method")) &&
	       json_is_array(json_object_get(msg, "params")) &&
	       json_object_get(msg, "id");
}

static void on_read(struct bufferevent *bev, void *sw)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t len = evbuffer_get_length(in);
	json_error_t err;
	json_t *request;

	while (len) {
		request = json_loadb((char *)evbuffer_pullup(in, -1), len,
				     JSON_DISABLE_EOF_CHECK, &err);
		if (!request) {
			/* Not whole yet, unless it can't become so. */
			if (json_error_code(&err) !=
			    json_error_premature_end_of_input ||
			    len >= MAX_REQUEST)
				drop(bev);
			return;
		}
		evbuffer_drain(in, err.position);
		if (!is_request(request)) {
			json_decref(request);
			drop(bev);
			return;
		}
		answer(sw, bev, request);
		json_decref(request);
		len = evbuffer_get_length(in);
	}
}

static void on_event(struct bufferevent *bev, short what, void *sw)
{
	(void)what;
	(void)sw;
	drop(bev);
}

static void on_client(struct evconnlistener *l, evutil_socket_t fd,
		      struct sockaddr *addr, int len, void *sw)
{
	struct timeval idle = { .tv_sec = IDLE_SECONDS };
	struct bufferevent *bev;

	(void)addr;
	(void)len;
	bev = n_clients < MAX_CLIENTS ?
	      bufferevent_socket_new(evconnlistener_get_base(l), fd,
				     BEV_OPT_CLOSE_ON_FREE) : NULL;
	if (!bev) {
		close(fd);
		return;
	}
	n_clients++;
	bufferevent_setcb(bev, on_read, NULL, on_event, sw);
	bufferevent_set_timeouts(bev, &idle, &idle);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

/**
 * control_start - listen on the control socket
 * @sw: what commands work on.
 * @base: event loop.
 * @path: of the socket; only root may connect.
 *
 * Return: 0 or -1.
 */
int control_start(struct sw *sw, struct event_base *base, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct evconnlistener *l;
	mode_t old;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -1;
	strcpy(addr.sun_path, path);
	unlink(path);
	old = umask(0077);
	l = evconnlistener_new_bind(base, on_client, sw, LEV_OPT_CLOSE_ON_FREE,
				    16, (struct sockaddr *)&addr, sizeof(addr));
	umask(old);
	return l ? 0 : -1;
}
