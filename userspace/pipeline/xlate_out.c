// SPDX-License-Identifier: GPL-2.0-or-later
/* Actions by which a packet leaves: ports, groups, connection tracking. */
#include "walk.h"

#include <arpa/inet.h>
#include <string.h>

/*
 * A register may hold, and in_port be set to, what no port can have for a number: one
 * such output, and the datapath would refuse all of the megaflow.
 */
static void output_part(struct walk *w, uint32_t port, uint32_t max_len)
{
	struct op *op;

	if (port > MAX_PORT) {
		walk_trace(w, "no port has the number %u: that output is left out", port);
		return;
	}
	commit(w);
	op = max_len ? add_op(w, OP_TRUNC) : NULL;
	if (op)
		op->n = max_len;
	op = add_op(w, OP_OUTPUT);
	if (op)
		op->n = port;
}

void do_output(struct walk *w, uint32_t port)
{
	output_part(w, port, 0);
}

static void flood(struct walk *w)
{
	uint32_t in_port = ntohl(w->s.cur.in_port);
	unsigned int i;

	for (i = 0; i < w->in->n_ports && !w->s.done; i++)
		if (w->in->ports[i] != in_port)
			do_output(w, w->in->ports[i]);
}

/* A packet does not go out where it came in, unless told to by IN_PORT. */
void do_ports(struct walk *w, const struct act *act)
{
	uint32_t in_port = ntohl(w->s.cur.in_port), port = act->n;

	if (act->type == ACT_IN_PORT) {
		do_output(w, in_port);
	} else if (act->type == ACT_OUTPUT) {
		if (act->field)
			port = read_bits(w, act->field, act->ofs, act->n_bits);
		if (port != in_port)
			do_output(w, port);
	} else if (act->type == ACT_OUTPUT_PART) {
		if (act->port == NO_PORT)
			output_part(w, in_port, act->n);
		else if (act->port != in_port)
			output_part(w, act->port, act->n);
	} else {
		flood(w);
	}
}

/* Whether the packet is for bridges themselves: 01:80:c2:00:00:00 to ...:0f. */
static bool is_for_bridges(struct walk *w)
{
	static const uint8_t reserved[5] = { 0x01, 0x80, 0xc2 };
	struct flow mask = { .dl_dst = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xf0 } };

	consult(w, &mask);
	return !memcmp(w->s.cur.dl_dst, reserved, sizeof(reserved)) && w->s.cur.dl_dst[5] < 0x10;
}

/* To where the destination was seen, or everywhere. */
void do_normal(struct walk *w)
{
	struct flow mask = { .vlan_tci = htons(VLAN_PRESENT) };
	const struct mac_entry *e;
	struct mac_key key = {};

	if (is_for_bridges(w))
		return;
	if (w->s.cur.vlan_tci & htons(VLAN_PRESENT))
		mask.vlan_tci |= htons(0xfff);
	memset(mask.dl_src, 0xff, 6);
	memset(mask.dl_dst, 0xff, 6);
	consult(w, &mask);
	key.vlan = w->s.cur.vlan_tci & htons(0xfff);
	memcpy(key.mac, w->s.cur.dl_src, 6);
	w->out->learns = true;
	w->out->learn = key;
	memcpy(key.mac, w->s.cur.dl_dst, 6);
	e = w->in->macs && !(key.mac[0] & 1) ? mac_find(w->in->macs, &key) : NULL;
	if (!e)
		flood(w);
	else if (e->port != ntohl(w->s.cur.in_port))
		do_output(w, e->port);
}

/* A list that changes nothing needs no copy of the packet. */
static bool is_harmless(const struct xlate_out *out, unsigned int from)
{
	unsigned int i;

	for (i = from; i < out->n_ops; i++)
		if (out->ops[i].type != OP_OUTPUT && out->ops[i].type != OP_TRUNC &&
		    out->ops[i].type != OP_NONE)
			return false;
	return true;
}

/* Do a list of actions to a copy of the packet. */
static void do_copy(struct walk *w, const struct act *acts, unsigned int n)
{
	struct frame of = { .table = 0 };
	struct state saved;
	unsigned int first;

	if (w->s.n_frames)
		of = w->s.frames[w->s.n_frames - 1];
	commit(w);
	if (w->nest == MAX_NEST) {
		walk_fail(w, "groups and branches nest more than %d deep", MAX_NEST);
		return;
	}
	if (!add_op(w, OP_CLONE))
		return;
	first = w->out->n_ops;
	w->nest++;
	saved = w->s;
	w->s.n_frames = 0;
	walk_push(w, acts, n, of.table, &of);
	walk_run(w);
	w->nest--;
	w->s = saved;
	if (is_harmless(w->out, first))
		w->out->ops[first - 1].type = OP_NONE;
	else
		add_op(w, OP_END);
}

