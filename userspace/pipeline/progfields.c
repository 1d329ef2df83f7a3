// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the bytes that a program may write to the fields that it may change.
 *
 * Where a header lies is not always known: tags may be in the packet or beside
 * it, 802.2 SNAP shifts layer 3 by eight bytes, options and extension headers
 * shift layer 4.  A field counts as changed if it is so in any packet that the
 * flow may stand for.  What a table here does not place counts as changed by
 * every write to a packet.
 */
#include "progwrites.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <string.h>

#include "flow.h"

#define SNAP_LEN 8
#define MAX_TAGS 2

enum target {
	T_BYTES,	/* byte by byte */
	T_FIELD,	/* the field as a whole */
	T_L4,		/* every field of the transport header */
	T_L3,		/* every field from layer 3 on */
	T_ALL,		/* every field of the packet */
};

/**
 * struct place - bytes of a header, and what depends on them
 * @from: first byte.
 * @to: behind the last.
 * @target: &enum target.
 * @ofs: of T_BYTES and T_FIELD: the field, in struct flow.
 * @len: its bytes.
 */
struct place {
	uint8_t from;
	uint8_t to;
	uint8_t target;
	uint16_t ofs;
	uint8_t len;
};

#define FIELD(a, b, t, m)						\
	{ a, b, t, offsetof(struct flow, m), sizeof(((struct flow *)0)->m) }

static const struct place ethernet_places[] = {
	FIELD(0, 6, T_BYTES, dl_dst),
	FIELD(6, 12, T_BYTES, dl_src),
	{ 12, 14, T_ALL, 0, 0 },
	{ 0, 0, 0, 0, 0 }
};

/* RFC 791; the lengths tell whether the packet is valid, and where it ends. */
static const struct place ipv4_places[] = {
	{ 0, 1, T_L3, 0, 0 },
	FIELD(1, 2, T_FIELD, nw_tos),
	{ 2, 4, T_L3, 0, 0 },
	FIELD(6, 8, T_FIELD, nw_frag),
	{ 6, 8, T_L4, 0, 0 },
	FIELD(8, 9, T_FIELD, nw_ttl),
	FIELD(9, 10, T_FIELD, nw_proto),
	{ 9, 10, T_L4, 0, 0 },
	FIELD(12, 16, T_BYTES, nw_src),
	FIELD(16, 20, T_BYTES, nw_dst),
	{ 0, 0, 0, 0, 0 }
};

/* RFC 8200; a bad extension header makes the whole of it invalid. */
static const struct place ipv6_places[] = {
	FIELD(0, 2, T_FIELD, nw_tos),
	{ 4, 7, T_L3, 0, 0 },
	FIELD(7, 8, T_FIELD, nw_ttl),
	FIELD(8, 24, T_BYTES, ipv6_src),
	FIELD(24, 40, T_BYTES, ipv6_dst),
	{ 0, 0, 0, 0, 0 }
};

/* RFC 826, for IPv4 over Ethernet. */
static const struct place arp_places[] = {
	{ 0, 6, T_L3, 0, 0 },
	FIELD(6, 8, T_FIELD, nw_proto),
	FIELD(8, 14, T_BYTES, arp_sha),
	FIELD(14, 18, T_BYTES, nw_src),
	FIELD(18, 24, T_BYTES, arp_tha),
	FIELD(24, 28, T_BYTES, nw_dst),
	{ 0, 0, 0, 0, 0 }
};

/* Ports, or ICMP's type and code; and TCP's length, without which no ports. */
static const struct place l4_places[] = {
	{ 0, 2, T_L4, 0, 0 },
	FIELD(2, 4, T_FIELD, tp_dst),
	{ 12, 14, T_L4, 0, 0 },
	{ 0, 0, 0, 0, 0 }
};

static bool any_of(const struct pw_bytes *b, unsigned int from, unsigned int to)
{
	for (; from < to; from++)
		if (pw_bytes_has(b, from))
			return true;
	return false;
}

static void set_field(struct flow *f, size_t ofs, size_t len)
{
	memset((uint8_t *)f + ofs, 0xff, len);
}

#define SET(f, m) set_field(f, offsetof(struct flow, m), sizeof((f)->m))

static void set_l4(struct flow *f)
{
	SET(f, tp_src);
	SET(f, tp_dst);
	SET(f, tcp_flags);
	SET(f, nd_target);
	SET(f, nd_sll);
	SET(f, nd_tll);
}

static void set_l3(struct flow *f)
{
	SET(f, nw_src);
	SET(f, nw_dst);
	SET(f, ipv6_src);
	SET(f, ipv6_dst);
	SET(f, ipv6_label);
	SET(f, nw_proto);
	SET(f, nw_tos);
	SET(f, nw_ttl);
	SET(f, nw_frag);
	SET(f, arp_sha);
	SET(f, arp_tha);
	SET(f, ipv6_exthdr);
	set_l4(f);
}

/* All fields that the packet's bytes determine. */
static void set_all(struct flow *f)
{
	size_t first = offsetof(struct flow, dl_dst);

	memset((uint8_t *)f + first, 0xff, FLOW_DP_LEN - first);
}

/* What a program that does anything may change beside the bytes. */
static void set_metadata(struct flow *f)
{
	SET(f, ct_state);
	memset(&f->tun_id, 0xff,
	       offsetof(struct flow, dl_dst) - offsetof(struct flow, tun_id));
}

