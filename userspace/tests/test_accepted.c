// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whatever rules say, the datapath takes the actions that they become: one that it
 * refuses costs the whole megaflow.  Rules and packets are made up, and what they become
 * is judged as kmod/action_netlink.c and its like judge it.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/openvswitch.h>
#include <linux/openvswitch_bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "../lib/odp.h"
#include "../pipeline/text.h"
#include "translation.h"
#include <netlink/attr.h>

#define ROUNDS 20000
#define MAX_DEPTH 16

/**
 * struct judge - what the datapath knows of the packet behind an action
 */
struct judge {
	uint16_t type;
	uint8_t proto;
	bool tagged;
	bool ethernet;
	unsigned int labels;
	unsigned int depth;
};

static const char *judge_list(struct judge *j, const struct nlattr *nest);

static const struct nlattr *find(const struct nlattr *nest, int type)
{
	return nla_find(nla_data(nest), nla_len(nest), type);
}

static bool is_mpls(uint16_t type)
{
	return type == ETH_P_MPLS_UC || type == ETH_P_MPLS_MC;
}

static bool is_ip(const struct judge *j)
{
	return j->type == ETH_P_IP || j->type == ETH_P_IPV6;
}

/* A list of a copy of the packet. */
static const char *judge_copy(const struct judge *j, const struct nlattr *nest)
{
	struct judge copy = *j;

	if (copy.depth++ == MAX_DEPTH)
		return "nested too deeply";
	return judge_list(&copy, nest);
}

static const char *judge_ip(const struct judge *j, uint16_t type, const uint8_t *mask, int proto,
			    int frag)
{
	if (j->type != type)
		return "set of IP of another version";
	if (!j->proto)
		return "set of IP of an unknown protocol";
	return mask[proto] || mask[frag] ? "the protocol can't be set" : NULL;
}

static const char *judge_ports(const struct judge *j, uint8_t proto)
{
	return is_ip(j) && j->proto == proto ? NULL : "set of ports of another protocol";
}

static const char *judge_set(const struct judge *j, const struct nlattr *nest)
{
	const struct nlattr *a = nla_data(nest);
	unsigned int i, len = nla_len(a) / 2;
	const uint8_t *value = nla_data(a), *mask = value + len;

	for (i = 0; i < len; i++)
		if (value[i] & ~mask[i])
			return "bits that the mask lacks";
	switch (nla_type(a)) {
	case OVS_KEY_ATTR_PRIORITY:
	case OVS_KEY_ATTR_SKB_MARK:
		return len == 4 ? NULL : "length of a number";
	case OVS_KEY_ATTR_ETHERNET:
		return j->ethernet ? NULL : "set of no Ethernet header";
	case OVS_KEY_ATTR_IPV4:
		return judge_ip(j, ETH_P_IP, mask, offsetof(struct ovs_key_ipv4, ipv4_proto),
				offsetof(struct ovs_key_ipv4, ipv4_frag));
	case OVS_KEY_ATTR_IPV6:
		if (((const struct ovs_key_ipv6 *)value)->ipv6_label & htonl(0xfff00000))
			return "label of more than 20 bits";
		return judge_ip(j, ETH_P_IPV6, mask, offsetof(struct ovs_key_ipv6, ipv6_proto),
				offsetof(struct ovs_key_ipv6, ipv6_frag));
	case OVS_KEY_ATTR_TCP:
		return judge_ports(j, IPPROTO_TCP);
	case OVS_KEY_ATTR_UDP:
		return judge_ports(j, IPPROTO_UDP);
	case OVS_KEY_ATTR_SCTP:
		return judge_ports(j, IPPROTO_SCTP);
	case OVS_KEY_ATTR_MPLS:
		return is_mpls(j->type) && len == 4 ? NULL : "set of no label";
	}
	return "can't be set";
}

