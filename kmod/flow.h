/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The flow key: what the datapath knows of a packet, and its extraction.
 */
#ifndef OVS_FLOW_H
#define OVS_FLOW_H 1

#include <linux/if_ether.h>
#include <linux/if_vlan.h>
#include <linux/in6.h>
#include <linux/kernel.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable-types.h>
#include <linux/types.h>
#include <linux/u64_stats_sync.h>
#include <uapi/linux/openvswitch.h>

struct flow_stats_piece;
struct ip_tunnel_info;
struct sk_buff;

/* In the key of a packet that did not come from a port. */
#define OVS_NO_PORT U16_MAX

/**
 * enum ovs_mac_proto - the first header of a packet
 * @OVS_MAC_ETHERNET: an Ethernet header.
 * @OVS_MAC_NONE: none: it starts at layer 3.
 */
enum ovs_mac_proto {
	OVS_MAC_ETHERNET,
	OVS_MAC_NONE,
};

/**
 * struct ovs_vlan - a VLAN tag in a key
 * @tci: tag control information; VLAN_CFI_MASK is set in every tag present.
 * @tpid: its Ethernet type; both are 0 if there is no tag.
 */
struct ovs_vlan {
	__be16 tci;
	__be16 tpid;
};

/**
 * struct ovs_tun_key - the tunnel that a packet came by or is to leave by
 *
 * @id: key, VNI, or the like, in the low bits.
 * @ipv4: outer addresses, if sw_flow_key.tun_proto is AF_INET.
 * @ipv6: likewise for AF_INET6.
 * @tp_src: outer UDP ports.
 * @tp_dst: see there.
 * @flags: OVS_TUN_*.
 * @tos: outer DSCP and ECN.
 * @ttl: outer TTL or hop limit.
 * @opts_len: bytes of @opts that count; a match on options is always exact
 *	about it.
 * @pad: zero.
 * @opts: Geneve options, struct vxlan_metadata or struct erspan_metadata, as
 *	@flags says; see ovs_tun_key_get() for what lies behind @opts_len.
 */
struct ovs_tun_key {
	__be64 id;
	union {
		struct {
			__be32 src;
			__be32 dst;
		} ipv4;
		struct {
			struct in6_addr src;
			struct in6_addr dst;
		} ipv6;
	};
	__be16 tp_src;
	__be16 tp_dst;
	u16 flags;
	u8 tos;
	u8 ttl;
	u8 opts_len;
	u8 pad[7];
	u8 opts[256];
};

/*
 * Flags of struct ovs_tun_key: the kernel's numbers, in host order.  Bridge mode
 * is for packets that leave; there is none in a key.
 */
#define OVS_TUN_CSUM		BIT(0)
#define OVS_TUN_KEY		BIT(2)	/* id is there */
#define OVS_TUN_DF		BIT(8)	/* don't fragment */
#define OVS_TUN_OAM		BIT(9)
#define OVS_TUN_CRIT_OPT	BIT(10)	/* a Geneve option is critical */
#define OVS_TUN_GENEVE_OPT	BIT(11)
#define OVS_TUN_VXLAN_OPT	BIT(12)
#define OVS_TUN_ERSPAN_OPT	BIT(14)
#define OVS_TUN_BRIDGE		BIT(15)	/* ip_tunnel_info in bridge mode */
#define OVS_TUN_OPTS	(OVS_TUN_GENEVE_OPT | OVS_TUN_VXLAN_OPT | \
			 OVS_TUN_ERSPAN_OPT)
/* Those that the kernel's description of a tunnel has. */
#define OVS_TUN_WIRE	(OVS_TUN_CSUM | OVS_TUN_KEY | OVS_TUN_DF | \
			 OVS_TUN_OAM | OVS_TUN_CRIT_OPT | OVS_TUN_OPTS)

/* MPLS label stack entries that a key has room for. */
#define OVS_MPLS_LABELS 3

