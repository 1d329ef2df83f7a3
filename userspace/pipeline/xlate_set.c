// SPDX-License-Identifier: GPL-2.0-or-later
/* Actions that change the packet, and how the datapath's packet is made so. */
#include "tlv.h"
#include "walk.h"

#include <arpa/inet.h>
#include <string.h>

#define TUN_OFS offsetof(struct flow, tun_id)
#define TUN_END offsetof(struct flow, ct_mark)

static void tunnel_mask(struct flow *mask)
{
	memset((uint8_t *)mask + TUN_OFS, 0xff, TUN_END - TUN_OFS);
}

static bool present(uint16_t tci)
{
	return tci & htons(VLAN_PRESENT);
}

/* Take off the tags that differ, and put on those that are to be. */
static void commit_vlan(struct walk *w)
{
	uint16_t tci[2] = { w->s.cur.vlan_tci, w->s.cur.vlan_tci2 };
	uint16_t tpid[2] = { w->s.cur.vlan_tpid, w->s.cur.vlan_tpid2 };
	uint16_t *base = w->s.base_tci, *base_tpid = w->s.base_tpid;
	int n_old = present(base[0]) + present(base[1]);
	int n_new = present(tci[0]) + present(tci[1]);
	struct op *op;
	int same = 0, i;

	while (same < n_old && same < n_new &&
	       base[n_old - 1 - same] == tci[n_new - 1 - same] &&
	       base_tpid[n_old - 1 - same] == tpid[n_new - 1 - same])
		same++;
	for (i = same; i < n_old; i++)
		add_op(w, OP_POP_VLAN);
	for (i = n_new - same - 1; i >= 0; i--) {
		op = add_op(w, OP_PUSH_VLAN);
		if (!op)
			return;
		op->n = ntohs(tpid[i]);
		op->tci = ntohs(tci[i]);
	}
	memcpy(w->s.base_tci, tci, sizeof(tci));
	memcpy(w->s.base_tpid, tpid, sizeof(tpid));
}

/* The datapath takes no tunnel that leads nowhere; it is of IPv6 if an address is. */
static bool leads_somewhere(const struct flow *f)
{
	return flow_has(f, offsetof(struct flow, tun_ipv6_src), offsetof(struct flow, tun_flags)) ?
	       flow_has(f, offsetof(struct flow, tun_ipv6_dst), offsetof(struct flow, tun_flags)) :
	       f->tun_dst;
}

static void commit_fields(struct walk *w)
{
	struct flow mask = {};
	struct op *op;

	memcpy(&mask, &w->s.set, FLOW_DP_LEN);
	mask.in_port = 0;	/* for rules alone */
	memset(&w->s.set, 0, sizeof(w->s.set));
	if (flow_has(&mask, TUN_OFS, TUN_END)) {
		op = leads_somewhere(&w->s.cur) ? add_op(w, OP_SET_TUNNEL) : NULL;
		if (op)
			op->value = w->s.cur;
		memset((uint8_t *)&mask + TUN_OFS, 0, TUN_END - TUN_OFS);
	}
	if (flow_is_zero(&mask))
		return;
	op = add_op(w, OP_SET);
	if (!op)
		return;
	op->mask = mask;
	op->value = w->s.cur;
}

/**
 * commit - make the datapath's packet what the rules have made of it
 * @w: the walk.
 */
void commit(struct walk *w)
{
	commit_vlan(w);
	commit_fields(w);
}

/**
 * commit_untagged - likewise, but for tags, which are taken off for a while
 * @w: the walk.
 *
 * The datapath takes labels only where there is no tag before them.
 */
void commit_untagged(struct walk *w)
{
	struct flow there = { .vlan_tci = htons(VLAN_PRESENT),
			      .vlan_tci2 = htons(VLAN_PRESENT) };
	unsigned int i;

	if (present(w->s.cur.vlan_tci))
		there.vlan_tci = 0xffff;
	if (present(w->s.cur.vlan_tci2))
		there.vlan_tci2 = 0xffff;
	consult(w, &there);
	for (i = 0; i < 2; i++) {
		if (present(w->s.base_tci[i]))
			add_op(w, OP_POP_VLAN);
		w->s.base_tci[i] = w->s.base_tpid[i] = 0;
	}
	commit_fields(w);
}

/* What a filter said was about another packet. */
static void changed(struct walk *w, const struct flow *mask)
{
	struct flow dp = {};

	memcpy(&dp, mask, FLOW_DP_LEN);
	dp.in_port = 0;
	if (!flow_is_zero(&dp))
		w->s.said.n = 0;
}

static void set_bits(struct walk *w, const struct flow *mask)
{
	struct flow tun = {};

	if (flow_has(mask, TUN_OFS, TUN_END)) {
		/* The datapath sets a tunnel's key as a whole. */
		tunnel_mask(&tun);
		consult(w, &tun);
		make_known(w, &tun);
	}
	flow_or(&w->s.set, mask, NULL);
	make_known(w, mask);
	changed(w, mask);
}

