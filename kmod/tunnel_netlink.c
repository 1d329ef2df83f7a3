// SPDX-License-Identifier: GPL-2.0
/*
 * OVS_KEY_ATTR_TUNNEL, of keys, masks and set actions, and its like in upcalls.
 *
 * A table says where each attribute lies in struct ovs_tun_key; options are by
 * hand.  Of the options a key has one kind at most.
 */
#include <net/erspan.h>
#include <net/geneve.h>
#include <net/ipv6.h>
#include <net/netlink.h>
#include <net/vxlan.h>

#include "datapath.h"
#include "key_attrs.h"
#include "tunnel.h"

/**
 * struct tun_attr - an attribute
 * @len: bytes of the payload; -1: options.
 * @ofs: where it lies in struct ovs_tun_key.
 * @flag: OVS_TUN_* that it sets.
 * @family: the address family that it implies, or 0.
 */
struct tun_attr {
	s8 len;
	u8 ofs;
	u16 flag;
	u8 family;
};

#define TUN_FIELD(member, bits, af)					\
	{ .len = sizeof_field(struct ovs_tun_key, member),		\
	  .ofs = offsetof(struct ovs_tun_key, member),			\
	  .flag = bits, .family = af }
#define TUN_FLAG(bits, af) { .flag = bits, .family = af }
#define TUN_OPTIONS(bits) { .len = -1, .flag = bits }

static const struct tun_attr tun_attrs[OVS_TUNNEL_KEY_ATTR_MAX + 1] = {
	[OVS_TUNNEL_KEY_ATTR_ID] = TUN_FIELD(id, OVS_TUN_KEY, 0),
	[OVS_TUNNEL_KEY_ATTR_IPV4_SRC] = TUN_FIELD(ipv4.src, 0, AF_INET),
	[OVS_TUNNEL_KEY_ATTR_IPV4_DST] = TUN_FIELD(ipv4.dst, 0, AF_INET),
	[OVS_TUNNEL_KEY_ATTR_IPV6_SRC] = TUN_FIELD(ipv6.src, 0, AF_INET6),
	[OVS_TUNNEL_KEY_ATTR_IPV6_DST] = TUN_FIELD(ipv6.dst, 0, AF_INET6),
	[OVS_TUNNEL_KEY_ATTR_TOS] = TUN_FIELD(tos, 0, 0),
	[OVS_TUNNEL_KEY_ATTR_TTL] = TUN_FIELD(ttl, 0, 0),
	[OVS_TUNNEL_KEY_ATTR_TP_SRC] = TUN_FIELD(tp_src, 0, 0),
	[OVS_TUNNEL_KEY_ATTR_TP_DST] = TUN_FIELD(tp_dst, 0, 0),
	[OVS_TUNNEL_KEY_ATTR_DONT_FRAGMENT] = TUN_FLAG(OVS_TUN_DF, 0),
	[OVS_TUNNEL_KEY_ATTR_CSUM] = TUN_FLAG(OVS_TUN_CSUM, 0),
	[OVS_TUNNEL_KEY_ATTR_OAM] = TUN_FLAG(OVS_TUN_OAM, 0),
	[OVS_TUNNEL_KEY_ATTR_PAD] = TUN_FLAG(0, 0),
	[OVS_TUNNEL_KEY_ATTR_IPV4_INFO_BRIDGE] =
		TUN_FLAG(OVS_TUN_BRIDGE, AF_INET),
	[OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS] = TUN_OPTIONS(OVS_TUN_GENEVE_OPT),
	[OVS_TUNNEL_KEY_ATTR_VXLAN_OPTS] = TUN_OPTIONS(OVS_TUN_VXLAN_OPT),
	[OVS_TUNNEL_KEY_ATTR_ERSPAN_OPTS] = TUN_OPTIONS(OVS_TUN_ERSPAN_OPT),
};

static int geneve_parse(struct ovs_tun_key *tun, const struct nlattr *nla,
			struct netlink_ext_ack *extack)
{
	unsigned int len = nla_len(nla);

	if (len > IP_TUNNEL_OPTS_MAX || len % 4)
		return ovs_key_refuse(extack, nla,
				      "GENEVE_OPTS must be a multiple of 4 bytes, at most 252");
	memcpy(tun->opts, nla_data(nla), len);
	tun->opts_len = len;
	return 0;
}

static int vxlan_parse(struct ovs_tun_key *tun, const struct nlattr *nla,
		       struct netlink_ext_ack *extack)
{
	struct vxlan_metadata md = {};
	const struct nlattr *ext;
	int rem;