static bool port_live(const struct walk *w, uint32_t port)
{
	unsigned int i;

	if (w->in->port_live)
		return w->in->port_live(port, w->in->arg);
	for (i = 0; i < w->in->n_ports; i++)
		if (w->in->ports[i] == port)
			return true;
	return false;
}

/* Groups that have been looked at, of those that watch others. */
struct seen {
	unsigned int n;
	uint32_t ids[MAX_WATCHED];
};

static bool group_live(const struct walk *w, uint32_t id, struct seen *seen);

/* What watches nothing lives; what watches both, if one of them does. */
static bool bucket_live(const struct walk *w, const struct bucket *b, struct seen *seen)
{
	bool port = b->watch_port != NO_PORT, group = b->watch_group != NO_GROUP;

	return (!port && !group) || (port && port_live(w, b->watch_port)) ||
	       (group && group_live(w, b->watch_group, seen));
}

/* A group lives if one of its buckets does; each is asked once, so that none asks itself. */
static bool group_live(const struct walk *w, uint32_t id, struct seen *seen)
{
	const struct group *g = group_find(w->in->groups, id);
	unsigned int i;

	for (i = 0; i < seen->n; i++)
		if (seen->ids[i] == id)
			return false;
	if (!g || seen->n == MAX_WATCHED)
		return false;
	seen->ids[seen->n++] = id;
	for (i = 0; i < g->n_buckets; i++)
		if (bucket_live(w, &g->buckets[i], seen))
			return true;
	return false;
}

/* By hash: the datapath computes it, and the packet comes back with it. */
static void do_select(struct walk *w, const struct group *g)
{
	struct act pick = { .type = ACT_PICK, .n = g->id };
	struct op *op;
	uint32_t id;

	if (!g->n_buckets)
		return;
	commit(w);
	id = walk_freeze(w, &pick, 1, 0, -1, BY_ANSWER);
	if (!id || !add_op(w, OP_HASH))
		return;
	op = add_op(w, OP_RECIRC);
	if (op)
		op->recirc_id = id;
	w->s.done = true;
}

void do_group(struct walk *w, uint32_t id)
{
	const struct group *g = w->in->groups ? group_find(w->in->groups, id) : NULL;
	unsigned int i;

	if (!g) {
		walk_fail(w, "there is no group %u", id);
		return;
	}
	if (g->type == GROUP_SELECT) {
		do_select(w, g);
		return;
	}
	for (i = 0; i < g->n_buckets && !w->out->error; i++) {
		const struct bucket *b = &g->buckets[i];

		struct seen seen = { .n = 1, .ids = { g->id } };

		if (g->type == GROUP_FF && !bucket_live(w, b, &seen))
			continue;
		do_copy(w, b->acts, b->n_acts);
		if (g->type == GROUP_FF)
			return;
	}
}

/* The bucket that has a slot of so many, by weight. */
static const struct bucket *bucket_of(const struct group *g, unsigned int slot,
				      unsigned int n_slots)
{
	uint64_t total = 0, at, sum = 0;
	unsigned int i;

	for (i = 0; i < g->n_buckets; i++)
		total += g->buckets[i].weight;
	at = (2 * slot + 1) * total / (2 * n_slots);
	for (i = 0; i < g->n_buckets; i++) {
		sum += g->buckets[i].weight;
		if (at < sum)
			break;
	}
	return &g->buckets[i];
}

/* Behind the hash of a select group: few of its bits are read. */
void do_pick(struct walk *w, uint32_t id)
{
	const struct group *g = w->in->groups ? group_find(w->in->groups, id) : NULL;
	const struct bucket *b;
	unsigned int n = 16;

	if (!g || g->type != GROUP_SELECT || !g->n_buckets) {
		walk_fail(w, "there is no select group %u any more", id);
		return;
	}
	while (n < 4 * g->n_buckets)
		n *= 2;
	consult_bits(w, field_find("dp_hash", 7), 0, __builtin_ctz(n));
	b = bucket_of(g, ntohl(w->s.cur.dp_hash) & (n - 1), n);
	do_copy(w, b->acts, b->n_acts);
}

