// SPDX-License-Identifier: GPL-2.0-or-later
/* Key attributes that are nests: tunnels and network service headers. */
#include "odp.h"
#include "../pipeline/tlv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/openvswitch.h>
#include <linux/types.h>
#include <linux/erspan.h>
#include <netlink/attr.h>
#include <string.h>

#define TUN_OFS offsetof(struct flow, tun_id)
#define TUN_END offsetof(struct flow, ct_mark)
#define OPTS_OFS offsetof(struct flow, tun_gbp)

static int vxlan_in(const struct nlattr *opts, struct flow *f)
{
	struct nlattr *gbp = nla_find(nla_data(opts), nla_len(opts), OVS_VXLAN_EXT_GBP);

	if (gbp && nla_len(gbp) != 4)
		return -EINVAL;
	f->tun_gbp = gbp ? htonl(nla_get_u32(gbp)) : 0;
	return 0;
}

/*
 * Of version 1 there is the index, of version 2 direction and hardware; of which one
 * a mask is is not known here.
 */
static int erspan_in(const struct nlattr *opts, struct flow *f)
{
	struct erspan_metadata md;

	if (nla_len(opts) != sizeof(md))
		return -EINVAL;
	memcpy(&md, nla_data(opts), sizeof(md));
	f->tun_erspan_ver = md.version;
	if (md.version != 2)
		f->tun_erspan_idx = md.u.index;
	if (md.version != 1) {
		f->tun_erspan_dir = md.u.md2.dir;
		f->tun_erspan_hwid = md.u.md2.hwid_upper << 4 | md.u.md2.hwid;
	}
	return 0;
}

/*
 * Options of Geneve: two bytes of class, one of type, the length of the body in words
 * in the low five bits of the fourth.
 */
#define OPT_HEAD 4

static unsigned int opt_len(const uint8_t *opt)
{
	return OPT_HEAD + 4 * (opt[3] & 31);
}

/*
 * Find the next option that is a field, of those that are whole.  Of two of a kind
 * the first counts: @seen has those that were found.
 *
 * Return: its number; -1: there is none.
 */
static int next_option(const uint8_t *opts, unsigned int len, unsigned int *ofs,
		       uint64_t *seen)
{
	int n;

	for (; *ofs + OPT_HEAD <= len && *ofs + opt_len(opts + *ofs) <= len;
	     *ofs += opt_len(opts + *ofs)) {
		const uint8_t *opt = opts + *ofs;

		n = tlv_find(opt[0] << 8 | opt[1], opt[2]);
		if (n < 0 || *seen >> n & 1 || opt_len(opt) - OPT_HEAD != tlv_get(n)->len)
			continue;
		*seen |= 1ull << n;
		return n;
	}
	return -1;
}

/* @key: the options; @bits: the same, or their mask: which of both is read. */
static void geneve_in(const struct nlattr *key, const struct nlattr *bits,
		      struct flow *f)
{
	const uint8_t *opts = nla_data(key), *from = nla_data(bits);
	unsigned int ofs = 0, len = nla_len(key);
	uint64_t seen = 0;
	int n;

	if (nla_len(bits) != nla_len(key))
		return;
	while ((n = next_option(opts, len, &ofs, &seen)) >= 0) {
		memcpy((uint8_t *)f + tlv_field(n)->ofs, from + ofs + OPT_HEAD,
		       tlv_get(n)->len);
		ofs += opt_len(opts + ofs);
	}
	f->tun_options = seen;
}

/* The mask of options: all headers, as they tell what there is, and what is read. */
static int put_geneve_mask(struct nl_msg *msg, const struct nlattr *key,
			   const struct flow *wc)
{
	const uint8_t *opts = nla_data(key);
	unsigned int ofs, len = nla_len(key);
	uint8_t buf[256] = {};
	uint64_t seen = 0;
	int n;

	if (len > sizeof(buf))
		return -EMSGSIZE;
	if (flow_has(wc, offsetof(struct flow, tun_metadata), TUN_END))
		for (ofs = 0; ofs + OPT_HEAD <= len; ofs += opt_len(opts + ofs))
			memset(buf + ofs, 0xff, OPT_HEAD);
	for (ofs = 0; (n = next_option(opts, len, &ofs, &seen)) >= 0;
	     ofs += opt_len(opts + ofs))
		memcpy(buf + ofs + OPT_HEAD, (uint8_t *)wc + tlv_field(n)->ofs,
		       tlv_get(n)->len);
	return nla_put(msg, OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS, len, buf);
}