static const char *judge_tunnel(const struct nlattr *nest)
{
	static const uint8_t zero[16];
	const struct nlattr *t = nla_data(nest), *dst = find(t, OVS_TUNNEL_KEY_ATTR_IPV4_DST);
	bool four = dst || find(t, OVS_TUNNEL_KEY_ATTR_IPV4_SRC);

	if (nla_type(t) != OVS_KEY_ATTR_TUNNEL)
		return "set of no tunnel";
	if (four && (find(t, OVS_TUNNEL_KEY_ATTR_IPV6_DST) || find(t, OVS_TUNNEL_KEY_ATTR_IPV6_SRC)))
		return "a tunnel of both versions";
	if (!four)
		dst = find(t, OVS_TUNNEL_KEY_ATTR_IPV6_DST);
	if (!dst || !memcmp(nla_data(dst), zero, nla_len(dst)))
		return "a tunnel to nowhere";
	return find(t, OVS_TUNNEL_KEY_ATTR_TTL) ? NULL : "a tunnel without a TTL";
}

static const char *judge_ct(const struct judge *j, const struct nlattr *nest)
{
	static const uint8_t zero[16];
	bool commit = find(nest, OVS_CT_ATTR_COMMIT) || find(nest, OVS_CT_ATTR_FORCE_COMMIT);
	const struct nlattr *mark = find(nest, OVS_CT_ATTR_MARK), *nat = find(nest, OVS_CT_ATTR_NAT);
	const struct nlattr *labels = find(nest, OVS_CT_ATTR_LABELS);
	const struct nlattr *helper = find(nest, OVS_CT_ATTR_HELPER);

	if (!is_ip(j))
		return "ct of what is not IP";
	if (mark && !memcmp((uint8_t *)nla_data(mark) + 4, zero, 4))
		return "a mark without a mask";
	if (labels && !memcmp((uint8_t *)nla_data(labels) + 16, zero, 16))
		return "labels without a mask";
	if (!commit && (mark || labels || (nat && (find(nat, OVS_NAT_ATTR_SRC) ||
						   find(nat, OVS_NAT_ATTR_DST)))))
		return "needs commit";
	if (helper && j->proto != (strcmp(nla_data(helper), "ftp") ? IPPROTO_UDP : IPPROTO_TCP))
		return "a helper for another protocol";
	return NULL;
}

static const char *judge_branches(const struct judge *j, const struct nlattr *nest)
{
	const struct nlattr *cases = find(nest, OVS_BPF_ATTR_CASES), *c;
	const char *why = NULL;
	int rem;

	if (cases)
		nla_for_each_nested(c, (struct nlattr *)cases, rem)
			if (!why)
				why = judge_copy(j, find(c, OVS_BPF_CASE_ATTR_ACTIONS));
	if (!why && find(nest, OVS_BPF_ATTR_DEFAULT))
		why = judge_copy(j, find(nest, OVS_BPF_ATTR_DEFAULT));
	return why;
}

/* Descriptor 7 is a filter's. */
static const char *judge_bpf(const struct judge *j, const struct nlattr *nest)
{
	const struct nlattr *recheck = find(nest, OVS_BPF_ATTR_RECHECK);
	const struct nlattr *recirc = find(nest, OVS_BPF_ATTR_RECIRC_ID);
	bool branches = find(nest, OVS_BPF_ATTR_CASES) || find(nest, OVS_BPF_ATTR_DEFAULT);
	bool used = find(nest, OVS_BPF_ATTR_USED);
	uint32_t mode;

	if (recirc && !nla_get_u32(recirc))
		return "a recirculation id of 0";
	if (nla_get_u32(find(nest, OVS_BPF_ATTR_PROG_FD)) == 7) {
		if (recheck || used)
			return "a recheck of a filter";
		if ((find(nest, OVS_BPF_ATTR_DEFAULT) && recirc) || (!branches && !recirc))
			return "a filter that leads nowhere, or twice";
		return judge_branches(j, nest);
	}
	if (!recheck)
		return "no recheck";
	mode = nla_get_u32(recheck);
	if ((!recirc && mode != OVS_BPF_RECHECK_PROGRAM) ||
	    (branches && mode == OVS_BPF_RECHECK_ALWAYS) ||
	    used != (mode == OVS_BPF_RECHECK_CHANGED))
		return "a recheck without what it takes";
	return judge_branches(j, nest);
}

