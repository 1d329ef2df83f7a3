// SPDX-License-Identifier: GPL-2.0
/*
 * Keys and masks as nested OVS_KEY_ATTR_* attributes.
 *
 * One table says for each attribute where each part of its payload lies in
 * struct sw_flow_key; parsing, masks, dumps and set actions all go by it.  VLAN
 * tags alone are by hand, as they nest.
 */
#include <linux/if_vlan.h>
#include <linux/netlink.h>
#include <net/netlink.h>

#include "datapath.h"
#include "flow_netlink.h"

/* How a part of a payload lies in the key. */
enum field_kind {
	FIELD_COPY,
	FIELD_U8_IN_BE16,	/* a byte here, a 16-bit number in the key */
	FIELD_BE16_IN_U8,	/* a 16-bit number here, a byte in the key */
};

struct key_field {
	u8 nl_ofs;
	u8 key_ofs;
	u8 len;		/* bytes in the payload */
	u8 kind;
};

/* Which header a packet must have for an attribute to apply. */
enum key_prereq {
	PREREQ_NONE,
	PREREQ_ARP,
	PREREQ_IPV4,
	PREREQ_IPV6,
	PREREQ_TCP,
	PREREQ_UDP,
	PREREQ_SCTP,
	PREREQ_ICMP,
	PREREQ_ICMPV6,
	PREREQ_ND,
};

struct key_attr {
	const char *name;
	u8 len;
	u8 prereq;
	bool optional;	/* may be left out of a key that it applies to */
	u8 n_fields;
	const struct key_field *fields;
};

#define FIELD_KIND(type, nl_member, key_member, how)			\
	{ .nl_ofs = offsetof(type, nl_member),				\
	  .key_ofs = offsetof(struct sw_flow_key, key_member),		\
	  .len = sizeof_field(type, nl_member), .kind = how }
#define FIELD(type, nl_member, key_member)				\
	FIELD_KIND(type, nl_member, key_member, FIELD_COPY)
#define SCALAR(key_member)						\
	{ .key_ofs = offsetof(struct sw_flow_key, key_member),		\
	  .len = sizeof_field(struct sw_flow_key, key_member) }

static const struct key_field priority_fields[] = { SCALAR(priority) };
static const struct key_field in_port_fields[] = { SCALAR(in_port) };
static const struct key_field mark_fields[] = { SCALAR(skb_mark) };
static const struct key_field hash_fields[] = { SCALAR(dp_hash) };
static const struct key_field recirc_fields[] = { SCALAR(recirc_id) };
static const struct key_field type_fields[] = { SCALAR(eth.type) };
static const struct key_field vlan_fields[] = { SCALAR(eth.vlan.tci) };
static const struct key_field flags_fields[] = { SCALAR(tp_flags) };

static const struct key_field eth_fields[] = {
	FIELD(struct ovs_key_ethernet, eth_src, eth.src),
	FIELD(struct ovs_key_ethernet, eth_dst, eth.dst),
};

static const struct key_field ipv4_fields[] = {
	FIELD(struct ovs_key_ipv4, ipv4_src, ipv4.src),
	FIELD(struct ovs_key_ipv4, ipv4_dst, ipv4.dst),
	FIELD(struct ovs_key_ipv4, ipv4_proto, ip.proto),
	FIELD(struct ovs_key_ipv4, ipv4_tos, ip.tos),
	FIELD(struct ovs_key_ipv4, ipv4_ttl, ip.ttl),
	FIELD(struct ovs_key_ipv4, ipv4_frag, ip.frag),
};

static const struct key_field ipv6_fields[] = {
	FIELD(struct ovs_key_ipv6, ipv6_src, ipv6.src),
	FIELD(struct ovs_key_ipv6, ipv6_dst, ipv6.dst),
	FIELD(struct ovs_key_ipv6, ipv6_label, ipv6_label),
	FIELD(struct ovs_key_ipv6, ipv6_proto, ip.proto),
	FIELD(struct ovs_key_ipv6, ipv6_tclass, ip.tos),
	FIELD(struct ovs_key_ipv6, ipv6_hlimit, ip.ttl),
	FIELD(struct ovs_key_ipv6, ipv6_frag, ip.frag),
};

