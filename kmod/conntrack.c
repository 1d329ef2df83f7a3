// SPDX-License-Identifier: GPL-2.0
/*
 * Connection tracking of packets in a datapath.
 *
 * A packet that was tracked carries its connection in skb->_nfct, and its key
 * says what conntrack thinks of it.  Tracked again in the same zone, it keeps
 * its connection; in another it leaves it.  An upcall loses skb->_nfct but not
 * the key, by which the connection is found again.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/ndisc.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_ecache.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/netfilter/nf_conntrack_l4proto.h>
#include <net/netfilter/nf_conntrack_labels.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include <net/netfilter/nf_conntrack_timeout.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "conntrack.h"
#include "datapath.h"

/* What the key says for each &enum ip_conntrack_info. */
static const u8 ct_states[IP_CT_NUMBER] = {
	[IP_CT_ESTABLISHED] = OVS_CS_F_TRACKED | OVS_CS_F_ESTABLISHED,
	[IP_CT_RELATED] = OVS_CS_F_TRACKED | OVS_CS_F_RELATED,
	[IP_CT_NEW] = OVS_CS_F_TRACKED | OVS_CS_F_NEW,
	[IP_CT_ESTABLISHED_REPLY] = OVS_CS_F_TRACKED | OVS_CS_F_ESTABLISHED |
				    OVS_CS_F_REPLY_DIR,
	[IP_CT_RELATED_REPLY] = OVS_CS_F_TRACKED | OVS_CS_F_RELATED |
				OVS_CS_F_REPLY_DIR,
};

static u8 ct_key_state(const struct nf_conn *ct, enum ip_conntrack_info ctinfo)
{
	u8 state = ctinfo < IP_CT_NUMBER ? ct_states[ctinfo] : 0;

	/* What is in no table yet is new, and a child stays one. */
	if (!nf_ct_is_confirmed(ct))
		state |= OVS_CS_F_NEW;
	if (ct->master)
		state |= OVS_CS_F_RELATED;
	return state;
}

static u32 ct_mark(const struct nf_conn *ct)
{
#if IS_ENABLED(CONFIG_NF_CONNTRACK_MARK)
	return READ_ONCE(ct->mark);
#else
	return 0;
#endif
}

static void key_set_labels(struct sw_flow_key *key, const struct nf_conn *ct)
{
	const struct nf_conn_labels *labels = nf_ct_labels_find(ct);

	BUILD_BUG_ON(sizeof(labels->bits) < sizeof(key->ct.labels));
	if (labels)
		memcpy(key->ct.labels, labels->bits, sizeof(key->ct.labels));
	else
		memset(key->ct.labels, 0, sizeof(key->ct.labels));
}

static bool key_is_nd(const struct sw_flow_key *key)
{
	return key->ip.proto == IPPROTO_ICMPV6 && !key->tp.dst &&
	       (key->tp.src == htons(NDISC_NEIGHBOUR_SOLICITATION) ||
		key->tp.src == htons(NDISC_NEIGHBOUR_ADVERTISEMENT));
}

/* The key has no original direction; where it had none, the room may be another's. */
static void key_clear_orig(struct sw_flow_key *key)
{
	if (key->ct.orig_proto)
		memset(&key->ct_orig, 0, sizeof(key->ct_orig));
	key->ct.orig_proto = 0;
	memset(&key->ct.orig_tp, 0, sizeof(key->ct.orig_tp));
}

/*
 * The original direction of the connection, of its master if it has one.  A
 * key that needs the room for something else has none.
 */
static void key_set_orig(struct sw_flow_key *key, const struct nf_conn *ct)
{
	const struct nf_conntrack_tuple *orig;

	if (ct->master)
		ct = ct->master;
	orig = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	if (key->eth.type == htons(ETH_P_IP) &&
	    nf_ct_l3num(ct) == NFPROTO_IPV4) {
		key->ct_orig.ipv4.src = orig->src.u3.ip;
		key->ct_orig.ipv4.dst = orig->dst.u3.ip;
	} else if (key->eth.type == htons(ETH_P_IPV6) &&
		   nf_ct_l3num(ct) == NFPROTO_IPV6 && !key_is_nd(key)) {
		key->ct_orig.ipv6.src = orig->src.u3.in6;
		key->ct_orig.ipv6.dst = orig->dst.u3.in6;
	} else {
		key_clear_orig(key);
		return;
	}
	key->ct.orig_proto = nf_ct_protonum(ct);
	if (key->ct.orig_proto == IPPROTO_ICMP ||
	    key->ct.orig_proto == IPPROTO_ICMPV6) {
		key->ct.orig_tp.src = htons(orig->dst.u.icmp.type);
		key->ct.orig_tp.dst = htons(orig->dst.u.icmp.code);
	} else {
		key->ct.orig_tp.src = orig->src.u.all;
		key->ct.orig_tp.dst = orig->dst.u.all;
	}
}