static int put_geneve(struct nl_msg *msg, const struct flow *f)
{
	uint8_t buf[256], *opt = buf;
	unsigned int n;

	for (n = 0; n < N_TLVS; n++) {
		const struct tlv *t = tlv_get(n);

		if (!t || !(f->tun_options >> n & 1))
			continue;
		*opt++ = t->class >> 8;
		*opt++ = t->class;
		*opt++ = t->type;
		*opt++ = t->len / 4;
		memcpy(opt, (uint8_t *)f + tlv_field(n)->ofs, t->len);
		opt += t->len;
	}
	return nla_put(msg, OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS, opt - buf, buf);
}

/**
 * odp_tunnel_in - read the key or the mask of a tunnel
 * @nest: OVS_KEY_ATTR_TUNNEL.
 * @key: that of the key, if it is that of a mask; NULL: there is none.
 * @f: filled in.
 *
 * Return: 0 or -EINVAL.
 */
int odp_tunnel_in(const struct nlattr *nest, const struct nlattr *key,
		  struct flow *f)
{
	static const struct { uint16_t ofs; uint8_t len; uint16_t flag; } attrs[] = {
		[OVS_TUNNEL_KEY_ATTR_ID] = { offsetof(struct flow, tun_id), 8, TUN_KEY },
		[OVS_TUNNEL_KEY_ATTR_IPV4_SRC] = { offsetof(struct flow, tun_src), 4, 0 },
		[OVS_TUNNEL_KEY_ATTR_IPV4_DST] = { offsetof(struct flow, tun_dst), 4, 0 },
		[OVS_TUNNEL_KEY_ATTR_TOS] = { offsetof(struct flow, tun_tos), 1, 0 },
		[OVS_TUNNEL_KEY_ATTR_TTL] = { offsetof(struct flow, tun_ttl), 1, 0 },
		[OVS_TUNNEL_KEY_ATTR_DONT_FRAGMENT] = { 0, 0, TUN_DF },
		[OVS_TUNNEL_KEY_ATTR_CSUM] = { 0, 0, TUN_CSUM },
		[OVS_TUNNEL_KEY_ATTR_OAM] = { 0, 0, TUN_OAM },
		[OVS_TUNNEL_KEY_ATTR_TP_SRC] = { offsetof(struct flow, tun_tp_src), 2, 0 },
		[OVS_TUNNEL_KEY_ATTR_TP_DST] = { offsetof(struct flow, tun_tp_dst), 2, 0 },
		[OVS_TUNNEL_KEY_ATTR_IPV6_SRC] = { offsetof(struct flow, tun_ipv6_src), 16, 0 },
		[OVS_TUNNEL_KEY_ATTR_IPV6_DST] = { offsetof(struct flow, tun_ipv6_dst), 16, 0 },
	};
	struct nlattr *a, *opts = NULL;
	int rem;

	if (key)
		opts = nla_find(nla_data(key), nla_len(key), OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS);
	nla_for_each_nested(a, (struct nlattr *)nest, rem) {
		unsigned int t = nla_type(a);

		if (t == OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS && opts)
			geneve_in(opts, a, f);
		if ((t == OVS_TUNNEL_KEY_ATTR_VXLAN_OPTS && vxlan_in(a, f)) ||
		    (t == OVS_TUNNEL_KEY_ATTR_ERSPAN_OPTS && erspan_in(a, f)))
			return -EINVAL;
		if (t >= sizeof(attrs) / sizeof(attrs[0]) ||
		    (!attrs[t].len && !attrs[t].flag))
			continue;
		if (nla_len(a) != attrs[t].len)
			return -EINVAL;
		f->tun_flags |= htons(attrs[t].flag);
		memcpy((uint8_t *)f + attrs[t].ofs, nla_data(a), attrs[t].len);
	}
	return 0;
}

static int put_vxlan(struct nl_msg *msg, const struct flow *f)
{
	struct nlattr *nest = odp_nest(msg, OVS_TUNNEL_KEY_ATTR_VXLAN_OPTS);

	if (!nest || nla_put_u32(msg, OVS_VXLAN_EXT_GBP, ntohl(f->tun_gbp)))
		return -EMSGSIZE;
	odp_nest_end(msg, nest);
	return 0;
}

