// SPDX-License-Identifier: GPL-2.0
/*
 * Flow key extraction.
 *
 * A header that is malformed or cut short is not an error: its fields stay
 * zero and the walk ends there, so that a flow can match the packet for what
 * can be told of it.
 */
#include <linux/etherdevice.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/llc.h>
#include <linux/sctp.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/mpls.h>
#include <net/ndisc.h>
#include <net/nsh.h>

#include "compat/compat.h"
#include "flow.h"
#include "tunnel.h"

/* MPLS labels that are walked in search of what is below them. */
#define MAX_MPLS_WALK 16

/*
 * OXM_OF_IPV6_EXTHDR of OpenFlow 1.3, 7.2.3.8.  ESP is not looked for.
 */
enum ipv6_exthdr_flags {
	EXTHDR_NONEXT	= BIT(0),
	EXTHDR_AUTH	= BIT(2),
	EXTHDR_DEST	= BIT(3),
	EXTHDR_FRAG	= BIT(4),
	EXTHDR_ROUTER	= BIT(5),
	EXTHDR_HOP	= BIT(6),
	EXTHDR_UNREP	= BIT(7),	/* unexpected repetition */
	EXTHDR_UNSEQ	= BIT(8),	/* unexpected sequence */
};

/* IEEE 802.2 LLC with SNAP, as it carries Ethernet types. */
struct llc_snap {
	u8 dsap;
	u8 ssap;
	u8 ctrl;
	u8 oui[3];
	__be16 ethertype;
} __packed;

static bool pull(struct sk_buff *skb, unsigned int len)
{
	return likely(pskb_may_pull(skb, len));
}

static void extract_tcp(struct sk_buff *skb, struct sw_flow_key *key,
			unsigned int ofs)
{
	const struct tcphdr *tcp;

	if (!pull(skb, ofs + sizeof(*tcp)))
		return;
	tcp = tcp_hdr(skb);
	if (unlikely(tcp->doff < 5 || skb->len < ofs + tcp->doff * 4))
		return;
	key->tp.src = tcp->source;
	key->tp.dst = tcp->dest;
	key->tp_flags = *(__be16 *)&tcp_flag_word(tcp) & htons(0x0fff);
}

static void extract_ports(struct sk_buff *skb, struct sw_flow_key *key,
			  unsigned int ofs, unsigned int hdr_len)
{
	const __be16 *ports;

	if (!pull(skb, ofs + hdr_len))
		return;
	ports = (const __be16 *)skb_transport_header(skb);
	key->tp.src = ports[0];
	key->tp.dst = ports[1];
}

static void extract_icmp(struct sk_buff *skb, struct sw_flow_key *key,
			 unsigned int ofs)
{
	const struct icmphdr *icmp;

	if (!pull(skb, ofs + sizeof(*icmp)))
		return;
	icmp = icmp_hdr(skb);
	key->tp.src = htons(icmp->type);
	key->tp.dst = htons(icmp->code);
}

/* One link-layer address option of ND, RFC 4861 4.6.1; at most one of a kind. */
static bool nd_lladdr(u8 *lladdr, const struct nd_opt_hdr *opt)
{
	if (!is_zero_ether_addr(lladdr))
		return false;
	ether_addr_copy(lladdr, (const u8 *)(opt + 1));
	return true;
}

/*
 * Neighbour solicitation and advertisement, RFC 4861 4.3 and 4.4.  An option that
 * is cut short ends the walk; an address that stands twice voids them all.
 */
static void extract_nd(struct sk_buff *skb, struct sw_flow_key *key,
		       unsigned int ofs)
{
	unsigned int len = skb->len - ofs;
	const struct nd_msg *nd;
	unsigned int pos;

	if (len < sizeof(*nd) || unlikely(skb_linearize(skb)))
		return;

	nd = (const struct nd_msg *)skb_transport_header(skb);
	key->nd.target = nd->target;
	for (pos = sizeof(*nd); len - pos >= 8;) {
		const struct nd_opt_hdr *opt = (const void *)nd + pos;
		unsigned int opt_len = opt->nd_opt_len * 8;
		bool ok = true;

		if (!opt_len || opt_len > len - pos)
			return;
		if (opt_len == 8 && opt->nd_opt_type == ND_OPT_SOURCE_LL_ADDR)
			ok = nd_lladdr(key->nd.sll, opt);
		else if (opt_len == 8 &&
			 opt->nd_opt_type == ND_OPT_TARGET_LL_ADDR)
			ok = nd_lladdr(key->nd.tll, opt);
		if (!ok) {
			memset(&key->nd, 0, sizeof(key->nd));
			return;
		}
		pos += opt_len;
	}
}

