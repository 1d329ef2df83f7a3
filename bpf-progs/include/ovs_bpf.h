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
 * @eth: the Ethernet header.
 * @ip: the IPv4 header.
 * @ports: source and destination port, as they were.
 * @both_ports: the same, as they lie there.
 * @l4_ofs: offset of the transport's header.
 * @proto: the transport: IPPROTO_TCP or IPPROTO_UDP.
 * @summed: whether it may have a checksum; of UDP, not known behind IP options.
 */
struct ovs_ipv4_l4 {
	struct ethhdr *eth;
	struct iphdr *ip;
	union {
		__be16 ports[2];
		__u32 both_ports;
	};
	__u32 l4_ofs;
	__u8 proto;
	__u64 summed;
};

/* Set the pointers to the Ethernet and IPv4 headers.  Return: 0, or -1 if cut short. */
static __always_inline int ovs_find_ipv4(struct __sk_buff *skb,
					 struct ovs_ipv4_l4 *p)
{
	p->eth = (void *)(long)skb->data;
	p->ip = (void *)(p->eth + 1);
	return (void *)(p->ip + 1) > (void *)(long)skb->data_end ? -1 : 0;
}

/* What TCP and UDP begin with; the last two are those of UDP. */
struct ovs_l4 {
	__u32 ports;
	__be16 len;
	__sum16 check;
};

/*
 * Read what is behind the IPv4 header.
 *
 * Behind IP options it is read by bpf_skb_load_bytes(), here and by its users: a
 * pointer to it would be one into the packet with a variable offset, which a daemon
 * that has CAP_BPF and CAP_NET_ADMIN alone can't load.
 */
static __always_inline int ovs_read_l4(struct __sk_buff *skb,
				       struct ovs_ipv4_l4 *p)
{
	const struct ovs_l4 *l4 = (const void *)(p->ip + 1);
	struct ovs_l4 copy;

	p->l4_ofs = sizeof(*p->eth) + p->ip->ihl * 4;
	p->summed = 1;
	if (p->ip->ihl == 5 &&
	    (const void *)(l4 + 1) <= (void *)(long)skb->data_end) {
		p->l4_ofs = sizeof(*p->eth) + sizeof(*p->ip);
		p->both_ports = l4->ports;
		if (!l4->check)
			p->summed = 0;
	} else {
		if (p->ip->ihl < 5 ||
		    bpf_skb_load_bytes(skb, p->l4_ofs, &copy, sizeof(copy)))
			return -1;
		p->both_ports = copy.ports;
	}
	if (p->proto == IPPROTO_UDP)
		return 0;
	p->summed = 1;
	return p->l4_ofs + sizeof(struct tcphdr) > skb->len ? -1 : 0;
}

/*
 * Find the headers of an untagged IPv4 packet of TCP or UDP; IP options are
 * passed over.  Return: 0, or -1 for any other packet, later fragments too.
 */
static __always_inline int ovs_parse_ipv4_l4(struct __sk_buff *skb,
					     struct ovs_ipv4_l4 *p)
{
	const struct iphdr *ip;

	if (ovs_find_ipv4(skb, p) ||
	    ((const __be16 *)p->eth)[6] != bpf_htons(ETH_P_IP))
		return -1;
	ip = p->ip;
	p->proto = ip->protocol;
	if (ip->frag_off & bpf_htons(0x1fff) ||
	    (p->proto != IPPROTO_UDP && p->proto != IPPROTO_TCP))
		return -1;
	return ovs_read_l4(skb, p);
}

/*
 * Replace a part of what the transport's checksum is about; @flags: its bytes, and
 * BPF_F_*.  The length is read anew: to keep @l4_ofs would cost all packets what few
 * need.
 */
static __always_inline long ovs_l4_csum_replace(struct __sk_buff *skb,
						const struct ovs_ipv4_l4 *p,
						__u32 from, __u32 to, __u64 flags)
{
	__u32 l4_ofs = sizeof(*p->eth) + p->ip->ihl * 4;

	if (p->proto == IPPROTO_UDP)
		return bpf_l4_csum_replace(skb, l4_ofs + offsetof(struct udphdr, check),
					   from, to, flags | BPF_F_MARK_MANGLED_0);
	return bpf_l4_csum_replace(skb, l4_ofs + offsetof(struct tcphdr, check),
				   from, to, flags);
}

/*
 * By what an Internet checksum changes where @from becomes @to, for ovs_csum_add()
 * (RFC 1624).
 */
static __always_inline __u32 ovs_csum_diff4(__be32 from, __be32 to)
{
	__u64 sum = (__u64)(__u32)~from + to;

	sum = (sum & 0xffff) + (sum >> 16);	/* 33 bits become 18 */
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* @diff: of ovs_csum_diff4(). */
static __always_inline __sum16 ovs_csum_add(__sum16 check, __u32 diff)
{
	__u32 sum = (__u16)~check + diff;

	return ~((sum & 0xffff) + (sum >> 16));
}

/*
 * Replace an IPv4 address, at @addr_ofs in the packet, a constant, and all checksums
 * incrementally.  Of @p, the pointers are valid afterwards; others into the packet
 * are not.  @diff: of ovs_csum_diff4(), which a program may remember.
 *
 * The transport's checksum is left to the helper: for the device to fill in, it is
 * half done, and only the kernel knows whether it is.  What it sums for a packet
 * whose sum a device told, the IPv4 header does not change: with its own checksum
 * right, it adds up to the same.
 */
static __always_inline int ovs_set_ipv4_addr_diff(struct __sk_buff *skb,
						  struct ovs_ipv4_l4 *p,
						  __u32 addr_ofs, __be32 from,
						  __be32 to, __u32 diff)
{
	struct iphdr *ip;

	if (p->summed &&
	    (ovs_l4_csum_replace(skb, p, from, to, BPF_F_PSEUDO_HDR | sizeof(to)) ||
	     ovs_find_ipv4(skb, p)))
		return -1;
	ip = (void *)(p->eth + 1);
	ip->check = ovs_csum_add(ip->check, diff);
	*(__be32 *)((void *)p->eth + addr_ofs) = to;
	return 0;
}

/* The same, where nothing is remembered. */
static __always_inline int ovs_set_ipv4_addr(struct __sk_buff *skb,
					     struct ovs_ipv4_l4 *p,
					     __u32 addr_ofs, __be32 from,
					     __be32 to)
{
	return ovs_set_ipv4_addr_diff(skb, p, addr_ofs, from, to,
				      ovs_csum_diff4(from, to));
}

/* Likewise for a port; no pointer into the packet is valid afterwards. */
static __always_inline int ovs_set_port(struct __sk_buff *skb,
					const struct ovs_ipv4_l4 *p,
					__u32 port_ofs, __be16 from, __be16 to)
{
	if (p->summed && ovs_l4_csum_replace(skb, p, from, to, sizeof(to)))
		return -1;
	return bpf_skb_store_bytes(skb, port_ofs, &to, sizeof(to), 0);
}

#endif /* OVS_BPF_H */
