/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between kernels in counting connections and in routes
 * (compat/features.mk).
 */
#ifndef OVS_COMPAT_CONNTRACK_H
#define OVS_COMPAT_CONNTRACK_H 1

#include <net/dst.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_count.h>
#include <net/netfilter/nf_conntrack_zones.h>

/*
 * Until Linux 6.12, who counts connections had nf_conntrack's hooks registered
 * by that.
 */
#ifdef HAVE_CONNCOUNT_INIT_FAMILY
static inline struct nf_conncount_data *ovs_conncount_init(struct net *net,
							   unsigned int keylen)
{
	return nf_conncount_init(net, NFPROTO_INET, keylen);
}

static inline void ovs_conncount_destroy(struct net *net,
					 struct nf_conncount_data *data)
{
	nf_conncount_destroy(net, NFPROTO_INET, data);
}
#else
#define ovs_conncount_init nf_conncount_init
#define ovs_conncount_destroy nf_conncount_destroy
#endif

/*
 * Count the connection of @skb under @key, and how many are under it.  Newer
 * kernels take the connection from the packet.
 */
static inline unsigned int
ovs_conncount_add(struct net *net, const struct sk_buff *skb, u16 family,
		  struct nf_conncount_data *data, const u32 *key,
		  const struct nf_conntrack_zone *zone)
{
#ifdef HAVE_CONNCOUNT_COUNT_SKB
	return nf_conncount_count_skb(net, skb, family, data, key);
#else
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct = nf_ct_get(skb, &ctinfo);

	return nf_conncount_count(net, data, key,
				  nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL), zone);
#endif
}

/* How many connections are under @key. */
static inline unsigned int
ovs_conncount_get(struct net *net, struct nf_conncount_data *data,
		  const u32 *key, const struct nf_conntrack_zone *zone)
{
#ifdef HAVE_CONNCOUNT_COUNT_SKB
	return nf_conncount_count_skb(net, NULL, 0, data, key);
#else
	return nf_conncount_count(net, data, key, NULL, zone);
#endif
}

/* A route of nobody's, without a device, with one reference. */
static inline void ovs_dst_init(struct dst_entry *dst, struct dst_ops *ops)
{
#ifdef HAVE_DST_INIT_REF
	dst_init(dst, ops, NULL, 1, DST_OBSOLETE_NONE, DST_NOCOUNT);
#else
	dst_init(dst, ops, NULL, DST_OBSOLETE_NONE, DST_NOCOUNT);
#endif
}

#endif /* OVS_COMPAT_CONNTRACK_H */
