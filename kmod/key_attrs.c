// SPDX-License-Identifier: GPL-2.0
/*
 * The OVS_KEY_ATTR_* attributes.
 *
 * One table says for each attribute where each part of its payload lies in
 * struct sw_flow_key; parsing, masks, dumps and set actions all go by it.  VLAN
 * tags alone are by hand, in flow_netlink.c, as they enclose the rest.
 */
#include <linux/if_vlan.h>
#include <net/mpls.h>

#include "flow_netlink.h"
#include "key_attrs.h"

#define FIELD_KIND(type, nl_member, key_member, how)			\
	{ .nl_ofs = offsetof(type, nl_member),				\
	  .key_ofs = offsetof(struct sw_flow_key, key_member),		\
	  .len = sizeof_field(type, nl_member), .kind = how }
#define FIELD(type, nl_member, key_member)				\
	FIELD_KIND(type, nl_member, key_member, FIELD_COPY)
/* Members in a row, which lie in the key in the same order. */
#define ROW(type, nl_first, nl_last, key_first, key_last)		\
	{ .nl_ofs = offsetof(type, nl_first),				\
	  .key_ofs = offsetof(struct sw_flow_key, key_first),		\
	  .len = ROW_LEN(type, nl_first, nl_last) +			\
		 BUILD_BUG_ON_ZERO(ROW_LEN(type, nl_first, nl_last) !=	\
				   ROW_LEN(struct sw_flow_key, key_first, key_last)) }
#define ROW_LEN(type, first, last)					\
	(offsetofend(type, last) - offsetof(type, first))
#define SCALAR(key_member)						\
	{ .key_ofs = offsetof(struct sw_flow_key, key_member),		\
	  .len = sizeof_field(struct sw_flow_key, key_member) }

static const struct key_field priority_fields[] = { SCALAR(priority) };
static const struct key_field in_port_fields[] = {
	{ .key_ofs = offsetof(struct sw_flow_key, in_port),
	  .len = sizeof(u32), .kind = FIELD_PORT },
};
static const struct key_field mark_fields[] = { SCALAR(skb_mark) };
static const struct key_field hash_fields[] = { SCALAR(dp_hash) };
static const struct key_field recirc_fields[] = { SCALAR(recirc_id) };
static const struct key_field type_fields[] = { SCALAR(eth.type) };
static const struct key_field vlan_fields[] = { SCALAR(eth.vlan.tci) };
static const struct key_field flags_fields[] = { SCALAR(tp_flags) };

static const struct key_field ct_state_fields[] = {
	{ .key_ofs = offsetof(struct sw_flow_key, ct.state),
	  .len = sizeof(u32), .kind = FIELD_U32_IN_U8 },
};
static const struct key_field ct_zone_fields[] = { SCALAR(ct.zone) };
static const struct key_field ct_mark_fields[] = { SCALAR(ct.mark) };
static const struct key_field ct_labels_fields[] = { SCALAR(ct.labels) };
static const struct key_field exthdrs_fields[] = { SCALAR(ipv6_exthdrs) };

static const struct key_field eth_fields[] = {
	FIELD(struct ovs_key_ethernet, eth_src, eth.src),
	FIELD(struct ovs_key_ethernet, eth_dst, eth.dst),
};

static const struct key_field ipv4_fields[] = {
	ROW(struct ovs_key_ipv4, ipv4_src, ipv4_dst, ipv4.src, ipv4.dst),
	ROW(struct ovs_key_ipv4, ipv4_proto, ipv4_frag, ip.proto, ip.frag),
};

static const struct key_field ipv6_fields[] = {
	ROW(struct ovs_key_ipv6, ipv6_src, ipv6_dst, ipv6.src, ipv6.dst),
	FIELD(struct ovs_key_ipv6, ipv6_label, ipv6_label),
	ROW(struct ovs_key_ipv6, ipv6_proto, ipv6_frag, ip.proto, ip.frag),
};

