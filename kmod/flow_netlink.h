/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between netlink attributes and keys, masks and actions.
 */
#ifndef OVS_FLOW_NETLINK_H
#define OVS_FLOW_NETLINK_H 1

#include <linux/netlink.h>
#include <net/netlink.h>

#include "actions.h"
#include "flow.h"

/* keys and masks: flow_netlink.c */
size_t ovs_key_attr_size(bool tunnel);
int ovs_key_attr_len(unsigned int type);
void ovs_key_attrs_setup(void);

int ovs_nla_get_match(struct sw_flow_key *key, struct sw_flow_key *mask,
		      const struct nlattr *nla_key,
		      const struct nlattr *nla_mask,
		      struct netlink_ext_ack *extack);
int ovs_nla_get_metadata(struct sw_flow_key *key, const struct nlattr *attr,
			 struct netlink_ext_ack *extack);
int ovs_nla_get_used(struct sw_flow_key *used, const struct nlattr *attr,
		     struct netlink_ext_ack *extack);
void ovs_key_from_attr(struct sw_flow_key *key, unsigned int type,
		       const void *data);

int ovs_nla_put_key_nest(struct sk_buff *msg, int attr,
			 const struct sw_flow_key *key);
int ovs_nla_put_mask_nest(struct sk_buff *msg, int attr,
			  const struct sw_flow_key *key,
			  const struct sw_flow_key *mask);

/* actions: action_netlink.c */
struct sw_flow_actions *ovs_acts_parse(struct net *net,
				       const struct nlattr *attr,
				       const struct sw_flow_key *key,
				       struct netlink_ext_ack *extack);
size_t ovs_acts_dump_size(const struct sw_flow_actions *acts);
int ovs_nla_put_acts_nest(struct sk_buff *msg, int attr,
			  const struct sw_flow_actions *acts);
void ovs_acts_free(struct sw_flow_actions *acts);
void ovs_acts_free_rcu(struct sw_flow_actions *acts);

#endif /* OVS_FLOW_NETLINK_H */
