// SPDX-License-Identifier: GPL-2.0
/*
 * Keys and masks as nested OVS_KEY_ATTR_* attributes.
 *
 * What attributes there are is told by a table, in key_attrs.c.
 */
#include <linux/if_vlan.h>
#include <linux/netlink.h>
#include <net/netlink.h>

#include "datapath.h"
#include "flow_netlink.h"
#include "key_attrs.h"

/* All of OVS_CS_F_*. */
#define CT_STATE_BITS 0xffU

/* The attributes of one nest, by type; no more of them is valid than @present tells. */
struct key_tb {
	const struct nlattr *a[OVS_KEY_ATTRS];
	u64 present;
};

static const struct nlattr *tb_get(const struct key_tb *tb, unsigned int type)
{
	return tb->present & BIT_ULL(type) ? tb->a[type] : NULL;
}

/* For each bit of a set, that of attributes or another. */
#define for_each_in_set(i, set)						\
	for (u64 set_ = (set); set_ && ((i) = __ffs64(set_), true);	\
	     set_ &= set_ - 1)

/* Whether an attribute of a mask asks for nothing.  Nests see to themselves. */
static bool mask_attr_empty(const struct nlattr *nla)
{
	if (nla_type(nla) == OVS_KEY_ATTR_ENCAP ||
	    nla_type(nla) == OVS_KEY_ATTR_TUNNEL)
		return false;
	if (nla_len(nla) == sizeof(u32))	/* as most are */
		return !nla_get_u32(nla);
	return !memchr_inv(nla_data(nla), 0, nla_len(nla));
}

/*
 * Sort the attributes of a nest by type.  Of a mask, an attribute that asks for
 * nothing counts as absent, even one that is not supported.
 */
static int key_tb_parse(struct key_tb *tb, const struct nlattr *nest,
			bool is_mask, struct netlink_ext_ack *extack)
{
	const struct nlattr *nla;
	int rem;

	tb->present = 0;
	nla_for_each_nested(nla, nest, rem) {
		const struct key_attr *desc = ovs_key_attr_find(nla_type(nla));

		if (!desc && is_mask && mask_attr_empty(nla))
			continue;
		if (!desc)
			return ovs_key_refuse(extack, nla,
					      "key attribute is not supported");
		if (tb->present & BIT_ULL(nla_type(nla)))
			return ovs_key_refuse(extack, nla,
					      "key attribute stands twice");
		if (desc->fields && nla_len(nla) != desc->len)
			return ovs_key_refuse(extack, nla,
					      "key attribute has the wrong length");
		if (nla_type(nla) == OVS_KEY_ATTR_CT_STATE &&
		    nla_get_u32(nla) & ~CT_STATE_BITS)
			return ovs_key_refuse(extack, nla,
					      "CT_STATE has unknown bits");
		if (is_mask && mask_attr_empty(nla))
			continue;
		tb->a[nla_type(nla)] = nla;
		tb->present |= BIT_ULL(nla_type(nla));
	}
	if (rem)
		return ovs_key_refuse(extack, nest, "junk behind the key attributes");
	return 0;
}

/* Copy what @tb has, but for VLAN tags, and @which allows, into a key or mask. */
static int key_fill(struct sw_flow_key *key, const struct key_tb *tb, u64 which,
		    bool is_mask, struct netlink_ext_ack *extack)
{
	unsigned int type;
	int err;

	for_each_in_set(type, tb->present & which & ~BIT_ULL(OVS_KEY_ATTR_VLAN)) {
		const struct key_attr *desc = &ovs_key_attrs[type];

		if (desc->nest) {
			err = desc->nest->parse(key, tb->a[type], is_mask,
						extack);
			if (err)
				return err;
		} else if (desc->fields) {
			ovs_key_from_attr(key, type, nla_data(tb->a[type]));
		}
	}
	return 0;
}

/* Make a mask match exactly on what @tb, which made @key, has. */
static void mask_fill_exact(struct sw_flow_key *mask,
			    const struct sw_flow_key *key,
			    const struct key_tb *tb)
{
	unsigned int type;
	u8 ones[64];

	BUILD_BUG_ON(sizeof(struct ovs_key_ipv6) > sizeof(ones));
	memset(ones, 0xff, sizeof(ones));
	for_each_in_set(type, tb->present & ~BIT_ULL(OVS_KEY_ATTR_VLAN)) {
		const struct key_attr *desc = &ovs_key_attrs[type];

		if (desc->nest)
			desc->nest->exact(mask, key);
		else if (desc->fields)
			ovs_key_from_attr(mask, type, ones);
	}
}

