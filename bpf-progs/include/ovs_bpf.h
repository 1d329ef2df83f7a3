/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The contract for authors of programs that run in the datapath.
 *
 * There are two classes of them, which the section's name tells:
 *
 *	SEC("lwt_out")	a filter: reads the packet, and returns its result, any
 *			32-bit number.  The verifier refuses it every store to
 *			the packet; what it writes to mark, priority and cb is
 *			forgotten.
 *	SEC("tc")	an action program: may change the packet, returns one of
 *			the verdicts of <linux/pkt_cls.h>, and may leave a result.
 *
 * Both see the packet from the Ethernet header on, and what is below in
 * skb->cb[].  What the result is for stands in the flow: it chooses among the
 * CASES of the action (<linux/openvswitch_bpf.h>).
 */
#ifndef OVS_BPF_H
#define OVS_BPF_H 1

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* The action's argument, set when the flow was installed. */
static __always_inline __u64 ovs_arg(const struct __sk_buff *skb)
{
	return (__u64)skb->cb[1] << 32 | skb->cb[0];
}

/* The datapath port that the packet came in by. */
static __always_inline __u32 ovs_in_port(const struct __sk_buff *skb)
{
	return skb->cb[2];
}

/* The recirculation id of this pass: 0 for a packet that just came in. */
static __always_inline __u32 ovs_stage(const struct __sk_buff *skb)
{
	return skb->cb[3];
}

/*
 * Write a control word.  In assembly, lest the compiler keep a pointer into the
 * context, which the verifier refuses.
 */
#define ovs_cb_set(skb, i, value)					\
	asm volatile("*(u32 *)(%[ctx] + %[ofs]) = %[val]"		\
		     : : [ctx] "r"(skb), [val] "r"((__u32)(value)),	\
		     [ofs] "i"(offsetof(struct __sk_buff, cb[i])) : "memory")

/*
 * Leave a result, of an action program: it chooses the case, and on recirculation
 * flows can match on it as dp_hash.  A filter returns its result instead.
 */
static __always_inline void ovs_set_result(struct __sk_buff *skb, __u32 result)
{
	ovs_cb_set(skb, 0, result);
}

/**
 * struct ovs_ipv4_l4 - where the headers of a TCP or UDP packet over IPv4 are
 * @ip: the IPv4 header.
 * @ports: source and destination port, as they were.
 * @ip_ofs: offset of @ip in the packet.
 * @l4_ofs: offset of the transport's header.
 * @csum_ofs: offset of the transport's checksum.
 * @udp: whether it is UDP.
 */
struct ovs_ipv4_l4 {
	struct iphdr *ip;
	__be16 ports[2];
	__u32 ip_ofs;
	__u32 l4_ofs;
	__u32 csum_ofs;
	_Bool udp;
};

/*
 * Find the headers of an untagged IPv4 packet of TCP or UDP; IP options are
 * passed over.  Return: 0, or -1 for any other packet, later fragments too.
 *
 * What is behind the IP header is read by bpf_skb_load_bytes(), here and by its users:
 * a pointer to it would be one into the packet with a variable offset, which a daemon
 * that has CAP_BPF and CAP_NET_ADMIN alone can't load.
 */
static __always_inline int ovs_parse_ipv4_l4(struct __sk_buff *skb,
					     struct ovs_ipv4_l4 *p)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	__be16 ports[2];
	__u32 ihl;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return -1;
	ihl = ip->ihl * 4;
	if (ihl < sizeof(*ip) || ip->frag_off & bpf_htons(0x1fff))
		return -1;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return -1;
	p->ip = ip;
	p->udp = ip->protocol == IPPROTO_UDP;
	p->ip_ofs = sizeof(*eth);
	p->l4_ofs = sizeof(*eth) + ihl;
	if (p->l4_ofs + (p->udp ? sizeof(struct udphdr) :
			 sizeof(struct tcphdr)) > skb->len ||
	    bpf_skb_load_bytes(skb, p->l4_ofs, ports, sizeof(ports)))
		return -1;
	p->ports[0] = ports[0];
	p->ports[1] = ports[1];
	p->csum_ofs = p->l4_ofs + (p->udp ? offsetof(struct udphdr, check) :
				   offsetof(struct tcphdr, check));
	return 0;
}

/* Flags for bpf_l4_csum_replace(): UDP may have no checksum. */
static __always_inline __u64 ovs_l4_csum_flags(const struct ovs_ipv4_l4 *p)
{
	return p->udp ? BPF_F_MARK_MANGLED_0 : 0;
}

/*
 * Replace an IPv4 address, at @addr_ofs in the packet, and all checksums
 * incrementally (RFC 1624).  Pointers into the packet are invalid afterwards.
 */
static __always_inline int ovs_set_ipv4_addr(struct __sk_buff *skb,
					     const struct ovs_ipv4_l4 *p,
					     __u32 addr_ofs, __be32 from,
					     __be32 to)
{
	if (bpf_l4_csum_replace(skb, p->csum_ofs, from, to, ovs_l4_csum_flags(p) |
				BPF_F_PSEUDO_HDR | sizeof(to)) ||
	    bpf_l3_csum_replace(skb, p->ip_ofs + offsetof(struct iphdr, check),
				from, to, sizeof(to)))
		return -1;
	return bpf_skb_store_bytes(skb, addr_ofs, &to, sizeof(to), 0);
}

/* Likewise for a port. */
static __always_inline int ovs_set_port(struct __sk_buff *skb,
					const struct ovs_ipv4_l4 *p,
					__u32 port_ofs, __be16 from, __be16 to)
{
	if (bpf_l4_csum_replace(skb, p->csum_ofs, from, to,
				ovs_l4_csum_flags(p) | sizeof(to)))
		return -1;
	return bpf_skb_store_bytes(skb, port_ofs, &to, sizeof(to), 0);
}

#endif /* OVS_BPF_H */
