// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Between the datapath's attributes and the pipeline's flows.  The key of a
 * megaflow is the one that its upcall brought, as it came; only masks and
 * actions are made here.
 */
#include "dpnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/openvswitch.h>
#include <stdio.h>
#include <string.h>

#include <linux/openvswitch_bpf.h>

/* A part of an attribute: where it is there, and in struct flow. */
struct part {
	uint8_t nl_ofs;
	uint16_t ofs;
	uint8_t len;
	enum { COPY, HOST32, U8_IN_16, U16_IN_8 } kind;
};

#define P(type, member, f, k)						\
	{ offsetof(struct type, member), offsetof(struct flow, f),	\
	  sizeof(((struct type *)0)->member), k }
#define W(f, k) { 0, offsetof(struct flow, f), sizeof(((struct flow *)0)->f), k }

static const struct attr_map {
	uint16_t type;
	uint8_t len;
	uint8_t n;
	struct part parts[7];
} maps[] = {
	{ OVS_KEY_ATTR_PRIORITY, 4, 1, { W(skb_priority, HOST32) } },
	{ OVS_KEY_ATTR_IN_PORT, 4, 1, { W(in_port, HOST32) } },
	{ OVS_KEY_ATTR_SKB_MARK, 4, 1, { W(skb_mark, HOST32) } },
	{ OVS_KEY_ATTR_DP_HASH, 4, 1, { W(dp_hash, HOST32) } },
	{ OVS_KEY_ATTR_RECIRC_ID, 4, 1, { W(recirc_id, HOST32) } },
	{ OVS_KEY_ATTR_ETHERNET, 12, 2, {
		P(ovs_key_ethernet, eth_src, dl_src, COPY),
		P(ovs_key_ethernet, eth_dst, dl_dst, COPY) } },
	{ OVS_KEY_ATTR_VLAN, 2, 1, { W(vlan_tci, COPY) } },
	{ OVS_KEY_ATTR_ETHERTYPE, 2, 1, { W(dl_type, COPY) } },
	{ OVS_KEY_ATTR_IPV4, 12, 6, {
		P(ovs_key_ipv4, ipv4_src, nw_src, COPY),
		P(ovs_key_ipv4, ipv4_dst, nw_dst, COPY),
		P(ovs_key_ipv4, ipv4_proto, nw_proto, COPY),
		P(ovs_key_ipv4, ipv4_tos, nw_tos, COPY),
		P(ovs_key_ipv4, ipv4_ttl, nw_ttl, COPY),
		P(ovs_key_ipv4, ipv4_frag, nw_frag, COPY) } },
	{ OVS_KEY_ATTR_IPV6, 40, 6, {
		P(ovs_key_ipv6, ipv6_src, ipv6_src, COPY),
		P(ovs_key_ipv6, ipv6_dst, ipv6_dst, COPY),
		P(ovs_key_ipv6, ipv6_proto, nw_proto, COPY),
		P(ovs_key_ipv6, ipv6_tclass, nw_tos, COPY),
		P(ovs_key_ipv6, ipv6_hlimit, nw_ttl, COPY),
		P(ovs_key_ipv6, ipv6_frag, nw_frag, COPY) } },
	{ OVS_KEY_ATTR_TCP, 4, 2, { P(ovs_key_tcp, tcp_src, tp_src, COPY),
				    P(ovs_key_tcp, tcp_dst, tp_dst, COPY) } },
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
	{ OVS_KEY_ATTR_ARP, 24, 5, {
		P(ovs_key_arp, arp_sip, nw_src, COPY),
		P(ovs_key_arp, arp_tip, nw_dst, COPY),
		P(ovs_key_arp, arp_op, nw_proto, U16_IN_8),
		P(ovs_key_arp, arp_sha, arp_sha, COPY),
		P(ovs_key_arp, arp_tha, arp_tha, COPY) } },
};