	nla_for_each_nested(ext, nla, rem) {
		if (nla_type(ext) != OVS_VXLAN_EXT_GBP)
			return ovs_key_refuse(extack, ext,
					      "unknown extension in VXLAN_OPTS");
		if (nla_len(ext) != sizeof(md.gbp))
			return ovs_key_refuse(extack, ext,
					      "GBP in VXLAN_OPTS must be 32 bits");
		md.gbp = nla_get_u32(ext);
	}
	if (rem)
		return ovs_key_refuse(extack, nla, "junk behind VXLAN_OPTS");
	memcpy(tun->opts, &md, sizeof(md));
	tun->opts_len = sizeof(md);
	return 0;
}

static int erspan_parse(struct ovs_tun_key *tun, const struct nlattr *nla,
			struct netlink_ext_ack *extack)
{
	if (nla_len(nla) != sizeof(struct erspan_metadata))
		return ovs_key_refuse(extack, nla,
				      "ERSPAN_OPTS must be a struct erspan_metadata");
	memcpy(tun->opts, nla_data(nla), nla_len(nla));
	tun->opts_len = nla_len(nla);
	return 0;
}

static int options_parse(struct ovs_tun_key *tun, const struct nlattr *nla,
			 struct netlink_ext_ack *extack)
{
	if (tun->flags & OVS_TUN_OPTS)
		return ovs_key_refuse(extack, nla,
				      "a tunnel has options of one kind, once");
	switch (nla_type(nla)) {
	case OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS:
		return geneve_parse(tun, nla, extack);
	case OVS_TUNNEL_KEY_ATTR_VXLAN_OPTS:
		return vxlan_parse(tun, nla, extack);
	default:
		return erspan_parse(tun, nla, extack);
	}
}

/* What follows from the attributes of a key or set action together. */
static int tun_check(const struct sw_flow_key *key, bool has_ttl,
		     const struct nlattr *nla, struct netlink_ext_ack *extack)
{
	struct ovs_tun_key bare = { .id = key->tun.id };

	if (!key->tun_proto)
		return ovs_key_refuse(extack, nla,
				      "a tunnel needs an address, or IPV4_INFO_BRIDGE");
	if (key->tun.flags & OVS_TUN_BRIDGE) {
		bare.flags = key->tun.flags & (OVS_TUN_BRIDGE | OVS_TUN_KEY);
		if (memcmp(&bare, &key->tun, sizeof(bare)))
			return ovs_key_refuse(extack, nla,
					      "IPV4_INFO_BRIDGE goes with ID alone");
		return 0;
	}
	if (key->tun_proto == AF_INET ? !key->tun.ipv4.dst :
	    ipv6_addr_any(&key->tun.ipv6.dst))
		return ovs_key_refuse(extack, nla,
				      "a tunnel needs a destination address");
	if (!has_ttl)
		return ovs_key_refuse(extack, nla, "a tunnel needs a TTL");
	return 0;
}

/* Fill in tun_proto and tun, whatever was in them. */
static int tun_parse_nest(struct sw_flow_key *key, const struct nlattr *nest,
			  bool is_mask, struct netlink_ext_ack *extack)
{
	struct ovs_tun_key *tun = &key->tun;
	const struct nlattr *nla;
	bool has_ttl = false;
	int rem, err;

	key->tun_proto = 0;
	memset(tun, 0, sizeof(*tun));
	nla_for_each_nested(nla, nest, rem) {
		unsigned int type = nla_type(nla);
		const struct tun_attr *desc;

		if (type > OVS_TUNNEL_KEY_ATTR_MAX)
			return ovs_key_refuse(extack, nla,
					      "unknown attribute in TUNNEL");
		desc = &tun_attrs[type];
		if (desc->len >= 0 && nla_len(nla) != desc->len)
			return ovs_key_refuse(extack, nla,
					      "attribute in TUNNEL has the wrong length");
		if (desc->family && key->tun_proto &&
		    key->tun_proto != desc->family)
			return ovs_key_refuse(extack, nla,
					      "TUNNEL mixes IPv4 and IPv6");
		if (desc->len < 0) {
			err = options_parse(tun, nla, extack);
			if (err)
				return err;
		} else {
			memcpy((u8 *)tun + desc->ofs, nla_data(nla), desc->len);
		}
		if (desc->family)
			key->tun_proto = desc->family;
		tun->flags |= desc->flag;
		has_ttl |= type == OVS_TUNNEL_KEY_ATTR_TTL;
	}
	if (rem)
		return ovs_key_refuse(extack, nest, "junk behind TUNNEL");
	return is_mask ? 0 : tun_check(key, has_ttl, nest, extack);
}

/*
 * A mask with anything in it asks for the family of the tunnel, or that there be
 * none, too.
 */