/* Fields that depend on the header at an offset. */
static void add_header(const struct place *p, const struct pw_bytes *b,
		       unsigned int at, struct flow *f)
{
	unsigned int i;

	for (; p->to; p++) {
		if (!any_of(b, at + p->from, at + p->to))
			continue;
		switch (p->target) {
		case T_BYTES:
			for (i = 0; i < p->len; i++)
				if (pw_bytes_has(b, at + p->from + i))
					set_field(f, p->ofs + i, 1);
			break;
		case T_FIELD:
			set_field(f, p->ofs, p->len);
			break;
		case T_L4:
			set_l4(f);
			break;
		case T_L3:
			set_l3(f);
			break;
		case T_ALL:
			set_all(f);
			break;
		}
	}
}

/* Fields of layer 3 and up, if layer 3 is at an offset. */
static void add_l3(const struct pw_bytes *b, uint16_t type, unsigned int at,
		   struct flow *f)
{
	unsigned int i;

	switch (type) {
	case ETH_P_IP:
		add_header(ipv4_places, b, at, f);
		for (i = 20; i <= 60; i += 4)
			add_header(l4_places, b, at + i, f);
		break;
	case ETH_P_IPV6:
		add_header(ipv6_places, b, at, f);
		if (any_of(b, at + 40, PW_BYTES + 1))
			set_l3(f);
		break;
	case ETH_P_ARP:
	case ETH_P_RARP:
		add_header(arp_places, b, at, f);
		break;
	case ETH_P_MPLS_UC:
	case ETH_P_MPLS_MC:
		if (any_of(b, at, at + 4 * MAX_MPLS))
			SET(f, mpls_lse);
		break;
	}
}

/* Writes to packets of which the program had seen nothing. */
static void add_unseen(const struct pw_bytes *b, const struct flow *flow,
		       struct flow *f)
{
	unsigned int tags, max = flow->vlan_tci ? MAX_TAGS : 0, at;

	add_header(ethernet_places, b, 0, f);
	for (tags = 0; tags <= max; tags++) {
		at = ETH_HLEN + 4 * tags;
		/* A type, a tag, or what makes SNAP of the bytes behind a length. */
		if (any_of(b, at - 2, at + SNAP_LEN))
			set_all(f);
		add_l3(b, ntohs(flow->dl_type), at, f);
		add_l3(b, ntohs(flow->dl_type), at + SNAP_LEN, f);
	}
}

/* Writes to packets that the program had seen to be of the flow's type. */
static void add_seen(const struct pw_class *c, struct flow *f)
{
	add_header(ethernet_places, &c->data, 0, f);
	add_l3(&c->data, c->eth_type, ETH_HLEN, f);
	add_header(l4_places, &c->l4, 0, f);
	if (c->eth_type == ETH_P_IPV6 && any_of(&c->l4, 4, PW_BYTES + 1)) {
		SET(f, nd_target);
		SET(f, nd_sll);
		SET(f, nd_tll);
	}
}

/* What the tables above place; the rest is unknown to them. */
static void add_placed(const struct place *p, struct flow *f)
{
	for (; p->to; p++)
		if (p->target == T_BYTES || p->target == T_FIELD)
			set_field(f, p->ofs, p->len);
}

static void add_unplaced(struct flow *f)
{
	struct flow placed = {}, all = {};

	add_placed(ethernet_places, &placed);
	set_l3(&placed);
	SET(&placed, dl_type);
	SET(&placed, vlan_tci);
	SET(&placed, vlan_tci2);
	SET(&placed, mpls_lse);
	set_all(&all);
	flow_or(f, &all, &placed);
}

/**
 * progwrites_needs_vlan - whether the fields depend on there being a VLAN tag
 * @pw: what a program may write.
 */
bool progwrites_needs_vlan(const struct progwrites *pw)
{
	return !pw->anything && any_of(&pw->class[0].data, 12, PW_BYTES + 1);
}

/**
 * progwrites_fields - tell which fields a program may change
 * @pw: what it may write.
 * @flow: the packets that it is run on: dl_type is exact, and if
 *	progwrites_needs_vlan(), so is whether there is a tag.
 * @ethernet: they have an Ethernet header.
 * @changed: filled in: ones where a bit may change.
 *
 * The fields are those that the datapath would extract before and after the
 * run.
 */
void progwrites_fields(const struct progwrites *pw, const struct flow *flow,
		       bool ethernet, struct flow *changed)
{
	uint32_t i;

	memset(changed, 0, sizeof(*changed));
	if (pw->meta & PW_MARK)
		SET(changed, skb_mark);
	if (pw->meta & PW_PRIORITY)
		SET(changed, skb_priority);
	if (!progwrites_packet(pw))
		return;
	if (pw->anything || !ethernet) {
		set_all(changed);
		if (pw->anything)
			set_metadata(changed);
		return;
	}
	add_unplaced(changed);
	add_unseen(&pw->class[0].data, flow, changed);
	for (i = 1; i < pw->n_classes; i++)
		if (pw->class[i].eth_type == ntohs(flow->dl_type))
			add_seen(&pw->class[i], changed);
}

/**
 * progwrites_meets - whether a program may change a field that is used
 * @pw: what it may write.
 * @flow: as for progwrites_fields().
 * @ethernet: likewise.
 * @used: ones where a bit is used.
 */
bool progwrites_meets(const struct progwrites *pw, const struct flow *flow,
		      bool ethernet, const struct flow *used)
{
	const uint8_t *u = (const uint8_t *)used;
	struct flow changed;
	size_t i;

	progwrites_fields(pw, flow, ethernet, &changed);
	for (i = 0; i < FLOW_DP_LEN; i++)
		if (((const uint8_t *)&changed)[i] & u[i])
			return true;
	return false;
}
