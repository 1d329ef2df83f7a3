// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keys and masks.  The key of a megaflow is the one that its upcall brought, as it
 * came; only masks and actions are made here.
 */
#include "odp.h"
#include "attr.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/openvswitch.h>
#include <netlink/attr.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define P(type, member, f, k)						\
	{ offsetof(struct type, member), offsetof(struct flow, f),	\
	  sizeof(((struct type *)0)->member), k }
#define W(f, k) { 0, offsetof(struct flow, f), sizeof(((struct flow *)0)->f), k }

const struct odp_map odp_maps[] = {
	{ OVS_KEY_ATTR_PRIORITY, 4, 1, { W(skb_priority, HOST32) } },
	{ OVS_KEY_ATTR_IN_PORT, 4, 1, { W(in_port, HOST32) } },
	{ OVS_KEY_ATTR_SKB_MARK, 4, 1, { W(skb_mark, HOST32) } },
	{ OVS_KEY_ATTR_DP_HASH, 4, 1, { W(dp_hash, HOST32) } },
	{ OVS_KEY_ATTR_RECIRC_ID, 4, 1, { W(recirc_id, HOST32) } },
	{ OVS_KEY_ATTR_CT_STATE, 4, 1, { W(ct_state, HOST32) } },
	{ OVS_KEY_ATTR_CT_ZONE, 2, 1, { W(ct_zone, HOST16) } },
	{ OVS_KEY_ATTR_CT_MARK, 4, 1, { W(ct_mark, HOST32) } },
	{ OVS_KEY_ATTR_CT_LABELS, 16, 1, { W(ct_label, LABELS) } },
	{ OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV4, sizeof(struct ovs_key_ct_tuple_ipv4), 5, {
		P(ovs_key_ct_tuple_ipv4, ipv4_src, ct_nw_src, COPY),
		P(ovs_key_ct_tuple_ipv4, ipv4_dst, ct_nw_dst, COPY),
		P(ovs_key_ct_tuple_ipv4, src_port, ct_tp_src, COPY),
		P(ovs_key_ct_tuple_ipv4, dst_port, ct_tp_dst, COPY),
		P(ovs_key_ct_tuple_ipv4, ipv4_proto, ct_nw_proto, COPY) } },
	{ OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV6, sizeof(struct ovs_key_ct_tuple_ipv6), 5, {
		P(ovs_key_ct_tuple_ipv6, ipv6_src, ct_ipv6_src, COPY),
		P(ovs_key_ct_tuple_ipv6, ipv6_dst, ct_ipv6_dst, COPY),
		P(ovs_key_ct_tuple_ipv6, src_port, ct_tp_src, COPY),
		P(ovs_key_ct_tuple_ipv6, dst_port, ct_tp_dst, COPY),
		P(ovs_key_ct_tuple_ipv6, ipv6_proto, ct_nw_proto, COPY) } },
	{ OVS_KEY_ATTR_ETHERNET, 12, 2, {
		P(ovs_key_ethernet, eth_src, dl_src, COPY),
		P(ovs_key_ethernet, eth_dst, dl_dst, COPY) } },
	{ OVS_KEY_ATTR_VLAN, 2, 1, { W(vlan_tci, COPY) } },
	{ OVS_KEY_ATTR_ETHERTYPE, 2, 1, { W(dl_type, COPY) } },
	{ OVS_KEY_ATTR_MPLS, 4, 1, { W(mpls_lse[0], COPY) } },
	{ OVS_KEY_ATTR_IPV4, 12, 6, {
		P(ovs_key_ipv4, ipv4_src, nw_src, COPY),
		P(ovs_key_ipv4, ipv4_dst, nw_dst, COPY),
		P(ovs_key_ipv4, ipv4_proto, nw_proto, COPY),
		P(ovs_key_ipv4, ipv4_tos, nw_tos, COPY),
		P(ovs_key_ipv4, ipv4_ttl, nw_ttl, COPY),
		P(ovs_key_ipv4, ipv4_frag, nw_frag, FRAG) } },
	{ OVS_KEY_ATTR_IPV6, 40, 7, {
		P(ovs_key_ipv6, ipv6_src, ipv6_src, COPY),
		P(ovs_key_ipv6, ipv6_dst, ipv6_dst, COPY),
		P(ovs_key_ipv6, ipv6_label, ipv6_label, COPY),
		P(ovs_key_ipv6, ipv6_proto, nw_proto, COPY),
		P(ovs_key_ipv6, ipv6_tclass, nw_tos, COPY),
		P(ovs_key_ipv6, ipv6_hlimit, nw_ttl, COPY),
		P(ovs_key_ipv6, ipv6_frag, nw_frag, FRAG) } },
	{ OVS_KEY_ATTR_IPV6_EXTHDRS, 2, 1, { W(ipv6_exthdr, HOST16) } },
	{ OVS_KEY_ATTR_TCP, 4, 2, { P(ovs_key_tcp, tcp_src, tp_src, COPY),
				    P(ovs_key_tcp, tcp_dst, tp_dst, COPY) } },
	{ OVS_KEY_ATTR_TCP_FLAGS, 2, 1, { W(tcp_flags, COPY) } },
	{ OVS_KEY_ATTR_UDP, 4, 2, { P(ovs_key_udp, udp_src, tp_src, COPY),
				    P(ovs_key_udp, udp_dst, tp_dst, COPY) } },
	{ OVS_KEY_ATTR_SCTP, 4, 2, { P(ovs_key_sctp, sctp_src, tp_src, COPY),
				     P(ovs_key_sctp, sctp_dst, tp_dst, COPY) } },
	{ OVS_KEY_ATTR_ICMP, 2, 2, {
		P(ovs_key_icmp, icmp_type, tp_src, U8_IN_16),
		P(ovs_key_icmp, icmp_code, tp_dst, U8_IN_16) } },
	{ OVS_KEY_ATTR_ICMPV6, 2, 2, {
		P(ovs_key_icmpv6, icmpv6_type, tp_src, U8_IN_16),
		P(ovs_key_icmpv6, icmpv6_code, tp_dst, U8_IN_16) } },
	{ OVS_KEY_ATTR_ND, 28, 3, {
		P(ovs_key_nd, nd_target, nd_target, COPY),
		P(ovs_key_nd, nd_sll, nd_sll, COPY),
		P(ovs_key_nd, nd_tll, nd_tll, COPY) } },
	{ OVS_KEY_ATTR_ARP, 24, 5, {
		P(ovs_key_arp, arp_sip, nw_src, COPY),
		P(ovs_key_arp, arp_tip, nw_dst, COPY),
		P(ovs_key_arp, arp_op, nw_proto, U16_IN_8),
		P(ovs_key_arp, arp_sha, arp_sha, COPY),
		P(ovs_key_arp, arp_tha, arp_tha, COPY) } },
};