static const char *judge_mpls(struct judge *j, const struct nlattr *a)
{
	const struct ovs_action_push_mpls *push = nla_data(a);

	if (nla_type(a) == OVS_ACTION_ATTR_PUSH_MPLS) {
		if (!is_mpls(ntohs(push->mpls_ethertype)))
			return "a label of no type of one";
		if (j->tagged || !(is_ip(j) || j->type == ETH_P_ARP || j->type == ETH_P_RARP ||
				   is_mpls(j->type)))
			return "a label before what can't be behind one";
		j->labels++;
		j->type = ntohs(push->mpls_ethertype);
		return NULL;
	}
	if (j->tagged || !is_mpls(j->type) || !j->labels)
		return "no label to pop";
	j->labels--;
	j->type = j->labels && is_mpls(ntohs(nla_get_u16(a))) ? ntohs(nla_get_u16(a)) : 0;
	j->proto = 0;
	return NULL;
}

static const char *judge_push_vlan(struct judge *j, const struct ovs_action_push_vlan *vlan)
{
	uint16_t tpid = ntohs(vlan->vlan_tpid);

	if (!j->ethernet)
		return "a tag without an Ethernet header";
	if ((tpid != ETH_P_8021Q && tpid != ETH_P_8021AD) ||
	    !(vlan->vlan_tci & htons(VLAN_PRESENT)))
		return "a tag that is none";
	j->tagged = true;
	return NULL;
}

static const char *judge_one(struct judge *j, const struct nlattr *a)
{
	switch (nla_type(a)) {
	case OVS_ACTION_ATTR_OUTPUT:
		return nla_get_u32(a) < UINT16_MAX ? NULL : "no port's number";
	case OVS_ACTION_ATTR_TRUNC:
		return nla_get_u32(a) >= ETH_HLEN ? NULL : "too short";
	case OVS_ACTION_ATTR_USERSPACE:
		return nla_get_u32(find(a, OVS_USERSPACE_ATTR_PID)) ? NULL : "no PID";
	case OVS_ACTION_ATTR_PUSH_VLAN:
		return judge_push_vlan(j, nla_data(a));
	case OVS_ACTION_ATTR_POP_VLAN:
		j->tagged = false;
		return j->ethernet ? NULL : "no Ethernet header to pop a tag of";
	case OVS_ACTION_ATTR_SET:
		return judge_tunnel(a);
	case OVS_ACTION_ATTR_SET_MASKED:
		return judge_set(j, a);
	case OVS_ACTION_ATTR_PUSH_MPLS:
	case OVS_ACTION_ATTR_POP_MPLS:
		return judge_mpls(j, a);
	case OVS_ACTION_ATTR_CT:
		return judge_ct(j, a);
	case OVS_ACTION_ATTR_CLONE:
		return judge_copy(j, a);
	case OVS_ACTION_ATTR_DEC_TTL:
		return judge_copy(j, find(a, OVS_DEC_TTL_ATTR_ACTION));
	case OVS_ACTION_ATTR_BPF:
		return judge_bpf(j, a);
	case OVS_ACTION_ATTR_RECIRC:
	case OVS_ACTION_ATTR_HASH:
	case OVS_ACTION_ATTR_METER:
	case OVS_ACTION_ATTR_CT_CLEAR:
		return NULL;
	}
	return "not known";
}

static const char *judge_list(struct judge *j, const struct nlattr *nest)
{
	const struct nlattr *a;
	const char *why;
	int rem;

	nla_for_each_nested(a, (struct nlattr *)nest, rem) {
		why = judge_one(j, a);
		if (why)
			return why;
	}
	return NULL;
}

static uint32_t rnd(uint32_t n)
{
	return (uint32_t)random() % n;
}

static const struct field *random_field(unsigned int flags)
{
	const struct field *f;

	do
		f = &fields[rnd(n_fields)];
	while (!f->bits || f->flags & FF_INTERNAL || (flags && !(f->flags & flags)));
	return f;
}

static int random_value(const struct field *f, char *buf, size_t size)
{
	struct field_value v = {};
	unsigned int i, last = field_bytes(f) - 1;
	bool exact = rnd(2);

	for (i = 0; i < f->bits; i++) {
		bool m = exact || rnd(2);

		v.mask[last - i / 8] |= m << i % 8;
		v.value[last - i / 8] |= (m && rnd(2)) << i % 8;
	}
	return field_format(f, v.value, v.mask, buf, size);
}

