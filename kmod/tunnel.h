/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between the kernel's description of a tunnel and that in a flow key.
 */
#ifndef OVS_TUNNEL_H
#define OVS_TUNNEL_H 1

#include <net/dst_metadata.h>
#include <net/ip_tunnels.h>

#include "flow.h"

void ovs_tun_key_get(struct sw_flow_key *key,
		     const struct ip_tunnel_info *info);
struct metadata_dst *ovs_tun_dst_alloc(const struct sw_flow_key *key);

/* tunnel_netlink.c */
struct netlink_ext_ack;
struct nlattr;

struct metadata_dst *ovs_tun_set_parse(const struct nlattr *nla,
				       struct netlink_ext_ack *extack);
int ovs_tun_put_info(struct sk_buff *msg, int attr,
		     const struct ip_tunnel_info *info);
size_t ovs_tun_size(void);

#endif /* OVS_TUNNEL_H */
