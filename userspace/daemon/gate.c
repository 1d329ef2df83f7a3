// SPDX-License-Identifier: GPL-2.0-or-later
/* The gate before a handler; see gate.h. */
#include "gate.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/**
 * struct gate_view - a message
 * @msg: its bytes.
 * @len: how many.
 */
struct gate_view {
	const char *msg;
	size_t len;
};

static int gate_load(const struct gate_view *v, uint32_t ofs, void *to, uint32_t n)
{
	if (ofs > v->len || n > v->len - ofs)
		return -1;
	memcpy(to, v->msg + ofs, n);
	return 0;
}

#define gate_msg const struct gate_view
#include "gate.bpf.h"
#include "gate.skel.h"

static size_t size(void)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (GATE_LANES * sizeof(struct lane) + page - 1) / page * page;
}

/**
 * gate_open - set a gate up; gate_limit() must follow
 * @g: filled in.
 * @socket: where upcalls are to come.
 *
 * Return: 0, or a negative errno, and there is no gate.
 */
int gate_open(struct gate *g, int socket)
{
	int prog, err;
	void *p;

	g->lanes = NULL;
	g->skel = gate_bpf__open_and_load();
	if (!g->skel)
		return -errno;
	p = mmap(NULL, size(), PROT_READ | PROT_WRITE, MAP_SHARED,
		 bpf_map__fd(g->skel->maps.lanes), 0);
	prog = bpf_program__fd(g->skel->progs.gate);
	if (p != MAP_FAILED &&
	    !setsockopt(socket, SOL_SOCKET, SO_ATTACH_BPF, &prog, sizeof(prog))) {
		g->lanes = p;
		return 0;
	}
	err = -errno;
	if (p != MAP_FAILED)
		munmap(p, size());
	gate_close(g);
	return err;
}

void gate_close(struct gate *g)
{
	if (g->lanes)
		munmap(g->lanes, size());
	g->lanes = NULL;
	gate_bpf__destroy(g->skel);
	g->skel = NULL;
}

/* Let so many upcalls of each port wait. */
void gate_limit(struct gate *g, uint32_t max)
{
	unsigned int i;

	for (i = 0; g->lanes && i < GATE_LANES; i++)
		__atomic_store_n(&g->lanes[i].max, max, __ATOMIC_RELAXED);
}

static struct lane *lane(const struct gate *g, uint32_t port)
{
	return &g->lanes[port < GATE_LANES ? port : GATE_LANES - 1];
}

/* An upcall has been dealt with. */
void gate_done(struct gate *g, const void *msg, size_t len)
{
	struct gate_view v = { msg, len };
	int n = gate_lane(&v);

	if (g->lanes && n >= 0)
		__atomic_store_n(&g->lanes[n].out, g->lanes[n].out + 1, __ATOMIC_RELAXED);
}

/* How many of a port were not let in.  By any thread. */
uint64_t gate_lost(const struct gate *g, uint32_t port)
{
	return g->lanes ? __atomic_load_n(&lane(g, port)->lost, __ATOMIC_RELAXED) : 0;
}

/**
 * gate_settle - what was let in has come, or never will
 * @g: the gate.
 * @waiting: what has come and is not dealt with.
 *
 * For when the socket has run over all the same, and was found empty since: what the
 * filter let in, and the socket had no room for, is taken for dealt with.
 */
void gate_settle(struct gate *g, const struct portq *waiting)
{
	const struct portq_port *p;
	const struct portq_item *item;
	unsigned int i;
	int n;

	for (i = 0; g->lanes && i < GATE_LANES; i++)
		__atomic_store_n(&g->lanes[i].out,
				 __atomic_load_n(&g->lanes[i].in, __ATOMIC_RELAXED),
				 __ATOMIC_RELAXED);
	TAILQ_FOREACH(p, &waiting->ring, turn) {
		STAILQ_FOREACH(item, &p->items, link) {
			struct gate_view v = { (const char *)item->msg, item->len };

			n = gate_lane(&v);
			if (g->lanes && n >= 0)
				g->lanes[n].out--;
		}
	}
}