const unsigned int odp_n_maps = sizeof(odp_maps) / sizeof(odp_maps[0]);

static const struct odp_map *by_type[OVS_KEY_ATTR_MAX + 1];

static void __attribute__((constructor)) index_maps(void)
{
	unsigned int i;

	for (i = 0; i < odp_n_maps; i++)
		by_type[odp_maps[i].type] = &odp_maps[i];
}

static const struct odp_map *map_find(unsigned int type)
{
	return type <= OVS_KEY_ATTR_MAX ? by_type[type] : NULL;
}

static void copy_labels(uint8_t *to, const uint8_t *from)
{
	unsigned int i;

	/* The kernel's is a number of the machine's order. */
	for (i = 0; i < 16; i++)
		to[i] = from[__BYTE_ORDER == __LITTLE_ENDIAN ? 15 - i : i];
}

/* Fields are of few lengths: each is a move or two, and no call. */
static void copy_field(uint8_t *to, const uint8_t *from, unsigned int len)
{
	switch (len) {
	case 1:
		*to = *from;
		break;
	case 2:
		memcpy(to, from, 2);
		break;
	case 4:
		memcpy(to, from, 4);
		break;
	case 6:
		memcpy(to, from, 6);
		break;
	default:
		memcpy(to, from, len);
		break;
	}
}