static const struct key_field ports_fields[] = {
	ROW(struct ovs_key_tcp, tcp_src, tcp_dst, tp.src, tp.dst),
};

static const struct key_field icmp_fields[] = {
	FIELD_KIND(struct ovs_key_icmp, icmp_type, tp.src, FIELD_U8_IN_BE16),
	FIELD_KIND(struct ovs_key_icmp, icmp_code, tp.dst, FIELD_U8_IN_BE16),
};

static const struct key_field arp_fields[] = {
	ROW(struct ovs_key_arp, arp_sip, arp_tip, ipv4.src, ipv4.dst),
	FIELD_KIND(struct ovs_key_arp, arp_op, ip.proto, FIELD_BE16_IN_U8),
	ROW(struct ovs_key_arp, arp_sha, arp_tha, arp.sha, arp.tha),
};

static const struct key_field nd_fields[] = {
	ROW(struct ovs_key_nd, nd_target, nd_tll, nd.target, nd.tll),
};

static const struct key_field ct_tuple4_fields[] = {
	ROW(struct ovs_key_ct_tuple_ipv4, ipv4_src, ipv4_dst, ct_orig.ipv4.src,
	    ct_orig.ipv4.dst),
	ROW(struct ovs_key_ct_tuple_ipv4, src_port, dst_port, ct.orig_tp.src,
	    ct.orig_tp.dst),
	FIELD(struct ovs_key_ct_tuple_ipv4, ipv4_proto, ct.orig_proto),
};

static const struct key_field ct_tuple6_fields[] = {
	ROW(struct ovs_key_ct_tuple_ipv6, ipv6_src, ipv6_dst, ct_orig.ipv6.src,
	    ct_orig.ipv6.dst),
	ROW(struct ovs_key_ct_tuple_ipv6, src_port, dst_port, ct.orig_tp.src,
	    ct.orig_tp.dst),
	FIELD(struct ovs_key_ct_tuple_ipv6, ipv6_proto, ct.orig_proto),
};

#define ATTR(id, payload, pre, opt, list)				\
	[OVS_KEY_ATTR_##id] = { .name = #id, .len = payload,		\
		.prereq = pre, .optional = opt,				\
		.n_fields = ARRAY_SIZE(list), .fields = list }

#define NEST(id, pre, opt, ops)						\
	[OVS_KEY_ATTR_##id] = { .name = #id, .prereq = pre,		\
		.optional = opt, .nest = ops }

const struct key_attr ovs_key_attrs[OVS_KEY_ATTRS] = {
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
	NEST(TUNNEL, PREREQ_NONE, true, &ovs_tun_key_nest),
	NEST(MPLS, PREREQ_MPLS, false, &ovs_mpls_key_nest),
	ATTR(CT_STATE, sizeof(u32), PREREQ_NONE, true, ct_state_fields),
	ATTR(CT_ZONE, sizeof(u16), PREREQ_NONE, true, ct_zone_fields),
	ATTR(CT_MARK, sizeof(u32), PREREQ_NONE, true, ct_mark_fields),
	ATTR(CT_LABELS, sizeof(struct ovs_key_ct_labels), PREREQ_NONE, true,
	     ct_labels_fields),
	ATTR(CT_ORIG_TUPLE_IPV4, sizeof(struct ovs_key_ct_tuple_ipv4),
	     PREREQ_IPV4, true, ct_tuple4_fields),
	ATTR(CT_ORIG_TUPLE_IPV6, sizeof(struct ovs_key_ct_tuple_ipv6),
	     PREREQ_IPV6, true, ct_tuple6_fields),
	NEST(NSH, PREREQ_NSH, false, &ovs_nsh_key_nest),
	ATTR(IPV6_EXTHDRS, sizeof(struct ovs_key_ipv6_exthdrs), PREREQ_IPV6,
	     true, exthdrs_fields),
};

