// SPDX-License-Identifier: GPL-2.0
/*
 * OVS_CT_ATTR_NAT: translation of addresses and ports of tracked packets.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_nat.h>
#include <net/netlink.h>

#include "conntrack.h"

#if IS_ENABLED(CONFIG_NF_NAT)

/* A hook of the IP layer where nf_nat does each kind of translation. */
static unsigned int manip_hook(enum nf_nat_manip_type manip)
{
	return manip == NF_NAT_MANIP_SRC ? NF_INET_LOCAL_IN :
					   NF_INET_LOCAL_OUT;
}

/* Bring what a translation changed into the key. */
static void key_follow(const struct sk_buff *skb, struct sw_flow_key *key,
		       enum nf_nat_manip_type manip)
{
	const __be16 *ports = (const __be16 *)skb_transport_header(skb);
	bool src = manip == NF_NAT_MANIP_SRC;

	key->ct.state |= src ? OVS_CS_F_SRC_NAT : OVS_CS_F_DST_NAT;
	if (key->eth.type == htons(ETH_P_IP)) {
		if (src)
			key->ipv4.src = ip_hdr(skb)->saddr;
		else
			key->ipv4.dst = ip_hdr(skb)->daddr;
	} else {
		if (src)
			key->ipv6.src = ipv6_hdr(skb)->saddr;
		else
			key->ipv6.dst = ipv6_hdr(skb)->daddr;
	}
	switch (key->ip.proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		if (src)
			key->tp.src = ports[0];
		else
			key->tp.dst = ports[1];
	}
}

/* An ICMP error: what it quotes is translated, too.  Return: whether it was. */
static bool translate_icmp(struct sk_buff *skb, struct nf_conn *ct,
			   enum ip_conntrack_info ctinfo, u8 family,
			   unsigned int hook)
{
	u8 nexthdr = ipv6_hdr(skb)->nexthdr;
	__be16 frag_off;
	int hdrlen;

	if (family == NFPROTO_IPV4)
		return nf_nat_icmp_reply_translation(skb, ct, ctinfo, hook);
	hdrlen = ipv6_skip_exthdr(skb, sizeof(struct ipv6hdr), &nexthdr,
				  &frag_off);
	return hdrlen >= 0 &&
	       nf_nat_icmpv6_reply_translation(skb, ct, ctinfo, hook, hdrlen);
}

static bool is_icmp_error(const struct sw_flow_key *key,
			  enum ip_conntrack_info ctinfo)
{
	if (ctinfo != IP_CT_RELATED && ctinfo != IP_CT_RELATED_REPLY)
		return false;
	return key->ip.proto == (key->eth.type == htons(ETH_P_IP) ?
				 IPPROTO_ICMP : IPPROTO_ICMPV6);
}

/* Translate one side of a packet, as its connection says.  Return: NF_*. */
static int translate(struct sk_buff *skb, struct sw_flow_key *key,
		     const struct ovs_ct_act *act, struct nf_conn *ct,
		     enum ip_conntrack_info ctinfo,
		     enum nf_nat_manip_type manip)
{
	unsigned int hook = manip_hook(manip);
	int verdict = NF_ACCEPT;

	if (is_icmp_error(key, ctinfo)) {
		if (!translate_icmp(skb, ct, ctinfo, act->family, hook))
			verdict = NF_DROP;
	} else {
		verdict = nf_nat_packet(ct, ctinfo, hook, skb);
	}
	if (likely(verdict == NF_ACCEPT))
		key_follow(skb, key, manip);
	return verdict;
}

/* Choose what a new connection is translated to.  Return: NF_*. */
static int bind_side(struct nf_conn *ct, const struct nf_nat_range2 *range,
		     enum nf_nat_manip_type manip)
{
	if (nf_nat_initialized(ct, manip))
		return NF_ACCEPT;
	if (range && range->flags)
		return nf_nat_setup_info(ct, range, manip);
	return nf_nat_alloc_null_binding(ct, manip_hook(manip));
}

