// SPDX-License-Identifier: GPL-2.0-or-later
/* Megaflows of a dump as text, in the manner of ovs-dpctl; and their branches. */
#include "odp.h"

#include <arpa/inet.h>
#include <linux/openvswitch.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <string.h>

#include <linux/openvswitch_bpf.h>

#include "../pipeline/text.h"

#define U(a, t) ((a) ? nla_get_u32(a) : (t))

static uint64_t get_u64(const struct nlattr *a)
{
	uint64_t n = 0;

	if (a && nla_len(a) == sizeof(n))
		memcpy(&n, nla_data(a), sizeof(n));
	return n;
}

/* The next of a nest's attributes, from NULL on; NULL at the end. */
static struct nlattr *next_attr(const struct nlattr *nest, struct nlattr *a)
{
	char *end = (char *)nla_data(nest) + nla_len(nest);

	a = a ? (struct nlattr *)((char *)a + NLA_ALIGN(a->nla_len)) :
	    nla_data(nest);
	return nla_ok(a, end - (char *)a) ? a : NULL;
}

static struct nlattr *find(const struct nlattr *nest, int type)
{
	struct nlattr *a = NULL;

	while (nest && (a = next_attr(nest, a)))
		if (nla_type(a) == type)
			return a;
	return NULL;
}

/* What a megaflow that is but to be has not counted. */
static int put_hits(const struct nlattr *hits, char *buf, size_t size, int n)
{
	return !hits ? n : text_add(buf, size, n, "hits=%llu,",
				    (unsigned long long)get_u64(hits));
}

static int put_stats(const struct nlattr *s, char *buf, size_t size, int n)
{
	return !s ? n : text_add(buf, size, n, ",runs=%llu,coalesced=%llu,recirculated=%llu,dropped=%llu",
				 (unsigned long long)get_u64(find(s, OVS_BPF_STATS_ATTR_RUNS)),
				 (unsigned long long)get_u64(find(s, OVS_BPF_STATS_ATTR_COALESCED)),
				 (unsigned long long)get_u64(find(s, OVS_BPF_STATS_ATTR_RECIRCULATED)),
				 (unsigned long long)get_u64(find(s, OVS_BPF_STATS_ATTR_DROPPED)));
}

static int put_cases(const struct nlattr *bpf, char *buf, size_t size, int n)
{
	const struct nlattr *cases = find(bpf, OVS_BPF_ATTR_CASES);
	const struct nlattr *def = find(bpf, OVS_BPF_ATTR_DEFAULT);
	struct nlattr *c = NULL;

	while (cases && (c = next_attr(cases, c))) {
		n = text_add(buf, size, n, ",case(%u,", U(find(c, OVS_BPF_CASE_ATTR_VALUE), 0));
		n = put_hits(find(c, OVS_BPF_CASE_ATTR_HITS), buf, size, n);
		n = text_add(buf, size, n, "actions(");
		n = odp_format_actions(find(c, OVS_BPF_CASE_ATTR_ACTIONS), buf, size, n);
		n = text_add(buf, size, n, "))");
	}
	if (def) {
		n = text_add(buf, size, n, ",default(");
		n = put_hits(find(find(bpf, OVS_BPF_ATTR_STATS), OVS_BPF_STATS_ATTR_DEFAULT),
			     buf, size, n);
		n = text_add(buf, size, n, "actions(");
		n = odp_format_actions(def, buf, size, n);
		n = text_add(buf, size, n, "))");
	}
	return n;
}

static int put_used(const struct nlattr *bpf, char *buf, size_t size, int n)
{
	const struct nlattr *used = find(bpf, OVS_BPF_ATTR_USED);
	struct nlattr *a = NULL;
	unsigned int i;
	const char *sep = "";

	if (!used)
		return n;
	n = text_add(buf, size, n, ",used(");
	while ((a = next_attr(used, a))) {
		n = text_add(buf, size, n, "%s%d=", sep, nla_type(a));
		for (i = 0; i < (unsigned int)nla_len(a); i++)
			n = text_add(buf, size, n, "%02x", ((uint8_t *)nla_data(a))[i]);
		sep = ",";
	}
	return text_add(buf, size, n, ")");
}