static inline void part_in(const struct odp_part *p, const uint8_t *nl,
		    struct flow *flow, bool mask)
{
	uint8_t *f = (uint8_t *)flow + p->ofs;
	uint32_t n;
	uint16_t h;

	switch (p->kind) {
	case COPY:
		copy_field(f, nl + p->nl_ofs, p->len);
		break;
	case HOST32:
		memcpy(&n, nl, sizeof(n));
		n = htonl(n);
		memcpy(f, &n, sizeof(n));
		break;
	case HOST16:
		memcpy(&h, nl, sizeof(h));
		h = htons(h);
		memcpy(f, &h, sizeof(h));
		break;
	case LABELS:
		copy_labels(f, nl);
		break;
	case U8_IN_16:
		f[0] = 0;
		f[1] = nl[p->nl_ofs];
		break;
	case U16_IN_8:	/* no opcode of more than eight bits has a meaning */
		f[0] = nl[p->nl_ofs] && !mask ? 0 : nl[p->nl_ofs + 1];
		break;
	case FRAG:
		f[0] = mask ? nl[p->nl_ofs] :
		       nl[p->nl_ofs] == OVS_FRAG_TYPE_NONE ? 0 :
		       nl[p->nl_ofs] == OVS_FRAG_TYPE_FIRST ? FRAG_ANY :
		       FRAG_ANY | FRAG_LATER;
		break;
	}
}

static void part_out(const struct odp_part *p, uint8_t *nl,
		     const struct flow *flow, bool mask)
{
	const uint8_t *f = (const uint8_t *)flow + p->ofs;
	uint32_t n;
	uint16_t h;

	switch (p->kind) {
	case COPY:
		memcpy(nl + p->nl_ofs, f, p->len);
		break;
	case HOST32:
		memcpy(&n, f, sizeof(n));
		n = ntohl(n);
		memcpy(nl, &n, sizeof(n));
		break;
	case HOST16:
		memcpy(&h, f, sizeof(h));
		h = ntohs(h);
		memcpy(nl, &h, sizeof(h));
		break;
	case LABELS:
		copy_labels(nl, f);
		break;
	case U8_IN_16:
		nl[p->nl_ofs] = f[1];
		break;
	case U16_IN_8:
		nl[p->nl_ofs] = mask && f[0] ? 0xff : 0;
		nl[p->nl_ofs + 1] = f[0];
		break;
	case FRAG:
		nl[p->nl_ofs] = mask ? f[0] ? 0xff : 0 :
				f[0] & FRAG_LATER ? OVS_FRAG_TYPE_LATER :
				f[0] ? OVS_FRAG_TYPE_FIRST : OVS_FRAG_TYPE_NONE;
		break;
	}
}

/**
 * odp_map_out - write the payload of an attribute
 * @m: which.
 * @nl: its @m->len bytes.
 * @flow: values, or masks.
 * @mask: which of them.
 */
void odp_map_out(const struct odp_map *m, uint8_t *nl, const struct flow *flow,
		 bool mask)
{
	unsigned int i;

	memset(nl, 0, m->len);
	for (i = 0; i < m->n; i++)
		part_out(&m->parts[i], nl, flow, mask);
}

static bool is_vlan_type(uint16_t type)
{
	return type == htons(0x8100) || type == htons(0x88a8);
}

static int mpls_in(const struct nlattr *a, struct flow *flow)
{
	int n = nla_len(a);

	if (n < 4 || n % 4)
		return -EINVAL;
	memcpy(flow->mpls_lse, nla_data(a), n < 4 * MAX_MPLS ? n : 4 * MAX_MPLS);
	return 0;
}

/* A tag at a depth; the type before it is that of the tag. */
static void vlan_in(const struct nlattr *a, uint16_t tpid, struct flow *flow,
		    int depth)
{
	uint16_t tci;

	memcpy(&tci, nla_data(a), sizeof(tci));
	if (depth) {
		flow->vlan_tci2 = tci;
		flow->vlan_tpid2 = tci ? tpid : 0;
	} else {
		flow->vlan_tci = tci;
		flow->vlan_tpid = tci ? tpid : 0;
	}
}

static const struct nlattr *tunnel_of(const struct nlattr *key)
{
	return key ? attr_find(key, OVS_KEY_ATTR_TUNNEL) : NULL;
}