static const struct key_field ports_fields[] = {
	FIELD(struct ovs_key_tcp, tcp_src, tp.src),
	FIELD(struct ovs_key_tcp, tcp_dst, tp.dst),
};

static const struct key_field icmp_fields[] = {
	FIELD_KIND(struct ovs_key_icmp, icmp_type, tp.src, FIELD_U8_IN_BE16),
	FIELD_KIND(struct ovs_key_icmp, icmp_code, tp.dst, FIELD_U8_IN_BE16),
};

static const struct key_field arp_fields[] = {
	FIELD(struct ovs_key_arp, arp_sip, ipv4.src),
	FIELD(struct ovs_key_arp, arp_tip, ipv4.dst),
	FIELD_KIND(struct ovs_key_arp, arp_op, ip.proto, FIELD_BE16_IN_U8),
	FIELD(struct ovs_key_arp, arp_sha, arp.sha),
	FIELD(struct ovs_key_arp, arp_tha, arp.tha),
};

static const struct key_field nd_fields[] = {
	FIELD(struct ovs_key_nd, nd_target, nd.target),
	FIELD(struct ovs_key_nd, nd_sll, nd.sll),
	FIELD(struct ovs_key_nd, nd_tll, nd.tll),
};

#define ATTR(id, payload, pre, opt, list)				\
	[OVS_KEY_ATTR_##id] = { .name = #id, .len = payload,		\
		.prereq = pre, .optional = opt,				\
		.n_fields = ARRAY_SIZE(list), .fields = list }

static const struct key_attr key_attrs[] = {
	[OVS_KEY_ATTR_ENCAP] = { .name = "ENCAP" },
	ATTR(PRIORITY, sizeof(u32), PREREQ_NONE, true, priority_fields),
	ATTR(IN_PORT, sizeof(u32), PREREQ_NONE, true, in_port_fields),
	ATTR(ETHERNET, sizeof(struct ovs_key_ethernet), PREREQ_NONE, true,
	     eth_fields),
	ATTR(VLAN, sizeof(__be16), PREREQ_NONE, true, vlan_fields),
	ATTR(ETHERTYPE, sizeof(__be16), PREREQ_NONE, true, type_fields),
	ATTR(IPV4, sizeof(struct ovs_key_ipv4), PREREQ_IPV4, false,
	     ipv4_fields),
	ATTR(IPV6, sizeof(struct ovs_key_ipv6), PREREQ_IPV6, false,
	     ipv6_fields),
	ATTR(TCP, sizeof(struct ovs_key_tcp), PREREQ_TCP, false, ports_fields),
	ATTR(UDP, sizeof(struct ovs_key_udp), PREREQ_UDP, false, ports_fields),
	ATTR(ICMP, sizeof(struct ovs_key_icmp), PREREQ_ICMP, false,
	     icmp_fields),
	ATTR(ICMPV6, sizeof(struct ovs_key_icmpv6), PREREQ_ICMPV6, false,
	     icmp_fields),
	ATTR(ARP, sizeof(struct ovs_key_arp), PREREQ_ARP, false, arp_fields),
	ATTR(ND, sizeof(struct ovs_key_nd), PREREQ_ND, false, nd_fields),
	ATTR(SKB_MARK, sizeof(u32), PREREQ_NONE, true, mark_fields),
	ATTR(SCTP, sizeof(struct ovs_key_sctp), PREREQ_SCTP, false,
	     ports_fields),
	ATTR(TCP_FLAGS, sizeof(__be16), PREREQ_TCP, false, flags_fields),
	ATTR(DP_HASH, sizeof(u32), PREREQ_NONE, true, hash_fields),
	ATTR(RECIRC_ID, sizeof(u32), PREREQ_NONE, true, recirc_fields),
};

