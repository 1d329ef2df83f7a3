/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The flow key: what the datapath knows of a packet, and its extraction.
 */
#ifndef OVS_FLOW_H
#define OVS_FLOW_H 1

#include <linux/if_ether.h>
#include <linux/in6.h>
#include <linux/kernel.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable-types.h>
#include <linux/types.h>
#include <linux/u64_stats_sync.h>
#include <uapi/linux/openvswitch.h>

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
 * struct sw_flow_key - all that a flow can match on
 *
 * Read and compared as an array of 64-bit words, so there is no implicit
 * padding, and what a packet lacks is zero.  Values of the wire are in network
 * order.
 *
 * @in_port: datapath port, %OVS_NO_PORT if none.
 * @recirc_id: the stage; 0 for a packet that was just received.
 * @dp_hash: hash from the hash action, or the result of a program.
 * @skb_mark: skb->mark.
 * @priority: skb->priority.
 * @ipv6_label: flow label, in the 20 low bits.
 * @eth: Ethernet addresses, the type behind all VLAN tags (ETH_P_802_2 if it
 *	has none), outer and inner VLAN tag, &enum ovs_mac_proto.
 * @ip: common to IPv4 and IPv6; of ARP, @ip.proto is the opcode.
 * @tp: ports; ICMP type and code as 16-bit numbers.
 * @tp_flags: the 12 flag bits of TCP.
 * @ipv4: addresses, of ARP too.
 * @ipv6: addresses.
 * @arp: hardware addresses of ARP.
 * @nd: neighbour discovery.
 */
struct sw_flow_key {
	union {
		struct {
			u32 in_port;
			u32 recirc_id;
			u32 dp_hash;
			u32 skb_mark;
			u32 priority;
			__be32 ipv6_label;
			struct {
				u8 dst[ETH_ALEN];
				u8 src[ETH_ALEN];
				__be16 type;
				struct ovs_vlan vlan;
				struct ovs_vlan cvlan;
				u8 mac_proto;
				u8 pad;
			} eth;
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
			u8 pad[6];
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
			};
		};
		u64 words[16];
	};
};

#define OVS_KEY_WORDS (sizeof(struct sw_flow_key) / sizeof(u64))

static_assert(sizeof(struct sw_flow_key) == 16 * sizeof(u64));

/**
 * struct ovs_word_list - which words of a key a mask reads
 * @n: how many.
 * @idx: their indices, ascending.
 *
 * Made once when a mask is installed, so that a lookup touches those only.
 */
struct ovs_word_list {
	u8 n;
	u8 idx[OVS_KEY_WORDS];
};

/* Contents of @words for which a bit of @mask is set. */
static inline void ovs_word_list_init(struct ovs_word_list *list,
				      const struct sw_flow_key *mask)
{
	unsigned int i;

	list->n = 0;
	for (i = 0; i < OVS_KEY_WORDS; i++)
		if (mask->words[i])
			list->idx[list->n++] = i;
}

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
 *
 * Context: softirq or BH disabled.
 * Return: 0; -EINVAL or -ENOMEM if not even the link layer can be read, which
 * the caller answers by dropping.
 */
int ovs_flow_key_extract(struct sk_buff *skb, struct sw_flow_key *key,
			 u16 in_port);

/**
 * ovs_flow_key_update - extract anew all that the packet's bytes tell
 * @skb: the packet.
 * @key: in_port, recirc_id, dp_hash and eth.mac_proto are kept; mark, priority
 *	and the headers are written.
 *
 * Context and return value: as ovs_flow_key_extract().
 */
int ovs_flow_key_update(struct sk_buff *skb, struct sw_flow_key *key);

/**
 * ovs_flow_stats_update - count a packet
 * @flow: the flow it matched.
 * @tcp_flags: its TCP flags.
 * @len: its length in bytes, from the first header.
 *
 * Context: BH disabled.
 */
static inline void ovs_flow_stats_update(struct sw_flow *flow,
					 __be16 tcp_flags, unsigned int len)
{
	struct sw_flow_stats *stats = this_cpu_ptr(flow->stats);

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

void ovs_flow_stats_get(const struct sw_flow *flow,
			struct ovs_flow_totals *totals);
void ovs_flow_stats_clear(struct sw_flow *flow);
u64 ovs_flow_used_ms(unsigned long used);

#endif /* OVS_FLOW_H */