static int put_bpf(const struct nlattr *a, char *buf, size_t size, int n)
{
	static const char *const modes[] = { "program", "always", "changed" };
	const struct nlattr *name = find(a, OVS_BPF_ATTR_NAME);
	const struct nlattr *mode = find(a, OVS_BPF_ATTR_RECHECK);
	const struct nlattr *recirc = find(a, OVS_BPF_ATTR_RECIRC_ID);
	const struct nlattr *id = find(a, OVS_BPF_ATTR_PROG_ID);

	n = text_add(buf, size, n, "bpf(%s,", name ? nla_get_string(name) : "?");
	if (id)
		n = text_add(buf, size, n, "id=%u,", nla_get_u32(id));
	n = text_add(buf, size, n, "%s%s", mode ? "mode=" : "filter",
		     !mode ? "" : nla_get_u32(mode) < 3 ? modes[nla_get_u32(mode)] : "?");
	if (recirc)
		n = text_add(buf, size, n, ",recirc_id=0x%x", nla_get_u32(recirc));
	n = put_stats(find(a, OVS_BPF_ATTR_STATS), buf, size, n);
	n = put_used(a, buf, size, n);
	n = put_cases(a, buf, size, n);
	return text_add(buf, size, n, ")");
}

/* Of the fields of a header, as those of a packet that has it. */
static void guess_type(int attr, struct flow *f)
{
	switch (attr) {
	case OVS_KEY_ATTR_IPV4:
		f->dl_type = htons(0x0800);
		break;
	case OVS_KEY_ATTR_IPV6:
		f->dl_type = htons(0x86dd);
		break;
	case OVS_KEY_ATTR_MPLS:
		f->dl_type = htons(0x8847);
		break;
	case OVS_KEY_ATTR_TCP:
	case OVS_KEY_ATTR_UDP:
	case OVS_KEY_ATTR_SCTP:
		f->dl_type = htons(0x0800);
		f->nw_proto = attr == OVS_KEY_ATTR_TCP ? 6 :
			      attr == OVS_KEY_ATTR_UDP ? 17 : 132;
		break;
	}
}

/* Fields that are set, in parentheses. */
static int put_fields(const char *name, const struct flow *value,
		      const struct flow *mask, const char *end, char *buf, size_t size,
		      int n)
{
	int len;

	n = text_add(buf, size, n, "%s(", name);
	len = match_format(value, mask, buf + n, size - n);
	if (len)
		len--;	/* the comma */
	return text_add(buf, size, n + len, "%s", end);
}

static int put_set(const struct nlattr *a, char *buf, size_t size, int n)
{
	struct nlattr *k = nla_data(a);
	struct flow value = {}, mask = {};

	if (nla_len(a) < NLA_HDRLEN ||
	    odp_flow_from_attr(k, nla_data(k), &value) ||
	    odp_flow_from_attr(k, (char *)nla_data(k) + nla_len(k) / 2, &mask))
		return text_add(buf, size, n, "set_masked(?)");
	guess_type(nla_type(k), &value);
	return put_fields("set", &value, &mask, ")", buf, size, n);
}

static int put_set_tunnel(const struct nlattr *a, char *buf, size_t size, int n)
{
	struct flow value = {}, mask = {};
	size_t from = offsetof(struct flow, tun_id);

	if (odp_flow_from_key(a, &value))
		return text_add(buf, size, n, "set(?)");
	memset((uint8_t *)&mask + from, 0xff, offsetof(struct flow, ct_mark) - from);
	return put_fields("set(tunnel", &value, &mask, "))", buf, size, n);
}

static int put_ct(const struct nlattr *a, char *buf, size_t size, int n)
{
	const struct nlattr *nat = find(a, OVS_CT_ATTR_NAT);
	const struct nlattr *zone = find(a, OVS_CT_ATTR_ZONE);
	bool commit = find(a, OVS_CT_ATTR_COMMIT) || find(a, OVS_CT_ATTR_FORCE_COMMIT);

	return text_add(buf, size, n, "ct(%szone=%u%s%s)", commit ? "commit," : "",
			zone ? nla_get_u16(zone) : 0,
			find(a, OVS_CT_ATTR_MARK) || find(a, OVS_CT_ATTR_LABELS) ?
			",exec" : "",
			!nat ? "" : find(nat, OVS_NAT_ATTR_SRC) ? ",nat(src)" :
			find(nat, OVS_NAT_ATTR_DST) ? ",nat(dst)" : ",nat");
}

