// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * As much of HTTP as a scraper of metrics needs: GET /metrics, an answer, the end of
 * the connection.  On loopback only, for a bounded number of clients, none of which
 * is waited for.
 */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/log.h"
#include "metrics.h"
#include "switch.h"

#define MAX_HEADER 8192
#define MAX_CLIENTS 16
#define SECONDS 10

static unsigned int n_clients;
static struct sw *the_sw;

static void drop(struct bufferevent *bev)
{
	bufferevent_free(bev);
	n_clients--;
}

static void on_written(struct bufferevent *bev, void *arg)
{
	(void)arg;
	/* Called once before there is anything, too. */
	if (!(bufferevent_get_enabled(bev) & EV_READ))
		drop(bev);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)arg;
	/* A client that says no more may still listen. */
	if (!(what & BEV_EVENT_EOF) ||
	    !evbuffer_get_length(bufferevent_get_output(bev)))
		drop(bev);
}

static void answer(struct bufferevent *bev, const char *status, const char *type,
		   const char *body, size_t len)
{
	struct evbuffer *out = bufferevent_get_output(bev);

	evbuffer_add_printf(out, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
			    status, type, len);
	evbuffer_add(out, body, len);
	bufferevent_disable(bev, EV_READ);
}

static void answer_error(struct bufferevent *bev, const char *status)
{
	answer(bev, status, "text/plain", "", 0);
}

static void answer_metrics(struct bufferevent *bev)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int err;

	if (!out) {
		answer_error(bev, "503 Service Unavailable");
		return;
	}
	turn_take(&the_sw->turn);
	err = metrics_write(the_sw, out);
	turn_give(&the_sw->turn);
	fclose(out);
	if (err || !text)
		answer_error(bev, "503 Service Unavailable");
	else
		answer(bev, "200 OK", "text/plain; version=0.0.4; charset=utf-8",
		       text, len);
	free(text);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
	char *line;

	(void)arg;
	if (end.pos < 0) {
		if (evbuffer_get_length(in) >= MAX_HEADER)
			answer_error(bev, "431 Request Header Fields Too Large");
		return;
	}
	line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF);
	if (!line || strncmp(line, "GET ", 4))
		answer_error(bev, "405 Method Not Allowed");
	else if (strncmp(line + 4, "/metrics ", 9) &&
		 strncmp(line + 4, "/metrics?", 9))
		answer_error(bev, "404 Not Found");
	else
		answer_metrics(bev);
	free(line);
}

static void on_client(struct evconnlistener *l, evutil_socket_t fd,
		      struct sockaddr *addr, int len, void *arg)
{
	struct timeval limit = { .tv_sec = SECONDS };
	struct bufferevent *bev = NULL;

	(void)addr;
	(void)len;
	(void)arg;
	if (n_clients < MAX_CLIENTS)
		bev = bufferevent_socket_new(evconnlistener_get_base(l), fd,
					     BEV_OPT_CLOSE_ON_FREE);
	if (!bev) {
		close(fd);
		return;
	}
	n_clients++;
	bufferevent_setcb(bev, on_read, on_written, on_event, NULL);
	bufferevent_setwatermark(bev, EV_READ, 0, MAX_HEADER);
	bufferevent_set_timeouts(bev, &limit, &limit);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
}

/**
 * metrics_start - serve metrics
 * @sw: the switch.
 * @base: event loop.
 * @port: on loopback.
 *
 * Return: 0 or -1.
 */
int metrics_start(struct sw *sw, struct event_base *base, unsigned int port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	the_sw = sw;
	if (!evconnlistener_new_bind(base, on_client, NULL, LEV_OPT_CLOSE_ON_FREE |
				     LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, 16,
				     (struct sockaddr *)&addr, sizeof(addr)))
		return -1;
	log_event(LOG_metrics, LEVEL_INFO, "metrics are served", "{s:i}", "port",
		  (int)port);
	return 0;
}