/* @version: of the packet; it tells which of the fields there are. */
static int put_erspan(struct nl_msg *msg, const struct flow *f, uint8_t version)
{
	struct erspan_metadata md;

	memset(&md, 0, sizeof(md));
	md.version = f->tun_erspan_ver;
	if (version == 1) {
		md.u.index = f->tun_erspan_idx;
	} else {
		md.u.md2.dir = f->tun_erspan_dir;
		md.u.md2.hwid = f->tun_erspan_hwid & 15;
		md.u.md2.hwid_upper = f->tun_erspan_hwid >> 4;
	}
	return nla_put(msg, OVS_TUNNEL_KEY_ATTR_ERSPAN_OPTS, sizeof(md), &md);
}

static int put_fields(struct nl_msg *msg, const struct flow *f, bool six)
{
	uint16_t flags = ntohs(f->tun_flags);
	int err = 0;

	if (flags & TUN_KEY)
		err |= nla_put(msg, OVS_TUNNEL_KEY_ATTR_ID, 8, &f->tun_id);
	if (six) {
		err |= nla_put(msg, OVS_TUNNEL_KEY_ATTR_IPV6_SRC, 16, f->tun_ipv6_src);
		err |= nla_put(msg, OVS_TUNNEL_KEY_ATTR_IPV6_DST, 16, f->tun_ipv6_dst);
	} else {
		err |= nla_put(msg, OVS_TUNNEL_KEY_ATTR_IPV4_SRC, 4, &f->tun_src);
		err |= nla_put(msg, OVS_TUNNEL_KEY_ATTR_IPV4_DST, 4, &f->tun_dst);
	}
	err |= nla_put_u8(msg, OVS_TUNNEL_KEY_ATTR_TOS, f->tun_tos);
	err |= nla_put_u8(msg, OVS_TUNNEL_KEY_ATTR_TTL, f->tun_ttl);
	if (flags & TUN_DF)
		err |= nla_put_flag(msg, OVS_TUNNEL_KEY_ATTR_DONT_FRAGMENT);
	if (flags & TUN_CSUM)
		err |= nla_put_flag(msg, OVS_TUNNEL_KEY_ATTR_CSUM);
	if (flags & TUN_OAM)
		err |= nla_put_flag(msg, OVS_TUNNEL_KEY_ATTR_OAM);
	if (f->tun_tp_src)
		err |= nla_put(msg, OVS_TUNNEL_KEY_ATTR_TP_SRC, 2, &f->tun_tp_src);
	if (f->tun_tp_dst)
		err |= nla_put(msg, OVS_TUNNEL_KEY_ATTR_TP_DST, 2, &f->tun_tp_dst);
	return err ? -EMSGSIZE : 0;
}

static bool is_six(const struct flow *f)
{
	return flow_has(f, offsetof(struct flow, tun_ipv6_src),
			offsetof(struct flow, tun_flags));
}

/**
 * odp_put_tunnel - write the key of a tunnel, as set() takes it
 * @msg: the message.
 * @flow: its fields.
 *
 * Return: 0 or -EMSGSIZE.
 */
int odp_put_tunnel(struct nl_msg *msg, const struct flow *flow)
{
	struct nlattr *nest = odp_nest(msg, OVS_KEY_ATTR_TUNNEL);
	struct flow f = *flow;
	int err;

	if (!f.tun_ttl)
		f.tun_ttl = 64;
	if (!nest || put_fields(msg, &f, is_six(&f)))
		return -EMSGSIZE;
	err = f.tun_erspan_ver ? put_erspan(msg, &f, f.tun_erspan_ver) :
	      f.tun_options ? put_geneve(msg, &f) :
	      f.tun_gbp ? put_vxlan(msg, &f) : 0;
	odp_nest_end(msg, nest);
	return err;
}

/*
 * A mask of options tells of their kind and length too.  Those of another kind,
 * and none, are without the fields: then that is all that it is to tell.
 */
static int put_options_mask(struct nl_msg *msg, const struct nlattr *key,
			    const struct flow *wc, const struct flow *has)
{
	struct nlattr *a;
	int rem;

	if (!flow_has(wc, OPTS_OFS, TUN_END))
		return 0;
	if (!key)
		return has->tun_erspan_ver ? put_erspan(msg, wc, has->tun_erspan_ver) :
		       wc->tun_gbp ? put_vxlan(msg, wc) : 0;
	nla_for_each_nested(a, (struct nlattr *)key, rem) {
		if (nla_type(a) == OVS_TUNNEL_KEY_ATTR_ERSPAN_OPTS)
			return put_erspan(msg, wc, has->tun_erspan_ver);
		if (nla_type(a) == OVS_TUNNEL_KEY_ATTR_GENEVE_OPTS)
			return put_geneve_mask(msg, a, wc);
	}
	return put_vxlan(msg, wc);
}