/* The attributes of one nest, by type. */
struct key_tb {
	const struct nlattr *a[ARRAY_SIZE(key_attrs)];
};

static const struct key_attr *key_attr_find(unsigned int type)
{
	if (type >= ARRAY_SIZE(key_attrs) || !key_attrs[type].name)
		return NULL;
	return &key_attrs[type];
}

/**
 * ovs_key_attr_name - name of an attribute, for messages
 * @type: OVS_KEY_ATTR_*.
 *
 * Return: the name, or "?" if it is not supported.
 */
const char *ovs_key_attr_name(unsigned int type)
{
	const struct key_attr *desc = key_attr_find(type);

	return desc ? desc->name : "?";
}

/**
 * ovs_key_attr_len - length of an attribute's payload
 * @type: OVS_KEY_ATTR_*.
 *
 * Return: bytes; 0 if not supported, or a nest.
 */
int ovs_key_attr_len(unsigned int type)
{
	const struct key_attr *desc = key_attr_find(type);

	return desc ? desc->len : 0;
}

/**
 * ovs_key_attr_size - room that a key or mask may take in a message
 *
 * Return: bytes, without the header of the nest.
 */
size_t ovs_key_attr_size(void)
{
	size_t size = 2 * (nla_total_size(0) + nla_total_size(sizeof(__be16)) +
			   nla_total_size(sizeof(__be16)));	/* ENCAPs */
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(key_attrs); i++)
		if (key_attrs[i].fields)
			size += nla_total_size(key_attrs[i].len);
	return size;
}

/**
 * ovs_key_from_attr - copy an attribute's payload into its place in a key
 * @key: or mask; the rest of it stays.
 * @type: OVS_KEY_ATTR_*, supported.
 * @data: the payload.
 */
void ovs_key_from_attr(struct sw_flow_key *key, unsigned int type,
		       const void *data)
{
	const struct key_attr *desc = &key_attrs[type];
	unsigned int i;

	for (i = 0; i < desc->n_fields; i++) {
		const struct key_field *f = &desc->fields[i];
		const u8 *src = (const u8 *)data + f->nl_ofs;
		u8 *dst = (u8 *)key + f->key_ofs;

		switch (f->kind) {
		case FIELD_COPY:
			memcpy(dst, src, f->len);
			break;
		case FIELD_U8_IN_BE16:
			*(__be16 *)dst = htons(*src);
			break;
		case FIELD_BE16_IN_U8:
			*dst = src[1];
			break;
		}
	}
}

static void key_to_attr(const struct sw_flow_key *key, bool is_mask,
			const struct key_attr *desc, void *data)
{
	unsigned int i;

	for (i = 0; i < desc->n_fields; i++) {
		const struct key_field *f = &desc->fields[i];
		const u8 *src = (const u8 *)key + f->key_ofs;
		u8 *dst = (u8 *)data + f->nl_ofs;

		switch (f->kind) {
		case FIELD_COPY:
			memcpy(dst, src, f->len);
			break;
		case FIELD_U8_IN_BE16:
			*dst = ntohs(*(const __be16 *)src);
			break;
		case FIELD_BE16_IN_U8:
			/* A larger number is unknown: so a mask covers it. */
			dst[0] = is_mask && *src == 0xff ? 0xff : 0;
			dst[1] = *src;
			break;
		}
	}
}

static u8 prereq_proto(enum key_prereq prereq)
{
	switch (prereq) {
	case PREREQ_TCP:
		return IPPROTO_TCP;
	case PREREQ_UDP:
		return IPPROTO_UDP;
	case PREREQ_SCTP:
		return IPPROTO_SCTP;
	case PREREQ_ICMP:
		return IPPROTO_ICMP;
	default:
		return IPPROTO_ICMPV6;
	}
}

static bool is_nd(const struct sw_flow_key *key)
{
	return key->tp.src == htons(135) || key->tp.src == htons(136);
}

