// SPDX-License-Identifier: GPL-2.0
/*
 * Conntrack sees whole datagrams: fragments are held back until all are there.
 * What was put together so leaves in fragments again, of the size in which it
 * came.
 */
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <net/mpls.h>
#include <linux/netfilter_ipv6.h>
#include <net/dst.h>
#include <net/ip.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/ipv6_frag.h>
#include <net/route.h>
#include <net/netfilter/ipv6/nf_defrag_ipv6.h>

#include "compat/conntrack.h"
#include "conntrack.h"
#include "datapath.h"
#include "vport.h"

/* Bytes ahead of the IP header: Ethernet, two tags, MPLS labels, and more. */
#define L2_MAX 64

/* Offsets of fragments count by so many bytes. */
#define FRAG_MIN 8

/**
 * struct refrag - a datagram on its way out in fragments
 * @rt: as the route of an IPv4 datagram.
 * @rt6: as that of an IPv6 datagram.
 * @dst: common to both: by it, output finds this.
 * @vport: the port.
 * @mtu: of its device, as it was to begin with.
 * @refdst: the packet's own skb->_skb_refdst.
 * @cb: its control block.
 * @vlan_tci: its tag, if @tagged.
 * @vlan_proto: see there.
 * @tagged: whether the tag is not in the frame.
 * @protocol: its skb->protocol.
 * @inner_protocol: its skb->inner_protocol; 0: none.
 * @inner_ofs: where that header begins.
 * @net_ofs: where skb->network_header is.
 * @mac_proto: &enum ovs_mac_proto.
 * @mac_len: its skb->mac_len.
 * @l2_len: bytes of @l2.
 * @l2: what is ahead of the IP header.
 */
struct refrag {
	union {
		struct rtable rt;
		struct rt6_info rt6;
		struct dst_entry dst;
	};
	struct vport *vport;
	unsigned int mtu;
	unsigned long refdst;
	struct ovs_skb_cb cb;
	u16 vlan_tci;
	__be16 vlan_proto;
	__be16 protocol;
	__be16 inner_protocol;
	u8 inner_ofs;
	u8 net_ofs;
	bool tagged;
	u8 mac_proto;
	u8 mac_len;
	u8 l2_len;
	u8 l2[L2_MAX];
};

static int defrag4(struct net *net, struct sk_buff *skb, u16 zone, u16 *max)
{
	int err;

	memset(IPCB(skb), 0, sizeof(struct inet_skb_parm));
	err = ip_defrag(net, skb, IP_DEFRAG_CONNTRACK_IN + zone);
	if (!err)
		*max = IPCB(skb)->frag_max_size;
	return err;
}

static int defrag6(struct net *net, struct sk_buff *skb, u16 zone, u16 *max)
{
#if IS_ENABLED(CONFIG_NF_DEFRAG_IPV6)
	int err;

	memset(IP6CB(skb), 0, sizeof(struct inet6_skb_parm));
	err = nf_ct_frag6_gather(net, skb, IP6_DEFRAG_CONNTRACK_IN + zone);
	if (!err)
		*max = IP6CB(skb)->frag_max_size;
	else if (err != -EINPROGRESS)
		kfree_skb(skb);
	return err;
#else
	return 0;
#endif
}

/**
 * ovs_defrag - put a datagram together
 * @net: the datapath's namespace.
 * @skb: a fragment, data at its network header, nothing behind the datagram.
 * @key: its key; if the datagram is complete, made the datagram's.
 * @zone: fragments of different zones don't mix.
 *
 * The largest fragment's size is left in ovs_skb_cb.mru.  How much is held back
 * and for how long is bounded by the kernel's ipfrag_* settings.
 *
 * Context: RCU read side, BH disabled.
 * Return: 0 if @skb is now the whole datagram, or a fragment that the kernel
 * won't hold; else it is gone.
 */