static void key_set_untracked(struct sw_flow_key *key, u8 state, u16 zone)
{
	key_clear_orig(key);
	memset(&key->ct, 0, sizeof(key->ct));
	key->ct.state = state;
	key->ct.zone = zone;
}

static void key_set_ct(struct sw_flow_key *key, const struct nf_conn *ct,
		       u8 state)
{
	key->ct.state = state;
	key->ct.zone = nf_ct_zone(ct)->id;
	key->ct.mark = ct_mark(ct);
	key_set_labels(key, ct);
	key_set_orig(key, ct);
}

/**
 * ovs_ct_key_fill - what the connection of a packet says into its key
 * @skb: the packet, with a connection.
 * @key: its key.
 *
 * For a packet that somebody else tracked: whether it was translated is told
 * from its connection.
 *
 * Context: RCU read side.
 */
void ovs_ct_key_fill(const struct sk_buff *skb, struct sw_flow_key *key)
{
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct = nf_ct_get(skb, &ctinfo);
	u8 state;

	if (!ct || nf_ct_is_template(ct))
		return;
	state = ct_key_state(ct, ctinfo);
	if (ct->status & IPS_SRC_NAT)
		state |= OVS_CS_F_SRC_NAT;
	if (ct->status & IPS_DST_NAT)
		state |= OVS_CS_F_DST_NAT;
	key_set_ct(key, ct, state);
}

static void ct_leave(struct sk_buff *skb)
{
	nf_ct_put((struct nf_conn *)skb_nfct(skb));
	nf_ct_set(skb, NULL, 0);
}

/*
 * Find again the connection of a packet whose key says that it was tracked in
 * this zone.  A packet that was translated since looks like the inverse of a
 * packet of the other direction.
 */
static bool ct_find_again(struct net *net, struct sk_buff *skb,
			  const struct sw_flow_key *key,
			  const struct ovs_ct_act *act)
{
	bool translated = key->ct.state & OVS_CS_F_NAT_MASK;
	enum ip_conntrack_info ctinfo = IP_CT_NEW;
	struct nf_conntrack_tuple_hash *hash;
	struct nf_conntrack_tuple tuple, seen;
	struct nf_conn *ct;
	bool reply;

	if (!(key->ct.state & OVS_CS_F_TRACKED) ||
	    key->ct.state & OVS_CS_F_INVALID ||
	    key->ct.zone != act->zone.id)
		return false;
	if (!nf_ct_get_tuplepr(skb, skb_network_offset(skb), act->family, net,
			       &seen))
		return false;
	tuple = seen;
	if (translated && !nf_ct_invert_tuple(&tuple, &seen))
		return false;
	hash = nf_conntrack_find_get(net, &act->zone, &tuple);
	if (!hash)
		return false;

	ct = nf_ct_tuplehash_to_ctrack(hash);
	reply = NF_CT_DIRECTION(hash) == IP_CT_DIR_REPLY;
	if (translated)
		reply = !reply;
	if (reply)
		ctinfo = IP_CT_ESTABLISHED_REPLY;
	else if (test_bit(IPS_SEEN_REPLY_BIT, &ct->status))
		ctinfo = IP_CT_ESTABLISHED;
	else if (test_bit(IPS_EXPECTED_BIT, &ct->status))
		ctinfo = IP_CT_RELATED;
	nf_ct_set(skb, ct, ctinfo);
	return true;
}

/* Whether an unconfirmed connection is what @act would have made. */
static bool ct_new_fits(const struct nf_conn *ct, const struct ovs_ct_act *act)
{
	if (act->helper) {
		const struct nf_conn_help *help = nfct_help(ct);

		if (help && rcu_access_pointer(help->helper) != act->helper)
			return false;
	}
	if (act->timeout) {
		const struct nf_conn_timeout *t = nf_ct_timeout_find(ct);

		if (!t || rcu_access_pointer(t->timeout) != act->timeout)
			return false;
	}
	return true;
}

static bool ct_wrong_direction(const struct ovs_ct_act *act,
			       enum ip_conntrack_info ctinfo)
{
	return unlikely(act->force) && CTINFO2DIR(ctinfo) == IP_CT_DIR_REPLY;
}

/*
 * Whether the packet has a connection, from an earlier action, that will do.  If
 * not it has none, and must be tracked.
 */