/* Whether a packet of this key has the header that an attribute is about. */
static bool prereq_met(enum key_prereq prereq, const struct sw_flow_key *key)
{
	bool v4 = key->eth.type == htons(ETH_P_IP);
	bool v6 = key->eth.type == htons(ETH_P_IPV6);

	switch (prereq) {
	case PREREQ_NONE:
		return true;
	case PREREQ_ARP:
		return key->eth.type == htons(ETH_P_ARP) ||
		       key->eth.type == htons(ETH_P_RARP);
	case PREREQ_IPV4:
		return v4;
	case PREREQ_IPV6:
		return v6;
	case PREREQ_ICMP:
		v6 = false;
		break;
	case PREREQ_ICMPV6:
	case PREREQ_ND:
		v4 = false;
		break;
	default:
		break;
	}
	return (v4 || v6) && key->ip.frag != OVS_FRAG_TYPE_LATER &&
	       key->ip.proto == prereq_proto(prereq) &&
	       (prereq != PREREQ_ND || is_nd(key));
}

/* Whether a mask fixes all that decides prereq_met(). */
static bool prereq_exact(enum key_prereq prereq, const struct sw_flow_key *mask)
{
	if (prereq == PREREQ_NONE)
		return true;
	if (mask->eth.type != htons(0xffff))
		return false;
	if (prereq == PREREQ_ARP || prereq == PREREQ_IPV4 ||
	    prereq == PREREQ_IPV6)
		return true;
	if (mask->ip.proto != 0xff)
		return false;
	return prereq != PREREQ_ND || mask->tp.src == htons(0xff);
}

static int key_refuse(struct netlink_ext_ack *extack, const struct nlattr *attr,
		      const char *msg)
{
	NL_SET_BAD_ATTR(extack, attr);
	if (extack)
		extack->_msg = msg;
	return -EINVAL;
}

/* Whether an attribute of a mask asks for nothing; TUNNEL nests. */
static bool mask_attr_empty(const struct nlattr *nla)
{
	const struct nlattr *inner;
	int rem;

	if (nla_type(nla) != OVS_KEY_ATTR_TUNNEL)
		return nla_type(nla) != OVS_KEY_ATTR_ENCAP &&
		       !memchr_inv(nla_data(nla), 0, nla_len(nla));
	nla_for_each_nested(inner, nla, rem)
		if (!nla_len(inner) ||
		    memchr_inv(nla_data(inner), 0, nla_len(inner)))
			return false;
	return !rem;
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

	memset(tb, 0, sizeof(*tb));
	nla_for_each_nested(nla, nest, rem) {
		const struct key_attr *desc = key_attr_find(nla_type(nla));

		if (!desc && is_mask && mask_attr_empty(nla))
			continue;
		if (!desc)
			return key_refuse(extack, nla,
					  "key attribute is not supported");
		if (tb->a[nla_type(nla)])
			return key_refuse(extack, nla,
					  "key attribute stands twice");
		if (desc->fields && nla_len(nla) != desc->len)
			return key_refuse(extack, nla,
					  "key attribute has the wrong length");
		if (is_mask && mask_attr_empty(nla))
			continue;
		tb->a[nla_type(nla)] = nla;
	}
	if (rem)
		return key_refuse(extack, nest, "junk behind the key attributes");
	return 0;
}

/* Copy what @tb has of the attributes that don't nest; or ones in its place. */
static void key_fill(struct sw_flow_key *key, const struct key_tb *tb,
		     bool ones)
{
	unsigned int type;
	u8 buf[64];

	BUILD_BUG_ON(sizeof(struct ovs_key_ipv6) > sizeof(buf));
	memset(buf, 0xff, sizeof(buf));
	for (type = 0; type < ARRAY_SIZE(key_attrs); type++)
		if (tb->a[type] && key_attrs[type].fields &&
		    type != OVS_KEY_ATTR_VLAN)
			ovs_key_from_attr(key, type, ones ? buf :
					  nla_data(tb->a[type]));
}

