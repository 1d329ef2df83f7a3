// SPDX-License-Identifier: GPL-2.0
/*
 * Actions that rewrite headers.  Checksums are updated incrementally (RFC
 * 1624), whatever state the packet's own checksum is in, and only for what
 * differs.
 *
 * A field of a header that the packet does not have is left alone: a program
 * before the action may have made another packet of it.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/sctp.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>
#include <net/sctp/checksum.h>

#include "actions.h"
#include "datapath.h"

#define MASKED(old, value, mask) ((value) | ((old) & ~(mask)))

/* All three are aligned to two bytes. */
static void ether_addr_masked(u8 *addr, const u8 *value, const u8 *mask)
{
	const u16 *v = (const u16 *)value, *m = (const u16 *)mask;
	u16 *a = (u16 *)addr;

	a[0] = MASKED(a[0], v[0], m[0]);
	a[1] = MASKED(a[1], v[1], m[1]);
	a[2] = MASKED(a[2], v[2], m[2]);
}

static int set_eth(struct sk_buff *skb, struct sw_flow_key *key,
		   const struct ovs_key_ethernet *value,
		   const struct ovs_key_ethernet *mask)
{
	struct ethhdr *eth;
	int err;

	err = skb_ensure_writable(skb, ETH_HLEN);
	if (unlikely(err))
		return err;
	eth = eth_hdr(skb);
	skb_postpull_rcsum(skb, eth, 2 * ETH_ALEN);
	ether_addr_masked(eth->h_source, value->eth_src, mask->eth_src);
	ether_addr_masked(eth->h_dest, value->eth_dst, mask->eth_dst);
	skb_postpush_rcsum(skb, eth, 2 * ETH_ALEN);
	ether_addr_copy(key->eth.src, eth->h_source);
	ether_addr_copy(key->eth.dst, eth->h_dest);
	return 0;
}

/* The checksum field of a transport that covers the IP addresses, or NULL. */
static __sum16 *l4_csum(struct sk_buff *skb, const struct sw_flow_key *key)
{
	unsigned int ofs = skb_transport_offset(skb);

	if (key->ip.frag == OVS_FRAG_TYPE_LATER)
		return NULL;
	switch (key->ip.proto) {
	case IPPROTO_TCP:
		if (skb_headlen(skb) >= ofs + sizeof(struct tcphdr))
			return &tcp_hdr(skb)->check;
		break;
	case IPPROTO_UDP:
		/* Zero means that there is none, RFC 768. */
		if (skb_headlen(skb) >= ofs + sizeof(struct udphdr) &&
		    (udp_hdr(skb)->check || skb->ip_summed == CHECKSUM_PARTIAL))
			return &udp_hdr(skb)->check;
		break;
	case IPPROTO_ICMPV6:
		if (key->eth.type == htons(ETH_P_IPV6) &&
		    skb_headlen(skb) >= ofs + sizeof(struct icmp6hdr))
			return &icmp6_hdr(skb)->icmp6_cksum;
		break;
	}
	return NULL;
}

static void udp_csum_nonzero(struct sk_buff *skb, const struct sw_flow_key *key,
			     __sum16 *csum)
{
	if (key->ip.proto == IPPROTO_UDP && !*csum &&
	    skb->ip_summed != CHECKSUM_PARTIAL)
		*csum = CSUM_MANGLED_0;
}

/* Make the headers up to the transport's checksum writable, if there. */
static int l3_writable(struct sk_buff *skb, unsigned int hdr_len)
{
	unsigned int len = skb_network_offset(skb) + hdr_len;

	if (skb_transport_header_was_set(skb))
		len = max_t(unsigned int, len, skb_transport_offset(skb) +
			    sizeof(struct tcphdr));
	return skb_ensure_writable(skb, min(len, skb->len));
}

static void set_ipv4_addr(struct sk_buff *skb, const struct sw_flow_key *key,
			  struct iphdr *nh, __be32 *addr, __be32 new)
{
	__sum16 *csum;

	if (*addr == new)
		return;
	csum = l4_csum(skb, key);
	if (csum) {
		inet_proto_csum_replace4(csum, skb, *addr, new, true);
		udp_csum_nonzero(skb, key, csum);
	}
	csum_replace4(&nh->check, *addr, new);
	skb_clear_hash(skb);
	*addr = new;
}