static uint64_t attr_hash(const struct nlattr *a, uint64_t before)
{
	return XXH3_64bits_withSeed(a, a->nla_len, before);
}

static void map_in(const struct odp_map *m, const void *data, struct flow *flow,
		   bool mask)
{
	unsigned int i;

	for (i = 0; i < m->n; i++)
		part_in(&m->parts[i], data, flow, mask);
}

/* An attribute that has a map. */
static int fixed_in(const struct nlattr *a, const struct nlattr *nest,
		    struct flow *flow, int depth, bool mask)
{
	const struct odp_map *m = map_find(attr_type(a));
	const struct nlattr *tpid;
	uint16_t type = 0;

	if (!m) {
		flow->unknown = attr_hash(a, flow->unknown);
		return 0;
	}
	if (attr_len(a) != m->len)
		return -EINVAL;
	if (m->type == OVS_KEY_ATTR_VLAN) {
		tpid = attr_find(nest, OVS_KEY_ATTR_ETHERTYPE);
		if (tpid && attr_len(tpid) == sizeof(type))
			memcpy(&type, attr_data(tpid), sizeof(type));
		vlan_in(a, type, flow, depth);
		return 0;
	}
	if (m->type == OVS_KEY_ATTR_ETHERTYPE) {
		memcpy(&type, attr_data(a), sizeof(type));
		if (is_vlan_type(type))
			return 0;
	}
	map_in(m, attr_data(a), flow, mask);
	return 0;
}

/* @key: of a mask: the key that it goes with; NULL: there is none. */
static int key_in(const struct nlattr *nest, const struct nlattr *key,
		  struct flow *flow, int depth, bool mask)
{
	const struct nlattr *a;
	int err = 0;

	for_each_attr(a, nest) {
		switch (attr_type(a)) {
		case OVS_KEY_ATTR_ENCAP:
			err = depth == 2 ? -EINVAL :
			      key_in(a, NULL, flow, depth + 1, mask);
			break;
		case OVS_KEY_ATTR_TUNNEL:
			err = odp_tunnel_in(a, mask ? tunnel_of(key) : a, flow);
			if (odp_tunnel_is_odd(a))
				flow->unknown = attr_hash(a, flow->unknown);
			break;
		case OVS_KEY_ATTR_NSH:
			err = odp_nsh_in(a, flow);
			break;
		case OVS_KEY_ATTR_MPLS:
			err = mpls_in(a, flow);
			break;
		default:
			err = fixed_in(a, nest, flow, depth, mask);
			break;
		}
		if (err)
			return -EINVAL;
	}
	return 0;
}

/**
 * odp_flow_from_key - read the key of an upcall
 * @key: nest of OVS_KEY_ATTR_*.
 * @flow: filled in.
 *
 * Return: 0 or -EINVAL.
 */
int odp_flow_from_key(const struct nlattr *key, struct flow *flow)
{
	memset(flow, 0, sizeof(*flow));
	flow->ethernet = attr_find(key, OVS_KEY_ATTR_ETHERNET) != NULL;
	if (key_in(key, NULL, flow, 0, false))
		return -EINVAL;
	if (!flow->ethernet)
		flow->packet_type = htonl(1 << 16 | ntohs(flow->dl_type));
	return 0;
}

/**
 * odp_flow_from_mask - read the mask of a megaflow
 * @mask: nest of OVS_KEY_ATTR_*.
 * @key: its key, which tells what options a mask of options is of; may be NULL.
 * @flow: filled in.
 *
 * Return: 0 or -EINVAL.
 */
int odp_flow_from_mask(const struct nlattr *mask, const struct nlattr *key,
		       struct flow *flow)
{
	memset(flow, 0, sizeof(*flow));
	return key_in(mask, key, flow, 0, true);
}

/* Read one attribute that has a map, its payload elsewhere. */
int odp_flow_from_attr(const struct nlattr *attr, const void *data,
		       struct flow *flow)
{
	const struct odp_map *m = map_find(nla_type(attr));

	if (!m)
		return -EINVAL;
	map_in(m, data, flow, false);
	return 0;
}

