// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Handlers: threads that answer upcalls, each with a socket that some of the CPUs send
 * theirs to.  What has come is taken out of the socket at once and waits by ports
 * (portq.h); a batch of it is answered with three system calls.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/log.h"
#include "gate.h"
#include "portq.h"
#include "upcall.h"

#define BATCH (DPNL_BATCH / UPCALL_REQS)
#define RECEIVE 32
/* Messages that are taken out of the socket before some are answered. */
#define MAX_RECEIVED 512

/**
 * struct handler - a thread that answers upcalls
 * @thread: it.
 * @running: @thread is there.
 * @sw: the switch.
 * @nl: its connection to the datapath.
 * @up: where upcalls come.
 * @gate: before @up.
 * @queue: those that wait.
 * @malformed: messages that made no sense, since the last time.
 * @overruns: times that @up ran over, since the last time.
 * @unsettled: it did, and @gate does not know yet what became of what it let in.
 * @out: room for a translation.
 * @msgs: of what is received.
 * @iov: likewise.
 * @bufs: room for it.
 */
struct handler {
	pthread_t thread;
	bool running;
	struct sw *sw;
	struct dpnl nl;
	struct nl_sock *up;
	struct gate gate;
	struct portq queue;
	uint64_t malformed;
	uint64_t overruns;
	bool unsettled;
	struct xlate_out out;
	struct mmsghdr msgs[RECEIVE];
	struct iovec iov[RECEIVE];
	_Alignas(8) uint8_t bufs[RECEIVE][DPNL_MAX_MSG + 4096];
};

static struct handler *handlers[MAX_HANDLERS];
static unsigned int n_handlers;
static bool stop;

/* As coarse as the system's clock ticks. */
static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec * 1000000ull + ts.tv_nsec / 1000;
}

/* Sort what was received by ports. */
static void take_in(struct handler *h, int n)
{
	uint32_t port, len;
	int i;

	for (i = 0; i < n; i++) {
		len = h->msgs[i].msg_len;
		if (upcall_port(&h->nl, h->bufs[i], len, &port))
			h->malformed++;
		else if (portq_push(&h->queue, port, h->bufs[i], len))
			continue;
		gate_done(&h->gate, h->bufs[i], len);
	}
}

/* Take out of the socket what has come, up to a bound; wait if there is nothing to do. */
static void receive(struct handler *h)
{
	int n, all = 0, flags = h->queue.n ? MSG_DONTWAIT : MSG_WAITFORONE;

	do {
		n = recvmmsg(nl_socket_get_fd(h->up), h->msgs, RECEIVE, flags, NULL);
		flags = MSG_DONTWAIT;
		if (n < 0 && errno == ENOBUFS) {
			h->overruns++;	/* the socket goes on */
			h->unsettled = true;
			n = RECEIVE;
			all += n;
			continue;
		}
		take_in(h, n);
		all += n;
	} while (n == RECEIVE && all < MAX_RECEIVED);
	/* That the socket is empty is sure if it had less than was asked for. */
	if (h->unsettled && n < RECEIVE) {
		gate_settle(&h->gate, &h->queue);
		h->unsettled = false;
	}
}

/* What is known of upcalls of a port.  Return: NULL without memory. */
static struct sw_port_upcalls *port_upcalls(struct sw *sw, uint32_t port)
{
	struct sw_port_upcalls *p;

	HASH_FIND(hh, sw->port_upcalls, &port, sizeof(port), p);
	if (p)
		return p;
	if (HASH_COUNT(sw->port_upcalls) >= MAX_PORTS && port != PORTQ_OTHERS)
		return port_upcalls(sw, PORTQ_OTHERS);
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->port = port;
	HASH_ADD(hh, sw->port_upcalls, port, sizeof(port), p);
	if (HASH_HAS(p->hh))
		return p;
	free(p);
	return NULL;
}

static void add_lost(uint32_t port, const uint64_t *lost, void *arg)
{
	struct sw_port_upcalls *p = port_upcalls(arg, port);
	unsigned int i;

	if (!p)
		return;
	for (i = 0; i < PORTQ_N_LOSSES; i++)
		p->lost[i] += lost[i];
}

/* Give counts to the switch, and take its limits; in its turn. */
static void exchange(struct handler *h)
{
	struct sw *sw = h->sw;

	portq_take_lost(&h->queue, add_lost, sw);
	sw->counts.malformed += h->malformed;
	sw->counts.lost += h->overruns;
	h->malformed = h->overruns = 0;
	if (h->queue.max != sw->limits.queue)
		gate_limit(&h->gate, sw->limits.queue);
	h->queue.max = sw->limits.queue;
}

/**
 * struct work - a batch of upcalls
 * @items: their messages.
 * @upcalls: what becomes of them.
 * @n: how many.
 * @gen: generation of the rules that they were answered by.
 */
struct work {
	struct portq_item *items[BATCH];
	struct upcall upcalls[BATCH];
	unsigned int n;
	uint64_t gen;
};

/* Whether the rate of a port allows for one of its upcalls.  It is counted. */
static bool may_answer(struct sw *sw, uint32_t port)
{
	struct sw_port_upcalls *p = port_upcalls(sw, port);

	if (p && sw->limits.rate &&
	    !token_take(&p->bucket, sw->limits.rate, sw->limits.burst, now_us())) {
		p->lost[PORTQ_LOSS_rate]++;
		return false;
	}
	if (p)
		p->answered++;
	return true;
}