static bool ct_reuse(struct net *net, struct sk_buff *skb,
		     const struct sw_flow_key *key,
		     const struct ovs_ct_act *act)
{
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(skb, &ctinfo);

	if (!ct) {
		if (likely(!key->ct.state) ||
		    !ct_find_again(net, skb, key, act))
			return false;
		ct = nf_ct_get(skb, &ctinfo);
	}
	if (net_eq(net, nf_ct_net(ct)) && nf_ct_zone_equal_any(ct, &act->zone) &&
	    (nf_ct_is_confirmed(ct) || ct_new_fits(ct, act)) &&
	    !ct_wrong_direction(act, ctinfo))
		return true;
	if (ct_wrong_direction(act, ctinfo) && nf_ct_is_confirmed(ct) &&
	    net_eq(net, nf_ct_net(ct)) && nf_ct_zone_equal_any(ct, &act->zone))
		nf_ct_delete(ct, 0, 0);
	ct_leave(skb);
	return false;
}

/* Have nf_conntrack track the packet.  Return: an error if it says to drop it. */
static int ct_track(struct net *net, struct sk_buff *skb,
		    const struct ovs_ct_act *act)
{
	struct nf_hook_state state = {
		.hook = NF_INET_PRE_ROUTING,
		.pf = act->family,
		.net = net,
	};
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct;
	bool again = true;

repeat:
	/* nf_conntrack lets go of the template. */
	nf_conntrack_get(&act->tmpl->ct_general);
	nf_ct_set(skb, act->tmpl, IP_CT_NEW);
	if (unlikely(nf_conntrack_in(skb, &state) != NF_ACCEPT))
		return -ENOENT;

	ct = nf_ct_get(skb, &ctinfo);
	if (unlikely(!ct))
		return 0;
	if (ct_wrong_direction(act, ctinfo) && again) {
		nf_ct_delete(ct, 0, 0);
		ct_leave(skb);
		again = false;
		goto repeat;
	}
	/* Segments may pass by us, in hardware: be liberal about the window. */
	if (nf_ct_protonum(ct) == IPPROTO_TCP && nf_ct_is_confirmed(ct) &&
	    nf_conntrack_tcp_established(ct))
		nf_ct_set_tcp_be_liberal(ct);
	return 0;
}

/* Give a new connection the action's helper, if it has none. */
static int ct_assign_helper(struct nf_conn *ct, const struct ovs_ct_act *act)
{
	int err;

	if (nfct_help(ct))
		return 0;
	err = __nf_ct_try_assign_helper(ct, act->tmpl, GFP_ATOMIC);
	if (err)
		return err;
	/* Its translation may change the length of TCP segments. */
	if (act->nat && !nfct_seqadj(ct) && !nfct_seqadj_ext_add(ct))
		return -EINVAL;
	return 0;
}

/* Show the packet to the helper of its connection.  Return: NF_*. */
static int ct_help(struct sk_buff *skb, struct nf_conn *ct,
		   enum ip_conntrack_info ctinfo, u8 family)
{
	const struct nf_conn_help *help = nfct_help(ct);
	const struct nf_conntrack_helper *helper;
	int protoff, err;

	if (likely(!help) || ctinfo == IP_CT_RELATED_REPLY)
		return NF_ACCEPT;
	helper = rcu_dereference(help->helper);
	if (!helper)
		return NF_ACCEPT;

	if (family == NFPROTO_IPV4) {
		protoff = ip_hdrlen(skb);
	} else {
		u8 nexthdr = ipv6_hdr(skb)->nexthdr;
		__be16 frag_off;

		protoff = ipv6_skip_exthdr(skb, sizeof(struct ipv6hdr),
					   &nexthdr, &frag_off);
		if (protoff < 0 || frag_off & htons(IP6_OFFSET))
			return NF_ACCEPT;
	}
	err = helper->help(skb, protoff, ct, ctinfo);
	if (err != NF_ACCEPT)
		return err;
	if (test_bit(IPS_SEQ_ADJUST_BIT, &ct->status) &&
	    !nf_ct_seq_adjust(skb, ct, ctinfo, protoff))
		return NF_DROP;
	return NF_ACCEPT;
}

/*
 * Track the packet unless it is; translate it and show it to the helper, unless
 * that was done.  Both are done with a new connection only as it is committed,
 * and in this order, as the helper must know of the translation.
 */
static int ct_lookup(struct net *net, struct sk_buff *skb,
		     struct sw_flow_key *key, const struct ovs_ct_act *act)
{
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct;
	bool fresh, done;
	u8 nat = 0;
	int err;