/**
 * struct sw_flow_key - all that a flow can match on
 *
 * Read and compared as an array of 64-bit words, so there is no implicit
 * padding, and what a packet lacks is zero; but the words of @tun are valid only
 * if @tun_proto is not zero, and must be read as zero else: ovs_key_word().
 * Values of the wire are in network order.
 *
 * @in_port: datapath port, %OVS_NO_PORT if none.
 * @recirc_id: the stage; 0 for a packet that was just received.
 * @dp_hash: hash from the hash action, or the result of a program.
 * @skb_mark: skb->mark.
 * @priority: skb->priority.
 * @ct: what conntrack said: mark, labels, transport ports of the original
 *	direction, zone, OVS_CS_F_*, protocol of the original direction (0: there
 *	is no original tuple).
 * @eth: Ethernet addresses, the type behind all VLAN tags (ETH_P_802_2 if it
 *	has none), outer and inner VLAN tag, &enum ovs_mac_proto.
 * @tun_proto: AF_INET or AF_INET6 of the tunnel; 0 if there is none.
 * @ip: common to IPv4 and IPv6; of ARP, @ip.proto is the opcode.
 * @tp: ports; ICMP type and code as 16-bit numbers.
 * @tp_flags: the 12 flag bits of TCP.
 * @ipv6_exthdrs: OFPIEH12_* of the extension headers.
 * @ipv6_label: flow label, in the 20 low bits.
 * @ipv4: addresses, of ARP too.
 * @ipv6: addresses.
 * @mpls: label stack entries, outermost first, and a mask of those there.
 * @nsh: network service header: base header, path header, context (MD type 1).
 * @arp: hardware addresses of ARP.
 * @nd: neighbour discovery.
 * @ct_orig: addresses of the original direction; its family is eth.type's.
 * @tun: the tunnel.
 */
struct sw_flow_key {
	union {
		struct {
			u32 in_port;
			u32 recirc_id;
			u32 dp_hash;
			u32 skb_mark;
			u32 priority;
			struct {
				u32 mark;
				u8 labels[16];
				struct {
					__be16 src;
					__be16 dst;
				} orig_tp;
				u16 zone;
				u8 state;
				u8 orig_proto;
			} ct;
			union {
				struct {
					u8 dst[ETH_ALEN];
					u8 src[ETH_ALEN];
					__be16 type;
					struct ovs_vlan vlan;
					struct ovs_vlan cvlan;
					u8 mac_proto;
				} eth;
				struct {
					u8 eth_space[23];
					u8 tun_proto;
				};
			};
			struct {
				u8 proto;
				u8 tos;
				u8 ttl;
				u8 frag;	/* enum ovs_frag_type */
			} ip;
			struct {
				__be16 src;
				__be16 dst;
			} tp;
			__be16 tp_flags;
			u16 ipv6_exthdrs;
			__be32 ipv6_label;
			union {
				struct {
					__be32 src;
					__be32 dst;
				} ipv4;
				struct {
					struct in6_addr src;
					struct in6_addr dst;
				} ipv6;
				struct {
					u32 present;
					__be32 lse[OVS_MPLS_LABELS];
				} mpls;
				struct {
					struct ovs_nsh_key_base base;
					__be32 context[NSH_MD1_CONTEXT_SIZE];
				} nsh;
			};
			union {
				struct {
					u8 sha[ETH_ALEN];
					u8 tha[ETH_ALEN];
				} arp;
				struct {
					struct in6_addr target;
					u8 sll[ETH_ALEN];
					u8 tll[ETH_ALEN];
					u8 pad[4];
				} nd;
				union {
					struct {
						__be32 src;
						__be32 dst;
					} ipv4;
					struct {
						struct in6_addr src;
						struct in6_addr dst;
					} ipv6;
				} ct_orig;
			};
			struct ovs_tun_key tun;
		};
		u64 words[19 + sizeof(struct ovs_tun_key) / sizeof(u64)];
	};
};