struct key_prereq_attrs ovs_key_prereq_attrs[PREREQS] __ro_after_init;
static size_t size_with_tunnel __ro_after_init;
static size_t size_without __ro_after_init;

static size_t attr_size(const struct key_attr *desc)
{
	return desc->nest ? desc->nest->size : nla_total_size(desc->len);
}

/**
 * ovs_key_attrs_setup - work out from the table what is asked for often: the
 *	attributes of each header, and the room that all take
 *
 * Context: module init.
 */
void __init ovs_key_attrs_setup(void)
{
	/* ENCAPs, each with a tag. */
	size_t size = 2 * (nla_total_size(0) + 2 * nla_total_size(sizeof(__be16)));
	unsigned int type;

	for (type = 0; type < ARRAY_SIZE(ovs_key_attrs); type++) {
		const struct key_attr *desc = ovs_key_attr_find(type);

		if (!desc)
			continue;
		size += attr_size(desc);
		ovs_key_prereq_attrs[desc->prereq].may |= BIT_ULL(type);
		if (!desc->optional && desc->prereq != PREREQ_NONE)
			ovs_key_prereq_attrs[desc->prereq].must |= BIT_ULL(type);
	}
	size_with_tunnel = size;
	/* A mask has the nest all the same, with a TTL in it. */
	size_without = size - attr_size(&ovs_key_attrs[OVS_KEY_ATTR_TUNNEL]) +
		       nla_total_size(nla_total_size(1));
}

/**
 * ovs_key_attr_len - length of an attribute's payload
 * @type: OVS_KEY_ATTR_*.
 *
 * Context: any.
 * Return: bytes; 0 if not supported, or a nest.
 */
int ovs_key_attr_len(unsigned int type)
{
	const struct key_attr *desc = ovs_key_attr_find(type);

	return desc ? desc->len : 0;
}

/**
 * ovs_key_attr_size - room that a key or mask may take in a message
 * @tunnel: whether it may ask for anything of a tunnel.
 *
 * That is much of it, and a message that is much too large is copied to be sent.
 *
 * Context: any.
 * Return: bytes, without the header of the nest.
 */
size_t ovs_key_attr_size(bool tunnel)
{
	return tunnel ? size_with_tunnel : size_without;
}

/* memcpy() of what is mostly a word or two, without the call. */
static __always_inline void field_copy(u8 *dst, const u8 *src, u8 len)
{
	switch (len) {
	case 2:
		memcpy(dst, src, 2);
		break;
	case 4:
		memcpy(dst, src, 4);
		break;
	case 6:
		memcpy(dst, src, 6);
		break;
	case 8:
		memcpy(dst, src, 8);
		break;
	case 16:
		memcpy(dst, src, 16);
		break;
	default:
		memcpy(dst, src, len);
	}
}

/**
 * ovs_key_from_attr - copy an attribute's payload into its place in a key
 * @key: or mask; the rest of it stays.
 * @type: OVS_KEY_ATTR_*, supported.
 * @data: the payload.
 *
 * Context: any.
 */
void ovs_key_from_attr(struct sw_flow_key *key, unsigned int type,
		       const void *data)
{
	const struct key_attr *desc = &ovs_key_attrs[type];
	unsigned int i;

	for (i = 0; i < desc->n_fields; i++) {
		const struct key_field *f = &desc->fields[i];
		const u8 *src = (const u8 *)data + f->nl_ofs;
		u8 *dst = (u8 *)key + f->key_ofs;

		switch (f->kind) {
		case FIELD_COPY:
		case FIELD_PORT:
			field_copy(dst, src, f->len);
			break;
		case FIELD_U8_IN_BE16:
			*(__be16 *)dst = htons(*src);
			break;
		case FIELD_BE16_IN_U8:
			*dst = src[1];
			break;
		case FIELD_U32_IN_U8:
			*dst = *(const u32 *)src;
			break;
		}
	}
}