static int put_push_mpls(const struct nlattr *a, char *buf, size_t size, int n)
{
	struct ovs_action_push_mpls mpls;
	uint32_t lse;

	memcpy(&mpls, nla_data(a), sizeof(mpls));
	lse = ntohl(mpls.mpls_lse);
	return text_add(buf, size, n, "push_mpls(label=%u,tc=%u,ttl=%u,bos=%u,eth_type=0x%x)",
			lse >> 12, lse >> 9 & 7, lse & 0xff, lse >> 8 & 1,
			ntohs(mpls.mpls_ethertype));
}

static int put_action(const struct nlattr *a, char *buf, size_t size, int n)
{
	struct ovs_action_push_vlan vlan;

	switch (nla_type(a)) {
	case OVS_ACTION_ATTR_OUTPUT:
		return text_add(buf, size, n, "%u", nla_get_u32(a));
	case OVS_ACTION_ATTR_TRUNC:
		return text_add(buf, size, n, "trunc(%u)", nla_get_u32(a));
	case OVS_ACTION_ATTR_USERSPACE:
		return text_add(buf, size, n, "userspace");
	case OVS_ACTION_ATTR_SET_MASKED:
		return put_set(a, buf, size, n);
	case OVS_ACTION_ATTR_SET:
		return put_set_tunnel(a, buf, size, n);
	case OVS_ACTION_ATTR_PUSH_VLAN:
		memcpy(&vlan, nla_data(a), sizeof(vlan));
		return text_add(buf, size, n, "push_vlan(tpid=0x%x,vid=%u,pcp=%u)",
				ntohs(vlan.vlan_tpid), ntohs(vlan.vlan_tci) & 0xfff,
				ntohs(vlan.vlan_tci) >> 13);
	case OVS_ACTION_ATTR_POP_VLAN:
		return text_add(buf, size, n, "pop_vlan");
	case OVS_ACTION_ATTR_RECIRC:
		return text_add(buf, size, n, "recirc(0x%x)", nla_get_u32(a));
	case OVS_ACTION_ATTR_HASH:
		return text_add(buf, size, n, "hash(l4)");
	case OVS_ACTION_ATTR_CT:
		return put_ct(a, buf, size, n);
	case OVS_ACTION_ATTR_CT_CLEAR:
		return text_add(buf, size, n, "ct_clear");
	case OVS_ACTION_ATTR_METER:
		return text_add(buf, size, n, "meter(%u)", nla_get_u32(a));
	case OVS_ACTION_ATTR_CLONE:
		n = text_add(buf, size, n, "clone(");
		n = odp_format_actions(a, buf, size, n);
		return text_add(buf, size, n, ")");
	case OVS_ACTION_ATTR_DEC_TTL:
		return text_add(buf, size, n, "dec_ttl");
	case OVS_ACTION_ATTR_PUSH_MPLS:
		return put_push_mpls(a, buf, size, n);
	case OVS_ACTION_ATTR_POP_MPLS:
		return text_add(buf, size, n, "pop_mpls(eth_type=0x%x)",
				ntohs(nla_get_u16(a)));
	case OVS_ACTION_ATTR_BPF:
		return put_bpf(a, buf, size, n);
	default:
		return text_add(buf, size, n, "action%d", nla_type(a));
	}
}

/**
 * odp_format_actions - append a list of actions to a text
 * @acts: the list; NULL: there is none.
 * @buf: the text; cut if it does not fit.
 * @size: its room.
 * @n: its length.
 *
 * Return: the new length.
 */