static bool is_tag(const struct field *f)
{
	return f->ofs == offsetof(struct flow, vlan_tci);
}

/* The tag as one number: without a tag it is 0. */
static bool is_whole_tag(const struct field *f)
{
	return is_tag(f) && f->bits == 16;
}

static void note_tunnel(struct walk *w, const struct flow *mask)
{
	if (mask->tun_id)
		w->s.cur.tun_flags |= htons(TUN_KEY);
	w->s.cur.tun_options |= tlv_touched(mask);
}

/*
 * Consults what tells whether the packet has a field, up to a bit of it: a frozen walk
 * may know an option that was longer, or is none any more.  Return: whether it has.
 */
static bool has_field(struct walk *w, const struct field *f, unsigned int end)
{
	struct flow mask = {};

	if (end > f->bits)
		return false;
	field_prereq_mask(f, &mask);
	if (is_tag(f)) {
		mask.vlan_tci |= htons(VLAN_PRESENT);
		consult(w, &mask);
		return is_whole_tag(f) || present(w->s.cur.vlan_tci);
	}
	consult(w, &mask);
	return field_prereq_met(f, &w->s.cur);
}

/*
 * Not every packet has an Ethernet header.  The datapath sets IP headers only where a megaflow knows the protocol, and takes 0,
 * which is one, for none.
 */
static bool can_set(struct walk *w, const struct field *f)
{
	static const struct flow proto = { .nw_proto = 0xff };

	if (f->ofs >= offsetof(struct flow, dl_dst) && f->ofs < offsetof(struct flow, dl_type))
		return w->ethernet;
	if (f->ofs < offsetof(struct flow, nw_src) || f->ofs >= offsetof(struct flow, arp_sha))
		return true;
	consult(w, &proto);
	return w->s.cur.nw_proto;
}

/* A tag is set as a whole, by taking it off and putting another on. */
static void set_tci(struct walk *w, uint16_t value, uint16_t mask)
{
	struct flow all = { .vlan_tci = 0xffff };

	consult(w, &all);
	w->s.cur.vlan_tci = htons((ntohs(w->s.cur.vlan_tci) & ~mask) | value |
				  VLAN_PRESENT);
	make_known(w, &all);
	changed(w, &all);
}

static void push_tag(struct walk *w, uint16_t tpid, uint16_t tci)
{
	struct flow there = { .vlan_tci = htons(VLAN_PRESENT),
			      .vlan_tci2 = htons(VLAN_PRESENT) };
	struct flow all = { .vlan_tci = 0xffff, .vlan_tci2 = 0xffff };
	struct flow outer = { .vlan_tci = 0xffff };
	struct flow *cur = &w->s.cur;

	if (!w->ethernet)
		return;		/* a tag is a part of that header */
	consult(w, &there);
	if (present(cur->vlan_tci2)) {
		walk_fail(w, "push_vlan on a packet that has two tags");
		return;
	}
	if (present(cur->vlan_tci))
		consult(w, &outer);
	cur->vlan_tci2 = cur->vlan_tci;
	cur->vlan_tpid2 = cur->vlan_tpid;
	cur->vlan_tci = htons(tci | VLAN_PRESENT);
	cur->vlan_tpid = htons(tpid);
	make_known(w, &all);
	changed(w, &all);
}

static void pop_tag(struct walk *w)
{
	struct flow there = { .vlan_tci = htons(VLAN_PRESENT),
			      .vlan_tci2 = htons(VLAN_PRESENT) };
	struct flow all = { .vlan_tci = 0xffff, .vlan_tci2 = 0xffff };
	struct flow inner = { .vlan_tci2 = 0xffff };
	struct flow *cur = &w->s.cur;

	consult(w, &there);
	if (!present(cur->vlan_tci))
		return;
	if (present(cur->vlan_tci2))
		consult(w, &inner);
	cur->vlan_tci = cur->vlan_tci2;
	cur->vlan_tpid = cur->vlan_tpid2;
	cur->vlan_tci2 = cur->vlan_tpid2 = 0;
	make_known(w, &all);
	changed(w, &all);
}

/*
 * A tag comes, changes, or goes, as the bit for its presence becomes.  Whether there is
 * one has been consulted, and if there is none, all of its bits are 0.
 */
static void set_whole_tag(struct walk *w, uint16_t value, uint16_t mask)
{
	uint16_t tci = (ntohs(w->s.cur.vlan_tci) & ~mask) | value;

	if (!(tci & VLAN_PRESENT))
		pop_tag(w);
	else if (present(w->s.cur.vlan_tci))
		set_tci(w, value, mask);
	else
		push_tag(w, 0x8100, tci);
}