static void key_to_attr(const struct sw_flow_key *key, bool is_mask,
			const struct key_attr *desc, u8 *data)
{
	unsigned int i;

	for (i = 0; i < desc->n_fields; i++) {
		const struct key_field *f = &desc->fields[i];
		const u8 *src = (const u8 *)key + f->key_ofs;
		u8 *dst = data + f->nl_ofs;

		switch (f->kind) {
		case FIELD_COPY:
			field_copy(dst, src, f->len);
			break;
		case FIELD_U8_IN_BE16:
			*dst = ntohs(*(const __be16 *)src);
			break;
		case FIELD_BE16_IN_U8:
			/* A larger number is 0 in a key, and so in no mask. */
			dst[0] = 0;
			dst[1] = *src;
			break;
		case FIELD_U32_IN_U8:
			*(u32 *)dst = *src;
			break;
		case FIELD_PORT:
			*(u32 *)dst = *(const u32 *)src |
				      (is_mask ? ~(u32)OVS_NO_PORT : 0);
			break;
		}
	}
}

/**
 * ovs_key_put_attr - write an attribute
 * @msg: the message.
 * @type: OVS_KEY_ATTR_*, supported.
 * @key: the key, which says what headers there are.
 * @out: what to write of: @key, or its mask.
 * @is_mask: which.
 *
 * Context: any.
 * Return: 0 or -EMSGSIZE.
 */
int ovs_key_put_attr(struct sk_buff *msg, unsigned int type,
		     const struct sw_flow_key *key,
		     const struct sw_flow_key *out, bool is_mask)
{
	const struct key_attr *desc = &ovs_key_attrs[type];
	unsigned int room = nla_total_size(desc->len);
	struct nlattr *nla;

	if (desc->nest)
		return desc->nest->put(msg, key, out, is_mask);
	if (unlikely(skb_tailroom(msg) < room))
		return -EMSGSIZE;
	nla = __skb_put(msg, room);
	nla->nla_type = type;
	nla->nla_len = nla_attr_size(desc->len);
	/* A payload has gaps at its end alone, of less than a word, as has the message. */
	*(u32 *)((u8 *)nla + room - sizeof(u32)) = 0;
	key_to_attr(out, is_mask, desc, nla_data(nla));
	return 0;
}

/* An attribute of a number, at a place; its end.  The rest of the last word is zero. */
static __always_inline u8 *put_number(u8 *at, u16 type, u32 value, u16 len)
{
	struct nlattr *nla = (struct nlattr *)at;

	nla->nla_len = nla_attr_size(len);
	nla->nla_type = type;
	if (len == sizeof(u16)) {
		((u16 *)(nla + 1))[0] = value;
		((u16 *)(nla + 1))[1] = 0;
	} else {
		*(u32 *)(nla + 1) = value;
	}
	return at + nla_total_size(len);
}

/**
 * ovs_key_put_metadata - write what each key has, but for the tunnel
 * @msg: the message.
 * @out: the key, or a mask.
 *
 * What ovs_key_put_attr() would write of them one by one.
 *
 * Context: any.
 * Return: 0 or -EMSGSIZE.
 */
int ovs_key_put_metadata(struct sk_buff *msg, const struct sw_flow_key *out)
{
	const unsigned int room = 7 * nla_total_size(sizeof(u32)) +
				  nla_total_size(sizeof(out->ct.labels));
	struct nlattr *labels;
	u8 *at;

	BUILD_BUG_ON(nla_total_size(sizeof(u16)) != nla_total_size(sizeof(u32)));
	if (unlikely(skb_tailroom(msg) < room))
		return -EMSGSIZE;
	at = __skb_put(msg, room);
	at = put_number(at, OVS_KEY_ATTR_RECIRC_ID, out->recirc_id, sizeof(u32));
	at = put_number(at, OVS_KEY_ATTR_DP_HASH, out->dp_hash, sizeof(u32));
	at = put_number(at, OVS_KEY_ATTR_PRIORITY, out->priority, sizeof(u32));
	at = put_number(at, OVS_KEY_ATTR_SKB_MARK, out->skb_mark, sizeof(u32));
	at = put_number(at, OVS_KEY_ATTR_CT_STATE, out->ct.state, sizeof(u32));
	at = put_number(at, OVS_KEY_ATTR_CT_ZONE, out->ct.zone, sizeof(u16));
	at = put_number(at, OVS_KEY_ATTR_CT_MARK, out->ct.mark, sizeof(u32));
	labels = (struct nlattr *)at;
	labels->nla_len = nla_attr_size(sizeof(out->ct.labels));
	labels->nla_type = OVS_KEY_ATTR_CT_LABELS;
	memcpy(labels + 1, out->ct.labels, sizeof(out->ct.labels));
	return 0;
}