	fresh = !ct_reuse(net, skb, key, act);
	if (fresh) {
		err = ct_track(net, skb, act);
		if (unlikely(err))
			return err;
	} else {
		nat = key->ct.state & OVS_CS_F_NAT_MASK;
	}

	ct = nf_ct_get(skb, &ctinfo);
	if (unlikely(!ct)) {
		key_set_untracked(key, OVS_CS_F_TRACKED | OVS_CS_F_INVALID,
				  act->zone.id);
		return 0;
	}
	key_set_ct(key, ct, ct_key_state(ct, ctinfo) | nat);

	done = nf_ct_is_confirmed(ct);
	if (!done && !act->commit)
		return 0;
	if (act->nat && !nat &&
	    ovs_ct_nat(skb, key, act, ct, ctinfo) != NF_ACCEPT)
		return -EINVAL;
	if (!done && act->helper) {
		err = ct_assign_helper(ct, act);
		if (err)
			return err;
	}
	if ((fresh || !done) &&
	    ct_help(skb, ct, ctinfo, act->family) != NF_ACCEPT)
		return -EINVAL;
	return 0;
}

static void ct_deliver_events(struct sk_buff *skb)
{
	struct nf_conn *ct = (struct nf_conn *)skb_nfct(skb);

	if (ct && nf_ct_ecache_exist(ct))
		nf_ct_deliver_cached_events(ct);
}

static void ct_set_mark(struct nf_conn *ct, struct sw_flow_key *key, u32 value,
			u32 mask)
{
#if IS_ENABLED(CONFIG_NF_CONNTRACK_MARK)
	u32 old = READ_ONCE(ct->mark);
	u32 new = (value & mask) | (old & ~mask);

	if (new != old) {
		WRITE_ONCE(ct->mark, new);
		if (nf_ct_is_confirmed(ct))
			nf_conntrack_event_cache(IPCT_MARK, ct);
	}
	key->ct.mark = new;
#endif
}

/*
 * A connection about to be committed takes over its master's labels, and nobody
 * else sees it yet.
 */
static int ct_init_labels(struct nf_conn *ct, const struct ovs_ct_act *act)
{
	const struct nf_conn_labels *from = NULL;
	struct nf_conn_labels *labels;
	u32 *words;
	int i;

	if (ct->master)
		from = nf_ct_labels_find(ct->master);
	if (!from && !act->has_labels)
		return 0;
	labels = nf_ct_labels_find(ct) ?: nf_ct_labels_ext_add(ct);
	if (!labels)
		return -ENOSPC;
	if (from)
		*labels = *from;
	words = (u32 *)labels->bits;
	for (i = 0; act->has_labels && i < OVS_CT_LABEL_WORDS; i++)
		words[i] = (words[i] & ~act->labels.mask[i]) |
			   (act->labels.value[i] & act->labels.mask[i]);
	/* The event of a new connection tells its labels only if they changed. */
	nf_conntrack_event_cache(IPCT_LABEL, ct);
	return 0;
}

static int ct_set_labels(struct nf_conn *ct, struct sw_flow_key *key,
			 const struct ovs_ct_act *act)
{
	u32 value[OVS_CT_LABEL_WORDS];
	int err, i;

	if (!nf_ct_is_confirmed(ct)) {
		err = ct_init_labels(ct, act);
	} else if (act->has_labels) {
		for (i = 0; i < OVS_CT_LABEL_WORDS; i++)
			value[i] = act->labels.value[i] & act->labels.mask[i];
		err = nf_connlabels_replace(ct, value, act->labels.mask,
					    OVS_CT_LABEL_WORDS);
	} else {
		return 0;
	}
	if (!err)
		key_set_labels(key, ct);
	return err;
}

static void ct_set_eventmask(struct nf_conn *ct, u32 mask)
{
	struct nf_conntrack_ecache *cache = nf_ct_ecache_find(ct);

	if (cache && cache->ctmask != (u16)mask)
		cache->ctmask = mask;
}

/* Track the packet, and enter its connection into the table. */
static int ct_commit(struct net *net, struct sk_buff *skb,
		     struct sw_flow_key *key, const struct ovs_ct_act *act)
{
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct;
	int err;

	err = ct_lookup(net, skb, key, act);
	if (unlikely(err))
		return err;
	ct = nf_ct_get(skb, &ctinfo);
	if (unlikely(!ct))
		return 0;	/* invalid: there is nothing to commit */