/* What lies under the tags: kept apart, as the outer nest's rest still counts. */
struct key_layers {
	struct key_tb outer;	/* empty if not tagged; no ETHERTYPE, VLAN, ENCAP */
	struct key_tb inner;
	unsigned int tags;
};

/* Go on with what a tag encloses. */
static void layers_descend(struct key_layers *l, const struct key_tb *enclosed)
{
	static const u64 of_tag =
		BIT_ULL(OVS_KEY_ATTR_ETHERTYPE) | BIT_ULL(OVS_KEY_ATTR_VLAN) |
		BIT_ULL(OVS_KEY_ATTR_ENCAP);

	if (!l->tags++) {
		l->outer = l->inner;
		l->outer.present &= ~of_tag;
	}
	l->inner = *enclosed;
}

/* Copy what both layers have. */
static int layers_fill(struct sw_flow_key *key, const struct key_layers *l,
		       bool is_mask, struct netlink_ext_ack *extack)
{
	return key_fill(key, &l->outer, U64_MAX, is_mask, extack) ?:
	       key_fill(key, &l->inner, U64_MAX, is_mask, extack);
}

/*
 * If the inner layer describes a tag, put it into @vlan and go on with what it
 * encloses.  Return: 1 if so, 0 if there is none, or an error.
 */
static int key_vlan(struct ovs_vlan *vlan, struct key_layers *l,
		    struct netlink_ext_ack *extack)
{
	struct key_tb *tb = &l->inner;
	const struct nlattr *type = tb_get(tb, OVS_KEY_ATTR_ETHERTYPE);
	const struct nlattr *tci = tb_get(tb, OVS_KEY_ATTR_VLAN);
	const struct nlattr *encap = tb_get(tb, OVS_KEY_ATTR_ENCAP);
	struct key_tb inner __uninitialized;
	int err;

	if (!type || !eth_type_vlan(nla_get_be16(type))) {
		if (tci || encap)
			return ovs_key_refuse(extack, tci ?: encap,
					      "VLAN and ENCAP need a VLAN ETHERTYPE");
		return 0;
	}
	if (!tci || !encap)
		return ovs_key_refuse(extack, type,
				      "a VLAN ETHERTYPE needs VLAN and ENCAP");
	if (!(nla_get_be16(tci) & htons(VLAN_CFI_MASK))) {
		if (nla_get_be16(tci) || nla_len(encap))
			return ovs_key_refuse(extack, tci,
					      "VLAN lacks the tag-present bit, 0x1000");
		return 0;
	}
	err = key_tb_parse(&inner, encap, false, extack);
	if (err)
		return err;
	vlan->tpid = nla_get_be16(type);
	vlan->tci = nla_get_be16(tci);
	layers_descend(l, &inner);
	return 1;
}

/* Likewise for the mask of a key that has the tag. */
static int mask_vlan(struct ovs_vlan *vlan, struct key_layers *l,
		     struct netlink_ext_ack *extack)
{
	struct key_tb *tb = &l->inner;
	const struct nlattr *type = tb_get(tb, OVS_KEY_ATTR_ETHERTYPE);
	const struct nlattr *tci = tb_get(tb, OVS_KEY_ATTR_VLAN);
	const struct nlattr *encap = tb_get(tb, OVS_KEY_ATTR_ENCAP);
	struct key_tb inner __uninitialized;
	int err;

	if (type && nla_get_be16(type) != htons(0xffff))
		return ovs_key_refuse(extack, type,
				      "the mask of a VLAN ETHERTYPE must be exact");
	if (tci && !(nla_get_be16(tci) & htons(VLAN_CFI_MASK)))
		return ovs_key_refuse(extack, tci,
				      "the mask of VLAN must cover the tag-present bit");
	inner.present = 0;
	if (encap) {
		err = key_tb_parse(&inner, encap, true, extack);
		if (err)
			return err;
	}
	vlan->tpid = htons(0xffff);
	if (tci)
		vlan->tci = nla_get_be16(tci);
	layers_descend(l, &inner);
	return 0;
}