/* A nest that stays though it be empty. */
struct nlattr *odp_nest(struct nl_msg *msg, int type)
{
	return nla_nest_start(msg, type);
}

void odp_nest_end(struct nl_msg *msg, struct nlattr *nest)
{
	nest->nla_len = (char *)nlmsg_tail(nlmsg_hdr(msg)) - (char *)nest;
}

/**
 * odp_put_exact - mask every bit of an attribute
 * @msg: the message.
 * @a: the attribute, which is not known: others may depend on it.
 *
 * Return: 0 or -EMSGSIZE.
 */
int odp_put_exact(struct nl_msg *msg, const struct nlattr *a)
{
	struct nlattr *mask = nla_reserve(msg, nla_type(a), nla_len(a));

	if (!mask)
		return -EMSGSIZE;
	memset(nla_data(mask), 0xff, nla_len(a));
	return 0;
}

static int put_u16(struct nl_msg *msg, int type, uint16_t value)
{
	return nla_put(msg, type, sizeof(value), &value);
}

static bool all_zero(const uint8_t *p, size_t len)
{
	return !len || (!*p && !memcmp(p, p + 1, len - 1));
}

static int mask_attr(struct nl_msg *msg, const struct nlattr *a,
		     const struct flow *wc, const struct flow *key, int depth)
{
	uint16_t tci = htons(VLAN_PRESENT) | (depth ? wc->vlan_tci2 : wc->vlan_tci);
	const struct odp_map *m = map_find(attr_type(a));
	struct nlattr *made;

	switch (attr_type(a)) {
	case OVS_KEY_ATTR_TUNNEL:
		return odp_has_tunnel(wc) || odp_tunnel_is_odd(a) ?
		       odp_put_tunnel_mask(msg, a, wc, key) : 0;
	case OVS_KEY_ATTR_NSH:
		return odp_put_nsh_mask(msg, wc, key);
	case OVS_KEY_ATTR_ETHERTYPE:
		return put_u16(msg, OVS_KEY_ATTR_ETHERTYPE, 0xffff);
	case OVS_KEY_ATTR_VLAN:
		return put_u16(msg, OVS_KEY_ATTR_VLAN, tci);
	}
	if (!m)
		return odp_put_exact(msg, a);
	made = nla_reserve(msg, m->type, attr_len(a));
	if (!made)
		return -EMSGSIZE;
	/* A stack of labels may be longer than what is known of it. */
	if (attr_len(a) != m->len)
		memset(nla_data(made), 0, attr_len(a));
	odp_map_out(m, nla_data(made), wc, true);
	/* What asks for nothing counts as absent. */
	if (all_zero(nla_data(made), attr_len(a)))
		nlmsg_hdr(msg)->nlmsg_len = (char *)made - (char *)nlmsg_hdr(msg);
	return 0;
}

static int mask_out(struct nl_msg *msg, const struct nlattr *nest,
		    const struct flow *wc, const struct flow *key, int depth)
{
	const struct nlattr *a;
	struct nlattr *inner;

	for_each_attr(a, nest) {
		if (attr_type(a) != OVS_KEY_ATTR_ENCAP) {
			if (mask_attr(msg, a, wc, key, depth))
				return -EMSGSIZE;
			continue;
		}
		inner = odp_nest(msg, OVS_KEY_ATTR_ENCAP);
		if (!inner || mask_out(msg, a, wc, key, depth + 1))
			return -EMSGSIZE;
		odp_nest_end(msg, inner);
	}
	return 0;
}

static int put_mask(struct nl_msg *msg, const struct nlattr *key,
		    const struct flow *flow, const struct flow *wc)
{
	struct nlattr *nest = odp_nest(msg, OVS_FLOW_ATTR_MASK);

	if (!nest || mask_out(msg, key, wc, flow, 0))
		return -EMSGSIZE;
	if (odp_has_tunnel(wc) &&
	    !attr_find(key, OVS_KEY_ATTR_TUNNEL) &&
	    odp_put_tunnel_mask(msg, NULL, wc, flow))
		return -EMSGSIZE;
	odp_nest_end(msg, nest);
	return 0;
}