/*
 * If @tb describes a tag, put it into @vlan and go on with what it encloses.
 * Return: 1 if so, 0 if there is none, or an error.
 */
static int key_vlan(struct ovs_vlan *vlan, struct key_tb *tb,
		    struct netlink_ext_ack *extack)
{
	const struct nlattr *type = tb->a[OVS_KEY_ATTR_ETHERTYPE];
	const struct nlattr *tci = tb->a[OVS_KEY_ATTR_VLAN];
	const struct nlattr *encap = tb->a[OVS_KEY_ATTR_ENCAP];
	struct key_tb inner;
	int err;

	if (!type || !eth_type_vlan(nla_get_be16(type))) {
		if (tci || encap)
			return key_refuse(extack, tci ?: encap,
					  "VLAN and ENCAP need a VLAN ETHERTYPE");
		return 0;
	}
	if (!tci || !encap)
		return key_refuse(extack, type,
				  "a VLAN ETHERTYPE needs VLAN and ENCAP");
	if (!(nla_get_be16(tci) & htons(VLAN_CFI_MASK))) {
		if (nla_get_be16(tci) || nla_len(encap))
			return key_refuse(extack, tci,
					  "VLAN lacks the tag-present bit, 0x1000");
		return 0;
	}
	err = key_tb_parse(&inner, encap, false, extack);
	if (err)
		return err;
	vlan->tpid = nla_get_be16(type);
	vlan->tci = nla_get_be16(tci);
	*tb = inner;
	return 1;
}

/* Likewise for the mask of a key that has the tag. */
static int mask_vlan(struct ovs_vlan *vlan, struct key_tb *tb,
		     struct netlink_ext_ack *extack)
{
	const struct nlattr *type = tb->a[OVS_KEY_ATTR_ETHERTYPE];
	const struct nlattr *tci = tb->a[OVS_KEY_ATTR_VLAN];
	const struct nlattr *encap = tb->a[OVS_KEY_ATTR_ENCAP];
	struct key_tb inner = {};
	int err;

	if (type && nla_get_be16(type) != htons(0xffff))
		return key_refuse(extack, type,
				  "the mask of a VLAN ETHERTYPE must be exact");
	if (tci && !(nla_get_be16(tci) & htons(VLAN_CFI_MASK)))
		return key_refuse(extack, tci,
				  "the mask of VLAN must cover the tag-present bit");
	if (encap) {
		err = key_tb_parse(&inner, encap, true, extack);
		if (err)
			return err;
	}
	vlan->tpid = htons(0xffff);
	if (tci)
		vlan->tci = nla_get_be16(tci);
	*tb = inner;
	return 1;
}

/* What lies under the tags: kept apart, as the outer nest's rest still counts. */
struct key_layers {
	struct key_tb outer;	/* without ETHERTYPE, VLAN, ENCAP if tagged */
	struct key_tb inner;
	unsigned int tags;
};

static void layers_split(struct key_layers *l)
{
	l->outer.a[OVS_KEY_ATTR_ETHERTYPE] = NULL;
	l->outer.a[OVS_KEY_ATTR_VLAN] = NULL;
	l->outer.a[OVS_KEY_ATTR_ENCAP] = NULL;
}

static int key_layers(struct sw_flow_key *key, struct key_layers *l,
		      const struct nlattr *nest, struct netlink_ext_ack *extack)
{
	int err;

	l->tags = 0;
	err = key_tb_parse(&l->outer, nest, false, extack);
	if (err)
		return err;
	l->inner = l->outer;
	err = key_vlan(&key->eth.vlan, &l->inner, extack);
	if (err <= 0)
		return err;
	layers_split(l);
	l->tags = 1;
	err = key_vlan(&key->eth.cvlan, &l->inner, extack);
	if (err <= 0)
		return err;
	l->tags = 2;
	return 0;
}