static int key_layers(struct sw_flow_key *key, struct key_layers *l,
		      const struct nlattr *nest, struct netlink_ext_ack *extack)
{
	int err;

	l->outer.present = 0;
	l->tags = 0;
	err = key_tb_parse(&l->inner, nest, false, extack);
	if (!err)
		err = key_vlan(&key->eth.vlan, l, extack);
	if (err > 0)
		err = key_vlan(&key->eth.cvlan, l, extack);
	return min(err, 0);
}

static int mask_layers(struct sw_flow_key *mask, struct key_layers *l,
		       unsigned int tags, const struct nlattr *nest,
		       struct netlink_ext_ack *extack)
{
	int err;

	l->outer.present = 0;
	l->tags = 0;
	err = key_tb_parse(&l->inner, nest, true, extack);
	if (!err && tags)
		err = mask_vlan(&mask->eth.vlan, l, extack);
	if (!err && tags > 1)
		err = mask_vlan(&mask->eth.cvlan, l, extack);
	return err;
}

static bool layers_have(const struct key_layers *l, unsigned int type)
{
	return (l->outer.present | l->inner.present) & BIT_ULL(type);
}

/* An attribute of either. */
static const struct nlattr *layers_get(const struct key_layers *l,
				       unsigned int type)
{
	return tb_get(&l->inner, type) ?: tb_get(&l->outer, type);
}

static int key_check_values(const struct sw_flow_key *key,
			    const struct key_layers *l,
			    const struct nlattr *nest,
			    struct netlink_ext_ack *extack)
{
	const struct nlattr *arp = tb_get(&l->inner, OVS_KEY_ATTR_ARP);
	const struct nlattr *ipv6 = tb_get(&l->inner, OVS_KEY_ATTR_IPV6);

	if (key->in_port > OVS_NO_PORT ||
	    (key->in_port == OVS_NO_PORT && layers_have(l, OVS_KEY_ATTR_IN_PORT)))
		return ovs_key_refuse(extack, nest, "IN_PORT is out of range");
	if (!eth_proto_is_802_3(key->eth.type) &&
	    key->eth.type != htons(ETH_P_802_2))
		return ovs_key_refuse(extack, nest, "ETHERTYPE is below 0x600");
	if (key->eth.type == htons(ETH_P_802_2) && key->eth.mac_proto)
		return ovs_key_refuse(extack, nest,
				      "a key without ETHERNET needs an ETHERTYPE");
	if (key->ip.frag > OVS_FRAG_TYPE_MAX)
		return ovs_key_refuse(extack, nest, "unknown fragment type");
	if (ipv6 && key->ipv6_label & htonl(0xfff00000))
		return ovs_key_refuse(extack, ipv6, "IPv6 label exceeds 20 bits");
	if (layers_have(l, OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV6) &&
	    layers_have(l, OVS_KEY_ATTR_ND))
		return ovs_key_refuse(extack, nest,
				      "ND and CT_ORIG_TUPLE_IPV6 exclude each other");
	if (arp && ntohs(((const struct ovs_key_arp *)nla_data(arp))->arp_op) >
		   0xff)
		return ovs_key_refuse(extack, arp, "ARP opcode exceeds 255");
	return 0;
}

/* Each attribute must apply to the key, and each that applies be there. */
static int key_check_presence(const struct key_layers *l, u32 prereqs,
			      const struct nlattr *nest,
			      struct netlink_ext_ack *extack)
{
	u64 have = l->inner.present | l->outer.present;
	u64 must = 0, may = BIT_ULL(OVS_KEY_ATTR_ENCAP);
	unsigned int i;

	for_each_in_set(i, prereqs) {
		must |= ovs_key_prereq_attrs[i].must;
		may |= ovs_key_prereq_attrs[i].may;
	}
	if (have & ~may)
		return ovs_key_refuse(extack, layers_get(l, __ffs64(have & ~may)),
				      "attribute does not apply to a packet of this key");
	if (must & ~have)
		return ovs_key_refuse(extack, nest,
				      "key lacks the attribute of a header that its type or protocol implies");
	return 0;
}

/*
 * Whether a mask may have what the key lacks: no tunnel, and no Ethernet type,
 * can be asked for.  Tags were looked at already.
 */
