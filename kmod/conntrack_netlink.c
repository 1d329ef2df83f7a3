// SPDX-License-Identifier: GPL-2.0
/*
 * OVS_ACTION_ATTR_CT between netlink and its compiled form.
 *
 * All that can be done beforehand is done here: the template of new connections
 * is made, its helper and timeout policy are found and held.
 */
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/netfilter/nf_conntrack_timeout.h>
#include <net/netlink.h>

#include "action_netlink.h"
#include "conntrack.h"
#include "datapath.h"

/**
 * struct ct_parse - parsing of an OVS_ACTION_ATTR_CT under way
 * @ct: the action so far.
 * @p: compilation of the list.
 * @helper: OVS_CT_ATTR_HELPER, or NULL.
 */
struct ct_parse {
	struct ovs_ct_act ct;
	struct act_parse *p;
	const struct nlattr *helper;
};

static int parse_commit(struct ct_parse *c, const struct nlattr *attr)
{
	c->ct.commit = true;
	c->ct.force |= nla_type(attr) == OVS_CT_ATTR_FORCE_COMMIT;
	return 0;
}

static int parse_zone(struct ct_parse *c, const struct nlattr *attr)
{
	if (!IS_ENABLED(CONFIG_NF_CONNTRACK_ZONES))
		return ovs_act_refuse(c->p, attr,
				      "this kernel has no conntrack zones");
	c->ct.zone.id = nla_get_u16(attr);
	return 0;
}

static int parse_mark(struct ct_parse *c, const struct nlattr *attr)
{
	if (!IS_ENABLED(CONFIG_NF_CONNTRACK_MARK))
		return ovs_act_refuse(c->p, attr,
				      "this kernel has no conntrack marks");
	memcpy(&c->ct.mark, nla_data(attr), sizeof(c->ct.mark));
	if (!c->ct.mark.mask)
		return ovs_act_refuse(c->p, attr,
				      "the mask of a conntrack mark is 0");
	return 0;
}

static int parse_labels(struct ct_parse *c, const struct nlattr *attr)
{
	const struct ovs_net *ovs_net = net_generic(c->p->net, ovs_net_id);

	if (!ovs_net->ct_labels)
		return ovs_act_refuse(c->p, attr,
				      "this kernel has no conntrack labels");
	memcpy(&c->ct.labels, nla_data(attr), sizeof(c->ct.labels));
	if (!memchr_inv(c->ct.labels.mask, 0, sizeof(c->ct.labels.mask)))
		return ovs_act_refuse(c->p, attr,
				      "the mask of conntrack labels is 0");
	c->ct.has_labels = true;
	return 0;
}

static int parse_helper(struct ct_parse *c, const struct nlattr *attr)
{
	if (!memchr(nla_data(attr), '\0', nla_len(attr)))
		return ovs_act_refuse(c->p, attr,
				      "the name of a helper ends with NUL");
	c->helper = attr;
	return 0;
}

static int parse_nat(struct ct_parse *c, const struct nlattr *attr)
{
	const char *why = NULL;
	int err = ovs_ct_nat_parse(&c->ct, attr, &why);

	if (err)
		ovs_act_refuse(c->p, attr, why);
	return err;
}

static int parse_eventmask(struct ct_parse *c, const struct nlattr *attr)
{
	c->ct.has_eventmask = true;
	c->ct.eventmask = nla_get_u32(attr);
	return 0;
}

static int parse_timeout(struct ct_parse *c, const struct nlattr *attr)
{
	if (!IS_ENABLED(CONFIG_NF_CONNTRACK_TIMEOUT))
		return ovs_act_refuse(c->p, attr,
				      "this kernel has no timeout policies");
	if (!memchr(nla_data(attr), '\0', nla_len(attr)))
		return ovs_act_refuse(c->p, attr,
				      "the name of a timeout policy ends with NUL");
	memset(c->ct.timeout_name, 0, sizeof(c->ct.timeout_name));
	strscpy(c->ct.timeout_name, nla_data(attr),
		sizeof(c->ct.timeout_name));
	return 0;
}

/* What each attribute is: the least and most bytes of payload, its parser. */
static const struct {
	u8 min;
	u8 max;
	int (*parse)(struct ct_parse *c, const struct nlattr *attr);
} ct_attrs[OVS_CT_ATTR_MAX + 1] = {
	[OVS_CT_ATTR_COMMIT] = { 0, 0, parse_commit },
	[OVS_CT_ATTR_ZONE] = { sizeof(u16), sizeof(u16), parse_zone },
	[OVS_CT_ATTR_MARK] = { 8, 8, parse_mark },
	[OVS_CT_ATTR_LABELS] = { 32, 32, parse_labels },
	[OVS_CT_ATTR_HELPER] = { 1, NF_CT_HELPER_NAME_LEN, parse_helper },
	[OVS_CT_ATTR_NAT] = { 0, U8_MAX, parse_nat },
	[OVS_CT_ATTR_FORCE_COMMIT] = { 0, 0, parse_commit },
	[OVS_CT_ATTR_EVENTMASK] = { sizeof(u32), sizeof(u32),
				    parse_eventmask },
	[OVS_CT_ATTR_TIMEOUT] = { 1, CTNL_TIMEOUT_NAME_MAX, parse_timeout },
};