static int tun_parse(struct sw_flow_key *key, const struct nlattr *nla,
		     bool is_mask, struct netlink_ext_ack *extack)
{
	int err;

	if (is_mask && !nla_len(nla))
		return 0;
	err = tun_parse_nest(key, nla, is_mask, extack);
	if (err)
		return err;
	/* How a packet is to leave; none comes in so. */
	key->tun.flags &= ~OVS_TUN_BRIDGE;
	if (!is_mask)
		return 0;
	key->tun_proto = 0xff;
	if (key->tun.flags & OVS_TUN_OPTS)
		key->tun.opts_len = 0xff;
	return 0;
}

static int tun_check_mask(const struct sw_flow_key *key,
			  const struct sw_flow_key *mask,
			  const struct nlattr *nla,
			  struct netlink_ext_ack *extack)
{
	const struct nlattr *opts;

	opts = nla_find_nested(nla, OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS);
	if (opts && nla_len(opts) != key->tun.opts_len)
		return ovs_key_refuse(extack, opts,
				      "the mask of GENEVE_OPTS must be as long as those of the key");
	return 0;
}

/* As if the mask had each attribute of the key, all ones. */
static void tun_exact(struct sw_flow_key *mask, const struct sw_flow_key *key)
{
	struct ovs_tun_key *tun = &mask->tun;

	mask->tun_proto = 0xff;
	memset(tun, 0xff, offsetof(struct ovs_tun_key, pad));
	tun->flags = key->tun.flags;
	if (key->tun.flags & OVS_TUN_OPTS)
		memset(tun->opts, 0xff, key->tun.opts_len);
	else
		tun->opts_len = 0;
}