static bool is_nd(const struct sw_flow_key *key)
{
	return key->tp.src == htons(135) || key->tp.src == htons(136);
}

/* What an IP packet of a key has behind its header. */
static u32 transport_prereqs(const struct sw_flow_key *key, bool v6)
{
	if (key->ip.frag == OVS_FRAG_TYPE_LATER)
		return 0;
	switch (key->ip.proto) {
	case IPPROTO_TCP:
		return BIT(PREREQ_TCP);
	case IPPROTO_UDP:
		return BIT(PREREQ_UDP);
	case IPPROTO_SCTP:
		return BIT(PREREQ_SCTP);
	case IPPROTO_ICMP:
		return v6 ? 0 : BIT(PREREQ_ICMP);
	case IPPROTO_ICMPV6:
		if (!v6)
			return 0;
		return BIT(PREREQ_ICMPV6) | (is_nd(key) ? BIT(PREREQ_ND) : 0);
	default:
		return 0;
	}
}

/**
 * ovs_key_prereqs - which headers packets of a key have
 * @key: the key.
 *
 * Context: any.
 * Return: a set of &enum key_prereq: an attribute applies if its one is in it.
 */
u32 ovs_key_prereqs(const struct sw_flow_key *key)
{
	u32 met = BIT(PREREQ_NONE);

	switch (key->eth.type) {
	case htons(ETH_P_IP):
		return met | BIT(PREREQ_IPV4) | transport_prereqs(key, false);
	case htons(ETH_P_IPV6):
		return met | BIT(PREREQ_IPV6) | transport_prereqs(key, true);
	case htons(ETH_P_ARP):
	case htons(ETH_P_RARP):
		return met | BIT(PREREQ_ARP);
	case htons(ETH_P_MPLS_UC):
	case htons(ETH_P_MPLS_MC):
		return met | BIT(PREREQ_MPLS);
	case htons(ETH_P_NSH):
		return met | BIT(PREREQ_NSH);
	default:
		return met;
	}
}

/**
 * ovs_key_prereq_exact - whether a mask fixes all that an attribute needs
 * @prereq: what it needs.
 * @mask: the mask.
 *
 * Context: any.
 */
bool ovs_key_prereq_exact(enum key_prereq prereq,
			  const struct sw_flow_key *mask)
{
	if (prereq == PREREQ_NONE)
		return true;
	if (mask->eth.type != htons(0xffff))
		return false;
	if (prereq < PREREQ_TCP)	/* that type is all */
		return true;
	if (mask->ip.proto != 0xff)
		return false;
	return prereq != PREREQ_ND || mask->tp.src == htons(0xff);
}

/**
 * ovs_key_refuse - say why a key or mask is refused
 * @extack: where to.
 * @attr: what is wrong.
 * @msg: why, a constant.
 *
 * Context: any.
 * Return: -EINVAL.
 */
int ovs_key_refuse(struct netlink_ext_ack *extack, const struct nlattr *attr,
		   const char *msg)
{
	NL_SET_BAD_ATTR(extack, attr);
	if (extack)
		extack->_msg = msg;
	return -EINVAL;
}