static bool mask_alone(unsigned int type)
{
	return type == OVS_KEY_ATTR_TUNNEL || type == OVS_KEY_ATTR_ETHERTYPE ||
	       type == OVS_KEY_ATTR_VLAN || type == OVS_KEY_ATTR_ENCAP;
}

static int mask_check_presence(const struct sw_flow_key *key,
			       const struct sw_flow_key *mask,
			       const struct key_layers *l,
			       const struct key_layers *key_l, u32 prereqs,
			       struct netlink_ext_ack *extack)
{
	unsigned int type;

	for_each_in_set(type, l->inner.present | l->outer.present) {
		const struct nlattr *nla = layers_get(l, type);
		const struct key_attr *desc = &ovs_key_attrs[type];

		if (desc->nest && desc->nest->check &&
		    desc->nest->check(key, mask, nla, extack))
			return -EINVAL;
		if (mask_alone(type))
			continue;
		if (!layers_have(key_l, type))
			return ovs_key_refuse(extack, nla,
					      "mask has an attribute that the key lacks");
		if (!(prereqs & BIT(desc->prereq)) ||
		    !ovs_key_prereq_exact(desc->prereq, mask))
			return ovs_key_refuse(extack, nla,
					      "mask attribute needs an exact match on the type or protocol before it");
	}
	return 0;
}

static int mask_get(struct sw_flow_key *mask, const struct sw_flow_key *key,
		    const struct key_layers *key_l, u32 prereqs,
		    const struct nlattr *nest, struct netlink_ext_ack *extack)
{
	struct key_layers l __uninitialized;
	int err;

	memset(mask, 0, sizeof(*mask));
	/* Whether there is a tag always counts. */
	mask->eth.vlan.tci = htons(0xffff);
	mask->eth.cvlan.tci = htons(0xffff);
	mask->eth.mac_proto = 0xff;

	if (!nest) {
		if (key_l->tags)
			mask->eth.vlan.tpid = htons(0xffff);
		if (key_l->tags > 1)
			mask->eth.cvlan.tpid = htons(0xffff);
		mask_fill_exact(mask, key, &key_l->outer);
		mask_fill_exact(mask, key, &key_l->inner);
		mask->in_port = U32_MAX;
		mask->eth.type = htons(0xffff);
		return 0;
	}
	err = mask_layers(mask, &l, key_l->tags, nest, extack) ?:
	      layers_fill(mask, &l, true, extack);
	if (err)
		return err;
	if (layers_have(&l, OVS_KEY_ATTR_IN_PORT))
		mask->in_port = U32_MAX;
	if (tb_get(&l.inner, OVS_KEY_ATTR_ETHERTYPE))
		mask->eth.type = htons(0xffff);
	return mask_check_presence(key, mask, &l, key_l, prereqs, extack);
}

/**
 * ovs_nla_get_match - read what a flow is to match
 * @key: filled in; not yet masked.
 * @mask: filled in; may be NULL if only the key is wanted.
 * @nla_key: OVS_FLOW_ATTR_KEY.
 * @nla_mask: OVS_FLOW_ATTR_MASK; NULL means an exact match on all that the key
 *	has.
 * @extack: where a refusal is explained.
 *
 * Context: process.
 * Return: 0 or -EINVAL.
 */
int ovs_nla_get_match(struct sw_flow_key *key, struct sw_flow_key *mask,
		      const struct nlattr *nla_key,
		      const struct nlattr *nla_mask,
		      struct netlink_ext_ack *extack)
{
	struct key_layers l __uninitialized;
	u32 prereqs;
	int err;

	memset(key, 0, sizeof(*key));
	key->in_port = OVS_NO_PORT;
	key->eth.type = htons(ETH_P_802_2);
	err = key_layers(key, &l, nla_key, extack) ?:
	      layers_fill(key, &l, false, extack);
	if (err)
		return err;
	if (l.tags && !tb_get(&l.inner, OVS_KEY_ATTR_ETHERTYPE))
		key->eth.type = htons(ETH_P_802_2);
	if (!layers_have(&l, OVS_KEY_ATTR_ETHERNET))
		key->eth.mac_proto = OVS_MAC_NONE;

	err = key_check_values(key, &l, nla_key, extack);
	if (err)
		return err;
	prereqs = ovs_key_prereqs(key);
	err = key_check_presence(&l, prereqs, nla_key, extack);
	if (!err && mask)
		err = mask_get(mask, key, &l, prereqs, nla_mask, extack);
	return err;
}