#define OVS_KEY_WORDS (sizeof(struct sw_flow_key) / sizeof(u64))
/* The first word of what the packet's headers tell. */
#define OVS_KEY_HDR_WORD (offsetof(struct sw_flow_key, eth) / sizeof(u64))
/* Those of every packet; behind them is the tunnel. */
#define OVS_KEY_BASE_WORDS (offsetof(struct sw_flow_key, tun) / sizeof(u64))

static_assert(offsetof(struct sw_flow_key, tun) == 19 * sizeof(u64));
static_assert(offsetof(struct sw_flow_key, tun_proto) ==
	      offsetof(struct sw_flow_key, eth.mac_proto) + 1);
static_assert(offsetof(struct sw_flow_key, eth) % sizeof(u64) == 0);
static_assert(sizeof(struct ovs_tun_key) % sizeof(u64) == 0);

/* A word of the key of a packet. */
static inline u64 ovs_key_word(const struct sw_flow_key *key, unsigned int w)
{
	return w < OVS_KEY_BASE_WORDS || key->tun_proto ? key->words[w] : 0;
}

/* Copy a key, but not a tunnel that is not there. */
static inline void ovs_key_copy(struct sw_flow_key *dst,
				const struct sw_flow_key *src)
{
	memcpy(dst->words, src->words, src->tun_proto ? sizeof(*src) :
	       offsetof(struct sw_flow_key, tun));
}

/**
 * struct ovs_word_list - which words of a key a mask reads
 * @n: how many.
 * @n_base: those below %OVS_KEY_BASE_WORDS.
 * @idx: their indices, ascending.
 *
 * Made once when a mask is installed, so that a lookup touches those only.
 */
struct ovs_word_list {
	u8 n;
	u8 n_base;
	u8 idx[OVS_KEY_WORDS];
};

/*
 * List the words of @mask that are not zero.  One that asks for anything of a
 * tunnel asks for its family, too.
 */
static inline void ovs_word_list_init(struct ovs_word_list *list,
				      const struct sw_flow_key *mask)
{
	unsigned int i, n = 0;

	for (i = 0; i < OVS_KEY_BASE_WORDS; i++)
		if (mask->words[i])
			list->idx[n++] = i;
	list->n_base = n;
	if (unlikely(mask->tun_proto))
		for (; i < OVS_KEY_WORDS; i++)
			if (mask->words[i])
				list->idx[n++] = i;
	list->n = n;
}

/**
 * struct sw_flow_match - what a flow is to match
 * @key: its key, as userspace sent it: not masked.
 * @mask: its mask.
 * @words: the words of @mask that are not zero.
 * @hash: of @mask.
 *
 * The last two are for who makes or looks for a flow: ovs_flow_match_init().
 */
struct sw_flow_match {
	struct sw_flow_key key;
	struct sw_flow_key mask;
	struct ovs_word_list words;
	u32 hash;
};

/**
 * struct sw_flow_id - how userspace names a flow
 * @ufid_len: bytes in @ufid, 1 to 16; 0 if the flow is named by its key.
 * @ufid: unique flow identifier, zero-padded.
 * @key: the key as userspace sent it, unmasked, if @ufid_len is 0.
 */
struct sw_flow_id {
	u32 ufid_len;
	u32 ufid[4];
	struct sw_flow_key *key;
};

/**
 * struct sw_flow_stats - what one CPU counted for a flow
 * @packets: packets.
 * @bytes: bytes, from the first header of the packet on.
 * @used: jiffies of the last packet; 0 if none.
 * @tcp_flags: union of the TCP flags seen.
 * @syncp: consistency of the 64-bit counters on 32-bit machines.
 */
struct sw_flow_stats {
	u64 packets;
	u64 bytes;
	unsigned long used;
	__be16 tcp_flags;
	struct u64_stats_sync syncp;
};