static int bind_new(struct nf_conn *ct, const struct ovs_ct_act *act)
{
	int verdict;

	if (!nf_ct_nat_ext_add(ct))
		return NF_DROP;
	if (act->nat == OVS_CT_NAT_SRC)
		return bind_side(ct, &act->range, NF_NAT_MANIP_SRC);
	verdict = bind_side(ct, &act->range, NF_NAT_MANIP_DST);
	/*
	 * Connections from one source port to two addresses may now be to one:
	 * if so, another source port tells their replies apart.
	 */
	if (verdict == NF_ACCEPT && ct->status & IPS_DST_NAT)
		verdict = bind_side(ct, NULL, NF_NAT_MANIP_SRC);
	return verdict;
}

/**
 * ovs_ct_nat - translate a tracked packet
 * @skb: the packet; data at the network header.
 * @key: its key; what is translated changes in it, and OVS_CS_F_*_NAT are set.
 * @act: the action; its nat is not %OVS_CT_NAT_NONE.
 * @ct: the connection: committed, or about to be.
 * @ctinfo: the packet's place in it.
 *
 * Context: RCU read side, BH disabled.
 * Return: %NF_ACCEPT; else the packet is to be dropped.
 */
int ovs_ct_nat(struct sk_buff *skb, struct sw_flow_key *key,
	       const struct ovs_ct_act *act, struct nf_conn *ct,
	       enum ip_conntrack_info ctinfo)
{
	int verdict = NF_ACCEPT;
	unsigned long sides;

	if (!nf_ct_is_confirmed(ct) && act->nat != OVS_CT_NAT_FOLLOW &&
	    ctinfo != IP_CT_RELATED_REPLY) {
		verdict = bind_new(ct, act);
		if (verdict != NF_ACCEPT)
			return verdict;
	}

	sides = ct->status & IPS_NAT_MASK;
	if (!sides)
		return NF_ACCEPT;
	/* Until a reply was seen, only who translates new connections does. */
	if (ctinfo == IP_CT_NEW && act->nat == OVS_CT_NAT_FOLLOW)
		return NF_ACCEPT;
	/* What was done to the source is undone at a reply's destination. */
	if (CTINFO2DIR(ctinfo) == IP_CT_DIR_REPLY && sides != IPS_NAT_MASK)
		sides ^= IPS_NAT_MASK;
	if (sides & IPS_DST_NAT)
		verdict = translate(skb, key, act, ct, ctinfo,
				    NF_NAT_MANIP_DST);
	if (verdict == NF_ACCEPT && sides & IPS_SRC_NAT)
		verdict = translate(skb, key, act, ct, ctinfo,
				    NF_NAT_MANIP_SRC);
	/* With the destination goes the source, be it to itself: bind_new(). */
	if (ct->status & IPS_DST_NAT && CTINFO2DIR(ctinfo) == IP_CT_DIR_ORIGINAL)
		key->ct.state |= OVS_CS_F_SRC_NAT;
	return verdict;
}

/* The options that are flags alone. */
static const struct {
	u16 attr;
	u32 flag;
} nat_flags[] = {
	{ OVS_NAT_ATTR_PERSISTENT, NF_NAT_RANGE_PERSISTENT },
	{ OVS_NAT_ATTR_PROTO_HASH, NF_NAT_RANGE_PROTO_RANDOM },
	{ OVS_NAT_ATTR_PROTO_RANDOM, NF_NAT_RANGE_PROTO_RANDOM_FULLY },
};

static int nat_parse_flag(struct ovs_ct_act *ct, const struct nlattr *attr,
			  const char **why)
{
	unsigned int i;

	if (nla_len(attr)) {
		*why = "a NAT flag has no payload";
		return -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(nat_flags); i++)
		if (nla_type(attr) == nat_flags[i].attr)
			ct->range.flags |= nat_flags[i].flag;
	return 0;
}