static int put_odd(struct nl_msg *msg, const struct nlattr *key)
{
	struct nlattr *a;
	int rem;

	nla_for_each_nested(a, (struct nlattr *)key, rem)
		if (nla_type(a) > OVS_TUNNEL_KEY_ATTR_MAX && odp_put_exact(msg, a))
			return -EMSGSIZE;
	return 0;
}

/* Whether the key of a tunnel has attributes that are not known. */
bool odp_tunnel_is_odd(const struct nlattr *key)
{
	struct nlattr *a;
	int rem;

	nla_for_each_nested(a, (struct nlattr *)key, rem)
		if (nla_type(a) > OVS_TUNNEL_KEY_ATTR_MAX)
			return true;
	return false;
}

/**
 * odp_put_tunnel_mask - write the mask of a tunnel
 * @msg: the message.
 * @key: OVS_KEY_ATTR_TUNNEL that it goes with; NULL: there is none.
 * @wc: the mask.
 * @has: what it is a mask of.
 *
 * If there is no tunnel, the mask says so.
 *
 * Return: 0 or -EMSGSIZE.
 */
int odp_put_tunnel_mask(struct nl_msg *msg, const struct nlattr *key,
			const struct flow *wc, const struct flow *has)
{
	struct nlattr *nest = odp_nest(msg, OVS_KEY_ATTR_TUNNEL);
	struct flow f = *wc;

	if (f.tun_id)
		f.tun_flags |= htons(TUN_KEY);
	if (!nest || put_fields(msg, &f, is_six(has)) ||
	    put_options_mask(msg, key, &f, has) || (key && put_odd(msg, key)))
		return -EMSGSIZE;
	odp_nest_end(msg, nest);
	return 0;
}

/* Whether a mask asks for anything of a tunnel. */
bool odp_has_tunnel(const struct flow *wc)
{
	return flow_has(wc, TUN_OFS, TUN_END);
}

/**
 * odp_nsh_in - read the key or the mask of a network service header
 * @nest: OVS_KEY_ATTR_NSH.
 * @f: filled in.
 *
 * Return: 0 or -EINVAL.
 */
int odp_nsh_in(const struct nlattr *nest, struct flow *f)
{
	struct ovs_nsh_key_base base;
	struct nlattr *a;
	int rem;

	nla_for_each_nested(a, (struct nlattr *)nest, rem) {
		if (nla_type(a) == OVS_NSH_KEY_ATTR_BASE) {
			if (nla_len(a) != sizeof(base))
				return -EINVAL;
			memcpy(&base, nla_data(a), sizeof(base));
			f->nsh_flags = base.flags;
			f->nsh_ttl = base.ttl;
			f->nsh_mdtype = base.mdtype;
			f->nsh_np = base.np;
			f->nsh_path = base.path_hdr;
		} else if (nla_type(a) == OVS_NSH_KEY_ATTR_MD1) {
			if (nla_len(a) != sizeof(f->nsh_c))
				return -EINVAL;
			memcpy(f->nsh_c, nla_data(a), sizeof(f->nsh_c));
		}
	}
	return 0;
}

/**
 * odp_put_nsh_mask - write the mask of a network service header
 * @msg: the message.
 * @wc: the mask.
 * @has: what it is a mask of.
 *
 * Return: 0 or -EMSGSIZE.
 */
int odp_put_nsh_mask(struct nl_msg *msg, const struct flow *wc,
		     const struct flow *has)
{
	struct ovs_nsh_key_base base = {
		.flags = wc->nsh_flags, .ttl = wc->nsh_ttl,
		.mdtype = wc->nsh_mdtype, .np = wc->nsh_np,
		.path_hdr = wc->nsh_path,
	};
	struct nlattr *nest = odp_nest(msg, OVS_KEY_ATTR_NSH);

	if (!nest || nla_put(msg, OVS_NSH_KEY_ATTR_BASE, sizeof(base), &base) ||
	    (has->nsh_mdtype == 1 &&
	     nla_put(msg, OVS_NSH_KEY_ATTR_MD1, sizeof(wc->nsh_c), wc->nsh_c)))
		return -EMSGSIZE;
	odp_nest_end(msg, nest);
	return 0;
}

/* Whether a mask asks for anything of a network service header. */
bool odp_has_nsh(const struct flow *wc)
{
	return flow_has(wc, offsetof(struct flow, nsh_flags),
			offsetof(struct flow, nd_target));
}