static int mask_layers(struct sw_flow_key *mask, struct key_layers *l,
		       unsigned int tags, const struct nlattr *nest,
		       struct netlink_ext_ack *extack)
{
	int err;

	err = key_tb_parse(&l->outer, nest, true, extack);
	if (err)
		return err;
	l->inner = l->outer;
	if (tags) {
		err = mask_vlan(&mask->eth.vlan, &l->inner, extack);
		if (err < 0)
			return err;
		layers_split(l);
	}
	if (tags > 1) {
		err = mask_vlan(&mask->eth.cvlan, &l->inner, extack);
		if (err < 0)
			return err;
	}
	return 0;
}

static bool layers_have(const struct key_layers *l, unsigned int type)
{
	return l->outer.a[type] || l->inner.a[type];
}

static int key_check_values(const struct sw_flow_key *key,
			    const struct key_layers *l,
			    const struct nlattr *nest,
			    struct netlink_ext_ack *extack)
{
	const struct nlattr *arp = l->inner.a[OVS_KEY_ATTR_ARP];
	const struct nlattr *ipv6 = l->inner.a[OVS_KEY_ATTR_IPV6];

	if (key->in_port > OVS_NO_PORT ||
	    (key->in_port == OVS_NO_PORT && layers_have(l, OVS_KEY_ATTR_IN_PORT)))
		return key_refuse(extack, nest, "IN_PORT is out of range");
	if (!eth_proto_is_802_3(key->eth.type) &&
	    key->eth.type != htons(ETH_P_802_2))
		return key_refuse(extack, nest, "ETHERTYPE is below 0x600");
	if (key->eth.type == htons(ETH_P_802_2) && key->eth.mac_proto)
		return key_refuse(extack, nest,
				  "a key without ETHERNET needs an ETHERTYPE");
	if (key->ip.frag > OVS_FRAG_TYPE_MAX)
		return key_refuse(extack, nest, "unknown fragment type");
	if (ipv6 && key->ipv6_label & htonl(0xfff00000))
		return key_refuse(extack, ipv6, "IPv6 label exceeds 20 bits");
	if (arp && ntohs(((const struct ovs_key_arp *)nla_data(arp))->arp_op) >
		   0xff)
		return key_refuse(extack, arp, "ARP opcode exceeds 255");
	return 0;
}

/* Each attribute must apply to the key, and each that applies be there. */
static int key_check_presence(const struct sw_flow_key *key,
			      const struct key_layers *l,
			      const struct nlattr *nest,
			      struct netlink_ext_ack *extack)
{
	unsigned int type;

	for (type = 0; type < ARRAY_SIZE(key_attrs); type++) {
		const struct key_attr *desc = &key_attrs[type];
		bool have = layers_have(l, type);

		if (!desc->name || desc->prereq == PREREQ_NONE)
			continue;
		if (have && !prereq_met(desc->prereq, key))
			return key_refuse(extack, l->inner.a[type] ?:
					  l->outer.a[type],
					  "attribute does not apply to a packet of this key");
		if (!have && !desc->optional && prereq_met(desc->prereq, key))
			return key_refuse(extack, nest,
					  "key lacks the attribute of a header that its type or protocol implies");
	}
	return 0;
}

static int mask_check_presence(const struct sw_flow_key *key,
			       const struct sw_flow_key *mask,
			       const struct key_layers *l,
			       const struct key_layers *key_l,
			       struct netlink_ext_ack *extack)
{
	unsigned int type;

	for (type = 0; type < ARRAY_SIZE(key_attrs); type++) {
		const struct nlattr *nla = l->inner.a[type] ?: l->outer.a[type];
		const struct key_attr *desc = &key_attrs[type];

		if (!nla || desc->prereq == PREREQ_NONE)
			continue;
		if (!layers_have(key_l, type) && !desc->optional)
			return key_refuse(extack, nla,
					  "mask has an attribute that the key lacks");
		if (!prereq_met(desc->prereq, key) ||
		    !prereq_exact(desc->prereq, mask))
			return key_refuse(extack, nla,
					  "mask attribute needs an exact match on the type or protocol before it");
	}
	return 0;
}