static int nat_parse_type(struct ovs_ct_act *ct, const struct nlattr *attr,
			  const char **why)
{
	if (nla_len(attr)) {
		*why = "NAT SRC and DST have no payload";
		return -EINVAL;
	}
	if (ct->nat != OVS_CT_NAT_FOLLOW) {
		*why = "NAT is of the source or of the destination, once";
		return -ERANGE;
	}
	ct->nat = nla_type(attr) == OVS_NAT_ATTR_SRC ? OVS_CT_NAT_SRC :
						       OVS_CT_NAT_DST;
	return 0;
}

static int nat_parse_addr(struct ovs_ct_act *ct, const struct nlattr *attr,
			  const char **why)
{
	int len = ct->family == NFPROTO_IPV4 ? sizeof(struct in_addr) :
					       sizeof(struct in6_addr);

	if (nla_len(attr) != len) {
		*why = "a NAT address is not of the flow's family";
		return -EINVAL;
	}
	if (nla_type(attr) == OVS_NAT_ATTR_IP_MIN)
		memcpy(&ct->range.min_addr, nla_data(attr), len);
	else
		memcpy(&ct->range.max_addr, nla_data(attr), len);
	ct->range.flags |= NF_NAT_RANGE_MAP_IPS;
	return 0;
}

static int nat_parse_port(struct ovs_ct_act *ct, const struct nlattr *attr,
			  const char **why)
{
	__be16 port;

	if (nla_len(attr) != sizeof(u16)) {
		*why = "a NAT port has 16 bits";
		return -EINVAL;
	}
	port = htons(nla_get_u16(attr));
	if (nla_type(attr) == OVS_NAT_ATTR_PROTO_MIN)
		ct->range.min_proto.all = port;
	else
		ct->range.max_proto.all = port;
	ct->range.flags |= NF_NAT_RANGE_PROTO_SPECIFIED;
	return 0;
}

static int (*const nat_parsers[OVS_NAT_ATTR_MAX + 1])(struct ovs_ct_act *ct,
						      const struct nlattr *attr,
						      const char **why) = {
	[OVS_NAT_ATTR_SRC] = nat_parse_type,
	[OVS_NAT_ATTR_DST] = nat_parse_type,
	[OVS_NAT_ATTR_IP_MIN] = nat_parse_addr,
	[OVS_NAT_ATTR_IP_MAX] = nat_parse_addr,
	[OVS_NAT_ATTR_PROTO_MIN] = nat_parse_port,
	[OVS_NAT_ATTR_PROTO_MAX] = nat_parse_port,
	[OVS_NAT_ATTR_PERSISTENT] = nat_parse_flag,
	[OVS_NAT_ATTR_PROTO_HASH] = nat_parse_flag,
	[OVS_NAT_ATTR_PROTO_RANDOM] = nat_parse_flag,
};

/**
 * ovs_ct_nat_parse - validate OVS_CT_ATTR_NAT
 * @ct: the action so far; its nat and range are set.
 * @attr: nest of OVS_NAT_ATTR_*.
 * @why: set to the reason of a refusal.
 *
 * Context: process.
 * Return: 0, -EINVAL or -ERANGE.
 */