static int set_ipv4(struct sk_buff *skb, struct sw_flow_key *key,
		    const struct ovs_key_ipv4 *value,
		    const struct ovs_key_ipv4 *mask)
{
	struct iphdr *nh;
	u8 ttl;
	int err;

	if (unlikely(key->eth.type != htons(ETH_P_IP) || !key->ip.proto))
		return 0;
	err = l3_writable(skb, sizeof(*nh));
	if (unlikely(err))
		return err;
	nh = ip_hdr(skb);
	if (mask->ipv4_src) {
		set_ipv4_addr(skb, key, nh, &nh->saddr,
			      MASKED(nh->saddr, value->ipv4_src,
				     mask->ipv4_src));
		key->ipv4.src = nh->saddr;
	}
	if (mask->ipv4_dst) {
		set_ipv4_addr(skb, key, nh, &nh->daddr,
			      MASKED(nh->daddr, value->ipv4_dst,
				     mask->ipv4_dst));
		key->ipv4.dst = nh->daddr;
	}
	if (mask->ipv4_tos) {
		ipv4_change_dsfield(nh, ~mask->ipv4_tos, value->ipv4_tos);
		key->ip.tos = nh->tos;
	}
	if (mask->ipv4_ttl) {
		ttl = MASKED(nh->ttl, value->ipv4_ttl, mask->ipv4_ttl);
		csum_replace2(&nh->check, htons(nh->ttl << 8), htons(ttl << 8));
		nh->ttl = ttl;
		key->ip.ttl = ttl;
	}
	return 0;
}

/*
 * The words of an IPv6 header that no transport checksum covers, but a
 * CHECKSUM_COMPLETE of the packet does.
 */
static void rcsum_replace4(struct sk_buff *skb, __be32 from, __be32 to)
{
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		skb->csum = csum_add(csum_sub(skb->csum, (__force __wsum)from),
				     (__force __wsum)to);
}

static void set_ipv6_addr(struct sk_buff *skb, const struct sw_flow_key *key,
			  struct in6_addr *addr, const __be32 *value,
			  const __be32 *mask, bool in_csum)
{
	struct in6_addr new;
	__sum16 *csum;
	unsigned int i;

	for (i = 0; i < 4; i++)
		new.s6_addr32[i] = MASKED(addr->s6_addr32[i], value[i], mask[i]);
	if (ipv6_addr_equal(addr, &new))
		return;
	csum = in_csum ? l4_csum(skb, key) : NULL;
	if (csum) {
		inet_proto_csum_replace16(csum, skb, addr->s6_addr32,
					  new.s6_addr32, true);
		udp_csum_nonzero(skb, key, csum);
	} else {
		for (i = 0; i < 4; i++)
			rcsum_replace4(skb, addr->s6_addr32[i],
				       new.s6_addr32[i]);
	}
	skb_clear_hash(skb);
	*addr = new;
}

/*
 * Whether a routing header with segments left is before the transport: then
 * the checksum is about its last address, not the header's destination (RFC
 * 8200 8.1).
 */
static bool routing_hdr_pending(const struct sk_buff *skb)
{
	unsigned int ofs = 0;
	int flags = IP6_FH_F_SKIP_RH;

	if (!ipv6_ext_hdr(ipv6_hdr(skb)->nexthdr))
		return false;
	return ipv6_find_hdr(skb, &ofs, NEXTHDR_ROUTING, NULL, &flags) ==
	       NEXTHDR_ROUTING;
}

/* The first word: version, traffic class, flow label. */
static void set_ipv6_word0(struct sk_buff *skb, struct ipv6hdr *nh,
			   __be32 value, __be32 mask)
{
	__be32 *word = (__be32 *)nh;
	__be32 new = MASKED(*word, value, mask);

	rcsum_replace4(skb, *word, new);
	*word = new;
}