static void extract_icmpv6(struct sk_buff *skb, struct sw_flow_key *key,
			   unsigned int ofs)
{
	const struct icmp6hdr *icmp;

	if (!pull(skb, ofs + sizeof(*icmp)))
		return;
	icmp = icmp6_hdr(skb);
	key->tp.src = htons(icmp->icmp6_type);
	key->tp.dst = htons(icmp->icmp6_code);
	if (!icmp->icmp6_code &&
	    (icmp->icmp6_type == NDISC_NEIGHBOUR_SOLICITATION ||
	     icmp->icmp6_type == NDISC_NEIGHBOUR_ADVERTISEMENT))
		extract_nd(skb, key, ofs);
}

static void extract_l4(struct sk_buff *skb, struct sw_flow_key *key)
{
	unsigned int ofs = skb_transport_offset(skb);

	switch (key->ip.proto) {
	case IPPROTO_TCP:
		extract_tcp(skb, key, ofs);
		break;
	case IPPROTO_UDP:
		extract_ports(skb, key, ofs, sizeof(struct udphdr));
		break;
	case IPPROTO_SCTP:
		extract_ports(skb, key, ofs, sizeof(struct sctphdr));
		break;
	case IPPROTO_ICMP:
		if (key->eth.type == htons(ETH_P_IP))
			extract_icmp(skb, key, ofs);
		break;
	case IPPROTO_ICMPV6:
		if (key->eth.type == htons(ETH_P_IPV6))
			extract_icmpv6(skb, key, ofs);
		break;
	}
}

static void extract_ipv4(struct sk_buff *skb, struct sw_flow_key *key)
{
	unsigned int ofs = skb_network_offset(skb);
	const struct iphdr *iph;
	unsigned int ihl;

	if (!pull(skb, ofs + sizeof(*iph)))
		return;
	ihl = ip_hdrlen(skb);
	if (unlikely(ihl < sizeof(*iph)) || !pull(skb, ofs + ihl))
		return;

	iph = ip_hdr(skb);
	skb_set_transport_header(skb, ofs + ihl);
	key->ipv4.src = iph->saddr;
	key->ipv4.dst = iph->daddr;
	key->ip.proto = iph->protocol;
	key->ip.tos = iph->tos;
	key->ip.ttl = iph->ttl;
	if (unlikely(iph->frag_off & htons(IP_OFFSET))) {
		key->ip.frag = OVS_FRAG_TYPE_LATER;
		return;
	}
	if (unlikely(iph->frag_off & htons(IP_MF) ||
		     (skb_is_gso(skb) &&
		      skb_shinfo(skb)->gso_type & SKB_GSO_UDP)))
		key->ip.frag = OVS_FRAG_TYPE_FIRST;
	extract_l4(skb, key);
}

/*
 * Note an extension header.  Userspace expects each at most once, in the order
 * of the table; @rank is that of the last one.
 */
