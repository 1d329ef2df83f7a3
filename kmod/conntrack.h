/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connection tracking: what the kernel's nf_conntrack knows of a packet, for
 * flows to match on, and the actions that ask it and tell it.
 *
 *	conntrack.c		tracking, commit, what the key says
 *	conntrack_nat.c		address translation
 *	conntrack_netlink.c	OVS_ACTION_ATTR_CT between netlink and compiled form
 *	ct_limit.c		family ovs_ct_limit
 *	fragment.c		datagrams from fragments, and fragments from those
 */
#ifndef OVS_CONNTRACK_H
#define OVS_CONNTRACK_H 1

#include <linux/kconfig.h>
#include <linux/skbuff.h>
#include <net/net_namespace.h>
#include <uapi/linux/openvswitch.h>

#if IS_ENABLED(CONFIG_NF_CONNTRACK)
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_timeout.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include <uapi/linux/netfilter/nf_nat.h>
#endif

#include "flow.h"

struct act_parse;
struct nlattr;
struct ovs_act;
struct datapath;
struct vport;

/* Words of conntrack labels. */
#define OVS_CT_LABEL_WORDS OVS_CT_LABELS_LEN_32

#if IS_ENABLED(CONFIG_NF_CONNTRACK)

/**
 * enum ovs_ct_nat_type - what OVS_CT_ATTR_NAT asks for
 * @OVS_CT_NAT_NONE: no translation.
 * @OVS_CT_NAT_FOLLOW: translate packets of connections that are translated.
 * @OVS_CT_NAT_SRC: besides, translate the source of new connections.
 * @OVS_CT_NAT_DST: likewise the destination.
 */
enum ovs_ct_nat_type {
	OVS_CT_NAT_NONE,
	OVS_CT_NAT_FOLLOW,
	OVS_CT_NAT_SRC,
	OVS_CT_NAT_DST,
};

/**
 * struct ovs_ct_act - OVS_ACTION_ATTR_CT, compiled
 * @tmpl: what nf_conntrack makes new connections after: zone, helper, timeout
 *	policy.
 * @helper: its helper, a reference, or NULL.
 * @timeout: its timeout policy, or NULL; @tmpl holds the reference.
 * @zone: where to look.
 * @eth_type: ETH_P_IP or ETH_P_IPV6: of the packets that it is for.
 * @family: NFPROTO_* of that.
 * @nat: &enum ovs_ct_nat_type.
 * @commit: enter the connection into the table.
 * @force: and make it one whose original direction is this packet's.
 * @has_eventmask: whether @eventmask was given.
 * @has_labels: whether @labels was given.
 * @nat_helper: whether the helper's NAT module is held.
 * @eventmask: IPCT_* to report.
 * @mark: value, and mask of the bits to set; none if that is 0.
 * @labels: likewise.
 * @range: addresses and ports to translate to.
 * @timeout_name: as given, be it unknown; "": none.
 */
struct ovs_ct_act {
	struct nf_conn *tmpl;
	struct nf_conntrack_helper *helper;
	struct nf_ct_timeout *timeout;
	struct nf_conntrack_zone zone;
	__be16 eth_type;
	u8 family;
	u8 nat;
	bool commit;
	bool force;
	bool has_eventmask;
	bool has_labels;
	bool nat_helper;
	u32 eventmask;
	struct {
		u32 value;
		u32 mask;
	} mark;
	struct {
		u32 value[OVS_CT_LABEL_WORDS];
		u32 mask[OVS_CT_LABEL_WORDS];
	} labels;
	struct nf_nat_range2 range;
	char timeout_name[CTNL_TIMEOUT_NAME_MAX];
};

/* conntrack.c */
bool ovs_ct_execute(const struct datapath *dp, struct sk_buff *skb,
		    struct sw_flow_key *key, const struct ovs_ct_act *act);
void ovs_ct_clear(struct sk_buff *skb, struct sw_flow_key *key);
void ovs_ct_key_fill(const struct sk_buff *skb, struct sw_flow_key *key);
int ovs_ct_net_init(struct net *net);
void ovs_ct_net_exit(struct net *net);

/* conntrack_nat.c */
int ovs_ct_nat_parse(struct ovs_ct_act *ct, const struct nlattr *attr,
		     const char **why);
int ovs_ct_nat_dump(struct sk_buff *msg, const struct ovs_ct_act *ct);
int ovs_ct_nat(struct sk_buff *skb, struct sw_flow_key *key,
	       const struct ovs_ct_act *act, struct nf_conn *ct,
	       enum ip_conntrack_info ctinfo);

/* conntrack_netlink.c */
int ovs_ct_act_parse(struct act_parse *p, const struct nlattr *attr);
int ovs_ct_act_dump(struct sk_buff *msg, const struct ovs_act *act);
void ovs_ct_act_free(const struct ovs_act *act);
int ovs_ct_clear_parse(struct act_parse *p, const struct nlattr *attr);

/* fragment.c */
int ovs_defrag(struct net *net, struct sk_buff *skb, struct sw_flow_key *key,
	       u16 zone);
void ovs_fragment(struct vport *vport, struct sk_buff *skb, u16 mru,
		  const struct sw_flow_key *key);

/**
 * ovs_ct_key_received - what conntrack said of a packet before we received it
 * @skb: the packet: from an internal port, the host may have tracked it.
 * @key: its key; nothing but what is about conntrack is written.
 *
 * Context: RCU read side.
 */
static inline void ovs_ct_key_received(const struct sk_buff *skb,
				       struct sw_flow_key *key)
{
	if (unlikely(skb_nfct(skb)))
		ovs_ct_key_fill(skb, key);
}

#else

static inline void ovs_ct_key_received(const struct sk_buff *skb,
				       struct sw_flow_key *key)
{
}

static inline int ovs_ct_net_init(struct net *net)
{
	return 0;
}

static inline void ovs_ct_net_exit(struct net *net)
{
}

static inline void ovs_fragment(struct vport *vport, struct sk_buff *skb,
				u16 mru, const struct sw_flow_key *key)
{
	kfree_skb(skb);
}

#endif /* CONFIG_NF_CONNTRACK */

/* ct_limit.c */
#if IS_ENABLED(CONFIG_NF_CONNTRACK) && IS_ENABLED(CONFIG_NETFILTER_CONNCOUNT)
struct ovs_ct_limits;

extern struct genl_family ovs_ct_limit_genl_family;

bool ovs_ct_limit_exceeded(struct net *net, const struct sk_buff *skb,
			   const struct ovs_ct_act *act);
void ovs_ct_limit_net_exit(struct net *net);
#elif IS_ENABLED(CONFIG_NF_CONNTRACK)
static inline bool ovs_ct_limit_exceeded(struct net *net,
					 const struct sk_buff *skb,
					 const struct ovs_ct_act *act)
{
	return false;
}

static inline void ovs_ct_limit_net_exit(struct net *net)
{
}
#endif

#endif /* OVS_CONNTRACK_H */
