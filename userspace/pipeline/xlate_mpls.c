// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MPLS: labels pushed, popped and rewritten.
 *
 * Behind a label nothing of the packet can be read.  When one is popped, what was
 * behind it is not known before the packet has been looked at anew: it recirculates
 * before the first action that may ask for it.
 */
#include "walk.h"

#include <arpa/inet.h>
#include <string.h>

#define ETH_IP 0x0800
#define ETH_IPV6 0x86dd
#define ETH_ARP 0x0806
#define ETH_RARP 0x8035

#define LSE_BOS (1u << 8)

static bool is_mpls(const struct flow *f)
{
	return f->dl_type == htons(0x8847) || f->dl_type == htons(0x8848);
}

/* A new outermost entry, as ovs-actions(7) has it. */
static uint32_t new_lse(struct walk *w)
{
	struct flow mpls = {}, ip = { .nw_tos = 0x1c, .nw_ttl = 0xff };
	const struct flow *cur = &w->s.cur;
	uint16_t type = ntohs(cur->dl_type);

	if (is_mpls(cur)) {
		mpls.mpls_lse[0] = UINT32_MAX;
		consult(w, &mpls);
		return ntohl(cur->mpls_lse[0]) & ~LSE_BOS;
	}
	if (type != ETH_IP && type != ETH_IPV6)
		return LSE_BOS | 64;
	consult(w, &ip);
	return (type == ETH_IPV6 ? 2u << 12 : 0) | (cur->nw_tos >> 2 & 7) << 9 |
	       LSE_BOS | cur->nw_ttl;
}

static void set_type(struct walk *w, uint16_t type)
{
	struct flow *cur = &w->s.cur;

	cur->dl_type = htons(type);
	if (cur->packet_type)
		cur->packet_type = htonl(1 << 16 | type);
}

/* Nothing that was read of what is behind the Ethernet header is so any more. */
static void forget_headers(struct walk *w)
{
	size_t from = offsetof(struct flow, mpls_lse);
	struct flow mask = { .dl_type = 0xffff };

	memset((uint8_t *)&mask + from, 0xff, FLOW_DP_LEN - from);
	memset((uint8_t *)&w->s.cur + from, 0, FLOW_DP_LEN - from);
	make_known(w, &mask);
	w->s.ttl_below = false;
	w->s.said.n = 0;
}

static void push_mpls(struct walk *w, uint16_t type)
{
	uint16_t was = ntohs(w->s.cur.dl_type);
	uint32_t below[MAX_MPLS] = {}, lse;
	struct op *op;

	if (!is_mpls(&w->s.cur) && was != ETH_IP && was != ETH_IPV6 &&
	    was != ETH_ARP && was != ETH_RARP) {
		walk_fail(w, "push_mpls on a packet of type 0x%x, which is none of IP, ARP and MPLS",
			  was);
		return;
	}
	lse = htonl(new_lse(w));
	if (is_mpls(&w->s.cur))
		memcpy(below + 1, w->s.cur.mpls_lse, sizeof(below) - sizeof(below[0]));
	below[0] = lse;
	commit_untagged(w);
	op = add_op(w, OP_PUSH_MPLS);
	if (!op)
		return;
	op->n = type;
	op->value.mpls_lse[0] = lse;
	forget_headers(w);
	set_type(w, type);
	memcpy(w->s.cur.mpls_lse, below, sizeof(below));
}

static void pop_mpls(struct walk *w, uint16_t type)
{
	struct op *op;

	if (!is_mpls(&w->s.cur))
		return;
	commit_untagged(w);
	op = add_op(w, OP_POP_MPLS);
	if (!op)
		return;
	op->n = type;
	forget_headers(w);
	set_type(w, type);
	w->s.popped = true;
}

/* One less; the datapath can't count, so that the value is the megaflow's. */
static void dec_mpls_ttl(struct walk *w)
{
	const struct field *f = field_find("mpls_ttl", 8);
	static const uint8_t all = 0xff;
	uint8_t ttl;

	if (!is_mpls(&w->s.cur))
		return;
	ttl = read_bits(w, f, 0, 8);
	if (ttl <= 1) {
		w->s.done = true;
		return;
	}
	ttl--;
	set_value(w, f, &ttl, &all);
}

void do_mpls(struct walk *w, const struct act *act)
{
	if (act->type == ACT_PUSH_MPLS)
		push_mpls(w, act->n);
	else if (act->type == ACT_POP_MPLS)
		pop_mpls(w, act->n);
	else
		dec_mpls_ttl(w);
}

/* Before the Ethernet type: a label that is popped changes none of these. */
static bool is_outside(const struct field *f)
{
	return f->ofs < offsetof(struct flow, dl_type) || f->ofs >= FLOW_DP_LEN;
}

/* Whether an action does not depend on what is behind the Ethernet addresses. */
static bool is_blind(const struct act *a)
{
	switch (a->type) {
	case ACT_OUTPUT:
		return !a->field || is_outside(a->field);
	case ACT_OUTPUT_PART:
	case ACT_IN_PORT:
	case ACT_FLOOD:
	case ACT_ALL:
	case ACT_DROP:
	case ACT_METER:
	case ACT_CONTROLLER:
		return true;
	case ACT_SET:
		return is_outside(a->field);
	case ACT_MOVE:
		return is_outside(a->field) && is_outside(a->src);
	default:
		return false;
	}
}

/**
 * look_anew - recirculate, if an action needs it, since a label was popped
 * @w: the walk, whose next action that is.
 * @a: the action.
 *
 * A packet has fewer labels each time, so that it does not come back for ever.
 *
 * Return: whether the walk is over.
 */
bool look_anew(struct walk *w, const struct act *a)
{
	struct op *op;
	uint32_t id;

	if (!w->s.popped || is_blind(a))
		return false;
	commit(w);
	id = walk_freeze(w, NULL, 0, 0, -1, BY_NONE);
	op = id ? add_op(w, OP_RECIRC) : NULL;
	if (op)
		op->recirc_id = id;
	w->s.done = true;
	return true;
}