/* What the packet says of its connection is gone. */
static void forget_connection(struct walk *w)
{
	struct flow mask = { .ct_state = UINT32_MAX };

	memset((uint8_t *)&mask + FLOW_CT_OFS, 0xff, FLOW_CT_END - FLOW_CT_OFS);
	w->s.cur.ct_state = 0;
	memset((uint8_t *)&w->s.cur + FLOW_CT_OFS, 0, FLOW_CT_END - FLOW_CT_OFS);
	make_known(w, &mask);
	w->s.said.n = 0;
}

/* Mark and label that exec() sets; they begin as they are. */
static void run_exec(struct walk *w, const struct act *act, struct op *op)
{
	const struct act *a;
	struct field_value v;
	unsigned int i, k;

	for (i = 0; i < act->ct.n_exec; i++) {
		struct flow value = {}, mask = {};

		a = &act[1 + i];
		if (a->type == ACT_MOVE && !moved_value(w, a, &v))
			continue;
		field_put(a->field, &value, a->type == ACT_MOVE ? v.value : act_value(a));
		field_put(a->field, &mask, a->type == ACT_MOVE ? v.mask : act_mask(a));
		op->value.ct_mark = (op->value.ct_mark & ~mask.ct_mark) | value.ct_mark;
		op->mask.ct_mark |= mask.ct_mark;
		for (k = 0; k < 16; k++) {
			op->value.ct_label[k] &= ~mask.ct_label[k];
			op->value.ct_label[k] |= value.ct_label[k];
			op->mask.ct_label[k] |= mask.ct_label[k];
		}
	}
}

static bool frames_left(const struct walk *w)
{
	unsigned int i;

	for (i = 0; i < w->s.n_frames; i++)
		if (w->s.frames[i].n_acts)
			return true;
	return false;
}

static bool is_ip(struct walk *w)
{
	struct flow mask = { .dl_type = 0xffff };
	uint16_t type = ntohs(w->s.cur.dl_type);

	consult(w, &mask);
	return type == 0x0800 || type == 0x86dd;
}

/* The datapath takes a helper for the protocol that a megaflow knows to be its own. */
static void check_helper(struct walk *w, struct act_ct *ct)
{
	struct flow mask = { .nw_proto = 0xff };
	uint8_t proto = strcmp(ct->alg, "ftp") ? IPPROTO_UDP : IPPROTO_TCP;

	if (!*ct->alg)
		return;
	consult(w, &mask);
	if (w->s.cur.nw_proto != proto)
		memset(ct->alg, 0, sizeof(ct->alg));
}

static void add_ct(struct walk *w, const struct act *act)
{
	uint16_t zone = act->field ?
			read_bits(w, act->field, act->ofs, act->n_bits) :
			act->ct.zone;
	struct op *op = add_op(w, OP_CT);

	if (!op)
		return;
	op->act = *act;
	check_helper(w, &op->act.ct);
	op->n = zone;
	op->value.dl_type = w->s.cur.dl_type;
	run_exec(w, act, op);
}

/*
 * With a table, the packet goes on there when its connection is known, and a copy
 * of it with what is left to do here.  What is not IP has no connection, and goes on
 * there without.
 */
void do_ct(struct walk *w, const struct act *act)
{
	struct act go = { .type = ACT_RESUBMIT, .n = act->ct.table, .port = NO_PORT };
	struct state saved;
	struct op *op;
	bool copy;
	uint32_t id;

	if (!is_ip(w)) {
		if (act->ct.table >= 0)
			do_copy(w, &go, 1);
		return;
	}
	commit(w);
	if (act->ct.table < 0) {
		add_ct(w, act);
		forget_connection(w);
		return;
	}
	copy = frames_left(w);
	if (copy && !add_op(w, OP_CLONE))
		return;
	add_ct(w, act);
	saved = w->s;
	w->s.n_frames = 0;
	id = walk_freeze(w, &go, 1, act->ct.table, -1, BY_CT);
	w->s = saved;
	op = id ? add_op(w, OP_RECIRC) : NULL;
	if (op)
		op->recirc_id = id;
	if (!op || !copy) {
		w->s.done = true;
		return;
	}
	add_op(w, OP_END);
	forget_connection(w);
}

void do_ct_clear(struct walk *w)
{
	commit(w);
	add_op(w, OP_CT_CLEAR);
	forget_connection(w);
}

void do_controller(struct walk *w, const struct act *act)
{
	const struct frame *top = &w->s.frames[w->s.n_frames - 1];
	struct op *op;

	commit(w);
	op = add_op(w, OP_CONTROLLER);
	if (!op)
		return;
	op->n = act->n;
	op->table = top->table;
	op->cookie = top->cookie;
}