/**
 * ovs_nla_get_metadata - read what the bytes of a packet don't tell
 * @key: the metadata and eth.mac_proto are set; eth.type too for a packet
 *	without an Ethernet header.
 * @attr: OVS_PACKET_ATTR_KEY; attributes about headers are ignored.
 * @extack: where a refusal is explained.
 *
 * Context: process.
 * Return: 0 or -EINVAL.
 */
int ovs_nla_get_metadata(struct sw_flow_key *key, const struct nlattr *attr,
			 struct netlink_ext_ack *extack)
{
	static const u64 metadata =
		BIT_ULL(OVS_KEY_ATTR_PRIORITY) | BIT_ULL(OVS_KEY_ATTR_IN_PORT) |
		BIT_ULL(OVS_KEY_ATTR_SKB_MARK) | BIT_ULL(OVS_KEY_ATTR_TUNNEL) |
		BIT_ULL(OVS_KEY_ATTR_DP_HASH) | BIT_ULL(OVS_KEY_ATTR_RECIRC_ID) |
		BIT_ULL(OVS_KEY_ATTR_CT_STATE) | BIT_ULL(OVS_KEY_ATTR_CT_ZONE) |
		BIT_ULL(OVS_KEY_ATTR_CT_MARK) | BIT_ULL(OVS_KEY_ATTR_CT_LABELS) |
		BIT_ULL(OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV4) |
		BIT_ULL(OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV6);
	struct key_tb tb __uninitialized;
	int err;

	memset(key, 0, sizeof(*key));
	key->in_port = OVS_NO_PORT;
	err = key_tb_parse(&tb, attr, false, extack);
	if (err)
		return err;
	err = key_fill(key, &tb, metadata, false, extack);
	if (err)
		return err;
	if (tb_get(&tb, OVS_KEY_ATTR_IN_PORT) && key->in_port >= OVS_NO_PORT)
		return ovs_key_refuse(extack, tb_get(&tb, OVS_KEY_ATTR_IN_PORT),
				      "IN_PORT is out of range");
	if (!tb_get(&tb, OVS_KEY_ATTR_ETHERNET) && tb_get(&tb, OVS_KEY_ATTR_ETHERTYPE)) {
		key->eth.mac_proto = OVS_MAC_NONE;
		key->eth.type = nla_get_be16(tb_get(&tb, OVS_KEY_ATTR_ETHERTYPE));
	}
	return 0;
}

static unsigned int tb_count(const struct key_tb *tb, const u8 *types,
			     unsigned int n)
{
	unsigned int i, count = 0;

	for (i = 0; i < n; i++)
		count += !!tb_get(tb, types[i]);
	return count;
}

/**
 * ovs_nla_get_used - read the bits that the actions behind a program depend on
 * @used: filled in; the Ethernet type and the presence of a tag are added.
 * @attr: OVS_BPF_ATTR_USED; flat, VLAN is the outer tag.
 * @extack: where a refusal is explained.
 *
 * Context: process.
 * Return: 0 or -EINVAL.
 */
int ovs_nla_get_used(struct sw_flow_key *used, const struct nlattr *attr,
		     struct netlink_ext_ack *extack)
{
	/* What shares a place in the key can't be told apart in it. */
	static const u8 l3[] = {
		OVS_KEY_ATTR_IPV4, OVS_KEY_ATTR_IPV6, OVS_KEY_ATTR_ARP,
		OVS_KEY_ATTR_MPLS, OVS_KEY_ATTR_NSH,
	};
	static const u8 tail[] = {
		OVS_KEY_ATTR_ARP, OVS_KEY_ATTR_ND,
		OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV4,
		OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV6,
	};
	struct key_tb tb __uninitialized;
	int err;