static int random_set(char *buf, size_t size, int n, unsigned int flags)
{
	const struct field *f = random_field(flags), *from = random_field(0);
	char value[FIELD_TEXT];
	unsigned int bits = f->bits < from->bits ? f->bits : from->bits;

	random_value(f, value, sizeof(value));
	return rnd(3) ? text_add(buf, size, n, "set_field:%s->%s", value, f->name) :
	       text_add(buf, size, n, "move:%s[0..%u]->%s[0..%u]", from->name, bits - 1,
			f->name, bits - 1);
}

static int random_act(char *buf, size_t size, int n)
{
	static const char *const acts[] = {
		"in_port", "flood", "normal", "push_vlan:0x8100", "push_vlan:0x88a8", "pop_vlan",
		"mod_vlan_vid:7", "mod_vlan_pcp:3", "load:0->vlan_tci", "set_field:0x1005->vlan_tci",
		"dec_ttl", "push_mpls:0x8847", "push_mpls:0x8848", "pop_mpls:0x0800",
		"pop_mpls:0x8847", "dec_mpls_ttl", "set_mpls_ttl:3", "ct()", "ct(commit)",
		"ct(commit,nat(src=10.0.0.1))", "ct(table=3,nat)", "ct(commit,alg=ftp)",
		"ct(commit,alg=tftp,table=3)", "ct_clear", "ct(commit,exec(move:reg0[]->ct_mark[]))",
		"group:1", "group:2", "group:3", "meter:1", "controller", "controller:20",
		"bpf(a)", "bpf(f)", "bpf(b,result=reg1)", "bpf(f,result=reg2)", "bpf(a,mode=changed)",
		"resubmit(,1)", "resubmit(2,2)", "resubmit(,3)", "set_tunnel:5", "drop",
		"set_field:10.0.0.1->tun_dst", "set_field:fd00::1->tun_ipv6_dst",
		"set_field:9->tp_dst", "set_field:10.9.9.9->nw_dst", "set_field:fd00::9->ipv6_dst",
		"set_field:99999->in_port",
	};

	switch (rnd(8)) {
	case 0:
		return text_add(buf, size, n, "output:%u", rnd(70000));
	case 1:
		return text_add(buf, size, n, "output(port=%u,max_len=%u)", rnd(9), rnd(200));
	case 2:
		return text_add(buf, size, n, "output:reg%u[0..%u]", rnd(8), rnd(32));
	case 3:
		return random_set(buf, size, n, FF_SET);
	case 4:
		n = text_add(buf, size, n, "ct(commit,exec(");
		n = random_set(buf, size, n, FF_CT);
		return text_add(buf, size, n, "))");
	}
	return text_add(buf, size, n, "%s", acts[rnd(sizeof(acts) / sizeof(acts[0]))]);
}

static int random_acts(char *buf, size_t size, int n)
{
	unsigned int i, many = 1 + rnd(6);

	for (i = 0; i < many; i++) {
		n = text_add(buf, size, n, i ? "," : "");
		n = random_act(buf, size, n);
	}
	return n;
}

/* One that is read: those that are not are made up again. */
static void random_rule(const char *match)
{
	char text[4096], err[512];
	struct rule *rule, *old;

	do {
		random_acts(text, sizeof(text), text_add(text, sizeof(text), 0, "%s,actions=", match));
		rule = rule_parse(text, true, err, sizeof(err));
	} while (!rule);
	assert_int_equal(tables_insert(&tables, rule, &old), 0);
	if (old)
		tables_forget(&tables, old);
	free(old);
}

static void random_group(const char *head)
{
	char text[16384], err[512];
	struct group *g;
	unsigned int i;
	int n;

	do {
		n = text_add(text, sizeof(text), 0, "%s", head);
		for (i = 0; i < 1 + rnd(3); i++)
			n = random_acts(text, sizeof(text), text_add(text, sizeof(text), n, ",bucket="));
		g = group_parse(text, err, sizeof(err));
	} while (!g);
	group_free(groups_insert(&groups, g));
}