static int set_ipv6(struct sk_buff *skb, struct sw_flow_key *key,
		    const struct ovs_key_ipv6 *value,
		    const struct ovs_key_ipv6 *mask)
{
	struct ipv6hdr *nh;
	__be32 *word1;
	__be32 old;
	int err;

	if (unlikely(key->eth.type != htons(ETH_P_IPV6) || !key->ip.proto))
		return 0;
	err = l3_writable(skb, sizeof(*nh));
	if (unlikely(err))
		return err;
	nh = ipv6_hdr(skb);
	if (memchr_inv(mask->ipv6_src, 0, sizeof(mask->ipv6_src))) {
		set_ipv6_addr(skb, key, &nh->saddr, value->ipv6_src,
			      mask->ipv6_src, true);
		key->ipv6.src = nh->saddr;
	}
	if (memchr_inv(mask->ipv6_dst, 0, sizeof(mask->ipv6_dst))) {
		set_ipv6_addr(skb, key, &nh->daddr, value->ipv6_dst,
			      mask->ipv6_dst, !routing_hdr_pending(skb));
		key->ipv6.dst = nh->daddr;
	}
	if (mask->ipv6_tclass) {
		set_ipv6_word0(skb, nh, htonl(value->ipv6_tclass << 20),
			       htonl(mask->ipv6_tclass << 20));
		key->ip.tos = ipv6_get_dsfield(nh);
	}
	if (mask->ipv6_label) {
		set_ipv6_word0(skb, nh, value->ipv6_label,
			       mask->ipv6_label & htonl(0x000fffff));
		key->ipv6_label = ip6_flowlabel(nh);
	}
	if (mask->ipv6_hlimit) {
		word1 = (__be32 *)nh + 1;
		old = *word1;
		nh->hop_limit = MASKED(nh->hop_limit, value->ipv6_hlimit,
				       mask->ipv6_hlimit);
		rcsum_replace4(skb, old, *word1);
		key->ip.ttl = nh->hop_limit;
	}
	return 0;
}

static void set_port(struct sk_buff *skb, const struct sw_flow_key *key,
		     __be16 *port, __be16 new, __sum16 *csum)
{
	if (*port == new)
		return;
	if (csum) {
		inet_proto_csum_replace2(csum, skb, *port, new, false);
		udp_csum_nonzero(skb, key, csum);
	}
	*port = new;
	skb_clear_hash(skb);
}

static int set_ports(struct sk_buff *skb, struct sw_flow_key *key,
		     const struct ovs_key_tcp *value,
		     const struct ovs_key_tcp *mask, unsigned int hdr_len)
{
	unsigned int ofs = skb_transport_offset(skb);
	__sum16 *csum;
	__be16 *ports;
	int err;

	if (unlikely(skb->len < ofs + hdr_len))
		return 0;
	err = skb_ensure_writable(skb, ofs + hdr_len);
	if (unlikely(err))
		return err;
	csum = l4_csum(skb, key);
	/*
	 * With CHECKSUM_PARTIAL the field holds the pseudo header alone, which
	 * has no ports.
	 */
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		csum = NULL;
	ports = (__be16 *)skb_transport_header(skb);
	set_port(skb, key, &ports[0],
		 MASKED(ports[0], value->tcp_src, mask->tcp_src), csum);
	set_port(skb, key, &ports[1],
		 MASKED(ports[1], value->tcp_dst, mask->tcp_dst), csum);
	key->tp.src = ports[0];
	key->tp.dst = ports[1];
	return 0;
}

/*
 * SCTP's CRC-32c covers the whole packet.  An error in it must stay: so what is
 * put back is the difference between what it was and what it should have been.
 */
static int set_sctp(struct sk_buff *skb, struct sw_flow_key *key,
		    const struct ovs_key_tcp *value,
		    const struct ovs_key_tcp *mask)
{
	unsigned int ofs = skb_transport_offset(skb);
	__le32 old, should, now;
	struct sctphdr *sh;
	int err;

	if (unlikely(skb->len < ofs + sizeof(*sh)))
		return 0;
	err = skb_ensure_writable(skb, ofs + sizeof(*sh));
	if (unlikely(err))
		return err;
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		return set_ports(skb, key, value, mask, sizeof(*sh));

	old = sctp_hdr(skb)->checksum;
	should = sctp_compute_cksum(skb, ofs);
	err = set_ports(skb, key, value, mask, sizeof(*sh));
	if (err)
		return err;
	sh = sctp_hdr(skb);
	now = sctp_compute_cksum(skb, ofs);
	sh->checksum = old ^ should ^ now;
	return 0;
}