#define N_MAPS (sizeof(maps) / sizeof(maps[0]))

static const struct attr_map *map_find(int type)
{
	unsigned int i;

	for (i = 0; i < N_MAPS; i++)
		if (maps[i].type == type)
			return &maps[i];
	return NULL;
}

static void part_in(const struct part *p, const uint8_t *nl, struct flow *flow)
{
	uint8_t *f = (uint8_t *)flow + p->ofs;
	uint32_t n;

	switch (p->kind) {
	case COPY:
		memcpy(f, nl + p->nl_ofs, p->len);
		break;
	case HOST32:
		memcpy(&n, nl, sizeof(n));
		n = htonl(n);
		memcpy(f, &n, sizeof(n));
		break;
	case U8_IN_16:
		f[0] = 0;
		f[1] = nl[p->nl_ofs];
		break;
	case U16_IN_8:
		f[0] = nl[p->nl_ofs + 1];
		break;
	}
}

static void part_out(const struct part *p, uint8_t *nl, const struct flow *flow,
		     bool mask)
{
	const uint8_t *f = (const uint8_t *)flow + p->ofs;
	uint32_t n;

	switch (p->kind) {
	case COPY:
		memcpy(nl + p->nl_ofs, f, p->len);
		break;
	case HOST32:
		memcpy(&n, f, sizeof(n));
		n = ntohl(n);
		memcpy(nl, &n, sizeof(n));
		break;
	case U8_IN_16:
		nl[p->nl_ofs] = f[1];
		break;
	case U16_IN_8:
		nl[p->nl_ofs] = mask && f[0] == 0xff ? 0xff : 0;
		nl[p->nl_ofs + 1] = f[0];
		break;
	}
}

static void map_out(const struct attr_map *m, uint8_t *nl,
		    const struct flow *flow, bool mask)
{
	unsigned int i;

	memset(nl, 0, m->len);
	for (i = 0; i < m->n; i++)
		part_out(&m->parts[i], nl, flow, mask);
}

static bool is_vlan_type(const struct nlattr *a)
{
	uint16_t type;

	memcpy(&type, nla_data(a), sizeof(type));
	return type == htons(0x8100) || type == htons(0x88a8);
}