int odp_format_actions(const struct nlattr *acts, char *buf, size_t size, int n)
{
	struct nlattr *a = NULL;
	int begin = n;

	while (acts && (a = next_attr(acts, a))) {
		if (n > begin)
			n = text_add(buf, size, n, ",");
		n = put_action(a, buf, size, n);
	}
	return n > begin ? n : text_add(buf, size, n, "drop");
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
	int n;

	if (flow[OVS_FLOW_ATTR_KEY])
		odp_flow_from_key(flow[OVS_FLOW_ATTR_KEY], &key);
	if (flow[OVS_FLOW_ATTR_MASK])
		odp_flow_from_mask(flow[OVS_FLOW_ATTR_MASK],
				   flow[OVS_FLOW_ATTR_KEY], &mask);
	/* A mask's type is all ones, and says nothing of tags. */
	mask.dl_type = 0xffff;
	if (flow[OVS_FLOW_ATTR_STATS])
		memcpy(&stats, nla_data(flow[OVS_FLOW_ATTR_STATS]), sizeof(stats));
	/* Every megaflow has these. */
	mask.nw_frag = 0;
	mask.vlan_tpid = mask.vlan_tpid2 = 0;
	n = match_format(&key, &mask, buf, size);
	n = text_add(buf, size, n, "packets:%llu,bytes:%llu,actions:",
		     (unsigned long long)stats.n_packets,
		     (unsigned long long)stats.n_bytes);
	return odp_format_actions(flow[OVS_FLOW_ATTR_ACTIONS], buf, size, n);
}

static unsigned int add_hits(const struct nlattr *acts, struct branch_hits *hits,
			     unsigned int room, unsigned int n);

/* Two counters of @nest are of a branch. */
static unsigned int add_branch(const struct nlattr *acts, const struct nlattr *nest,
			       int packets, int bytes, struct branch_hits *hits,
			       unsigned int room, unsigned int n)
{
	if (n < room)
		hits[n] = (struct branch_hits){ .packets = get_u64(find(nest, packets)),
						.bytes = get_u64(find(nest, bytes)) };
	return add_hits(acts, hits, room, n + 1);
}

/* Whether packets may go on behind a program without cases. */
static bool goes_on_behind(const struct nlattr *bpf)
{
	return U(find(bpf, OVS_BPF_ATTR_CLASS), OVS_BPF_CLASS_ACTION) == OVS_BPF_CLASS_ACTION &&
	       U(find(bpf, OVS_BPF_ATTR_RECHECK), 0) != OVS_BPF_RECHECK_ALWAYS;
}

static unsigned int add_hits(const struct nlattr *acts, struct branch_hits *hits,
			     unsigned int room, unsigned int n)
{
	struct nlattr *a = NULL, *c;

	while (acts && (a = next_attr(acts, a))) {
		const struct nlattr *cases, *def, *stats;

		if (nla_type(a) == OVS_ACTION_ATTR_CLONE)
			n = add_hits(a, hits, room, n);
		if (nla_type(a) != OVS_ACTION_ATTR_BPF)
			continue;
		cases = find(a, OVS_BPF_ATTR_CASES);
		def = find(a, OVS_BPF_ATTR_DEFAULT);
		stats = find(a, OVS_BPF_ATTR_STATS);
		if (!cases && !def && goes_on_behind(a))
			n = add_branch(NULL, stats, OVS_BPF_STATS_ATTR_COALESCED,
				       OVS_BPF_STATS_ATTR_COALESCED_BYTES, hits, room, n);
		for (c = NULL; cases && (c = next_attr(cases, c));)
			n = add_branch(find(c, OVS_BPF_CASE_ATTR_ACTIONS), c,
				       OVS_BPF_CASE_ATTR_HITS, OVS_BPF_CASE_ATTR_BYTES,
				       hits, room, n);
		if (def)
			n = add_branch(def, stats, OVS_BPF_STATS_ATTR_DEFAULT,
				       OVS_BPF_STATS_ATTR_DEFAULT_BYTES, hits, room, n);
	}
	return n;
}

/**
 * odp_branch_hits - how often each branch of a megaflow was taken
 * @acts: its actions, of a dump.
 * @hits: in the order that &struct xlate_out numbers them from 1 on.
 * @room: how many fit.
 *
 * Return: how many there are.
 */
unsigned int odp_branch_hits(const struct nlattr *acts, struct branch_hits *hits,
			     unsigned int room)
{
	return add_hits(acts, hits, room, 0);
}