	memset(used, 0, sizeof(*used));
	err = key_tb_parse(&tb, attr, true, extack);
	if (err)
		return err;
	if (tb_get(&tb, OVS_KEY_ATTR_ENCAP))
		return ovs_key_refuse(extack, tb_get(&tb, OVS_KEY_ATTR_ENCAP),
				      "USED is flat: ENCAP is not allowed in it");
	if (tb_count(&tb, l3, ARRAY_SIZE(l3)) > 1 ||
	    tb_count(&tb, tail, ARRAY_SIZE(tail)) > 1)
		return ovs_key_refuse(extack, attr,
				      "USED has attributes that no packet has at once");
	err = key_fill(used, &tb, U64_MAX, true, extack);
	if (err)
		return err;
	if (tb_get(&tb, OVS_KEY_ATTR_VLAN))
		used->eth.vlan.tci = nla_get_be16(tb_get(&tb, OVS_KEY_ATTR_VLAN));
	used->eth.type = htons(0xffff);
	used->eth.vlan.tci |= htons(VLAN_CFI_MASK);
	used->eth.cvlan.tci |= htons(VLAN_CFI_MASK);
	used->eth.vlan.tpid = htons(0xffff);
	return 0;
}

/* One tag, and the start of the nest of what it encloses. */
static int put_vlan(struct sk_buff *msg, const struct ovs_vlan *out,
		    struct nlattr **encap)
{
	if (nla_put_be16(msg, OVS_KEY_ATTR_ETHERTYPE, out->tpid) ||
	    nla_put_be16(msg, OVS_KEY_ATTR_VLAN, out->tci))
		return -EMSGSIZE;
	*encap = nla_nest_start_noflag(msg, OVS_KEY_ATTR_ENCAP);
	return *encap ? 0 : -EMSGSIZE;
}

/* A tag that is cut short: no tag-present bit, nothing in it. */
static int put_cut_vlan(struct sk_buff *msg, const struct sw_flow_key *out)
{
	struct nlattr *encap;

	if (nla_put_be16(msg, OVS_KEY_ATTR_ETHERTYPE, out->eth.type) ||
	    nla_put_be16(msg, OVS_KEY_ATTR_VLAN, 0))
		return -EMSGSIZE;
	encap = nla_nest_start_noflag(msg, OVS_KEY_ATTR_ENCAP);
	if (!encap)
		return -EMSGSIZE;
	nla_nest_end(msg, encap);
	return 0;
}

/* What lies behind an IP header: no attribute, one or two. */
static int put_transport(struct sk_buff *msg, const struct sw_flow_key *key,
			 const struct sw_flow_key *out, bool is_mask)
{
	bool v6 = key->eth.type == htons(ETH_P_IPV6);
	unsigned int type, more = 0;

	if (key->ip.frag == OVS_FRAG_TYPE_LATER)
		return 0;
	switch (key->ip.proto) {
	case IPPROTO_TCP:
		type = OVS_KEY_ATTR_TCP;
		more = OVS_KEY_ATTR_TCP_FLAGS;
		break;
	case IPPROTO_UDP:
		type = OVS_KEY_ATTR_UDP;
		break;
	case IPPROTO_SCTP:
		type = OVS_KEY_ATTR_SCTP;
		break;
	case IPPROTO_ICMP:
		if (v6)
			return 0;
		type = OVS_KEY_ATTR_ICMP;
		break;
	case IPPROTO_ICMPV6:
		if (!v6)
			return 0;
		type = OVS_KEY_ATTR_ICMPV6;
		if (ovs_key_prereqs(key) & BIT(PREREQ_ND))
			more = OVS_KEY_ATTR_ND;
		break;
	default:
		return 0;
	}
	if (ovs_key_put_attr(msg, type, key, out, is_mask))
		return -EMSGSIZE;
	return more ? ovs_key_put_attr(msg, more, key, out, is_mask) : 0;
}

static int put_ip(struct sk_buff *msg, const struct sw_flow_key *key,
		  const struct sw_flow_key *out, bool is_mask)
{
	bool v6 = key->eth.type == htons(ETH_P_IPV6);
	int err;

	err = ovs_key_put_attr(msg, v6 ? OVS_KEY_ATTR_IPV6 : OVS_KEY_ATTR_IPV4,
			       key, out, is_mask);
	if (!err)
		err = put_transport(msg, key, out, is_mask);
	if (!err && key->ct.orig_proto)
		err = ovs_key_put_attr(msg, v6 ? OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV6 :
						 OVS_KEY_ATTR_CT_ORIG_TUPLE_IPV4,
				       key, out, is_mask);
	if (!err && v6)
		err = ovs_key_put_attr(msg, OVS_KEY_ATTR_IPV6_EXTHDRS, key, out,
				       is_mask);
	return err;
}