/**
 * set_value - change a field; a packet without it stays as it is
 * @w: the walk.
 * @f: the field.
 * @value: as in &struct field_value.
 * @mask: likewise.
 */
void set_value(struct walk *w, const struct field *f, const uint8_t *value,
	       const uint8_t *mask)
{
	uint8_t new[FIELD_MAX];
	struct flow m = {};
	size_t i;

	if (!has_field(w, f, f->bits) || !can_set(w, f))
		return;
	field_put(f, &m, mask);
	if (is_tag(f)) {
		struct flow v = {};

		field_put(f, &v, value);
		if (is_whole_tag(f))
			set_whole_tag(w, ntohs(v.vlan_tci), ntohs(m.vlan_tci));
		else
			set_tci(w, ntohs(v.vlan_tci), ntohs(m.vlan_tci));
		return;
	}
	field_get(f, &w->s.cur, new);
	for (i = 0; i < field_bytes(f); i++)
		new[i] = value[i] | (new[i] & ~mask[i]);
	field_put(f, &w->s.cur, new);
	set_bits(w, &m);
	note_tunnel(w, &m);
}

/* Set_field and load; a frozen walk may know the field as another option. */
void do_set(struct walk *w, const struct act *act)
{
	if (act->n_bits == act->field->bits)
		set_value(w, act->field, act_value(act), act_mask(act));
}

/**
 * read_bits - take up to 32 bits of a field for a constant
 * @w: the walk.
 * @f: the field.
 * @ofs: the lowest bit.
 * @n: how many.
 *
 * Return: their value; 0 if the packet does not have the field.
 */
uint32_t read_bits(struct walk *w, const struct field *f, unsigned int ofs,
		   unsigned int n)
{
	uint32_t v = 0;

	if (!has_field(w, f, ofs + n))
		return 0;
	consult_bits(w, f, ofs, n);
	bits_copy((uint8_t *)&v, 4, 0, (const uint8_t *)&w->s.cur + f->ofs,
		  f->len, f->shift + ofs, n);
	return ntohl(v);
}

/**
 * moved_value - read what a move reads
 * @w: the walk.
 * @act: the action.
 * @v: filled in: what the field that it changes is set to.
 *
 * What is read is a constant of the megaflow, and so is then what is written.
 *
 * Return: false if the packet does not have the field that is read.
 */
bool moved_value(struct walk *w, const struct act *act, struct field_value *v)
{
	const struct field *src = act->src;
	size_t len = field_bytes(act->field);

	if (!has_field(w, src, act->src_ofs + act->n_bits) ||
	    act->ofs + act->n_bits > act->field->bits)
		return false;
	consult_bits(w, src, act->src_ofs, act->n_bits);
	memset(v->value, 0, len);
	memset(v->mask, 0, len);
	bits_copy(v->value, len, act->ofs, (const uint8_t *)&w->s.cur + src->ofs,
		  src->len, src->shift + act->src_ofs, act->n_bits);
	bits_set(v->mask, len, act->ofs, act->n_bits);
	return true;
}

void do_move(struct walk *w, const struct act *act)
{
	struct field_value v;

	if (moved_value(w, act, &v))
		set_value(w, act->field, v.value, v.mask);
}

void do_vlan(struct walk *w, const struct act *act)
{
	struct flow there = { .vlan_tci = htons(VLAN_PRESENT) };
	bool vid = act->type == ACT_VLAN_VID;

	if (act->type == ACT_PUSH_VLAN) {
		push_tag(w, act->n, 0);
	} else if (act->type == ACT_POP_VLAN) {
		pop_tag(w);
	} else {
		consult(w, &there);
		if (!present(w->s.cur.vlan_tci))
			push_tag(w, 0x8100, vid ? act->n : act->n << 13);
		else
			set_tci(w, vid ? act->n : act->n << 13, vid ? 0xfff : 0xe000);
	}
}

static bool ttl_is_constant(const struct walk *w)
{
	unsigned int i;

	if (w->s.known.nw_ttl != 0xff || w->s.ttl_below)
		return false;
	for (i = 0; i < w->s.n_bpf; i++)
		if (w->s.known_since[i].nw_ttl != 0xff)
			return false;
	return true;
}

/*
 * One less.  The datapath does it, and drops what has no more hops to go, so that
 * packets of any TTL share a megaflow.
 */
void do_dec_ttl(struct walk *w)
{
	const struct field *f = field_find("nw_ttl", 6);
	struct flow mask = { .nw_ttl = 0xff };

	if (!has_field(w, f, f->bits))
		return;
	if (ttl_is_constant(w)) {
		if (w->s.cur.nw_ttl <= 1) {
			w->s.done = true;
			return;
		}
		w->s.cur.nw_ttl--;
		set_bits(w, &mask);
		return;
	}
	commit(w);
	add_op(w, OP_DEC_TTL);
	w->s.cur.nw_ttl--;
	w->s.ttl_below = true;
	changed(w, &mask);
}