static int set_l4(struct sk_buff *skb, struct sw_flow_key *key, u32 type,
		  const struct ovs_act_set *set)
{
	const void *value = set->value, *mask = set->mask;
	static const u8 protos[] = {
		[OVS_KEY_ATTR_TCP] = IPPROTO_TCP,
		[OVS_KEY_ATTR_UDP] = IPPROTO_UDP,
		[OVS_KEY_ATTR_SCTP] = IPPROTO_SCTP,
	};

	if (unlikely((key->eth.type != htons(ETH_P_IP) &&
		      key->eth.type != htons(ETH_P_IPV6)) ||
		     key->ip.proto != protos[type] ||
		     key->ip.frag == OVS_FRAG_TYPE_LATER))
		return 0;
	if (type == OVS_KEY_ATTR_SCTP)
		return set_sctp(skb, key, value, mask);
	return set_ports(skb, key, value, mask, type == OVS_KEY_ATTR_TCP ?
			 sizeof(struct tcphdr) : sizeof(struct udphdr));
}

/**
 * ovs_exec_set - rewrite a header, or metadata
 * @skb: the packet.
 * @key: its key, up to date; changed as the packet is.
 * @type: OVS_KEY_ATTR_*, one that the validation of actions lets through.
 * @set: value and mask.
 *
 * Context: BH disabled.
 * Return: 0; -ENOMEM, then the caller drops the packet.
 */
int ovs_exec_set(struct sk_buff *skb, struct sw_flow_key *key, u32 type,
		 const struct ovs_act_set *set)
{
	const void *value = set->value, *mask = set->mask;

	switch (type) {
	case OVS_KEY_ATTR_PRIORITY:
		skb->priority = MASKED(skb->priority, *(u32 *)value,
				       *(u32 *)mask);
		key->priority = skb->priority;
		return 0;
	case OVS_KEY_ATTR_SKB_MARK:
		skb->mark = MASKED(skb->mark, *(u32 *)value, *(u32 *)mask);
		key->skb_mark = skb->mark;
		return 0;
	case OVS_KEY_ATTR_ETHERNET:
		if (key->eth.mac_proto != OVS_MAC_ETHERNET)
			return 0;
		return set_eth(skb, key, value, mask);
	case OVS_KEY_ATTR_IPV4:
		return set_ipv4(skb, key, value, mask);
	case OVS_KEY_ATTR_IPV6:
		return set_ipv6(skb, key, value, mask);
	case OVS_KEY_ATTR_MPLS:
		return ovs_set_mpls(skb, key, value, mask);
	default:
		return set_l4(skb, key, type, set);
	}
}

/**
 * ovs_push_vlan - add an outer VLAN tag
 * @skb: the packet.
 * @key: its key, up to date.
 * @tpid: type of the tag.
 * @tci: its contents, with VLAN_CFI_MASK set to say that it is there.
 *
 * Context: BH disabled.
 * Return: 0 or -ENOMEM; then the packet is to be dropped.
 */
int ovs_push_vlan(struct sk_buff *skb, struct sw_flow_key *key, __be16 tpid,
		  __be16 tci)
{
	int err;

	err = skb_vlan_push(skb, tpid, ntohs(tci) & ~VLAN_CFI_MASK);
	if (unlikely(err))
		return err;
	key->eth.cvlan = key->eth.vlan;
	key->eth.vlan.tpid = tpid;
	key->eth.vlan.tci = tci;
	return 0;
}

/**
 * ovs_pop_vlan - take the outer VLAN tag off
 * @skb: the packet.
 * @key: its key, up to date.
 *
 * Context and return value: as ovs_push_vlan().
 */
int ovs_pop_vlan(struct sk_buff *skb, struct sw_flow_key *key)
{
	int err;

	err = skb_vlan_pop(skb);
	if (unlikely(err))
		return err;
	key->eth.vlan = key->eth.cvlan;
	memset(&key->eth.cvlan, 0, sizeof(key->eth.cvlan));
	/* A third tag may have come to light. */
	if (key->eth.vlan.tci)
		OVS_CB(skb)->key_stale = true;
	return 0;
}