/* By the key's types, what ovs_key_prereqs() tells of all attributes. */
static int put_headers(struct sk_buff *msg, const struct sw_flow_key *key,
		       const struct sw_flow_key *out, bool is_mask)
{
	if (key->eth.type != htons(ETH_P_802_2)) {
		if (ovs_key_put_attr(msg, OVS_KEY_ATTR_ETHERTYPE, key, out, is_mask))
			return -EMSGSIZE;
	} else if (is_mask && out->eth.type == htons(0xffff)) {
		/* How a mask says "no Ethernet type". */
		return nla_put_be16(msg, OVS_KEY_ATTR_ETHERTYPE, htons(0xffff));
	}
	switch (key->eth.type) {
	case htons(ETH_P_IP):
	case htons(ETH_P_IPV6):
		return put_ip(msg, key, out, is_mask);
	case htons(ETH_P_ARP):
	case htons(ETH_P_RARP):
		return ovs_key_put_attr(msg, OVS_KEY_ATTR_ARP, key, out, is_mask);
	case htons(ETH_P_MPLS_UC):
	case htons(ETH_P_MPLS_MC):
		return ovs_key_put_attr(msg, OVS_KEY_ATTR_MPLS, key, out, is_mask);
	case htons(ETH_P_NSH):
		return ovs_key_put_attr(msg, OVS_KEY_ATTR_NSH, key, out, is_mask);
	}
	return 0;
}

static int put_key(struct sk_buff *msg, const struct sw_flow_key *key,
		   const struct sw_flow_key *out, bool is_mask)
{
	struct nlattr *encap[2] = {};
	int err = 0;

	if (ovs_key_put_metadata(msg, out))
		return -EMSGSIZE;
	if ((is_mask || key->tun_proto) &&
	    ovs_key_put_attr(msg, OVS_KEY_ATTR_TUNNEL, key, out, is_mask))
		return -EMSGSIZE;
	if ((is_mask || key->in_port != OVS_NO_PORT) &&
	    ovs_key_put_attr(msg, OVS_KEY_ATTR_IN_PORT, key, out, is_mask))
		return -EMSGSIZE;
	if (key->eth.mac_proto == OVS_MAC_ETHERNET &&
	    ovs_key_put_attr(msg, OVS_KEY_ATTR_ETHERNET, key, out, is_mask))
		return -EMSGSIZE;
	if (key->eth.vlan.tci)
		err = put_vlan(msg, &out->eth.vlan, &encap[0]);
	if (!err && key->eth.cvlan.tci)
		err = put_vlan(msg, &out->eth.cvlan, &encap[1]);
	if (!err && eth_type_vlan(key->eth.type) && !key->eth.cvlan.tci)
		err = put_cut_vlan(msg, out);
	else if (!err)
		err = put_headers(msg, key, out, is_mask);
	if (err)
		return err;
	if (encap[1])
		nla_nest_end(msg, encap[1]);
	if (encap[0])
		nla_nest_end(msg, encap[0]);
	return 0;
}

static int put_nest(struct sk_buff *msg, int attr,
		    const struct sw_flow_key *key,
		    const struct sw_flow_key *out, bool is_mask)
{
	struct nlattr *nest = nla_nest_start_noflag(msg, attr);

	if (!nest)
		return -EMSGSIZE;
	if (put_key(msg, key, out, is_mask)) {
		nla_nest_cancel(msg, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(msg, nest);
	return 0;
}

/**
 * ovs_nla_put_key_nest - write a key
 * @msg: the message.
 * @attr: type of the nest.
 * @key: the key.
 *
 * Context: any.
 * Return: 0 or -EMSGSIZE; then @msg is as before.
 */
int ovs_nla_put_key_nest(struct sk_buff *msg, int attr,
			 const struct sw_flow_key *key)
{
	return put_nest(msg, attr, key, key, false);
}

/**
 * ovs_nla_put_mask_nest - write the mask of a key
 * @msg: the message.
 * @attr: type of the nest.
 * @key: the key, which says what headers there are.
 * @mask: the mask.
 *
 * Context and return value: as ovs_nla_put_key_nest().
 */
int ovs_nla_put_mask_nest(struct sk_buff *msg, int attr,
			  const struct sw_flow_key *key,
			  const struct sw_flow_key *mask)
{
	return put_nest(msg, attr, key, mask, true);
}