static int parse_attrs(struct ct_parse *c, const struct nlattr *nest)
{
	const struct nlattr *a;
	int rem, err;

	nla_for_each_nested(a, nest, rem) {
		unsigned int type = nla_type(a);

		if (type > OVS_CT_ATTR_MAX || !ct_attrs[type].parse)
			return ovs_act_refuse(c->p, a, "unknown ct attribute");
		if (nla_len(a) < ct_attrs[type].min ||
		    nla_len(a) > ct_attrs[type].max)
			return ovs_act_refuse(c->p, a,
					      "ct attribute has the wrong length");
		err = ct_attrs[type].parse(c, a);
		if (err)
			return err;
	}
	if (rem)
		return ovs_act_refuse(c->p, nest, "junk behind the ct attributes");
	return 0;
}

static int check(struct ct_parse *c, const struct nlattr *attr)
{
	const struct ovs_ct_act *ct = &c->ct;

	if (ct->commit)
		return 0;
	if (ct->mark.mask)
		return ovs_act_refuse(c->p, attr, "a ct mark needs COMMIT");
	if (ct->has_labels)
		return ovs_act_refuse(c->p, attr, "ct labels need COMMIT");
	if (ct->nat > OVS_CT_NAT_FOLLOW)
		return ovs_act_refuse(c->p, attr, "NAT SRC or DST needs COMMIT");
	return 0;
}

/* Find the helper, which may mean loading its module, for the template. */
static int attach_helper(struct ct_parse *c)
{
	struct ovs_ct_act *ct = &c->ct;
	const char *name = nla_data(c->helper);
	struct nf_conn_help *help;
	int err;

	ct->helper = nf_conntrack_helper_try_module_get(name, ct->family,
							c->p->ip_proto);
	if (!ct->helper)
		return ovs_act_refuse(c->p, c->helper,
				      "no such helper for the flow's protocol");
	help = nf_ct_helper_ext_add(ct->tmpl, GFP_KERNEL);
	if (!help)
		return -ENOMEM;
	if (IS_ENABLED(CONFIG_NF_NAT) && ct->nat) {
		err = nf_nat_helper_try_module_get(name, ct->family,
						   c->p->ip_proto);
		if (err) {
			ovs_act_refuse(c->p, c->helper,
				       "the helper can't do NAT");
			return err;
		}
		ct->nat_helper = true;
	}
	rcu_assign_pointer(help->helper, ct->helper);
	return 0;
}

/* As on any kernel, a policy that does not exist, or not for this, is none. */
static void attach_timeout(struct ct_parse *c)
{
	struct ovs_ct_act *ct = &c->ct;
	const struct nf_conn_timeout *t;

	if (nf_ct_set_timeout(c->p->net, ct->tmpl, ct->family, c->p->ip_proto,
			      ct->timeout_name))
		return;
	t = nf_ct_timeout_find(ct->tmpl);
	if (t)
		ct->timeout = rcu_dereference_protected(t->timeout, true);
}

static int make_template(struct ct_parse *c)
{
	struct ovs_ct_act *ct = &c->ct;
	int err;

	ct->tmpl = nf_ct_tmpl_alloc(c->p->net, &ct->zone, GFP_KERNEL);
	if (!ct->tmpl)
		return -ENOMEM;
	if (ct->timeout_name[0])
		attach_timeout(c);
	if (c->helper) {
		err = attach_helper(c);
		if (err)
			return err;
	}
	/*
	 * To nf_conntrack: a new connection uses its expectation up.  Nothing
	 * can be attached to the template from here on.
	 */
	if (ct->commit)
		__set_bit(IPS_CONFIRMED_BIT, &ct->tmpl->status);
	return 0;
}

static void ct_free(const struct ovs_ct_act *ct)
{
	if (ct->nat_helper) {
		/* It walks an RCU list. */
		rcu_read_lock();
		nf_nat_helper_put(ct->helper);
		rcu_read_unlock();
	}
	if (ct->helper)
		nf_conntrack_helper_put(ct->helper);
	if (ct->timeout)
		nf_ct_destroy_timeout(ct->tmpl);
	if (ct->tmpl)
		nf_ct_tmpl_free(ct->tmpl);
}