static int mask_get(struct sw_flow_key *mask, const struct sw_flow_key *key,
		    const struct key_layers *key_l, const struct nlattr *nest,
		    struct netlink_ext_ack *extack)
{
	struct key_layers l;
	int err;

	memset(mask, 0, sizeof(*mask));
	/* Whether there is a tag, and which port, always count. */
	mask->eth.vlan.tci = htons(0xffff);
	mask->eth.cvlan.tci = htons(0xffff);
	mask->eth.mac_proto = 0xff;

	if (!nest) {
		if (key_l->tags)
			mask->eth.vlan.tpid = htons(0xffff);
		if (key_l->tags > 1)
			mask->eth.cvlan.tpid = htons(0xffff);
		key_fill(mask, &key_l->outer, true);
		key_fill(mask, &key_l->inner, true);
		mask->in_port = U32_MAX;
		mask->eth.type = htons(0xffff);
		return 0;
	}
	err = mask_layers(mask, &l, key_l->tags, nest, extack);
	if (err)
		return err;
	key_fill(mask, &l.outer, false);
	key_fill(mask, &l.inner, false);
	mask->in_port = U32_MAX;
	if (l.inner.a[OVS_KEY_ATTR_ETHERTYPE])
		mask->eth.type = htons(0xffff);
	return mask_check_presence(key, mask, &l, key_l, extack);
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
	struct key_layers l;
	int err;

	memset(key, 0, sizeof(*key));
	key->in_port = OVS_NO_PORT;
	key->eth.type = htons(ETH_P_802_2);
	err = key_layers(key, &l, nla_key, extack);
	if (err)
		return err;
	key_fill(key, &l.outer, false);
	key_fill(key, &l.inner, false);
	if (l.tags && !l.inner.a[OVS_KEY_ATTR_ETHERTYPE])
		key->eth.type = htons(ETH_P_802_2);
	if (!layers_have(&l, OVS_KEY_ATTR_ETHERNET))
		key->eth.mac_proto = OVS_MAC_NONE;

	err = key_check_values(key, &l, nla_key, extack);
	if (!err)
		err = key_check_presence(key, &l, nla_key, extack);
	if (!err && mask)
		err = mask_get(mask, key, &l, nla_mask, extack);
	return err;
}

/**
 * ovs_nla_get_metadata - read what the bytes of a packet don't tell
 * @key: in_port, recirc_id, dp_hash, skb_mark, priority and eth.mac_proto are
 *	set; eth.type too for a packet without an Ethernet header.
 * @attr: OVS_PACKET_ATTR_KEY; attributes about headers are ignored.
 * @extack: where a refusal is explained.
 *
 * Context: process.
 * Return: 0 or -EINVAL.
 */
int ovs_nla_get_metadata(struct sw_flow_key *key, const struct nlattr *attr,
			 struct netlink_ext_ack *extack)
{
	static const u8 metadata[] = {
		OVS_KEY_ATTR_PRIORITY, OVS_KEY_ATTR_IN_PORT,
		OVS_KEY_ATTR_SKB_MARK, OVS_KEY_ATTR_DP_HASH,
		OVS_KEY_ATTR_RECIRC_ID,
	};
	struct key_tb tb;
	unsigned int i;
	int err;