#define MAX_SHAPE 40

/**
 * struct mask_memo - the mask that was written last: most are the same again
 * @wc: the mask.
 * @shape: types and lengths of the key's attributes.
 * @n: how many; 0: there is no mask.
 * @attr: OVS_FLOW_ATTR_MASK.
 */
struct mask_memo {
	struct flow wc;
	uint32_t shape[MAX_SHAPE];
	unsigned int n;
	_Alignas(4) uint8_t attr[1024];
};

/*
 * Types and lengths of a key's attributes.  Return: how many; 0 if more is to be known
 * of it than those to write its mask.
 */
static unsigned int key_shape(const struct nlattr *key, uint32_t *shape)
{
	const struct nlattr *a;
	unsigned int n = 0;

	for_each_attr(a, key) {
		if (n == MAX_SHAPE || attr_type(a) == OVS_KEY_ATTR_ENCAP ||
		    attr_type(a) == OVS_KEY_ATTR_TUNNEL ||
		    attr_type(a) == OVS_KEY_ATTR_NSH)
			return 0;
		memcpy(&shape[n++], a, sizeof(*shape));
	}
	return n;
}

/**
 * odp_put_mask - write the mask of a megaflow
 * @msg: the message; OVS_FLOW_ATTR_MASK is added.
 * @key: the key of its upcall.
 * @flow: the same, decoded.
 * @wc: the mask.
 *
 * Return: 0 or -EMSGSIZE.
 */
int odp_put_mask(struct nl_msg *msg, const struct nlattr *key,
		 const struct flow *flow, const struct flow *wc)
{
	static _Thread_local struct mask_memo memo;
	struct nlattr *attr = nlmsg_tail(nlmsg_hdr(msg)), *known = (void *)memo.attr;
	uint32_t shape[MAX_SHAPE];
	unsigned int n = key_shape(key, shape);
	int err;

	if (n && n == memo.n && !memcmp(shape, memo.shape, n * sizeof(*shape)) &&
	    !memcmp(wc, &memo.wc, FLOW_DP_LEN))
		return attr_copy(msg, known) ? -EMSGSIZE : 0;
	err = put_mask(msg, key, flow, wc);
	if (err || !n || odp_has_tunnel(wc) || attr->nla_len > sizeof(memo.attr))
		return err;
	memo.wc = *wc;
	memcpy(memo.shape, shape, n * sizeof(*shape));
	memo.n = n;
	memcpy(memo.attr, attr, attr->nla_len);
	return 0;
}

/**
 * odp_map_applies - whether an attribute is about headers that a packet has
 * @m: the attribute.
 * @flow: the packet.
 */
bool odp_map_applies(const struct odp_map *m, const struct flow *flow)
{
	uint16_t type = ntohs(flow->dl_type), icmp = ntohs(flow->tp_src);
	bool ip = type == 0x0800 || type == 0x86dd;

	switch (m->type) {
	case OVS_KEY_ATTR_IPV4:
	case OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV4:
		return type == 0x0800;
	case OVS_KEY_ATTR_IPV6:
	case OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV6:
	case OVS_KEY_ATTR_IPV6_EXTHDRS:
		return type == 0x86dd;
	case OVS_KEY_ATTR_ARP:
		return type == 0x0806 || type == 0x8035;
	case OVS_KEY_ATTR_MPLS:
		return type == 0x8847 || type == 0x8848;
	case OVS_KEY_ATTR_TCP:
	case OVS_KEY_ATTR_TCP_FLAGS:
		return ip && flow->nw_proto == 6;
	case OVS_KEY_ATTR_UDP:
		return ip && flow->nw_proto == 17;
	case OVS_KEY_ATTR_SCTP:
		return ip && flow->nw_proto == 132;
	case OVS_KEY_ATTR_ICMP:
		return type == 0x0800 && flow->nw_proto == 1;
	case OVS_KEY_ATTR_ICMPV6:
		return type == 0x86dd && flow->nw_proto == 58;
	case OVS_KEY_ATTR_ND:
		return type == 0x86dd && flow->nw_proto == 58 &&
		       (icmp == 135 || icmp == 136);
	default:
		return true;
	}
}