/* Answer the upcalls; the switch may change from here until work_end(). */
static void work_begin(struct handler *h, struct work *w)
{
	struct sw *sw = h->sw;
	unsigned int i;

	turn_take(&sw->turn);
	for (i = 0; i < w->n; i++)
		if (may_answer(sw, w->items[i]->port))
			upcall_begin(sw, &h->nl, &h->out, w->items[i]->msg,
				     w->items[i]->len, &w->upcalls[i]);
	w->gen = sw->gen;
	sw->n_busy++;
	turn_give(&sw->turn);
}

static void work_end(struct handler *h, struct work *w)
{
	int errs[BATCH][2] = {};
	struct sw *sw = h->sw;
	struct upcall *u;
	char why[sizeof(h->nl.err)];
	unsigned int i;

	/* A megaflow that has to go takes the place of these requests. */
	memcpy(why, h->nl.err, sizeof(why));
	for (i = 0; i < w->n; i++) {
		u = &w->upcalls[i];
		errs[i][0] = u->install ? u->install->err : 0;
		errs[i][1] = u->execute ? u->execute->err : 0;
	}
	turn_take(&sw->turn);
	for (i = 0; i < w->n; i++)
		upcall_end(sw, &h->nl, &w->upcalls[i], errs[i][0], errs[i][1], why);
	sw->n_busy--;
	sw->n_old -= w->gen != sw->gen;
	exchange(h);
	turn_give(&sw->turn);
}

/* Answer some of those that wait. */
static void answer(struct handler *h)
{
	struct work w = {};
	unsigned int i;

	while (w.n < BATCH && (w.items[w.n] = portq_pop(&h->queue)))
		w.n++;
	if (!w.n)
		return;
	work_begin(h, &w);
	dpnl_run_quietly(&h->nl);
	work_end(h, &w);
	for (i = 0; i < w.n; i++) {
		gate_done(&h->gate, w.items[i]->msg, w.items[i]->len);
		free(w.items[i]);
	}
}

static void *handler_run(void *arg)
{
	struct handler *h = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		receive(h);
		answer(h);
	}
	return NULL;
}

static void handler_free(struct handler *h)
{
	portq_clear(&h->queue);
	gate_close(&h->gate);
	nl_socket_free(h->up);
	dpnl_close(&h->nl);
	free(h);
}

static struct handler *handler_new(struct sw *sw)
{
	struct handler *h = calloc(1, sizeof(*h));
	unsigned int i;
	int err;

	if (!h)
		return NULL;
	h->sw = sw;
	for (i = 0; i < RECEIVE; i++) {
		h->iov[i] = (struct iovec){ h->bufs[i], sizeof(h->bufs[i]) };
		h->msgs[i].msg_hdr.msg_iov = &h->iov[i];
		h->msgs[i].msg_hdr.msg_iovlen = 1;
	}
	portq_init(&h->queue, sw->limits.queue);
	h->up = dpnl_upcall_socket();
	if (!h->up || dpnl_open(&h->nl)) {
		handler_free(h);
		return NULL;
	}
	err = gate_open(&h->gate, nl_socket_get_fd(h->up));
	if (err)
		log_often(LOG_upcall, LEVEL_WARN, "a flood at one port may cost other ports upcalls: no filter at the socket",
			  "{s:s}", "why", strerror(-err));
	gate_limit(&h->gate, sw->limits.queue);
	return h;
}

/**
 * handlers_lost - upcalls of a port that were not let in
 * @port: the port.
 *
 * Return: how many.
 */
uint64_t handlers_lost(uint32_t port)
{
	uint64_t n = 0;
	unsigned int i;

	for (i = 0; i < n_handlers; i++)
		n += gate_lost(&handlers[i]->gate, port);
	return n;
}

/**
 * handlers_open - make handlers, with their sockets
 * @sw: the switch; @sw->pids is filled in.
 * @n: how many; 0: one for each CPU; at most MAX_HANDLERS.
 *
 * Return: 0, or -1 if that is not possible.
 */
int handlers_open(struct sw *sw, unsigned int n)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!n)
		n = cpus < 1 ? 1 : cpus < MAX_HANDLERS ? cpus : MAX_HANDLERS;
	for (n_handlers = 0; n_handlers < n; n_handlers++) {
		handlers[n_handlers] = handler_new(sw);
		if (!handlers[n_handlers])
			return -1;
		sw->pids[n_handlers] = nl_socket_get_local_port(handlers[n_handlers]->up);
	}
	sw->n_pids = n;
	return 0;
}

/**
 * handlers_start - have the handlers answer upcalls
 * @sw: the switch, whose datapath is there.
 *
 * Return: 0 or a negative errno.
 */
int handlers_start(struct sw *sw)
{
	sigset_t all, old;
	unsigned int i;
	int err = 0;

	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (i = 0; i < n_handlers && !err; i++) {
		handlers[i]->nl.dp_ifindex = sw->nl.dp_ifindex;
		err = -pthread_create(&handlers[i]->thread, NULL, handler_run,
				      handlers[i]);
		handlers[i]->running = !err;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

/**
 * handlers_stop - end the handlers; not in a turn
 * @sw: the switch.
 */
void handlers_stop(struct sw *sw)
{
	unsigned int i;

	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < n_handlers; i++) {
		/* It may be waiting for an upcall. */
		if (handlers[i]->running && (dpnl_wake(&sw->nl, sw->pids[i]) ||
					     pthread_join(handlers[i]->thread, NULL)))
			continue;
		handler_free(handlers[i]);
	}
	n_handlers = 0;
}