/**
 * struct sw_flow - a megaflow
 * @table_node: in flow_table.flows.
 * @ufid_node: in flow_table.ufids, if it has a UFID.
 * @index: its place in the order of dumps.
 * @hash: of @packed.
 * @mask: the mask, a reference.
 * @sf_acts: actions, replaced as a whole.
 * @stats: per-CPU counters.
 * @stats_piece: what they are part of.
 * @id: its name.
 * @rcu: its freeing.
 * @packed: the words of the masked key that @mask lists.
 */
struct sw_flow {
	struct rhash_head table_node;
	u32 hash;
	u32 index;
	struct sw_flow_mask *mask;
	struct sw_flow_actions __rcu *sf_acts;
	struct sw_flow_stats __percpu *stats;
	struct flow_stats_piece *stats_piece;
	struct rhash_head ufid_node;
	struct sw_flow_id id;
	struct rcu_head rcu;
	u64 packed[];
};

/**
 * ovs_flow_key_extract - fill in a key from a packet that was received
 * @skb: data at the first header (mac_proto tells which).  Its mac, network and
 *	transport offsets, mac_len and protocol are set.
 * @key: all of it is written.
 * @in_port: number of the port it came from.
 * @info: the tunnel that it came by, or NULL.
 *
 * Context: softirq or BH disabled.
 * Return: 0; -EINVAL or -ENOMEM if not even the link layer can be read, which
 * the caller answers by dropping.
 */
int ovs_flow_key_extract(struct sk_buff *skb, struct sw_flow_key *key,
			 u16 in_port, const struct ip_tunnel_info *info);

/**
 * ovs_flow_key_update - extract anew all that the packet's bytes tell
 * @skb: the packet.
 * @key: in_port, recirc_id, dp_hash, ct, eth.mac_proto and the tunnel are kept;
 *	mark, priority and the headers are written.
 *
 * Context and return value: as ovs_flow_key_extract().
 */
int ovs_flow_key_update(struct sk_buff *skb, struct sw_flow_key *key);

/*
 * Bytes of a packet as they are counted: from its first header on, a tag that is not
 * in the frame included.
 */
static inline u64 ovs_skb_len(const struct sk_buff *skb)
{
	u64 len = skb->len;

	if (unlikely(skb_vlan_tag_present(skb))) {
		len += VLAN_HLEN;
		/* One jump that is not taken, rather than a conditional move. */
		OPTIMIZER_HIDE_VAR(len);
	}
	return len;
}

/**
 * ovs_flow_stats_update - count a packet
 * @flow: the flow it matched.
 * @tcp_flags: its TCP flags.
 * @skb: the packet.
 *
 * Context: BH disabled.
 */
static inline void ovs_flow_stats_update(struct sw_flow *flow,
					 __be16 tcp_flags,
					 const struct sk_buff *skb)
{
	struct sw_flow_stats *stats = this_cpu_ptr(flow->stats);
	u64 len = ovs_skb_len(skb);

	u64_stats_update_begin(&stats->syncp);
	stats->packets++;
	stats->bytes += len;
	stats->used = jiffies;
	stats->tcp_flags |= tcp_flags;
	u64_stats_update_end(&stats->syncp);
}

/**
 * struct ovs_flow_totals - the counters of a flow, summed over CPUs
 * @stats: packets and bytes.
 * @used: jiffies of the last packet, 0 if none.
 * @tcp_flags: union of the flags.
 */
struct ovs_flow_totals {
	struct ovs_flow_stats stats;
	unsigned long used;
	__be16 tcp_flags;
};

/* flow_stats.c */
int ovs_flow_stats_alloc(struct sw_flow *flow);
void ovs_flow_stats_free(struct sw_flow *flow);
void ovs_flow_stats_exit(void);
void ovs_flow_stats_get(const struct sw_flow *flow,
			struct ovs_flow_totals *totals);
void ovs_flow_stats_clear(struct sw_flow *flow);
u64 ovs_flow_used_ms(unsigned long used);

#endif /* OVS_FLOW_H */