/**
 * ovs_ct_act_parse - validate and compile OVS_ACTION_ATTR_CT
 * @p: compilation.
 * @attr: the action.
 *
 * Context: process; may load modules.
 * Return: 0; -EINVAL, -ERANGE, -ENOENT or -ENOMEM.
 */
int ovs_ct_act_parse(struct act_parse *p, const struct nlattr *attr)
{
	struct ct_parse c = { .p = p };
	u32 ofs;
	int err;

	if (p->eth_type == htons(ETH_P_IP))
		c.ct.family = NFPROTO_IPV4;
	else if (p->eth_type == htons(ETH_P_IPV6))
		c.ct.family = NFPROTO_IPV6;
	else
		return ovs_act_refuse(p, attr, "ct for a flow that is not IP");
	c.ct.eth_type = p->eth_type;
	nf_ct_zone_init(&c.ct.zone, NF_CT_DEFAULT_ZONE_ID,
			NF_CT_DEFAULT_ZONE_DIR, 0);
	err = parse_attrs(&c, attr) ?: check(&c, attr) ?: make_template(&c);
	if (!err)
		err = ovs_act_add(p, attr, sizeof(c.ct), &ofs);
	if (err) {
		ct_free(&c.ct);
		return err;
	}
	memcpy(ovs_act_at(p, ofs)->data, &c.ct, sizeof(c.ct));
	p->acts->has_refs = true;
	/* A dump has these even if the request had not. */
	p->acts->dump_len += nla_total_size(sizeof(u16)) +	/* ZONE */
			     nla_total_size(sizeof(struct in6_addr)) +
			     nla_total_size(sizeof(u16));	/* PROTO_MIN */
	return 0;
}

static int dump_names(struct sk_buff *msg, const struct ovs_ct_act *ct)
{
	if (ct->helper &&
	    nla_put_string(msg, OVS_CT_ATTR_HELPER, ct->helper->name))
		return -EMSGSIZE;
	if (ct->has_eventmask &&
	    nla_put_u32(msg, OVS_CT_ATTR_EVENTMASK, ct->eventmask))
		return -EMSGSIZE;
	if (ct->timeout_name[0] &&
	    nla_put_string(msg, OVS_CT_ATTR_TIMEOUT, ct->timeout_name))
		return -EMSGSIZE;
	return 0;
}

/**
 * ovs_ct_act_dump - write OVS_ACTION_ATTR_CT
 * @msg: the message.
 * @act: the record.
 *
 * Context: any in which the action can't be freed.
 * Return: 0 or -EMSGSIZE.
 */
int ovs_ct_act_dump(struct sk_buff *msg, const struct ovs_act *act)
{
	const struct ovs_ct_act *ct = (const void *)act->data;
	struct nlattr *nest = nla_nest_start_noflag(msg, OVS_ACTION_ATTR_CT);

	if (!nest)
		return -EMSGSIZE;
	if (ct->commit && nla_put_flag(msg, ct->force ?
				       OVS_CT_ATTR_FORCE_COMMIT :
				       OVS_CT_ATTR_COMMIT))
		return -EMSGSIZE;
	if (IS_ENABLED(CONFIG_NF_CONNTRACK_ZONES) &&
	    nla_put_u16(msg, OVS_CT_ATTR_ZONE, ct->zone.id))
		return -EMSGSIZE;
	if (ct->mark.mask && nla_put(msg, OVS_CT_ATTR_MARK, sizeof(ct->mark),
				     &ct->mark))
		return -EMSGSIZE;
	if (ct->has_labels && nla_put(msg, OVS_CT_ATTR_LABELS,
				      sizeof(ct->labels), &ct->labels))
		return -EMSGSIZE;
	if (dump_names(msg, ct))
		return -EMSGSIZE;
	if (ct->nat && ovs_ct_nat_dump(msg, ct))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/**
 * ovs_ct_act_free - let go of what OVS_ACTION_ATTR_CT refers to
 * @act: the record.
 *
 * Context: process; no packet can reach it.
 */
void ovs_ct_act_free(const struct ovs_act *act)
{
	ct_free((const void *)act->data);
}

/**
 * ovs_ct_clear_parse - compile OVS_ACTION_ATTR_CT_CLEAR
 * @p: compilation.
 * @attr: the action.
 *
 * Context: process.
 * Return: 0, -EINVAL or -ENOMEM.
 */
int ovs_ct_clear_parse(struct act_parse *p, const struct nlattr *attr)
{
	u32 ofs;

	return ovs_act_add(p, attr, 0, &ofs);
}