static int key_in(const struct nlattr *nest, struct flow *flow, int depth)
{
	const struct attr_map *m;
	struct nlattr *a;
	unsigned int i;
	int rem;

	nla_for_each_nested(a, (struct nlattr *)nest, rem) {
		if (nla_type(a) == OVS_KEY_ATTR_ENCAP) {
			if (depth == 2)
				return -EINVAL;
			if (key_in(a, flow, depth + 1))
				return -EINVAL;
			continue;
		}
		m = map_find(nla_type(a));
		if (!m)
			continue;
		if (nla_len(a) != m->len)
			return -EINVAL;
		/* The outer tag is the one that rules see. */
		if (nla_type(a) == OVS_KEY_ATTR_VLAN && depth)
			continue;
		if (nla_type(a) == OVS_KEY_ATTR_ETHERTYPE && is_vlan_type(a))
			continue;
		for (i = 0; i < m->n; i++)
			part_in(&m->parts[i], nla_data(a), flow);
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
	return key_in(key, flow, 0);
}

static int mask_out(struct nl_msg *msg, const struct nlattr *nest,
		    const struct flow *wc, int depth)
{
	uint16_t exact = 0xffff, tci;
	const struct attr_map *m;
	struct nlattr *a, *inner;
	uint8_t buf[64];
	int rem;

	nla_for_each_nested(a, (struct nlattr *)nest, rem) {
		m = map_find(nla_type(a));
		switch (nla_type(a)) {
		case OVS_KEY_ATTR_ENCAP:
			inner = nla_nest_start(msg, OVS_KEY_ATTR_ENCAP);
			if (!inner || mask_out(msg, a, wc, depth + 1))
				return -EMSGSIZE;
			nla_nest_end(msg, inner);
			break;
		case OVS_KEY_ATTR_ETHERTYPE:
			if (nla_put(msg, OVS_KEY_ATTR_ETHERTYPE, 2, &exact))
				return -EMSGSIZE;
			break;
		case OVS_KEY_ATTR_VLAN:
			tci = htons(0x1000) | (depth ? 0 : wc->vlan_tci);
			if (nla_put(msg, OVS_KEY_ATTR_VLAN, 2, &tci))
				return -EMSGSIZE;
			break;
		default:
			if (!m)
				break;
			map_out(m, buf, wc, true);
			if (nla_put(msg, m->type, m->len, buf))
				return -EMSGSIZE;
		}
	}
	return 0;
}

/**
 * odp_put_mask - write the mask of a megaflow
 * @msg: the message; OVS_FLOW_ATTR_MASK is added.
 * @key: the key of its upcall.
 * @wc: the mask.
 *
 * Return: 0 or -EMSGSIZE.
 */
int odp_put_mask(struct nl_msg *msg, const struct nlattr *key,
		 const struct flow *wc)
{
	struct nlattr *nest = nla_nest_start(msg, OVS_FLOW_ATTR_MASK);

	if (!nest || mask_out(msg, key, wc, 0))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/* Whether an attribute is about the headers that a packet of @flow has. */
static bool map_applies(const struct attr_map *m, const struct flow *flow)
{
	uint16_t type = ntohs(flow->dl_type);
	bool ip = type == 0x0800 || type == 0x86dd;

	switch (m->type) {
	case OVS_KEY_ATTR_IPV4:
		return type == 0x0800;
	case OVS_KEY_ATTR_IPV6:
		return type == 0x86dd;
	case OVS_KEY_ATTR_ARP:
		return type == 0x0806 || type == 0x8035;
	case OVS_KEY_ATTR_TCP:
		return ip && flow->nw_proto == 6;
	case OVS_KEY_ATTR_UDP:
		return ip && flow->nw_proto == 17;
	case OVS_KEY_ATTR_SCTP:
		return ip && flow->nw_proto == 132;
	case OVS_KEY_ATTR_ICMP:
		return type == 0x0800 && flow->nw_proto == 1;
	case OVS_KEY_ATTR_ICMPV6:
		return type == 0x86dd && flow->nw_proto == 58;
	default:
		return true;
	}
}

static bool all_zero(const uint8_t *p, unsigned int n)
{
	while (n && !*p) {
		p++;
		n--;
	}
	return !n;
}

/* USED: the bits that the rest depends on, each in its attribute. */
static int put_used(struct nl_msg *msg, const struct flow *flow,
		    const struct flow *used)
{
	struct nlattr *nest = nla_nest_start(msg, OVS_BPF_ATTR_USED);
	uint8_t buf[64];
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < N_MAPS; i++) {
		map_out(&maps[i], buf, used, true);
		if (map_applies(&maps[i], flow) && !all_zero(buf, maps[i].len) &&
		    nla_put(msg, maps[i].type, maps[i].len, buf))
			return -EMSGSIZE;
	}
	nla_nest_end(msg, nest);
	return 0;
}

static int put_bpf(struct nl_msg *msg, const struct flow *flow,
		   const struct op *op, int fd)
{
	static const uint32_t modes[] = {
		[MODE_PROGRAM] = OVS_BPF_RECHECK_PROGRAM,
		[MODE_ALWAYS] = OVS_BPF_RECHECK_ALWAYS,
		[MODE_CHANGED] = OVS_BPF_RECHECK_CHANGED,
		[MODE_AUTO] = OVS_BPF_RECHECK_CHANGED,
	};
	struct nlattr *nest = nla_nest_start(msg, OVS_ACTION_ATTR_BPF);

	if (!nest || nla_put_u32(msg, OVS_BPF_ATTR_PROG_FD, fd) ||
	    nla_put(msg, OVS_BPF_ATTR_ARG, sizeof(op->act.arg), &op->act.arg) ||
	    nla_put_u32(msg, OVS_BPF_ATTR_RECHECK, modes[op->act.mode]) ||
	    nla_put_u32(msg, OVS_BPF_ATTR_RECIRC_ID, op->recirc_id) ||
	    (modes[op->act.mode] == OVS_BPF_RECHECK_CHANGED &&
	     put_used(msg, flow, &op->mask)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/* One SET_MASKED for each attribute that has bits to set. */
static int put_set(struct nl_msg *msg, const struct flow *flow,
		   const struct op *op)
{
	uint8_t value[64], both[128], *mask;
	struct nlattr *nest;
	unsigned int i, b;

	for (i = 0; i < N_MAPS; i++) {
		const struct attr_map *m = &maps[i];

		mask = both + m->len;
		map_out(m, mask, &op->mask, true);
		if (!map_applies(m, flow) || all_zero(mask, m->len))
			continue;
		map_out(m, value, &op->value, false);
		for (b = 0; b < m->len; b++)
			both[b] = value[b] & mask[b];
		nest = nla_nest_start(msg, OVS_ACTION_ATTR_SET_MASKED);
		if (!nest || nla_put(msg, m->type, 2 * m->len, both))
			return -EMSGSIZE;
		nla_nest_end(msg, nest);
	}
	return 0;
}

static int put_push_vlan(struct nl_msg *msg, const struct op *op)
{
	struct ovs_action_push_vlan vlan = {
		.vlan_tpid = htons(op->n),
		.vlan_tci = htons(0x1000),
	};

	return nla_put(msg, OVS_ACTION_ATTR_PUSH_VLAN, sizeof(vlan), &vlan);
}

/**
 * odp_put_ops - write the actions of a megaflow into an open nest
 * @msg: the message.
 * @flow: the packet that it was made for.
 * @out: the megaflow.
 * @prog_fd: gives the descriptor of a program, or a negative errno.
 * @arg: for @prog_fd.
 *
 * Return: 0 or a negative errno.
 */
int odp_put_ops(struct nl_msg *msg, const struct flow *flow,
		const struct xlate_out *out,
		int (*prog_fd)(const char *name, void *arg), void *arg)
{
	unsigned int i;
	int err, fd;

	for (i = 0; i < out->n_ops; i++) {
		const struct op *op = &out->ops[i];

		switch (op->type) {
		case OP_OUTPUT:
			err = nla_put_u32(msg, OVS_ACTION_ATTR_OUTPUT, op->n);
			break;
		case OP_SET:
			err = put_set(msg, flow, op);
			break;
		case OP_PUSH_VLAN:
			err = put_push_vlan(msg, op);
			break;
		case OP_POP_VLAN:
			err = nla_put_flag(msg, OVS_ACTION_ATTR_POP_VLAN);
			break;
		case OP_BPF:
			fd = prog_fd(op->act.prog, arg);
			err = fd < 0 ? fd : put_bpf(msg, flow, op, fd);
			break;
		default:
			err = -EINVAL;
		}
		if (err)
			return err;
	}
	return 0;
}

static uint64_t get_u64(const struct nlattr *a)
{
	uint64_t n = 0;

	if (a && nla_len(a) == sizeof(n))
		memcpy(&n, nla_data(a), sizeof(n));
	return n;
}

static int format_bpf(struct nlattr *action, char *buf, size_t size)
{
	static const char *const modes[] = { "program", "always", "changed" };
	struct nlattr *a[OVS_BPF_ATTR_MAX + 1] = {};
	struct nlattr *s[OVS_BPF_STATS_ATTR_MAX + 1] = {};
	uint32_t mode;

	nla_parse_nested(a, OVS_BPF_ATTR_MAX, action, NULL);
	if (a[OVS_BPF_ATTR_STATS])
		nla_parse_nested(s, OVS_BPF_STATS_ATTR_MAX,
				 a[OVS_BPF_ATTR_STATS], NULL);
	mode = a[OVS_BPF_ATTR_RECHECK] ? nla_get_u32(a[OVS_BPF_ATTR_RECHECK]) : 0;
	return snprintf(buf, size,
			"bpf(%s,id=%u,mode=%s,recirc_id=0x%x,runs=%llu,coalesced=%llu,recirculated=%llu,dropped=%llu)",
			a[OVS_BPF_ATTR_NAME] ?
			nla_get_string(a[OVS_BPF_ATTR_NAME]) : "?",
			a[OVS_BPF_ATTR_PROG_ID] ?
			nla_get_u32(a[OVS_BPF_ATTR_PROG_ID]) : 0,
			mode < 3 ? modes[mode] : "?",
			a[OVS_BPF_ATTR_RECIRC_ID] ?
			nla_get_u32(a[OVS_BPF_ATTR_RECIRC_ID]) : 0,
			(unsigned long long)get_u64(s[OVS_BPF_STATS_ATTR_RUNS]),
			(unsigned long long)get_u64(s[OVS_BPF_STATS_ATTR_COALESCED]),
			(unsigned long long)get_u64(s[OVS_BPF_STATS_ATTR_RECIRCULATED]),
			(unsigned long long)get_u64(s[OVS_BPF_STATS_ATTR_DROPPED]));
}

static int format_action(struct nlattr *a, char *buf, size_t size)
{
	switch (nla_type(a)) {
	case OVS_ACTION_ATTR_OUTPUT:
		return snprintf(buf, size, "%u", nla_get_u32(a));
	case OVS_ACTION_ATTR_SET_MASKED:
		return snprintf(buf, size, "set_masked");
	case OVS_ACTION_ATTR_PUSH_VLAN:
		return snprintf(buf, size, "push_vlan");
	case OVS_ACTION_ATTR_POP_VLAN:
		return snprintf(buf, size, "pop_vlan");
	case OVS_ACTION_ATTR_BPF:
		return format_bpf(a, buf, size);
	default:
		return snprintf(buf, size, "action%d", nla_type(a));
	}
}

/**
 * odp_format_flow - write a megaflow of a dump
 * @flow: its OVS_FLOW_ATTR_*.
 * @buf: the text; cut if it does not fit.
 * @size: its room.
 *
 * Return: length of the text.
 */
int odp_format_flow(struct nlattr *const *flow, char *buf, size_t size)
{
	struct ovs_flow_stats stats = {};
	struct flow key = {}, mask = {};
	bool first = true;
	struct nlattr *a;
	int n, rem;

	if (flow[OVS_FLOW_ATTR_KEY])
		odp_flow_from_key(flow[OVS_FLOW_ATTR_KEY], &key);
	if (flow[OVS_FLOW_ATTR_MASK])
		odp_flow_from_key(flow[OVS_FLOW_ATTR_MASK], &mask);
	if (flow[OVS_FLOW_ATTR_STATS])
		memcpy(&stats, nla_data(flow[OVS_FLOW_ATTR_STATS]), sizeof(stats));
	mask.nw_frag = 0;
	n = match_format(&key, &mask, buf, size);
	n += snprintf(buf + n, size - n, "packets:%llu,bytes:%llu,actions:",
		      (unsigned long long)stats.n_packets,
		      (unsigned long long)stats.n_bytes);
	if (flow[OVS_FLOW_ATTR_ACTIONS]) {
		nla_for_each_nested(a, flow[OVS_FLOW_ATTR_ACTIONS], rem) {
			if ((size_t)n + 256 > size)
				break;
			if (!first)
				buf[n++] = ',';
			first = false;
			n += format_action(a, buf + n, size - n);
		}
	}
	if (first)
		n += snprintf(buf + n, size - n, "drop");
	return n;
}