	if (!nf_ct_is_confirmed(ct) && ovs_ct_limit_exceeded(net, skb, act)) {
		net_warn_ratelimited("openvswitch: zone %u has as many connections as it may\n",
				     act->zone.id);
		return -ENOMEM;
	}
	if (act->has_eventmask)
		ct_set_eventmask(ct, act->eventmask);
	if (act->mark.mask)
		ct_set_mark(ct, key, act->mark.value, act->mark.mask);
	err = ct_set_labels(ct, key, act);
	if (unlikely(err))
		return err;
	/* This delivers events, too. */
	return nf_conntrack_confirm(skb) == NF_ACCEPT ? 0 : -EINVAL;
}

/* Cut off what lies behind the datagram: padding of short Ethernet frames. */
static int ct_trim(struct sk_buff *skb, u8 family)
{
	unsigned int len;

	if (skb_is_gso(skb))
		return 0;
	if (family == NFPROTO_IPV4) {
		if (!pskb_may_pull(skb, sizeof(struct iphdr)))
			return 0;
		len = ntohs(ip_hdr(skb)->tot_len);
		if (len < sizeof(struct iphdr))
			return 0;
	} else {
		if (!pskb_may_pull(skb, sizeof(struct ipv6hdr)) ||
		    !ipv6_hdr(skb)->payload_len)
			return 0;
		len = sizeof(struct ipv6hdr) +
		      ntohs(ipv6_hdr(skb)->payload_len);
	}
	return skb->len > len ? pskb_trim_rcsum(skb, len) : 0;
}

/**
 * ovs_ct_execute - run OVS_ACTION_ATTR_CT on a packet
 * @dp: the datapath.
 * @skb: the packet.
 * @key: its key, up to date; what is about conntrack is written, and addresses
 *	and ports that are translated.
 * @act: the action.
 *
 * Context: RCU read side, BH disabled.
 * Return: whether the packet goes on.  If not it is gone: dropped, or kept as a
 * fragment of a datagram that the last of its fragments will bring.
 */
bool ovs_ct_execute(const struct datapath *dp, struct sk_buff *skb,
		    struct sw_flow_key *key, const struct ovs_ct_act *act)
{
	unsigned int ofs = skb_network_offset(skb);
	struct net *net = ovs_dp_get_net(dp);
	int err;

	if (unlikely(key->eth.type != act->eth_type)) {
		/* A program made another packet of it. */
		ct_leave(skb);
		key_set_untracked(key, OVS_CS_F_TRACKED | OVS_CS_F_INVALID,
				  act->zone.id);
		return true;
	}
	/* nf_conntrack expects a packet as the IP layer has it. */
	skb_pull_rcsum(skb, ofs);
	err = ct_trim(skb, act->family);
	if (unlikely(err))
		goto drop;
	/* Of a GSO packet the key says what it will be: it is whole yet. */
	if (unlikely(key->ip.frag != OVS_FRAG_TYPE_NONE) && !skb_is_gso(skb)) {
		if (ovs_defrag(net, skb, key, act->zone.id))
			return false;
		/* The head may be another fragment's. */
		ofs = skb->data - skb_mac_header(skb);
	}

	if (act->commit) {
		err = ct_commit(net, skb, key, act);
	} else {
		err = ct_lookup(net, skb, key, act);
		if (likely(!err))
			ct_deliver_events(skb);
	}
	if (unlikely(err))
		goto drop;
	skb_push_rcsum(skb, ofs);
	return true;

drop:
	ovs_drop(dp, skb, OVS_DROP_ATTR_CONNTRACK);
	return false;
}

/**
 * ovs_ct_clear - run OVS_ACTION_ATTR_CT_CLEAR on a packet
 * @skb: the packet; it leaves its connection.
 * @key: its key; made that of a packet that was never tracked.
 *
 * Context: RCU read side.
 */
void ovs_ct_clear(struct sk_buff *skb, struct sw_flow_key *key)
{
	ct_leave(skb);
	key_set_untracked(key, 0, 0);
}

/**
 * ovs_ct_net_init - prepare a namespace
 * @net: the namespace.
 *
 * From here on its connections have room for labels.
 *
 * Context: process.
 * Return: 0.
 */
int ovs_ct_net_init(struct net *net)
{
	struct ovs_net *ovs_net = net_generic(net, ovs_net_id);

	ovs_net->ct_labels = IS_ENABLED(CONFIG_NF_CONNTRACK_LABELS) &&
		!nf_connlabels_get(net, sizeof(struct ovs_key_ct_labels) * 8 - 1);
	return 0;
}

/* Context: process; the namespace has no datapaths any more. */
void ovs_ct_net_exit(struct net *net)
{
	struct ovs_net *ovs_net = net_generic(net, ovs_net_id);

	ovs_ct_limit_net_exit(net);
	if (ovs_net->ct_labels)
		nf_connlabels_put(net);
}