int ovs_defrag(struct net *net, struct sk_buff *skb, struct sw_flow_key *key,
	       u16 zone)
{
	struct ovs_skb_cb saved = *OVS_CB(skb);
	unsigned int ofs;
	u16 max = 0;
	int err;

	/* What waits holds on to no connection and no socket. */
	nf_reset_ct(skb);
	skb_orphan(skb);
	if (key->eth.type == htons(ETH_P_IP))
		err = defrag4(net, skb, zone, &max);
	else
		err = defrag6(net, skb, zone, &max);
	if (err)
		return err;

	*OVS_CB(skb) = saved;
	if (!max)
		return 0;
	OVS_CB(skb)->mru = max;
	skb->ignore_df = 1;
	skb_clear_hash(skb);
	/*
	 * Its head is the first fragment's: its link layer may be longer than that
	 * of the last to come, of which the key is, or of another kind.
	 */
	ofs = skb->data - skb_mac_header(skb);
	err = -EINVAL;
	if (likely((key->eth.mac_proto == OVS_MAC_ETHERNET) ==
		   (ofs >= ETH_HLEN))) {
		skb_push_rcsum(skb, ofs);
		err = ovs_flow_key_update(skb, key);
	}
	if (unlikely(err)) {
		kfree_skb(skb);
		return err;
	}
	skb_pull_rcsum(skb, skb_network_offset(skb));
	return 0;
}

/* The MTU of the stand-in for a route. */
static unsigned int refrag_mtu(const struct dst_entry *dst)
{
	return container_of(dst, struct refrag, dst)->mtu;
}

static struct dst_ops refrag_ops4 = {
	.family = AF_INET,
	.mtu = refrag_mtu,
};

static struct dst_ops refrag_ops6 = {
	.family = AF_INET6,
	.mtu = refrag_mtu,
};

/* A fragment is ready: give it back what the datagram had, and send it. */
static int refrag_output(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	const struct refrag *r = container_of(skb_dst(skb), struct refrag, dst);
	int err;

	skb_dst_drop(skb);
	if (r->refdst)
		__skb_dst_copy(skb, r->refdst);
	*OVS_CB(skb) = r->cb;
	err = skb_cow_head(skb, r->l2_len);
	if (unlikely(err)) {
		kfree_skb(skb);
		return err;
	}
	/* A sum over all that was received does not hold any more. */
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		skb->ip_summed = CHECKSUM_NONE;
	memcpy(__skb_push(skb, r->l2_len), r->l2, r->l2_len);
	skb_reset_mac_header(skb);
	skb->mac_len = r->mac_len;
	skb_set_network_header(skb, r->net_ofs);
	skb->protocol = r->protocol;
	if (r->inner_protocol) {
		skb_set_inner_protocol(skb, r->inner_protocol);
		skb_set_inner_network_header(skb, r->inner_ofs);
	}
	if (r->tagged)
		__vlan_hwaccel_put_tag(skb, r->vlan_proto, r->vlan_tci);
	else
		__vlan_hwaccel_clear_tag(skb);
	ovs_vport_send(r->vport, skb, r->mac_proto);
	return 0;
}

/* Put aside what the IP layer does not keep; leave @skb at the IP header. */
static void refrag_begin(struct refrag *r, struct vport *vport,
			 struct sk_buff *skb, unsigned int l2_len,
			 const struct sw_flow_key *key, bool v4)
{
	memset(r, 0, offsetof(struct refrag, l2));
	/* The one reference is ours: it is never released, as @r is no heap's. */
	ovs_dst_init(&r->dst, v4 ? &refrag_ops4 : &refrag_ops6);
	r->dst.dev = vport->dev;
	r->vport = vport;
	r->mtu = READ_ONCE(vport->dev->mtu);
	r->refdst = skb->_skb_refdst;
	r->cb = *OVS_CB(skb);
	r->cb.mru = 0;
	r->vlan_tci = skb->vlan_tci;
	r->vlan_proto = skb->vlan_proto;
	r->tagged = skb_vlan_tag_present(skb);
	r->protocol = skb->protocol;
	r->net_ofs = skb_network_offset(skb);
	if (eth_p_mpls(key->eth.type)) {
		r->inner_protocol = skb->inner_protocol;
		r->inner_ofs = l2_len;
	}
	r->mac_proto = key->eth.mac_proto;
	r->mac_len = skb->mac_len;
	r->l2_len = l2_len;
	memcpy(r->l2, skb->data, l2_len);

	__skb_pull(skb, l2_len);
	skb_reset_network_header(skb);
	/* The IP layer works on the inner packet, as if it was alone. */
	if (r->inner_protocol)
		skb->protocol = r->inner_protocol;
	__vlan_hwaccel_clear_tag(skb);
	skb->dev = vport->dev;
	skb->ignore_df = 1;
	skb->_skb_refdst = 0;
	skb_dst_set_noref(skb, &r->dst);
}