/**
 * ovs_vlan_inside - move a tag that a device took off back into the frame
 * @skb: the packet, about to become the payload of another.
 *
 * Context and return value: as ovs_push_vlan().
 */
int ovs_vlan_inside(struct sk_buff *skb)
{
	int err;

	if (likely(!skb_vlan_tag_present(skb)))
		return 0;
	err = __vlan_insert_tag(skb, skb->vlan_proto, skb_vlan_tag_get(skb));
	if (unlikely(err))
		return err;
	skb_postpush_rcsum(skb, skb->data + 2 * ETH_ALEN, VLAN_HLEN);
	skb->protocol = skb->vlan_proto;
	__vlan_hwaccel_clear_tag(skb);
	return 0;
}

/**
 * ovs_push_eth - put an Ethernet header before a packet that has none
 * @skb: the packet.
 * @key: its key.
 * @addrs: its addresses; its type is the packet's.
 *
 * Context and return value: as ovs_push_vlan().
 */
int ovs_push_eth(struct sk_buff *skb, struct sw_flow_key *key,
		 const struct ovs_key_ethernet *addrs)
{
	int err;

	err = skb_eth_push(skb, addrs->eth_dst, addrs->eth_src);
	if (unlikely(err))
		return err;
	key->eth.mac_proto = OVS_MAC_ETHERNET;
	OVS_CB(skb)->key_stale = true;
	return 0;
}

/**
 * ovs_pop_eth - take the Ethernet header off a packet without a VLAN tag
 * @skb: the packet.
 * @key: its key, up to date.
 *
 * Context: BH disabled.
 * Return: 0; -ENOMEM, or -EINVAL if a program has added a tag: the packet is to
 * be dropped then.
 */
int ovs_pop_eth(struct sk_buff *skb, struct sw_flow_key *key)
{
	int err;

	if (unlikely(key->eth.mac_proto != OVS_MAC_ETHERNET ||
		     key->eth.vlan.tci))
		return -EINVAL;
	err = skb_eth_pop(skb);
	if (unlikely(err))
		return err;
	key->eth.mac_proto = OVS_MAC_NONE;
	OVS_CB(skb)->key_stale = true;
	return 0;
}

static int dec_ttl_ipv4(struct sk_buff *skb, struct sw_flow_key *key)
{
	struct iphdr *nh = ip_hdr(skb);

	if (nh->ttl <= 1)
		return -EHOSTUNREACH;
	/* The header's own checksum sees to it that its sum stays. */
	ip_decrease_ttl(nh);
	key->ip.ttl = nh->ttl;
	return 0;
}

static int dec_ttl_ipv6(struct sk_buff *skb, struct sw_flow_key *key)
{
	struct ipv6hdr *nh = ipv6_hdr(skb);
	__be32 *word1 = (__be32 *)nh + 1;
	__be32 old = *word1;

	if (nh->hop_limit <= 1)
		return -EHOSTUNREACH;
	nh->hop_limit--;
	rcsum_replace4(skb, old, *word1);
	key->ip.ttl = nh->hop_limit;
	return 0;
}

/**
 * ovs_dec_ttl - make the TTL or hop limit of an IP packet one less
 * @skb: the packet; one that is not IP stays as it is.
 * @key: its key, up to date.
 *
 * Context: BH disabled.
 * Return: 0; -EHOSTUNREACH if it was 1 or 0 and is left so; -ENOMEM: the packet
 * is to be dropped.
 */
int ovs_dec_ttl(struct sk_buff *skb, struct sw_flow_key *key)
{
	bool v4 = key->eth.type == htons(ETH_P_IP);
	unsigned int end = skb_network_offset(skb) +
			   (v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	int err;

	if ((!v4 && key->eth.type != htons(ETH_P_IPV6)) ||
	    unlikely(skb->len < end))
		return 0;
	err = skb_ensure_writable(skb, end);
	if (unlikely(err))
		return err;
	return v4 ? dec_ttl_ipv4(skb, key) : dec_ttl_ipv6(skb, key);
}
