// SPDX-License-Identifier: GPL-2.0
/*
 * Key attributes that are no fixed structure: MPLS label stacks and network
 * service headers.
 */
#include <net/mpls.h>
#include <net/nsh.h>

#include "datapath.h"
#include "key_attrs.h"

static int mpls_parse(struct sw_flow_key *key, const struct nlattr *nla,
		      bool is_mask, struct netlink_ext_ack *extack)
{
	unsigned int len = nla_len(nla), n = len / sizeof(struct ovs_key_mpls);

	if (!n || n > OVS_MPLS_LABELS || len % sizeof(struct ovs_key_mpls))
		return ovs_key_refuse(extack, nla,
				      "MPLS must hold 1 to 3 label stack entries");
	memcpy(key->mpls.lse, nla_data(nla), len);
	key->mpls.present = GENMASK(n - 1, 0);
	return 0;
}

static void mpls_exact(struct sw_flow_key *mask, const struct sw_flow_key *key)
{
	unsigned int i;

	mask->mpls.present = key->mpls.present;
	for (i = 0; i < OVS_MPLS_LABELS; i++)
		if (key->mpls.present & BIT(i))
			mask->mpls.lse[i] = htonl(U32_MAX);
}

static int mpls_put(struct sk_buff *msg, const struct sw_flow_key *key,
		    const struct sw_flow_key *out, bool is_mask)
{
	unsigned int n = hweight32(out->mpls.present &
				   GENMASK(OVS_MPLS_LABELS - 1, 0));

	return nla_put(msg, OVS_KEY_ATTR_MPLS, n * sizeof(__be32),
		       out->mpls.lse);
}

const struct key_attr_nest ovs_mpls_key_nest = {
	.parse = mpls_parse,
	.exact = mpls_exact,
	.put = mpls_put,
	.size = NLA_HDRLEN + OVS_MPLS_LABELS * sizeof(__be32),
};

static const struct {
	const char *name;
	int len;
} nsh_attrs[OVS_NSH_KEY_ATTR_MAX + 1] = {
	[OVS_NSH_KEY_ATTR_BASE] = { "BASE", sizeof(struct ovs_nsh_key_base) },
	[OVS_NSH_KEY_ATTR_MD1] = { "MD1", sizeof(struct ovs_nsh_key_md1) },
};

/* RFC 8300; of metadata, only that of type 1 can be matched. */
static int nsh_parse(struct sw_flow_key *key, const struct nlattr *nla,
		     bool is_mask, struct netlink_ext_ack *extack)
{
	const struct nlattr *tb[OVS_NSH_KEY_ATTR_MAX + 1] = {};
	const struct nlattr *a;
	int rem;

	nla_for_each_nested(a, nla, rem) {
		unsigned int type = nla_type(a);

		if (type > OVS_NSH_KEY_ATTR_MAX || !nsh_attrs[type].name)
			return ovs_key_refuse(extack, a,
					      "NSH: attribute is not supported");
		if (nla_len(a) != nsh_attrs[type].len)
			return ovs_key_refuse(extack, a,
					      "NSH: attribute has the wrong length");
		if (tb[type])
			return ovs_key_refuse(extack, a,
					      "NSH: attribute stands twice");
		tb[type] = a;
	}
	if (rem)
		return ovs_key_refuse(extack, nla,
				      "NSH: junk behind the attributes");
	if (tb[OVS_NSH_KEY_ATTR_BASE])
		nla_memcpy(&key->nsh.base, tb[OVS_NSH_KEY_ATTR_BASE],
			   sizeof(key->nsh.base));
	if (tb[OVS_NSH_KEY_ATTR_MD1])
		nla_memcpy(key->nsh.context, tb[OVS_NSH_KEY_ATTR_MD1],
			   sizeof(key->nsh.context));
	if (is_mask)
		return 0;
	if (tb[OVS_NSH_KEY_ATTR_MD1] && key->nsh.base.mdtype != NSH_M_TYPE1)
		return ovs_key_refuse(extack, nla,
				      "NSH: MD1 goes with metadata type 1 only");
	return 0;
}

static void nsh_exact(struct sw_flow_key *mask, const struct sw_flow_key *key)
{
	memset(&mask->nsh.base, 0xff, sizeof(mask->nsh.base));
	if (key->nsh.base.mdtype == NSH_M_TYPE1)
		memset(mask->nsh.context, 0xff, sizeof(mask->nsh.context));
}

static int nsh_put(struct sk_buff *msg, const struct sw_flow_key *key,
		   const struct sw_flow_key *out, bool is_mask)
{
	struct nlattr *nest = nla_nest_start_noflag(msg, OVS_KEY_ATTR_NSH);

	if (!nest ||
	    nla_put(msg, OVS_NSH_KEY_ATTR_BASE, sizeof(out->nsh.base),
		    &out->nsh.base))
		return -EMSGSIZE;
	if ((is_mask || key->nsh.base.mdtype == NSH_M_TYPE1) &&
	    nla_put(msg, OVS_NSH_KEY_ATTR_MD1, sizeof(out->nsh.context),
		    out->nsh.context))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

const struct key_attr_nest ovs_nsh_key_nest = {
	.parse = nsh_parse,
	.exact = nsh_exact,
	.put = nsh_put,
	.size = 3 * NLA_HDRLEN + sizeof(struct ovs_nsh_key_base) +
		sizeof(struct ovs_nsh_key_md1),
};