int ovs_ct_nat_parse(struct ovs_ct_act *ct, const struct nlattr *attr,
		     const char **why)
{
	bool has_max_addr = false, has_max_port = false;
	const struct nlattr *a;
	int rem, err;

	memset(&ct->range, 0, sizeof(ct->range));
	ct->nat = OVS_CT_NAT_FOLLOW;
	nla_for_each_nested(a, attr, rem) {
		if (nla_type(a) > OVS_NAT_ATTR_MAX ||
		    !nat_parsers[nla_type(a)]) {
			*why = "unknown NAT attribute";
			return -EINVAL;
		}
		err = nat_parsers[nla_type(a)](ct, a, why);
		if (err)
			return err;
		has_max_addr |= nla_type(a) == OVS_NAT_ATTR_IP_MAX;
		has_max_port |= nla_type(a) == OVS_NAT_ATTR_PROTO_MAX;
	}
	if (rem) {
		*why = "junk behind the NAT attributes";
		return -EINVAL;
	}
	if (ct->range.flags && ct->nat == OVS_CT_NAT_FOLLOW) {
		*why = "NAT options need SRC or DST";
		return -EINVAL;
	}
	if (!has_max_addr)
		ct->range.max_addr = ct->range.min_addr;
	if (!has_max_port)
		ct->range.max_proto.all = ct->range.min_proto.all;
	return 0;
}

static int dump_addrs(struct sk_buff *msg, const struct ovs_ct_act *ct)
{
	int len = ct->family == NFPROTO_IPV4 ? sizeof(struct in_addr) :
					       sizeof(struct in6_addr);
	const struct nf_nat_range2 *range = &ct->range;

	if (nla_put(msg, OVS_NAT_ATTR_IP_MIN, len, &range->min_addr))
		return -EMSGSIZE;
	if (memcmp(&range->min_addr, &range->max_addr, len) &&
	    nla_put(msg, OVS_NAT_ATTR_IP_MAX, len, &range->max_addr))
		return -EMSGSIZE;
	return 0;
}

static int dump_ports(struct sk_buff *msg, const struct nf_nat_range2 *range)
{
	if (nla_put_u16(msg, OVS_NAT_ATTR_PROTO_MIN,
			ntohs(range->min_proto.all)))
		return -EMSGSIZE;
	if (range->max_proto.all != range->min_proto.all &&
	    nla_put_u16(msg, OVS_NAT_ATTR_PROTO_MAX,
			ntohs(range->max_proto.all)))
		return -EMSGSIZE;
	return 0;
}

/**
 * ovs_ct_nat_dump - write OVS_CT_ATTR_NAT
 * @msg: the message.
 * @ct: the action; its nat is not %OVS_CT_NAT_NONE.
 *
 * Context: any in which the action can't be freed.
 * Return: 0 or -EMSGSIZE.
 */
int ovs_ct_nat_dump(struct sk_buff *msg, const struct ovs_ct_act *ct)
{
	struct nlattr *nest = nla_nest_start_noflag(msg, OVS_CT_ATTR_NAT);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	if (ct->nat != OVS_CT_NAT_FOLLOW &&
	    nla_put_flag(msg, ct->nat == OVS_CT_NAT_SRC ? OVS_NAT_ATTR_SRC :
							  OVS_NAT_ATTR_DST))
		return -EMSGSIZE;
	if (ct->range.flags & NF_NAT_RANGE_MAP_IPS && dump_addrs(msg, ct))
		return -EMSGSIZE;
	if (ct->range.flags & NF_NAT_RANGE_PROTO_SPECIFIED &&
	    dump_ports(msg, &ct->range))
		return -EMSGSIZE;
	for (i = 0; i < ARRAY_SIZE(nat_flags); i++)
		if (ct->range.flags & nat_flags[i].flag &&
		    nla_put_flag(msg, nat_flags[i].attr))
			return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

#else /* no NAT in this kernel */

int ovs_ct_nat_parse(struct ovs_ct_act *ct, const struct nlattr *attr,
		     const char **why)
{
	*why = "this kernel has no NAT";
	return -EINVAL;
}

int ovs_ct_nat_dump(struct sk_buff *msg, const struct ovs_ct_act *ct)
{
	return 0;
}

int ovs_ct_nat(struct sk_buff *skb, struct sw_flow_key *key,
	       const struct ovs_ct_act *act, struct nf_conn *ct,
	       enum ip_conntrack_info ctinfo)
{
	return NF_ACCEPT;
}

#endif
