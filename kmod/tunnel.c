// SPDX-License-Identifier: GPL-2.0
/*
 * Between the kernel's description of a tunnel and that in a flow key.
 */
#include <net/dst_cache.h>

#include "compat/compat.h"
#include "tunnel.h"

static_assert(ovs_tun_flag_is(OVS_TUN_CSUM, CSUM));
static_assert(ovs_tun_flag_is(OVS_TUN_KEY, KEY));
static_assert(ovs_tun_flag_is(OVS_TUN_DF, DONT_FRAGMENT));
static_assert(ovs_tun_flag_is(OVS_TUN_OAM, OAM));
static_assert(ovs_tun_flag_is(OVS_TUN_CRIT_OPT, CRIT_OPT));
static_assert(ovs_tun_flag_is(OVS_TUN_GENEVE_OPT, GENEVE_OPT));
static_assert(ovs_tun_flag_is(OVS_TUN_VXLAN_OPT, VXLAN_OPT));
static_assert(ovs_tun_flag_is(OVS_TUN_ERSPAN_OPT, ERSPAN_OPT));

/**
 * ovs_tun_key_get - put the tunnel that a packet came by into its key
 * @key: tun_proto and tun are set.  Behind the options there are zeros up to the
 *	end of the word and of the second word, and nothing reads on from there:
 *	a mask covers a longer option only if it has that length too.
 * @info: the tunnel.
 *
 * Context: any.
 */
void ovs_tun_key_get(struct sw_flow_key *key, const struct ip_tunnel_info *info)
{
	const struct ip_tunnel_key *from = &info->key;
	struct ovs_tun_key *tun = &key->tun;
	unsigned int len = 0;

	BUILD_BUG_ON(IP_TUNNEL_OPTS_MAX > sizeof(tun->opts));

	tun->id = from->tun_id;
	if (ip_tunnel_info_af(info) == AF_INET) {
		key->tun_proto = AF_INET;
		memset(&tun->ipv6, 0, sizeof(tun->ipv6));
		tun->ipv4.src = from->u.ipv4.src;
		tun->ipv4.dst = from->u.ipv4.dst;
	} else {
		key->tun_proto = AF_INET6;
		tun->ipv6.src = from->u.ipv6.src;
		tun->ipv6.dst = from->u.ipv6.dst;
	}
	tun->tp_src = from->tp_src;
	tun->tp_dst = from->tp_dst;
	tun->flags = ovs_tun_flags_get(from) & OVS_TUN_WIRE;
	tun->tos = from->tos;
	tun->ttl = from->ttl;
	memset(tun->pad, 0, sizeof(tun->pad));

	memset(tun->opts, 0, 2 * sizeof(u64));
	if (tun->flags & OVS_TUN_OPTS && info->options_len) {
		len = info->options_len;
		memset(tun->opts + round_down(len, sizeof(u64)), 0,
		       sizeof(u64));
		memcpy(tun->opts,
		       ip_tunnel_info_opts((struct ip_tunnel_info *)info), len);
	}
	tun->opts_len = len;
}

/**
 * ovs_tun_dst_alloc - what a packet carries to a tunnel device to be sent
 * @key: tun_proto and tun say how.
 *
 * Context: process.
 * Return: the destination, one reference, or NULL if there is no memory.
 */
struct metadata_dst *ovs_tun_dst_alloc(const struct sw_flow_key *key)
{
	const struct ovs_tun_key *tun = &key->tun;
	struct ip_tunnel_info *info;
	struct metadata_dst *dst;
	struct ip_tunnel_key *to;

	dst = metadata_dst_alloc(tun->opts_len, METADATA_IP_TUNNEL, GFP_KERNEL);
	if (!dst)
		return NULL;
	info = &dst->u.tun_info;
	if (dst_cache_init(&info->dst_cache, GFP_KERNEL)) {
		dst_release(&dst->dst);
		return NULL;
	}
	to = &info->key;
	info->mode = IP_TUNNEL_INFO_TX;
	if (key->tun_proto == AF_INET6) {
		info->mode |= IP_TUNNEL_INFO_IPV6;
		to->u.ipv6.src = tun->ipv6.src;
		to->u.ipv6.dst = tun->ipv6.dst;
	} else {
		to->u.ipv4.src = tun->ipv4.src;
		to->u.ipv4.dst = tun->ipv4.dst;
	}
	if (tun->flags & OVS_TUN_BRIDGE)
		info->mode |= IP_TUNNEL_INFO_BRIDGE;
	to->tun_id = tun->id;
	ovs_tun_flags_set(to, tun->flags & OVS_TUN_WIRE);
	to->tos = tun->tos;
	to->ttl = tun->ttl;
	to->tp_src = tun->tp_src;
	to->tp_dst = tun->tp_dst;
	info->options_len = tun->opts_len;
	unsafe_memcpy(ip_tunnel_info_opts(info), tun->opts, tun->opts_len,
		      /* behind info, where metadata_dst_alloc() has made room */);
	return dst;
}