static void note_ext_hdr(struct sw_flow_key *key, u8 *rank, u8 nexthdr)
{
	static const struct {
		u8 nexthdr;
		u8 flag;
	} order[] = {
		{ NEXTHDR_HOP, EXTHDR_HOP },
		{ NEXTHDR_DEST, EXTHDR_DEST },
		{ NEXTHDR_ROUTING, EXTHDR_ROUTER },
		{ NEXTHDR_FRAGMENT, EXTHDR_FRAG },
		{ NEXTHDR_AUTH, EXTHDR_AUTH },
		{ NEXTHDR_NONE, EXTHDR_NONEXT },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		if (order[i].nexthdr == nexthdr)
			break;
	if (i == ARRAY_SIZE(order))
		return;
	if (key->ipv6_exthdrs & order[i].flag)
		key->ipv6_exthdrs |= EXTHDR_UNREP;
	/* Destination options in a row are out of number, not out of order. */
	if (i + (nexthdr == NEXTHDR_DEST) < *rank)
		key->ipv6_exthdrs |= EXTHDR_UNSEQ;
	key->ipv6_exthdrs |= order[i].flag;
	*rank = i + 1;
}

/*
 * Find the upper-layer header behind the extension headers.  Sets ip.proto,
 * ip.frag and the transport header.  Returns whether there is one to read; a
 * chain of headers that is cut short counts as one that ends in "none".  Each
 * takes 8 bytes or more, so the packet's length bounds the walk.
 */
static bool skip_ext_hdrs(struct sk_buff *skb, struct sw_flow_key *key,
			  u8 nexthdr, unsigned int ofs)
{
	u8 rank = 0;

	while (ipv6_ext_hdr(nexthdr)) {
		const struct ipv6_opt_hdr *hdr;

		note_ext_hdr(key, &rank, nexthdr);
		if (nexthdr == NEXTHDR_NONE)
			break;
		if (!pull(skb, ofs + sizeof(struct frag_hdr)))
			goto cut;
		hdr = (const void *)(skb->data + ofs);
		if (nexthdr == NEXTHDR_FRAGMENT) {
			const struct frag_hdr *fh = (const void *)hdr;

			if (fh->frag_off & htons(IP6_OFFSET)) {
				key->ip.frag = OVS_FRAG_TYPE_LATER;
				break;
			}
			key->ip.frag = OVS_FRAG_TYPE_FIRST;
			ofs += sizeof(*fh);
		} else if (nexthdr == NEXTHDR_AUTH) {
			ofs += ipv6_authlen(hdr);
		} else {
			ofs += ipv6_optlen(hdr);
		}
		nexthdr = hdr->nexthdr;
	}
	/* skb->transport_header has 16 bits. */
	if (unlikely(ofs > skb->len || skb_headroom(skb) + ofs > U16_MAX))
		goto cut;
	key->ip.proto = nexthdr;
	skb_set_transport_header(skb, ofs);
	return !ipv6_ext_hdr(nexthdr);
cut:
	key->ip.proto = NEXTHDR_NONE;
	return false;
}

static void extract_ipv6(struct sk_buff *skb, struct sw_flow_key *key)
{
	unsigned int ofs = skb_network_offset(skb);
	const struct ipv6hdr *ip6;
	bool upper;

	if (!pull(skb, ofs + sizeof(*ip6)))
		return;
	ip6 = ipv6_hdr(skb);
	upper = skip_ext_hdrs(skb, key, ip6->nexthdr, ofs + sizeof(*ip6));

	ip6 = ipv6_hdr(skb);	/* the walk may have moved the head */
	key->ipv6.src = ip6->saddr;
	key->ipv6.dst = ip6->daddr;
	key->ipv6_label = ip6_flowlabel(ip6);
	key->ip.tos = ipv6_get_dsfield(ip6);
	key->ip.ttl = ip6->hop_limit;
	if (skb_is_gso(skb) && skb_shinfo(skb)->gso_type & SKB_GSO_UDP)
		key->ip.frag = OVS_FRAG_TYPE_FIRST;
	if (upper)
		extract_l4(skb, key);
}

/* ARP and RARP of IPv4 over Ethernet, RFC 826 and 903. */
static void extract_arp(struct sk_buff *skb, struct sw_flow_key *key)
{
	struct arp_eth {
		struct arphdr hdr;
		u8 sha[ETH_ALEN];
		u8 sip[4];
		u8 tha[ETH_ALEN];
		u8 tip[4];
	} __packed;
	const struct arp_eth *arp;

	if (!pull(skb, skb_network_offset(skb) + sizeof(*arp)))
		return;
	arp = (const struct arp_eth *)skb_network_header(skb);
	if (arp->hdr.ar_hrd != htons(ARPHRD_ETHER) ||
	    arp->hdr.ar_pro != htons(ETH_P_IP) ||
	    arp->hdr.ar_hln != ETH_ALEN || arp->hdr.ar_pln != 4)
		return;

	/* The key has eight bits for the opcode: larger ones are unknown. */
	if (ntohs(arp->hdr.ar_op) <= 0xff)
		key->ip.proto = ntohs(arp->hdr.ar_op);
	memcpy(&key->ipv4.src, arp->sip, sizeof(arp->sip));
	memcpy(&key->ipv4.dst, arp->tip, sizeof(arp->tip));
	ether_addr_copy(key->arp.sha, arp->sha);
	ether_addr_copy(key->arp.tha, arp->tha);
}

/* The label stack, RFC 3032; what is below it is the inner network header. */
static void extract_mpls(struct sk_buff *skb, struct sw_flow_key *key)
{
	unsigned int ofs = skb_network_offset(skb), i;

	for (i = 0; i < MAX_MPLS_WALK; i++) {
		__be32 lse;

		if (!pull(skb, ofs + MPLS_HLEN))
			break;
		memcpy(&lse, skb->data + ofs, MPLS_HLEN);
		ofs += MPLS_HLEN;
		if (i < OVS_MPLS_LABELS) {
			key->mpls.lse[i] = lse;
			key->mpls.present |= BIT(i);
		}
		if (lse & htonl(MPLS_LS_S_MASK))
			break;
	}
	skb_set_inner_network_header(skb, ofs);
}

/*
 * The network service header, RFC 8300.  Behind push_nsh it may lie at an odd
 * place, so its words are not read there.
 */
static void extract_nsh(struct sk_buff *skb, struct sw_flow_key *key)
{
	unsigned int ofs = skb_network_offset(skb);
	struct nshhdr nsh;
	unsigned int len;

	if (!pull(skb, ofs + NSH_BASE_HDR_LEN))
		return;
	memcpy(&nsh, skb->data + ofs, NSH_BASE_HDR_LEN);
	len = nsh_hdr_len(&nsh);
	if (nsh_get_ver(&nsh) || len < NSH_BASE_HDR_LEN ||
	    !pull(skb, ofs + len))
		return;
	if (nsh.mdtype == NSH_M_TYPE1) {
		if (len != NSH_M_TYPE1_LEN)
			return;
		memcpy(key->nsh.context, skb->data + ofs + NSH_BASE_HDR_LEN,
		       sizeof(key->nsh.context));
	} else if (nsh.mdtype != NSH_M_TYPE2) {
		return;
	}
	key->nsh.base.flags = nsh_get_flags(&nsh);
	key->nsh.base.ttl = nsh_get_ttl(&nsh);
	key->nsh.base.mdtype = nsh.mdtype;
	key->nsh.base.np = nsh.np;
	key->nsh.base.path_hdr = nsh.path_hdr;
}

static void extract_l3(struct sk_buff *skb, struct sw_flow_key *key)
{
	skb_reset_transport_header(skb);
	skb->transport_header = skb->network_header;

	switch (key->eth.type) {
	case htons(ETH_P_IP):
		extract_ipv4(skb, key);
		break;
	case htons(ETH_P_IPV6):
		extract_ipv6(skb, key);
		break;
	case htons(ETH_P_ARP):
	case htons(ETH_P_RARP):
		extract_arp(skb, key);
		break;
	case htons(ETH_P_MPLS_UC):
	case htons(ETH_P_MPLS_MC):
		extract_mpls(skb, key);
		break;
	case htons(ETH_P_NSH):
		extract_nsh(skb, key);
		break;
	}
}

/* Read an inline tag at @ofs, behind its type @tpid; returns the next type. */
static int extract_inline_vlan(struct sk_buff *skb, struct ovs_vlan *vlan,
			       __be16 tpid, unsigned int *ofs, __be16 *type)
{
	const struct vlan_hdr *hdr;

	if (!pull(skb, *ofs + sizeof(*hdr)))
		return -EINVAL;
	hdr = (const struct vlan_hdr *)(skb->data + *ofs);
	vlan->tpid = tpid;
	vlan->tci = hdr->h_vlan_TCI | htons(VLAN_CFI_MASK);
	*type = hdr->h_vlan_encapsulated_proto;
	*ofs += sizeof(*hdr);
	return 0;
}

/* What an 802.3 length field is followed by: SNAP's type, or none. */
static __be16 extract_llc_type(struct sk_buff *skb, unsigned int *ofs)
{
	const struct llc_snap *llc;

	if (skb->len < *ofs + sizeof(*llc) || !pull(skb, *ofs + sizeof(*llc)))
		return htons(ETH_P_802_2);
	llc = (const struct llc_snap *)(skb->data + *ofs);
	if (llc->dsap != LLC_SAP_SNAP || llc->ssap != LLC_SAP_SNAP ||
	    llc->oui[0] || llc->oui[1] || llc->oui[2])
		return htons(ETH_P_802_2);
	*ofs += sizeof(*llc);
	if (eth_proto_is_802_3(llc->ethertype))
		return llc->ethertype;
	return htons(ETH_P_802_2);
}

/*
 * Move an outer tag out of the frame, to where a device would have put it: so
 * that a program sees the same whichever way the packet came.  One that is too
 * short for that is left alone.
 */
static int untag(struct sk_buff *skb)
{
	__be16 tpid = eth_hdr(skb)->h_proto;
	u16 tci;
	int err;

	if (!pull(skb, VLAN_ETH_HLEN + sizeof(u16)))
		return 0;
	err = __skb_vlan_pop(skb, &tci);
	if (unlikely(err))
		return err;
	__vlan_hwaccel_put_tag(skb, tpid, tci);
	return 0;
}

/*
 * Ethernet addresses, up to two VLAN tags, of which the outer one is out of the
 * frame (skb_vlan_tag_present()), and the type.
 */
static int extract_eth(struct sk_buff *skb, struct sw_flow_key *key)
{
	unsigned int ofs = ETH_HLEN;
	const struct ethhdr *eth;
	struct ovs_vlan *vlan;
	__be16 type;

	skb_reset_mac_header(skb);
	if (unlikely(!pull(skb, ETH_HLEN)))
		return -EINVAL;
	if (unlikely(!skb_vlan_tag_present(skb) &&
		     eth_type_vlan(eth_hdr(skb)->h_proto) && untag(skb)))
		return -ENOMEM;
	eth = eth_hdr(skb);
	ether_addr_copy(key->eth.src, eth->h_source);
	ether_addr_copy(key->eth.dst, eth->h_dest);
	type = eth->h_proto;

	vlan = &key->eth.vlan;
	if (skb_vlan_tag_present(skb)) {
		vlan->tci = htons(skb->vlan_tci | VLAN_CFI_MASK);
		vlan->tpid = skb->vlan_proto;
		vlan = &key->eth.cvlan;
	}
	/* What skb_vlan_pop() goes by: the type in the frame, tag included. */
	skb->protocol = type;
	while (unlikely(eth_type_vlan(type))) {
		/* Of a tag that is cut short, the type is all that counts. */
		if (extract_inline_vlan(skb, vlan, type, &ofs, &type) ||
		    vlan == &key->eth.cvlan)
			break;
		vlan = &key->eth.cvlan;
	}

	if (unlikely(!eth_proto_is_802_3(type))) {
		type = extract_llc_type(skb, &ofs);
		if (!eth_type_vlan(skb->protocol))
			skb->protocol = type;
	}
	key->eth.type = type;
	skb_set_network_header(skb, ofs);
	skb_reset_mac_len(skb);
	return 0;
}

int ovs_flow_key_update(struct sk_buff *skb, struct sw_flow_key *key)
{
	u8 mac_proto = key->eth.mac_proto, tun_proto = key->tun_proto;
	typeof(key->ct_orig) ct_orig __uninitialized;
	int err;

	if (unlikely(key->ct.orig_proto))
		ct_orig = key->ct_orig;
	memset(&key->words[OVS_KEY_HDR_WORD], 0,
	       (OVS_KEY_BASE_WORDS - OVS_KEY_HDR_WORD) * sizeof(u64));
	key->eth.mac_proto = mac_proto;
	key->tun_proto = tun_proto;
	key->skb_mark = skb->mark;
	key->priority = skb->priority;
	if (likely(mac_proto == OVS_MAC_ETHERNET)) {
		err = extract_eth(skb, key);
		if (unlikely(err))
			return err;
	} else {
		skb_reset_mac_header(skb);
		skb_reset_network_header(skb);
		skb->mac_len = 0;
		key->eth.type = skb->protocol;
	}
	extract_l3(skb, key);
	if (unlikely(key->ct.orig_proto))
		key->ct_orig = ct_orig;
	return 0;
}

/* A device without link-layer headers may still carry Ethernet frames. */
static u8 skb_mac_proto(const struct sk_buff *skb)
{
	if (likely(skb->dev->type == ARPHRD_ETHER) ||
	    skb->protocol == htons(ETH_P_TEB))
		return OVS_MAC_ETHERNET;
	return OVS_MAC_NONE;
}

int ovs_flow_key_extract(struct sk_buff *skb, struct sw_flow_key *key,
			 u16 in_port, const struct ip_tunnel_info *info)
{
	key->in_port = in_port;
	key->recirc_id = 0;
	key->dp_hash = 0;
	memset(&key->ct, 0, sizeof(key->ct));
	key->eth.mac_proto = skb_mac_proto(skb);
	if (unlikely(info))
		ovs_tun_key_get(key, info);
	else
		key->tun_proto = 0;
	return ovs_flow_key_update(skb, key);
}