	memset(key, 0, sizeof(*key));
	key->in_port = OVS_NO_PORT;
	err = key_tb_parse(&tb, attr, false, extack);
	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(metadata); i++)
		if (tb.a[metadata[i]])
			ovs_key_from_attr(key, metadata[i],
					  nla_data(tb.a[metadata[i]]));
	if (key->in_port > OVS_NO_PORT)
		return key_refuse(extack, tb.a[OVS_KEY_ATTR_IN_PORT],
				  "IN_PORT is out of range");
	if (!tb.a[OVS_KEY_ATTR_ETHERNET] && tb.a[OVS_KEY_ATTR_ETHERTYPE]) {
		key->eth.mac_proto = OVS_MAC_NONE;
		key->eth.type = nla_get_be16(tb.a[OVS_KEY_ATTR_ETHERTYPE]);
	}
	return 0;
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
	struct key_tb tb;
	int err;

	memset(used, 0, sizeof(*used));
	err = key_tb_parse(&tb, attr, true, extack);
	if (err)
		return err;
	if (tb.a[OVS_KEY_ATTR_ENCAP])
		return key_refuse(extack, tb.a[OVS_KEY_ATTR_ENCAP],
				  "USED is flat: ENCAP is not allowed in it");
	if (!!tb.a[OVS_KEY_ATTR_IPV4] + !!tb.a[OVS_KEY_ATTR_IPV6] +
	    !!tb.a[OVS_KEY_ATTR_ARP] > 1)
		return key_refuse(extack, attr,
				  "USED may have one of IPV4, IPV6 and ARP");
	key_fill(used, &tb, false);
	if (tb.a[OVS_KEY_ATTR_VLAN])
		used->eth.vlan.tci = nla_get_be16(tb.a[OVS_KEY_ATTR_VLAN]);
	used->eth.type = htons(0xffff);
	used->eth.vlan.tci |= htons(VLAN_CFI_MASK);
	used->eth.cvlan.tci |= htons(VLAN_CFI_MASK);
	used->eth.vlan.tpid = htons(0xffff);
	return 0;
}

static int put_attr(struct sk_buff *msg, unsigned int type,
		    const struct sw_flow_key *out, bool is_mask)
{
	const struct key_attr *desc = &key_attrs[type];
	struct nlattr *nla = nla_reserve(msg, type, desc->len);

	if (!nla)
		return -EMSGSIZE;
	memset(nla_data(nla), 0, desc->len);
	key_to_attr(out, is_mask, desc, nla_data(nla));
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

static int put_headers(struct sk_buff *msg, const struct sw_flow_key *key,
		       const struct sw_flow_key *out, bool is_mask)
{
	unsigned int type;

	if (key->eth.type != htons(ETH_P_802_2)) {
		if (put_attr(msg, OVS_KEY_ATTR_ETHERTYPE, out, is_mask))
			return -EMSGSIZE;
	} else if (is_mask && out->eth.type == htons(0xffff)) {
		/* How a mask says "no Ethernet type". */
		return nla_put_be16(msg, OVS_KEY_ATTR_ETHERTYPE, htons(0xffff));
	}
	for (type = 0; type < ARRAY_SIZE(key_attrs); type++)
		if (key_attrs[type].prereq != PREREQ_NONE &&
		    prereq_met(key_attrs[type].prereq, key) &&
		    put_attr(msg, type, out, is_mask))
			return -EMSGSIZE;
	return 0;
}

static int put_key(struct sk_buff *msg, const struct sw_flow_key *key,
		   const struct sw_flow_key *out, bool is_mask)
{
	struct nlattr *encap[2] = {};
	int err = 0;

	if (put_attr(msg, OVS_KEY_ATTR_RECIRC_ID, out, is_mask) ||
	    put_attr(msg, OVS_KEY_ATTR_DP_HASH, out, is_mask) ||
	    put_attr(msg, OVS_KEY_ATTR_PRIORITY, out, is_mask) ||
	    put_attr(msg, OVS_KEY_ATTR_SKB_MARK, out, is_mask))
		return -EMSGSIZE;
	if ((is_mask || key->in_port != OVS_NO_PORT) &&
	    put_attr(msg, OVS_KEY_ATTR_IN_PORT, out, is_mask))
		return -EMSGSIZE;
	if (key->eth.mac_proto == OVS_MAC_ETHERNET &&
	    put_attr(msg, OVS_KEY_ATTR_ETHERNET, out, is_mask))
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