static void refrag4(struct net *net, struct sk_buff *skb, u16 mru)
{
	memset(IPCB(skb), 0, sizeof(struct inet_skb_parm));
	IPCB(skb)->frag_max_size = mru;
	/* Options that are for the first fragment only are told by this. */
	IPCB(skb)->opt.optlen = ip_hdrlen(skb) - sizeof(struct iphdr);
	if (ip_hdr(skb)->frag_off & htons(IP_DF))
		IPCB(skb)->flags |= IPSKB_FRAG_PMTU;
	ip_do_fragment(net, skb->sk, skb, refrag_output);
}

static void refrag6(struct net *net, struct sk_buff *skb, u16 mru)
{
	const struct nf_ipv6_ops *ops = nf_get_ipv6_ops();

	memset(IP6CB(skb), 0, sizeof(struct inet6_skb_parm));
	IP6CB(skb)->frag_max_size = mru;
	if (likely(ops))
		ops->fragment(net, skb->sk, skb, refrag_output);
	else
		kfree_skb(skb);
}

/*
 * Whether the IP layer can be given what stands there: it takes the header for
 * checked, but userspace or a program may have written it.
 */
static bool header_sound(struct sk_buff *skb, unsigned int ofs, bool v4)
{
	const struct iphdr *iph;

	if (!pskb_may_pull(skb, ofs + (v4 ? sizeof(struct iphdr) :
					    sizeof(struct ipv6hdr))))
		return false;
	iph = (const struct iphdr *)(skb->data + ofs);
	if (!v4)
		return iph->version == 6;
	return iph->version == 4 && iph->ihl >= 5 &&
	       pskb_may_pull(skb, ofs + iph->ihl * 4);
}

/**
 * ovs_fragment - send a datagram to a port, in fragments
 * @vport: the port.
 * @skb: the datagram, data at the link layer; taken over.
 * @mru: bytes of the largest fragment, IP header included.
 * @key: its key, up to date.
 *
 * Context: RCU read side, BH disabled.
 */
void ovs_fragment(struct vport *vport, struct sk_buff *skb, u16 mru,
		  const struct sw_flow_key *key)
{
	struct net *net = ovs_dp_get_net(vport->dp);
	unsigned int l2_len = skb_network_offset(skb);
	__be16 type = key->eth.type;
	unsigned long refdst;
	struct refrag r;
	bool v4;

	if (eth_p_mpls(type)) {
		type = skb->inner_protocol;
		l2_len = skb_inner_network_offset(skb);
	}
	v4 = type == htons(ETH_P_IP);
	if (unlikely(l2_len > L2_MAX)) {
		ovs_drop(vport->dp, skb, OVS_DROP_ATTR_FRAG_L2_TOO_LONG);
		return;
	}
	if (unlikely(mru > READ_ONCE(vport->dev->mtu))) {
		kfree_skb_reason(skb, SKB_DROP_REASON_PKT_TOO_BIG);
		return;
	}
	if (unlikely((!v4 && type != htons(ETH_P_IPV6)) ||
		     !header_sound(skb, l2_len, v4))) {
		ovs_drop(vport->dp, skb, OVS_DROP_ATTR_FRAG_INVALID_PROTO);
		return;
	}
	/* A fragment of no bytes would have no end; not every kernel looks. */
	if (unlikely(v4 && mru < FRAG_MIN +
			       ((struct iphdr *)(skb->data + l2_len))->ihl * 4)) {
		kfree_skb_reason(skb, SKB_DROP_REASON_PKT_TOO_BIG);
		return;
	}
	refdst = skb->_skb_refdst;
	refrag_begin(&r, vport, skb, l2_len, key, v4);
	if (v4)
		refrag4(net, skb, mru);
	else
		refrag6(net, skb, mru);
	if (refdst)
		refdst_drop(refdst);
}