static int vxlan_put(struct sk_buff *msg, const struct ovs_tun_key *tun)
{
	const struct vxlan_metadata *md = (const void *)tun->opts;
	struct nlattr *nest;

	nest = nla_nest_start_noflag(msg, OVS_TUNNEL_KEY_ATTR_VXLAN_OPTS);
	if (!nest || nla_put_u32(msg, OVS_VXLAN_EXT_GBP, md->gbp))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int options_put(struct sk_buff *msg, const struct ovs_tun_key *tun,
		       unsigned int len)
{
	switch (tun->flags & OVS_TUN_OPTS) {
	case OVS_TUN_GENEVE_OPT:
		return nla_put(msg, OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS, len,
			       tun->opts);
	case OVS_TUN_VXLAN_OPT:
		return vxlan_put(msg, tun);
	case OVS_TUN_ERSPAN_OPT:
		return nla_put(msg, OVS_TUNNEL_KEY_ATTR_ERSPAN_OPTS,
			       sizeof(struct erspan_metadata), tun->opts);
	default:
		return 0;
	}
}

/* An attribute, if there is anything to say. */
static int field_put(struct sk_buff *msg, unsigned int type,
		     const struct ovs_tun_key *tun)
{
	const struct tun_attr *desc = &tun_attrs[type];
	const void *data = (const u8 *)tun + desc->ofs;

	if (desc->flag ? !(tun->flags & desc->flag) :
	    type != OVS_TUNNEL_KEY_ATTR_TTL && !memchr_inv(data, 0, desc->len))
		return 0;
	if (type == OVS_TUNNEL_KEY_ATTR_ID)
		return nla_put_64bit(msg, type, desc->len, data,
				     OVS_TUNNEL_KEY_ATTR_PAD);
	return nla_put(msg, type, desc->len, data);
}

/*
 * Write what is in the nest, in the order that userspace knows.  @family: of the
 * tunnel; @opts_len: of its options.  A mask is written under those of its key.
 */
static int tun_put_attrs(struct sk_buff *msg, const struct ovs_tun_key *tun,
			 u8 family, u8 opts_len)
{
	static const u8 order[] = {
		OVS_TUNNEL_KEY_ATTR_ID, OVS_TUNNEL_KEY_ATTR_IPV4_INFO_BRIDGE,
		OVS_TUNNEL_KEY_ATTR_IPV4_SRC, OVS_TUNNEL_KEY_ATTR_IPV4_DST,
		OVS_TUNNEL_KEY_ATTR_IPV6_SRC, OVS_TUNNEL_KEY_ATTR_IPV6_DST,
		OVS_TUNNEL_KEY_ATTR_TOS, OVS_TUNNEL_KEY_ATTR_TTL,
		OVS_TUNNEL_KEY_ATTR_DONT_FRAGMENT, OVS_TUNNEL_KEY_ATTR_CSUM,
		OVS_TUNNEL_KEY_ATTR_TP_SRC, OVS_TUNNEL_KEY_ATTR_TP_DST,
		OVS_TUNNEL_KEY_ATTR_OAM,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(order); i++) {
		const struct tun_attr *desc = &tun_attrs[order[i]];

		if (desc->family && desc->family != family)
			continue;
		if (tun->flags & OVS_TUN_BRIDGE && !desc->flag)
			continue;
		if (field_put(msg, order[i], tun))
			return -EMSGSIZE;
	}
	return opts_len ? options_put(msg, tun, opts_len) : 0;
}

static int tun_put(struct sk_buff *msg, const struct sw_flow_key *key,
		   const struct sw_flow_key *out, bool is_mask)
{
	struct nlattr *nest;

	if (!is_mask && !key->tun_proto)
		return 0;
	nest = nla_nest_start_noflag(msg, OVS_KEY_ATTR_TUNNEL);
	if (!nest)
		return -EMSGSIZE;
	if (is_mask && likely(!out->tun_proto)) {
		/* All of it is zero, of which no more than the TTL is told. */
		if (nla_put_u8(msg, OVS_TUNNEL_KEY_ATTR_TTL, 0))
			return -EMSGSIZE;
	} else if (tun_put_attrs(msg, &out->tun, key->tun_proto,
			  key->tun_proto ? key->tun.opts_len : 0))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

#define TUN_NLA(len) NLA_ALIGN(NLA_HDRLEN + (len))
#define TUN_MAX_SIZE							\
	(TUN_NLA(0) + TUN_NLA(0) + TUN_NLA(sizeof(__be64)) +		\
	 2 * TUN_NLA(sizeof(struct in6_addr)) +				\
	 2 * TUN_NLA(1) +		/* TOS, TTL */			\
	 4 * TUN_NLA(0) +		/* flags */			\
	 2 * TUN_NLA(sizeof(__be16)) +	/* ports */		\
	 TUN_NLA(U8_MAX))

const struct key_attr_nest ovs_tun_key_nest = {
	.parse = tun_parse,
	.check = tun_check_mask,
	.exact = tun_exact,
	.put = tun_put,
	.size = TUN_MAX_SIZE,
};

/**
 * ovs_tun_size - room that a tunnel may take in a message, nest included
 *
 * Context: any.
 * Return: bytes.
 */
size_t ovs_tun_size(void)
{
	return ovs_tun_key_nest.size;
}

/* The options that are to be sent must be whole ones; some are critical. */
static int geneve_check(struct ovs_tun_key *tun, const struct nlattr *nla,
			struct netlink_ext_ack *extack)
{
	unsigned int pos = 0, left;

	while (pos < tun->opts_len) {
		const struct geneve_opt *opt = (const void *)(tun->opts + pos);

		left = tun->opts_len - pos;
		if (left < sizeof(*opt) || left < sizeof(*opt) + opt->length * 4)
			return ovs_key_refuse(extack, nla,
					      "GENEVE_OPTS end within an option");
		if (opt->type & GENEVE_CRIT_OPT_TYPE)
			tun->flags |= OVS_TUN_CRIT_OPT;
		pos += sizeof(*opt) + opt->length * 4;
	}
	return 0;
}

/**
 * ovs_tun_set_parse - read how a packet is to leave by a tunnel
 * @nla: OVS_KEY_ATTR_TUNNEL of a set action.
 * @extack: where a refusal is explained.
 *
 * Context: process.
 * Return: the destination for the packet, a reference, or an error pointer.
 */
struct metadata_dst *ovs_tun_set_parse(const struct nlattr *nla,
				       struct netlink_ext_ack *extack)
{
	struct metadata_dst *dst;
	struct sw_flow_key *key;
	int err;

	key = kzalloc(sizeof(*key), GFP_KERNEL);
	if (!key)
		return ERR_PTR(-ENOMEM);
	err = tun_parse_nest(key, nla, false, extack);
	if (!err && key->tun.flags & OVS_TUN_GENEVE_OPT)
		err = geneve_check(&key->tun, nla, extack);
	dst = err ? ERR_PTR(err) : ovs_tun_dst_alloc(key);
	kfree(key);
	return dst ?: ERR_PTR(-ENOMEM);
}

/**
 * ovs_tun_put_info - write a tunnel as the kernel describes it
 * @msg: the message.
 * @attr: type of the nest.
 * @info: the tunnel.
 *
 * Context: any.
 * Return: 0 or -EMSGSIZE.
 */
int ovs_tun_put_info(struct sk_buff *msg, int attr,
		     const struct ip_tunnel_info *info)
{
	struct nlattr *nest = nla_nest_start_noflag(msg, attr);
	struct sw_flow_key key;

	if (!nest)
		return -EMSGSIZE;
	ovs_tun_key_get(&key, info);
	if (info->mode & IP_TUNNEL_INFO_BRIDGE)
		key.tun.flags |= OVS_TUN_BRIDGE;
	if (tun_put_attrs(msg, &key.tun, key.tun_proto, key.tun.opts_len))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}