static struct flow random_packet(void)
{
	static const struct { uint16_t type; uint8_t proto; } kinds[] = {
		{ 0x0800, 6 }, { 0x0800, 17 }, { 0x0800, 132 }, { 0x0800, 1 }, { 0x0800, 47 },
		{ 0x86dd, 6 }, { 0x86dd, 17 }, { 0x86dd, 58 }, { 0x0806, 1 }, { 0x8847, 0 },
		{ 0x8848, 0 }, { 0x88b5, 0 }, { 0x894f, 0 }, { 0x0800, 0 },
	};
	unsigned int kind = rnd(sizeof(kinds) / sizeof(kinds[0]));
	struct flow f = udp(80);

	f.dl_type = htons(kinds[kind].type);
	f.nw_proto = kinds[kind].proto;
	if (f.nw_proto && !rnd(4))
		f.nw_frag = rnd(2) ? FRAG_ANY : FRAG_ANY | FRAG_LATER;
	if (is_mpls(kinds[kind].type)) {
		f.mpls_lse[0] = htonl(0x1040 | (rnd(2) << 8));
		f.mpls_lse[1] = f.mpls_lse[0] & htonl(0x100) ? 0 : htonl(0x2140);
	}
	if (!rnd(4)) {
		f.vlan_tci = htons(VLAN_PRESENT | 5);
		f.vlan_tpid = htons(0x8100);
	}
	if (f.vlan_tci && rnd(2)) {
		f.vlan_tci2 = htons(VLAN_PRESENT | 6);
		f.vlan_tpid2 = htons(0x8100);
	}
	if (!f.vlan_tci && !rnd(6)) {
		f.ethernet = 0;
		f.packet_type = htonl(1 << 16 | kinds[kind].type);
		memset(f.dl_dst, 0, 12);
	}
	if (!rnd(4)) {
		f.tun_dst = htonl(0x0a000009);
		f.tun_src = htonl(0x0a000008);
	}
	return f;
}

static int prog_fd(const char *name, void *arg)
{
	(void)arg;
	return *name == 'f' ? 7 : 8;
}

static struct judge judge_of(const struct flow *f)
{
	struct judge j = { .type = ntohs(f->dl_type), .proto = f->nw_proto & out.wc.nw_proto,
			   .tagged = f->vlan_tci, .ethernet = f->ethernet };

	if (is_mpls(j.type))
		j.labels = f->mpls_lse[1] ? 2 : 1;
	return j;
}

/* Translates a packet, and says what the datapath has against that. */
static const char *refusal(const struct flow *f)
{
	static const struct odp_env env = { .prog_fd = prog_fd, .pid = 1 };
	struct judge j;
	struct nl_msg *msg;
	struct nlattr *nest;
	const char *why;

	run(f);
	if (out.error)
		return NULL;
	j = judge_of(f);
	msg = nlmsg_alloc_size(1 << 16);
	nest = odp_nest(msg, OVS_FLOW_ATTR_ACTIONS);
	if (odp_put_ops(msg, &out, &env)) {
		why = NULL;	/* too long */
	} else {
		odp_nest_end(msg, nest);
		why = judge_list(&j, nest);
		if (why) {
			static char text[16384];

			odp_format_actions(nest, text, sizeof(text), 0);
			print_message("%s: %s\n%s\n", why, text, traced);
		}
	}
	nlmsg_free(msg);
	return why;
}

static void test_accepted(void **state)
{
	unsigned int i, stage;
	struct flow f;

	(void)state;
	srandom(7);
	for (i = 0; i < ROUNDS; i++) {
		if (!(i % 4)) {
			random_group("group_id=1,type=all");
			random_group("group_id=2,type=select");
			random_group("group_id=3,type=indirect");
		}
		random_rule("table=0");
		random_rule("table=1");
		random_rule("table=2,in_port=2");
		random_rule("table=3");
		f = random_packet();
		for (stage = 0; stage < 3; stage++) {
			uint32_t id = f.recirc_id;

			if (refusal(&f))
				fail_msg("round %u, stage %u", i, stage);
			f = back(f);
			if (out.error || f.recirc_id == id)
				break;
			f.dp_hash = htonl(rnd(64));
			if (is_mpls(ntohs(f.dl_type)))	/* a label may be gone */
				break;
		}
		frozen_clear(&frozen);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { T(test_accepted) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
